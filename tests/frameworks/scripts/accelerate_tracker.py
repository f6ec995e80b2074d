# mypy: ignore-errors
"""accelerate's tracker: a training loop, images and tables."""

import numpy as np
import torch
from accelerate import Accelerator

LIBRARIES = ["accelerate", "torch"]

torch.manual_seed(0)
accelerator = Accelerator(cpu=True, log_with="wandb")
accelerator.init_trackers(
    "accelerated",
    config={"rate": 0.1, "layers": [4, 1], "nested": {"a": None}},
    init_kwargs={"wandb": {"tags": ["tiny"], "notes": "of accelerate", "group": "g"}},
)
model = torch.nn.Linear(4, 1)
features = torch.randn(32, 4)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(features), batch_size=8)
model, optimizer, loader = accelerator.prepare(
    model, torch.optim.SGD(model.parameters(), lr=0.1), loader
)
step = 0
for epoch in range(3):
    for (batch,) in loader:
        loss = torch.nn.functional.mse_loss(model(batch), batch.sum(1, keepdim=True))
        optimizer.zero_grad()
        accelerator.backward(loss)
        optimizer.step()
        accelerator.log({"loss": loss.item(), "rate": 0.1}, step=step)
        step += 1
    accelerator.log({"epoch": epoch})  # the same row
tracker = accelerator.get_tracker("wandb")
tracker.log_images({"pictures": [np.full((4, 4, 3), 7, dtype=np.uint8)] * 2}, step=step)
tracker.log_table("words", columns=["a", "b"], data=[[1, "x"]], step=step + 1)
tracker.tracker.summary["best"] = 0.5
tracker.store_init_configuration({"late": np.float32(0.5)})
accelerator.end_training()

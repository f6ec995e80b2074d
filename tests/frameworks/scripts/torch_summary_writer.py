# mypy: ignore-errors
"""torch.utils.tensorboard.SummaryWriter under sync_tensorboard=True, and between calls of log."""

import numpy as np
import torch
import wandb
from torch.utils.tensorboard import SummaryWriter

LIBRARIES = ["torch", "tensorboard"]
VARIES = ["filenames", "sha256", "path"]  # wandb names files of events by chance
DIFFERS = {
    "runs?1?.history?1?.note/text_summary": "texts come with the next row; wandb drops them",
    "runs?1?.summary.note/text_summary": "the same",
    "runs?1?.config.depth": "wandb drops hyperparameters",
    "runs?1?.config.rate": "the same",
}

draw = np.random.default_rng(0)

run = wandb.init(project="torch-tensorboard", sync_tensorboard=True)
run.log({"before": 1})
run.log({"open": 2}, commit=False)  # comes with the first row of the events
torch.manual_seed(0)
model = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
writer = SummaryWriter("logs/fit")
for step in range(20):
    features = torch.randn(16, 3)
    loss = ((model(features) - features.sum(1, keepdim=True)) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    writer.add_scalar("train/loss", loss.item(), step)
    writer.add_scalar("lr", 0.1 / (step + 1), step)
    if step % 5 == 0:
        writer.add_histogram("weight", model.weight, step)
        writer.add_histogram(
            "wide", draw.normal(size=1000) * 10.0 ** draw.integers(-9, 9, 1000), step
        )
writer.add_scalar("no/step", 0.5)
writer.add_scalar("odd", float("nan"), 21)
writer.add_scalar("odd", float("inf"), 22)
writer.add_scalar("new", 0.7, 23, new_style=True)
writer.add_scalar("double", 0.7, 24, new_style=True, double_precision=True)
writer.add_scalar("again", 1, 25)
writer.add_scalar("again", 2, 25)
writer.close()
run.finish()

run = wandb.init(project="torch-tensorboard", sync_tensorboard=True)
writer = SummaryWriter()
image = draw.integers(0, 255, (3, 8, 6), dtype=np.uint8)
writer.add_image("picture/0", image, 0)
writer.add_text("note", "some *words*", 1)
writer.add_images("pictures", image[None].repeat(2, 0), 1)
truth, predicted = np.array([1, 0, 1, 1]), np.array([0.9, 0.2, 0.6, 0.4])
writer.add_pr_curve("curve", truth, predicted, 2, num_thresholds=5)
writer.add_graph(model, torch.zeros(1, 3))
exp, ssi, sei = torch.utils.tensorboard.summary.hparams({"rate": 0.1, "depth": 3}, {"score": 1.0})
for summary in (exp, ssi, sei):
    writer.file_writer.add_summary(summary)
writer.add_scalar("score", 1.0, 3)
writer.close()
run.finish()
wandb.tensorboard.unpatch()

# Two folders: their names come before the tags. One after the other, since wandb reads them in
# any order.
wandb.tensorboard.patch(root_logdir="deep")
run = wandb.init(project="torch-tensorboard", config={"mine": 1})
writer = SummaryWriter("deep/er/train")
for step in range(3):
    writer.add_scalar("loss", step / 3, step)
writer.close()
run.finish()

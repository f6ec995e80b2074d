# mypy: ignore-errors
"""MMEngine's WandbVisBackend in a Runner: losses, metrics of a validation, a picture, watch."""

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.runner import Runner

LIBRARIES = ["mmengine", "torch"]
VARIES = ["time", "data_time"]


class Model(BaseModel):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 2)

    def forward(self, features, label, mode):
        found = self.linear(features)
        if mode == "loss":
            return {"loss": torch.nn.functional.cross_entropy(found, label)}
        return found, label


class Right(BaseMetric):
    def process(self, batch, outputs):
        found, label = outputs
        self.results.append((found.argmax(1) == label).float().mean().item())

    def compute_metrics(self, results):
        return {"right": sum(results) / len(results)}


torch.manual_seed(0)
loader = {
    "batch_size": 4,
    "num_workers": 0,
    "sampler": {"type": "DefaultSampler", "shuffle": False},
    "collate_fn": {"type": "default_collate"},
    "dataset": [(torch.ones(4) * number / 16, number % 2) for number in range(16)],
}
backend = {
    "type": "WandbVisBackend",
    "init_kwargs": {"project": "mmengine", "name": "linear"},
    "define_metric_cfg": {"loss": "min", "right": "max"},
    "watch_kwargs": {"log": "all", "log_freq": 2},
}
runner = Runner(
    model=Model(),
    work_dir="work",
    train_dataloader=loader,
    train_cfg={"by_epoch": True, "max_epochs": 2, "val_interval": 1},
    optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1}},
    val_dataloader=loader,
    val_cfg={},
    val_evaluator=[Right()],
    visualizer={"type": "Visualizer", "vis_backends": [backend]},
    default_hooks={"logger": {"type": "LoggerHook", "interval": 2}},
    experiment_name="linear",
    randomness={"seed": 0},
)
runner.visualizer.add_image("picture", np.full((5, 6, 3), 77, np.uint8))
runner.train()

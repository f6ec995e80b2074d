# mypy: ignore-errors
"""skorch's WandbLogger: the history, the gradients and the best model in the run's folder."""

import numpy as np
import torch
import wandb
from skorch import NeuralNetRegressor
from skorch.callbacks import WandbLogger

LIBRARIES = ["skorch", "torch"]
VARIES = ["dur"]

torch.manual_seed(0)
features = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
run = wandb.init(project="skorch", anonymous="allow")
run.config.update({"rate": 0.1, "size": 16})
net = NeuralNetRegressor(
    torch.nn.Linear,
    module__in_features=4,
    module__out_features=1,
    max_epochs=4,
    lr=0.1,
    batch_size=16,
    callbacks=[WandbLogger(run, keys_ignored="train_loss")],
    verbose=0,
)
net.fit(features, features.sum(1, keepdims=True))
assert (open(f"{run.dir}/best_model.pth", "rb").read(2)) == b"PK"
run.finish()

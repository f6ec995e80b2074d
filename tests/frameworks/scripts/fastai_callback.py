# mypy: ignore-errors
"""fastai's WandbCallback: gradients, tables of predictions, with images and without, a model."""

import random
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import wandb
from fastai.callback.tracker import SaveModelCallback
from fastai.callback.wandb import WandbCallback
from fastai.tabular.all import Categorify, Normalize, TabularDataLoaders, tabular_learner
from fastai.vision.all import ImageDataLoaders, Learner, PILImage, accuracy, set_seed

LIBRARIES = ["fastai"]
VARIES = ["train_samples_per_sec"]
FILES_VARY = ["*.pth"]

random.seed(0)
for number in range(12):
    folder = Path("pictures", "ab"[number % 2])
    folder.mkdir(parents=True, exist_ok=True)
    PILImage.create(np.full((16, 12, 3), 20 * number, np.uint8)).save(folder / f"{number}.png")
set_seed(1, reproducible=True)
model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 12, 2))
loaders = ImageDataLoaders.from_folder(
    "pictures", valid_pct=0.3, seed=1, bs=4, num_workers=0, device="cpu"
)


class Callback(WandbCallback):
    """Without the arguments of the learner, whose objects real wandb cannot take into a config."""

    def before_fit(self):
        self.learn.gather_args = dict
        super().before_fit()


wandb.init(project="fastai", config={"rate": 1e-3})
learner = Learner(
    loaders,
    model,
    loss_func=torch.nn.CrossEntropyLoss(),
    metrics=accuracy,
    cbs=[Callback(log="all", log_model=True, n_preds=3, seed=3), SaveModelCallback()],
)
with learner.no_bar():
    learner.fit(2, 1e-3)
    learner.fit(1, 1e-3)
wandb.finish()

WandbCallback._wandb_watch_called = False
frame = pd.DataFrame(
    {"kind": np.arange(40) % 5, "size": np.arange(40) / 40, "label": ["u", "v"] * 20}
)
loaders = TabularDataLoaders.from_df(
    frame,
    procs=[Categorify, Normalize],
    cat_names=["kind"],
    cont_names=["size"],
    y_names="label",
    bs=8,
    valid_idx=list(range(30, 40)),
    device="cpu",
)
wandb.init(project="fastai")
learner = tabular_learner(loaders, layers=[4], cbs=Callback(log="parameters"))
with learner.no_bar():
    learner.fit(2)
wandb.finish()

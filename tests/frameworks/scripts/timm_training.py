# mypy: ignore-errors
"""What timm's training script does: a namespace as config, and a row for each epoch."""

import argparse

import timm
import torch
import wandb
from timm.utils import update_summary

LIBRARIES = ["timm", "torch"]

torch.manual_seed(0)
arguments = argparse.Namespace(model="test_vit", rate=0.01, mean=(0.1, 0.2), seed=None)
wandb.init(project="timm", name="small", config=arguments, resume=None)
model = timm.create_model("test_vit", num_classes=2, img_size=32)
wandb.watch(model, log="all", log_freq=1)
optimizer = torch.optim.SGD(model.parameters(), arguments.rate)
for epoch in range(3):
    loss = model(torch.ones(2, 3, 32, 32)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    metrics = {"loss": loss.item()}
    update_summary(
        epoch, metrics, {"top1": epoch / 3, **metrics}, "summary.csv", lr=0.01, log_wandb=True
    )
wandb.finish()

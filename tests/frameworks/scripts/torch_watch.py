# mypy: ignore-errors
"""wandb.watch: gradients and parameters of several models, and their graphs."""

import torch
import wandb

LIBRARIES = ["torch"]
VARIES = ["graph_*"]  # nodes are numbered by their addresses


def make() -> torch.nn.Module:
    return torch.nn.Sequential(
        torch.nn.Conv1d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8, 1)
    )


def train(run, model, steps=7, loss=torch.nn.functional.mse_loss) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(steps):
        features = torch.randn(4, 1, 6)
        found = loss(model(features), features.sum(2))
        optimizer.zero_grad()
        found.backward()
        optimizer.step()
        run.log({"loss": found.item(), "step": step})


torch.manual_seed(0)
with wandb.init(project="watch") as run:
    model = make()
    run.watch(model, log="all", log_freq=2)
    train(run, model)
    run.unwatch(model)
    train(run, model, 2)

with wandb.init(project="watch") as run:
    models = [make(), torch.nn.Linear(6, 1)]
    wandb.watch(models, torch.nn.MSELoss(), log="parameters", log_freq=1, log_graph=True)
    train(run, models[0], 3)
    for step in range(3):
        models[1](torch.randn(4, 6)).sum().backward()
        wandb.log({"second": step})

with wandb.init(project="watch") as run:
    model = make()
    run.watch(model, log="gradients", log_freq=3, idx=7)
    model[0].weight.requires_grad_(False)
    train(run, model)
    with torch.no_grad():
        model[3].bias[0] = float("nan")
    run.watch(torch.nn.LSTM(2, 2), log=None)
    train(run, model, 3)

# mypy: ignore-errors
"""What simpletransformers does by hand: labels, watch, and plots of a classifier."""

import dataclasses

import numpy as np
import torch
import wandb

LIBRARIES = ["torch", "scikit-learn"]


@dataclasses.dataclass
class Arguments:
    learning_rate: float = 0.1
    labels: list = dataclasses.field(default_factory=lambda: ["a", "b"])
    wandb_project: str = "simple"
    wandb_kwargs: dict = dataclasses.field(default_factory=dict)


arguments = Arguments()
torch.manual_seed(0)
model = torch.nn.Linear(4, 2)
if arguments.wandb_project and not wandb.setup().settings.sweep_id:
    wandb.init(
        project=arguments.wandb_project,
        config={**dataclasses.asdict(arguments)},
        **arguments.wandb_kwargs,
    )
    wandb.run._label(repo="simpletransformers")
    wandb.watch(model)
for step in range(5):
    loss = model(torch.randn(8, 4)).logsumexp(1).mean()
    loss.backward()
    wandb.log({"Training loss": loss.item(), "lr": 0.1, "global_step": step})
truth = [0, 1, 1, 0]
probabilities = np.array([[0.8, 0.2], [0.4, 0.6], [0.6, 0.4], [0.9, 0.1]])
wandb.log({"confusion": wandb.sklearn.plot_confusion_matrix(truth, [0, 1, 0, 0], arguments.labels)})
wandb.log({"roc": wandb.plot.roc_curve(truth, probabilities, arguments.labels)})
wandb.log({"pr": wandb.plot.pr_curve(truth, probabilities, arguments.labels)})
wandb.log({"eval": 1.0}, step=20)
wandb.join()

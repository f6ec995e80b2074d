"""A Bayesian search in one program: no server, no account. It knows nothing of SynaDB.

synadb run examples/sweep_bayes.py
synadb sweeps                          # what was searched
synadb sweep show ID --plot sweep.png  # all trials, and a picture
"""

import math

import wandb

CONFIG = {
    "name": "bowl",
    "method": "bayes",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {
        "lr": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1.0},
        "layers": {"min": 1, "max": 8},
        "optimizer": {
            "parameters": {
                "name": {"values": ["sgd", "adam"]},
                "momentum": {"min": 0.0, "max": 0.99},
            }
        },
    },
}


def train():
    """A training run of which only the shape of its loss is real."""
    with wandb.init() as run:
        config = run.config
        best = 0.1 * (math.log10(config.lr) + 3) ** 2 + 0.05 * (config.layers - 4) ** 2
        if config.optimizer["name"] == "sgd":
            best += 0.2 * (0.9 - config.optimizer["momentum"])
        for epoch in range(10):
            run.log({"epoch": epoch, "loss": best + math.exp(-epoch)})


def main():
    sweep_id = wandb.sweep(CONFIG, project="sweep-example")
    wandb.agent(sweep_id, train, count=20)


if __name__ == "__main__":
    main()

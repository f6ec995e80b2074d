"""A Bayesian search in one program: no server, no account. It knows nothing of SynaDB.

Each trial is a run; the next one is chosen where a better loss is likely. Real wandb needs its
server for a sweep; here the trials are in the file, and more processes may join with the id.

synadb run examples/sweep_bayes.py
synadb sweeps                           # what was searched, by its ID
synadb sweep show ID --plot sweep.png   # all trials, and a picture
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
    """A training run of which only the shape of its loss is real; 1e-3 and 4 layers are best."""
    with wandb.init() as run:
        config = run.config
        floor = 0.1 * (math.log10(config.lr) + 3) ** 2 + 0.05 * (config.layers - 4) ** 2
        if config.optimizer["name"] == "sgd":
            floor += 0.2 * abs(0.9 - config.optimizer["momentum"])
        for epoch in range(10):
            run.log({"epoch": epoch, "loss": floor + math.exp(-epoch)})


def main():
    sweep_id = wandb.sweep(CONFIG, project="sweep-example")
    wandb.agent(sweep_id, train, count=20)
    sweep = wandb.Api().sweep(f"sweep-example/{sweep_id}")
    best = sweep.best_run()
    print(f"best of {len(sweep.runs)}: {best.name}, loss {best.summary['loss']:.4f}, {best.config}")


if __name__ == "__main__":
    main()

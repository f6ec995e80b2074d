"""The smallest whole program: start a run, log rows, note a result, finish.

It is an ordinary wandb script that knows nothing of SynaDB. The runs go to experiments.db in the
current folder; no account, no server.

synadb run examples/quickstart.py
synadb runs                               # what has been recorded
synadb show quickstart                    # this run: config, summary, metrics
synadb compare examples/quickstart.py     # under real wandb and under SynaDB, side by side
"""

import wandb

# The function to minimize: (x - 3)^2, from x = 0.
with wandb.init(project="examples", name="quickstart", config={"lr": 0.1, "steps": 50}) as run:
    x = 0.0
    for _ in range(run.config.steps):
        gradient = 2 * (x - 3)
        x -= run.config.lr * gradient
        run.log({"x": x, "loss": (x - 3) ** 2, "gradient": gradient})
    run.summary["verdict"] = "found" if abs(x - 3) < 1e-3 else "not found"

print(f"The minimum is at x = {x:.4f}: {run.config.steps} steps with lr = {run.config.lr}.")

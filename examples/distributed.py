"""Distributed training: a run for each rank in a group, or one run that all ranks share.

Ranks are told who they are by RANK and WORLD_SIZE, as torchrun and other launchers do it; without a
launcher the script starts two ranks itself. Each works on its part of the data. In the shared run
each rank logs under names of its own, `epoch` is the axis, and rank 0 says how the run ends.

synadb run examples/distributed.py                   # a group of runs
synadb run examples/distributed.py --shared first    # one run, of this id
synadb runs
synadb compare examples/distributed.py               # the group, under real wandb and under SynaDB
synadb run -- torchrun --nproc-per-node 2 examples/distributed.py --shared second    # with torch
"""

import argparse
import os
import random
import subprocess
import sys

import wandb

EPOCHS = 50


def start(rank, run_id):
    """Start this rank's run; with an id, which all ranks must give, its part of that run."""
    if run_id is None:
        return wandb.init(project="examples", group="ranks", job_type="train", name=f"rank-{rank}")
    settings = wandb.Settings(mode="shared", x_label=f"rank-{rank}", x_primary=rank == 0)
    return wandb.init(project="examples", id=run_id, settings=settings)


def train(rank, world_size, run_id):
    """Fit y = 2x to the points of this rank."""
    rng = random.Random(0)
    points = [(x, 2 * x + rng.gauss(0, 0.1)) for x in (rng.uniform(-1, 1) for _ in range(400))]
    mine = points[rank::world_size]
    prefix = f"rank-{rank}/" if run_id else ""
    weight = 0.0
    with start(rank, run_id) as run:
        run.define_metric(f"{prefix}*", step_metric="epoch")
        for epoch in range(EPOCHS):
            loss = sum((weight * x - y) ** 2 for x, y in mine) / len(mine)
            run.log({"epoch": epoch, f"{prefix}loss": loss, f"{prefix}weight": weight})
            weight -= 0.2 * sum(2 * (weight * x - y) * x for x, y in mine) / len(mine)
    print(f"rank {rank} of {world_size}: weight {weight:.3f} from {len(mine)} points")


def launch(world_size):
    """Start this script once a rank, as torchrun does; return the worst exit code."""
    ranks = [
        subprocess.Popen(
            [sys.executable, *sys.argv],
            env={**os.environ, "RANK": str(rank), "WORLD_SIZE": str(world_size)},
        )
        for rank in range(world_size)
    ]
    return max(abs(process.wait()) for process in ranks)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shared", metavar="ID", help="one run for all ranks, with this id")
    args = parser.parse_args()
    if "RANK" not in os.environ:
        sys.exit(launch(2))
    train(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), args.shared)


if __name__ == "__main__":
    main()

"""The program of sweep.yaml: what it is told on the command line is what it trains with.

synadb run examples/sweep_train.py --lr 0.1    # also without a sweep
"""

import argparse
import math
import random

import wandb

STEPS = 200


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--batch", type=int, default=16)
    args = parser.parse_args()
    rng = random.Random(0)
    weights = [0.0, 0.0]
    with wandb.init(project="sweep-example", config=vars(args)) as run:
        for _ in range(STEPS):
            gradient, loss = [0.0, 0.0], 0.0
            for _ in range(args.batch):
                x = rng.uniform(-1, 1)
                error = weights[0] + weights[1] * x - (0.5 + 2 * x + rng.gauss(0, 0.1))
                loss += error * error / args.batch
                gradient[0] += 2 * error / args.batch
                gradient[1] += 2 * error * x / args.batch
            weights = [w - args.lr * g for w, g in zip(weights, gradient)]
            run.log({"loss": loss, "distance": math.dist(weights, (0.5, 2))})


if __name__ == "__main__":
    main()

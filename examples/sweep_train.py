"""The program of sweep.yaml: what it is told on the command line is what it trains with.

synadb run examples/sweep_train.py --lr 0.1 --batch 8    # also without a sweep
synadb compare examples/sweep_train.py                   # under real wandb and under SynaDB
"""

import argparse
import math
import random

import wandb

STEPS = 200


def train_step(weights, points, lr):
    """One step of gradient descent on y = a + bx; returns the new weights and the loss."""
    errors = [weights[0] + weights[1] * x - y for x, y in points]
    slopes = (
        2 * sum(errors) / len(points),
        2 * sum(error * x for error, (x, _) in zip(errors, points)) / len(points),
    )
    loss = sum(error * error for error in errors) / len(points)
    return [w - lr * slope for w, slope in zip(weights, slopes)], loss


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--batch", type=int, default=16)
    args = parser.parse_args()
    rng = random.Random(0)
    weights = [0.0, 0.0]
    with wandb.init(project="sweep-example", config=args) as run:
        for _ in range(STEPS):
            xs = [rng.uniform(-1, 1) for _ in range(args.batch)]
            points = [(x, 0.5 + 2 * x + rng.gauss(0, 0.1)) for x in xs]
            weights, loss = train_step(weights, points, args.lr)
            distance = math.dist(weights, (0.5, 2))
            run.log({"loss": loss, "distance": distance})
    print(f"lr {args.lr}, batch {args.batch}: {distance:.4f} from the truth")


if __name__ == "__main__":
    main()

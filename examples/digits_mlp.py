"""A real training: handwritten digits, a network with one hidden layer, numpy alone.

Look at `define_metric`: the summary keeps the best accuracy and the lowest loss beside the last,
and `epoch` is the axis that the curves are drawn over. The data ship with scikit-learn.

synadb run examples/digits_mlp.py --hidden 64 --lr 0.2
synadb show digits-64                     # best accuracy, final loss, config
synadb compare examples/digits_mlp.py     # under real wandb and under SynaDB, side by side
"""

import argparse

import numpy as np
import wandb
from sklearn.datasets import load_digits


def load(rng):
    """Pictures of 8 x 8 pixels as rows from 0 to 1, shuffled, and split: 1,437 and 360."""
    digits = load_digits()
    order = rng.permutation(len(digits.target))
    x, y = digits.data[order] / 16, digits.target[order]
    return (x[:1437], y[:1437]), (x[1437:], y[1437:])


def forward(weights, x):
    """Return the hidden layer and the probability of each class."""
    w1, b1, w2, b2 = weights
    hidden = np.maximum(0, x @ w1 + b1)
    scores = np.exp(hidden @ w2 + b2)
    return hidden, scores / scores.sum(axis=1, keepdims=True)


def train_step(weights, x, y, lr):
    """One step of gradient descent on a batch, in place."""
    hidden, error = forward(weights, x)
    error[np.arange(len(y)), y] -= 1
    error /= len(y)
    back = (error @ weights[2].T) * (hidden > 0)
    gradients = x.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0)
    for weight, gradient in zip(weights, gradients):
        weight -= lr * gradient


def evaluate(weights, x, y):
    _, probability = forward(weights, x)
    return {
        "loss": float(-np.log(probability[np.arange(len(y)), y]).mean()),
        "accuracy": float((probability.argmax(axis=1) == y).mean()),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.2)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=32)
    args = parser.parse_args()

    rng = np.random.default_rng(0)
    (x, y), test = load(rng)
    weights = [
        rng.normal(0, 0.1, (64, args.hidden)),
        np.zeros(args.hidden),
        rng.normal(0, 0.1, (args.hidden, 10)),
        np.zeros(10),
    ]
    with wandb.init(project="examples", name=f"digits-{args.hidden}", config=args) as run:
        run.define_metric("*", step_metric="epoch")
        run.define_metric("test.accuracy", step_metric="epoch", summary="max,last")
        run.define_metric("test.loss", step_metric="epoch", summary="min,last")
        for epoch in range(1, args.epochs + 1):
            order = rng.permutation(len(y))
            for batch in np.split(order, range(args.batch, len(order), args.batch)):
                train_step(weights, x[batch], y[batch], args.lr)
            row = {
                "epoch": epoch,
                "train": evaluate(weights, x, y),
                "test": evaluate(weights, *test),
            }
            run.log(row)
            if epoch % 10 == 0:
                print(
                    f"epoch {epoch:3}: {row['train']['accuracy']:.1%} of the training pictures, "
                    f"{row['test']['accuracy']:.1%} of the others"
                )


if __name__ == "__main__":
    main()

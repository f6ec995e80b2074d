"""Tables and plots: what a classifier gets wrong, picture by picture and class by class.

Digits are told apart by the nearest mean picture. The run holds a table of the mistakes with a
picture in each row, and wandb's plots: a confusion matrix, ROC and precision-recall curves, bars, a
histogram and lines. The data ship with scikit-learn.

synadb run examples/tables_and_plots.py
synadb show tables-and-plots
synadb export tables-and-plots --out exported    # rows, tables, and artifacts with the pictures
synadb compare examples/tables_and_plots.py      # under real wandb and under SynaDB, side by side
"""

from collections import Counter

import numpy as np
import wandb
from sklearn.datasets import load_digits

NAMES = [str(digit) for digit in range(10)]


def classify():
    """Return pictures that were not learned from, what they are, and a score for each digit."""
    digits = load_digits()
    pictures, truth = digits.images, digits.target
    learned, known = pictures[:1000], truth[:1000]
    means = np.stack([learned[known == digit].mean(axis=0) for digit in range(10)])
    distance = np.sqrt(((pictures[1000:, None] - means) ** 2).sum(axis=(2, 3)))
    closeness = np.exp(-distance)
    return pictures[1000:], truth[1000:], closeness / closeness.sum(axis=1, keepdims=True)


def log_mistakes(run, pictures, truth, scores):
    """Log a row a mistake; each column has a type, which is that of its first value."""
    table = wandb.Table(columns=["picture", "is", "taken for", "how surely"])
    guesses = scores.argmax(axis=1)
    for index in np.flatnonzero(guesses != truth):
        pixels = (pictures[index] * 255 / 16).astype(np.uint8)
        guess = guesses[index]
        surely = round(scores[index, guess], 3)
        table.add_data(wandb.Image(pixels), NAMES[truth[index]], NAMES[guess], surely)
    run.log({"mistakes": table})


def log_plots(run, truth, scores):
    guesses = scores.argmax(axis=1)
    confusion = wandb.plot.confusion_matrix(
        y_true=truth.tolist(), preds=guesses.tolist(), class_names=NAMES
    )
    roc = wandb.plot.roc_curve(truth, scores, labels=NAMES)
    pr = wandb.plot.pr_curve(truth, scores, labels=NAMES)
    run.log({"confusion": confusion, "roc": roc, "pr": pr})

    # Plots of the columns of a table.
    right = [[name, float((guesses[truth == int(name)] == int(name)).mean())] for name in NAMES]
    by_class = wandb.Table(columns=["digit", "accuracy"], data=right)
    bars = wandb.plot.bar(by_class, "digit", "accuracy", title="Accuracy by digit")
    sureness = wandb.Table(columns=["how surely"], data=[[float(s)] for s in scores.max(axis=1)])
    histogram = wandb.plot.histogram(sureness, "how surely", title="How surely")
    run.log({"by_class": bars, "sureness": histogram})

    # Lines without a table: the share of right guesses among the surest n, for some digits.
    sizes = list(range(10, 81, 10))
    surest = {digit: np.argsort(-scores[:, digit], kind="stable") for digit in (0, 1, 8)}
    lines = [
        [float((truth[order[:n]] == digit).mean()) for n in sizes]
        for digit, order in surest.items()
    ]
    series = wandb.plot.line_series(
        sizes, lines, keys=[NAMES[digit] for digit in surest], title="Precision at n", xname="n"
    )
    run.log({"precision_at_n": series})


def main():
    pictures, truth, scores = classify()
    guesses = scores.argmax(axis=1)
    with wandb.init(project="examples", name="tables-and-plots") as run:
        log_mistakes(run, pictures, truth, scores)
        log_plots(run, truth, scores)
        run.summary["accuracy"] = float((guesses == truth).mean())

    wrong = Counter((truth[guesses != truth] * 10 + guesses[guesses != truth]).tolist())
    print(f"{wrong.total()} of {len(truth)} digits are taken for another, most often")
    for pair, count in wrong.most_common(3):
        print(f"  {pair // 10} for {pair % 10}: {count} times")


if __name__ == "__main__":
    main()

"""An ordinary training script that logs to wandb. It knows nothing of SynaDB.

Logistic regression on points inside and outside of a ring, 2,000 steps. Look at the report of the
comparison: what a log call costs on either side, and its last line.

synadb compare examples/demo.py    # under real wandb and under SynaDB, side by side
synadb run examples/demo.py        # under SynaDB alone
"""

import math
import random

import wandb

STEPS = 2_000
BATCH = 16


def sample(rng):
    """A point and its class: 1 inside a noisy ring, 0 outside."""
    x, y = rng.uniform(-1, 1), rng.uniform(-1, 1)
    return (x, y, x * x + y * y), float(x * x + y * y + rng.gauss(0, 0.05) < 0.5)


def predict(weights, features):
    score = weights[3] + sum(w * f for w, f in zip(weights, features))
    return 1 / (1 + math.exp(-score))


def train_step(weights, batch, lr):
    """One step of logistic regression; returns loss, accuracy and the gradient's norm."""
    gradient, loss, right = [0.0] * 4, 0.0, 0
    for features, label in batch:
        p = predict(weights, features)
        loss -= math.log(p if label else 1 - p)
        right += (p > 0.5) == bool(label)
        for i, f in enumerate((*features, 1.0)):
            gradient[i] += (p - label) * f / len(batch)
    for i, g in enumerate(gradient):
        weights[i] -= lr * g
    return loss / len(batch), right / len(batch), math.hypot(*gradient)


def evaluate(weights, points):
    hits = [(predict(weights, features) > 0.5, bool(label)) for features, label in points]
    found = sum(p and t for p, t in hits)
    return {
        "accuracy": sum(p == t for p, t in hits) / len(hits),
        "precision": found / max(1, sum(p for p, _ in hits)),
        "recall": found / max(1, sum(t for _, t in hits)),
    }


def main():
    rng = random.Random(0)
    wandb.init(
        project="demo",
        name="ring",
        config={"lr": 0.5, "steps": STEPS, "batch_size": BATCH, "model": {"kind": "logistic"}},
        tags=["example"],
    )
    wandb.config.update({"test_points": 500, "shuffle": True})
    test_points = [sample(rng) for _ in range(wandb.config.test_points)]

    weights = [rng.gauss(0, 0.1) for _ in range(4)]
    best = 0.0
    for step in range(wandb.config.steps):
        lr = wandb.config.lr * 0.5 * (1 + math.cos(math.pi * step / STEPS))
        loss, accuracy, norm = train_step(weights, [sample(rng) for _ in range(BATCH)], lr)
        row = {
            "loss": loss,
            "accuracy": accuracy,
            "lr": lr,
            "grad_norm": norm,
            "weight_norm": math.hypot(*weights),
        }
        if step % 200 == 199:
            row["eval"] = evaluate(weights, test_points)
            row["phase"] = "early" if step < STEPS // 2 else "late"
            best = max(best, row["eval"]["accuracy"])
        wandb.log(row)

    wandb.summary["best_accuracy"] = best
    wandb.summary["verdict"] = "learned" if best > 0.8 else "did not learn"
    wandb.finish()
    print(f"best accuracy {best:.1%} on {len(test_points)} points")


if __name__ == "__main__":
    main()

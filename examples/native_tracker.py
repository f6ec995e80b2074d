"""The native tracker: runs, params, metrics, media and artifacts in one file, and what comes back.

Look at how a metric is returned: numpy arrays of steps, values and times. Params and metrics keep
their types, and artifacts are bytes that nothing ever unpickles.

python examples/native_tracker.py
python examples/native_tracker.py another.db
"""

import math
import sys

import numpy as np

from synadb import ExperimentTracker


def log(tracker):
    # By id: several runs at once, from any thread.
    for lr in (0.1, 0.01):
        run_id = tracker.start_run(
            "decay", name=f"lr={lr}", tags=["example"], config={"lr": lr, "layers": [64, 10]}
        )
        tracker.log_params(run_id, {"optimizer": "sgd", "augment": True})
        for step in range(100):
            loss = math.exp(-lr * step)
            tracker.log_metrics(run_id, {"loss": loss, "accuracy": 1 - loss}, step=step)
        picture = np.exp(-lr * np.add.outer(np.arange(32), np.arange(32)))
        tracker.log_image(run_id, "decay", picture, caption=f"lr={lr}")
        worst = [{"digit": 4, "guess": 9}, {"digit": 7, "guess": 1}]
        tracker.log_table(run_id, "mistakes", worst)
        tracker.log_artifact(run_id, "weights", b"\x00\x01\x02\x03")
        tracker.end_run(run_id, "Completed")

    # As a context manager: ends as Completed, or as Failed when the block raises.
    with tracker.run("decay", name="by hand", config={"lr": 1.0}) as run:
        for step in range(100):
            run.log({"loss": 1 / (1 + step), "accuracy": step / 100})


def look(tracker):
    for run in tracker.query({"summary.loss": {"$lt": 0.5}}, "summary.loss", experiment="decay"):
        print(f"{run.name:8} {run.status:10} lr {run.config['lr']:<5} {run.summary['loss']:.6f}")

    best = tracker.best_run("decay", "loss", "min")
    steps, values, _times = tracker.get_metric(best.run_id, "loss")
    print(
        f"best: {best.name}, {len(steps)} points of loss, {values.dtype}: {values[:3].round(3)} ..."
    )
    print("artifact:", tracker.get_artifact(best.run_id, "weights"))
    print("table:", tracker.get_table(best.run_id, "mistakes").rows)
    [picture] = tracker.media(best.run_id, "decay")
    print(f"picture: {picture.path}, {picture.size} bytes")


def main(path="experiments.db"):
    with ExperimentTracker(path) as tracker:
        log(tracker)
        look(tracker)


if __name__ == "__main__":
    main(*sys.argv[1:])

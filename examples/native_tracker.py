"""The native tracker: runs, params, metrics and artifacts in one file.

python examples/native_tracker.py [DATABASE]
"""

import math
import sys

import numpy as np

from synadb import ExperimentTracker


def main(path="experiments.db"):
    with ExperimentTracker(path) as tracker:
        # By id: several runs at once, from any thread.
        for lr in (0.1, 0.01):
            run_id = tracker.start_run(
                "mnist", name=f"lr={lr}", tags=["example"], config={"lr": lr, "layers": [64, 10]}
            )
            tracker.log_param(run_id, "optimizer", "sgd")
            tracker.log_params(run_id, {"seed": 0, "augment": True})
            for step in range(100):
                loss = math.exp(-lr * step)
                tracker.log_metrics(run_id, {"loss": loss, "accuracy": 1 - loss}, step=step)
            tracker.log_metric(run_id, "epochs", 1)
            picture = np.exp(-lr * np.add.outer(np.arange(32), np.arange(32)))
            tracker.log_image(run_id, "decay", picture, caption=f"lr={lr}")
            worst = [{"digit": 4, "guess": 9}, {"digit": 7, "guess": 1}]
            tracker.log_table(run_id, "mistakes", worst)
            tracker.log_artifact(run_id, "weights", b"\x00\x01\x02\x03")
            tracker.end_run(run_id, "Completed")

        # As a context manager: ends as Completed, or as Failed when the block raises.
        with tracker.run("mnist", name="by hand", config={"lr": 1.0}) as run:
            for step in range(100):
                run.log({"loss": 1 / (1 + step), "accuracy": step / 100})

        runs = tracker.list_runs("mnist")
        for run in runs:
            print(f"{run.name:10} {run.state:10} {run.config} loss {run.summary['loss']:.6f}")

        run_id = next(run.run_id for run in runs if run.name == "lr=0.1")
        steps, values, _times = tracker.get_metric(run_id, "loss")
        print(f"loss of {run_id}: {len(steps)} points, the last one {values[-1]:.6f}")
        print("artifact:", tracker.get_artifact(run_id, "weights"))
        print("table:", tracker.get_table(run_id, "mistakes").rows)
        for record in tracker.media(run_id, "decay"):
            print(f"picture: {record.path}, {record.size} bytes")
        print("best:", tracker.best_run("mnist", "loss", "min").name)


if __name__ == "__main__":
    main(*sys.argv[1:2])

"""The second half of a pipeline: uses a logged data set, and logs the model that comes of it.

Which data a model was made of can be asked for afterwards, and which models were made of some data.
Real wandb needs its server for `use_artifact` and `wandb.Api`; here the file answers.

synadb run examples/artifacts_produce.py
synadb run examples/artifacts_consume.py                    # the newest version
synadb run examples/artifacts_consume.py --data line:v0     # the first; or line:checked
"""

import argparse
import csv
import json
from pathlib import Path

import wandb


def read(path):
    with path.open() as file:
        return [(float(row["x"]), float(row["y"])) for row in csv.DictReader(file)]


def fit(points):
    """Least squares: slope and intercept."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points)
    slope /= sum((x - mean_x) ** 2 for x, _ in points)
    return slope, mean_y - slope * mean_x


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="line:latest", metavar="NAME:VERSION")
    args = parser.parse_args()
    with wandb.init(project="examples", job_type="consume", config=args) as run:
        data = run.use_artifact(args.data, type="dataset")
        folder = Path(data.download())
        slope, intercept = fit(read(folder / "train.csv"))
        test = read(folder / "test.csv")
        error = sum((slope * x + intercept - y) ** 2 for x, y in test) / len(test)
        run.summary.update({"slope": slope, "intercept": intercept, "test_error": error})

        model = wandb.Artifact("line-model", "model", metadata={"test_error": error})
        with model.new_file("model.json") as file:
            json.dump({"slope": slope, "intercept": intercept}, file)
        run.log_artifact(model).wait()

    print(f"{model.name}: y = {slope:.3f} x {intercept:+.3f}, test error {error:.5f}")
    print(f"made of {', '.join(used.name for used in run.used_artifacts())} by run {run.name}")
    versions = wandb.Api().artifacts("dataset", "line")
    for version in versions:
        users = [user.name for user in version.used_by()]
        print(f"{version.name} {version.aliases}: used by {', '.join(users) or 'nobody'}")


if __name__ == "__main__":
    main()

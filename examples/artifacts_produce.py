"""The first half of a pipeline: logs a data set as a versioned artifact.

The same content again makes no new version; other content does, and what the two have in common is
stored once. The second half is artifacts_consume.py.

synadb run examples/artifacts_produce.py
synadb run examples/artifacts_produce.py --points 4000    # more points: another version
synadb compare examples/artifacts_produce.py              # under real wandb and under SynaDB
"""

import argparse
import random

import wandb


def write(artifact, name, points, seed):
    """Write points (x, y) near the line y = 3x - 1 into a file of the artifact."""
    rng = random.Random(seed)
    with artifact.new_file(name) as file:
        file.write("x,y\n")
        for _ in range(points):
            x = rng.uniform(-1, 1)
            file.write(f"{x:.6f},{3 * x - 1 + rng.gauss(0, 0.1):.6f}\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=2000, help="to train with")
    args = parser.parse_args()
    with wandb.init(project="examples", job_type="produce", config=args) as run:
        data = wandb.Artifact("line", "dataset", metadata={"points": args.points})
        write(data, "train.csv", args.points, seed=0)
        write(data, "test.csv", 500, seed=1)
        run.log_artifact(data, aliases=["checked"])
    print(f"logged {len(data.manifest.entries)} files, {data.size:,} bytes, digest {data.digest}")


if __name__ == "__main__":
    main()

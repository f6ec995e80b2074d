"""Brings runs along that wandb has recorded, asks about them, and takes everything out again.

wandb's folders are read as they are; only to record two for this example does it have to be
installed. What is there already is left alone, so that the script may run as often as you like.

WANDB_MODE=offline python examples/digits_mlp.py --hidden 8 --epochs 5
WANDB_MODE=offline python examples/digits_mlp.py --hidden 64 --epochs 5
python examples/migrate_from_wandb.py wandb --best test.accuracy.max
"""

import argparse
import subprocess
import sys

from synadb import ExperimentTracker

DATABASE, OUT = "migrated.db", "exported"


def synadb(*words):
    """Do what the command line does, and show the command."""
    print("\n$ synadb", *words, flush=True)
    subprocess.run([sys.executable, "-m", "synadb", *words], check=True)


def ask(key):
    """Say what there is, run by run in the order of `key`, and in numbers."""
    with ExperimentTracker(DATABASE, read_only=True) as tracker:
        print(f"\nThe best runs by {key}:")
        for run in tracker.query({f"summary.{key}": {"$exists": True}}, f"-summary.{key}", 5):
            print(f"  {run.name}: {run.config}")
        print("In all:")
        for row in tracker.sql(
            "select project, count(*) as runs, sum(steps) as steps, sum(seconds) as seconds"
            " from runs group by project"
        ):
            print("  {project}: {runs} runs, {steps} steps, {seconds:.1f} s".format(**row))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", help="wandb/, or one of the folders in it")
    parser.add_argument(
        "--best", metavar="KEY", default="_step", help="of the summary, nested or not"
    )
    args = parser.parse_args()
    synadb("import", "wandb", args.folder, "--db", DATABASE)
    ask(args.best)
    synadb("export", "--all", "--out", OUT, "--db", DATABASE)
    synadb("export", "--all", "--csv", "--out", "history.csv", "--db", DATABASE)


if __name__ == "__main__":
    main()

"""Cut the power under a logging process again and again, and see what is left.

    python -m tests.power --rounds 10 --seconds 45      Linux, as root

A round makes an ext4 file system in a file and starts a process that logs into it, about 1000 rows
a second, to one run that goes on and to one that ends half-way and whose tracker is closed then.
At a random moment the file is copied: the copy has what had reached the disk, and nothing of what
the operating system still held in memory. It is mounted, and the database in it is opened, checked
and read.
"""

from __future__ import annotations

import argparse
import contextlib
import filecmp
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from synadb.errors import RunNotFoundError
from synadb.tracker import ExperimentTracker

__all__ = ["DISK_BYTES", "Cut", "copy_disk", "cut", "main", "mounted"]

ROOT = Path(__file__).resolve().parent.parent
DISK_BYTES = 48 << 20

CHILD = """
import sys, time
from synadb.tracker import ExperimentTracker

tracker = ExperimentTracker(sys.argv[1])
long = tracker.run("power", run_id="long")
other = ExperimentTracker(sys.argv[1])
short = other.run("power", run_id="short")
end_at = time.time() + float(sys.argv[2])
print("logging", flush=True)
for i in range(10**9):
    long.log({"i": i, "time": time.time()})
    if not short.ended:
        short.log({"i": i})
        if time.time() > end_at:
            short.end()
            other.close()
            print(i + 1, flush=True)
    time.sleep(0.001)
"""


class Cut(NamedTuple):
    """What was found after a cut. `age` is when the oldest missing row was logged."""

    logged: int
    missing: int
    age: float
    ended: int
    ended_missing: int
    problems: list[str]

    @property
    def ok(self) -> bool:
        return not self.ended_missing and not self.problems


def cut(folder: Path, seconds: float) -> Cut:
    """One round in an empty folder; the cut comes that long after the start."""
    disk, copy = folder / "disk", folder / "copy"
    with disk.open("wb") as file:
        file.truncate(DISK_BYTES)
    subprocess.run(["mkfs.ext4", "-q", disk], check=True)
    with mounted(disk, folder) as mount, _logging(mount, seconds / 2) as child:
        time.sleep(seconds)
        copy_disk(disk, copy)
        moment = time.time()
        child.kill()
        assert child.stdout is not None
        ended = int(child.stdout.readline())
        with ExperimentTracker(mount / "experiments.db") as tracker:
            times = {row["i"]: row["time"] for row in tracker.rows("long") if row["time"] < moment}
    with mounted(copy, folder) as mount, ExperimentTracker(mount / "experiments.db") as tracker:
        problems = list(tracker.check().problems)
        missing = times.keys() - _rows(tracker, "long")
        ended_missing = set(range(ended)) - _rows(tracker, "short")
    age = moment - min((times[i] for i in missing), default=moment)
    return Cut(len(times), len(missing), age, ended, len(ended_missing), problems)


def _rows(tracker: ExperimentTracker, run_id: str) -> set[int]:
    try:
        return {row["i"] for row in tracker.rows(run_id)}
    except RunNotFoundError:
        return set()


@contextlib.contextmanager
def mounted(disk: Path, folder: Path) -> Iterator[Path]:
    mount = folder / "mount"
    mount.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", disk, mount], check=True)
    try:
        yield mount
    finally:
        subprocess.run(["umount", mount], check=True)


@contextlib.contextmanager
def _logging(mount: Path, end_after: float) -> Iterator[subprocess.Popen[str]]:
    """A process that logs, once it does."""
    command = [sys.executable, "-c", CHILD, str(mount / "experiments.db"), str(end_after)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            yield child
        finally:
            child.kill()


def copy_disk(disk: Path, copy: Path) -> None:
    """Copy the disk as it is at one moment: until two copies in a row are the same."""
    again = copy.with_suffix(".again")
    shutil.copyfile(disk, copy)
    shutil.copyfile(disk, again)
    while not filecmp.cmp(copy, again, shallow=False):
        os.replace(again, copy)
        shutil.copyfile(disk, again)


def main(argv: list[str] | None = None) -> int:
    """The command line: 0 when no row of an ended run was lost, and every database was sound."""
    parser = argparse.ArgumentParser(prog="python -m tests.power", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=45, help="the latest cut")
    options = parser.parse_args(argv)
    cuts = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="synadb-power-") as folder:
            cuts.append(cut(Path(folder), random.uniform(2, options.seconds)))
        print(cuts[-1], flush=True)
    print(
        f"{len(cuts)} cuts; of {sum(found.ended for found in cuts)} rows of ended runs "
        f"{sum(found.ended_missing for found in cuts)} were lost, of "
        f"{sum(found.logged for found in cuts)} rows of running ones "
        f"{sum(found.missing for found in cuts)}, logged at most "
        f"{max((found.age for found in cuts), default=0):.0f} s before; "
        f"{sum(len(found.problems) for found in cuts)} problems"
    )
    return 0 if all(found.ok for found in cuts) else 1


if __name__ == "__main__":
    sys.exit(main())

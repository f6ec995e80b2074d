"""Figures of the ways out: histories to files, databases into one, queries.

Whole commands in fresh processes. Real wandb has its service do all of this.
"""

from __future__ import annotations

import os
from pathlib import Path

from synadb.bench.measuring import ALONE, COMMAND, child, duration, emptied, medians
from synadb.tracker import ExperimentTracker

__all__ = ["section"]

ROWS, KEYS = 100_000, 10
FILES = 10
FILE_BYTES = 100_000_000


def section(sides: list[str], repeats: int, folder: Path) -> list[str]:
    """Measure; the part of the document."""
    del sides  # only ours can do it
    long = folder / "long.db"
    _make_points(long)
    found: dict[str, float] = {}
    query = "select avg(value) from metrics"
    for name, words in (
        ("1,000,000 points to CSV", ["export", "r0", "--out", folder / "out.csv"]),
        ("1,000,000 points to JSON Lines", ["export", "r0", "--out", folder / "out.jsonl"]),
        ("1,000,000 points to Parquet", ["export", "r0", "--out", folder / "out.parquet"]),
        ("the mean of 1,000,000 points by `synadb sql`", ["sql", query]),
    ):
        words = [*words, "--db", long]
        child("SynaDB", folder / "run", COMMAND, name, *words)  # writes byte code
        found |= medians(
            [child("SynaDB", folder / "run", COMMAND, name, *words) for _ in range(repeats)]
        )
    del found["whole process"]
    lines = ["## Ways out", "", *ALONE]
    lines += [f"| {name} | {duration(value)} |" for name, value in found.items()]
    return [*lines, *_merging(folder)]


def _merging(folder: Path) -> list[str]:
    below = folder / "merge"
    below.mkdir()
    files = [below / f"{number}.db" for number in range(FILES)]
    for number, file in enumerate(files):
        _make_points(file, number)
    size = sum(file.stat().st_size for file in files)
    name = "merging"
    took = child("SynaDB", folder / "run", COMMAND, name, "merge", below / "out.db", *files)[name]
    again = child("SynaDB", folder / "run", COMMAND, name, "merge", below / "out.db", *files)[name]
    emptied(below)
    return [
        f"| {FILES} files of {size // FILES // 1_000_000} MB into one | {duration(took)}, "
        f"{size / took / 1e6:,.0f} MB/s |",
        f"| the same again, when all of it is there | {duration(again)} |",
    ]


def _make_points(path: Path, number: int | None = None) -> None:
    """A run of a million points; with a number also an artifact that fills the file up."""
    with ExperimentTracker(path) as tracker:
        run = tracker.run("bench", run_id=f"r{number or 0}")
        for i in range(ROWS):
            run.log({f"m{key}": 1.0 / (i + key + 1) for key in range(KEYS)})
        tracker.finish(run)
        if number is not None:
            rest = FILE_BYTES - os.path.getsize(path)
            tracker.log_artifact(run.run_id, "weights", os.urandom(rest))

"""Figures of the ways in: an offline run of wandb's, a CSV file."""

from __future__ import annotations

from pathlib import Path

from synadb.bench.measuring import ALONE, COMMAND, WANDB, child, duration, emptied, medians

__all__ = ["section"]

ROWS = 100_000
CSV_ROWS = 1_000_000

WRITE = f"""
import random
import wandb
run = wandb.init(project="bench", settings=wandb.Settings(console="off", x_disable_stats=True))
for i in range({ROWS}):
    run.log({{"a": random.random(), "b": i * 0.5, "c": 1 / (i + 1), "d": i / 7, "e": i * 1e-9}})
run.finish()
"""


def section(sides: list[str], repeats: int, folder: Path) -> list[str]:
    """Measure; the part of the document."""
    lines = ["## Ways in", "", *ALONE]
    if WANDB in sides:
        child(WANDB, folder / "log", WRITE)
        name = f"an offline run of wandb's, {ROWS:,} rows of 5 floats"
        lines.append(_measured(name, ["wandb", folder / "log"], repeats, folder / "run"))
    table = folder / "table.csv"
    with table.open("w", encoding="utf-8") as file:
        file.write("step,a,b,c,d\n")
        file.writelines(f"{i},{i * 0.5},{1 / (i + 1)},{i / 7},{i % 9}\n" for i in range(CSV_ROWS))
    name = f"a CSV file of {CSV_ROWS:,} rows of 4 numbers"
    lines.append(_measured(name, ["csv", table], repeats, folder / "run"))
    return lines


def _measured(name: str, words: list[object], repeats: int, folder: Path) -> str:
    found = []
    for _ in range(repeats + 1):
        found.append(child("SynaDB", folder, COMMAND, name, "import", *words, "--db", "in.db"))
        emptied(folder)
    # The first of them writes byte code.
    return f"| {name} | {duration(medians(found[1:])[name])} |"

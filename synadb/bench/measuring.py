"""What the figures have in common: fresh processes on each side, medians, rows of a table."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from synadb.wandb_compat._install import overlay_environment

__all__ = [
    "ALONE",
    "COMMAND",
    "HEAD",
    "WANDB",
    "child",
    "duration",
    "emptied",
    "medians",
    "row",
    "sides",
]

WANDB, OURS = "wandb", "SynaDB"

# Times a command line of `synadb`; its first argument is the name of the figure.
COMMAND = """
import json, sys, time
a = time.perf_counter()
from synadb.cli import main
assert main(sys.argv[2:]) == 0
print()
print(json.dumps({sys.argv[1]: time.perf_counter() - a}))
"""


def sides() -> list[str]:
    """The sides that can be measured here, real wandb first where it is installed."""
    return [WANDB, OURS] if importlib.util.find_spec("wandb") is not None else [OURS]


def child(side: str, folder: Path, code: str, *arguments: object) -> dict[str, float]:
    """Run a script in a fresh process, with `folder` to write to; the figures that it prints.

    `import wandb` gives it real wandb (offline), or the drop-in with a database in `folder`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Byte code is kept, as on a user's machine: the first run of each side writes it.
    base = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    base |= {"WANDB_DIR": str(folder), "WANDB_SILENT": "true"}
    if side == WANDB:
        # Staged files are kept below WANDB_DATA_DIR, for ever if it is the user's own.
        environment = {**base, "WANDB_MODE": "offline", "WANDB_DATA_DIR": str(folder / "data")}
    else:
        environment = {**overlay_environment(base), "SYNADB_PATH": str(folder / "bench.db")}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{side}: {done.stderr[-2000:]}")
    lines = done.stdout.strip().splitlines()
    found: dict[str, float] = json.loads(lines[-1]) if lines else {}
    return {**found, "whole process": took}


def emptied(folder: Path) -> None:
    """Remove what a script has left, so that the next one has the same room."""
    shutil.rmtree(folder, ignore_errors=True)


def medians(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure over repeats."""
    return {key: statistics.median(each[key] for each in found) for key in found[0]}


def duration(seconds: float) -> str:
    """Seconds with the unit that suits them."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def row(name: str, values: Mapping[str, float], *, size: bool = False) -> str:
    """A row of a table of both sides; values are seconds, or bytes where `size` is set."""

    def shown(value: float) -> str:
        return f"{value / 1e6:,.2f} MB" if size else duration(value)

    ours = values[OURS]
    if WANDB not in values:
        return f"| {name} | not installed | {shown(ours)} | |"
    # Sizes, unlike times, hardly differ from one run to the next.
    ratio = f"{values[WANDB] / ours:.{3 if size else 1}f}"
    return f"| {name} | {shown(values[WANDB])} | {shown(ours)} | {ratio} |"


HEAD = ("| what | wandb | SynaDB | wandb / SynaDB |", "|---|---|---|---|")
ALONE = ("| SynaDB alone | |", "|---|---|")

"""The figures in docs/benchmarks.md, measured beside real wandb in one run.

`python -m synadb.bench.figures [--out FILE] [--only PART ...]` runs each workload in a fresh
process, wandb and SynaDB in turn, and writes the tables. Without wandb installed only SynaDB's side
is filled in.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from importlib import import_module
from pathlib import Path

from synadb.bench.measuring import sides

__all__ = ["main"]

PARTS = ("core", "media", "artifacts", "api", "sweeps", "export", "import")


def main() -> int:
    """Measure, write the document and print it; returns 0."""
    parser = argparse.ArgumentParser(description="measure SynaDB beside real wandb")
    parser.add_argument("--out", help="the document to write; with --only none by default")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    arguments = parser.parse_args()
    lines = [
        "# Benchmarks",
        "",
        "Made by `make bench` (`python -m synadb.bench.figures`): fresh processes, wandb (offline)",
        "and SynaDB in turn on one machine, medians over the repeats.",
        f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores. Shared "
        "machines are noisy: look at the ratios.",
    ]
    for part in arguments.only:
        section = import_module(f"synadb.bench.figures_{part}").section
        with tempfile.TemporaryDirectory() as folder:
            lines += ["", *section(sides(), arguments.repeats, Path(folder))]
    text = "\n".join([*lines, ""])
    out = arguments.out or ("docs/benchmarks.md" if arguments.only == PARTS else None)
    if out:
        Path(out).write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

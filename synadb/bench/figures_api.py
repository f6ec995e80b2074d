"""Figures of `wandb.Api` and of the queries below it, each measured in a fresh process.

Real wandb asks its service for all of this; there is nothing to measure it beside.
"""

from __future__ import annotations

import random
from pathlib import Path

from synadb.bench.measuring import ALONE, child, duration, medians
from synadb.ops import EndRun, Op, SetSummary, StartRun
from synadb.tracker import ExperimentTracker

__all__ = ["section"]

RUNS = 10_000
KEYS = 50
ROWS = 1_000_000

FINDING = """
import json, sys, time
pc = time.perf_counter
a = pc(); from synadb.wandb_compat.apis import Api; api = Api({"path": sys.argv[1]}); b = pc()
order = "-summary_metrics.acc"
found = api.runs("bench", filters={"config.lr": {"$gt": 1e-3}}, order=order)[:50]; c = pc()
best = found[0].summary["acc"]; d = pc()
assert len(found) == 50 and best >= found[-1].summary["acc"]
print(json.dumps({"import wandb.Api": b - a, "the best 50 of 10,000 runs": c - b}))
"""

READING = """
import json, sys, time
from collections import deque
from synadb.wandb_compat.apis import Api
pc = time.perf_counter
run = Api({"path": sys.argv[1]}).run("long")
a = pc(); deque(run.scan_history(keys=["loss", "acc"]), maxlen=0); b = pc()
rows = run.history(samples=500, pandas=False); c = pc()
keyed = run.history(samples=500, keys=["loss"], pandas=False); d = pc()
assert rows[-1]["_step"] == keyed[-1]["_step"] == 999_999
print(json.dumps({"rows a second, scan_history": 1_000_000 / (b - a),
    "500 samples of 1,000,000 rows": c - b, "500 samples of one key": d - c}))
"""

OPENING = """
import json, sys, time
pc = time.perf_counter
from synadb import ExperimentTracker
a = pc(); tracker = ExperimentTracker(sys.argv[1]); b = pc()
found = tracker.query({"config.lr": {"$gt": 1e-3}}, "-summary.acc", 50, experiment="bench")
c = pc()
assert len(found) == 50
print(json.dumps({"open a file of 10,000 runs": b - a, "the same 50 by `tracker.query`": c - b}))
"""


def section(sides: list[str], repeats: int, folder: Path) -> list[str]:
    """Measure; the part of the document."""
    del sides  # only ours can do it
    many, long = folder / "many.db", folder / "long.db"
    _make_runs(many)
    _make_rows(long)
    found: dict[str, float] = {}
    for code, path in ((FINDING, many), (OPENING, many), (READING, long)):
        child("SynaDB", folder / "run", code, path)  # writes byte code
        measured = [child("SynaDB", folder / "run", code, path) for _ in range(repeats)]
        found |= medians(measured)
    del found["whole process"]
    lines = ["## Reading with wandb.Api", "", *ALONE]
    for name, value in found.items():
        shown = f"{value:,.0f}" if "a second" in name else duration(value)
        lines.append(f"| {name} | {shown} |")
    return lines


def _make_runs(path: Path) -> None:
    """10,000 runs with 50 config and 50 summary keys each."""
    number = random.Random(0)
    with ExperimentTracker(path) as tracker:
        for first in range(0, RUNS, 500):
            ops: list[Op] = []
            for i in range(first, first + 500):
                config = {f"c{key}": number.random() for key in range(KEYS - 1)}
                summary = {f"s{key}": number.random() for key in range(KEYS - 1)}
                config["lr"] = 10 ** number.uniform(-5, -1)
                summary["acc"] = number.random()
                ops.append(StartRun(f"r{i}", "bench", 1.7e9 + i, config=config))
                ops.append(SetSummary(f"r{i}", summary))
                ops.append(EndRun(f"r{i}", "finished", 1.7e9 + i + 60, 0))
            tracker._store.apply(ops)


def _make_rows(path: Path) -> None:
    """A million rows."""
    with ExperimentTracker(path) as tracker:
        run = tracker.run("bench", run_id="long")
        for i in range(ROWS):
            run.log({"loss": 1.0 / (i + 1), "acc": i * 0.5, "lr": 0.1})
        tracker.finish(run)

"""Figures of the core: import, init, log, finish, one large artifact, reading, many processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from synadb.bench.measuring import ALONE, HEAD, child, duration, emptied, medians, row

__all__ = ["section"]

LOGGING = """
import json, random, sys, time
pc = time.perf_counter
a = pc(); import wandb; b = pc()
run = wandb.init(project="bench"); c = pc()
rows = int(sys.argv[1])
row = {"loss": 0.1, "acc": 0.2, "lr": 1e-3, "a": 0.5, "b": 0.7}
times = []
start = pc()
for i in range(rows):
    row["loss"] = random.random(); row["acc"] = random.random(); row["lr"] = random.random()
    row["a"] = random.random(); row["b"] = random.random()
    s = pc(); run.log(row); times.append(pc() - s)
d = pc(); run.finish(); e = pc()
later = []
for _ in range(5):
    s = pc(); run = wandb.init(project="bench"); later.append(pc() - s)
    run.log(row); run.finish()
times.sort()
print(json.dumps({"import": b - a, "first init": c - b, "later init": sorted(later)[2],
    "log, a long run, median": times[rows // 2], "log, a long run, p99": times[rows * 99 // 100],
    "log, a long run, max": times[-1], "all logs and finish": e - start}))
"""

# What a training loop is: some work, then a call.
PACED = """
import json, random, sys, time
pc = time.perf_counter
import wandb
work = float(sys.argv[1])
run = wandb.init(project="bench")
row = dict.fromkeys(("loss", "acc", "lr", "a", "b"), 0.0)
numbers = list(range(1000))
times = []
for i in range(1000):
    for key in row: row[key] = random.random()
    until = pc() + work
    while pc() < until: sum(numbers)
    s = pc(); run.log(row); times.append(pc() - s)
run.finish()
times.sort()
print(json.dumps({"median": times[500], "p99": times[990]}))
"""

NOTEBOOK = """
import random, wandb
for i in range(5):
    run = wandb.init(project="bench", reinit=True)
    for epoch in range(50):
        keys = ("train/loss", "train/acc", "val/loss", "val/acc", "lr")
        run.log({key: random.random() for key in keys})
    run.finish()
"""

READING = """
import json, os, random, struct, sys, time
from synadb import ExperimentTracker
pc = time.perf_counter
out = {}
for name, narrow in (("float64", False), ("float32", True)):
    path = os.path.join(sys.argv[1], name + ".db")
    rows = 1_000_000
    t = ExperimentTracker(path)
    run = t.run("bench")
    r = random.random
    for i in range(rows):
        values = (r(), r(), r(), r(), r())
        if narrow:
            values = struct.unpack("5f", struct.pack("5f", *values))
        run.log({"a": values[0], "b": values[1], "c": values[2], "d": values[3], "e": values[4]})
    t.finish(run)
    out["bytes a point, " + name] = os.path.getsize(path) / rows / 5
    t.close()
    if not narrow:
        import numpy
        t = ExperimentTracker(path)
        s = pc(); h = t.history(run.run_id); out["read 1M rows of 5 keys"] = pc() - s
        assert len(h.steps) == rows
        s = pc(); m = t.get_metric(run.run_id, "c"); out["read one metric of them"] = pc() - s
        t.close()
print(json.dumps(out))
"""

ARTIFACT = """
import json, os, sys, time
pc = time.perf_counter
folder = sys.argv[1]
blob = os.path.join(folder, "blob")
with open(blob, "wb") as f:
    for _ in range(512):
        f.write(os.urandom(1 << 20))
os.sync()  # the file was there before: neither side waits for it to reach the disk
out = {}
if sys.argv[2] == "wandb":
    import wandb
    run = wandb.init(project="bench")
    s = pc()
    artifact = wandb.Artifact("model", "model"); artifact.add_file(blob); run.log_artifact(artifact)
    out["512 MB artifact, log_artifact"] = pc() - s
    run.finish()
    out["512 MB artifact, to the end of finish"] = pc() - s
else:
    from synadb import ExperimentTracker
    path = os.path.join(folder, "e.db")
    t = ExperimentTracker(path); r = t.start_run("bench")
    s = pc(); t.log_artifact(r, "model", blob); out["512 MB artifact, log_artifact"] = pc() - s
    t.end_run(r); out["512 MB artifact, to the end of finish"] = pc() - s
    size = os.path.getsize(path)
    r = t.start_run("bench")
    s = pc(); t.log_artifact(r, "model", blob); t.end_run(r); out["again, unchanged"] = pc() - s
    out["more bytes, unchanged"] = os.path.getsize(path) / size - 1
    t.close()
print(json.dumps(out))
"""

# Seconds of work before each call.
PACES = {0.0: "log, a run of 1,000 calls", 0.001: "log, 1,000 calls, 1 ms of work before each"}

CROWD = """
import json, os, sys, time
from synadb import ExperimentTracker
path, seconds, rate = sys.argv[1], float(sys.argv[2]), 2000
t = ExperimentTracker(path)
run = t.run("crowd")
worst = n = 0
start = time.perf_counter()
while (now := time.perf_counter()) < start + seconds:
    due = int((now - start) * rate)
    while n < due:
        s = time.perf_counter()
        run.log({"i": n, "x": 0.5})
        worst = max(worst, time.perf_counter() - s)
        n += 1
    time.sleep(0.002)
t.finish(run)
assert len(t.get_metric(run.run_id, "i")) == n, "rows are missing"
t.close()
print(json.dumps({"rows": n, "worst": worst}))
"""


def section(sides: list[str], repeats: int, folder: Path) -> list[str]:
    """Measure; the part of the document."""
    logs: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    notebooks: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    artifacts: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for number in range(repeats + 1):
        for side in sides:
            place = folder / f"{side}{number}"
            rows = 200_000 if side == "SynaDB" else 20_000
            measured = child(side, place / "log", LOGGING, rows)
            notebook = child(side, place / "notebook", NOTEBOOK)
            for work, name in PACES.items():
                paced = child(side, place / f"paced{work}", PACED, work)
                measured |= {f"{name}, {figure}": took for figure, took in paced.items()}
            if number:  # the first is a warm-up
                logs[side].append(measured)
                notebooks[side].append(notebook)
    for number in range(3):
        for side in sides:
            place = folder / f"artifact{side}{number}"
            artifacts[side].append(child(side, place, ARTIFACT, place, side))
            emptied(place)
    reading = child("SynaDB", folder / "reading", READING, folder / "reading")
    return _lines(
        {side: medians(logs[side]) for side in sides},
        {side: medians(notebooks[side]) for side in sides},
        {side: medians(artifacts[side]) for side in sides},
        {**reading, **_crowd(folder / "crowd.db")},
    )


def _crowd(path: Path) -> dict[str, float]:
    command = [sys.executable, "-c", CROWD, str(path), "20"]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        for _ in range(16)
    ]
    found = [json.loads(process.communicate()[0].strip().splitlines()[-1]) for process in started]
    return {
        "crowd rows": sum(each["rows"] for each in found),
        "crowd worst": max(each["worst"] for each in found),
    }


def _lines(
    logs: Mapping[str, Mapping[str, float]],
    notebooks: Mapping[str, Mapping[str, float]],
    artifacts: Mapping[str, Mapping[str, float]],
    rest: Mapping[str, float],
) -> list[str]:
    lines = [
        "## Runs and rows",
        "",
        "A log call takes five random floats. In a long run wandb logs 20,000 rows and SynaDB",
        "200,000, one after another: wandb is at its fastest there.",
        "",
        *HEAD,
    ]
    paced = [f"{name}, {figure}" for name in PACES.values() for figure in ("median", "p99")]
    long = [f"log, a long run, {figure}" for figure in ("median", "p99", "max")]
    names = ("import", "first init", "later init", *paced, *long)
    lines += [row(name, {side: found[name] for side, found in logs.items()}) for name in names]
    each = {
        side: found["all logs and finish"] / (200_000 if side == "SynaDB" else 20_000)
        for side, found in logs.items()
    }
    lines.append(row("a row, log to the end of finish", each))
    whole = {side: found["whole process"] for side, found in notebooks.items()}
    lines.append(row("5 runs of 50 epochs, whole process", whole))
    for name in ("512 MB artifact, log_artifact", "512 MB artifact, to the end of finish"):
        lines.append(row(name, {side: found[name] for side, found in artifacts.items()}))
    ours = artifacts["SynaDB"]
    points = 5 * 200_000 / logs["SynaDB"]["all logs and finish"]
    lines += [
        "",
        *ALONE,
        f"| points a second, 200,000 logs of 5 floats, finish included | {points:,.0f} |",
        f"| the 512 MB artifact again, unchanged | {duration(ours['again, unchanged'])} |",
        f"| more bytes for it | {100 * ours['more bytes, unchanged']:.3f} % |",
    ]
    for name in ("bytes a point, float64", "bytes a point, float32"):
        lines.append(f"| {name} | {rest[name]:.2f} |")
    for name in ("read 1M rows of 5 keys", "read one metric of them"):
        lines.append(f"| {name} | {duration(rest[name])} |")
    return [
        *lines,
        f"| 16 processes, one file, 2,000 rows a second each, 20 s: rows, all there | "
        f"{int(rest['crowd rows']):,} |",
        f"| the slowest log call among them | {duration(rest['crowd worst'])} |",
    ]

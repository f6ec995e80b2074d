"""The figures in docs/benchmarks.md, measured beside real wandb in one run.

`python -m synadb.bench.figures [--out FILE]` runs each workload in a fresh process, wandb and
SynaDB in turn, and writes the table. Without wandb installed only SynaDB's side is filled in.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from synadb.wandb_compat._install import overlay_environment

__all__ = ["main"]

REPEATS = 5

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
    "log median": times[rows // 2], "log p99": times[rows * 99 // 100], "log max": times[-1],
    "all logs and finish": e - start}))
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


def main() -> int:
    """Measure everything and write the table; returns 0."""
    parser = argparse.ArgumentParser(description="measure SynaDB beside real wandb")
    parser.add_argument("--out", default="docs/benchmarks.md")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    arguments = parser.parse_args()
    sides = ["SynaDB"]
    if importlib.util.find_spec("wandb") is not None:
        sides.insert(0, "wandb")
    with tempfile.TemporaryDirectory() as folder:
        text = _report(sides, arguments.repeats, Path(folder))
    Path(arguments.out).write_text(text, encoding="utf-8")
    print(text)
    return 0


def _environment(side: str, folder: Path) -> dict[str, str]:
    # Byte code is kept, as on a user's machine: the first run of each side writes it.
    base = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    if side == "SynaDB":
        return {**overlay_environment(base), "SYNADB_PATH": str(folder / "bench.db")}
    return {**base, "WANDB_MODE": "offline", "WANDB_DIR": str(folder), "WANDB_SILENT": "true"}


def _child(side: str, folder: Path, code: str, *arguments: object) -> dict[str, float]:
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = {**_environment(side, folder), "WANDB_SILENT": "true"}
    start = time.perf_counter()
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{side}: {done.stderr[-2000:]}")
    lines = done.stdout.strip().splitlines()
    found: dict[str, float] = json.loads(lines[-1]) if lines else {}
    return {**found, "whole process": took}


def _medians(found: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(each[key] for each in found) for key in found[0]}


def _report(sides: list[str], repeats: int, folder: Path) -> str:
    logs: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    notebooks: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    artifacts: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for number in range(repeats + 1):
        for side in sides:
            place = folder / f"{side}{number}"
            rows = 200_000 if side == "SynaDB" else 20_000
            measured = _child(side, place / "log", LOGGING, rows)
            notebook = _child(side, place / "notebook", NOTEBOOK)
            if number:  # the first is a warm-up
                logs[side].append(measured)
                notebooks[side].append(notebook)
    for number in range(3):
        for side in sides:
            place = folder / f"artifact{side}{number}"
            artifacts[side].append(_child(side, place, ARTIFACT, place, side))
            for file in place.rglob("*"):
                if file.is_file():
                    file.unlink()
    (folder / "reading").mkdir()
    reading = _child("SynaDB", folder / "reading", READING, folder / "reading")
    crowd = _crowd(folder / "crowd.db")
    return _text(
        {side: _medians(logs[side]) for side in sides},
        {side: _medians(notebooks[side]) for side in sides},
        {side: _medians(artifacts[side]) for side in sides},
        {**reading, **crowd},
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


def _time(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def _text(
    logs: Mapping[str, Mapping[str, float]],
    notebooks: Mapping[str, Mapping[str, float]],
    artifacts: Mapping[str, Mapping[str, float]],
    rest: Mapping[str, float],
) -> str:
    lines = [
        "# Benchmarks",
        "",
        "Made by `make bench` (`python -m synadb.bench.figures`): fresh processes, wandb (offline)",
        "and SynaDB in turn on one machine, medians over the repeats. A log call takes five random",
        f"floats. Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores.",
        "wandb logs 20,000 rows and SynaDB 200,000. Shared machines are noisy: look at the ratios.",
        "",
        "| what | wandb | SynaDB | wandb / SynaDB |",
        "|---|---|---|---|",
    ]
    names = ("import", "first init", "later init", "log median", "log p99", "log max")
    lines += [_row(name, {side: found[name] for side, found in logs.items()}) for name in names]
    each = {
        side: found["all logs and finish"] / (200_000 if side == "SynaDB" else 20_000)
        for side, found in logs.items()
    }
    lines.append(_row("a row, log to the end of finish", each))
    whole = {side: found["whole process"] for side, found in notebooks.items()}
    lines.append(_row("5 runs of 50 epochs, whole process", whole))
    for name in ("512 MB artifact, log_artifact", "512 MB artifact, to the end of finish"):
        lines.append(_row(name, {side: found[name] for side, found in artifacts.items()}))
    ours = artifacts["SynaDB"]
    points = 5 * 200_000 / logs["SynaDB"]["all logs and finish"]
    lines += [
        "",
        "| SynaDB alone | |",
        "|---|---|",
        f"| points a second, 200,000 logs of 5 floats, finish included | {points:,.0f} |",
        f"| the 512 MB artifact again, unchanged | {_time(ours['again, unchanged'])} |",
        f"| more bytes for it | {100 * ours['more bytes, unchanged']:.3f} % |",
    ]
    for name in ("bytes a point, float64", "bytes a point, float32"):
        lines.append(f"| {name} | {rest[name]:.2f} |")
    for name in ("read 1M rows of 5 keys", "read one metric of them"):
        lines.append(f"| {name} | {_time(rest[name])} |")
    lines += [
        f"| 16 processes, one file, 2,000 rows a second each, 20 s: rows, all there | "
        f"{int(rest['crowd rows']):,} |",
        f"| the slowest log call among them | {_time(rest['crowd worst'])} |",
        "",
    ]
    return "\n".join(lines)


def _row(name: str, values: Mapping[str, float]) -> str:
    ours = values["SynaDB"]
    if "wandb" not in values:
        return f"| {name} | not installed | {_time(ours)} | |"
    return f"| {name} | {_time(values['wandb'])} | {_time(ours)} | {values['wandb'] / ours:.1f} |"


if __name__ == "__main__":
    raise SystemExit(main())

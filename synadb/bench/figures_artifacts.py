"""Figures of versioned artifacts: many small files, one large file."""

from __future__ import annotations

import os
from pathlib import Path

from synadb.bench.measuring import ALONE, HEAD, child, duration, emptied, medians, row

__all__ = ["section"]

FILES = 10_000
FILE_BYTES = 2000
LARGE_MB = 2048

# The same script for wandb and for the drop-in.
LOG = """
import json, sys, time
import wandb
pc = time.perf_counter
run = wandb.init(project="bench")
a = pc(); artifact = wandb.Artifact("data", "dataset"); artifact.add_dir(sys.argv[1])
b = pc(); run.log_artifact(artifact)
c = pc(); run.finish(); d = pc()
print(json.dumps({"add_dir": b - a, "log_artifact": c - b, "to the end of finish": d - a}))
"""

NATIVE = """
import json, os, shutil, sys, time
from synadb.tracker import ExperimentTracker
pc = time.perf_counter
source, place = sys.argv[1:3]
out = {}
with ExperimentTracker(os.path.join(place, "native.db")) as tracker:
    run = tracker.start_run("bench")
    a = pc(); version = tracker.artifacts.log("data", source, run_id=run)
    out["log, tracker"] = pc() - a
    a = pc(); again = tracker.artifacts.log("data", source, run_id=run)
    out["log again, unchanged"] = pc() - a
    assert again.uid == version.uid
    tracker.end_run(run)
    size = os.path.getsize(tracker.path)
    draft = tracker.artifacts.draft()
    draft.add_folder(source)
    draft.add_bytes("one more", b"1")
    tracker.artifacts.commit(draft, "data", project="bench")
    tracker._store.checkpoint(truncate=True)
    out["bytes a file of a second version that has it too"] = (
        os.path.getsize(tracker.path) - size
    ) / version.file_count
    target = os.path.join(place, "out")
    a = pc(); tracker.artifacts.download("data:v0", target)
    out["files a second, download"] = version.file_count / (pc() - a)
    a = pc(); tracker.artifacts.download("data:v0", target)
    out["files a second, download again, nothing changed"] = version.file_count / (pc() - a)
    assert tracker.artifacts.verify("data:v0", target) == {}
print(json.dumps(out))
"""

LARGE = """
import json, os, resource, sys, time
from synadb.artifacts import Draft
from synadb.tracker import ExperimentTracker
pc = time.perf_counter
source, place, how = sys.argv[1:4]
out = {}
size = os.path.getsize(source) / 2**20
with ExperimentTracker(os.path.join(place, f"{how}.db")) as tracker:
    a = pc()
    draft = Draft() if how == "before a run" else tracker.artifacts.draft()
    draft.add_file(source)
    version = tracker.artifacts.commit(draft, "model", project="bench")
    out[f"MB a second, log one file, {how}"] = size / (pc() - a)
    a = pc(); tracker.artifacts.download(version, os.path.join(place, "out"))
    out[f"MB a second, download it, {how}"] = size / (pc() - a)
out[f"peak memory in MB, {how}"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(out))
"""


def section(sides: list[str], repeats: int, folder: Path) -> list[str]:
    """Measure; the part of the document."""
    source = folder / "small"
    for number in range(FILES):
        file = source / f"{number // 100:03}" / f"{number}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(FILE_BYTES))
    os.sync()
    found: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    natives = []
    for number in range(repeats + 1):
        for side in sides:
            place = folder / f"{side}{number}"
            measured = child(side, place, LOG, source)
            if number:  # the first is a warm-up
                found[side].append(measured)
            emptied(place)
        place = folder / f"native{number}"
        natives.append(child("SynaDB", place, NATIVE, source, place))
        emptied(place)
    middle = {side: medians(values) for side, values in found.items()}
    lines = ["## Artifacts", "", *HEAD]
    for name in ("add_dir", "log_artifact", "to the end of finish"):
        values = {side: figures[name] for side, figures in middle.items()}
        lines.append(row(f"{FILES:,} files of {FILE_BYTES:,} bytes, {name}", values))
    lines += ["", *ALONE]
    for name, value in medians(natives[1:]).items():
        if name.startswith("log"):
            lines.append(f"| {FILES:,} files, {name} | {duration(value)} |")
        elif name != "whole process":
            lines.append(f"| {FILES:,} files, {name} | {value:,.0f} |")
    for name, value in _large(folder).items():
        lines.append(f"| one file of {LARGE_MB:,} MB, {name} | {value:,.0f} |")
    return lines


def _large(folder: Path) -> dict[str, float]:
    """One large file: throughput, and the peak memory of the process."""
    source = folder / "large"
    with source.open("wb") as file:
        for _ in range(LARGE_MB):
            file.write(os.urandom(1 << 20))
    os.sync()
    found: dict[str, float] = {}
    for how in ("in a run", "before a run"):
        place = folder / how
        found |= child("SynaDB", place, LARGE, source, place, how)
        emptied(place)
    del found["whole process"]
    return found

"""Runs replayed through the real wandb, in a process of its own, and compared with what it wrote.

History, metric definitions, summary, config, name, tags, notes, group, job type, console output,
files (media among them), tables with the media in their cells, and artifacts go over. wandb has no
place for how long a run took (it measures that itself, in rows and summary), for integers of more
than 64 bits, for a NaN in the summary that did not come from the history, nor, without its server,
for which artifacts a run used.
"""

from __future__ import annotations

import glob
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from synadb.bench.replay_tables import TABLE_TYPES, TableReplay
from synadb.bench.trial import _without_overlay
from synadb.errors import SynaDBError
from synadb.formats.wandb_log import read_wandb_log

if TYPE_CHECKING:
    from synadb.artifact_records import VersionRecord
    from synadb.tracker import ExperimentTracker

__all__ = ["Replayed", "find_wandb", "replay"]

_CHILD = Path(__file__).with_name("child_replay.py")
# What wandb writes itself.
_ITS_OWN = frozenset(
    ("config.yaml", "wandb-metadata.json", "wandb-summary.json", "requirements.txt")
)
_NO_TABLE = "an artifact of a table: wandb takes its type from no script; the row goes along"
_SPECIAL = ("_step", "_runtime", "_timestamp")
_TAIL = 5
_PIECE = 1 << 20


class Replayed(NamedTuple):
    """What became of one run: how much went over, what could not, what came out different.

    `left_out` has the same words for the same reason whatever the run; `duration` is what the run
    noted itself, in seconds.
    """

    run_id: str
    folder: str
    rows: int
    values: int
    files: int
    artifacts: int
    left_out: list[str]
    differences: list[str]
    duration: float | None


def find_wandb() -> str:
    """The version of the wandb that is installed.

    Raises:
        SynaDBError: there is none.
    """
    asked = "import wandb, sys; sys.stdout.write(wandb.__version__)"
    done = _run(["-c", asked], {"WANDB_SILENT": "true"})
    if done.returncode:
        raise SynaDBError("wandb is not installed in this environment: pip install wandb")
    return done.stdout.strip()


def _run(words: Sequence[str], more: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {**_without_overlay(os.environ), **more}
    return subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, check=False
    )


def replay(tracker: ExperimentTracker, run_id: str, folder: str, *, online: bool) -> Replayed:
    """Log a run again below `folder`, offline or with the user's own key.

    Raises:
        SynaDBError: wandb would not have it, with wandb's own last words.
    """
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="synadb-replay-") as scratch:
        tables = TableReplay(tracker, run_id, Path(scratch))
        plan, left_out, digests = _plan(tracker, run_id, Path(scratch), folder, online, tables)
        path = Path(scratch, "plan.json")
        path.write_text(json.dumps(plan), encoding="utf-8")
        mode = {"WANDB_MODE": "online" if online else "offline", "WANDB_SILENT": "true"}
        done = _run([str(_CHILD), str(path)], mode)
        result = Path(plan["result"])
        if done.returncode or not result.exists():
            said = " ".join(done.stderr.strip().splitlines()[-_TAIL:])
            raise SynaDBError(f"wandb could not log run {run_id!r}: {said}")
        found = json.loads(result.read_text(encoding="utf-8"))
    differences = []
    for planned, want, got in zip(plan["artifacts"], digests, found["artifacts"], strict=True):
        if got is not None and want is not None and got != want:
            differences.append(f"artifact {planned['name']}: digest {got}, not {want}")
    values = 0
    (log,) = glob.glob(os.path.join(glob.escape(found["folder"]), "run-*.wandb"))
    tables.settle(found["tables"], log)
    for difference in _compare(tracker, run_id, log, tables):
        if isinstance(difference, int):
            values = difference
        else:
            differences.append(difference)
    behind, lost = tables.left_behind(tracker.artifacts.outputs(run_id))
    differences += tables.differences + lost
    left_out += [_NO_TABLE] * behind
    for name, _ in plan["files"]:
        if not os.path.isfile(os.path.join(found["folder"], "files", *name.split("/"))):
            differences.append(f"file {name}: not there")
    run = tracker.get_run(run_id)
    return Replayed(
        run_id,
        found["folder"],
        run.row_count,
        values,
        len(plan["files"]),
        sum(digest is not None for digest in found["artifacts"]) + tables.count,
        left_out + found["problems"],
        differences,
        run.summary.get("_runtime"),
    )


def _plan(
    tracker: ExperimentTracker,
    run_id: str,
    scratch: Path,
    folder: str,
    online: bool,
    tables: TableReplay,
) -> tuple[dict[str, Any], list[str], list[str | None]]:
    run = tracker.get_run(run_id)
    left_out: list[str] = []
    if "_runtime" in run.summary:
        left_out.append("the duration: wandb measures its own")
    rows = scratch / "rows.jsonl"
    with rows.open("w", encoding="utf-8") as file:
        for row in tracker.scan(run_id):
            del row["_runtime"]
            file.write(json.dumps(row) + "\n")
            tables.take(row)
    files = []
    for number, record in enumerate(tracker.list_files(run_id)):
        parts = record.name.split("/")
        if record.name in _ITS_OWN or os.path.isabs(record.name) or {"", "..", "."} & {*parts}:
            left_out.append(f"file {record.name}: wandb has its own, or no such name")
            continue
        target = str(scratch / f"file-{number}")
        tracker.download_file(run_id, record.name, target)
        files.append((record.name, target))
    lines = tracker.console(run_id)
    if lines and all(name != "output.log" for name, _ in files):
        output = scratch / "output.log"
        output.write_text("".join(f"{line.line}\n" for line in lines), encoding="utf-8")
        files.append(("output.log", str(output)))
    artifacts, digests = [], []
    outputs = tracker.artifacts.outputs(run_id)
    for number, version in enumerate(one for one in outputs if one.type not in TABLE_TYPES):
        artifacts.append(_planned(tracker, version, scratch / f"version-{number}"))
        # That of a reference is not looked up again.
        plain = all(entry[2] is None for entry in artifacts[-1]["entries"])
        digests.append(version.digest if plain else None)
    for number, record in enumerate(tracker.list_artifacts(run_id)):
        target = str(scratch / f"artifact-{number}")
        tracker.download_artifact(run_id, record.name, target)
        name = "".join(c if c.isalnum() or c in "-_." else "_" for c in record.name)
        artifacts.append(
            {
                "name": f"{run_id}-{name}",
                "type": "artifact",
                "description": None,
                "metadata": {"name": record.name},
                "aliases": [],
                "entries": [(os.path.basename(record.name) or name, target, None)],
            }
        )
        digests.append(None)
    left_out += [
        f"the use of {version.name}: wandb notes it online only"
        for version in tracker.artifacts.inputs(run_id)
    ]
    plan = {
        "init": {
            "id": run_id,
            "project": run.experiment,
            "name": run.name,
            "tags": list(run.tags),
            "notes": run.notes,
            "group": run.group or None,
            "job_type": run.job_type or None,
            "config": run.config,
            "dir": os.path.abspath(folder),
            "mode": "online" if online else "offline",
        },
        "start": run.created_at,
        "rows": str(rows),
        "metrics": _definitions(run.metadata.get("metrics", ())),
        "summary": run.summary,
        "files": files,
        "artifacts": artifacts,
        "tables": tables.planned,
        "result": str(scratch / "result.json"),
    }
    return plan, left_out, digests


def _definitions(told: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What define_metric was called with; wandb finds out by itself what a glob stands for."""
    found = []
    for definition in told:
        if not definition.get("bound") and not definition.get("cancelled"):
            summary = definition.get("summary")
            words = summary if isinstance(summary, str | None) else ",".join(summary)
            found.append(
                {
                    "name": definition.get("glob_name") or definition["name"],
                    "summary": words,
                    **{
                        key: definition[key]
                        for key in ("step_metric", "step_sync", "hidden", "goal")
                        if definition.get(key) is not None
                    },
                }
            )
    return found


def _planned(tracker: ExperimentTracker, version: VersionRecord, folder: Path) -> dict[str, Any]:
    entries: list[tuple[str, str | None, str | None]] = []
    folder.mkdir()
    for number, entry in enumerate(tracker.artifacts.entries(version)):
        if entry.sha256 is None:
            entries.append((entry.path, None, entry.reference))
            continue
        target = folder / str(number)
        with tracker.artifacts.open(version, entry.path) as source, target.open("wb") as file:
            while piece := source.read(_PIECE):
                file.write(piece)
        entries.append((entry.path, str(target), None))
    return {
        "name": version.collection,
        "type": version.type,
        "description": version.description,
        "metadata": version.metadata,
        "aliases": [alias for alias in version.aliases if alias != "latest"],
        "entries": entries,
    }


def _compare(
    tracker: ExperimentTracker, run_id: str, log: str, tables: TableReplay
) -> Iterator[str | int]:
    """What differs in the file that wandb wrote, and how many values were compared."""
    run = tracker.get_run(run_id)
    written = read_wandb_log(log)
    yield from written.problems
    for name, want, got in (
        ("name", run.name, written.display_name),
        ("project", run.experiment, written.project),
        ("notes", run.notes or "", written.notes),
        ("tags", sorted(run.tags), sorted(written.tags)),
        ("group", run.group, written.group),
        ("job type", run.job_type, written.job_type),
        ("config", _of_the_user(run.config), written.config),
        ("charts", _charts(run.config.get("_wandb")), _charts(written.config_wandb)),
    ):
        if not _same(want, got):
            yield f"{name}: {got!r}, not {want!r}"
    defined = {
        each.get("glob_name") or each.get("name"): each.get("step_metric")
        for each in written.metrics
    }
    for definition in _definitions(run.metadata.get("metrics", ())):
        metric, axis = definition["name"], definition.get("step_metric")
        if metric not in defined or defined[metric] != axis:
            yield f"define_metric of {metric}: {defined.get(metric)!r}, not {axis!r}"
    summary = _unmeasured(written.summary)
    for key, value in _unmeasured(run.summary).items():
        if not _same(tables.as_written(value, summary.get(key)), summary.get(key)):
            yield f"summary of {key}: {summary.get(key)!r}, not {value!r}"
    compared = 0
    there = {row["_step"]: row for row in written.history}
    for row in tracker.scan(run_id):
        found = there.pop(row["_step"], {})
        for key, value in row.items():
            if key == "_runtime":
                continue
            compared += 1
            value = tables.as_written(value, found.get(key))
            if key not in found or not _same(value, found[key]):
                yield f"step {row['_step']}: {key} is {found.get(key)!r}, not {value!r}"
        for key in found.keys() - row.keys():
            if key not in _SPECIAL:
                yield f"step {row['_step']}: {key} is there, and was not"
    for step in there:
        yield f"step {step}: is there, and was not"
    yield compared


def _of_the_user(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key != "_wandb"}


def _charts(own: Any) -> Any:
    """What the `_wandb` part of a config has of the script's; wandb writes the rest anew."""
    return own.get("visualize", {}) if isinstance(own, Mapping) else {}


def _unmeasured(summary: Mapping[str, Any]) -> dict[str, Any]:
    """A summary without what wandb measures: `_runtime`, and `runtime` inside `_wandb`."""
    found = {key: value for key, value in summary.items() if key != "_runtime"}
    own = found.pop("_wandb", None)
    if isinstance(own, Mapping):
        own = {key: value for key, value in own.items() if key != "runtime"}
    return {**found, "_wandb": own} if own else found


def _same(want: Any, got: Any) -> bool:
    """Whether two values are equal; NaN equals itself, and 1 equals 1.0 (wandb drops the point)."""
    if isinstance(want, Mapping) and isinstance(got, Mapping):
        return want.keys() == got.keys() and all(_same(want[key], got[key]) for key in want)
    if isinstance(want, list | tuple) and isinstance(got, list | tuple):
        return len(want) == len(got) and all(map(_same, want, got))
    if isinstance(want, float) and isinstance(got, float) and math.isnan(want):
        return math.isnan(got)
    if isinstance(want, bool) is not isinstance(got, bool):
        return False
    return bool(want == got)

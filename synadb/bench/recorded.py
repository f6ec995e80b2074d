"""What a script recorded, read back from either side into one shape.

Left out is what cannot be the same twice: clocks (`_timestamp`, `_runtime`), and wandb's notes to
itself (`_wandb`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synadb.formats.wandb_log import WandbLog, read_wandb_log

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from synadb.bench.contents import Content

__all__ = [
    "Recorded",
    "RecordedRun",
    "is_made_up_id",
    "is_made_up_name",
    "leaves",
    "plain",
    "read_synadb",
    "read_wandb",
    "timeless",
]

_LEFT_OUT = {"_timestamp", "_runtime", "_wandb"}
_MADE_UP_ID = re.compile(r"[a-z0-9]{8}")
_MADE_UP_NAME = re.compile(r"[a-z]+-[a-z]+-\d+")
# wandb gives each artifact a random id of 128 characters, and a table in a row refers to it.
_REFERENCE = re.compile(r"(wandb-(?:client-)?artifact://)[^/:]+((?::[^/]*)?/?)(.*)", re.DOTALL)
# A part of an incremental table: its number, and milliseconds since 1970.
_PART = re.compile(r"(\d+|None)-\d{13}(?=\..+\.table\.json$)", re.DOTALL)


@dataclass
class RecordedRun:
    """One run; `history` holds the rows in order, each with its `_step`.

    `run_id` and `name` may be made up. `exit_code` is None for a run that did not come to its end.
    `console` holds the lines of each stream. `metrics` has, by name, what the calls of
    `define_metric` add up to; the calls themselves, `defined`, are not compared.
    """

    project: str = ""
    entity: str = ""
    run_id: str = ""
    name: str = ""
    group: str = ""
    job_type: str = ""
    notes: str = ""
    tags: list[str] = field(default_factory=list)
    exit_code: int | None = None
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    defined: list[dict[str, Any]] = field(default_factory=list, metadata={"compared": False})
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    console: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, Content] = field(default_factory=dict)


@dataclass
class Recorded:
    """All runs of a script, in the order of their start, and what could not be read.

    `artifacts` holds versions by `project/name:v0`. They, and a run's `metrics`, `console` and
    `files`, are there once `beside` has added them; it puts the content of files into rows, too.
    """

    runs: list[RecordedRun] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many history rows there are."""
        return sum(len(run.history) for run in self.runs)

    @property
    def values(self) -> int:
        """How many values the rows hold, leaf by leaf, steps not counted."""
        return sum(
            leaves(value)
            for run in self.runs
            for row in run.history
            for key, value in row.items()
            if key != "_step"
        )


def is_made_up_id(run_id: str) -> bool:
    """Whether it has the form of the ids that both sides draw."""
    return _MADE_UP_ID.fullmatch(run_id) is not None


def is_made_up_name(name: str) -> bool:
    """Whether it has the form of the names that SynaDB gives, such as brisk-otter-1."""
    return _MADE_UP_NAME.fullmatch(name) is not None


def read_wandb(folders: Iterable[Path]) -> Recorded:
    """Read every `run-*.wandb` file below `folders`.

    Several files of one run id, which is what a resumed run leaves offline, are one run.

    Raises:
        OSError: a file cannot be read.
        NotALogError: a file is no wandb log.
    """
    recorded = Recorded()
    # `latest-run` is a link to one of the others.
    paths = {path.resolve() for folder in folders for path in folder.rglob("run-*.wandb")}
    logs = [(path, read_wandb_log(path)) for path in sorted(paths)]
    by_id: dict[str, RecordedRun] = {}
    for path, log in sorted(logs, key=lambda pair: pair[1].start_time or 0.0):
        recorded.problems += [f"{path.name}: {problem}" for problem in log.problems]
        run = by_id.get(log.run_id)
        if run is None:
            run = by_id[log.run_id] = RecordedRun()
            recorded.runs.append(run)
        _add_log(run, log)
    return recorded


def _add_log(run: RecordedRun, log: WandbLog) -> None:
    run.project, run.entity = log.project, log.entity
    run.run_id, run.name = log.run_id, log.display_name
    run.group, run.job_type, run.notes = log.group, log.job_type, log.notes
    run.tags = sorted(set(log.tags))
    run.exit_code = log.exit_code
    run.config |= plain(log.config)
    run.defined += log.metrics
    run.summary |= _compared(log.summary)
    run.history += [_compared(row) for row in log.history]


def read_synadb(path: Path) -> Recorded:
    """Read every run of a database through the native tracker.

    Raises:
        StorageError: it is no database, or it cannot be opened.
    """
    from synadb.tracker import ExperimentTracker

    if not path.exists():
        return Recorded()  # a script that never called init
    with ExperimentTracker(path) as tracker:
        runs = sorted(tracker.list_runs(), key=lambda run: run.created_at)
        return Recorded(
            [
                RecordedRun(
                    project=run.experiment,
                    entity=str(run.metadata.get("entity") or ""),
                    run_id=run.run_id,
                    name=run.name,
                    group=run.group or "",
                    job_type=run.job_type or "",
                    notes=run.notes or "",
                    tags=sorted(set(run.tags)),
                    exit_code=run.exit_code,
                    config=_compared(run.config),
                    summary=_compared(run.summary),
                    history=[_compared(row) for row in tracker.rows(run.run_id)],
                    defined=list(run.metadata.get("metrics", ())),
                )
                for run in runs
            ]
        )


def _compared(tree: dict[str, Any]) -> dict[str, Any]:
    """A row or a summary, without what cannot be the same twice."""
    return {key: plain(value) for key, value in tree.items() if key not in _LEFT_OUT}


def plain(value: Any) -> Any:
    """A value as JSON has it, without the random ids of artifacts, and times in names of files."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, str):
        found = _REFERENCE.fullmatch(value)
        return value if found is None else f"{found[1]}...{found[2]}{timeless(found[3])}"
    return value


def timeless(path: str) -> str:
    """A path in an artifact; that of a part of an incremental table without the time in it.

    wandb names the first part before it counts it: None stands for 0.
    """
    found = _PART.match(path)
    if found is None:
        return path
    return f"{'0' if found[1] == 'None' else found[1]}-TIME{path[found.end() :]}"


def leaves(value: Any) -> int:
    """How many values there are below one, itself included."""
    if isinstance(value, dict):
        return sum(leaves(inner) for inner in value.values())
    return 1

"""Reads the folders `wandb/offline-run-*` and `wandb/run-*`: everything that a run has left there.

A folder holds the log `run-<id>.wandb` (see `wandb_log.py`) and the files of the run in `files/`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from typing import Any

from synadb.errors import NotALogError
from synadb.formats._bring_in import Imported, Source
from synadb.formats._wandb_artifacts import Versions
from synadb.formats._wandb_parts import Part, logs
from synadb.formats._wandb_reader import PartReader
from synadb.formats.wandb_log import _MAX_PROBLEMS
from synadb.ops import EndRun, LogConsole, LogSystem, Op, SetSummary, StartRun, UpdateRun

__all__ = ["Found", "sources"]

UNNAMED = "uncategorized"  # the project that wandb gives a run without one
_HASHED = 1 << 20

# -- what there is -------------------------------------------------------------------------------


class Found:
    """The runs of some folders, and what is left out of them."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.problems: list[str] = []


def sources(paths: Iterable[str], *, project: str | None = None) -> Found:
    """The runs of folders, of folders that hold such folders, and of single logs.

    Several folders of one run, which is what resuming leaves, are one run.

    Raises:
        NotALogError: there are none that can be read. A ValueError.
        OSError: one cannot be read.
    """
    found = Found()
    by_run: dict[tuple[str, str], list[Part]] = {}
    some = False
    for path in paths:
        there = list(logs(path))
        if not there:
            what = "has no runs of wandb (files run-*.wandb)"
            if not os.path.exists(path):
                raise NotALogError(f"there is no folder {path}")
            raise NotALogError(
                f"{path} {what if os.path.isdir(path) else 'is no run-*.wandb file'}"
            )
        for log in there:
            try:
                part = Part(log)
            except NotALogError as error:
                found.problems.append(str(error))
                continue
            if part.beginning is None:
                empty = "it is empty, as in folders that SynaDB makes" if not part.size else ""
                found.problems.append(f"{log}: {empty or 'nothing can be read of it'}")
                continue
            some = True
            parts = by_run.setdefault((part.project, part.run_id), [])
            if all(part.beginning != other.beginning for other in parts):
                parts.append(part)
    if not some:
        first, *more = found.problems
        raise NotALogError(first + (f"; and {len(more)} more like that" if more else ""))
    runs = [sorted(parts, key=lambda part: part.start) for parts in by_run.values()]
    for parts in sorted(runs, key=lambda parts: parts[0].start):
        run = _Run(parts, project)
        found.sources.append(run.source())
    return found


# -- one run -------------------------------------------------------------------------------------


class _Run:
    """The parts of a run, the first first."""

    def __init__(self, parts: list[Part], project: str | None) -> None:
        self._parts = parts
        self._project = project or parts[0].project or UNNAMED

    def source(self) -> Source:
        """The run as it can be brought in."""
        origin = ", ".join(os.path.normpath(os.path.dirname(part.path)) for part in self._parts)
        digest = hashlib.sha256()
        for part in self._parts:
            with open(part.path, "rb") as file:
                while content := file.read(_HASHED):
                    digest.update(content)
        digest.update(self._project.encode())
        sizes = {str(part.beginning): part.size for part in self._parts}
        run_id = self._parts[0].run_id
        return Source(run_id, origin, digest.hexdigest(), self.read, sizes, self._project)

    def read(self, run_id: str) -> Imported:
        """Everything, to be written under `run_id`."""
        readers = [PartReader(part) for part in self._parts]
        problems = []
        for reader in readers:
            reader.read_all()
            name = os.path.basename(reader.part.folder) + ": " if len(readers) > 1 else ""
            problems += [name + problem for problem in reader.problems]
        ops: list[Op] = []
        last_step, order, rows = -1, 0, 0
        last_time = self._parts[0].start
        for reader in readers:
            start = reader.part.start
            before = last_step
            found, last_step, time = reader.history.ops(
                run_id, after=last_step, start=start, order=order
            )
            if found and before >= 0 and reader.history.moved:
                problems.append(
                    f"{os.path.basename(reader.part.folder)}: its steps begin at {before + 1}, "
                    "behind those of the folder before"
                )
            ops += found
            order += reader.history.rows
            rows += reader.history.kept
            last_time = max(last_time, time, start, *reader.times)
        ops += self._others(run_id, readers)
        summary: dict[str, Any] = {}
        for reader in readers:
            summary |= reader.summary()
        if summary:
            ops.append(SetSummary(run_id, summary, replace=True, order=order + 1))
        files: dict[str, bytes | str] = {}
        for reader in readers:
            files |= _files_of(reader, problems)
        versions = Versions(problems)
        for reader in readers:
            versions.take(reader.artifacts)
        exit_code = readers[-1].exit_code
        state = "crashed" if exit_code is None else "failed" if exit_code else "finished"
        end = EndRun(run_id, state, last_time, exit_code)
        if exit_code is None:
            problems.append("the run did not come to its end, or its log lacks it")
        uses = [name for reader in readers for name in reader.uses]
        left_out = len(problems) - _MAX_PROBLEMS
        if left_out > 0:
            problems[_MAX_PROBLEMS:] = [f"and {left_out} more problems"]
        beginning = self._beginning(run_id, readers)
        return Imported([*beginning, *ops, end], files, rows, problems, versions.whole(), uses)

    def _beginning(self, run_id: str, readers: list[PartReader]) -> list[Op]:
        last = readers[-1].run
        config: dict[str, Any] = {}
        metrics: dict[str, dict[str, Any]] = {}
        for reader in readers:
            config |= reader.config
            for metric in reader.metrics:
                metrics[metric.get("name") or metric.get("glob_name", "")] = metric
        notes = config.pop("_wandb", {})
        if isinstance(notes, dict) and notes.get("visualize"):
            config["_wandb"] = {"visualize": notes["visualize"]}  # charts, which the script made
        metadata: dict[str, Any] = {}
        if last.get("entity"):
            metadata["entity"] = last["entity"]
        if metrics:
            metadata["metrics"] = [metric for name, metric in metrics.items() if name]
        alerts = [alert for reader in readers for alert in reader.alerts]
        if alerts:
            metadata["alerts"] = alerts
        facts = readers[-1].facts()
        if facts:
            metadata["facts"] = facts
        said = {
            "version": readers[-1].wandb_version,
            "sweep_id": last.get("sweep_id"),
            "starting_step": last.get("starting_step"),
            "resumed": any(r.run.get("resumed") or r.run.get("resume") for r in readers),
            "forked": last.get("forked"),
            "branch_point": last.get("branch_point"),
            "preempting": readers[-1].preempting,
            "used_artifacts": [name for reader in readers for name in reader.uses],
            "config": notes if isinstance(notes, dict) else {},
        }
        metadata["wandb"] = {key: value for key, value in said.items() if value}
        start = StartRun(
            run_id,
            self._project,
            readers[0].part.start,
            name=last.get("display_name") or self._parts[0].run_id,
            config=config,
            tags=tuple(dict.fromkeys(last.get("tags", ()))),
            notes=last.get("notes") or None,
            group=last.get("run_group", ""),
            job_type=last.get("job_type", ""),
            host=last.get("host", ""),
        )
        return [start, UpdateRun(run_id, {"metadata": metadata})]

    def _others(self, run_id: str, readers: list[PartReader]) -> Iterator[Op]:
        for number, reader in enumerate(readers):
            source = f"wandb-{number}"
            lines = reader.console()
            if lines:
                yield LogConsole(run_id, source, tuple(lines))
            for time, values in reader.system:
                yield LogSystem(run_id, source, time, values)


def _files_of(reader: PartReader, problems: list[str]) -> dict[str, str]:
    """Where each file of a run lies, by its name there."""
    top = os.path.join(reader.part.folder, "files")
    found: dict[str, str] = {}
    for folder, below, names in os.walk(top):
        below.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            inside = os.path.relpath(path, top).replace(os.sep, "/")
            # Saved files are links; what they lead to may be gone, or be none.
            if os.path.isfile(path):
                found[inside] = path
            elif os.path.islink(path):
                problems.append(f"the file {inside} leads to {os.readlink(path)}: it is gone")
    for name in reader._files:
        if name not in found and not any(path.startswith(name + "/") for path in found):
            text = f"the file {name} is missing"
            if not any(name in problem for problem in problems):
                problems.append(text)
    return found

"""Reads the folders `wandb/offline-run-*` and `wandb/run-*`: everything that a run has left there.

A folder holds the log `run-<id>.wandb` (see `wandb_log.py`) and the files of the run in `files/`.
The content of artifacts lies where wandb has staged it, elsewhere on the machine, until it has been
uploaded; it is taken from there, or from wandb's cache, if it is what the log says it is.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from synadb.errors import NotALogError
from synadb.formats._bring_in import Entry, Imported, Source, Version
from synadb.formats._leveldb import FILE_HEADER, read_records
from synadb.formats._protobuf import Field, decode, message
from synadb.formats._wandb_columns import History, Path, take_batch
from synadb.formats.wandb_log import _MAX_PROBLEMS, _RECORD, _RUN, Reader, _seconds, _set
from synadb.monitor._console_lines import Page
from synadb.ops import EndRun, LogConsole, LogSystem, Op, SetSummary, StartRun, UpdateRun

__all__ = ["Found", "sources"]

UNNAMED = "uncategorized"  # the project that wandb gives a run without one
_LOG = re.compile(r"run-(.+)\.wandb")
_BATCH = 16 << 20  # bytes of records that are looked at together
_HASHED = 1 << 20
_NUMBERED = re.compile(r"v\d+")

_STRINGS = {1: Field("key", "string"), 2: Field("value", "string")}
_TIME = message({1: Field("seconds", "int"), 2: Field("nanos", "int")})
_JSON_ITEM = message({1: Field("key", "string"), 16: Field("value_json", "string")})
_GIT = message({1: Field("remote", "string"), 2: Field("commit", "string")})
_EXTRA = message({1: Field("key", "string"), 2: Field("value_json", "string")})
_ENTRY = message(
    {
        1: Field("path", "string"),
        2: Field("digest", "string"),
        3: Field("ref", "string"),
        4: Field("size", "int"),
        6: Field("local_path", "string"),
        7: Field("birth_artifact_id", "string"),
        16: Field("extra", _EXTRA, repeated=True),
    }
)
_ARTIFACT = message(
    {
        4: Field("type", "string"),
        5: Field("name", "string"),
        6: Field("digest", "string"),
        7: Field("description", "string"),
        8: Field("metadata", "string"),
        11: Field("aliases", "string", repeated=True),
        12: Field(
            "manifest",
            message({4: Field("contents", _ENTRY, repeated=True), 5: Field("in_file", "string")}),
        ),
        13: Field("distributed_id", "string"),
        14: Field("finalize", "bool"),
        15: Field("client_id", "string"),
        18: Field("ttl", "int"),
        19: Field("tags", "string", repeated=True),
    }
)
_GPU = message(
    {
        1: Field("name", "string"),
        2: Field("memoryTotal", "int"),
        3: Field("cudaCores", "int"),
        4: Field("architecture", "string"),
        5: Field("uuid", "string"),
    }
)
_DISK = message(
    {
        1: Field("key", "string"),
        2: Field("value", message({1: Field("total", "int"), 2: Field("used", "int")})),
    }
)
# The names are those of wandb-metadata.json.
_ENVIRONMENT = message(
    {
        1: Field("os", "string"),
        2: Field("python", "string"),
        3: Field("startedAt", _TIME),
        4: Field("docker", "string"),
        5: Field("args", "string", repeated=True),
        6: Field("program", "string"),
        7: Field("codePath", "string"),
        8: Field("codePathLocal", "string"),
        9: Field("git", _GIT),
        10: Field("email", "string"),
        11: Field("root", "string"),
        12: Field("host", "string"),
        13: Field("username", "string"),
        14: Field("executable", "string"),
        15: Field("colab", "string"),
        16: Field("cpu_count", "int"),
        17: Field("cpu_count_logical", "int"),
        18: Field("gpu", "string"),
        19: Field("gpu_count", "int"),
        20: Field("disk", _DISK, repeated=True),
        21: Field("memory", message({1: Field("total", "int")})),
        22: Field("cpu", message({3: Field("model", "string")})),
        24: Field("gpu_nvidia", _GPU, repeated=True),
        25: Field("cudaVersion", "string"),
        27: Field("slurm", message(_STRINGS), repeated=True),
        199: Field("writerId", "string"),
    }
)
_BRANCH = message(
    {1: Field("run", "string"), 2: Field("value", "double"), 3: Field("metric", "string")}
)
_ALERT = message(
    {
        1: Field("title", "string"),
        2: Field("text", "string"),
        3: Field("level", "string"),
        4: Field("wait_duration", "int"),
    }
)
_WHOLE_RUN = _RUN | message(
    {
        14: Field("starting_step", "int"),
        18: Field("resumed", "bool"),
        21: Field("git", _GIT),
        22: Field("forked", "bool"),
        23: Field("branch_point", _BRANCH),
        24: Field("resume", "bool"),
    }
)
_EVERYTHING = _RECORD | message(
    {
        7: Field(
            "stats",
            message({2: Field("timestamp", _TIME), 3: Field("item", _JSON_ITEM, repeated=True)}),
        ),
        8: Field("artifact", _ARTIFACT),
        10: Field("alert", _ALERT),
        17: Field("run", _WHOLE_RUN),
        23: Field("preempting", message({})),
        25: Field(
            "use_artifact", message({2: Field("type", "string"), 3: Field("name", "string")})
        ),
        26: Field("environment", _ENVIRONMENT),
    }
)


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
        NotALogError: there are none, or one is of another format. A ValueError.
        OSError: one cannot be read.
    """
    found = Found()
    by_run: dict[tuple[str, str], list[_Part]] = {}
    some = False
    for path in paths:
        logs = list(_logs(path))
        if not logs:
            what = "has no runs of wandb (files run-*.wandb)"
            if not os.path.exists(path):
                raise NotALogError(f"there is no folder {path}")
            raise NotALogError(
                f"{path} {what if os.path.isdir(path) else 'is no run-*.wandb file'}"
            )
        for log in logs:
            part = _Part(log)
            if part.beginning is None:
                found.problems.append(f"{log}: nothing can be read of it")
                continue
            some = True
            parts = by_run.setdefault((part.project, part.run_id), [])
            if all(part.beginning != other.beginning for other in parts):
                parts.append(part)
    if not some:
        raise NotALogError("; ".join(found.problems))
    runs = [sorted(parts, key=lambda part: part.start) for parts in by_run.values()]
    for parts in sorted(runs, key=lambda parts: parts[0].start):
        run = _Run(parts, project)
        found.sources.append(run.source())
    return found


def _logs(path: str) -> Iterator[str]:
    """The logs in a folder and below it."""
    if os.path.isfile(path):
        if _LOG.fullmatch(os.path.basename(path)):
            yield path
        return
    seen: set[str] = set()
    for folder, below, files in os.walk(path):
        below.sort()
        logs = sorted(name for name in files if _LOG.fullmatch(name))
        if logs:
            below.clear()  # what is in there are the files of the run
        for name in logs:
            log = os.path.join(folder, name)
            if os.path.realpath(log) not in seen:
                seen.add(os.path.realpath(log))
                yield log


class _Part:
    """One log and its folder."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.folder = os.path.dirname(os.path.abspath(path))
        match = _LOG.fullmatch(os.path.basename(path))
        self.run_id = match[1] if match else ""
        self.project = ""
        self.start = 0.0
        self.beginning: str | None = None
        self.size = os.path.getsize(path)
        with open(path, "rb") as file:
            header = file.read(len(FILE_HEADER))
            if not FILE_HEADER.startswith(header):
                reason = "has an unknown version" if header[:6] == FILE_HEADER[:6] else "is none"
                raise NotALogError(f"{path}: expected a wandb log, but the file {reason}")
            if header != FILE_HEADER:
                return
            whole = hashlib.sha256()
            for number, record in enumerate(read_records(file, [])):
                whole.update(record)
                self.beginning = whole.hexdigest()[:16]
                # The run record is the second; others stand first in files that are damaged.
                if self._is_run(record) or number > 20:
                    break

    def _is_run(self, record: bytes) -> bool:
        try:
            run = decode(_EVERYTHING, record).get("run")
        except ValueError:
            return False
        if run is None:
            return False
        self.run_id = run.get("run_id") or self.run_id
        self.project = run.get("project", "")
        self.start = _seconds(run.get("start_time")) or 0.0
        return True


# -- one run -------------------------------------------------------------------------------------


class _Run:
    """The parts of a run, the first first."""

    def __init__(self, parts: list[_Part], project: str | None) -> None:
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
        readers = [_PartReader(part) for part in self._parts]
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
        versions = _Versions(problems)
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

    def _beginning(self, run_id: str, readers: list[_PartReader]) -> list[Op]:
        last = readers[-1].run
        config: dict[str, Any] = {}
        metrics: dict[str, dict[str, Any]] = {}
        for reader in readers:
            config |= reader.config
            for metric in reader.metrics:
                metrics[metric.get("name") or metric.get("glob_name", "")] = metric
        notes = config.pop("_wandb", {})
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

    def _others(self, run_id: str, readers: list[_PartReader]) -> Iterator[Op]:
        for number, reader in enumerate(readers):
            source = f"wandb-{number}"
            lines = reader.console()
            if lines:
                yield LogConsole(run_id, source, tuple(lines))
            for time, values in reader.system:
                yield LogSystem(run_id, source, time, values)


class _PartReader(Reader):
    """Reads one log."""

    fields = _EVERYTHING

    def __init__(self, part: _Part) -> None:
        super().__init__()
        self.part = part
        self.history = History()
        self.system: list[tuple[float, dict[str, float]]] = []
        self.artifacts: list[dict[str, Any]] = []
        self.alerts: list[dict[str, Any]] = []
        self.uses: list[str] = []
        self.preempting = False
        self.times: list[float] = []
        self._row = 0
        self._newest: dict[Path, Any] = {}
        self._environment: dict[str, Any] = {}
        self._page = Page()
        self._lines: dict[int, tuple[int, float, str, str]] = {}
        self._apply |= {
            "stats": self._apply_stats,
            "artifact": self._apply_artifact,
            "alert": self._apply_alert,
            "preempting": self._apply_preempting,
            "use_artifact": self._apply_use,
            "environment": self._apply_environment,
        }

    @property
    def run(self) -> dict[str, Any]:
        """The newest run record."""
        return self._run

    @property
    def config(self) -> dict[str, Any]:
        """As it was last."""
        return self._config

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """What `define_metric` was told."""
        return self._metrics

    @property
    def exit_code(self) -> int | None:
        """None if the run did not come to its end."""
        return self._exit_code

    @property
    def wandb_version(self) -> str:
        """The version that wrote the log."""
        return self._version or self._producer.partition("+")[0]

    def read_all(self) -> None:
        """Read the whole log."""
        batch: list[bytes] = []
        size = number = 0
        with open(self.part.path, "rb") as file:
            file.seek(len(FILE_HEADER))
            for record in read_records(file, self.problems):
                batch.append(record)
                size += len(record)
                if size > _BATCH:
                    self._read_batch(batch, number)
                    number += len(batch)
                    batch, size = [], 0
            self._read_batch(batch, number)
        self.problems += self.history.problems
        if not self._run:
            self.problems.append("there is no run record")

    def _read_batch(self, records: list[bytes], number: int) -> None:
        left = take_batch(records, self.history, self._newest)
        for place, row in left:
            if row is None and self._newest:
                # It may be part of the summary, and comes after what has been taken in.
                self._flush()
            self._row = -1 if row is None else row
            self.read(number + place + 1, records[place])
            if row is not None and self._row == row:
                self.history.drop(row)

    def _flush(self) -> None:
        for path, value in self._newest.items():
            _set(self._summary, [*path], value)
        self._newest.clear()

    def summary(self) -> dict[str, Any]:
        """As it was last."""
        self._flush()
        return self._summary

    def facts(self) -> dict[str, Any]:
        """What wandb-metadata.json holds, of the file itself where there are no records of it."""
        if self._environment:
            return self._environment
        try:
            with open(_join(self.part, "wandb-metadata.json"), "rb") as file:
                found = json.load(file)
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def console(self) -> list[tuple[int, float, str, str]]:
        """Number, time, stream and text of the lines, from output.log where the log has none."""
        if self._lines:
            return [self._lines[number] for number in sorted(self._lines)]
        try:
            with open(_join(self.part, "output.log"), encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            return []
        page = Page()
        found: dict[int, tuple[int, float, str, str]] = {}
        for line in text.splitlines(keepends=True):
            page.write("stdout", line)
            found |= {n: (n, self.part.start, name, text) for n, name, text in page.take()}
        return [found[number] for number in sorted(found)]

    # -- one method a kind of record -------------------------------------------------------------

    def _apply_history(self, history: dict[str, Any]) -> None:
        if self._row < 0:
            self._row = self.history.add_rows(1)  # several in one record
        row: dict[str, Any] = {}
        for path, value in self._values(history.get("item", [])):
            _set(row, path, value)
        if "step" in history:
            row.setdefault("_step", history["step"].get("num", 0))
        self.history.take_row(self._row, row)
        self._row = -1

    def _apply_output(self, output: dict[str, Any]) -> None:
        stream = "stdout" if output.get("output_type") == 1 else "stderr"
        time = _seconds(output.get("timestamp")) or self.part.start
        self._page.write(stream, output.get("line", ""))
        for number, name, text in self._page.take():
            self._lines[number] = (number, time, name, text)

    def _apply_stats(self, stats: dict[str, Any]) -> None:
        values = {}
        for item in stats.get("item", []):
            try:
                value = json.loads(item.get("value_json", ""))
            except (ValueError, RecursionError):
                continue
            if isinstance(value, int | float) and item.get("key"):
                values[item["key"]] = float(value)
        time = _seconds(stats.get("timestamp")) or self.part.start
        self.times = [max(time, *self.times)] if self.times else [time]
        if values:
            self.system.append((time, values))

    def _apply_artifact(self, artifact: dict[str, Any]) -> None:
        self.artifacts.append(artifact)

    def _apply_alert(self, alert: dict[str, Any]) -> None:
        self.alerts.append({"title": "", "text": "", "level": "INFO"} | alert)

    def _apply_preempting(self, _: dict[str, Any]) -> None:
        self.preempting = True

    def _apply_use(self, use: dict[str, Any]) -> None:
        if use.get("name"):
            self.uses.append(use["name"])

    def _apply_environment(self, environment: dict[str, Any]) -> None:
        found = dict(environment)
        started = _seconds(found.pop("startedAt", None))
        if started is not None:
            found["startedAt"] = _iso(started)
        if "disk" in found:
            found["disk"] = {
                disk.get("key", ""): {key: str(n) for key, n in disk.get("value", {}).items()}
                for disk in found["disk"]
            }
        if "memory" in found:
            found["memory"] = {key: str(n) for key, n in found["memory"].items()}
        if "slurm" in found:
            found["slurm"] = {one.get("key", ""): one.get("value", "") for one in found["slurm"]}
        self._environment |= found


def _join(part: _Part, name: str) -> str:
    return os.path.join(part.folder, "files", name)


def _iso(seconds: float) -> str:
    import time

    micros = round(seconds * 1_000_000)
    try:
        whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(micros // 1_000_000))
    except (OverflowError, ValueError, OSError):
        return ""
    return f"{whole}.{micros % 1_000_000:06d}Z"


# -- files and artifacts -------------------------------------------------------------------------


def _files_of(reader: _PartReader, problems: list[str]) -> dict[str, str]:
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


class _Versions:
    """The artifacts of a run's records."""

    def __init__(self, problems: list[str]) -> None:
        self._problems = problems
        self._open: dict[tuple[str, str], dict[str, Entry]] = {}
        self._whole: list[Version] = []

    def whole(self) -> list[Version]:
        """The versions that were finished, in order."""
        for _, name in self._open:
            self._problems.append(f"the artifact {name!r} was not finished and is left out")
        return self._whole

    def take(self, records: Iterable[dict[str, Any]]) -> None:
        """Take in records of artifacts, in order."""
        for record in records:
            name = record.get("name", "")
            if not name:
                continue
            entries = {
                entry.path: entry for entry in self._entries(name, record.get("manifest", {}))
            }
            if record.get("distributed_id"):
                key = (record["distributed_id"], name)
                entries = self._open.pop(key, {}) | entries
                if not record.get("finalize"):
                    self._open[key] = entries
                    continue
            self._whole.append(self._version(record, name, [*entries.values()]))

    def _version(self, record: Mapping[str, Any], name: str, entries: list[Entry]) -> Version:
        try:
            metadata = json.loads(record.get("metadata") or "{}")
        except (ValueError, RecursionError):
            self._problems.append(f"the metadata of the artifact {name!r} is no JSON")
            metadata = {}
        aliases = [
            alias
            for alias in record.get("aliases", ())
            if alias != "latest" and not _NUMBERED.fullmatch(alias)
        ]
        return Version(
            record.get("client_id") or f"{name}:{record.get('digest', '')}",
            name,
            record.get("type") or "unspecified",
            entries,
            sorted(aliases),
            record.get("tags", ()),
            record.get("description") or None,
            metadata if isinstance(metadata, dict) else {},
            float(record["ttl"]) if record.get("ttl", 0) > 0 else None,
        )

    def _entries(self, name: str, manifest: Mapping[str, Any]) -> Iterator[Entry]:
        contents = manifest.get("contents", [])
        if manifest.get("in_file"):
            contents = self._contents(name, manifest["in_file"])
        for content in contents:
            path, digest = content.get("path", ""), content.get("digest", "")
            extra = {}
            for item in content.get("extra", []):
                try:
                    extra[item.get("key", "")] = json.loads(item.get("value_json", "null"))
                except (ValueError, RecursionError):
                    continue
            size = content.get("size")
            if content.get("ref"):
                yield Entry(path, None, content["ref"], digest or content["ref"], size, extra)
                continue
            place = next((p for p in _places(content) if _is_content(p, digest)), None)
            if place is not None:
                yield Entry(path, place, extra=extra)
                continue
            local = content.get("local_path", "")
            self._problems.append(
                f"the artifact {name!r} lacks the content of {path!r}"
                + (f", which was in {local}" if local else "")
            )
            where = f"file://{local}" if local else f"wandb-artifact-content://{digest}"
            yield Entry(path, None, where, digest or path, size, {**extra, "missing": True})

    def _contents(self, name: str, path: str) -> list[dict[str, Any]]:
        """The entries of a manifest that was too long for a record: gzip of a JSON object each."""
        found = []
        try:
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    entry = json.loads(line)
                    extra = [
                        {"key": key, "value_json": json.dumps(value)}
                        for key, value in entry.pop("extra", {}).items()
                    ]
                    found.append({**entry, "extra": extra})
        except (OSError, EOFError, ValueError, AttributeError) as error:
            self._problems.append(f"the artifact {name!r} lacks its list of files: {error}")
        return found


def _places(content: Mapping[str, Any]) -> Iterator[str]:
    """Where the content of an entry may lie."""
    if content.get("local_path"):
        yield content["local_path"]
    try:
        md5 = base64.b64decode(content.get("digest", ""), validate=True).hex()
    except (binascii.Error, ValueError):
        return
    cache = os.environ.get("WANDB_CACHE_DIR") or os.path.expanduser("~/.cache/wandb")
    for folder in (cache, os.path.join(cache, "wandb")):
        yield os.path.join(folder, "artifacts", "obj", "md5", md5[:2], md5[2:])


def _is_content(path: str, digest: str) -> bool:
    from synadb.artifacts.manifest import hash_file

    try:
        return os.path.isfile(path) and hash_file(path)[0] == digest
    except (OSError, ValueError):
        return False

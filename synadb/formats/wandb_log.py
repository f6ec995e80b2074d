"""Reads the `run-<id>.wandb` file that wandb writes, without wandb or protobuf.

The file is a LevelDB log (`_leveldb.py`) of protobuf messages of the type `Record`
(`_protobuf.py`). The message types are those of wandb's `wandb_internal.proto`; the field numbers
below were read from the descriptors of wandb 0.31.0. They stay what they are: protobuf numbers are
never given to another field.

What is recorded, and how wandb itself reads it:

- A `run` record opens the file, and each change of name, notes or tags writes it again in full. A
  `config` record holds the keys that a change touched, each with its whole new value.
- A `history` record is one row. An item has either `key` or `nested_key`, the path to a leaf of a
  nested dict; the order of the items means nothing. Values are JSON as Python's json module
  writes it (NaN, Infinity), except that a float without a fraction loses its point: 1.0 becomes 1.
- `summary` records say what to set and what to remove, as a path or a key. A null removes the key.
- An `exit` record closes the file; a run that was killed has none.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from synadb.errors import NotALogError
from synadb.formats._leveldb import FILE_HEADER, read_records
from synadb.formats._protobuf import DecodeError, Field, decode, message

__all__ = ["ConsoleLine", "WandbLog", "read_wandb_log"]

_MAX_PROBLEMS = 100  # a file that is damaged all over need not be described byte by byte

_TIMESTAMP = message({1: Field("seconds", "int"), 2: Field("nanos", "int")})
_ITEM = message(  # of a config or a summary
    {
        1: Field("key", "string"),
        2: Field("nested_key", "string", repeated=True),
        16: Field("value_json", "string"),
    }
)
_CHANGES = message(
    {
        1: Field("update", _ITEM, repeated=True),
        2: Field("remove", _ITEM, repeated=True),
    }
)
# One of these may stand in place of value_json. wandb 0.31 declares them and writes none.
_HISTORY_ITEM = _ITEM | message(
    {
        3: Field("none", "int"),
        4: Field("boolean", "bool"),
        5: Field("integer", "sint"),
        6: Field("number", "double"),
        7: Field("text", "string"),
        8: Field("json", "string"),
    }
)
_HISTORY = message(
    {
        1: Field("item", _HISTORY_ITEM, repeated=True),
        2: Field("step", message({1: Field("num", "int")})),
    }
)
_OUTPUT = message(
    {
        1: Field("output_type", "int"),
        2: Field("timestamp", _TIMESTAMP),
        3: Field("line", "string"),
    }
)
_OPTIONS = message({1: Field("step_sync", "bool"), 2: Field("hidden", "bool")})
_SUMMARY_WORDS = message(
    {
        1: Field("min", "bool"),
        2: Field("max", "bool"),
        3: Field("mean", "bool"),
        4: Field("best", "bool"),
        5: Field("last", "bool"),
        6: Field("none", "bool"),
        7: Field("copy", "bool"),
        8: Field("first", "bool"),
    }
)
_METRIC = message(
    {
        1: Field("name", "string"),
        2: Field("glob_name", "string"),
        4: Field("step_metric", "string"),
        5: Field("step_metric_index", "int"),
        6: Field("options", _OPTIONS),
        7: Field("summary", _SUMMARY_WORDS),
        8: Field("goal", "int"),
        9: Field("control", message({1: Field("overwrite", "bool")})),
    }
)
_TELEMETRY = message({5: Field("cli_version", "string")})
_FILE = message({1: Field("path", "string")})
_VERSION = message({1: Field("producer", "string")})
_RUN = message(
    {
        1: Field("run_id", "string"),
        2: Field("entity", "string"),
        3: Field("project", "string"),
        4: Field("config", _CHANGES),
        5: Field("summary", _CHANGES),
        6: Field("run_group", "string"),
        7: Field("job_type", "string"),
        8: Field("display_name", "string"),
        9: Field("notes", "string"),
        10: Field("tags", "string", repeated=True),
        12: Field("sweep_id", "string"),
        13: Field("host", "string"),
        17: Field("start_time", _TIMESTAMP),
        19: Field("telemetry", _TELEMETRY),
    }
)
_RECORD = message(
    {
        2: Field("history", _HISTORY),
        3: Field("summary", _CHANGES),
        4: Field("output", _OUTPUT),
        5: Field("config", _CHANGES),
        6: Field("files", message({1: Field("files", _FILE, repeated=True)})),
        11: Field("telemetry", _TELEMETRY),
        12: Field("metric", _METRIC),
        13: Field("output_raw", _OUTPUT),
        17: Field("run", _RUN),
        18: Field("exit", message({1: Field("exit_code", "int")})),
        21: Field("header", message({1: Field("version_info", _VERSION)})),
    }
)
_GOALS = {1: "minimize", 2: "maximize"}


class ConsoleLine(NamedTuple):
    """A line that the script wrote; `time` is when its end was written, in seconds since 1970."""

    stream: str  # "stdout" or "stderr"
    time: float
    text: str


@dataclass(frozen=True)
class WandbLog:
    """What one `run-<id>.wandb` file holds.

    Attributes:
        run_id: Empty if the file was cut before the run record, like the texts below.
        display_name: Empty unless the script named its run: offline, wandb makes no name up.
        config: As the script last saw it, without the `_wandb` part.
        config_wandb: The `_wandb` part: wandb's own notes.
        summary: As it was last, `_step`, `_runtime`, `_timestamp` and `_wandb` included.
        history: The rows in the order they were written, each with `_step`, `_runtime` in
            seconds since the start and `_timestamp` in seconds since 1970.
        exit_code: None if the run did not come to its end.
        metrics: What `define_metric` was told: `name` or `glob_name`, and where given
            `step_metric`, `step_sync`, `hidden`, `summary` (a list of words), `goal`, `overwrite`.
        files: Paths, relative to the run's folder of files.
        start_time: Seconds since 1970.
        wandb_version: The version that wrote the file.
        problems: What could not be read, in words. Empty for a file that is whole.
    """

    run_id: str = ""
    project: str = ""
    entity: str = ""
    display_name: str = ""
    notes: str = ""
    tags: list[str] = field(default_factory=list)
    group: str = ""
    job_type: str = ""
    sweep_id: str = ""
    host: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    config_wandb: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    exit_code: int | None = None
    metrics: list[dict[str, Any]] = field(default_factory=list)
    console: list[ConsoleLine] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    start_time: float | None = None
    wandb_version: str = ""
    problems: list[str] = field(default_factory=list)


def read_wandb_log(path: str | os.PathLike[str]) -> WandbLog:
    """Read a `run-<id>.wandb` file, finished or not.

    A file that is cut short or damaged gives what can still be read, and says in `problems` what
    could not.

    Raises:
        NotALogError: it is no such file, or of a version that is not known. A ValueError.
        OSError: it cannot be opened or read.
    """
    reader = Reader()
    with open(path, "rb") as file:
        header = file.read(len(FILE_HEADER))
        if not FILE_HEADER.startswith(header):
            reason = "has an unknown version" if header[:6] == FILE_HEADER[:6] else "is none"
            raise NotALogError(f"{os.fspath(path)}: expected a wandb log, but the file {reason}")
        if header == FILE_HEADER:
            for number, data in enumerate(read_records(file, reader.problems), 1):
                reader.read(number, data)
        else:
            reader.problems.append("the file ends within its header")
    return reader.result()


class Reader:
    """Applies records one after the other."""

    fields = _RECORD

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._run: dict[str, Any] = {}
        self._config: dict[str, Any] = {}
        self._summary: dict[str, Any] = {}
        self._history: list[dict[str, Any]] = []
        self._exit_code: int | None = None
        self._metrics: list[dict[str, Any]] = []
        self._console: list[ConsoleLine] = []
        self._unfinished_lines: dict[str, ConsoleLine] = {}
        self._files: list[str] = []
        self._producer = ""
        self._version = ""
        self._number = 0
        self._apply = {
            "history": self._apply_history,
            "summary": self._apply_summary,
            "config": self._apply_config,
            "output": self._apply_output,
            "output_raw": self._apply_output,
            "files": self._apply_files,
            "telemetry": self._apply_telemetry,
            "metric": self._apply_metric,
            "run": self._apply_run,
            "exit": self._apply_exit,
            "header": self._apply_header,
        }

    def read(self, number: int, data: bytes) -> None:
        """Take in record `number`, counted from 1."""
        self._number = number
        try:
            record = decode(self.fields, data)
        except DecodeError as error:
            self._problem(f"no protobuf message: {error}")
            return
        for name, content in record.items():
            self._apply[name](content)

    def result(self) -> WandbLog:
        """Everything taken in so far, as one value."""
        if not self._run:
            self.problems.append("there is no run record")
        left_out = len(self.problems) - _MAX_PROBLEMS
        if left_out > 0:
            self.problems[_MAX_PROBLEMS:] = [f"and {left_out} more problems"]
        run, config = self._run, dict(self._config)
        config_wandb = config.pop("_wandb", {})
        return WandbLog(
            run_id=run.get("run_id", ""),
            project=run.get("project", ""),
            entity=run.get("entity", ""),
            display_name=run.get("display_name", ""),
            notes=run.get("notes", ""),
            tags=run.get("tags", []),
            group=run.get("run_group", ""),
            job_type=run.get("job_type", ""),
            sweep_id=run.get("sweep_id", ""),
            host=run.get("host", ""),
            config=config,
            config_wandb=config_wandb if isinstance(config_wandb, dict) else {},
            summary=self._summary,
            history=self._history,
            exit_code=self._exit_code,
            metrics=self._metrics,
            console=[*self._console, *self._unfinished_lines.values()],
            files=self._files,
            start_time=_seconds(run.get("start_time")),
            wandb_version=self._version or self._producer.partition("+")[0],
            problems=self.problems,
        )

    def _problem(self, text: str) -> None:
        self.problems.append(f"record {self._number}: {text}")

    # --- one method a kind of record ---------------------------------------------------------

    def _apply_header(self, header: dict[str, Any]) -> None:
        self._producer = header.get("version_info", {}).get("producer", "")

    def _apply_telemetry(self, telemetry: dict[str, Any]) -> None:
        self._version = telemetry.get("cli_version", self._version)

    def _apply_run(self, run: dict[str, Any]) -> None:
        self._run = run
        self._apply_telemetry(run.get("telemetry", {}))
        self._apply_config(run.get("config", {}))
        self._apply_summary(run.get("summary", {}))

    def _apply_config(self, changes: dict[str, Any]) -> None:
        # A key gets its new value whole. wandb's server would merge a dict into the one that is
        # there; the script saw it replaced, and that is what it was run with.
        for path, value in self._values(changes.get("update", [])):
            _set(self._config, path, value)
        for item in changes.get("remove", []):
            _remove(self._config, _path(item))

    def _apply_summary(self, changes: dict[str, Any]) -> None:
        for path, value in self._values(changes.get("update", [])):
            if value is None:
                _remove(self._summary, path)
            else:
                _set(self._summary, path, value)
        for item in changes.get("remove", []):
            _remove(self._summary, _path(item))

    def _apply_history(self, history: dict[str, Any]) -> None:
        row: dict[str, Any] = {}
        for path, value in self._values(history.get("item", [])):
            _set(row, path, value)
        # Old versions gave the step only here.
        if "step" in history:
            row.setdefault("_step", history["step"].get("num", 0))
        self._history.append(row)

    def _apply_output(self, output: dict[str, Any]) -> None:
        # Written as the script's write calls came: "text", then "\n".
        stream = "stdout" if output.get("output_type") == 1 else "stderr"
        time = _seconds(output.get("timestamp")) or 0.0
        begun = self._unfinished_lines.pop(stream, ConsoleLine(stream, time, ""))
        *ended, rest = (begun.text + output.get("line", "")).split("\n")
        self._console += [ConsoleLine(stream, time, text) for text in ended]
        if rest:
            self._unfinished_lines[stream] = ConsoleLine(stream, time, rest)

    def _apply_files(self, files: dict[str, Any]) -> None:
        for item in files.get("files", []):
            path = item.get("path", "")
            if path and path not in self._files:
                self._files.append(path)

    def _apply_metric(self, metric: dict[str, Any]) -> None:
        definition: dict[str, Any] = {
            name: metric[name] for name in ("name", "glob_name", "step_metric") if metric.get(name)
        }
        # Old versions referred to an earlier definition by its position, counted from 1.
        index = metric.get("step_metric_index", 0)
        if 0 < index <= len(self._metrics) and "name" in self._metrics[index - 1]:
            definition.setdefault("step_metric", self._metrics[index - 1]["name"])
        definition |= {name: True for name, on in metric.get("options", {}).items() if on}
        words = [name for name, on in metric.get("summary", {}).items() if on]
        if words:
            definition["summary"] = words
        if metric.get("goal") in _GOALS:
            definition["goal"] = _GOALS[metric["goal"]]
        if metric.get("control", {}).get("overwrite"):
            definition["overwrite"] = True
        self._metrics.append(definition)

    def _apply_exit(self, exit_record: dict[str, Any]) -> None:
        self._exit_code = exit_record.get("exit_code", 0)

    # --- values ------------------------------------------------------------------------------

    def _values(self, items: list[dict[str, Any]]) -> list[tuple[list[str], Any]]:
        """The path and the value of each item that has both."""
        values = []
        for item in items:
            path = _path(item)
            if not path:
                self._problem("an item without a key")
                continue
            text = item.get("value_json") or item.get("json")
            if text is None or text == "":
                # A value that is empty JSON is none: `_wandb` comes like this in later records.
                values += [(path, item[name]) for name in _PLAIN if name in item]
                if "none" in item:
                    values.append((path, None))
                continue
            try:
                values.append((path, json.loads(text)))
            except (ValueError, RecursionError) as error:
                self._problem(f"the value of {'.'.join(path)} is no JSON: {error}")
        return values


_PLAIN = ("boolean", "integer", "number", "text")


def _path(item: dict[str, Any]) -> list[str]:
    key = item.get("key")
    return item.get("nested_key") or ([key] if key else [])


def _set(tree: dict[str, Any], path: list[str], value: Any) -> None:
    """Set a leaf, or replace a subtree; what stands in the way of a dict gives way to it."""
    for key in path[:-1]:
        below = tree.get(key)
        if not isinstance(below, dict):
            below = tree[key] = {}
        tree = below
    tree[path[-1]] = value


def _remove(tree: dict[str, Any], path: list[str]) -> None:
    for key in path[:-1]:
        below = tree.get(key)
        if not isinstance(below, dict):
            return
        tree = below
    if path:
        tree.pop(path[-1], None)


def _seconds(timestamp: dict[str, int] | None) -> float | None:
    if timestamp is None:
        return None
    return timestamp.get("seconds", 0) + timestamp.get("nanos", 0) / 1e9

"""Reads MLflow's stores: a folder `mlruns/`, or the SQLite database of `sqlite:///mlflow.db`.

The folder has `<experiment>/<run>/` with `meta.yaml`, and in `params/`, `tags/` and `metrics/` a
file for each key; a line of a metric is time in milliseconds, value, step. In the database they are
the tables `experiments`, `runs`, `params`, `tags` and `metrics`, where a NaN is 0 with `is_nan` and
the infinities are the largest floats. Parameters are texts in both. Traces, models, and inputs
are left out, and so is what has been deleted.
"""

from __future__ import annotations

import hashlib
import math
import os
import sys
from array import array
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from synadb.errors import NotADatabaseError, NotALogError
from synadb.formats._bring_in import Imported, Source
from synadb.ops import EndRun, LogRows, Op, StartRun, UpdateRun
from synadb.storage.foreign import read_foreign

__all__ = ["sources"]

_STATES = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "killed"}
_NUMBERS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
_EXIT_CODES = {"finished": 0, "failed": 1}
_OWN_KEYS = frozenset(("_step", "_runtime", "_timestamp"))
_MOST_PROBLEMS = 100
_MOST = 1 << 53  # steps, and milliseconds
_TABLES = {"experiments", "runs", "params", "tags", "metrics"}
_WANTED = ("run_uuid", "name", "status", "start_time", "end_time", "artifact_uri", "user_id")


class _Info(NamedTuple):
    """A run without its metrics. Times are in seconds."""

    run_id: str
    experiment: str
    name: str
    status: str
    start: float
    end: float | None
    user: str
    artifacts: str
    params: dict[str, str]
    tags: dict[str, str]


_Point = tuple[int, int, float]
"""Milliseconds, step, value."""


def sources(store: str, project: str | None = None) -> Iterator[Source]:
    """The runs of a store, the oldest first; reading their metrics happens later.

    `store` is a folder, the path of a database, or an address that begins with `sqlite:///` or
    `file://`. The project is by default the name of a run's experiment.

    Raises:
        NotALogError: it is no store of MLflow, or has no runs. A ValueError.
        OSError: it cannot be read.
    """
    path = _place(store)
    if os.path.isdir(path):
        found: _Folder | _Database = _Folder(path)
    elif os.path.isfile(path):
        found = _Database(path)
    else:
        raise NotALogError(f"there is no store {store}")
    infos = sorted(found.runs(), key=lambda info: (info.start, info.run_id))
    if not infos:
        raise NotALogError(f"{store} has no runs of MLflow")
    groups = _groups(infos)
    for info in infos:
        run = _Run(found, path, info, project or info.experiment, groups.get(info.run_id, ""))
        yield run.source()


def _place(store: str) -> str:
    if store.startswith("sqlite:///"):
        return store.removeprefix("sqlite:///").partition("?")[0]
    if store.startswith("file:"):
        return unquote(urlsplit(store).path)
    if "://" in store:
        raise NotALogError(f"{store}: only stores on this machine can be read: a folder or SQLite")
    return store


def _groups(infos: list[_Info]) -> dict[str, str]:
    """The name of the outermost run that a run is nested in, for it and for that run."""
    by_id = {info.run_id: info for info in infos}
    names = [(info.experiment, info.name) for info in infos]
    groups: dict[str, str] = {}
    for info in infos:
        top, seen = info, {info.run_id}
        while (parent := by_id.get(top.tags.get("mlflow.parentRunId", ""))) is not None:
            if parent.run_id in seen:
                break
            seen.add(parent.run_id)
            top = parent
        if top is not info:
            unique = bool(top.name) and names.count((top.experiment, top.name)) == 1
            groups[info.run_id] = groups[top.run_id] = top.name if unique else top.run_id
    return groups


# -- one run -------------------------------------------------------------------------------------


class _Run:
    def __init__(
        self, store: _Folder | _Database, path: str, info: _Info, project: str, group: str
    ) -> None:
        self._store = store
        self._path = path
        self._info = info
        self._project = project
        self._group = group

    def source(self) -> Source:
        """The run as it can be brought in."""
        info = self._info
        digest = hashlib.sha256(repr((info, self._project, self._group)).encode())
        problems: list[str] = []
        for key, points in self._store.metrics(info.run_id, problems):
            digest.update(repr((key, points)).encode())
        for name, place in sorted(self._artifacts(problems).items()):
            digest.update(repr((name, os.path.getsize(place))).encode())
        origin = os.path.join(os.path.normpath(self._path), info.run_id)
        return Source(info.run_id, origin, digest.hexdigest(), self._read, {}, self._project)

    def _read(self, run_id: str) -> Imported:
        info = self._info
        problems: list[str] = []
        files = self._artifacts(problems)
        ops = self._beginning(run_id)
        rows, last = self._rows(run_id, ops, problems)
        state = _STATES.get(info.status, "crashed")
        if state == "crashed":
            problems.append(f"the run is {info.status or 'UNKNOWN'}: it did not come to its end")
        end = info.end if info.end is not None else max(last, info.start)
        ops.append(EndRun(run_id, state, end, _EXIT_CODES.get(state)))
        left_out = len(problems) - _MOST_PROBLEMS
        if left_out > 0:
            problems[_MOST_PROBLEMS:] = [f"and {left_out} more problems"]
        return Imported(ops, files, rows, problems)

    def _beginning(self, run_id: str) -> list[Op]:
        info = self._info
        tags = info.tags
        own = {key: value for key, value in tags.items() if not key.startswith("mlflow.")}
        facts = {
            "program": tags.get("mlflow.source.name"),
            "username": info.user or tags.get("mlflow.user"),
            "git": {
                word: tags[key]
                for word, key in (
                    ("commit", "mlflow.source.git.commit"),
                    ("remote", "mlflow.source.git.repoURL"),
                )
                if tags.get(key)
            },
        }
        metadata = {
            "facts": {key: value for key, value in facts.items() if value},
            "mlflow": {"tags": tags, "artifacts": info.artifacts, "params": info.params},
        }
        start = StartRun(
            run_id,
            self._project,
            info.start,
            name=info.name or info.run_id,
            config={key: _typed(value) for key, value in info.params.items()},
            tags=tuple(f"{key}:{value}" if value else key for key, value in own.items()),
            notes=tags.get("mlflow.note.content") or None,
            group=self._group,
        )
        return [start, UpdateRun(run_id, {"metadata": metadata})]

    def _rows(self, run_id: str, ops: list[Op], problems: list[str]) -> tuple[int, float]:
        """Add the metrics; how many steps they have, and the last time."""
        found: dict[str, list[_Point]] = {}
        for key, points in self._store.metrics(self._info.run_id, problems):
            if key in _OWN_KEYS or not key:
                problems.append(f"the metric {key!r} cannot be a key")
            elif points:
                found[key] = points
        lowest = min((step for points in found.values() for _, step, _ in points), default=0)
        if lowest < 0:
            problems.append(f"its steps begin at {lowest}: all are moved up by {-lowest}")
        seen: set[int] = set()
        last = 0.0
        order = 0
        for key, points in found.items():
            points.sort(key=lambda point: (point[1], point[0]))
            steps = [step - min(lowest, 0) for _, step, _ in points]
            if len(set(steps)) < len(steps):
                points.sort(key=lambda point: point[0])
                steps = list(range(len(points)))
                problems.append(
                    f"the metric {key!r} has several values of one step: its values are numbered"
                )
            times = array("d", [moment / 1000 for moment, _, _ in points])
            values = array("d", [value for _, _, value in points])
            if sys.byteorder == "big":
                values.byteswap()
            orders = array("q", range(order, order + len(points)))
            order += len(points)
            columns = (values.tobytes(),)
            ops.append(LogRows(run_id, (key,), "d", array("q", steps), times, orders, columns))
            seen.update(steps)
            last = max(last, *times)
        return len(seen), last

    def _artifacts(self, problems: list[str]) -> dict[str, str]:
        uri = self._info.artifacts
        scheme = urlsplit(uri).scheme if "://" in uri or uri.startswith("file:") else ""
        places = []
        if scheme in ("", "file"):
            own = unquote(urlsplit(uri).path) if scheme else uri
            below = os.path.dirname(os.path.abspath(self._path))
            # A store that has been moved says where it was.
            places = [own, os.path.join(below, own)] if own else []
        places += self._store.artifact_places(self._info.run_id)
        top = next((place for place in places if os.path.isdir(place)), None)
        if top is None:
            if scheme not in ("", "file"):
                problems.append(f"its artifacts are left out: they are at {uri}")
            return {}
        found = {}
        for folder, below_it, names in os.walk(top):
            below_it.sort()
            for name in sorted(names):
                place = os.path.join(folder, name)
                inside = os.path.relpath(place, top).replace(os.sep, "/")
                if os.path.isfile(place):
                    found[inside] = place
                else:
                    problems.append(f"the artifact {inside} is no file")
        return found


def _typed(text: str) -> Any:
    """What Python writes as this text: an int, a float, a bool, None; else the text."""
    if text in ("True", "False", "None"):
        return {"True": True, "False": False, "None": None}[text]
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if str(value) == text and not (kind is int and abs(value) >= 1 << 63):
            return value
    return text


# -- a folder ------------------------------------------------------------------------------------


class _Folder:
    def __init__(self, path: str) -> None:
        self._path = path
        self._folders: dict[str, str] = {}

    def runs(self) -> Iterator[_Info]:
        """All runs that have not been deleted."""
        for experiment in self._experiments():
            about = _yaml(os.path.join(experiment, "meta.yaml"))
            if about is None or about.get("lifecycle_stage") == "deleted":
                continue
            for name in sorted(os.listdir(experiment)):
                folder = os.path.join(experiment, name)
                meta = _yaml(os.path.join(folder, "meta.yaml"))
                if meta is None or not ("run_id" in meta or "run_uuid" in meta):
                    continue
                if meta.get("lifecycle_stage") == "deleted":
                    continue
                yield self._info(folder, meta, str(about.get("name") or "mlflow"))

    def _experiments(self) -> list[str]:
        if os.path.isfile(os.path.join(self._path, "meta.yaml")):
            return [self._path]  # one experiment
        below = self._path
        if os.path.isdir(os.path.join(below, "mlruns")):
            below = os.path.join(below, "mlruns")
        folders = [os.path.join(below, name) for name in sorted(os.listdir(below))]
        found = [folder for folder in folders if os.path.isfile(os.path.join(folder, "meta.yaml"))]
        if not found:
            raise NotALogError(f"{self._path} is no store of MLflow: no folder has a meta.yaml")
        return found

    def _info(self, folder: str, meta: Mapping[str, Any], experiment: str) -> _Info:
        run_id = str(meta.get("run_id") or meta.get("run_uuid") or os.path.basename(folder))
        self._folders[run_id] = folder
        tags = _texts(os.path.join(folder, "tags"))
        status = meta.get("status")
        if isinstance(status, int):
            status = _NUMBERS.get(status, "")
        return _Info(
            run_id,
            experiment,
            tags.get("mlflow.runName") or str(meta.get("run_name") or ""),
            str(status or ""),
            _seconds(meta.get("start_time")) or 0.0,
            _seconds(meta.get("end_time")),
            str(meta.get("user_id") or ""),
            str(meta.get("artifact_uri") or ""),
            _texts(os.path.join(folder, "params")),
            tags,
        )

    def metrics(self, run_id: str, problems: list[str]) -> Iterator[tuple[str, list[_Point]]]:
        """The metrics of a run by name."""
        top = os.path.join(self._folders[run_id], "metrics")
        for key, path in _below(top):
            points: list[_Point] = []
            with open(path, encoding="utf-8", errors="replace") as file:
                for number, line in enumerate(file, 1):
                    words = line.split()
                    try:
                        step = int(words[2]) if len(words) > 2 else 0
                        point = int(words[0]), step, float(words[1])
                    except (ValueError, IndexError):
                        point = _MOST, _MOST, 0.0
                    if _is_possible(point):
                        points.append(point)
                    else:
                        problems.append(f"line {number} of the metric {key!r} cannot be read")
            yield key, points

    def artifact_places(self, run_id: str) -> list[str]:
        """Where the artifacts of a run lie if nothing else is said."""
        return [os.path.join(self._folders[run_id], "artifacts")]


def _is_possible(point: _Point) -> bool:
    return abs(point[0]) < _MOST and abs(point[1]) < _MOST


def _below(top: str) -> Iterator[tuple[str, str]]:
    for folder, below, names in os.walk(top):
        below.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            yield os.path.relpath(path, top).replace(os.sep, "/"), path


def _texts(top: str) -> dict[str, str]:
    found = {}
    for key, path in _below(top):
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            found[key] = file.read()
    return found


def _yaml(path: str) -> dict[str, Any] | None:
    """What a file holds, None where there is none."""
    import yaml

    try:
        with open(path, "rb") as file:
            found = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (yaml.YAMLError, UnicodeError, ValueError, RecursionError) as error:
        raise NotALogError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise NotALogError(f"{path} is no file of MLflow: it holds no names and values")
    return found


def _seconds(milliseconds: Any) -> float | None:
    if isinstance(milliseconds, int | float) and math.isfinite(milliseconds):
        return milliseconds / 1000
    return None


# -- a database ----------------------------------------------------------------------------------


class _Database:
    def __init__(self, path: str) -> None:
        self._path = path

    def _read(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        try:
            return read_foreign(self._path, query, parameters)
        except NotADatabaseError as error:
            raise self._error(error.__cause__ or error) from error

    def _error(self, error: BaseException) -> NotALogError:
        return NotALogError(f"{self._path} cannot be read as a store of MLflow: {error}")

    def runs(self) -> Iterator[_Info]:
        """All runs that have not been deleted."""
        tables = {name for (name,) in self._read("select name from sqlite_master")}
        if not tables >= _TABLES:
            missing = ", ".join(sorted(_TABLES - tables))
            raise NotALogError(f"{self._path} is no store of MLflow: it has no table {missing}")
        experiments = {
            number: str(name or "mlflow")
            for number, name, stage in self._read(
                "select experiment_id, name, lifecycle_stage from experiments"
            )
            if stage != "deleted"
        }
        values: dict[str, dict[str, dict[str, str]]] = {"params": {}, "tags": {}}
        for table, by_run in values.items():
            for run, key, value in self._read(
                f"select run_uuid, key, value from {table} order by key"
            ):
                by_run.setdefault(run, {})[str(key)] = "" if value is None else str(value)
        for number, stage, *row in self._read(
            f"select experiment_id, lifecycle_stage, {', '.join(_WANTED)} from runs"
        ):
            if stage == "deleted" or number not in experiments:
                continue
            run_id, name, status, start, end, uri, user = row
            tags = values["tags"].get(run_id, {})
            yield _Info(
                str(run_id),
                experiments[number],
                tags.get("mlflow.runName") or str(name or ""),
                str(status or ""),
                _seconds(start) or 0.0,
                _seconds(end),
                str(user or ""),
                str(uri or ""),
                values["params"].get(run_id, {}),
                tags,
            )

    def metrics(self, run_id: str, problems: list[str]) -> Iterator[tuple[str, list[_Point]]]:
        """The metrics of a run by name."""
        by_key: dict[str, list[_Point]] = {}
        for key, moment, step, value, is_nan in self._read(
            "select key, timestamp, step, value, is_nan from metrics where run_uuid = ?"
            " order by key, step, timestamp",
            run_id,
        ):
            try:
                point = int(moment or 0), int(step or 0), _number(value, is_nan)
            except (TypeError, ValueError) as error:
                raise self._error(error) from error
            if _is_possible(point):
                by_key.setdefault(str(key), []).append(point)
            else:
                problems.append(f"a value of the metric {key!r} has no possible step")
        yield from by_key.items()

    def artifact_places(self, run_id: str) -> list[str]:
        """Where the artifacts of a run lie if nothing else is said."""
        below = os.path.dirname(os.path.abspath(self._path))
        found = []
        for name in ("mlruns", "mlartifacts"):
            top = os.path.join(below, name)
            if os.path.isdir(top):
                found += [
                    os.path.join(top, experiment, run_id, "artifacts")
                    for experiment in sorted(os.listdir(top))
                ]
        return found


def _number(value: Any, is_nan: Any) -> float:
    if is_nan or value is None:
        return math.nan
    number = float(value)
    if abs(number) >= sys.float_info.max:
        return math.copysign(math.inf, number)
    return number

"""Reads TensorBoard's log folders: one run for each folder that has event files.

Steps and wall times are those of the events. Scalars become metrics, hyperparameters the config;
histograms, images, audio, texts and PR curves become what wandb makes of them. Graphs, layouts and
the data of other plugins are left out.
"""

from __future__ import annotations

import hashlib
import os
import re
from array import array
from collections.abc import Iterator
from typing import Any, NamedTuple

from synadb.errors import NotALogError
from synadb.formats._bring_in import Imported, Source
from synadb.formats._events import (
    Event,
    Plugins,
    ValueProblem,
    begins_a_file,
    decode_event,
    hparams,
    read_value,
)
from synadb.formats._protobuf import DecodeError
from synadb.formats._tfrecord import DamagedError, Tail
from synadb.media.value import FileValue, Stored, file_path
from synadb.ops import EndRun, LogRow, LogRows, Op, SetConfig, StartRun

__all__ = ["event_files", "host_of", "is_event_file", "read", "sources"]

OWN_KEYS = frozenset(("_step", "_runtime", "_timestamp"))
_NOT_DATA = (".profile-empty", ".sagemaker-uploaded")
_HOST = re.compile(r"tfevents\.\d+\.(.+?)(?:\.\d+\.\d+)?(?:\.v2)?\Z")
_HASHED = 1 << 20
_MOST_PROBLEMS = 100


def is_event_file(name: str) -> bool:
    """Whether a file of this name holds events."""
    return "tfevents" in name and not name.endswith(_NOT_DATA)


def event_files(folder: str) -> list[str]:
    """The names of a folder's event files, in the order in which they were begun."""
    try:
        with os.scandir(folder) as entries:
            return sorted(e.name for e in entries if is_event_file(e.name) and e.is_file())
    except (FileNotFoundError, NotADirectoryError):
        return []


def host_of(name: str) -> str:
    """The machine that has written an event file, as its name tells."""
    found = _HOST.search(name)
    return found[1] if found else ""


# -- what there is -------------------------------------------------------------------------------


def sources(logdir: str, project: str, *, damaged: bool = False) -> Iterator[Source]:
    """The runs of a log folder, in order of their paths; reading happens later.

    With `damaged` files that are damaged give what can be read of them.

    Raises:
        NotALogError: there are no event files, or one is of another format. A ValueError.
        OSError: one cannot be read.
    """
    found = list(_folders(logdir))
    if not found:
        if os.path.isfile(logdir):
            raise NotALogError(f"{logdir} is no event file: those have tfevents in their names")
        if not os.path.isdir(logdir):
            raise NotALogError(f"there is no folder {logdir}")
        raise NotALogError(f"{logdir} has no event files (files with tfevents in their names)")
    some = False
    for name, folder, files in found:
        log = _Log(name, [os.path.join(folder, file) for file in files], project, damaged)
        first = log.first_record()
        if first is None:
            continue  # created, and nothing written
        some = True
        key = "\0".join((project, name, files[0])).encode("utf-8", "surrogateescape")
        run_id = hashlib.sha256(key + b"\0" + first).hexdigest()[:12]
        yield Source(run_id, os.path.normpath(folder), log.digest(), log.read)
    if not some:
        raise NotALogError(f"the event files of {logdir} are empty")


def read(logdir: str, project: str, *, damaged: bool = False) -> Iterator[Op]:
    """The ops of all runs of a log folder, without the files of their media."""
    for source in sources(logdir, project, damaged=damaged):
        yield from source.read(source.run_id).ops


def _folders(logdir: str) -> Iterator[tuple[str, str, list[str]]]:
    """(name of the run, folder, its event files) of each folder that has some."""
    if os.path.isfile(logdir) and is_event_file(os.path.basename(logdir)):
        folder, name = os.path.split(os.path.abspath(logdir))
        yield os.path.basename(folder), folder, [name]
        return
    seen: set[str] = set()
    for folder, below, _ in os.walk(logdir, followlinks=True):
        below.sort()
        real = os.path.realpath(folder)
        if real in seen:  # links may lead in a circle
            below.clear()
            continue
        seen.add(real)
        files = event_files(folder)
        if files:
            inside = os.path.relpath(folder, logdir).replace(os.sep, "/")
            top = os.path.basename(os.path.abspath(logdir))
            yield (top if inside == "." else inside), folder, files


# -- one run -------------------------------------------------------------------------------------


class _Series(NamedTuple):
    steps: array[int]
    times: array[float]
    orders: array[int]
    values: array[float]


class _Other(NamedTuple):
    order: int
    step: int
    time: float
    key: str
    value: Any


class _Kept:
    """A sink that keeps the files of a run in memory."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.token: object = object()
        self.files: dict[str, bytes] = {}

    def put(
        self, folder: str, key: str, step: int | str, content: bytes | str, extension: str
    ) -> Stored:
        assert isinstance(content, bytes)
        digest = hashlib.sha256(content).hexdigest()
        path = file_path(folder, key, step, digest, extension)
        self.files[path] = content
        return Stored(path, digest, len(content))


class _Log:
    """The event files of one folder."""

    def __init__(self, name: str, paths: list[str], project: str, damaged: bool) -> None:
        self._name = name
        self._paths = paths
        self._project = project
        self._damaged = damaged

    def first_record(self) -> bytes | None:
        """The first record of the first file that has one."""
        for path in self._paths:
            with open(path, "rb") as file:
                try:
                    for _, payload in Tail(file).records():
                        if not _is_beginning(payload):
                            raise NotALogError(f"{path}: its first record is no event")
                        return payload
                except DamagedError as error:
                    raise NotALogError(f"{path} is no event file: {error}") from error
                if os.path.getsize(path):
                    raise NotALogError(f"{path} is no event file, or ends within its first record")
        return None

    def digest(self) -> str:
        """Of the content of all files."""
        total = hashlib.sha256()
        for path in self._paths:
            one = hashlib.sha256()
            with open(path, "rb") as file:
                while part := file.read(_HASHED):
                    one.update(part)
            total.update(os.fsencode(os.path.basename(path)) + b"\0" + one.digest())
        return total.hexdigest()

    def read(self, run_id: str) -> Imported:
        """Everything, to be written under `run_id`."""
        run = _Run()
        for path in self._paths:
            self._read_file(path, run)
        return run.imported(run_id, self._name, self._project, host_of(self._paths[0]))

    def _read_file(self, path: str, run: _Run) -> None:
        plugins = Plugins()
        begun = len(run.problems)
        with open(path, "rb") as file:
            tail = Tail(file)
            first = True
            while True:
                try:
                    for offset, payload in tail.records():
                        if first and not _is_beginning(payload):
                            raise NotALogError(f"{path}: its first record is no event")
                        first = False
                        try:
                            event = decode_event(payload)
                        except DecodeError as error:
                            raise DamagedError(offset, str(error), tail.offset) from error
                        run.take(event, plugins)
                    break
                except DamagedError as error:
                    if not self._damaged:
                        raise NotALogError(
                            f"{path} is damaged at {error}; what can be read of it can be "
                            "imported all the same (--damaged)"
                        ) from error
                    run.problems.append(str(error))
                    if error.following is None:
                        run.problems.append(
                            f"{tail.rest()} bytes from byte {tail.offset} on are left out"
                        )
                        break
                    tail.skip(error.following)
            if tail.rest() and len(run.problems) == begun:
                run.problems.append(
                    f"the last record is not whole: {tail.rest()} bytes from byte {tail.offset} "
                    "on are left out"
                )
        name = os.path.basename(path)
        run.problems[begun:] = [f"{name}: {problem}" for problem in run.problems[begun:]]


def _is_beginning(payload: bytes) -> bool:
    try:
        event = decode_event(payload)
    except DecodeError:
        return False
    return begins_a_file(event) or bool(event.values)


class _Run:
    """What the events of one run come to."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._scalars: dict[str, _Series] = {}
        self._others: list[_Other] = []
        self._config: dict[str, Any] = {}
        self._status = 0
        self._count = 0
        self._times: tuple[float, float] | None = None

    def take(self, event: Event, plugins: Plugins) -> None:
        """Add an event."""
        if event.restarted:
            self._restart(event.step)
        time = event.wall_time
        if self._times is None:
            self._times = time, time
        elif time > self._times[1]:
            self._times = self._times[0], time
        elif time < self._times[0]:
            self._times = time, self._times[1]
        for value in event.values:
            plugin = plugins.of(value)
            tag = value.get("tag", "")
            try:
                if plugin == "hparams":
                    self._take_hparams(value)
                    continue
                found = read_value(value, plugin)
            except (ValueProblem, DecodeError) as error:
                self.problems.append(f"{tag!r} of step {event.step} is left out: {error}")
                continue
            if found is None:
                continue
            if not tag or tag in OWN_KEYS:
                self.problems.append(f"the tag {tag!r} of step {event.step} cannot be a key")
                continue
            self._count += 1
            if isinstance(found, float):
                series = self._scalars.get(tag)
                if series is None:
                    series = _Series(array("q"), array("d"), array("q"), array("d"))
                    self._scalars[tag] = series
                series.steps.append(event.step)
                series.times.append(time)
                series.orders.append(self._count)
                series.values.append(found)
            else:
                self._others.append(_Other(self._count, event.step, time, tag, found))

    def _take_hparams(self, value: dict[str, Any]) -> None:
        values, status = hparams(value)
        self._config |= values
        self._status = status or self._status

    def _restart(self, step: int) -> None:
        """Forget what a training that has gone back to `step` had written from there on."""
        self._others = [other for other in self._others if other.step < step]
        for tag, series in self._scalars.items():
            keep = [index for index, at in enumerate(series.steps) if at < step]
            if len(keep) < len(series.steps):
                steps, times, orders, values = series
                self._scalars[tag] = _Series(
                    array("q", [steps[index] for index in keep]),
                    array("d", [times[index] for index in keep]),
                    array("q", [orders[index] for index in keep]),
                    array("d", [values[index] for index in keep]),
                )

    def imported(self, run_id: str, name: str, project: str, host: str) -> Imported:
        """All of it as ops and files."""
        first, last = self._times or (0.0, 0.0)
        sink = _Kept(run_id)
        ops: list[Op] = [StartRun(run_id, project, first, name=name, host=host)]
        if self._config:
            ops.append(SetConfig(run_id, self._config))
        for tag, series in self._scalars.items():
            if series.steps:
                steps, times, orders, values = series
                columns = (_little(values),)
                ops.append(LogRows(run_id, (tag,), "d", steps, times, orders, columns))
        for order, step, time, key, value in self._others:
            made = value
            if isinstance(value, FileValue):
                made = value._to_run_value(sink, key, step)
            ops.append(LogRow(run_id, step, time, {key: made}, order=order))
        state = "failed" if self._status == 2 else "finished"
        ops.append(EndRun(run_id, state, last, 1 if self._status == 2 else 0))
        steps_seen = {step for series in self._scalars.values() for step in series.steps}
        steps_seen.update(other.step for other in self._others)
        left_out = len(self.problems) - _MOST_PROBLEMS
        if left_out > 0:
            self.problems[_MOST_PROBLEMS:] = [f"and {left_out} more problems"]
        return Imported(ops, sink.files, len(steps_seen), self.problems)


def _little(values: array[float]) -> bytes:
    import sys

    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()

"""Reads CSV files as runs: a column is a metric, a row a step.

A column holds ints, floats, bools or texts, as its cells show: a column with one text among numbers
is one of texts. An empty cell is a value that is missing. The file is read twice, the first time to
find out what the columns hold, and never held in memory as a whole.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import hashlib
import os
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress
from typing import IO, Any, NamedTuple

from synadb.errors import NotALogError
from synadb.formats._bring_in import Imported, Source
from synadb.ops import EndRun, LogRow, LogRows, Op, StartRun

__all__ = ["Options", "sources"]

_STEPS = ("_step", "step", "global_step")
_TIMES = ("_timestamp",)
_RUN = "_run"
_OWN = ("_step", "_timestamp", "_runtime")
_ROWS = 16384  # that are looked at together
_LONGEST = 64 << 20  # characters of a cell
_HASHED = 1 << 20
_DELIMITERS = ",;\t|"
_MILLISECONDS = 1e11  # seconds since 1970 from here on are milliseconds: before 1973, after 5138
_MOST_STEP = (1 << 63) - 1

_NOTHING, _BOOL, _INT, _FLOAT, _TEXT = range(5)
_ONE = {
    _BOOL: r"true|false",
    _INT: r"-?(?:0|[1-9]\d{0,18})",
    _FLOAT: r"[-+]?(?:(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?|nan|inf|infinity)",
}
_ALL = {
    kind: re.compile(rf"(?:{one})(?:\n(?:{one}))*", re.IGNORECASE | re.ASCII)
    for kind, one in _ONE.items()
}
_LETTERS = {_BOOL: "?", _INT: "q", _FLOAT: "d"}


class Options(NamedTuple):
    """How files are to be read; what is None is found out.

    `step` and `time` name columns, by default `_step`, `step` or `global_step`, and `_timestamp`.
    """

    step: str | None = None
    time: str | None = None
    delimiter: str | None = None
    encoding: str | None = None


def sources(
    paths: Iterable[str], project: str | None = None, options: Options | None = None
) -> Iterator[Source]:
    """The runs of some files: one each, or one for each value of its column `_run`.

    The project is by default the name of the folder that a file is in.

    Raises:
        NotALogError: a file cannot be read as CSV, or has no rows. A ValueError.
        OSError: one cannot be read.
    """
    for path in paths:
        file = _File(path, options or Options())
        folder = os.path.basename(os.path.dirname(os.path.abspath(path)))
        for run in file.runs:
            yield file.source(run, project or folder or "csv")


class _Column(NamedTuple):
    name: str
    place: int
    kind: int


class _File:
    """One file, read for the first time."""

    def __init__(self, path: str, options: Options) -> None:
        self._path = path
        if os.path.isdir(path):
            raise NotALogError(f"{path} is a folder; name the files in it")
        self._encoding = options.encoding or _encoding_of(path)
        self._delimiter = options.delimiter or self._delimiter_of()
        if len(self._delimiter) != 1:
            raise NotALogError(f"a delimiter is one character, not {self._delimiter!r}")
        names = self._header()
        self._step = self._find(names, options.step, _STEPS)
        self._time = self._find(names, options.time, _TIMES)
        if options.time is None and self._time is not None and self._time == self._step:
            self._time = None
        self._run = names.index(_RUN) if _RUN in names else None
        self._width = len(names)
        kinds, self._count, runs = self._kinds()
        if not self._count:
            raise NotALogError(f"{path} has no rows" + (" behind its header" if names else ""))
        self.runs: list[str | None] = list(runs) if self._run is not None else [None]
        apart = (self._step, self._time, self._run)
        self.columns = [
            _Column(name, place, kinds[place])
            for place, name in enumerate(names)
            if place not in apart and name not in _OWN and kinds[place] != _NOTHING
        ]

    def source(self, run: str | None, project: str) -> Source:
        """A run as it can be brought in."""
        path = os.path.realpath(self._path)
        key = "\0".join((project, path, *([] if run is None else [run])))
        digest = hashlib.sha256(repr((self._step, self._time, self._delimiter)).encode())
        with open(self._path, "rb") as file:
            while content := file.read(_HASHED):
                digest.update(content)
        name = os.path.splitext(os.path.basename(path))[0] if run is None else run
        return Source(
            hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:12],
            os.path.normpath(self._path) + ("" if run is None else f" ({run})"),
            digest.hexdigest(),
            lambda run_id: self._read(run_id, name, project, run),
        )

    # -- what it looks like ----------------------------------------------------------------------

    def _delimiter_of(self) -> str:
        with _opened(self._path, self._encoding) as file:
            line = _first_line(self._path, file)
        outside = re.sub(r'"[^"]*"', "", line)
        return max(_DELIMITERS, key=outside.count)

    def _header(self) -> list[str]:
        with _opened(self._path, self._encoding) as file:
            try:
                names = next(self._rows(file), None)
            except StopIteration:
                names = None
        if names is None:
            raise NotALogError(f"{self._path} is empty")
        names = [name.strip() or f"column_{number}" for number, name in enumerate(names, 1)]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise NotALogError(f"{self._path} has several columns {min(twice)!r}")
        return names

    def _find(self, names: list[str], wanted: str | None, usual: Sequence[str]) -> int | None:
        if wanted is not None:
            if wanted not in names:
                raise NotALogError(
                    f"{self._path} has no column {wanted!r}; it has {', '.join(names)}"
                )
            return names.index(wanted)
        return next((names.index(name) for name in usual if name in names), None)

    def _kinds(self) -> tuple[list[int], int, dict[str, None]]:
        kinds = [_NOTHING] * self._width
        count = 0
        runs: dict[str, None] = {}
        for rows in self._blocks():
            count += len(rows)
            for place, cells in enumerate(zip(*rows, strict=True)):
                if kinds[place] != _TEXT:
                    kinds[place] = _joined(kinds[place], _kind(cells))
                if place == self._run:
                    runs |= dict.fromkeys(cells)
        return kinds, count, runs

    # -- its rows --------------------------------------------------------------------------------

    def _rows(self, file: IO[str]) -> Iterator[list[str]]:
        reader = csv.reader(file, delimiter=self._delimiter, strict=True)
        try:
            yield from reader
        except csv.Error as error:
            raise NotALogError(f"{self._path}, line {reader.line_num}: {error}") from error
        except UnicodeError as error:
            raise NotALogError(
                f"{self._path} is not text in {self._encoding} after line {reader.line_num}: "
                f"{error}; name its encoding"
            ) from error

    def _blocks(self) -> Iterator[list[list[str]]]:
        """Rows of the width of the header, some at a time."""
        with _opened(self._path, self._encoding) as file, _long_cells():
            rows = self._rows(file)
            next(rows)
            block: list[list[str]] = []
            count = 0
            for row in rows:
                count += 1
                if not row:
                    continue
                missing = self._width - len(row)
                if missing:
                    if missing < 0 and any(row[self._width :]):
                        raise NotALogError(
                            f"{self._path}: row {count} has {len(row)} cells, and the header "
                            f"{self._width}"
                        )
                    row = row[: self._width] + [""] * missing
                block.append(row)
                if len(block) == _ROWS:
                    yield block
                    block = []
            if block:
                yield block

    def _read(self, run_id: str, name: str, project: str, run: str | None) -> Imported:
        changed = os.path.getmtime(self._path)
        problems: list[str] = []
        count = 0
        first = last = changed
        seen: set[int] = set()
        repeated = 0
        # The times come first: a run has to be begun before its first row.
        for steps, times, _ in self._placed(run, changed):
            if not times:
                continue
            low, high = min(times), max(times)
            first, last = (min(first, low), max(last, high)) if count else (low, high)
            count += len(times)
            if self._step is not None:
                before = len(seen)
                seen.update(steps)
                repeated += len(steps) - (len(seen) - before)
        if repeated:
            problems.append(
                f"{repeated} rows have the step of an earlier one: where both have a value, the "
                "later one counts"
            )
        start = StartRun(run_id, project, first, name=name)

        def ops() -> Iterator[Op]:
            yield start
            for steps, times, rows in self._placed(run, changed):
                yield from _ops(run_id, self.columns, steps, times, rows)
            yield EndRun(run_id, "finished", last, 0)

        return Imported(ops(), {}, count, problems)

    def _placed(
        self, run: str | None, default: float
    ) -> Iterator[tuple[array[int], array[float], list[list[str]]]]:
        """Rows of one run with their steps and times."""
        count = 0
        for block in self._blocks():
            rows = block
            if self._run is not None:
                rows = [row for row in block if row[self._run] == run]
            if self._step is None:
                steps = array("q", range(count, count + len(rows)))
            else:
                cells = [row[self._step] for row in rows]
                steps = array("q", _each(self._path, "step", cells, _step))
            if self._time is None:
                times = array("d", [default]) * len(rows)
            else:
                cells = [row[self._time] for row in rows]
                times = array("d", _each(self._path, "time", cells, _moment))
            count += len(rows)
            yield steps, times, rows


def _ops(
    run_id: str,
    columns: list[_Column],
    steps: array[int],
    times: array[float],
    rows: list[list[str]],
) -> Iterator[Op]:
    """Rows as columns: one op for those that have the same cells."""
    numbers = [column for column in columns if column.kind != _TEXT]
    texts = [column for column in columns if column.kind == _TEXT]
    groups: dict[tuple[bool, ...], list[int]] = {}
    if all(all(row) for row in rows):
        groups[(True,) * len(numbers)] = list(range(len(rows)))
    else:
        for index, row in enumerate(rows):
            present = tuple([row[column.place] != "" for column in numbers])
            groups.setdefault(present, []).append(index)
    for present, members in groups.items():
        there = list(compress(numbers, present))
        if not there and texts:
            continue
        whole = len(members) == len(rows)
        yield LogRows(
            run_id,
            tuple(column.name for column in there),
            "".join(_LETTERS[column.kind] for column in there),
            steps if whole else array("q", [steps[index] for index in members]),
            times if whole else array("d", [times[index] for index in members]),
            array("q", members),
            tuple(
                _packed([rows[index][column.place] for index in members], column.kind)
                for column in there
            ),
        )
    for index, row in enumerate(rows if texts else ()):
        values = {column.name: row[column.place] for column in texts if row[column.place] != ""}
        if values:
            yield LogRow(run_id, steps[index], times[index], values, order=index)
        elif not any(row[column.place] for column in numbers):
            none = array("q", [steps[index]]), array("d", [times[index]])
            yield LogRows(run_id, (), "", *none, array("q", [index]), ())


def _packed(cells: list[str], kind: int) -> bytes:
    import numpy as np

    if kind == _BOOL:
        return bytes(cell.lower() == "true" for cell in cells)
    if kind == _INT:
        return np.array(list(map(int, cells)), "<i8").tobytes()
    return np.array(list(map(float, cells)), "<f8").tobytes()


# -- cells ---------------------------------------------------------------------------------------


def _kind(cells: Sequence[str]) -> int:
    """What some cells have in common."""
    filled = cells if all(cells) else [cell for cell in cells if cell]
    if not filled:
        return _NOTHING
    text = "\n".join(filled)
    for kind, pattern in _ALL.items():
        if pattern.fullmatch(text) and text.count("\n") == len(filled) - 1:
            if kind == _INT and any(len(cell) > 18 and not _fits(cell) for cell in filled):
                return _TEXT
            return kind
    return _TEXT


def _fits(cell: str) -> bool:
    return -_MOST_STEP - 1 <= int(cell) <= _MOST_STEP


def _joined(one: int, other: int) -> int:
    if other in (one, _NOTHING):
        return one
    if one == _NOTHING:
        return other
    return _FLOAT if {one, other} == {_INT, _FLOAT} else _TEXT


def _each(path: str, what: str, cells: list[str], convert: Callable[[str], Any]) -> list[Any]:
    try:
        return [convert(cell) for cell in cells]
    except (ValueError, OverflowError):
        for cell in cells:
            try:
                convert(cell)
            except (ValueError, OverflowError):
                raise NotALogError(f"{path}: {cell!r} is no {what}") from None
        raise


def _step(cell: str) -> int:
    try:
        step = int(cell)
    except ValueError:
        number = float(cell)
        step = int(number)
        if step != number:
            raise ValueError(cell) from None
    if not 0 <= step <= _MOST_STEP:
        raise ValueError(cell)
    return step


def _moment(cell: str) -> float:
    """Seconds since 1970, of a number of seconds or milliseconds, or of a date and time."""
    try:
        seconds = float(cell)
    except ValueError:
        from datetime import datetime, timezone

        text = cell.strip()
        moment = datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] in "zZ" else text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return moment.timestamp()
    if not abs(seconds) < 1e15:
        raise ValueError(cell)
    return seconds / 1000 if abs(seconds) >= _MILLISECONDS else seconds


# -- the file as text ----------------------------------------------------------------------------


def _encoding_of(path: str) -> str:
    with open(path, "rb") as file:
        start = file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


def _opened(path: str, encoding: str) -> IO[str]:
    try:
        return open(path, encoding=encoding, newline="")
    except LookupError:
        raise NotALogError(f"there is no encoding {encoding!r}") from None


def _first_line(path: str, file: IO[str]) -> str:
    try:
        line = file.readline(_HASHED)
    except UnicodeError as error:
        raise NotALogError(f"{path} is not text: {error}; name its encoding") from error
    if not line:
        raise NotALogError(f"{path} is empty")
    if "\0" in line:
        raise NotALogError(f"{path} is not text")
    return line


@contextlib.contextmanager
def _long_cells() -> Iterator[None]:
    before = csv.field_size_limit(_LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)

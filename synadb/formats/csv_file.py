"""Reads CSV files as runs: a column is a metric, a row a step.

A column holds ints, floats, bools or texts, as its cells show: a column with one text among numbers
is one of texts. Numbers that no type of 64 bits holds exactly, such as 2**64 + 1, stay what they
are. An empty cell is a value that is missing. The first reading of a file finds out what the
columns hold and, where there are several runs, puts the rows of each into a temporary file, from
which they are read again. No file is held in memory as a whole.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import hashlib
import marshal
import os
import re
import tempfile
import weakref
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

# _WIDE: ints that no column of floats may take; _EXACT: numbers that are stored each by itself.
_NOTHING, _BOOL, _INT, _WIDE, _FLOAT, _EXACT, _TEXT = range(7)
_ONE = {
    _BOOL: r"true|false",
    _INT: r"-?(?:0|[1-9]\d{0,999})",
    _FLOAT: r"[-+]?(?:(?:(?:0|[1-9]\d{0,999})(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?|nan|inf|infinity)",
}
_ALL = {
    kind: re.compile(rf"(?:{one})(?:\n(?:{one}))*", re.IGNORECASE | re.ASCII)
    for kind, one in _ONE.items()
}
_LONG = re.compile(r"^[-+]?\d{16,}$", re.MULTILINE | re.ASCII)  # ints that a float may not hold
_LETTERS = {_BOOL: "?", _INT: "q", _WIDE: "q", _FLOAT: "d"}


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
        self._changed = os.path.getmtime(path)
        self._encoding = options.encoding or _encoding_of(path)
        self._delimiter = options.delimiter or self._delimiter_of()
        if len(self._delimiter) != 1 or self._delimiter in '"\r\n':
            raise NotALogError(
                f"a delimiter is one character that no cell is quoted or ended by, not "
                f"{self._delimiter!r}"
            )
        names = self._header()
        self._step = self._find(names, options.step, _STEPS)
        self._time = self._find(names, options.time, _TIMES)
        if options.time is None and self._time is not None and self._time == self._step:
            self._time = None
        self._run = names.index(_RUN) if _RUN in names else None
        self._width = len(names)
        self._apart = None if self._run is None else _Apart(self._run)
        kinds, count = self._kinds()
        if not count:
            raise NotALogError(f"{path} has no rows" + (" behind its header" if names else ""))
        self.runs: list[str | None] = [None] if self._apart is None else [*self._apart.runs]
        self._digest = self._hashed()
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
        name = os.path.splitext(os.path.basename(path))[0] if run is None else run
        return Source(
            hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:12],
            os.path.normpath(self._path) + ("" if run is None else f" ({run})"),
            self._digest,
            lambda run_id: self._read(run_id, name, project, run),
        )

    def _hashed(self) -> str:
        digest = hashlib.sha256(repr((self._step, self._time, self._delimiter)).encode())
        with open(self._path, "rb") as file:
            while content := file.read(_HASHED):
                digest.update(content)
        return digest.hexdigest()

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

    def _kinds(self) -> tuple[list[int], int]:
        kinds = [_NOTHING] * self._width
        count = 0
        for rows in self._blocks():
            count += len(rows)
            if self._apart is not None:
                self._apart.add(rows)
            for place, cells in enumerate(zip(*rows, strict=True)):
                if kinds[place] != _TEXT:
                    kinds[place] = _joined(kinds[place], _kind(cells))
        return kinds, count

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

    def _blocks_of(self, run: str | None) -> Iterator[list[list[str]]]:
        if self._apart is None or run is None:
            return self._blocks()
        return self._apart.blocks(run)

    def _read(self, run_id: str, name: str, project: str, run: str | None) -> Imported:
        changed = self._changed
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
        for rows in self._blocks_of(run):
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


class _Apart:
    """Rows of several runs, each run's together, in a temporary file."""

    def __init__(self, place: int) -> None:
        self._place = place  # of the run's name in a row
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this
        self._pieces: dict[str, array[int]] = {}  # of each run: where one begins, how long it is
        weakref.finalize(self, self._file.close)

    @property
    def runs(self) -> Iterable[str]:
        """Their names, in the order of the file."""
        return self._pieces

    def add(self, rows: Iterable[list[str]]) -> None:
        """Take the next rows of the file."""
        groups: dict[str, list[list[str]]] = {}
        for row in rows:
            groups.setdefault(row[self._place], []).append(row)
        for run, members in groups.items():
            piece = marshal.dumps(members)
            self._pieces.setdefault(run, array("q")).extend((self._file.tell(), len(piece)))
            self._file.write(piece)

    def blocks(self, run: str) -> Iterator[list[list[str]]]:
        """The rows of a run, about as many at a time as are looked at together."""
        pieces = self._pieces[run]
        block: list[list[str]] = []
        for start, length in zip(pieces[::2], pieces[1::2], strict=True):
            self._file.seek(start)
            block += marshal.loads(self._file.read(length))
            if len(block) >= _ROWS:
                yield block
                block = []
        if block:
            yield block


def _ops(
    run_id: str,
    columns: list[_Column],
    steps: array[int],
    times: array[float],
    rows: list[list[str]],
) -> Iterator[Op]:
    """Rows as columns: one op for those that have the same cells."""
    numbers = [column for column in columns if column.kind in _LETTERS]
    others = [column for column in columns if column.kind not in _LETTERS]
    groups: dict[tuple[bool, ...], list[int]] = {}
    if all(all(row) for row in rows):
        groups[(True,) * len(numbers)] = list(range(len(rows)))
    else:
        for index, row in enumerate(rows):
            present = tuple([row[column.place] != "" for column in numbers])
            groups.setdefault(present, []).append(index)
    for present, members in groups.items():
        there = list(compress(numbers, present))
        if not there and others:
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
    for index, row in enumerate(rows if others else ()):
        values = {
            column.name: _number(row[column.place]) if column.kind == _EXACT else row[column.place]
            for column in others
            if row[column.place] != ""
        }
        if values:
            yield LogRow(run_id, steps[index], times[index], values, order=index)
        elif not any(row[column.place] for column in numbers):
            none = array("q", [steps[index]]), array("d", [times[index]])
            yield LogRows(run_id, (), "", *none, array("q", [index]), ())


def _packed(cells: list[str], kind: int) -> bytes:
    import numpy as np

    if kind == _BOOL:
        return bytes(cell.lower() == "true" for cell in cells)
    if kind in (_INT, _WIDE):
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
            return _widened(kind, [int(cell) for cell in _LONG.findall(text)])
    return _TEXT


def _widened(kind: int, long: list[int]) -> int:
    """What holds numbers of a kind with these long ints among them."""
    if kind == _INT and not all(-_MOST_STEP - 1 <= number <= _MOST_STEP for number in long):
        return _EXACT
    if all(_is_float(number) for number in long):
        return kind
    return _WIDE if kind == _INT else _EXACT


def _is_float(number: int) -> bool:
    try:
        return int(float(number)) == number
    except OverflowError:
        return False


def _number(cell: str) -> int | float:
    try:
        return int(cell)
    except ValueError:
        return float(cell)


def _joined(one: int, other: int) -> int:
    if other in (one, _NOTHING):
        return one
    if one == _NOTHING:
        return other
    both = {one, other}
    if both & {_BOOL, _TEXT}:
        return _TEXT
    if both == {_INT, _FLOAT}:
        return _FLOAT
    return _WIDE if both == {_INT, _WIDE} else _EXACT


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

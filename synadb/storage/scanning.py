"""Reading the rows of long histories: page by page, and a few of them that show the whole.

A row is merged from the chunks and JSON rows of its step (docs/format.md). Most rows have one
part only, and most pages come from one set of keys: those are made straight from the columns.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from synadb.errors import InvalidValueError
from synadb.query import MISSING, resolve
from synadb.storage.codec import decode_column, decode_json
from synadb.storage.reading import merge_row
from synadb.storage.writing import run_key

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["FIRST", "LAST", "gather", "last_step", "sample", "scan"]

PAGE_ROWS = 65536
PAGE_CELLS = 1 << 20
PAGE_JSON = 16384
SLICE_CELLS = 1 << 17
KEPT_CELLS = 1 << 23
FIRST, LAST = -(1 << 63), (1 << 63) - 1
_SPECIAL = ("_step", "_runtime", "_timestamp")

T = TypeVar("T")
Read = Callable[[Callable[[sqlite3.Connection], T]], T]


class _Chunk(NamedTuple):
    id: int
    n: int
    first: int
    last: int


class _KeySet(NamedTuple):
    """The chunks of a key set that matter, and which of its columns are wanted."""

    names: tuple[str, ...]
    places: tuple[int, ...]
    kinds: str
    chunks: list[_Chunk]


class _Part:
    """Some rows of one key set, in order of step.

    `chosen` says of each chunk which of its rows: indices, or all. Merging makes chunks whose
    steps interleave: `order` sorts the rows, where it must.
    """

    __slots__ = ("chosen", "keyset", "order", "steps")

    def __init__(
        self, keyset: _KeySet, steps: Sequence[Array], chosen: Sequence[tuple[_Chunk, Any]]
    ) -> None:
        import numpy as np

        self.keyset = keyset
        self.chosen = chosen
        self.steps = _concatenated(steps)
        self.order: Array | None = None
        if not _rising(self.steps):
            self.order = np.argsort(self.steps, kind="stable")
            self.steps = self.steps[self.order]

    def joined(self, read: Callable[[_Chunk], Array]) -> Array:
        """What `read` returns for the chunks, of the rows chosen, in order."""
        column = _concatenated([read(chunk)[picked] for chunk, picked in self.chosen])
        return column if self.order is None else column[self.order]

    def at(self, steps: Array) -> _Part | None:
        """Those of the rows that lie at some steps."""
        import numpy as np

        mine = self.steps
        if self.order is not None:
            mine = np.empty_like(self.steps)
            mine[self.order] = self.steps
        found: list[tuple[_Chunk, Any]] = []
        inside = []
        end = 0
        for chunk, picked in self.chosen:
            start, whole = end, isinstance(picked, slice)
            end += chunk.n if whole else len(picked)
            low = np.searchsorted(steps, chunk.first)
            high = np.searchsorted(steps, chunk.last, "right")
            near = steps[low:high]
            if self.order is None and len(near) * 8 < end - start:
                places = np.searchsorted(mine[start:end], near[_among(near, mine[start:end])])
            else:
                places = _among(mine[start:end], near).nonzero()[0]
            if len(places):
                found.append((chunk, places if whole else picked[places]))
                inside.append(mine[start:end][places])
        return _Part(self.keyset, inside, found) if found else None


def _concatenated(arrays: Sequence[Array]) -> Array:
    import numpy as np

    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _with_loose(arrays: Sequence[Array], loose: Sequence[Any], kind: str) -> Array:
    import numpy as np

    return _concatenated([*arrays, np.array(loose, kind)] if loose or not arrays else arrays)


def _rising(steps: Array) -> bool:
    return bool((steps[1:] > steps[:-1]).all())


_JsonRow = tuple[int, int, float, dict[str, Any]]


def _heads(key: str) -> list[str]:
    """The keys of a row under which a key may lie: "a" and "a.b" for "a.b"."""
    parts = key.split(".")
    return [".".join(parts[:size]) for size in range(1, len(parts) + 1)]


class _Scope:
    """What of a run is wanted: keys, and the data that they are made of."""

    def __init__(self, db: sqlite3.Connection, run_id: str, keys: Sequence[str] | None) -> None:
        self.db = db
        self.run = run_key(db, run_id)
        (self.created,) = db.execute(
            "select created from runs where id = ?", (self.run,)
        ).fetchone()
        self.keys = None if keys is None else tuple(dict.fromkeys(keys))
        self.specials: tuple[str, ...] = _SPECIAL
        # Keys of rows that matter: for "a.b" also "a", below which it may lie.
        self.heads: set[str] | None = None
        if self.keys is not None:
            own = [key for key in self.keys if key not in _SPECIAL]
            self.specials = ("_step", *(k for k in _SPECIAL[1:] if k in self.keys))
            self.heads = {head for key in own for head in _heads(key)}
        self.dotted = [key for key in self.keys or () if "." in key]
        # A row's time is that of the last of all its parts, and without keys all rows count.
        self.every = self.heads is None or not self.heads or len(self.specials) > 1
        self.keep = False  # decoded columns, as far as there is room
        self._room = KEPT_CELLS
        self._kept: dict[tuple[str, tuple[int, ...]], Array] = {}

    def keysets(self, low: int, high: int) -> list[_KeySet]:
        """The key sets with rows between two steps."""
        found = []
        for keyset, text, kinds in self.db.execute(
            "select id, keys, types from keysets where run = ? order by id", (self.run,)
        ).fetchall():
            names = json.loads(text)
            places = [
                place
                for place, name in enumerate(names)
                if self.heads is None or name in self.heads
            ]
            if not places and not self.every:
                continue
            chunks = [
                _Chunk(*row)
                for row in self.db.execute(
                    "select id, n, first_step, last_step from chunks"
                    " where keyset = ? and last_step >= ? and first_step <= ?"
                    " order by first_step, id",  # merging puts old rows into new chunks
                    (keyset, low, high),
                )
            ]
            if chunks:
                found.append(
                    _KeySet(
                        tuple(names[place] for place in places),
                        tuple(places),
                        "".join(kinds[place] for place in places),
                        chunks,
                    )
                )
        return found

    def json_rows(self, low: int, high: int) -> list[_JsonRow]:
        """Step, seq, time and wanted values of the JSON rows between two steps."""
        rows = []
        for step, seq, time, data in self.db.execute(
            "select step, seq, time, data from json_rows where run = ? and step between ? and ?",
            (self.run, low, high),
        ):
            values = decode_json(data)
            if self.heads is not None:
                values = {key: value for key, value in values.items() if key in self.heads}
            if values or self.every:
                rows.append((step, seq, time, values))
        return rows

    def system(self, column: str, chunk: _Chunk) -> Array:
        """The steps, seqs or times of a chunk."""
        return self._decoded(
            f"select {column} from chunks where id = ?",
            (chunk.id,),
            "d" if column == "times" else "q",
            chunk.n,
        )

    def column(self, keyset: _KeySet, index: int, chunk: _Chunk) -> Array:
        """A wanted column of a chunk."""
        return self._decoded(
            "select data from columns where chunk = ? and position = ?",
            (chunk.id, keyset.places[index]),
            keyset.kinds[index],
            chunk.n,
        )

    def _decoded(self, text: str, values: tuple[int, ...], kind: str, n: int) -> Array:
        name = (text, values)
        column = self._kept.get(name)
        if column is None:
            (data,) = self.db.execute(text, values).fetchone()
            column = decode_column(data, kind, n)
            if self.keep and n <= self._room:
                self._room -= n
                self._kept[name] = column
        return column


# -- pages -----------------------------------------------------------------------------------------


def scan(
    read: Read[Any],
    run_id: str,
    keys: Sequence[str] | None,
    min_step: int | None,
    max_step: int | None,
) -> Iterator[dict[str, Any]]:
    """Rows in order of step; `read` runs a function on one snapshot.

    Steps that come later are left out, or a run that grows faster than it is read had no end.
    """
    keys = _checked(keys)
    high = read(lambda db: last_step(db, run_id))
    low = FIRST if min_step is None else max(FIRST, min_step)
    if max_step is not None:
        high = min(high, max_step - 1)
    return _scanned(read, run_id, keys, low, high)


def last_step(db: sqlite3.Connection, run_id: str) -> int:
    """The last step with a row, the first one there can be of a run without; RunNotFoundError."""
    run = run_key(db, run_id)
    found = db.execute(
        "select max(last_step) from chunks where keyset in (select id from keysets where run = ?)"
        " union all select max(step) from json_rows where run = ?",
        (run, run),
    )
    return max((step for (step,) in found if step is not None), default=FIRST)


def _checked(keys: Sequence[str] | None) -> Sequence[str] | None:
    if keys is None:
        return None
    if isinstance(keys, str) or not all(isinstance(key, str) for key in keys):
        raise InvalidValueError(f"keys is a list of str, not {keys!r}")
    return tuple(keys)


def _scanned(
    read: Read[Any], run_id: str, keys: Sequence[str] | None, low: int, high: int
) -> Iterator[dict[str, Any]]:
    while low <= high:
        end: int
        rows: Iterable[dict[str, Any]]
        rows, end = read(partial(_page, run_id=run_id, keys=keys, low=low, high=high))
        yield from rows
        low = end + 1


def _page(
    db: sqlite3.Connection, run_id: str, keys: Sequence[str] | None, low: int, high: int
) -> tuple[Iterable[dict[str, Any]], int]:
    """The rows from `low` to a step up to `high`, and that step."""
    scope, parts, json_rows, end = gather(db, run_id, keys, low, high)
    return _rows(scope, parts, json_rows), end


def gather(
    db: sqlite3.Connection, run_id: str, keys: Sequence[str] | None, low: int, high: int
) -> tuple[_Scope, list[_Part], list[_JsonRow], int]:
    """What the rows from `low` to a step up to `high` are made of, and that step."""
    scope = _Scope(db, run_id, keys)
    keysets = scope.keysets(low, high)
    end, keysets = _page_end(scope, keysets, low, high)
    decoded = {
        chunk.id: scope.system("steps", chunk) for keyset in keysets for chunk in keyset.chunks
    }
    end = _narrowed(keysets, decoded, low, end)
    json_rows = scope.json_rows(low, end)
    parts = []
    for keyset in keysets:
        chosen: list[tuple[_Chunk, Any]] = []
        for chunk in keyset.chunks:
            steps = decoded[chunk.id]
            if chunk.first < low or chunk.last > end:
                picked = ((steps >= low) & (steps <= end)).nonzero()[0]
                if not len(picked):
                    continue
                chosen.append((chunk, picked))
            else:
                chosen.append((chunk, slice(None)))
        if chosen:
            inside = [decoded[chunk.id][picked] for chunk, picked in chosen]
            parts.append(_Part(keyset, inside, chosen))
    return scope, parts, json_rows, end


def _page_end(
    scope: _Scope, keysets: Sequence[_KeySet], low: int, high: int
) -> tuple[int, list[_KeySet]]:
    """The last step of a page of whole chunks, and the chunks up to it."""
    end = high
    rows = 0
    chunks = sorted(
        (chunk for keyset in keysets for chunk in keyset.chunks), key=lambda chunk: chunk.first
    )
    for index, chunk in enumerate(chunks):
        if rows >= PAGE_ROWS and chunk.first > max(low, chunks[index - 1].first):
            end = chunk.first - 1
            break
        rows += chunk.n
    beyond = scope.db.execute(
        "select step from json_rows where run = ? and step between ? and ?"
        " order by step limit 1 offset ?",
        (scope.run, low, end, PAGE_JSON),
    ).fetchone()
    if beyond is not None:
        (first,) = scope.db.execute(
            "select min(step) from json_rows where run = ? and step >= ?", (scope.run, low)
        ).fetchone()
        end = max(first, beyond[0] - 1)
    within = [
        keyset._replace(chunks=[chunk for chunk in keyset.chunks if chunk.first <= end])
        for keyset in keysets
    ]
    return end, [keyset for keyset in within if keyset.chunks]


def _narrowed(keysets: Sequence[_KeySet], decoded: Mapping[int, Array], low: int, end: int) -> int:
    """An earlier end, where there are very many cells up to this one."""
    import numpy as np

    cells = sum(chunk.n * (len(keyset.places) + 1) for keyset in keysets for chunk in keyset.chunks)
    if cells <= PAGE_CELLS:
        return end
    steps = _concatenated(list(decoded.values()))
    steps = np.sort(steps[(steps >= low) & (steps <= end)])
    place = max(1, len(steps) * PAGE_CELLS // cells)
    if place >= len(steps):
        return end
    return max(int(steps[place]) - 1, int(steps[0]))


# -- merging ---------------------------------------------------------------------------------------


def _rows(
    scope: _Scope,
    parts: Sequence[_Part],
    json_rows: Sequence[_JsonRow],
) -> Iterable[dict[str, Any]]:
    """The rows of some parts in order of step, those that have all the keys."""
    if not _alone(parts, json_rows):
        if scope.heads:
            steps = _common_steps(scope, parts, json_rows)
            parts, json_rows = _at(steps, parts, json_rows)
        return _with_all_keys(scope, _merged(scope, parts, json_rows))
    names = set(parts[0].keyset.names)
    own = set(scope.keys or ()) - set(_SPECIAL)
    if any(names.isdisjoint(_heads(key)) for key in own):
        return ()
    rows = _in_slices(*_cells(scope, parts[0]))
    if scope.keys is None or own == names:
        return rows
    return _with_all_keys(scope, rows)


def _alone(parts: Sequence[_Part], json_rows: Sequence[_JsonRow]) -> bool:
    """Whether there is nothing to merge."""
    return len(parts) == 1 and not json_rows and _rising(parts[0].steps)


def _cells(scope: _Scope, part: _Part) -> tuple[list[str], list[Array]]:
    """The keys of a part's rows, and a column for each."""
    keyset = part.keyset
    columns = [part.joined(partial(scope.column, keyset, i)) for i in range(len(keyset.names))]
    own = {"_step": part.steps}
    if len(scope.specials) > 1:
        times = part.joined(partial(scope.system, "times"))
        own |= {"_runtime": times - scope.created, "_timestamp": times}
    return [*keyset.names, *scope.specials], [*columns, *(own[name] for name in scope.specials)]


def _in_slices(names: Sequence[str], cells: Sequence[Array]) -> Iterator[dict[str, Any]]:
    """Rows as dicts. Python's objects are larger than the columns: never all of them at once."""
    size = max(1, SLICE_CELLS // len(cells))
    for start in range(0, len(cells[0]), size):
        columns = [cell[start : start + size].tolist() for cell in cells]
        yield from [dict(zip(names, row)) for row in zip(*columns)]  # noqa: B905


def _merged(
    scope: _Scope,
    parts: Sequence[_Part],
    json_rows: Sequence[_JsonRow],
) -> list[dict[str, Any]]:
    import numpy as np

    rows: list[dict[str, Any]] = []
    steps = [part.steps for part in parts]
    seqs = []
    for part in parts:
        rows += _in_slices(*_cells(scope, part))
        seqs.append(part.joined(partial(scope.system, "seqs")))
    if json_rows:
        steps.append(np.array([row[0] for row in json_rows], "i8"))
        seqs.append(np.array([row[1] for row in json_rows], "i8"))
        for step, _, time, values in json_rows:
            own = {"_step": step, "_runtime": time - scope.created, "_timestamp": time}
            rows.append({**values, **{name: own[name] for name in scope.specials}})
    if not rows:
        return []
    every = np.concatenate(steps)
    order = np.lexsort((np.concatenate(seqs), every))
    sorted_steps = every[order]
    again = np.append(False, sorted_steps[1:] == sorted_steps[:-1])
    merged: list[dict[str, Any]] = []
    for index, same in zip(order.tolist(), again.tolist(), strict=True):
        if same:
            merge_row(merged[-1], rows[index])
        else:
            merged.append(rows[index])
    return merged


def _with_all_keys(scope: _Scope, rows: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    if scope.keys is None:
        return rows
    names = tuple(dict.fromkeys(("_step", *scope.keys)))
    if not scope.dotted:
        # Nothing but wanted keys has been read.
        return (row for row in rows if len(row) == len(names))
    found = (dict(zip(names, [resolve(row, name) for name in names])) for row in rows)  # noqa: B905
    return (row for row in found if MISSING not in row.values())


# -- sampling --------------------------------------------------------------------------------------


def sample(
    db: sqlite3.Connection, run_id: str, samples: int, keys: Sequence[str] | None
) -> list[dict[str, Any]]:
    """At most `samples` rows that show the ends, and the extremes of every key with numbers."""
    if samples < 1:
        raise InvalidValueError(f"samples is 1 or more, or None for all rows, not {samples!r}")
    scope = _Scope(db, run_id, _checked(keys))
    scope.keep = True
    parts = [
        _Part(
            keyset,
            [scope.system("steps", chunk) for chunk in keyset.chunks],
            [(chunk, slice(None)) for chunk in keyset.chunks],
        )
        for keyset in scope.keysets(FIRST, LAST)
    ]
    json_rows = scope.json_rows(FIRST, LAST)
    steps = _common_steps(scope, parts, json_rows)
    if len(steps) > samples:
        steps = _telling(steps, _numbers(scope, parts, json_rows, steps), samples)
    return list(_rows(scope, *_at(steps, parts, json_rows)))


def _common_steps(scope: _Scope, parts: Sequence[_Part], json_rows: Sequence[_JsonRow]) -> Array:
    """The steps that have all the keys, in order."""
    own = [key for key in scope.keys or () if key not in _SPECIAL]
    if not own:
        every = [part.steps for part in parts]
        return _distinct(_with_loose(every, [row[0] for row in json_rows], "i8"))
    found = []
    for key in own:
        packed = [part.steps for part in parts if key in part.keyset.names]
        loose = [row[0] for row in json_rows if resolve(row[3], key) is not MISSING]
        found.append(_distinct(_with_loose(packed, loose, "i8")))
    common, *others = sorted(found, key=len)
    for steps in others:
        if common is not steps:
            common = common[_among(common, steps)]
    return common


def _distinct(steps: Array) -> Array:
    """Steps in order, each once."""
    import numpy as np

    if _rising(steps):
        return steps
    ordered: Array = np.sort(steps, kind="stable")  # which makes use of what is sorted
    found: Array = ordered[np.append(True, ordered[1:] != ordered[:-1])]
    return found


def _among(steps: Array, others: Array) -> Array:
    """Which of some steps are among others, which rise."""
    import numpy as np

    if not len(others):
        return np.zeros(len(steps), bool)
    places = np.searchsorted(others, steps)
    places[places == len(others)] = 0
    found: Array = others[places] == steps
    return found


_Series = tuple["Array", "Array"]  # steps and values


def _numbers(
    scope: _Scope, parts: Sequence[_Part], json_rows: Sequence[_JsonRow], steps: Array
) -> list[Callable[[], _Series]]:
    """For each key with numbers, what returns those that it has at `steps`."""
    names = dict.fromkeys(
        name
        for part in parts
        for name, kind in zip(part.keyset.names, part.keyset.kinds, strict=True)
        if kind != "?"
    )
    for _, _, _, values in json_rows:
        names.update(dict.fromkeys(key for key, value in values.items() if _is_number(value)))
    if scope.keys is not None:
        names = dict.fromkeys(key for key in scope.keys if key in names or "." in key)
    return [partial(_series, scope, name, parts, json_rows, steps) for name in names]


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _series(
    scope: _Scope, name: str, parts: Sequence[_Part], json_rows: Sequence[_JsonRow], steps: Array
) -> _Series:
    """The numbers of a key without NaN, in order of step."""
    import numpy as np

    own = [part for part in parts if name in part.keyset.names]
    loose = [
        (step, seq, float(value))
        for step, seq, _, data in json_rows
        if _is_number(value := resolve(data, name)) and abs(value) < 1e300  # fits a float
    ]
    lone, lone_seqs, lone_values = zip(*loose, strict=True) if loose else ((), (), ())
    at = _with_loose([part.steps for part in own], lone, "i8")
    columns = [
        part.joined(partial(scope.column, part.keyset, part.keyset.names.index(name)))
        for part in own
    ]
    values = _with_loose(columns, lone_values, "f8")
    if not _rising(at):
        order = np.argsort(at, kind="stable")
        at, values = at[order], values[order]
        if not _rising(at):  # of several values at one step the last counts
            seqs = [part.joined(partial(scope.system, "seqs")) for part in own]
            order = np.lexsort((_with_loose(seqs, lone_seqs, "i8")[order], at))
            last = np.append(at[1:] != at[:-1], True)
            at, values = at[last], values[order][last]
    if scope.heads and at is not steps:
        here = _among(at, steps)
        at, values = at[here], values[here]
    unknown = np.isnan(values)
    return (at[~unknown], values[~unknown]) if unknown.any() else (at, values)


def _telling(steps: Array, numbers: Sequence[Callable[[], _Series]], samples: int) -> Array:
    """At most `samples` of the steps: the ends, then extremes of each key, the rest even."""
    import numpy as np

    if samples == 1:
        return steps[-1:]
    chosen: list[Array] = [steps[[0, -1]]]
    buckets = (samples - 2) // (2 * len(numbers)) if numbers else 0
    # With very many keys there are places for the extremes of the first ones only.
    for series in numbers if buckets else numbers[: (samples - 2) // 2]:
        chosen += _extremes(*series(), max(1, buckets))
    found = _distinct(_concatenated(chosen))
    rest = samples - len(found)
    if rest > 0:
        even = np.linspace(0, len(steps) - 1, rest + 2)[1:-1].round().astype("i8")
        found = _distinct(_concatenated([found, steps[even]]))
    return found


def _extremes(steps: Array, values: Array, buckets: int) -> Iterator[Array]:
    """The steps of the least and the greatest of each of some buckets of as many values."""
    import numpy as np

    n = len(values)
    if not n:
        return
    width = -(-n // buckets)
    whole = n - n % width
    starts = np.arange(0, whole, width)
    for place in (np.ndarray.argmin, np.ndarray.argmax):
        yield steps[starts + place(values[:whole].reshape(-1, width), axis=1)]
        if whole < n:
            yield steps[[whole + place(values[whole:])]]


def _at(
    steps: Array, parts: Sequence[_Part], json_rows: Sequence[_JsonRow]
) -> tuple[list[_Part], list[_JsonRow]]:
    """What of some parts and rows lies at some steps."""
    wanted = set(steps.tolist()) if json_rows else ()
    there = [part for each in parts if (part := each.at(steps)) is not None]
    return there, [row for row in json_rows if row[0] in wanted]

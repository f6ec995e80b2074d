"""Long histories as columns, a page at a time: what exports are made of.

A row is merged from the chunks and JSON rows of its step, as everywhere (docs/format.md).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from synadb.storage.codec import decode_column, decode_json
from synadb.storage.reading import merge_row
from synadb.storage.scanning import FIRST, LAST, gather, last_step
from synadb.storage.writing import run_key

if TYPE_CHECKING:
    import numpy as np

    from synadb.storage.scanning import _JsonRow, _Part, _Scope

    Array = np.ndarray[Any, Any]

__all__ = ["EXACT", "Block", "Column", "blocks", "kinds"]

EXACT = 1 << 53  # integers up to this are all float64

T = TypeVar("T")
Read = Callable[[Callable[[sqlite3.Connection], T]], T]


class Column(NamedTuple):
    """Values of dtype float64, int64, bool or object; `present` is None where all rows have one."""

    values: Array
    present: Array | None


class Block(NamedTuple):
    """Some rows of a run in order of step."""

    steps: Array
    runtimes: Array
    times: Array
    columns: dict[str, Column]


def kinds(db: sqlite3.Connection, run_id: str) -> dict[str, str]:
    """What the values of each key are, in about the order of first use; nested keys with dots.

    float, int, bool, str, none, or json for what is a list, an empty dict, an integer of more than
    64 bits, or now one thing and now another.
    """
    run = run_key(db, run_id)
    found: dict[str, set[str]] = {}
    for text, types in db.execute(
        "select keys, types from keysets where run = ? order by id", (run,)
    ):
        for key, letter in zip(json.loads(text), types, strict=True):
            found.setdefault(key, set()).add(_LETTERS[letter])
    for (data,) in db.execute("select data from json_rows where run = ? order by seq", (run,)):
        _note(found, "", decode_json(data))
    return {key: _joined(db, run, key, seen - {"none"}) for key, seen in found.items()}


_LETTERS = {"d": "float", "q": "int", "?": "bool"}


def _note(found: dict[str, set[str]], prefix: str, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            _note(found, f"{prefix}{key}.", value)
        else:
            found.setdefault(prefix + key, set()).add(_kind(value))


def _kind(value: Any) -> str:
    if value is None:
        return "none"
    name = type(value).__name__
    if name == "int" and not FIRST <= value <= LAST:
        return "json"
    if name == "str" and not _encodable(value):
        return "json"
    return name if name in ("bool", "int", "float", "str") else "json"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True


def _joined(db: sqlite3.Connection, run: int, key: str, seen: set[str]) -> str:
    if not seen:
        return "none"
    if len(seen) == 1:
        return next(iter(seen))
    return "float" if seen == {"int", "float"} and _exact(db, run, key) else "json"


def _exact(db: sqlite3.Connection, run: int, key: str) -> bool:
    """Whether all integers of a key are float64 as well."""
    for keyset, text, types in db.execute(
        "select id, keys, types from keysets where run = ?", (run,)
    ).fetchall():
        names = json.loads(text)
        if key not in names or types[names.index(key)] != "q":
            continue
        for n, data in db.execute(
            "select n, data from chunks join columns on chunk = id"
            " where keyset = ? and position = ?",
            (keyset, names.index(key)),
        ):
            column = decode_column(data, "q", n)
            if int(column.max()) > EXACT or int(column.min()) < -EXACT:
                return False
    return all(
        not isinstance(value, int) or abs(value) <= EXACT
        for (data,) in db.execute("select data from json_rows where run = ?", (run,))
        for value in _leaves(decode_json(data), key)
    )


def _leaves(values: Mapping[str, Any], key: str) -> Iterator[Any]:
    """What lies under a key with dots, whichever of its dots are of nesting."""
    if key in values:
        yield values[key]
    for name, value in values.items():
        if isinstance(value, Mapping) and key.startswith(f"{name}."):
            yield from _leaves(value, key[len(name) + 1 :])


def blocks(read: Read[Any], run_id: str) -> Iterator[Block]:
    """The rows of a run page by page; `read` runs a function on one snapshot."""
    low, high = FIRST, read(lambda db: last_step(db, run_id))
    while low <= high:
        block, end = read(partial(_block, run_id=run_id, low=low, high=high))
        if block is not None:
            yield block
        low = end + 1


def _block(db: sqlite3.Connection, run_id: str, low: int, high: int) -> tuple[Block | None, int]:
    scope, parts, json_rows, end = gather(db, run_id, None, low, high)
    if not parts and not json_rows:
        return None, end
    return _merged(scope, parts, json_rows), end


class _Cells:
    """The cells of one key in a page."""

    def __init__(self) -> None:
        self.numbers: list[tuple[Any, Any, Any]] = []  # row indices, seqs, values
        self.others: list[tuple[int, int, Any]] = []  # seq, row index, value


def _merged(scope: _Scope, parts: Sequence[_Part], json_rows: Sequence[_JsonRow]) -> Block:
    import numpy as np

    steps = np.unique(
        np.concatenate(
            [*(part.steps for part in parts), np.array([row[0] for row in json_rows], "i8")]
        )
    )
    cells: dict[str, _Cells] = {}
    stamps: list[tuple[Any, Any, Any]] = []
    for part in parts:
        index = np.searchsorted(steps, part.steps)
        seqs = part.joined(partial(scope.system, "seqs"))
        stamps.append((index, seqs, part.joined(partial(scope.system, "times"))))
        for place, name in enumerate(part.keyset.names):
            values = part.joined(partial(scope.column, part.keyset, place))
            cells.setdefault(name, _Cells()).numbers.append((index, seqs, values))
    for step, seq, time, row in json_rows:
        at = int(np.searchsorted(steps, step))
        stamps.append((np.array([at]), np.array([seq]), np.array([time])))
        for name, value in row.items():
            cells.setdefault(name, _Cells()).others.append((seq, at, value))
    times = np.empty(len(steps))
    _scatter(times, stamps)
    columns = {name: _column(found, len(steps)) for name, found in cells.items()}
    return Block(steps, times - scope.created, times, columns)


def _scatter(target: Array, parts: Sequence[tuple[Any, Any, Any]]) -> None:
    """target[index] = value, where the highest seq wins."""
    import numpy as np

    if len(parts) == 1 and len(parts[0][0]) == len(target) and _in_order(parts[0][0]):
        target[:] = parts[0][2]
        return
    index, seqs, values = (np.concatenate([part[i] for part in parts]) for i in range(3))
    order = np.argsort(seqs, kind="stable")
    # With repeated indices numpy keeps the last value assigned.
    target[index[order]] = values[order]


def _in_order(index: Array) -> bool:
    return bool((index[1:] > index[:-1]).all())


def _column(cells: _Cells, n: int) -> Column:
    import numpy as np

    present = np.zeros(n, bool)
    for index, _, _ in cells.numbers:
        present[index] = True
    for _, at, _ in cells.others:
        present[at] = True
    dtypes = {part[2].dtype for part in cells.numbers}
    if len(dtypes) == 1 and not cells.others:
        values = np.zeros(n, dtypes.pop())
        _scatter(values, cells.numbers)
    else:
        values = np.full(n, None, object)
        each = [
            (seq, row, value)
            for index, seqs, column in cells.numbers
            for row, seq, value in zip(index.tolist(), seqs.tolist(), column.tolist(), strict=True)
        ]
        # A row of numbers and the JSON row of the same call share a seq, and no key.
        for _, row, value in sorted(each + cells.others, key=lambda cell: cell[0]):
            below = values[row]
            if isinstance(value, dict) and isinstance(below, dict) and "_type" not in value:
                merge_row(below, value)
            else:
                values[row] = value
    return Column(values, None if bool(present.all()) else present)

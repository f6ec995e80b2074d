"""SQL that finds runs. Each function runs on one snapshot.

What decides is `synadb.query.evaluate`; SQLite does two things for it, neither of which can change
the answer. It hands over the few values that a filter and an order look at, as the JSON text they
are stored as, instead of whole documents. And a condition leaves out runs that cannot fit: it may
let too many through, never too few. Where a value cannot be had exactly (a document with keys that
start with "$" is encoded, see codec) the whole document comes along and is decoded.

The condition works with what `json_extract` makes of a value: an array or object is its text, true
and false are 1 and 0, and a number with a fraction may be off in its last digits
(https://sqlite.org/floatingpoint.html), so that bounds are widened a little.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from synadb.query import (
    DOCUMENTS,
    EVERYTHING,
    FIELDS,
    MISSING,
    And,
    Field,
    Filter,
    Key,
    Not,
    Order,
    Test,
    arrange,
    evaluate,
    fields,
    resolve,
)
from synadb.records import RunRecord, status_of
from synadb.storage.codec import decode_json, encode_json
from synadb.storage.runs import select_runs

__all__ = ["count", "find", "load", "query"]

_COLUMNS = {
    "run_id": "run_id",
    "experiment": "experiment",
    "name": "name",
    "state": "state",
    "status": "state",
    "notes": "notes",
    "group": "grp",
    "job_type": "job_type",
    "host": "host",
    "tags": "tags",
    "created_at": "created",
    "updated_at": "updated",
    "ended_at": "ended",
    "duration": "coalesce(ended, updated) - created",
    "exit_code": "exit_code",
    "last_step": "last_step",
    "row_count": "row_count",
}
_CREATED = Field("created_at")
_BATCH = 500  # parameters of a statement; older builds of SQLite take 999
_MOST_PATHS = 8  # ways in which a dotted path may be read, tried one by one
_MOST_VALUES = 20  # of an $in, put into the condition
_MOST_BITS = 62  # paths whose presence one of SQLite's integers tells
_LONGEST = 12_000  # characters of a condition, fewer than 1000 levels deep, the most of SQLite

# Keys that SQLite's paths can hold, in every version, and that our JSON does not encode.
_PLAIN_KEY = re.compile(r"(?!\$)[ !#-\[\]-~]+\Z")

Condition = tuple[str, list[Any]]
Reader = Callable[[Sequence[Any]], dict[Field, Any]]


def query(
    db: sqlite3.Connection,
    where: Filter | None,
    order: Order,
    experiment: str | None,
    limit: int | None,
    offset: int,
    light: bool,
) -> list[RunRecord]:
    """The runs that fit, in order, one page of them."""
    found = _find(db, where or EVERYTHING, order, experiment, limit, offset)
    return _load(db, "id", found, light)


def find(
    db: sqlite3.Connection,
    where: Filter | None,
    order: Order,
    experiment: str | None,
    limit: int | None,
    offset: int,
) -> list[str]:
    """The ids of the runs that `query` returns."""
    found = _find(db, where or EVERYTHING, order, experiment, limit, offset)
    names: dict[int, str] = {}
    for batch in _batches(found):
        marks = ",".join("?" * len(batch))
        names.update(db.execute(f"select id, run_id from runs where id in ({marks})", batch))
    return [names[run] for run in found]


def load(db: sqlite3.Connection, run_ids: Sequence[str], light: bool) -> list[RunRecord]:
    """Runs in the order asked for; those that are not there are left out."""
    return _load(db, "run_id", run_ids, light)


def count(db: sqlite3.Connection, where: Filter | None, experiment: str | None) -> int:
    """How many runs fit."""
    if where is None or where == EVERYTHING:
        scope, values = _scope(experiment)
        (number,) = db.execute(f"select count(*) from runs{scope}", values).fetchone()
        return int(number)
    return len(_find(db, where, (), experiment, None, 0))


def _load(
    db: sqlite3.Connection, column: str, wanted: Sequence[Any], light: bool
) -> list[RunRecord]:
    found: dict[Any, RunRecord] = {}
    for batch in _batches(wanted):
        marks = ",".join("?" * len(batch))
        records = select_runs(db, f"where {column} in ({marks})", batch, light=light)
        if column == "run_id":
            found.update((record.run_id, record) for record in records)
            continue
        names = dict(db.execute(f"select run_id, id from runs where id in ({marks})", batch))
        found.update((names[record.run_id], record) for record in records)
    return [found[each] for each in wanted if each in found]


def _batches(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]


def _scope(experiment: str | None) -> Condition:
    return ("", []) if experiment is None else (" where experiment = ?", [experiment])


# -- finding ---------------------------------------------------------------------------------------


def _find(
    db: sqlite3.Connection,
    where: Filter,
    order: Order,
    experiment: str | None,
    limit: int | None,
    offset: int,
) -> list[int]:
    """The primary keys of the runs that fit, in order, one page of them."""
    offset = max(0, offset)
    end = None if limit is None else offset + max(0, limit)
    by = "created, id"
    if order in ((Key(_CREATED),), (Key(_CREATED, True),)):
        by = "created desc, id" if order[0].descending else by
        order = ()
    if where == EVERYTHING and not order:
        scope, values = _scope(experiment)
        values += [-1 if end is None else end - offset, offset]
        text = f"select id from runs{scope} order by {by} limit ? offset ?"
        return [run for (run,) in db.execute(text, values)]
    try:
        return _sifted(db, where, order, experiment, by, end, json=True)[offset:end]
    except sqlite3.OperationalError as error:
        # No JSON functions in this build of SQLite, or a document that is nested too deeply.
        if not any(word in str(error) for word in ("JSON", "json", "no such function")):
            raise
        return _sifted(db, where, order, experiment, by, end, json=False)[offset:end]


def _sifted(
    db: sqlite3.Connection,
    where: Filter,
    order: Order,
    experiment: str | None,
    by: str,
    end: int | None,
    *,
    json: bool,
) -> list[int]:
    columns, parameters, reader = _reader({*fields(where), *(key.field for key in order)}, json)
    scope, values = _scope(experiment)
    condition = _condition(where, json)
    if condition is not None and len(condition[0]) <= _LONGEST:
        scope += f"{' and' if scope else ' where'} ({condition[0]})"
        values += condition[1]
    text = f"select id{columns} from runs{scope} order by {by}"
    found: list[tuple[int, dict[Field, Any]]] = []
    for run, *cells in db.execute(text, parameters + values):
        known = reader(cells)
        if evaluate(where, known.__getitem__):
            found.append((run, known))
            if not order and len(found) == end:
                break
    return [run for run, _ in arrange(found, order, lambda item, field: item[1][field])]


# -- values ----------------------------------------------------------------------------------------


def _reader(wanted: set[Field], json: bool) -> tuple[str, list[Any], Reader]:
    """What to select for some fields (text and parameters), and how to read a row of that."""
    columns: list[str] = []
    parameters: list[Any] = []
    readers: list[tuple[int, Callable[..., dict[Field, Any]]]] = []  # cells taken, reader
    for root in DOCUMENTS:
        of_root = [field for field in wanted if field.root == root]
        if not of_root:
            continue
        paths = [_candidates(field) for field in of_root] if json else [None]
        known = [each for each in paths if each is not None]
        if len(known) < len(paths) or sum(map(len, known)) > _MOST_BITS:
            columns.append(root)
            readers.append((1, _from_document(of_root)))
            continue
        texts, values = _extraction(root, known)
        columns += texts
        parameters += values
        readers.append((len(texts), _from_values(of_root, known)))
    for field in wanted:
        if field.root not in DOCUMENTS:
            columns.append(_COLUMNS[field.root])
            readers.append((1, _from_column(field)))

    def read(cells: Sequence[Any]) -> dict[Field, Any]:
        values: dict[Field, Any] = {}
        at = 0
        for taken, reader in readers:
            values.update(reader(*cells[at : at + taken]))
            at += taken
        return values

    return "".join(f", {column}" for column in columns), parameters, read


def _candidates(field: Field) -> list[str] | None:
    """SQLite's paths to a field, in the order in which they count; None: it has none of use."""
    if not field.paths:
        return None
    found = []
    for path in field.paths:
        if path.count(".") >= _MOST_PATHS:
            return None
        for keys in _splits(path.split(".")):
            if not all(map(_PLAIN_KEY.match, keys)):
                return None
            found.append("$" + "".join(f'."{key}"' for key in keys))
    return found if len(found) <= _MOST_PATHS else None


def _splits(parts: list[str]) -> Iterator[list[str]]:
    """All ways to read a dotted path as keys, in the order of `query.resolve`."""
    for size in range(len(parts), 0, -1):
        head = ".".join(parts[:size])
        if size == len(parts):
            yield [head]
        else:
            for rest in _splits(parts[size:]):
                yield [head, *rest]


def _encoded(root: str, paths: Sequence[str]) -> str:
    """Whether a document may hold one of the paths, or what leads to it, in an encoded dict."""
    if all(path.count('."') == 1 for path in paths):
        return f"substr({root}, 1, 8) = '{{\"$dict\"'"
    return f"instr({root}, '\"$dict\"') > 0"


def _extraction(root: str, known: Sequence[Sequence[str]]) -> tuple[list[str], list[Any]]:
    paths = [path for each in known for path in each]
    encoded = _encoded(root, paths)
    # Several paths give an array, in which numbers and text stand as they were stored.
    more = paths if len(paths) > 1 else paths * 2
    values = f"json_extract({root}, {', '.join('?' * len(more))})"
    # Bit i: path i is there, if only as null.
    there = " + ".join(f"(json_type({root}, ?) is not null) * {1 << i}" for i in range(len(paths)))
    return [f"case when {encoded} then {root} end", values, there], [*more, *paths]


def _from_values(
    of_root: Sequence[Field], known: Sequence[Sequence[str]]
) -> Callable[..., dict[Field, Any]]:
    whole = _from_document(of_root)

    def read(document: str | None, text: str, there: int) -> dict[Field, Any]:
        if document is not None:
            return whole(document)
        values = {}
        found = decode_json(text)
        at = 0
        for field, paths in zip(of_root, known, strict=True):
            values[field] = next(
                (found[i] for i in range(at, at + len(paths)) if there >> i & 1), MISSING
            )
            at += len(paths)
        return values

    return read


def _from_document(of_root: Sequence[Field]) -> Callable[..., dict[Field, Any]]:
    def read(text: str) -> dict[Field, Any]:
        document = decode_json(text)
        values = {}
        for field in of_root:
            tried = (resolve(document, path) for path in field.paths)
            values[field] = (
                next((each for each in tried if each is not MISSING), MISSING)
                if field.paths
                else document
            )
        return values

    return read


def _from_column(field: Field) -> Callable[..., dict[Field, Any]]:
    def read(value: Any) -> dict[Field, Any]:
        if value is None:
            return {field: MISSING}
        if field.root == "tags":
            value = decode_json(value)
        elif field.root == "status":
            value = status_of(value)
        return {field: value}

    return read


# -- the condition ---------------------------------------------------------------------------------


def _condition(where: Filter, json: bool) -> Condition | None:
    """SQL that holds for every run that fits, and for as few others as it can; None: no idea."""
    if isinstance(where, Not):
        return ("0", []) if where.filter == EVERYTHING else None
    if isinstance(where, Test):
        if where.field.root not in DOCUMENTS:
            return _on_column(where)
        return _on_document(where) if json else None
    parts = [_condition(each, json) for each in where.filters]
    if isinstance(where, And):
        known = [part for part in parts if part is not None]
        return _joined(known, " and ") if known else None
    sure = [part for part in parts if part is not None]
    return _joined(sure, " or ") if len(sure) == len(parts) else None


def _joined(parts: Sequence[Condition], word: str) -> Condition:
    return word.join(f"({text})" for text, _ in parts), [v for _, values in parts for v in values]


def _on_column(test: Test) -> Condition | None:
    """For a field with a column of its own."""
    kind, column = FIELDS[test.field.root], _COLUMNS[test.field.root]
    if test.field.root == "status":
        return None
    if test.operator == "$exists":
        return (f"({column}) is not null", []) if test.operand else None
    if test.operator == "$in":
        return _any_of(test, _on_column)
    operand = test.operand
    if kind in ("number", "time") and type(operand) in (int, float):
        bounds = _bounds(test.operator, operand)
        return None if bounds is None else (f"({column}) between ? and ?", [*bounds])
    if test.operator == "$eq" and isinstance(operand, str) and _bindable(operand):
        if kind == "list":
            return f"instr({column}, ?) or instr({column}, '\\u')", [encode_json(operand)]
        if kind == "text":
            return f"{column} = ?", [operand]
    return None


def _on_document(test: Test) -> Condition | None:
    """For a key of a document."""
    if test.operator == "$in":
        return _any_of(test, _on_document)
    root, paths = test.field.root, _candidates(test.field)
    if paths is None or (test.operator == "$exists" and not test.operand):
        return None
    parts: list[Condition] = [(_encoded(root, paths), [])]
    for path in paths:
        part = _on_value(test, root, path)
        if part is None:
            return None
        parts.append(part)
    return _joined(parts, " or ")


def _on_value(test: Test, root: str, path: str) -> Condition | None:
    """For what stands at one path, whose lists and dicts are text here and pass."""
    value = f"json_extract({root}, ?)"
    operator, operand = test.operator, test.operand
    if operator == "$exists":
        return f"json_type({root}, ?) is not null", [path]
    if operator in ("$regex", "$size"):
        return f"typeof({value}) = 'text'", [path]
    if operator in ("$eq", "$gt", "$gte", "$lt", "$lte"):
        kind = type(operand)
        if kind in (int, float):
            bounds = _bounds(operator, operand)
            if bounds is None:
                return None
            return f"{value} between ? and ? or typeof({value}) = 'text'", [path, *bounds, path]
        if kind is str and operator == "$eq" and _bindable(operand):
            return (
                f"{value} = ? or json_type({root}, ?) in ('array', 'object')",
                [path, operand, path],
            )
        if kind is bool:
            return f"typeof({value}) in ('integer', 'text')", [path]
        if operand is not None:
            return f"typeof({value}) = 'text'", [path]
    return None


def _any_of(test: Test, condition: Callable[[Test], Condition | None]) -> Condition | None:
    if len(test.operand) > _MOST_VALUES:
        return None
    parts = [condition(Test(test.field, "$eq", value)) for value in test.operand]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return _joined(known, " or ") if known else ("0", [])


def _bounds(operator: str, operand: float) -> tuple[float, float] | None:
    """Between what a number must lie to fit, with some room for inexact conversion."""
    try:
        number = float(operand)
    except OverflowError:
        return None
    if not math.isfinite(number):
        return None
    room = abs(number) * 1e-12 + 1e-290
    low = -math.inf if operator in ("$lt", "$lte") else number - room
    high = math.inf if operator in ("$gt", "$gte") else number + room
    return low, high


def _bindable(text: str) -> bool:
    """Whether SQLite can be given this text as a parameter and compare all of it."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)

"""Plain views of a database for queries of the user's, which can read and do nothing else.

The views are a connection's own; the file has none of them. What is encoded in the file, metrics
and documents, is decoded by functions that the views call, row by row and only for what a query
reaches: `where run_id = ... and key = ...` decodes that metric alone. Values go through functions
of their own and not as JSON: SQLite does not read every float64 back as it was written.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from synadb.errors import InvalidValueError, RunNotFoundError
from synadb.storage import reading
from synadb.storage.codec import decode_json, encode_json
from synadb.storage.schema import complete
from synadb.storage.writing import run_key

__all__ = ["VIEWS", "Answer", "query"]

_VERSION = """
    select c.project, c.name, v.number as version, c.type, v.size, v.file_count, v.digest,
        (select json_group_array(alias) from (select alias from aliases
            where collection = v.collection and version = v.id order by alias)) as aliases,
        r.run_id, v.created, v.uid
    from versions v join collections c on c.id = v.collection left join main.runs r on r.id = v.run
    where v.state = 'committed'"""

VIEWS: Mapping[str, tuple[str, str]] = {
    "runs": (
        "a run; config, summary, metadata and tags are JSON",
        """select run_id, experiment as project, name, state, grp as "group", job_type, tags, notes,
            created, updated, ended, coalesce(ended, updated) - created as seconds, exit_code, host,
            last_step, row_count as steps, config, summary, metadata,
            json_extract(metadata, '$.sweep') as sweep_id
        from main.runs""",
    ),
    "params": (
        "a value of a config, nested keys with dots",
        """select r.run_id, synadb_leaf(r.config, i.key, 0) as key,
            synadb_leaf(r.config, i.key, 1) as value
        from main.runs r cross join json_each(synadb_leaves(r.config)) i""",
    ),
    "summaries": (
        "a value of a summary, nested keys with dots",
        """select r.run_id, synadb_leaf(r.summary, i.key, 0) as key,
            synadb_leaf(r.summary, i.key, 1) as value
        from main.runs r cross join json_each(synadb_leaves(r.summary)) i""",
    ),
    "metrics": (
        "a number of the history; NaN is null",
        """select r.run_id, k.value as key, synadb_point(r.run_id, k.value, i.key, 0) as step,
            synadb_point(r.run_id, k.value, i.key, 1) as value,
            synadb_point(r.run_id, k.value, i.key, 2) as time
        from main.runs r cross join json_each(synadb_keys(r.run_id)) k
            cross join json_each(synadb_points(r.run_id, k.value)) i""",
    ),
    "events": (
        "what of the history is no number: texts, media, nested values, as JSON",
        """select r.run_id, j.step, j.time, j.data
        from main.runs r join main.json_rows j on j.run = r.id""",
    ),
    "artifacts": ("a version of an artifact", _VERSION),
    "lineage": (
        "a run that logged (output) or used (input) a version",
        """select r.run_id, l.role, c.project, c.name, v.number as version, l.time
        from base_lineage l join main.runs r on r.id = l.run join versions v on v.id = l.version
            join collections c on c.id = v.collection""",
    ),
    "run_artifacts": (
        "an artifact of one run, without versions",
        """select r.run_id, a.name, a.size, lower(hex(a.digest)) as sha256, a.created
        from main.artifacts a join main.runs r on r.id = a.run
        where a.complete = 1 and a.kind = 'artifact'""",
    ),
    "files": (
        "a file of a run, media among them",
        """select r.run_id, a.name as path, a.size, lower(hex(a.digest)) as sha256, a.created
        from main.artifacts a join main.runs r on r.id = a.run
        where a.complete = 1 and a.kind = 'file'""",
    ),
    "console": (
        "a line that a run printed",
        """select r.run_id, c.source, c.number, c.time, c.stream, c.line
        from main.console c join main.runs r on r.id = c.run""",
    ),
    "system": (
        "a value of a sample of the machine",
        """select r.run_id, s.time, synadb_leaf(s.data, i.key, 0) as key,
            synadb_leaf(s.data, i.key, 1) as value
        from main.system_rows s join main.runs r on r.id = s.run
            cross join json_each(synadb_leaves(s.data)) i""",
    ),
}


class Answer:
    """The names of a query's columns, and its rows as they come."""

    def __init__(self, columns: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
        self.columns = columns
        self.rows = rows


@contextlib.contextmanager
def query(
    db: sqlite3.Connection,
    plain: sqlite3.Connection,
    text: str,
    values: Sequence[Any] | Mapping[str, Any],
) -> Iterator[Answer]:
    """Answer a query from a snapshot of `db`, a connection that nobody else uses.

    The functions read `plain`, on which no view hides a table.

    Raises:
        InvalidValueError: it is no query, or there is a mistake in it.
    """
    _prepare(db)
    db.execute("pragma query_only = 1")
    db.execute("begin")
    failures: list[Exception] = []
    try:
        _functions(db, plain, failures)
        db.set_authorizer(_authorize)
        # SQLite runs without looking at signals: here Python does, and Ctrl-C ends a long query.
        db.set_progress_handler(lambda: 0, 100_000)
        with _said(text, failures):
            cursor = db.execute(text, values)
            columns = [column[0] for column in cursor.description or ()]
        if not columns:
            raise InvalidValueError("there is no query; try: select * from runs")
        yield Answer(columns, _fetched(cursor, text, failures))
    finally:
        db.set_progress_handler(None, 0)
        # `None`, which takes it away, is for Python 3.11 and later.
        db.set_authorizer(lambda *_: sqlite3.SQLITE_OK)
        db.execute("rollback")


def _fetched(
    cursor: sqlite3.Cursor, text: str, failures: list[Exception]
) -> Iterator[tuple[Any, ...]]:
    with _said(text, failures):
        yield from cursor


def _prepare(db: sqlite3.Connection) -> None:
    db.execute("pragma query_only = 0")
    complete(db)
    for name, (_, text) in VIEWS.items():
        (temporary,) = db.execute(
            "select count(*) from temp.sqlite_master where type = 'table' and name = 'lineage'"
        ).fetchone()
        # Where the file has no such table an empty one is there, and may not hide the view.
        if name == "lineage" and temporary:
            db.execute("alter table temp.lineage rename to base_lineage")
            text = text.replace("base_lineage", "temp.base_lineage")
        text = text.replace("from base_lineage", "from main.lineage")
        db.execute(f"create temp view {name} as {text}")


_ALLOWED = frozenset(
    (
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    )
)


def _authorize(action: int, _: str | None, name: str | None, *rest: Any) -> int:
    allowed = action in _ALLOWED and name != "load_extension"
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


@contextlib.contextmanager
def _said(text: str, failures: list[Exception]) -> Iterator[None]:
    """Errors of a query in words that help."""
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        if failures:
            raise failures[0] from error
        said = str(error)
        if any(word in said for word in ("not authorized", "readonly", "prohibited", "is a view")):
            said = "only what reads is allowed: select, with, explain"
        elif "one statement" in said:
            said = "one query at a time"
        elif "no such table" in said or "no such column" in said:
            said += f"; the views are {', '.join(VIEWS)} (`synadb sql --help` tells of them)"
        elif "interrupted" in said:
            raise KeyboardInterrupt from error
        raise InvalidValueError(f"the query cannot be answered: {said}") from error


def _functions(
    viewer: sqlite3.Connection, db: sqlite3.Connection, failures: list[Exception]
) -> None:
    """What the views call, reading from `db`.

    json_each counts the rows, of a list that is as long.
    """

    @lru_cache(maxsize=256)
    def keys(run_id: str) -> str:
        try:
            run = run_key(db, run_id)
        except RunNotFoundError:  # begun a moment ago
            return "[]"
        found: dict[str, None] = {}
        for (text,) in db.execute("select keys from keysets where run = ? order by id", (run,)):
            found.update(dict.fromkeys(json.loads(text)))
        for (data,) in db.execute("select data from json_rows where run = ? order by id", (run,)):
            for key, value in decode_json(data).items():
                if isinstance(value, int | float):
                    found[key] = None
        return json.dumps(list(found))

    # A query goes through one metric at a time.
    @lru_cache(maxsize=4)
    def series(run_id: str, key: str) -> tuple[list[Any], list[Any], list[Any]]:
        found = reading.get_metric(db, run_id, key)
        return found.steps.tolist(), found.values.tolist(), found.times.tolist()

    def point(run_id: str, key: str, index: int, which: int) -> Any:
        return series(run_id, key)[which][index]

    @lru_cache(maxsize=64)
    def leaves(document: str) -> list[tuple[str, Any]]:
        return list(_leaves(decode_json(document), ""))

    functions: dict[str, tuple[int, Callable[..., Any]]] = {
        "synadb_keys": (1, keys),
        "synadb_points": (2, lambda run_id, key: _list_of(len(series(run_id, key)[0]))),
        "synadb_point": (4, point),
        "synadb_leaves": (1, lambda document: _list_of(len(leaves(document)))),
        "synadb_leaf": (3, lambda document, index, which: leaves(document)[index][which]),
    }
    for name, (arguments, function) in functions.items():
        viewer.create_function(name, arguments, _kept(function, failures), deterministic=True)


def _kept(function: Callable[..., Any], failures: list[Exception]) -> Callable[..., Any]:
    """SQLite only says that a function has failed: this keeps what it has failed with."""

    def called(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:
            failures.append(error)
            raise

    return called


def _list_of(n: int) -> str:
    return "[" + "0," * (n - 1) + "0]" if n else "[]"


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and (value or not name):
        for key, item in value.items():
            yield from _leaves(item, f"{name}.{key}" if name else key)
    elif isinstance(value, list | Mapping):
        yield name, encode_json(value)
    elif isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        yield name, str(value)
    else:
        yield name, value

"""SQL that reads runs: which there are, and what is known of each. Works on one snapshot."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from synadb.errors import RunNotFoundError
from synadb.records import RunRecord
from synadb.storage.codec import decode_json
from synadb.storage.writing import key_steps, run_key

__all__ = [
    "get_run",
    "last_steps",
    "list_experiments",
    "list_runs",
    "run_ids",
    "select_runs",
    "sweep_runs",
]

_RUN = (
    "select run_id, experiment, name, state, config, summary, tags, notes, grp, job_type, created,"
    " updated, ended, exit_code, host, last_step, row_count, metadata from runs"
)
_LIGHT = _RUN.replace("config, summary", "'{}', '{}'").replace("metadata", "'{}'")


def select_runs(
    db: sqlite3.Connection, condition: str, values: Sequence[Any] = (), *, light: bool = False
) -> list[RunRecord]:
    """The runs of an SQL condition; `light` leaves config, summary and metadata empty."""
    return [_record(row) for row in db.execute(f"{_LIGHT if light else _RUN} {condition}", values)]


def _record(row: Sequence[Any]) -> RunRecord:
    fields = list(row)
    fields[4:7] = decode_json(row[4]), decode_json(row[5]), tuple(decode_json(row[6]))
    fields[-1] = decode_json(fields[-1])
    return RunRecord(*fields)


def get_run(db: sqlite3.Connection, run_id: str) -> RunRecord:
    """One run."""
    found = select_runs(db, "where run_id = ?", (run_id,))
    if not found:
        raise RunNotFoundError(f"no run has the id {run_id!r}")
    return found[0]


def list_runs(db: sqlite3.Connection, experiment: str | None) -> list[RunRecord]:
    """All runs, or those of one experiment, in order of creation."""
    if experiment is None:
        return select_runs(db, "order by created, id")
    return select_runs(db, "where experiment = ? order by created, id", (experiment,))


def sweep_runs(db: sqlite3.Connection, sweep: int) -> list[RunRecord]:
    """The runs of a sweep's trials, in order of creation."""
    found = db.execute(
        f"{_RUN} where run_id in (select run_id from trials where sweep = ?) order by created, id",
        (sweep,),
    )
    return [_record(row) for row in found]


def run_ids(db: sqlite3.Connection) -> list[str]:
    """Ids of all runs, read from the index."""
    found = db.execute("select run_id from runs indexed by sqlite_autoindex_runs_1")
    return [run_id for (run_id,) in found]


def list_experiments(db: sqlite3.Connection) -> list[str]:
    """Names of experiments in order of first use."""
    return [name for (name,) in db.execute("select name from experiments order by rowid")]


def last_steps(db: sqlite3.Connection, run_id: str) -> dict[str, int]:
    """The last step of every numeric metric."""
    return key_steps(db, run_key(db, run_id))

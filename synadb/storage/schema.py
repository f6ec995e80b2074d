"""The schema as numbered migrations; each runs with its number in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

__all__ = ["APPLICATION_ID", "MIGRATIONS", "VERSION", "migrate"]

APPLICATION_ID = 0x53594E41  # "SYNA", in the file's header


def _first(db: sqlite3.Connection) -> None:
    _run_all(db, _V1)


_V1 = """
create table runs (
    id integer primary key,
    run_id text not null unique,
    experiment text not null,
    name text not null,
    state text not null,
    config text not null,
    summary text not null,
    tags text not null,
    notes text,
    grp text not null,
    job_type text not null,
    created real not null,
    updated real not null,
    ended real,
    exit_code integer,
    host text not null,
    pid integer not null,
    last_step integer not null,
    next_seq integer not null,
    row_count integer not null,
    last_journal text
);
create index runs_experiment on runs (experiment, created);
create table experiments (
    name text primary key,
    run_count integer not null
);
create table keysets (
    id integer primary key,
    run integer not null references runs (id),
    keys text not null,
    types text not null,
    last_step integer not null,
    unique (run, keys, types)
);
create table chunks (
    id integer primary key,
    keyset integer not null references keysets (id),
    n integer not null,
    first_step integer not null,
    last_step integer not null,
    steps blob not null,
    seqs blob not null,
    times blob not null
);
create index chunks_keyset on chunks (keyset);
create table columns (
    chunk integer not null references chunks (id),
    position integer not null,
    data blob not null,
    primary key (chunk, position)
) without rowid;
create table json_rows (
    id integer primary key,
    run integer not null references runs (id),
    step integer not null,
    seq integer not null,
    time real not null,
    data text not null
);
create index json_rows_run on json_rows (run, step);
create table journals (
    id text primary key,
    run integer not null references runs (id),
    applied integer not null,
    shifts text not null
);
create table blobs (
    id integer primary key,
    digest blob not null unique,
    data blob not null
);
create table artifacts (
    id integer primary key,
    run integer not null references runs (id),
    name text not null,
    size integer not null,
    digest blob not null,
    created real not null,
    complete integer not null
);
create index artifacts_run on artifacts (run, name);
create table artifact_blobs (
    artifact integer not null references artifacts (id),
    position integer not null,
    blob integer not null references blobs (id),
    primary key (artifact, position)
) without rowid;
create index artifact_blobs_blob on artifact_blobs (blob)
"""


def _second(db: sqlite3.Connection) -> None:
    _run_all(db, _V2)


_V2 = """
alter table runs add column metadata text not null default '{}';
alter table artifacts add column kind text not null default 'artifact';
drop index artifacts_run;
create index artifacts_run on artifacts (run, kind, name);
create table console (
    run integer not null references runs (id),
    source text not null,
    number integer not null,
    time real not null,
    stream text not null,
    line text not null,
    primary key (run, source, number)
) without rowid;
create table system_rows (
    id integer primary key,
    run integer not null references runs (id),
    source text not null,
    time real not null,
    data text not null
);
create index system_rows_run on system_rows (run, time)
"""

MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_first, _second)
VERSION = len(MIGRATIONS)


def _run_all(db: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):
        if statement.strip():
            db.execute(statement)


def migrate(db: sqlite3.Connection, version: int) -> None:
    """Bring a database from schema `version` to the newest, one transaction a step."""
    for number, function in enumerate(MIGRATIONS[version:], version + 1):
        db.execute("begin immediate")
        try:
            function(db)
            db.execute(f"pragma user_version = {number}")
        except BaseException:
            db.execute("rollback")
            raise
        db.execute("commit")

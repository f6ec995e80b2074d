"""The schema as numbered migrations; each runs with its number in one transaction."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Callable

__all__ = [
    "APPLICATION_ID",
    "MIGRATIONS",
    "PAGE_BYTES",
    "PARTS",
    "VERSION",
    "complete",
    "migrate",
    "stand_in",
]

APPLICATION_ID = 0x53594E41  # "SYNA", in the file's header
# Large blobs are read and written faster than with SQLite's own 4 KiB
# (https://sqlite.org/intern-v-extern-blob.html).
PAGE_BYTES = 16384


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


def _third(db: sqlite3.Connection) -> None:
    """Nothing: from here on a database may have the tables of PARTS."""


def _fourth(db: sqlite3.Connection) -> None:
    """Where `storage.pieces` puts what would leave gaps; ids are 16 * blob + position."""
    db.execute("create table blob_tails (id integer primary key, data blob not null)")
    db.execute(
        "create trigger blobs_deleted after delete on blobs begin"
        " delete from blob_tails where id between old.id * 16 and old.id * 16 + 15; end"
    )


_VERSIONS = """
create table collections (
    id integer primary key,
    project text not null,
    name text not null,
    type text not null,
    created real not null,
    next_number integer not null,
    properties text not null,
    unique (project, name)
);
create table versions (
    id integer primary key,
    uid text not null unique,
    collection integer references collections (id),
    number integer,
    state text not null,
    shared text,
    digest text not null,
    size integer not null,
    file_count integer not null,
    run integer references runs (id),
    step integer,
    created real not null,
    updated real not null,
    ttl real,
    source integer references versions (id),
    properties text not null,
    unique (collection, number)
);
create index versions_source on versions (source) where source is not null;
create table aliases (
    collection integer not null references collections (id),
    alias text not null,
    version integer not null references versions (id),
    primary key (collection, alias)
) without rowid;
create table contents (
    id integer primary key,
    sha256 blob not null unique,
    md5 blob not null,
    size integer not null
);
create table content_blobs (
    content integer not null references contents (id),
    position integer not null,
    blob integer not null references blobs (id),
    primary key (content, position)
) without rowid;
create index content_blobs_blob on content_blobs (blob);
create table entries (
    version integer not null references versions (id),
    path text not null,
    content integer references contents (id),
    digest text,
    size integer,
    reference text,
    extra text,
    primary key (version, path)
) without rowid;
create index entries_content on entries (content) where content is not null;
create table lineage (
    run integer not null references runs (id),
    version integer not null references versions (id),
    role text not null,
    use_as text,
    time real not null,
    primary key (run, role, version)
) without rowid;
create index lineage_version on lineage (version)
"""


_SWEEPS = """
create table sweeps (
    id integer primary key,
    sweep_id text not null unique,
    project text not null,
    state text not null,
    config text not null,
    created real not null,
    updated real not null,
    cursor integer not null,
    claimed integer not null,
    trial_count integer not null,
    properties text not null
);
create table trials (
    sweep integer not null references sweeps (id),
    number integer not null,
    run_id text not null,
    params text not null,
    point text,
    state text not null,
    agent text,
    claimed real,
    heartbeat real,
    properties text not null,
    primary key (sweep, number)
) without rowid;
create index trials_run on trials (run_id);
create index trials_state on trials (sweep, state);
create index trials_point on trials (sweep, point) where point is not null
"""

MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_first, _second, _third, _fourth)
VERSION = len(MIGRATIONS)

# Made when they are first written to: most databases have no use for them, and each table takes a
# page of the file and time of the first init.
PARTS = {"versions": _VERSIONS, "sweeps": _SWEEPS}


def complete(db: sqlite3.Connection, part: str | None = None) -> None:
    """Make the tables of a part of PARTS if they are missing.

    Without `part` those of all, as temporary ones: they are this connection's own, and empty.
    Whoever only reads or deletes is content with those.
    """
    main, temporary = (
        {name for (name,) in db.execute(f"select name from {place}.sqlite_master")}
        for place in ("main", "temp")
    )
    for name in PARTS if part is None else (part,):
        statements = PARTS[name]
        if part is not None or name in main:
            # They would hide the real ones.
            for table in re.findall(r"create table (\w+)", statements):
                if table in temporary:
                    db.execute(f"drop table temp.{table}")
        if name in main or (part is None and name in temporary):
            continue
        if part is None:
            statements = re.sub("create (index|table) ", r"create \1 temp.", statements)
        _run_all(db, statements)


def _run_all(db: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):
        if statement.strip():
            db.execute(statement)


def migrate(db: sqlite3.Connection, version: int) -> None:
    """Bring a database from schema `version` to the newest, one transaction a step.

    A new one in a single transaction.
    """
    steps = list(enumerate(MIGRATIONS[version:], version + 1))
    for group in [[step] for step in steps] if version else [steps]:
        db.execute("begin immediate")
        try:
            for number, function in group:
                function(db)
                db.execute(f"pragma user_version = {number}")
        except BaseException:
            db.execute("rollback")
            raise
        db.execute("commit")


def stand_in(path: str) -> None:
    """Let a damaged database of schema 3 be read as one of today; for a copy of it.

    To make a table SQLite moves pages, and fails over damaged ones; a view takes none.
    """
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as db:
        if db.execute("pragma user_version").fetchone() == (3,):
            db.execute("create view blob_tails as select 0 as id, x'' as data where false")
            db.execute("pragma user_version = 4")

"""The audit behind `Store.check`."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator

from synadb.errors import CorruptStoreError
from synadb.records import CheckReport
from synadb.storage.codec import decode_column, undecodable
from synadb.storage.metering import Meter, Watch
from synadb.storage.pieces import BLOB_DATA, BLOB_SIZE, STRAY_TAIL, blob_content
from synadb.storage.version_audit import check_versions, fix_contents

__all__ = ["check", "fix"]


def check(db: sqlite3.Connection, watch: Watch | None = None) -> CheckReport:
    """Audit pages, references, chunks, documents and blobs; all PARTS of the schema are there."""
    problems: list[str] = []
    notes: list[str] = []
    # SQLite reads every page, and then the content is read; that of artifacts once more, as files.
    (pages,) = db.execute("pragma page_count").fetchone()
    (page,) = db.execute("pragma page_size").fetchone()
    (files,) = db.execute("select total(size) from contents").fetchone()
    meter = Meter(watch)
    meter.expect(2 * pages * page + files)
    for (line,) in db.execute("pragma integrity_check(20)"):
        if line != "ok":
            problems.append(f"SQLite: {line}")
    meter.add(pages * page)
    for table, rowid, parent, _ in db.execute("pragma foreign_key_check"):
        problems.append(f"{table} row {rowid} refers to a row of {parent} that is not there")
    problems += _chunks(db, meter)
    problems += _documents(db)
    problems += _blobs(db, meter)
    (uploads,) = db.execute("select count(*) from artifacts where complete = 0").fetchone()
    if uploads:
        notes.append(f"{uploads} unfinished artifact upload(s), invisible to readers")
    for found, more in zip((problems, notes), check_versions(db, meter), strict=True):
        found += more
    meter.finish()
    return CheckReport(tuple(problems), tuple(notes))


def _chunks(db: sqlite3.Connection, meter: Meter) -> list[str]:
    problems = []
    for chunk, n, low, high, steps, seqs, times, kinds, keys in db.execute(
        "select c.id, n, first_step, c.last_step, steps, seqs, times, k.types, k.keys"
        " from chunks c join keysets k on k.id = c.keyset"
    ):
        try:
            values = decode_column(steps, "q", n)
            decode_column(seqs, "q", n)
            decode_column(times, "d", n)
            if n < 1 or (int(values.min()), int(values.max())) != (low, high):
                problems.append(f"chunk {chunk}: its steps are not those it says")
            columns = dict(
                db.execute("select position, data from columns where chunk = ?", (chunk,))
            )
            meter.add(sum(map(len, (steps, seqs, times, *columns.values()))))
            if sorted(columns) != list(range(len(kinds))) or len(json.loads(keys)) != len(kinds):
                problems.append(f"chunk {chunk}: columns are missing")
                continue
            for position, data in columns.items():
                decode_column(data, kinds[position], n)
        except CorruptStoreError as error:
            problems.append(f"chunk {chunk}: {error}")
    return problems


def _documents(db: sqlite3.Connection) -> list[str]:
    problems = []
    for table, what, name, columns in (
        ("runs", "run", "run_id", ("config", "summary", "tags", "metadata")),
        ("sweeps", "sweeps row", "sweep_id", ("config", "properties")),
        ("trials", "trials row", "run_id", ("params", "properties")),
        ("json_rows", "json_rows row", "id", ("data",)),
        ("system_rows", "system_rows row", "id", ("data",)),
    ):
        # As blobs: SQLite refuses a whole row with a text that is not UTF-8.
        texts = ", ".join(f"cast({column} as blob)" for column in columns)
        for row, *documents in db.execute(f"select {name}, {texts} from {table}"):
            for column, document in zip(columns, documents, strict=True):
                if reason := undecodable(document):
                    problems.append(f"{what} {row}: its {column} is no JSON ({reason})")
    return problems


def _blobs(db: sqlite3.Connection, meter: Meter) -> list[str]:
    problems = [f"blob {blob} does not match its digest" for blob in _damaged(db, meter)]
    (strays,) = db.execute(f"select count(*) from blob_tails where {STRAY_TAIL}").fetchone()
    if strays:
        problems.append(f"{strays} row(s) of blob_tails belong to a blob that is not there")
    for artifact, name, size, total in db.execute(
        f"select a.id, a.name, a.size, (select total({BLOB_SIZE}) from artifact_blobs ab"
        " join blobs b on b.id = ab.blob where ab.artifact = a.id)"
        " from artifacts a where complete = 1"
    ):
        if size != int(total):
            problems.append(f"artifact {artifact} ({name}): {int(total)} of {size} bytes are there")
    return problems


def _damaged(db: sqlite3.Connection, meter: Meter) -> Iterator[int]:
    """The blobs that do not match their digests."""
    for blob, digest, data in db.execute(f"select id, digest, {BLOB_DATA} from blobs b"):
        content = blob_content(db.execute, blob, data)
        meter.add(len(content))
        if hashlib.sha256(content).digest() != digest:
            yield blob


def fix(db: sqlite3.Connection) -> tuple[str, ...]:
    """Mend what can be mended without inventing data; says what was done."""
    done = []
    db.execute("reindex")
    done.append("indexes rebuilt")
    for chunk, n, kinds in db.execute(
        "select c.id, n, k.types from chunks c join keysets k on k.id = c.keyset"
    ).fetchall():
        steps, seqs, times = db.execute(
            "select steps, seqs, times from chunks where id = ?", (chunk,)
        ).fetchone()
        try:
            for part, kind in ((steps, "q"), (seqs, "q"), (times, "d")):
                decode_column(part, kind, n)
            for position, data in db.execute(
                "select position, data from columns where chunk = ?", (chunk,)
            ):
                decode_column(data, kinds[position], n)
        except CorruptStoreError:
            db.execute("delete from columns where chunk = ?", (chunk,))
            db.execute("delete from chunks where id = ?", (chunk,))
            done.append(f"chunk {chunk} of {n} rows could not be decoded and was removed")
    # Before the blobs: a damaged one must not be deleted while something refers to it.
    done += fix_contents(db)
    for blob in list(_damaged(db, Meter())):
        for (artifact,) in db.execute(
            "select distinct artifact from artifact_blobs where blob = ?", (blob,)
        ).fetchall():
            db.execute("delete from artifact_blobs where artifact = ?", (artifact,))
            db.execute("delete from artifacts where id = ?", (artifact,))
            done.append(f"artifact {artifact} had a damaged piece and was removed")
        db.execute("delete from blobs where id = ?", (blob,))
    if db.execute(f"delete from blob_tails where {STRAY_TAIL}").rowcount:
        done.append("rows of blob_tails that belonged to no blob were removed")
    return tuple(done)

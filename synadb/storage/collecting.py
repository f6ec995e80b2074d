"""What nothing refers to any more, counted or deleted."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import NamedTuple

from synadb.storage.blobs import ABANDONED_SECONDS
from synadb.storage.codec import decode_json
from synadb.storage.metering import Meter
from synadb.storage.pieces import BLOB_SIZE
from synadb.storage.version_rows import delete_version
from synadb.system import host, lives

__all__ = ["collect", "free_pages", "unreferenced"]

# Processes that add to one version may be days apart; this long after the last the job is dead.
PENDING_SECONDS = 30 * 24 * 3600.0


class _Doomed(NamedTuple):
    """Rows, by id, that only the collector may delete."""

    uploads: Sequence[int]
    drafts: Sequence[int]
    expired: Sequence[int]

    @property
    def versions(self) -> list[int]:
        return [*self.drafts, *self.expired]


def unreferenced(db: sqlite3.Connection, *, expire: bool = True) -> dict[str, int]:
    """What `collect` would delete now: counts, and the bytes of the blobs."""
    return _figures(db, _doomed(db, expire))


def free_pages(db: sqlite3.Connection) -> int:
    """Pages of the file that hold nothing."""
    return int(db.execute("pragma freelist_count").fetchone()[0])


def collect(db: sqlite3.Connection, meter: Meter, *, expire: bool = True) -> dict[str, int]:
    """Delete abandoned uploads and drafts, expired versions, and content nothing refers to."""
    doomed = _doomed(db, expire)
    figures = _figures(db, doomed)
    # First it is deleted, then its pages are given back, with those that are free already.
    (page,) = db.execute("pragma page_size").fetchone()
    meter.expect(2 * figures["blob_bytes"] + free_pages(db) * page)
    for upload in doomed.uploads:
        db.execute("delete from artifact_blobs where artifact = ?", (upload,))
        db.execute("delete from artifacts where id = ?", (upload,))
    for version in doomed.versions:
        delete_version(db, version)
    unused = "(select id from contents where id not in (select content from entries{}))"
    unused = unused.format(" where content is not null")
    db.execute(f"delete from content_blobs where content in {unused}")
    db.execute(f"delete from contents where id in {unused}")
    orphans = _orphans(_Doomed((), (), ()))
    for blob, size in db.execute(f"select id, {BLOB_SIZE} {orphans}").fetchall():
        db.execute("delete from blobs where id = ?", (blob,))
        meter.add(size)
    return figures


def _doomed(db: sqlite3.Connection, expire: bool) -> _Doomed:
    now = time.time()
    old = (now - ABANDONED_SECONDS,)
    uploads = db.execute("select id from artifacts where complete = 0 and created < ?", old)
    drafts = [
        version
        for version, owner in db.execute(
            "select id, properties from versions where state = 'draft' and updated < ?", old
        )
        if not _somebody(decode_json(owner))
    ]
    pending = db.execute(
        "select id from versions where state = 'pending' and updated < ?", (now - PENDING_SECONDS,)
    )
    # What is linked to stays: somebody has chosen it.
    expired = db.execute(
        "select id from versions v where ttl is not null and state = 'committed' and"
        " created + ttl < ? and not exists (select 1 from versions l where l.source = v.id)",
        (now,),
    )
    return _Doomed(
        [row[0] for row in uploads],
        [*drafts, *(row[0] for row in pending)],
        [row[0] for row in expired] if expire else [],
    )


def _somebody(owner: dict[str, object]) -> bool:
    """Whether the process that makes a draft is on this machine and lives."""
    pid = owner.get("pid")
    if owner.get("host") != host() or not isinstance(pid, int):
        return False
    return lives(pid, str(owner.get("birth", "")))


def _orphans(doomed: _Doomed) -> str:
    uploads, versions = (",".join(map(str, found)) for found in (doomed.uploads, doomed.versions))
    return (
        f"from blobs b where id not in (select blob from artifact_blobs where artifact not in"
        f" ({uploads})) and id not in (select blob from content_blobs where content in (select"
        f" content from entries where content is not null and version not in ({versions})))"
    )


def _figures(db: sqlite3.Connection, doomed: _Doomed) -> dict[str, int]:
    count, size = db.execute(f"select count(*), total({BLOB_SIZE}) {_orphans(doomed)}").fetchone()
    found = {"blobs": int(count), "blob_bytes": int(size)}
    if doomed.expired:
        found["expired_versions"] = len(doomed.expired)
    if doomed.drafts:
        found["abandoned_drafts"] = len(doomed.drafts)
    return found

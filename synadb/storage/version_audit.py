"""The part of the audit that looks at versioned artifacts."""

from __future__ import annotations

import hashlib
import sqlite3

from synadb.artifact_records import manifest_digest
from synadb.storage.codec import undecodable
from synadb.storage.metering import Meter
from synadb.storage.pieces import BLOB_DATA, blob_content
from synadb.storage.version_rows import delete_version, measure

__all__ = ["check_versions", "fix_contents"]


def check_versions(db: sqlite3.Connection, meter: Meter) -> tuple[list[str], list[str]]:
    """Problems and notes."""
    problems = [*_contents(db, meter), *_versions(db), *_names(db)]
    notes = [
        f"{count} {what}, invisible to readers"
        for state, what in (
            ("draft", "draft(s) of artifact versions"),
            ("pending", "artifact version(s) that several processes are adding to"),
        )
        for (count,) in db.execute("select count(*) from versions where state = ?", (state,))
        if count
    ]
    return problems, notes


def _contents(db: sqlite3.Connection, meter: Meter) -> list[str]:
    problems = []
    for content, sha256, md5, size in db.execute("select id, sha256, md5, size from contents"):
        # One whose digest is shorter is coming in.
        if len(sha256) == 32 and _found(db, content) != (sha256, md5, size):
            problems.append(f"content {content} does not match its digest")
        meter.add(size)
    return problems


def _found(db: sqlite3.Connection, content: int) -> tuple[bytes, bytes, int] | None:
    """SHA-256, MD5 and size of the pieces of a content; None when one is missing."""
    whole, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    for number, (position, blob, data) in enumerate(
        db.execute(
            f"select p.position, p.blob, {BLOB_DATA} from content_blobs p"
            " left join blobs b on b.id = p.blob where p.content = ? order by p.position",
            (content,),
        )
    ):
        if position != number or data is None:
            return None
        piece = blob_content(db.execute, blob, data)
        whole.update(piece)
        md5.update(piece)
        size += len(piece)
    return whole.digest(), md5.digest(), size


def _versions(db: sqlite3.Connection) -> list[str]:
    problems = []
    for version, name, state, digest, size, count, source, text in db.execute(
        "select v.id, coalesce(c.project || '/' || c.name || ':v' || v.number, v.uid), v.state,"
        " v.digest, v.size, v.file_count, v.source, cast(v.properties as blob) from versions v"
        " left join collections c on c.id = v.collection"
    ):
        if reason := undecodable(text):
            problems.append(f"version {name}: its properties are no JSON ({reason})")
        if state == "draft":
            continue
        held, pairs = measure(db, version if source is None else source)
        if (held, len(pairs)) != (size, count):
            problems.append(
                f"version {name}: {len(pairs)} of {count} entries and {held} of {size} bytes are"
                " there"
            )
        elif manifest_digest(pairs) != digest:
            problems.append(f"version {name}: its entries do not match its digest")
    return problems


def _names(db: sqlite3.Connection) -> list[str]:
    problems = []
    for name, number, following in db.execute(
        "select c.name, v.number, c.next_number from versions v left join collections c on"
        " c.id = v.collection where v.state = 'committed' and"
        " (c.id is null or v.number is null or v.number >= c.next_number)"
    ):
        problems.append(f"artifact {name}: version {number} is beyond the next one, {following}")
    for name, alias in db.execute(
        "select c.name, a.alias from aliases a join collections c on c.id = a.collection"
        " left join versions v on v.id = a.version"
        " where v.id is null or v.collection is not a.collection or v.state != 'committed'"
    ):
        problems.append(f"artifact {name}: the alias {alias} is at no version of it")
    for name, text in db.execute("select name, cast(properties as blob) from collections"):
        if reason := undecodable(text):
            problems.append(f"artifact {name}: its properties are no JSON ({reason})")
    return problems


def fix_contents(db: sqlite3.Connection) -> list[str]:
    """Remove the versions that have damaged content; says what was done."""
    done = []
    for content, sha256, md5, size in db.execute(
        "select id, sha256, md5, size from contents"
    ).fetchall():
        if len(sha256) != 32 or _found(db, content) == (sha256, md5, size):
            continue
        for version, name in db.execute(
            "select distinct v.id, coalesce(c.project || '/' || c.name || ':v' || v.number, v.uid)"
            " from entries e join versions v on v.id = e.version"
            " left join collections c on c.id = v.collection where e.content = ?",
            (content,),
        ).fetchall():
            delete_version(db, version)
            done.append(f"version {name} had damaged content and was removed")
        db.execute("delete from content_blobs where content = ?", (content,))
        db.execute("delete from contents where id = ?", (content,))
    return done

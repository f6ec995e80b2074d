"""SQL of versioned artifacts, on one snapshot or inside one transaction of the caller's.

Here is what concerns versions that are there, and their content; the rest hangs on VersionTables.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from synadb.artifact_records import EntryRecord, VersionRecord
from synadb.errors import CorruptStoreError
from synadb.storage import blobs
from synadb.storage.artifact_collections import Collections, collection_for, take_number
from synadb.storage.codec import decode_json, encode_json
from synadb.storage.drafts import Drafts
from synadb.storage.lineage import Lineage
from synadb.storage.pieces import BLOB_DATA, BLOB_SIZE, blob_content
from synadb.storage.publishing import Publishing
from synadb.storage.version_rows import (
    LATEST,
    add_aliases,
    delete_version,
    entries_of,
    held_by,
    id_of,
    merged,
    number_of,
    one,
    records,
    set_alias,
    source_of,
    where_of,
)

__all__ = ["VersionTables"]


class VersionTables:
    """The rows of `versions` and what hangs on them; get one from `Store.versions`.

    A version is named by its uid; ArtifactNotFoundError when it is gone.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.drafts = Drafts(db)
        self.collections = Collections(db)
        self.lineage = Lineage(db)
        self.publishing = Publishing(db)

    def update(self, uid: str, changes: Mapping[str, Any], now: float) -> None:
        """Replace description, metadata, tags or ttl; `more` is merged, None removes a key."""
        source = source_of(self._db, id_of(self._db, uid))
        (text,) = self._db.execute(
            "select properties from versions where id = ?", (source,)
        ).fetchone()
        properties = decode_json(text)
        for key, value in changes.items():
            if key == "ttl":
                self._db.execute("update versions set ttl = ? where id = ?", (value, source))
            elif key == "more":
                properties["more"] = merged(properties.get("more", {}), value)
            else:
                properties[key] = value
        self._db.execute(
            "update versions set properties = ?, updated = ? where id = ?",
            (encode_json(properties), now, source),
        )

    def set_aliases(self, uid: str, added: Iterable[str], removed: Iterable[str]) -> None:
        """Give a version aliases, wherever they were, and take others from it."""
        version = id_of(self._db, uid)
        (collection,) = self._db.execute(
            "select collection from versions where id = ?", (version,)
        ).fetchone()
        self._db.executemany(
            "delete from aliases where collection = ? and alias = ? and version = ?",
            ((collection, alias, version) for alias in removed),
        )
        add_aliases(self._db, version, collection, added)

    def delete(self, uid: str) -> None:
        """Delete a version and the links to it; of a link, the link."""
        delete_version(self._db, id_of(self._db, uid))

    def link(
        self, uid: str, name: str, project: str, aliases: Iterable[str], now: float
    ) -> VersionRecord:
        """Let a version stand in another collection too."""
        db = self._db
        source = source_of(self._db, id_of(self._db, uid))
        collection, kind = db.execute(
            "select c.id, c.type from versions v join collections c on c.id = v.collection"
            " where v.id = ?",
            (source,),
        ).fetchone()
        target = collection_for(self._db, project, name, kind, now)
        if target == collection:
            add_aliases(self._db, source, collection, aliases)
            return one(self._db, source)
        row = db.execute(
            "select id from versions where source = ? and collection = ?", (source, target)
        ).fetchone()
        if row is None:
            number = take_number(db, target)
            cursor = db.execute(
                "insert into versions (uid, collection, number, state, digest, size, file_count,"
                " created, updated, source, properties) select ?, ?, ?, 'committed', digest, size,"
                " file_count, ?, ?, id, '{}' from versions where id = ?",
                (os.urandom(16).hex(), target, number, now, now, source),
            )
            row = (int(cursor.lastrowid or 0),)
            set_alias(self._db, target, LATEST, row[0])
        add_aliases(self._db, row[0], target, aliases)
        return one(self._db, row[0])

    def find(self, uid: str) -> VersionRecord | None:
        """A version, pending ones too."""
        found = records(self._db, "v.uid = ? and v.state != 'draft'", (uid,))
        return found[0] if found else None

    def get(self, name: str, selector: str | None, project: str | None) -> list[VersionRecord]:
        """The versions of that name and alias or number, one a project at most."""
        number = number_of(selector) if selector else None
        where = "c.name = ? and v.state = 'committed'"
        values: list[Any] = [name]
        if project is not None:
            where += " and c.project = ?"
            values.append(project)
        newest = "(select max(number) from versions where collection = c.id)"
        if number is not None:
            where += " and v.number = ?"
            values.append(number)
        elif selector in (None, LATEST):
            # Should somebody have taken `latest` away, the newest one it is.
            where += (
                " and v.number = coalesce((select l.number from aliases a join versions l"
                " on l.id = a.version where a.collection = c.id and a.alias = 'latest'), "
                f"{newest})"
            )
        else:
            where += (
                " and v.id = (select version from aliases where collection = c.id and alias = ?)"
            )
            values.append(selector)
        return records(self._db, where, values)

    def list_versions(
        self, name: str | None, project: str | None, kind: str | None
    ) -> list[VersionRecord]:
        """Versions by project and collection, the newest first."""
        where, values = where_of(("c.name", name), ("c.project", project), ("c.type", kind))
        return records(self._db, f"v.state = 'committed'{where}", values)

    def links(self, uid: str) -> list[VersionRecord]:
        """The links to a version."""
        return records(self._db, "v.source = ?", (source_of(self._db, id_of(self._db, uid)),))

    def entries(self, uid: str, prefix: str = "") -> list[EntryRecord]:
        """The entries of a version by path."""
        where, values = "", [held_by(self._db, uid)]
        if prefix:
            where = " and e.path >= ? and substr(e.path, 1, length(?)) = ?"
            values += [prefix, prefix, prefix]
        return entries_of(self._db, f"e.version = ?{where}", values)

    def entry(self, uid: str, path: str) -> EntryRecord | None:
        """One entry of a version."""
        found = entries_of(self._db, "e.version = ? and e.path = ?", (held_by(self._db, uid), path))
        return found[0] if found else None

    def pieces(self, sha256: str) -> list[int]:
        """The blobs of a content in order; CorruptStoreError."""
        row = self._db.execute(
            "select id, size from contents where sha256 = ?", (bytes.fromhex(sha256),)
        ).fetchone()
        if row is None:
            raise _gone(sha256)
        found = self._db.execute(
            f"select b.id, {BLOB_SIZE} from content_blobs p join blobs b on b.id = p.blob"
            " where p.content = ? order by p.position",
            row[:1],
        ).fetchall()
        if sum(size for _, size in found) != row[1]:
            raise CorruptStoreError(f"content {sha256}: its pieces do not add up to its size")
        return [blob for blob, _ in found]

    def piece(self, blob: int, name: str) -> bytes:
        """One piece, verified."""
        return blobs.read(self._db, blob, name)

    def small(self, wanted: Iterable[str]) -> dict[str, bytes]:
        """The contents with these SHA-256 that are one piece, verified."""
        import hashlib

        found = {}
        for sha256 in wanted:
            raw = bytes.fromhex(sha256)
            # A content of one piece has the digest of that piece.
            row = self._db.execute(
                f"select id, {BLOB_DATA} from blobs b where digest = ?", (raw,)
            ).fetchone()
            data = blob_content(self._db.execute, *row) if row else b""
            if hashlib.sha256(data).digest() != raw:
                raise CorruptStoreError(f"content {sha256} is missing or damaged") from None
            found[sha256] = data
        return found


def _gone(sha256: str) -> CorruptStoreError:
    return CorruptStoreError(
        f"content {sha256} is not in the database: the version has been deleted meanwhile, or run"
        " `synadb check`"
    )

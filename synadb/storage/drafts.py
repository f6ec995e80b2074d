"""SQL of drafts: versions that are being put together, with as many transactions as it takes.

A draft is a row of `versions` without a collection. Content is referred to from the moment it is
stored, by a draft's entries, so the collector needs no rule for content beyond whether an entry
refers to it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from synadb.errors import CorruptStoreError
from synadb.storage.codec import encode_json
from synadb.storage.pieces import put_blob
from synadb.storage.version_rows import delete_version

__all__ = ["Drafts", "Incoming", "whole_draft"]

# Of a file that is still coming in: no file of the user's has such a path.
_UPLOAD = "\0"


class Incoming(NamedTuple):
    """What is to stand under a path: content (with its pieces unless it is stored) or a reference.

    A piece is (SHA-256, bytes), `blobs.CHUNK_BYTES` long, the last one shorter.
    """

    path: str
    sha256: bytes | None
    md5: bytes | None
    size: int | None
    pieces: Sequence[tuple[bytes, bytes]] | None
    digest: str | None
    reference: str | None
    extra: Mapping[str, Any]


class Drafts:
    """The drafts of a database; a draft is named by its uid.

    CorruptStoreError when it is gone.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def begin(self, uid: str, owner: Mapping[str, Any], now: float) -> None:
        """Make the row of a draft; `owner` tells the collector whether somebody is at it."""
        self._db.execute(
            "insert into versions (uid, state, digest, size, file_count, created, updated,"
            " properties) values (?, 'draft', '', 0, 0, ?, ?, ?)",
            (uid, now, now, encode_json(dict(owner))),
        )

    def stage(
        self, uid: str, incoming: Iterable[Incoming], removed: Iterable[str], now: float
    ) -> None:
        """Take paths out of a draft, and put others in or in their place."""
        version = draft_of(self._db, uid)
        db = self._db
        db.executemany(
            "delete from entries where version = ? and path = ?",
            ((version, path) for path in removed),
        )
        for item in incoming:
            content = None if item.sha256 is None else _content(self._db, item)
            _put(self._db, version, item, content)
        db.execute("update versions set updated = ? where id = ?", (now, version))

    def begin_upload(self, uid: str, now: float) -> int:
        """A content whose pieces come in with `upload`, referred to until `end_upload`."""
        version = draft_of(self._db, uid)
        cursor = self._db.execute(
            "insert into contents (sha256, md5, size) values (?, x'', 0)", (os.urandom(16),)
        )
        content = int(cursor.lastrowid or 0)
        self._db.execute(
            "insert into entries (version, path, content) values (?, ?, ?)",
            (version, _UPLOAD + str(content), content),
        )
        self._db.execute("update versions set updated = ? where id = ?", (now, version))
        return content

    def upload(
        self, uid: str, content: int, position: int, pieces: Sequence[tuple[bytes, bytes]]
    ) -> None:
        """Add pieces to a content."""
        if not self._db.execute(
            "select 1 from entries where version = ? and path = ?",
            (draft_of(self._db, uid), _UPLOAD + str(content)),
        ).fetchone():
            raise _collected()
        _add_pieces(self._db, content, position, pieces)

    def end_upload(self, uid: str, content: int, item: Incoming) -> None:
        """Put a content whose pieces are all there under its path."""
        version = draft_of(self._db, uid)
        db = self._db
        db.execute(
            "delete from entries where version = ? and path = ?", (version, _UPLOAD + str(content))
        )
        known = db.execute("select id from contents where sha256 = ?", (item.sha256,)).fetchone()
        if known:
            db.execute("delete from content_blobs where content = ?", (content,))
            db.execute("delete from contents where id = ?", (content,))
            content = known[0]
        else:
            db.execute(
                "update contents set sha256 = ?, md5 = ?, size = ? where id = ?",
                (item.sha256, item.md5, item.size, content),
            )
        _put(self._db, version, item, content)

    def drop_upload(self, uid: str, content: int) -> None:
        """Forget an upload that will not be completed."""
        self._db.execute(
            "delete from entries where path = ?"
            " and version = (select id from versions where uid = ?)",
            (_UPLOAD + str(content), uid),
        )

    def discard(self, uids: Iterable[str]) -> None:
        """Delete drafts; the collector finds their content."""
        for (version,) in [
            row
            for uid in uids
            for row in self._db.execute(
                "select id from versions where uid = ? and state = 'draft'", (uid,)
            )
        ]:
            delete_version(self._db, version)


def whole_draft(db: sqlite3.Connection, uid: str, count: int) -> int:
    """The row of a draft that has `count` entries, and no upload any more."""
    version = draft_of(db, uid)
    db.execute(
        "delete from entries where version = ? and path >= ? and path < char(1)",
        (version, _UPLOAD),
    )
    (found,) = db.execute("select count(*) from entries where version = ?", (version,)).fetchone()
    if found != count:
        raise _collected()
    return version


def draft_of(db: sqlite3.Connection, uid: str) -> int:
    row = db.execute("select id from versions where uid = ? and state = 'draft'", (uid,)).fetchone()
    if row is None:
        raise _collected()
    return int(row[0])


def _content(db: sqlite3.Connection, item: Incoming) -> int:
    row = db.execute("select id from contents where sha256 = ?", (item.sha256,)).fetchone()
    if row:
        return int(row[0])
    if item.pieces is None:
        raise _collected()
    cursor = db.execute(
        "insert into contents (sha256, md5, size) values (?, ?, ?)",
        (item.sha256, item.md5, item.size),
    )
    content = int(cursor.lastrowid or 0)
    _add_pieces(db, content, 0, item.pieces)
    return content


def _add_pieces(
    db: sqlite3.Connection, content: int, position: int, pieces: Sequence[tuple[bytes, bytes]]
) -> None:
    for number, (digest, piece) in enumerate(pieces, position):
        db.execute(
            "insert into content_blobs values (?, ?, ?)",
            (content, number, put_blob(db, digest, piece)),
        )


def _put(db: sqlite3.Connection, version: int, item: Incoming, content: int | None) -> None:
    db.execute(
        "insert or replace into entries values (?, ?, ?, ?, ?, ?, ?)",
        (
            version,
            item.path,
            content,
            item.digest,
            None if content is not None else item.size,
            item.reference,
            encode_json(dict(item.extra)) if item.extra else None,
        ),
    )


def _collected() -> CorruptStoreError:
    return CorruptStoreError(
        "the content of a draft is no longer in the database: it was collected as abandoned, or the"
        " draft has been discarded; put it together anew"
    )

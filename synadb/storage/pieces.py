"""Pieces of content as rows, each stored once and without gaps in the file.

SQLite keeps the end of a long row in a leaf page, and what is free there is too little for the next
long row: 3 KB a row are lost on average with pages of 16 KiB, 0.7 % of a picture of 400 KB. So a
row takes only as much of a piece as fills pages of its own, but for the least that must lie in a
leaf (https://sqlite.org/fileformat2.html, "Cell Payload Overflow Pages"); what is left over is cut
into rows of `blob_tails`, 16 of which fill a page.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from synadb.storage.schema import PAGE_BYTES

if TYPE_CHECKING:
    from synadb.storage.run_digest import Rows

__all__ = ["BLOB_DATA", "BLOB_SIZE", "STRAY_TAIL", "blob_content", "put_blob"]

# Section 1.6 there: bytes of a row that a leaf has at least and at most, and a page of its own.
_LEAST = (PAGE_BYTES - 12) * 32 // 255 - 23
_MOST = PAGE_BYTES - 35
_PAGE = PAGE_BYTES - 4
_HEAD = 38  # of a row of `blobs`: its digest, and what it is made of
_TAIL = 1008
_TAILS = 16  # ids of `blob_tails` that each blob has

# In SQL, what the row of the blob `b`, or its tail `t`, holds. A damaged row can say that it is a
# text, which might not be decoded, or a number: nothing then, which matches no digest.
_BYTES = "case when typeof({0}.data) in ('blob', 'null') then {0}.data else x'' end"
BLOB_DATA = _BYTES.format("b")
_TAILS_OF = f"select {_BYTES.format('t')} from blob_tails t where id between ? and ? order by id"
# Bytes of the blob `b`, in SQL.
BLOB_SIZE = (
    "(length(b.data) + (select total(length(t.data)) from blob_tails t"
    f" where t.id between b.id * {_TAILS} and b.id * {_TAILS} + {_TAILS - 1}))"
)
# A row of `blob_tails` whose blob is not there, in SQL.
STRAY_TAIL = f"id / {_TAILS} not in (select id from blobs)"


def put_blob(db: sqlite3.Connection, digest: bytes, piece: bytes) -> int:
    """The blob with this content, stored unless it is there."""
    row = db.execute("select id from blobs where digest = ?", (digest,)).fetchone()
    if row:
        return int(row[0])
    view = memoryview(piece)
    cut = _cut(len(piece))
    cursor = db.execute("insert into blobs (digest, data) values (?, ?)", (digest, view[:cut]))
    blob = int(cursor.lastrowid or 0)
    if cut < len(piece):
        db.executemany(
            "insert into blob_tails values (?, ?)",
            (
                (tail, view[at : at + _TAIL])
                for tail, at in enumerate(range(cut, len(piece), _TAIL), blob * _TAILS)
            ),
        )
    return blob


def _cut(size: int) -> int:
    """How much of a piece goes into its own row."""
    if size <= _LEAST - _HEAD:
        return size
    over = (size - (_LEAST - _HEAD)) % _PAGE
    # Of more than this SQLite leaves the least in the leaf by itself.
    return size if over > _MOST - _LEAST else size - over


def blob_content(rows: Rows, blob: int, data: bytes) -> bytes:
    """All of a blob, of which `data` is what its own row holds; `rows` reads from the database."""
    tails = rows(_TAILS_OF, (blob * _TAILS, blob * _TAILS + _TAILS - 1))
    return b"".join((data, *(tail for (tail,) in tails)))

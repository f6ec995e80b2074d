"""Content-addressed chunks: artifacts in, verified pieces out, and what nothing refers to."""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, BinaryIO

from synadb.errors import ArtifactNotFoundError, CorruptStoreError, RunNotFoundError
from synadb.records import ArtifactRecord

if TYPE_CHECKING:
    import hashlib
    from concurrent.futures import Executor, Future

__all__ = ["collect", "list_artifacts", "locate", "put", "read", "unreferenced"]

CHUNK_BYTES = 1 << 20
BATCH_BYTES = 16 << 20  # bytes a transaction, so that others can write between
BATCHES_AHEAD = 4  # read and hashed, waiting to be written
ABANDONED_SECONDS = 24 * 3600.0  # an upload that has not been completed by then is dead

Transaction = Callable[[], AbstractContextManager[sqlite3.Connection]]


def put(
    transaction: Transaction, run_id: str, name: str, data: BinaryIO, now: float, kind: str
) -> ArtifactRecord:
    """Store a stream; the artifact becomes visible with its last transaction."""
    with transaction() as db:
        row = db.execute("select id from runs where run_id = ?", (run_id,)).fetchone()
        if row is None:
            raise RunNotFoundError(f"no run has the id {run_id!r}")
        run = int(row[0])
        artifact = db.execute(
            "insert into artifacts (run, kind, name, size, digest, created, complete)"
            " values (?, ?, ?, 0, x'', ?, 0)",
            (run, kind, name, now),
        ).lastrowid
    import hashlib
    from concurrent.futures import ThreadPoolExecutor

    whole = hashlib.sha256()
    size = position = 0
    try:
        # Reading and hashing go on, a few batches ahead, while one is written: a write now and
        # then waits for a checkpoint, which takes as long as several batches.
        with ThreadPoolExecutor(1) as hasher, ThreadPoolExecutor(1) as reader:
            ahead = deque(reader.submit(_batch, data, whole, hasher) for _ in range(BATCHES_AHEAD))
            ended = False
            while not ended:
                batch = ahead.popleft().result()
                ended = not batch or len(batch[-1][1]) < CHUNK_BYTES
                if not ended:
                    ahead.append(reader.submit(_batch, data, whole, hasher))
                with transaction() as db:
                    for digest, piece in batch:
                        db.execute(
                            "insert into artifact_blobs values (?, ?, ?)",
                            (artifact, position, _blob(db, digest.result(), piece)),
                        )
                        position += 1
                        size += len(piece)
                    if ended:
                        _complete(db, artifact, size, whole.digest())
    except BaseException:
        with transaction() as db:
            _drop(db, artifact)
        raise
    return ArtifactRecord(run_id, name, size, whole.hexdigest(), now)


def _batch(
    data: BinaryIO, whole: hashlib._Hash, hasher: Executor
) -> list[tuple[Future[bytes], bytes]]:
    """The next pieces with their digests to come; the last batch ends short or is empty."""
    batch = []
    for _ in range(BATCH_BYTES // CHUNK_BYTES):
        piece = _piece(data)
        if piece:
            batch.append((hasher.submit(_digest, piece), piece))
            whole.update(piece)
        if len(piece) < CHUNK_BYTES:
            break
    return batch


def _digest(piece: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(piece).digest()


def _piece(data: BinaryIO) -> bytes:
    """CHUNK_BYTES of a stream, fewer only at its end: a pipe gives less at a time."""
    piece = data.read(CHUNK_BYTES)
    while piece and len(piece) < CHUNK_BYTES:
        more = data.read(CHUNK_BYTES - len(piece))
        if not more:
            break
        piece += more
    return piece


def _blob(db: sqlite3.Connection, digest: bytes, piece: bytes) -> int:
    row = db.execute("select id from blobs where digest = ?", (digest,)).fetchone()
    if row:
        return int(row[0])
    cursor = db.execute("insert into blobs (digest, data) values (?, ?)", (digest, piece))
    return int(cursor.lastrowid or 0)


def _complete(db: sqlite3.Connection, artifact: int | None, size: int, digest: bytes) -> None:
    for (old,) in db.execute(
        "select old.id from artifacts old join artifacts new using (run, kind, name)"
        " where new.id = ? and old.complete = 1",
        (artifact,),
    ).fetchall():
        _drop(db, old)
    db.execute(
        "update artifacts set complete = 1, size = ?, digest = ? where id = ?",
        (size, digest, artifact),
    )


def _drop(db: sqlite3.Connection, artifact: int | None) -> None:
    db.execute("delete from artifact_blobs where artifact = ?", (artifact,))
    db.execute("delete from artifacts where id = ?", (artifact,))


def list_artifacts(db: sqlite3.Connection, run_id: str, kind: str) -> list[ArtifactRecord]:
    """The complete artifacts, or files, of a run, by name."""
    row = db.execute("select id from runs where run_id = ?", (run_id,)).fetchone()
    if row is None:
        raise RunNotFoundError(f"no run has the id {run_id!r}")
    return [
        ArtifactRecord(run_id, name, size, digest.hex(), created)
        for name, size, digest, created in db.execute(
            "select name, size, digest, created from artifacts"
            " where run = ? and kind = ? and complete = 1 order by name",
            (*row, kind),
        )
    ]


def locate(db: sqlite3.Connection, run_id: str, name: str, kind: str) -> list[int]:
    """The blobs of an artifact in order."""
    row = db.execute(
        "select id from artifacts where kind = ? and name = ? and complete = 1"
        " and run = (select id from runs where run_id = ?)",
        (kind, name, run_id),
    ).fetchone()
    if row is None:
        names = ", ".join(record.name for record in list_artifacts(db, run_id, kind)) or "none"
        raise ArtifactNotFoundError(f"run {run_id!r} has no {kind} {name!r}; it has: {names}")
    return [
        blob
        for (blob,) in db.execute(
            "select blob from artifact_blobs where artifact = ? order by position", row
        )
    ]


def read(db: sqlite3.Connection, blob: int, name: str) -> bytes:
    """One piece, checked against its digest."""
    import hashlib

    row = db.execute("select digest, data from blobs where id = ?", (blob,)).fetchone()
    if row is None or hashlib.sha256(row[1]).digest() != row[0]:
        raise CorruptStoreError(f"artifact {name!r}: a piece is missing or damaged")
    return bytes(row[1])


_ORPHANS = "from blobs where id not in (select blob from artifact_blobs)"


def unreferenced(db: sqlite3.Connection) -> dict[str, int]:
    """Count of blobs that nothing refers to, and their bytes."""
    count, size = db.execute(f"select count(*), total(length(data)) {_ORPHANS}").fetchone()
    return {"blobs": int(count), "blob_bytes": int(size)}


def collect(db: sqlite3.Connection) -> dict[str, int]:
    """Delete abandoned uploads and blobs that nothing refers to; what `unreferenced` says."""
    dead = db.execute(
        "select id from artifacts where complete = 0 and created < ?",
        (time.time() - ABANDONED_SECONDS,),
    ).fetchall()
    for (artifact,) in dead:
        _drop(db, artifact)
    found = unreferenced(db)
    if found["blobs"]:
        db.execute(f"delete {_ORPHANS}")
    return found

"""Content-addressed chunks: artifacts of runs in, verified pieces out."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from synadb.errors import ArtifactNotFoundError, CorruptStoreError, RunNotFoundError
from synadb.records import ArtifactRecord
from synadb.storage.pieces import BLOB_DATA, BLOB_SIZE, blob_content, put_blob
from synadb.storage.writing import run_key

if TYPE_CHECKING:
    import hashlib
    from concurrent.futures import Executor, Future

__all__ = [
    "ABANDONED_SECONDS",
    "CHUNK_BYTES",
    "Readable",
    "list_artifacts",
    "locate",
    "put",
    "put_small",
    "read",
    "read_piece",
    "workers",
]

CHUNK_BYTES = 1 << 20
BATCH_BYTES = 16 << 20  # bytes a transaction, so that others can write between
BATCHES_AHEAD = 4  # read and hashed, waiting to be written
ABANDONED_SECONDS = 24 * 3600.0  # an upload that has not been completed by then is dead

# Pieces with their digests, which may still be computed.
Batch = Sequence["tuple[bytes | Future[bytes], bytes]"]
Transaction = Callable[[], AbstractContextManager[sqlite3.Connection]]


class Readable(Protocol):
    """What content can be read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""
        ...


def put(
    transaction: Transaction,
    bulk: Callable[[], AbstractContextManager[None]],
    run_id: str,
    name: str,
    data: BinaryIO,
    now: float,
    kind: str,
) -> ArtifactRecord:
    """Store a stream; the artifact becomes visible with its last transaction.

    What is longer than a batch is written in a `bulk` block.
    """
    import hashlib

    whole = hashlib.sha256()
    first = _batch(data, whole, None)
    if _ended(first):
        with transaction() as db:
            size = _put_whole(db, run_key(db, run_id), kind, name, now, first, whole.digest())
    else:
        with bulk():
            size = _put_long(transaction, run_id, name, data, now, kind, first, whole)
    return ArtifactRecord(run_id, name, size, whole.hexdigest(), now)


def put_small(
    db: sqlite3.Connection, run_id: str, contents: Mapping[str, bytes], now: float, kind: str
) -> None:
    """Store several short contents in the caller's transaction."""
    import hashlib
    import io

    run = run_key(db, run_id)
    for name, content in contents.items():
        whole = hashlib.sha256()
        data = io.BytesIO(content)
        batch: list[tuple[bytes, bytes]] = []
        while piece := read_piece(data):
            whole.update(piece)
            batch.append((hashlib.sha256(piece).digest(), piece))
        _put_whole(db, run, kind, name, now, batch, whole.digest())


def _put_whole(
    db: sqlite3.Connection,
    run: int,
    kind: str,
    name: str,
    now: float,
    batch: Batch,
    digest: bytes,
) -> int:
    artifact = _begin(db, run, kind, name, now)
    size = _add(db, artifact, 0, batch)
    _complete(db, artifact, size, digest)
    return size


def _put_long(
    transaction: Transaction,
    run_id: str,
    name: str,
    data: BinaryIO,
    now: float,
    kind: str,
    batch: Batch,
    whole: hashlib._Hash,
) -> int:
    with transaction() as db:
        run = run_key(db, run_id)
        artifact = _begin(db, run, kind, name, now)
    size = position = 0
    mine = (artifact, run, name, now)
    try:
        # Reading and hashing go on, a few batches ahead, while one is written: a write now and
        # then waits for a checkpoint, which takes as long as several batches.
        with workers() as (reader, hasher):
            ahead = deque(reader.submit(_batch, data, whole, hasher) for _ in range(BATCHES_AHEAD))
            while True:
                with transaction() as db:
                    # Numbers of deleted rows are given out again: it must be this very upload.
                    if not db.execute(
                        "select 1 from artifacts where id = ? and run = ? and name = ?"
                        " and created = ? and complete = 0",
                        mine,
                    ).fetchone():
                        raise RunNotFoundError(
                            f"run {run_id!r} has been deleted while {name!r} was being stored"
                        )
                    size += _add(db, artifact, position, batch)
                    position += len(batch)
                    if _ended(batch):
                        _complete(db, artifact, size, whole.digest())
                        return size
                batch = ahead.popleft().result()
                if not _ended(batch):
                    ahead.append(reader.submit(_batch, data, whole, hasher))
    except BaseException:
        with transaction() as db:
            _drop(
                db,
                "id = ? and run = ? and name = ? and created = ? and complete = 0",
                mine,
            )
        raise


class _Inline:
    """An executor for where no thread can be started, as when the interpreter ends."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        from concurrent.futures import Future

        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except BaseException as error:  # noqa: BLE001 - told to whoever asks for the result
            future.set_exception(error)
        return future


@contextlib.contextmanager
def workers() -> Iterator[tuple[Executor | _Inline, Executor | _Inline]]:
    """A thread that reads and one that hashes."""
    with contextlib.ExitStack() as stack:
        try:
            from concurrent.futures import ThreadPoolExecutor

            # In this order: the reader gives work to the hasher, and so must end first.
            hasher = stack.enter_context(ThreadPoolExecutor(1))
            reader = stack.enter_context(ThreadPoolExecutor(1))
            reader.submit(int).result()
            hasher.submit(int).result()
        except RuntimeError:  # the interpreter is ending
            yield _Inline(), _Inline()
        else:
            yield reader, hasher


def _batch(data: BinaryIO, whole: hashlib._Hash, hasher: Executor | _Inline | None) -> Batch:
    """The next pieces with their digests; the last batch ends with a short piece or is empty."""
    batch: list[tuple[Any, bytes]] = []
    for _ in range(BATCH_BYTES // CHUNK_BYTES):
        piece = read_piece(data)
        if piece:
            digest = hasher.submit(_digest, piece) if hasher else _digest(piece)
            batch.append((digest, piece))
            whole.update(piece)
        if len(piece) < CHUNK_BYTES:
            break
    return batch


def _digest(piece: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(piece).digest()


def _ended(batch: Batch) -> bool:
    return len(batch) < BATCH_BYTES // CHUNK_BYTES or len(batch[-1][1]) < CHUNK_BYTES


def _begin(db: sqlite3.Connection, run: int, kind: str, name: str, now: float) -> int:
    cursor = db.execute(
        "insert into artifacts (run, kind, name, size, digest, created, complete)"
        " values (?, ?, ?, 0, x'', ?, 0)",
        (run, kind, name, now),
    )
    return int(cursor.lastrowid or 0)


def _add(db: sqlite3.Connection, artifact: int, position: int, batch: Batch) -> int:
    size = 0
    for number, (digest, piece) in enumerate(batch, position):
        known = digest if isinstance(digest, bytes) else digest.result()
        db.execute(
            "insert into artifact_blobs values (?, ?, ?)",
            (artifact, number, put_blob(db, known, piece)),
        )
        size += len(piece)
    return size


def read_piece(data: Readable) -> bytes:
    """CHUNK_BYTES of a stream, fewer only at its end: a pipe gives less at a time."""
    piece = data.read(CHUNK_BYTES)
    while piece and len(piece) < CHUNK_BYTES:
        more = data.read(CHUNK_BYTES - len(piece))
        if not more:
            break
        piece += more
    return piece


def _complete(db: sqlite3.Connection, artifact: int, size: int, digest: bytes) -> None:
    _drop(
        db,
        "complete = 1 and (run, kind, name) = (select run, kind, name from artifacts where id = ?)",
        (artifact,),
    )
    db.execute(
        "update artifacts set complete = 1, size = ?, digest = ? where id = ?",
        (size, digest, artifact),
    )


def _drop(db: sqlite3.Connection, where: str, values: Sequence[Any]) -> None:
    for (artifact,) in db.execute(f"select id from artifacts where {where}", values).fetchall():
        db.execute("delete from artifact_blobs where artifact = ?", (artifact,))
        db.execute("delete from artifacts where id = ?", (artifact,))


def list_artifacts(db: sqlite3.Connection, run_id: str, kind: str) -> list[ArtifactRecord]:
    """The complete artifacts, or files, of a run, by name."""
    run = run_key(db, run_id)
    return [
        ArtifactRecord(run_id, name, size, digest.hex(), created)
        for name, size, digest, created in db.execute(
            "select name, size, digest, created from artifacts"
            " where run = ? and kind = ? and complete = 1 order by name",
            (run, kind),
        )
    ]


def locate(db: sqlite3.Connection, run_id: str, name: str, kind: str) -> list[int]:
    """The blobs of an artifact in order."""
    row = db.execute(
        "select id, size from artifacts where kind = ? and name = ? and complete = 1"
        " and run = (select id from runs where run_id = ?)",
        (kind, name, run_id),
    ).fetchone()
    if row is None:
        names = ", ".join(record.name for record in list_artifacts(db, run_id, kind)) or "none"
        raise ArtifactNotFoundError(f"run {run_id!r} has no {kind} {name!r}; it has: {names}")
    found = db.execute(
        f"select b.id, {BLOB_SIZE} from artifact_blobs a join blobs b on b.id = a.blob"
        " where a.artifact = ? order by a.position",
        row[:1],
    ).fetchall()
    if sum(size for _, size in found) != row[1]:
        raise CorruptStoreError(f"{kind} {name!r}: its pieces do not add up to its size")
    return [blob for blob, _ in found]


def read(db: sqlite3.Connection, blob: int, name: str) -> bytes:
    """One piece, checked against its digest."""
    import hashlib

    row = db.execute(f"select digest, {BLOB_DATA} from blobs b where id = ?", (blob,)).fetchone()
    content = blob_content(db.execute, blob, row[1]) if row else b""
    if row is None or hashlib.sha256(content).digest() != row[0]:
        raise CorruptStoreError(f"artifact {name!r}: a piece is missing or damaged")
    return content

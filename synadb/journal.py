"""The journal: what `log` writes before it returns.

A journal belongs to one run and one process and is a series of segments, files of a fixed size
in the folder beside the database, mapped into memory. What has been stored into a mapped file is
the operating system's: the death of the process does not touch it. A segment is deleted once all
of it is in the database. See docs/format.md for the bytes:

    segment := "SYNAJRN1" u32 data_start u32 length JSON{journal, run_id, base, ...} record*
    record  := u32 size  u32 crc  u32 kind  u32 keyset  payload      (size a multiple of 8)
    kind 1  := JSON {"keys": [...], "types": "dq?", "auto": 0|1|2}   declares `keyset`
    kind 2  := i64 step  f64 time  one value a key (f64, i64 or u8)  a row of `keyset`
    kind 3  := JSON op

The crc (CRC-32) covers everything after itself. `size` is stored last, so that a record cut short
by a kill has size 0 and is not there.

Who writes and who reads. Appending happens under `Journal.lock`; the drainer, under `drain_lock`,
takes no part in it: it follows the chain of segments from the oldest one and reads records up to
the first whose size is 0. A signal handler may append, drain or finish in the middle of any of
this, on the thread that it interrupts. Three things make that safe:

- A place is taken before anything is stored into it, by statements without a call or a jump in
  between: CPython runs handlers at calls, returns and taken jumps only. A handler's record lands
  behind the unfinished one.
- The drainer stops at an unfinished record while the append may be going on, and passes it by
  when it was given up (an exception, say KeyboardInterrupt, ended it).
- A segment is sealed (`limit` -1) before another follows it, and no two can follow the same one.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import mmap
import os
import struct
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from zlib import crc32

from synadb.errors import CorruptStoreError, RunEndedError
from synadb.ops import LogRows, Op, from_json, to_json
from synadb.storage.codec import decode_json, encode_json
from synadb.system import FileLock, birth, host, reserve, warn

__all__ = [
    "Journal",
    "KeySet",
    "Reader",
    "Segment",
    "journal_ids",
    "owner",
    "read_segments",
    "segment_paths",
]

MAGIC = b"SYNAJRN1"
SEGMENT_BYTES = 1 << 20
HEADROOM = 1 << 14  # at a segment's end, for signal handlers while the next one is being added
MEMORY_SEGMENTS = 64  # kept in memory when the disk takes no more
MAX_KEYSETS = 4096
FULL_PAUSE = 0.5  # seconds until rows ask for memory again, once it is used up
PATIENCE = 0.05  # seconds to wait for an append that is going on

_HEAD = struct.Struct("<IIII")
_TAG = struct.Struct("<II")
_pack_head = _TAG.pack
_KEYSET, _ROW, _OP = 1, 2, 3

# Never the same twice in a process, so that a key set fits any journal, a forked child's too.
_keyset_ids = itertools.count()
_serials = itertools.count()


class KeySet:
    """The keys and types of a row, and how to pack it."""

    __slots__ = ("auto", "id", "keys", "pack", "segment", "size", "types")

    def __init__(self, number: int, keys: tuple[str, ...], types: str, auto: int) -> None:
        self.id = number
        self.keys = keys
        self.types = types
        self.auto = auto
        body = struct.calcsize("<IIqd" + types)
        padding = -body % 8
        self.size = 8 + body + padding
        self.pack = struct.Struct(f"<IIqd{types}{padding}x").pack
        self.segment = -1  # the serial of the segment that it was last declared in

    def declaration(self) -> bytes:
        """The record that declares it."""
        text = json.dumps({"keys": self.keys, "types": self.types, "auto": self.auto})
        return _record(_KEYSET, self.id, text.encode())


class Segment:
    """A piece of a journal that is being written, one of a chain."""

    __slots__ = (
        "base",
        "declared",
        "file",
        "following",
        "limit",
        "map",
        "path",
        "position",
        "saved",
        "serial",
        "size",
        "start",
        "write",
    )

    def __init__(self, base: int, start: int, map: mmap.mmap | None, path: str | None) -> None:
        self.file: int | None = None
        self.serial = next(_serials)
        self.base = base
        self.start = start
        self.map = map
        self.path = path
        self.saved = path is not None  # whether all of it outlives the process
        self.write = False  # whether records must be written to the file as well
        self.position = start  # where the next record goes; beyond `limit` while one is refused
        self.size = 0 if map is None else len(map)
        self.limit = self.size - HEADROOM  # where records may end; -1: sealed
        self.following: Segment | None = None
        self.declared: dict[int, KeySet] = {}  # what the drainer has read

    def __del__(self) -> None:
        self.close_file()

    @property
    def used(self) -> int:
        """Where the last record that has a place ends."""
        return min(self.position, self.size)

    def close_file(self) -> None:
        """Close the file of a segment that is not mapped."""
        file, self.file = self.file, None
        if file is not None:
            os.close(file)

    def save(self, position: int, end: int) -> None:
        """Write a record to the file of a segment that is not mapped; OSError."""
        map, file, path = self.map, self.file, self.path
        if map is None or path is None:
            return
        data = map[position:end]
        if file is not None:
            _write_all(file, data, position)
            return
        # A signal handler in the middle of the append has begun another segment, or ended the run.
        with contextlib.suppress(FileNotFoundError):
            file = os.open(path, os.O_WRONLY | getattr(os, "O_CLOEXEC", 0))
            try:
                _write_all(file, data, position)
            finally:
                os.close(file)


class Journal:
    """The journal of one run in this process; any thread and any signal handler may append.

    After a fork the child's first append gives it a journal of its own.
    """

    def __init__(
        self,
        folder: str,
        run_id: str,
        *,
        mapped: bool = True,
        reborn: Callable[[Journal], None] | None = None,
    ) -> None:
        self.folder = folder
        self.run_id = run_id
        self.mapped = mapped
        self.caches: tuple[dict[object, KeySet], ...] = ({}, {}, {})
        self.dropped = 0  # records lost for want of space
        self._full_until = 0.0  # monotonic
        self.refused = 0  # records logged after the run had been deleted
        self.closed = False  # takes no more records
        self.deleted = False  # because the run is gone
        self.released = False  # its files have been let go
        self.leaving = False  # to be closed by the drain in progress
        self.drainer: int | None = None  # the thread that drains
        # Replaced in a forked child only, where no other thread can hold them.
        self.lock = threading.RLock()
        self.drain_lock = threading.RLock()
        self._reborn = reborn
        self.inherited = True
        self._begin()

    def _begin(self) -> None:
        # Worked out first, so that a signal handler that logs meanwhile either finds all or none.
        identity = f"{time.time_ns():016x}-{os.getpid():x}-{os.urandom(4).hex()}"
        lock = FileLock(os.path.join(self.folder, identity + ".lock"))
        meta = {
            "journal": identity,
            "run_id": self.run_id,
            "host": host(),
            "pid": os.getpid(),
            "birth": birth(os.getpid()),
        }
        first = Segment(0, 0, None, None)
        known: dict[tuple[tuple[str, ...], str, int], KeySet] = {}
        if self.inherited:
            self.id, self._meta = identity, meta
            self.drained = self.applied = 0
            self._first = self._segment = first
            self._known = known
            self._number = self._base = 0
            self._owner = lock
            self.inherited = False
            for cache in self.caches:
                cache.clear()
            self._add_segment(first, 0)

    def _begin_own(self) -> None:
        if self.inherited:
            self._begin()
            if self._reborn is not None:
                self._reborn(self)

    # -- writing ---------------------------------------------------------------------------------

    def append(self, keyset: KeySet, step: int, now: float, values: Iterable[object]) -> None:
        """Store a row; once this returns, the row survives the process. The caller holds `lock`.

        What `struct` raises for a value that does not fit its type passes, and nothing is stored.
        RunEndedError when the journal has been closed; of a deleted run rows are counted only.
        """
        body = keyset.pack(_ROW, keyset.id, step, now, *values)
        segment = self._segment
        # These two are one for a signal handler: see the top of this file.
        position = segment.position
        segment.position = end = position + keyset.size
        if end > segment.limit or keyset.segment != segment.serial:
            if segment.position == end:
                segment.position = position
            self._append_slowly(_pack_head(keyset.size, crc32(body)) + body, keyset)
            return
        map = segment.map
        map[position + 8 : end] = body  # type: ignore[index]
        # Eight aligned bytes, stored as one: the size is never there without the checksum.
        map[position : position + 8] = _pack_head(keyset.size, crc32(body))  # type: ignore[index]
        if segment.write:
            self._save(segment, position, end)
        if self.closed:
            self._refuse()

    def append_op(self, op: Op) -> None:
        """Store an op other than `LogRows`; as safe as a row, and refused as one."""
        record = _record(_OP, 0, encode_json(to_json(op)).encode())
        with self.lock:
            self._append_slowly(record, None)

    def _append_slowly(self, record: bytes, keyset: KeySet | None) -> None:
        """Store a record wherever there is room, behind the declaration of its key set."""
        declaration = b"" if keyset is None else keyset.declaration()
        while True:
            if self.closed:
                self._refuse()
                return
            self._begin_own()
            segment = self._segment
            size = len(record)
            if keyset is not None and keyset.segment != segment.serial:
                size += len(declaration)
            position = segment.position
            segment.position = end = position + size
            if end <= segment.limit:
                break
            if segment.position == end:
                segment.position = position
            if keyset is not None and time.monotonic() < self._full_until:
                self.dropped += 1  # a training loop must not try for each row
                return
            if not self._add_segment(segment, len(declaration) + len(record)):
                self.dropped += 1
                return
        if size > len(record):
            self._store(segment, position, declaration)
            position += len(declaration)
            keyset.segment = segment.serial  # type: ignore[union-attr]
        self._store(segment, position, record)
        self._refuse_if_closed()

    def _store(self, segment: Segment, position: int, record: bytes) -> None:
        map, end = segment.map, position + len(record)
        if map is None:
            return  # a signal handler has ended the run
        map[position + 4 : end] = record[4:]
        map[position : position + 4] = record[:4]
        if segment.write:
            self._save(segment, position, end)

    def _save(self, segment: Segment, position: int, end: int) -> None:
        try:
            segment.save(position, end)
        except OSError as error:
            # The rest of this segment lives in memory; the next one tries the disk again.
            segment.write = segment.saved = False
            self._say_memory(error)

    def _refuse_if_closed(self) -> None:
        if self.closed:
            self._refuse()

    def _refuse(self) -> None:
        if not self.deleted:
            raise RunEndedError(
                f"run {self.run_id!r} takes no more data: it has ended, or its tracker has been "
                "closed; start another run"
            )
        self.refused += 1

    def keyset(self, keys: tuple[str, ...], types: str, auto: int) -> KeySet:
        """The key set for these keys and type letters, declared where it is first used."""
        with self.lock:
            if not self.closed:
                self._begin_own()
            found = self._known.get((keys, types, auto))
            if found is None:
                if len(self._known) >= MAX_KEYSETS:
                    # Bounded on a run whose keys never repeat.
                    self._known.clear()
                    for cache in self.caches:
                        cache.clear()
                found = KeySet(next(_keyset_ids) & 0xFFFFFFFF, keys, types, auto)
                self._known[keys, types, auto] = found
            return found

    def _add_segment(self, last: Segment, size: int) -> bool:
        """Let a segment with room for `size` bytes follow `last`; whether one follows now."""
        follower = last.following
        if follower is not None:
            self._to_newest(follower)
            return True
        if last.limit > 0:
            last.limit = last.size
        meta = self._meta
        longest = len(json.dumps({**meta, "segment": 1 << 63, "base": 1 << 63}))
        start = 16 + longest + -longest % 8
        total = max(SEGMENT_BYTES, -(-(start + size + HEADROOM) // 4096) * 4096)
        number, base = self._number, self._base
        self._number, self._base = number + 1, base + total - start
        text = json.dumps({**meta, "segment": number, "base": base}).encode()
        header = MAGIC + _TAG.pack(start, len(text)) + text
        path = os.path.join(self.folder, f"{self.id}.{number:06d}.seg")
        try:
            if not self._owner.hold(json.dumps(meta)):
                raise OSError(0, "its lock cannot be had")
            segment = self._create(path, total, header, base, start)
        except OSError as error:
            self._say_memory(error)
            found = self._memory(total, base, start)
            if found is None:
                return False
            segment = found
        last.limit = -1
        if last.following is None:
            last.following = segment
        else:
            # A signal handler has been quicker; this number and base stay unused.
            self._forget(segment)
        last.close_file()
        self._to_newest(last)
        if self.closed:
            segment.limit = -1
            if self.released:
                self._forget(segment)
                self._owner.drop()
        return True

    def _to_newest(self, segment: Segment) -> None:
        while segment.following is not None:
            segment = segment.following
        self._segment = segment

    def _memory(self, total: int, base: int, start: int) -> Segment | None:
        if sum(not segment.saved for segment in self._chain()) < MEMORY_SEGMENTS:
            with contextlib.suppress(OSError):
                return Segment(base, start, mmap.mmap(-1, total), None)
        self._full_until = time.monotonic() + FULL_PAUSE
        warn(
            f"run {self.run_id}: memory for waiting rows is used up, rows are being lost",
            once=self.id + "lost",
        )
        return None

    def _chain(self) -> Iterator[Segment]:
        segment: Segment | None = self._first.following
        while segment is not None:
            yield segment
            segment = segment.following

    def _say_memory(self, error: OSError) -> None:
        warn(
            f"the journal of run {self.run_id} cannot grow ({error.strerror}, {self.folder}); "
            "rows are kept in memory until the database takes them",
            once=self.id + "memory",
        )

    def _create(self, path: str, total: int, header: bytes, base: int, start: int) -> Segment:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        fd: int | None = os.open(path, flags, 0o666)
        try:
            assert fd is not None
            if self.mapped:
                reserve(fd, total)
                map = mmap.mmap(fd, total)
                map[: len(header)] = header
                return Segment(base, start, map, path)
            # A mapping of a file on a network file system may fault; plain writes do not.
            _write_all(fd, header.ljust(start, b"\0"), 0)
            segment = Segment(base, start, mmap.mmap(-1, total), path)
            segment.file, fd = fd, None
            segment.write = True
            return segment
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise
        finally:
            if fd is not None:
                os.close(fd)

    # -- reading what this process wrote, and letting go of it -----------------------------------

    def pending(self, most: int = 8) -> tuple[list[Op], int, bool]:
        """The ops not yet drained, of at most `most` segments; for the drainer.

        Returns:
            The ops, the logical offset behind them, and whether that is the journal's end: it is
            not when there are more segments, or when an append is going on in the middle.
        """
        reader = Reader()
        offset = self.drained
        segment = self._first
        for _ in range(most):
            # Before anything is read: a segment that has one is sealed.
            following = segment.following
            end, whole = self._read(reader, segment, offset)
            offset = max(offset, segment.base + end - segment.start)
            if not whole or following is None:
                return reader.ops(self.run_id), offset, whole
            offset = max(offset, following.base)
            segment = following
        return reader.ops(self.run_id), offset, False

    def _read(self, reader: Reader, segment: Segment, offset: int) -> tuple[int, bool]:
        position = segment.start + max(0, offset - segment.base)
        map, used = segment.map, segment.used
        if map is None or position >= used:
            return position, True
        reader.declared = segment.declared
        view = memoryview(map)
        stop = reader.read(view, position, used, verify=False, gaps=False)
        if stop == used:
            return stop, True
        # An unfinished record. Whoever has the lock knows that no other thread is at it.
        mine = self.lock._is_owned()  # type: ignore[attr-defined]
        if mine and not self.closed:
            return stop, False  # the frame below this signal handler may be
        if not mine and not self.lock.acquire(timeout=PATIENCE):
            return stop, False
        try:
            used = segment.used
            reader.read(view, stop, used, verify=False)
        finally:
            if not mine:
                self.lock.release()
        return used, True

    def discard(self, offset: int) -> None:
        """Forget everything before `offset`, which is in the database; for the drainer."""
        self.drained = self.applied = offset
        while not self.released:
            first = self._first
            following = first.following
            if following is None or following.base > offset:
                break
            self._first = following
            self._forget(first)

    def skip(self, applied: int) -> None:
        """Go on where the store says that the journal has been applied to; for the drainer."""
        for segment in (self._first, *self._chain()):
            # What is declared in the part that is left out still holds behind it.
            if segment.map is not None and segment.base < applied:
                before = Reader(segment.declared)
                end = min(segment.used, segment.start + applied - segment.base)
                before.read(memoryview(segment.map), segment.start, end, verify=False)
        self.discard(max(applied, self.drained))
        self.applied = applied

    def _forget(self, segment: Segment) -> None:
        # Not closed: an append that a signal handler has interrupted may still store into it.
        segment.map = None
        segment.close_file()
        if segment.path is not None:
            with contextlib.suppress(OSError):
                os.unlink(segment.path)

    @property
    def in_memory(self) -> bool:
        """Whether some of it is only in memory."""
        return any(not segment.saved for segment in self._chain())

    def seal(self, timeout: float = PATIENCE) -> None:
        """Take no more records; what other threads are just appending is waited for."""
        taken = self.lock.acquire(timeout=max(0.0, timeout))
        try:
            self.closed = True
            self._segment.limit = -1
        finally:
            if taken:
                self.lock.release()

    def close(self, *, keep: bool = False) -> None:
        """Let go of the journal; its files are deleted, or with `keep` left for an adopter."""
        if self.released or self.inherited:
            return
        self.seal()
        self.released = True
        segments = (self._first, *self._chain())
        self._first = self._segment = Segment(0, 0, None, None)
        for segment in segments:
            if keep:
                segment.close_file()
            else:
                self._forget(segment)
        if not keep:
            self._owner.remove()
        self._owner.drop()

    def abandon(self) -> None:
        """In a forked child: this is the parent's journal; the next append begins one's own."""
        self.lock = threading.RLock()
        self.drain_lock = threading.RLock()
        self.drainer = None
        self.inherited = True
        self._segment.limit = -1
        for segment in (self._first, *self._chain()):
            segment.close_file()
        self._owner.abandon()


class Reader:
    """Turns records into ops: rows of one key set become one `LogRows`."""

    def __init__(self, declared: dict[int, KeySet] | None = None) -> None:
        self.declared: dict[int, KeySet] = {} if declared is None else declared
        self.order = 0
        self.torn = 0
        self._rows: dict[int, tuple[list[bytes], array[int], KeySet]] = {}
        self._ops: list[Op] = []

    def read(
        self, buffer: memoryview, position: int, end: int, *, verify: bool, gaps: bool = True
    ) -> int:
        """Read the records in buffer[position:end]; with `verify` check each one's CRC.

        Without `gaps` this stops at a record that has not been finished. Returns where the last
        sound record ends.
        """
        last = position
        while position + 16 <= end:
            size, crc, kind, number = _HEAD.unpack_from(buffer, position)
            if size == 0 and not gaps:
                break
            sound = 16 <= size <= end - position and size % 8 == 0
            if not sound or (verify and crc32(buffer[position + 8 : position + size]) != crc):
                position = self._resume(buffer, position, end)
                continue
            if kind == _ROW:
                keyset = self.declared.get(number)
                if keyset is None or keyset.size != size:
                    self.torn += 1
                    last = position = position + size
                    continue
                n = 1 if verify else self._alike(buffer, position, end, size)
                self._add_rows(keyset, bytes(buffer[position : position + n * size]), n)
                last = position = position + n * size
                continue
            text = bytes(buffer[position + 16 : position + size])
            if kind == _OP:
                self._ops.append(from_json(decode_json(text.decode()), self.order))
                self.order += 1
            elif kind == _KEYSET and number not in self.declared:
                data = json.loads(text)
                self.declared[number] = KeySet(
                    number, tuple(data["keys"]), data["types"], data["auto"]
                )
            last = position = position + size
        return last

    @staticmethod
    def _alike(buffer: memoryview, position: int, end: int, size: int) -> int:
        """How many records from `position` on have the first one's size, kind and key set."""
        mark = bytes(buffer[position : position + 4]), bytes(buffer[position + 8 : position + 16])
        most = (end - position) // size
        n, probe = 1, 4
        while n < most:
            count = min(probe, most - n)
            at = position + n * size
            block = bytes(buffer[at : at + count * size])
            same = count
            for wanted, offset in ((mark[0], 0), (mark[1], 8)):
                for index, byte in enumerate(wanted):
                    plane = block[offset + index :: size]
                    same = min(same, count - len(plane.lstrip(bytes((byte,)))))
            n += same
            if same < count:
                break
            probe *= 8
        return n

    def _add_rows(self, keyset: KeySet, raw: bytes, n: int) -> None:
        pieces, orders, _ = self._rows.setdefault(keyset.id, ([], array("q"), keyset))
        pieces.append(raw)
        orders.extend(range(self.order, self.order + n))
        self.order += n

    def _resume(self, buffer: memoryview, position: int, end: int) -> int:
        """Behind a record that was never finished or is torn: where the next sound one starts."""
        rest = bytes(buffer[position:end])
        blank = len(rest) - len(rest.lstrip(b"\0"))
        if blank == len(rest):
            return end
        self.torn += 1
        at = position + max(8, blank - blank % 8)
        while at + 16 <= end:
            size, crc, kind, _ = _HEAD.unpack_from(buffer, at)
            if (
                16 <= size <= end - at
                and size % 8 == 0
                and kind in (_KEYSET, _ROW, _OP)
                and crc32(buffer[at + 8 : at + size]) == crc
            ):
                return at
            at += 8
        return end

    def ops(self, run_id: str) -> list[Op]:
        """What has been read, rows gathered by key set."""
        ops = list(self._ops)
        for pieces, orders, keyset in self._rows.values():
            ops.append(_columns(run_id, keyset, b"".join(pieces), orders))
        return ops


def _columns(run_id: str, keyset: KeySet, raw: bytes, orders: array[int]) -> LogRows:
    size = keyset.size
    n = len(orders)

    def column(offset: int) -> bytearray:
        out = bytearray(8 * n)
        for index in range(8):
            out[index::8] = raw[offset + index :: size]
        return out

    steps, times = array("q"), array("d")
    steps.frombytes(column(16))
    times.frombytes(column(24))
    columns = []
    offset = 32
    for kind in keyset.types:
        if kind == "?":
            columns.append(raw[offset::size])
            offset += 1
        else:
            columns.append(bytes(column(offset)))
            offset += 8
    return LogRows(
        run_id, keyset.keys, keyset.types, steps, times, orders, tuple(columns), keyset.auto
    )


def _record(kind: int, number: int, payload: bytes) -> bytes:
    body = _TAG.pack(kind, number) + payload + b" " * (-len(payload) % 8)
    return _pack_head(8 + len(body), crc32(body)) + body


def _write_all(file: int, data: bytes, position: int) -> None:
    while data:
        if hasattr(os, "pwrite"):
            written = os.pwrite(file, data, position)
        else:
            os.lseek(file, position, os.SEEK_SET)
            written = os.write(file, data)
        data, position = data[written:], position + written


def journal_ids(folder: str) -> list[str]:
    """The journals in a folder of live files, oldest first."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    found = {name[: -len(".lock")] for name in names if name.endswith(".lock")}
    found |= {name.split(".")[0] for name in names if name.endswith(".seg")}
    return sorted(found - {"write"})


def segment_paths(folder: str, journal_id: str) -> list[str]:
    """The files of a journal's segments, in order."""
    numbered = []
    for name in os.listdir(folder):
        identity, _, rest = name.partition(".")
        number, _, ending = rest.partition(".")
        if identity == journal_id and ending == "seg" and number.isdecimal():
            numbered.append((int(number), os.path.join(folder, name)))
    return [path for _, path in sorted(numbered)]


def owner(folder: str, journal_id: str) -> dict[str, Any] | None:
    """What a journal says about itself: `run_id`, `host`, `pid`, `birth`; None if it does not."""
    with contextlib.suppress(OSError, ValueError):
        with open(os.path.join(folder, journal_id + ".lock"), "rb") as file:
            said = json.loads(file.read())
        if isinstance(said, dict) and "pid" in said:
            return said
    with contextlib.suppress(FileNotFoundError):
        # The newest first, which its owner does not delete while this looks.
        for path in reversed(segment_paths(folder, journal_id)):
            with contextlib.suppress(OSError, CorruptStoreError):
                header = _header(path)
                if header is not None:
                    return header[1]
    return None


def _header(path: str) -> tuple[int, dict[str, Any]] | None:
    """Where a segment's records start and what it says about itself; None where it is blank."""
    with open(path, "rb") as file:
        data = file.read(16)
        if len(data) == 16 and data[:8] == MAGIC:
            start, length = _TAG.unpack_from(data, 8)
            try:
                meta = json.loads(file.read(length))
                return start, {**meta, "base": int(meta["base"]), "run_id": str(meta["run_id"])}
            except (ValueError, KeyError, TypeError) as error:
                raise CorruptStoreError(f"{path}: the segment's header is damaged") from error
        if (data + file.read()).strip(b"\0"):
            raise CorruptStoreError(f"{path} is not a journal segment")
    return None  # killed before its header was written: nothing was acknowledged in it


def read_segments(
    folder: str, journal_id: str, applied: int
) -> Iterator[tuple[str, str, int, Reader]]:
    """The segments of a dead journal: (run id, path, end offset, what lies beyond `applied`).

    The end is where the next segment begins, or where the last sound record of the last one ends:
    whoever stops after any of them can go on from there.
    """
    paths = segment_paths(folder, journal_id)
    headers: list[tuple[str, int, dict[str, Any]]] = []
    damage: CorruptStoreError | None = None
    for path in paths:
        try:
            header = _header(path)
        except CorruptStoreError as error:
            damage = error
            break
        if header is not None:
            headers.append((path, *header))
    for index, (path, start, meta) in enumerate(headers):
        run_id, base = meta["run_id"], meta["base"]
        limit = headers[index + 1][2]["base"] if index + 1 < len(headers) else None
        if limit is not None and limit <= applied:
            yield run_id, path, applied, Reader()
            continue
        with open(path, "rb") as file:
            data = memoryview(file.read())
        # Key sets are declared anew in every segment. What lies before `applied` is read for
        # them, and its rows are left out.
        reader = Reader()
        first = min(len(data), start + max(0, applied - base))
        Reader(reader.declared).read(data, start, first, verify=True)
        last = reader.read(data, first, len(data), verify=True)
        yield run_id, path, max(applied, base + last - start) if limit is None else limit, reader
    if damage is not None:
        raise damage

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
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import struct
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from zlib import crc32

from synadb.errors import CorruptStoreError
from synadb.ops import LogRows, Op, from_json, to_json
from synadb.storage.codec import decode_json, encode_json
from synadb.system import FileLock, host, reserve, warn

__all__ = ["Journal", "KeySet", "Reader", "Segment", "journal_ids", "read_segments"]

MAGIC = b"SYNAJRN1"
SEGMENT_BYTES = 1 << 20
MEMORY_SEGMENTS = 64  # kept in memory when the disk takes no more
MAX_KEYSETS = 4096

_HEAD = struct.Struct("<IIII")
_TAG = struct.Struct("<II")
_U32 = struct.Struct("<I")
_KEYSET, _ROW, _OP = 1, 2, 3


class KeySet:
    """The keys and types of a row, and how to pack it."""

    __slots__ = ("auto", "id", "keys", "length", "pack", "segment", "size", "types")

    def __init__(self, number: int, keys: tuple[str, ...], types: str, auto: int) -> None:
        self.id = number
        self.keys = keys
        self.types = types
        self.auto = auto
        body = struct.calcsize("<IIqd" + types)
        padding = -body % 8
        self.size = 8 + body + padding
        self.length = _U32.pack(self.size)
        self.pack = struct.Struct(f"<IIqd{types}{padding}x").pack
        self.segment = -1


class Segment:
    """A piece of a journal that is being written."""

    __slots__ = ("base", "map", "number", "path", "start", "used")

    def __init__(
        self, number: int, base: int, map: mmap.mmap, start: int, path: str | None
    ) -> None:
        self.number = number
        self.base = base
        self.map = map
        self.start = start
        self.path = path
        self.used = start


class Journal:
    """The journal of one run in this process; any thread may append.

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
        self.dropped = 0
        # Replaced in a forked child only, where no other thread can hold them.
        self.lock = threading.RLock()
        self.drain_lock = threading.RLock()
        self._reborn = reborn
        self._begin()

    def _begin(self) -> None:
        self.id = f"{time.time_ns():016x}-{os.getpid():x}-{os.urandom(4).hex()}"
        self.drained = 0
        self.segments: list[Segment] = []
        self.keysets: dict[int, KeySet] = {}
        self.closed = False
        self.inherited = False
        self._known: dict[tuple[tuple[str, ...], str, int], KeySet] = {}
        for cache in self.caches:
            cache.clear()
        self._next_keyset = 0
        self._segment = -1
        self._position = self._capacity = 0
        self._map: mmap.mmap | None = None
        self._file: int | None = None
        self._owner = FileLock(os.path.join(self.folder, self.id + ".lock"))
        for _ in range(100):
            if self._owner.try_hold():
                break
            time.sleep(0.001)
        self._add_segment(0)

    def _begin_own(self) -> None:
        if self.inherited:
            self._begin()
            if self._reborn is not None:
                self._reborn(self)

    # -- writing ---------------------------------------------------------------------------------

    def append(self, keyset: KeySet, step: int, now: float, values: Iterable[object]) -> None:
        """Store a row; once this returns, the row survives the process.

        Raises struct.error for a value that does not fit its type; nothing is stored then.
        """
        body = keyset.pack(_ROW, keyset.id, step, now, *values)
        with self.lock:
            position = self._position
            end = position + keyset.size
            if end > self._capacity or keyset.segment != self._segment:
                room = self._room(keyset, step, now, values)
                if room is None:
                    return
                body = room
                position = self._position
                end = position + keyset.size
            # Taken first: a signal handler that logs in the middle of this gets a place behind.
            self._position = end
            map = self._map
            map[position + 4 : end] = _U32.pack(crc32(body)) + body  # type: ignore[index]
            map[position : position + 4] = keyset.length  # type: ignore[index]
            if self._file is not None:
                os.write(self._file, map[position:end])  # type: ignore[index]

    def _room(
        self, keyset: KeySet, step: int, now: float, values: Iterable[object]
    ) -> bytes | None:
        """Make room for a row and declare its key set in the segment; None if it must be lost."""
        self._begin_own()
        if self._known.get((keyset.keys, keyset.types, keyset.auto)) is not keyset:
            keyset.id = self._next_keyset
            self._next_keyset += 1
            keyset.segment = -1
            self._known[keyset.keys, keyset.types, keyset.auto] = keyset
        for _ in range(2):
            if self._position + keyset.size > self._capacity and not self._add_segment(keyset.size):
                return None
            if keyset.segment == self._segment:
                break
            self._declare(keyset)
        return keyset.pack(_ROW, keyset.id, step, now, *values)

    def _declare(self, keyset: KeySet) -> None:
        text = json.dumps({"keys": keyset.keys, "types": keyset.types, "auto": keyset.auto})
        self._write(_KEYSET, keyset.id, text.encode())
        keyset.segment = self._segment
        self.keysets[keyset.id] = keyset

    def append_op(self, op: Op) -> None:
        """Store an op other than `LogRows`; as safe as a row."""
        text = encode_json(to_json(op)).encode()
        with self.lock:
            self._begin_own()
            self._write(_OP, 0, text)

    def _write(self, kind: int, number: int, payload: bytes) -> None:
        body = _TAG.pack(kind, number) + payload + b" " * (-len(payload) % 8)
        size = 8 + len(body)
        if self._position + size > self._capacity and not self._add_segment(size):
            return
        position = self._position
        self._position = end = position + size
        map = self._map
        assert map is not None
        map[position + 4 : end] = _U32.pack(crc32(body)) + body
        map[position : position + 4] = _U32.pack(size)
        if self._file is not None:
            os.write(self._file, map[position:end])

    def keyset(self, keys: tuple[str, ...], types: str, auto: int) -> KeySet:
        """The key set for these keys and type letters, declared where it is first used."""
        with self.lock:
            self._begin_own()
            found = self._known.get((keys, types, auto))
            if found is None:
                if len(self._known) >= MAX_KEYSETS:
                    # Bounded on a run whose keys never repeat.
                    self._known.clear()
                    for cache in self.caches:
                        cache.clear()
                found = KeySet(self._next_keyset, keys, types, auto)
                self._next_keyset += 1
                self._known[keys, types, auto] = found
            return found

    def _add_segment(self, size: int) -> bool:
        if self.segments:
            self.segments[-1].used = self._position
        number = self._segment + 1
        last = self.segments[-1] if self.segments else None
        base = last.base + last.used - last.start if last else self.drained
        meta = {
            "journal": self.id,
            "run_id": self.run_id,
            "segment": number,
            "base": base,
            "host": host(),
            "pid": os.getpid(),
        }
        text = json.dumps(meta).encode()
        start = 16 + len(text) + -len(text) % 8
        header = MAGIC + _TAG.pack(start, len(text)) + text
        declare = 4096  # room for the key set's declaration before the row
        total = max(SEGMENT_BYTES, -(-(start + size + declare) // 4096) * 4096)
        path: str | None = os.path.join(self.folder, f"{self.id}.{number:06d}.seg")
        self._close_file()
        try:
            map = self._create(str(path), total, header)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(str(path))
            warn(
                f"the journal of run {self.run_id} cannot grow ({error.strerror}, {self.folder}); "
                "rows are kept in memory until the database takes them",
                once=self.id + "memory",
            )
            if sum(segment.path is None for segment in self.segments) >= MEMORY_SEGMENTS:
                self.dropped += 1
                warn(
                    f"run {self.run_id}: memory for waiting rows is used up, rows are being lost",
                    once=self.id + "lost",
                )
                return False
            map, path = mmap.mmap(-1, total), None
            map[: len(header)] = header
        self._segment = number
        self._map = map
        self._position, self._capacity = start, total
        self.segments.append(Segment(number, base, map, start, path))
        return True

    def _create(self, path: str, total: int, header: bytes) -> mmap.mmap:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        try:
            fd = os.open(path, flags, 0o666)
        except FileNotFoundError:
            os.makedirs(self.folder, exist_ok=True)
            fd = os.open(path, flags, 0o666)
        if not self.mapped:
            # A mapping of a file on a network file system may fault; plain appended writes do not.
            os.write(fd, header.ljust(_U32.unpack_from(header, 8)[0], b"\0"))
            self._file = fd
            map = mmap.mmap(-1, total)
            map[: len(header)] = header
            return map
        try:
            reserve(fd, total)
            map = mmap.mmap(fd, total)
        finally:
            os.close(fd)
        map[: len(header)] = header
        return map

    def _close_file(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    # -- reading what this process wrote, and letting go of it -----------------------------------

    @property
    def end(self) -> int:
        """The logical offset behind the last record."""
        with self.lock:
            if not self.segments:
                return self.drained
            last = self.segments[-1]
            return last.base + self._position - last.start

    def pending(self, most: int = 8) -> tuple[list[Op], int, int]:
        """The ops not yet drained, of at most `most` segments, with their start and end offsets."""
        reader = Reader(self.keysets)
        start = offset = self.drained
        with self.lock:
            if self.segments:
                self.segments[-1].used = self._position
            parts = [
                (segment, segment.used)
                for segment in self.segments
                if segment.base + segment.used - segment.start > start
            ][:most]
        for segment, used in parts:
            first = segment.start + max(0, start - segment.base)
            reader.read(memoryview(segment.map), first, used, verify=False)
            offset = segment.base + used - segment.start
        return reader.ops(self.run_id), start, offset

    def discard(self, offset: int) -> None:
        """Forget everything before `offset`: it is in the database."""
        self.drained = offset
        with self.lock:
            while len(self.segments) > 1:
                first = self.segments[0]
                if first.base + first.used - first.start > offset:
                    break
                self._delete(self.segments.pop(0))

    def _delete(self, segment: Segment) -> None:
        if segment.path is not None:
            with contextlib.suppress(OSError):
                os.unlink(segment.path)
        # An exported view of the map, should one be left, keeps it until it goes.
        with contextlib.suppress(BufferError):
            segment.map.close()

    def close(self, *, keep: bool = False) -> None:
        """Let go of the journal; its files are deleted, or with `keep` left for an adopter."""
        with self.lock:
            if self.closed or self.inherited:
                return
            self.closed = True
            self._close_file()
            self._capacity = 0
            if not keep:
                for segment in self.segments:
                    self._delete(segment)
                self.segments.clear()
                self._owner.remove()
            self._owner.drop()

    def abandon(self) -> None:
        """In a forked child: this is the parent's journal; the next append begins one's own."""
        self.lock = threading.RLock()
        self.drain_lock = threading.RLock()
        self.inherited = True
        self._capacity = 0
        self._file = None
        self._owner.abandon()


class Reader:
    """Turns records into ops: rows of one key set become one `LogRows`."""

    def __init__(self, keysets: dict[int, KeySet] | None = None) -> None:
        self.keysets: dict[int, KeySet] = {} if keysets is None else keysets
        self.order = 0
        self.torn = 0
        self._rows: dict[int, tuple[list[bytes], array[int], KeySet]] = {}
        self._ops: list[Op] = []

    def read(self, buffer: memoryview, position: int, end: int, *, verify: bool) -> None:
        """Read the records in buffer[position:end]; with `verify` check each one's CRC."""
        while position + 16 <= end:
            size, crc, kind, number = _HEAD.unpack_from(buffer, position)
            sound = 16 <= size <= end - position and size % 8 == 0
            if not sound or (verify and crc32(buffer[position + 8 : position + size]) != crc):
                position = self._resume(buffer, position, end)
                continue
            if kind == _ROW:
                keyset = self.keysets.get(number)
                if keyset is None or keyset.size != size:
                    self.torn += 1
                    position += size
                    continue
                n = 1 if verify else self._alike(buffer, position, end, size)
                self._add_rows(keyset, bytes(buffer[position : position + n * size]), n)
                position += n * size
                continue
            text = bytes(buffer[position + 16 : position + size])
            if kind == _OP:
                self._ops.append(from_json(decode_json(text.decode()), self.order))
                self.order += 1
            elif kind == _KEYSET and number not in self.keysets:
                data = json.loads(text)
                self.keysets[number] = KeySet(
                    number, tuple(data["keys"]), data["types"], data["auto"]
                )
            position += size

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


def journal_ids(folder: str) -> list[str]:
    """The journals in a folder of live files, oldest first."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    found = {name[: -len(".lock")] for name in names if name.endswith(".lock")}
    found |= {name.split(".")[0] for name in names if name.endswith(".seg")}
    return sorted(found - {"write"})


def read_segments(folder: str, journal_id: str, applied: int) -> Iterator[tuple[str, int, Reader]]:
    """The segments of a dead journal beyond `applied`: (run id, end offset, what they hold)."""
    names = sorted(n for n in os.listdir(folder) if n.startswith(journal_id + ".0"))
    for name in names:
        path = os.path.join(folder, name)
        with open(path, "rb") as file:
            data = file.read()
        if len(data) < 16 or data[:8] != MAGIC:
            if data.strip(b"\0"):
                raise CorruptStoreError(f"{path} is not a journal segment")
            continue  # killed before its header was written: nothing was acknowledged in it
        start, length = _TAG.unpack_from(data, 8)
        try:
            meta = json.loads(data[16 : 16 + length])
        except ValueError as error:
            raise CorruptStoreError(f"{path}: the segment's header is damaged") from error
        end = meta["base"] + len(data) - start
        if end <= applied:
            continue
        # Key sets are declared anew in every segment. What lies before `applied` is read for
        # them, and its rows are left out.
        reader = Reader()
        first = start + max(0, applied - meta["base"])
        if first > start:
            before = Reader(reader.keysets)
            before.read(memoryview(data), start, first, verify=True)
        reader.read(memoryview(data), first, len(data), verify=True)
        yield meta["run_id"], end, reader

"""Reads the framing of LevelDB's log files, in the variant that wandb writes.

LevelDB's format (google/leveldb, doc/log_format.md): the file is cut into blocks of 32 KiB. A block
holds frames; none crosses its end, and where fewer than 7 bytes are left they are zeros. A frame:

    4  CRC-32 of type and payload, little endian
    2  length of the payload, little endian
    1  type: 1 FULL, 2 FIRST, 3 MIDDLE, 4 LAST
    n  payload

A record that does not fit into the rest of its block is cut into FIRST, MIDDLE ..., LAST.

wandb differs in two ways: 7 bytes of its own stand at the very beginning and belong to the first
block (":W&B", the number 0xBEE1 little endian, a version byte that is 0), and the CRC is the common
one (zlib.crc32), neither Castagnoli's polynomial nor masked.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BLOCK", "FILE_HEADER", "read_records"]

BLOCK = 32 * 1024
FILE_HEADER = b":W&B\xe1\xbe\x00"
_FRAME = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
# What stands in a frame's place where there is none.
_DAMAGED, _ZEROS, _TORN = -1, -2, -3


def read_records(file: BinaryIO, problems: list[str]) -> Iterator[bytes]:
    """Yield every record that can be read whole, in order.

    `file` stands behind the file header. What cannot be read is described in `problems`, one entry
    a place: a file cut short, a CRC that does not match, fragments without their other half. After
    a bad frame reading goes on with the next good one, at the latest in the next block.
    """
    records = _Records(problems)
    base, pos = 0, len(FILE_HEADER)
    # The header goes back in front, so that a position in the first block is one in the file.
    block = FILE_HEADER + file.read(BLOCK - pos)
    while block:
        size, view = len(block), memoryview(block)
        # `_frames_of` and `_is_good`, written out: long files spend most of their time here.
        while size - pos >= _FRAME.size:
            crc, length, kind = _FRAME.unpack_from(block, pos)
            end = pos + 7 + length
            if end > size or not 1 <= kind <= 4 or crc != zlib.crc32(view[pos + 6 : end]):
                break
            if kind == _FULL and records.clean:
                yield block[pos + 7 : end]
            elif (record := records.take(base + pos, kind, block[pos + 7 : end])) is not None:
                yield record
            pos = end
        for at, kind, payload in _frames_of(block, pos):
            if (record := records.take(base + at, kind, payload)) is not None:
                yield record
        base, pos = base + size, 0
        block = file.read(BLOCK)
    if records.fragments:
        problems.append("the file ends in the middle of a record")


class _Records:
    """Puts records together of their frames."""

    def __init__(self, problems: list[str]) -> None:
        self.fragments: list[bytes] = []
        self.clean = True  # nothing is remembered that a whole record would end
        self._problems = problems
        self._lost = self._zeros = False

    def take(self, offset: int, kind: int, payload: bytes) -> bytes | None:
        """The record that ends with a frame, if one does."""
        found = self._taken(offset, kind, payload)
        self.clean = not (self.fragments or self._lost or self._zeros)
        return found

    def _taken(self, offset: int, kind: int, payload: bytes) -> bytes | None:
        if kind < 0:
            # A record with a hole must not be put together from what stands around the hole.
            self.fragments, self._lost = [], True
            # A crash of the machine can leave blocks that were given to the file and never
            # written: one problem for the stretch, not one a block.
            if kind != _ZEROS or not self._zeros:
                self._problems.append(f"byte {offset}: {_SAID[kind]}")
            self._zeros = kind == _ZEROS
            return None
        self._zeros = False
        if kind in {_FULL, _FIRST}:
            if self.fragments:
                self._problems.append(f"byte {offset}: the record before it has no end")
            self.fragments, self._lost = [], False
        elif not self.fragments:
            if not self._lost:
                self._problems.append(f"byte {offset}: the end of a record that has no beginning")
                self._lost = True
            return None
        self.fragments.append(payload)
        if kind not in {_FULL, _LAST}:
            return None
        record, self.fragments = b"".join(self.fragments), []
        return record


_SAID = {
    _DAMAGED: "a damaged record",
    _ZEROS: "zeros, where records should be",
    _TORN: "the file ends in the middle of a record",
}


def _frames_of(block: bytes, pos: int) -> Iterator[tuple[int, int, bytes]]:
    is_last = len(block) < BLOCK
    while (left := len(block) - pos) >= _FRAME.size:
        _, length, kind = _FRAME.unpack_from(block, pos)
        start, end = pos + _FRAME.size, pos + _FRAME.size + length
        if _is_good(block, pos):
            yield pos, kind, block[start:end]
            pos = end
        elif not any(memoryview(block)[pos:]):
            yield pos, _ZEROS, b""
            return
        elif is_last and end > len(block):
            yield pos, _TORN, b""
            return
        else:
            yield pos, _DAMAGED, b""
            # Its length can be as wrong as the rest: believed only if a good frame follows.
            if not _is_good(block, end):
                return
            pos = end
    if left and is_last:
        yield pos, _TORN, b""


def _is_good(block: bytes, pos: int) -> bool:
    """Whether a frame that is whole, of a known type and with the right CRC stands at `pos`."""
    if pos + _FRAME.size > len(block):
        return False
    crc, length, kind = _FRAME.unpack_from(block, pos)
    end = pos + _FRAME.size + length
    if end > len(block) or not _FULL <= kind <= _LAST:
        return False
    return bool(crc == zlib.crc32(memoryview(block)[pos + 6 : end]))

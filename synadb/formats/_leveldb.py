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
    fragments: list[bytes] = []
    lost = zeros = False
    for offset, kind, payload in _frames(file):
        if kind < 0:
            # A record with a hole must not be put together from what stands around the hole.
            fragments, lost = [], True
            # A crash of the machine can leave blocks that were given to the file and never
            # written: one problem for the stretch, not one a block.
            if kind != _ZEROS or not zeros:
                problems.append(f"byte {offset}: {_SAID[kind]}")
            zeros = kind == _ZEROS
            continue
        zeros = False
        if kind in {_FULL, _FIRST}:
            if fragments:
                problems.append(f"byte {offset}: the record before it has no end")
            fragments, lost = [], False
        elif not fragments:
            if not lost:
                problems.append(f"byte {offset}: the end of a record that has no beginning")
                lost = True
            continue
        fragments.append(payload)
        if kind in {_FULL, _LAST}:
            yield b"".join(fragments)
            fragments = []
    if fragments:
        problems.append("the file ends in the middle of a record")


_SAID = {
    _DAMAGED: "a damaged record",
    _ZEROS: "zeros, where records should be",
    _TORN: "the file ends in the middle of a record",
}


def _frames(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Yield (offset, type, payload) of every frame, or of what stands in its place."""
    base, pos = 0, len(FILE_HEADER)
    # The header goes back in front, so that a position in the first block is one in the file.
    block = FILE_HEADER + file.read(BLOCK - pos)
    while block:
        for at, kind, payload in _frames_of(block, pos):
            yield base + at, kind, payload
        base, pos = base + len(block), 0
        block = file.read(BLOCK)


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

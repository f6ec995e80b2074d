"""Reads the framing of TFRecord files, which TensorBoard's event files are.

A file is records one after the other, without a header (tensorflow.org/tutorials/load_data/
tfrecord). A record, its numbers little endian:

    8  length n of the payload
    4  masked CRC-32C of those 8 bytes
    n  payload
    4  masked CRC-32C of the payload

CRC-32C is Castagnoli's: polynomial 0x1EDC6F41, reflected. It is masked because a CRC of bytes that
hold their own CRC is no good check: turned right by 15 bits, plus 0xA282EAD8.
"""

from __future__ import annotations

import struct
from array import array
from functools import cache
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DamagedError", "Tail", "masked_crc", "record"]

_HEAD = struct.Struct("<QI")
_CRC = struct.Struct("<I")
_POLYNOMIAL = 0x82F63B78  # with the lowest bit first
_MASK = 0xA282EAD8
_READ = 1 << 20
_LONG = 4096  # bytes from which on a table of 16 bits pays
_VERY_LONG = 1 << 16  # and many parts at once
_PARTS = 1024


class DamagedError(ValueError):
    """A record is not what its checksums say; `offset` is where it begins.

    `following` is where the next record begins, if only the payload is bad.
    """

    def __init__(self, offset: int, reason: str, following: int | None = None) -> None:
        super().__init__(f"byte {offset}: {reason}")
        self.offset = offset
        self.following = following


class Tail:
    """The records of a file that may still be written to, each as soon as it is whole."""

    def __init__(self, file: BinaryIO) -> None:
        self.offset = 0
        """Where the next record begins."""
        self._file = file
        self._buffer = b""
        self._begin = 0  # of what has not been read yet, in the buffer

    def records(self) -> Iterator[tuple[int, bytes]]:
        """Yield (offset, payload) of the records that are whole by now.

        Raises:
            DamagedError: the next record is none. Asked again it is read once more: a file that is
                written through a memory map can look like that for a moment. After `skip` reading
                goes on with the one that follows.
        """
        while (head := self._peek(0, _HEAD.size)) is not None:
            length, crc = _HEAD.unpack(head)
            if masked_crc(head[:8]) != crc:
                self._forget()
                raise DamagedError(self.offset, "the checksum of the record's length does not fit")
            whole = self._peek(_HEAD.size, length + _CRC.size)
            if whole is None:
                return
            payload = whole[:-4]
            following = self.offset + _HEAD.size + length + _CRC.size
            if masked_crc(payload) != _CRC.unpack_from(whole, length)[0]:
                self._forget()
                raise DamagedError(
                    self.offset, "the checksum of the record does not fit", following
                )
            begun = self.offset
            self._begin += following - begun
            self.offset = following
            yield begun, payload

    def skip(self, offset: int) -> None:
        """Go on with the record at `offset`."""
        self.offset = offset
        self._forget()

    def rest(self) -> int:
        """How many bytes lie after the last record that is whole."""
        return self._file.seek(0, 2) - self.offset

    def _forget(self) -> None:
        self._buffer, self._begin = b"", 0

    def _peek(self, at: int, count: int) -> bytes | None:
        """`count` bytes from `at` of the next record on; None if they are not there yet."""
        start = self._begin + at
        if len(self._buffer) < start + count:
            kept = self._buffer[self._begin :]
            size = self._file.seek(0, 2)
            # Looked at first: a length that is nonsense must not be asked for.
            if size - self.offset < at + count:
                return None
            self._file.seek(self.offset + len(kept))
            self._buffer = kept + self._file.read(max(_READ, at + count - len(kept)))
            self._begin, start = 0, at
            if len(self._buffer) < start + count:
                return None
        return self._buffer[start : start + count]


def record(payload: bytes) -> bytes:
    """A payload as a record."""
    length = len(payload).to_bytes(8, "little")
    crcs = masked_crc(length), masked_crc(payload)
    return length + _CRC.pack(crcs[0]) + payload + _CRC.pack(crcs[1])


def masked_crc(data: bytes) -> int:
    """The masked CRC-32C of some bytes."""
    crc = _crc(data) ^ 0xFFFF_FFFF
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFF_FFFF


def _crc(data: bytes) -> int:
    crc = 0xFFFF_FFFF
    if len(data) >= _VERY_LONG:
        crc, data = _crc_of_parts(data)
    if len(data) >= _LONG:
        # Two bytes a turn: the part of the CRC that they meet is looked up in one go.
        wide, pairs = _wide_table(), len(data) // 2
        for pair in struct.unpack_from(f"<{pairs}H", data):
            crc = crc >> 16 ^ wide[(crc ^ pair) & 0xFFFF]
        data = data[2 * pairs :]
    table = _table()
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc


def _crc_of_parts(data: bytes) -> tuple[int, bytes]:
    """The CRC, still inverted, of as much of `data` as makes equal parts; and the rest."""
    import numpy as np

    length = len(data) // _PARTS // 2 * 2
    pairs = np.frombuffer(data, "<u2", _PARTS * length // 2).reshape(_PARTS, -1)
    wide = np.frombuffer(_wide_table(), np.uint32)
    crcs = np.zeros(_PARTS, np.uint32)
    crcs[0] = 0xFFFF_FFFF
    for column in np.ascontiguousarray(pairs.T):
        crcs = crcs >> 16 ^ wide[(crcs ^ column) & 0xFFFF]
    # A CRC is linear: that of two parts is the first one's, taken past as many zeros as the second
    # part is long, xor the second one's.
    past = _zeros(length)
    total = 0
    for crc in crcs.tolist():
        total = _applied(past, total) ^ crc
    return total, data[_PARTS * length :]


def _zeros(count: int) -> list[int]:
    """What `count` zero bytes make of each bit of a CRC."""
    table = _table()
    step = [crc >> 8 ^ table[crc & 0xFF] for crc in (1 << bit for bit in range(32))]
    past = [1 << bit for bit in range(32)]
    while count:
        if count & 1:
            past = [_applied(step, one) for one in past]
        step = [_applied(step, one) for one in step]
        count >>= 1
    return past


def _applied(columns: list[int], crc: int) -> int:
    out = 0
    while crc:
        low = crc & -crc
        out ^= columns[low.bit_length() - 1]
        crc ^= low
    return out


@cache
def _table() -> list[int]:
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return table


@cache
def _wide_table() -> array[int]:
    table = _table()
    wide = array("I")
    for pair in range(1 << 16):
        first = table[pair & 0xFF] ^ pair >> 8
        wide.append(first >> 8 ^ table[first & 0xFF])
    return wide

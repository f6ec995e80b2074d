"""Decodes protobuf's wire format against small tables of fields, without the protobuf library.

The format is documented at protobuf.dev/programming-guides/encoding. A message is a sequence of
fields; each begins with a varint `number << 3 | wire type`, and the wire type says how long the
value is:

    0  varint             integers, bools, enums; negative ones as 64-bit two's complement
    1  8 bytes            double, little endian
    2  varint length, n   strings, bytes, embedded messages
    5  4 bytes            float, little endian

A repeated number may be packed: one value of wire type 2 that holds all of them in a row.

Only what the tables of this package need is here: no groups, no writing. A field
that a table does not list, or that comes with another wire type than its kind has, is skipped, as
every protobuf reader does: newer writers may add fields.
"""

from __future__ import annotations

import struct
from typing import Any, Literal, NamedTuple, TypeAlias

__all__ = ["DecodeError", "Field", "Message", "decode", "message"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}
_DOUBLE, _FLOAT = struct.Struct("<d"), struct.Struct("<f")

Scalar: TypeAlias = Literal["int", "sint", "bool", "double", "float", "string", "bytes"]
_WIRE_TYPES: dict[Scalar, int] = {
    "int": _VARINT,  # also enums
    "sint": _VARINT,  # zigzag: 0, -1, 1, -2, ...
    "bool": _VARINT,
    "double": _FIXED64,
    "float": _FIXED32,
    "string": _BYTES,
    "bytes": _BYTES,
}


class Field(NamedTuple):
    """A field that the reader wants: its name, what it holds, and whether it may repeat."""

    name: str
    kind: Scalar | Message
    repeated: bool = False
    packed: bool = False


# The wanted fields of a message type, by what they begin with: `number << 3 | wire type`.
Message: TypeAlias = dict[int, Field]


class DecodeError(ValueError):
    """The bytes are no protobuf message."""


def message(fields: dict[int, Field]) -> Message:
    """Make a message type of its wanted fields by number."""
    wanted: Message = {}
    for number, field in fields.items():
        wire_type = _BYTES if isinstance(field.kind, dict) else _WIRE_TYPES[field.kind]
        wanted[number << 3 | wire_type] = field
        if field.repeated and wire_type != _BYTES:
            # Readers have to take both forms, whichever the writer prefers.
            wanted[number << 3 | _BYTES] = field._replace(packed=True)
    return wanted


def decode(wanted: Message, data: bytes) -> dict[str, Any]:
    """Decode `data` into a dict of the fields that are present, repeated ones as lists.

    An absent field is absent from the dict: it is the caller who knows the default.

    Raises:
        DecodeError: a value runs over the end, or a wire type that does not exist.
    """
    try:
        return _decode(wanted, data, 0, len(data))
    except IndexError:
        raise DecodeError("the message ends within a number") from None


def _decode(wanted: Message, data: bytes, pos: int, end: int) -> dict[str, Any]:
    # A range of the whole record and not a slice for each message in it, and no function call for
    # a varint of one byte, which most are: that is twice as fast on large files.
    values: dict[str, Any] = {}
    value: Any
    while pos < end:
        tag = data[pos]
        pos += 1
        if tag > 0x7F:
            tag, pos = _varint(data, pos - 1)
        field = wanted.get(tag)
        wire_type = tag & 7
        if wire_type == _BYTES:
            length = data[pos]
            pos += 1
            if length > 0x7F:
                length, pos = _varint(data, pos - 1)
            start, pos = pos, pos + length
        else:
            start, pos = pos, _skip(wire_type, data, pos)
        if pos > end:
            raise DecodeError(f"the value at byte {start} runs over the end of its message")
        if field is None:
            continue
        name, kind, repeated, packed = field
        if isinstance(kind, dict):
            value = _decode(kind, data, start, pos)
        elif kind == "string":
            # Writers must write UTF-8; one bad byte is no reason to lose the rest of the record.
            value = data[start:pos].decode("utf-8", "replace")
        elif kind == "bytes":
            value = data[start:pos]
        elif packed:
            values.setdefault(name, []).extend(_unpacked(kind, data, start, pos))
            continue
        else:
            value = _number(kind, data, start)
        if repeated:
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    return values


def _number(kind: Scalar, data: bytes, pos: int) -> float:
    value: float
    if kind in ("double", "float"):
        (value,) = (_DOUBLE if kind == "double" else _FLOAT).unpack_from(data, pos)
        return value
    number, _ = _varint(data, pos)
    if kind == "bool":
        return number != 0
    if kind == "sint":
        return (number >> 1) ^ -(number & 1)
    return number - (1 << 64) if number >= 1 << 63 else number


def _unpacked(kind: Scalar, data: bytes, pos: int, end: int) -> list[float]:
    wire_type = _WIRE_TYPES[kind]
    if wire_type != _VARINT:
        size = _SIZES[wire_type]
        count, rest = divmod(end - pos, size)
        if rest:
            raise DecodeError(f"the numbers at byte {pos} are cut short")
        return [*struct.unpack_from(f"<{count}{'d' if size == 8 else 'f'}", data, pos)]
    found = []
    while pos < end:
        found.append(_number(kind, data, pos))
        pos = _skip(wire_type, data, pos)
    if pos != end:
        raise DecodeError(f"the numbers that end at byte {end} are cut short")
    return found


def _skip(wire_type: int, data: bytes, pos: int) -> int:
    """Return where a value that has no length in front ends."""
    if wire_type == _VARINT:
        return _varint(data, pos)[1]
    if wire_type not in _SIZES:
        raise DecodeError(f"there is no wire type {wire_type}")
    return pos + _SIZES[wire_type]


def _varint(data: bytes, pos: int) -> tuple[int, int]:
    """Read 7 bits a byte, lowest first, the top bit meaning "more"; return value and next byte."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[pos]
        pos += 1
        value |= (byte & 0x7F) << shift
        if byte <= 0x7F:
            return value & 0xFFFF_FFFF_FFFF_FFFF, pos
    raise DecodeError(f"a number that does not end by byte {pos}")

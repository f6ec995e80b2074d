"""Decodes protobuf's wire format against small tables of fields, without the protobuf library.

The format is documented at protobuf.dev/programming-guides/encoding. A message is a sequence of
fields; each begins with a varint `number << 3 | wire type`, and the wire type says how long the
value is:

    0  varint             integers, bools, enums; negative ones as 64-bit two's complement
    1  8 bytes            double, little endian
    2  varint length, n   strings, bytes, embedded messages
    5  4 bytes            float, little endian

Only what the tables of this package need is here: no groups, no packed fields, no writing. A field
that a table does not list, or that comes with another wire type than its kind has, is skipped, as
every protobuf reader does: newer writers may add fields.
"""

from __future__ import annotations

import struct
from typing import Any, Literal, NamedTuple, TypeAlias

__all__ = ["DecodeError", "Field", "Message", "decode", "message"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}
_DOUBLE = struct.Struct("<d")

Scalar: TypeAlias = Literal["int", "sint", "bool", "double", "string"]
_WIRE_TYPES: dict[Scalar, int] = {
    "int": _VARINT,  # also enums
    "sint": _VARINT,  # zigzag: 0, -1, 1, -2, ...
    "bool": _VARINT,
    "double": _FIXED64,
    "string": _BYTES,
}


class Field(NamedTuple):
    """A field that the reader wants: its name, what it holds, and whether it may repeat."""

    name: str
    kind: Scalar | Message
    repeated: bool = False


# The wanted fields of a message type, by what they begin with: `number << 3 | wire type`.
Message: TypeAlias = dict[int, Field]


class DecodeError(ValueError):
    """The bytes are no protobuf message."""


def message(fields: dict[int, Field]) -> Message:
    """Make a message type of its wanted fields by number."""
    return {
        number << 3 | (_BYTES if isinstance(field.kind, dict) else _WIRE_TYPES[field.kind]): field
        for number, field in fields.items()
    }


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
        name, kind, repeated = field
        if isinstance(kind, dict):
            value = _decode(kind, data, start, pos)
        elif kind == "string":
            # Writers must write UTF-8; one bad byte is no reason to lose the rest of the record.
            value = data[start:pos].decode("utf-8", "replace")
        else:
            value = _number(kind, data, start)
        if repeated:
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    return values


def _number(kind: Scalar, data: bytes, pos: int) -> float:
    if kind == "double":
        value: float = _DOUBLE.unpack_from(data, pos)[0]
        return value
    number, _ = _varint(data, pos)
    if kind == "bool":
        return number != 0
    if kind == "sint":
        return (number >> 1) ^ -(number & 1)
    return number - (1 << 64) if number >= 1 << 63 else number


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

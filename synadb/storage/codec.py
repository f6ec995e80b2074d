"""Bytes for what is stored: strict JSON for documents, byte planes for columns. Pure functions.

JSON. Standard JSON has no NaN or infinities, and SQLite's JSON functions refuse a document that
spells them; they are kept as {"$float": "nan" | "inf" | "-inf"}. A dict of the user's own with a
key that starts with "$" is kept as {"$dict": [[key, value], ...]}.

Columns. The n values of a column are split into byte planes: plane i holds byte i (little-endian)
of every value. Bytes of equal rank resemble each other, so a plane is often one repeated byte or
compresses well, and one that does not is kept as it is. A float that came from a float32 has
three zero planes and most of a fourth, and so costs half without a case of its own.

    column := transform(1) width(1) plane * width
    plane  := mode(1) body      mode 0: body is the one byte that all values share
                                mode 1: body is n bytes
                                mode 2: body is u32 length, zlib stream of n bytes
    transform 0: values as they are
    transform 1: the first value, then differences modulo 2**64, of the values read as int64
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from array import array
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from synadb.errors import CorruptStoreError, InvalidValueError

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "as_document",
    "checked_text",
    "decode_bytes",
    "decode_column",
    "decode_json",
    "encode_column",
    "encode_json",
    "plain",
    "undecodable",
]

_CONSTANT, _RAW, _ZLIB = 0, 1, 2
_SAMPLE = 2048
_MASK = (1 << 64) - 1


def encode_json(value: Any) -> str:
    """Value (str, int, float, bool, None, nested list and dict with str keys) -> strict JSON."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        text = ""
    if not text or '"$' in text:
        text = json.dumps(_escape(value), ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which UTF-8 cannot carry
        text = json.dumps(_escape(value), separators=(",", ":"))
    return text


def _escape(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
    if isinstance(value, dict):
        if any(str(key).startswith("$") for key in value):
            return {"$dict": [[str(key), _escape(item)] for key, item in value.items()]}
        return {key: _escape(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_escape(item) for item in value]
    return value


def decode_json(text: str) -> Any:
    """The inverse of `encode_json`; JSONDecodeError, a ValueError, for what that did not write."""
    try:
        value = json.loads(text)
        return _unescape(value) if '"$' in text else value
    except json.JSONDecodeError:
        raise
    except (ValueError, TypeError) as error:  # NULL, or something else below "$float" or "$dict"
        raise json.JSONDecodeError(str(error), str(text), 0) from error


def undecodable(document: bytes | None) -> str:
    """Why `decode_json` cannot read the bytes of a document; empty where it can."""
    if document is None:
        return "NULL"
    try:
        decode_json(document.decode())
    except ValueError as error:
        return str(error)
    return ""


def _unescape(value: Any) -> Any:
    if isinstance(value, dict):
        if len(value) == 1:
            if "$float" in value:
                return float(value["$float"])
            if "$dict" in value:
                return {key: _unescape(item) for key, item in value["$dict"]}
        return {key: _unescape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unescape(item) for item in value]
    return value


def plain(value: Any) -> Any:
    """A copy of `value` made of what JSON can hold and its owner cannot change; TypeError if not.

    Tuples become lists, subclasses of int, float and str (numpy scalars, enums' values) plain
    ones, other scalars with `.item()` (numpy, torch) Python's own.
    """
    kind = type(value)
    if value is None or kind in (str, int, float, bool):
        return value
    if kind is dict or isinstance(value, dict):
        return {key if type(key) is str else str(key): plain(v) for key, v in list(value.items())}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    for base in (bool, int, float, str):
        if isinstance(value, base):
            return base(value)
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "size", 1) == 1:
        inner = item()
        if type(inner) is not kind:
            return plain(inner)
    to_list = getattr(value, "tolist", None)
    if callable(to_list):
        return plain(to_list())
    raise TypeError(f"Object of type {kind.__name__} is not JSON serializable")


def as_document(what: str, values: Any) -> dict[str, Any]:
    """A dict as plain JSON data; InvalidValueError names the key that cannot be kept."""
    if not isinstance(values, Mapping):
        raise InvalidValueError(f"{what} is a dict, not {type(values).__name__}")
    document = {}
    for key, value in values.items():
        try:
            document[str(key)] = plain(value)
        except (TypeError, RecursionError) as error:
            raise InvalidValueError(f"{what}[{key!r}] cannot be kept: {error}") from error
    return document


def checked_text(what: str, value: object) -> str:
    """`value` if it is a non-empty str that UTF-8 can carry; InvalidValueError."""
    if not isinstance(value, str) or not value:
        raise InvalidValueError(f"{what} is a non-empty str, not {value!r}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidValueError(f"{what} {value!r} cannot be written as UTF-8") from error
    return str(value)


def encode_column(data: bytes, width: int, *, delta: bool = False) -> bytes:
    """Encode the little-endian bytes of a column whose values are `width` (8 or 1) bytes wide."""
    transform = 0
    if delta and width == 8 and len(data) > 8:
        data = _differences(data)
        transform = 1
    n = len(data) // width
    parts = [bytes((transform, width))]
    for index in range(width):
        plane = data[index::width] if width > 1 else data
        if plane == plane[:1] * n:
            parts.append(b"\0" + plane[:1])
            continue
        packed = b""
        middle = max(0, (n - _SAMPLE) // 2)
        sample = plane[middle : middle + _SAMPLE]
        if n <= _SAMPLE or len(zlib.compress(sample, 1)) < 0.95 * len(sample):
            packed = zlib.compress(plane, 3)
        if packed and len(packed) + 4 < n:
            parts += (b"\2", struct.pack("<I", len(packed)), packed)
        else:
            parts += (b"\1", plane)
    return b"".join(parts)


def _differences(data: bytes) -> bytes:
    values = array("q")
    values.frombytes(data)
    first, step = values[0], values[1] - values[0]
    if abs(step) < _MASK >> 2 and values == array("q", _arithmetic(first, step, len(values))):
        return struct.pack("<q", first) + struct.pack("<q", step) * (len(values) - 1)
    deltas = [first]
    previous = first
    for value in values[1:]:
        # Wrapped into the signed range, so that any two int64 have a difference that fits.
        deltas.append(((value - previous + (1 << 63)) & _MASK) - (1 << 63))
        previous = value
    return array("q", deltas).tobytes()


def _arithmetic(first: int, step: int, n: int) -> Sequence[int]:
    last = first + step * (n - 1)
    if not -(1 << 63) <= last < 1 << 63:
        return ()
    return range(first, last + (1 if step > 0 else -1), step) if step else (first,) * n


_DTYPES = {"d": "<f8", "q": "<i8", "?": "?"}


def decode_column(blob: bytes, kind: str, n: int) -> np.ndarray[Any, Any]:
    """Decode `n` values of type `kind` (d, q or ?); CorruptStoreError if the bytes do not fit."""
    import numpy as np

    transform, planes = _planes(blob, kind, n)
    shared = b"".join(plane if len(plane) == 1 else b"\0" for plane in planes)
    out = np.full((n, 1), np.frombuffer(shared, f"<u{len(planes)}")).view(np.uint8)
    for index, plane in enumerate(planes):
        if len(plane) > 1:
            out[:, index] = np.frombuffer(plane, np.uint8)
    flat = out.reshape(-1)
    if transform:
        whole = flat.view("<i8")
        np.cumsum(whole, out=whole)
    return flat.view(_DTYPES[kind])


def decode_bytes(blob: bytes, kind: str, n: int) -> bytearray:
    """What `encode_column` was given, as `decode_column` but without numpy.

    For short columns: importing numpy takes longer than decoding thousands of values.
    """
    transform, planes = _planes(blob, kind, n)
    width = len(planes)
    out = bytearray(n * width)
    for index, plane in enumerate(planes):
        out[index::width] = plane * n if len(plane) == 1 else plane
    if not transform:
        return out
    deltas = array("q")
    deltas.frombytes(out)
    try:
        values = array("q", accumulate(deltas))
    except OverflowError:  # differences that were wrapped into the signed range
        half = 1 << 63
        values = array("q", (((v + half) & _MASK) - half for v in accumulate(deltas)))
    return bytearray(values.tobytes())


def _planes(blob: bytes, kind: str, n: int) -> tuple[int, list[bytes]]:
    """The transform, and a column's planes: `n` bytes each, or one where all are the same."""
    width = 1 if kind == "?" else 8
    planes = []
    try:
        transform, stored = blob[0], blob[1]
        if stored != width or transform not in (0, 1):
            raise CorruptStoreError("a column's header does not match its type")
        at = 2
        for _ in range(width):
            mode = blob[at]
            if mode == _CONSTANT:
                planes.append(bytes((blob[at + 1],)))
                at += 2
                continue
            if mode == _RAW:
                plane = blob[at + 1 : at + 1 + n]
                at += 1 + n
            elif mode == _ZLIB:
                (length,) = struct.unpack_from("<I", blob, at + 1)
                plane = zlib.decompress(blob[at + 5 : at + 5 + length])
                at += 5 + length
            else:
                raise CorruptStoreError("a column has an unknown plane mode")
            if len(plane) != n:
                raise CorruptStoreError("a column's plane has the wrong length")
            planes.append(plane)
        if at != len(blob):
            raise CorruptStoreError("a column has bytes left over")
    except (IndexError, struct.error, zlib.error) as error:
        raise CorruptStoreError(f"a column cannot be decoded: {error}") from error
    return transform, planes

"""Tables as JSON, at the speed of the C encoder for as long as the cells are plain.

Two forms, which differ where JSON leaves a choice:

                     `compact_json`              `sorted_json`
    keys             columns, data               all that is given, in order
    between items    nothing                     a space after , and :
    outside ASCII    UTF-8                       escaped
    NaN              NaN                         null
    small numbers    0.00001, 1e-6               1e-05, 1e-06
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from synadb.media import jsontext

__all__ = ["SCALARS", "compact_json", "sorted_json"]

SCALARS: Final = frozenset((bool, float, int, str, type(None)))
"""Types whose values the JSON encoder takes as they are."""

Row = Sequence[Any]
Cell = Callable[[Any], Any]

# One call of the encoder holds the GIL: so many rows take it for a few milliseconds.
_CHUNK = 500
_NAN = re.compile(r'"(?:[^"\\]|\\.)*"|NaN')


def compact_json(columns: Sequence[Any], rows: Sequence[Row], cell: Cell = jsontext.plain) -> bytes:
    """`{"columns":[...],"data":[[...],...]}`; `cell` converts what is not in SCALARS."""
    pieces = [jsontext.dumps(chunk)[1:-1] for chunk in _chunks(rows, cell)]
    return b'{"columns":%b,"data":[%b]}' % (jsontext.dumps(list(columns)), b",".join(pieces))


def sorted_json(fields: Mapping[str, Any], rows: Sequence[Row], cell: Cell) -> bytes:
    """An object of `fields` and, under "data", the rows; in order of the keys, at every depth."""
    parts = []
    for key in sorted({*fields, "data"}):
        if key == "data":
            inner = ", ".join(_sorted_text(chunk)[1:-1] for chunk in _chunks(rows, cell))
            parts.append(f'"data": [{inner}]')
        else:
            parts.append(f"{json.dumps(key)}: {_sorted_text(fields[key])}")
    return ("{" + ", ".join(parts) + "}").encode("ascii")


def _sorted_text(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return _NAN.sub(_null, text) if "NaN" in text else text


def _null(found: re.Match[str]) -> str:
    return "null" if found[0] == "NaN" else found[0]


def _chunks(rows: Sequence[Row], cell: Cell) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        if not SCALARS.issuperset(map(type, chain.from_iterable(chunk))):
            chunk = [
                [value if type(value) in SCALARS else cell(value) for value in row] for row in chunk
            ]
        yield chunk

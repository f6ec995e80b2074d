"""JSON text as wandb's files have it: no blanks, UTF-8 as it is, NaN and Infinity by name.

wandb lets pydantic write its files, which spells small floats unlike Python: `0.00001` for 1e-05,
`1e-7` for 1e-07. The same content has to be the same bytes, since a file is named by its digest.
"""

from __future__ import annotations

import re
import sys
from typing import Any

__all__ = ["dumps", "plain"]

_SMALL = re.compile(r'"(?:[^"\\]|\\.)*"|(-?)(\d)(?:\.(\d+))?e-0(\d)')
_SURROGATE = re.compile("[\ud800-\udfff]")
_MANTISSA = re.compile(r"(\d)(?:\.(\d+))?\Z")


def dumps(value: Any) -> bytes:
    """JSON of a value; arrays become lists of any length, dates and the like their text.

    Raises TypeError for what has no JSON, ValueError for a value that holds itself.
    """
    import json

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=plain)
    if '"' in text and "e-0" in text:
        text = _SMALL.sub(_respell, text)
    elif "e-0" in text:  # numbers alone, perhaps millions: by the faster way
        for digit in "6789":
            text = text.replace(f"e-0{digit}", f"e-{digit}")
        text = _fifths_respelled(text)
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a pair, which is always inside a string
        return _SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", text).encode()


def _fifths_respelled(text: str) -> str:
    *parts, last = text.split("e-05")
    out: list[str] = []
    for part in parts:
        mantissa = _MANTISSA.search(part, max(len(part) - 24, 0))
        if mantissa is None:
            raise AssertionError(f"a number before e-05 was expected in {part[-30:]!r}")
        first, rest = mantissa.groups()
        out += (part[: mantissa.start()], "0.0000", first, rest or "")
    return "".join([*out, last])


def _respell(match: re.Match[str]) -> str:
    sign, first, rest, exponent = match.groups()
    if first is None:  # a string
        return match.group()
    if exponent == "5":
        return f"{sign}0.0000{first}{rest or ''}"
    return f"{sign}{first}{'.' + rest if rest else ''}e-{exponent}"


def plain(value: Any) -> Any:
    """Something that `json` knows for one value that it does not; TypeError if there is none."""
    kind = type(value)
    numpy = sys.modules.get("numpy")
    if isinstance(value, getattr(numpy, "datetime64", ())):
        return str(value)
    if hasattr(value, "tolist"):
        inner = value.tolist()
        return float(inner) if type(inner) is kind else inner
    if hasattr(value, "isoformat"):
        text: str = value.isoformat()
        return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text
    if isinstance(value, set | frozenset):
        return list(value)
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "replace")
    if hasattr(kind, "__members__"):
        return value.value
    if isinstance(value, complex):
        return str(value).strip("()")
    if kind.__module__ in ("decimal", "uuid") or hasattr(value, "__fspath__"):
        return str(value)
    raise TypeError(f"Object of type {kind.__name__} is not JSON serializable")

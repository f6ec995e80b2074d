"""JSON as `wandb.util` makes it, of whatever a script may log."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum
from typing import IO, Any

from synadb.wandb_compat import _arrays
from synadb.wandb_compat._values import config_value, history_value

__all__ = [
    "JSONEncoderUncompressed",
    "WandBHistoryJSONEncoder",
    "WandBJSONEncoder",
    "json_dump_safer",
    "json_dump_uncompressed",
    "json_dumps_safer",
    "json_dumps_safer_history",
    "json_friendly",
    "json_friendly_val",
    "make_json_if_not_number",
    "make_safe_for_json",
    "maybe_compress_history",
]


def _array(obj: Any) -> Any:
    """An array or tensor as numpy's; None for anything else, numpy's single values too."""
    found = _arrays.as_numpy(obj)
    return found if hasattr(found, "tolist") else None


class WandBJSONEncoder(json.JSONEncoder):
    """Arrays as nested lists, everything else as in the history; TypeError for what has no form."""

    def default(self, o: Any) -> Any:
        """What stands for an object that JSON does not have."""
        array = _array(o)
        return history_value(o) if array is None else array.tolist()


class JSONEncoderUncompressed(WandBJSONEncoder):
    """The same."""


class WandBHistoryJSONEncoder(WandBJSONEncoder):
    """Arrays of more than 32 elements as histograms, as in the history."""

    def default(self, o: Any) -> Any:
        """What stands for an object that JSON does not have."""
        return history_value(o)


def _dumps(obj: Any, encoder: type[json.JSONEncoder], options: dict[str, Any]) -> str:
    options = {"cls": encoder, **options}
    if options.get("indent") is None:
        options.setdefault("separators", (",", ":"))
    try:
        return json.dumps(obj, **options)
    except TypeError:
        texts = _text_keys(obj)
        if texts is obj:
            raise
    return json.dumps(texts, **options)


def _text_keys(obj: Any) -> Any:
    """`obj` with keys that JSON can hold; itself if it has no others."""
    if isinstance(obj, dict):
        values = {key: _text_keys(value) for key, value in obj.items()}
        same = all(values[key] is obj[key] for key in obj)
        if all(key is None or isinstance(key, str | int | float) for key in obj):
            return obj if same else values
        return {_text_key(key): value for key, value in values.items()}
    if isinstance(obj, list | tuple):
        items = [_text_keys(item) for item in obj]
        return obj if all(map(_is, items, obj)) else items
    return obj


def _is(one: object, other: object) -> bool:
    return one is other


def _text_key(key: Any) -> Any:
    if key is None or isinstance(key, str | int | float):
        return key
    (text,) = history_value({key: 0})
    return text


def json_dumps_safer(obj: Any, **kwargs: Any) -> str:
    """JSON text of data that may hold arrays, dates and the like; options as of `json.dumps`."""
    return _dumps(obj, WandBJSONEncoder, kwargs)


def json_dumps_safer_history(obj: Any, **kwargs: Any) -> str:
    """The same; long arrays become histograms."""
    return _dumps(obj, WandBHistoryJSONEncoder, kwargs)


def json_dump_safer(obj: Any, fp: IO[str], **kwargs: Any) -> None:
    """As `json_dumps_safer`, into a file."""
    fp.write(json_dumps_safer(obj, **kwargs))


def json_dump_uncompressed(obj: Any, fp: IO[str], **kwargs: Any) -> None:
    """As `json_dumps_safer`, into a file."""
    fp.write(_dumps(obj, JSONEncoderUncompressed, kwargs))


def json_friendly(obj: Any, *, preserve_numpy_nan: bool = False) -> tuple[Any, bool]:
    """One value as plain data if it is of a kind known here, and whether it has changed.

    Does not look inside of containers; an array of more than 32 elements stays an array.
    """
    if isinstance(obj, float) and math.isnan(obj):
        keep = preserve_numpy_nan and _arrays.is_scalar(obj)
        return (float(obj) if keep else None), True
    if _arrays.is_scalar(obj):
        return _arrays.item(obj), True
    array = _array(obj)
    if array is not None:
        if array.size == 1:
            return array.item(), True
        return (array if array.size > _arrays.LONGEST else array.tolist()), True
    if isinstance(obj, bytes):
        return obj.decode("utf-8"), True
    if isinstance(obj, set | frozenset):
        return tuple(obj), True
    if isinstance(obj, Enum):
        return obj.name, True
    if isinstance(obj, date):
        return obj.isoformat(), True
    if callable(obj) and hasattr(obj, "__qualname__"):
        return f"{obj.__module__}.{obj.__qualname__}", True
    return obj, False


def json_friendly_val(val: Any) -> Any:
    """A value of any kind and depth as it would be kept in the config."""
    return config_value(val)


def make_safe_for_json(obj: Any) -> Any:
    """Data in which NaN and infinities are text, at any depth."""
    if isinstance(obj, Mapping):
        return {key: make_safe_for_json(value) for key, value in obj.items()}
    if isinstance(obj, str):
        return obj
    if isinstance(obj, Sequence):
        return [make_safe_for_json(value) for value in obj]
    if isinstance(obj, float) and not math.isfinite(obj):
        return "NaN" if math.isnan(obj) else "Infinity" if obj > 0 else "-Infinity"
    return obj


def make_json_if_not_number(v: Any) -> int | float | str:
    """A number as it is, everything else as JSON text."""
    return v if isinstance(v, int | float) else json_dumps_safer(v)


def maybe_compress_history(obj: Any) -> tuple[Any, bool]:
    """The histogram of a long array, and whether it was one."""
    array = _array(obj)
    if array is None or array.size <= _arrays.LONGEST:
        return obj, False
    return _arrays.histogram(array), True

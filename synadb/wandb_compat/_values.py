"""From what a script logs to what is stored, by wandb's rules.

A row of the history, the summary and the config differ in how they spell some values:

    value            history           summary           config
    Enum             its value         its name          its name
    UTC datetime     ...Z              ...+00:00         ...+00:00
    timedelta        PT1M30S           PT1M30S           0:01:30
    long array       histogram         statistics        its text
    NaN              kept              key removed       None
    {1: 2}           {"1": 2}          {"1": 2}          {1: 2}
    anything else    TypeError         TypeError         its text

In the summary this holds for values under a key; what is in a list looks as in the history.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from synadb.wandb_compat import _arrays

__all__ = [
    "REMOVE",
    "config_stored",
    "config_value",
    "history_value",
    "merge_leaves",
    "merge_row",
    "sanitized",
    "summary_value",
]

REMOVE: Final[Any] = type("Remove", (), {"__repr__": lambda self: "REMOVE"})()
"""What `summary_value` returns for a value that takes its key out of the summary."""

Media = Callable[[Any, tuple[str, ...]], Any]

_DEEPEST = 400
_INT64 = 1 << 63
_AS_THEY_ARE = frozenset((float, bool, type(None)))


def history_value(value: Any, media: Media | None = None) -> Any:
    """A logged value as plain JSON data that shares nothing with it.

    Whole numbers beyond 64 bits become floats; dicts without content disappear from dicts, and an
    outermost one is returned empty. `media(value, path)` makes the JSON of what is more than
    data: an object whose type has `_to_run_value`, a list that starts with one, a DataFrame, a
    figure; `path` are the keys that lead to it from here.

    Raises TypeError for a value that cannot be stored, UnicodeDecodeError for bytes that are no
    UTF-8, ValueError for a long array with NaN or infinities and for a list that holds itself,
    RecursionError for a dict that holds itself and for nesting deeper than 400 levels.
    """
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is str and value.isascii():
        return value
    if kind is int and -_INT64 <= value < _INT64:
        return value
    try:
        return _convert(value, _Walk(media), 0, ())
    except RecursionError:
        if _list_in_circle(value):
            raise ValueError("Circular reference detected: a list holds itself") from None
        raise


def summary_value(value: Any, media: Media | None = None) -> Any:
    """A value of the summary as plain JSON data; REMOVE for None and NaN.

    `media` and the errors are those of `history_value`.
    """
    try:
        plain = _convert(value, _Walk(media, summary=True), 0, ())
    except RecursionError:
        if _list_in_circle(value):
            raise ValueError("Circular reference detected: a list holds itself") from None
        raise
    return REMOVE if plain is None or _is_nan(plain) else plain


def merge_leaves(target: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Take values into a summary leaf by leaf, media as one; None changes nothing."""
    for key, value in values.items():
        if value is None:
            continue
        if isinstance(value, dict) and "_type" not in value:
            below = target.get(key)
            if not isinstance(below, dict):
                below = {}
            merge_leaves(below, value)
            if below:
                target[key] = below
        else:
            target[key] = value


def merge_row(target: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Take values into an open row leaf by leaf, media as one; None is a value like any other."""
    for key, value in values.items():
        if isinstance(value, dict) and "_type" not in value:
            below = target.get(key)
            if not isinstance(below, dict):
                below = target[key] = {}
            merge_row(below, value)
        else:
            target[key] = value


# -- history and summary -------------------------------------------------------------------------


class _Walk:
    """What is the same for all parts of one value."""

    __slots__ = ("media", "summary")

    def __init__(self, media: Media | None, *, summary: bool = False) -> None:
        self.media = media
        self.summary = summary


def _convert(value: Any, walk: _Walk, depth: int, path: tuple[str, ...] | None) -> Any:
    """`path` leads here through dicts alone; None inside of anything else.

    One function for all containers, since each level of a value then costs one frame.
    """
    kind = type(value)
    if kind is float:
        return None if walk.summary and path and _is_nan(value) else value
    if kind is str:
        return value if value.isascii() else _text(value)
    if kind is int:
        return value if -_INT64 <= value < _INT64 else _as_float(value)
    if kind is bool or value is None:
        return value
    if depth > _DEEPEST:
        raise RecursionError(f"a value is nested deeper than {_DEEPEST} levels, or holds itself")
    if kind is dict or (isinstance(value, dict) and not _is_enum(value)):
        plain: dict[str, Any] = {}
        for key, below in list(value.items()):
            name = key if type(key) is str and key.isascii() else _key(key)
            inner = _convert(below, walk, depth + 1, None if path is None else (*path, name))
            if inner == {} and path is not None and not walk.summary:
                continue
            plain[name] = inner
        return plain
    if kind is list or (isinstance(value, list | tuple) and not _is_enum(value)):
        items: Any = list(value)
        if path is not None and items and _is_media(type(items[0])):
            return _by_media(items, items[0], walk, path)
    else:
        items = _items(value)
    if items is not None:
        if _is_plain_list(items):
            return items
        return [_convert(below, walk, depth + 1, None) for below in items]
    return _other(value, kind, walk, depth, path)


def _is_plain_list(items: list[Any]) -> bool:
    """Whether a list can stay as it is; lists of one type are told without a call for each."""
    kinds = set(map(type, items))
    if kinds == {int}:
        return bool(min(items) >= -_INT64 and max(items) < _INT64)
    if kinds == {str}:
        return all(map(str.isascii, items))
    return kinds <= _AS_THEY_ARE


def _items(value: Any) -> list[Any] | None:
    deque = _class_in("collections", "deque")
    return list(value) if isinstance(value, (set, frozenset, deque, Iterator)) else None


def _other(value: Any, kind: type, walk: _Walk, depth: int, path: tuple[str, ...] | None) -> Any:
    if _arrays.is_scalar(value):
        inner = _arrays.item(value)
        return _convert(inner, walk, depth + 1, path if isinstance(inner, float) else None)
    if path is not None and (_is_media(kind) or _is_figure(value)):
        return _by_media(value, value, walk, path)
    if path is not None and walk.summary:
        if _is_enum(value):
            return _enum_name(value)
        if isinstance(value, _class_in("datetime", "datetime")):
            return value.isoformat()
        if callable(value):
            return _text(_callable_name(value))
    inner = _simple(value)
    if inner is not value:
        return _convert(inner, walk, depth + 1, path if isinstance(inner, float) else None)
    serializer = getattr(kind, "__pydantic_serializer__", None)
    if serializer is not None:
        return _convert(_model_json(value, serializer, walk, depth), walk, depth + 1, None)
    if hasattr(kind, "__dataclass_fields__"):
        fields = {name: getattr(value, name) for name in _field_names(value)}
        return _convert(fields, walk, depth + 1, None)
    array = _arrays.as_numpy(value)
    if array is not None:
        return _array_json(array, kind, walk, depth)
    if callable(value):
        return _text(_callable_name(value))
    raise TypeError(
        f"Object of type {kind.__name__} is not JSON serializable; {_advice(value, kind)}"
    )


def _advice(value: Any, kind: type) -> str:
    from synadb.media.value import media_for

    if _is_media(kind):
        return "media stand under a key of their own, or in a list of nothing else"
    name = media_for(value)
    if name is None:
        return "convert it to numbers, text, lists or dicts first"
    if name == "Figure":
        name = "Plotly" if hasattr(value, "to_plotly_json") else "Image"
    return f"use wandb.{name}({'dataframe=' if name == 'Table' else ''}...)"


def _array_json(array: Any, kind: type, walk: _Walk, depth: int) -> Any:
    size = getattr(array, "size", None)
    if size is None or not hasattr(array, "dtype"):
        return _convert(array, walk, depth + 1, None)
    if size == 1:
        return _convert(_arrays.item(array), walk, depth + 1, None)
    if size > _arrays.LONGEST:
        if walk.summary:
            return _arrays.statistics(array, kind)
        return _convert(_arrays.histogram(array), walk, depth + 1, None)
    items, plain = _arrays.nested(array)
    return items if plain else _convert(items, walk, depth + 1, None)


def _model_json(value: Any, serializer: Any, walk: _Walk, depth: int) -> Any:
    import json

    def fallback(inner: Any) -> Any:
        return _convert(inner, walk, depth + 1, None)

    try:
        return json.loads(serializer.to_json(value, by_alias=True, fallback=fallback))
    except ValueError as error:  # pydantic's own error is one
        raise TypeError(
            f"Object of type {type(value).__name__} is not JSON serializable: {error}"
        ) from error


def _is_media(kind: type) -> bool:
    return hasattr(kind, "_to_run_value")


def _is_figure(value: Any) -> bool:
    """Whether this is a DataFrame or belongs to a plotting library; `plt` itself does, too."""
    kind = type(value)
    module = value.__name__ if kind.__name__ == "module" else kind.__module__
    root = module.partition(".")[0] if isinstance(module, str) else ""
    return root in ("matplotlib", "plotly", "bokeh") or isinstance(
        value, _class_in("pandas", "DataFrame")
    )


def _by_media(value: Any, first: Any, walk: _Walk, path: tuple[str, ...]) -> Any:
    if walk.media is None:
        kind = type(first)
        raise TypeError(f"a {kind.__module__}.{kind.__name__} is not supported here yet")
    return walk.media(value, path)


def _list_in_circle(value: Any) -> bool:
    """Whether a list can be reached from itself; what only dicts close gives False."""
    on_way: dict[int, Any] = {}
    done: set[int] = set()
    stack: list[tuple[Any, bool]] = [(value, False)]
    while stack:
        here, left = stack.pop()
        if left:
            on_way.pop(id(here))
            done.add(id(here))
            continue
        if id(here) in on_way:
            ring = list(on_way.values())
            start = next(at for at, seen in enumerate(ring) if seen is here)
            return any(not isinstance(part, dict) for part in ring[start:])
        if id(here) in done or not isinstance(here, dict | list | tuple):
            continue
        on_way[id(here)] = here
        stack.append((here, True))
        below = list(here.values()) if isinstance(here, dict) else list(here)
        stack += [(part, False) for part in below if isinstance(part, dict | list | tuple)]
    return False


# -- single values -------------------------------------------------------------------------------


def _is_enum(value: Any) -> bool:
    return isinstance(value, _class_in("enum", "Enum"))


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _class_in(module: str, name: str) -> Any:
    """A class for isinstance; of a module that nothing has imported there can be no instance."""
    return getattr(sys.modules.get(module), name, ())


def _simple(value: Any) -> Any:
    """Something of Python's own for one value of another type, or the value itself."""
    if _is_enum(value):
        return value.value
    # Subclasses: their own methods may answer with something else.
    if isinstance(value, int):
        return int.__index__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes | bytearray):
        return value.decode()
    if isinstance(value, complex):
        return _complex_text(value)
    if _arrays.is_scalar(value):
        return _arrays.item(value)
    for module, name, text in _TEXTS:
        if isinstance(value, _class_in(module, name)):
            return text(value)
    return value


def _text(value: str) -> str:
    """Lone surrogates, which UTF-8 cannot carry, become replacement characters."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _key(key: Any) -> str:
    """The text of a dict's key."""
    if _is_enum(key):
        return _key(key.value)
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, tuple):
        return ",".join(map(_key, key))
    if _arrays.is_scalar(key):
        return _key(_arrays.item(key))
    if hasattr(type(key), "__dataclass_fields__"):
        return str(key)
    try:
        inner = _simple(key)
    except UnicodeDecodeError:
        inner = key
    if isinstance(inner, bool):
        return "true" if inner else "false"
    if inner is None or isinstance(inner, int | float):
        return repr(inner)
    if not isinstance(inner, str) and callable(inner):
        inner = _callable_name(inner)
    if not isinstance(inner, str):
        raise TypeError(f"keys must be str, int, float, bool or None, not {type(key).__name__}")
    return _text(inner)


def _enum_name(value: Any) -> str:
    # Combined flags have no name before Python 3.11.
    return str(value if value.name is None else value.name)


def _callable_name(value: Any) -> str:
    if hasattr(value, "__qualname__") and hasattr(value, "__module__"):
        return f"{value.__module__}.{value.__qualname__}"
    return str(value)


def _field_names(value: Any) -> list[str]:
    import dataclasses

    return [field.name for field in dataclasses.fields(value)]


def _time_text(value: Any, whole: int) -> str:
    """ISO text: Z for UTC, an offset without seconds, microseconds as the finest part."""
    if type(value).__name__ == "NaTType":
        return "NaT"
    datetime: Any = sys.modules["datetime"]
    base = datetime.datetime if isinstance(value, datetime.datetime) else datetime.time
    text: str = base.isoformat(value)
    offset = value.utcoffset()
    if offset is None:
        return text
    end = whole + 7 if value.microsecond else whole
    return text[:end] + (text[end : end + 6] if offset else "Z")


def _duration_text(value: Any) -> str:
    """ISO 8601, a year being 365 days."""
    micro = (value.days * 86400 + value.seconds) * 1_000_000 + value.microseconds
    sign, micro = ("-", -micro) if micro < 0 else ("", micro)
    seconds, micro = divmod(micro, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    years, days = divmod(days, 365)
    fraction = f".{micro:06}".rstrip("0") if micro else ""
    date = (f"{years}Y" if years else "") + (f"{days}D" if days else "")
    time = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    if seconds or fraction or not (date or time):
        time += f"{seconds}{fraction}S"
    return f"{sign}P{date}" + (f"T{time}" if time else "")


def _complex_text(value: complex) -> str:
    imaginary = _digits(value.imag) + "j"
    if value.real == 0:
        return imaginary
    return _digits(value.real) + ("" if imaginary.startswith("-") else "+") + imaginary


def _digits(number: float) -> str:
    """A float without exponent, and without a point where it is whole."""
    if _is_nan(number):
        return "NaN"
    text = repr(float(number))
    if "e" in text:
        from decimal import Decimal

        text = format(Decimal(text), "f")
    return text.removesuffix(".0")


_TEXTS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("datetime", "datetime", lambda value: _time_text(value, 19)),
    ("datetime", "date", lambda value: str(value.isoformat())),
    ("datetime", "time", lambda value: _time_text(value, 8)),
    ("datetime", "timedelta", _duration_text),
    ("decimal", "Decimal", str),
    ("fractions", "Fraction", str),
    ("uuid", "UUID", str),
    ("pathlib", "Path", str),
    ("ipaddress", "_IPAddressBase", str),
    ("re", "Pattern", lambda value: str(value.pattern)),
    ("pydantic.types", "_SecretBase", str),
)


# -- config --------------------------------------------------------------------------------------


def config_value(value: Any) -> Any:
    """A value of the config as the script reads it back: data of its own, whatever was given.

    What is no data becomes its text. Dicts keep keys that are no text: see `config_stored`.

    Raises TypeError for media, UnicodeDecodeError for bytes that are no UTF-8, RecursionError for
    what holds itself or is nested deeper than 400 levels.
    """
    if _is_media(type(value)):
        raise TypeError(
            f"a WBValue, here a {type(value).__name__}, cannot be a value of the config; log it"
        )
    return _config(value, 0)


sanitized = config_value


def config_stored(value: Any) -> Any:
    """What `config_value` returned, for storing: with text for every key."""
    if isinstance(value, dict):
        return {_config_key(key): config_stored(below) for key, below in value.items()}
    if isinstance(value, list):
        return [config_stored(below) for below in value]
    return value


def _config_key(key: Any) -> str:
    try:
        return _key(key)
    except TypeError:
        return _text(str(key))


def _config(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _text(value)
    if kind is int or kind is bool or value is None:
        return value
    if _is_nan(value):
        return None
    if kind is float:
        return value
    if depth > _DEEPEST:
        raise RecursionError(f"a value is nested deeper than {_DEEPEST} levels, or holds itself")
    if _is_enum(value):
        return _enum_name(value)
    if isinstance(value, (dict, _class_in("types", "MappingProxyType"))):
        return {key: _config(below, depth + 1) for key, below in list(value.items())}
    if kind is bytes:
        return _text(value.decode())
    items = _config_items(value, kind)
    if items is not None:
        return [_config(below, depth + 1) for below in items]
    if isinstance(value, slice):
        parts = {"start": value.start, "step": value.step, "stop": value.stop}
        return {f"slice_{part}": _config(below, depth + 1) for part, below in parts.items()}
    return _config_other(value, kind, depth)


def _config_items(value: Any, kind: type) -> list[Any] | None:
    if isinstance(value, set | frozenset) or (
        isinstance(value, Sequence) and not isinstance(value, str)
    ):
        if isinstance(value, _class_in("collections", "UserString")):
            return None
        return list(value)
    if kind.__module__ == "builtins" and isinstance(value, Iterator):
        return list(value)
    return None


def _config_other(value: Any, kind: type, depth: int) -> Any:
    if isinstance(value, complex):
        return _complex_text(value)
    if kind.__module__ == "numpy" and isinstance(value, int | float):
        return _simple(value)
    if _arrays.is_scalar(value):
        inner = _arrays.item(value)
        # A time becomes its plain text here, unlike one that the script set itself.
        is_time = isinstance(inner, _class_in("datetime", "datetime"))
        return str(inner) if is_time else _config(inner, depth + 1)
    if isinstance(value, (_class_in("datetime", "date"), _class_in("datetime", "time"))):
        return str(value.isoformat())
    if callable(value):
        return _text(_callable_name(value))
    if hasattr(kind, "__dataclass_fields__"):
        return {name: _config(getattr(value, name), depth + 1) for name in _field_names(value)}
    try:
        array = _arrays.as_numpy(value)
    except TypeError:  # the library has no numpy form for it, such as a sparse tensor
        array = None
    if array is None:
        return _text(str(value))
    size = getattr(array, "size", 1)
    if not hasattr(array, "dtype"):
        return _config(array, depth + 1)
    if size == 1:
        return _config(_arrays.item(array), depth + 1)
    return _text(str(value)) if size > _arrays.LONGEST else _config(array.tolist(), depth + 1)

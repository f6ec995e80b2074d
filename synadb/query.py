"""Which runs are wanted, and in what order: Mongo-style filters as a small tree.

`parse` turns `{"config.lr": {"$gt": 1e-3}, "tags": "best"}` into a tree, and `matches` decides in
plain Python whether a document fits it. An engine may find the same runs by other means, never
others. The rules, MongoDB's where nothing else is said:

- A field is `config.KEY`, `summary.KEY`, `metadata.KEY` or one of `FIELDS`. Dots in KEY lead into
  nested dicts, and a key that holds dots itself is found too, the longest first.
- Values compare with values of their kind only: numbers with numbers, text with text, bool with
  bool. `True` is not 1. NaN equals NaN and is neither greater nor less than anything.
- A list fits when any of its elements does, or the whole list equals the operand.
- A missing field fails every test but `{"$exists": False}` and those for None: `{"k": None}` and
  `{"$in": [..., None]}`. `$ne`, `$nin`, `$nor` and `$not` are the opposite of the test within, so
  a missing field satisfies them.
- Times (`created_at`, ...) are seconds since the epoch; an operand may be ISO 8601 text, in UTC
  where it names no zone.
- In an order numbers come before text and text before bool, all the other way round when
  descending; what has no order (missing, None, NaN, lists, dicts) comes last in both directions,
  and ties keep the order of creation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from synadb.errors import InvalidValueError

__all__ = [
    "DOCUMENTS",
    "EVERYTHING",
    "FIELDS",
    "LOGICAL",
    "MISSING",
    "NATIVE",
    "OPERATORS",
    "WANDB",
    "And",
    "Field",
    "Filter",
    "Key",
    "Names",
    "Not",
    "Operator",
    "Or",
    "Order",
    "Test",
    "arrange",
    "document",
    "duration",
    "evaluate",
    "fields",
    "matches",
    "metric_number",
    "parse",
    "parse_order",
    "resolve",
    "value_of",
]

T = TypeVar("T")


class _Missing:
    """The value of a field that is not there."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()

# -- fields ----------------------------------------------------------------------------------------

DOCUMENTS = ("config", "summary", "metadata")
"""Fields that are documents: what follows their dot is a path."""

FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "run_id": "text",
        "experiment": "text",
        "name": "text",
        "state": "text",
        "status": "text",
        "notes": "text",
        "group": "text",
        "job_type": "text",
        "host": "text",
        "tags": "list",
        "created_at": "time",
        "updated_at": "time",
        "ended_at": "time",
        "duration": "number",
        "exit_code": "number",
        "last_step": "number",
        "row_count": "number",
    }
)
"""The other fields of a run, and what each holds."""


class Field(NamedTuple):
    """A field: one of `FIELDS`, or a document with the paths to try in turn (none: all of it)."""

    root: str
    paths: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.root}.{self.paths[0]}" if self.paths else self.root


class Names(NamedTuple):
    """How a caller spells fields.

    `aliases` maps other names of fields and documents to those here. `constants` are fields with
    one value for all runs. An unknown name is refused when `strict`, and otherwise a field that no
    run has. With `wrapped` a key of the config may be followed by `.value`. With `spelled` the
    texts NaN, Infinity and -Infinity also mean those numbers.
    """

    aliases: Mapping[str, str] = MappingProxyType({})
    constants: Mapping[str, Any] = MappingProxyType({})
    strict: bool = True
    wrapped: bool = False
    spelled: bool = False

    def field(self, name: str) -> Field | None:
        """The field of this name, None for one that no run has; InvalidValueError."""
        first, dot, rest = name.partition(".")
        whole = self.aliases.get(name) or self.aliases.get(first, first) + dot + rest
        head, dot, path = whole.partition(".")
        if not dot and (head in FIELDS or head in DOCUMENTS):
            return Field(head)
        if path and head in DOCUMENTS:
            return Field(head, self._paths(head, path))
        if self.strict:
            known = ", ".join(sorted({*FIELDS, *self.aliases}))
            raise InvalidValueError(
                f"a run has no field {name!r}; use config.KEY, summary.KEY, metadata.KEY or one "
                f"of {known}"
            )
        return None

    def _paths(self, head: str, path: str) -> tuple[str, ...]:
        if not (self.wrapped and head == "config"):
            return (path,)
        if path.endswith(".value"):
            return (path, path.removesuffix(".value"))
        if ".value." in path:
            return (path, path.replace(".value.", ".", 1))
        return (path,)


_SWEEP = {"sweep": "metadata.sweep"}
NATIVE = Names(_SWEEP)
"""The names of this module, and `sweep`."""

WANDB = Names(
    aliases=MappingProxyType(
        {
            **_SWEEP,
            "sweepName": "metadata.sweep",
            "id": "run_id",
            "name": "run_id",
            "display_name": "name",
            "displayName": "name",
            "project": "experiment",
            "jobType": "job_type",
            "description": "notes",
            "createdAt": "created_at",
            "heartbeat_at": "updated_at",
            "heartbeatAt": "updated_at",
            "updatedAt": "updated_at",
            "exitcode": "exit_code",
            "historyLineCount": "row_count",
            "summary_metrics": "summary",
            "summaryMetrics": "summary",
        }
    ),
    strict=False,
    wrapped=True,
    spelled=True,
)
"""The names in filters of `wandb.Api`; `_replace(constants={"username": ...})` adds the owner."""


def resolve(values: Any, path: str) -> Any:
    """What a dotted path leads to in nested dicts, or MISSING.

    A key with dots of its own is found, the longest first: `{"a.b": 1}` before `{"a": {"b": 2}}`.
    """
    if not isinstance(values, Mapping):
        return MISSING
    if path in values:
        return values[path]
    at = path.rfind(".")
    while at >= 0:
        head = path[:at]
        if head in values:
            found = resolve(values[head], path[at + 1 :])
            if found is not MISSING:
                return found
        at = path.rfind(".", 0, at)
    return MISSING


def value_of(run: Mapping[str, Any], field: Field) -> Any:
    """A field of a document, or MISSING."""
    if not field.paths:
        value = run.get(field.root)
        return MISSING if value is None else value
    for path in field.paths:
        found = resolve(run.get(field.root), path)
        if found is not MISSING:
            return found
    return MISSING


_SUMMARIES = frozenset(("best", "first", "last", "max", "mean", "min"))


def metric_number(value: Any, *preferred: str) -> Any:
    """The number that a metric's value in a summary stands for; any other value stays as it is.

    After `define_metric(..., summary="max")` the value is a dict, `{"max": 0.3}`: the first of
    `preferred` in it counts, or its only number.
    """
    if not isinstance(value, Mapping) or not value or not value.keys() <= _SUMMARIES:
        return value
    numbers = {key: number for key, number in value.items() if type(number) in _NUMBERS}
    for key in preferred:
        if key in numbers:
            return numbers[key]
    return next(iter(numbers.values())) if len(numbers) == 1 else value


def duration(run: Any) -> float:
    """Seconds from a RunRecord's start to its end, or until it was last heard of."""
    end: float = run.updated_at if run.ended_at is None else run.ended_at
    return end - float(run.created_at)


def document(run: Any) -> dict[str, Any]:
    """What `matches` looks at, of a RunRecord: its fields, and `status` and `duration`."""
    return {
        **run._asdict(),
        "tags": list(run.tags),
        "status": run.status,
        "duration": duration(run),
    }


# -- the tree --------------------------------------------------------------------------------------


class Test(NamedTuple):
    """One operator applied to one field."""

    field: Field
    operator: str
    operand: Any


class And(NamedTuple):
    """All of them fit."""

    filters: tuple[Filter, ...]


class Or(NamedTuple):
    """Any of them fits."""

    filters: tuple[Filter, ...]


class Not(NamedTuple):
    """The one within does not fit."""

    filter: Filter


Filter = Test | And | Or | Not

EVERYTHING = And(())
"""Fits every run."""


class Key(NamedTuple):
    """One key of an order."""

    field: Field
    descending: bool = False


Order = tuple[Key, ...]

# -- operators -------------------------------------------------------------------------------------


class Operator(NamedTuple):
    """What an operator takes and when it fits.

    `operand` checks and converts what stands behind it. `fits` gets the field's value (or MISSING)
    and the operand. `each` says whether a list fits when an element does.
    """

    operand: Callable[[str, Any], Any]
    fits: Callable[[Any, Any], bool]
    each: bool
    help: str


def _rank(value: Any) -> int:
    """The kind of a value among those that compare with each other; -1: with none."""
    kind = type(value)
    if kind is float:
        return -1 if math.isnan(value) else 0
    return 0 if kind is int else 1 if kind is str else 2 if kind is bool else -1


def _equal(value: Any, operand: Any) -> bool:
    kind, other = type(value), type(operand)
    if kind in _NUMBERS and other in _NUMBERS:
        return bool(value == operand) or (_rank(value) < 0 and _rank(operand) < 0)  # NaN
    if isinstance(value, Mapping):
        return (
            isinstance(operand, Mapping)
            and value.keys() == operand.keys()
            and all(_equal(item, operand[key]) for key, item in value.items())
        )
    if isinstance(value, list):
        return (
            isinstance(operand, list)
            and len(value) == len(operand)
            and all(map(_equal, value, operand))
        )
    return kind is other and bool(value == operand)


_NUMBERS = (int, float)


def _compared(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def fits(value: Any, operand: Any) -> bool:
        rank = _rank(value)
        return rank >= 0 and rank == _rank(operand) and holds(value, operand)

    return fits


def _eq(value: Any, operand: Any) -> bool:
    if value is MISSING or value is None:
        return operand is None
    return _equal(value, operand)


def _in(value: Any, operand: Sequence[Any]) -> bool:
    return any(_eq(value, wanted) for wanted in operand)


def _regex(value: Any, operand: re.Pattern[str]) -> bool:
    return isinstance(value, str) and operand.search(value) is not None


def _exists(value: Any, operand: bool) -> bool:
    return (value is not MISSING) is operand


def _all(value: Any, operand: Sequence[Any]) -> bool:
    has = OPERATORS["$eq"]
    return bool(operand) and all(_fits(has, value, wanted) for wanted in operand)


def _size(value: Any, operand: int) -> bool:
    return isinstance(value, list) and len(value) == operand


def _fits(operator: Operator, value: Any, operand: Any) -> bool:
    if operator.fits(value, operand):
        return True
    return (
        operator.each
        and isinstance(value, list)
        and any(operator.fits(item, operand) for item in value)
    )


def _plain(name: str, value: Any) -> Any:
    """An operand as plain data: scalars of numpy as Python's, tuples and sets as lists."""
    kind = type(value)
    if value is None or kind in (str, int, float, bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(name, item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(name, item) for item in value]
    for base in (int, float, str):
        if isinstance(value, base):
            return base(value)
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "size", 1) == 1:
        return _plain(name, item())
    raise InvalidValueError(f"{name} cannot compare with a {kind.__name__}; give a number or text")


def _scalar(name: str, value: Any) -> Any:
    value = _plain(name, value)
    if type(value) not in (str, int, float, bool):
        raise InvalidValueError(
            f"{name} takes a number, text or bool, not {value!r}; "
            'for a field that is missing write {"$exists": False}'
        )
    return value


def _values(name: str, value: Any) -> list[Any]:
    value = _plain(name, value)
    if not isinstance(value, list):
        raise InvalidValueError(f"{name} takes a list, not {value!r}; write [{value!r}]")
    return value


def _truth(name: str, value: Any) -> bool:
    if value not in (True, False):
        raise InvalidValueError(f"{name} takes True or False, not {value!r}")
    return bool(value)


def _count(name: str, value: Any) -> int:
    value = _plain(name, value)
    if type(value) is not int or value < 0:
        raise InvalidValueError(f"{name} takes the length of a list, not {value!r}")
    return value


def _pattern(name: str, value: Any) -> re.Pattern[str]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        return value
    if not isinstance(value, str):
        raise InvalidValueError(f"{name} takes a regular expression as text, not {value!r}")
    try:
        return re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidValueError(
            f"{name}: {value!r} is no regular expression: {error}; a character that is meant "
            "literally takes a backslash in front"
        ) from error


OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "$eq": Operator(_plain, _eq, True, "equal; None: missing or None"),
        "$ne": Operator(_plain, _eq, True, "not equal"),
        "$gt": Operator(_scalar, _compared(lambda a, b: a > b), True, "greater"),
        "$gte": Operator(_scalar, _compared(lambda a, b: a >= b), True, "greater or equal"),
        "$lt": Operator(_scalar, _compared(lambda a, b: a < b), True, "less"),
        "$lte": Operator(_scalar, _compared(lambda a, b: a <= b), True, "less or equal"),
        "$in": Operator(_values, _in, True, "equal to one of a list"),
        "$nin": Operator(_values, _in, True, "equal to none of a list"),
        "$regex": Operator(_pattern, _regex, True, "text in which the pattern is found"),
        "$exists": Operator(_truth, _exists, False, "whether the field is there"),
        "$all": Operator(_values, _all, False, "a list that has all of these"),
        "$size": Operator(_count, _size, False, "a list of this length"),
    }
)
"""What may stand behind a field. `$ne` and `$nin` are parsed as the opposite of `$eq` and `$in`."""

_OPPOSITES = {"$ne": "$eq", "$nin": "$in"}

LOGICAL: Mapping[str, str] = MappingProxyType(
    {
        "$and": "all of a list of filters fit",
        "$or": "any of a list of filters fits",
        "$nor": "none of a list of filters fits",
        "$not": "the filter, or the field's conditions, do not fit",
    }
)
"""What combines filters."""

_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}
_SPELLED = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


# -- parsing ---------------------------------------------------------------------------------------


def parse(filters: Mapping[str, Any] | Filter | None, names: Names = NATIVE) -> Filter:
    """A filter as a tree; a tree stays as it is, and None or {} fits every run.

    InvalidValueError names the operator or field and the mend.
    """
    if isinstance(filters, Test | And | Or | Not):
        return filters
    if filters is None:
        return EVERYTHING
    return _filter(filters, names)


def _filter(filters: Any, names: Names) -> Filter:
    if not isinstance(filters, Mapping):
        raise InvalidValueError(
            f'a filter is a dict such as {{"config.lr": {{"$gt": 0.1}}}}, not {filters!r}'
        )
    parts: list[Filter] = []
    for name, value in filters.items():
        if not isinstance(name, str):
            raise InvalidValueError(f"a field's name is a str, not {name!r}")
        if name.startswith("$"):
            parts.append(_combined(name, value, names))
        else:
            parts.append(_conditions(name, value, names))
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _combined(name: str, value: Any, names: Names) -> Filter:
    if name == "$not":
        return Not(_filter(value, names))
    if name not in LOGICAL:
        if name in OPERATORS:
            raise InvalidValueError(
                f'{name} belongs behind a field: {{"config.lr": {{"{name}": ...}}}}'
            )
        raise _unknown(name)
    if not isinstance(value, list | tuple) or not value:
        raise InvalidValueError(f"{name} takes a list of filters, not {value!r}")
    parts = tuple(_filter(each, names) for each in value)
    if name == "$and":
        return And(parts)
    return Or(parts) if name == "$or" else Not(Or(parts))


def _unknown(name: str) -> InvalidValueError:
    return InvalidValueError(
        f"{name!r} is no operator of a filter; use one of {', '.join((*OPERATORS, *LOGICAL))}"
    )


def _conditions(name: str, value: Any, names: Names) -> Filter:
    """The filter for `{name: value}`."""
    if not (isinstance(value, Mapping) and any(str(key).startswith("$") for key in value)):
        if isinstance(value, re.Pattern):
            return _test(name, "$regex", value, names)
        return _test(name, "$eq", value, names)
    if "$options" in value:
        if "$regex" not in value:
            raise InvalidValueError(f"{name}: $options goes with $regex")
        value = {**value, "$regex": _with_options(name, value["$regex"], value["$options"])}
    parts: list[Filter] = []
    for operator, operand in value.items():
        if operator == "$options":
            continue
        if operator == "$not":
            if not isinstance(operand, Mapping | re.Pattern):
                raise InvalidValueError(f'{name}: $not takes conditions such as {{"$gt": 1}}')
            parts.append(Not(_conditions(name, operand, names)))
        elif operator in OPERATORS:
            parts.append(_test(name, operator, operand, names))
        elif str(operator).startswith("$"):
            raise _unknown(operator)
        else:
            raise InvalidValueError(
                f"{name}: operators and the key {operator!r} stand side by side; "
                f"write {name}.{operator} for a key below {name}"
            )
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _with_options(name: str, pattern: Any, options: Any) -> re.Pattern[str]:
    if not isinstance(options, str) or not set(options) <= set(_FLAGS):
        raise InvalidValueError(
            f"{name}: $options takes the letters {''.join(_FLAGS)}, not {options!r}"
        )
    compiled = _pattern("$regex", pattern)
    flags = compiled.flags
    for letter in options:
        flags |= _FLAGS[letter]
    return re.compile(compiled.pattern, flags)


def _test(name: str, operator: str, operand: Any, names: Names) -> Filter:
    operand = OPERATORS[operator].operand(operator, operand)
    positive = _OPPOSITES.get(operator, operator)
    if name in names.constants:
        return _always(_fits(OPERATORS[positive], names.constants[name], operand), operator)
    field = names.field(name)
    if field is None:
        return _always(_fits(OPERATORS[positive], MISSING, operand), operator)
    if FIELDS.get(field.root) == "time":
        operand = _seconds(name, positive, operand)
    elif names.spelled:
        positive, operand = _unspelled(positive, operand)
    test = Test(field, positive, operand)
    return test if positive == operator or operator not in _OPPOSITES else Not(test)


def _always(fits: bool, operator: str) -> Filter:
    return EVERYTHING if fits is (operator not in _OPPOSITES) else Not(EVERYTHING)


def _unspelled(operator: str, operand: Any) -> tuple[str, Any]:
    if operator == "$eq" and isinstance(operand, str) and operand in _SPELLED:
        return "$in", [operand, _SPELLED[operand]]
    if operator == "$in":
        more = [_SPELLED[each] for each in operand if isinstance(each, str) and each in _SPELLED]
        return "$in", operand + more
    return operator, operand


def _seconds(name: str, operator: str, operand: Any) -> Any:
    if isinstance(operand, list):
        return [_seconds(name, operator, each) for each in operand]
    if operator == "$regex":
        raise InvalidValueError(f"{name} is a time: compare it with $gte and $lt, not $regex")
    if not isinstance(operand, str):
        return operand
    from datetime import datetime, timezone

    # Before Python 3.11 `fromisoformat` knows neither Z nor fractions of any length.
    text = re.sub(r"[zZ]$", "+00:00", operand.strip())
    text = re.sub(r"\.(\d+)", lambda found: "." + found[1][:6].ljust(6, "0"), text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidValueError(
            f"{name}: {operand!r} is no time; write 2024-05-01T12:00:00Z or seconds since the epoch"
        ) from error
    return (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).timestamp()


def parse_order(order: str | Iterable[str] | Order | None, names: Names = NATIVE) -> Order:
    """An order as keys: `-summary.acc`, `+created_at,-config.lr`, or a list of such texts.

    `-` is descending; `+` or nothing ascending. In one text commas separate; a name that has
    commas goes into a list.
    """
    if order is None:
        return ()
    if isinstance(order, str):
        texts: list[Any] = [part.strip() for part in order.split(",") if part.strip()]
    else:
        texts = list(order)
    keys = []
    for text in texts:
        if isinstance(text, Key):
            keys.append(text)
            continue
        if not isinstance(text, str) or not text.strip("+- "):
            raise InvalidValueError(
                f'an order is text such as "-summary.acc" or a list of such texts, not {text!r}'
            )
        name = text[1:] if text[0] in "+-" else text
        field = None if name in names.constants else names.field(name)
        if field is not None:  # else the same for all runs
            keys.append(Key(field, text[0] == "-"))
    return tuple(keys)


# -- evaluating ------------------------------------------------------------------------------------


def evaluate(filter: Filter, get: Callable[[Field], Any]) -> bool:
    """Whether a run fits whose fields `get` returns (MISSING where there is none)."""
    if isinstance(filter, Test):
        return _fits(OPERATORS[filter.operator], get(filter.field), filter.operand)
    if isinstance(filter, And):
        return all(evaluate(each, get) for each in filter.filters)
    if isinstance(filter, Or):
        return any(evaluate(each, get) for each in filter.filters)
    return not evaluate(filter.filter, get)


def matches(filter: Filter, document: Mapping[str, Any]) -> bool:
    """Whether a document fits: a dict as `document` makes it of a run. The reference."""
    return evaluate(filter, lambda field: value_of(document, field))


def arrange(items: Iterable[T], order: Order, get: Callable[[T, Field], Any]) -> list[T]:
    """The items in order, ties as they come; `get` returns an item's field."""
    arranged = list(items)
    for key in reversed(order):
        present: list[tuple[tuple[int, Any], T]] = []
        absent = []
        for item in arranged:
            value = get(item, key.field)
            rank = _rank(value)
            if rank < 0:
                absent.append(item)
            else:
                present.append(((rank, value), item))
        present.sort(key=lambda pair: pair[0], reverse=key.descending)
        arranged = [item for _, item in present] + absent
    return arranged


def fields(filter: Filter) -> set[Field]:
    """The fields that a filter looks at."""
    if isinstance(filter, Test):
        return {filter.field}
    if isinstance(filter, Not):
        return fields(filter.filter)
    return {field for each in filter.filters for field in fields(each)}

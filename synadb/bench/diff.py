"""Compares what two sides recorded, field by field.

The rule is that of JSON, since that is what wandb writes: 1 and 1.0 are one number. NaN equals NaN.
True is not 1, and "1" is not 1. In rows, and so in a summary that comes of them, wandb writes an
integer beyond 64 bits as a float: there it is the same as the float next to it. In a config it is
exact.

A name or an id that one side made up is no difference: wandb makes up no names offline.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from synadb.bench.recorded import Recorded, RecordedRun, is_made_up_id, is_made_up_name

__all__ = ["MISSING", "Difference", "diff", "path_to", "same_value"]

_PLAIN_KEY = re.compile(r"[A-Za-z_][\w/\- ]*")


class _Missing:
    """Stands for a value that only the other side has."""

    def __repr__(self) -> str:
        return "(missing)"


MISSING: Final = _Missing()


@dataclass(frozen=True)
class Difference:
    """One place where the two differ, such as `runs[0].history[17].loss`."""

    path: str
    left: Any
    right: Any

    def __str__(self) -> str:
        return f"{self.path}: {_short(self.left)} / {_short(self.right)}"


def diff(left: Recorded, right: Recorded) -> list[Difference]:
    """Return every difference, in the order of the records.

    Rows are compared one by one in their order where both sides have the same steps. Where they
    have not, each row that only one side has is one difference, and the rest is compared by step.
    """
    return [
        found
        for number, (a, b) in enumerate(_pairs(left.runs, right.runs))
        for found in _diff_run(f"runs[{number}]", a, b)
    ]


def same_value(a: Any, b: Any, *, exact: bool = False) -> bool:
    """Whether two values are the same by the rule above; `exact` is that of a config."""
    return not any(_diff_value("", a, b, exact))


def path_to(path: str, key: str | int) -> str:
    """Return the path of an element below `path`: `.key`, or in brackets what is no plain word."""
    return f"{path}.{key}" if _PLAIN_KEY.fullmatch(str(key)) else f"{path}[{key!r}]"


def _pairs(a: Sequence[Any], b: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    for number in range(max(len(a), len(b))):
        yield (
            a[number] if number < len(a) else MISSING,
            b[number] if number < len(b) else MISSING,
        )


def _diff_run(path: str, a: Any, b: Any) -> Iterator[Difference]:
    if a is MISSING or b is MISSING:
        yield Difference(path, _run_name(a), _run_name(b))
        return
    for field in fields(RecordedRun):
        place = f"{path}.{field.name}"
        x, y = getattr(a, field.name), getattr(b, field.name)
        if field.name == "history":
            yield from _diff_history(place, x, y)
        elif not _made_up(field.name, x, y):
            yield from _diff_value(place, x, y, exact=field.name == "config")


def _made_up(field: str, x: Any, y: Any) -> bool:
    """Whether the two differ in what the script did not choose."""
    if field == "run_id":
        return is_made_up_id(x) and is_made_up_id(y)
    return field == "name" and "" in (x, y) and is_made_up_name(x or y)


def _run_name(run: Any) -> Any:
    return run if run is MISSING else f"a run of {run.project!r} with {len(run.history)} rows"


def _diff_history(
    path: str, a: Sequence[dict[str, Any]], b: Sequence[dict[str, Any]]
) -> Iterator[Difference]:
    steps_a, steps_b = _steps(a), _steps(b)
    if steps_a is None or steps_b is None or steps_a.keys() == steps_b.keys():
        for number, (x, y) in enumerate(_pairs(a, b)):
            yield from _diff_value(f"{path}[{number}]", x, y)
        return
    for step in sorted(steps_a.keys() | steps_b.keys()):
        number = steps_a[step] if step in steps_a else steps_b[step]
        x = a[steps_a[step]] if step in steps_a else MISSING
        y = b[steps_b[step]] if step in steps_b else MISSING
        yield from _diff_value(f"{path}[{number}]", x, y)


def _steps(rows: Sequence[dict[str, Any]]) -> dict[int, int] | None:
    """The place of each step, if every row has a later one than the row before it."""
    places: dict[int, int] = {}
    last = -math.inf
    for place, row in enumerate(rows):
        step = row.get("_step")
        if type(step) is not int or step <= last:
            return None
        places[step] = place
        last = step
    return places


def _diff_value(path: str, a: Any, b: Any, exact: bool = False) -> Iterator[Difference]:
    if isinstance(a, dict) and isinstance(b, dict):
        # Not sorted: keys come in the order of the left side, so the report reads like the script.
        for key in [*a, *(key for key in b if key not in a)]:
            x, y = a.get(key, MISSING), b.get(key, MISSING)
            yield from _diff_value(path_to(path, key), x, y, exact)
    elif isinstance(a, list) and isinstance(b, list):
        for number, (x, y) in enumerate(_pairs(a, b)):
            yield from _diff_value(path_to(path, number), x, y, exact)
    elif not _same_leaf(a, b, exact):
        yield Difference(path, a, b)


def _same_leaf(a: Any, b: Any, exact: bool) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        if not exact and type(a) is not type(b):
            a, b = _row_number(a), _row_number(b)
        return bool(a == b or (a != a and b != b))  # noqa: PLR0124 - only NaN is not itself
    return type(a) is type(b) and bool(a == b)


def _row_number(number: float) -> float:
    if isinstance(number, int) and not -(2**63) <= number < 2**63:
        try:
            return float(number)
        except OverflowError:
            return math.inf if number > 0 else -math.inf
    return number


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"

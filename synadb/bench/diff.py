"""Compares what two sides recorded, field by field.

The rule is that of JSON, since that is what wandb writes: 1 and 1.0 are one number. NaN equals NaN.
True is not 1, and "1" is not 1. In rows, and so in a summary that comes of them, wandb writes an
integer beyond 64 bits as a float: there it is the same as the float next to it. In a config it is
exact.

A name or an id that one side made up is no difference: wandb makes up no names offline. Files are
compared by what they hold: see `contents`. A difference with a known reason has it: see `reasons`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any, TypeAlias

from synadb.bench.contents import Content, in_words
from synadb.bench.difference import MISSING, Difference
from synadb.bench.reasons import (
    AGAIN,
    follows_rows,
    is_logged_again,
    lacks_what_is_logged_again,
    reason_for,
    turns,
)
from synadb.bench.recorded import Recorded, RecordedRun, is_made_up_id, is_made_up_name

__all__ = ["counterparts", "diff", "path_to", "same_value"]

# Those that have been compared, as pairs.
_Earlier: TypeAlias = Sequence[tuple[RecordedRun, RecordedRun]]

_PLAIN_KEY = re.compile(r"[A-Za-z_][\w/\- ]*")


def diff(left: Recorded, right: Recorded) -> list[Difference]:
    """Return every difference, in the order of the records.

    Rows are compared one by one in their order where both sides have the same steps. Where they
    have not, each row that only one side has is one difference, and the rest is compared by step.
    Runs are compared in the order of their start, but for those that are another's counterpart.
    """
    found: list[Difference] = []
    earlier: list[tuple[RecordedRun, RecordedRun]] = []
    for number, (a, b) in enumerate(counterparts(left.runs, right.runs)):
        found += _with_reasons(list(_diff_run(f"runs[{number}]", a, b, earlier)), a, b)
        if a is not MISSING and b is not MISSING:
            earlier.append((a, b))
    again = any(one.reason == AGAIN for one in found)
    for one in _diff_value("artifacts", left.artifacts, right.artifacts, exact=True):
        reason = AGAIN if again and is_logged_again(one, left, right) else ""
        found.append(_with_reason(replace(one, part=one.part or "artifacts", reason=reason)))
    return found


def _with_reasons(found: list[Difference], a: Any, b: Any) -> Iterator[Difference]:
    if a is MISSING or b is MISSING:
        yield from found
        return
    turned = next((one.reason for one in found if one.part == "history" and one.reason), "")
    for one in found:
        if turned and one.part == "summary" and follows_rows(one, a, b):
            yield replace(one, reason=turned)
        else:
            yield _with_reason(one, a, b)


def _with_reason(
    found: Difference, left: RecordedRun | None = None, right: RecordedRun | None = None
) -> Difference:
    reason = reason_for(found, left, right)
    return replace(found, reason=reason) if reason else found


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


def counterparts(
    runs: Sequence[RecordedRun], others: Sequence[RecordedRun]
) -> Iterator[tuple[Any, Any]]:
    """Each run with the one of the same project, config, and chosen name and id, or else in order.

    Processes that start at once do so in an order that is chance. Where a side has a run more, all
    are in order.
    """
    if len(runs) != len(others):
        yield from _pairs(runs, others)
        return
    left, right = list(map(_identity, runs)), list(map(_identity, others))
    taken = {n: n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a == b}
    free = [number for number in range(len(others)) if number not in taken]
    for wanted in (True, False):  # first those that are the same, then any
        for number, identity in enumerate(left):
            found = (n for n in free if not wanted or right[n] == identity)
            if number not in taken and (place := next(found, None)) is not None:
                taken[number] = place
                free.remove(place)
    for number, run in enumerate(runs):
        yield run, others[taken[number]]


def _identity(run: RecordedRun) -> tuple[Any, ...]:
    run_id = "" if is_made_up_id(run.run_id) else run.run_id
    name = "" if is_made_up_name(run.name) else run.name
    return run.project, run.group, run.job_type, run_id, name, repr(sorted(run.config.items()))


def _diff_run(path: str, a: Any, b: Any, earlier: _Earlier) -> Iterator[Difference]:
    if a is MISSING or b is MISSING:
        yield Difference(path, _run_name(a), _run_name(b), "runs")
        return
    for field in fields(RecordedRun):
        if not field.metadata.get("compared", True):
            continue
        x, y = getattr(a, field.name), getattr(b, field.name)
        if _made_up(field.name, x, y):
            continue
        for found in _diff_field(field.name, f"{path}.{field.name}", x, y, earlier):
            yield found if found.part else replace(found, part=field.name)


def _diff_field(name: str, path: str, x: Any, y: Any, earlier: _Earlier) -> Iterator[Difference]:
    if name == "history":
        return _diff_history(path, x, y, earlier)
    if name == "console":
        return _diff_console(path, x, y)
    return _diff_value(path, x, y, exact=name == "config")


def _made_up(field: str, x: Any, y: Any) -> bool:
    """Whether the two differ in what the script did not choose."""
    if field == "run_id":
        return is_made_up_id(x) and is_made_up_id(y)
    return field == "name" and "" in (x, y) and is_made_up_name(x or y)


def _run_name(run: Any) -> Any:
    return run if run is MISSING else f"a run of {run.project!r} with {len(run.history)} rows"


def _diff_history(
    path: str, a: Sequence[dict[str, Any]], b: Sequence[dict[str, Any]], earlier: _Earlier
) -> Iterator[Difference]:
    steps_a, steps_b = _steps(a), _steps(b)
    found = list(_diff_rows(path, a, b, steps_a, steps_b))
    reason = ""
    if found and steps_a is not None and steps_b is not None:
        reason = AGAIN if lacks_what_is_logged_again(a, b, earlier) else turns(a, b)
    if reason:
        left, right = (f"{len(rows):,} rows" for rows in (a, b))
        yield Difference(path, left, right, detail=f"from {found[0].path}", reason=reason)
    else:
        yield from found


def _diff_rows(
    path: str,
    a: Sequence[dict[str, Any]],
    b: Sequence[dict[str, Any]],
    steps_a: dict[int, int] | None,
    steps_b: dict[int, int] | None,
) -> Iterator[Difference]:
    if steps_a is None or steps_b is None or steps_a.keys() == steps_b.keys():
        for number, (x, y) in enumerate(_pairs(a, b)):
            yield from _diff_value(f"{path}[{number}]", x, y)
        return
    for step in sorted(steps_a.keys() | steps_b.keys()):
        number = steps_a[step] if step in steps_a else steps_b[step]
        x = a[steps_a[step]] if step in steps_a else MISSING
        y = b[steps_b[step]] if step in steps_b else MISSING
        yield from _diff_value(f"{path}[{number}]", x, y)


def _diff_console(
    path: str, a: dict[str, list[str]], b: dict[str, list[str]]
) -> Iterator[Difference]:
    """Stream by stream, line by line; a line that only one side has moves none of the others."""
    for stream in sorted({*a, *b}):
        x, y = a.get(stream, []), b.get(stream, [])
        begin = _same_lines(x, y)
        end = min(_same_lines(x[::-1], y[::-1]), min(len(x), len(y)) - begin)
        between = _pairs(x[begin : len(x) - end], y[begin : len(y) - end])
        for number, (line, other) in enumerate(between, begin):
            yield from _diff_value(f"{path}.{stream}[{number}]", line, other)


def _same_lines(a: Sequence[str], b: Sequence[str]) -> int:
    """How many lines are the same from the beginning."""
    for number, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return number
    return min(len(a), len(b))


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
    elif isinstance(a, Content) and isinstance(b, Content):
        yield from _diff_content(path, a, b)
    elif not _same_leaf(a, b, exact):
        yield Difference(path, a, b)


def _diff_content(path: str, a: Content, b: Content) -> Iterator[Difference]:
    if a.kind == b.kind == "JSON":
        for found in _diff_value(path, a.tree, b.tree):
            yield replace(found, part=found.part or a.part)
    elif (a.kind, a.digest) != (b.kind, b.digest):
        yield Difference(path, a, b, a.part, in_words(a, b))


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

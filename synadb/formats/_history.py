"""What the writers of histories share: which columns there are, and rows as columns of values."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from synadb.errors import InvalidValueError, MetricNotFoundError, SynaDBError
from synadb.folders import whole_file
from synadb.storage.blocks import EXACT

if TYPE_CHECKING:
    import numpy as np

    from synadb.storage.blocks import Block
    from synadb.tracker import ExperimentTracker

    Array = np.ndarray[Any, Any]

Advance = Callable[[int], None]  # told how many more rows have been written

__all__ = [
    "OWN",
    "Advance",
    "Flat",
    "describe",
    "finite",
    "flat_blocks",
    "strict_json",
    "target",
    "told_apart",
]

OWN = {"_step": "int", "_runtime": "float", "_timestamp": "float"}


class Flat(NamedTuple):
    """Some rows of a run as columns: (values, which of them are there, None for all)."""

    n: int
    columns: dict[str, tuple[Array, Array | None]]


def describe(tracker: ExperimentTracker, run_ids: Sequence[str]) -> dict[str, str]:
    """The columns of the runs' histories, nested keys joined by dots, and what they hold.

    float, int, bool, str, none or json; see `Store.kinds`.
    """
    found: dict[str, set[str]] = {}
    whole: dict[str, list[str]] = {}
    for run_id in run_ids:
        tracker._drain(run_id)
        for key, kind in tracker._store.kinds(run_id).items():
            found.setdefault(key, set()).update({kind} - {"none"})
            if kind == "int":
                whole.setdefault(key, []).append(run_id)
    joined = {key: next(iter(seen), "none") for key, seen in found.items()}
    for key, seen in found.items():
        if len(seen) > 1:
            mixed = seen == {"int", "float"} and _exact(tracker, key, whole[key])
            joined[key] = "float" if mixed else "json"
    return {**OWN, **{key: kind for key, kind in joined.items() if key not in OWN}}


def told_apart(run_ids: Sequence[str], columns: Mapping[str, str]) -> bool:
    """Whether a column `_run` says whose row one is; InvalidValueError where a run has that key."""
    several = len(run_ids) > 1
    if several and "_run" in columns:
        raise InvalidValueError(
            "a run has logged a key '_run', which is the column that tells several runs apart: "
            "export it alone, or with --long"
        )
    return several


def _exact(tracker: ExperimentTracker, key: str, run_ids: Sequence[str]) -> bool:
    """Whether the integers of some runs are float64 as well."""
    try:
        metrics = [tracker.get_metric(run_id, key).values for run_id in run_ids]
    except MetricNotFoundError:  # inside a dict
        return False
    return all(int(values.min()) >= -EXACT and int(values.max()) <= EXACT for values in metrics)


def flat_blocks(
    tracker: ExperimentTracker, run_id: str, advance: Advance | None = None
) -> Iterator[Flat]:
    """The rows of a run, a page at a time, dicts taken apart into a column for each leaf.

    `advance` is told of each page when the next is asked for.
    """
    for block in tracker._store.blocks(run_id):
        flat = _flat(block)
        yield flat
        if advance is not None:
            advance(flat.n)


def _flat(block: Block) -> Flat:
    columns: dict[str, tuple[Array, Array | None]] = {}
    for name, (values, present) in block.columns.items():
        if values.dtype.kind == "O" and any(isinstance(v, Mapping) and v for v in values):
            _take_apart(columns, name, values, present)
        elif name in columns:
            _cover(columns, name, values, present)
        else:
            columns[name] = values, present
    columns |= {
        "_step": (block.steps, None),
        "_runtime": (block.runtimes, None),
        "_timestamp": (block.times, None),
    }
    return Flat(len(block.steps), columns)


def _take_apart(
    columns: dict[str, tuple[Array, Array | None]],
    name: str,
    values: Array,
    present: Array | None,
) -> None:
    import numpy as np

    leaves: dict[str, tuple[Array, Array]] = {}
    for row, value in enumerate(values):
        if present is not None and not present[row]:
            continue
        for leaf, item in flatten(value, name):
            if leaf not in leaves:
                leaves[leaf] = np.full(len(values), None, object), np.zeros(len(values), bool)
            leaves[leaf][0][row] = item
            leaves[leaf][1][row] = True
    for leaf, (items, there) in leaves.items():
        if leaf in columns:
            _cover(columns, leaf, items, there)
        else:
            columns[leaf] = items, there


def _cover(
    columns: dict[str, tuple[Array, Array | None]], name: str, values: Array, there: Array | None
) -> None:
    """Put values over those of another key that looks the same: "a.b" and b inside a."""
    import numpy as np

    below, known = columns[name]
    whole = np.ones(len(values), bool)
    there = whole if there is None else there
    merged = below.astype(object)
    if known is not None:
        merged[~known] = None
    merged[there] = values[there]
    columns[name] = merged, (whole if known is None else known) | there


def flatten(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The leaves of nested dicts with their keys joined by dots; an empty dict is a leaf."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from flatten(item, f"{name}.{key}")
    else:
        yield name, value


def strict_json(value: Any) -> str:
    """JSON on one line; NaN and the infinities, which it lacks, become strings."""
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(finite(value), allow_nan=False)


def finite(value: Any) -> Any:
    """The value with NaN and the infinities as strings."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


@contextlib.contextmanager
def target(path: str) -> Iterator[str]:
    """A name to write to that becomes `path` when all has been written; errors name `path`."""
    try:
        with whole_file(path) as part:
            yield part
    except OSError as error:
        raise SynaDBError(f"{path} cannot be written: {error.strerror or error}") from error

"""How much of what was compared, and how much of it differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from synadb.bench.contents import contents_in
from synadb.bench.difference import Difference
from synadb.bench.recorded import Recorded, leaves

__all__ = ["Compared", "amounts", "tally"]


class _Kind(NamedTuple):
    """A kind of record: one and several in words, how many there are, `Difference.part`s."""

    one: str
    several: str
    count: Callable[[Recorded], int]
    parts: frozenset[str]


class Compared(NamedTuple):
    """How many of a kind there are on each side, and the differences among them."""

    name: str
    counts: tuple[int, ...]
    different: int
    explained: int


def _in_rows(part: str) -> Callable[[Recorded], int]:
    def count(recorded: Recorded) -> int:
        return sum(
            len({id(one) for one in contents_in([*run.history, run.summary]) if one.part == part})
            for run in recorded.runs
        )

    return count


def _of_runs(count: Callable[[Any], int]) -> Callable[[Recorded], int]:
    return lambda recorded: sum(count(run) for run in recorded.runs)


_OF_A_RUN = (
    "runs",
    "project",
    "entity",
    "run_id",
    "name",
    "group",
    "job_type",
    "notes",
    "tags",
    "exit_code",
)
_KINDS = (
    _Kind("run", "runs", lambda recorded: len(recorded.runs), frozenset(_OF_A_RUN)),
    _Kind("row", "rows", lambda recorded: recorded.rows, frozenset()),
    _Kind("value", "values", lambda recorded: recorded.values, frozenset({"history"})),
    _Kind(
        "config value",
        "config values",
        _of_runs(lambda run: leaves(run.config)),
        frozenset({"config"}),
    ),
    _Kind(
        "summary value",
        "summary values",
        _of_runs(lambda run: leaves(run.summary)),
        frozenset({"summary"}),
    ),
    _Kind("media file", "media files", _in_rows("media"), frozenset({"media"})),
    _Kind("table", "tables", _in_rows("tables"), frozenset({"tables"})),
    _Kind(
        "artifact version",
        "artifact versions",
        lambda recorded: len(recorded.artifacts),
        frozenset({"artifacts"}),
    ),
    _Kind(
        "metric definition",
        "metric definitions",
        _of_runs(lambda run: len(run.metrics)),
        frozenset({"metrics"}),
    ),
    _Kind("saved file", "saved files", _of_runs(lambda run: len(run.files)), frozenset({"files"})),
    _Kind(
        "line of output",
        "lines of output",
        _of_runs(lambda run: sum(map(len, run.console.values()))),
        frozenset({"console"}),
    ),
)


def tally(recorded: Sequence[Recorded], differences: Sequence[Difference]) -> list[Compared]:
    """Every kind of record that at least one side has."""
    found = []
    for kind in _KINDS:
        counts = tuple(kind.count(one) for one in recorded)
        among = [one for one in differences if one.part in kind.parts]
        if any(counts) or among:
            explained = sum(bool(one.reason) for one in among)
            found.append(Compared(kind.several, counts, len(among) - explained, explained))
    return found


def amounts(recorded: Recorded) -> str:
    """What there is in words, as `1 run, 20 rows, 100 values, 2 tables`."""
    words = []
    for number, kind in enumerate(_KINDS):
        count = kind.count(recorded)
        if count or number < 3:  # runs, rows and values always
            words.append(f"{count:,} {kind.one if count == 1 else kind.several}")
    return ", ".join(words)

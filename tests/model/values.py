"""What a script may log, each value paired with what is kept of it."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from tests.model.run_model import Media

__all__ = [
    "CONFIGS",
    "DEFINITIONS",
    "FEW_DEFINITIONS",
    "FEW_ROWS",
    "LOOPS",
    "ROWS",
    "SUMMARY_VALUES",
    "Pair",
]

NAN, INF = float("nan"), float("inf")


class Pair(NamedTuple):
    """A value as given and as kept."""

    given: Any
    kept: Any


class Color(enum.Enum):
    """Kept by value in the history, by name in the config."""

    RED = 4


def as_is(*values: Any) -> list[Pair]:
    return [Pair(value, value) for value in values]


def both(found: dict[str, Pair]) -> Pair:
    return Pair(
        {key: pair.given for key, pair in found.items()},
        {key: pair.kept for key, pair in found.items()},
    )


def dicts(
    keys: list[str], values: st.SearchStrategy[Pair], *, least: int = 0
) -> st.SearchStrategy[Pair]:
    return st.dictionaries(st.sampled_from(keys), values, min_size=least, max_size=3).map(both)


def rows(keys: dict[str, st.SearchStrategy[Pair]]) -> st.SearchStrategy[Pair]:
    return st.fixed_dictionaries({}, optional=keys).map(both)


def lists(values: st.SearchStrategy[Pair], kind: Callable[[Any], Any]) -> st.SearchStrategy[Pair]:
    return st.lists(values, max_size=3).map(
        lambda found: Pair(kind(pair.given for pair in found), [pair.kept for pair in found])
    )


def histogram(values: list[int]) -> Pair:
    array = np.array(values) / 4
    counts, edges = np.histogram(array, bins=32)
    kept = {"_type": "histogram", "values": counts.tolist(), "bins": edges.tolist()}
    return Pair(array, Media(kept))


ORDINARY = st.integers(-3, 3).map(lambda n: Pair(n, n)) | st.floats(-4, 4, width=32).map(
    lambda x: Pair(x, x)
)
SPECIAL = st.sampled_from(as_is(NAN, NAN, NAN, INF, -INF, 1e300, -0.0, 2**62, -(2**63)))
NUMPY = st.sampled_from(
    [
        Pair(np.float32(0.1), float(np.float32(0.1))),
        Pair(np.float64("nan"), NAN),
        Pair(np.float16(1.5), 1.5),
        Pair(np.int64(7), 7),
        Pair(np.uint8(200), 200),
        Pair(np.bool_(True), True),
        Pair(np.array([[2.5]]), 2.5),
    ]
)
NUMBERS = ORDINARY | ORDINARY | SPECIAL | NUMPY | st.just(Pair(2**64, float(2**64)))
OTHERS = st.sampled_from(as_is(True, False, "text", "schön", ""))
LEAVES = NUMBERS | NUMBERS | OTHERS | st.just(Pair(None, None))
LISTS = lists(LEAVES, list) | lists(LEAVES, tuple)
ODD = st.sampled_from(
    [
        Pair(np.arange(3), [0, 1, 2]),
        Pair(np.array([[1.5, NAN]]), [[1.5, NAN]]),
        Pair(np.array([]), []),
        Pair(datetime.date(2024, 2, 3), "2024-02-03"),
        Pair(b"bytes", "bytes"),
        Pair({1}, [1]),
        Pair(Color.RED, 4),
    ]
)
NESTED = dicts(
    ["x", "y", "_z"],
    LEAVES | LISTS | dicts(["w", "v"], LEAVES, least=1),
    least=1,
)
LONG = st.lists(st.integers(-8, 8), min_size=33, max_size=40).map(histogram)

ROWS = rows(
    {
        "a": NUMBERS | NUMBERS | NUMBERS | LEAVES | LISTS,
        "ab": LEAVES | ODD,
        "b": NUMBERS,
        "e": LEAVES,
        "d": NESTED | NESTED | NESTED | LEAVES,
        "d.x": LEAVES,
        "h": LONG | NUMBERS,
        "_i": LEAVES,
    }
)
FEW = st.sampled_from(as_is(-1, 0.5, 2, NAN, "text", None))
FEW_ROWS = rows({"a": FEW, "e": FEW, "d": dicts(["x"], FEW, least=1)})

# The rows of a training loop: the same keys and types again and again.
LOOPS = st.tuples(
    st.sampled_from(["a", "a b", "a ab", "a b e", "ab e", "b"]).map(str.split),
    st.sampled_from([0.5, -0.25, 1, NAN]),
    st.integers(2, 12),
).map(lambda found: [dict.fromkeys(found[0], found[1] * n) for n in range(found[2])])

METRICS = ["a", "ab", "b", "e", "d", "d.x", "d.x.w", "d\\.x", "_i", "*", "a*", "d*", "d.*"]
STATISTICS = ["min", "max", "mean", "best", "min,max,mean", "First,LAST", "last,min"]

# What rules meet in is more likely than the rest: few names, most of them with a statistic.
DEFINITIONS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "a", "d.x", "*"]) | st.sampled_from(METRICS),
        "summary": st.sampled_from(STATISTICS) | st.sampled_from([None, "copy", "none"]),
    },
    optional={
        "step_metric": st.sampled_from(["e", "b", "d.s", "a"]),
        "step_sync": st.booleans(),
        "goal": st.sampled_from(["minimize", "maximize"]),
        "overwrite": st.booleans(),
        "hidden": st.booleans(),
    },
)

FEW_DEFINITIONS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "a", "a", "d.x", "*", "a*"]),
        "summary": st.sampled_from(["min", "max,mean", "last", "best", "copy", "none", None]),
    },
    optional={
        "step_metric": st.just("e"),
        "overwrite": st.booleans(),
        "goal": st.just("maximize"),
    },
)

# Within a dict that is set by hand, None and NaN are another matter.
SOLID = (NUMBERS | OTHERS).filter(lambda pair: pair.kept == pair.kept)
SUMMARY_VALUES = (
    SOLID
    | lists(LEAVES, list)
    | dicts(["x", "y", "min"], SOLID | dicts(["w", "v"], SOLID, least=1), least=1)
    | st.sampled_from([Pair(None, None), Pair(NAN, None), Pair(Color.RED, "RED")])
)

CONFIG_LEAVES = (
    ORDINARY
    | st.sampled_from(as_is(INF, 2**70, True, "text", None))
    | st.sampled_from(
        [
            Pair(NAN, None),
            Pair(np.float32(0.5), 0.5),
            Pair(np.int64(3), 3),
            Pair(Color.RED, "RED"),
            Pair(range(2), [0, 1]),
            Pair(np.arange(2), [0, 1]),
            Pair(b"bytes", "bytes"),
        ]
    )
)
CONFIG_VALUES = (
    CONFIG_LEAVES
    | lists(CONFIG_LEAVES, list)
    | lists(CONFIG_LEAVES, tuple)
    | dicts(["x", "y"], CONFIG_LEAVES | dicts(["w"], CONFIG_LEAVES))
)
CONFIGS = dicts(["lr", "model", "a.b", "batch-size"], CONFIG_VALUES)

"""Everything that can be written, as frozen values.

Live logging, recovery and importers all hand these to `Store.apply`. `to_json` and `from_json`
give the form in which a journal keeps those that are not packed rows.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from synadb.named import NamedTuple

__all__ = [
    "AUTO_KEYS",
    "AUTO_NONE",
    "AUTO_RUN",
    "EndRun",
    "JournalMark",
    "LogConsole",
    "LogRow",
    "LogRows",
    "LogSystem",
    "Op",
    "SetConfig",
    "SetSummary",
    "StartRun",
    "UpdateRun",
    "from_json",
    "to_json",
]

if TYPE_CHECKING:
    Ints = array[int]
    Floats = array[float]
else:  # not before Python 3.12
    Ints = Floats = array

# How the step of a row was chosen. When another process has written to the run meanwhile, the
# store moves an automatic step past what is there, so that no row covers another's.
AUTO_NONE = 0  # given by the caller: rows of one step merge
AUTO_RUN = 1  # the run's next
AUTO_KEYS = 2  # the next of the row's own keys


class StartRun(NamedTuple):
    """Create a run, or with `exist_ok` continue one that is there."""

    run_id: str
    experiment: str
    created: float
    name: str | None = None
    config: Mapping[str, Any] = MappingProxyType({})
    tags: tuple[str, ...] = ()
    notes: str | None = None
    group: str = ""
    job_type: str = ""
    host: str = ""
    pid: int = 0
    exist_ok: bool = False


class UpdateRun(NamedTuple):
    """Change a run's name, notes, tags, group, job type or state.

    `metadata` is a dict whose top-level keys are set in the run's metadata (None removes one).
    """

    run_id: str
    values: Mapping[str, Any]


class SetConfig(NamedTuple):
    """Set top-level keys of a run's config, and remove others."""

    run_id: str
    values: Mapping[str, Any]
    removed: tuple[str, ...] = ()


class SetSummary(NamedTuple):
    """Set top-level keys of a run's summary; `replace` drops all others first."""

    run_id: str
    values: Mapping[str, Any]
    removed: tuple[str, ...] = ()
    replace: bool = False
    order: int = 0


class EndRun(NamedTuple):
    """End a run; the first end counts."""

    run_id: str
    state: str
    time: float
    exit_code: int | None = None


class LogRow(NamedTuple):
    """One partial row whose values are not all plain numbers."""

    run_id: str
    step: int
    time: float
    values: Mapping[str, Any]
    auto: int = AUTO_NONE
    order: int = 0


class LogConsole(NamedTuple):
    """Lines of the console; `lines` are [number, time, stream, text], a known number is replaced.

    `source` tells the processes of a run apart; each counts its own lines.
    """

    run_id: str
    source: str
    lines: tuple[tuple[int, float, str, str], ...]


class LogSystem(NamedTuple):
    """One sample of the machine's state."""

    run_id: str
    source: str
    time: float
    values: Mapping[str, float]


class LogRows(NamedTuple):
    """Rows of one set of keys and types, as columns.

    `types` has a letter a key: d float64, q int64, ? bool. Each column is the little-endian bytes
    of `len(steps)` values (8 bytes each, bool 1). `orders` places the rows among the other ops of
    the batch: where several write the same key of the same step the highest order wins.
    """

    run_id: str
    keys: tuple[str, ...]
    types: str
    steps: Ints
    times: Floats
    orders: Ints
    columns: tuple[bytes, ...]
    auto: int = AUTO_NONE


class JournalMark(NamedTuple):
    """The part [start, end) of a journal, in logical offsets, that a batch of ops came from."""

    journal_id: str
    run_id: str
    start: int
    end: int


Op = (
    StartRun
    | UpdateRun
    | SetConfig
    | SetSummary
    | EndRun
    | LogRow
    | LogRows
    | LogConsole
    | LogSystem
)

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        StartRun,
        UpdateRun,
        SetConfig,
        SetSummary,
        EndRun,
        LogRow,
        LogConsole,
        LogSystem,
    )
}


def to_json(op: Op) -> dict[str, Any]:
    """The op as a dict that `from_json` turns back; `LogRows` has no such form."""
    kind = type(op).__name__
    if kind not in _KINDS:
        raise TypeError(f"{kind} has no JSON form")
    return {"op": kind, **op._asdict()}


def from_json(data: Mapping[str, Any], order: int = 0) -> Op:
    """Turn `to_json`'s dict back into the op, at place `order` of its batch."""
    values = dict(data)
    kind = _KINDS[values.pop("op")]
    known = kind._fields
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in known}
    if "order" in known:
        values["order"] = order
    op: Op = kind(**values)
    return op

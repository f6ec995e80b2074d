"""Everything that can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from synadb.named import NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = [
    "Adopted",
    "ArtifactRecord",
    "CheckReport",
    "ConsoleLine",
    "History",
    "RunRecord",
    "Series",
    "SweepRecord",
    "TrialRecord",
    "status_of",
]


def status_of(state: str) -> str:
    """A state in the words of `end_run`."""
    return "Completed" if state == "finished" else state.capitalize()


class RunRecord(NamedTuple):
    """One run as it stood when it was read. Times are seconds since the epoch.

    `state` is running, finished, failed, killed or crashed, in the drop-in also preempting or
    pending. `last_step` is -1 and `row_count` 0 before the first row. `ended_at` and `exit_code`
    are None until the run has ended. `summary` nests as the rows do.
    """

    run_id: str
    experiment: str
    name: str
    state: str
    config: dict[str, Any]
    summary: dict[str, Any]
    tags: tuple[str, ...]
    notes: str | None
    group: str
    job_type: str
    created_at: float
    updated_at: float
    ended_at: float | None
    exit_code: int | None
    host: str
    last_step: int
    row_count: int
    metadata: dict[str, Any]

    @property
    def status(self) -> str:
        """The state in the words of `end_run`: Running, Completed, Failed, Killed or Crashed."""
        return status_of(self.state)

    @property
    def sweep_id(self) -> str | None:
        """The sweep that the run belongs to, if it does."""
        sweep_id: str | None = self.metadata.get("sweep")
        return sweep_id


class SweepRecord(NamedTuple):
    """One sweep: `state` is PENDING, RUNNING, PAUSED, FINISHED or CANCELED.

    `claimed` counts the trials that agents were given; `cursor` is where a grid goes on.
    `properties` holds what else is known, such as the seed.
    """

    sweep_id: str
    project: str
    state: str
    config: dict[str, Any]
    created_at: float
    updated_at: float
    cursor: int
    claimed: int
    properties: dict[str, Any]


class TrialRecord(NamedTuple):
    """One trial of a sweep: `params` nested as the run gets them, `point` what tells it apart.

    `state` is pending, running, finished, failed, killed, crashed, stopped or preempted. `agent`
    names who has it. `properties` may have `reason`, `stop`, `attempts` and `metric`.
    """

    sweep_id: str
    number: int
    run_id: str
    params: dict[str, Any]
    point: str | None
    state: str
    agent: str | None
    claimed_at: float | None
    heartbeat_at: float | None
    properties: dict[str, Any]


class ConsoleLine(NamedTuple):
    """A line that a run printed; `stream` is stdout or stderr, `source` the process.

    `number` counts the lines of a source; `time` is in seconds since the epoch.
    """

    source: str
    number: int
    time: float
    stream: str
    line: str


class ArtifactRecord(NamedTuple):
    """One stored artifact: size in bytes, `digest` the SHA-256 of the content in hex."""

    run_id: str
    name: str
    size: int
    digest: str
    created_at: float


class Series:
    """One metric, three arrays of shape (n,), which a tuple of three names takes apart, too.

    `steps` are int64, `values` float64 (int64 or bool where all are), `times` float64 seconds since
    the epoch.
    """

    __slots__ = ("steps", "times", "values")

    def __init__(
        self,
        steps: np.ndarray[Any, Any],
        values: np.ndarray[Any, Any],
        times: np.ndarray[Any, Any],
    ) -> None:
        self.steps = steps
        self.values = values
        self.times = times

    def __iter__(self) -> Iterator[np.ndarray[Any, Any]]:
        yield self.steps
        yield self.values
        yield self.times

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        return f"Series(steps={self.steps!r}, values={self.values!r}, times={self.times!r})"

    def to_pandas(self) -> pd.DataFrame:
        """Columns `step`, `value` and `time` (needs pandas)."""
        frame: pd.DataFrame = _pandas("Series").DataFrame(
            {"step": self.steps, "value": self.values, "time": self.times}
        )
        return frame


def _pandas(kind: str) -> Any:
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(f"{kind}.to_pandas() needs pandas: pip install pandas") from error
    return pd


class History(Mapping[str, Any]):
    """Rows merged by step, as columns of shape (n,).

    A number missing from a row is NaN (the column is then float64); in a column that holds other
    things it is None (the column is then of dtype object).
    """

    def __init__(
        self,
        steps: np.ndarray[Any, Any],
        times: np.ndarray[Any, Any],
        columns: dict[str, np.ndarray[Any, Any]],
    ) -> None:
        self.steps = steps
        self.times = times
        self.columns = columns

    def __getitem__(self, key: str) -> np.ndarray[Any, Any]:
        return self.columns[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def to_pandas(self) -> pd.DataFrame:
        """The columns as a DataFrame with `_step` and `_timestamp` in front (needs pandas)."""
        columns = {"_step": self.steps, "_timestamp": self.times, **self.columns}
        frame: pd.DataFrame = _pandas("History").DataFrame(columns)
        return frame


class Adopted(NamedTuple):
    """What recovering a dead journal brought: `rows` of a run, and `torn` incomplete records."""

    run_id: str
    rows: int
    torn: int


class CheckReport(NamedTuple):
    """What an audit found: `problems` are faults, `notes` are not, `fixed` says what was mended."""

    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

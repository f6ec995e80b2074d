"""Everything that can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["ArtifactRecord", "CheckReport", "History", "RunRecord", "Series"]


@dataclass(frozen=True)
class RunRecord:
    """One run as it stood when it was read. Times are seconds since the epoch."""

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

    @property
    def status(self) -> str:
        """The state in the words of `end_run`: Running, Completed, Failed, Killed or Crashed."""
        return "Completed" if self.state == "finished" else self.state.capitalize()


@dataclass(frozen=True)
class ArtifactRecord:
    """One stored artifact: size in bytes, `digest` the SHA-256 of the content in hex."""

    run_id: str
    name: str
    size: int
    digest: str
    created_at: float


@dataclass(frozen=True)
class Series:
    """One metric: `steps` int64, `values`, `times` float64 seconds, each of shape (n,)."""

    steps: np.ndarray[Any, Any]
    values: np.ndarray[Any, Any]
    times: np.ndarray[Any, Any]

    def __iter__(self) -> Iterator[np.ndarray[Any, Any]]:
        yield self.steps
        yield self.values
        yield self.times

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True)
class History(Mapping[str, Any]):
    """Rows merged by step, as columns of shape (n,).

    A number missing from a row is NaN (the column is then float64); in a column that holds other
    things it is None (the column is then of dtype object).
    """

    steps: np.ndarray[Any, Any]
    times: np.ndarray[Any, Any]
    columns: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)

    def __getitem__(self, key: str) -> np.ndarray[Any, Any]:
        return self.columns[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def to_pandas(self) -> pd.DataFrame:
        """The columns as a DataFrame with `_step` and `_timestamp` in front (needs pandas)."""
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("History.to_pandas() needs pandas: pip install pandas") from error
        return pd.DataFrame({"_step": self.steps, "_timestamp": self.times, **self.columns})


@dataclass(frozen=True)
class CheckReport:
    """What an audit found: `problems` are faults, `notes` are not, `fixed` says what was mended."""

    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

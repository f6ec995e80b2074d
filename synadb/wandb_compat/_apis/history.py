"""`wandb.apis.public.history`: rows of a run as the Api gives them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from synadb.wandb_compat._term import termerror, termwarn

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker
    from synadb.wandb_compat._apis.runs import Run

__all__ = [
    "HistoryScan",
    "frame",
    "history",
    "key_names",
    "rows",
    "spelled",
    "system_rows",
    "unspelled",
]

_SPELLINGS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def history(
    run: Run,
    samples: int | None,
    keys: list[str] | None,
    x_axis: str,
    pandas: bool,
    stream: Literal["default", "system"],
) -> Any:
    """What `run.history` returns."""
    wrong = _fault(keys, stream)
    if wrong:
        termerror(wrong)
        return []
    found = rows(run, samples, keys, x_axis, stream)
    if pandas:
        try:
            import pandas as pd
        except ImportError:
            termwarn("Unable to load pandas, call history with pandas=False")
        else:
            columns = list(dict.fromkeys([x_axis, *keys])) if keys else None
            return pd.DataFrame.from_records(found, columns=columns)
    return [_spelled_row(row) for row in found]


def _fault(keys: Any, stream: str) -> str | None:
    if keys is not None and not isinstance(keys, list):
        return "keys must be specified in a list"
    if keys and not all(isinstance(key, str) for key in keys):
        return "keys argument must be a list of strings"
    if keys and stream != "default":
        return "stream must be default when specifying keys"
    return None


def rows(
    run: Run,
    samples: int | None,
    keys: Sequence[str] | None,
    x_axis: str,
    stream: str,
) -> list[dict[str, Any]]:
    """At most `samples` rows of a run, flat, numbers as they were logged."""
    tracker = run._tracker()
    if stream == "system":
        found = system_rows(tracker, run._stored_id)
        return found if samples is None else _evenly(found, samples)
    if not keys:
        return list(map(_flat, tracker.sample(run._stored_id, samples)))
    wanted = list(dict.fromkeys([x_axis, *keys]))
    sampled = tracker.sample(run._stored_id, samples, wanted)
    return [{key: row[key] for key in wanted} for row in sampled]


def system_rows(tracker: ExperimentTracker, run_id: str) -> list[dict[str, Any]]:
    """The machine's samples in order of time, their keys after `system.`."""
    return [
        {key if key[:1] == "_" else f"system.{key}": value for key, value in row.items()}
        for row in tracker.system_metrics(run_id)
    ]


def key_names(tracker: ExperimentTracker, run_id: str, summary: Mapping[str, Any]) -> list[str]:
    """The keys that a run has logged, as far as numbers and the summary tell."""
    tracker._drain(run_id)
    numbers = tracker._store.last_steps(run_id)
    others = _flat({key: value for key, value in summary.items() if key != "_wandb"})
    return sorted({*numbers, *others})


def _evenly(found: list[dict[str, Any]], samples: int) -> list[dict[str, Any]]:
    if len(found) <= samples:
        return found
    last = len(found) - 1
    return [found[round(i * last / max(1, samples - 1))] for i in range(max(0, samples))]


def frame(found: Sequence[Mapping[str, Any]], kind: Literal["pandas", "polars"]) -> Any:
    """Rows as a DataFrame whose columns are sorted; ImportError without the library."""
    if kind == "pandas":
        import pandas as pd

        data = pd.DataFrame.from_records(list(found))
        return data[sorted(data.columns)]
    import polars as pl  # type: ignore[import-not-found,unused-ignore]

    table = pl.from_dicts(list(found), infer_schema_length=None) if found else pl.DataFrame()
    return table.select(sorted(table.columns))


class HistoryScan:
    """All rows of a run, in order of steps, read page by page; iterating begins anew.

    Args:
        run: the run.
        keys: only rows that have all of them, reduced to them and `_step`.
        page_size: accepted; how much is read at once is decided by the database.
        min_step: the first step.
        max_step: the step before which it ends.
    """

    def __init__(
        self,
        run: Run,
        keys: list[str] | None = None,
        page_size: int = 1_000,
        min_step: int | None = 0,
        max_step: int | None = None,
    ) -> None:
        if keys is not None and not isinstance(keys, list):
            raise ValueError("keys must be specified in a list")
        if keys and not all(isinstance(key, str) for key in keys):
            raise ValueError("keys argument must be a list of strings")
        self.run = run
        self.keys = keys
        self.page_size = page_size
        self.min_step = min_step
        last = run.lastHistoryStep
        self._stop_step = last + 1 if max_step is None or max_step > last else max_step
        self._walk: Iterator[dict[str, Any]] | None = None

    @property
    def max_step(self) -> int:
        """The last step that there can be."""
        return self._stop_step - 1

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self._walk = None
        return self._rows()

    def __next__(self) -> dict[str, Any]:
        if self._walk is None:
            self._walk = self._rows()
        return next(self._walk)

    def _rows(self) -> Iterator[dict[str, Any]]:
        found = self.run._tracker().scan(
            self.run._stored_id, self.keys or None, min_step=self.min_step, max_step=self._stop_step
        )
        return map(_spelled_row if self.keys else _flat_spelled, found)

    def __repr__(self) -> str:
        return f"<HistoryScan {'/'.join(self.run.path)} from {self.min_step} to {self.max_step}>"


# -- values --------------------------------------------------------------------------------------


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose nested dicts have become keys with dots; media stay the dicts that they are."""
    if not any(type(value) is dict for value in row.values()):
        return dict(row)
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if type(value) is dict and value and "_type" not in value:
            flat.update({f"{key}.{inner}": item for inner, item in _flat(value).items()})
        else:
            flat[key] = value
    return flat


def _flat_spelled(row: Mapping[str, Any]) -> dict[str, Any]:
    return _spelled_row(_flat(row))


def _spelled_row(row: dict[str, Any]) -> dict[str, Any]:
    for value in row.values():
        kind = type(value)
        if (kind is float and value - value != 0.0) or kind is dict or kind is list:
            return {key: spelled(item) for key, item in row.items()}
    return row


def spelled(value: Any) -> Any:
    """A value as JSON carries it: NaN and the infinities are texts."""
    kind = type(value)
    if kind is float:
        if value - value == 0.0:
            return value
        if math.isnan(value):
            return "NaN"
        return "Infinity" if value > 0 else "-Infinity"
    if kind is dict:
        return {key: spelled(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [spelled(item) for item in value]
    return value


def unspelled(value: Any) -> Any:
    """The opposite of `spelled`."""
    kind = type(value)
    if kind is str:
        return _SPELLINGS.get(value, value)
    if kind is dict:
        return {key: unspelled(item) for key, item in value.items()}
    if kind is list:
        return [unspelled(item) for item in value]
    return value

"""Timing of functions, and tables of what was timed."""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from synadb.bench.measuring import duration

from .notebook_utils import comparison_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Benchmark",
    "BenchmarkResult",
    "ComparisonTable",
    "quantity",
    "results_table",
    "verdict",
]

_SAME = 1.1  # a smaller ratio is noise, not a difference


@dataclass
class BenchmarkResult:
    """What was timed; milliseconds, except for the throughput: operations a second."""

    name: str
    iterations: int
    mean_ms: float
    std_ms: float
    min_ms: float
    max_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    throughput: float | None = None
    raw_times: list[float] = field(default_factory=list)

    @classmethod
    def from_times(cls, name: str, times_ms: Sequence[float]) -> BenchmarkResult:
        """Summarize the times of single operations.

        Raises:
            ValueError: there are none.
        """
        if not times_ms:
            raise ValueError(f"{name}: no times to summarize")
        ordered = sorted(times_ms)
        mean = statistics.fmean(ordered)
        return cls(
            name=name,
            iterations=len(ordered),
            mean_ms=mean,
            std_ms=statistics.pstdev(ordered),
            min_ms=ordered[0],
            max_ms=ordered[-1],
            p50_ms=Benchmark._percentile(ordered, 50),
            p95_ms=Benchmark._percentile(ordered, 95),
            p99_ms=Benchmark._percentile(ordered, 99),
            throughput=1000 / mean if mean else None,
            raw_times=list(times_ms),
        )

    def to_dict(self) -> dict[str, Any]:
        """The figures, without the single times."""
        return {key: value for key, value in asdict(self).items() if key != "raw_times"}


class Benchmark:
    """Times functions.

    Args:
        warmup: Calls that come first and do not count.
        iterations: Calls that count.
        seed: Python's and numpy's global generators start from it in each `run`.
    """

    def __init__(self, warmup: int = 5, iterations: int = 100, seed: int = 42) -> None:
        if warmup < 0 or iterations < 1:
            raise ValueError("warmup is at least 0, iterations at least 1")
        self.warmup = warmup
        self.iterations = iterations
        self.seed = seed

    def run(
        self,
        name: str,
        func: Callable[..., Any],
        *args: Any,
        setup: Callable[[], Any] | None = None,
        teardown: Callable[[], Any] | None = None,
        **kwargs: Any,
    ) -> BenchmarkResult:
        """Time `func(*args, **kwargs)`; `setup` and `teardown` go around each call, untimed."""
        return BenchmarkResult.from_times(name, self._times(func, args, kwargs, setup, teardown))

    def run_batch(
        self, name: str, func: Callable[..., Any], batch_size: int, *args: Any, **kwargs: Any
    ) -> BenchmarkResult:
        """Time a call that does `batch_size` operations; the figures are for one of them."""
        if batch_size < 1:
            raise ValueError("batch_size is at least 1")
        times = self._times(func, args, kwargs, None, None)
        return BenchmarkResult.from_times(name, [ms / batch_size for ms in times])

    def compare(self, results: Sequence[BenchmarkResult]) -> ComparisonTable:
        """A table of `results`."""
        return ComparisonTable(results)

    @staticmethod
    def _percentile(sorted_data: Sequence[float], p: float) -> float:
        """The `p`-th percentile, with `p` in 0 to 100, interpolated between neighbours."""
        import numpy as np

        return float(np.percentile(sorted_data, p))

    def _times(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        setup: Callable[[], Any] | None,
        teardown: Callable[[], Any] | None,
    ) -> list[float]:
        self._seed()
        times = []
        for _ in range(self.warmup + self.iterations):
            if setup is not None:
                setup()
            start = time.perf_counter()
            func(*args, **kwargs)
            times.append((time.perf_counter() - start) * 1000)
            if teardown is not None:
                teardown()
        return times[self.warmup :]

    def _seed(self) -> None:
        random.seed(self.seed)
        if (numpy := sys.modules.get("numpy")) is not None:
            numpy.random.seed(self.seed)


class ComparisonTable:
    """Results side by side; a notebook shows it as a table."""

    _COLUMNS = (
        ("median ms", "p50_ms", min),
        ("mean ms", "mean_ms", min),
        ("p95 ms", "p95_ms", min),
        ("p99 ms", "p99_ms", min),
        ("max ms", "max_ms", min),
        ("per second", "throughput", max),
    )

    def __init__(self, results: Sequence[BenchmarkResult]) -> None:
        self.results = list(results)

    def to_markdown(self, highlight_best: bool = True) -> str:
        """A table in Markdown; with `highlight_best`, the best of each column is bold."""
        lines = [
            f"| | {' | '.join(title for title, _, _ in self._COLUMNS)} |",
            f"|---|{'---:|' * len(self._COLUMNS)}",
        ]
        best = self._best() if highlight_best and len(self.results) > 1 else {}
        for result in self.results:
            cells = []
            for _, key, _ in self._COLUMNS:
                value = getattr(result, key)
                text = "" if value is None else f"{value:,.4g}" if value < 1e4 else f"{value:,.0f}"
                cells.append(f"**{text}**" if value == best.get(key, ...) else text)
            lines.append(f"| {result.name} | {' | '.join(cells)} |")
        return "\n".join(lines)

    def to_dataframe(self) -> pd.DataFrame:
        """A row a result, by name; needs pandas."""
        import pandas as pd

        return pd.DataFrame([result.to_dict() for result in self.results]).set_index("name")

    def get_speedup(self, baseline: str, target: str) -> float:
        """How many times as fast `target` is as `baseline`, by the median; below 1, slower.

        Raises:
            KeyError: there is no result of that name.
        """
        return self._named(baseline).p50_ms / self._named(target).p50_ms

    def summary(self) -> str:
        """A sentence on who was fastest, by the median, and by how much."""
        return verdict("median", {r.name: r.p50_ms / 1000 for r in self.results}, "s")

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def _best(self) -> dict[str, float]:
        best = {}
        for _, key, choose in self._COLUMNS:
            values = [value for r in self.results if (value := getattr(r, key)) is not None]
            if values:
                best[key] = choose(values)
        return best

    def _named(self, name: str) -> BenchmarkResult:
        for result in self.results:
            if result.name == name:
                return result
        raise KeyError(f"no result {name!r}; there are {[r.name for r in self.results]}")


def quantity(value: float, unit: str) -> str:
    """A value with its unit: seconds (`"s"`) as s, ms or µs, bytes (`"B"`) as MB or kB."""
    if unit == "s":
        return duration(value)
    if unit == "B":
        return f"{value / 1e6:,.3g} MB" if value >= 1e6 else f"{value / 1e3:,.3g} kB"
    return f"{value:,.4g} {unit}".rstrip()


def results_table(results: Mapping[str, tuple[str, Mapping[str, float]]]) -> str:
    """A table in Markdown of measures by name: a unit, and a value a side; the least is bold."""
    rows = []
    for what, (unit, values) in results.items():
        least = min(values.values()) if len(values) > 1 else None
        cells = {name: quantity(value, unit) for name, value in values.items()}
        bold = {n: f"**{text}**" if values[n] == least else text for n, text in cells.items()}
        rows.append({"less is better": what, **bold})
    return comparison_table(rows)


def verdict(what: str, values: Mapping[str, float], unit: str) -> str:
    """A sentence on whose value is the smallest, whoever's it is, and how the others compare.

    A difference of less than a tenth counts as none.
    """
    if not values:
        return f"{what}: nothing was measured."
    ordered = sorted(values, key=lambda name: values[name])
    best, others = ordered[0], ordered[1:]
    least = f"{what}: {best} {quantity(values[best], unit)}"
    if not others:
        return f"{least}, with nothing to compare."
    compared = [f"{name} {_compared(values[name], values[best])}" for name in others]
    return f"{least}; {', '.join(compared)}."


def _compared(value: float, least: float) -> str:
    if value <= least * _SAME:
        return "about the same"
    return f"{value / least:,.3g} times that" if least > 0 else "more"

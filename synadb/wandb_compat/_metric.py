"""What `define_metric` returns."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Metric"]


class Metric:
    """One call of `define_metric`; can be given as the `step_metric` of another."""

    def __init__(
        self,
        name: str,
        step_metric: str | None = None,
        step_sync: bool | None = None,
        hidden: bool | None = None,
        summary: Sequence[str] | None = None,
        overwrite: bool | None = None,
        goal: str | None = None,
    ) -> None:
        self._name = name
        self._step_metric = step_metric
        self._step_sync = (step_metric is not None) if step_sync is None else step_sync
        self._hidden = hidden
        self._summary = None if summary is None else tuple(summary)
        self._overwrite = overwrite
        self._goal = goal

    @property
    def name(self) -> str:
        """The name, or a prefix that ends in `*`."""
        return self._name

    @property
    def step_metric(self) -> str | None:
        """The name of the metric on the x axis."""
        return self._step_metric

    @property
    def step_sync(self) -> bool | None:
        """Whether the step metric is added to rows without it; True if there is one."""
        return self._step_sync

    @property
    def hidden(self) -> bool | None:
        """Whether automatic plots leave it out."""
        return self._hidden

    @property
    def summary(self) -> tuple[str, ...] | None:
        """The words given, in lower case."""
        return self._summary

    @property
    def goal(self) -> str | None:
        """`minimize` or `maximize`: what `best` means."""
        return self._goal

    def __repr__(self) -> str:
        given = {
            "step_metric": self._step_metric,
            "step_sync": self._step_sync or None,
            "hidden": self._hidden,
            "summary": self._summary,
            "overwrite": self._overwrite,
            "goal": self._goal,
        }
        told = "".join(f", {key}={value!r}" for key, value in given.items() if value is not None)
        return f"Metric({self._name!r}{told})"

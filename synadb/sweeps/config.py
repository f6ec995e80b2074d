"""A sweep's config: from YAML or a dict to what a search needs, with a message for each mistake."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from synadb.errors import InvalidValueError
from synadb.sweeps.rules import plain, text_numbers, violations, warnings
from synadb.sweeps.space import Space, distribution_of

__all__ = ["Hyperband", "Metric", "SweepConfig", "parse", "read_file", "read_yaml"]


class Metric(NamedTuple):
    """What a sweep looks for; see the config key `metric`."""

    name: str
    goal: str = "minimize"
    target: float | None = None
    impute: str = "worst"
    impute_while_running: str = "false"


class Hyperband(NamedTuple):
    """When to stop a trial that lags; see the config key `early_terminate`."""

    min_iter: int | None = None
    max_iter: int | None = None
    s: int = 0
    eta: float = 3
    strict: bool = True


class SweepConfig(NamedTuple):
    """A valid config. `stored` is what a database keeps and an API shows, as plain JSON values."""

    stored: dict[str, Any]
    method: str
    space: Space
    metrics: tuple[Metric, ...]
    early_terminate: Hyperband | None
    run_cap: int | None
    engine: str
    warnings: tuple[str, ...]

    @property
    def metric(self) -> Metric | None:
        """The metric, the first of several; None when the config names none."""
        return self.metrics[0] if self.metrics else None


def read_yaml(text: str) -> dict[str, Any]:
    """The mapping a YAML text holds, read as PyYAML's safe loader reads it.

    Raises:
        InvalidValueError: the text is no YAML, or no mapping.
    """
    import yaml

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidValueError(f"the sweep config is no valid YAML: {error}") from error
    if not isinstance(found, dict):
        raise InvalidValueError(
            f"the sweep config is {_shown(found)}; it must be a mapping, with keys such as "
            "`method` and `parameters`"
        )
    return found


def read_file(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML (or JSON) file.

    Raises:
        InvalidValueError: there is no such file, or it holds no mapping.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidValueError(f"the sweep config {path} cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise InvalidValueError(f"the sweep config {path} is not UTF-8 text: {error}") from error
    return read_yaml(text)


def parse(config: Mapping[str, Any]) -> SweepConfig:
    """Check a config and take it apart; the caller's mapping is left as it is.

    Raises:
        InvalidValueError: with one line for each mistake, naming the key and the mend.
    """
    problems = violations(config)
    if problems:
        lines = "".join(f"\n  {number}. {text}" for number, text in enumerate(problems, start=1))
        raise InvalidValueError(f"Invalid sweep config:{lines}")
    stored = _filled(plain(config))
    given = stored.get("metrics") or ([stored["metric"]] if "metric" in stored else [])
    scheduler = stored.get("scheduler", {})
    cap = stored.get("run_cap")
    return SweepConfig(
        stored=stored,
        method=stored["method"],
        space=Space(stored.get("parameters", {})),
        metrics=tuple(Metric(**metric) for metric in given),
        early_terminate=_hyperband(stored.get("early_terminate")),
        run_cap=None if cap is None else int(cap),
        engine=scheduler.get("engine", "wandb"),
        warnings=(*warnings(stored), *text_numbers(stored.get("parameters", {}))),
    )


def _hyperband(given: Mapping[str, Any] | None) -> Hyperband | None:
    if given is None:
        return None
    known = {key: value for key, value in given.items() if key != "type"}
    for key in ("min_iter", "max_iter", "s"):
        if key in known:
            known[key] = int(known[key])
    return Hyperband(**known)


def _filled(config: dict[str, Any]) -> dict[str, Any]:
    """With the distribution of bounded top-level parameters named, as wandb's client stores it."""
    filled = copy.deepcopy(config)
    for spec in filled.get("parameters", {}).values():
        if "min" in spec and "max" in spec and "distribution" not in spec:
            spec["distribution"] = distribution_of(spec)
    return filled


def _shown(value: Any) -> str:
    return "empty" if value is None else f"{type(value).__name__} {value!r:.60}"

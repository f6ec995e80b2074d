"""Optuna as the search of a sweep: `scheduler: {engine: optuna}`, as W&B has it since 0.31.

Every suggestion builds the study anew from the trials, so that any number of processes can ask and
nothing but the trials is stored. `scheduler.optimizer` names a function in `scheduler.source` that
makes the study (or a study and a function that says when to end the search);
`scheduler.search_space` one that takes an `optuna.Trial` and returns the parameters.
"""

from __future__ import annotations

import importlib
import importlib.util
import random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from synadb.errors import InvalidValueError
from synadb.sweeps.config import SweepConfig
from synadb.sweeps.laws import Choice, Law, identity
from synadb.sweeps.space import Parameter
from synadb.sweeps.trial import FAILED, FLYING, Extent, Trial

__all__ = ["SweepInfo", "decide", "suggest"]

# Optuna lets a sampler end the study only inside `optimize`; from `tell` the wish comes as this
# error.
STOPPED = "`Study.stop` is supposed to be invoked inside"


class SweepInfo(NamedTuple):
    """What `scheduler.optimizer` is given: the sweep's config and names, empty where unknown."""

    config: dict[str, Any]
    id: str = ""
    name: str = ""
    entity: str = ""
    project: str = ""
    controller_run_name: str = ""


def suggest(
    config: SweepConfig,
    trials: Sequence[Trial],
    rng: random.Random,
    info: SweepInfo | None = None,
) -> dict[str, Any] | None:
    """The config of the next trial; None when the sampler or the terminator has had enough.

    Raises:
        InvalidValueError: Optuna is not installed, or `scheduler` names something of no use.
    """
    with _quiet() as optuna:
        search = _Search(optuna, config, rng.getrandbits(32), info or SweepInfo(config.stored))
        for trial in trials:
            search.replay(trial)
        return search.next(trials)


def decide(
    config: SweepConfig,
    trials: Mapping[str, Trial],
    histories: Mapping[str, Sequence[tuple[int, float]]],
    rng: random.Random,
    info: SweepInfo | None = None,
) -> dict[str, str]:
    """The running trials that the study's pruner stops, each with the reason.

    `histories` has the steps and values of the metric for each trial, in order. Only a study of
    `scheduler.optimizer` prunes, and only one with a single metric.
    """
    if len(config.metrics) != 1 or "optimizer" not in config.stored.get("scheduler", {}):
        return {}
    stopped = {}
    with _quiet() as optuna:
        search = _Search(optuna, config, rng.getrandbits(32), info or SweepInfo(config.stored))
        live = {}
        for name, trial in trials.items():
            history = histories.get(name, ())
            found = search.replay(trial, history)
            if found is not None and trial.state == "running":
                live[name] = found
        for name, found in live.items():
            if found.should_prune():
                pruner = type(search.study.pruner).__name__
                stopped[name] = f"optuna: {pruner} stops it after {len(histories[name])} values"
    return stopped


@contextmanager
def _quiet() -> Iterator[Any]:
    """Optuna without its log lines and its warnings about what is experimental."""
    try:
        optuna: Any = importlib.import_module("optuna")
    except ImportError as error:
        raise InvalidValueError(
            "`scheduler.engine: optuna` needs Optuna, which is not installed; install it with "
            "`pip install optuna`, or use `method: bayes` without `scheduler`"
        ) from error
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            warnings.filterwarnings("ignore", message=r".*is not divisible by")
            yield optuna
    finally:
        optuna.logging.set_verbosity(before)


class _Search:
    """One study, made for one question."""

    def __init__(self, optuna: Any, config: SweepConfig, seed: int, info: SweepInfo) -> None:
        self.optuna, self.config = optuna, config
        scheduler = config.stored.get("scheduler", {})
        self.source = scheduler.get("source", "")
        self.terminator: Callable[[Any], bool] | None = None
        self.stopped = False
        self.axes: list[_Axis] = []
        self.constructor: Callable[[Any], Mapping[str, Any]] | None = None
        if "search_space" in scheduler:
            self.constructor = _function(self.source, scheduler["search_space"])
        else:
            self.axes = [_axis(optuna, parameter) for parameter in config.space.searched]
        directions = [metric.goal for metric in config.metrics] or ["minimize"]
        if "optimizer" in scheduler:
            self.study = self._made(scheduler["optimizer"], info, directions)
        else:
            self.study = optuna.create_study(
                directions=directions,
                sampler=optuna.samplers.TPESampler(seed=seed),
                pruner=optuna.pruners.NopPruner(),
            )

    def _made(self, name: str, info: SweepInfo, directions: list[str]) -> Any:
        made = _function(self.source, name)(info)
        if isinstance(made, tuple) and len(made) == 2:
            made, self.terminator = made
        if not isinstance(made, self.optuna.Study):
            raise InvalidValueError(
                f"scheduler.optimizer: {name}() in {self.source} returned "
                f"{type(made).__name__}; return an optuna.Study, or a study and a function that "
                "takes it and says whether to end the sweep"
            )
        found = [direction.name.lower() for direction in made.directions]
        if found != directions:
            raise InvalidValueError(
                f"scheduler.optimizer: the study's directions are {found}, the metric's goals "
                f"{directions}; create it with directions={directions}"
            )
        return made

    def ask(self, fixed: Mapping[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """A live trial and the config it stands for."""
        if fixed is not None:
            self.study.enqueue_trial(dict(fixed))
        if self.constructor is not None:
            trial = self.study.ask()
            params = self.constructor(trial)
            if not isinstance(params, Mapping):
                raise InvalidValueError(
                    f"scheduler.search_space: the function in {self.source} returned "
                    f"{type(params).__name__}; it takes an optuna.Trial and returns a dict"
                )
            return trial, dict(params)
        trial = self.study.ask({axis.name: axis.distribution for axis in self.axes})
        values = [axis.value(trial.params[axis.name]) for axis in self.axes]
        return trial, self.config.space.build(values)

    def replay(self, trial: Trial, history: Sequence[tuple[int, float]] = ()) -> Any:
        """Tell the study of a trial; its live counterpart when it is under way."""
        fixed = dict(trial.params) if self.constructor is not None else self._fixed(trial)
        if fixed is None:
            return None
        live, _ = self.ask(fixed)
        if len(self.config.metrics) == 1:
            for step, value in history:
                live.report(value, step)
        if trial.state in FLYING:
            return live
        measured = [_final(extent) for extent in (trial.metric, *trial.others)]
        objectives = [value for value in measured if value is not None]
        whole = len(objectives) == len(self.study.directions)
        self._tell(live, objectives if whole and trial.state not in FAILED else None)
        return None

    def _tell(self, live: Any, objectives: list[float] | None) -> None:
        states = self.optuna.trial.TrialState
        try:
            state = states.FAIL if objectives is None else states.COMPLETE
            self.study.tell(live, objectives, state=state)
        except RuntimeError as error:
            if STOPPED not in str(error):
                raise
            self.stopped = True

    def _fixed(self, trial: Trial) -> dict[str, Any] | None:
        values = self.config.space.values(trial.params)
        if values is None:
            return None
        found = {}
        for axis, value in zip(self.axes, values, strict=True):
            inner = axis.inner(value)
            if inner is None:
                return None
            found[axis.name] = inner[0]
        return found

    def next(self, trials: Sequence[Trial]) -> dict[str, Any] | None:
        """The next config; None when the sampler or the terminator ends the search."""
        if self.terminator is not None and self.terminator(self.study):
            return None
        exhausted = getattr(self.study.sampler, "is_exhausted", None)
        if exhausted is None:
            return None if self.stopped else self.ask()[1]
        # A grid sampler counts only what it has handed out itself, which is nothing in a study that
        # was made anew: it hands out, and what is known already goes back.
        known = {identity(dict(trial.params)) for trial in trials}
        while not self.stopped and not exhausted(self.study):
            live, params = self.ask()
            if identity(params) not in known:
                return params
            self._tell(live, None)
        return None


def _final(extent: Extent) -> float | None:
    """As W&B's scheduler, Optuna is told the summary, not the best of the history."""
    return extent.latest if extent.final is None else extent.final


# --- parameters -----------------------------------------------------------------------------------


class _Axis(NamedTuple):
    """A parameter as Optuna has it: `value` turns Optuna's into a run's, `inner` the reverse."""

    name: str
    distribution: Any
    value: Callable[[Any], Any]
    inner: Callable[[Any], tuple[Any] | None]


def _axis(optuna: Any, parameter: Parameter) -> _Axis:
    spec, law = parameter.spec, parameter.law
    assert law is not None
    kinds = optuna.distributions
    if parameter.distribution == "categorical" and isinstance(law, Choice):
        return _listed(kinds, parameter.name, law)
    made: Any = None
    if parameter.distribution == "int_uniform":
        made = kinds.IntDistribution(spec["min"], spec["max"])
    elif parameter.distribution == "uniform":
        made = kinds.FloatDistribution(spec["min"], spec["max"])
    elif parameter.distribution == "log_uniform_values":
        made = kinds.FloatDistribution(spec["min"], spec["max"], log=True)
    if made is not None:
        distribution = made
        return _Axis(
            parameter.name,
            distribution,
            lambda value: value,
            lambda value: (value,) if _within(value, distribution) else None,
        )
    # Laws that Optuna has not are searched by their place in the unit interval.
    return _Axis(parameter.name, kinds.FloatDistribution(0.0, 1.0), law.value, _placed(law))


def _within(value: Any, distribution: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and distribution.low <= value <= distribution.high


def _placed(law: Law) -> Callable[[Any], tuple[Any] | None]:
    def inner(value: Any) -> tuple[Any] | None:
        place = law.position(value)
        return None if place is None else (place,)

    return inner


def _listed(kinds: Any, name: str, law: Choice) -> _Axis:
    """By their values where Optuna takes them, else by their places in the list."""
    distinct = list({identity(value): value for value in law.values}.values())
    if all(isinstance(value, (bool, int, float, str, type(None))) for value in distinct):
        known = {identity(value) for value in distinct}
        # 1 and True are one to Optuna, which compares by ==.
        if len(set(distinct)) == len(distinct):
            return _Axis(
                name,
                kinds.CategoricalDistribution(distinct),
                lambda value: value,
                lambda value: (value,) if identity(value) in known else None,
            )
    places = {identity(value): place for place, value in enumerate(distinct)}

    def inner(value: Any) -> tuple[Any] | None:
        place = places.get(identity(value))
        return None if place is None else (place,)

    return _Axis(
        name,
        kinds.CategoricalDistribution(range(len(distinct))),
        lambda place: distinct[place],
        inner,
    )


# --- the user's file ------------------------------------------------------------------------------


def _function(source: str, name: str) -> Callable[..., Any]:
    path = Path(source)
    spec = importlib.util.spec_from_file_location(f"synadb_sweep_source_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise InvalidValueError(
            f"scheduler.source: {source} is no Python file that can be read from here; start the "
            "agent in the folder that the path is relative to"
        )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = getattr(module, name, None)
    if not callable(found):
        raise InvalidValueError(f"scheduler.source: {source} defines no function {name!r}")
    function: Callable[..., Any] = found
    return function

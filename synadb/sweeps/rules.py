"""What makes a sweep config valid: the mistakes in one, each with the key and the mend.

Accepts and refuses what W&B's own engine and client do together, except that bounds which no float
can hold are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from synadb.sweeps.grid import GRID_DISTRIBUTIONS
from synadb.sweeps.space import distribution_of
from synadb.sweeps.trial import finite

__all__ = ["plain", "text_numbers", "violations", "warnings"]

METHODS = ("grid", "random", "bayes", "custom")
ENGINES = {
    "wandb": ("grid", "random", "bayes"),
    "optuna": ("custom",),
    "ax": ("custom",),
}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
# What exp() can still take.
LARGEST_EXPONENT = 700
# How far from 1 probabilities may sum to, as numpy.isclose has it.
TOLERANCE = 1e-5 + 1e-8


# --- what a value must be -----------------------------------------------------------------------


class Rule(NamedTuple):
    """A condition on one value, in words that follow "must be"."""

    words: str
    holds: Callable[[Any], bool]


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return finite(value) and value == int(value)


def _one_of(*known: str) -> Rule:
    return Rule("one of " + ", ".join(known), lambda value: value in known)


TEXT = Rule("text", lambda value: isinstance(value, str))
LIST = Rule("a list", lambda value: isinstance(value, list))
NUMBER = Rule("a number", lambda value: _number(value) and finite(value))
FLAG = Rule("true or false", lambda value: isinstance(value, bool))
ANYTHING = Rule("anything", lambda value: True)
INTEGER = Rule("a whole number", lambda value: isinstance(value, int) and finite(value))
POSITIVE = Rule("a number above 0", lambda value: NUMBER.holds(value) and value > 0)
NOT_NEGATIVE = Rule("a number not below 0", lambda value: NUMBER.holds(value) and value >= 0)
COUNT = Rule("a whole number above 0", lambda value: _whole(value) and value > 0)
VALUES = Rule("a list of at least one value", lambda value: LIST.holds(value) and bool(value))
WEIGHTS = Rule(
    "a list of numbers not below 0",
    lambda value: VALUES.holds(value) and all(map(NOT_NEGATIVE.holds, value)),
)
EXPONENT = Rule(
    f"a number between -{LARGEST_EXPONENT} and {LARGEST_EXPONENT} (it is an exponent of e; the "
    "distribution of the same name with _values takes limits as they are)",
    lambda value: NUMBER.holds(value) and abs(value) <= LARGEST_EXPONENT,
)


class Shape(NamedTuple):
    """The keys of one kind of parameter; `most` are the optional ones."""

    needed: Mapping[str, Rule]
    more: Mapping[str, Rule] = {}


_BOUNDS = {"min": NUMBER, "max": NUMBER}
_EXPONENTS = {"min": EXPONENT, "max": EXPONENT}
_LIMITS = {"min": POSITIVE, "max": NUMBER}
_Q = {"q": POSITIVE}
_NORMAL = {"mu": NUMBER, "sigma": NOT_NEGATIVE}
_BETA = {"a": NOT_NEGATIVE, "b": NOT_NEGATIVE}

SHAPES = {
    "constant": Shape({"value": ANYTHING}),
    "categorical": Shape({"values": VALUES}),
    "categorical_w_probabilities": Shape({"values": VALUES, "probabilities": WEIGHTS}),
    "int_uniform": Shape({"min": INTEGER, "max": INTEGER}),
    "uniform": Shape(_BOUNDS),
    "q_uniform": Shape(_BOUNDS, _Q),
    "log_uniform": Shape(_EXPONENTS),
    "log_uniform_values": Shape(_LIMITS),
    "inv_log_uniform": Shape(_EXPONENTS),
    "inv_log_uniform_values": Shape(_LIMITS),
    "q_log_uniform": Shape(_EXPONENTS, _Q),
    "q_log_uniform_values": Shape(_LIMITS, _Q),
    "normal": Shape({}, _NORMAL),
    "q_normal": Shape({}, {**_NORMAL, **_Q}),
    "log_normal": Shape({}, _NORMAL),
    "q_log_normal": Shape({}, {**_NORMAL, **_Q}),
    "beta": Shape({}, _BETA),
    "q_beta": Shape({}, {**_BETA, **_Q}),
}
# Bounds that are exponents surprise people; W&B calls these three out.
DEPRECATED = ("log_uniform", "inv_log_uniform", "q_log_uniform")

METRIC = Shape(
    {"name": TEXT},
    {
        "goal": _one_of("minimize", "maximize"),
        "target": NUMBER,
        "impute": _one_of("worst", "best", "latest"),
        "impute_while_running": _one_of("false", "latest", "best", "worst"),
    },
)
HYPERBAND = Shape(
    {"type": _one_of("hyperband")},
    {
        "min_iter": COUNT,
        "max_iter": Rule("a whole number", _whole),
        "s": Rule("a whole number", _whole),
        "eta": Rule("a number above 1", lambda value: NUMBER.holds(value) and value > 1),
        "strict": FLAG,
    },
)
SCHEDULER = Shape(
    {"engine": _one_of(*ENGINES)}, {"source": TEXT, "optimizer": TEXT, "search_space": TEXT}
)
MAPPING = Rule("a mapping", lambda value: isinstance(value, Mapping))
TOP = Shape(
    {"method": _one_of(*METHODS)},
    {
        "parameters": MAPPING,
        "metric": MAPPING,
        "metrics": Rule(
            "a list of at least two metrics", lambda value: LIST.holds(value) and len(value) > 1
        ),
        "early_terminate": MAPPING,
        "run_cap": COUNT,
        "program": TEXT,
        "command": LIST,
        "name": TEXT,
        "description": TEXT,
        "project": TEXT,
        "entity": TEXT,
        "controller": MAPPING,
        "scheduler": MAPPING,
        "apiVersion": TEXT,
        "kind": _one_of("sweep"),
        "job": TEXT,
        "image_uri": TEXT,
    },
)
EXAMPLES = {
    "method": "method: random",
    "name": "name: loss",
    "type": "type: hyperband",
    "engine": "engine: optuna",
}


# --- the mistakes -------------------------------------------------------------------------------


def violations(config: object) -> list[str]:
    """Every mistake in a config, in words; empty for a valid one."""
    if not isinstance(config, Mapping):
        return [
            f"a sweep config must be a mapping with keys such as `method` and `parameters`, "
            f"not {_kind(config)}"
        ]
    found = [
        *_shape("", config, TOP),
        *_metrics(config),
        *_early(config),
        *_scheduler(config),
        *_parameters(config),
    ]
    # What a method needs is only worth saying of a config that can be read.
    return found or list(_fit(config))


def _shape(where: str, given: Mapping[Any, Any], shape: Shape, what: str = "") -> Iterator[str]:
    """Keys that are missing, unknown, or hold the wrong thing."""
    prefix = f"{where}." if where else ""
    name = where or "the config"
    for key in shape.needed:
        if key not in given:
            example = EXAMPLES.get(key, f"{key}: ...")
            yield f"{name}: `{key}` is a required property{what}; add `{example}`"
    known = {**shape.needed, **shape.more}
    for key, value in given.items():
        if key not in known:
            yield f"{prefix}{key}: no such key{what}; {_near(key, known)}"
        elif not known[key].holds(value):
            yield f"{prefix}{key}: must be {known[key].words}, not {_kind(value)}"


def _metrics(config: Mapping[str, Any]) -> Iterator[str]:
    metric = config.get("metric", {})
    if "metric" in config and isinstance(metric, str):
        yield f"metric: write `metric: {{name: {metric}, goal: minimize}}`"
    elif "metric" in config and isinstance(metric, Mapping):
        yield from _shape("metric", metric, METRIC)
    several = config.get("metrics")
    if isinstance(several, list):
        for number, one in enumerate(several):
            if isinstance(one, Mapping):
                yield from _shape(f"metrics[{number}]", one, METRIC)
            else:
                yield f"metrics[{number}]: must be a mapping, not {_kind(one)}"
    if "metric" in config and "metrics" in config:
        yield "metrics: metric and metrics cannot both be set; keep one of them"
    elif "metrics" in config and config.get("method") != "custom":
        yield "metrics: several metrics need `method: custom`; name one in `metric` instead"


def _early(config: Mapping[str, Any]) -> Iterator[str]:
    early = config.get("early_terminate")
    if not isinstance(early, Mapping):
        return
    yield from _shape("early_terminate", early, HYPERBAND)
    if "min_iter" not in early and not {"max_iter", "s"} <= early.keys():
        yield "early_terminate: hyperband needs `min_iter`, or `max_iter` with `s`; add one"


def _scheduler(config: Mapping[str, Any]) -> Iterator[str]:
    controller = config.get("controller")
    if isinstance(controller, Mapping) and controller.get("type") not in {"local", "cloud"}:
        yield "controller: must hold `type: local` or `type: cloud`"
    scheduler = config.get("scheduler")
    if not isinstance(scheduler, Mapping):
        return
    yield from _shape("scheduler", scheduler, SCHEDULER)
    for key in ("optimizer", "search_space"):
        if key in scheduler and "source" not in scheduler:
            yield f"scheduler.{key}: needs `source`, the Python file that defines the function"
    if isinstance(controller, Mapping) and controller.get("type") == "local":
        yield "controller: a local controller cannot go with `scheduler`; remove one of them"
    if "early_terminate" in config:
        yield "early_terminate: cannot go with `scheduler`, which stops trials itself; remove it"
    engine, method = scheduler.get("engine"), config.get("method")
    if isinstance(engine, str) and engine in ENGINES and method not in ENGINES[engine]:
        known = " or ".join(f"`method: {name}`" for name in ENGINES[engine])
        yield f"method: `scheduler.engine: {engine}` needs {known}, not {method!r}"


def _parameters(config: Mapping[str, Any]) -> Iterator[str]:
    if "parameters" in config:
        if isinstance(config["parameters"], Mapping):
            yield from _block(config["parameters"], "parameters")
        return
    scheduler = config.get("scheduler")
    if not (isinstance(scheduler, Mapping) and scheduler.get("search_space")):
        yield (
            "parameters: `parameters` is required; add one such as "
            "`lr: {min: 0.001, max: 0.1}` or `optimizer: {values: [adam, sgd]}`"
        )


def _block(block: Mapping[Any, Any], where: str) -> Iterator[str]:
    if not block:
        yield f"{where}: should be non-empty; add a parameter such as `lr: {{values: [0.1, 0.01]}}`"
    for key, spec in block.items():
        name = f"{where}.{key}"
        if not isinstance(key, str) or not NAME.fullmatch(key):
            yield (
                f"{name}: a parameter's name starts with a letter or _ and goes on with letters, "
                "digits, _ . and -; rename it"
            )
        if not isinstance(spec, Mapping):
            yield (
                f"{name}: invalid hyperparameter configuration, {_kind(spec)}; write "
                "`value: ...`, `values: [...]` or `min: ...` and `max: ...` below it"
            )
        elif "parameters" in spec:
            yield from _nested(spec, name)
        else:
            yield from _parameter(spec, name, nested=where != "parameters")


def _nested(spec: Mapping[Any, Any], name: str) -> Iterator[str]:
    for key in spec:
        if key != "parameters":
            yield f"{name}.{key}: a parameter that holds `parameters` holds nothing else; remove it"
    if isinstance(spec["parameters"], Mapping):
        yield from _block(spec["parameters"], f"{name}.parameters")
    else:
        yield f"{name}.parameters: must be a mapping, not {_kind(spec['parameters'])}"


def _parameter(spec: Mapping[Any, Any], name: str, *, nested: bool) -> Iterator[str]:
    kind = spec.get("distribution")
    if "distribution" in spec:
        if not isinstance(kind, str) or kind not in SHAPES:
            yield f"{name}.distribution: no such distribution {kind!r}; {_near(kind, SHAPES)}"
            return
    elif "value" in spec or "values" in spec or {"min", "max"} <= spec.keys():
        if {"min", "max"} <= spec.keys():
            yield from _ambiguous(spec, name, nested=nested)
        kind = _implied(spec)
    else:
        yield (
            f"{name}: invalid hyperparameter configuration; it needs `value`, `values`, "
            "`min` and `max`, a `distribution`, or nested `parameters`"
        )
        return
    shape = SHAPES[kind]
    what = f" with {kind}" if "distribution" in spec else ""
    known = Shape(shape.needed, {**shape.more, "distribution": ANYTHING})
    yield from _shape(name, spec, known, what)
    yield from _bounds(spec, name)
    yield from _weights(spec, name, nested=nested)
    yield from _unstorable(spec, name)


def _implied(spec: Mapping[str, Any]) -> str:
    """The distribution meant, also by a parameter with something wrong in it."""
    if "value" in spec or "values" in spec:
        return distribution_of(spec)
    whole = all(isinstance(spec[key], int) for key in ("min", "max"))
    return "int_uniform" if whole else "uniform"


def _ambiguous(spec: Mapping[str, Any], name: str, *, nested: bool) -> Iterator[str]:
    low, high = spec["min"], spec["max"]
    # wandb's client looks at the top level only; its engine takes mixed bounds for floats.
    if not nested and NUMBER.holds(low) and NUMBER.holds(high) and type(low) is not type(high):
        yield (
            f"{name}: is ambiguous, specify bounds as both floats or ints: "
            f"`min: {float(low)}` and `max: {float(high)}`, or name the `distribution`"
        )


def _bounds(spec: Mapping[str, Any], name: str) -> Iterator[str]:
    low, high = spec.get("min"), spec.get("max")
    if _number(low) and _number(high) and low >= high:  # type: ignore[operator]
        mend = "use `value` for a single one" if low == high else "swap them"
        yield f"{name}: min {low} is not less than max {high}; {mend}"


def _weights(spec: Mapping[str, Any], name: str, *, nested: bool) -> Iterator[str]:
    values, weights = spec.get("values"), spec.get("probabilities")
    if not (VALUES.holds(values) and WEIGHTS.holds(weights)):
        return
    assert isinstance(values, list)
    assert isinstance(weights, list)
    if len(values) != len(weights):
        yield (
            f"{name}: {len(values)} values and {len(weights)} probabilities are not the same "
            "length; give one for each"
        )
    total = sum(weights)
    # Nested ones are not looked at by W&B's engine, and work here as weights.
    if total <= 0 or (abs(total - 1) > TOLERANCE and not nested):
        yield f"{name}: probabilities do not sum to 1 but to {total:g}; divide each by that"


def _unstorable(spec: Mapping[str, Any], name: str) -> Iterator[str]:
    for key in ("value", "values"):
        found = _foreign(spec[key]) if key in spec else None
        if found is not None:
            yield (
                f"{name}.{key}: holds {_kind(found)}; a sweep's values are numbers, text, "
                "booleans, None, lists and dicts of them"
            )


def _fit(config: Mapping[str, Any]) -> Iterator[str]:
    """What the method cannot search."""
    leaves = list(_flat(config.get("parameters", {}), "parameters"))
    if config["method"] == "grid":
        for name, spec in leaves:
            if distribution_of(spec) not in GRID_DISTRIBUTIONS:
                yield (
                    f"{name}: {distribution_of(spec)} is a disallowed type with grid search; list "
                    "`values`, or use `method: random` or `method: bayes`"
                )
    if config["method"] == "bayes":
        if "metric" not in config:
            yield (
                "metric: Bayesian search requires a metric section; add "
                "`metric: {name: loss, goal: minimize}` with a metric that the runs log"
            )
        if all(distribution_of(spec) == "constant" for _, spec in leaves):
            yield "parameters: need at least one searchable parameter for bayes; all are constant"


# --- warnings -----------------------------------------------------------------------------------


def warnings(config: Mapping[str, Any]) -> Iterator[str]:
    """What is valid and likely not meant, in words."""
    for name, spec in _flat(config.get("parameters", {}), "parameters"):
        kind = distribution_of(spec)
        if abs(sum(spec.get("probabilities", [1])) - 1) > TOLERANCE:
            yield f"{name}: the probabilities do not sum to 1 and are taken as weights"
        if kind in DEPRECATED:
            yield (
                f"{name} uses {kind}, where min/max specify base-e exponents. "
                f"Use {kind}_values to give the limits themselves."
            )
    early = config.get("early_terminate")
    if early is None:
        return
    if "metric" not in config:
        yield "early_terminate stops nothing without `metric`; add `metric: {name: ...}`"
    if "max_iter" in early and early["max_iter"] / early.get("eta", 3) < 1:
        yield "early_terminate stops nothing: max_iter / eta is below 1; raise max_iter"


def text_numbers(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Numbers that YAML took for text, as it does `1e-4`."""
    for name, spec in _flat(parameters, "parameters"):
        for value in [spec.get("value"), *spec.get("values", [])]:
            if isinstance(value, str) and _text_number(value):
                yield f"{name}: {value!r} is text, not a number; YAML wants {_dotted(value)}"


def _text_number(value: str) -> bool:
    return re.fullmatch(r"[-+]?\d+[eE][-+]?\d+|[-+]?\d*\.\d+[eE]\d+", value) is not None


def _dotted(value: str) -> str:
    mantissa, exponent = re.split("[eE]", value)
    sign = "" if exponent[0] in "+-" else "+"
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{sign}{exponent}"


# --- helpers ------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """A copy of a config in JSON's types: tuples become lists."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (bool, int, str, type(None))):
        return value
    return float(value)


def _foreign(value: Any) -> Any:
    """Something inside a value that JSON has no type for; None when there is none."""
    if isinstance(value, Mapping):
        bad = next((key for key in value if not isinstance(key, str)), None)
        parts: Sequence[Any] = list(value.values())
        if bad is not None:
            return bad
    elif isinstance(value, (list, tuple)):
        parts = value
    else:
        return None if isinstance(value, (bool, int, float, str, type(None))) else value
    return next((found for part in parts if (found := _foreign(part)) is not None), None)


def _flat(block: Mapping[str, Any], where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, spec in block.items():
        if "parameters" in spec:
            yield from _flat(spec["parameters"], f"{where}.{key}.parameters")
        else:
            yield f"{where}.{key}", spec


def _kind(value: object) -> str:
    """A value as a message shows it, with what may have made it what it is."""
    if value is None:
        return "empty"
    shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    if isinstance(value, str) and _text_number(value):
        return f"the text {shown} (YAML wants {_dotted(value)})"
    if type(value).__module__.startswith("numpy"):
        return f"numpy's {shown}; use `.item()` or `.tolist()`"
    if isinstance(value, tuple):
        return f"the tuple {shown}; write a list"
    return f"{type(value).__name__} {shown}"


def _near(key: object, known: Mapping[str, Any]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(str(key), list(known), n=1)
    return f"did you mean `{close[0]}`?" if close else "known are " + ", ".join(known)

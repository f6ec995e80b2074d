"""W&B's own engine, the package `sweeps`, asked from outside: one JSON line in, one out.

Runs in an environment of its own, because the package needs numpy below 2:
`python -m venv E; E/bin/pip install sweeps==0.3.0`, then `SYNADB_SWEEPS_ORACLE=E/bin/python`.
"""

from __future__ import annotations

import importlib
import json
import random
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["main"]


def main() -> int:
    """Answer each question on standard input; returns 0."""
    engine = importlib.import_module("sweeps")
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = {"answer": ANSWERS[question["ask"]](engine, question)}
        except Exception as error:  # noqa: BLE001  the error is the answer
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer, default=_plain), flush=True)
    return 0


def _plain(value: Any) -> Any:
    return value.tolist()  # numpy's numbers


def _runs(engine: Any, trials: list[dict[str, Any]]) -> list[Any]:
    return [
        engine.SweepRun(
            name=trial.get("name"),
            config={key: {"value": value} for key, value in trial.get("params", {}).items()},
            state=trial["state"],
            summaryMetrics=trial.get("summary", {}),
            history=trial.get("history", []),
        )
        for trial in trials
    ]


def _params(run: Any) -> Any:
    return None if run is None else {key: value["value"] for key, value in run.config.items()}


def _seed(question: dict[str, Any]) -> None:
    numpy = importlib.import_module("numpy")
    random.seed(question["seed"])
    numpy.random.seed(question["seed"])


def _violations(engine: Any, question: dict[str, Any]) -> Any:
    return engine.config.schema_violations_from_proposed_config(question["config"])


def _next(engine: Any, question: dict[str, Any]) -> Any:
    if "seed" in question:
        _seed(question)
    return _params(engine.next_run(question["config"], _runs(engine, question["trials"])))


def _grid(engine: Any, question: dict[str, Any]) -> Any:
    """Every point, in order."""
    runs = _runs(engine, question["trials"])
    found = engine.next_runs(question["config"], runs, n=question["n"])
    return [_params(run) for run in found]


def _stops(engine: Any, question: dict[str, Any]) -> Any:
    stopped = engine.stop_runs(question["config"], _runs(engine, question["trials"]))
    return [run.name for run in stopped]


def _law(engine: Any, question: dict[str, Any]) -> Any:
    """The inverse distribution function of one parameter at each u."""
    params = importlib.import_module("sweeps.params")
    parameter = params.HyperParameter("p", question["parameter"])
    return [parameter.ppf(u) for u in question["u"]]


def _quality(engine: Any, question: dict[str, Any]) -> Any:
    """The least value found by one search."""
    from synadb.bench.figures_sweeps import search

    _seed(question)

    def suggest(config: dict[str, Any], trials: list[dict[str, Any]]) -> Any:
        return _params(engine.next_run(config, _runs(engine, trials)))

    return search(suggest, question["surface"], question["seed"], question["flying"])


ANSWERS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "violations": _violations,
    "next": _next,
    "grid": _grid,
    "stops": _stops,
    "law": _law,
    "quality": _quality,
}


if __name__ == "__main__":
    raise SystemExit(main())

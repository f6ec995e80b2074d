"""LightGBM: the callback that logs a training, and a summary of the model."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.library import active_run, best_is, library

__all__ = [
    "MAXIMIZE_METRICS",
    "MINIMIZE_METRICS",
    "CallbackEnv",
    "log_summary",
    "wandb_callback",
]

MINIMIZE_METRICS = [
    "l1",
    "l2",
    "rmse",
    "mape",
    "huber",
    "fair",
    "poisson",
    "gamma",
    "binary_logloss",
]
MAXIMIZE_METRICS = ["map", "auc", "average_precision"]


class CallbackEnv(NamedTuple):
    """What LightGBM calls a callback with."""

    model: Any
    params: dict[str, Any]
    iteration: int
    begin_iteration: int
    end_iteration: int
    evaluation_result_list: list[tuple[Any, ...]]


class _Callback:
    def __init__(self, log_params: bool, define_metric: bool) -> None:
        # LightGBM sorts callbacks by the first, and asks for the second.
        self.order = 20
        self.before_iteration = False
        self.log_params = log_params
        self.define_metric = define_metric

    def __call__(self, env: CallbackEnv) -> None:
        found = [one for result in env.evaluation_result_list or () for one in _values(result)]
        if env.iteration == env.begin_iteration:
            if self.log_params:
                wandb.config.update(env.params)
            if self.define_metric:
                for data, metric, _ in found:
                    best = best_is(metric, frozenset(MINIMIZE_METRICS), frozenset(MAXIMIZE_METRICS))
                    if best is not None:
                        wandb.define_metric(f"{data}_{metric}", summary=best)
        row = {f"{data}_{metric}": value for data, metric, value in found}
        wandb.log({**row, "iteration": env.iteration})


def _values(result: tuple[Any, ...]) -> list[tuple[str, str, Any]]:
    """Data, metric and value of one evaluation; of cross-validation, mean and deviation."""
    if len(result) == 4:
        return [result[:3]]
    data, metric = result[:2]
    if " " in metric:  # before LightGBM 4.6: ("cv_agg", "valid l2", ...)
        data, metric = metric.split()
    return [(data, f"{metric}-mean", result[2]), (data, f"{metric}-stdv", result[4])]


def wandb_callback(log_params: bool = True, define_metric: bool = True) -> Callable[..., None]:
    """A callback for `lightgbm.train`, `lightgbm.cv` or `fit` that logs each iteration.

    Keys are `<data>_<metric>` and `iteration`, with a row an iteration.

    Args:
        log_params: The config gets the parameters of the training.
        define_metric: The summary keeps the best value of each metric and not the last.
    """
    return _Callback(log_params, define_metric)


def log_summary(
    model: Any, feature_importance: bool = True, save_model_checkpoint: bool = False
) -> None:
    """Put what came out of a training into the summary: `best_iteration` and `best_score`.

    Args:
        model: A `lightgbm.Booster`.
        feature_importance: Add a bar chart `Feature Importance` to the open row.
        save_model_checkpoint: Store the model as an artifact `model_<run id>`, alias `best`.

    Raises Error before `wandb.init`, and for another model.
    """
    run = active_run("log_summary()")
    booster = library("lightgbm", "wandb.integration.lightgbm").Booster
    if not isinstance(model, booster):
        raise wandb.Error("Model should be an instance of lightgbm.basic.Booster")
    run.summary["best_iteration"] = model.best_iteration
    run.summary["best_score"] = model.best_score
    if feature_importance:
        _log_feature_importance(model)
    if save_model_checkpoint:
        path = os.path.join(run.dir, f"model_ckpt_{model.best_iteration}.txt")
        model.save_model(path, num_iteration=model.best_iteration)
        artifact = wandb.Artifact(name=f"model_{run.id}", type="model")
        artifact.add_file(path)
        run.log_artifact(artifact, aliases=["best"])


def _log_feature_importance(model: Any) -> None:
    pairs = zip(model.feature_name(), model.feature_importance(), strict=True)
    table = wandb.Table(columns=["Feature", "Importance"], data=[list(pair) for pair in pairs])
    title = "Feature Importance"
    chart = wandb.plot.bar(table, "Feature", "Importance", title=title)
    wandb.log({title: chart}, commit=False)

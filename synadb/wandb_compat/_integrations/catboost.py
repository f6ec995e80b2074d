"""CatBoost: the callback that logs a training, and a summary of the model."""

from __future__ import annotations

import os
from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.library import active_run, library

__all__ = ["WandbCallback", "log_summary"]


class WandbCallback:
    """Logs what CatBoost evaluates, each time it does.

    Keys are `<data>-<metric>` and `iteration@metric-period-<n>`.

    Args:
        metric_period: The one that was given to the model.

    Raises Error before `wandb.init`.
    """

    def __init__(self, metric_period: int = 1) -> None:
        active_run("WandbCallback()")
        self.metric_period = metric_period
        self._seen = 0

    def after_iteration(self, info: Any) -> bool:
        """Log what is new in `info.metrics`; True: go on."""
        values = {
            f"{data}-{name}": history
            for data, metrics in info.metrics.items()
            for name, history in metrics.items()
        }
        seen = sum(map(len, values.values()))
        # Between two evaluations the histories do not grow.
        if seen > self._seen:
            self._seen = seen
            row = {key: history[-1] for key, history in values.items()}
            wandb.log({**row, f"iteration@metric-period-{self.metric_period}": info.iteration})
        return True


def log_summary(
    model: Any,
    log_all_params: bool = True,
    save_model_checkpoint: bool = False,
    log_feature_importance: bool = True,
) -> None:
    """Put what came out of a training into the summary: `best_iteration` and `best_score`.

    Args:
        model: A CatBoostClassifier or CatBoostRegressor.
        log_all_params: The config gets all its parameters.
        save_model_checkpoint: Store the model as an artifact `model_<run id>`, under the alias
            `best` or, where the model does not keep its best iteration, `last`.
        log_feature_importance: Add a bar chart `Feature Importance` to the open row.

    Raises Error before `wandb.init`, and for another model.
    """
    run = active_run("log_summary()")
    catboost = library("catboost", "wandb.integration.catboost")
    if not isinstance(model, catboost.CatBoostClassifier | catboost.CatBoostRegressor):
        raise wandb.Error("Model should be an instance of CatBoostClassifier or CatBoostRegressor")
    params = model.get_all_params()
    if log_all_params:
        run.config.update(params)
    run.summary["best_iteration"] = model.get_best_iteration()
    run.summary["best_score"] = model.get_best_score()
    if save_model_checkpoint:
        path = os.path.join(run.dir, "model")
        model.save_model(path)
        artifact = wandb.Artifact(name=f"model_{run.id}", type="model")
        artifact.add_file(path)
        run.log_artifact(artifact, aliases=["best" if params["use_best_model"] else "last"])
    if log_feature_importance:
        _log_feature_importance(model)


def _log_feature_importance(model: Any) -> None:
    found = model.get_feature_importance(prettified=True)
    pairs = zip(found["Feature Id"], found["Importances"], strict=True)
    table = wandb.Table(columns=["Feature", "Importance"], data=[list(pair) for pair in pairs])
    title = "Feature Importance"
    chart = wandb.plot.bar(table, "Feature", "Importance", title=title)
    wandb.log({title: chart}, commit=False)

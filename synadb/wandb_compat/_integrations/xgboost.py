"""XGBoost: the callback that logs a training."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.library import active_run, best_is, library

__all__ = ["MAXIMIZE_METRICS", "MINIMIZE_METRICS", "WandbCallback", "wandb_callback"]

MINIMIZE_METRICS = [
    "rmse",
    "rmsle",
    "mae",
    "mape",
    "mphe",
    "logloss",
    "error",
    "error@t",
    "merror",
]
MAXIMIZE_METRICS = ["auc", "aucpr", "ndcg", "map", "ndcg@n", "map@n"]

_callback: Any = library("xgboost.callback", "wandb.integration.xgboost", "xgboost")


def wandb_callback() -> Callable[[Any], None]:
    """The callback for the function API of XGBoost before 1.3; newer ones take WandbCallback."""
    warnings.warn(
        "wandb_callback will be deprecated in favor of WandbCallback", UserWarning, stacklevel=2
    )

    def callback(env: Any) -> None:
        wandb.log(dict(env.evaluation_result_list))

    return callback


class WandbCallback(_callback.TrainingCallback):  # type: ignore[misc]
    """Logs what XGBoost evaluates in each round, and what came out of it at the end.

    Keys are `<data>-<metric>` and `epoch`, with a row a round; the config gets the booster's
    configuration. After the training come a bar chart `Feature Importance`, and `best_score` and
    `best_iteration` where it was stopped early.

    Args:
        log_model: Store the model as an artifact `<run id>_model.json` of type `model`.
        log_feature_importance: Log the chart.
        importance_type: weight, gain, cover, total_gain or total_cover; weight for linear models.
        define_metric: The summary keeps the best value of each metric and not the last.

    Raises Error before `wandb.init`.
    """

    def __init__(
        self,
        log_model: bool = False,
        log_feature_importance: bool = True,
        importance_type: str = "gain",
        define_metric: bool = True,
    ) -> None:
        super().__init__()
        self.log_model = log_model
        self.log_feature_importance = log_feature_importance
        self.importance_type = importance_type
        self.define_metric = define_metric
        active_run("WandbCallback()")

    def before_training(self, model: Any) -> Any:
        """Take the configuration of the booster over into the config."""
        wandb.config.update(json.loads(model.save_config()))
        return model

    def after_iteration(
        self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, Sequence[Any]]]
    ) -> bool:
        """Log the round; False: do not stop."""
        row = {}
        for data, metrics in evals_log.items():
            for name, values in metrics.items():
                row[f"{data}-{name}"] = values[-1]
                if self.define_metric:
                    self._define_metric(data, name)
        self.define_metric = False
        wandb.log({**row, "epoch": epoch})
        return False

    def after_training(self, model: Any) -> Any:
        """Log the model, its feature importance and its best round."""
        if self.log_model:
            self._log_model_as_artifact(model)
        if self.log_feature_importance:
            self._log_feature_importance(model)
        score = model.attr("best_score")
        if score is not None:
            best = {"best_score": float(score), "best_iteration": int(model.attr("best_iteration"))}
            wandb.log(best)
        return model

    def _define_metric(self, data: str, metric_name: str) -> None:
        best = best_is(metric_name, frozenset(MINIMIZE_METRICS), frozenset(MAXIMIZE_METRICS))
        if best is not None:
            wandb.define_metric(f"{data}-{metric_name}", summary=best)

    def _log_model_as_artifact(self, model: Any) -> None:
        run = active_run("WandbCallback()")
        name = f"{run.id}_model.json"
        path = os.path.join(run.dir, name)
        model.save_model(path)
        artifact = wandb.Artifact(name=name, type="model")
        artifact.add_file(path)
        run.log_artifact(artifact)

    def _log_feature_importance(self, model: Any) -> None:
        scores = model.get_score(importance_type=self.importance_type)
        table = wandb.Table(
            columns=["Feature", "Importance"], data=[list(pair) for pair in scores.items()]
        )
        title = "Feature Importance"
        wandb.log({title: wandb.plot.bar(table, "Feature", "Importance", title=title)})

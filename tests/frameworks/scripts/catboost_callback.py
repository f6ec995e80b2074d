# mypy: ignore-errors
"""CatBoost with WandbCallback and log_summary."""

import numpy as np
import wandb
from catboost import CatBoostClassifier, CatBoostRegressor
from wandb.integration.catboost import WandbCallback, log_summary

LIBRARIES = ["catboost"]
FILES_VARY = ["model"]  # has a time in it

draw = np.random.default_rng(0)
features = draw.normal(size=(300, 4))
classes = (features[:, 0] + draw.normal(size=300) > 0).astype(int)

wandb.init(project="catboost")
model = CatBoostClassifier(
    iterations=10, verbose=False, random_seed=0, allow_writing_files=False, thread_count=1
)
model.fit(
    features[:200],
    classes[:200],
    eval_set=(features[200:], classes[200:]),
    callbacks=[WandbCallback()],
)
log_summary(model, save_model_checkpoint=True)
wandb.log({"end": 1})
wandb.finish()

wandb.init(project="catboost")
regressor = CatBoostRegressor(
    iterations=10, metric_period=4, verbose=False, allow_writing_files=False, thread_count=1
)
regressor.fit(features, features[:, 1], callbacks=[wandb.catboost.WandbCallback(metric_period=4)])
log_summary(regressor, log_all_params=False, log_feature_importance=False)
wandb.finish()

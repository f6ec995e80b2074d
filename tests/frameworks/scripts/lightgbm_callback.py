# mypy: ignore-errors
"""LightGBM with wandb_callback and log_summary."""

import lightgbm
import numpy as np
import wandb
from wandb.integration.lightgbm import log_summary, wandb_callback

LIBRARIES = ["lightgbm"]

draw = np.random.default_rng(0)
features = draw.normal(size=(400, 5))
classes = (features[:, 0] + draw.normal(size=400) > 0).astype(int)
train = lightgbm.Dataset(features[:300], classes[:300], feature_name=list("abcde"))
valid = lightgbm.Dataset(features[300:], classes[300:], reference=train)
params = {
    "objective": "binary",
    "metric": ["binary_logloss", "auc", "binary_error"],
    "verbose": -1,
    "num_threads": 1,
    "seed": 1,
    "deterministic": True,
}

wandb.init(project="lightgbm")
booster = lightgbm.train(
    params,
    train,
    num_boost_round=12,
    valid_sets=[train, valid],
    valid_names=["train", "valid"],
    callbacks=[wandb_callback(), lightgbm.early_stopping(3, verbose=False)],
)
log_summary(booster, save_model_checkpoint=True)
wandb.finish()

wandb.init(project="lightgbm")
model = lightgbm.LGBMRegressor(n_estimators=4, verbose=-1, n_jobs=1)
model.fit(
    features,
    features[:, 1],
    eval_set=[(features, features[:, 1])],
    callbacks=[wandb.lightgbm.wandb_callback(log_params=False, define_metric=False)],
)
log_summary(model.booster_, feature_importance=False)
wandb.log({"end": 1})
wandb.finish()

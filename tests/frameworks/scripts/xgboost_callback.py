# mypy: ignore-errors
"""XGBoost with WandbCallback: a booster stopped early, a model of the scikit-learn interface."""

import numpy as np
import wandb
import xgboost
from wandb.integration.xgboost import WandbCallback

LIBRARIES = ["xgboost", "scikit-learn"]

draw = np.random.default_rng(0)
features = draw.normal(size=(300, 5))
classes = (features[:, 0] + draw.normal(size=300) > 0).astype(int)
train = xgboost.DMatrix(features[:200], classes[:200], feature_names=list("abcde"))
valid = xgboost.DMatrix(features[200:], classes[200:], feature_names=list("abcde"))

run = wandb.init(project="xgboost")
booster = xgboost.train(
    {"objective": "binary:logistic", "eval_metric": ["logloss", "auc", "error"], "nthread": 1},
    train,
    num_boost_round=20,
    evals=[(train, "train"), (valid, "valid")],
    early_stopping_rounds=3,
    verbose_eval=False,
    callbacks=[WandbCallback(log_model=True)],
)
run.finish()

with wandb.init(project="xgboost", config={"own": 1}):
    model = xgboost.XGBRegressor(
        n_estimators=5,
        n_jobs=1,
        callbacks=[
            wandb.xgboost.WandbCallback(
                log_feature_importance=False, importance_type="weight", define_metric=False
            )
        ],
    )
    model.fit(features, features[:, 1], eval_set=[(features, features[:, 1])], verbose=False)

with wandb.init(project="xgboost"):
    xgboost.cv(
        {"objective": "binary:logistic", "nthread": 1},
        train,
        num_boost_round=3,
        nfold=2,
        seed=0,
        callbacks=[],
    )
    callback = WandbCallback(importance_type="total_gain")
    callback.after_training(booster)

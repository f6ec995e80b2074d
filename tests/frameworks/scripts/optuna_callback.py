# mypy: ignore-errors
"""Optuna's WeightsAndBiasesCallback: one run for a study, and a run for each trial."""

import warnings

import optuna
import wandb
from optuna_integration.wandb import WeightsAndBiasesCallback

LIBRARIES = ["optuna-integration", "optuna"]
DIFFERS = {"runs?*?.name": "a run of wandb has no name offline"}

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def study(names=("minimize",)):
    sampler = optuna.samplers.RandomSampler(seed=0)
    return optuna.create_study(study_name="tiny", directions=list(names), sampler=sampler)


def objective(trial):
    x = trial.suggest_float("x", -3, 3)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    if trial.number == 2:
        raise optuna.TrialPruned
    return (x - 2) ** 2 + (kind == "b")


one = WeightsAndBiasesCallback("error", wandb_kwargs={"project": "optuna", "tags": ["one"]})
study().optimize(objective, n_trials=5, callbacks=[one])
wandb.finish()

many = WeightsAndBiasesCallback(wandb_kwargs={"project": "optuna"}, as_multirun=True)


@many.track_in_wandb()
def two_values(trial):
    value = objective(trial)
    wandb.log({"inside": value})
    return value, -value


study(("minimize", "maximize")).optimize(two_values, n_trials=3, callbacks=[many])

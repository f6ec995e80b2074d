"""SageMaker: what its container says about a training."""

from __future__ import annotations

import json
import os
import re
import warnings
from typing import Any

from synadb.wandb_compat._integrations.library import not_local

__all__ = [
    "SM_PARAM_CONFIG",
    "SM_SECRETS",
    "is_using_sagemaker",
    "parse_sm_config",
    "parse_sm_secrets",
    "sagemaker_auth",
    "set_global_settings",
    "set_run_id",
]

SM_PARAM_CONFIG = "/opt/ml/input/config/hyperparameters.json"
SM_SECRETS = "secrets.env"


def sagemaker_auth(
    overrides: dict[str, Any] | None = None, path: str = ".", api_key: str | None = None
) -> None:
    """Write no secrets: there is no key to hand on."""
    not_local("wandb.sagemaker_auth", "which needs no account or key in the container")


def is_using_sagemaker() -> bool:
    """Whether this is a container of SageMaker."""
    return os.path.exists(SM_PARAM_CONFIG) or "SM_TRAINING_ENV" in os.environ


def parse_sm_config() -> dict[str, Any]:
    """The hyperparameters of the training, and what SM_TRAINING_ENV says."""
    found: dict[str, Any] = {}
    if os.path.exists(SM_PARAM_CONFIG):
        found["sagemaker_training_job_name"] = os.environ.get("TRAINING_JOB_NAME")
        with open(SM_PARAM_CONFIG, encoding="utf-8") as file:
            found.update({name: _number(text) for name, text in json.load(file).items()})
    environment = os.environ.get("SM_TRAINING_ENV")
    if environment:
        try:
            found.update(json.loads(environment))
        except ValueError:
            warnings.warn("SM_TRAINING_ENV is no valid JSON; it is left out", stacklevel=2)
    return found


def _number(text: str) -> Any:
    """A hyperparameter, which comes as text, and in a search in quotes as well."""
    text = text.strip('"')
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if re.fullmatch(r"-?(\d+\.\d*|\.\d+)", text):
        return float(text)
    return text


def parse_sm_secrets() -> dict[str, str]:
    """What the file `secrets.env` in the current folder says."""
    if not os.path.exists(SM_SECRETS):
        return {}
    with open(SM_SECRETS, encoding="utf-8") as file:
        pairs = (line.strip().partition("=") for line in file if "=" in line)
        return {name: value for name, _, value in pairs}


def set_run_id(run_settings: Any) -> bool:
    """Name the run after its job, unless WANDB_RUN_ID does; whether it was."""
    job = os.environ.get("TRAINING_JOB_NAME")
    if os.environ.get("WANDB_RUN_ID") or not job:
        return False
    import socket

    from synadb.wandb_compat.util import random_string

    host = os.environ.get("CURRENT_HOST") or socket.gethostname()
    run_settings.run_id = f"{job}-{random_string(6)}-{host}"
    run_settings.run_group = job
    return True


def set_global_settings(settings: Any) -> None:
    """Change nothing: what the secrets hold is for wandb's server."""

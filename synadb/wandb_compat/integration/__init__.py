"""`wandb.integration`: what wandb ships for other libraries."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir

__all__ = []

_LAZY = {
    "catboost": "integration.catboost",
    "cohere": "integration.cohere",
    "diffusers": "integration.diffusers",
    "dspy": "integration.dspy",
    "fastai": "integration.fastai",
    "gym": "integration.gym",
    "huggingface": "integration.huggingface",
    "keras": "integration.keras",
    "kfp": "integration.kfp",
    "langchain": "integration.langchain",
    "lightgbm": "integration.lightgbm",
    "lightning": "integration.lightning",
    "metaflow": "integration.metaflow",
    "openai": "integration.openai",
    "prodigy": "integration.prodigy",
    "sacred": "integration.sacred",
    "sagemaker": "integration.sagemaker",
    "sb3": "integration.sb3",
    "sklearn": "integration.sklearn",
    "tensorboard": "integration.tensorboard",
    "tensorflow": "integration.tensorflow",
    "torch": "integration.torch",
    "ultralytics": "integration.ultralytics",
    "weave": "integration.weave",
    "xgboost": "integration.xgboost",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)

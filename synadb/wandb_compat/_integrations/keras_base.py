"""Keras: which of the libraries of that name the user's is, and what the callbacks share."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from synadb.wandb_compat._integrations.library import library

__all__ = ["IS_KERAS_3", "backend", "callbacks", "learning_rate", "patch_tf_keras"]


def _keras() -> Any:
    """The module that models come from: tf.keras may be another one than keras."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None:
        # Which keras this is depends on the release, and on TF_USE_LEGACY_KERAS.
        with suppress(AttributeError, ImportError):
            return tensorflow.keras
    if "keras" not in sys.modules and "tf_keras" in sys.modules:
        return sys.modules["tf_keras"]
    return library("keras", "wandb.integration.keras")


_KERAS: Any = _keras()
callbacks: Any = _KERAS.callbacks
IS_KERAS_3 = int(str(getattr(_KERAS, "__version__", "2")).partition(".")[0]) >= 3


def backend() -> str:
    """What computes: "tensorflow", "torch" or "jax"."""
    return str(_KERAS.backend.backend()) if IS_KERAS_3 else "tensorflow"


def patch_tf_keras() -> None:
    """Nothing needs to be patched; code calls this before it uses tf.keras."""


def learning_rate(optimizer: Any, step: int) -> float:
    """The learning rate now; one that is a schedule is asked for this step."""
    rate = optimizer.learning_rate
    # A schedule of keras 2; that of keras 3 is evaluated by its optimizer.
    if callable(rate) and not hasattr(rate, "numpy"):
        rate = rate(step)
    if hasattr(rate, "detach"):  # a tensor of torch may lie on a GPU
        rate = rate.detach().cpu()
    return float(rate.numpy() if hasattr(rate, "numpy") else rate)

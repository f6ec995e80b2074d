"""`wandb.integration.tensorboard.monkeypatch`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._tensorboard_hooks import patch, unpatch

__all__ = [
    "TENSORBOARD_C_MODULE",
    "TENSORBOARD_PYTORCH_MODULE",
    "TENSORBOARD_WRITER_MODULE",
    "TENSORBOARD_X_MODULE",
    "TENSORFLOW_PY_MODULE",
    "patch",
    "unpatch",
]

TENSORBOARD_C_MODULE = "tensorflow.python.ops.gen_summary_ops"
TENSORBOARD_X_MODULE = "tensorboardX.writer"
TENSORFLOW_PY_MODULE = "tensorflow.python.summary.writer.writer"
TENSORBOARD_WRITER_MODULE = "tensorboard.summary.writer.event_file_writer"
TENSORBOARD_PYTORCH_MODULE = "torch.utils.tensorboard.writer"


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)

"""`wandb`, whichever it is, without its types: scripts call it as they should not, too."""

from __future__ import annotations

from importlib import import_module
from typing import Any

wandb: Any = import_module("wandb")

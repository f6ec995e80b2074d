"""`wandb.sdk.lib.filenames`: the files of a run's folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from synadb.wandb_compat._files import code_files
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = [
    "CONDA_ENVIRONMENTS_FNAME",
    "CONFIG_FNAME",
    "DIFF_FNAME",
    "EVENTS_FNAME",
    "HISTORY_FNAME",
    "METADATA_FNAME",
    "OUTPUT_FNAME",
    "REQUIREMENTS_FNAME",
    "SUMMARY_FNAME",
    "WANDB_DIRS",
    "exclude_wandb_fn",
    "filtered_dir",
    "is_wandb_file",
]

WANDB_DIRS = ("wandb", ".wandb")
CONFIG_FNAME = "config.yaml"
OUTPUT_FNAME = "output.log"
DIFF_FNAME = "diff.patch"
SUMMARY_FNAME = "wandb-summary.json"
METADATA_FNAME = "wandb-metadata.json"
REQUIREMENTS_FNAME = "requirements.txt"
HISTORY_FNAME = "wandb-history.jsonl"
EVENTS_FNAME = "wandb-events.jsonl"
CONDA_ENVIRONMENTS_FNAME = "conda-environment.yaml"


def is_wandb_file(name: str) -> bool:
    """Whether a run's folder has this file without the script's doing."""
    return name.startswith("wandb") or name in (
        METADATA_FNAME,
        CONFIG_FNAME,
        REQUIREMENTS_FNAME,
        OUTPUT_FNAME,
        DIFF_FNAME,
        CONDA_ENVIRONMENTS_FNAME,
    )


def exclude_wandb_fn(path: str, root: str) -> bool:
    """Whether `path` lies in one of the folders that runs make below `root`."""
    return os.path.relpath(path, root).split(os.sep)[0] in WANDB_DIRS


def filtered_dir(
    root: str, include_fn: Callable[..., bool], exclude_fn: Callable[..., bool]
) -> Iterator[str]:
    """The files below `root` that one function takes and the other leaves.

    Each is called with a path, and with `root` if it takes two arguments.
    """
    for name in code_files(root, include_fn, exclude_fn):
        yield os.path.join(root, *name.split("/"))


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)

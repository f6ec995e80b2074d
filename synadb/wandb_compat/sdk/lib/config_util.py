"""`wandb.sdk.lib.config_util`."""

from __future__ import annotations

import os
from typing import Any

from synadb.wandb_compat._config_sources import ConfigError, read_config_file
from synadb.wandb_compat._lazy import lazy_attribute

__all__ = [
    "ConfigError",
    "dict_from_config_file",
    "dict_strip_value_dict",
    "merge_dicts",
    "save_config_file_from_dict",
]


def dict_from_config_file(filename: str, must_exist: bool = False) -> dict[str, Any] | None:
    """The values of a YAML file of the form `key: {value: v}`; None where there is no file.

    Raises ConfigError for a file that cannot be used, with `must_exist` for a missing one too.
    """
    if not must_exist and not os.path.exists(filename):
        return None
    return read_config_file(filename)


def save_config_file_from_dict(config_filename: str, config_dict: dict[str, Any]) -> None:
    """Write such a file; its folder is made."""
    import yaml

    folder = os.path.dirname(config_filename)
    if folder:
        os.makedirs(folder, exist_ok=True)
    with open(config_filename, "w", encoding="utf-8") as file:
        file.write("wandb_version: 1\n")
        if config_dict:
            file.write("\n")
            yaml.safe_dump(
                config_dict, file, default_flow_style=False, allow_unicode=True, sort_keys=False
            )


def dict_strip_value_dict(config_dict: dict[str, Any]) -> dict[str, Any]:
    """`{key: {"value": v}}` -> `{key: v}`."""
    return {key: item["value"] for key, item in config_dict.items()}


def merge_dicts(dest: dict[str, Any], src: dict[str, Any]) -> dict[str, Any]:
    """Take `src` into `dest` at every depth; returns `dest`."""
    for key, value in src.items():
        old = dest.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            merge_dicts(old, value)
        else:
            dest[key] = value
    return dest


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)

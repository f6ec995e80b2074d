"""Artifacts in configs: what stands for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synadb.wandb_compat import _config

__all__ = ["artifact_to_json", "check_dict_contains_nested_artifact", "parse_artifact_string"]

_SCHEME = "wandb-artifact://"


def artifact_to_json(artifact: Any) -> dict[str, Any]:
    """What a config keeps of an artifact; ArtifactNotLoggedError for one that is not logged."""
    found: dict[str, Any] = artifact.json_encode()
    return found


def check_dict_contains_nested_artifact(d: Mapping[Any, Any], nested: bool = False) -> bool:
    """Whether there is an artifact below the top level; with `nested` on it, too."""
    inner = d if nested else {key: item for key, item in d.items() if isinstance(item, dict)}
    return _config.holds_artifact(inner)


def parse_artifact_string(v: str) -> tuple[str, str | None, bool]:
    """Name, host and whether the name is an id, of `wandb-artifact://ENTITY/PROJECT/NAME:ALIAS`.

    `wandb-artifact://_id/ID` has an id. ValueError for a text of another form.
    """
    if v.startswith(_SCHEME):
        parts = v.removeprefix(_SCHEME).split("/")
        if parts[0] == "_id" and len(parts) > 1:
            return parts[1], None, True
        if len(parts) >= 3:
            return "/".join(parts[:3]), None, False
    raise ValueError(
        f"Invalid artifact string: {v}; it has the form {_SCHEME}entity/project/name:v0"
    )

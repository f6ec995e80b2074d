"""The artifacts of this process by their client ids."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synadb.wandb_compat._artifacts.artifact import Artifact

__all__ = ["by_client_id", "remember"]

# For as long as somebody holds them.
_known: weakref.WeakValueDictionary[str, Artifact] = weakref.WeakValueDictionary()


def remember(artifact: Artifact) -> None:
    """Let an artifact be found."""
    _known[artifact._client_id] = artifact


def by_client_id(client_id: str) -> Artifact | None:
    """The artifact with that client id."""
    return _known.get(client_id)

"""The words for what becomes of an artifact."""

from __future__ import annotations

from enum import Enum

__all__ = ["ArtifactDigestAlgorithm", "ArtifactState", "ArtifactTTL"]


class ArtifactState(Enum):
    """PENDING until it has been logged."""

    PENDING = "PENDING"
    COMMITTED = "COMMITTED"
    DELETED = "DELETED"
    GARBAGE_COLLECTED = "GARBAGE_COLLECTED"
    PENDING_DELETION = "PENDING_DELETION"


class ArtifactTTL(Enum):
    """INHERIT: the time to live is the default, which is for ever."""

    INHERIT = 0


class ArtifactDigestAlgorithm(str, Enum):
    """How contents are told apart."""

    MANIFEST_MD5 = "MANIFEST_MD5"
    MANIFEST_XXH128 = "MANIFEST_XXH128"

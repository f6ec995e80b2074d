"""Changing a version that is in a database: what is said of it, its links, its end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from synadb.errors import InvalidValueError
from synadb.wandb_compat._artifacts.names import (
    is_version,
    parse_path,
    valid_aliases,
    valid_metadata,
)
from synadb.wandb_compat._term import termwarn
from synadb.wandb_compat.env import get_project
from synadb.wandb_compat.errors import CommError

if TYPE_CHECKING:
    from synadb.artifact_records import VersionRecord
    from synadb.wandb_compat._artifacts.artifact import Artifact

__all__ = ["delete", "link", "unlink", "update"]


def update(artifact: Artifact) -> None:
    """Store what has been changed."""
    record = artifact._record
    changed: dict[str, Any] = {}
    aliases = [alias for alias in artifact._aliases if not is_version(alias)]
    if set(aliases) != {alias for alias in record.aliases if not is_version(alias)}:
        changed["aliases"] = aliases
    if set(artifact._tags) != set(record.tags):
        changed["tags"] = artifact._tags
    if artifact._description != record.description:
        changed["description"] = artifact._description
    if artifact._metadata != record.metadata:
        changed["metadata"] = valid_metadata(artifact._metadata)
    if artifact._ttl_changed:
        changed["ttl"] = artifact._ttl_seconds
    if changed:
        artifact._take(artifact._tracker, artifact._library.update(record, **changed))


def delete(artifact: Artifact, delete_aliases: bool) -> None:
    """Delete the version with its files, or a link."""
    record = artifact._record
    if record.source is not None:
        termwarn(
            "Deleting a link artifact will only unlink the artifact from the source artifact "
            "and not delete the source artifact."
        )
        artifact._library.unlink(record)
    else:
        try:
            artifact._library.delete(record, delete_aliases=delete_aliases)
        except InvalidValueError as error:
            raise CommError(str(error), error) from error
    artifact._set_deleted()


def link(artifact: Artifact, target_path: str, aliases: Iterable[str] | None) -> VersionRecord:
    """Let it stand in another collection too; returns the link."""
    place = parse_path(target_path)
    if place.alias is not None:
        raise ValueError(f"a link's target is a collection, without an alias: {target_path!r}")
    if artifact._record.source is not None:
        termwarn(
            "Linking to a link artifact will result in directly linking to the source "
            "artifact of that link artifact."
        )
    given = valid_aliases(list(aliases) if aliases is not None else [])
    return artifact._library.link(
        artifact._record,
        place.name,
        project=place.project or get_project("uncategorized") or "uncategorized",
        aliases=given,
    )


def unlink(artifact: Artifact) -> None:
    """Remove a link; ValueError for what is none."""
    if artifact._record.source is None:
        raise ValueError(
            f"Artifact {artifact.qualified_name!r} is not a linked artifact and cannot be "
            "unlinked. To delete it, use 'Artifact.delete' instead."
        )
    artifact._library.unlink(artifact._record)
    artifact._set_deleted()

"""Tables and media as files of an artifact, and back.

An object becomes `<name>.<type>.json`, its files lie below `media/`. The bytes are wandb's, as the
digest of an artifact depends on them.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat._artifacts.entry import (
    CLIENT_SCHEME,
    ArtifactManifestEntry,
    is_artifact_reference,
)
from synadb.wandb_compat._media.base import InArtifact, WBValue
from synadb.wandb_compat._media.table_content import ArtifactFiles

if TYPE_CHECKING:
    from synadb.wandb_compat._artifacts.artifact import Artifact

__all__ = ["add_object", "find_object", "read_object"]

# What an artifact can hold, in the order in which the object of a name is looked for.
_TYPES = (
    *("table", "image-file", "joined-table", "partitioned-table", "classes", "bounding-boxes"),
    *("mask", "audio-file", "video-file", "html-file", "object3D-file", "molecule-file"),
    "bokeh-file",
)
_TABLES = "media/tables/"


def _classes() -> list[type[WBValue]]:
    known = WBValue.type_mapping()
    return [known[name] for name in _TYPES]


# -- in ------------------------------------------------------------------------------------------


def add_object(
    artifact: Artifact, obj: Any, name: str, *, overwrite: bool = False
) -> ArtifactManifestEntry:
    """Add an object; its entry, or the one that is there."""
    kinds = tuple(_classes())
    if not isinstance(obj, kinds):
        raise TypeError(
            f"Found object of type {type(obj)}, expected one of: "
            + ", ".join(sorted(kind.__name__ for kind in kinds))
            + "; write other objects to a file and add that with add_file()"
        )
    known = artifact._added_objs.get(id(obj))
    if known is not None:
        return known[1]
    target = obj.with_suffix(name)
    source = _source_of(obj)
    if source is not None:
        return artifact.add_reference(source, target)[0]
    if obj._log_type == "joined-table":
        _add_parts(artifact, obj)
    data = _content(artifact, obj)
    there: ArtifactManifestEntry | None = artifact.manifest.entries.get(target)
    if there is not None and not overwrite:
        return there
    if target.startswith(_TABLES):
        target = f"{_TABLES}{_digest(data)}.{target.partition('.')[2]}"
    return _store(artifact, obj, target, data, overwrite=overwrite)


def _add_parts(artifact: Artifact, joined: Any) -> None:
    """Add the tables of a JoinedTable, under names that their content gives them."""
    for number, table in enumerate((joined._table1, joined._table2), 1):
        is_there = id(table) in artifact._added_objs
        if isinstance(table, WBValue) and not is_there and _source_of(table) is None:
            data = _content(artifact, table)
            _store(artifact, table, table.with_suffix(f"t{number}_{_digest(data)}"), data)


def _content(artifact: Artifact, obj: Any) -> bytes:
    """The content of an object's own file; its other files are added."""
    sink = _Files(artifact)
    if obj._log_type == "table":
        return ArtifactFiles(sink).table_bytes(obj._content_now())
    return json.dumps(obj._artifact_json(sink), sort_keys=True).encode("ascii")


def _store(
    artifact: Artifact, obj: WBValue, target: str, data: bytes, *, overwrite: bool = False
) -> ArtifactManifestEntry:
    entry = artifact._add_bytes(target, data, overwrite=overwrite)
    # With the object itself, so that its id is not given to another.
    artifact._added_objs[id(obj)] = (obj, entry)
    if obj._artifact_target is None:
        obj._set_artifact_target(artifact, str(entry.path))
    return entry


def _digest(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()[:20]


def _source_of(obj: WBValue) -> str | None:
    """Where an object lies already: in the artifact that it came from, or was added to before."""
    source = obj._artifact_source
    if source is not None and source.name is not None:
        entry = source.artifact.get_entry(obj.with_suffix(source.name))
        address: str = entry.ref_url()
        return address
    target = obj._artifact_target
    if target is not None and target.name is not None and target.artifact._final:
        return f"{CLIENT_SCHEME}://{target.artifact._client_id}/{target.name}"
    return None


class _Files(InArtifact):
    """What keeps the files of one object in the artifact."""

    def add(self, path: str, content: bytes) -> None:
        """Keep a file at this very path."""
        self.artifact._add_bytes(path, content)


# -- out -----------------------------------------------------------------------------------------


def find_object(
    artifact: Artifact, name: str
) -> tuple[ArtifactManifestEntry, type[WBValue]] | tuple[None, None]:
    """The entry of an object by the name it was added under, and its class."""
    kinds = _classes()
    # The name of a partitioned-table.json ends as that of a table.json does.
    named = [kind for kind in kinds if name.endswith(f".{kind._log_type}.json")]
    for kind in (*named, *kinds):
        entry = artifact.manifest.entries.get(kind.with_suffix(name))
        if entry is not None:
            return entry, kind
    return None, None


def read_object(artifact: Artifact, name: str) -> Any:
    """The object that was added as `name`; None when there is none."""
    entry, kind = find_object(artifact, name)
    if entry is None or kind is None:
        return None
    if is_artifact_reference(entry.ref):
        other, path = artifact._addressed(str(entry.ref))
        return read_object(other, path)
    with artifact._open(str(entry.path)) as file:
        content = json.load(file)
    if kind._log_type == "table" and _has_files(artifact):
        artifact.download()  # in one go, and not cell by cell
    found = kind.from_json(content, artifact)
    found._set_artifact_source(artifact, name)
    return found


def _has_files(artifact: Artifact) -> bool:
    return any(path.startswith("media/") for path in artifact.manifest.entries)

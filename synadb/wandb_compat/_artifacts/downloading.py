"""Files of a version on disk: written, compared, and where they go by default."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from synadb.errors import ArtifactNotFoundError, CorruptStoreError, InvalidValueError
from synadb.wandb_compat._artifacts.references import fetch
from synadb.wandb_compat._term import termlog, termwarn
from synadb.wandb_compat.env import get_artifact_dir
from synadb.wandb_compat.sdk.lib.paths import LogicalPath

if TYPE_CHECKING:
    from synadb.wandb_compat._artifacts.artifact import Artifact

__all__ = ["checkout", "download", "download_entry", "download_only", "verify"]

_MANY_FILES = 5000
_MANY_BYTES = 50 << 20


def download(
    artifact: Artifact,
    root: str | os.PathLike[str] | None,
    prefix: str,
    allow_missing_references: bool,
) -> str:
    """Write the files whose path starts with `prefix`; returns the folder."""
    where = _root(artifact, root)
    record = artifact._record
    large = record.file_count > _MANY_FILES or record.size > _MANY_BYTES
    if large:
        termlog(
            f"Downloading large artifact {record.name!r}, {record.size / (1 << 20):.2f}MB. "
            f"{record.file_count} files..."
        )
    _fetch(artifact, where, prefix=prefix, allow_missing_references=allow_missing_references)
    if large:
        termlog("Done.", prefix=False)
    return where


def download_only(artifact: Artifact, root: str | None) -> str:
    """Write the only file; ValueError when there are more, or none."""
    entries = artifact.manifest.entries
    if len(entries) != 1:
        raise ValueError(
            "This artifact contains more than one file, call `.download()` to get all files "
            'or call .get_entry("filename").download()'
            if entries
            else "This artifact contains no file"
        )
    where = os.path.join(".", "artifacts", artifact._record.name) if root is None else root
    return artifact.get_entry(next(iter(entries))).download(where)


def download_entry(artifact: Artifact, path: str, root: str | None) -> str:
    """Write one file."""
    where = _root(artifact, root)
    _fetch(artifact, where, paths=[path])
    return os.path.join(where, *path.split("/"))


def checkout(artifact: Artifact, root: str | None) -> str:
    """Make a folder hold the files and no others."""
    where = root or _default_root(artifact, include_version=False)
    entries = artifact.manifest.entries
    for folder, _, names in os.walk(where):
        for name in names:
            path = os.path.join(folder, name)
            if LogicalPath(os.path.relpath(path, where)) not in entries:
                os.remove(path)
    return artifact.download(root=where)


def verify(artifact: Artifact, root: str | None) -> None:
    """Compare a folder with the version; ValueError names the first difference."""
    where = root or _default_root(artifact)
    found = artifact._library.verify(artifact._record, where)
    for what in ("extra", "missing", "changed"):
        for path in (path for path, said in found.items() if said == what):
            if what == "extra":
                raise ValueError(
                    f"Found file {os.path.join(where, path)} which is not a member of "
                    f"artifact {artifact._record.name}"
                )
            more = " (there is none)" if what == "missing" else ""
            raise ValueError(f"Digest mismatch for file: {path}{more}")
    references = sum(entry.ref is not None for entry in artifact.manifest.entries.values())
    if references:
        termwarn(f"skipped verification of {references} refs")


def _fetch(artifact: Artifact, root: str, **which: Any) -> None:
    library, record = artifact._library, artifact._record
    try:
        library.download(record, root, fetch=lambda entry: fetch(artifact, entry), **which)
    except ArtifactNotFoundError as error:
        if library.find(record.uid) is None:
            raise
        raise FileNotFoundError(str(error)) from error
    except (CorruptStoreError, InvalidValueError) as error:
        raise ValueError(str(error)) from error


def _root(artifact: Artifact, root: str | os.PathLike[str] | None) -> str:
    where = os.fspath(root) if root else _default_root(artifact)
    artifact._download_roots.add(os.path.abspath(where))
    return where


def _default_root(artifact: Artifact, include_version: bool = True) -> str:
    source = artifact._source
    name = source.name if include_version else source.collection
    if os.name == "nt":
        name = name.replace(":", "-")
    return os.path.join(get_artifact_dir(), name)

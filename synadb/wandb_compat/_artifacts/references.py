"""References: content that stays where it is, and what an artifact says of it.

`file://` is read for its checksum. Everything else is recorded as it stands: nothing is asked of
another machine before somebody downloads the reference.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlparse

from synadb.artifacts import b64_md5, hash_file
from synadb.wandb_compat._artifacts.entry import (
    ARTIFACT_SCHEME,
    CLIENT_SCHEME,
    ArtifactManifestEntry,
)
from synadb.wandb_compat._term import termlog, termwarn

if TYPE_CHECKING:
    from synadb.artifact_records import EntryRecord
    from synadb.wandb_compat._artifacts.artifact import Artifact

__all__ = ["fetch", "reference_entries"]

_MOST_OBJECTS = 10_000_000
_STORES = {"s3": "boto3", "gs": "gcsfs"}
_SECONDS = 60.0  # without a byte from a server


def reference_entries(
    artifact: Artifact, uri: str, name: str | None, checksum: bool, most: int | None
) -> list[ArtifactManifestEntry]:
    """The entries for a URI: one, or one for each file of a folder; ValueError."""
    url = urlparse(uri)
    if not url.scheme:
        raise ValueError("References must be URIs. To reference a local file, use file://")
    if url.scheme == "file":
        return _files(uri, name, checksum, most or _MOST_OBJECTS)
    if url.scheme in (ARTIFACT_SCHEME, CLIENT_SCHEME):
        return [_of_artifact(artifact, uri, name)]
    if url.scheme in ("http", "https"):
        return [_plain(uri, name or os.path.basename(uri))]
    if url.scheme in _STORES:
        key = url.path.lstrip("/")
        plain = f"{url.scheme}://{url.netloc}/{key}"
        return [_plain(plain, name or key or url.netloc)]
    if name is None:
        raise ValueError(
            'You must pass name="<entry_name>" when tracking references with unknown schemes. '
            f"ref: {uri}"
        )
    termwarn(f"Artifact references with unsupported schemes cannot be checksummed: {uri}")
    return [_plain(uri, name)]


def _plain(uri: str, name: str) -> ArtifactManifestEntry:
    return ArtifactManifestEntry(path=name, ref=uri, digest=uri)


def _files(uri: str, name: str | None, checksum: bool, most: int) -> list[ArtifactManifestEntry]:
    place = uri.removeprefix("file://")
    if os.path.isfile(place):
        return [_file(place, name or os.path.basename(place), uri, checksum)]
    if not os.path.isdir(place):
        raise ValueError(f"Path {uri!r} must be a valid file or directory path")
    if checksum:
        termlog(f"Generating checksum for up to {most} files in {place!r}... ", newline=False)
    found: list[ArtifactManifestEntry] = []
    for path in _below(place):
        if len(found) >= most:
            raise ValueError(f"Exceeded {most} objects tracked, pass max_objects to add_reference")
        inside = os.path.relpath(path, place)
        target = os.path.join(name or "", inside)
        found.append(_file(path, target, os.path.join(uri, inside), checksum))
    if checksum:
        termlog("Done.", prefix=False)
    return found


def _below(folder: str) -> Iterator[str]:
    for inside, _, names in os.walk(folder):
        for name in names:
            yield os.path.join(inside, name)


def _file(path: str, name: str, uri: str, checksum: bool) -> ArtifactManifestEntry:
    if checksum:
        digest, size = hash_file(path)
    else:
        import hashlib

        address = Path(path).resolve().as_uri()
        digest = b64_md5(hashlib.md5(address.encode(), usedforsecurity=False).digest())
        size = os.path.getsize(path)
    return ArtifactManifestEntry(path=name, ref=uri, size=size, digest=digest)


def _of_artifact(artifact: Artifact, uri: str, name: str | None) -> ArtifactManifestEntry:
    """A reference to an entry of another artifact, or to what that one refers to."""
    while True:
        other, path = artifact._addressed(uri)
        entry = other.manifest.entries.get(path)
        if entry is None:
            raise ValueError(f"{uri}: {other.name} has no entry {path!r}")
        if entry.ref is None or not entry.ref.startswith(("wandb-artifact:", "wandb-client")):
            break
        uri = entry.ref
    address = f"{CLIENT_SCHEME}://{other._client_id}" if other.id is None else _address(other)
    target = f"{address}/{path}"
    return ArtifactManifestEntry(
        path=name or os.path.basename(path), ref=target, size=0, digest=entry.digest
    )


def _address(artifact: Artifact) -> str:
    return f"{ARTIFACT_SCHEME}://{artifact.id}"


def fetch(artifact: Artifact, record: EntryRecord) -> BinaryIO:
    """The content of a reference that is no local file; FileNotFoundError, ValueError."""
    uri = record.reference or ""
    scheme = urlparse(uri).scheme
    if scheme in (ARTIFACT_SCHEME, CLIENT_SCHEME):
        other, path = artifact._addressed(uri)
        return other._open(path)
    if scheme in ("http", "https"):
        return _web(uri)
    if scheme in _STORES:
        return _bucket(uri, scheme)
    raise ValueError(f"Cannot download file at path {uri}, scheme {scheme} not recognized")


def _web(uri: str) -> BinaryIO:
    import urllib.error
    import urllib.request

    try:
        answer: Any = urllib.request.urlopen(uri, timeout=_SECONDS)
    except (urllib.error.URLError, OSError) as error:
        raise FileNotFoundError(f"{uri} cannot be downloaded: {error}") from error
    stream: BinaryIO = answer
    return stream


def _bucket(uri: str, scheme: str) -> BinaryIO:
    try:
        import fsspec  # type: ignore[import-not-found,import-untyped,unused-ignore]

        stream: BinaryIO = fsspec.open(uri, "rb").open()
    except ImportError as error:
        raise ValueError(
            f"{uri} cannot be downloaded without fsspec and "
            f"{'s3fs' if scheme == 's3' else 'gcsfs'}: install them, or fetch the file yourself"
        ) from error
    return stream

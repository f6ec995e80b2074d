"""Digests of files, and which paths may stand in a manifest. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synadb.artifact_records import b64_md5, manifest_digest
from synadb.errors import InvalidValueError
from synadb.folders import is_below

if TYPE_CHECKING:
    import os

__all__ = ["b64_md5", "check_path", "hash_file", "manifest_digest"]

READ_BYTES = 1 << 20


def hash_file(path: str | os.PathLike[str]) -> tuple[str, int]:
    """The entry digest (base64 of the MD5) and the size of a file, read in pieces."""
    import hashlib

    whole = hashlib.md5(usedforsecurity=False)
    size = 0
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(READ_BYTES):
            whole.update(piece)
            size += len(piece)
    return b64_md5(whole.digest()), size


def check_path(path: str) -> str:
    """A path as it stands in a manifest: relative, with `/`, without `.` and empty parts.

    InvalidValueError when it is empty, absolute, has a drive letter or a part `..` (also where
    only Windows would see it as one), or cannot be written as UTF-8.
    """
    if not isinstance(path, str):
        raise InvalidValueError(f"a path in an artifact is a str, not {path!r}")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not is_below(path):
        raise InvalidValueError(
            f"Invalid artifact path: {path!r}; use a relative path with '/' and without '..'"
        )
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise InvalidValueError(
            f"Invalid artifact path: {path!r} cannot be written as UTF-8; name it otherwise"
        ) from error
    return "/".join(parts)

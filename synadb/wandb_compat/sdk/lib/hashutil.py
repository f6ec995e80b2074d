"""`wandb.sdk.lib.hashutil`: digests, spelled in base64 and in hexadecimal."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute

__all__ = [
    "B64Digest",
    "ETag",
    "HexDigest",
    "b64_to_hex_id",
    "hex_to_b64_id",
    "md5_file_b64",
    "md5_file_hex",
    "md5_string",
    "xxh128_file_b64",
    "xxh128_file_hex",
    "xxh128_string",
]

ETag = HexDigest = B64Digest = str
StrPath = str | os.PathLike[str]

_PIECE = 1 << 20


def b64_to_hex_id(string: str) -> str:
    """A digest in base64, in hexadecimal."""
    return base64.standard_b64decode(string).hex()


def hex_to_b64_id(encoded_string: str | bytes) -> str:
    """A digest in hexadecimal, in base64."""
    text = encoded_string.decode() if isinstance(encoded_string, bytes) else encoded_string
    return base64.standard_b64encode(bytes.fromhex(text)).decode()


def md5_string(string: str) -> str:
    """The MD5 of a text, in base64."""
    return _b64(hashlib.md5(string.encode(), usedforsecurity=False))


def md5_file_b64(*paths: StrPath) -> str:
    """The MD5 of files, one after the other in the order of their names, in base64."""
    return _b64(_of_files(hashlib.md5(usedforsecurity=False), paths))


def md5_file_hex(*paths: StrPath) -> str:
    """The same in hexadecimal."""
    return str(_of_files(hashlib.md5(usedforsecurity=False), paths).hexdigest())


def xxh128_string(string: str) -> str:
    """The XXH128 of a text, in base64; it needs xxhash, as the others do."""
    return _b64(_xxh128(string.encode()))


def xxh128_file_b64(*paths: StrPath) -> str:
    """The XXH128 of files, in base64."""
    return _b64(_of_files(_xxh128(), paths))


def xxh128_file_hex(*paths: StrPath) -> str:
    """The same in hexadecimal."""
    return str(_of_files(_xxh128(), paths).hexdigest())


def _xxh128(data: bytes = b"") -> Any:
    from synadb.wandb_compat._integrations.library import library

    return library("xxhash", "wandb.sdk.lib.hashutil.xxh128").xxh3_128(data)


def _b64(hasher: Any) -> str:
    return base64.standard_b64encode(hasher.digest()).decode()


def _of_files(hasher: Any, paths: tuple[StrPath, ...]) -> Any:
    for path in sorted(os.fspath(path) for path in paths):
        with open(path, "rb") as file:
            while piece := file.read(_PIECE):
                hasher.update(piece)
    return hasher


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)

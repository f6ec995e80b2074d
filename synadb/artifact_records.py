"""What can be read of versioned artifacts. Apart from `records`, which every start imports."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

__all__ = ["CollectionRecord", "EntryRecord", "VersionRecord", "b64_md5", "manifest_digest"]


class CollectionRecord(NamedTuple):
    """A name under which versions of one type stand, unique in its project.

    `newest` is the highest version number there is (None: no version), `versions` their count.
    """

    project: str
    name: str
    type: str
    description: str | None
    created_at: float
    newest: int | None
    versions: int
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    properties: dict[str, Any]


class VersionRecord(NamedTuple):
    """One version of an artifact as it stood when it was read. Times are seconds since the epoch.

    `uid` names it for ever; `digest` is that of its manifest; `ttl` counts seconds from
    `created_at`. `run_id` is the run that logged it, `step` that run's step. A link stands in
    another collection and shows what the version with the uid `source` holds. `number` is -1 and
    `state` "pending" while several processes add to it, otherwise "committed".
    """

    uid: str
    project: str
    collection: str
    type: str
    number: int
    state: str
    digest: str
    size: int
    file_count: int
    description: str | None
    metadata: dict[str, Any]
    tags: tuple[str, ...]
    aliases: tuple[str, ...]
    ttl: float | None
    run_id: str | None
    step: int | None
    created_at: float
    updated_at: float
    source: str | None
    properties: dict[str, Any]

    @property
    def version(self) -> str:
        """`v0`, `v1`, ..."""
        return f"v{self.number}"

    @property
    def name(self) -> str:
        """`collection:v0`."""
        return f"{self.collection}:v{self.number}"


class EntryRecord(NamedTuple):
    """One path of an artifact.

    `digest` is the base64 of the content's MD5; of a reference whatever identifies its target.
    `size` is None where a reference's is not known; `sha256` (hex) is None for references.
    """

    path: str
    digest: str
    size: int | None
    sha256: str | None
    reference: str | None
    extra: Mapping[str, Any]


def manifest_digest(entries: Iterable[tuple[str, str]]) -> str:
    """The digest of a version, in hex, from its (path, entry digest) pairs in any order.

    MD5 of the line `wandb-artifact-manifest-v1` and, for every entry in the order of the paths, a
    line `path:digest`. This is how wandb numbers contents (seen from its manifests: equal content
    has an equal digest there and here); type, name and metadata play no part.
    """
    import hashlib

    whole = hashlib.md5(b"wandb-artifact-manifest-v1\n", usedforsecurity=False)
    for path, digest in sorted(entries):
        whole.update(f"{path}:{digest}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()


def b64_md5(digest: bytes) -> str:
    """A raw MD5 as entries carry it: in base64."""
    import base64

    return base64.b64encode(digest).decode()

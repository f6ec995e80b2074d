"""`ArtifactManifestEntry`: one file or reference of an artifact."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat._artifacts.state import ArtifactDigestAlgorithm
from synadb.wandb_compat._term import termwarn
from synadb.wandb_compat.sdk.lib.paths import LogicalPath

if TYPE_CHECKING:
    from synadb.artifact_records import EntryRecord
    from synadb.wandb_compat._artifacts.artifact import Artifact

__all__ = ["ARTIFACT_SCHEME", "CLIENT_SCHEME", "ArtifactManifestEntry", "is_artifact_reference"]

ARTIFACT_SCHEME = "wandb-artifact"
CLIENT_SCHEME = "wandb-client-artifact"

_FIELDS = (
    "path",
    "digest",
    "ref",
    "birthArtifactID",
    "size",
    "extra",
    "local_path",
    "skip_cache",
)


class ArtifactManifestEntry:
    """A path with the digest of what is there: base64 of the MD5, or what names a reference.

    `local_path` is the file that it was made from.
    """

    path: LogicalPath
    digest: str
    ref: str | None
    size: int | None

    def __init__(
        self,
        *,
        path: str | os.PathLike[str],
        digest: str,
        ref: str | None = None,
        birthArtifactID: str | None = None,
        size: int | None = None,
        extra: dict[str, Any] | None = None,
        local_path: str | os.PathLike[str] | None = None,
        skip_cache: bool | None = False,
    ) -> None:
        self.path = LogicalPath(path)
        self.digest = digest
        self.ref = ref
        self.birthArtifactID = birthArtifactID
        self.local_path = os.fspath(local_path) if local_path else None
        self.size = size
        if size is None and self.local_path is not None:
            self.size = os.path.getsize(self.local_path)
        self.extra = {} if extra is None else dict(extra)
        self.skip_cache = bool(skip_cache)
        self._parent_artifact: Artifact | None = None

    @property
    def birth_artifact_id(self) -> str | None:
        """The artifact that first had this."""
        return self.birthArtifactID

    @property
    def name(self) -> LogicalPath:
        """The old name of `path`."""
        termwarn("ArtifactManifestEntry.name is deprecated, use .path instead.", repeat=False)
        return self.path

    def model_dump(
        self,
        *,
        mode: str = "json",
        by_alias: bool = True,
        exclude: Any = None,
        exclude_none: bool = False,
        exclude_defaults: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """The fields as a dict."""
        found: dict[str, Any] = {}
        for field in _FIELDS:
            value = getattr(self, field)
            if field in (exclude or ()) or (exclude_none and value is None):
                continue
            if exclude_defaults and field not in ("path", "digest") and not value and value != 0:
                continue
            if exclude_defaults and field == "skip_cache" and not value:
                continue
            name = field if by_alias or field != "birthArtifactID" else "birth_artifact_id"
            found[name] = str(value) if isinstance(value, LogicalPath) else value
        return found

    def model_dump_json(self, *, indent: int | None = None, **kwargs: Any) -> str:
        """The fields as JSON text."""
        import json

        separators = (",", ":") if indent is None else None
        return json.dumps(self.model_dump(**kwargs), indent=indent, separators=separators)

    def to_json(self) -> dict[str, Any]:
        """The fields that are set."""
        return self.model_dump(exclude_none=True)

    def digest_algorithm(self) -> ArtifactDigestAlgorithm:
        """MD5."""
        return ArtifactDigestAlgorithm.MANIFEST_MD5

    def parent_artifact(self) -> Artifact:
        """The artifact that has this entry, where it is known: from `get_entry` or `manifest`."""
        if self._parent_artifact is None:
            raise NotImplementedError(
                f"the entry {str(self.path)!r} is not of a logged artifact; get it by "
                "artifact.get_entry()"
            )
        return self._parent_artifact

    def download(
        self, root: str | None = None, skip_cache: bool | None = None, executor: Any = None
    ) -> str:
        """Write the file below `root`, by default the artifact's folder; its path."""
        return self.parent_artifact()._download_entry(self, root)

    def ref_target(self) -> str:
        """What a reference points to; ValueError for a file."""
        if self.ref is None:
            raise ValueError("Only reference entries support ref_target().")
        if self._parent_artifact is None or not is_artifact_reference(self.ref):
            return self.ref
        return self._parent_artifact._referenced(self).ref_target()

    def ref_url(self) -> str:
        """An address of this entry, which `add_reference` of another artifact takes."""
        parent = self.parent_artifact()
        if parent.id is None:
            raise ValueError("the artifact of this entry has not been logged")
        return f"{ARTIFACT_SCHEME}://{parent.id}/{self.path}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArtifactManifestEntry):
            return NotImplemented
        return all(getattr(self, field) == getattr(other, field) for field in _FIELDS)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = self.model_dump(by_alias=False, exclude_none=True)
        if not self.extra:
            del shown["extra"]
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in shown.items())})"

    @classmethod
    def _of(cls, record: EntryRecord) -> ArtifactManifestEntry:
        """From what the library says."""
        return cls(
            path=record.path,
            digest=record.digest,
            ref=record.reference,
            size=record.size,
            extra=dict(record.extra),
        )


def is_artifact_reference(uri: str | None) -> bool:
    """Whether a reference names an entry of another artifact."""
    return uri is not None and uri.startswith((f"{ARTIFACT_SCHEME}://", f"{CLIENT_SCHEME}://"))

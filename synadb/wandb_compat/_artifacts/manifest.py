"""`ArtifactManifest`: the entries of an artifact by path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synadb.artifact_records import manifest_digest
from synadb.wandb_compat._artifacts.entry import ArtifactManifestEntry
from synadb.wandb_compat._artifacts.names import valid_entry_path
from synadb.wandb_compat._artifacts.state import ArtifactDigestAlgorithm

__all__ = ["ArtifactManifest", "ArtifactManifestV1"]

_POLICY = "wandb-storage-policy-v1"


class ArtifactManifest:
    """The entries by path, and the digest that they make."""

    manifest_version = 1
    digest_algorithm = ArtifactDigestAlgorithm.MANIFEST_MD5

    def __init__(
        self,
        entries: Mapping[str, ArtifactManifestEntry] | None = None,
        *,
        storage_region: str | None = None,
    ) -> None:
        self.entries: dict[str, ArtifactManifestEntry] = dict(entries or {})
        self._region = storage_region

    @classmethod
    def version(cls) -> int:
        """The version of the format."""
        return cls.manifest_version

    @classmethod
    def from_manifest_json(
        cls, manifest_json: dict[str, Any], digest_algorithm: Any = None
    ) -> ArtifactManifest:
        """From the content of a wandb_manifest.json; ValueError."""
        version = manifest_json.get("version")
        if version is None:
            raise ValueError("Invalid manifest format. Must contain version field.")
        if version != cls.manifest_version:
            raise ValueError("Invalid manifest version.")
        return ArtifactManifestV1(
            {
                path: ArtifactManifestEntry(path=path, **fields)
                for path, fields in manifest_json["contents"].items()
            },
            storage_region=manifest_json.get("storagePolicyConfig", {}).get("storageRegion"),
        )

    def to_manifest_json(self) -> dict[str, Any]:
        """The content of a wandb_manifest.json."""
        config = {"storageLayout": "V2"}
        if self._region:
            config["storageRegion"] = self._region
        hidden = {"path", "local_path", "skip_cache"}
        return {
            "version": self.manifest_version,
            "storagePolicy": _POLICY,
            "storagePolicyConfig": config,
            "contents": {
                str(path): entry.model_dump(exclude=hidden, exclude_defaults=True)
                for path, entry in self.entries.items()
            },
        }

    def digest(self) -> str:
        """MD5 over the paths and digests, in hex."""
        return manifest_digest(
            (str(path), str(entry.digest)) for path, entry in self.entries.items()
        )

    def size(self) -> int:
        """Bytes of all entries, as far as known."""
        return sum(entry.size for entry in self.entries.values() if entry.size)

    def add_entry(self, entry: ArtifactManifestEntry, overwrite: bool = False) -> None:
        """Add an entry; ValueError when its path has another content, unless `overwrite`."""
        entry.path = valid_entry_path(entry.path)
        known = self.entries.get(entry.path)
        if known is not None and known.digest != entry.digest and not overwrite:
            raise ValueError(f"Cannot add the same path twice: {str(entry.path)!r}")
        self.entries[entry.path] = entry

    def remove_entry(self, entry: ArtifactManifestEntry) -> None:
        """Take an entry out; FileNotFoundError."""
        if self.entries.pop(entry.path, None) is None:
            raise FileNotFoundError(f"Cannot remove missing entry: {str(entry.path)!r}")

    def get_entry_by_path(self, path: str) -> ArtifactManifestEntry | None:
        """The entry at a path, or None."""
        return self.entries.get(path)

    def get_entries_in_directory(self, directory: str) -> list[ArtifactManifestEntry]:
        """The entries below a folder."""
        return [entry for path, entry in self.entries.items() if path.startswith(f"{directory}/")]

    def __len__(self) -> int:
        return len(self.entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArtifactManifest) and self.entries == other.entries

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(entries={self.entries!r})"


class ArtifactManifestV1(ArtifactManifest):
    """The one format there is."""

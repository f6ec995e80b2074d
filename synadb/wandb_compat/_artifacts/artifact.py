"""`wandb.Artifact`."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from synadb.ids import generate_id
from synadb.wandb_compat import _session
from synadb.wandb_compat._artifacts.building import Building, _Folder
from synadb.wandb_compat._artifacts.entry import ArtifactManifestEntry
from synadb.wandb_compat._artifacts.errors import ArtifactNotLoggedError
from synadb.wandb_compat._artifacts.known import remember
from synadb.wandb_compat._artifacts.logged import Logged
from synadb.wandb_compat._artifacts.manifest import ArtifactManifest, ArtifactManifestV1
from synadb.wandb_compat._artifacts.names import (
    is_version,
    valid_metadata,
    valid_name,
    valid_type,
)
from synadb.wandb_compat._artifacts.state import (
    ArtifactDigestAlgorithm,
    ArtifactState,
    ArtifactTTL,
)
from synadb.wandb_compat._term import termwarn

if TYPE_CHECKING:
    from datetime import timedelta

    from synadb.artifact_records import VersionRecord
    from synadb.artifacts import Draft
    from synadb.tracker import ExperimentTracker

__all__ = ["Artifact"]

_PACKAGE = __package__.rpartition(".")[0]


class Artifact(Building, Logged):
    """A set of files under a name, of which each change is a version.

    Put together with `add_file`, `add_dir`, `add_reference`, `add` and `new_file`, then logged by
    `run.log_artifact`; `run.use_artifact` gives one that has been logged. Equal content has the
    digest that wandb gives it, and makes no new version.

    Args:
        name: letters, digits, `-`, `_` and `.`, 128 at most.
        type: such as `dataset` or `model`.
        description: free text.
        metadata: up to 100 keys, with values that JSON has.
        incremental: whether the next version also has what the last one had.
        use_as: has no effect, as in wandb.
        storage_region: recorded in the manifest; the content lies in the database.
        digest_algorithm: contents are told apart by MD5, whatever this says.
    """

    _description: str | None
    _metadata: dict[str, Any]
    _distributed_id: str | None
    _manifest: ArtifactManifest | None
    _draft: Draft | None
    _version: VersionRecord | None
    _base_project: str | None
    _pending: str | None
    _aliases: list[str]
    _tags: list[str]
    _ttl_seconds: float | None
    _folder: _Folder | None
    _added_local_paths: dict[str, ArtifactManifestEntry]
    _added_objs: dict[int, tuple[Any, ArtifactManifestEntry]]
    _download_roots: set[str]

    def __init__(
        self,
        name: str,
        type: str,
        description: str | None = None,
        metadata: dict[str, Any] | None = None,
        incremental: bool = False,
        use_as: str | None = None,
        storage_region: str | None = None,
        digest_algorithm: str = "MD5",
    ) -> None:
        valid_name(name)
        region: Any = storage_region
        if region is not None and not (isinstance(region, str) and region):
            raise ValueError(f"storage_region is the name of a region, not {storage_region!r}")
        self._begin(name, valid_type(type, name))
        self._description, self._metadata = description, valid_metadata(metadata)
        self._incremental = incremental
        if incremental:
            termwarn("Using experimental arg `incremental`", repeat=False)
        if use_as is not None:
            termwarn(
                "`use_as` argument is deprecated and does not affect the behaviour of "
                "`wandb.Artifact()`",
                repeat=False,
            )
        if digest_algorithm not in ("MD5", "md5", None):
            termwarn(
                f"digest_algorithm={digest_algorithm!r} has no effect: the digest is that of MD5",
                repeat=False,
            )
        self._manifest = ArtifactManifestV1(storage_region=storage_region)

    def _begin(self, name: str, type: str) -> None:
        """An empty draft."""
        self._name = name
        self._type = type
        self._description = None
        self._metadata = {}
        self._incremental = False
        self._distributed_id = None
        self._manifest = ArtifactManifestV1()
        self._draft = None
        self._version = None
        self._database = ""
        self._entity = ""
        self._base_project = None
        self._pending = None  # the version that this is a part of, until it is finished
        self._state = ArtifactState.PENDING
        self._final = False
        self._aliases = []
        self._tags = []
        self._ttl_seconds = None
        self._ttl_inherited = True
        self._ttl_changed = False
        self._folder = None
        self._added_local_paths = {}
        self._added_objs = {}
        self._download_roots = set()
        self._client_id = generate_id(128)
        self._sequence_client_id = generate_id(128)
        self._lock = threading.RLock()
        remember(self)

    def _take(self, tracker: ExperimentTracker, version: VersionRecord) -> None:
        """Be a version."""
        with self._lock:
            self._version = version
            self._database = tracker.path
            self._name = version.name
            self._type = version.type
            self._description = version.description
            self._metadata = dict(version.metadata)
            self._aliases = sorted(alias for alias in version.aliases if not is_version(alias))
            self._tags = list(version.tags)
            self._ttl_seconds = version.ttl
            self._ttl_inherited = version.ttl is None
            self._ttl_changed = False
            self._manifest = None
            self._state = ArtifactState.COMMITTED
            self._final = True
            self._draft = None
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None

    def _await(self, tracker: ExperimentTracker, version: VersionRecord) -> None:
        """Be a part of a version that others still add to."""
        self._database = tracker.path
        self._pending = version.uid

    def _set_deleted(self) -> None:
        self._state = ArtifactState.DELETED

    # -- what it is ------------------------------------------------------------------------------

    @property
    def id(self) -> str | None:
        """What names the version for ever; None of a draft."""
        if self._version is None:
            return None
        return self._version.source or self._version.uid

    @property
    def name(self) -> str:
        """The name, with the version once it is logged: `data:v0`."""
        return self._name

    @property
    def source_name(self) -> str:
        """The name of the version that a link shows."""
        return self._name if self._version is None else self._source.name

    @property
    def type(self) -> str:
        """The type."""
        return self._type

    @property
    def state(self) -> str:
        """PENDING, once it has been logged COMMITTED, at last DELETED."""
        return self._state.value

    @property
    def is_link(self) -> bool:
        """Whether it shows a version of another collection."""
        return self._version is not None and self._version.source is not None

    def is_draft(self) -> bool:
        """Whether it has not been logged."""
        return self._state is ArtifactState.PENDING

    def _is_draft_save_started(self) -> bool:
        return self._version is not None or self._pending is not None

    @property
    def incremental(self) -> bool:
        """Whether the next version also has what the last one had."""
        return self._incremental

    @property
    def use_as(self) -> str | None:
        """None: of no effect any more, as in wandb."""
        termwarn("The use_as property of Artifact is deprecated.", repeat=False)
        return None

    @property
    def distributed_id(self) -> str | None:
        """What several writers of one version have in common; can be set."""
        return self._distributed_id

    @distributed_id.setter
    def distributed_id(self, distributed_id: str | None) -> None:
        self._distributed_id = distributed_id

    @property
    def manifest(self) -> ArtifactManifest:  # type: ignore[override]
        """The entries."""
        with self._lock:
            if self._manifest is None:
                entries: dict[str, ArtifactManifestEntry] = {}
                for record in self._stored_entries():
                    entry = ArtifactManifestEntry._of(record)
                    entry._parent_artifact = self
                    entries[entry.path] = entry
                self._manifest = ArtifactManifestV1(entries)
            return self._manifest

    @property
    def digest(self) -> str:
        """MD5 over paths and contents: equal content has an equal digest."""
        if self._version is not None:
            return self._version.digest
        return self.manifest.digest()

    @property
    def digest_algorithm(self) -> ArtifactDigestAlgorithm:
        """MD5."""
        return ArtifactDigestAlgorithm.MANIFEST_MD5

    @property
    def size(self) -> int:
        """Bytes of all entries, of references as far as known."""
        return self.manifest.size() if self._version is None else self._version.size

    @property
    def description(self) -> str | None:
        """A free text; can be set, of a logged artifact `save` stores it."""
        return self._description

    @description.setter
    def description(self, description: str | None) -> None:
        self._of_source("description")
        self._description = description

    @property
    def metadata(self) -> dict[str, Any]:
        """A dict; can be set and changed, of a logged artifact `save` stores it."""
        return self._metadata

    @metadata.setter
    def metadata(self, metadata: dict[str, Any]) -> None:
        self._of_source("metadata")
        self._metadata = valid_metadata(metadata)

    def _of_source(self, what: str) -> None:
        if self.is_link:
            termwarn(
                f"Editing the {what} of this linked artifact will edit the {what} for the source "
                "artifact and its linked artifacts as well."
            )

    @property
    def ttl(self) -> timedelta | None:
        """How long it is kept after it was made; None: for ever. Can be set."""
        from datetime import timedelta

        if self._ttl_inherited and (self._version is None or self._ttl_changed):
            raise ArtifactNotLoggedError("Artifact.ttl", self)
        return None if self._ttl_seconds is None else timedelta(seconds=self._ttl_seconds)

    @ttl.setter
    def ttl(self, ttl: timedelta | ArtifactTTL | None) -> None:
        if self.is_link:
            raise ValueError(
                "Cannot set TTL for link artifact. "
                "Unlink the artifact first then set the TTL for the source artifact"
            )
        if self._type == "wandb-history":
            raise ValueError("Cannot set artifact TTL for type wandb-history")
        seconds: float | None = None
        if ttl is not None and not isinstance(ttl, ArtifactTTL):
            seconds = ttl.total_seconds()
            if seconds <= 0:
                raise ValueError(f"Artifact TTL Duration has to be positive. ttl: {seconds}")
            seconds = int(seconds)
        self._ttl_changed = True
        self._ttl_inherited = isinstance(ttl, ArtifactTTL)
        self._ttl_seconds = seconds

    # -- logging ---------------------------------------------------------------------------------

    def save(self, project: str | None = None, settings: Any = None) -> None:
        """Log a draft to the active run, or to one begun for it; of a version store changes."""
        if self._version is not None:
            self._update()
            return
        runs = _session.mine()
        if runs:
            runs[-1].log_artifact(self)
            return
        from synadb.wandb_compat._settings import Settings

        # By its name: init makes runs, and these have artifacts.
        with sys.modules[_PACKAGE].init(
            entity=self._entity or None,
            project=project or self._base_project,
            job_type="auto",
            settings=Settings(silent=True) if settings is None else settings,
        ) as run:
            run.log_artifact(self)

    def wait(self, timeout: float | None = None) -> Artifact:
        """Itself: what has been logged is stored. ArtifactNotLoggedError for a draft.

        A part of a version that several runs write becomes that version once it is finished.
        """
        if self._version is None and self._pending is None:
            raise ArtifactNotLoggedError("Artifact.wait", self)
        if self._pending is not None:
            version = self._library.find(self._pending)
            if version is not None and version.state == "committed":
                self._pending = None
                self._take(self._tracker, version)
        return self

    # -- as an object ----------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<Artifact {self.id or self.name}>"

    def __getstate__(self) -> dict[str, Any]:
        state = {
            key: value
            for key, value in self.__dict__.items()
            if key not in ("_lock", "_draft", "_folder", "_added_objs", "_added_local_paths")
        }
        if self._version is not None:
            state["_manifest"] = None
            return state
        with self._lock:
            content = {}
            draft = self._complete_draft()
            for path, entry in draft.entries.items():
                if entry.reference is None:
                    with draft.open(path) as stream:
                        content[path] = stream.read()
        return {**state, "_content_bytes": content}

    def __setstate__(self, state: dict[str, Any]) -> None:
        content: dict[str, bytes] = state.pop("_content_bytes", {})
        self.__dict__.update(state)
        self._lock = threading.RLock()
        self._draft = self._folder = None
        self._added_objs, self._added_local_paths = {}, {}
        if content:
            from synadb.artifacts import Draft

            self._draft = Draft()
            for path, data in content.items():
                self._draft.add_bytes(path, data)
        remember(self)

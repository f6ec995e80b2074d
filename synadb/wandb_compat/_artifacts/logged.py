"""What an artifact is and can do once it is a version in a database."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

from synadb.errors import (
    ArtifactNotFoundError,
    RunNotFoundError,
    StorageError,
)
from synadb.wandb_compat import _session
from synadb.wandb_compat._artifacts.entry import ArtifactManifestEntry
from synadb.wandb_compat._artifacts.errors import ArtifactMissingError, ArtifactNotLoggedError
from synadb.wandb_compat._artifacts.known import by_client_id
from synadb.wandb_compat._artifacts.names import parse_path, valid_aliases, valid_tags
from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._term import termwarn
from synadb.wandb_compat.errors import CommError
from synadb.wandb_compat.sdk.lib.paths import LogicalPath

if TYPE_CHECKING:
    from synadb.artifact_records import EntryRecord, VersionRecord
    from synadb.artifacts import Artifacts
    from synadb.tracker import ExperimentTracker
    from synadb.wandb_compat._artifacts.artifact import Artifact
    from synadb.wandb_compat._artifacts.manifest import ArtifactManifest

__all__ = ["Logged", "artifact_of", "find_version", "when_logged"]

_Method = TypeVar("_Method", bound=Callable[..., Any])
# The class itself, and the Api, are made of this module, and imported when they are asked for.
_LATE = {
    "Artifact": "_artifacts.artifact:Artifact",
    "ArtifactCollection": "_apis.artifacts:ArtifactCollection",
    "ArtifactFiles": "_apis.artifacts:ArtifactFiles",
    "Run": "_apis.runs:Run",
}


def when_logged(method: _Method) -> _Method:
    """A method that raises ArtifactNotLoggedError for a draft, CommError for one that is gone."""

    @wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._version is None:
            raise ArtifactNotLoggedError(f"Artifact.{method.__name__}", self)
        try:
            return method(self, *args, **kwargs)
        except ArtifactNotFoundError as error:
            raise ArtifactMissingError(f"{self.name}: {error}", error) from error
        except StorageError as error:
            raise CommError(f"{self.name}: {error}", error) from error

    return cast(_Method, call)


def artifact_of(tracker: ExperimentTracker, version: VersionRecord, entity: str) -> Artifact:
    """The Artifact for a version of a database."""
    kind = _late("Artifact")
    found: Artifact = kind.__new__(kind)
    found._begin(version.collection, version.type)
    found._entity = entity
    found._take(tracker, version)
    return found


def _late(name: str) -> Any:
    return lazy_attribute(__name__, _LATE, name)


def find_version(
    library: Artifacts, path: str, *, project: str, type: str | None = None
) -> VersionRecord:
    """The version that a path names, in `project` where it names none; ArtifactMissingError."""
    try:
        place = parse_path(path)
    except ValueError as error:
        raise ArtifactMissingError(str(error), error) from error
    wanted = place.project or project
    try:
        version = library.get(place.reference, project=wanted)
    except ArtifactNotFoundError as error:
        raise ArtifactMissingError(
            f"artifact membership {place.reference!r} not found in {wanted!r}", error
        ) from error
    if type is not None and version.type != type:
        raise ArtifactMissingError(
            f"type {type!r} specified but artifact {version.name!r} is of type {version.type!r}"
        )
    return version


class Logged:
    """The part of an Artifact that comes from its version."""

    _aliases: list[str]
    _database: str
    _entity: str
    _metadata: dict[str, Any]
    _tags: list[str]
    _version: VersionRecord | None
    _download_roots: set[str]
    _description: str | None
    manifest: ArtifactManifest

    # -- where it is -----------------------------------------------------------------------------

    @property
    def _artifact(self) -> Artifact:
        return self  # type: ignore[return-value]

    @property
    def _record(self) -> VersionRecord:
        assert self._version is not None
        return self._version

    @property
    def _tracker(self) -> ExperimentTracker:
        """The database of a version."""
        for run in _session.mine():
            if run._tracker.path == self._database:
                return run._tracker
        return _session.tracker_for(self._database)

    @property
    def _library(self) -> Artifacts:
        return self._tracker.artifacts

    @property
    def _source(self) -> VersionRecord:
        """The version that a link shows; of others the version itself."""
        record = self._record
        if record.source is None:
            return record
        found = self._library.find(record.source)
        if found is None:
            raise ValueError(f"Unable to fetch source artifact for linked artifact {record.name}")
        return found

    @property
    def _owner(self) -> str:
        from synadb.wandb_compat._apis.source import user_name

        return self._entity or user_name()

    @property
    @when_logged
    def entity(self) -> str:
        """The entity of the run that logged it, or by which it was asked for; else the user's."""
        return self._owner

    @property
    @when_logged
    def project(self) -> str:
        """The project."""
        return self._record.project

    @property
    @when_logged
    def version(self) -> str:
        """`v0`, `v1`, ..."""
        return self._record.version

    @property
    @when_logged
    def qualified_name(self) -> str:
        """`entity/project/name:v0`."""
        return f"{self._owner}/{self._record.project}/{self._record.name}"

    @property
    @when_logged
    def collection(self) -> Any:
        """The collection that it stands in."""
        record = self._record
        return self._collection(record.project, record.collection)

    @property
    @when_logged
    def source_entity(self) -> str:
        """The entity of the version that a link shows."""
        return self._owner

    @property
    @when_logged
    def source_project(self) -> str:
        """The project of the version that a link shows."""
        return self._source.project

    @property
    @when_logged
    def source_version(self) -> str:
        """The number of the version that a link shows."""
        return self._source.version

    @property
    @when_logged
    def source_qualified_name(self) -> str:
        """`entity/project/name:v0` of the version that a link shows."""
        source = self._source
        return f"{self._owner}/{source.project}/{source.name}"

    @property
    @when_logged
    def source_collection(self) -> Any:
        """The collection that it was logged to."""
        source = self._source
        return self._collection(source.project, source.collection)

    @property
    @when_logged
    def source_artifact(self) -> Artifact:
        """The version that a link shows; itself otherwise."""
        if self._record.source is None:
            return self._artifact
        return artifact_of(self._tracker, self._source, self._entity)

    def _collection(self, project: str, name: str) -> Any:
        from synadb.wandb_compat._apis.source import Source

        source = Source(self._database)
        kind = _late("ArtifactCollection")
        return kind(source, self._owner, project, name, self._record.type)

    @property
    @when_logged
    def url(self) -> str:
        """Where it lies, as a URL of the database file."""
        from synadb.wandb_compat._apis.source import url

        record = self._record
        return url(
            self._database,
            record.project,
            "artifacts",
            record.type,
            record.collection,
            record.version,
        )

    # -- what is known of it ---------------------------------------------------------------------

    @property
    @when_logged
    def aliases(self) -> list[str]:
        """The aliases; can be set, `save` stores them."""
        return self._aliases

    @aliases.setter
    @when_logged
    def aliases(self, aliases: list[str]) -> None:
        self._aliases = valid_aliases(aliases)

    @property
    @when_logged
    def tags(self) -> list[str]:
        """The tags; can be set, `save` stores them."""
        return self._tags

    @tags.setter
    @when_logged
    def tags(self, tags: list[str]) -> None:
        self._tags = valid_tags(tags)

    @property
    @when_logged
    def commit_hash(self) -> str:
        """What names this version for ever."""
        return self._source.uid

    @property
    @when_logged
    def file_count(self) -> int:
        """How many entries there are."""
        return self._record.file_count

    @property
    @when_logged
    def created_at(self) -> str:
        """When it was logged."""
        return _time(self._source.created_at)

    @property
    @when_logged
    def updated_at(self) -> str:
        """When it was changed last."""
        return _time(self._record.updated_at)

    @property
    @when_logged
    def linked_at(self) -> str | None:
        """When a link was made; None for others."""
        return _time(self._record.created_at) if self._record.source is not None else None

    @property
    @when_logged
    def history_step(self) -> int | None:
        """The last step that its run had logged by then."""
        step = self._source.step
        return None if step is None else max(0, step - 1)

    @property
    @when_logged
    def linked_artifacts(self) -> list[Artifact]:
        """The links that show it; [] of a link."""
        if self._record.source is not None:
            return []
        links = self._library.links(self._record)
        return [artifact_of(self._tracker, link, self._entity) for link in links]

    @when_logged
    def logged_by(self) -> Any:
        """The run that logged it, as the Api has runs; None when it is gone."""
        run_id = self._library.logged_by(self._record)
        return None if run_id is None else self._run(run_id)

    @when_logged
    def used_by(self) -> list[Any]:
        """The runs that use it, as the Api has runs."""
        runs = (self._run(run_id) for run_id in self._library.used_by(self._record))
        return [run for run in runs if run is not None]

    def _run(self, run_id: str) -> Any:
        from synadb.wandb_compat._apis.source import user_name
        from synadb.wandb_compat._apis.users import local_user

        try:
            record = self._tracker.get_run(run_id)
        except RunNotFoundError:
            return None
        user = local_user(self._owner, user_name())
        return _late("Run")(self._database, record, self._owner, user)

    @when_logged
    def json_encode(self) -> dict[str, Any]:
        """What a run's config says of it."""
        source = self._source
        return {
            "_type": "artifactVersion",
            "_version": "v0",
            "id": source.uid,
            "version": source.version,
            "sequenceName": source.collection,
            "usedAs": None,
        }

    # -- content ---------------------------------------------------------------------------------

    @when_logged
    def get_entry(self, name: str | os.PathLike[str]) -> ArtifactManifestEntry:
        """The entry of a file, or of an object by the name it was added under; KeyError."""
        from synadb.wandb_compat._artifacts.media import find_object

        path = LogicalPath(name)
        entry = self.manifest.entries.get(path)
        if entry is None:
            entry = find_object(self._artifact, str(path))[0]
        if entry is None:
            raise KeyError(f"Path not contained in artifact: {path}")
        entry._parent_artifact = self._artifact
        return entry

    def get_path(self, name: str | os.PathLike[str]) -> ArtifactManifestEntry:
        """The old name of `get_entry`."""
        termwarn("Artifact.get_path(name) is deprecated, use Artifact.get_entry(name) instead.")
        return self.get_entry(name)

    @when_logged
    def get(self, name: str) -> Any:
        """The table or media object that was added as `name`; None when there is none."""
        from synadb.wandb_compat._artifacts.media import read_object

        return read_object(self._artifact, name)

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    @when_logged
    def files(
        self, names: list[str] | None = None, per_page: int = 50, start: str | None = None
    ) -> Any:
        """The files, or those of `names`."""
        return _late("ArtifactFiles")(self._artifact, names, per_page, start)

    @when_logged
    def file(self, root: str | None = None) -> str:
        """Download the only file, by default below `./artifacts/<name>`; its path.

        ValueError when there are more.
        """
        from synadb.wandb_compat._artifacts.downloading import download_only

        return download_only(self._artifact, root)

    @when_logged
    def download(
        self,
        root: str | os.PathLike[str] | None = None,
        allow_missing_references: bool = False,
        skip_cache: bool | None = None,
        path_prefix: str | os.PathLike[str] | None = None,
        multipart: bool | None = None,
    ) -> str:
        """Write the files below `root`, by default `./artifacts/<name>:v0`; returns it.

        Only those whose path starts with `path_prefix`. Files that are there and right are left,
        changed ones are replaced, others are not touched. `skip_cache` and `multipart` are
        accepted: there is no cache.
        """
        from synadb.wandb_compat._artifacts.downloading import download

        prefix = "" if path_prefix is None else os.fspath(path_prefix)
        return download(self._artifact, root, prefix, allow_missing_references)

    @when_logged
    def _stored_entries(self) -> Sequence[EntryRecord]:
        return self._library.entries(self._record)

    @when_logged
    def _download_entry(self, entry: ArtifactManifestEntry, root: str | None) -> str:
        from synadb.wandb_compat._artifacts.downloading import download_entry

        return download_entry(self._artifact, str(entry.path), root)

    @when_logged
    def checkout(self, root: str | None = None) -> str:
        """Make a folder, by default `./artifacts/<name>`, hold the files and no others."""
        from synadb.wandb_compat._artifacts.downloading import checkout

        return checkout(self._artifact, root)

    @when_logged
    def verify(self, root: str | None = None) -> None:
        """Compare a folder, by default that of `download`, with the version; ValueError."""
        from synadb.wandb_compat._artifacts.downloading import verify

        verify(self._artifact, root)

    def _open(self, path: str) -> BinaryIO:
        """The content of an entry, that of a reference included."""
        from synadb.wandb_compat._artifacts.references import fetch

        entry = self._library.entry(self._record, path)
        if entry.reference is not None and not entry.reference.startswith("file://"):
            return fetch(self._artifact, entry)
        return self._library.open(self._record, path)

    def _addressed(self, uri: str) -> tuple[Artifact, str]:
        """The artifact and the path that a reference names; ValueError."""
        from urllib.parse import urlparse

        url = urlparse(uri)
        path = url.path.removeprefix("/")
        drafted = by_client_id(url.netloc)
        if drafted is not None:
            return drafted, path
        for tracker in self._near():
            version = tracker.artifacts.find(url.netloc)
            if version is not None:
                return artifact_of(tracker, version, self._entity), path
        raise ValueError(f"{uri}: there is no such artifact")

    def _near(self) -> list[ExperimentTracker]:
        """The databases in which an artifact that this one refers to may be."""
        if self._version is not None:
            return [self._tracker]
        from synadb.wandb_compat._apis.source import Source

        return Source().trackers()

    def _referenced(self, entry: ArtifactManifestEntry) -> ArtifactManifestEntry:
        """The entry that one of another artifact stands for."""
        other, path = self._addressed(str(entry.ref))
        return other.get_entry(path)

    # -- changes ---------------------------------------------------------------------------------

    @when_logged
    def new_draft(self) -> Artifact:
        """A draft of the next version, with the content of this one."""
        from synadb.wandb_compat._artifacts.manifest import ArtifactManifestV1

        source = self._source
        kind = _late("Artifact")
        found: Artifact = kind.__new__(kind)
        found._begin(source.collection, source.type)
        found._description = self._description
        found._metadata = dict(self._metadata)
        found._base_project = source.project
        found._entity = self._entity
        draft = self._library.draft()
        draft.add_version(source)
        found._draft = draft
        found._manifest = ArtifactManifestV1(
            {path: ArtifactManifestEntry._of(record) for path, record in draft.entries.items()}
        )
        return found

    @when_logged
    def _update(self) -> None:
        """Store what has been changed."""
        from synadb.wandb_compat._artifacts.changing import update

        update(self._artifact)

    @when_logged
    def delete(self, delete_aliases: bool = False) -> None:
        """Delete the version with its files, or a link; an alias has to be given up for it."""
        from synadb.wandb_compat._artifacts.changing import delete

        delete(self._artifact, delete_aliases)

    def link(self, target_path: str, aliases: Iterable[str] | None = None) -> Artifact:
        """Let it stand in another collection too: `[project/]collection`; returns the link.

        A registry is the project `wandb-registry-<name>`. A draft is logged first.
        """
        if self._version is None:
            self._artifact.save()
        return self._link(target_path, aliases)

    @when_logged
    def _link(self, target_path: str, aliases: Iterable[str] | None) -> Artifact:
        from synadb.wandb_compat._artifacts.changing import link

        record = link(self._artifact, target_path, aliases)
        return artifact_of(self._tracker, record, self._entity)

    @when_logged
    def unlink(self) -> None:
        """Remove a link; ValueError for what is none."""
        from synadb.wandb_compat._artifacts.changing import unlink

        unlink(self._artifact)


def _time(seconds: float) -> str:
    from synadb.wandb_compat._apis.attrs import iso_time

    return str(iso_time(seconds))

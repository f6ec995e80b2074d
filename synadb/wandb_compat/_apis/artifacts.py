"""`wandb.apis.public.artifacts`: types, collections and versions of artifacts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from synadb.errors import ArtifactNotFoundError
from synadb.wandb_compat._apis.attrs import iso_time
from synadb.wandb_compat._apis.errors import NotFoundError, normalize_exceptions
from synadb.wandb_compat._apis.files import File
from synadb.wandb_compat._apis.pages import Paginator
from synadb.wandb_compat._apis.selecting import selected
from synadb.wandb_compat._apis.source import Source, opened, projects_of, url
from synadb.wandb_compat._lazy import lazy_attribute

if TYPE_CHECKING:
    from synadb.artifact_records import CollectionRecord, EntryRecord, VersionRecord
    from synadb.tracker import ExperimentTracker
    from synadb.wandb_compat._apis.runs import Run

__all__ = [
    "ArtifactCollection",
    "ArtifactCollections",
    "ArtifactFiles",
    "ArtifactType",
    "ArtifactTypes",
    "Artifacts",
    "ProjectArtifactCollections",
    "RunArtifacts",
    "delete_outputs",
    "get",
    "log",
    "project_of",
    "use",
]

# By name: an artifact knows its collection and its runs, and imports this module.
_LAZY = {
    "Artifact": "_artifacts.artifact:Artifact",
    "artifact_of": "_artifacts.logged:artifact_of",
}


def _as_artifact(tracker: ExperimentTracker, version: VersionRecord, entity: str) -> Any:
    return lazy_attribute(__name__, _LAZY, "artifact_of")(tracker, version, entity)


def _version_of(artifact: Any) -> VersionRecord:
    """What is stored of an artifact that has been logged; TypeError, ValueError."""
    if not isinstance(artifact, lazy_attribute(__name__, _LAZY, "Artifact")):
        raise TypeError(
            f"an Artifact such as wandb.Api().artifact(name) returns is wanted, not {artifact!r}"
        )
    version: VersionRecord | None = artifact._version
    if version is None:
        raise ValueError(
            "only an artifact that has been logged can be used here: run.log_artifact() first"
        )
    return version


# -- one version ---------------------------------------------------------------------------------


def project_of(source: Source, default: str, name: str) -> str:
    """The project of an artifact for which none was named: `default`, or the only that has it."""
    collection = name.partition(":")[0]
    for tracker in source.trackers():
        records = tracker.artifacts.collections()
        projects = {record.project for record in records if record.name == collection}
        if default in projects:
            break
        if len(projects) == 1:
            return projects.pop()
    return default


def get(source: Source, entity: str, project: str, name: str, type: str | None) -> Any:
    """A version by name and alias; NotFoundError, and ValueError for one of another type."""
    for tracker in source.trackers():
        try:
            version = tracker.artifacts.get(name, project=_project_in(tracker, project))
        except ArtifactNotFoundError:
            continue
        if type is not None and version.type != type:
            raise ValueError(
                f"type {type!r} specified but this artifact is of type {version.type!r}"
            )
        return _as_artifact(tracker, version, entity)
    # The second half is what libraries look for: these were the words of wandb's service.
    raise NotFoundError(
        f"Could not find artifact {f'{entity}/{project}/{name}'!r}: project {project!r} "
        f"does not contain artifact {name!r}"
    )


def _project_in(tracker: ExperimentTracker, project: str) -> str:
    """A project as it is spelled there: paths of the Api are quoted as URLs are."""
    from urllib.parse import unquote

    known = projects_of(tracker)
    return next((name for name in (project, unquote(project)) if name in known), project)


def use(run: Run, artifact: Any, use_as: str | None) -> Any:
    """Note that a run uses an artifact."""
    version = _version_of(artifact)
    run._tracker().artifacts.use(version, run._stored_id, use_as=use_as)
    return artifact


def log(
    run: Run, artifact: Any, aliases: Collection[str] | None, tags: Collection[str] | None
) -> Any:
    """Note that a run has logged an artifact that is there: of its content there is no more."""
    version = _version_of(artifact)
    if version.project != run.project:
        raise ValueError("A run can't log an artifact to a different project.")
    library = run._tracker().artifacts
    draft = library.draft()
    draft.add_version(version)
    library.commit(
        draft,
        version.collection,
        type=version.type,
        project=version.project,
        run_id=run._stored_id,
        aliases=_texts(aliases),
        tags=_texts(tags),
        description=version.description,
        metadata=version.metadata,
    )
    return artifact


def delete_outputs(tracker: ExperimentTracker, run_id: str) -> None:
    """Delete the versions that a run has logged, with their aliases."""
    for version in tracker.artifacts.outputs(run_id):
        if version.run_id == run_id:  # and not another that has logged the same before
            tracker.artifacts.delete(version, delete_aliases=True)


def _texts(given: str | Iterable[str] | None) -> list[str]:
    return [given] if isinstance(given, str) else list(given or ())


# -- documents for filters ----------------------------------------------------------------------


def _collection_document(record: CollectionRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "tags": list(record.tags),
        "created_at": record.created_at,
        "updated_at": record.created_at,
        "experiment": record.project,
        "metadata": {
            "type": record.type,
            "description": record.description,
            "aliases": list(record.aliases),
        },
    }


def _version_document(record: VersionRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "tags": list(record.tags),
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "state": record.state.upper(),
        "experiment": record.project,
        "metadata": {
            **record.metadata,
            "type": record.type,
            "description": record.description,
            "version": record.number,
            "digest": record.digest,
            "size": record.size,
            "id": record.uid,
            "aliases": list(record.aliases),
        },
    }


# -- versions ------------------------------------------------------------------------------------


class Artifacts(Paginator[Any]):
    """The versions of one artifact, the newest first."""

    def __init__(
        self,
        source: Source,
        entity: str,
        project: str,
        collection_name: str,
        type: str,
        filters: Mapping[str, Any] | None = None,
        order: str | None = None,
        per_page: int = 50,
        tags: str | list[str] | None = None,
        start: str | None = None,
    ) -> None:
        super().__init__(per_page, start)
        self.entity = entity
        self.project = project
        self.collection_name = collection_name
        self.type = type
        self.filters = {"state": "COMMITTED"} if filters is None else dict(filters)
        self.order = order
        self.tags = _texts(tags)
        self._source = source
        self._path = ""
        self._versions: list[VersionRecord] = []

    def _total(self) -> int:
        tracker, record = _collection(
            self._source, self.entity, self.project, self.collection_name, self.type
        )
        self._path = tracker.path
        versions = tracker.artifacts.list(record.name, project=record.project, tags=self.tags)
        self._versions = selected(versions, _version_document, self.filters, self.order)
        return len(self._versions)

    def _page(self, offset: int, limit: int) -> Sequence[Any]:
        versions = self._versions[offset : offset + limit]
        return _as_artifacts(self._path, versions, self.entity)

    def __repr__(self) -> str:
        return f"<Artifacts {self.entity}/{self.project}/{self.collection_name}>"


class RunArtifacts(Paginator[Any]):
    """The versions that a run has logged, or uses."""

    def __init__(
        self,
        run: Run,
        mode: Literal["logged", "used"] = "logged",
        per_page: int = 50,
        start: str | None = None,
    ) -> None:
        if mode not in ("logged", "used"):
            raise ValueError("mode must be logged or used")
        super().__init__(per_page, start)
        self.run = run
        self._mode = mode
        self._versions: Sequence[VersionRecord] = ()

    def _total(self) -> int:
        library = self.run._tracker().artifacts
        logged = self._mode == "logged"
        asked = library.outputs if logged else library.inputs
        self._versions = asked(self.run._stored_id)
        return len(self._versions)

    def _page(self, offset: int, limit: int) -> Sequence[Any]:
        versions = self._versions[offset : offset + limit]
        return _as_artifacts(self.run._path, versions, self.run.entity)

    def __repr__(self) -> str:
        return f"<RunArtifacts {self._mode} by {'/'.join(self.run.path)}>"


def _as_artifacts(path: str, versions: Sequence[VersionRecord], entity: str) -> list[Any]:
    tracker = opened(path)
    if tracker is None:
        raise NotFoundError(f"Could not find the artifacts of {path}: the file is gone")
    return [_as_artifact(tracker, version, entity) for version in versions]


class ArtifactFiles(Paginator[File]):
    """The files of an artifact version by path, those of `names` only where some are given."""

    def __init__(
        self,
        artifact: Any,
        names: Sequence[str] | None = None,
        per_page: int = 50,
        start: str | None = None,
    ) -> None:
        super().__init__(per_page, start)
        self.artifact = artifact
        self._names = None if names is None else set(_texts(names))
        self._version = _version_of(artifact)
        self._entries: list[EntryRecord] = []

    def _tracker(self) -> ExperimentTracker:
        tracker: ExperimentTracker = self.artifact._tracker
        return tracker

    def _total(self) -> int:
        names = self._names
        entries = self._tracker().artifacts.entries(self._version)
        self._entries = [entry for entry in entries if names is None or entry.path in names]
        return len(self._entries)

    def _page(self, offset: int, limit: int) -> Sequence[File]:
        return [self._file(entry) for entry in self._entries[offset : offset + limit]]

    def _file(self, entry: EntryRecord) -> File:
        version, tracker = self._version, self._tracker()

        def pieces() -> Any:
            with tracker.artifacts.open(version, entry.path) as stream:
                yield from iter(lambda: stream.read(1 << 20), b"")

        place = url(tracker.path, version.project, "artifacts", version.name, entry.path)
        where = entry.reference or place
        file = File(entry.path, where, version.created_at, entry.size or 0, pieces)
        if entry.reference is None:
            file.__dict__["md5"] = entry.digest
        return file

    @property
    def path(self) -> list[str]:
        """`[entity, project, name:version]`."""
        return [self.artifact.entity, self.artifact.project, self.artifact.name]

    def __repr__(self) -> str:
        return f"<ArtifactFiles {'/'.join(self.path)} ({len(self)})>"


# -- collections ---------------------------------------------------------------------------------


def _collection(
    source: Source, entity: str, project: str, name: str, type: str
) -> tuple[ExperimentTracker, CollectionRecord]:
    for tracker in source.trackers():
        try:
            record = tracker.artifacts.collection(name, project=_project_in(tracker, project))
        except ArtifactNotFoundError:
            continue
        if record.type == type:
            return tracker, record
    raise NotFoundError(
        f"Could not find artifact collection {entity}/{project}/{name} of type {type!r}"
    )


class ArtifactCollection:
    """A named artifact with all its versions.

    `name`, `description`, `tags` and `type` can be set; `save` stores them.
    """

    def __init__(self, source: Source, entity: str, project: str, name: str, type: str) -> None:
        self._source = source
        self._entity = entity
        tracker, record = _collection(source, entity, project, name, type)
        self._path = tracker.path
        self._take(record)

    def _take(self, record: CollectionRecord) -> None:
        self._record = record
        self._name = record.name
        self._description = record.description
        self._tags = list(record.tags)
        self._type = record.type

    def _library(self) -> Any:
        tracker = opened(self._path)
        if tracker is None:
            raise NotFoundError(f"Could not find {self}: {self._path} is gone")
        return tracker.artifacts

    @property
    def id(self) -> str:
        """The collection's id."""
        return f"ArtifactCollection:v1:{self._record.project}:{self._record.name}"

    @property
    def entity(self) -> str:
        """The entity by which it was asked for."""
        return self._entity

    @property
    def project(self) -> str:
        """The project."""
        return self._record.project

    @property
    def project_id(self) -> str:
        """The project's id: its name."""
        return self._record.project

    @property
    def project_internal_id(self) -> str:
        """The same as `project_id`."""
        return self._record.project

    @property
    def name(self) -> str:
        """The name; can be set."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = name

    @property
    def description(self) -> str | None:
        """The description; can be set."""
        return self._description

    @description.setter
    def description(self, description: str | None) -> None:
        self._description = description

    @property
    def tags(self) -> list[str]:
        """The tags; can be set, and changed."""
        return self._tags

    @tags.setter
    def tags(self, tags: list[str]) -> None:
        self._tags = tags

    @property
    def type(self) -> str:
        """The type of its versions; can be set."""
        return self._type

    @type.setter
    def type(self, type: str) -> None:
        if not self.is_sequence():
            raise ValueError("Type can only be changed if the artifact collection is a sequence.")
        self._type = type

    @property
    def aliases(self) -> list[str]:
        """The aliases of all its versions."""
        return list(self._record.aliases)

    @property
    def created_at(self) -> str:
        """When it was made."""
        return str(iso_time(self._record.created_at))

    @property
    def updated_at(self) -> str:
        """When its newest version was made."""
        versions = self._library().list(self._record.name, project=self.project)
        newest = max((version.updated_at for version in versions), default=0.0)
        return str(iso_time(max(newest, self._record.created_at)))

    @normalize_exceptions
    def artifacts(self, per_page: int = 50, start: str | None = None) -> Artifacts:
        """Its versions, the newest first."""
        return Artifacts(
            self._source,
            self.entity,
            self.project,
            self._record.name,
            self._record.type,
            per_page=per_page,
            start=start,
        )

    def versions(self, per_page: int = 50) -> Artifacts:
        """The old name of `artifacts`."""
        return self.artifacts(per_page)

    def load(
        self,
        entity: str | None = None,
        project: str | None = None,
        type_: Any = None,
        name: Any = None,
    ) -> CollectionRecord:
        """Read it anew."""
        record: CollectionRecord = self._library().collection(
            self._record.name, project=self.project
        )
        self._take(record)
        return record

    def is_sequence(self) -> bool:
        """Whether its versions were logged, and not linked from other collections."""
        versions = self._library().list(self._record.name, project=self.project)
        return all(version.source is None for version in versions)

    @normalize_exceptions
    def change_type(self, new_type: str) -> None:
        """Set the type, and store it."""
        self.type = new_type
        self.save()

    @normalize_exceptions
    def save(self) -> None:
        """Store what has been set."""
        record = self._record
        changed: dict[str, Any] = {}
        if self.name != record.name:
            changed["new_name"] = self.name
        if self._type != record.type:
            changed["type"] = self._type
        if self.description != record.description:
            changed["description"] = self.description
        if sorted(set(self.tags)) != sorted(record.tags):
            changed["tags"] = list(dict.fromkeys(self.tags))
        if changed:
            self._take(
                self._library().update_collection(record.name, project=record.project, **changed)
            )

    @normalize_exceptions
    def delete(self) -> None:
        """Delete it with all its versions."""
        self._library().delete_collection(self._record.name, project=self.project)

    def __repr__(self) -> str:
        return f"<ArtifactCollection {self.name} ({self._type})>"


class _Collections(Paginator[ArtifactCollection]):
    """Collections of a project, of one type or of all."""

    def __init__(
        self,
        source: Source,
        entity: str,
        project: str,
        type_name: str | None,
        filters: Mapping[str, Any] | None,
        order: str | None,
        per_page: int,
        start: str | None,
    ) -> None:
        super().__init__(per_page, start)
        self.entity = entity
        self.project = project
        self.filters = filters
        self.order = order
        self._type = type_name
        self._source = source
        self._records: list[CollectionRecord] = []

    def _total(self) -> int:
        tracker, project = _known_project(self._source, self.project)
        records = tracker.artifacts.collections(project=project, type=self._type)
        self._records = selected(records, _collection_document, self.filters, self.order)
        return len(self._records)

    def _page(self, offset: int, limit: int) -> Sequence[ArtifactCollection]:
        return [
            ArtifactCollection(self._source, self.entity, record.project, record.name, record.type)
            for record in self._records[offset : offset + limit]
        ]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.entity}/{self.project}>"


class ArtifactCollections(_Collections):
    """The collections of one type in a project."""

    def __init__(
        self,
        source: Source,
        entity: str,
        project: str,
        type_name: str,
        filters: Mapping[str, Any] | None = None,
        order: str | None = None,
        per_page: int = 50,
        start: str | None = None,
    ) -> None:
        self.type_name = type_name
        super().__init__(source, entity, project, type_name, filters, order, per_page, start)


class ProjectArtifactCollections(_Collections):
    """The collections of a project."""

    def __init__(
        self,
        source: Source,
        entity: str,
        project: str,
        filters: Mapping[str, Any] | None = None,
        order: str | None = None,
        per_page: int = 50,
        start: str | None = None,
    ) -> None:
        super().__init__(source, entity, project, None, filters, order, per_page, start)


def _known_project(source: Source, project: str) -> tuple[ExperimentTracker, str]:
    for tracker in source.trackers():
        known = _project_in(tracker, project)
        if known in projects_of(tracker):
            return tracker, known
    raise NotFoundError(f"Could not find project {project}")


# -- types ---------------------------------------------------------------------------------------


class ArtifactType:
    """A type of artifacts in a project; NotFoundError when there are none of it."""

    def __init__(self, source: Source, entity: str, project: str, type_name: str) -> None:
        self.entity = entity
        self.project = project
        self.type = type_name
        self._source = source
        self.load()

    def load(self) -> dict[str, str]:
        """Look it up."""
        tracker, project = _known_project(self._source, self.project)
        if self.type not in tracker.artifacts.types(project=project):
            raise NotFoundError(f"Could not find artifact type {self.type!r}")
        return {"id": self.id, "name": self.type}

    @property
    def id(self) -> str:
        """The type's id."""
        return f"ArtifactType:v1:{self.project}:{self.type}"

    @property
    def name(self) -> str:
        """The type."""
        return self.type

    @normalize_exceptions
    def collections(
        self,
        filters: Mapping[str, Any] | None = None,
        order: str | None = None,
        per_page: int = 50,
        start: str | None = None,
    ) -> ArtifactCollections:
        """The collections of this type."""
        return ArtifactCollections(
            self._source, self.entity, self.project, self.type, filters, order, per_page, start
        )

    @normalize_exceptions
    def collection(self, name: str) -> ArtifactCollection:
        """One collection of this type."""
        return ArtifactCollection(self._source, self.entity, self.project, name, self.type)

    def __repr__(self) -> str:
        return f"<ArtifactType {self.type}>"


class ArtifactTypes(Paginator[ArtifactType]):
    """The types of artifacts that a project has."""

    def __init__(
        self,
        source: Source,
        entity: str,
        project: str,
        per_page: int = 50,
        start: str | None = None,
    ) -> None:
        super().__init__(per_page, start)
        self.entity = entity
        self.project = project
        self._source = source
        self._names: Sequence[str] = ()

    def _total(self) -> int:
        tracker, project = _known_project(self._source, self.project)
        self._names = tracker.artifacts.types(project=project)
        return len(self._names)

    def _page(self, offset: int, limit: int) -> Sequence[ArtifactType]:
        return [
            ArtifactType(self._source, self.entity, self.project, name)
            for name in self._names[offset : offset + limit]
        ]

    def __repr__(self) -> str:
        return f"<ArtifactTypes {self.entity}/{self.project}>"

"""The versioned artifacts of one database."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from synadb.artifact_records import CollectionRecord, VersionRecord
from synadb.artifacts.checking import (
    checked_aliases,
    checked_description,
    checked_name,
    checked_texts,
    checked_ttl,
    order_of,
)
from synadb.artifacts.draft import Draft
from synadb.artifacts.manifest import check_path
from synadb.artifacts.streams import as_stream
from synadb.errors import ArtifactNotFoundError, InvalidValueError
from synadb.storage.codec import as_document, checked_text
from synadb.storage.publishing import Order
from synadb.storage.version_rows import LATEST

if TYPE_CHECKING:
    from synadb.artifact_records import EntryRecord
    from synadb.storage import Store
    from synadb.storage.versions import VersionTables

__all__ = ["Artifacts"]

Content = bytes | str | os.PathLike[str] | Mapping[str, "bytes | str | os.PathLike[str]"] | Draft
_Record = TypeVar("_Record", VersionRecord, CollectionRecord)
_UNSET: Any = type("_Unset", (), {"__repr__": lambda _: "..."})()  # where None means something


class Artifacts:
    """Collections of versions v0, v1, ... with aliases, and who made and who used them.

    A collection has a name, unique in its project (what a run of experiment X logs goes to the
    project X by default), and a type. A version never changes except for its description,
    metadata, tags, aliases and ttl. Wherever a version is asked for, its `VersionRecord` or a text
    `name`, `name:alias` or `name:v3` will do (without alias: `latest`); a text must then be
    unambiguous over all projects. ArtifactNotFoundError when there is none such.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        # Drafts that were let go of; a finalizer may add to it at any moment.
        self._abandoned: list[str] = []

    # -- writing ---------------------------------------------------------------------------------

    def draft(self) -> Draft:
        """An empty draft whose content goes straight to this database."""
        return Draft(self)

    def log(
        self,
        name: str,
        content: Content,
        *,
        type: str = "artifact",
        project: str | None = None,
        run_id: str | None = None,
        step: int | None = None,
        aliases: Iterable[str] = (),
        tags: Iterable[str] = (),
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        ttl: float | None = None,
    ) -> VersionRecord:
        """Make a version from a file, a folder, `{path: bytes or file}`, bytes or a draft.

        A lone file has its base name as its path in the artifact, lone bytes the artifact's name.
        `ttl` is in seconds. The rest, and the errors, are those of `commit`; InvalidValueError for
        content that cannot be read, too.
        """
        draft = content if isinstance(content, Draft) else self._filled(name, content)
        return self.commit(
            draft,
            name,
            type=type,
            project=project,
            run_id=run_id,
            step=step,
            aliases=aliases,
            tags=tags,
            description=description,
            metadata=metadata,
            ttl=ttl,
        )

    def commit(
        self,
        draft: Draft,
        name: str,
        *,
        type: str = "artifact",
        project: str | None = None,
        run_id: str | None = None,
        step: int | None = None,
        aliases: Iterable[str] = (),
        tags: Iterable[str] = (),
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        ttl: float | None = None,
        incremental: bool = False,
        properties: Mapping[str, Any] | None = None,
    ) -> VersionRecord:
        """Make a draft a version, in one transaction: others see all of it or nothing.

        It gets the next number of its collection, which is made if there is none, and the aliases,
        which leave the versions they were at; `latest` always. With the digest of the newest
        version there is no new one: that version gets the aliases and is returned. With
        `incremental` it also has the newest version's entries under paths that the draft has not.
        `project` defaults to the run's experiment, without a run to "default". InvalidValueError
        when the name stands for another type; RunNotFoundError.
        """
        order = order_of(
            name,
            type,
            project,
            run_id,
            step,
            aliases,
            tags,
            description,
            metadata,
            ttl,
            incremental,
            properties,
        )
        draft._changeable()
        self._clear_up()
        version = None if order.incremental else self._again(draft, order)
        if version is None:
            draft._hand_over(self)
            with self._store.versions(write=True) as tables:
                draft._stage(tables)
                version = tables.publishing.publish(draft._uid, order, len(draft), time.time())
        draft._become(version, self)
        return version

    def upsert(
        self,
        draft: Draft,
        name: str,
        distributed_id: str,
        *,
        type: str = "artifact",
        project: str | None = None,
        run_id: str | None = None,
        step: int | None = None,
        aliases: Iterable[str] = (),
        tags: Iterable[str] = (),
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        ttl: float | None = None,
        incremental: bool = False,
        properties: Mapping[str, Any] | None = None,
    ) -> VersionRecord:
        """Add a draft's entries to the pending version that `distributed_id` names.

        Any number of processes may; nobody sees it until one of them calls `finish`. A path that
        another has given is replaced, aliases and tags are joined, other fields are the last given.
        """
        order = order_of(
            name,
            type,
            project,
            run_id,
            step,
            aliases,
            tags,
            description,
            metadata,
            ttl,
            incremental,
            properties,
        )
        checked_text("distributed_id", distributed_id)
        draft._changeable()
        self._clear_up()
        draft._hand_over(self)
        with self._store.versions(write=True) as tables:
            draft._stage(tables)
            version = tables.publishing.upsert(
                draft._uid, distributed_id, order, len(draft), time.time()
            )
        draft._become(version, self)
        return version

    def finish(self, name: str, distributed_id: str, *, project: str) -> VersionRecord:
        """Make a pending version visible, by the rules of `commit`; ArtifactNotFoundError.

        Once more, as by another of the processes, it returns that version.
        """
        with self._store.versions(write=True) as tables:
            return tables.publishing.finish(name, project, distributed_id, time.time())

    def update(
        self,
        version: VersionRecord | str,
        *,
        description: str | None = _UNSET,
        metadata: Mapping[str, Any] = _UNSET,
        tags: Iterable[str] = _UNSET,
        ttl: float | None = _UNSET,
        aliases: Iterable[str] = _UNSET,
        properties: Mapping[str, Any] = _UNSET,
    ) -> VersionRecord:
        """Replace what is given, in one transaction; returns the version as it is now.

        `properties` are merged, a value None removes a key. Of a link the aliases are its own, the
        rest is its source's. `latest` cannot be taken away by leaving it out.
        """
        changes: dict[str, Any] = {}
        if description is not _UNSET:
            changes["description"] = checked_description(description)
        if metadata is not _UNSET:
            changes["metadata"] = as_document("metadata", metadata)
        if tags is not _UNSET:
            changes["tags"] = list(checked_texts("tags", tags))
        if ttl is not _UNSET:
            changes["ttl"] = checked_ttl(ttl)
        if properties is not _UNSET:
            changes["more"] = as_document("properties", properties)
        wanted = None if aliases is _UNSET else checked_aliases(aliases)
        found = self._version(version)
        with self._store.versions(write=True) as tables:
            if changes:
                tables.update(found.uid, changes, time.time())
            if wanted is not None:
                gone = set(_fresh(tables, found.uid).aliases) - {LATEST, *wanted}
                tables.set_aliases(found.uid, wanted, gone)
            return _fresh(tables, found.uid)

    def add_aliases(self, version: VersionRecord | str, *aliases: str) -> VersionRecord:
        """Give a version aliases; they leave the versions they were at."""
        return self._set_aliases(version, checked_aliases(aliases), ())

    def remove_aliases(self, version: VersionRecord | str, *aliases: str) -> VersionRecord:
        """Take aliases from a version; those it has not are no error."""
        return self._set_aliases(version, (), checked_aliases(aliases))

    def delete(self, version: VersionRecord | str, *, delete_aliases: bool = False) -> None:
        """Delete a version and the links to it (of a link: only the link).

        InvalidValueError when it has aliases besides `latest` and `delete_aliases` is not set.
        `latest` moves to the newest one left, the number is never given out again, and `gc` frees
        the space of what no other version has.
        """
        found = self._version(version)
        with self._store.versions(write=True) as tables:
            own = [alias for alias in _fresh(tables, found.uid).aliases if alias != LATEST]
            if own and not delete_aliases:
                raise InvalidValueError(
                    f"{found.name} has the aliases {', '.join(own)}; remove them first, or pass "
                    "delete_aliases=True"
                )
            tables.delete(found.uid)

    def delete_collection(self, name: str, *, project: str | None = None) -> None:
        """Delete a collection with all its versions and the links to them."""
        found = self.collection(name, project=project)
        with self._store.versions(write=True) as tables:
            tables.collections.delete(found.name, found.project)

    def create_collection(
        self,
        name: str,
        *,
        type: str,
        project: str,
        description: str | None = None,
        tags: Iterable[str] = (),
        properties: Mapping[str, Any] | None = None,
    ) -> CollectionRecord:
        """Make an empty collection; one of that name and type is returned as it is."""
        more = {
            "description": checked_description(description),
            "tags": list(checked_texts("tags", tags)),
            "more": as_document("properties", properties or {}),
        }
        with self._store.versions(write=True) as tables:
            tables.collections.add(
                checked_name(name),
                checked_text("project", project),
                checked_text("type", type),
                more,
                time.time(),
            )
            return tables.collections.find(name, project)[0]

    def update_collection(
        self,
        name: str,
        *,
        project: str | None = None,
        new_name: str | None = None,
        type: str | None = None,
        description: str | None = _UNSET,
        tags: Iterable[str] = _UNSET,
        properties: Mapping[str, Any] = _UNSET,
    ) -> CollectionRecord:
        """Replace what is given; InvalidValueError when the new name is taken."""
        changes: dict[str, Any] = {}
        if new_name is not None:
            changes["name"] = checked_name(new_name)
        if type is not None:
            changes["type"] = checked_text("type", type)
        if description is not _UNSET:
            changes["description"] = checked_description(description)
        if tags is not _UNSET:
            changes["tags"] = list(checked_texts("tags", tags))
        if properties is not _UNSET:
            changes["more"] = as_document("properties", properties)
        found = self.collection(name, project=project)
        with self._store.versions(write=True) as tables:
            tables.collections.update(found.name, found.project, changes)
            return tables.collections.find(new_name or found.name, found.project)[0]

    def link(
        self,
        version: VersionRecord | str,
        name: str,
        *,
        project: str,
        aliases: Iterable[str] = (),
    ) -> VersionRecord:
        """Let a version stand in another collection (made if need be) too; returns the link.

        A link has a number and aliases (`latest` among them) of its own, and everything else of its
        source. A second link of one version is the first one with the aliases added. A link of a
        link is one of its source.
        """
        found = self._version(version)
        names = checked_aliases(aliases)
        with self._store.versions(write=True) as tables:
            return tables.link(
                found.uid, checked_name(name), checked_text("project", project), names, time.time()
            )

    def unlink(self, link: VersionRecord | str) -> None:
        """Remove a link; InvalidValueError when the version is none."""
        found = self._version(link)
        if found.source is None:
            raise InvalidValueError(f"{found.name} of project {found.project!r} is not a link")
        with self._store.versions(write=True) as tables:
            tables.delete(found.uid)

    # -- reading ---------------------------------------------------------------------------------

    def get(
        self, name: str, *, project: str | None = None, type: str | None = None
    ) -> VersionRecord:
        """The version `name`, `name:alias` or `name:v3`; ArtifactNotFoundError.

        InvalidValueError when it is of another `type`, or, without `project`, in several.
        """
        base, _, selector = checked_text("'name:alias'", name).partition(":")
        with self._store.versions() as tables:
            found = tables.get(base, selector or None, project)
            known = tables.collections.find(base, project) if not found else []
        if not found:
            where = "the database" if project is None else f"project {project!r}"
            has = f"{base!r}, but no {selector or LATEST!r} of it" if known else f"no {base!r}"
            raise ArtifactNotFoundError(f"artifact {name!r} not found: {where} has {has}")
        version = _only(found, name, "artifact")
        if type is not None and version.type != type:
            raise InvalidValueError(f"artifact {name!r} is of type {version.type!r}, not {type!r}")
        return version

    def find(self, uid: str) -> VersionRecord | None:
        """The version with this uid, pending ones too."""
        with self._store.versions() as tables:
            return tables.find(uid)

    def list(
        self,
        name: str | None = None,
        *,
        project: str | None = None,
        type: str | None = None,
        tags: Iterable[str] = (),
    ) -> Sequence[VersionRecord]:
        """Versions, the newest of a collection first; those that have all of `tags`."""
        wanted = set(checked_texts("tags", tags))
        with self._store.versions() as tables:
            found = tables.list_versions(name, project, type)
        return [one for one in found if wanted <= set(one.tags)]

    def collection(self, name: str, *, project: str | None = None) -> CollectionRecord:
        """One collection; ArtifactNotFoundError."""
        with self._store.versions() as tables:
            found = tables.collections.find(name, project)
        if not found:
            where = "the database" if project is None else f"project {project!r}"
            raise ArtifactNotFoundError(f"{where} has no artifact {name!r}")
        return _only(found, name, "artifact")

    def collections(
        self, *, project: str | None = None, type: str | None = None
    ) -> Sequence[CollectionRecord]:
        """Collections by project and name."""
        with self._store.versions() as tables:
            return tables.collections.find(None, project, type)

    def types(self, *, project: str | None = None) -> Sequence[str]:
        """The types that collections have, sorted."""
        return sorted({found.type for found in self.collections(project=project)})

    def projects(self) -> Sequence[str]:
        """The projects that have collections, sorted."""
        return sorted({found.project for found in self.collections()})

    def links(self, version: VersionRecord | str) -> Sequence[VersionRecord]:
        """The links that show a version (of a link: those of its source)."""
        found = self._version(version)
        with self._store.versions() as tables:
            return tables.links(found.uid)

    def entries(self, version: VersionRecord | str, prefix: str = "") -> Sequence[EntryRecord]:
        """The entries by path, those whose path starts with `prefix`."""
        found = self._version(version)
        with self._store.versions() as tables:
            return tables.entries(found.uid, prefix)

    def entry(self, version: VersionRecord | str, path: str) -> EntryRecord:
        """One entry; ArtifactNotFoundError."""
        found = self._version(version)
        with self._store.versions() as tables:
            entry = tables.entry(found.uid, check_path(path))
        if entry is None:
            raise ArtifactNotFoundError(f"{found.name} has no entry {path!r}")
        return entry

    def open(self, version: VersionRecord | str, path: str) -> BinaryIO:
        """An entry's content as a stream, verified piece by piece; local references too."""
        entry = self.entry(version, path)
        if entry.sha256 is not None:
            return self._content(entry.sha256, entry.size or 0, path)
        from synadb.artifacts.download import local_target

        target = local_target(entry)
        if target is None or not os.path.isfile(target):
            raise InvalidValueError(
                f"{path!r} is a reference to {entry.reference}, which is no file here"
            )
        return open(target, "rb")

    def read(self, version: VersionRecord | str, path: str) -> bytes:
        """An entry's content."""
        with self.open(version, path) as stream:
            return stream.read()

    def download(
        self,
        version: VersionRecord | str,
        root: str | os.PathLike[str],
        *,
        prefix: str = "",
        paths: Iterable[str] | None = None,
        allow_missing_references: bool = False,
        fetch: Callable[[EntryRecord], BinaryIO] | None = None,
    ) -> str:
        """Write the files to the folder `root`; returns its absolute path.

        Only entries whose path starts with `prefix`, or those of `paths` (ArtifactNotFoundError).
        Each file appears only once whole and verified; one that is there with the right content
        is left, others are replaced, and what is not of the artifact is not touched: a download
        that was cut short goes on where it was. They are copies, to be changed freely. A path
        that leads out of `root`, by `..` or a link, is an InvalidValueError. Files that references
        name are copied and compared with their digest, other references are opened by `fetch`;
        one that cannot be had is an ArtifactNotFoundError unless `allow_missing_references`.
        """
        from synadb.artifacts.download import write_entries

        found = self._version(version)
        with self._store.versions() as tables:
            entries = tables.entries(found.uid, prefix)
        if paths is not None:
            wanted = {check_path(path) for path in paths}
            entries = [entry for entry in entries if entry.path in wanted]
            if missing := wanted - {entry.path for entry in entries}:
                raise ArtifactNotFoundError(f"{found.name} has no entry {min(missing)!r}")
        return write_entries(
            self._store,
            entries,
            os.fspath(root),
            fetch=fetch,
            allow_missing=allow_missing_references,
        )

    def verify(
        self, version: VersionRecord | str, root: str | os.PathLike[str]
    ) -> Mapping[str, str]:
        """Compare a folder with a version: `{path: "missing", "changed" or "extra"}`, {} if equal.

        References that are not to be found in the folder are no difference.
        """
        from synadb.artifacts.download import differences

        return differences(self.entries(version), os.fspath(root))

    # -- lineage ---------------------------------------------------------------------------------

    def use(
        self, version: VersionRecord | str, run_id: str, *, use_as: str | None = None
    ) -> VersionRecord:
        """Note that a run uses a version; RunNotFoundError."""
        found = self._version(version)
        with self._store.versions(write=True) as tables:
            tables.lineage.use(found.uid, run_id, use_as, time.time())
        return found

    def used_by(self, version: VersionRecord | str) -> Sequence[str]:
        """The ids of the runs that use a version, the first to do so first."""
        found = self._version(version)
        with self._store.versions() as tables:
            return tables.lineage.used_by(found.uid)

    def logged_by(self, version: VersionRecord | str) -> str | None:
        """The id of the run that made a version."""
        found = self._version(version)
        with self._store.versions() as tables:
            return _fresh(tables, found.uid).run_id

    def inputs(self, run_id: str) -> Sequence[VersionRecord]:
        """The versions that a run uses, in the order of use."""
        return [version for version, _ in self.uses(run_id)]

    def outputs(self, run_id: str) -> Sequence[VersionRecord]:
        """The versions that a run logged, new or not, in that order."""
        with self._store.versions() as tables:
            return [version for version, _ in tables.lineage.of_run(run_id, "output")]

    def uses(self, run_id: str) -> Sequence[tuple[VersionRecord, str | None]]:
        """The versions that a run uses, each with its `use_as`."""
        with self._store.versions() as tables:
            return tables.lineage.of_run(run_id, "input")

    # -- inside ----------------------------------------------------------------------------------

    def _again(self, draft: Draft, order: Order) -> VersionRecord | None:
        """The newest version, if it is what the draft holds; then nothing need be stored."""
        digest = draft.digest
        with self._store.versions() as tables:
            if tables.publishing.newest_digest(order) != digest:
                return None
        with self._store.versions(write=True) as tables:
            found = tables.publishing.again(order, digest, time.time())
            if found is not None:
                tables.drafts.discard([draft._uid])
        return found

    def _filled(self, name: str, content: Content) -> Draft:
        draft = Draft(self)
        if isinstance(content, bytes | bytearray | memoryview):
            draft.add_bytes(checked_name(name), content)
        elif isinstance(content, Mapping):
            for path, part in content.items():
                if isinstance(part, bytes | bytearray | memoryview):
                    draft.add_bytes(path, part)
                elif os.path.isdir(part):
                    draft.add_folder(part, path)
                else:
                    draft.add_file(part, path)
        elif isinstance(content, str | os.PathLike):
            if os.path.isdir(content):
                draft.add_folder(content)
            else:
                draft.add_file(content)
        else:
            raise InvalidValueError(
                "the content of an artifact is a file, a folder, bytes, {path: file or bytes} or a "
                f"draft, not {type(content).__name__}"
            )
        return draft

    def _version(self, version: VersionRecord | str) -> VersionRecord:
        return self.get(version) if isinstance(version, str) else version

    def _set_aliases(
        self, version: VersionRecord | str, added: Iterable[str], removed: Iterable[str]
    ) -> VersionRecord:
        found = self._version(version)
        with self._store.versions(write=True) as tables:
            tables.set_aliases(found.uid, added, removed)
            return _fresh(tables, found.uid)

    def _content(self, sha256: str, size: int, name: str) -> BinaryIO:
        with self._store.versions() as tables:
            blobs = tables.pieces(sha256)

        def fetch(index: int) -> bytes:
            with self._store.versions() as tables:
                return tables.piece(blobs[index], name)

        return as_stream(fetch, size)

    def _clear_up(self) -> None:
        """Delete the drafts that were let go of."""
        gone = self._abandoned[:]
        if gone:
            with self._store.versions(write=True) as tables:
                tables.drafts.discard(gone)
            del self._abandoned[: len(gone)]

    def close(self) -> None:
        """Delete what drafts that were let go of have left behind."""
        if not self._store.read_only:
            self._clear_up()


def _fresh(tables: VersionTables, uid: str) -> VersionRecord:
    found = tables.find(uid)
    if found is None:
        raise ArtifactNotFoundError(f"the version {uid} has been deleted")
    return found


def _only(found: Sequence[_Record], name: str, what: str) -> _Record:
    if len(found) > 1:
        raise InvalidValueError(
            f"{what} {name!r} is in the projects "
            f"{', '.join(repr(one.project) for one in found)}; say which with project="
        )
    return found[0]

"""What can be done to an artifact until it is logged."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from synadb.artifacts import Draft
from synadb.errors import InvalidValueError, StorageError
from synadb.settings import database_path
from synadb.wandb_compat import _session
from synadb.wandb_compat._artifacts.entry import (
    ARTIFACT_SCHEME,
    CLIENT_SCHEME,
    ArtifactManifestEntry,
)
from synadb.wandb_compat._artifacts.errors import ArtifactFinalizedError
from synadb.wandb_compat._artifacts.known import by_client_id
from synadb.wandb_compat._artifacts.names import valid_entry_path
from synadb.wandb_compat._term import termerror, termlog
from synadb.wandb_compat.errors import CommError
from synadb.wandb_compat.sdk.lib.paths import LogicalPath

if TYPE_CHECKING:
    from synadb.artifact_records import EntryRecord
    from synadb.tracker import ExperimentTracker
    from synadb.wandb_compat._artifacts.artifact import Artifact
    from synadb.wandb_compat._artifacts.manifest import ArtifactManifest

__all__ = ["Building"]

_Method = TypeVar("_Method", bound=Callable[..., Any])
_POLICIES = ("mutable", "immutable")


def _while_open(method: _Method) -> _Method:
    """A method that raises ArtifactFinalizedError once the content is final."""

    @wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._final:
            raise ArtifactFinalizedError(f"Artifact.{method.__name__}", self)
        return method(self, *args, **kwargs)

    return cast(_Method, call)


class Building:
    """The part of an Artifact that is put together.

    The manifest says what there is; the draft of the library holds the content under the same
    paths.
    """

    _added_local_paths: dict[str, ArtifactManifestEntry]
    _added_objs: dict[int, tuple[Any, ArtifactManifestEntry]]
    _base: tuple[ExperimentTracker, Any] | None
    _draft: Draft | None
    _final: bool
    _folder: _Folder | None
    _lock: threading.RLock
    manifest: ArtifactManifest

    def finalize(self) -> None:
        """Let the content be as it is for good."""
        self._final = True

    @contextlib.contextmanager
    def new_file(
        self,
        name: str,
        mode: str = "x",
        encoding: str | None = None,
        policy: str | None = "mutable",
    ) -> Iterator[IO[Any]]:
        """A new file, to be written in a `with` block, at whose end it is added as `name`.

        ValueError for one that is there already, unless the mode is another than "x".
        """
        if self._final:
            raise ArtifactFinalizedError("Artifact.new_file", self)
        valid_entry_path(name)
        if self._folder is None:
            self._folder = _Folder()
        path = os.path.join(self._folder.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            with open(path, mode, encoding=encoding) as file:
                yield file
        except FileExistsError:
            raise ValueError(f"File with name {name!r} already exists at {path!r}") from None
        except UnicodeEncodeError as error:
            termerror(f"new_file({name!r}): {error}. Please provide the proper encoding.")
            raise
        self.add_file(path, name, policy=policy, skip_cache=True, overwrite="x" not in mode)

    @_while_open
    def add_file(
        self,
        local_path: str | os.PathLike[str],
        name: str | None = None,
        is_tmp: bool | None = False,
        skip_cache: bool | None = False,
        policy: str | None = "mutable",
        overwrite: bool = False,
    ) -> ArtifactManifestEntry:
        """Add a file as `name`, by default its own; ValueError when it is none.

        It is read now, and may be changed as soon as this returns, unless `policy` is "immutable".
        With `is_tmp` its content is its name. Other content for a path that is there is a
        ValueError unless `overwrite`.
        """
        path: Any = local_path
        if not isinstance(path, str | os.PathLike) or not os.path.isfile(path):
            raise ValueError(f"Path is not a file: {local_path!r}")
        target = LogicalPath(name or os.path.basename(local_path))
        if is_tmp:
            target = _by_content(target, local_path)
        return self._add_local(target, local_path, skip_cache, policy, overwrite)

    @_while_open
    def add_dir(
        self,
        local_path: str | os.PathLike[str],
        name: str | None = None,
        skip_cache: bool | None = False,
        policy: str | None = "mutable",
        merge: bool = False,
    ) -> None:
        """Add all files below a folder, below `name`; ValueError when it is none.

        Other content for a path that is there is a ValueError, with `merge` it is replaced.
        """
        if not os.path.isdir(local_path):
            raise ValueError(f"Path is not a directory: {local_path!r}")
        _check_policy(policy)
        shown = os.path.normpath(local_path)
        termlog(f"Adding directory to artifact ({shown})... ", newline=False)
        started = time.monotonic()
        folder = os.fspath(local_path)
        prefix = "" if not name or LogicalPath(name) == "." else str(valid_entry_path(name))
        with self._lock, _wandb_errors():
            self._forget_removed()
            try:
                records = self._content().add_folder(
                    folder,
                    prefix or None,
                    policy="immutable" if policy == "immutable" else "mutable",
                    overwrite=merge,
                )
                for record in records:
                    self._check_same(record, merge)
            except ValueError:
                self._forget_removed()
                raise
            start = len(prefix) + 1 if prefix else 0
            for record in records:
                source = os.path.join(folder, record.path[start:])
                self._note(record, source, skip_cache)
        termlog(f"Done. {time.monotonic() - started:.1f}s", prefix=False)

    @_while_open
    def add_reference(
        self,
        uri: ArtifactManifestEntry | str,
        name: str | os.PathLike[str] | None = None,
        checksum: bool = True,
        max_objects: int | None = None,
    ) -> Sequence[ArtifactManifestEntry]:
        """Add what is at a URI without its content; the new entries.

        `file://` is read for a checksum, a folder becomes an entry for each of its files, at most
        `max_objects`. Other URIs are recorded and not visited, and are their own digest. An entry
        of another artifact is referred to as well.
        """
        from synadb.wandb_compat._artifacts.references import reference_entries

        if not isinstance(uri, ArtifactManifestEntry | str):
            raise TypeError(f"add_reference takes a URI or an entry of an artifact, not {uri!r}")
        address = uri.ref_url() if isinstance(uri, ArtifactManifestEntry) else uri
        target = None if name is None else str(LogicalPath(name))
        found = reference_entries(self._artifact, address, target, checksum, max_objects)
        with self._lock:
            for entry in found:
                self.manifest.add_entry(entry)
        return found

    @_while_open
    def add(
        self, obj: Any, name: str | os.PathLike[str], overwrite: bool = False
    ) -> ArtifactManifestEntry:
        """Add a table or a media object as `name` and the suffix of its class.

        What is there already is returned as it is, unless `overwrite`. TypeError for other objects.
        """
        from synadb.wandb_compat._artifacts.media import add_object

        with self._lock:
            return add_object(self._artifact, obj, str(LogicalPath(name)), overwrite=overwrite)

    def __setitem__(self, name: str, item: Any) -> None:
        self.add(item, name)

    @_while_open
    def remove(self, item: str | os.PathLike[str] | ArtifactManifestEntry) -> None:
        """Take out an entry, or everything below a folder; FileNotFoundError."""
        with self._lock:
            if isinstance(item, ArtifactManifestEntry):
                self.manifest.remove_entry(item)
                return
            path = str(LogicalPath(item))
            entry = self.manifest.get_entry_by_path(path)
            found = [entry] if entry else self.manifest.get_entries_in_directory(path)
            if not found:
                raise FileNotFoundError(f"No such file or directory: {path}")
            for entry in found:
                self.manifest.remove_entry(entry)

    def get_added_local_path_name(self, local_path: str) -> str | None:
        """Under which name a file was added, by the path that was passed; None for others."""
        entry = self._added_local_paths.get(local_path)
        return None if entry is None else entry.path

    # -- inside ----------------------------------------------------------------------------------

    @property
    def _artifact(self) -> Artifact:
        return self  # type: ignore[return-value]

    def _content(self) -> Draft:
        """The draft, which writes to the database of the active run, where there is one."""
        if self._draft is None:
            # A disabled run has none.
            trackers = [run.__dict__.get("_tracker") for run in _session.mine()]
            tracker = next((found for found in reversed(trackers) if found is not None), None)
            if tracker is not None:
                self._draft = Draft(tracker.artifacts)
            else:
                # What is too large for memory waits where the database is going to be.
                folder = os.path.dirname(database_path())
                self._draft = Draft(staging=folder if os.access(folder, os.W_OK) else None)
        return self._draft

    def _add_local(
        self,
        target: str,
        source: str | os.PathLike[str],
        skip_cache: bool | None,
        policy: str | None,
        overwrite: bool,
    ) -> ArtifactManifestEntry:
        _check_policy(policy)
        path = valid_entry_path(target)
        with self._lock, _wandb_errors():
            record = self._content().add_file(
                source,
                path,
                policy="immutable" if policy == "immutable" else "mutable",
                overwrite=overwrite or path not in self.manifest.entries,
            )
            self._check_same(record, overwrite)
            return self._note(record, os.fspath(source), skip_cache)

    def _add_bytes(
        self, target: str, data: bytes, *, overwrite: bool = False
    ) -> ArtifactManifestEntry:
        """Add content that has no file."""
        path = valid_entry_path(target)
        with self._lock, _wandb_errors():
            overwrite_draft = overwrite or path not in self.manifest.entries
            record = self._content().add_bytes(path, data, overwrite=overwrite_draft)
            self._check_same(record, overwrite)
            return self._note(record, None, False)

    def _forget_removed(self) -> None:
        """Take out of the draft what is not in the manifest, or not any more."""
        if self._draft is not None:
            for path in [path for path in self._draft.entries if path not in self.manifest.entries]:
                self._draft.remove(path)

    def _check_same(self, record: EntryRecord, overwrite: bool) -> None:
        """ValueError when the manifest has something else there: a reference, say."""
        known = self.manifest.entries.get(record.path)
        if known is not None and known.digest != record.digest and not overwrite:
            raise ValueError(f"Cannot add the same path twice: {record.path!r}")

    def _note(
        self, record: EntryRecord, source: str | None, skip_cache: bool | None
    ) -> ArtifactManifestEntry:
        entry = ArtifactManifestEntry(
            path=record.path,
            digest=record.digest,
            size=record.size,
            local_path=source,
            skip_cache=skip_cache,
        )
        self.manifest.entries[entry.path] = entry
        if source is not None:
            self._added_local_paths[source] = entry
        return entry

    def _complete_draft(self) -> Draft:
        """The draft with exactly what the manifest says, to be committed."""
        draft = self._content()
        self._forget_removed()
        entries = self.manifest.entries
        for path, entry in entries.items():
            known = draft.entries.get(path)
            if known is not None and (known.digest, known.reference) == (entry.digest, entry.ref):
                continue
            if entry.ref is not None:
                draft.add_reference(
                    str(path),
                    lasting_address(entry.ref),
                    digest=entry.digest,
                    size=entry.size,
                    overwrite=True,
                    extra=entry.extra,
                )
            elif entry.local_path is not None:
                # Put into the manifest by hand.
                draft.add_file(entry.local_path, str(path), overwrite=True)
            else:
                raise ValueError(f"the entry {str(path)!r} of the manifest has no content")
        return draft


class _Folder:
    """A temporary folder that goes with this object."""

    def __init__(self) -> None:
        import shutil
        import tempfile
        import weakref

        self.name = tempfile.mkdtemp(prefix="synadb-")
        self.cleanup = weakref.finalize(self, shutil.rmtree, self.name, ignore_errors=True)


def lasting_address(uri: str) -> str:
    """A reference to an artifact of this process that has been logged since, by what stays."""
    scheme = f"{CLIENT_SCHEME}://"
    if not uri.startswith(scheme):
        return uri
    client_id, _, path = uri.removeprefix(scheme).partition("/")
    artifact = by_client_id(client_id)
    if artifact is None or artifact.id is None:
        return uri
    return f"{ARTIFACT_SCHEME}://{artifact.id}/{path}"


def _check_policy(policy: str | None) -> None:
    if policy is not None and policy not in _POLICIES:
        raise ValueError(f"Invalid policy {policy!r}. Policy may only be `mutable` or `immutable`.")


@contextlib.contextmanager
def _wandb_errors() -> Iterator[None]:
    """Raise what the draft refuses as wandb's ValueError, and that it cannot store as CommError."""
    try:
        yield
    except InvalidValueError as error:
        text = str(error)
        if "same path twice" in text:
            path = text.partition(" is in the artifact")[0]
            text = f"Cannot add the same path twice: {path}"
        raise ValueError(text) from None
    except StorageError as error:
        raise CommError(f"the content cannot be stored: {error}", error) from error


def _by_content(target: LogicalPath, source: str | os.PathLike[str]) -> LogicalPath:
    """The name of a temporary file: its digest in place of the name up to the first dot."""
    import base64

    from synadb.artifacts import hash_file

    digest = base64.b64decode(hash_file(source)[0]).hex()[:20]
    folder, _, name = target.rpartition("/")
    _, dot, rest = name.partition(".")
    return LogicalPath(f"{folder}/{digest}{dot}{rest}" if folder else f"{digest}{dot}{rest}")

"""`wandb.apis.public.files`: the files of a run, stored ones and those made of the rest of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

from synadb.errors import ArtifactNotFoundError
from synadb.folders import is_below, leads_out, whole_file
from synadb.wandb_compat._apis.attrs import Attrs, iso_time
from synadb.wandb_compat._apis.errors import NotFoundError, normalize_exceptions
from synadb.wandb_compat._apis.pages import Paginator
from synadb.wandb_compat._apis.source import url

if TYPE_CHECKING:
    from synadb.records import ArtifactRecord
    from synadb.wandb_compat._apis.runs import Run

__all__ = ["File", "Files", "safe_target", "store_file"]

_TEXTS = {".log": "text/plain", ".yaml": "application/x-yaml", ".yml": "application/x-yaml"}


class File(Attrs):
    """One file of a run: `name`, `size`, `md5`, `mimetype`, `url`, `updated_at`.

    Args:
        name: its path among the run's files.
        url: where it lies.
        updated: when it was stored, in seconds since the epoch; None for one that is not there.
        size: its bytes.
        pieces: gives its content.
        delete: takes it out of the database, where that can be.
    """

    def __init__(
        self,
        name: str,
        url: str,
        updated: float | None,
        size: int,
        pieces: Callable[[], Iterator[bytes]],
        delete: Callable[[], None] | None = None,
        run: Run | None = None,
    ) -> None:
        super().__init__(
            {
                "id": url,
                "name": name,
                "url": url,
                "directUrl": url,
                "sizeBytes": size,
                "mimetype": _mimetype(name),
                "updatedAt": iso_time(updated),
            }
        )
        self.run = run
        self._pieces = pieces
        self._delete = delete

    @property
    def size(self) -> int:
        """Bytes; 0 for a file that is not there."""
        return int(self._attrs["sizeBytes"] or 0)

    @cached_property
    def md5(self) -> str:
        """The MD5 of the content in base64; "0" for a file that is not there."""
        if self.updated_at is None:
            return "0"
        import base64
        import hashlib

        digest = hashlib.md5(usedforsecurity=False)
        for piece in self._pieces():
            digest.update(piece)
        return base64.b64encode(digest.digest()).decode()

    @property
    def path_uri(self) -> str:
        """The same as `url`: the file lies in no bucket."""
        return str(self._attrs["url"])

    @normalize_exceptions
    def download(
        self,
        root: str | os.PathLike[str] = ".",
        replace: bool = False,
        exist_ok: bool = False,
        api: Any = None,
    ) -> IO[str]:
        """Write the file below `root`, where it appears only once whole, and open it as text.

        A file that is there is a CommError, unless it is to be replaced, or left (`exist_ok`).
        """
        path = safe_target(root, self.name)
        if os.path.exists(path) and not replace:
            if exist_ok:
                return open(path, encoding="utf-8")
            raise ValueError(
                "File already exists, pass replace=True to overwrite or exist_ok=True to leave it "
                f"as it is: {path}"
            )
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with whole_file(path) as part, open(part, "wb") as file:
            file.writelines(self._pieces())
        return open(path, encoding="utf-8")

    @normalize_exceptions
    def delete(self) -> None:
        """Take the file out of the database; CommError for one that is made of the rest of it."""
        if self._delete is None:
            raise NotFoundError(f"File.delete(): {self.name} is not a stored file")
        self._delete()

    def __repr__(self) -> str:
        from synadb.wandb_compat.util import POW_2_BYTES, to_human_size

        size = to_human_size(self.size, units=POW_2_BYTES)
        return f"<File {self.name} ({self.mimetype}) {size}>"


class Files(Paginator[File]):
    """The files of a run by name: all of them, those of `names`, or those like a SQL `pattern`.

    A name that the run has no file of gives a file of no bytes.
    """

    def __init__(
        self,
        run: Run,
        names: Sequence[str] | None = None,
        per_page: int = 50,
        upload: bool = False,
        pattern: str | None = None,
    ) -> None:
        super().__init__(per_page)
        if names and pattern:
            raise ValueError(
                "run.files() takes names or a pattern, not both: leave one of them out"
            )
        self.run = run
        self._names = [names] if isinstance(names, str) else list(names or ())
        self._pattern = None if pattern is None else _like(pattern)
        self._found: list[File] | None = None

    def _read(self) -> list[File]:
        if self._found is None:
            known = _files_of(self.run)
            if self._names:
                self._found = [known.get(name) or _absent(self.run, name) for name in self._names]
            else:
                like = self._pattern
                names = (name for name in sorted(known) if like is None or like.match(name))
                self._found = [known[name] for name in names]
        return self._found

    def _total(self) -> int:
        return len(self._read())

    def _page(self, offset: int, limit: int) -> Sequence[File]:
        return self._read()[offset : offset + limit]

    def __repr__(self) -> str:
        return f"<Files {'/'.join(self.run.path)} ({len(self)})>"


def store_file(run: Run, path: str | os.PathLike[str], root: str | os.PathLike[str]) -> File:
    """Store a file under its path relative to `root`, `..` and `.` spelled with underscores."""
    place = os.path.abspath(path)
    inside = os.path.relpath(place, root).replace(os.sep, "/")
    name = "/".join({"..": "__", ".": "_"}.get(part, part) for part in inside.split("/"))
    run._tracker().log_file(run._stored_id, name, place)
    return Files(run, [name])[0]


def safe_target(root: str | os.PathLike[str], name: str) -> str:
    """The path of `name` below `root`; ValueError for one that leads out of it."""
    if not is_below(name):
        raise ValueError(f"{name!r} leads out of the folder {os.fspath(root)}")
    target = os.path.join(os.fspath(root), *name.split("/"))
    if leads_out(os.fspath(root), os.path.dirname(target)):
        raise ValueError(f"{name!r} leads through a link out of the folder {os.fspath(root)}")
    return target


# -- which there are -----------------------------------------------------------------------------


def _files_of(run: Run) -> dict[str, File]:
    tracker = run._tracker()
    stored = {record.name: record for record in tracker.list_files(run._stored_id)}
    found = {
        name: _made(run, name, text, run._record.updated_at)
        for name, text in _documents(run).items()
        if name not in stored and text
    }
    found.update({name: _stored(run, record) for name, record in stored.items()})
    return found


def _stored(run: Run, record: ArtifactRecord) -> File:
    def pieces() -> Iterator[bytes]:
        try:
            yield from run._tracker()._store.read_artifact(run._stored_id, record.name, "file")
        except ArtifactNotFoundError as error:
            raise NotFoundError(f"Could not find file {record.name} of {run}") from error

    return File(
        record.name,
        url(run._path, run.project, "runs", run.id, "files", record.name),
        record.created_at,
        record.size,
        pieces,
        lambda: run._tracker().delete_file(run._stored_id, record.name),
        run,
    )


def _made(run: Run, name: str, text: str, updated: float) -> File:
    content = text.encode("utf-8", "replace")
    place = url(run._path, run.project, "runs", run.id, "files", name)
    return File(name, place, updated, len(content), lambda: iter((content,)), None, run)


def _absent(run: Run, name: str) -> File:
    def pieces() -> Iterator[bytes]:
        raise NotFoundError(f"Could not find file {name} of {run}")

    return File(name, url(run._path, run.project), None, 0, pieces, None, run)


def _documents(run: Run) -> dict[str, str]:
    """What wandb's service keeps as files of a run, and is here made of what the database has.

    A run that has ended with its folder has stored most of it: what is there counts.
    """
    from synadb.wandb_compat._run_dir import _json, _yaml

    lines = run._tracker().console(run._stored_id)
    facts = run._record.metadata.get("facts")
    return {
        "config.yaml": _yaml({"_wandb": {}, **run._record.config}),
        "wandb-summary.json": _json(run._summary_values()),
        "wandb-metadata.json": _json(facts, indent=2) + "\n" if facts else "",
        "output.log": "".join(f"{line.line}\n" for line in lines),
    }


def _mimetype(name: str) -> str:
    import mimetypes

    ending = os.path.splitext(name)[1].lower()
    return _TEXTS.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _like(pattern: str) -> re.Pattern[str]:
    r"""A LIKE pattern of SQL: `%` any text, `_` any character, `\` takes the next as it is."""
    parts = []
    for found in re.finditer(r"\\(.)|(%)|(_)|(.)", pattern, re.DOTALL):
        escaped, many, one, plain = found.groups()
        parts.append(".*" if many else "." if one else re.escape(escaped or plain))
    return re.compile("".join(parts) + r"\Z", re.DOTALL | re.IGNORECASE)

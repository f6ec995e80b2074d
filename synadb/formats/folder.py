"""A run as a folder that needs no program to be read."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from synadb.errors import StorageError, SynaDBError
from synadb.folders import leads_out, safe_path
from synadb.formats._history import finite, strict_json, target

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker

__all__ = ["write_folder"]

_MANIFEST = "checksums.json"
_PIECE = 1 << 20


def write_folder(
    tracker: ExperimentTracker,
    run_id: str,
    folder: str,
    history: str,
    write_history: Callable[[str], int],
) -> dict[str, Any]:
    """Write all there is of a run below `folder`; returns counts, and what was left out.

    `write_history` writes the file `history`. `checksums.json`, the last file, has the size and
    the SHA-256 of every other. What is there already is replaced; references of artifacts stand
    in `artifacts.json` only.

    Raises:
        SynaDBError: something cannot be written.
    """
    out = _Folder(folder)
    run = tracker.get_run(run_id)
    facts = run._asdict()
    for name in ("config", "summary", "metadata"):
        out.document(f"{name}.json", facts.pop(name))
    out.document("run.json", facts)
    with out.file(history) as path:
        rows = write_history(path)
    console = [line._asdict() for line in tracker.console(run_id)]
    out.lines("console.jsonl", console)
    system = tracker.system_metrics(run_id)
    out.lines("system.jsonl", system)
    files = tracker.list_files(run_id)
    for record in files:
        with out.content("files", record.name) as file:
            _copy(tracker.open_file(run_id, record.name), file)
    own = tracker.list_artifacts(run_id)
    for record in own:
        with out.content("artifacts", record.name) as file:
            _copy(tracker.open_artifact(run_id, record.name), file)
    versions = []
    for role, found in (
        ("output", tracker.artifacts.outputs(run_id)),
        ("input", tracker.artifacts.inputs(run_id)),
    ):
        for version in found:
            entries = tracker.artifacts.entries(version)
            versions.append(
                {"role": role, **version._asdict(), "entries": [e._asdict() for e in entries]}
            )
            for entry in entries if role == "output" else ():
                if entry.sha256 is not None:
                    with out.content(f"versions/{safe_path(version.name)}", entry.path) as file:
                        _copy(tracker.artifacts.open(version, entry.path), file)
    out.document("artifacts.json", versions)
    written = dict(out.written)
    out.document(_MANIFEST, written)
    return {
        "run": run_id,
        "folder": folder,
        "rows": rows,
        "console": len(console),
        "system": len(system),
        "files": len(files),
        "artifacts": len(own) + sum(version["role"] == "output" for version in versions),
        "written": len(out.written),
        "bytes": sum(size["size"] for size in out.written.values()),
        "sha256": out.written[_MANIFEST]["sha256"],
    }


def _copy(source: BinaryIO, file: IO[bytes]) -> None:
    with source:
        while piece := source.read(_PIECE):
            file.write(piece)


class _Folder:
    """A folder that nothing is written outside of."""

    def __init__(self, root: str) -> None:
        self._make(root)
        self.root = os.path.realpath(root)
        self.written: dict[str, dict[str, Any]] = {}
        self._taken: set[str] = set()

    def _make(self, folder: str) -> None:
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise SynaDBError(
                f"{folder} cannot be made a folder: {error.strerror or error}"
            ) from error

    @contextlib.contextmanager
    def file(self, name: str) -> Iterator[str]:
        """A path to write to; what is there afterwards is noted."""
        path = os.path.join(self.root, *name.split("/"))
        above = os.path.dirname(path)
        # Before any folder is made: a link on the way may lead elsewhere.
        if leads_out(self.root, above):
            raise SynaDBError(f"{path} cannot be written: a link leads out of {self.root}")
        self._make(above)
        with target(path) as part:
            yield part
            self.written[name] = _measured(part)

    @contextlib.contextmanager
    def content(self, below: str, name: str) -> Iterator[IO[bytes]]:
        """A binary file for something with a name of the user's."""
        safe = f"{below}/{safe_path(name)}"
        if safe.casefold() in self._taken:
            digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
            safe = f"{os.path.dirname(safe)}/{digest[:20]}{os.path.splitext(safe)[1]}"
        self._taken.add(safe.casefold())
        try:
            with self.file(safe) as path, open(path, "wb") as file:
                yield file
        except StorageError as error:
            raise SynaDBError(f"{name!r} cannot be written to {self.root}: {error}") from error
        self.written[safe]["name"] = name

    def document(self, name: str, value: Any) -> None:
        """A JSON document."""
        text = json.dumps(finite(value), indent=2, allow_nan=False)
        self._text(name, [text])

    def lines(self, name: str, values: Iterable[Mapping[str, Any]]) -> None:
        """JSON Lines."""
        self._text(name, map(strict_json, values))

    def _text(self, name: str, lines: Iterable[str]) -> None:
        with self.file(name) as path, open(path, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(line + "\n" for line in lines)


def _measured(path: str) -> dict[str, Any]:
    whole, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            whole.update(piece)
            size += len(piece)
    return {"size": size, "sha256": whole.hexdigest()}

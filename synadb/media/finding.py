"""Finding media in the JSON of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

__all__ = [
    "FOLDER",
    "IN_VERSION",
    "MediaRecord",
    "VersionPlace",
    "files_in",
    "is_under",
    "records",
    "table_parts",
    "version_place",
    "versions_named",
]

FOLDER = "media/"
"""How the path of every file begins that a value becomes."""

IN_VERSION = "wandb-client-artifact://"
"""How an address begins of something that a version holds: its uid and the path follow."""

_TABLES = ("table-file", "incremental-table-file")

# Of these lists a row has no more than the names of the files.
_NAMES_ONLY = {"images/separated": "image-file", "molecule": "molecule-file"}


class MediaRecord(NamedTuple):
    """One file of a logged value: `type` and `json` as its row has them, `path` inside the run.

    `key` has the names of nested values joined by dots; `step` is None for what stands in the
    summary alone.
    """

    run_id: str
    key: str
    step: int | None
    type: str
    path: str
    sha256: str
    size: int
    json: dict[str, Any]


class VersionPlace(NamedTuple):
    """Where a version of an artifact holds something: the version's uid, the path in it."""

    uid: str
    path: str


def records(
    run_id: str,
    rows: Iterable[tuple[int, Mapping[str, Any]]],
    summary: Mapping[str, Any],
    files: Mapping[str, tuple[str, int]],
) -> list[MediaRecord]:
    """The media of rows, and then those of the summary that are in no row.

    `files` has digest and size of each file by its path.
    """
    found = [
        _record(run_id, step, key, json, files) for step, row in rows for key, json in files_in(row)
    ]
    known = {record.path for record in found}
    return found + [
        _record(run_id, None, key, json, files)
        for key, json in files_in(summary)
        if json["path"] not in known
    ]


def _record(
    run_id: str,
    step: int | None,
    key: str,
    json: Mapping[str, Any],
    files: Mapping[str, tuple[str, int]],
) -> MediaRecord:
    path, size = json["path"], json.get("size")
    # A dict of a script's own may look like media, and have anything there.
    told = str(json.get("sha256", "")), size if isinstance(size, int) else 0
    digest, size = files.get(path, told)
    return MediaRecord(run_id, key, step, json["_type"], path, digest, size, dict(json))


def is_under(key: str, wanted: str) -> bool:
    """Whether a key is the wanted one, or that of something inside of its value."""
    return key == wanted or key.startswith(f"{wanted}.")


def table_parts(
    found: Iterable[MediaRecord], key: str, step: int | None
) -> list[MediaRecord] | None:
    """The files of a table as logged at a step, or last: several if it was logged in parts."""
    tables = [record for record in found if record.key == key and record.type in _TABLES]
    chosen = [record for record in tables if step is None or record.step == step]
    if not chosen:
        return None
    last = chosen[-1]
    number = last.json.get("increment_num")
    if last.type == "table-file" or not isinstance(number, int):
        return [last]
    parts = {
        record.json["increment_num"]: record
        for record in tables
        if isinstance(record.json.get("increment_num"), int)
        and record.json["increment_num"] <= number
    }
    return [parts[at] for at in sorted(parts)]


def version_place(json: Mapping[str, Any]) -> VersionPlace | None:
    """Where the version is that also holds a table, with the media in its cells."""
    return _place(json.get("artifact_path")) if json.get("_type") in _TABLES else None


def versions_named(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The uids of the versions that tables in rows name, each once."""
    seen = set()
    for row in rows:
        for _, json in files_in(row):
            place = version_place(json)
            if place is not None and place.uid not in seen:
                seen.add(place.uid)
                yield place.uid


def _place(address: object) -> VersionPlace | None:
    """What an address leads to; None for what is none."""
    if not isinstance(address, str) or not address.startswith(IN_VERSION):
        return None
    uid, _, path = address.removeprefix(IN_VERSION).partition("/")
    return VersionPlace(uid, path) if path else None


def files_in(row: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(key, JSON) of everything in a row that has a file; keys of nested values joined by dots.

    The JSON has `_type` and `path`, and for members of some lists no more than these.
    """
    return _files((), row)


def _files(place: tuple[str, ...], value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _files((*place, str(number)), item)
    elif isinstance(value, Mapping):
        kind = value.get("_type")
        if isinstance(kind, str) and isinstance(value.get("path"), str):
            yield ".".join(place), value
        if kind in _NAMES_ONLY:
            names = value.get("filenames")
            for number, name in enumerate(names if isinstance(names, list) else []):
                if isinstance(name, str):
                    member = {"_type": _NAMES_ONLY[kind], "path": name}
                    yield ".".join((*place, str(number))), member
        for key, inner in value.items():
            yield from _files((*place, str(key)), inner)

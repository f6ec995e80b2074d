"""What a table holds at the moment it is logged, and how that becomes files and JSON.

A logged table is kept twice, as wandb does it: as a file of the run, where media are the names of
their classes, and as a version of an artifact, which has the types of the columns and holds the
media as files of its own. A cell is spelled differently in the two:

    cell               file of the run             artifact
    datetime, date     ISO text                    milliseconds since 1970
    Decimal            text                        number
    Enum               its value                   its name
    bytes              list of numbers             text
    NaN                NaN                         null
    array              nested lists                nested lists for one short axis, else an .npz
    media              name of its class           its JSON
    table              name of its class           its JSON, in place
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Mapping
from itertools import chain
from pathlib import PurePath
from typing import Any, ClassVar

from synadb.media.table import SCALARS, compact_json, sorted_json
from synadb.wandb_compat import _arrays
from synadb.wandb_compat._media import dtypes
from synadb.wandb_compat._media.base import Media, Sink, Stored, clean_key
from synadb.wandb_compat._values import history_value

__all__ = [
    "ArtifactFiles",
    "Content",
    "Increment",
    "Logged",
    "LoggedLink",
    "artifact_name",
    "captured_rows",
]

SUFFIX = ".table.json"
_FOLDER = "media/table"
_LONGEST_EMBEDDING = 150
_LOCATION = "wandb-client-artifact://"
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_PREDECESSOR_SECONDS = 60.0


class Increment:
    """One part of an incremental table: its number, and how the parts before it are reached."""

    def __init__(self, number: int, before: Increment | list[str]) -> None:
        self.number = number
        self.path: str | None = None
        self.settled = threading.Event()
        self._before = before

    def paths_before(self) -> list[str]:
        """Where the parts before this one are; waits for one that is still being stored."""
        if isinstance(self._before, list):
            return list(self._before)
        # Parts are encoded in the order they were logged; the limit is for one that never comes.
        self._before.settled.wait(_PREDECESSOR_SECONDS)
        paths = self._before.paths_before()
        return paths if self._before.path is None else [*paths, self._before.path]


class Content:
    """Columns, rows and types as they were; nothing in here is shared with the table."""

    def __init__(
        self,
        kind: str,
        columns: list[Any],
        rows: list[tuple[Any, ...]],
        types: Mapping[Any, dtypes.Type],
        log_mode: str | None,
        run_rows: int,
        increment: Increment | None = None,
    ) -> None:
        self.kind = kind
        self.columns = columns
        self.rows = rows
        self.types = types
        self.log_mode = log_mode
        self.increment = increment
        self._run_rows = run_rows
        self._lock = threading.Lock()
        self._run_id: str | None = None
        self._json: dict[str, Any] = {}

    def stored_json(self, sink: Sink, key: str, step: int | str) -> dict[str, Any]:
        """What a row says of the files; they are stored by the first call."""
        with self._lock:
            if self._run_id is None:
                try:
                    self._json = self._store(sink, key, step)
                finally:
                    if self.increment is not None:
                        self.increment.settled.set()
                self._run_id = sink.run_id
                self.rows = []
            elif self._run_id != sink.run_id:
                raise AssertionError(
                    f"{key!r}: this Table belongs to run {self._run_id}, where it was logged "
                    f"first; make a new one for run {sink.run_id}"
                )
            return self._json

    def _store(self, sink: Sink, key: str, step: int | str) -> dict[str, Any]:
        name, kind, entry = _artifact_entry(sink.run_id, key, self.increment)
        files = ArtifactFiles()
        table = files.table_bytes(self)
        client_id = sink.put_artifact(name, kind, {entry: table, **files.files})
        data = compact_json(self.columns, self.rows[: self._run_rows], run_cell)
        stored = sink.put(_FOLDER, key, step, data, SUFFIX)
        json: dict[str, Any] = {
            "sha256": stored.sha256,
            "size": stored.size,
            "artifact_path": f"{_LOCATION}{client_id}/{entry}",
            "_latest_artifact_path": f"{_LOCATION}{_sequence_id(sink.run_id, name)}:latest/{entry}",
            "path": stored.path,
        }
        if self.increment is not None:
            json["increment_num"] = self.increment.number
            json["previous_increments_paths"] = self.increment.paths_before()
            self.increment.path = json["artifact_path"]
        return json


class Logged(Media):
    """A table in one row: its content, and how large the table was when this row was logged."""

    _log_type: ClassVar[str | None] = "table-file"

    def __init__(self, content: Content, ncols: int, nrows: int) -> None:
        super().__init__()
        self.content = content
        self._ncols = ncols
        self._nrows = nrows

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> Any:
        kind = "table-file" if self.content.increment is None else "incremental-table-file"
        return {
            "_type": kind,
            **self.content.stored_json(sink, key, step),
            "ncols": self._ncols,
            "nrows": self._nrows,
            "log_mode": self.content.log_mode,
        }


class LoggedLink(Media):
    """A joined or partitioned table in one row: a reference to an artifact, which has the rest."""

    def __init__(self, kind: str, json: dict[str, Any], tables: Mapping[str, Content]) -> None:
        super().__init__()
        self._kind = kind
        self._json = json
        self._tables = tables

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> Any:
        files = ArtifactFiles()
        json = {"_type": self._kind, **self._json}
        for name, content in self._tables.items():
            json[name] = f"t{name[-1]}{SUFFIX}"
            files.files[json[name]] = files.table_bytes(content)
        entry = _entry_path(key, f"{self._kind}.json")
        files.files[entry] = _json_bytes(json)
        name = artifact_name(f"run-{sink.run_id}-{key}")
        client_id = sink.put_artifact(name, "run_table", files.files)
        return {"_type": self._kind, "artifact_path": f"{_LOCATION}{client_id}/{entry}"}


class ArtifactFiles:
    """The files of one artifact beside the table itself; a sink for the media in its cells."""

    run_id = ""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._tables: dict[int, tuple[Any, str]] = {}

    # -- the sink --------------------------------------------------------------------------------

    def put(
        self, folder: str, key: str, step: int | str, content: bytes | str, extension: str
    ) -> Stored:
        """Keep a file under its digest: encoded content as `<folder>/<digest><extension>`, a file
        of the script as `<folder>/<digest>/<its name>`.
        """
        if isinstance(content, str):
            with open(content, "rb") as file:
                data = file.read()
            name = "/" + PurePath(content).name
        else:
            data, name = content, extension
        digest = hashlib.sha256(data).hexdigest()
        path = f"{folder}/{digest[:20]}{name}"
        self.files[path] = data
        return Stored(path, digest, len(data))

    def put_artifact(self, name: str, type: str, files: dict[str, bytes]) -> str:
        """An artifact holds no other."""
        raise TypeError(f"{name!r} cannot be logged inside another artifact")

    def set_config(self, key: str, name: str, value: Any) -> None:
        """An artifact has no config."""

    # -- what cells and types refer to -----------------------------------------------------------

    def media_json(self, value: Any) -> dict[str, Any]:
        """The JSON of a media object in this artifact; its files are kept here."""
        fresh = _not_stored(value) if isinstance(value, Media) else value
        json: dict[str, Any] = fresh._to_run_value(self, "", "")
        boxes = getattr(value, "_boxes", None)
        if boxes:
            json["boxes"] = {key: one._val for key, one in boxes.items()}
        classes = getattr(value, "_classes", None)
        if classes is not None:
            json["classes"] = self.classes_json(classes)
        for part in (json, *json.get("masks", {}).values()):
            part.pop("size", None)
        return json

    def classes_json(self, classes: Any) -> dict[str, Any]:
        """A reference to the names of classes, which become a file."""
        from base64 import b64encode

        data = _json_bytes(classes.to_json(self))
        name = hashlib.md5(str(classes._class_set).encode(), usedforsecurity=False).hexdigest()
        path = f"media/classes/{name}_cls.classes.json"
        self.files[path] = data
        digest = b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        return {"type": "classes-file", "path": path, "digest": digest}

    def add_table(self, table: Any) -> str:
        """Keep a table that keys refer to; returns its path."""
        known = self._tables.get(id(table))
        if known is None:
            # Before its content, which may refer back to the table that is being written.
            path = f"media/tables/t_{len(self._tables)}{SUFFIX}"
            known = self._tables[id(table)] = (table, path)
            self.files[path] = self.table_bytes(table._content_now())
        return known[1]

    # -- tables ----------------------------------------------------------------------------------

    def table_bytes(self, content: Content) -> bytes:
        """A table as the bytes of its file."""
        fields, skipped = self._fields(content)
        rows: list[tuple[Any, ...]] = content.rows
        if skipped:
            rows = [_without(row, skipped) for row in rows]
        return sorted_json(fields, rows, self._cell)

    def _table_json(self, content: Content) -> dict[str, Any]:
        fields, skipped = self._fields(content)
        rows = [[self._cell(value) for value in _without(row, skipped)] for row in content.rows]
        return {**fields, "data": rows}

    def _fields(self, content: Content) -> tuple[dict[str, Any], set[int]]:
        types, skipped = self._column_types(content)
        fields: dict[str, Any] = {
            "_type": "table",
            "column_types": types.to_json(self),
            "columns": content.columns,
            "log_mode": content.log_mode,
            "ncols": len(content.columns),
            "nrows": len(content.rows),
        }
        if content.increment is not None:
            fields["increment_num"] = content.increment.number
            fields["previous_increments_paths"] = content.increment.paths_before()
        return fields, skipped

    def _column_types(self, content: Content) -> tuple[dtypes.Type, set[int]]:
        """The types, and the places of columns that have become files."""
        types: dict[str, dtypes.Type] = {}
        skipped: set[int] = set()
        for place, column in enumerate(content.columns):
            kind = content.types.get(column) or dtypes.UnknownType()
            array_type = _array_type(kind)
            if array_type is not None:
                shape = array_type.params["shape"]
                if len(shape) == 1 and shape[0] <= _LONGEST_EMBEDDING:
                    kind = dtypes.ListType(dtypes.NumberType, shape[0])
                else:
                    kept = self._put_arrays(str(column), [row[place] for row in content.rows])
                    if kept is not None:
                        skipped.add(place)
                        kept_type = dtypes.NDArrayType(shape, kept)
                        kind = kept_type if kind is array_type else dtypes.OptionalType(kept_type)
            types[str(column)] = kind
        return dtypes.TypedDictType(types), skipped

    def _put_arrays(self, column: str, cells: list[Any]) -> dict[str, str] | None:
        """Keep a column of arrays as one file; None where they do not make one array."""
        import io

        import numpy as np

        try:
            whole = np.array(cells)
        except ValueError:
            return None
        if whole.dtype.hasobject:
            return None
        file = io.BytesIO()
        arrays: dict[str, Any] = {column: whole}
        np.savez_compressed(file, **arrays)
        stored = self.put("media/serialized_data", "", "", file.getvalue(), ".npz")
        return {"path": stored.path, "key": column}

    def _cell(self, value: Any) -> Any:
        return artifact_cell(value, self)


def _not_stored(value: Media) -> Media:
    """A media object that has no file yet; what the original remembers is its file in a run."""
    import copy

    fresh = copy.copy(value)
    fresh._stored = None
    # The boxes of an image are written in place, its masks are files of their own.
    if getattr(fresh, "_boxes", None):
        fresh._boxes = None  # type: ignore[attr-defined]
    masks = getattr(fresh, "_masks", None)
    if masks:
        fresh._masks = {  # type: ignore[attr-defined]
            key: _not_stored(mask) for key, mask in masks.items()
        }
    return fresh


def _json_bytes(value: Any) -> bytes:
    import json

    return json.dumps(value, sort_keys=True).encode("ascii")


def _array_type(kind: dtypes.Type) -> dtypes.NDArrayType | None:
    parts = kind.params["allowed_types"] if isinstance(kind, dtypes.UnionType) else [kind]
    return next((part for part in parts if isinstance(part, dtypes.NDArrayType)), None)


def _without(row: tuple[Any, ...], skipped: set[int]) -> tuple[Any, ...]:
    return tuple(None if place in skipped else value for place, value in enumerate(row))


# -- names ---------------------------------------------------------------------------------------


def artifact_name(name: str) -> str:
    """A name without what artifacts' names cannot hold; what was in it is told by a checksum."""
    kept = re.sub(r"[^a-zA-Z0-9_\-.]+", "", name)
    if kept == name:
        return name
    from base64 import urlsafe_b64encode
    from zlib import crc32

    checksum = crc32(name.encode("utf-8", "replace")).to_bytes(4, "big")
    return f"{kept}-{urlsafe_b64encode(checksum).rstrip(b'=').decode()}"


def _artifact_entry(run_id: str, key: str, increment: Increment | None) -> tuple[str, str, str]:
    """Name and type of the artifact, and the table's path in it."""
    path = _entry_path(key, SUFFIX[1:])
    if increment is None:
        return artifact_name(f"run-{run_id}-{key}"), "run_table", path
    import time

    entry = f"{increment.number}-{time.time_ns() // 1_000_000}.{path}"
    return artifact_name(f"run-{run_id}-incr-{key}"), "wandb-run-incremental-table", entry


def _entry_path(key: str, suffix: str) -> str:
    path = clean_key(key) or "table"
    return path if path.endswith(suffix) else f"{path}.{suffix}"


def _sequence_id(run_id: str, name: str) -> str:
    """The id that all versions of an artifact share."""
    found = hashlib.shake_256(f"{run_id}/{name}".encode("utf-8", "replace")).digest(128)
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in found)


# -- cells ---------------------------------------------------------------------------------------


def captured_rows(rows: list[Any]) -> list[tuple[Any, ...]]:
    """Rows that no longer change with the table's, nor with the cells in them.

    TypeError or UnicodeDecodeError for a cell that cannot be stored.
    """
    if SCALARS.issuperset(map(type, chain.from_iterable(rows))):
        return list(map(tuple, rows))
    return [
        tuple(value if type(value) in SCALARS else captured_cell(value) for value in row)
        for row in rows
    ]


def captured_cell(value: Any) -> Any:
    """One cell as it is now."""
    kind = type(value)
    if kind in SCALARS:
        return value
    if hasattr(kind, "_to_run_value"):
        capture = getattr(value, "_content_now", None) or getattr(value, "_snapshot", None)
        return value if capture is None else capture()
    if isinstance(value, dict) and not _is_enum(value):
        return {_key(key): captured_cell(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset | range):
        items = list(value)
        return items if SCALARS.issuperset(map(type, items)) else [*map(captured_cell, items)]
    array = _arrays.as_numpy(value)
    if array is not None:
        return array.copy() if hasattr(array, "copy") else array
    if hasattr(value, "tolist") and not _arrays.is_scalar(value):
        return captured_cell(value.tolist())
    if isinstance(value, bytearray):
        return bytes(value)
    artifact_cell(value, None)  # raises where there is no form
    return value


def run_cell(value: Any) -> Any:
    """A captured cell as JSON data for the file of the run."""
    if isinstance(value, Content):
        return value.kind
    kind = type(value)
    if hasattr(kind, "_to_run_value"):
        return kind.__name__
    if isinstance(value, dict):
        return {key: run_cell(item) for key, item in value.items()}
    if isinstance(value, list):
        return [run_cell(item) if type(item) not in SCALARS else item for item in value]
    if isinstance(value, bytes):
        return list(value)
    if kind.__name__ == "NAType":
        return None
    if _arrays.is_scalar(value):
        # Whole numbers of any size stay what they are, other than in a row.
        inner = _arrays.item(value)
        return inner if type(inner) in SCALARS else history_value(inner)
    array = _arrays.as_numpy(value)
    if hasattr(array, "ndim"):
        items = array.tolist() if array.ndim else [array.tolist()]
        return items if array.dtype.kind in "biuf" else run_cell(items)
    return history_value(value)


def artifact_cell(value: Any, files: ArtifactFiles | None) -> Any:
    """A captured cell as JSON data for an artifact; TypeError for what has no form."""
    kind = type(value)
    if kind in SCALARS:
        return value
    if files is not None and isinstance(value, Content):
        return files._table_json(value)
    if files is not None and hasattr(kind, "_to_run_value"):
        return files.media_json(value)
    if isinstance(value, dict):
        return {key: artifact_cell(item, files) for key, item in value.items()}
    if isinstance(value, list):
        return [item if type(item) in SCALARS else artifact_cell(item, files) for item in value]
    if hasattr(value, "tolist"):
        plain = _arrays.item(value) if _arrays.is_scalar(value) else value.tolist()
        if kind.__name__ == "datetime64" and isinstance(plain, int):
            return plain / 1e6  # nanoseconds
        return artifact_cell(plain, files)
    return _single_value(value, kind)


def _single_value(value: Any, kind: type) -> Any:
    import datetime
    from decimal import Decimal

    if kind.__name__ in ("NaTType", "NAType"):
        return None
    if _is_enum(value):
        return value.name
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=datetime.timezone.utc)
        return int(value.timestamp() * 1000)
    if isinstance(value, datetime.date):
        midnight = datetime.datetime(
            value.year, value.month, value.day, tzinfo=datetime.timezone.utc
        )
        return int(midnight.timestamp() * 1000)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, bytes):
        return value.decode()
    if callable(value):
        return history_value(value)
    raise TypeError(
        f"Object of type {kind.__name__} is not JSON serializable: a table cannot hold it; "
        "make it a number, text, a list or a dict first"
    )


def _is_enum(value: Any) -> bool:
    import enum

    return isinstance(value, enum.Enum)


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return key if type(key) is str else str(_arrays.item(key) if _arrays.is_scalar(key) else key)

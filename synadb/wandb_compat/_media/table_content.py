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

import contextlib
import hashlib
import re
import threading
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar
from weakref import WeakValueDictionary

from synadb.media.finding import IN_VERSION
from synadb.media.table import SCALARS, compact_json, held_bytes, sorted_json
from synadb.wandb_compat import _arrays
from synadb.wandb_compat._media import dtypes
from synadb.wandb_compat._media.base import (
    ArtifactSink,
    InArtifact,
    Media,
    Place,
    Sink,
    captured,
    clean_key,
)
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
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_PREDECESSOR_SECONDS = 60.0
_LINK_CLASSES = {"joined-table": "JoinedTable", "partitioned-table": "PartitionedTable"}


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
    """Columns, rows and types as they were; nothing in here is shared with the table.

    `linked` has the contents of tables that keys refer to, by the ids of these tables.
    """

    def __init__(
        self,
        kind: str,
        columns: list[Any],
        rows: list[tuple[Any, ...]],
        types: Mapping[Any, dtypes.Type],
        log_mode: str | None,
        run_rows: int,
        increment: Increment | None = None,
        linked: Mapping[int, Content] | None = None,
    ) -> None:
        self.kind = kind
        self.columns = columns
        self.rows = rows
        self.types = types
        self.log_mode = log_mode
        self.increment = increment
        self.linked = {} if linked is None else linked
        self._run_rows = run_rows
        self._destination: Place | None = None
        self._before: Content | None = None
        self._lock = threading.Lock()
        self._run_id: str | None = None
        self._json: dict[str, Any] = {}

    @property
    def held_bytes(self) -> int:
        """About how much memory the rows take."""
        return held_bytes(self.rows)

    @property
    def is_stored(self) -> bool:
        """Whether its files are in a run."""
        return self._run_id is not None

    def goes_to(self, destination: Place | None) -> None:
        """Let the row that logs it first name the files, whichever row is encoded first."""
        if destination is None:
            return
        self._destination = destination
        place = destination.token, destination.key
        self._before, _latest[place] = _latest.get(place), self

    def stored_json(self, sink: Sink, key: str, step: int | str) -> dict[str, Any]:
        """What a row says of the files; they are stored by the first call."""
        with self._lock:
            if self._run_id is None:
                if self._destination is not None and self._destination.token is sink.token:
                    _, key, step = self._destination
                    self._store_before(sink)
                try:
                    self._json = self._store(sink, key, step)
                finally:
                    if self.increment is not None:
                        self.increment.settled.set()
                self._run_id = sink.run_id
                self.rows = []
                self.linked = {}
            elif self._run_id != sink.run_id:
                raise AssertionError(
                    f"{key!r}: this Table belongs to run {self._run_id}, where it was logged "
                    f"first; make a new one for run {sink.run_id}"
                )
            return self._json

    def _store_before(self, sink: Sink) -> None:
        """Store what was logged under the same key before: versions are numbered as they come."""
        before, self._before = self._before, None
        if before is not None:
            with contextlib.suppress(Exception):  # its own row tells of it
                before.stored_json(sink, "", "")

    def _store(self, sink: Sink, key: str, step: int | str) -> dict[str, Any]:
        name, kind, entry = _artifact_entry(sink.run_id, key, self.increment)
        inside = _Files()
        table = ArtifactFiles(inside).table_bytes(self)
        client_id = sink.put_artifact(name, kind, {entry: table, **inside.files})
        data = compact_json(self.columns, self.rows[: self._run_rows], run_cell)
        stored = sink.put(_FOLDER, key, step, data, SUFFIX)
        sequence = _sequence_id(sink.run_id, name)
        json: dict[str, Any] = {
            "sha256": stored.sha256,
            "size": stored.size,
            "artifact_path": f"{IN_VERSION}{client_id}/{entry}",
            "_latest_artifact_path": f"{IN_VERSION}{sequence}:latest/{entry}",
            "path": stored.path,
        }
        if self.increment is not None:
            json["increment_num"] = self.increment.number
            json["previous_increments_paths"] = self.increment.paths_before()
            self.increment.path = json["artifact_path"]
        return json


_latest: WeakValueDictionary[tuple[object, str], Content] = WeakValueDictionary()
"""What was logged last under each key of each run; a forked child, whose sink has a token of its
own, leaves what waits in its parent to that.
"""


class Logged(Media):
    """A table in one row: its content, and how large the table was when this row was logged."""

    _log_type: ClassVar[str | None] = "table-file"
    _versioned: ClassVar[bool] = True

    def __init__(self, content: Content, ncols: int, nrows: int) -> None:
        super().__init__()
        self.content = content
        self._ncols = ncols
        self._nrows = nrows

    @property
    def held_bytes(self) -> int:
        """About how much memory the rows take that wait to be stored."""
        return self.content.held_bytes

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

    _versioned: ClassVar[bool] = True

    def __init__(
        self, kind: str, json: dict[str, Any], tables: Mapping[str, Content | LoggedLink]
    ) -> None:
        super().__init__()
        self._kind = kind
        self._json = json
        self._tables = tables

    @property
    def held_bytes(self) -> int:
        """About how much memory the rows of its tables take."""
        return sum(table.held_bytes for table in self._tables.values())

    @property
    def class_name(self) -> str:
        """What the file of a run has of it where it is a cell."""
        return _LINK_CLASSES[self._kind]

    def _artifact_json(self, sink: ArtifactSink) -> dict[str, Any]:
        tables = {name: _put_joined(sink, name, table) for name, table in self._tables.items()}
        return {"_type": self._kind, **self._json, **tables}

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> Any:
        inside = _Files()
        entry = _entry_path(key, f"{self._kind}.json")
        inside.add(entry, _json_bytes(self._artifact_json(inside)))
        name = artifact_name(f"run-{sink.run_id}-{key}")
        client_id = sink.put_artifact(name, "run_table", inside.files)
        return {"_type": self._kind, "artifact_path": f"{IN_VERSION}{client_id}/{entry}"}


def _put_joined(sink: ArtifactSink, name: str, table: Content | LoggedLink) -> str:
    """Keep one of the two tables of a JoinedTable, `table1` or `table2`; returns its path."""
    if isinstance(table, Content):
        data, suffix = ArtifactFiles(sink).table_bytes(table), SUFFIX
    else:
        data, suffix = _json_bytes(table._artifact_json(sink)), f".{table._kind}.json"
    path = f"t{name[-1]}_{_digest(data)}{suffix}"
    sink.add(path, data)
    return path


class _Files(ArtifactSink):
    """The files of an artifact that is made in one go."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def add(self, path: str, content: bytes) -> None:
        """Keep a file at this very path, unless there is one."""
        self.files.setdefault(path, content)

    def is_free(self, path: str, content: bytes) -> bool:
        """Whether no other content is kept at this path."""
        return self.files.get(path, content) == content

    def refer(self, folder: str, address: str) -> str:
        """Raise ValueError: the artifact of a logged table holds files alone."""
        raise ValueError(
            f"media created by a reference to external storage ({address!r}) cannot currently be "
            "added to a run"
        )


class ArtifactFiles:
    """A table's files in an artifact; `sink` keeps them."""

    def __init__(self, sink: ArtifactSink) -> None:
        self._sink = sink
        self._tables: dict[int, tuple[Any, str]] = {}
        self._linked: dict[int, Content] = {}
        self._referred: set[str] = set()

    # -- what cells and types refer to -----------------------------------------------------------

    def media_json(self, value: Any) -> dict[str, Any]:
        """The JSON of a media object in this artifact; its files are kept here."""
        json: dict[str, Any] = value._artifact_json(self._sink)
        return json

    def classes_json(self, classes: Any) -> dict[str, Any]:
        """A reference to the classes of a column, which become a file."""
        json: dict[str, Any] = classes.column_reference(self._sink)
        return json

    def add_table(self, table: Any) -> str:
        """Keep a table that keys refer to; returns its path."""
        known = self._tables.get(id(table))
        if known is not None:
            self._referred.add(known[1])
            return known[1]
        if isinstance(self._sink, InArtifact):
            added = self._sink.artifact._added_objs.get(id(table))
            if added is not None:
                return str(added[1].path)
        # Its content may refer back to it, before it can be named by its content.
        path = f"media/tables/t_{len(self._tables)}{SUFFIX}"
        self._tables[id(table)] = (table, path)
        data = self.table_bytes(self._linked.get(id(table)) or table._content_now())
        if path not in self._referred:
            path = f"media/tables/{_digest(data)}{SUFFIX}"
            self._tables[id(table)] = (table, path)
        self._sink.add(path, data)
        return path

    # -- tables ----------------------------------------------------------------------------------

    def table_bytes(self, content: Content) -> bytes:
        """A table as the bytes of its file."""
        fields, skipped = self._fields(content)
        rows: list[tuple[Any, ...]] = content.rows
        if skipped:
            rows = [_without(row, skipped) for row in rows]
        return sorted_json(fields, rows, self._cell)

    def table_json(self, content: Content) -> dict[str, Any]:
        """A table as JSON data."""
        fields, skipped = self._fields(content)
        rows = [[self._cell(value) for value in _without(row, skipped)] for row in content.rows]
        return {**fields, "data": rows}

    def _fields(self, content: Content) -> tuple[dict[str, Any], set[int]]:
        self._linked.update(content.linked)
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
                if _is_embedded(shape):
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
        stored = self._sink.keep("media/serialized_data", file.getvalue(), ".npz")
        return {"path": stored.path, "key": column}

    def _cell(self, value: Any) -> Any:
        return artifact_cell(value, self)


def _digest(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()[:20]


def _json_bytes(value: Any) -> bytes:
    import json

    return json.dumps(value, sort_keys=True).encode("ascii")


def _array_type(kind: dtypes.Type) -> dtypes.NDArrayType | None:
    parts = kind.params["allowed_types"] if isinstance(kind, dtypes.UnionType) else [kind]
    return next((part for part in parts if isinstance(part, dtypes.NDArrayType)), None)


def _is_embedded(shape: Sequence[int]) -> bool:
    """Whether arrays of this shape stand in the table's file, and not in one of their own."""
    return len(shape) == 1 and shape[0] <= _LONGEST_EMBEDDING


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
        content_now = getattr(value, "_content_now", None)
        return captured(value) if content_now is None else content_now()
    if isinstance(value, dict) and not _is_enum(value):
        return {_key(key): captured_cell(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset | range):
        items = list(value)
        return items if SCALARS.issuperset(map(type, items)) else [*map(captured_cell, items)]
    array = _arrays.as_numpy(value)
    if array is not None:
        return _captured_array(array)
    if hasattr(value, "tolist") and not _arrays.is_scalar(value):
        return captured_cell(value.tolist())
    if isinstance(value, bytearray):
        return bytes(value)
    artifact_cell(value, None)  # raises where there is no form
    return value


def _captured_array(array: Any) -> Any:
    dtype = getattr(array, "dtype", None)  # a tensor of one element is a number by now
    if dtype is None or (dtype.kind in "cm" and _is_embedded(array.shape)):
        artifact_cell(array, None)  # raises where an element has no form
    if dtype is not None and dtype.hasobject and array.ndim:
        import numpy as np

        return np.frompyfunc(captured_cell, 1, 1)(array)
    return array.copy() if hasattr(array, "copy") else array


def run_cell(value: Any) -> Any:
    """A captured cell as JSON data for the file of the run."""
    if isinstance(value, Content):
        return value.kind
    if isinstance(value, LoggedLink):
        return value.class_name
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
        return files.table_json(value)
    if files is not None and hasattr(kind, "_to_run_value"):
        return files.media_json(value)
    if isinstance(value, dict):
        return {key: artifact_cell(item, files) for key, item in value.items()}
    if isinstance(value, list | tuple):  # a tuple is a record of numpy's
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

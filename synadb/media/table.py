"""Tables as JSON, at the speed of the C encoder for as long as the cells are plain.

Two forms, which differ where JSON leaves a choice:

                     `compact_json`              `sorted_json`
    keys             columns, data               all that is given, in order
    between items    nothing                     a space after , and :
    outside ASCII    UTF-8                       escaped
    NaN              NaN                         null
    small numbers    0.00001, 1e-6               1e-05, 1e-06
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Final

from synadb.errors import InvalidValueError, MissingPackageError
from synadb.media import jsontext
from synadb.media.value import FileValue, Value, advice, refusing

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SCALARS", "Table", "compact_json", "held_bytes", "sorted_json"]

SCALARS: Final = frozenset((bool, float, int, str, type(None)))
"""Types whose values the JSON encoder takes as they are."""

Row = Sequence[Any]
Cell = Callable[[Any], Any]

# One call of the encoder holds the GIL: so many rows take it for a few milliseconds.
_CHUNK = 500
_SAMPLED_ROWS = 50
_NAN = re.compile(r'"(?:[^"\\]|\\.)*"|NaN')


class Table(FileValue):
    """Columns and rows; a cell may hold whatever JSON can, an array, or another of the media.

    `rows` are lists with `columns` beside them, dicts, an array of two dimensions, or a DataFrame
    of pandas. `columns` are text or whole numbers. Nothing that is passed is shared.
    """

    _type: ClassVar[str] = "table-file"
    _folder: ClassVar[str] = "media/table"

    columns: list[Any]
    rows: list[tuple[Any, ...]]

    def __init__(self, rows: Any, columns: Sequence[Any] | None = None) -> None:
        super().__init__(".table.json")
        with refusing("Table"):
            names, source = _columns_and_rows(rows, columns)
            self.columns = _checked_columns(names)
            self.rows = [*_captured_rows(self.columns, source)]

    @classmethod
    def decode(cls, content: bytes, in_version: bytes | None = None) -> Table:
        """The table that a file holds; media in its cells are the JSON that stands for them.

        The drop-in's files have names of classes there: `in_version` is the content that a version
        of an artifact has of the same table, with the JSON, and with rows that the file lacks.
        """
        table = cls._decoded(content)
        if in_version is not None:
            whole = cls._decoded(in_version).rows
            # The two spell dates and the like in different ways: a column has one of these.
            rows = table.rows
            table.rows = whole if len(whole) > len(rows) else [*map(_with_media, rows, whole)]
            table.rows += rows[len(whole) :]
        return table

    @classmethod
    def _decoded(cls, content: bytes) -> Table:
        with refusing("a file that is no table"):
            found = json.loads(content)
            made = cls([], found["columns"])
            made.rows = [tuple(row) for row in found["data"]]
        return made

    def encode(self) -> bytes:
        """The content of the file; media in cells need a run, and are their types' names here."""
        return compact_json(self.columns, self.rows, lambda value: _cell_json(value, _named))

    def _put(self, sink: Any, key: str, step: int | str) -> Any:
        def placed(value: Value) -> Any:
            return value._to_run_value(sink, key, step)

        content = compact_json(self.columns, self.rows, lambda value: _cell_json(value, placed))
        return sink.put(self._folder, key, step, content, self.extension)

    def _facts(self) -> dict[str, Any]:
        return {"ncols": len(self.columns), "nrows": len(self.rows)}

    def _media(self) -> Iterator[Value]:
        return (value for row in self.rows for value in row if isinstance(value, Value))

    def _snapshot(self) -> Table:
        for value in self._media():
            value._snapshot()
        return self

    def _claim(self, sink: Any, key: str, step: int | str) -> tuple[str, int | str]:
        for value in self._media():
            value._claim(sink, key, step)
        return super()._claim(sink, key, step)

    @property
    def _held(self) -> int:
        return held_bytes(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def to_pandas(self) -> pd.DataFrame:
        """The table as a DataFrame (needs pandas)."""
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingPackageError(
                "Table.to_pandas() needs pandas. To get it, run: pip install pandas"
            ) from error
        return pd.DataFrame(self.rows, columns=self.columns)

    def _repr_html_(self) -> str:
        from synadb.media import show

        shown = [[*map(_shown, row)] for row in self.rows[: show.PREVIEW_ROWS]]
        return show.table(self.columns, shown, count=len(self.rows))


def _columns_and_rows(rows: Any, columns: Sequence[Any] | None) -> tuple[list[Any], Any]:
    if any(kind.__name__ == "DataFrame" for kind in type(rows).__mro__):
        names = list(rows.columns)
        cells = [_cells(rows.iloc[:, at]) for at in range(len(names))]
        return list(columns or names), zip(*cells, strict=True) if cells else [()] * len(rows)
    if hasattr(rows, "ndim"):
        if rows.ndim != 2:
            raise ValueError(f"an array has two dimensions here, not {rows.ndim}")
        return list(columns or range(rows.shape[1])), rows.tolist()
    if isinstance(rows, str | bytes | Mapping):
        raise TypeError(f"rows are a list of lists or of dicts, not a {type(rows).__name__}")
    rows = list(rows)
    if rows and all(isinstance(row, Mapping) for row in rows):
        names = list(columns or dict.fromkeys(key for row in rows for key in row))
        return names, [[row.get(name) for name in names] for row in rows]
    if columns is None:
        if rows:
            raise ValueError("rows that are lists need the names of their columns: columns=[...]")
        columns = []
    return list(columns), rows


def _cells(column: pd.Series[Any]) -> list[Any]:
    """The cells of a column of a DataFrame; NaN in one that is not of numbers means missing."""
    cells: list[Any] = column.tolist()
    if column.dtype.kind in "biuf":
        return cells
    return [None if isinstance(cell, float) and math.isnan(cell) else cell for cell in cells]


def _checked_columns(columns: Any) -> list[Any]:
    names = [name.item() if hasattr(name, "item") else name for name in columns]
    for name in names:
        if type(name) is bool or not isinstance(name, str | int):
            raise TypeError(f"a column's name is text or a whole number, not {name!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"two columns have the same name: {names}")
    return names


def _captured_rows(columns: Sequence[Any], rows: Any) -> Iterator[tuple[Any, ...]]:
    for number, row in enumerate(rows):
        if isinstance(row, str | bytes | Mapping):
            raise TypeError(f"row {number} is a list, not a {type(row).__name__}")
        cells = tuple(row)
        if len(cells) != len(columns):
            raise ValueError(f"row {number} has {len(cells)} cells for {len(columns)} columns")
        if SCALARS.issuperset(map(type, cells)):
            yield cells
            continue
        kept: list[Any] = []
        try:
            kept.extend(map(_captured, cells))
        except (TypeError, RecursionError) as error:
            name = columns[len(kept)]  # the cells before it are in the list
            raise InvalidValueError(f"row {number}, column {name!r} of a Table: {error}") from error
        yield tuple(kept)


def _captured(value: Any) -> Any:
    """A cell of plain data that nobody else has; TypeError for what JSON cannot hold."""
    kind = type(value)
    if kind in SCALARS or isinstance(value, Value):
        return value
    if isinstance(value, Mapping):
        return {str(key): _captured(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_captured(inner) for inner in value]
    if kind.__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, bool | int | float | str):  # a class made from one of them
        return next(base(value) for base in (int, float, str) if isinstance(value, base))
    try:
        inner = jsontext.plain(value)
    except TypeError as error:
        raise TypeError(f"{error}; {advice(value)}") from error
    return _captured(inner)


def _cell_json(value: Any, placed: Callable[[Value], Any]) -> Any:
    if isinstance(value, Value):
        return placed(value)
    if isinstance(value, dict):
        return {key: _cell_json(inner, placed) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cell_json(inner, placed) for inner in value]
    return value


def _with_media(row: tuple[Any, ...], whole: tuple[Any, ...]) -> tuple[Any, ...]:
    if SCALARS.issuperset(map(type, whole)):
        return row
    return tuple(map(_cell_with_media, row, whole))


def _cell_with_media(cell: Any, whole: Any) -> Any:
    """A cell with the JSON from `whole` where it has the name of a class."""
    if isinstance(cell, str) and isinstance(whole, dict):
        return whole
    if isinstance(cell, dict) and isinstance(whole, dict):
        return {key: _cell_with_media(inner, whole.get(key)) for key, inner in cell.items()}
    if isinstance(cell, list) and isinstance(whole, list) and len(cell) == len(whole):
        return [*map(_cell_with_media, cell, whole)]
    return cell


def _named(value: Value) -> str:
    return type(value).__name__


def _shown(value: Any) -> Any:
    picture = getattr(value, "_picture", None) if isinstance(value, Value) else None
    if picture is not None:
        from synadb.media.image import as_png
        from synadb.media.show import Thumbnail

        return Thumbnail(partial(as_png, picture), _named(value))
    if isinstance(value, Value):
        return _named(value)
    if isinstance(value, dict) and "_type" in value:
        return value.get("path", value["_type"])
    return value


def held_bytes(rows: Sequence[Row]) -> int:
    """About how much memory rows take, by some of them; what media hold is in it."""
    some = rows[:: max(1, len(rows) // _SAMPLED_ROWS)]
    if not some:
        return 0
    size = sum(sys.getsizeof(row) + sum(map(_cell_bytes, row)) for row in some)
    return size * len(rows) // len(some)


def _cell_bytes(cell: Any) -> int:
    if isinstance(cell, list):
        return sys.getsizeof(cell) + sum(map(_cell_bytes, cell))
    if isinstance(cell, dict):
        return sys.getsizeof(cell) + sum(map(_cell_bytes, cell.values()))
    picture = getattr(cell, "_picture", None)
    held: Any = getattr(cell, "_held", 0) or getattr(picture or cell, "held_bytes", 0)
    return int(held or getattr(cell, "nbytes", 0)) or sys.getsizeof(cell)


def compact_json(columns: Sequence[Any], rows: Sequence[Row], cell: Cell = jsontext.plain) -> bytes:
    """`{"columns":[...],"data":[[...],...]}`; `cell` converts what is not in SCALARS."""
    pieces = [jsontext.dumps(chunk)[1:-1] for chunk in _chunks(rows, cell)]
    return b'{"columns":%b,"data":[%b]}' % (jsontext.dumps(list(columns)), b",".join(pieces))


def sorted_json(fields: Mapping[str, Any], rows: Sequence[Row], cell: Cell) -> bytes:
    """An object of `fields` and, under "data", the rows; in order of the keys, at every depth."""
    parts = []
    for key in sorted({*fields, "data"}):
        if key == "data":
            inner = ", ".join(_sorted_text(chunk)[1:-1] for chunk in _chunks(rows, cell))
            parts.append(f'"data": [{inner}]')
        else:
            parts.append(f"{json.dumps(key)}: {_sorted_text(fields[key])}")
    return ("{" + ", ".join(parts) + "}").encode("ascii")


def _sorted_text(value: Any) -> str:
    try:
        text = json.dumps(value, sort_keys=True)
    except TypeError:  # keys of several kinds have no order, until they are text
        text = json.dumps(_with_text_keys(value), sort_keys=True)
    return _NAN.sub(_null, text) if "NaN" in text else text


def _with_text_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {_text_key(key): _with_text_keys(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_text_keys(inner) for inner in value]
    return value


def _text_key(key: Any) -> str:
    if key is None or isinstance(key, bool | int | float):
        return json.dumps(key)
    return str(key)


def _null(found: re.Match[str]) -> str:
    return "null" if found[0] == "NaN" else found[0]


def _chunks(rows: Sequence[Row], cell: Cell) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        if not SCALARS.issuperset(map(type, chain.from_iterable(chunk))):
            chunk = [
                [value if type(value) in SCALARS else cell(value) for value in row] for row in chunk
            ]
        yield chunk

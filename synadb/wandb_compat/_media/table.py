"""`wandb.Table` and its relatives.

`log` takes a copy of the rows (`Table._snapshot`) and returns; what the script then does to the
table, its rows or the arrays in its cells does not reach the copy. Encoding happens from the copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from synadb.wandb_compat._media import custom, dtypes
from synadb.wandb_compat._media.base import ArtifactSink, InArtifact, Media, Place, Sink, WBValue
from synadb.wandb_compat._media.table_content import (
    ArtifactFiles,
    Content,
    Increment,
    Logged,
    LoggedLink,
    captured_rows,
)
from synadb.wandb_compat._media.table_keys import (
    _ForeignIndexType,
    _ForeignKeyType,
    _PrimaryKeyType,
    _TableIndex,
    _TableKey,
    _TableLinkMixin,
    linked_tables,
)
from synadb.wandb_compat.util import is_pandas_data_frame

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["EvalTable", "JoinedTable", "PartitionedTable", "Table"]

LogMode = Literal["IMMUTABLE", "MUTABLE", "INCREMENTAL"]
ColumnKey = str | int

_LOG_MODES = ("IMMUTABLE", "MUTABLE", "INCREMENTAL")
_MOST_INCREMENTS = 99


class Table(Media):
    """Rows and typed columns; cells may be numbers, text, arrays, media and other tables.

    Columns have names (text or whole numbers). The type of a column is that of its first value, or
    given by `dtype`; None fits unless `optional` is False, and everything fits with
    `allow_mixed_types`. `log_mode` says what logging the table again means: nothing ("IMMUTABLE"),
    the whole table ("MUTABLE"), or the rows added since ("INCREMENTAL").
    """

    MAX_ROWS = 10000
    MAX_ARTIFACT_ROWS = 200000
    _log_type: ClassVar[str | None] = "table"
    _folder: ClassVar[str] = "media/table"

    data: list[list[Any]]
    columns: list[Any]
    _column_types: dtypes.Type
    _content: Content | None
    _increment: Increment | None
    _earlier_increments: tuple[int, list[str]]
    _last_logged_idx: int | None

    def __init__(
        self,
        columns: list[Any] | None = None,
        data: Sequence[Iterable[Any]] | np.ndarray[Any, Any] | pd.DataFrame | None = None,
        rows: Sequence[Iterable[Any]] | None = None,
        dataframe: pd.DataFrame | None = None,
        dtype: Any = None,
        optional: bool | list[bool] = True,
        allow_mixed_types: bool = False,
        log_mode: LogMode | None = "IMMUTABLE",
    ) -> None:
        super().__init__()
        assert log_mode in _LOG_MODES, (
            f"Invalid log_mode: {log_mode}. Table(log_mode=) takes one of {list(_LOG_MODES)}"
        )
        self.log_mode = log_mode
        self._destination: Place | None = None
        self._home: tuple[str, str, float] | None = None  # the run that has it
        self._forget_run()
        self._pk_col: ColumnKey | None = None
        self._fk_cols: set[ColumnKey] = set()
        self._known_rows: dict[tuple[type, ...], tuple[int, ...]] = {}
        self._known_for: dtypes.Type | None = None
        if allow_mixed_types:
            dtype = dtypes.AnyType
        if columns is None:
            columns = ["Input", "Output", "Expected"]
        if dataframe is None and is_pandas_data_frame(data):
            dataframe = cast(Any, data)
        if dataframe is not None:
            assert is_pandas_data_frame(dataframe), (
                "Table(dataframe=) expects a `pandas.core.frame.DataFrame` object"
            )
            columns = list(dataframe.columns)
        source: Any = rows if data is None else data
        if source is None or dataframe is not None:
            source = []
        assert isinstance(source, list) or dtypes._is_array(source), (
            f"Table(data=) expects a `list` of rows, an array or a DataFrame, "
            f"not {type(source).__name__}"
        )
        assert isinstance(columns, list), "columns argument expects a `list` object"
        assert all(type(column) in (str, int) for column in columns), (
            "columns argument expects list of strings or ints"
        )
        self.data = []
        self.columns = list(columns)
        self._make_column_types(dtype, optional)
        self._add_rows(source if dataframe is None else _dataframe_rows(dataframe))

    def __getstate__(self) -> dict[str, Any]:
        # What has been logged belongs to this process and its run.
        ours = ("_content", "_destination", "_increment", "_last_logged_idx", "_home")
        return {**super().__getstate__(), **dict.fromkeys(ours), "_earlier_increments": (0, [])}

    # -- types -----------------------------------------------------------------------------------

    @property
    def _types(self) -> dict[Any, dtypes.Type]:
        found: dict[Any, dtypes.Type] = self._column_types.params["type_map"]
        return found

    def _make_column_types(self, dtype: Any, optional: bool | list[bool]) -> None:
        count = len(self.columns)
        if dtype is None:
            dtype = dtypes.UnknownType()
        kinds = dtype if isinstance(dtype, list) else [dtype] * count
        optionals = optional if isinstance(optional, list) else [optional] * count
        self._column_types = dtypes.TypedDictType({})
        for column, kind, may_be_none in zip(self.columns, kinds, optionals, strict=False):
            self.cast(column, kind, may_be_none)

    def cast(self, col_name: ColumnKey, dtype: Any, optional: bool = False) -> dtypes.Type:
        """Give a column another type, which its values must fit; returns the type."""
        self._before_change()
        assert col_name in self.columns
        wanted = dtypes.TypeRegistry.type_from_dtype(dtype)
        if optional:
            wanted = dtypes.OptionalType(wanted)
        place = self.columns.index(col_name)
        values = [row[place] for row in self.data]
        result, count = dtypes.assign_all(wanted, values)
        if count < len(values):
            kind = dtypes.TypeRegistry.type_of(values[count])
            raise TypeError(
                f"Existing data {values[count]}, of type {kind} cannot be cast to {result}"
            )
        if isinstance(result, _PrimaryKeyType | _ForeignKeyType | _ForeignIndexType):
            assert not optional, "keys and indexes of tables cannot be optional"
        if isinstance(result, _ForeignKeyType) and result.params["table"] is self:
            raise AssertionError("Cannot set a foreign table reference to same table.")
        if isinstance(result, _PrimaryKeyType):
            assert self._pk_col is None, (
                f"Cannot have multiple primary keys: {self._pk_col} is one already"
            )
        self._set_types({**self._types, col_name: result})
        self._update_keys()
        return result

    def _set_types(self, types: dict[Any, dtypes.Type]) -> None:
        self._column_types = dtypes.TypedDictType(types)

    # -- rows ------------------------------------------------------------------------------------

    def add_row(self, *row: Any) -> None:
        """The old name of `add_data`."""
        self.add_data(*row)

    def add_data(self, *data: Any) -> None:
        """Add one row; a row that does not fit raises and changes nothing."""
        self._before_change()
        if not self._is_known(tuple(map(type, data)), data):
            self._check_row(data)
        self.data.append(list(data))
        if self._pk_col is not None or self._fk_cols:
            self._wrap_row(len(self.data) - 1)
        self._after_append()

    def _add_rows(self, rows: Iterable[Any]) -> None:
        if type(self).add_data is not Table.add_data:
            for row in rows:
                self.add_data(*row)
            return
        kept = self.data
        is_known = self._is_known
        for row in rows:
            row = (*row,)
            if is_known(tuple(map(type, row)), row):
                kept.append(list(row))
            else:
                self.add_data(*row)

    def _is_known(self, kinds: tuple[type, ...], row: tuple[Any, ...]) -> bool:
        """Whether a row fits because one of the same classes did, which is the rule."""
        if self._known_for is not self._column_types:
            self._known_rows = {}
            self._known_for = self._column_types
            return False
        odd = self._known_rows.get(kinds)
        if odd is None:
            return False
        return not odd or not any(dtypes.is_odd(row[place]) for place in odd)

    def _check_row(self, row: tuple[Any, ...]) -> None:
        """Widen the types for a row; ValueError or TypeError for one that does not fit."""
        if len(row) != len(self.columns):
            raise ValueError(
                f"This table expects {len(self.columns)} columns: {self.columns}, found {len(row)}"
            )
        for column, value in zip(self.columns, row, strict=True):
            if isinstance(value, _TableLinkMixin):
                self.cast(column, dtypes.TypeRegistry.type_of(value))
        types = self._types
        cells = dict(zip(self.columns, row, strict=True))
        answers: dict[Any, dtypes.Type] = {}
        for column, value in cells.items():
            answer = types[column].assign(value) if column in types else dtypes.InvalidType()
            if isinstance(answer, dtypes.InvalidType):
                raise TypeError(
                    "Data row contained incompatible types:\n" + self._column_types.explain(cells)
                )
            answers[column] = answer
        if any(answers[column] is not types[column] for column in answers):
            self._set_types({**types, **answers})
            self._update_keys()
        self._learn(row)

    def _learn(self, row: tuple[Any, ...]) -> None:
        """Remember the classes of a row that fitted, where nothing but the classes mattered."""
        if self._known_for is not self._column_types:
            self._known_rows = {}
            self._known_for = self._column_types
        by_class = dtypes.TypeRegistry.types_by_class()
        odd = []
        for place, (column, value) in enumerate(zip(self.columns, row, strict=True)):
            kind = type(value)
            goes = by_class.get(kind) in _BY_CLASS and dtypes.goes_by_class(self._types[column])
            if not goes or dtypes.is_odd(value):
                return
            if kind is str or (kind is float and not _takes_none(self._types[column])):
                odd.append(place)
        self._known_rows[tuple(map(type, row))] = tuple(odd)

    def iterrows(self) -> Iterator[tuple[_TableIndex, list[Any]]]:
        """Yield each row with its number, which as a cell of another table is a link to it."""
        for number in range(len(self.data)):
            yield self._row_number(number), self.data[number]

    def get_index(self) -> list[_TableIndex]:
        """The numbers of all rows, to be a column of another table that refers to this one."""
        return [self._row_number(number) for number in range(len(self.data))]

    def index_ref(self, index: int) -> _TableIndex:
        """The number of one row, as `get_index` has it."""
        assert index < len(self.data)
        return self._row_number(index)

    def _row_number(self, number: int) -> _TableIndex:
        found = _TableIndex(number)
        found.set_table(self)
        return found

    # -- columns ---------------------------------------------------------------------------------

    def add_column(
        self, name: str, data: list[Any] | np.ndarray[Any, Any], optional: bool = False
    ) -> None:
        """Add a column with a value for each row; None fits only if `optional`."""
        self._refuse_incremental("add_column")
        self._before_change()
        assert isinstance(name, str), "the name of a column is text"
        assert name not in self.columns, f"there is a column {name!r} already"
        assert isinstance(data, list) or dtypes._is_array(data), (
            f"Table.add_column expects a list or an array, not {type(data).__name__}"
        )
        assert isinstance(optional, bool)
        is_first = not self.columns
        assert is_first or len(data) == len(self.data), (
            f"Expected length {len(self.data)}, found {len(data)}"
        )
        before = self.data
        if is_first:
            self.data = [[value] for value in data]
        else:
            for row, value in zip(self.data, data, strict=True):
                row.append(value)
        self.columns.append(name)
        try:
            self.cast(name, dtypes.UnknownType(), optional=optional)
        except TypeError:
            self.columns.pop()
            self.data = before
            if not is_first:
                for row in self.data:
                    row.pop()
            raise

    def add_computed_columns(self, fn: Callable[[int, dict[Any, Any]], dict[str, Any]]) -> None:
        """Add the columns that `fn(number, row)` returns for each row, as dicts by their names."""
        self._refuse_incremental("add_computed_columns")
        self._before_change()
        columns: dict[str, list[Any]] = {}
        for number, row in self.iterrows():
            found = fn(number, dict(zip(self.columns, row, strict=True)))
            assert isinstance(found, dict), "add_computed_columns: the function returns a dict"
            for name, value in found.items():
                columns.setdefault(name, []).append(value)
        for name, values in columns.items():
            self.add_column(name, values)

    def get_column(self, name: ColumnKey, convert_to: Literal["numpy"] | None = None) -> Any:
        """The values of a column, as a list or as a numpy array."""
        assert name in self.columns, f"there is no column {name!r}"
        assert convert_to is None or convert_to == "numpy", "convert_to is None or 'numpy'"
        place = self.columns.index(name)
        values = [row[place] for row in self.data]
        if convert_to is None:
            return values
        import numpy as np

        return np.array(
            [_data_array(value) if isinstance(value, WBValue) else value for value in values]
        )

    def get_dataframe(self) -> pd.DataFrame:
        """The table as a DataFrame."""
        try:
            import pandas as pd
        except ImportError:
            from synadb.wandb_compat.errors.errors import Error

            raise Error("Table.get_dataframe needs pandas: run `pip install pandas`") from None

        return pd.DataFrame.from_records(self.data, columns=self.columns)

    # -- keys ------------------------------------------------------------------------------------

    def set_pk(self, col_name: ColumnKey) -> None:
        """Make a column of text the key of the rows."""
        self._before_change()
        assert col_name in self.columns
        self.cast(col_name, _PrimaryKeyType())

    def set_fk(self, col_name: ColumnKey, table: Table, table_col: str) -> None:
        """Make a column of text refer to a column of another table."""
        self._before_change()
        assert col_name in self.columns
        assert col_name != self._pk_col
        self.cast(col_name, _ForeignKeyType(table, table_col))

    def _update_keys(self) -> None:
        """Notice which columns are keys now, and make their cells know it."""
        primary = None
        foreign = set()
        for column, kind in self._types.items():
            if isinstance(kind, _PrimaryKeyType):
                primary = column
            elif isinstance(kind, _ForeignKeyType | _ForeignIndexType):
                foreign.add(column)
        if primary == self._pk_col and foreign == self._fk_cols:
            return
        if primary is None and self._pk_col is not None:
            raise AssertionError(f"Cannot unset primary key (column {self._pk_col})")
        gone = self._fk_cols - foreign
        if gone:
            raise AssertionError(f"Cannot unset foreign key. Attempted to unset ({gone})")
        self._pk_col, self._fk_cols = primary, foreign
        for number in range(len(self.data)):
            self._wrap_row(number)

    def _wrap_row(self, number: int) -> None:
        row = self.data[number]
        for column in self._fk_cols:
            place = self.columns.index(column)
            kind = self._types[column]
            if isinstance(kind, _ForeignKeyType) and not isinstance(row[place], _TableKey):
                row[place] = _TableKey(row[place])
                row[place].set_table(kind.params["table"], kind.params["col_name"])
            elif isinstance(kind, _ForeignIndexType) and not isinstance(row[place], _TableIndex):
                row[place] = _TableIndex(row[place])
                row[place].set_table(kind.params["table"])
        if self._pk_col is not None:
            place = self.columns.index(self._pk_col)
            row[place] = _TableKey(row[place])
            row[place].set_table(self, self._pk_col)

    # -- comparing -------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        return self._eq_debug(other)

    __hash__ = None  # type: ignore[assignment]

    def _eq_debug(self, other: Any, should_assert: bool = False) -> bool:
        """Whether two tables hold the same; with `should_assert`, what differs is the error."""
        difference = self._difference(other)
        assert not should_assert or difference is None, difference
        return difference is None

    def _difference(self, other: Any) -> str | None:
        if not isinstance(other, Table):
            return f"Found type {type(other)}, expected {Table}"
        if len(self.data) != len(other.data):
            return f"Found {len(other.data)} rows, expected {len(self.data)}"
        if self.columns != other.columns:
            return f"Found columns {other.columns}, expected {self.columns}"
        if self._column_types != other._column_types:
            return f"Found column type {other._column_types}, expected {self._column_types}"
        for number, (ours, theirs) in enumerate(zip(self.data, other.data, strict=True)):
            for place, (one, two) in enumerate(zip(ours, theirs, strict=True)):
                same = one == two
                if not (bool(same.all()) if dtypes._is_array(same) else same):
                    return f"Unequal data at row {number} column {place}: {two}, expected {one}"
        return None

    # -- logging ---------------------------------------------------------------------------------

    def has_been_logged(self) -> bool:
        """Whether logging it now would show what was logged before."""
        return self._content is not None

    def _before_change(self) -> None:
        if self._content is None:
            return
        if self.log_mode == "MUTABLE":
            self._content = None
        elif self.log_mode == "IMMUTABLE":
            from synadb.wandb_compat._term import termwarn

            termwarn(
                "this Table has been logged, and with log_mode='IMMUTABLE' another log() shows "
                "it as it was then; Table(log_mode='MUTABLE') can be logged again",
                repeat=False,
            )

    def _after_append(self) -> None:
        if self.log_mode != "INCREMENTAL" or self._content is None:
            return
        self._content = None
        if self._next_increment() > _MOST_INCREMENTS:
            from synadb.wandb_compat._term import termwarn

            termwarn(
                "this Table has been logged in 100 parts; wandb's pages show the latest 100 alone",
                repeat=False,
            )

    def _refuse_incremental(self, method: str) -> None:
        if self.log_mode == "INCREMENTAL":
            from synadb.wandb_compat.errors.errors import Error

            raise Error(
                f"Operation '{method}' is not supported for tables with log_mode='INCREMENTAL'; "
                "make the table with log_mode='MUTABLE' or 'IMMUTABLE'"
            )

    def _next_increment(self) -> int:
        return (
            self._earlier_increments[0] if self._increment is None else self._increment.number + 1
        )

    def _prepare(self, run: Any, key: str) -> None:
        """What the run that it is about to be logged to says of it."""
        home = run._tracker.path, run.id, run.start_time
        if self._home not in (None, home):
            self._forget_run()
        self._home = home
        if self._content is not None:
            return
        self._destination = Place(run._sink.token, key, run._step)
        if self.log_mode == "INCREMENTAL" and run.resumed and not self._has_parts():
            self._load_incremental_table_state_from_resumed_run(run, key)
        if run._settings.table_raise_on_max_row_limit_exceeded:
            self._check_length(strict=True)

    def _forget_run(self) -> None:
        """Be a table that has not been logged."""
        self._content = self._increment = self._last_logged_idx = None
        self._earlier_increments = (0, [])

    def _has_parts(self) -> bool:
        return self._increment is not None or self._earlier_increments[0] > 0

    def _load_incremental_table_state_from_resumed_run(self, run: Any, key: str) -> None:
        """Go on behind the parts of a table that the resumed run has logged under this key."""
        assert self._increment is None, "this Table has been logged already"
        last = run.summary.get(key)
        if last is None or last.get("_type") != "incremental-table-file":
            return
        paths = [*last.get("previous_increments_paths", ()), last.get("artifact_path")]
        number = last.get("increment_num", 0) + 1
        self._earlier_increments = (number, [path for path in paths if path])

    def _snapshot(self, strict: bool = False) -> Logged:
        """The table as a row says of it that is logged now; to be called by the `log` itself.

        It shares nothing with the table that the script can change. TypeError for a cell that
        cannot be stored; with `strict`, ValueError for more rows than MAX_ARTIFACT_ROWS.
        """
        if self._content is None:
            self._check_length(strict)
            if self.log_mode == "INCREMENTAL":
                before: Any = self._increment or self._earlier_increments[1]
                self._increment = Increment(self._next_increment(), before)
            try:
                self._content = self._content_now()
            except BaseException:
                if self._increment is not None:
                    self._increment.settled.set()
                raise
            self._content.goes_to(self._destination)
            self._destination = None
            self._last_logged_idx = len(self.data) - 1
        return Logged(self._content, len(self.columns), len(self.data))

    def _content_now(self, linked: dict[int, Content] | None = None) -> Content:
        """The rows as they are; `linked` takes the tables that keys refer to, by their ids."""
        linked = {} if linked is None else linked
        first = self._first_row()
        rows = self.data[first : first + Table.MAX_ARTIFACT_ROWS]
        found = Content(
            type(self).__name__,
            list(self.columns),
            captured_rows(rows),
            self._types,
            self.log_mode,
            Table.MAX_ROWS,
            self._increment,
            linked,
        )
        for table in linked_tables(self._types):
            linked.setdefault(id(self), found)  # which the other may refer back to
            if id(table) not in linked:
                linked[id(table)] = table._content_now(linked)
        return found

    def _first_row(self) -> int:
        """Where the rows begin that have not been logged in an earlier part."""
        if self.log_mode != "INCREMENTAL" or self._last_logged_idx is None:
            return 0
        return self._last_logged_idx + 1

    def _check_length(self, strict: bool) -> None:
        rows = len(self.data) - self._first_row()
        limit = Table.MAX_ARTIFACT_ROWS
        if rows <= limit:
            return
        said = f"Table row limit exceeded: table has {rows} rows, limit is {limit}"
        mend = "set wandb.Table.MAX_ARTIFACT_ROWS to a higher number to keep them all"
        if strict:
            raise ValueError(f"{said}; {mend}")
        from synadb.wandb_compat._term import termwarn

        termwarn(f"{said}: Truncating wandb.Table object to {limit} rows; {mend}")

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> Any:
        return self._snapshot()._to_run_value(sink, key, step)

    def is_bound(self) -> bool:
        """Whether its file is in a run."""
        return self._content is not None and self._content.is_stored

    def _bind(self, sink: Sink, key: str, step: int | str) -> None:
        custom.built_in(self, "_to_run_value")(sink, key, step)

    def _run_json(self, run: Any) -> dict[str, Any]:
        json: dict[str, Any] = custom.built_in(self, "_to_run_value")(run._sink, "", "")
        return json

    def _artifact_json(self, sink: ArtifactSink) -> dict[str, Any]:
        return ArtifactFiles(sink).table_json(self._content_now())

    @classmethod
    def from_json(cls, json_obj: dict[str, Any], source_artifact: Any) -> Table:
        """The table whose JSON this is, with its media from the artifact."""
        from synadb.wandb_compat._media.table_reading import table_parts

        columns, rows, types = table_parts(json_obj, source_artifact)
        found = cls(columns, log_mode=json_obj.get("log_mode", "IMMUTABLE"))
        found.data = rows
        found._set_types(types)
        found._update_keys()
        return found

    # -- showing ---------------------------------------------------------------------------------

    def _repr_html_(self) -> str:
        from synadb.media import show

        rows = self.data[: show.PREVIEW_ROWS]
        shown = [[_shown(value) for value in row] for row in rows]
        return show.table(self.columns, shown, len(self.data))


_BY_CLASS = (dtypes.BooleanType, dtypes.NoneType, dtypes.NumberType, dtypes.StringType)


def _takes_none(kind: dtypes.Type) -> bool:
    return not isinstance(kind.assign(None), dtypes.InvalidType)


def _dataframe_rows(dataframe: Any) -> Iterator[tuple[Any, ...]]:
    columns = [dataframe[column].values for column in dataframe.columns]
    return zip(*columns, strict=True) if columns else iter([()] * len(dataframe))


def _data_array(value: Any) -> Any:
    if not hasattr(value, "to_data_array"):
        raise NotImplementedError(f"a {type(value).__name__} cannot become a part of an array")
    return value.to_data_array()


def _shown(value: Any) -> Any:
    if not isinstance(value, WBValue):
        return value
    png = getattr(value, "_repr_png_", None)
    if png is None:
        return type(value).__name__
    from synadb.media.show import Thumbnail

    return Thumbnail(png, type(value).__name__)


class PartitionedTable(Media):
    """A table whose rows are in several tables of one folder of an artifact."""

    _log_type: ClassVar[str | None] = "partitioned-table"

    def __init__(self, parts_path: str) -> None:
        super().__init__()
        self.parts_path = parts_path
        self._parts: dict[str, Any] = {}

    @classmethod
    def from_json(cls, json_obj: dict[str, Any], source_artifact: Any) -> PartitionedTable:
        """From what an artifact says of it, with the parts in there."""
        found = cls(json_obj["parts_path"])
        for entry in source_artifact.manifest.get_entries_in_directory(found.parts_path):
            found._parts[entry.path] = source_artifact
        return found

    def iterrows(self) -> Iterator[tuple[int, list[Any]]]:
        """Yield the rows of all parts, numbered through; one part at a time is in memory."""
        columns = None
        number = 0
        for path, artifact in self._parts.items():
            part = artifact.get(path)
            if columns is None:
                columns = part.columns
            elif columns != part.columns:
                raise ValueError(
                    f"Table parts have non-matching columns. {columns} != {part.columns}"
                )
            for _, row in part.iterrows():
                yield number, row
                number += 1

    def _artifact_json(self, sink: ArtifactSink) -> dict[str, Any]:
        return {"_type": self._log_type, "parts_path": self.parts_path}

    def _snapshot(self) -> LoggedLink:
        return LoggedLink("partitioned-table", {"parts_path": self.parts_path}, {})

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> Any:
        return self._snapshot()._to_run_value(sink, key, step)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.parts_path == other.parts_path

    __hash__ = None  # type: ignore[assignment]


class JoinedTable(Media):
    """Two tables of an artifact, to be seen as one; `join_key` is one column, or one of each."""

    _log_type: ClassVar[str | None] = "joined-table"

    def __init__(self, table1: Any, table2: Any, join_key: Any) -> None:
        super().__init__()
        if not isinstance(join_key, str) and not (
            isinstance(join_key, list) and len(join_key) == 2
        ):
            raise ValueError("JoinedTable join_key should be a string or a list of two strings")
        for name, table in (("table1", table1), ("table2", table2)):
            if not _can_be_joined(table):
                raise ValueError(
                    f"JoinedTable {name} should be an artifact path to a table "
                    "(it ends in .table.json) or wandb.Table object"
                )
        self._table1 = table1
        self._table2 = table2
        self._join_key = join_key

    @classmethod
    def from_json(cls, json_obj: dict[str, Any], source_artifact: Any) -> JoinedTable:
        """From what an artifact says of it."""
        first, second = json_obj["table1"], json_obj["table2"]
        return cls(
            source_artifact.get(first) or first,
            source_artifact.get(second) or second,
            json_obj["join_key"],
        )

    def _artifact_json(self, sink: ArtifactSink) -> dict[str, Any]:
        if not isinstance(sink, InArtifact):
            raise TypeError("a JoinedTable cannot be a part of a table; log it by itself")
        json: dict[str, Any] = {"_type": self._log_type, "join_key": self._join_key}
        for name, table in (("table1", self._table1), ("table2", self._table2)):
            json[name] = _in_artifact(sink.artifact, name, table)
        return json

    def _snapshot(self) -> LoggedLink:
        tables: dict[str, Content | LoggedLink] = {}
        for name, table in (("table1", self._table1), ("table2", self._table2)):
            if isinstance(table, Table):
                tables[name] = table._content_now()
            elif isinstance(table, PartitionedTable):
                tables[name] = table._snapshot()
            else:
                raise ValueError(
                    f"JoinedTable {name}: {table} not found in artifact; to log a JoinedTable, "
                    "make it of two wandb.Table objects"
                )
        return LoggedLink("joined-table", {"join_key": self._join_key}, tables)

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> Any:
        return self._snapshot()._to_run_value(sink, key, step)

    def _eq_debug(self, other: Any, should_assert: bool = False) -> bool:
        if not isinstance(other, JoinedTable):
            assert not should_assert, f"Found type {type(other)}, expected {JoinedTable}"
            return False
        if self._join_key != other._join_key:
            assert not should_assert, f"Found {other._join_key} join key, expected {self._join_key}"
            return False
        return all(
            ours._eq_debug(theirs, should_assert) if isinstance(ours, Table) else ours == theirs
            for ours, theirs in ((self._table1, other._table1), (self._table2, other._table2))
        )

    def __eq__(self, other: object) -> bool:
        return self._eq_debug(other)

    __hash__ = None  # type: ignore[assignment]


def _in_artifact(artifact: Any, name: str, table: Any) -> str:
    """The path of a joined table in an artifact, to which it is added if need be."""
    if isinstance(table, str):
        if table not in artifact.manifest.entries:
            raise ValueError(
                f"JoinedTable {name}: {table} not found in artifact. Add a table to the artifact "
                f"using Artifact.add(<table>, {table!r}) before adding this JoinedTable."
            )
        return table
    if isinstance(table, Table | PartitionedTable):
        # The artifact gives what is added to this folder the name of its digest.
        return str(artifact.add(table, f"media/tables/{name}").path)
    own: str = table.path
    artifact.add_reference(table.ref_url(), name=own)
    return own


def _can_be_joined(table: Any) -> bool:
    if isinstance(table, str):
        return table.endswith(".table.json")
    if isinstance(table, Table | PartitionedTable):
        return True
    return hasattr(table, "ref_url") and table.ref_url().endswith(".table.json")


class EvalTable(Table):
    """A table of a model's answers, whose columns are inputs, outputs or scores.

    It is stored as any Table is. Columns that have no role are outputs.
    """

    def __init__(
        self,
        columns: list[Any] | None = None,
        data: Sequence[Iterable[Any]] | np.ndarray[Any, Any] | pd.DataFrame | None = None,
        rows: Sequence[Iterable[Any]] | None = None,
        dataframe: pd.DataFrame | None = None,
        dtype: Any = None,
        optional: bool | list[bool] = True,
        allow_mixed_types: bool = False,
        log_mode: LogMode | None = "IMMUTABLE",
        *,
        input_columns: list[str] | None = None,
        output_columns: list[str] | None = None,
        score_columns: list[str] | None = None,
        backend: str | None = None,
        unsupported_media_mode: str = "stub",
    ) -> None:
        from synadb.wandb_compat.errors.errors import UsageError

        if log_mode != "IMMUTABLE":
            raise UsageError("EvalTable currently only supports log_mode='IMMUTABLE'.")
        if unsupported_media_mode not in ("stub", "raise"):
            raise ValueError(
                f"unsupported_media_mode must be 'stub' or 'raise', got {unsupported_media_mode!r}"
            )
        if backend not in (None, "weave", "ces"):
            raise UsageError(f"Unsupported EvalTable backend {backend!r}; it is 'weave' or 'ces'")
        self._input_columns = list(input_columns or ())
        self._output_columns = list(output_columns or ())
        self._score_columns = list(score_columns or ())
        roles = [*self._input_columns, *self._output_columns, *self._score_columns]
        if columns is None and dataframe is None and roles:
            columns = [*roles]
        super().__init__(
            columns, data, rows, dataframe, dtype, optional, allow_mixed_types, log_mode
        )

    def _snapshot(self, strict: bool = False) -> Logged:
        roles = {*self._input_columns, *self._output_columns, *self._score_columns}
        unknown = sorted(roles - set(map(str, self.columns)))
        if unknown:
            raise ValueError(
                f"Column(s) {unknown} listed in input/output/score_columns "
                "do not exist in the table"
            )
        return super()._snapshot(strict)


class _TableType(dtypes.Type):
    """Takes tables whose columns have the same types."""

    name = "table"
    legacy_names: ClassVar[list[str]] = ["wandb.Table"]
    types: ClassVar[list[type]] = [Table]

    def __init__(self, column_types: Any = None) -> None:
        if column_types is None:
            column_types = dtypes.UnknownType()
        if isinstance(column_types, dict):
            column_types = dtypes.TypedDictType(column_types)
        if not isinstance(column_types, dtypes.TypedDictType | dtypes.UnknownType):
            raise TypeError("column_types must be a dict or TypedDictType")
        self.params["column_types"] = column_types

    def assign_type(self, wb_type: dtypes.Type) -> dtypes.Type:
        """With the column types of both."""
        if not isinstance(wb_type, _TableType):
            return dtypes.InvalidType()
        answer = self.params["column_types"].assign_type(wb_type.params["column_types"])
        return answer if isinstance(answer, dtypes.InvalidType) else _TableType(answer)

    @classmethod
    def from_obj(cls, py_obj: Any = None) -> dtypes.Type:
        """The type of a table."""
        if not isinstance(py_obj, Table):
            raise TypeError("py_obj must be a wandb.Table")
        return cls(py_obj._column_types)


class _JoinedTableType(dtypes.Type):
    """Takes JoinedTables."""

    name = "joined-table"
    types: ClassVar[list[type]] = [JoinedTable]


class _PartitionedTableType(dtypes.Type):
    """Takes PartitionedTables."""

    name = "partitioned-table"
    types: ClassVar[list[type]] = [PartitionedTable]


for _type in (_TableType, _JoinedTableType, _PartitionedTableType):
    dtypes.TypeRegistry.add(_type)

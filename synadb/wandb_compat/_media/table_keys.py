"""Links between tables: keys and row numbers that know their table, and their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from synadb.wandb_compat._media import dtypes

if TYPE_CHECKING:
    from synadb.wandb_compat._media.table import Table

__all__ = [
    "_ForeignIndexType",
    "_ForeignKeyType",
    "_PrimaryKeyType",
    "_TableIndex",
    "_TableKey",
    "_TableLinkMixin",
    "linked_tables",
]


class _TableLinkMixin:
    """A cell that belongs to a table."""

    _table: Any = None


class _TableKey(str, _TableLinkMixin):
    """A value of a key column, with the table and the column that it comes from."""

    _col_name: Any = None

    def set_table(self, table: Table, col_name: Any) -> None:
        """Say where it comes from."""
        assert col_name in table.columns
        self._table = table
        self._col_name = col_name


class _TableIndex(int, _TableLinkMixin):
    """The number of a row, with its table."""

    def set_table(self, table: Table) -> None:
        """Say where it comes from."""
        self._table = table

    def get_row(self) -> dict[Any, Any]:
        """The row by the names of its columns."""
        if self._table is None:
            return {}
        return dict(zip(self._table.columns, self._table.data[self], strict=True))


class _PrimaryKeyType(dtypes.Type):
    """A column of text that names its rows."""

    name = "primaryKey"
    legacy_names: ClassVar[list[str]] = ["wandb.TablePrimaryKey"]

    def assign_type(self, wb_type: dtypes.Type) -> dtypes.Type:
        """Itself for text and keys."""
        fits = isinstance(wb_type, dtypes.StringType | _PrimaryKeyType)
        return self if fits else dtypes.InvalidType()

    @classmethod
    def from_obj(cls, py_obj: Any = None) -> dtypes.Type:
        """The type of a key."""
        if not isinstance(py_obj, _TableKey):
            raise TypeError("py_obj must be a _TableKey")
        return cls()


class _LinkType(dtypes.Type):
    """A column that refers to another table."""

    def to_json(self, artifact: Any = None) -> dict[str, Any]:
        """With the path of the other table, which becomes a file of the artifact."""
        if artifact is None:
            raise AssertionError(
                f"a column of type {self.name} is stored with an artifact, never without one"
            )
        params = {**self.params, "table": artifact.add_table(self.params["table"])}
        return {"wb_type": self.name, "params": params}

    @classmethod
    def from_json(cls, json_dict: Mapping[str, Any], artifact: Any = None) -> dtypes.Type:
        """With the other table, from the same artifact."""
        if artifact is None:
            raise AssertionError(f"a column of type {cls.name} is read from an artifact")
        params = dict(json_dict["params"])
        params["table"] = artifact.get(params["table"])
        if params["table"] is None:
            raise AssertionError("Unable to deserialize referenced table")
        return cls(**params)


class _ForeignKeyType(_LinkType):
    """A column whose text is the key of a row in another table."""

    name = "foreignKey"
    legacy_names: ClassVar[list[str]] = ["wandb.TableForeignKey"]
    types: ClassVar[list[type]] = [_TableKey]

    def __init__(self, table: Table, col_name: str) -> None:
        assert _is_table(table), "table must be a wandb.Table"
        assert isinstance(col_name, str)
        assert col_name in table.columns
        self.params.update({"table": table, "col_name": col_name})

    def assign_type(self, wb_type: dtypes.Type) -> dtypes.Type:
        """Itself for text, and for keys of the same column."""
        if isinstance(wb_type, _ForeignKeyType):
            fits = (
                self.params["table"] is wb_type.params["table"]
                and self.params["col_name"] == wb_type.params["col_name"]
            )
        else:
            fits = isinstance(wb_type, dtypes.StringType)
        return self if fits else dtypes.InvalidType()

    @classmethod
    def from_obj(cls, py_obj: Any = None) -> dtypes.Type:
        """The type of a key of another table."""
        if not isinstance(py_obj, _TableKey):
            raise TypeError("py_obj must be a _TableKey")
        return cls(py_obj._table, py_obj._col_name)


class _ForeignIndexType(_LinkType):
    """A column whose numbers are rows of another table."""

    name = "foreignIndex"
    legacy_names: ClassVar[list[str]] = ["wandb.TableForeignIndex"]
    types: ClassVar[list[type]] = [_TableIndex]

    def __init__(self, table: Table) -> None:
        assert _is_table(table), "table must be a wandb.Table"
        self.params["table"] = table

    def assign_type(self, wb_type: dtypes.Type) -> dtypes.Type:
        """Itself for numbers, and for row numbers of the same table."""
        if isinstance(wb_type, _ForeignIndexType):
            fits = self.params["table"] is wb_type.params["table"]
        else:
            fits = isinstance(wb_type, dtypes.NumberType)
        return self if fits else dtypes.InvalidType()

    @classmethod
    def from_obj(cls, py_obj: Any = None) -> dtypes.Type:
        """The type of a row number of another table."""
        if not isinstance(py_obj, _TableIndex):
            raise TypeError("py_obj must be a _TableIndex")
        return cls(py_obj._table)


def linked_tables(kind: Any) -> Iterator[Table]:
    """The tables that a type refers to, or types in it; `kind` is one, or several in a dict."""
    if isinstance(kind, _LinkType):
        yield kind.params["table"]
        return
    parts = kind.params if isinstance(kind, dtypes.Type) else kind
    if isinstance(parts, Mapping):
        parts = parts.values()
    elif not isinstance(parts, list):
        return
    for part in parts:
        yield from linked_tables(part)


def _is_table(value: Any) -> bool:
    return hasattr(value, "columns") and hasattr(value, "_column_types")


for _type in (_ForeignIndexType, _ForeignKeyType, _PrimaryKeyType):
    dtypes.TypeRegistry.add(_type)

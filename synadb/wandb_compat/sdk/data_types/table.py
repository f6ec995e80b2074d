"""`wandb.sdk.data_types.table`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._media.table import JoinedTable, PartitionedTable, Table, _TableType
from synadb.wandb_compat._media.table_keys import (
    _ForeignIndexType,
    _ForeignKeyType,
    _PrimaryKeyType,
    _TableIndex,
    _TableKey,
    _TableLinkMixin,
)

__all__ = [
    "JoinedTable",
    "PartitionedTable",
    "Table",
    "_ForeignIndexType",
    "_ForeignKeyType",
    "_PrimaryKeyType",
    "_TableIndex",
    "_TableKey",
    "_TableLinkMixin",
    "_TableType",
]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)

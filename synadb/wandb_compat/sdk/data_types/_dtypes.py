"""`wandb.sdk.data_types._dtypes`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._media.dtypes import (
    AnyType,
    BooleanType,
    ConstType,
    InvalidType,
    ListType,
    NDArrayType,
    NoneType,
    NumberType,
    OptionalType,
    PythonObjectType,
    StringType,
    TimestampType,
    Type,
    TypedDictType,
    TypeRegistry,
    UnionType,
    UnknownType,
    assign_all,
    goes_by_class,
    is_odd,
)

__all__ = [
    "AnyType",
    "BooleanType",
    "ConstType",
    "InvalidType",
    "ListType",
    "NDArrayType",
    "NoneType",
    "NumberType",
    "OptionalType",
    "PythonObjectType",
    "StringType",
    "TimestampType",
    "Type",
    "TypeRegistry",
    "TypedDictType",
    "UnionType",
    "UnknownType",
    "assign_all",
    "goes_by_class",
    "is_odd",
]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)

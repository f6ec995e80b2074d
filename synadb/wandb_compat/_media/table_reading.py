"""Tables read back from an artifact."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._media import dtypes
from synadb.wandb_compat._media.base import WBValue

__all__ = ["table_parts"]


def table_parts(
    json: dict[str, Any], artifact: Any
) -> tuple[list[Any], list[list[Any]], dict[Any, dtypes.Type]]:
    """Columns, rows and types of a table; TypeError for a type that is not known."""
    columns: list[Any] = list(json["columns"])
    stored = (json.get("column_types") or {}).get("params", {}).get("type_map", {})
    types: dict[Any, dtypes.Type] = {}
    arrays: dict[int, Any] = {}
    times: set[int] = set()
    for place, column in enumerate(columns):
        found = stored.get(str(column))
        kind = dtypes.UnknownType() if found is None else _type(found, artifact)
        types[column] = kind
        array = _part(kind, dtypes.NDArrayType)
        if array is not None and array._serialization_path:
            arrays[place] = _array_column(array._serialization_path, artifact)
        if _part(kind, dtypes.TimestampType) is not None:
            times.add(place)
    rows = []
    for number, cells in enumerate(json["data"]):
        row = [_cell(cell, artifact) for cell in cells]
        for place, whole in arrays.items():
            row[place] = whole[number]
        for place in times:
            row[place] = _time(row[place])
        rows.append(row)
    return columns, rows, types


def _type(json: dict[str, Any], artifact: Any) -> dtypes.Type:
    return dtypes.TypeRegistry.type_from_dict(json, artifact)


def _part(kind: dtypes.Type, wanted: type[Any]) -> Any:
    parts = kind.params["allowed_types"] if isinstance(kind, dtypes.UnionType) else [kind]
    return next((part for part in parts if isinstance(part, wanted)), None)


def _array_column(where: dict[str, str], artifact: Any) -> Any:
    import numpy as np

    with np.load(artifact.get_entry(where["path"]).download(), allow_pickle=False) as file:
        return file[where["key"]]


def _cell(value: Any, artifact: Any) -> Any:
    if isinstance(value, dict):
        if "_type" in value:
            found = WBValue.init_from_json(value, artifact)
            if found is not None:
                return found
        return {key: _cell(inner, artifact) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cell(inner, artifact) for inner in value]
    return value


def _time(value: Any) -> Any:
    from datetime import datetime, timezone

    if isinstance(value, int | float):
        return datetime.fromtimestamp(value / 1000, tz=timezone.utc)
    return value

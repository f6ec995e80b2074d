"""Histories as Parquet, by pyarrow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from synadb.errors import SynaDBError
from synadb.formats._history import (
    OWN,
    Advance,
    Flat,
    describe,
    flat_blocks,
    strict_json,
    told_apart,
)
from synadb.storage.blocks import EXACT

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker

__all__ = ["write_parquet"]

GROUP_ROWS = 1 << 16  # short runs share a row group


def write_parquet(
    tracker: ExperimentTracker,
    run_ids: Sequence[str],
    path: str,
    *,
    long: bool = False,
    advance: Advance | None = None,
) -> int:
    """Write the rows of runs, with `_run` in front where there are several; returns how many.

    `advance` is told of rows that have been written.

    A key that a row lacks is null, as None is; NaN is NaN. A column whose values are of no one type
    is JSON text: its field says so ({"synadb": "json"}).

    Raises:
        SynaDBError: pyarrow is not installed.
    """
    arrow, parquet = _pyarrow()
    kinds = describe(tracker, run_ids)
    several = long or told_apart(run_ids, kinds)
    schema = _long_schema(arrow) if long else _schema(arrow, kinds, several)
    facts = [
        {"id": run.run_id, "name": run.name, "project": run.experiment}
        for run in tracker.get_runs(run_ids, light=True)
    ]
    schema = schema.with_metadata({"synadb": json.dumps({"runs": facts})})
    count = 0
    with parquet.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
        waiting: list[Any] = []
        rows = 0
        for batch in _batches(arrow, tracker, run_ids, schema, kinds, several, long, advance):
            waiting.append(batch)
            rows += batch.num_rows
            if rows >= GROUP_ROWS:
                count += _flush(arrow, writer, schema, waiting)
                waiting, rows = [], 0
        if waiting:
            count += _flush(arrow, writer, schema, waiting)
    return count


def _flush(arrow: Any, writer: Any, schema: Any, waiting: list[Any]) -> int:
    table = arrow.Table.from_batches(waiting, schema)
    writer.write_table(table.combine_chunks() if len(waiting) > 1 else table)
    return int(table.num_rows)


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise SynaDBError(
            f"Parquet needs pyarrow, which cannot be imported ({error}): pip install pyarrow"
        ) from error
    return pyarrow, pyarrow.parquet


def _schema(arrow: Any, kinds: dict[str, str], several: bool) -> Any:
    types = {
        "float": arrow.float64(),
        "int": arrow.int64(),
        "bool": arrow.bool_(),
        "none": arrow.null(),
    }
    fields = [arrow.field("_run", _texts(arrow))] if several else []
    for name, kind in kinds.items():
        fields.append(
            arrow.field(
                _name(name),
                types.get(kind, arrow.string()),
                metadata={"synadb": "json"} if kind == "json" else None,
            )
        )
    return arrow.schema(fields)


def _name(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def _texts(arrow: Any) -> Any:
    return arrow.dictionary(arrow.int32(), arrow.string())


def _long_schema(arrow: Any) -> Any:
    return arrow.schema(
        [
            arrow.field("_run", _texts(arrow)),
            arrow.field("_step", arrow.int64()),
            arrow.field("_timestamp", arrow.float64()),
            arrow.field("key", _texts(arrow)),
            arrow.field("value", arrow.float64()),
            # Whatever a float64 does not hold exactly.
            arrow.field("json", arrow.string(), metadata={"synadb": "json"}),
        ]
    )


def _batches(
    arrow: Any,
    tracker: ExperimentTracker,
    run_ids: Sequence[str],
    schema: Any,
    kinds: dict[str, str],
    several: bool,
    long: bool,
    advance: Advance | None,
) -> Iterator[Any]:
    for run_id in run_ids:
        for block in flat_blocks(tracker, run_id, advance):
            if long:
                yield from _long_batches(arrow, run_id, block, schema)
                continue
            arrays = [_repeated(arrow, run_id, block.n)] if several else []
            for field, (name, kind) in zip(list(schema)[several:], kinds.items(), strict=True):
                found = block.columns.get(name)
                try:
                    arrays.append(
                        arrow.nulls(block.n, field.type)
                        if found is None
                        else _array(arrow, kind, field.type, *found)
                    )
                except (TypeError, ValueError) as error:  # arrow's own are ValueErrors too
                    raise SynaDBError(
                        f"run {run_id!r} has other values of {name!r} than a moment ago: it is "
                        "being logged; export it again"
                    ) from error
            yield arrow.RecordBatch.from_arrays(arrays, schema=schema)


def _repeated(arrow: Any, text: str, n: int) -> Any:
    import numpy as np

    return arrow.DictionaryArray.from_arrays(np.zeros(n, np.int32), [_name(text)])


def _array(arrow: Any, kind: str, of: Any, values: Any, present: Any) -> Any:
    if kind == "json":
        listed = values.tolist()
        there = [True] * len(listed) if present is None else present.tolist()
        return arrow.array(
            [strict_json(v) if t else None for v, t in zip(listed, there, strict=True)], of
        )
    if values.dtype.kind == "O":
        listed = values.tolist()
        if kind == "float":
            listed = [None if value is None else float(value) for value in listed]
        return arrow.array(listed, of, from_pandas=False)
    if kind == "float" and values.dtype.kind != "f":
        values = values.astype("f8")
    # By default numpy's NaN are NaN: only what is masked is null.
    return arrow.array(values, of, mask=None if present is None else ~present)


def _long_batches(arrow: Any, run_id: str, block: Flat, schema: Any) -> Iterator[Any]:
    import numpy as np

    steps, times = block.columns["_step"][0], block.columns["_timestamp"][0]
    for key, (values, present) in block.columns.items():
        if key in OWN:
            continue
        chosen = slice(None) if present is None else present
        cells = values[chosen]
        n = len(cells)
        if cells.dtype.kind == "f":
            numbers, texts = arrow.array(cells), arrow.nulls(n, arrow.string())
        else:
            pairs = [_number_or_json(value) for value in cells.tolist()]
            numbers = arrow.array([number for number, _ in pairs], arrow.float64())
            texts = arrow.array([text for _, text in pairs], arrow.string())
        yield arrow.RecordBatch.from_arrays(
            [
                _repeated(arrow, run_id, n),
                arrow.array(np.ascontiguousarray(steps[chosen])),
                arrow.array(np.ascontiguousarray(times[chosen])),
                _repeated(arrow, key, n),
                numbers,
                texts,
            ],
            schema=schema,
        )


def _number_or_json(value: Any) -> tuple[float | None, str | None]:
    if type(value) is float or (type(value) is int and abs(value) <= EXACT):
        return float(value), None
    return None, strict_json(value)

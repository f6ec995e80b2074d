"""What a run has gained since one looked last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synadb.records import ConsoleLine
from synadb.storage.codec import decode_json

if TYPE_CHECKING:
    from synadb.storage.base import Store

__all__ = ["console_since", "events_since", "last_event"]

_OF_RUN = "from main.json_rows where run = (select id from main.runs where run_id = ?)"


def console_since(store: Store, run_id: str, last: Mapping[str, int]) -> list[ConsoleLine]:
    """The lines a run has printed beyond the `last` number of each process, by time."""
    known = [value for source, number in last.items() for value in (source, number)]
    # A process is looked up where it left off; one that is not among them is new.
    parts = ["source = ? and number > ?"] * len(last)
    marks = ", ".join("?" * len(last))
    parts.append(f"source not in ({marks})")
    query = f"""select source, number, time, stream, line from console
        where run_id = ? and ({" or ".join(parts)}) order by time, source, number"""
    with store.sql(query, [run_id, *known, *last]) as answer:
        return [ConsoleLine(*row) for row in answer.rows]


def last_event(store: Store, run_id: str) -> int:
    """The number of a run's newest event, 0 without any; events count in order of arrival."""
    with store.sql(f"select coalesce(max(id), 0) {_OF_RUN}", [run_id]) as answer:
        ((number,),) = answer.rows
    return int(number)


def events_since(store: Store, run_id: str, last: int) -> tuple[int, dict[int, dict[str, Any]]]:
    """The events beyond the number `last`, merged by step as rows; and the number of the newest."""
    from synadb.storage.reading import merge_row

    rows: dict[int, dict[str, Any]] = {}
    query = f"select id, step, time, data {_OF_RUN} and id > ? order by id"
    with store.sql(query, [run_id, last]) as answer:
        for number, step, time, data in answer.rows:
            row = rows.setdefault(step, {"_step": step})
            row["_timestamp"] = time
            merge_row(row, decode_json(data))
            last = number
    return last, rows

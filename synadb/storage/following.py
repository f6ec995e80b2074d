"""What a run has gained since one looked last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from synadb.records import ConsoleLine

if TYPE_CHECKING:
    from synadb.storage.base import Store

__all__ = ["console_since"]


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

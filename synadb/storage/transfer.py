"""What the parts of a merge share: where rows come from, and what has become of them."""

from __future__ import annotations

from collections.abc import Callable

from synadb.storage.run_digest import Rows

__all__ = ["Transfer", "free_id"]


class Transfer:
    """One database on its way into another; `rows` reads from a snapshot of the source."""

    def __init__(self, rows: Rows, *, whole: bool) -> None:
        self.rows = rows
        self.whole = whole  # with all that no run brings
        self.chosen: dict[int, str] = {}  # runs of the source: number to id
        self.ids: dict[str, str] = {}  # of runs, source to target
        self.notes: list[str] = []
        self.added = 0  # bytes, by the transaction under way


def free_id(wanted: str, is_taken: Callable[[str], bool]) -> str:
    """An id that nobody has: the first of ID, ID-2, ID-3, ..."""
    number, candidate = 1, wanted
    while is_taken(candidate):
        number += 1
        candidate = f"{wanted}-{number}"
    return candidate

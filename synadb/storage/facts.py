"""What a database holds, in figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synadb.named import NamedTuple
from synadb.storage.schema import VERSION

if TYPE_CHECKING:
    from synadb.storage.base import Store

__all__ = ["Facts", "facts"]


class Facts(NamedTuple):
    """Counts, and sizes in bytes; a point is one number at one step.

    `files` are those of runs, media among them; `artifacts` their artifacts without versions;
    `blobs` the pieces, each stored once, that files, artifacts and versions are made of.
    """

    engine: str
    schema: int
    runs: int
    states: dict[str, int]
    projects: dict[str, int]
    points: int
    events: int
    console_lines: int
    samples: int
    sweeps: int
    versions: int
    version_bytes: int
    artifacts: int
    artifact_bytes: int
    files: int
    file_bytes: int
    blobs: int
    blob_bytes: int


_COUNTS = """
select sqlite_version(), (select count(*) from main.runs),
    (select total(c.n * length(k.types)) from main.chunks c join main.keysets k on k.id = c.keyset),
    (select count(*) from main.json_rows), (select count(*) from main.console),
    (select count(*) from main.system_rows),
    (select count(*) from sweeps),
    (select count(*) from artifacts), (select total(size) from artifacts),
    (select count(*) from run_artifacts), (select total(size) from run_artifacts),
    (select count(*) from files), (select total(size) from files),
    (select count(*) from main.blobs), (select total(length(data)) from main.blobs)
        + (select total(length(data)) from main.blob_tails)"""


def facts(store: Store) -> Facts:
    """Count everything; how long that takes does not depend on how large the values are."""
    ((version, runs, *counts),) = _rows(store, _COUNTS)
    return Facts(
        f"SQLite {version}",
        VERSION,
        runs,
        _grouped(store, "state"),
        _grouped(store, "experiment"),
        *map(int, counts),
    )


def _grouped(store: Store, column: str) -> dict[str, int]:
    text = f"select {column}, count(*) from main.runs group by {column} order by 2 desc, 1"
    return dict(_rows(store, text))


def _rows(store: Store, text: str) -> list[tuple[Any, ...]]:
    with store.sql(text) as answer:
        return list(answer.rows)

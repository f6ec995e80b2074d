"""SQL for what is changed by hand: experiments without runs, files taken away."""

from __future__ import annotations

import sqlite3

from synadb.errors import ArtifactNotFoundError
from synadb.storage.writing import run_key

__all__ = ["add_experiment", "delete_artifact"]


def add_experiment(db: sqlite3.Connection, name: str) -> None:
    """Make an experiment that has no runs yet; one that is there stays as it is."""
    db.execute("insert into experiments values (?, 0) on conflict (name) do nothing", (name,))


def delete_artifact(db: sqlite3.Connection, run_id: str, name: str, kind: str) -> None:
    """Delete one artifact, or file, of a run; the blobs that nothing else has go with `gc`."""
    run = run_key(db, run_id)
    found = db.execute(
        "select id from artifacts where run = ? and kind = ? and name = ? and complete = 1",
        (run, kind, name),
    ).fetchall()
    if not found:
        raise ArtifactNotFoundError(f"run {run_id!r} has no {kind} {name!r}")
    for row in found:
        db.execute("delete from artifact_blobs where artifact = ?", row)
        db.execute("delete from artifacts where id = ?", row)

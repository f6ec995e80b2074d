"""SQL for what is changed by hand: runs renamed and deleted, files taken away, experiments made."""

from __future__ import annotations

import sqlite3

from synadb.errors import ArtifactNotFoundError, RunExistsError
from synadb.storage.writing import run_key

__all__ = ["add_experiment", "delete_artifact", "delete_run", "rename_run"]


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


def rename_run(db: sqlite3.Connection, run_id: str, new_id: str) -> None:
    """Give a run another id."""
    run = run_key(db, run_id)
    if db.execute("select 1 from runs where run_id = ?", (new_id,)).fetchone():
        raise RunExistsError(f"there is a run with the id {new_id!r} already")
    db.execute("update runs set run_id = ? where id = ?", (new_id, run))
    db.execute("update trials set run_id = ? where run_id = ?", (new_id, run_id))


def delete_run(db: sqlite3.Connection, run_id: str) -> None:
    """Delete a run's rows everywhere; its blobs are left to the collector."""
    run = (run_key(db, run_id),)
    chunks = "select id from chunks where keyset in (select id from keysets where run = ?)"
    db.execute(f"delete from columns where chunk in ({chunks})", run)
    db.execute("delete from chunks where keyset in (select id from keysets where run = ?)", run)
    artifacts = "select id from artifacts where run = ?"
    db.execute(f"delete from artifact_blobs where artifact in ({artifacts})", run)
    for table in ("keysets", "json_rows", "journals", "artifacts", "console", "system_rows"):
        db.execute(f"delete from {table} where run = ?", run)
    # A grid looks for the point that is free again from its beginning.
    db.execute(
        "update sweeps set cursor = 0 where id in (select sweep from trials where run_id = ?)",
        (run_id,),
    )
    db.execute("delete from trials where run_id = ?", (run_id,))
    db.execute("delete from runs where id = ?", run)

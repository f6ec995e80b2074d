"""Tables that a database has only once they are written to: artifact versions and sweeps."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from synadb import ExperimentTracker

SWEEP = {"method": "grid", "parameters": {"a": {"values": [1, 2]}}}


def tables(path: Path) -> set[str]:
    db = sqlite3.connect(path)
    try:
        return {name for (name,) in db.execute("select name from sqlite_master where type='table'")}
    finally:
        db.close()


def look(tracker: ExperimentTracker) -> tuple[int, int, Any]:
    return (
        len(tracker.artifacts.list()),
        len(tracker.list_sweeps()),
        sorted(tracker.gc(dry_run=True)) if not tracker._store.read_only else None,
    )


def test_looking_and_deleting_make_none(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        with tracker.run("e") as run:
            run.log({"x": 1})
        assert look(tracker)[:2] == (0, 0)
        tracker.rename_run(run.run_id, "other")
        assert tracker.check().ok
        tracker.delete_run("other")
        tracker.gc()
        assert look(tracker)[:2] == (0, 0)
    assert not tables(db_path) & {"versions", "contents", "sweeps", "trials"}


@pytest.mark.parametrize("read_only", [False, True])
def test_who_looked_before_sees_what_comes(db_path: Path, read_only: bool) -> None:
    with ExperimentTracker(db_path) as tracker:
        with tracker.run("e") as run:
            run.log({"x": 1})
        with ExperimentTracker(db_path, read_only=read_only) as other:
            assert look(other)[:2] == (0, 0)
            tracker.artifacts.log("model", b"bytes", project="e")
            assert "versions" in tables(db_path)
            assert "sweeps" not in tables(db_path)
            assert look(other)[:2] == (1, 0)
            tracker.create_sweep(SWEEP, "e")
            assert look(other)[:2] == (1, 1)
            assert other.check().ok
            if not read_only:
                other.artifacts.log("model", b"more", project="e")
                assert look(tracker)[:2] == (2, 1)
    with ExperimentTracker(db_path) as tracker:
        assert tracker.check().ok
        tracker.delete_run(run.run_id)


def test_who_looked_before_can_write(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        assert look(tracker)[:2] == (0, 0)
        tracker.artifacts.log("model", b"bytes", project="e")
        tracker.create_sweep(SWEEP, "e")
        assert look(tracker)[:2] == (1, 1)
    with ExperimentTracker(db_path, read_only=True) as tracker:
        assert look(tracker)[:2] == (1, 1)

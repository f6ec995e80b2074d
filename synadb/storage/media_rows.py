"""SQL that finds the rows that hold media, and copies their files to another run."""

from __future__ import annotations

import sqlite3
from typing import Any

from synadb.media.finding import files_in
from synadb.storage.codec import decode_json
from synadb.storage.reading import merge_row
from synadb.storage.writing import run_key

__all__ = ["copy_media", "media_rows"]


def media_rows(db: sqlite3.Connection, run_id: str) -> list[tuple[int, dict[str, Any]]]:
    """What is not numbers of the steps that have media, merged by step, in order of steps."""
    run = run_key(db, run_id)
    merged: dict[int, dict[str, Any]] = {}
    # A step's other rows, too: one may have put something else in the place of a picture.
    for step, data in db.execute(
        "select step, data from json_rows where run = :run and step in (select step from json_rows"
        " where run = :run and instr(data, '\"_type\"')) order by step, seq",
        {"run": run},
    ):
        merge_row(merged.setdefault(step, {}), decode_json(data))
    return list(merged.items())


def copy_media(db: sqlite3.Connection, source_id: str, target_id: str) -> None:
    """Give a run that has rows of another the files that they name; no content is copied."""
    source, target = run_key(db, source_id), run_key(db, target_id)
    paths = {json["path"] for _, row in media_rows(db, target_id) for _, json in files_in(row)}
    for path in sorted(paths):
        found = db.execute(
            "select id from artifacts where run = ? and kind = 'file' and name = ?"
            " and complete = 1",
            (source, path),
        ).fetchone()
        if found is None:
            continue
        copied = db.execute(
            "insert into artifacts (run, kind, name, size, digest, created, complete)"
            " select ?, kind, name, size, digest, created, 1 from artifacts where id = ?",
            (target, *found),
        ).lastrowid
        db.execute(
            "insert into artifact_blobs select ?, position, blob from artifact_blobs"
            " where artifact = ?",
            (copied, *found),
        )

"""Runs that begin where another stood, and runs set back to an earlier step."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from synadb.storage.codec import decode_column, decode_json, encode_column, encode_json
from synadb.storage.writing import merge_values, run_key

if TYPE_CHECKING:
    import numpy as np

__all__ = ["copy_history", "truncate"]


def copy_history(db: sqlite3.Connection, source_id: str, target_id: str, last_step: int) -> None:
    """Give a run the rows of another up to and including `last_step`; it had none before."""
    source, target = run_key(db, source_id), run_key(db, target_id)
    for keyset, keys, types in db.execute(
        "select id, keys, types from keysets where run = ?", (source,)
    ).fetchall():
        copied = db.execute(
            "insert into keysets (run, keys, types, last_step) values (?, ?, ?, -1)",
            (target, keys, types),
        ).lastrowid
        for (chunk,) in db.execute(
            "select id from chunks where keyset = ? and first_step <= ? order by id",
            (keyset, last_step),
        ).fetchall():
            new = db.execute(
                "insert into chunks (keyset, n, first_step, last_step, steps, seqs, times)"
                " select ?, n, first_step, last_step, steps, seqs, times from chunks where id = ?",
                (copied, chunk),
            ).lastrowid
            db.execute(
                "insert into columns select ?, position, data from columns where chunk = ?",
                (new, chunk),
            )
            _cut(db, new, types, last_step)
    db.execute(
        "insert into json_rows (run, step, seq, time, data)"
        " select ?, step, seq, time, data from json_rows where run = ? and step <= ?",
        (target, source, last_step),
    )
    db.execute(
        "update runs set next_seq = (select next_seq from runs where id = ?) where id = ?",
        (source, target),
    )
    _settle(db, target)


def truncate(db: sqlite3.Connection, run_id: str, last_step: int) -> None:
    """Drop a run's rows after `last_step`; the summary is what the rest leaves."""
    run = run_key(db, run_id)
    for chunk, types in db.execute(
        "select c.id, k.types from chunks c join keysets k on k.id = c.keyset where k.run = ?",
        (run,),
    ).fetchall():
        _cut(db, chunk, types, last_step)
    db.execute("delete from json_rows where run = ? and step > ?", (run, last_step))
    _settle(db, run)


def _cut(db: sqlite3.Connection, chunk: int | None, types: str, last_step: int) -> None:
    n, first, last, *system = db.execute(
        "select n, first_step, last_step, steps, seqs, times from chunks where id = ?", (chunk,)
    ).fetchone()
    if last <= last_step:
        return
    if first > last_step:
        db.execute("delete from columns where chunk = ?", (chunk,))
        db.execute("delete from chunks where id = ?", (chunk,))
        return
    steps = decode_column(system[0], "q", n)
    kept = steps <= last_step
    steps = steps[kept]
    parts = [decode_column(part, "q", n)[kept] for part in system]
    db.execute(
        "update chunks set n = ?, first_step = ?, last_step = ?, steps = ?, seqs = ?, times = ?"
        " where id = ?",
        (
            len(steps),
            int(steps.min()),
            int(steps.max()),
            *(encode_column(part.tobytes(), 8, delta=True) for part in parts),
            chunk,
        ),
    )
    for position, kind in enumerate(types):
        (data,) = db.execute(
            "select data from columns where chunk = ? and position = ?", (chunk, position)
        ).fetchone()
        column = decode_column(data, kind, n)[kept].tobytes()
        encoded = encode_column(column, 1 if kind == "?" else 8, delta=kind == "q")
        db.execute(
            "update columns set data = ? where chunk = ? and position = ?",
            (encoded, chunk, position),
        )


def _settle(db: sqlite3.Connection, run: int) -> None:
    """Make what is said about the rows agree with the rows that are there."""
    db.execute(
        "update keysets set last_step = coalesce("
        "(select max(last_step) from chunks where keyset = keysets.id), -1) where run = ?",
        (run,),
    )
    db.execute(
        "delete from keysets where run = ? and id not in (select keyset from chunks)", (run,)
    )
    steps, parts = _steps(db, run), _last_writes(db, run)
    parts.sort(key=lambda part: part[:2])
    summary: dict[str, Any] = {}
    for _, _, values in parts:
        merge_values(summary, values)
    db.execute(
        "update runs set last_step = ?, row_count = ?, summary = ?, last_journal = null"
        " where id = ?",
        (int(steps[-1]) if len(steps) else -1, len(steps), encode_json(summary), run),
    )


def _steps(db: sqlite3.Connection, run: int) -> np.ndarray[Any, Any]:
    """The steps of all rows, each once, rising."""
    import numpy as np

    parts = [
        decode_column(blob, "q", n)
        for blob, n in db.execute(
            "select c.steps, c.n from chunks c join keysets k on k.id = c.keyset where k.run = ?",
            (run,),
        )
    ]
    others = db.execute("select distinct step from json_rows where run = ?", (run,)).fetchall()
    parts.append(np.array([step for (step,) in others], np.int64))
    steps: np.ndarray[Any, Any] = np.unique(np.concatenate(parts))
    return steps


def _last_writes(db: sqlite3.Connection, run: int) -> list[tuple[int, int, dict[str, Any]]]:
    """(step, seq, values) of all that can be in the summary.

    A row of numbers has every key of its key set and replaces what was there: of each key set the
    last row is enough. Rows of other things merge into what is there, and all of them count.
    """
    parts = []
    for keyset, keys, types in db.execute(
        "select id, keys, types from keysets where run = ?", (run,)
    ).fetchall():
        last: tuple[int, int, int, int, int] | None = None
        for chunk, n, steps, seqs in db.execute(
            "select id, n, steps, seqs from chunks where keyset = ?"
            " and last_step = (select max(last_step) from chunks where keyset = ?)",
            (keyset, keyset),
        ):
            at, order = decode_column(steps, "q", n), decode_column(seqs, "q", n)
            found = int(max((at == at.max()).nonzero()[0], key=order.__getitem__))
            candidate = int(at[found]), int(order[found]), chunk, n, found
            last = candidate if last is None else max(last, candidate)
        if last is None:
            continue
        step, seq, chunk, n, row = last
        cells = (
            decode_column(data, types[position], n)[row].item()
            for position, data in db.execute(
                "select position, data from columns where chunk = ? order by position", (chunk,)
            )
        )
        parts.append((step, seq, dict(zip(decode_json(keys), cells, strict=True))))
    parts += [
        (step, seq, decode_json(data))
        for step, seq, data in db.execute(
            "select step, seq, data from json_rows where run = ?", (run,)
        )
    ]
    return parts

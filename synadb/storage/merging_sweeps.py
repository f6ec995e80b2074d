"""SQL that copies sweeps and their trials from one database into another."""

from __future__ import annotations

import sqlite3

from synadb.storage.codec import decode_json, encode_json
from synadb.storage.transfer import Transfer, free_id

__all__ = ["SweepMerge"]


_SWEEPS = "select sweep_id, created, properties from sweeps order by id"


class SweepMerge:
    """The sweeps of a source being copied."""

    def __init__(self, transfer: Transfer) -> None:
        self._transfer = transfer
        self._rows = transfer.rows
        self.ids: dict[str, str] = {}  # source to target

    def look(self, db: sqlite3.Connection) -> None:
        """See which ids the sweeps will have."""
        there: dict[tuple[str, float], str] = {}
        taken: set[str] = set()
        for row in db.execute(_SWEEPS):
            there[_identity(*row)] = row[0]
            taken.add(row[0])
        for row in self._rows(_SWEEPS):
            known = there.get(_identity(*row))
            self.ids[row[0]] = known or free_id(row[0], taken.__contains__)
            taken.add(self.ids[row[0]])

    def copy(self, db: sqlite3.Connection) -> int:
        """Copy the sweeps, or those of the runs, with their trials; returns how many are new."""
        wanted = None
        if not self._transfer.whole:
            wanted = {
                decode_json(text).get("sweep")
                for run in self._transfer.chosen
                for (text,) in self._rows("select metadata from runs where id = ?", (run,))
            }
        count = 0
        for sweep, sweep_id, *facts, text in list(
            self._rows(
                "select id, sweep_id, project, state, config, created, updated, cursor, claimed,"
                " trial_count, properties from sweeps order by id"
            )
        ):
            if wanted is not None and sweep_id not in wanted:
                continue
            target_id = self.ids[sweep_id]
            properties = decode_json(text)
            if target_id != sweep_id:
                properties.setdefault("merged", sweep_id)
            added = db.execute(
                "insert into sweeps (sweep_id, project, state, config, created, updated, cursor,"
                " claimed, trial_count, properties) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " on conflict (sweep_id) do update set cursor = max(cursor, excluded.cursor),"
                " claimed = max(claimed, excluded.claimed),"
                " trial_count = max(trial_count, excluded.trial_count),"
                " state = case when excluded.updated > updated then excluded.state else state end,"
                " updated = max(updated, excluded.updated)"
                " where excluded.updated > updated or excluded.trial_count > trial_count",
                (target_id, *facts, encode_json(properties)),
            )
            count += added.rowcount > 0
            (target,) = db.execute(
                "select id from sweeps where sweep_id = ?", (target_id,)
            ).fetchone()
            db.executemany(
                "insert or ignore into trials (sweep, number, run_id, params, point, state, agent,"
                " claimed, heartbeat, properties) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (target, number, self._transfer.ids.get(run_id, run_id), *rest)
                    for number, run_id, *rest in self._rows(
                        "select number, run_id, params, point, state, agent, claimed, heartbeat,"
                        " properties from trials where sweep = ? order by number",
                        (sweep,),
                    )
                ),
            )
        return count


def _identity(sweep_id: str, created: float, properties: str) -> tuple[str, float]:
    """What a sweep keeps whatever id it has to take: its first id, and when it was made."""
    return decode_json(properties).get("merged", sweep_id), created

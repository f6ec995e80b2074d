"""SQL of sweeps and their trials, on one snapshot or inside one transaction of the caller's."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from synadb.errors import SweepNotFoundError
from synadb.records import RunRecord, SweepRecord, TrialRecord
from synadb.storage.codec import decode_json, encode_json
from synadb.storage.runs import sweep_runs

__all__ = ["SweepTables"]

_SWEEP = (
    "select sweep_id, project, state, config, created, updated, cursor, claimed, properties"
    " from sweeps"
)
_TRIAL = (
    "select s.sweep_id, t.number, t.run_id, t.params, t.point, t.state, t.agent, t.claimed,"
    " t.heartbeat, t.properties from trials t join sweeps s on s.id = t.sweep"
)
_JSON = ("config", "params", "properties")


class SweepTables:
    """The rows of `sweeps` and `trials`; get one from `Store.sweeps`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    # -- sweeps ----------------------------------------------------------------------------------

    def add_sweep(
        self,
        sweep_id: str,
        project: str,
        config: Mapping[str, Any],
        state: str,
        now: float,
        properties: Mapping[str, Any],
    ) -> SweepRecord:
        """Create a sweep."""
        self._db.execute(
            "insert into sweeps (sweep_id, project, state, config, created, updated, cursor,"
            " claimed, trial_count, properties) values (?, ?, ?, ?, ?, ?, 0, 0, 0, ?)",
            (sweep_id, project, state, encode_json(config), now, now, encode_json(properties)),
        )
        return self.sweep(sweep_id)

    def sweep(self, sweep_id: str) -> SweepRecord:
        """One sweep; SweepNotFoundError."""
        row = self._db.execute(f"{_SWEEP} where sweep_id = ?", (sweep_id,)).fetchone()
        if row is None:
            raise SweepNotFoundError(f"no sweep has the id {sweep_id!r}")
        return _sweep(row)

    def sweeps(self, project: str | None = None) -> list[SweepRecord]:
        """All sweeps, or those of one project, in order of creation."""
        if project is None:
            found = self._db.execute(f"{_SWEEP} order by id")
        else:
            found = self._db.execute(f"{_SWEEP} where project = ? order by id", (project,))
        return [_sweep(row) for row in found]

    def update_sweep(self, sweep_id: str, **fields: Any) -> None:
        """Set columns of a sweep."""
        self._update("sweeps", fields, "sweep_id = ?", (sweep_id,))

    def delete_sweep(self, sweep_id: str) -> None:
        """Delete a sweep and its trials; the runs stay."""
        self._db.execute("delete from trials where sweep = ?", (self._key(sweep_id),))
        self._db.execute("delete from sweeps where sweep_id = ?", (sweep_id,))

    # -- trials ----------------------------------------------------------------------------------

    def add_trial(
        self,
        sweep_id: str,
        run_id: str,
        params: Mapping[str, Any],
        state: str,
        *,
        point: str | None = None,
        agent: str | None = None,
        now: float | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> TrialRecord:
        """Add a trial under the sweep's next number."""
        key = self._key(sweep_id)
        self._db.execute("update sweeps set trial_count = trial_count + 1 where id = ?", (key,))
        self._db.execute(
            "insert into trials (sweep, number, run_id, params, point, state, agent, claimed,"
            " heartbeat, properties)"
            " values (?, (select trial_count from sweeps where id = ?), ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key,
                key,
                run_id,
                encode_json(params),
                point,
                state,
                agent,
                now,
                now,
                encode_json(properties or {}),
            ),
        )
        found = self.trial_of(run_id, sweep_id)
        assert found is not None
        return found

    def trials(self, sweep_id: str, states: Sequence[str] | None = None) -> list[TrialRecord]:
        """The trials of a sweep by number, or those in one of `states`."""
        key = self._key(sweep_id)
        if states is None:
            found = self._db.execute(f"{_TRIAL} where t.sweep = ? order by t.number", (key,))
        else:
            marks = ", ".join("?" * len(states))
            # Left to itself SQLite walks all trials of the sweep.
            by_state = _TRIAL.replace("trials t", "trials t indexed by trials_state")
            found = self._db.execute(
                f"{by_state} where t.sweep = ? and t.state in ({marks}) order by t.number",
                (key, *states),
            )
        return [_trial(row) for row in found]

    def trial(self, sweep_id: str, number: int) -> TrialRecord | None:
        """One trial."""
        row = self._db.execute(
            f"{_TRIAL} where t.sweep = ? and t.number = ?", (self._key(sweep_id), number)
        ).fetchone()
        return _trial(row) if row else None

    def trial_of(self, run_id: str, sweep_id: str | None = None) -> TrialRecord | None:
        """The trial that a run is, in any sweep or in this one."""
        row = self._db.execute(
            f"{_TRIAL} where t.run_id = ? and ? in (s.sweep_id, '')", (run_id, sweep_id or "")
        ).fetchone()
        return _trial(row) if row else None

    def taken(self, sweep_id: str, point: str) -> bool:
        """Whether a trial has been given this point."""
        return (
            self._db.execute(
                "select 1 from trials where point = ? and sweep = ? limit 1",
                (point, self._key(sweep_id)),
            ).fetchone()
            is not None
        )

    def points(self, sweep_id: str) -> list[str]:
        """The points of all trials."""
        return [
            point
            for (point,) in self._db.execute(
                "select point from trials where sweep = ? and point is not null",
                (self._key(sweep_id),),
            )
        ]

    def any_open(self, sweep_id: str) -> bool:
        """Whether an agent has a trial, or a trial waits for one."""
        found = self._db.execute(
            "select 1 from trials indexed by trials_state where sweep = ?"
            " and state in ('pending', 'preempted', 'running')"
            " and (state <> 'running' or agent is not null) limit 1",
            (self._key(sweep_id),),
        )
        return found.fetchone() is not None

    def counts(self, sweep_id: str) -> dict[str, int]:
        """How many trials are in each state."""
        return dict(
            self._db.execute(
                "select state, count(*) from trials where sweep = ? group by state",
                (self._key(sweep_id),),
            ).fetchall()
        )

    def update_trial(self, sweep_id: str, number: int, **fields: Any) -> None:
        """Set columns of a trial."""
        where = "sweep = ? and number = ?"
        self._update("trials", fields, where, (self._key(sweep_id), number))

    def runs(self, sweep_id: str) -> list[RunRecord]:
        """The runs of the trials that have begun, in order of creation."""
        return sweep_runs(self._db, self._key(sweep_id))

    def run_state(self, run_id: str) -> str | None:
        """The state of a run; None where it has not begun."""
        row = self._db.execute("select state from runs where run_id = ?", (run_id,)).fetchone()
        return row[0] if row else None

    # --------------------------------------------------------------------------------------------

    def _key(self, sweep_id: str) -> int:
        row = self._db.execute("select id from sweeps where sweep_id = ?", (sweep_id,)).fetchone()
        if row is None:
            raise SweepNotFoundError(f"no sweep has the id {sweep_id!r}")
        return int(row[0])

    def _update(
        self, table: str, fields: Mapping[str, Any], where: str, keys: Sequence[Any]
    ) -> None:
        columns = ", ".join(f"{name} = ?" for name in fields)
        values = [encode_json(value) if name in _JSON else value for name, value in fields.items()]
        self._db.execute(f"update {table} set {columns} where {where}", (*values, *keys))


def _sweep(row: Sequence[Any]) -> SweepRecord:
    fields = list(row)
    fields[3], fields[-1] = decode_json(row[3]), decode_json(row[-1])
    return SweepRecord(*fields)


def _trial(row: Sequence[Any]) -> TrialRecord:
    fields = list(row)
    fields[3], fields[-1] = decode_json(row[3]), decode_json(row[-1])
    return TrialRecord(*fields)

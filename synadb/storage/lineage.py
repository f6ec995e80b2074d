"""SQL of lineage: which runs logged a version of an artifact, and which used it."""

from __future__ import annotations

import sqlite3

from synadb.artifact_records import VersionRecord
from synadb.storage.version_rows import id_of, numbered, run_of, source_of

__all__ = ["Lineage", "forget_run", "note"]


class Lineage:
    """What runs did with versions."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def use(self, uid: str, run_id: str, use_as: str | None, now: float) -> None:
        """Note that a run uses a version."""
        note(
            self._db,
            run_of(self._db, run_id)[0],
            source_of(self._db, id_of(self._db, uid)),
            "input",
            use_as,
            now,
        )

    def made_by(self, uid: str, run_id: str, now: float) -> None:
        """Note that a run has logged a version that is there; its maker, if it has none."""
        run, version = run_of(self._db, run_id)[0], id_of(self._db, uid)
        self._db.execute("update versions set run = ? where id = ? and run is null", (run, version))
        note(self._db, run, version, "output", None, now)

    def used_by(self, uid: str) -> list[str]:
        """The runs that use a version."""
        rows = self._db.execute(
            "select r.run_id from lineage l join runs r on r.id = l.run"
            " where l.version = ? and l.role = 'input' order by l.time, r.id",
            (source_of(self._db, id_of(self._db, uid)),),
        )
        return [run_id for (run_id,) in rows]

    def of_run(self, run_id: str, role: str) -> list[tuple[VersionRecord, str | None]]:
        """The versions that a run used (`input`) or logged (`output`), each with its `use_as`."""
        run, _ = run_of(self._db, run_id)
        mine = "select version from lineage where run = ? and role = ?"
        found = numbered(self._db, f"v.state = 'committed' and v.id in ({mine})", (run, role))
        rows = self._db.execute(
            "select version, use_as from lineage where run = ? and role = ? order by time, version",
            (run, role),
        )
        return [(found[version], use_as) for version, use_as in rows if version in found]


def note(
    db: sqlite3.Connection, run: int, version: int, role: str, use_as: str | None, now: float
) -> None:
    """Note what a run has done with a version; without `use_as` what it was used as stays."""
    db.execute(
        "insert into lineage (run, version, role, use_as, time) values (?, ?, ?, ?, ?)"
        " on conflict do update set use_as = coalesce(excluded.use_as, use_as)",
        (run, version, role, use_as, now),
    )


def forget_run(db: sqlite3.Connection, run_id: str) -> None:
    """Take a run that is being deleted out of the versions and the lineage."""
    run, _ = run_of(db, run_id)
    db.execute("update versions set run = null where run = ?", (run,))
    db.execute("delete from lineage where run = ?", (run,))

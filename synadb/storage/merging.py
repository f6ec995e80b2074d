"""SQL that copies runs from one database into another, encoded as they are.

A run comes with all that it alone has and the artifact versions it logged or used, in one
transaction. Its digest is computed in the source and again from the copy before that is committed.
It goes into the copy's metadata as `merged`, so that whatever becomes of the copy, the run is known
when it comes again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from synadb.errors import CorruptStoreError, RunExistsError
from synadb.storage.codec import decode_json, encode_json
from synadb.storage.editing import delete_run
from synadb.storage.lineage import forget_run
from synadb.storage.merging_artifacts import ArtifactMerge
from synadb.storage.merging_sweeps import SweepMerge
from synadb.storage.run_digest import FACTS, Rows, digest_of, reader
from synadb.storage.transfer import Transfer, free_id

__all__ = ["Merge", "Merged"]


class Merged(NamedTuple):
    """What became of one run: copied, known, skipped, replaced or running (and left out).

    `run_id` is its id here, `source_id` the one it had; `bytes` counts what had to be added.
    """

    source_id: str
    run_id: str
    outcome: str
    digest: str
    rows: int
    console: int
    files: int
    artifacts: int
    bytes: int


class Merge:
    """One database being copied into another; `rows` reads from a snapshot of the source."""

    def __init__(self, rows: Rows, *, whole: bool, clash: str, running: bool) -> None:
        self._rows = rows
        self._clash = clash
        self._running = running
        self._digests: dict[str, str] = {}  # of the runs that the target has from a merge
        self._transfer = Transfer(rows, whole=whole)
        self.artifacts = ArtifactMerge(self._transfer)
        self.sweeps = SweepMerge(self._transfer)

    @property
    def notes(self) -> list[str]:
        """What is to be told of the merge."""
        return self._transfer.notes

    def look(self, db: sqlite3.Connection) -> None:
        """See what the target has: runs by their digests, and the ids that sweeps will have."""
        self._digests = dict(
            db.execute(
                "select json_extract(metadata, '$.merged.digest') as digest, run_id from runs"
                " where digest is not null"
            )
        )
        self.sweeps.look(db)

    def choose(self, run_ids: Sequence[str] | None) -> list[tuple[int, str]]:
        """The runs to copy, in order of creation."""
        found = self._rows("select id, run_id from runs order by created, id")
        wanted = None if run_ids is None else set(run_ids)
        chosen = [(run, name) for run, name in found if wanted is None or name in wanted]
        self._transfer.chosen = dict(chosen)
        return chosen

    def run(self, db: sqlite3.Connection, run: int, source_id: str) -> Merged:
        """Copy one run in the caller's transaction, unless it is there.

        Raises:
            RunExistsError: its id is that of another, and `clash` is "error".
            CorruptStoreError: the copy is not what it was copied from.
        """
        self.artifacts.begin()
        self._transfer.added = 0
        digest = digest_of(self._rows, run)
        (state,) = next(self._rows("select state from runs where id = ?", (run,)))
        known = self._known(db, source_id, digest)
        if known is not None:
            self._transfer.ids[source_id] = known
            return Merged(source_id, known, "known", digest, 0, 0, 0, 0, 0)
        if state == "running" and not self._running:
            self.notes.append(
                f"run {source_id} is still running, or its process has died elsewhere: it is left "
                "out (--running copies it as it stands)"
            )
            return Merged(source_id, source_id, "running", digest, 0, 0, 0, 0, 0)
        target_id, outcome, clash = source_id, "copied", self._clash
        if _has_run(db, source_id):
            if self._is_part(db, run, source_id):
                clash = "replace"
            if clash == "error":
                raise RunExistsError(f"there is another run {source_id!r} already")
            if clash == "skip":
                return Merged(source_id, source_id, "skipped", digest, 0, 0, 0, 0, 0)
            if clash == "replace":
                forget_run(db, source_id)
                delete_run(db, source_id)
                outcome = "replaced"
            else:
                target_id = free_id(source_id, partial(_has_run, db))
        made = self._facts(db, run, target_id, digest)
        self._history(db, run, made)
        counts = [
            self._copy(
                db,
                "insert into json_rows (run, step, seq, time, data) values (?, ?, ?, ?, ?)",
                "select step, seq, time, data from json_rows where run = ? order by id",
                run,
                made,
            ),
            self._copy(
                db,
                "insert into console (run, source, number, time, stream, line)"
                " values (?, ?, ?, ?, ?, ?)",
                "select source, number, time, stream, line from console where run = ?"
                " order by source, number",
                run,
                made,
            ),
            self._copy(
                db,
                "insert into system_rows (run, source, time, data) values (?, ?, ?, ?)",
                "select source, time, data from system_rows where run = ? order by id",
                run,
                made,
            ),
        ]
        files, artifacts = self.artifacts.contents(db, run, made)
        artifacts += self.artifacts.versions(db, run, made)
        self._transfer.ids[source_id] = target_id
        again = digest_of(reader(db), made)
        if again != digest:
            raise CorruptStoreError(f"run {source_id!r}: the copy has another digest, {again}")
        (count,) = db.execute("select row_count from runs where id = ?", (made,)).fetchone()
        return Merged(
            source_id,
            target_id,
            outcome,
            digest,
            count,
            counts[1],
            files,
            artifacts,
            self._transfer.added,
        )

    def rest(self, db: sqlite3.Connection) -> None:
        """All that no run brings, where everything is copied."""
        self.artifacts.rest(db)
        db.executemany(
            "insert into experiments values (?, ?)"
            " on conflict do update set run_count = max(run_count, excluded.run_count)",
            self._rows("select name, run_count from experiments order by rowid"),
        )

    def _known(self, db: sqlite3.Connection, source_id: str, digest: str) -> str | None:
        for run_id in (self._digests.get(digest, source_id), source_id):
            row = db.execute(
                "select id, json_extract(metadata, '$.merged.digest') from runs where run_id = ?",
                (run_id,),
            ).fetchone()
            if row and (row[1] == digest or digest_of(reader(db), row[0]) == digest):
                return run_id
        return None

    def _is_part(self, db: sqlite3.Connection, run: int, run_id: str) -> bool:
        """Whether what has a run's id is a copy of it from when it was still running."""
        who = "select created, host, pid, metadata from runs where "
        (*mine, _) = next(self._rows(who + "id = ?", (run,)))
        (*other, text) = db.execute(who + "run_id = ?", (run_id,)).fetchone()
        return mine == other and "state" in decode_json(text).get("merged", {})

    def _facts(self, db: sqlite3.Connection, run: int, target_id: str, digest: str) -> int:
        (row,) = self._rows(f"select run_id, {FACTS}, metadata from runs where id = ?", (run,))
        facts, metadata = list(row[1:-1]), decode_json(row[-1])
        old = metadata.pop("merged", {})
        merged = {"digest": digest, "run_id": old.get("run_id", row[0])}
        merged |= {key: old[key] for key in ("sweep", "state") if key in old}
        sweep = metadata.get("sweep")
        if sweep is not None and self.sweeps.ids.get(sweep, sweep) != sweep:
            merged.setdefault("sweep", sweep)
            metadata["sweep"] = self.sweeps.ids[sweep]
        if facts[2] == "running":
            # Nobody will ever end the copy.
            merged["state"] = facts[2]
            facts[2] = "crashed"
        metadata["merged"] = merged
        places = ", ".join("?" * (len(facts) + 2))
        made = db.execute(
            f"insert into runs (run_id, {FACTS}, metadata) values ({places})",
            (target_id, *facts, encode_json(metadata)),
        ).lastrowid
        db.execute(
            "insert into experiments values (?, 1)"
            " on conflict do update set run_count = run_count + 1",
            (facts[0],),
        )
        return int(made or 0)

    def _copy(self, db: sqlite3.Connection, into: str, sql: str, run: int, made: int) -> int:
        before = db.total_changes
        db.executemany(into, ((made, *row) for row in self._rows(sql, (run,))))
        return db.total_changes - before

    def _history(self, db: sqlite3.Connection, run: int, made: int) -> None:
        for keyset, *facts in list(
            self._rows(
                "select id, keys, types, last_step from keysets where run = ? order by id", (run,)
            )
        ):
            new = db.execute(
                "insert into keysets (run, keys, types, last_step) values (?, ?, ?, ?)",
                (made, *facts),
            ).lastrowid
            for chunk, *parts in self._rows(
                "select id, n, first_step, last_step, steps, seqs, times from chunks"
                " where keyset = ? order by id",
                (keyset,),
            ):
                inserted = db.execute(
                    "insert into chunks (keyset, n, first_step, last_step, steps, seqs, times)"
                    " values (?, ?, ?, ?, ?, ?, ?)",
                    (new, *parts),
                ).lastrowid
                self._transfer.added += sum(len(part) for part in parts[3:])
                for position, data in self._rows(
                    "select position, data from columns where chunk = ? order by position", (chunk,)
                ):
                    db.execute("insert into columns values (?, ?, ?)", (inserted, position, data))
                    self._transfer.added += len(data)


def _has_run(db: sqlite3.Connection, run_id: str) -> bool:
    return db.execute("select 1 from runs where run_id = ?", (run_id,)).fetchone() is not None

"""SQL that copies files, artifacts and their versions from one database into another."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Any

from synadb.artifact_records import manifest_digest
from synadb.errors import CorruptStoreError
from synadb.storage.pieces import BLOB_DATA, blob_content, put_blob
from synadb.storage.transfer import Transfer
from synadb.storage.version_rows import LATEST, measure

__all__ = ["ArtifactMerge"]


class ArtifactMerge:
    """The artifacts of a source being copied, each content once."""

    def __init__(self, transfer: Transfer) -> None:
        self._transfer = transfer
        self._rows = transfer.rows
        self._blobs: dict[int, int] = {}  # those put here by the transaction under way

    def begin(self) -> None:
        """Another transaction: what the one before put here may have been taken back."""
        self._blobs = {}

    def contents(self, db: sqlite3.Connection, run: int, made: int) -> tuple[int, int]:
        """Copy what a run holds itself; returns how many files and artifacts."""
        counts = {"file": 0, "artifact": 0}
        for artifact, kind, *facts in list(
            self._rows(
                "select id, kind, name, size, digest, created from artifacts"
                " where run = ? and complete = 1 order by id",
                (run,),
            )
        ):
            new = db.execute(
                "insert into artifacts (run, kind, name, size, digest, created, complete)"
                " values (?, ?, ?, ?, ?, ?, 1)",
                (made, kind, *facts),
            ).lastrowid
            for position, blob in self._rows(
                "select position, blob from artifact_blobs where artifact = ? order by position",
                (artifact,),
            ):
                db.execute(
                    "insert into artifact_blobs values (?, ?, ?)",
                    (new, position, self._blob(db, blob)),
                )
            counts[kind] = counts.get(kind, 0) + 1
        return counts["file"], counts["artifact"]

    def _blob(self, db: sqlite3.Connection, blob: int) -> int:
        if blob in self._blobs:
            return self._blobs[blob]
        found = next(self._rows("select digest from blobs where id = ?", (blob,)), None)
        if found is None:
            raise CorruptStoreError(f"blob {blob} is missing from the source: `synadb check` it")
        row = db.execute("select id from blobs where digest = ?", found).fetchone()
        if row is None:
            (data,) = next(self._rows(f"select {BLOB_DATA} from blobs b where id = ?", (blob,)))
            data = blob_content(self._rows, blob, data)
            if hashlib.sha256(data).digest() != found[0]:
                raise CorruptStoreError(f"blob {blob} of the source is damaged: `synadb check` it")
            row = (put_blob(db, found[0], data),)
            self._transfer.added += len(data)
        self._blobs[blob] = int(row[0])
        return self._blobs[blob]

    def versions(self, db: sqlite3.Connection, run: int, made: int) -> int:
        """The versions that a run logged or used, and that it did so; how many it logged."""
        touched = self._rows(
            "select collection from versions where id in (select version from lineage where run ="
            " :run) or run = :run group by collection order by min(id)",
            {"run": run},
        )
        for (collection,) in [row for row in touched if row[0] is not None]:
            self._collection(db, collection)
        db.executemany(
            "update versions set run = ? where uid = ? and run is null and source is null",
            (
                (made, uid)
                for (uid,) in self._rows("select uid from versions where run = ?", (run,))
            ),
        )
        db.executemany(
            "insert or ignore into lineage (run, version, role, use_as, time)"
            " select ?, id, ?, ?, ? from versions where uid = ?",
            (
                (made, role, use_as, time, uid)
                for uid, role, use_as, time in self._rows(
                    "select v.uid, l.role, l.use_as, l.time from lineage l"
                    " join versions v on v.id = l.version"
                    " where l.run = ? and v.state = 'committed' order by l.time, v.id",
                    (run,),
                )
            ),
        )
        (logged,) = db.execute(
            "select count(*) from lineage where run = ? and role = 'output'", (made,)
        ).fetchone()
        return int(logged)

    def rest(self, db: sqlite3.Connection) -> None:
        """The collections that no run has brought, where everything is copied."""
        self.begin()
        for (collection,) in list(self._rows("select id from collections order by id")):
            self._collection(db, collection)
        (left,) = next(
            self._rows("select count(*) from versions where state in ('draft', 'pending')")
        )
        if left:
            self._transfer.notes.append(f"{left} unfinished artifact version(s) are left out")

    def _selected(self, collection: int) -> list[tuple[Any, ...]]:
        """The versions of a collection that are wanted, in order of their numbers."""
        found = self._rows(
            "select id, uid, number, digest, size, file_count, run, step, created, updated, ttl,"
            " source, properties from versions where collection = ? and state = 'committed'"
            " order by number",
            (collection,),
        )
        if self._transfer.whole:
            return list(found)
        wanted = {
            version
            for run in self._transfer.chosen
            for (version,) in self._rows(
                "select version from lineage where run = :run union"
                " select id from versions where run = :run and source is null",
                {"run": run},
            )
        }
        return [row for row in found if row[0] in wanted]

    def _collection(self, db: sqlite3.Connection, collection: int) -> None:
        """Copy all wanted versions of a collection that are not there: their numbers agree then."""
        (facts,) = self._rows(
            "select project, name, type, created, next_number, properties from collections"
            " where id = ?",
            (collection,),
        )
        selected = [
            row
            for row in self._selected(collection)
            if not db.execute("select 1 from versions where uid = ?", (row[1],)).fetchone()
        ]
        found = db.execute(
            "select id, next_number, type from collections where project = ? and name = ?",
            facts[:2],
        ).fetchone()
        if found is not None and not selected:
            return
        if found is not None and found[2] != facts[2]:
            # A name has one type in a project.
            name = _free(db, facts[0], f"{facts[1]}-{facts[2]}", facts[2])
            self._transfer.notes.append(
                f"artifact {facts[1]} is of type {found[2]} there: versions of type {facts[2]} go "
                f"to {name}"
            )
            facts = (facts[0], name, *facts[2:])
            found = db.execute(
                "select id, next_number, type from collections where project = ? and name = ?",
                facts[:2],
            ).fetchone()
        fresh = found is None
        if found is None:
            target = db.execute(
                "insert into collections (project, name, type, created, next_number, properties)"
                " values (?, ?, ?, ?, ?, ?)",
                facts,
            ).lastrowid
        else:
            target = found[0]
        following = 0 if found is None else found[1]
        for version, uid, number, *rest in selected:
            source = rest[-2]
            shown = None
            if source is not None:
                (above,) = self._rows(
                    "select collection, uid from versions where id = ?", (source,)
                )
                self._collection(db, above[0])
                shown = db.execute("select id from versions where uid = ?", above[1:]).fetchone()
                if shown is None:
                    continue
            # Numbers are never given out again, so one below the next is taken or was.
            mine = number if fresh or number >= following else following
            following = max(following, mine + 1)
            if mine != number:
                self._transfer.notes.append(f"artifact {facts[1]}:v{number} is v{mine} there")
            new = db.execute(
                "insert into versions (uid, collection, number, state, digest, size, file_count,"
                " run, step, created, updated, ttl, source, properties)"
                " values (?, ?, ?, 'committed', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    uid,
                    target,
                    mine,
                    *rest[:3],
                    self._run_there(db, rest[3]),
                    *rest[4:8],
                    shown and shown[0],
                    rest[9],
                ),
            ).lastrowid
            if source is None:
                self._entries(db, version, int(new or 0))
            self._aliases(db, collection, version, int(target or 0), int(new or 0))
        if fresh and self._transfer.whole:
            following = max(following, facts[4])
        db.execute("update collections set next_number = ? where id = ?", (following, target))
        db.execute(
            "insert into aliases select collection, ?, id from versions where collection = ?"
            " and state = 'committed' order by number desc limit 1"
            " on conflict do update set version = excluded.version",
            (LATEST, target),
        )

    def _run_there(self, db: sqlite3.Connection, run: int | None) -> int | None:
        name = None if run is None else self._transfer.ids.get(self._transfer.chosen.get(run, ""))
        row = name and db.execute("select id from runs where run_id = ?", (name,)).fetchone()
        return int(row[0]) if row else None

    def _entries(self, db: sqlite3.Connection, version: int, new: int) -> None:
        for path, content, *rest in self._rows(
            "select path, content, digest, size, reference, extra from entries where version = ?"
            " order by path",
            (version,),
        ):
            db.execute(
                "insert into entries (version, path, content, digest, size, reference, extra)"
                " values (?, ?, ?, ?, ?, ?, ?)",
                (new, path, None if content is None else self._content(db, content), *rest),
            )
        held, pairs = measure(db, new)
        size, digest = db.execute(
            "select size, digest from versions where id = ?", (new,)
        ).fetchone()
        if (held, manifest_digest(pairs)) != (size, digest):
            raise CorruptStoreError(
                f"artifact version {version} of the source does not match its digest: "
                "`synadb check` it"
            )

    def _content(self, db: sqlite3.Connection, content: int) -> int:
        (facts,) = self._rows("select sha256, md5, size from contents where id = ?", (content,))
        known = db.execute("select id from contents where sha256 = ?", facts[:1]).fetchone()
        if known:
            return int(known[0])
        new = db.execute(
            "insert into contents (sha256, md5, size) values (?, ?, ?)", facts
        ).lastrowid
        for position, blob in self._rows(
            "select position, blob from content_blobs where content = ? order by position",
            (content,),
        ):
            db.execute(
                "insert into content_blobs values (?, ?, ?)", (new, position, self._blob(db, blob))
            )
        return int(new or 0)

    def _aliases(
        self, db: sqlite3.Connection, collection: int, version: int, target: int, new: int
    ) -> None:
        for (alias,) in self._rows(
            "select alias from aliases where collection = ? and version = ? order by alias",
            (collection, version),
        ):
            if alias == LATEST:
                continue
            added = db.execute(
                "insert or ignore into aliases values (?, ?, ?)", (target, alias, new)
            )
            if not added.rowcount:
                self._transfer.notes.append(
                    f"the alias {alias} of an artifact stays where it was there"
                )


def _free(db: sqlite3.Connection, project: str, name: str, kind: str) -> str:
    number, candidate = 2, name
    while True:
        row = db.execute(
            "select type from collections where project = ? and name = ?", (project, candidate)
        ).fetchone()
        if row is None or row[0] == kind:
            return candidate
        candidate, number = f"{name}-{number}", number + 1

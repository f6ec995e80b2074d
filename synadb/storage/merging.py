"""SQL that copies runs from one database into another, encoded as they are.

A run comes with all that it alone has and the artifact versions it logged or used, in one
transaction. Its digest is computed in the source and again from the copy before that is committed.
It goes into the copy's metadata as `merged`, so that whatever becomes of the copy, the run is known
when it comes again.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from synadb.artifact_records import manifest_digest
from synadb.errors import CorruptStoreError, RunExistsError
from synadb.storage import writing
from synadb.storage.codec import decode_json, encode_json
from synadb.storage.versions import LATEST, measure

__all__ = ["CLASHES", "Merge", "Merged", "digest_of"]

CLASHES = ("rename", "skip", "replace", "error")

Rows = Callable[..., Iterator[tuple[Any, ...]]]


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


_FACTS = (
    "experiment, name, state, config, summary, tags, notes, grp, job_type, created, updated, ended,"
    " exit_code, host, pid, last_step, next_seq, row_count"
)
# What belongs to a run alone: how to read it, as (label, SQL with the run's number).
_CONTENT = (
    ("keyset", "select keys, types, last_step from keysets where run = ? order by id"),
    (
        "chunk",
        "select k.keys, k.types, c.n, c.first_step, c.last_step, c.steps, c.seqs, c.times"
        " from keysets k join chunks c on c.keyset = k.id where k.run = ? order by k.id, c.id",
    ),
    (
        "column",
        "select d.position, d.data from keysets k join chunks c on c.keyset = k.id"
        " join columns d on d.chunk = c.id where k.run = ? order by k.id, c.id, d.position",
    ),
    ("json", "select step, seq, time, data from json_rows where run = ? order by id"),
    (
        "console",
        "select source, number, time, stream, line from console where run = ?"
        " order by source, number",
    ),
    ("system", "select source, time, data from system_rows where run = ? order by id"),
    (
        "artifact",
        "select kind, name, size, hex(digest), created from artifacts"
        " where run = ? and complete = 1 order by kind, name, id",
    ),
    (
        "lineage",
        "select v.uid, l.role, l.use_as, l.time from lineage l join versions v on v.id = l.version"
        " where l.run = ? and v.state = 'committed' order by v.uid, l.role",
    ),
)


_ENCODED = ("chunk", "column")
_TOGETHER = 512


def digest_of(rows: Rows, run: int) -> str:
    """SHA-256, in hex, of all there is of a run but its id; `rows` reads from its database.

    The same for a copy, however often it has been copied.
    """
    whole = hashlib.sha256()
    (facts,) = rows(f"select {_FACTS}, metadata from runs where id = ?", (run,))
    metadata = decode_json(facts[-1])
    merged = metadata.pop("merged", {})
    if "sweep" in merged:
        metadata["sweep"] = merged["sweep"]
    state = merged.get("state", facts[2])
    _feed(whole, (*facts[:2], state, *facts[3:-1], encode_json(metadata)))
    for label, sql in _CONTENT:
        whole.update(b"\0" + label.encode())
        found = rows(sql, (run,))
        if label in _ENCODED:
            for row in found:
                _feed(whole, [part for part in row if not isinstance(part, bytes)])
                for part in row:
                    if isinstance(part, bytes):
                        whole.update(b"%d:" % len(part))
                        whole.update(part)
        else:
            # JSON, unlike repr, is the same in all versions of Python.
            while group := list(itertools.islice(found, _TOGETHER)):
                _feed(whole, group)
    return whole.hexdigest()


def _feed(whole: hashlib._Hash, values: Iterable[Any]) -> None:
    whole.update(json.dumps(values).encode())


class Merge:
    """One database being copied into another; `rows` reads from a snapshot of the source."""

    def __init__(self, rows: Rows, *, whole: bool, clash: str, running: bool) -> None:
        self._rows = rows
        self._whole = whole
        self._clash = clash
        self._running = running
        self._ids: dict[str, str] = {}  # of runs, source to target
        self._sweeps: dict[str, str] = {}
        self._digests: dict[str, str] = {}
        self._chosen: dict[int, str] = {}  # runs of the source: number to id
        self.notes: list[str] = []
        self._blobs: dict[int, int] = {}  # those put here by the transaction under way
        self._added = 0

    def choose(self, run_ids: Sequence[str] | None) -> list[tuple[int, str]]:
        """The runs to copy, in order of creation."""
        found = self._rows("select id, run_id from runs order by created, id")
        wanted = None if run_ids is None else set(run_ids)
        chosen = [(run, name) for run, name in found if wanted is None or name in wanted]
        self._chosen = dict(chosen)
        return chosen

    def run(self, db: sqlite3.Connection, run: int, source_id: str) -> Merged:
        """Copy one run in the caller's transaction, unless it is there.

        Raises:
            RunExistsError: its id is that of another, and `clash` is "error".
            CorruptStoreError: the copy is not what it was copied from.
        """
        self._blobs = {}
        self._added = 0
        digest = digest_of(self._rows, run)
        (state,) = next(self._rows("select state from runs where id = ?", (run,)))
        known = self._known(db, source_id, digest)
        if known is not None:
            self._ids[source_id] = known
            return Merged(source_id, known, "known", digest, 0, 0, 0, 0, 0)
        if state == "running" and not self._running:
            self.notes.append(
                f"run {source_id} is still running, or its process has died elsewhere: it is left "
                "out (--running copies it as it stands)"
            )
            return Merged(source_id, source_id, "running", digest, 0, 0, 0, 0, 0)
        target_id, outcome, clash = source_id, "copied", self._clash
        if db.execute("select 1 from runs where run_id = ?", (source_id,)).fetchone():
            if self._is_part(db, run, source_id):
                clash = "replace"
            if clash == "error":
                raise RunExistsError(f"there is another run {source_id!r} already")
            if clash == "skip":
                return Merged(source_id, source_id, "skipped", digest, 0, 0, 0, 0, 0)
            if clash == "replace":
                from synadb.storage.versions import VersionTables

                VersionTables(db).forget_run(source_id)
                writing.delete_run(db, source_id)
                outcome = "replaced"
            else:
                target_id = _free(db, "runs", "run_id", source_id)
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
        files, artifacts = self._contents(db, run, made)
        artifacts += self._versions_of(db, run, made)
        self._ids[source_id] = target_id
        again = digest_of(_reader(db), made)
        if again != digest:
            raise CorruptStoreError(f"run {source_id!r}: the copy has another digest, {again}")
        (count,) = db.execute("select row_count from runs where id = ?", (made,)).fetchone()
        return Merged(
            source_id, target_id, outcome, digest, count, counts[1], files, artifacts, self._added
        )

    def _known(self, db: sqlite3.Connection, source_id: str, digest: str) -> str | None:
        for run_id in (self._digests.get(digest, source_id), source_id):
            row = db.execute(
                "select id, json_extract(metadata, '$.merged.digest') from runs where run_id = ?",
                (run_id,),
            ).fetchone()
            if row and (row[1] == digest or digest_of(_reader(db), row[0]) == digest):
                return run_id
        return None

    def _is_part(self, db: sqlite3.Connection, run: int, run_id: str) -> bool:
        """Whether what has a run's id is a copy of it from when it was still running."""
        who = "select created, host, pid, metadata from runs where "
        (*mine, _) = next(self._rows(who + "id = ?", (run,)))
        (*other, text) = db.execute(who + "run_id = ?", (run_id,)).fetchone()
        return mine == other and "state" in decode_json(text).get("merged", {})

    def _facts(self, db: sqlite3.Connection, run: int, target_id: str, digest: str) -> int:
        (row,) = self._rows(f"select run_id, {_FACTS}, metadata from runs where id = ?", (run,))
        facts, metadata = list(row[1:-1]), decode_json(row[-1])
        old = metadata.pop("merged", {})
        merged = {"digest": digest, "run_id": old.get("run_id", row[0])}
        merged |= {key: old[key] for key in ("sweep", "state") if key in old}
        sweep = metadata.get("sweep")
        if sweep is not None and self._sweeps.get(sweep, sweep) != sweep:
            merged.setdefault("sweep", sweep)
            metadata["sweep"] = self._sweeps[sweep]
        if facts[2] == "running":
            # Nobody will ever end the copy.
            merged["state"] = facts[2]
            facts[2] = "crashed"
        metadata["merged"] = merged
        places = ", ".join("?" * (len(facts) + 2))
        made = db.execute(
            f"insert into runs (run_id, {_FACTS}, metadata) values ({places})",
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
                self._added += sum(len(part) for part in parts[3:])
                for position, data in self._rows(
                    "select position, data from columns where chunk = ? order by position", (chunk,)
                ):
                    db.execute("insert into columns values (?, ?, ?)", (inserted, position, data))
                    self._added += len(data)

    # -- contents --------------------------------------------------------------------------------

    def _contents(self, db: sqlite3.Connection, run: int, made: int) -> tuple[int, int]:
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
            (data,) = next(self._rows("select data from blobs where id = ?", (blob,)))
            if hashlib.sha256(data).digest() != found[0]:
                raise CorruptStoreError(f"blob {blob} of the source is damaged: `synadb check` it")
            row = (
                db.execute(
                    "insert into blobs (digest, data) values (?, ?)", (found[0], data)
                ).lastrowid,
            )
            self._added += len(data)
        self._blobs[blob] = int(row[0])
        return self._blobs[blob]

    # -- artifact versions -----------------------------------------------------------------------

    def _versions_of(self, db: sqlite3.Connection, run: int, made: int) -> int:
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
        """All that no run brings, where everything is copied: collections, experiments."""
        self._blobs = {}
        for (collection,) in list(self._rows("select id from collections order by id")):
            self._collection(db, collection)
        db.executemany(
            "insert into experiments values (?, ?)"
            " on conflict do update set run_count = max(run_count, excluded.run_count)",
            self._rows("select name, run_count from experiments order by rowid"),
        )
        (left,) = next(
            self._rows("select count(*) from versions where state in ('draft', 'pending')")
        )
        if left:
            self.notes.append(f"{left} unfinished artifact version(s) are left out")

    def _selected(self, collection: int) -> list[tuple[Any, ...]]:
        """The versions of a collection that are wanted, in order of their numbers."""
        found = self._rows(
            "select id, uid, number, digest, size, file_count, run, step, created, updated, ttl,"
            " source, properties from versions where collection = ? and state = 'committed'"
            " order by number",
            (collection,),
        )
        if self._whole:
            return list(found)
        wanted = {
            version
            for run in self._chosen
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
            name = _free_collection(db, facts[0], f"{facts[1]}-{facts[2]}", facts[2])
            self.notes.append(
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
                self.notes.append(f"artifact {facts[1]}:v{number} is v{mine} there")
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
        if fresh and self._whole:
            following = max(following, facts[4])
        db.execute("update collections set next_number = ? where id = ?", (following, target))
        db.execute(
            "insert into aliases select collection, ?, id from versions where collection = ?"
            " and state = 'committed' order by number desc limit 1"
            " on conflict do update set version = excluded.version",
            (LATEST, target),
        )

    def _run_there(self, db: sqlite3.Connection, run: int | None) -> int | None:
        name = None if run is None else self._ids.get(self._chosen.get(run, ""))
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
                self.notes.append(f"the alias {alias} of an artifact stays where it was there")

    # -- sweeps ----------------------------------------------------------------------------------

    def look(self, db: sqlite3.Connection) -> None:
        """See what the target has: runs by their digests, and the ids that sweeps will have."""
        self._digests = dict(
            db.execute(
                "select json_extract(metadata, '$.merged.digest') as digest, run_id from runs"
                " where digest is not null"
            )
        )
        for sweep_id, created in list(self._rows("select sweep_id, created from sweeps")):
            self._sweeps[sweep_id] = self._sweep_there(db, sweep_id, created)

    def _sweep_there(self, db: sqlite3.Connection, sweep_id: str, created: float) -> str:
        for other, at, text in db.execute("select sweep_id, created, properties from sweeps"):
            merged = json.loads(text).get("merged")
            if at == created and sweep_id in (other, merged):
                return str(other)
        taken = db.execute("select 1 from sweeps where sweep_id = ?", (sweep_id,)).fetchone()
        return _free(db, "sweeps", "sweep_id", sweep_id) if taken else sweep_id

    def sweeps(self, db: sqlite3.Connection) -> int:
        """Copy the sweeps, or those of the runs, with their trials; returns how many are new."""
        wanted = None
        if not self._whole:
            wanted = {
                decode_json(text).get("sweep")
                for run in self._chosen
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
            target_id = self._sweeps[sweep_id]
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
                    (target, number, self._ids.get(run_id, run_id), *rest)
                    for number, run_id, *rest in self._rows(
                        "select number, run_id, params, point, state, agent, claimed, heartbeat,"
                        " properties from trials where sweep = ? order by number",
                        (sweep,),
                    )
                ),
            )
        return count


def _reader(db: sqlite3.Connection) -> Rows:
    def rows(sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Iterator[Any]:
        return iter(db.execute(sql, values))

    return rows


def _free(db: sqlite3.Connection, table: str, column: str, taken: str) -> str:
    """The first of ID-2, ID-3, ... that nobody has."""
    number = 2
    while db.execute(
        f"select 1 from {table} where {column} = ?", (f"{taken}-{number}",)
    ).fetchone():
        number += 1
    return f"{taken}-{number}"


def _free_collection(db: sqlite3.Connection, project: str, name: str, kind: str) -> str:
    number, candidate = 2, name
    while True:
        row = db.execute(
            "select type from collections where project = ? and name = ?", (project, candidate)
        ).fetchone()
        if row is None or row[0] == kind:
            return candidate
        candidate, number = f"{name}-{number}", number + 1

"""SQL of versioned artifacts, on one snapshot or inside one transaction of the caller's.

A draft is a row of `versions` without a collection, whose entries come in with as many transactions
as it takes; the one that publishes it gives it a number, and only then anybody sees it. Content is
referred to from the moment it is stored, by a draft's entries, so the collector needs no
rule for content beyond whether an entry refers to it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from synadb.artifact_records import (
    CollectionRecord,
    EntryRecord,
    VersionRecord,
    b64_md5,
    manifest_digest,
)
from synadb.errors import (
    ArtifactNotFoundError,
    CorruptStoreError,
    InvalidValueError,
    RunNotFoundError,
)
from synadb.storage import blobs
from synadb.storage.codec import decode_json, encode_json

__all__ = ["Incoming", "Order", "VersionTables", "delete_version", "measure"]

LATEST = "latest"
# Of a file that is still coming in: no file of the user's has such a path.
_UPLOAD = "\0"


class Incoming(NamedTuple):
    """What is to stand under a path: content (with its pieces unless it is stored) or a reference.

    A piece is (SHA-256, bytes), `blobs.CHUNK_BYTES` long, the last one shorter.
    """

    path: str
    sha256: bytes | None
    md5: bytes | None
    size: int | None
    pieces: Sequence[tuple[bytes, bytes]] | None
    digest: str | None
    reference: str | None
    extra: Mapping[str, Any]


class Order(NamedTuple):
    """What a version is to be, apart from its entries."""

    name: str
    type: str
    project: str | None
    run_id: str | None
    step: int | None
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    description: str | None
    metadata: dict[str, Any]
    ttl: float | None
    incremental: bool
    properties: dict[str, Any]


_VERSION = (
    "select v.id, v.collection, v.uid, c.project, c.name, c.type, v.number, v.state, v.digest,"
    " v.size, v.file_count, coalesce(s.properties, v.properties),"
    " case when v.source is null then v.ttl else s.ttl end, r.run_id, coalesce(s.step, v.step),"
    " v.created, coalesce(s.updated, v.updated), s.uid"
    " from versions v left join collections c on c.id = v.collection"
    " left join versions s on s.id = v.source"
    " left join runs r on r.id = case when v.source is null then v.run else s.run end"
)
_ENTRY = (
    "select e.path, e.digest, e.size, e.reference, e.extra, c.sha256, c.md5, c.size"
    " from entries e left join contents c on c.id = e.content"
)


class VersionTables:
    """The rows of `collections`, `versions` and what hangs on them; get one from `Store.versions`.

    A version is named by its uid; ArtifactNotFoundError when it is gone.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    # -- drafts ----------------------------------------------------------------------------------

    def begin(self, uid: str, owner: Mapping[str, Any], now: float) -> None:
        """Make the row of a draft; `owner` tells the collector whether somebody is at it."""
        self._db.execute(
            "insert into versions (uid, state, digest, size, file_count, created, updated,"
            " properties) values (?, 'draft', '', 0, 0, ?, ?, ?)",
            (uid, now, now, encode_json(dict(owner))),
        )

    def stage(
        self, uid: str, incoming: Iterable[Incoming], removed: Iterable[str], now: float
    ) -> None:
        """Take paths out of a draft, and put others in or in their place."""
        version = self._draft(uid)
        db = self._db
        db.executemany(
            "delete from entries where version = ? and path = ?",
            ((version, path) for path in removed),
        )
        for item in incoming:
            content = None if item.sha256 is None else self._content(item)
            self._put(version, item, content)
        db.execute("update versions set updated = ? where id = ?", (now, version))

    def begin_upload(self, uid: str, now: float) -> int:
        """A content whose pieces come in with `upload`, referred to until `end_upload`."""
        version = self._draft(uid)
        cursor = self._db.execute(
            "insert into contents (sha256, md5, size) values (?, x'', 0)", (os.urandom(16),)
        )
        content = int(cursor.lastrowid or 0)
        self._db.execute(
            "insert into entries (version, path, content) values (?, ?, ?)",
            (version, _UPLOAD + str(content), content),
        )
        self._db.execute("update versions set updated = ? where id = ?", (now, version))
        return content

    def upload(
        self, uid: str, content: int, position: int, pieces: Sequence[tuple[bytes, bytes]]
    ) -> None:
        """Add pieces to a content."""
        if not self._db.execute(
            "select 1 from entries where version = ? and path = ?",
            (self._draft(uid), _UPLOAD + str(content)),
        ).fetchone():
            raise _collected()
        self._add_pieces(content, position, pieces)

    def end_upload(self, uid: str, content: int, item: Incoming) -> None:
        """Put a content whose pieces are all there under its path."""
        version = self._draft(uid)
        db = self._db
        db.execute(
            "delete from entries where version = ? and path = ?", (version, _UPLOAD + str(content))
        )
        known = db.execute("select id from contents where sha256 = ?", (item.sha256,)).fetchone()
        if known:
            db.execute("delete from content_blobs where content = ?", (content,))
            db.execute("delete from contents where id = ?", (content,))
            content = known[0]
        else:
            db.execute(
                "update contents set sha256 = ?, md5 = ?, size = ? where id = ?",
                (item.sha256, item.md5, item.size, content),
            )
        self._put(version, item, content)

    def drop_upload(self, uid: str, content: int) -> None:
        """Forget an upload that will not be completed."""
        self._db.execute(
            "delete from entries where path = ?"
            " and version = (select id from versions where uid = ?)",
            (_UPLOAD + str(content), uid),
        )

    def discard(self, uids: Iterable[str]) -> None:
        """Delete drafts; the collector finds their content."""
        for (version,) in [
            row
            for uid in uids
            for row in self._db.execute(
                "select id from versions where uid = ? and state = 'draft'", (uid,)
            )
        ]:
            delete_version(self._db, version)

    def _draft(self, uid: str) -> int:
        row = self._db.execute(
            "select id from versions where uid = ? and state = 'draft'", (uid,)
        ).fetchone()
        if row is None:
            raise _collected()
        return int(row[0])

    def _content(self, item: Incoming) -> int:
        row = self._db.execute(
            "select id from contents where sha256 = ?", (item.sha256,)
        ).fetchone()
        if row:
            return int(row[0])
        if item.pieces is None:
            raise _collected()
        cursor = self._db.execute(
            "insert into contents (sha256, md5, size) values (?, ?, ?)",
            (item.sha256, item.md5, item.size),
        )
        content = int(cursor.lastrowid or 0)
        self._add_pieces(content, 0, item.pieces)
        return content

    def _add_pieces(
        self, content: int, position: int, pieces: Sequence[tuple[bytes, bytes]]
    ) -> None:
        for number, (digest, piece) in enumerate(pieces, position):
            self._db.execute(
                "insert into content_blobs values (?, ?, ?)",
                (content, number, blobs.put_blob(self._db, digest, piece)),
            )

    def _put(self, version: int, item: Incoming, content: int | None) -> None:
        self._db.execute(
            "insert or replace into entries values (?, ?, ?, ?, ?, ?, ?)",
            (
                version,
                item.path,
                content,
                item.digest,
                None if content is not None else item.size,
                item.reference,
                encode_json(dict(item.extra)) if item.extra else None,
            ),
        )

    # -- publishing ------------------------------------------------------------------------------

    def newest_digest(self, name: str, project: str) -> str | None:
        """The digest of a collection's newest version."""
        row = self._db.execute(
            "select v.digest from versions v join collections c on c.id = v.collection"
            " where c.project = ? and c.name = ? order by v.number desc limit 1",
            (project, name),
        ).fetchone()
        return str(row[0]) if row else None

    def again(self, order: Order, digest: str, now: float) -> VersionRecord | None:
        """The newest version with the order's aliases, if it has this very digest."""
        project = self.project_for(order)
        if self.newest_digest(order.name, project) != digest:
            return None
        collection = self._collection_for(project, order, now)
        (version,) = self._db.execute(
            "select id from versions where collection = ? order by number desc limit 1",
            (collection,),
        ).fetchone()
        self._log(version, collection, order, now)
        return self._one(version)

    def publish(self, uid: str, order: Order, count: int, now: float) -> VersionRecord:
        """Make a draft of `count` entries a version, or find that the newest one is the same."""
        version = self._draft(uid)
        self._db.execute(
            "delete from entries where version = ? and path >= ? and path < char(1)",
            (version, _UPLOAD),
        )
        if self._count(version) != count:
            raise _collected()
        return self._publish(version, order, now)

    def upsert(self, uid: str, shared: str, order: Order, count: int, now: float) -> VersionRecord:
        """Move a draft's entries to the pending version that `shared` names."""
        draft = self._draft(uid)
        if self._count(draft) != count:
            raise _collected()
        key = _shared_key(self.project_for(order), order.name, shared)
        run = None if order.run_id is None else self._run(order.run_id)[0]
        db = self._db
        row = db.execute(
            "select id, properties from versions where shared = ? and state = 'pending'", (key,)
        ).fetchone()
        if row is None:
            version = draft
            db.execute(
                "update versions set state = 'pending', shared = ?, run = ?, step = ? where id = ?",
                (key, run, order.step, draft),
            )
        else:
            version = row[0]
            known = _order(decode_json(row[1]))
            if known.type != order.type:
                raise _other_type(order, known.type, self.project_for(order))
            order = _joined(known, order)
            db.execute(
                "update or replace entries set version = ? where version = ?", (version, draft)
            )
            delete_version(db, draft)
        order = order._replace(project=self.project_for(order))
        db.execute(
            "update versions set properties = ?, ttl = ?, updated = ? where id = ?",
            (encode_json({"order": order._asdict()}), order.ttl, now, version),
        )
        self._measure(version)
        if run is not None:
            self._note(run, version, "output", None, now)
        return self._one(version)

    def finish(self, name: str, project: str, shared: str, now: float) -> VersionRecord:
        """Publish a pending version; once more is no error."""
        key = _shared_key(project, name, shared)
        row = self._db.execute(
            "select id, properties, state from versions where shared = ?"
            " order by state = 'pending' desc, number desc limit 1",
            (key,),
        ).fetchone()
        if row is None:
            raise ArtifactNotFoundError(
                f"project {project!r} has no pending version {shared!r} of {name!r}"
            )
        version, properties, state = row
        if state == "committed":
            return self._one(version)
        # The run may have been renamed, or deleted, since.
        (run_id,) = self._db.execute(
            "select r.run_id from versions v left join runs r on r.id = v.run where v.id = ?",
            (version,),
        ).fetchone()
        order = _order(decode_json(properties))._replace(run_id=run_id)
        found = self._publish(version, order, now)
        self._db.execute("update versions set shared = ? where uid = ?", (key, found.uid))
        return found

    def _publish(self, version: int, order: Order, now: float) -> VersionRecord:
        db = self._db
        project = self.project_for(order)
        collection = self._collection_for(project, order, now)
        newest = db.execute(
            "select id, digest, coalesce(source, id) from versions where collection = ?"
            " order by number desc limit 1",
            (collection,),
        ).fetchone()
        if order.incremental and newest:
            db.execute(
                "insert or ignore into entries select ?, path, content, digest, size, reference,"
                " extra from entries where version = ?",
                (version, newest[2]),
            )
        digest = self._measure(version)
        if newest and newest[1] == digest:
            for run, at in db.execute(
                "select run, time from lineage where version = ?", (version,)
            ).fetchall():
                self._note(run, newest[2], "output", None, at)
            delete_version(db, version)
            self._log(newest[0], collection, order, now)
            return self._one(newest[0])
        (number,) = db.execute(
            "select next_number from collections where id = ?", (collection,)
        ).fetchone()
        db.execute("update collections set next_number = ? where id = ?", (number + 1, collection))
        db.execute(
            "update versions set collection = ?, number = ?, state = 'committed', run = ?,"
            " step = ?, ttl = ?, created = ?, updated = ?, properties = ? where id = ?",
            (
                collection,
                number,
                None if order.run_id is None else self._run(order.run_id)[0],
                order.step,
                order.ttl,
                now,
                now,
                encode_json(
                    {
                        "description": order.description,
                        "metadata": order.metadata,
                        "tags": list(order.tags),
                        "more": order.properties,
                    }
                ),
                version,
            ),
        )
        self._set_alias(collection, LATEST, version)
        self._log(version, collection, order, now)
        return self._one(version)

    def _log(self, version: int, collection: int, order: Order, now: float) -> None:
        """What logging does to a version, whether it is new or not."""
        self._add_aliases(version, collection, order.aliases)
        if order.run_id is not None:
            source = self._source(version)
            self._note(self._run(order.run_id)[0], source, "output", None, now)

    def project_for(self, order: Order) -> str:
        """The project that is meant: its own, the run's, or "default"; RunNotFoundError."""
        if order.project is not None:
            return order.project
        return "default" if order.run_id is None else self._run(order.run_id)[1]

    def _run(self, run_id: str) -> tuple[int, str]:
        row = self._db.execute(
            "select id, experiment from runs where run_id = ?", (run_id,)
        ).fetchone()
        if row is None:
            raise RunNotFoundError(f"no run has the id {run_id!r}")
        return int(row[0]), str(row[1])

    def _collection_for(self, project: str, order: Order, now: float) -> int:
        row = self._db.execute(
            "select id, type from collections where project = ? and name = ?", (project, order.name)
        ).fetchone()
        if row is None:
            return self._make_collection(project, order.name, order.type, {}, now)
        if row[1] != order.type:
            raise _other_type(order, row[1], project)
        return int(row[0])

    def _make_collection(
        self, project: str, name: str, kind: str, properties: Mapping[str, Any], now: float
    ) -> int:
        cursor = self._db.execute(
            "insert into collections (project, name, type, created, next_number, properties)"
            " values (?, ?, ?, ?, 0, ?)",
            (project, name, kind, now, encode_json(dict(properties))),
        )
        return int(cursor.lastrowid or 0)

    def _count(self, version: int) -> int:
        (count,) = self._db.execute(
            "select count(*) from entries where version = ?", (version,)
        ).fetchone()
        return int(count)

    def _measure(self, version: int) -> str:
        """Note a version's digest, size and number of entries; returns the digest."""
        size, pairs = measure(self._db, version)
        digest = manifest_digest(pairs)
        self._db.execute(
            "update versions set digest = ?, size = ?, file_count = ? where id = ?",
            (digest, size, len(pairs), version),
        )
        return digest

    # -- changing --------------------------------------------------------------------------------

    def update(self, uid: str, changes: Mapping[str, Any], now: float) -> None:
        """Replace description, metadata, tags or ttl; `more` is merged, None removes a key."""
        source = self._source(self._id(uid))
        (text,) = self._db.execute(
            "select properties from versions where id = ?", (source,)
        ).fetchone()
        properties = decode_json(text)
        for key, value in changes.items():
            if key == "ttl":
                self._db.execute("update versions set ttl = ? where id = ?", (value, source))
            elif key == "more":
                properties["more"] = _merged(properties.get("more", {}), value)
            else:
                properties[key] = value
        self._db.execute(
            "update versions set properties = ?, updated = ? where id = ?",
            (encode_json(properties), now, source),
        )

    def set_aliases(self, uid: str, added: Iterable[str], removed: Iterable[str]) -> None:
        """Give a version aliases, wherever they were, and take others from it."""
        version = self._id(uid)
        (collection,) = self._db.execute(
            "select collection from versions where id = ?", (version,)
        ).fetchone()
        self._db.executemany(
            "delete from aliases where collection = ? and alias = ? and version = ?",
            ((collection, alias, version) for alias in removed),
        )
        self._add_aliases(version, collection, added)

    def _add_aliases(self, version: int, collection: int, aliases: Iterable[str]) -> None:
        (number,) = self._db.execute(
            "select number from versions where id = ?", (version,)
        ).fetchone()
        for alias in aliases:
            if _number(alias) is None:
                self._set_alias(collection, alias, version)
            elif _number(alias) != number:
                raise InvalidValueError(
                    f"{alias!r} cannot be an alias of version v{number}: it names another version"
                )

    def _set_alias(self, collection: int, alias: str, version: int) -> None:
        self._db.execute(
            "insert or replace into aliases values (?, ?, ?)", (collection, alias, version)
        )

    def delete(self, uid: str) -> None:
        """Delete a version and the links to it; of a link, the link."""
        delete_version(self._db, self._id(uid))

    def link(
        self, uid: str, name: str, project: str, aliases: Iterable[str], now: float
    ) -> VersionRecord:
        """Let a version stand in another collection too."""
        db = self._db
        source = self._source(self._id(uid))
        collection, kind = db.execute(
            "select c.id, c.type from versions v join collections c on c.id = v.collection"
            " where v.id = ?",
            (source,),
        ).fetchone()
        order = _order({"order": {"name": name, "type": kind, "project": project}})
        target = self._collection_for(project, order, now)
        if target == collection:
            self._add_aliases(source, collection, aliases)
            return self._one(source)
        row = db.execute(
            "select id from versions where source = ? and collection = ?", (source, target)
        ).fetchone()
        if row is None:
            (number,) = db.execute(
                "select next_number from collections where id = ?", (target,)
            ).fetchone()
            db.execute("update collections set next_number = ? where id = ?", (number + 1, target))
            cursor = db.execute(
                "insert into versions (uid, collection, number, state, digest, size, file_count,"
                " created, updated, source, properties) select ?, ?, ?, 'committed', digest, size,"
                " file_count, ?, ?, id, '{}' from versions where id = ?",
                (os.urandom(16).hex(), target, number, now, now, source),
            )
            row = (int(cursor.lastrowid or 0),)
            self._set_alias(target, LATEST, row[0])
        self._add_aliases(row[0], target, aliases)
        return self._one(row[0])

    # -- reading ---------------------------------------------------------------------------------

    def find(self, uid: str) -> VersionRecord | None:
        """A version, pending ones too."""
        found = self._records("v.uid = ? and v.state != 'draft'", (uid,))
        return found[0] if found else None

    def _one(self, version: int) -> VersionRecord:
        return self._records("v.id = ?", (version,))[0]

    def get(self, name: str, selector: str | None, project: str | None) -> list[VersionRecord]:
        """The versions of that name and alias or number, one a project at most."""
        number = _number(selector) if selector else None
        where = "c.name = ? and v.state = 'committed'"
        values: list[Any] = [name]
        if project is not None:
            where += " and c.project = ?"
            values.append(project)
        newest = "(select max(number) from versions where collection = c.id)"
        if number is not None:
            where += " and v.number = ?"
            values.append(number)
        elif selector in (None, LATEST):
            # Should somebody have taken `latest` away, the newest one it is.
            where += (
                " and v.number = coalesce((select l.number from aliases a join versions l"
                " on l.id = a.version where a.collection = c.id and a.alias = 'latest'), "
                f"{newest})"
            )
        else:
            where += (
                " and v.id = (select version from aliases where collection = c.id and alias = ?)"
            )
            values.append(selector)
        return self._records(where, values)

    def list_versions(
        self, name: str | None, project: str | None, kind: str | None
    ) -> list[VersionRecord]:
        """Versions by project and collection, the newest first."""
        where, values = _where(("c.name", name), ("c.project", project), ("c.type", kind))
        return self._records(f"v.state = 'committed'{where}", values)

    def links(self, uid: str) -> list[VersionRecord]:
        """The links to a version."""
        return self._records("v.source = ?", (self._source(self._id(uid)),))

    def _records(self, where: str, values: Sequence[Any]) -> list[VersionRecord]:
        return list(self._numbered(where, values).values())

    def _numbered(self, where: str, values: Sequence[Any]) -> dict[int, VersionRecord]:
        """Versions by their row, in the order of project, collection and number, newest first."""
        rows = self._db.execute(
            f"{_VERSION} where {where} order by c.project, c.name, v.number desc", values
        ).fetchall()
        aliases: dict[int, list[str]] = {}
        for collection in {row[1] for row in rows if row[1] is not None}:
            one = " and version = ?" if len(rows) == 1 else ""
            for version, alias in self._db.execute(
                f"select version, alias from aliases where collection = ?{one} order by alias",
                (collection, rows[0][0]) if one else (collection,),
            ):
                aliases.setdefault(version, []).append(alias)
        return {row[0]: _record(row, aliases.get(row[0], ())) for row in rows}

    def _id(self, uid: str) -> int:
        row = self._db.execute(
            "select id from versions where uid = ? and state = 'committed'", (uid,)
        ).fetchone()
        if row is None:
            raise ArtifactNotFoundError(f"the version {uid} has been deleted")
        return int(row[0])

    def _source(self, version: int) -> int:
        (source,) = self._db.execute(
            "select coalesce(source, id) from versions where id = ?", (version,)
        ).fetchone()
        return int(source)

    def entries(self, uid: str, prefix: str = "") -> list[EntryRecord]:
        """The entries of a version by path."""
        where, values = "", [self._held(uid)]
        if prefix:
            where = " and e.path >= ? and substr(e.path, 1, length(?)) = ?"
            values += [prefix, prefix, prefix]
        rows = self._db.execute(f"{_ENTRY} where e.version = ?{where} order by e.path", values)
        return [_entry(row) for row in rows]

    def entry(self, uid: str, path: str) -> EntryRecord | None:
        """One entry of a version."""
        row = self._db.execute(
            f"{_ENTRY} where e.version = ? and e.path = ?", (self._held(uid), path)
        ).fetchone()
        return _entry(row) if row else None

    def _held(self, uid: str) -> Any:
        """The version that holds the entries of a version or draft."""
        row = self._db.execute(
            "select coalesce(source, id) from versions where uid = ?", (uid,)
        ).fetchone()
        if row is None:
            raise ArtifactNotFoundError(f"the version {uid} has been deleted")
        return row[0]

    def pieces(self, sha256: str) -> list[int]:
        """The blobs of a content in order; CorruptStoreError."""
        row = self._db.execute(
            "select id, size from contents where sha256 = ?", (bytes.fromhex(sha256),)
        ).fetchone()
        if row is None:
            raise _gone(sha256)
        found = self._db.execute(
            "select b.id, length(b.data) from content_blobs p join blobs b on b.id = p.blob"
            " where p.content = ? order by p.position",
            row[:1],
        ).fetchall()
        if sum(length for _, length in found) != row[1]:
            raise CorruptStoreError(f"content {sha256}: its pieces do not add up to its size")
        return [blob for blob, _ in found]

    def piece(self, blob: int, name: str) -> bytes:
        """One piece, verified."""
        return blobs.read(self._db, blob, name)

    def small(self, wanted: Iterable[str]) -> dict[str, bytes]:
        """The contents with these SHA-256 that are one piece, verified."""
        import hashlib

        found = {}
        for sha256 in wanted:
            raw = bytes.fromhex(sha256)
            # A content of one piece has the digest of that piece.
            row = self._db.execute("select data from blobs where digest = ?", (raw,)).fetchone()
            data = row[0] if row else b""
            if hashlib.sha256(data).digest() != raw:
                raise CorruptStoreError(f"content {sha256} is missing or damaged") from None
            found[sha256] = data
        return found

    # -- collections -----------------------------------------------------------------------------

    def collections(
        self, name: str | None = None, project: str | None = None, kind: str | None = None
    ) -> list[CollectionRecord]:
        """Collections by project and name."""
        where, values = _where(("name", name), ("project", project), ("type", kind))
        rows = self._db.execute(
            "select id, project, name, type, created, properties, (select max(number) from versions"
            " where collection = c.id), (select count(*) from versions where collection = c.id)"
            f" from collections c where 1{where} order by project, name",
            values,
        ).fetchall()
        records = []
        for key, in_project, called, of_type, created, text, newest, count in rows:
            properties = decode_json(text)
            aliases = self._db.execute(
                "select alias from aliases where collection = ? order by alias", (key,)
            )
            records.append(
                CollectionRecord(
                    in_project,
                    called,
                    of_type,
                    properties.get("description"),
                    created,
                    newest,
                    count,
                    tuple(alias for (alias,) in aliases),
                    tuple(properties.get("tags", ())),
                    properties.get("more", {}),
                )
            )
        return records

    def add_collection(
        self, name: str, project: str, kind: str, properties: Mapping[str, Any], now: float
    ) -> None:
        """Make an empty collection unless there is one of that type."""
        order = _order({"order": {"name": name, "type": kind, "project": project}})
        known = self._db.execute(
            "select 1 from collections where project = ? and name = ?", (project, name)
        ).fetchone()
        if not known:
            self._make_collection(project, name, kind, properties, now)
        self._collection_for(project, order, now)

    def update_collection(self, name: str, project: str, changes: Mapping[str, Any]) -> None:
        """Replace name, type, description or tags; `more` is merged, None removes a key."""
        db = self._db
        key = self._collection(name, project)
        (text,) = db.execute("select properties from collections where id = ?", (key,)).fetchone()
        properties = decode_json(text)
        for field, value in changes.items():
            if field == "name":
                if (
                    value != name
                    and db.execute(
                        "select 1 from collections where project = ? and name = ?", (project, value)
                    ).fetchone()
                ):
                    raise InvalidValueError(f"project {project!r} has a {value!r} already")
                db.execute("update collections set name = ? where id = ?", (value, key))
            elif field == "type":
                db.execute("update collections set type = ? where id = ?", (value, key))
            elif field == "more":
                properties["more"] = _merged(properties.get("more", {}), value)
            else:
                properties[field] = value
        db.execute(
            "update collections set properties = ? where id = ?", (encode_json(properties), key)
        )

    def delete_collection(self, name: str, project: str) -> None:
        """Delete a collection with its versions and the links to them."""
        key = self._collection(name, project)
        for (version,) in self._db.execute(
            "select id from versions where collection = ?", (key,)
        ).fetchall():
            delete_version(self._db, version, move_latest=False)
        self._db.execute("delete from collections where id = ?", (key,))

    def _collection(self, name: str, project: str) -> int:
        row = self._db.execute(
            "select id from collections where project = ? and name = ?", (project, name)
        ).fetchone()
        if row is None:
            raise ArtifactNotFoundError(f"project {project!r} has no artifact {name!r}")
        return int(row[0])

    # -- lineage ---------------------------------------------------------------------------------

    def use(self, uid: str, run_id: str, use_as: str | None, now: float) -> None:
        """Note that a run uses a version."""
        self._note(self._run(run_id)[0], self._source(self._id(uid)), "input", use_as, now)

    def made_by(self, uid: str, run_id: str, now: float) -> None:
        """Note that a run has logged a version that is there; its maker, if it has none."""
        run, version = self._run(run_id)[0], self._id(uid)
        self._db.execute("update versions set run = ? where id = ? and run is null", (run, version))
        self._note(run, version, "output", None, now)

    def _note(self, run: int, version: int, role: str, use_as: str | None, now: float) -> None:
        self._db.execute(
            "insert into lineage (run, version, role, use_as, time) values (?, ?, ?, ?, ?)"
            " on conflict do update set use_as = coalesce(excluded.use_as, use_as)",
            (run, version, role, use_as, now),
        )

    def used_by(self, uid: str) -> list[str]:
        """The runs that use a version."""
        rows = self._db.execute(
            "select r.run_id from lineage l join runs r on r.id = l.run"
            " where l.version = ? and l.role = 'input' order by l.time, r.id",
            (self._source(self._id(uid)),),
        )
        return [run_id for (run_id,) in rows]

    def forget_run(self, run_id: str) -> None:
        """Take a run that is being deleted out of the versions and the lineage."""
        run, _ = self._run(run_id)
        self._db.execute("update versions set run = null where run = ?", (run,))
        self._db.execute("delete from lineage where run = ?", (run,))

    def of_run(self, run_id: str, role: str) -> list[tuple[VersionRecord, str | None]]:
        """The versions that a run used (`input`) or logged (`output`), each with its `use_as`."""
        run, _ = self._run(run_id)
        mine = "select version from lineage where run = ? and role = ?"
        found = self._numbered(f"v.state = 'committed' and v.id in ({mine})", (run, role))
        rows = self._db.execute(
            "select version, use_as from lineage where run = ? and role = ? order by time, version",
            (run, role),
        )
        return [(found[version], use_as) for version, use_as in rows if version in found]


def measure(db: sqlite3.Connection, version: int) -> tuple[int, list[tuple[str, str]]]:
    """The size of a version's entries, and its (path, digest) pairs."""
    size = 0
    pairs = []
    for path, digest, own_size, md5, content_size in db.execute(
        "select e.path, e.digest, e.size, c.md5, c.size from entries e"
        " left join contents c on c.id = e.content where e.version = ?",
        (version,),
    ):
        size += (own_size if md5 is None else content_size) or 0
        pairs.append((path, digest if md5 is None else b64_md5(md5)))
    return size, pairs


def delete_version(db: sqlite3.Connection, version: int, *, move_latest: bool = True) -> None:
    """Delete a version, the links to it and all that refers to it."""
    for (link,) in db.execute("select id from versions where source = ?", (version,)).fetchall():
        delete_version(db, link)
    row = db.execute("select collection from versions where id = ?", (version,)).fetchone()
    if row is None:  # a link that has gone with its source
        return
    (collection,) = row
    was_latest = db.execute(
        "select 1 from aliases where collection = ? and alias = ? and version = ?",
        (collection, LATEST, version),
    ).fetchone()
    db.execute("delete from aliases where collection = ? and version = ?", (collection, version))
    db.execute("delete from lineage where version = ?", (version,))
    db.execute("delete from entries where version = ?", (version,))
    db.execute("delete from versions where id = ?", (version,))
    if was_latest and move_latest:
        db.execute(
            "insert into aliases select collection, ?, id from versions where collection = ?"
            " order by number desc limit 1",
            (LATEST, collection),
        )


def _record(row: Sequence[Any], aliases: Sequence[str]) -> VersionRecord:
    (_, _, uid, project, name, kind, number, state, digest, size, count, text, ttl, *rest) = row
    properties = decode_json(text)
    if state == "pending":
        order = properties["order"]
        project, name, kind, number = order["project"], order["name"], order["type"], -1
        properties, aliases = {**order, "more": order["properties"]}, order["aliases"]
    run_id, step, created, updated, source = rest
    return VersionRecord(
        uid,
        project,
        name,
        kind,
        number,
        state,
        digest,
        size,
        count,
        properties.get("description"),
        properties.get("metadata", {}),
        tuple(properties.get("tags", ())),
        tuple(aliases),
        ttl,
        run_id,
        step,
        created,
        updated,
        source,
        properties.get("more", {}),
    )


def _entry(row: Sequence[Any]) -> EntryRecord:
    path, digest, size, reference, extra, sha256, md5, content_size = row
    return EntryRecord(
        path,
        digest if md5 is None else b64_md5(md5),
        size if md5 is None else content_size,
        None if sha256 is None else sha256.hex(),
        reference,
        decode_json(extra) if extra else {},
    )


def _order(properties: Mapping[str, Any]) -> Order:
    fields = dict.fromkeys(Order._fields) | {
        "aliases": (),
        "tags": (),
        "metadata": {},
        "incremental": False,
        "properties": {},
    }
    return Order(**{**fields, **properties["order"]})


def _joined(known: Order, more: Order) -> Order:
    """What several processes have said about one version."""
    return more._replace(
        run_id=known.run_id,
        step=known.step if more.step is None else more.step,
        aliases=tuple(dict.fromkeys([*known.aliases, *more.aliases])),
        tags=tuple(dict.fromkeys([*known.tags, *more.tags])),
        description=known.description if more.description is None else more.description,
        metadata={**known.metadata, **more.metadata},
        ttl=known.ttl if more.ttl is None else more.ttl,
        incremental=known.incremental or more.incremental,
        properties={**known.properties, **more.properties},
    )


def _shared_key(project: str, name: str, shared: str) -> str:
    return encode_json([project, name, shared])


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**old, **new}.items() if value is not None}


def _where(*conditions: tuple[str, str | None]) -> tuple[str, list[str]]:
    known = [(column, value) for column, value in conditions if value is not None]
    return "".join(f" and {column} = ?" for column, _ in known), [value for _, value in known]


def _number(text: str) -> int | None:
    """The number that `v3` names."""
    digits = text[1:]
    if text[:1] != "v" or not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        return None
    return int(digits)


def _other_type(order: Order, kind: str, project: str) -> InvalidValueError:
    return InvalidValueError(
        f"{order.name!r} already exists with type {kind!r} in project {project!r}, so it cannot"
        f" have a version of type {order.type!r}; use that type or another name"
    )


def _collected() -> CorruptStoreError:
    return CorruptStoreError(
        "the content of a draft is no longer in the database: it was collected as abandoned, or the"
        " draft has been discarded; put it together anew"
    )


def _gone(sha256: str) -> CorruptStoreError:
    return CorruptStoreError(
        f"content {sha256} is not in the database: the version has been deleted meanwhile, or run"
        " `synadb check`"
    )

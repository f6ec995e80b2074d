"""SQL that makes drafts versions: numbered, with aliases, and noted as a run's.

Only the transaction that publishes a draft gives it a number, and only then anybody sees it. A
pending version is one to which several processes add drafts until one of them finishes it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

from synadb.artifact_records import VersionRecord, manifest_digest
from synadb.errors import ArtifactNotFoundError
from synadb.storage.artifact_collections import check_type, collection_for, take_number
from synadb.storage.codec import decode_json, encode_json
from synadb.storage.drafts import whole_draft
from synadb.storage.lineage import note
from synadb.storage.version_rows import (
    LATEST,
    add_aliases,
    delete_version,
    measure,
    one,
    run_of,
    set_alias,
    source_of,
)

__all__ = ["Order", "Publishing"]


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


class Publishing:
    """What makes drafts versions that others see."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def newest_digest(self, order: Order) -> str | None:
        """The digest of the newest version in the order's collection."""
        row = self._db.execute(
            "select v.digest from versions v join collections c on c.id = v.collection"
            " where c.project = ? and c.name = ? order by v.number desc limit 1",
            (self._project(order), order.name),
        ).fetchone()
        return str(row[0]) if row else None

    def again(self, order: Order, digest: str, now: float) -> VersionRecord | None:
        """The newest version with the order's aliases, if it has this very digest."""
        if self.newest_digest(order) != digest:
            return None
        collection = collection_for(self._db, self._project(order), order.name, order.type, now)
        (version,) = self._db.execute(
            "select id from versions where collection = ? order by number desc limit 1",
            (collection,),
        ).fetchone()
        _log(self._db, version, collection, order, now)
        return one(self._db, version)

    def publish(self, uid: str, order: Order, count: int, now: float) -> VersionRecord:
        """Make a draft of `count` entries a version, or find that the newest one is the same."""
        version = whole_draft(self._db, uid, count)
        return _publish(self._db, version, self._project(order), order, now)

    def upsert(self, uid: str, shared: str, order: Order, count: int, now: float) -> VersionRecord:
        """Move a draft's entries to the pending version that `shared` names."""
        draft = whole_draft(self._db, uid, count)
        key = _shared_key(self._project(order), order.name, shared)
        run = None if order.run_id is None else run_of(self._db, order.run_id)[0]
        row = self._db.execute(
            "select id, properties from versions where shared = ? and state = 'pending'", (key,)
        ).fetchone()
        if row is None:
            version = draft
            self._db.execute(
                "update versions set state = 'pending', shared = ?, run = ?, step = ? where id = ?",
                (key, run, order.step, draft),
            )
        else:
            version = row[0]
            known = _order(decode_json(row[1]))
            check_type(self._project(order), order.name, known.type, order.type)
            order = _joined(known, order)
            self._db.execute(
                "update or replace entries set version = ? where version = ?", (version, draft)
            )
            delete_version(self._db, draft)
        order = order._replace(project=self._project(order))
        self._db.execute(
            "update versions set properties = ?, ttl = ?, updated = ? where id = ?",
            (encode_json({"order": order._asdict()}), order.ttl, now, version),
        )
        _note_measure(self._db, version)
        if run is not None:
            note(self._db, run, version, "output", None, now)
        return one(self._db, version)

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
            return one(self._db, version)
        # The run may have been renamed, or deleted, since.
        (run_id,) = self._db.execute(
            "select r.run_id from versions v left join runs r on r.id = v.run where v.id = ?",
            (version,),
        ).fetchone()
        order = _order(decode_json(properties))._replace(run_id=run_id)
        found = _publish(self._db, version, self._project(order), order, now)
        self._db.execute("update versions set shared = ? where uid = ?", (key, found.uid))
        return found

    def _project(self, order: Order) -> str:
        """The project that is meant: its own, the run's, or "default"; RunNotFoundError."""
        if order.project is not None:
            return order.project
        return "default" if order.run_id is None else run_of(self._db, order.run_id)[1]


def _publish(
    db: sqlite3.Connection, version: int, project: str, order: Order, now: float
) -> VersionRecord:
    collection = collection_for(db, project, order.name, order.type, now)
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
    digest = _note_measure(db, version)
    if newest and newest[1] == digest:
        for run, at in db.execute(
            "select run, time from lineage where version = ?", (version,)
        ).fetchall():
            note(db, run, newest[2], "output", None, at)
        delete_version(db, version)
        _log(db, newest[0], collection, order, now)
        return one(db, newest[0])
    db.execute(
        "update versions set collection = ?, number = ?, state = 'committed', run = ?,"
        " step = ?, ttl = ?, created = ?, updated = ?, properties = ? where id = ?",
        (
            collection,
            take_number(db, collection),
            None if order.run_id is None else run_of(db, order.run_id)[0],
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
    set_alias(db, collection, LATEST, version)
    _log(db, version, collection, order, now)
    return one(db, version)


def _log(db: sqlite3.Connection, version: int, collection: int, order: Order, now: float) -> None:
    """What logging does to a version, whether it is new or not."""
    add_aliases(db, version, collection, order.aliases)
    if order.run_id is not None:
        source = source_of(db, version)
        note(db, run_of(db, order.run_id)[0], source, "output", None, now)


def _note_measure(db: sqlite3.Connection, version: int) -> str:
    """Note a version's digest, size and number of entries; returns the digest."""
    size, pairs = measure(db, version)
    digest = manifest_digest(pairs)
    db.execute(
        "update versions set digest = ?, size = ?, file_count = ? where id = ?",
        (digest, size, len(pairs), version),
    )
    return digest


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

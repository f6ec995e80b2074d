"""SQL of collections: the names under which versions of artifacts are numbered."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from synadb.artifact_records import CollectionRecord
from synadb.errors import ArtifactNotFoundError, InvalidValueError
from synadb.storage.codec import decode_json, encode_json
from synadb.storage.version_rows import delete_version, merged, where_of

__all__ = ["Collections", "check_type", "collection_for", "take_number"]


class Collections:
    """The collections of a database, named by their name and project."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(
        self, name: str | None = None, project: str | None = None, kind: str | None = None
    ) -> list[CollectionRecord]:
        """Collections by project and name."""
        where, values = where_of(("name", name), ("project", project), ("type", kind))
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

    def add(
        self, name: str, project: str, kind: str, properties: Mapping[str, Any], now: float
    ) -> None:
        """Make an empty collection unless there is one of that type."""
        known = self._db.execute(
            "select 1 from collections where project = ? and name = ?", (project, name)
        ).fetchone()
        if not known:
            _make(self._db, project, name, kind, properties, now)
        collection_for(self._db, project, name, kind, now)

    def update(self, name: str, project: str, changes: Mapping[str, Any]) -> None:
        """Replace name, type, description or tags; `more` is merged, None removes a key."""
        db = self._db
        key = _collection(self._db, name, project)
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
                properties["more"] = merged(properties.get("more", {}), value)
            else:
                properties[field] = value
        db.execute(
            "update collections set properties = ? where id = ?", (encode_json(properties), key)
        )

    def delete(self, name: str, project: str) -> None:
        """Delete a collection with its versions and the links to them."""
        key = _collection(self._db, name, project)
        for (version,) in self._db.execute(
            "select id from versions where collection = ?", (key,)
        ).fetchall():
            delete_version(self._db, version, move_latest=False)
        self._db.execute("delete from collections where id = ?", (key,))


def collection_for(db: sqlite3.Connection, project: str, name: str, kind: str, now: float) -> int:
    """The row of a collection, made if there is none; InvalidValueError for one of another type."""
    row = db.execute(
        "select id, type from collections where project = ? and name = ?", (project, name)
    ).fetchone()
    if row is None:
        return _make(db, project, name, kind, {}, now)
    check_type(project, name, row[1], kind)
    return int(row[0])


def check_type(project: str, name: str, there: str, kind: str) -> None:
    """A name stands for one type in a project; InvalidValueError."""
    if there != kind:
        raise InvalidValueError(
            f"{name!r} already exists with type {there!r} in project {project!r}, so it cannot"
            f" have a version of type {kind!r}; use that type or another name"
        )


def take_number(db: sqlite3.Connection, collection: int) -> int:
    """The number of the next version, which is never given out again."""
    (number,) = db.execute(
        "select next_number from collections where id = ?", (collection,)
    ).fetchone()
    db.execute("update collections set next_number = ? where id = ?", (number + 1, collection))
    return int(number)


def _make(
    db: sqlite3.Connection,
    project: str,
    name: str,
    kind: str,
    properties: Mapping[str, Any],
    now: float,
) -> int:
    cursor = db.execute(
        "insert into collections (project, name, type, created, next_number, properties)"
        " values (?, ?, ?, ?, 0, ?)",
        (project, name, kind, now, encode_json(dict(properties))),
    )
    return int(cursor.lastrowid or 0)


def _collection(db: sqlite3.Connection, name: str, project: str) -> int:
    row = db.execute(
        "select id from collections where project = ? and name = ?", (project, name)
    ).fetchone()
    if row is None:
        raise ArtifactNotFoundError(f"project {project!r} has no artifact {name!r}")
    return int(row[0])

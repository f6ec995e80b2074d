"""SQL that versions of artifacts share: from rows to records, from names to rows, aliases."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from synadb.artifact_records import EntryRecord, VersionRecord, b64_md5
from synadb.errors import ArtifactNotFoundError, InvalidValueError, RunNotFoundError
from synadb.storage.codec import decode_json

__all__ = [
    "LATEST",
    "add_aliases",
    "delete_version",
    "entries_of",
    "held_by",
    "id_of",
    "measure",
    "merged",
    "number_of",
    "numbered",
    "one",
    "records",
    "run_of",
    "set_alias",
    "source_of",
    "where_of",
]

LATEST = "latest"

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


def numbered(db: sqlite3.Connection, where: str, values: Sequence[Any]) -> dict[int, VersionRecord]:
    """Versions by their row, in the order of project, collection and number, newest first."""
    rows = db.execute(
        f"{_VERSION} where {where} order by c.project, c.name, v.number desc", values
    ).fetchall()
    aliases: dict[int, list[str]] = {}
    for collection in {row[1] for row in rows if row[1] is not None}:
        one = " and version = ?" if len(rows) == 1 else ""
        for version, alias in db.execute(
            f"select version, alias from aliases where collection = ?{one} order by alias",
            (collection, rows[0][0]) if one else (collection,),
        ):
            aliases.setdefault(version, []).append(alias)
    return {row[0]: _record(row, aliases.get(row[0], ())) for row in rows}


def records(db: sqlite3.Connection, where: str, values: Sequence[Any]) -> list[VersionRecord]:
    """The versions of an SQL condition, by project, collection and number, the newest first."""
    return list(numbered(db, where, values).values())


def one(db: sqlite3.Connection, version: int) -> VersionRecord:
    """The version of a row."""
    return records(db, "v.id = ?", (version,))[0]


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


def entries_of(db: sqlite3.Connection, where: str, values: Sequence[Any]) -> list[EntryRecord]:
    """Entries by path, of the version that holds them."""
    return [_entry(row) for row in db.execute(f"{_ENTRY} where {where} order by e.path", values)]


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


def id_of(db: sqlite3.Connection, uid: str) -> int:
    """The row of a version."""
    row = db.execute(
        "select id from versions where uid = ? and state = 'committed'", (uid,)
    ).fetchone()
    if row is None:
        raise ArtifactNotFoundError(f"the version {uid} has been deleted")
    return int(row[0])


def source_of(db: sqlite3.Connection, version: int) -> int:
    """The row of what a link links to; of any other version its own."""
    (source,) = db.execute(
        "select coalesce(source, id) from versions where id = ?", (version,)
    ).fetchone()
    return int(source)


def held_by(db: sqlite3.Connection, uid: str) -> Any:
    """The version that holds the entries of a version or draft."""
    row = db.execute("select coalesce(source, id) from versions where uid = ?", (uid,)).fetchone()
    if row is None:
        raise ArtifactNotFoundError(f"the version {uid} has been deleted")
    return row[0]


def run_of(db: sqlite3.Connection, run_id: str) -> tuple[int, str]:
    """A run's row and its project."""
    row = db.execute("select id, experiment from runs where run_id = ?", (run_id,)).fetchone()
    if row is None:
        raise RunNotFoundError(f"no run has the id {run_id!r}")
    return int(row[0]), str(row[1])


def number_of(text: str) -> int | None:
    """The number that `v3` names."""
    digits = text[1:]
    if text[:1] != "v" or not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        return None
    return int(digits)


def add_aliases(
    db: sqlite3.Connection, version: int, collection: int, aliases: Iterable[str]
) -> None:
    """Give a version aliases; one that is the number of another is an InvalidValueError."""
    (number,) = db.execute("select number from versions where id = ?", (version,)).fetchone()
    for alias in aliases:
        if number_of(alias) is None:
            set_alias(db, collection, alias, version)
        elif number_of(alias) != number:
            raise InvalidValueError(
                f"{alias!r} cannot be an alias of version v{number}: it names another version"
            )


def set_alias(db: sqlite3.Connection, collection: int, alias: str, version: int) -> None:
    """Move an alias to a version."""
    db.execute("insert or replace into aliases values (?, ?, ?)", (collection, alias, version))


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


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """`old` with what is `new`, in which None removes a key."""
    return {key: value for key, value in {**old, **new}.items() if value is not None}


def where_of(*conditions: tuple[str, str | None]) -> tuple[str, list[str]]:
    """SQL for those columns that are to have a value, and the values."""
    known = [(column, value) for column, value in conditions if value is not None]
    return "".join(f" and {column} = ?" for column, _ in known), [value for _, value in known]

"""The digest of a run: the same for every copy, in whatever database it is."""

from __future__ import annotations

import hashlib
import itertools
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from synadb.storage.codec import decode_json, encode_json

__all__ = ["FACTS", "Rows", "digest_of", "reader"]

Rows = Callable[..., Iterator[tuple[Any, ...]]]

FACTS = (
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
    (facts,) = rows(f"select {FACTS}, metadata from runs where id = ?", (run,))
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


def reader(db: sqlite3.Connection) -> Rows:
    """What reads from a database."""

    def rows(sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Iterator[Any]:
        return iter(db.execute(sql, values))

    return rows

"""SQL that writes: applying ops, merging chunks. Runs inside one transaction."""

from __future__ import annotations

import json
import sqlite3
import sys
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

from synadb.errors import RunExistsError, RunNotFoundError, StorageError
from synadb.ids import generate_name
from synadb.ops import (
    AUTO_KEYS,
    AUTO_RUN,
    EndRun,
    LogConsole,
    LogRow,
    LogRows,
    LogSystem,
    Op,
    SetConfig,
    SetSummary,
    StartRun,
    UpdateRun,
)
from synadb.storage.base import JournalMark
from synadb.storage.codec import (
    decode_bytes,
    decode_column,
    decode_json,
    encode_column,
    encode_json,
)

__all__ = [
    "UNFIT",
    "apply",
    "compactable",
    "journal_offset",
    "merge",
    "run_key",
]

CHUNK_ROWS = 65536
SHORT = 16384  # rows up to which decoding without numpy is quicker than importing numpy
MERGE_AT = 16  # live chunks of one size class are merged when there are this many


class _Run:
    """A run's row while a batch is applied to it."""

    def __init__(self, row: Sequence[Any]) -> None:
        self.id: int = row[0]
        self.config: dict[str, Any] = decode_json(row[1])
        self.summary: dict[str, Any] = decode_json(row[2])
        self.last_step: int = row[3]
        self.row_count: int = row[5]
        self.last_journal: str | None = row[6]
        self.steps_before = self.last_step
        self.first_seq: int = row[4]
        self.next_order = 0
        # What changes the summary: (order, step, values), or (order, -1, SetSummary).
        self.events: list[tuple[int, int, Any]] = []
        self.fresh: list[Sequence[int]] = []  # the steps of the batch's rows
        # Of automatic steps, see `_place`.
        self.contested = False
        self.shifts: dict[str, list[int]] = {}
        self.old_shift = 0
        self.shift = 0
        self.shift_from = -1
        self.key_steps: dict[str, int] | None = None


def journal_offset(db: sqlite3.Connection, journal_id: str) -> int:
    """How far a journal has been applied."""
    row = db.execute("select applied from journals where id = ?", (journal_id,)).fetchone()
    return int(row[0]) if row else 0


# What an op raises that no later try can mend, unlike a full disk or a lock that is held.
UNFIT = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


def apply(
    db: sqlite3.Connection,
    ops: Sequence[Op],
    mark: JournalMark | None,
    now: float,
    *,
    refuse: bool = False,
) -> list[tuple[Op, Exception]]:
    """Apply a batch; the caller holds the transaction.

    With `refuse` the ops that raise one of `UNFIT` are left out, and returned with the error.
    """
    refused: list[tuple[Op, Exception]] = []
    if mark is not None:
        if not any(isinstance(op, StartRun) for op in ops):
            run_key(db, mark.run_id)
        applied = journal_offset(db, mark.journal_id)
        if applied != mark.start:
            raise StorageError(
                f"journal {mark.journal_id} has been applied up to {applied}, not {mark.start}"
            )
    for op in ops:
        if isinstance(op, StartRun):
            _start(db, op, replay=mark is not None)
    names = dict.fromkeys(op.run_id for op in ops)
    if mark is not None:
        names.setdefault(mark.run_id)
    for run_id in names:
        run = _load(db, run_id, mark)
        mine = [op for op in ops if op.run_id == run_id]
        _place(db, run, mine)
        for op in mine:
            if not refuse:
                _take(db, run, op)
                continue
            db.execute("savepoint op")
            try:
                _take(db, run, op)
            except UNFIT as error:
                db.execute("rollback to op")
                refused.append((op, error))
            db.execute("release op")
        _save(db, run, mark if mark and mark.run_id == run_id else None, now)
        for op in mine:
            if isinstance(op, EndRun):
                _end(db, run, op)
    return refused


def run_key(db: sqlite3.Connection, run_id: str) -> int:
    """The number that stands for a run in the other tables; RunNotFoundError."""
    row = db.execute("select id from runs where run_id = ?", (run_id,)).fetchone()
    if row is None:
        raise RunNotFoundError(f"no run has the id {run_id!r}")
    return int(row[0])


def _take(db: sqlite3.Connection, run: _Run, op: Op) -> None:
    if isinstance(op, LogRows):
        _log_rows(db, run, op)
    elif isinstance(op, LogRow):
        _log_row(db, run, op)
    elif isinstance(op, SetConfig):
        run.config.update(op.values)
        for key in op.removed:
            run.config.pop(key, None)
    elif isinstance(op, SetSummary):
        run.events.append((op.order, -1, op))
        run.next_order = max(run.next_order, op.order + 1)
    elif isinstance(op, UpdateRun):
        _update(db, run, op.values)
    elif isinstance(op, LogConsole):
        db.executemany(
            "insert or replace into console values (?, ?, ?, ?, ?, ?)",
            ((run.id, op.source, *line) for line in op.lines),
        )
    elif isinstance(op, LogSystem):
        db.execute(
            "insert into system_rows (run, source, time, data) values (?, ?, ?, ?)",
            (run.id, op.source, op.time, encode_json(dict(op.values))),
        )


def _start(db: sqlite3.Connection, op: StartRun, *, replay: bool) -> None:
    found = db.execute("select id from runs where run_id = ?", (op.run_id,)).fetchone()
    if found:
        if not (op.exist_ok or replay):
            raise RunExistsError(
                f"there is a run with the id {op.run_id!r} already; "
                "choose another id, or leave it out"
            )
        if op.exist_ok:
            db.execute(
                "update runs set state = 'running', ended = null, exit_code = null, host = ?,"
                " pid = ? where id = ?",
                (op.host, op.pid, found[0]),
            )
        return
    db.execute(
        "insert into experiments values (?, 1)"
        " on conflict (name) do update set run_count = run_count + 1",
        (op.experiment,),
    )
    name = op.name
    if name is None:
        row = db.execute(
            "select run_count from experiments where name = ?", (op.experiment,)
        ).fetchone()
        name = generate_name(int(row[0]))
    db.execute(
        "insert into runs (run_id, experiment, name, state, config, summary, tags, notes, grp,"
        " job_type, created, updated, host, pid, last_step, next_seq, row_count)"
        " values (?, ?, ?, 'running', ?, '{}', ?, ?, ?, ?, ?, ?, ?, ?, -1, 0, 0)",
        (
            op.run_id,
            op.experiment,
            name,
            encode_json(dict(op.config)),
            encode_json(list(op.tags)),
            op.notes,
            op.group,
            op.job_type,
            op.created,
            op.created,
            op.host,
            op.pid,
        ),
    )


def _load(db: sqlite3.Connection, run_id: str, mark: JournalMark | None) -> _Run:
    row = db.execute(
        "select id, config, summary, last_step, next_seq, row_count, last_journal"
        " from runs where run_id = ?",
        (run_id,),
    ).fetchone()
    if row is None:
        raise RunNotFoundError(f"no run has the id {run_id!r}")
    run = _Run(row)
    if mark is not None and mark.run_id == run_id:
        run.contested = run.last_journal not in (None, mark.journal_id)
        found = db.execute(
            "select shifts from journals where id = ?", (mark.journal_id,)
        ).fetchone()
        if found:
            run.shifts = json.loads(found[0])
    return run


def _place(db: sqlite3.Connection, run: _Run, ops: Sequence[Op]) -> None:
    """Find out how far automatic steps must move past what other writers have logged.

    `shifts[""]` is [shift, last automatic step as its writer counted it]: a step that is still
    open, because part of its row came with an earlier batch, must not be torn apart.
    """
    shift, last = run.shifts.get("", [0, -1])
    run.shift, run.shift_from = shift, last
    fresh: list[int] = []
    highest = last
    for op in ops:
        if isinstance(op, LogRow) and op.auto == AUTO_RUN:
            steps: Sequence[int] = (op.step,)
        elif isinstance(op, LogRows) and op.auto == AUTO_RUN:
            steps = op.steps
        else:
            continue
        top = max(steps)
        if top > last:
            fresh.append(min(step for step in steps if step > last) if run.contested else top)
        highest = max(highest, top)
    if fresh and run.contested:
        run.shift = max(shift, run.last_step + 1 - min(fresh))
    if run.shift or highest >= 0:
        run.shifts[""] = [run.shift, highest]
    run.old_shift = shift
    if run.contested and any(getattr(op, "auto", 0) == AUTO_KEYS for op in ops):
        run.key_steps = key_steps(db, run.id)


def _shifted(run: _Run, keys: Sequence[str], steps: Sequence[int], auto: int) -> list[int] | None:
    """The steps where they belong, or None where they may stay."""
    if auto == AUTO_RUN:
        old = run.old_shift
        if not (old or run.shift):
            return None
        return [s + (run.shift if s > run.shift_from else old) for s in steps]
    if auto == AUTO_KEYS:
        name = "\0".join(("", *keys))
        shift = run.shifts.get(name, [0])[0]
        if run.key_steps is not None:
            last = max((run.key_steps.get(key, -1) for key in keys), default=-1)
            shift = max(shift, last + 1 - min(steps))
            for key in keys:
                run.key_steps[key] = max(steps) + shift
        if not shift:
            return None
        run.shifts[name] = [shift]
        return [s + shift for s in steps]
    return None


def _log_rows(db: sqlite3.Connection, run: _Run, op: LogRows) -> None:
    n = len(op.steps)
    if n == 0:
        return
    moved = _shifted(run, op.keys, op.steps, op.auto)
    steps = op.steps if moved is None else array("q", moved)
    seqs = op.orders
    if run.first_seq:
        base = run.first_seq
        first, last = seqs[0], seqs[-1]
        if last - first == n - 1:
            seqs = array("q", range(base + first, base + last + 1))
        else:
            seqs = array("q", [base + order for order in seqs])
    keyset, before = _keyset(db, run.id, op.keys, op.types)
    highest = 0
    for start in range(0, n, CHUNK_ROWS):
        end = min(n, start + CHUNK_ROWS)
        part = steps if (start, end) == (0, n) else steps[start:end]
        low, high = min(part), max(part)
        highest = max(highest, high) if start else high
        columns = [
            column[start * width : end * width]
            for column, width in zip(op.columns, map(_width, op.types), strict=True)
        ]
        _insert_chunk(
            db,
            keyset,
            (end - start, low, high),
            (part.tobytes(), seqs[start:end].tobytes(), op.times[start:end].tobytes()),
            columns,
            op.types,
        )
    run.fresh.append(steps)
    run.last_step = max(run.last_step, highest)
    run.next_order = max(run.next_order, op.orders[-1] + 1)
    if highest > before:
        db.execute("update keysets set last_step = ? where id = ?", (highest, keyset))
    if highest >= before:
        # The last row at the highest step: rows logged late for an older step leave the summary.
        index = n - 1 if steps[-1] == highest else n - 1 - list(reversed(steps)).index(highest)
        run.events.append((op.orders[index], highest, _row_values(op, index)))


def _row_values(op: LogRows, index: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, kind, column in zip(op.keys, op.types, op.columns, strict=True):
        width = _width(kind)
        values[key] = memoryview(column[index * width : (index + 1) * width]).cast(kind)[0]  # type: ignore[call-overload]
    return values


def _width(kind: str) -> int:
    return 1 if kind == "?" else 8


def _keyset(db: sqlite3.Connection, run: int, keys: Sequence[str], types: str) -> tuple[int, int]:
    text = json.dumps(list(keys), separators=(",", ":"))
    row = db.execute(
        "select id, last_step from keysets where run = ? and keys = ? and types = ?",
        (run, text, types),
    ).fetchone()
    if row:
        return int(row[0]), int(row[1])
    cursor = db.execute(
        "insert into keysets (run, keys, types, last_step) values (?, ?, ?, -1)",
        (run, text, types),
    )
    return int(cursor.lastrowid or 0), -1


def _insert_chunk(
    db: sqlite3.Connection,
    keyset: int,
    extent: tuple[int, int, int],
    system: tuple[bytes, bytes, bytes],
    columns: Sequence[bytes],
    types: str,
) -> None:
    cursor = db.execute(
        "insert into chunks (keyset, n, first_step, last_step, steps, seqs, times)"
        " values (?, ?, ?, ?, ?, ?, ?)",
        (keyset, *extent, *(encode_column(part, 8, delta=True) for part in system)),
    )
    chunk = cursor.lastrowid
    db.executemany(
        "insert into columns values (?, ?, ?)",
        (
            (chunk, position, encode_column(column, _width(kind), delta=kind == "q"))
            for position, (column, kind) in enumerate(zip(columns, types, strict=True))
        ),
    )


def _log_row(db: sqlite3.Connection, run: _Run, op: LogRow) -> None:
    moved = _shifted(run, tuple(op.values), (op.step,), op.auto)
    step = op.step if moved is None else moved[0]
    db.execute(
        "insert into json_rows (run, step, seq, time, data) values (?, ?, ?, ?, ?)",
        (run.id, step, run.first_seq + op.order, op.time, encode_json(dict(op.values))),
    )
    run.fresh.append((step,))
    run.events.append((op.order, step, op.values))
    run.last_step = max(run.last_step, step)
    run.next_order = max(run.next_order, op.order + 1)


def merge_values(summary: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Take `values` into a summary: the last value of every leaf, None not at all."""
    for key, value in values.items():
        if value is None:
            continue
        if isinstance(value, Mapping) and "_type" not in value:
            below = summary.get(key)
            if not isinstance(below, dict):
                below = {}
            merge_values(below, value)
            if below or key in summary:
                summary[key] = below
        else:
            summary[key] = value


def _update(db: sqlite3.Connection, run: _Run, values: Mapping[str, Any]) -> None:
    columns = {
        "name": "name",
        "notes": "notes",
        "tags": "tags",
        "group": "grp",
        "job_type": "job_type",
        "metadata": "metadata",
        "state": "state",
    }
    for key, value in values.items():
        stored = value
        if key == "tags":
            stored = encode_json(list(value))
        elif key == "metadata":
            (text,) = db.execute("select metadata from runs where id = ?", (run.id,)).fetchone()
            both = decode_json(text) | dict(value)
            stored = encode_json({k: v for k, v in both.items() if v is not None})
        db.execute(f"update runs set {columns[key]} = ? where id = ?", (stored, run.id))


def _save(db: sqlite3.Connection, run: _Run, mark: JournalMark | None, now: float) -> None:
    last: dict[str, int] | None = None
    reached = run.steps_before
    for _, step, event in sorted(run.events, key=lambda found: found[0]):
        if isinstance(event, SetSummary):
            if event.replace:
                run.summary.clear()
            run.summary.update(event.values)
            for key in event.removed:
                run.summary.pop(key, None)
        elif step >= reached:
            reached = step
            merge_values(run.summary, event)
        else:
            # A row for a step gone by: a key that a later step has too keeps that value.
            if last is None:
                late = min(step for _, step, values in run.events if type(values) is not SetSummary)
                last = _last_steps(db, run.id, late)
            newest = {key: value for key, value in event.items() if last.get(key, -1) <= step}
            merge_values(run.summary, newest)
    # Parts of one row count once; what comes late, for a step gone by, is part of that step's row.
    run.row_count += len({s for steps in run.fresh for s in steps if s > run.steps_before})
    journal = mark.journal_id if mark else run.last_journal
    db.execute(
        "update runs set config = ?, summary = ?, last_step = ?, next_seq = ?, row_count = ?,"
        " last_journal = ?, updated = ? where id = ?",
        (
            encode_json(run.config),
            encode_json(run.summary),
            run.last_step,
            run.first_seq + run.next_order,
            run.row_count,
            journal,
            now,
            run.id,
        ),
    )
    if mark is not None:
        db.execute(
            "insert into journals values (?, ?, ?, ?) on conflict (id)"
            " do update set applied = excluded.applied, shifts = excluded.shifts",
            (mark.journal_id, run.id, mark.end, json.dumps(run.shifts)),
        )


def _end(db: sqlite3.Connection, run: _Run, op: EndRun) -> None:
    # A crash is what an adopter concludes; the run's own word overrules it.
    open_states = ("running",) if op.state == "crashed" else ("running", "crashed", "preempting")
    marks = ",".join("?" * len(open_states))
    db.execute(
        f"update runs set state = ?, ended = ?, exit_code = ? where id = ? and state in ({marks})",
        (op.state, op.time, op.exit_code, run.id, *open_states),
    )


def _last_steps(db: sqlite3.Connection, run: int, after: int) -> dict[str, int]:
    """The last step of every key that has one after `after`."""
    found = key_steps(db, run)
    for step, data in db.execute(
        "select step, data from json_rows where run = ? and step > ?", (run, after)
    ):
        for key, value in decode_json(data).items():
            if value is not None:
                found[key] = max(found.get(key, -1), step)
    return found


def key_steps(db: sqlite3.Connection, run: int) -> dict[str, int]:
    """The last step of every key that has been logged as a number."""
    found: dict[str, int] = {}
    for keys, last in db.execute("select keys, last_step from keysets where run = ?", (run,)):
        for key in json.loads(keys):
            found[key] = max(found.get(key, -1), last)
    return found


def compactable(
    db: sqlite3.Connection, run_id: str, all_chunks: bool
) -> list[tuple[int, str, list[tuple[int, int]]]]:
    """Groups of chunks worth merging: (keyset, types, [(chunk, rows), ...])."""
    groups: list[tuple[int, str, list[tuple[int, int]]]] = []
    for keyset, kinds in db.execute(
        "select id, types from keysets where run = (select id from runs where run_id = ?)",
        (run_id,),
    ).fetchall():
        chunks = db.execute(
            "select id, n from chunks where keyset = ? order by first_step, id", (keyset,)
        ).fetchall()
        # Live, equals are merged with equals, so that a row is rewritten a few times only.
        for limit in (CHUNK_ROWS // 2,) if all_chunks else (15, 255, 4095, CHUNK_ROWS // 2):
            for stretch in _stretches(chunks, limit):
                if len(stretch) >= (2 if all_chunks else MERGE_AT):
                    groups += [(keyset, kinds, part) for part in _packed(stretch) if len(part) > 1]
                    taken = {chunk for chunk, _ in stretch}
                    chunks = [(c, CHUNK_ROWS if c in taken else n) for c, n in chunks]
    return groups


def _stretches(chunks: Sequence[tuple[int, int]], limit: int) -> list[list[tuple[int, int]]]:
    """Chunks of at most `limit` rows, those together that no larger one lies between.

    A chunk made of rows from far apart would have to be read wherever one of them is wanted.
    """
    stretches: list[list[tuple[int, int]]] = [[]]
    for chunk in chunks:
        if chunk[1] <= limit:
            stretches[-1].append(chunk)
        elif stretches[-1]:
            stretches.append([])
    return stretches


def _packed(members: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    groups: list[list[tuple[int, int]]] = [[]]
    total = 0
    for chunk, n in members:
        if total + n > CHUNK_ROWS:
            groups.append([])
            total = 0
        groups[-1].append((chunk, n))
        total += n
    return groups


def _numpy_bytes(blob: bytes, kind: str, n: int) -> bytes:
    return decode_column(blob, kind, n).tobytes()


def merge(
    db: sqlite3.Connection, keyset: int, kinds: str, group: Sequence[tuple[int, int]]
) -> None:
    """Replace a group of chunks of one keyset by one chunk with the same rows."""
    ids = [chunk for chunk, _ in group]
    total = sum(n for _, n in group)
    decode = decode_bytes if total <= SHORT and "numpy" not in sys.modules else _numpy_bytes
    system: list[bytearray] = [bytearray(), bytearray(), bytearray()]
    columns: list[bytearray] = [bytearray() for _ in kinds]
    extents = []
    for chunk, n in group:
        low, high, *parts = db.execute(
            "select first_step, last_step, steps, seqs, times from chunks where id = ?", (chunk,)
        ).fetchone()
        extents.append((low, high))
        for target, part in zip(system, parts, strict=True):
            target += decode(part, "q", n)
        for position, data in db.execute(
            "select position, data from columns where chunk = ?", (chunk,)
        ):
            columns[position] += decode(data, kinds[position], n)
    marks = ",".join("?" * len(ids))
    db.execute(f"delete from columns where chunk in ({marks})", ids)
    db.execute(f"delete from chunks where id in ({marks})", ids)
    _insert_chunk(
        db,
        keyset,
        (total, min(low for low, _ in extents), max(high for _, high in extents)),
        (bytes(system[0]), bytes(system[1]), bytes(system[2])),
        [bytes(column) for column in columns],
        kinds,
    )

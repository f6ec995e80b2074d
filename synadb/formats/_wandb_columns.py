"""The rows of a wandb log as columns: numpy walks through the records of a batch side by side.

wandb writes a `history` and one or two `summary` records a row, each with an item (path, JSON text)
for every value. Where they have the shape that wandb gives them, all records of a batch take the
same steps: first item of each, second item of each, and so on. A record of any other shape is left
to the reader of `wandb_log.py`, which takes them all.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from synadb.ops import LogRow, LogRows, Op

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]

__all__ = ["History", "Path", "take_batch"]

Path = tuple[str, ...]

_PADDING = 64  # bytes behind the last record that may be looked at
_MOST_KEYS = 8  # of a path
_TEXT = 24  # characters that any float64 can be written with
_EXACT = 1 << 53  # up to here a float holds any int
_INT, _FLOAT, _BOOL = 0, 1, 2
_LETTERS = "qd?"
_OWN = ("_step", "_timestamp", "_runtime")


class _Items(NamedTuple):
    """The items of some records, in the order of the records: where path and text are."""

    record: Numbers
    path: Numbers
    path_size: Numbers
    text: Numbers
    text_size: Numbers


class _Batch:
    """Records, one after the other in one buffer."""

    def __init__(self, records: Sequence[bytes]) -> None:
        import numpy as np

        self.data = b"".join((*records, bytes(_PADDING)))
        self.bytes = np.frombuffer(self.data, np.uint8)
        # Every place as 8 bytes from there on.
        words = len(self.data) - 7
        self.words: Numbers = np.ndarray((words,), "<u8", self.data, 0, (1,))
        sizes = np.fromiter(map(len, records), np.int64, len(records))
        self.ends = np.cumsum(sizes)
        self.starts = self.ends - sizes
        self.limit = int(self.ends[-1]) if len(records) else 0

    def varint(self, at: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """The numbers at `at`, where they end, and whether they have at most 4 bytes."""
        import numpy as np

        at = np.minimum(at, self.limit)
        byte = self.bytes[at].astype(np.int64)
        value, end, more = byte & 0x7F, at + 1, byte > 0x7F
        for shift in (7, 14, 21):
            if not more.any():
                break
            byte = self.bytes[end].astype(np.int64)
            value |= np.where(more, (byte & 0x7F) << shift, 0)
            end = end + more
            more = more & (byte > 0x7F)
        return value, end, ~more

    def at(self, places: Numbers) -> Numbers:
        """The bytes at places that may lie behind the end."""
        import numpy as np

        found: Numbers = self.bytes[np.minimum(places, self.limit)]
        return found

    def masked(self, start: Numbers, size: Numbers, word: int) -> Numbers:
        """8 bytes of each text from byte `8 * word` on, zeros behind its end."""
        import numpy as np

        left = np.clip(size - 8 * word, 0, 8)
        places = np.minimum(start + 8 * word, self.limit)
        found: Numbers = self.words[places] & _masks()[left]
        return found


def _masks() -> Numbers:
    import numpy as np

    return np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)


def take_batch(
    records: Sequence[bytes], history: History, summary: dict[Path, Any]
) -> list[tuple[int, int | None]]:
    """Take in what has the usual shape; the places of the others, in order.

    A place comes with the number of the row, if the record is one of `history`. `summary` gets the
    last value of each path, in the order in which a reader has to set them.
    """
    import numpy as np

    if not records:
        return []
    batch = _Batch(records)
    at = batch.starts
    _, behind, _ = batch.varint(at + 1)
    at = np.where(batch.at(at) == 0x08, behind, at)
    tag = np.where(at < batch.ends, batch.at(at), 0)
    size, body, good = batch.varint(at + 1)
    stop = body + size
    rest = batch.ends - stop
    is_row, is_summary = tag == 0x12, tag == 0x1A
    informed = (batch.at(stop) == 0xC2) & (batch.at(stop + 1) == 0x0C)
    informed &= batch.at(stop + 2).astype(np.int64) == rest - 3
    good &= (rest == 0) | ((rest >= 3) & (rest < 131) & informed)
    good &= size > 0

    rows = np.flatnonzero(is_row)
    usual = rows[good[rows]]
    items, steps, fine = _walk(batch, usual, body, stop)
    row_of = np.full(len(records), -1, np.int64)
    row_of[rows] = history.add_rows(len(rows)) + np.arange(len(rows))
    taken = np.zeros(len(records), bool)
    taken[usual[fine]] = True
    if len(items.record):
        history.take(batch, items, row_of, steps[fine], usual[fine])

    summaries = np.flatnonzero(is_summary)
    if good[summaries].all():
        items, _, fine = _walk(batch, summaries, body, stop)
        null = (items.text_size == 4) & (batch.at(items.text) == ord("n"))
        if fine.all() and not null.any() and _last(batch, items, summary):
            taken[summaries] = True
    return [
        (place, int(row_of[place]) if row_of[place] >= 0 else None)
        for place in map(int, np.flatnonzero(~taken))
    ]


def _walk(
    batch: _Batch, records: Numbers, body: Numbers, stop: Numbers
) -> tuple[_Items, Numbers, Numbers]:
    """The items of `records`, the steps that stand behind them, and which records are fine.

    Without a step it is -1. There are no items of records that are not fine.
    """
    import numpy as np

    good = np.ones(len(records), bool)
    steps = np.full(len(records), -1, np.int64)
    found: list[tuple[Numbers, ...]] = []
    active = np.arange(len(records))
    at, end = body[records], stop[records]
    while active.size:
        tag = batch.at(at)
        inside = at < end
        is_item = inside & (tag == 0x0A)
        odd = inside & ~is_item
        if odd.any():
            # The message of the step closes the record, or it is none that is known here.
            size, place, fine = batch.varint(at[odd] + 1)
            value, last, short = batch.varint(place + 1)
            fine &= short & (tag[odd] == 0x12) & (batch.at(place) == 0x08)
            fine &= (place + size == end[odd]) & (last == end[odd])
            steps[active[odd]] = value
            good[active[odd]] &= fine
        active, at, end = active[is_item], at[is_item], end[is_item]
        if not active.size:
            break
        size, path, fine = batch.varint(at + 1)
        behind = path + size
        fine &= behind <= end
        tag = batch.at(path)
        key = path + 2 + batch.at(path + 1)
        text = np.where((tag == 0x0A) | (tag == 0x12), key, path)
        fine &= (text > path) & (batch.at(path + 1) < 0x80)
        for _ in range(_MOST_KEYS - 1):
            more = (batch.at(text) == 0x12) & (text < behind) & (tag == 0x12)
            if not more.any():
                break
            size_of_key = batch.at(text + 1)
            fine &= ~more | (size_of_key < 0x80)
            text = np.where(more, text + 2 + size_of_key, text)
        path_size = text - path
        fine &= (batch.at(text) == 0x82) & (batch.at(text + 1) == 0x01)
        size, text, short = batch.varint(text + 2)
        fine &= short & (size > 0) & (text + size == behind)
        good[active[~fine]] = False
        found.append((active, path, path_size, text, size))
        at = behind
        active, at, end = active[fine], at[fine], end[fine]
    if not found:
        nothing = np.zeros(0, np.int64)
        return _Items(nothing, nothing, nothing, nothing, nothing), steps, good & False
    columns = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    keep = good[columns[0]]
    order = np.argsort(columns[0][keep], kind="stable")
    number, *others = (column[keep][order] for column in columns)
    return _Items(records[number], *others), steps, good


def _ids(batch: _Batch, items: _Items) -> tuple[Numbers, list[int]]:
    """A number for the path of each item, and an item that has it for each number."""
    import numpy as np

    # Two of a file's paths with one hash of 64 bits do not happen.
    mixed = items.path_size.astype(np.uint64)
    for word in range((int(items.path_size.max()) + 7) // 8):
        mixed = (mixed ^ batch.masked(items.path, items.path_size, word)) * np.uint64(
            0x9E3779B97F4A7C15
        )
        mixed ^= mixed >> np.uint64(29)
    bucket = (mixed >> np.uint64(48)).astype(np.int64)
    example = np.zeros(1 << 16, np.int64)
    example[bucket] = np.arange(len(bucket))
    if (mixed[example[bucket]] == mixed).all():
        used = np.flatnonzero(np.bincount(bucket, minlength=1 << 16))
        number = np.zeros(1 << 16, np.int64)
        number[used] = np.arange(len(used))
        return number[bucket], example[used].tolist()
    _, first, ids = np.unique(mixed, return_index=True, return_inverse=True)
    return ids.reshape(-1), first.tolist()


def _loads(text: bytes) -> Any:
    # One bad byte is no reason to lose the value.
    return json.loads(text.decode("utf-8", "replace"))


def _path(data: bytes, start: int, size: int) -> Path:
    end, keys = start + size, []
    while start < end:
        below = start + 2 + data[start + 1]
        keys.append(data[start + 2 : below].decode("utf-8", "replace"))
        start = below
    return tuple(keys)


def _last(batch: _Batch, items: _Items, summary: dict[Path, Any]) -> bool:
    """Keep the last value of each path; False, and nothing kept, if one is no JSON."""
    import numpy as np

    if not len(items.record):
        return True
    ids, examples = _ids(batch, items)
    last = np.zeros(len(examples), np.int64)
    last[ids] = np.arange(len(ids))
    values = []
    for item in sorted(last.tolist()):
        start, size = int(items.text[item]), int(items.text_size[item])
        path = _path(batch.data, int(items.path[item]), int(items.path_size[item]))
        if not path[0]:
            return False
        try:
            values.append((path, _loads(batch.data[start : start + size])))
        except (ValueError, RecursionError):
            return False
    for path, value in values:
        summary.pop(path, None)  # what is set last stands last
        summary[path] = value
    return True


# -- rows ----------------------------------------------------------------------------------------


class History:
    """The rows of a run, numbers as columns."""

    def __init__(self) -> None:
        self.rows = 0  # those that have been dropped among them
        self.moved = False
        self.problems: list[str] = []
        self._keys: dict[str, int] = {}
        self._numbers: list[tuple[Numbers, Numbers, Numbers, Numbers]] = []
        self._steps: dict[int, int] = {}
        self._own: dict[str, list[tuple[Numbers, Numbers]]] = {name: [] for name in _OWN}
        self._others: dict[int, dict[str, Any]] = {}
        self._dropped: set[int] = set()

    @property
    def kept(self) -> int:
        """How many rows there are."""
        return self.rows - len(self._dropped)

    def drop(self, row: int) -> None:
        """Forget a row of which nothing has been taken in."""
        self._dropped.add(row)

    def add_rows(self, count: int) -> int:
        """Make room for rows; the number of the first."""
        self.rows += count
        return self.rows - count

    def take(
        self, batch: _Batch, items: _Items, row_of: Numbers, steps: Numbers, records: Numbers
    ) -> None:
        """Take in the items of records of a batch."""
        import numpy as np

        with_step = steps >= 0
        self._own["_step"].append((row_of[records[with_step]], steps[with_step].astype(float)))
        rows = row_of[items.record]
        ids, examples = _ids(batch, items)
        paths = [
            _path(batch.data, int(items.path[item]), int(items.path_size[item]))
            for item in examples
        ]
        table = np.zeros((256,), np.uint8)
        table[:] = 2
        table[list(b"0123456789+-\0")] = 0
        table[list(b".eE")] = 1
        words = [batch.masked(items.text, items.text_size, word) for word in range(_TEXT // 8)]
        texts = np.stack(words, axis=1)
        classes = table[texts.view(np.uint8)]
        exact = np.where(classes.max(axis=1) == 1, _TEXT, 15)
        flat = np.array([len(path) == 1 for path in paths])
        is_number = (classes.max(axis=1) < 2) & (items.text_size <= exact) & flat[ids]
        kinds = np.where(classes.max(axis=1) == 1, _FLOAT, _INT)
        try:
            numbers = texts[is_number].view(f"S{_TEXT}").reshape(-1).astype(np.float64)
        except ValueError:  # "1.2.3": which one is found out below
            is_number[:] = False
            numbers = np.zeros(0)
        of_path, rows_of, kinds = ids[is_number], rows[is_number], kinds[is_number]
        keys = np.array([self._key(path) for path in paths])
        for name in _OWN:
            own = np.array([path == (name,) for path in paths])[of_path]
            if own.any():
                self._own[name].append((rows_of[own], numbers[own]))
        mine = keys[of_path] >= 0
        self._numbers.append((rows_of[mine], keys[of_path[mine]], kinds[mine], numbers[mine]))
        for item in np.flatnonzero(~is_number).tolist():
            start = int(items.text[item])
            text = batch.data[start : start + int(items.text_size[item])]
            try:
                value = _loads(text)
            except (ValueError, RecursionError) as error:
                name = ".".join(paths[ids[item]])
                self.problems.append(f"row {int(rows[item])}: {name} is no JSON: {error}")
                continue
            self._take_one(int(rows[item]), paths[ids[item]], value)

    def take_row(self, row: int, values: dict[str, Any]) -> None:
        """Take in a row that another reader has read."""
        for key, value in values.items():
            self._take_one(row, (key,), value)

    def _key(self, path: Path) -> int:
        if path[0] in _OWN:
            return -1
        return self._keys.setdefault(path[0], len(self._keys)) if len(path) == 1 else -1

    def _take_one(self, row: int, path: Path, value: Any) -> None:
        import numpy as np

        if path[0] in _OWN:
            if len(path) == 1 and isinstance(value, int | float):
                one = np.array([row]), np.array([float(value)])
                self._own[path[0]].append(one)
            return
        tree = self._others.setdefault(row, {})
        for key in path[:-1]:
            below = tree.get(key)
            if not isinstance(below, dict):
                below = tree[key] = {}
            tree = below
        tree[path[-1]] = value

    def _own_column(self, name: str, missing: Numbers) -> Numbers:
        for rows, values in self._own[name]:
            missing[rows] = values
        return missing

    def ops(
        self, run_id: str, *, after: int = -1, start: float = 0.0, order: int = 0
    ) -> tuple[list[Op], int, float]:
        """All rows, the last step, and the last time.

        Rows without a step of their own get the next; all are moved up if they would not come
        after step `after`. Rows without a time get `start`.
        """
        import numpy as np

        if not self.kept:
            return [], after, start
        steps = self._own_column("_step", np.full(self.rows, np.nan))
        given = np.isfinite(steps) & (np.abs(steps) < _EXACT) & (steps >= 0)
        before = np.maximum.accumulate(np.where(given, steps, -1)).astype(np.int64)
        whole = np.where(given, np.where(given, steps, 0).astype(np.int64), before + 1)
        if after >= 0 and int(whole.min()) <= after:
            whole = whole + (after + 1)
            self.moved = True
        times = self._own_column("_timestamp", np.full(self.rows, start))
        times = np.where(np.isfinite(times), times, start)
        ops: list[Op] = [*self._columns(run_id, whole, times, order)]
        for row, values in sorted(self._others.items()):
            ops.append(
                LogRow(run_id, int(whole[row]), float(times[row]), values, order=order + row)
            )
        kept = np.ones(self.rows, bool)
        kept[[*self._dropped]] = False
        return ops, int(whole[kept].max()), float(times[kept].max())

    def _columns(
        self, run_id: str, steps: Numbers, times: Numbers, first_order: int
    ) -> Iterator[LogRows]:
        import numpy as np

        parts = self._numbers + self._lone_numbers()
        rows, keys, kinds, values = (
            (np.concatenate(column) for column in zip(*parts, strict=True))
            if parts
            else (np.zeros(0, np.int64),) * 3 + (np.zeros(0),)
        )
        names = list(self._keys)
        # A float without a fraction has lost its point on the way: one float, and all are.
        floats = np.zeros(len(names) or 1, bool)
        floats[keys[kinds == _FLOAT]] = True
        kinds = np.where((kinds == _INT) & floats[keys], _FLOAT, kinds) if len(keys) else kinds
        order = np.argsort(rows, kind="stable")
        rows, values = rows[order], values[order]
        codes = keys[order] * 3 + kinds[order]

        filled = np.bincount(rows, minlength=self.rows) if len(rows) else np.zeros(self.rows, int)
        for row in np.flatnonzero(filled == 0).tolist():
            if row not in self._others and row not in self._dropped:
                yield self._rows(run_id, np.array([row]), steps, times, first_order, (), "", ())
        if not len(rows):
            return
        present = np.flatnonzero(filled)
        begin = (np.cumsum(filled) - filled)[present]
        random = np.random.default_rng(1).integers(1, 1 << 63, len(names) * 3, dtype=np.uint64)
        marks = np.add.reduceat(random[codes], begin)
        _, examples, groups = np.unique(marks, return_index=True, return_inverse=True)
        by_group = np.argsort(groups.reshape(-1), kind="stable")
        bounds = np.append(0, np.cumsum(np.bincount(groups.reshape(-1))))
        for group in range(len(examples)):
            members = by_group[bounds[group] : bounds[group + 1]]
            count = int(filled[present[members[0]]])
            at = begin[members][:, None] + np.arange(count)
            sorting = np.argsort(codes[at], axis=1, kind="stable")
            columns = np.take_along_axis(values[at], sorting, 1)
            code = np.take_along_axis(codes[at[:1]], sorting[:1], 1)[0].tolist()
            # A key that stands in a record more than once: the last one counts.
            last = {key // 3: place for place, key in enumerate(code)}
            last = {key: last[key] for key in sorted(last, key=names.__getitem__)}
            letters = "".join(_LETTERS[code[place] % 3] for place in last.values())
            packed = tuple(
                _packed(columns[:, place], letter)
                for place, letter in zip(last.values(), letters, strict=True)
            )
            keyset = tuple(names[key] for key in last)
            yield self._rows(
                run_id, present[members], steps, times, first_order, keyset, letters, packed
            )

    def _lone_numbers(self) -> list[tuple[Numbers, Numbers, Numbers, Numbers]]:
        """Take numbers out of what was read one by one."""
        import numpy as np

        found: list[tuple[int, int, int, float]] = []
        for row, values in list(self._others.items()):
            for key, value in list(values.items()):
                if isinstance(value, bool):
                    kind = _BOOL
                elif isinstance(value, float):
                    kind = _FLOAT
                elif isinstance(value, int) and abs(value) <= _EXACT:
                    kind = _INT
                else:
                    continue
                found.append((row, self._keys.setdefault(key, len(self._keys)), kind, value))
                del values[key]
            if not values:
                del self._others[row]
        if not found:
            return []
        rows, keys, kinds, numbers = zip(*found, strict=True)
        return [
            (
                np.array(rows, np.int64),
                np.array(keys, np.int64),
                np.array(kinds, np.int64),
                np.array(numbers, np.float64),
            )
        ]

    def _rows(
        self,
        run_id: str,
        members: Numbers,
        steps: Numbers,
        times: Numbers,
        first_order: int,
        keys: tuple[str, ...],
        letters: str,
        columns: tuple[bytes, ...],
    ) -> LogRows:
        return LogRows(
            run_id,
            keys,
            letters,
            array("q", steps[members].tobytes()),
            array("d", times[members].tobytes()),
            array("q", (members + first_order).astype("i8").tobytes()),
            columns,
        )


def _packed(values: Numbers, letter: str) -> bytes:
    kinds = {"d": "<f8", "q": "<i8", "?": "?"}
    return values.astype(kinds[letter]).tobytes()

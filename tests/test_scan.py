"""Scans and samples of histories against `rows`, which merges everything at once."""

from __future__ import annotations

import itertools
import math
import sqlite3
import threading
import tracemalloc
from array import array
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synadb import ExperimentTracker
from synadb.errors import InvalidValueError, RunNotFoundError
from synadb.ops import LogRow, LogRows, StartRun
from synadb.query import MISSING, resolve
from synadb.storage import open_store, scanning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from synadb.storage import Store

Row = dict[str, Any]

# -- random histories ------------------------------------------------------------------------------

KEYS = ["a", "b", "n", "n.a", "n.a.b"]
steps = st.one_of(st.integers(0, 12), st.sampled_from([-(1 << 63), (1 << 63) - 1, 1000, -5]))
numbers = st.one_of(st.integers(-2, 2), st.booleans(), st.floats())
leaves = st.one_of(numbers, st.none(), st.sampled_from(["x", "NaN"]), st.just([1, 2]))
trees = st.recursive(
    leaves,
    lambda inner: st.dictionaries(st.sampled_from(["a", "b", "a.b", "_type"]), inner, max_size=2),
    max_leaves=3,
)
loose = st.builds(
    lambda step, values: ("loose", step, values),
    steps,
    st.dictionaries(st.sampled_from(KEYS), trees, max_size=3),
)
packed = st.builds(
    lambda types, rows: ("packed", types, rows),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from("dq?"), max_size=3),
    st.lists(st.tuples(steps, st.integers(0, 5)), min_size=1, max_size=8),
)
histories = st.lists(st.lists(st.one_of(loose, packed), max_size=4), max_size=4)
keys_asked = st.one_of(
    st.none(),
    st.lists(st.sampled_from([*KEYS, "_step", "_timestamp", "_runtime", "no"]), max_size=3),
)
bounds = st.one_of(st.none(), steps)

_numbers = itertools.count()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_store(tmp_path_factory.mktemp("scan") / "experiments.db")
    yield store
    assert store.check().ok
    store.close()


@pytest.fixture(scope="module", params=["pages", "page"])
def sizes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Pages of a few rows, so that a short history has many of them, and those of every day."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "pages":
            patch.setattr(scanning, "PAGE_ROWS", 3)
            patch.setattr(scanning, "PAGE_CELLS", 8)
            patch.setattr(scanning, "PAGE_JSON", 2)
            patch.setattr(scanning, "SLICE_CELLS", 5)
            patch.setattr(scanning, "KEPT_CELLS", 5)
        yield


def stored(store: Store, history: Sequence[Sequence[Any]], compact: bool = False) -> str:
    """A new run with these rows, each inner list one batch."""
    run_id = f"r{next(_numbers)}"
    store.apply([StartRun(run_id, "p", 100.0)])
    times = itertools.count(101)
    for batch in history:
        ops: list[Any] = []
        order = itertools.count()
        for kind, *rest in batch:
            if kind == "loose":
                step, values = rest
                ops.append(LogRow(run_id, step, float(next(times)), values, order=next(order)))
                continue
            types, rows = rest
            columns = []
            for letter in types.values():
                cells = [bool(v) if letter == "?" else v for _, v in rows]
                columns.append(array("B" if letter == "?" else letter, cells).tobytes())
            ops.append(
                LogRows(
                    run_id,
                    tuple(types),
                    "".join(types.values()),
                    array("q", [step for step, _ in rows]),
                    array("d", [float(next(times)) for _ in rows]),
                    array("q", [next(order) for _ in rows]),
                    tuple(columns),
                )
            )
        if ops:
            store.apply(ops)
    if compact:
        store.compact(run_id, all_chunks=True)
    return run_id


def expected(rows: list[Row], keys: Sequence[str] | None) -> list[Row]:
    if keys is None:
        return rows
    names = ["_step", *keys]
    cells = [{name: resolve(row, name) for name in names} for row in rows]
    return [row for row in cells if MISSING not in row.values()]


def same(found: list[Row], wanted: list[Row]) -> bool:
    """Equal in all but the order of keys: types and NaN count."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return sorted((key, plain(item)) for key, item in value.items())
        return [plain(item) for item in value] if isinstance(value, list) else repr(value)

    return bool(plain(found) == plain(wanted))


@settings(max_examples=150)
@given(history=histories, keys=keys_asked, low=bounds, high=bounds, compact=st.booleans())
@pytest.mark.usefixtures("sizes")
def test_a_scan_is_rows(
    store: Store,
    history: list[Any],
    keys: list[str] | None,
    low: int | None,
    high: int | None,
    compact: bool,
) -> None:
    run_id = stored(store, history, compact)
    rows = list(store.rows(run_id))
    assert same(list(store.scan(run_id)), rows)
    assert same(list(store.scan(run_id, keys)), expected(rows, keys))
    within = [
        row
        for row in rows
        if (low is None or row["_step"] >= low) and (high is None or row["_step"] < high)
    ]
    found = list(store.scan(run_id, keys, min_step=low, max_step=high))
    assert same(found, expected(within, keys))


@settings(max_examples=150)
@given(history=histories, keys=keys_asked, samples=st.integers(1, 12))
@pytest.mark.usefixtures("sizes")
def test_a_sample_is_some_of_the_rows(
    store: Store, history: list[Any], keys: list[str] | None, samples: int
) -> None:
    run_id = stored(store, history)
    every = list(store.scan(run_id, keys))
    assert same(store.sample(run_id, None, keys), every)
    found = store.sample(run_id, samples, keys)
    assert len(found) <= samples
    assert same(found, store.sample(run_id, samples, keys))
    known = {row["_step"]: row for row in every}
    assert same(found, [known[row["_step"]] for row in found])
    assert [row["_step"] for row in found] == sorted(row["_step"] for row in found)
    if len(every) <= samples:
        assert same(found, every)


# -- what a sample shows ---------------------------------------------------------------------------


def wave(store: Store, n: int, keys: int = 2, chunk: int = 65536) -> str:
    """A run of n rows with keys k0, k1, ..., each with one high and one low outlier."""
    np = pytest.importorskip("numpy")
    run_id = f"wave{next(_numbers)}"
    store.apply([StartRun(run_id, "p", 0.0)])
    columns = []
    for key in range(keys):
        values = np.sin(np.arange(n) / 50 + key)
        values[n // 3 + 7 * key] = 100.0 + key
        values[n // 2 + 7 * key] = -100.0 - key
        columns.append(values)
    for start in range(0, n, chunk):
        end = min(n, start + chunk)
        store.apply(
            [
                LogRows(
                    run_id,
                    tuple(f"k{key}" for key in range(keys)),
                    "d" * keys,
                    array("q", range(start, end)),
                    array("d", range(start, end)),
                    array("q", range(end - start)),
                    tuple(column[start:end].tobytes() for column in columns),
                )
            ]
        )
    return run_id


@pytest.mark.parametrize("other", [False, True], ids=["one key set", "several"])
@pytest.mark.parametrize("keys", [None, ["k0", "k1"], ["k1"]])
def test_ends_and_extremes(store: Store, keys: list[str] | None, other: bool) -> None:
    run_id = wave(store, 5000, chunk=900)
    if other:
        store.apply([LogRow(run_id, 2500, 9.0, {"note": "half"})])
    found = store.sample(run_id, 50, keys)
    assert 30 <= len(found) <= 50
    assert found[0]["_step"] == 0
    assert found[-1]["_step"] == 4999
    for key in keys or ["k0", "k1"]:
        number = int(key[1])
        values = [row[key] for row in found]
        assert max(values) == 100.0 + number
        assert min(values) == -100.0 - number
    gaps = [b["_step"] - a["_step"] for a, b in itertools.pairwise(found)]
    assert max(gaps) < 5000 / 5


@pytest.mark.parametrize("samples", [1, 2, 3, 4, 7])
def test_few_samples(store: Store, samples: int) -> None:
    run_id = wave(store, 300)
    found = [row["_step"] for row in store.sample(run_id, samples)]
    assert len(found) <= samples
    assert found[-1] == 299
    if samples > 1:
        assert found[0] == 0
    if samples > 3:
        assert {100, 150} <= set(found)


def test_more_keys_than_samples(store: Store) -> None:
    run_id = wave(store, 400, keys=9)
    found = store.sample(run_id, 12)
    assert len(found) <= 12
    assert max(row["k0"] for row in found) == 100.0


def test_nan_hides_no_extreme(store: Store) -> None:
    run_id = stored(
        store,
        [
            [("loose", step, {"a": math.nan if step % 2 else float(step == 40)})]
            for step in range(90)
        ],
    )
    assert any(row["a"] == 1.0 for row in store.sample(run_id, 6, ["a"]))


def test_extremes_of_a_key_from_several_key_sets(store: Store) -> None:
    """A value that a later one at its step replaced is not in the row, and no extreme."""
    packed: list[list[Any]] = [
        [("packed", {"a": "d", "b": "q"}, [(step, step % 5) for step in range(300)])],
        [("packed", {"a": "q"}, [(step, 9 if step == 120 else 1) for step in range(0, 300, 3)])],
        [("loose", 121, {"a": 70.5}), ("loose", 121, {"a": -3})],
        [("packed", {"a": "q"}, [(119, 90)]), ("packed", {"a": "q"}, [(119, 2)])],
    ]
    run_id = stored(store, packed)
    for keys in (None, ["a"], ["a", "b"]):
        values = [row["a"] for row in store.sample(run_id, 12, keys)]
        assert (min(values), max(values)) == (-3, 9)


def test_merged_chunks_do_not_overlap(store: Store) -> None:
    """Rows logged in order stay in order of steps, whatever sizes the batches had."""
    store.apply([StartRun("sizes", "p", 0.0)])
    end = 0
    sizes = [[3] * 20, [300] * 18, [40_000], [20, 400] * 10, [33_000, 1, 5, 2]] * 3
    for number, size in enumerate(itertools.chain(*sizes)):
        steps = array("q", range(end, end := end + size))
        times, column = array("d", steps), array("d", steps).tobytes()
        orders = array("q", range(size))
        store.apply([LogRows("sizes", ("a",), "d", steps, times, orders, (column,))])
        if number % 3 == 0:
            store.compact("sizes")
    extents = chunks_of(store, "sizes")
    store.compact("sizes", all_chunks=True)
    for found in (extents, chunks_of(store, "sizes")):
        assert all(a[1] < b[0] for a, b in itertools.pairwise(found))
    assert len(chunks_of(store, "sizes")) < len(extents) < sum(map(len, sizes)) / 2
    assert [row["_step"] for row in store.scan("sizes")] == list(range(end))


def chunks_of(store: Store, run_id: str) -> list[tuple[int, int]]:
    """The first and the last step of each chunk."""
    with closing(sqlite3.connect(store.path)) as db:
        return db.execute(
            "select first_step, last_step from chunks where keyset in (select id from keysets"
            " where run = (select id from runs where run_id = ?)) order by first_step",
            (run_id,),
        ).fetchall()


# -- the tracker -----------------------------------------------------------------------------------


def test_keys_bounds_and_types(tracker: ExperimentTracker) -> None:
    with tracker.run("p", run_id="r") as run:
        for i in range(10):
            run.log({"i": i, "x": i / 2, "even": i % 2 == 0})
        run.log({"n": {"a": 1, "b": {"c": "text"}}, "i": 10})
        run.log({"n.a": 2, "i": 11})
    assert list(tracker.scan("r", ["i", "even"], min_step=3, max_step=5)) == [
        {"_step": 3, "i": 3, "even": False},
        {"_step": 4, "i": 4, "even": True},
    ]
    assert type(next(iter(tracker.scan("r", ["x"])))["x"]) is float
    assert list(tracker.scan("r", ["n.a"])) == [{"_step": 10, "n.a": 1}, {"_step": 11, "n.a": 2}]
    assert list(tracker.scan("r", ["n.b.c", "i"])) == [{"_step": 10, "n.b.c": "text", "i": 10}]
    assert [row["n"] for row in tracker.scan("r", ["n"])] == [{"a": 1, "b": {"c": "text"}}]
    assert list(tracker.scan("r", ["x", "n"])) == []
    assert list(tracker.scan("r", ["no"])) == []
    assert list(tracker.scan("r", ["_step"], min_step=10)) == [{"_step": 10}, {"_step": 11}]
    assert list(tracker.scan("r")) == list(tracker.rows("r"))
    assert tracker.sample("r", 2, ["i"]) == [{"_step": 0, "i": 0}, {"_step": 11, "i": 11}]
    assert tracker.sample("r") == list(tracker.rows("r"))


@pytest.fixture
def tracker(tmp_path: Any) -> Iterator[ExperimentTracker]:
    with ExperimentTracker(tmp_path / "experiments.db") as tracker:
        yield tracker


def test_what_is_wrong_is_said_at_once(tracker: ExperimentTracker) -> None:
    with tracker.run("p", run_id="r") as run:
        run.log({"a": 1})
    with pytest.raises(RunNotFoundError):
        tracker.scan("gone")
    with pytest.raises(RunNotFoundError):
        tracker.sample("gone", 3)
    with pytest.raises(InvalidValueError, match="list of str"):
        tracker.scan("r", "a")
    with pytest.raises(InvalidValueError, match="list of str"):
        tracker.scan("r", [["a"]])  # type: ignore[list-item]
    with pytest.raises(InvalidValueError, match="samples"):
        tracker.sample("r", 0)


def test_an_empty_run(tracker: ExperimentTracker) -> None:
    with tracker.run("p", run_id="r"):
        pass
    assert list(tracker.scan("r")) == []
    assert tracker.sample("r", 5) == []
    assert tracker.sample("r", 5, ["a"]) == []


def test_a_scan_of_a_live_run_loses_no_row(
    tracker: ExperimentTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "PAGE_ROWS", 500)
    run = tracker.run("p", run_id="r")
    stop = threading.Event()
    logged = 0

    def log() -> None:
        nonlocal logged
        while logged < (5_000 if stop.is_set() else 100_000):
            run.log({"i": logged})
            logged += 1
            if logged % 400 == 0:
                tracker.flush()

    thread = threading.Thread(target=log)
    thread.start()
    try:
        for _ in range(10):
            found = [row["i"] for row in tracker.scan("r", ["i"])]
            assert found == list(range(len(found)))
            tracker._store.compact("r")
    finally:
        stop.set()
        thread.join()
    tracker.finish(run)
    found = [row["i"] for row in tracker.scan("r", ["i"])]
    assert found == list(range(logged))


@pytest.mark.parametrize("read", ["scan", "blocks"])
def test_reading_ends_with_the_rows_that_there_are(
    tracker: ExperimentTracker, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    """A run that grows faster than it is read has an end all the same."""
    monkeypatch.setattr(scanning, "PAGE_ROWS", 10)
    run = tracker.run("p", run_id="r")

    def log(count: int) -> None:
        for number in range(count):
            run.log({"i": number, **({"text": "t"} if number % 7 == 0 else {})})
            if number % 10 == 9:
                tracker.flush()

    log(50)
    pages = getattr(tracker._store, read)("r")
    count = 0
    for page in pages:
        count += len(page.steps) if read == "blocks" else 1
        log(20)
        assert count <= 50
    assert count == 50


def test_a_long_scan_needs_little_memory(store: Store) -> None:
    pytest.importorskip("numpy")
    run_id = wave(store, 400_000)
    tracemalloc.start()
    try:
        count = sum(1 for _ in store.scan(run_id, ["k0", "k1"]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 400_000
    assert peak < 60 << 20  # all rows at once take some 120 MiB

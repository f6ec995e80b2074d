"""Content of every length comes back whole, is stored once, and leaves hardly a gap in the file."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import tracemalloc
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synadb import ExperimentTracker
from synadb.cli import main
from synadb.errors import CorruptStoreError
from synadb.storage import schema
from synadb.storage.blobs import CHUNK_BYTES
from synadb.storage.facts import facts
from tests.conftest import sound

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAST = 1993  # bytes in a leaf page
PAGE = 16380
MOST = 14318
TAIL = 1008

# On both sides of every length where content is cut otherwise.
EDGES = sorted(
    {
        length + change
        for pages in (0, 1, 5, (CHUNK_BYTES - LEAST) // PAGE)
        for length in (LEAST + pages * PAGE + rest for rest in (0, TAIL, 14 * TAIL, MOST, PAGE))
        for change in (-1, 0, 1)
    }
    | {0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, CHUNK_BYTES + LEAST + TAIL}
)


def some_bytes(length: int, seed: int = 0) -> bytes:
    return random.Random(f"{length} {seed}").randbytes(length)


def rows(path: Path, text: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(text).fetchall()


def test_content_of_every_length_comes_back(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.start_run("e")
        for length in EDGES:
            tracker.log_file(run, f"files/{length}", some_bytes(length))
        tracker.artifacts.log(
            "all", {str(length): some_bytes(length, 1) for length in EDGES}, run_id=run
        )
        for length in EDGES:
            assert tracker.open_file(run, f"files/{length}").read() == some_bytes(length), length
            assert tracker.artifacts.read("all", str(length)) == some_bytes(length, 1), length
        folder = Path(tracker.artifacts.download("all", db_path.with_name("out")))
        for length in EDGES:
            assert (folder / str(length)).read_bytes() == some_bytes(length, 1), length
        sound(tracker)
        held = facts(tracker._store)
        # Stored once each: content of no bytes is no blob.
        assert held.blob_bytes == held.file_bytes + held.version_bytes


@given(length=st.integers(0, 3 * PAGE), at=st.integers(0, 3 * PAGE), size=st.integers(0, PAGE))
@example(length=2 * PAGE, at=LEAST + PAGE - 1, size=2)
def test_content_is_read_from_anywhere(
    shared: ExperimentTracker, length: int, at: int, size: int
) -> None:
    whole = some_bytes(length)
    version = shared.artifacts.log("x", {"a": whole})
    with shared.artifacts.open(version, "a") as file:
        file.seek(at)
        assert file.read(size) == whole[at : at + size]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExperimentTracker]:
    with ExperimentTracker(tmp_path_factory.mktemp("pieces") / "shared.db") as tracker:
        yield tracker


@pytest.mark.parametrize(
    ("count", "low", "high"), [(150, 300_000, 600_000), (600, 2000, 40_000), (2000, 500, 4000)]
)
def test_a_file_is_hardly_larger_than_what_is_in_it(
    db_path: Path, count: int, low: int, high: int
) -> None:
    lengths = [random.Random(n).randint(low, high) for n in range(count)]
    with ExperimentTracker(db_path) as tracker:
        run = tracker.start_run("e")
    empty = db_path.stat().st_size
    with ExperimentTracker(db_path) as tracker:
        tracker.log_files(run, {str(n): some_bytes(n) for n in lengths})
    # Per file: its name twice, its digest three times, and what the pages do not hold.
    assert (db_path.stat().st_size - empty - sum(set(lengths))) / count < 1500


def test_a_run_and_a_version_share_content(db_path: Path) -> None:
    picture = some_bytes(100_000)
    with ExperimentTracker(db_path) as tracker:
        run = tracker.start_run("e")
        tracker.log_file(run, "media/images/a.png", picture)
        tracker.artifacts.log("table", {"media/images/b.png": picture}, run_id=run)
        held = facts(tracker._store)
        assert (held.blobs, held.blob_bytes) == (1, len(picture))
        tracker.delete_run(run)
        assert tracker.artifacts.read("table", "media/images/b.png") == picture


def test_what_is_deleted_leaves_nothing_to_what_comes_after(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.start_run("e")
        most = LEAST + MOST  # has as many tails as there can be
        tracker.log_file(run, "first", some_bytes(most))
        tracker.delete_file(run, "first")
        done = tracker.gc()
        assert (done["blobs"], done["blob_bytes"]) == (1, most)
        # SQLite gives the number of the deleted row out again.
        tracker.log_artifact(run, "second", some_bytes(3000))
        assert tracker.get_artifact(run, "second") == some_bytes(3000)
        sound(tracker)
    assert rows(db_path, "select count(*), min(id) / 16 from blob_tails") == [(1, 1)]


def test_a_merge_brings_all_of_a_piece_and_cuts_what_was_whole(
    db_path: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole.db"
    content = some_bytes(30_000)
    with ExperimentTracker(whole) as tracker:
        run = tracker.start_run("e", run_id="r")
        tracker.log_artifact(run, "a", content)
        tracker.artifacts.log("v", {"a": some_bytes(70_000)}, run_id=run)
        tracker.end_run(run)
    take_back(whole)
    with ExperimentTracker(whole) as tracker:
        sound(tracker)
        assert tracker.get_artifact("r", "a") == content
        assert tracker.artifacts.read("v", "a") == some_bytes(70_000)
        run = tracker.start_run("e", run_id="s")
        tracker.log_artifact(run, "again", content)
        tracker.end_run(run)
        assert facts(tracker._store).blobs == 2
    for target in (db_path, tmp_path / "third.db"):
        source = whole if target == db_path else db_path
        assert main(["merge", str(target), str(source)]) == 0
        with ExperimentTracker(target) as tracker:
            assert tracker.get_artifact("r", "a") == content
            assert tracker.get_artifact("s", "again") == content
            assert tracker.artifacts.read("v", "a") == some_bytes(70_000)
            sound(tracker)
        assert rows(target, "select count(*) > 2 from blob_tails") == [(1,)]


def take_back(path: Path) -> None:
    """Make it a database of schema 3, in which all of each piece is in its own row."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for blob, data in db.execute("select id, data from blobs").fetchall():
            tails = db.execute(
                "select data from blob_tails where id / 16 = ? order by id", (blob,)
            ).fetchall()
            joined = b"".join((data, *(tail for (tail,) in tails)))
            db.execute("update blobs set data = ? where id = ?", (joined, blob))
        assert db.execute("delete from blob_tails").rowcount > 0
        db.execute("drop trigger blobs_deleted")
        db.execute("drop table blob_tails")
        db.executescript("pragma incremental_vacuum")  # no page is free for a new table
        db.execute("pragma user_version = 3")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("delete from blob_tails where id = 16", "blob 1 does not match its digest"),
        ("update blob_tails set data = zeroblob(length(data)) where id = 17", "blob 1 does not"),
        ("update blob_tails set data = cast(data as text) where id = 17", "blob 1 does not"),
        ("update blobs set data = cast(data as text)", "blob 1 does not match its digest"),
        ("update blobs set data = 5", "blob 1 does not match its digest"),
        ("insert into blob_tails values (3200, x'00')", "belong to a blob that is not there"),
    ],
)
def test_damaged_tails_are_found_and_mended(db_path: Path, damage: str, problem: str) -> None:
    content = some_bytes(20_000)
    with ExperimentTracker(db_path) as tracker:
        run = tracker.start_run("e")
        tracker.log_artifact(run, "a", content)
        tracker.artifacts.log("v", {"a": content}, run_id=run)
        tracker.end_run(run)
    with closing(sqlite3.connect(db_path, isolation_level=None)) as db:
        assert db.execute(damage).rowcount == 1
    with ExperimentTracker(db_path) as tracker:
        assert any(problem in found for found in tracker.check().problems)
        if "blob 1" in problem:
            with pytest.raises(CorruptStoreError):
                tracker.get_artifact(run, "a")
            with pytest.raises(CorruptStoreError):
                tracker.artifacts.read("v", "a")
        assert tracker.check(fix=True).problems == ()
        kept = "blob 1" not in problem
        assert [record.name for record in tracker.list_artifacts(run)] == ["a"] * kept
        assert len(tracker.artifacts.list("v")) == kept


def test_mending_does_not_hold_all_content_at_once(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.start_run("e")
        for n in range(32):
            tracker.log_file(run, str(n), some_bytes(CHUNK_BYTES - n))
        tracemalloc.start()
        try:
            assert tracker.check(fix=True).problems == ()
            assert tracemalloc.get_traced_memory()[1] < 16 * CHUNK_BYTES
        finally:
            tracemalloc.stop()


def test_figures_are_counted_without_reading_what_they_are_of(db_path: Path) -> None:
    content = some_bytes(100_000)
    with ExperimentTracker(db_path) as tracker:
        tracker.log_file(tracker.start_run("e"), "a", content)
    pages = bytearray(db_path.read_bytes())
    start = pages.index(content[50_000:50_016]) // schema.PAGE_BYTES * schema.PAGE_BYTES
    pages[start : start + 4] = b"\xff" * 4  # where the content goes on
    db_path.write_bytes(pages)
    with ExperimentTracker(db_path) as tracker:
        assert facts(tracker._store).blob_bytes == len(content)
        with pytest.raises(CorruptStoreError):
            tracker.check()


@pytest.mark.parametrize("left", [1.0, 0.2])
def test_an_older_database_is_salvaged_as_it_is(db_path: Path, left: float) -> None:
    contents = {str(n): some_bytes(n) for n in (10_000, 100_000, 1_000_000)}
    with ExperimentTracker(db_path) as tracker:
        run = tracker.start_run("e", run_id="r", config={"lr": 0.5})
        tracker.log_files(run, contents)
        tracker.end_run(run)
    take_back(db_path)
    os.truncate(db_path, int(db_path.stat().st_size * left))
    before = db_path.read_bytes()
    saved = db_path.with_name("saved.db")
    assert main(["check", str(db_path), "--salvage", str(saved)]) == (left < 1)
    assert db_path.read_bytes() == before
    with ExperimentTracker(saved) as tracker:
        assert tracker.get_run("r").config == {"lr": 0.5}
        found = {file.name for file in tracker.list_files("r")}
        assert found == set(contents) if left == 1 else "1000000" not in found
        for name in found:
            assert tracker.open_file("r", name).read() == contents[name]


@pytest.mark.parametrize(
    ("log", "under_way"),
    [
        ("wal", "update runs set notes = 'new'"),
        ("delete", "begin; update blobs set data = zeroblob(length(data))"),
    ],
)
def test_an_older_database_is_salvaged_with_its_log(
    db_path: Path, tmp_path: Path, log: str, under_way: str
) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.start_run("e", run_id="r")
        tracker.log_file(run, "a", some_bytes(990_000))
        tracker.end_run(run)
    take_back(db_path)
    killed = tmp_path / "killed"
    with closing(sqlite3.connect(db_path, isolation_level=None)) as db:
        db.execute(f"pragma journal_mode = {log}")
        db.execute("pragma cache_size = 1")  # goes to the file before its end
        db.executescript(under_way)
        shutil.copytree(db_path.parent, killed)
    saved = tmp_path / "saved.db"
    assert main(["check", str(killed / db_path.name), "--salvage", str(saved)]) == 0
    with ExperimentTracker(saved) as tracker:
        assert tracker.get_run("r").notes == ("new" if log == "wal" else None)
        assert tracker.open_file("r", "a").read() == some_bytes(990_000)


def test_a_database_without_tails_gets_them(db_path: Path) -> None:
    with closing(sqlite3.connect(db_path, isolation_level=None)) as old:
        old.execute(f"pragma application_id = {schema.APPLICATION_ID}")
        for migration in schema.MIGRATIONS[:3]:
            migration(old)
        old.execute("pragma user_version = 3")
    with ExperimentTracker(db_path) as tracker:
        run = tracker.start_run("e")
        tracker.log_artifact(run, "a", some_bytes(20_000))
        assert tracker.get_artifact(run, "a") == some_bytes(20_000)
        sound(tracker)

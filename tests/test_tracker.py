"""The native tracker through its public interface, on real files."""

from __future__ import annotations

import io
import math
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synadb import ArtifactNotFoundError, ExperimentTracker, RunEndedError, RunNotFoundError
from synadb.errors import (
    CorruptStoreError,
    InvalidValueError,
    NewerSchemaError,
    NotADatabaseError,
    ReadOnlyStoreError,
    RunExistsError,
    StorageError,
)
from tests.conftest import sound


def test_everything_comes_back(db_path: Path) -> None:
    config = {
        "i": 3,
        "f": 1.0,
        "nan": math.nan,
        "inf": math.inf,
        "b": True,
        "s": "text",
        "none": None,
        "nested": {"list": [1, 2.0, None, {"deep": False}], "$float": "x"},
    }
    with ExperimentTracker(db_path) as tracker:
        run_id = tracker.start_run("exp/with slash", tags=["a", "ü"], config=config, notes="n")
        tracker.log_param(run_id, "later", [1, 2])
        for i in range(100):
            tracker.log_metric(run_id, "loss", 1 / (i + 1))
        tracker.end_run(run_id, "COMPLETED")
        sound(tracker)
    with ExperimentTracker(db_path) as tracker:
        record = tracker.get_run(run_id)
        assert repr(record.config) == repr({**config, "later": [1, 2]})
        assert record.tags == ("a", "ü")
        assert (record.state, record.status, record.notes) == ("finished", "Completed", "n")
        steps, values, times = tracker.get_metric(run_id, "loss")
        assert steps.tolist() == list(range(100))
        assert values.tolist() == [1 / (i + 1) for i in range(100)]
        assert (np.diff(times) >= 0).all()
        assert tracker.list_experiments() == ["exp/with slash"]


VALUES = (
    st.floats(allow_nan=False)
    | st.integers(-(2**70), 2**70)
    | st.booleans()
    | st.text(max_size=5)
    | st.none()
    | st.lists(st.integers(), max_size=2)
)
ROWS = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(["a", "b", "c/d", "é", "$x"]), VALUES, max_size=4),
        st.none() | st.integers(0, 8),
    ),
    max_size=30,
)


@settings(max_examples=60)
@given(ROWS, st.integers(1, 30))
def test_rows_merge_by_step_like_a_plain_dict(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], every: int
) -> None:
    model: dict[int, dict[str, Any]] = {}
    following = 0
    path = tmp_path_factory.mktemp("model") / "e.db"
    with ExperimentTracker(path) as tracker:
        run = tracker.run("exp")
        for number, (row, step) in enumerate(rows):
            run.log(row, step=step)
            at = following if step is None else step
            following = max(following, at + 1)
            model.setdefault(at, {}).update(row)
            if number % every == 0:
                run.flush()
        tracker.finish(run)
        found = {row.pop("_step"): row for row in tracker.rows(run.run_id)}
        for row in found.values():
            del row["_runtime"], row["_timestamp"]
        assert found == model
        assert {s: {k: type(v) for k, v in r.items()} for s, r in found.items()} == {
            s: {k: type(v) for k, v in r.items()} for s, r in model.items()
        }
        sound(tracker)


def test_history_is_columns(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker, tracker.run("exp") as run:
        run.log({"x": 1.5, "i": 7, "flag": True})
        run.log({"x": 2.5, "i": 8, "flag": False})
        run.log({"x": 3.5, "word": "w"})
        history = tracker.history(run.run_id)
        assert history["x"].tolist() == [1.5, 2.5, 3.5]
        assert history["word"].tolist() == [None, None, "w"]
        assert np.isnan(history["i"][2])
        assert history["flag"].tolist() == [True, False, None]
        assert list(tracker.history(run.run_id, ["x"])) == ["x"]
        frame = history.to_pandas()
        assert list(frame["_step"]) == [0, 1, 2]


def test_small_chunks_are_merged_without_loss(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("exp")
        for i in range(300):
            run.log({"x": i * 0.5, "n": i})
            run.flush()
        tracker.finish(run)
        assert tracker.get_metric(run.run_id, "n").values.tolist() == list(range(300))
        sound(tracker)
    with sqlite3.connect(db_path) as db:
        assert db.execute("select count(*) from chunks").fetchone() == (1,)
    db.close()


def test_two_trackers_on_one_run_lose_nothing(db_path: Path) -> None:
    with ExperimentTracker(db_path) as one, ExperimentTracker(db_path) as two:
        run_id = one.start_run("exp")
        for i in range(50):
            one.log_metric(run_id, "x", i)
            two.log_metric(run_id, "x", 1000 + i)
            if i % 7 == 0:
                one.flush()
                two.flush()
        one.flush()
        two.flush()
        series = one.get_metric(run_id, "x")
        assert sorted(series.values.tolist()) == [*range(50), *range(1000, 1050)]
        two.close()
        one.end_run(run_id)
        sound(one)


def test_threads(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("exp")

        def work(name: str) -> None:
            for i in range(2000):
                run.log({name: i, "every": 0.5})

        threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tracker.finish(run)
        assert len(tracker.get_metric(run.run_id, "every")) == 8000
        for n in range(4):
            assert tracker.get_metric(run.run_id, f"t{n}").values.tolist() == list(range(2000))


def test_the_file_alone_is_the_run_once_it_has_ended(db_path: Path, tmp_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        run_id = tracker.start_run("exp")
        for i in range(1000):
            tracker.log_metric(run_id, "x", i)
        tracker.end_run(run_id)
        copy = tmp_path / "copy.db"
        shutil.copy(db_path, copy)
        with ExperimentTracker(copy) as other:
            assert len(other.get_metric(run_id, "x")) == 1000
        exported = tmp_path / "exported.db"
        tracker.export(exported)
        with ExperimentTracker(exported) as other:
            assert len(other.get_metric(run_id, "x")) == 1000
    assert not Path(f"{db_path}-live").exists()
    assert not Path(f"{db_path}-wal").exists()


def test_another_process_continues_a_run(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        run_id = tracker.start_run("exp")
        tracker.log_metric(run_id, "x", 0.0)
        tracker.flush()
        code = (
            "import sys\nfrom synadb import ExperimentTracker\n"
            "with ExperimentTracker(sys.argv[1]) as t:\n    t.log_metric(sys.argv[2], 'x', 1.0)\n"
        )
        subprocess.run([sys.executable, "-c", code, str(db_path), run_id], check=True, timeout=60)
        assert tracker.get_metric(run_id, "x").steps.tolist() == [0, 1]


def test_artifacts(db_path: Path, tmp_path: Path) -> None:
    big = os.urandom(3_500_000)
    with ExperimentTracker(db_path) as tracker:
        run_id = tracker.start_run("exp")
        tracker.log_artifact(run_id, "a/b ü" + "x" * 300, b"")
        tracker.log_artifact(run_id, "big", io.BytesIO(big))
        source = tmp_path / "source"
        source.write_bytes(big)
        record = tracker.log_artifact(run_id, "file", source)
        assert record.size == len(big)
        assert tracker.get_artifact(run_id, "big") == big
        with tracker.open_artifact(run_id, "file") as stream:
            assert stream.read(10) == big[:10]
            assert stream.read() == big[10:]
        target = tmp_path / "target"
        tracker.download_artifact(run_id, "file", target)
        assert target.read_bytes() == big
        assert tracker.get_artifact(run_id, "a/b ü" + "x" * 300) == b""
        with pytest.raises(ArtifactNotFoundError, match="big"):
            tracker.get_artifact(run_id, "other")
        tracker.log_artifact(run_id, "big", b"new")
        assert tracker.get_artifact(run_id, "big") == b"new"
        sound(tracker)


def test_the_same_content_is_stored_once_and_given_back(db_path: Path) -> None:
    content = os.urandom(4 << 20)
    with ExperimentTracker(db_path) as tracker:
        first = tracker.start_run("exp")
        tracker.log_artifact(first, "m", content)
        tracker.end_run(first)
        size = db_path.stat().st_size
        second = tracker.start_run("exp")
        tracker.log_artifact(second, "m", content)
        tracker.end_run(second)
        assert db_path.stat().st_size - size < 0.01 * len(content)
        tracker.delete_run(first)
        assert tracker.get_artifact(second, "m") == content
        tracker.delete_run(second)
        assert db_path.stat().st_size < 1 << 20
        assert tracker.list_runs() == []
        sound(tracker)


def test_a_failing_stream_leaves_the_old_artifact(db_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            piece = super().read(size)
            if not piece:
                raise OSError("gone")
            return piece

    with ExperimentTracker(db_path) as tracker:
        run_id = tracker.start_run("exp")
        tracker.log_artifact(run_id, "m", b"old")
        with pytest.raises(OSError, match="gone"):
            tracker.log_artifact(run_id, "m", Broken(bytes(17 << 20)))
        assert tracker.get_artifact(run_id, "m") == b"old"
        assert tracker.gc()["blobs"] == 1
        sound(tracker)


def test_a_damaged_piece_is_found_and_removed_by_fix(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        run_id = tracker.start_run("exp")
        tracker.log_artifact(run_id, "m", b"content")
        tracker.end_run(run_id)
    db = sqlite3.connect(db_path)
    db.execute("update blobs set data = x'00112233445566'")
    db.commit()
    db.close()
    with ExperimentTracker(db_path) as tracker:
        with pytest.raises(CorruptStoreError):
            tracker.get_artifact(run_id, "m")
        assert not tracker.check().ok
        assert tracker.check(fix=True).ok


def test_errors_say_what_is_wrong(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        run_id = tracker.start_run("exp", run_id="mine")
        with pytest.raises(RunExistsError, match="mine"):
            tracker.start_run("exp", run_id="mine")
        with pytest.raises(RunNotFoundError, match="nobody"):
            tracker.log_metric("nobody", "x", 1)
        with pytest.raises(InvalidValueError, match="number"):
            tracker.log_metric(run_id, "x", "text")  # type: ignore[arg-type]
        with pytest.raises(InvalidValueError, match="whole"):
            tracker.log_metric(run_id, "x", 1, step=1.5)  # type: ignore[arg-type]
        with pytest.raises(InvalidValueError, match="Completed"):
            tracker.end_run(run_id, "done")
        tracker.end_run(run_id, "failed")
        with pytest.raises(RunEndedError, match="ended"):
            tracker.log_metric(run_id, "x", 1)
        with pytest.raises(RunEndedError):
            tracker.end_run(run_id)
        with pytest.raises(KeyError, match="no metric"):
            tracker.get_metric(run_id, "x")
    with ExperimentTracker(db_path) as tracker, pytest.raises(RunEndedError):
        tracker.log_metric(run_id, "x", 1)


def test_files_that_are_no_database(tmp_path: Path) -> None:
    text = tmp_path / "text.db"
    text.write_text("hello world, this is not a database at all")
    with pytest.raises(NotADatabaseError, match=r"text\.db"):
        ExperimentTracker(text)
    with pytest.raises(NotADatabaseError, match="directory"):
        ExperimentTracker(tmp_path)
    other = tmp_path / "other.db"
    db = sqlite3.connect(other)
    db.execute("create table t (x)")
    db.commit()
    db.close()
    with pytest.raises(NotADatabaseError, match="another program"):
        ExperimentTracker(other)
    newer = tmp_path / "newer.db"
    ExperimentTracker(newer).close()
    db = sqlite3.connect(newer)
    db.execute("pragma user_version = 99")
    db.close()
    with pytest.raises(NewerSchemaError, match="99"):
        ExperimentTracker(newer)


def test_read_only(db_path: Path) -> None:
    with pytest.raises(StorageError, match="no database"):
        ExperimentTracker(db_path, read_only=True)
    with ExperimentTracker(db_path) as tracker:
        run_id = tracker.start_run("exp")
        tracker.log_metric(run_id, "x", 1.5)
        tracker.end_run(run_id)
    with ExperimentTracker(db_path, read_only=True) as tracker:
        assert tracker.get_metric(run_id, "x").values.tolist() == [1.5]
        with pytest.raises(ReadOnlyStoreError):
            tracker.start_run("exp")


@pytest.mark.parametrize("row", [[1, 2], None, "ab", np.zeros(3), {1: 2.0}, {1: object()}])
def test_what_is_no_row_is_refused(db_path: Path, row: Any) -> None:
    with ExperimentTracker(db_path) as tracker, tracker.run("e", run_id="r") as run:
        with pytest.raises(InvalidValueError, match="a dict with str keys"):
            run.log(row)
        run.log({"x": 1})
    with ExperimentTracker(db_path) as tracker:
        assert [(found["_step"], found["x"]) for found in tracker.rows("r")] == [(0, 1)]


def test_runs_are_compared_by_metrics_of_mixed_types(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker, tracker.run("e", run_id="r") as run:
        for row in ({"a": 1, "b": None}, {"a": True, "b": 2}, {"a": 1 << 60, "c": "x"}, {"a": 0.5}):
            run.log(row)
        run.log({"b": math.nan, "c": 3})
    with ExperimentTracker(db_path) as tracker:
        found = tracker.compare_runs(["r"])["metrics"]
    assert found["a"]["r"] == {
        "last": 0.5,
        "min": 0.5,
        "max": 1 << 60,
        "mean": (1.5 + (1 << 60)) / 3,
    }
    assert found["b"]["r"] == {"last": 2, "min": 2, "max": 2, "mean": 2}
    assert "c" not in found


def test_a_copy_right_after_a_with_block_is_complete(db_path: Path, tmp_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        with tracker.run("e", run_id="r") as run:
            run.log({"i": 1})
        shutil.copy(db_path, tmp_path / "copy.db")
    with ExperimentTracker(tmp_path / "copy.db") as copy:
        assert (copy.get_run("r").state, copy.get_run("r").summary["i"]) == ("finished", 1)


def test_a_log_that_started_again_is_not_copied_at_every_commit(
    db_path: Path,
) -> None:
    def frames() -> tuple[int, int]:
        index = Path(f"{db_path}-shm").read_bytes()
        return tuple(  # type: ignore[return-value]
            int.from_bytes(index[at : at + 4], sys.byteorder) for at in (16, 96)
        )

    with ExperimentTracker(str(db_path)) as tracker, ExperimentTracker(str(db_path)) as other:
        run = tracker.start_run("e")
        assert len(other.list_runs()) == 1  # who is not alone writes to the log
        tracker.log_artifact(run, "a", os.urandom(40 << 20))
        for note in ("over the limit: all is copied", "so this begins the log again"):
            tracker.set_notes(run, note)
            tracker.flush()
        written, copied = frames()
        assert Path(f"{db_path}-wal").stat().st_size > 40 << 20
        assert (copied, written < 64) == (0, True)


def test_network_mode_uses_no_wal_and_survives(
    db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNADB_NETWORK_FS", "1")
    code = (
        "import os, sys\nfrom synadb import ExperimentTracker\n"
        "t = ExperimentTracker(sys.argv[1])\nrun = t.run('exp', run_id='r')\n"
        "for i in range(500): run.log({'x': i})\nos._exit(9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(db_path)], check=False, timeout=60)
    assert done.returncode == 9
    with ExperimentTracker(db_path) as tracker:
        assert tracker.get_metric("r", "x").values.tolist() == list(range(500))
        assert tracker.get_run("r").state == "crashed"
        sound(tracker)
    db = sqlite3.connect(db_path)
    assert db.execute("pragma journal_mode").fetchone() == ("delete",)
    db.close()


def test_a_store_out_of_reach_delays_rows_and_loses_none(
    db_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from synadb.errors import StoreFullError
    from synadb.storage.sqlite import SQLiteStore

    tracker = ExperimentTracker(db_path)
    run = tracker.run("exp")
    run.log({"x": 0})
    run.flush()
    real = SQLiteStore.apply

    def full(*args: Any, **kwargs: Any) -> None:
        raise StoreFullError(f"{db_path}: database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(SQLiteStore, "apply", full)
        patched.setenv("SYNADB_FINISH_TIMEOUT", "0.2")
        for i in range(1, 1000):
            run.log({"x": i})
        with pytest.raises(StoreFullError):
            run.flush()
        tracker.finish(run)
    assert SQLiteStore.apply is real
    assert "synadb recover" in capsys.readouterr().err
    tracker.close()
    with ExperimentTracker(db_path) as again:
        assert again.get_metric(run.run_id, "x").values.tolist() == list(range(1000))
        assert again.get_run(run.run_id).state == "finished"
        sound(again)


def test_compare_and_best(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        ids = []
        for lr, last in ((0.1, 0.5), (0.2, 0.9), (0.3, 0.7)):
            with tracker.run("exp", config={"lr": lr}) as run:
                run.log({"acc": 0.1})
                run.log({"acc": last})
            ids.append(run.run_id)
        best = tracker.best_run("exp", "acc")
        assert best is not None
        assert best.run_id == ids[1]
        worst = tracker.best_run("exp", "acc", mode="min")
        assert worst is not None
        assert worst.run_id == ids[0]
        assert tracker.best_run("exp", "nothing") is None
        compared = tracker.compare_runs(ids)
        assert compared["params"]["lr"] == dict(zip(ids, (0.1, 0.2, 0.3), strict=True))
        assert compared["metrics"]["acc"][ids[2]]["max"] == 0.7
        ordered = tracker.list_runs("exp", order="-config.lr", limit=2)
        assert [run.run_id for run in ordered] == [ids[2], ids[1]]
        assert tracker.list_runs(where={"config.lr": 0.2})[0].run_id == ids[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_that_lives_on_is_drained(db_path: Path) -> None:
    code = """
import os, sys, time
from synadb import ExperimentTracker
tracker = ExperimentTracker(sys.argv[1])
run = tracker.run("exp", run_id="r")
for i in range(10):
    run.log({"x": float(i)})
child = os.fork()
for i in range(100):
    run.log({"x": 1000.0 * (child == 0) + i})
if child == 0:
    time.sleep(1.5)
    assert run._journal.drained > 0, "the child's writer does not run"
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
tracker.finish(run)
tracker.close()
"""
    subprocess.run([sys.executable, "-c", code, str(db_path)], check=True, timeout=60)
    with ExperimentTracker(db_path) as tracker:
        assert len(tracker.get_metric("r", "x")) == 210
        sound(tracker)


def test_waiting_for_a_lock_leaves_the_seeded_generator_alone(db_path: Path) -> None:
    import random

    random.seed(1)
    before = random.getstate()
    with ExperimentTracker(db_path) as tracker, tracker.run("exp") as run:
        run.log({"x": 1})
    assert random.getstate() == before


def test_a_stream_that_gives_little_at_a_time_dedupes_with_a_file(db_path: Path) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(70_000, size or 0))

    content = os.urandom((2 << 20) + 5)
    with ExperimentTracker(db_path) as tracker:
        run_id = tracker.start_run("exp")
        whole = tracker.log_artifact(run_id, "a", content)
        slow = tracker.log_artifact(run_id, "b", Slow(content))
        exact = tracker.log_artifact(run_id, "c", Slow(content[: 2 << 20]))
        assert whole.digest == slow.digest
        assert tracker.get_artifact(run_id, "c") == content[: 2 << 20]
        assert exact.size == 2 << 20
        tracker.flush()
        assert tracker.gc(dry_run=True) == {"blobs": 0, "blob_bytes": 0}
        db = sqlite3.connect(db_path)
        assert db.execute("select count(*) from blobs").fetchone() == (3,)
        db.close()


def test_an_older_database_is_brought_up_to_date(db_path: Path) -> None:
    from synadb.storage import schema

    # What a release with the first schema leaves behind.
    with sqlite3.connect(db_path, isolation_level=None) as old:
        old.execute(f"pragma application_id = {schema.APPLICATION_ID}")
        schema.MIGRATIONS[0](old)
        old.execute("pragma user_version = 1")
        old.execute("insert into experiments values ('e', 1)")
        old.execute(
            "insert into runs (run_id, experiment, name, state, config, summary, tags, grp,"
            " job_type, created, updated, host, pid, last_step, next_seq, row_count)"
            " values ('r', 'e', 'n', 'finished', '{}', '{}', '[]', '', '', 1, 1, 'h', 1, -1, 0, 0)"
        )
        old.execute(
            "insert into artifacts (run, name, size, digest, created, complete)"
            " values (1, 'a', 0, x'00', 1, 1)"
        )
    old.close()
    with ExperimentTracker(db_path) as tracker:
        assert tracker.get_run("r").metadata == {}
        assert [record.name for record in tracker.list_artifacts("r")] == ["a"]
        assert tracker.list_files("r") == []
        assert tracker.console("r") == []
        sound(tracker)


def test_files_and_artifacts_have_names_of_their_own(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.start_run("e")
        tracker.log_artifact(run, "x", b"artifact")
        tracker.log_file(run, "x", b"file")
        tracker.log_file(run, "media/x", b"another")
        tracker.log_file(run, "x", b"newer")
        assert tracker.get_artifact(run, "x") == b"artifact"
        assert tracker.open_file(run, "x").read() == b"newer"
        assert [record.name for record in tracker.list_files(run)] == ["media/x", "x"]
        target = tracker.download_file(run, "x", db_path.with_name("copy"))
        assert Path(target).read_bytes() == b"newer"
        with pytest.raises(ArtifactNotFoundError, match="no file 'y'"):
            tracker.open_file(run, "y")
        sound(tracker)
        tracker.delete_run(run)
        assert tracker.gc() == {"blobs": 0, "blob_bytes": 0, "file_bytes_freed": 0}


def test_console_and_system_samples_come_back(db_path: Path) -> None:
    from synadb.ops import LogConsole, LogSystem, UpdateRun

    with ExperimentTracker(db_path) as tracker, tracker.run("e") as run:
        run.append(
            LogConsole(run.run_id, "a", ((0, 1.0, "stdout", "10 %"), (1, 1.0, "stderr", "w")))
        )
        run.append(LogConsole(run.run_id, "a", ((0, 2.0, "stdout", "100 %"),)))
        run.append(LogSystem(run.run_id, "a", 5.0, {"cpu": 1.5}))
        run.append(UpdateRun(run.run_id, {"metadata": {"git": {"commit": "c"}, "gone": 1}}))
        run.append(UpdateRun(run.run_id, {"metadata": {"gone": None}}))
        assert [tuple(line) for line in tracker.console(run.run_id)] == [
            ("a", 0, 2.0, "stdout", "100 %"),
            ("a", 1, 1.0, "stderr", "w"),
        ]
        (sample,) = tracker.system_metrics(run.run_id)
        assert (sample["cpu"], sample["_timestamp"]) == (1.5, 5.0)
        assert tracker.get_run(run.run_id).metadata == {"git": {"commit": "c"}}
        sound(tracker)


def logged(tracker: ExperimentTracker, run_id: str) -> list[dict[str, Any]]:
    auto = ("_runtime", "_timestamp")
    return [{k: v for k, v in row.items() if k not in auto} for row in tracker.rows(run_id)]


def test_a_fork_has_the_rows_up_to_its_step(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        with tracker.run("e", config={"lr": 1, "n": 2}) as old:
            for i in range(10):
                old.log({"a": i, "b": i / 2})
                if i % 3 == 0:
                    old.log({"t": f"text {i}"}, step=i)
        before = logged(tracker, old.run_id)
        new = tracker.fork_run(old.run_id, 5, config={"lr": 9})
        assert logged(tracker, new.run_id) == before[:6]
        record = tracker.get_run(new.run_id)
        assert record.config == {"lr": 9, "n": 2}
        assert record.summary == {"a": 5, "b": 2.5, "t": "text 3"}
        assert (record.last_step, record.row_count) == (5, 6)
        assert record.metadata["forked_from"] == {"run": old.run_id, "step": 5}
        new.log({"a": 100})
        tracker.finish(new)
        assert logged(tracker, new.run_id) == [*before[:6], {"a": 100, "_step": 6}]
        assert logged(tracker, old.run_id) == before
        with pytest.raises(InvalidValueError, match="no step 10"):
            tracker.fork_run(old.run_id, 10)
        sound(tracker)


def test_a_run_can_be_set_back(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        with tracker.run("e") as run:
            for i in range(10):
                run.log({"a": i, "odd" if i % 2 else "even": True, "l": [i]}, step=i)
        before = logged(tracker, run.run_id)
        tracker.rewind_run(run.run_id, 4)
        assert logged(tracker, run.run_id) == before[:5]
        record = tracker.get_run(run.run_id)
        assert record.summary == {"a": 4, "even": True, "odd": True, "l": [4]}
        assert record.last_step == 4
        with tracker.run("e", run_id=run.run_id, resume=True) as again:
            again.log({"a": -1})
        assert logged(tracker, run.run_id)[5:] == [{"a": -1, "_step": 5}]
        sound(tracker)


def test_a_sketch_is_evenly_spaced_and_needs_no_numpy(db_path: Path) -> None:
    script = """
import sys
from synadb import ExperimentTracker
with ExperimentTracker(sys.argv[1]) as tracker:
    with tracker.run("e") as run:
        for i in range(1000):
            run.log({"a": i, "b": i / 2, "flag": True, "text": "x"})
            if i == 500:
                run.flush()
    sketch = tracker.sketch(run.run_id, 11)
    assert sketch == {"a": [round(i * 99.9) for i in range(11)], "b": sketch["b"]}, sketch
    assert sketch["b"] == [value / 2 for value in sketch["a"]]
    tracker.finish(run)
assert "numpy" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(db_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with ExperimentTracker(db_path) as tracker:
        (run,) = tracker.list_runs()
        assert len(tracker.history(run.run_id)) == 4
        assert tracker.history(run.run_id)["a"].tolist() == list(range(1000))


_cells = st.one_of(
    st.integers(-9, 9),
    st.booleans(),
    st.floats(-1, 1),
    st.text("xy", max_size=2),
    st.dictionaries(st.sampled_from("pq"), st.integers(0, 9), min_size=1, max_size=2),
)


@settings(max_examples=60)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 8), st.dictionaries(st.sampled_from("abc"), _cells, min_size=1)),
        min_size=1,
        max_size=25,
    ),
    last=st.integers(0, 8),
    pause=st.integers(0, 25),
)
def test_the_summary_of_a_run_set_back_is_what_its_rows_leave(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, dict[str, Any]]],
    last: int,
    pause: int,
) -> None:
    path = tmp_path_factory.mktemp("back") / "experiments.db"
    with ExperimentTracker(path) as tracker:
        with tracker.run("e") as run:
            for number, (step, row) in enumerate(sorted(rows, key=lambda row: row[0])):
                run.log(row, step=step)
                if number == pause:
                    run.flush()  # what comes later is in other chunks
        last = min(last, max(step for step, _ in rows))
        tracker.rewind_run(run.run_id, last)
        expected: dict[str, Any] = {}
        steps = set()
        for step, row in sorted(rows, key=lambda row: row[0]):
            if step > last:
                continue
            steps.add(step)
            for key, value in row.items():
                before = expected.get(key)
                if isinstance(value, dict) and isinstance(before, dict):
                    expected[key] = {**before, **value}
                else:
                    expected[key] = value
        record = tracker.get_run(run.run_id)
        assert record.summary == expected
        assert (record.row_count, record.last_step) == (len(steps), max(steps, default=-1))
        sound(tracker)


def test_what_cannot_be_logged_is_told_in_one_error(db_path: Path) -> None:
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(5000):
        inner["a"] = inner = {}
    itself: list[Any] = []
    itself.append(itself)
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e")
        for bad, error in (
            ({"k": deep}, InvalidValueError),
            ({"k": itself, "x": 1}, InvalidValueError),
            ({"k": object()}, TypeError),
        ):
            with pytest.raises(error) as caught:
                run.log(bad)
            assert caught.value.__context__ is None or caught.value.__suppress_context__
        with pytest.raises(InvalidValueError, match="'deep'"):
            run.log_params({"deep": deep})
        run.log({"fine": 1})
        run.end()
        assert [row["fine"] for row in tracker.rows(run.run_id)] == [1]

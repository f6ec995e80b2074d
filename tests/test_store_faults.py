"""What goes wrong around a store: bad records, files that vanish, forks, deletions meanwhile."""

from __future__ import annotations

import contextlib
import io
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from synadb import ExperimentTracker, RunNotFoundError
from synadb.errors import (
    CorruptStoreError,
    InvalidValueError,
    MetricNotFoundError,
    ReadOnlyStoreError,
    StorageError,
    StoreBusyError,
)
from synadb.ops import LogRow, UpdateRun
from synadb.storage import open_store
from synadb.system import FileLock


def test_a_record_that_cannot_be_stored_does_not_keep_back_the_others(
    db_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with ExperimentTracker(db_path) as tracker, tracker.run("e") as run:
        run.log({"a": 1})
        # Past every check, as an earlier release's journal may hold them.
        run.append(UpdateRun(run.run_id, {"color": "red"}))
        run.append(UpdateRun(run.run_id, {"name": None}))
        run.append(LogRow(run.run_id, 2**63, 1.0, {"x": "step of 65 bits"}))
        run.log({"a": 2})
        tracker.finish(run)
        assert [row["a"] for row in tracker.rows(run.run_id)] == [1, 2]
        assert tracker.get_run(run.run_id).state == "finished"
        assert tracker.check().ok
    said = capfd.readouterr().err
    assert "UpdateRun" in said
    assert "LogRow" in said


@pytest.mark.parametrize(
    "values",
    [
        {"name": None},
        {"name": 3},
        {"name": "x\ud800"},
        {"notes": ["x"]},
        {"tags": None},
        {"tags": "abc"},
        {"group": None},
        {"color": "red"},
    ],
)
def test_fields_are_checked_where_they_are_given(db_path: Path, values: dict[str, Any]) -> None:
    with ExperimentTracker(db_path) as tracker:
        with tracker.run("e") as run, pytest.raises(InvalidValueError):
            run.update(**values)
        if values.get("name", "") is not None and values.get("tags", "") is not None:
            with pytest.raises((InvalidValueError, TypeError)):
                tracker.start_run("e", **values)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t, r: t.log_metrics(r, [("a", 1)]), "a dict"),
        (lambda t, r: t.log_params(r, [1]), "a dict"),
        (lambda t, r: t.start_run("x", config=5), "a dict"),
        (lambda t, r: t.start_run("x", config={"p": object()}), "'p'"),
        (lambda t, r: t.log_artifact(r, "t", io.StringIO("x")), "binary"),
        (lambda t, r: t.log_artifact(r, "t", _at_end()), "seek"),
        (lambda t, r: ExperimentTracker(None), "path"),  # type: ignore[arg-type]
    ],
)
def test_wrong_arguments_are_named(
    db_path: Path, call: Callable[[ExperimentTracker, str], object], words: str
) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.start_run("e")
        with pytest.raises(InvalidValueError, match=words):
            call(tracker, run)


def _at_end() -> BinaryIO:
    file = io.BytesIO()
    file.write(b"content")
    return file


def test_an_unknown_metric_is_an_error_that_lists_the_known(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.start_run("e")
        tracker.log_metrics(run, {"loss": 1.0, "acc": 2.0})
        with pytest.raises(MetricNotFoundError, match="acc, loss"):
            tracker.get_metric(run, "los")


def test_deleting_a_run_that_another_logs_to(db_path: Path) -> None:
    with ExperimentTracker(db_path) as owner, ExperimentTracker(db_path) as other:
        run = owner.run("e")
        for i in range(40_000):  # more than one segment of a journal
            run.log({"a": float(i), "b": 1.0, "c": 2.0})
        run.flush()
        other.delete_run(run.run_id)
        run.log({"a": 1.0})
        with pytest.raises(RunNotFoundError):
            run.flush()
        owner.finish(run)
    with ExperimentTracker(db_path) as again:
        assert again.list_runs() == []


def test_a_database_that_is_removed_meanwhile_is_noticed(
    db_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNADB_FINISH_TIMEOUT", "0.2")
    tracker = ExperimentTracker(db_path)
    run = tracker.run("e")
    run.log({"a": 1})
    run.flush()
    kept = {}
    for name in (db_path, Path(f"{db_path}-wal"), Path(f"{db_path}-shm")):
        if name.exists():
            kept[name] = name.read_bytes()
            name.unlink()
    run.log({"a": 2})
    with pytest.raises(StorageError, match="removed or replaced"):
        run.flush()
    assert tracker.finish(run) is False
    assert "synadb recover" in capfd.readouterr().err
    tracker.close()
    assert not db_path.exists()
    for name, content in kept.items():
        name.write_bytes(content)
    with ExperimentTracker(db_path) as again:
        assert [row["a"] for row in again.rows(run.run_id)] == [1, 2]


def test_deleting_a_run_while_its_artifact_comes_in(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker, ExperimentTracker(db_path) as other:
        doomed = tracker.start_run("e")

        class Slow(io.RawIOBase):
            given = 0

            def read(self, size: int = -1) -> bytes:
                self.given += 1
                if self.given == 60:  # when several batches have been written
                    other.delete_run(doomed)
                    self.next_run = other.start_run("e")
                    other.log_artifact(self.next_run, "b", b"b" * (3 << 20))
                return b"" if self.given > 100 else bytes([self.given]) * size

        stream = Slow()
        with pytest.raises(RunNotFoundError):
            tracker.log_artifact(doomed, "a", cast(BinaryIO, stream))
        assert other.get_artifact(stream.next_run, "b") == b"b" * (3 << 20)
        assert other.check().ok


def test_pieces_that_do_not_add_up_are_refused(db_path: Path) -> None:
    import sqlite3

    with ExperimentTracker(db_path) as tracker:
        run = tracker.start_run("e")
        tracker.log_artifact(run, "a", os.urandom(2 << 20))
    db = sqlite3.connect(db_path)
    db.execute("delete from artifact_blobs where position = 1")
    db.commit()
    db.close()
    with ExperimentTracker(db_path) as tracker, pytest.raises(CorruptStoreError, match="add up"):
        tracker.get_artifact(run, "a")


def test_the_summary_does_not_depend_on_when_rows_are_written(db_path: Path) -> None:
    def rows(run: Any, flush: bool) -> None:
        for data, step in (
            ({"loss": 1.0}, 10),
            ({"note": "late text"}, 4),
            ({"loss": 5.0, "extra": 2.0}, 3),
            ({"note": "later still"}, 2),
        ):
            run.log(data, step=step)
            if flush:
                run.flush()

    with ExperimentTracker(db_path) as tracker:
        found = []
        for flush in (False, True):
            with tracker.run("e") as run:
                rows(run, flush)
            found.append(tracker.get_run(run.run_id).summary)
        assert found[0] == found[1] == {"loss": 1.0, "note": "late text", "extra": 2.0}


def test_leaves_of_rows_that_are_written_together_stay(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker, tracker.run("e") as run:
        run.log({"n": {"a": 1}, "x": 0.5})
        run.log({"n": {"b": 2}, "x": None})
        run.flush()
        assert tracker.get_run(run.run_id).summary == {"n": {"a": 1, "b": 2}, "x": 0.5}


def test_threads_leave_no_connections_behind(db_path: Path) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    with ExperimentTracker(db_path) as tracker:
        run = tracker.start_run("e")
        tracker.log_metric(run, "a", 1.0)

        def read() -> None:
            tracker.get_metric(run, "a")

        before = len(os.listdir("/proc/self/fd"))
        for _ in range(30):
            thread = threading.Thread(target=read)
            thread.start()
            thread.join()
        assert len(os.listdir("/proc/self/fd")) < before + 10


def test_export_names_the_target_that_cannot_be_written(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker, pytest.raises(StorageError, match=r"no/such/x\.db"):
        tracker.export("no/such/x.db")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forks_while_the_writer_is_busy(db_path: Path) -> None:
    script = """
import os, sys, threading, time
from synadb import ExperimentTracker
import synadb.writer
synadb.writer.INTERVAL = 0.002
tracker = ExperimentTracker(sys.argv[1])
run = tracker.run("e")
stop = threading.Event()
def busy():
    while not stop.is_set():
        run.log({"a": 1.0, "t": "x"})
        tracker.get_run(run.run_id)
threads = [threading.Thread(target=busy) for _ in range(2)]
[thread.start() for thread in threads]
end = time.monotonic() + 6
forks = 0
while time.monotonic() < end:
    pid = os.fork()
    if pid == 0:
        run.log({"child": forks})
        run.flush()
        os._exit(0)
    deadline = time.monotonic() + 30
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(pid, 9)
            print("hung", flush=True)
            os._exit(3)
        time.sleep(0.002)
    forks += 1
stop.set()
[thread.join() for thread in threads]
with run:
    pass
print(forks, sum("child" in row for row in tracker.rows(run.run_id)))
tracker.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(db_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    forks, rows = map(int, done.stdout.split())
    assert forks == rows > 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_that_leaves_the_block_does_not_end_the_run(db_path: Path) -> None:
    script = """
import os, sys
from synadb import ExperimentTracker
tracker = ExperimentTracker(sys.argv[1])
with tracker.run("e") as run:
    run.log({"a": 1})
    pid = os.fork()
    if pid == 0:
        run.log({"child": 1})
        run.__exit__(RuntimeError, None, None)
        os._exit(0)
    os.waitpid(pid, 0)
    assert tracker.get_run(run.run_id).state == "running"
    run.log({"a": 2})
record = tracker.get_run(run.run_id)
print(record.state, record.row_count)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(db_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["finished", "3"], done.stdout + done.stderr


def test_a_read_only_database_in_a_folder_that_can_be_written(
    db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExperimentTracker(db_path) as tracker, tracker.run("e") as run:
        run.log({"a": 1})
    # As for a user who may not write it: to root everything is writable.
    real = os.access
    monkeypatch.setattr(
        os,
        "access",
        lambda path, mode, **kw: (
            False if mode == os.W_OK and str(path) == str(db_path) else real(path, mode, **kw)
        ),
    )
    with ExperimentTracker(db_path) as tracker:
        assert [row["a"] for row in tracker.rows(run.run_id)] == [1]
        with pytest.raises(ReadOnlyStoreError, match="copy it"):
            tracker.start_run("e")
    assert [path.name for path in db_path.parent.iterdir()] == [db_path.name]


def test_an_artifact_while_the_interpreter_ends(db_path: Path) -> None:
    script = """
import atexit, sys, threading
from synadb import ExperimentTracker
tracker = ExperimentTracker(sys.argv[1])
run = tracker.start_run("e")
atexit.register(lambda: tracker.log_artifact(run, "big", b"x" * (40 << 20)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(db_path)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    with ExperimentTracker(db_path) as tracker:
        (run,) = tracker.list_runs()
        assert len(tracker.get_artifact(run.run_id, "big")) == 40 << 20


def test_reading_leaves_no_files_behind(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker, tracker.run("e") as run:
        run.log({"a": 1})
    with ExperimentTracker(db_path, read_only=True) as tracker:
        assert [row["a"] for row in tracker.rows(run.run_id)] == [1]
        with pytest.raises(ReadOnlyStoreError):
            tracker.start_run("e")
    assert [path.name for path in db_path.parent.iterdir()] == [db_path.name]


def test_runs_are_salvaged_one_by_one(db_path: Path, tmp_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        for number in range(40):
            config = {"text": os.urandom(900).hex(), "number": number}
            with tracker.run("e", run_id=f"run{number:02}", config=config) as run:
                run.log({"a": number})
    content = bytearray(db_path.read_bytes())
    at = content.index(b'"number":20}')
    page = at // 16384 * 16384
    content[page : page + 16384] = b"\xff" * 16384
    db_path.write_bytes(content)
    target = tmp_path / "new.db"
    command = [sys.executable, "-m", "synadb", "check", str(db_path), "--salvage", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    with ExperimentTracker(target) as tracker:
        saved = {run.run_id: run.config["number"] for run in tracker.list_runs()}
        assert 20 < len(saved) < 40
        assert all(run_id == f"run{number:02}" for run_id, number in saved.items())
        assert all([row["a"] for row in tracker.rows(i)] == [n] for i, n in saved.items())
    assert "run20" in done.stdout + done.stderr


def test_many_short_programs_at_once(db_path: Path) -> None:
    script = """
import synadb.wandb_compat as wandb
run = wandb.init(project="c")
run.log({"a": 1})
"""
    environment = {
        **os.environ,
        "SYNADB_PATH": str(db_path),
        "SYNADB_RUN_DIR": "0",
        "WANDB_SILENT": "true",
    }
    for _ in range(4):
        running = [
            subprocess.Popen(
                [sys.executable, "-c", script],
                env=environment,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(8)
        ]
        for process in running:
            _, said = process.communicate(timeout=60)
            assert (process.returncode, said) == (0, "")
    with ExperimentTracker(db_path) as tracker:
        runs = tracker.list_runs()
        assert [(run.state, run.row_count) for run in runs] == [("finished", 1)] * 32
        sound = tracker.check()
        assert sound.ok, sound.problems


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="needs /proc/locks")
def test_nothing_here_ends_the_locks_of_sqlite(db_path: Path) -> None:
    def locks() -> set[str]:
        found = set()
        for line in Path("/proc/locks").read_text().splitlines():
            kind, owner, place = line.split()[1], line.split()[4], line.split()[5]
            if kind == "POSIX" and owner == str(os.getpid()):
                found.add(place.rpartition(":")[2])
        return found

    def files() -> set[str]:
        return {str(Path(f"{db_path}{end}").stat().st_ino) for end in ("", "-shm")}

    with ExperimentTracker(db_path) as tracker:
        run = tracker.start_run("e")
        tracker.log_metric(run, "a", 1.0)
        tracker.flush()
        assert files() <= locks()
        ExperimentTracker(db_path).close()
        tracker.log_artifact(run, "large", os.urandom(40 << 20))
        tracker.set_notes(run, "n")
        tracker.export(db_path.with_name("copy.db"))
        tracker.flush()
        assert files() <= locks()


def test_copies_after_the_end_of_each_run(db_path: Path) -> None:
    import shutil

    other = """
import sys
from synadb import ExperimentTracker
with ExperimentTracker(sys.argv[1]) as tracker, tracker.run("other") as run:
    run.log({"b": 1})
"""
    with ExperimentTracker(db_path) as tracker:
        for number in range(3):
            run_id = tracker.start_run("e")
            tracker.log_metric(run_id, "a", float(number))
            tracker.end_run(run_id)
            # Closing its descriptor would end the locks of connections that are open.
            copy = shutil.copy(db_path, db_path.with_name(f"copy{number}.db"))
            subprocess.run([sys.executable, "-c", other, str(db_path)], check=True)
            with ExperimentTracker(copy) as copied:
                assert len(copied.list_runs()) == 2 * number + 1
        assert len(tracker.list_runs()) == 6
    with ExperimentTracker(db_path) as tracker:
        assert len(tracker.list_runs()) == 6
        sound = tracker.check()
        assert sound.ok, sound.problems


def test_a_log_that_is_removed_during_a_run_loses_nothing(
    db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNADB_FINISH_TIMEOUT", "0.2")
    tracker = ExperimentTracker(db_path)
    run = tracker.run("e")
    run.log({"a": 1})
    run.flush()
    log = Path(f"{db_path}-wal")
    kept = log.read_bytes()
    log.unlink()
    run.log({"a": 2})
    with pytest.raises(StorageError, match="has been removed"):
        run.flush()
    log.write_bytes(kept)
    assert tracker.finish(run) is False
    script = """
import sys
from synadb import ExperimentTracker
with ExperimentTracker(sys.argv[1]) as tracker:
    (run,) = tracker.list_runs()
    print([row["a"] for row in tracker.rows(run.run_id)])
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(db_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[1, 2]", done.stderr


@pytest.mark.parametrize("before", ["bulk", "rest", "checkpoint"])
def test_patience_outlives_the_connections(db_path: Path, before: str) -> None:
    """Who has said how long it waits is not kept longer because the file was let go of."""
    store = open_store(db_path)
    lock = FileLock(Path(store.live_dir) / "write.lock")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock.held(10.0):
            held.set()
            done.wait(20.0)  # less than the 60 s of those who have said nothing

    thread = threading.Thread(target=hold)
    with store.patience(0.2), contextlib.ExitStack() as stack:
        if before == "bulk":
            stack.enter_context(store.bulk())
        elif before == "rest":
            store.rest()
        else:
            store.checkpoint(truncate=True)
        thread.start()
        assert held.wait(10.0)
        try:
            with pytest.raises(StoreBusyError, match="another process"):
                store.add_experiment("late")
        finally:
            done.set()
            thread.join()
    store.add_experiment("in time")
    assert store.list_experiments() == ["in time"]
    store.close()


def test_patience_counts_for_programs_without_the_lock(db_path: Path) -> None:
    """A `sqlite3` shell that writes is waited for as long, after a checkpoint too."""
    store = open_store(db_path)
    began, done = threading.Event(), threading.Event()

    def shell() -> None:
        db = sqlite3.connect(db_path, isolation_level=None)
        db.execute("begin immediate")
        began.set()
        done.wait(20.0)
        db.execute("rollback")
        db.close()

    thread = threading.Thread(target=shell)
    with store.patience(0.2):
        store.checkpoint(truncate=True)
        thread.start()
        assert began.wait(10.0)
        try:
            with pytest.raises(StoreBusyError, match="database is locked"):
                store.add_experiment("late")
        finally:
            done.set()
            thread.join()
    store.close()

"""Artifacts of more than one transaction, which leave the write-ahead log when they can."""

from __future__ import annotations

import hashlib
import io
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

from synadb import ExperimentTracker
from tests.conftest import RunScript

MIB = 1 << 20


class Source(io.RawIOBase):
    """Random bytes, with a look at what is around in between."""

    def __init__(self, size: int, look: object = None) -> None:
        self._left = size
        self._look = look
        self._random = random.Random(size)
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if callable(self._look):
            self._look()
        piece = self._random.randbytes(min(size, self._left))
        self._left -= len(piece)
        self.digest.update(piece)
        return piece


def _mode(path: Path) -> str:
    db = sqlite3.connect(path)
    try:
        return str(db.execute("pragma journal_mode").fetchone()[0])
    finally:
        db.close()


def _stored(tracker: ExperimentTracker, run_id: str, source: Source) -> bool:
    whole = hashlib.sha256(tracker.get_artifact(run_id, "model"))
    return whole.digest() == source.digest.digest()


def test_alone_it_goes_past_the_log(db_path: Path) -> None:
    longest = 0

    def look() -> None:
        nonlocal longest
        log = Path(f"{db_path}-wal")
        if log.exists():
            longest = max(longest, log.stat().st_size)

    with ExperimentTracker(db_path) as tracker:
        run_id = tracker.start_run("e")
        source = Source(48 * MIB, look)
        tracker.log_artifact(run_id, "model", source)  # type: ignore[arg-type]
        assert longest < 8 * MIB
        assert _stored(tracker, run_id, source)
        assert tracker.check().ok
        assert _mode(db_path) == "wal"
        tracker.end_run(run_id)


def test_with_others_it_goes_through_the_log(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker, ExperimentTracker(db_path) as other:
        run_id = tracker.start_run("e")
        beside = other.run("beside")
        source = Source(40 * MIB, lambda: beside.log({"x": 1}))
        tracker.log_artifact(run_id, "model", source)  # type: ignore[arg-type]
        assert _stored(other, run_id, source)
        other.finish(beside)
        tracker.end_run(run_id)
        assert len(other.get_metric(beside.run_id, "x")) >= 40
        assert tracker.check().ok


def test_threads_go_on_meanwhile(db_path: Path) -> None:
    seen = []
    done = threading.Event()
    with ExperimentTracker(db_path) as tracker:
        run_id = tracker.start_run("e")
        beside = tracker.run("beside")

        def read() -> None:
            while not done.is_set():
                beside.log({"x": 1})
                seen.append(len(tracker.list_runs()))
                time.sleep(0.001)

        thread = threading.Thread(target=read)
        thread.start()
        for _ in range(4):
            source = Source(40 * MIB)
            tracker.log_artifact(run_id, "model", source)  # type: ignore[arg-type]
            assert _stored(tracker, run_id, source)
        done.set()
        thread.join()
        assert len(seen) > 10
        assert set(seen) == {2}
        tracker.finish(beside)
        assert len(tracker.get_metric(beside.run_id, "x")) == len(seen)
        tracker.end_run(run_id)
        assert tracker.check().ok
    assert _mode(db_path) == "wal"


CHILD = """
import sys
from synadb import ExperimentTracker
with ExperimentTracker(sys.argv[1]) as tracker:
    run = tracker.run("child")
    for i in range(20):
        run.log({"x": i})
        tracker.flush()
    tracker.finish(run)
    assert len(tracker.get_metric(run.run_id, "x")) == 20
"""


def test_a_process_that_comes_meanwhile(db_path: Path) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def look() -> None:
        if len(started) < 3:
            started.append(subprocess.Popen([sys.executable, "-c", CHILD, str(db_path)]))
        time.sleep(0.01)

    with ExperimentTracker(db_path) as tracker:
        run_id = tracker.start_run("e")
        source = Source(96 * MIB, look)
        tracker.log_artifact(run_id, "model", source)  # type: ignore[arg-type]
        assert [process.wait(60) for process in started] == [0, 0, 0]
        assert _stored(tracker, run_id, source)
        tracker.end_run(run_id)
        assert tracker.check().ok
        assert len(tracker.list_runs("child")) == 3
    assert _mode(db_path) == "wal"


KILLED = """
import itertools, random, sys
from synadb import ExperimentTracker
tracker = ExperimentTracker(sys.argv[1])
run = tracker.run("killed")
data = random.Random(run.run_id).randbytes(20 << 20) * 2
for i in itertools.count():
    run.log({"x": i})
    print(run.run_id, i, flush=True)
    tracker.log_artifact(run.run_id, f"model{i}", data[i:])
"""


def test_killed_at_any_moment(db_path: Path) -> None:
    moments = random.Random(7)
    acknowledged = {}
    for _ in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, str(db_path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            run_id, _, number = process.stdout.readline().partition(" ")
            time.sleep(moments.random() * 0.5)
            process.send_signal(signal.SIGKILL)
            for line in process.stdout:
                number = line.split()[1]
        acknowledged[run_id] = int(number)
    with ExperimentTracker(db_path) as tracker:
        for run_id, last in acknowledged.items():
            assert tracker.get_metric(run_id, "x").values[last] == last
            kept = [record.name for record in tracker.list_artifacts(run_id)]
            assert len(kept) >= last
            data = random.Random(run_id).randbytes(20 << 20) * 2
            for start in range(len(kept)):
                assert tracker.get_artifact(run_id, f"model{start}") == data[start:]
        report = tracker.check()
        assert report.ok, report.problems
    assert _mode(db_path) == "wal"


def test_a_transaction_cut_off_is_not_read_over(db_path: Path, run_script: RunScript) -> None:
    """As root every file can be written: only the question is what a read-only file says."""
    with ExperimentTracker(db_path) as tracker, tracker.run("e") as run:
        run.log({"x": 1})
    Path(f"{db_path}-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504))
    script = """
import os, sys
allowed = os.access
os.access = lambda path, mode: mode != os.W_OK and allowed(path, mode)
from synadb import ExperimentTracker
from synadb.errors import ReadOnlyStoreError
try:
    ExperimentTracker(sys.argv[1], read_only=True)
except ReadOnlyStoreError as error:
    assert "-journal" in str(error), error
else:
    raise SystemExit("opened")
"""
    run_script(script, db_path)

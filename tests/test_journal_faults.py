"""The journal and the writer when something goes wrong: nothing acknowledged is lost or doubled."""

from __future__ import annotations

import errno
import gc
import itertools
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

import synadb.journal
import synadb.writer
from synadb.errors import RunEndedError, RunNotFoundError, StorageError, StoreFullError
from synadb.journal import MAX_KEYSETS, Journal, KeySet, read_segments, segment_paths
from synadb.ops import LogRows, StartRun
from synadb.storage import JournalMark, open_store
from synadb.storage.sqlite import SQLiteStore
from synadb.system import FileLock, birth, lives
from synadb.tracker import ExperimentTracker
from synadb.writer import adopt
from tests.conftest import ROOT, RunScript

START = """
import os, signal, sys
from synadb.tracker import ExperimentTracker
import synadb.journal, synadb.writer
synadb.writer.INTERVAL = 3600.0  # nothing is drained unless asked for
"""

KILLED = (
    START
    + """
tracker = ExperimentTracker(sys.argv[1])
run = tracker.run("e", run_id=sys.argv[2])
for i in range(int(sys.argv[3])):
    run.log({"i": i, "text": "x" * 900})
os.kill(os.getpid(), signal.SIGKILL)
"""
)


def live(db_path: Path, pattern: str = "*") -> list[str]:
    return sorted(path.name for path in Path(f"{db_path}-live").glob(pattern))


def numbers(tracker: ExperimentTracker, run_id: str, key: str = "i") -> list[int]:
    return [row[key] for row in tracker.rows(run_id) if key in row]


def killed(run_script: RunScript, db_path: Path, run_id: str = "r", rows: int = 3000) -> None:
    died = run_script(KILLED, db_path, run_id, str(rows), check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr


@pytest.mark.parametrize("committed", [False, True])
def test_an_adoption_that_stops_between_segments_goes_on_there(
    db_path: Path,
    run_script: RunScript,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    committed: bool,
) -> None:
    killed(run_script, db_path)
    assert len(live(db_path, "*.seg")) > 2
    apply = SQLiteStore.apply
    calls = 0

    def failing(self: SQLiteStore, *args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls % 2 == 0:  # each adopter gets one segment in, and stops at the next
            if committed:
                apply(self, *args)
            raise KeyboardInterrupt

        apply(self, *args)

    with monkeypatch.context() as patched:
        patched.setattr(SQLiteStore, "apply", failing)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                ExperimentTracker(db_path)
    with ExperimentTracker(db_path) as tracker:
        assert numbers(tracker, "r") == list(range(3000))
        assert tracker.get_run("r").state == "crashed"
        assert tracker.check().ok
    assert "synadb" not in capfd.readouterr().err
    assert live(db_path) == []


def test_segments_are_read_in_the_order_of_their_numbers(
    db_path: Path, run_script: RunScript
) -> None:
    killed(run_script, db_path)
    paths = sorted(Path(f"{db_path}-live").glob("*.seg"))
    for number, path in enumerate(paths, 99_999):
        path.rename(path.with_name(f"{path.name.split('.')[0]}.{number:06d}.seg"))
    with ExperimentTracker(db_path) as tracker:
        assert numbers(tracker, "r") == list(range(3000))
    assert live(db_path) == []


def test_what_a_dead_process_logged_to_a_deleted_run_is_dropped(
    db_path: Path, run_script: RunScript, capfd: pytest.CaptureFixture[str]
) -> None:
    killed(run_script, db_path)
    store = open_store(db_path)
    store.delete_run("r")
    store.close()
    with ExperimentTracker(db_path) as tracker:
        assert tracker.list_runs() == []
        assert tracker.recovered == []
    assert capfd.readouterr().err.count("6000 records") == 1  # a row of two kinds is two
    assert live(db_path) == []


def test_logging_to_a_run_that_has_been_deleted_leaves_no_files(
    db_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synadb.writer, "INTERVAL", 3600.0)
    with ExperimentTracker(db_path) as owner, ExperimentTracker(db_path) as other:
        run = owner.run("e")
        run.log({"a": 1.0})
        run.flush()
        other.delete_run(run.run_id)
        run.log({"a": 2.0})
        with pytest.raises(RunNotFoundError):
            run.flush()
        for i in range(50_000):
            run.log({"a": float(i), "b": 1.0})
        assert live(db_path) == ["write.lock"]
        assert owner.list_runs() == []
        assert not run.end()
    assert "50001 records" in capfd.readouterr().err


UNSUPPORTED = (
    """
import errno, fcntl
def flock(fd, op):
    raise OSError(errno.ENOSYS, "Function not implemented")
fcntl.flock = flock
"""
    + START
)


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
def test_without_locks_a_journal_is_taken_from_a_dead_process_only(
    db_path: Path, run_script: RunScript
) -> None:
    code = (
        UNSUPPORTED
        + """
tracker = ExperimentTracker(sys.argv[1])
run = tracker.run("e", run_id="r")
for i in range(10):
    run.log({"i": i})
print("logged", flush=True)
sys.stdin.readline()
run.log({"i": 10})
os._exit(9)
"""
    )
    look = (
        UNSUPPORTED
        + """
tracker = ExperimentTracker(sys.argv[1])
print(len(tracker.recovered), tracker.get_run("r").state, len(list(tracker.rows("r"))))
"""
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(db_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        assert owner.stdin is not None
        assert owner.stdout is not None
        assert owner.stdout.readline() == "logged\n"
        assert run_script(look, db_path).stdout.split() == ["0", "running", "0"]
        owner.stdin.write("\n")
    assert owner.returncode == 9
    assert run_script(look, db_path).stdout.split() == ["1", "crashed", "11"]


def test_without_locks_the_journal_of_another_machine_is_left_alone(
    db_path: Path, run_script: RunScript
) -> None:
    killed(run_script, db_path, rows=10)
    (lock,) = set(live(db_path, "*.lock")) - {"write.lock"}
    path = Path(f"{db_path}-live") / lock
    path.write_text(json.dumps({**json.loads(path.read_text()), "host": "elsewhere"}))
    look = UNSUPPORTED + "print(len(ExperimentTracker(sys.argv[1]).recovered))"
    assert run_script(look, db_path).stdout == "0\n"
    # Where locks work they reach as far as the file does.
    with ExperimentTracker(db_path) as tracker:
        assert numbers(tracker, "r") == list(range(10))


def test_a_process_is_told_from_a_later_one_with_its_number() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        born = birth(process.pid)
        assert lives(process.pid, born)
        if born:
            assert not lives(process.pid, birth(os.getpid()))
    assert not lives(process.pid, born)


FINISH_IN_HANDLER = (
    START
    + """
from synadb.errors import RunEndedError
synadb.writer.INTERVAL = 0.001  # the writer's thread is about when it happens
real = synadb.journal.crc32
calls = 0
def crc32(data):  # a signal that comes when a place has been taken, and nothing stored yet
    global calls
    calls += 1
    if calls == 2000 and sys.argv[2] == "append":
        os.kill(os.getpid(), signal.SIGUSR1)
    return real(data)
synadb.journal.crc32 = crc32
def handler(*_):
    if sys.argv[2] == "drain":
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    run.log({"last": 1.0})
    print("end", run.end())
signal.signal(signal.SIGUSR1, handler)
tracker = ExperimentTracker(sys.argv[1])
run = tracker.run("e", run_id="r")
if sys.argv[2] == "drain":
    apply = tracker._store.apply
    def signalled(*args):
        apply(*args)
        os.kill(os.getpid(), signal.SIGUSR1)
    tracker._store.apply = signalled
    synadb.writer.INTERVAL = 3600.0
acknowledged = 0
try:
    while True:
        run.log({"i": acknowledged})
        acknowledged += 1
        if acknowledged % 500 == 0 and sys.argv[2] == "drain":
            run.flush()
except RunEndedError:
    print(acknowledged)
tracker.close()
"""
)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs signals")
@pytest.mark.parametrize("where", ["append", "drain"])
def test_a_run_can_be_ended_by_a_signal_handler(
    db_path: Path, run_script: RunScript, where: str
) -> None:
    said = run_script(FINISH_IN_HANDLER, db_path, where, timeout=40)
    ended, acknowledged = said.stdout.splitlines()
    assert ended == f"end {where == 'append'}"
    assert said.stderr == ""
    with ExperimentTracker(db_path) as tracker:
        assert numbers(tracker, "r") == list(range(int(acknowledged)))
        assert numbers(tracker, "r", "last") == [1.0]
        assert tracker.get_run("r").state == "finished"
        assert tracker.check().ok
    assert live(db_path) == []


SIGNALS = (
    START
    + """
import faulthandler, itertools, time
faulthandler.dump_traceback_later(30, exit=True)
tracker = ExperimentTracker(sys.argv[1])
writer = tracker._writer
run = tracker.run("e", run_id="r")
journal = run._journal
main = journal.keyset(("main",), "q", 0)
inside = journal.keyset(("handler",), "q", 0)
count = 0
numbers = itertools.count()  # a handler may be interrupted by the next
def handler(*_):
    number = next(numbers)
    with journal.lock:
        journal.append(inside, number, 0.0, (number,))
    if number % 10 == 0:
        run.flush()
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
end = time.monotonic() + 3
while time.monotonic() < end:
    for _ in range(500):
        with journal.lock:
            journal.append(main, count, 0.0, (count,))
        count += 1
    run.flush()
signal.setitimer(signal.ITIMER_REAL, 0)
print(count, next(numbers), flush=True)
if sys.argv[2] == "end":
    assert run.end()
    tracker.close()
else:
    os.kill(os.getpid(), signal.SIGKILL)
"""
)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signals")
@pytest.mark.parametrize("end", ["end", "kill"])
def test_handlers_that_log_and_flush_lose_nothing(
    db_path: Path, run_script: RunScript, end: str
) -> None:
    said = run_script(SIGNALS, db_path, end, timeout=60, check=False)
    assert (said.returncode, said.stderr) == (0 if end == "end" else -signal.SIGKILL, "")
    logged, handled = map(int, said.stdout.split())
    assert handled > 100
    with ExperimentTracker(db_path) as tracker:
        assert tracker.get_metric("r", "main").values.tolist() == list(range(logged))
        assert tracker.get_metric("r", "handler").values.tolist() == list(range(handled))
        assert tracker.check().ok


IN_NEW_SEGMENT = (
    START
    + """
tracker = ExperimentTracker(sys.argv[1])
run = tracker.run("e", run_id="r")
journal = run._journal
rows = journal.keyset(("i",), "q", 0)
others = journal.keyset(("o",), "q", 0)
most = int(sys.argv[2])  # rows a handler logs: few find room, many need a segment of their own
count = 0
def handler(*_):
    global count
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    for _ in range(most):
        with journal.lock:
            journal.append(others, count, 0.0, (count,))
        count += 1
    signal.signal(signal.SIGUSR1, handler)
signal.signal(signal.SIGUSR1, handler)
real = synadb.journal.reserve
def reserve(fd, size):
    real(fd, size)
    os.kill(os.getpid(), signal.SIGUSR1)
synadb.journal.reserve = reserve
for i in range(60_000):
    with journal.lock:
        journal.append(rows, i, 0.0, (i,))
print(count, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs signals")
@pytest.mark.parametrize("most", [1, 1000])
def test_a_handler_that_logs_while_a_segment_is_added(
    db_path: Path, run_script: RunScript, most: int
) -> None:
    said = run_script(IN_NEW_SEGMENT, db_path, str(most), check=False)
    assert said.returncode == -signal.SIGKILL, said.stderr
    assert int(said.stdout) >= 2 * most
    with ExperimentTracker(db_path) as tracker:
        assert tracker.get_metric("r", "i").values.tolist() == list(range(60_000))
        assert tracker.get_metric("r", "o").values.tolist() == list(range(int(said.stdout)))
        assert [found.torn for found in tracker.recovered] == [0]


def test_a_record_given_up_half_way_does_not_hold_back_the_others(
    db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synadb.writer, "INTERVAL", 3600.0)
    real = crc32

    def interrupted(data: bytes) -> int:
        monkeypatch.setattr(synadb.journal, "crc32", real)
        raise KeyboardInterrupt

    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e")
        run.log({"i": 0})
        monkeypatch.setattr(synadb.journal, "crc32", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run.log({"i": 1})
        for i in range(2, 10):
            run.log({"i": i})
            run.flush()
        assert numbers(tracker, run.run_id) == [0, *range(2, 10)]


def test_a_journal_that_fails_does_not_hold_up_the_others(
    db_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(synadb.writer, "INTERVAL", 3600.0)
    apply = SQLiteStore.apply
    refused: set[str] = set()

    def failing(self: SQLiteStore, ops: Any, mark: Any = None) -> None:
        if mark is not None and mark.run_id in refused:
            raise ZeroDivisionError("of an engine")
        apply(self, ops, mark)

    monkeypatch.setattr(SQLiteStore, "apply", failing)
    monkeypatch.setenv("SYNADB_FINISH_TIMEOUT", "0")
    with ExperimentTracker(db_path) as tracker:
        bad, good = tracker.run("e", run_id="bad"), tracker.run("e", run_id="good")
        bad.log({"a": 1})
        good.log({"a": 1})
        refused.add("bad")
        tracker._writer.drain_all()
        assert isinstance(tracker._writer.error, StorageError)
        store = open_store(db_path, read_only=True)
        assert [run.row_count for run in store.list_runs()] == [0, 1]
        store.close()
        with pytest.raises(StorageError, match="ZeroDivisionError"):
            bad.flush()
        assert tracker.finish(good) is True
        assert bad.end() is False
        said = capfd.readouterr().err
        assert "ZeroDivisionError" in said
        assert "recover" not in said
    capfd.readouterr()
    # One journal that cannot be brought in must not make the database unusable.
    with ExperimentTracker(db_path) as tracker:
        assert {run.run_id for run in tracker.list_runs()} == {"bad", "good"}
        (segment,) = live(db_path, "*.seg")
        assert segment.split(".")[0] in capfd.readouterr().err
    refused.clear()
    with ExperimentTracker(db_path) as tracker:
        assert [found.run_id for found in tracker.recovered] == ["bad"]
        assert tracker.get_run("bad").row_count == 1
    assert live(db_path) == []


@pytest.mark.parametrize("count", [20_000, 60_000])
def test_a_row_whose_declaration_is_long(db_path: Path, count: int) -> None:
    row = {f"{'k' * 25}{i}": 1.0 for i in range(count)}
    with ExperimentTracker(db_path) as tracker:
        with tracker.run("e", run_id="r") as run:
            run.log(row)
            run.log({"i": 1})
            run.log(row)
        first, _, last = tracker.rows("r")
        assert first.items() >= row.items()
        assert last.items() >= row.items()


FULL_FILE = (
    START
    + """
import resource
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
tracker = ExperimentTracker(sys.argv[1])
run = tracker.run("e", run_id="r")
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_001, hard))  # cuts a record in the middle
for i in range(10_000):
    run.log({"i": i, "a": 0.5})
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
for i in range(10_000, 60_000):
    run.log({"i": i, "a": 0.5})
if sys.argv[2] == "end":
    print(run.end(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
)


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
@pytest.mark.parametrize("end", ["end", "kill"])
def test_a_write_error_on_a_network_file_system(
    db_path: Path, run_script: RunScript, end: str
) -> None:
    env = {"SYNADB_NETWORK_FS": "1"}
    said = run_script(FULL_FILE, db_path, end, env=env, check=False)
    assert said.returncode == -signal.SIGKILL, said.stderr
    assert said.stderr.count("kept in memory") == 1
    with ExperimentTracker(db_path) as tracker:
        found = numbers(tracker, "r")
        if end == "end":
            assert said.stdout == "True\n"
            assert found == list(range(60_000))
        else:
            # What was only in memory is lost with it; what has reached the disk is not.
            (lost,) = {b - a for a, b in itertools.pairwise(found)} - {1}
            assert len(found) == 60_000 - lost + 1
            assert found[-1] == 59_999
        assert tracker.check().ok


OUT_OF_REACH = (
    START
    + """
import fcntl
tracker = ExperimentTracker(sys.argv[1])
run = tracker.run("e", run_id="r")
run.log({"i": 0})
held = os.open(sys.argv[1] + "-live/write.lock", os.O_RDWR)
fcntl.flock(held, fcntl.LOCK_EX)
print(run.end())
os._exit(0)
"""
)


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
def test_the_end_of_a_run_does_not_wait_for_a_lock_for_ever(
    db_path: Path, run_script: RunScript
) -> None:
    env = {"SYNADB_FINISH_TIMEOUT": "0.5"}
    said = run_script(OUT_OF_REACH, db_path, env=env, timeout=30)
    assert said.stdout == "False\n"
    assert "synadb recover" in said.stderr
    with ExperimentTracker(db_path) as tracker:
        assert numbers(tracker, "r") == [0]
        assert tracker.get_run("r").state == "finished"


def test_live_files_that_are_removed_meanwhile(db_path: Path, run_script: RunScript) -> None:
    look = START + "print(len(ExperimentTracker(sys.argv[1]).recovered))"
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        for i in range(100):
            run.log({"i": i})
        shutil.rmtree(f"{db_path}-live")
        run_script(look, db_path)
        for i in range(100, 60_000):  # begins another segment
            run.log({"i": i})
        assert len(live(db_path, "*-*.lock")) == 1
        (lock,) = live(db_path, "*-*.lock")
        assert run_script(look, db_path).stdout == "0\n"
        # The lock alone: nobody can tell from it that the owner lives.
        (Path(f"{db_path}-live") / lock).unlink()
        assert run_script(look, db_path).stdout == "0\n"
        assert tracker.get_run("r").state == "running"
        assert run.end()
        assert numbers(tracker, "r") == list(range(60_000))
        assert tracker.check().ok


@pytest.mark.parametrize("forgotten", [False, True])
def test_an_owner_whose_journal_has_been_taken_goes_on_behind_it(
    db_path: Path, monkeypatch: pytest.MonkeyPatch, forgotten: bool
) -> None:
    monkeypatch.setattr(synadb.writer, "INTERVAL", 3600.0)
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        for i in range(30):
            run.log({"i": i})
        run.flush()
        if not forgotten:
            for i in range(30, 60):
                run.log({"i": i})
        thief = open_store(db_path)
        with monkeypatch.context() as patched:
            patched.setattr(synadb.writer, "_claim", lambda folder, _: FileLock(folder + "/x.lock"))
            if not forgotten:  # as between machines: it stays known how far it was applied
                patched.setattr(synadb.writer, "host", lambda: "elsewhere")
            adopt(thief)
        thief.close()
        for i in range(30 if forgotten else 60, 50_000):
            run.log({"i": i})
        run.flush()
        assert run.end()
        assert numbers(tracker, "r") == list(range(50_000))
        assert tracker.get_run("r").state == "finished"
        assert tracker.check().ok


def test_rows_logged_while_the_run_ends_are_stored_or_refused(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        for round_ in range(30):
            run = tracker.run("e", run_id=f"r{round_}")
            keyset = run._journal.keyset(("i",), "q", 0)
            logged: list[int] = []

            def log(run: Any = run, keyset: Any = keyset, logged: list[int] = logged) -> None:
                for i in range(1_000_000):
                    try:
                        with run._journal.lock:
                            run._journal.append(keyset, i, 0.0, (i,))
                    except RunEndedError:
                        return
                    logged.append(i)

            thread = threading.Thread(target=log)
            thread.start()
            while len(logged) < 100:
                pass
            run.end()
            thread.join()
            assert numbers(tracker, run.run_id) == logged
    assert live(db_path) == []


def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path), "r")
    keyset = journal.keyset(("a",), "d", 0)
    journal.close()
    with pytest.raises(RunEndedError, match="'r' takes no more data"), journal.lock:
        journal.append(keyset, 0, 0.0, (1.0,))
    assert list(tmp_path.iterdir()) == []


def drained(journal: Journal) -> list[tuple[tuple[str, ...], int]]:
    found: list[Any] = []
    while True:
        ops, end, _ = journal.pending()
        if end == journal.drained:
            return found
        journal.discard(end)
        found += [(op.keys, len(op.steps)) for op in ops if isinstance(op, LogRows)]


def test_key_sets_are_not_kept_for_ever(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path), "r")
    keys = [(f"k{i}",) for i in range(30_000)]
    for i, key in enumerate(keys):
        with journal.lock:
            journal.append(journal.keyset(key, "d", 0), i, 0.0, (1.0,))
    assert sorted(drained(journal)) == sorted((key, 1) for key in keys)
    held = gc.get_objects()
    assert sum(type(item).__name__ == "KeySet" for item in held) < 20_000
    journal.close()


def test_a_key_set_keeps_its_number_while_a_row_is_packed(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path), "r")
    keyset = journal.keyset(("a",), "d", 0)

    def meanwhile() -> Iterator[float]:
        # What another thread may do between the packing and the storing of a row.
        for i in range(MAX_KEYSETS):
            journal.keyset((f"k{i}",), "d", 0)
        with journal.lock:
            journal.append(keyset, 1, 0.0, (1.0,))
        yield 1.0

    with journal.lock:
        journal.append(keyset, 0, 0.0, meanwhile())
    ((_, _, _, reader),) = read_segments(str(tmp_path), journal.id, 0)
    (op,) = reader.ops("r")
    assert isinstance(op, LogRows)
    assert (list(op.steps), reader.torn) == ([1, 0], 0)
    journal.close()


def test_without_its_lock_a_journal_stays_in_memory(
    db_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with ExperimentTracker(db_path) as tracker:
        real = FileLock._try
        with monkeypatch.context() as patched:
            patched.setattr(FileLock, "_try", lambda self: "write.lock" in self.path and real(self))
            run = tracker.run("e", run_id="r")
        assert "kept in memory" in capfd.readouterr().err
        for i in range(1000):
            run.log({"i": i})
        assert live(db_path, "*.seg") == []
        assert run.end()
        assert numbers(tracker, "r") == list(range(1000))


NO_SPACE = (
    START
    + """
import errno
import zlib
def reserve(fd, size):
    raise OSError(errno.ENOSPC, "No space left on device")
synadb.journal.reserve = reserve
tracker = ExperimentTracker(sys.argv[1])
run = tracker.run("e", run_id="r", resume=True)
run.log({"i": 1})
print("logged", flush=True)
sys.stdin.readline()
print(run.end())
"""
)


def test_a_run_that_another_process_keeps_in_memory_has_not_crashed(
    db_path: Path, run_script: RunScript
) -> None:
    killed(run_script, db_path, rows=1)
    other = subprocess.Popen(
        [sys.executable, "-c", NO_SPACE, str(db_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "logged\n"
        died = run_script(
            KILLED.replace("run_id=sys.argv[2]", 'run_id="r", resume=True'),
            db_path,
            "r",
            "5",
            check=False,
        )
        assert died.returncode == -signal.SIGKILL, died.stderr
        with ExperimentTracker(db_path) as tracker:
            assert [found.rows for found in tracker.recovered] == [10]
            assert tracker.get_run("r").state == "running"
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "True\n"
    with ExperimentTracker(db_path) as tracker:
        assert tracker.get_run("r").state == "finished"


def test_a_tracker_that_nobody_holds_gives_its_journals_away(
    db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synadb.writer, "INTERVAL", 3600.0)
    tracker = ExperimentTracker(db_path)
    run = tracker.run("e", run_id="r")
    run.log({"i": 1})
    del run, tracker
    gc.collect()
    with ExperimentTracker(db_path) as again:
        assert [found.run_id for found in again.recovered] == ["r"]
        assert numbers(again, "r") == [1]


def test_a_lock_that_cannot_be_opened_is_somebody_elses(
    db_path: Path, run_script: RunScript
) -> None:
    killed(run_script, db_path, rows=5)
    (name,) = set(live(db_path, "*.lock")) - {"write.lock"}
    path = Path(f"{db_path}-live") / name
    content = path.read_bytes()
    path.unlink()
    path.mkdir()
    with ExperimentTracker(db_path) as tracker:
        assert tracker.recovered == []
    path.rmdir()
    path.write_bytes(content)
    with ExperimentTracker(db_path) as tracker:
        assert numbers(tracker, "r") == list(range(5))


def test_a_journal_whose_segments_follow_without_a_gap(db_path: Path) -> None:
    """As they were written before segments had bases of their own; the lock file was empty."""
    store = open_store(db_path)
    store.apply([StartRun("r", "e", 1.0)])
    name, base = "0123456789abcdef-1-00000000", 0
    keyset = KeySet(0, ("i",), "q", 0)
    folder = Path(store.live_dir)
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.lock").touch()
    for number in range(3):
        meta = {"journal": name, "run_id": "r", "segment": number, "base": base}
        text = json.dumps({**meta, "host": "h", "pid": 1}).encode()
        text += b" " * (-len(text) % 8)
        rows = [keyset.pack(2, 0, i, 1.0, i) for i in range(number * 10, number * 10 + 10)]
        records = keyset.declaration()
        records += b"".join(struct.pack("<II", keyset.size, crc32(row)) + row for row in rows)
        data = b"SYNAJRN1" + struct.pack("<II", 16 + len(text), len(text)) + text + records
        (folder / f"{name}.{number:06d}.seg").write_bytes(data.ljust(1 << 20, b"\0"))
        base += len(records)
    # The first two rows of the second segment had been applied when the owner died.
    mark = base // 3 + len(keyset.declaration()) + 2 * keyset.size
    store.apply([], JournalMark(name, "r", 0, mark))
    store.close()
    with ExperimentTracker(db_path) as tracker:
        assert numbers(tracker, "r") == list(range(12, 30))
    assert live(db_path) == []


def test_a_damaged_header_costs_only_what_follows(
    db_path: Path, run_script: RunScript, capfd: pytest.CaptureFixture[str]
) -> None:
    killed(run_script, db_path)
    (name,) = {name.split(".")[0] for name in live(db_path, "*.seg")}
    paths = segment_paths(f"{db_path}-live", name)
    last = Path(paths[-1])
    content = last.read_bytes()
    last.write_bytes(b"damaged!" + content[8:])
    with ExperimentTracker(db_path) as tracker:
        found = numbers(tracker, "r")
        assert found == list(range(len(found)))
        assert 1000 < len(found) < 3000
        assert str(last) in capfd.readouterr().err
    last.write_bytes(content)
    with ExperimentTracker(db_path) as tracker:
        assert numbers(tracker, "r") == list(range(3000))
    assert live(db_path) == []


def test_a_store_that_takes_nothing_is_no_reason_not_to_open_it(
    db_path: Path,
    run_script: RunScript,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    killed(run_script, db_path, rows=5)

    def full(*args: Any) -> None:
        raise StoreFullError("no space")

    with monkeypatch.context() as patched:
        patched.setattr(SQLiteStore, "apply", full)
        with ExperimentTracker(db_path) as tracker:
            assert [run.run_id for run in tracker.list_runs()] == ["r"]
    assert "tries again" in capfd.readouterr().err
    with ExperimentTracker(db_path) as tracker:
        assert numbers(tracker, "r") == list(range(5))


def test_a_full_disk_and_memory_do_not_slow_each_row(
    db_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Rows that have no place are counted; room is looked for now and then only."""
    tries = 0

    def reserve(fd: int, size: int) -> None:
        nonlocal tries
        tries += 1
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(synadb.writer, "INTERVAL", 3600.0)
    monkeypatch.setattr(synadb.journal, "MEMORY_SEGMENTS", 1)
    monkeypatch.setattr(synadb.journal, "reserve", reserve)
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        journal = run._journal
        while journal.dropped < 1000:
            run.log({"i": 1})
        tries, dropped = 0, journal.dropped
        monkeypatch.setattr(synadb.journal, "FULL_PAUSE", 3600.0)
        journal._full_until = 0.0
        for _ in range(1000):
            run.log({"i": 1})
        assert tries == 1
        assert journal.dropped == dropped + 1000
        # With room again, rows are taken again, and the end of the run all the while.
        run.drain()
        monkeypatch.undo()
        journal._full_until = 0.0
        run.log({"i": 2})
        assert not run.end()
        assert tracker.get_run("r").state == "finished"
        assert tracker.get_run("r").summary["i"] == 2
    assert "rows are being lost" in capfd.readouterr().err

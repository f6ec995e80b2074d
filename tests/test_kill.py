"""What a process has logged outlives it, whatever ends it."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from synadb.tracker import ExperimentTracker
from tests.conftest import ROOT, RunScript
from tests.kill import torture


def test_killed_processes_lose_nothing(tmp_path: Path) -> None:
    report = torture(tmp_path, 8)
    assert report.ok, "\n".join(report.problems)
    assert report.rounds == 8
    assert report.acknowledged > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_processes_lose_nothing_300_times(tmp_path: Path) -> None:
    report = torture(tmp_path, 300)
    assert report.ok, "\n".join(report.problems)
    assert report.acknowledged > 10_000


FORK = """
import json, os, sys
from synadb.tracker import ExperimentTracker

tracker = ExperimentTracker(sys.argv[1])
run = tracker.run("fork", run_id="shared")
if sys.argv[2] == "warm":  # the key set is known before the fork
    run.log({"who": 0.0, "i": 0})
pid = os.fork()
who = 1.0 if pid == 0 else 2.0
for i in range(100):
    run.log({"who": who, "i": i})
journal = run._journal.id
if pid == 0:
    print("child", journal, flush=True)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
tracker.finish(run)
print("parent", journal, flush=True)
print("state", tracker.get_run("shared").state)
print("rows", json.dumps([[r["_step"], r["who"], r["i"]] for r in tracker.rows("shared")]))
tracker.close()
"""


@pytest.mark.parametrize("start", ["cold", "warm"])
def test_fork_child_gets_its_own_journal(db_path: Path, run_script: RunScript, start: str) -> None:
    out = run_script(FORK, db_path, start).stdout
    said = dict(line.split(" ", 1) for line in out.splitlines())
    assert said["child"] != said["parent"]
    assert said["state"] == "finished"
    rows = json.loads(said["rows"])
    wanted = [(who, i) for who in (1.0, 2.0) for i in range(100)]
    if start == "warm":
        wanted.insert(0, (0.0, 0))
    assert sorted((who, i) for _, who, i in rows) == wanted
    assert len({step for step, _, _ in rows}) == len(wanted)
    with ExperimentTracker(db_path) as tracker:
        assert tracker.check().ok


OPEN = """
import sys
from synadb.tracker import ExperimentTracker

print("ready", flush=True)
sys.stdin.readline()
tracker = ExperimentTracker(sys.argv[1])
run = tracker.run("many", run_id=sys.argv[2])
for i in range(3):
    run.log({"i": i})
tracker.finish(run)
tracker.close()
"""


def test_32_processes_open_a_new_database(db_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(db_path), f"run{number}"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(32)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            _, err = process.communicate(timeout=90)
            assert (process.returncode, err) == (0, "")
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    with ExperimentTracker(db_path) as tracker:
        runs = tracker.list_runs()
        assert {run.run_id for run in runs} == {f"run{number}" for number in range(32)}
        assert {run.state for run in runs} == {"finished"}
        for run in runs:
            assert [row["i"] for row in tracker.rows(run.run_id)] == [0, 1, 2]
        assert tracker.check().ok


TORN = """
import os, signal, sys
from synadb.tracker import ExperimentTracker
from synadb import writer

writer.INTERVAL = 3600.0  # all of it must still be in the journal
tracker = ExperimentTracker(sys.argv[1])
run = tracker.run("torn", run_id="torn")
for i in range(50):
    run.log({"i": i, "loss": i / 2})
os.kill(os.getpid(), signal.SIGKILL)
"""


def last_record(data: bytes) -> int:
    """Where the last record of a segment starts."""
    assert data[:8] == b"SYNAJRN1"
    (position,) = struct.unpack_from("<I", data, 8)
    last = -1
    while position + 16 <= len(data):
        (size,) = struct.unpack_from("<I", data, position)
        if size == 0:
            break
        last, position = position, position + size
    assert last > 0
    return last


@pytest.mark.parametrize("offset", [4, 17, 40])  # in the crc, the step, a value
def test_torn_tail_is_reported_and_costs_only_the_torn_record(
    db_path: Path, run_script: RunScript, capsys: pytest.CaptureFixture[str], offset: int
) -> None:
    died = run_script(TORN, db_path, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    (segment,) = Path(f"{db_path}-live").glob("*.seg")
    data = bytearray(segment.read_bytes())
    data[last_record(bytes(data)) + offset] ^= 0x10
    segment.write_bytes(data)
    with ExperimentTracker(db_path) as tracker:
        (found,) = tracker.recovered
        assert (found.run_id, found.rows, found.torn) == ("torn", 49, 1)
        assert "torn" in capsys.readouterr().err
        rows = [(row["_step"], row["i"], row["loss"]) for row in tracker.rows("torn")]
        assert rows == [(i, i, i / 2) for i in range(49)]
        assert tracker.get_run("torn").state == "crashed"
        assert tracker.check().ok


def test_a_run_whose_process_died_while_starting_it_is_crashed(db_path: Path) -> None:
    code = (
        "import os, sys\nfrom synadb import ExperimentTracker\n"
        "ExperimentTracker._attach = lambda *a: os._exit(9)\n"
        "ExperimentTracker(sys.argv[1]).start_run('exp', run_id='r')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(db_path)], check=False, timeout=60)
    assert done.returncode == 9
    with ExperimentTracker(db_path) as tracker:
        assert tracker.get_run("r").state == "crashed"
        assert tracker.check().ok

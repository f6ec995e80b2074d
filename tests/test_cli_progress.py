"""The progress bar: its line, and that it is on terminals only and gone at the end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synadb.cli._progress import bar_line, byte_text
from synadb.cli.export import _write_history
from synadb.tracker import ExperimentTracker
from tests.conftest import ROOT

amounts = st.floats(0, 1e15)


@given(st.text(max_size=40), amounts, amounts, st.floats(0, 1e6), st.integers(1, 200))
def test_the_line_fits(what: str, done: float, total: float, elapsed: float, columns: int) -> None:
    for unit in ("bytes", "runs"):
        assert len(bar_line(what, done, total, unit, elapsed, columns)) < columns


@pytest.mark.parametrize(
    ("done", "total", "unit", "elapsed", "line"),
    [
        (0, 4, "runs", 1, "x  [....................]   0%  0 of 4 runs  0:01"),
        (1, 4, "runs", 2, "x  [#####...............]  25%  1 of 4 runs  0.5 runs/s  0:06 left"),
        (4, 4, "runs", 2, "x  [####################] 100%  4 of 4 runs  2 runs/s  0:02"),
        (5e6, 0, "bytes", 5, "x  5.0 MB  1.0 MB/s  0:05"),
        (0, 0, "bytes", 3700, "x  1:01:40"),
    ],
)
def test_what_the_line_says(
    done: float, total: float, unit: str, elapsed: float, line: str
) -> None:
    assert bar_line("x", done, total, unit, elapsed) == line


@pytest.mark.parametrize(("columns", "rate"), [(100, "  500,000 rows/s"), (80, "")])
def test_where_it_is_narrow_the_rate_goes_first(columns: int, rate: str) -> None:
    line = f"exporting  [#####...............]  25%  500,000 of 2,000,000 rows{rate}  0:03 left"
    assert bar_line("exporting", 5e5, 2e6, "rows", 1, columns) == line


@given(amounts)
def test_bytes_have_three_digits_before_the_point(size: float) -> None:
    number, unit = byte_text(size).split()
    assert float(number) <= 1000
    assert unit in ("bytes", "KB", "MB", "GB", "TB")


WORKS = """\
import sys, time
from synadb.cli._progress import Progress

with Progress("working", 4, "steps") as progress:
    for _ in progress.each(range(4)):
        time.sleep(float(sys.argv[1]))
    with progress.aside():
        print("said", file=sys.stderr)
"""


# A bar without its patience.
AT_ONCE = """\
import sys
from synadb.cli import _progress, main

_progress.PATIENCE = _progress.INTERVAL = 0.005
sys.exit(main(sys.argv[1:]))
"""


def on_terminal(*command: str) -> str:
    """What a command writes to standard error, which is a terminal."""
    import pty

    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=theirs,
        stdout=subprocess.DEVNULL,
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:  # what Linux says when the other side is closed
            pass
    os.close(ours)
    assert process.returncode == 0
    return shown.decode()


@pytest.mark.skipif(os.name == "nt", reason="there are no terminals like that")
def test_on_a_terminal_it_is_drawn_and_erased() -> None:
    shown = on_terminal("-c", WORKS, "0.3")
    assert "working  [" in shown
    assert " of 4 steps" in shown
    assert shown.endswith("\r\x1b[K")
    assert "\r\x1b[Ksaid\r\n" in shown, "the line is free for what is said"


@pytest.mark.skipif(os.name == "nt", reason="there are no terminals like that")
def test_what_is_quick_has_no_bar(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with ExperimentTracker(path) as tracker:
        tracker.end_run(tracker.start_run("e", run_id="r"))
    for words in (
        ["check", str(path)],
        ["gc", str(path)],
        ["merge", str(tmp_path / "b"), str(path)],
    ):
        assert "[" not in on_terminal("-m", "synadb", *words).replace("\x1b[K", "")


@pytest.mark.parametrize("work", ["check", "gc"])
def test_a_store_tells_how_far_it_has_come(tmp_path: Path, work: str) -> None:
    path = tmp_path / "a.db"
    with ExperimentTracker(path) as tracker:
        run = tracker.run("e", run_id="r")
        for step in range(500):
            run.log({"loss": step / 7})
        tracker.finish(run)
        for number in range(2):
            data = tmp_path / f"data{number}"
            data.write_bytes(os.urandom(40 << 20))
            version = tracker.artifacts.log("d", str(data), type="t", run_id="r")
            if number == 0:
                tracker.log_artifact("r", "plain", b"x" * 5_000_000)
        tracker.artifacts.delete(version, delete_aliases=True)
        told: list[tuple[float, float]] = []
        size = path.stat().st_size
        if work == "check":
            assert tracker._store.check(watch=lambda *at: told.append(at)).ok
        else:
            found = tracker._store.gc(watch=lambda *at: told.append(at))
            assert found["blob_bytes"] == 40 << 20
            assert path.stat().st_size < size - (39 << 20)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len({total for _, total in told}) == 1
    assert told[0][0] == 0
    assert told[-1][0] == pytest.approx(told[-1][1])
    assert any(0.1 < done / total < 0.9 for done, total in told)


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_an_export_tells_every_row(tmp_path: Path, kind: str, long: bool) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    told: list[int] = []
    with ExperimentTracker(tmp_path / "a.db") as tracker:
        for name, rows in (("a", 700), ("b", 40)):
            run = tracker.run("e", run_id=name)
            for step in range(rows):
                run.log({"loss": step / 7, "acc": step})
            tracker.finish(run)
        path = str(tmp_path / f"out.{kind}")
        _write_history(tracker, ["a", "b"], kind, path, long, told.append)
        assert sum(told) == 740
        assert len(told) > 1


@pytest.mark.skipif(os.name == "nt", reason="there are no terminals like that")
def test_an_export_to_a_file_says_how_much_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with ExperimentTracker(path) as tracker:
        run = tracker.run("e", run_id="r")
        for step in range(20_000):
            run.log({f"metric{key}": step / 7 for key in range(8)})
        tracker.finish(run)
    words = ["export", "r", "--jsonl", "--out", str(tmp_path / "r.jsonl"), "--db", str(path)]
    shown = on_terminal("-c", AT_ONCE, *words)
    assert re.search(r"exporting  \[.*  [0-9,]+ of 20,000 rows  .*left", shown)


def test_elsewhere_there_is_none() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORKS, "0.2"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == "said\n"

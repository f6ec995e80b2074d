"""In what order `synadb tail` shows the lines of the console."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from synadb.cli import main
from synadb.ops import LogConsole
from synadb.tracker import ExperimentTracker
from tests.conftest import ROOT

Capture = pytest.CaptureFixture[str]

# What one process hands over: number, time, stream and text. The bar of line 1 goes on while
# lines are printed below it.
BATCHES = (
    ((0, 5.0, "stdout", "start"), (1, 5.0, "stdout", "bar 1%"), (2, 5.0, "stdout", "below")),
    ((1, 6.0, "stdout", "bar 50%"), (3, 6.0, "stdout", "further below")),
    ((1, 7.0, "stdout", "bar 100%"),),
)
PRINTED = ["start", "bar 100%", "below", "further below"]


def test_lines_stand_as_they_were_printed(db_path: Path, capsys: Capture) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        tracker._store.apply([LogConsole("r", "p", lines) for lines in BATCHES])
        tracker.finish(run)
    assert main(["tail", "r", str(db_path), "--only", "console"]) == 0
    assert capsys.readouterr().out.splitlines() == PRINTED


def test_lines_of_several_processes_stand_by_their_times(db_path: Path, capsys: Capture) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        tracker._store.apply([LogConsole("r", "b", lines) for lines in BATCHES])
        others = ((0, 5.5, "stdout", "between"), (1, 9.0, "stdout", "last"))
        tracker._store.apply([LogConsole("r", "a", others)])
        tracker.finish(run)
    assert main(["tail", "r", str(db_path), "--only", "console"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown == [*PRINTED[:3], "between", PRINTED[3], "last"]


def test_no_line_is_shown_twice(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        tracker._store.apply([LogConsole("r", "p", lines) for lines in BATCHES])
        command = [sys.executable, "-m", "synadb", "tail", "r", str(db_path), "--only", "console"]
        with subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
        ) as tail:
            assert tail.stdout is not None
            shown = [tail.stdout.readline().rstrip() for _ in PRINTED]
            tracker._store.apply([LogConsole("r", "p", ((4, 8.0, "stdout", "end"),))])
            tracker.finish(run)
            shown += tail.stdout.read().splitlines()
    assert shown == [*PRINTED, "end"]

"""In what order `synadb tail` shows the console, and that it shows what comes late, once."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from synadb import media
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


@contextlib.contextmanager
def tail_of(run_id: str, database: Path, *words: str) -> Iterator[Iterator[str]]:
    """The lines that `synadb tail` prints in a process of its own, as they come."""
    command = [sys.executable, "-m", "synadb", "tail", run_id, str(database), *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as tail:
        assert tail.stdout is not None
        try:
            yield (line.rstrip() for line in tail.stdout)
        except BaseException:
            tail.kill()  # it would wait for the end of a run that waits for it
            raise
    assert tail.returncode == 0


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
        with tail_of("r", db_path, "--only", "console") as lines:
            shown = [next(lines) for _ in PRINTED]
            tracker._store.apply([LogConsole("r", "p", ((4, 8.0, "stdout", "end"),))])
            tracker.finish(run)
            shown += lines
    assert shown == [*PRINTED, "end"]


def picture(shade: int = 0) -> media.Image:
    return media.Image(np.full((4, 5, 3), shade, np.uint8))


def test_what_comes_to_a_step_that_has_been_shown_is_shown_then(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        run.log({"text": "early"}, 0)
        run.log({"text": "first", "val": {"acc": 1}}, 1)
        run.log({"loss": 2.0}, 2)
        run.flush()
        with tail_of("r", db_path, "--lines", "2") as lines:
            shown = values([next(lines), next(lines)])
            assert set(shown) == {("1", "text"), ("1", "val.acc"), ("2", "loss")}
            run.log({"seen": picture(), "text": "second", "val": {"im": [picture()] * 2}}, 1)
            run.flush()
            found = values([next(lines)])
            while len(found) < 2:  # a line for what there was when it looked
                found += values([next(lines)])
            assert found == Counter([("1", "seen"), ("1", "val.im")])
            run.log({"seen": picture(1)}, 1)
            run.log({"seen": picture(1), "other": None}, 0)
            tracker.finish(run)
            rest = list(lines)
    assert values(rest) == Counter([("0", "seen"), ("0", "other")])


TRAINS = """
import sys
import numpy as np
import synadb.wandb_compat as wandb

with wandb.init(project="p", id="r") as run:
    print("begins", flush=True)
    sys.stdin.readline()
    for step in range(60):
        pictures = [wandb.Image(np.full((200, 200, 3), step, np.uint8)) for _ in range(3)]
        row = {"seen": pictures[0], "all": pictures, "in": {"page": wandb.Html("text")}}
        run.log({"loss": step / 2, "text": "t", **row})
"""


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_each_value_of_a_run_that_logs_media_is_shown_once(
    db_path: Path, capsys: Capture, words: tuple[str, ...]
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SYNADB_PATH": str(db_path)}
    with subprocess.Popen(
        [sys.executable, "-c", TRAINS],
        cwd=db_path.parent,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as training:
        assert training.stdin is not None
        assert training.stdout is not None
        assert training.stdout.readline() == "begins\n"
        with tail_of("r", db_path, "--only", "metrics", "-n", "100", *words) as lines:
            training.stdin.write("\n")
            training.stdin.close()
            followed = list(lines)
    options = ("--only", "metrics", "-n", "100", "--no-follow", *words)
    assert main(["tail", "r", str(db_path), *options]) == 0
    at_the_end = capsys.readouterr().out.splitlines()
    assert len(at_the_end) == 60
    assert values(followed) == values(at_the_end)
    assert set(values(followed).values()) == {1}


def values(lines: list[str]) -> Counter[tuple[str, str]]:
    """Each step with the key of each value that was shown for it."""
    found: Counter[tuple[str, str]] = Counter()
    for line in lines:
        if line.startswith("{"):
            row = json.loads(line)
            found.update((str(row["_step"]), key) for key in row if not key.startswith("_"))
        else:
            step, _, told = line.removeprefix("step ").partition(": ")
            found.update((step, word.split("=")[0]) for word in told.split() if "=" in word)
    return found


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("--key", "seen"), "step 0: seen=<image-file>"),
        (("--key", "all"), "step 0: all=<2 images>"),
        (("--key", "in"), "step 0: in.h=<histogram> in.n=1"),
        (("--key", "in.h"), "step 0: in.h=<histogram>"),
        (("--key", "seen.width", "--key", "loss"), "step 0: seen.width=5 loss=1"),
        (("--key", "se"), ""),
    ],
)
def test_a_key_of_media(db_path: Path, capsys: Capture, words: tuple[str, ...], shown: str) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        several = [picture(), picture(1)]
        inner = {"h": media.Histogram(np.arange(3)), "n": 1}
        run.log({"loss": 1, "seen": picture(), "all": several, "in": inner})
        tracker.finish(run)
    assert main(["tail", "r", str(db_path), "--no-follow", *words]) == 0
    assert sorted(capsys.readouterr().out.split()) == sorted(shown.split())
    assert main(["tail", "r", str(db_path), "--no-follow", "--json", *words]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == bool(shown)
    asked = set(words) - {"--key"}
    for row in rows:
        assert {key.split(".")[0] for key in row if key[0] != "_"} == {
            key.split(".")[0] for key in asked
        }

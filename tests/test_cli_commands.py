"""The commands that look at runs and change their tags, and every command with bad input."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import os
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synadb.cli import COMMANDS, main
from synadb.cli._chart import MARKS, Line, chart, sparkline
from synadb.tracker import ExperimentTracker
from tests.conftest import ROOT, RunScript, run_python

Capture = pytest.CaptureFixture[str]

posix = pytest.mark.skipif(os.name == "nt", reason="there are no terminals and signals like that")

RUN_COMMANDS = ("show", "compare-runs", "plot", "tail", "tag", "rm", "export")


@pytest.fixture
def recorded(db_path: Path) -> Path:
    """Two runs of one experiment that differ in some things, and one of another."""
    with ExperimentTracker(db_path) as tracker:
        for run_id, rate in (("aa1", 0.1), ("aa2", 0.5)):
            config = {"lr": rate, "net": {"depth": 3}, "seed": 7}
            run = tracker.run("mnist", ["good"], name=f"n{run_id}", run_id=run_id, config=config)
            for step in range(50):
                run.log({"loss": rate / (step + 1), "epoch": step // 10, "val": {"acc": step / 50}})
            run.log({"text": "a"})
            tracker.finish(run)
        tracker.end_run(tracker.start_run("other", run_id="zz", tags=["good", "old"]), "failed")
        tracker.log_artifact("aa1", "model", b"x" * 1000)
    return db_path


def say(capsys: Capture, *words: str, code: int = 0) -> str:
    """What a command prints."""
    assert main(list(words)) == code, capsys.readouterr().err
    return capsys.readouterr().out


def on_terminal(
    folder: Path, *words: str, stream: str = "stdout", env: dict[str, str] | None = None
) -> tuple[str, str]:
    """What a command writes to a terminal that is this stream, and what to the other one."""
    import pty

    ours, theirs = pty.openpty()
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: theirs}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", **(env or {})}
    command = [sys.executable, "-m", "synadb", *words]
    with subprocess.Popen(command, cwd=folder, env=environment, **streams) as process:  # type: ignore[call-overload]
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:  # what Linux says when the other side is closed
            pass
        rest = b"".join(filter(None, process.communicate(timeout=60)))
    os.close(ours)
    assert process.returncode == 0, rest
    return shown.decode().replace("\r\n", "\n"), rest.decode()


@pytest.mark.parametrize(
    "words", [["runs"], ["show", "r"], ["plot", "r"], ["plot", "r", "--key", "lö"]]
)
def test_an_output_that_lacks_letters_gets_their_escapes(db_path: Path, words: list[str]) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r", name="naïve")
        run.log({"lö": 1})
        run.log({"lö": 2})
        tracker.finish(run)
    done = run_python(
        ["-m", "synadb", *words],
        db_path.parent,
        env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert done.stdout.isascii()
    assert ("na\\xefve" if words[0] == "runs" else "l\\xf6") in done.stdout


@pytest.mark.parametrize("words", [["show"], ["plot"], ["tail"], ["compare-runs", "s"]])
def test_values_that_a_float_does_not_hold_and_names_that_break_lines(
    db_path: Path, capsys: Capture, words: list[str]
) -> None:
    with ExperimentTracker(db_path) as tracker:
        for run_id in "rs":
            run = tracker.run("e", run_id=run_id, config={"big": 10**400 + (run_id == "r")})
            run.log({"loss": math.inf, "big": 10**400, "two\nlines": 1.0})
            run.log({"loss": math.nan, "big": -(10**400), "two\nlines": 2.0})
            tracker.finish(run)
    out = say(capsys, *words, "r", "--db", str(db_path))
    assert "lines" in out or words[0] == "compare-runs"
    assert not [line for line in out.splitlines() if line.startswith("lines")]


# --- runs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], ["aa1", "aa2", "zz"]),
        (["--last", "2"], ["aa2", "zz"]),
        (["--last", "0"], []),
        (["--state", "failed"], ["zz"]),
        (["--state", "preempted"], []),
        (["--tag", "good", "--tag", "old"], ["zz"]),
        (["--experiment", "mnist", "--last", "1"], ["aa2"]),
        (["--reverse"], ["zz", "aa2", "aa1"]),
        (["--sort", "loss"], ["aa1", "aa2", "zz"]),
        (["--sort", "loss", "--reverse"], ["aa2", "aa1", "zz"]),
        (["--sort", "row_count", "--last", "2"], ["zz", "aa2"]),
        (["--sort", "config.lr", "--reverse", "--tag", "good"], ["aa2", "aa1", "zz"]),
    ],
)
def test_runs_are_chosen(
    recorded: Path, capsys: Capture, options: list[str], found: list[str]
) -> None:
    assert say(capsys, "runs", str(recorded), "--ids", *options).split() == found
    listed = json.loads(say(capsys, "runs", str(recorded), "--json", *options))
    assert [record["run_id"] for record in listed] == found


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (["--sort", "val.acc"], ["low", "high", "far", "nan", "none", "text"]),
        (["--sort", "val.acc", "--reverse"], ["far", "high", "low", "nan", "none", "text"]),
    ],
)
def test_what_is_no_number_comes_last_in_both_directions(
    db_path: Path, capsys: Capture, order: list[str], found: list[str]
) -> None:
    values = {"nan": math.nan, "high": 0.9, "none": None, "low": -1, "far": math.inf}
    with ExperimentTracker(db_path) as tracker:
        for run_id, value in values.items():
            with tracker.run("e", run_id=run_id) as run:
                run.set_summary({"val": {"acc": value}})
        tracker.end_run(tracker.start_run("e", run_id="text"))
    assert say(capsys, "runs", str(db_path), "--ids", *order).split() == found
    head, *lines = say(capsys, "runs", str(db_path), *order).splitlines()
    assert head.endswith("  summary.val.acc")
    shown = {line.split()[0]: line.split()[-1] for line in lines}
    assert shown == {
        "low": "-1",
        "high": "0.9",
        "far": "Infinity",
        "nan": "NaN",
        "none": "null",
        "text": "-",
    }


def test_a_metric_that_is_called_as_a_field_is_a_part_of_the_summary(
    db_path: Path, capsys: Capture
) -> None:
    with ExperimentTracker(db_path) as tracker:
        for run_id, value in (("a", 2), ("b", 1)):
            with tracker.run("e", name=f"n{run_id}", run_id=run_id) as run:
                run.log({"name": value})
    words = ("runs", str(db_path), "--ids", "--sort")
    assert say(capsys, *words, "name").split() == ["a", "b"]
    assert say(capsys, *words, "summary.name").split() == ["b", "a"]


def test_a_state_that_no_run_can_have_is_refused(recorded: Path, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["runs", str(recorded), "--state", "done"])
    assert ended.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "'done'" in said
    for state in ("running", "finished", "failed", "killed", "crashed", "preempting", "pending"):
        assert state in said


@posix
def test_a_reader_that_goes_away_is_no_error(recorded: Path) -> None:
    command = f"{sys.executable} -m synadb runs --db {recorded} --json"
    shell = command + " | head -n 1; exit ${PIPESTATUS[0]}"
    done = subprocess.run(
        ["bash", "-c", shell],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[\n", "")
    assert done.returncode in (0, 141), "small enough for the pipe, or not"


# --- the database after the runs -------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["compare-runs", "aa1", "aa2", "FILE"],
        ["compare-runs", "aa1", "--all", "aa2", "--db", "FILE"],
        ["plot", "aa1", "FILE"],
        ["plot", "aa1", "aa2", "FILE", "--key", "loss"],
        ["plot", "aa1", "--key", "loss", "FILE"],
        ["tag", "aa1", "FILE"],
        ["tag", "FILE"],
        ["tag", "--add", "x", "aa1", "--db", "FILE"],
        ["rm", "aa1", "--yes", "FILE"],
        ["export", "aa1", "--csv", "FILE"],
    ],
    ids=" ".join,
)
def test_the_last_word_may_be_the_database(
    recorded: Path, capsys: Capture, words: list[str]
) -> None:
    elsewhere = recorded.rename(recorded.with_name("elsewhere.db"))
    say(capsys, *(str(elsewhere) if word == "FILE" else word for word in words))


@pytest.mark.parametrize("command", ["plot", "compare-runs", "tag", "rm", "export"])
def test_a_database_that_is_not_there_is_told_from_a_run(
    recorded: Path, capsys: Capture, command: str
) -> None:
    rest = READERS[command][2:]
    missing = str(recorded.with_name("missing.db"))
    assert f"no database at {missing}" in refused(capsys, command, "aa1", *rest, missing)


def test_a_name_with_a_slash_is_no_database(
    db_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExperimentTracker(db_path) as tracker:
        for number in "12":
            with tracker.run("e", run_id=f"r{number}", name=f"team/{number}") as run:
                run.log({"loss": 1})
    monkeypatch.setenv("SYNADB_PATH", str(db_path))
    out = say(capsys, "compare-runs", "team/1", "team/2")
    assert out.splitlines()[0].split()[:2] == ["r1", "r2"]
    assert "team/2" in say(capsys, "plot", "team/1", "team/2")


def test_with_db_given_every_word_is_a_run(db_path: Path, capsys: Capture) -> None:
    with ExperimentTracker(db_path) as tracker:
        for name in ("one", "model.db"):
            tracker.end_run(tracker.start_run("e", run_id=name[:3], name=name))
    out = say(capsys, "compare-runs", "one", "model.db", "--db", str(db_path))
    assert out.splitlines()[0].split()[:2] == ["one", "mod"]


# --- compare-runs ----------------------------------------------------------------------------


def test_tables_are_told_by_their_kind(db_path: Path, capsys: Capture) -> None:
    with ExperimentTracker(db_path) as tracker:
        for name, lr in (("one", 0.1), ("two", 0.2)):
            with tracker.run("e", run_id=name, config={"lr": lr}) as run:
                run.log_table("table", [[lr]], columns=["lr"])
    out = say(capsys, "compare-runs", "one", "two", "--db", str(db_path))
    assert "sha256" not in out
    assert max(map(len, out.splitlines())) < 100


def test_two_runs_are_compared(recorded: Path, capsys: Capture) -> None:
    out = say(capsys, "compare-runs", "aa1", "naa2", "--db", str(recorded))
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["aa1", "aa2", "CHANGE"]
    assert ["lr", "0.1", "0.5", "+0.4", "(+400.0%)"] in lines
    assert ["loss", "0.002", "0.01", "+0.008", "(+400.0%)"] in lines
    assert ["name", "naa1", "naa2"] in lines
    assert not {"seed", "net.depth", "val.acc", "state"} & {line[0] for line in lines}


def test_all_of_several_runs_is_compared_as_json(recorded: Path, capsys: Capture) -> None:
    words = ("compare-runs", "aa1", "aa2", "zz", "--db", str(recorded), "--json")
    found = json.loads(say(capsys, *words, "--all"))
    assert found["runs"] == ["aa1", "aa2", "zz"]
    assert found["config"]["seed"] == {"aa1": 7, "aa2": 7}
    assert found["run"]["state"] == {"aa1": "finished", "aa2": "finished", "zz": "failed"}
    assert json.loads(say(capsys, *words)) != found, "the experiment of two of them is the same"


def test_values_of_other_types_differ_and_nan_does_not(db_path: Path, capsys: Capture) -> None:
    with ExperimentTracker(db_path) as tracker:
        for run_id, one in (("a", 1), ("b", True)):
            config = {"one": one, "nan": math.nan, "text": None if one is True else "null"}
            tracker.end_run(tracker.start_run("e", run_id=run_id, config=config))
    words = ("compare-runs", "a", "b", "--db", str(db_path), "--json")
    assert set(json.loads(say(capsys, *words))["config"]) == {"one", "text"}


def test_one_run_cannot_be_compared(recorded: Path, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["compare-runs", "aa1", "naa1", "--db", str(recorded)])
    assert ended.value.code == 2
    assert "two runs or more" in capsys.readouterr().err


@posix
def test_a_comparison_fits_on_a_terminal(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        for letter in "ab":
            tracker.end_run(tracker.start_run("e", run_id=letter, config={"k": letter * 500}))
    shown, _ = on_terminal(db_path.parent, "compare-runs", "a", "b", env={"COLUMNS": "80"})
    assert max(map(len, shown.splitlines())) <= 80
    assert "aaa...  bbb" in shown


# --- plot ------------------------------------------------------------------------------------


def test_every_metric_is_a_sparkline(recorded: Path, capsys: Capture) -> None:
    head, *lines = say(capsys, "plot", "aa1", "--db", str(recorded)).splitlines()
    assert head.split() == ["METRIC", "MIN", "MAX", "LAST"]
    cells = {line.split()[0]: line.split()[1:] for line in lines}
    assert set(cells) == {"loss", "epoch", "val.acc"}
    assert cells["epoch"][0] == "".join(sorted(cells["epoch"][0])), "it only rises"
    assert cells["loss"][1:] == ["0.002", "0.1", "0.002"]
    assert " naa2 " in say(capsys, "plot", "aa1", "aa2", "--db", str(recorded))


def test_one_metric_is_a_chart(recorded: Path, capsys: Capture) -> None:
    out = say(capsys, "plot", "aa1", "--key", "loss", "--db", str(recorded))
    assert out.startswith("loss by step\n")
    assert re.search(r"^ +0\.1 │", out, re.MULTILINE)
    assert out.splitlines()[-1].split() == ["0", "49"]
    assert any("\u2800" < letter <= "\u28ff" for letter in out)


def test_several_runs_have_marks_where_there_is_no_colour(recorded: Path, capsys: Capture) -> None:
    out = say(
        capsys, "plot", "aa1", "aa2", "--key", "val.acc", "--x", "epoch", "--db", str(recorded)
    )
    assert "\x1b" not in out
    assert out.splitlines()[-2:] == ["  * naa1", "  + naa2"]


@posix
@pytest.mark.parametrize("setting", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_is_for_terminals_that_want_it(recorded: Path, setting: dict[str, str]) -> None:
    shown, _ = on_terminal(recorded.parent, "plot", "aa1", "aa2", "--key", "loss", env=setting)
    assert ("\x1b[" in shown) == (not setting)


def test_a_picture(recorded: Path, tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("matplotlib")
    image = pytest.importorskip("PIL.Image")
    out = tmp_path / "all.png"
    say(
        capsys,
        "plot",
        "aa1",
        "aa2",
        "--x",
        "time",
        "--log",
        "--out",
        str(out),
        "--db",
        str(recorded),
    )
    with image.open(out) as picture:
        assert picture.format == "PNG"
    say(
        capsys,
        "plot",
        "aa1",
        "--key",
        "loss",
        "--out",
        str(tmp_path / "a.svg"),
        "--db",
        str(recorded),
    )
    assert "<svg" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    say(capsys, "plot", "aa1", "--out", str(tmp_path / "a.nope"), "--db", str(recorded), code=1)
    assert not (tmp_path / "a.nope").exists()


def test_a_picture_needs_matplotlib(
    recorded: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["plot", "aa1", "--out", "a.png", "--db", str(recorded)]) == 1
    assert "needs matplotlib" in capsys.readouterr().err


def test_points_as_json(recorded: Path, capsys: Capture) -> None:
    words = ("plot", "aa1", "aa2", "--key", "loss", "--json", "--db", str(recorded))
    found = json.loads(say(capsys, *words))
    assert found["metrics"]["loss"]["aa2"]["x"] == list(range(50))
    assert found["metrics"]["loss"]["aa2"]["y"] == [0.5 / (step + 1) for step in range(50)]


@pytest.mark.parametrize("options", [["--key", "nope"], ["--x", "nope"], ["--key", "text"]])
def test_nothing_to_plot(recorded: Path, capsys: Capture, options: list[str]) -> None:
    assert main(["plot", "aa1", *options, "--db", str(recorded)]) == 1
    assert "`synadb show RUN` lists them" in capsys.readouterr().err


numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(
    st.lists(st.lists(st.tuples(numbers, numbers), max_size=20), min_size=1, max_size=3),
    st.integers(1, 120),
    st.integers(1, 30),
    st.booleans(),
    st.booleans(),
)
def test_a_chart_is_a_rectangle_for_any_values(
    series: list[list[tuple[float, float]]], columns: int, rows: int, braille: bool, log: bool
) -> None:
    lines = [Line("r", [x for x, _ in pairs], [y for _, y in pairs]) for pairs in series]
    drawn = chart(lines, columns, rows, braille=braille, log=log)
    if drawn == ["(no finite values)"]:
        return
    *inside, axis, ends = drawn
    assert len(inside) == max(4, rows - 2)
    assert len({len(text) for text in [*inside, axis]}) == 1
    assert len(ends) <= max(len(axis), columns) + 10
    marks = set("".join(text.partition("│" if braille else "|")[2] for text in inside)) - {" "}
    dots = braille and len(series) == 1
    assert marks
    assert all("\u2800" < mark <= "\u28ff" for mark in marks) if dots else marks <= set(MARKS)


def test_where_the_points_of_a_chart_lie() -> None:
    drawn = chart([Line("r", [0, 1], [0, 1])], 25, 6, braille=False)
    assert drawn[0].endswith("*")
    assert drawn[0].startswith("1 |  ")
    assert drawn[3].startswith("0 |***")
    assert drawn[-1].split() == ["0", "1"]


@given(st.lists(numbers, max_size=60), st.integers(1, 50))
def test_a_sparkline_shows_what_is_finite(values: list[float], width: int) -> None:
    finite = [value for value in values if math.isfinite(value)]
    drawn = sparkline(values, width)
    assert len(drawn) == min(width, len(finite))
    if len(finite) <= width and len(set(finite)) > 1:
        assert drawn[finite.index(min(finite))] == "▁"
        assert drawn[finite.index(max(finite))] == "█"


# --- tail ------------------------------------------------------------------------------------


def test_the_tail_of_a_run_that_has_ended(recorded: Path, capsys: Capture) -> None:
    assert main(["tail", "aa1", "--lines", "2", "--db", str(recorded)]) == 0
    out, err = capsys.readouterr()
    assert out == "step 49: loss=0.002 epoch=4 val.acc=0.98\nstep 50: text=a\n"
    assert err == "synadb: run aa1: finished\n"
    assert say(capsys, "tail", "aa1", "-n", "0", "--no-follow", "--db", str(recorded)) == ""
    words = ("tail", "aa1", "-n", "50", "--key", "val.acc", "--json", "--db", str(recorded))
    rows = [json.loads(line) for line in say(capsys, *words).splitlines()]
    assert [row["val.acc"] for row in rows] == [step / 50 for step in range(50)]


def test_the_tail_of_few_rows_far_apart(db_path: Path, capsys: Capture) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        for step in (0, 5, 1000, 10**9):
            run.log({"loss": step}, step)
        tracker.finish(run)
    out = say(capsys, "tail", "r", "-n", "3", "--db", str(db_path))
    assert [line.split(":")[0] for line in out.splitlines()] == [
        "step 5",
        "step 1000",
        f"step {10**9}",
    ]


LOGS = """\
import sys, time
from synadb import wandb_compat as wandb

run = wandb.init(project="live", id="live")
print("begins", flush=True)
sys.stdin.readline()
for step in range(30):
    wandb.log({"loss": step / 2, "val": {"acc": step}})
    print("printed", step)
    print("warned", step, file=sys.stderr)
    time.sleep(0.05)
if "die" in sys.argv:
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
run.finish()
"""


@pytest.mark.parametrize("end", ["finish", pytest.param("die", marks=posix)])
def test_tail_follows_another_process_to_its_end(db_path: Path, end: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SYNADB_PATH": str(db_path)}
    logger = subprocess.Popen(
        [sys.executable, "-c", LOGS, end],
        cwd=db_path.parent,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert logger.stdin is not None
    assert logger.stdout is not None
    with logger:
        while "begins" not in logger.stdout.readline():
            assert logger.poll() is None
        tail = subprocess.Popen(
            [sys.executable, "-m", "synadb", "tail", "live", "-n", "1000"],
            cwd=db_path.parent,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with tail:
            logger.stdin.write("\n")
            logger.stdin.close()
            out, err = tail.communicate(timeout=60)
        logger.stdout.read()
    assert tail.returncode == 0
    assert (
        err.splitlines()[-1] == f"synadb: run live: {'finished' if end == 'finish' else 'crashed'}"
    )
    steps = [line for line in out.splitlines() if line.startswith("step ")]
    assert steps == [f"step {i}: loss={i / 2:.6g} val.acc={i}" for i in range(30)]
    if end == "finish":  # of what was printed last, a process that is killed takes some along
        assert [line for line in out.splitlines() if "printed" in line] == [
            f"printed {i}" for i in range(30)
        ]
        assert [line for line in err.splitlines() if "warned" in line] == [
            f"warned {i}" for i in range(30)
        ]


SEPARATELY = """\
import sys
from synadb.tracker import ExperimentTracker

with ExperimentTracker(sys.argv[1]) as tracker:
    run_id = tracker.start_run("e", run_id="r")
    for step in range(20):
        tracker.log_metric(run_id, "loss", step)
    tracker.flush()
    print("begun", flush=True)
    for step in range(5):
        sys.stdin.readline()
        tracker.log_metric(run_id, "acc", step)
        tracker.flush()
    tracker.end_run(run_id)
"""


def test_tail_shows_each_value_once_though_metrics_count_on_their_own(db_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    logger = subprocess.Popen(
        [sys.executable, "-c", SEPARATELY, str(db_path)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert logger.stdin is not None
    assert logger.stdout is not None
    with logger:
        assert logger.stdout.readline() == "begun\n"
        tail = subprocess.Popen(
            [sys.executable, "-m", "synadb", "tail", "r", str(db_path), "-n", "1"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        with tail:
            assert tail.stdout is not None
            found = [tail.stdout.readline()]
            for _ in range(5):
                logger.stdin.write("\n")
                logger.stdin.flush()
                found.append(tail.stdout.readline())
            assert tail.stdout.read() == ""
    assert found == ["step 19: loss=19\n", *(f"step {i}: acc={i}\n" for i in range(5))]


@posix
def test_an_interrupt_ends_the_tail(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        run.log({"loss": 1})
        run.flush()
        with subprocess.Popen(
            [sys.executable, "-m", "synadb", "tail", "r", str(db_path)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as tail:
            assert tail.stdout is not None
            assert tail.stdout.readline() == b"step 0: loss=1\n"
            tail.send_signal(signal.SIGINT)
            assert tail.communicate(timeout=60) == (b"", b"")
        assert tail.returncode == -signal.SIGINT
        tracker.finish(run)


# --- tag and info ----------------------------------------------------------------------------


def test_tags_are_added_and_removed(recorded: Path, capsys: Capture) -> None:
    database = ("--db", str(recorded))
    added = say(capsys, "tag", "aa1", "zz", "--add", "best", "--add", "good", *database)
    assert added == "aa1  good, best\nzz   good, old, best\n"
    say(capsys, "tag", "zz", "--remove", "best", "--remove", "never", *database)
    assert json.loads(say(capsys, "tag", "zz", "aa2", "--json", *database)) == {
        "zz": ["good", "old"],
        "aa2": ["good"],
    }
    assert say(capsys, "tag", *database).split() == [
        "TAG",
        "RUNS",
        "best",
        "1",
        "good",
        "3",
        "old",
        "1",
    ]
    assert json.loads(say(capsys, "tag", "--json", *database)) == {"best": 1, "good": 3, "old": 1}
    with ExperimentTracker(recorded) as tracker:
        assert tracker.get_run("zz").state == "failed", "nothing else has changed"


def test_tags_change_on_all_runs_or_on_none(recorded: Path, capsys: Capture) -> None:
    assert main(["tag", "aa1", "nope", "--add", "x", "--db", str(recorded)]) == 1
    assert main(["tag", "aa1", "--add", "", "--db", str(recorded)]) == 1
    assert "tag" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["tag", "--add", "x", "--db", str(recorded)])
    assert ended.value.code == 2
    with ExperimentTracker(recorded) as tracker:
        assert tracker.get_run("aa1").tags == ("good",)


def test_info(recorded: Path, capsys: Capture) -> None:
    found = json.loads(say(capsys, "info", str(recorded), "--json"))
    assert found["database"] == str(recorded)
    assert found["found_by"] == "the command line"
    assert found["sizes"][str(recorded)] > 0
    assert found["states"] == {"finished": 2, "failed": 1}
    assert found["projects"] == {"mnist": 2, "other": 1}
    assert (found["runs"], found["points"], found["events"]) == (3, 200, 102)
    assert (found["artifacts"], found["artifact_bytes"], found["blob_bytes"]) == (1, 1000, 1000)
    assert found["journals"] == []
    assert found["packages"]["matplotlib"] == (importlib.util.find_spec("matplotlib") is not None)
    assert "finished 2, failed 1" in say(capsys, "info", str(recorded))


def test_info_names_who_is_logging(db_path: Path, capsys: Capture) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        run.log({"loss": 1})
        (journal,) = json.loads(say(capsys, "info", str(db_path), "--json"))["journals"]
        assert (journal["run_id"], journal["pid"]) == ("r", os.getpid())
        assert journal["size"] > 0
        assert f"run r, process {os.getpid()} on" in say(capsys, "info", str(db_path))
        tracker.finish(run)


def test_info_says_by_which_rule_the_file_was_found(
    recorded: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = recorded.parent / "below"
    below.mkdir()

    def found_by() -> str:
        return str(json.loads(say(capsys, "info", "--json"))["found_by"])

    monkeypatch.chdir(below)
    assert found_by() == "a folder above"
    monkeypatch.chdir(recorded.parent)
    assert found_by() == "the current folder"
    monkeypatch.setenv("WANDB_DIR", str(recorded.parent))
    assert found_by() == "WANDB_DIR"
    monkeypatch.setenv("SYNADB_PATH", str(recorded))
    assert found_by() == "SYNADB_PATH"


# --- reports as JSON -------------------------------------------------------------------------


def test_what_changes_a_database_reports_as_json(recorded: Path, capsys: Capture) -> None:
    file = str(recorded)
    assert json.loads(say(capsys, "recover", file, "--json"))["recovered"] == []
    assert json.loads(say(capsys, "gc", file, "--dry-run", "--json"))["dry_run"] is True
    found = json.loads(say(capsys, "rm", "aa1", "zz", "--yes", "--json", "--db", file))
    assert found == {"database": file, "deleted": ["aa1", "zz"]}
    assert json.loads(say(capsys, "gc", file, "--json"))["blobs"] == 0, "rm has done it"
    found = json.loads(say(capsys, "check", file, "--json"))
    assert found == {"database": file, "ok": True, "problems": [], "notes": [], "fixed": []}
    with pytest.raises(SystemExit) as ended:
        main(["rm", "aa2", "--json", "--db", file])
    assert ended.value.code == 2


def test_a_recovery_as_json(db_path: Path, run_script: RunScript, capsys: Capture) -> None:
    run_script(
        "import os, sys\n"
        "from synadb.tracker import ExperimentTracker\n"
        "run = ExperimentTracker(sys.argv[1]).run('e', run_id='dead')\n"
        "run.log({'loss': 1})\n"
        "os._exit(0)\n",
        db_path,
    )
    (found,) = json.loads(say(capsys, "recover", str(db_path), "--json"))["recovered"]
    assert (found["run_id"], found["torn"]) == ("dead", 0)


def test_a_damaged_file_as_json(recorded: Path, tmp_path: Path, capsys: Capture) -> None:
    os.truncate(recorded, recorded.stat().st_size - 40_000)
    found = json.loads(say(capsys, "check", str(recorded), "--json", code=1))
    assert (found["database"], found["ok"]) == (str(recorded), False)
    assert any("its end is missing" in line for line in found["problems"])
    assert "--salvage" in found["next"]
    new = tmp_path / "new.db"
    main(["check", str(recorded), "--salvage", str(new), "--json"])
    saved = json.loads(capsys.readouterr().out)
    assert (saved["saved"], saved["runs"], saved["lost"]) == (str(new), 3, found["lost"])


def test_a_damaged_text_is_one_line_and_the_other_runs_are_saved(
    recorded: Path, tmp_path: Path, capsys: Capture
) -> None:
    db = sqlite3.connect(recorded)
    db.execute("update runs set config = '{' where run_id = 'zz'")
    db.commit()
    db.close()
    for command in ("runs", "tag"):
        assert main([command, "--db", str(recorded)]) == 1
        err = capsys.readouterr().err
        assert err.startswith(f"synadb: {recorded}: a text in it cannot be decoded (")
        assert err.endswith("; `synadb check` says what is damaged\n")
    found = json.loads(say(capsys, "check", str(recorded), "--json", code=1))
    assert any("run zz: its config is no JSON" in problem for problem in found["problems"])
    new = tmp_path / "new.db"
    out = say(capsys, "check", str(recorded), "--salvage", str(new), code=1)
    assert "lost: run zz: all of it (" in out
    assert say(capsys, "runs", str(new), "--ids").split() == ["aa1", "aa2"]


DAMAGES = {
    "NULL": "null",
    "no JSON": "'{'",
    "no such value": """'{"$dict": 5}'""",
    "no UTF-8": "cast(x'7b22ff227d' as text)",
}
DOCUMENTS = {
    "runs.config": "run aa1: its config",
    "runs.tags": "run aa1: its tags",
    "json_rows.data": "json_rows row 1: its data",
    "sweeps.properties": "its properties",
}


@pytest.mark.parametrize("where", DOCUMENTS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_document_is_found_and_said(
    recorded: Path, capsys: Capture, where: str, damage: str
) -> None:
    with ExperimentTracker(recorded) as tracker:
        tracker.create_sweep({"parameters": {"a": {"value": 1}}, "method": "grid"}, "mnist")
    table, column = where.split(".")
    with contextlib.closing(sqlite3.connect(recorded, isolation_level=None)) as db:
        db.execute("pragma writable_schema = on")
        db.execute(
            "update sqlite_master set sql = replace(sql, ?, ?)",
            (f"{column} text not null", f"{column} text"),
        )
    with contextlib.closing(sqlite3.connect(recorded, isolation_level=None)) as db:
        db.execute(f"update {table} set {column} = {DAMAGES[damage]} where rowid = 1")
    out = say(capsys, "check", str(recorded), code=1)
    assert f"{DOCUMENTS[where]} is no JSON (" in out
    readers = (["runs"], ["show", "aa1"], ["export", "aa1", "--csv"], ["sweeps"])
    codes = [main([*words, "--db", str(recorded)]) for words in readers]
    assert 1 in codes
    for line in capsys.readouterr().err.splitlines():
        assert "`synadb check`" in line


# --- bad input -------------------------------------------------------------------------------

READERS: dict[str, list[str]] = {
    "runs": ["runs"],
    "show": ["show", "aa1"],
    "compare-runs": ["compare-runs", "aa1", "aa2"],
    "plot": ["plot", "aa1"],
    "tail": ["tail", "aa1"],
    "tag": ["tag", "aa1"],
    "info": ["info"],
    "rm": ["rm", "aa1", "--yes"],
    "export": ["export", "aa1", "--csv"],
    "sql": ["sql", "select 1"],
    "check": ["check"],
    "recover": ["recover"],
    "gc": ["gc"],
    "sweeps": ["sweeps"],
    "sweep": ["sweep", "show", "x"],
    "agent": ["agent", "x"],
}
OTHERS = {"run", "compare", "import", "merge", "completion"}


def test_every_command_is_tried_with_bad_input() -> None:
    assert {command.name for command in COMMANDS} == set(READERS) | OTHERS


def refused(capsys: Capture, *words: str) -> str:
    """The one line that a command that cannot be done says."""
    assert main(list(words)) == 1
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert "Traceback" not in err
    assert len(lines) == 1 or words[0] in ("check", "agent"), err
    return lines[-1] if words[0] == "agent" else lines[0]


@pytest.mark.parametrize("command", READERS)
def test_a_file_that_is_no_database(command: str, tmp_path: Path, capsys: Capture) -> None:
    text, foreign = tmp_path / "text.db", tmp_path / "other.db"
    text.write_text("no database at all, and long enough for a header\n" * 9, encoding="utf-8")
    run_python(
        ["-c", f"import sqlite3; sqlite3.connect({str(foreign)!r}).execute('create table t (a)')"],
        tmp_path,
    )
    before = text.read_bytes(), foreign.read_bytes()
    for file in (text, foreign, tmp_path):
        assert str(file) in refused(capsys, *READERS[command], "--db", str(file))
    assert "there is no database at" in refused(
        capsys, *READERS[command], "--db", str(tmp_path / "none.db")
    )
    assert (text.read_bytes(), foreign.read_bytes()) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.db", "text.db"]


@pytest.mark.parametrize("command", RUN_COMMANDS)
def test_a_run_that_is_not_there_or_not_alone(
    command: str, recorded: Path, capsys: Capture
) -> None:
    _, *words = READERS[command]
    rest = words[1:]
    for wanted, said in (
        ("nope", "has the id or name 'nope'; `synadb runs` lists them"),
        ("aa", "2 runs have ids that start 'aa'; choose one by its id: aa1, aa2"),
        ("", "has the id or name ''"),
    ):
        assert said in refused(capsys, command, wanted, *rest, "--db", str(recorded))


@pytest.mark.parametrize("command", READERS)
def test_a_database_without_runs(command: str, db_path: Path, capsys: Capture) -> None:
    with ExperimentTracker(db_path):
        pass
    words = [*READERS[command], "--db", str(db_path)]
    if command in (*RUN_COMMANDS, "sweep", "agent"):
        assert re.search("no (run|sweep)", refused(capsys, *words))
    else:
        say(capsys, *words)


def test_what_is_merged_and_imported_is_looked_at_first(tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "out.db"
    text = tmp_path / "text.db"
    text.write_text("no database at all, and long enough for a header\n" * 9, encoding="utf-8")
    assert str(text) in refused(capsys, "merge", str(out), str(text))
    missing = str(tmp_path / "none")
    assert missing in refused(capsys, "merge", str(out), missing)
    for kind in ("wandb", "csv", "mlflow", "tensorboard"):
        assert missing in refused(capsys, "import", kind, missing, "--db", str(out))


@pytest.mark.parametrize(
    "words",
    [
        ["nope"],
        ["runs", "--last", "-1"],
        ["tail", "r", "--lines", "many"],
        ["tail", "r", "--only", "nothing"],
        ["plot"],
        ["completion", "csh"],
        ["runs", "--ids", "--json"],
        ["plot", "r", "--json", "--out", "a.png"],
    ],
    ids=" ".join,
)
def test_wrong_arguments_are_exit_code_2(words: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: synadb")


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_every_help_has_examples(command: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert re.search(rf"^examples?:\n  synadb {command}\b", out, re.MULTILINE)
    assert max(map(len, out.splitlines())) <= 100


def test_small_commands_load_nothing_heavy(recorded: Path) -> None:
    source = (
        "import sys; from synadb.cli import main; main(sys.argv[1:]); "
        "print(*sys.modules, file=sys.stderr)"
    )
    for words in (["runs"], ["tag"], ["info"], ["compare-runs", "aa1", "aa2"]):
        done = run_python(["-c", source, *words], recorded.parent)
        loaded = set(done.stderr.split())
        assert loaded & {"numpy", "PIL", "yaml", "psutil", "matplotlib"} == set(), words


def test_without_a_command_all_are_listed(capsys: Capture) -> None:
    out = say(capsys)
    assert [
        name for name, *_ in COMMANDS if not re.search(rf"^ +{name}\b", out, re.MULTILINE)
    ] == []

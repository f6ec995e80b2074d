"""What is recorded around a run: console, machine, program, loggers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import synadb.wandb_compat as wandb
from synadb.tracker import ExperimentTracker
from tests.conftest import RunScript

HEAD = """
import logging, os, subprocess, sys, threading, time
import synadb.wandb_compat as wandb
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    wandb.teardown()


@pytest.fixture
def play(run_script: RunScript) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the body of a script, below the usual imports, with wandb's own messages off."""

    def run(body: str, *args: str, **choice: Any) -> subprocess.CompletedProcess[str]:
        choice["env"] = {"WANDB_SILENT": "true", **choice.get("env", {})}
        return run_script(HEAD + textwrap.dedent(body), *args, **choice)

    return run


Play = Callable[..., subprocess.CompletedProcess[str]]


def console(db_path: Path, run_id: str) -> list[str]:
    with ExperimentTracker(db_path) as tracker:
        return [line.line for line in tracker.console(run_id)]


def output(db_path: Path, run_id: str) -> list[str] | None:
    """The lines of output.log, as stored."""
    with ExperimentTracker(db_path) as tracker:
        if not any(file.name == "output.log" for file in tracker.list_files(run_id)):
            return None
        text = tracker.open_file(run_id, "output.log").read().decode()
    return text.splitlines()


def facts(db_path: Path, run_id: str) -> dict[str, Any]:
    with ExperimentTracker(db_path) as tracker:
        found: dict[str, Any] = tracker.get_run(run_id).metadata.get("facts", {})
        return found


# -- console -------------------------------------------------------------------------------------

PRINT = """
print("before")
run = wandb.init(id="a", settings=dict(console=sys.argv[1]))
print("one")
print("two", file=sys.stderr)
for i in range(101):
    sys.stdout.write(f"\\rprogress {i}%")
print()
sys.stdout.write("three\\nfo")
sys.stdout.write("ur\\n")
sys.stdout.flush()
subprocess.run([sys.executable, "-c", "print('child')"])
os.write(1, b"raw\\n")
print("ünï ☃")
run.finish()
print("after")
"""


@pytest.mark.parametrize("mode", ["auto", "wrap", "redirect"])
def test_console(play: Play, db_path: Path, mode: str) -> None:
    done = play(PRINT, mode)
    said = [line for line in done.stdout.splitlines() if line]
    assert said[0] == "before"
    assert said[-1] == "after"
    below = ["child", "raw"] if mode == "redirect" else []
    expected = ["one", "progress 100%", "three", "four", *below, "ünï ☃"]
    found = console(db_path, "a")
    assert [line for line in found if line != "two"] == expected
    assert found.count("two") == 1
    assert output(db_path, "a") == found


@pytest.mark.parametrize("env", [{}, {"WANDB_CONSOLE": "off"}])
def test_console_off(play: Play, db_path: Path, env: dict[str, str]) -> None:
    play(
        PRINT if not env else PRINT.replace(", settings=dict(console=sys.argv[1])", ""),
        "off",
        env=env,
    )
    assert console(db_path, "a") == []
    assert output(db_path, "a") is None


def test_a_progress_bar_is_one_line(play: Play, db_path: Path) -> None:
    play(
        """
        wandb.init(id="a")
        for i in range(1, 2001):
            sys.stderr.write(f"\\r\\x1b[K{i / 20:.0f}%|{'#' * (i // 100):<20}| {i}/2000")
            sys.stderr.flush()
            time.sleep(0.0005)
        sys.stderr.write("\\n")
        print("done")
        """
    )
    assert console(db_path, "a") == ["100%|####################| 2000/2000", "done"]
    assert output(db_path, "a") == console(db_path, "a")


def test_two_runs_hear_what_is_printed_while_they_live(play: Play, db_path: Path) -> None:
    play(
        """
        first = wandb.init(id="a")
        print("one")
        second = wandb.init(id="b", reinit="create_new")
        print("both")
        first.finish()
        print("two")
        second.finish()
        print("none")
        wandb.init(id="c")
        print("three")
        """
    )
    assert console(db_path, "a") == output(db_path, "a") == ["one", "both"]
    assert console(db_path, "b") == output(db_path, "b") == ["both", "two"]
    assert console(db_path, "c") == output(db_path, "c") == ["three"]


def test_threads_print(play: Play, db_path: Path) -> None:
    play(
        """
        wandb.init(id="a")
        def work(number):
            for i in range(300):
                print(f"thread {number} line {i}\\n", end="")
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """
    )
    found = console(db_path, "a")
    assert sorted(found) == sorted(f"thread {n} line {i}" for n in range(4) for i in range(300))
    assert output(db_path, "a") == found


def test_what_was_printed_before_a_kill_is_kept(play: Play, db_path: Path) -> None:
    play(
        """
        wandb.init(id="a")
        print("kept")
        time.sleep(1.5)
        os.kill(os.getpid(), 9)
        """,
        check=False,
    )
    assert console(db_path, "a") == ["kept"]


def test_a_resumed_run_has_the_lines_of_each_process(play: Play, db_path: Path) -> None:
    for number in range(2):
        play(f"wandb.init(id='a', resume='allow')\nprint('line {number}')")
    assert console(db_path, "a") == ["line 0", "line 1"]


def test_write_logs_and_loggers(play: Play, db_path: Path) -> None:
    done = play(
        """
        levels = {"mine": "WARNING", "other": "debug"}
        run = wandb.init(id="a", settings=dict(capture_loggers=levels, console=sys.argv[1]))
        run.write_logs("written")
        logging.getLogger("mine").warning("careful %d", 1)
        logging.getLogger("mine.below").error("below")
        logging.getLogger("mine").info("unheard")
        logging.getLogger("other").setLevel("DEBUG")
        logging.getLogger("other").debug("two\\nlines")
        logging.getLogger("third").error("not captured")
        logging.getLogger("mine").warning("%d", "does not fit")
        run.finish()
        logging.getLogger("mine").warning("after")
        assert not logging.getLogger("mine").handlers
        """,
        "off",
    )
    assert "written" not in done.stdout + done.stderr
    assert console(db_path, "a") == [
        "written",
        "WARNING:mine:careful 1",
        "ERROR:mine.below:below",
        "DEBUG:other:two",
        "lines",
    ]
    assert output(db_path, "a") == console(db_path, "a")


def test_write_logs_alone(folder: Path, db_path: Path) -> None:
    run = wandb.init(id="a", settings=wandb.Settings(console="off", silent=True))
    run.write_logs("one\ntwo")
    run.write_logs("three\n")
    run.finish()
    run.write_logs("four")
    assert console(db_path, "a") == ["one", "two", "three"]


# -- the machine ---------------------------------------------------------------------------------


def test_system_metrics(folder: Path, db_path: Path) -> None:
    run = wandb.init(id="a", settings=wandb.Settings(x_stats_sampling_interval=0.2, silent=True))
    samples: list[dict[str, Any]] = []
    deadline = time.monotonic() + 30
    while len(samples) < 4 and time.monotonic() < deadline:
        time.sleep(0.2)
        samples = run._tracker.system_metrics("a")
    run.finish()
    assert len(samples) >= 4
    keys = {key.removeprefix("system.") for key in samples[-1]}
    assert {
        "cpu",
        "memory_percent",
        "proc.memory.rssMB",
        "proc.memory.availableMB",
        "proc.memory.percent",
        "proc.cpu.threads",
        "network.sent",
        "network.recv",
    } <= keys
    assert any(key.startswith("disk.") and key.endswith("usagePercent") for key in keys)
    with ExperimentTracker(db_path) as tracker:
        count = len(tracker.system_metrics("a"))
        time.sleep(0.5)
        assert len(tracker.system_metrics("a")) == count


@pytest.mark.parametrize("setting", ["x_disable_stats", "x_disable_machine_info"])
def test_no_system_metrics(folder: Path, db_path: Path, setting: str) -> None:
    settings = wandb.Settings(x_stats_sampling_interval=0.1, silent=True, **{setting: True})
    run = wandb.init(id="a", settings=settings)
    time.sleep(1.8)
    run.finish()
    with ExperimentTracker(db_path) as tracker:
        assert tracker.system_metrics("a") == []
    assert ("cpu_count" in facts(db_path, "a")) is (setting == "x_disable_stats")


# -- the program ---------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git repository with a change that has not been committed."""
    place = tmp_path / "repo"
    place.mkdir()
    (place / "train.txt").write_text("committed\n")
    for command in (
        ["init", "-q"],
        ["config", "user.email", "a@b.c"],
        ["config", "user.name", "n"],
        ["remote", "add", "origin", "https://user:secret@example.com/x.git"],
        ["add", "."],
        ["commit", "-q", "-m", "first"],
    ):
        subprocess.run(["git", *command], cwd=place, check=True)
    (place / "train.txt").write_text("changed\n")
    return place


def in_checkout(checkout: Path, body: str, **env: str) -> None:
    script = checkout / "train.py"
    script.write_text(HEAD + textwrap.dedent(body))
    root = str(Path(wandb.__file__).resolve().parents[2])
    subprocess.run(
        [sys.executable, "train.py", "--lr", "0.1"],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": root, "WANDB_SILENT": "true", **env},
        check=True,
        timeout=45,
    )


@pytest.mark.parametrize("seconds", [0, 2])
def test_metadata(checkout: Path, seconds: int) -> None:
    """Of a run that is over at once, too; about the machine longer ones are asked."""
    in_checkout(checkout, f"run = wandb.init(id='a')\ntime.sleep({seconds})")
    found = facts(checkout / "experiments.db", "a")
    assert {
        "os",
        "python",
        "startedAt",
        "program",
        "root",
        "host",
        "executable",
        "writerId",
    } <= set(found)
    assert found["args"] == ["--lr", "0.1"]
    assert found["codePath"] == "train.py"
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=checkout, check=True, capture_output=True, text=True
    )
    assert found["git"]["commit"] == head.stdout.strip()
    assert "example.com/x.git" in found["git"]["remote"]
    assert "secret" not in json.dumps(found)
    assert ("cpu_count" in found) is bool(seconds)
    with ExperimentTracker(checkout / "experiments.db") as tracker:
        patch = tracker.open_file("a", "diff.patch").read().decode()
        stored = json.loads(tracker.open_file("a", "wandb-metadata.json").read())
        requirements = tracker.open_file("a", "requirements.txt").read().decode().splitlines()
    assert "-committed" in patch
    assert "+changed" in patch
    assert stored == found
    assert any(line.startswith("pytest==") for line in requirements)
    latest = checkout / "wandb" / "latest-run" / "files"
    assert (latest / "diff.patch").read_text() == patch


@pytest.mark.parametrize(
    ("env", "git", "patch"),
    [
        ({"WANDB_DISABLE_GIT": "true"}, False, False),
        ({"WANDB_DISABLE_CODE": "true"}, True, False),
        ({"SYNADB_RUN_DIR": "0"}, True, True),
        ({"WANDB_X_DISABLE_MACHINE_INFO": "true"}, False, False),
    ],
)
def test_git_can_be_left_out(checkout: Path, env: dict[str, str], git: bool, patch: bool) -> None:
    in_checkout(checkout, "wandb.init(id='a')", **env)
    assert ("git" in facts(checkout / "experiments.db", "a")) is git
    with ExperimentTracker(checkout / "experiments.db") as tracker:
        names = {file.name for file in tracker.list_files("a")}
    assert ("diff.patch" in names) is patch
    assert "requirements.txt" in names


def test_metadata_and_requirements_can_be_left_out(folder: Path, db_path: Path) -> None:
    settings = wandb.Settings(x_disable_meta=True, x_save_requirements=False, silent=True)
    wandb.init(id="a", settings=settings).finish()
    assert facts(db_path, "a") == {}
    with ExperimentTracker(db_path) as tracker:
        names = {file.name for file in tracker.list_files("a")}
    assert not names & {"wandb-metadata.json", "requirements.txt"}


def test_only_the_primary_process_says_what_machine_it_was(folder: Path, db_path: Path) -> None:
    run = wandb.init(id="a", mode="shared", settings=wandb.Settings(silent=True))
    settings = wandb.Settings(silent=True, x_primary=False, host="another", reinit="create_new")
    other = wandb.init(id="a", mode="shared", settings=settings)
    Path(other.dir, "of-the-other.txt").write_text("x")
    run.finish()
    other.finish()
    assert facts(db_path, "a")["host"] != "another"
    with ExperimentTracker(db_path) as tracker:
        assert "of-the-other.txt" in {file.name for file in tracker.list_files("a")}
        assert tracker.get_run("a").state == "finished"


def test_a_slow_git_does_not_hold_up_the_end(checkout: Path, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nsleep 600\n")
    program.chmod(0o755)
    body = """
    wandb.init(id="a")
    time.sleep(float(os.environ["WAIT"]))
    wandb.finish()
    """
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    for wait in ("0", "1.2"):
        in_checkout(checkout, body, PATH=path, WAIT=wait)
    assert facts(checkout / "experiments.db", "a")["git"]["commit"]

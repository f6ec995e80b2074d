"""How a run begins, is shared between processes, and ends: with real processes."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import synadb.wandb_compat as wandb
from synadb.records import RunRecord
from synadb.tracker import ExperimentTracker
from tests.conftest import ROOT, RunScript

POSIX = pytest.mark.skipif(os.name == "nt", reason="fork and signals")

HEAD = """
import atexit, json, multiprocessing, os, signal, subprocess, sys, threading, time
import synadb.wandb_compat as wandb
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder of a test that calls wandb in this process."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    wandb.teardown()


@pytest.fixture
def play(run_script: RunScript) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the body of a script, below the usual imports."""

    def run(body: str, *args: str, **choice: Any) -> subprocess.CompletedProcess[str]:
        return run_script(HEAD + textwrap.dedent(body), *args, **choice)

    return run


Play = Callable[..., subprocess.CompletedProcess[str]]


def runs(db_path: Path) -> dict[str, RunRecord]:
    """The runs of a database by id, read as another program would."""
    with ExperimentTracker(db_path) as tracker:
        return {run.run_id: run for run in tracker.list_runs()}


def rows(db_path: Path, run_id: str) -> list[dict[str, Any]]:
    with ExperimentTracker(db_path) as tracker:
        return list(tracker.rows(run_id))


def start(body: str, cwd: Path, **env: str) -> subprocess.Popen[str]:
    """A script that goes on while the test looks."""
    return subprocess.Popen(
        [sys.executable, "-c", HEAD + textwrap.dedent(body)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    line = process.stdout.readline()
    if line.strip() != word:
        process.kill()
        pytest.fail(f"{line!r} {process.communicate()}")


# -- init ----------------------------------------------------------------------------------------


def test_every_argument_is_stored(folder: Path, db_path: Path) -> None:
    run = wandb.init(
        "team", "proj", folder, "an-id", "a name", "some notes", ["t1", "t2"], {"a": 1, "b": 2},
        config_exclude_keys=["b"], group="g", job_type="j", mode="online", force=False,
        save_code=False, anonymous="allow", settings=wandb.Settings(x_disable_stats=True),
    )  # fmt: skip
    assert (run.entity, run.project, run.id, run.name) == ("team", "proj", "an-id", "a name")
    assert run.path == "team/proj/an-id"
    assert (run.notes, run.tags, run.group, run.job_type) == ("some notes", ("t1", "t2"), "g", "j")
    assert (run.step, run.starting_step, run.resumed, run.offline) == (0, 0, False, False)
    assert run.disabled is False
    assert os.path.isdir(run.dir)
    assert run.sync_dir == os.path.dirname(run.dir)
    assert abs(run.start_time - time.time()) < 60
    assert wandb.run is run
    assert wandb.config is run.config
    assert wandb.summary is run.summary
    run.finish()
    record = runs(db_path)["an-id"]
    assert (record.experiment, record.name, record.notes) == ("proj", "a name", "some notes")
    assert (record.tags, record.group, record.job_type) == (("t1", "t2"), "g", "j")
    assert {k: v for k, v in record.config.items() if k != "_wandb"} == {"a": 1}
    assert record.metadata["entity"] == "team"
    assert (record.state, record.exit_code) == ("finished", 0)


def test_defaults(folder: Path) -> None:
    run = wandb.init()
    assert (run.project, run.entity, run.group, run.job_type) == ("uncategorized", "", "", "")
    assert (run.notes, run.tags, run.sweep_id) == (None, (), None)
    assert re.fullmatch(r"[a-z0-9]{8}", run.id)
    assert run.path == f"uncategorized/{run.id}"
    run.finish()


def test_names_count_in_their_project(folder: Path) -> None:
    names = []
    for project in ("p", "p", "q", "p"):
        run = wandb.init(project=project)
        names.append(run.name)
        run.finish()
    assert all(re.fullmatch(r"[a-z]+-[a-z]+-\d+", name) for name in names)
    assert [name.rpartition("-")[2] for name in names] == ["1", "2", "1", "3"]


def test_the_project_is_named_after_the_git_checkout(tmp_path: Path, play: Play) -> None:
    checkout = tmp_path / "my repo"
    (checkout / "sub" / "deep").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(checkout)], check=True)
    script = checkout / "sub" / "deep" / "train.py"
    script.write_text(HEAD + "print(wandb.init(settings={'silent': True}).project)")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = subprocess.run(
        [sys.executable, str(script)],
        cwd=checkout,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "my repo-sub_deep\n"
    assert (checkout / "experiments.db").exists()


ENVIRONMENT = {
    "WANDB_PROJECT": "ep",
    "WANDB_ENTITY": "ee",
    "WANDB_NAME": "en",
    "WANDB_RUN_GROUP": "eg",
    "WANDB_JOB_TYPE": "ej",
    "WANDB_NOTES": "enotes",
    "WANDB_TAGS": "x,y",
    "WANDB_RUN_ID": "eid",
}
SHOW = """
print(json.dumps([run.project, run.entity, run.name, run.group, run.job_type, run.notes,
                  list(run.tags), run.id]))
"""


def test_environment_fills_in_and_arguments_win(play: Play) -> None:
    found = play("run = wandb.init()" + SHOW, env=ENVIRONMENT).stdout
    assert json.loads(found) == ["ep", "ee", "en", "eg", "ej", "enotes", ["x", "y"], "eid"]
    found = play(
        "run = wandb.init('ae', 'ap', id='aid', name='an', group='ag', job_type='aj', notes='a',"
        "tags=['z'], settings=wandb.Settings(run_id='sid'))" + SHOW,
        env=ENVIRONMENT,
    ).stdout
    assert json.loads(found) == ["ap", "ae", "an", "ag", "aj", "a", ["z"], "aid"]
    found = play(
        "run = wandb.init(settings=wandb.Settings(run_id='sid', project='sp'))" + SHOW,
        env=ENVIRONMENT,
    ).stdout
    assert json.loads(found)[0] == "sp"
    assert json.loads(found)[-1] == "sid"


def test_environment_of_the_moment_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = []
    for group in ("a", "b"):
        monkeypatch.setenv("WANDB_RUN_GROUP", group)
        with wandb.init() as run:
            groups.append(run.group)
    assert groups == ["a", "b"]


@pytest.mark.parametrize("variable", ["WANDB_DIR", None])
def test_dir_is_made_and_holds_everything(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    place = folder / "new" / "place"
    if variable:
        monkeypatch.setenv(variable, str(place))
        run = wandb.init()
    else:
        run = wandb.init(dir=place)
    run.finish()
    assert run.dir.startswith(str(place / "wandb"))
    names = {path.name for path in place.iterdir()}
    assert {"experiments.db", "wandb"} <= names
    assert all(name == "wandb" or name.startswith("experiments.db") for name in names)
    assert not (folder / "wandb").exists()


BAD = [
    ({"id": "a/b"}, wandb.UsageError),
    ({"id": ""}, wandb.UsageError),
    ({"id": " a"}, wandb.UsageError),
    ({"id": 3}, ValueError),
    ({"project": "a/b"}, wandb.UsageError),
    ({"project": "x" * 129}, wandb.UsageError),
    ({"mode": "nope"}, ValueError),
    ({"resume": "nope"}, ValueError),
    ({"reinit": "nope"}, ValueError),
    ({"tags": ["x" * 65]}, ValueError),
    ({"tags": [""]}, ValueError),
    ({"fork_from": "abc"}, ValueError),
    ({"resume_from": "abc?_step=x"}, ValueError),
    ({"fork_from": "a?_step=1", "resume_from": "a?_step=1"}, ValueError),
    ({"fork_from": "a?_step=1", "resume": "allow"}, ValueError),
    ({"fork_from": "a?_step=1", "id": "a"}, ValueError),
    ({"resume_from": "a?_step=1", "id": "b"}, ValueError),
    ({"settings": {"no_such_setting": 1}}, ValueError),
    ({"settings": {"capture_loggers": {"x": "LOUD"}}}, ValueError),
    ({"settings": {"x_stats_sampling_interval": 0.01}}, wandb.UsageError),
    ({"config": [1]}, TypeError),
    ({"config": 3}, TypeError),
    ({"config_include_keys": ["a"], "config_exclude_keys": ["b"]}, wandb.UsageError),
    ({"resume": "must", "id": "absent"}, wandb.UsageError),
    ({"fork_from": "absent?_step=1"}, wandb.UsageError),
    ({"resume_from": "absent?_step=1"}, wandb.UsageError),
    ({"no_such_argument": 1}, TypeError),
]


@pytest.mark.parametrize(("arguments", "error"), BAD, ids=lambda value: str(value)[:40])
def test_bad_arguments_start_nothing(
    folder: Path, db_path: Path, arguments: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        wandb.init(**arguments)
    assert wandb.run is None
    assert not (folder / "wandb").exists()
    assert not db_path.exists() or runs(db_path) == {}
    with pytest.raises(wandb.Error, match=r"wandb\.init"):
        wandb.log({"a": 1})


def test_a_database_that_cannot_be_is_an_error_of_wandbs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "not.db").write_text("no database" * 100)
    monkeypatch.setenv("SYNADB_PATH", str(folder / "not.db"))
    with pytest.raises(wandb.Error, match=r"wandb\.init.*not\.db"):
        wandb.init()
    assert wandb.run is None
    assert not (folder / "wandb").exists()


# -- ids -----------------------------------------------------------------------------------------


def test_the_same_id_again_keeps_the_old_run(
    folder: Path, db_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in range(3):
        run = wandb.init(project="p", id="same")
        assert (run.step, run.resumed) == (0, False)
        run.log({"v": value})
        run.finish()
    assert "same-old1" in capsys.readouterr().err
    found = {run_id: run.summary["v"] for run_id, run in runs(db_path).items()}
    assert found == {"same-old1": 0, "same-old2": 1, "same": 2}


def test_ids_are_of_a_project(folder: Path, db_path: Path) -> None:
    for project in ("p", "q"):
        run = wandb.init(project=project, id="same")
        run.log({"v": project})
        assert run.id == "same"
        assert run.path == f"{project}/same"
        run.finish()
    for project in ("p", "q"):
        run = wandb.init(project=project, id="same", resume="must")
        assert run.resumed
        assert run.starting_step == 1
        assert run.summary["v"] == project
        run.finish()
    found = runs(db_path)
    assert sorted((run.experiment, run.summary["v"]) for run in found.values()) == [
        ("p", "p"),
        ("q", "q"),
    ]


JOIN = """
run = wandb.init(project="p", id="one", settings=wandb.Settings(silent=True, **json.loads({!r})))
print("ready", flush=True)
sys.stdin.readline()
for i in range(200):
    run.log({{"rank": {}, "i": i}})
run.finish()
"""


@pytest.mark.parametrize("mode", ["online", "shared"])
@pytest.mark.parametrize("primary", [True, False])
def test_processes_share_a_run(tmp_path: Path, db_path: Path, mode: str, primary: bool) -> None:
    """As torchrun's ranks do: all with one id."""
    ranks = []
    for rank in range(3):
        choice = json.dumps({"mode": mode, "x_primary": primary or rank == 0})
        ranks.append(
            subprocess.Popen(
                [sys.executable, "-c", HEAD + JOIN.format(choice, rank)],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    for process in ranks:
        wait_for(process, "ready")
    for process in ranks:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in ranks:
        process.communicate(timeout=60)
        assert process.returncode == 0
    found = runs(db_path)
    assert list(found) == ["one"]
    assert found["one"].state == "finished"
    history = rows(db_path, "one")
    assert len(history) == 600
    assert sorted((row["rank"], row["i"]) for row in history) == [
        (rank, i) for rank in range(3) for i in range(200)
    ]
    assert len({row["_step"] for row in history}) == 600
    last = history[-1]
    assert found["one"].summary["_step"] == last["_step"]
    assert found["one"].summary["i"] == last["i"]
    assert found["one"].summary["rank"] == last["rank"]
    with ExperimentTracker(db_path) as tracker:
        names = [file.name for file in tracker.list_files("one")]
    assert "config.yaml" in names


def test_the_end_of_another_process_leaves_a_shared_run_open(tmp_path: Path, db_path: Path) -> None:
    body = """
    run = wandb.init(project="p", id="one", mode="shared", settings=dict(x_primary={}, silent=True))
    print("ready", flush=True)
    run.log({{"x": 1}})
    sys.stdin.readline()
    """
    first = subprocess.Popen(
        [sys.executable, "-c", HEAD + textwrap.dedent(body.format(True))],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for(first, "ready")
    second = start(body.format(False).replace("sys.stdin.readline()", ""), tmp_path)
    second.communicate(timeout=60)
    assert runs(db_path)["one"].state == "running"
    first.communicate("\n", timeout=60)
    assert runs(db_path)["one"].state == "finished"
    third = start(body.format(False).replace("sys.stdin.readline()", ""), tmp_path)
    third.communicate(timeout=60)
    record = runs(db_path)["one"]
    assert (record.state, record.exit_code) == ("finished", 0)
    assert len(rows(db_path, "one")) == 3


def test_starts_at_one_moment(tmp_path: Path, db_path: Path) -> None:
    """Ranks that begin at once find one run, whoever is first."""
    body = """
    time.sleep(max(0, float(sys.argv[1]) - time.time()))
    wandb.init(project="p", id="one", settings=dict(silent=True, x_disable_stats=True))
    wandb.log({"pid": os.getpid()})
    time.sleep(max(0, float(sys.argv[1]) + 2 - time.time()))
    """
    moment = str(time.time() + 1.0)
    command = [sys.executable, "-c", HEAD + textwrap.dedent(body), moment]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ranks = [
        subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    for process in ranks:
        _, err = process.communicate(timeout=90)
        assert (process.returncode, err) == (0, "")
    assert list(runs(db_path)) == ["one"]
    assert {row["pid"] for row in rows(db_path, "one")} == {process.pid for process in ranks}
    folders = [path for path in (tmp_path / "wandb").iterdir() if path.name.startswith("run-")]
    assert len(folders) == 8  # none writes into another's


# -- several runs in one process -----------------------------------------------------------------


@pytest.mark.parametrize("reinit", [None, False, "default", "return_previous"])
def test_init_again_returns_the_run(folder: Path, reinit: Any) -> None:
    run = wandb.init(project="p", config={"a": 1})
    again = wandb.init(project="q", config={"b": 2}, reinit=reinit)
    assert again is run
    assert wandb.run is run
    assert dict(run.config) == {"a": 1}
    run.finish()


@pytest.mark.parametrize("reinit", [True, "finish_previous"])
def test_init_again_finishes_the_others(folder: Path, db_path: Path, reinit: Any) -> None:
    first = wandb.init(id="a")
    second = wandb.init(id="b", reinit="create_new")
    assert wandb.run is first
    third = wandb.init(id="c", reinit=reinit)
    assert wandb.run is third
    assert first._is_finished
    assert second._is_finished
    third.finish()
    assert [run.state for run in runs(db_path).values()] == ["finished"] * 3


def test_create_new_stands_beside(folder: Path, db_path: Path) -> None:
    first = wandb.init(id="a")
    second = wandb.init(id="b", reinit="create_new")
    wandb.log({"x": 1})
    second.log({"x": 2})
    assert wandb.run is first
    assert wandb.init() is second  # the one started last
    first.finish()
    assert wandb.run is None
    second.log({"x": 3})
    second.finish()
    found = runs(db_path)
    assert (found["a"].summary["x"], found["b"].summary["x"]) == (1, 3)
    assert (found["a"].row_count, found["b"].row_count) == (1, 2)


def test_must_beside_an_active_run(folder: Path) -> None:
    wandb.init(id="a").finish()
    run = wandb.init(id="b")
    with pytest.raises(wandb.Error, match="Cannot resume"):
        wandb.init(id="a", resume="must")
    other = wandb.init(id="a", resume="must", reinit="create_new")
    assert other.resumed
    assert wandb.run is run
    other.finish()
    run.finish()


# -- modes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["online", "offline", "shared", "dryrun", "run"])
def test_modes_record(folder: Path, db_path: Path, mode: str) -> None:
    with wandb.init(id="a", mode=mode) as run:
        run.log({"x": 1})
        assert run.offline is (mode in ("offline", "dryrun"))
        assert ("offline-run-" in run.dir) is run.offline
        assert (run.url is None) is run.offline
    assert runs(db_path)["a"].summary["x"] == 1


def test_disabled_writes_no_file(tmp_path: Path, play: Play) -> None:
    home = tmp_path / "home"
    temporary = tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    play(
        """
        for given in ({"mode": "disabled"}, {"settings": wandb.Settings(mode="disabled")}):
            run = wandb.init(project="p", config={"a": 1}, **given)
            assert isinstance(run, wandb.Run) and run.disabled and wandb.run is run
            run.log({"x": 1})
            wandb.log({"y": object()}, step=5)
            run.save("nothing")
            run.define_metric("x", summary="min")
            run.summary["z"] = 1
            run.alert("t", "x")
            assert run.step == 0 and run.summary["x"] == 1
            assert wandb.init(mode="disabled") is not run
            wandb.finish()
            assert wandb.run is None
        with wandb.init(mode="disabled") as run:
            run.log_artifact("x").wait()
        assert wandb.run is None
        """,
        env={"HOME": str(home), "TMPDIR": str(temporary), "XDG_CACHE_HOME": str(home)},
    )
    found = [path.name for path in tmp_path.rglob("*") if path.suffix != ".py"]
    assert sorted(found) == ["home", "temporary"]


def test_disabled_by_the_environment(tmp_path: Path, play: Play) -> None:
    play("with wandb.init() as run: assert run.disabled", env={"WANDB_MODE": "disabled"})
    assert not (tmp_path / "experiments.db").exists()
    assert not (tmp_path / "wandb").exists()


# -- resume --------------------------------------------------------------------------------------

BEFORE = """
run = wandb.init(project="p", id="r", name="n", notes="no", tags=["t"], group="g",
                 config={"lr": 1, "old": [1, 2]}, resume="allow")
assert not run.resumed
run.define_metric("loss", summary="min")
run.define_metric("val/*", step_metric="epoch")
for i in range(5):
    run.log({"loss": abs(2 - i), "epoch": i})
run.summary["manual"] = "kept"
"""
AFTER = """
run = wandb.init(project="p", id="r", config={"lr": 2, "new": 3}, resume=sys.argv[1])
assert run.resumed and run.id == "r"
assert (run.starting_step, run.step) == (5, 5), (run.starting_step, run.step)
assert (run.name, run.notes, run.tags, run.group) == ("n", "no", ("t",), "g")
assert dict(run.config) == {"lr": 2, "old": [1, 2], "new": 3}, dict(run.config)
assert run.summary["loss"] == {"min": 0}, run.summary["loss"]
assert run.summary["manual"] == "kept" and run.summary["epoch"] == 4
run.log({"loss": 7})
run.log({"val/acc": 0.5})
assert run.summary["loss"] == {"min": 0}
run.finish()
"""


@pytest.mark.parametrize("how", ["allow", "must"])
@pytest.mark.parametrize("end", ["run.finish()", "run.finish(1)", "os.kill(os.getpid(), 9)"])
def test_resume(play: Play, db_path: Path, how: str, end: str) -> None:
    play(BEFORE + end, check=False)
    play(AFTER, how)
    record = runs(db_path)["r"]
    assert (record.state, record.exit_code, record.row_count) == ("finished", 0, 7)
    assert record.summary["loss"] == {"min": 0}
    assert record.summary["manual"] == "kept"
    history = rows(db_path, "r")
    assert [row["_step"] for row in history] == list(range(7))
    assert [row.get("loss") for row in history[:6]] == [2, 1, 0, 1, 2, 7]
    assert history[6]["epoch"] == 4
    assert history[6]["val/acc"] == 0.5


def test_resume_in_one_process(folder: Path, db_path: Path) -> None:
    for times in range(3):
        run = wandb.init(id="r", resume="allow", config={str(times): times})
        assert run.resumed is (times > 0)
        assert run.starting_step == times
        run.log({"x": times})
        run.finish()
    record = runs(db_path)["r"]
    assert {k: v for k, v in record.config.items() if k != "_wandb"} == {"0": 0, "1": 1, "2": 2}
    assert [row["x"] for row in rows(db_path, "r")] == [0, 1, 2]
    with pytest.raises(wandb.UsageError, match="never"):
        wandb.init(id="r", resume="never")
    assert wandb.run is None


def test_what_a_resumed_run_is_given_replaces_the_old(folder: Path, db_path: Path) -> None:
    wandb.init(id="r", name="a", notes="b", tags=["c"]).finish()
    wandb.init(id="r", name="A", tags=["D"], resume="must").finish()
    record = runs(db_path)["r"]
    assert (record.name, record.notes, record.tags) == ("A", "b", ("D",))


def test_auto_goes_on_with_what_failed(tmp_path: Path, play: Play, db_path: Path) -> None:
    script = """
    run = wandb.init(project="p", resume={})
    print(run.id, run.starting_step)
    run.log({{"x": 1}})
    {}
    """
    remembered = tmp_path / "wandb" / "wandb-resume.json"
    play(script.format("'auto'", "os.kill(os.getpid(), 9)"), check=False)
    run_id = json.loads(remembered.read_text())["run_id"]
    second = play(script.format(True, "raise ValueError"), check=False)
    assert second.stdout.split() == [run_id, "1"]
    assert second.returncode == 1
    third = play(script.format("'auto'", "run.finish()")).stdout.split()
    assert third == [run_id, "2"]
    assert not remembered.exists()
    fourth = play(script.format("'auto'", "")).stdout.split()
    assert fourth[0] != run_id
    assert fourth[1] == "0"
    remembered.write_text("{broken")
    fifth = play(script.format("'auto'", "")).stdout.split()
    assert fifth[0] not in (run_id, fourth[0])
    assert runs(db_path)[run_id].row_count == 3


def test_fork_from(folder: Path, db_path: Path) -> None:
    run = wandb.init(project="p", id="a", config={"lr": 1, "kept": True})
    run.define_metric("loss", summary="max")
    for i in range(10):
        run.log({"loss": i})
    run.finish()
    fork = wandb.init(project="p", fork_from="a?_step=5", config={"lr": 2}, name="forked")
    assert fork.id != "a"
    assert fork.name == "forked"
    assert fork.starting_step == fork.step == 6
    assert dict(fork.config) == {"lr": 2, "kept": True}
    fork.log({"loss": -1})
    assert fork.summary["loss"] == {"max": 5}
    fork.finish()
    assert [row["loss"] for row in rows(db_path, fork.id)] == [0, 1, 2, 3, 4, 5, -1]
    assert [row["loss"] for row in rows(db_path, "a")] == list(range(10))
    with pytest.raises(wandb.UsageError, match="fork_from"):
        wandb.init(project="p", fork_from="a?_step=50")
    with pytest.raises(wandb.UsageError, match="fork_from"):
        wandb.init(project="p", fork_from="a?_step=5", id=fork.id)
    with pytest.raises(wandb.UsageError, match="fork_from"):
        wandb.init(project="other", fork_from="a?_step=5")
    assert wandb.run is None
    assert len(runs(db_path)) == 2


def test_resume_from(folder: Path, db_path: Path) -> None:
    run = wandb.init(project="p", id="a")
    for i in range(10):
        run.log({"loss": i})
    run.finish(1)
    run = wandb.init(project="p", resume_from="a?_step=3")
    assert (run.id, run.resumed, run.starting_step) == ("a", True, 4)
    assert run.summary["loss"] == 3
    run.log({"loss": 100})
    run.finish()
    assert [row["loss"] for row in rows(db_path, "a")] == [0, 1, 2, 3, 100]
    assert runs(db_path)["a"].state == "finished"
    with pytest.raises(wandb.UsageError, match="resume_from"):
        wandb.init(project="p", resume_from="a?_step=99")
    assert wandb.run is None


def test_a_run_that_another_process_logs_is_not_set_back(tmp_path: Path, folder: Path) -> None:
    body = """
    run = wandb.init(project="p", id="a")
    for i in range(10):
        run.log({"x": i})
    print("ready", flush=True)
    time.sleep(60)
    """
    process = start(body, tmp_path)
    try:
        wait_for(process, "ready")
        with pytest.raises(wandb.UsageError, match="resume_from"):
            wandb.init(project="p", resume_from="a?_step=3")
    finally:
        process.kill()
        process.communicate()
    run = wandb.init(project="p", resume_from="a?_step=3")
    assert run.starting_step == 4
    run.finish()


# -- other processes -----------------------------------------------------------------------------


def test_attach_in_a_spawned_process(play: Play, db_path: Path) -> None:
    play(
        """
        def by_run(run):
            assert wandb.run is run
            run.log({"from": "pickle"})
            wandb.log({"x": 1})
            run.finish()

        def by_id(run_id):
            try:
                wandb.log({"x": 1})
            except wandb.Error as error:
                assert "wandb.init()" in str(error)
            else:
                raise AssertionError
            run = wandb._attach(run_id)
            assert wandb.run is run and run.id == "a" and run.project == "p"
            assert run.config["c"] == 1
            run.log({"from": "id"})
            # forgotten finish

        if __name__ == "__main__":
            run = wandb.init(project="p", id="a", dir="elsewhere", config={"c": 1})
            os.environ["WANDB_DIR"] = "elsewhere"
            run.log({"from": "parent", "only": 1})
            context = multiprocessing.get_context("spawn")
            for target, argument in ((by_run, run), (by_id, run._attach_id)):
                child = context.Process(target=target, args=(argument,))
                child.start()
                child.join()
                assert child.exitcode == 0
            run.log({"from": "parent"})
            run.finish()
        """
    )
    path = db_path.parent / "elsewhere" / "experiments.db"
    found = runs(path)
    assert list(found) == ["a"]
    assert found["a"].state == "finished"
    assert found["a"].summary["only"] == 1
    assert found["a"].summary["from"] == "parent"
    assert found["a"].summary["x"] == 1
    history = rows(path, "a")
    words = [row.get("from") for row in history]
    assert words == ["parent", "pickle", None, "id", "parent"]
    assert [row["_step"] for row in history] == list(range(5))


def test_a_late_child_does_not_set_back_the_summary(play: Play, db_path: Path) -> None:
    play(
        """
        def child(run, ready, go):
            run.log({"child": 1})
            ready.set()
            go.wait(30)
            run.finish()

        if __name__ == "__main__":
            context = multiprocessing.get_context("spawn")
            ready, go = context.Event(), context.Event()
            run = wandb.init(project="p", id="a")
            run.log({"loss": 5})
            process = context.Process(target=child, args=(run, ready, go))
            process.start()
            assert ready.wait(30)
            run.log({"loss": 1})
            time.sleep(1)
            go.set()
            process.join()
            run.finish()
        """
    )
    record = runs(db_path)["a"]
    assert record.summary["loss"] == 1
    assert record.summary["child"] == 1
    assert record.row_count == 3
    assert record.summary["_step"] == 2


def test_unpickled_where_it_came_from(folder: Path) -> None:
    run = wandb.init()
    with pytest.raises(RuntimeError):
        pickle.loads(pickle.dumps(run))
    run.finish()


def test_attach_says_what_is_wrong(folder: Path) -> None:
    with pytest.raises(wandb.UsageError, match="id"):
        wandb.attach()
    with pytest.raises(wandb.UsageError, match="absent"):
        wandb.attach("absent")
    run = wandb.init(id="a")
    assert wandb.attach("a") is run
    assert wandb._attach(run._attach_id) is run
    run.finish()
    with pytest.raises(wandb.UsageError, match="ended"):
        wandb.attach("a")
    assert wandb.run is None


@POSIX
def test_a_forked_child_logs_into_the_run(play: Play, db_path: Path) -> None:
    play(
        """
        run = wandb.init(project="p", id="a")
        run.define_metric("hidden", summary="none")
        run.define_metric("loss", summary="min")
        run.log({"loss": 3, "hidden": 1})
        pid = os.fork()
        if pid == 0:
            wandb.log({"child": 1})
            run.log({"child": 2, "hidden": 2})
            os._exit(0)
        os.waitpid(pid, 0)
        run.log({"loss": 4})
        pid = os.fork()
        if pid == 0:
            run.log({"child": 3})
            wandb.finish()      # the child's part only
            assert wandb.run is None
            sys.exit(0)
        os.waitpid(pid, 0)
        run.log({"loss": 5})
        run.finish()
        """
    )
    record = runs(db_path)["a"]
    assert record.state == "finished"
    assert record.row_count == 6
    assert record.summary["child"] in (2, 3)
    assert record.summary["loss"] == {"min": 3}
    assert "hidden" not in record.summary
    history = rows(db_path, "a")
    assert sorted(row["child"] for row in history if "child" in row) == [1, 2, 3]
    assert [row.get("loss") for row in history if "loss" in row] == [3, 4, 5]
    assert len({row["_step"] for row in history}) == 6


@POSIX
@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)", "sys.exit(0)"])
def test_a_forked_child_has_runs_of_its_own(play: Play, db_path: Path, end: str) -> None:
    play(
        f"""
        run = wandb.init(project="p", id="parent")
        run.log({{"x": 1}})
        pid = os.fork()
        if pid == 0:
            own = wandb.init(project="p", id="child")
            assert own is not run and wandb.run is own and own.id == "child"
            print("from the child")
            wandb.log({{"y": 1}})
            own.finish()
            {end}
        os.waitpid(pid, 0)
        run.log({{"x": 2}})
        run.finish()
        """
    )
    found = runs(db_path)
    assert {run_id: run.state for run_id, run in found.items()} == {
        "parent": "finished",
        "child": "finished",
    }
    assert [row["x"] for row in rows(db_path, "parent")] == [1, 2]
    assert [row["y"] for row in rows(db_path, "child")] == [1]
    with ExperimentTracker(db_path) as tracker:
        assert [line.line for line in tracker.console("child")] == ["from the child"]
        assert tracker.console("parent") == []


@POSIX
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_that_forget_to_finish(play: Play, db_path: Path, method: str) -> None:
    """multiprocessing ends what it has forked without atexit."""
    play(
        f"""
        def child(run_id, how):
            wandb.init(project="p", id=run_id)
            wandb.log({{"x": 1}})
            if how == "raise":
                raise ValueError(how)
            if how == "exit":
                sys.exit(3)

        if __name__ == "__main__":
            context = multiprocessing.get_context({method!r})
            for how in ("return", "raise", "exit"):
                process = context.Process(target=child, args=(how, how))
                process.start()
                process.join()
            assert wandb.run is None
        """
    )
    found = {name: (run.state, run.exit_code) for name, run in runs(db_path).items()}
    assert found == {"return": ("finished", 0), "raise": ("failed", 1), "exit": ("failed", 3)}


@POSIX
def test_workers_that_are_terminated(play: Play, db_path: Path) -> None:
    """As pools and data loaders do, whose workers may be blocked where no handler runs."""
    play(
        """
        def work(queue, run):
            run.log({"worker": os.getpid()})
            queue.put(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
            time.sleep(60)

        run = wandb.init(project="p", id="a")
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        workers = [context.Process(target=work, args=(queue, run), daemon=True) for _ in range(3)]
        for worker in workers:
            worker.start()
        assert all(queue.get() for _ in workers)
        for worker in workers:
            worker.terminate()
            worker.join()
            assert worker.exitcode == -signal.SIGTERM
        with context.Pool(2) as pool:
            assert pool.map(abs, [-1, -2]) == [1, 2]
        run.log({"done": True})
        """
    )
    record = runs(db_path)["a"]
    assert record.state == "finished"
    assert record.row_count == 4
    assert len({row.get("worker") for row in rows(db_path, "a")}) == 4


def test_threads(play: Play, db_path: Path) -> None:
    play(
        """
        run = wandb.init(project="p", id="a")
        def work(number):
            for i in range(500):
                run.log({"thread": number, "i": i})
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert run.step == 2000
        ender = threading.Thread(target=run.finish)
        ender.start(); ender.join()
        assert wandb.run is None
        run = wandb.init(project="p", id="b")
        threading.Thread(target=lambda: (time.sleep(0.3), run.log({"late": 1}))).start()
        """
    )
    history = rows(db_path, "a")
    assert [row["_step"] for row in history] == list(range(2000))
    for number in range(4):
        assert [row["i"] for row in history if row["thread"] == number] == list(range(500))
    found = runs(db_path)
    assert [run.state for run in found.values()] == ["finished"] * 2
    assert found["b"].summary["late"] == 1


def test_run_object_in_a_thread_pool_of_processes(play: Play, db_path: Path) -> None:
    play(
        """
        from concurrent.futures import ProcessPoolExecutor

        def work(run, i):
            run.log({"i": i})
            return os.getpid()

        if __name__ == "__main__":
            run = wandb.init(project="p", id="a")
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(2, mp_context=context) as pool:
                pids = {future.result() for future in [pool.submit(work, run, i) for i in range(6)]}
            assert os.getpid() not in pids
            run.finish()
        """
    )
    record = runs(db_path)["a"]
    assert record.state == "finished"
    assert record.row_count == 6
    assert sorted(row["i"] for row in rows(db_path, "a")) == list(range(6))


# -- endings -------------------------------------------------------------------------------------

ENDINGS = [
    ("run.finish()", 0, "finished", 0),
    ("wandb.finish()", 0, "finished", 0),
    ("wandb.finish(3)", 0, "failed", 3),
    ("wandb.finish(0); wandb.finish(1); run.finish(2)", 0, "finished", 0),
    ("wandb.finish(quiet=True)", 0, "finished", 0),
    ("run.join(2)", 0, "failed", 2),
    ("", 0, "finished", 0),
    ("sys.exit()", 0, "finished", 0),
    ("sys.exit(0)", 0, "finished", 0),
    ("sys.exit(None)", 0, "finished", 0),
    ("sys.exit(7)", 7, "failed", 7),
    ("sys.exit(-1)", 255, "failed", -1),
    ("sys.exit('text')", 1, "failed", 1),
    ("exit(4)", 4, "failed", 4),
    ("quit()", 0, "finished", 0),
    ("raise ValueError('x')", 1, "failed", 1),
    ("raise KeyboardInterrupt", -2, "killed", 255),
    ("os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", -2, "killed", 255),
    ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", -15, "killed", 143),
    ("os._exit(0)", 0, "crashed", None),
    ("os._exit(5)", 5, "crashed", None),
    ("os.kill(os.getpid(), 9)", -9, "crashed", None),
    ("os.abort()", -6, "crashed", None),
    ("wandb.teardown()", 0, "finished", 0),
    ("wandb.teardown(2)", 0, "failed", 2),
    ("atexit.register(wandb.finish)", 0, "finished", 0),
    ("atexit.register(wandb.finish, 6)", 0, "failed", 6),
    ("atexit.register(run.log, {'late': 1})", 0, "finished", 0),
    ("sys.excepthook = lambda *a: None; raise ValueError('x')", 1, "failed", 1),
    ("def f(): raise ValueError('x')\nt = threading.Thread(target=f); t.start(); t.join()",
     0, "finished", 0),
    ("t = threading.Thread(target=sys.exit, args=(3,)); t.start(); t.join()", 0, "finished", 0),
    ("run.mark_preempting()", 0, "finished", 0),
    ("run.mark_preempting(); sys.exit(1)", 1, "preempting", 1),
    ("run.mark_preempting(); raise ValueError", 1, "preempting", 1),
    ("run.mark_preempting(); os.kill(os.getpid(), 15); time.sleep(9)", -15, "preempting", 143),
    ("run.mark_preempting(); time.sleep(1); os._exit(1)", 1, "preempting", None),
    ("with run: pass", 0, "finished", 0),
    ("with run: raise ValueError('x')", 1, "failed", 1),
    ("with run: sys.exit(0)", 0, "failed", 1),
    ("with run: sys.exit(3)", 3, "failed", 1),
    ("with run: raise KeyboardInterrupt", -2, "killed", 1),
    ("try:\n    with run: raise ValueError('x')\nexcept ValueError: pass", 0, "failed", 1),
    ("try: sys.exit(3)\nexcept SystemExit: pass\nraise KeyError", 1, "failed", 1),
    ("signal.signal(15, lambda *a: sys.exit(9)); os.kill(os.getpid(), 15); time.sleep(9)",
     9, "failed", 9),
    ("signal.signal(15, lambda *a: wandb.finish()); os.kill(os.getpid(), 15)", 0, "finished", 0),
    # A library that calls what was there before it, as Lightning does, and goes on.
    ("old = signal.getsignal(15)\n"
     "signal.signal(15, lambda *a: old(*a) if callable(old) else None)\n"
     "os.kill(os.getpid(), 15); run.log({'on': 1})", 0, "finished", 0),
]  # fmt: skip


@POSIX
@pytest.mark.parametrize(("ending", "status", "state", "code"), ENDINGS, ids=lambda v: str(v)[:60])
def test_endings(
    play: Play, db_path: Path, ending: str, status: int, state: str, code: int | None
) -> None:
    done = play(
        "run = wandb.init(project='p', id='a')\n"
        "run.log({'x': 1})\n"
        "run.log({'open': 1}, step=5)\n" + ending,
        check=False,
    )
    assert done.returncode == status, done.stderr
    found = runs(db_path)
    assert list(found) == ["a"]
    assert (found["a"].state, found["a"].exit_code) == (state, code), done.stderr
    assert found["a"].summary["x"] == 1
    assert found["a"].summary["open"] == 1
    assert [row["_step"] for row in rows(db_path, "a")][:2] == [0, 5]


def test_methods_of_a_run_can_be_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As tests and libraries do; other names are refused, as in wandb."""
    run = wandb.init(project="p", id="a")
    with mock.patch.object(run, "log") as log:
        run.log({"patched": 1})
    log.assert_called_once_with({"patched": 1})
    real = run.log
    seen: list[Any] = []

    def wrapped(data: dict[str, Any]) -> None:
        seen.append(data)
        real(data)

    monkeypatch.setattr(run, "log", wrapped)
    run.log({"wrapped": 1})
    assert seen == [{"wrapped": 1}]
    with pytest.raises(Exception, match="Attribute nope is not supported on Run object"):
        run.nope = 1
    with pytest.raises(AttributeError):
        run.id = "b"
    run.finish()
    assert "wrapped" in run.summary
    assert "patched" not in run.summary


def test_the_old_plot_table_of_a_run(folder: Path) -> None:
    table = wandb.Table(columns=["a"], data=[[1]])
    chart = wandb.Run.plot_table("wandb/line/v0", table, {"x": "a"}, {"title": "t"})
    assert isinstance(chart, wandb.plot.CustomChart)
    assert chart.table is table


@POSIX
@pytest.mark.parametrize("stage", ["_close_media", "_commit", "_store_definitions", "_around.stop"])
def test_an_interrupted_end_is_an_end(play: Play, db_path: Path, stage: str) -> None:
    """Ctrl-C again, while the first one ends the runs."""
    done = play(
        f"""
        first = wandb.init(project="p", id="first", reinit="create_new")
        second = wandb.init(project="p", id="second", reinit="create_new")
        first.log({{"x": 1}})
        second.log({{"x": 1}})
        place = second
        *path, name = {stage!r}.split(".")
        for part in path:
            place = getattr(place, part)

        def interrupted(*args, **kwargs):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(9)

        place.__dict__[name] = interrupted
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(9)
        """,
        check=False,
    )
    assert done.returncode == -2, done.stderr
    found = runs(db_path)
    assert {key: run.state for key, run in found.items()} == {"first": "killed", "second": "killed"}
    assert all(run.summary["x"] == 1 and run.row_count == 1 for run in found.values())


@POSIX
def test_tracebacks_are_printed_and_kept(play: Play, db_path: Path) -> None:
    done = play("wandb.init(id='a')\nraise ValueError('the reason')", check=False)
    assert "ValueError: the reason" in done.stderr
    with ExperimentTracker(db_path) as tracker:
        assert tracker.console("a")[-1].line == "ValueError: the reason"


@POSIX
def test_sigterm_before_a_run_is_the_scripts(play: Play, db_path: Path) -> None:
    done = play(
        """
        def own(number, frame):
            print("own")
            sys.exit(0)
        signal.signal(signal.SIGTERM, own)
        wandb.init(id="a")
        assert signal.getsignal(signal.SIGTERM) is own
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(9)
        """
    )
    assert done.stdout == "own\n"
    assert runs(db_path)["a"].state == "finished"


@POSIX
def test_a_handler_that_finishes_in_the_middle_of_log(tmp_path: Path, db_path: Path) -> None:
    body = """
    def end(number, frame):
        wandb.finish()
        os._exit(0)
    signal.signal(signal.SIGTERM, end)
    run = wandb.init(id=sys.argv[1], settings=dict(silent=True))
    print("ready", flush=True)
    i = 0
    while True:
        run.log({"i": i, "text": "x" * (i % 7)})
        i += 1
    """
    for attempt in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", HEAD + textwrap.dedent(body), str(attempt)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for(process, "ready")
        time.sleep(0.05 + 0.03 * attempt)
        process.terminate()
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        record = runs(db_path)[str(attempt)]
        assert record.state == "finished", err
        history = rows(db_path, str(attempt))
        assert [row["i"] for row in history] == list(range(len(history)))
        assert record.summary["i"] == len(history) - 1


def test_two_runs_at_the_end(play: Play, db_path: Path) -> None:
    play(
        """
        wandb.init(id="a").log({"x": 1})
        wandb.init(id="b", reinit="create_new").log({"x": 2})
        sys.exit(4)
        """,
        check=False,
    )
    assert [(run.state, run.exit_code) for run in runs(db_path).values()] == [("failed", 4)] * 2


def test_runs_one_after_the_other_have_their_own_endings(play: Play, db_path: Path) -> None:
    play(
        """
        try:
            with wandb.init(id="a"):
                raise ValueError
        except ValueError:
            pass
        wandb.init(id="b")
        """
    )
    assert {k: v.state for k, v in runs(db_path).items()} == {"a": "failed", "b": "finished"}


def test_after_the_end_calls_say_so(folder: Path) -> None:
    run = wandb.init(id="a", config={"c": 1})
    run.log({"x": 1})
    run.finish()
    for call in (
        lambda: run.log({"x": 2}),
        lambda: run.define_metric("x"),
        lambda: run.config.update({"d": 1}),
        lambda: run.summary.update({"d": 1}),
        lambda: run.save("x"),
        lambda: run.alert("a", "b"),
        run.mark_preempting,
        lambda: setattr(run, "name", "n"),
        lambda: setattr(run, "tags", ["n"]),
    ):
        with pytest.raises(wandb.UsageError, match=r"Run \(a\) is finished"):
            call()
    for late in (wandb.log, wandb.save, wandb.define_metric):
        with pytest.raises(wandb.Error, match=r"wandb\.init\(\)"):
            late("x")
    run.write_logs("ignored")
    assert run.summary["x"] == 1
    assert run.step == 1
    assert run.config["c"] == 1
    wandb.finish()


def test_finish_is_bounded_when_the_database_is_out_of_reach(
    play: Play, db_path: Path, tmp_path: Path
) -> None:
    play("wandb.init(id='first').finish()")
    done = play(
        """
        run = wandb.init(id="a")
        open(os.path.join(run.dir, "mine.txt"), "w").write("x")
        run.log({"x": 1})
        holder = subprocess.Popen([sys.executable, "-c", '''
        import sqlite3, sys
        db = sqlite3.connect("experiments.db", isolation_level=None)
        db.execute("begin immediate")
        print("held", flush=True)
        sys.stdin.readline()
        '''.replace("        ", "")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert holder.stdout.readline() == b"held\\n"
        run.log({"x": 2})
        run.finish()
        print(wandb.run)
        holder.communicate(b"\\n")
        """,
        env={"SYNADB_FINISH_TIMEOUT": "1"},
        timeout=30,
    )
    assert done.stdout == "None\n"
    assert "not all in" in done.stderr
    record = runs(db_path)["a"]  # whoever opens it brings the rest in
    assert record.row_count == 2
    assert record.summary["x"] == 2
    assert record.state == "finished"


def test_heartbeat(folder: Path) -> None:
    run = wandb.init(id="a", settings=wandb.Settings(x_disable_stats=True, heartbeat_seconds=1))
    with ExperimentTracker(folder / "experiments.db") as other:
        run.log({"x": 1})
        seen: set[Any] = set()
        deadline = time.monotonic() + 20
        while len(seen) < 4 and time.monotonic() < deadline:
            seen.add(other.get_run("a").updated_at)
            time.sleep(0.1)
        assert len(seen) >= 4
        assert other.get_run("a").state == "running"
    run.finish()


# -- what the person sees ------------------------------------------------------------------------

TALK = """
run = wandb.init(project="p", id="a", **json.loads(sys.argv[1]))
run.log({"x": 1}); run.log({"x": 2}); run.log({"x": 1}, step=0)
run.alert("title", "text")
wandb.init()
run.finish()
wandb.init(project="p", id="a", settings=dict(silent=run.settings.silent)).finish()
"""


def test_messages(play: Play) -> None:
    err = play(TALK, "{}").stderr
    assert all(line.startswith("wandb: ") for line in err.splitlines())
    for text in ("Run history:", "Run summary:", "less than the current step", "title: text"):
        assert text in err
    assert "View run" in err
    assert "a-old1" in err
    quiet = play(TALK.replace('"a"', '"b"'), '{"settings": {"quiet": true}}').stderr
    assert "Run history:" not in quiet.split("b-old1")[0]
    assert "title: text" in quiet


@pytest.mark.parametrize(
    ("given", "env"),
    [({"settings": {"silent": True}}, {}), ({}, {"WANDB_SILENT": "true"})],
)
def test_silence(play: Play, given: dict[str, Any], env: dict[str, str]) -> None:
    done = play(TALK, json.dumps(given), env=env)
    assert (done.stdout, done.stderr) == ("", "")


def test_silence_ends_with_its_run(play: Play) -> None:
    done = play(
        """
        wandb.init(settings=dict(silent=True)).finish()
        wandb.termwarn("heard")
        wandb.init(settings=dict(silent=True))
        wandb.termwarn("not heard")
        """
    )
    assert done.stderr == "wandb: WARNING heard\n"


def test_quiet_by_the_environment(play: Play) -> None:
    err = play("wandb.init().log({'x': 1}); wandb.finish()", env={"WANDB_QUIET": "true"}).stderr
    assert "Run history:" not in err
    assert "is stored in" in err


# -- cost ----------------------------------------------------------------------------------------


def test_init_and_finish_import_nothing_heavy(run_script: RunScript) -> None:
    done = run_script(
        """
import sys
before = set(sys.modules)
import synadb.wandb_compat as wandb
run = wandb.init(project="p")
run.log({"x": 1.0})
heavy = {"numpy", "yaml", "psutil", "dataclasses", "inspect", "decimal", "difflib", "logging",
         "torch", "pandas", "multiprocessing", "subprocess", "tempfile", "shutil", "concurrent",
         "importlib.metadata", "pydantic", "asyncio"}
print(sorted(heavy & (set(sys.modules) - before)))
"""
    )
    assert done.stdout == "[]\n"


@pytest.fixture
def run_python_here(tmp_path: Path) -> Callable[[str], str]:
    """Run a script in a folder of its own; what it prints."""

    def run(script: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env={k: v for k, v in os.environ.items() if k != "SYNADB_PATH"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_one_database_after_another_leaves_nothing_open(run_python_here: Any) -> None:
    said = run_python_here(
        """
import os, threading
import synadb.wandb_compat as wandb
def open_files():
    return len(os.listdir("/proc/self/fd"))
counts = []
for number in range(24):
    os.makedirs(f"d{number}")
    wandb.init(project="p", dir=f"d{number}", settings={"silent": True}).finish()
    counts.append((open_files(), threading.active_count()))
print(counts[12] == counts[-1], counts)
"""
    )
    assert said.startswith("True"), said


def test_an_exit_code_that_is_none_ends_the_run_all_the_same(run_python_here: Any) -> None:
    said = run_python_here(
        """
import synadb.wandb_compat as wandb
run = wandb.init(project="p", settings={"silent": True})
try:
    run.finish(exit_code="3")
except TypeError:
    print("TypeError", wandb.run is None)
"""
    )
    assert said.split() == ["TypeError", "True"]

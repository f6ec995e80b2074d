"""`wandb.Api`: runs of the drop-in, live and finished, read and edited without a server."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import synadb.wandb_compat as wandb
from synadb.tracker import ExperimentTracker
from synadb.wandb_compat._apis import files, history, pages, paths
from synadb.wandb_compat.apis import Api, PublicApi
from synadb.wandb_compat.apis.public import QueryGenerator, RunNotFoundError, Sweep
from synadb.wandb_compat.errors import CommError, Error, UnsupportedError
from tests.conftest import ROOT, RunScript
from tests.test_tensorboard import scalar, start, write

QUIET = wandb.Settings(silent=True, x_disable_stats=True)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder, apart from other tests' databases."""
    from synadb.wandb_compat import _session

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_session, "_trackers", {})
    monkeypatch.setenv("WANDB_ENTITY", "me")
    yield tmp_path
    wandb.teardown()
    for tracker in _session._trackers.values():
        assert tracker.check().problems == ()
        tracker.close()


def finished(
    id: str = "abc",
    rows: int = 3,
    *,
    project: str = "p",
    summary: dict[str, Any] | None = None,
    exit_code: int = 0,
    **given: Any,
) -> None:
    """A run of this process with `rows` rows, over."""
    run = wandb.init(project=project, id=id, settings=QUIET, **given)
    for step in range(rows):
        run.log({"loss": 1.0 / (step + 1), "n": {"a": step}})
    run.summary.update(summary or {})
    run.finish(exit_code)


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def text(opened: IO[str]) -> str:
    with opened as file:
        return file.read()


class Child:
    """A script in a process of its own, that goes on when it is told to."""

    def __init__(self, folder: Path, script: str) -> None:
        path = folder / f"child{id(self)}.py"
        path.write_text(f"import sys\nimport synadb.wandb_compat as wandb\n{script}")
        self.process = subprocess.Popen(
            [sys.executable, str(path)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "WANDB_SILENT": "true"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def wait_for(self, line: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == line

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()


# -- nothing there -------------------------------------------------------------------------------


def test_a_database_that_is_not_there_is_an_empty_server(folder: Path) -> None:
    api = Api()
    with pytest.raises(CommError, match="Could not find run"):
        api.run("p/abc")
    with pytest.raises(ValueError, match="Could not find project"):
        len(api.runs("p"))
    with pytest.raises(ValueError, match="Could not find project"):
        list(api.runs("p"))
    with pytest.raises(ValueError, match="Could not find project p"):
        _ = api.project("p").id
    assert list(api.projects()) == []
    assert api.viewer.entity == "me"
    assert os.listdir(folder) == []


def test_no_key_is_needed_and_one_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(Api().api_key) == 40
    assert Api(timeout=29, api_key="k" * 40).api_key == "k" * 40
    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    assert Api().api_key == "x" * 40
    assert PublicApi is Api


def test_a_missing_run_is_both_errors() -> None:
    """Some scripts catch CommError, others ValueError."""
    finished()
    for kind in (CommError, ValueError, RunNotFoundError, wandb.Error):
        with pytest.raises(kind, match="Could not find run"):
            Api().run("p/nope")


@pytest.mark.parametrize("path", ["", "/", "a/b/c/d", "a//c", "p: ", 3, None])
def test_a_path_that_names_no_run(path: Any) -> None:
    finished()
    with pytest.raises(CommError, match="Invalid path"):
        Api().run(path)


# -- paths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "me/p/abc",
        "/me/p/abc",
        "me/p/abc/",
        "other/p/abc",
        "me/p/runs/abc",
        "p/abc",
        "/p/abc",
        "p:abc",
        "me/p:abc",
        "abc",
        " me / p / abc ",
    ],
)
def test_every_form_of_a_path(path: str) -> None:
    finished()
    assert Api().run(path).id == "abc"


def test_paths_that_runs_say() -> None:
    run = wandb.init(project="my project", id="a b", settings=QUIET)
    for path in (run.path, run.url, f"{run.entity}/{run.project}/{run.id}"):
        assert path is not None
        assert Api().run(path).id == "a b"
    run.finish()
    public = Api().run("a b")
    assert public.path == ["me", "my%20project", "a%20b"]
    assert Api().run("/".join(public.path)).id == "a b"
    assert Api().run(public.url).id == "a b"
    assert [run.id for run in Api().runs("/".join(public.path[:2]))] == ["a b"]


def test_an_entity_is_what_init_got(monkeypatch: pytest.MonkeyPatch) -> None:
    finished("a", entity="team")
    finished("b")
    monkeypatch.delenv("WANDB_ENTITY")
    finished("c")
    assert Api().run("a").path == ["team", "p", "a"]
    assert Api().run("b").path == ["me", "p", "b"]
    assert Api({"entity": "us"}).run("b").entity == "me"
    assert Api({"entity": "us"}).run("c").entity == "us"
    assert Api().run("c").entity == Api().viewer.username
    assert Api().run("nobody/p/a").entity == "team"


def test_ids_are_unique_in_a_project_only() -> None:
    finished("abc", 1, project="p")
    finished("abc", 2, project="q")
    api = Api()
    assert api.run("p/abc").lastHistoryStep == 0
    assert api.run("q/abc").lastHistoryStep == 1
    assert api.run("q/abc").id == "abc"
    assert [run.id for run in api.runs("q")] == ["abc"]
    for filters in ({"name": "abc"}, {"$or": [{"name": {"$in": ["abc", "x"]}}, {"state": "x"}]}):
        assert [run.id for run in api.runs("q", filters)] == ["abc"]
    assert len(api.runs("q", {"name": {"$ne": "abc"}})) == 0
    assert Api({"project": "q"}).run("abc").project == "q"
    with pytest.raises(CommError):
        api.run("r/abc")


PART = st.text(st.characters(codec="ascii", exclude_characters="/:; "), min_size=1).filter(
    lambda text: text == text.strip() and text not in ("runs", "sweeps")
)


@given(st.one_of(st.none(), PART), PART, PART)
def test_paths_are_what_they_are_made_of(entity: str | None, project: str, name: str) -> None:
    for text in (f"{project}/{name}", f"/{project}/{name}", f"{project}:{name}"):
        if entity is None:
            assert paths.run_path(text) == (None, project, name)
        else:
            assert paths.run_path(f"{entity}/{text.lstrip('/')}") == (entity, project, name)
    if entity is not None:
        assert paths.run_path(f"{entity}/{project}/runs/{name}") == (entity, project, name)
        assert paths.project_path(f"{entity}/{project}") == (entity, project)
    assert paths.run_path(name) == (None, None, name)


# -- where it reads ------------------------------------------------------------------------------


def test_the_databases_of_this_program(folder: Path) -> None:
    """Loggers give init folders of their own; the Api finds their runs all the same."""
    finished("a", dir=folder / "one")
    finished("b", dir=folder / "two", project="q")
    api = Api()
    assert api.run("p/a").id == "a"
    assert api.run("q/b").id == "b"
    assert [project.name for project in api.projects()] == ["q", "p"]
    run = wandb.init(project="p", id="c", dir=folder / "three", settings=QUIET)
    assert [run.id for run in Api().runs("p")] == ["c"]
    run.finish()
    assert not (folder / "experiments.db").exists()


def test_another_process_looks_where_init_would(folder: Path, run_script: RunScript) -> None:
    finished()
    (folder / "deep").mkdir()
    script = """
import os, sys
from synadb.wandb_compat.apis import Api
api = Api()
print(api.run("p/abc").name, len(api.runs("p")), api)
"""
    out = run_script(script).stdout
    assert str(folder / "experiments.db") in out
    environment = {"WANDB_DIR": str(folder)}
    os.chdir(folder / "deep")
    assert run_script(script, env=environment).stdout == out
    assert Api({"path": folder / "experiments.db"}).run("abc").id == "abc"


def test_a_database_that_may_not_be_written(folder: Path) -> None:
    finished()
    with ExperimentTracker("experiments.db") as tracker:
        tracker.export("copy.db")
    from synadb.wandb_compat import _session

    with ExperimentTracker("copy.db", read_only=True) as reading:
        _session._trackers[reading.path] = reading
        run = Api({"path": "copy.db"}).run("abc")
        assert run.summary["loss"] == pytest.approx(1 / 3)
        assert len(run.history(pandas=False)) == 3
        run.name = "changed"
        with pytest.raises(CommError, match="read-only"):
            run.update()
        del _session._trackers[reading.path]


# -- one run -------------------------------------------------------------------------------------


def test_what_a_run_says(folder: Path) -> None:
    finished(
        "abc",
        4,
        name="brave-run-1",
        notes="why",
        tags=["x", "y"],
        group="g",
        job_type="train",
        config={"lr": 0.1, "n": {"a": [1, 2]}},
        summary={"acc": 0.5},
    )
    run = Api().run("me/p/abc")
    assert (run.id, run.name, run.display_name, run.displayName) == (
        *("abc", "brave-run-1"),
        *("brave-run-1", "brave-run-1"),
    )
    assert (run.entity, run.project, run.path) == ("me", "p", ["me", "p", "abc"])
    assert (run.state, run.notes, run.tags) == ("finished", "why", ["x", "y"])
    assert (run.group, run.job_type, run.jobType) == ("g", "train", "train")
    assert run.config == {"lr": 0.1, "n": {"a": [1, 2]}}
    assert run.rawconfig["_wandb"] == {}
    assert json.loads(run.json_config)["lr"] == {"value": 0.1, "desc": None}
    assert run.summary["acc"] == run.summary_metrics["acc"] == 0.5
    assert run.summary._json_dict["n"] == {"a": 3}
    assert run.summary.n.a == run.summary["n"]["a"] == 3
    assert run.lastHistoryStep == 3
    assert run.historyLineCount == run.history_line_count == 4
    assert run.history_keys["lastStep"] == 3
    assert {"loss", "n.a", "_step"} <= run.history_keys["keys"].keys()
    assert run.created_at == run.createdAt
    assert time.strptime(run.created_at, "%Y-%m-%dT%H:%M:%SZ").tm_year >= 2024
    assert run.metadata is not None
    assert run.metadata["python"].startswith("CPython")
    assert run.sweep is None
    assert run.sweep_name is None
    assert run.read_only is False
    assert run.user.username
    assert run.username == "me"
    assert run._attrs["displayName"] == "brave-run-1"
    assert repr(run) == "<Run me/p/abc (finished)>"
    assert "brave-run-1" in run.to_html()
    assert run._repr_html_() == run.to_html()
    assert run.display() is False
    assert run.url.endswith("experiments.db#p/abc")
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = run.no_such_thing
    with pytest.raises(AttributeError):
        run.state = "failed"


@pytest.mark.parametrize(("exit_code", "state"), [(0, "finished"), (3, "failed")])
def test_states(exit_code: int, state: str) -> None:
    finished(exit_code=exit_code)
    assert Api().run("abc").state == state


def test_an_empty_run() -> None:
    finished(rows=0)
    run = Api().run("abc")
    assert run.lastHistoryStep == -1
    assert list(run.scan_history()) == []
    assert run.history(pandas=False) == []
    assert len(run.history()) == 0
    assert list(run.history(keys=["loss"]).columns) == ["_step", "loss"]
    assert run.system_metrics == {}
    assert (run.group, run.job_type, run.notes, run.tags) == (None, None, None, [])


def test_a_run_of_this_process_while_it_goes_on() -> None:
    """Also what its definitions make of the summary, and media that are being encoded."""
    import numpy as np

    run = wandb.init(project="p", id="abc", config={"a": 1}, settings=QUIET)
    run.define_metric("loss", summary="min")
    for value in (3.0, 1.0, 2.0):
        run.log({"loss": value})
    run.log({"image": wandb.Image(np.zeros((4, 4, 3), "uint8"))})
    api = Api()
    found = api.run(run.path)
    assert found.state == "running"
    assert found.summary["loss"] == {"min": 1.0}
    assert [row["loss"] for row in found.scan_history(keys=["loss"])] == [3.0, 1.0, 2.0]
    (row,) = found.scan_history(keys=["image"])
    assert row["image"]["_type"] == "image-file"
    assert found.file(row["image"]["path"]).size == row["image"]["size"]
    assert yaml.safe_load(text(found.file("config.yaml").download()))["a"] == {"value": 1}
    run.log({"loss": 0.5})
    assert len(list(found.scan_history(keys=["loss"]))) == 3 or found.lastHistoryStep == 4
    assert found.summary["loss"] == {"min": 1.0}
    found.load(force=True)
    assert found.summary["loss"] == {"min": 0.5}
    run.finish()
    assert api.run(run.path) is found
    assert found.state == "running"
    api.flush()
    assert api.run(run.path).state == "finished"


def test_a_run_of_another_process_live_then_killed(folder: Path) -> None:
    script = """
run = wandb.init(project="p", id="abc")
for i in range(5):
    run.log({"loss": i})
print("logged", flush=True)
sys.stdin.readline()
run.log({"loss": 5})
print("again", flush=True)
sys.stdin.readline()
"""
    with Child(folder, script) as child:
        child.wait_for("logged")
        api = Api()
        until(lambda: Api().run("p/abc").lastHistoryStep == 4)
        run = api.run("p/abc")
        assert run.state == "running"
        assert [row["loss"] for row in run.scan_history()] == [0, 1, 2, 3, 4]
        child.go_on()
        child.wait_for("again")
        until(lambda: run.lastHistoryStep == 5)
        child.process.send_signal(signal.SIGKILL)
        child.process.wait()
        run.wait_until_finished()
        assert run.state == "crashed"
        run.load(force=True)
        assert run.summary["loss"] == 5
        assert [found.state for found in Api().runs("p", {"state": "crashed"})] == ["crashed"]


def test_waiting_for_a_run_of_another_process(folder: Path) -> None:
    script = """
run = wandb.init(project="p", id="abc")
print("started", flush=True)
sys.stdin.readline()
run.finish(1)
"""
    with Child(folder, script) as child:
        child.wait_for("started")
        run = Api().run("p/abc")
        assert run.state == "running"
        child.go_on()
        run.wait_until_finished()
        assert run.state == "failed"


def test_resume_then_read() -> None:
    finished("abc", 3, config={"a": 1}, summary={"best": 7})
    with wandb.init(project="p", id="abc", resume="must", config={"b": 2}, settings=QUIET) as run:
        run.log({"loss": 9.0})
    found = Api().run("p/abc")
    assert found.config == {"a": 1, "b": 2}
    assert [row["_step"] for row in found.scan_history()] == [0, 1, 2, 3]
    assert found.summary["best"] == 7
    assert found.summary["loss"] == 9.0


def test_offline_runs_are_there_too() -> None:
    """wandb's own Api knows nothing of a run before it has been synced."""
    finished(mode="offline")
    assert Api().run("p/abc").state == "finished"
    assert len(Api().runs("p")) == 1


def test_the_same_object_until_flush() -> None:
    finished()
    api = Api()
    assert api.run("p/abc") is api.run("p/abc")
    runs = api.runs("p")
    assert api.runs("p") is runs
    assert api.runs("p", {"state": "finished"}) is not runs
    assert len(runs) == 1
    finished("def")
    assert len(api.runs("p")) == 1
    api.flush()
    assert len(api.runs("p")) == 2
    assert api.runs("p") is not runs


# -- many runs -----------------------------------------------------------------------------------


@pytest.fixture
def seven() -> Api:
    """An Api over seven runs, r0 to r6."""
    for i in range(7):
        finished(
            f"r{i}",
            1,
            name=f"run {i}",
            tags=["even" if i % 2 == 0 else "odd", *(["best"] if i == 3 else [])],
            group="low" if i < 3 else "",
            config={"lr": 10.0**-i, "net": {"width": i}, **({"extra": i} if i > 4 else {})},
            summary={"acc": i % 4, "val/f1": i},
            exit_code=1 if i == 6 else 0,
        )
    return Api()


def ids(runs: Any) -> list[str]:
    return [run.id for run in runs]


@pytest.mark.parametrize("per_page", [1, 3, 7, 50])
def test_runs_are_a_sequence(seven: Api, per_page: int) -> None:
    every = [f"r{i}" for i in range(7)]
    runs = seven.runs("me/p", per_page=per_page)
    assert runs[0].id == "r0"
    assert runs.more is (per_page < 7)
    assert ids(runs[2:5]) == every[2:5]
    assert ids(runs[:-2]) == every[:-2]
    assert runs[-1].id == "r6"
    assert ids(runs[::-1]) == every[::-1]
    assert ids(runs[-3:]) == every[-3:]
    assert ids(runs[5:50]) == every[5:]
    assert runs[4:2] == []
    assert len(runs) == runs.length == 7
    assert ids(runs) == every
    assert ids(runs) == every
    assert [(a.id, b.id) for a in runs for b in runs][:8] == [("r0", b) for b in every] + [
        ("r1", "r0")
    ]
    assert not runs.more
    with pytest.raises(IndexError):
        _ = runs[7]
    with pytest.raises(IndexError):
        _ = runs[-8]
    assert repr(runs) == "<Runs me/p>"
    runs.upgrade_to_full()


def test_runs_one_after_the_other(seven: Api) -> None:
    runs = seven.runs("p", per_page=2)
    assert next(runs).id == "r0"
    assert runs.next().id == "r1"
    assert next(iter(runs)).id == "r0"
    assert runs.next().id == "r0"
    assert len(ids(runs)) == 7
    for _ in range(7):
        last = next(runs)
    assert last.id == "r6"
    with pytest.raises(StopIteration):
        next(runs)


def test_only_what_is_asked_for_is_read(seven: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    load = pages.Paginator._load

    def counted(self: Any, wanted: int) -> bool:
        before = len(self.objects)
        added = load(self, wanted)
        read.append(len(self.objects) - before)
        return added

    monkeypatch.setattr(pages.Paginator, "_load", counted)
    runs = seven.runs("p", per_page=2)
    assert runs[0].id == "r0"
    assert sum(read) == 2
    assert runs[1].id == "r1"
    assert sum(read) == 2
    assert runs[4].id == "r4"
    assert sum(read) == 6


FILTERS: list[tuple[dict[str, Any], str]] = [
    ({}, "0123456"),
    ({"config.lr": {"$gt": 1e-3}}, "012"),
    ({"config.lr.value": {"$lte": 1e-3}}, "3456"),
    ({"config.net.width": {"$in": [1, 5]}}, "15"),
    ({"config.extra": {"$exists": True}}, "56"),
    ({"config.extra": {"$exists": False}}, "01234"),
    ({"summary_metrics.acc": 3}, "3"),
    ({"summary_metrics.val/f1": {"$gte": 5}}, "56"),
    ({"summary_metrics.nothing": {"$lt": 5}}, ""),
    ({"state": "failed"}, "6"),
    ({"state": {"$ne": "failed"}}, "012345"),
    ({"tags": "best"}, "3"),
    ({"tags": {"$in": ["best", "even"]}}, "02346"),
    ({"tags": {"$nin": ["odd"]}}, "0246"),
    ({"display_name": {"$regex": "^run [01]$"}}, "01"),
    ({"displayName": "run 2"}, "2"),
    ({"name": "r2"}, "2"),
    ({"group": "low"}, "012"),
    ({"jobType": ""}, "0123456"),
    ({"username": "nobody"}, ""),
    ({"created_at": {"$gt": "2020-01-01T00:00:00"}}, "0123456"),
    ({"createdAt": {"$lt": "2020-01-01T00:00:00Z"}}, ""),
    ({"$or": [{"name": "r1"}, {"config.lr": 1.0}]}, "01"),
    ({"$and": [{"tags": "even"}, {"group": "low"}]}, "02"),
    ({"$nor": [{"tags": "even"}, {"name": "r1"}]}, "35"),
    ({"$not": {"tags": "even"}}, "135"),
]


@pytest.mark.parametrize(("filters", "wanted"), FILTERS, ids=lambda value: str(value)[:60])
def test_filters(
    filters: dict[str, Any], wanted: str, filtered: Callable[[dict[str, Any]], list[str]]
) -> None:
    assert filtered(filters) == [f"r{letter}" for letter in wanted]


@pytest.fixture(scope="module")
def filtered(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, Any]], list[str]]:
    """Finds runs in a database that is made once."""
    folder = tmp_path_factory.mktemp("filters")
    path = folder / "experiments.db"
    script = """
import synadb.wandb_compat as wandb
for i in range(7):
    run = wandb.init(
        project="p", id=f"r{i}", name=f"run {i}", group="low" if i < 3 else "",
        tags=["even" if i % 2 == 0 else "odd", *(["best"] if i == 3 else [])],
        config={"lr": 10.0**-i, "net": {"width": i}, **({"extra": i} if i > 4 else {})},
        settings=wandb.Settings(silent=True, x_disable_stats=True),
    )
    run.summary.update({"acc": i % 4, "val/f1": i})
    run.finish(1 if i == 6 else 0)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SYNADB_PATH": str(path)}
    subprocess.run([sys.executable, "-c", script], cwd=folder, env=environment, check=True)
    return lambda filters: ids(Api({"path": path}).runs("p", filters))


def test_orders(seven: Api) -> None:
    def order(text: Any) -> str:
        return "".join(run.id[1:] for run in seven.runs("p", order=text))

    assert order("+created_at") == order("created_at") == order("") == order(None) == "0123456"
    assert order("-created_at") == "6543210"
    assert order("+summary_metrics.acc") == "0415263"
    assert order("-summary_metrics.acc,-created_at") == "3625140"
    assert order("config.lr.value") == "6543210"
    assert order("-config.extra") == "6501234"


def test_a_filter_that_makes_no_sense() -> None:
    finished()
    for filters in ({"config.lr": {"$bigger": 1}}, {"$or": 3}, ["state"]):
        with pytest.raises(CommError):
            Api().runs("p", filters)
    with pytest.raises(CommError, match="a filter is a dict such as"):
        Api().runs("p", "state")


def test_a_project_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    finished("a", project="uncategorized")
    finished("b", project="q")
    assert ids(Api().runs()) == ["a"]
    assert ids(Api({"project": "q"}).runs()) == ["b"]
    monkeypatch.setenv("WANDB_PROJECT", "q")
    assert ids(Api().runs()) == ["b"]
    assert ids(Api().runs(filters={"name": "x"})) == []


def test_runs_deleted_while_they_are_listed(seven: Api) -> None:
    """Pages do not shift: each run comes once."""
    runs = seven.runs("p", per_page=2)
    seen = []
    for run in runs:
        seen.append(run.id)
        run.delete()
    assert seen == [f"r{i}" for i in range(7)]
    seven.flush()
    assert len(seven.runs("p")) == 0
    assert list(seven.runs("p")) == []


def test_a_run_that_goes_before_its_page_is_read(seven: Api) -> None:
    runs = seven.runs("p", per_page=2)
    assert runs[0].id == "r0"
    Api().run("r3").delete()
    assert ids(runs) == ["r0", "r1", "r2", "r4", "r5", "r6"]
    assert len(runs) == 6


def test_many_threads_read_one_sequence(seven: Api) -> None:
    runs = seven.runs("p", per_page=1)
    seen: list[list[str]] = []
    threads = [threading.Thread(target=lambda: seen.append(ids(runs))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [[f"r{i}" for i in range(7)]] * 8


# -- history -------------------------------------------------------------------------------------


@pytest.fixture
def rows() -> Any:
    """A run with gaps, nested values, NaN and media."""
    run = wandb.init(project="p", id="abc", settings=QUIET)
    run.log({"loss": 1.0, "n": {"a": 1, "b": {"c": "x"}}})
    run.log({"loss": float("nan"), "acc": float("inf")})
    run.log({"acc": 0.5, "list": [1.0, float("-inf")]})
    run.log({"loss": 4.0, "acc": 0.75, "h": wandb.Histogram([1, 2, 3])}, step=10)
    run.finish()
    return Api().run("abc")


def test_history_as_dicts(rows: Any) -> None:
    first, second, third, last = rows.history(pandas=False)
    assert first["n.a"] == 1
    assert first["n.b.c"] == "x"
    assert first["_step"] == 0
    assert first["_timestamp"] > 1e9
    assert 0 <= first["_runtime"] < 3600
    assert "acc" not in first
    assert second["loss"] == "NaN"
    assert second["acc"] == "Infinity"
    assert third["list"] == [1.0, "-Infinity"]
    assert last["_step"] == 10
    assert last["h"]["_type"] == "histogram"


def test_history_as_a_frame(rows: Any) -> None:
    frame = rows.history()
    assert {"_step", "_runtime", "_timestamp", "loss", "acc", "n.a", "n.b.c", "h"} <= set(frame)
    assert frame["_step"].tolist() == [0, 1, 2, 10]
    assert frame["loss"].dtype == float
    assert frame["loss"].isna().tolist() == [False, True, True, False]
    assert frame["acc"].tolist()[1:] == [float("inf"), 0.5, 0.75]


def test_history_of_keys_has_rows_that_have_them_all(rows: Any) -> None:
    assert rows.history(keys=["loss", "acc"], pandas=False) == [
        {"_step": 1, "loss": "NaN", "acc": "Infinity"},
        {"_step": 10, "loss": 4.0, "acc": 0.75},
    ]
    assert rows.history(keys=["n.a"], x_axis="loss", pandas=False) == [{"loss": 1.0, "n.a": 1}]
    frame = rows.history(keys=["acc", "_step"], x_axis="_timestamp")
    assert list(frame.columns) == ["_timestamp", "acc", "_step"]
    assert frame["_step"].tolist() == [1, 2, 10]
    assert rows.history(keys=["nothing"], pandas=False) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"keys": "loss"}, "keys must be specified in a list"),
        ({"keys": [["loss"]]}, "list of strings"),
        ({"keys": ["loss"], "stream": "system"}, "stream must be default"),
    ],
)
def test_keys_that_are_none(
    rows: Any, given: dict[str, Any], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rows.history(**given) == []
    assert message in capsys.readouterr().err
    if "stream" not in given:
        with pytest.raises(CommError, match=r"list"):
            rows.scan_history(given["keys"])


def test_history_without_pandas(rows: Any, run_script: RunScript) -> None:
    script = """
import sys
sys.modules["pandas"] = None
from synadb.wandb_compat.apis import Api
run = Api().run("p/abc")
print(len(run.history(pandas=False)), type(run.history()).__name__)
"""
    done = run_script(script)
    assert done.stdout.split() == ["4", "list"]
    assert "Unable to load pandas, call history with pandas=False" in done.stderr


def test_samples_are_the_same_each_time_and_keep_the_extremes() -> None:
    run = wandb.init(project="p", id="abc", settings=QUIET)
    for step in range(1000):
        run.log({"loss": 100.0 if step == 333 else -100.0 if step == 666 else step % 7})
    run.finish()
    found = Api().run("abc")
    sampled = found.history(samples=20, pandas=False)
    assert sampled == found.history(samples=20, pandas=False)
    steps = [row["_step"] for row in sampled]
    assert steps == sorted(set(steps))
    assert 10 <= len(steps) <= 20
    assert {0, 333, 666, 999} <= set(steps)
    assert 250 <= len(found.history()) <= 500
    assert len(found.history(samples=None)) == 1000
    keyed = found.history(samples=20, keys=["loss"])
    assert list(keyed.columns) == ["_step", "loss"]
    assert {100.0, -100.0} <= set(keyed["loss"])


def test_scanning() -> None:
    finished(rows=50)
    run = Api().run("abc")
    every = list(run.scan_history())
    assert [row["_step"] for row in every] == list(range(50))
    assert every[7].keys() == {"_step", "_runtime", "_timestamp", "loss", "n.a"}
    assert list(run.scan_history(keys=["n.a"], page_size=7, min_step=10, max_step=13)) == [
        {"n.a": step, "_step": step} for step in (10, 11, 12)
    ]
    scan = run.scan_history(keys=["loss"])
    assert scan.max_step == 49
    assert next(scan)["_step"] == 0
    assert next(scan)["_step"] == 1
    assert len(list(scan)) == 50
    assert len(list(scan)) == 50
    assert len(list(run.scan_history(max_step=1000))) == 50
    assert len(list(run.scan_history(min_step=None, max_step=5))) == 5
    assert list(run.beta_scan_history(keys=["loss"], max_step=1)) == [{"loss": 1.0, "_step": 0}]


@pytest.mark.parametrize("format", ["default", "pandas"])
def test_histories(seven: Api, format: Any) -> None:
    found = seven.runs("p", {"group": "low"}).histories(keys=["loss"], format=format)
    rows = found if format == "default" else found.to_dict("records")
    assert [row["run_id"] for row in rows] == ["r0", "r1", "r2"]
    assert [row["loss"] for row in rows] == [1.0] * 3
    if format == "pandas":
        assert list(found.columns) == sorted(found.columns)


def test_histories_of_an_unknown_format(seven: Api) -> None:
    with pytest.raises(CommError, match="Invalid format: json"):
        seven.runs("p").histories(format="json")


def test_the_stream_of_the_machine() -> None:
    from synadb.ops import LogSystem

    finished()
    with ExperimentTracker("experiments.db") as tracker:
        for i in range(10):
            tracker._store.apply([LogSystem("abc", "here", 2e9 + i, {"cpu": float(i), "gpu.0": 1})])
    run = Api().run("abc")
    frame = run.history(stream="system")
    assert set(frame) == {"system.cpu", "system.gpu.0", "_timestamp", "_runtime"}
    assert frame["system.cpu"].tolist() == list(range(10))
    assert len(run.history(stream="system", samples=3)) == 3
    assert run.system_metrics == {"system.cpu": 9.0, "system.gpu.0": 1}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(JSON)
def test_spelled_values_are_json_and_come_back(value: Any) -> None:
    spelled = history.spelled(value)
    text = json.dumps(spelled, allow_nan=False)
    if not any(word in text for word in ("NaN", "Infinity")):
        assert spelled == value
    back = history.unspelled(spelled)
    assert history.spelled(back) == spelled


# -- editing -------------------------------------------------------------------------------------


def test_what_is_changed_is_stored_by_update() -> None:
    finished(config={"a": 1, "b": 2}, tags=["x"], notes="old", group="g")
    with wandb.init(project="p", id="abc", resume="must", settings=QUIET) as live:
        live._set_config_wandb("kept", True)
    run = Api().run("abc")
    run.name = "new name"
    run.notes = "new"
    run.tags.append("y")
    run.group = "h"
    run.config["a"] = 10
    run.config["c"] = {"d": (1, 2)}
    del run.config["b"]
    run.summary["acc"] = 0.9
    assert Api().run("abc").name != "new name"
    run.update()
    assert (run.name, run.notes, run.tags, run.group) == ("new name", "new", ["x", "y"], "h")
    again = Api().run("abc")
    assert (again.name, again.notes, again.tags, again.group) == (
        *("new name", "new"),
        *(["x", "y"], "h"),
    )
    assert again.config == {"a": 10, "c": {"d": [1, 2]}}
    assert again.rawconfig["_wandb"]["kept"] is True
    assert again.summary["acc"] == 0.9
    assert again.state == "finished"
    again.tags = ["z"]
    again.display_name = "third"
    again.save()
    assert Api().run("abc").tags == ["z"]
    assert Api().run("abc").name == "third"
    again.tags = "one text"
    again.update()
    assert Api().run("abc").tags == ["one text"]


@pytest.mark.parametrize(
    ("field", "value"), [("tags", [""]), ("tags", ["x" * 65]), ("name", ""), ("notes", 3)]
)
def test_what_no_run_can_have(field: str, value: Any) -> None:
    finished()
    run = Api().run("abc")
    setattr(run, field, value)
    with pytest.raises(CommError):
        run.update()
    Api().run("abc").load(force=True)


def test_the_summary() -> None:
    import numpy as np

    finished(summary={"acc": 0.5, "bad": float("inf"), "d": {"x": 1, "y": 2}})
    run = Api().run("abc")
    summary = run.summary
    assert summary["bad"] == "Infinity"
    assert set(summary.keys()) >= {"acc", "bad", "d", "loss", "_step"}
    assert dict(summary)["acc"] == 0.5
    assert dict(summary.items())["acc"] == 0.5
    assert summary.get("nothing", 3) == 3
    assert summary.get(" acc ") == summary.acc == 0.5
    assert "acc" in summary
    assert "nothing" not in summary
    with pytest.raises(KeyError):
        summary["nothing"]
    with pytest.raises(KeyError):
        _ = summary.nothing
    with pytest.raises(AttributeError):
        _ = summary.nothing
    with pytest.raises(KeyError):
        del summary["nothing"]
    summary["late"] = np.float32(2.0)
    assert "late" not in Api().run("abc").summary
    summary.update({" test ": 1, "acc": 0.75})
    summary.d.x = 5
    del summary["loss"]
    summary.update()
    again = Api().run("abc").summary
    assert (again["late"], again["test"], again["acc"]) == (2.0, 1, 0.75)
    assert again._json_dict["d"] == {"x": 5, "y": 2}
    assert "loss" not in again
    with ExperimentTracker("experiments.db") as tracker:
        assert tracker.get_run("abc").summary["bad"] == float("inf")
    again.update({"acc": 1.0, "other": 2}, overwrite=False)
    assert Api().run("abc").summary["acc"] == 0.75
    assert Api().run("abc").summary["other"] == 2


def test_delete() -> None:
    finished("a")
    finished("b")
    api = Api()
    run = api.run("p/a")
    run.delete()
    with pytest.raises(CommError, match="Could not find run"):
        Api().run("p/a")
    with pytest.raises(CommError, match="Could not find run"):
        run.load(force=True)
    with pytest.raises(CommError, match="Could not find run"):
        run.delete()
    with pytest.raises(CommError):
        run.update()
    assert ids(Api().runs("p")) == ["b"]
    finished("a", rows=1)
    assert Api().run("p/a").lastHistoryStep == 0


def test_states_set_by_hand() -> None:
    finished(exit_code=1)
    run = Api().run("abc")
    with pytest.raises(Error, match="'pending' or 'failed'"):
        run.update_state("finished")
    assert run.update_state("pending") is True
    assert Api().run("abc").state == "pending"
    assert run.update_state("failed") is True
    finished("def")
    with pytest.raises(Error, match="finished run cannot become"):
        Api().run("def").update_state("pending")


def test_a_run_made_by_the_api() -> None:
    api = Api()
    made = api.create_run(run_id="abc", project="p", entity="team")
    assert (made.id, made.project, made.entity, made.state) == ("abc", "p", "team", "running")
    assert api.create_run(run_id="abc", project="p").name == made.name
    other = api.create_run(run_id="abc", project="q")
    assert (other.id, other.project) == ("abc", "q")
    from synadb.wandb_compat.apis.public import Run

    pending = Run.create(api, project="p", state="pending")
    assert len(pending.id) == 8
    assert pending.state == "pending"
    with wandb.init(project="p", id="abc", resume="allow", settings=QUIET) as run:
        run.log({"loss": 1})
    assert Api().run("p/abc").state == "finished"
    assert Api().run("p/abc").name == made.name


# -- files ---------------------------------------------------------------------------------------

DOCUMENTS = ["config.yaml", "output.log", "requirements.txt", "wandb-metadata.json"]


@pytest.mark.parametrize("run_dir", ["1", "0"])
def test_files_of_a_run(
    folder: Path, run_dir: str, run_script: RunScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = """
import synadb.wandb_compat as wandb
run = wandb.init(project="p", id="abc", config={"lr": 0.1})
print("printed")
run.log({"loss": 0.5})
open("weights.bin", "wb").write(bytes(range(256)))
run.save("weights.bin")
run.finish()
"""
    run_script(script, env={"SYNADB_RUN_DIR": run_dir, "WANDB_SILENT": "true"})
    run = Api().run("p/abc")
    names = [file.name for file in run.files()]
    assert names == sorted(names)
    assert {*DOCUMENTS, "wandb-summary.json", "weights.bin"} <= set(names)
    place = folder / "down"
    config = yaml.safe_load(text(run.file("config.yaml").download(root=place)))
    assert config["lr"] == {"value": 0.1}
    assert json.loads(text(run.file("wandb-summary.json").download(root=place)))["loss"] == 0.5
    assert json.loads(text(run.file("wandb-metadata.json").download(place))) == run.metadata
    assert text(run.file("output.log").download(place)) == "printed\n"
    assert "pytest==" in text(run.file("requirements.txt").download(place))
    weights = run.file("weights.bin")
    with weights.download(place) as opened:
        assert opened.name == str(place / "weights.bin")
    assert (place / "weights.bin").read_bytes() == bytes(range(256))
    assert weights.size == 256
    assert base64.b64decode(weights.md5) == hashlib.md5(bytes(range(256))).digest()
    assert weights.mimetype == "application/octet-stream"
    assert run.file("config.yaml").updated_at is not None
    assert run.file("output.log").mimetype == "text/plain"
    assert weights.url == weights.direct_url == weights.path_uri
    assert repr(weights) == "<File weights.bin (application/octet-stream) 256.0B>"


def test_which_files() -> None:
    finished()
    run = Api().run("abc")
    tracker = run._tracker()
    tracker.log_files("abc", {"media/a.png": b"1", "media/b_c.png": b"22", "x%.txt": b"333"})

    def names(**given: Any) -> list[str]:
        return [file.name for file in run.files(**given)]

    assert names(pattern="media/%") == ["media/a.png", "media/b_c.png"]
    assert names(pattern="%.PNG") == ["media/a.png", "media/b_c.png"]
    assert names(pattern="media/_.png") == ["media/a.png"]
    assert names(pattern=r"%\_c.png") == ["media/b_c.png"]
    assert names(pattern=r"x\%.txt") == ["x%.txt"]
    assert names(names=["x%.txt"]) == ["x%.txt"]
    assert len(run.files(per_page=1)) == len(list(run.files()))
    assert [file.size for file in run.files(names=["media/b_c.png", "nope"])] == [2, 0]
    assert repr(run.files(names=["x%.txt"])) == "<Files me/p/abc (1)>"
    with pytest.raises(CommError, match="names or a pattern"):
        run.files(names=["a"], pattern="%")


def test_a_file_that_is_not_there(folder: Path) -> None:
    finished()
    missing = Api().run("abc").file("nope.txt")
    assert (missing.name, missing.size, missing.md5, missing.updated_at) == (
        "nope.txt",
        0,
        "0",
        None,
    )
    with pytest.raises(CommError, match=r"nope\.txt"):
        missing.download(root=folder / "down")
    assert os.listdir(folder / "down") == []
    with pytest.raises(CommError):
        missing.delete()


def test_a_download_leaves_what_is_there(folder: Path) -> None:
    finished()
    file = Api().run("abc").file("wandb-summary.json")
    target = folder / "wandb-summary.json"
    target.write_text("mine")
    with pytest.raises(CommError, match="File already exists"):
        file.download()
    assert text(file.download(exist_ok=True)) == "mine"
    assert json.loads(text(file.download(replace=True)))["_step"] == 2
    assert sorted(path.name for path in folder.iterdir() if "part" in path.name) == []


@pytest.mark.parametrize("name", ["../out.txt", "/abs/out.txt", "a/../../out.txt", "C:\\out.txt"])
def test_a_download_stays_in_its_folder(folder: Path, name: str) -> None:
    finished()
    run = Api().run("abc")
    run._tracker().log_file("abc", name, b"evil")
    with pytest.raises(CommError, match="leads out"):
        run.file(name).download(root=folder / "in" / "side")
    assert not list(folder.rglob("out.txt"))


def test_a_download_does_not_follow_a_link_out(folder: Path) -> None:
    finished()
    run = Api().run("abc")
    run._tracker().log_file("abc", "link/out.txt", b"evil")
    (folder / "elsewhere").mkdir()
    (folder / "in").mkdir()
    os.symlink(folder / "elsewhere", folder / "in" / "link")
    with pytest.raises(CommError, match="link"):
        run.file("link/out.txt").download(root=folder / "in")
    assert os.listdir(folder / "elsewhere") == []


@given(st.text(max_size=20))
def test_safe_targets_are_below_their_root(name: str) -> None:
    try:
        target = files.safe_target("/nowhere/root", name)
    except ValueError:
        return
    assert os.path.normpath(target).startswith("/nowhere/root/") or name.strip("./\\") == ""


def test_upload_and_delete(folder: Path) -> None:
    finished()
    run = Api().run("abc")
    (folder / "sub").mkdir()
    (folder / "sub" / "a.txt").write_text("one")
    assert run.upload_file("sub/a.txt").name == "sub/a.txt"
    assert run.upload_file(str(folder / "sub" / "a.txt"), root=str(folder / "sub")).name == "a.txt"
    os.chdir(folder / "sub")
    assert run.upload_file("../sub/a.txt", root="..").name == "sub/a.txt"
    assert run.upload_file("a.txt", root=str(folder / "other")).name == "__/sub/a.txt"
    os.chdir(folder)
    assert text(run.file("a.txt").download(root="down")) == "one"
    with pytest.raises(CommError):
        run.upload_file("missing.txt")
    run.file("a.txt").delete()
    assert "a.txt" not in [file.name for file in run.files()]
    assert Api().run("abc").file("a.txt").size == 0


def test_restore_from_a_path(folder: Path) -> None:
    finished()
    run = Api().run("abc")
    run._tracker().log_file("abc", "model/w.txt", b"weights")
    found = wandb.restore("model/w.txt", run_path="/".join(run.path), root=str(folder / "r"))
    assert found is not None
    assert text(found) == "weights"


def test_console_logs(run_script: RunScript) -> None:
    script = """
import sys
import synadb.wandb_compat as wandb
with wandb.init(project="p", id="abc"):
    for i in range(5):
        print("line", i)
    print("oh no", file=sys.stderr)
"""
    run_script(script, env={"WANDB_SILENT": "true"})
    run = Api().run("p/abc")
    lines = list(run.console_logs(per_page=2))
    assert [line.content for line in lines] == [*(f"line {i}" for i in range(5)), "oh no"]
    assert [line.number for line in lines] == list(range(6))
    assert [line.level for line in lines] == [""] * 5 + ["error"]
    assert lines[0].timestamp is not None
    assert lines[0].label == ""
    assert [line.content for line in run.console_logs(last=2)] == ["line 4", "oh no"]


# -- projects and people -------------------------------------------------------------------------


def test_projects() -> None:
    finished(project="p")
    finished(project="q")
    api = Api()
    assert [project.name for project in api.projects("anybody")] == ["p", "q"]
    assert len(api.projects(per_page=1)) == 2
    project = api.project("q")
    assert (project.name, project.entity, project.path) == ("q", "me", ["me", "q"])
    assert project.url.endswith("#q/workspace")
    assert project.created_at == project.createdAt == api.run("q/abc").created_at
    assert project.id
    assert project.owner == api.viewer
    assert repr(project) == "<Project me/q>"
    assert "q" in project.to_html()
    with pytest.raises(AttributeError):
        _ = project.nothing
    assert api.project("q", entity="them").path == ["them", "q"]


def test_a_project_made_by_the_api() -> None:
    api = Api()
    api.create_project("new", "me")
    api.create_project("new", "me")
    assert [project.name for project in api.projects()] == ["new"]
    assert len(api.runs("new")) == 0
    assert list(api.runs("new")) == []
    assert api.project("new").created_at is None
    finished(project="new")
    api.flush()
    assert len(api.runs("new")) == 1
    with pytest.raises(Error, match="Invalid project name"):
        api.create_project("a/b", "me")


def test_from_path() -> None:
    finished()
    api = Api()
    assert api.from_path("p").path == ["me", "p"]
    assert api.from_path("them/p").path == ["them", "p"]
    assert api.from_path("me/p/abc").id == "abc"
    assert api.from_path("/me/p/runs/abc").id == "abc"
    for path in ("", "a/b/c/d/e", "me/p/things/abc"):
        with pytest.raises(Error, match="Invalid path"):
            api.from_path(path)
    with pytest.raises(CommError):
        api.from_path("me/p/nope")


def test_people(monkeypatch: pytest.MonkeyPatch) -> None:
    viewer = Api().viewer
    assert viewer.entity == "me"
    assert viewer.teams == ["me"]
    assert viewer.username
    assert viewer.api_keys == []
    assert Api().user(viewer.username) == viewer
    assert Api().user("nobody at all") is None
    assert Api().users(viewer.username[:1]) == [viewer]
    team = Api().team("us")
    assert repr(team) == "<Team us>"
    assert [member.username for member in team.members] == [viewer.username]
    monkeypatch.delenv("WANDB_ENTITY")
    assert Api().default_entity == Api().viewer.username
    assert Api({"entity": "us"}).default_entity == "us"


@pytest.mark.parametrize(
    "name",
    [
        *("create_report", "reports", "run_queue", "queued_run", "job", "list_jobs", "registry"),
        *("registries", "automations", "integrations", "organization", "create_team"),
        *("create_user", "create_custom_chart", "upsert_run_queue", "delete_automation"),
    ],
)
def test_what_only_the_service_has_says_so(name: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"Api\.{name}\(\) is not supported by SynaDB: \w"):
        getattr(Api(), name)("anything")


def test_the_client_answers_no_queries() -> None:
    with pytest.raises(UnsupportedError, match="no service"):
        Api().client.execute("query Viewer { viewer { id } }")


def test_a_name_that_nobody_has() -> None:
    assert not hasattr(Api(), "no_such_thing")
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = Api().no_such_thing


# -- artifacts -----------------------------------------------------------------------------------


@pytest.fixture
def artifacts() -> Api:
    """An Api over data:v0 to v2 and model:v0, logged by "maker", and data:v1 used by "user"."""
    with wandb.init(project="p", id="maker", settings=QUIET) as run:
        library = run._tracker.artifacts
        for i in range(3):
            library.log(
                "data",
                {"a.txt": b"content %d" % i, "deep/b.txt": b"bb"},
                type="dataset",
                run_id="maker",
                aliases=["best"] if i == 1 else [],
                tags=["good"] if i else [],
                metadata={"i": i},
            )
        library.log("model", b"weights", type="model", run_id="maker")
    with wandb.init(project="p", id="user", settings=QUIET) as run:
        library = run._tracker.artifacts
        library.use(library.get("data:v1", project="p"), "user")
    return Api()


def names(found: Any) -> list[str]:
    return [artifact.name for artifact in found]


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("me/p/data:v0", "v0"),
        ("p/data:best", "v1"),
        ("them/p/data:latest", "v2"),
        ("p/data", "v2"),
        ("data:v1", "v1"),
    ],
)
def test_an_artifact_by_its_path(artifacts: Api, path: str, version: str) -> None:
    found = artifacts.artifact(path, type="dataset")
    assert (found.name, found.version) == (f"data:{version}", version)
    assert found.metadata == {"i": int(version[1:])}
    assert artifacts.artifact_exists(path)


def test_an_artifact_is_of_a_project(artifacts: Api) -> None:
    with wandb.init(project="q", id="other", settings=QUIET) as run:
        run._tracker.artifacts.log("data", b"others", type="dataset", run_id="other")
    assert artifacts.artifact("q/data").size == 6
    assert Api({"project": "q"}).artifact("data").size == 6
    assert Api({"project": "p"}).artifact("data").version == "v2"
    with pytest.raises(CommError, match="uncategorized/data"):
        artifacts.artifact("data")
    assert artifacts.artifact("model").version == "v0"


def test_an_artifact_that_is_not_there(artifacts: Api) -> None:
    for path in ("p/nope", "q/data", "p/data:v7", "p/data:nope"):
        with pytest.raises(CommError, match=r"Could not find artifact .* does not contain"):
            artifacts.artifact(path)
        assert not artifacts.artifact_exists(path)
    with pytest.raises(CommError, match="type 'model' specified but this artifact is of type"):
        artifacts.artifact("p/data:v0", type="model")
    assert not artifacts.artifact_exists("p/data:v0", "model")
    with pytest.raises(CommError, match="name="):
        artifacts.artifact(None)
    with pytest.raises(CommError, match="Invalid artifact path"):
        artifacts.artifact("a/b/c/d:v0")


def test_the_versions_of_an_artifact(artifacts: Api) -> None:
    found = artifacts.artifacts("dataset", "me/p/data")
    assert names(found) == ["data:v2", "data:v1", "data:v0"]
    assert names(found) == names(artifacts.artifact_versions("dataset", "p/data", per_page=1))
    assert found[-1].name == "data:v0"
    assert len(found) == 3
    assert names(artifacts.artifacts("dataset", "p/data", tags=["good"])) == ["data:v2", "data:v1"]
    assert names(artifacts.artifacts("dataset", "p/data", order="+version"))[0] == "data:v0"
    first = artifacts.artifacts("dataset", "p/data", per_page=2)
    assert first[0].name == "data:v2"
    rest = artifacts.artifacts("dataset", "p/data", per_page=2, start=first.cursor)
    assert names(rest) == ["data:v0"]
    for kind, name in (("model", "p/data"), ("dataset", "p/nope")):
        with pytest.raises(CommError, match="Could not find artifact collection"):
            len(artifacts.artifacts(kind, name))


def test_lineage(artifacts: Api) -> None:
    maker, user = artifacts.run("p/maker"), artifacts.run("p/user")
    assert names(maker.logged_artifacts()) == ["data:v0", "data:v1", "data:v2", "model:v0"]
    assert len(maker.logged_artifacts(per_page=1)) == 4
    assert names(maker.used_artifacts()) == []
    (used,) = user.used_artifacts()
    assert used.name == "data:v1"
    assert used.logged_by().id == "maker"
    assert [run.id for run in used.used_by()] == ["user"]
    assert user.use_artifact(artifacts.artifact("p/model:v0")).name == "model:v0"
    assert names(Api().run("user").used_artifacts()) == ["data:v1", "model:v0"]
    assert user.log_artifact(artifacts.artifact("p/data:v2"), aliases=["again"]).name == "data:v2"
    assert names(user.logged_artifacts()) == ["data:v2"]
    assert "again" in artifacts.artifact("p/data:again").aliases
    with pytest.raises(CommError, match="wanted"):
        user.use_artifact("p/model:v0")
    with wandb.init(project="q", id="far", settings=QUIET):
        pass
    with pytest.raises(CommError, match="different project"):
        Api().run("q/far").log_artifact(artifacts.artifact("p/model:v0"))


def test_what_a_deleted_run_leaves(artifacts: Api) -> None:
    artifacts.run("p/maker").delete()
    assert artifacts.artifact("p/data:v2").logged_by() is None
    with wandb.init(project="p", id="second", settings=QUIET) as run:
        library = run._tracker.artifacts
        library.log("other", b"new", type="model", run_id="second")
        library.log("model", b"weights", type="model", run_id="second")
    Api().run("p/second").delete(delete_artifacts=True)
    assert not artifacts.artifact_exists("p/other")
    assert artifacts.artifact_exists("p/model:v0")


def test_types_and_collections(artifacts: Api) -> None:
    assert [kind.name for kind in artifacts.artifact_types("me/p")] == ["dataset", "model"]
    assert [kind.name for kind in artifacts.project("p").artifacts_types()] == ["dataset", "model"]
    kind = artifacts.artifact_type("dataset", "p")
    assert (kind.name, kind.type, kind.project) == ("dataset", "dataset", "p")
    assert names(kind.collections()) == ["data"]
    assert kind.collection("data").type == "dataset"
    assert names(artifacts.artifact_collections("me/p", "model")) == ["model"]
    assert names(artifacts.project("p").collections()) == ["data", "model"]
    assert names(artifacts.project("p").collections({"name": {"$regex": "^m"}})) == ["model"]
    assert names(artifacts.project("p").collections(order="-name")) == ["model", "data"]
    assert artifacts.artifact_collection_exists("p/data", "dataset")
    assert not artifacts.artifact_collection_exists("p/data", "model")
    with pytest.raises(CommError, match="Could not find artifact type 'nope'"):
        artifacts.artifact_type("nope", "p")
    with pytest.raises(CommError, match="Could not find project nope"):
        len(artifacts.artifact_types("nope"))


def test_a_collection_is_edited(artifacts: Api) -> None:
    found = artifacts.artifact_collection("dataset", "me/p/data")
    assert (found.name, found.type, found.project, found.entity) == ("data", "dataset", "p", "me")
    assert found.aliases == ["best", "latest"]
    assert found.is_sequence()
    assert names(found.artifacts()) == names(found.versions()) == ["data:v2", "data:v1", "data:v0"]
    assert found.updated_at >= found.created_at
    found.description = "what it is"
    found.tags = ["a", "b", "a"]
    found.name = "renamed"
    assert artifacts.artifact_collection("dataset", "p/data").description is None
    found.save()
    again = artifacts.artifact_collection("dataset", "p/renamed")
    assert (again.description, sorted(again.tags)) == ("what it is", ["a", "b"])
    assert names(again.artifacts())[0] == "renamed:v2"
    assert not artifacts.artifact_collection_exists("p/data", "dataset")
    again.change_type("table")
    assert artifacts.artifact("p/renamed:v0").type == "table"
    again.delete()
    assert not artifacts.artifact_exists("p/renamed:v0")
    assert repr(found) == "<ArtifactCollection renamed (dataset)>"


def test_links_make_no_sequence(artifacts: Api) -> None:
    library = artifacts.run("maker")._tracker().artifacts
    library.link(library.get("model:v0", project="p"), "best-model", project="wandb-registry-model")
    linked = artifacts.artifact_collection("model", "wandb-registry-model/best-model")
    assert not linked.is_sequence()
    assert names(linked.artifacts()) == ["best-model:v0"]
    with pytest.raises(ValueError, match="sequence"):
        linked.type = "other"


def test_the_files_of_an_artifact(artifacts: Api, folder: Path) -> None:
    version = artifacts.artifact("p/data:v1")
    found = artifact_files(version)
    assert [(file.name, file.size) for file in found] == [("a.txt", 9), ("deep/b.txt", 2)]
    assert found[0].md5 == base64.b64encode(hashlib.md5(b"content 1").digest()).decode()
    assert text(found[1].download(root=folder / "down")) == "bb"
    assert (folder / "down" / "deep" / "b.txt").read_bytes() == b"bb"
    assert [file.name for file in artifact_files(version, names=["a.txt"])] == ["a.txt"]
    assert repr(found) == "<ArtifactFiles me/p/data:v1 (2)>"
    with pytest.raises(CommError):
        found[0].delete()


def artifact_files(version: Any, **given: Any) -> Any:
    from synadb.wandb_compat.apis.public import ArtifactFiles

    return ArtifactFiles(version, **given)


# -- filters of the web app ----------------------------------------------------------------------


def test_query_generator() -> None:
    generator = QueryGenerator()
    web = {
        "op": "OR",
        "filters": [
            {
                "op": "AND",
                "filters": [
                    {"key": {"section": "config", "name": "lr"}, "op": ">", "value": 0.1},
                    {"key": {"section": "summary", "name": "acc"}, "op": "=", "value": 1},
                ],
            }
        ],
    }
    mongo = {"$or": [{"$and": [{"config.lr": {"$gt": 0.1}}, {"summary_metrics.acc": 1}]}]}
    assert generator.filter_to_mongo(web) == mongo
    assert generator.mongo_to_filter(mongo) == web
    assert generator.format_order_key("acc") == "-summary_metrics.acc"
    assert generator.format_order_key("+config.lr") == "+config.lr"
    assert generator.keys_to_order(generator.order_to_keys(["+name"])) == ["+name"]
    tag = {"key": {"section": "tags", "name": "x"}, "op": "=", "value": False}
    assert generator.filter_to_mongo(tag) == {"$or": [{"tags": None}, {"tags": {"$ne": "x"}}]}


# -- sweeps --------------------------------------------------------------------------------------

SWEEP = {
    "name": "tuning",
    "method": "grid",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {"lr": {"values": [1, 2, 3]}},
}


@pytest.fixture
def swept() -> tuple[Api, str]:
    """An Api, and the id of a sweep whose agent has run three trials."""
    with ExperimentTracker("experiments.db") as tracker:
        sweep_id = tracker.create_sweep(SWEEP, "p")
        sweep = tracker.sweep(sweep_id)
        for loss in (3.0, 1.0, 2.0):
            trial = sweep.controller.claim("agent-1")
            assert not isinstance(trial, str)
            run = tracker.run("p", run_id=trial.run_id, config=trial.params)
            run.update(metadata={"sweep": sweep_id})
            run.log({"loss": loss})
            tracker.finish(run, "finished", 0)
        other = tracker.run("p", run_id="alone")
        tracker.finish(other, "finished", 0)
    return Api(), sweep_id


def test_a_sweep(swept: tuple[Api, str]) -> None:
    api, sweep_id = swept
    sweep = api.sweep(f"me/p/{sweep_id}")
    assert (sweep.id, sweep.name, sweep.project, sweep.entity) == (sweep_id, "tuning", "p", "me")
    assert sweep.path == ["me", "p", sweep_id]
    assert sweep.url.endswith(f"#p/sweeps/{sweep_id}")
    assert sweep.config["metric"] == {"name": "loss", "goal": "minimize"}
    assert sweep.order == "+summary_metrics.loss"
    assert sweep.expected_run_count == 3
    assert sweep.runCount == sweep.run_count == 3
    assert sweep.method == "grid"
    assert len(sweep.runs) == 3
    assert [run.summary["loss"] for run in sweep.runs] == [3.0, 1.0, 2.0]
    best = sweep.best_run()
    assert best is not None
    assert best.summary["loss"] == 1.0
    assert best.sweep_name == sweep_id
    worst = sweep.best_run("loss")
    assert worst is not None
    assert worst.summary["loss"] == 3.0
    (agent,) = sweep.agents()
    assert (agent.name, agent.total_runs) == ("agent-1", 3)
    assert ids(agent.runs()) == ids(sweep.runs)
    assert sweep.agent("agent-1").id == "agent-1"
    with pytest.raises(CommError, match="Could not find agent"):
        sweep.agent("nobody")
    assert repr(sweep) == f"<Sweep me/p/{sweep_id} ({sweep.state})>"
    assert "tuning" in sweep.to_html()


def test_a_sweep_by_its_path(swept: tuple[Api, str]) -> None:
    api, sweep_id = swept
    for path in (f"me/p/sweeps/{sweep_id}", f"p/{sweep_id}", sweep_id):
        assert api.sweep(path).id == sweep_id
    assert api.from_path(f"me/p/sweeps/{sweep_id}").id == sweep_id
    for path in ("me/p/nope", f"q/{sweep_id}", "nope"):
        with pytest.raises(CommError, match="Could not find sweep"):
            api.sweep(path)
    with pytest.raises(CommError, match="Invalid path"):
        api.sweep("")


def test_a_sweep_by_its_id(swept: tuple[Api, str]) -> None:
    api, sweep_id = swept
    known = api.sweep(f"p/{sweep_id}")
    for found in (Sweep.get(api, "me", "p", sweep_id), Sweep.get(api, sid=sweep_id, order="+n")):
        assert found is not None
        assert (found.id, found.project, found.config) == (sweep_id, "p", known.config)
    assert Sweep.get(api, "me", "p", "nowhere") is None


def test_the_sweeps_of_a_project(swept: tuple[Api, str]) -> None:
    api, sweep_id = swept
    project = api.project("p")
    assert [sweep.id for sweep in project.sweeps()] == [sweep_id]
    assert len(project.sweeps(filters={"method": "bayes"})) == 0
    with pytest.raises(ValueError, match="Could not find project"):
        len(api.project("nope").sweeps())


def test_a_run_is_enqueued(swept: tuple[Api, str]) -> None:
    api, sweep_id = swept
    run_id = api.sweep(sweep_id).enqueue_run({"lr": {"value": 7}})
    with ExperimentTracker("experiments.db") as tracker:
        trial = tracker.sweep(sweep_id).trials[-1]
    assert (trial.run_id, trial.params, trial.state) == (run_id, {"lr": 7}, "pending")


def test_a_sweep_without_runs() -> None:
    with ExperimentTracker("experiments.db") as tracker:
        config = {key: value for key, value in SWEEP.items() if key != "metric"}
        sweep_id = tracker.create_sweep(config, "p")
    sweep = Api().sweep(f"p/{sweep_id}")
    assert sweep.best_run() is None
    assert list(sweep.runs) == []
    assert sweep.agents() == []


def test_the_sweep_of_a_run(swept: tuple[Api, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wandb, "Api", Api, raising=False)
    api, sweep_id = swept
    runs = api.runs("p", {"sweep": sweep_id}, include_sweeps=True)
    assert [run.sweep.id for run in runs] == [sweep_id] * 3
    assert api.run("p/alone").sweep is None
    assert Api(api_key="k" * 40).viewer.user_api.api_key == "k" * 40
    assert api.viewer.user_api is None


def test_a_run_is_pickled() -> None:
    finished(summary={"acc": 1})
    run = pickle.loads(pickle.dumps(Api().run("abc")))
    assert (run.id, run.name, run.summary["acc"]) == ("abc", Api().run("abc").name, 1)
    assert len(run.history(pandas=False)) == 3
    summary = pickle.loads(pickle.dumps(run.summary))
    assert summary["acc"] == 1


# -- other sources and other forms ---------------------------------------------------------------


def test_a_log_folder_of_tensorboard_becomes_a_run(tmp_path: Path) -> None:
    events = write(tmp_path / "logs", start(), scalar(1, "loss", 0.5), scalar(2, "loss", 0.25))
    api = Api()
    api.sync_tensorboard(str(tmp_path / "logs"), run_id="mine", project="p")
    run = api.run("p/mine")
    assert run.state == "finished"
    assert [row["loss"] for row in run.scan_history(keys=["loss"])] == [0.5, 0.25]
    api.sync_tensorboard(str(tmp_path / "logs"), run_id="mine", project="p")
    assert len(api.runs("p")) == 1

    (tmp_path / "logs" / "eval").mkdir()
    (tmp_path / "logs" / "eval" / events.name).write_bytes(events.read_bytes())
    with pytest.raises(CommError, match=r"run_id=.* has 2"):
        api.sync_tensorboard(str(tmp_path / "logs"), run_id="mine", project="p")
    api.sync_tensorboard(str(tmp_path / "logs"), project="q")
    assert len(api.runs("q")) == 2
    with pytest.raises(CommError, match="there is no folder"):
        api.sync_tensorboard(str(tmp_path / "nowhere"))


def test_a_summary_has_no_file_of_arrays() -> None:
    finished(summary={"best": 1})
    summary = Api().run("p/abc").summary
    assert summary.get(k="best", default=2) == 1
    assert summary.get("none") is None
    for name, arguments in (("open_h5", ()), ("read_h5", ("a",)), ("write_h5", ("a", 1))):
        with pytest.raises(UnsupportedError, match=rf"Summary\.{name}\(\).*artifact"):
            getattr(summary, name)(*arguments)

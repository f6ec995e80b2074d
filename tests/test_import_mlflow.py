"""`synadb import mlflow`: stores as MLflow 2 and 3 write them, put together here."""

from __future__ import annotations

import importlib.util
import json
import math
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synadb import ExperimentTracker
from synadb.cli import main
from synadb.errors import NotALogError
from synadb.formats._bring_in import BroughtIn, bring_in
from synadb.formats.mlflow import sources

if TYPE_CHECKING:
    from tests.conftest import RunScript

BEGUN = 1_700_000_000_000
PARENT, CHILD, BAD = "a" * 32, "b" * 32, "c" * 32

# run: (name, status, tags, params, metrics: key -> (ms, value, step))
RUNS: dict[str, Any] = {
    PARENT: (
        "parent",
        3,
        {"team": "x", "mlflow.user": "me", "mlflow.note.content": "my notes"},
        {"lr": "0.1", "n": "3", "opt": "adam", "flag": "True", "id": "007", "none": "None"},
        {
            "loss": [(BEGUN + 1000 + step, 1 / (step + 1), step) for step in range(3)],
            "sub/acc": [(BEGUN + 2000, math.nan, 0), (BEGUN + 2001, -math.inf, 7)],
            "same": [(BEGUN + 10, 5.0, 0), (BEGUN + 30, 7.0, 0), (BEGUN + 20, 6.0, 0)],
        },
    ),
    CHILD: ("child", 5, {"mlflow.parentRunId": PARENT}, {}, {"loss": [(BEGUN, 7.0, 0)]}),
    BAD: ("bad", 4, {}, {}, {}),
    "d" * 32: ("running", 1, {}, {}, {}),
}
STATUS = {1: "RUNNING", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def folder(top: Path) -> Path:
    """A folder `mlruns/` with RUNS, one run and one experiment deleted."""
    for number, name, stage in (("1", "exp one", "active"), ("2", "gone", "deleted")):
        write(
            top / number / "meta.yaml",
            f"experiment_id: '{number}'\nlifecycle_stage: {stage}\nname: {name}\n",
        )
    for place, (run_id, (name, status, tags, params, metrics)) in enumerate(RUNS.items()):
        run = top / "1" / run_id
        end = "null" if status == 1 else BEGUN + 9000
        for stage, where in (("active", run), ("deleted", top / "1" / f"{run_id[0]}x")):
            write(
                where / "meta.yaml",
                f"artifact_uri: file:///elsewhere/{run_id}/artifacts\nend_time: {end}\n"
                f"lifecycle_stage: {stage}\nrun_id: {where.name}\nrun_name: {name}\n"
                f"start_time: {BEGUN + place}\nstatus: {status}\nuser_id: root\n",
            )
        for key, value in params.items():
            write(run / "params" / key, value)
        for key, value in {**tags, "mlflow.runName": name}.items():
            write(run / "tags" / key, value)
        for key, points in metrics.items():
            lines = [f"{moment} {value!r} {step}\n" for moment, value, step in points]
            write(run / "metrics" / key, "".join(lines))
    write(top / "1" / PARENT / "artifacts" / "sub" / "f.txt", "hello")
    return top


def database(path: Path) -> Path:
    """The same as a SQLite database."""
    largest = sys.float_info.max
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(
            """
            create table experiments (experiment_id integer, name text, lifecycle_stage text);
            create table runs (run_uuid text, name text, status text, start_time integer,
                end_time integer, artifact_uri text, user_id text, experiment_id integer,
                lifecycle_stage text);
            create table params (key text, value text, run_uuid text);
            create table tags (key text, value text, run_uuid text);
            create table metrics (key text, value float, timestamp integer, run_uuid text,
                step integer, is_nan boolean);
            insert into experiments values (1, 'exp one', 'active'), (2, 'gone', 'deleted');
            insert into runs values ('e', 'e', 'FINISHED', 1, 2, '', '', 1, 'deleted');
            insert into runs values ('f', 'f', 'FINISHED', 1, 2, '', '', 2, 'active');
            """
        )
        for place, (run_id, (name, status, tags, params, metrics)) in enumerate(RUNS.items()):
            end = None if status == 1 else BEGUN + 9000
            uri = f"s3://bucket/{run_id}" if run_id == BAD else f"mlart/{run_id}"
            values = (run_id, name, STATUS[status], BEGUN + place, end, uri, "root", 1, "active")
            db.execute(f"insert into runs values ({', '.join('?' * 9)})", values)
            for table, pairs in (("params", params), ("tags", tags)):
                for key, value in pairs.items():
                    db.execute(f"insert into {table} values (?, ?, ?)", (key, value, run_id))
            for key, points in metrics.items():
                for moment, value, step in points:
                    nan = math.isnan(value)
                    kept = 0.0 if nan else max(-largest, min(largest, value))
                    db.execute(
                        "insert into metrics values (?, ?, ?, ?, ?, ?)",
                        (key, kept, moment, run_id, step, nan),
                    )
    write(path.parent / "mlart" / PARENT / "sub" / "f.txt", "hello")
    return path


def bring(tracker: ExperimentTracker, store: str, project: str | None = None) -> list[BroughtIn]:
    done = bring_in(tracker, sources(store, project), "mlflow")
    assert not tracker.check().problems
    return done


@pytest.mark.parametrize("kind", ["folder", "database"])
def test_everything_that_a_store_holds(tmp_path: Path, db_path: Path, kind: str) -> None:
    if kind == "folder":
        store = str(folder(tmp_path / "mlruns"))
    else:
        store = f"sqlite:///{database(tmp_path / 'ml.db')}"
    with ExperimentTracker(db_path) as tracker:
        done = bring(tracker, store)
        assert [run.run_id for run in done] == list(RUNS)
        runs = [tracker.get_run(run_id) for run_id in RUNS]
        assert [run.state for run in runs] == ["finished", "killed", "failed", "crashed"]
        assert [run.exit_code for run in runs] == [0, None, 1, None]
        assert [run.group for run in runs] == ["parent", "parent", "", ""]
        parent = runs[0]
        assert (parent.experiment, parent.name, parent.notes) == ("exp one", "parent", "my notes")
        assert parent.tags == ("team:x",)
        assert parent.config == {
            "lr": 0.1,
            "n": 3,
            "opt": "adam",
            "flag": True,
            "id": "007",
            "none": None,
        }
        assert (parent.created_at, parent.ended_at) == (BEGUN / 1000, BEGUN / 1000 + 9)
        assert parent.metadata["facts"]["username"] == "root"
        loss = tracker.get_metric(PARENT, "loss")
        assert (loss.steps.tolist(), loss.values.tolist()) == ([0, 1, 2], [1, 0.5, 1 / 3])
        assert loss.times.tolist() == [(BEGUN + 1000 + step) / 1000 for step in range(3)]
        acc = tracker.get_metric(PARENT, "sub/acc")
        assert acc.steps.tolist() == [0, 7]
        assert math.isnan(acc.values[0])
        assert acc.values[1] == -math.inf
        same = tracker.get_metric(PARENT, "same")
        assert (same.steps.tolist(), same.values.tolist()) == ([0, 1, 2], [5, 6, 7])
        assert "'same' has several values of one step" in done[0].problems[0]
        with tracker.open_file(PARENT, "sub/f.txt") as file:
            assert file.read() == b"hello"
        left_out = [problem for problem in done[2].problems if "left out" in problem]
        assert len(left_out) == (kind == "database")
        before = tracker.list_runs()
        assert {run.outcome for run in bring(tracker, store)} == {"known"}
        assert tracker.list_runs() == before


def test_a_run_that_goes_on(tmp_path: Path, db_path: Path) -> None:
    store = folder(tmp_path / "mlruns")
    with ExperimentTracker(db_path) as tracker:
        bring(tracker, str(store))
        with (store / "1" / CHILD / "metrics" / "loss").open("a") as file:
            file.write(f"{BEGUN + 5} 2.5 4\n")
        outcomes = [run.outcome for run in bring(tracker, str(store))]
        assert outcomes == ["known", "changed", "known", "known"]
        assert tracker.get_metric(CHILD, "loss").values.tolist() == [7.0, 2.5]


def test_steps_below_zero_and_lines_that_cannot_be_read(tmp_path: Path, db_path: Path) -> None:
    store = folder(tmp_path / "mlruns")
    write(store / "1" / BAD / "metrics" / "x", f"{BEGUN} 1.0 -2\n{BEGUN} 2.0 0\nhalf a li")
    write(store / "1" / BAD / "metrics" / "_step", f"{BEGUN} 1.0 0\n")
    with ExperimentTracker(db_path) as tracker:
        told = bring(tracker, str(store))[2].problems
        assert tracker.get_metric(BAD, "x").steps.tolist() == [0, 2]
    assert told == [
        "the metric '_step' cannot be a key",
        "line 3 of the metric 'x' cannot be read",
        "its steps begin at -2: all are moved up by 2",
    ]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = folder(tmp_path / "mlruns")
    command = ["import", "mlflow", str(store), "--db", str(tmp_path / "d"), "--json"]
    assert main([*command, "--project", "mine"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["projects"] == ["mine"]
    assert [run["name"] for run in printed["runs"]] == ["parent", "child", "bad", "running"]
    assert [run["files"] for run in printed["runs"]] == [1, 0, 0, 0]


def break_yaml(top: Path) -> None:
    write(top / "1" / CHILD / "meta.yaml", "a: [")


def list_yaml(top: Path) -> None:
    write(top / "1" / CHILD / "meta.yaml", "- a\n")


@pytest.mark.parametrize(
    ("change", "says"), [(break_yaml, "cannot be read"), (list_yaml, "no file of MLflow")]
)
def test_nothing_is_left_of_a_store_that_is_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any, says: str
) -> None:
    change(folder(tmp_path / "mlruns"))
    command = ["import", "mlflow", str(tmp_path / "mlruns"), "--db", str(tmp_path / "d")]
    assert main(command) == 1
    assert says in capsys.readouterr().err
    assert not (tmp_path / "d").exists()


def test_what_is_no_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("no database")
    (tmp_path / "nothing").write_bytes(b"")
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        db.execute("create table t (x)")
    broken = (
        (tmp_path / "other.db").read_bytes().replace(b"CREATE TABLE t", b"CR\xff\xfeTE TABLE t")
    )
    (tmp_path / "broken.db").write_bytes(broken)
    write(tmp_path / "none" / "0" / "meta.yaml", "name: x\n")
    for name, says in (
        ("gone", "there is no store"),
        ("empty", "no folder has a meta.yaml"),
        ("file", "file is not a database"),
        ("nothing", "has no table"),
        ("other.db", "has no table"),
        ("broken.db", "decode"),
        ("none", "has no runs"),
    ):
        assert main(["import", "mlflow", str(tmp_path / name), "--db", str(tmp_path / "d")]) == 1
        told = capsys.readouterr().err
        assert says in told
        assert name in told
    assert main(["import", "mlflow", "http://host:5000", "--db", str(tmp_path / "d")]) == 1
    assert "only stores on this machine" in capsys.readouterr().err
    assert not (tmp_path / "d").exists()


def database_bytes() -> bytes:
    with tempfile.TemporaryDirectory() as top:
        return database(Path(top) / "ml.db").read_bytes()


BASE = database_bytes()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    end=st.integers(0, len(BASE)) | st.just(len(BASE)),
    flips=st.lists(st.tuples(st.integers(0, len(BASE) - 1), st.integers(1, 255)), max_size=6),
)
def test_damaged_databases(end: int, flips: list[tuple[int, int]]) -> None:
    content = bytearray(BASE)
    for place, change in flips:
        content[place] ^= change
    with tempfile.TemporaryDirectory() as top:
        path = Path(top) / "ml.db"
        path.write_bytes(content[:end])
        with ExperimentTracker(Path(top) / "d") as tracker:
            try:
                bring(tracker, str(path))
                told = "ml.db"
            except NotALogError as error:
                told = str(error)
                assert tracker.list_runs() == []
            assert "ml.db" in told


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(["meta.yaml", "metrics/loss", "params/lr", "tags/team"]),
    content=st.binary(max_size=60),
)
def test_damaged_folders(name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as top:
        store = folder(Path(top) / "mlruns")
        (store / "1" / PARENT / name).write_bytes(content)
        with ExperimentTracker(Path(top) / "d") as tracker:
            try:
                bring(tracker, str(store))
                told = "meta.yaml"
            except NotALogError as error:
                told = str(error)
                assert tracker.list_runs() == []
            assert "meta.yaml" in told


SCRIPT = """
import sys
import mlflow
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("exp")
with mlflow.start_run(run_name="parent"):
    mlflow.log_params({"lr": 0.1})
    for step in range(3):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    with mlflow.start_run(run_name="child", nested=True):
        mlflow.log_metric("nan", float("nan"))
        mlflow.log_metric("inf", float("inf"))
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="mlflow is not installed")
def test_what_mlflow_writes(run_script: RunScript, tmp_path: Path, db_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'ml.db'}"
    run_script(SCRIPT, store)
    with ExperimentTracker(db_path) as tracker:
        parent, child = bring(tracker, store)
        assert tracker.get_run(parent.run_id).config == {"lr": 0.1}
        assert tracker.get_metric(parent.run_id, "loss").values.tolist() == [1, 0.5, 1 / 3]
        assert tracker.get_run(child.run_id).group == "parent"
        assert tracker.get_metric(child.run_id, "inf").values.tolist() == [math.inf]

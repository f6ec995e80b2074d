"""`synadb sql`: queries over plain views that read and do nothing else."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synadb.cli import main
from synadb.errors import InvalidValueError
from synadb.ops import LogConsole, LogSystem
from synadb.tracker import ExperimentTracker
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def recorded(db_path: Path) -> Path:
    """Two runs with something for every view."""
    with ExperimentTracker(db_path) as tracker:
        for run_id, scale in (("one", 1.0), ("two", 2.0)):
            run = tracker.run(
                "mnist",
                run_id=run_id,
                tags=["t"],
                config={"lr": scale / 10, "net": {"layers": [1]}},
            )
            for step in range(10):
                run.log({"loss": scale / (step + 1), "n": step})
            run.log({"loss": math.nan, "note": "text"})
            tracker._store.apply(
                [
                    LogConsole(run_id, "p", ((0, 1.5, "stdout", "line"),)),
                    LogSystem(run_id, "p", 3.5, {"cpu": 0.25}),
                ]
            )
            tracker.finish(run)
            tracker.log_file(run_id, "media/a.txt", b"picture")
            tracker.log_artifact(run_id, "weights", b"w")
        source = db_path.parent / "model.bin"
        source.write_bytes(b"model")
        tracker.artifacts.log(
            "model", type="model", content=str(source), run_id="one", aliases=["best"]
        )
        tracker.artifacts.use("model:v0", "two")
    return db_path


def ask(db: Path, capsys: Capture, text: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["sql", str(db), text, "--json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_every_view(recorded: Path, capsys: Capture) -> None:
    runs = ask(recorded, capsys, 'select run_id, project, state, tags, "group", steps from runs')
    assert runs == [
        {
            "run_id": i,
            "project": "mnist",
            "state": "finished",
            "tags": '["t"]',
            "group": "",
            "steps": 11,
        }
        for i in ("one", "two")
    ]
    assert ask(recorded, capsys, "select * from params where run_id = 'two'") == [
        {"run_id": "two", "key": "lr", "value": 0.2},
        {"run_id": "two", "key": "net.layers", "value": "[1]"},
    ]
    (note,) = ask(recorded, capsys, "select * from summaries where key = 'note' and run_id = 'one'")
    assert note["value"] == "text"
    least = ask(
        recorded,
        capsys,
        "select run_id, count(*) as n, min(value) as least, max(step) as last from metrics"
        " where key = 'loss' group by run_id",
    )
    assert least == [
        {"run_id": "one", "n": 11, "least": 1.0 / 10, "last": 10},
        {"run_id": "two", "n": 11, "least": 2.0 / 10, "last": 10},
    ]
    (event,) = ask(recorded, capsys, "select * from events where run_id = 'one'")
    assert (event["step"], json.loads(event["data"])["note"]) == (10, "text")
    (version,) = ask(recorded, capsys, "select * from artifacts")
    assert (version["name"], version["version"], version["run_id"]) == ("model", 0, "one")
    assert json.loads(version["aliases"]) == ["best", "latest"]
    roles = ask(recorded, capsys, "select run_id, role, name from lineage order by role")
    assert [(row["run_id"], row["role"]) for row in roles] == [("two", "input"), ("one", "output")]
    files = ask(recorded, capsys, "select path, size from files where run_id = 'one'")
    assert files == [{"path": "media/a.txt", "size": 7}]
    assert len(ask(recorded, capsys, "select * from run_artifacts")) == 2
    (line,) = ask(recorded, capsys, "select * from console where run_id = 'two'")
    assert (line["time"], line["stream"], line["line"]) == (1.5, "stdout", "line")
    assert ask(recorded, capsys, "select * from system where run_id = 'one'") == [
        {"run_id": "one", "time": 3.5, "key": "cpu", "value": 0.25}
    ]
    assert ask(recorded, capsys, "select count(*) as n from main.keysets where run = 1")


def test_a_database_without_artifacts_has_empty_views(db_path: Path, capsys: Capture) -> None:
    with ExperimentTracker(db_path) as tracker:
        tracker.finish(tracker.run("e", run_id="r"))
    for view in ("artifacts", "lineage", "metrics", "params"):
        assert ask(db_path, capsys, f"select * from {view}") == []


def test_forms_of_the_answer(recorded: Path, capsys: Capture) -> None:
    text = "select run_id, key, value from metrics where step = 10 and key = 'loss'"
    assert main(["sql", text, "--csv", "--db", str(recorded)]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows == [["run_id", "key", "value"], ["one", "loss", ""], ["two", "loss", ""]]
    assert main(["sql", str(recorded), "select 1 as a, 'x' as bcd union select 22, null"]) == 0
    assert capsys.readouterr().out.splitlines() == ["a   bcd", "1   x", "22"]
    assert ask(recorded, capsys, "select 1 where 0") == []


def test_the_native_interface_sees_rows_that_are_being_logged(db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        run.log({"x": 1.5})
        text = "select value from metrics where key = ?"
        assert tracker.sql(text, ["x"]) == [{"value": 1.5}]
        run.log({"x": 2.5})
        assert tracker.sql(text, ["x"]) == [{"value": 1.5}, {"value": 2.5}]
        with pytest.raises(InvalidValueError, match="only what reads"):
            tracker.sql("delete from runs")
        tracker.finish(run)


def test_the_query_may_come_from_standard_input(recorded: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "synadb", "sql", str(recorded), "-"],
        input="-- how many\nselect count(*) as n from runs;\n",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["n", "2"]


WRITING = (
    "delete from main.runs",
    "delete from runs",
    "update main.runs set name = 'x'",
    "insert into main.experiments values ('x', 1)",
    "drop table main.runs",
    "create table x (a)",
    "create temp table x (a)",
    "attach 'other.db' as other",
    "vacuum",
    "vacuum into 'copy.db'",
    "pragma user_version = 9",
    "pragma query_only = 0",
    "pragma journal_mode = delete",
    "begin immediate",
    "commit",
    "reindex",
    "select load_extension('x')",
    "with x as (select 1) delete from main.runs",
)


@pytest.mark.parametrize("text", WRITING)
def test_nothing_can_be_written(recorded: Path, capsys: Capture, text: str) -> None:
    before = recorded.read_bytes()
    assert main(["sql", str(recorded), text]) == 1
    assert "the query cannot be answered" in capsys.readouterr().err
    assert recorded.read_bytes() == before
    assert sorted(os.listdir(recorded.parent)) == ["experiments.db", "model.bin"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("select * from nowhere", "the views are runs, params"),
        ("select nought from runs", "no such column: nought"),
        ("selec 1", "syntax error"),
        ("select 1; select 2", "one query at a time"),
        ("", "there is no query"),
        ("-- nothing", "there is no query"),
        ("select ?", "binding"),
    ],
)
def test_mistakes_are_told(recorded: Path, capsys: Capture, text: str, said: str) -> None:
    assert main(["sql", str(recorded), text]) == 1
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1


def test_damage_is_told(recorded: Path, capsys: Capture) -> None:
    import sqlite3

    with sqlite3.connect(recorded) as db:
        db.execute("update columns set data = x'00'")
    db.close()
    assert main(["sql", str(recorded), "select sum(value) from metrics"]) == 1
    assert "column" in capsys.readouterr().err


def test_a_long_query_can_be_interrupted(recorded: Path) -> None:
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"
    with subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-m", "synadb", "sql", str(recorded), endless],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
    ) as process:
        time.sleep(2)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == -signal.SIGINT


def test_values_are_exact_and_the_last_write_counts(db_path: Path, capsys: Capture) -> None:
    values = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, 2.2250738585072011e-308]
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        for step, value in enumerate(values):
            run.log({"x": -1.0}, step=step)
            run.log({"x": value, "y": 1 << 62}, step=step)
        tracker.finish(run)
    found = ask(db_path, capsys, "select step, value from metrics where key = 'x' order by step")
    assert [row["value"] for row in found] == values
    found = ask(db_path, capsys, "select distinct value from metrics where key = 'y'")
    assert found == [{"value": 1 << 62}]


LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.dictionaries(
            st.sampled_from(["a", "b c", "é"]), st.floats() | st.integers(-9, 9), max_size=3
        ),
        max_size=6,
    ),
    config=st.dictionaries(st.text("abc", min_size=1), LEAF, max_size=3),
)
def test_metrics_are_those_of_the_native_interface(
    rows: list[dict[str, float]], config: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "any.db"
    for old in tmp_path.glob("any.*"):
        old.unlink()
    with ExperimentTracker(path) as tracker:
        run = tracker.run("e", run_id="r", config=config)
        for row in rows:
            run.log(row)
        tracker.finish(run)
        want = {}
        for key in {key for row in rows for key in row}:
            series = tracker.get_metric("r", key)
            want[key] = [
                (step, None if math.isnan(value) else value)
                for step, value in zip(series.steps.tolist(), series.values.tolist(), strict=True)
            ]
        with tracker._store.sql("select key, step, value from metrics order by step") as answer:
            found: dict[str, list[Any]] = {}
            for key, step, value in answer.rows:
                found.setdefault(key, []).append((step, value))
        assert found == want
        with tracker._store.sql("select key, value from params") as answer:
            params = dict(answer.rows)
    for key, value in config.items():
        big = isinstance(value, int) and not -(1 << 63) <= value < 1 << 63
        assert params[key] == (str(value) if big else value)

"""The commands that read and mend a database, through the real tracker."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from pathlib import Path

import pytest

from synadb.cli import main
from synadb.tracker import ExperimentTracker
from tests.conftest import RunScript, run_python

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def recorded(db_path: Path) -> Path:
    """Two runs: one with a bit of everything, one of another experiment."""
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run(
            "mnist", ["good"], name="first", run_id="id1", config={"lr": 0.1, "net": {"depth": 3}}
        )
        run.log({"loss": 1.0, "eval": {"acc": 0.5}})
        run.log({"loss": float("nan"), "note": "a, b"})
        run.log({"loss": 0.25, "sizes": [1, 2]})
        tracker.log_artifact("id1", "model", b"x" * 1000)
        tracker.finish(run)
        tracker.start_run("other", name="second", run_id="id2")
        tracker.end_run("id2", "failed")
    return db_path


def test_runs_is_an_aligned_table(recorded: Path, capsys: Capture) -> None:
    assert main(["runs", "--db", str(recorded)]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["ID", "NAME", "EXPERIMENT", "STATE", "ROWS", "CREATED"]
    assert first.split()[:5] == ["id1", "first", "mnist", "finished", "3"]
    assert second.split()[:5] == ["id2", "second", "other", "failed", "0"]
    assert head.index("STATE") == first.index("finished") == second.index("failed")


def test_runs_of_one_experiment_as_json(recorded: Path, capsys: Capture) -> None:
    assert main(["runs", "--db", str(recorded), "--experiment", "mnist", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["run_id"], found["row_count"], found["tags"]) == ("id1", 3, ["good"])


def test_a_name_cannot_break_the_table(db_path: Path, capsys: Capture) -> None:
    with ExperimentTracker(db_path) as tracker:
        tracker.end_run(tracker.start_run("e", name="two\nlines\x1b[31m"))
    assert main(["runs", "--db", str(db_path)]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 2
    assert "\x1b" not in out


@pytest.mark.parametrize("wanted", ["id1", "first"])
def test_show(recorded: Path, capsys: Capture, wanted: str) -> None:
    assert main(["show", wanted, "--db", str(recorded)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["id", "id1"] in lines
    assert ["lr", "0.1"] in lines
    assert ["net.depth", "3"] in lines
    assert ["loss", "3", "0.25"] in lines
    assert ["eval.acc", "1", "0.5"] in lines
    assert ["model", "1000", "bytes"] in lines


def test_show_as_json_is_strict(db_path: Path, capsys: Capture) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r", config={"a": float("inf")})
        run.log({"loss": float("nan")})
        tracker.finish(run)
    assert main(["show", "r", "--json", "--db", str(db_path)]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["config"] == {"a": "Infinity"}
    assert found["metrics"] == {"loss": {"count": 1, "last": "NaN"}}


def test_show_of_an_empty_run(recorded: Path, capsys: Capture) -> None:
    assert main(["show", "id2", "--db", str(recorded)]) == 0
    assert "metrics: none" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["show"], ["export", "--csv"]])
def test_a_run_that_is_not_there(recorded: Path, capsys: Capture, command: list[str]) -> None:
    assert main([*command, "nope", "--db", str(recorded)]) == 1
    assert "'nope'" in capsys.readouterr().err


def test_a_name_of_two_runs(recorded: Path, capsys: Capture) -> None:
    with ExperimentTracker(recorded) as tracker:
        tracker.end_run(tracker.start_run("mnist", name="first", run_id="id3"))
    assert main(["show", "first", "--db", str(recorded)]) == 1
    assert "id1, id3" in capsys.readouterr().err


def test_export_csv(recorded: Path, tmp_path: Path, capsys: Capture) -> None:
    assert main(["export", "first", "--csv", "--db", str(recorded)]) == 0
    text = capsys.readouterr().out
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0])[:3] == ["_step", "_runtime", "_timestamp"]
    assert set(rows[0]) - {"_step", "_runtime", "_timestamp"} == {
        "loss",
        "eval.acc",
        "note",
        "sizes",
    }
    assert [row["_step"] for row in rows] == ["0", "1", "2"]
    assert [row["loss"] for row in rows] == ["1.0", "nan", "0.25"]
    assert [row["eval.acc"] for row in rows] == ["0.5", "", ""]
    assert rows[1]["note"] == "a, b"
    assert rows[2]["sizes"] == "[1, 2]"

    out = tmp_path / "history.csv"
    assert main(["export", "first", "--csv", "--out", str(out), "--db", str(recorded)]) == 0
    assert out.read_text(encoding="utf-8") == text


def test_export_refuses_what_cannot_be_written(recorded: Path, capsys: Capture) -> None:
    for out in (recorded, recorded.parent / "no" / "such.csv"):
        assert main(["export", "id1", "--csv", "--out", str(out), "--db", str(recorded)]) == 1
        assert str(out) in capsys.readouterr().err
    assert main(["check", str(recorded)]) == 0


def test_check_finds_nothing_wrong(recorded: Path, capsys: Capture) -> None:
    assert main(["check", str(recorded)]) == 0
    assert capsys.readouterr().out.endswith(": ok\n")


def damage(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("update chunks set steps = x'00'")
    db.commit()
    db.close()


def test_check_finds_damage(recorded: Path, capsys: Capture) -> None:
    damage(recorded)
    assert main(["check", str(recorded)]) == 1
    assert "problem: chunk" in capsys.readouterr().out


def test_check_fixes(recorded: Path, capsys: Capture) -> None:
    damage(recorded)
    assert main(["check", str(recorded), "--fix"]) == 0
    assert "fixed: chunk" in capsys.readouterr().out
    assert main(["check", str(recorded)]) == 0


def test_check_of_another_file(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "text.db"
    path.write_text("no database at all", encoding="utf-8")
    assert main(["check", str(path)]) == 1
    assert "not a SynaDB database" in capsys.readouterr().err


DIES = """\
import os, sys
from synadb.tracker import ExperimentTracker

run = ExperimentTracker(sys.argv[1]).run("e", run_id="dead")
for i in range(5):
    run.log({"loss": i})
os._exit(0)
"""


def test_recover(db_path: Path, run_script: RunScript, capsys: Capture) -> None:
    run_script(DIES, db_path)
    assert main(["recover", str(db_path)]) == 0
    assert capsys.readouterr().out.startswith("run dead: ")
    assert main(["recover", str(db_path)]) == 0
    assert "nothing to recover" in capsys.readouterr().out
    assert main(["runs", "--json", "--db", str(db_path)]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["state"], found["row_count"]) == ("crashed", 5)


def test_gc(recorded: Path, capsys: Capture) -> None:
    assert main(["gc", str(recorded), "--dry-run"]) == 0
    assert "would be deleted" in capsys.readouterr().out
    assert main(["gc", str(recorded)]) == 0
    assert "file bytes freed" in capsys.readouterr().out
    with ExperimentTracker(recorded) as tracker:
        assert tracker.get_artifact("id1", "model") == b"x" * 1000


COMMANDS = (
    ["runs", "--db"],
    ["show", "r", "--db"],
    ["export", "r", "--csv", "--db"],
    ["check"],
    ["check", "--fix"],
    ["recover"],
    ["gc"],
    ["gc", "--dry-run"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_database_is_created(command: list[str], tmp_path: Path, capsys: Capture) -> None:
    missing, empty = tmp_path / "folder" / "none.db", tmp_path / "empty.db"
    empty.touch()
    for path in (missing, empty):
        assert main([*command, str(path)]) == 1
        assert f"there is no database at {path}" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["empty.db"]
    assert empty.stat().st_size == 0


@pytest.mark.parametrize("command", ["runs", "show", "export", "check", "recover", "gc"])
def test_help_has_an_example(command: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"\n  synadb {command}" in capsys.readouterr().out


def test_the_nearest_database_is_the_default(recorded: Path) -> None:
    below = recorded.parent / "below"
    below.mkdir()
    found = run_python(["-m", "synadb", "runs"], below)
    assert "id1" in found.stdout
    assert "ok" in run_python(["-m", "synadb", "check"], below).stdout
    elsewhere = {"SYNADB_PATH": str(below / "none.db")}
    assert run_python(["-m", "synadb", "runs"], below, env=elsewhere, check=False).returncode == 1

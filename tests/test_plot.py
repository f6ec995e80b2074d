"""Along what `synadb plot` draws a metric, and what it calls the runs."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from synadb import media
from synadb.cli import main
from synadb.tracker import ExperimentTracker
from tests.conftest import RunScript

Capture = pytest.CaptureFixture[str]

SCRIPT = """
import synadb.wandb_compat as wandb

for name, axis in (("one", "epoch"), ("two", "epoch"), ("other", "samples")):
    with wandb.init(project="p", id=name, name=f"the {name}") as run:
        run.define_metric("val/*", step_metric=axis)
        run.define_metric("val/raw", step_metric="")
        for step in range(4):
            run.log({"loss": step, "epoch": 10 * step, "samples": 64 * step})
            run.log({"val/acc": step / 4, "val/raw": step, "epoch": 10 * step + 5, "samples": 1})
"""


@pytest.fixture
def defined(db_path: Path, run_script: RunScript) -> Path:
    """Two runs with one step metric, and one with another."""
    run_script(SCRIPT, db_path)
    return db_path


def say(capsys: Capture, database: Path, *words: str) -> str:
    """What `synadb plot` prints."""
    assert main(["plot", *words, "--db", str(database)]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "title", "ends"),
    [
        (["one", "--key", "val/acc"], "val/acc by epoch", ["5", "35"]),
        (["one", "two", "--key", "val/acc"], "val/acc by epoch", ["5", "35"]),
        (["one", "other", "--key", "val/acc"], "val/acc by step", ["1", "7"]),
        (["one", "--key", "val/acc", "--x", "step"], "val/acc by step", ["1", "7"]),
        (["one", "--key", "val/acc", "--x", "samples"], "val/acc by samples", ["1", "1"]),
        (["one", "--key", "val/raw"], "val/raw by step", ["1", "7"]),
        (["one", "--key", "loss"], "loss by step", ["0", "6"]),
    ],
)
def test_the_axis_is_the_step_metric_that_all_runs_have(
    defined: Path, capsys: Capture, words: list[str], title: str, ends: list[str]
) -> None:
    shown = say(capsys, defined, *words).splitlines()
    assert shown[0] == title
    axis = next(number for number, line in enumerate(shown) if "└" in line)
    assert shown[axis + 1].split() == ends


def test_each_chart_of_a_picture_has_its_own_axis(
    defined: Path, tmp_path: Path, capsys: Capture
) -> None:
    pytest.importorskip("matplotlib")
    say(capsys, defined, "one", "two", "--out", str(tmp_path / "all.svg"))
    drawn = (tmp_path / "all.svg").read_text(encoding="utf-8")
    texts = [line.strip() for line in drawn.splitlines() if line.strip().startswith("<!--")]
    assert "<!-- the one -->" in texts
    # Of loss, epoch, samples and val/raw; epoch and val/acc are titles too, epoch is an axis.
    assert texts.count("<!-- step -->") == 4
    assert texts.count("<!-- epoch -->") == 2


def test_a_sparkline_and_json_have_every_value(db_path: Path, capsys: Capture) -> None:
    definitions = [{"name": "loss", "step_metric": "epoch"}]
    with ExperimentTracker(db_path) as tracker, tracker.run("e", run_id="r") as run:
        run.update(metadata={"metrics": definitions})
        for step in range(10):
            run.log({"loss": step} | ({"epoch": 5} if step == 5 else {}))
    loss = next(line for line in say(capsys, db_path, "r").splitlines() if line.startswith("loss"))
    assert loss.split()[2:] == ["0", "9", "9"]
    found = json.loads(say(capsys, db_path, "r", "--key", "loss", "--json"))
    assert found["x"] == "step"
    assert found["metrics"]["loss"]["r"]["x"] == list(range(10))
    assert say(capsys, db_path, "r", "--key", "loss").startswith("loss by epoch\n")


@pytest.mark.parametrize(
    ("definition", "axis"),
    [
        ({"name": "a\\.b", "step_metric": "t\\.x"}, "t.x"),
        ({"name": "a.b", "step_metric": "t.x"}, "t.x"),
        ({"glob_name": "a*", "step_metric": "t.x"}, "t.x"),
        ({"glob_name": "*", "step_metric": "never"}, "step"),
        ({"glob_name": "*", "step_metric": "a.b"}, "step"),
        ({"glob_name": "*", "step_metric": "_step"}, "step"),
        ({"name": "a"}, "step"),
    ],
)
def test_a_step_metric_is_found_as_define_metric_names_it(
    db_path: Path, capsys: Capture, definition: dict[str, str], axis: str
) -> None:
    with ExperimentTracker(db_path) as tracker, tracker.run("e", run_id="r") as run:
        run.update(metadata={"metrics": [definition]})
        run.log({"a.b": 1.0, "t": {"x": 3}})
    assert say(capsys, db_path, "r", "--key", "a.b").startswith(f"a.b by {axis}\n")


def test_runs_of_one_name_are_told_apart_by_their_ids(
    db_path: Path, tmp_path: Path, capsys: Capture
) -> None:
    with ExperimentTracker(db_path) as tracker:
        for run_id, name in (("a", "same"), ("b", "same"), ("c", "cost $5 $\\frac")):
            with tracker.run("e", run_id=run_id, name=name) as run:
                run.log({"loss": math.pi})
    labels = ["same (a)", "same (b)", "cost $5 $\\frac"]
    chart = say(capsys, db_path, "a", "b", "c", "--key", "loss").splitlines()
    assert [line[4:] for line in chart[-3:]] == labels
    lines = say(capsys, db_path, "a", "b", "c").splitlines()[1:]
    assert [label in line for label, line in zip(labels, lines, strict=True)] == [True] * 3
    assert set(json.loads(say(capsys, db_path, "a", "b", "--json"))["metrics"]["loss"]) == {
        "a",
        "b",
    }
    pytest.importorskip("matplotlib")
    say(capsys, db_path, "a", "b", "c", "--out", str(tmp_path / "loss.svg"))
    drawn = (tmp_path / "loss.svg").read_text(encoding="utf-8")
    assert all(f"<!-- {label} -->" in drawn for label in labels)


def test_media_are_told_from_what_is_not_there(
    db_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExperimentTracker(db_path) as tracker:
        tracker.end_run(tracker.start_run("e", run_id="empty"))
        run = tracker.run("e", run_id="r")
        picture = media.Image(np.zeros((4, 5, 3), np.uint8))
        table = media.Table([[1]], columns=["a"])
        row = {"seen": picture, "all": [picture] * 2, "of": media.Histogram([1, 2]), "tab": table}
        run.log({"loss": 1, "val": row})
        tracker.finish(run)
    for key, kind, option in (
        ("val.seen", "<image-file>", "--media DIR"),
        ("val.all", "<2 images>", "--media DIR"),
        ("val.tab", "<table-file>", "--media DIR"),
        ("val.of", "<histogram>", "--json"),
        ("val", "no metric 'val'", "synadb show"),
    ):
        assert main(["plot", "empty", "r", "--db", str(db_path), "--key", key]) == 1
        (said,) = capsys.readouterr().err.splitlines()
        assert f"'{key}'" in said
        assert kind in said
        assert option in said

"""What commands print of media in rows: what they are, and not each field of their JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from synadb import media
from synadb.cli import main
from synadb.cli._reading import flatten
from synadb.tracker import ExperimentTracker

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def recorded(db_path: Path) -> str:
    """A run with a metric, a picture and a histogram in each row."""
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("demo", run_id="aa", config={"lr": 0.5, "_wandb": {"code_path": "a.py"}})
        for step in range(3):
            picture = media.Image(np.full((4, 5, 3), step, np.uint8))
            values = media.Histogram(np.arange(step + 2))
            run.log({"loss": 1 / (1 + step), "val": {"acc": step}, "seen": picture, "of": values})
        tracker.finish(run)
    return str(db_path)


def say(capsys: Capture, *words: str) -> str:
    assert main(list(words)) == 0
    return capsys.readouterr().out


def test_show(recorded: str, capsys: Capture) -> None:
    said = say(capsys, "show", "aa", "--db", recorded)
    for section in said.split("\n\n"):
        if section.startswith("summary:"):
            assert "<image-file>" in section
            assert "<histogram>" in section
            assert "sha256" not in section
        if section.startswith("metrics:"):
            assert [line.split()[0] for line in section.splitlines()[2:]] == ["loss", "val.acc"]
    assert "code_path" not in said
    told = json.loads(say(capsys, "show", "aa", "--db", recorded, "--json"))
    assert told["summary"]["seen"]["width"] == 5
    assert told["config"]["_wandb"] == {"code_path": "a.py"}
    assert list(told["metrics"]) == ["loss", "val.acc"]


def test_plot(recorded: str, capsys: Capture) -> None:
    _, *lines = say(capsys, "plot", "aa", "--db", recorded).splitlines()
    assert [line.split()[0] for line in lines] == ["loss", "val.acc"]
    drawn = json.loads(say(capsys, "plot", "aa", "--db", recorded, "--json"))
    assert list(drawn["metrics"]) == ["loss", "val.acc"]
    assert "seen.width by step" in say(
        capsys, "plot", "aa", "--db", recorded, "--key", "seen.width"
    ), "who names it gets it"


def test_tail(recorded: str, capsys: Capture) -> None:
    options = ("aa", "--db", recorded, "--no-follow", "--only", "metrics", "-n", "1")
    said = say(capsys, "tail", *options)
    assert sorted(said.removeprefix("step 2:").split()) == [
        "loss=0.333333",
        "of=<histogram>",
        "seen=<image-file>",
        "val.acc=2",
    ]
    assert json.loads(say(capsys, "tail", *options, "--json"))["seen.width"] == 5
    assert say(capsys, "tail", *options, "--key", "seen.width") == "step 2: seen.width=5\n"


def test_only_media_are_folded() -> None:
    row = {"a": {"_type": 3, "b": {"_type": "x", "c": 1}}, "d": {}, "_type": "y"}
    assert flatten(row, fold_media=True) == {"a._type": 3, "a.b": "<x>", "d": {}, "_type": "y"}
    assert flatten(row)["a.b.c"] == 1


def test_lists_of_media_are_told_by_kind_and_number(db_path: Path, capsys: Capture) -> None:
    pictures = [media.Image(np.full((4, 5, 3), shade, np.uint8)) for shade in range(3)]
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("demo", run_id="aa")
        run.log({"some": pictures, "in": {"mix": [*pictures[:2], media.Histogram([1, 2])]}})
        tracker.finish(run)
    shown = say(capsys, "show", "aa", "--db", str(db_path))
    tail = say(capsys, "tail", "aa", "--db", str(db_path), "--no-follow")
    for said in (shown, tail):
        assert "<3 images>" in said
        assert "<2 images, 1 histogram>" in said
        assert "sha256" not in said


def test_a_list_of_anything_else_is_no_media() -> None:
    separated = {"_type": "images/separated", "count": 4, "filenames": []}
    row = {"a": [{"_type": "x"}, 1], "b": [], "c": [{"_type": 3}], "d": [[{"_type": "x"}]]}
    assert flatten(row, fold_media=True) == row
    assert flatten({"e": separated}, fold_media=True) == {"e": "<4 images>"}

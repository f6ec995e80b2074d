"""What `synadb runs --sort` sorts by, and what it says where there is nothing to sort by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synadb import media
from synadb.cli import main
from synadb.tracker import ExperimentTracker

Capture = pytest.CaptureFixture[str]


def store(db_path: Path, **summaries: dict[str, Any]) -> None:
    """A run with each summary, called as the argument."""
    with ExperimentTracker(db_path) as tracker:
        for run_id, summary in summaries.items():
            with tracker.run("e", run_id=run_id, config={"lr": 0.1, "net": "a"}) as run:
                run.set_summary(summary)


def listed(capsys: Capture, db_path: Path, *words: str) -> list[tuple[str, str]]:
    """The ids in order, and what stands in the last column."""
    assert main(["runs", str(db_path), *words]) == 0, capsys.readouterr().err
    _, *lines = capsys.readouterr().out.splitlines()
    return [(line.split()[0], line.split()[-1]) for line in lines]


def refused(capsys: Capture, db_path: Path, key: str) -> str:
    """What is said of a key, in one line."""
    assert main(["runs", str(db_path), "--sort", key]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    return line


@pytest.mark.parametrize(
    ("values", "up", "down"),
    [
        ({"a": {"max": 0.3}, "b": {"max": 0.1}, "c": 0.2}, "bca", "acb"),
        ({"a": {"min": 1, "max": 4}, "b": {"min": 2, "max": 3}}, "ab", "ab"),
        ({"a": {"best": 9, "last": 1, "max": 1}, "b": {"best": 2, "last": 5}}, "ba", "ab"),
        ({"a": {"last": 9, "min": 1, "max": 1}, "b": {"last": 2, "min": 5}}, "ba", "ab"),
        ({"a": {"mean": 1, "first": 9}, "b": 2}, "ba", "ba"),
    ],
)
def test_numbers_of_define_metric(
    db_path: Path, capsys: Capture, values: dict[str, Any], up: str, down: str
) -> None:
    store(db_path, **{run_id: {"val/acc": value} for run_id, value in values.items()})
    assert "".join(run for run, _ in listed(capsys, db_path, "--sort", "val/acc")) == up
    found = listed(capsys, db_path, "--sort", "val/acc", "--reverse")
    assert "".join(run for run, _ in found) == down


def test_the_column_has_the_number(db_path: Path, capsys: Capture) -> None:
    store(db_path, a={"acc": {"min": 0.3, "max": 0.5}}, b={"acc": {"max": 0.1}}, c={})
    found = listed(capsys, db_path, "--sort", "acc")
    assert found == [("b", "0.1"), ("a", "0.3"), ("c", "-")]
    found = listed(capsys, db_path, "--sort", "acc", "--reverse")
    assert found == [("a", "0.5"), ("b", "0.1"), ("c", "-")]


def test_a_key_without_numbers_is_an_error_that_says_what_there_is(
    db_path: Path, capsys: Capture
) -> None:
    summary = {"loss": 1, "val": {"acc": {"max": 2}}, "text": "a", "of": {"mean": 1, "first": 2}}
    store(db_path, a=summary, b={"loss": None})
    said = refused(capsys, db_path, "nope")
    assert "'nope'" in said
    assert said.endswith("there are loss, val.acc.max, of.mean, of.first")
    assert refused(capsys, db_path, "of").endswith("there are of.mean, of.first")
    assert refused(capsys, db_path, "val").endswith("there are val.acc.max")
    assert refused(capsys, db_path, "config.nope").endswith("there are config.lr")
    assert "'config'" in refused(capsys, db_path, "config")
    for works in ("text", "config.net", "ended_at", "exit_code", "group"):
        assert len(listed(capsys, db_path, "--sort", works)) == 2


def test_an_error_names_a_part_of_many(db_path: Path, capsys: Capture) -> None:
    store(db_path, a={f"k{number}": number for number in range(30)})
    assert refused(capsys, db_path, "nope").endswith("k8, k9 and 20 more")


def test_nothing_to_list_is_no_error(db_path: Path, capsys: Capture) -> None:
    store(db_path, a={"loss": 1})
    assert listed(capsys, db_path, "--sort", "nope", "--state", "failed") == []


def test_media_are_told_by_kind_and_number(db_path: Path, capsys: Capture) -> None:
    picture = media.Image(np.zeros((4, 5, 3), np.uint8))
    with ExperimentTracker(db_path) as tracker:
        with tracker.run("e", run_id="a") as run:
            run.log({"loss": 1, "seen": [picture, picture]})
        with tracker.run("e", run_id="b") as run:
            run.log({"loss": 2, "seen": 3})
    assert main(["runs", str(db_path), "--sort", "seen"]) == 0
    _, first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("  3")
    assert second.endswith("  <2 images>")
    with ExperimentTracker(db_path) as tracker:
        tracker.delete_run("b")
    assert "'seen' is <2 images>, no number" in refused(capsys, db_path, "seen")

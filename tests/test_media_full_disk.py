"""What is said of media that cannot be stored: the right word, and once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synadb import pipeline
from synadb.errors import StoreFullError
from synadb.tracker import ExperimentTracker

FULL = "no space is left"


def log_to_a_full_disk(
    db_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], count: int
) -> tuple[list[str], list[int]]:
    """What is said while images are logged one after another, and the steps kept with the run."""

    def fail(*_: Any, **__: Any) -> None:
        raise StoreFullError(FULL)

    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        with monkeypatch.context() as patch:
            patch.setattr(tracker._store, "put_files", fail)
            for step in range(count):
                run.log_image("image", np.full((9, 9, 3), step, np.uint8))
                run._settle_media()
            tracker.finish(run)
        errors = tracker.get_run("r").metadata["media_errors"]
    assert {error["error"] for error in errors} == {f"StoreFullError: {FULL}"}
    return capsys.readouterr().err.splitlines(), [error["step"] for error in errors]


@pytest.mark.parametrize(
    ("count", "values"),
    [
        (1, "'image' of step 0"),
        (2, "'image' of step 0 and 1 more value"),
        (9, "'image' of step 0 and 8 more values"),
    ],
)
def test_what_a_full_disk_takes_is_said_once(
    db_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    count: int,
    values: str,
) -> None:
    said, steps = log_to_a_full_disk(db_path, monkeypatch, capsys, count)
    assert said == [f"synadb: {values} could not be stored and had to be left out: {FULL}"]
    assert steps == list(range(count))


def test_what_a_full_disk_takes_while_a_run_goes_on_is_counted(
    db_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pipeline, "WAITING_BYTES", 1)
    said, steps = log_to_a_full_disk(db_path, monkeypatch, capsys, 5)
    assert said == [
        f"synadb: 'image' of step 0 could not be stored and had to be left out: {FULL}",
        f"synadb: 4 more values could not be stored and had to be left out: {FULL}",
    ]
    assert steps == list(range(5))

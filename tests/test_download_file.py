"""Where the file of a run is written that somebody asks for: as with `cp`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from synadb import ExperimentTracker

NAME = "media/x.txt"


@pytest.fixture
def tracker(db_path: Path) -> Iterator[ExperimentTracker]:
    with ExperimentTracker(db_path) as tracker:
        tracker.start_run("e", run_id="r")
        tracker.log_file("r", NAME, b"content")
        tracker.log_artifact("r", NAME, b"artifact")
        yield tracker


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "place"
    (place / "sub").mkdir(parents=True)
    monkeypatch.chdir(place)
    return place


def test_into_a_folder_it_goes_under_its_own_name(tracker: ExperimentTracker, folder: Path) -> None:
    for path in (".", "sub", "sub/", folder / "sub"):
        target = Path(tracker.download_file("r", NAME, path))
        assert target == Path(path, "x.txt")
        assert target.read_bytes() == b"content"
        target.unlink()
    assert Path(tracker.download_artifact("r", NAME, "sub")).read_bytes() == b"artifact"
    assert Path(tracker.download_file("r", NAME, "sub/y")).read_bytes() == b"content"
    assert sorted(path.name for path in folder.rglob("*")) == ["sub", "x.txt", "y"]


def test_a_folder_that_is_not_there_is_named(tracker: ExperimentTracker, folder: Path) -> None:
    (folder / "file").touch()
    (folder / "sub" / "x.txt").mkdir()
    for path, named, error in (
        ("none/", "none/", FileNotFoundError),
        ("file/", "file/", NotADirectoryError),
        ("sub", "sub/x.txt", IsADirectoryError),
    ):
        with pytest.raises(error) as caught:
            tracker.download_file("r", NAME, path)
        assert caught.value.filename == named
    assert sorted(path.name for path in folder.rglob("*")) == ["file", "sub", "x.txt"]

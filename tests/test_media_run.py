"""Media in the rows of a run: what is stored, when, and what a death in between leaves."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

import synadb.wandb_compat as wandb
from synadb import ExperimentTracker
from synadb.wandb_compat._media import image as image_module


@pytest.fixture
def run(db_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("SYNADB_PATH", str(db_path))
    monkeypatch.setenv("SYNADB_RUN_DIR", "0")
    run = wandb.init(
        project="p", settings={"silent": True, "console": "off", "x_disable_stats": True}
    )
    yield run
    run.finish()
    wandb.teardown()


def stored(db_path: Path, run: Any) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    with ExperimentTracker(db_path) as tracker:
        rows = [
            {k: v for k, v in row.items() if k not in ("_runtime", "_timestamp")}
            for row in tracker.rows(run.id)
        ]
        files = {
            record.name: tracker.open_file(run.id, record.name).read()
            for record in tracker.list_files(run.id)
            if record.name.startswith("media/")
        }
        assert tracker.check().ok
    return rows, files


def pixels(shade: int, size: int = 8) -> Any:
    return np.full((size, size, 3), shade, np.uint8)


def test_an_image_comes_back(run: Any, db_path: Path) -> None:
    array = pixels(7)
    run.log({"a": 1.5, "image": wandb.Image(array, caption="c")})
    array[:] = 0  # what the script does afterwards does not matter
    run.finish()
    (row,), files = stored(db_path, run)
    json = row["image"]
    assert (row["a"], json["_type"], json["caption"]) == (1.5, "image-file", "c")
    assert (json["width"], json["height"], json["format"]) == (8, 8, "png")
    content = files[json["path"]]
    assert json["size"] == len(content)
    assert json["path"].startswith(f"media/images/image_0_{json['sha256'][:20]}")
    assert np.array_equal(np.asarray(Pillow.open(io.BytesIO(content))), pixels(7))


def test_media_join_the_row_that_they_were_logged_to(run: Any, db_path: Path) -> None:
    for step in range(20):
        run.log({"n": step, "deep": {"image": wandb.Image(pixels(step))}})
    run.log({"late": wandb.Image(pixels(99))}, step=3)
    run.finish()
    rows, _ = stored(db_path, run)
    assert [row["n"] for row in rows] == list(range(20))
    assert len({row["deep"]["image"]["sha256"] for row in rows}) == 20
    assert [row["_step"] for row in rows if "late" in row] == [3]


def test_the_last_of_a_key_wins_whatever_takes_longer(
    run: Any, db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = threading.Event()
    encode = image_module.Image._encode

    def slow(self: Any) -> Any:
        if self._caption == "first":
            first.wait(20)
        return encode(self)

    monkeypatch.setattr(image_module.Image, "_encode", slow)
    run.log({"image": wandb.Image(pixels(1), caption="first")}, commit=False)
    run.log({"image": wandb.Image(pixels(2), caption="second")})
    first.set()
    assert run.summary["image"]["caption"] == "second"
    run.finish()
    (row,), _ = stored(db_path, run)
    assert row["image"]["caption"] == "second"


def test_log_does_not_wait_for_the_encoder(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    going = threading.Event()
    encode = image_module.Image._encode

    def slow(self: Any) -> Any:
        assert going.wait(30)
        return encode(self)

    monkeypatch.setattr(image_module.Image, "_encode", slow)
    for step in range(5):
        run.log({"image": wandb.Image(pixels(step))})
    assert run.step == 5
    going.set()
    run.finish()


def test_an_encoder_that_fails_is_told_and_kept(
    run: Any, db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Any) -> Any:
        raise OSError("the encoder is broken")

    monkeypatch.setattr(image_module.Image, "_encode", fail)
    run.log({"a": 1, "image": wandb.Image(pixels(1))})
    run.finish()
    (row,), files = stored(db_path, run)
    assert row == {"a": 1, "_step": 0}
    assert not files
    with ExperimentTracker(db_path) as tracker:
        (error,) = tracker.get_run(run.id).metadata["media_errors"]
    assert (error["key"], error["step"]) == ("image", 0)
    assert "broken" in error["error"]


def test_what_is_the_same_takes_no_space_twice(run: Any, db_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    image = wandb.Image(noise)
    run.log({"image": image})
    run._settle_media()
    run._sink.flush()
    run._native.flush()
    before = db_path.stat().st_size + Path(f"{db_path}-wal").stat().st_size
    for _ in range(30):
        run.log({"image": wandb.Image(noise), "same": image})
    run.finish()
    _, files = stored(db_path, run)
    assert len(files) == 31
    assert db_path.stat().st_size < before + 150_000 < 31 * len(next(iter(files.values())))


def test_the_same_object_in_two_runs(run: Any, db_path: Path) -> None:
    image = wandb.Image(pixels(3))
    run.log({"image": image})
    run.finish()
    other = wandb.init(project="p", settings={"silent": True, "console": "off"})
    other.log({"image": image})
    other.finish()
    for one in (run, other):
        (row,), files = stored(db_path, one)
        assert row["image"]["path"] in files


def test_keys_never_lead_out_of_the_run(run: Any, db_path: Path) -> None:
    for key in ("../../up", "/etc/x", "a/../../b", "..", "ü/\u202e\n"):
        run.log({key: wandb.Image(pixels(1))})
    run.finish()
    _, files = stored(db_path, run)
    assert len(files) == 5
    for name in files:
        assert name.startswith("media/images/")
        assert ".." not in name.split("/")


def test_mixed_lists_are_refused_and_nothing_is_stored(run: Any, db_path: Path) -> None:
    with pytest.raises(TypeError):
        run.log({"a": 1, "list": [wandb.Image(pixels(1)), 2]})
    run.log({"b": 1})
    run.finish()
    rows, files = stored(db_path, run)
    assert (rows, files) == ([{"b": 1, "_step": 0}], {})


def test_frames_figures_and_charts(run: Any, db_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure, axes = pyplot.subplots()
    axes.plot([1, 2, 3])
    run.log({"frame": pandas.DataFrame({"a": [1, 2]}), "figure": figure})
    axes.clear()
    pyplot.close(figure)
    table = wandb.Table(columns=["x", "y"], data=[[1, 2]])
    run.log({"chart": wandb.plot.line(table, "x", "y")})
    run.finish()
    (first, second), _ = stored(db_path, run)
    assert first["frame"]["_type"] == "table-file"
    assert first["figure"]["_type"] in ("plotly-file", "image-file")
    assert second["chart_table"]["_type"] == "table-file"
    assert "chart" not in second
    with ExperimentTracker(db_path) as tracker:
        config = tracker.get_run(run.id).config
    assert config["_wandb"]["visualize"]["chart"]["panel_type"] == "Vega2"


def test_media_in_the_summary(run: Any, db_path: Path) -> None:
    run.summary["best"] = wandb.Image(pixels(5))
    assert run.summary["best"]["path"].startswith("media/images/best_summary_")
    run.finish()
    with ExperimentTracker(db_path) as tracker:
        assert tracker.get_run(run.id).summary["best"]["_type"] == "image-file"


def test_a_kill_loses_no_row(db_path: Path) -> None:
    script = """
import os, sys
import numpy as np
import synadb.wandb_compat as wandb
run = wandb.init(project="p", id="r", settings={"silent": True, "console": "off"})
random = np.random.default_rng(0)
for step in range(40):
    run.log({"n": step, "image": wandb.Image(random.integers(0, 256, (400, 400, 3), np.uint8))})
os.kill(os.getpid(), 9)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"SYNADB_PATH": str(db_path), "SYNADB_RUN_DIR": "0", "PATH": ""},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    with ExperimentTracker(db_path) as tracker:
        rows = list(tracker.rows("r"))
        assert [row["n"] for row in rows] == list(range(40))
        assert tracker.get_run("r").state == "crashed"
        assert tracker.check().ok

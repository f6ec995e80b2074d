"""Media through the native interface: logging, reading back, writing out, showing."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import pickle
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import wave
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as Pillow

import synadb
from synadb import ArtifactNotFoundError, ExperimentTracker, Run, RunEndedError, media, pipeline
from synadb.cli import main
from synadb.errors import InvalidValueError, MissingPackageError, StorageError, StoreFullError
from synadb.folders import safe_path
from synadb.media import video as video_module
from synadb.media.image import Picture
from synadb.media.value import FileValue, Value, clean_key, file_path
from tests.conftest import ROOT, RunScript
from tests.media_sink import MemorySink

Encode = Callable[[Any], bytes]


@pytest.fixture
def tracker(db_path: Path) -> Iterator[ExperimentTracker]:
    with ExperimentTracker(db_path) as tracker:
        yield tracker
        report = tracker.check()
        assert report.ok, report.problems


@pytest.fixture
def run_id(tracker: ExperimentTracker) -> str:
    return tracker.start_run("p", run_id="r")


def pixels(shade: int, size: int = 8) -> Any:
    return np.full((size, size, 3), shade, np.uint8)


def plain_rows(tracker: ExperimentTracker, run_id: str) -> list[dict[str, Any]]:
    dropped = ("_runtime", "_timestamp")
    return [{k: v for k, v in r.items() if k not in dropped} for r in tracker.rows(run_id)]


def content(tracker: ExperimentTracker, run_id: str, path: str) -> bytes:
    with tracker.open_file(run_id, path) as file:
        return file.read()


def hold_encoders(monkeypatch: pytest.MonkeyPatch, going: threading.Event) -> None:
    """Pictures are not encoded before `going` is set."""
    encode = Picture.content

    def slow(self: Any) -> bytes:
        assert going.wait(30)
        return encode(self)

    monkeypatch.setattr(Picture, "content", slow)


# -- logging and reading back --------------------------------------------------------------------


def test_an_image_comes_back(tracker: ExperimentTracker, run_id: str) -> None:
    array = pixels(7)
    tracker.log_image(run_id, "samples", array, step=3, caption="seven")
    array[:] = 0
    (record,) = tracker.media(run_id)
    assert (record.key, record.step, record.type) == ("samples", 3, "image-file")
    data = content(tracker, run_id, record.path)
    assert np.array_equal(np.asarray(Pillow.open(io.BytesIO(data))), pixels(7))
    assert record.path == f"media/images/samples_3_{record.sha256[:20]}.png"
    assert plain_rows(tracker, run_id) == [
        {
            "_step": 3,
            "samples": {
                "_type": "image-file",
                "path": record.path,
                "sha256": record.sha256,
                "size": len(data),
                "format": "png",
                "width": 8,
                "height": 8,
                "caption": "seven",
            },
        }
    ]


def test_the_row_is_that_of_the_drop_in(
    tracker: ExperimentTracker, run_id: str, db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNADB_PATH", str(db_path))
    monkeypatch.setenv("SYNADB_RUN_DIR", "0")
    import synadb.wandb_compat as wandb

    samples = np.linspace(-1, 1, 50)
    frames = np.arange(2 * 3 * 4 * 4).reshape(2, 3, 4, 4)
    points = np.arange(6.0).reshape(2, 3)
    pairs: dict[str, tuple[Any, Any]] = {
        "image": (media.Image(pixels(9), "c"), wandb.Image(pixels(9), caption="c")),
        "audio": (media.Audio(samples, 8000), wandb.Audio(samples, sample_rate=8000)),
        "video": (media.Video(frames), wandb.Video(frames)),
        "points": (media.Object3D(points), wandb.Object3D(points)),
        "page": (media.Html("<p>x"), wandb.Html("<p>x", inject=False)),
        "counts": (media.Histogram([1, 2, 2]), wandb.Histogram([1, 2, 2])),
    }
    with wandb.init(project="p", id="w", settings={"silent": True, "console": "off"}) as run:
        run.log({key: theirs for key, (_, theirs) in pairs.items()})
        run.log({"table": wandb.Table(columns=["a", "b"], data=[[1, "x"], [2.5, None]])})
        run.log({"native": pairs["image"][0]})
    wandb.teardown()
    native = tracker._live(run_id)
    native.log({key: ours for key, (ours, _) in pairs.items()})
    native.log_table("table", [[1, "x"], [2.5, None]], columns=["a", "b"])
    native.log({"native": media.Image(pixels(9), "c")})
    ours, theirs = plain_rows(tracker, run_id), plain_rows(tracker, "w")
    for name in ("artifact_path", "_latest_artifact_path", "log_mode"):
        theirs[1]["table"].pop(name)
    assert ours == theirs
    assert [tracker.get_table(each, "table").rows for each in (run_id, "w")] == [
        [(1, "x"), (2.5, None)]
    ] * 2


def test_media_join_their_row_and_lists_and_nested_values(
    tracker: ExperimentTracker, run_id: str
) -> None:
    run = tracker._live(run_id)
    for step in range(5):
        run.log(
            {
                "n": step,
                "text": "x",
                "deep": {"image": media.Image(pixels(step)), "f": 0.5},
                "many": [media.Image(pixels(step)), media.Html("<p>")],
            }
        )
    rows = plain_rows(tracker, run_id)
    assert [(row["n"], row["deep"]["f"], row["_step"]) for row in rows] == [
        (step, 0.5, step) for step in range(5)
    ]
    assert [item["_type"] for item in rows[3]["many"]] == ["image-file", "html-file"]
    keys = [record.key for record in tracker.media(run_id) if record.step == 2]
    assert sorted(keys) == ["deep.image", "many.0", "many.1"]
    assert [r.step for r in tracker.media(run_id, "deep")] == list(range(5))
    assert tracker.media(run_id, "dee") == []
    assert tracker.get_run(run_id).row_count == 5


def test_without_a_step_media_get_the_next_of_the_run(
    tracker: ExperimentTracker, run_id: str
) -> None:
    for value in range(3):
        tracker.log_metric(run_id, "loss", value)
    tracker.log_image(run_id, "image", pixels(1))
    tracker.log_metric(run_id, "loss", 3)
    tracker.log_image(run_id, "image", pixels(2))
    tracker.end_run(run_id)
    assert [record.step for record in tracker.media(run_id)] == [3, 4]
    assert plain_rows(tracker, run_id)[3].keys() == {"loss", "image", "_step"}


def test_the_summary_has_the_last_step_whatever_is_encoded_first(
    tracker: ExperimentTracker, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = threading.Event()
    encode = Picture.content

    def slow(self: Any) -> bytes:
        if self.width == 8:
            assert going.wait(30)
        return encode(self)

    monkeypatch.setattr(Picture, "content", slow)
    tracker.log_image(run_id, "image", pixels(1), step=0)
    tracker.log_image(run_id, "image", pixels(1, size=9), step=1)
    # Of one step, too, the one logged last counts.
    tracker.log_image(run_id, "same", pixels(1), step=2)
    tracker.log_image(run_id, "same", pixels(1, size=9), step=2)
    going.set()
    tracker.end_run(run_id)
    summary = tracker.get_run(run_id).summary
    assert (summary["image"]["width"], summary["same"]["width"]) == (9, 9)
    assert [r.json["width"] for r in tracker.media(run_id)] == [8, 9, 9]


def test_what_is_the_same_is_one_file_and_takes_no_space_twice(
    tracker: ExperimentTracker, run_id: str, db_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    image = media.Image(noise)
    run = tracker._live(run_id)
    for _ in range(20):
        run.log({"same": image, "equal": media.Image(noise)})
    tracker.end_run(run_id)
    assert len({record.path for record in tracker.media(run_id, "same")}) == 1
    assert len(tracker.list_files(run_id)) == 21
    with sqlite3.connect(db_path) as db:
        assert db.execute("select count(*) from blobs").fetchone() == (1,)
    db.close()


def test_the_same_value_in_two_runs(tracker: ExperimentTracker) -> None:
    image = media.Image(pixels(3))
    for run_id in ("a", "b"):
        with tracker.run("p", run_id=run_id) as run:
            run.log({"image": image})
        (record,) = tracker.media(run_id)
        assert content(tracker, run_id, record.path) == image.encode()


def test_a_run_that_goes_on_from_another_has_its_media(tracker: ExperimentTracker) -> None:
    with tracker.run("p", run_id="old") as run:
        for step in range(3):
            run.log({"image": media.Image(pixels(step)), "n": step})
        run.log_table("table", [[1]], columns=["a"], step=1)
    with tracker.fork_run("old", 1, new_id="new") as run:
        run.log({"image": media.Image(pixels(9))})
    tracker.delete_run("old")
    assert [record.step for record in tracker.media("new", "image")] == [0, 1, 2]
    for record in tracker.media("new"):
        assert len(content(tracker, "new", record.path)) == record.size
    assert len(tracker.list_files("new")) == 4
    assert tracker.get_table("new", "table").rows == [(1,)]


def test_files_are_copied_as_they_are_when_logged(
    tracker: ExperimentTracker, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tracker._live(run_id)
    for limit in (8 << 20, 0):  # in memory, and as a copy on disk
        monkeypatch.setattr("synadb.media.value._IN_MEMORY", limit)
        path = tmp_path / "Clip.MP4"
        path.write_bytes(b"first")
        run.log({f"video{limit}": media.Video(path)})
        path.write_bytes(b"second")
        path.unlink()
        (record,) = tracker.media(run_id, f"video{limit}")
        assert record.path.endswith(".MP4")
        assert content(tracker, run_id, record.path) == b"first"
    with pytest.raises(FileNotFoundError):
        media.Audio(tmp_path / "none.wav")


def test_a_file_whose_name_is_no_text(
    tracker: ExperimentTracker, run_id: str, tmp_path: Path
) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"\xff.\xfe")
    try:
        with open(path, "wb") as file:
            file.write(b"sound")
    except OSError:
        pytest.skip("this file system takes text only")
    tracker.log_media(run_id, "sound", media.Audio(os.fsdecode(path)))
    tracker.log_image(run_id, "image", pixels(1))
    (sound, image) = tracker.media(run_id)
    assert content(tracker, run_id, sound.path) == b"sound"
    assert sound.path.endswith(".?")
    assert image.size > 0


def test_a_table_of_anything(tracker: ExperimentTracker, run_id: str) -> None:
    pandas = pytest.importorskip("pandas")
    inner = [1, {"k": np.float32(0.5)}]
    tracker.log_table(
        run_id,
        "table",
        [
            {"a": 1, "b": inner, "c": media.Image(pixels(1))},
            {"a": np.int64(2), "b": np.arange(3), "d": float("nan")},
        ],
    )
    inner.append("later")
    table = tracker.get_table(run_id, "table")
    assert table.columns == ["a", "b", "c", "d"]
    first, second = map(list, table.rows)
    assert first[:2] == [1, [1, {"k": 0.5}]]
    assert second[:3] == [2, [0, 1, 2], None]
    assert np.isnan(second[3])
    assert content(tracker, run_id, first[2]["path"])[1:4] == b"PNG"
    frame = pandas.DataFrame({"x": [1, 2], "t": pandas.to_datetime(["2020-01-01", None])})
    tracker.log_table(run_id, "frame", frame)
    assert tracker.get_table(run_id, "frame").rows == [(1, "2020-01-01T00:00:00"), (2, None)]
    assert list(table.to_pandas()["a"]) == [1, 2]
    tracker.log_table(run_id, "array", np.eye(2), columns=["u", "v"])
    assert tracker.get_table(run_id, "array").rows == [(1.0, 0.0), (0.0, 1.0)]


def test_what_a_dataframe_misses_is_none_and_a_number_may_be_nan() -> None:
    pandas = pytest.importorskip("pandas")
    missing = float("nan")
    columns = {
        "day": pandas.to_datetime(["2020-01-01", None]),
        "took": pandas.to_timedelta([1, None]),
        "text": ["x", None],
        "object": pandas.Series(["x", missing], dtype=object),
        "kind": pandas.Series(["x", None], dtype="category"),
        "whole": pandas.Series([1, None], dtype="Int64"),
    }
    assert media.Table(pandas.DataFrame(columns)).rows[1] == (None,) * len(columns)
    ((number,),) = media.Table(pandas.DataFrame({"number": [missing]})).rows
    assert np.isnan(number)


def test_a_table_of_a_step_and_one_that_is_not_there(
    tracker: ExperimentTracker, run_id: str
) -> None:
    for step in (1, 5):
        tracker.log_table(run_id, "t", [[step]], step=step, columns=["n"])
    assert tracker.get_table(run_id, "t").rows == [(5,)]
    assert tracker.get_table(run_id, "t", step=1).rows == [(1,)]
    missing: list[tuple[str, int | None]] = [("t", 2), ("other", None)]
    for key, at in missing:
        with pytest.raises(ArtifactNotFoundError, match=key):
            tracker.get_table(run_id, key, at)


def test_a_table_that_the_drop_in_logged_in_parts(
    tracker: ExperimentTracker, db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNADB_PATH", str(db_path))
    monkeypatch.setenv("SYNADB_RUN_DIR", "0")
    import synadb.wandb_compat as wandb

    with wandb.init(project="p", id="w", settings={"silent": True, "console": "off"}) as run:
        table = wandb.Table(columns=["n"], log_mode="INCREMENTAL")
        for step in range(3):
            table.add_data(step)
            run.log({"t": table})
        run.log({"pictures": [wandb.Image(pixels(1)), wandb.Image(pixels(2))]})
        run.summary["best"] = wandb.Image(pixels(3))
    wandb.teardown()
    assert tracker.get_table("w", "t").rows == [(0,), (1,), (2,)]
    assert tracker.get_table("w", "t", step=1).rows == [(0,), (1,)]
    pictures = tracker.media("w", "pictures")
    assert [record.key for record in pictures] == ["pictures.0", "pictures.1"]
    for record in pictures:
        assert len(content(tracker, "w", record.path)) == record.size > 0
    (best,) = tracker.media("w", "best")
    assert (best.step, best.type) == (None, "image-file")


def test_figures(tracker: ExperimentTracker, run_id: str) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure, axes = pyplot.subplots()
    axes.plot([1, 2, 3])
    tracker.log_figure(run_id, "figure", figure, caption="c")
    axes.clear()
    pyplot.close(figure)
    (record,) = tracker.media(run_id)
    picture = Pillow.open(io.BytesIO(content(tracker, run_id, record.path)))
    assert len(set(picture.convert("L").tobytes())) > 2
    assert (record.json["caption"], record.json["width"]) == ("c", picture.width)
    with pytest.raises(InvalidValueError, match="matplotlib or plotly"):
        tracker.log_figure(run_id, "figure", pixels(1))


def test_figures_of_plotly(
    tracker: ExperimentTracker, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The class is told by its module's name: plotly itself is large, and seldom there.
    monkeypatch.setitem(sys.modules, "plotly", type(sys)("plotly"))
    layout = {"title": {"text": "<script>alert(1)</script>"}}
    data = {"data": [{"y": np.arange(2)}], "layout": layout}
    kind = type("Figure", (), {"to_plotly_json": lambda self: data})
    kind.__module__ = "plotly.graph_objs._figure"
    tracker.log_figure(run_id, "figure", kind())
    (record,) = tracker.media(run_id)
    assert (record.type, record.path[:13]) == ("plotly-file", "media/plotly/")
    assert json.loads(content(tracker, run_id, record.path))["data"] == [{"y": [0, 1]}]
    assert "<script" not in media.Figure(kind())._repr_html_()


# -- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: media.Image([1, 2]),
        lambda: media.Image(np.zeros((2, 2, 7))),
        lambda: media.Image(np.zeros((0, 2))),
        lambda: media.Image(pixels(1), file_type="tiff"),
        lambda: media.Image(pixels(1), caption=3),  # type: ignore[arg-type]
        lambda: media.Audio([0.0]),
        lambda: media.Audio(np.zeros((2, 3, 4)), 8),
        lambda: media.Audio([0.0], 0),
        lambda: media.Video(np.zeros((2, 2))),
        lambda: media.Video(np.zeros((1, 3, 2, 2)), fps=0),
        lambda: media.Video(np.zeros((1, 3, 2, 2)), format="avi"),
        lambda: media.Video("film.avi"),
        lambda: media.Html(3),
        lambda: media.Histogram([1.0, float("nan")]),
        lambda: media.Histogram([1e308, -1e308]),
        lambda: media.Histogram(np.array([65504, -65504], "f2")),
        lambda: media.Histogram([2**70, 1]),
        lambda: media.Histogram([1.0], bins=0),
        lambda: media.Histogram(["a"]),
        lambda: media.Histogram.of_counts([1, 2], [0, 1]),
        lambda: media.Histogram.of_counts(["1"], [0, 1]),
        lambda: media.Object3D(np.zeros((2, 5))),
        lambda: media.Object3D("scene.xyz"),
        lambda: media.Object3D([["a", "b", "c"]]),
        lambda: media.Table([[1, 2]]),
        lambda: media.Table([[1, 2]], columns=["a"]),
        lambda: media.Table([[1, 2]], columns=["a", "a"]),
        lambda: media.Table([[1]], columns=[1.5]),
        lambda: media.Table([[object()]], columns=["a"]),
        lambda: media.Table("text", columns=["a"]),
        lambda: media.Table(["text"], columns=["a"]),
        lambda: media.Table(np.zeros(3)),
        lambda: media.Table(7),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(make: Callable[[], Value]) -> None:
    with pytest.raises(InvalidValueError):
        make()


def test_a_table_that_holds_itself_is_refused() -> None:
    row: list[Any] = []
    row.append(row)
    with pytest.raises(InvalidValueError, match="row 0"):
        media.Table([[row]], columns=["a"])


def test_rows_that_are_refused_leave_nothing(tracker: ExperimentTracker, run_id: str) -> None:
    run = tracker._live(run_id)
    image = media.Image(pixels(1))
    with pytest.raises(InvalidValueError, match="list of media"):
        run.log({"a": 1, "b": [image, 2]})
    with pytest.raises(TypeError, match="object"):
        run.log({"a": 1, "b": image, "c": object()})
    with pytest.raises(InvalidValueError, match="whole number"):
        run.log({"b": image}, step=0.5)  # type: ignore[arg-type]
    for wrong in (pixels(1), [], [image, 2]):
        with pytest.raises(InvalidValueError, match=r"synadb\.media"):
            run.log_media("a", wrong)
    with pytest.raises(InvalidValueError, match="non-empty"):
        run.log_media("", image)
    assert (run.step, plain_rows(tracker, run_id), tracker.list_files(run_id)) == (0, [], [])
    tracker.end_run(run_id)
    with pytest.raises(RunEndedError):
        run.log_media("a", image)
    with pytest.raises(RunEndedError):
        run.log({"a": image})


@pytest.mark.parametrize("format", ["mp4", "webm", "ogg"])
def test_without_ffmpeg_the_error_names_the_command(
    monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    monkeypatch.setattr(video_module, "ffmpeg", lambda: None)
    with pytest.raises(MissingPackageError, match="pip install imageio-ffmpeg"):
        media.Video(np.zeros((1, 3, 2, 2), np.uint8), format=format)
    assert issubclass(MissingPackageError, ImportError)


def test_without_pandas_the_error_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingPackageError, match="pip install pandas"):
        media.Table([[1]], columns=["a"]).to_pandas()


# -- off the hot path ----------------------------------------------------------------------------


def test_log_does_not_wait_for_the_encoder_and_the_end_does(
    tracker: ExperimentTracker, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = threading.Event()
    hold_encoders(monkeypatch, going)
    for step in range(5):
        tracker.log_image(run_id, "image", pixels(step))
    assert tracker._live(run_id).step == 5
    threading.Timer(0.1, going.set).start()
    tracker.end_run(run_id)
    assert going.is_set()
    assert len(tracker.media(run_id)) == 5


def test_log_waits_when_too_much_is_waiting(
    tracker: ExperimentTracker, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "WAITING_BYTES", 3 * pixels(0).nbytes)
    going = threading.Event()
    hold_encoders(monkeypatch, going)
    logged: list[int] = []

    def log() -> None:
        for step in range(10):
            tracker.log_image(run_id, "image", pixels(step))
            logged.append(step)

    thread = threading.Thread(target=log)
    thread.start()
    while len(logged) < 3:
        threading.Event().wait(0.01)
    thread.join(0.3)
    assert thread.is_alive()
    assert len(logged) == 3
    going.set()
    thread.join()
    assert len(tracker.media(run_id)) == 10


def test_one_value_may_be_larger_than_all_that_may_wait(
    tracker: ExperimentTracker, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "WAITING_BYTES", 1)
    for step in range(3):
        tracker.log_image(run_id, "image", pixels(step))
    assert len(tracker.media(run_id)) == 3


def test_an_encoder_that_fails_is_told_and_kept_and_waited_for_no_more(
    tracker: ExperimentTracker,
    run_id: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    encode = Picture.content

    def fail(self: Any) -> bytes:
        if self.width == 8:
            raise OSError("the encoder is broken")
        return encode(self)

    monkeypatch.setattr(Picture, "content", fail)
    run = tracker._live(run_id)
    run.log({"a": 1, "image": media.Image(pixels(1, size=9))}, step=0)
    run.log({"image": media.Image(pixels(1))}, step=0)
    run.log({"list": [media.Image(pixels(1))]}, step=1)
    tracker.flush()
    assert run._media is not None
    assert len(run._media._newest) == 0
    tracker.end_run(run_id)
    rows = plain_rows(tracker, run_id)
    assert (rows[0]["image"]["width"], rows[1]) == (9, {"_step": 1})
    errors = tracker.get_run(run_id).metadata["media_errors"]
    assert [(error["key"], error["step"]) for error in errors] == [("image", 0), ("list", 1)]
    assert all("broken" in error["error"] for error in errors)
    assert "'image' of step 0" in capsys.readouterr().err


def test_not_every_error_is_kept(
    tracker: ExperimentTracker, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "KEPT_ERRORS", 3)

    def fail(self: Any) -> bytes:
        raise OSError("broken")

    monkeypatch.setattr(Picture, "content", fail)
    for step in range(10):
        tracker.log_image(run_id, "image", pixels(step))
    tracker.end_run(run_id)
    errors = tracker.get_run(run_id).metadata["media_errors"]
    assert (len(errors), errors[-1]["more"]) == (3, 7)


def test_a_row_never_names_a_file_that_is_not_there(
    tracker: ExperimentTracker, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tracker._store
    put, seen = store.put_files, []

    def watched(*arguments: Any) -> None:
        seen.append([row for row in store.rows(run_id) if "image" in row])
        if len(seen) < 3:
            raise StorageError("out of reach")
        put(*arguments)

    monkeypatch.setattr(store, "put_files", watched)
    tracker.log_image(run_id, "image", pixels(1))
    tracker.flush()
    assert tracker.list_files(run_id)
    assert seen == [[], [], []]
    assert [row["image"]["width"] for row in tracker.rows(run_id)] == [8]


def test_files_that_cannot_be_stored_in_the_end_are_told(
    tracker: ExperimentTracker, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise StoreFullError("no space is left")

    monkeypatch.setattr(tracker._store, "put_files", fail)
    monkeypatch.setattr(tracker._store, "checkpoint", fail)
    tracker.log_image(run_id, "image", pixels(1))
    tracker.end_run(run_id)
    (error,) = tracker.get_run(run_id).metadata["media_errors"]
    assert error["error"] == "StoreFullError: no space is left"
    assert plain_rows(tracker, run_id) == [{"_step": 0}]


def test_memory_is_bounded_while_the_database_is_out_of_reach(
    tracker: ExperimentTracker, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise StorageError("out of reach")

    put = tracker._store.put_files
    monkeypatch.setattr(pipeline, "WAITING_BYTES", 1000)
    monkeypatch.setattr(tracker._store, "put_files", fail)
    noise = np.random.default_rng(0).integers(0, 256, (10, 16, 16), np.uint8)
    run = tracker._live(run_id)
    for image in noise:
        run.log_image("image", image)
        run._settle_media()
        assert run._media is not None
        assert run._media._bytes <= 1000
        assert sum(map(len, run._media._files.values())) == run._media._bytes
    monkeypatch.setattr(tracker._store, "put_files", put)
    tracker.end_run(run_id)
    paths = {file.name for file in tracker.list_files(run_id)}
    found = tracker.media(run_id)
    assert 0 < len(found) < 10
    assert {record.path for record in found} == paths
    assert len(tracker.get_run(run_id).metadata["media_errors"]) == 10 - len(found)


def test_closing_the_tracker_stores_what_is_left(
    db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = threading.Event()
    hold_encoders(monkeypatch, going)
    with ExperimentTracker(db_path) as tracker:
        tracker.log_image(tracker.start_run("p", run_id="r"), "image", pixels(1))
        threading.Timer(0.1, going.set).start()
    with ExperimentTracker(db_path) as tracker:
        assert len(tracker.media("r")) == 1


def test_deleting_a_run_whose_media_are_being_encoded(tracker: ExperimentTracker) -> None:
    for round in range(5):
        run_id = tracker.start_run("p", run_id=f"d{round}")
        for step in range(10):
            tracker.log_image(run_id, "image", pixels(step))
        tracker.delete_run(run_id)
    assert tracker.list_runs() == []


def test_threads_log_at_once(tracker: ExperimentTracker, run_id: str) -> None:
    def log(number: int) -> None:
        for step in range(10):
            tracker.log_image(run_id, f"image{number}", pixels(number * 10 + step), step=step)

    threads = [threading.Thread(target=log, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tracker.end_run(run_id)
    assert len({(record.key, record.step) for record in tracker.media(run_id)}) == 40


def test_a_signal_handler_may_log_media(
    tracker: ExperimentTracker, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "WAITING", 1)
    run = tracker._live(run_id)

    def handler(*_: Any) -> None:
        for step in range(5):
            run.log_image("image", pixels(step))

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with run.lock:  # as in the middle of a log
            os.kill(os.getpid(), signal.SIGUSR1)
            run.log({"a": 1})
    finally:
        signal.signal(signal.SIGUSR1, before)
    tracker.end_run(run_id)
    assert len(tracker.media(run_id)) == 5


def test_no_encoder_is_at_work_while_the_process_forks(
    tracker: ExperimentTracker, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = threading.Lock()  # as an import lock, or one inside of a library
    started, encode = threading.Event(), Picture.content

    def locking(self: Any) -> bytes:
        with held:
            started.set()
            threading.Event().wait(0.1)
            return encode(self)

    monkeypatch.setattr(Picture, "content", locking)
    run = tracker._live(run_id)

    def child() -> None:
        assert held.acquire(timeout=10)
        held.release()
        run.log({"child": media.Image(pixels(2))})
        run.end()

    for shade in range(3):
        started.clear()
        run.log({"parent": media.Image(pixels(shade))})
        started.wait(10)
        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        process.join(30)
        assert process.exitcode == 0
    tracker.end_run(run_id)
    keys = [record.key for record in tracker.media(run_id)]
    assert sorted(keys) == ["child"] * 3 + ["parent"] * 3


def test_a_kill_loses_no_row_and_leaves_no_row_without_its_file(db_path: Path) -> None:
    script = f"""
import os
import numpy as np
from synadb import ExperimentTracker, media
tracker = ExperimentTracker({str(db_path)!r})
run = tracker.run("p", run_id="r")
random = np.random.default_rng(0)
for step in range(60):
    image = random.integers(0, 256, (300, 300, 3), np.uint8)
    run.log({{"n": step, "image": media.Image(image)}})
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    with ExperimentTracker(db_path) as tracker:
        assert [row["n"] for row in tracker.rows("r")] == list(range(60))
        files = {file.name for file in tracker.list_files("r")}
        assert {record.path for record in tracker.media("r")} <= files
        assert tracker.check().ok


def test_media_are_stored_soon_though_nothing_follows_them(db_path: Path) -> None:
    script = f"""
import os, time
import numpy as np
from synadb import ExperimentTracker, media
tracker = ExperimentTracker({str(db_path)!r})
run = tracker.run("p", run_id="r")
run.log({{"image": media.Image(np.zeros((8, 8), np.uint8))}})
while run._media.busy:
    time.sleep(0.01)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    with ExperimentTracker(db_path) as tracker:
        (record,) = tracker.media("r")
        assert len(content(tracker, "r", record.path)) == record.size


# -- names ---------------------------------------------------------------------------------------

ODD = [
    *("a/b", "..", "../../up", "/etc/passwd", "a/../../b", "~", "C:\\x", "..\\up", "", "."),
    *("ü/\u202e\n", "nul\0byte", "\ud800", "x" * 300, "é" * 300, "/".join("y" * 300)),
    *("a" * 300 + "/" + "b" * 300, "con", "trailing. ", "a\x1b[31m", "<b>&'\""),
]


def test_odd_keys_give_names_inside_of_the_run(tracker: ExperimentTracker, tmp_path: Path) -> None:
    with tracker.run("p", run_id="odd") as run:
        for key in ODD:
            if key:
                run.log({key: media.Image(pixels(len(key) % 256))})
    found = tracker.media("odd")
    assert len(found) == len(ODD) - 1
    for record in found:
        parts = record.path.split("/")
        assert parts[:2] == ["media", "images"]
        assert not {"", ".", ".."} & set(parts)
        assert all(len(part.encode()) <= 255 for part in parts)
    folder = tmp_path / "deep" / "down" / "out"
    assert main(["show", "odd", "--db", tracker.path, "--media", str(folder)]) == 0
    files = [path for path in tmp_path.rglob("*.png") if path.is_file()]
    assert len(files) == len(found)
    assert all(folder in path.parents for path in files)


@given(st.text(max_size=40) | st.text("./\\~: a", max_size=20))
@example("..")
@example("\0")
def test_names_of_files_stay_where_they_belong(key: str) -> None:
    path = file_path("media/images", key, 3, "0" * 64, ".png")
    parts = path.split("/")
    assert parts[:2] == ["media", "images"]
    assert parts[-1].endswith(f"_3_{'0' * 20}.png")
    assert not {"", ".", ".."} & set(parts)
    assert "\0" not in path
    path.encode()
    assert clean_key(clean_key(key)) == clean_key(key)
    out = Path(os.path.normpath(Path("/out") / safe_path(path)))
    assert Path("/out") in out.parents


@given(st.text(max_size=60) | st.text("./\\~:*? aCON1\x00", max_size=20))
def test_any_stored_name_is_a_name_below_the_folder(name: str) -> None:
    path = safe_path(name)
    parts = path.split("/")
    assert all(parts)
    assert not {".", ".."} & set(parts)
    assert not set('\\:*?"<>|\0\n') & set(path)
    assert all(part.isprintable() and len(part.encode()) <= 255 for part in parts)
    assert safe_path(path) == path


# -- synadb show --media -------------------------------------------------------------------------


def show(tracker: ExperimentTracker, run_id: str, folder: Path, *more: str) -> int:
    return main(["show", run_id, "--db", tracker.path, "--media", str(folder), *more])


@pytest.fixture
def shown(tracker: ExperimentTracker, run_id: str) -> str:
    tracker.log_image(run_id, "image", pixels(1))
    tracker.log_table(run_id, "table", [[1]], columns=["a"])
    tracker.log_artifact(run_id, "weights", b"not media")
    tracker.log_file(run_id, "output.log", b"nor this")
    tracker.end_run(run_id)
    return run_id


def test_show_writes_media_out(
    tracker: ExperimentTracker, shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "out"
    assert show(tracker, shown, folder) == 0
    printed = capsys.readouterr().out.splitlines()
    written = sorted(str(path) for path in folder.rglob("*") if path.is_file())
    assert sorted(printed[:-1]) == written
    assert printed[-1].startswith("2 files, ")
    for record in tracker.media(shown):
        assert (folder / record.path).read_bytes() == content(tracker, shown, record.path)
    assert main(["show", shown, "--db", tracker.path]) == 0
    assert "media: 2 files" in capsys.readouterr().out


def test_show_writes_nothing_over(
    tracker: ExperimentTracker, shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show(tracker, shown, tmp_path / "out") == 0
    (image,) = (tmp_path / "out").rglob("*.png")
    (table,) = (tmp_path / "out").rglob("*.json")
    before = image.stat().st_mtime_ns
    table.write_bytes(b"mine")
    capsys.readouterr()
    assert show(tracker, shown, tmp_path / "out", "--json") == 1
    printed, told = capsys.readouterr()
    states = {entry["path"]: entry["state"] for entry in json.loads(printed)["media"]}
    assert sorted(states.values()) == ["kept", "present"]
    assert table.name in told
    assert table.read_bytes() == b"mine"
    assert image.stat().st_mtime_ns == before


def test_show_follows_no_link_out_of_the_folder(
    tracker: ExperimentTracker, shown: str, tmp_path: Path
) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    (folder / "media").mkdir(parents=True)
    (folder / "media" / "images").symlink_to(outside)
    (record,) = tracker.media(shown, "table")
    target = folder / record.path
    target.parent.mkdir()
    target.symlink_to(outside / "made")
    assert show(tracker, shown, folder) == 1
    assert list(outside.iterdir()) == []
    assert target.is_symlink()


def test_show_goes_on_after_a_file_that_cannot_be_written(
    tracker: ExperimentTracker, shown: str, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    (folder / "media").mkdir(parents=True)
    (folder / "media" / "images").write_bytes(b"a file where a folder should be")
    assert show(tracker, shown, folder) == 1
    assert len(list(folder.rglob("*.table.json"))) == 1
    assert show(tracker, shown, folder / "media" / "images") == 1


def test_show_of_names_that_differ_in_what_no_file_name_holds(
    tracker: ExperimentTracker, run_id: str, tmp_path: Path
) -> None:
    names = ["media/a:b", "media/a*b", "media/A?b", "media/../../../a", "media//etc/x"]
    for number, name in enumerate(names):
        tracker.log_file(run_id, name, b"%d" % number)
    folder = tmp_path / "down" / "out"
    assert show(tracker, run_id, folder) == 0
    assert show(tracker, run_id, folder) == 0  # and finds them all again
    written = {path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert written == {b"%d" % number for number in range(len(names))}
    stray = {path.name for path in tmp_path.iterdir() if "experiments.db" not in path.name}
    assert stray == {"down"}
    assert [path.name for path in (tmp_path / "down").iterdir()] == ["out"]


def test_show_of_a_run_without_media(
    tracker: ExperimentTracker, run_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracker.end_run(run_id)
    assert show(tracker, run_id, tmp_path / "out") == 0
    assert "0 files" in capsys.readouterr().out


# -- in notebooks --------------------------------------------------------------------------------

EVIL = "</iframe><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


class Tags(HTMLParser):
    """Every tag of a piece of HTML, with its attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    "value",
    [
        media.Image(pixels(1), caption=EVIL),
        media.Image(pixels(1), caption=EVIL, file_type="jpg"),
        media.Audio([0.5], 8, caption=EVIL),
        media.Video(np.zeros((1, 3, 2, 2)), caption=EVIL),
        media.Object3D(np.zeros((2, 3)), caption=EVIL),
        media.Html(EVIL, caption=EVIL),
        media.Table([[EVIL, media.Image(pixels(1), EVIL), {"k": EVIL}]], columns=[EVIL, "b", "c"]),
        media.Histogram([1, 2, 3]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_show_themselves_and_run_nothing(value: Any) -> None:
    shown = Tags(value._repr_html_())
    assert shown.tags
    for tag, attributes in shown.tags:
        assert tag not in ("script", "object", "embed", "link", "base")
        assert not any(name.startswith("on") for name in attributes)
        if tag == "img":
            assert str(attributes["src"]).startswith("data:image/")
        if tag == "iframe":
            assert attributes["sandbox"] is None  # no exception is made
            assert str(attributes["srcdoc"]).endswith(EVIL)
    if isinstance(value, FileValue) and value.caption is not None:
        assert EVIL in shown.text


def drop_in_values() -> list[Any]:
    import synadb.wandb_compat as wandb

    table = wandb.Table(columns=["a", "b"], data=[[EVIL, wandb.Image(pixels(1), caption=EVIL)]])
    return [
        wandb.Image(pixels(1), caption=EVIL),
        wandb.Image(f"https://example.org/{EVIL}", caption=EVIL),
        wandb.Audio([0.5], sample_rate=8, caption=EVIL),
        wandb.Audio(f"https://example.org/{EVIL}.wav"),
        wandb.Video(np.zeros((1, 3, 2, 2), np.uint8), caption=EVIL),
        wandb.Object3D(np.zeros((2, 3)), caption=EVIL),
        wandb.Html(EVIL, inject=False),
        wandb.Molecule(io.StringIO(EVIL), caption=EVIL, file_type="pdb"),
        wandb.Histogram([1, 2]),
        table,
        wandb.JoinedTable(table, table, "a"),
    ]


@pytest.mark.parametrize("value", drop_in_values(), ids=lambda value: type(value).__name__)
def test_values_of_the_drop_in_show_themselves_and_run_nothing(value: Any) -> None:
    test_values_show_themselves_and_run_nothing(value)


def test_a_picture_of_any_kind_is_shown_as_a_png() -> None:
    for value in (
        media.Image(pixels(1)),
        media.Image(pixels(1), file_type="jpg"),
        media.Image(Pillow.new("F", (2, 2)).convert("I;16"), mode="L"),
    ):
        assert value._repr_png_().startswith(b"\x89PNG")


def test_a_long_table_shows_its_beginning() -> None:
    table = media.Table([[n, "x" * 10_000] for n in range(1000)], columns=["n", "x"])
    html = table._repr_html_()
    assert "and 980 more rows" in html
    assert len(html) < 20_000


# -- any array at all ----------------------------------------------------------------------------

ARRAYS = hnp.arrays(
    dtype=hnp.scalar_dtypes() | st.just(np.dtype("O")),
    shape=hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4),
    elements=None,
).flatmap(
    lambda array: st.sampled_from(
        [array, array.T, np.asfortranarray(array), array[::-1] if array.ndim else array]
    )
)
MAKERS: dict[str, Encode] = {
    "image": lambda a: media.Image(a).encode(),
    "jpeg": lambda a: media.Image(a, file_type="jpg", normalize=False).encode(),
    "audio": lambda a: media.Audio(a, 8000).encode(),
    "video": lambda a: media.Video(a).encode(),
    "points": lambda a: media.Object3D(a).encode(),
    "table": lambda a: media.Table(a).encode(),
    "cells": lambda a: media.Table([[a]], columns=["a"]).encode(),
    "histogram": lambda a: json.dumps(
        media.Histogram(a)._to_run_value(MemorySink(), "k", 0)
    ).encode(),
}


@pytest.mark.parametrize("name", MAKERS)
@given(array=ARRAYS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
def test_any_array_is_encoded_or_refused(name: str, array: Any) -> None:
    if array.dtype.kind == "O":
        array = array.copy()
        array[...] = None
    before = array.copy()
    try:
        encoded = MAKERS[name](array)
    except InvalidValueError:
        return
    assert encoded
    if array.dtype.kind != "O":
        np.testing.assert_array_equal(array, before)


EXTREMES = [
    *(np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, -0.0, 2.0**63, 1e39),
]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g"])
@pytest.mark.parametrize("name", [name for name in MAKERS if name != "histogram"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_extreme_numbers_are_encoded(name: str, dtype: str) -> None:
    shape = {"video": (9, 3, 2, 2), "points": (9, 3), "audio": (9, 2)}.get(name, (9, 3))
    with np.errstate(all="ignore"):
        column = np.array(EXTREMES).astype(dtype)
    array = np.broadcast_to(column.reshape(-1, *[1] * (len(shape) - 1)), shape)
    if name == "audio" and dtype not in ("f4", "f8"):
        with pytest.raises(InvalidValueError, match="dtype"):
            media.Audio(array, 8)
        return
    assert MAKERS[name](array)


def test_numbers_beyond_all_ranges() -> None:
    big = np.array([[2**63 - 1, -(2**63), 0]])
    assert json.loads(media.Table(big).encode())["data"] == big.tolist()
    assert media.Table([[2**200, -(2**64)]], columns=["a", "b"]).rows == [(2**200, -(2**64))]
    gray = np.asarray(Pillow.open(io.BytesIO(media.Image(big).encode())))
    assert gray.tolist() == [[255, 0, 0]]
    loud = media.Audio(np.array([1e300, -1e300, np.nan]), 8).encode()
    with wave.open(io.BytesIO(loud)) as file:
        assert np.frombuffer(file.readframes(3), "<i2").tolist() == [32767, -32768, 0]


CELLS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.integers(0, 3).flatmap(
        lambda n: st.tuples(
            st.lists(st.text(), min_size=n, max_size=n, unique=True),
            st.lists(st.lists(CELLS, min_size=n, max_size=n), max_size=4),
        )
    )
)
def test_any_table_comes_back(parts: tuple[list[str], list[list[Any]]]) -> None:
    columns, rows = parts
    table = media.Table(rows, columns=columns)
    back = media.Table.decode(table.encode())

    def spelled(value: Any) -> str:  # text that UTF-8 cannot carry comes back as ?
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()

    assert spelled(back.columns) == spelled(columns)
    assert spelled([list(row) for row in back.rows]) == spelled(rows)


def test_values_can_be_pickled() -> None:
    for value in (
        media.Image(pixels(1)),
        media.Table([[1]], columns=["a"]),
        media.Audio([0.5], 8),
        media.Html("<p>"),
    ):
        assert pickle.loads(pickle.dumps(value)).encode() == value.encode()


# -- what it costs to have it --------------------------------------------------------------------


def test_media_are_loaded_when_they_are_used(tmp_path: Path) -> None:
    script = f"""
import sys
import synadb
from synadb import ExperimentTracker
with ExperimentTracker({str(tmp_path / "x.db")!r}) as tracker:
    with tracker.run("p") as run:
        run.log({{"a": 1, "text": "x"}})
loaded = [n for n in sys.modules if n.startswith("synadb.media") or n == "synadb.pipeline"]
assert not loaded, loaded
assert synadb.media.Html("<p>").encode() == b"<p>"
assert not {{"numpy", "PIL", "synadb.media.image"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_examples_of_the_document_run(run_script: RunScript) -> None:
    text = (ROOT / "docs" / "media.md").read_text("utf-8")
    sources = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(sources) == 2
    for source in sources:
        printed = run_script(source).stdout
    assert "samples 0 image-file" in printed
    assert "['id', 'guess'] [(7, 1), (9, 4)]" in printed


def test_the_module_says_what_it_has() -> None:
    assert synadb.media is media
    assert set(media.__all__) <= set(dir(media))
    for name in media.__all__:
        assert issubclass(getattr(media, name), Value)
    with pytest.raises(AttributeError, match="Nothing"):
        _ = media.Nothing
    assert callable(Run.log_media)


def test_a_table_weighs_what_its_cells_hold() -> None:
    texts = media.Table([[f"{number:0100}"] for number in range(10_000)], ["a"])
    assert 1_500_000 < texts._held < 4_000_000
    image = media.Image(np.zeros((100, 100, 3), np.uint8))
    held = media.Table([[[image]], [{"in": image}], [np.zeros(2000)]], ["a"])._held
    assert held >= 30_000 + 30_000 + 2000 * 8
    assert media.Table([], ["a"])._held == 0


def test_bytes_that_are_no_image_are_told_apart(tracker: ExperimentTracker, run_id: str) -> None:
    for content in (b"", b"<html>"):
        with pytest.raises(OSError, match=f"no image that begins {content!r}"):
            tracker.log_image(run_id, "a", content)

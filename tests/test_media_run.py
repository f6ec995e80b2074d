"""Media in the rows of a run: what is stored, when, and what a death in between leaves."""

from __future__ import annotations

import base64
import io
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

import synadb.wandb_compat as wandb
from synadb import ExperimentTracker, media
from synadb.wandb_compat._media import image as image_module
from synadb.wandb_compat._media.pipeline import MediaStore


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


def test_the_same_table_in_two_runs(run: Any, db_path: Path) -> None:
    """Real wandb raises AssertionError in the second."""
    settings = {"silent": True, "console": "off", "x_disable_stats": True}
    table = wandb.Table(columns=["n"], data=[[1]])
    parts = wandb.Table(columns=["n"], data=[[1]], log_mode="INCREMENTAL")
    chart = wandb.plot.line(wandb.Table(columns=["x"], data=[[1]]), "x", "x")
    run.log({"table": table, "parts": parts, "chart": chart})
    run.finish()
    parts.add_data(2)
    with wandb.init(project="p", settings=settings) as again:
        again.log({"table": table, "parts": parts, "chart": chart})
    first, second = (stored(db_path, one)[0][0] for one in (run, again))
    assert second.keys() == first.keys()
    assert second["table"]["sha256"] == first["table"]["sha256"]
    assert (second["parts"]["increment_num"], second["parts"]["nrows"]) == (0, 2)
    for one, count in ((run, 1), (again, 2)):
        path = f"{one.project}/{one.id}"
        found = {a.name.split(":")[0]: a for a in wandb.Api().run(path).logged_artifacts()}
        assert len(found) == 3
        names = found[f"run-{one.id}-incr-parts"].manifest.entries
        assert [len(found[f"run-{one.id}-incr-parts"].get(name).data) for name in names] == [count]


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

    class Frame(pandas.DataFrame):  # type: ignore[misc, name-defined]
        """As geopandas has one."""

    run.log({"frame": pandas.DataFrame({"a": [1, 2]}), "figure": figure, "own": Frame({"b": [3]})})
    axes.clear()
    pyplot.close(figure)
    table = wandb.Table(columns=["x", "y"], data=[[1, 2]])
    run.log({"chart": wandb.plot.line(table, "x", "y")})
    run.finish()
    (first, second), _ = stored(db_path, run)
    assert first["frame"]["_type"] == first["own"]["_type"] == "table-file"
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


def failing(monkeypatch: pytest.MonkeyPatch, caption: str, wait: threading.Event) -> None:
    """Images with this caption wait, and are then not encoded."""
    encode = image_module.Image._encode

    def fail(self: Any) -> Any:
        if self._caption == caption:
            assert wait.wait(30)
            raise OSError("the encoder is broken")
        return encode(self)

    monkeypatch.setattr(image_module.Image, "_encode", fail)


def test_after_an_encoder_has_failed_nothing_is_waited_for(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = threading.Event()
    now.set()
    failing(monkeypatch, "bad", now)
    run.log({"image": wandb.Image(pixels(1), caption="bad")})
    run.log({"image": wandb.Image(pixels(1), caption="good")})
    run._settle_media()
    assert run._media._waiting == {}


def test_an_image_that_fails_leaves_the_one_before_it(
    run: Any, db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = threading.Event()
    failing(monkeypatch, "bad", now)
    run.log({"image": wandb.Image(pixels(1), caption="good")}, commit=False)
    run.log({"image": wandb.Image(pixels(2), caption="bad")})
    now.set()
    assert run.summary["image"]["caption"] == "good"
    run.finish()
    (row,), _ = stored(db_path, run)
    assert row["image"]["caption"] == "good"


def test_what_a_caption_cannot_hold_is_told_by_the_log_call(run: Any, db_path: Path) -> None:
    cell = wandb.Table(columns=["a"], data=[[wandb.Image(pixels(1), caption=object())]])
    for value in (wandb.Image(pixels(1), caption=object()), cell):
        with pytest.raises(TypeError, match="object is not JSON"):
            run.log({"x": value})
    caption = ["as logged"]
    image = wandb.Image(pixels(1), caption=caption, classes=[{"id": np.int64(3), "name": "c"}])
    run.log({"image": image, "table": wandb.Table(columns=["a"], data=[[image]])})
    caption.append("later")
    run.finish()
    [row], _ = stored(db_path, run)
    assert row["image"]["caption"] == ["as logged"]
    assert row["table"]["nrows"] == 1


def test_tables_that_wait_count_by_their_size(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synadb.pipeline.WAITING_BYTES", 1 << 20)
    go_on = threading.Event()
    done = threading.Event()
    real = MediaStore.put_artifact

    def slow(self: Any, *arguments: Any) -> str:
        go_on.wait(30)
        return real(self, *arguments)

    monkeypatch.setattr(MediaStore, "put_artifact", slow)

    def log() -> None:
        for number in range(4):
            rows = [[f"{number} {row:0100}"] for row in range(5_000)]
            run.log({"t": wandb.Table(columns=["a"], data=rows)})
        done.set()

    thread = threading.Thread(target=log)
    thread.start()
    assert not done.wait(1)
    go_on.set()
    thread.join(60)
    assert done.is_set()
    run.finish()


def test_a_newer_image_takes_nothing_over_from_an_older_one(run: Any, db_path: Path) -> None:
    run.log({"image": wandb.Image(pixels(1), caption="first")}, commit=False)
    run._settle_media()
    run.log({"image": wandb.Image(pixels(2))})
    assert "caption" not in run.summary["image"]
    run.finish()
    (row,), _ = stored(db_path, run)
    assert "caption" not in row["image"]


def test_what_is_set_by_hand_is_newer_than_what_is_being_encoded(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = threading.Event()
    encode = image_module.Image._encode

    def slow(self: Any) -> Any:
        assert now.wait(30)
        return encode(self)

    monkeypatch.setattr(image_module.Image, "_encode", slow)
    run.log({"image": wandb.Image(pixels(1)), "other": wandb.Image(pixels(1))})
    run.summary["image"] = 3
    run.log({"other": 4})
    now.set()
    assert run.summary["image"] == 3
    assert run.summary["other"] == 4


def test_late_media_leave_the_summary_alone(run: Any, db_path: Path) -> None:
    run.log({"image": wandb.Image(pixels(1), caption="on time")}, step=5)
    run.log({"image": wandb.Image(pixels(2), caption="late")}, step=2)
    run.log({}, step=6)
    assert run.summary["image"]["caption"] == "on time"
    run.finish()
    rows, _ = stored(db_path, run)
    assert {row["_step"]: row["image"]["caption"] for row in rows if "image" in row} == {
        2: "late",
        5: "on time",
    }


def test_threads_that_log_their_first_media_at_once(run: Any, db_path: Path) -> None:
    together = threading.Barrier(4)

    def log(shade: int) -> None:
        together.wait(30)
        run.log({f"image{shade}": wandb.Image(pixels(shade))})

    threads = [threading.Thread(target=log, args=(shade,)) for shade in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.finish()
    rows, files = stored(db_path, run)
    assert len(files) == 4
    assert {key for row in rows for key in row} == {"_step", *(f"image{n}" for n in range(4))}


def test_files_are_in_the_database_soon_after_the_last_of_them(run: Any, db_path: Path) -> None:
    run.log({"image": wandb.Image(pixels(1))})
    deadline = time.monotonic() + 30
    with ExperimentTracker(db_path) as tracker:
        while not any(file.name.startswith("media/") for file in tracker.list_files(run.id)):
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.mark.parametrize("ends", ["run.finish()", "pass"])
def test_media_of_a_forked_child(db_path: Path, ends: str) -> None:
    script = f"""
import multiprocessing
import numpy as np
import synadb.wandb_compat as wandb
run = wandb.init(project="p", id="r", settings={{"silent": True, "console": "off"}})
run.log({{"parent": wandb.Image(np.full((8, 8, 3), 1, np.uint8))}})
def child():
    run.log({{"child": wandb.Image(np.full((8, 8, 3), 2, np.uint8))}})
    {ends}
process = multiprocessing.get_context("fork").Process(target=child)
process.start()
process.join()
assert process.exitcode == 0
run.finish()
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"SYNADB_PATH": str(db_path), "SYNADB_RUN_DIR": "0", "PATH": ""},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with ExperimentTracker(db_path) as tracker:
        media = {
            key: row[key] for row in tracker.rows("r") for key in ("parent", "child") if key in row
        }
        assert media.keys() == {"parent", "child"}
        files = {file.name for file in tracker.list_files("r")}
        assert {json["path"] for json in media.values()} <= files


def test_a_resumed_run_goes_on_with_the_parts_of_a_table(run: Any, db_path: Path) -> None:
    table = wandb.Table(columns=["a"], data=[[1]], log_mode="INCREMENTAL")
    run.log({"table": table})
    table.add_data(2)
    run.log({"table": table})
    run.finish()
    resumed = wandb.init(
        project="p", id=run.id, resume="must", settings={"silent": True, "console": "off"}
    )
    again = wandb.Table(columns=["a"], data=[[3]], log_mode="INCREMENTAL")
    resumed.log({"table": again})
    again.add_data(4)
    resumed.log({"table": again, "other": wandb.Table(columns=["a"], log_mode="INCREMENTAL")})
    resumed.finish()
    rows, _ = stored(db_path, resumed)
    parts = [row["table"] for row in rows]
    assert [part["increment_num"] for part in parts] == [0, 1, 2, 3]
    assert parts[3]["previous_increments_paths"] == [part["artifact_path"] for part in parts[:3]]
    assert rows[-1]["other"]["increment_num"] == 0


def test_a_table_that_is_too_long(db_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wandb.Table, "MAX_ARTIFACT_ROWS", 2)
    table = wandb.Table(columns=["a"], data=[[1], [2], [3]])
    run.log({"table": table})
    run.finish()
    settings = {"silent": True, "console": "off", "table_raise_on_max_row_limit_exceeded": True}
    strict = wandb.init(project="p", settings=settings)
    with pytest.raises(ValueError, match="row limit exceeded"):
        strict.log({"table": wandb.Table(columns=["a"], data=[[1], [2], [3]])})
    strict.log({"table": wandb.Table(columns=["a"], data=[[1], [2]])})
    strict.finish()
    rows, _ = stored(db_path, strict)
    assert [row["table"]["nrows"] for row in rows] == [2]


def test_the_graph_of_a_model(run: Any, db_path: Path) -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Sequential(nn.Linear(4, 1)))
    layers = [model[0], model[1], model[2][0]]
    run.watch(model, nn.MSELoss(), log=None, log_graph=True, idx=0)
    with pytest.raises(ValueError, match="once per model"):
        run.watch(model, log=None, log_graph=True)
    torch.save(model, io.BytesIO())
    run.log({"n": 0})
    assert "graph_0" not in run.summary
    model(torch.ones(2, 3))
    assert all(not layer._forward_hooks for layer in layers)
    other = nn.Linear(1, 1)
    run.watch(nn.Sequential(other), log=None, log_graph=True, idx=1)
    assert other._forward_hooks
    run.finish()
    assert not other._forward_hooks
    with ExperimentTracker(db_path) as tracker:
        summary = tracker.get_run(run.id).summary
        assert "graph_1" not in summary
        assert summary["graph_0"]["_type"] == "graph-file"
        file = tracker.open_file(run.id, summary["graph_0"]["path"])
        graph = json.load(file)
    assert [node["name"] for node in graph["nodes"]] == ["0", "1", "2.0"]
    assert [node["output_shape"] for node in graph["nodes"]] == [[[2, 4]], [[2, 4]], [[2, 1]]]
    assert graph["nodes"][0]["parameters"] == [["weight", [4, 3]], ["bias", [4]]]


EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


class Markup(HTMLParser):
    """What a browser would make of HTML: tags with their attributes, frames apart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: wandb.Html(EVIL),
        lambda: wandb.Html("'\"><" + EVIL + "</iframe>" + EVIL),
        lambda: wandb.Image(pixels(1), caption=EVIL),
        lambda: wandb.Image("https://example.org/" + EVIL),
        lambda: wandb.Audio(np.zeros(10), sample_rate=8000, caption=EVIL),
        lambda: wandb.Video(io.BytesIO(EVIL.encode()), format="gif", caption=EVIL),
        lambda: wandb.Video(io.BytesIO(EVIL.encode()), format="mp4", caption=EVIL),
        lambda: wandb.Object3D(np.zeros((2, 3)), caption=EVIL),
        lambda: wandb.Molecule(io.StringIO(EVIL), caption=EVIL, file_type="pdb"),
        lambda: wandb.Table(columns=[EVIL], data=[[EVIL], [None]]),
        lambda: wandb.Table(columns=["a"], data=[[wandb.Html(EVIL)]], allow_mixed_types=True),
        lambda: wandb.Table(columns=["a"], data=[[[EVIL, {EVIL: EVIL}]]]),
        lambda: wandb.Table(columns=["a"], data=[[wandb.Image(pixels(1), caption=EVIL)]]),
        lambda: wandb.Table(columns=["a"], data=[[wandb.Image("https://example.org/" + EVIL)]]),
        lambda: media.Table([[media.Image(pixels(1), caption=EVIL), EVIL]], columns=[EVIL, "b"]),
        lambda: wandb.Histogram(np_histogram=([1], [0, 1])),
        lambda: wandb.Classes([{"id": 0, "name": EVIL}]),
        lambda: wandb.data_types.PartitionedTable(EVIL),
        lambda: wandb.plot.line(wandb.Table(columns=["x", "y"]), "x", "y", title=EVIL),
        lambda: wandb.plot.bar(wandb.Table(columns=["x", "y"], data=[[EVIL, 1]]), "x", "y"),
        lambda: wandb.visualize(EVIL, wandb.Table(columns=["x"], data=[[EVIL]])),
    ],
)
def test_nothing_that_was_given_runs_in_a_notebooks_page(make: Any) -> None:
    value = make()
    html = value._repr_html_() if hasattr(value, "_repr_html_") else ""
    bundle = value._repr_mimebundle_() if hasattr(value, "_repr_mimebundle_") else {}
    for text in (html, bundle.get("text/html", "")):
        for tag, attributes in Markup(text).tags:
            assert tag not in ("script", "object", "embed", "link", "base")
            assert not any(name.startswith("on") for name in attributes)
            if tag == "iframe":
                assert "sandbox" in attributes
                assert "allow-same-origin" not in (attributes["sandbox"] or "")
                assert "src" not in attributes
            elif "src" in attributes:
                assert (attributes["src"] or "").startswith("data:")
    assert "application/javascript" not in bundle


Cells = list[list[Any]]


@pytest.fixture(params=[(wandb.Table, wandb.Image), (media.Table, media.Image)])
def as_table(request: pytest.FixtureRequest) -> Callable[[Cells], Any]:
    """A table of pictures, one for each array, as the drop-in and as `synadb.media` have it."""
    table, image = request.param

    def made(arrays: Cells) -> Any:
        rows = [[image(array) for array in row] for row in arrays]
        return table(columns=[*map(str, range(len(rows[0])))], **{_ROWS[table]: rows})

    return made


_ROWS = {wandb.Table: "data", media.Table: "rows"}


def cell_pictures(html: str) -> list[bytes]:
    sources = [tag[1]["src"] or "" for tag in Markup(html).tags if tag[0] == "img"]
    prefix = "data:image/png;base64,"
    assert all(source.startswith(prefix) for source in sources)
    return [base64.b64decode(source.removeprefix(prefix)) for source in sources]


def test_pictures_in_cells_are_seen_in_a_notebook(as_table: Callable[[Cells], Any]) -> None:
    arrays = [[pixels(1), pixels(2)], [pixels(3), pixels(4)]]
    shown = cell_pictures(as_table(arrays)._repr_html_())
    read = [np.asarray(Pillow.open(io.BytesIO(png))) for png in shown]
    assert [int(one[0, 0, 0]) for one in read] == [1, 2, 3, 4]


def test_a_page_holds_so_many_bytes_of_pictures(as_table: Callable[[Cells], Any]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (800, 800, 3), np.uint8)  # nearly 2 MB
    html = as_table([[noise], [noise], [noise], [pixels(1)]])._repr_html_()
    assert [len(png) > 1_900_000 for png in cell_pictures(html)] == [True, False]
    assert html.count("<td>Image</td>") == 2
    assert len(html) < 5 << 20


def test_a_picture_whose_file_is_gone_is_a_word_in_a_cell(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Pillow.fromarray(pixels(1)).save(path)
    table = wandb.Table(columns=["a"], data=[[wandb.Image(str(path))]])
    path.unlink()
    assert "<td>Image</td>" in table._repr_html_()


def test_a_chart_shows_what_it_is_drawn_from_in_a_notebook() -> None:
    table = wandb.Table(columns=["epoch", "loss"], data=[[1, 0.25], [2, 0.125]])
    titled = wandb.plot.line(table, "epoch", "loss", title="Loss by epoch")
    for chart in (titled, wandb.plot.line(table, "epoch", "loss"), wandb.visualize("v", table)):
        assert "<td>0.125</td>" in chart._repr_html_()
        assert ("Loss by epoch" in chart._repr_html_()) == (chart is titled)


def test_versions_of_a_table_are_numbered_as_they_were_logged(run: Any) -> None:
    """Whichever is encoded first: the large one takes the longest."""
    contents = [[[n] * 3] * (20_000 if n % 3 == 0 else 1) for n in range(12)]
    for rows in contents:
        run.log({"table": wandb.Table(columns=["a", "b", "c"], data=rows)})
    run.finish()
    api = wandb.Api()
    versions = sorted(
        api.run(f"{run.project}/{run.id}").logged_artifacts(), key=lambda a: int(a.version[1:])
    )
    assert [artifact.version for artifact in versions] == [f"v{n}" for n in range(12)]
    assert [artifact.get("table").data[0][0] for artifact in versions] == list(range(12))


def test_the_first_row_of_a_table_names_its_files(run: Any, db_path: Path) -> None:
    """Under another key nothing has to wait; what it shows is that of the first all the same."""
    table = wandb.Table(columns=["n"], data=[[0]] * 20_000, log_mode="MUTABLE")
    for number in range(6):
        table.add_data(number)
        run.log({"table": table})
    run.log({"again": table, "whole": {"table": table}})
    other = wandb.Table(columns=["n"], data=[[1]])
    run.log({"table": other, "other": other})
    run.finish()
    rows, _ = stored(db_path, run)
    first = rows[5]["table"]
    assert first["path"].startswith("media/table/table_5_")
    assert rows[6]["again"] == rows[6]["whole"]["table"] == first
    assert rows[7]["other"] == rows[7]["table"]
    api = wandb.Api()
    versions = sorted(
        api.run(f"{run.project}/{run.id}").logged_artifacts(), key=lambda a: int(a.version[1:])
    )
    assert [artifact.name for artifact in versions] == [
        f"run-{run.id}-table:v{number}" for number in range(7)
    ]
    assert [len(artifact.get("table").data) for artifact in versions] == [
        *range(20_001, 20_007),
        1,
    ]


def test_an_error_of_log_comes_alone(run: Any) -> None:
    with pytest.raises(TypeError) as caught:
        run.log({"bad": object()})
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    run.finish()
    with pytest.raises(wandb.Error) as late:
        run.log({"x": 1})
    assert late.value.__context__ is None or late.value.__suppress_context__

"""Sounds, videos, pages, histograms, point clouds, molecules, figures, graphs and traces."""

from __future__ import annotations

import copy
import io
import json
import math
import pickle
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageSequence

from synadb.media import audio, jsontext, object3d, video
from synadb.media.html import HEAD, with_head
from synadb.wandb_compat._media.audio import Audio
from synadb.wandb_compat._media.bokeh import Bokeh
from synadb.wandb_compat._media.box3d import box3d
from synadb.wandb_compat._media.graph import Graph, TorchGraph
from synadb.wandb_compat._media.histogram import Histogram
from synadb.wandb_compat._media.html import Html
from synadb.wandb_compat._media.molecule import Molecule
from synadb.wandb_compat._media.object_3d import Object3D
from synadb.wandb_compat._media.plotly import Plotly, figure_value
from synadb.wandb_compat._media.trace_tree import Result, Span, Trace, WBTraceTree
from synadb.wandb_compat._media.video import Video
from synadb.wandb_compat.errors import Error
from tests.media_sink import MemorySink


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()


def _log(value: Any, sink: MemorySink, key: str = "k", step: int = 0) -> Any:
    return value._snapshot()._to_run_value(sink, key, step)


def _file(value: Any, sink: MemorySink) -> bytes:
    return sink.files[_log(value, sink)["path"]]


def _arrays(dims: int) -> st.SearchStrategy[Any]:
    return hnp.arrays(
        dtype=hnp.scalar_dtypes(), shape=hnp.array_shapes(min_dims=0, max_dims=dims, max_side=5)
    )


# -- JSON ----------------------------------------------------------------------------------------

_json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 70), 1 << 70)
    | st.floats()
    | st.floats(1e-9, 1e-3)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('ab"\\e-05 é'), inner),
    max_leaves=20,
)


@given(_json_values)
def test_json_is_spelled_as_pydantic_does(value: Any) -> None:
    core = pytest.importorskip("pydantic_core")
    assert jsontext.dumps(value) == core.to_json(value, inf_nan_mode="constants")


@given(st.lists(st.floats() | st.floats(1e-9, 1e-3) | st.floats(-1e-3, -1e-9)))
def test_numbers_alone_are_spelled_as_pydantic_does(values: list[float]) -> None:
    core = pytest.importorskip("pydantic_core")
    assert jsontext.dumps(values) == core.to_json(values, inf_nan_mode="constants")


@given(_json_values)
def test_json_reads_back(value: Any) -> None:
    read = json.loads(jsontext.dumps(value))
    assert json.dumps(read) == json.dumps(value)


def test_json_of_other_types() -> None:
    import datetime
    import decimal
    import enum
    import uuid

    class Color(enum.Enum):
        RED = 1

    utc = datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc)
    value = [
        *(np.float32(0.5), np.arange(3), np.datetime64("2020-01-02"), utc, utc.date()),
        *(decimal.Decimal("1.5"), Color.RED, {2}, b"x", Path("a/b"), uuid.UUID(int=1)),
    ]
    assert json.loads(jsontext.dumps(value)) == [
        *(0.5, [0, 1, 2], "2020-01-02", "2020-01-02T00:00:00Z", "2020-01-02"),
        *("1.5", 1, [2], "x", "a/b", "00000000-0000-0000-0000-000000000001"),
    ]
    assert jsontext.dumps("\ud800") == rb'"\ud800"'
    with pytest.raises(TypeError, match="object"):
        jsontext.dumps(object())


# -- audio ---------------------------------------------------------------------------------------


@given(_arrays(3), st.integers(-2, 1 << 32))
def test_any_array_is_a_wav_or_refused(samples: Any, rate: int) -> None:
    try:
        audio.check_samples(samples, rate)
    except ValueError:
        return
    with wave.open(io.BytesIO(audio.encode_wav(samples, rate))) as file:
        assert file.getnframes() == len(samples)
        assert file.getnchannels() == (1 if samples.ndim == 1 else samples.shape[1])
        assert (file.getsampwidth(), file.getframerate()) == (2, rate)
        assert len(file.readframes(len(samples))) == samples.size * 2


@given(hnp.arrays("i2", hnp.array_shapes(min_dims=1, max_dims=2)), st.integers(1, 200_000))
def test_wav_is_that_of_the_standard_library(samples: Any, rate: int) -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    assert audio.encode_wav(samples, rate) == buffer.getvalue()


@given(hnp.arrays(st.sampled_from(["f4", "f8", ">f8"]), 20, elements=st.floats(width=32)))
def test_floats_are_full_range_and_clipped(samples: Any) -> None:
    stored = np.frombuffer(audio.encode_wav(samples, 8000)[44:], "<i2").astype("f8")
    wanted = np.nan_to_num(np.clip(samples.astype("f8"), -1, 1), nan=0.0) * 32768
    assert np.abs(stored - np.clip(wanted, -32768, 32767)).max() <= 1


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_sound_of_16_bits_comes_back_as_it_was(dtype: str) -> None:
    samples = np.arange(-(1 << 15), 1 << 15)
    stored = audio.encode_wav((samples / (1 << 15)).astype(dtype), 8000)[44:]
    assert np.array_equal(np.frombuffer(stored, "<i2"), samples)


def test_whole_numbers_of_any_byte_order() -> None:
    for dtype in ("<i2", ">i2"):
        stored = audio.encode_wav(np.array([1, -2], dtype), 8)[44:]
        assert np.frombuffer(stored, "<i2").tolist() == [1, -2]
    wide = np.array([1 << 16, -(1 << 31)], ">i4")
    assert np.frombuffer(audio.encode_wav(wide, 8)[44:], "<i2").tolist() == [1, -32768]


def test_audio_of_a_list_and_of_mutated_samples(sink: MemorySink) -> None:
    samples = np.array([0.5, -0.5])
    value = Audio(samples, sample_rate=8, caption="c")
    same = Audio([0.5, -0.5], sample_rate=8, caption="c")
    samples[:] = 0
    assert _file(value, sink) == _file(same, sink)
    assert value == same
    assert value != Audio([0.5, -0.5], sample_rate=8)
    assert Audio.durations([value]) == [0.25]
    assert Audio.sample_rates([value]) == [8]


def test_audio_list(sink: MemorySink, tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(b"x")
    items = [Audio(str(tmp_path / "a.mp3")), Audio([0.0], 4, caption="b")]
    value = Audio._list_to_run_value(items, sink, "k", 1)
    assert [one["_type"] for one in value.pop("audio")] == ["audio-file"] * 2
    assert value == {
        "_type": "audio",
        "count": 2,
        "sampleRates": [None, 4],
        "durations": [None, 0.25],
        "captions": ["", "b"],
    }
    assert "captions" not in Audio._list_to_run_value(items[:1], sink, "k", 1)


def test_audio_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"transpose it with \.T"):
        Audio(np.zeros((2, 48000)), sample_rate=8)
    with pytest.raises(ValueError, match="sample_rate"):
        Audio(np.zeros(3))
    with pytest.raises(ValueError, match="external storage"):
        Audio("https://example.org/a.wav")._snapshot()


# -- files that may change after the call --------------------------------------------------------


@pytest.mark.parametrize("limit", [8 << 20, 0], ids=["in memory", "copied"])
def test_a_file_may_go_after_log(
    sink: MemorySink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr("synadb.media.value._IN_MEMORY", limit)
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(copies))
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"first")
    value = Video(path)
    value._snapshot()
    path.write_bytes(b"second")
    path.unlink()
    first = value._to_run_value(sink, "k", 0)
    assert sink.files[first["path"]] == b"first"
    # The file of the first time, although there is none any more.
    assert _log(value, sink, "other", 1) == first
    assert _log(copy.copy(value), sink, "copy", 2) == first
    assert sink.puts == 1
    assert not [*copies.iterdir()]
    if limit:
        other = MemorySink("other")
        assert other.files[_log(value, other, "again", 3)["path"]] == b"first"


def test_a_large_file_is_held_until_all_runs_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synadb.media.value._LARGE", 3)
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"first")
    value, one, two = Video(path), MemorySink("one"), MemorySink("two")
    waiting = []
    for sink in (one, two):
        value._snapshot()
        _, key, step = value._claim(sink, "k", 0)
        waiting.append((sink, value._encoder(sink, key, step)))
    path.write_bytes(b"second")
    for sink, encode in waiting:
        assert value._content == b"first"
        assert sink.files[encode()["path"]] == b"first"
    assert value._content is None
    # A run that comes later gets what is there then; the list of one that has it, what it has.
    three = MemorySink("three")
    assert three.files[_log(value, three, "k", 0)["path"]] == b"second"
    path.unlink()
    first = _log(value, three, "again", 1)
    value._claim(three, "list", 2, anew=True)
    (listed,) = Video._list_to_run_value([value], three, "list", 2)["videos"]
    assert listed == first
    with pytest.raises(FileNotFoundError):
        value._claim(MemorySink("four"), "k", 0)


def test_a_missing_file_is_told_by_the_constructor(tmp_path: Path) -> None:
    for make in (
        lambda path: Audio(path + ".wav"),
        lambda path: Video(path + ".gif"),
        lambda path: Object3D(path + ".obj"),
        lambda path: Molecule(path + ".pdb"),
    ):
        with pytest.raises(FileNotFoundError):
            make(str(tmp_path / "none"))
    value = tmp_path / "a.pdb"
    value.write_bytes(b"x")
    molecule = Molecule(value)
    value.unlink()
    with pytest.raises(FileNotFoundError):
        molecule._snapshot()


def test_media_are_pickled(sink: MemorySink) -> None:
    for value in (Audio([0.5], 8), Video(np.zeros((1, 3, 4, 4), "u1")), Html("x"), Graph()):
        again = pickle.loads(pickle.dumps(value))
        assert _file(again, sink) == _file(value, sink)


# -- video ---------------------------------------------------------------------------------------

_frames = hnp.arrays(
    "u1", hnp.array_shapes(min_dims=4, max_dims=5, max_side=5), elements=st.integers(0, 255)
)


@given(_frames)
def test_a_batch_is_tiled(frames: Any) -> None:
    if frames.ndim == 4:
        frames = frames[None]
    tiled = video.tile(frames)
    b, t, c, h, w = frames.shape
    columns = tiled.shape[2] // w
    places = (tiled.shape[1] // h) * columns
    assert places & (places - 1) == 0
    assert b <= places < 2 * b
    for at in range(places):
        top, left = at // columns * h, at % columns * w
        part = tiled[:, top : top + h, left : left + w].transpose(0, 3, 1, 2)
        assert np.array_equal(part, frames[at] if at < b else np.zeros((t, c, h, w)))


@given(_arrays(6))
def test_any_array_is_a_video_or_refused(array: Any) -> None:
    try:
        value = Video(array)
    except ValueError:
        return
    content, extension = value._encode()
    assert extension == ".gif"
    with Image.open(io.BytesIO(content)) as image:  # type: ignore[arg-type]
        assert image.size == (value._width, value._height)


def test_a_gif_shows_the_frames(sink: MemorySink) -> None:
    frames = np.zeros((4, 3, 6, 5), "u1")
    frames[1, 0] = 255
    frames[2, 1, 2:4] = 130
    frames[3, :, 0, 0] = 7
    value = Video(frames.copy(), fps=10, caption="c")
    json = _log(value, sink)
    assert json["_type"] == "video-file"
    assert (json["width"], json["height"], json["caption"]) == (5, 6, "c")
    with Image.open(io.BytesIO(sink.files[json["path"]])) as image:
        shown = [np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
        assert image.info["duration"] == 100
        assert image.info["loop"] == 0
    assert np.array_equal(np.stack(shown), frames.transpose(0, 2, 3, 1))


def test_frames_are_taken_at_once() -> None:
    frames = np.full((2, 1, 4, 4), 9, "u1")
    value = Video(frames)
    frames[:] = 0
    assert (value.data == 9).all()


def test_a_stream_is_read_from_where_it_stands() -> None:
    stream = io.BytesIO(b"abcd")
    stream.read(2)
    assert Video(stream, format="mp4")._encode() == (b"cd", ".mp4")
    assert Video(stream, format="mp4")._encode() == (b"abcd", ".mp4")
    with pytest.raises(ValueError, match="binary"):
        Video(io.StringIO("x"), format="mp4")


def test_fps_of_a_file_warns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.gif").write_bytes(b"x")
    Video(str(tmp_path / "a.gif"), fps=3)
    assert "`fps` argument does not affect" in capsys.readouterr().err


def test_without_ffmpeg_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("FFMPEG_BINARY", raising=False)
    with pytest.raises(Error, match="pip install imageio-ffmpeg"):
        Video(np.zeros((1, 3, 4, 4), "u1"), format="mp4")


@pytest.mark.skipif(video.ffmpeg() is None, reason="there is no ffmpeg")
@pytest.mark.parametrize("format", ["mp4", "webm", "ogg"])
@pytest.mark.parametrize("shape", [(5, 3, 32, 48), (2, 1, 31, 33), (3, 4, 32, 32)])
def test_ffmpeg_makes_the_file(format: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, shape, dtype="u1")
    content, extension = Video(frames, format=format)._encode()
    assert extension == f".{format}"
    assert Video(frames, format=format)._encode()[0] == content
    assert isinstance(content, bytes)
    (tmp_path / f"a{extension}").write_bytes(content)
    program = video.ffmpeg()
    assert program is not None
    shown = subprocess.run(
        [program, "-i", f"a{extension}", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    ).stdout
    assert len(shown) == shape[0] * shape[2] * shape[3] * 3


def test_what_ffmpeg_says_is_in_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\ncat > /dev/null\necho no such codec >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("FFMPEG_BINARY", str(program))
    value = Video(np.zeros((1, 3, 4, 4), "u1"), format="mp4")
    with pytest.raises(video.FFmpegError, match="no such codec"):
        value._encode()


def test_video_list(sink: MemorySink) -> None:
    items = [
        Video(io.BytesIO(b"a"), format="gif", caption="x"),
        Video(io.BytesIO(b"b"), "y", format="gif"),
    ]
    value = Video._list_to_run_value(items, sink, "k", 1)
    assert (value["_type"], value["count"], value["captions"]) == ("videos", 2, ["x", "y"])


# -- pages ---------------------------------------------------------------------------------------


@given(st.text("<>headtml/ \n", max_size=30), st.sampled_from(["", "<head>", "<html>"]))
def test_the_head_is_put_in_once(page: str, more: str) -> None:
    page = page + more
    shown = with_head(page)
    assert shown.count(HEAD) == 1
    rest = shown.replace(HEAD, "", 1)
    assert rest.strip() in (page.strip(), page.replace("<html>", "<html><head></head>", 1).strip())


def test_a_page_is_read_at_once(sink: MemorySink, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<p>", encoding="utf-8")
    page = Html(str(path))
    path.write_text("other", encoding="utf-8")
    assert _file(page, sink) == (HEAD + "<p>").encode()
    assert page.html == HEAD + "<p>"


def test_a_page_is_a_path_only_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    path.write_text("content", encoding="utf-8")
    assert Html(str(path), inject=False).html == str(path)
    assert Html("no.html", inject=False).html == "no.html"
    assert Html("\0.html", inject=False).html == "\0.html"
    assert Html(io.BytesIO("é".encode()), inject=False).html == "é"


# -- histograms ----------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")  # numpy's, about complex values and huge ranges
@given(_arrays(3), st.integers(1, 512))
def test_a_histogram_counts_everything(values: Any, bins: int) -> None:
    try:
        value = Histogram(values, num_bins=bins)
    except (ValueError, TypeError):
        return
    assert sum(value.histogram) == values.size
    assert len(value.bins) == bins + 1
    json.dumps(value.to_json())


def test_a_histogram_is_in_the_row(sink: MemorySink) -> None:
    counts, edges = [1, 2], [0.0, 1.0, 2.0]
    value = Histogram(np_histogram=(counts, edges))
    counts[0] = edges[0] = 9
    assert value._to_run_value(sink, "k", 0) == {
        "_type": "histogram",
        "values": [1, 2],
        "bins": [0.0, 1.0, 2.0],
    }
    assert not sink.files


# -- point clouds --------------------------------------------------------------------------------

_parts = st.floats(0, 1, allow_subnormal=False)


@given(
    st.tuples(_parts, _parts, _parts, _parts).filter(lambda q: max(q) > 1e-3),
    st.tuples(*[st.floats(0.1, 10)] * 3),
    st.tuples(*[st.floats(-10, 10)] * 3),
)
def test_a_box_keeps_its_form(orientation: Any, size: Any, center: Any) -> None:
    box = box3d(center=center, size=size, orientation=orientation, color=(1, 0, 0))
    corners = np.array(box["corners"])
    assert np.allclose(corners.mean(axis=0), center)
    # Corner 0 is the lowest; 4, 2 and 1 are one edge along x, y and z away.
    edges = corners[[4, 2, 1]] - corners[0]
    assert np.allclose(np.linalg.norm(edges, axis=1), size)
    assert np.allclose(edges @ edges.T, np.diag(np.square(size)))


def test_a_box_turns_by_its_quaternion() -> None:
    quarter = math.sqrt(0.5)
    box = box3d(
        center=(0, 0, 0), size=(2, 4, 6), orientation=(quarter, 0, 0, quarter), color=(1, 1, 1)
    )
    corners = np.array(box["corners"])
    assert np.allclose(np.abs(corners), [[2, 1, 3]] * 8)
    assert box3d(
        center=(0, 0, 0), size=(2, 2, 2), orientation=(-5, 0, 0, 0), color=(1, 1, 1), score=0.5
    ) == {
        "corners": tuple(
            (float(a), float(b), float(c)) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)
        ),
        "color": (1, 1, 1),
        "label": None,
        "score": 0.5,
    }


@given(_arrays(3))
def test_any_array_is_a_cloud_or_refused(points: Any) -> None:
    try:
        object3d.check_points(points)
    except ValueError:
        assert points.ndim != 2 or points.shape[1] not in (3, 4, 6)
        return
    try:
        content = object3d.encode_points(points)
    except TypeError:
        assert points.dtype.kind in "cmM"
        return
    assert len(json.loads(content)) == len(points)


def test_a_scene_is_taken_at_once(sink: MemorySink) -> None:
    points = [[1.0, 2.0, 3.0]]
    box = box3d(center=(0, 0, 0), size=(1, 1, 1), orientation=(1, 0, 0, 0), color=[0, 0, 1])
    scenes = [
        Object3D.from_point_cloud(points, [box]),
        Object3D({"type": "lidar/beta", "points": points, "boxes": [box]}),
    ]
    box["color"][0] = points[0][0] = 9
    for scene in scenes:
        read = json.loads(_file(scene, sink))
        assert (read["points"], read["vectors"]) == ([[1.0, 2.0, 3.0]], [])
        assert read["boxes"][0]["color"] == [0, 0, 1]


def test_binary_models_are_taken_from_streams() -> None:
    assert Object3D(io.BytesIO(b"glTF\xff"), file_type="glb")._encode() == (b"glTF\xff", ".glb")


# -- molecules -----------------------------------------------------------------------------------


def test_a_path_of_a_molecule_in_another_folder(sink: MemorySink, tmp_path: Path) -> None:
    (tmp_path / "water.pdb").write_bytes(b"HETATM")
    assert _file(Molecule(tmp_path / "water.pdb"), sink) == b"HETATM"


def test_without_rdkit_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rdkit", None)
    monkeypatch.setitem(sys.modules, "rdkit.Chem", None)
    with pytest.raises(Error, match="pip install rdkit"):
        Molecule.from_smiles("C")
    with pytest.raises(Error, match="pip install rdkit"):
        Molecule.from_rdkit("a.mol")


# -- figures -------------------------------------------------------------------------------------


def _plotly_figure(data: Any) -> Any:
    """Something that looks like a figure of plotly, which need not be installed."""
    kind = type("Figure", (), {"to_plotly_json": lambda self: data})
    kind.__module__ = "plotly.graph_objs._figure"
    return kind()


def test_a_plotly_figure_is_known_by_its_class(sink: MemorySink) -> None:
    figure = _plotly_figure({"data": [{"y": np.arange(50.0)}], "layout": {}})
    value = figure_value(figure)
    assert isinstance(value, Plotly)
    assert _log(value, sink)["path"].endswith(".plotly.json")
    assert json.loads(_file(value, sink)) == {"data": [{"y": [*range(50)]}], "layout": {}}

    class Own(type(figure)):  # type: ignore[misc]
        pass

    assert isinstance(figure_value(Own()), Plotly)


def test_what_is_no_figure_is_refused() -> None:
    with pytest.raises(TypeError, match="no figure of matplotlib, plotly or bokeh"):
        figure_value(object())
    with pytest.raises(ValueError, match="plotly figures"):
        Plotly(5)
    with pytest.raises(TypeError, match="Bokeh document/model"):
        Bokeh("no such file")


def test_a_matplotlib_figure_is_drawn_where_plotly_is_missing(
    sink: MemorySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = pytest.importorskip("matplotlib.figure")
    monkeypatch.setattr(sys, "meta_path", [_Without("plotly"), *sys.meta_path])
    for name in [name for name in sys.modules if name.partition(".")[0] == "plotly"]:
        monkeypatch.delitem(sys.modules, name)
    figure = figures.Figure(figsize=(2, 1), dpi=50)
    axes = figure.add_subplot()
    (line,) = axes.plot([1, 2])
    for part in (figure, axes, line):
        value = figure_value(part)
        line.set_ydata([2, 1])
        json = value._to_run_value(sink, "k", 0)
        assert (json["_type"], json["width"], json["height"]) == ("image-file", 100, 50)
    with pytest.raises(Error, match="pip install plotly"):
        Plotly(figure)
    axes.imshow(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="containing images"):
        Plotly(figure)


class _Without:
    """Finds no module of a package, wherever it is."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] == self._package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_a_matplotlib_figure_becomes_one_of_plotly(sink: MemorySink) -> None:
    figures = pytest.importorskip("matplotlib.figure")
    pytest.importorskip("plotly")
    figure = figures.Figure()
    figure.add_subplot().plot([1, 2, 4])
    value = figure_value(figure)
    figure.clear()
    (trace,) = json.loads(_file(value, sink))["data"]
    assert trace["y"] == [1, 2, 4]


def test_a_bokeh_plot_stays_usable(sink: MemorySink) -> None:
    plotting = pytest.importorskip("bokeh.plotting")
    plot = plotting.figure(title="t")
    plot.line([1, 2], [3, 4])
    first = _file(figure_value(plot), sink)
    assert plot.document is None
    plotting.curdoc().add_root(plot)
    second = json.loads(_file(Bokeh(plot), sink))
    assert second["roots"] == json.loads(first)["roots"]
    assert _file(Bokeh(plotting.curdoc()), sink)


# -- graphs --------------------------------------------------------------------------------------


def test_a_graph_is_what_it_was_when_logged(sink: MemorySink) -> None:
    graph = Graph()
    a, b = graph.add_node(id=1, name="a", size=[2, 3]), graph.add_node(id=2)
    graph.add_edge(a, b)
    graph._snapshot()
    a.name = "changed"
    graph.add_node(id=3)
    assert json.loads(_file(graph, sink)) == {
        "format": "keras",
        "nodes": [{"name": "a", "id": 1, "size": [2, 3]}, {"name": None, "id": 2}],
        "edges": [[1, 2]],
    }
    assert graph[2] is b
    assert (b.functions, b.is_output) == ([], None)
    with pytest.raises(ValueError, match="only pass one"):
        graph.add_node(a, id=5)


class _Layer:
    """A module with children and hooks, as torch has them."""

    def __init__(self, *children: tuple[str, _Layer], shape: tuple[int, ...] = (2, 3)) -> None:
        self._children = children
        self._shape = shape
        self.hooks: list[Callable[..., None]] = []

    def named_children(self) -> Iterator[tuple[str, _Layer]]:
        return iter(self._children)

    def register_forward_hook(self, hook: Callable[..., None]) -> Any:
        if type(self).__name__ == "_Scripted":
            raise RuntimeError("no hooks")
        self.hooks.append(hook)
        return hook

    def size(self) -> tuple[int, ...]:
        return self._shape

    def named_parameters(self) -> list[tuple[str, _Layer]]:
        return [("weight", self)]

    def parameters(self) -> list[_Layer]:
        return [self]

    def run(self) -> None:
        for hook in self.hooks:
            hook(self, (), (self, [self, {"h": self}], None))

    def __str__(self) -> str:
        return "Layer()"


class Sequential(_Layer):
    """A container by its name."""


class _Scripted(_Layer):
    pass


def test_the_layers_of_a_torch_module(sink: MemorySink) -> None:
    first, second = _Layer(), _Layer(shape=(4,))
    model = _Layer(("a", first), ("seq", Sequential(("0", second), ("1", _Scripted()))))
    graph = TorchGraph()
    done: list[TorchGraph] = []
    assert len(graph.watch(model, done=done.append)) == 2
    second.run()
    second.run()
    assert not done
    first.run()
    first.run()
    assert done == [graph]
    nodes = json.loads(_file(graph, sink))["nodes"]
    assert [node["name"] for node in nodes] == ["seq.0", "a"]
    assert nodes[1] == {
        "name": "a",
        "id": id(first),
        "class_name": "Layer()",
        "parameters": [["weight", [2, 3]]],
        "output_shape": [[2, 3], [[2, 3], [[2, 3]]], []],
        "num_parameters": [6],
    }


# -- traces --------------------------------------------------------------------------------------


def test_a_trace_is_what_it_was_when_logged(sink: MemorySink) -> None:
    trace = Trace("t", kind="agent", status_code="error", inputs={"q": 1}, model_dict={"m": 1})
    trace.add_child(Trace("child", model_dict={"n": 2}))
    value = WBTraceTree(trace._span, trace._model_dict)
    logged = value._snapshot()
    trace.name = "later"
    json_ = logged._to_run_value(sink, "k", 0)
    span = json.loads(json_["root_span_dumps"])
    assert (span["name"], span["span_kind"], span["status_code"]) == ("t", "AGENT", "ERROR")
    assert [child["name"] for child in span["child_spans"]] == ["child"]
    assert json.loads(json_["model_dict_dumps"]) == {"m": 1, "child": {"n": 2}}
    assert len(json_["model_hash"]) == 16
    assert not sink.files
    assert json.loads(_log(value, sink)["root_span_dumps"])["name"] == "later"


def test_parts_of_a_trace_are_added_to() -> None:
    trace = Trace("t")
    assert (trace.inputs, trace.outputs, trace.metadata, trace.kind) == (None,) * 4
    trace.inputs = {"a": 1}
    trace.outputs = {"b": 2}
    trace.add_inputs_and_outputs({"c": 3}, {"d": 4})
    assert trace._span.results == [
        Result({"a": 1}, {}),
        Result({"a": 1}, {"b": 2}),
        Result({"c": 3}, {"d": 4}),
    ]
    trace.metadata = {"x": 1}
    trace.add_metadata({"y": 2})
    assert trace.metadata == {"x": 1, "y": 2}
    trace.kind = "tool"
    assert trace.kind == "TOOL"
    with pytest.raises(AssertionError, match="Invalid span kind"):
        trace.kind = "none"


def test_a_span_in_a_circle_is_still_a_row(sink: MemorySink) -> None:
    circle: dict[str, Any] = {}
    circle["self"] = circle
    value = WBTraceTree(Span(name="s"), circle)
    assert _log(value, sink)["model_dict_dumps"] == "{}"


def test_a_trace_needs_a_run() -> None:
    import synadb.wandb_compat  # noqa: F401 - where the run would be

    with pytest.raises(AssertionError, match=r"wandb\.init"):
        Trace("t").log("trace")


# -- imports -------------------------------------------------------------------------------------


def test_no_library_is_imported_before_it_is_needed() -> None:
    names = "audio video html histogram object_3d box3d molecule plotly bokeh graph trace_tree"
    code = "; ".join(f"import synadb.wandb_compat._media.{name}" for name in names.split())
    heavy = "{'numpy', 'PIL', 'matplotlib', 'plotly', 'bokeh', 'rdkit', 'imageio_ffmpeg'}"
    found = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(sorted({heavy} & set(sys.modules)))"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert found.stdout.strip() == "[]"

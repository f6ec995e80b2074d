"""Sounds, videos, pages, point clouds, molecules, figures, graphs, traces under real wandb.

One run of real wandb logs them all. Rows and files are the same here; where ours is other on
purpose, `OTHERWISE` says what it is.
"""

# ruff: noqa: E501 - one case a line

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from synadb.formats.wandb_log import read_wandb_log
from tests.media_sink import MemorySink

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("wandb") is None, reason="real wandb is not installed"
    ),
    pytest.mark.filterwarnings("ignore"),  # those of numpy, plotly and bokeh, under both
]

# Executed in the script of the real one and here, both times beside the same files.
PRELUDE = """
import datetime, decimal, enum, io, pathlib
import numpy as np
rng = np.random.default_rng(0)
def u1(*shape): return np.random.default_rng(1).integers(0, 256, shape, dtype="u1")
def wave(dtype="f8", shape=(1000,), scale=1.2):
    x = np.random.default_rng(2).uniform(-scale, scale, shape)
    return (x * 2**(8 * np.dtype(dtype).itemsize - 2)).astype(dtype) if dtype[0] == "i" else x.astype(dtype)
class Named(io.StringIO):
    name = "cube.obj"
class NamedMolecule(io.StringIO):
    name = "water.pdb"
def box(**more):
    return wandb.box3d(**{"center": (1, 2, 3), "size": (1, 2, 4), "orientation": (0.5, -0.1, 0.3, 2),
                          "color": (1, 0, 0), **more})
def graph():
    g = wandb.Graph()
    a, b = g.add_node(id="a", name="in", size=[3, 4]), g.add_node(id=1, class_name="Dense", num_parameters=[12])
    g.add_edge(a, b)
    return g
def span(**more):
    s = trace_tree.Span(name="s", start_time_ms=1, span_kind=trace_tree.SpanKind.LLM)
    s.add_attribute("a", np.float32(0.5)); s.add_attribute("when", datetime.datetime(2020, 1, 2, 3))
    s.add_attribute("other", [object(), {1, }, decimal.Decimal("1.5"), float("nan"), b"x", np.arange(3)])
    s.add_named_result({"q": 1}, {"a": 2}); s.add_child_span(trace_tree.Span(name="below"))
    return s
def trace():
    t = trace_tree.Trace("t", kind="llm", status_code="success", metadata={"m": 1}, inputs={"q": "?"}, model_dict={"k": 1})
    t.add_child(trace_tree.Trace("u", kind="TOOL", model_dict={"l": 2})); t.metadata = {"n": 2}; t.outputs = {"a": "!"}
    return trace_tree.WBTraceTree(t._span, t._model_dict)
class Layer:
    def __init__(self, name, *sources):
        self.name, self._inbound_nodes = name, [Call(sources)] if sources else []
    output_shape = (None, 3)
    def count_params(self): return 12
class Call:
    def __init__(self, layers): (self.inbound_layers,) = layers
class Keras:
    def __init__(self):
        a = Layer("a"); b = Layer("b", a); c = Layer("c", b)
        self.layers = [a, b, c]
def points(): return np.random.default_rng(3).normal(0, 1e-5, (40, 6))
"""

ALWAYS = """
wandb.Audio("a.mp3")
wandb.Audio(pathlib.Path("a.MP3"), caption="c")
wandb.Audio("none.wav")
wandb.Audio(".")
wandb.Audio(np.zeros(3))
wandb.Audio("https://example.org/a.wav")
wandb.Audio("s3://bucket/a.wav", caption="x")
wandb.Video("v.mp4")
wandb.Video(pathlib.Path("v.mp4"), caption="c", fps=3)
wandb.Video("V.GIF")
wandb.Video("none.mp4")
wandb.Video("a.mp3")
wandb.Video("v")
wandb.Video(io.BytesIO(b"abc"), format="webm")
wandb.Video(io.BytesIO(b"abc"), format="webm", caption="", fps=3)
wandb.Video(io.BytesIO(b"abc"))
wandb.Video(io.BytesIO(b"abc"), format="avi")
wandb.Video([1, 2], format="gif")
wandb.Video(None, format="gif")
wandb.Video(np.zeros((2, 3, 4, 4)), format="avi")
[wandb.Video("v.mp4", caption="a"), wandb.Video("V.GIF")]
[wandb.Video("v.mp4"), wandb.Video("V.GIF", caption="b")]
wandb.Html("<p>x</p>")
wandb.Html("  <html><head><title>é</title></head></html>\\n")
wandb.Html("<html><body>x</body></html>")
wandb.Html("<head>a</head><head>b</head>")
wandb.Html("<HTML><HEAD></HEAD></HTML>")
wandb.Html("")
wandb.Html(" x ", inject=False)
wandb.Html("page.html")
wandb.Html("page.html", inject=False)
wandb.Html("page.html", data_is_not_path=True)
wandb.Html("page.html", inject=False, data_is_not_path=True)
wandb.Html(pathlib.Path("page.html"))
wandb.Html(pathlib.Path("page.html"), inject=False)
wandb.Html(pathlib.Path("page.html"), data_is_not_path=True)
wandb.Html(pathlib.Path("none.html"))
wandb.Html("none.html")
wandb.Html("page.HTML")
wandb.Html("a.mp3")
wandb.Html(io.StringIO("<b>x</b>"))
wandb.Html(open("page.html"))
wandb.Html(5)
wandb.Html(None)
wandb.Html(b"<p>")
[wandb.Html("a"), wandb.Html("b")]
[wandb.Html("a", inject=False)]
wandb.Histogram([1, 2, 3])
wandb.Histogram(np.arange(100.0), num_bins=10)
wandb.Histogram(np.arange(9, dtype="i8").reshape(3, 3), num_bins=3)
wandb.Histogram(np.array([True, False]))
wandb.Histogram([1, float("nan")])
wandb.Histogram([1, float("inf")])
wandb.Histogram([])
wandb.Histogram()
wandb.Histogram(["a"])
wandb.Histogram([1], num_bins=512)
wandb.Histogram([1], num_bins=513)
wandb.Histogram([1], num_bins=0)
wandb.Histogram(np_histogram=np.histogram([1, 2, 2], bins=4))
wandb.Histogram(np_histogram=([1, 2], [0, 1, 2]))
wandb.Histogram(np_histogram=[(1, 2), (0.0, 0.5, 1)])
wandb.Histogram(np_histogram=([np.int64(1)], [np.float32(0), 1]))
wandb.Histogram(np_histogram=([1, 2], [0, 1]))
wandb.Histogram(np_histogram=([1, 2],))
wandb.Histogram(np_histogram=([1] * 513, list(range(514))))
wandb.Histogram([1, 2], np_histogram=())
[wandb.Histogram([1, 2]), wandb.Histogram([3])]
{"in": {"h": wandb.Histogram([1, 2], num_bins=2)}}
wandb.Object3D(points())
wandb.Object3D(points()[:, :4], caption="c")
wandb.Object3D(np.arange(12).reshape(4, 3))
wandb.Object3D(np.arange(12, dtype="f4").reshape(4, 3) / 7)
wandb.Object3D(np.array([[1e-5, -1.5e-5, 9.25e-05, 1e-6, 1e16, 1e15], [1e22, 5e-324, np.nan, np.inf, -np.inf, -0.0]]))
wandb.Object3D(np.zeros((0, 3)))
wandb.Object3D(np.zeros((3, 5)))
wandb.Object3D(np.zeros(3))
wandb.Object3D(np.zeros((1, 3, 3)))
wandb.Object3D([[1, 2, 3]])
wandb.Object3D(None)
wandb.Object3D(5)
wandb.Object3D({"points": points()})
wandb.Object3D({"type": "lidar/beta"})
wandb.Object3D({"type": "lidar/gamma"})
wandb.Object3D({"type": "lidar/beta", "points": points(), "boxes": np.array([box(label="é"), box(score=0.5)])})
wandb.Object3D({"type": "lidar/beta", "points": points()[:2, :3], "vectors": np.array([{"start": [0, 0, 0], "end": [1, 2, 3]}])})
wandb.Object3D.from_point_cloud([[1, 2, 3.5]], [box(), box(label="x")])
wandb.Object3D.from_point_cloud(points(), [], vectors=[{"start": (0, 0, 0), "end": (1, 1, 1)}])
wandb.Object3D.from_point_cloud([], [])
wandb.Object3D.from_point_cloud([[1, 2, 3]], [], point_cloud_type="x")
wandb.Object3D.from_numpy(points())
wandb.Object3D.from_numpy([[1, 2, 3]])
wandb.Object3D.from_numpy(np.zeros((2, 2)))
wandb.Object3D("cube.obj")
wandb.Object3D(pathlib.Path("cube.obj"), caption="c")
wandb.Object3D("cloud.pts.json")
wandb.Object3D("cube.ply")
wandb.Object3D("none.obj")
wandb.Object3D("a.mp3")
wandb.Object3D(open("cube.obj"))
wandb.Object3D(Named("x"))
wandb.Object3D(io.StringIO("v 1 2 3"), file_type="obj")
wandb.Object3D(io.StringIO("[]"), file_type="pts.json")
wandb.Object3D(io.StringIO("v 1 2 3"), file_type="ply")
wandb.Object3D(io.StringIO("v 1 2 3"))
wandb.Object3D.from_file("cube.obj")
wandb.Object3D.from_file(io.StringIO("v"), "stl")
[wandb.Object3D(points()), wandb.Object3D("cube.obj", caption="c")]
wandb.Molecule("water.pdb")
wandb.Molecule(pathlib.Path("water.pdb"), caption="c")
wandb.Molecule("a.mp3")
wandb.Molecule("none.pdb")
wandb.Molecule("water.PDB")
wandb.Molecule(open("water.pdb"))
wandb.Molecule(NamedMolecule("x"))
wandb.Molecule(io.StringIO("C"), file_type="sdf")
wandb.Molecule(io.StringIO("C"), file_type="xyz")
wandb.Molecule(io.StringIO("C"))
wandb.Molecule(5)
[wandb.Molecule("water.pdb", caption="a"), wandb.Molecule("water.pdb")]
[wandb.Molecule("water.pdb"), wandb.Molecule("water.pdb", caption="b")]
wandb.Plotly(5)
wandb.Plotly("x")
wandb.data_types.Bokeh(5)
graph()
wandb.Graph("torch")
wandb.Graph.from_keras(Keras())
graph().add_node(graph().nodes[0], id=3)
[graph(), graph()]
trace_tree.WBTraceTree(span())
trace_tree.WBTraceTree(span(), {"_kind": "x", "é": {1: (1, 2)}})
trace()
trace_tree.Trace("x", kind="no")
trace_tree.Trace("x", status_code="no")
trace_tree.Trace("x", inputs=[1])
trace_tree.Trace("x", outputs=[1])
trace_tree.Trace("x", metadata=[1])
trace_tree.Trace("x", model_dict=[1])
[box()["corners"], box()["color"], box(label="l")["label"]]
box(size=(1, 2))
box(center=1)
box(orientation=(1, 0, 0))
box(orientation=(0, 0, 0, 0))
list(box(orientation=(1e-300, 0, 0, 1e-300))["corners"])
list(box(center=np.arange(3), orientation=[1, 0, 0, 0], size=(0, -1, 1e9))["corners"])
[wandb.Html("a"), wandb.Object3D("cube.obj")]
[wandb.Html("a"), 5]
"""

WITH = {
    "soundfile": """
wandb.Audio(wave(), sample_rate=8000)
wandb.Audio(wave("f4"), sample_rate=44100, caption="c")
wandb.Audio(wave("i2"), sample_rate=44100)
wandb.Audio(wave("i4"), sample_rate=44100)
wandb.Audio(wave(shape=(500, 2)), sample_rate=22050)
wandb.Audio(wave("f4", (50, 7)), sample_rate=np.int64(22050))
wandb.Audio([0.1, -0.5, 1.0], sample_rate=8)
wandb.Audio([[0.1, -0.5], [1.0, 2]], 8)
wandb.Audio(np.zeros(0), sample_rate=8)
wandb.Audio(np.zeros((0, 2)), sample_rate=8)
wandb.Audio(np.arange(-32768, 32768) / 32768, sample_rate=8000)
wandb.Audio((np.arange(-32768, 32768) / 32768).astype("f4"), sample_rate=8000)
wandb.Audio(np.array([np.inf, -np.inf, 1, -1, 0.5 / 32768, 1 - 2**-40]), sample_rate=8000)
wandb.Audio(np.zeros(3, "u1"), sample_rate=8)
wandb.Audio([1, 2], sample_rate=8)
wandb.Audio(np.zeros(3, "f2"), sample_rate=8)
wandb.Audio(np.zeros((2, 2, 2)), sample_rate=8)
wandb.Audio(["a"], sample_rate=8)
wandb.Audio(np.zeros(3), sample_rate=8.0)
wandb.Audio(np.zeros(3), sample_rate="8")
wandb.Audio(np.zeros(()), sample_rate=8)
wandb.Audio(None, sample_rate=8)
wandb.Audio(np.zeros((2, 2000)), sample_rate=8)
wandb.Audio(np.zeros(3), sample_rate=0)
[wandb.Audio("a.mp3", caption="c"), wandb.Audio(wave(), sample_rate=8000)]
[wandb.Audio(wave(), sample_rate=8000), wandb.Audio(wave("i2"), sample_rate=100)]
""",
    "moviepy": """
wandb.Video(u1(5, 3, 8, 12), format="gif")
wandb.Video(u1(5, 3, 8, 12), format="gif", fps=25, caption="c")
wandb.Video(u1(4, 4, 9, 7), format="gif")
wandb.Video(u1(3, 5, 3, 8, 12), format="gif")
wandb.Video(u1(1, 2, 3, 8, 8), format="gif")
wandb.Video(u1(2, 2, 3, 8, 8), format="gif")
wandb.Video(u1(5, 2, 3, 8, 8), format="gif")
wandb.Video(u1(7, 2, 3, 4, 4), format="gif")
wandb.Video(u1(9, 1, 3, 4, 4), format="gif")
wandb.Video(np.concatenate([u1(1, 3, 40, 40)] * 3), format="gif")
wandb.Video(u1(2, 3, 16, 16).astype("f8"), format="gif")
wandb.Video(rng.uniform(0, 1, (2, 3, 16, 16)), format="gif")
wandb.Video(u1(4, 3, 16, 16), format="mp4")
wandb.Video(u1(4, 3, 15, 17), format="mp4")
wandb.Video(u1(3, 4, 3, 16, 16), format="mp4")
wandb.Video(u1(4, 3, 16, 16), format="webm")
wandb.Video(np.zeros((3, 8, 8)), format="gif")
wandb.Video(np.zeros((1, 1, 1, 3, 8, 8)), format="gif")
wandb.Video(u1(2, 3, 8, 8))
wandb.Video(u1(2, 1, 8, 8), format="gif")
wandb.Video(np.zeros((0, 3, 8, 8)), format="gif")
wandb.Video(u1(2, 3, 8, 8), format="ogg")
""",
    "plotly": """
go().Figure(go().Scatter(x=np.arange(3), y=[1e-5, 2e-7, float("nan")], text=["é", None, '"e-05'], customdata=[datetime.datetime(2020, 1, 1)] * 3))
wandb.Plotly(go().Figure(go().Heatmap(z=np.arange(50.0).reshape(5, 10))))
go().Figure()
wandb.Plotly.make_plot_media(line_figure())
go().Scatter(x=[1])
line_figure()
line_figure().axes[0]
line_figure().axes[0].lines[0]
image_figure()
wandb.Plotly(image_figure())
[wandb.Plotly(go().Figure()), wandb.Plotly(go().Figure(go().Bar(y=[1, 2])))]
""",
    "bokeh": """
wandb.data_types.Bokeh(bokeh_figure())
wandb.data_types.Bokeh("plot.bokeh.json")
wandb.data_types.Bokeh("none.bokeh.json")
wandb.data_types.Bokeh(None)
""",
    "rdkit": """
wandb.Molecule.from_smiles("CCO", convert_to_3d_and_optimize=False)
wandb.Molecule.from_smiles("no")
wandb.Molecule.from_smiles("CC", caption="c", convert_to_3d_and_optimize=False)
wandb.Molecule.from_rdkit("ethanol.mol", convert_to_3d_and_optimize=False)
wandb.Molecule.from_rdkit("water.pdb")
wandb.Molecule.from_rdkit(5)
""",
}

FIGURES = """
def go():
    import plotly.graph_objects
    return plotly.graph_objects
def line_figure():
    import matplotlib.pyplot
    from matplotlib.figure import Figure
    figure = Figure(); figure.add_subplot().plot([1, 2, 3], [1, 4, 9], label="l")
    return figure
def image_figure():
    import matplotlib.pyplot
    from matplotlib.figure import Figure
    figure = Figure(); figure.add_subplot().imshow(np.zeros((4, 4)))
    return figure
def bokeh_figure():
    from bokeh.plotting import figure
    plot = figure(title="é"); plot.line([1, 2, 3], np.array([1.5, 2, float("nan")]))
    return plot
"""

# What ours does where it is other: an error's name, or "kept", with the reason.
OTHERWISE = {
    "wandb.Audio(np.zeros(()), sample_rate=8)": "ValueError",  # not an IndexError from inside
    "wandb.Audio(None, sample_rate=8)": "ValueError",
    "wandb.Audio(np.zeros((2, 2000)), sample_rate=8)": "ValueError",  # not one of soundfile's own
    "wandb.Audio(np.zeros(3), sample_rate=0)": "ValueError",
    "wandb.Video(u1(2, 3, 8, 8))": "kept",  # a GIF, as before 0.25
    'wandb.Video(u1(2, 1, 8, 8), format="gif")': "kept",  # grey
    'wandb.Video(np.zeros((0, 3, 8, 8)), format="gif")': "ValueError",
    'wandb.Video(u1(2, 3, 8, 8), format="ogg")': "kept",  # real names a codec for sound
    "wandb.data_types.Bokeh(5)": "TypeError",  # with and without bokeh
    "wandb.data_types.Bokeh(None)": "TypeError",
    'wandb.data_types.Bokeh("none.bokeh.json")': "TypeError",
}

# The bytes of these differ and what they show does not.
DECODED = (".mp4", ".webm")

SCRIPT = """
import json, os, sys
import wandb
from wandb.sdk.data_types import trace_tree
exec(open("prelude.py", encoding="utf-8").read())
errors = {}
run = wandb.init()
for at, text in enumerate(json.load(open("cases.json", encoding="utf-8"))):
    try:
        run.log({f"k{at}": eval(text)}, step=at)
    except Exception as error:
        errors[text] = type(error).__name__
json.dump(errors, open("errors.json", "w"))
run.finish()
"""


def _cases() -> list[str]:
    texts = ALWAYS
    for package, more in WITH.items():
        if importlib.util.find_spec(package) is not None:
            texts += more
    return [line for line in texts.splitlines() if line]


CASES = _cases()


class _Real:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.errors: dict[str, str] = json.loads((folder / "errors.json").read_text())
        (log,) = folder.glob("wandb/offline-run-*/*.wandb")
        self.rows: dict[int, Any] = {}
        for row in read_wandb_log(log).history:
            self.rows[row["_step"]] = {k: v for k, v in row.items() if not k.startswith("_")}
        self.files = log.parent / "files"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> _Real:
    folder = tmp_path_factory.mktemp("real")
    _prepare(folder)
    (folder / "cases.json").write_text(json.dumps(CASES), encoding="utf-8")
    (folder / "prelude.py").write_text(PRELUDE + FIGURES, encoding="utf-8")
    (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    subprocess.run(
        [sys.executable, "-W", "ignore", "script.py"],
        cwd=folder,
        env={**os.environ, "WANDB_MODE": "offline", "WANDB_SILENT": "true", "MPLBACKEND": "agg"},
        check=True,
        capture_output=True,
        timeout=110,
    )
    return _Real(folder)


def _prepare(folder: Path) -> None:
    for name in ("a.mp3", "a.MP3", "v.mp4", "V.GIF", "v"):
        (folder / name).write_bytes(b"content of " + name.encode())
    for name in ("page.html", "page.HTML"):
        (folder / name).write_bytes("<html><head></head>é\r\n</html>\n".encode())
    (folder / "cube.obj").write_text("v 1 2 3\n")
    (folder / "cube.ply").write_text("ply\n")
    (folder / "cloud.pts.json").write_text("[[1, 2, 3]]")
    (folder / "water.pdb").write_text("HETATM\n")
    (folder / "water.PDB").write_text("HETATM\n")
    (folder / "ethanol.mol").write_text(MOL)
    if importlib.util.find_spec("bokeh") is not None:
        document = importlib.import_module("bokeh.document").Document()
        text = json.dumps(document.to_json(deferred=False))
        (folder / "plot.bokeh.json").write_text(text, encoding="utf-8")


MOL = """
     RDKit          2D

  2  1  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0  0  0  0  0  0  0  0  0  0  0
    1.2990    0.7500    0.0000 O   0  0  0  0  0  0  0  0  0  0  0  0
  1  2  1  0
M  END
"""


def _namespace() -> dict[str, Any]:
    from types import SimpleNamespace

    from synadb.wandb_compat._media import trace_tree
    from synadb.wandb_compat._media.audio import Audio
    from synadb.wandb_compat._media.bokeh import Bokeh
    from synadb.wandb_compat._media.box3d import box3d
    from synadb.wandb_compat._media.graph import Graph
    from synadb.wandb_compat._media.histogram import Histogram
    from synadb.wandb_compat._media.html import Html
    from synadb.wandb_compat._media.molecule import Molecule
    from synadb.wandb_compat._media.object_3d import Object3D
    from synadb.wandb_compat._media.plotly import Plotly
    from synadb.wandb_compat._media.video import Video

    names = SimpleNamespace(
        Audio=Audio,
        Graph=Graph,
        Histogram=Histogram,
        Html=Html,
        Molecule=Molecule,
        Object3D=Object3D,
        Plotly=Plotly,
        Video=Video,
        box3d=box3d,
        data_types=SimpleNamespace(Bokeh=Bokeh),
    )
    namespace = {"wandb": names, "trace_tree": trace_tree}
    exec(PRELUDE + FIGURES, namespace)
    return namespace


def _stored(value: Any, sink: MemorySink, key: str, step: int) -> Any:
    """What a row keeps of a value, in the order of the calls that log makes."""
    from synadb.wandb_compat._media.base import BatchableMedia
    from synadb.wandb_compat._media.plotly import figure_value
    from synadb.wandb_compat._values import history_value

    def media(value: Any, path: tuple[str, ...]) -> Any:
        name = path[-1] if path else key
        if not isinstance(value, list):
            return _captured(value)._to_run_value(sink, name, step)
        items = [_captured(item) for item in value]
        if isinstance(items[0], BatchableMedia) and len({type(item) for item in items}) == 1:
            return type(items[0])._list_to_run_value(items, sink, name, step)
        return [item._to_run_value(sink, name, step) for item in items]

    def _captured(value: Any) -> Any:
        if not hasattr(type(value), "_to_run_value"):
            value = figure_value(value)
        return value._snapshot() if hasattr(value, "_snapshot") else value

    return history_value(value, media)


@pytest.mark.parametrize("case", CASES)
def test_row_and_files(case: str, real: _Real, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(real.folder)
    monkeypatch.setenv("WANDB_SILENT", "true")
    at = CASES.index(case)
    sink = MemorySink()
    ours: Any = None
    try:
        ours = _stored(eval(case, _namespace()), sink, f"k{at}", at)
        outcome = "kept"
    except Exception as error:  # noqa: BLE001 - its name is compared
        outcome = type(error).__name__
    assert outcome == OTHERWISE.get(case, real.errors.get(case, "kept"))
    if case in OTHERWISE or outcome != "kept":
        return
    theirs = real.rows[at][f"k{at}"]
    assert _bare(ours, case) == _bare(theirs, case)
    _compare_files(sink, real, at)


def _bare(value: Any, case: str) -> Any:
    """JSON without the counters in file names, and without digests where bytes differ."""
    text = json.dumps(value, sort_keys=True)
    text = re.sub(r"\b(k\d+)_\d+_", r"\1_0_", text)
    if "mp4" in case or "webm" in case or "bokeh_figure" in case:
        text = re.sub(r'(?<="sha256": )"\w+"|(?<="size": )\d+', "0", text)
        text = re.sub(r"_[0-9a-f]{20}\b", "", text)
    return json.loads(text)


def _compare_files(sink: MemorySink, real: _Real, at: int) -> None:
    for path, content in sink.files.items():
        name = re.escape(path.rsplit("/", 1)[1])
        pattern = re.sub(rf"^k{at}_\d+_", rf"k{at}_\\d+_", name)
        folder = real.files / path.rsplit("/", 1)[0]
        extension = path[path.index(".") :]
        found = [file for file in folder.iterdir() if re.fullmatch(pattern, file.name)]
        if not found:  # another digest
            found = [*folder.glob(f"k{at}_*{extension}")]
        assert len(found) == 1, path
        theirs = found[0].read_bytes()
        if extension == ".bokeh.json":
            assert _without_ids(content) == _without_ids(theirs)
        elif extension in DECODED and len(content) > 100:
            _same_frames(content, theirs, extension)
        else:
            assert content == theirs


def _without_ids(content: bytes) -> Any:
    numbers: dict[str, str] = {}
    text = re.sub(
        rb'"p(\d+)"',
        lambda match: (
            f'"{numbers.setdefault(match.group().decode(), f"id{len(numbers)}")}"'.encode()
        ),
        content,
    )
    return json.loads(text)


def _same_frames(ours: bytes, theirs: bytes, extension: str) -> None:
    import numpy as np

    first, second = _frames(ours, extension), _frames(theirs, extension)
    assert len(first) == len(second) > 0
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one[0], other[0])
        assert one[1] == other[1]


def _frames(content: bytes, extension: str) -> list[Any]:
    import tempfile

    import numpy as np

    imageio = pytest.importorskip("imageio.v2")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"video{extension}"
        path.write_bytes(content)
        with imageio.get_reader(path, format="ffmpeg", mode="I") as reader:
            fps = reader.get_meta_data()["fps"]
            return [(np.asarray(frame), fps) for frame in reader]

"""Images under real wandb: rows, files, labels in the config and errors are the same from both."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synadb.formats.wandb_log import read_wandb_log
from synadb.wandb_compat._media.image import BoundingBoxes2D, Classes, Image, ImageMask
from tests.media_sink import MemorySink

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("wandb", "matplotlib")),
    reason="real wandb or matplotlib is not installed",
)

# Executed in the script of the real one and here, in the same folder.
PRELUDE = """
import io, pathlib
import numpy as np
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
from PIL import Image as P, PngImagePlugin
rgb = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
gray = rgb[:, :, 0].copy()
rgba = np.dstack([rgb, gray])
big = np.zeros((64, 512, 3), np.uint8)
big[::3] = 200
class Tensor:
    def __init__(self, array, grad=False):
        self.array, self.requires_grad = np.asarray(array), grad
    shape = property(lambda self: self.array.shape)
    ndim = property(lambda self: self.array.ndim)
    dtype = property(lambda self: "torch." + str(self.array.dtype))
    def detach(self): return Tensor(self.array)
    def cpu(self): return self
    def to(self, kind): return Tensor(self.array.astype(kind))
    def permute(self, *axes):
        if len(axes) != self.ndim: raise RuntimeError("permute")
        return Tensor(self.array.transpose(axes))
    def numpy(self):
        if self.requires_grad: raise RuntimeError("grad")
        return self.array
    def tolist(self): return self.array.tolist()
    def __len__(self): return len(self.array)
Tensor.__module__ = "torch"
class EagerTensor:
    def __init__(self, array): self.array = array
    def numpy(self): return self.array
EagerTensor.__module__ = "tensorflow.python.framework.ops"
chw = np.ascontiguousarray(rgb.transpose(2, 0, 1))
def plot():
    plt.close("all")
    figure, axes = plt.subplots(figsize=(2, 1.5))
    axes.plot([1, 3, 2])
    return figure
def save(name, image, **how):
    image.save(name, **how)
    return name
palette = P.fromarray(rgb).convert("P", palette=P.Palette.ADAPTIVE)
info = PngImagePlugin.PngInfo()
info.add_text("a", "b")
exif = P.Exif()
exif[0x0112] = 6
save("a.png", P.fromarray(rgb), pnginfo=info, dpi=(72, 72), exif=exif)
save("p.png", palette, transparency=3)
save("b.JPG", P.fromarray(rgb), quality=50, exif=exif, comment=b"hello", icc_profile=b"abc")
save("c.jpeg", P.fromarray(gray))
save("d.bmp", P.fromarray(rgb))
save("e.gif", palette, save_all=True, append_images=[palette.rotate(90)])
save("f.tiff", P.fromarray(rgb), exif=exif)
save("g.webp", P.fromarray(rgb))
save("noext", P.fromarray(rgb), format="PNG")
save("two.dots.png", P.fromarray(rgb))
pathlib.Path("text.png").write_text("no image")
for name in ("a.png", "b.JPG", "d.bmp", "f.tiff"):
    pathlib.Path(f"cut {name}").write_bytes(pathlib.Path(name).read_bytes()[:-200])
def box(**more):
    return {"position": {"minX": 0.1, "maxX": 0.5, "minY": 0, "maxY": 1}, "class_id": 1, **more}
def boxes(*all, **more):
    return {"p": {"box_data": list(all), **more}}
middle = {"middle": [3, 4], "width": 2, "height": 1.5}
def masks(data, **more):
    return {"p": {"mask_data": np.asarray(data), **more}}
ids = (gray // 64).astype(np.int64)
def old():
    classes = [{"id": 1, "name": "x"}]
    return Image(rgb, caption="old", grouping=2, classes=classes, boxes=boxes(box()))
"""

# Each is logged under a key of its own.
CASES = """
Image(rgb)
Image(gray)
Image(rgba)
Image(gray[:, :, None])
Image(rgb[None])
Image(rgba[None, :, :, None])
Image(rgb[:1])
Image(rgb[:, :1])
Image(rgb[0, :4, 0])
Image(rgb[:4, :1, 0])
Image(rgb.astype("i8"))
Image(rgb.astype("f4"))
Image(rgb.astype("u2"))
Image(rgb[::2, ::-1])
Image(np.asfortranarray(rgb))
Image(gray.astype(object))
Image(gray.astype(str))
Image(gray.astype(complex))
Image(np.ma.array(gray))
Image(big)
Image(big, file_type="jpg")
Image(rgb, file_type="png")
Image(rgb, file_type="jpeg")
Image(rgb, file_type="bmp")
Image(gray, file_type="jpg")
Image(gray, file_type="bmp")
Image(rgba, file_type="jpg")
Image(rgba, file_type="bmp")
Image(rgb, file_type="gif")
Image(rgb, file_type="PNG")
Image(rgb, file_type="")
Image(rgb, mode="L")
Image(rgb, mode="1")
Image(rgb, mode="P")
Image(rgb, mode="RGBA")
Image(gray, mode="RGB")
Image(rgba, mode="RGB")
Image(rgba, mode="P")
Image(rgba[:, :, :2], mode="LA")
Image(rgba, mode="LA", file_type="png")
Image(rgb, "L")
Image(rgb, mode="HSV")
Image(rgb, mode="CMYK")
Image(rgb, mode="CMYK", file_type="jpg")
Image(rgb, mode="F")
Image(rgb, mode="nope")
Image(rgb, mode="RGBA", file_type="jpg")
Image(rgba[:, :, :2])
Image(rgb[:, :2, :, None] + np.zeros((1, 1, 1, 2)))
Image(chw)
Image(np.zeros((2, 5, 5, 3)))
Image(np.zeros((2, 5, 5, 2)))
Image(np.zeros((5, 5, 5)), mode="L")
Image(np.zeros((0, 5)))
Image(np.zeros((5, 0, 3)))
Image(np.zeros(5))
Image(np.zeros(()))
Image(np.array([["a"]]))
Image(np.array([[None, 1]]))
Image([[1, 2]])
Image(((1, 2), (3, 4)))
Image(3)
Image(None)
Image({})
Image(Tensor(chw))
Image(Tensor(chw, grad=True))
Image(Tensor(chw.astype("f4")))
Image(Tensor(chw[:1]))
Image(Tensor(rgba.transpose(2, 0, 1)))
Image(Tensor(rgba.transpose(2, 0, 1)), file_type="jpg")
Image(Tensor(chw), mode="L")
Image(Tensor(gray))
Image(Tensor(rgb))
Image(Tensor(chw[None]))
Image(Tensor(np.stack([chw, chw])))
Image(Tensor(chw[:2]))
Image(EagerTensor(rgb))
Image(P.fromarray(rgb))
Image(P.fromarray(rgba))
Image(P.fromarray(gray))
Image(palette)
Image(P.fromarray(gray).convert("1"))
Image(P.fromarray(gray).convert("1"), file_type="jpg")
Image(P.fromarray(gray).convert("LA").convert("La"), file_type="jpg")
Image(P.fromarray(gray).convert("LA"))
Image(P.fromarray(rgb), file_type="jpg")
Image(palette, file_type="bmp")
Image(P.fromarray(gray.astype("u2") * 200))
Image(P.fromarray(gray.astype("i4") * 70000))
Image(P.fromarray(rgb).convert("HSV"))
Image(P.fromarray(rgb).convert("CMYK"))
Image(P.fromarray(rgb).convert("CMYK"), file_type="jpg")
Image(P.fromarray(rgb).convert("F"))
Image(P.open("a.png"))
Image(P.open("p.png"))
Image(P.open("b.JPG"))
Image(P.open("b.JPG"), file_type="jpg")
Image(P.open("c.jpeg"))
Image(P.open("e.gif"))
Image(P.open("f.tiff"))
Image(P.new("RGB", (0, 3)))
Image("a.png")
Image(pathlib.Path("p.png"))
Image("b.JPG")
Image("c.jpeg", file_type="png", mode="L")
Image("d.bmp")
Image("e.gif")
Image("f.tiff")
Image("g.webp")
Image("noext")
Image("two.dots.png", file_type="gif")
Image("./a.png", caption="x")
Image("missing.png")
Image("")
Image(".")
Image("text.png")
Image("cut a.png")
Image("cut b.JPG")
Image("cut d.bmp")
Image("cut f.tiff")
Image("http://example.com/a.png")
Image("s3://bucket/a.png")
[Image("gs://bucket/a.png")]
Image(pathlib.Path("http://example.com/a.png"))
Image(plot())
Image(plot().axes[0])
Image(plot() and plt)
Image(plot().axes[0].lines[0])
Image(plot(), file_type="jpg")
Image(plot(), caption="plot")
Image(matplotlib.cm)
Image(rgb, caption="a")
Image(rgb, caption="")
Image(rgb, caption=3)
Image(rgb, caption="<b>é\\u202e\\n")
Image(rgb, grouping=1)
Image(rgb, grouping=0)
Image(rgb, None, "positional", 4)
Image(rgb, classes=[{"id": 1, "name": "x"}])
Image(rgb, classes=[])
Image(rgb, classes=Classes([{"id": 1, "name": "x"}]))
Image(rgb, classes=[{"id": 1}])
Image(rgb, classes=[1])
Image(rgb, classes=3)
Classes([{"id": 1}])
Classes([{"id": 1, "name": "x"}])
Image(old())
Image(old(), grouping=3)
Image(old(), boxes=boxes(box(class_id=2)))
Image(old(), mode="L", file_type="jpg")
Image(rgb, boxes=boxes())
Image(rgb, boxes=boxes(box()))
Image(rgb, boxes=boxes(box(class_id=5), box(), box(class_id=True)))
Image(rgb, boxes=boxes(box(box_caption="é", scores={"a": 1, "b": 0.5}, domain="pixel")))
Image(rgb, boxes=boxes({"position": middle, "class_id": 2}))
Image(rgb, boxes=boxes({"position": {**middle, "middle": np.array([1, 2])}, "class_id": 2}))
Image(rgb, boxes=boxes({"position": {**middle, "middle": Tensor([1, 2])}, "class_id": 2}))
Image(rgb, boxes=boxes({"position": {**middle, "width": np.float32(0.1)}, "class_id": 2}))
Image(rgb, boxes=boxes(box(scores={"a": float("nan")})))
Image(rgb, boxes=boxes(box(extra=[1, {"a": np.int64(3)}])))
Image(rgb, boxes=boxes(box(), class_labels={1: "one", 2.5: "half"}))
Image(rgb, boxes=boxes({"position": middle}, class_labels={}))
Image(rgb, boxes={**boxes(box()), "q": {"box_data": [box()], "class_labels": {1: "é"}}})
Image(rgb, boxes={"p": BoundingBoxes2D(boxes(box())["p"], "other")})
Image(rgb, boxes={})
Image(rgb, boxes=[1])
Image(rgb, boxes={"p": 3})
Image(rgb, boxes={"p": {}})
Image(rgb, boxes={"p": {"box_data": 3}})
Image(rgb, boxes={"p": {"box_data": (box(),)}})
Image(rgb, boxes=boxes({}))
Image(rgb, boxes=boxes(3))
Image(rgb, boxes=boxes({"position": {"minX": 0, "maxX": 1, "minY": 0}, "class_id": 1}))
Image(rgb, boxes=boxes({"position": {**middle, "middle": [1]}, "class_id": 1}))
Image(rgb, boxes=boxes({"position": {**middle, "middle": 3}, "class_id": 1}))
Image(rgb, boxes=boxes({"position": {**middle, "width": "3"}, "class_id": 1}))
Image(rgb, boxes=boxes({"position": middle}))
Image(rgb, boxes=boxes(box(class_id="a")))
Image(rgb, boxes=boxes(box(class_id=np.int64(1))))
Image(rgb, boxes=boxes(box(scores=3)))
Image(rgb, boxes=boxes(box(scores={3: 3})))
Image(rgb, boxes=boxes(box(scores={"a": "3"})))
Image(rgb, boxes=boxes(box(box_caption=3)))
Image(rgb, boxes=boxes(box(extra=object())))
Image(rgb, boxes=boxes(box(), class_labels={"a": "b"}))
Image(rgb, boxes=boxes(box(), class_labels={1: 2}))
Image(rgb, boxes=boxes(box(), class_labels=[1]))
Image(rgb, masks=masks(ids))
Image(rgb, masks=masks(gray))
Image(rgb, masks=masks(ids.astype("f4") + 0.5))
Image(rgb, masks=masks(ids > 1))
Image(rgb, masks=masks(ids, class_labels={0: "zero", 1: "é"}))
Image(rgb, masks=masks(ids, class_labels={}))
Image(rgb, masks={**masks(ids), "q": {"mask_data": ids[:2], "class_labels": {1: "x"}}})
Image(rgb, masks={"p": {"mask_data": Tensor(ids)}})
Image(rgb, masks={"p": {"path": "a.png"}})
Image(rgb, masks={"p": {"path": "b.JPG", "class_labels": {1: "x"}}})
Image(rgb, masks={"p": ImageMask(masks(ids)["p"], "other")})
Image(rgb, masks=masks(ids), boxes=boxes(box()), caption="all", grouping=7)
Image(rgb, masks={})
Image(rgb, masks=[1])
Image(rgb, masks={"p": 3})
Image(rgb, masks={"p": {}})
Image(rgb, masks={"p": {"mask_data": [[1]]}})
Image(rgb, masks={"p": {"mask_data": [[1]], "class_labels": {}}})
Image(rgb, masks=masks(rgb))
Image(rgb, masks=masks([1]))
Image(rgb, masks=masks([[300]]))
Image(rgb, masks=masks([[-1]]))
Image(rgb, masks=masks([[float("nan")]]))
Image(rgb, masks=masks([["a"]]))
Image(rgb, masks=masks(np.zeros((0, 3))))
Image(rgb, masks=masks(ids, class_labels={"a": "b"}))
Image(rgb, masks=masks(ids, class_labels={1: 2}))
Image(rgb, masks=masks(ids, class_labels=[1]))
Image(rgb, masks={"p": {"path": "missing.png"}})
ImageMask(masks(ids)["p"], "alone")
BoundingBoxes2D(boxes(box())["p"], "alone")
[Image(rgb), Image(gray)]
[Image(rgb)]
(Image(rgb), Image(rgb, file_type="jpg"), Image("b.JPG"))
[Image(rgb, caption="a"), Image(gray), Image(gray, caption="c")]
[Image(rgb), Image(rgb, caption="c")]
[Image(rgb, caption=""), Image(rgb)]
[Image(rgb, grouping=3), Image(rgb, grouping=4)]
[Image(rgb, masks=masks(ids)), Image(rgb), Image(rgb, boxes=boxes(box()))]
[Image(rgb, masks=masks(ids), boxes=boxes(box(), class_labels={1: "u"}))] * 2
[Image(np.full((2, 2), i)) for i in range(2, 130)]
""".strip().splitlines()

# Where ours is other than real wandb's, and why. What ours is: tests/test_media_image.py.
BETTER = {
    # One pixel is a picture, too.
    "Image(rgb[None, :1, :1, :1])": "",
    # `mode=` of an image of Pillow's is taken, and what JPEG cannot keep becomes RGB.
    'Image(P.fromarray(rgb), mode="L")': "",
    'Image(P.fromarray(rgba), file_type="jpg")': "",
    'Image(palette, file_type="jpg")': "",
    # The caption that is given is the one that counts.
    'Image(old(), caption="new")': "",
    # The scale up to wandb 0.28.
    "Image(rgb / 255)": "",
    "Image(rgb / 127.5 - 1)": "",
    "Image(rgb.astype(int) * 3 - 100)": "",
    "Image(gray > 128)": "",
    "Image((gray > 128).astype(int))": "",
    # Bytes and open files.
    'Image(pathlib.Path("a.png").read_bytes())': "",
    'Image(io.BytesIO(pathlib.Path("b.JPG").read_bytes()))': "",
    # `savefig` knows no BMP.
    'Image(plot(), file_type="bmp")': "",
}

SCRIPT = """
import glob, json, wandb
errors = {}
run = wandb.init(project="p")
for number, case in enumerate(CASES):
    try:
        run.log({f"k{number}": eval(case)})
    except Exception as error:
        names = [kind.__name__ for kind in type(error).__mro__]
        errors[number] = [names, str(error)]
labels = {key: value for key, value in run._config["_wandb"].items() if "labels" in key}
run.finish()
[path] = glob.glob("wandb/offline-run-*/*.wandb")
print(json.dumps([path, errors, labels]))
"""


@dataclass
class Outcome:
    """What became of one case."""

    error: list[str] = field(default_factory=list)
    message: str = ""
    json: Any = None
    files: dict[str, bytes] = field(default_factory=dict)
    labels: dict[str, Any] = field(default_factory=dict)


ALL = [*CASES, *BETTER]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images")


@pytest.fixture(scope="module")
def real(folder: Path) -> list[Outcome]:
    script = folder / "script.py"
    names = "from wandb import Classes, Image\n"
    names += "from wandb.data_types import BoundingBoxes2D, ImageMask\n"
    script.write_text(f"{names}{PRELUDE}\nCASES = {ALL!r}\n{SCRIPT}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)],
        cwd=folder,
        env={**os.environ, "WANDB_MODE": "offline", "WANDB_SILENT": "true"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    path, errors, labels = json.loads(done.stdout.splitlines()[-1])
    log = read_wandb_log(folder / path)
    assert not log.problems
    values: dict[str, Any] = {}
    for row in log.history:
        values.update(row)
    files = (folder / path).parent / "files"
    outcomes = []
    for number in range(len(ALL)):
        error, message = errors.get(str(number), ([], ""))
        outcome = Outcome(error, message, values.get(f"k{number}"))
        for found in _paths(outcome.json):
            outcome.files[found] = (files / found).read_bytes()
        outcome.labels = _labels(labels, f"k{number}")
        outcomes.append(outcome)
    return outcomes


@pytest.fixture(scope="module")
def names(folder: Path, real: list[Outcome]) -> dict[str, Any]:
    given = SimpleNamespace(
        Image=Image, Classes=Classes, BoundingBoxes2D=BoundingBoxes2D, ImageMask=ImageMask
    )
    space: dict[str, Any] = {"__name__": "__main__", **vars(given)}
    here = os.getcwd()
    os.chdir(folder)
    try:
        exec(compile(PRELUDE, "prelude", "exec", dont_inherit=True), space)
    finally:
        os.chdir(here)
    return space


def ours_of(number: int, names: dict[str, Any]) -> Outcome:
    sink = MemorySink()
    key = f"k{number}"
    try:
        value = eval(ALL[number], names)
        if isinstance(value, list | tuple):
            captured = [item._snapshot() for item in value]
            made = type(value[0])._list_to_run_value(captured, sink, key, 0)
        else:
            value = value._snapshot() if hasattr(value, "_snapshot") else value
            made = value._to_run_value(sink, key, 0)
    except Exception as error:  # noqa: BLE001 (its class is what is compared)
        return Outcome([kind.__name__ for kind in type(error).__mro__], str(error))
    made = json.loads(json.dumps(made))
    assert set(_paths(made)) <= sink.files.keys()
    files = {path: sink.files[path] for path in _paths(made)}
    return Outcome([], "", made, files, _labels(sink.config, key))


@pytest.mark.parametrize("number", range(len(CASES)), ids=CASES)
def test_same(
    number: int,
    real: list[Outcome],
    names: dict[str, Any],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numpy, about complex numbers
        ours = ours_of(number, names)
    theirs = real[number]
    if theirs.error:
        assert theirs.error[0] in ours.error, (ours, theirs)
        return
    assert not ours.error, (ours.error, ours.message)
    assert _plain(ours.json) == _plain(theirs.json)
    assert _plain(ours.labels) == _plain(theirs.labels)
    assert {_plain(path): data for path, data in ours.files.items()} == {
        _plain(path): data for path, data in theirs.files.items()
    }


@pytest.mark.parametrize("number", range(len(CASES), len(ALL)), ids=BETTER)
def test_better(
    number: int,
    real: list[Outcome],
    names: dict[str, Any],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    ours = ours_of(number, names)
    theirs = real[number]
    assert not ours.error
    assert theirs.error or _plain(ours.json) != _plain(theirs.json), "no longer different"


def _paths(value: Any) -> list[str]:
    """All paths of files in the JSON of a value."""
    if isinstance(value, list):
        return [path for inner in value for path in _paths(inner)]
    if not isinstance(value, dict):
        return []
    own = [value["path"]] if isinstance(value.get("path"), str) else []
    return [*own, *value.get("filenames", []), *_paths(list(value.values()))]


def _labels(config: dict[str, Any], key: str) -> dict[str, Any]:
    """What the config has of labels below a key of the row."""
    return {
        f"{kind} {name}": value
        for kind in ("mask/class_labels", "bounding_box/class_labels")
        for name, value in config.get(kind, {}).items()
        if name.startswith(f"{key}_wandb_delimeter_")
    }


def _plain(value: Any) -> Any:
    """The step in the name of a file, which counts calls, is left out."""
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, str):
        return re.sub(r"_\d+_([0-9a-f]{20}\b)", r"_N_\1", value)
    return value

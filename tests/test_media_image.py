"""Images: how values become pixels, and that what is logged is what was passed, and only that."""

from __future__ import annotations

import copy
import gc
import hashlib
import io
import json
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as PILImage

from synadb.media.image import Picture, picture, to_uint8
from synadb.wandb_compat._media.image import BoundingBoxes2D, Classes, Image, ImageMask
from tests.media_sink import MemorySink

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
GRAY = RGB[:, :, 0].copy()
RGBA = np.dstack([RGB, GRAY])
BOX = {"position": {"minX": 0.1, "maxX": 0.5, "minY": 0, "maxY": 1}, "class_id": 1}


def pixels(image: Image) -> np.ndarray[Any, Any]:
    assert image.image is not None
    return np.asarray(image.image)


def logged(image: Image, sink: MemorySink | None = None) -> tuple[dict[str, Any], bytes]:
    """What the row has, and the file."""
    sink = sink or MemorySink()
    made = image._snapshot()._to_run_value(sink, "k", 0)
    json.dumps(made)
    return made, sink.files[made["path"]]


def png(array: np.ndarray[Any, Any]) -> bytes:
    target = io.BytesIO()
    PILImage.fromarray(array).save(target, "PNG")
    return target.getvalue()


# -- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g"])
def test_floats_from_zero_to_one(dtype: str) -> None:
    values = np.array([[0, 0.25, 0.5, 1]], dtype)
    assert to_uint8(values).tolist() == [[0, 63, 127, 255]]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_floats_from_minus_one_to_one(dtype: str) -> None:
    assert to_uint8(np.array([[-1, 0, 1]], dtype)).tolist() == [[0, 127, 255]]


@pytest.mark.parametrize("dtype", ["i2", "i8", "f4", "f8"])
def test_other_numbers_are_clipped(dtype: str) -> None:
    assert to_uint8(np.array([[-300, -2, 0, 7, 255, 300]], dtype)).tolist() == [
        [0, 0, 0, 7, 255, 255]
    ]


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8"])
def test_whole_numbers_follow_the_rule_too(dtype: str) -> None:
    assert to_uint8(np.array([[0, 1]], dtype)).tolist() == [[0, 255]]
    assert to_uint8(np.array([[-1, 0, 1]], dtype)).tolist() == [[0, 127, 255]]
    assert to_uint8(np.array([[-100, 100]], dtype)).tolist() == [[0, 100]]


def test_bytes_are_never_scaled() -> None:
    assert to_uint8(np.array([[0, 1]], np.uint8)).tolist() == [[0, 1]]


def test_true_is_white() -> None:
    assert pixels(Image(GRAY > 100)).tolist() == np.where(GRAY > 100, 255, 0).tolist()


def test_normalize_false_casts() -> None:
    assert to_uint8(np.array([[0.5, 1, 3.9, 200]]), normalize=False).tolist() == [[0, 1, 3, 200]]
    assert pixels(Image(np.ones((2, 2)), normalize=False)).max() == 1
    assert to_uint8(np.array([[True]]), normalize=False).tolist() == [[1]]


def test_what_is_missing_is_black_and_has_no_part_in_the_range() -> None:
    nan, inf = np.nan, np.inf
    assert to_uint8(np.array([[nan, 0, 1]])).tolist() == [[0, 0, 255]]
    assert to_uint8(np.array([[nan, -1, 1]])).tolist() == [[0, 0, 255]]
    assert to_uint8(np.array([[nan, nan]])).tolist() == [[0, 0]]
    assert to_uint8(np.array([[nan, inf, -inf, 9]])).tolist() == [[0, 255, 0, 9]]


NUMBERS = st.one_of(
    hnp.integer_dtypes(), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes(), hnp.boolean_dtypes()
)


@settings(deadline=None, max_examples=300)
@given(hnp.arrays(NUMBERS, hnp.array_shapes(min_dims=1, max_dims=4, max_side=5)))
def test_any_numbers_become_bytes(array: np.ndarray[Any, Any]) -> None:
    before = array.copy()
    made = to_uint8(array)
    assert (made.dtype, made.shape) == (np.uint8, array.shape)
    assert np.array_equal(array, before, equal_nan=array.dtype.kind == "f")


@settings(deadline=None, max_examples=200)
@given(
    hnp.arrays(
        hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=5)
    ),
    st.sampled_from(["png", "jpg", "jpeg", "bmp", None]),
    st.sampled_from([None, None, "L", "1", "P", "RGB", "RGBA", "LA", "CMYK", "I;16", "HSV", "x"]),
    st.booleans(),
)
@pytest.mark.filterwarnings("ignore")
def test_any_array_is_a_picture_or_refused(
    array: np.ndarray[Any, Any], file_type: str | None, mode: str | None, normalize: bool
) -> None:
    try:
        made = picture(array, mode, file_type, normalize)
    except (ValueError, TypeError, IndexError, OSError):
        return
    with PILImage.open(io.BytesIO(made.content())) as image:
        assert image.size == (made.width, made.height)
        assert image.mode == mode or mode is None or file_type not in ("png", None)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.differing_executors])
@given(st.binary(max_size=60), st.integers(0, 80))
def test_any_bytes_are_a_picture_or_refused(noise: bytes, at: int) -> None:
    content = png(GRAY)
    for data in (noise, content[:at] + noise, content[:at] + noise + content[at:]):
        try:
            made = picture(data)
        except (OSError, SyntaxError, ValueError):
            continue
        assert made.content() == data


# -- forms -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("array", "mode"),
    [(GRAY, "L"), (GRAY[:, :, None], "L"), (RGB, "RGB"), (RGBA, "RGBA"), (RGB[None], "RGB")],
)
def test_arrays(array: np.ndarray[Any, Any], mode: str) -> None:
    made, content = logged(Image(array))
    with PILImage.open(io.BytesIO(content)) as image:
        assert image.mode == mode
        assert np.array_equal(np.asarray(image), array.squeeze())
    assert made == {
        "_type": "image-file",
        "format": "png",
        "width": 8,
        "height": 6,
        "path": f"media/images/k_0_{hashlib.sha256(content).hexdigest()[:20]}.png",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }


def test_one_pixel() -> None:
    assert pixels(Image(np.full((1, 1, 1), 7, np.uint8))).tolist() == [[7]]


class Tensor:
    """As much of a tensor of torch's as is asked for."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array
        self.shape = array.shape
        self.ndim = array.ndim

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> Tensor:
        return self

    def permute(self, *axes: int) -> Tensor:
        return Tensor(self.array.transpose(axes))

    def numpy(self) -> np.ndarray[Any, Any]:
        return self.array


Tensor.__module__ = "torch"


class TensorImage(Tensor):
    """A class made from one elsewhere."""


def test_tensors_have_their_channels_first() -> None:
    chw = np.ascontiguousarray(RGB.transpose(2, 0, 1))
    assert np.array_equal(pixels(Image(Tensor(chw))), RGB)
    assert np.array_equal(pixels(Image(TensorImage(chw))), RGB)
    assert np.array_equal(pixels(Image(Tensor(chw / np.float32(255)))), RGB)
    assert np.array_equal(pixels(Image(Tensor(chw[:1]))), GRAY)
    with pytest.raises(ValueError, match="torch tensors"):
        Image(Tensor(RGB))
    with pytest.raises(RuntimeError, match="list of images"):
        Image(Tensor(chw[None]))


def test_tensors_of_other_libraries_classes_have_them_last() -> None:
    """As wandb has it; fastai's callback turns its pictures around before it logs them."""
    assert np.array_equal(pixels(Image(TensorImage(RGB))), RGB)
    assert np.array_equal(pixels(Image(TensorImage(RGB[..., :1]))), RGB[..., 0])
    assert np.array_equal(pixels(Image(TensorImage(RGB[..., 0]))), RGB[..., 0])
    image = Image(GRAY)
    assert image.guess_mode(TensorImage(RGB)) == "RGB"
    assert image.guess_mode(TensorImage(RGB.transpose(2, 0, 1))) == "RGB"


def test_file_of_pillow_is_copied_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "a b.JPG"
    PILImage.fromarray(RGB).save(path, "JPEG", quality=30)
    for given_path in (path, str(path)):
        made, content = logged(Image(given_path, file_type="png"))
        assert content == path.read_bytes()
        assert made["path"].endswith(".JPG")
        assert (made["format"], made["width"], made["height"]) == ("JPG", 8, 6)


def test_missing_and_other_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Image(str(tmp_path / "none.png"))
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(OSError, match="cannot identify"):
        Image(tmp_path / "text.png")


@pytest.mark.parametrize("format", ["png", "jpg", "gif", "webp", "tiff", "bmp"])
def test_bytes_and_open_files_are_kept_as_they_are(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"a.{format}"
    PILImage.fromarray(RGB).save(path)
    content = path.read_bytes()
    buffer = io.BytesIO(content)
    buffer.seek(0, io.SEEK_END)  # as after `savefig(buffer)`
    with path.open("rb") as file:
        for value in (content, bytearray(content), memoryview(content), buffer, file):
            made, stored = logged(Image(value))
            assert stored == content
            assert made["format"] == format
            assert made["path"].endswith(f".{format}")
        assert buffer.tell() == len(content)
        assert file.tell() == 0


def test_bytes_asked_for_in_another_type() -> None:
    made, content = logged(Image(png(RGB), file_type="bmp"))
    assert content[:2] == b"BM"
    assert made["format"] == "bmp"
    assert Image(png(RGB), mode="L").image.mode == "L"  # type: ignore[union-attr]
    assert logged(Image(png(RGB), file_type="png"))[1] == png(RGB)


def test_a_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    with (tmp_path / "a.txt").open() as file, pytest.raises(TypeError, match="'rb'"):
        Image(file)


def test_pillow_images_take_a_mode_and_a_type() -> None:
    assert Image(PILImage.fromarray(RGB), mode="L").image.mode == "L"  # type: ignore[union-attr]
    for image in (PILImage.fromarray(RGBA), PILImage.fromarray(RGB).convert("P")):
        made, content = logged(Image(image, file_type="jpg"))
        assert made["format"] == "jpg"
        with PILImage.open(io.BytesIO(content)) as stored:
            assert (stored.format, stored.mode) == ("JPEG", "RGB")


def test_jpeg_drops_alpha() -> None:
    image = Image(RGBA, file_type="jpg")
    assert image.image is not None
    assert image.image.mode == "RGB"
    assert picture(RGBA, file_type="jpg").drops_alpha
    assert not picture(RGBA, mode="RGB", file_type="jpg").drops_alpha


@pytest.mark.parametrize("value", [[[1, 2]], 3, None, {}, object()])
def test_what_is_no_picture(value: Any) -> None:
    with pytest.raises(AttributeError, match="pass an array"):
        Image(value)


def test_what_cannot_be_written_is_refused_at_once() -> None:
    for array, mode in ((RGB, "HSV"), (RGB, "F"), (RGB, "CMYK")):
        with pytest.raises(OSError, match=f"cannot write mode {mode}"):
            Image(array, mode=mode)
    with pytest.raises(ValueError, match="empty"):
        Image(np.zeros((0, 3)))
    with pytest.raises(ValueError, match="file_type must be one of"):
        Image(RGB, file_type="tiff")


def test_figures_are_drawn_when_they_are_passed() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    plt = pytest.importorskip("matplotlib.pyplot")
    figure, axes = plt.subplots(figsize=(2, 1))
    axes.plot([1, 3, 2])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    with PILImage.open(buffer) as drawn:
        expected = np.asarray(drawn)
    image = Image(figure)
    axes.plot([3, 3, 3])
    assert np.array_equal(pixels(image), expected)
    others = [Image(value) for value in (figure, axes, axes.lines[0], plt)]
    assert all(other == others[0] and other != image for other in others)
    assert logged(Image(plt, file_type="bmp"))[1][:2] == b"BM"
    with pytest.raises(ValueError, match="not on one"):
        Image(matplotlib)
    plt.close(figure)


def test_nothing_optional_is_imported() -> None:
    code = (
        "import sys, synadb.wandb_compat._media.image as m\n"
        "assert 'numpy' not in sys.modules and 'PIL' not in sys.modules\n"
        "import numpy; m.Image(numpy.zeros((2, 2)))._encode()\n"
        "assert not {'torch', 'matplotlib', 'wandb', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# -- independence ----------------------------------------------------------------------------------


def test_changes_after_the_call_do_not_matter(tmp_path: Path) -> None:
    array, drawing = RGB.copy(), PILImage.fromarray(RGB)
    mask, box = GRAY.copy(), copy.deepcopy(BOX)
    labels, classes = {1: "one"}, [{"id": 1, "name": "one"}]
    image = Image(
        array,
        classes=classes,
        masks={"m": {"mask_data": mask, "class_labels": labels}},
        boxes={"b": {"box_data": [box], "class_labels": labels}},
    )
    other = Image(drawing)
    array[:] = 0
    mask[:] = 0
    box["position"].clear()  # type: ignore[attr-defined]
    labels[1] = "two"
    classes[0]["name"] = "two"
    drawing.paste((0, 0, 0), (0, 0, 8, 6))
    sink = MemorySink()
    made, content = logged(image, sink)
    assert content == png(RGB) == logged(other)[1]
    assert sink.files[made["masks"]["m"]["path"]] == png(GRAY)
    stored = json.loads(sink.files[made["boxes"]["b"]["path"]])
    assert stored == {"box_data": [BOX], "class_labels": {"1": "one"}}
    assert sink.config["mask/class_labels"]["k_wandb_delimeter_m"]["value"] == {"1": "one"}
    assert image._classes == Classes([{"id": 1, "name": "one"}])


def test_a_file_may_go_once_log_has_returned(tmp_path: Path) -> None:
    path, mask = tmp_path / "a.png", tmp_path / "mask.png"
    path.write_bytes(png(RGB))
    mask.write_bytes(png(GRAY))
    image = Image(path, masks={"m": {"path": str(mask)}})
    assert image._snapshot() is image
    path.unlink()
    mask.write_bytes(b"")
    sink = MemorySink()
    made = image._to_run_value(sink, "k", 0)
    assert sink.files[made["path"]] == png(RGB)
    assert sink.files[made["masks"]["m"]["path"]] == png(GRAY)


def test_logged_again_it_is_the_same_file() -> None:
    image, sink = Image(RGB, masks={"m": {"mask_data": GRAY}}), MemorySink()
    first = image._to_run_value(sink, "a", 0)
    assert image._to_run_value(sink, "b", 5) == first
    assert sink.puts == 2
    assert set(sink.config["mask/class_labels"]) == {"a_wandb_delimeter_m"}


def test_the_source_is_not_changed() -> None:
    val = {"mask_data": GRAY}
    given_boxes = {"b": {"box_data": [copy.deepcopy(BOX)]}}
    Image(RGB, masks={"m": val}, boxes=given_boxes)
    assert list(val) == ["mask_data"]
    assert given_boxes == {"b": {"box_data": [BOX]}}


def test_keys_stay_in_the_folder() -> None:
    sink = MemorySink()
    Image(RGB, masks={"m": {"mask_data": GRAY}})._to_run_value(sink, "/../../a/./../b é", 0)
    assert all(path.startswith("media/images/") and ".." not in path for path in sink.files)


def test_one_picture_from_many_threads() -> None:
    made = picture(np.tile(RGB, (20, 20, 1)), file_type="png")
    found: list[Any] = []

    def ask() -> None:
        image = made.image()
        found.append((made.content(), image.size, made.sha256()))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize("stored", [False, True])
def test_copies(stored: bool) -> None:
    image = Image(RGB, caption="a", masks={"m": {"mask_data": GRAY}}, boxes={"b": {"box_data": []}})
    sink = MemorySink()
    if stored:
        logged(image, sink)
    for other in (pickle.loads(pickle.dumps(image)), copy.deepcopy(image)):
        assert other == image
        assert logged(other, sink)[1] == png(RGB)


def test_an_image_of_an_image() -> None:
    first = Image(RGB, caption="a", grouping=2, boxes={"b": {"box_data": [BOX]}})
    same, other = Image(first), Image(first, caption="b", grouping=3)
    assert same == first
    assert (same._boxes, other._caption, other._grouping) == (None, "b", 3)
    sink = MemorySink()
    logged(first, sink)
    assert logged(same, sink)[1] == png(RGB)


# -- what it tells of itself -----------------------------------------------------------------------


def test_attributes(tmp_path: Path) -> None:
    image = Image(RGB, caption="a", file_type="bmp")
    assert (image._width, image._height, image.format, image._caption) == (8, 6, "bmp", "a")
    path = Path(image._path)
    assert path.suffix == ".bmp"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == image._sha256
    assert path.stat().st_size == image._size
    assert Image(path)._path == str(path)
    assert np.array_equal(np.asarray(image._image), RGB)
    del image
    gc.collect()
    assert not path.exists()


def test_equal_by_content() -> None:
    assert Image(RGB) == Image(PILImage.fromarray(RGB)) == Image(png(RGB))
    assert Image(RGB) != Image(255 - RGB)
    assert Image(RGB) != Image(RGB, caption="a")
    assert Image(RGB) != Image(RGB, grouping=1)
    assert Image(RGB) != Image(RGB, classes=[{"id": 1, "name": "a"}])
    assert Image(GRAY) != Image(np.dstack([GRAY] * 3))
    assert Image(RGB) != "no image"
    assert Image("http://a/b.png") == Image("http://a/b.png") != Image("http://a/c.png")
    assert Image(RGB) != Image("http://a/b.png")


def test_addresses_are_for_artifacts() -> None:
    for scheme in ("http", "https", "s3", "gs"):
        address = f"{scheme}://host/a.b/c.d.jpeg?x=1.png"
        image = Image(address)
        assert (image._path, image.format, image._width) == (address, "jpeg", None)
        assert image._sha256 == hashlib.sha256(address.encode()).hexdigest()
        assert image.image is None
        assert image.to_data_array() == []
        for attempt in (
            image._snapshot,
            lambda image=image: image._to_run_value(MemorySink(), "k", 0),
            lambda image=image: Image._list_to_run_value([image], MemorySink(), "k", 0),
        ):
            with pytest.raises(ValueError, match="cannot currently be added to a run"):
                attempt()


def test_rows_of_pixels() -> None:
    assert Image(RGB).to_data_array() == [[tuple(p) for p in row] for row in RGB.tolist()]
    assert Image(GRAY).to_data_array() == GRAY.tolist()
    assert Image(GRAY, mode="1").to_data_array()[0][0] in (0, 255)


def test_class_methods() -> None:
    image = Image(RGB, caption="a")
    assert (image.guess_mode(GRAY), image.guess_mode(RGBA)) == ("L", "RGBA")
    assert image.guess_mode(RGBA, "jpg") == "RGB"
    assert image.guess_mode(Tensor(RGB.transpose(2, 0, 1))) == "RGB"
    assert Image.to_uint8([[0.0, 1.0]]).tolist() == [[0, 255]]
    assert Image.all_captions([image, Image(RGB)]) == ["a", None]
    assert Image.all_captions([Image(RGB), image]) is False
    assert (Image.MAX_ITEMS, Image.MAX_DIMENSION) == (108, 65500)
    assert Image.get_media_subdir() == "media/images"
    with pytest.raises(TypeError):
        hash(image)


def test_display_runs_nothing() -> None:
    bad = "<script>alert('x')</script>"
    shown = Image(RGB, caption=bad)._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert 'src="data:image/png;base64,' in shown
    assert "figcaption" not in Image(RGB)._repr_html_()
    assert Image(RGB)._repr_png_() == png(RGB)
    assert Image(RGB, file_type="jpg")._repr_png_()[:4] == b"\x89PNG"  # type: ignore[index]
    address = Image('http://x/"><img src=x onerror=y>.png')
    assert address._repr_png_() is None
    assert "<img" not in address._repr_html_()


# -- boxes, masks, classes -------------------------------------------------------------------------


def test_masks_and_boxes_in_the_row() -> None:
    sink = MemorySink()
    image = Image(
        RGB,
        masks={"m": {"mask_data": GRAY}},
        boxes={"b": {"box_data": [BOX], "class_labels": {1: "one"}}},
    )
    made, _ = logged(image, sink)
    mask, box = made["masks"]["m"], made["boxes"]["b"]
    assert (mask["_type"], box["_type"]) == ("mask", "boxes2D")
    assert mask["path"].startswith("media/images/mask/k_0_")
    assert mask["path"].endswith(".mask.png")
    assert box["path"].startswith("media/metadata/boxes2D/k_0_")
    assert box["path"].endswith(".boxes2D.json")
    labels = sink.config["mask/class_labels"]["k_wandb_delimeter_m"]
    assert labels["type"] == "mask/class_labels"
    assert labels["key"] == "k_wandb_delimeter_m"
    assert labels["value"] == {str(one): f"class_{one}" for one in np.unique(GRAY)}
    assert sink.config["bounding_box/class_labels"]["k_wandb_delimeter_b"]["value"] == {"1": "one"}
    assert image._masks is not None
    assert image._masks["m"]._val["class_labels"] == {
        int(one): f"class_{one}" for one in np.unique(GRAY)
    }


@settings(deadline=None, max_examples=100)
@given(hnp.arrays(NUMBERS, hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)))
def test_any_array_is_a_mask_or_refused(array: np.ndarray[Any, Any]) -> None:
    try:
        mask = ImageMask({"mask_data": array}, "k")
    except TypeError:
        assert array.ndim != 2 or not ((array >= 0) & (array <= 255)).all()
        return
    content, _ = mask._encode()
    with PILImage.open(io.BytesIO(content)) as image:  # type: ignore[arg-type]
        assert np.array_equal(np.asarray(image), array.astype(np.uint8))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
PARTS = st.dictionaries(
    st.sampled_from(["position", "class_id", "scores", "box_caption", "domain"]),
    JSON
    | st.dictionaries(
        st.sampled_from(["minX", "maxX", "minY", "maxY", "middle", "width", "height"]), JSON
    ),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(PARTS | st.just(BOX) | JSON, max_size=3) | JSON)
def test_any_boxes_are_kept_or_refused(data: Any) -> None:
    try:
        boxes = BoundingBoxes2D({"box_data": data}, "k")
    except (TypeError, KeyError):
        return
    content, extension = boxes._encode()
    assert extension == ".boxes2D.json"
    assert len(json.loads(content)["box_data"]) == len(data)


def test_classes() -> None:
    classes = Classes([{"id": 1, "name": "a"}])
    assert classes.to_json(None) == {"_type": "classes", "class_set": [{"id": 1, "name": "a"}]}
    with pytest.raises(AssertionError):
        Classes([{"id": 1}])
    with pytest.raises(AssertionError, match="cannot be logged alone"):
        classes._snapshot()
    image = Image(RGB, classes=classes, boxes={"b": {"box_data": [{**BOX, "class_id": 4}]}})
    assert image._classes == Classes([{"id": 4, "name": "class_4"}, {"id": 1, "name": "a"}])


# -- lists -----------------------------------------------------------------------------------------


def test_a_list_is_one_value() -> None:
    sink = MemorySink()
    images = [Image(RGB, caption="a"), Image(GRAY, masks={"m": {"mask_data": GRAY}})]
    made = Image._list_to_run_value(images, sink, "k", 3)
    masks = made.pop("all_masks")
    assert masks[0] is None
    assert masks[1]["m"]["path"] in sink.files
    names = made.pop("filenames")
    assert [sink.files[name] for name in names] == [png(RGB), png(GRAY)]
    assert made == {
        "_type": "images/separated",
        "count": 2,
        "width": 8,
        "height": 6,
        "format": "png",
        "captions": ["a", None],
    }


def test_a_long_list_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    sink = MemorySink()
    images = [Image(np.full((2, 2), i, np.uint8)) for i in range(110)]
    made = Image._list_to_run_value(images, sink, "k", 0)
    assert made["count"] == len(made["filenames"]) == len(sink.files) == 108
    assert "first 108 of 110 images of 'k' are kept" in capsys.readouterr().err


def test_sizes_that_differ_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    made = Image._list_to_run_value([Image(RGB), Image(RGB[:3])], MemorySink(), "k", 0)
    assert (made["width"], made["height"]) == (8, 6)
    assert "sizes do not match" in capsys.readouterr().err


def test_in_a_list_an_image_gets_a_place_of_its_own() -> None:
    sink, image = MemorySink(), Image(RGB)
    first = image._to_run_value(sink, "one", 0)
    made = Image._list_to_run_value([image], sink, "two", 1)
    assert made["filenames"][0].startswith("media/images/two_1_")
    assert made["filenames"][0] != first["path"]


def test_pixels_are_let_go_once_encoded() -> None:
    made: Picture = picture(RGB)
    assert made.held
    made.content()
    assert made._source is None
    assert np.array_equal(np.asarray(made.image()), RGB)

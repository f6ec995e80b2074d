"""Media in rows, in lists, in dicts, in the summary and in the config."""

from __future__ import annotations

import datetime
import decimal
import hashlib
import pathlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from tests.parity.play import GONE, See, differs
from tests.parity.scripts._wandb import wandb

BatchableMedia: Any = import_module("wandb.sdk.data_types.base_types.media").BatchableMedia
Media: Any = import_module("wandb.sdk.data_types.base_types.media").Media
WBValue: Any = import_module("wandb.sdk.data_types.base_types.wb_value").WBValue
ImageMask: Any = import_module("wandb.sdk.data_types.helper_types.image_mask").ImageMask

_STALE = "wandb shows the caption of an older image with a newer one that has none"


def _pixels(shade: int, size: int = 6) -> Any:
    return np.full((size, size, 3), shade, np.uint8)


def _image(shade: int = 1, **options: Any) -> Any:
    return wandb.Image(_pixels(shade), **options)


def _table(*rows: Any, **options: Any) -> Any:
    return wandb.Table(columns=["a", "b"], data=[*map(list, rows)], **options)


@differs("seen.captions", None, _STALE)
@differs("runs[0].summary.image.caption", GONE, _STALE)
def beside_numbers(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"loss": 0.5, "image": _image(1, caption="one")})
    run.log({"loss": 0.4, "image": _image(2)})
    run.log({"loss": 0.3})
    see("loss", run.summary["loss"])
    see("image", dict(run.summary["image"])["_type"])
    see("captions", dict(run.summary["image"]).get("caption"))
    run.finish()


def in_dicts(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"a": {"b": {"image": _image(1)}, "n": 1}})
    run.log({"a": {"b": {"image": _image(2), "page": wandb.Html("<p>")}}, "x/y": _image(3)})
    run.log({"a": {"spread": wandb.Histogram(np_histogram=([1, 2], [0, 1, 2]))}})
    run.log({"a.dotted": _image(4), "with space": _image(5)})
    run.log({"empty": {}, "only": {"image": _image(6)}})
    run.log({"folder/": _image(7), "a/folder/": [_image(8)]})
    run.finish()


@differs("runs[0].summary.images.captions", GONE, _STALE)
def in_lists(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"images": [_image(1, caption="x"), _image(2)]})
    run.log({"images": (_image(1), _image(2, caption="y"))})
    run.log({"one": [_image(3)], "pages": [wandb.Html("<p>"), wandb.Html("<b>")]})
    run.log({"spreads": [wandb.Histogram(np_histogram=([1], [0, 1])) for _ in range(2)]})
    run.log({"mixed": [_image(4), wandb.Html("<i>")]})
    run.log({"tables": [_table((1, 2)), _table((3, 4))]})
    run.log({"deep": {"images": [_image(5), _image(6)]}})
    run.finish()


class _Titled(wandb.Html):  # type: ignore[misc]
    """A page that says more of itself."""

    def to_json(self, run: Any) -> Any:
        return {**super().to_json(run), "title": "a title"}


class _Picture(wandb.Image):  # type: ignore[misc]
    """A picture that overrides nothing."""


class _Spread(wandb.Histogram):  # type: ignore[misc]
    def to_json(self, run: Any = None) -> Any:
        return {**super().to_json(run), "unit": "m"}


class _Score(WBValue):  # type: ignore[misc]
    """Data alone."""

    _log_type = "score"

    def __init__(self, score: int) -> None:
        super().__init__()
        self.score = score

    def to_json(self, run: Any) -> Any:
        return {"_type": self._log_type, "score": self.score, "at": (1, np.float64(0.5))}


class _Note(BatchableMedia):  # type: ignore[misc]
    """A text file, alone or in lists."""

    _log_type = "note-file"

    def __init__(self, text: str, is_tmp: bool = True, caption: str | None = None) -> None:
        super().__init__(caption=caption)
        path = pathlib.Path(f"{text}.note").absolute()
        path.write_text(text, encoding="utf-8")
        self._set_file(str(path), is_tmp=is_tmp, extension=".note")

    @classmethod
    def get_media_subdir(cls) -> str:
        return "media/notes"

    def to_json(self, run: Any) -> Any:
        return {**super().to_json(run), "_type": self._log_type}

    @classmethod
    def seq_to_json(cls, seq: Any, run: Any, key: str, step: Any) -> Any:
        return {"_type": "notes", "notes": [item.to_json(run) for item in seq], "key": key}


class _Sheet(Media):  # type: ignore[misc]
    """A file whose row is wandb's own."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._set_file(path)

    @classmethod
    def get_media_subdir(cls) -> str:
        return "media/sheets"


def logged_and_summed_up_at_once(see: See) -> None:
    run = wandb.init(project="p")
    noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3), np.uint8)
    image = wandb.Image(noise, masks={"m": {"mask_data": noise[:, :, 0]}})
    run.log({"noise": image})
    run.summary["best"] = image
    run.log({"again": image})
    run.finish()


def own_classes(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"page": _Titled("<p>"), "spread": _Spread(np_histogram=([1], [0, 1]))})
    run.log({"pages": [_Titled("<p>"), wandb.Html("<b>")], "spreads": [_Spread([1, 2])]})
    run.log({"score": _Score(3), "scores": [_Score(4), _Score(5)], "in": {"it": _Score(6)}})
    run.log({"mixed": [_Score(1), _Titled("<i>"), _image(1)]})
    run.log({"note": _Note("a", caption="of a")})
    run.log({"notes": [_Note("b", is_tmp=False), _Note("c")]})
    see("left", sorted(str(path) for path in pathlib.Path().glob("*.note")))
    run.summary["titled"] = _Titled("<u>")
    run.summary["score"] = _Score(7)
    sheet = pathlib.Path("sheet.csv")
    sheet.write_text("a,b", encoding="utf-8")
    run.log({"sheet": _Sheet(str(sheet))})
    see("the same", [_Sheet(str(sheet)) == _Sheet(str(sheet)), _Score(1) == _Score(1)])
    with see.error("another end"):
        _Sheet(str(sheet))._set_file(str(sheet), extension=".txt")
    with see.error("no file"):
        _Sheet("no such file.csv")
    see("step", run.step)
    run.finish()


def own_binding(see: See) -> None:
    bound: list[Any] = []

    class Page(wandb.Html):  # type: ignore[misc]
        def bind_to_run(self, run: Any, key: Any, step: Any, *rest: Any, **more: Any) -> None:
            bound.append(["page", str(key), str(step)])
            super().bind_to_run(run, key, step, *rest, **more)

    class Picture(wandb.Image):  # type: ignore[misc]
        def bind_to_run(self, run: Any, key: Any, step: Any, *rest: Any, **more: Any) -> None:
            bound.append(["picture", str(key), str(step)])
            super().bind_to_run(run, key, step, *rest, **more)

        @classmethod
        def seq_to_json(cls, seq: Any, run: Any, key: str, step: Any) -> Any:
            return {**super().seq_to_json(seq, run, key, step), "mine": len(seq)}

    run = wandb.init(project="p")
    page = Page("<p>")
    for key in ("first", "second"):
        run.log({key: page, "below": {"a/b": Page(f"<{key}>")}})
    run.log({"pages": [page, Page("<i>")]})
    run.log({"picture": Picture(_pixels(1)), "last": [wandb.Html("<b>"), Page("<u>")]})
    see("bound", bound)
    run.log({"pictures": [Picture(_pixels(1)), Picture(_pixels(2))]})
    see("kinds", sorted({kind for kind, _, _ in bound}))
    run.finish()


def own_classes_in_artifacts(see: See) -> None:
    run = wandb.init(project="p")
    artifact = wandb.Artifact("values", "dataset")
    artifact.add(_Titled("<p>", inject=False), "page")
    artifact.add(_Picture(_pixels(1)), "picture")
    with see.error("of no known kind"):
        artifact.add(_Score(3), "score")
    with see.error("a file of no known kind"):
        artifact.add(_Note("kept", is_tmp=False), "note")
    see("sizes", {str(path): entry.size for path, entry in artifact.manifest.entries.items()})
    run.log_artifact(artifact)
    run.finish()


def subclasses_in_lists(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"all": [_Picture(_pixels(1)), _Picture(_pixels(2), caption="two")]})
    run.log({"first": [_image(1), _Picture(_pixels(2))]})
    run.log({"last": [_Picture(_pixels(2)), _image(1)]})
    run.finish()


def just_logged(see: See) -> None:
    run = wandb.init(project="p")
    for value in (
        wandb.Image(np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)),
        wandb.Html("<p>", inject=False),
        wandb.Object3D(np.zeros((5, 3))),
    ):
        name = type(value).__name__
        see(f"{name} before", value.is_bound())
        with see.error(f"{name} in no run", "must be bound to a run"):
            value.to_json(run)
        run.log({name: value})
        see(f"{name} after", value.is_bound())
        json = value.to_json(run)
        see(name, {**json, "path": str(json["path"])})
    run.finish()


def where_their_files_are(see: See) -> None:
    run = wandb.init(project="p")
    pathlib.Path("page.html").write_text("<p>", encoding="utf-8")
    for name, value in {
        "image": _image(1),
        "jpg": _image(1, file_type="jpg"),
        "page": wandb.Html("<b>"),
        "page of a file": wandb.Html("page.html", inject=False),
        "points": wandb.Object3D(np.zeros((2, 3))),
    }.items():
        path = pathlib.Path(value._path)
        content = path.read_bytes()
        see(name, [path.suffix, hashlib.sha256(content).hexdigest() == value._sha256])
        see(f"{name} size", [len(content) == value._size, value._sha256, value._size])
    run.finish()


def refused_lists(see: See) -> None:
    run = wandb.init(project="p")
    for name, value in {
        "a number last": [_image(1), 2],
        "a number first": [2, _image(1)],
        "a list inside": [[_image(1)]],
        "a dict inside": [{"image": _image(1)}],
        "None last": [_image(1), None],
        "a set": {"x": [3, {"y": _image(2)}]},
    }.items():
        with see.error(name):
            run.log({"before": 1, "value": value})
    see("step", run.step)
    run.log({"after": 1})
    run.finish()


def the_same_twice(see: See) -> None:
    run = wandb.init(project="p")
    image, page = _image(1, caption="c"), wandb.Html("<p>")
    for _ in range(3):
        run.log({"first": image, "page": page})
    run.log({"second": image, "also": image})
    run.log({"pages": [page, wandb.Html("<b>")]})
    run.log({"third": [image, image]})
    run.summary["kept"] = image
    run.finish()


def files_that_go_before_a_second_run(see: See) -> None:
    clips = []
    for number in range(4):
        path = pathlib.Path(f"clip{number}.mp4")
        path.write_bytes(b"%d" % number * 50)
        clips.append(wandb.Video(str(path)))
    run = wandb.init(project="p")
    run.log({"clips": clips})
    run.finish()
    for number in range(4):
        path = pathlib.Path(f"clip{number}.mp4")
        path.write_bytes(b"changed") if number % 2 else path.unlink()
    run = wandb.init(project="p")
    for number, clip in enumerate(clips):
        run.log({f"clip{number}": [clip]})
    run.finish()


def files_that_go_once_bound(see: See) -> None:
    run = wandb.init(project="p")
    _image(1).image.save("image.png")
    pathlib.Path("clip.mp4").write_bytes(b"clip")
    image, clip = wandb.Image("image.png"), wandb.Video("clip.mp4")
    for value, name in ((image, "image.png"), (clip, "clip.mp4")):
        value.bind_to_run(run, "bound", 7)
        pathlib.Path(name).unlink()
    run.log({"image": image, "clip": clip})
    run.log({"images": [image], "clips": [clip]})
    run.log({"image": image, "clip": clip})
    moved = _image(2)
    moved.image.save("moved.png")
    moved._set_file("moved.png", is_tmp=True)
    moved.bind_to_run(run, "moved", 1)
    see("moved", pathlib.Path("moved.png").exists())
    run.log({"moved": [moved]})
    run.finish()


def masks_of_bound_images(see: See) -> None:
    run = wandb.init(project="p")
    mask = {"m": {"mask_data": np.eye(4, dtype=np.uint8)}}
    image = wandb.Image(np.zeros((4, 4), np.uint8), masks=mask)
    inner = image._masks["m"]
    see("before", [image.is_bound(), inner.is_bound()])
    run.log({"a": image})
    see("logged", [inner.is_bound(), str(inner.to_json(run)["path"])])
    other = wandb.Image(np.ones((4, 4), np.uint8), masks=mask)
    other.bind_to_run(run, "b", 5)
    see("bound", [other.is_bound(), str(other._masks["m"].to_json(run)["path"])])
    run.log({"c": other, "d": [image, other]})
    run.log({"a": image})
    run.finish()


class _Mask(ImageMask):  # type: ignore[misc]
    def bind_to_run(self, run: Any, key: Any, step: Any, *rest: Any, **more: Any) -> None:
        self.bound = [*getattr(self, "bound", ()), [key, step]]
        super().bind_to_run(run, key, step, *rest, **more)

    def to_json(self, run: Any) -> Any:
        return {**super().to_json(run), "bound": self.bound}


def own_masks(see: See) -> None:
    run = wandb.init(project="p")
    mask = _Mask({"mask_data": np.eye(4, dtype=np.uint8)}, "m")
    image = wandb.Image(np.zeros((4, 4), np.uint8), masks={"m": mask})
    for row in ({"a": image}, {"b": image}, {"l": [image]}, {"c": image}, {"m": [image]}):
        run.log(row)
    see("bound", mask.bound)
    run.finish()


def captions_changed_after_a_list(see: See) -> None:
    run = wandb.init(project="p")
    image, page = _image(1, caption="then"), wandb.Html("<p>")
    page._caption = "then"
    run.log({"images": [image], "pages": [page], "mixed": [image, page]})
    image._caption = page._caption = "now"
    run.log({"images": [image]})
    run.finish()


def alone_after_a_list(see: See) -> None:
    run = wandb.init(project="p")
    mask = {"m": {"mask_data": np.eye(6, dtype=np.uint8)}}
    corner = {"minX": 0, "maxX": 0.5, "minY": 0, "maxY": 1}
    boxes = {"b": {"box_data": [{"position": corner, "class_id": 1}]}}
    values = {
        "image": wandb.Image(np.zeros((6, 6), np.uint8), masks=mask, boxes=boxes),
        "page": wandb.Html("<p>"),
        "cloud": wandb.Object3D(np.zeros((4, 3))),
    }
    run.log({"list": {name: [value] for name, value in values.items()}})
    for step in range(2):
        run.log({f"after {step}": {**values}})
    for name, value in values.items():
        run.log({f"again {name}": [value, value]})
    run.log({"last": {**values}})
    run.finish()


@differs("runs[0].summary.image.caption", GONE, _STALE)
@differs("runs[0].history[2].image.caption", GONE, _STALE)
def in_one_row_twice(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"image": _image(1, caption="first"), "n": 1}, commit=False)
    run.log({"image": _image(2, caption="second")}, commit=False)
    run.log({"n": 2})
    run.log({"image": _image(3), "other": 1}, step=5)
    run.log({"image": 7}, step=5)
    run.log({"image": _image(4, caption="fourth")}, step=6)
    run.log({"image": _image(5)}, step=6)
    run.finish()


def in_the_summary(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"image": _image(1, caption="logged"), "table": _table((1, 2))})
    see("logged", run.summary["image"]["caption"])
    run.summary["image"] = _image(2, caption="by hand")
    run.summary["page"] = wandb.Html("<p>")
    run.summary.update({"spread": wandb.Histogram(np_histogram=([1, 2], [0, 1, 2]))})
    run.summary["table"] = _table((3, 4))
    run.summary["deep"] = {"image": _image(3)}
    run.summary["list"] = [_image(4), _image(5)]
    see("caption", run.summary["image"]["caption"])
    see("type", run.summary["deep"]["image"]["_type"])
    run.finish()


def refused_in_the_summary(see: See) -> None:
    run = wandb.init(project="p")
    for name, value in {"mixed": [_image(1), 2], "bare": object(), "inside": [[_image(1)]]}.items():
        with see.error(name):
            run.summary[name] = value
    run.finish()


def in_the_config(see: See) -> None:
    run = wandb.init(project="p", config={"a": 1})
    for name, value in {
        "image": _image(1),
        "table": _table((1, 2)),
        "page": wandb.Html("<p>"),
        "spread": wandb.Histogram(np_histogram=([1], [0, 1])),
    }.items():
        with see.error(name):
            run.config[name] = value
        with see.error(f"{name} by update"):
            run.config.update({name: value})
        see(f"{name} kept", name in run.config)
    run.finish()


def by_hand_after_log(see: See) -> None:
    run = wandb.init(project="p")
    run.log({"image": _image(1), "page": wandb.Html("<p>")})
    run.summary["image"] = 5
    run.log({"n": 1})
    see("image", run.summary["image"])
    run.log({"page": wandb.Html("<b>")})
    run.finish()


def defined_metrics(see: See) -> None:
    run = wandb.init(project="p")
    run.define_metric("epoch")
    run.define_metric("val/*", step_metric="epoch")
    run.define_metric("hidden", summary="none")
    run.define_metric("least", summary="min")
    run.log({"epoch": 3, "n": 1})
    run.log({"val/image": _image(1)})
    run.log({"val/images": [_image(1), _image(2)], "hidden": _image(3), "least": _image(4)})
    run.log({"val/page": wandb.Html("<p>")}, commit=False)
    run.log({"epoch": 4})
    run.log({"val/table": _table((1, 2)), "n": 2})
    run.finish()


def two_tables_of_a_key(see: See) -> None:
    run = wandb.init(project="p")
    table = _table((1, 2), (3, 4))
    run.log({"table": table})
    run.log({"table": table, "other": table})
    run.log({"table": _table((5, 6))})
    run.finish()


def mutable_tables(see: See) -> None:
    run = wandb.init(project="p")
    table = _table((1, 2), log_mode="MUTABLE")
    run.log({"table": table})
    table.add_data(3, 4)
    run.log({"table": table})
    table.add_column("c", ["x", "y"])
    run.log({"table": table})
    run.finish()


def immutable_tables(see: See) -> None:
    run = wandb.init(project="p")
    table = _table((1, 2))
    run.log({"table": table})
    table.add_data(3, 4)
    run.log({"table": table})
    run.finish()


def charts(see: See) -> None:
    run = wandb.init(project="p")
    table = _table((1, 2), (3, 4))
    run.log({"chart": wandb.plot.line(table, "a", "b", title="t"), "n": 1})
    run.log({"deep": {"chart": wandb.plot.scatter(table, "a", "b"), "n": 2}})
    run.log({"split": wandb.plot.bar(table, "a", "b", split_table=True)})
    run.log({"split lines": wandb.plot.line_series([0, 1], [[1, 2], [3, 4]], keys=["x", "y"])})
    run.log({"seen": wandb.visualize("wandb/line/v0", table)})
    run.finish()


class _Thing:
    pass


def captions_of_every_kind(see: See) -> None:
    run = wandb.init(project="p")
    captions: dict[str, Any] = {
        "time": datetime.datetime(2020, 1, 2, 3, 4),  # noqa: DTZ001
        "date": datetime.date(2020, 1, 2),
        "decimal": decimal.Decimal("1.50"),
        "path": pathlib.Path("/a/b"),
        "bytes": b"abc",
        "array": np.arange(3),
        "number": np.float32(0.5),
        "set": {1},
        "function": len,
        "complex": 1j,
        "huge": 10**40,
        "half a letter": "\ud800",
        "keys": {1: {2: 3}},
    }
    for name, caption in captions.items():
        run.log({f"image {name}": _image(1, caption=caption)})
        run.log({f"list {name}": [_image(1, caption=caption)]})
        run.log({f"points {name}": wandb.Object3D(np.zeros((2, 3)), caption=caption)})
    run.log({"group": _image(1, grouping=decimal.Decimal(3))})
    place = {"position": {"minX": 1 + 2j, "maxX": 0.5j, "minY": 0, "maxY": 1}, "class_id": 1}
    run.log({"complex box": _image(1, boxes={"b": {"box_data": [place]}})})
    run.log({"complex points": wandb.Object3D(np.full((2, 3), 0.5 - 2j))})
    for name, caption in {"a thing": _Thing(), "no text": b"\xff", "media": _image(1)}.items():
        with see.error(name):
            run.log({"before": 1, "image": _image(1, caption=caption)})
    caption = ["first"]
    run.log({"mutated": _image(1, caption=caption)})
    caption.append("later")
    see("step", run.step)
    run.finish()


def labels_of_every_kind(see: See) -> None:
    run = wandb.init(project="p")
    for label in (np.int64(3), np.uint8(0), np.float32(0.5), decimal.Decimal("1.5"), 2, True):
        labels = {label: "x"}
        boxes = {"boxes": {"box_data": [], "class_labels": labels}}
        masks = {"mask": {"mask_data": np.zeros((6, 6), np.uint8), "class_labels": labels}}
        run.log({f"boxes {label}": _image(1, boxes=boxes)})
        run.log({f"mask {label}": _image(1, masks=masks)})
    run.finish()


def joined_tables_in_cells(see: See) -> None:
    run = wandb.init(project="p")
    joined = wandb.JoinedTable(_table((1, 2)), _table((3, 4)), "a")
    run.log({"table": wandb.Table(columns=["c"], data=[[joined]])})
    parts = wandb.data_types.PartitionedTable("parts")
    run.log({"table": wandb.Table(columns=["c"], data=[[parts]])})
    both = wandb.JoinedTable(parts, _table((1, 2)), "a")
    run.log({"table": wandb.Table(columns=["c"], data=[[both]]), "both": both})
    run.finish()


def classes_in_cells(see: See) -> None:
    run = wandb.init(project="p")
    labels = wandb.Classes([{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}])
    table = wandb.Table(columns=["which", "n"], data=[[labels, 1]])
    table.add_data(0, 2)
    with see.error("an id that is none"):
        table.add_data(2, 3)
    run.log({"table": table})
    chosen = wandb.Table(columns=["which"], data=[[1]], dtype=labels.get_type())
    run.log({"chosen": chosen})
    with see.error("alone"):
        run.log({"labels": labels})
    run.finish()


def refused_values(see: See) -> None:
    run = wandb.init(project="p")
    makers: dict[str, Callable[[], Any]] = {
        "missing file": lambda: wandb.Image("no such file.png"),
        "shape": lambda: wandb.Image(np.zeros((2, 2, 7))),
        "sample rate": lambda: wandb.Audio(np.zeros(4)),
        "video": lambda: wandb.Video(np.zeros((4, 4))),
        "html": lambda: wandb.Html(3),
        "points": lambda: wandb.Object3D([1, 2]),
        "too many bins": lambda: wandb.Histogram([1.0], num_bins=1000),
        "reference": lambda: run.log({"x": wandb.Image("https://example.org/x.png")}),
        "log mode": lambda: wandb.Table(log_mode="SOMETIMES"),
        "too long a row": lambda: _table((1, 2)).add_data(1, 2, 3),
        "another type": lambda: _table((1, 2)).add_data("x", 2),
    }
    for name, make in makers.items():
        with see.error(name):
            make()
    see("step", run.step)
    run.finish()

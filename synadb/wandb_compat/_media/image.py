"""`wandb.Image` and what is laid over one: classes, boxes, masks."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from synadb.media import image as pictures
from synadb.media import jsontext
from synadb.wandb_compat import _term
from synadb.wandb_compat._media import dtypes
from synadb.wandb_compat._media._sources import captions, is_reference, temporary_file
from synadb.wandb_compat._media.base import (
    ArtifactSink,
    BatchableMedia,
    Media,
    Place,
    Sink,
    md5_base64,
)
from synadb.wandb_compat._values import history_value

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

__all__ = ["BoundingBoxes2D", "Classes", "Image", "ImageMask"]


_COLUMN_CLASSES = "media/cls.classes.json"


class Classes(Media):
    """Names for class ids: `[{"id": 0, "name": "cat"}, ...]`. Part of an image or an artifact."""

    _log_type: ClassVar[str | None] = "classes"

    def __init__(self, class_set: Sequence[dict[str, Any]]) -> None:
        super().__init__()
        for one in class_set:
            assert {"id", "name"}.issubset(one), "each class of Classes has an id and a name"
        self._class_set = [dict(one) for one in class_set]

    @classmethod
    def from_json(cls, json_obj: dict[str, Any], source_artifact: Any = None) -> Classes:
        """The classes whose JSON this is."""
        return cls(json_obj["class_set"])

    def _artifact_json(self, sink: ArtifactSink) -> dict[str, Any]:
        return self.to_json()

    def to_json(self, run_or_artifact: Any = None) -> dict[str, Any]:
        """The classes themselves: they need no file."""
        return {"_type": self._log_type, "class_set": self._class_set}

    def get_type(self) -> dtypes.Type:
        """The type of a table's column of their ids."""
        return dtypes.TypeRegistry.type_of(self)

    def _content_now(self) -> Classes:
        """What a cell of a table keeps."""
        return Classes(self._class_set)

    def _snapshot(self) -> NoReturn:
        raise AssertionError("Classes cannot be logged alone; pass wandb.Image(..., classes=...)")

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> NoReturn:
        self._snapshot()

    def reference(self, sink: ArtifactSink) -> dict[str, Any]:
        """What the JSON of an image in an artifact says of its classes, which become a file."""
        return _put_classes(sink, self._file_path(), self._data())

    def column_reference(self, sink: ArtifactSink) -> dict[str, Any]:
        """What the type of a table's column says of its classes, which become a file."""
        data = self._data()
        is_free = sink.is_free(_COLUMN_CLASSES, data)
        return _put_classes(sink, _COLUMN_CLASSES if is_free else self._file_path(), data)

    def _file_path(self) -> str:
        import hashlib

        name = hashlib.md5(str(self._class_set).encode(), usedforsecurity=False).hexdigest()
        return f"media/classes/{name}_cls.classes.json"

    def _data(self) -> bytes:
        return json.dumps(history_value(self.to_json()), sort_keys=True).encode("ascii")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Classes) and self._class_set == other._class_set

    __hash__ = None  # type: ignore[assignment]


def _put_classes(sink: ArtifactSink, path: str, data: bytes) -> dict[str, Any]:
    sink.add(path, data)
    return {"type": "classes-file", "path": path, "digest": md5_base64(data)}


class _Overlay(Media):
    """What is laid over an image under a name, and has labels, which the config keeps."""

    _labels_key: ClassVar[str]

    _key: str

    def _labels(self) -> Mapping[Any, str] | None:
        raise NotImplementedError

    @classmethod
    def type_name(cls) -> str:
        """The `_type` of its JSON, which also names its folder."""
        raise NotImplementedError

    def _put(self, sink: Sink, key: str, step: int | str) -> Any:
        stored = super()._put(sink, key, step)
        labels = self._labels()
        if labels is not None:
            # Dashboards look for this spelling.
            name = f"{key}_wandb_delimeter_{self._key}"
            value = {_plain_key(label): text for label, text in labels.items()}
            sink.set_config(
                self._labels_key, name, {"type": self._labels_key, "key": name, "value": value}
            )
        return stored

    def _row_json(
        self, sink: Sink, key: str, step: int | str, facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        return {**super()._row_json(sink, key, step, facts), "_type": self.type_name()}


class BoundingBoxes2D(_Overlay):
    """Boxes over an image.

    `val` is `{"box_data": [box, ...], "class_labels": {id: name}}`. A box has a `position`, either
    `minX, maxX, minY, maxY` or `middle, width, height`, in fractions of the image or, with
    `"domain": "pixel"`, in pixels; and may have `class_id`, `box_caption` and `scores`. Without
    `class_labels` each box needs its `class_id`. `key` is the name of this set of boxes.
    """

    _log_type: ClassVar[str | None] = "bounding-boxes"
    _folder = "media/metadata/boxes2D"
    _labels_key = "bounding_box/class_labels"

    def __init__(self, val: dict[str, Any], key: str) -> None:
        super().__init__()
        self.validate(val)
        labels = val.get("class_labels")
        plain = {} if labels is None else {"class_labels": _with_text_keys(labels)}
        self._content = jsontext.dumps({**val, **plain})
        self._val: list[dict[str, Any]] = json.loads(self._content)["box_data"]
        self._key = key
        if "class_labels" in val:
            self._class_labels: dict[Any, str] = dict(val["class_labels"])
        else:
            ids = sorted({int(box["class_id"]) for box in val["box_data"]})
            self._class_labels = {one: f"class_{one}" for one in ids}

    @classmethod
    def type_name(cls) -> str:
        """The `_type` of its JSON, which also names its folder."""
        return "boxes2D"

    def validate(self, val: dict[str, Any]) -> bool:
        """True; TypeError for parts of a wrong type, KeyError without `box_data`."""
        if "class_labels" in val:
            _check_labels(val["class_labels"], "string")
        boxes = val["box_data"]
        if not isinstance(boxes, list):
            raise TypeError(f"Boxes must be a list, not {type(boxes).__name__}")
        for box in boxes:
            _check_box(box)
        return True

    def _labels(self) -> Mapping[Any, str] | None:
        return self._class_labels

    @classmethod
    def from_json(cls, json_obj: Any, source_artifact: Any = None) -> BoundingBoxes2D:
        """The boxes whose JSON, in an artifact, this list is; they have lost their name."""
        ids = {box["class_id"] for box in json_obj if "class_id" in box}
        labels = {one: f"class_{one}" for one in sorted(ids)}
        return cls({"box_data": json_obj, "class_labels": labels}, "")

    def _artifact_json(self, sink: ArtifactSink) -> Any:
        return self._val

    def _encode(self) -> tuple[bytes | str, str]:
        return self._content, ".boxes2D.json"


class ImageMask(_Overlay):
    """A class for each pixel of an image.

    `val` is `{"mask_data": array, "class_labels": {id: name}}`, the array two-dimensional with
    numbers from 0 to 255; or `{"path": file}` for a mask that is a picture already. Without
    `class_labels` the classes are named `class_<id>`. `key` is the name of this mask.
    """

    _log_type: ClassVar[str | None] = "mask"
    _folder = "media/images/mask"
    _labels_key = "mask/class_labels"

    _val: dict[str, Any]

    def __init__(self, val: dict[str, Any], key: str) -> None:
        super().__init__()
        self._key = key
        self._content: bytes | None = None
        self._picture: pictures.Picture | None = None
        if "path" in val:
            self._set_file(str(val["path"]))
            return
        import numpy as np

        data = val["mask_data"]
        if hasattr(data, "cpu"):
            data = data.detach().cpu().numpy()
        # Before the range is looked at: it is this that numpy finds wrong with an array of text.
        if getattr(getattr(data, "dtype", None), "kind", "") not in "biuf":
            data = data.astype(np.float64)
        self.validate({**val, "mask_data": data})
        array = np.array(data, np.uint8)
        self._picture = pictures.picture(array)
        labels = val.get("class_labels")
        if labels is None:
            present = np.flatnonzero(np.bincount(array.reshape(-1)))
            labels = {int(one): f"class_{one}" for one in present}
        self._val = {"mask_data": array, "class_labels": dict(labels)}

    @classmethod
    def type_name(cls) -> str:
        """The `_type` of its JSON, which also names its folder."""
        return "mask"

    def validate(self, val: dict[str, Any]) -> bool:
        """True; TypeError for an array or labels that cannot be a mask's."""
        if "mask_data" not in val:
            raise TypeError('Missing key "mask_data": a mask is a 2D array of class ids')
        data = val["mask_data"]
        if len(data.shape) != 2:
            raise TypeError(f"mask_data must be a 2D array, not one of shape {list(data.shape)}")
        if data.size and not (data.min() >= 0 and data.max() <= 255):
            raise TypeError("Mask data must be integers between 0 and 255")
        if "class_labels" in val:
            _check_labels(val["class_labels"], "strings")
        return True

    @classmethod
    def _from_file(cls, path: str, json_obj: dict[str, Any]) -> ImageMask:
        return cls({"path": path}, "")

    def _labels(self) -> Mapping[Any, str] | None:
        labels: dict[Any, str] | None = getattr(self, "_val", {}).get("class_labels")
        return labels

    def _snapshot(self) -> ImageMask:
        """This mask, independent of the file it was made from; `log` calls this at once."""
        if self._file is not None and self._content is None:
            with open(self._file, "rb") as file:
                self._content = file.read()
        return self

    def _encode(self) -> tuple[bytes | str, str]:
        if self._picture is not None:
            return self._picture.content(), ".mask.png"
        content, extension = super()._encode()
        return content if self._content is None else self._content, extension


def _channels_as_in_wandb(data: Any) -> Any:
    """A tensor of a class made from torch's, by fastai for instance, as an array.

    wandb has the channels of those last, and first in a tensor of torch's own. Where the last axis
    cannot be that of the channels, the tensor stays what it is.
    """
    kind = type(data)
    if kind.__module__.partition(".")[0] == "torch" or not pictures.is_torch(kind):
        return data
    if data.ndim != 2 and tuple(data.shape)[-1:] not in {(1,), (3,), (4,)}:
        return data
    return data.detach().cpu().numpy()


class Image(BatchableMedia):
    """A picture for `wandb.log`.

    `data_or_path` is a path, an array (height, width[, 1, 3 or 4]), a tensor of torch (channels,
    height, width), an image of Pillow's, a figure or `matplotlib.pyplot`, the bytes or the open
    file of an image, an http, s3 or gs address (for artifacts), or another Image. Numbers other
    than uint8 are scaled, 0..1 to 0..255 and -1..1 to 0..255, unless `normalize` is False.
    `mode` is one of Pillow's; `file_type` png, jpg, jpeg or bmp; `boxes` and `masks` are dicts
    from a name to what `BoundingBoxes2D` and `ImageMask` take.
    """

    MAX_ITEMS = 108
    """As many images of a list are kept."""
    MAX_DIMENSION = 65500

    _log_type: ClassVar[str | None] = "image-file"
    _folder = "media/images"
    _given = ("_caption", "_grouping")

    def __init__(
        self,
        data_or_path: Any,
        mode: str | None = None,
        caption: str | None = None,
        grouping: int | None = None,
        classes: Classes | Sequence[dict[str, Any]] | None = None,
        boxes: Mapping[str, BoundingBoxes2D | dict[str, Any]] | None = None,
        masks: Mapping[str, ImageMask | dict[str, Any]] | None = None,
        file_type: str | None = None,
        normalize: bool = True,
    ) -> None:
        super().__init__(caption=caption)
        self._grouping = grouping
        self._classes: Classes | None = None
        self._boxes: dict[str, BoundingBoxes2D] | None = None
        self._masks: dict[str, ImageMask] | None = None
        self._file_type = file_type
        self._address: str | None = None
        self._copy: str | None = None
        self._picture: pictures.Picture | None = None
        if isinstance(data_or_path, Image):
            self._take(data_or_path)
        elif isinstance(data_or_path, str) and self.path_is_reference(data_or_path):
            self._address = data_or_path
            self.format: str | None = _address_extension(data_or_path)
        else:
            self._picture = pictures.picture(
                _channels_as_in_wandb(data_or_path), mode, file_type, normalize
            )
            self.format = self._picture.extension
            if self._picture.drops_alpha:
                _term.termwarn(
                    "JPEG format does not support transparency. Ignoring alpha channel.",
                    repeat=False,
                )
        self._lay_over(boxes, masks, classes)

    # -- what it is made of ------------------------------------------------------------------------

    def _take(self, other: Image) -> None:
        """The picture of another image and what it says of itself, without boxes and masks."""
        if self._grouping is None:
            self._grouping = other._grouping
        if self._caption is None:
            self._caption = other._caption
        self._classes = other._classes
        self._file_type = other._file_type
        self._address = other._address
        self._picture = other._picture
        self.format = other.format

    def _lay_over(self, boxes: Any, masks: Any, classes: Any) -> None:
        names: dict[Any, Any] = {}
        if boxes:
            self._boxes = _overlays(boxes, BoundingBoxes2D, "boxes")
            for box_set in self._boxes.values():
                names.update(box_set._class_labels)
        if masks:
            self._masks = _overlays(masks, ImageMask, "masks")
            for mask in self._masks.values():
                names.update(mask._labels() or {})
        if classes is not None:
            given = classes._class_set if isinstance(classes, Classes) else classes
            names.update({one["id"]: one["name"] for one in given})
        if names:
            self._classes = Classes([{"id": id, "name": name} for id, name in names.items()])

    @property
    def image(self) -> PILImage | None:
        """The picture as an image of Pillow's; None of an address."""
        return None if self._picture is None else self._picture.image()

    @property
    def _image(self) -> PILImage | None:
        return self.image

    @property
    def _width(self) -> int | None:
        return None if self._picture is None else self._picture.width

    @property
    def _height(self) -> int | None:
        return None if self._picture is None else self._picture.height

    @property
    def _sha256(self) -> str:
        if self._picture is not None:
            return self._picture.sha256()
        import hashlib

        assert self._address is not None
        return hashlib.sha256(self._address.encode()).hexdigest()

    @property
    def _size(self) -> int | None:
        return None if self._picture is None else len(self._picture.content())

    @property
    def _path(self) -> str:
        """The path or address it came from; of pixels, that of a file made for this question."""
        if self._address is not None:
            return self._address
        assert self._picture is not None
        path = self._picture.path or self._copy
        if path is None:
            end = f".{self._picture.extension}"
            path = self._copy = temporary_file(self, self._picture.content(), end)
        return path

    def _set_file(self, path: str, is_tmp: bool = False, extension: str | None = None) -> None:
        """Let this be the picture. A run that has it removes one that `is_tmp`."""
        super()._set_file(path, is_tmp, extension)
        self._picture = pictures.picture(path)
        self.format = self._picture.extension

    def __getstate__(self) -> dict[str, Any]:
        # The file belongs to this object, and goes with it.
        return {**super().__getstate__(), "_copy": None}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Image):
            return False
        if self._picture is None or other._picture is None:
            return self._address == other._address
        return (
            (self._grouping, self._caption, self._width, self._height, self._classes)
            == (other._grouping, other._caption, other._width, other._height, other._classes)
        ) and (self._picture is other._picture or _same_pixels(self.image, other.image))

    __hash__ = None  # type: ignore[assignment]

    def to_data_array(self) -> list[Any]:
        """The pixels row by row: numbers, or a tuple of numbers for each channel."""
        import numpy as np

        image = self.image
        if image is None:
            return []
        array = np.asarray(image.convert("L") if image.mode == "1" else image)
        rows: list[Any] = array.tolist()
        return rows if array.ndim == 2 else [[tuple(pixel) for pixel in row] for row in rows]

    def guess_mode(self, data: Any, file_type: str | None = None) -> str:
        """L, RGB or RGBA for an array or a tensor; ValueError for a shape that is none of them."""
        data = _channels_as_in_wandb(data)
        shape = tuple(data.shape)
        channels = shape[0] if pictures.is_torch(type(data)) else None
        mode = pictures.natural_mode(shape, channels)
        return "RGB" if mode == "RGBA" and file_type in ("jpg", "jpeg") else mode

    @classmethod
    def to_uint8(cls, data: Any, normalize: bool = True) -> Any:
        """An array of numbers as the bytes of its pixels."""
        import numpy as np

        return pictures.to_uint8(np.asarray(data), normalize)

    @staticmethod
    def path_is_reference(path: Any) -> bool:
        """Whether this is an address of http, https, s3 or gs."""
        return isinstance(path, str) and is_reference(path)

    # -- logging it --------------------------------------------------------------------------------

    def _snapshot(self) -> Image:
        """This image, independent of the file it was made from; `log` calls this at once.

        A script may remove or overwrite a file as soon as `log` has returned.
        """
        self._check_local()
        picture = self._picture
        if picture is not None and not picture.held:
            picture.content()
        for mask in (self._masks or {}).values():
            mask._snapshot()
        return self

    def _check_local(self) -> None:
        if self._picture is None:
            raise ValueError(
                "Image media created by a reference to external storage cannot currently be added "
                f"to a run; log wandb.Image(<local path>) instead of {self._address!r}"
            )

    @property
    def _overlays(self) -> list[BoundingBoxes2D | ImageMask]:
        return [*(self._boxes or {}).values(), *(self._masks or {}).values()]

    def _claim(self, sink: Sink, key: str, step: int | str, anew: bool = False) -> Place:
        before = self._place
        place = super()._claim(sink, key, step, anew)
        if place is not before:
            for overlay in self._overlays:
                # One of a script's own is bound by its own method when it is encoded.
                overlay._place = None if overlay._is_custom else place
        return place

    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "format": self.format,
            "width": self._width,
            "height": self._height,
        }
        if self._grouping:
            facts["grouping"] = self._grouping
        if self._caption is not None:
            facts["caption"] = self._caption
        return facts

    def _encode(self) -> tuple[bytes | str, str]:
        self._check_local()
        picture = self._picture
        assert picture is not None
        extension = f".{picture.extension}" if picture.extension else ""
        if picture.path is not None and not picture.held:
            return picture.path, extension
        return picture.content(), extension

    def _row_json(
        self, sink: Sink, key: str, step: int | str, facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        self._check_local()
        json = super()._row_json(sink, key, step, facts)
        for name, overlays in (("boxes", self._boxes), ("masks", self._masks)):
            if overlays:
                json[name] = _overlays_json(overlays, sink, key, step)
        return json

    def _artifact_json(self, sink: ArtifactSink) -> dict[str, Any]:
        if self._address is not None:
            facts = {name: fact for name, fact in self._facts().items() if fact is not None}
            path = sink.refer(self._folder, self._address)
            json: dict[str, Any] = {"_type": self._log_type, **facts, "path": path}
        else:
            json = super()._artifact_json(sink)
        if self._classes is not None:
            json["classes"] = self._classes.reference(sink)
        for name, overlays in (("boxes", self._boxes), ("masks", self._masks)):
            if overlays:
                json[name] = {key: one._artifact_json(sink) for key, one in overlays.items()}
        return json

    def _artifact_end(self, extension: str) -> str:
        path = None if self._picture is None else self._picture.path
        return extension if path is None else f"/{os.path.basename(path)}"

    @classmethod
    def from_json(cls, json_obj: dict[str, Any], source_artifact: Any) -> Image:
        """The image whose JSON this is, with its files from the artifact."""
        classes = json_obj.get("classes")
        if classes is not None:
            path = source_artifact.get_entry(classes["path"]).download()
            with open(path, encoding="utf-8") as file:
                classes = json.load(file)["class_set"]
        boxes: dict[str, Any] = {}
        for name, inner in (json_obj.get("boxes") or {}).items():
            boxes[name] = BoundingBoxes2D.from_json(inner, source_artifact)
            boxes[name]._key = name
        masks: dict[str, Any] = {}
        for name, inner in (json_obj.get("masks") or {}).items():
            masks[name] = ImageMask.from_json(inner, source_artifact)
            masks[name]._key = name
        return cls(
            source_artifact.get_entry(json_obj["path"]).download(),
            caption=json_obj.get("caption"),
            grouping=json_obj.get("grouping"),
            classes=classes,
            boxes=boxes,
            masks=masks,
        )

    @classmethod
    def _list_to_run_value(cls, items: Sequence[Any], sink: Sink, key: str, step: int | str) -> Any:
        if len(items) > cls.MAX_ITEMS:
            _term.termwarn(
                f"Only the first {cls.MAX_ITEMS} of {len(items)} images of {key!r} are kept, "
                "as in wandb."
            )
            items = items[: cls.MAX_ITEMS]
        stored = [item._store_in_list(sink, key, step) for item in items]
        first = items[0]
        if any((item._width, item._height) != (first._width, first._height) for item in items):
            _term.termwarn(
                f"Images sizes do not match in the list {key!r}: they are displayed in the size "
                "of the first."
            )
        json = {
            "_type": "images/separated",
            "width": first._width,
            "height": first._height,
            "format": first.format,
            "count": len(items),
            "filenames": [one.path for one in stored],
        }
        texts = captions(items)
        if texts:
            json["captions"] = texts
        for name, overlays in (
            ("all_masks", [item._masks for item in items]),
            ("all_boxes", [item._boxes for item in items]),
        ):
            groups = _groups_json(overlays, sink, key, step)
            if groups:
                json[name] = groups
        return json

    @classmethod
    def all_masks(
        cls, images: Sequence[Any], run: Any, run_key: str, step: int | str
    ) -> list[dict[str, Any] | None] | bool:
        """The JSON of the masks of each image, None for one without; False if none has any."""
        return _groups_json([image._masks for image in images], run._sink, run_key, step)

    @classmethod
    def all_boxes(
        cls, images: Sequence[Any], run: Any, run_key: str, step: int | str
    ) -> list[dict[str, Any] | None] | bool:
        """The JSON of the boxes of each image, None for one without; False if none has any."""
        return _groups_json([image._boxes for image in images], run._sink, run_key, step)

    @staticmethod
    def captions(media_items: Sequence[Any]) -> bool | list[Any]:
        """The captions of all; False if the first has none."""
        return captions(media_items)

    @classmethod
    def all_captions(cls, images: Sequence[Any]) -> bool | list[Any]:
        """The captions of all; False if the first has none."""
        return captions(images)

    # -- looking at it -----------------------------------------------------------------------------

    def _repr_png_(self) -> bytes | None:
        image = self.image
        if image is None:
            return None
        if self._picture is not None and image.format == "PNG":
            return self._picture.content()
        if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
            image = image.convert("RGB")
        return pictures.encode(image, "PNG")

    def _repr_html_(self) -> str:
        from synadb.media import show

        png = self._repr_png_()
        if png is None:
            # Looking at an object fetches nothing from elsewhere.
            shown = f"<code>{show.plain(self._address)}</code>"
        else:
            shown = f'<img src="{show.data_url("image/png", png)}">'
        return show.captioned(shown, self._caption)


# -- parts of the above ----------------------------------------------------------------------------


def _overlays(given: Any, kind: type[Any], argument: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise ValueError(f'Images "{argument}" argument must be a dictionary')
    made: dict[str, Any] = {}
    for name, one in given.items():
        if isinstance(one, kind):
            made[name] = one
        elif isinstance(one, dict):
            made[name] = kind(one, name)
        else:
            raise KeyError(
                f"{argument}[{name!r}] is of type {type(one).__name__}; "
                f"pass a dict or a {kind.__name__}"
            )
    return made


def _overlays_json(
    overlays: Mapping[str, Media], sink: Sink, key: str, step: int | str
) -> dict[str, Any]:
    return {name: one._encoder(sink, key, step)() for name, one in overlays.items()}


def _groups_json(
    groups: Sequence[Mapping[str, Media] | None], sink: Sink, key: str, step: int | str
) -> list[dict[str, Any] | None] | bool:
    if not any(groups):
        return False
    return [_overlays_json(group, sink, key, step) if group else None for group in groups]


def _check_labels(labels: Any, texts: str) -> None:
    from numbers import Number

    for id, name in labels.items():
        if not isinstance(id, Number) or not isinstance(name, str):
            raise TypeError(
                f"Class labels must be a dictionary of numbers to {texts}, not {id!r}: {name!r}"
            )


def _check_box(box: Any) -> None:
    if "position" not in box or not _is_position(box["position"]):
        raise TypeError(
            "Each box must contain a position with: middle, width, and height or minX, maxX, minY, "
            "maxY; all of them numbers, middle two of them"
        )
    if "scores" in box:
        _check_scores(box["scores"])
    if "class_id" in box and not isinstance(box["class_id"], int):
        raise TypeError(f"A box's class_id must be an integer, not {box['class_id']!r}")
    if "box_caption" in box and not isinstance(box["box_caption"], str):
        raise TypeError(f"A box's caption must be a string, not {box['box_caption']!r}")


def _is_position(position: Any) -> bool:
    from numbers import Number

    def numbers(*names: str) -> bool:
        return all(name in position and isinstance(position[name], Number) for name in names)

    if "middle" in position and len(position["middle"]) == 2 and numbers("width", "height"):
        return True
    return numbers("minX", "maxX", "minY", "maxY")


def _check_scores(scores: Any) -> None:
    from numbers import Number

    if not isinstance(scores, dict):
        raise TypeError(f"Box scores must be a dictionary, not {type(scores).__name__}")
    for name, score in scores.items():
        if not isinstance(name, str):
            raise TypeError(f"A score key must be a string, not {name!r}")
        if not isinstance(score, Number):
            raise TypeError(f"A score value must be a number, not {score!r}")


def _plain_key(label: Any) -> str:
    """The key of a label as JSON spells it."""
    text = json.dumps(label.item() if hasattr(label, "item") else label, default=str)
    return text.strip('"')


def _with_text_keys(labels: Mapping[Any, str]) -> dict[str, str]:
    """Labels whose keys JSON takes: those of numpy and `decimal` are numbers, too."""
    return {
        _plain_key(label) if isinstance(label, bool) else str(label): text
        for label, text in labels.items()
    }


def _same_pixels(one: PILImage | None, other: PILImage | None) -> bool:
    if one is None or other is None:
        return one is other
    return (
        one.mode == other.mode
        and one.tobytes() == other.tobytes()
        and (one.mode != "P" or one.getpalette() == other.getpalette())
    )


def _address_extension(address: str) -> str:
    from urllib.parse import urlparse

    return urlparse(address).path.split("/")[-1].split(".")[-1]

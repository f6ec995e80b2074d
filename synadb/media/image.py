"""Pictures: from arrays, tensors, figures, files and bytes to the bytes of an image file.

How numbers become pixels (`to_uint8`) is the rule that wandb had up to release 0.28, which people
still count on: 0.31 casts without looking at the range and so stores a float picture in black.

    values               pixels
    uint8                as they are
    bool                 0 and 255
    all in 0 to 1        times 255
    all in -1 to 1       -1 is 0, 1 is 255
    anything else        clipped to 0 to 255

Fractions are cut off. NaN has no part in finding the range, and is black.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Final

from synadb.media.value import FileValue, refusing

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image as PILImage

    Array = np.ndarray[Any, Any]

__all__ = [
    "FILE_TYPES",
    "Image",
    "Picture",
    "as_png",
    "encode",
    "is_figure",
    "is_torch",
    "natural_mode",
    "picture",
    "to_uint8",
]

FILE_TYPES: Final = ("png", "jpg", "jpeg", "bmp")
"""The types that pixels can be written as."""

_FORMATS: Final = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "bmp": "BMP"}
_WRITABLE: Final = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA"),
    "JPEG": ("L", "RGB"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
}
_NOT_FOR_JPEG: Final = ("LA", "P", "PA", "RGBA", "RGBa")
_EXTENSIONS: Final = {"JPEG": "jpg", "MPO": "jpg"}
_LONGEST: Final = 65500


class Image(FileValue):
    """A picture: an array (height, width[, 1, 3 or 4]), a tensor of torch (channels, height,
    width), an image of Pillow's, a figure, a path, or the bytes or the open file of an image.

    Numbers other than uint8 are scaled, 0..1 to 0..255 and -1..1 to 0..255, unless `normalize` is
    False. `mode` is one of Pillow's, `file_type` png, jpg, jpeg or bmp.
    """

    _type: ClassVar[str] = "image-file"
    _folder: ClassVar[str] = "media/images"

    def __init__(
        self,
        value: Any,
        caption: str | None = None,
        *,
        mode: str | None = None,
        file_type: str | None = None,
        normalize: bool = True,
    ) -> None:
        with refusing("Image"):
            self._picture = picture(value, mode, file_type, normalize)
        super().__init__(f".{self._picture.extension}" if self._picture.extension else "", caption)

    @property
    def width(self) -> int:
        """In pixels."""
        return self._picture.width

    @property
    def height(self) -> int:
        """In pixels."""
        return self._picture.height

    def _snapshot(self) -> Image:
        if not self._picture.held:
            self._picture.content()
        return self

    def _source(self) -> bytes | str:
        made = self._picture
        return made.path if made.path is not None and not made.held else made.content()

    def _facts(self) -> dict[str, Any]:
        size = {"width": self.width, "height": self.height}
        return {"format": self._picture.extension, **size, **super()._facts()}

    @property
    def _held(self) -> int:
        return self._picture.held_bytes

    def _repr_png_(self) -> bytes:
        return as_png(self._picture)

    def _repr_html_(self) -> str:
        from synadb.media import show

        return show.picture(as_png(self._picture), self.caption)


class Picture:
    """One picture, independent of what it was made of, and encoded when first asked.

    `extension` is without a dot; `path` is the file it came from, which is not read before its
    content is asked for. `drops_alpha` tells of an array whose fourth channel JPEG cannot keep.
    Any thread may call any method.
    """

    __slots__ = ("_content", "_source", "drops_alpha", "extension", "height", "path", "width")

    def __init__(
        self,
        size: tuple[int, int],
        extension: str,
        source: _Pixels | PILImage | None = None,
        content: bytes | None = None,
        path: str | None = None,
        drops_alpha: bool = False,
    ) -> None:
        self.width, self.height = size
        self.extension = extension
        self.path = path
        self.drops_alpha = drops_alpha
        self._source = source
        self._content = content

    @property
    def held(self) -> bool:
        """Whether the content can be had without the file of `path`."""
        return self._content is not None or self._source is not None

    @property
    def held_bytes(self) -> int:
        """About how much memory the pixels or the content take."""
        source, content = self._source, self._content
        if content is not None:
            return len(content)
        if isinstance(source, _Pixels):
            return int(source.array.nbytes)
        return 0 if source is None else self.width * self.height * 4

    def content(self) -> bytes:
        """The bytes of the image file, which from then on stand in for the pixels."""
        # In this order: `_source` is let go only after `_content` is there.
        source = self._source
        content = self._content
        if content is not None:
            return content
        if source is not None:
            content = encode(_drawn(source), _FORMATS[self.extension])
        else:
            content = self._read()
        self._content = content
        self._source = None
        return content

    def image(self) -> PILImage:
        """The picture as an image of Pillow's; of a JPEG file, as it looks in the file."""
        source = self._source
        if source is not None and _FORMATS[self.extension] != "JPEG":
            return _drawn(source).copy()
        return _opened(self._bytes())

    def sha256(self) -> str:
        """The digest of the content, in hex."""
        return hashlib.sha256(self._bytes()).hexdigest()

    def _bytes(self) -> bytes:
        """The content, of which nothing is kept if it is in a file."""
        return self.content() if self.held else self._read()

    def _read(self) -> bytes:
        assert self.path is not None
        with open(self.path, "rb") as file:
            return file.read()


class _Pixels:
    """An array of pixels that nobody else has."""

    __slots__ = ("array", "mode", "normalize")

    def __init__(self, array: Array, mode: str, normalize: bool) -> None:
        self.array = array
        self.mode = mode
        self.normalize = normalize

    def image(self) -> PILImage:
        import numpy as np
        from PIL import Image

        image = Image.fromarray(np.ascontiguousarray(to_uint8(self.array, self.normalize)))
        return image if image.mode == self.mode else image.convert(self.mode)


def picture(
    value: Any, mode: str | None = None, file_type: str | None = None, normalize: bool = True
) -> Picture:
    """A picture of a path, the bytes or the open file of an image, an image of Pillow's, an array
    (height, width[, 1, 3 or 4]), a tensor of torch (channels, height, width), a figure, axes, or
    the module `matplotlib.pyplot`.

    `mode` is one of Pillow's, `file_type` one of `FILE_TYPES`. Files and bytes keep their content
    and type, unless bytes are asked for in another. With `normalize=False` numbers are cast to
    bytes as they are.

    Raises ValueError for a shape that is no picture, an empty picture and an unknown `file_type`
    or `mode`; TypeError for more than three dimensions and for elements that are no numbers;
    RuntimeError for a tensor that is not three-dimensional; IndexError for a single number;
    OSError for a file that cannot be read, bytes that are no image, and a mode that the file type
    has no room for; AttributeError for anything that is no picture at all.
    """
    if isinstance(value, str | os.PathLike):
        return _from_path(os.fspath(value))
    file_type = file_type or None
    if file_type is not None and file_type not in FILE_TYPES:
        raise ValueError(f"file_type must be one of {list(FILE_TYPES)}, not {file_type!r}")
    if isinstance(value, bytes | bytearray | memoryview):
        return _from_bytes(bytes(value), mode, file_type)
    figure = _figure_of(value)
    if figure is not None:
        return _from_figure(figure, mode, file_type or "png")
    image_type = getattr(sys.modules.get("PIL.Image"), "Image", None)
    if image_type is not None and isinstance(value, image_type):
        return _from_pil(value, mode, file_type or "png")
    if hasattr(value, "read") and not hasattr(value, "ndim"):
        return _from_bytes(_read(value), mode, file_type)
    if is_torch(type(value)):
        return _from_array(_torch_array(value, mode), mode, file_type, normalize)
    array = value.numpy() if hasattr(value, "numpy") else value
    if not hasattr(array, "ndim"):
        raise AttributeError(
            f"cannot make an image of an object of type {type(value).__name__}; pass an array, a "
            "tensor, a PIL image, a figure, a path, or the bytes of an image file"
        )
    return _from_array(array, mode, file_type, normalize)


def natural_mode(shape: tuple[int, ...], channels: int | None = None) -> str:
    """L, RGB or RGBA for the shape of an array; `channels` where they are not the last axis."""
    if channels is None:
        channels = shape[-1]
    if len(shape) == 2 or channels == 1:
        return "L"
    if channels == 3:
        return "RGB"
    if channels == 4:
        return "RGBA"
    raise ValueError(
        f"Un-supported shape for image conversion {list(shape)}: arrays are (height, width) or "
        "(height, width, 1, 3 or 4), torch tensors (1, 3 or 4, height, width)"
    )


def to_uint8(array: Array, normalize: bool = True) -> Array:
    """The numbers of a picture as bytes, by the rule at the top of this module."""
    import numpy as np

    kind = array.dtype.kind
    if array.dtype == np.uint8 or array.size == 0:
        return array.astype(np.uint8, copy=False)
    if not normalize:
        with np.errstate(all="ignore"):
            return array.astype(np.uint8)
    if kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if kind == "f":
        return _floats_to_uint8(array)
    low, high = array.min(), array.max()
    if low >= 0 and high <= 1:
        return array.astype(np.uint8) * np.uint8(255)
    if low >= -1 and high <= 1:
        return (127.5 * (array.astype(np.float32) + 1)).astype(np.uint8)
    if array.dtype.itemsize == 1:
        return np.maximum(array, 0).astype(np.uint8)
    return array.clip(0, 255).astype(np.uint8)


def _floats_to_uint8(array: Array) -> Array:
    import numpy as np

    low, high = array.min(), array.max()
    missing = np.isnan(array) if np.isnan(low) else None
    if missing is not None:
        array = np.where(missing, np.inf, array)
        low = array.min()
        array = np.where(missing, -np.inf, array)
        high = array.max()
        array = np.where(missing, low, array)
        if missing.all():
            return np.zeros(array.shape, np.uint8)
    if low >= 0 and high <= 1:
        array = array * 255
    elif low >= -1 and high <= 1:
        array = 255 * 0.5 * (array + 1)
    else:
        array = array.clip(0, 255)
    pixels = array.astype(np.uint8)
    if missing is not None:
        pixels[missing] = 0
    return pixels


def as_png(made: Picture) -> bytes:
    """The picture as a PNG, whatever its own type, for showing it."""
    image = made.image()
    if image.format == "PNG":
        return made.content()
    if image.mode not in _WRITABLE["PNG"]:
        image = image.convert("RGB")
    return encode(image, "PNG")


def is_figure(value: Any) -> bool:
    """Whether this is a figure of matplotlib's or belongs to one; errors as of `picture`."""
    return _figure_of(value) is not None


def encode(image: PILImage, format: str) -> bytes:
    """The bytes of a file; a transparent colour is not kept as such."""
    target = io.BytesIO()
    image.save(target, format=format, transparency=None)
    return target.getvalue()


# -- one function for each kind of value -----------------------------------------------------------


def _from_path(path: str) -> Picture:
    from PIL import Image

    with Image.open(path) as image:
        image.load()  # an OSError of a file that has been cut off
        size = image.size
    return Picture(size, os.path.splitext(path)[1][1:], path=path)


def _from_bytes(content: bytes, mode: str | None, file_type: str | None) -> Picture:
    image = _opened(content)
    kind = str(image.format)
    if mode is not None or (file_type is not None and _FORMATS[file_type] != kind):
        return _from_pil(image, mode, file_type or "png")
    return Picture(
        image.size, file_type or _EXTENSIONS.get(kind, kind.lower()), content=bytes(content)
    )


def _from_pil(image: PILImage, mode: str | None, file_type: str) -> Picture:
    if mode is None and _FORMATS[file_type] == "JPEG" and image.mode in _NOT_FOR_JPEG:
        mode = "RGB"
    image = image.copy() if mode is None or mode == image.mode else image.convert(mode)
    return _checked(Picture(image.size, file_type, image), image.mode)


def _from_array(value: Any, mode: str | None, file_type: str | None, normalize: bool) -> Picture:
    import numpy as np
    from PIL import Image

    # Not left to the thread that encodes: a process forked while a thread imports a module waits
    # for ever when it imports the same one, and loaders of data are often forked at this time.
    Image.preinit()
    # In the order that the memory has, which is the fastest way to copy it.
    array = np.array(value, order="K", copy=True, subok=False)
    if array.ndim > 2:
        array = array.squeeze() if array.size != 1 else array.reshape(1, 1)
    if array.ndim == 0:
        raise IndexError("cannot make an image of a single number: an array has two or three axes")
    natural = mode or natural_mode(array.shape)
    drops_alpha = mode is None and natural == "RGBA" and file_type in ("jpg", "jpeg")
    if array.ndim > 3 or (array.ndim == 3 and not 2 <= array.shape[2] <= 4):
        raise TypeError(
            f"Cannot handle this data type: an array of shape {list(array.shape)} is no picture; "
            "log a list of images, one for each picture"
        )
    if array.dtype.kind == "c":
        array = array.real
    elif array.dtype.kind not in "biuf":
        if array.dtype.kind == "O":
            array = np.frompyfunc(float, 1, 1)(array)  # None is no number, other than for astype
        array = array.astype(np.float64)
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    mode = "RGB" if drops_alpha else natural
    made = Picture(
        (array.shape[1], array.shape[0]),
        file_type or "png",
        _Pixels(array, mode, normalize),
        drops_alpha=drops_alpha,
    )
    return _checked(made, mode)


def _from_figure(figure: Any, mode: str | None, file_type: str) -> Picture:
    buffer = io.BytesIO()
    if _FORMATS[file_type] == "JPEG":
        figure.savefig(buffer, format=file_type)
    else:
        # Only drawn here: compressing it is left to `content`.
        figure.savefig(buffer, format="png", pil_kwargs={"compress_level": 0})
    return _from_pil(_opened(buffer.getvalue()), mode, file_type)


def _checked(made: Picture, mode: str) -> Picture:
    """What may turn out to be impossible to write is written now, so that the caller is told."""
    if not made.width or not made.height:
        raise ValueError("cannot write empty image: it has no pixels")
    format = _FORMATS[made.extension]
    if mode not in _WRITABLE[format] or max(made.width, made.height) > _LONGEST:
        made.content()
    return made


# -- recognising and reading -----------------------------------------------------------------------


def _figure_of(value: Any) -> Any:
    """The figure that a value of matplotlib's belongs to; None for any other value.

    AttributeError for something of matplotlib's that belongs to no figure, ValueError where that
    is no figure either.
    """
    kind = type(value)
    is_module = kind.__name__ == "module"
    name = value.__name__ if is_module else kind.__module__
    figures = sys.modules.get("matplotlib.figure")
    if figures is None:
        return None
    if isinstance(value, figures.Figure):
        return value
    if not isinstance(name, str) or name.partition(".")[0] != "matplotlib":
        # Such as the grids of seaborn, which draw on one.
        figure = getattr(value, "figure", None)
        return figure if isinstance(figure, figures.Figure) else None
    if name == "matplotlib.pyplot" and is_module:
        return value.gcf()
    figure = value.figure
    while isinstance(figure, figures.SubFigure):
        figure = figure.figure
    if not isinstance(figure, figures.Figure):
        raise ValueError(
            "Only matplotlib.pyplot or matplotlib.pyplot.Figure objects are accepted, and what "
            f"is drawn on a figure; {name}.{kind.__name__} is not on one"
        )
    return figure


def is_torch(kind: type) -> bool:
    """Whether this is a tensor of torch's, or of a class made from one."""
    return any(
        base.__module__.partition(".")[0] == "torch"
        and ("Tensor" in base.__name__ or "Variable" in base.__name__)
        for base in kind.__mro__
    )


def _torch_array(tensor: Any, mode: str | None) -> Any:
    """A view of the tensor's elements, channels last."""
    shape = tuple(tensor.shape)
    if mode is None:
        natural_mode(shape, shape[0])
    if len(shape) != 3:
        raise RuntimeError(
            f"a torch tensor of shape {list(shape)} is no picture: its axes are channels, height "
            "and width; use unsqueeze(0) for a gray one, and a list of images for a batch"
        )
    return tensor.detach().cpu().permute(1, 2, 0).numpy()


def _read(file: Any) -> bytes:
    """All of an open file, from its start, where it can be wound back; left where it stood."""
    place = None
    if not hasattr(file, "seekable") or file.seekable():
        try:
            place = file.tell()
            file.seek(0)
        except (AttributeError, OSError):
            place = None
    content = file.read()
    if place is not None:
        file.seek(place)
    if not isinstance(content, bytes | bytearray | memoryview):
        raise TypeError("an image is read from a file opened in binary mode: open(path, 'rb')")
    return bytes(content)


def _opened(content: bytes) -> PILImage:
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(io.BytesIO(content))
    except UnidentifiedImageError:
        raise UnidentifiedImageError(
            f"cannot identify image file: Pillow knows no image that begins {content[:16]!r}"
        ) from None
    image.load()
    return image


def _drawn(source: _Pixels | PILImage) -> PILImage:
    return source.image() if isinstance(source, _Pixels) else source

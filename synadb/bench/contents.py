"""The content of logged files, in a form that two sides can be compared by.

A picture is compared by its pixels: two encoders need not write the same bytes. What is JSON,
tables among it, is compared value by value, and anything else byte by byte. The names of files have
random or hashed parts and are left aside.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    Pixels: TypeAlias = np.ndarray[Any, Any]

__all__ = ["Content", "Filler", "Read", "content_of", "contents_in", "in_words", "pixels"]

# The content of a file of a run by its name; None where there is no such file.
Read: TypeAlias = Callable[[str], bytes | None]

_PICTURES = (".bmp", ".jpeg", ".jpg", ".png")
_OF_EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
# Where an artifact has the file of a value that was logged before: the folder is in the name, too.
_HASHED_FOLDER = re.compile(r"([0-9a-f]{20})/(?=[^/]*_\1\.[^/]*$)")
_HASHED_NAME = re.compile(r"^(.*/)?[^/]*?((?:\.[a-z0-9]+)*)$", re.DOTALL | re.IGNORECASE)
_IN_FILE = ("sha256", "size")  # what a row says of a file's bytes


@dataclass(frozen=True)
class Content:
    """What a file holds.

    Attributes:
        part: "media", "tables" or "files".
        kind: "pixels", "JSON" or "bytes".
        digest: Of the pixels, or of the bytes.
        about: The same for people.
        tree: The value of a JSON file.
        load: Reads the file again; None when it is no longer there.
    """

    part: str
    kind: str
    digest: str
    about: str
    tree: Any = None
    load: Callable[[], bytes | None] = lambda: None

    def __repr__(self) -> str:
        return self.about


def content_of(name: str, read: Read, part: str) -> Content | None:
    """The content of the file `name`; None where there is none."""
    data = read(name)
    if data is None:
        return None

    def load() -> bytes | None:
        try:
            return read(name)
        except FileNotFoundError:
            return None

    ending = os.path.splitext(name)[1].lower()
    if ending == ".json":
        try:
            tree = json.loads(data)
        except (ValueError, RecursionError):
            pass
        else:
            return Content(part, "JSON", "", f"JSON of {len(data):,} bytes", tree, load)
    array = pixels(data) if ending in _PICTURES else None
    if array is not None:
        height, width = array.shape[:2]
        digest = hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()
        about = f"a picture of {width} x {height} pixels ({digest[:8]})"
        return Content(part, "pixels", digest, about, load=load)
    digest = hashlib.sha256(data).hexdigest()
    return Content(part, "bytes", digest, f"{len(data):,} bytes ({digest[:8]})", load=load)


def pixels(data: bytes) -> Pixels | None:
    """The pixels of a picture, with four channels where it has eight bits; None if it is none.

    One that moves is no picture here: it has others after the first.
    """
    import numpy as np
    from PIL import Image

    try:
        with Image.open(BytesIO(data)) as image:
            if getattr(image, "n_frames", 1) > 1:
                return None
            # Gray and color that look the same are the same.
            return np.asarray(image.convert("RGBA") if image.mode in _OF_EIGHT_BITS else image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def in_words(left: Content, right: Content) -> str:
    """How two contents differ, as far as that can be said in a few words."""
    if (left.kind, right.kind) != ("pixels", "pixels"):
        return ""
    a, b = (pixels(content.load() or b"") for content in (left, right))
    if a is None or b is None or a.shape != b.shape:
        return ""
    import numpy as np

    apart = np.abs(a.astype(np.int64) - b.astype(np.int64))
    count = np.count_nonzero(apart.reshape(*apart.shape[:2], -1).any(axis=2))
    return f"{count:,} of {a.shape[0] * a.shape[1]:,} pixels differ, by up to {apart.max()}"


def contents_in(value: Any) -> Iterator[Content]:
    """Every content below a value that a `Filler` has filled, as often as it is there."""
    if isinstance(value, Content):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from contents_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from contents_in(inner)


class Filler:
    """Puts the content of files where rows have their names; each file is read once."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._known: dict[tuple[str, str], Content | None] = {}

    def row(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row, filled; the same object where nothing is to be filled in."""
        if not any(isinstance(value, (dict, list)) for value in row.values()):
            return row
        return {key: self.value(value) for key, value in row.items()}

    def value(self, value: Any) -> Any:
        """A value of a row, filled at any depth."""
        if isinstance(value, list):
            return [self.value(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        filled = {key: self.value(inner) for key, inner in value.items()}
        kind = value.get("_type")
        if not isinstance(kind, str):
            return filled
        part = "tables" if "table" in kind else "media"
        if isinstance(name := value.get("path"), str):
            filled |= {"path": _unnamed(name), "content": self._content(name, part)}
            for key in _IN_FILE:
                filled.pop(key, None)
        if isinstance(names := value.get("filenames"), list):
            filled["filenames"] = [_unnamed(str(name)) for name in names]
            filled["content"] = [self._content(str(name), part) for name in names]
        return filled

    def _content(self, name: str, part: str) -> Content | None:
        if (name, part) not in self._known:
            self._known[name, part] = content_of(name, self._read, part)
        return self._known[name, part]


def _unnamed(path: str) -> str:
    """A path without what is the file's own name in it: its folder and its ending."""
    return _HASHED_NAME.sub(r"\1*\2", _HASHED_FOLDER.sub("", path))

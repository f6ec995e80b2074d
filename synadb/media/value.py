"""What all media share: a value that becomes JSON in a row, and usually a file beside it.

A value captures what it is given when it is made, so that later changes of an array do not matter.
Encoding happens later, once, and may happen in another thread.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar, Protocol

from synadb.errors import InvalidValueError

__all__ = [
    "FileValue",
    "Hold",
    "Sink",
    "Stored",
    "Value",
    "advice",
    "captured",
    "class_name",
    "clean_key",
    "file_path",
    "media_for",
    "moved",
    "refusing",
    "split",
    "temporary_path",
]

_IN_MEMORY = 8 << 20  # a larger file waits as a copy on disk for its turn to be stored
_LARGE = 1 << 18  # bytes: what is larger is not held by a value that has been stored
_LONGEST_NAME = 255  # bytes: what file systems allow
_REFUSALS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)

# Classes of other libraries, and which of the media takes their objects.
_TAKEN_BY = {
    ("PIL", "Image"): "Image",
    ("matplotlib", "Axes"): "Figure",
    ("matplotlib", "Figure"): "Figure",
    ("pandas", "DataFrame"): "Table",
    ("plotly", "BaseFigure"): "Figure",
}


class Stored:
    """Where a file is kept: `path` inside the run, SHA-256 of its content in hex, size in bytes."""

    __slots__ = ("path", "sha256", "size")

    def __init__(self, path: str, sha256: str, size: int) -> None:
        self.path = path
        self.sha256 = sha256
        self.size = size

    def as_json(self) -> dict[str, Any]:
        """The fields that a row has of it."""
        return {"path": self.path, "sha256": self.sha256, "size": self.size}


class Sink(Protocol):
    """What keeps the files of one run."""

    run_id: str
    token: object  # another one as soon as files that were put are given up

    def put(
        self, folder: str, key: str, step: int | str, content: bytes | str, extension: str
    ) -> Stored:
        """Keep `content` (bytes, or the path of a file) at the path that `file_path` gives."""


class Value:
    """A value that a row keeps as a JSON object with a `_type`."""

    _type: ClassVar[str]

    def _snapshot(self) -> Value:
        """This value, independent of whatever it was made from."""
        return self

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> Any:
        """The JSON of this value under the last key of its path; files go to `sink`."""
        raise NotImplementedError

    def _claim(self, sink: Sink, key: str, step: int | str) -> tuple[str, int | str]:
        """The key and step that its file is named by: those of the first time that a run logs it.

        `log` asks for this in the script's thread: which of several rows is encoded first is
        chance.
        """
        return key, step

    def _encoder(self, sink: Sink, key: str, step: int | str) -> Callable[[], Any]:
        """What makes the JSON later."""
        return partial(self._to_run_value, sink, key, step)

    @property
    def _held(self) -> int:
        """About how many bytes of memory this holds until it has been encoded."""
        return 0


class FileValue(Value):
    """A value with a file: bytes, or a file that is there already."""

    _folder: ClassVar[str]

    def __init__(self, extension: str, caption: str | None = None) -> None:
        if caption is not None and not isinstance(caption, str):
            raise InvalidValueError(f"a caption is a str, not {caption!r}")
        self.caption = caption
        self.extension = extension
        """The end of the file's name, with its dot."""
        self._path: str | None = None
        self._content: bytes | None = None
        self._copy: str | None = None
        self._hold = Hold()
        self._stored: Stored | None = None
        self._stored_in: object = None  # the token of a sink
        self._claimed: tuple[object, tuple[str, int | str]] | None = None  # in which, and where
        self._storing = threading.RLock()

    def encode(self) -> bytes:
        """The content of the file."""
        content = self._source()
        if isinstance(content, bytes):
            return content
        with open(content, "rb") as file:
            return file.read()

    def _source(self) -> bytes | str:
        """The content, or the path of a file that holds it."""
        for content in (self._content, self._copy, self._path):
            if content is not None:
                return content
        raise NotImplementedError

    def _facts(self) -> dict[str, Any]:
        """What a row says of it beside type, path, size and digest."""
        return {} if self.caption is None else {"caption": self.caption}

    def _from_path(self, path: str | os.PathLike[str]) -> None:
        """Let the file be a copy of this one, as it is when it is logged; OSError."""
        path = os.fspath(path)
        with open(path, "rb"):
            pass
        self._path = path

    def _snapshot(self) -> FileValue:
        if self._path is not None:
            self._hold.capture(self, self._path)
        return self

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> Any:
        return self._row_json(sink, *self._claim(sink, key, step), self._facts())

    def _claim(self, sink: Sink, key: str, step: int | str) -> tuple[str, int | str]:
        # Without the lock, which the pool has while it encodes.
        claimed = self._claimed
        if claimed is None or claimed[0] is not sink.token:
            if self._path is not None:
                self._hold.take(self, self._path)
            self._claimed = claimed = sink.token, (key, step)
        return claimed[1]

    def _encoder(self, sink: Sink, key: str, step: int | str) -> Callable[[], Any]:
        if type(self)._to_run_value is not FileValue._to_run_value:
            return partial(self._to_run_value, sink, key, step)
        return partial(self._row_json, sink, *self._claim(sink, key, step), self._facts())

    def _row_json(
        self, sink: Sink, key: str, step: int | str, facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The JSON of this value in a row that says `facts` of it, its file at a place."""
        with self._storing:
            if self._stored is None or self._stored_in is not sink.token:
                token = sink.token
                self._stored = self._put(sink, key, step)
                self._stored_in = token
            stored = self._stored
        return {"_type": self._type, **facts, **stored.as_json()}

    def _put(self, sink: Sink, key: str, step: int | str) -> Stored:
        stored = sink.put(self._folder, key, step, self._source(), self.extension)
        self._hold.give(self)
        return stored

    @property
    def _held(self) -> int:
        return len(self._content or b"")

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_storing"]
        # A copy on disk belongs to the object that made it, and a run to its process.
        return state | {
            "_copy": None,
            "_hold": self._hold.copied(),
            "_stored": None,
            "_claimed": None,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._storing = threading.RLock()


class Hold:
    """How long a value holds what it has captured of a file: always, or if that is large, until
    every run that has the value has stored it. A run that comes later gets the file as it is then.
    """

    __slots__ = ("_large", "_users")

    def __init__(self, *, large: bool = False) -> None:
        self._large = large
        self._users = 0

    def copied(self) -> Hold:
        """That of a copy of the owner."""
        return Hold(large=self._large)

    def capture(self, owner: Any, path: str) -> None:
        """Let the owner have `_content` or `_copy`, unless it had them before; OSError."""
        if owner._content is None and owner._copy is None and not self._large:
            self._capture(owner, path)

    def take(self, owner: Any, path: str) -> None:
        """Hold it for one more that stores it; OSError if it is large and the file has gone."""
        if not self._large:
            return
        with _HOLDING:
            self._users += 1
        if owner._content is None and owner._copy is None:
            try:
                self._capture(owner, path)
            except OSError:
                with _HOLDING:
                    self._users -= 1
                raise

    def give(self, owner: Any) -> None:
        """One of them has stored it."""
        if not self._large:
            return
        with _HOLDING:
            self._users = max(0, self._users - 1)
            if self._users:
                return
            owner._content, copy, owner._copy = None, owner._copy, None
        if copy is not None:
            with contextlib.suppress(OSError):
                os.unlink(copy)

    def _capture(self, owner: Any, path: str) -> None:
        content, copy = captured(path, owner)
        self._large = copy is not None or len(content or b"") > _LARGE
        owner._content, owner._copy = content, copy


_HOLDING = threading.RLock()  # for signal handlers


def captured(path: str, owner: object) -> tuple[bytes | None, str | None]:
    """A file as it is now: its content, or the path of a copy of it, which goes with its owner."""
    if os.path.getsize(path) <= _IN_MEMORY:
        with open(path, "rb") as file:
            return file.read(), None
    import shutil

    copy = temporary_path(owner)
    shutil.copyfile(path, copy)
    return None, copy


def moved(path: str, owner: object) -> str:
    """Move a file to where it is left alone, and goes with its owner; returns the new path."""
    import shutil

    place = temporary_path(owner, os.path.splitext(path)[1])
    shutil.move(path, place)
    return place


def temporary_path(owner: object, extension: str = "") -> str:
    """An empty file, which goes when its owner goes, at the latest at the end of the program."""
    import tempfile

    handle, path = tempfile.mkstemp(prefix="synadb-", suffix=extension)
    os.close(handle)
    weakref.finalize(owner, _remove_own, path, os.getpid())
    return path


def _remove_own(path: str, pid: int) -> None:
    if os.getpid() == pid:  # the owner in a forked child is a copy, and the other still lives
        with contextlib.suppress(OSError):
            os.unlink(path)


def clean_key(key: str) -> str:
    """A key as a part of a file's path, which never leaves the folder it is put in."""
    parts = [part.replace("..", "__") for part in _storable(key).replace(os.sep, "/").split("/")]
    return "/".join(part for part in parts if part not in ("", "."))


def file_path(folder: str, key: str, step: int | str, sha256: str, extension: str) -> str:
    """`<folder>/<key>_<step>_<first 20 of the digest><extension>`; names too long are cut."""
    *above, last = clean_key(key).split("/")
    if key.endswith("/") and last:
        above, last = [*above, last], ""
    end = f"_{step}_{sha256[:20]}{_storable(extension).replace('/', '_')}"
    last = _cut(last, _LONGEST_NAME - len(end.encode()))
    return "/".join([folder, *(_cut(part, _LONGEST_NAME) for part in above), last + end])


def _storable(text: str) -> str:
    return text.replace("\0", "_").encode("utf-8", "replace").decode()


def _cut(text: str, most: int) -> str:
    encoded = text.encode()
    return text if len(encoded) <= most else encoded[: max(0, most)].decode("utf-8", "ignore")


@contextlib.contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn what an encoder raises about its argument into an InvalidValueError that names it."""
    try:
        yield
    except InvalidValueError:
        raise
    except _REFUSALS as error:
        raise InvalidValueError(f"{what}: {error}") from error


def class_name(value: object) -> str:
    """The class of a value for a message, with its module: several have an `Image`."""
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return module + kind.__qualname__


def media_for(value: object) -> str | None:
    """Image, Figure or Table, if one of them takes this object of another library."""
    bases = (
        (str(base.__module__).partition(".")[0], base.__name__) for base in type(value).__mro__
    )
    return next((_TAKEN_BY[base] for base in bases if base in _TAKEN_BY), None)


def advice(value: object, *, logged: bool = True) -> str:
    """What to do with a value that cannot be stored as it is; not `logged`: set in a summary."""
    from synadb import media

    name = media_for(value)
    if name is None and hasattr(type(value), "_to_run_value"):  # one of these, or of the drop-in
        name = type(value).__name__
    if name not in media.__all__:
        return "convert it to numbers, text, lists or dicts first"
    if not logged:
        return f"media are logged, not set: run.log({{key: synadb.media.{name}(...)}})"
    if isinstance(value, Value):
        return "media stand under a key of their own, or in a list of nothing else"
    return f"use synadb.media.{name}(...)"


Place = tuple[str, ...]


def split(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[Place, Any]]]:
    """A row without its media, and these, captured, with the keys that lead to them.

    A list of media is one of them. InvalidValueError for a list that holds other things too.
    """
    found: list[tuple[Place, Any]] = []
    return _split(data, (), found), found


def _split(data: Mapping[str, Any], place: Place, found: list[tuple[Place, Any]]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in data.items():
        here = (*place, str(key))
        if isinstance(value, Value):
            found.append((here, value._snapshot()))
        elif isinstance(value, list | tuple) and any(isinstance(item, Value) for item in value):
            if not all(isinstance(item, Value) for item in value):
                raise InvalidValueError(f"{'.'.join(here)!r}: a list of media holds nothing else")
            found.append((here, [item._snapshot() for item in value]))
        elif isinstance(value, Mapping):
            before = len(found)
            inner = _split(value, here, found)
            if inner or len(found) == before:
                kept[str(key)] = inner
        else:
            kept[key] = value
    return kept

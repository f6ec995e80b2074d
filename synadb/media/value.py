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
    "Sink",
    "Stored",
    "Value",
    "captured",
    "clean_key",
    "file_path",
    "refusing",
    "remove_copy",
    "split",
]

_IN_MEMORY = 8 << 20  # a larger file waits as a copy on disk for its turn to be stored
_LONGEST_NAME = 255  # bytes: what file systems allow
_REFUSALS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


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
        self._stored: Stored | None = None
        self._run: weakref.ref[Any] | None = None
        self._place: tuple[str, int | str] = ("", 0)  # the file's key and step in that run
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
        with self._storing:
            if self._path is not None and not (self._stored or self._content or self._copy):
                self._content, self._copy = captured(self._path)
        return self

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> Any:
        return self._row_json(sink, *self._claim(sink, key, step), self._facts())

    def _claim(self, sink: Sink, key: str, step: int | str) -> tuple[str, int | str]:
        with self._storing:
            if self._run is None or self._run() is not sink:
                self._run, self._place, self._stored = weakref.ref(sink), (key, step), None
            return self._place

    def _encoder(self, sink: Sink, key: str, step: int | str) -> Callable[[], Any]:
        if type(self)._to_run_value is not FileValue._to_run_value:
            return partial(self._to_run_value, sink, key, step)
        return partial(self._row_json, sink, *self._claim(sink, key, step), self._facts())

    def _row_json(
        self, sink: Sink, key: str, step: int | str, facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The JSON of this value in a row that says `facts` of it, its file at a place."""
        with self._storing:
            stored = self._stored if self._run is not None and self._run() is sink else None
            if stored is None:
                stored = self._put(sink, key, step)
                if self._run is not None and self._run() is sink:
                    self._stored = stored
        return {"_type": self._type, **facts, **stored.as_json()}

    def _put(self, sink: Sink, key: str, step: int | str) -> Stored:
        stored = sink.put(self._folder, key, step, self._source(), self.extension)
        # The run has it now. What was passed as a path can be read again there.
        copy, self._copy = self._copy, None
        remove_copy(copy)
        if self._path is not None:
            self._content = None
        return stored

    @property
    def _held(self) -> int:
        return len(self._content or b"")

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_storing"]
        # A copy on disk belongs to the object that made it, and a run to its process.
        return state | {"_copy": None, "_stored": None, "_run": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._storing = threading.RLock()


def captured(path: str) -> tuple[bytes | None, str | None]:
    """A file as it is now: its content, or the path of a copy of it."""
    if os.path.getsize(path) <= _IN_MEMORY:
        with open(path, "rb") as file:
            return file.read(), None
    import shutil
    import tempfile

    handle, copy = tempfile.mkstemp(prefix="synadb-")
    os.close(handle)
    shutil.copyfile(path, copy)
    return None, copy


def remove_copy(copy: str | None) -> None:
    """Remove what `captured` has made."""
    if copy is not None:
        with contextlib.suppress(OSError):
            os.unlink(copy)


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

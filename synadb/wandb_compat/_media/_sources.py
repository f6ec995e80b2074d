"""What the data types share that are made from a file, or become one at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NoReturn

from synadb.media.value import Hold, temporary_path
from synadb.wandb_compat._media.base import ArtifactSink, Media, Place, Sink, Stored
from synadb.wandb_compat.errors import Error

__all__ = ["FileMedia", "captions", "is_path", "is_reference", "missing", "read", "temporary_file"]


def is_path(value: Any) -> bool:
    """Whether this is a path: a str or a `pathlib` one."""
    return isinstance(value, str) or hasattr(value, "__fspath__")


def is_reference(path: str) -> bool:
    """Whether a path leads to another machine."""
    return re.match(r"(gs|s3|https?)://", path) is not None


def read(source: Any) -> bytes:
    """All that a file object has, from its start where it can go back; text as UTF-8."""
    if hasattr(source, "seek"):
        source.seek(0)
    content = source.read()
    return content.encode() if isinstance(content, str) else bytes(content)


def missing(call: str, package: str, error: BaseException | None = None) -> NoReturn:
    """Raise wandb.Error about a package that is not installed."""
    raise Error(f"{call} requires {package}. To get it, run: pip install {package}") from error


def captions(items: Sequence[Any]) -> bool | list[Any]:
    """The captions of a list; False when the first has none."""
    if not items or items[0]._caption is None:
        return False
    return [item._caption for item in items]


def temporary_file(owner: Any, content: bytes, extension: str) -> str:
    """The path of a file with this content, which goes when its owner goes."""
    path = temporary_path(owner, extension)
    with open(path, "wb") as file:
        file.write(content)
    return path


class FileMedia(Media):
    """A value whose file is there already, as a path or as bytes.

    `log` calls `_snapshot` in the thread of the training: a file may be written again or removed
    as soon as it returns.
    """

    def __init__(self, caption: str | None = None) -> None:
        super().__init__(caption)
        self._content: bytes | None = None
        self._copy: str | None = None
        self._hold = Hold()
        self._shown: str | None = None

    def _artifact_json(self, sink: ArtifactSink) -> dict[str, Any]:
        if self._file is not None and is_reference(self._file):
            return {
                "_type": self._log_type,
                **self._facts(),
                "path": sink.refer(self._folder, self._file),
            }
        return super()._artifact_json(sink)

    @classmethod
    def _from_file(cls, path: str, json_obj: dict[str, Any]) -> FileMedia:
        found: Any = cls(path)
        found._caption = json_obj.get("caption")
        return found  # type: ignore[no-any-return]

    def _set_content(self, content: bytes, extension: str) -> None:
        self._content = content
        self._extension = extension

    @property
    def _path(self) -> str:
        """Where the file is: the script's, or one that is made for this question."""
        path = self._file or self._shown
        if path is None:
            content, extension = self._encode()
            assert isinstance(content, bytes)
            path = self._shown = temporary_file(self, content, extension)
        return path

    def __getstate__(self) -> dict[str, Any]:
        # These files belong to this object, and go with it.
        return {
            **super().__getstate__(),
            "_copy": None,
            "_hold": self._hold.copied(),
            "_shown": None,
        }

    def _snapshot(self) -> FileMedia:
        """This value, independent of the file that it was made from."""
        if self._file is not None:
            self._hold.capture(self, self._file)
        return self

    def _claim(self, sink: Sink, key: str, step: int | str, anew: bool = False) -> Place:
        before = self._place
        place = super()._claim(sink, key, step, anew)
        if self._file is not None and place is not before:
            try:
                self._hold.take(self, self._file)
            except OSError:
                if before is None or before.token is not sink.token:
                    self._place = before
                    raise
                self._place = place = before  # the file of the first time is there
        return place

    def _put(self, sink: Sink, key: str, step: int | str) -> Stored:
        try:
            stored = super()._put(sink, key, step)
        except FileNotFoundError:
            # In a list, whose values do not ask for their places one by one: see `_claim`.
            if self._stored is None or self._place != self._stored_at:
                raise
            return self._stored
        self._hold.give(self)
        return stored

    def _encode(self) -> tuple[bytes | str, str]:
        for content in (self._content, self._copy, self._file):
            if content is not None:
                return content, self._extension
        raise ValueError(f"this {type(self).__name__} has no content")

    @classmethod
    def path_is_reference(cls, path: Any) -> bool:
        """Whether `path` is the address of something on another machine."""
        return isinstance(path, str) and is_reference(path)

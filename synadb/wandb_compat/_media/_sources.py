"""What the data types share that are made from a file, or become one at once."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from synadb.media.value import captured, remove_copy
from synadb.wandb_compat._media.base import ArtifactSink, Media, Sink, Stored
from synadb.wandb_compat.errors import Error

__all__ = ["FileMedia", "captions", "is_path", "is_reference", "missing", "read"]


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


class FileMedia(Media):
    """A value whose file is there already, as a path or as bytes.

    `log` calls `_snapshot` in the thread of the training: a file may be written again or removed
    as soon as it returns.
    """

    def __init__(self, caption: str | None = None) -> None:
        super().__init__(caption)
        self._path: str | None = None
        self._extension = ""
        self._content: bytes | None = None
        self._copy: str | None = None

    def _set_path(self, path: str, extension: str | None = None) -> None:
        """The file is a copy of this one; OSError if it cannot be read."""
        with open(path, "rb"):
            pass
        self._path = path
        self._extension = os.path.splitext(path)[1] if extension is None else extension

    def _artifact_json(self, sink: ArtifactSink) -> dict[str, Any]:
        if self._path is not None and is_reference(self._path):
            return {
                "_type": self._log_type,
                **self._facts(),
                "path": sink.refer(self._folder, self._path),
            }
        return super()._artifact_json(sink)

    def _artifact_end(self, extension: str) -> str:
        # A file of the script keeps its name.
        return extension if self._path is None else f"/{os.path.basename(self._path)}"

    @classmethod
    def _from_file(cls, path: str, json_obj: dict[str, Any]) -> FileMedia:
        found: Any = cls(path)
        found._caption = json_obj.get("caption")
        return found  # type: ignore[no-any-return]

    def _set_content(self, content: bytes, extension: str) -> None:
        self._content = content
        self._extension = extension

    def _snapshot(self) -> FileMedia:
        """This value, independent of the file that it was made from."""
        with self._storing:
            if self._stored is None and self._path is not None and not self._captured():
                self._content, self._copy = captured(self._path)
        return self

    def _captured(self) -> bool:
        return self._content is not None or self._copy is not None

    def _encode(self) -> tuple[bytes | str, str]:
        for content in (self._content, self._copy, self._path):
            if content is not None:
                return content, self._extension
        raise ValueError(f"this {type(self).__name__} has no content")

    def _put(self, sink: Sink, key: str, step: int | str) -> Stored:
        stored = super()._put(sink, key, step)
        # The run has it now. What was passed as a path can be read again there.
        copy, self._copy = self._copy, None
        remove_copy(copy)
        if self._path is not None:
            self._content = None
        return stored

    def _facts(self) -> dict[str, Any]:
        return {} if self._caption is None else {"caption": self._caption}

    @property
    def _sha256(self) -> str:
        """The digest of the file."""
        if self._stored is not None:
            return self._stored.sha256
        import hashlib

        content, _ = self._encode()
        if isinstance(content, str):
            with open(content, "rb") as file:
                content = file.read()
        return hashlib.sha256(content).hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return False
        return self is other or self._sha256 == other._sha256

    def __hash__(self) -> int:
        return id(self)

    @classmethod
    def path_is_reference(cls, path: Any) -> bool:
        """Whether `path` is the address of something on another machine."""
        return isinstance(path, str) and is_reference(path)

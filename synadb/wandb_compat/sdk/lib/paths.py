"""`wandb.sdk.lib.paths`."""

from __future__ import annotations

import os
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any, TypeAlias, Union

from synadb.wandb_compat._lazy import lazy_attribute

__all__ = [
    "FilePathStr",
    "LogicalPath",
    "StrPath",
    "URIStr",
    "validate_fspath",
    "validate_relpath",
]

StrPath: TypeAlias = Union[str, "os.PathLike[str]"]
FilePathStr: TypeAlias = str
URIStr: TypeAlias = str


class LogicalPath(str):
    """A path inside of a run or an artifact: text with slashes, on every system.

    It has the methods of a `PurePosixPath`; those that give a path give a LogicalPath.
    """

    __slots__ = ()

    def __new__(cls, path: StrPath | bytes) -> LogicalPath:
        """Make one of text, bytes or a path."""
        if isinstance(path, PurePath):
            text = path.as_posix()
        else:
            text = os.fsdecode(path)
            if os.name == "nt":
                text = text.replace("\\", "/")
        return super().__new__(cls, PurePosixPath(text))

    def to_path(self) -> PurePosixPath:
        """The same as a PurePosixPath."""
        return PurePosixPath(str(self))

    def __getattr__(self, name: str) -> Any:
        try:
            found = getattr(self.to_path(), name)
        except AttributeError:
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}") from None
        if not callable(found):
            return _logical(found)

        def call(*args: Any, **kwargs: Any) -> Any:
            return _logical(found(*args, **kwargs))

        return call

    def __truediv__(self, other: StrPath) -> LogicalPath:
        return LogicalPath(self.to_path() / LogicalPath(other))


def _logical(value: Any) -> Any:
    return LogicalPath(value) if isinstance(value, PurePosixPath) else value


def validate_relpath(path: StrPath) -> LogicalPath:
    """`path` as a LogicalPath; ValueError unless it stays below where it starts."""
    logical = LogicalPath(path)
    spellings = logical.to_path(), PureWindowsPath(path)
    if logical == "." or any(spelled.anchor or ".." in spelled.parts for spelled in spellings):
        raise ValueError(f"Invalid path: {path!r}")
    return logical


def validate_fspath(root: StrPath, relpath: StrPath) -> FilePathStr:
    """The file `relpath` below `root`; ValueError if it is not below."""
    return os.path.join(os.fspath(root), validate_relpath(relpath))


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)

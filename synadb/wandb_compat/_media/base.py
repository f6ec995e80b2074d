"""What all data types share: a value that becomes JSON in a row, and usually a file beside it.

A data type captures what it is given when it is constructed, so that later changes of an array or
a file handle do not matter. Encoding happens later, once, and may happen in another thread:
`_to_run_value` is called with a `Sink`, which keeps the file and says where.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

__all__ = ["BatchableMedia", "Media", "Sink", "Stored", "WBValue", "clean_key"]


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
        """Keep `content` (bytes, or the path of a file) as
        `<folder>/<key>_<step>_<first 20 of its SHA-256><extension>`.
        """

    def put_artifact(self, name: str, type: str, files: dict[str, bytes]) -> str:
        """Keep files as the next version of an artifact; returns its client id."""

    def set_config(self, key: str, name: str, value: Any) -> None:
        """Set `config._wandb[key][name]`."""


class WBValue:
    """A value that a row keeps as a JSON object with a `_type`."""

    _log_type: ClassVar[str | None] = None

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> Any:
        """The JSON of this value under the last key of its path; files go to `sink`."""
        raise NotImplementedError

    def to_json(self, run_or_artifact: Any) -> dict[str, Any]:
        """The JSON of this value; what needs a file is kept in the run first."""
        json: dict[str, Any] = self._to_run_value(run_or_artifact._sink, "", "")
        return json


class Media(WBValue):
    """A value with a file. Subclasses say how it is encoded and what the row says of it."""

    _folder: ClassVar[str] = "media"

    def __init__(self, caption: str | None = None) -> None:
        self._caption = caption
        self._stored: Stored | None = None
        self._stored_in = ""  # the id of the run
        self._storing = threading.Lock()

    def _encode(self) -> tuple[bytes | str, str]:
        """The content, or the path of a file that holds it, and the extension with its dot."""
        raise NotImplementedError

    def _facts(self) -> dict[str, Any]:
        """What a row says of it beside path, size and digest."""
        return {}

    def _to_run_value(self, sink: Sink, key: str, step: int | str) -> Any:
        # The same object, logged again to a run, is the file of the first time.
        with self._storing:
            if self._stored is None or self._stored_in != sink.run_id:
                self._stored = self._put(sink, key, step)
                self._stored_in = sink.run_id
        return {"_type": self._log_type, **self._facts(), **self._stored.as_json()}

    def _put(self, sink: Sink, key: str, step: int | str) -> Stored:
        content, extension = self._encode()
        return sink.put(self._folder, key, step, content, extension)

    @classmethod
    def get_media_subdir(cls) -> str:
        """The folder of such files inside a run."""
        return cls._folder

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_storing"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._storing = threading.Lock()


class BatchableMedia(Media):
    """Media of which a list is one value."""

    @classmethod
    def _list_to_run_value(cls, items: Sequence[Any], sink: Sink, key: str, step: int | str) -> Any:
        """The JSON of a list of such values, all of this class."""
        raise NotImplementedError


def clean_key(key: str) -> str:
    """A key as a part of a file's path, which never leaves the folder it is put in."""
    parts = [part.replace("..", "__") for part in key.replace(os.sep, "/").split("/")]
    return "/".join(part for part in parts if part not in ("", "."))

"""`run.summary`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from synadb.storage.codec import plain

__all__ = ["Summary"]


class _MissingError(KeyError, AttributeError):
    """A key that is not there, asked for as an item or as an attribute."""


class Summary(MutableMapping[str, Any]):
    """The last value of every key, and what the script sets by hand; a proper mapping.

    A nested dict comes back as such an object too and writes through.
    """

    def __init__(
        self,
        data: dict[str, Any],
        changed: Callable[[tuple[str, ...]], None] | None = None,
        path: tuple[str, ...] = (),
    ) -> None:
        object.__setattr__(self, "_data", data)
        object.__setattr__(self, "_changed", changed)
        object.__setattr__(self, "_path", path)

    _data: dict[str, Any]
    _changed: Callable[[tuple[str, ...]], None] | None
    _path: tuple[str, ...]

    def _tell(self, *keys: str) -> None:
        if self._changed is not None:
            self._changed((self._path[0],) if self._path else keys)

    def __getitem__(self, key: str) -> Any:
        try:
            value = self._data[key]
        except KeyError:
            raise _MissingError(key) from None
        if isinstance(value, dict):
            return Summary(value, self._changed, (*self._path, key))
        return plain(value)

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        self._data.pop(key, None)
        self._tell(key)

    def __getattr__(self, key: str) -> Any:
        if key.startswith("__"):
            raise AttributeError(key)
        return self[key]

    def __setattr__(self, key: str, value: Any) -> None:
        self[key] = value

    def __iter__(self) -> Iterator[str]:
        return (key for key in list(self._data) if self._path or key != "_wandb")

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def update(self, d: Mapping[str, Any]) -> None:  # type: ignore[override]
        """Set several keys; None or NaN removes one."""
        values = {
            key: plain(value._data if isinstance(value, Summary) else value)
            for key, value in d.items()
        }
        for key, value in values.items():
            if value is None or (isinstance(value, float) and math.isnan(value)):
                self._data.pop(key, None)
            else:
                self._data[key] = value
        self._tell(*values)

    def _as_dict(self) -> dict[str, Any]:
        copied: dict[str, Any] = plain(self._data)
        return copied

    def __repr__(self) -> str:
        return repr(self._as_dict())

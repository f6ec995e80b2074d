"""`run.summary`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any

from synadb.storage.codec import plain
from synadb.wandb_compat._values import REMOVE, summary_value

__all__ = ["Summary"]

Changed = Callable[[tuple[str, ...], bool], None]

_FILES = frozenset(("path", "filenames"))  # what media say of the files that hold them


def _plain_value(key: str, value: Any) -> Any:
    return summary_value(value)


class _MissingError(KeyError, AttributeError):
    """A key that is not there, asked for as an item or as an attribute."""


class Summary(MutableMapping[str, Any]):
    """The last value of every key, and what the script sets by hand; a proper mapping.

    A nested dict comes back as such an object too and writes through.

    Args:
        data: what it shows, in place.
        changed: called with the path of a key after it was set (None and NaN take it out) or, with
            True, deleted.
        auto: the keys that wandb itself keeps, while the run lives.
        path: the keys that lead here.
        convert: makes what is stored of a key and its value, REMOVE for what takes it out.
        settle: waits until what has been logged can be read.
        reached: called with the names of files that are about to be read here.
    """

    def __init__(
        self,
        data: dict[str, Any],
        changed: Changed | None = None,
        auto: Callable[[], Mapping[str, Any]] | None = None,
        path: tuple[str, ...] = (),
        *,
        convert: Callable[[str, Any], Any] | None = None,
        settle: Callable[[], None] | None = None,
        reached: Callable[[Sequence[str]], None] | None = None,
    ) -> None:
        object.__setattr__(self, "_data", data)
        object.__setattr__(self, "_changed", changed)
        object.__setattr__(self, "_auto", auto)
        object.__setattr__(self, "_path", path)
        object.__setattr__(self, "_convert", convert or _plain_value)
        object.__setattr__(self, "_settle", settle)
        object.__setattr__(self, "_reached", reached)

    _data: dict[str, Any]
    _changed: Changed | None
    _auto: Callable[[], Mapping[str, Any]] | None
    _path: tuple[str, ...]
    _convert: Callable[[str, Any], Any]
    _settle: Callable[[], None] | None
    _reached: Callable[[Sequence[str]], None] | None

    def _shown(self) -> Mapping[str, Any]:
        if self._settle is not None:
            self._settle()
        # A copy in one step: other threads log meanwhile.
        data = self._data.copy()
        return {**data, **self._auto()} if self._auto is not None else data

    def __getitem__(self, key: str) -> Any:
        if self._settle is not None:
            self._settle()
        value = self._data.get(key, REMOVE)
        if self._auto is not None and (value is REMOVE or key.startswith("_")):
            value = self._auto().get(key, value)
        if value is REMOVE:
            raise _MissingError(key)
        if isinstance(value, dict):
            return Summary(
                value,
                self._changed,
                None,
                (*self._path, key),
                convert=self._convert,
                reached=self._reached,
            )
        if key in _FILES and self._reached is not None and isinstance(self._data.get("_type"), str):
            self._reached([value] if isinstance(value, str) else value)
        return plain(value)

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        if self._data.pop(key, REMOVE) is not REMOVE and self._changed is not None:
            self._changed((*self._path, key), True)

    def __getattr__(self, key: str) -> Any:
        if key.startswith("__"):
            raise AttributeError(key)
        return self[key]

    def __setattr__(self, key: str, value: Any) -> None:
        self[key] = value

    def __delattr__(self, key: str) -> None:
        del self[key]

    def __iter__(self) -> Iterator[str]:
        return iter([key for key in self._shown() if self._path or key != "_wandb"])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def keys(self) -> list[str]:  # type: ignore[override]
        """The keys, as the list that scripts index."""
        return list(self)

    def update(self, d: Mapping[str, Any]) -> None:  # type: ignore[override]
        """Set several keys; None or NaN removes one."""
        values = {}
        for key, value in d.items():
            if not isinstance(key, str):
                raise TypeError(f"a key of run.summary is a str, not {key!r}")
            if key:
                own = value._data if isinstance(value, Summary) else value
                name = str.__str__(key)
                values[name] = self._convert(name, own)
        for key, value in values.items():
            if value is REMOVE:
                self._data.pop(key, None)
            else:
                self._data[key] = value
            if self._changed is not None:
                self._changed((*self._path, key), False)

    def _as_dict(self) -> dict[str, Any]:
        copied: dict[str, Any] = plain(self._shown())
        return copied

    def __repr__(self) -> str:
        return repr(self._as_dict())

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy stands for itself.
        return Summary, (self._as_dict(),)

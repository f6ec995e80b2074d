"""`wandb.apis.public.summary`: the summary of a run, to be read and changed."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping, MutableMapping, ValuesView
from typing import Any

from synadb.wandb_compat._apis.errors import not_here
from synadb.wandb_compat._values import REMOVE, summary_value

__all__ = ["HTTPSummary", "Summary", "SummarySubDict"]

_NO_H5 = "no HDF5 file is kept beside a run; log a whole array as an artifact"


class SummarySubDict(MutableMapping[str, Any]):
    """A dict whose keys are attributes too; dicts in it come back as such objects.

    What is set goes into `_json_dict`, and is stored by the next `update`. Blanks around a key do
    not count.
    """

    _json_dict: dict[str, Any]
    _commit: Callable[[], None]

    def __init__(
        self,
        values: dict[str, Any] | None = None,
        commit: Callable[[], None] = lambda: None,
    ) -> None:
        object.__setattr__(self, "_json_dict", {} if values is None else values)
        object.__setattr__(self, "_commit", commit)

    def __getitem__(self, key: str) -> Any:
        value = self._json_dict[_stripped(key)]
        return SummarySubDict(value, self._commit) if isinstance(value, dict) else value

    def __setitem__(self, key: str, value: Any) -> None:
        name = _stripped(key)
        if not isinstance(name, str):
            raise TypeError(f"a key of a summary is a str, not {key!r}")
        plain = summary_value(value._json_dict if isinstance(value, SummarySubDict) else value)
        if plain is REMOVE:
            self._json_dict.pop(name, None)
        else:
            self._json_dict[name] = plain

    def __delitem__(self, key: str) -> None:
        del self._json_dict[_stripped(key)]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._json_dict))

    def __len__(self) -> int:
        return len(self._json_dict)

    def __contains__(self, key: object) -> bool:
        return _stripped(key) in self._json_dict

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_"):
            raise AttributeError(key)
        try:
            return self[key]
        except KeyError as error:
            raise _MissingError(key) from error

    def __setattr__(self, key: str, value: Any) -> None:
        self[key] = value

    def __delattr__(self, key: str) -> None:
        del self[key]

    def get(self, k: str, default: Any = None) -> Any:
        """The value of a key, or `default`."""
        return super().get(k, default)

    def items(self) -> ItemsView[str, Any]:
        """Keys and values."""
        return dict(self._pairs()).items()

    def values(self) -> ValuesView[Any]:
        """Values."""
        return dict(self._pairs()).values()

    def _pairs(self) -> Iterator[tuple[str, Any]]:
        return ((key, self[key]) for key in self)

    def update(  # type: ignore[override]
        self, key_vals: Mapping[str, Any] | None = None, overwrite: bool = True
    ) -> None:
        """Set several keys and store all that has been changed; without `overwrite` new ones."""
        for key, value in (key_vals or {}).items():
            if overwrite or key not in self:
                self[key] = value
        self._commit()

    def _as_dict(self) -> dict[str, Any]:
        return dict(self._json_dict)

    def __repr__(self) -> str:
        return repr(self._json_dict)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy stands for itself.
        return SummarySubDict, (dict(self._json_dict),)


class Summary(SummarySubDict):
    """The summary of a run."""

    open_h5 = not_here("Summary.open_h5()", _NO_H5)
    read_h5 = not_here("Summary.read_h5()", _NO_H5)
    write_h5 = not_here("Summary.write_h5()", _NO_H5)


class HTTPSummary(Summary):
    """The summary of a run of the Api; `update` stores it."""

    def load(self) -> None:
        """Nothing: it is read with the run."""


class _MissingError(KeyError, AttributeError):
    """A key that is not there, asked for as an attribute."""


def _stripped(key: Any) -> Any:
    return key.strip() if isinstance(key, str) else key

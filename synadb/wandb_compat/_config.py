"""`run.config`."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping
from typing import Any

from synadb.wandb_compat._values import sanitized
from synadb.wandb_compat.errors import Error

__all__ = ["Config", "ConfigError", "config_dict"]


class ConfigError(Error):
    """A key of the config was to get another value without allow_val_change."""


def config_dict(source: Any) -> dict[str, Any]:
    """A dict from any source that `init(config=)` takes; TypeError for the others."""
    if source is None:
        return {}
    if isinstance(source, Config):
        return source.as_dict()
    if isinstance(source, Mapping):
        return dict(source)
    if isinstance(source, str):
        return _config_file(source)
    if hasattr(source, "__dict__") and not isinstance(source, type):
        return dict(vars(source))
    raise TypeError(f"config is a dict, a namespace or the path of a YAML file, not {source!r}")


def _config_file(path: str) -> dict[str, Any]:
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            loaded = yaml.safe_load(file) or {}
    except FileNotFoundError as error:
        raise ConfigError(f"config file {path} doesn't exist") from error
    if not isinstance(loaded, dict):
        raise ConfigError(f"config file {path} holds no mapping")
    loaded.pop("wandb_version", None)
    try:
        return {str(key): item["value"] for key, item in loaded.items()}
    except (TypeError, KeyError) as error:
        raise TypeError(
            f"config file {path}: each key takes the form 'key: {{value: v}}'"
        ) from error


class Config:
    """Items and attributes alike; a change of a set key needs allow_val_change."""

    def __init__(
        self,
        values: Mapping[str, Any] | None = None,
        changed: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        object.__setattr__(self, "_items", {})
        object.__setattr__(self, "_changed", changed)
        for key, value in (values or {}).items():
            self._items[_key(key)] = sanitized(value)

    _items: dict[str, Any]
    _changed: Callable[[dict[str, Any]], None] | None

    def _set(self, values: Mapping[str, Any], allow: bool | None) -> None:
        clean = {_key(key): sanitized(value) for key, value in values.items()}
        if not allow:
            for key, value in clean.items():
                if key in self._items and not _same(self._items[key], value):
                    raise ConfigError(
                        f'Attempted to change value of key "{key}" from {self._items[key]} to '
                        f"{value}\nIf you really want to do this, pass allow_val_change=True to "
                        "config.update()"
                    )
        if self._changed is not None:
            self._changed(clean)
        self._items.update(clean)

    def update(self, d: Any, allow_val_change: bool | None = None) -> None:
        """Set several keys, all or none."""
        self._set(config_dict(d), allow_val_change)

    def setdefaults(self, d: Any) -> None:
        """Set the keys that are not there yet."""
        new = {k: v for k, v in config_dict(d).items() if _key(k) not in self._items}
        self._set(new, allow=True)

    def get(self, *args: Any) -> Any:
        """The value of a key, or a default."""
        return self._items.get(*args)

    def keys(self) -> list[str]:
        """The keys that do not start with an underscore."""
        return [key for key in self._items if not key.startswith("_")]

    def values(self) -> list[Any]:
        """The values of `keys()`."""
        return [self._items[key] for key in self.keys()]

    def items(self) -> ItemsView[str, Any]:
        """The pairs of `keys()`."""
        return {key: self._items[key] for key in self.keys()}.items()

    def as_dict(self) -> dict[str, Any]:
        """A plain dict."""
        return dict(self._items)

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._set({key: value}, allow=False)

    def __getattr__(self, key: str) -> Any:
        try:
            return self._items[key]
        except KeyError:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {key!r}"
            ) from None

    def __setattr__(self, key: str, value: Any) -> None:
        self[key] = value

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self.keys())

    def __repr__(self) -> str:
        return str(dict(self._items))


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise AttributeError(f"a config key is a str, not {key!r}")
    return key.strip("-")


def _same(old: Any, new: Any) -> bool:
    return bool(old == new) and isinstance(old, bool) == isinstance(new, bool)

"""`run.config`."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any

from synadb.system import after_fork_in_child
from synadb.wandb_compat._config_sources import (
    ConfigError,
    as_mapping,
    default_config,
    filter_keys,
    listed_config,
    sweep_parameters,
)
from synadb.wandb_compat._term import termwarn
from synadb.wandb_compat._values import config_stored, config_value

__all__ = [
    "Config",
    "ConfigError",
    "ConfigStatic",
    "config_dict",
    "initial_config",
    "parse_config",
]


# -- values given by the script ------------------------------------------------------------------


def parse_config(
    params: Any,
    exclude: Container[str] | None = None,
    include: Container[str] | None = None,
) -> dict[str, Any]:
    """A dict of any source that a config can come from; TypeError for the others.

    Raises ConfigError for a file that cannot be used, UsageError for `exclude` with `include`.
    """
    found = params.as_dict() if isinstance(params, Config) else as_mapping(params)
    return filter_keys(found, include, exclude)


def config_dict(source: Any) -> dict[str, Any]:
    """As `parse_config`; None is no config at all."""
    return {} if source is None else parse_config(source)


def initial_config(
    given: Any,
    *,
    include: Container[str] | None = None,
    exclude: Container[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> tuple[dict[str, Any], dict[str, str]]:
    """The clean values a run starts with, and who locked which of them.

    In this order, each over the one before: `config-defaults.yaml`, `given` (what init got as
    config, of which `include` and `exclude` choose keys), the files of WANDB_CONFIG_PATHS, and
    the parameters of a sweep. These are merged into nested dicts and locked.
    """
    values = _clean(default_config(folder))
    values.update(_clean(filter_keys(parse_config(given or {}), include, exclude)))
    values.update(_clean(listed_config(environ)))
    swept = _clean(sweep_parameters(environ) or {})
    for key, value in swept.items():
        values[key] = _merged(values.get(key), value)
    return values, dict.fromkeys(swept, "sweep")


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_key(key): _value(key, value) for key, value in values.items()}


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise AttributeError(f"a config key is a str, not {key!r}: write str({key!r})")
    return key.strip("-")


def _value(key: str, value: Any) -> Any:
    if isinstance(value, dict) and holds_artifact(value):
        raise ValueError(
            f"config key {key!r}: an Artifact stands at the top level of a config only; give it "
            "a key of its own"
        )
    return value if _is_artifact(value) else config_value(value)


def names_artifact(value: Any) -> bool:
    """Whether a value is an Artifact, or what a config says of one: an input of the run."""
    if isinstance(value, str):
        return value.startswith("wandb-artifact://")
    if isinstance(value, dict):
        return value.get("_type") == "artifactVersion" and "id" in value
    return _is_artifact(value)


def holds_artifact(value: Mapping[Any, Any]) -> bool:
    """Whether an artifact is in a dict, or in the dicts of it."""
    return any(
        holds_artifact(item) if isinstance(item, dict) else names_artifact(item)
        for item in value.values()
    )


def _is_artifact(value: Any) -> bool:
    # By name: neither wandb nor our own artifacts are imported for it.
    return any(
        base.__name__ == "Artifact" and base.__module__.partition(".")[0] in ("wandb", "synadb")
        for base in type(value).__mro__
    )


def stored(value: Any) -> Any:
    """A value of a config, for storing."""
    return value.json_encode() if _is_artifact(value) else config_stored(value)


def _merged(old: Any, new: Any) -> Any:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}


# -- the objects ---------------------------------------------------------------------------------


class Config:
    """Items and attributes alike; a change of a set key needs allow_val_change.

    Args:
        values: what it holds at first; without, what `config-defaults.yaml` says.
        changed: called with the values that are set, fit for storing, by top-level key and before
            they take effect; what it raises leaves the config as it was.
        locked: who has locked a key. Changes of a locked key are ignored with a warning.
        allow_val_change: whether keys may change where a call does not say (notebooks).

    Threads may write at the same time. A copy, also a pickled one, stands for itself: what is
    written to it goes nowhere.
    """

    _items: dict[str, Any]
    _locked: dict[str, str | None]
    _changed: Callable[[dict[str, Any]], None] | None
    _use: Callable[[Any], Any] | None  # makes an artifact an input of the run, and returns it
    _allow: bool
    _guard: threading.RLock

    def __init__(
        self,
        values: Mapping[str, Any] | None = None,
        changed: Callable[[dict[str, Any]], None] | None = None,
        *,
        locked: Mapping[str, str | None] | None = None,
        allow_val_change: bool = False,
    ) -> None:
        own = self.__dict__
        own["_items"] = {"_wandb": {}, **_clean(default_config() if values is None else values)}
        own["_locked"] = dict(locked or {})
        own["_changed"] = changed
        own["_use"] = None
        own["_allow"] = allow_val_change
        own["_guard"] = threading.RLock()
        _alive.add(self)

    # -- write -----------------------------------------------------------------------------------

    def update(self, d: Any, allow_val_change: bool | None = None) -> None:
        """Set several keys, all or none, from any source that `wandb.init(config=)` takes.

        Raises ConfigError for a key that has another value, unless allow_val_change.
        """
        self._update(_clean(parse_config(d)), allow_val_change)

    def setdefaults(self, d: Any) -> None:
        """Set the keys that are not there yet."""
        clean = _clean(parse_config(d))
        with self._guard:
            self._store({k: v for k, v in clean.items() if k not in self._items}, allow=True)

    def update_locked(
        self, d: Any, user: str | None = None, _allow_val_change: bool | None = None
    ) -> None:
        """Set several keys, all or none, and lock them for `user`."""
        clean = _clean(parse_config(d))
        with self._guard:
            self._store(clean, _allow_val_change)
            self._locked.update(dict.fromkeys(clean, user))

    def merge_locked(
        self, d: Any, user: str | None = None, _allow_val_change: bool | None = None
    ) -> None:
        """As `update_locked`; a dict is merged into the one that is there."""
        clean = _clean(parse_config(d))
        with self._guard:
            merged = {key: _merged(self._items.get(key), value) for key, value in clean.items()}
            self._store(merged, _allow_val_change)
            self._locked.update(dict.fromkeys(clean, user))

    def persist(self) -> None:
        """Store everything again, after values were changed in place."""
        with self._guard:
            clean = _clean(self._items)
            if not clean.get("_wandb"):
                clean.pop("_wandb", None)
            # Only handed on: a script may hold the very dicts it changes.
            self._hand_on(clean)

    def __setitem__(self, key: str, value: Any) -> None:
        self._update(_clean({key: value}), None)

    def __setattr__(self, key: str, value: Any) -> None:
        self[key] = value

    def _update(self, clean: dict[str, Any], allow: bool | None) -> None:
        with self._guard:
            for key in [key for key in clean if key in self._locked]:
                termwarn(
                    f"Config item '{key}' was locked by '{self._locked[key]}' (ignored update)."
                )
                del clean[key]
            self._store(clean, allow)

    def _store(self, clean: dict[str, Any], allow: bool | None) -> None:
        if self._use is not None:
            clean = {k: self._use(v) if names_artifact(v) else v for k, v in clean.items()}
        if not (self._allow if allow is None else allow):
            for key, value in clean.items():
                if key in self._items and self._items[key] != value:
                    raise ConfigError(
                        f'Attempted to change value of key "{key}" from {self._items[key]} to '
                        f"{value}\nIf you really want to do this, pass allow_val_change=True to "
                        "config.update()"
                    )
        self._hand_on(clean)
        self._items.update(clean)

    def _hand_on(self, clean: dict[str, Any]) -> None:
        if clean and self._changed is not None:
            self._changed({key: stored(value) for key, value in clean.items()})

    # -- read ------------------------------------------------------------------------------------

    def get(self, *args: Any) -> Any:
        """The value of a key, or a default."""
        return self._items.get(*args)

    def as_dict(self) -> dict[str, Any]:
        """A plain dict, without the keys that start with an underscore."""
        # The copy is one step for other threads; a comprehension over the dict itself is not.
        return {k: v for k, v in self._items.copy().items() if not k.startswith("_")}

    def keys(self) -> list[str]:
        """The keys that do not start with an underscore."""
        return list(self.as_dict())

    def values(self) -> list[Any]:
        """The values of `keys()`."""
        return list(self.as_dict().values())

    def items(self) -> list[tuple[str, Any]]:
        """The pairs of `keys()`."""
        return list(self.as_dict().items())

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __getattr__(self, key: str) -> Any:
        try:
            return self.__dict__["_items"][key]
        except KeyError:
            raise AttributeError(f"the config has no key {key!r}") from None

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.as_dict())

    def __bool__(self) -> bool:
        # As an object without a length: `if wandb.config` asks whether there is a run.
        return True

    def __repr__(self) -> str:
        return str(self.as_dict())

    def __reduce__(self) -> tuple[Any, ...]:
        return _copied, (type(self), self._items.copy(), self._locked.copy(), self._allow)


# A thread of the parent may hold the lock at a fork, and does not exist in the child.
_alive: weakref.WeakSet[Config] = weakref.WeakSet()


def _renew_guards() -> None:
    for config in list(_alive):
        config.__dict__["_guard"] = threading.RLock()


after_fork_in_child(_renew_guards)


def _copied(
    cls: type[Config], values: dict[str, Any], locked: dict[str, str | None], allow: bool
) -> Config:
    return cls(values, locked=locked, allow_val_change=allow)


class ConfigStatic:
    """A read-only view of what a config held: attributes, items, `keys()`."""

    def __init__(self, config: Any) -> None:
        self.__dict__.update(dict(config))

    def keys(self) -> Any:
        """The keys."""
        return self.__dict__.keys()

    def __getitem__(self, key: str) -> Any:
        return self.__dict__[key]

    def __getattr__(self, key: str) -> Any:
        raise AttributeError(f"run.config_static has no key {key!r}")

    def __contains__(self, key: object) -> bool:
        return key in self.__dict__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __len__(self) -> int:
        return len(self.__dict__)

    def __setattr__(self, key: str, value: Any) -> None:
        raise AttributeError(f"run.config_static is read-only: set run.config[{key!r}]")

    __setitem__ = __setattr__

    def __delattr__(self, key: str) -> None:
        raise AttributeError("run.config_static is read-only")

    def __repr__(self) -> str:
        return str(self.__dict__)

"""Data types that a script defines: they have wandb's methods, and know nothing of a `Sink`.

wandb logs a value by `bind_to_run` and `to_json`, and a list by `seq_to_json`. A class that
overrides one of these gets a `_to_run_value` and the like that calls them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["adapt", "built_in"]

_METHODS = ("bind_to_run", "get_media_subdir", "seq_to_json", "to_json")
_OWN = ("_to_run_value", "_list_to_run_value")


def adapt(cls: Any) -> None:
    """Let a class be logged by those methods of wandb's that it defines itself."""
    if any(name in cls.__dict__ for name in _OWN):
        return
    defined = {name for name in _METHODS if _is_defined(cls, name)}
    if not defined:
        return
    cls._is_custom = True
    cls._to_run_value = _to_run_value
    if "bind_to_run" in defined:
        cls._store_in_list = _store_in_list
    if "seq_to_json" in defined:
        cls._list_to_run_value = classmethod(_list_to_run_value)
    if "to_json" in defined:
        cls._artifact_json = _artifact_json


def _is_defined(cls: Any, name: str) -> bool:
    """Whether a class has a method of its own, or of one beside the data types that it is of."""
    home = next((kind for kind in cls.__mro__ if name in kind.__dict__), None)
    return home is cls or (home is not None and not hasattr(home, "_is_custom"))


def built_in(value: Any, name: str) -> Callable[..., Any]:
    """The method of a value or a class, as it is without what `adapt` has put over it."""
    cls = value if isinstance(value, type) else type(value)
    for kind in cls.__mro__:
        found = kind.__dict__.get(name)
        if found is not None and not getattr(kind, "_is_custom", False):
            method: Callable[..., Any] = found.__get__(None if value is cls else value, cls)
            return method
    raise NotImplementedError(f"a {cls.__name__} has no {name}")


def _to_run_value(self: Any, sink: Any, key: str, step: int | str) -> Any:
    from synadb.wandb_compat._values import history_value

    run = _run_of(sink)
    place = getattr(self, "_place", None)
    if hasattr(self, "bind_to_run") and (place is None or place.token is not sink.token):
        self.bind_to_run(run, key, step)
    return history_value(self.to_json(run))


def _store_in_list(self: Any, sink: Any, key: str, step: int | str) -> Any:
    self.bind_to_run(_run_of(sink), key, step)
    return self._stored


def _list_to_run_value(cls: Any, items: Sequence[Any], sink: Any, key: str, step: int | str) -> Any:
    from synadb.wandb_compat._values import history_value

    run = _run_of(sink)
    items = items[: getattr(cls, "MAX_ITEMS", len(items))]
    for item in items:
        item.bind_to_run(run, key, step)
    return history_value(cls.seq_to_json(items, run, key, step))


def _artifact_json(self: Any, sink: Any) -> Any:
    artifact = getattr(sink, "artifact", None)
    if artifact is None:
        return built_in(self, "_artifact_json")(sink)
    return self.to_json(artifact)


def _run_of(sink: Any) -> Any:
    """The active run whose files these are."""
    from synadb.wandb_compat import _session

    return next((run for run in _session.mine() if run._native.run_id == sink.run_id), None)

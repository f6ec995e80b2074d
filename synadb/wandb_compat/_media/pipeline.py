"""The drop-in's side of `synadb.pipeline`: what becomes media, lists of them, artifacts, config."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from synadb.media.value import FileValue, class_name
from synadb.pipeline import Pending, Pipeline, split_pending
from synadb.wandb_compat._media.base import BatchableMedia, Media, captured
from synadb.wandb_compat._term import termwarn

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker

__all__ = ["MediaStore", "Pending", "split_pending"]


class MediaStore(Pipeline):
    """The media of one run: a `Sink`, and the pool that feeds it."""

    def __init__(self, tracker: ExperimentTracker, run_id: str) -> None:
        super().__init__(run_id, tracker)
        self._tracker = tracker
        self._config: dict[str, dict[str, Any]] = {}
        self._config_changed = False

    # -- what `log` calls ------------------------------------------------------------------------

    def convert(self, value: Any, key: str, step: int | str) -> Any:
        """The JSON of a value that is more than data, or a Pending."""
        if isinstance(value, list | tuple):
            return self._convert_list(list(value), key, step)
        found = _captured(as_media(value))
        if not isinstance(found, Media | FileValue) or _is_custom(found):
            return found._to_run_value(self, key, step)
        encode = self._encoder(found, key, step)
        return Pending(key, encode, _held(found), _sequence(key, found))

    def _encoder(self, found: Any, key: str, step: int | str) -> Callable[[], Any]:
        if isinstance(found, FileValue):
            return found._encoder(self, key, step)
        if not isinstance(found, Media) or _is_custom(found):
            return partial(found._to_run_value, self, key, step)
        _, key, step = found._claim(self, key, step)
        return found._encoder(self, key, step)

    def _convert_list(self, items: list[Any], key: str, step: int | str) -> Any:
        kind = type(items[0])
        for item in items:
            if not _is_more_than_data(item):
                raise TypeError(
                    f"Object of type {kind.__name__} is not JSON serializable in the list "
                    f"{key!r}, which holds {class_name(item)} too: a list of media holds nothing "
                    "else"
                )
        items = [as_media(item) for item in items]
        found = [_captured(item) for item in items]
        if issubclass(kind, BatchableMedia) and all(isinstance(item, kind) for item in items):
            encode = kind._list_encoder(found, self, key, step)
        else:
            encode = _all_of([self._encoder(item, key, step) for item in found])
            if not any(isinstance(item, Media | FileValue) for item in found):
                return encode()
        if any(map(_is_custom, found)):
            return encode()
        return Pending(key, encode, _held(*found), _sequence(key, *found))

    def say(self, message: str) -> None:
        """Tell the person, as wandb does."""
        termwarn(message)

    # -- the sink --------------------------------------------------------------------------------

    def put_artifact(self, name: str, type: str, files: dict[str, bytes]) -> str:
        """Keep files as the next version of an artifact; returns its client id."""
        from synadb.wandb_compat._artifacts.run_files import log_run_files

        return log_run_files(self._tracker, self.run_id, name, type, files)

    def set_config(self, key: str, name: str, value: Any) -> None:
        """Set `config._wandb[key][name]`; the run stores it with the row."""
        with self._lock:
            self._config.setdefault(key, {})[name] = value
            self._config_changed = True

    def take_config(self) -> dict[str, dict[str, Any]]:
        """What was set since the last call."""
        with self._lock:
            if not self._config_changed:
                return {}
            self._config_changed = False
            config, self._config = self._config, {}
            return config


def _is_more_than_data(value: Any) -> bool:
    """Whether `as_media` takes a value."""
    from synadb.wandb_compat._media.plotly import is_of
    from synadb.wandb_compat.util import is_pandas_data_frame

    return (
        hasattr(type(value), "_to_run_value")
        or is_pandas_data_frame(value)
        or any(is_of(library, value) for library in ("matplotlib", "plotly", "bokeh"))
    )


def as_media(value: Any) -> Any:
    """The data type for what is one itself, a DataFrame or a figure; TypeError for the rest."""
    if hasattr(type(value), "_to_run_value"):
        return value
    from synadb.wandb_compat.util import is_pandas_data_frame

    if is_pandas_data_frame(value):
        from synadb.wandb_compat._media.table import Table

        return Table(dataframe=value)
    from synadb.wandb_compat._media.plotly import figure_value

    return figure_value(value)


def _captured(value: Any) -> Any:
    """A value as it is now; one of a script's own, which is asked for its JSON at once, itself."""
    found = captured(value)
    return value if _is_custom(value) else found


def _is_custom(value: Any) -> bool:
    """Whether a script's own methods make the JSON, which then happens while it logs."""
    return getattr(value, "_is_custom", False) or any(
        overlay._is_custom for overlay in getattr(value, "_overlays", ())
    )


def _all_of(encoders: list[Callable[[], Any]]) -> Callable[[], list[Any]]:
    return lambda: [one() for one in encoders]


def _sequence(key: str, *values: Any) -> str | None:
    """The artifact whose versions are numbered as they come, if these make any."""
    return key if any(getattr(value, "_versioned", False) for value in values) else None


def _held(*values: Any) -> int:
    """About how many bytes of memory these hold until they have been encoded."""
    total = 0
    for value in values:
        if isinstance(value, FileValue):
            total += value._held
            continue
        total += getattr(getattr(value, "_picture", None), "held_bytes", 0)
        total += getattr(value, "held_bytes", 0)
        for name in ("_content", "_samples", "_points", "data"):
            part = getattr(value, name, None)
            total += len(part) if isinstance(part, bytes) else getattr(part, "nbytes", 0)
    return total

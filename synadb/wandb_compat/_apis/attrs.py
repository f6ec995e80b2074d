"""`wandb.apis.attrs`: objects whose fields are those of wandb's service, under both spellings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from synadb.wandb_compat._apis.errors import no_attribute

__all__ = ["Attrs", "iso_time"]


def iso_time(seconds: float | None) -> str | None:
    """A time as the service spells it: 2024-05-06T07:08:09Z."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Attrs:
    """Fields are read as attributes: `created_at` and `createdAt` are one."""

    def __init__(self, attrs: Mapping[str, Any]) -> None:
        self._attrs = dict(attrs)

    def snake_to_camel(self, string: str) -> str:
        """`created_at` -> `createdAt`."""
        first, *rest = string.split("_")
        return first[:1].lower() + first[1:] + "".join(part[:1].upper() + part[1:] for part in rest)

    def display(self, height: int = 420, hidden: bool = False) -> bool:
        """Show this in a notebook; False elsewhere."""
        from synadb.wandb_compat._display import in_notebook

        html = self.to_html(height, hidden)
        if html is None or not in_notebook():
            return False
        from IPython.display import HTML, display

        display(HTML(html))
        return True

    def to_html(self, *args: Any, **kwargs: Any) -> str | None:
        """Nothing to show, unless a class says more."""
        return None

    def __getattr__(self, name: str) -> Any:
        attrs = self.__dict__.get("_attrs", {})
        if not name.startswith("__"):
            for spelled in (self.snake_to_camel(name), name):
                if spelled in attrs:
                    return attrs[spelled]
        raise no_attribute(repr(type(self).__name__) + " object", name)

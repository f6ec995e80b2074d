"""How a data type shows itself in a notebook, where it has no picture or table of its own."""

from __future__ import annotations

from html import escape
from typing import Any

__all__ = ["shown"]


def shown(value: Any) -> str:
    """HTML that runs nothing of the user's: text is escaped, pages are in a sandbox."""
    from synadb.media import show

    kind = type(value).__name__
    page = getattr(value, "html", None)
    if isinstance(page, str):
        return show.frame(page)
    if kind == "Histogram":
        return show.chart(value.histogram, value.bins)
    caption = getattr(value, "_caption", None)
    if kind in ("Audio", "Video"):
        try:
            content, extension = value._encode()
            if isinstance(content, str):
                with open(content, "rb") as file:
                    content = file.read()
        except (OSError, ValueError):  # gone meanwhile, or the address of something elsewhere
            pass
        else:
            return show.player(content, extension, kind.lower(), caption)
    return show.captioned(f"<i>{escape(kind)}</i>", caption)

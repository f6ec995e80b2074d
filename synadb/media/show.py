"""Media as HTML for a notebook: text is escaped, and a page of the user's runs in a sandbox."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any, NamedTuple

__all__ = [
    "AS_TEXT",
    "PREVIEW_ROWS",
    "Thumbnail",
    "captioned",
    "chart",
    "data_url",
    "frame",
    "picture",
    "plain",
    "player",
    "table",
]

# Classes of an element whose text notebooks leave alone: "$5 and $6" is no formula.
AS_TEXT = "tex2jax_ignore mathjax_ignore"
PREVIEW_ROWS = 20
_LONGEST_CELL = 200
_MOST_BYTES = 32 << 20  # more does not belong into a notebook
_MOST_IN_CELLS = 4 << 20  # of all pictures in a table, which is looked at in passing
# Whoever looks at a page does not tell others so: a sandbox alone would still load from elsewhere.
_POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "style-src 'unsafe-inline'; font-src data:; img-src data:; media-src data:\">"
)
_TYPES = {
    ".gif": "image/gif",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".ogg": "video/ogg",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".oga": "audio/ogg",
    ".m4a": "audio/mp4",
}


def captioned(shown: str, caption: object) -> str:
    """Some HTML with a caption, which is plain text, below it; None for none."""
    if caption is None:
        return shown
    return f'<figure>{shown}<figcaption class="{AS_TEXT}">{plain(caption)}</figcaption></figure>'


def plain(value: object) -> str:
    """A value as plain text in HTML; half a surrogate pair, which none can hold, becomes a `?`."""
    return escape(str(value).encode("utf-8", "replace").decode("utf-8"))


def data_url(kind: str, content: bytes) -> str:
    """Content as an address that holds all of it."""
    return f"data:{kind};base64,{b64encode(content).decode('ascii')}"


def picture(png: bytes, caption: object = None) -> str:
    """A PNG."""
    return captioned(f'<img src="{data_url("image/png", png)}">', caption)


def player(content: bytes, extension: str, kind: str, caption: object = None) -> str:
    """A sound (`kind` audio) or a video, with controls; its name where browsers cannot play it."""
    known = _TYPES.get(extension.lower(), "")
    if extension.lower() == ".ogg":
        known = f"{kind}/ogg"
    if not known or len(content) > _MOST_BYTES:
        shown = f"<code>{plain(kind + extension)}, {len(content)} bytes</code>"
    elif known == "image/gif":
        shown = f'<img src="{data_url(known, content)}">'
    else:
        shown = f'<{kind} controls src="{data_url(known, content)}"></{kind}>'
    return captioned(shown, caption)


def frame(page: str, height: int = 400) -> str:
    """A page in a frame of its own that runs no script, fetches nothing and reaches nothing
    around it. What it shows is in the page itself: styles, and pictures as `data:` addresses.
    """
    return (
        f'<iframe sandbox srcdoc="{plain(_POLICY + page)}" width="100%" height="{height}"'
        ' style="border:none"></iframe>'
    )


class Thumbnail(NamedTuple):
    """A picture in a cell: what makes its PNG, None for none, and a word where it is not shown."""

    png: Callable[[], bytes | None]
    word: str


def table(columns: Sequence[Any], rows: Sequence[Sequence[Any]], count: int | None = None) -> str:
    """The first rows of `count`, which `rows` has at least the first of.

    Cells are plain text, or a Thumbnail, whose picture is shown if there is room for it.
    """
    room = _MOST_IN_CELLS

    def shown(value: Any) -> str:
        nonlocal room
        if not isinstance(value, Thumbnail):
            return _cell(value)
        address = _address(value)
        if not address or len(address) > room:
            return _cell(value.word)
        room -= len(address)
        return f'<img src="{address}" style="max-width:128px;max-height:128px">'

    head = "".join(f"<th>{_cell(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{shown(value)}</td>" for value in row) + "</tr>"
        for row in rows[:PREVIEW_ROWS]
    )
    more = (len(rows) if count is None else count) - PREVIEW_ROWS
    foot = f"<p>and {more} more rows</p>" if more > 0 else ""
    inner = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<table class="{AS_TEXT}">{inner}</table>{foot}'


def _address(thumbnail: Thumbnail) -> str:
    try:
        png = thumbnail.png()
    except OSError:  # its file is gone meanwhile
        png = None
    return data_url("image/png", png) if png else ""


def _cell(value: Any) -> str:
    text = str(value)
    return plain(text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…")


def chart(counts: Iterable[float], edges: Sequence[float], width: int = 320) -> str:
    """A histogram as bars."""
    heights = [float(count) for count in counts]
    top = max(heights, default=0.0)
    step = width / max(1, len(heights))
    bars = "".join(
        f'<rect x="{at * step:.2f}" y="{80 - high:.2f}" width="{step:.2f}" height="{high:.2f}"/>'
        for at, count in enumerate(heights)
        for high in (80 * count / top if top > 0 and count > 0 else 0.0,)
    )
    ends = f"{float(edges[0]):g} to {float(edges[-1]):g}, {sum(heights):g} values" if edges else ""
    return captioned(
        f'<svg width="{width}" height="80" fill="currentColor">{bars}</svg>', ends or None
    )

"""HTML pages."""

from __future__ import annotations

import os
from typing import Any, ClassVar, Final

from synadb.errors import InvalidValueError
from synadb.media.value import FileValue

__all__ = ["HEAD", "Html", "with_head"]

HEAD: Final = (
    '<base target="_blank"><link rel="stylesheet" type="text/css" '
    'href="https://app.wandb.ai/normalize.css" />'
)
"""What wandb puts into a page: links open in a new window, and its style sheet."""


class Html(FileValue):
    """A page: HTML as text, or a `pathlib.Path` or an open file that holds it.

    It is stored as it is given. A notebook shows it in a frame in which no script runs.
    """

    _type: ClassVar[str] = "html-file"
    _folder: ClassVar[str] = "media/html"

    def __init__(self, page: Any, caption: str | None = None) -> None:
        super().__init__(".html", caption)
        if isinstance(page, os.PathLike):
            with open(page, "rb") as file:
                page = file.read()
        elif hasattr(page, "read"):
            page = page.read()
        if isinstance(page, str):
            page = page.encode("utf-8", "replace")
        if not isinstance(page, bytes | bytearray):
            raise InvalidValueError(
                f"a page is text, a pathlib.Path or an open file, not {type(page).__name__}"
            )
        self._content = bytes(page)

    def _repr_html_(self) -> str:
        from synadb.media import show

        return show.captioned(show.frame(self.encode().decode("utf-8", "replace")), self.caption)


def with_head(page: str) -> str:
    """The page with `HEAD` at the start of its head, which it gets if it has <html> but no head;
    without either, in front of everything. White space around the page goes.
    """
    if "<head>" in page:
        page = page.replace("<head>", "<head>" + HEAD, 1)
    elif "<html>" in page:
        page = page.replace("<html>", f"<html><head>{HEAD}</head>", 1)
    else:
        page = HEAD + page
    return page.strip()

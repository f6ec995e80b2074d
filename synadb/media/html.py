"""HTML pages."""

from __future__ import annotations

from typing import Final

__all__ = ["HEAD", "with_head"]

HEAD: Final = (
    '<base target="_blank"><link rel="stylesheet" type="text/css" '
    'href="https://app.wandb.ai/normalize.css" />'
)
"""What wandb puts into a page: links open in a new window, and its style sheet."""


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

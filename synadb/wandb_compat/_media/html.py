"""`wandb.Html`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar

from synadb.wandb_compat._media._sources import FileMedia, is_path, read
from synadb.wandb_compat._media.base import BatchableMedia, Sink

__all__ = ["Html"]


class Html(FileMedia, BatchableMedia):
    """A page: HTML as text or from a file object, or the path of a file that ends in .html.

    Other text is taken as the page itself. With `inject`, links open in a new window and wandb's
    style sheet is used.
    """

    _log_type: ClassVar[str | None] = "html-file"
    _folder: ClassVar[str] = "media/html"

    def __init__(self, data: Any, inject: bool = True, data_is_not_path: bool = False) -> None:
        super().__init__()
        path = ""
        if is_path(data) and not data_is_not_path and _is_page(data):
            path = str(data)
            with open(path, encoding="utf-8") as file:
                self.html = file.read()
        elif isinstance(data, str):
            self.html = data
        elif hasattr(data, "read"):
            self.html = read(data).decode()
        else:
            raise ValueError(
                "wandb.Html: data must be a string or an io object, or the path of a file that "
                f"ends in .html; this is {data!r:.200}"
            )
        if inject:
            self.inject_head()
        if path and not inject:
            self._set_file(path)
        else:
            self._set_content(self.html.encode(), ".html")

    def inject_head(self) -> None:
        """Add to the page what `inject` adds."""
        from synadb.media.html import with_head

        self.html = with_head(self.html)

    @classmethod
    def _from_file(cls, path: str, json_obj: dict[str, Any]) -> Html:
        with open(path, encoding="utf-8") as file:
            return cls(file.read(), inject=False, data_is_not_path=True)

    @classmethod
    def _list_to_run_value(cls, items: Sequence[Any], sink: Sink, key: str, step: int | str) -> Any:
        pages = cls._each_to_run_value(items, sink, key, step)
        return {"_type": "html", "count": len(items), "html": pages}


def _is_page(path: Any) -> bool:
    return os.path.splitext(path)[1] == ".html" and os.path.isfile(path)

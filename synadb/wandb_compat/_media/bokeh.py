"""`wandb.data_types.Bokeh`."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from synadb.wandb_compat._media._sources import FileMedia, is_path

__all__ = ["Bokeh"]

_EXTENSION = ".bokeh.json"


class Bokeh(FileMedia):
    """A plot or document of bokeh, or the path of one that ends in .bokeh.json."""

    _log_type: ClassVar[str | None] = "bokeh-file"
    _folder: ClassVar[str] = "media/bokeh"

    def __init__(self, data_or_path: Any) -> None:
        super().__init__()
        if is_path(data_or_path):
            self._set_document(str(data_or_path))
            return
        model = getattr(sys.modules.get("bokeh.model"), "Model", ())
        document = getattr(sys.modules.get("bokeh.document"), "Document", ())
        if isinstance(data_or_path, document):
            json = _document_json(data_or_path)
        elif isinstance(data_or_path, model):
            json = _model_json(data_or_path)
        else:
            raise TypeError(
                "Bokeh constructor accepts Bokeh document/model or path to Bokeh json file, not "
                f"{type(data_or_path).__name__}"
            )
        from synadb.media.jsontext import dumps

        self._set_content(dumps(json), _EXTENSION)

    def _set_document(self, path: str) -> None:
        import json

        try:
            with open(path, encoding="utf-8") as file:
                json.load(file)
        except FileNotFoundError as error:
            raise TypeError(
                "Bokeh constructor accepts Bokeh document/model or path to Bokeh json file; "
                f"there is no file {path!r}"
            ) from error
        if not path.endswith(_EXTENSION):
            raise ValueError(f"the name of a Bokeh file ends in {_EXTENSION}, unlike {path!r}")
        self._set_file(path, extension=_EXTENSION)


def _model_json(model: Any) -> Any:
    """The JSON of a document with this alone; the model stays free to be put into another."""
    if model.document is not None:
        json = _document_json(model.document)
        own = [root for root in json["roots"] if root.get("id") == model.id]
        return {**json, "roots": own or json["roots"]}
    document = sys.modules["bokeh.document"].Document()
    document.add_root(model)
    try:
        return _document_json(document)
    finally:
        document.remove_root(model)


def _document_json(document: Any) -> Any:
    # Read back and written again, values that are defaults anyway are left out, as in wandb.
    json = _to_json(type(document).from_json(_to_json(document)))
    roots = json.get("roots")
    if isinstance(roots, dict) and "references" in roots:  # bokeh 2, in any order
        roots["references"].sort(key=lambda part: part["id"])
    return json


def _to_json(document: Any) -> Any:
    try:
        # From 3.9 on, large arrays would be handed over as buffers beside the JSON.
        return document.to_json(deferred=False)
    except TypeError:
        return document.to_json()

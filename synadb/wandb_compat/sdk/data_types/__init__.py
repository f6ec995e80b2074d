"""`wandb.sdk.data_types`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir

__all__ = []

_LAZY = {
    "_dtypes": "sdk.data_types._dtypes",
    "audio": "sdk.data_types.audio",
    "base_types": "sdk.data_types.base_types",
    "bokeh": "sdk.data_types.bokeh",
    "eval_table": "sdk.data_types.eval_table",
    "graph": "sdk.data_types.graph",
    "helper_types": "sdk.data_types.helper_types",
    "histogram": "sdk.data_types.histogram",
    "html": "sdk.data_types.html",
    "image": "sdk.data_types.image",
    "molecule": "sdk.data_types.molecule",
    "object_3d": "sdk.data_types.object_3d",
    "plotly": "sdk.data_types.plotly",
    "table": "sdk.data_types.table",
    "trace_tree": "sdk.data_types.trace_tree",
    "video": "sdk.data_types.video",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)

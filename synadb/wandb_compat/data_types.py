"""`wandb.data_types`."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir
from synadb.wandb_compat._media.audio import Audio
from synadb.wandb_compat._media.base import BatchableMedia, Media, WBValue
from synadb.wandb_compat._media.bokeh import Bokeh
from synadb.wandb_compat._media.box3d import box3d
from synadb.wandb_compat._media.graph import Edge, Graph, Node
from synadb.wandb_compat._media.histogram import Histogram
from synadb.wandb_compat._media.html import Html
from synadb.wandb_compat._media.image import BoundingBoxes2D, Classes, Image, ImageMask
from synadb.wandb_compat._media.molecule import Molecule
from synadb.wandb_compat._media.object_3d import Object3D
from synadb.wandb_compat._media.plotly import Plotly
from synadb.wandb_compat._media.table import EvalTable, JoinedTable, PartitionedTable, Table
from synadb.wandb_compat._media.trace_tree import WBTraceTree
from synadb.wandb_compat._media.video import Video

__all__ = [
    "Audio",
    "BatchableMedia",
    "Bokeh",
    "BoundingBoxes2D",
    "Classes",
    "Edge",
    "EvalTable",
    "Graph",
    "Histogram",
    "Html",
    "Image",
    "ImageMask",
    "JoinedTable",
    "Media",
    "Molecule",
    "Node",
    "Object3D",
    "PartitionedTable",
    "Plotly",
    "Table",
    "Video",
    "WBTraceTree",
    "WBValue",
    "box3d",
]


_LAZY = {
    "_ForeignIndexType": "_media.table_keys:_ForeignIndexType",
    "_ForeignKeyType": "_media.table_keys:_ForeignKeyType",
    "_JoinedTableType": "_media.table:_JoinedTableType",
    "_PartitionedTableType": "_media.table:_PartitionedTableType",
    "_PrimaryKeyType": "_media.table_keys:_PrimaryKeyType",
    "_TableIndex": "_media.table_keys:_TableIndex",
    "_TableKey": "_media.table_keys:_TableKey",
    "_TableLinkMixin": "_media.table_keys:_TableLinkMixin",
    "_TableType": "_media.table:_TableType",
    "_dtypes": "sdk.data_types._dtypes",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)

"""Charts of tables: what `wandb.plot` returns, and what becomes of it in a row.

A row keeps no chart. It keeps the chart's table, and the config says, once for each key, how to
draw it: `config._wandb.visualize[key]` for a custom chart, `config._wandb.viz[key]` for what
`wandb.visualize` makes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from synadb.wandb_compat.errors import Error

if TYPE_CHECKING:
    from synadb.wandb_compat._media.table import Table

__all__ = [
    "CustomChart",
    "CustomChartSpec",
    "Visualize",
    "VisualizeSpec",
    "charts_to_tables",
    "require_table",
]


@dataclass
class CustomChartSpec:
    """How a table is drawn: the name of a Vega spec, and what its fields and texts stand for."""

    spec_name: str
    fields: dict[str, Any]
    string_fields: dict[str, Any]
    key: str = ""
    panel_type: str = "Vega2"
    split_table: bool = False

    @property
    def table_key(self) -> str:
        """The key of a row under which the table is kept."""
        if not self.key:
            raise Error("the key of a custom chart is not set: log the chart under a key with text")
        folder = "Custom Chart Tables/" if self.split_table else ""
        return f"{folder}{self.key}_table"

    @property
    def config_value(self) -> dict[str, Any]:
        """What the config says of the chart; the query is the one that finds the table again."""
        table = {"name": "tableKey", "value": self.table_key}
        run_fields: list[dict[str, Any]] = [
            {"name": name, "fields": []} for name in ("id", "name", "_defaultColorIndex")
        ]
        run_fields.append({"name": "summaryTable", "args": [table], "fields": []})
        runs = {
            "name": "runSets",
            "args": [{"name": "runSets", "value": "${runSets}"}],
            "fields": run_fields,
        }
        return {
            "panel_type": self.panel_type,
            "panel_config": {
                "panelDefId": self.spec_name,
                "fieldSettings": self.fields,
                "stringSettings": self.string_fields,
                "transform": {"name": "tableWithLeafColNames"},
                "userQuery": {"queryFields": [runs]},
            },
        }

    @property
    def config_key(self) -> tuple[str, str, str]:
        """Where in the config it says so."""
        return ("_wandb", "visualize", self.key)


@dataclass
class CustomChart:
    """A table and how it is drawn; `run.log` takes it."""

    _is_chart: ClassVar[bool] = True

    table: Table
    spec: CustomChartSpec

    def set_key(self, key: str) -> None:
        """Set the key under which the chart is logged."""
        self.spec.key = key

    def _repr_html_(self) -> str:
        return _shown(self.table, self.spec.string_fields.get("title") or None)


@dataclass
class VisualizeSpec:
    """How a table is drawn: the name of a visualization."""

    name: str
    key: str = ""

    @property
    def config_value(self) -> dict[str, Any]:
        """What the config says of it."""
        return {"id": self.name, "historyFieldSettings": {"x-axis": "_step", "key": self.key}}

    @property
    def config_key(self) -> tuple[str, str, str]:
        """Where in the config it says so."""
        return ("_wandb", "viz", self.key)


@dataclass
class Visualize:
    """A table and the visualization for it; `run.log` takes it."""

    _is_chart: ClassVar[bool] = True

    table: Table
    spec: VisualizeSpec

    def set_key(self, key: str) -> None:
        """Set the key under which it is logged."""
        self.spec.key = key

    def _repr_html_(self) -> str:
        return _shown(self.table, self.spec.name)


def _shown(table: Table, title: object) -> str:
    """For a notebook: the table, since drawing it takes W&B's own page."""
    from synadb.media import show

    return show.captioned(table._repr_html_(), title)


def charts_to_tables(
    row: Mapping[str, Any], set_config: Callable[[str, str, Any], None]
) -> dict[str, Any]:
    """A copy of `row` with the charts' tables in place of the charts, those in nested dicts too.

    Tables stand at the top of the row, after the other values: the chart at `{"a": {"b": chart}}`
    gives the key `a.b_table`. `set_config(group, key, value)` is told what
    `config._wandb[group][key]` becomes. Neither `row` nor the dicts in it are changed; the charts
    learn their keys.

    Raises Error for a custom chart whose key is empty.
    """
    charts: list[tuple[str, CustomChart | Visualize]] = []
    plain = dict(_without_charts(row, "", charts))
    for key, chart in charts:
        chart.set_key(key)
        _, group, name = chart.spec.config_key
        set_config(group, name, chart.spec.config_value)
        table_key = chart.spec.table_key if isinstance(chart, CustomChart) else key
        plain[table_key] = chart.table
    return plain


def require_table(value: Any, name: str) -> None:
    """Raise Error unless `value`, the argument `name`, is a Table."""
    from synadb.wandb_compat._media.table import Table

    if not isinstance(value, Table):
        raise Error(
            f"Expected `{name}` to be `wandb.Table` type, instead got {type(value).__name__}: "
            "make one with wandb.Table(columns=..., data=...)"
        )


def _without_charts(
    values: Any, prefix: str, charts: list[tuple[str, CustomChart | Visualize]]
) -> Any:
    """The dict itself where there is no chart in it; charts are added to `charts`."""
    kept: dict[Any, Any] = {}
    changed = False
    for key, value in values.items():
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(value, CustomChart | Visualize):
            charts.append((path, value))
            changed = True
            continue
        if isinstance(value, dict):
            inner = _without_charts(value, path, charts)
            changed = changed or inner is not value
            value = inner
        kept[key] = value
    return kept if changed else values

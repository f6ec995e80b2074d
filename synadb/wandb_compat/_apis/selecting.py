"""Filters and orders for what is not a run: collections, versions, sweeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from synadb.query import MISSING, Names, arrange, matches, parse, parse_order, resolve

if TYPE_CHECKING:
    from synadb.query import Field

__all__ = ["selected"]

R = TypeVar("R")

# Fields that runs do not have lie in the document's `metadata`.
_NAMES = Names(
    aliases={
        "createdAt": "created_at",
        "updatedAt": "updated_at",
        "versionIndex": "metadata.version",
        **{
            name: f"metadata.{name}"
            for name in (
                *("aliases", "description", "digest", "displayName", "id", "method", "size"),
                *("type", "version"),
            )
        },
    }
)


def selected(
    records: Sequence[R],
    describe: Callable[[R], dict[str, Any]],
    filters: Mapping[str, Any] | None,
    order: str | None,
) -> list[R]:
    """The records that fit, in an order; `describe` makes the document of one."""
    where = parse(dict(filters or {}), _NAMES)
    documents = [(record, describe(record)) for record in records]
    fitting = [pair for pair in documents if matches(where, pair[1])]

    def field(pair: tuple[R, dict[str, Any]], name: Field) -> Any:
        value = pair[1].get(name.root, MISSING)
        return resolve(value, name.paths[0]) if name.paths else value

    return [record for record, _ in arrange(fitting, parse_order(order, _NAMES), field)]

"""What people say of a version or a collection, checked; each mistake is an InvalidValueError."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from synadb.errors import InvalidValueError
from synadb.storage.codec import as_document, checked_text
from synadb.storage.publishing import Order

__all__ = [
    "checked_aliases",
    "checked_description",
    "checked_name",
    "checked_texts",
    "checked_ttl",
    "order_of",
]


def order_of(
    name: str,
    kind: str,
    project: str | None,
    run_id: str | None,
    step: int | None,
    aliases: Iterable[str],
    tags: Iterable[str],
    description: str | None,
    metadata: Mapping[str, Any] | None,
    ttl: float | None,
    incremental: bool,
    properties: Mapping[str, Any] | None,
) -> Order:
    """What a version is to be."""
    return Order(
        checked_name(name),
        checked_text("type", kind),
        None if project is None else checked_text("project", project),
        run_id,
        step,
        checked_aliases(aliases),
        checked_texts("tags", tags),
        checked_description(description),
        as_document("metadata", metadata or {}),
        checked_ttl(ttl),
        incremental,
        as_document("properties", properties or {}),
    )


def checked_texts(what: str, values: Iterable[str]) -> tuple[str, ...]:
    """`values` if they are texts, each once."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidValueError(f"{what} is a list of str, not {values!r}")
    return tuple(dict.fromkeys(checked_text(f"one of {what}", value) for value in values))


def checked_name(name: object) -> str:
    """`name` if an artifact may have it."""
    text = checked_text("the name of an artifact", name)
    if "/" in text or ":" in text:
        raise InvalidValueError(f"the name of an artifact has no '/' and no ':': {text!r}")
    return text


def checked_aliases(aliases: Iterable[str]) -> tuple[str, ...]:
    """`aliases` if versions may have them."""
    found = checked_texts("aliases", aliases)
    for alias in found:
        if "/" in alias or ":" in alias:
            raise InvalidValueError(f"Aliases must not contain '/' or ':': {alias!r}")
    return found


def checked_description(text: object) -> str | None:
    """A text, an empty one too, or None."""
    return None if text is None else "" if text == "" else checked_text("description", text)


def checked_ttl(seconds: object) -> float | None:
    """A number of seconds above 0, or None."""
    if seconds is None:
        return None
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not math.isfinite(seconds)
        or seconds <= 0
    ):
        raise InvalidValueError(f"ttl is a number of seconds above 0, or None, not {seconds!r}")
    return float(seconds)

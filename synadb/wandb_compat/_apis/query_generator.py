"""`wandb.apis.public.query_generator`: filters as wandb's web app keeps them, and MongoDB's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

__all__ = ["QueryGenerator"]

_SECTIONS = {"config": "config.", "summary": "summary_metrics.", "keys_info": "keys_info.keys."}
_COLUMNS = ("createdAt", "updatedAt", "name", "sweep")


class QueryGenerator:
    """Turns filters and orders of one form into the other."""

    INDIVIDUAL_OP_TO_MONGO: ClassVar[dict[str, str]] = {
        "!=": "$ne",
        ">": "$gt",
        ">=": "$gte",
        "<": "$lt",
        "<=": "$lte",
        "IN": "$in",
        "NIN": "$nin",
        "REGEX": "$regex",
    }
    MONGO_TO_INDIVIDUAL_OP: ClassVar[dict[str, str]] = {
        mongo: op for op, mongo in INDIVIDUAL_OP_TO_MONGO.items()
    }
    GROUP_OP_TO_MONGO: ClassVar[dict[str, str]] = {"AND": "$and", "OR": "$or"}
    MONGO_TO_GROUP_OP: ClassVar[dict[str, str]] = {"$and": "AND", "$or": "OR"}

    @classmethod
    def format_order_key(cls, key: str) -> str:
        """An order with its direction (`-` by default), metrics with their prefix."""
        direction, name = (key[0], key[1:]) if key.startswith(("+", "-")) else ("-", key)
        head, dot, _ = name.partition(".")
        known = head in (("config", "summary_metrics", "tags") if dot else _COLUMNS)
        return direction + (name if known else f"summary_metrics.{name}")

    def key_to_server_path(self, key: Mapping[str, str]) -> str:
        """`{"section": "config", "name": "lr"}` -> `config.lr`; ValueError."""
        section, name = key["section"], key["name"]
        if section == "run":
            return name
        if section == "tags":
            return f"tags.{name}"
        if section not in _SECTIONS:
            raise ValueError(f"Invalid key: {key}")
        return _SECTIONS[section] + name

    def server_path_to_key(self, path: str) -> dict[str, str]:
        """The opposite of `key_to_server_path`."""
        for section, prefix in (*_SECTIONS.items(), ("tags", "tags.")):
            if path.startswith(prefix):
                return {"section": section, "name": path.removeprefix(prefix)}
        return {"section": "run", "name": path}

    def keys_to_order(self, keys: Mapping[str, Any]) -> list[str]:
        """Keys with directions -> `["+config.lr", ...]`."""
        return [
            ("+" if key.get("ascending") else "-") + self.key_to_server_path(key["key"])
            for key in keys["keys"]
        ]

    def order_to_keys(self, order: Sequence[str]) -> dict[str, Any]:
        """The opposite of `keys_to_order`, each name taken as a column of runs."""
        keys = []
        for text in order:
            if text[:1] not in ("+", "-"):
                raise ValueError(f"{text!r}: an order begins with + (ascending) or - (descending)")
            key = {"section": "run", "name": text[1:]}
            keys.append({"key": key, "ascending": text[0] == "+"})
        return {"keys": keys}

    def filter_to_mongo(self, filter: Mapping[str, Any]) -> dict[str, Any] | None:
        """A filter of the web app -> MongoDB's; None for one that is switched off or empty."""
        if filter.get("key") is not None:
            return self._condition(filter)
        if filter.get("filters") is not None:
            parts = [self.filter_to_mongo(part) for part in filter["filters"]]
            return {self.GROUP_OP_TO_MONGO[filter["op"]]: parts}
        return None

    def _condition(self, filter: Mapping[str, Any]) -> dict[str, Any] | None:
        key, op, value = filter["key"], filter["op"], filter.get("value")
        if key["name"] == "" or filter.get("disabled") or (value is None and op not in ("=", "!=")):
            return None
        if key["section"] == "tags":
            if op == "IN":
                return {"tags": {"$in": value}}
            if value is False:
                return {"$or": [{"tags": None}, {"tags": {"$ne": key["name"]}}]}
            return {"tags": key["name"]}
        wanted = value if op == "=" else {self.INDIVIDUAL_OP_TO_MONGO[op]: value}
        return {self.key_to_server_path(key): wanted}

    def mongo_to_filter(self, filter: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """The opposite of `filter_to_mongo`; of conditions side by side the first."""
        if filter is None:
            return None
        for mongo, op in self.MONGO_TO_GROUP_OP.items():
            if mongo in filter:
                return {"op": op, "filters": [self.mongo_to_filter(part) for part in filter[mongo]]}
        for path, value in filter.items():
            key = self.server_path_to_key(path)
            if isinstance(value, Mapping):
                mongo, operand = next(iter(value.items()))
                return {"key": key, "op": self.MONGO_TO_INDIVIDUAL_OP[mongo], "value": operand}
            return {"key": key, "op": "=", "value": value}
        return None

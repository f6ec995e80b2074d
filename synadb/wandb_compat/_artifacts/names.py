"""What names, types, aliases, tags, metadata and paths of artifacts may be."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from synadb.wandb_compat.sdk.lib.paths import LogicalPath, StrPath, validate_relpath

__all__ = [
    "ArtifactPath",
    "is_version",
    "parse_path",
    "safe_name",
    "valid_aliases",
    "valid_entry_path",
    "valid_metadata",
    "valid_name",
    "valid_tags",
    "valid_type",
]

_LONGEST_NAME = 128
_MOST_METADATA = 100
_SEPARATORS = frozenset("/:")
_TAG = re.compile(r"[-\w]+( +[-\w]+)*")
_SCHEME = "wandb-artifact://"
# What names must not begin with, by the type that keeps them for the library's own.
_RESERVED = {"job": "", "run_table": "run-", "code": "source-"}


def valid_name(name: Any) -> str:
    """A collection's name; ValueError."""
    if not isinstance(name, str):
        raise TypeError(f"an Artifact's name is a str, not {name!r}")
    if not re.fullmatch(r"[a-zA-Z0-9_.-]+", name):
        raise ValueError(
            "Artifact name may only contain alphanumeric characters, dashes, underscores, and "
            f"dots. Invalid name: {name!r}"
        )
    if len(name) > _LONGEST_NAME:
        raise ValueError(
            f"Artifact name is longer than {_LONGEST_NAME} characters: {name[:_LONGEST_NAME]!r}..."
        )
    return name


def safe_name(name: str) -> str:
    """A name without what names cannot hold; a checksum tells what was in it."""
    from synadb.wandb_compat._media.table_content import artifact_name

    return artifact_name(name)


def valid_type(kind: Any, name: str) -> str:
    """A type that is not kept for the library's own artifacts; ValueError."""
    if not isinstance(kind, str):
        raise AttributeError(f"an Artifact's type is a str, not {kind!r}")
    prefix = _RESERVED.get(kind)
    if kind.startswith("wandb-") or (prefix is not None and name.startswith(prefix)):
        raise ValueError(
            f"Artifact type {kind!r} is reserved for internal use"
            + (f" with names that begin with {prefix!r}" if prefix else "")
            + ". Please use a different type."
        )
    return kind


def valid_metadata(metadata: Any) -> dict[str, Any]:
    """Metadata as JSON has it: a copy, from a dict or the text of one."""
    import json

    from synadb.wandb_compat._values import config_value

    if metadata is None or metadata == "":
        return {}
    if isinstance(metadata, str):
        return valid_metadata(json.loads(metadata))
    if not isinstance(metadata, dict):
        raise TypeError(f"Cannot parse {type(metadata)} as artifact metadata; it is a dict")
    plain = _friendly(metadata, config_value)
    clean: dict[str, Any] = json.loads(json.dumps(plain, allow_nan=False))
    if len(clean) > _MOST_METADATA:
        raise ValueError(f"Artifact must not have more than {_MOST_METADATA} metadata keys.")
    return clean


def _friendly(value: Any, convert: Any) -> Any:
    if isinstance(value, dict):
        return {key: _friendly(item, convert) for key, item in value.items()}
    if isinstance(value, slice):
        return {"slice_start": value.start, "slice_step": value.step, "slice_stop": value.stop}
    if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        from dataclasses import asdict

        return _friendly(asdict(value), convert)
    if isinstance(value, type) or callable(value):
        return f"{value.__module__}.{getattr(value, '__name__', type(value).__name__)}"
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, list | tuple | set | frozenset):
        return [_friendly(item, convert) for item in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    plain = convert(value) if type(value).__module__ != "builtins" else value
    if isinstance(plain, list | dict):
        return _friendly(plain, lambda item: item)
    if isinstance(plain, float) and math.isnan(plain):
        return None
    return plain if type(plain).__module__ == "builtins" else str(plain)


def valid_aliases(aliases: Any) -> list[str]:
    """A list of aliases, each once, from a list or one; ValueError.

    Libraries say `"best" if it_is else ""`: an empty one is none.
    """
    found = _texts(aliases)
    if any(_SEPARATORS.intersection(alias) for alias in found):
        raise ValueError("Aliases must not contain any of the following characters: '/', ':'")
    return list(dict.fromkeys(filter(None, found)))


def valid_tags(tags: Any) -> list[str]:
    """A list of tags, each once, from a list or one; ValueError."""
    found = _texts(tags)
    for tag in found:
        if not _TAG.fullmatch(tag):
            raise ValueError(
                f"Invalid tag(s): {tag!r}. Tags must only contain alphanumeric characters "
                "separated by hyphens, underscores, and/or spaces."
            )
    return list(dict.fromkeys(found))


def _texts(values: Any) -> list[str]:
    if isinstance(values, str):
        return [values]
    if not isinstance(values, Iterable):
        raise TypeError(f"{type(values).__name__!r} object is not iterable: give a list of str")
    return list(values)


def is_version(alias: str) -> bool:
    """Whether an alias is a version's number, as `v3`."""
    return re.fullmatch(r"v\d+", alias) is not None


def valid_entry_path(path: StrPath | bytes) -> LogicalPath:
    """A path inside of an artifact; ValueError for one that leads out of it."""
    logical = LogicalPath(path)
    try:
        return validate_relpath(logical)
    except ValueError:
        raise ValueError(f"Invalid artifact path: {str(logical)!r}") from None


class ArtifactPath(NamedTuple):
    """`[[entity/]project/]name[:alias]`, taken apart; None for what it leaves out."""

    entity: str | None
    project: str | None
    name: str
    alias: str | None

    @property
    def reference(self) -> str:
        """Name and alias, the latest by default."""
        return f"{self.name}:{self.alias or 'latest'}"


def parse_path(path: str) -> ArtifactPath:
    """Take the path of an artifact or a collection apart; ValueError."""
    head, _, alias = path.removeprefix(_SCHEME).strip("/").partition(":")
    parts = head.split("/")
    if len(parts) > 3 or not all(parts):
        raise ValueError(f"Invalid artifact path: {path!r} (use 'entity/project/name:alias')")
    # An artifact's name has its version in it once it is logged: of `name:v0:best` the last counts.
    alias = alias.rpartition(":")[2]
    entity, project, name = [None] * (3 - len(parts)) + parts
    assert name is not None
    return ArtifactPath(entity, project, name, alias or None)

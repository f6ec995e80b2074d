"""The artifacts in the records of a wandb log, with their content as far as it is on the machine.

It lies where wandb has staged it, elsewhere on the machine, until it has been uploaded; it is taken
from there, or from wandb's cache, if it is what the log says it is.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from synadb.formats._bring_in import Entry, Version

__all__ = ["Versions"]

_NUMBERED = re.compile(r"v\d+")


class Versions:
    """The artifacts of a run's records."""

    def __init__(self, problems: list[str]) -> None:
        self._problems = problems
        self._open: dict[tuple[str, str], dict[str, Entry]] = {}
        self._whole: list[Version] = []

    def whole(self) -> list[Version]:
        """The versions that were finished, in order."""
        for _, name in self._open:
            self._problems.append(f"the artifact {name!r} was not finished and is left out")
        return self._whole

    def take(self, records: Iterable[dict[str, Any]]) -> None:
        """Take in records of artifacts, in order."""
        for record in records:
            name = record.get("name", "")
            if not name:
                continue
            entries = {
                entry.path: entry for entry in self._entries(name, record.get("manifest", {}))
            }
            if record.get("distributed_id"):
                key = (record["distributed_id"], name)
                entries = self._open.pop(key, {}) | entries
                if not record.get("finalize"):
                    self._open[key] = entries
                    continue
            self._whole.append(self._version(record, name, [*entries.values()]))

    def _version(self, record: Mapping[str, Any], name: str, entries: list[Entry]) -> Version:
        try:
            metadata = json.loads(record.get("metadata") or "{}")
        except (ValueError, RecursionError):
            self._problems.append(f"the metadata of the artifact {name!r} is no JSON")
            metadata = {}
        aliases = [
            alias
            for alias in record.get("aliases", ())
            if alias != "latest" and not _NUMBERED.fullmatch(alias)
        ]
        return Version(
            record.get("client_id") or f"{name}:{record.get('digest', '')}",
            name,
            record.get("type") or "unspecified",
            entries,
            sorted(aliases),
            record.get("tags", ()),
            record.get("description") or None,
            metadata if isinstance(metadata, dict) else {},
            float(record["ttl"]) if record.get("ttl", 0) > 0 else None,
        )

    def _entries(self, name: str, manifest: Mapping[str, Any]) -> Iterator[Entry]:
        contents = manifest.get("contents", [])
        if manifest.get("in_file"):
            contents = self._contents(name, manifest["in_file"])
        for content in contents:
            path, digest = content.get("path", ""), content.get("digest", "")
            extra = {}
            for item in content.get("extra", []):
                try:
                    extra[item.get("key", "")] = json.loads(item.get("value_json", "null"))
                except (ValueError, RecursionError):
                    continue
            size = content.get("size")
            if content.get("ref"):
                yield Entry(path, None, content["ref"], digest or content["ref"], size, extra)
                continue
            place = next((p for p in _places(content) if _is_content(p, digest)), None)
            if place is not None:
                yield Entry(path, place, extra=extra)
                continue
            local = content.get("local_path", "")
            self._problems.append(
                f"the artifact {name!r} lacks the content of {path!r}"
                + (f", which was in {local}" if local else "")
            )
            where = f"file://{local}" if local else f"wandb-artifact-content://{digest}"
            yield Entry(path, None, where, digest or path, size, {**extra, "missing": True})

    def _contents(self, name: str, path: str) -> list[dict[str, Any]]:
        """The entries of a manifest that was too long for a record: gzip of a JSON object each."""
        found = []
        try:
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    entry = json.loads(line)
                    extra = [
                        {"key": key, "value_json": json.dumps(value)}
                        for key, value in entry.pop("extra", {}).items()
                    ]
                    found.append({**entry, "extra": extra})
        except (OSError, EOFError, ValueError, AttributeError) as error:
            self._problems.append(f"the artifact {name!r} lacks its list of files: {error}")
        return found


def _places(content: Mapping[str, Any]) -> Iterator[str]:
    """Where the content of an entry may lie."""
    if content.get("local_path"):
        yield content["local_path"]
    try:
        md5 = base64.b64decode(content.get("digest", ""), validate=True).hex()
    except (binascii.Error, ValueError):
        return
    cache = os.environ.get("WANDB_CACHE_DIR") or os.path.expanduser("~/.cache/wandb")
    for folder in (cache, os.path.join(cache, "wandb")):
        yield os.path.join(folder, "artifacts", "obj", "md5", md5[:2], md5[2:])


def _is_content(path: str, digest: str) -> bool:
    from synadb.artifacts.manifest import hash_file

    try:
        return os.path.isfile(path) and hash_file(path)[0] == digest
    except (OSError, ValueError):
        return False

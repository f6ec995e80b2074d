"""A sink for media that keeps everything in dicts."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from synadb.wandb_compat._media.base import Stored, clean_key


class MemorySink:
    """`files` by path, `artifacts` by (name, type), a list of versions each, and `config`."""

    def __init__(self, run_id: str = "run1") -> None:
        self.run_id = run_id
        self.token: object = object()
        self.files: dict[str, bytes] = {}
        self.artifacts: dict[tuple[str, str], list[dict[str, bytes]]] = {}
        self.config: dict[str, dict[str, Any]] = {}
        self.puts = 0

    def put(
        self, folder: str, key: str, step: int | str, content: bytes | str, extension: str
    ) -> Stored:
        data = Path(content).read_bytes() if isinstance(content, str) else bytes(content)
        digest = hashlib.sha256(data).hexdigest()
        path = f"{folder}/{clean_key(key)}_{step}_{digest[:20]}{extension}"
        self.files[path] = data
        self.puts += 1
        return Stored(path, digest, len(data))

    def put_artifact(self, name: str, type: str, files: dict[str, bytes]) -> str:
        versions = self.artifacts.setdefault((name, type), [])
        versions.append(dict(files))
        return f"{name}:{len(versions)}"

    def set_config(self, key: str, name: str, value: Any) -> None:
        self.config.setdefault(key, {})[name] = value

"""The folder `wandb/run-<time>-<id>`: what other tools read there, and what a script puts there."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat._term import termwarn

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker
    from synadb.wandb_compat._settings import Settings

__all__ = ["RunDir"]

SMALL = 1 << 20  # files up to this size are stored together


class RunDir:
    """One run's folder. `files` is what `run.dir` says."""

    def __init__(self, settings: Settings, *, wanted: bool) -> None:
        self._settings = settings
        self._wanted = wanted
        self._temporary: str | None = None
        self.path = settings.sync_dir
        self.files = settings.files_dir
        if wanted:
            self._create()

    def _create(self) -> None:
        settings = self._settings
        try:
            os.makedirs(self.files, exist_ok=True)
            os.makedirs(settings.log_dir, exist_ok=True)
            # Tools take the run's id from the name of this file; wandb keeps its log in it.
            with open(settings.sync_file, "ab"):
                pass
            if settings.symlink:
                self._link_latest()
        except OSError as error:
            termwarn(
                f"{self.path} cannot be made ({error.strerror}): run.dir is a temporary folder"
            )
            self._wanted = False

    def _link_latest(self) -> None:
        link = self._settings.sync_symlink_latest
        fresh = f"{link}.{os.getpid()}.{self._settings.run_id}"
        with contextlib.suppress(OSError, NotImplementedError):
            os.symlink(os.path.basename(self.path), fresh)
            os.replace(fresh, link)

    def folder(self) -> str:
        """The folder of the run's files, made if it is not there."""
        if not self._wanted and self._temporary is None:
            import tempfile

            self._temporary = tempfile.mkdtemp(prefix="synadb-run-")
            self.files = os.path.join(self._temporary, "files")
        if not os.path.isdir(self.files):
            os.makedirs(self.files, exist_ok=True)
        return self.files

    @property
    def exists(self) -> bool:
        """Whether there is a folder to look into."""
        return self._wanted or self._temporary is not None

    def write(
        self,
        config: Mapping[str, Any],
        summary: Mapping[str, Any],
        metadata: Mapping[str, Any],
        requirements: Sequence[str],
    ) -> None:
        """Write the files that a finished run of wandb leaves in its folder."""
        if not self._wanted:
            return
        documents = {
            "config.yaml": _yaml(config),
            "wandb-summary.json": _json(summary),
            "wandb-metadata.json": _json(metadata, indent=2) + "\n" if metadata else "",
            "requirements.txt": "".join(line + "\n" for line in requirements),
        }
        for name, text in documents.items():
            if text:
                with (
                    contextlib.suppress(OSError),
                    open(os.path.join(self.files, name), "w", encoding="utf-8") as file,
                ):
                    file.write(text)

    def store(self, tracker: ExperimentTracker, run_id: str, ignore: Sequence[str] = ()) -> None:
        """Bring everything in the folder into the database."""
        if not self.exists:
            return
        small: dict[str, bytes] = {}
        for name, path in self._found(ignore):
            try:
                if os.path.getsize(path) > SMALL:
                    tracker.log_file(run_id, name, path)
                else:
                    with open(path, "rb") as file:
                        small[name] = file.read()
            except OSError as error:
                termwarn(f"{path} cannot be stored: {error.strerror or error}")
        if small:
            tracker.log_files(run_id, small)

    def _found(self, ignore: Sequence[str]) -> list[tuple[str, str]]:
        found = []
        for folder, _, names in os.walk(self.files):
            for name in sorted(names):
                path = os.path.join(folder, name)
                relative = os.path.relpath(path, self.files).replace(os.sep, "/")
                if os.path.isfile(path) and not _ignored(relative, ignore):
                    found.append((relative, path))
        return found

    def remove_temporary(self) -> None:
        """Remove the folder if it was only a temporary one; its files are in the database."""
        if self._temporary is not None:
            import shutil

            shutil.rmtree(self._temporary, ignore_errors=True)


def _ignored(name: str, ignore: Sequence[str]) -> bool:
    if not ignore:
        return False
    from fnmatch import fnmatch

    return any(fnmatch(name, pattern) for pattern in ignore)


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, default=str)


def _yaml(config: Mapping[str, Any]) -> str:
    """The config as wandb's config.yaml: `key: {value: ...}`.

    JSON is YAML but for numbers: importing a YAML library takes longer than a whole init.
    """
    return "".join(
        f"{json.dumps(key)}:\n    value: {_flow(config[key])}\n" for key in sorted(config)
    )


def _flow(value: Any) -> str:
    if isinstance(value, float):
        if math.isnan(value):
            return ".nan"
        if math.isinf(value):
            return ".inf" if value > 0 else "-.inf"
        text = repr(value)
        mantissa, e, exponent = text.partition("e")
        if e and "." not in mantissa:
            mantissa += ".0"  # YAML 1.1 reads 1e-05 as a text
        return mantissa + e + exponent
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(k))}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return json.dumps(value, default=str)

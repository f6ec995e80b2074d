"""The folder `wandb/run-<time>-<id>`: what other tools read there, and what a script puts there."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat._term import termwarn

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker
    from synadb.wandb_compat._settings import Settings

__all__ = ["RunDir"]

SMALL = 1 << 20  # files up to this size are stored together
TOGETHER = 16 << 20  # bytes of them that are held in memory


class RunDir:
    """One run's folder. `files` is what `run.dir` says."""

    def __init__(self, settings: Settings, *, wanted: bool) -> None:
        self._settings = settings
        self._wanted = wanted
        self._temporary: str | None = None
        self._kept: dict[str, str] = {}  # what there is no folder for
        self.path = settings.sync_dir
        self.files = settings.files_dir
        if wanted:
            self._create()

    def _create(self) -> None:
        settings = self._settings
        try:
            self._claim()
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

    def _claim(self) -> None:
        """Make a folder that no other process has, though it may log to the same run."""
        settings = self._settings
        os.makedirs(settings.wandb_dir, exist_ok=True)
        given = settings.x_sync_dir_suffix
        number = 1
        while True:
            try:
                os.mkdir(settings.sync_dir)
                break
            except FileExistsError:
                number += 1
                settings.x_sync_dir_suffix = f"{given}-{number}" if given else str(number)
        self.path, self.files = settings.sync_dir, settings.files_dir

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

    def keep(self, name: str, text: str) -> None:
        """Put a text file into the folder, or without one only into the database at the end."""
        if not text:
            return
        if not self._wanted:
            self._kept[name] = text
            return
        # A lone surrogate, as names of files have them, is no text that UTF-8 could carry.
        data = text.encode("utf-8", "replace")
        with contextlib.suppress(OSError), open(os.path.join(self.files, name), "wb") as file:
            file.write(data)

    def write(
        self, config: Mapping[str, Any], summary: Mapping[str, Any], metadata: Mapping[str, Any]
    ) -> None:
        """Write the documents that a finished run of wandb leaves in its folder."""
        if self._wanted:
            self.keep("config.yaml", _yaml(config))
            self.keep("wandb-summary.json", _json(summary))
            self.keep("wandb-metadata.json", _json(metadata, indent=2) + "\n" if metadata else "")

    def store(self, tracker: ExperimentTracker, run_id: str, ignore: Sequence[str] = ()) -> None:
        """Bring everything in the folder into the database; raises SynaDBError."""
        small = {name: text.encode("utf-8", "replace") for name, text in self._kept.items()}
        size = 0
        for name, path in self._found(ignore) if self.exists else ():
            try:
                if os.path.getsize(path) > SMALL:
                    tracker.log_file(run_id, name, path)
                    continue
                with open(path, "rb") as file:
                    small[name] = file.read()
            except OSError as error:
                termwarn(f"{path} cannot be stored: {error.strerror or error}")
                continue
            size += len(small[name])
            if size > TOGETHER:
                tracker.log_files(run_id, small)
                small, size = {}, 0
        if small:
            tracker.log_files(run_id, small)

    def _found(self, ignore: Sequence[str]) -> Iterator[tuple[str, str]]:
        for folder, folders, names in os.walk(self.files):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                relative = os.path.relpath(path, self.files).replace(os.sep, "/")
                if os.path.isfile(path) and not _ignored(relative, ignore):
                    yield _text(relative), path

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


def _text(name: str) -> str:
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "replace")


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, default=str)


def _yaml(config: Mapping[str, Any]) -> str:
    """The config as wandb's config.yaml: `key: {value: ...}`.

    JSON is almost YAML, and importing a YAML library takes longer than a whole init.
    """
    return "".join(_pair(key, f"\n    value: {_flow(config[key])}\n") for key in sorted(config))


def _pair(key: str, value: str) -> str:
    name = _quoted(key)
    # A key of more than 1024 characters must be announced.
    return f"? {name}\n:{value}" if len(name) > 1000 else f"{name}:{value}"


def _flow(value: Any) -> str:
    if isinstance(value, float):
        if math.isnan(value):
            return ".nan"
        if math.isinf(value):
            return ".inf" if value > 0 else "-.inf"
        text = float.__repr__(value)
        mantissa, e, exponent = text.partition("e")
        if e and "." not in mantissa:
            mantissa += ".0"  # YAML 1.1 reads 1e-05 as a text
        return mantissa + e + exponent
    if isinstance(value, dict):
        pairs = (_pair(str(key), f" {_flow(item)}") for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if value is None or isinstance(value, int):
        return json.dumps(value)
    return _quoted(value if isinstance(value, str) else str(value))


def _quoted(text: str) -> str:
    """A text between quotes, all but plain ASCII escaped; a lone surrogate is replaced."""
    if text.isascii():
        quoted = json.dumps(text)
    else:
        # JSON has two escapes for a character beyond the first 65536; YAML takes them for two.
        signs = text.encode("utf-8", "replace").decode()
        parts = (json.dumps(c)[1:-1] if ord(c) < 1 << 16 else f"\\U{ord(c):08X}" for c in signs)
        quoted = f'"{"".join(parts)}"'
    return quoted.replace("\x7f", "\\x7f")  # which JSON leaves as it is, and YAML does not take

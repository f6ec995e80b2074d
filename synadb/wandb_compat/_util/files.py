"""Files and programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat._term import termwarn

if TYPE_CHECKING:
    from tarfile import TarInfo

__all__ = [
    "check_and_warn_old",
    "find_runner",
    "get_core_path",
    "make_file_path_upload_safe",
    "make_tarfile",
    "parse_tfjob_config",
]


def make_tarfile(
    output_filename: str,
    source_dir: str,
    archive_name: str,
    custom_filter: Callable[[TarInfo], TarInfo | None] | None = None,
) -> None:
    """Pack a folder as a compressed tar file, in which it is called `archive_name`.

    Equal folders give equal bytes: no times are kept. `custom_filter` changes an entry, or leaves
    it out by returning None.
    """
    import gzip
    import tarfile

    def without_time(entry: TarInfo) -> TarInfo | None:
        entry.mtime = 0
        return custom_filter(entry) if custom_filter is not None else entry

    with (
        open(output_filename, "wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        archive.add(source_dir, arcname=archive_name, filter=without_time)


def make_file_path_upload_safe(path: str) -> str:
    """`path` as one below a folder: relative, with `_` for each dot of `.` and `..`.

    On Windows a path with characters that no file name has there is a ValueError.
    """
    if sys.platform == "win32":
        from synadb.wandb_compat.util import check_windows_valid_filename

        for part in path.replace("\\", "/").split("/"):
            if not check_windows_valid_filename(part):
                raise ValueError(f"Path {path} has characters that no file name has on Windows")
        path = path.replace("\\", "/")
    parts = path.lstrip("/").split("/")
    return "/".join("_" * len(part) if part in (".", "..") else part for part in parts)


def find_runner(program: str) -> list[str] | None:
    """The words that run a script, before its name; None for what runs by itself or is missing."""
    if not os.path.isfile(program) or os.access(program, os.X_OK):
        return None
    with open(program, encoding="utf-8", errors="replace") as file:
        first = file.readline().strip()
    if first.startswith("#!"):
        return first[2:].split()
    return [sys.executable] if program.endswith(".py") else None


def check_and_warn_old(files: list[str]) -> bool:
    """Whether files of a run are those of wandb before 0.10, which nothing reads; warns."""
    if "wandb-metadata.json" not in files:
        return False
    termwarn("These runs were logged with a version of wandb before 0.10, which is not read")
    return True


def parse_tfjob_config() -> Any:
    """The content of the environment variable TF_CONFIG; False where it has none."""
    import json

    try:
        return json.loads(os.environ.get("TF_CONFIG", ""))
    except ValueError:
        return False


def get_core_path() -> str:
    """WandbCoreNotAvailableError: there is no such program here."""
    from synadb.wandb_compat.errors import WandbCoreNotAvailableError

    raise WandbCoreNotAvailableError(
        "wandb.util.get_core_path() is not supported by SynaDB: there is no helper process to start"
    )

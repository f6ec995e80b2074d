"""`wandb.sdk.lib.filesystem`."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal, NewType

from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._term import termwarn
from synadb.wandb_compat.sdk.lib.paths import StrPath

__all__ = [
    "PROBLEMATIC_PATH_CHARS",
    "GlobStr",
    "PolicyName",
    "are_paths_on_same_drive",
    "check_exists",
    "copy_or_overwrite_changed",
    "files_in",
    "mkdir_allow_fallback",
    "mkdir_exists_ok",
    "path_fallbacks",
    "safe_copy",
    "safe_open",
    "system_preferred_path",
    "unlink_path",
]

GlobStr = NewType("GlobStr", str)
PolicyName = Literal["now", "live", "end"]

# What some file system refuses in a name.
PROBLEMATIC_PATH_CHARS = "".join(map(chr, range(32))) + ':"*<>?|'


def mkdir_exists_ok(dir_name: StrPath) -> None:
    """Make a folder and those above it; FileExistsError if there is a file of that name."""
    try:
        os.makedirs(dir_name, exist_ok=True)
    except FileExistsError as error:
        raise FileExistsError(f"{os.fspath(dir_name)} exists and is not a directory") from error


def path_fallbacks(path: StrPath) -> Iterator[str]:
    """`path`, and spellings of it with one problematic character after another replaced by `-`."""
    root, tail = os.path.splitdrive(os.fspath(path))
    yield root + tail
    for char in PROBLEMATIC_PATH_CHARS:
        if char in tail:
            tail = tail.replace(char, "-")
            yield root + tail


def mkdir_allow_fallback(dir_name: StrPath) -> str:
    """Make a folder, under another spelling if the file system refuses this one; its name."""
    refused: OSError | None = None
    for name in path_fallbacks(dir_name):
        try:
            os.makedirs(name, exist_ok=True)
        except OSError as error:
            refused = refused or error
        else:
            if refused is not None:
                termwarn(f"{os.fspath(dir_name)} is not a possible name here; using {name}")
            return name
    raise refused or OSError(f"{os.fspath(dir_name)} cannot be made")


def check_exists(path: StrPath) -> str | None:
    """The spelling of `path` under which there is something; None if there is none."""
    return next((name for name in path_fallbacks(path) if os.path.exists(name)), None)


def system_preferred_path(path: StrPath, warn: bool = False) -> str:
    """`path` as this system can store it."""
    if os.name != "nt":
        return os.fspath(path)
    root, tail = os.path.splitdrive(os.fspath(path))
    clean = "".join("-" if char in PROBLEMATIC_PATH_CHARS else char for char in tail)
    if warn and clean != tail:
        termwarn(f"{path} is not a possible name here; using {root + clean}")
    return root + clean


def files_in(path: StrPath) -> Iterator[os.DirEntry[str]]:
    """Every file below a folder; nothing where there is no folder."""
    if os.path.isdir(path):
        for entry in os.scandir(path):
            if entry.is_dir():
                yield from files_in(entry.path)
            else:
                yield entry


@contextlib.contextmanager
def safe_open(path: StrPath, mode: str = "r", *args: Any, **kwargs: Any) -> Iterator[IO[Any]]:
    """Open a file; what is written appears as a whole once the block has ended well."""
    target = os.path.abspath(path)
    if not set(mode) & set("wax+"):
        with open(target, mode, *args, **kwargs) as file:
            yield file
        return
    import tempfile

    if "x" in mode and os.path.exists(target):
        raise FileExistsError(f"{target} exists already")
    with tempfile.TemporaryDirectory(dir=os.path.dirname(target), prefix=".") as folder:
        part = os.path.join(folder, os.path.basename(target))
        if "w" not in mode and os.path.exists(target):
            shutil.copy2(target, part)
        with open(part, mode, *args, **kwargs) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)


def safe_copy(source_path: StrPath, target_path: StrPath) -> StrPath:
    """Copy a file, which takes its place as a whole; returns `target_path`."""
    with open(source_path, "rb") as source, safe_open(target_path, "wb") as target:
        shutil.copyfileobj(source, target)
    shutil.copystat(source_path, target_path)
    return target_path


def copy_or_overwrite_changed(source_path: StrPath, target_path: StrPath) -> StrPath:
    """Copy a file unless it is there with the same content; returns where it is."""
    import filecmp

    target = system_preferred_path(target_path)
    if not (os.path.isfile(target) and filecmp.cmp(source_path, target, shallow=False)):
        folder, name = os.path.split(target)
        target = os.path.join(mkdir_allow_fallback(folder), name) if folder else name
        safe_copy(source_path, target)
    return target


def are_paths_on_same_drive(path1: Path, path2: Path) -> bool:
    """Whether both lie on one drive of Windows; elsewhere there is but one."""
    return Path(path1).resolve().drive.upper() == Path(path2).resolve().drive.upper()


def unlink_path(path: Path) -> None:
    """Remove a file if it is there."""
    Path(path).unlink(missing_ok=True)


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)

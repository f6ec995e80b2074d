"""Writing into folders: paths that stay below one, names for any system, files that are whole."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Iterator
from typing import BinaryIO

__all__ = ["is_below", "leads_out", "safe_path", "whole_file", "write_whole"]

_DRIVE = re.compile(r"[A-Za-z]:")
_LONGEST = 255  # bytes of a name, as file systems allow
_FORBIDDEN = frozenset('<>:"\\|?*')  # on Windows, for whoever copies the folder there
_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10)))
)
_numbers = itertools.count()


@contextlib.contextmanager
def whole_file(path: str) -> Iterator[str]:
    """A name to write to that becomes `path` at the end of the block; an error leaves nothing."""
    # Not the name with something after it: that may be as long as names can be.
    part = os.path.join(os.path.dirname(path), f".synadb-{os.getpid()}-{next(_numbers)}.part")
    try:
        yield part
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


def write_whole(stream: BinaryIO, path: str) -> None:
    """Write what a stream has to `path`, which appears only once whole."""
    import shutil

    with whole_file(path) as part, open(part, "wb") as file:
        shutil.copyfileobj(stream, file)


def is_below(path: str) -> bool:
    """Whether a path with `/` names something below a folder, whatever the system: no `..`.

    Nor is it absolute, has a drive letter or a NUL.
    """
    return not (
        all(part in ("", ".") for part in path.split("/"))
        or path[0] in "/\\"
        or "\0" in path
        or _DRIVE.match(path)
        or ".." in re.split(r"[/\\]", path)
    )


def leads_out(root: str, folder: str) -> bool:
    """Whether a folder that is named below `root` lies, because of a link, somewhere else."""
    real = os.path.realpath(root)
    try:
        return os.path.commonpath([real, os.path.realpath(folder)]) != real
    except ValueError:  # on another drive
        return True


def safe_path(name: str) -> str:
    """A file's name in a run as a relative path, of parts that are names everywhere."""
    parts = [_safe_part(part) for part in name.replace("\\", "/").split("/")]
    return "/".join(part for part in parts if part) or "_"


def _safe_part(part: str) -> str:
    if part in ("", "."):
        return ""
    text = "".join(
        letter if letter.isprintable() and letter not in _FORBIDDEN else "_"
        for letter in part.replace("..", "__")
    )
    # Windows drops these at the end of a name, and so would take two names for one.
    text = text[:-1] + "_" if text[-1] in ". " else text
    if text.partition(".")[0].lower() in _DEVICES:
        text = f"_{text}"
    encoded = text.encode()
    if len(encoded) > _LONGEST:
        root, dot, extension = text.rpartition(".")
        end = f"{dot}{extension}" if root and len(extension) < 16 else ""
        text = encoded[: _LONGEST - len(end.encode())].decode("utf-8", "ignore") + end
    return text

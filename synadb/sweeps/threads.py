"""numpy's linear algebra on one thread for a moment.

The matrices of a search are small: more threads gain nothing, and on a machine that is busy with
the very trials the search is for they wait for each other, which makes a suggestion twenty times
slower.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["one_thread"]

# As OpenBLAS is built for numpy's wheels, newest first: prefix and suffix of every name it exports.
MARKS = (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", ""))


class _Library(NamedTuple):
    read: Callable[[], int]
    write: Callable[[int], None]


@cache
def _library() -> _Library | None:
    """The OpenBLAS inside numpy's wheel; None where numpy came with another library."""
    import numpy as np

    root = Path(np.__file__).parent
    for folder in (root.parent / "numpy.libs", root / ".dylibs", root / ".libs"):
        for path in sorted(folder.glob("*openblas*")):
            found = _functions(path)
            if found is not None:
                return found
    return None


def _functions(path: Path) -> _Library | None:
    try:
        loaded = ctypes.CDLL(str(path))  # the one numpy uses: a library is loaded once
    except OSError:
        return None
    for prefix, suffix in MARKS:
        read = getattr(loaded, f"{prefix}openblas_get_num_threads{suffix}", None)
        write = getattr(loaded, f"{prefix}openblas_set_num_threads{suffix}", None)
        if read is not None and write is not None:
            read.argtypes, read.restype = [], ctypes.c_int
            write.argtypes, write.restype = [ctypes.c_int], None
            return _Library(read, write)
    return None


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold linear algebra to one thread of the process, and give it back what it had.

    Without effect where numpy was not built with its own OpenBLAS.
    """
    library = _library()
    if library is None:
        yield
        return
    before = library.read()
    library.write(1)
    try:
        yield
    finally:
        library.write(before)

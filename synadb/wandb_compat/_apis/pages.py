"""`wandb.apis.paginator`: sequences that are read page by page as they are asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

from synadb.wandb_compat._apis.errors import normalize_exceptions

__all__ = ["Paginator"]

T = TypeVar("T")


class Paginator(Generic[T]):
    """A lazy sequence: `len`, items, slices, negative indices, and any number of iterations.

    A class of it says how many there are (`_total`) and what a page holds (`_page`). `start` is
    the `cursor` of an earlier one, after whose pages this one begins.
    """

    def __init__(self, per_page: Any = 50, start: Any = None) -> None:
        if not isinstance(per_page, int) or per_page < 1:
            raise ValueError(f"per_page is a number of objects from 1 on, not {per_page!r}")
        if start is not None and not str(start).isdigit():
            raise ValueError(f"start is the cursor of an earlier query, not {start!r}")
        self.per_page: int = per_page
        self.objects: list[T] = []
        self.index = -1
        self._start = self._place = int(start or 0)
        self._left: int | None = None  # that have not been read
        self._lock = threading.RLock()

    def _total(self) -> int:
        """How many objects there are in all; asked once, before the first page."""
        raise NotImplementedError

    def _page(self, offset: int, limit: int) -> Sequence[T]:
        """The objects from `offset` on, `limit` of them but for those that have gone meanwhile."""
        raise NotImplementedError

    @property
    @normalize_exceptions
    def _length(self) -> int:
        with self._lock:
            if self._left is None:
                self._left = max(0, self._total() - self._start)
            return len(self.objects) + self._left

    @property
    def length(self) -> int:
        """How many objects there are."""
        return self._length

    @property
    def more(self) -> bool:
        """Whether there are pages that have not been read; True before the first."""
        return self._left is None or self._left > 0

    @property
    def cursor(self) -> str | None:
        """Where the next page begins, to be given to a later query as `start`."""
        return str(self._place) if self._place else None

    def _load_page(self) -> bool:
        """Read the next page; whether there was one."""
        with self._lock:
            before = len(self.objects)
            self._load(before + 1)
            return len(self.objects) > before

    @normalize_exceptions
    def _load(self, wanted: int) -> bool:
        """Have `wanted` objects, or as many as there are; whether there are so many."""
        with self._lock:
            while len(self.objects) < min(wanted, self._length):
                # Whole pages: what follows is likely to be asked for next.
                missing = wanted - len(self.objects)
                asked = -(-missing // self.per_page) * self.per_page
                self.objects.extend(self._page(self._place, asked))
                left = (self._left or 0) - asked
                self._place += asked + min(0, left)
                self._left = max(0, left)
            return len(self.objects) >= wanted

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        if not isinstance(index, slice):
            at = index.__index__()
            self._load(self._length if at < 0 else at + 1)
            return self.objects[at]
        ends = [end for end in (index.start, index.stop) if end is not None]
        if index.stop is None or any(end < 0 for end in ends) or (index.step or 1) < 0:
            self._load(self._length)
        else:
            self._load(index.stop)
        return self.objects[index]

    def __iter__(self) -> Iterator[T]:
        self.index = -1
        return self._walk()

    def _walk(self) -> Iterator[T]:
        place = 0
        while place < len(self.objects) or self._load(place + 1):
            yield self.objects[place]
            place += 1

    def __next__(self) -> T:
        if len(self.objects) <= self.index + 1 and not self._load(self.index + 2):
            raise StopIteration
        self.index += 1
        return self.objects[self.index]

    def next(self) -> T:
        """The object after the last that `next` gave; iterating begins anew."""
        return self.__next__()

    def __len__(self) -> int:
        return self._length

    def __contains__(self, item: Any) -> bool:
        return any(item == found for found in self)

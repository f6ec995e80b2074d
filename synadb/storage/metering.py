"""How far work on a whole database has come, told to whoever watches."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Meter", "Watch"]

Watch = Callable[[float, float], None]  # bytes that are done, of how many


class Meter:
    """Counts the bytes that are done of those that are expected, and tells `watch`, if given."""

    def __init__(self, watch: Watch | None = None) -> None:
        self._watch = watch
        self._total = 0.0
        self._done = 0.0

    @property
    def left(self) -> float:
        """Bytes that are still expected."""
        return max(0.0, self._total - self._done)

    def expect(self, more: float) -> None:
        """So many bytes are to be done, by estimate."""
        self._total += more
        self.add(0)

    def add(self, more: float) -> None:
        """So many more are done."""
        self._done += more
        if self._watch is not None:
            self._watch(min(self._done, self._total), self._total)

    def finish(self) -> None:
        """All are, whatever the estimate was."""
        self.add(self.left)

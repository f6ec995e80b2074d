"""One difference between two recordings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

__all__ = ["MISSING", "Difference", "short"]


class _Missing:
    """Stands for a value that only the other side has."""

    def __repr__(self) -> str:
        return "(missing)"


MISSING: Final = _Missing()


@dataclass(frozen=True)
class Difference:
    """One place where the two differ, such as `runs[0].history[17].loss`.

    `part` is the kind of record: a field of a run, "media", "tables", "artifacts", or "runs" for a
    whole one. `detail` says more about how they differ, and `reason` why that is no
    fault of SynaDB's, if it is known.
    """

    path: str
    left: Any
    right: Any
    part: str = ""
    detail: str = ""
    reason: str = ""

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.path}: {short(self.left)} / {short(self.right)}{detail}"


def short(value: Any) -> str:
    """A value in at most a line."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"

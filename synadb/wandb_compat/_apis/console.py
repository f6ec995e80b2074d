"""`wandb.apis.public.console_logs`: the lines that a run has printed."""

# No `from __future__ import annotations`: NamedTuple compiles annotations that are texts.

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

from synadb.wandb_compat._apis.pages import Paginator

if TYPE_CHECKING:
    from synadb.wandb_compat._apis.runs import Run

__all__ = ["ConsoleLogLine", "ConsoleLogs"]


class ConsoleLogLine(NamedTuple):
    """One line; `level` is "error" for stderr, `label` the process where there are several."""

    number: int
    timestamp: datetime | None
    level: str
    label: str
    content: str


class ConsoleLogs(Paginator[ConsoleLogLine]):
    """The lines, oldest first, or with `last` only the last of them."""

    def __init__(self, run: "Run", per_page: int = 1000, last: int | None = None) -> None:
        super().__init__(per_page)
        self.run = run
        self._last = last
        self._lines: list[ConsoleLogLine] | None = None

    def _read(self) -> list[ConsoleLogLine]:
        if self._lines is None:
            lines = self.run._tracker().console(self.run._stored_id)
            several = len({line.source for line in lines}) > 1
            self._lines = [
                ConsoleLogLine(
                    number,
                    datetime.fromtimestamp(line.time, timezone.utc),
                    "error" if line.stream == "stderr" else "",
                    line.source if several else "",
                    line.line,
                )
                for number, line in enumerate(lines)
            ]
            if self._last is not None:
                self._lines = self._lines[max(0, len(lines) - max(0, self._last)) :]
        return self._lines

    def _total(self) -> int:
        return len(self._read())

    def _page(self, offset: int, limit: int) -> Sequence[ConsoleLogLine]:
        return self._read()[offset : offset + limit]

    def __repr__(self) -> str:
        return f"<ConsoleLogs {'/'.join(self.run.path)}>"

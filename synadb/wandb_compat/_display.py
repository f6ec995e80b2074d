"""How a run looks at its end: on the terminal, and in a notebook."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synadb.records import RunRecord

__all__ = ["in_notebook", "run_html", "run_lines", "runs_html", "sparkline"]

_BARS = "▁▂▃▄▅▆▇█"
_PLAIN_BARS = "_.:-=+*#"
_ROWS = 10
_LONGEST_TEXT = 20
_DECIMALS = 5
_WHOLE = 1e6  # whole floats below are written as wandb does: without a decimal point

# A newline or an escape sequence in a name or a value must not tear the table apart.
_ESCAPES = {code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160))}


def run_lines(
    history: Mapping[str, Sequence[float]],
    summary: Mapping[str, Any],
    *,
    history_rows: int = _ROWS,
    summary_rows: int = _ROWS,
    encoding: str | None = None,
) -> list[str]:
    """The tables "Run history:" and "Run summary:", in wandb's layout; a table may be missing.

    `history` has the values to draw of each metric, one character each. `encoding` is that of the
    terminal; without it, that of stderr. One that lacks the bars gets plain characters.
    """
    encoding = _known(encoding or getattr(sys.stderr, "encoding", None))
    bars = _BARS if _prints(encoding, _BARS) else _PLAIN_BARS
    lines = [
        *_table("Run history:", _history_rows(history, history_rows, bars)),
        *_table("Run summary:", _summary_rows(summary, summary_rows)),
    ]
    if lines:
        lines.append("")
    return [line.encode(encoding, "backslashreplace").decode(encoding) for line in lines]


def run_html(
    *,
    name: str,
    run_id: str,
    project: str,
    state: str,
    path: str | None,
    history: Mapping[str, Sequence[float]],
    summary: Mapping[str, Any],
) -> str:
    """One piece of HTML that needs nothing else; `path` is the database, None for no link."""
    from html import escape

    from synadb.media.show import AS_TEXT

    def table(title: str, rows: list[tuple[str, str]]) -> str:
        body = "".join(
            f'<tr><td style="text-align:right">{escape(key)}</td>'
            f'<td style="text-align:left;white-space:pre;font-family:monospace">{escape(text)}</td>'
            "</tr>"
            for key, text in rows
        )
        return f"<table><caption>{title}</caption>{body}</table>" if rows else ""

    place = ""
    if path is not None:
        from pathlib import Path

        link = Path(path).absolute().as_uri()
        place = f'<br>stored in <a href="{escape(link)}">{escape(path)}</a>'
    return (
        f'<div class="{AS_TEXT}"><p><b>{escape(name)}</b> ({escape(run_id)}) of project '
        f"{escape(project)}: {escape(state)}{place}</p>"
        + table("Run history", _history_rows(history, _ROWS, _BARS))
        + table("Run summary", _summary_rows(summary, _ROWS))
        + "</div>"
    )


def runs_html(project: str, records: Sequence[RunRecord]) -> str:
    """A table of the runs of a project, the newest first."""
    from html import escape

    from synadb.media.show import AS_TEXT

    rows = "".join(
        "<tr>"
        + "".join(
            f'<td style="text-align:left">{escape(text)}</td>'
            for text in (record.name, record.run_id, record.state, f"{record.last_step + 1:,d}")
        )
        + "</tr>"
        for record in reversed(records)
    )
    head = "<tr><th>name</th><th>id</th><th>state</th><th>steps</th></tr>"
    title = f"<caption>Runs of {escape(project)}</caption>"
    return f'<table class="{AS_TEXT}">{title}{head}{rows}</table>'


def in_notebook() -> bool:
    """Whether this is code of a Jupyter notebook."""
    from synadb.wandb_compat._settings import Settings

    return Settings()._jupyter


def sparkline(values: Sequence[float], bars: str = _BARS) -> str:
    """One bar for each value, a blank for NaN and infinities; no text without finite values."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    if math.isinf(high - low):
        return sparkline([value / 2 for value in values], bars)
    top = len(bars) - 1
    factor = top / (high - low) if high > low else 0.0

    def level(value: float) -> int:
        if math.isinf(factor):  # the values are next to each other, and next to zero
            return round((value - low) / (high - low) * top)
        return round((value - low) * factor)

    return "".join(bars[level(value)] if math.isfinite(value) else " " for value in values)


def _history_rows(
    history: Mapping[str, Sequence[float]], most: int, bars: str
) -> list[tuple[str, str]]:
    keys = sorted(key for key, values in history.items() if not key.startswith("_") and values)
    drawn = ((_printable(key), sparkline(history[key], bars)) for key in keys)
    return _cut([row for row in drawn if row[1]], most, len(keys))


def _summary_rows(summary: Mapping[str, Any], most: int) -> list[tuple[str, str]]:
    told = ((key, _text(summary[key])) for key in sorted(summary) if not key.startswith("_"))
    rows = [(_printable(key), text) for key, text in told if text is not None]
    return _cut(rows, most, len(rows))


def _cut(rows: list[tuple[str, str]], most: int, count: int) -> list[tuple[str, str]]:
    """The first rows, and how many of all `count` are missing."""
    shown = rows[: max(0, most)]
    if shown and len(shown) < count:
        shown.append((f"+{count - len(shown):,d}", "..."))
    return shown


def _table(title: str, rows: list[tuple[str, str]]) -> list[str]:
    if not rows:
        return []
    width = max(len(key) for key, _ in rows)
    return ["", title, *(f"{key:>{width}} {text}" for key, text in rows)]


def _text(value: Any) -> str | None:
    """How a value of the summary is shown; None for lists, dicts and what is no plain value."""
    if isinstance(value, str):
        return _printable(value[:_LONGEST_TEXT]) + "..." * (len(value) >= _LONGEST_TEXT)
    if isinstance(value, float):
        if value.is_integer() and abs(value) < _WHOLE:
            return str(int(value))
        return str(round(value, _DECIMALS))
    return str(value) if isinstance(value, int) else None


def _printable(text: str) -> str:
    return text.translate(_ESCAPES)


def _known(encoding: str | None) -> str:
    return encoding if encoding and _prints(encoding, "") else "ascii"


def _prints(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeError, LookupError):
        return False
    return True

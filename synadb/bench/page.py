"""The report of a comparison as one HTML page, which needs no other file and no network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from synadb.bench.difference import short
from synadb.bench.report import (
    LATE_STEPS,
    MEASURES,
    NOTE,
    Measure,
    amount,
    document,
    medians,
    ratio_text,
    ratios,
    remarks,
)
from synadb.bench.terminal import verdict

if TYPE_CHECKING:
    from synadb.bench.difference import Difference
    from synadb.bench.report import Comparison

__all__ = ["page"]

_CHARTED = (
    "import",
    "first_init",
    "log_median",
    "log_sum",
    "leaving",
    "wall",
    "cpu",
    "peak_memory",
    "bytes",
)
_SHOWN = 500  # differences of a table; the JSON document has all
_LABEL, _BAR, _WIDTH, _HEIGHT = 64, 300, 460, 22  # of a chart, in pixels
_STYLE = """
:root { color-scheme: light dark; --ink: #1c2330; --paper: #fff; --line: #d8dde6; --soft: #f4f6f9;
  --dim: #667085; --good: #1a7f4b; --bad: #b42318; --first: #a3a9b5; --second: #2a6fdb; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --paper: #14181f; --line: #333b48;
  --soft: #1c222c; --dim: #98a2b3; --good: #4cc38a; --bad: #ff8a80; --second: #6ea3f7; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: .95rem; margin: .2rem 0; font-weight: 600; }
p.dim, caption, figcaption { color: var(--dim); }
.verdict { border-left: .4rem solid var(--good); background: var(--soft); padding: .7rem 1rem;
  font-weight: 600; }
.verdict.bad { border-color: var(--bad); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
th { font-weight: 600; background: var(--soft); }
th:first-child, td:first-child, table.words th, table.words td { text-align: left; }
table.words td { vertical-align: top; overflow-wrap: anywhere; }
td.bad { color: var(--bad); font-weight: 600; }
code { font: 13px/1.4 ui-monospace, monospace; white-space: pre-wrap; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr));
  gap: 1rem 2rem; }
figure { margin: 0; }
svg { width: 100%; height: auto; font: 13px system-ui, sans-serif; }
svg text { fill: var(--ink); }
rect.first { fill: var(--first); } rect.second { fill: var(--second); }
"""


def page(comparison: Comparison) -> str:
    """Return the page: the verdict, figures and charts, what was compared, and what differs."""
    title = f"synadb compare {' '.join(comparison.script)}"
    body = "\n".join(_sections(comparison))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _sections(comparison: Comparison) -> Iterator[str]:
    versions = ", ".join(f"{name} {text}" for name, text in comparison.versions.items())
    yield f"<h1>{escape(' '.join(comparison.script))}</h1>"
    yield _dim(f"under {versions}; {comparison.times}")
    first, *_ = verdict(comparison)
    kind = "verdict" if comparison.good else "verdict bad"
    yield f'<p class="{kind}">{escape(first.rstrip(":"))}</p>'
    yield from (f"<p>{escape(text)}</p>" for text in remarks(comparison))
    yield "<h2>Time, memory and disk</h2>"
    yield _figures(comparison)
    yield _charts(comparison)
    yield _dim(NOTE.format(times=comparison.times))
    if comparison.differences is not None:
        yield "<h2>What was compared</h2>"
        yield _compared(comparison)
        yield _dim(LATE_STEPS)
    yield from _differences(comparison)
    yield from _calls(comparison)
    yield "<h2>Each run</h2>"
    yield _runs(comparison)
    yield "<h2>Machine</h2>"
    machine: Mapping[str, object] = document(comparison)["machine"]
    yield _table([], [[_text(key), _text(str(value))] for key, value in machine.items()], "words")


# -- tables ----------------------------------------------------------------------------------------


def _figures(comparison: Comparison) -> str:
    found = {name: medians(trials) for name, trials in comparison.trials.items()}
    both = len(found) == 2
    compared = ratios(*found.values()) if both else {}
    rows = []
    for measure in MEASURES:
        values = [figures[measure.key] for figures in found.values()]
        if any(value is not None for value in values):
            cells = [measure.label, *(amount(value, measure.unit) for value in values)]
            rows.append([*cells, ratio_text(compared[measure.key])] if both else cells)
    heads = ["", *found, *([" / ".join(found)] if both else [])]
    return _table(heads, [[_text(cell) for cell in row] for row in rows])


def _compared(comparison: Comparison) -> str:
    rows = [
        [
            _text(one.name),
            *(_text(f"{count:,}") for count in one.counts),
            _text(f"{one.different:,}", "bad" if one.different else ""),
            _text(f"{one.explained:,}"),
        ]
        for one in comparison.compared
    ]
    return _table(["", *comparison.recorded, "different", "explained"], rows)


def _differences(comparison: Comparison) -> Iterator[str]:
    names = list(comparison.trials)
    if comparison.different:
        yield "<h2>Different</h2>"
        yield _difference_table(names, comparison.different)
    if comparison.unsteady:
        yield _dim(f"{names[0]} against itself, first run and last, where it varies:")
        yield _difference_table(["first", "last"], comparison.unsteady)
    for reason, found in comparison.explained.items():
        yield f"<h2>Different, and explained</h2><p>{escape(reason)}</p>"
        yield _difference_table(names, found)


def _difference_table(names: Sequence[str], found: Sequence[Difference]) -> str:
    rows = [
        [_code(one.path), _code(short(one.left)), _code(short(one.right)), _text(one.detail)]
        for one in found[:_SHOWN]
    ]
    more = len(found) - _SHOWN
    return _table(["where", *names, ""], rows, "words") + (
        _dim(f"and {more:,} more") if more > 0 else ""
    )


def _calls(comparison: Comparison) -> Iterator[str]:
    if not (comparison.used or comparison.said or comparison.refused):
        return
    yield "<h2>Calls that have no effect, or less, under SynaDB</h2>"
    rows = [
        [_code(f"wandb.{used.name}"), _text(f"{used.calls:,}"), _text(used.effect), _text(used.why)]
        for used in comparison.used
    ]
    rows += [
        [_code(text), _text(""), _text("said by SynaDB"), _text("")] for text in comparison.said
    ]
    rows += [[_code(text), _text(""), _text("refused"), _text("")] for text in comparison.refused]
    yield _table(["call", "times", "does", "why"], rows, "words")


def _runs(comparison: Comparison) -> str:
    """Each measure of each run; medians alone would hide an outlier."""
    heads = [
        f"{name} {number}"
        for name, trials in comparison.trials.items()
        for number in range(1, len(trials) + 1)
    ]
    rows = []
    for measure in MEASURES:
        values = [measure.of(trial) for trials in comparison.trials.values() for trial in trials]
        if any(value is not None for value in values):
            cells = (_text(amount(value, measure.unit)) for value in values)
            rows.append([_text(measure.label), *cells])
    return _table(["", *heads], rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """A table; the cells come as HTML."""
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "".join(f"<tr>{''.join(row)}</tr>\n" for row in rows)
    head = f"<thead><tr>{top}</tr></thead>" if heads else ""
    return f'<div class="scroll"><table class="{kind}">{head}<tbody>\n{body}</tbody></table></div>'


def _text(text: str, kind: str = "") -> str:
    return f'<td class="{kind}">{escape(text)}</td>' if kind else f"<td>{escape(text)}</td>"


def _code(text: str) -> str:
    return f"<td><code>{escape(text)}</code></td>"


def _dim(text: str) -> str:
    return f'<p class="dim">{escape(text)}</p>'


# -- charts ----------------------------------------------------------------------------------------


def _charts(comparison: Comparison) -> str:
    found = {name: medians(trials) for name, trials in comparison.trials.items()}
    charts = []
    for measure in MEASURES:
        values = {name: figures[measure.key] for name, figures in found.items()}
        if measure.key in _CHARTED and any(values.values()):
            charts.append(_chart(measure, values))
    return f'<div class="charts">{"".join(charts)}</div>'


def _chart(measure: Measure, values: Mapping[str, float | None]) -> str:
    """Bars that begin at 0, with their figures."""
    top = max(value for value in values.values() if value is not None)
    bars = []
    for number, (name, value) in enumerate(values.items()):
        width = _BAR * (value or 0.0) / top
        kind = "second" if name == "SynaDB" else "first"
        line = number * _HEIGHT
        bars.append(
            f'<text x="0" y="{line + 15}">{escape(name)}</text>'
            f'<rect class="{kind}" x="{_LABEL}" y="{line + 3}" width="{width:.1f}" height="16"/>'
            f'<text x="{_LABEL + width + 6:.1f}" y="{line + 15}">'
            f"{escape(amount(value, measure.unit))}</text>"
        )
    told = ", ".join(f"{name} {amount(value, measure.unit)}" for name, value in values.items())
    label = escape(f"{measure.label.strip()}: {told}")
    return (
        f"<figure><h3>{escape(measure.label.strip())}</h3>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT * len(values)}" role="img" aria-label="{label}">'
        f"{''.join(bars)}</svg></figure>"
    )

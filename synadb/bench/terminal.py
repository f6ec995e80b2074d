"""The report of a comparison for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from synadb.bench.report import (
    LATE_STEPS,
    MEASURES,
    NOTE,
    Comparison,
    amount,
    medians,
    ratio_text,
    ratios,
    remarks,
)
from synadb.bench.tally import amounts

__all__ = ["table", "verdict"]

_SHOWN = 20  # differences printed; the document has all
_EXPLAINED = 3  # of each reason
_WIDTH = 100


def table(comparison: Comparison) -> str:
    """Return the report: the figures, what was compared, what has no effect, and the verdict."""
    versions = ", ".join(f"{name} ({text})" for name, text in comparison.versions.items())
    parts = [
        f"{' '.join(comparison.script)} under {versions}",
        _figures(comparison),
        textwrap.fill(NOTE.format(times=comparison.times), _WIDTH),
        "\n".join([*remarks(comparison), LATE_STEPS]),
    ]
    if comparison.differences is not None and not comparison.nothing_recorded:
        parts.append(_compared(comparison))
    parts += _calls(comparison)
    parts += _explained(comparison)
    return "\n\n".join([*parts, "\n".join(verdict(comparison))])


def _figures(comparison: Comparison) -> str:
    found = {name: medians(trials) for name, trials in comparison.trials.items()}
    both = len(found) == 2
    heads = ["", *found, " / ".join(found)] if both else ["", *found]
    compared = ratios(*found.values()) if both else {}
    lines = [heads]
    for measure in MEASURES:
        values = [figures[measure.key] for figures in found.values()]
        if any(value is not None for value in values):
            cells = [measure.label, *(amount(value, measure.unit) for value in values)]
            lines.append([*cells, ratio_text(compared[measure.key])] if both else cells)
    return _aligned(lines)


def _compared(comparison: Comparison) -> str:
    lines = [["recorded", *comparison.recorded, "different", "explained"]]
    lines += [
        [one.name, *(f"{count:,}" for count in one.counts), str(one.different), str(one.explained)]
        for one in comparison.compared
    ]
    return _aligned(lines)


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    text = []
    for label, *cells in lines:
        rest = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        text.append("   ".join([label.ljust(widths[0]), *rest]))
    text.insert(1, "-" * max(map(len, text)))
    return "\n".join(text)


def _calls(comparison: Comparison) -> Iterator[str]:
    """What of wandb's the script used that SynaDB has no use for, a paragraph each."""
    for effect, head in (
        ("nothing", "calls that SynaDB accepts and does nothing with:"),
        ("a part", "calls of which SynaDB does a part:"),
    ):
        lines = [
            f"wandb.{used.name}, {_times(used.calls)}: {used.why}"
            for used in comparison.used
            if used.effect == effect
        ]
        if lines:
            yield _listed(head, lines)
    if comparison.said:
        yield _listed("what SynaDB said of others:", comparison.said)
    if comparison.refused:
        yield _listed("what SynaDB refused:", comparison.refused)


def _explained(comparison: Comparison) -> Iterator[str]:
    for reason, found in comparison.explained.items():
        lines = [str(one) for one in found[:_EXPLAINED]]
        if len(found) > _EXPLAINED:
            lines.append(f"and {len(found) - _EXPLAINED:,} more")
        yield _listed(f"different, and explained: {reason}", lines)


def _listed(head: str, lines: Sequence[str]) -> str:
    return "\n".join([textwrap.fill(head, _WIDTH), *(f"  {line}" for line in lines)])


def _times(count: int) -> str:
    return "1 call" if count == 1 else f"{count:,} calls"


def verdict(comparison: Comparison) -> list[str]:
    """The last lines of the report."""
    names = list(comparison.trials)
    found = amounts(comparison.recorded[names[-1]])
    if comparison.nothing_recorded:
        sides = " or ".join(names)
        why = "no run was started, or none but disabled ones"
        if all(
            trial.importing is None for trials in comparison.trials.values() for trial in trials
        ):
            why = "the script does not import wandb"
        return [f"nothing was recorded by {sides}: {why}"]
    unread = " as far as it can be read (see above)" if comparison.problems else ""
    if comparison.differences is None:
        return [f"recorded by {names[-1]}{unread}: {found}"]
    if not comparison.different:
        but = " but for what is explained above" if comparison.explained else ""
        return [f"recorded the same{unread}{but}: {found}"]
    lines = [f"recorded differently ({names[0]} / {names[1]}):"]
    lines += [f"  {difference}" for difference in comparison.different[:_SHOWN]]
    if len(comparison.different) > _SHOWN:
        lines.append(f"  and {len(comparison.different) - _SHOWN:,} more differences")
    unsteady = [one for one in comparison.unsteady if not one.reason]
    if unsteady:
        place = unsteady[0].path
        lines.append(f"The script does not record the same twice under {names[0]} either: {place}")
        lines.append("is another value in each run. Give what it draws or measures a fixed seed.")
    return lines

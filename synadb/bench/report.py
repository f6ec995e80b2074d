"""Figures of merit from trials, as a table to read and as a document to keep."""

from __future__ import annotations

import math
import os
import platform
import statistics
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from synadb.bench.diff import Difference
from synadb.bench.recorded import Recorded
from synadb.bench.trial import Trial

__all__ = ["MEASURES", "Comparison", "Measure", "document", "medians", "percentile", "table"]

_SHOWN = 20  # differences printed; the document has all
_WIDTH = 100
_NOTE = """\
Medians over {repeat}; p99 is over the log calls of one run. "All log calls" is the loop only: what
logging adds to the script while it runs. "Whole process" is what a user waits for: interpreter,
imports, the script's own work, finish and exit. CPU and memory count every process, helpers
included; memory is the largest sum of resident sizes seen, looked at about every 20 ms."""
_LATE_STEPS = """\
SYNADB_LATE_STEPS=drop is set here: a row for a step that is past is dropped, as wandb does it.
Without that setting SynaDB keeps such rows."""


@dataclass
class Comparison:
    """Everything that was measured and read back.

    Attributes:
        script: The script and its arguments.
        versions: By name of the side.
        trials: By name of the side: one a repeat.
        recorded: By name of the side: what the last repeat recorded.
        differences: Of each repeat; None where there is only one side.
        unsteady: Where the first side differs from itself between the first and the last repeat.
        problems: What could not be read back in any repeat, each with the name of its side.
    """

    script: Sequence[str]
    versions: Mapping[str, str]
    trials: Mapping[str, Sequence[Trial]]
    recorded: Mapping[str, Recorded]
    differences: Sequence[Sequence[Difference]] | None
    unsteady: Sequence[Difference] = ()
    problems: Sequence[str] = ()

    @property
    def nothing_recorded(self) -> bool:
        """Whether the script started no run on any side."""
        return not any(made.runs for made in self.recorded.values())

    @property
    def good(self) -> bool:
        """Whether something was recorded, all of it can be read, and the sides, if two, agree."""
        return not (self.nothing_recorded or self.problems or any(self.differences or ()))


class Measure(NamedTuple):
    """A row of the table."""

    key: str
    label: str
    unit: str  # "s", "B" or "" for a plain number
    of: Callable[[Trial], float | None]


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest of `values` that at least `percent` of 100 of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _sum(values: Sequence[float]) -> float | None:
    return math.fsum(values) if values else None


MEASURES = (
    Measure("import", "import wandb", "s", lambda t: t.importing),
    Measure("first_init", "first init", "s", lambda t: t.inits[0] if t.inits else None),
    Measure("later_init", "later init, median", "s", lambda t: _median(t.inits[1:])),
    Measure("log_median", "log call, median", "s", lambda t: _median(t.logs)),
    Measure("log_p99", "log call, p99", "s", lambda t: percentile(t.logs, 99) if t.logs else None),
    Measure("finish", "finish, median", "s", lambda t: _median(t.finishes)),
    Measure("log_sum", "all log calls", "s", lambda t: _sum(t.logs)),
    Measure("leaving", "last line to process end", "s", lambda t: t.leaving),
    Measure("wall", "whole process", "s", lambda t: t.wall),
    Measure("wall_of_all", "  and its helper processes", "s", lambda t: t.wall_of_all),
    Measure("cpu", "CPU time, all processes", "s", lambda t: t.cpu),
    Measure("peak_memory", "peak memory, all processes", "B", lambda t: t.peak_memory),
    Measure("processes", "processes at once", "", lambda t: t.processes),
    Measure("files", "files left on disk", "", lambda t: t.files),
    Measure("bytes", "bytes left on disk", "B", lambda t: t.bytes),
)


def medians(trials: Sequence[Trial]) -> dict[str, float | None]:
    """Return each measure's median over `trials`; None where no trial has it."""
    values = {m.key: [x for t in trials if (x := m.of(t)) is not None] for m in MEASURES}
    return {key: _median(found) for key, found in values.items()}


def _ratios(
    first: Mapping[str, float | None], second: Mapping[str, float | None]
) -> dict[str, float | None]:
    ratios = {}
    for key, below in second.items():
        above = first[key]
        ratios[key] = above / below if above is not None and below else None
    return ratios


# --- text ----------------------------------------------------------------------------------------


def table(comparison: Comparison) -> str:
    """Return the report for a terminal: the table, what it means, and the verdict."""
    found = {name: medians(trials) for name, trials in comparison.trials.items()}
    heads = ["", *found]
    both = len(found) == 2
    if both:
        heads.append(" / ".join(found))
        ratios = _ratios(*found.values())
    lines = [heads]
    for measure in MEASURES:
        values = [figures[measure.key] for figures in found.values()]
        if all(value is None for value in values):
            continue
        cells = [measure.label, *(_amount(value, measure.unit) for value in values)]
        lines.append([*cells, _ratio(ratios[measure.key])] if both else cells)
    runs = len(next(iter(comparison.trials.values())))
    times = "one run" if runs == 1 else f"{runs} runs"
    note = textwrap.fill(
        _NOTE.format(repeat=f"{times} each, taken in turn" if both else times), _WIDTH
    )
    versions = ", ".join(f"{name} ({text})" for name, text in comparison.versions.items())
    script = " ".join(comparison.script)
    parts = [f"{script} under {versions}", _aligned(lines), note, *_remarks(comparison)]
    return "\n\n".join([*parts, _verdict(comparison)])


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    text = []
    for label, *cells in lines:
        rest = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        text.append("   ".join([label.ljust(widths[0]), *rest]))
    text.insert(1, "-" * max(map(len, text)))
    return "\n".join(text)


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    if unit == "s":
        for size, name in ((1, "s"), (1e-3, "ms"), (1e-6, "\u00b5s")):
            if value >= size:
                return f"{_three_digits(value / size)} {name}"
        return f"{value * 1e9:.0f} ns"
    if unit == "B":
        for size, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
            if value >= size:
                return f"{_three_digits(value / size)} {name}"
        return f"{value:.0f} B"
    return f"{value:g}"


def _three_digits(value: float) -> str:
    decimals = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{decimals}f}"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{_three_digits(value)}x"


def _remarks(comparison: Comparison) -> list[str]:
    """What else there is to know, all in one paragraph."""
    lines = []
    for name, trials in comparison.trials.items():
        forced = {process for trial in trials for process in trial.ended_by_force}
        if forced:
            lines.append(f"{name}: ended by force, long after the script: {', '.join(forced)}")
        if any(trial.leaving is None for trial in trials):
            lines.append(f"{name}: the script left without its exit handlers; calls are not timed")
    lines += [f"cannot be read in full: {problem}" for problem in comparison.problems]
    return ["\n".join([*lines, _LATE_STEPS])]


def _verdict(comparison: Comparison) -> str:
    names = list(comparison.trials)
    last = comparison.recorded[names[-1]]
    amounts = f"{_count(len(last.runs), 'run')}, {_count(last.rows, 'row')}, "
    amounts += _count(last.values, "value")
    if comparison.nothing_recorded:
        sides = " or ".join(names)
        return f"nothing was recorded by {sides}: no run was started, or none but disabled ones"
    unread = " as far as it can be read (see above)" if comparison.problems else ""
    if comparison.differences is None:
        return f"recorded by {names[-1]}{unread}: {amounts}"
    different = next((found for found in comparison.differences if found), None)
    if different is None:
        return f"recorded the same{unread}: {amounts}"
    lines = [f"recorded differently ({names[0]} / {names[1]}):"]
    lines += [f"  {difference}" for difference in different[:_SHOWN]]
    if len(different) > _SHOWN:
        lines.append(f"  and {len(different) - _SHOWN} more differences")
    if comparison.unsteady:
        place = comparison.unsteady[0].path
        lines.append(f"The script does not record the same twice under {names[0]} either: {place}")
        lines.append("is another value in each run. Give what it draws or measures a fixed seed.")
    return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


# --- JSON ----------------------------------------------------------------------------------------


def document(comparison: Comparison) -> dict[str, Any]:
    """Return the whole comparison as JSON values: seconds, bytes, and counts."""
    found = {name: medians(trials) for name, trials in comparison.trials.items()}
    result: dict[str, Any] = {
        "script": list(comparison.script),
        "machine": _machine(),
        "versions": dict(comparison.versions),
        "median": found,
        "ratio": _ratios(*found.values()) if len(found) == 2 else None,
        "trials": {
            name: [_trial_document(trial) for trial in trials]
            for name, trials in comparison.trials.items()
        },
        "recorded": {
            name: {
                "runs": len(made.runs),
                "rows": made.rows,
                "values": made.values,
                "problems": made.problems,
            }
            for name, made in comparison.recorded.items()
        },
        "problems": list(comparison.problems),
        "same": None,
        "differences": None,
    }
    if comparison.differences is not None:
        result["same"] = comparison.good
        result["differences"] = [
            [{"path": d.path, "left": repr(d.left), "right": repr(d.right)} for d in each]
            for each in comparison.differences
        ]
    return result


def _trial_document(trial: Trial) -> dict[str, Any]:
    logs = {}
    if trial.logs:
        logs = {f"p{p:g}": percentile(trial.logs, p) for p in (1, 50, 90, 99, 99.9, 100)}
        logs |= {"count": len(trial.logs), "sum": math.fsum(trial.logs)}
    return {
        "exit_code": trial.exit_code,
        "import": trial.importing,
        "inits": trial.inits,
        "logs": logs,
        "finishes": trial.finishes,
        "leaving": trial.leaving,
        "wall": trial.wall,
        "wall_of_all": trial.wall_of_all,
        "cpu": trial.cpu,
        "peak_memory": trial.peak_memory,
        "processes": trial.processes,
        "files": trial.files,
        "bytes": trial.bytes,
        "ended_by_force": trial.ended_by_force,
    }


def _machine() -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "sqlite": _sqlite_version(),
    }


def _sqlite_version() -> str:
    """Ask another process: in this package only the storage layer knows of SQLite."""
    program = "import sqlite3; print(sqlite3.sqlite_version)"
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()

"""Figures of merit from trials, and what a comparison comes to: as a document to keep.

`terminal` and `page` show it.
"""

from __future__ import annotations

import math
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from synadb.bench import watched
from synadb.bench.difference import Difference
from synadb.bench.recorded import Recorded
from synadb.bench.tally import Compared, tally
from synadb.bench.trial import Trial

__all__ = [
    "LATE_STEPS",
    "MEASURES",
    "NOTE",
    "Comparison",
    "Measure",
    "Used",
    "amount",
    "document",
    "medians",
    "percentile",
    "ratio_text",
    "ratios",
    "remarks",
]

NOTE = """\
Medians over {times}; p99 is over the log calls of one run. "All log calls" is the loop only: what
logging adds to the script while it runs. "Whole process" is what a user waits for: interpreter,
imports, the script's own work, finish and exit. CPU and memory count every process, helpers
included; memory is the largest sum of resident sizes seen, looked at about every 20 ms."""
LATE_STEPS = """\
SYNADB_LATE_STEPS=drop is set here: a row for a step that is past is dropped, as wandb does it.
Without that setting SynaDB keeps such rows."""


class Used(NamedTuple):
    """A call of the script's that has no effect under SynaDB ("nothing"), or "a part" of it."""

    name: str
    calls: int
    effect: str
    why: str


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
        failure: What the script did under wandb, if it failed there and nowhere else.
    """

    script: Sequence[str]
    versions: Mapping[str, str]
    trials: Mapping[str, Sequence[Trial]]
    recorded: Mapping[str, Recorded]
    differences: Sequence[Sequence[Difference]] | None
    unsteady: Sequence[Difference] = ()
    problems: Sequence[str] = ()
    failure: Trial | None = None

    @property
    def nothing_recorded(self) -> bool:
        """Whether the script started no run on any side."""
        return not any(made.runs for made in self.recorded.values())

    @property
    def good(self) -> bool:
        """Whether something was recorded, all of it can be read, and the sides, if two, agree.

        Differences that have a reason are none.
        """
        return not (self.nothing_recorded or self.problems or self.different or self.failure)

    @property
    def shown(self) -> Sequence[Difference]:
        """The differences of one repeat: the first with one that has no reason, or the last."""
        found = self.differences or ()
        bad = (each for each in found if not all(one.reason for one in each))
        return next(bad, found[-1] if found else ())

    @property
    def different(self) -> list[Difference]:
        """Of those shown, the ones without a reason."""
        return [one for one in self.shown if not one.reason]

    @property
    def explained(self) -> dict[str, list[Difference]]:
        """Of those shown, the ones with a reason, by it."""
        found: dict[str, list[Difference]] = {}
        for one in self.shown:
            if one.reason:
                found.setdefault(one.reason, []).append(one)
        return found

    @property
    def compared(self) -> list[Compared]:
        """How much of what was compared, and how much of it differs."""
        return tally([*self.recorded.values()], self.shown)

    @property
    def times(self) -> str:
        """How often the script was run, in words."""
        runs = len(next(iter(self.trials.values())))
        times = "one run" if runs == 1 else f"{runs} runs"
        return f"{times} each, taken in turn" if len(self.trials) == 2 else times

    @property
    def used(self) -> list[Used]:
        """What the script called that has no effect under SynaDB, or a part of wandb's."""
        counts: dict[str, int] = {}
        for trial in self._all_trials:
            for name, count in trial.called.items():
                counts[name] = max(count, counts.get(name, 0))
        return sorted(
            (Used(name, count, *watched.explained(name)) for name, count in counts.items()),
            key=lambda used: (used.effect != "nothing", used.name),
        )

    @property
    def said(self) -> list[str]:
        """What else SynaDB said to have no effect."""
        found = dict.fromkeys(text for trial in self._all_trials for text in trial.said)
        # A call that is named already says so itself as well.
        named = [used.name for used in self.used]
        named += [f"{name.rpartition('.')[2]}:" for name in named]
        return [text for text in found if not any(name in text for name in named)]

    @property
    def refused(self) -> list[str]:
        """Names and calls that SynaDB refused."""
        return [*dict.fromkeys(text for trial in self._all_trials for text in trial.refused)]

    @property
    def _all_trials(self) -> list[Trial]:
        return [trial for trials in self.trials.values() for trial in trials]


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


def ratios(
    first: Mapping[str, float | None], second: Mapping[str, float | None]
) -> dict[str, float | None]:
    """Return the first by the second, where there are both."""
    found = {}
    for key, below in second.items():
        above = first[key]
        found[key] = above / below if above is not None and below else None
    return found


def amount(value: float | None, unit: str) -> str:
    """A figure for people, in a fitting unit."""
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


def ratio_text(value: float | None) -> str:
    """How many times as much, for people."""
    return "-" if value is None else f"{_three_digits(value)}x"


def remarks(comparison: Comparison) -> list[str]:
    """What else there is to know, a sentence each."""
    found = []
    if comparison.failure is not None:
        trial = comparison.failure
        last = (trial.stderr.splitlines() or ["nothing on standard error"])[-1]
        found.append(f"{trial.side}: the script failed (exit code {trial.exit_code}): {last}")
    for name, trials in comparison.trials.items():
        forced = {process for trial in trials for process in trial.ended_by_force}
        if forced:
            found.append(f"{name}: ended by force, long after the script: {', '.join(forced)}")
        if any(trial.leaving is None for trial in trials):
            found.append(f"{name}: the script left without its exit handlers; calls are not timed")
    return found + [f"cannot be read in full: {problem}" for problem in comparison.problems]


def document(comparison: Comparison) -> dict[str, Any]:
    """Return the whole comparison as JSON values: seconds, bytes, and counts."""
    found = {name: medians(trials) for name, trials in comparison.trials.items()}
    result: dict[str, Any] = {
        "script": list(comparison.script),
        "machine": _machine(),
        "versions": dict(comparison.versions),
        "median": found,
        "ratio": ratios(*found.values()) if len(found) == 2 else None,
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
        "failure": None if comparison.failure is None else _trial_document(comparison.failure),
        "same": None,
        "compared": None,
        "differences": None,
        "used": [used._asdict() for used in comparison.used],
        "said": comparison.said,
        "refused": comparison.refused,
    }
    if comparison.differences is not None:
        result["same"] = comparison.good
        result["compared"] = [
            {
                "what": one.name,
                **dict(zip(comparison.recorded, one.counts, strict=True)),
                "different": one.different,
                "explained": one.explained,
            }
            for one in comparison.compared
        ]
        result["differences"] = [
            [_difference_document(one) for one in each] for each in comparison.differences
        ]
    return result


def _difference_document(one: Difference) -> dict[str, Any]:
    return {
        "part": one.part,
        "path": one.path,
        "left": repr(one.left),
        "right": repr(one.right),
        "detail": one.detail,
        "reason": one.reason,
    }


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

"""Kill a logging process again and again and count what is missing.

    python -m tests.kill --rounds 1000 [--seed 7]

A round starts `tests/kill_child.py`, which acknowledges every call that has returned, ends it at a
random moment, opens the database and compares what is there with what was acknowledged.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import mmap
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synadb.errors import RunNotFoundError
from synadb.tracker import ExperimentTracker
from tests.kill_child import ACK, plan

__all__ = ["Report", "main", "torture"]

ROOT = Path(__file__).resolve().parent.parent
ROUNDS_PER_DATABASE = 20
START_TIMEOUT = 60.0


@dataclass
class Report:
    """What the rounds so far have shown."""

    rounds: int = 0
    acknowledged: int = 0
    lost: int = 0
    runs: int = 0
    problems: list[str] = field(default_factory=list)
    ways: Counter[str] = field(default_factory=Counter)

    @property
    def ok(self) -> bool:
        return not self.lost and not self.problems

    def __str__(self) -> str:
        ways = ", ".join(f"{count} {how}" for how, count in sorted(self.ways.items()))
        return (
            f"{self.rounds} rounds ({ways}), {self.runs} runs, "
            f"{self.acknowledged} acknowledged rows, {self.lost} lost, "
            f"{len(self.problems)} problems"
        )


@dataclass
class _Expected:
    """One run as acknowledged, and the one call that had not returned."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)
    started: bool = False
    ended: bool = False
    pending: tuple[str, Any] | None = None


def torture(folder: Path, rounds: int, seed: int | None = None, *, verbose: bool = False) -> Report:
    """Run that many rounds in `folder`."""
    if seed is None:
        seed = random.SystemRandom().randrange(1 << 32)
    rng = random.Random(seed)
    report = Report()
    for number in range(rounds):
        path = folder / f"kill{number // ROUNDS_PER_DATABASE}.db"
        if number % ROUNDS_PER_DATABASE == 0 and number:
            _remove(folder, f"kill{number // ROUNDS_PER_DATABASE - 1}.db", report)
        before = len(report.problems)
        _round(path, number, rng, report)
        report.problems[before:] = [
            f"seed {seed} round {number}: {text}" for text in report.problems[before:]
        ]
        if verbose:
            for text in report.problems[before:]:
                print(text, flush=True)
            if number % 50 == 49:
                print(report, flush=True)
    return report


def _remove(folder: Path, name: str, report: Report) -> None:
    if not report.ok:
        return  # what went wrong can be looked at
    for file in sorted(folder.rglob("*"), reverse=True):
        if file.relative_to(folder).parts[0].startswith(name):
            file.rmdir() if file.is_dir() else file.unlink()


def _round(path: Path, number: int, rng: random.Random, report: Report) -> None:
    how = rng.choices(["KILL", "early KILL", "TERM", "exit", "segv"], [70, 6, 8, 8, 8])[0]
    late = rng.random() < 0.12
    seconds = rng.uniform(0.4, 1.2) if late else rng.uniform(0, 0.35)
    if how == "early KILL":
        seconds = rng.uniform(0.02, 0.25)
    # A late kill is about the drains; its rows need not be many.
    pace = 0.001 if late else rng.choice([0.0, 0.0005, 0.001])
    prefix, seed = f"r{number}", rng.randrange(1 << 32)
    args = [str(path), prefix, str(seed), how, str(seconds), str(pace)]
    acknowledged = _live_and_die(path.parent, args, report)
    report.rounds += 1
    report.ways[how] += 1
    runs = _replay(prefix, seed, acknowledged)
    try:
        with ExperimentTracker(path) as tracker:
            for run_id, expected in runs.items():
                _compare(tracker, run_id, expected, report)
            check = tracker.check()
            if not check.ok:
                report.problems.append(f"check: {check.problems}")
            left = [n for n in _live_files(path) if n != "write.lock"]
            if left:
                report.problems.append(f"left in the live folder: {left}")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
        report.problems.append(f"the database cannot be read: {error!r}")
        report.lost += sum(len(expected.rows) for expected in runs.values())


def _live_files(path: Path) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return sorted(os.listdir(f"{path}-live"))
    return []


def _live_and_die(folder: Path, args: list[str], report: Report) -> int:
    """One life of the child: the number of calls it acknowledged."""
    path, prefix, seed, how, seconds, pace = args
    ack = folder / "ack"
    ack.write_bytes(bytes(ACK.size))
    script = str(ROOT / "tests" / "kill_child.py")
    command = [sys.executable, script, path, str(ack), prefix, seed, how, seconds, pace]
    errors = folder / "stderr.txt"
    with (
        errors.open("wb") as stderr,
        ack.open("r+b") as file,
        mmap.mmap(file.fileno(), ACK.size) as slot,
        subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        ) as process,
    ):
        try:
            deadline = time.monotonic() + START_TIMEOUT
            while how != "early KILL" and not slot[0] and process.poll() is None:
                if time.monotonic() > deadline:
                    report.problems.append("the child did not start")
                    break
                time.sleep(0.001)
            if how in ("exit", "segv"):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(START_TIMEOUT)
            else:
                time.sleep(float(seconds))
                by_itself = process.poll()
                if by_itself is not None:
                    report.problems.append(f"the child ended by itself: {by_itself}")
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM if how == "TERM" else signal.SIGKILL)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(START_TIMEOUT)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
        wanted = {
            "KILL": -signal.SIGKILL,
            "early KILL": -signal.SIGKILL,
            "TERM": -signal.SIGTERM,
            "exit": 3,
            "segv": -signal.SIGSEGV,
        }[how]
        acknowledged = int(ACK.unpack(slot[:])[1])
    if code != wanted:
        report.problems.append(f"the child ended with {code}, not {wanted}")
    said = errors.read_text(errors="replace")
    if "Traceback" in said or "synadb: " in said:
        report.problems.append(f"the child said: {said[-2000:]}")
    return acknowledged


def _replay(prefix: str, seed: int, acknowledged: int) -> dict[str, _Expected]:
    runs: dict[str, _Expected] = {}
    calls = itertools.islice(plan(prefix, seed), acknowledged + 1)
    for number, (what, run_id, value) in enumerate(calls):
        run = runs.setdefault(run_id, _Expected())
        if number == acknowledged:
            run.pending = (what, value)
        elif what == "start":
            run.started = True
        elif what == "log":
            run.rows.append(value)
        elif what == "param":
            run.params[value[0]] = value[1]
        elif what == "end":
            run.ended = True
    return runs


def _compare(tracker: ExperimentTracker, run_id: str, expected: _Expected, report: Report) -> None:
    report.runs += 1
    report.acknowledged += len(expected.rows)
    what: str
    value: Any
    what, value = expected.pending or ("", None)
    try:
        record = tracker.get_run(run_id)
    except RunNotFoundError:
        if expected.started:
            report.lost += len(expected.rows)
            report.problems.append(f"{run_id} is not there")
        return
    allowed = {"finished"} if expected.ended else {"crashed"}
    if what == "end":
        allowed = {"finished", "crashed"}
    if record.state not in allowed:
        report.problems.append(f"{run_id} is {record.state} (during {what or 'nothing'!r})")
    config = dict(record.config)
    if (
        what == "param"
        and value is not None
        and value[0] not in expected.params
        and config.get(value[0]) == value[1]
    ):
        del config[value[0]]
    if _exact(config) != _exact(expected.params):
        report.problems.append(f"{run_id}: config {config} instead of {expected.params}")
    _compare_rows(list(tracker.rows(run_id)), run_id, expected, report)


def _compare_rows(
    rows: list[dict[str, Any]], run_id: str, expected: _Expected, report: Report
) -> None:
    what: str
    value: Any
    what, value = expected.pending or ("", None)
    steps = [row["_step"] for row in rows]
    if steps != list(range(len(rows))):
        report.problems.append(f"{run_id}: the steps are not 0..{len(rows) - 1}")
    found = [{k: v for k, v in row.items() if not k.startswith("_")} for row in rows]
    count = Counter(row.get("i", -1) for row in found)
    by_number = {row.get("i", -1): row for row in found}
    for wanted in expected.rows:
        row = by_number.get(wanted["i"])
        if row is None or count[wanted["i"]] != 1 or _exact(row) != _exact(wanted):
            if report.lost < 10:
                report.problems.append(
                    f"{run_id}: {wanted} is there {count[wanted['i']]} times, as {row}"
                )
            report.lost += 1
    more = [row for row in found if row.get("i", -1) >= len(expected.rows) or "i" not in row]
    if not more:
        return
    # The call that had not returned may have stored its row, or the numbers of it.
    if (
        value is None
        or what != "log"
        or len(more) > 1
        or not _exact_items(more[0]) <= _exact_items(value)
    ):
        report.problems.append(f"{run_id}: more than was logged: {more[:3]} (during {what!r})")


def _exact(value: Any) -> Any:
    """Equal only for equal values of equal types, in any order of keys."""
    if isinstance(value, dict):
        return {key: _exact(below) for key, below in value.items()}
    return repr(value)


def _exact_items(row: dict[str, Any]) -> set[tuple[str, str]]:
    return {(key, repr(_exact(value))) for key, value in row.items()}


def main(argv: list[str] | None = None) -> int:
    """The command line: 0 when nothing was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args(argv)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    seed = options.seed
    if seed is None:
        seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="synadb-kill-") as folder:
        report = torture(Path(folder), options.rounds, seed, verbose=True)
    print(f"{report}; {time.monotonic() - began:.0f} s")
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())

"""Runs a script once under one of the two sides and collects what it cost.

A side is wandb or SynaDB: the same interpreter, the same script, the same environment except for
what `import wandb` finds. All that either writes goes to a folder of the trial's own.
"""

from __future__ import annotations

import ast
import compileall
import json
import os
import subprocess
import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synadb.bench import watched
from synadb.wandb_compat._install import overlay_dir, overlay_environment

__all__ = [
    "SYNADB",
    "WANDB",
    "CompareError",
    "Side",
    "TimeUpError",
    "Trial",
    "find_version",
    "run_trial",
]

_HERE = Path(__file__).parent
_GRACE = 60  # seconds that helper processes may outlive the script
_TAIL = 20  # lines of standard error shown of a script that failed
_LONG_TAIL = 60  # of one that did not end, with the stacks of its threads
_MEASURING = 60  # seconds that measuring may take beyond what it measures
_STILL = 60  # seconds between two words that a script still runs


class CompareError(Exception):
    """There is nothing to compare, or no way to; the message says why."""


class TimeUpError(CompareError):
    """A script has taken longer than it may; the message says on which side, and how far it got."""


@dataclass(frozen=True)
class Side:
    """One of the two."""

    name: str
    is_synadb: bool

    def environment(self, environ: Mapping[str, str], data: Path) -> dict[str, str]:
        """Return the environment for a script under this side that writes into `data`."""
        child = overlay_environment(environ) if self.is_synadb else _without_overlay(environ)
        child["SYNADB_LATE_STEPS"] = "drop"  # what wandb does; ours would keep the row
        child["SYNADB_PATH"] = str(data / "experiments.db")
        child["WANDB_MODE"] = "offline"
        child["WANDB_DIR"] = str(data)
        # What wandb keeps in the home folder, staged artifacts among it, is left on disk as well.
        child["WANDB_CACHE_DIR"] = str(data / "cache")
        child["WANDB_DATA_DIR"] = str(data / "data")
        # The order of a set of strings is no difference between the two.
        child.setdefault("PYTHONHASHSEED", "0")
        return child


WANDB = Side("wandb", is_synadb=False)
SYNADB = Side("SynaDB", is_synadb=True)


@dataclass
class Trial:
    """What one run of the script cost, and where it left what it recorded.

    Times are in seconds, sizes in bytes.

    Attributes:
        side: "wandb" or "SynaDB".
        exit_code: The script's; negative for a signal.
        stderr: The last lines of its standard error.
        importing: The first `import wandb`; None if there was none, or if the script ended
            without its exit handlers (`os._exit`, a signal), which write down what was timed.
        inits: Each `wandb.init`.
        logs: Each call of `log`.
        finishes: Each `finish`, whoever called it: the script, a with-block, the interpreter's end.
        leaving: From the end of the script to the end of its process.
        wall: The whole process, from its start by the operating system to its end.
        wall_of_all: The same, until the last process it left behind had ended too.
        cpu: Of all processes together.
        peak_memory: Of all processes together: see `supervise.Result`.
        processes: The most that ran at once.
        files: Number of files left on disk.
        bytes: The sum of their sizes.
        folders: Where the recorded data lies.
        called: How often the script called functions that have no effect under SynaDB, or only a
            part of wandb's, by the name that scripts use; see `watched`.
        said: What SynaDB said, of its own accord, to have no effect.
        refused: Names and calls that SynaDB refused.
        threads: How many threads of the script's first process called `log`.
        others: Whether that process started others, which may have logged as well.
        scaled: Whether numbers other than bytes became a picture in it, under SynaDB.
    """

    side: str
    exit_code: int = 0
    stderr: str = ""
    importing: float | None = None
    inits: list[float] = field(default_factory=list)
    logs: list[float] = field(default_factory=list)
    finishes: list[float] = field(default_factory=list)
    leaving: float | None = None
    wall: float = 0.0
    wall_of_all: float = 0.0
    cpu: float = 0.0
    peak_memory: int = 0
    processes: int = 0
    files: int = 0
    bytes: int = 0
    folders: list[Path] = field(default_factory=list)
    ended_by_force: list[str] = field(default_factory=list)
    called: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    threads: int = 0
    others: bool = False
    scaled: bool = False

    @property
    def failed(self) -> bool:
        """Whether the script ended with anything but 0."""
        return self.exit_code != 0


def find_version(side: Side, folder: Path, timeout: float | None = None) -> str | None:
    """Return the version of wandb or SynaDB that a script under `side` gets; None if none.

    It also warms up: before the first trial, byte code is compiled and files are in the cache. pip
    compiles what it installs; a checkout that runs in place gets the same here, or each trial
    would measure the compiler where byte code is not written (PYTHONDONTWRITEBYTECODE).

    Args:
        side: Which of the two.
        folder: An empty folder to do it in.
        timeout: Seconds that the import may take.

    Raises:
        CompareError: it is there and cannot be imported.
        TimeUpError: the import does not come to its end.
    """
    if side.is_synadb:
        compileall.compile_dir(_HERE.parent, quiet=2)
    # A ./wandb folder of run files imports as an empty package: only the real one has a version.
    program = "import wandb; wandb.init; print(wandb.__version__)"
    if side.is_synadb:  # as wandb's version the drop-in tells the one that it follows
        program = "import wandb, synadb; wandb.init; print(synadb.__version__)"
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=side.environment(os.environ, folder),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeUpError(
            f"{side.name}: `import wandb` has not ended within {timeout:g} s"
        ) from error
    if done.returncode == 0:
        return done.stdout.strip()
    if not side.is_synadb and (
        "No module named 'wandb'" in done.stderr or "module 'wandb' has no attribute" in done.stderr
    ):
        return None
    raise CompareError(f"{side.name} cannot be imported:\n{_tail(done.stderr)}")


def run_trial(
    side: Side,
    script: Sequence[str],
    folder: Path,
    *,
    timeout: float | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Trial:
    """Run `script`, a path and its arguments, under `side`, in the current folder.

    Args:
        side: Which of the two.
        script: The script and its arguments.
        folder: An empty folder for all that is written: by wandb or SynaDB, to `folder / "data"`.
        timeout: Seconds that the script may take, and what it leaves behind may take after it.
        tell: Called with a line of text every minute while it runs.

    Raises:
        CompareError: the process that measures failed itself.
        TimeUpError: the script was still running when its time was up.
    """
    data, out, stderr = folder / "data", folder / "timings", folder / "stderr"
    data.mkdir()
    environment = side.environment(os.environ, data)
    if timeout is not None:  # where it is when its time is up
        environment.setdefault("PYTHONFAULTHANDLER", "1")
    spec = {
        "command": [sys.executable, str(_HERE / "child.py"), str(out), *script],
        "env": environment,
        "stdout": str(folder / "stdout"),
        "stderr": str(stderr),
        "grace": _GRACE if timeout is None else min(_GRACE, timeout),
        "timeout": timeout,
    }
    if side.is_synadb:
        Path(f"{out}.watch").write_text(watched.lines(), encoding="utf-8")
    measured = _supervise(spec, side, tell)
    if measured["timed_out"]:
        raise _time_up(side, spec, measured["ended_by_force"])
    started, ended = measured["started"], measured["ended"]
    trial = Trial(
        side.name,
        exit_code=measured["exit_code"],
        stderr=_tail(stderr.read_text(encoding="utf-8", errors="replace")),
        wall=(ended - started) / 1e9,
        wall_of_all=(measured["all_ended"] - started) / 1e9,
        cpu=measured["cpu"],
        peak_memory=measured["peak_memory"],
        processes=measured["most_processes"],
        ended_by_force=measured["ended_by_force"],
        folders=[data],
    )
    _add_timings(trial, out, ended)
    for place in trial.folders:
        _add_left_files(trial, place)
    return trial


def _supervise(spec: dict[str, Any], side: Side, tell: Callable[[str], None]) -> dict[str, Any]:
    command = [sys.executable, str(_HERE / "supervise.py")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            out, err = _patiently(process, spec, side, tell)
        except KeyboardInterrupt:
            # It got the interrupt as well and ends what it started: not to be killed before.
            process.wait(timeout=10)
            raise
    if process.returncode != 0:
        raise CompareError(f"measuring failed:\n{_tail(err.decode('utf-8', 'replace'))}")
    result: dict[str, Any] = json.loads(out)
    return result


def _patiently(
    process: subprocess.Popen[bytes], spec: dict[str, Any], side: Side, tell: Callable[[str], None]
) -> tuple[bytes, bytes]:
    """Wait for the process that measures, which looks at the time itself; say that it goes on."""
    question: bytes | None = json.dumps(spec).encode()
    passed = 0
    while True:
        try:
            return process.communicate(question, timeout=_STILL)
        except subprocess.TimeoutExpired as error:
            question = None  # it has been sent
            passed += _STILL
            if spec["timeout"] is not None and passed > spec["timeout"] + _GRACE + _MEASURING:
                process.kill()
                raise _time_up(side, spec, []) from error
            tell(f"still running under {side.name} after {passed} s")


def _time_up(side: Side, spec: dict[str, Any], ended: Sequence[str]) -> TimeUpError:
    names = ", ".join(ended) or "a process that cannot be ended"
    text = f"{side.name}: the script has not ended within {spec['timeout']:g} s; ended by force: "
    text += names
    for stream in ("stdout", "stderr"):
        written = Path(spec[stream]).read_text(encoding="utf-8", errors="replace")
        last = _tail(written, _LONG_TAIL) or "(nothing)"
        text += f"\n--- last lines of {stream} under {side.name}:\n{last}"
    return TimeUpError(text)


def _add_timings(trial: Trial, out: Path, ended: int) -> None:
    if not out.exists():
        return
    timings = ast.literal_eval(out.read_text(encoding="utf-8"))
    logs = array("q")
    logs.frombytes(Path(f"{out}.log").read_bytes())
    trial.importing = None if timings["import"] is None else timings["import"] / 1e9
    trial.inits = [ns / 1e9 for ns in timings["inits"]]
    trial.logs = [ns / 1e9 for ns in logs]
    trial.finishes = [ns / 1e9 for ns in timings["finishes"]]
    trial.leaving = (ended - timings["ended"]) / 1e9
    trial.called, trial.said = timings["called"], timings["said"]
    trial.refused = timings["refused"]
    trial.threads, trial.others = timings["threads"], timings["others"]
    trial.scaled = timings["scaled"]
    # Runs of a script that says itself where to, with `dir=`.
    inside = [place for place in trial.folders if place.exists()]
    for name in dict.fromkeys(timings["folders"]):
        place = Path(name)
        if place.exists() and not any(place.is_relative_to(known) for known in inside):
            trial.folders.append(place)


def _add_left_files(trial: Trial, place: Path) -> None:
    """Count regular files; a link has nothing of its own."""
    for folder, _, names in os.walk(place):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                trial.files += 1
                trial.bytes += os.path.getsize(path)


def _without_overlay(environ: Mapping[str, str]) -> dict[str, str]:
    """Take out what `synadb run` would have put in, should it be what started this."""
    overlay = str(overlay_dir())
    child = dict(environ)
    for name in ("PYTHONPATH", "PATH"):
        entries = child.get(name, "").split(os.pathsep)
        kept = [entry for entry in entries if entry and not entry.startswith(overlay)]
        if kept:
            child[name] = os.pathsep.join(kept)
        else:
            child.pop(name, None)
    return child


def _tail(text: str, lines: int = _TAIL) -> str:
    return "\n".join(text.rstrip().splitlines()[-lines:])

"""The same script under real wandb and under SynaDB, in turn, in fresh processes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from synadb.bench.diff import Difference, diff
from synadb.bench.recorded import Recorded, read_synadb, read_wandb
from synadb.bench.report import Comparison
from synadb.bench.trial import SYNADB, WANDB, CompareError, Side, Trial, find_version, run_trial

__all__ = ["ScriptFailedError", "compare", "read_back"]


class ScriptFailedError(CompareError):
    """The script ended with an error; `trials` has those that did, at most one a side."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self.trials = trials
        names = " and ".join(f"{trial.side} (exit code {trial.exit_code})" for trial in trials)
        super().__init__(f"the script failed under {names}")


def compare(
    script: Sequence[str],
    repeat: int = 3,
    keep: Path | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Comparison:
    """Run `script` `repeat` times on each side, and compare what each pair of runs recorded.

    Where wandb is not installed, SynaDB runs alone.

    Args:
        script: The script's path and its arguments.
        repeat: How often, at least once.
        keep: A folder to leave the last pair's recordings in, a folder each. Otherwise nothing
            is left.
        tell: Called with a line of text as things go on.

    Raises:
        ScriptFailedError: the script ended with another exit code than 0.
        CompareError: wandb or SynaDB cannot be imported, or measuring failed.
        OSError: a recording cannot be read.
        SynaDBError: a recording is not what it should be.
    """
    with tempfile.TemporaryDirectory(prefix="synadb-compare-") as folder:
        return _compare(script, repeat, keep, tell, Path(folder))


def _compare(
    script: Sequence[str],
    repeat: int,
    keep: Path | None,
    tell: Callable[[str], None],
    folder: Path,
) -> Comparison:
    versions = _versions(folder)
    sides = [side for side in (WANDB, SYNADB) if side.name in versions]
    if WANDB.name not in versions:
        tell("wandb is not installed here (pip install '.[compare]'): running SynaDB alone")
    trials: dict[str, list[Trial]] = {side.name: [] for side in sides}
    first: dict[str, Recorded] = {}
    recorded: dict[str, Recorded] = {}
    differences: list[list[Difference]] = []
    problems: dict[str, None] = {}  # in order, each once
    for number in range(1, repeat + 1):
        for side in sides:
            place = folder / f"{side.name}-{number}"
            place.mkdir()
            trial = run_trial(side, script, place)
            trials[side.name].append(trial)
            tell(f"run {number} of {repeat} under {side.name}: {trial.wall:.2f} s")
        pair = [trials[side.name][-1] for side in sides]
        failed = [trial for trial in pair if trial.failed]
        if failed:
            raise ScriptFailedError(failed)
        recorded = {
            side.name: read_back(side, trial) for side, trial in zip(sides, pair, strict=True)
        }
        for name, made in recorded.items():
            problems.update(dict.fromkeys(f"{name}: {problem}" for problem in made.problems))
        first = first or recorded
        if len(sides) == 2:
            differences.append(diff(*recorded.values()))
        for side in sides:
            place = folder / f"{side.name}-{number}"
            if keep is not None and number == repeat:
                shutil.copytree(place / "data", keep / side.name.lower(), dirs_exist_ok=True)
            # One pair at a time on disk: recordings can be large.
            shutil.rmtree(place)
    if len(sides) == 1:
        return Comparison(script, versions, trials, recorded, None, problems=list(problems))
    # A script that draws unseeded random numbers or logs a clock: worth saying, not worth hiding.
    unsteady = diff(first[WANDB.name], recorded[WANDB.name]) if any(differences) else []
    return Comparison(script, versions, trials, recorded, differences, unsteady, list(problems))


def _versions(folder: Path) -> dict[str, str]:
    versions = {}
    for side in (WANDB, SYNADB):
        place = folder / f"{side.name}-version"
        place.mkdir()
        version = find_version(side, place)
        if version is not None:
            versions[side.name] = version
    return versions


def read_back(side: Side, trial: Trial) -> Recorded:
    """Read what `trial` of `side` recorded.

    Raises:
        OSError: it cannot be read.
        SynaDBError: it is not what it should be.
    """
    if side.is_synadb:
        return read_synadb(trial.folders[0] / "experiments.db")
    return read_wandb(trial.folders)

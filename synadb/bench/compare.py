"""The same script under real wandb and under SynaDB, in turn, in fresh processes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from synadb.bench.beside import add_synadb, add_wandb
from synadb.bench.diff import counterparts, diff
from synadb.bench.difference import Difference
from synadb.bench.reasons import AT_ONCE, CAST, LOST, VARIES
from synadb.bench.recorded import (
    Recorded,
    RecordedRun,
    is_made_up_id,
    read_synadb,
    read_wandb,
)
from synadb.bench.report import Comparison
from synadb.bench.trial import SYNADB, WANDB, CompareError, Side, Trial, find_version, run_trial

__all__ = ["ScriptFailedError", "compare", "read_back"]


class ScriptFailedError(CompareError):
    """The script ended with an error under SynaDB; `trials` has those that did, one a side."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self.trials = trials
        names = " and ".join(f"{trial.side} (exit code {trial.exit_code})" for trial in trials)
        super().__init__(f"the script failed under {names}")


def compare(
    script: Sequence[str],
    repeat: int = 3,
    keep: Path | None = None,
    tell: Callable[[str], None] = lambda text: None,
    timeout: float | None = None,
) -> Comparison:
    """Run `script` `repeat` times on each side, and compare what each pair of runs recorded.

    Where wandb is not installed, SynaDB runs alone. So it does when the script fails under wandb,
    as one does that needs its service.

    Args:
        script: The script's path and its arguments.
        repeat: How often, at least once.
        keep: A folder to leave the last pair's recordings in, a folder each. Otherwise nothing
            is left.
        tell: Called with a line of text as things go on.
        timeout: Seconds that the script may take each time; None for as long as it likes.

    Raises:
        ScriptFailedError: the script ended with another exit code than 0 under SynaDB, or, after it
            had ended well once, under wandb.
        TimeUpError: it took longer than it may.
        CompareError: wandb or SynaDB cannot be imported, measuring failed, or `keep` has
            recordings already.
        OSError: a recording cannot be read.
        SynaDBError: a recording is not what it should be.
    """
    for side in (WANDB, SYNADB):
        if keep is not None and _is_filled(keep / side.name.lower()):
            raise CompareError(f"{keep / side.name.lower()} is not empty: name another folder")
    with tempfile.TemporaryDirectory(prefix="synadb-compare-") as folder:
        return _compare(script, repeat, keep, tell, timeout, Path(folder))


def _compare(
    script: Sequence[str],
    repeat: int,
    keep: Path | None,
    tell: Callable[[str], None],
    timeout: float | None,
    folder: Path,
) -> Comparison:
    versions = _versions(folder, timeout)
    sides = [side for side in (WANDB, SYNADB) if side.name in versions]
    if WANDB.name not in versions:
        tell("wandb is not installed here (pip install '.[compare]'): running SynaDB alone")
    trials: dict[str, list[Trial]] = {side.name: [] for side in sides}
    first: dict[str, Recorded] = {}
    recorded: dict[str, Recorded] = {}
    differences: list[list[Difference]] = []
    problems: dict[str, None] = {}  # in order, each once
    failure: Trial | None = None
    for number in range(1, repeat + 1):
        # SynaDB first, then in turn: whoever is first finds less of the script's own in the cache.
        for side in reversed(sides) if number % 2 else sides:
            place = folder / f"{side.name}-{number}"
            place.mkdir()
            trial = run_trial(side, script, place, timeout=timeout, tell=tell)
            trials[side.name].append(trial)
            tell(f"run {number} of {repeat} under {side.name}: {trial.wall:.2f} s")
        pair = [trials[side.name][-1] for side in sides]
        failed = [trial for trial in pair if trial.failed]
        if number == 1 and [trial.side for trial in failed] == [WANDB.name]:
            [failure] = failed
            tell("the script failed under wandb: running SynaDB alone")
            sides, pair = [SYNADB], pair[1:]
            del trials[WANDB.name], versions[WANDB.name]
            shutil.rmtree(folder / f"{WANDB.name}-1")
        elif failed:
            raise ScriptFailedError(failed)
        recorded = {
            side.name: read_back(side, trial) for side, trial in zip(sides, pair, strict=True)
        }
        for name, made in recorded.items():
            problems.update(dict.fromkeys(f"{name}: {problem}" for problem in made.problems))
        first = first or recorded
        if len(sides) == 2:
            differences.append(_proven(diff(*recorded.values()), pair[-1]))
        for side in sides:
            place = folder / f"{side.name}-{number}"
            if keep is not None and number == repeat:
                target = keep / side.name.lower()
                # Links of wandb's lead to what is removed here. `latest-run` is one to a folder.
                shutil.copytree(
                    place / "data",
                    target,
                    ignore=shutil.ignore_patterns("latest-run"),
                    ignore_dangling_symlinks=True,
                    dirs_exist_ok=True,
                )
            # One pair at a time on disk: recordings can be large.
            shutil.rmtree(place)
    if len(sides) == 1:
        return Comparison(
            script, versions, trials, recorded, None, problems=list(problems), failure=failure
        )
    # A script that draws unseeded random numbers or logs a clock: worth saying, not worth hiding.
    unsteady = diff(first[WANDB.name], recorded[WANDB.name]) if any(differences) else []
    differences = [_without_varying(found, unsteady) for found in differences]
    differences[-1] += _chosen_ids(first[WANDB.name], *recorded.values()) if repeat > 1 else ()
    return Comparison(script, versions, trials, recorded, differences, unsteady, list(problems))


def _is_filled(folder: Path) -> bool:
    return folder.exists() and any(folder.iterdir())


def _proven(differences: list[Difference], trial: Trial) -> list[Difference]:
    """Without the reasons that SynaDB's `trial` rules out."""
    ruled_out = set()
    if not trial.others:  # nothing is known of those
        if trial.threads <= 1:
            ruled_out |= {AT_ONCE, LOST}
        if not trial.scaled:
            ruled_out.add(CAST)
    return [replace(one, reason="") if one.reason in ruled_out else one for one in differences]


def _without_varying(
    differences: list[Difference], unsteady: Sequence[Difference]
) -> list[Difference]:
    """With a reason for printed lines that vary by themselves, as those with a time in them do."""
    varying = {found.path: found for found in unsteady if found.part == "console"}
    return [
        replace(found, reason=VARIES)
        if not found.reason and _varies_alike(found, varying.get(found.path))
        else found
        for found in differences
    ]


def _varies_alike(found: Difference, varying: Difference | None) -> bool:
    """Whether a printed line differs in words that `varying` has in each run, and in no other."""
    if varying is None:
        return False
    lines = (varying.left, varying.right, found.left, found.right)
    words = [line.split() if isinstance(line, str) else [] for line in lines]
    return len({len(line) for line in words}) == 1 and all(
        first != last or theirs == ours for first, last, theirs, ours in zip(*words, strict=True)
    )


def _chosen_ids(first: Recorded, last: Recorded, ours: Recorded) -> list[Difference]:
    """Where an id is another that looks made up, but is the same in each run under wandb."""
    chosen = {run.run_id for run in first.runs} & {run.run_id for run in last.runs}
    return [
        Difference(f"runs[{number}].run_id", run.run_id, other.run_id, "run_id")
        for number, (run, other) in enumerate(counterparts(last.runs, ours.runs))
        if isinstance(run, RecordedRun) and isinstance(other, RecordedRun)
        if run.run_id in chosen and run.run_id != other.run_id and is_made_up_id(other.run_id)
    ]


def _versions(folder: Path, timeout: float | None) -> dict[str, str]:
    versions = {}
    for side in (WANDB, SYNADB):
        place = folder / f"{side.name}-version"
        place.mkdir()
        version = find_version(side, place, timeout)
        if version is not None:
            versions[side.name] = version
    return versions


def read_back(side: Side, trial: Trial) -> Recorded:
    """Read what `trial` of `side` recorded, with all that is beside its rows.

    Raises:
        OSError: it cannot be read.
        SynaDBError: it is not what it should be.
    """
    if side.is_synadb:
        path = trial.folders[0] / "experiments.db"
        recorded = read_synadb(path)
        add_synadb(recorded, path)
        return recorded
    recorded = read_wandb(trial.folders)
    add_wandb(recorded, trial.folders)
    return recorded

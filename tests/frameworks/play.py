"""Plays training scripts under real wandb, offline, and under ours, and compares what they leave.

    python -m tests.frameworks.play              every script; prints a table
    python -m tests.frameworks.play sklearn_tree the named ones
    python -m tests.frameworks.play --document   every script; writes docs/integrations.md too

A script in `tests/frameworks/scripts` is a program as users write it. It trains something small
that it makes on the spot, and takes nothing from here. Constants say what it is:

    LIBRARIES = ["keras", "a|b"]    distributions it needs, one of several; the first is its subject
    VARIES = ["*_runtime"]          keys of rows, summary and config compared by name only: clocks
    FILES_VARY = ["*.keras"]        files in artifacts that no two runs write alike: by name only
    DIFFERS = {"runs[0].x": "why"}  where ours is another on purpose; it fails where it is equal

Histories are compared row by row, summaries, configs and artifacts (type, metadata, aliases, and
the digest of each file) key by key.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.metadata
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from synadb.bench.diff import diff
from synadb.bench.recorded import Recorded, read_synadb, read_wandb
from synadb.bench.trial import SYNADB, WANDB, Side
from tests.frameworks import document, logged

SCRIPTS = Path(__file__).with_name("scripts")
_TAIL = 3000  # characters shown of what a script that failed has written


@dataclass(frozen=True)
class Script:
    """A script, and what its constants say."""

    path: Path
    libraries: list[str] = field(default_factory=list)
    varies: list[str] = field(default_factory=list)
    files_vary: list[str] = field(default_factory=list)
    differs: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.path.stem

    def missing(self) -> list[str]:
        """Which of its libraries are not installed; real wandb is one of them."""
        return [name for name in ("wandb", *self.libraries) if version_of(name) is None]


@dataclass
class Outcome:
    """What a comparison has found."""

    script: Script
    rows: int = 0
    values: int = 0
    artifacts: int = 0
    problems: list[str] = field(default_factory=list)


class ScriptFailed(Exception):
    """A script ended with an error on one of the sides."""


def version_of(distribution: str) -> str | None:
    """The installed version, of the first that is there of "a|b"; None where there is none."""
    for name in distribution.split("|"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(name)
    return None


def scripts() -> list[Script]:
    """All scripts, by name."""
    return [read(path) for path in sorted(SCRIPTS.glob("*.py")) if not path.stem.startswith("_")]


def read(path: Path) -> Script:
    """A script with its constants, without running it."""
    found: dict[str, Any] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name in ("LIBRARIES", "VARIES", "FILES_VARY", "DIFFERS"):
                found[name.lower()] = ast.literal_eval(node.value)
    return Script(path, **found)


def compare(script: Script, folder: Path, timeout: float = 300) -> Outcome:
    """Play a script on both sides below an empty folder, and compare.

    Raises ScriptFailed where it ends with an error.
    """
    sides = [WANDB, SYNADB]
    for side in sides:
        _play(side, script, folder / side.name, timeout)
    real = read_wandb([folder / WANDB.name])
    database = folder / SYNADB.name / "experiments.db"
    ours = read_synadb(database)
    outcome = Outcome(script, real.rows, real.values)
    outcome.problems += real.problems
    if not real.rows:
        outcome.problems.append("the script logged nothing")
    differences = {one.path: str(one) for one in diff(_stable(script, real), _stable(script, ours))}
    theirs = _stable_files(script, logged.of_wandb(folder / WANDB.name, _ids(real)))
    own = _stable_files(script, logged.of_synadb(database, _ids(ours)))
    outcome.artifacts = len(theirs)
    differences.update(_artifact_differences(theirs, own))
    outcome.problems += [
        text for path, text in differences.items() if not _matches(path, script.differs)
    ]
    outcome.problems += [
        f"{path}: no longer different"
        for path in script.differs
        if not any(fnmatchcase(found, path) for found in differences)
    ]
    return outcome


def _play(side: Side, script: Script, folder: Path, timeout: float) -> None:
    folder.mkdir(parents=True)
    environment = side.environment(os.environ, folder)
    environment["WANDB_SILENT"] = "true"
    output = folder / "output.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, str(script.path)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = -signal.SIGKILL
    if code:
        text = output.read_text(encoding="utf-8", errors="replace")[-_TAIL:]
        raise ScriptFailed(f"{script.name} ended with {code} under {side.name}:\n{text}")


# -- what is compared ------------------------------------------------------------------------------


def _ids(recorded: Recorded) -> list[str]:
    return [run.run_id for run in recorded.runs]


def _stable(script: Script, recorded: Recorded) -> Recorded:
    for run in recorded.runs:
        run.config = _named_only(run.config, script.varies)
        run.summary = _named_only(run.summary, script.varies)
        run.history = [_named_only(row, script.varies) for row in run.history]
    return recorded


def _named_only(tree: dict[str, Any], patterns: Sequence[str]) -> dict[str, Any]:
    """The tree with "(varies)" in place of the values of some keys, at any depth."""
    return {
        key: "(varies)"
        if _matches(key, patterns)
        else _named_only(value, patterns)
        if isinstance(value, dict)
        else value
        for key, value in tree.items()
    }


def _stable_files(script: Script, artifacts: logged.Artifacts) -> logged.Artifacts:
    for artifact in artifacts.values():
        artifact["metadata"] = _named_only(artifact["metadata"], script.varies)
        artifact["files"] = {
            path: "(varies)" if _matches(path, script.files_vary) else content
            for path, content in artifact["files"].items()
        }
    return artifacts


def _matches(name: str, patterns: Sequence[str] | dict[str, str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _artifact_differences(
    real: logged.Artifacts, ours: logged.Artifacts
) -> Iterator[tuple[str, str]]:
    for name in sorted(real.keys() | ours.keys()):
        path = f"artifacts.{name}"
        if name not in real or name not in ours:
            there = "wandb" if name in real else "ours"
            yield path, f"{path}: only {there} has it"
            continue
        for key, value in real[name].items():
            other = ours[name][key]
            if key in ("files", "metadata"):
                for inner in sorted(value.keys() | other.keys()):
                    pair = value.get(inner, "(missing)"), other.get(inner, "(missing)")
                    if pair[0] != pair[1]:
                        yield f"{path}.{inner}", f"{path}.{inner}: {pair[0]} / {pair[1]}"
            elif value != other:
                yield f"{path}.{key}", f"{path}.{key}: {value} / {other}"


# -- the table -------------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> int:
    """Compare the scripts of these names, or all; print a table; 1 where there is a difference.

    With --document among them the table goes to docs/integrations.md too, where rows of scripts
    that cannot be played here stay as they are.
    """
    names = [one for one in arguments if one != "--document"]
    chosen = [script for script in scripts() if not names or script.name in names]
    print(document.HEAD)
    rows: dict[str, str] = {}
    failed = False
    for script in chosen:
        missing = script.missing()
        subject = script.libraries[0]
        about = f"{subject.partition('|')[0]} {version_of(subject) or '-'}"
        if missing:
            print(f"| {script.name} | {about} | | | | skipped: no {', '.join(missing)} |")
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                outcome = compare(script, Path(folder))
            except ScriptFailed as error:
                outcome = Outcome(script, problems=[str(error)])
        failed |= bool(outcome.problems)
        verdict = "**not the same**" if outcome.problems else "none"
        if script.differs and not outcome.problems:
            verdict = "none but those below"
        counts = f"{outcome.rows} | {outcome.values} | {outcome.artifacts}"
        rows[script.name] = f"| {script.name} | {about} | {counts} | {verdict} |"
        print(rows[script.name], flush=True)
        for text in outcome.problems:
            print(f"    {text}", file=sys.stderr)
    if "--document" in arguments:
        document.write(scripts(), rows)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

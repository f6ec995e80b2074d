"""Scripts under real wandb and under ours: what they see and what they leave must be equal.

The scripts are the functions of `tests.parity.scripts`. Those of a module play one after the other
in one process a side; those marked `alone` have a process each. Where ours is other than wandb's on
purpose the script says so and says why, and one that is no longer other fails as well.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from synadb.bench.diff import diff, same_value
from synadb.bench.recorded import Recorded, read_synadb, read_wandb
from synadb.bench.trial import SYNADB, WANDB, Side
from tests.conftest import ROOT
from tests.parity.play import GONE
from tests.parity.scripts.lines import LINES

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("wandb", "absl", "omegaconf")),
    reason="real wandb, absl or omegaconf is not installed",
)


def _names() -> tuple[list[str], list[str]]:
    """The scripts that run together, and those that need a process of their own."""
    together = [f"lines.{name}" for name in LINES]
    alone: list[str] = []
    for path in sorted(Path(__file__).with_name("scripts").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                marks = {mark.id for mark in node.decorator_list if isinstance(mark, ast.Name)}
                (alone if "alone" in marks else together).append(f"{path.stem}.{node.name}")
    return together, alone


TOGETHER, ALONE = _names()


@dataclass
class Played:
    """What one side has to show for a script."""

    seen: dict[str, Any]
    recorded: Recorded
    known: dict[str, Any]


class Process:
    """One side, working through scripts."""

    def __init__(self, side: Side, folder: Path, arguments: list[str]) -> None:
        folder.mkdir(parents=True)
        self.side, self.folder = side, folder
        child = side.environment(os.environ, folder)
        child["PYTHONPATH"] = os.pathsep.join(filter(None, [child.get("PYTHONPATH"), str(ROOT)]))
        self._out = (folder / "out").open("wb")
        self._err = (folder / "err").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.parity.play", str(folder), *arguments],
            cwd=folder,
            env=child,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            start_new_session=True,
        )

    def wait(self, seconds: float) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            pytest.fail(f"{self.side.name} is still at it after {seconds} s\n{self.text('err')}")
        finally:
            self._out.close()
            self._err.close()

    def text(self, stream: str) -> str:
        return (self.folder / stream).read_text(encoding="utf-8", errors="replace")

    def played(self, name: str) -> Played:
        place = self.folder / name
        lines = []
        if (place / "seen.jsonl").exists():
            lines = (place / "seen.jsonl").read_text(encoding="utf-8").splitlines()
        told = json.loads((place / "told.json").read_text(encoding="utf-8"))
        recorded = self._recorded(place)
        if told["any_order"]:
            for run in recorded.runs:
                run.history = _columns(run.history)
        if told["any_step"]:
            for run in recorded.runs:
                run.summary.pop("_step", None)
                run.history[0].pop("_step", None)
        return Played(dict(map(json.loads, lines)), recorded, told["known"])

    def _recorded(self, place: Path) -> Recorded:
        if self.side.is_synadb:
            own = place / "experiments.db"
            return read_synadb(own if own.exists() else self.folder / "experiments.db")
        folders = [self.folder]
        if (place / "runs.json").exists():
            folders = [Path(path) for path in json.loads((place / "runs.json").read_text())]
        recorded = read_wandb(folders)
        # An init that has failed may leave a file without a run.
        recorded.runs = [run for run in recorded.runs if run.run_id]
        none = "there is no run record"
        recorded.problems = [text for text in recorded.problems if none not in text]
        return recorded


def _columns(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    columns: dict[str, list[Any]] = {}
    for row in rows:
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
    return [dict(sorted(columns.items()))]


def differences(real: Played, ours: Played) -> dict[str, tuple[Any, Any]]:
    """Where the two differ: path -> (wandb's, ours)."""
    found = {}
    for name in [*real.seen, *(name for name in ours.seen if name not in real.seen)]:
        pair = real.seen.get(name, GONE), ours.seen.get(name, GONE)
        if not same_value(*pair):
            found[f"seen.{name}"] = pair
    if "runs" in ours.known:
        runs = [[run.project, run.exit_code, run.history] for run in ours.recorded.runs]
        return {**found, "runs": (GONE, runs)}
    for one in diff(real.recorded, ours.recorded):
        found[one.path] = one.left, one.right
    return found


def check(real: Played, ours: Played) -> None:
    __tracebackhide__ = True
    for side, played in (("wandb", real), ("ours", ours)):
        if "raised" in played.seen:
            pytest.fail(f"the script failed under {side}:\n{played.seen['raised']}")
    assert not real.recorded.problems
    found = differences(real, ours)
    wrong = [
        f"{path}: wandb {_short(pair[0])}, ours {_short(pair[1])}"
        + (f", to be {_short(ours.known[path])}" if path in ours.known else "")
        for path, pair in found.items()
        if path not in ours.known or not _meant(ours.known[path], pair[1])
    ]
    wrong += [f"{path}: no longer different" for path in ours.known if path not in found]
    if wrong:
        pytest.fail("\n".join(wrong))


def _meant(known: Any, ours: Any) -> bool:
    return bool(known == GONE == str(ours)) or same_value(known, ours)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 600 else f"{text[:600]}..."


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Process]]:
    """Both sides, after they have played all scripts of a module."""

    @cache
    def play(module: str) -> list[Process]:
        folder = tmp_path_factory.mktemp(module)
        names = [name for name in TOGETHER if name.startswith(f"{module}.")]
        sides = [Process(WANDB, folder / "wandb", names), Process(SYNADB, folder / "synadb", names)]
        for side in sides:
            assert side.wait(100) == 0, side.text("err")[-3000:]
        return sides

    return play


@pytest.mark.parametrize(
    "name",
    # Those of a module play once, in one worker.
    [
        pytest.param(name, marks=pytest.mark.xdist_group(name.partition(".")[0]))
        for name in TOGETHER
    ],
)
def test_together(name: str, together: Callable[[str], list[Process]]) -> None:
    real, ours = together(name.partition(".")[0])
    check(real.played(name), ours.played(name))


@pytest.mark.parametrize("name", ALONE)
def test_alone(name: str, tmp_path: Path) -> None:
    arguments = ["--alone", name]
    sides = [
        Process(WANDB, tmp_path / "wandb", arguments),
        Process(SYNADB, tmp_path / "synadb", arguments),
    ]
    played = []
    for side in sides:
        code = side.wait(60)
        one = side.played(name)
        one.seen["exit code"] = code
        one.seen["stdout"] = _own_lines(side.text("out"))
        one.seen["tables"] = _tables(side.text("err"))
        one.seen["traceback"] = "Traceback (most recent call last)" in side.text("err")
        played.append(one)
    check(*played)


def _own_lines(text: str) -> list[str]:
    """What the script has printed; wandb says some last things there as well."""
    return [
        line for line in text.splitlines() if not line.startswith(("wandb:", "\x1b[1;34mwandb"))
    ]


def _tables(text: str) -> list[str]:
    """The two tables that a run shows at its end."""
    lines = [
        re.sub(r"\x1b\[[0-9;]*m", "", line).removeprefix("wandb: ").rstrip()
        for line in text.splitlines()
    ]
    found: list[str] = []
    inside = False
    for line in lines:
        if line in ("Run history:", "Run summary:"):
            inside = True
        elif inside and line in ("", "wandb:"):
            inside = False
        if inside:
            found.append(line)
    return found


def test_there_are_enough() -> None:
    assert len(TOGETHER) + len(ALONE) >= 100

"""Whole scripts through `synadb compare`: what it finds equal and what it does not."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.parity.scripts.lines import BEGINNING, LINES

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("wandb") is None, reason="real wandb is not installed"
)


def compare(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "script.py").write_text(f"import wandb\n{BEGINNING}{script}\n", encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "synadb.cli", "compare", "--repeat", "1", "script.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.mark.parametrize("name", ["late step", "open row at exit", "two runs", "metric ops"])
def test_records_the_same(name: str, tmp_path: Path) -> None:
    done = compare(LINES[name], tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "recorded the same" in done.stdout


def test_tells_of_a_difference(tmp_path: Path) -> None:
    done = compare("wandb.log({'who': type(wandb.run).__module__})", tmp_path)
    assert done.returncode == 1
    assert "runs[0].history[0].who" in done.stdout

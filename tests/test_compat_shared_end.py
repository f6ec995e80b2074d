"""A run that several processes share has the end that its primary process gave it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import synadb.wandb_compat as wandb
from synadb import ExperimentTracker
from synadb.wandb_compat import _init
from tests.conftest import ROOT

PRIMARY = """
import sys
import synadb.wandb_compat as wandb
settings = wandb.Settings(mode="shared", silent=True)
run = wandb.init(project="p", id="one", settings=settings)
run.log({"primary": 1})
print("ready", flush=True)
sys.stdin.readline()
run.finish(3)
"""


def start_primary(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PRIMARY],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("step", ["_continue", "_new"])
def test_the_primary_ends_while_another_process_joins(
    step: str, tmp_path: Path, db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a look for the run, which finds it or not, and the step that follows from it."""
    monkeypatch.chdir(tmp_path)
    primaries = [start_primary(tmp_path)] if step == "_continue" else []
    go_on = getattr(_init._Beginning, step)

    def end_and_go_on(self: _init._Beginning, *args: object) -> object:
        primary = primaries.pop() if primaries else start_primary(tmp_path)
        primary.communicate("end\n", timeout=60)
        return go_on(self, *args)

    monkeypatch.setattr(_init._Beginning, step, end_and_go_on)
    settings = wandb.Settings(mode="shared", x_primary=False, silent=True)
    run = wandb.init(project="p", id="one", settings=settings)
    run.log({"other": 1})
    run.finish()
    wandb.teardown()
    with ExperimentTracker(db_path) as tracker:
        [record] = tracker.list_runs()
        assert (record.state, record.exit_code) == ("failed", 3)
        rows = [row.keys() & {"primary", "other"} for row in tracker.rows("one")]
        assert rows == [{"primary"}, {"other"}]
        assert not tracker.check().problems

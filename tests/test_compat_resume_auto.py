"""`resume="auto"` goes on with the run that a kill cut short, wherever in `init` it came."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import synadb.wandb_compat as wandb
from synadb import ExperimentTracker

DIES = """
import os
import synadb.wandb_compat as wandb
from synadb.wandb_compat import _init

begin = _init._Beginning.begin

def begin_and_die(self):
    begin(self)
    os._exit(9)

_init._Beginning.begin = begin_and_die
wandb.init(project="p", resume="auto")
"""


def test_a_kill_right_after_the_run_was_created(tmp_path: Path, db_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", DIES], cwd=tmp_path, check=False)
    assert done.returncode == 9
    run = wandb.init(project="p", resume="auto", dir=tmp_path)
    run.log({"x": 1})
    run.finish()
    wandb.teardown()
    with ExperimentTracker(db_path) as tracker:
        [record] = tracker.list_runs()
        assert (record.run_id, record.state, record.last_step) == (run.id, "finished", 0)

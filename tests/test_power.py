"""What a call has promised to be on the disk is there after a power cut: see tests/power.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from synadb import ExperimentTracker
from tests.conftest import ROOT
from tests.power import DISK_BYTES, copy_disk, mounted

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="mounts a file system"
)

CHILD = """
import sys
from synadb import ExperimentTracker
path, call = sys.argv[1:]
tracker = ExperimentTracker(path)
other = tracker.run("power", run_id="other")  # goes on, and keeps the database open
run = tracker.run("power", run_id="run")
for i in range(500):
    run.log({"i": i, "text": "t"})
    other.log({"i": i})
exec(call)
print("returned", flush=True)
sys.stdin.readline()
"""

CALLS = {
    "run.flush": "run.flush()",
    "tracker.flush": "tracker.flush()",
    "export": "tracker.export(path + '.copy')",
    "end": "run.end()",
    "with": "\nwith run: pass",
    "end_run": "tracker.end_run('run')",
    "end_run beside a reader": (
        "rows = tracker.rows('other'); next(iter(rows)); tracker.end_run('run')"
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_power_cut_right_after(call: str, tmp_path: Path) -> None:
    disk, copy = tmp_path / "disk", tmp_path / "copy"
    with disk.open("wb") as file:
        file.truncate(DISK_BYTES)
    subprocess.run(["mkfs.ext4", "-q", disk], check=True)
    probe = tmp_path / "probe"
    probe.mkdir()
    if subprocess.run(["mount", "-o", "loop", disk, probe], check=False).returncode:
        pytest.skip("no loop device")
    subprocess.run(["umount", probe], check=True)
    name = "experiments.db"
    with (
        mounted(disk, tmp_path) as mount,
        subprocess.Popen(
            [sys.executable, "-c", CHILD, str(mount / name), call],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as child,
    ):
        assert child.stdout is not None
        assert child.stdout.readline() == "returned\n"
        copy_disk(disk, copy)
        child.communicate("end\n")
    found = name + ".copy" if "export" in call else name
    with mounted(copy, tmp_path) as mount, ExperimentTracker(mount / found) as tracker:
        assert not tracker.check().problems
        assert [row["i"] for row in tracker.rows("run")] == list(range(500))

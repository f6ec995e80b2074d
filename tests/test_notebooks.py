"""wandb in a notebook: a real kernel, cell by cell. Skipped without ipykernel and its client."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synadb import ExperimentTracker
from tests.conftest import ROOT

pytest.importorskip("ipykernel")
jupyter_client = pytest.importorskip("jupyter_client")

pytestmark = pytest.mark.slow

FIRST = "import synadb.wandb_compat as wandb; wandb.install(); import wandb"


class Kernel:
    """A kernel, and what its cells have shown."""

    def __init__(self, folder: Path) -> None:
        self.manager = jupyter_client.KernelManager(kernel_name="python3")
        self.manager.kernel_spec.argv[0] = sys.executable
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(folder / "ipython")}
        self.manager.start_kernel(cwd=str(folder), env=environment)
        self.connect()

    def connect(self) -> None:
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, cell: str) -> tuple[str, str]:
        """Execute a cell; its text and its HTML. An error fails the test."""
        text: list[str] = []
        html: list[str] = []

        def shown(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                text.append(content["text"])
            elif message["msg_type"] in ("display_data", "execute_result"):
                html.append(content["data"].get("text/html", ""))
                text.append(content["data"].get("text/plain", ""))
            elif message["msg_type"] == "error":
                pytest.fail("\n".join(content["traceback"]))

        self.client.execute_interactive(cell, timeout=60, output_hook=shown)
        return "".join(text), "".join(html)

    def restart(self, *, now: bool) -> None:
        self.client.stop_channels()
        self.manager.restart_kernel(now=now)
        self.connect()


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    found = Kernel(tmp_path)
    try:
        yield found
    finally:
        found.client.stop_channels()
        found.manager.shutdown_kernel(now=True)
        found.manager.cleanup_resources()


def states(folder: Path) -> list[tuple[str, str]]:
    with ExperimentTracker(folder / "experiments.db") as tracker:
        assert not tracker.check().problems
        return [(run.experiment, run.state) for run in tracker.list_runs()]


def test_cells_that_are_executed_again(kernel: Kernel, tmp_path: Path) -> None:
    kernel.run(FIRST)
    cell = "run = wandb.init(project='p', config={'rate': 1}); run.log({'loss': 1})"
    kernel.run(cell)
    kernel.run(cell)  # ends the run before
    text, html = kernel.run("run.config.rate = 2; run.config.update({'rate': 3}); run")
    assert "of project p" in html
    assert "running" in html
    assert "<Run " in text
    assert states(tmp_path) == [("p", "finished"), ("p", "running")]
    kernel.run("wandb.finish()")
    assert kernel.run("wandb.run, wandb.finish()")[0] == "(None, None)"
    assert states(tmp_path) == [("p", "finished"), ("p", "finished")]


def test_the_magics(kernel: Kernel, tmp_path: Path) -> None:
    kernel.run(FIRST)
    assert "no active run" in kernel.run("%wandb")[0]
    _, html = kernel.run(
        "%%wandb -h 300\nwith wandb.init(project='p', id='one', name='named') as run:\n"
        "    for step in range(5): run.log({'loss': step})"
    )
    assert "<b>named</b> (one) of project p: finished" in html
    assert "loss" in html
    assert "(one)" in kernel.run("%wandb somebody/p/runs/one")[1]
    assert "Runs of p" in kernel.run("%wandb somebody/p")[1]
    assert "no run and no project 'nonesuch'" in kernel.run("%wandb nonesuch")[0]
    kernel.run("run = wandb.init(project='p', id='two')")
    assert "(two)" in kernel.run("%wandb")[1]
    assert "True" in kernel.run("run.display()")[0]
    kernel.run("%load_ext wandb")
    kernel.run("wandb.finish()")


@pytest.mark.parametrize("now", [True, False], ids=["killed", "asked"])
def test_a_restart_leaves_a_clean_state(kernel: Kernel, tmp_path: Path, now: bool) -> None:
    kernel.run(FIRST)
    kernel.run("run = wandb.init(project='p', id='one')\nfor i in range(50): run.log({'i': i})")
    kernel.restart(now=now)
    kernel.run(FIRST)
    assert kernel.run("wandb.run is None")[0] == "True"
    kernel.run("run = wandb.init(project='p', id='one', resume='must')")
    assert kernel.run("run.step, run.summary['i']")[0] == "(50, 49)"
    kernel.run("run.finish()")
    assert states(tmp_path) == [("p", "finished")]

"""`pytest -p synadb.pytest`: tests of other projects run with the drop-in as wandb."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

TESTS = """
import os, wandb, synadb.wandb_compat

def test_it_is_the_drop_in():
    assert wandb is synadb.wandb_compat
    with wandb.init(project="p") as run:
        run.log({"a": 1})
    assert [one.summary["a"] for one in wandb.Api().runs("p")] == [1]

def test_that_leaves_a_run_open():
    wandb.init(project="left")

def test_patched(monkeypatch):
    calls = []
    monkeypatch.setattr("wandb.init", lambda **given: calls.append(given))
    monkeypatch.setattr(wandb.sdk.wandb_run.Run, "log_artifact", None)
    wandb.init(project="p")
    assert calls == [{"project": "p"}] and synadb.wandb_compat.Run.log_artifact is None

def test_switched_off(monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, "wandb", None)
    try:
        import wandb
    except ModuleNotFoundError:
        return
    raise AssertionError("imported")
"""


def play(
    folder: Path, *options: str, conftest: str = "import wandb\n", **environment: str
) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(conftest)
    (folder / "test_it.py").write_text(TESTS)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.mark.parametrize("options", [("-p", "synadb.pytest"), ("-p", "synadb.pytest", "-n2")])
def test_by_option(tmp_path: Path, options: tuple[str, ...]) -> None:
    if "-n2" in options:
        pytest.importorskip("xdist")
    (tmp_path / "temporary").mkdir()
    done = play(tmp_path, *options, TMPDIR=str(tmp_path / "temporary"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout
    assert not list((tmp_path / "temporary").glob("synadb-pytest-*"))
    assert not list(tmp_path.glob("*.db"))


def test_by_environment_and_with_a_database_of_ones_own(tmp_path: Path) -> None:
    database = tmp_path / "kept.db"
    done = play(tmp_path, PYTEST_PLUGINS="synadb.pytest", SYNADB_PATH=str(database))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"runs go to {database}" in done.stdout
    from synadb import ExperimentTracker

    with ExperimentTracker(database) as tracker:
        assert sorted(run.experiment for run in tracker.list_runs()) == ["left", "p"]
        assert not tracker.check().problems


def test_a_session_that_does_not_ask_is_left_alone(tmp_path: Path) -> None:
    done = play(tmp_path, conftest="import sys\nassert 'synadb' not in sys.modules\n")
    assert "synadb: in place of wandb" not in done.stdout


def test_another_wandb_that_is_loaded_is_named(tmp_path: Path) -> None:
    (tmp_path / "early.py").write_text(
        "import sys, types\nsys.modules['wandb'] = types.ModuleType('wandb')\n"
    )
    done = play(tmp_path, "-p", "early", "-p", "synadb.pytest")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "synadb.pytest: wandb is already imported" in done.stderr

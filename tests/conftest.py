"""Fixtures every test can ask for, and the clean environment every test gets."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from synadb import ExperimentTracker

ROOT = Path(__file__).resolve().parent.parent

# A shared machine is slow at odd moments; a slow example is no finding.
# The same examples at every run: what fails has been broken by the change that is tested. `make
# soak` looks for others.
hypothesis.settings.register_profile("random", deadline=None, print_blob=True)
hypothesis.settings.register_profile(
    "synadb", parent=hypothesis.settings.get_profile("random"), derandomize=True
)
hypothesis.settings.load_profile("synadb")


class RunScript(Protocol):
    """Run Python in a fresh process; what the `run_script` fixture returns."""

    def __call__(
        self,
        script: str | Path,
        *args: str | Path,
        timeout: float = 60,
        env: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run `script` (source text, or a file) with `args`, in the test's tmp_path.

        With `check`, an exit code other than 0 fails the test and shows what the process wrote.
        A process that outlives `timeout` always does, with the stack of each of its threads.
        """
        ...


def pytest_configure() -> None:
    if not faulthandler.is_enabled():
        faulthandler.enable()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer's shell says about wandb or SynaDB must not decide a test."""
    for name in list(os.environ):
        if name.startswith(("WANDB_", "SYNADB_")):
            monkeypatch.delenv(name)


@pytest.fixture
def db_path(tmp_path: Path) -> Path:
    """A database file that does not exist yet, in a folder of its own."""
    return tmp_path / "experiments.db"


@pytest.fixture
def run(db_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A run of the drop-in's in the database `db_path`, silent and without a folder."""
    import synadb.wandb_compat as wandb

    monkeypatch.setenv("SYNADB_PATH", str(db_path))
    monkeypatch.setenv("SYNADB_RUN_DIR", "0")
    run = wandb.init(
        project="p", settings={"silent": True, "console": "off", "x_disable_stats": True}
    )
    yield run
    run.finish()
    wandb.teardown()


@pytest.fixture
def held_back(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """What media of the drop-in wait for, before they are put into their run."""
    from synadb.wandb_compat._media.pipeline import MediaStore

    go_on = threading.Event()
    put = MediaStore.put

    def late(self: Any, *args: Any) -> Any:
        go_on.wait(30)
        return put(self, *args)

    monkeypatch.setattr(MediaStore, "put", late)
    return go_on


def rows_of(db_path: Path, run: Any) -> list[dict[str, Any]]:
    """The rows that a database has of a run."""
    from synadb import ExperimentTracker

    with ExperimentTracker(db_path) as tracker:
        return list(tracker.rows(run.id))


def sound(tracker: ExperimentTracker) -> None:
    """The audit finds nothing."""
    report = tracker.check()
    assert report.ok, report.problems


@pytest.fixture
def run_script(tmp_path: Path) -> RunScript:
    """Run source text or a file in a fresh Python process: see RunScript."""
    count = 0

    def run(
        script: str | Path,
        *args: str | Path,
        timeout: float = 60,
        env: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        nonlocal count
        if isinstance(script, str):
            # A file and not `-c`: tracebacks show the line, and `spawn` can import it again.
            count += 1
            path = tmp_path / f"script_{count}.py"
            path.write_text(script, encoding="utf-8")
        else:
            path = script
        return run_python([str(path), *map(str, args)], tmp_path, timeout, env or {}, check)

    return run


def run_python(
    args: list[str],
    cwd: Path,
    timeout: float = 60,
    env: Mapping[str, str] | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run `python ARGS` in `cwd` against this checkout; see RunScript for the rest."""
    return run_command([sys.executable, *args], cwd, timeout, env, check)


def run_command(
    command: list[str],
    cwd: Path,
    timeout: float = 60,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    one_stream: bool = False,
) -> subprocess.CompletedProcess[str]:
    """As run_python, any command; with `one_stream` its standard error is in its output."""
    python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={
            **os.environ,
            "PYTHONPATH": python_path,
            "PYTHONFAULTHANDLER": "1",
            "PYTHONIOENCODING": "utf-8",
            **(env or {}),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if one_stream else subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            _abort(process)
            out, err = process.communicate()
            pytest.fail(f"{command} was still running after {timeout} s\n{out}\n{err}")
        finally:
            # Ctrl-C: the child has a session of its own and did not hear it.
            if process.poll() is None:
                _abort(process)
    if check and process.returncode != 0:
        pytest.fail(f"{command} ended with exit code {process.returncode}\n{out}\n{err}")
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _abort(process: subprocess.Popen[str]) -> None:
    """End a process and its children, after a moment to write down where they hang."""
    if sys.platform == "win32":
        process.kill()
        return
    # The group, since a grandchild that lives on would keep the pipes open for ever. It may have
    # ended by itself meanwhile.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGABRT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        os.killpg(process.pid, signal.SIGKILL)

"""A plugin for pytest that puts SynaDB in place of wandb: `pytest -p synadb.pytest`.

`PYTEST_PLUGINS=synadb.pytest` in the environment does the same. Nothing happens in a session that
asks for neither. Runs of the tests go to a database of the session, which is gone at its end,
unless `SYNADB_PATH` names one.
"""

from __future__ import annotations

import os
import tempfile

import pytest

_PREFIX = "synadb-pytest-"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Take wandb's place before the first conftest.py is imported."""
    from synadb.errors import InstallError
    from synadb.wandb_compat import install

    try:
        install()
    except InstallError as error:
        raise pytest.UsageError(f"synadb.pytest: {error}") from None


def pytest_configure(config: pytest.Config) -> None:
    """Choose the database."""
    named = os.environ.get("SYNADB_PATH")
    worker = getattr(config, "workerinput", {}).get("workerid")
    if named and os.path.basename(os.path.dirname(named)).startswith(_PREFIX) and worker:
        # The session's folder, made by the process that has started this one.
        os.environ["SYNADB_PATH"] = os.path.join(os.path.dirname(named), f"{worker}.db")
    elif not named:
        folder = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
        os.environ["SYNADB_PATH"] = os.path.join(folder.name, "experiments.db")
        config.add_cleanup(folder.cleanup)
        config.add_cleanup(_close)


def _close() -> None:
    """End what tests have left open, while its database is there."""
    from synadb.wandb_compat import _session

    _session.finish_all()
    _session.close_all()
    del os.environ["SYNADB_PATH"]


def pytest_report_header() -> str:
    """Say where runs go."""
    return f"synadb: in place of wandb, runs go to {os.environ['SYNADB_PATH']}"

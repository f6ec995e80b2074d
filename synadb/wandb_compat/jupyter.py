"""`wandb.jupyter`: `%wandb` and `%%wandb` in notebooks.

`%wandb` shows the active run; `%wandb PROJECT/ID` a run of the database, `%wandb PROJECT` the runs
of a project. `%%wandb` executes the cell and shows the run that it has left.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir
from synadb.wandb_compat._term import termlog, termwarn

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker

__all__ = ["load_ipython_extension", "logger", "wandb"]

logger = logging.getLogger("wandb.jupyter")  # where wandb has one, and editors import it from


def load_ipython_extension(ipython: Any) -> None:
    """Give a shell the magics; once more does nothing."""
    ipython.register_magic_function(wandb, "line_cell", "wandb")


def wandb(line: str, cell: str | None = None) -> None:
    """The magics themselves. `-h HEIGHT` is accepted; what is shown is as high as it is."""
    path = _path(line)
    begun = time.time()
    if cell is not None:
        from IPython import get_ipython

        get_ipython().run_cell(cell)
    from synadb.settings import database_path
    from synadb.wandb_compat import _session

    runs = _session.mine()
    if path is None and runs:
        runs[-1].display()
        return
    tracker = runs[-1]._tracker if runs else _session.tracker_for(database_path())
    html = _by_path(tracker, path) if path is not None else _since(tracker, begun)
    if html is not None:
        from IPython.display import HTML, display

        display(HTML(html))
    elif path is not None:
        termwarn(f"%wandb: {tracker.path} has no run and no project {path!r}")
    elif cell is None:
        termlog("%wandb: there is no active run; %wandb PROJECT/ID shows a stored one")


def _path(line: str) -> str | None:
    import argparse

    parser = argparse.ArgumentParser("%wandb", add_help=False)
    parser.add_argument("path", nargs="?")
    parser.add_argument("-h", "--height", type=int)
    parser.add_argument("-d", "--display")
    parser.add_argument("-q", "--quiet", action="store_true")
    found = parser.parse_args(line.split())
    path: str | None = found.path or found.display
    return path


def _since(tracker: ExperimentTracker, moment: float) -> str | None:
    """The newest run that has begun since then."""
    for record in tracker.query(order="-created_at", limit=1):
        if record.created_at >= moment:
            return _run(tracker, record.run_id)
    return None


def _by_path(tracker: ExperimentTracker, path: str) -> str | None:
    from synadb.errors import RunNotFoundError
    from synadb.wandb_compat._display import runs_html

    parts = [part for part in path.split("/") if part and part != "runs"]
    for run_id in ("/".join(parts[-2:]), *parts[-1:]):
        try:
            return _run(tracker, run_id)
        except RunNotFoundError:
            continue
    records = tracker.list_runs(parts[-1]) if parts else []
    return runs_html(parts[-1], records) if records else None


def _run(tracker: ExperimentTracker, run_id: str) -> str:
    from synadb.wandb_compat._display import run_html

    record = tracker.get_run(run_id)
    return run_html(
        name=record.name,
        run_id=record.run_id,
        project=record.experiment,
        state=record.state,
        path=tracker.path,
        history=tracker.sketch(run_id),
        summary=record.summary,
    )


_LAZY = {"WandBMagics": "_integrations.magics:WandBMagics"}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)

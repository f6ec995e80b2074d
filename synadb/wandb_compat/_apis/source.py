"""The databases that the Api reads, and the runs of this process that are still going."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from synadb.errors import RunNotFoundError
from synadb.settings import database_path
from synadb.wandb_compat import _session

if TYPE_CHECKING:
    from synadb.records import RunRecord
    from synadb.tracker import ExperimentTracker
    from synadb.wandb_compat._run import Run as LiveRun

__all__ = ["Source", "live_run", "opened", "projects_of", "url", "user_name"]


def live_run(path: str, run_id: str) -> LiveRun | None:
    """The active run of this process that is stored as `run_id` in that database."""
    for run in _session.mine():
        if run._native.run_id == run_id and run._tracker.path == path:
            return run
    return None


def opened(path: str) -> ExperimentTracker | None:
    """The tracker of a database; None where there is no file, and none is made.

    What this process has logged is waited for; that of dead processes is brought in.
    """
    mine = [run for run in _session.mine() if run._tracker.path == path]
    for run in mine:
        run._settle_media()
    if mine:
        tracker = mine[-1]._tracker
    elif os.path.isfile(path):
        tracker = _session.tracker_for(path)
    else:
        return None
    if not tracker._store.read_only:
        tracker.recover()
    return tracker


def projects_of(tracker: ExperimentTracker) -> list[str]:
    """The projects of a database: what has runs, in order of first use, sweeps or artifacts."""
    swept = (record.project for record in tracker.list_sweeps())
    return list(dict.fromkeys([*tracker.list_experiments(), *swept, *tracker.artifacts.projects()]))


def user_name() -> str:
    """Who works on this machine."""
    from synadb.wandb_compat.sdk.lib.deprecated_api import api

    return api.default_entity


class Source:
    """Which databases are meant: where the drop-in writes now, and where it has written.

    The first is that of the active run, or where `wandb.init` would begin one. A program that
    gives `init` folders of its own (`dir=`) finds its runs in the others.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._path = os.path.abspath(path) if path is not None else None

    def paths(self) -> list[str]:
        """The databases in the order in which they are asked, there or not."""
        if self._path is not None:
            return [self._path]
        active = [run._tracker.path for run in reversed(_session.mine())]
        folder = next((s.root_dir for s in _session.setup_settings if "root_dir" in s._given), None)
        known = list(_session._trackers)
        return list(dict.fromkeys([*active, database_path(folder), *reversed(known)]))

    def trackers(self) -> list[ExperimentTracker]:
        """Those that are there."""
        found = (opened(path) for path in self.paths())
        return [tracker for tracker in found if tracker is not None]

    def project(self, name: str) -> tuple[ExperimentTracker, str] | None:
        """Where a project lies, and its name there: paths of the Api are quoted as URLs are."""
        trackers = self.trackers()
        # Most projects have runs; for the others more has to be imported.
        for names in (lambda tracker: tracker.list_experiments(), projects_of):
            for tracker in trackers:
                known = names(tracker)
                for spelled in (name, unquote(name)):
                    if spelled in known:
                        return tracker, spelled
        return None

    def run(self, project: str | None, run_id: str) -> tuple[ExperimentTracker, RunRecord] | None:
        """A run by wandb's id, which is unique in a project only; None where it is not."""
        for tracker in self.trackers():
            for spelled in dict.fromkeys((run_id, unquote(run_id))):
                record = _stored(tracker, project, spelled)
                if record is not None:
                    return tracker, record
        return None


def _stored(tracker: ExperimentTracker, project: str | None, run_id: str) -> RunRecord | None:
    if project is None:
        wanted = [run_id]
        wanted += [known for known in tracker._store.run_ids() if known.endswith(f"/{run_id}")]
        projects = None
    else:
        projects = {project, unquote(project)}
        # Where another project has a run of this id.
        wanted = [run_id, *(f"{name}/{run_id}" for name in projects)]
    for name in wanted:
        try:
            record = tracker.get_run(name)
        except RunNotFoundError:
            continue
        if projects is None or record.experiment in projects:
            return record
    return None


def url(path: str, *parts: str) -> str:
    """The URL of something in a database file: the file's, with the place in it as fragment."""
    return f"file://{quote(path)}#{'/'.join(quote(part, safe='/') for part in parts)}"

"""Artifacts that a run makes of what it logs: its tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker

__all__ = ["log_run_files"]


def log_run_files(
    tracker: ExperimentTracker,
    run_id: str,
    name: str,
    type: str,
    files: Mapping[str, bytes],
    *,
    step: int | None = None,
) -> str:
    """Make a version of what a run's table consists of; its uid."""
    draft = tracker.artifacts.draft()
    for path, content in files.items():
        draft.add_bytes(path, content)
    return tracker.artifacts.commit(draft, name, type=type, run_id=run_id, step=step).uid

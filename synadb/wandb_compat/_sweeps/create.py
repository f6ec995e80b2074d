"""Creating sweeps, finding and steering them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from synadb.errors import InvalidValueError, RunNotFoundError, SweepNotFoundError
from synadb.settings import database_path
from synadb.wandb_compat import _session
from synadb.wandb_compat._sweeps.loop import parse_path
from synadb.wandb_compat._term import termwarn
from synadb.wandb_compat.errors import CommError

if TYPE_CHECKING:
    from synadb.sweeps.view import Sweep
    from synadb.tracker import ExperimentTracker

__all__ = ["create", "find", "new_sweep", "sweep", "sweep_url"]


def sweep(
    sweep: Mapping[str, Any] | Callable[[], Mapping[str, Any]],
    entity: str | None = None,
    project: str | None = None,
    prior_runs: list[str] | None = None,
) -> str:
    """Create a sweep and return its id; `sweep` is its config, or a function that returns it.

    The project, if given, and the entity stay in WANDB_PROJECT and WANDB_ENTITY for later calls.
    Raises CommError with a line for each mistake in the config.
    """
    config = sweep() if callable(sweep) else sweep
    if project is None and isinstance(config, Mapping):
        project = config.get("project")
    if entity:
        os.environ["WANDB_ENTITY"] = entity
    if project:
        os.environ["WANDB_PROJECT"] = project
    tracker = _session.tracker_for(database_path())
    made = create(tracker, config, project, prior_runs or ())
    print("Create sweep with ID:", made.sweep_id)  # noqa: T201 - wandb prints it, scripts read it
    print("Sweep URL:", sweep_url(tracker.path, made.project, made.sweep_id))  # noqa: T201
    return made.sweep_id


def create(
    tracker: ExperimentTracker,
    config: Any,
    project: str | None,
    prior_runs: Sequence[str] = (),
) -> Sweep:
    """Create a sweep in a database; CommError."""
    chosen = project or _project_of(config)
    try:
        sweep_id = new_sweep(tracker, config, chosen, prior_runs)
    except (InvalidValueError, RunNotFoundError) as error:
        raise CommError(f"wandb.sweep(): {error}", error) from error
    return tracker.sweep(sweep_id)


def new_sweep(
    tracker: ExperimentTracker, config: Any, project: str, prior_runs: Sequence[str] = ()
) -> str:
    """As `tracker.create_sweep`, with a warning for what is valid and odd."""
    from synadb.sweeps.config import parse

    for text in parse(config).warnings:
        termwarn(text)
    return tracker.create_sweep(config, project, prior_runs=prior_runs)


def _project_of(config: Any) -> str:
    if isinstance(config, Mapping) and isinstance(config.get("project"), str):
        return str(config["project"])
    from synadb.wandb_compat._init import _default_project
    from synadb.wandb_compat._settings import gather

    return gather(*_session.setup_settings).project or _default_project()


def sweep_url(path: str, project: str, sweep_id: str) -> str:
    """Where a sweep lies, as a URL of the database file."""
    return f"file://{quote(path)}#{quote(f'{project}/sweeps/{sweep_id}')}"


def find(tracker: ExperimentTracker, path: str, project: str | None = None) -> Sweep:
    """The sweep "[[entity/]project/]id"; CommError for one that is not there."""
    named, sweep_id = parse_path(path)
    try:
        found = tracker.sweep(sweep_id)
    except SweepNotFoundError as error:
        raise CommError(f"Could not find sweep {path} in {tracker.path}", error) from error
    wanted = named or project
    if wanted is not None and wanted != found.project:
        raise CommError(
            f"Could not find sweep {sweep_id} in project {wanted!r}; it belongs to "
            f"{found.project!r}"
        )
    return found

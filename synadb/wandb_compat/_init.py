"""`wandb.init`."""

from __future__ import annotations

import os
from typing import Any

from synadb.settings import database_path
from synadb.wandb_compat import _session
from synadb.wandb_compat._config import Config, config_dict
from synadb.wandb_compat._run import Run
from synadb.wandb_compat._settings import Settings
from synadb.wandb_compat._term import termlog, termwarn
from synadb.wandb_compat.errors import Error, UnsupportedError, UsageError

__all__ = ["init"]

_MODES = ("online", "offline", "shared", "disabled", "dryrun", "run")
_RESUMES = ("allow", "must", "never", "auto")
_UNSET = object()


def init(
    entity: str | None = None,
    project: str | None = None,
    dir: str | os.PathLike[str] | None = None,
    id: str | None = None,
    name: str | None = None,
    notes: str | None = None,
    tags: Any = None,
    config: Any = None,
    config_exclude_keys: list[str] | None = None,
    config_include_keys: list[str] | None = None,
    allow_val_change: bool | None = None,
    group: str | None = None,
    job_type: str | None = None,
    mode: str | None = None,
    force: bool | None = None,
    reinit: bool | str | None = None,
    resume: bool | str | None = None,
    resume_from: str | None = None,
    fork_from: str | None = None,
    save_code: bool | None = None,
    tensorboard: bool | None = None,
    sync_tensorboard: bool | None = None,
    monitor_gym: bool | None = None,
    settings: Settings | dict[str, Any] | None = None,
    anonymous: Any = _UNSET,
    magic: Any = None,
) -> Run:
    """Start a run in the local database and make it the active one.

    The arguments are wandb's; there is no account, so `entity` is only recorded, and every mode
    but `disabled` records locally. Raises UsageError and ValueError as wandb does.
    """
    asked = {
        "resume_from": resume_from,
        "fork_from": fork_from,
        "sync_tensorboard": sync_tensorboard,
        "monitor_gym": monitor_gym,
    }
    for argument, value in asked.items():
        if value:
            raise UnsupportedError(
                f"wandb.init({argument}=) exists in wandb and not yet here; leave it out"
            )
    given = settings if isinstance(settings, Settings) else Settings(**(settings or {}))
    mode = mode or given.mode or os.environ.get("WANDB_MODE") or "online"
    if mode not in _MODES:
        raise ValueError(f"wandb.init(mode=) is one of {', '.join(_MODES)}, not {mode!r}")
    if mode == "disabled":
        raise UnsupportedError('wandb.init(mode="disabled") exists in wandb and not yet here')
    if resume is True:
        resume = "auto"
    if resume and resume not in _RESUMES:
        raise ValueError(f"wandb.init(resume=) is one of {', '.join(_RESUMES)}, not {resume!r}")
    previous = _previous(reinit)
    if previous is not None:
        return previous
    project = project or given.project or os.environ.get("WANDB_PROJECT") or "uncategorized"
    _check_project(project)
    id = id or given.run_id or os.environ.get("WANDB_RUN_ID")
    if id is not None:
        _check_id(id)
    values = _filtered(config_dict(config), config_include_keys, config_exclude_keys)
    return _start(
        {
            "experiment": project,
            "name": name or given.run_name or os.environ.get("WANDB_NAME"),
            "notes": notes or given.run_notes or os.environ.get("WANDB_NOTES"),
            "tags": _tags(tags if tags is not None else given.run_tags),
            "group": group or given.run_group or os.environ.get("WANDB_RUN_GROUP") or "",
            "job_type": job_type or given.run_job_type or os.environ.get("WANDB_JOB_TYPE") or "",
            "run_id": id,
        },
        Config(values).as_dict(),
        path=database_path(dir),
        resume=resume or None,
        entity=entity or os.environ.get("WANDB_ENTITY") or "",
        settings=given,
        as_global=reinit != "create_new",
    )


def _start(
    fields: dict[str, Any],
    config: dict[str, Any],
    *,
    path: str,
    resume: str | None,
    entity: str,
    settings: Settings,
    as_global: bool,
) -> Run:
    from synadb.errors import RunNotFoundError

    tracker = _session.tracker_for(path)
    run_id = fields["run_id"]
    old = None
    if run_id is not None:
        try:
            old = tracker.get_run(run_id)
        except RunNotFoundError:
            old = None
    if resume == "must" and old is None:
        raise UsageError(f'wandb.init(resume="must"): no run has the id {run_id!r}')
    if resume == "never" and old is not None:
        raise UsageError(f'wandb.init(resume="never"): there is a run with the id {run_id!r}')
    if old is not None and resume is None:
        termwarn(
            f"there is a run with the id {run_id!r} already; this one continues it, so that "
            'nothing is lost (say resume="allow" if that is meant, or choose another id)'
        )
    native = tracker.run(config=config, resume=old is not None, **fields)
    if old is not None and config:
        native.log_params(config)
    record = tracker.get_run(native.run_id)
    run = Run(tracker, native, record, entity=entity, resumed=old is not None, settings=settings)
    _session.start(run, as_global=as_global)
    termlog(f"Run {run.name} ({run.id}) of project {run.project} goes to {tracker.path}")
    return run


def _previous(reinit: bool | str | None) -> Run | None:
    if reinit in (True, "finish_previous"):
        for run in list(_session.active):
            run.finish()
        return None
    if reinit not in (None, False, "default", "return_previous", "create_new"):
        raise ValueError(f"wandb.init(reinit=) does not know {reinit!r}")
    if reinit == "create_new" or not _session.active:
        return None
    termwarn("wandb.init() called while a run is active: that run is returned", repeat=False)
    return _session.active[-1]


def _check_project(project: str) -> None:
    bad = [sign for sign in "/\\#?%:" if sign in project]
    if bad:
        raise UsageError(f"Invalid project name {project!r}: cannot contain {' '.join(bad)}")
    if len(project) > 128:
        raise UsageError(f"Invalid project name {project!r}: exceeded 128 characters")


def _check_id(id: str) -> None:
    if not isinstance(id, str):
        raise ValueError(f"wandb.init(id=) takes a str, not {id!r}")
    bad = [sign for sign in ":;,#?/'" if sign in id]
    if bad:
        raise UsageError(f"Run ID cannot contain the characters: {' '.join(bad)}")
    if not id.strip() or id != id.strip():
        raise UsageError("Run ID cannot be blank, start or end with a blank")


def _tags(tags: Any) -> tuple[str, ...]:
    if tags is None:
        named = os.environ.get("WANDB_TAGS")
        return tuple(part.strip() for part in named.split(",")) if named else ()
    found = tuple(tags)
    if any(not isinstance(tag, str) or not 1 <= len(tag) <= 64 for tag in found):
        raise ValueError(f"wandb.init(tags=) takes texts of 1 to 64 characters, not {tags!r}")
    return tuple(dict.fromkeys(found))


def _filtered(
    values: dict[str, Any], include: list[str] | None, exclude: list[str] | None
) -> dict[str, Any]:
    if include and exclude:
        raise UsageError("Expected at most one of config_include_keys and config_exclude_keys")
    if include:
        return {key: value for key, value in values.items() if key in include}
    return {key: value for key, value in values.items() if key not in (exclude or ())}


def require_run(call: str) -> Error:
    """The error for a call that needs an active run."""
    return Error(f"You must call wandb.init() before {call}")

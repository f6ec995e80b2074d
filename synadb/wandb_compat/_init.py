"""`wandb.init`, `wandb.attach` and `wandb.setup`."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

from synadb.errors import (
    InvalidValueError,
    RunEndedError,
    RunExistsError,
    RunNotFoundError,
    SynaDBError,
)
from synadb.ids import generate_id
from synadb.ops import EndRun
from synadb.settings import Settings as Environment
from synadb.settings import database_path
from synadb.wandb_compat import _session
from synadb.wandb_compat._around import Around, logger_levels
from synadb.wandb_compat._config import Config, initial_config, names_artifact
from synadb.wandb_compat._run import Run
from synadb.wandb_compat._run_dir import RunDir
from synadb.wandb_compat._settings import Settings, gather
from synadb.wandb_compat._term import follow, termlog, termwarn
from synadb.wandb_compat._values import config_stored
from synadb.wandb_compat.errors import Error, UsageError

if TYPE_CHECKING:
    from synadb.records import RunRecord
    from synadb.run import Run as NativeRun
    from synadb.tracker import ExperimentTracker

__all__ = ["attach", "attach_copy", "init", "setup"]

_UNSET = object()
_ATTEMPTS = 20  # to begin a run whose id other processes begin at the same moment


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
    given = Settings(**settings) if isinstance(settings, dict) else settings
    follow(given)
    try:
        chosen = gather(*_session.setup_settings)
        own = {"project": project, "entity": entity, "run_id": id}
        if chosen.sweep_id:
            from synadb.wandb_compat._sweeps.joining import without_place

            own, given = without_place(own, given)
        if given is not None:
            chosen.update_from_settings(given)
        chosen.update_from_dict(
            {
                **own,
                "allow_val_change": allow_val_change,
                "force": force,
                "fork_from": fork_from,
                "mode": mode,
                "reinit": reinit,
                "resume": resume,
                "resume_from": resume_from,
                "root_dir": dir,
                "run_group": group,
                "run_job_type": job_type,
                "run_name": name,
                "run_notes": notes,
                "run_tags": tuple(tags) if isinstance(tags, str) else tags,
                "save_code": save_code,
                "sync_tensorboard": tensorboard if sync_tensorboard is None else sync_tensorboard,
            }
        )
        follow(chosen)
        if monitor_gym and not chosen._noop:
            _monitor_gym()
        if anonymous is not _UNSET and anonymous is not None:
            termwarn("wandb.init(anonymous=) has no effect: there is no account", repeat=False)
        if magic is not None:
            termwarn("wandb.init(magic=) has no effect any more", repeat=False)
        return _init(chosen, config, config_include_keys, config_exclude_keys)
    finally:
        _session.listen()


def _monitor_gym() -> None:
    from importlib import import_module

    # By its name: that module is a script's view of this package, and imports it.
    try:
        import_module(f"{__package__}.integration.gym").monitor()
    except Error as error:
        termwarn(f"wandb.init(monitor_gym=True) has no effect: {error}", repeat=False)


def _init(
    chosen: Settings, config: Any, include: list[str] | None, exclude: list[str] | None
) -> Run:
    values, locked = initial_config(
        {} if config is None else config, include=include, exclude=exclude
    )
    if chosen._noop:
        from synadb.wandb_compat._disabled import make_disabled_run

        run: Run = make_disabled_run(
            project=chosen.project,
            id=chosen.run_id,
            name=chosen.run_name,
            group=chosen.run_group,
            job_type=chosen.run_job_type,
            notes=chosen.run_notes,
            tags=chosen.run_tags,
            config=Config(values, locked=locked, allow_val_change=chosen.allow_val_change),
            entity=chosen.entity,
            settings=chosen,
        )
        _session.bind(run)
        return run
    previous = _previous(chosen)
    if previous is not None:
        return previous
    return _start(chosen, values, locked)


def _previous(settings: Settings) -> Run | None:
    """The active run that init returns instead of a new one, if it does."""
    active = _session.mine()
    reinit = settings.reinit
    if reinit == "default":
        reinit = "finish_previous" if settings._jupyter else "return_previous"
    if reinit in (True, "finish_previous"):
        for run in reversed(active):
            run.finish()
        return None
    if reinit == "create_new" or not active:
        return None
    if settings.resume == "must":
        raise Error(
            "Cannot resume a run while another run is active: finish it first, or use "
            'wandb.init(reinit="create_new")'
        )
    if not settings.silent:
        follow(active[-1]._settings)
    termwarn(
        f"wandb.init() called while run {active[-1].name} ({active[-1].id}) of project "
        f"{active[-1].project} is active: that run is returned and the arguments are ignored "
        '(reinit="finish_previous" or "create_new" starts another)'
    )
    return active[-1]


def _start(settings: Settings, values: dict[str, Any], locked: dict[str, Any]) -> Run:
    settings.x_start_time = time.time()
    levels = logger_levels(settings.capture_loggers)
    project = settings.project
    chosen = bool(project)
    if not project:
        project = _default_project()
        settings.project = project
    if settings.resume == "auto":
        # Written before the run is there: a kill in between must not leave a run of no rows.
        settings.run_id = settings.run_id or _remembered(settings) or generate_id()
        _remember(settings)
    try:
        tracker = _session.tracker_for(
            database_path(settings.root_dir if "root_dir" in settings._given else None)
        )
        if settings.sweep_id:
            from synadb.wandb_compat._sweeps.joining import project_of

            project = settings.project = project_of(tracker, settings.sweep_id, project, chosen)
        # They become inputs of the run, which is not there yet.
        inputs = {key: values.pop(key) for key in list(values) if names_artifact(values[key])}
        beginning = _Beginning(tracker, settings, project, values)
        native, record = beginning.begin()
    except SynaDBError as error:
        raise Error(f"wandb.init(): {error}") from error
    settings.run_id = record.run_id.removeprefix(f"{project}/")
    folder = RunDir(settings, wanted=Environment.from_environment().run_dir)
    around = Around(native, settings, folder, levels)
    if settings.sync_tensorboard:
        from synadb.wandb_compat._tensorboard_hooks import patch_once

        patch_once()
    if settings.entity:
        native.update(metadata={"entity": settings.entity})
    if settings.sweep_id:
        from synadb.wandb_compat._sweeps.joining import join

        join(tracker, native, settings.sweep_id)
    run = Run(
        tracker,
        native,
        record,
        settings,
        folder,
        around,
        locked=locked,
        resumed=beginning.resumed,
        shared=beginning.shared,
        starting_step=beginning.starting_step,
        after_crash=beginning.after_crash,
    )
    _session.start(run, as_global=settings.reinit != "create_new")
    if inputs:
        run.config.update(inputs, allow_val_change=True)
    if settings.save_code:
        _save_code(run, settings)
    if not settings.silent:
        termlog(f"Run {run.name} ({run.id}) of project {run.project} goes to {tracker.path}")
    around.start()
    return run


class _Beginning:
    """How a run begins: anew, resumed, as another's fork, set back, or beside other processes."""

    def __init__(
        self,
        tracker: ExperimentTracker,
        settings: Settings,
        project: str,
        values: dict[str, Any],
    ) -> None:
        self.tracker = tracker
        self.settings = settings
        self.project = project
        self.config = {key: config_stored(value) for key, value in values.items()}
        self.resumed = False
        self.shared = settings._shared
        self.starting_step = 0
        self.after_crash = False
        self.fields: dict[str, Any] = {
            "name": settings.run_name or None,
            "notes": settings.run_notes,
            "tags": settings.run_tags or (),
            "group": settings.run_group or "",
            "job_type": settings.run_job_type or "",
        }

    def begin(self) -> tuple[NativeRun, RunRecord]:
        settings = self.settings
        if settings.fork_from is not None:
            return self._fork()
        if settings.resume_from is not None:
            return self._rewind()
        for left in range(_ATTEMPTS, -1, -1):
            try:
                return self._begin()
            except (RunExistsError, RunNotFoundError):
                # Another process has started, or put aside, a run of this id meanwhile.
                if not left:
                    raise
        raise AssertionError

    def _begin(self) -> tuple[NativeRun, RunRecord]:
        settings = self.settings
        run_id, old = self._find(settings.run_id)
        resume = settings.resume
        if resume == "must" and run_id is None:
            raise UsageError(
                'wandb.init(resume="must") needs the id of a run: wandb.init(id=..., resume="must")'
            )
        if resume == "must" and old is None:
            raise UsageError(
                f'wandb.init(resume="must"): project {self.project!r} has no run '
                f'{settings.run_id!r} in {self.tracker.path}; use resume="allow" to start it'
            )
        if resume == "never" and old is not None:
            raise UsageError(
                f'wandb.init(resume="never"): project {self.project!r} has a run '
                f"{settings.run_id!r}; choose another id"
            )
        if old is None:
            return self._new(run_id)
        if self._is_live(old):
            # Another process is at it, as the ranks of a distributed training are.
            self.shared = True
        self.resumed = resume in ("allow", "must", "auto")
        if self.resumed or self.shared:
            return self._continue(old)
        if settings.sweep_id and old.sweep_id == settings.sweep_id:
            if old.last_step < 0:
                # Ended before anything was logged: transformers' search begins its runs twice.
                return self._continue(old)
            termwarn(
                f"run {old.run_id} of this trial has ended, so that wandb.init starts another run "
                "of the sweep"
            )
            return self._new(None)
        self._keep_old(old)
        return self._new(run_id)

    def _find(self, run_id: str | None) -> tuple[str | None, RunRecord | None]:
        """The id under which a run is stored, and the run if it is there.

        Ids are wandb's: unique in a project only. A run whose id another project's run has in
        this file is stored as `project/id`.
        """
        if run_id is None:
            return None, None
        self.tracker.recover()  # a run whose process has died is not running any more
        old = self._get(run_id)
        if old is not None and old.experiment != self.project:
            run_id = f"{self.project}/{run_id}"
            old = self._get(run_id)
        return run_id, old

    def _get(self, run_id: str) -> RunRecord | None:
        try:
            return self.tracker.get_run(run_id)
        except RunNotFoundError:
            return None

    def _is_live(self, run: RunRecord) -> bool:
        """Whether a process logs to it: those of the dead have been brought in."""
        return bool(_session.journals(self.tracker, run.run_id))

    def _new(self, run_id: str | None) -> tuple[NativeRun, RunRecord]:
        native = self.tracker.run(self.project, run_id=run_id, config=self.config, **self.fields)
        return native, self.tracker.get_run(native.run_id)

    def _continue(self, old: RunRecord) -> tuple[NativeRun, RunRecord]:
        self.after_crash = old.state not in ("finished", "failed")
        native = self._join(old.run_id)
        given = {key: value for key, value in self.fields.items() if value not in (None, "", ())}
        if given:
            native.update(**given)
        if self.config:
            native.log_params(self.config)
        record = self.tracker.get_run(old.run_id)
        self.starting_step = record.last_step + 1
        return native, record

    def _join(self, run_id: str) -> NativeRun:
        """Log to a run that is there; only its primary process begins it again, and ends it."""
        if self.settings.x_primary:
            return self.tracker.run(self.project, run_id=run_id, resume=True)
        try:
            with self.tracker._lock:
                return self.tracker._attach(run_id)
        except RunEndedError:
            ended = self.tracker.get_run(run_id)
        native = self.tracker.run(self.project, run_id=run_id, resume=True)
        if ended.ended_at is not None:
            native.append(EndRun(run_id, ended.state, ended.ended_at, ended.exit_code))
        return native

    def _keep_old(self, old: RunRecord) -> None:
        """Put a run aside; wandb's service overwrites one whose id comes again without resume."""
        number = 1
        while self._get(f"{old.run_id}-old{number}") is not None:
            number += 1
        kept = f"{old.run_id}-old{number}"
        self.tracker.rename_run(old.run_id, kept)
        termwarn(
            f"there was a run with the id {self.settings.run_id!r}; it is kept as {kept!r} "
            '(say resume="allow" to go on with it)'
        )

    def _fork(self) -> tuple[NativeRun, RunRecord]:
        moment = self.settings.fork_from
        assert moment is not None
        source = self._source("fork_from", moment.run)
        try:
            native = self.tracker.fork_run(
                source.run_id,
                int(moment.value),
                new_id=self.settings.run_id or generate_id(),
                experiment=self.project,
                config=self.config,
                **self.fields,
            )
        except (InvalidValueError, RunExistsError) as error:
            raise UsageError(f"wandb.init(fork_from=): {error}") from error
        definitions = source.metadata.get("metrics")
        if definitions:
            native.update(metadata={"metrics": definitions})
        self.starting_step = int(moment.value) + 1
        return native, self.tracker.get_run(native.run_id)

    def _rewind(self) -> tuple[NativeRun, RunRecord]:
        moment = self.settings.resume_from
        assert moment is not None
        source = self._source("resume_from", moment.run)
        if self._is_live(source):
            raise UsageError(
                f"wandb.init(resume_from=): a process logs to run {moment.run!r}; end it first"
            )
        try:
            self.tracker.rewind_run(source.run_id, int(moment.value))
        except InvalidValueError as error:
            raise UsageError(f"wandb.init(resume_from=): {error}") from error
        self.resumed = True
        return self._continue(source)

    def _source(self, argument: str, run_id: str) -> RunRecord:
        found = self._find(run_id)[1]
        if found is None:
            raise UsageError(
                f"wandb.init({argument}=): project {self.project!r} has no run {run_id!r} in "
                f"{self.tracker.path}"
            )
        return found


def _default_project() -> str:
    from synadb.monitor.facts import project_from_git

    return project_from_git() or "uncategorized"


def _remembered(settings: Settings) -> str | None:
    """The run that `resume="auto"` goes on with: the last that did not end well."""
    try:
        with open(settings.resume_fname, encoding="utf-8") as file:
            run_id = json.load(file)["run_id"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return run_id if isinstance(run_id, str) else None


def _remember(settings: Settings) -> None:
    try:
        os.makedirs(os.path.dirname(settings.resume_fname), exist_ok=True)
        draft = f"{settings.resume_fname}.{os.getpid()}"
        with open(draft, "w", encoding="utf-8") as file:
            json.dump({"run_id": settings.run_id}, file)
        os.replace(draft, settings.resume_fname)
    except OSError as error:
        termwarn(f'resume="auto" cannot remember this run: {error}')


def _save_code(run: Run, settings: Settings) -> None:
    program = settings._code_path_local or settings.program
    import shutil
    import sys

    path = getattr(sys.modules.get("__main__"), "__file__", None) or program
    if not path or not os.path.isfile(path):
        return
    name = os.path.basename(path)
    try:
        os.makedirs(os.path.join(run.dir, "code"), exist_ok=True)
        shutil.copy2(path, os.path.join(run.dir, "code", name))
    except OSError as error:
        termwarn(f"{path} cannot be kept with the run: {error}")
        return
    run._set_config_wandb("code_path", f"code/{name}")


# -- other processes -----------------------------------------------------------------------------


def attach(
    attach_id: str | None = None,
    run_id: str | None = None,
    *,
    run: Run | None = None,
    path: str | None = None,
) -> Run:
    """Log to a run that another process has started, and make it the active one here.

    UsageError without an id, or when no run has it.
    """
    wanted = attach_id or run_id or (run._native.run_id if run is not None else None)
    if not wanted:
        raise UsageError("wandb.attach() takes the id of a run: wandb.attach(run_id)")
    for known in _session.active:
        if wanted in (known.id, known._native.run_id):
            if known._pid == os.getpid():
                return known
            wanted, path = known._native.run_id, known._tracker.path  # in a forked child
    tracker = _session.tracker_for(path or database_path())
    try:
        record = tracker.get_run(wanted)
    except RunNotFoundError as error:
        raise UsageError(f"wandb.attach(): {tracker.path} has no run {wanted!r}") from error
    if record.state not in ("running", "preempting", "crashed"):
        raise UsageError(
            f"wandb.attach(): run {wanted!r} has ended ({record.state}); "
            f'wandb.init(id=..., resume="must") goes on with it'
        )
    settings = gather(*_session.setup_settings)
    settings.update_from_dict({"project": record.experiment, "run_id": wanted})
    settings.x_primary = False  # it ends where it was started
    settings.console = "off"
    settings.x_disable_stats = True
    native = tracker.run(record.experiment, run_id=record.run_id, resume=True)
    folder = RunDir(settings, wanted=False)
    attached = Run(
        tracker,
        native,
        tracker.get_run(record.run_id),
        settings,
        folder,
        Around(native, settings, folder),
        shared=True,
        starting_step=record.last_step + 1,
    )
    _session.start(attached, as_global=True)
    return attached


def attach_copy(run_id: str, path: str, pid: int) -> Run:
    """A pickled run in the process that unpickles it."""
    if os.getpid() == pid:
        raise RuntimeError(
            "a run cannot be unpickled in the process that it belongs to; use the run itself"
        )
    return attach(run_id, path=path)


class Setup:
    """What `wandb.setup` returns."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.config: dict[str, Any] = {}


def setup(settings: Settings | dict[str, Any] | None = None) -> Setup:
    """Settings for every run of this process; init's own win over them."""
    given = Settings(**settings) if isinstance(settings, dict) else settings
    if given is not None:
        _session.setup_settings[:] = [given]
    return Setup(gather(*_session.setup_settings))

"""The run of `wandb.init(mode="disabled")`: all of wandb's calls, and nothing recorded."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from synadb.ids import generate_id
from synadb.wandb_compat import _session
from synadb.wandb_compat._config import Config
from synadb.wandb_compat._metric import Metric
from synadb.wandb_compat._run import Run
from synadb.wandb_compat._settings import Settings

__all__ = ["DisabledRun", "RunDisabled", "SummaryDisabled", "make_disabled_run"]

_DUMMY = "dummy"


class _MissingError(KeyError, AttributeError):
    """A key that is not there, asked for as an item or as an attribute."""


class SummaryDisabled(dict[str, Any]):
    """A dict whose keys are attributes too; takes any value."""

    def __getitem__(self, key: str) -> Any:
        try:
            value = dict.__getitem__(self, key)
        except KeyError:
            raise _MissingError(key) from None
        if isinstance(value, dict) and not isinstance(value, SummaryDisabled):
            value = self[key] = SummaryDisabled(value)
        return value

    def __getattr__(self, key: str) -> Any:
        return self[key]

    def __setattr__(self, key: str, value: Any) -> None:
        self[key] = value

    def __delattr__(self, key: str) -> None:
        if key not in self:
            raise _MissingError(key)
        del self[key]

    def _as_dict(self) -> dict[str, Any]:
        return {
            key: SummaryDisabled(value)._as_dict() if isinstance(value, dict) else value
            for key, value in self.items()
        }


class RunDisabled:
    """Stands for any object: every attribute, item and call of it is itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        # Protocols such as __array__ or __deepcopy__ are asked for, and must be denied.
        if name.startswith("__"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> RunDisabled:
        return self

    def __getitem__(self, key: Any) -> RunDisabled:
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __delitem__(self, key: Any) -> None:
        pass

    def __contains__(self, key: object) -> bool:
        return False

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True

    def __enter__(self) -> RunDisabled:
        return self

    def __exit__(self, *details: Any) -> None:
        pass

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def make_disabled_run(
    *,
    project: str | None = None,
    id: str | None = None,
    name: str | None = None,
    group: str | None = None,
    job_type: str | None = None,
    notes: str | None = None,
    tags: Any = None,
    config: Mapping[str, Any] | Config | None = None,
    entity: str | None = None,
    settings: Settings | None = None,
) -> DisabledRun:
    """A new run that records nothing; what is not given has wandb's placeholder."""
    run = DisabledRun.__new__(DisabledRun)
    id = id or generate_id()
    settings = Settings() if settings is None else settings.copy()
    settings.mode = "disabled"
    started = time.time()
    run.__dict__.update(
        _id=id,
        _name=name or f"{_DUMMY}-{id}",
        _project=project or _DUMMY,
        _entity=entity or _DUMMY,
        _group=group or "",
        _job_type=job_type or "",
        _notes=notes,
        _tags=tuple(tags or ()),
        _started=started,
        _folder_name=time.strftime("run-%Y%m%d_%H%M%S-", time.localtime(started)) + id,
        _config=config if isinstance(config, Config) else Config(config or {}),
        _summary=SummaryDisabled(),
        _settings=settings,
        _is_finished=False,
        _tensorboard_callback=None,
    )
    return run


class DisabledRun(Run):
    """A run that takes every call and records nothing; made by `make_disabled_run`.

    `log` sets the summary, whatever the values are. The config behaves as that of any run. Other
    attributes can be set freely.
    """

    # `Run.__init__` is never called: a method of it that is not defined anew here has no tracker.

    def log(
        self,
        data: Mapping[str, Any],
        step: int | None = None,
        commit: bool | None = None,
        sync: bool | None = None,
    ) -> None:
        """Set keys of the summary; nothing is checked, also after finish."""
        self.__dict__["_summary"].update(data)

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """End the run; it takes calls all the same."""
        self.__dict__["_is_finished"] = True
        _session.ended(self)

    def _finish(self, *args: Any, **kwargs: Any) -> None:
        self.finish()

    def join(self, exit_code: int | None = None) -> None:
        """The old name of `finish`."""
        self.finish()

    def __enter__(self) -> DisabledRun:
        return self

    def __exit__(self, *details: Any) -> None:
        self.finish()

    def define_metric(self, *args: Any, **kwargs: Any) -> Metric:
        """A metric that defines nothing."""
        return Metric(_DUMMY)

    def log_artifact(self, *args: Any, **kwargs: Any) -> Any:
        """An object that takes every use."""
        return RunDisabled()

    def save(self, *args: Any, **kwargs: Any) -> Any:
        """False: nothing is saved."""
        return False

    def display(self, height: int = 420, hidden: bool = False) -> bool:
        """False: nothing is shown."""
        return False

    def to_html(self, height: int = 420, hidden: bool = False) -> str:
        """The run as a piece of HTML."""
        from synadb.wandb_compat._display import run_html

        return run_html(
            name=self.name,
            run_id=self.id,
            project=self.project,
            state="disabled",
            path=None,
            history={},
            summary=self.__dict__["_summary"],
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.to_html(), "text/plain": repr(self)}

    def _nothing(self, *args: Any, **kwargs: Any) -> Any:
        """None: this run records nothing."""

    alert = finish_artifact = link_artifact = link_model = log_code = log_model = _nothing
    mark_preempting = pin_config_keys = restore = status = unwatch = upsert_artifact = _nothing
    use_artifact = use_model = watch = write_logs = _nothing
    logged_artifacts = used_artifacts = _nothing
    get_project_url = get_sweep_url = get_url = _nothing
    _label = _log = _set_config_wandb = _nothing

    # -- attributes ------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The run's id."""
        return str(self.__dict__["_id"])

    @property
    def project(self) -> str:
        """The project given to init, or `dummy`."""
        return str(self.__dict__["_project"])

    def project_name(self) -> str:
        """The old name of `project`."""
        return self.project

    @property
    def entity(self) -> str:
        """The entity given to init, or `dummy`."""
        return str(self.__dict__["_entity"])

    @property
    def path(self) -> str:
        """`entity/project/id`."""
        return f"{self.entity}/{self.project}/{self.id}"

    @property
    def name(self) -> str:
        """The name given to init, or `dummy-<id>`; can be set."""
        return str(self.__dict__["_name"])

    @name.setter
    def name(self, value: str | None) -> None:
        self.__dict__["_name"] = value

    @property
    def notes(self) -> str | None:
        """The notes; can be set."""
        notes: str | None = self.__dict__["_notes"]
        return notes

    @notes.setter
    def notes(self, value: str | None) -> None:
        self.__dict__["_notes"] = value

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags; can be set."""
        return tuple(self.__dict__["_tags"])

    @tags.setter
    def tags(self, value: Any) -> None:
        self.__dict__["_tags"] = tuple(value or ())

    @property
    def group(self) -> str:
        """The group, or an empty text."""
        return str(self.__dict__["_group"])

    @property
    def job_type(self) -> str:
        """The job type, or an empty text."""
        return str(self.__dict__["_job_type"])

    @property
    def summary(self) -> Any:
        """What was logged last under each key; can be set."""
        return self.__dict__["_summary"]

    @summary.setter
    def summary(self, value: Mapping[str, Any]) -> None:
        # The same object, since `wandb.summary` is it.
        summary = self.__dict__["_summary"]
        values = dict(value)
        summary.clear()
        summary.update(values)

    @property
    def dir(self) -> str:
        """Where the run's files would be; the folder does not exist."""
        return self._in_sync_dir("files")

    @property
    def sync_dir(self) -> str:
        """The folder that would hold `dir`."""
        return self._in_sync_dir()

    def _in_sync_dir(self, *parts: str) -> str:
        import os
        import tempfile

        return os.path.join(tempfile.gettempdir(), "wandb", self.__dict__["_folder_name"], *parts)

    @property
    def step(self) -> int:
        """Always 0."""
        return 0

    @property
    def starting_step(self) -> int:
        """Always 0."""
        return 0

    @property
    def resumed(self) -> bool:
        """False: nothing is continued."""
        return False

    @property
    def start_time(self) -> float:
        """Seconds since the epoch."""
        return float(self.__dict__["_started"])

    @property
    def _start_time(self) -> float:
        return self.start_time

    @property
    def offline(self) -> bool:
        """False: this run is disabled."""
        return False

    @property
    def disabled(self) -> bool:
        """True: this run records nothing."""
        return True

    @property
    def mode(self) -> str:
        """The mode, as older releases had it."""
        return "disabled"

    @property
    def url(self) -> None:
        """None: the run lies nowhere."""

    @property
    def project_url(self) -> None:
        """None: the project lies nowhere."""

    @property
    def sweep_url(self) -> None:
        """None: there is no sweep."""

    @property
    def sweep_id(self) -> None:
        """None: there is no sweep."""

    @property
    def _attach_id(self) -> Any:
        return None

    # -- as an object ----------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _copied, (self.__dict__.copy(),)

    def __repr__(self) -> str:
        return f"<Run {self.path} (disabled)>"


def _copied(state: dict[str, Any]) -> DisabledRun:
    run = DisabledRun.__new__(DisabledRun)
    run.__dict__.update(state)
    return run

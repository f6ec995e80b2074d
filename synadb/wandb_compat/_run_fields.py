"""The fields of a run, as its properties: names, URLs, how it stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat._settings import Settings
from synadb.wandb_compat._term import termwarn

if TYPE_CHECKING:
    from synadb.records import RunRecord
    from synadb.run import Run as NativeRun
    from synadb.tracker import ExperimentTracker
    from synadb.wandb_compat._config import Config, ConfigStatic

__all__ = ["RunFields", "clean_text"]


class RunFields:
    """A part of `Run`."""

    if TYPE_CHECKING:
        _tracker: ExperimentTracker
        _native: NativeRun
        _record: RunRecord
        _settings: Settings
        _step: int
        _lent: int | None

        def _check_active(self, call: str) -> None: ...
        def _catch_up(self) -> None: ...
        def _lend(self) -> None: ...

    @property
    def id(self) -> str:
        """The run's id."""
        return self._record.run_id.removeprefix(f"{self.project}/")

    @property
    def _attach_id(self) -> str:
        self._lend()
        return self._native.run_id  # with the project, where another one has a run of this id

    @property
    def project(self) -> str:
        """The project."""
        return self._record.experiment

    def project_name(self) -> str:
        """The old name of `project`."""
        return self.project

    @property
    def entity(self) -> str:
        """The entity given to init, or an empty text."""
        return self._settings.entity or ""

    @property
    def path(self) -> str:
        """`entity/project/id`, without an empty entity."""
        return "/".join(part for part in (self.entity, self.project, self.id) if part)

    @property
    def group(self) -> str:
        """The group, or an empty text."""
        return self._record.group

    @property
    def job_type(self) -> str:
        """The job type, or an empty text."""
        return self._record.job_type

    @property
    def name(self) -> str:
        """The display name; can be set."""
        return str(self.__dict__["_name"])

    @name.setter
    def name(self, value: str | None) -> None:
        self._check_active("name")
        if value is not None:
            self._change("name", _str_field("name", value) or self.name)

    @property
    def notes(self) -> str | None:
        """The notes; can be set."""
        notes: str | None = self.__dict__["_notes"]
        return notes

    @notes.setter
    def notes(self, value: str | None) -> None:
        self._change("notes", None if value is None else _str_field("notes", value))

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags; can be set."""
        return tuple(self.__dict__["_tags"])

    @tags.setter
    def tags(self, value: Iterable[str]) -> None:
        self._check_active("tags")
        try:
            settings = Settings(run_tags=tuple(value))
        except ValueError as error:
            termwarn(f"Invalid tag detected: {error} Tags not updated.")
            return
        self._change("tags", tuple(settings.run_tags or ()))

    def _change(self, field: str, value: Any) -> None:
        self._check_active(field)
        self._native.update(**{field: value})
        self.__dict__["_" + field] = value

    @property
    def config(self) -> Config:
        """The config."""
        config: Config = self.__dict__["_config"]
        return config

    @property
    def config_static(self) -> ConfigStatic:
        """The config as it is now, read-only."""
        from synadb.wandb_compat._config import ConfigStatic

        return ConfigStatic(self.config)

    @property
    def step(self) -> int:
        """The step of the open row, which is the next one to be written."""
        if self._lent is not None:
            self._catch_up()
        return self._step

    @property
    def starting_step(self) -> int:
        """The first step of this process."""
        return int(self.__dict__["_starting_step"])

    @property
    def resumed(self) -> bool:
        """Whether this continues an earlier run."""
        return bool(self.__dict__["_resumed"])

    @property
    def start_time(self) -> float:
        """Seconds since the epoch."""
        return self._record.created_at

    @property
    def _start_time(self) -> float:
        return self._record.created_at

    @property
    def offline(self) -> bool:
        """Whether the script asked for offline mode; nothing leaves this machine in any mode."""
        return self._settings._offline

    @property
    def disabled(self) -> bool:
        """False: this run records."""
        return False

    @property
    def mode(self) -> str:
        """The mode, as older releases had it."""
        return self._settings.mode

    @property
    def url(self) -> str | None:
        """Where the run lies, as a URL of the database file; None in offline mode, as in wandb."""
        return self._url(self.id)

    @property
    def project_url(self) -> str | None:
        """Where the project lies; None in offline mode."""
        return self._url(None)

    @property
    def sweep_url(self) -> str | None:
        """Where the sweep lies; None without a sweep."""
        return self._url(f"sweeps/{self.sweep_id}") if self.sweep_id else None

    def _url(self, place: str | None) -> str | None:
        if self.offline:
            return None
        from urllib.parse import quote

        inside = "/".join(part for part in (self.project, place) if part)
        return f"file://{quote(self._tracker.path)}#{quote(inside)}"

    def get_url(self) -> str | None:
        """The old name of `url`."""
        return self.url

    def get_project_url(self) -> str | None:
        """The old name of `project_url`."""
        return self.project_url

    def get_sweep_url(self) -> str | None:
        """The old name of `sweep_url`."""
        return self.sweep_url

    @property
    def sweep_id(self) -> str | None:
        """The sweep that this run is a trial of."""
        return self._settings.sweep_id

    @property
    def settings(self) -> Settings:
        """The settings, as a copy."""
        return self._settings.copy()


def clean_text(key: str) -> str:
    text = str.__str__(key)
    if not text.isascii():
        # A lone surrogate is no text that could be stored.
        text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return text


def _str_field(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"run.{name} takes a str, not {value!r}")
    return clean_text(value)

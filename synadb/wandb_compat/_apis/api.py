"""`wandb.Api`: what is in the database, found by path and by filter."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from synadb.ids import generate_id
from synadb.ops import StartRun, UpdateRun
from synadb.system import host
from synadb.wandb_compat._apis import artifacts as stored_artifacts
from synadb.wandb_compat._apis import paths
from synadb.wandb_compat._apis.errors import (
    NotFoundError,
    RunNotFoundError,
    no_attribute,
    normalize_exceptions,
    not_here,
    unsupported,
)
from synadb.wandb_compat._apis.projects import Project, Projects
from synadb.wandb_compat._apis.runs import Run, Runs
from synadb.wandb_compat._apis.source import Source, user_name
from synadb.wandb_compat._apis.sweeps import Sweep, find_sweep
from synadb.wandb_compat._apis.users import Team, User, local_user
from synadb.wandb_compat.errors import CommError, Error

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker
    from synadb.wandb_compat._settings import Settings

__all__ = ["Api"]

_BASE_URL = "https://api.wandb.ai"
_ACCOUNTS = "there are no accounts, only the user of this machine"
_LAUNCH = "jobs and queues are run by wandb's service"
_AUTOMATION = "automations and integrations are run by wandb's service"
_REGISTRY = "registries belong to an organization of wandb's service"


class _Client:
    """In place of the connection to wandb's service."""

    app_url = "file://"

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Not supported: there is no service to ask."""
        unsupported("Api.client.execute()", "there is no service that answers queries")


class Api:
    """Runs, projects and artifacts of the database that the drop-in writes to.

    Everything is local: an entity in a path is accepted and tells nothing apart, a key is not
    needed. What this process has logged is there at once, also by runs that are still going.

    Args:
        overrides: defaults for `entity` and `project`; `path` names another database file.
        timeout: accepted; nothing is waited for.
        api_key: accepted, and kept as `api_key`.
    """

    def __init__(
        self,
        overrides: Mapping[str, Any] | None = None,
        timeout: int | None = None,
        api_key: str | None = None,
    ) -> None:
        given = dict(overrides or {})
        self._source = Source(given.pop("path", None))
        self.settings: dict[str, Any] = {
            "base_url": os.environ.get("WANDB_BASE_URL", _BASE_URL),
            "entity": _setting("entity"),
            "project": _setting("project"),
            "organization": os.environ.get("WANDB_ORGANIZATION"),
            **given,
        }
        self._api_key = api_key
        self._timeout = timeout
        self._runs: dict[Any, Run | Runs] = {}
        self._user: User | None = None

    # -- who, and where --------------------------------------------------------------------------

    @property
    def api_key(self) -> str:
        """The key that was given, that of the environment, or a placeholder."""
        from synadb.wandb_compat.sdk.lib.deprecated_api import api

        return self._api_key or str(api.api_key)

    @property
    def client(self) -> _Client:
        """In place of the connection to wandb's service; it answers no queries."""
        return _Client()

    @property
    def user_agent(self) -> str:
        """What this calls itself."""
        from synadb.wandb_compat import __version__

        return f"W&B Public Client {__version__}"

    @property
    def default_entity(self) -> str:
        """The entity of paths that name none: WANDB_ENTITY, or the name of the user."""
        return str(self.settings.get("entity") or user_name())

    @property
    def viewer(self) -> User:
        """The user of this machine."""
        if self._user is None:
            self._user = local_user(self.default_entity, user_name(), self._api_key)
        return self._user

    @normalize_exceptions
    def user(self, username_or_email: str) -> User | None:
        """The user of that name, who is the user of this machine or nobody."""
        return next(iter(self.users(username_or_email)), None)

    @normalize_exceptions
    def users(self, username_or_email: str) -> list[User]:
        """The users whose name begins or ends so."""
        known = self.viewer.username
        found = known.startswith(username_or_email) or known.endswith(username_or_email)
        return [self.viewer] if found else []

    def team(self, team: str) -> Team:
        """A team of that name, whose member is the user of this machine."""
        return Team(team, self.viewer)

    def flush(self) -> None:
        """Forget the runs that have been read; they are read anew when they are asked for."""
        self._runs = {}

    # -- runs ------------------------------------------------------------------------------------

    @normalize_exceptions
    def runs(
        self,
        path: str | None = None,
        filters: Mapping[str, Any] | None = None,
        order: str | Sequence[str] = "+created_at",
        per_page: int = 50,
        include_sweeps: bool = False,
        lazy: bool = True,
    ) -> Runs:
        """The runs of a project that fit MongoDB-style `filters`, in an order.

        `{"config.lr": {"$gt": 1e-3}, "tags": "best"}` and `"-summary_metrics.acc"`; several keys
        of an order are separated by commas. The same question gives the same object until `flush`.
        """
        key = (path, repr(filters), str(order), per_page)
        found = self._runs.get(key)
        if not isinstance(found, Runs):
            entity, project = paths.project_path(path)
            found = Runs(
                self._source,
                entity or self.default_entity,
                project or self._project(),
                self.viewer,
                filters,
                order,
                per_page,
                include_sweeps,
                lazy,
            )
            self._runs[key] = found
        return found

    @normalize_exceptions
    def run(self, path: str = "") -> Run:
        """A run by its path: `entity/project/id`, `project/id` or `id`; CommError.

        The same path gives the same object until `flush`.
        """
        known = self._runs.get(path)
        if isinstance(known, Run):
            return known
        entity, project, run_id = paths.run_path(path)
        wanted = project or self.settings.get("project")
        found = self._source.run(wanted, run_id)
        if found is None and project is None:
            found = self._source.run(None, run_id)
        if found is None:
            place = "/".join(filter(None, (entity or self.default_entity, wanted, run_id)))
            raise RunNotFoundError(f"Could not find run <Run {place} (not found)>")
        tracker, record = found
        run = Run(tracker.path, record, entity or self.default_entity, self.viewer)
        self._runs[path] = run
        return run

    @normalize_exceptions
    def create_run(
        self,
        *,
        run_id: str | None = None,
        project: str | None = None,
        entity: str | None = None,
    ) -> Run:
        """Make a run that nobody logs to yet, or return the one that is there."""
        return self._create_run(run_id=run_id, project=project, entity=entity)

    def _create_run(
        self,
        *,
        run_id: str | None = None,
        project: str | None = None,
        entity: str | None = None,
        state: Literal["running", "pending"] = "running",
    ) -> Run:
        tracker = self._writable()
        name = project or self._project()
        run_id = run_id or generate_id()
        found = self._source.run(name, run_id)
        if found is None:
            taken = run_id in tracker._store.run_ids()
            stored = f"{name}/{run_id}" if taken else run_id
            metadata = {"metadata": {"entity": entity}} if entity else {}
            tracker._store.apply(
                [
                    StartRun(stored, name, time.time(), host=host()),
                    UpdateRun(stored, {"state": state, **metadata}),
                ]
            )
            found = tracker, tracker.get_run(stored)
        tracker, record = found
        return Run(tracker.path, record, entity or self.default_entity, self.viewer)

    @normalize_exceptions
    def sync_tensorboard(
        self,
        root_dir: str,
        run_id: str | None = None,
        project: str | None = None,
        entity: str | None = None,
    ) -> None:
        """Bring the runs of a log folder of TensorBoard into the database.

        Each folder with event files is a run. `run_id` is for a log folder with one of them.
        CommError if there is none, or if there are several for a `run_id`.
        """
        from synadb.formats._bring_in import bring_in
        from synadb.formats.tensorboard import sources

        found = list(sources(root_dir, project or self._project()))
        if run_id is not None:
            if len(found) > 1:
                raise ValueError(
                    f"Api.sync_tensorboard(run_id=) is for one run, and {root_dir} has {len(found)}"
                )
            found = [source._replace(run_id=run_id) for source in found]
        bring_in(self._writable(), found, "tensorboard")

    @normalize_exceptions
    def sweep(self, path: str = "") -> Sweep:
        """A sweep by its path: `entity/project/id`, `project/id` or `id`; CommError."""
        entity, project, sweep_id = paths.run_path(path)
        wanted = project or self.settings.get("project")
        found = find_sweep(self._source, wanted, sweep_id)
        if found is None and project is None:
            found = find_sweep(self._source, None, sweep_id)
        if found is None:
            place = "/".join(filter(None, (entity or self.default_entity, wanted, sweep_id)))
            raise NotFoundError(f"Could not find sweep {place}")
        return Sweep(found[0], entity or self.default_entity, found[1], sweep_id, self.viewer)

    # -- projects --------------------------------------------------------------------------------

    @normalize_exceptions
    def create_project(self, name: str, entity: str | None = None) -> None:
        """Make a project that has no runs yet."""
        from synadb.wandb_compat._settings import Settings

        Settings(project=name)
        self._writable().create_experiment(name)

    @normalize_exceptions
    def projects(self, entity: str | None = None, per_page: int = 200) -> Projects:
        """All projects; any entity has the same."""
        return Projects(self._source, entity or self.default_entity, self.viewer, per_page)

    @normalize_exceptions
    def project(self, name: str, entity: str | None = None) -> Project:
        """A project; that there is none is an error when something of it is asked."""
        return Project(self._source, entity or self.default_entity, name, self.viewer)

    @normalize_exceptions
    def from_path(self, path: str) -> Any:
        """What a path names: a project, or a run for `entity/project/id`; Error for others."""
        parts = path.strip("/ ").split("/")
        if len(parts) == 4 and not parts[2].startswith("run"):
            if parts[2].startswith("sweep"):
                return self.sweep("/".join((*parts[:2], parts[3])))
            if parts[2].startswith("report"):
                return self.reports(path)
            parts = []
        if not 1 <= len(parts) <= 4 or not all(parts):
            raise Error(
                f"Invalid path {path!r}, should be TEAM/PROJECT/TYPE/ID where TYPE is runs, "
                "sweeps, or reports"
            )
        if len(parts) < 3:
            return self.project(parts[-1], parts[0] if len(parts) == 2 else None)
        return self.run("/".join((*parts[:2], parts[-1])))

    # -- artifacts -------------------------------------------------------------------------------

    @normalize_exceptions
    def artifact(self, name: str, type: str | None = None) -> Any:
        """An artifact version: `entity/project/name:alias`, or less of it; CommError."""
        return stored_artifacts.get(self._source, *self._artifact_place(name), type)

    @normalize_exceptions
    def artifacts(
        self,
        type_name: str,
        name: str,
        order: str | None = None,
        per_page: int = 50,
        tags: str | list[str] | None = None,
        start: str | None = None,
    ) -> stored_artifacts.Artifacts:
        """The versions of an artifact, the newest first, those that have all of `tags`."""
        entity, project, collection = self._artifact_place(name)
        return stored_artifacts.Artifacts(
            self._source,
            entity,
            project,
            collection.partition(":")[0],
            type_name,
            order=order,
            per_page=per_page,
            tags=tags,
            start=start,
        )

    def artifact_versions(self, type_name: str, name: str, per_page: int = 50) -> Any:
        """The old name of `artifacts`."""
        return self.artifacts(type_name, name, per_page=per_page)

    @normalize_exceptions
    def artifact_exists(self, name: str, type: str | None = None) -> bool:
        """Whether there is such an artifact version."""
        try:
            self.artifact(name, type)
        except CommError:
            return False
        return True

    @normalize_exceptions
    def artifact_types(
        self, project: str | None = None, start: str | None = None
    ) -> stored_artifacts.ArtifactTypes:
        """The types of artifacts that a project has."""
        entity, name = paths.project_path(project)
        return stored_artifacts.ArtifactTypes(
            self._source, entity or self.default_entity, name or self._project(), start=start
        )

    @normalize_exceptions
    def artifact_type(
        self, type_name: str, project: str | None = None
    ) -> stored_artifacts.ArtifactType:
        """One type of artifacts of a project."""
        entity, name = paths.project_path(project)
        return stored_artifacts.ArtifactType(
            self._source, entity or self.default_entity, name or self._project(), type_name
        )

    @normalize_exceptions
    def artifact_collections(
        self,
        project_name: str,
        type_name: str,
        order: str | None = None,
        per_page: int = 50,
        start: str | None = None,
    ) -> stored_artifacts.ArtifactCollections:
        """The artifacts of one type that a project has."""
        entity, name = paths.project_path(project_name)
        return stored_artifacts.ArtifactCollections(
            self._source,
            entity or self.default_entity,
            name or self._project(),
            type_name,
            order=order,
            per_page=per_page,
            start=start,
        )

    @normalize_exceptions
    def artifact_collection(self, type_name: str, name: str) -> stored_artifacts.ArtifactCollection:
        """One artifact with all its versions; CommError."""
        entity, project, collection = self._artifact_place(name)
        return stored_artifacts.ArtifactCollection(
            self._source, entity, project, collection, type_name
        )

    @normalize_exceptions
    def artifact_collection_exists(self, name: str, type: str) -> bool:
        """Whether there is such an artifact."""
        try:
            self.artifact_collection(type, name)
        except CommError:
            return False
        return True

    # -- what only the service has ---------------------------------------------------------------

    create_custom_chart = not_here(
        "Api.create_custom_chart()", "charts are drawn by wandb's web app"
    )
    create_report = not_here("Api.create_report()", "reports are pages of wandb's web app")
    load_report = not_here("Api.load_report()", "reports are pages of wandb's web app")
    reports = not_here("Api.reports()", "reports are pages of wandb's web app")
    create_team = not_here("Api.create_team()", _ACCOUNTS)
    create_user = not_here("Api.create_user()", _ACCOUNTS)
    organization = not_here("Api.organization()", _ACCOUNTS)
    create_run_queue = not_here("Api.create_run_queue()", _LAUNCH)
    upsert_run_queue = not_here("Api.upsert_run_queue()", _LAUNCH)
    run_queue = not_here("Api.run_queue()", _LAUNCH)
    queued_run = not_here("Api.queued_run()", _LAUNCH)
    queued_job = not_here("Api.queued_job()", _LAUNCH)
    job = not_here("Api.job()", _LAUNCH)
    list_jobs = not_here("Api.list_jobs()", _LAUNCH)
    automation = not_here("Api.automation()", _AUTOMATION)
    automations = not_here("Api.automations()", _AUTOMATION)
    create_automation = not_here("Api.create_automation()", _AUTOMATION)
    update_automation = not_here("Api.update_automation()", _AUTOMATION)
    delete_automation = not_here("Api.delete_automation()", _AUTOMATION)
    integrations = not_here("Api.integrations()", _AUTOMATION)
    slack_integrations = not_here("Api.slack_integrations()", _AUTOMATION)
    webhook_integrations = not_here("Api.webhook_integrations()", _AUTOMATION)
    registries = not_here("Api.registries()", _REGISTRY)
    registry = not_here("Api.registry()", _REGISTRY)
    create_registry = not_here("Api.create_registry()", _REGISTRY)

    # -- helpers ---------------------------------------------------------------------------------

    def _project(self) -> str:
        """The project of paths that name none: the one that `wandb.init` would take."""
        given = self.settings.get("project")
        if given:
            return str(given)
        from synadb.wandb_compat import _session
        from synadb.wandb_compat._init import _default_project

        active = _session.mine()
        return active[-1].project if active else _default_project()

    def _artifact_place(self, name: str) -> tuple[str, str, str]:
        entity, project, rest = paths.artifact_path(name)
        if project is None:
            project = stored_artifacts.project_of(self._source, self._project(), rest)
        return entity or self.default_entity, project, rest

    def _writable(self) -> ExperimentTracker:
        """The database that the drop-in writes to, made if it is not there."""
        from synadb.wandb_compat import _session
        from synadb.wandb_compat._apis.source import opened

        path = self._source.paths()[0]
        return opened(path) or _session.tracker_for(path)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            from synadb.wandb_compat._surface import missing_attribute

            raise missing_attribute("wandb.Api", name)
        raise no_attribute("'Api' object", name)

    def __repr__(self) -> str:
        return f"<Api of {self._source.paths()[0]}>"


def _setting(name: str) -> str | None:
    """What the environment or `wandb.setup` says."""
    from synadb.wandb_compat import _session

    given: list[Settings] = _session.setup_settings
    found = next((getattr(settings, name) for settings in given), None)
    return found or os.environ.get(f"WANDB_{name.upper()}") or None

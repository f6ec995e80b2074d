"""`wandb.apis.public.sweeps`: the sweeps of a project, their runs and their agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from synadb.errors import SweepNotFoundError
from synadb.wandb_compat._apis.attrs import Attrs, iso_time
from synadb.wandb_compat._apis.errors import NotFoundError
from synadb.wandb_compat._apis.pages import Paginator
from synadb.wandb_compat._apis.query_generator import QueryGenerator
from synadb.wandb_compat._apis.runs import Run, Runs
from synadb.wandb_compat._apis.selecting import selected
from synadb.wandb_compat._apis.source import Source, opened, url
from synadb.wandb_compat._apis.users import User
from synadb.wandb_compat._term import termlog, termwarn
from synadb.wandb_compat.errors import CommError

if TYPE_CHECKING:
    from synadb.records import SweepRecord, TrialRecord
    from synadb.sweeps.view import Sweep as Stored
    from synadb.wandb_compat._apis.api import Api

__all__ = ["Agent", "Sweep", "Sweeps", "find_sweep"]


def find_sweep(source: Source, project: str | None, sweep_id: str) -> tuple[str, str] | None:
    """The database that has a sweep, and its project; None where there is none."""
    for tracker in source.trackers():
        try:
            found = tracker.sweep(sweep_id)
        except SweepNotFoundError:
            continue
        if project is None or found.project == project:
            return tracker.path, found.project
    return None


class Sweep(Attrs):
    """A sweep as it stood when it was read; `load(force=True)` reads it again."""

    def __init__(self, path: str, entity: str, project: str, sweep_id: str, user: User) -> None:
        super().__init__({})
        self.id = sweep_id
        self.project = project
        self._entity = entity
        self._path = path
        self._user = user
        self.load()

    @classmethod
    def get(
        cls,
        api: Api,
        entity: str | None = None,
        project: str | None = None,
        sid: str | None = None,
        order: str | None = None,
        query: str | None = None,
        **kwargs: Any,
    ) -> Sweep | None:
        """A sweep of an Api by its id; None if there is none.

        `order` and `query`, which say how wandb's service is asked, have no effect.
        """
        path = "/".join(part for part in (entity, project, sid) if part)
        try:
            return api.sweep(path)
        except CommError:
            return None

    def _stored(self) -> Stored:
        tracker = opened(self._path)
        try:
            if tracker is not None:
                return tracker.sweep(self.id)
        except SweepNotFoundError:
            pass
        raise NotFoundError(f"Could not find sweep {'/'.join(self.path)}")

    def load(self, force: bool = False) -> dict[str, Any]:
        """The sweep's fields; with `force` as they are now."""
        if force or not self._attrs:
            stored = self._stored()
            record = stored.record
            self._attrs = {
                "id": self.id,
                "name": self.id,
                "displayName": record.properties.get("display_name"),
                "method": record.config.get("method"),
                "state": record.state,
                "description": record.config.get("description"),
                "bestLoss": None,
                "config": record.config,
                "createdAt": iso_time(record.created_at),
                "updatedAt": iso_time(record.updated_at),
                "runCount": len(stored.runs),
                "runCountExpected": stored.expected_run_count,
            }
        return self._attrs

    @property
    def name(self) -> str:
        """The name shown: that of the config, else the id."""
        return str(self._attrs["displayName"] or self.config.get("name") or self.id)

    @property
    def sweep_name(self) -> str:
        """The same as `id`, as runs call it."""
        return self.id

    @property
    def entity(self) -> str:
        """The entity by which it was asked for."""
        return self._entity

    @property
    def username(self) -> str:
        """The old name of `entity`."""
        return self._entity

    @property
    def config(self) -> dict[str, Any]:
        """The config of the sweep."""
        config: dict[str, Any] = self._attrs["config"]
        return config

    @property
    def order(self) -> str | None:
        """The order that has the best run first; None without a metric."""
        metric = self.config.get("metric") or next(iter(self.config.get("metrics") or ()), None)
        if not metric or not metric.get("name"):
            return None
        sign = "-" if metric.get("goal") == "maximize" else "+"
        return f"{sign}summary_metrics.{metric['name']}"

    @property
    def runs(self) -> Runs:
        """Its runs that have begun, the oldest first."""
        return self._find("+created_at")

    def _find(self, order: str, per_page: int = 50) -> Runs:
        filters = {"$and": [{"sweep": self.id}]}
        source = Source(self._path)
        return Runs(source, self._entity, self.project, self._user, filters, order, per_page)

    def best_run(self, order: str | None = None) -> Run | None:
        """The best run by its summary; None without runs.

        `order` takes the place of the sweep's metric; a name without `+` or `-` is descending.
        """
        chosen = self.order if order is None else QueryGenerator.format_order_key(order)
        if chosen is None:
            termwarn(
                "No order specified and couldn't find metric in sweep config, returning most "
                "recent run"
            )
        else:
            termlog(f"Sorting runs by {chosen}")
        return next(iter(self._find(chosen or "-created_at", 1)), None)

    @property
    def expected_run_count(self) -> int | None:
        """How many runs there will be; None where nobody knows."""
        count: int | None = self._attrs["runCountExpected"]
        return count

    @property
    def path(self) -> list[str]:
        """`[entity, project, id]`, quoted as in a URL."""
        return [quote(part, safe="") for part in (self._entity, self.project, self.id)]

    @property
    def url(self) -> str:
        """Where the sweep lies: the database file's URL, with the place as fragment."""
        return url(self._path, self.project, "sweeps", self.id)

    def agents(self) -> list[Agent]:
        """The agents that have been given trials."""
        given: dict[str, list[TrialRecord]] = {}
        for trial in self._stored().trials:
            if trial.agent is not None:
                given.setdefault(trial.agent, []).append(trial)
        return [Agent(self, name, trials) for name, trials in given.items()]

    def agent(self, agent_id: str) -> Agent:
        """One of the agents; NotFoundError."""
        for agent in self.agents():
            if agent.name == agent_id:
                return agent
        raise NotFoundError(f"Could not find agent {agent_id!r} of {self}")

    def enqueue_run(self, config: Mapping[str, Any], display_name: str | None = None) -> str:
        """Let the next agent run these parameters; returns the id of the run to come."""
        if display_name is not None:
            termwarn("Sweep.enqueue_run(display_name=) has no effect: the run names itself")
        params = {
            key: value["value"] if isinstance(value, Mapping) and set(value) == {"value"} else value
            for key, value in config.items()
        }
        return self._stored().enqueue(params)

    def to_html(self, height: int = 420, hidden: bool = False) -> str:
        """The sweep as a piece of HTML."""
        from html import escape

        place = escape(self.url, quote=True)
        text = f'<p>Sweep <a href="{place}">{escape(self.name)}</a> ({escape(self.state)})</p>'
        return f'<div style="display:none">{text}</div>' if hidden else text

    def _repr_html_(self) -> str:
        return self.to_html()

    def __repr__(self) -> str:
        return f"<Sweep {'/'.join(self.path)} ({self._attrs.get('state', 'Unknown State')})>"


class Agent(Attrs):
    """An agent of a sweep, as far as its trials tell of it."""

    def __init__(self, sweep: Sweep, name: str, trials: Sequence[TrialRecord]) -> None:
        running = any(trial.state == "running" for trial in trials)
        heard = [trial.heartbeat_at or trial.claimed_at or 0.0 for trial in trials]
        super().__init__(
            {
                "id": name,
                "name": name,
                "state": "RUNNING" if running else "FINISHED",
                "totalRuns": len(trials),
                "createdAt": iso_time(min((t.claimed_at or 0.0 for t in trials), default=None)),
                "heartbeatAt": iso_time(max(heard, default=None)),
            }
        )
        self.entity, self.project = sweep.entity, sweep.project
        self._sweep = sweep
        self._run_ids = [trial.run_id for trial in trials]

    def runs(self, per_page: int = 50) -> Runs:
        """The agent's runs that have begun."""
        sweep = self._sweep
        return Runs(
            Source(sweep._path),
            sweep.entity,
            sweep.project,
            sweep._user,
            {"name": {"$in": self._run_ids}},
            per_page=per_page,
        )

    def __repr__(self) -> str:
        return f"<Agent {self.id} ({self.state})>"


class Sweeps(Paginator[Sweep]):
    """The sweeps of a project, in order of creation unless `order` says more."""

    def __init__(
        self,
        source: Source,
        entity: str,
        project: str,
        user: User,
        per_page: int = 50,
        filters: Mapping[str, Any] | None = None,
        order: str | None = None,
    ) -> None:
        super().__init__(per_page)
        self.entity = entity
        self.project = project
        self.filters = filters
        self.order = order
        self._source = source
        self._user = user
        self._found: list[SweepRecord] = []
        self._path = ""

    def _total(self) -> int:
        found = self._source.project(self.project)
        if found is None:
            raise NotFoundError(f"Could not find project {self.project}")
        tracker, project = found
        self._path = tracker.path
        self._found = selected(tracker.list_sweeps(project), _document, self.filters, self.order)
        return len(self._found)

    def _page(self, offset: int, limit: int) -> Sequence[Sweep]:
        return [
            Sweep(self._path, self.entity, record.project, record.sweep_id, self._user)
            for record in self._found[offset : offset + limit]
        ]

    def __repr__(self) -> str:
        return f"<Sweeps {self.entity}/{self.project}>"


def _document(record: SweepRecord) -> dict[str, Any]:
    return {
        "name": record.sweep_id,
        "state": record.state,
        "experiment": record.project,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "config": record.config,
        "metadata": {
            "id": record.sweep_id,
            "method": record.config.get("method"),
            "displayName": record.config.get("name"),
            "description": record.config.get("description"),
        },
    }

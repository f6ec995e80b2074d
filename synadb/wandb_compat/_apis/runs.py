"""`wandb.apis.public.runs`: the runs of a project, and one run with all that it has."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from synadb.ops import EndRun, Op, SetConfig, SetSummary, UpdateRun
from synadb.query import WANDB, And, Not, Or, Test, parse, parse_order
from synadb.run import checked_fields
from synadb.wandb_compat._apis import artifacts, history
from synadb.wandb_compat._apis.attrs import Attrs, iso_time
from synadb.wandb_compat._apis.console import ConsoleLogs
from synadb.wandb_compat._apis.errors import (
    NotFoundError,
    RunNotFoundError,
    normalize_exceptions,
    unsupported,
)
from synadb.wandb_compat._apis.files import File, Files, store_file
from synadb.wandb_compat._apis.pages import Paginator
from synadb.wandb_compat._apis.source import Source, live_run, opened, url
from synadb.wandb_compat._apis.summary import HTTPSummary
from synadb.wandb_compat._apis.users import User
from synadb.wandb_compat._values import config_stored, config_value
from synadb.wandb_compat.errors import Error

if TYPE_CHECKING:
    import pandas as pd

    from synadb.query import Filter, Order
    from synadb.records import RunRecord
    from synadb.tracker import ExperimentTracker
    from synadb.wandb_compat._apis.history import HistoryScan

__all__ = ["WANDB_INTERNAL_KEYS", "Run", "RunNotFoundError", "Runs"]

WANDB_INTERNAL_KEYS = {"_wandb", "wandb_version"}
_OVER = ("finished", "failed", "crashed", "killed", "preempted")
_POLL_SECONDS = 0.2
# What update_state may set, and from which states.
_TRANSITIONS = {
    "pending": ("running", "failed", "crashed", "preempted", "preempting", "pending"),
    "failed": ("pending", "running", "failed"),
}


class Run(Attrs):
    """A run as it stood when it was read; `load(force=True)` reads it again.

    What is changed (`name`, `notes`, `tags`, `group`, `config`, `summary`) is stored by `update`.
    """

    def __init__(self, path: str, record: RunRecord, entity: str, user: User) -> None:
        super().__init__({})
        self._path = path
        self._default_entity = entity
        self._summary: HTTPSummary | None = None
        self._system: dict[str, Any] | None = None
        self._user = user
        self._take(record)

    def _take(self, record: RunRecord) -> None:
        """Show what a record says."""
        self._record = record
        self._stored_id = record.run_id
        self.project = record.experiment
        self._entity = record.metadata.get("entity") or self._default_entity
        facts = record.metadata.get("facts") or {}
        live = live_run(self._path, record.run_id)
        # What its definitions make of a run's rows is stored when it ends.
        self._summary_now = live.summary._as_dict() if live is not None else record.summary
        self._attrs = {
            "id": _storage_id(self._entity, record),
            "tags": list(record.tags),
            "name": record.run_id.removeprefix(f"{record.experiment}/"),
            "displayName": record.name,
            "sweepName": record.metadata.get("sweep"),
            "state": record.state,
            "config": {k: v for k, v in record.config.items() if k not in WANDB_INTERNAL_KEYS},
            "group": record.group or None,
            "jobType": record.job_type or None,
            "commit": (facts.get("git") or {}).get("commit"),
            "readOnly": False,
            "createdAt": iso_time(record.created_at),
            "heartbeatAt": iso_time(record.updated_at),
            "updatedAt": iso_time(record.updated_at),
            "description": record.notes,
            "notes": record.notes,
            "historyLineCount": record.row_count,
            "projectId": record.experiment,
            "host": record.host,
            "exitcode": record.exit_code,
        }
        for name in ("tags", "notes", "group", "job_type", "description", "display_name"):
            self.__dict__.pop(name, None)

    def _tracker(self) -> ExperimentTracker:
        """The database of the run, what this process has logged included; RunNotFoundError."""
        tracker = opened(self._path)
        if tracker is None:
            raise RunNotFoundError(f"Could not find run {self}: {self._path} is gone")
        return tracker

    def _apply(self, ops: Sequence[Op]) -> None:
        if ops:
            self._tracker()._store.apply(list(ops))

    # -- what it is ------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The run's id."""
        return str(self._attrs["name"])

    @property
    def storage_id(self) -> str:
        """An id that names the run among all projects, as the service has one."""
        return str(self._attrs["id"])

    @property
    def name(self) -> str:
        """The display name; can be set."""
        return str(self._attrs["displayName"])

    @name.setter
    def name(self, new_name: str) -> None:
        self._attrs["displayName"] = new_name

    @property
    def state(self) -> str:
        """running, finished, failed, crashed, killed, preempting or pending."""
        return str(self._attrs["state"])

    @property
    def entity(self) -> str:
        """The entity that `wandb.init` got, or else the user's."""
        return str(self._entity)

    @property
    def username(self) -> str:
        """The old name of `entity`."""
        return self.entity

    @property
    def user(self) -> User:
        """Who started the run."""
        facts = self._record.metadata.get("facts") or {}
        named = {key: facts[key] for key in ("username", "email") if facts.get(key)}
        return User({**self._user._attrs, **named}, self._user._api_key) if named else self._user

    @property
    def path(self) -> list[str]:
        """`[entity, project, id]`, quoted as in a URL."""
        return [quote(part, safe="") for part in (self.entity, self.project, self.id)]

    @property
    def url(self) -> str:
        """Where the run lies: the database file's URL, with project and id as fragment."""
        return url(self._path, self.project, self.id)

    @property
    def dir(self) -> str:
        """A folder for what is downloaded of the run; it is not made."""
        import tempfile

        return os.path.join(os.environ.get("WANDB_DIR") or tempfile.gettempdir(), *self.path)

    @property
    def sweep_name(self) -> str | None:
        """The id of the sweep that the run is a trial of."""
        name: str | None = self._attrs["sweepName"]
        return name

    @property
    def sweep(self) -> Any:
        """The sweep that the run is a trial of; None without one."""
        name = self.sweep_name
        if name is None:
            return None
        # By the package's name of the class: a sweep knows its runs, and imports this module.
        api = sys.modules["synadb.wandb_compat"].Api({"path": self._path})
        return api.sweep(f"{self.entity}/{self.project}/{name}")

    @property
    def metadata(self) -> dict[str, Any] | None:
        """What is known of the program and its machine (wandb-metadata.json)."""
        facts: dict[str, Any] | None = self._record.metadata.get("facts")
        return facts

    @property
    def lastHistoryStep(self) -> int:
        """The last step as it is now; -1 without any."""
        return self._now().last_step

    @property
    def historyKeys(self) -> dict[str, Any]:
        """The keys of the history: `{"lastStep": n, "keys": {name: {}}}`."""
        keys = history.key_names(self._tracker(), self._stored_id, self._summary_now)
        return {"lastStep": self._record.last_step, "keys": {key: {} for key in keys}, "sets": []}

    history_keys = historyKeys

    # -- config and summary ----------------------------------------------------------------------

    @property
    def config(self) -> dict[str, Any]:
        """The config; what is changed in it is stored by `update`."""
        config: dict[str, Any] = self._attrs["config"]
        return config

    @config.setter
    def config(self, values: Mapping[str, Any]) -> None:
        self._attrs["config"] = dict(values)

    @property
    def rawconfig(self) -> dict[str, Any]:
        """The config with what wandb itself keeps in it."""
        own = {k: v for k, v in self._record.config.items() if k in WANDB_INTERNAL_KEYS}
        return {"_wandb": {}, **own, **self.config}

    @property
    def json_config(self) -> str:
        """The raw config as wandb's JSON: `{"key": {"value": ..., "desc": null}}`."""
        return json.dumps({k: {"value": v, "desc": None} for k, v in self.rawconfig.items()})

    @property
    def summary(self) -> HTTPSummary:
        """The summary; `summary.update(...)` stores what is changed in it."""
        if self._summary is None:
            self._summary = HTTPSummary(self._summary_values(), self._store_summary)
        return self._summary

    @summary.setter
    def summary(self, values: Mapping[str, Any]) -> None:
        for key in [key for key in self.summary if key not in values and key[:1] != "_"]:
            del self.summary[key]
        self.summary.update(values)

    @property
    def summary_metrics(self) -> dict[str, Any]:
        """The summary as a plain dict."""
        return self.summary._json_dict

    def _summary_values(self) -> dict[str, Any]:
        spelled: dict[str, Any] = history.spelled(self._summary_now)
        return spelled

    def _store_summary(self) -> None:
        before, now = self._summary_values(), self.summary._json_dict
        changed = {k: v for k, v in now.items() if k not in before or not _same(before[k], v)}
        removed = tuple(key for key in before if key not in now)
        if changed or removed:
            values = {key: history.unspelled(value) for key, value in changed.items()}
            self._apply([SetSummary(self._stored_id, values, removed)])
            kept = {k: v for k, v in self._summary_now.items() if k not in removed}
            self._summary_now = {**kept, **values}

    @property
    def system_metrics(self) -> dict[str, Any]:
        """The last sample of each of the machine's metrics."""
        if self._system is None:
            rows = history.system_rows(self._tracker(), self._stored_id)
            self._system = {
                key: value for row in rows for key, value in row.items() if key[:1] != "_"
            }
        return self._system

    # -- reading and storing ---------------------------------------------------------------------

    def _now(self) -> RunRecord:
        from synadb.errors import RunNotFoundError as NoRun

        try:
            return self._tracker().get_run(self._stored_id)
        except NoRun as error:
            raise RunNotFoundError(f"Could not find run {self}") from error

    def load(self, force: bool = False) -> dict[str, Any]:
        """The run's fields; with `force` as they are now. RunNotFoundError."""
        if force:
            record = self._now()
            self._summary = self._system = None
            self._take(record)
        return self._attrs

    def load_full_data(self, force: bool = False) -> dict[str, Any]:
        """The same as `load`: a run is always whole."""
        return self.load(force)

    @normalize_exceptions
    def update(self) -> None:
        """Store what has been changed."""
        record = self._record
        notes = self.notes if self.notes != record.notes else self.description
        wanted = {
            "name": self.display_name,
            "notes": notes,
            "tags": _tags(self.tags),
            "group": self.group or "",
            "job_type": self.job_type or "",
        }
        changed = {key: value for key, value in wanted.items() if value != getattr(record, key)}
        ops: list[Op] = []
        if changed:
            ops.append(UpdateRun(self._stored_id, checked_fields(changed)))
        ops += self._config_ops()
        self._apply(ops)
        summary = self._summary
        if summary is not None:
            summary.update()
        self._take(self._now())

    def _config_ops(self) -> list[Op]:
        before = self._record.config
        values = {key: config_stored(config_value(value)) for key, value in self.config.items()}
        changed = {k: v for k, v in values.items() if k not in before or not _same(before[k], v)}
        gone = [key for key in before if key not in values and key not in WANDB_INTERNAL_KEYS]
        return [SetConfig(self._stored_id, changed, tuple(gone))] if changed or gone else []

    def save(self) -> None:
        """The same as `update`."""
        self.update()

    @normalize_exceptions
    def delete(self, delete_artifacts: bool = False) -> None:
        """Delete the run, and with `delete_artifacts` the artifact versions that it has logged."""
        tracker = self._tracker()
        self._now()
        if delete_artifacts:
            artifacts.delete_outputs(tracker, self._stored_id)
        tracker.delete_run(self._stored_id)

    @normalize_exceptions
    def update_state(self, state: str) -> bool:
        """Set the state by hand: `pending` to queue the run anew, `failed` for one that is lost."""
        before = self._now()
        allowed = _TRANSITIONS.get(state)
        if allowed is None:
            raise Error(f"run.update_state() takes 'pending' or 'failed', not {state!r}")
        if before.state not in allowed or before.metadata.get("sweep"):
            what = "a sweep's run" if before.metadata.get("sweep") else f"a {before.state} run"
            raise Error(f"run.update_state({state!r}): {what} cannot become {state}")
        if state == "failed" and before.state == "running":
            self._apply([EndRun(self._stored_id, "failed", time.time(), 1)])
        elif state != before.state:
            self._apply([UpdateRun(self._stored_id, {"state": state})])
        self._attrs["state"] = state
        return True

    def stop(self) -> None:
        """Not supported: a run does not listen for others."""
        unsupported("run.stop()", "a process that logs does not listen for such requests; end it")

    @normalize_exceptions
    def wait_until_finished(self) -> None:
        """Return when the run has ended, by itself or with its process."""
        while True:
            record = self._now()
            if record.state in _OVER:
                self._attrs["state"] = record.state
                return
            time.sleep(_POLL_SECONDS)

    @classmethod
    def create(
        cls,
        api: Any,
        run_id: str | None = None,
        project: str | None = None,
        entity: str | None = None,
        state: Literal["running", "pending"] = "running",
    ) -> Run:
        """Make a run that nobody logs to yet; `wandb.init(id=..., resume="allow")` goes on."""
        made: Run = api._create_run(run_id=run_id, project=project, entity=entity, state=state)
        return made

    # -- history ---------------------------------------------------------------------------------

    @normalize_exceptions
    def history(
        self,
        samples: int | None = 500,
        keys: list[str] | None = None,
        x_axis: str = "_step",
        pandas: bool = True,
        stream: Literal["default", "system"] = "default",
    ) -> list[dict[str, Any]] | pd.DataFrame:
        """Rows of the history, nested dicts flattened with dots; a DataFrame, or a list of dicts.

        With `keys` only the rows that have all of them, as columns `x_axis` and `keys`. Of more
        than `samples` rows that many are chosen, evenly and with the first, the last and the
        extremes of each metric; None gives every row. `stream="system"`: the machine's samples.
        """
        rows: list[dict[str, Any]] = history.history(self, samples, keys, x_axis, pandas, stream)
        return rows

    @normalize_exceptions
    def scan_history(
        self,
        keys: list[str] | None = None,
        page_size: int = 1_000,
        min_step: int | None = 0,
        max_step: int | None = None,
        use_cache: bool = True,
    ) -> HistoryScan:
        """Every row in order of steps, as dicts read page by page; iterating begins anew.

        With `keys` only the rows that have all of them, with `_step`. From `min_step` on, up to
        and without `max_step`.
        """
        return history.HistoryScan(self, keys, page_size, min_step, max_step)

    def beta_scan_history(
        self,
        keys: list[str] | None = None,
        page_size: int = 1_000,
        min_step: int | None = 0,
        max_step: int | None = None,
        use_cache: bool = True,
    ) -> HistoryScan:
        """The old name of `scan_history`."""
        return self.scan_history(keys, page_size, min_step, max_step, use_cache)

    @normalize_exceptions
    def download_history_exports(
        self, download_dir: str | os.PathLike[str], require_complete_history: bool = True
    ) -> Any:
        """Not supported: the service makes such exports."""
        unsupported(
            "run.download_history_exports()",
            "there are no exports in Parquet; run.scan_history() reads every row",
        )

    # -- files -----------------------------------------------------------------------------------

    @normalize_exceptions
    def files(
        self,
        names: list[str] | None = None,
        pattern: str | None = None,
        per_page: int = 50,
    ) -> Files:
        """The run's files: all of them, those of `names`, or those like a SQL `pattern`."""
        return Files(self, names, per_page, pattern=pattern)

    @normalize_exceptions
    def file(self, name: str) -> File:
        """One file; one that is not there has no bytes."""
        return Files(self, [name])[0]

    @normalize_exceptions
    def upload_file(self, path: str, root: str = ".") -> File:
        """Store a file with the run, under its path relative to `root`."""
        return store_file(self, path, root)

    def console_logs(self, *, per_page: int = 1000, last: int | None = None) -> ConsoleLogs:
        """The lines that the run has printed, or the last of them."""
        return ConsoleLogs(self, per_page, last)

    # -- artifacts -------------------------------------------------------------------------------

    @normalize_exceptions
    def logged_artifacts(self, per_page: int = 100) -> artifacts.RunArtifacts:
        """The artifact versions that the run has logged."""
        return artifacts.RunArtifacts(self, "logged", per_page)

    @normalize_exceptions
    def used_artifacts(self, per_page: int = 100) -> artifacts.RunArtifacts:
        """The artifact versions that the run uses."""
        return artifacts.RunArtifacts(self, "used", per_page)

    @normalize_exceptions
    def use_artifact(self, artifact: Any, use_as: str | None = None) -> Any:
        """Note that the run uses an artifact that has been logged; returns it."""
        return artifacts.use(self, artifact, use_as)

    @normalize_exceptions
    def log_artifact(
        self,
        artifact: Any,
        aliases: Collection[str] | None = None,
        tags: Collection[str] | None = None,
    ) -> Any:
        """Note that the run has logged an artifact version that is there; returns it."""
        return artifacts.log(self, artifact, aliases, tags)

    # -- the look of it --------------------------------------------------------------------------

    def to_html(self, height: int = 420, hidden: bool = False) -> str:
        """The run as a piece of HTML."""
        from synadb.wandb_compat._display import run_html

        html: str = run_html(
            name=self.name,
            run_id=self.id,
            project=self.project,
            state=self.state,
            path=self._path,
            history=self._tracker().sketch(self._stored_id),
            summary=self._summary_values(),
        )
        return f'<div style="display:none">{html}</div>' if hidden else html

    def _repr_html_(self) -> str:
        return self.to_html()

    def __repr__(self) -> str:
        return f"<Run {'/'.join(self.path)} ({self.state})>"


class Runs(Paginator[Run]):
    """The runs of a project that fit `filters`, in an order, read page by page."""

    def __init__(
        self,
        source: Source,
        entity: str,
        project: str,
        user: User,
        filters: Mapping[str, Any] | None = None,
        order: str | Sequence[str] = "+created_at",
        per_page: int = 50,
        include_sweeps: bool = False,
        lazy: bool = True,
    ) -> None:
        super().__init__(per_page)
        self.entity = entity
        self.project = project
        self.order = order or "+created_at"
        self._source = source
        self._user = user
        self._lazy = lazy
        names = WANDB._replace(constants={"username": user.username, "user": user.username})
        self._where: Filter = parse(filters, names)
        self.filters = dict(filters or {})
        self._keys: Order = parse_order(self.order, names)
        self._found: tuple[str, str] | None = None
        self._ids: list[str] = []

    def _tracker(self) -> tuple[ExperimentTracker, str]:
        if self._found is None:
            found = self._source.project(self.project)
            if found is None:
                raise NotFoundError(f"Could not find project {self.project}")
            self._found = found[0].path, found[1]
            return found
        path, project = self._found
        tracker = opened(path)
        if tracker is None:
            raise NotFoundError(f"Could not find project {self.project}: {path} is gone")
        return tracker, project

    def _total(self) -> int:
        tracker, project = self._tracker()
        tracker._drain()
        # Which they are is settled here: pages do not shift when runs come and go meanwhile.
        where = _with_stored_ids(self._where, project)
        self._ids = tracker._store.find_runs(where, self._keys, experiment=project)
        return len(self._ids)

    def _page(self, offset: int, limit: int) -> Sequence[Run]:
        tracker, _ = self._tracker()
        records = tracker._store.get_runs(self._ids[offset : offset + limit])
        return [Run(tracker.path, record, self.entity, self._user) for record in records]

    def upgrade_to_full(self) -> None:
        """Nothing to do: a run is always whole."""
        self._lazy = False

    @normalize_exceptions
    def histories(
        self,
        samples: int | None = 500,
        keys: list[str] | None = None,
        x_axis: str = "_step",
        format: Literal["default", "pandas", "polars"] = "default",
        stream: Literal["default", "system"] = "default",
    ) -> Any:
        """The histories of all the runs, with a column `run_id`.

        A list of dicts, or as `format` says a DataFrame of pandas or polars.
        """
        if format not in ("default", "pandas", "polars"):
            raise ValueError(
                f"Invalid format: {format}. Must be one of 'default', 'pandas', 'polars'"
            )
        rows: list[dict[str, Any]] = []
        for run in self:
            found = history.history(run, samples, keys, x_axis, False, stream)
            rows += [{**row, "run_id": run.id} for row in found]
        if format == "default":
            return rows
        return history.frame(rows, format)

    def __repr__(self) -> str:
        return f"<Runs {self.entity}/{self.project}>"


def _with_stored_ids(where: Filter, project: str) -> Filter:
    """A filter that also knows the ids which are stored behind their project, see `Run.id`."""
    if isinstance(where, And | Or):
        return type(where)(tuple(_with_stored_ids(part, project) for part in where.filters))
    if isinstance(where, Not):
        return Not(_with_stored_ids(where.filter, project))
    if where.field.root != "run_id" or where.operator not in ("$eq", "$in"):
        return where
    ids = where.operand if where.operator == "$in" else [where.operand]
    return Test(where.field, "$in", [*ids, *(f"{project}/{name}" for name in ids)])


def _storage_id(entity: str, record: RunRecord) -> str:
    import base64

    text = f"Run:v1:{record.run_id}:{record.experiment}:{entity}"
    return base64.b64encode(text.encode("utf-8", "replace")).decode()


def _tags(tags: Any) -> tuple[str, ...]:
    from synadb.wandb_compat._settings import Settings

    given = (tags,) if isinstance(tags, str) else tuple(tags or ())
    return tuple(Settings(run_tags=given).run_tags or ())


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal, also in kind: 1, 1.0 and True are three."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)

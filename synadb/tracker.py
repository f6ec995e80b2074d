"""The native interface to a database of runs."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from synadb.errors import (
    ArtifactNotFoundError,
    InvalidValueError,
    ReadOnlyStoreError,
    RunEndedError,
    RunNotFoundError,
    StorageError,
    StoreBusyError,
    StoreFullError,
)
from synadb.ids import generate_id
from synadb.journal import Journal
from synadb.ops import StartRun, UpdateRun
from synadb.records import ArtifactRecord, CheckReport, ConsoleLine, History, RunRecord, Series
from synadb.run import Run, checked_fields
from synadb.settings import Settings
from synadb.storage import open_store
from synadb.storage.codec import as_document, checked_text
from synadb.system import host, renew_after_fork
from synadb.writer import Adopted, Writer, adopt

if TYPE_CHECKING:
    from synadb.artifact_records import VersionRecord
    from synadb.artifacts import Artifacts
    from synadb.media.finding import MediaRecord
    from synadb.media.table import Table
    from synadb.query import Filter, Order
    from synadb.records import SweepRecord
    from synadb.run_files import Content
    from synadb.sweeps.view import Sweep

__all__ = ["ExperimentTracker"]

_STATES = {
    "completed": "finished",
    "finished": "finished",
    "failed": "failed",
    "killed": "killed",
    "crashed": "crashed",
}

_open: weakref.WeakSet[ExperimentTracker] = weakref.WeakSet()


class ExperimentTracker:
    """All runs of one database file, to write and to read.

    Any number of trackers, threads and processes may use one file at once. Reading sees what this
    tracker has logged. Errors are those of `synadb.errors`.
    """

    def __init__(
        self, path: str | os.PathLike[str] = "experiments.db", *, read_only: bool = False
    ) -> None:
        if not isinstance(path, str | os.PathLike):
            raise InvalidValueError(f"a tracker takes the path of a file, not {path!r}")
        self._store = open_store(path, read_only=read_only)
        self._writer = Writer(self._store)
        self._runs: dict[str, Run] = {}
        self._artifacts: Artifacts | None = None
        self._lock = threading.RLock()
        self._waiting = threading.local()
        self._closed = False
        self._pid = os.getpid()
        self.recovered: list[Adopted] = adopt(self._store)
        _open.add(self)
        renew_after_fork(self)

    def _after_fork(self) -> None:
        self._lock = threading.RLock()

    @property
    def path(self) -> str:
        """The database file."""
        return self._store.path

    # -- runs ------------------------------------------------------------------------------------

    def start_run(
        self,
        experiment: str,
        tags: Iterable[str] | None = None,
        *,
        name: str | None = None,
        config: Mapping[str, Any] | None = None,
        notes: str | None = None,
        group: str = "",
        job_type: str = "",
        run_id: str | None = None,
    ) -> str:
        """Start a run and return its id; RunExistsError when `run_id` is taken."""
        return self._start(
            experiment, tags, name, config, notes, group, job_type, run_id, exist_ok=False
        ).run_id

    def _start(
        self,
        experiment: str,
        tags: Iterable[str] | None,
        name: str | None,
        config: Mapping[str, Any] | None,
        notes: str | None,
        group: str,
        job_type: str,
        run_id: str | None,
        *,
        exist_ok: bool,
    ) -> Run:
        if self._store.read_only:
            raise ReadOnlyStoreError(
                f"{self.path} is read-only; copy it to a place that can be written"
            )
        op = StartRun(
            run_id=checked_text("run_id", run_id) if run_id is not None else generate_id(),
            experiment=checked_text("experiment", experiment),
            created=time.time(),
            config=as_document("config", config or {}),
            **checked_fields(
                {
                    "name": name,
                    "tags": tags or (),
                    "notes": notes,
                    "group": group,
                    "job_type": job_type,
                }
            ),
            host=host(),
            pid=os.getpid(),
            exist_ok=exist_ok,
        )
        # The journal comes first: should the process die right after the run has been created,
        # whoever adopts the journal marks the run crashed.
        journal = self._writer.open(op.run_id)
        try:
            self._store.apply([op])
            with self._lock:
                return self._attach(op.run_id, journal)
        except BaseException:
            self._writer.drop(journal)
            raise

    def run(
        self,
        experiment: str,
        tags: Iterable[str] | None = None,
        *,
        name: str | None = None,
        config: Mapping[str, Any] | None = None,
        notes: str | None = None,
        group: str = "",
        job_type: str = "",
        run_id: str | None = None,
        resume: bool = False,
    ) -> Run:
        """Start a run as `start_run` does, as an object; a `with` block ends it.

        With `resume` a run of that id, should there be one, is continued.
        """
        return self._start(
            experiment, tags, name, config, notes, group, job_type, run_id, exist_ok=resume
        )

    def _attach(self, run_id: str, journal: Journal | None = None) -> Run:
        record = self._store.get_run(run_id)
        if record.state not in ("running", "crashed", "preempting"):
            raise RunEndedError(
                f"run {run_id!r} has ended ({record.state}) and takes no more data; "
                "start another run"
            )
        run = Run(
            self._writer,
            journal or self._writer.open(run_id),
            next_step=record.last_step + 1,
            key_steps=self._store.last_steps(run_id),
            settle=self._settle,
        )
        self._runs[run_id] = run
        return run

    def _live(self, run_id: str) -> Run:
        run = self._runs.get(run_id)
        if run is not None:
            return run
        with self._lock:
            return self._runs.get(run_id) or self._attach(run_id)

    def create_experiment(self, name: str) -> None:
        """Make an experiment that has no runs yet; one that is there stays as it is."""
        self._store.add_experiment(checked_text("experiment", name))

    def log_param(self, run_id: str, name: str, value: Any) -> None:
        """Set one parameter; int, float, bool, str, None, lists and dicts keep their type."""
        self._live(run_id).log_param(checked_text("a parameter's name", name), value)

    def log_params(self, run_id: str, params: Mapping[str, Any]) -> None:
        """Set several parameters."""
        self._live(run_id).log_params(params)

    def log_metric(self, run_id: str, name: str, value: float, step: int | None = None) -> None:
        """Log one number; without `step` it gets that metric's next."""
        self._live(run_id).log_metric(name, value, step)

    def log_metrics(
        self, run_id: str, values: Mapping[str, float], step: int | None = None
    ) -> None:
        """Log several numbers as one row; without `step` the next that none of them has."""
        self._live(run_id).log_metrics(values, step)

    def log_media(self, run_id: str, name: str, value: Any, step: int | None = None) -> None:
        """Log a value of `synadb.media`, or a list; without `step` it gets the run's next.

        Returns at once; it is encoded beside the program, and an error of that is told and kept
        in the run's metadata under `media_errors`.
        """
        self._live(run_id).log_media(name, value, step)

    def log_image(
        self, run_id: str, name: str, value: Any, step: int | None = None, **options: Any
    ) -> None:
        """Log a picture; `value` and `options` are those of `synadb.media.Image`."""
        self._live(run_id).log_image(name, value, step, **options)

    def log_table(
        self, run_id: str, name: str, value: Any, step: int | None = None, **options: Any
    ) -> None:
        """Log a table; `value` and `options` are those of `synadb.media.Table`."""
        self._live(run_id).log_table(name, value, step, **options)

    def log_figure(
        self, run_id: str, name: str, value: Any, step: int | None = None, **options: Any
    ) -> None:
        """Log a figure of matplotlib or plotly, drawn now; as of `synadb.media.Figure`."""
        self._live(run_id).log_figure(name, value, step, **options)

    def set_tags(self, run_id: str, tags: Iterable[str]) -> None:
        """Replace the tags."""
        if isinstance(tags, str):
            raise InvalidValueError(f"tags is a list of str, not the str {tags!r}")
        self._live(run_id).update(tags=tags)

    def set_notes(self, run_id: str, notes: str | None) -> None:
        """Replace the notes."""
        self._live(run_id).update(notes=notes)

    def end_run(self, run_id: str, status: str = "Completed") -> None:
        """End a run as Completed, Failed or Killed (in any case).

        When this returns, the database file alone holds the whole run. InvalidValueError for
        another status, RunEndedError for a run that has ended, RunNotFoundError.
        """
        state = _STATES.get(str(status).lower())
        if state is None:
            raise InvalidValueError(f"a run ends as Completed, Failed or Killed, not {status!r}")
        run = self._live(run_id)
        if run.ended:
            raise RunEndedError(f"run {run_id!r} has ended already")
        self.finish(run, state, {"finished": 0, "failed": 1}.get(state))

    def finish(
        self,
        run: Run,
        state: str = "finished",
        exit_code: int | None = None,
        *,
        timeout: float | None = None,
    ) -> bool:
        """End a run of `run()`; when this returns True, the file alone holds all of it.

        False: the store was out of reach, and a message said what lies where.
        """
        return run.end(state, exit_code, timeout=timeout)

    def _settle(self, run: Run) -> None:
        with self._lock:
            if self._runs.get(run.run_id) is run:
                del self._runs[run.run_id]
        if not run.stored:
            return
        # All of this can wait for another time: the rows are in the database.
        with (
            contextlib.suppress(StoreBusyError, StoreFullError, RunNotFoundError),
            self.patience(Settings.from_environment().finish_timeout),
        ):
            self.recovered += adopt(self._store)
            self._store.compact(run.run_id, all_chunks=True)
            self._store.checkpoint(truncate=True)
            self._store.sync()  # what a reader or a writer has kept in the log
            if not self._writer.journals:
                # A program that copies the file, and closes it, ends the locks of its connections.
                self._store.rest()

    @contextlib.contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """Limit how long this thread waits for other writers in a `with` block.

        StoreBusyError after that.
        """
        with self._store.patience(seconds):
            before = getattr(self._waiting, "limit", None)
            self._waiting.limit = seconds
            try:
                yield
            finally:
                self._waiting.limit = before

    # -- artifacts and files ---------------------------------------------------------------------

    @property
    def artifacts(self) -> Artifacts:
        """The versioned artifacts of the database: named, numbered, with aliases and lineage."""
        with self._lock:
            if self._artifacts is None:
                from synadb.artifacts import Artifacts

                self._artifacts = Artifacts(self._store)
            return self._artifacts

    def log_artifact(
        self, run_id: str, name: str, data: bytes | str | os.PathLike[str] | BinaryIO
    ) -> ArtifactRecord:
        """Store bytes, the file at a path, or what a binary file object still holds.

        The same name is replaced. A crash in the middle leaves what was there before.
        """
        return self._put(run_id, name, data, "artifact")

    def get_artifact(self, run_id: str, name: str) -> bytes:
        """The content; ArtifactNotFoundError."""
        return b"".join(self._store.read_artifact(run_id, name))

    def open_artifact(self, run_id: str, name: str) -> BinaryIO:
        """The content as a stream, read and verified piece by piece."""
        return self._open(run_id, name, "artifact")

    def download_artifact(self, run_id: str, name: str, path: str | os.PathLike[str]) -> str:
        """Write the content to `path`, or into that folder if it is one; returns its path.

        It appears only once whole.
        """
        return self._download(run_id, name, path, "artifact")

    def list_artifacts(self, run_id: str) -> list[ArtifactRecord]:
        """The run's artifacts by name."""
        return self._store.list_artifacts(run_id)

    def log_file(
        self, run_id: str, name: str, data: bytes | str | os.PathLike[str] | BinaryIO
    ) -> ArtifactRecord:
        """Store a file of the run, as `log_artifact`; files have names (paths) of their own."""
        return self._put(run_id, name, data, "file")

    def log_files(self, run_id: str, contents: Mapping[str, bytes]) -> None:
        """Store several short files of the run in one go."""
        checked = {checked_text("the name of a file", name): c for name, c in contents.items()}
        self._store.put_files(run_id, checked, time.time())

    def open_file(self, run_id: str, name: str) -> BinaryIO:
        """A file of the run as a stream, or one that a cell of its tables names.

        ArtifactNotFoundError.
        """
        try:
            return self._open(run_id, name, "file")
        except ArtifactNotFoundError:
            version = self._version_with(run_id, name)
            if version is None:
                raise
            return self.artifacts.open(version, name)

    def download_file(self, run_id: str, name: str, path: str | os.PathLike[str]) -> str:
        """Write a file of the run to `path`, or into that folder if it is one; returns its path.

        It appears only once whole.
        """
        from synadb.folders import write_whole
        from synadb.run_files import target_path

        try:
            return self._download(run_id, name, path, "file")
        except ArtifactNotFoundError:
            version = self._version_with(run_id, name)
            if version is None:
                raise
            target = target_path(path, name)
            with self.artifacts.open(version, name) as stream:
                write_whole(stream, target)
            return target

    def list_files(self, run_id: str) -> list[ArtifactRecord]:
        """The run's files by name."""
        self._encode(run_id)
        return self._store.list_artifacts(run_id, "file")

    def delete_file(self, run_id: str, name: str) -> None:
        """Delete a file of the run; ArtifactNotFoundError."""
        self._store.delete_artifact(run_id, name, "file")

    def _put(self, run_id: str, name: str, data: Content, kind: str) -> ArtifactRecord:
        from synadb.run_files import put

        return put(self._store, run_id, checked_text(f"the name of a {kind}", name), data, kind)

    def _open(self, run_id: str, name: str, kind: str) -> BinaryIO:
        from synadb.run_files import open_stream

        self._encode(run_id)
        return open_stream(self._store, run_id, name, kind)

    def _download(self, run_id: str, name: str, path: str | os.PathLike[str], kind: str) -> str:
        from synadb.run_files import download

        self._encode(run_id)
        return download(self._store, run_id, name, path, kind)

    def _version_with(self, run_id: str, path: str) -> VersionRecord | None:
        """The version that has the file, by the path in a cell of one of the run's tables."""
        from synadb.media.finding import FOLDER, versions_named

        if not path.startswith(FOLDER):
            return None
        self._drain(run_id)
        for uid in versions_named(self._rows_with_media(run_id)):
            version = self.artifacts.find(uid)
            with contextlib.suppress(ArtifactNotFoundError):
                if version is not None and self.artifacts.entry(version, path).sha256 is not None:
                    return version
        return None

    def _rows_with_media(self, run_id: str) -> Iterator[Mapping[str, Any]]:
        """The summary, which has the last of each key, and then the rows."""
        yield self._store.get_run(run_id).summary
        yield from (row for _, row in self._store.media_rows(run_id))

    # -- reading ---------------------------------------------------------------------------------

    def list_experiments(self) -> list[str]:
        """Names of all experiments in order of first use."""
        return self._store.list_experiments()

    def list_runs(
        self,
        experiment: str | None = None,
        *,
        where: Mapping[str, Any] | Filter | None = None,
        order: str | Iterable[str] | Order | None = None,
        limit: int | None = None,
    ) -> list[RunRecord]:
        """The runs of one experiment, or all, in order of creation; `query` tells the rest."""
        return self.query(where, order, limit, experiment=experiment)

    def query(
        self,
        where: Mapping[str, Any] | Filter | None = None,
        order: str | Iterable[str] | Order | None = None,
        limit: int | None = None,
        offset: int = 0,
        experiment: str | None = None,
        *,
        light: bool = False,
    ) -> list[RunRecord]:
        """Find runs: `query({"config.lr": {"$gt": 1e-3}, "tags": "best"}, "-summary.acc", 10)`.

        `where` is a filter as `synadb.query` describes it: fields are `config.KEY`, `summary.KEY`,
        `metadata.KEY`, `state`, `tags`, `created_at` and so on; operators are MongoDB's. `order`
        names fields, `-` in front for descending (runs without the field last); ties and
        otherwise by creation. `limit` and `offset` cut a page out. `light` leaves `config`,
        `summary` and `metadata` empty, which spares reading them.
        """
        from synadb.query import parse, parse_order

        filter, keys = parse(where), parse_order(order)
        self._drain()
        return self._store.query(
            filter, keys, experiment=experiment, limit=limit, offset=offset, light=light
        )

    def find_runs(
        self,
        where: Mapping[str, Any] | Filter | None = None,
        order: str | Iterable[str] | Order | None = None,
        limit: int | None = None,
        offset: int = 0,
        experiment: str | None = None,
    ) -> list[str]:
        """The ids of the runs that `query` would return."""
        from synadb.query import parse, parse_order

        filter, keys = parse(where), parse_order(order)
        self._drain()
        return self._store.find_runs(
            filter, keys, experiment=experiment, limit=limit, offset=offset
        )

    def get_runs(self, run_ids: Sequence[str], *, light: bool = False) -> list[RunRecord]:
        """Runs in the order asked for; those that are not there are left out."""
        self._drain()
        return self._store.get_runs(run_ids, light=light)

    def count(
        self, where: Mapping[str, Any] | Filter | None = None, experiment: str | None = None
    ) -> int:
        """How many runs fit a filter."""
        from synadb.query import parse

        filter = parse(where)
        self._drain()
        return self._store.count_runs(filter, experiment=experiment)

    def get_run(self, run_id: str) -> RunRecord:
        """One run; RunNotFoundError."""
        self._drain(run_id)
        return self._store.get_run(run_id)

    def get_metric(self, run_id: str, name: str) -> Series:
        """`steps, values, times` of one metric as numpy arrays of shape (n,).

        `times` are seconds since the epoch. `name` is a key of a row: what lies inside a dict is
        read with `history` or `rows`. RunNotFoundError; MetricNotFoundError if it was never logged.
        """
        self._drain(run_id)
        return self._store.get_metric(run_id, name)

    def history(self, run_id: str, keys: Sequence[str] | None = None) -> History:
        """Rows merged by step, as columns; `.to_pandas()` where pandas is installed."""
        self._drain(run_id)
        return self._store.history(run_id, keys)

    def rows(self, run_id: str) -> Iterator[dict[str, Any]]:
        """Rows merged by step, as dicts with `_step`, `_runtime` and `_timestamp`."""
        self._drain(run_id)
        return self._store.rows(run_id)

    def scan(
        self,
        run_id: str,
        keys: Sequence[str] | None = None,
        *,
        min_step: int | None = None,
        max_step: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """The rows of `rows` from `min_step` up to and without `max_step`, page by page.

        With `keys`, the rows that have all of them, reduced to them and `_step`; a key with dots
        may lead into a nested dict. Steps that are logged after the call are left out.
        """
        self._drain(run_id)
        return self._store.scan(run_id, keys, min_step=min_step, max_step=max_step)

    def sample(
        self, run_id: str, samples: int | None = 500, keys: Sequence[str] | None = None
    ) -> list[dict[str, Any]]:
        """At most `samples` rows of `scan`, the same ones each time; all with None.

        The first and the last are among them, and of every key with numbers the least and the
        greatest, as far as `samples` reaches; the rest is spread evenly.
        """
        self._drain(run_id)
        return self._store.sample(run_id, samples, keys)

    def media(self, run_id: str, key: str | None = None) -> list[MediaRecord]:
        """The media in the rows of a run by step, then those in the summary alone.

        With `key` those of that key, members of lists and of nested values included. `open_file`
        and `download_file` take a record's `path`.
        """
        from synadb.media.finding import is_under, records

        self._drain(run_id)
        files = {file.name: (file.digest, file.size) for file in self.list_files(run_id)}
        rows, summary = self._store.media_rows(run_id), self._store.get_run(run_id).summary
        found = records(run_id, rows, summary, files)
        return [record for record in found if key is None or is_under(record.key, key)]

    def _table_in_version(self, record: MediaRecord) -> bytes | None:
        """A table as a version of an artifact holds it, if its row names one that is there."""
        from synadb.media.finding import version_place

        place = version_place(record.json)
        version = place and self.artifacts.find(place.uid)
        if place is None or version is None:
            return None
        # Of an imported run, the version may have references to what was not there.
        with contextlib.suppress(ArtifactNotFoundError, InvalidValueError):
            return self.artifacts.read(version, place.path)
        return None

    def get_table(self, run_id: str, key: str, step: int | None = None) -> Table:
        """A logged table: `.columns`, `.rows`, `.to_pandas()`; the last, or that of a step.

        ArtifactNotFoundError where there is none.
        """
        from synadb.media.finding import table_parts
        from synadb.media.table import Table

        parts = table_parts(self.media(run_id, key), key, step)
        if parts is None:
            where = "" if step is None else f" at step {step}"
            raise ArtifactNotFoundError(f"run {run_id!r} has no table {key!r}{where}")
        tables = []
        for part in parts:
            with self.open_file(run_id, part.path) as file:
                tables.append(Table.decode(file.read(), self._table_in_version(part)))
        for table in tables[1:]:
            tables[0].rows += table.rows
        return tables[0]

    def sketch(self, run_id: str, width: int = 40) -> dict[str, list[float]]:
        """At most `width` evenly spaced values of every metric of numbers, the ends among them."""
        self._drain(run_id)
        return self._store.sketch(run_id, width)

    def console(self, run_id: str) -> list[ConsoleLine]:
        """The lines the run printed: process by process, each in its order."""
        self._drain(run_id)
        return self._store.console(run_id)

    def system_metrics(self, run_id: str) -> list[dict[str, Any]]:
        """Samples of the machine in order of time, with `_timestamp` and `_runtime`."""
        self._drain(run_id)
        return self._store.system_rows(run_id)

    def sql(
        self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[dict[str, Any]]:
        """The rows that answer a query over the views of `synadb sql --help`; it can only read.

        InvalidValueError when there is a mistake in it.
        """
        self._drain()
        with self._store.sql(query, values) as answer:
            return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]

    def compare_runs(self, run_ids: Iterable[str]) -> dict[str, dict[str, dict[str, Any]]]:
        """`{"params": {name: {run: value}}, "metrics": {name: {run: {last, min, max, mean}}}}`.

        NaN is left out of min, max and mean.
        """
        from synadb.comparing import side_by_side

        return side_by_side((self.get_run(run_id), self.history(run_id)) for run_id in run_ids)

    def best_run(
        self, experiment: str, metric: str, mode: Literal["min", "max"] = "max"
    ) -> RunRecord | None:
        """The run whose summary (its last value) of `metric` is the best; None if none has it.

        Where `define_metric` made the summary a dict, the value of `mode` in it counts, else its
        only number, else `best` or `last`.
        """
        from synadb.comparing import best

        if mode not in ("min", "max"):
            raise InvalidValueError(f"mode is 'min' or 'max', not {mode!r}")
        return best(self.list_runs(experiment), metric, mode)

    # -- sweeps ----------------------------------------------------------------------------------

    def create_sweep(
        self,
        config: Mapping[str, Any],
        experiment: str | None = None,
        *,
        prior_runs: Sequence[str] = (),
        seed: int | None = None,
    ) -> str:
        """Create a sweep of a config as wandb's, and return its id.

        Its runs belong to `experiment` (else to the config's `project`). The runs `prior_runs`
        count as its first trials. Raises InvalidValueError with a line for each mistake.
        """
        from synadb.sweeps.config import parse
        from synadb.sweeps.controller import create_sweep

        parsed = parse(config)
        project = checked_text("experiment", experiment or parsed.stored.get("project"))
        for run_id in prior_runs:
            self._drain(run_id)
        return create_sweep(self._store, parsed, project, prior_runs=prior_runs, seed=seed).sweep_id

    def sweep(self, sweep_id: str) -> Sweep:
        """A sweep: its config, state, trials, runs and best run; SweepNotFoundError."""
        from synadb.sweeps.view import Sweep

        self._drain()
        return Sweep(self._store, sweep_id)

    def list_sweeps(self, experiment: str | None = None) -> list[SweepRecord]:
        """All sweeps, or those of one experiment, in order of creation."""
        with self._store.sweeps() as tables:
            return tables.sweeps(experiment)

    def delete_sweep(self, sweep_id: str) -> None:
        """Delete a sweep; its runs stay. SweepNotFoundError."""
        with self._store.sweeps(write=True) as tables:
            tables.delete_sweep(sweep_id)

    # -- the file --------------------------------------------------------------------------------

    def fork_run(self, run_id: str, step: int, *, new_id: str | None = None, **fields: Any) -> Run:
        """Start a run that has the rows of `run_id` up to and including `step`, and its config.

        `fields` are those of `run`, such as `experiment` and `config` (the experiment is the old
        run's unless given). InvalidValueError for a step that the old run has not reached.
        """
        self._drain(run_id)
        old = self._store.get_run(run_id)
        self._reached(old, step)
        fields["config"] = {**old.config, **(fields.get("config") or {})}
        fields.setdefault("experiment", old.experiment)
        run = self.run(run_id=new_id, **fields)
        try:
            self._store.copy_history(run_id, run.run_id, step)
            run.append(
                UpdateRun(run.run_id, {"metadata": {"forked_from": {"run": run_id, "step": step}}})
            )
        except BaseException:
            self.delete_run(run.run_id)
            raise
        run.continue_at(step + 1, self._store.last_steps(run.run_id))
        return run

    def rewind_run(self, run_id: str, step: int) -> None:
        """Drop what a run that is not being logged has logged after `step`.

        RunNotFoundError; InvalidValueError for a run that is being logged here, or a step that it
        has not reached.
        """
        if run_id in self._runs and not self._runs[run_id].ended:
            raise InvalidValueError(f"run {run_id!r} is being logged; end it first")
        self._reached(self._store.get_run(run_id), step)
        self._store.truncate(run_id, step)

    @staticmethod
    def _reached(run: RunRecord, step: int) -> None:
        if not 0 <= step <= run.last_step:
            raise InvalidValueError(
                f"run {run.run_id!r} has the steps 0 to {run.last_step}, and no step {step}"
            )

    def rename_run(self, run_id: str, new_id: str) -> None:
        """Give a run that nobody logs to another id; RunExistsError when it is taken."""
        if run_id in self._runs and not self._runs[run_id].ended:
            raise InvalidValueError(f"run {run_id!r} is being logged; end it first")
        self._runs.pop(run_id, None)
        self._store.rename_run(run_id, checked_text("run_id", new_id))

    def delete_run(self, run_id: str) -> None:
        """Delete a run with its artifacts and give the space back."""
        with self._lock:
            run = self._runs.pop(run_id, None)
            if run is not None and not run.ended:
                run.end("killed")
            self._store.delete_run(run_id)

    def gc(self, *, dry_run: bool = False) -> Mapping[str, int]:
        """Delete what nothing refers to, and versions of artifacts whose ttl is over.

        Returns counts and bytes; `dry_run` only says what there is to delete.
        """
        return self._store.gc(dry_run=dry_run)

    def check(self, *, fix: bool = False) -> CheckReport:
        """Audit the whole database."""
        self._drain()
        return self._store.check(fix=fix)

    def recover(self) -> list[Adopted]:
        """Bring in what dead processes left behind."""
        found = adopt(self._store)
        self.recovered += found
        return found

    def flush(self) -> None:
        """Return when everything logged so far is in the database and on the disk.

        Raises what prevents it.
        """
        self._encode()
        for journal in self._writer.journals:
            self._writer.drain(journal)
        self._store.sync()

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write a consistent copy of the database to a new file, at any time."""
        self.flush()
        self._store.export(os.fspath(path))

    def _drain(self, run_id: str | None = None) -> None:
        if self._store.read_only:
            return
        self._encode(run_id)
        for journal in self._writer.journals:
            if (run_id is None or journal.run_id == run_id) and not journal.closed:
                # Reading goes on with what is there; the writer has said what is wrong.
                with contextlib.suppress(StorageError, RunNotFoundError):
                    self._writer.drain(journal, getattr(self._waiting, "limit", None))

    def _encode(self, run_id: str | None = None) -> None:
        """Wait for the media of runs that are logged here."""
        for run in list(self._runs.values()):
            if run_id is None or run.run_id == run_id:
                run._settle_media()

    def close(self) -> None:
        """Write everything and close; runs that have not been ended stay open for others."""
        if self._closed or os.getpid() != self._pid:
            return
        self._closed = True
        for run in list(self._runs.values()):
            run._close_media()
        for journal in self._writer.journals:
            self._writer.finish(journal)
        self._writer.stop()
        if self._artifacts is not None:
            limit = Settings.from_environment().finish_timeout
            with contextlib.suppress(StorageError), self.patience(limit):
                self._artifacts.close()
        self._store.close()
        _open.discard(self)

    def __enter__(self) -> ExperimentTracker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@atexit.register
def _close_all() -> None:
    for tracker in list(_open):
        with contextlib.suppress(StorageError):
            tracker.close()

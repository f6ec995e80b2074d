"""The `Store` contract: the one interface between SynaDB and a database engine.

Threads and processes: any number of threads, processes and `Store` objects may use one database
at once. `apply` and every other writing method is one transaction: all of it or nothing.
Exactly once: `apply` with a `JournalMark` remembers how far the journal has been applied in the
same transaction, and refuses (`applied` differs from `start`) what has been applied before.
Errors: those of `synadb.errors`, each naming the path and the mend; never an engine's own.
Fork: a child may go on using a store that its parent opened.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, BinaryIO

from synadb.ops import JournalMark

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from synadb.ops import Op
    from synadb.query import Filter, Order
    from synadb.records import ArtifactRecord, CheckReport, ConsoleLine, History, RunRecord, Series
    from synadb.storage.blocks import Block
    from synadb.storage.merging import Merged
    from synadb.storage.metering import Watch
    from synadb.storage.sweeps import SweepTables
    from synadb.storage.versions import VersionTables
    from synadb.storage.views import Answer

__all__ = ["JournalMark", "Store"]


class Store(ABC):
    """A database of runs."""

    @property
    @abstractmethod
    def path(self) -> str:
        """The database file."""

    @property
    @abstractmethod
    def live_dir(self) -> str:
        """The folder beside it for what lives as long as its users: journals and locks."""

    @property
    @abstractmethod
    def network(self) -> bool:
        """Whether neither shared memory nor a shared mapping can be trusted where the file is."""

    @property
    @abstractmethod
    def read_only(self) -> bool:
        """Whether it can only be read."""

    @abstractmethod
    def patience(self, seconds: float) -> AbstractContextManager[None]:
        """Limit how long this thread waits for others in the block; StoreBusyError after that."""

    @abstractmethod
    def apply(self, ops: Sequence[Op], mark: JournalMark | None = None) -> None:
        """Write a batch in one transaction, exactly once where it comes from a journal.

        Of a journal's batch, a record that can never be stored is left out and warned about;
        otherwise it is an InvalidValueError. RunNotFoundError when the run is not there.
        """

    @abstractmethod
    def journal_offset(self, journal_id: str) -> int:
        """How far this journal has been applied (0 for one never seen)."""

    @abstractmethod
    def forget_journal(self, journal_id: str) -> None:
        """Drop the memory of a journal whose files are gone."""

    @abstractmethod
    def get_run(self, run_id: str) -> RunRecord:
        """Read a run; RunNotFoundError."""

    @abstractmethod
    def list_runs(self, experiment: str | None = None) -> list[RunRecord]:
        """Read all runs in order of creation."""

    @abstractmethod
    def find_runs(
        self,
        where: Filter | None = None,
        order: Order = (),
        *,
        experiment: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[str]:
        """The ids of the runs that fit, in `order`, ties and otherwise by creation."""

    @abstractmethod
    def get_runs(self, run_ids: Sequence[str], *, light: bool = False) -> list[RunRecord]:
        """Read runs in the order asked for; those that are not there are left out.

        `light` leaves `config`, `summary` and `metadata` empty.
        """

    @abstractmethod
    def query(
        self,
        where: Filter | None = None,
        order: Order = (),
        *,
        experiment: str | None = None,
        limit: int | None = None,
        offset: int = 0,
        light: bool = False,
    ) -> list[RunRecord]:
        """`find_runs` and `get_runs` on one snapshot."""

    @abstractmethod
    def count_runs(self, where: Filter | None = None, *, experiment: str | None = None) -> int:
        """How many runs fit."""

    @abstractmethod
    def run_ids(self) -> list[str]:
        """The ids of all runs, from their index alone: also where a run's own row is damaged."""

    @abstractmethod
    def list_experiments(self) -> list[str]:
        """Names of all experiments in order of first use."""

    @abstractmethod
    def last_steps(self, run_id: str) -> dict[str, int]:
        """The last step of every numeric metric of a run."""

    @abstractmethod
    def get_metric(self, run_id: str, key: str) -> Series:
        """One metric, in step order, the last write of a step; MetricNotFoundError."""

    @abstractmethod
    def history(self, run_id: str, keys: Sequence[str] | None = None) -> History:
        """Rows merged by step, as columns."""

    @abstractmethod
    def rows(self, run_id: str) -> Iterator[dict[str, Any]]:
        """Rows merged by step, as dicts with `_step`, `_runtime`, `_timestamp`, exact types."""

    @abstractmethod
    def scan(
        self,
        run_id: str,
        keys: Sequence[str] | None = None,
        *,
        min_step: int | None = None,
        max_step: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """The rows of `rows` from `min_step` up to and without `max_step`, a page at a time.

        With `keys`, the rows that have all of them, reduced to them and `_step`; a key with dots
        may lead into a nested dict. Each page is one snapshot; steps that come after the
        call are left out.
        """

    @abstractmethod
    def kinds(self, run_id: str) -> dict[str, str]:
        """What the values of each key are: float, int, bool, str, none or json (see `blocks`)."""

    @abstractmethod
    def blocks(self, run_id: str) -> Iterator[Block]:
        """The rows of `rows` as columns, a page at a time. Each page is one snapshot."""

    @abstractmethod
    def sample(
        self, run_id: str, samples: int | None, keys: Sequence[str] | None = None
    ) -> list[dict[str, Any]]:
        """At most `samples` rows of `scan`, the same ones each time; all with None.

        The first and the last are among them, and of every key with numbers the least and the
        greatest, as far as `samples` reaches; the rest is spread evenly.
        """

    @abstractmethod
    def media_rows(self, run_id: str) -> list[tuple[int, dict[str, Any]]]:
        """(step, what is not numbers) of the steps that have media, in order of steps."""

    @abstractmethod
    def sketch(self, run_id: str, width: int) -> dict[str, list[float]]:
        """At most `width` evenly spaced values of every metric of numbers, the ends among them."""

    @abstractmethod
    def console(self, run_id: str) -> list[ConsoleLine]:
        """The lines a run printed: process by process, each in its order."""

    @abstractmethod
    def system_rows(self, run_id: str) -> list[dict[str, Any]]:
        """Samples of the machine in order of time, with `_timestamp` and `_runtime`."""

    @abstractmethod
    def delete_run(self, run_id: str) -> None:
        """Delete a run and what only it refers to, and give the space back."""

    @abstractmethod
    def rename_run(self, run_id: str, new_id: str) -> None:
        """Give a run that nobody logs to another id; RunExistsError when it is taken."""

    @abstractmethod
    def copy_history(self, source_id: str, target_id: str, last_step: int) -> None:
        """Give a run without rows those of another up to and including `last_step`."""

    @abstractmethod
    def truncate(self, run_id: str, last_step: int) -> None:
        """Drop a run's rows after `last_step`; the summary is what the rest leaves."""

    @abstractmethod
    def put_artifact(
        self, run_id: str, name: str, data: BinaryIO, now: float, kind: str = "artifact"
    ) -> ArtifactRecord:
        """Store a stream in chunks; visible only once whole. The same name is replaced.

        Each `kind`, artifact or file, has names of its own.
        """

    @abstractmethod
    def put_files(self, run_id: str, contents: Mapping[str, bytes], now: float) -> None:
        """Store several short files of a run in one transaction."""

    @abstractmethod
    def list_artifacts(self, run_id: str, kind: str = "artifact") -> list[ArtifactRecord]:
        """The artifacts of a run by name."""

    @abstractmethod
    def read_artifact(self, run_id: str, name: str, kind: str = "artifact") -> Iterator[bytes]:
        """The content in verified pieces; ArtifactNotFoundError, CorruptStoreError."""

    @abstractmethod
    def bulk(self) -> AbstractContextManager[None]:
        """Make long writes in the block as fast as the engine can; they are as safe as others."""

    @abstractmethod
    def versions(self, *, write: bool = False) -> AbstractContextManager[VersionTables]:
        """Versioned artifacts: on one snapshot, or with `write` inside one transaction."""

    @abstractmethod
    def sweeps(self, *, write: bool = False) -> AbstractContextManager[SweepTables]:
        """Sweeps and trials: on one snapshot, or with `write` inside one transaction."""

    @abstractmethod
    def delete_artifact(self, run_id: str, name: str, kind: str = "artifact") -> None:
        """Delete one; ArtifactNotFoundError. `gc` gives the space back."""

    @abstractmethod
    def add_experiment(self, name: str) -> None:
        """Make an experiment that has no runs yet, unless it is there."""

    @abstractmethod
    def gc(self, *, dry_run: bool = False, watch: Watch | None = None) -> Mapping[str, int]:
        """Delete blobs that nothing refers to, abandoned uploads and drafts, and expired versions.

        Free pages are given back. Returns counts and bytes. `watch` is told how far it has come, in
        bytes.
        """

    @abstractmethod
    def compact(self, run_id: str, *, all_chunks: bool = False) -> None:
        """Merge small chunks of a run."""

    @abstractmethod
    def checkpoint(self, *, truncate: bool = False) -> bool:
        """Move what has been committed into the main file; whether all of it is there now.

        With `truncate` readers are waited for a moment.
        """

    @abstractmethod
    def sync(self) -> None:
        """Have what has been committed written to the disk: no power cut takes it any more."""

    @abstractmethod
    def rest(self) -> None:
        """Let go of the file until it is needed again: the program may copy it by any means."""

    @abstractmethod
    def export(self, path: str) -> None:
        """Write a consistent copy of the whole database to a new file."""

    @abstractmethod
    def sql(
        self, text: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> AbstractContextManager[Answer]:
        """Answer a query over the views of `storage.views`; InvalidValueError."""

    @abstractmethod
    def merge(
        self,
        source: Store,
        run_ids: Sequence[str] | None,
        *,
        clash: str,
        running: bool,
        notes: list[str],
    ) -> Iterator[Merged]:
        """Copy runs of another database, or all there is, one transaction a run.

        A run that is there already is known by its digest. Where another has its id, `clash` is
        rename, skip, replace or error. What is worth telling is added to `notes`.
        """

    @abstractmethod
    def check(self, *, fix: bool = False, watch: Watch | None = None) -> CheckReport:
        """Audit everything, with `fix` mend what can be mended and audit again.

        `watch` is told how far each audit has come, in bytes.
        """

    @abstractmethod
    def close(self) -> None:
        """Close; the store cannot be used afterwards."""

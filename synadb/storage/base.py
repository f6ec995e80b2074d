"""The `Store` contract: the one interface between SynaDB and a database engine.

Threads and processes: any number of threads, processes and `Store` objects may use one database
at once. `apply` and every other writing method is one transaction: all of it or nothing.
Exactly once: `apply` with a `JournalMark` remembers how far the journal has been applied in the
same transaction, and refuses (`applied` differs from `start`) what has been applied before.
Errors: those of `synadb.errors`, each naming the path and the mend; never an engine's own.
Fork: a child may go on using a store that its parent opened.
"""

# No `from __future__ import annotations`: NamedTuple compiles annotations that are texts, and the
# first of them takes a millisecond of every start.

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, NamedTuple

from synadb.ops import Op
from synadb.records import ArtifactRecord, CheckReport, ConsoleLine, History, RunRecord, Series

__all__ = ["JournalMark", "Store"]


class JournalMark(NamedTuple):
    """The part [start, end) of a journal, in logical offsets, that a batch of ops came from."""

    journal_id: str
    run_id: str
    start: int
    end: int


class Store(ABC):
    """A database of runs."""

    path: str
    live_dir: str
    network: bool
    read_only: bool

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
    def gc(self, *, dry_run: bool = False) -> Mapping[str, int]:
        """Delete blobs that nothing refers to and give free pages back: counts and bytes."""

    @abstractmethod
    def compact(self, run_id: str, *, all_chunks: bool = False) -> None:
        """Merge small chunks of a run."""

    @abstractmethod
    def checkpoint(self, *, truncate: bool = False) -> None:
        """Move what has been committed into the main file; with `truncate` all of it."""

    @abstractmethod
    def rest(self) -> None:
        """Let go of the file until it is needed again: the program may copy it by any means."""

    @abstractmethod
    def export(self, path: str) -> None:
        """Write a consistent copy of the whole database to a new file."""

    @abstractmethod
    def check(self, *, fix: bool = False) -> CheckReport:
        """Audit everything."""

    @abstractmethod
    def close(self) -> None:
        """Close; the store cannot be used afterwards."""

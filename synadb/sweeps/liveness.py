"""Who runs a trial, and whether it is still there."""

from __future__ import annotations

import os
import time

from synadb.ids import generate_id
from synadb.records import TrialRecord
from synadb.system import birth, host, lives

__all__ = ["Watch", "agent_name"]

# No two machines' clocks are further apart than this.
MOST_SKEW = 600.0


def agent_name() -> str:
    """A new name for an agent of this process; it tells where and what the process is."""
    pid = os.getpid()
    return f"{host()}/{pid}/{birth(pid)}@{_namespace()}/{generate_id()}"


class Watch:
    """What one process has seen of the heartbeats of agents."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, float]] = {}

    def is_lost(self, trial: TrialRecord, timeout: float) -> bool:
        """Whether nobody runs a trial any more."""
        if trial.agent is None:
            return False
        beat = trial.heartbeat_at or 0.0
        silent = time.time() - beat
        parts = trial.agent.split("/")
        if len(parts) != 4 or not parts[1].isdigit():
            return silent > timeout
        where, pid = parts[0], int(parts[1])
        born, _, namespace = parts[2].partition("@")
        if where != host():
            # That machine's clock may be minutes off ours: what counts is that the heartbeat
            # stands still while we look.
            return silent > timeout + MOST_SKEW or self._stands_still(trial.agent, beat) > timeout
        # A process that is there may have been held up with all others: a laptop's lid, say.
        # One that is not there may be another container's, or that of a machine of this name.
        is_near = namespace != "" and (_boot(born), namespace) == (_boot(), _namespace())
        return (is_near or silent > timeout) and not _runs(pid, born)

    def _stands_still(self, agent: str, beat: float) -> float:
        """For how long a heartbeat has been seen not to change."""
        now = time.monotonic()
        known = self._seen.get(agent)
        if known is None or known[0] != beat:
            self._seen[agent] = beat, now
            return 0.0
        return now - known[1]


def _runs(pid: int, born: str) -> bool:
    """Whether a process of this machine runs: not where it has died and nobody took note of it."""
    if not lives(pid, born):
        return False
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except (OSError, IndexError):
        return lives(pid, born)


def _boot(born: str | None = None) -> str:
    """Which start of which machine a process, or this one, belongs to."""
    return (birth(os.getpid()) if born is None else born).partition(":")[0]


def _namespace() -> str:
    """What the numbers of processes are unique in; empty where that cannot be told."""
    try:
        return os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        return ""

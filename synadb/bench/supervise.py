"""Runs one command and measures it, with every process it leaves behind.

    python supervise.py < spec.json > result.json

It is a process of its own for two reasons: on Linux it takes in orphans (PR_SET_CHILD_SUBREAPER),
so that a helper process that outlives the script, as wandb's may, is still seen and its CPU time
counted; and it may wait for any child there is without taking somebody else's.

The spec is {"command": [...], "env": {...}, "stdout": path, "stderr": path, "grace": seconds,
"timeout": seconds}, without a timeout where the command may take as long as it likes. The command's
standard input is empty. The result is the fields of `Result`.

What it waits for are processes, never pipes: the command writes to files, so that a helper which
outlives everything else holds nothing open. It waits for the command itself as long as the timeout
says, and for what is left behind as long as the grace says; then they are ended, again and again,
since one that is being ended may have started another.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

_INTERVAL = 0.02  # seconds between two looks at the processes
_SHARE = 0.1  # of one core at most, for looking
_ATTEMPTS = 5  # at ending processes; one that the kernel holds cannot be ended at all
_PR_SET_CHILD_SUBREAPER = 36


@dataclass
class Result:
    """What was measured.

    Attributes:
        exit_code: As subprocess gives it: negative for a signal.
        started: `time.monotonic_ns()` just before the command was started.
        ended: The same, just after it had ended.
        all_ended: The same, after the last process that it left behind had ended.
        cpu: CPU seconds, user and system, of all processes together. Exact on Linux, where the
            kernel says at the end of each process; elsewhere the helper processes that outlive
            the command count up to the last time they were looked at.
        peak_memory: The largest sum, in bytes, of the resident memory of all processes, looked at
            about every 20 ms. Pages that processes share are counted in each.
        most_processes: The largest number of processes seen at once.
        ended_by_force: Names of processes that outlived the command by more than the grace, or
            that were there when the command's time was up.
        timed_out: Whether the command was ended because its time was up.
    """

    exit_code: int = 0
    started: int = 0
    ended: int = 0
    all_ended: int = 0
    cpu: float = 0.0
    peak_memory: int = 0
    most_processes: int = 0
    ended_by_force: list[str] = field(default_factory=list)
    timed_out: bool = False


class Sampler(threading.Thread):
    """Looks at all descendants of this process, again and again."""

    def __init__(self, result: Result) -> None:
        super().__init__(daemon=True)
        import psutil

        self._psutil = psutil
        self._self = psutil.Process()
        self._result = result
        self._stop_event = threading.Event()
        self._known: dict[int, Any] = {}
        self._cpu: dict[int, float] = {}

    def run(self) -> None:
        """Look until told to stop."""
        while True:
            start = time.perf_counter()
            self.look()
            took = time.perf_counter() - start
            if self._stop_event.wait(max(_INTERVAL, took / _SHARE)):
                return

    def stop(self) -> None:
        """Stop, and wait for the thread."""
        self._stop_event.set()
        self.join()

    def look(self) -> None:
        """Add what there is now to the result."""
        for process in self._self.children(recursive=True):
            self._known.setdefault(process.pid, process)
        memory = count = 0
        for pid, process in list(self._known.items()):
            try:
                with process.oneshot():
                    memory += process.memory_info().rss
                    times = process.cpu_times()
            except self._psutil.Error:  # it has ended, or is about to be reaped
                continue
            self._cpu[pid] = times.user + times.system
            count += 1
        self._result.peak_memory = max(self._result.peak_memory, memory)
        self._result.most_processes = max(self._result.most_processes, count)

    def alive(self) -> list[Any]:
        """Every process seen so far, or found now, that still runs."""
        for process in self._self.children(recursive=True):
            self._known.setdefault(process.pid, process)
        return [process for process in self._known.values() if _runs(process, self._psutil)]

    def cpu_of(self, pids: set[int]) -> float:
        """CPU seconds of these, when they were last looked at."""
        return sum(self._cpu.get(pid, 0.0) for pid in pids)

    def seen(self) -> set[int]:
        """Every process seen so far."""
        return set(self._known)

    def end_all(self) -> None:
        """End what still runs, politely first, and note its name; what it has started, too."""
        for _ in range(_ATTEMPTS):
            processes = self.alive()
            if not processes:
                return
            for process in processes:
                with contextlib.suppress(self._psutil.Error):
                    self._result.ended_by_force.append(process.name())
                    process.terminate()
            time.sleep(2)
            for process in processes:
                with contextlib.suppress(self._psutil.Error):
                    process.kill()
            time.sleep(_INTERVAL)

    def end_late(self, pid: int) -> None:
        """The same, because the time of the command, which is process `pid`, is up."""
        self._result.timed_out = True
        if sys.platform != "win32":
            with contextlib.suppress(self._psutil.Error, ProcessLookupError):
                self._result.ended_by_force.append(self._psutil.Process(pid).name())
                # A Python that runs with its fault handler says where each of its threads is.
                os.kill(pid, signal.SIGABRT)
                time.sleep(1)
        self.end_all()


def _runs(process: Any, psutil: Any) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def supervise(spec: dict[str, Any]) -> Result:
    """Run the command of `spec` to its end, and wait for what it leaves behind."""
    result = Result()
    takes_orphans = _take_orphans()
    timeout = spec.get("timeout")
    if timeout is not None:
        _leave_no_core()
    sampler = Sampler(result)
    with open(spec["stdout"], "wb") as out, open(spec["stderr"], "wb") as err:
        result.started = time.monotonic_ns()
        process = subprocess.Popen(
            spec["command"], env=spec["env"], stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
    sampler.start()
    force = threading.Timer(spec["grace"], sampler.end_all)
    limit = threading.Timer(timeout or 0, sampler.end_late, [process.pid])
    force.daemon = limit.daemon = True
    if timeout is not None:
        limit.start()

    def note_end(exit_code: int) -> None:
        result.ended = time.monotonic_ns()
        result.exit_code = exit_code
        limit.cancel()
        force.start()

    try:
        if sys.platform == "win32":
            process.wait()
            note_end(process.returncode)
            sampler.stop()
            _wait_for_orphans(sampler)
            result.cpu = sampler.cpu_of(sampler.seen())
        else:
            _wait_for_children(process, result, note_end)
            sampler.stop()
            if not takes_orphans:
                orphans = {orphan.pid for orphan in sampler.alive()}
                _wait_for_orphans(sampler)
                result.cpu += sampler.cpu_of(orphans)
    finally:  # Ctrl-C leaves nothing behind
        force.cancel()
        limit.cancel()
        if sampler.alive():
            sampler.end_all()
    result.all_ended = time.monotonic_ns()
    return result


if sys.platform != "win32":

    def _wait_for_children(
        process: subprocess.Popen[bytes], result: Result, note_end: Callable[[int], None]
    ) -> None:
        """Wait until there is no child left, adding up what the kernel says of each."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, 0)
            except ChildProcessError:
                return
            # The command's own and that of all it waited for.
            result.cpu += usage.ru_utime + usage.ru_stime
            if pid == process.pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                note_end(process.returncode)


def _wait_for_orphans(sampler: Sampler) -> None:
    while sampler.alive():
        sampler.look()
        time.sleep(_INTERVAL)


def _leave_no_core() -> None:
    """Let a process that is made to show its stacks, and dies of it, leave no file behind."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def _take_orphans() -> bool:
    """Become the parent of every descendant whose own parent ends; only Linux can."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    try:
        return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (OSError, AttributeError):  # a C library without it
        return False


if __name__ == "__main__":
    json.dump(asdict(supervise(json.load(sys.stdin))), sys.stdout)

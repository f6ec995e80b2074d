"""A trial's program as a child process: a process group that ends as a whole."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Child"]

POSIX = sys.platform != "win32"

# Is there before the program. It reads the number of the group, and then until it is told that the
# program has ended. Where the agent dies first, the pipe ends without a word: then the group is
# asked to end, and killed after $1 seconds.
_GUARD = (
    'read -r group || exit 0; read -r word; [ "$word" = done ] && exit 0; '
    'kill -TERM "-$group" 2>/dev/null || exit 0; n=0; '
    'while kill -0 "-$group" 2>/dev/null && [ "$n" -lt "$1" ]; do sleep 1; n=$((n + 1)); done; '
    'kill -KILL "-$group" 2>/dev/null'
)


class Child:
    """A program in a process group of its own, without standard input.

    When the program has ended, or the agent has, nothing of the group is left behind: not even
    where the agent is killed, which a small shell process watches for.
    """

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], kill_delay: float
    ) -> None:
        self.kill_delay = kill_delay
        self._asked: float | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        if POSIX:
            # The same terminal's session, but not its Ctrl-C.
            own_group: dict[str, Any] = (
                {"process_group": 0} if sys.version_info >= (3, 11) else {"preexec_fn": os.setpgrp}
            )
            self._watch()
            try:
                self._process = subprocess.Popen(
                    command, env=dict(environ), stdin=subprocess.DEVNULL, **own_group
                )
            except BaseException:
                self._tell_guard("")
                self._dismiss_guard()
                raise
            self._tell_guard(str(self.pid))
        else:
            self._process = subprocess.Popen(
                command,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,  # type: ignore[attr-defined]
            )

    def _watch(self) -> None:
        # Whoever has no shell does without.
        with contextlib.suppress(OSError):
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", _GUARD, "sh", str(int(self.kill_delay))],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                bufsize=0,
            )

    def _tell_guard(self, line: str) -> None:
        if self._guard is not None and self._guard.stdin is not None:
            with contextlib.suppress(OSError):
                self._guard.stdin.write(f"{line}\n".encode())

    @property
    def pid(self) -> int:
        """The program's process, and its group."""
        return self._process.pid

    def wait(self, seconds: float) -> int | None:
        """The exit code, below 0 for a signal; None if it still runs after `seconds`."""
        deadline = time.monotonic() + seconds
        pause = 0.005
        while True:
            code = self._poll()
            if code is not None:
                return code
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, 0.05)

    def _poll(self) -> int | None:
        if not POSIX or self._process.returncode is not None:
            return self._process.poll()
        try:
            ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:  # SIGCHLD is ignored, and nobody knows how it ended
            return self._process.poll()
        if ended is None:
            return None
        # Before its number is free for others: what it has started ends with it.
        self._clear()
        return self._process.wait()

    def _clear(self) -> None:
        """End what is left of the group; the program itself has ended."""
        self._signal_group(signal.SIGTERM)
        deadline = time.monotonic() + min(2.0, self.kill_delay)
        while self._others() and time.monotonic() < deadline:
            time.sleep(0.02)
        self._signal_group(signal.SIGKILL)
        self._dismiss_guard()

    def _others(self) -> bool:
        """Whether the group has living members beside the program, where that can be told."""
        if not sys.platform.startswith("linux"):
            return False
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) == self.pid:
                continue
            with contextlib.suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
                if int(fields[2]) == self.pid and fields[0] != b"Z":
                    return True
        return False

    def _dismiss_guard(self) -> None:
        self._tell_guard("done")
        guard, self._guard = self._guard, None
        if guard is not None and guard.stdin is not None:
            with contextlib.suppress(OSError):
                guard.stdin.close()
            guard.wait()

    def send(self, number: int) -> None:
        """Forward a signal to the program alone."""
        with contextlib.suppress(OSError):
            if POSIX:
                self._process.send_signal(number)
            else:
                self._process.send_signal(signal.CTRL_BREAK_EVENT)  # type: ignore[attr-defined]

    def stop(self) -> None:
        """Ask the group to end; called again after the delay, kill it."""
        now = time.monotonic()
        if self._asked is None:
            self._asked = now
            self._signal_group(signal.SIGTERM)
        elif now - self._asked >= self.kill_delay:
            self.kill()

    def kill(self) -> None:
        """End the group at once."""
        if POSIX:
            self._signal_group(signal.SIGKILL)
        else:
            with contextlib.suppress(OSError):
                subprocess.run(
                    ["taskkill", "/F", "/T", "/PID", str(self.pid)],
                    check=False,
                    capture_output=True,
                )

    def _signal_group(self, number: int) -> None:
        if not POSIX:
            self._process.terminate()
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

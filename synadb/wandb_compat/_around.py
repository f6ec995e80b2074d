"""What is recorded around a run without being asked for: console, machine, program."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from synadb.errors import SynaDBError
from synadb.ops import LogConsole, LogSystem, UpdateRun
from synadb.system import host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from synadb.monitor.console import ConsoleCapture, ConsoleFile, Line
    from synadb.monitor.system_metrics import Monitor
    from synadb.run import Run as NativeRun
    from synadb.wandb_compat._run_dir import RunDir
    from synadb.wandb_compat._settings import Settings

__all__ = ["Around", "logger_levels"]

SETTLE_SECONDS = 1.0  # a run that is over before that is not asked about its machine
FACTS_SECONDS = 2.0  # that the end of a run waits for facts


def logger_levels(captured: Mapping[str, str] | None) -> dict[str, int]:
    """The loggers to capture, with their levels as numbers; ValueError for a level unknown."""
    if not captured:
        return {}
    import logging

    levels = {}
    for name, text in captured.items():
        level = logging.getLevelName(text.upper())
        if not isinstance(level, int):
            raise ValueError(
                f"wandb.Settings(capture_loggers=): {text!r} is no level; use DEBUG, INFO, "
                "WARNING, ERROR or CRITICAL"
            )
        levels[name] = level
    return levels


class Around:
    """Console capture, machine samples, facts about the program and a heartbeat, for one run."""

    def __init__(
        self,
        native: NativeRun,
        settings: Settings,
        folder: RunDir,
        levels: Mapping[str, int] | None = None,
    ) -> None:
        self._native = native
        self._settings = settings
        self._folder = folder
        self._pid = os.getpid()
        self._source = f"{host()}-{self._pid}-{time.time_ns() & 0xFFFFFF:x}"
        self._console: ConsoleCapture | None = None
        self._file: ConsoleFile | None = None
        self._monitor: Monitor | None = None
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._facts_lock = threading.Lock()
        # Of several processes only the primary one says what program and machine the run had.
        self._facts_wanted = settings.x_primary
        self._levels = dict(levels or {})
        self._loggers: list[tuple[Any, Any]] = []
        self.metadata: dict[str, Any] = {}

    def start(self) -> None:
        """Begin; costs no more than starting a thread."""
        settings = self._settings
        if settings.console != "off" or self._levels:
            self._start_console("off" if settings.console == "off" else _console(settings))
        for name, level in self._levels.items():
            self._capture_logger(name, level)
        self._thread = threading.Thread(target=self._live, name="synadb-around", daemon=True)
        self._thread.start()

    def _start_console(self, mode: Any) -> None:
        from synadb.monitor.console import ConsoleCapture

        self._console = ConsoleCapture(mode, self._take_lines)
        self._console.start()

    def _take_lines(self, lines: list[Line], final: int) -> None:
        if self._folder.exists:
            if self._file is None:
                from synadb.monitor.console import ConsoleFile

                self._file = ConsoleFile(os.path.join(self._folder.folder(), "output.log"))
            with contextlib.suppress(OSError):
                self._file.update(lines, final)
        now = time.time()
        self._append(
            LogConsole(
                self._native.run_id,
                self._source,
                tuple((number, now, stream, text) for number, stream, text in lines),
            )
        )

    def _append(self, op: LogConsole | LogSystem | UpdateRun) -> None:
        # The run may have ended meanwhile; then there is nowhere to put it.
        with contextlib.suppress(SynaDBError):
            self._native.append(op)

    def write_logs(self, text: str) -> None:
        """Add text to the run's console output without printing it."""
        if self._console is None:
            self._start_console("off")
        if self._console is not None:
            self._console.add(text)

    def _capture_logger(self, name: str, level: int) -> None:
        import logging

        around = self

        class Handler(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                try:
                    around.write_logs(f"{record.levelname}:{record.name}:{record.getMessage()}")
                except Exception:  # noqa: BLE001 - arguments that do not fit: as every handler
                    self.handleError(record)

        handler = Handler(level)
        logger = logging.getLogger(name or None)
        logger.addHandler(handler)
        self._loggers.append((logger, handler))

    # -- the thread ------------------------------------------------------------------------------

    def _live(self) -> None:
        if self._over.wait(SETTLE_SECONDS):
            return
        self._find_facts(hardware=not self._settings.x_disable_machine_info)
        if not self._settings.x_disable_stats and not self._settings.x_disable_machine_info:
            self._start_monitor()
        while not self._over.wait(max(1, self._settings.heartbeat_seconds)):
            self._append(UpdateRun(self._native.run_id, {}))

    def _start_monitor(self) -> None:
        from synadb.monitor.system_metrics import Monitor, Sampler

        settings = self._settings
        sampler = Sampler(
            disk_paths=tuple(settings.x_stats_disk_paths or ()),
            process_tree=settings.x_stats_track_process_tree,
            cpu_count=settings.x_stats_cpu_count,
            gpu_ids=settings.x_stats_gpu_device_ids,
        )
        monitor = Monitor(sampler, settings.x_stats_sampling_interval, self._take_sample)
        monitor.start()
        self._monitor = monitor
        if self._over.is_set():
            monitor.stop()

    def _take_sample(self, now: float, values: dict[str, float]) -> None:
        self._append(LogSystem(self._native.run_id, self._source, now, values))

    # -- facts -----------------------------------------------------------------------------------

    def _find_facts(self, *, hardware: bool) -> None:
        if not self._facts_lock.acquire(timeout=FACTS_SECONDS):
            return  # the thread is at it, and has got stuck somewhere
        try:
            if self._facts_wanted:
                self._facts_wanted = False
                with contextlib.suppress(Exception):  # facts are welcome, not needed
                    self._take_facts(hardware=hardware)
        finally:
            self._facts_lock.release()

    def _take_facts(self, *, hardware: bool) -> None:
        settings = self._settings
        from synadb.monitor import facts

        git = not (settings.disable_git or settings.x_disable_machine_info)
        if not settings.x_disable_meta:
            self.metadata = facts.metadata(
                started_at=settings.x_start_time,
                program_path=settings.program,
                root=settings.root_dir,
                host=settings.host,
                email=settings.email,
                username=settings.username,
                docker=settings.docker,
                git=git,
                git_remote=settings.git_remote,
                hardware=hardware,
            )
            self._append(UpdateRun(self._native.run_id, {"metadata": {"facts": self.metadata}}))
        if settings.x_save_requirements:
            self._folder.keep("requirements.txt", "".join(f"{name}\n" for name in _requirements()))
        if git and not settings.disable_code:
            self._folder.keep("diff.patch", facts.git_diff(timeout=FACTS_SECONDS))

    def stop(self) -> None:
        """End all of it; what is missing of the facts is found out now."""
        if os.getpid() != self._pid:
            return
        self._over.set()
        if self._monitor is not None:
            self._monitor.stop()
        self._find_facts(hardware=False)
        for logger, handler in self._loggers:
            logger.removeHandler(handler)
        if self._console is not None:
            self._console.stop()
        if self._file is not None:
            self._file.close()


def _console(settings: Settings) -> str:
    return "redirect" if settings.console == "redirect" else "wrap"


@cache
def _requirements() -> list[str]:
    from synadb.monitor import facts

    return facts.requirements()

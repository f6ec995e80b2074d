"""System metrics under wandb's keys: processor, memory, disk, network, process and GPU.

Keys stand here as wandb records them, without the `system.` that its Api puts before them.
Units: MB and GB are 2**20 and 2**30 bytes, shares are percent, `network.*` is bytes. What counts up
(`disk.*.in`, `disk.*.out`, `network.*`) starts at zero with the first sample.

psutil and NVML are imported by the first sample, in the thread that takes it.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psutil

__all__ = ["Monitor", "Sampler", "open_nvml"]

MIN_INTERVAL = 0.1
_MB = 1024.0 * 1024.0
_GB = _MB * 1024.0
_MAX_PAUSE = 256  # samples that a probe which keeps failing is left alone for, at most

# Block devices that are no disks of their own, or count a disk's traffic a second time.
_NO_DISK = ("loop", "ram", "zram", "sr", "fd", "dm-", "md", "nbd")

Metrics = dict[str, float]


class Sampler:
    """Takes one sample of the machine and of a process at a time; never raises.

    A probe that fails is left out of the sample and rests for 1, 2, 4 ... up to 256 samples, so
    what cannot work here costs next to nothing; `failed` tells why. Not safe to share between
    threads. `per_core` adds `cpu.<i>.cpu_percent`, which older releases of wandb recorded.
    """

    def __init__(
        self,
        pid: int | None = None,
        *,
        disk_paths: Sequence[str] = ("/",),
        process_tree: bool = False,
        cpu_count: int | None = None,
        per_core: bool = False,
        gpu_ids: Sequence[int] | None = None,
    ) -> None:
        self.pid = os.getpid() if pid is None else pid
        self.failed: dict[str, str] = {}
        self._process_tree = process_tree
        self._cpu_count = cpu_count
        self._gpu_ids = None if gpu_ids is None else tuple(gpu_ids)
        self._nvml: Any = None
        self._gpu_refused: set[tuple[int, str]] = set()
        self._process: psutil.Process | None = None
        self._cpu_seconds: dict[tuple[int, float], float] = {}
        self._cpu_time: float | None = None
        self._cores_primed = False
        self._zero: dict[str, float] = {}
        self._processes: list[psutil.Process] = []
        self._rests: dict[str, tuple[int, int]] = {}  # probe -> (samples to skip, next pause)
        self._probes: list[tuple[str, Callable[[], Metrics]]] = [
            ("process", self._sample_process),
            ("network", self._sample_network),
            ("disk io", self._sample_disk_io),
            ("memory", self._sample_memory),
            *((f"disk {path}", _disk_usage_probe(path)) for path in disk_paths),
            ("gpu", self._sample_gpus),
        ]
        if sys.platform.startswith("linux"):
            self._probes.append(("tcp", self._sample_retransmits))
        if per_core:
            self._probes.append(("cores", self._sample_cores))

    def sample(self) -> Metrics:
        """The metrics of now. The first sample has no `cpu`: that takes two points in time."""
        metrics: Metrics = {}
        for name, probe in self._probes:
            skip, pause = self._rests.get(name, (0, 1))
            if skip:
                self._rests[name] = (skip - 1, pause)
                continue
            try:
                found = probe()
            # Telemetry must not disturb training, and drivers raise what they like.
            except Exception as error:  # noqa: BLE001
                self.failed[name] = f"{type(error).__name__}: {error}"
                self._rests[name] = (pause, min(pause * 2, _MAX_PAUSE))
                continue
            self.failed.pop(name, None)
            self._rests.pop(name, None)
            metrics.update((key, value) for key, value in found.items() if math.isfinite(value))
        return metrics

    def close(self) -> None:
        """Let go of the GPU driver; a later sample opens it again."""
        nvml, self._nvml = self._nvml, None
        if nvml is not None:
            _close_nvml(nvml)

    # --- probes ------------------------------------------------------------------------------

    def _sample_process(self) -> Metrics:
        import psutil

        if self._process is None:
            self._process = psutil.Process(self.pid)
        self._processes = [self._process]
        if self._process_tree:
            self._processes += self._process.children(recursive=True)
        now = time.monotonic()
        seconds: dict[tuple[int, float], float] = {}
        rss = threads = spent = 0.0
        for process in self._processes:
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    key = (process.pid, process.create_time())
                    rss += process.memory_info().rss
                    threads += process.num_threads()
            except psutil.Error:
                if process is self._process:
                    raise
                continue  # a child that has ended meanwhile
            seconds[key] = times.user + times.system
            # A child first seen now spent its seconds since the last sample, as good as we know.
            spent += max(0.0, seconds[key] - self._cpu_seconds.get(key, 0.0))
        metrics = {
            "proc.memory.rssMB": rss / _MB,
            "proc.memory.percent": 100.0 * rss / psutil.virtual_memory().total,
            "proc.cpu.threads": threads,
        }
        if self._cpu_time is not None and now > self._cpu_time:
            cores = self._cpu_count or os.cpu_count() or 1
            metrics["cpu"] = 100.0 * spent / (now - self._cpu_time) / cores
        self._cpu_seconds, self._cpu_time = seconds, now
        return metrics

    def _sample_memory(self) -> Metrics:
        import psutil

        memory = psutil.virtual_memory()
        return {
            "memory_percent": 100.0 * (memory.total - memory.available) / memory.total,
            "proc.memory.availableMB": memory.available / _MB,
        }

    def _sample_network(self) -> Metrics:
        import psutil

        sent = received = 0.0
        for name, counters in psutil.net_io_counters(pernic=True).items():
            if name not in {"lo", "lo0"} and not name.startswith("Loopback"):
                sent += counters.bytes_sent
                received += counters.bytes_recv
        return {
            "network.sent": self._since_start("network.sent", sent),
            "network.recv": self._since_start("network.recv", received),
        }

    def _sample_retransmits(self) -> Metrics:
        with open("/proc/net/snmp", encoding="ascii") as file:
            names, values = [line.split() for line in file if line.startswith("Tcp:")]
        count = float(values[names.index("RetransSegs")])
        return {"network.tcpRetransmits": self._since_start("network.tcpRetransmits", count)}

    def _sample_disk_io(self) -> Metrics:
        import psutil

        metrics: Metrics = {}
        for name, counters in (psutil.disk_io_counters(perdisk=True) or {}).items():
            if _is_disk(name) and counters.read_count + counters.write_count:
                for key, count in (("in", counters.read_bytes), ("out", counters.write_bytes)):
                    full = f"disk.{name}.{key}"
                    metrics[full] = self._since_start(full, count / _MB)
        return metrics

    def _sample_cores(self) -> Metrics:
        import psutil

        shares = psutil.cpu_percent(interval=None, percpu=True)
        if not self._cores_primed:  # the first call only starts the clock
            self._cores_primed = True
            return {}
        return {f"cpu.{i}.cpu_percent": share for i, share in enumerate(shares)}

    def _sample_gpus(self) -> Metrics:
        if self._nvml is None:
            self._nvml = open_nvml()
        nvml = self._nvml
        count = nvml.nvmlDeviceGetCount()
        wanted = range(count) if self._gpu_ids is None else self._gpu_ids
        pids = {self.pid, *(process.pid for process in self._processes)}
        metrics: Metrics = {}
        for index in wanted:
            if not 0 <= index < count:
                continue
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            found = dict(self._gpu(nvml, index, handle))
            metrics.update((f"gpu.{index}.{key}", value) for key, value in found.items())
            if self._gpu_serves(nvml, index, handle, pids):
                metrics.update(
                    (f"gpu.process.{index}.{key}", found[key])
                    for key in _GPU_PROCESS_KEYS
                    if key in found
                )
        return metrics

    def _gpu(self, nvml: Any, index: int, handle: Any) -> Iterator[tuple[str, float]]:
        for name, read in _GPU_READINGS.items():
            if (index, name) not in self._gpu_refused:
                try:
                    yield from read(nvml, handle).items()
                except nvml.NVMLError as error:
                    self._refuse(nvml, index, name, error)

    def _gpu_serves(self, nvml: Any, index: int, handle: Any, pids: set[int]) -> bool:
        if (index, "processes") in self._gpu_refused:
            return False
        try:
            running = nvml.nvmlDeviceGetComputeRunningProcesses(handle)
        except nvml.NVMLError as error:
            self._refuse(nvml, index, "processes", error)
            return False
        return any(process.pid in pids for process in running)

    def _refuse(self, nvml: Any, index: int, name: str, error: Exception) -> None:
        """Forget for good what this model of GPU does not offer; other errors may pass."""
        if getattr(error, "value", None) == nvml.NVML_ERROR_NOT_SUPPORTED:
            self._gpu_refused.add((index, name))

    def _since_start(self, key: str, count: float) -> float:
        return max(0.0, count - self._zero.setdefault(key, count))


def _is_disk(name: str) -> bool:
    if not sys.platform.startswith("linux"):
        return True
    # Partitions are listed too, but only whole devices have a folder here.
    return not name.startswith(_NO_DISK) and os.path.exists(f"/sys/block/{name}")


def _disk_usage_probe(path: str) -> Callable[[], Metrics]:
    def probe() -> Metrics:
        import psutil

        usage = psutil.disk_usage(path)
        # Of what an ordinary user can have, as `df` counts: without the blocks kept for root.
        return {
            f"disk.{path}.usagePercent": 100.0 * usage.used / (usage.used + usage.free),
            f"disk.{path}.usageGB": usage.used / _GB,
        }

    return probe


# --- GPUs ------------------------------------------------------------------------------------


def open_nvml() -> Any:
    """The module `pynvml`, initialised; raises where it or the driver is missing."""
    import importlib

    nvml = importlib.import_module("pynvml")
    nvml.nvmlInit()
    return nvml


def _close_nvml(nvml: Any) -> None:
    try:
        nvml.nvmlShutdown()
    except nvml.NVMLError:
        return  # a driver that has gone away has nothing left to let go of


def _gpu_utilization(nvml: Any, handle: Any) -> Metrics:
    rates = nvml.nvmlDeviceGetUtilizationRates(handle)
    return {"gpu": float(rates.gpu), "memory": float(rates.memory)}


def _gpu_memory(nvml: Any, handle: Any) -> Metrics:
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    return {
        "memoryAllocated": 100.0 * memory.used / memory.total if memory.total else math.nan,
        "memoryAllocatedBytes": float(memory.used),
    }


def _gpu_power(nvml: Any, handle: Any) -> Metrics:
    return {"powerWatts": nvml.nvmlDeviceGetPowerUsage(handle) / 1000.0}


def _gpu_power_limit(nvml: Any, handle: Any) -> Metrics:
    limit = nvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1000.0
    power = nvml.nvmlDeviceGetPowerUsage(handle) / 1000.0
    return {
        "enforcedPowerLimitWatts": limit,
        "powerPercent": 100.0 * power / limit if limit else math.nan,
    }


def _gpu_temperature(nvml: Any, handle: Any) -> Metrics:
    return {"temp": float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))}


def _gpu_clocks(nvml: Any, handle: Any) -> Metrics:
    return {
        "smClock": float(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)),
        "memoryClock": float(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM)),
        "graphicsClock": float(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_GRAPHICS)),
    }


def _gpu_fan(nvml: Any, handle: Any) -> Metrics:
    return {"fanSpeed": float(nvml.nvmlDeviceGetFanSpeed(handle))}


def _gpu_encoder(nvml: Any, handle: Any) -> Metrics:
    return {"encoderUtilization": float(nvml.nvmlDeviceGetEncoderUtilization(handle)[0])}


def _gpu_errors(nvml: Any, handle: Any) -> Metrics:
    def count(kind: int) -> float:
        return float(
            nvml.nvmlDeviceGetMemoryErrorCounter(
                handle, kind, nvml.NVML_AGGREGATE_ECC, nvml.NVML_MEMORY_LOCATION_DEVICE_MEMORY
            )
        )

    return {
        "correctedMemoryErrors": count(nvml.NVML_MEMORY_ERROR_TYPE_CORRECTED),
        "uncorrectedMemoryErrors": count(nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED),
    }


# Each reading fails on its own: a passively cooled board has no fan, a laptop's no power limit.
_GPU_READINGS: dict[str, Callable[[Any, Any], Metrics]] = {
    "utilization": _gpu_utilization,
    "memory": _gpu_memory,
    "temperature": _gpu_temperature,
    "power": _gpu_power,
    "power limit": _gpu_power_limit,
    "clocks": _gpu_clocks,
    "fan": _gpu_fan,
    "encoder": _gpu_encoder,
    "errors": _gpu_errors,
}
_GPU_PROCESS_KEYS = (
    "gpu",
    "memory",
    "memoryAllocated",
    "memoryAllocatedBytes",
    "temp",
    "powerWatts",
    "powerPercent",
    "enforcedPowerLimitWatts",
)


# --- the thread ------------------------------------------------------------------------------


class Monitor:
    """Calls `sink(time, metrics)` from a thread of its own: at start, then every `interval` s.

    `delay` puts off the first sample, which imports psutil. Once `stop` has returned, the sink is
    not called any more, unless it was stuck in a call for longer than `stop` waits (1 s). A sink
    that raises ends the thread; its error is kept in `error`. A forked child has no thread, and may
    start its own.
    """

    def __init__(
        self,
        sampler: Sampler,
        interval: float,
        sink: Callable[[float, Metrics], None],
        *,
        delay: float = 0.0,
    ) -> None:
        if not interval >= MIN_INTERVAL:
            raise ValueError(
                f"Monitor(interval={interval!r}): cannot be less than {MIN_INTERVAL} seconds"
            )
        self.error: BaseException | None = None
        self._sampler = sampler
        self._interval = interval
        self._sink = sink
        self._delay = delay
        self._watch: _Watch | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to sample; does nothing while sampling."""
        if self._watch is None or self._watch.pid != os.getpid():
            self.error = None
            self._watch = _Watch()
            self._thread = threading.Thread(
                target=self._run,
                args=(self._watch, self._thread),
                name="synadb-system-metrics",
                daemon=True,
            )
            self._thread.start()

    def stop(self) -> None:
        """End sampling without waiting for a sample under way; may be called again."""
        watch, self._watch = self._watch, None
        if watch is None or watch.pid != os.getpid():
            return  # a fork may have copied the lock while it was held
        watch.stopped.set()
        if watch.sinking.acquire(timeout=1.0):
            watch.sinking.release()

    def _run(self, watch: _Watch, previous: threading.Thread | None) -> None:
        if previous is not None:
            previous.join()  # `stop` did not wait for it, and a sampler serves one thread at a time
        due = time.monotonic() + self._delay
        while not watch.stopped.wait(max(0.0, due - time.monotonic())):
            now = time.time()
            metrics = self._sampler.sample()
            with watch.sinking:
                if watch.stopped.is_set():
                    break
                try:
                    self._sink(now, metrics)
                # Whoever stops the monitor can look at it; a thread has nobody to raise to.
                except BaseException as error:  # noqa: BLE001
                    self.error = error
                    break
            due += self._interval
            if due < time.monotonic():  # after a suspend, or samples slower than the interval
                due = time.monotonic() + self._interval
        self._sampler.close()


class _Watch:
    """What one thread and whoever stops it share; a new thread gets a new one."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.stopped = threading.Event()
        # Reentrant: a sink may stop its own monitor.
        self.sinking = threading.RLock()

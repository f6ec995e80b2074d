"""System metrics of real processes; only the GPU driver is played by a fake module."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from synadb.monitor.system_metrics import Monitor, Sampler

MB = 2.0**20


def wait_for(condition: Callable[[], object], timeout: float = 30.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


class FakeNvml(types.ModuleType):
    """What `pynvml` answers on a machine with two cards, the second without a fan."""

    class NVMLError(Exception):
        def __init__(self, value: int) -> None:
            super().__init__(f"code {value}")
            self.value = value

    NVML_ERROR_NOT_SUPPORTED = 3
    NVML_TEMPERATURE_GPU = 0
    NVML_CLOCK_GRAPHICS, NVML_CLOCK_SM, NVML_CLOCK_MEM = 0, 1, 2
    NVML_MEMORY_ERROR_TYPE_CORRECTED, NVML_MEMORY_ERROR_TYPE_UNCORRECTED = 0, 1
    NVML_AGGREGATE_ECC = 1
    NVML_MEMORY_LOCATION_DEVICE_MEMORY = 2

    def __init__(self, pids: list[int], *, broken: bool = False) -> None:
        super().__init__("pynvml")
        # In the module itself: these are found by listing its names.
        vars(self).update(NVML_DEVICE_ARCH_VOLTA=5, NVML_DEVICE_ARCH_AMPERE=7)
        self.pids = pids
        self.broken = broken
        self.opened = self.attempts = self.fan_calls = 0

    def nvmlInit(self) -> None:
        self.attempts += 1
        if self.broken:
            raise self.NVMLError(12)
        self.opened += 1

    def nvmlShutdown(self) -> None:
        self.opened -= 1

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetName(self, handle: int) -> str | bytes:
        return f"Card {handle}" if handle else b"Card 0"

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        return f"GPU-{handle}"

    def nvmlDeviceGetNumGpuCores(self, handle: int) -> int:
        return 6912

    def nvmlDeviceGetArchitecture(self, handle: int) -> int:
        return 7

    def nvmlSystemGetCudaDriverVersion(self) -> int:
        return 12040

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:
        return types.SimpleNamespace(gpu=40 + handle, memory=7)

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        return types.SimpleNamespace(used=20 * 2**30, total=80 * 2**30)

    def nvmlDeviceGetTemperature(self, handle: int, sensor: int) -> int:
        return 61

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:
        return 100_000

    def nvmlDeviceGetEnforcedPowerLimit(self, handle: int) -> int:
        return 400_000

    def nvmlDeviceGetClockInfo(self, handle: int, clock: int) -> int:
        return 1000 + clock

    def nvmlDeviceGetFanSpeed(self, handle: int) -> int:
        self.fan_calls += 1
        if handle:
            raise self.NVMLError(self.NVML_ERROR_NOT_SUPPORTED)
        return 30

    def nvmlDeviceGetEncoderUtilization(self, handle: int) -> list[int]:
        return [5, 1000]

    def nvmlDeviceGetMemoryErrorCounter(self, handle: int, kind: int, *_: int) -> int:
        return kind + 1

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[Any]:
        return [types.SimpleNamespace(pid=pid) for pid in self.pids] if handle == 0 else []


# --- the sampler -----------------------------------------------------------------------------


def test_keys_of_the_first_and_of_later_samples() -> None:
    sampler = Sampler()
    first = sampler.sample()
    expected = {
        "memory_percent",
        "network.sent",
        "network.recv",
        "proc.cpu.threads",
        "proc.memory.availableMB",
        "proc.memory.percent",
        "proc.memory.rssMB",
        "disk./.usageGB",
        "disk./.usagePercent",
    }
    if sys.platform.startswith("linux"):
        expected.add("network.tcpRetransmits")
    assert {key for key in first if not key.endswith((".in", ".out"))} == expected
    assert set(sampler.sample()) == set(first) | {"cpu"}
    assert all(type(value) is float for value in sampler.sample().values())


def test_units() -> None:
    sampler = Sampler()
    found = sampler.sample()
    memory, disk = psutil.virtual_memory(), psutil.disk_usage("/")
    rss = psutil.Process().memory_info().rss
    assert found["proc.memory.rssMB"] == pytest.approx(rss / MB, rel=0.2)
    assert found["proc.memory.percent"] == pytest.approx(100 * rss / memory.total, rel=0.2)
    assert found["proc.memory.availableMB"] == pytest.approx(memory.available / MB, rel=0.3)
    assert found["disk./.usageGB"] == pytest.approx(disk.used / 2**30, rel=0.05)
    assert found["disk./.usagePercent"] == pytest.approx(disk.percent, abs=2)
    assert 0 < found["memory_percent"] < 100


def test_what_counts_up_starts_at_zero() -> None:
    found = Sampler().sample()
    counters = [k for k in found if k.startswith("network.") or k.endswith((".in", ".out"))]
    assert {found[key] for key in counters} == {0.0}


def test_disk_counters_see_a_write(tmp_path: Path) -> None:
    sampler = Sampler()
    devices = {key for key in sampler.sample() if key.endswith(".out")}
    if not devices:
        pytest.skip("no block device is visible here")
    with open(tmp_path / "big", "wb") as file:
        file.write(os.urandom(8 * 2**20))
        file.flush()
        os.fsync(file.fileno())
    if not any(
        psutil.disk_io_counters(perdisk=True)[key.split(".")[1]].write_bytes for key in devices
    ):
        pytest.skip("the folder for tests is on no block device")
    assert sum(sampler.sample()[key] for key in devices) > 4


def test_the_loopback_interface_does_not_count() -> None:
    sampler = Sampler()
    sampler.sample()
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.bind(("127.0.0.1", 0))
        before = psutil.net_io_counters(pernic=True)
        for _ in range(400):
            sender.sendto(b"x" * 50_000, receiver.getsockname())
        after = psutil.net_io_counters(pernic=True)
    others = [name for name in after if name not in {"lo", "lo0"}]
    outside = sum(after[name].bytes_sent - before[name].bytes_sent for name in others)
    assert sampler.sample()["network.sent"] <= outside + 1_000_000


BURN = "import time\nb = bytearray(100 << 20)\nprint('on', flush=True)\nwhile True: pass"


def test_cpu_is_the_process_share_of_all_processors() -> None:
    with subprocess.Popen([sys.executable, "-c", BURN], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            sampler, alone = Sampler(child.pid, cpu_count=1), Sampler(child.pid, cpu_count=4)
            idle = Sampler()
            for each in (sampler, alone, idle):
                assert "cpu" not in each.sample()
            time.sleep(1)
            share, quarter, mine = (each.sample()["cpu"] for each in (sampler, alone, idle))
        finally:
            child.kill()
    assert 5 < share < 130
    assert quarter == pytest.approx(share / 4, rel=0.3)
    assert mine < share


def test_the_process_tree_adds_children() -> None:
    with subprocess.Popen([sys.executable, "-c", BURN], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            single, tree = Sampler().sample(), Sampler(process_tree=True).sample()
        finally:
            child.kill()
    assert tree["proc.memory.rssMB"] > single["proc.memory.rssMB"] + 100
    assert tree["proc.cpu.threads"] > single["proc.cpu.threads"]


def test_a_process_that_is_gone_leaves_the_rest() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    sampler = Sampler(child.pid)
    found = sampler.sample()
    assert "memory_percent" in found
    assert not [key for key in found if key in {"cpu", "proc.memory.rssMB"}]
    assert "NoSuchProcess" in sampler.failed["process"]


def test_a_path_that_is_missing_leaves_the_others(tmp_path: Path) -> None:
    found = Sampler(disk_paths=[str(tmp_path / "no"), str(tmp_path)]).sample()
    assert f"disk.{tmp_path}.usageGB" in found
    assert not [key for key in found if "/no." in key]


def test_a_probe_rests_ever_longer_and_comes_back(tmp_path: Path) -> None:
    late = tmp_path / "late"
    sampler = Sampler(disk_paths=[str(late)])
    asked: list[int] = []
    name, probe = next(entry for entry in sampler._probes if entry[0].startswith("disk /"))

    taken: list[int] = []

    def counted() -> dict[str, float]:
        asked.append(len(taken))
        return probe()

    sampler._probes = [(name, counted)]
    for number in range(20):
        taken.append(number)
        assert sampler.sample() == {}
    assert asked == [1, 3, 6, 11, 20]
    late.mkdir()
    found: dict[str, float] = {}
    for _ in range(17):
        found = sampler.sample()
    assert found
    assert sampler.failed == {}


def test_cores_on_request() -> None:
    sampler = Sampler(per_core=True)
    assert "cpu.0.cpu_percent" not in sampler.sample()
    cores = [key for key in sampler.sample() if key.endswith(".cpu_percent")]
    assert len(cores) == psutil.cpu_count()
    assert "cpu.0.cpu_percent" in cores


def test_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = FakeNvml(pids=[os.getpid()])
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    sampler = Sampler()
    sampler.sample()
    found = sampler.sample()
    card = {
        "gpu": 40.0,
        "memory": 7.0,
        "memoryAllocated": 25.0,
        "memoryAllocatedBytes": 20.0 * 2**30,
        "temp": 61.0,
        "powerWatts": 100.0,
        "powerPercent": 25.0,
        "enforcedPowerLimitWatts": 400.0,
    }
    rest = {
        "smClock": 1001.0,
        "memoryClock": 1002.0,
        "graphicsClock": 1000.0,
        "fanSpeed": 30.0,
        "encoderUtilization": 5.0,
        "correctedMemoryErrors": 1.0,
        "uncorrectedMemoryErrors": 2.0,
    }
    gpu = {key: value for key, value in found.items() if key.startswith("gpu.")}
    second = {**card, **rest, "gpu": 41.0}
    del second["fanSpeed"]
    assert gpu == (
        {f"gpu.0.{key}": value for key, value in {**card, **rest}.items()}
        | {f"gpu.1.{key}": value for key, value in second.items()}
        | {f"gpu.process.0.{key}": value for key, value in card.items()}
    )
    assert nvml.fan_calls == 3  # the card without a fan was asked once, the other one twice
    assert nvml.opened == nvml.attempts == 1
    sampler.close()
    assert nvml.opened == 0


def test_chosen_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(pids=[]))
    found = Sampler(gpu_ids=[1, 9]).sample()
    assert {key.split(".")[1] for key in found if key.startswith("gpu.")} == {"1"}


def test_a_driver_that_fails_is_not_asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = FakeNvml(pids=[], broken=True)
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    sampler = Sampler()
    for _ in range(20):
        assert not [key for key in sampler.sample() if key.startswith("gpu")]
    assert nvml.attempts == 5
    assert "code 12" in sampler.failed["gpu"]


# --- the monitor -----------------------------------------------------------------------------


class Sink:
    def __init__(self) -> None:
        self.samples: list[tuple[float, dict[str, float]]] = []
        self.threads: set[str] = set()

    def __call__(self, when: float, metrics: dict[str, float]) -> None:
        self.samples.append((when, metrics))
        self.threads.add(threading.current_thread().name)


def monitor_threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "synadb-system-metrics"]


def test_samples_come_at_once_and_again_until_stop() -> None:
    sink = Sink()
    monitor = Monitor(Sampler(), 0.1, sink)
    before = time.time()
    monitor.start()
    monitor.start()
    assert len(monitor_threads()) == 1
    wait_for(lambda: len(sink.samples) >= 3)
    monitor.stop()
    count = len(sink.samples)
    monitor.stop()
    wait_for(lambda: not monitor_threads())
    assert len(sink.samples) == count
    times = [when for when, _ in sink.samples]
    assert before <= times[0] <= times[-1] <= time.time()
    assert times[2] - times[0] > 0.15
    assert "cpu" not in sink.samples[0][1]
    assert "cpu" in sink.samples[1][1]
    assert sink.threads == {"synadb-system-metrics"}
    assert monitor.error is None


def test_a_long_interval_does_not_hold_up_stop() -> None:
    sink = Sink()
    monitor = Monitor(Sampler(), 3600, sink)
    monitor.start()
    wait_for(lambda: sink.samples)
    monitor.stop()
    wait_for(lambda: not monitor_threads())
    assert len(sink.samples) == 1


def test_a_monitor_can_start_again() -> None:
    sink = Sink()
    monitor = Monitor(Sampler(), 3600, sink)
    for number in (1, 2):
        monitor.start()
        wait_for(lambda number=number: len(sink.samples) == number)  # type: ignore[misc]
        monitor.stop()
    wait_for(lambda: not monitor_threads())


def test_the_first_sample_can_be_put_off() -> None:
    sink = Sink()
    monitor = Monitor(Sampler(), 0.1, sink, delay=3600)
    monitor.start()
    time.sleep(0.3)
    monitor.stop()
    wait_for(lambda: not monitor_threads())
    assert sink.samples == []


def test_an_error_of_the_sink_is_kept() -> None:
    def sink(when: float, metrics: dict[str, float]) -> None:
        raise OSError("disk full")

    monitor = Monitor(Sampler(), 0.1, sink)
    monitor.start()
    wait_for(lambda: monitor.error is not None and not monitor_threads())
    assert str(monitor.error) == "disk full"
    monitor.stop()


def test_a_sink_may_stop_its_monitor() -> None:
    calls: list[float] = []

    def sink(when: float, metrics: dict[str, float]) -> None:
        calls.append(when)
        monitor.stop()

    monitor = Monitor(Sampler(), 0.1, sink)
    monitor.start()
    wait_for(lambda: calls and not monitor_threads())
    assert len(calls) == 1


def test_a_sink_that_hangs_does_not_hang_stop() -> None:
    entered, leave = threading.Event(), threading.Event()

    def sink(when: float, metrics: dict[str, float]) -> None:
        entered.set()
        leave.wait(60)

    monitor = Monitor(Sampler(), 0.1, sink)
    monitor.start()
    assert entered.wait(30)
    monitor.stop()
    assert monitor_threads(), "the sink ended by itself: stop has not been put to the test"
    leave.set()
    wait_for(lambda: not monitor_threads())


@pytest.mark.parametrize("interval", [0.05, 0, -1, float("nan")])
def test_intervals_that_are_too_short(interval: float) -> None:
    with pytest.raises(ValueError, match=r"cannot be less than 0\.1 seconds"):
        Monitor(Sampler(), interval, Sink())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_has_no_monitor_and_may_start_one() -> None:
    inside, leave = threading.Event(), threading.Event()

    def hold(when: float, metrics: dict[str, float]) -> None:
        inside.set()
        leave.wait(60)

    monitor = Monitor(Sampler(), 0.1, hold)
    monitor.start()
    assert inside.wait(30)  # the lock is held while the child is made
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            sink = Sink()
            own = Monitor(Sampler(), 0.1, sink)
            if not monitor_threads():
                monitor.stop()
                own.start()
                wait_for(lambda: len(sink.samples) > 1)
                own.stop()
                code = 0
        finally:
            os._exit(code)
    leave.set()
    _, status = os.waitpid(pid, 0)
    monitor.stop()
    wait_for(lambda: not monitor_threads())
    assert os.waitstatus_to_exitcode(status) == 0


def test_nothing_is_imported_in_the_callers_thread() -> None:
    code = (
        "import sys\n"
        "from synadb.monitor.system_metrics import Monitor, Sampler\n"
        "from synadb.monitor import facts\n"
        "monitor = Monitor(Sampler(), 15, lambda *_: None, delay=3600)\n"
        "monitor.start()\n"
        "monitor.stop()\n"
        "costly = {'psutil', 'pynvml', 'subprocess', 'platform', 'datetime', 'dataclasses'}\n"
        "print(sorted(costly & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_process_ends_with_its_monitor_running() -> None:
    code = (
        "import time\n"
        "from synadb.monitor.system_metrics import Monitor, Sampler\n"
        "Monitor(Sampler(), 0.1, lambda *_: None).start()\n"
        "time.sleep(0.5)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""

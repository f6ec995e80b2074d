"""What a measurement was made on. Nothing that names a person, a machine or a folder."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .notebook_utils import show

__all__ = ["check_gpu_available", "display_system_info", "get_system_info", "get_system_summary"]

_PACKAGES = ("synadb", "wandb", "numpy", "matplotlib")


def get_system_info() -> dict[str, Any]:
    """System, processor, cores, memory, GPU (or None), Python, versions of packages (or None)."""
    import psutil

    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _get_cpu_name(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "gpu": _get_gpu_name(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def display_system_info() -> None:
    """Show a table of `get_system_info`."""
    info = get_system_info()
    rows = {
        "System": f"{info['system']}, {info['machine']}",
        "Processor": f"{info['processor']}, {info['cores']} cores",
        "Memory": f"{info['memory_gb']} GB",
        "GPU": info["gpu"] or "none",
        "Python": info["python"],
    }
    rows |= {name: found or "not installed" for name, found in info["packages"].items()}
    table = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]
    plain = "\n".join(f"{name:<12}{value}" for name, value in rows.items())
    show("\n".join(table), plain, "markdown")


def get_system_summary() -> str:
    """One line: system, cores, memory, Python."""
    info = get_system_info()
    return (
        f"{info['system']} {info['machine']}, {info['cores']} cores, {info['memory_gb']} GB, "
        f"Python {info['python']}"
    )


def check_gpu_available() -> bool:
    """Whether NVIDIA's driver shows a GPU."""
    return _get_gpu_name() is not None


def _get_cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # only Linux has it
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def _get_gpu_name() -> str | None:
    # Asking torch would mean to load it.
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    names = done.stdout.split("\n")
    return names[0].strip() or None if done.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

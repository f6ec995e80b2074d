"""A script in a fresh process of its own, under the real wandb or under SynaDB, and what it cost.

Nothing is put into the script or around its calls: what it wants timed inside, it times itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from synadb.bench import supervise
from synadb.bench.trial import SYNADB, WANDB, find_version

__all__ = ["Cost", "ScriptFailedError", "run_script", "wandb_version"]


class ScriptFailedError(Exception):
    """A script failed, or took too long; the message has what it wrote to standard error."""


class Cost(NamedTuple):
    """What a process and its helpers took: seconds and bytes.

    `seconds` is from the start of Python to the end of the last process, `memory` the largest sum
    over all processes, `files` and `size` what is left in the folder `data`.
    """

    seconds: float
    cpu: float
    memory: int
    processes: int
    files: int
    size: int
    data: Path


def wandb_version(folder: Path) -> str | None:
    """The version of the real wandb that a script in `folder` would get; None if there is none."""
    return find_version(WANDB, folder)


def run_script(
    script: Path, *arguments: str | Path, folder: Path, real_wandb: bool, timeout: float = 300
) -> Cost:
    """Run `script`, in `folder`; `import wandb` finds the real one (offline), or SynaDB.

    Args:
        script: Its path.
        arguments: Its arguments.
        folder: An empty folder; what the script records goes to `folder / "data"`. Where it is no
            part of a git checkout, no side looks at one.
        real_wandb: Which of the two.
        timeout: Seconds that it may take.

    Raises:
        ScriptFailedError: it ended with an error, or took too long.
    """
    data, stderr = folder / "data", folder / "stderr"
    data.mkdir()
    side = WANDB if real_wandb else SYNADB
    spec = {
        "command": [sys.executable, str(script), *map(str, arguments)],
        "env": side.environment(os.environ, data),
        "stdout": str(folder / "stdout"),
        "stderr": str(stderr),
        "grace": 60,
        "timeout": timeout,
    }
    done = subprocess.run(
        [sys.executable, supervise.__file__],
        input=json.dumps(spec),
        cwd=folder,
        capture_output=True,
        check=True,
        text=True,
    )
    found = json.loads(done.stdout)
    if found["timed_out"] or found["exit_code"]:
        how = f"did not end within {timeout:g} s" if found["timed_out"] else "failed"
        said = stderr.read_text(encoding="utf-8", errors="replace")
        raise ScriptFailedError(f"{script.name} {how}\n{said}")
    left = [path for path in data.rglob("*") if path.is_file() and not path.is_symlink()]
    return Cost(
        seconds=(found["all_ended"] - found["started"]) / 1e9,
        cpu=found["cpu"],
        memory=found["peak_memory"],
        processes=found["most_processes"],
        files=len(left),
        size=sum(path.stat().st_size for path in left),
        data=data,
    )

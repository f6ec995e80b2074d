"""The process that `tests.kill` kills: logs what `plan` says and acknowledges each call.

    python tests/kill_child.py DB ACK PREFIX SEED HOW SECONDS PACE

ACK is a file of two u64: 1 once the tracker is open, and the number of calls that have returned.
It is mapped, so that what was acknowledged outlives the process. No numpy here: it starts slowly.
"""

from __future__ import annotations

import mmap
import os
import random
import struct
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

__all__ = ["ACK", "checksum", "plan"]

ACK = struct.Struct("<QQ")
_COUNT = struct.Struct("<Q")


def checksum(i: int) -> float:
    """What row `i` carries beside its number."""
    return ((i * 2654435761 + 12345) % 4294967296) / 7.0


def plan(prefix: str, seed: int) -> Iterator[tuple[str, str, Any]]:
    """The calls of one process, without end: (what, run id, argument), the same for one seed."""
    rng = random.Random(seed)
    for number in range(1 << 30):
        run_id = f"{prefix}-{number}"
        yield "start", run_id, None
        # A third of the runs is short, so that kills meet starts and ends too.
        rare = 0.02 if rng.random() < 0.33 else 0.0003
        i = 0
        while True:
            choice = rng.random()
            if choice < rare:
                break
            if choice > 0.998:
                yield "param", run_id, (f"p{i}", {"i": i, "value": checksum(i)})
            elif choice > 0.9975:
                yield "flush", run_id, None
            else:
                yield "log", run_id, _row(i, rng.random())
                i += 1
        yield "end", run_id, None


def _row(i: int, choice: float) -> dict[str, Any]:
    row: dict[str, Any] = {"i": i, "check": checksum(i)}
    if choice < 0.75:
        row.update(loss=1.0 / (i + 1), acc=i * 0.5, lr=1e-3)
    elif choice < 0.80:
        row.update(a=float(i), b=-1.5 * i, c=1e300, d=5e-324)
    elif choice < 0.85:
        row.update(note=f"row {i} é", loss=0.5)
    elif choice < 0.88:
        row.update(tree={"x": i, "y": {"z": checksum(i + 1)}}, flag=i % 2 == 0)
    elif choice < 0.92:
        row.update(count=i * 3, big=-(1 << 62) + i, flag=i % 3 == 0)
    elif choice < 0.94:
        row.update({f"k{i % 37}": float(i)})
    elif choice < 0.95:
        row.update(huge=(1 << 80) + i, items=[i, None, "x"])
    elif choice < 0.96:
        row.update(text="t" * (i % 3000))
    else:
        row.update(loss=i, acc=True)
    return row


def _die(how: str, seconds: float) -> None:
    time.sleep(seconds)
    if how == "exit":
        os._exit(3)
    import ctypes

    ctypes.string_at(0)


def main() -> None:
    from synadb.tracker import ExperimentTracker

    path, ack, prefix, seed, how, seconds, pace = sys.argv[1:]
    fd = os.open(ack, os.O_RDWR)
    slot = mmap.mmap(fd, ACK.size)
    tracker = ExperimentTracker(path)
    slot[:8] = _COUNT.pack(1)
    if how in ("exit", "segv"):
        threading.Thread(target=_die, args=(how, float(seconds)), daemon=True).start()
    wait = float(pace)
    run = None
    for number, (what, run_id, value) in enumerate(plan(prefix, int(seed)), 1):
        if what == "start":
            run = tracker.run("kill", run_id=run_id)
        assert run is not None
        if what == "log":
            run.log(value)
        elif what == "param":
            run.log_param(*value)
        elif what == "flush":
            tracker.flush()
        elif what == "end":
            tracker.finish(run)
        slot[8:] = _COUNT.pack(number)
        if wait and number % 16 == 0:
            time.sleep(wait)


if __name__ == "__main__":
    main()

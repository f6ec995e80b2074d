"""The parts of a run that wandb leaves: a log, run-<id>.wandb, and the folder that it is in."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator

from synadb.errors import NotALogError
from synadb.formats._leveldb import FILE_HEADER, read_records
from synadb.formats._protobuf import decode
from synadb.formats._wandb_fields import EVERYTHING
from synadb.formats.wandb_log import _seconds

__all__ = ["Part", "logs"]

_LOG = re.compile(r"run-(.+)\.wandb")


def logs(path: str) -> Iterator[str]:
    """The logs in a folder and below it."""
    if os.path.isfile(path):
        if _LOG.fullmatch(os.path.basename(path)):
            yield path
        return
    seen: set[str] = set()
    for folder, below, files in os.walk(path):
        below.sort()
        logs = sorted(name for name in files if _LOG.fullmatch(name))
        if logs:
            below.clear()  # what is in there are the files of the run
        for name in logs:
            log = os.path.join(folder, name)
            if os.path.realpath(log) not in seen:
                seen.add(os.path.realpath(log))
                yield log


class Part:
    """One log and its folder."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.folder = os.path.dirname(os.path.abspath(path))
        match = _LOG.fullmatch(os.path.basename(path))
        self.run_id = match[1] if match else ""
        self.project = ""
        self.start = 0.0
        self.beginning: str | None = None
        self.size = os.path.getsize(path)
        with open(path, "rb") as file:
            header = file.read(len(FILE_HEADER))
            if not FILE_HEADER.startswith(header):
                reason = "has an unknown version" if header[:6] == FILE_HEADER[:6] else "is none"
                raise NotALogError(f"{path}: expected a wandb log, but the file {reason}")
            if header != FILE_HEADER:
                return
            whole = hashlib.sha256()
            for number, record in enumerate(read_records(file, [])):
                whole.update(record)
                self.beginning = whole.hexdigest()[:16]
                # The run record is the second; others stand first in files that are damaged.
                if self._is_run(record) or number > 20:
                    break

    def file(self, name: str) -> str:
        """Where a file of the run lies, if it is there."""
        return os.path.join(self.folder, "files", name)

    def _is_run(self, record: bytes) -> bool:
        try:
            run = decode(EVERYTHING, record).get("run")
        except ValueError:
            return False
        if run is None:
            return False
        self.run_id = run.get("run_id") or self.run_id
        self.project = run.get("project", "")
        self.start = _seconds(run.get("start_time")) or 0.0
        return True

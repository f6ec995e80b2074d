"""Reads the log of one part of a run: everything that its records say."""

from __future__ import annotations

import json
from typing import Any

from synadb.formats._leveldb import FILE_HEADER, read_records
from synadb.formats._wandb_columns import History, Path, take_batch
from synadb.formats._wandb_fields import EVERYTHING
from synadb.formats._wandb_parts import Part
from synadb.formats.wandb_log import Reader, _seconds, _set
from synadb.monitor._console_lines import Page

__all__ = ["PartReader"]

_BATCH = 16 << 20  # bytes of records that are looked at together


class PartReader(Reader):
    """Reads one log."""

    fields = EVERYTHING

    def __init__(self, part: Part) -> None:
        super().__init__()
        self.part = part
        self.history = History()
        self.system: list[tuple[float, dict[str, float]]] = []
        self.artifacts: list[dict[str, Any]] = []
        self.alerts: list[dict[str, Any]] = []
        self.uses: list[str] = []
        self.preempting = False
        self.times: list[float] = []
        self._row = 0
        self._newest: dict[Path, Any] = {}
        self._environment: dict[str, Any] = {}
        self._page = Page()
        self._lines: dict[int, tuple[int, float, str, str]] = {}
        self._apply |= {
            "stats": self._apply_stats,
            "artifact": self._apply_artifact,
            "alert": self._apply_alert,
            "preempting": self._apply_preempting,
            "use_artifact": self._apply_use,
            "environment": self._apply_environment,
        }

    @property
    def run(self) -> dict[str, Any]:
        """The newest run record."""
        return self._run

    @property
    def config(self) -> dict[str, Any]:
        """As it was last."""
        return self._config

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """What `define_metric` was told."""
        return self._metrics

    @property
    def exit_code(self) -> int | None:
        """None if the run did not come to its end."""
        return self._exit_code

    @property
    def wandb_version(self) -> str:
        """The version that wrote the log."""
        return self._version or self._producer.partition("+")[0]

    def read_all(self) -> None:
        """Read the whole log."""
        batch: list[bytes] = []
        size = number = 0
        with open(self.part.path, "rb") as file:
            file.seek(len(FILE_HEADER))
            for record in read_records(file, self.problems):
                batch.append(record)
                size += len(record)
                if size > _BATCH:
                    self._read_batch(batch, number)
                    number += len(batch)
                    batch, size = [], 0
            self._read_batch(batch, number)
        self.problems += self.history.problems
        if not self._run:
            self.problems.append("there is no run record")

    def _read_batch(self, records: list[bytes], number: int) -> None:
        left = take_batch(records, self.history, self._newest)
        for place, row in left:
            if row is None and self._newest:
                # It may be part of the summary, and comes after what has been taken in.
                self._flush()
            self._row = -1 if row is None else row
            self.read(number + place + 1, records[place])
            if row is not None and self._row == row:
                self.history.drop(row)

    def _flush(self) -> None:
        for path, value in self._newest.items():
            _set(self._summary, [*path], value)
        self._newest.clear()

    def summary(self) -> dict[str, Any]:
        """As it was last."""
        self._flush()
        return self._summary

    def facts(self) -> dict[str, Any]:
        """What wandb-metadata.json holds, of the file itself where there are no records of it."""
        if self._environment:
            return self._environment
        try:
            with open(self.part.file("wandb-metadata.json"), "rb") as file:
                found = json.load(file)
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def console(self) -> list[tuple[int, float, str, str]]:
        """Number, time, stream and text of the lines, from output.log where the log has none."""
        if self._lines:
            return [self._lines[number] for number in sorted(self._lines)]
        try:
            with open(self.part.file("output.log"), encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            return []
        page = Page()
        found: dict[int, tuple[int, float, str, str]] = {}
        for line in text.splitlines(keepends=True):
            page.write("stdout", line)
            found |= {n: (n, self.part.start, name, text) for n, name, text in page.take()}
        return [found[number] for number in sorted(found)]

    # -- one method a kind of record -------------------------------------------------------------

    def _apply_history(self, history: dict[str, Any]) -> None:
        if self._row < 0:
            self._row = self.history.add_rows(1)  # several in one record
        row: dict[str, Any] = {}
        for path, value in self._values(history.get("item", [])):
            _set(row, path, value)
        if "step" in history:
            row.setdefault("_step", history["step"].get("num", 0))
        self.history.take_row(self._row, row)
        self._row = -1

    def _apply_output(self, output: dict[str, Any]) -> None:
        stream = "stdout" if output.get("output_type") == 1 else "stderr"
        time = _seconds(output.get("timestamp")) or self.part.start
        self._page.write(stream, output.get("line", ""))
        for number, name, text in self._page.take():
            self._lines[number] = (number, time, name, text)

    def _apply_stats(self, stats: dict[str, Any]) -> None:
        values = {}
        for item in stats.get("item", []):
            try:
                value = json.loads(item.get("value_json", ""))
            except (ValueError, RecursionError):
                continue
            if isinstance(value, int | float) and item.get("key"):
                values[item["key"]] = float(value)
        time = _seconds(stats.get("timestamp")) or self.part.start
        self.times = [max(time, *self.times)] if self.times else [time]
        if values:
            self.system.append((time, values))

    def _apply_artifact(self, artifact: dict[str, Any]) -> None:
        self.artifacts.append(artifact)

    def _apply_alert(self, alert: dict[str, Any]) -> None:
        self.alerts.append({"title": "", "text": "", "level": "INFO"} | alert)

    def _apply_preempting(self, _: dict[str, Any]) -> None:
        self.preempting = True

    def _apply_use(self, use: dict[str, Any]) -> None:
        if use.get("name"):
            self.uses.append(use["name"])

    def _apply_environment(self, environment: dict[str, Any]) -> None:
        found = dict(environment)
        started = _seconds(found.pop("startedAt", None))
        if started is not None:
            found["startedAt"] = _iso(started)
        if "disk" in found:
            found["disk"] = {
                disk.get("key", ""): {key: str(n) for key, n in disk.get("value", {}).items()}
                for disk in found["disk"]
            }
        if "memory" in found:
            found["memory"] = {key: str(n) for key, n in found["memory"].items()}
        if "slurm" in found:
            found["slurm"] = {one.get("key", ""): one.get("value", "") for one in found["slurm"]}
        self._environment |= found


def _iso(seconds: float) -> str:
    import time

    micros = round(seconds * 1_000_000)
    try:
        whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(micros // 1_000_000))
    except (OverflowError, ValueError, OSError):
        return ""
    return f"{whole}.{micros % 1_000_000:06d}Z"

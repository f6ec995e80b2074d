"""The tables in a run's rows, for `replay`: what wandb keeps of each is in a version of its own.

A row names that version (`artifact_path`); the run's own file of the table has only the names of
the media in its cells. wandb takes such a version from no script, and writes one for each table
that is logged. So the table is made again from the version, logged, and what wandb wrote of it
compared with the version.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synadb.errors import SynaDBError
from synadb.media.finding import IN_VERSION

if TYPE_CHECKING:
    from synadb.artifact_records import VersionRecord
    from synadb.formats._bring_in import Version
    from synadb.tracker import ExperimentTracker

__all__ = ["TABLE_TYPES", "TableReplay"]

TABLE_TYPES = frozenset(("run_table", "wandb-run-incremental-table"))
"""The types of the versions that wandb makes of its own accord where a table is logged."""

_LATEST = "_latest_artifact_path"


class TableReplay:
    """The tables of one run on their way; `planned` is what the logging process needs of them."""

    def __init__(self, tracker: ExperimentTracker, run_id: str, scratch: Path) -> None:
        self.planned: dict[str, dict[str, str]] = {}
        self._tracker = tracker
        self._run_id = run_id
        self._scratch = scratch
        self._versions: dict[str, VersionRecord] = {}
        self._stayed: dict[str, str] = {}
        self._written: dict[str, Version] = {}
        self._equal: dict[tuple[str, str], bool] = {}
        self._differences: list[str] = []

    def take(self, value: Any) -> None:
        """Plan for every table in a row."""
        if not isinstance(value, Mapping):
            return
        location = value.get("artifact_path")
        if not isinstance(location, str) or not location.startswith(IN_VERSION):
            for inner in value.values():
                self.take(inner)
        elif location not in self.planned and location not in self._stayed:
            self._plan(location, value)

    def _plan(self, location: str, value: Mapping[str, Any]) -> None:
        uid, entry = _parts(location)
        version = self._tracker.artifacts.find(uid)
        if version is None:
            return
        if value.get("_type") != "table-file":
            self._stayed[location] = f"no {value.get('_type')} is made again"
            return
        folder = self._scratch / f"table-{len(self.planned) + len(self._stayed)}"
        try:
            self._tracker.artifacts.entry(version, entry)  # and so a path within the folder
            self._tracker.artifacts.download(version, folder)
            self._restore_nan(folder / entry, value["path"])
        except (SynaDBError, KeyError, ValueError, OSError) as error:
            self._stayed[location] = str(error)
            return
        self._versions[location] = version
        self.planned[location] = {"folder": str(folder), "entry": entry, "file": value["path"]}

    def _restore_nan(self, table: Path, name: str) -> None:
        """Put back the NaN of the run's own file, which has fewer rows: a version has null."""
        with self._tracker.open_file(self._run_id, name) as file:
            shown = json.load(file)["data"]
        found = json.loads(table.read_bytes())
        changed = False
        for row, shown_row in zip(found["data"], shown, strict=False):
            for place, (cell, seen) in enumerate(zip(row, shown_row, strict=True)):
                if cell is None and isinstance(seen, float) and math.isnan(seen):
                    row[place] = seen
                    changed = True
        if changed:
            table.write_text(json.dumps(found), encoding="utf-8")

    def settle(self, stayed: Mapping[str, str], log: str) -> None:
        """Take in what wandb refused, with its reasons, and what its log says that it wrote."""
        from synadb.formats._wandb_artifacts import Versions
        from synadb.formats._wandb_parts import Part
        from synadb.formats._wandb_reader import PartReader

        self._stayed.update(stayed)
        if self.planned.keys() <= stayed.keys():
            return
        reader = PartReader(Part(log))
        reader.read_all()
        # What has been uploaded may be gone from here: the log has its digest.
        versions = Versions([])
        versions.take(reader.artifacts)
        self._written = {version.key: version for version in versions.whole()}

    @property
    def _gone(self) -> set[str]:
        return self.planned.keys() - self._stayed.keys()

    @property
    def count(self) -> int:
        """How many versions went over."""
        return len(self._gone)

    def left_behind(self, outputs: Sequence[VersionRecord]) -> tuple[int, list[str]]:
        """How many of the run's versions of tables did not go, and what media is lost with them."""
        gone = {_parts(location)[0] for location in self._gone}
        reasons = {_parts(location)[0]: reason for location, reason in self._stayed.items()}
        behind = [one for one in outputs if one.type in TABLE_TYPES and one.uid not in gone]
        lost = []
        for version in behind:
            if cells := sum(self._media(version)):
                reason = reasons.get(version.uid, "no row names it")
                media = (
                    "1 cell with media stays" if cells == 1 else f"{cells} cells with media stay"
                )
                lost.append(f"table {version.name}: {media} behind: {reason}")
        return len(behind), lost

    def _media(self, version: VersionRecord) -> Iterator[int]:
        """How many cells hold media, table by table."""
        for entry in self._tracker.artifacts.entries(version):
            if entry.path.endswith(".table.json") and entry.reference is None:
                try:
                    rows = json.loads(self._tracker.artifacts.read(version, entry.path))["data"]
                    cells = [cell for row in rows for cell in row]
                except (ValueError, LookupError, TypeError):
                    continue  # whatever it is, it is no table
                yield sum(isinstance(cell, dict) and "_type" in cell for cell in cells)

    def as_written(self, want: Any, got: Any) -> Any:
        """`want` with the addresses of `got`, for each table whose version there is the same."""
        if not isinstance(want, Mapping) or not isinstance(got, Mapping):
            return want
        old, new = want.get("artifact_path"), got.get("artifact_path")
        if isinstance(old, str) and isinstance(new, str) and old in self._gone:
            if not self._is_same(old, new):
                return want
            found = {**want, "artifact_path": new}
            # What comes before is the id of the table's sequence, which wandb makes up.
            before, latest = str(want.get(_LATEST)), str(got.get(_LATEST))
            if before.partition(":latest/")[2] == latest.partition(":latest/")[2]:
                found[_LATEST] = latest
            return found
        return {key: self.as_written(inner, got.get(key)) for key, inner in want.items()}

    def _is_same(self, old: str, new: str) -> bool:
        if (old, new) not in self._equal:
            found = [*self._differ(old, new)]
            self._equal[old, new] = not found
            self._differences += found
        return self._equal[old, new]

    def _differ(self, old: str, new: str) -> Iterator[str]:
        (_, entry), (client_id, new_entry) = _parts(old), _parts(new)
        want, got = self._versions[old], self._written.get(client_id)
        if got is None:
            yield f"table {want.name}: wandb wrote no version of it"
            return
        own = want.run_id == self._run_id  # and not the run's that this one goes on from
        if (own and want.collection != got.name) or entry != new_entry:
            yield f"table {want.name}: it is {got.name}, {new_entry}"
        there = {one.path: one for one in got.entries}
        for one in self._tracker.artifacts.entries(want):
            found = there.pop(one.path, None)
            if found is None:
                yield f"table {want.name}: {one.path} is not there"
            elif not self._holds(want, one.path, one.digest, found):
                yield f"table {want.name}: {one.path} is another"
        for path in there:
            yield f"table {want.name}: {path} is there, and was not"

    def _holds(self, version: VersionRecord, path: str, digest: str, found: Any) -> bool:
        from synadb.artifacts.manifest import hash_file

        if (found.digest if found.file is None else hash_file(found.file)[0]) == digest:
            return True
        if found.file is None or not path.endswith(".json"):
            return False
        # The same with its keys in another order, or 1 for 1.0.
        want = json.loads(self._tracker.artifacts.read(version, path))
        return bool(want == json.loads(Path(found.file).read_bytes()))

    @property
    def differences(self) -> list[str]:
        """What differs between the versions that were compared."""
        return self._differences


def _parts(location: str) -> tuple[str, str]:
    """The id and the entry that an address names."""
    uid, _, entry = location.removeprefix(IN_VERSION).partition("/")
    return uid, entry

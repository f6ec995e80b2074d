"""Logs one run again, by whatever `wandb` is installed: started by path, in a process of its own.

    python child_replay.py PLAN

PLAN is JSON: `init` (arguments of wandb.init), `start` (of the run), `metrics` (arguments of
define_metric), `rows` (a file of JSON lines), `summary`, `files` ([name in the run, path]),
`artifacts` (name, type, description, metadata, aliases, entries as [path, file or None, reference
or None]), `tables` (by the address that a row has of each: the folder of its version, its entry
there, and the name of its file in the run) and `result`, where to write what came of it: the run's
folder, artifacts with their digests, the tables that wandb refused, with its words, and what else
it would not take.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def main(path: str) -> None:
    """Log the run and write the result."""
    import wandb

    with open(path, encoding="utf-8") as file:
        plan = json.load(file)
    settings = wandb.Settings(
        console="off",
        x_disable_stats=True,
        x_disable_meta=True,
        disable_git=True,
        disable_code=True,
        silent=True,
        x_start_time=plan["start"],
    )
    problems: list[str] = []
    tables = _Tables(wandb, plan["tables"])
    run = wandb.init(**plan["init"], settings=settings)
    for definition in plan["metrics"]:
        run.define_metric(**definition)
    with open(plan["rows"], encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            tables.log(run, row, row.pop("_step"))
    for key, value in plan["summary"].items():
        # A NaN comes from the history. Set here, wandb 0.31 would take the key away.
        if not (isinstance(value, float) and math.isnan(value)) and not tables.are_in(value):
            run.summary[key] = value
    written = tables.files()
    for name, source in plan["files"]:
        if name in written:
            continue
        target = os.path.join(run.dir, *name.split("/"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)
        run.save(target, base_path=run.dir, policy="now")
    logged = [_log_artifact(wandb, run, planned, problems) for planned in plan["artifacts"]]
    folder = os.path.dirname(run.dir)
    run.finish()
    with open(plan["result"], "w", encoding="utf-8") as file:
        told = {"artifacts": logged, "tables": tables.refused, "problems": problems}
        json.dump({"folder": folder, **told}, file)


class _Tables:
    """Logs rows with the tables in them made again from their versions."""

    def __init__(self, wandb: Any, planned: dict[str, dict[str, str]]) -> None:
        self.refused: dict[str, str] = {}
        self._planned = planned
        self._made: dict[str, Any] = {}
        self._errors: tuple[type[Exception], ...] = (
            ArithmeticError,
            AssertionError,
            AttributeError,
            ImportError,
            LookupError,
            OSError,
            RuntimeError,
            TypeError,
            ValueError,
            wandb.Error,
        )

    def log(self, run: Any, row: dict[str, Any], step: int) -> None:
        """Log a row, with the tables as they stand in it where wandb refuses them."""
        # Committed, so that the last row comes before the summary.
        try:
            run.log(self._with_tables(row), step=step, commit=True)
        except self._errors as error:
            refused = dict.fromkeys(self._addresses(row), f"wandb refuses it, {error!r}")
            if not refused:
                raise
            self.refused.update(refused)
            run.log(row, step=step, commit=True)

    def are_in(self, value: Any) -> bool:
        """Whether there is a table in a value of the summary: wandb has put it there itself."""
        return any(True for _ in self._addresses(value))

    def files(self) -> set[str]:
        """The files of the run that wandb has written with the tables."""
        gone = self._planned.keys() - self.refused.keys()
        return {self._planned[address]["file"] for address in gone}

    def _addresses(self, value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if address := self._address(value):
                yield address
            for inner in value.values():
                yield from self._addresses(inner)

    def _address(self, value: dict[str, Any]) -> str | None:
        """Where the version of a table is, if it is to be logged."""
        address = value.get("artifact_path")
        wanted = isinstance(address, str) and address in self._planned
        return address if wanted and address not in self.refused else None

    def _with_tables(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        address = self._address(value)
        if address is None:
            return {key: self._with_tables(inner) for key, inner in value.items()}
        if address not in self._made:
            planned = self._planned[address]
            self._made[address] = _Version(planned["folder"]).get(planned["entry"])
        return self._made[address]


class _Version:
    """A version of an artifact as wandb's classes ask for it, in a folder."""

    def __init__(self, folder: str) -> None:
        self._folder = os.path.realpath(folder)

    def get_entry(self, path: str) -> _Entry:
        """One of its files.

        Raises:
            ValueError: the path leads out of the folder.
        """
        place = os.path.join(self._folder, *path.split("/"))
        if os.path.commonpath((os.path.realpath(place), self._folder)) != self._folder:
            raise ValueError(f"{path!r} is outside its artifact")
        return _Entry(place)

    def get(self, path: str) -> Any:
        """The value that one of its files describes."""
        from wandb.sdk.data_types.base_types.wb_value import WBValue

        with open(self.get_entry(path).download(), encoding="utf-8") as file:
            content = json.load(file)
        found = WBValue.init_from_json(content, self)
        if content["_type"] == "table":
            _make_new(found)
            for cells, described in zip(found.data, content["data"], strict=True):
                for cell, facts in zip(cells, described, strict=True):
                    _make_new(cell, facts)
        return found


def _make_new(value: Any, facts: Any = None) -> None:
    """Let wandb store a value as one that a script has made, not as a link to where it was read."""
    if not hasattr(value, "_artifact_source"):
        return  # a plain cell
    value._artifact_source = None
    if not isinstance(facts, dict) or "path" not in facts:
        return
    if "caption" in facts:
        value._caption = facts["caption"]  # not all types read it
    # wandb names a file of the script by a folder with its checksum, one that it made by itself.
    name = facts["path"].split("/")
    value._is_tmp = name[-2] != facts.get("sha256", "")[:20]
    for key, mask in (facts.get("masks") or {}).items():
        _make_new(value._masks[key], mask)


class _Entry:
    def __init__(self, path: str) -> None:
        self._path = path

    def download(self) -> str:
        """Where it is."""
        return self._path


def _log_artifact(wandb: Any, run: Any, planned: dict[str, Any], problems: list[str]) -> str | None:
    """The digest of what was logged; None where wandb would not have it."""
    try:
        artifact = wandb.Artifact(
            planned["name"],
            planned["type"],
            description=planned["description"],
            metadata=planned["metadata"],
        )
        for name, source, reference in planned["entries"]:
            if reference is None:
                artifact.add_file(source, name=name, policy="mutable")
            else:
                artifact.add_reference(reference, name=name, checksum=False)
        run.log_artifact(artifact, aliases=planned["aliases"])
    except (ValueError, TypeError, OSError, wandb.Error) as error:
        problems.append(f"artifact {planned['name']}: {error}")
        return None
    digest: str = artifact.digest
    return digest


if __name__ == "__main__":
    main(sys.argv[1])

"""What artifacts a script logged, read back from either side into one shape.

An artifact is `name:v0` -> its type, its aliases and its files. The id of a run in a name is
written RUN0, RUN1, ...: each side makes up its own. Left out are those of the type `run_table`,
which real wandb makes of each table that is logged: the rows say what is in the tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from synadb.formats._leveldb import FILE_HEADER, read_records
from synadb.formats._protobuf import Field, decode, message

Artifacts = dict[str, dict[str, Any]]

# Field numbers of wandb 0.31.0, as in `synadb.formats.wandb_log`.
_ENTRY = message(
    {
        1: Field("path", "string"),
        2: Field("digest", "string"),
        3: Field("ref", "string"),
        4: Field("size", "int"),
    }
)
_ARTIFACT = message(
    {
        4: Field("type", "string"),
        5: Field("name", "string"),
        6: Field("digest", "string"),
        8: Field("metadata", "string"),
        11: Field("aliases", "string", repeated=True),
        12: Field(
            "manifest",
            message(
                {
                    4: Field("contents", _ENTRY, repeated=True),
                    5: Field("manifest_file_path", "string"),
                }
            ),
        ),
    }
)
_RECORD = message(
    {
        8: Field("artifact", _ARTIFACT),
        100: Field("request", message({13: Field("log", message({1: Field("it", _ARTIFACT)}))})),
    }
)


def of_wandb(folder: Path, ids: Sequence[str]) -> Artifacts:
    """The artifacts in the run files below a folder, with versions as wandb's server counts them.

    `ids` are those of the runs, in their order.

    The same content as that of the version before makes no new one; an alias goes to the version
    that was given it last.
    """
    found: Artifacts = {}
    digests: dict[str, list[str]] = {}
    for logged in _records(sorted({path.resolve() for path in folder.rglob("run-*.wandb")})):
        name = _without_ids(logged["name"], ids)
        known = digests.setdefault(name, [])
        if not known or known[-1] != logged["digest"]:
            known.append(logged["digest"])
        key = f"{name}:v{len(known) - 1}"
        entries = {
            _without_ids(one["path"], ids): {
                "digest": one["digest"],
                "size": one["size"],
            }
            for one in logged["manifest"]["contents"]
        }
        found.setdefault(
            key,
            {
                "type": logged["type"],
                "metadata": json.loads(logged["metadata"] or "{}"),
                "aliases": [],
                "files": dict(sorted(entries.items())),
            },
        )
        for alias in {*logged["aliases"], "latest"}:
            for other, values in found.items():
                if other.rpartition(":")[0] == name and alias in values["aliases"]:
                    values["aliases"].remove(alias)
            found[key]["aliases"] = sorted({*found[key]["aliases"], alias})
    return found


def _records(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for path in paths:
        with path.open("rb") as file:
            file.seek(len(FILE_HEADER))
            for payload in read_records(file, []):
                record = decode(_RECORD, payload)
                logged = record.get("artifact") or record.get("request", {}).get("log", {}).get(
                    "it"
                )
                if logged and logged["type"] != "run_table":
                    yield _complete(logged)


def _complete(logged: dict[str, Any]) -> dict[str, Any]:
    manifest = {"contents": [], **logged.get("manifest", {})}
    place = manifest.get("manifest_file_path")
    if place:  # a long manifest lies in a file beside the record
        import gzip

        with gzip.open(place, "rt", encoding="utf-8") as file:
            manifest["contents"] = [json.loads(line) for line in file]
    manifest["contents"] = [{"digest": "", "size": 0, **entry} for entry in manifest["contents"]]
    return {
        "digest": "",
        "metadata": "",
        "aliases": [],
        **logged,
        "manifest": manifest,
    }


def of_synadb(database: Path, ids: Sequence[str]) -> Artifacts:
    """The artifacts in a database."""
    from synadb.tracker import ExperimentTracker

    found: Artifacts = {}
    with ExperimentTracker(database) as tracker:
        library = tracker.artifacts
        for collection in library.collections():
            if collection.type == "run_table":
                continue
            for version in library.list(collection.name, project=collection.project):
                name = _without_ids(collection.name, ids)
                entries = {
                    _without_ids(one.path, ids): {
                        "digest": one.digest,
                        "size": one.size,
                    }
                    for one in library.entries(version)
                }
                found[f"{name}:v{version.number}"] = {
                    "type": version.type,
                    "metadata": version.metadata,
                    "aliases": sorted(version.aliases),
                    "files": dict(sorted(entries.items())),
                }
    return found


def _without_ids(name: str, ids: Sequence[str]) -> str:
    for number, run_id in enumerate(ids):
        name = name.replace(run_id, f"RUN{number}")
    return name

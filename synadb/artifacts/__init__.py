"""Versioned artifacts: named sets of files, kept once however many versions share them.

`Artifacts` (`tracker.artifacts`) is the library of one database: collections of versions v0, v1,
... with aliases, and which run made and used which. `Draft` is the content of a version that is
being put together; it needs no database until it is committed.
"""

from synadb.artifact_records import CollectionRecord, EntryRecord, VersionRecord
from synadb.artifacts.draft import Draft
from synadb.artifacts.library import Artifacts
from synadb.artifacts.manifest import b64_md5, check_path, hash_file, manifest_digest

__all__ = [
    "Artifacts",
    "CollectionRecord",
    "Draft",
    "EntryRecord",
    "VersionRecord",
    "b64_md5",
    "check_path",
    "hash_file",
    "manifest_digest",
]

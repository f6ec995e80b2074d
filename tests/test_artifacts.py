"""Versioned artifacts through `tracker.artifacts`: real files, real databases, no mocks."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import random
import sqlite3
import string
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synadb.artifacts import Artifacts, Draft, check_path, hash_file, manifest_digest
from synadb.artifacts.draft import MEMORY_BYTES
from synadb.errors import (
    ArtifactNotFoundError,
    CorruptStoreError,
    InvalidValueError,
    RunNotFoundError,
)
from synadb.tracker import ExperimentTracker

if TYPE_CHECKING:
    from synadb.artifacts import VersionRecord

MIB = 1 << 20


@pytest.fixture
def tracker(db_path: Path) -> Iterator[ExperimentTracker]:
    """A tracker whose database is sound when the test is over."""
    with ExperimentTracker(db_path) as opened:
        yield opened
        report = opened.check()
        assert report.ok, report.problems


@pytest.fixture
def artifacts(tracker: ExperimentTracker) -> Artifacts:
    return tracker.artifacts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of several kinds."""
    root = tmp_path / "source"
    (root / "sub" / ".hid").mkdir(parents=True)
    (root / "empty folder").mkdir()
    (root / "a.txt").write_bytes(b"a")
    (root / "sub" / ".hid" / "b").write_bytes(b"")
    (root / "é ü.txt").write_bytes(b"uni")
    return root


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def tree(root: str | Path) -> dict[str, bytes]:
    base = Path(root)
    return {
        path.relative_to(base).as_posix(): path.read_bytes()
        for path in base.rglob("*")
        if path.is_file()
    }


# --- digests and paths -----------------------------------------------------------------------


def test_digests_are_those_wandb_gives(folder: Path) -> None:
    # As wandb 0.31.0 gave them for the same entries.
    draft = Draft()
    assert draft.digest == manifest_digest([]) == "64e7c61456b10382e2f3b571ac24b659"
    draft.add_folder(folder)
    assert sorted(draft.entries) == ["a.txt", "sub/.hid/b", "é ü.txt"]
    assert draft.entries["é ü.txt"].digest == "5SgF2DRLZ7mzVU1F8ciVjw=="
    assert (draft.digest, draft.size) == ("04c446d55833cbe2a86c56fec8fb065e", 4)
    linked = Draft()
    linked.add_reference("r", "http://no.where.invalid/q", digest="http://no.where.invalid/q")
    assert linked.digest == "69ff8fc0b4e6c05278634389d24a1c1e"


@given(st.dictionaries(st.text(string.printable, min_size=1, max_size=9), st.binary(max_size=30)))
def test_a_manifest_digest_is_the_md5_of_its_sorted_lines(contents: dict[str, bytes]) -> None:
    digests = {
        path: base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        for path, data in contents.items()
    }
    text = "wandb-artifact-manifest-v1\n"
    for path in sorted(digests):
        text += f"{path}:{digests[path]}\n"
    expected = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    assert manifest_digest(digests.items()) == expected
    assert manifest_digest(reversed(digests.items())) == expected


def test_hash_file(tmp_path: Path) -> None:
    data = noise(3 * MIB + 5)
    (tmp_path / "f").write_bytes(data)
    expected = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
    assert hash_file(tmp_path / "f") == (expected, len(data))


@pytest.mark.parametrize(
    ("given_path", "kept"),
    [
        ("a", "a"),
        ("./a/b", "a/b"),
        ("a//b", "a/b"),
        ("a/", "a"),
        ("a/./b", "a/b"),
        ("a\\b", "a\\b"),
    ],
)
def test_paths_are_kept_in_one_form(given_path: str, kept: str) -> None:
    assert check_path(given_path) == kept


@pytest.mark.parametrize(
    "path",
    [
        *("", ".", "/", "/etc/x", "..", "../x", "a/../b", "a/..", "C:x", "c:/x"),
        *("\\\\host\\x", "\\x", "a\\..\\..\\x", "..\\x", "a\0b", "\udc80"),
    ],
)
def test_paths_that_lead_elsewhere_are_refused(path: str) -> None:
    draft = Draft()
    with pytest.raises(ValueError, match="Invalid artifact path"):
        draft.add_bytes(path, b"x")
    with pytest.raises(InvalidValueError):
        draft.add_reference(path, "http://x/y", digest="d")
    assert not draft.entries


# --- drafts ----------------------------------------------------------------------------------

names = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/f", "x y", "é"])
sizes = st.sampled_from([0, 1, 100, 70_000, MIB, MIB + 1])
actions = st.lists(
    st.one_of(
        st.tuples(st.just("add"), names, sizes, st.integers(0, 2)),
        st.tuples(st.just("overwrite"), names, sizes, st.integers(0, 2)),
        st.tuples(st.just("stream"), names, sizes, st.integers(0, 2)),
        st.tuples(st.just("reference"), names, sizes, st.integers(0, 2)),
        st.tuples(st.just("remove"), st.sampled_from(["a", "d", "d/e", "b", "nope"])),
    ),
    max_size=25,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=actions, bound=st.booleans(), small_memory=st.booleans())
def test_a_draft_is_a_dict_of_contents(
    actions: list[tuple[object, ...]],
    bound: bool,
    small_memory: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("synadb.artifacts.draft.MEMORY_BYTES", 150_000 if small_memory else MIB * 4)
    with (
        tempfile.TemporaryDirectory() as place,
        ExperimentTracker(os.path.join(place, "e.db")) as tracker,
    ):
        artifacts = tracker.artifacts
        draft = artifacts.draft() if bound else Draft()
        model: dict[str, bytes | str] = {}
        for action, name, *rest in actions:
            assert isinstance(name, str)
            if action == "remove":
                gone = [p for p in model if p == name or p.startswith(f"{name}/")]
                assert sorted(draft.remove(name)) == sorted(gone)
                for path in gone:
                    del model[path]
                continue
            size, seed = rest
            value: bytes | str = noise(size, seed)  # type: ignore[arg-type]
            if action == "reference":
                value = f"s3://bucket/{seed}"
            known = model.get(name, value)
            try:
                if isinstance(value, str):
                    draft.add_reference(name, value, digest=value)
                elif action == "stream":
                    draft.add_stream(name, io.BytesIO(value))
                else:
                    draft.add_bytes(name, value, overwrite=action == "overwrite")
            except InvalidValueError:
                assert known != value
                assert action != "overwrite"
            else:
                assert known == value or action == "overwrite"
                model[name] = value
        digests = {
            path: value
            if isinstance(value, str)
            else base64.b64encode(hashlib.md5(value, usedforsecurity=False).digest()).decode()
            for path, value in model.items()
        }
        assert {path: entry.digest for path, entry in draft.entries.items()} == digests
        assert draft.digest == manifest_digest(digests.items())
        assert draft.size == sum(len(v) for v in model.values() if isinstance(v, bytes))
        contents = {path: value for path, value in model.items() if isinstance(value, bytes)}
        assert {path: draft.open(path).read() for path in contents} == contents

        version = artifacts.commit(draft, "x", project="p")
        assert (version.digest, version.size, version.file_count) == (
            draft.digest,
            draft.size,
            len(model),
        )
        assert {path: artifacts.read(version, path) for path in contents} == contents
        assert {path: draft.open(path).read() for path in contents} == contents
        assert list(artifacts.entries(version)) == sorted(draft.entries.values())
        assert tracker.check().problems == ()
        assert artifacts.entries(version, "d/") == [
            entry for path, entry in sorted(draft.entries.items()) if path.startswith("d/")
        ]
        artifacts.delete(version)
        found = tracker.gc(dry_run=True)
        assert {**tracker.gc(), "file_bytes_freed": 0} == {**found, "file_bytes_freed": 0}
        assert leftovers(tracker) == {"contents": 0, "content_blobs": 0, "entries": 0, "blobs": 0}
        assert tracker.check().problems == ()


def leftovers(tracker: ExperimentTracker) -> dict[str, int]:
    db = sqlite3.connect(tracker.path)
    try:
        return {
            table: db.execute(f"select count(*) from {table}").fetchone()[0]
            for table in ("contents", "content_blobs", "entries", "blobs")
        }
    finally:
        db.close()


@pytest.mark.parametrize("bound", [True, False])
@pytest.mark.parametrize("size", [0, 10, MIB, 9 * MIB + 1])
def test_what_was_added_does_not_change_with_its_file(
    artifacts: Artifacts, tmp_path: Path, bound: bool, size: int
) -> None:
    file = tmp_path / "f"
    data = noise(size)
    file.write_bytes(data)
    draft = artifacts.draft() if bound else Draft()
    draft.add_file(file)
    buffer = bytearray(b"before")
    draft.add_bytes("buffer", buffer)
    buffer[:] = b"after!"
    file.write_bytes(b"something else")
    file.unlink()
    version = artifacts.commit(draft, "x", project="p")
    assert artifacts.read(version, "f") == data
    assert artifacts.read(version, "buffer") == b"before"


def test_an_immutable_file_that_changes_is_noticed(artifacts: Artifacts, tmp_path: Path) -> None:
    for name, size in (("small", 10), ("large", 2 * MIB)):
        (tmp_path / name).write_bytes(noise(size))
        draft = Draft()
        draft.add_file(tmp_path / name, policy="immutable")
        with draft.open(name) as stream:
            assert stream.read() == noise(size)
        (tmp_path / name).write_bytes(noise(size, 1))
        with pytest.raises(InvalidValueError, match="has changed since it was added"):
            artifacts.commit(draft, "x", project="p")
        (tmp_path / name).write_bytes(noise(size))
        assert artifacts.read(artifacts.commit(draft, "x", project="p"), name) == noise(size)
    draft = Draft()
    draft.add_file(tmp_path / "small", "n", policy="immutable")
    (tmp_path / "small").unlink()
    with pytest.raises(InvalidValueError, match="cannot be read any more"):
        artifacts.commit(draft, "x", project="p")
    with pytest.raises(InvalidValueError, match="policy"):
        draft.add_file(tmp_path / "large", policy="none")  # type: ignore[arg-type]


def test_content_beyond_memory_goes_away(artifacts: Artifacts) -> None:
    files = {f"f{i}": noise(MIB // 2, i) for i in range(3 * MEMORY_BYTES // MIB)}
    for draft in (Draft(), artifacts.draft()):
        for name, data in files.items():
            draft.add_bytes(name, data)
        assert draft._memory <= MEMORY_BYTES
        assert {name: draft.open(name).read() for name in files} == files
        version = artifacts.commit(draft, "x", project="p")
        assert {name: artifacts.read(version, name) for name in files} == files


def test_a_draft_without_a_database_leaves_no_files(tmp_path: Path) -> None:
    staging = tmp_path / "staging"
    draft = Draft(staging=staging)
    draft.add_bytes("large", noise(9 * MIB))
    assert list(staging.iterdir()) == []
    assert draft.open("large").read() == noise(9 * MIB)


def test_the_same_path_twice(artifacts: Artifacts, tmp_path: Path) -> None:
    draft = artifacts.draft()
    for size in (3, 2 * MIB):
        name = f"f{size}"
        first = draft.add_bytes(name, noise(size))
        assert draft.add_bytes(name, noise(size)) == first
        with pytest.raises(ValueError, match="same path twice"):
            draft.add_bytes(name, noise(size, 1))
        assert draft.open(name).read() == noise(size)
        draft.add_bytes(name, noise(size, 1), overwrite=True)
        assert draft.open(name).read() == noise(size, 1)
    with pytest.raises(ValueError, match="same path twice"):
        draft.add_reference("f3", "s3://x", digest="s3://x")
    version = artifacts.commit(draft, "x", project="p")
    assert artifacts.read(version, f"f{2 * MIB}") == noise(2 * MIB, 1)


def test_what_cannot_be_added(artifacts: Artifacts, tmp_path: Path) -> None:
    draft = artifacts.draft()
    with pytest.raises(InvalidValueError, match="No such file"):
        draft.add_file(tmp_path / "missing")
    with pytest.raises(InvalidValueError, match="not a file"):
        draft.add_file(tmp_path)
    with pytest.raises(InvalidValueError, match="not a folder"):
        draft.add_folder(tmp_path / "missing")
    with pytest.raises(InvalidValueError, match="binary mode"):
        draft.add_stream("t", io.StringIO("text"))  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError, match="uri"):
        draft.add_reference("r", "", digest="x")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(InvalidValueError, match="not a file"):
            draft.add_file(tmp_path / "pipe")
    assert not draft.entries


def test_a_stream_that_breaks_leaves_the_draft_as_it_was(artifacts: Artifacts) -> None:
    class Broken(io.RawIOBase):
        left = 3

        def read(self, size: int = -1) -> bytes:
            self.left -= 1
            if self.left < 0:
                raise OSError("unplugged")
            return noise(size)

    draft = artifacts.draft()
    draft.add_bytes("x", b"before")
    with pytest.raises(OSError, match="unplugged"):
        draft.add_stream("x", Broken(), overwrite=True)  # type: ignore[arg-type]
    version = artifacts.commit(draft, "x", project="p")
    assert artifacts.read(version, "x") == b"before"
    assert version.file_count == 1


def test_links_in_a_folder_are_followed_but_not_round(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "a.txt")
    (folder / "linked").symlink_to(folder / "sub")
    assert [entry.path for entry in Draft().add_folder(folder, "top")] == [
        "top/a.txt",
        "top/link",
        "top/linked/.hid/b",
        "top/sub/.hid/b",
        "top/é ü.txt",
    ]
    draft = Draft()
    draft.add_folder(folder, keep=lambda path: not path.endswith(".txt"))
    assert sorted(draft.entries) == ["link", "linked/.hid/b", "sub/.hid/b"]
    (folder / "sub" / "round").symlink_to(folder)
    with pytest.raises(InvalidValueError, match="circle"):
        Draft().add_folder(folder)


def test_a_committed_draft_is_final(artifacts: Artifacts) -> None:
    draft = artifacts.draft()
    draft.add_bytes("a", b"1")
    version = artifacts.commit(draft, "x", project="p")
    assert draft.committed == version
    for change in (
        lambda: draft.add_bytes("b", b"2"),
        lambda: draft.remove("a"),
        lambda: artifacts.commit(draft, "y", project="p"),
    ):
        with pytest.raises(InvalidValueError, match="has been committed as x:v0"):
            change()
    assert draft.open("a").read() == b"1"


def test_a_draft_can_be_taken_to_another_database(artifacts: Artifacts, tmp_path: Path) -> None:
    draft = artifacts.draft()
    draft.add_bytes("large", noise(5 * MIB))
    draft.add_bytes("small", b"s", extra={"k": 1})
    draft.add_reference("r", "s3://b/k", digest="etag", size=7)
    expected = dict(draft.entries)
    with ExperimentTracker(tmp_path / "other.db") as other:
        version = other.artifacts.commit(draft, "x", project="p")
        assert {e.path: e for e in other.artifacts.entries(version)} == expected
        assert other.artifacts.read(version, "large") == noise(5 * MIB)
        assert other.check().ok
    assert artifacts.list() == []


def test_the_same_database_opened_twice(tracker: ExperimentTracker, artifacts: Artifacts) -> None:
    draft = artifacts.draft()
    draft.add_bytes("large", noise(5 * MIB))
    with ExperimentTracker(tracker.path) as other:
        assert other.artifacts.commit(draft, "x", project="p").name == "x:v0"
    assert artifacts.read("x", "large") == noise(5 * MIB)


# --- versions and aliases --------------------------------------------------------------------


def log(artifacts: Artifacts, value: object, name: str = "x", **fields: object) -> VersionRecord:
    return artifacts.log(name, {"f": str(value).encode()}, **{"project": "p", **fields})  # type: ignore[arg-type]


def test_versions_count_and_latest_follows(artifacts: Artifacts) -> None:
    first = log(artifacts, 1, aliases=["best", "first"])
    assert (first.name, first.version, first.aliases) == ("x:v0", "v0", ("best", "first", "latest"))
    second = log(artifacts, 2, aliases=["best"])
    assert (second.name, second.aliases) == ("x:v1", ("best", "latest"))
    assert artifacts.get("x:v0").aliases == ("first",)
    assert artifacts.get("x") == artifacts.get("x:latest") == artifacts.get("x:best") == second
    assert [one.name for one in artifacts.list("x")] == ["x:v1", "x:v0"]
    for wrong in ("x:v2", "x:none", "y", "y:v0"):
        with pytest.raises(ArtifactNotFoundError, match=wrong):
            artifacts.get(wrong)


def test_the_same_content_is_no_new_version(artifacts: Artifacts) -> None:
    first = log(artifacts, 1, metadata={"a": 1})
    again = log(artifacts, 1, aliases=["again"], metadata={"a": 2})
    assert again.uid == first.uid
    assert (again.aliases, again.metadata) == (("again", "latest"), {"a": 1})
    log(artifacts, 2)
    back = log(artifacts, 1)  # equal to an older one, which is not the newest
    assert (back.name, back.uid == first.uid) == ("x:v2", False)


def test_a_name_has_one_type_and_belongs_to_one_project(artifacts: Artifacts) -> None:
    log(artifacts, 1, type="model")
    with pytest.raises(ValueError, match="already exists with type 'model'"):
        log(artifacts, 2, type="dataset")
    log(artifacts, 3, type="dataset", project="q")
    with pytest.raises(InvalidValueError, match="'p', 'q'"):
        artifacts.get("x")
    assert artifacts.get("x", project="q").type == "dataset"
    with pytest.raises(InvalidValueError, match="is of type 'model', not 'dataset'"):
        artifacts.get("x", project="p", type="dataset")
    assert artifacts.types() == ["dataset", "model"]
    assert artifacts.types(project="q") == ["dataset"]
    assert artifacts.projects() == ["p", "q"]
    assert [one.project for one in artifacts.collections(type="model")] == ["p"]


def test_fields_come_back_and_can_be_changed(artifacts: Artifacts) -> None:
    version = log(
        artifacts,
        1,
        description="d",
        metadata={"nan": float("nan"), "$a": [1, (2, 3)], "n": None},
        tags=["t", "u", "t"],
        ttl=3600,
        step=7,
    )
    found = artifacts.get("x")
    assert found.description == "d"
    assert str(found.metadata) == "{'nan': nan, '$a': [1, [2, 3]], 'n': None}"
    assert (found.tags, found.ttl, found.step) == (("t", "u"), 3600.0, 7)
    changed = artifacts.update(
        version,
        description=None,
        metadata={"k": 1},
        tags=[],
        ttl=None,
        aliases=["one"],
        properties={"a": 1, "b": 2},
    )
    assert (changed.description, changed.metadata, changed.tags, changed.ttl) == (
        None,
        {"k": 1},
        (),
        None,
    )
    assert changed.aliases == ("latest", "one")
    assert changed.updated_at >= version.updated_at
    changed = artifacts.update("x", aliases=["two"], properties={"a": None})
    assert (changed.aliases, changed.properties) == (("latest", "two"), {"b": 2})
    assert changed.metadata == {"k": 1}
    assert artifacts.list(tags=["t"]) == []
    artifacts.update("x", tags=["t", "z"])
    assert [one.uid for one in artifacts.list(tags=["t"])] == [version.uid]


def test_what_cannot_be_said_of_a_version(artifacts: Artifacts) -> None:
    for fields in (
        {"aliases": "latest"},
        {"aliases": ["a/b"]},
        {"aliases": ["a:b"]},
        {"aliases": ["v7"]},
        {"tags": "t"},
        {"ttl": 0},
        {"ttl": float("nan")},
        {"ttl": True},
        {"metadata": [1]},
        {"metadata": {"f": object()}},
        {"type": ""},
        {"name": "a/b"},
        {"name": "a:b"},
        {"project": ""},
    ):
        with pytest.raises(InvalidValueError):
            log(artifacts, 1, **fields)
    with pytest.raises(RunNotFoundError):
        log(artifacts, 1, run_id="nobody")
    assert artifacts.list() == []
    assert log(artifacts, 1, aliases=["v0", "v1.0", "version"]).aliases == (
        "latest",
        "v1.0",
        "version",
    )


def test_aliases_are_added_and_removed(artifacts: Artifacts) -> None:
    first, second = log(artifacts, 1), log(artifacts, 2)
    assert artifacts.add_aliases(first, "a", "b").aliases == ("a", "b")
    assert artifacts.add_aliases("x:v1", "b").aliases == ("b", "latest")
    assert artifacts.remove_aliases(first, "a", "b", "nope").aliases == ()
    assert artifacts.get("x:b").uid == second.uid
    artifacts.remove_aliases(second, "latest")
    assert artifacts.get("x").uid == second.uid  # the newest, where nothing is called so
    artifacts.add_aliases(first, "latest")
    assert artifacts.get("x").uid == first.uid
    assert log(artifacts, 3).aliases == ("latest",)
    assert artifacts.get("x").version == "v2"


def test_incremental_versions_have_what_the_last_one_had(artifacts: Artifacts) -> None:
    base = artifacts.log("x", {"a": b"1", "b": b"2"}, project="p")
    draft = artifacts.draft()
    draft.add_bytes("b", b"3")
    draft.add_bytes("c", b"4")
    version = artifacts.commit(draft, "x", project="p", incremental=True)
    assert {e.path: artifacts.read(version, e.path) for e in artifacts.entries(version)} == {
        "a": b"1",
        "b": b"3",
        "c": b"4",
    }
    assert version.digest == artifacts.log("y", {"a": b"1", "b": b"3", "c": b"4"}).digest
    same = artifacts.draft()
    same.add_bytes("c", b"4")
    assert artifacts.commit(same, "x", project="p", incremental=True).uid == version.uid
    derived = artifacts.draft()
    derived.add_version(base)
    derived.remove("a")
    derived.add_bytes("b", b"new", overwrite=True)
    third = artifacts.commit(derived, "x", project="p")
    assert [e.path for e in artifacts.entries(third)] == ["b"]
    assert artifacts.read(third, "b") == b"new"
    with pytest.raises(InvalidValueError, match="without a database"):
        Draft().add_version(base)


def test_an_inherited_entry_is_kept_when_its_version_goes(
    tracker: ExperimentTracker, artifacts: Artifacts
) -> None:
    base = artifacts.log("x", {"a": b"1"}, project="p")
    draft = artifacts.draft()
    draft.add_version(base)
    draft.add_bytes("large", noise(5 * MIB))
    draft.add_bytes("more", noise(MIB))
    draft._put_away()
    artifacts.delete(base)
    tracker.gc()
    version = artifacts.commit(draft, "x", project="p")
    assert (version.version, artifacts.read(version, "a")) == ("v1", b"1")
    late = artifacts.draft()
    late.add_version(version)
    artifacts.delete(version)
    tracker.gc()
    with pytest.raises(CorruptStoreError, match="put it together anew"):
        artifacts.commit(late, "z", project="p")
    assert artifacts.list("z") == []


def test_log_takes_files_folders_and_bytes(artifacts: Artifacts, folder: Path) -> None:
    whole = artifacts.log("folder", folder)
    assert whole.project == "default"
    assert [e.path for e in artifacts.entries(whole)] == ["a.txt", "sub/.hid/b", "é ü.txt"]
    assert [e.path for e in artifacts.entries(artifacts.log("file", folder / "a.txt"))] == ["a.txt"]
    assert artifacts.read(artifacts.log("bytes", b"abc"), "bytes") == b"abc"
    mixed = artifacts.log("mixed", {"d": folder, "f/g": folder / "a.txt", "b": b"x"})
    assert [e.path for e in artifacts.entries(mixed)] == [
        "b",
        "d/a.txt",
        "d/sub/.hid/b",
        "d/é ü.txt",
        "f/g",
    ]
    draft = Draft()
    draft.add_bytes("q", b"q")
    assert artifacts.log("draft", draft).file_count == 1
    with pytest.raises(InvalidValueError, match="the content of an artifact"):
        artifacts.log("n", 3)  # type: ignore[arg-type]


def test_reading_entries(artifacts: Artifacts, tmp_path: Path) -> None:
    data = noise(2 * MIB + 17)
    local = tmp_path / "local file"
    local.write_bytes(b"there")
    draft = artifacts.draft()
    draft.add_bytes("d/large", data, extra={"k": [1]})
    draft.add_reference("ref", f"file://{local}", digest=hash_file(local)[0], size=5)
    draft.add_reference("quoted", local.as_uri(), digest=hash_file(local)[0], size=5)
    draft.add_reference("far", "s3://b/k", digest="s3://b/k")
    version = artifacts.commit(draft, "x", project="p")
    entry = artifacts.entry(version, "d/large")
    assert (entry.size, entry.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert entry.extra == {"k": [1]}
    with artifacts.open("x", "./d/large") as stream:
        stream.seek(MIB - 3)
        assert stream.read(10) == data[MIB - 3 : MIB + 7]
        assert stream.seek(-4, os.SEEK_END) == len(data) - 4
        assert stream.read() == data[-4:]
    assert artifacts.read(version, "ref") == artifacts.read(version, "quoted") == b"there"
    with pytest.raises(InvalidValueError, match="s3://b/k"):
        artifacts.open(version, "far")
    with pytest.raises(ArtifactNotFoundError, match="no entry 'd'"):
        artifacts.entry(version, "d")


# --- deleting, linking, expiring --------------------------------------------------------------


def test_numbers_of_deleted_versions_are_not_given_out_again(artifacts: Artifacts) -> None:
    versions = [log(artifacts, i) for i in range(3)]
    artifacts.add_aliases(versions[2], "prod")
    with pytest.raises(InvalidValueError, match="has the aliases prod"):
        artifacts.delete("x")
    artifacts.delete("x", delete_aliases=True)
    assert artifacts.get("x").name == "x:v1"
    assert artifacts.get("x:v1").aliases == ("latest",)
    with pytest.raises(ArtifactNotFoundError):
        artifacts.entries(versions[2])
    assert log(artifacts, 2).name == "x:v3"
    for name in ("x:v0", "x:v1", "x:v3"):
        artifacts.delete(name)
    assert artifacts.collection("x").newest is None
    assert log(artifacts, 2).name == "x:v4"


def test_gc_counts_the_space_of_what_was_only_in_the_log(
    tracker: ExperimentTracker, artifacts: Artifacts
) -> None:
    artifacts.log("x", {"f": noise(2 * MIB)}, project="p")
    assert os.path.getsize(tracker.path) < MIB
    artifacts.delete("x")
    assert tracker.gc()["file_bytes_freed"] >= 2 * MIB


def test_deleting_gives_space_back_unless_it_is_shared(
    tracker: ExperimentTracker, artifacts: Artifacts
) -> None:
    shared, own, run_own = noise(2 * MIB), noise(2 * MIB, 1), noise(MIB, 2)
    run = tracker.start_run("e")
    tracker.log_artifact(run, "bound", run_own)
    first = artifacts.log("x", {"s": shared, "o": own, "r": run_own}, project="p")
    artifacts.log("y", {"elsewhere": shared}, project="p")
    assert tracker.gc(dry_run=True)["blobs"] == 0
    artifacts.delete(first)
    promised = tracker.gc(dry_run=True)
    assert promised == {"blobs": 2, "blob_bytes": 2 * MIB}
    tracker._store.checkpoint(truncate=True)
    before = os.path.getsize(tracker.path)
    done = dict(tracker.gc())
    assert done.pop("file_bytes_freed") >= 2 * MIB
    assert done == promised
    assert os.path.getsize(tracker.path) <= before - 2 * MIB
    assert artifacts.read("y", "elsewhere") == shared
    tracker.delete_run(run)
    artifacts.delete_collection("y")
    tracker.gc()
    assert set(leftovers(tracker).values()) == {0}
    with pytest.raises(ArtifactNotFoundError):
        artifacts.delete_collection("y")


def test_a_second_version_costs_what_differs(
    tracker: ExperimentTracker, artifacts: Artifacts, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    root.mkdir()
    for i in range(200):
        (root / f"{i}").write_bytes(noise(20_000, i))
    large = bytearray(noise(6 * MIB, 999))
    (root / "large").write_bytes(large)
    artifacts.log("x", root, project="p")
    tracker._store.checkpoint(truncate=True)
    before = os.path.getsize(tracker.path)
    (root / "7").write_bytes(noise(20_000, 1000))
    large[3 * MIB + 5] ^= 1
    (root / "large").write_bytes(large)
    assert artifacts.log("x", root, project="p").version == "v1"
    tracker._store.checkpoint(truncate=True)
    assert os.path.getsize(tracker.path) - before < 20_000 + MIB + 100_000
    before = os.path.getsize(tracker.path)
    assert artifacts.log("x", root, project="p").version == "v1"
    tracker._store.checkpoint(truncate=True)
    assert os.path.getsize(tracker.path) - before < 50_000


def test_links_show_their_source(tracker: ExperimentTracker, artifacts: Artifacts) -> None:
    run = tracker.start_run("p")
    source = log(artifacts, 1, type="model", run_id=run, description="d", tags=["t"])
    link = artifacts.link(source, "registry", project="wandb-registry-model", aliases=["prod"])
    assert (link.name, link.project) == ("registry:v0", "wandb-registry-model")
    assert (link.aliases, link.source, link.type) == (("latest", "prod"), source.uid, "model")
    assert (link.digest, link.size, link.description) == (source.digest, source.size, "d")
    assert link.run_id == run
    assert artifacts.read(link, "f") == b"1"
    again = artifacts.link(source, "registry", project="wandb-registry-model", aliases=["best"])
    assert (again.uid, again.aliases) == (link.uid, ("best", "latest", "prod"))
    assert artifacts.update(link, description="new", aliases=["only"]).description == "new"
    assert artifacts.get("x:v0").description == "new"
    assert artifacts.get("x:v0").aliases == ("latest",)
    second = artifacts.link(
        log(artifacts, 2, type="model"), "registry", project="wandb-registry-model"
    )
    assert second.name == "registry:v1"
    assert artifacts.get("registry").uid == second.uid
    assert [one.name for one in artifacts.links("x:v0")] == ["registry:v0"]
    of_link = artifacts.link(link, "third", project="q")
    assert of_link.source == source.uid
    with pytest.raises(ValueError, match="already exists with type 'model'"):
        artifacts.link(
            log(artifacts, 1, "other", type="data"), "registry", project="wandb-registry-model"
        )
    artifacts.unlink(second)
    with pytest.raises(InvalidValueError, match="is not a link"):
        artifacts.unlink("x:v1")
    assert artifacts.get("x:v1").version == "v1"
    artifacts.delete("x:v0")
    assert artifacts.collection("registry").versions == 0
    assert artifacts.collection("third").versions == 0


def test_expired_versions_go_with_gc_and_not_before(
    tracker: ExperimentTracker, artifacts: Artifacts
) -> None:
    run = tracker.start_run("p")
    log(artifacts, 1, ttl=0.01)
    log(artifacts, 2, ttl=0.01)
    chosen = artifacts.get("x:v1")
    artifacts.link(chosen, "r", project="q")
    log(artifacts, 3, ttl=3600)
    time.sleep(0.02)
    tracker.delete_run(run)  # which collects what only the run referred to
    assert [one.name for one in artifacts.list("x")] == ["x:v2", "x:v1", "x:v0"]
    assert tracker.gc(dry_run=True) == {"blobs": 1, "blob_bytes": 1, "expired_versions": 1}
    assert {**tracker.gc(), "file_bytes_freed": 0} == {
        "blobs": 1,
        "blob_bytes": 1,
        "expired_versions": 1,
        "file_bytes_freed": 0,
    }
    assert [one.name for one in artifacts.list("x")] == ["x:v2", "x:v1"]


def test_collections_have_fields_of_their_own(artifacts: Artifacts) -> None:
    made = artifacts.create_collection(
        "x", type="model", project="p", description="d", tags=["t"], properties={"a": 1}
    )
    assert (made.newest, made.versions, made.aliases) == (None, 0, ())
    assert (made.description, made.tags, made.properties) == ("d", ("t",), {"a": 1})
    assert artifacts.create_collection("x", type="model", project="p") == made
    with pytest.raises(InvalidValueError, match="already exists with type"):
        artifacts.create_collection("x", type="data", project="p")
    log(artifacts, 1, type="model")
    log(artifacts, 1, "y")
    with pytest.raises(InvalidValueError, match="'y' already"):
        artifacts.update_collection("x", new_name="y")
    renamed = artifacts.update_collection(
        "x", new_name="z", description=None, type="other", properties={"a": None, "b": 2}
    )
    assert (renamed.name, renamed.type, renamed.description) == ("z", "other", None)
    assert (renamed.newest, renamed.versions, renamed.aliases) == (0, 1, ("latest",))
    assert (renamed.properties, renamed.tags) == ({"b": 2}, ("t",))
    assert artifacts.get("z").name == "z:v0"
    assert [one.name for one in artifacts.collections(project="p")] == ["y", "z"]


# --- lineage ---------------------------------------------------------------------------------


def test_lineage_both_ways(tracker: ExperimentTracker, artifacts: Artifacts) -> None:
    maker, user, other = (tracker.start_run("p") for _ in range(3))
    version = log(artifacts, 1, run_id=maker, project=None)
    assert version.project == "p"
    link = artifacts.link(version, "r", project="q")
    assert artifacts.logged_by(link) == maker
    artifacts.use(version, user, use_as="input data")
    artifacts.use(link, other)
    artifacts.use(version, user)
    assert artifacts.used_by(version) == artifacts.used_by(link) == [user, other]
    assert [(v.name, use_as) for v, use_as in artifacts.uses(user)] == [("x:v0", "input data")]
    assert [v.name for v in artifacts.inputs(other)] == ["x:v0"]
    log(artifacts, 1, run_id=other)  # no new version, but logged all the same
    log(artifacts, 2, run_id=other)
    assert [v.name for v in artifacts.outputs(other)] == ["x:v0", "x:v1"]
    assert artifacts.logged_by("x:v0") == maker
    tracker.end_run(other)
    tracker.rename_run(other, "renamed")
    assert artifacts.used_by(version) == [user, "renamed"]
    tracker.delete_run("renamed")
    tracker.delete_run(maker)
    assert artifacts.used_by(version) == [user]
    assert artifacts.logged_by("x:v0") is None
    assert artifacts.read("x:v1", "f") == b"2"
    with pytest.raises(RunNotFoundError):
        artifacts.use(version, "nobody")
    artifacts.delete("x:v0")
    assert artifacts.inputs(user) == []


def test_several_processes_write_one_version(
    tracker: ExperimentTracker, artifacts: Artifacts
) -> None:
    runs = [tracker.start_run("p") for _ in range(3)]
    for number, run in enumerate(runs):
        draft = Draft() if number else artifacts.draft()
        draft.add_bytes(f"part{number}", noise(2 * MIB, number))
        draft.add_bytes("common", str(number).encode())
        pending = artifacts.upsert(
            draft, "x", "job", run_id=run, aliases=[f"a{number}"], metadata={str(number): 1}
        )
        assert (pending.state, pending.number) == ("pending", -1)
        assert not artifacts.list()
        assert not artifacts.collections()
        with pytest.raises(ArtifactNotFoundError):
            artifacts.get("x")
    assert artifacts.find(pending.uid) == pending
    assert pending.file_count == 4
    assert tracker.check().notes
    assert artifacts.read(pending, "common") == b"2"
    tracker.end_run(runs[0])
    tracker.rename_run(runs[0], "first")
    version = artifacts.finish("x", "job", project="p")
    assert (version.name, version.state) == ("x:v0", "committed")
    assert version.aliases == ("a0", "a1", "a2", "latest")
    assert version.metadata == {"0": 1, "1": 1, "2": 1}
    assert version.run_id == "first"
    assert [e.path for e in artifacts.entries("x")] == ["common", "part0", "part1", "part2"]
    assert artifacts.read("x", "part1") == noise(2 * MIB, 1)
    assert artifacts.finish("x", "job", project="p") == version
    assert [v.name for v in artifacts.outputs(runs[2])] == ["x:v0"]
    with pytest.raises(ArtifactNotFoundError, match="no pending version 'other'"):
        artifacts.finish("x", "other", project="p")
    again = Draft()
    for entry in artifacts.entries("x"):
        again.add_bytes(entry.path, artifacts.read("x", entry.path))
    artifacts.upsert(again, "x", "job2", run_id=runs[1])
    assert artifacts.finish("x", "job2", project="p").uid == version.uid

"""Downloads: whole, verified, resumable, and never outside their folder."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from synadb.artifacts import Artifacts, hash_file
from synadb.artifacts.download import _PART, _host
from synadb.errors import ArtifactNotFoundError, CorruptStoreError, InvalidValueError
from synadb.tracker import ExperimentTracker
from tests.test_artifacts import MIB, artifacts, noise, tracker, tree

__all__ = ["artifacts", "tracker"]  # fixtures

FILES = {
    "a": b"a",
    "d/empty": b"",
    "d/e/é": b"deep",
    "large": noise(3 * MIB + 1),
    "exact": noise(MIB, 1),
}


def test_a_download_is_the_artifact(artifacts: Artifacts, tmp_path: Path) -> None:
    artifacts.log("x", FILES, project="p")
    root = artifacts.download("x", tmp_path / "to" / "here")
    assert root == str(tmp_path / "to" / "here")
    assert tree(root) == FILES
    assert artifacts.verify("x", root) == {}
    part = artifacts.download("x", tmp_path / "part", prefix="d/")
    assert sorted(tree(part)) == ["d/e/é", "d/empty"]
    some = artifacts.download("x", tmp_path / "some", paths=["a", "./d/e/é"])
    assert sorted(tree(some)) == ["a", "d/e/é"]
    with pytest.raises(ArtifactNotFoundError, match="no entry 'none'"):
        artifacts.download("x", tmp_path / "none", paths=["a", "none"])


def test_relative_folders_and_those_there_already(
    artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts.log("x", FILES, project="p")
    monkeypatch.chdir(tmp_path)
    assert artifacts.download("x", "out") == str(tmp_path / "out")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    assert artifacts.download("x", "link") == str(tmp_path / "link")  # the root may be a link


def test_a_second_download_repairs_and_leaves_the_rest(
    artifacts: Artifacts, tmp_path: Path
) -> None:
    artifacts.log("x", FILES, project="p")
    root = Path(artifacts.download("x", tmp_path / "out"))
    kept = {path: (root / path).stat().st_ino for path in FILES}
    (root / "a").write_bytes(b"b")
    (root / "large").write_bytes(noise(3 * MIB + 1, 9))
    (root / "d" / "empty").unlink()
    (root / "mine").write_bytes(b"mine")
    assert artifacts.verify("x", root) == {
        "a": "changed",
        "large": "changed",
        "d/empty": "missing",
        "mine": "extra",
    }
    artifacts.download("x", root)
    assert tree(root) == {**FILES, "mine": b"mine"}
    now = {path: (root / path).stat().st_ino for path in FILES}
    assert {path for path in FILES if now[path] == kept[path]} >= {"d/e/é", "exact"}


def test_files_are_copies_to_be_changed(artifacts: Artifacts, tmp_path: Path) -> None:
    source = tmp_path / "f"
    source.write_bytes(b"original")
    artifacts.log("x", source, project="p")
    root = Path(artifacts.download("x", tmp_path / "out"))
    assert (root / "f").stat().st_nlink == 1
    assert stat.S_IMODE((root / "f").stat().st_mode) & 0o600 == 0o600
    (root / "f").write_bytes(b"changed!")
    assert source.read_bytes() == artifacts.read("x", "f") == b"original"


@pytest.mark.parametrize("bad", ["../out", "/tmp/out", "a/../../out", "C:/out", "..\\out"])
def test_a_path_in_the_database_cannot_lead_out(
    tracker: ExperimentTracker, artifacts: Artifacts, tmp_path: Path, bad: str
) -> None:
    artifacts.log("x", {"good": b"evil"}, project="p")
    db = sqlite3.connect(tracker.path)
    db.execute("update entries set path = ?", (bad,))
    db.commit()
    db.close()
    root = tmp_path / "root"
    with pytest.raises(InvalidValueError, match="Invalid artifact path"):
        artifacts.download("x", root)
    assert tree(tmp_path) == {
        path: data for path, data in tree(tmp_path).items() if path.startswith("experiments.db")
    }
    with pytest.raises(InvalidValueError):
        artifacts.verify("x", root)
    db = sqlite3.connect(tracker.path)
    db.execute("update entries set path = 'good'")
    db.commit()
    db.close()


def test_links_in_the_folder_cannot_lead_out(artifacts: Artifacts, tmp_path: Path) -> None:
    artifacts.log("x", {"d/e/f": b"evil", "g": b"also"}, project="p")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "g").write_bytes(b"also")
    root = tmp_path / "root"
    root.mkdir()
    (root / "d").symlink_to(outside)
    with pytest.raises(InvalidValueError, match="is a link that leads to"):
        artifacts.download("x", root)
    (root / "d").unlink()
    (root / "d").mkdir()
    (root / "d" / "e").symlink_to(tmp_path / "not there")
    with pytest.raises(InvalidValueError, match=r"outside of .* is a link that leads to"):
        artifacts.download("x", root)
    assert tree(outside) == {"g": b"also"}
    (root / "d" / "e").unlink()
    # A link in a file's place is replaced, not followed, whatever is at its end.
    (root / "d" / "e").mkdir()
    (root / "d" / "e" / "f").symlink_to(outside / "new")
    (root / "g").symlink_to(outside / "g")
    artifacts.download("x", root)
    assert not (root / "g").is_symlink()
    assert not (root / "d" / "e" / "f").is_symlink()
    assert tree(outside) == {"g": b"also"}
    assert tree(root) == {"d/e/f": b"evil", "g": b"also"}
    # One that stays inside is the user's own affair.
    inside = tmp_path / "inside"
    (inside / "real").mkdir(parents=True)
    (inside / "d").symlink_to(inside / "real")
    artifacts.download("x", inside)
    assert (inside / "real" / "e" / "f").read_bytes() == b"evil"


def test_what_is_in_the_way_is_named(artifacts: Artifacts, tmp_path: Path) -> None:
    artifacts.log("x", {"d/f": b"1"}, project="p")
    root = tmp_path / "root"
    (root / "d" / "f").mkdir(parents=True)
    with pytest.raises(InvalidValueError, match="is a folder"):
        artifacts.download("x", root)
    other = tmp_path / "other"
    other.mkdir()
    (other / "d").write_bytes(b"a file")
    with pytest.raises(InvalidValueError, match="in the way of a folder"):
        artifacts.download("x", other)


def test_references(artifacts: Artifacts, tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.write_bytes(b"there")
    draft = artifacts.draft()
    draft.add_reference("near", local.as_uri(), digest=hash_file(local)[0], size=5)
    draft.add_reference("unchecked", local.as_uri(), digest=local.as_uri())
    draft.add_reference("far/away", "s3://b/k", digest="etag", size=3)
    draft.add_bytes("own", b"own")
    artifacts.commit(draft, "x", project="p")
    root = tmp_path / "out"
    with pytest.raises(ArtifactNotFoundError, match="s3://b/k"):
        artifacts.download("x", root)
    artifacts.download("x", root, allow_missing_references=True)
    assert tree(root) == {"near": b"there", "unchecked": b"there", "own": b"own"}
    fetched: list[str | None] = []

    def fetch(entry: object) -> object:
        import io

        fetched.append(entry.reference)  # type: ignore[attr-defined]
        return io.BytesIO(b"far")

    artifacts.download("x", root, fetch=fetch)  # type: ignore[arg-type]
    assert fetched == ["s3://b/k"]
    assert tree(root)["far/away"] == b"far"
    assert artifacts.verify("x", root) == {}
    (root / "near").write_bytes(b"THERE")
    assert artifacts.verify("x", root) == {"near": "changed"}
    local.write_bytes(b"moved on")
    with pytest.raises(CorruptStoreError, match="has changed since it was added"):
        artifacts.download("x", root, paths=["near"])
    local.unlink()
    with pytest.raises(ArtifactNotFoundError, match="is not there"):
        artifacts.download("x", root, paths=["unchecked"])


def test_damaged_content_is_not_handed_out(
    tracker: ExperimentTracker, artifacts: Artifacts, tmp_path: Path
) -> None:
    artifacts.log("x", {"small": b"123", "large": noise(3 * MIB)}, project="p")
    artifacts.log("y", {"small": b"456"}, project="p")
    db = sqlite3.connect(tracker.path)
    db.execute("update blobs set data = cast('321' as blob) where data = cast('123' as blob)")
    db.commit()
    with pytest.raises(CorruptStoreError):
        artifacts.download("x", tmp_path / "out", paths=["small"])
    with pytest.raises(CorruptStoreError):
        artifacts.read("x", "small")
    db.execute("update blobs set data = zeroblob(1048576) where id = 2")
    db.commit()
    db.close()
    with pytest.raises(CorruptStoreError):
        artifacts.download("x", tmp_path / "out", paths=["large"])
    assert tree(tmp_path / "out") == {}
    assert any("content" in problem for problem in tracker.check().problems)
    fixed = tracker.check(fix=True)
    assert fixed.ok, fixed.problems
    assert any("version p/x:v0" in line for line in fixed.fixed)
    assert [one.name for one in artifacts.list()] == ["y:v0"]


def test_what_a_killed_download_left_is_swept(artifacts: Artifacts, tmp_path: Path) -> None:
    artifacts.log("x", {"d/f": b"1"}, project="p")
    root = tmp_path / "out"
    (root / "d").mkdir(parents=True)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    stale = root / "d" / f"{_PART}{_host()}-{dead.pid}-0"
    live = root / "d" / f"{_PART}{_host()}-{os.getpid()}-x"
    foreign = root / f"{_PART}00000000-1-0"
    old = root / f"{_PART}00000000-2-0"
    for file in (stale, live, foreign, old):
        file.write_bytes(b"part")
    os.utime(old, (1, 1))
    artifacts.download("x", root)
    assert sorted(tree(root)) == sorted(["d/f", live.relative_to(root).as_posix(), foreign.name])
    assert artifacts.verify("x", root) == {}


KILLED = """
import sys
from synadb.tracker import ExperimentTracker
with ExperimentTracker(sys.argv[1]) as tracker:
    print("ready", flush=True)
    while True:
        tracker.artifacts.download("x", sys.argv[2])
        import shutil
        shutil.rmtree(sys.argv[2])
"""


def test_a_killed_download_leaves_whole_files(
    tracker: ExperimentTracker, artifacts: Artifacts, tmp_path: Path
) -> None:
    files = {f"{i % 7}/{i}": noise(30_000 if i % 10 else 2 * MIB, i) for i in range(60)}
    artifacts.log("x", files, project="p")
    root = tmp_path / "out"
    for number in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, tracker.path, str(root)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.02 + number * 0.03)
            process.kill()
        for path, data in tree(root).items():
            if not path.rpartition("/")[2].startswith(_PART):
                assert files[path] == data
    artifacts.download("x", root)
    assert tree(root) == files

"""Versioned artifacts when processes compete, die, fork, or leave things behind."""

from __future__ import annotations

import hashlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from synadb.artifacts import Artifacts, Draft
from synadb.errors import CorruptStoreError, ReadOnlyStoreError
from synadb.storage import schema
from synadb.storage.audit import check
from synadb.tracker import ExperimentTracker
from tests.conftest import ROOT
from tests.test_artifacts import MIB, artifacts, leftovers, noise, tracker

if TYPE_CHECKING:
    from tests.conftest import RunScript

__all__ = ["artifacts", "tracker"]  # fixtures

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}

# Content follows from the number in "n": whoever reads a version can tell whether all is there.
LOG_LOOP = """
import os, random, sys
from synadb.tracker import ExperimentTracker
from synadb.artifacts import Draft

tracker = ExperimentTracker(sys.argv[1])
seed = int(sys.argv[2])
run = tracker.run("kill")
print("ready", flush=True)
for i in range(10_000):
    n = seed * 10_000 + i
    draft = tracker.artifacts.draft() if i % 2 else Draft()
    draft.add_bytes("n", str(n).encode())
    for part in range(n % 5):
        draft.add_bytes(f"part{part}", random.Random(n + part).randbytes(3_000_000))
    for part in range(40):
        draft.add_bytes(f"small/{part}", f"{n} {part}".encode())
    tracker.artifacts.commit(draft, "killed", run_id=run.run_id, aliases=[f"n{n}"])
    print(n, flush=True)
"""


def expected(n: int) -> dict[str, bytes]:
    files = {"n": str(n).encode()}
    files |= {f"part{i}": random.Random(n + i).randbytes(3_000_000) for i in range(n % 5)}
    return files | {f"small/{i}": f"{n} {i}".encode() for i in range(40)}


def test_a_killed_writer_leaves_whole_versions_or_none(db_path: Path, tmp_path: Path) -> None:
    said: list[int] = []
    for seed in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", LOG_LOOP, str(db_path), str(seed)],
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.05 + random.random() * 0.4)
            process.kill()
            said += [int(line) for line in process.stdout.read().split("\n")[:-1]]
        with ExperimentTracker(db_path) as tracker:
            report = tracker.check()
            assert report.ok, report.problems
    with ExperimentTracker(db_path) as tracker:
        found = tracker.artifacts.list("killed")
        assert [one.number for one in reversed(found)] == list(range(len(found)))
        numbers = [int(tracker.artifacts.read(one, "n")) for one in reversed(found)]
        # Every version that was acknowledged is there; one may be there before it was.
        assert [n for n in numbers if n in set(said)] == said
        for one, n in zip(reversed(found), numbers, strict=True):
            files = expected(n)
            assert one.file_count == len(files)
            assert f"n{n}" in one.aliases
            for entry in tracker.artifacts.entries(one):
                assert entry.sha256 == hashlib.sha256(files[entry.path]).hexdigest()
        newest = tracker.artifacts.download(found[0], tmp_path / "out")
        assert tracker.artifacts.verify(found[0], newest) == {}
        assert "latest" in found[0].aliases
        age_drafts(tracker)
        tracker.gc()
        report = tracker.check()
        assert (report.problems, report.notes) == ((), ())


def age_drafts(tracker: ExperimentTracker, seconds: float = 90_000) -> None:
    db = sqlite3.connect(tracker.path)
    db.execute("update versions set updated = updated - ? where number is null", (seconds,))
    db.commit()
    db.close()


CROWD = """
import json, sys
from synadb.tracker import ExperimentTracker

with ExperimentTracker(sys.argv[1]) as tracker:
    who = sys.argv[2]
    run = tracker.run("crowd")
    names = []
    for i in range(12):
        files = {"who": f"{who} {i}".encode(), "shared": b"x" * 100_000}
        names.append(
            tracker.artifacts.log("crowded", files, run_id=run.run_id, aliases=[who]).number
        )
    tracker.finish(run)
print(json.dumps(names))
"""


def test_8_processes_version_one_artifact(tracker: ExperimentTracker) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CROWD, tracker.path, f"p{number}"],
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        for number in range(8)
    ]
    numbers = [json.loads(process.communicate(timeout=100)[0]) for process in started]
    assert all(process.returncode == 0 for process in started)
    assert sorted(n for found in numbers for n in found) == list(range(96))
    artifacts = tracker.artifacts
    for who, found in enumerate(numbers):
        assert found == sorted(found)
        assert artifacts.get(f"crowded:p{who}").number == found[-1]
        for i, n in enumerate(found):
            assert artifacts.read(f"crowded:v{n}", "who") == f"p{who} {i}".encode()
    assert artifacts.get("crowded").number == 95
    assert leftovers(tracker)["blobs"] == 97


DISTRIBUTED = """
import sys
from synadb.artifacts import Draft
from synadb.tracker import ExperimentTracker

with ExperimentTracker(sys.argv[1]) as tracker:
    for i in range(5):
        draft = Draft()
        draft.add_bytes(f"{sys.argv[2]}/{i}", (sys.argv[2] * 1000).encode())
        tracker.artifacts.upsert(draft, "x", "job", project="p", aliases=[sys.argv[2]])
"""


def test_processes_that_write_one_version(tracker: ExperimentTracker) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", DISTRIBUTED, tracker.path, f"w{number}"], env=ENVIRONMENT
        )
        for number in range(4)
    ]
    assert [process.wait(100) for process in started] == [0] * 4
    assert tracker.artifacts.list() == []
    version = tracker.artifacts.finish("x", "job", project="p")
    assert version.aliases == ("latest", "w0", "w1", "w2", "w3")
    assert [entry.path for entry in tracker.artifacts.entries(version)] == [
        f"w{number}/{i}" for number in range(4) for i in range(5)
    ]


FORK = """
import os, sys
from synadb.artifacts import Draft
from synadb.tracker import ExperimentTracker

tracker = ExperimentTracker(sys.argv[1])
for name in ("bound", "free"):
    draft = tracker.artifacts.draft() if name == "bound" else Draft()
    draft.add_bytes("before", os.urandom(6_000_000))
    draft.add_bytes("small", b"before")
    pid = os.fork()
    draft.add_bytes("large", (b"child" if pid == 0 else b"parent") * 1_000_000)
    draft.add_bytes("who", b"child" if pid == 0 else b"parent")
    version = tracker.artifacts.commit(draft, name, project="p")
    if pid == 0:
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
tracker.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_in_the_middle_of_a_draft(run_script: RunScript, tracker: ExperimentTracker) -> None:
    run_script(FORK, tracker.path)
    artifacts = tracker.artifacts
    for name in ("bound", "free"):
        found = artifacts.list(name)
        assert sorted(artifacts.read(one, "who") for one in found) == [b"child", b"parent"]
        assert len({artifacts.read(one, "before") for one in found}) == 1
        for one in found:
            assert artifacts.read(one, "small") == b"before"
            assert artifacts.read(one, "large") == artifacts.read(one, "who") * 1_000_000
    assert tracker.check().notes == ()


def test_live_drafts_are_not_collected_and_dead_ones_are(
    tracker: ExperimentTracker, artifacts: Artifacts, run_script: RunScript
) -> None:
    draft = artifacts.draft()
    draft.add_bytes("f", noise(5 * MIB))
    age_drafts(tracker)
    assert tracker.gc()["blobs"] == 0
    assert artifacts.read(artifacts.commit(draft, "x", project="p"), "f") == noise(5 * MIB)
    abandoned = """
import os, sys
from synadb.tracker import ExperimentTracker
tracker = ExperimentTracker(sys.argv[1])
draft = tracker.artifacts.draft()
draft.add_bytes("f", b"z" * 5_000_000)
os._exit(0)
"""
    run_script(abandoned, tracker.path)
    assert tracker.check().notes == ("1 draft(s) of artifact versions, invisible to readers",)
    assert tracker.gc(dry_run=True) == {"blobs": 0, "blob_bytes": 0}
    age_drafts(tracker)
    promised = tracker.gc(dry_run=True)
    assert (promised["abandoned_drafts"], promised["blobs"]) == (1, 2)  # equal pieces, and a rest
    assert {**promised, "file_bytes_freed": 0} == {**tracker.gc(), "file_bytes_freed": 0}
    assert tracker.check().notes == ()


def test_a_pending_version_that_nobody_finishes_is_collected(
    tracker: ExperimentTracker, artifacts: Artifacts
) -> None:
    draft = Draft()
    draft.add_bytes("f", b"1")
    artifacts.upsert(draft, "x", "job", project="p")
    age_drafts(tracker)
    assert tracker.gc()["blobs"] == 0
    age_drafts(tracker, 31 * 24 * 3600)
    assert tracker.gc(dry_run=True)["blobs"] == 1
    assert tracker.gc()["blobs"] == 1


def test_drafts_that_are_let_go_of_leave_nothing(
    tracker: ExperimentTracker, artifacts: Artifacts, run_script: RunScript
) -> None:
    draft = artifacts.draft()
    draft.add_bytes("f", noise(5 * MIB))
    del draft
    artifacts.log("x", b"1")
    assert tracker.check().notes == ()
    draft = artifacts.draft()
    draft.add_bytes("f", noise(5 * MIB, 1))
    draft.discard()
    assert not draft.entries
    draft.add_bytes("g", b"2")
    assert artifacts.commit(draft, "x", project="default").file_count == 1
    at_exit = """
import sys
from synadb.tracker import ExperimentTracker
tracker = ExperimentTracker(sys.argv[1])
draft = tracker.artifacts.draft()
draft.add_bytes("f", b"z" * 5_000_000)
"""
    run_script(at_exit, tracker.path)
    assert tracker.check().notes == ()
    tracker.gc()
    assert leftovers(tracker)["blobs"] == 2


def test_content_collected_under_a_draft_is_an_error_and_no_half_version(
    tracker: ExperimentTracker, artifacts: Artifacts
) -> None:
    draft = artifacts.draft()
    draft.add_bytes("f", noise(5 * MIB))
    db = sqlite3.connect(tracker.path)
    db.execute("delete from entries")
    db.execute("delete from versions")
    db.commit()
    db.close()
    tracker.gc()
    with pytest.raises(CorruptStoreError, match="put it together anew"):
        artifacts.commit(draft, "x", project="p")
    assert artifacts.collections() == []


def test_a_commit_that_fails_can_be_tried_again(artifacts: Artifacts) -> None:
    artifacts.log("taken", b"1", type="model", project="p")
    for draft in (artifacts.draft(), Draft()):
        draft.add_bytes("large", noise(5 * MIB))
        draft.add_bytes("small", b"s")
        with pytest.raises(ValueError, match="already exists with type"):
            artifacts.commit(draft, "taken", type="data", project="p")
        draft.add_bytes("more", b"m")
        version = artifacts.commit(draft, "free", type="data", project="p")
        assert {e.path: artifacts.read(version, e.path) for e in artifacts.entries(version)} == {
            "large": noise(5 * MIB),
            "small": b"s",
            "more": b"m",
        }
        artifacts.delete(version)


def test_threads_log_at_once(tracker: ExperimentTracker) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def log(number: int) -> int:
        return tracker.artifacts.log("x", {"n": str(number).encode()}, project="p").number

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(log, range(40))) == list(range(40))


def test_a_read_only_database_can_be_read(tmp_path: Path, db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        tracker.artifacts.log("x", {"f": b"1"}, project="p")
    with ExperimentTracker(db_path, read_only=True) as tracker:
        root = tracker.artifacts.download("x", tmp_path / "out")
        assert tracker.artifacts.verify("x", root) == {}
        assert tracker.gc(dry_run=True)["blobs"] == 0
        for write in (
            lambda: tracker.artifacts.log("x", b"2"),
            lambda: tracker.artifacts.delete("x"),
            lambda: tracker.artifacts.add_aliases("x", "a"),
        ):
            with pytest.raises(ReadOnlyStoreError):
                write()


def test_the_audit_sees_what_does_not_fit(tracker: ExperimentTracker, artifacts: Artifacts) -> None:
    artifacts.log("x", {"a": b"1", "b": b"22"}, project="p", aliases=["mine"])
    artifacts.log("y", {"c": b"3"}, project="p")
    statements = {
        "delete from entries where path = 'a'": "1 of 2 entries and 2 of 3 bytes",
        "update entries set path = 'z' where path = 'a'": "do not match its digest",
        "update versions set size = 7 where size = 3": "of 7 bytes",
        "update collections set next_number = 0 where name = 'x'": "beyond the next one",
        "update aliases set version = (select id from versions where size = 1)"
        " where alias = 'mine'": "the alias mine",
        "update contents set md5 = x'00' where size = 2": "content",
        "delete from content_blobs": "content",
        "update versions set properties = 'no' where size = 1": "no JSON",
        "update entries set content = 99 where path = 'c'": "refers to a row of contents",
    }
    for statement, words in statements.items():
        db = sqlite3.connect(tracker.path, isolation_level=None)
        schema.complete(db)
        db.execute("begin")
        db.execute(statement)
        problems = check(db).problems
        db.execute("rollback")
        db.close()
        assert any(words in problem for problem in problems), (statement, problems)


def test_a_database_of_the_second_schema_is_brought_up_to_date(db_path: Path) -> None:
    with sqlite3.connect(db_path, isolation_level=None) as old:
        old.execute(f"pragma application_id = {schema.APPLICATION_ID}")
        for migration in schema.MIGRATIONS[:2]:
            migration(old)
        old.execute("pragma user_version = 2")
        old.execute("insert into experiments values ('e', 1)")
        old.execute(
            "insert into runs (run_id, experiment, name, state, config, summary, tags, grp,"
            " job_type, created, updated, host, pid, last_step, next_seq, row_count)"
            " values ('r', 'e', 'n', 'finished', '{}', '{}', '[]', '', '', 1, 1, 'h', 1, -1, 0, 0)"
        )
        piece = b"old content"
        digest = hashlib.sha256(piece).digest()
        old.execute("insert into blobs (digest, data) values (?, ?)", (digest, piece))
        old.execute(
            "insert into artifacts (run, name, size, digest, created, complete)"
            " values (1, 'a', ?, ?, 1, 1)",
            (len(piece), digest),
        )
        old.execute("insert into artifact_blobs values (1, 0, 1)")
    old.close()
    with ExperimentTracker(db_path) as tracker:
        assert tracker.get_artifact("r", "a") == b"old content"
        version = tracker.artifacts.log("x", {"a": piece}, run_id="r")
        assert (version.project, tracker.artifacts.outputs("r")) == ("e", [version])
        assert leftovers(tracker)["blobs"] == 1  # shared by the old kind and the new
        tracker.delete_run("r")
        assert tracker.artifacts.read("x", "a") == piece
        assert tracker.check().problems == ()


def test_a_large_file_does_not_need_large_memory(
    db_path: Path, tmp_path: Path, run_script: RunScript
) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak of a process is not that of its parent only in Linux's /proc")
    file = tmp_path / "large"
    with file.open("wb") as out:
        for number in range(300):
            out.write(noise(MIB, number))
    # Not `ru_maxrss`, which starts from what the process that started this one has used.
    script = """
import re, sys
from synadb.artifacts import Draft
from synadb.tracker import ExperimentTracker

with ExperimentTracker(sys.argv[1]) as tracker:
    for draft in (tracker.artifacts.draft(), Draft()):
        draft.add_file(sys.argv[2])
        version = tracker.artifacts.commit(draft, "x", project="p")
    tracker.artifacts.download(version, sys.argv[2] + "-out")
    print(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
"""
    assert int(run_script(script, db_path, file).stdout) < 150 * 1024
    with ExperimentTracker(db_path) as tracker:
        assert time.time() - tracker.artifacts.get("x:v0").created_at < 600
        assert tracker.check().ok

"""`synadb merge` and `synadb export --to`: runs copied into another database, whole and once."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synadb.cli import main
from synadb.errors import CorruptStoreError
from synadb.ops import LogConsole, LogSystem
from synadb.storage.merging_artifacts import ArtifactMerge
from synadb.tracker import ExperimentTracker
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]


def fill(path: Path, *run_ids: str, start: float = 0.0, artifact: bytes = b"weights") -> Path:
    """A database with runs that have something of everything."""
    with ExperimentTracker(path) as tracker:
        for number, run_id in enumerate(run_ids):
            run = tracker.run(
                "mnist", run_id=run_id, config={"lr": 0.5, "$odd": [1, math.inf]}, tags=["t"]
            )
            for step in range(50):
                run.log({"loss": start + step, "n": step})
            run.log({"note": "text", "nan": math.nan, "nested": {"a": 1}})
            tracker._store.apply(
                [
                    LogConsole(run_id, "p", ((0, 1.5, "stdout", "a"), (1, 2.5, "stderr", "é"))),
                    LogSystem(run_id, "p", 3.5, {"cpu": 0.25}),
                ]
            )
            tracker.finish(run)
            tracker.log_file(run_id, "media/x.bin", b"x" * 3_000_000)
            tracker.log_artifact(run_id, "w", f"{run_id}{start}".encode())
            content = path.parent / f"{path.stem}-{number}.bin"
            content.write_bytes(artifact + str(number).encode())
            version = tracker.artifacts.log(
                "model", type="model", content=str(content), run_id=run_id, aliases=["best"]
            )
            if number:
                tracker.artifacts.use("model:v0", run_id)
            assert version.version == f"v{number}"
    return path


def everything(path: Path, run_id: str) -> dict[str, Any]:
    """All that the native interface says of a run."""
    with ExperimentTracker(path) as tracker:
        run = tracker.get_run(run_id)._asdict()
        run["metadata"] = {k: v for k, v in run["metadata"].items() if k != "merged"}
        return {
            "run": repr(run),  # NaN is not NaN
            "rows": repr(list(tracker.rows(run_id))),
            "console": tracker.console(run_id),
            "system": tracker.system_metrics(run_id),
            "files": [
                (record, tracker.open_file(run_id, record.name).read())
                for record in tracker.list_files(run_id)
            ],
            "artifacts": [
                (record, tracker.get_artifact(run_id, record.name))
                for record in tracker.list_artifacts(run_id)
            ],
            "outputs": [
                (
                    version,
                    [
                        tracker.artifacts.read(version, e.path)
                        for e in tracker.artifacts.entries(version)
                    ],
                )
                for version in tracker.artifacts.outputs(run_id)
            ],
            "inputs": [version.uid for version in tracker.artifacts.inputs(run_id)],
        }


def merge(capsys: Capture, out: Path, *words: object) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["merge", str(out), *map(str, words), "--json"]) == 0
    files: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["files"]
    assert main(["check", str(out)]) == 0
    return files


def outcomes(files: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(run["run_id"], run["outcome"]) for file in files for run in file["runs"]]


def test_a_merge_loses_nothing(tmp_path: Path, capsys: Capture) -> None:
    one, two = fill(tmp_path / "one.db", "a", "b"), fill(tmp_path / "two.db", "c", start=9)
    out = tmp_path / "out.db"
    files = merge(capsys, out, one)
    assert outcomes(files) == [("a", "copied"), ("b", "copied")]
    counts = [(r["rows"], r["console"], r["files"], r["artifacts"]) for r in files[0]["runs"]]
    assert counts == [(51, 2, 1, 2)] * 2
    assert everything(one, "a")["console"][1].line == "é"
    assert everything(one, "a")["system"][0]["cpu"] == 0.25
    for run_id in ("a", "b"):
        assert everything(out, run_id) == everything(one, run_id)
    merge(capsys, out, two)
    found, want = everything(out, "c"), everything(two, "c")
    assert [version.name for version, _ in found["outputs"]] == ["model:v2"]
    assert [content for _, content in found["outputs"]] == [c for _, c in want["outputs"]]
    for part in set(found) - {"outputs"}:
        assert found[part] == want[part], part
    with ExperimentTracker(out) as tracker:
        collection = tracker.artifacts.collection("model")
        assert (collection.newest, collection.versions) == (2, 3)
        assert tracker.artifacts.get("model:latest").version == "v2"
        assert tracker.artifacts.get("model:best").version == "v1", "an alias stays where it was"


def test_twice_is_once(tmp_path: Path, capsys: Capture) -> None:
    one, out = fill(tmp_path / "one.db", "a", "b"), tmp_path / "out.db"
    merge(capsys, out, one)
    before = [everything(out, run_id) for run_id in "ab"]
    with sqlite3.connect(out) as db:
        db.execute("update runs set notes = 'mine' where run_id = 'a'")
    db.close()
    files = merge(capsys, out, one, one)
    assert outcomes(files) == [("a", "known"), ("b", "known")] * 2
    after = [everything(out, run_id) for run_id in "ab"]
    assert "'notes': 'mine'" in after[0]["run"]
    after[0]["run"] = after[0]["run"].replace("'notes': 'mine'", "'notes': None")
    assert after == before


def test_by_way_of_others_a_run_is_known(tmp_path: Path, capsys: Capture) -> None:
    one = fill(tmp_path / "one.db", "a")
    merge(capsys, tmp_path / "two.db", one)
    merge(capsys, tmp_path / "out.db", one)
    assert outcomes(merge(capsys, tmp_path / "out.db", tmp_path / "two.db")) == [("a", "known")]
    assert outcomes(merge(capsys, one, tmp_path / "two.db")) == [("a", "known")]


@pytest.mark.parametrize(
    ("clash", "want"),
    [
        ("rename", [("a-2", "copied")]),
        ("skip", [("a", "skipped")]),
        ("replace", [("a", "replaced")]),
    ],
)
def test_ids_that_clash(
    tmp_path: Path, capsys: Capture, clash: str, want: list[tuple[str, str]]
) -> None:
    one, two = fill(tmp_path / "one.db", "a"), fill(tmp_path / "two.db", "a", start=5)
    out = tmp_path / "out.db"
    merge(capsys, out, one)
    assert outcomes(merge(capsys, out, two, "--clash", clash)) == want
    with ExperimentTracker(out) as tracker:
        assert [run.run_id for run in tracker.list_runs()] == ["a"] + ["a-2"] * (clash == "rename")
        last = {"rename": 5.0, "skip": 0.0, "replace": 5.0}[clash]
        assert tracker.get_metric(want[0][0], "loss").values[0] == last
    again = outcomes(merge(capsys, out, two, "--clash", clash))
    assert again == [(want[0][0], "skipped" if clash == "skip" else "known")]


def test_a_clash_that_is_an_error_changes_nothing(tmp_path: Path, capsys: Capture) -> None:
    one, two = fill(tmp_path / "one.db", "a"), fill(tmp_path / "two.db", "a", start=5)
    out = tmp_path / "out.db"
    merge(capsys, out, one)
    assert main(["merge", str(out), str(two), "--clash", "error"]) == 1
    assert "another run 'a'" in capsys.readouterr().err
    assert everything(out, "a") == everything(one, "a")


def test_sweeps_come_along(tmp_path: Path, capsys: Capture) -> None:
    one, out = tmp_path / "one.db", tmp_path / "out.db"
    with ExperimentTracker(one) as tracker:
        config = {
            "method": "grid",
            "metric": {"name": "loss"},
            "parameters": {"x": {"values": [1, 2]}},
        }
        for number in (1, 2):
            run = tracker.run("e", run_id=f"r{number}", config={"x": number})
            run.log({"loss": 1.0})
            tracker.finish(run)
        sweep_id = tracker.create_sweep(config, experiment="e", prior_runs=["r1", "r2"])
        (want,) = tracker.list_sweeps()
        trials = tracker.sweep(sweep_id).trials
    assert len(trials) == 2
    merge(capsys, out, one)
    merge(capsys, out, one)
    with ExperimentTracker(out) as tracker:
        assert tracker.list_sweeps() == [want]
        assert tracker.sweep(sweep_id).trials == trials
        assert [run.run_id for run in tracker.sweep(sweep_id).runs] == ["r1", "r2"]
    # Another sweep and other runs of the same ids.
    with sqlite3.connect(one) as db:
        db.execute("update sweeps set created = created + 1")
        db.execute("update runs set created = created + 1")
    db.close()
    for _ in range(2):
        merge(capsys, out, one)
        with ExperimentTracker(out) as tracker:
            assert [found.sweep_id for found in tracker.list_sweeps()] == [
                sweep_id,
                f"{sweep_id}-2",
            ]
            again = tracker.sweep(f"{sweep_id}-2")
            assert [trial.run_id for trial in again.trials] == ["r1-2", "r2-2"]


def test_sweeps_of_one_id_stay_apart(tmp_path: Path, capsys: Capture) -> None:
    files = [tmp_path / f"{number}.db" for number in range(3)]
    for number, file in enumerate(files):
        config = {"name": f"sweep {number}", "method": "grid", "parameters": {"x": {"value": 1}}}
        with ExperimentTracker(file) as tracker:
            run = tracker.run("e", run_id="r", config={"x": 1})
            run.log({"loss": number})
            tracker.finish(run)
            tracker.create_sweep(config, experiment="e", prior_runs=["r"])
        with sqlite3.connect(file) as db:
            db.execute("update sweeps set sweep_id = 's'")
        db.close()
    both, out = tmp_path / "both.db", files[2]
    merge(capsys, both, *files[:2])  # which has a sweep s and a sweep s-2 then
    for _ in range(3):
        merge(capsys, out, both)
        with ExperimentTracker(out) as tracker:
            found = {
                sweep.config["name"]: (sweep.sweep_id, tracker.sweep(sweep.sweep_id).trials)
                for sweep in tracker.list_sweeps()
            }
            losses = {
                name: tracker.get_run(trials[0].run_id or "").summary["loss"]
                for name, (_, trials) in found.items()
            }
        assert losses == {"sweep 0": 0, "sweep 1": 1, "sweep 2": 2}
        assert sorted(sweep_id for sweep_id, _ in found.values()) == ["s", "s-2", "s-2-2"]


def test_a_run_that_goes_on_is_left_out_until_it_ends(tmp_path: Path, capsys: Capture) -> None:
    one, out = tmp_path / "one.db", tmp_path / "out.db"
    tracker = ExperimentTracker(one)
    run = tracker.run("e", run_id="r")
    run.log({"x": 1.0})
    tracker.flush()
    files = merge(capsys, out, one)
    assert outcomes(files) == [("r", "running")]
    assert "still running" in files[0]["notes"][0]
    assert outcomes(merge(capsys, out, one, "--running")) == [("r", "copied")]
    with ExperimentTracker(out) as copy:
        assert copy.get_run("r").state == "crashed"
    run.log({"x": 2.0})
    tracker.finish(run)
    tracker.close()
    assert outcomes(merge(capsys, out, one)) == [("r", "replaced")]
    assert everything(out, "r") == everything(one, "r")


def test_export_to_takes_the_runs_named(tmp_path: Path, capsys: Capture) -> None:
    one, out = fill(tmp_path / "one.db", "a", "b", "c"), tmp_path / "out.db"
    assert main(["export", "c", "--to", str(out), "--db", str(one)]) == 0
    assert "1 of 1 runs" in capsys.readouterr().out
    found, want = everything(out, "c"), everything(one, "c")
    assert found == want
    with ExperimentTracker(out) as tracker:
        assert [run.run_id for run in tracker.list_runs()] == ["c"]
        # The one it used came along, without its run.
        used = tracker.artifacts.get("model:v0")
        assert used.run_id is None
    assert main(["export", "a", "--to", str(out), "--db", str(one)]) == 0
    with ExperimentTracker(out) as tracker:
        assert tracker.artifacts.get("model:v0").run_id == "a"
    assert main(["check", str(out)]) == 0


@pytest.mark.parametrize("fault", ["digest", "history", "killed"])
def test_never_half_a_run(
    tmp_path: Path, capsys: Capture, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, out = fill(tmp_path / "one.db", "a", "b"), tmp_path / "out.db"
    with sqlite3.connect(one) as db:
        if fault == "digest":
            db.execute("update blobs set data = x'00' where id = (select max(id) from blobs)")
        elif fault == "history":
            db.execute("update versions set digest = 'no' where number = 1")
    db.close()
    if fault == "killed":
        original = ArtifactMerge.contents

        def break_off(
            self: ArtifactMerge, db: sqlite3.Connection, run: int, made: int
        ) -> tuple[int, int]:
            if run == 2:
                raise CorruptStoreError("broken off")
            return original(self, db, run, made)

        monkeypatch.setattr(ArtifactMerge, "contents", break_off)
    assert main(["merge", str(out), str(one)]) == 1
    capsys.readouterr()
    monkeypatch.undo()
    with ExperimentTracker(out) as tracker:
        for run in tracker.list_runs():
            assert list(tracker.rows(run.run_id))
        assert len(tracker.list_runs()) < 2
    assert main(["check", str(out)]) == 0
    if fault == "killed":
        assert outcomes(merge(capsys, out, one)) == [("a", "known"), ("b", "copied")]
        assert everything(out, "b") == everything(one, "b")


KILLED = """
import os, signal, sys
from synadb.cli import main
from synadb.storage.merging_artifacts import ArtifactMerge
original = ArtifactMerge.contents
def killed(self, db, run, made):
    done = original(self, db, run, made)
    if run == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
ArtifactMerge.contents = killed
main(["merge", *sys.argv[1:]])
"""


def test_a_kill_leaves_whole_runs(tmp_path: Path, capsys: Capture) -> None:
    one, out = fill(tmp_path / "one.db", "a", "b", "c"), tmp_path / "out.db"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(out), str(one)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    with ExperimentTracker(out) as tracker:
        assert [run.run_id for run in tracker.list_runs()] == ["a"]
        # All versions of the collection came with it, so that their numbers are those they had.
        assert tracker.artifacts.collection("model").versions == 3
    assert main(["check", str(out)]) == 0
    assert everything(out, "a") == everything(one, "a")
    files = merge(capsys, out, one)
    assert outcomes(files) == [("a", "known"), ("b", "copied"), ("c", "copied")]
    for run_id in "abc":
        assert everything(out, run_id) == everything(one, run_id)


def test_two_merges_at_once_are_one(tmp_path: Path) -> None:
    one, out = fill(tmp_path / "one.db", *"abcdef"), tmp_path / "out.db"
    command = [sys.executable, "-m", "synadb", "merge", str(out), str(one)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    both = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    with ExperimentTracker(out) as tracker:
        assert sorted(run.run_id for run in tracker.list_runs()) == list("abcdef")
        assert tracker.artifacts.collection("model").versions == 6
    assert main(["check", str(out)]) == 0


def test_what_cannot_be_merged(tmp_path: Path, capsys: Capture) -> None:
    one = fill(tmp_path / "one.db", "a")
    text, empty = tmp_path / "text.db", tmp_path / "empty.db"
    text.write_text("no database " * 1000)
    empty.touch()
    out = tmp_path / "out.db"
    for file, said in (
        (tmp_path / "none.db", "there is no database"),
        (empty, "is empty"),
        (one, "into itself"),
        (text, "not a SynaDB database"),
    ):
        target = one if file == one else out
        assert main(["merge", str(target), str(file)]) == 1
        assert said in capsys.readouterr().err
    assert empty.stat().st_size == 0


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
RUNS = st.lists(
    st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3), max_size=4), max_size=3
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(files=st.lists(RUNS, min_size=1, max_size=3))
def test_any_runs_of_any_files(
    files: list[list[list[dict[str, Any]]]], tmp_path: Path, capsys: Capture
) -> None:
    folder = tmp_path / "any"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    want: list[str] = []
    paths = []
    for number, runs in enumerate(files):
        path = folder / f"{number}.db"
        paths.append(path)
        with ExperimentTracker(path) as tracker:
            for index, rows in enumerate(runs):
                run = tracker.run("e", run_id=f"r{index}")
                for row in rows:
                    run.log(row)
                tracker.finish(run)
                want.append(repr(list(tracker.rows(run.run_id))))
    for _ in range(2):
        merge(capsys, folder / "out.db", *paths)
        with ExperimentTracker(folder / "out.db") as tracker:
            found = [repr(list(tracker.rows(run.run_id))) for run in tracker.list_runs()]
        assert sorted(found) == sorted(want)

"""`synadb import wandb`: folders that are put together here, damaged ones, and wandb's own."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synadb import ExperimentTracker
from synadb.cli import main
from synadb.errors import NotALogError, RunExistsError
from synadb.formats._bring_in import bring_in
from synadb.formats._leveldb import FILE_HEADER
from synadb.formats._wandb_columns import History, take_batch
from synadb.formats.wandb_folder import sources
from synadb.formats.wandb_log import read_wandb_log
from synadb.ops import LogRows, UpdateRun
from tests.test_wandb_log import frames, item, needs_wandb, proto

if TYPE_CHECKING:
    from tests.conftest import RunScript

BEGUN = 1_700_000_000


# --- logs -----------------------------------------------------------------------------------------


def run_record(run_id: str = "abc123", project: str = "demo", begun: int = BEGUN) -> bytes:
    return proto(
        (1, 1),
        (
            17,
            proto(
                (1, run_id),
                (2, "team"),
                (3, project),
                (4, proto((1, item("lr", 0.1)), (1, item("_wandb", {"t": 1})))),
                (6, "g"),
                (7, "train"),
                (8, "first"),
                (9, "two\nlines"),
                (10, "a"),
                (10, "b"),
                (13, "host"),
                (17, proto((1, begun))),
            ),
        ),
        (200, proto((1, run_id))),
    )


def row_record(step: int, values: dict[str, Any], begun: int = BEGUN) -> bytes:
    """A row as wandb writes it, nested dicts as paths."""
    items = [(1, item(path, value)) for path, value in leaves(values)]
    items += [(1, item(["_step"], step)), (1, item(["_timestamp"], begun + 1 + step * 0.5))]
    items += [(1, item(["_runtime"], 1 + step * 0.5))]
    body = proto(*items, (2, proto((1, step))))
    return proto((1, 7), (2, body), (200, proto((1, "abc123"))))


def leaves(values: dict[str, Any], above: tuple[str, ...] = ()) -> list[tuple[list[str], Any]]:
    found: list[tuple[list[str], Any]] = []
    for key, value in values.items():
        if isinstance(value, dict) and value and "_type" not in value:
            found += leaves(value, (*above, key))
        else:
            found.append(([*above, key], value))
    return found


def summary_record(values: dict[str, Any]) -> bytes:
    return proto((3, proto(*((1, item(path, value)) for path, value in leaves(values)))))


def output(text: str, stream: int = 1, at: int = BEGUN + 2) -> bytes:
    return proto((13, proto((1, stream), (2, proto((1, at))), (3, text))))


def exit_record(code: int = 0) -> bytes:
    return proto((18, proto((1, code))))


def entry(path: str, content: bytes, local: str) -> bytes:
    digest = base64.b64encode(hashlib.md5(content).digest()).decode()
    return proto((1, path), (2, digest), (4, len(content)), (6, local))


def artifact(name: str, *entries: bytes, key: str = "k1", aliases: tuple[str, ...] = ()) -> bytes:
    given = [(11, alias) for alias in ("latest", *aliases)]
    manifest = proto((1, 1), *((4, one) for one in entries))
    return proto(
        (
            8,
            proto(
                (4, "model"), (5, name), (7, "about"), (8, '{"m":1}'), *given, (12, manifest),
                (14, 1), (15, key), (19, "t1"),
            ),
        )
    )  # fmt: skip


def folder(top: Path, *records: bytes, run_id: str = "abc123", stamp: str = "1") -> Path:
    """An offline folder with a log of `records`."""
    place = top / f"offline-run-{stamp}-{run_id}"
    (place / "files").mkdir(parents=True)
    (place / f"run-{run_id}.wandb").write_bytes(FILE_HEADER + frames(records, len(FILE_HEADER)))
    return place


def whole(*records: bytes, code: int = 0, **fields: Any) -> list[bytes]:
    return [run_record(**fields), *records, exit_record(code)]


def bring(database: Path, *paths: Path, project: str | None = None) -> list[Any]:
    with ExperimentTracker(database) as tracker:
        found = sources(map(str, paths), project=project)
        done = bring_in(tracker, found.sources, "wandb")
        assert not tracker.check().problems
        return done


def rows_of(database: Path, run_id: str = "abc123") -> list[dict[str, Any]]:
    with ExperimentTracker(database) as tracker:
        return [
            {key: value for key, value in row.items() if key not in ("_runtime", "_timestamp")}
            for row in tracker.rows(run_id)
        ]


# --- what is there afterwards ---------------------------------------------------------------------


def test_everything_that_a_folder_holds(tmp_path: Path, db_path: Path) -> None:
    place = folder(
        tmp_path / "wandb",
        *whole(
            proto((5, proto((1, item("later", {"x": 1}))))),
            proto((12, proto((2, "val/*"), (4, "epoch"), (6, proto((1, 1))), (7, proto((1, 1)))))),
            row_record(0, {"loss": 1, "n": {"a": 1}, "s": "x", "b": True, "none": None}),
            summary_record({"loss": 1, "best": 5, "n": {"a": 1}}),
            row_record(1, {"loss": 0.5, "n": {"a": 2}, "s": "y", "b": False, "big": 2**70}),
            row_record(5, {"loss": math.nan, "i": 3}),
            summary_record({"loss": 0.25, "n": {"b": 2}, "val/x": {"min": 1}}),
            output("hel"),
            output("lo\n10%\r20%\n"),
            output("oh\n", 0),
            proto((7, proto((2, proto((1, BEGUN + 3))), (3, proto((1, "cpu"), (16, "12.5")))))),
            proto((10, proto((1, "title"), (2, "text"), (3, "WARN"), (4, 60000)))),
            proto((26, proto((1, "Linux"), (5, "--x"), (9, proto((1, "url"), (2, "c0ffee")))))),
            proto((26, proto((16, 8), (20, proto((1, "/"), (2, proto((1, 9), (2, 4)))))))),
            proto((6, proto((1, proto((1, "gone.txt")))))),
            code=3,
        ),
    )
    (place / "files" / "media").mkdir()
    (place / "files" / "media" / "x.png").write_bytes(b"png")
    (place / "files" / "saved.txt").symlink_to(tmp_path / "outside.txt")
    (tmp_path / "outside.txt").write_text("saved")
    (place / "files" / "broken").symlink_to(tmp_path / "nowhere")
    (tmp_path / "wandb" / "latest-run").symlink_to(place)

    (done,) = bring(db_path, tmp_path / "wandb")
    assert (done.run_id, done.outcome, done.rows) == ("abc123", "new", 3)
    assert [problem.split(":")[0] for problem in done.problems] == [
        f"the file broken leads to {tmp_path / 'nowhere'}",
        "the file gone.txt is missing",
    ]
    with ExperimentTracker(db_path) as tracker:
        run = tracker.get_run("abc123")
        assert (run.experiment, run.name, run.notes) == ("demo", "first", "two\nlines")
        assert (run.tags, run.group, run.job_type, run.host) == (("a", "b"), "g", "train", "host")
        assert (run.state, run.exit_code, run.created_at) == ("failed", 3, BEGUN)
        assert run.config == {"lr": 0.1, "later": {"x": 1}}
        assert run.summary == {
            "loss": 0.25,
            "best": 5,
            "n": {"a": 1, "b": 2},
            "val/x": {"min": 1},
        }
        assert run.metadata["entity"] == "team"
        assert run.metadata["metrics"] == [
            {"glob_name": "val/*", "step_metric": "epoch", "step_sync": True, "summary": ["min"]}
        ]
        assert run.metadata["alerts"] == [
            {"title": "title", "text": "text", "level": "WARN", "wait_duration": 60000}
        ]
        assert run.metadata["facts"] == {
            "os": "Linux",
            "args": ["--x"],
            "git": {"remote": "url", "commit": "c0ffee"},
            "cpu_count": 8,
            "disk": {"/": {"total": "9", "used": "4"}},
        }
        assert run.metadata["wandb"]["config"] == {"t": 1}
        console = [(line.stream, line.line) for line in tracker.console("abc123")]
        assert console == [("stdout", "hello"), ("stdout", "20%"), ("stderr", "oh")]
        (sample,) = tracker._store.system_rows("abc123")
        assert (sample["cpu"], sample["_timestamp"]) == (12.5, BEGUN + 3)
        assert {file.name: file.size for file in tracker.list_files("abc123")} == {
            "media/x.png": 3,
            "saved.txt": 5,
        }
        times = [row["_timestamp"] for row in tracker.rows("abc123")]
        assert times == [BEGUN + 1, BEGUN + 1.5, BEGUN + 3.5]
    first, second, third = rows_of(db_path)
    assert first == {"_step": 0, "loss": 1, "n": {"a": 1}, "s": "x", "b": True, "none": None}
    assert second == {
        "_step": 1,
        "loss": 0.5,
        "n": {"a": 2},
        "s": "y",
        "b": False,
        "big": 2**70,
    }
    assert math.isnan(third.pop("loss"))
    assert third == {"_step": 5, "i": 3}
    assert isinstance(first["loss"], float)
    assert type(third["i"]) is int


def test_what_is_not_in_the_log_comes_from_the_files(tmp_path: Path, db_path: Path) -> None:
    place = folder(tmp_path, *whole())
    (place / "files" / "output.log").write_text("one\ntwo\n")
    (place / "files" / "wandb-metadata.json").write_text('{"os": "Plan 9"}')
    bring(db_path, place)
    with ExperimentTracker(db_path) as tracker:
        assert [line.line for line in tracker.console("abc123")] == ["one", "two"]
        assert tracker.get_run("abc123").metadata["facts"] == {"os": "Plan 9"}


def test_artifacts(tmp_path: Path, db_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache" / "artifacts" / "obj" / "md5"
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    cached = hashlib.md5(b"cached").hexdigest()
    (cache / cached[:2]).mkdir(parents=True)
    (cache / cached[:2] / cached[2:]).write_bytes(b"cached")
    staged = tmp_path / "staged"
    staged.write_bytes(b"content")
    other = tmp_path / "other"
    other.write_bytes(b"not what it was")
    listed = tmp_path / "manifest.jl.gz"
    digest = base64.b64encode(hashlib.md5(b"content").digest()).decode()
    with gzip.open(listed, "wt") as file:
        line = {"path": "listed", "digest": digest, "size": 7, "local_path": str(staged)}
        file.write(json.dumps(line) + "\n")
    table = {"_type": "table-file", "artifact_path": "wandb-client-artifact://k1/t.table.json"}
    long = proto((8, proto((4, "data"), (5, "long"), (12, proto((5, str(listed)))), (15, "k3"))))
    place = folder(
        tmp_path / "wandb",
        *whole(
            artifact(
                "model",
                entry("a/x", b"content", str(staged)),
                entry("cached", b"cached", "/gone/c"),
                entry("changed", b"before", str(other)),
                proto((1, "ref"), (2, "etag"), (3, "s3://bucket/x")),
                aliases=("best", "v7"),
            ),
            artifact("model", entry("a/x", b"cached", "/gone/c"), key="k2"),
            long,
            row_record(0, {"table": table}),
        ),
    )
    (done,) = bring(db_path, place)
    assert [problem for problem in done.problems if "changed" in problem] == [
        f"the artifact 'model' lacks the content of 'changed', which was in {other}"
    ]
    with ExperimentTracker(db_path) as tracker:
        library = tracker.artifacts
        first, second, third = library.outputs("abc123")
        assert [v.name for v in (first, second, third)] == ["model:v0", "model:v1", "long:v0"]
        assert (first.aliases, second.aliases) == (("best",), ("latest",))
        assert (first.tags, first.description, first.metadata) == (("t1",), "about", {"m": 1})
        assert first.run_id == "abc123"
        assert library.read(first, "a/x") == b"content"
        assert library.read(first, "cached") == b"cached"
        assert library.read(third, "listed") == b"content"
        entries = {one.path: one for one in library.entries(first)}
        assert entries["ref"].reference == "s3://bucket/x"
        lost = entries["changed"]
        assert (lost.reference, lost.extra) == (f"file://{other}", {"missing": True})
        assert lost.digest == base64.b64encode(hashlib.md5(b"before").digest()).decode()
        (row,) = tracker.rows("abc123")
        assert row["table"]["artifact_path"] == (
            f"wandb-client-artifact://{first.uid}/t.table.json"
        )

    # The log goes on; what the run has logged before keeps its version.
    log = next(place.glob("*.wandb"))
    log.write_bytes(log.read_bytes() + frames([row_record(1, {"x": 1})], log.stat().st_size))
    (again,) = bring(db_path, place)
    assert again.outcome == "changed"
    with ExperimentTracker(db_path) as tracker:
        found = tracker.artifacts.outputs("abc123")
        assert {(v.name, v.uid) for v in found} == {(v.name, v.uid) for v in (first, second, third)}
        assert {v.run_id for v in found} == {"abc123"}
        assert [v.name for v in tracker.artifacts.list("model")] == ["model:v1", "model:v0"]


def test_an_artifact_whose_name_stands_for_another_type_is_left_out(
    tmp_path: Path, db_path: Path
) -> None:
    with ExperimentTracker(db_path) as tracker:
        tracker.artifacts.log("model", b"x", type="other", project="demo")
    place = folder(tmp_path, *whole(artifact("model", proto((1, "r"), (2, "d"), (3, "s3://x")))))
    (done,) = bring(db_path, place)
    assert "stands for the type 'other'" in done.problems[0]


# --- once, and again ------------------------------------------------------------------------------


def test_twice_is_the_same_as_once(tmp_path: Path, db_path: Path) -> None:
    folder(tmp_path / "w", *whole(row_record(0, {"x": 1.5})))
    folder(tmp_path / "w", *whole(run_id="other", begun=BEGUN + 9), run_id="other", stamp="2")
    assert [run.outcome for run in bring(db_path, tmp_path / "w")] == ["new", "new"]
    with ExperimentTracker(db_path) as tracker:
        before = tracker.list_runs()
    assert [run.outcome for run in bring(db_path, tmp_path / "w")] == ["known", "known"]
    with ExperimentTracker(db_path) as tracker:
        assert tracker.list_runs() == before


def test_the_parts_of_a_resumed_run_are_one_run(tmp_path: Path, db_path: Path) -> None:
    folder(
        tmp_path / "w",
        *whole(
            row_record(0, {"x": 1.5}),
            row_record(1, {"x": 2.5}),
            summary_record({"x": 2.5}),
            code=1,
        ),
    )
    second = folder(
        tmp_path / "w",
        *whole(
            row_record(0, {"x": 3.5}),
            summary_record({"y": 1}),
            output("hi\n"),
            begun=BEGUN + 99,
        ),
        stamp="2",
    )
    (done,) = bring(db_path, tmp_path / "w")
    assert any("its steps begin at 2" in problem for problem in done.problems)
    assert rows_of(db_path) == [
        {"_step": 0, "x": 1.5},
        {"_step": 1, "x": 2.5},
        {"_step": 2, "x": 3.5},
    ]
    with ExperimentTracker(db_path) as tracker:
        run = tracker.get_run("abc123")
        assert (run.summary, run.state) == ({"x": 2.5, "y": 1}, "finished")
    # A part alone does not take the place of the whole.
    with ExperimentTracker(db_path) as tracker:
        before = tracker.list_runs()
        with pytest.raises(RunExistsError, match="import the folders of a run together"):
            bring_in(tracker, sources([str(second)]).sources, "wandb")
        assert tracker.list_runs() == before


def test_a_run_that_goes_on_replaces_itself_and_keeps_what_people_changed(
    tmp_path: Path, db_path: Path
) -> None:
    rows = [row_record(step, {"x": step / 2}) for step in range(4)]
    place = folder(tmp_path / "a", run_record(), *rows[:2])
    (done,) = bring(db_path, place)
    assert "did not come to its end" in done.problems[-1]
    with ExperimentTracker(db_path) as tracker:
        assert tracker.get_run("abc123").state == "crashed"
        tracker._store.apply([UpdateRun("abc123", {"tags": ("mine",)})])
    grown = folder(tmp_path / "b", *whole(*rows))
    (done,) = bring(db_path, grown)
    assert (done.outcome, done.rows) == ("changed", 4)
    with ExperimentTracker(db_path) as tracker:
        run = tracker.get_run("abc123")
        assert (run.state, run.row_count, run.tags) == ("finished", 4, ("mine",))
        # An older copy of it does not take its place.
        with pytest.raises(RunExistsError, match="has only a part"):
            bring_in(tracker, sources([str(place)]).sources, "wandb")
        assert tracker.get_run("abc123") == run


def test_ids_that_are_taken(tmp_path: Path, db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        tracker.start_run("demo", run_id="abc123")
        tracker.end_run("abc123")
        mine = tracker.get_run("abc123")
    folder(tmp_path / "w", *whole(row_record(0, {"x": 1.5}), project="else"), stamp="1")
    (done,) = bring(db_path, tmp_path / "w")
    assert done.run_id == "else/abc123"
    (done,) = bring(db_path, tmp_path / "w")
    assert (done.run_id, done.outcome) == ("else/abc123", "known")
    folder(tmp_path / "w", *whole(begun=BEGUN - 9), stamp="2")
    folder(tmp_path / "w", *whole(run_id="new"), run_id="new", stamp="3")
    with ExperimentTracker(db_path) as tracker:
        with pytest.raises(RunExistsError, match="not imported from wandb"):
            bring_in(tracker, sources([str(tmp_path / "w")]).sources, "wandb")
        assert {run.run_id for run in tracker.list_runs()} == {"abc123", "else/abc123"}
        assert tracker.get_run("abc123") == mine


def test_nothing_is_left_of_an_import_that_fails(tmp_path: Path, db_path: Path) -> None:
    staged = tmp_path / "staged"
    staged.write_bytes(b"content" * 400_000)
    place = folder(
        tmp_path / "a", *whole(artifact("m", entry("x", staged.read_bytes(), str(staged))))
    )
    found = sources([str(place)]).sources

    def broken(run_id: str) -> Any:
        raise NotALogError("broken")

    with ExperimentTracker(db_path) as tracker:
        with pytest.raises(NotALogError, match="broken"):
            bring_in(tracker, [*found, found[0]._replace(run_id="other", read=broken)], "wandb")
        assert tracker.list_runs() == []
        assert tracker.artifacts.list() == []
        assert not tracker.check().problems
        assert not any(tracker.gc().values())
    (done,) = bring(db_path, place)
    assert done.outcome == "new"


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "it is empty"),
        (FILE_HEADER, "nothing can be read"),
        (FILE_HEADER[:3], "nothing can be read"),
        (b"no log at all", "expected a wandb log"),
        (b":W&B\xe1\xbe\x09" + bytes(90), "unknown version"),
        (FILE_HEADER + bytes(4096), "nothing can be read"),
    ],
)
def test_foreign_and_empty_files_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, says: str
) -> None:
    good = folder(tmp_path / "w", *whole(run_id="good"), run_id="good")
    place = tmp_path / "w" / "run-2-bad"
    place.mkdir()
    (place / "run-bad.wandb").write_bytes(content)
    database = tmp_path / "d"
    assert main(["import", "wandb", str(place), "--db", str(database)]) == 1
    told = capsys.readouterr().err
    assert says in told
    assert "Traceback" not in told
    assert not database.exists()
    # Together with others it is told and left out.
    assert main(["import", "wandb", str(tmp_path / "w"), "--db", str(database), "--json"]) == 0
    captured = capsys.readouterr()
    printed = json.loads(captured.out)
    assert [run["run_id"] for run in printed["runs"]] == ["good"]
    assert len(printed["left_out"]) == 1
    assert says in captured.err
    assert good.exists()


def test_what_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    for name, says in (("none", "no folder"), ("empty", "no runs"), ("file.txt", "is no run-")):
        command = ["import", "wandb", str(tmp_path / name), "--db", str(tmp_path / "d")]
        assert main(command) == 1
        assert says in capsys.readouterr().err
    assert not (tmp_path / "d").exists()


def long_log() -> bytes:
    records = whole(
        *(
            record
            for step in range(12)
            for record in (
                row_record(step, {"x": step / 4, "i": step, "s": "t", "n": {"a": step}}),
                summary_record({"x": step / 4, "i": step}),
            )
        ),
        output("hello\n"),
        artifact("m", proto((1, "r"), (2, "d"), (3, "s3://x"))),
    )
    return FILE_HEADER + frames(records, len(FILE_HEADER))


LONG = long_log()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    end=st.integers(0, len(LONG)),
    flips=st.lists(st.tuples(st.integers(0, len(LONG) - 1), st.integers(1, 255)), max_size=4),
)
def test_a_damaged_log_gives_what_it_holds(end: int, flips: list[tuple[int, int]]) -> None:
    content = bytearray(LONG)
    for place, change in flips:
        content[place] ^= change
    with tempfile.TemporaryDirectory() as top:
        path = Path(top) / "run-abc123.wandb"
        path.write_bytes(content[:end])
        with ExperimentTracker(Path(top) / "d") as tracker:
            try:
                (done,) = bring_in(tracker, sources([str(path)]).sources, "wandb")
            except NotALogError:
                assert tracker.list_runs() == []
                return
            rows = list(tracker.rows(done.run_id))
            assert len(rows) == done.rows
            assert all(row["x"] == row["i"] / 4 for row in rows)
            if bytes(content[:end]) != LONG:  # a place may be changed and changed back
                assert done.problems
            assert not tracker.check().problems


# --- as columns -----------------------------------------------------------------------------------

KEYS = st.text(min_size=1, max_size=12) | st.sampled_from(["loss", "a", "train/loss", "k" * 130])
NUMBERS = st.integers(-(2**70), 2**70) | st.floats() | st.booleans()
VALUES = NUMBERS | st.none() | st.text(max_size=20) | st.lists(st.integers(), max_size=3)
TREES = st.recursive(VALUES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=6)
OWN = {"_step", "_timestamp", "_runtime", "_wandb"}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(
        st.dictionaries(KEYS.filter(lambda key: key not in OWN), TREES, max_size=5), max_size=8
    ),
    odd=st.lists(st.binary(max_size=30), max_size=3),
)
def test_columns_hold_what_the_log_does(rows: list[dict[str, Any]], odd: list[bytes]) -> None:
    records = [run_record()]
    for step, values in enumerate(rows):
        records += [row_record(step, values), summary_record(values)]
    # Records of other shapes, among them such as look like rows.
    records[1:1] = [proto((2, data)) for data in odd] + [proto((3, data)) for data in odd]
    with tempfile.TemporaryDirectory() as top:
        path = Path(top) / "run-abc123.wandb"
        path.write_bytes(FILE_HEADER + frames(records, len(FILE_HEADER)))
        log = read_wandb_log(path)
        with ExperimentTracker(Path(top) / "d") as tracker:
            (done,) = bring_in(tracker, sources([str(path)]).sources, "wandb")
            found = list(tracker.rows(done.run_id))
            summary = tracker.get_run(done.run_id).summary
    assert done.rows == len(log.history)
    if not odd:
        assert [comparable(row) for row in found] == [comparable(row) for row in log.history]
    assert comparable(summary) == comparable(log.summary)


def comparable(value: Any) -> Any:
    """Equal for what is the same in a wandb log, where 1.0 is written like 1; NaN is itself."""
    if isinstance(value, dict):
        return {key: comparable(inner) for key, inner in value.items() if key not in OWN}
    if isinstance(value, list):
        return [comparable(inner) for inner in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return (type(value), value)
    return "nan" if math.isnan(value) else value


def test_usual_records_are_all_read_as_columns() -> None:
    records = [row_record(step, {"a": step / 3, "b": step, "n": {"x": 1}}) for step in range(50)]
    records += [summary_record({"a": step / 3, "n": {"x": step}}) for step in range(50)]
    history = History()
    summary: dict[tuple[str, ...], Any] = {}
    assert take_batch(records, history, summary) == []
    assert summary == {("a",): 49 / 3, ("n", "x"): 49}
    ops, last, _ = history.ops("id")
    (columns,) = [op for op in ops if isinstance(op, LogRows)]
    assert (columns.keys, columns.types, len(columns.steps)) == (("a", "b"), "dq", 50)
    assert last == 49


def test_many_kinds_of_rows_and_long_logs(tmp_path: Path, db_path: Path) -> None:
    records = []
    for step in range(3000):
        more = {"b": True} if step % 3 else {}
        records.append(row_record(step, {f"k{step % 7}": step / 2, "always": step, **more}))
    bring(db_path, folder(tmp_path, *whole(*records)))
    rows = rows_of(db_path)
    assert len(rows) == 3000
    assert rows[8] == {"_step": 8, "k1": 4.0, "always": 8, "b": True}
    with ExperimentTracker(db_path) as tracker:
        assert len(tracker.get_metric("abc123", "k3")) == 3000 // 7 + (3000 % 7 > 3)


# --- the command, and wandb itself ----------------------------------------------------------------


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder(tmp_path / "w", *whole(row_record(0, {"x": 1})))
    database = str(tmp_path / "d")
    command = ["import", "wandb", str(tmp_path / "w"), "--db", database]
    assert main([*command, "--project", "mine", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    (run,) = printed["runs"]
    assert (printed["projects"], run["outcome"], run["rows"]) == (["mine"], "new", 1)
    assert (run["steps"], run["files"], run["artifacts"], run["state"]) == (1, 0, 0, "finished")
    assert len(run["digest"]) == 64
    assert main([*command, "--project", "mine"]) == 0
    assert "already there" in capsys.readouterr().out


SCRIPT = """
import os
import wandb
run = wandb.init(project="p", name="nm", config={"lr": 0.1}, tags=["t"],
                 settings=wandb.Settings(x_stats_sampling_interval=0.1))
run.define_metric("val/*", step_metric="epoch", summary="min")
print("hello")
for i in range(2000):
    run.log({"a": i / 7, "b": i * 0.5, "n": {"x": i}, "val/x": 1 / (i + 1), "epoch": i})
run.log({"html": wandb.Html("<b>x</b>"), "t": wandb.Table(columns=["a"], data=[[1]])})
with open("saved.txt", "w") as file:
    file.write("saved")
run.save("saved.txt")
artifact = wandb.Artifact("model", "model", metadata={"m": 1})
artifact.add_file("saved.txt")
run.log_artifact(artifact, aliases=["best"])
run.finish(exit_code=0)
"""


@needs_wandb
@pytest.mark.slow
def test_what_wandb_has_left(run_script: RunScript, tmp_path: Path, db_path: Path) -> None:
    environment = {
        "WANDB_MODE": "offline",
        "WANDB_SILENT": "true",
        "WANDB_DIR": str(tmp_path),
        "WANDB_DATA_DIR": str(tmp_path / "data"),
        "HOME": os.environ.get("HOME", ""),
    }
    run_script(SCRIPT, env=environment)
    (path,) = (tmp_path / "wandb").glob("offline-run-*/run-*.wandb")
    log = read_wandb_log(path)
    (done,) = bring(db_path, tmp_path / "wandb")
    assert (done.problems, done.rows) == ([], 2001)
    with ExperimentTracker(db_path) as tracker:
        run = tracker.get_run(done.run_id)
        rows = list(tracker.rows(done.run_id))
        assert (run.name, run.state, run.config, run.tags) == ("nm", "finished", log.config, ("t",))
        for row, expected in zip(rows[:2000], log.history[:2000], strict=True):
            assert comparable(row) == comparable(expected)
            assert row["_timestamp"] == expected["_timestamp"]
        summary = comparable(run.summary)
        assert {key: summary[key] for key in ("a", "b", "n", "val/x", "epoch", "html")} == {
            key: comparable(log.summary)[key] for key in ("a", "b", "n", "val/x", "epoch", "html")
        }
        assert [line.line for line in tracker.console(done.run_id)] == ["hello"]
        assert tracker._store.system_rows(done.run_id)
        names = {file.name for file in tracker.list_files(done.run_id)}
        assert {"saved.txt", "output.log", rows[-1]["html"]["path"]} <= names
        versions = {v.collection: v for v in tracker.artifacts.outputs(done.run_id)}
        assert versions["model"].aliases == ("best", "latest")
        assert tracker.artifacts.read(versions["model"], "saved.txt") == b"saved"
        table = versions[f"run-{done.run_id}-t"]
        assert table.uid in rows[-1]["t"]["artifact_path"]


# --- a death at the end ---------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["rename_run", "delete_run"])
def test_an_import_that_was_killed_when_its_artifacts_were_there(
    tmp_path: Path, db_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    staged = tmp_path / "staged"
    staged.write_bytes(b"content")
    records = [
        run_record(),
        artifact("m", entry("x", b"content", str(staged))),
        artifact("m", proto((1, "r"), (2, "d"), (3, "s3://x")), key="k2"),
        row_record(0, {"x": 1.5}),
    ]
    place = folder(tmp_path / "a", *records)
    if call == "delete_run":
        bring(db_path, place)
        place = folder(tmp_path / "b", *records, exit_record())

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with ExperimentTracker(db_path) as tracker, monkeypatch.context() as patch:
        patch.setattr(tracker, call, killed)
        with pytest.raises(KeyboardInterrupt):
            bring_in(tracker, sources([str(place)]).sources, "wandb")
    (done,) = bring(db_path, place)
    assert done.outcome == ("new" if call == "rename_run" else "changed")
    with ExperimentTracker(db_path) as tracker:
        assert [run.run_id for run in tracker.list_runs()] == ["abc123"]
        versions = tracker.artifacts.outputs("abc123")
        assert [version.name for version in versions] == ["m:v0", "m:v1"]
        assert {version.run_id for version in versions} == {"abc123"}
        assert len(tracker.artifacts.list("m")) == 2


def test_a_text_that_is_not_utf_8_is_kept_as_far_as_it_is(tmp_path: Path, db_path: Path) -> None:
    record = row_record(0, {"s": "~", "x": 1.5}).replace(b"~", b"\xff")
    bring(db_path, folder(tmp_path, *whole(record)))
    assert rows_of(db_path) == [{"_step": 0, "s": "\ufffd", "x": 1.5}]

"""The commands that read and mend a database, through the real tracker."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from synadb.cli import main
from synadb.ops import EndRun, StartRun
from synadb.tracker import ExperimentTracker
from tests.conftest import ROOT, RunScript, run_python

Capture = pytest.CaptureFixture[str]

posix = pytest.mark.skipif(os.name == "nt", reason="there are no terminals and signals like that")


@pytest.fixture
def recorded(db_path: Path) -> Path:
    """Two runs: one with a bit of everything, one of another experiment."""
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run(
            "mnist", ["good"], name="first", run_id="id1", config={"lr": 0.1, "net": {"depth": 3}}
        )
        run.log({"loss": 1.0, "eval": {"acc": 0.5}})
        run.log({"loss": float("nan"), "note": "a, b"})
        run.log({"loss": 0.25, "sizes": [1, 2]})
        tracker.log_artifact("id1", "model", b"x" * 1000)
        tracker.finish(run)
        tracker.start_run("other", name="second", run_id="id2")
        tracker.end_run("id2", "failed")
    return db_path


def test_runs_is_an_aligned_table(recorded: Path, capsys: Capture) -> None:
    assert main(["runs", "--db", str(recorded)]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["ID", "NAME", "EXPERIMENT", "STATE", "ROWS", "CREATED"]
    assert first.split()[:5] == ["id1", "first", "mnist", "finished", "3"]
    assert second.split()[:5] == ["id2", "second", "other", "failed", "0"]
    assert head.index("STATE") == first.index("finished") == second.index("failed")


def test_runs_of_one_experiment_as_json(recorded: Path, capsys: Capture) -> None:
    assert main(["runs", "--db", str(recorded), "--experiment", "mnist", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["run_id"], found["row_count"], found["tags"]) == ("id1", 3, ["good"])


def test_a_name_cannot_break_the_table(db_path: Path, capsys: Capture) -> None:
    with ExperimentTracker(db_path) as tracker:
        tracker.end_run(tracker.start_run("e", name="two\nlines\x1b[31m"))
    assert main(["runs", "--db", str(db_path)]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 2
    assert "\x1b" not in out


@pytest.mark.parametrize("wanted", ["id1", "first"])
def test_show(recorded: Path, capsys: Capture, wanted: str) -> None:
    assert main(["show", wanted, "--db", str(recorded)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["id", "id1"] in lines
    assert ["lr", "0.1"] in lines
    assert ["net.depth", "3"] in lines
    assert ["loss", "3", "0.25"] in lines
    assert ["eval.acc", "1", "0.5"] in lines
    assert ["model", "1000", "bytes"] in lines


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5.0, "0.0 seconds"),
        (0.04, "0.0 seconds"),
        (12.34, "12.3 seconds"),
        (59.98, "1 minute"),
        (61.2, "1 minute 1 second"),
        (7200.0, "2 hours"),
        (7384.0, "2 hours 3 minutes"),
        (90061.0, "1 day 1 hour"),
        (10 * 86400.0, "10 days"),
    ],
)
def test_show_says_how_long_a_run_took(
    db_path: Path, capsys: Capture, seconds: float, said: str
) -> None:
    with ExperimentTracker(db_path) as tracker:
        start, end = StartRun("r", "e", 1e9), EndRun("r", "finished", 1e9 + seconds, 0)
        tracker._store.apply([start, end])
    assert main(["show", "r", str(db_path)]) == 0
    assert f"\nduration    {said}\n" in capsys.readouterr().out


def test_show_says_how_long_a_run_has_taken_so_far(db_path: Path, capsys: Capture) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        assert main(["show", "r", str(db_path)]) == 0
        tracker.finish(run)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "duration" in line]
    assert line.endswith(" seconds so far")


def test_show_lists_the_versions_that_a_run_logged_and_used(
    db_path: Path, tmp_path: Path, capsys: Capture
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("train.csv", "test.csv"):
        (data / name).write_text("x,y\n")
    with ExperimentTracker(db_path) as tracker:
        for run_id in ("maker", "user"):
            tracker.end_run(tracker.start_run("e", run_id=run_id))
        made = tracker.artifacts.log("line", str(data), type="dataset", run_id="maker")
        tracker.artifacts.use(made, "user")
    for run_id, how, other in (("maker", "logged", "used"), ("user", "used", "logged")):
        assert main(["show", run_id, "--db", str(db_path)]) == 0
        out = capsys.readouterr().out
        assert f"\n{how} artifacts:\n  line:v0  dataset  2 files  8 bytes\n" in out
        assert f"{other} artifacts" not in out
        assert "artifacts: none" not in out
        assert main(["show", run_id, "--db", str(db_path), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        (version,) = found[f"{how}_artifacts"]
        assert (version["name"], version["type"]) == ("line:v0", "dataset")
        assert (version["files"], version["size"]) == (2, 8)
        assert version["digest"] == made.digest
        assert found[f"{other}_artifacts"] == found["artifacts"] == []


def test_a_run_is_found_by_how_its_id_begins(db_path: Path, capsys: Capture) -> None:
    with ExperimentTracker(db_path) as tracker:
        for run_id in ("abc1", "abc2", "xyz"):
            tracker.end_run(tracker.start_run("e", run_id=run_id, name="abc" + run_id[-1] * 5))
    assert main(["show", "x", "--db", str(db_path)]) == 0
    assert "xyz" in capsys.readouterr().out
    assert main(["show", "ab", "--db", str(db_path)]) == 1
    assert "2 runs have ids that start 'ab'; choose one by its id: abc1, abc2" in (
        capsys.readouterr().err
    )
    assert main(["show", "", "--db", str(db_path)]) == 1, "no id begins with nothing"


@pytest.fixture
def long_values(db_path: Path) -> Path:
    """A run with a value of 5000 letters."""
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r", config={"text": "y" * 5000}, notes="n" * 300)
        tracker.finish(run)
    return db_path


@posix
def test_a_terminal_gets_short_values(long_values: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "synadb", "show", "r", str(long_values)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    with subprocess.Popen(command, stdout=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:  # what Linux says when the other side is closed
            pass
    os.close(ours)
    assert process.returncode == 0
    lines = shown.decode().splitlines()
    assert max(map(len, lines)) == 80
    assert [line for line in lines if line.endswith("yyy... (5000 characters)")]
    assert [line for line in lines if line.endswith("nnn... (300 characters)")]


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_what_is_no_terminal_gets_whole_values(
    long_values: Path, capsys: Capture, option: list[str]
) -> None:
    assert main(["show", "r", str(long_values), *option]) == 0
    assert "y" * 5000 in capsys.readouterr().out


def test_show_as_json_is_strict(db_path: Path, capsys: Capture) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r", config={"a": float("inf")})
        run.log({"loss": float("nan")})
        tracker.finish(run)
    assert main(["show", "r", "--json", "--db", str(db_path)]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["config"] == {"a": "Infinity"}
    assert found["metrics"] == {"loss": {"count": 1, "last": "NaN"}}


def test_show_of_an_empty_run(recorded: Path, capsys: Capture) -> None:
    assert main(["show", "id2", "--db", str(recorded)]) == 0
    assert "metrics: none" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["show"], ["export", "--csv"]])
def test_a_run_that_is_not_there(recorded: Path, capsys: Capture, command: list[str]) -> None:
    assert main([*command, "nope", "--db", str(recorded)]) == 1
    assert "'nope'" in capsys.readouterr().err


def test_a_name_of_two_runs(recorded: Path, capsys: Capture) -> None:
    with ExperimentTracker(recorded) as tracker:
        tracker.end_run(tracker.start_run("mnist", name="first", run_id="id3"))
    assert main(["show", "first", "--db", str(recorded)]) == 1
    assert "id1, id3" in capsys.readouterr().err


def test_export_csv(recorded: Path, tmp_path: Path, capsys: Capture) -> None:
    assert main(["export", "first", "--csv", "--db", str(recorded)]) == 0
    text = capsys.readouterr().out
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0])[:3] == ["_step", "_runtime", "_timestamp"]
    assert set(rows[0]) - {"_step", "_runtime", "_timestamp"} == {
        "loss",
        "eval.acc",
        "note",
        "sizes",
    }
    assert [row["_step"] for row in rows] == ["0", "1", "2"]
    assert [row["loss"] for row in rows] == ["1.0", "nan", "0.25"]
    assert [row["eval.acc"] for row in rows] == ["0.5", "", ""]
    assert rows[1]["note"] == "a, b"
    assert rows[2]["sizes"] == "[1, 2]"

    out = tmp_path / "history.csv"
    assert main(["export", "first", "--csv", "--out", str(out), "--db", str(recorded)]) == 0
    assert out.read_text(encoding="utf-8") == text


def test_export_refuses_what_cannot_be_written(recorded: Path, capsys: Capture) -> None:
    for out in (recorded, recorded.parent / "no" / "such.csv"):
        assert main(["export", "id1", "--csv", "--out", str(out), "--db", str(recorded)]) == 1
        assert str(out) in capsys.readouterr().err
    assert main(["check", str(recorded)]) == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("command", [["runs"], ["show", "id1"], ["export", "id1", "--csv"]])
def test_a_full_disk_behind_the_output_is_one_line(recorded: Path, command: list[str]) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "synadb", *command, "--db", str(recorded)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "synadb: standard output: No space left on device\n"


def test_check_finds_nothing_wrong(recorded: Path, capsys: Capture) -> None:
    assert main(["check", str(recorded)]) == 0
    assert capsys.readouterr().out.endswith(": ok\n")


def damage(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("update chunks set steps = x'00'")
    db.commit()
    db.close()


def test_check_finds_damage(recorded: Path, capsys: Capture) -> None:
    damage(recorded)
    assert main(["check", str(recorded)]) == 1
    assert "problem: chunk" in capsys.readouterr().out


def test_check_fixes(recorded: Path, capsys: Capture) -> None:
    damage(recorded)
    assert main(["check", str(recorded), "--fix"]) == 0
    assert "fixed: chunk" in capsys.readouterr().out
    assert main(["check", str(recorded)]) == 0


def overwrite(path: Path, table: str) -> None:
    """Put garbage in the place of a table's first page."""
    db = sqlite3.connect(path)
    (page,) = db.execute("select rootpage from sqlite_master where name = ?", (table,)).fetchone()
    (size,) = db.execute("pragma page_size").fetchone()
    db.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * 8192)


@pytest.mark.parametrize("option", [[], ["--fix"]])
def test_check_of_a_file_that_sqlite_cannot_read(
    recorded: Path, capsys: Capture, option: list[str]
) -> None:
    overwrite(recorded, "columns")
    before = recorded.read_bytes()
    assert main(["check", str(recorded), *option]) == 1
    err = capsys.readouterr().err
    assert f"problem: {recorded}: database disk image is malformed\n" in err
    assert "lost: run id1: its rows (" in err
    assert "id2" not in err, "that one has no rows"
    assert ("--fix cannot mend this" in err) == bool(option)
    saved = recorded.with_name("experiments-saved.db")
    last = err.splitlines()[-1]
    assert last.startswith(f"next: `synadb check {recorded} --salvage {saved}` copies what can be")
    assert recorded.read_bytes() == before

    command = last.split("`")[1].split()[1:]
    assert main(command) == 1, "something is lost"
    out = capsys.readouterr().out
    assert "lost: run id1: its rows (" in out
    assert f"{saved}: 2 runs copied" in out
    with ExperimentTracker(saved) as tracker:
        assert tracker.check().ok
        assert [run.run_id for run in tracker.list_runs()] == ["id1", "id2"]
        assert tracker.get_run("id1").config == {"lr": 0.1, "net": {"depth": 3}}
        assert tracker.get_artifact("id1", "model") == b"x" * 1000
    assert main(command) == 1
    assert f"{saved} exists already" in capsys.readouterr().err


def test_check_of_a_file_whose_list_of_runs_is_gone(recorded: Path, capsys: Capture) -> None:
    overwrite(recorded, "runs")
    overwrite(recorded, "sqlite_autoindex_runs_1")
    for option in ([], ["--fix"], ["--salvage", str(recorded.with_name("new.db"))]):
        assert main(["check", str(recorded), *option]) == 1
        err = capsys.readouterr().err
        assert f"problem: {recorded}: database disk image is malformed\n" in err
        assert "problem: the list of its runs cannot be read\n" in err
        assert "next: restore it from a backup" in err
        assert "`synadb check" not in err, "that is what has just been done"
    assert not recorded.with_name("new.db").exists()


def test_salvage_of_a_file_whose_end_is_missing(db_path: Path, capsys: Capture) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        for i in range(10):
            run.log({"loss": i / 2})
        run.flush()
        tracker.log_artifact("r", "model", os.urandom(500_000))
        tracker.finish(run)
    size = db_path.stat().st_size
    os.truncate(db_path, size - 200_000)
    assert main(["check", str(db_path)]) == 1
    err = capsys.readouterr().err
    assert f"problem: its end is missing: {size - 200_000:,} of {size:,} bytes are there" in err
    assert "lost: run r: its artifact model (" in err

    saved = db_path.with_name("saved.db")
    assert main(["check", str(db_path), "--salvage", str(saved)]) == 1
    assert "lost: run r: its artifact model (" in capsys.readouterr().out
    assert db_path.stat().st_size == size - 200_000
    with ExperimentTracker(saved) as tracker:
        assert [row["loss"] for row in tracker.rows("r")] == [i / 2 for i in range(10)]
        assert tracker.list_artifacts("r") == []
        assert tracker.check().ok


def test_salvage_reads_metrics_one_by_one_where_rows_are_damaged(
    db_path: Path, capsys: Capture
) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        for i in range(10):
            run.log({"a": i / 2, "b": i, "c": i % 2 == 0})
        tracker.finish(run)
    db = sqlite3.connect(db_path)
    db.execute("update columns set data = x'00' where position = 0")
    db.commit()
    db.close()
    saved = db_path.with_name("saved.db")
    assert main(["check", str(db_path), "--salvage", str(saved)]) == 1
    assert "lost: run r: its rows (" in capsys.readouterr().out
    with ExperimentTracker(saved) as tracker:
        rows = list(tracker.rows("r"))
        assert [row["b"] for row in rows] == list(range(10))
        assert {type(row["b"]) for row in rows} == {int}
        assert "a" not in rows[0]
        assert tracker.get_run("r").summary == {"a": 4.5, "b": 9, "c": False}
        assert tracker.check().ok


def test_salvage_of_a_whole_file_loses_nothing(recorded: Path, capsys: Capture) -> None:
    with ExperimentTracker(recorded) as tracker:
        run = tracker.run("big", run_id="id3", notes="n", group="g", job_type="j")
        run.log({"big": 2**80, "low": -(2**63), "yes": True, "s": "x"})
        run.log({})
        tracker.log_file("id3", "a/b.txt", b"file")
        tracker.finish(run, "killed", 255)
        running = tracker.run("big", run_id="id4")
        running.log({"x": 1})
        running.flush()
        saved = recorded.with_name("saved.db")
        # The run that is open has a journal, and its rows may not all be in the file.
        assert main(["check", str(recorded), "--salvage", str(saved)]) == 1
        assert "lost: the rows in " in capsys.readouterr().out
        tracker.finish(running)
        with ExperimentTracker(saved) as copy:
            for run_id in ("id1", "id2", "id3"):
                old, new = tracker.get_run(run_id), copy.get_run(run_id)
                assert new._replace(updated_at=0, summary={}) == old._replace(
                    updated_at=0, summary={}
                )
                assert repr(new.summary) == repr(old.summary)
                assert repr(list(copy.rows(run_id))) == repr(list(tracker.rows(run_id)))
            with copy.open_file("id3", "a/b.txt") as file:
                assert file.read() == b"file"
            assert copy.get_run("id4").state == "crashed"
            assert copy.check().ok


def test_check_of_another_file(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "text.db"
    path.write_text("no database at all", encoding="utf-8")
    assert main(["check", str(path)]) == 1
    assert "not a SynaDB database" in capsys.readouterr().err


DIES = """\
import os, sys
from synadb.tracker import ExperimentTracker

run = ExperimentTracker(sys.argv[1]).run("e", run_id="dead")
for i in range(5):
    run.log({"loss": i})
os._exit(0)
"""


def test_recover(db_path: Path, run_script: RunScript, capsys: Capture) -> None:
    run_script(DIES, db_path)
    assert main(["recover", str(db_path)]) == 0
    assert capsys.readouterr().out.startswith("run dead: ")
    assert main(["recover", str(db_path)]) == 0
    assert "nothing to recover" in capsys.readouterr().out
    assert main(["runs", "--json", "--db", str(db_path)]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["state"], found["row_count"]) == ("crashed", 5)


def test_gc(recorded: Path, capsys: Capture) -> None:
    assert main(["gc", str(recorded), "--dry-run"]) == 0
    assert "would be deleted" in capsys.readouterr().out
    assert main(["gc", str(recorded)]) == 0
    assert "file bytes freed" in capsys.readouterr().out
    with ExperimentTracker(recorded) as tracker:
        assert tracker.get_artifact("id1", "model") == b"x" * 1000


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the person types."""
    typed = io.StringIO()
    monkeypatch.setattr("sys.stdin", typed)
    return typed


def ids(path: Path) -> list[str]:
    with ExperimentTracker(path) as tracker:
        assert tracker.check().ok
        return [run.run_id for run in tracker.list_runs()]


def test_rm_asks(recorded: Path, capsys: Capture, answer: io.StringIO) -> None:
    answer.write("n\ny\n")
    answer.seek(0)
    assert main(["rm", "id1", "--db", str(recorded)]) == 1
    out, err = capsys.readouterr()
    assert "id1  first  mnist  finished" in out
    assert f"Delete 1 run from {recorded}? [y/N]" in out
    assert err == "synadb: nothing was deleted\n"
    assert ids(recorded) == ["id1", "id2"]
    assert main(["rm", "id1", "--db", str(recorded)]) == 0
    assert f"{recorded}: deleted 1 run\n" in capsys.readouterr().out
    assert ids(recorded) == ["id2"]
    assert main(["rm", "id2", "--db", str(recorded)]) == 1, "nobody there to answer"
    assert ids(recorded) == ["id2"]


def test_rm_of_several_is_all_or_nothing(recorded: Path, capsys: Capture) -> None:
    assert main(["rm", "id1", "nope", "--db", str(recorded), "--yes"]) == 1
    assert "'nope'" in capsys.readouterr().err
    assert ids(recorded) == ["id1", "id2"]
    assert main(["rm", "id1", "second", "id1", "--db", str(recorded), "--yes"]) == 0
    assert "deleted 2 runs" in capsys.readouterr().out
    assert ids(recorded) == []


@posix
def test_an_interrupt_ends_a_command_as_it_ends_a_shell_loop(recorded: Path) -> None:
    command = [sys.executable, "-m", "synadb", "rm", "id1", "--db", str(recorded)]
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        shown = b""
        while not shown.endswith(b"[y/N] "):
            piece = os.read(process.stdout.fileno(), 4096)
            assert piece, "it ended without asking"
            shown += piece
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (-signal.SIGINT, b"")
    assert ids(recorded) == ["id1", "id2"]


AS_NOBODY = """\
import os, sys, urllib.parse
from synadb.cli import main
writable, path = sys.argv[1:]
for command in (["runs"], ["show", "id1"], ["export", "id1", "--csv"]):
    main([*command, "--db", writable])  # loads all it needs, which may lie where only root reads
if os.getuid() == 0:
    os.setgroups([])
    os.setuid(65534)
assert not os.access(path, os.W_OK)
for command in (["runs"], ["show", "id1"], ["export", "id1", "--csv"]):
    assert main([*command, "--db", path]) == 0
"""


@posix
@pytest.mark.parametrize("mode", [0o555, 0o777])
def test_reading_a_read_only_file_leaves_nothing_behind(
    recorded: Path, run_script: RunScript, mode: int
) -> None:
    # Not in tmp_path, which is closed to everyone else.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        folder.mkdir()
        path = folder / "experiments.db"
        path.write_bytes(recorded.read_bytes())
        path.chmod(0o444)
        Path(name).chmod(0o755)
        folder.chmod(mode)
        try:
            run_script(AS_NOBODY, recorded, path)
            assert os.listdir(folder) == ["experiments.db"]
        finally:
            folder.chmod(0o700)


COMMANDS = (
    ["runs"],
    ["show", "r"],
    ["export", "r", "--csv"],
    ["check"],
    ["check", "--fix"],
    ["check", "--salvage", "new.db"],
    ["recover"],
    ["rm", "r", "--yes"],
    ["gc"],
    ["gc", "--dry-run"],
)


@pytest.mark.parametrize("option", [["--db"], []], ids=["--db FILE", "FILE"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_database_is_created(
    command: list[str], option: list[str], tmp_path: Path, capsys: Capture
) -> None:
    if command[0] == "rm":
        option = ["--db"]  # a last word would be one more run
    missing, empty = tmp_path / "folder" / "none.db", tmp_path / "empty.db"
    empty.touch()
    assert main([*command, *option, str(missing)]) == 1
    assert f"there is no database at {missing}" in capsys.readouterr().err
    assert main([*command, *option, str(empty)]) == 1
    assert f"{empty} is empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["empty.db"]
    assert empty.stat().st_size == 0


def test_two_databases_are_one_too_many(recorded: Path, capsys: Capture) -> None:
    assert main(["runs", str(recorded), "--db", str(recorded)]) == 0
    with pytest.raises(SystemExit) as ended:
        main(["runs", str(recorded), "--db", "other.db"])
    assert ended.value.code == 2
    assert f"two databases are named: {recorded} and --db other.db" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--nope"], ["a.db", "b", "c"]])
@pytest.mark.parametrize("command", ["runs", "check", "gc", "recover", "show"])
def test_what_a_command_does_not_know_gets_its_usage(
    command: str, words: list[str], capsys: Capture
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, *["r"] * (command == "show"), *words])
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith(f"usage: synadb {command} ")
    assert f"synadb {command}: error: unrecognized arguments: " in err


@pytest.mark.parametrize("command", ["runs", "show", "export", "check", "recover", "rm", "gc"])
def test_help_has_an_example(command: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"\n  synadb {command}" in capsys.readouterr().out


def test_the_nearest_database_is_the_default(recorded: Path) -> None:
    below = recorded.parent / "below"
    below.mkdir()
    found = run_python(["-m", "synadb", "runs"], below)
    assert "id1" in found.stdout
    assert "ok" in run_python(["-m", "synadb", "check"], below).stdout
    elsewhere = {"SYNADB_PATH": str(below / "none.db")}
    assert run_python(["-m", "synadb", "runs"], below, env=elsewhere, check=False).returncode == 1

"""`synadb import csv`: tables as runs."""

from __future__ import annotations

import csv
import itertools
import json
import math
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synadb import ExperimentTracker
from synadb.cli import main
from synadb.errors import NotALogError
from synadb.formats._bring_in import BroughtIn, bring_in
from synadb.formats.csv_file import Options, sources


def table(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def bring(database: Path, *paths: Path, **options: Any) -> list[BroughtIn]:
    with ExperimentTracker(database) as tracker:
        found = sources(map(str, paths), options.pop("project", None), Options(**options))
        done = bring_in(tracker, found, "csv")
        assert not tracker.check().problems
        return done


def rows_of(path: Path, database: Path, **options: Any) -> list[dict[str, Any]]:
    (done,) = bring(database, path, **options)
    with ExperimentTracker(database) as tracker:
        return [
            {key: value for key, value in row.items() if key not in ("_runtime", "_timestamp")}
            for row in tracker.rows(done.run_id)
        ]


def test_columns_keep_their_type(tmp_path: Path, db_path: Path) -> None:
    text = (
        "i,f,mixed,b,t,code,big,empty\n"
        '1,0.5,1,True,"a, ""b""\nc",007,9223372036854775808,\n'
        "-2,1e-3,2.5,false,5,8,1,\n"
        ",nan,,,,,,\n"
    )
    rows = rows_of(table(tmp_path / "m.csv", text), db_path)
    assert rows[:2] == [
        {
            "_step": 0,
            "i": 1,
            "f": 0.5,
            "mixed": 1.0,
            "b": True,
            "t": 'a, "b"\nc',
            "code": "007",
            "big": 9223372036854775808,
        },
        {
            "_step": 1,
            "i": -2,
            "f": 0.001,
            "mixed": 2.5,
            "b": False,
            "t": "5",
            "code": "8",
            "big": 1,
        },
    ]
    assert math.isnan(rows[2].pop("f"))
    assert rows[2] == {"_step": 2}
    assert [type(rows[0][key]) for key in ("i", "f", "mixed", "b")] == [int, float, float, bool]


@pytest.mark.parametrize("apart", [1, 17_000])  # in one block of rows, and in two
def test_no_digit_of_an_integer_is_lost(tmp_path: Path, db_path: Path, apart: int) -> None:
    numbers = [2**53, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64 + 1, 10**400]
    others = ["0.5", "7", "nan", str(2**53 + 1), str(2**63), "9" * 400]
    pairs = [*itertools.product(numbers, others)]
    if apart > 1:
        pairs = [(2**53 + 1, "0.5"), (7, str(2**53 + 1)), (2**64 + 1, "7")]
    lines = [
        ",".join(f"k{number}" for number in range(len(pairs))),
        ",".join(str(number) for number, _ in pairs),
        *[",".join(["1"] * len(pairs))] * apart,
        ",".join(other for _, other in pairs),
    ]
    first, *_, last = rows_of(table(tmp_path / "m.csv", "\n".join(lines)), db_path)
    for place, (number, other) in enumerate(pairs):
        assert first[f"k{place}"] == number
        found = last[f"k{place}"]
        assert math.isnan(found) if other == "nan" else found == Decimal(other)


def test_steps_and_times(tmp_path: Path, db_path: Path) -> None:
    text = "epoch,when,x\n10,2023-11-14T22:13:20Z,1\n5.0,1700000001500,2\n20,1700000000.25,3\n"
    path = table(tmp_path / "proj" / "m.csv", text)
    (done,) = bring(db_path, path, step="epoch", time="when")
    with ExperimentTracker(db_path) as tracker:
        run = tracker.get_run(done.run_id)
        assert (run.experiment, run.name, run.state) == ("proj", "m", "finished")
        assert (run.created_at, run.ended_at) == (1_700_000_000, 1_700_000_001.5)
        found = [(row["_step"], row["_timestamp"], row["x"]) for row in tracker.rows(run.run_id)]
        assert found == [
            (5, 1_700_000_001.5, 2),
            (10, 1_700_000_000.0, 1),
            (20, 1_700_000_000.25, 3),
        ]
        assert run.summary == {"x": 3}


def test_the_usual_step_column_is_found_and_repeated_steps_are_told(
    tmp_path: Path, db_path: Path
) -> None:
    path = table(tmp_path / "m.csv", "step,x,y\n3,1,\n3,2,7\n4,1,\n")
    (done,) = bring(db_path, path)
    assert "1 rows have the step of an earlier one" in done.problems[0]
    assert rows_of(path, db_path) == [{"_step": 3, "x": 2, "y": 7}, {"_step": 4, "x": 1}]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffa,b\n1,x\n".encode(),
        b"a;b\r\n1;x\r\n",
        b"a\tb\n1\tx",
        b"\n".join([b"a,b,", b"1,x,", b"", b""]),
        "a,b\n1,x\n".encode("utf-16"),
    ],
)
def test_how_tables_are_written(tmp_path: Path, db_path: Path, content: bytes) -> None:
    assert rows_of(table(tmp_path / "m.csv", content), db_path) == [{"_step": 0, "a": 1, "b": "x"}]


def test_another_encoding(tmp_path: Path, db_path: Path) -> None:
    path = table(tmp_path / "m.csv", "größe,t\n1,ä\n".encode("latin-1"))
    with pytest.raises(NotALogError, match="name its encoding"):
        bring(db_path, path)
    assert rows_of(path, db_path, encoding="latin-1") == [{"_step": 0, "größe": 1, "t": "ä"}]


def test_more_rows_than_are_looked_at_together(tmp_path: Path, db_path: Path) -> None:
    lines = [f"{step},{step / 2},{'' if step % 3 else step}" for step in range(40_000)]
    path = table(tmp_path / "m.csv", "\n".join(["step,x,y", *lines, "40000,1.5,0.5"]))
    (done,) = bring(db_path, path)
    assert (done.rows, done.problems) == (40_001, [])
    with ExperimentTracker(db_path) as tracker:
        assert len(tracker.get_metric(done.run_id, "y")) == 13_335
        rows = list(tracker.rows(done.run_id))
        assert (rows[30_000]["_step"], rows[30_000]["x"], rows[30_000]["y"]) == (
            30_000,
            15_000.0,
            30_000.0,
        )


def test_what_export_writes_comes_back(tmp_path: Path, db_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        for name in ("one", "two"):
            with tracker.run("p", run_id=name) as run:
                run.log({"x": 0.5, "i": 3, "t": "a,b", "b": True})
                run.log({"x": 1.0 / 3})
        times = [row["_timestamp"] for row in tracker.rows("one")]
    out = tmp_path / "out.csv"
    assert main(["export", "one", "--csv", "--out", str(out), "--db", str(db_path)]) == 0
    with out.open() as file:
        header = next(csv.reader(file))
    assert "_step" in header
    again = tmp_path / "again.db"
    (done,) = bring(again, out)
    with ExperimentTracker(again) as tracker:
        rows = list(tracker.rows(done.run_id))
        assert [row["_timestamp"] for row in rows] == times
        first = {key: rows[0][key] for key in ("x", "i", "t", "b")}
        assert first == {"x": 0.5, "i": 3, "t": "a,b", "b": True}
        assert rows[1]["x"] == 1.0 / 3


def test_a_run_for_each_value_of_the_run_column(tmp_path: Path, db_path: Path) -> None:
    path = table(tmp_path / "m.csv", "_run,_step,x\na,0,1\nb,0,2\na,1,3\n")
    done = bring(db_path, path)
    with ExperimentTracker(db_path) as tracker:
        found = {
            tracker.get_run(run.run_id).name: tracker.get_metric(run.run_id, "x").values.tolist()
            for run in done
        }
    assert found == {"a": [1, 3], "b": [2]}


def test_a_file_of_several_runs_is_read_once(tmp_path: Path, db_path: Path) -> None:
    """What comes in is what the first reading found, wherever the rows of a run lie."""
    lines = [f"{'abc'[i % 3 if i < 40_000 else 2]},{i},{i * 0.5}" for i in range(60_000)]
    path = table(tmp_path / "m.csv", "\n".join(["_run,_step,x", *lines]))
    found = list(sources([str(path)]))
    path.write_text("_run,_step,x\na,0,7\n")
    with ExperimentTracker(db_path) as tracker:
        done = bring_in(tracker, found, "csv")
        assert [run.rows for run in done] == [13_334, 13_333, 33_333]
        for run, letter in zip(done, "abc", strict=True):
            metric = tracker.get_metric(run.run_id, "x")
            steps = [i for i in range(60_000) if "abc"[i % 3 if i < 40_000 else 2] == letter]
            assert metric.steps.tolist() == steps
            assert metric.values.tolist() == [i * 0.5 for i in steps]
        assert tracker.check().ok


def test_twice_is_the_same_as_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path / "p" / "m.csv", "x\n1\n")
    same = table(tmp_path / "q" / "m.csv", "x\n1\n")
    command = ["import", "csv", str(path), str(same), "--db", str(tmp_path / "d"), "--json"]
    assert main(command) == 0
    first = json.loads(capsys.readouterr().out)["runs"]
    assert [run["outcome"] for run in first] == ["new", "new"]
    assert main(command) == 0
    again = json.loads(capsys.readouterr().out)["runs"]
    assert [run["outcome"] for run in again] == ["known", "known"]
    with path.open("a") as file:
        file.write("2\n")
    assert main(command) == 0
    grown = json.loads(capsys.readouterr().out)["runs"]
    assert [(run["outcome"], run["steps"]) for run in grown] == [("changed", 2), ("known", 1)]
    assert [run["run_id"] for run in grown] == [run["run_id"] for run in first]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"a,b\n", "has no rows"),
        (b"a,b\n1,2,3\n", "has 3 cells"),
        (b"a,a\n1,2\n", "several columns 'a'"),
        (b'a,b\n1,"x\n', "unexpected end of data"),
        (b'a,b\n1,"x"y\n', "expected after"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not text"),
        (b"a\0,b\n1,2\n", "not text"),
        (b"a,b\n1,\xff\n", "not text"),
        (b"SQLite format 3\0" + bytes(100), "not text"),
        (b"step,x\n-1,2\n", "'-1' is no step"),
        (b"step,x\n1.5,2\n", "'1.5' is no step"),
        (b"step,x\n,2\n", "'' is no step"),
        (b"_timestamp,x\nyesterday,2\n", "'yesterday' is no time"),
    ],
)
def test_what_is_no_table_is_refused_and_nothing_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, says: str
) -> None:
    good = table(tmp_path / "good.csv", "x\n1\n")
    bad = table(tmp_path / "bad.csv", content)
    database = tmp_path / "d"
    assert main(["import", "csv", str(good), str(bad), "--db", str(database)]) == 1
    told = capsys.readouterr().err
    assert says in told
    assert "bad.csv" in told
    assert "Traceback" not in told
    if database.exists():
        with ExperimentTracker(database) as tracker:
            assert tracker.list_runs() == []
            assert not tracker.check().problems


def test_what_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path / "m.csv", "a,b\n1,2\n")
    database = str(tmp_path / "d")
    for extra, says in (
        ([str(tmp_path / "none.csv")], "none.csv"),
        ([str(tmp_path)], "is a folder"),
        ([str(path), "--step", "c"], "no column 'c'; it has a, b"),
        ([str(path), "--delimiter", "::"], "one character"),
        ([str(path), "--encoding", "utf-99"], "no encoding 'utf-99'"),
        ([str(path), "--delimiter", '"'], "not '\"'"),
        ([str(path), "--delimiter", "\n"], "not '\\n'"),
    ):
        assert main(["import", "csv", *extra, "--db", database]) == 1
        assert says in capsys.readouterr().err
    assert not Path(database).exists()


def test_what_a_killed_import_has_left_is_gone_after_any_other(
    tmp_path: Path, db_path: Path
) -> None:
    (source,) = sources([str(table(tmp_path / "one.csv", "x\n1\n2\n"))])
    with ExperimentTracker(db_path) as tracker:
        left = source.read(source.run_id + "~importing")
        tracker._store.apply(list(left.ops)[:-1])
    (done,) = bring(db_path, table(tmp_path / "other.csv", "x\n1\n"))
    with ExperimentTracker(db_path) as tracker:
        assert [run.run_id for run in tracker.list_runs()] == [done.run_id]


def test_imports_into_a_database_take_turns(tmp_path: Path, db_path: Path) -> None:
    files = [table(tmp_path / f"{number}.csv", "x\n" + "1\n" * 50_000) for number in range(3)]
    command = [sys.executable, "-m", "synadb", "import", "csv", "--db", str(db_path)]
    processes = [subprocess.Popen([*command, str(path)], stdout=subprocess.PIPE) for path in files]
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0, 0]
    with ExperimentTracker(db_path) as tracker:
        assert [(run.state, run.row_count) for run in tracker.list_runs()] == [
            ("finished", 50_000)
        ] * 3
        assert not tracker.check().problems


CELLS = st.one_of(
    st.none(),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(repr),
    st.booleans().map(str),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    names=st.lists(
        st.text(st.characters(categories=["Ll", "Nd"]), min_size=1, max_size=5).map("k".__add__),
        min_size=1,
        max_size=4,
        unique=True,
    ),
    data=st.data(),
)
def test_any_cells(names: list[str], data: st.DataObject) -> None:
    row = st.lists(CELLS, min_size=len(names), max_size=len(names))
    rows = data.draw(st.lists(row, min_size=1, max_size=6))
    if any(row == [None] for row in rows):  # a blank line
        return
    with tempfile.TemporaryDirectory() as top:
        path = Path(top) / "m.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows(rows)
        found = rows_of(path, Path(top) / "d", delimiter=",")
    assert len(found) == len(rows)
    for given_row, stored in zip(rows, found, strict=True):
        for name, cell in zip(names, given_row, strict=True):
            value = stored.get(name)
            if cell is None:
                assert value is None
            elif isinstance(value, str):
                assert value == cell
            elif isinstance(value, bool):
                assert str(value).lower() == cell.lower()
            elif isinstance(value, float) and math.isnan(value):
                assert math.isnan(float(cell))
            else:
                assert value == (int(cell) if cell.lstrip("-").isdigit() else float(cell))


BASE = b'step,x,t\n0,0.5,"a b"\n1,0.25,c\n2,,"d,e"\n'


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    end=st.integers(0, len(BASE)),
    flips=st.lists(st.tuples(st.integers(0, len(BASE) - 1), st.integers(1, 255)), max_size=3),
)
def test_damaged_tables(end: int, flips: list[tuple[int, int]]) -> None:
    content = bytearray(BASE)
    for place, change in flips:
        content[place] ^= change
    with tempfile.TemporaryDirectory() as top:
        path = table(Path(top) / "m.csv", bytes(content[:end]))
        with ExperimentTracker(Path(top) / "d") as tracker:
            try:
                (done,) = bring_in(tracker, sources([str(path)]), "csv")
            except NotALogError as error:
                told = str(error)
                assert tracker.list_runs() == []
            else:
                told = "m.csv"
                assert done.rows >= 1
            assert "m.csv" in told
            assert not tracker.check().problems

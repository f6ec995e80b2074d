"""`synadb export`: histories as CSV, JSON Lines and Parquet, and runs as folders."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import json
import math
import os
import subprocess
import sys
from pathlib import Path as Files
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synadb.cli import main
from synadb.formats.wandb_log import read_wandb_log
from synadb.ops import LogConsole, LogSystem
from synadb.tracker import ExperimentTracker
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]
OWN = ["_step", "_runtime", "_timestamp"]


def parquet() -> Any:
    return pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def recorded(db_path: Path) -> Path:
    """Two runs whose rows overlap, with everything a run can have."""
    with ExperimentTracker(db_path) as tracker:
        one = tracker.run("mnist", run_id="one", name="first", config={"lr": 0.5}, tags=["t"])
        for step in range(5):
            one.log({"loss": 1 / (step + 1)}, step=step)
            if step % 2:
                one.log({"eval": {"acc": step / 10}, "ok": True}, step=step)
        one.log({"loss": math.nan, "note": "a, b", "sizes": [1, 2]}, step=5)
        one.log({"loss": None, "big": 1 << 62}, step=6)
        tracker._store.apply(
            [
                LogConsole("one", "p", ((0, 1.5, "stdout", "line"),)),
                LogSystem("one", "p", 3.5, {"cpu": 0.25}),
            ]
        )
        tracker.finish(one)
        tracker.log_file("one", "media/a.txt", b"picture")
        tracker.log_file("one", "../out.txt", b"not above")
        tracker.log_artifact("one", "weights", b"w" * 3000)
        source = db_path.parent / "model.bin"
        source.write_bytes(b"model")
        tracker.artifacts.log("model", type="model", content=str(source), run_id="one")
        two = tracker.run("mnist", run_id="two")
        two.log({"loss": 7.0, "epoch": 3})
        tracker.finish(two)
    return db_path


def export(db: Path, *words: str) -> None:
    assert main(["export", *words, "--db", str(db)]) == 0


def test_several_runs_are_told_apart(recorded: Path, capsys: Capture) -> None:
    export(recorded, "one", "two", "--csv")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert list(rows[0])[:4] == ["_run", *OWN]
    assert [row["_run"] for row in rows] == ["one"] * 7 + ["two"]
    assert rows[7]["loss"] == "7.0"
    assert rows[7]["eval.acc"] == ""
    assert rows[1]["ok"] == "True"
    export(recorded, "--all", "--csv")
    assert len(list(csv.DictReader(io.StringIO(capsys.readouterr().out)))) == 8


def test_json_lines_tell_none_missing_and_nan_apart(recorded: Path, capsys: Capture) -> None:
    export(recorded, "one", "--jsonl")
    lines = capsys.readouterr().out.splitlines()
    rows = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert [list(row)[:3] for row in rows] == [OWN] * 7
    assert rows[1]["eval"] == {"acc": 0.1}
    assert rows[5]["loss"] == "NaN"
    assert rows[6]["loss"] is None
    assert "note" not in rows[6]
    assert rows[6]["big"] == 1 << 62


@pytest.mark.parametrize("text", ["\r", "a\rb", "a\r\nb", "\n", '"', ",", "x"])
def test_csv_keeps_every_line_end_in_a_text(db_path: Path, tmp_path: Path, text: str) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        run.log({"a": text})
        tracker.finish(run)
    path = tmp_path / "r.csv"
    export(db_path, "r", "--csv", "--out", str(path))
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["a"] == text
    assert path.read_bytes().endswith(b"\n")
    assert not path.read_bytes().endswith(b"\r\n")


def test_parquet_tells_nan_from_what_is_missing(recorded: Path, tmp_path: Path) -> None:
    out = tmp_path / "history.parquet"
    export(recorded, "one", "two", "--out", str(out))
    table = parquet().read_table(out)
    columns = table.to_pydict()
    assert table.column_names[:4] == ["_run", *OWN]
    assert math.isnan(columns["loss"][5])
    assert columns["loss"][6] is None
    assert columns["big"] == [None] * 6 + [1 << 62, None]
    assert columns["ok"][:3] == [None, True, None]
    assert columns["sizes"][5] == "[1, 2]"
    assert table.schema.field("sizes").metadata == {b"synadb": b"json"}
    assert [run["id"] for run in json.loads(table.schema.metadata[b"synadb"])["runs"]] == [
        "one",
        "two",
    ]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_row_gets_no_value_from_a_key_that_looks_like_another(
    db_path: Path, tmp_path: Path, kind: str
) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        run.log({"k.d": 1, "other": 1})
        run.log({"k": {"d": 2}, "other": 2})
        run.log({"other": 3})
        tracker.finish(run)
    path = tmp_path / f"history.{kind}"
    export(db_path, "r", "--out", str(path))
    if kind == "csv":
        with path.open(encoding="utf-8", newline="") as file:
            assert [row["k.d"] for row in csv.DictReader(file)] == ["1", "2", ""]
    else:
        assert parquet().read_table(path).to_pydict()["k.d"] == [1, 2, None]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_key_that_is_the_column_of_the_runs(
    db_path: Path, tmp_path: Path, capsys: Capture, kind: str
) -> None:
    with ExperimentTracker(db_path) as tracker:
        for run_id in ("one", "two"):
            run = tracker.run("e", run_id=run_id)
            run.log({"_run": 7})
            tracker.finish(run)
    path = tmp_path / f"history.{kind}"
    words = ["export", "one", "two", "--db", str(db_path), "--out", str(path)]
    assert main(words) == 1
    assert "a key '_run'" in capsys.readouterr().err
    assert not path.exists()
    assert main([*words, "--long"]) == 0
    export(db_path, "one", "--out", str(path))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_long_form_is_a_line_a_value(recorded: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"long.{kind}"
    export(recorded, "one", "two", "--long", "--out", str(out))
    found: list[tuple[str, int, str, Any]]
    if kind == "csv":
        rows: Any = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
        found = [(r["_run"], int(r["_step"]), r["key"], r["value"]) for r in rows]
        assert ("one", 6, "loss", "") in found
    elif kind == "jsonl":
        rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        found = [(r["_run"], r["_step"], r["key"], r["value"]) for r in rows if r["key"] != "sizes"]
        assert ("one", 6, "loss", None) in found
        assert ("one", 6, "big", 1 << 62) in found
    else:
        rows = parquet().read_table(out).to_pylist()
        found = [(r["_run"], r["_step"], r["key"], r["value"]) for r in rows]
        assert {r["json"] for r in rows if r["key"] == "big"} == {str(1 << 62)}
    assert ("two", 0, "loss", "7.0" if kind == "csv" else 7.0) in found
    assert len(rows) == 16


def test_a_folder_holds_everything(recorded: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "out"
    export(recorded, "--all", "--out", f"{out}/", "--json")
    report = json.loads(capsys.readouterr().out)["runs"]
    assert [(run["run"], run["rows"], run["files"]) for run in report] == [
        ("one", 7, 2),
        ("two", 1, 0),
    ]
    folder = out / "one"
    assert json.loads((folder / "config.json").read_text()) == {"lr": 0.5}
    assert json.loads((folder / "run.json").read_text())["tags"] == ["t"]
    assert len((folder / "history.jsonl").read_text().splitlines()) == 7
    assert (folder / "files" / "media" / "a.txt").read_bytes() == b"picture"
    assert (folder / "artifacts" / "weights").read_bytes() == b"w" * 3000
    assert (folder / "versions" / "model_v0" / "model.bin").read_bytes() == b"model"
    lines = (folder / "console.jsonl").read_text().splitlines()
    assert [json.loads(line)["line"] for line in lines] == ["line"]
    assert json.loads((folder / "system.jsonl").read_text())["cpu"] == 0.25
    checksums = json.loads((folder / "checksums.json").read_text())
    there = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "checksums.json"
    }
    assert there == set(checksums)
    for name, facts in checksums.items():
        content = (folder / name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (
            facts["size"],
            facts["sha256"],
        )
    assert {path.name for path in tmp_path.rglob("out*.txt")} == {"out.txt"}
    assert not (tmp_path / "out.txt").exists()
    export(recorded, "--all", "--out", str(out))
    assert not list(out.rglob("*.part"))


def test_a_link_out_of_the_folder_is_not_followed(
    recorded: Path, tmp_path: Path, capsys: Capture
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "out" / "one").mkdir(parents=True)
    (tmp_path / "out" / "one" / "files").symlink_to(elsewhere)
    assert main(["export", "one", "--out", str(tmp_path / "out"), "--db", str(recorded)]) == 1
    assert "leads out of" in capsys.readouterr().err
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["one"], "choose a format"),
        (["one", "--parquet"], "--parquet needs --out"),
        (["--csv"], "name the runs"),
        (["one", "--all", "--csv"], "name the runs"),
        (["one", "--to", "x.db", "--csv"], "--to takes no format"),
        (["one", "--csv", "--jsonl"], "not allowed with"),
    ],
)
def test_what_does_not_fit_together(
    recorded: Path, words: list[str], said: str, capsys: Capture
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["export", *words, "--db", str(recorded)])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_the_last_word_may_be_the_database(recorded: Path, capsys: Capture) -> None:
    for words in (["one", "two", str(recorded)], ["--all", str(recorded)]):
        assert main(["export", "--csv", *words]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 9


def test_without_pyarrow_the_mend_is_named(recorded: Path, tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from synadb.cli import main\n"
        f"sys.exit(main(['export', 'one', '--out', 'x.parquet', '--db', {str(recorded)!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install pyarrow" in done.stderr
    assert not list(tmp_path.glob("x.parquet*"))


def test_a_long_history_goes_out_page_by_page(db_path: Path, tmp_path: Path) -> None:
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        values = np.random.default_rng(0).random((150_000, 2)).tolist()
        for step, (loss, other) in enumerate(values):
            run.log({"loss": loss})
            if step % 3 == 0:
                run.log({"other": other}, step=step)
        tracker.finish(run)
        pages = list(tracker._store.blocks("r"))
        assert len(pages) > 1
        out = tmp_path / "x.parquet"
        export(db_path, "r", "--out", str(out))
        table = parquet().read_table(out)
        assert table["loss"].to_pylist() == [loss for loss, _ in values]
        assert table["other"].to_pylist()[::3] == [other for _, other in values[::3]]
        assert table["other"].null_count == 100_000


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.lists(st.integers(), max_size=2)
)
ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(["a", "b", "c.d", "é"]),
        LEAVES | st.dictionaries(st.sampled_from(["d", "e"]), LEAVES, max_size=2),
        max_size=3,
    ),
    max_size=8,
)


def flat(row: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict) and value:
            found.update(flat(value, f"{prefix}{key}."))
        else:
            found[prefix + key] = value
    return found


def finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list) else value


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=ROWS, steps=st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_any_history_comes_out_as_it_is(
    rows: list[dict[str, Any]], steps: list[int], tmp_path: Path
) -> None:
    path = tmp_path / "any.db"
    for old in tmp_path.glob("any.*"):
        old.unlink()
    with ExperimentTracker(path) as tracker:
        run = tracker.run("e", run_id="r")
        at = 0
        for row, more in zip(rows, steps, strict=False):
            at += more
            run.log(row, step=at)
        tracker.finish(run)
        want = list(tracker.rows("r"))
    for kind in ("jsonl", "parquet", "csv"):
        export(path, "r", "--out", str(tmp_path / f"any.{kind}"))
    lines = (tmp_path / "any.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [finite(row) for row in want]

    table = parquet().read_table(tmp_path / "any.parquet")
    kinds = {field.name: "json" if field.metadata else str(field.type) for field in table.schema}
    assert table.num_rows == len(want)
    for row, found in zip(want, table.to_pylist(), strict=True):
        row = flat(row)
        for key, value in found.items():
            if key not in row:
                assert value is None
            elif kinds[key] == "json":
                assert json.loads(value) == finite(row[key])
            elif kinds[key] == "double" and row[key] is not None:
                assert repr(value) == repr(float(row[key]))
            else:
                assert (value, type(value)) == (row[key], type(row[key]))
    with (tmp_path / "any.csv").open(encoding="utf-8", newline="") as file:
        texts = list(csv.DictReader(file))
    assert len(texts) == len(want)
    for row, cells in zip(want, texts, strict=True):
        row = flat(row)
        for key, cell in cells.items():
            value = row.get(key)
            if isinstance(value, float):
                assert repr(float(cell)) == repr(value)
            elif isinstance(value, list | dict):
                assert json.loads(cell) == finite(value)
            else:
                assert cell == ("" if value is None else str(value))


needs_wandb = pytest.mark.skipif(
    importlib.util.find_spec("wandb") is None, reason="wandb is not installed"
)


@needs_wandb
def test_wandb_logs_the_run_again(
    recorded: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    with ExperimentTracker(recorded) as tracker:
        run = tracker.run("mnist", run_id="media", config={"a": {"b": [1, None]}}, notes="n")
        run.log({"h": {"_type": "histogram", "values": [1, 2], "bins": [0.5, 1.5, 2.5]}}, step=3)
        run.log_table("t", [[1, "x"]], columns=["a", "b"], step=4)
        tracker.finish(run)
    out = tmp_path / "again"
    words = ["export", "one", "media", "--to", "wandb", "--out", str(out), "--db", str(recorded)]
    code = main([*words, "--json"])
    one, media = json.loads(capsys.readouterr().out)["runs"]
    assert one["differences"] == []
    assert (one["rows"], one["artifacts"], one["files"]) == (7, 2, 2)
    assert (Files(one["folder"]) / "files" / "output.log").read_text() == "line\n"
    assert one["left_out"] == ["file ../out.txt: wandb has its own, or no such name"]
    assert media["differences"] == []
    assert media["files"] >= 1
    assert code == 0
    for run_facts in (one, media):
        folder = Files(run_facts["folder"])
        assert folder.parent == out / "wandb"
        assert list(folder.glob("run-*.wandb"))
    assert (Files(one["folder"]) / "files" / "media" / "a.txt").read_bytes() == b"picture"


@needs_wandb
def test_an_artifact_has_the_digest_that_wandb_gives_it(
    db_path: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "a.txt").write_text("a")
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r", name="n", tags=["x"], group="g", job_type="j")
        run.log({"loss": 0.5})
        tracker.finish(run)
        tracker.artifacts.log(
            "d", str(tmp_path / "content"), type="t", run_id="r", metadata={"k": 1}
        )
    words = ["export", "r", "--to", "wandb", "--out", str(tmp_path / "x"), "--db", str(db_path)]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "r: 1 row, 3 values, 0 files, 1 artifact; 0 differences" in out
    assert "wandb sync" in out


DROP_IN = """
import synadb.wandb_compat as wandb
import numpy as np
run = wandb.init(project="p", id="r", name="n", config={"lr": 1e-3, "net": {"sizes": [1, 2]}})
run.define_metric("val/*", step_metric="epoch")
run.define_metric("loss", summary="min,max")
for step in range(20):
    run.log({"loss": abs(10 - step), "val/acc": step, "epoch": step // 10})
image = np.zeros((8, 8, 3), np.uint8)
run.log({"one": wandb.Image(image, caption="c"), "more": [wandb.Image(image + 1)]})
run.log({"table": wandb.Table(columns=["a"], data=[["x"]]), "html": wandb.Html("<b>x</b>")})
run.log({"cm": wandb.plot.confusion_matrix(y_true=[0, 1], preds=[0, 1], class_names=["a", "b"])})
run.finish()
"""


@needs_wandb
def test_what_the_drop_in_logged_comes_out_of_wandb(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))
    path = tmp_path / "experiments.db"
    subprocess.run(
        [sys.executable, "-c", DROP_IN],
        env={**os.environ, "PYTHONPATH": str(ROOT), "SYNADB_PATH": str(path)},
        cwd=tmp_path,
        check=True,
    )
    words = ["export", "r", "--to", "wandb", "--out", str(tmp_path / "x"), "--db", str(path)]
    code = main([*words, "--json"])
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    assert found["differences"] == []
    assert code == 0
    assert not [line for line in found["left_out"] if "artifact" in line]
    assert found["artifacts"] == 2  # what wandb makes of the table and of the chart's
    media = Files(found["folder"]) / "files" / "media"
    assert len(list(media.rglob("*.png"))) == 2
    assert len(list(media.rglob("*.table.json"))) == 2
    # Brought in from there and out again it is the same run, its chart among it.
    again = str(tmp_path / "again.db")
    assert main(["import", "wandb", found["folder"], "--db", again]) == 0
    assert main(["export", "r", "--to", "wandb", "--out", str(tmp_path / "y"), "--db", again]) == 0
    for folder in ("x", "y"):
        (log,) = (tmp_path / folder).glob("wandb/offline-run-*/run-r.wandb")
        assert list(read_wandb_log(log).config_wandb["visualize"]) == ["cm"]


@needs_wandb
def test_how_long_a_run_took_is_no_difference(
    db_path: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """wandb measures it for itself; all else in a summary is compared."""
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))
    summary = {"_runtime": 7777, "_wandb": {"runtime": 7777}, "loss": 1.5}
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        run.log({"loss": 1.5})
        run.set_summary(summary)
        tracker.finish(run)
        assert tracker.get_run("r").summary == summary
    words = ["export", "r", "--to", "wandb", "--out", str(tmp_path / "x"), "--db", str(db_path)]
    assert main([*words, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    assert found["differences"] == []
    assert found["left_out"] == ["the duration: wandb measures its own"]
    assert found["duration"] == 7777


@needs_wandb
def test_what_wandb_changes_is_told(
    db_path: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("e", run_id="r")
        run.log({"large": (1 << 70) + 1})
        tracker.finish(run)
    words = ["export", "r", "--to", "wandb", "--out", str(tmp_path / "x"), "--db", str(db_path)]
    assert main([*words, "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    assert any(line.startswith("step 0: large is ") for line in found["differences"])


@needs_wandb
def test_what_wandb_refuses_is_told(
    recorded: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))
    with ExperimentTracker(recorded) as tracker:
        tracker.finish(tracker.run("e", run_id="a:b/c"))
    words = ["export", "a:b/c", "--to", "wandb", "--out", str(tmp_path / "x")]
    assert main([*words, "--db", str(recorded)]) == 1
    assert "wandb could not log run 'a:b/c'" in capsys.readouterr().err


def test_without_wandb_the_mend_is_named(
    recorded: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wandb.py").write_text("raise ImportError('none here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert main(["export", "one", "--to", "wandb", "--db", str(recorded)]) == 1
    assert "pip install wandb" in capsys.readouterr().err

"""Tables on their way to the real wandb, with what is in their cells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import pytest

from synadb.cli import main
from synadb.tracker import ExperimentTracker
from tests.test_export import needs_wandb

ROOT = Path(__file__).parents[1]
Capture = pytest.CaptureFixture[str]

BEGINNING = """
import numpy as np
import synadb.wandb_compat as wandb
run = wandb.init(project="p", id="r")
dots = np.zeros((8, 8, 3), np.uint8)
"""

MEDIA = """
boxes = {"b": {"box_data": [{"position": {"minX": 0.1, "maxX": 0.2, "minY": 0.3, "maxY": 0.4},
    "class_id": 1, "scores": {"s": 0.5}}], "class_labels": {1: "cat"}}}
masks = {"m": {"mask_data": np.ones((8, 8), np.uint8), "class_labels": {1: "cat"}}}
table = wandb.Table(columns=["id", "picture", "number"])
for n in range(2):
    picture = wandb.Image(dots + n, caption=f"c{n}", boxes=boxes, masks=masks)
    table.add_data(n, picture, [float("nan"), 1.5][n])
run.log({"table": table, "loss": 1.0})
others = [wandb.Html("<p>x</p>"), wandb.Audio("a.wav", caption="a"), wandb.Object3D(dots[0] * 1.0),
    wandb.Video("v.gif", caption="v", format="gif")]
run.log({"others": wandb.Table(columns=["html", "sound", "points", "video"], data=[others])})
run.log({"plain": wandb.Table(columns=["facts"], data=[[{"path": "a"}]])})
run.log({"deep": {"inside": wandb.Table(columns=["p"], data=[[wandb.Image(dots + 3)]])}})
twice = wandb.Table(columns=["p"], data=[[wandb.Image(dots + 4)]])
run.log({"twice": twice})
run.log({"twice": twice})
growing = wandb.Table(columns=["p"], log_mode="MUTABLE")
for n in range(2):
    growing.add_data(wandb.Image(dots + n))
    run.log({"growing": growing})
run.finish()
"""


@pytest.fixture(autouse=True)
def wandb_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))


def log(folder: Path, script: str) -> str:
    """Log a run through the drop-in; returns the database."""
    path = str(folder / "experiments.db")
    subprocess.run(
        [sys.executable, "-c", BEGINNING + script],
        env={**os.environ, "PYTHONPATH": str(ROOT), "SYNADB_PATH": path},
        cwd=folder,
        check=True,
    )
    return path


def export(path: str, out: Path, capsys: Capture) -> tuple[int, dict[str, Any]]:
    code = main(["export", "r", "--to", "wandb", "--out", str(out), "--db", path, "--json"])
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    return code, found


def contents(tracker: ExperimentTracker) -> dict[str, dict[str, Any]]:
    """What the run's versions hold: of JSON what it says, of other files their checksums."""
    return {
        version.name: {
            entry.path: json.loads(tracker.artifacts.read(version, entry.path))
            if entry.path.endswith(".json")
            else entry.sha256
            for entry in tracker.artifacts.entries(version)
        }
        for version in tracker.artifacts.outputs("r")
    }


@needs_wandb
def test_a_table_goes_over_with_the_media_in_its_cells(tmp_path: Path, capsys: Capture) -> None:
    from PIL import Image

    frames = [Image.new("RGB", (8, 8), (50 * n, 0, 0)) for n in range(3)]
    frames[0].save(tmp_path / "v.gif", save_all=True, append_images=frames[1:])
    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(200))
    path = log(tmp_path, MEDIA)
    code, found = export(path, tmp_path / "x", capsys)
    assert found["differences"] == []
    assert not [line for line in found["left_out"] if "of a table" in line]
    assert code == 0
    again = str(tmp_path / "again.db")
    assert main(["import", "wandb", found["folder"], "--db", again]) == 0
    with ExperimentTracker(path) as before, ExperimentTracker(again) as after:
        tables, tables_after = contents(before), contents(after)
        assert tables_after == tables
        assert found["artifacts"] == len(tables) == 7
        # 2 with a mask and classes, 4 in one row, 1 each in two tables, 1 and then 2.
        media = [name for files in tables.values() for name in files if name.startswith("media/")]
        assert len(media) == 4 + 4 + 1 + 1 + 1 + 2
        for key in ("table", "others", "twice", "growing", "plain"):
            want, got = before.get_table("r", key), after.get_table("r", key)
            assert repr((got.columns, got.rows)) == repr((want.columns, want.rows))
        (row,) = (row for row in after.scan("r") if "table" in row)
        named = row["table"]["artifact_path"].removeprefix("wandb-client-artifact://")
        version = after.artifacts.find(named.partition("/")[0])
        assert version is not None
        cell = tables_after[version.name]["table.table.json"]["data"][1][1]
        assert cell["caption"] == "c1"
        assert cell["boxes"]["b"][0]["scores"] == {"s": 0.5}
        assert cell["masks"].keys() == {"m"}
    capsys.readouterr()
    assert export(again, tmp_path / "y", capsys)[1]["differences"] == []


@needs_wandb
@pytest.mark.parametrize(
    ("script", "name", "cells", "reason"),
    [
        pytest.param(
            'run.log({"t": wandb.Table(columns=["p", "h"], '
            "data=[[wandb.Image(dots), wandb.Histogram([1, 2])]])})",
            "run-r-t:v0",
            "2 cells with media stay",
            "wandb refuses it, ",
            id="a histogram in a cell",
        ),
        pytest.param(
            'table = wandb.Table(columns=["p"], log_mode="INCREMENTAL")\n'
            'table.add_data(wandb.Image(dots)); run.log({"t": table})',
            "run-r-incr-t:v0",
            "1 cell with media stays",
            "no incremental-table-file is made again",
            id="an increment",
        ),
    ],
)
def test_media_that_stay_behind_are_counted(
    tmp_path: Path, capsys: Capture, script: str, name: str, cells: str, reason: str
) -> None:
    path = log(tmp_path, f"{script}\nrun.finish()")
    code, found = export(path, tmp_path / "x", capsys)
    (difference,) = found["differences"]
    assert difference.startswith(f"table {name}: {cells} behind: {reason}")
    assert sum(line.startswith("an artifact of a table: ") for line in found["left_out"]) == 1
    assert code == 1


@needs_wandb
def test_a_table_without_media_that_stays_behind_is_no_difference(
    tmp_path: Path, capsys: Capture
) -> None:
    script = 'table = wandb.Table(columns=["n"], data=[[1]], log_mode="INCREMENTAL")\n'
    path = log(tmp_path, script + 'run.log({"t": table})\nrun.finish()')
    code, found = export(path, tmp_path / "x", capsys)
    assert found["differences"] == []
    assert code == 0


@needs_wandb
def test_a_table_names_no_file_outside_its_version(
    db_path: Path, tmp_path: Path, capsys: Capture
) -> None:
    secret = tmp_path / "secret.html"
    secret.write_text("secret", encoding="utf-8")
    outside = "../" * 20 + str(secret).lstrip("/")
    cell = {"_type": "html-file", "path": outside, "sha256": "0" * 64}
    table = {"_type": "table", "columns": ["h"], "data": [[cell]], "ncols": 1, "nrows": 1}
    content = tmp_path / "t.table.json"
    content.write_text(json.dumps(table), encoding="utf-8")
    with ExperimentTracker(db_path) as tracker:
        run = tracker.run("p", run_id="r")
        tracker.log_file("r", "media/table/t.table.json", b'{"columns":["h"],"data":[["Html"]]}')
        version = tracker.artifacts.log("run-r-t", str(content), type="run_table", run_id="r")
        for entry in ("t.table.json", outside):
            address = f"wandb-client-artifact://{version.uid}/{entry}"
            row = {"_type": "table-file", "artifact_path": address}
            run.log({"t": {**row, "path": "media/table/t.table.json", "ncols": 1, "nrows": 1}})
        tracker.finish(run)
    code, found = export(str(db_path), tmp_path / "x", capsys)
    assert [line for line in found["differences"] if "1 cell with media stays behind" in line]
    assert code == 1
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path != secret]
    assert all(path.read_bytes() != b"secret" for path in written)

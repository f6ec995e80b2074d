"""A run that another process has logged to, seen by the one that started it; files of media."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synadb.wandb_compat as wandb
from synadb import ExperimentTracker
from tests.conftest import ROOT

HEAD = "import synadb.wandb_compat as wandb\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)
    run = wandb.init(
        project="p", settings={"silent": True, "console": "off", "x_disable_stats": True}
    )
    yield run
    run.finish()
    wandb.teardown()


def elsewhere(run: Any, source: str) -> None:
    """Execute source in another process, with `run` attached."""
    attach = f"run = wandb._attach({run._attach_id!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", HEAD + attach + textwrap.dedent(source)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "WANDB_SILENT": "true"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def history(folder: Path, run: Any) -> list[dict[str, Any]]:
    with ExperimentTracker(folder / "experiments.db") as tracker:
        assert not tracker.check().problems
        return [
            {key: value for key, value in row.items() if key[:1] != "_"}
            for row in tracker.rows(run.id)
        ]


def test_steps_summary_and_config_of_the_other_are_known(run: Any, tmp_path: Path) -> None:
    run.log({"loss": 5})
    elsewhere(
        run,
        """
        for step in range(4): run.log({"loss": 4 - step, "other": step})
        run.summary["hand"] = 7
        run.config.update({"theirs": [1]})
        """,
    )
    assert run.step == 5
    assert {key: run.summary[key] for key in ("loss", "other", "hand")} == {
        "loss": 1,
        "other": 3,
        "hand": 7,
    }
    assert run.config.theirs == [1]
    run.log({"loss": 9})
    assert (run.step, run.summary["loss"]) == (6, 9)
    run.finish()
    assert [row["loss"] for row in history(tmp_path, run)] == [5, 4, 3, 2, 1, 9]
    with ExperimentTracker(tmp_path / "experiments.db") as tracker:
        record = tracker.get_run(run.id)
    assert {record.summary[key] for key in ("hand", "other", "_step")} == {7, 3, 5}


def test_a_row_of_a_known_shape_knows_them_too(run: Any, tmp_path: Path) -> None:
    """The short way of `log` is left once; a step metric goes on where the other has been."""
    run.define_metric("*", step_metric="at", step_sync=True)
    for step in range(3):
        run.log({"loss": float(step), "at": step})
    run.log({"loss": 0.5})
    elsewhere(run, "run.log({'loss': 1.5, 'at': 10})")
    run.log({"loss": 2.5})
    run.finish()
    assert [row["at"] for row in history(tmp_path, run)] == [0, 1, 2, 2, 10, 10]


def test_what_definitions_say_counts_the_rows_of_all(run: Any) -> None:
    run.define_metric("loss", summary="min,max")
    run.log({"loss": 5})
    elsewhere(run, "run.log({'loss': 1})\nrun.log({'loss': 7})")
    run.log({"loss": 3})
    assert run.summary["loss"] == {"min": 1, "max": 7}


def test_an_open_row_is_not_torn_apart(run: Any, tmp_path: Path) -> None:
    run.log({"a": 1}, commit=False)
    elsewhere(run, "run.log({'b': 1})")
    run.log({"c": 1})
    run.log({"d": 1})
    run.finish()
    rows = history(tmp_path, run)
    assert {"a": 1, "c": 1} in rows
    assert sorted(key for row in rows for key in row) == ["a", "b", "c", "d"]


def test_a_file_of_media_is_there_once_its_name_is_read(run: Any) -> None:
    run.log({"table": wandb.Table(columns=["a"], data=[[1]])})
    assert not list(Path(run.dir).glob("media/**/*.json"))
    path = os.path.join(run.dir, run.summary.table["path"])
    assert json.loads(Path(path).read_text())["data"] == [[1]]
    pixels = np.zeros((2, 2, 3), np.uint8)
    run.log({"nested": {"images": [wandb.Image(pixels), wandb.Image(pixels + 1)]}})
    names = run.summary["nested"]["images"]["filenames"]
    assert len(names) == 2
    assert all(os.path.exists(os.path.join(run.dir, name)) for name in names)
    run.summary["mine"] = {"path": "no/file", "_type": 3}
    assert run.summary["mine"]["path"] == "no/file"


def test_none_is_no_newer_value_of_media(run: Any) -> None:
    for number in range(20):
        run.log({"table": wandb.Table(columns=["a"], data=[[number]])})
        run.log({"table": None})
        assert run.summary["table"]["path"].startswith(f"media/table/table_{2 * number}_")

"""Which run is the best where a metric's summary is a dict of what `define_metric` asked for."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import pytest

from synadb.tracker import ExperimentTracker
from tests.conftest import RunScript

MODES: tuple[Literal["min", "max"], ...] = ("min", "max")
SCRIPT = """
import synadb.wandb_compat as wandb

for name, values in (("a", (0.1, 0.5, 0.2)), ("b", (0.3, 0.4, 0.4)), ("c", (0.2, 0.3, 0.05))):
    with wandb.init(project="p", id=name) as run:
        run.define_metric("val/acc", summary="max")
        run.define_metric("loss", summary="min,max")
        for value in values:
            run.log({"val/acc": value, "loss": 1 - value})
"""


def test_after_define_metric(db_path: Path, run_script: RunScript) -> None:
    run_script(SCRIPT, db_path)
    with ExperimentTracker(db_path) as tracker:
        assert tracker.get_run("a").summary["val/acc"] == {"max": 0.5}
        found = {
            (metric, mode): run.run_id
            for metric in ("val/acc", "val/acc.max", "loss")
            for mode in MODES
            if (run := tracker.best_run("p", metric, mode)) is not None
        }
    assert found == {
        ("val/acc", "max"): "a",
        ("val/acc", "min"): "c",
        ("val/acc.max", "max"): "a",
        ("val/acc.max", "min"): "c",
        ("loss", "min"): "a",
        ("loss", "max"): "c",
    }


@pytest.mark.parametrize(
    ("mode", "one", "other", "best"),
    [
        ("max", {"max": 1, "min": 9, "best": 9, "last": 9}, 2, "other"),
        ("min", {"max": 9, "min": 1, "best": 9, "last": 9}, 2, "one"),
        ("max", {"mean": 3, "first": 9, "best": 1, "last": 9}, 2, "other"),
        ("max", {"mean": 1, "first": 1, "last": 9}, 2, "one"),
        ("max", {"first": 9}, 2, "one"),
        ("max", {"first": 9, "best": "text"}, 2, "one"),
        ("max", {"mean": 9, "first": 9}, 2, "other"),
        ("max", {"max": math.nan}, 2, "other"),
        ("max", {"max": 9, "epoch": 1}, 2, "other"),
        ("max", {}, 2, "other"),
        ("max", {"max": "text"}, {"max": None}, None),
    ],
)
def test_which_number_of_a_dict_counts(
    db_path: Path, mode: Literal["min", "max"], one: Any, other: Any, best: str | None
) -> None:
    with ExperimentTracker(db_path) as tracker:
        for run_id, value in (("one", one), ("other", other)):
            with tracker.run("e", run_id=run_id) as run:
                run.set_summary({"acc": value})
        found = tracker.best_run("e", "acc", mode)
    assert (found and found.run_id) == best

"""Charts under real wandb: rows, tables, config and errors are the same from both.

Curves are drawn by the real one only where scikit-learn is installed; what it gave is recorded in
`tests/test_media_plot.py`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synadb.formats.wandb_log import read_wandb_log
from synadb.wandb_compat import plot
from synadb.wandb_compat._media.chart import charts_to_tables
from synadb.wandb_compat._media.table import Table
from synadb.wandb_compat._values import history_value

HAS_SKLEARN = importlib.util.find_spec("sklearn") is not None
pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("wandb", "pandas")),
    reason="real wandb or pandas is not installed",
)

# Executed in the script of the real one and here.
PRELUDE = """
import numpy as np
import pandas as pd
def table():
    return Table(columns=["x", "y", "z"], data=[[1, 2.5, "a"], [3, 4.0, "b"], [3, -1.0, "a"]])
def samples(count, classes):
    truth = [(i * 7 + i // 5) % classes for i in range(count)]
    scores = [
        [(i * 37 + c * 53 + 40 * (truth[i] == c)) % 101 / 100 for c in range(classes)]
        for i in range(count)
    ]
    return truth, scores
Y, P = samples(30, 3)
MANY = np.arange(24000)
"""

ROWS = """
{"k": plot.line(table(), "x", "y")}
{"k": plot.line(table(), "x", "y", stroke="z", title="T", split_table=True)}
{"k": plot.line(table(), x="nowhere", y="y")}
{"k": plot.scatter(table(), "x", "y", title="unié", split_table=False)}
{"k": plot.bar(table(), "z", "y", title="T")}
{"k": plot.bar(table(), label="z", value="y", split_table=True)}
{"k": plot.histogram(table(), "y")}
{"k": plot.histogram(table(), value="y", title="T", split_table=True)}
{"k": plot.line_series([0, 1, 2], [[1, 2, 3], [4, 5, 6]])}
{"k": plot.line_series([[0, 1], [5, 6]], [[1, 2], [4, 5]], keys=["a", "b"], title="T", xname="s")}
{"k": plot.line_series([0, 1, 2], [[1, 2], [4]], split_table=True)}
{"k": plot.line_series(["a", "b"], [[1, 2]])}
{"k": plot.line_series(["ab", "cd"], [[1, 2]], keys=("n",))}
{"k": plot.line_series(np.arange(3), np.arange(6).reshape(2, 3) / 4)}
{"k": plot.line_series(np.arange(6).reshape(2, 3), np.arange(6, dtype="f4").reshape(2, 3) / 10)}
{"k": plot.line_series(pd.Series([1, 2]), [pd.Series([1.5, 2.5]), (7, 8)])}
{"k": plot.line_series([(0, 1)], [range(2)])}
{"k": plot.line_series([0], [])}
{"k": plot.line_series([1, 2], [[None, True]])}
{"k": plot.confusion_matrix(y_true=[0, 1, 2, 1], preds=[0, 2, 2, 1])}
{"k": plot.confusion_matrix(None, [0, 1, 2, 1], [0, 2, 2, 1], ["a", "b", "c"], "T", True)}
{"k": plot.confusion_matrix(y_true=["b", "a"], preds=["b", "b"])}
{"k": plot.confusion_matrix(y_true=[5, 3, 5], preds=[3, 3, 9])}
{"k": plot.confusion_matrix(y_true=[0], preds=[1], class_names=("a", "b", "c"))}
{"k": plot.confusion_matrix(y_true=[0], preds=[1], class_names={2: "c", 0: "a", 1: "b"})}
{"k": plot.confusion_matrix(probs=[[0.1, 0.9], [0.6, 0.4], [0.5, 0.5]], y_true=[1, 1, 0])}
{"k": plot.confusion_matrix(probs=np.array(P), y_true=np.array(Y), class_names=["a", "b", "c"])}
{"k": plot.confusion_matrix(probs=pd.DataFrame(P), y_true=pd.Series(Y))}
{"k": plot.confusion_matrix(y_true=[True, False], preds=[False, False])}
{"k": plot.confusion_matrix(y_true=[1.0, 0], preds=[1, True])}
{"k": plot.confusion_matrix(y_true=[], preds=[])}
{"k": plot.confusion_matrix(y_true=[], preds=[], class_names=["a"])}
{"k": plot.plot_table("user/spec", table(), {"x": "x"})}
{"k": plot.plot_table("user/spec", table(), {"x": "x"}, {"t": "T", "n": 5}, split_table=True)}
{"k": plot.plot_table(vega_spec_name="s", data_table=table(), fields={}, string_fields={})}
{"k": plot.visualize("user/viz", table())}
{"k": plot.visualize(id="", value=table())}
{"a": 1, "n": {"k": plot.line(table(), "x", "y"), "z": 2}, "b": 3}
{"n": {"k": plot.line(table(), "x", "y")}, "b": 3}
{"n": {"m": {"k": plot.bar(table(), "x", "y", split_table=True)}, "z": 1}}
{"n": {1: plot.bar(table(), "x", "y")}}
{"": {"k2": plot.bar(table(), "x", "y")}}
{"n": {"k": plot.visualize("user/viz", table())}}
{"k_table": 5, "k": plot.line(table(), "x", "y")}
{"k": plot.line(table(), "x", "y"), "k_table": 5}
{"c/d e": plot.line(table(), "x", "y"), "é": plot.visualize("v", table())}
{"k1": plot.line(table(), "x", "y"), "k2": plot.visualize("v", table()), "k3": {"q": 1}}
"""

CURVES = """
{"k": plot.FUNCTION(Y, P)}
{"k": plot.FUNCTION(np.array(Y), np.array(P, "f4"), labels=["a", "b", "c"], split_table=True)}
{"k": plot.FUNCTION(Y, P, labels=["a", "b", "c"], classes_to_plot=[2, 0], title="T")}
{"k": plot.FUNCTION(Y, P, labels=["a", "b", "a"])}
{"k": plot.FUNCTION(Y, P, labels=[7, "b", 8.5])}
{"k": plot.FUNCTION(Y, P, labels={0: "a", 1: "b", 2: "c"})}
{"k": plot.FUNCTION(Y, P, classes_to_plot=1)}
{"k": plot.FUNCTION(["cab"[y] for y in Y], P, labels=["not", "used", "here"])}
{"k": plot.FUNCTION(pd.Series(["cab"[y] for y in Y]), pd.DataFrame(P), classes_to_plot=["a"])}
{"k": plot.FUNCTION([y > 0 for y in Y], P)}
{"k": plot.FUNCTION([1, 1], [[0.5], [0.25]])}
{"k": plot.FUNCTION([y * 10.0 for y in Y], P, labels=["a", "b", "c"])}
{"k": plot.FUNCTION([y - 1 for y in Y], P, labels=["a", "b", "c"])}
{"k": plot.FUNCTION([[y] for y in Y], P)}
{"k": plot.FUNCTION(Y, np.array(P, dtype=object))}
{"k": plot.FUNCTION(Y, np.array(P) > 0.5)}
{"k": plot.FUNCTION(Y, np.array(P) * 1e300)}
{"k": plot.FUNCTION(Y, [row[:2] for row in P], classes_to_plot=[0, 1])}
"""

ROWS_OF_CURVES = (
    CURVES.replace("FUNCTION", "roc_curve")
    + CURVES.replace("FUNCTION", "pr_curve")
    + """
{"k": plot.pr_curve(Y, P, interp_size=7)}
{"k": plot.pr_curve(Y, P, None, None, 1, "T", True)}
{"k": plot.pr_curve(Y, P, interp_size=0)}
{"k": plot.pr_curve(Y, P, interp_size=4001)}
{"k": plot.roc_curve(MANY * 7919 % 3, (MANY[:, None] * [7, 11, 13] % 9973) / 9973)}
{"k": plot.roc_curve(MANY % 2, (MANY[:, None] * [7, 11] % 24001), labels=["b", "a"])}
"""
)

ERRORS = """
plot.line([[1, 2]], "x", "y")
plot.scatter(None, "x", "y")
plot.bar(pd.DataFrame({"x": [1]}), "x", "x")
plot.histogram("table", "x")
plot.plot_table("spec", {"x": 1}, {})
plot.visualize("viz", [[1]])
plot.line_series([[0, 1], [1, 2]], [[1, 2]])
plot.line_series([0, 1], [[1, 2]], keys=["a", "b"])
plot.line_series([0, 1], [[1, 2]], keys=[])
plot.line_series([], [])
plot.line_series([0, 1], [1, 2])
plot.line_series(None, [[1]])
plot.line_series([0], None)
plot.confusion_matrix(probs=[[1, 0]], preds=[0], y_true=[0])
plot.confusion_matrix(preds=[0, 1], y_true=[0])
plot.confusion_matrix(preds=[0, 1], y_true=[0, 0], class_names=["a"])
plot.confusion_matrix(preds=[0, 0], y_true=[0, 1], class_names=["a"])
plot.confusion_matrix(preds=[0, 5], y_true=[0, 1], class_names=["a", "b"])
plot.confusion_matrix(preds=["a", "b"], y_true=["a", "b"], class_names=["a", "b"])
plot.confusion_matrix(preds=[0, 1], y_true=[0, 1], class_names={1: "a", 2: "b"})
plot.confusion_matrix(preds=["a", 1], y_true=["a", 1])
plot.confusion_matrix(preds=[[0], [1]], y_true=[0, 1])
plot.confusion_matrix(probs=[0.5, 0.5], y_true=[0, 1])
plot.confusion_matrix(y_true=[0])
plot.confusion_matrix(preds=[0])
log({"": plot.line(table(), "x", "y")})
"""

ERRORS_OF_CURVES = "".join(
    f"plot.{function}({arguments})\n"
    for function in ("roc_curve", "pr_curve")
    for arguments in (
        "Y, None",
        "None, P",
        "Y, P[:-1]",
        "Y, P[:-1] + [[1]]",
        "Y, [row[0] for row in P]",
        "Y, [row[:2] for row in P]",
        "Y, P, labels=['a']",
        "Y, P, labels={0: 'a'}",
        "Y, P, classes_to_plot=[]",
        "Y, P, classes_to_plot=[9]",
        "[], []",
        "[y + 0.5 for y in Y], P",
        "[float('nan')] + Y[1:], P",
        "[None] + Y[1:], P",
        "np.array(Y, dtype=object), P",
        "[[y, y] for y in Y], P",
        "Y, np.array(P) * np.nan",
        "Y, np.array(P) / 0.0",
        "Y, np.array(P) + 0j",
        "Y, np.array(P).astype(str)",
        "Y, np.array(P)[None]",
    )
) + ("plot.pr_curve(Y, P, interp_size=-1)\nplot.pr_curve(Y, P, interp_size=2.5)\n")

SCRIPT = """
import json, sys, warnings
warnings.simplefilter("ignore")
import wandb
from wandb import Table, plot
prelude, rows, errors, out = json.loads(sys.stdin.read())
exec(prelude)
run = wandb.init(mode="offline", project="p")
log = run.log
for step, row in enumerate(rows):
    run.log(eval(row), step=step)
raised = {}
for call in errors:
    try:
        eval(call)
    except Exception as error:
        raised[call] = [kind.__name__ for kind in type(error).__mro__]
run.finish()
print(json.dumps([run.settings.sync_file, run.settings.files_dir, raised]))
"""


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


ALL_ROWS = _lines(ROWS) + (_lines(ROWS_OF_CURVES) if HAS_SKLEARN else [])
ALL_ERRORS = _lines(ERRORS) + (_lines(ERRORS_OF_CURVES) if HAS_SKLEARN else [])


@dataclass
class Told:
    """What a run of the real one left behind."""

    rows: dict[int, dict[str, Any]]
    config: dict[str, Any]
    files: Path
    raised: dict[str, list[str]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("real")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps([PRELUDE, ALL_ROWS, ALL_ERRORS, str(folder)]),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "WANDB_SILENT": "true",
            "WANDB_DIR": str(folder),
        },
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    path, files, raised = json.loads(done.stdout.splitlines()[-1])
    log = read_wandb_log(Path(path))
    assert not log.problems
    rows = {row["_step"]: row for row in log.history}
    return Told(rows, log.config_wandb, Path(files), raised)


class Ours:
    """The same expressions, evaluated here; `log` takes a row as a run would."""

    def __init__(self) -> None:
        self.config: dict[str, dict[str, Any]] = {"visualize": {}, "viz": {}}
        self.names: dict[str, Any] = {"Table": Table, "plot": plot, "log": self.log}
        exec(PRELUDE, self.names)

    def log(self, row: dict[str, Any]) -> dict[str, Any]:
        return charts_to_tables(row, self._set)

    def _set(self, group: str, key: str, value: Any) -> None:
        self.config[group][key] = value

    def evaluate(self, expression: str) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return eval(expression, self.names)


def _plain(value: Any) -> str:
    """JSON text, which tells 1 from 1.0."""

    def item(inner: np.generic[Any]) -> Any:
        return inner.item()

    return json.dumps(value, default=item, sort_keys=True)


@pytest.mark.parametrize("step", range(len(ALL_ROWS)), ids=ALL_ROWS)
def test_row(told: Told, step: int) -> None:
    ours = Ours()
    row = ours.log(ours.evaluate(ALL_ROWS[step]))
    tables = {key: row.pop(key) for key in list(row) if isinstance(row[key], Table)}
    real = {key: value for key, value in told.rows[step].items() if key[0] != "_"}
    for key, table in tables.items():
        stored = real.pop(key)
        assert stored["_type"] == "table-file"
        found = json.loads((told.files / stored["path"]).read_text("utf-8"))
        assert table.columns == found["columns"]
        assert _plain(table.data) == _plain(found["data"])
    assert _plain(history_value(row)) == _plain(real)


def test_config(told: Told) -> None:
    ours = Ours()
    for row in ALL_ROWS:
        ours.log(ours.evaluate(row))
    for group, charts in ours.config.items():
        assert _plain(charts) == _plain(told.config[group])


@pytest.mark.parametrize("call", ALL_ERRORS)
def test_error(told: Told, call: str) -> None:
    assert call in told.raised, "the real one raises nothing"
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is the question
        Ours().evaluate(call)
    assert type(caught.value).__name__ in told.raised[call], caught.value
    assert len(str(caught.value)) > 20

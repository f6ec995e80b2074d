"""Charts and the curves in them: definitions, recorded figures, and what a row makes of them."""

from __future__ import annotations

import copy
import hashlib
import importlib
import importlib.util
import json
import pickle
import subprocess
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from synadb.media import curves
from synadb.wandb_compat import plot
from synadb.wandb_compat._media.chart import (
    CustomChart,
    CustomChartSpec,
    Visualize,
    charts_to_tables,
)
from synadb.wandb_compat._media.table import Table
from synadb.wandb_compat.errors import Error
from tests.conftest import ROOT

FUNCTIONS = [
    "bar",
    "confusion_matrix",
    "histogram",
    "line",
    "line_series",
    "pr_curve",
    "roc_curve",
    "scatter",
]

# Few distinct scores, so that there are ties.
SAMPLES = st.lists(
    st.tuples(st.booleans(), st.integers(-4, 4) | st.floats(-1e6, 1e6)), min_size=1, max_size=40
)


def table() -> Table:
    return Table(columns=["x", "y"], data=[[1, 2.5], [3, 4.0]])


def samples(count: int, classes: int) -> tuple[list[int], list[list[float]]]:
    truth = [(i * 7 + i // 5) % classes for i in range(count)]
    scores = [
        [(i * 37 + c * 53 + 40 * (truth[i] == c)) % 101 / 100 for c in range(classes)]
        for i in range(count)
    ]
    return truth, scores


def rows_of(chart: CustomChart | None) -> list[list[Any]]:
    assert chart is not None
    return [list(row) for row in chart.table.data]


def digest(chart: CustomChart | None) -> str:
    return hashlib.sha256(json.dumps(rows_of(chart)).encode()).hexdigest()


# -- curves by their definitions ---------------------------------------------------------------


@given(SAMPLES)
def test_area_under_roc_is_the_chance_to_rank_a_pair_right(pairs: list[tuple[bool, float]]) -> None:
    truth, scores = zip(*pairs, strict=True)
    fpr, tpr, thresholds = curves.roc_curve(truth, scores)
    assert len(fpr) == len(tpr) == len(thresholds)
    assert thresholds[0] == np.inf
    assert (np.diff(thresholds) < 0).all()
    above = [score for hit, score in pairs if hit]
    below = [score for hit, score in pairs if not hit]
    assert np.isnan(tpr).all() == (not above)
    assert np.isnan(fpr).all() == (not below)
    if above and below:
        right = sum((a > b) + (a == b) / 2 for a in above for b in below)
        area = (np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2).sum()
        assert area == pytest.approx(right / (len(above) * len(below)))
        assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)


@given(SAMPLES)
def test_every_roc_point_is_what_its_threshold_counts(pairs: list[tuple[bool, float]]) -> None:
    truth, scores = (np.array(part) for part in zip(*pairs, strict=True))
    for fpr, tpr, threshold in zip(*curves.roc_curve(truth, scores), strict=True):
        if truth.any():
            assert tpr == pytest.approx((scores[truth] >= threshold).mean())
        if not truth.all():
            assert fpr == pytest.approx((scores[~truth] >= threshold).mean())


@given(SAMPLES)
def test_precision_and_recall_are_what_thresholds_count(pairs: list[tuple[bool, float]]) -> None:
    truth, scores = (np.array(part) for part in zip(*pairs, strict=True))
    precision, recall, thresholds = curves.precision_recall_curve(truth, scores)
    assert (precision[-1], recall[-1]) == (1, 0)
    assert thresholds.tolist() == sorted(set(scores.tolist()))
    for p, r, threshold in zip(precision[:-1], recall[:-1], thresholds, strict=True):
        chosen = scores >= threshold
        assert p == pytest.approx(truth[chosen].mean())
        assert r == pytest.approx((truth & chosen).sum() / truth.sum() if truth.any() else 1)


@given(SAMPLES, st.integers(1, 30))
def test_interpolated_precision_is_the_best_from_there_on(
    pairs: list[tuple[bool, float]], size: int
) -> None:
    precision, recall, _ = curves.precision_recall_curve(*zip(*pairs, strict=True))
    points = np.linspace(0, 1, size)
    found = curves.interpolated_precision(precision, recall, points)
    assert found.tolist() == [precision[recall >= point].max() for point in points]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=60))
def test_confusion_matrix_counts_pairs(pairs: list[tuple[int, int]]) -> None:
    truth, guesses = [a for a, _ in pairs], [b for _, b in pairs]
    counted = Counter(pairs)
    names = sorted({*truth, *guesses})
    found = curves.confusion_matrix(truth, guesses)
    assert found.tolist() == [[counted[a, b] for b in names] for a in names]
    assert curves.confusion_matrix(truth, guesses, range(6)).sum() == len(pairs)


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=80), st.data())
def test_sample_keeps_proportions(groups: list[str], data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(groups)))
    kept = curves.stratified_sample(groups, size)
    assert len(kept) == len(set(kept.tolist())) == size
    drawn = Counter(groups[at] for at in kept.tolist())
    for group, count in Counter(groups).items():
        assert abs(drawn[group] - count * size / len(groups)) < 1
    assert kept.tolist() == curves.stratified_sample(groups, size).tolist()


@given(SAMPLES, st.lists(st.sampled_from("abc"), min_size=1, max_size=60), st.data())
@settings(max_examples=60)
@pytest.mark.filterwarnings("ignore:A single label was found")
def test_equal_to_scikit_learn(
    pairs: list[tuple[bool, float]], groups: list[str], data: st.DataObject
) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    resample = pytest.importorskip("sklearn.utils").resample
    truth, scores = zip(*pairs, strict=True)
    if len(set(truth)) == 2:
        for name in ("roc_curve", "precision_recall_curve"):
            theirs = getattr(metrics, name)(truth, scores)
            for mine, other in zip(getattr(curves, name)(truth, scores), theirs, strict=True):
                np.testing.assert_allclose(mine, other, rtol=0, atol=1e-9)
    guesses = data.draw(st.permutations(groups))
    assert (
        curves.confusion_matrix(groups, guesses).tolist()
        == metrics.confusion_matrix(groups, guesses).tolist()
    )
    size = data.draw(st.integers(1, len(groups)))
    theirs = resample(
        np.arange(len(groups)), replace=False, n_samples=size, random_state=42, stratify=groups
    )
    assert curves.stratified_sample(groups, size).tolist() == theirs.tolist()


def test_curves_of_one_example() -> None:
    # scikit-learn 1.9.1 on the same numbers
    truth, scores = [0, 1, 1, 0, 1, 0], [0.1, 0.4, 0.4, 0.4, 0.8, 0.9]
    fpr, tpr, thresholds = curves.roc_curve(truth, scores)
    assert fpr.tolist() == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 1], abs=1e-12)
    assert tpr.tolist() == pytest.approx([0, 0, 1 / 3, 1, 1], abs=1e-12)
    assert thresholds.tolist() == [float("inf"), 0.9, 0.8, 0.4, 0.1]
    precision, recall, thresholds = curves.precision_recall_curve(truth, scores)
    assert precision.tolist() == [0.5, 0.6, 0.5, 0, 1]
    assert recall.tolist() == pytest.approx([1, 1, 1 / 3, 0, 0], abs=1e-12)
    assert thresholds.tolist() == [0.1, 0.4, 0.8, 0.9]


@pytest.mark.parametrize("curve", [curves.roc_curve, curves.precision_recall_curve])
@pytest.mark.parametrize(
    ("truth", "scores", "error"),
    [
        ([1, 0], [0.5], ValueError),
        ([], [], ValueError),
        ([1, 0], [0.5, float("nan")], ValueError),
        ([1, 0], [0.5, float("inf")], ValueError),
        ([1, 0], [[0.5, 1], [1, 2]], ValueError),
        ([1, 0], ["a", "b"], TypeError),
        ([1, 0], [1j, 2j], ValueError),
    ],
)
def test_curves_refuse(curve: Any, truth: Any, scores: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"^{curve.__name__}: "):
        curve(truth, scores)


# -- roc_curve and pr_curve ----------------------------------------------------------------------

# Recorded from wandb 0.31.0 with scikit-learn 1.9.1, numpy 2.4.6 and pandas 3.1.1.
# fmt: off
ROC = {
    "a": [(0.0, 0.0), (0.125, 0.0), (0.25, 0.0), (0.25, 0.167), (0.375, 0.167), (0.5, 0.333),
          (0.625, 0.333), (0.625, 0.5), (0.75, 0.5), (0.75, 0.667), (0.875, 0.667), (0.875, 1.0),
          (1.0, 1.0)],
    "c": [(0.0, 0.0), (0.091, 0.0), (0.182, 0.0), (0.182, 0.333), (0.727, 0.333), (0.727, 0.667),
          (1.0, 0.667), (1.0, 1.0)],
}
PR = {
    "a": [(0.462, 1.0), (0.462, 0.8), (0.462, 0.6), (0.462, 0.4), (0.462, 0.2), (1.0, 0.0)],
    "b": [(0.385, 1.0), (0.385, 0.8), (0.385, 0.6), (0.385, 0.4), (1.0, 0.2), (1.0, 0.0)],
    "c": [(0.214, 1.0), (0.214, 0.8), (0.214, 0.6), (0.214, 0.4), (0.333, 0.2), (1.0, 0.0)],
}
# fmt: on
THINNED_ROC = "c0d6d1e7f43dc0768eccb97b3d1d48ffe7ac1233c37708cf265cd443cc3eefbe"
THINNED_PR = "b9fb41505facf162be0611567151b716e8bc60f1f770dd70b8142236f8a448ec"


def expected(curve: dict[str, list[tuple[float, float]]]) -> list[list[Any]]:
    return [[label, *point] for label, points in curve.items() for point in points]


def test_roc_curve_recorded() -> None:
    y, p = samples(14, 3)
    chart = plot.roc_curve(y, p, labels=["a", "b", "c"], classes_to_plot=[0, 2])
    assert chart is not None
    assert chart.table.columns == ["class", "fpr", "tpr"]
    assert rows_of(chart) == expected(ROC)
    assert chart.spec == CustomChartSpec(
        "wandb/area-under-curve/v0",
        {"x": "fpr", "y": "tpr", "class": "class"},
        {
            "title": "ROC Curve",
            "x-axis-title": "False positive rate",
            "y-axis-title": "True positive rate",
        },
    )


def test_pr_curve_recorded() -> None:
    y, p = samples(14, 3)
    chart = plot.pr_curve(y, p, ["a", "b", "c"], interp_size=6, split_table=True)
    assert chart is not None
    assert chart.table.columns == ["class", "precision", "recall"]
    assert rows_of(chart) == expected(PR)
    assert chart.spec == CustomChartSpec(
        "wandb/area-under-curve/v0",
        {"x": "recall", "y": "precision", "class": "class"},
        {"title": "Precision-Recall Curve", "x-axis-title": "Recall", "y-axis-title": "Precision"},
        split_table=True,
    )


def test_pr_curve_has_21_points_and_text_classes() -> None:
    y, p = samples(14, 3)
    rows = rows_of(plot.pr_curve(["xyz"[i] for i in y], p, classes_to_plot=["y"]))
    assert [row[1] for row in rows] == [0.385] * 16 + [1.0] * 5
    assert [row[2] for row in rows] == [round(1 - i * 0.05, 2) for i in range(21)]
    assert {row[0] for row in rows} == {"y"}


def test_long_curves_are_thinned_as_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    many = np.arange(24000)
    chart = plot.roc_curve(many % 2, many[:, None] * [7, 11] % 24001, labels=["b", "a"])
    assert digest(chart) == THINNED_ROC
    y, p = samples(14, 3)
    assert digest(plot.pr_curve(y, p, interp_size=4001)) == THINNED_PR
    told = capsys.readouterr().err
    assert "WARNING roc_curve" in told
    assert "WARNING pr_curve" in told
    assert "10000" in told


def test_inputs_of_any_kind_give_the_same_curve() -> None:
    pandas = pytest.importorskip("pandas")
    y, p = samples(30, 3)
    names = ["cat", "dog", "cow"]
    for function in (plot.roc_curve, plot.pr_curve):
        whole = rows_of(function(y, p, labels=names))
        for truth in (np.array(y, "i1"), pandas.Series(y, index=range(5, 35)), tuple(y)):
            for scores in (np.array(p), pandas.DataFrame(p), tuple(map(tuple, p))):
                assert rows_of(function(truth, scores, labels=names)) == whole


def test_one_class_has_no_false_positive_rate(capsys: pytest.CaptureFixture[str]) -> None:
    chart = plot.roc_curve([1, 1], [[0.5], [0.25]])
    assert chart is not None
    rows = rows_of(chart)
    assert [row[2] for row in rows] == [0, 0.5, 1]
    assert all(row[1] != row[1] for row in rows)
    types = chart.table._column_types.to_json()["params"]["type_map"]
    assert types["fpr"] == types["tpr"]
    assert "WARNING roc_curve: all samples are of class 1" in capsys.readouterr().err


@given(
    st_numpy.arrays(
        st_numpy.scalar_dtypes(), st_numpy.array_shapes(min_dims=0, max_dims=2, max_side=6)
    ),
    st_numpy.arrays(
        st_numpy.scalar_dtypes(), st_numpy.array_shapes(min_dims=0, max_dims=3, max_side=6)
    ),
)
@pytest.mark.filterwarnings("ignore")  # numpy's about what some dtypes overflow to
def test_any_arrays_are_drawn_or_refused(truth: Any, scores: Any) -> None:
    for function in (plot.roc_curve, plot.pr_curve):
        try:
            chart = function(truth, scores)
        except (ValueError, TypeError, IndexError):
            continue
        json.dumps(rows_of(chart))


# -- line_series and confusion_matrix ------------------------------------------------------------


def test_line_series_shares_x_or_not() -> None:
    shared = plot.line_series([0, 1], [[5, 6], [7, 8]])
    assert shared.table.columns == ["step", "lineKey", "lineVal"]
    assert rows_of(shared) == [
        [0, "line_0", 5],
        [1, "line_0", 6],
        [0, "line_1", 7],
        [1, "line_1", 8],
    ]
    own = plot.line_series([[0, 1], [2, 3]], [[5, 6], [7]], keys=["a", "b"], title="T", xname="n")
    assert rows_of(own) == [[0, "a", 5], [1, "a", 6], [2, "b", 7]]
    assert own.spec == CustomChartSpec(
        "wandb/lineseries/v0",
        {"step": "step", "lineKey": "lineKey", "lineVal": "lineVal"},
        {"title": "T", "xname": "n"},
    )


def test_line_series_takes_arrays_generators_and_frames() -> None:
    pandas = pytest.importorskip("pandas")
    whole = rows_of(plot.line_series([0, 1], [[5.0, 6.0], [7.0, 8.0]], ["a", "b"]))
    frame = pandas.DataFrame({"first": [5.0, 6.0], "second": [7.0, 8.0]})
    for xs in ([0, 1], np.arange(2), (x for x in range(2)), pandas.Series([0, 1], index=[7, 8])):
        found = plot.line_series(xs, frame, (key for key in "ab"))
        assert rows_of(found) == whole
        assert all(type(cell) in (int, float, str) for row in rows_of(found) for cell in row)


def test_line_series_is_independent_of_what_it_was_given() -> None:
    ys = np.array([[1.0, 2.0]])
    chart = plot.line_series([0, 1], ys)
    ys[:] = 9
    assert [row[2] for row in rows_of(chart)] == [1, 2]


def test_confusion_matrix_names_and_orders_classes() -> None:
    chart = plot.confusion_matrix(y_true=[5, 3, 5], preds=[3, 3, 9])
    assert chart.table.columns == ["Actual", "Predicted", "nPredictions"]
    counted = {(actual, guess): count for actual, guess, count in rows_of(chart)}
    assert {pair for pair, count in counted.items() if count} == {
        ("Class_1", "Class_1"),
        ("Class_2", "Class_1"),
        ("Class_2", "Class_3"),
    }
    assert len(counted) == 9
    named = plot.confusion_matrix(y_true=[0, 1], preds=[1, 1], class_names=["no", "yes"], title="T")
    assert rows_of(named) == [
        ["no", "no", 0],
        ["no", "yes", 1],
        ["yes", "no", 0],
        ["yes", "yes", 1],
    ]
    by_number = plot.confusion_matrix(y_true=[0, 1], preds=[1, 1], class_names={1: "yes", 0: "no"})
    assert rows_of(by_number) == rows_of(named)
    assert named.spec == CustomChartSpec(
        "wandb/confusion_matrix/v1",
        {"Actual": "Actual", "Predicted": "Predicted", "nPredictions": "nPredictions"},
        {"title": "T"},
    )


def test_confusion_matrix_of_probabilities_takes_the_highest() -> None:
    probs = [[0.1, 0.9], [0.6, 0.4], [0.5, 0.5]]
    assert rows_of(plot.confusion_matrix(probs, [1, 1, 0], class_names="ab")) == rows_of(
        plot.confusion_matrix(y_true=[1, 1, 0], preds=[1, 0, 0], class_names="ab")
    )


def test_tensors() -> None:
    torch = pytest.importorskip("torch")
    y, p = samples(12, 3)
    scores = torch.tensor(p, dtype=torch.float64, requires_grad=True)
    for function in (plot.roc_curve, plot.pr_curve):
        assert rows_of(function(torch.tensor(y), scores)) == rows_of(function(y, p))
    labels = [torch.tensor(label) for label in y]
    assert rows_of(plot.confusion_matrix(scores, labels)) == rows_of(plot.confusion_matrix(p, y))
    lines = plot.line_series(torch.arange(3), torch.arange(6).reshape(2, 3))
    assert rows_of(lines) == rows_of(plot.line_series([0, 1, 2], [[0, 1, 2], [3, 4, 5]]))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: plot.line_series([[0], [1]], [[1]]), ValueError, "x-series"),
        (lambda: plot.line_series([0], [[1]], keys=["a", "b"]), ValueError, "keys"),
        (lambda: plot.line_series([], []), IndexError, "xs is empty"),
        (lambda: plot.line_series([0], [1]), TypeError, "line_series"),  # type: ignore[list-item]
        (lambda: plot.confusion_matrix([[1]], [0], [0]), ValueError, "not both"),
        (lambda: plot.confusion_matrix(y_true=[0], preds=[]), ValueError, "must be equal"),
        (lambda: plot.confusion_matrix(None, [0], [1], ["a"]), KeyError, "none of the classes"),
        (lambda: plot.confusion_matrix(None, [0], [1, 2], ["a"]), ValueError, "must be equal"),
        (lambda: plot.confusion_matrix(None, [0, 0], [1, 2], ["a"]), ValueError, "class names"),
        (lambda: plot.confusion_matrix(None, [0]), TypeError, "y_true, and one of"),
        (lambda: plot.confusion_matrix(None, [0, "a"], [0, 0]), TypeError, "one kind"),
        (lambda: plot.line([[1]], "x", "y"), Error, "instead got list"),  # type: ignore[arg-type]
        (lambda: plot.plot_table("s", {}, {}), Error, "data_table"),  # type: ignore[arg-type]
        (lambda: plot.visualize("s", None), Error, "NoneType"),  # type: ignore[arg-type]
    ],
)
def test_refused(call: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()


# -- what a row makes of a chart -----------------------------------------------------------------


def logged(row: dict[str, Any]) -> tuple[dict[str, Any], dict[tuple[str, str], Any]]:
    config: dict[tuple[str, str], Any] = {}

    def set_config(group: str, key: str, value: Any) -> None:
        config[group, key] = value

    return charts_to_tables(row, set_config), config


def test_a_chart_becomes_its_table_and_a_note_in_the_config() -> None:
    chart = plot.line(table(), "x", "y", title="T")
    row = {"loss": 1.0, "k": chart}
    plain, config = logged(row)
    assert plain == {"loss": 1.0, "k_table": chart.table}
    assert row == {"loss": 1.0, "k": chart}
    [(place, value)] = config.items()
    assert place == ("visualize", "k")
    assert value["panel_type"] == "Vega2"
    panel = value["panel_config"]
    assert panel["panelDefId"] == "wandb/line/v0"
    assert panel["fieldSettings"] == {"x": "x", "y": "y", "stroke": None}
    assert panel["stringSettings"] == {"title": "T"}
    [query] = panel["userQuery"]["queryFields"]
    assert query["fields"][-1]["args"] == [{"name": "tableKey", "value": "k_table"}]
    assert chart.spec.config_key == ("_wandb", "visualize", "k")


def test_nested_charts_move_to_the_top() -> None:
    inner = {"split": plot.bar(table(), "x", "y", split_table=True), "z": 2}
    row = {"n": {"m": inner, "k": plot.visualize("id", table())}, "a": 1, "other": {"q": 5}}
    before = copy.copy(inner)
    plain, config = logged(row)
    assert inner == before
    assert list(plain) == ["n", "a", "other", "Custom Chart Tables/n.m.split_table", "n.k"]
    assert plain["n"] == {"m": {"z": 2}}
    assert plain["other"] is row["other"]
    assert set(config) == {("visualize", "n.m.split"), ("viz", "n.k")}
    assert config["viz", "n.k"] == {
        "id": "id",
        "historyFieldSettings": {"x-axis": "_step", "key": "n.k"},
    }


def test_one_chart_under_two_keys() -> None:
    chart = plot.histogram(table(), "x")
    plain, config = logged({"a": chart, "b": chart})
    assert plain == {"a_table": chart.table, "b_table": chart.table}
    assert [key for _, key in config] == ["a", "b"]


def test_a_chart_needs_a_key() -> None:
    with pytest.raises(Error, match="key"):
        logged({"": plot.histogram(table(), "x")})


@given(
    st.dictionaries(
        st.text(max_size=3),
        st.recursive(
            st.integers() | st.text(max_size=3),
            lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=8,
        ),
        max_size=4,
    )
)
def test_a_row_without_charts_stays_as_it_is(row: dict[str, Any]) -> None:
    plain, config = logged(row)
    assert plain == row
    assert plain is not row
    assert not config


def test_charts_are_told_by_their_type() -> None:
    for kind in (CustomChart, Visualize):
        assert kind._is_chart
    assert not hasattr(CustomChartSpec, "_is_chart")


# -- names -----------------------------------------------------------------------------------------


def test_functions_are_not_hidden_by_their_modules() -> None:
    for name in FUNCTIONS:
        module = importlib.import_module(f"synadb.wandb_compat.plot.{name}")
        assert getattr(plot, name) is getattr(module, name)
        assert callable(getattr(plot, name))
    assert plot.__all__ == sorted(plot.__all__)


def test_functions_are_not_hidden_under_the_other_name() -> None:
    script = f"""
import sys
import synadb.wandb_compat
synadb.wandb_compat.install()
import wandb.plot
import wandb.plot.viz, wandb.plot.custom_chart
from wandb.plot.custom_chart import CustomChart
for name in {FUNCTIONS}:
    __import__(f"wandb.plot.{{name}}")
    assert callable(getattr(wandb.plot, name)), name
    assert sys.modules[f"wandb.plot.{{name}}"] is sys.modules[f"synadb.wandb_compat.plot.{{name}}"]
assert wandb.plot.CustomChart is CustomChart
assert wandb.plot.viz.visualize is wandb.plot.visualize
assert "numpy" not in sys.modules and "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, timeout=60)


def test_charts_pickle() -> None:
    spec = plot.line(table(), "x", "y").spec
    assert pickle.loads(pickle.dumps(spec)) == spec

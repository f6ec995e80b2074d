"""ROC curves, precision-recall curves and confusion matrices, with numpy alone.

The figures are those of scikit-learn's `roc_curve`, `precision_recall_curve` and
`confusion_matrix`; tests hold them to it. For a threshold t a sample counts as predicted positive
when its score is at least t, which gives true and false positives TP(t) and FP(t), out of P
positive and N negative samples.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = [
    "confusion_matrix",
    "interpolated_precision",
    "precision_recall_curve",
    "roc_curve",
    "stratified_sample",
]


def roc_curve(truth: Any, scores: Any, positive: Any = 1) -> tuple[Array, Array, Array]:
    """False positive rate FP(t)/N and true positive rate TP(t)/P, and the falling thresholds t.

    The first point is (0, 0), at the threshold infinity. Points on a straight line between their
    neighbours are left out: those at which the second differences of FP and of TP are both zero.
    A rate without samples to count (no positive ones, no negative ones) is NaN throughout.

    `truth` is compared with `positive`; `scores` are numbers, one a sample. ValueError for
    lengths that differ, for no samples, and for scores that are not finite.

    Source: T. Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 27 (2006),
    algorithm 1.
    """
    import numpy as np

    false, true, thresholds = _counts("roc_curve", truth, scores, positive)
    if len(false) > 2:
        corner = (np.diff(false, 2) != 0) | (np.diff(true, 2) != 0)
        kept = np.concatenate(([True], corner, [True]))
        false, true, thresholds = false[kept], true[kept], thresholds[kept]
    false = np.concatenate(([0.0], false))
    true = np.concatenate(([0.0], true))
    thresholds = np.concatenate(([np.inf], thresholds))
    return _rate(false), _rate(true), thresholds


def precision_recall_curve(
    truth: Any, scores: Any, positive: Any = 1
) -> tuple[Array, Array, Array]:
    """Precision TP(t)/(TP(t)+FP(t)) and recall TP(t)/P, and the rising thresholds t.

    Recall falls along the arrays. They end with the point of precision 1 and recall 0, which has no
    threshold, so that the third array is shorter by one. Without positive samples recall is 1
    everywhere else.

    The arguments and errors are those of `roc_curve`.

    Source: C. D. Manning, P. Raghavan, H. Schütze, Introduction to Information Retrieval (2008),
    section 8.4; the end point is scikit-learn's.
    """
    import numpy as np

    false, true, thresholds = _counts("precision_recall_curve", truth, scores, positive)
    precision = true / (true + false)
    recall = true / true[-1] if true[-1] > 0 else np.ones(len(true))
    return (
        np.concatenate((precision[::-1], [1.0])),
        np.concatenate((recall[::-1], [0.0])),
        thresholds[::-1],
    )


def interpolated_precision(precision: Array, recall: Array, points: Array) -> Array:
    """The highest precision at any recall of at least r, for each r of `points`, from 0 to 1.

    `precision` and `recall` are those that `precision_recall_curve` returns.

    Source: Manning, Raghavan, Schütze (2008), equation 8.7: p(r) = max of p(s) over s >= r.
    """
    import numpy as np

    best = np.maximum.accumulate(precision)
    found: Array = best[::-1][np.searchsorted(recall[::-1], points, side="left")]
    return found


def confusion_matrix(
    truth: Sequence[Hashable],
    predicted: Sequence[Hashable],
    classes: Sequence[Hashable] | None = None,
) -> Array:
    """How many samples of class i (row) were predicted as class j (column).

    `classes` gives the order of rows and columns; by default it is every label that occurs,
    sorted. ValueError for lengths that differ, KeyError for a label that is not in `classes`,
    TypeError for labels that have no order.
    """
    import numpy as np

    if len(truth) != len(predicted):
        raise ValueError(
            f"confusion_matrix: {len(predicted)} predictions for {len(truth)} true labels; "
            "there must be one for each"
        )
    if classes is None:
        try:
            classes = sorted({*truth, *predicted})  # type: ignore[type-var]
        except TypeError as error:
            raise TypeError(
                f"confusion_matrix: labels must be of one kind, all numbers or all text: {error}"
            ) from error
    place = {label: number for number, label in enumerate(classes)}
    size = len(place)
    try:
        cells = [
            place[actual] * size + place[guess]
            for actual, guess in zip(truth, predicted, strict=True)
        ]
    except KeyError as error:
        raise KeyError(
            f"confusion_matrix: label {error.args[0]!r} is none of the classes {[*place]}"
        ) from None
    counts = np.bincount(np.array(cells, dtype=np.intp), minlength=size * size)
    return counts.reshape(size, size)


def stratified_sample(groups: Any, size: int, seed: int = 42) -> Array:
    """Positions of `size` samples, drawn without replacement, from each group in proportion.

    `groups` has the group of each sample. A group's share is rounded down; what then is missing
    goes to the groups that lost most by it, drawn by lot among equals.

    The draws, and so the sample, are those of scikit-learn's `resample` with replace=False,
    stratify=groups and random_state=seed.
    """
    import numpy as np

    random = np.random.RandomState(seed)
    names, inverse = np.unique(groups, return_inverse=True)
    counts = np.bincount(inverse, minlength=len(names))
    members = np.split(np.argsort(inverse, kind="stable"), np.cumsum(counts)[:-1])
    exact = counts / counts.sum() * size
    shares = np.floor(exact)
    losses = exact - shares
    missing = int(size - shares.sum())
    for loss in np.unique(losses)[::-1]:
        if missing <= 0:
            break
        equals = np.flatnonzero(losses == loss)
        lucky = random.choice(equals, size=min(len(equals), missing), replace=False)
        shares[lucky] += 1
        missing -= len(lucky)
    drawn = [
        random.choice(member, int(share), replace=False)
        for member, share in zip(members, shares, strict=True)
    ]
    return random.permutation(np.concatenate(drawn))


def _counts(call: str, truth: Any, scores: Any, positive: Any) -> tuple[Array, Array, Array]:
    """FP(t) and TP(t) as floats for each distinct score t, from the highest down, and these t."""
    import numpy as np

    hit = _vector(truth, f"{call}: truth") == positive
    values = _vector(scores, f"{call}: scores")
    if len(hit) != len(values):
        raise ValueError(
            f"{call}: {len(values)} scores for {len(hit)} true labels; there must be one for each"
        )
    if not len(hit):
        raise ValueError(f"{call}: a curve needs at least one sample")
    if values.dtype.kind == "O":
        values = values.astype(float)
    if values.dtype.kind not in "biuf":
        error = ValueError if values.dtype.kind == "c" else TypeError
        raise error(f"{call}: scores must be real numbers, not {values.dtype}")
    if not np.isfinite(values).all():
        raise ValueError(f"{call}: scores must be finite: there is a NaN or an infinity among them")
    order = np.argsort(values, kind="stable")[::-1]
    values, hit = values[order], hit[order]
    ends = np.append(np.flatnonzero(values[1:] != values[:-1]), len(values) - 1)
    true = np.cumsum(hit, dtype=float)[ends]
    return 1.0 + ends - true, true, values[ends]


def _rate(counts: Array) -> Array:
    import numpy as np

    return counts / counts[-1] if counts[-1] > 0 else np.full(len(counts), np.nan)


def _vector(values: Any, name: str) -> Array:
    import numpy as np

    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension, not the shape {array.shape}")
    return array

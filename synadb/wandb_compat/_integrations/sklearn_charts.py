"""scikit-learn: what is computed for each plot, and the table that it is drawn from.

Tables have the columns, the order of rows and the roundings of wandb's.
"""

from __future__ import annotations

import time
from itertools import chain
from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.library import library
from synadb.wandb_compat._integrations.sklearn_checks import CHART_LIMIT, as_array, is_a, limited
from synadb.wandb_compat._term import termwarn

__all__ = [
    "calibration_curves",
    "class_proportions",
    "confusion_matrix",
    "decision_boundaries",
    "elbow_curve",
    "feature_importances",
    "learning_curve",
    "outlier_candidates",
    "residuals",
    "silhouette",
    "summary_metrics",
]


def _sklearn(module: str) -> Any:
    return library(f"sklearn.{module}", "wandb.sklearn", "scikit-learn")


def _chart(name: str, columns: list[str], rows: list[Any]) -> Any:
    return wandb.visualize(f"wandb/{name}", wandb.Table(columns=columns, data=rows))


def _are_whole(classes: Any) -> bool:
    import numpy as np

    return isinstance(classes[0], int | np.integer)


def confusion_matrix(
    y_true: Any = None,
    y_pred: Any = None,
    labels: Any = None,
    true_labels: Any = None,
    pred_labels: Any = None,
    normalize: bool = False,
) -> Any:
    """How often each class was taken for each: row by row of the matrix.

    As in wandb, the column "Predicted" holds the true class, and "Actual" the predicted one.
    """
    import numpy as np

    counts = _sklearn("metrics").confusion_matrix(y_true, y_pred)
    classes = (
        _sklearn("utils.multiclass").unique_labels(y_true, y_pred)
        if labels is None
        else np.asarray(labels)
    )
    if normalize:
        totals = counts.sum(axis=1)[:, np.newaxis].astype(float)
        counts = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals != 0)
        counts = np.around(counts, decimals=2)
    true_classes = pred_classes = classes
    if true_labels is not None:
        chosen = np.isin(classes, true_labels)
        true_classes, counts = classes[chosen], counts[chosen]
    if pred_labels is not None:
        chosen = np.isin(classes, pred_labels)
        pred_classes, counts = classes[chosen], counts[:, chosen]
    if labels is not None and _are_whole(classes):
        true_classes = [labels[number] for number in true_classes]
        pred_classes = [labels[number] for number in pred_classes]
    rows = [
        [true_classes[i], pred_classes[j], counts[i, j]]
        for i in range(counts.shape[0])
        for j in range(counts.shape[1])
    ]
    rows = limited("confusion_matrix", rows, CHART_LIMIT)
    return _chart("confusion_matrix/v1", ["Predicted", "Actual", "Count"], rows)


def class_proportions(y_train: Any, y_test: Any, labels: Any) -> Any:
    """How often each class occurs in training and test data."""
    targets = (y_train,) if y_test is None else (y_train, y_test)
    classes = limited(
        "class_proportions",
        _sklearn("utils.multiclass").unique_labels(*targets),
        CHART_LIMIT + 1,
    )
    names = classes
    if labels is not None and _are_whole(classes):
        names = [labels[number] for number in classes]
    rows = [
        [name, data, (values == one).sum()]
        for name, one in zip(names, classes, strict=True)
        for data, values in (("train", y_train), ("test", y_test))
    ]
    return _chart("class_proportions/v1", ["class", "dataset", "count"], rows)


def feature_importances(model: Any, feature_names: Any) -> Any:
    """What each feature counts for, most first; None for a model that has no such list."""
    import numpy as np

    attributes = ("feature_importances_", "feature_log_prob_", "coef_")
    for attribute in attributes:
        if hasattr(model, attribute):
            found = np.asarray(getattr(model, attribute))
            break
    else:
        termwarn(
            f"could not find any of attributes {', '.join(attributes)} on classifier. "
            "Cannot plot feature importances."
        )
        return None
    if found.ndim > 1:
        if sum(size > 1 for size in found.shape) > 1:
            termwarn(
                f"{found.ndim}-dimensional feature importances array passed to "
                "plot_feature_importances; only one number a feature can be plotted"
            )
            return None
        found = np.squeeze(found)
    order = np.argsort(found)[::-1]
    names = order if feature_names is None else np.array(feature_names)[order]
    rows = [list(pair) for pair in zip(names, found[order], strict=True)]
    return _chart("feature_importances/v1", ["feature_names", "importances"], rows)


def learning_curve(
    model: Any,
    X: Any,
    y: Any,
    cv: Any = None,
    shuffle: bool = False,
    random_state: Any = None,
    train_sizes: Any = None,
    n_jobs: int | None = 1,
    scoring: Any = None,
) -> Any:
    """Scores on training and test data, by the number of samples it was fitted to."""
    if train_sizes is None:
        import numpy as np

        train_sizes = np.linspace(0.1, 1.0, 5)
    sizes, train, test = _sklearn("model_selection").learning_curve(
        model,
        X,
        y,
        cv=cv,
        n_jobs=n_jobs,
        train_sizes=train_sizes,
        scoring=scoring,
        shuffle=shuffle,
        random_state=random_state,
    )
    scores = zip(sizes, train.mean(axis=1), test.mean(axis=1), strict=True)
    points = limited("learning_curve", list(scores), CHART_LIMIT // 2)
    rows = [
        row
        for size, on_train, on_test in points
        for row in (["train", round(on_train, 2), size], ["test", round(on_test, 2), size])
    ]
    return _chart("learning_curve/v1", ["dataset", "score", "train_size"], rows)


def summary_metrics(
    model: Any = None,
    X: Any = None,
    y: Any = None,
    X_test: Any = None,
    y_test: Any = None,
) -> Any:
    """The usual scores of a classifier or a regressor on test data, to two decimals."""
    import numpy as np

    metrics = _sklearn("metrics")
    truth, predicted = np.asarray(y_test), model.predict(X_test)
    found: dict[str, Any] = {}
    if is_a("classifier", model):
        found["accuracy_score"] = metrics.accuracy_score(truth, predicted)
        for name in ("precision", "recall", "f1_score"):
            score = getattr(metrics, f"{name.removesuffix('_score')}_score")
            found[name] = score(truth, predicted, average="weighted")
    elif is_a("regressor", model):
        found["mae"] = metrics.mean_absolute_error(truth, predicted)
        found["mse"] = metrics.mean_squared_error(truth, predicted)
        found["r2_score"] = metrics.r2_score(truth, predicted)
    rows = [[name, round(value, 2), type(model).__name__] for name, value in found.items()]
    return _chart("metrics/v1", ["metric_name", "metric_value", "model_name"], rows)


def calibration_curves(clf: Any, X: Any, y: Any, clf_name: str) -> Any:
    """How well predicted probabilities agree with what happens.

    Three models are fitted to a tenth of the data and tried on the rest: a logistic regression as
    a baseline, and the classifier with isotonic and with sigmoid calibration.
    """
    import numpy as np

    calibration = _sklearn("calibration")
    if isinstance(clf, _sklearn("naive_bayes").ComplementNB) and as_array(X).min() < 0:
        X = X - as_array(X).min()  # it takes no negative features
    x_train, x_test, y_train, y_test = _sklearn("model_selection").train_test_split(
        X, y, test_size=0.9, random_state=42
    )
    models = {
        "Logistic": _sklearn("linear_model").LogisticRegression(C=1.0),
        f"{clf_name} Isotonic": calibration.CalibratedClassifierCV(clf, cv=2, method="isotonic"),
        f"{clf_name} Sigmoid": calibration.CalibratedClassifierCV(clf, cv=2, method="sigmoid"),
    }
    rows: list[list[Any]] = [["Perfectly calibrated", end, end, 0, 0] for end in (0, 1)]
    for name, model in models.items():
        model.fit(x_train, y_train)
        scores = model.predict_proba(x_test)[:, 1]
        counts, edges = np.histogram(scores, bins=10, density=False)
        positives, predicted = calibration.calibration_curve(y_test, scores, n_bins=10)
        rows += [
            [name, round(positives[bin], 3), round(predicted[bin], 3), counts[bin], edges[bin]]
            for bin in range(len(positives))
        ]
    columns = ["model", "fraction_of_positives", "mean_predicted_value", "hist_dict", "edge_dict"]
    return _chart("calibration/v1", columns, rows)


def outlier_candidates(regressor: Any, X: Any, y: Any) -> Any:
    """Cook's distance of each sample: how much it moves the fit. Fits the regressor."""
    import numpy as np

    regressor.fit(X, y)
    features = as_array(X)
    count, width = features.shape
    leverage = (features * np.linalg.pinv(features).T).sum(1)
    errors = y - regressor.predict(X)
    variance = np.dot(errors, errors) / (count - np.linalg.matrix_rank(features))
    studentized = errors / np.sqrt(variance) / np.sqrt(1 - leverage)
    distances = studentized**2 / width
    distances *= leverage / (1 - leverage)
    threshold = 4 / count
    share = sum(distances >= threshold) / count
    share *= 100.0
    columns = ["distance", "instance_indicies", "outlier_percentage", "influence_threshold"]
    rows = [
        [distance, number, round(share, 3), threshold]
        for number, distance in enumerate(limited("outlier_candidates", distances, CHART_LIMIT))
    ]
    return _chart("outliers/v1", columns, rows)


def residuals(regressor: Any, X: Any, y: Any) -> Any:
    """Predicted values against their errors. Fits the regressor to four fifths of the data."""
    x_train, x_test, y_train, y_test = _sklearn("model_selection").train_test_split(
        X, y, test_size=0.2
    )
    regressor.fit(x_train, y_train)
    scores = regressor.score(x_train, y_train), regressor.score(x_test, y_test)
    rows = []
    for data, features, truth in (("train", x_train, y_train), ("test", x_test, y_test)):
        predicted = regressor.predict(features)
        errors = predicted - truth
        points = limited("residuals", list(zip(predicted, errors, strict=True)), 100)
        rows += [[data, value, error, *scores] for value, error in points]
    columns = ["dataset", "y_pred", "residuals", "train_score", "test_score"]
    return _chart("residuals_plot/v1", columns, rows)


def elbow_curve(
    clusterer: Any,
    X: Any,
    cluster_ranges: Any,
    n_jobs: int | None,
    show_cluster_time: bool,
) -> Any:
    """The score by the number of clusters, and how long each fit took."""
    joblib = library("joblib", "wandb.sklearn", "scikit-learn")
    sizes = range(1, 10, 2) if cluster_ranges is None else sorted(cluster_ranges)
    fit = joblib.delayed(_score_clusters)
    found = joblib.Parallel(n_jobs=n_jobs)(fit(clusterer, X, size) for size in sizes)
    rows = [[size, abs(score), took] for size, (score, took) in zip(sizes, found, strict=True)]
    return _chart("elbow/v1", ["cluster_ranges", "errors", "clustering_time"], rows)


def _score_clusters(clusterer: Any, features: Any, size: int) -> tuple[float, float]:
    start = time.time()
    clusterer = _sklearn("base").clone(clusterer)
    clusterer.n_clusters = size
    return clusterer.fit(features).score(features), time.time() - start


def silhouette(
    clusterer: Any,
    X: Any,
    cluster_labels: Any,
    labels: Any,
    metric: str,
    kmeans: bool,
) -> Any:
    """How well each sample lies in its cluster, sorted, cluster by cluster.

    The n-th row also holds the first two features and the cluster of the n-th sample.
    """
    import numpy as np

    metrics = _sklearn("metrics")
    features, clusters = as_array(X), np.asarray(cluster_labels)
    average = metrics.silhouette_score(X, clusters, metric=metric)
    values = metrics.silhouette_samples(X, clusters, metric=metric)
    bars: list[tuple[Any, Any, int]] = []
    lower = 10  # of the first bar, and the gap between two clusters
    for cluster in range(len(np.unique(clusters))):
        inside = np.sort(values[clusters == cluster])
        heights = np.arange(lower, lower + len(inside))
        room = max(CHART_LIMIT - len(bars), 0)
        kept = limited("silhouette", list(zip(heights, inside, strict=True)), room)
        bars += [(height, value, cluster) for height, value in kept]
        lower += len(inside) + 10
    centers = clusterer.cluster_centers_ if kmeans else None
    rows = []
    for number, (height, value, cluster) in enumerate(bars):
        center = [None, None] if centers is None else centers[clusters[number], :2]
        rows.append(
            [
                *features[number, :2],
                clusters[number],
                *center,
                height,
                0,
                value,
                cluster,
                average,
            ]
        )
    columns = ["x", "y", "colors", "centerx", "centery", "y_sil", "x1", "x2", "color_sil"]
    return _chart("silhouette_/v1", [*columns, "silhouette_avg"], rows)


def decision_boundaries(
    decision_boundary_x: Any,
    decision_boundary_y: Any,
    decision_boundary_color: Any,
    train_x: Any,
    train_y: Any,
    train_color: Any,
    test_x: Any,
    test_y: Any,
    test_color: Any,
) -> Any:
    """Points of the boundary (up to 100), then of test (300) and training data (600)."""
    boundary = zip(decision_boundary_x[:100], decision_boundary_y[:100], strict=False)
    rows = chain(
        ([x, y, decision_boundary_color] for x, y in boundary),
        zip(test_x[:300], test_y[:300], test_color, strict=False),
        zip(train_x[:600], train_y[:600], train_color, strict=False),
    )
    return _chart("decision_boundaries/v1", ["x", "y", "color"], [list(row) for row in rows])

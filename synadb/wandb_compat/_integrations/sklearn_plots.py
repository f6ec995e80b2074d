"""scikit-learn: `wandb.sklearn.plot_*`. Each logs a row of its own to the active run.

What cannot be plotted is said on the terminal, and no row is logged. Several of them fit the model
that they are given, or copies of it; those say so.
"""

from __future__ import annotations

from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations import sklearn_charts as charts
from synadb.wandb_compat._integrations.library import library
from synadb.wandb_compat._integrations.sklearn_checks import is_fitted, none_missing, right_types
from synadb.wandb_compat._term import termlog, termwarn

__all__ = [
    "plot_calibration_curve",
    "plot_class_proportions",
    "plot_classifier",
    "plot_clusterer",
    "plot_confusion_matrix",
    "plot_decision_boundaries",
    "plot_elbow_curve",
    "plot_feature_importances",
    "plot_learning_curve",
    "plot_outlier_candidates",
    "plot_precision_recall",
    "plot_regressor",
    "plot_residuals",
    "plot_roc",
    "plot_silhouette",
    "plot_summary_metrics",
]


def _log(key: str, chart: Any) -> None:
    wandb.log({key: chart})


# -- all plots of a model ------------------------------------------------------------------------


def plot_classifier(
    model: Any,
    X_train: Any,
    X_test: Any,
    y_train: Any,
    y_test: Any,
    y_pred: Any,
    y_probas: Any,
    labels: Any,
    is_binary: bool = False,
    model_name: str = "Classifier",
    feature_names: Any = None,
    log_learning_curve: bool = False,
) -> None:
    """Log all plots of a fitted classifier: one row each.

    Feature importances, learning curve (if asked for), confusion matrix, summary metrics, class
    proportions, calibration curve, ROC and precision-recall curves. Importances and calibration
    are left out for a MultinomialNB.

    Args:
        model: The classifier.
        X_train: Features it was fitted to.
        X_test: Features to test it with.
        y_train: Classes of the former.
        y_test: Classes of the latter.
        y_pred: Classes it predicts for `X_test`.
        y_probas: Probabilities it predicts for `X_test`.
        labels: Name of class 0, 1, ...
        is_binary: Changes nothing.
        model_name: Its name in the plots.
        feature_names: Names of the features.
        log_learning_curve: Log the learning curve, for which the model is fitted again.
    """
    naive = isinstance(
        model, library("sklearn.naive_bayes", "wandb.sklearn", "scikit-learn").MultinomialNB
    )
    termlog(f"\nPlotting {model_name}.")
    if not naive:
        plot_feature_importances(model, feature_names)
        termlog("Logged feature importances.")
    if log_learning_curve:
        plot_learning_curve(model, X_train, y_train)
        termlog("Logged learning curve.")
    plot_confusion_matrix(y_test, y_pred, labels)
    termlog("Logged confusion matrix.")
    plot_summary_metrics(model, X_train, y_train, X_test, y_test)
    termlog("Logged summary metrics.")
    plot_class_proportions(y_train, y_test, labels)
    termlog("Logged class proportions.")
    if not naive:
        plot_calibration_curve(model, X_train, y_train, model_name)
        termlog("Logged calibration curve.")
    plot_roc(y_test, y_probas, labels)
    termlog("Logged roc curve.")
    plot_precision_recall(y_test, y_probas, labels)
    termlog("Logged precision-recall curve.")


def plot_regressor(
    model: Any,
    X_train: Any,
    X_test: Any,
    y_train: Any,
    y_test: Any,
    model_name: str = "Regressor",
) -> None:
    """Log all plots of a fitted regressor: summary metrics, learning curve, outliers, residuals.

    The last two fit the model again.
    """
    termlog(f"\nPlotting {model_name}.")
    plot_summary_metrics(model, X_train, y_train, X_test, y_test)
    termlog("Logged summary metrics.")
    plot_learning_curve(model, X_train, y_train)
    termlog("Logged learning curve.")
    plot_outlier_candidates(model, X_train, y_train)
    termlog("Logged outlier candidates.")
    plot_residuals(model, X_train, y_train)
    termlog("Logged residuals.")


def plot_clusterer(
    model: Any,
    X_train: Any,
    cluster_labels: Any,
    labels: Any = None,
    model_name: str = "Clusterer",
) -> None:
    """Log all plots of a fitted clusterer: the silhouette, and for KMeans the elbow curve."""
    termlog(f"\nPlotting {model_name}.")
    kmeans = library("sklearn.cluster", "wandb.sklearn", "scikit-learn").KMeans
    if isinstance(model, kmeans):
        plot_elbow_curve(model, X_train)
        termlog("Logged elbow curve.")
        plot_silhouette(model, X_train, cluster_labels, labels=labels, kmeans=True)
    else:
        plot_silhouette(model, X_train, cluster_labels, kmeans=False)
    termlog("Logged silhouette plot.")


# -- classifiers ---------------------------------------------------------------------------------


def plot_roc(
    y_true: Any = None,
    y_probas: Any = None,
    labels: Any = None,
    plot_micro: bool = True,
    plot_macro: bool = True,
    classes_to_plot: Any = None,
) -> None:
    """Log `roc`: see `wandb.plot.roc_curve`."""
    _log("roc", wandb.plot.roc_curve(y_true, y_probas, labels, classes_to_plot))


def plot_precision_recall(
    y_true: Any = None,
    y_probas: Any = None,
    labels: Any = None,
    plot_micro: bool = True,
    classes_to_plot: Any = None,
) -> None:
    """Log `precision_recall`: see `wandb.plot.pr_curve`."""
    _log("precision_recall", wandb.plot.pr_curve(y_true, y_probas, labels, classes_to_plot))


def plot_confusion_matrix(
    y_true: Any = None,
    y_pred: Any = None,
    labels: Any = None,
    true_labels: Any = None,
    pred_labels: Any = None,
    normalize: bool = False,
) -> None:
    """Log `confusion_matrix`: how often each class was taken for each.

    Args:
        y_true: True classes.
        y_pred: Predicted classes.
        labels: Name of class 0, 1, ...
        true_labels: Only these true classes.
        pred_labels: Only these predicted classes.
        normalize: Shares of the true class and not counts.
    """
    import numpy as np

    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if none_missing(y_true=y_true, y_pred=y_pred) and right_types(y_true=y_true, y_pred=y_pred):
        chart = charts.confusion_matrix(y_true, y_pred, labels, true_labels, pred_labels, normalize)
        _log("confusion_matrix", chart)


def plot_feature_importances(
    model: Any = None,
    feature_names: Any = None,
    title: str = "Feature Importance",
    max_num_features: int = 50,
) -> None:
    """Log `feature_importances` of a fitted model: what each feature counts for, most first."""
    if none_missing(model=model) and right_types(model=model) and is_fitted(model):
        _log("feature_importances", charts.feature_importances(model, feature_names))


def plot_class_proportions(y_train: Any = None, y_test: Any = None, labels: Any = None) -> None:
    """Log `class_proportions`: how often each class occurs in training and test data."""
    import numpy as np

    given = {"y_train": y_train, "y_test": y_test}
    if none_missing(**given) and right_types(**given):
        chart = charts.class_proportions(np.array(y_train), np.array(y_test), labels)
        _log("class_proportions", chart)


def plot_calibration_curve(
    clf: Any = None,
    X: Any = None,
    y: Any = None,
    clf_name: str = "Classifier",
) -> None:
    """Log `calibration_curve` of a fitted binary classifier; copies of it are fitted for that."""
    import numpy as np

    given = {"clf": clf, "X": X, "y": y}
    if none_missing(**given) and right_types(**given) and is_fitted(clf):
        y = np.asarray(y)
        if y.dtype.kind == "U" or not ((y == 0) | (y == 1)).all():
            termwarn(
                "This function only supports binary classification at the moment and therefore "
                "expects labels to be binary. Skipping calibration curve."
            )
            return
        _log("calibration_curve", charts.calibration_curves(clf, X, y, clf_name))


def plot_decision_boundaries(
    binary_clf: Any = None,
    X: Any = None,
    y: Any = None,
) -> None:
    """Log `decision_boundaries` of a fitted binary classifier, in two dimensions.

    They are the first two principal components of the features. The boundary is where the
    prediction changes from one point of a grid to the next; 0.3 of the data stand for test data.
    """
    given = {"clf": binary_clf, "X": X, "y": y}
    if none_missing(**given) and right_types(**given) and is_fitted(binary_clf):
        from synadb.wandb_compat._integrations.sklearn_boundary import boundary

        _log("decision_boundaries", boundary(binary_clf, X, y))


# -- regressors ----------------------------------------------------------------------------------


def plot_outlier_candidates(
    regressor: Any = None,
    X: Any = None,
    y: Any = None,
) -> None:
    """Log `outlier_candidates`: how much each sample moves the fit. Fits the regressor."""
    import numpy as np

    given = {"regressor": regressor, "X": X, "y": y}
    if none_missing(**given) and right_types(**given) and is_fitted(regressor):
        _log("outlier_candidates", charts.outlier_candidates(regressor, X, np.asarray(y)))


def plot_residuals(
    regressor: Any = None,
    X: Any = None,
    y: Any = None,
) -> None:
    """Log `residuals`: predictions against their errors. Fits the regressor."""
    import numpy as np

    given = {"regressor": regressor, "X": X, "y": y}
    if none_missing(**given) and right_types(**given) and is_fitted(regressor):
        _log("residuals", charts.residuals(regressor, X, np.asarray(y)))


# -- clusterers ----------------------------------------------------------------------------------


def plot_elbow_curve(
    clusterer: Any = None,
    X: Any = None,
    cluster_ranges: Any = None,
    n_jobs: int | None = 1,
    show_cluster_time: bool = True,
) -> None:
    """Log `elbow_curve`: the score by the number of clusters; copies of the model are fitted."""
    if not hasattr(clusterer, "n_clusters"):
        termlog("n_clusters attribute not in classifier. Cannot plot elbow method.")
        return
    if none_missing(clusterer=clusterer) and is_fitted(clusterer):
        chart = charts.elbow_curve(clusterer, X, cluster_ranges, n_jobs, show_cluster_time)
        _log("elbow_curve", chart)


def plot_silhouette(
    clusterer: Any = None,
    X: Any = None,
    cluster_labels: Any = None,
    labels: Any = None,
    metric: str = "euclidean",
    kmeans: bool = True,
) -> None:
    """Log `silhouette_plot`: how well each sample lies in its cluster.

    Args:
        clusterer: The fitted model.
        X: Features.
        cluster_labels: Number of the cluster of each sample.
        labels: Changes nothing.
        metric: Distance of two samples, as in scikit-learn.
        kmeans: Whether the model has `cluster_centers_` to show.
    """
    given = {"clusterer": clusterer}
    if none_missing(**given) and right_types(**given) and is_fitted(clusterer):
        chart = charts.silhouette(clusterer, X, cluster_labels, labels, metric, kmeans)
        _log("silhouette_plot", chart)


# -- any model -----------------------------------------------------------------------------------


def plot_summary_metrics(
    model: Any = None,
    X: Any = None,
    y: Any = None,
    X_test: Any = None,
    y_test: Any = None,
) -> None:
    """Log `summary_metrics` of a fitted classifier or regressor: its scores on test data."""
    given = {"model": model, "X": X, "y": y, "X_test": X_test, "y_test": y_test}
    if none_missing(**given) and right_types(**given) and is_fitted(model):
        _log("summary_metrics", charts.summary_metrics(model, X, y, X_test, y_test))


def plot_learning_curve(
    model: Any = None,
    X: Any = None,
    y: Any = None,
    cv: Any = None,
    shuffle: bool = False,
    random_state: Any = None,
    train_sizes: Any = None,
    n_jobs: int | None = 1,
    scoring: Any = None,
) -> None:
    """Log `learning_curve`: scores by the number of samples; copies of the model are fitted.

    The arguments after `y` are those of `sklearn.model_selection.learning_curve`.
    """
    import numpy as np

    given = {"model": model, "X": X, "y": y}
    if none_missing(**given) and right_types(**given):
        chart = charts.learning_curve(
            model, X, np.asarray(y), cv, shuffle, random_state, train_sizes, n_jobs, scoring
        )
        _log("learning_curve", chart)

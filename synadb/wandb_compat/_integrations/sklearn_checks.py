"""scikit-learn: whether what a plot was given can be plotted; if not, the user is told why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from synadb.wandb_compat._integrations.library import library
from synadb.wandb_compat._term import termerror, termwarn

__all__ = ["CHART_LIMIT", "as_array", "is_a", "is_fitted", "limited", "none_missing", "right_types"]

CHART_LIMIT = 1000

_ARRAYS = ("X", "X_test", "y", "y_test", "y_true", "y_probas")


def none_missing(**given: Any) -> bool:
    """Whether all is there, and features (`X`, `X_test`) are numbers without gaps."""
    complete = True
    for name, value in given.items():
        if value is None:
            termerror(f"{name} is None. Please try again.")
            complete = False
        elif name in ("X", "X_test"):
            complete &= _are_numbers(name, as_array(value))
    return complete


def as_array(features: Any) -> Any:
    """Features as one numpy array; those of a sparse matrix or a data frame as well."""
    import numpy as np

    if hasattr(features, "toarray"):
        return features.toarray()
    return np.asarray(features)


def _are_numbers(name: str, features: Any) -> bool:
    import numpy as np

    if features.dtype.kind in "iub":
        return True
    if features.dtype.kind in "fc":
        missing = int(np.count_nonzero(np.isnan(features)))
        strange = 0
    else:
        flat = features.ravel().tolist()
        missing = sum(1 for value in flat if value is None or value != value)  # noqa: PLR0124
        strange = sum(
            1 for value in flat if not isinstance(value, int | float | complex | np.number)
        )
    if missing:
        termwarn(f"{name} contains {missing} missing values. ")
    if strange:
        termerror(
            f"{name} contains values that are not numbers. Vectorize, label encode or one hot "
            f"encode {name} and call the plotting function again."
        )
    return not missing and not strange


def right_types(**given: Any) -> bool:
    """Whether data can be iterated, and models are of the kind that a plot is for."""
    right = True
    for name, value in given.items():
        if name in _ARRAYS:
            fits, wanted = isinstance(value, Iterable), "an array"
        elif name == "model":
            fits = is_a("classifier", value) or is_a("regressor", value)
            wanted = "a classifier or regressor"
        elif name == "clf":
            fits, wanted = is_a("classifier", value), "a classifier"
        elif name == "regressor":
            fits, wanted = is_a("regressor", value), "a regressor"
        elif name == "clusterer":
            fits, wanted = is_a("clusterer", value), "a clusterer"
        else:
            continue
        if not fits:
            termerror(f"{name} is not {wanted}. Please try again.")
            right = False
    return right


def is_a(kind: str, model: Any) -> bool:
    """Whether a model is a "classifier", a "regressor" or a "clusterer"."""
    # Before scikit-learn 1.6 there was nothing else, and models of other makers have it still.
    if getattr(model, "_estimator_type", None) == kind:
        return True
    test = getattr(library("sklearn.base", "wandb.sklearn", "scikit-learn"), f"is_{kind}", None)
    try:
        return test is not None and bool(test(model))
    except AttributeError:  # what it says of an object that is no estimator
        return False


def is_fitted(model: Any) -> bool:
    """Whether a model has been fitted."""
    import numpy as np

    exceptions = library("sklearn.exceptions", "wandb.sklearn", "scikit-learn")
    validation = library("sklearn.utils.validation", "wandb.sklearn", "scikit-learn")
    try:
        validation.check_is_fitted(model)
    except exceptions.NotFittedError:
        # A model of one's own may keep what it has learned as it likes, and then it can predict.
        try:
            model.predict(np.zeros((7, 3)))
        except (exceptions.NotFittedError, AttributeError):
            termerror("Please fit the model before passing it in.")
            return False
        except Exception:  # noqa: BLE001 - whatever it is, it is not that it was not fitted
            return True
    except TypeError:
        return True  # no estimator of scikit-learn
    return True


def limited(chart: str, values: Any, limit: int) -> Any:
    """The first `limit` values, and a warning where there are more.

    wandb looks after it has taken one, so there is one more.
    """
    if len(values) > limit:
        termwarn(f"using only the first {limit} datapoints to create chart {chart}")
    return values[: limit + 1]

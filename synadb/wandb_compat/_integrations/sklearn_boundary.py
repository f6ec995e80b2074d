"""scikit-learn: where a binary classifier changes its mind, in two dimensions."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._integrations.library import library
from synadb.wandb_compat._integrations.sklearn_charts import decision_boundaries
from synadb.wandb_compat._integrations.sklearn_checks import as_array

__all__ = ["boundary"]

_SIDE = 50  # points of the grid along each axis


def boundary(clf: Any, X: Any, y: Any) -> Any:
    """The chart of `plot_decision_boundaries`."""
    import numpy as np

    def sklearn(module: str) -> Any:
        return library(f"sklearn.{module}", "wandb.sklearn", "scikit-learn")

    features = as_array(X)
    plane = sklearn("decomposition").PCA(n_components=2)
    points = plane.fit_transform(features)
    axes = [np.linspace(points[:, side].min(), points[:, side].max(), _SIDE) for side in range(2)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    flat = clf.predict(plane.inverse_transform(grid.reshape(-1, 2)))
    classes = np.asarray(flat).reshape(_SIDE, _SIDE)
    found = []
    for axis in range(2):
        first = [slice(None, -1) if side == axis else slice(None) for side in range(2)]
        second = [slice(1, None) if side == axis else slice(None) for side in range(2)]
        changes = classes[tuple(first)] != classes[tuple(second)]
        middle = (grid[tuple(first)] + grid[tuple(second)]) / 2
        found.append(middle[changes])
    edge = np.concatenate(found)
    # Spread over the whole of it, since a chart takes no more than a hundred.
    edge = edge[np.linspace(0, len(edge) - 1, min(len(edge), 100)).astype(int)]
    train, test, y_train, y_test = sklearn("model_selection").train_test_split(
        points, np.asarray(y), test_size=0.3, random_state=42
    )
    return decision_boundaries(
        edge[:, 0],
        edge[:, 1],
        "boundary",
        train[:, 0],
        train[:, 1],
        [str(one) for one in y_train],
        test[:, 0],
        test[:, 1],
        [str(one) for one in y_test],
    )

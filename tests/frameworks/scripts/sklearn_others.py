# mypy: ignore-errors
"""The plots of regressors and clusterers."""

import numpy as np
import pandas as pd
import wandb
from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
from sklearn.datasets import make_blobs, make_regression
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeRegressor

LIBRARIES = ["scikit-learn", "pandas"]
VARIES = ["elbow_curve*"]  # has a column with times

features, targets = make_regression(n_samples=200, n_features=4, noise=20.0, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(features, targets, random_state=0)

wandb.init(project="sklearn")
np.random.seed(0)  # residuals splits the data at random
ridge = Ridge().fit(X_train, y_train)
wandb.sklearn.plot_regressor(ridge, X_train, X_test, y_train, y_test, model_name="Ridge")
frame = pd.DataFrame(X_train, columns=list("abcd"))
tree = DecisionTreeRegressor(random_state=0, max_depth=3).fit(frame, y_train)
wandb.sklearn.plot_summary_metrics(
    tree, frame, y_train, pd.DataFrame(X_test, columns=list("abcd")), y_test
)
wandb.sklearn.plot_residuals(LinearRegression().fit(X_train, y_train), X_train, y_train.tolist())
wandb.sklearn.plot_outlier_candidates(LinearRegression().fit(features, targets), features, targets)
large, wanted = make_regression(n_samples=1200, n_features=4, noise=5.0, random_state=1)
wandb.sklearn.plot_outlier_candidates(LinearRegression().fit(large, wanted), large, wanted)
wandb.sklearn.plot_feature_importances(LinearRegression().fit(features, targets), list("abcd"))

# As of scikit-learn 1.8 its clusterers do not have this any more, and wandb takes none without it.
for kind in (KMeans, AgglomerativeClustering, DBSCAN):
    kind._estimator_type = "clusterer"
points, _ = make_blobs(n_samples=150, centers=3, n_features=4, random_state=0)
means = KMeans(n_clusters=3, random_state=0, n_init=2).fit(points)
wandb.sklearn.plot_clusterer(means, points, means.labels_, labels=None, model_name="KMeans")
wandb.sklearn.plot_elbow_curve(means, points, cluster_ranges=[4, 2])
wandb.sklearn.plot_silhouette(means, pd.DataFrame(points), means.labels_, metric="manhattan")
groups = AgglomerativeClustering(n_clusters=2).fit(points)
wandb.sklearn.plot_clusterer(groups, points, groups.labels_)
wandb.sklearn.plot_elbow_curve(DBSCAN().fit(points), points)
many, _ = make_blobs(n_samples=1300, centers=2, random_state=0)
both = KMeans(n_clusters=2, random_state=0, n_init=1).fit(many)
wandb.sklearn.plot_silhouette(both, many, both.labels_)
wandb.sklearn.plot_silhouette(ridge, points, means.labels_)
wandb.log({"end": 1})
wandb.finish()

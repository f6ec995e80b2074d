# mypy: ignore-errors
"""All plots of a classifier, and each by itself."""

import numpy as np
import wandb
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.svm import SVC

LIBRARIES = ["scikit-learn", "pandas"]

features, classes = make_classification(
    n_samples=300, n_features=6, n_informative=4, n_classes=2, random_state=0
)
X_train, X_test, y_train, y_test = train_test_split(features, classes, random_state=0)
names = [f"feature {number}" for number in range(6)]

wandb.init(project="sklearn", config={"trees": 10})
forest = RandomForestClassifier(n_estimators=10, random_state=0).fit(X_train, y_train)
wandb.sklearn.plot_classifier(
    forest,
    X_train,
    X_test,
    y_train,
    y_test,
    forest.predict(X_test),
    forest.predict_proba(X_test),
    labels=["no", "yes"],
    is_binary=True,
    model_name="Forest",
    feature_names=names,
    log_learning_curve=True,
)
positive = features - features.min()
naive = MultinomialNB().fit(positive, classes)
wandb.sklearn.plot_classifier(
    naive,
    positive,
    positive,
    classes,
    classes,
    naive.predict(positive),
    naive.predict_proba(positive),
    labels=None,
)
wandb.sklearn.plot_feature_importances(naive)  # of two dimensions: a row with nothing in it
linear = LogisticRegression().fit(X_train, y_train)
wandb.sklearn.plot_feature_importances(linear)
wandb.sklearn.plot_feature_importances(SVC().fit(X_train, y_train))
wandb.sklearn.plot_confusion_matrix(y_test, linear.predict(X_test), normalize=True)
texts = np.array(["ant", "bee", "cow"])
wandb.sklearn.plot_confusion_matrix(texts[[0, 1, 2, 2]], texts[[0, 1, 1, 2]])
wandb.sklearn.plot_confusion_matrix([0, 1, 2, 2], [0, 1, 1, 2], labels=["ant", "bee", "cow"])
wandb.sklearn.plot_confusion_matrix([0, 1, 2, 2], [0, 1, 1, 2], labels=[0, 1, 2])
wandb.sklearn.plot_confusion_matrix(
    np.arange(40), (np.arange(40) + 1) % 40
)  # more than a chart takes
wandb.sklearn.plot_class_proportions(texts[[0, 1]], texts[[2, 2, 1]])
wandb.sklearn.plot_class_proportions([0, 1, 1], [1], labels=["no", "yes"])
wandb.sklearn.plot_calibration_curve(linear, X_train, y_train, "Linear")
wandb.sklearn.plot_calibration_curve(SVC().fit(X_train, y_train), X_train, y_train.tolist())
wandb.sklearn.plot_calibration_curve(ComplementNB().fit(positive, classes), positive, classes)
wandb.sklearn.plot_calibration_curve(linear, X_train, texts[y_train])
wandb.sklearn.plot_roc(y_test, linear.predict_proba(X_test), ["no", "yes"], True, True, [1])
wandb.sklearn.plot_precision_recall(y_test, linear.predict_proba(X_test))
wandb.sklearn.plot_summary_metrics(linear, X_train, y_train, X_test, y_test)
wandb.sklearn.plot_learning_curve(linear, X_train, y_train, cv=3, scoring="f1", n_jobs=1)
wandb.sklearn.plot_learning_curve(
    linear, X_train, y_train, shuffle=True, random_state=1, train_sizes=[0.2, 0.9]
)

# What cannot be plotted logs nothing.
wandb.sklearn.plot_feature_importances(RandomForestClassifier())
wandb.sklearn.plot_class_proportions(None, [1])
wandb.sklearn.plot_calibration_curve(linear, X_train, None)
wandb.sklearn.plot_summary_metrics(linear, X_train, y_train, X_test * np.nan, y_test)
wandb.sklearn.plot_learning_curve(linear, np.array([["a"], ["b"]]), [0, 1])
wandb.finish()

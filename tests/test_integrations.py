"""The callbacks and plots that wandb ships for other libraries, with the real libraries.

What they log is compared with real wandb's in `tests/frameworks`. Here is what real wandb cannot
do, or not any more, and what holds where a library is missing.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from synadb import ExperimentTracker
from tests.conftest import RunScript

_BEGIN = """\
import synadb.wandb_compat as wandb
wandb.install()
"""
_KERAS = """\
import os, sys
os.environ["KERAS_BACKEND"] = "torch"
import keras, numpy as np
keras.utils.set_random_seed(0)
draw = np.random.default_rng(0)
images = draw.random((24, 8, 8, 1)).astype("float32")
classes = (images.mean(axis=(1, 2, 3)) > 0.5).astype(int)
model = keras.Sequential([
    keras.Input((8, 8, 1)),
    keras.layers.Flatten(name="flat"),
    keras.layers.BatchNormalization(name="norm"),
    keras.layers.Dense(2, activation="softmax", name="out"),
])
model.compile("sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
"""
# Library -> names that cannot do without it.
_NEEDED = {
    "xgboost": ["xgboost.WandbCallback", "xgboost.wandb_callback"],
    "stable_baselines3": ["sb3.WandbCallback"],
    "keras": ["keras.WandbCallback", "keras.callbacks.WandbEvalCallback"],
    "sacred": ["sacred.WandbObserver"],
    "fastai": ["fastai.WandbCallback"],
    "lightning": ["lightning.fabric.WandbLogger"],
    "tensorflow": ["tensorflow.WandbHook"],
}


def _needs(*modules: str) -> pytest.MarkDecorator:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def _rows(folder: Path) -> list[dict[str, Any]]:
    with ExperimentTracker(folder / "experiments.db") as tracker:
        (run,) = tracker.list_runs()
        return [
            {key: value for key, value in row.items() if not key.startswith("_")}
            for row in tracker.rows(run.run_id)
        ]


def _artifacts(folder: Path) -> dict[str, tuple[tuple[str, ...], list[str]]]:
    """Name and version -> aliases and files."""
    with ExperimentTracker(folder / "experiments.db") as tracker:
        library = tracker.artifacts
        return {
            f"{one.collection}:v{one.number}": (
                one.aliases,
                [entry.path for entry in library.entries(one)],
            )
            for one in library.list()
        }


def _summary(folder: Path) -> dict[str, Any]:
    with ExperimentTracker(folder / "experiments.db") as tracker:
        (run,) = tracker.list_runs()
        return dict(run.summary)


def _last(text: str) -> Any:
    return json.loads(text.strip().splitlines()[-1])


# -- importing -----------------------------------------------------------------------------------


def test_a_missing_library_is_named_with_its_installation(run_script: RunScript) -> None:
    found = _last(
        run_script(
            _BEGIN
            + f"""
import importlib, json, sys
needed = {_NEEDED!r}
for name in needed:
    sys.modules[name] = None
found = {{}}
for names in needed.values():
    for place in names:
        module, _, name = place.rpartition(".")
        imported = importlib.import_module("wandb.integration." + module)
        assert name in dir(imported), place
        try:
            exec("from wandb.integration." + module + " import " + name)
        except ImportError as error:
            found[place] = [type(error).__name__, error.name.split(".")[0], str(error)]
print(json.dumps(found))
"""
        ).stdout
    )
    for library, names in _NEEDED.items():
        for place in names:
            kind, name, message = found[place]
            assert (kind, name) == ("ModuleNotFoundError", library)
            assert f"wandb.integration.{place.split('.')[0]}" in message
            assert "pip install" in message


def test_the_others_import_without_their_library(run_script: RunScript) -> None:
    names = [
        "catboost",
        "cohere",
        "diffusers",
        "dspy",
        "gym",
        "huggingface",
        "kfp",
        "kfp.helpers",
        "kfp.kfp_patch",
        "kfp.wandb_log_v1",
        "kfp.wandb_log_v2",
        "kfp.wandb_logging",
        "langchain",
        "lightgbm",
        "metaflow",
        "metaflow.metaflow",
        "openai",
        "openai.fine_tuning",
        "prodigy",
        "prodigy.prodigy",
        "sagemaker",
        "sklearn",
        "sklearn.plot",
        "sklearn.calculate",
        "torch",
        "torch.wandb_torch",
        "ultralytics",
        "weave",
    ]
    loaded = _last(
        run_script(
            _BEGIN
            + f"""
import importlib, json, sys
for name in {names!r}:
    importlib.import_module("wandb.integration." + name)
print(json.dumps([name for name in {["numpy", "sklearn", "torch", "lightgbm"]!r}
                  if name in sys.modules]))
"""
        ).stdout
    )
    assert loaded == []


def test_old_and_new_paths_are_one_module(run_script: RunScript) -> None:
    run_script(
        _BEGIN
        + """
import wandb.sklearn, wandb.lightgbm, wandb.catboost, wandb.gym
import wandb.integration.sklearn, wandb.integration.sklearn.plot.classifier
from wandb.lightgbm import wandb_callback
from wandb.sklearn import plot_roc
assert wandb.sklearn is wandb.integration.sklearn
assert wandb.lightgbm.wandb_callback is wandb_callback
assert wandb.integration.lightgbm.wandb_callback is wandb_callback
assert wandb.integration.sklearn.plot.classifier.roc is plot_roc
assert wandb.sklearn.plot_roc is plot_roc
assert wandb.integration.sklearn.__name__ == "synadb.wandb_compat.integration.sklearn"
"""
    )


def test_attributes_of_wandb_import_when_they_are_used(run_script: RunScript) -> None:
    run_script(
        """
import sys
import synadb.wandb_compat as wandb
assert not any(name.startswith("synadb.wandb_compat.integration") for name in sys.modules)
assert wandb.sklearn.plot_roc and wandb.lightgbm.log_summary and wandb.catboost.WandbCallback
assert wandb.gym.monitor and wandb.integration.sklearn is wandb.sklearn
# Whoever looks through all names loads no library, and needs none.
for name in ("keras", "xgboost", "sacred", "tensorflow"):
    assert dir(getattr(wandb, name))
    assert name not in sys.modules, name
"""
    )


def test_before_init_there_is_an_error(run_script: RunScript) -> None:
    run_script(
        _BEGIN
        + """
from wandb.catboost import WandbCallback, log_summary
for call in (WandbCallback, lambda: log_summary(None), lambda: wandb.lightgbm.log_summary(None)):
    try:
        call()
    except wandb.Error as error:
        assert "You must call wandb.init()" in str(error), error
    else:
        raise AssertionError(call)
""".replace("wandb.lightgbm.", "__import__('wandb.lightgbm').lightgbm.")
    )


def test_what_has_no_work_to_do_says_so_once(run_script: RunScript) -> None:
    done = run_script(
        _BEGIN
        + """
from wandb.integration.cohere import autolog
from wandb.integration.diffusers import autolog as diffusers
from wandb.integration.openai.fine_tuning import WandbLogger
from wandb.integration.langchain import WandbTracer
from wandb.integration.metaflow import wandb_log, wandb_track
from wandb.integration.kfp import wandb_log as kfp_log
from wandb.integration.prodigy import upload_dataset
from wandb.integration.weave import active_run_path, init_weave
for _ in range(2):
    autolog({"project": "x"})
    diffusers()
    WandbLogger.sync()
    tracer = WandbTracer.init({"project": "x"})
    tracer.on_llm_start({}, ["x"])
    assert tracer.ignore_llm and not tracer.raise_error
    tracer.finish()
    init_weave("x")
assert wandb.run is None and active_run_path() is None

@wandb_log(datasets=True)
class Flow: pass

@wandb_log
def step(): return 3

@kfp_log
def component(a: float) -> float: return a

assert Flow.__name__ == "Flow" and step() == 3 and component(2.0) == 2.0
try:
    upload_dataset("x")
except ValueError as error:
    assert "wandb.init" in str(error)
else:
    raise AssertionError
run = wandb.init(project="p", mode="offline")
upload_dataset("x")
path = active_run_path()
assert (path.project, path.run_id) == ("p", run.id), path
"""
    )
    for name in ("cohere", "diffusers", "openai", "langchain", "metaflow", "kfp", "prodigy"):
        assert done.stderr.count(f"wandb.integration.{name}.") == 1, done.stderr


def test_submodules_of_what_has_no_work_to_do(run_script: RunScript, tmp_path: Path) -> None:
    run_script(
        _BEGIN
        + """
from wandb.integration import kfp, metaflow
from wandb.integration.kfp import helpers, kfp_patch, wandb_log_v1, wandb_log_v2, wandb_logging
from wandb.integration.metaflow import metaflow as inside
assert wandb_log_v1.wandb_log is wandb_log_v2.wandb_log is wandb_logging.wandb_log is kfp.wandb_log
assert kfp_patch.patch_kfp is kfp.patch_kfp and kfp_patch.unpatch_kfp() is None
assert inside.wandb_log is metaflow.wandb_log and inside.wandb_use is metaflow.wandb_use
with wandb.init(project="p", name="named <b>") as run:
    run.log({"a": 1})
    helpers.add_wandb_visualization(run, "metadata.json")
"""
    )
    (page,) = json.loads((tmp_path / "metadata.json").read_text())["outputs"]
    assert (page["type"], page["storage"]) == ("web-app", "inline")
    assert "named &lt;b&gt;" in page["source"]


def test_summaries_that_a_script_has(tmp_path: Path, run_script: RunScript) -> None:
    from tests.test_tensorboard import float32, value

    summaries = [value("loss", float32(2, number)) for number in (1.0, 0.5, 0.25)]
    run_script(
        _BEGIN
        + f"""
import wandb.tensorflow
run = wandb.init(project="p")
for step, summary in enumerate({summaries!r}):
    wandb.tensorflow.log(summary, step=step)
run.finish()
"""
    )
    assert _rows(tmp_path) == [{"loss": 1.0}, {"loss": 0.5}, {"loss": 0.25}]


@_needs("IPython")
def test_the_class_of_the_magics(run_script: RunScript) -> None:
    done = run_script(
        _BEGIN
        + """
from IPython.core.interactiveshell import InteractiveShell
from wandb.jupyter import WandBMagics, logger
shell = InteractiveShell.instance()
magics = WandBMagics(shell, require_interaction=True)
shell.register_magics(magics)
shell.run_line_magic("wandb", "")
cell = "import wandb; run = wandb.init(project='p', id='one'); run.log({'a': 1})"
shell.run_cell_magic("wandb", "-h 100", cell)
assert shell.user_ns["run"].id == "one"
shell.user_ns["run"].finish()
assert isinstance(magics, WandBMagics) and magics.options == {} and logger.name == "wandb.jupyter"
"""
    )
    assert "there is no active run" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="the docker made here is a shell script")
def test_the_docker_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from synadb.wandb_compat import docker
    from synadb.wandb_compat.errors import Error

    monkeypatch.setenv("PATH", str(tmp_path))
    assert not docker.is_docker_installed()
    assert docker.shell(["ps"]) is None
    program = tmp_path / "docker"
    program.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = buildx ]; then exit 1; fi\n'
        'if [ "$2" = missing ]; then echo no such image >&2; exit 3; fi\n'
        'if [ "$1" = inspect ]; then echo \'["x/y@sha256:12"]\'; else echo "did $*"; fi\n'
    )
    program.chmod(0o755)
    assert docker.is_docker_installed()
    assert not docker.is_buildx_installed()
    assert docker.shell(["run", "x"]) == "did run x"
    assert docker.image_id("x/y") == "x/y@sha256:12"
    assert docker.image_id("x/y@sha256:34") == "x/y@sha256:34"
    assert docker.image_id("missing") is None
    assert "no such image" in capsys.readouterr().err
    assert docker.default_image(gpu=True) != docker.default_image()
    error = docker.DockerError(["docker", "ps"], 2, b"out", b"err")
    assert isinstance(error, Error)
    assert "`docker ps` has failed with code 2" in str(error)
    with pytest.raises(AttributeError, match=r"wandb\.docker\.push exists.*: jobs"):
        _ = docker.push


def test_sagemaker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from synadb.wandb_compat._integrations import sagemaker

    config = tmp_path / "hyperparameters.json"
    monkeypatch.setattr(sagemaker, "SM_PARAM_CONFIG", str(config))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SM_TRAINING_ENV", raising=False)
    assert not sagemaker.is_using_sagemaker()
    assert sagemaker.parse_sm_config() == {}
    assert sagemaker.parse_sm_secrets() == {}
    config.write_text(json.dumps({"rate": '"-0.5"', "layers": "3", "name": '"1.2.3"'}))
    monkeypatch.setenv("TRAINING_JOB_NAME", "job")
    monkeypatch.setenv("SM_TRAINING_ENV", '{"host": "a"}')
    (tmp_path / "secrets.env").write_text("A=1=2\n\nB=x\n")
    assert sagemaker.is_using_sagemaker()
    assert sagemaker.parse_sm_config() == {
        "sagemaker_training_job_name": "job",
        "rate": -0.5,
        "layers": 3,
        "name": "1.2.3",
        "host": "a",
    }
    assert sagemaker.parse_sm_secrets() == {"A": "1=2", "B": "x"}
    from types import SimpleNamespace

    settings = SimpleNamespace(run_id=None, run_group=None)
    assert sagemaker.set_run_id(settings)
    assert settings.run_group == "job"
    assert str(settings.run_id).startswith("job-")
    monkeypatch.setenv("WANDB_RUN_ID", "own")
    assert not sagemaker.set_run_id(settings)
    monkeypatch.setenv("SM_TRAINING_ENV", "{")
    with pytest.warns(UserWarning, match="SM_TRAINING_ENV"):
        sagemaker.parse_sm_config()


# -- scikit-learn --------------------------------------------------------------------------------


@_needs("sklearn")
def test_sklearn_plots_that_real_wandb_leaves_out(run_script: RunScript, tmp_path: Path) -> None:
    run_script(
        _BEGIN
        + """
import numpy as np
from sklearn.cluster import DBSCAN, KMeans
from sklearn.linear_model import LinearRegression, LogisticRegression
import wandb.sklearn
draw = np.random.default_rng(0)
X = draw.normal(size=(60, 3))  # wandb takes a model of three features for one that is not fitted
y = (X[:, 0] > 0).astype(int)
wandb.init()
means = KMeans(n_clusters=2, n_init=1, random_state=0).fit(X)
wandb.sklearn.plot_clusterer(means, X, means.labels_)  # wandb knows no clusterers of today
found = DBSCAN(eps=1.0).fit(X)
wandb.sklearn.plot_silhouette(found, X, found.labels_, kmeans=False)
wandb.sklearn.plot_outlier_candidates(LinearRegression().fit(X, X[:, 1]), X.tolist(), X[:, 1] + y)
model = LogisticRegression().fit(X, y)
wandb.sklearn.plot_decision_boundaries(model, X, y)
wandb.sklearn.plot_confusion_matrix(
    y, 1 - y, labels=["no", "yes"], true_labels=["no"], pred_labels=["yes"]
)
wandb.sklearn.plot_summary_metrics(model, X, y, X, y)
"""
    )
    rows = _rows(tmp_path)
    assert [next(iter(row)) for row in rows] == [
        "elbow_curve",
        "silhouette_plot",
        "silhouette_plot",
        "outlier_candidates",
        "decision_boundaries",
        "confusion_matrix",
        "summary_metrics",
    ]
    sizes = [(row[key]["nrows"], row[key]["ncols"]) for row in rows for key in row]
    assert sizes[:2] == [(5, 3), (60, 10)]
    assert sizes[3] == (60, 4)
    assert sizes[4][1] == 3
    assert 60 < sizes[4][0] <= 160  # all samples, and up to a hundred points of the boundary
    assert sizes[5:] == [(1, 3), (4, 3)]


@_needs("sklearn")
def test_sklearn_says_what_it_cannot_plot(run_script: RunScript, tmp_path: Path) -> None:
    done = run_script(
        _BEGIN
        + """
import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression
import wandb.sklearn as plots
X = np.arange(12.0).reshape(6, 2)
y = np.array([0, 1, 0, 1, 0, 1])
wandb.init()

class Own:  # no estimator of scikit-learn, and fitted
    feature_importances_ = np.array([1.0, 2.0])

plots.plot_feature_importances()
plots.plot_feature_importances(Own())
plots.plot_feature_importances(LogisticRegression())
plots.plot_residuals(LogisticRegression().fit(X, y), X, y)
plots.plot_learning_curve(LogisticRegression(), None, y)
plots.plot_learning_curve(LogisticRegression(), [["a", 1], ["b", 2]], y)
plots.plot_outlier_candidates(LinearRegression().fit(X, y), np.where(X > 3, np.nan, X), y)
plots.plot_calibration_curve(LogisticRegression().fit(X, y), X, y + 1)
plots.plot_elbow_curve(LogisticRegression().fit(X, y), X)
plots.plot_class_proportions([0, 1], 7)
wandb.log({"end": 1})
"""
    )
    assert _rows(tmp_path) == [{"end": 1}]
    for text in (
        "model is None. Please try again.",
        "model is not a classifier or regressor. Please try again.",
        "Please fit the model before passing it in.",
        "regressor is not a regressor. Please try again.",
        "X is None. Please try again.",
        "X contains values that are not numbers.",
        "X contains 8 missing values.",
        "only supports binary classification",
        "Cannot plot elbow method.",
        "y_test is not an array. Please try again.",
    ):
        assert text in done.stderr, text


# -- boosting ------------------------------------------------------------------------------------


@_needs("lightgbm")
def test_lightgbm_cross_validation(run_script: RunScript, tmp_path: Path) -> None:
    run_script(
        _BEGIN
        + """
import lightgbm, numpy as np
from wandb.integration.lightgbm import log_summary, wandb_callback
draw = np.random.default_rng(0)
X = draw.normal(size=(100, 3))
wandb.init()
params = {"objective": "regression", "metric": "l2", "verbose": -1, "num_threads": 1}
data = lightgbm.Dataset(X, X[:, 0], free_raw_data=False)
callbacks = [wandb_callback()]
lightgbm.cv(params, data, num_boost_round=3, nfold=2, stratified=False, callbacks=callbacks)
try:
    log_summary("no model")
except wandb.Error as error:
    assert "Booster" in str(error)
else:
    raise AssertionError
"""
    )
    rows = _rows(tmp_path)
    assert [row["iteration"] for row in rows] == [0, 1, 2]
    assert set(rows[0]) == {"iteration", "valid_l2-mean", "valid_l2-stdv"}


@_needs("xgboost")
def test_the_old_xgboost_function(run_script: RunScript, tmp_path: Path) -> None:
    run_script(
        _BEGIN
        + """
import warnings
from types import SimpleNamespace
from wandb.xgboost import wandb_callback
wandb.init()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    callback = wandb_callback()
assert "WandbCallback" in str(caught[0].message)
callback(SimpleNamespace(evaluation_result_list=[("train-rmse", 0.5), ("valid-rmse", 0.7)]))
"""
    )
    assert _rows(tmp_path) == [{"train-rmse": 0.5, "valid-rmse": 0.7}]


# -- Keras ---------------------------------------------------------------------------------------


@_needs("keras", "torch")
def test_keras_on_torch(run_script: RunScript, tmp_path: Path) -> None:
    run_script(
        _BEGIN
        + _KERAS
        + """
from wandb.integration.keras import WandbMetricsLogger, WandbModelCheckpoint
try:
    WandbMetricsLogger()
except wandb.Error:
    pass
else:
    raise AssertionError
run = wandb.init()
model.fit(
    images, classes, epochs=3, batch_size=8, verbose=0, validation_data=(images, classes),
    callbacks=[
        WandbMetricsLogger(log_freq=2),
        # Never better than this: nothing is saved, and nothing is logged.
        WandbModelCheckpoint("x-{epoch}.keras", save_best_only=True, initial_value_threshold=0.0),
        WandbModelCheckpoint("y-{epoch}.weights.h5", save_weights_only=True),
    ],
)
assert "tensorflow" not in sys.modules
""",
        timeout=110,
    )
    rows = _rows(tmp_path)
    assert [row.get("batch/batch_step") for row in rows] == [0, 2, None, 4, 6, None, 8, 10, None]
    assert rows[0]["batch/learning_rate"] == pytest.approx(0.01)
    assert set(rows[2]) == {
        "epoch/epoch",
        "epoch/learning_rate",
        "epoch/loss",
        "epoch/accuracy",
        "epoch/val_loss",
        "epoch/val_accuracy",
    }
    assert sorted(_artifacts(tmp_path).values()) == [
        (("epoch_0",), ["y-1.weights.h5"]),
        (("epoch_1",), ["y-2.weights.h5"]),
        (("epoch_2", "latest"), ["y-3.weights.h5"]),
    ]


@_needs("keras", "torch", "PIL")
def test_the_dropped_keras_callback(run_script: RunScript, tmp_path: Path) -> None:
    run_script(
        _BEGIN
        + _KERAS
        + """
from wandb.keras import WandbCallback
for options in ({"log_gradients": True}, {"log_gradients": True, "training_data": [images]}):
    wandb.init(mode="disabled")
    try:
        WandbCallback(**options)
    except ValueError as error:
        assert "raining" in str(error)
    else:
        raise AssertionError
    wandb.finish()
run = wandb.init(name="own name")
model.fit(images[:8], classes[:8], epochs=1, verbose=0)
before = model.get_weights()
from synadb.wandb_compat._integrations.keras_gradients import gradients
found = dict(gradients(model, (images, classes)))
assert all((a == b).all() for a, b in zip(before, model.get_weights()))
# The same by torch alone, on the one batch that there is.
import torch
output = model(images, training=True)
loss = -torch.log(output[torch.arange(24), torch.tensor(classes)]).mean()
weight = next(one for one in model.trainable_weights if one.path.endswith("out/kernel"))
(expected,) = torch.autograd.grad(loss, weight.value)
assert np.allclose(found[weight.path], expected.numpy(), atol=1e-6)
model.set_weights(before)
model.fit(
    images, classes, epochs=2, batch_size=8, verbose=0, validation_data=(images, classes),
    callbacks=[WandbCallback(
        validation_data=(images, classes), labels=["dark", "light"], data_type="image",
        predictions=4, log_weights=True, log_gradients=True, training_data=(images, classes),
        log_evaluation=True, log_batch_frequency=2, monitor="loss", compute_flops=True,
    )],
)
""",
        timeout=110,
    )
    rows = _rows(tmp_path)
    assert [sorted(row) for row in rows[:2]] == [["accuracy", "loss"]] * 2
    first = rows[2]
    assert first["epoch"] == 0
    assert first["examples"]["count"] == 4
    assert set(first["examples"]["captions"]) <= {"dark", "light"}
    assert first["parameters/out.weights"]["_type"] == "histogram"
    assert first["parameters/out.bias"]["_type"] == "histogram"
    assert sum(name.startswith("gradients/") for name in first) == 4
    assert list(rows[-1]) == ["validation_predictions"]
    assert rows[-1]["validation_predictions"]["nrows"] == 24
    summary = _summary(tmp_path)
    losses = [row["loss"] for row in rows if "epoch" in row]
    better = [0, 1] if losses[1] < losses[0] else [0]
    assert len(losses) == 2
    assert summary["best_epoch"] == better[-1]
    assert summary["best_loss"] == min(losses)
    assert summary["graph"]["_type"] == "graph-file"
    found = _artifacts(tmp_path)
    for epoch in better:
        aliases, files = found[f"model-own_name:v{epoch}"]
        assert f"epoch_{epoch}" in aliases
        assert files == ["model-best.keras"]
    assert "wb_validation_data:v0" in found
    with ExperimentTracker(tmp_path / "experiments.db") as tracker:
        (run,) = tracker.list_runs()
        names = [one.name for one in tracker.list_files(run.run_id)]
    assert "model-best.h5" in names


@_needs("keras", "torch", "PIL")
def test_keras_predictions_in_tables(run_script: RunScript, tmp_path: Path) -> None:
    done = run_script(
        _BEGIN
        + _KERAS
        + """
import json
from wandb.integration.keras import WandbEvalCallback
class Predictions(WandbEvalCallback):
    def add_ground_truth(self, logs=None):
        for number in range(3):
            self.data_table.add_data(number, wandb.Image(images[number]), int(classes[number]))

    def add_model_predictions(self, epoch, logs=None):
        stored = self.data_table_ref
        for number in stored.get_index():
            self.pred_table.add_data(epoch, *stored.data[number], number % 2)

try:
    WandbEvalCallback([], [])
except TypeError:  # abstract
    pass
run = wandb.init()
model.fit(images, classes, epochs=2, verbose=0, callbacks=[
    Predictions(["number", "image", "label"], ["epoch", "number", "image", "label", "prediction"])
])
print(json.dumps(run.id))
""",
        timeout=110,
    )
    run_id = _last(done.stdout)
    found = _artifacts(tmp_path)
    assert "val_data.table.json" in found["val:v0"][1]
    assert found[f"run_{run_id}_pred:v1"][0] == ("latest",)
    with ExperimentTracker(tmp_path / "experiments.db") as tracker:
        library = tracker.artifacts
        (data,) = library.inputs(run_id)
        assert data.collection == "val"
        table = json.loads(library.read(f"run_{run_id}_pred:v1", "eval_data.table.json"))
    assert [row[0] for row in table["data"]] == [1, 1, 1]
    assert [row[4] for row in table["data"]] == [0, 1, 0]


# -- videos --------------------------------------------------------------------------------------


@_needs("gymnasium", "moviepy")
def test_gymnasium_videos(run_script: RunScript, tmp_path: Path) -> None:
    run_script(
        _BEGIN
        + """
import gymnasium, numpy as np
from gymnasium.wrappers import RecordVideo
from wandb.integration.gym import monitor

class Env(gymnasium.Env):
    metadata = {"render_modes": ["rgb_array"], "render_fps": 5}
    render_mode = "rgb_array"
    observation_space = action_space = gymnasium.spaces.Discrete(2)
    def reset(self, seed=None, options=None):
        self.steps = 0
        return 0, {}
    def step(self, action):
        self.steps += 1
        return 0, 0.0, self.steps == 3, False, {}
    def render(self):
        return np.full((32, 32, 3), self.steps * 40, "uint8")

monitor()
monitor()  # twice is once
assert wandb.patched["gym"] == [["gymnasium.wrappers.RecordVideo", "stop_recording"]]
wandb.init()
env = RecordVideo(Env(), "videos", episode_trigger=lambda episode: True, disable_logger=True)
for _ in range(2):
    env.reset()
    while not env.step(0)[2]:
        pass
env.close()
wandb.finish()
env = RecordVideo(Env(), "more", disable_logger=True)  # without a run nothing is logged
env.reset()
env.close()
""",
        timeout=110,
    )
    rows = _rows(tmp_path)
    assert [list(row) for row in rows] == [["videos"], ["videos"]]
    assert rows[0]["videos"]["_type"] == "video-file"
    assert rows[0]["videos"]["path"].endswith(".mp4")
    assert rows[0]["videos"]["size"] > 0


def test_gym_without_either_library(run_script: RunScript) -> None:
    run_script(
        _BEGIN
        + """
import sys
sys.modules["gymnasium"] = sys.modules["gym"] = None
from wandb.integration.gym import monitor
try:
    monitor()
except wandb.Error as error:
    assert "pip install gymnasium" in str(error)
else:
    raise AssertionError
"""
    )


# -- torch ---------------------------------------------------------------------------------------


@_needs("torch")
def test_torch_history(run_script: RunScript, tmp_path: Path) -> None:
    run_script(
        _BEGIN
        + """
import torch
from wandb.integration.torch.wandb_torch import TorchGraph, TorchHistory
assert issubclass(TorchGraph, wandb.Graph)
wandb.init()
history = TorchHistory()
model = torch.nn.Linear(2, 1)
history.add_log_parameters_hook(model, prefix="p_", log_freq=1)
history.add_log_gradients_hook(model, prefix="g_", log_freq=1)
model(torch.ones(3, 2)).sum().backward()
history.log_tensor_stats(torch.arange(4.0), "own")
wandb.log({})
history.unhook("gradients/g_weight")
model(torch.ones(3, 2)).sum().backward()
history.unhook_all()
wandb.log({})
model(torch.ones(3, 2)).sum().backward()
wandb.log({"end": 1})
""",
        timeout=110,
    )
    first, second, third = _rows(tmp_path)
    assert set(first) == {
        "parameters/p_weight",
        "parameters/p_bias",
        "gradients/g_weight",
        "gradients/g_bias",
        "own",
    }
    assert set(second) == {"parameters/p_weight", "parameters/p_bias", "gradients/g_bias"}
    assert third == {"end": 1}

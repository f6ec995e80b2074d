"""Keras: WandbCallback, which wandb has dropped in 0.27 and code still imports."""

from __future__ import annotations

import operator
import os
import shutil
from collections.abc import Iterator
from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.keras_base import IS_KERAS_3, callbacks
from synadb.wandb_compat._integrations.keras_evaluation import Evaluation
from synadb.wandb_compat._integrations.keras_examples import PICTURES, examples
from synadb.wandb_compat._integrations.keras_gradients import gradients
from synadb.wandb_compat._integrations.library import active_run, not_local
from synadb.wandb_compat._term import termerror, termlog, termwarn
from synadb.wandb_compat._util.arrays import guess_data_type

__all__ = ["WandbCallback"]


class WandbCallback(callbacks.Callback):  # type: ignore[misc]
    """Logs a training of Keras: metrics, the best epoch and its model, what the model predicts.

    Each epoch is a row with what the model is compiled to measure, and `epoch`. The summary gets
    the best value of `monitor`, as `best_<monitor>`, and `best_epoch`. The three callbacks
    WandbMetricsLogger, WandbModelCheckpoint and WandbEvalCallback are what wandb has now.

    Args:
        monitor: The metric that says which epoch is best.
        verbose: 1 says when there is a better one.
        mode: "min" or "max"; "auto" takes the larger one of what is called acc or fmeasure.
        save_weights_only: Save the weights and not the whole model.
        log_weights: Log histograms of each layer's weights, `parameters/<layer>.weights`.
        log_gradients: Log histograms of gradients over `training_data`, `gradients/<weight>
            .gradient`; with TensorFlow or torch.
        save_model: Save the model of the best epoch: `model-best.h5` in the run's files, and the
            artifact `model-<run name>`.
        training_data: `(x, y)` or an iterable of such batches, for `log_gradients`.
        validation_data: `(x, y)` or a generator of such batches, for examples and evaluation.
        labels: Names of the classes that the model predicts.
        predictions: How many examples are logged, 100 at most.
        generator: The same as a generator for `validation_data`.
        input_type: "image", "images", "segmentation_mask", "label" or "auto"; with pictures, each
            epoch logs `examples`.
        output_type: The same for what the model predicts; by default what its shape says.
        log_evaluation: Log a table `validation_predictions` after the training.
        validation_steps: How many batches of `generator` are evaluated.
        class_colors: A colour, of three numbers from 0 to 1, for each class of a mask.
        log_batch_frequency: Log a row each so many batches, too.
        log_best_prefix: In place of `best_`; None: nothing about it in the summary.
        save_graph: The summary gets the layers as `graph`.
        validation_indexes: Rows of a table of yours that the evaluation refers to.
        validation_row_processor: Function of index and row that makes further columns of the
            validation table.
        prediction_row_processor: The same for the table of predictions.
        infer_missing_processors: Choose these two by the shape of the data.
        log_evaluation_frequency: Log the evaluation each so many epochs, too.
        compute_flops: Has no effect.

    Raises Error before `wandb.init`, ValueError for gradients without training data.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        verbose: int = 0,
        mode: str = "auto",
        save_weights_only: bool = False,
        log_weights: bool = False,
        log_gradients: bool = False,
        save_model: bool = True,
        training_data: Any = None,
        validation_data: Any = None,
        labels: list[Any] | None = None,
        predictions: int = 36,
        generator: Any = None,
        input_type: str | None = None,
        output_type: str | None = None,
        log_evaluation: bool = False,
        validation_steps: int | None = None,
        class_colors: Any = None,
        log_batch_frequency: int | None = None,
        log_best_prefix: str | None = "best_",
        save_graph: bool = True,
        validation_indexes: Any = None,
        validation_row_processor: Any = None,
        prediction_row_processor: Any = None,
        infer_missing_processors: bool = True,
        log_evaluation_frequency: int = 0,
        compute_flops: bool = False,
        **kwargs: Any,
    ) -> None:
        run = active_run("WandbCallback()")
        super().__init__()
        if validation_data is not None and hasattr(validation_data, "__next__"):
            validation_data, generator = None, validation_data
        self.validation_data = validation_data
        self.generator: Iterator[Any] | None = None if generator is None else iter(generator)
        self.labels = [] if labels is None else labels
        self.predictions = min(predictions, 100)
        self.monitor = monitor
        self.verbose = verbose
        self.save_weights_only = save_weights_only
        self.save_graph = save_graph
        self.save_model = save_model
        self.filepath = os.path.join(run.dir, "model-best.h5")
        self.log_weights = log_weights
        self.log_gradients = log_gradients
        self.training_data = training_data
        if log_gradients:
            _check_training_data(training_data)
        # The older name of `input_type`.
        self.input_type = kwargs.get("data_type") or input_type
        self.output_type = output_type
        self.log_evaluation = log_evaluation
        self.validation_steps = validation_steps
        self.class_colors = class_colors
        self.log_batch_frequency = log_batch_frequency
        self.log_best_prefix = log_best_prefix
        self.monitor_op, self.best = _better(mode, monitor)
        # A run that goes on knows its best epoch already.
        self.best = run.summary.get(f"{log_best_prefix}{monitor}") or self.best
        self.current: Any = None
        self._graph_rendered = False
        self._evaluation: Evaluation | None = None
        self._evaluation_options = {
            "indexes": validation_indexes,
            "validation_row_processor": validation_row_processor,
            "prediction_row_processor": prediction_row_processor,
            "class_labels": self.labels,
            "infer_missing_processors": infer_missing_processors,
        }
        self._log_evaluation_frequency = log_evaluation_frequency
        self._trained_since_evaluation = False
        if compute_flops:
            not_local("WandbCallback(compute_flops=True)", "which counts no operations")

    # -- batches ---------------------------------------------------------------------------------

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """There is something new to evaluate."""
        self._trained_since_evaluation = True

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Take the graph after the first batch, which builds the model; log the batch."""
        if self.save_graph and not self._graph_rendered:
            self._graph_rendered = True
            wandb.run.summary["graph"] = _graph(self.model)
        if self.log_batch_frequency and batch % self.log_batch_frequency == 0:
            wandb.log(dict(logs or {}), commit=True)

    # -- epochs ----------------------------------------------------------------------------------

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the epoch, and keep the model if it is the best so far."""
        logs = dict(logs or {})
        if self.log_weights:
            wandb.log(self._log_weights(), commit=False)
        if self.log_gradients:
            found = gradients(self.model, self.training_data)
            row = {f"gradients/{name}.gradient": wandb.Histogram(one) for name, one in found}
            wandb.log(row, commit=False)
        self._log_examples()
        if self._log_evaluation_frequency > 0 and epoch % self._log_evaluation_frequency == 0:
            self._attempt_evaluation_log(commit=False)
        wandb.log({"epoch": epoch, **logs})
        self.current = logs.get(self.monitor)
        if self.current and self.monitor_op(self.current, self.best):
            self._keep_best(epoch)
            self.best = self.current

    def _keep_best(self, epoch: int) -> None:
        run = active_run("WandbCallback()")
        if self.log_best_prefix:
            run.summary[f"{self.log_best_prefix}{self.monitor}"] = self.current
            run.summary[f"{self.log_best_prefix}epoch"] = epoch
        if self.verbose:
            saving = f", saving model to {self.filepath}" if self.save_model else ""
            termlog(
                f"Epoch {epoch:05d}: {self.monitor} improved from {self.best:.5f} to "
                f"{self.current:.5f}{saving}"
            )
        if self.save_model and not getattr(run, "disabled", False):
            self._save_model(run)
            self._save_model_as_artifact(run, epoch)

    def _save_model(self, run: Any) -> None:
        path = self.filepath
        try:
            if not self.save_weights_only:
                self.model.save(path, overwrite=True)
            else:
                if IS_KERAS_3:  # it takes no other name
                    path = path[: -len("h5")] + "weights.h5"
                self.model.save_weights(path, overwrite=True)
        except (AttributeError, ImportError, NotImplementedError, RuntimeError, TypeError) as error:
            termerror(f"WandbCallback: the model cannot be saved in HDF5 format: {error}")
        else:
            run.save(path, base_path=run.dir)

    def _save_model_as_artifact(self, run: Any, epoch: int) -> None:
        artifact = wandb.Artifact(
            wandb.util.make_artifact_name_safe(f"model-{run.name}"), type="model"
        )
        folder = self.filepath.removesuffix(".h5")
        if IS_KERAS_3:
            os.makedirs(folder, exist_ok=True)
            self.model.save(os.path.join(folder, "model-best.keras"), overwrite=True)
        else:
            self.model.save(folder, overwrite=True, save_format="tf")
        artifact.add_dir(folder)
        run.log_artifact(artifact, aliases=["latest", f"epoch_{epoch}"])
        shutil.rmtree(folder)  # it is in the artifact, and would be among the run's files as well

    def _log_weights(self) -> dict[str, Any]:
        found = {}
        for layer in self.model.layers:
            weights = layer.get_weights()
            if len(weights) > 2:
                continue  # of a layer of layers: there are no names for them
            for name, values in zip(("weights", "bias"), weights, strict=False):
                key = f"parameters/{layer.name}.{name}"
                if getattr(getattr(values, "dtype", None), "kind", "") in tuple("iufc"):
                    found[key] = wandb.Histogram(values)
                else:
                    termwarn(f"WandbCallback: {key} has values that are no numbers", repeat=False)
        return found

    # -- predictions -----------------------------------------------------------------------------

    def _log_examples(self) -> None:
        if not self.input_type and not self.output_type:
            return
        inputs, outputs = self.model.inputs, self.model.outputs
        if self.input_type == "auto" and len(inputs) == 1:
            self.input_type = guess_data_type(inputs[0].shape, risky=True)
        if self.input_type and self.output_type is None and len(outputs) == 1:
            self.output_type = guess_data_type(outputs[0].shape)
        if self.input_type not in PICTURES and self.output_type not in PICTURES:
            return
        if self.generator is not None:
            self.validation_data = next(self.generator)
        if self.validation_data is None:
            termwarn(
                "WandbCallback: no examples without validation data; give it validation_data or "
                "a generator",
                repeat=False,
            )
            return
        pictures = examples(
            self.model,
            *self.validation_data[:2],
            count=self.predictions,
            types=(self.input_type, self.output_type),
            labels=self.labels,
            colors=self.class_colors,
        )
        wandb.log({"examples": pictures}, commit=False)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Store the validation data, if there will be an evaluation."""
        if not self.log_evaluation:
            return
        data = self.validation_data
        if data is None and self.generator is not None:
            data = self._from_generator(self.generator)
        if data is None:
            termwarn(
                "WandbCallback: no evaluation without validation data; give it validation_data, "
                "or a generator and validation_steps"
            )
            return
        try:
            self._evaluation = Evaluation(*data[:2], **self._evaluation_options)
        except Exception as error:  # noqa: BLE001 - data of any kind: no reason not to train
            termwarn(f"WandbCallback: the validation data cannot be logged: {error}")

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Log the evaluation, unless nothing was trained since the last."""
        if self._trained_since_evaluation:
            self._attempt_evaluation_log(commit=True)

    def _attempt_evaluation_log(self, commit: bool) -> None:
        if self._evaluation is None:
            return
        try:
            self._evaluation.log(self.model, commit)
            self._trained_since_evaluation = False
        except Exception as error:  # noqa: BLE001 - data of any kind: no reason to end a training
            termwarn(f"WandbCallback: the predictions cannot be logged: {error}")

    def _from_generator(self, generator: Iterator[Any]) -> tuple[Any, Any] | None:
        import numpy as np

        if not self.validation_steps:
            return None
        batches = [next(generator) for _ in range(self.validation_steps)]
        inputs, targets = zip(*(batch[:2] for batch in batches), strict=True)
        return np.concatenate(inputs), np.concatenate(targets)


def _check_training_data(data: Any) -> None:
    if data is None:
        raise ValueError(
            "WandbCallback: training_data argument is required for gradient logging "
            "(log_gradients=True)"
        )
    if isinstance(data, list | tuple) and len(data) != 2:
        raise ValueError("WandbCallback: training data must be a tuple of length two, (x, y)")


def _better(mode: str, monitor: str) -> tuple[Any, float]:
    """The comparison that tells a better value, and a value that any is better than."""
    if mode not in ("auto", "min", "max"):
        termwarn(f"WandbCallback mode {mode} is unknown, fallback to auto mode.")
        mode = "auto"
    if mode == "max" or (mode == "auto" and ("acc" in monitor or monitor.startswith("fmeasure"))):
        return operator.gt, float("-inf")
    return operator.lt, float("inf")


def _graph(model: Any) -> Any:
    if not IS_KERAS_3:
        return wandb.Graph.from_keras(model)
    # Each use of a layer knows the uses that it gets its inputs from.
    graph = wandb.Graph()
    node_class = wandb.data_types.Node
    for layer in model.layers:
        node = node_class.from_keras(layer)
        if hasattr(layer, "output"):
            node.output_shape = list(getattr(layer.output, "shape", ["multiple"]))
        graph.add_node(node)
    for layer in model.layers:
        for use in getattr(layer, "_inbound_nodes", ()):
            for parent in use.parent_nodes:
                if parent.operation.name in graph.nodes_by_id:
                    graph.add_edge(graph[parent.operation.name], graph[layer.name])
    return graph

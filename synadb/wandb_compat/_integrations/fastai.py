"""fastai 1: the callback that logs a training."""

from __future__ import annotations

import os
import random
from typing import Any, ClassVar

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.library import library
from synadb.wandb_compat._term import termlog, termwarn
from synadb.wandb_compat.errors import Error

__all__ = ["FastaiError", "WandbCallback"]

_USER = "wandb.integration.fastai, which is for fastai 1"
_PICTURE_CHANNELS = (1, 3, 4)


def _tracker_callback() -> Any:
    try:
        return library("fastai.callbacks", _USER, "'fastai<2'").TrackerCallback
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{error}. fastai 2 has its own: from fastai.callback.wandb import WandbCallback",
            name=error.name,
        ) from None


class FastaiError(Error):
    """A learner cannot predict."""


class WandbCallback(_tracker_callback()):  # type: ignore[misc]
    """Logs losses and metrics each epoch, and keeps the best model.

    Args:
        learn: The learner.
        log: What to watch of the model: "gradients", "parameters", "all" or None.
        save_model: Keep the best model as `bestmodel.pth` in the run's files, and load it at the
            end.
        monitor: The metric that says which model is best.
        mode: "auto", "min" or "max".
        input_type: "images" logs predictions for some samples, as `Prediction Samples`.
        validation_data: The samples; by default drawn from the learner's validation data.
        predictions: How many are drawn.
        seed: For drawing them.

    Raises ValueError before `wandb.init`.
    """

    _watch_called: ClassVar[bool] = False

    def __init__(
        self,
        learn: Any,
        log: str | None = "gradients",
        save_model: bool = True,
        monitor: str | None = None,
        mode: str = "auto",
        input_type: str | None = None,
        validation_data: list[Any] | None = None,
        predictions: int = 36,
        seed: int = 12345,
    ) -> None:
        if wandb.run is None:
            raise ValueError("You must call wandb.init() before WandbCallback()")
        chosen = {} if monitor is None else {"monitor": monitor}
        super().__init__(learn, mode=mode, **chosen)
        self.save_model = save_model
        self.model_path = os.path.join(wandb.run.dir, "bestmodel.pth")
        self.log = log
        self.input_type = input_type
        self.best: Any = None
        self.validation_data = validation_data
        if input_type and not validation_data:
            valid = learn.data.valid_ds
            drawn = random.Random(seed).sample(range(len(valid)), min(predictions, len(valid)))
            self.validation_data = [valid[number] for number in drawn]

    def on_train_begin(self, **kwargs: Any) -> None:
        """Watch the model: the first time only, since hooks stay."""
        super().on_train_begin(**kwargs)
        if not WandbCallback._watch_called:
            WandbCallback._watch_called = True
            wandb.watch(self.learn.model, log=self.log)

    def on_epoch_end(
        self, epoch: int, smooth_loss: Any, last_metrics: list[Any], **kwargs: Any
    ) -> None:
        """Keep the model if it is the best, and log the epoch."""
        if self.save_model:
            self._keep_best(epoch)
        if self.validation_data:
            try:
                self._log_predictions(self.validation_data)
            except Exception as error:  # noqa: BLE001 - samples of any kind: no reason to stop
                termwarn(f"Unable to log prediction samples.\n{error}")
                self.validation_data = None
        values = [epoch, smooth_loss, *last_metrics]
        wandb.log(dict(zip(self.learn.recorder.names, values, strict=False)))

    def _keep_best(self, epoch: int) -> None:
        current = self.get_monitor_value()
        if current is not None and self.operator(current, self.best):
            termlog(f"Better model found at epoch {epoch} with {self.monitor} value: {current}.")
            self.best = current
            with open(self.model_path, "wb") as file:
                self.learn.save(file)

    def on_train_end(self, **kwargs: Any) -> None:
        """Load the best model."""
        if self.save_model and os.path.isfile(self.model_path):
            with open(self.model_path, "rb") as file:
                self.learn.load(file, purge=False)
            termlog(f"Loaded best saved model from {self.model_path}")

    def _log_predictions(self, samples: list[Any]) -> None:
        images: list[Any] = []
        for given, wanted in samples:
            try:
                predicted = self.learn.predict(given)
            except Exception as error:
                raise FastaiError(
                    'Unable to run "predict" method from Learner to log prediction samples.'
                ) from error
            images += _pictures(given, wanted, predicted)
        wandb.log({"Prediction Samples": images}, commit=False)


def _pictures(given: Any, wanted: Any, predicted: Any) -> list[Any]:
    """One sample: what went in, what came out, and what should have."""
    if not predicted[1].shape or predicted[1].dim() == 1:  # one class, or several
        caption = f"Ground Truth: {wanted}\nPrediction: {predicted[0]}"
        return [wandb.Image(given.data, caption=caption)]
    source = wandb.Image(given.data, caption="Input data", grouping=3)
    if hasattr(given, "show"):
        pairs = ((predicted[0], "Prediction"), (wanted, "Ground Truth"))
        return [source, *(_drawn(given, over, caption) for over, caption in pairs)]
    shape: Any = getattr(wanted, "shape", ())
    if len(shape) == 2 or (len(shape) == 3 and shape[0] in _PICTURE_CHANNELS):
        return [
            source,
            wandb.Image(predicted[0].data, caption="Prediction"),
            wandb.Image(wanted.data, caption="Ground Truth"),
        ]
    return [wandb.Image(given.data, caption="Input data")]


def _drawn(given: Any, over: Any, caption: str) -> Any:
    """The picture as fastai shows it, with the other one on top, in its own size."""
    figure_module = library("matplotlib.figure", "wandb.integration.fastai", "matplotlib")
    height, width = given.size
    figure = figure_module.Figure(figsize=(width / 100, height / 100), dpi=100, frameon=False)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    given.show(ax=axes, y=over)
    return wandb.Image(figure, caption=caption)

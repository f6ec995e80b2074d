"""Ultralytics: tables of what a YOLO model predicts, in training, validation and use."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.library import active_run, library
from synadb.wandb_compat._integrations.ultralytics_rows import predicted, validated
from synadb.wandb_compat._term import termerror

__all__ = ["WandBUltralyticsCallback", "add_wandb_callback"]

_BOXES = ["Image", "Mean-Confidence", "Speed"]
_CLASSES = [
    "Image",
    "Predicted-Category",
    "Prediction-Confidence",
    "Top-5-Prediction-Categories",
    "Top-5-Prediction-Confindence",
    "Probabilities",
    "Speed",
]
# Task -> columns of a validated and of a predicted image.
_COLUMNS = {
    "detect": (_BOXES, ["Image", "Num-Objects", *_BOXES[1:]]),
    "segment": (_BOXES, ["Image", "Num-Objects", *_BOXES[1:]]),
    "pose": (
        ["Image-Ground-Truth", "Image-Prediction", "Num-Instances", *_BOXES[1:]],
        ["Image-Prediction", "Num-Instances", *_BOXES[1:]],
    ),
    "classify": (["Image", "Ground-Truth-Category", *_CLASSES[1:]], _CLASSES),
}


class WandBUltralyticsCallback:
    """What a YOLO model predicts, with boxes and masks over the images, in three tables.

    `Train-Table` has images of the validation data, epoch by epoch; `Validation-Table` those of a
    validation, `Prediction-Table` those of a prediction.

    Args:
        model: The YOLO model; its task is "detect", "segment", "pose" or "classify".
        epoch_logging_interval: Predict each so many epochs.
        max_validation_batches: How many batches of validation data are predicted.
        enable_model_checkpointing: Store each epoch's model, as the artifact `run_<id>_model`.
        visualize_skeleton: Draw lines between the points of a pose.
    """

    def __init__(
        self,
        model: Any,
        epoch_logging_interval: int = 1,
        max_validation_batches: int = 1,
        enable_model_checkpointing: bool = False,
        visualize_skeleton: bool = False,
    ) -> None:
        self.epoch_logging_interval = epoch_logging_interval
        self.max_validation_batches = max_validation_batches
        self.enable_model_checkpointing = enable_model_checkpointing
        self.visualize_skeleton = visualize_skeleton
        self.task = model.task
        self.supported_tasks = list(_COLUMNS)
        name = model.overrides.get("model")
        self.model_name = None if name is None else str(name).split(".")[0]
        self.run_id: str | None = None
        self.train_epoch: int | None = None
        self.predictor = _quiet_predictor(model)
        self._model = model
        if self.task in _COLUMNS:
            of_validation, of_prediction = _COLUMNS[self.task]
            places = ["Data-Index", "Batch-Index"]
            self.train_validation_table = _table("Epoch", *places, *of_validation)
            self.validation_table = _table(*places, *of_validation)
            self.prediction_table = _table(*of_prediction)

    # -- training --------------------------------------------------------------------------------

    def on_train_start(self, trainer: Any) -> None:
        """Put the arguments of the training into the config."""
        wandb.config.train = vars(trainer.args)
        self.run_id = active_run("training").id

    def on_fit_epoch_end(self, trainer: Any) -> None:
        """Predict some validation data; store the model."""
        if self.task not in _COLUMNS or self.train_epoch == trainer.epoch:
            return
        self.train_epoch = trainer.epoch
        if (trainer.epoch + 1) % self.epoch_logging_interval == 0:
            device = next(trainer.model.parameters()).device
            model = getattr(trainer.model, "module", trainer.model)
            # A copy: predicting fuses layers, and the training goes on.
            model = copy.deepcopy(model).eval().to(device)
            self.predictor.setup_model(model=model, verbose=False)
            for number, batch, row in self._rows(trainer.validator):
                self.train_validation_table.add_data(
                    self.model_name, trainer.epoch, number, batch, *row
                )
            trainer.model.to(device)
        if self.enable_model_checkpointing:
            self._save_model(trainer)

    def on_train_end(self, trainer: Any) -> None:
        """Add the table of the training to the open row."""
        if self.task in _COLUMNS:
            wandb.log({"Train-Table": self.train_validation_table}, commit=False)

    def _save_model(self, trainer: Any) -> None:
        torch = library("torch", "wandb.integration.ultralytics")
        run = active_run("training")
        model = getattr(trainer.model, "module", trainer.model)
        path = os.path.join(str(trainer.wdir), f"epoch{trainer.epoch}.pt")
        torch.save(
            {
                "epoch": trainer.epoch,
                "best_fitness": trainer.best_fitness,
                "model": copy.deepcopy(model).half(),
                "ema": copy.deepcopy(trainer.ema.ema).half(),
                "updates": trainer.ema.updates,
                "optimizer": trainer.optimizer.state_dict(),
                "train_args": vars(trainer.args),
                "date": datetime.now(timezone.utc).isoformat(),
                "version": library("ultralytics", "wandb.integration.ultralytics").__version__,
            },
            path,
        )
        artifact = wandb.Artifact(f"run_{run.id}_model", type="model")
        artifact.add_file(path)
        run.log_artifact(artifact, aliases=[f"epoch_{trainer.epoch}"])

    # -- validation and prediction ---------------------------------------------------------------

    def on_val_start(self, validator: Any) -> None:
        """Start a run where there is none."""
        if wandb.run is None:
            project = validator.args.project or "YOLOv8"
            wandb.init(project=project, job_type=f"validation_{validator.args.task}")

    def on_val_end(self, validator: Any) -> None:
        """Predict some validation data."""
        if self.task in _COLUMNS:
            for number, batch, row in self._rows(validator):
                self.validation_table.add_data(self.model_name, number, batch, *row)
            wandb.log({"Validation-Table": self.validation_table}, commit=False)

    def on_predict_start(self, predictor: Any) -> None:
        """Start a run where there is none."""
        if wandb.run is None:
            project = predictor.args.project or "YOLOv8"
            wandb.init(
                project=project,
                config=vars(predictor.args),
                job_type=f"prediction_{predictor.args.task}",
            )

    def on_predict_end(self, predictor: Any) -> None:
        """Log what was predicted."""
        wandb.config.prediction_configs = vars(predictor.args)
        if self.task in _COLUMNS:
            for result in predictor.results or ():
                row = predicted(self.task, result, skeleton=self.visualize_skeleton)
                self.prediction_table.add_data(self.model_name, *row)
            wandb.log({"Prediction-Table": self.prediction_table}, commit=False)

    def _rows(self, validator: Any) -> Iterator[tuple[int, int, list[Any]]]:
        """Number of the image, number of its batch, and its row, for some validation data."""
        if self.predictor.model is None:  # nothing was trained before
            model = copy.deepcopy(self._model.model).eval()
            self.predictor.setup_model(model=model, verbose=False)
        number = 0
        for place, batch in enumerate(validator.dataloader):
            if place >= self.max_validation_batches:
                return
            for row in validated(
                self.task, batch, self.predictor, validator.names, skeleton=self.visualize_skeleton
            ):
                yield number, place, row
                number += 1

    @property
    def callbacks(self) -> dict[str, Callable[..., None]]:
        """Event -> what to call."""
        return {
            "on_train_start": self.on_train_start,
            "on_fit_epoch_end": self.on_fit_epoch_end,
            "on_train_end": self.on_train_end,
            "on_val_start": self.on_val_start,
            "on_val_end": self.on_val_end,
            "on_predict_start": self.on_predict_start,
            "on_predict_end": self.on_predict_end,
        }


def _table(*columns: str) -> Any:
    # A model that is trained on has other classes than before, and so other keys in its cells.
    return wandb.Table(columns=["Model-Name", *columns], allow_mixed_types=True)


def _quiet_predictor(model: Any) -> Any:
    """A predictor of the model's task that writes nothing and calls nobody."""
    overrides = {**copy.deepcopy(model.overrides), "conf": 0.1}
    predictor = model.task_map[model.task]["predictor"](overrides=overrides)
    predictor.callbacks = {}
    for option in ("save", "save_txt", "save_crop"):
        setattr(predictor.args, option, False)
    predictor.args.verbose = None
    return predictor


def add_wandb_callback(
    model: Any,
    epoch_logging_interval: int = 1,
    enable_model_checkpointing: bool = False,
    enable_train_validation_logging: bool = True,
    enable_validation_logging: bool = True,
    enable_prediction_logging: bool = True,
    max_validation_batches: int | None = 1,
    visualize_skeleton: bool | None = True,
) -> Any:
    """Add a WandBUltralyticsCallback to a YOLO model, and return the model.

    Three of the arguments switch its tables off; the others are those of the class. A process of a
    rank other than 0 gets none.
    """
    rank = library("ultralytics.utils", "wandb.integration.ultralytics").RANK
    if rank not in (-1, 0):
        termerror(f"add_wandb_callback: the process of rank {rank} gets no callbacks")
        return model
    callback = WandBUltralyticsCallback(
        copy.deepcopy(model),
        epoch_logging_interval,
        1 if max_validation_batches is None else max_validation_batches,
        enable_model_checkpointing,
        bool(visualize_skeleton),
    )
    off = set()
    if not enable_train_validation_logging:
        off |= {"on_fit_epoch_end", "on_train_end"}
    if not enable_validation_logging:
        off |= {"on_val_start", "on_val_end"}
    if not enable_prediction_logging:
        off |= {"on_predict_start", "on_predict_end"}
    for event, function in callback.callbacks.items():
        if event not in off:
            model.add_callback(event, function)
    return model

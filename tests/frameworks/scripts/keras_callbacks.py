# mypy: ignore-errors
"""Keras: WandbMetricsLogger, by epochs and by batches, and WandbModelCheckpoint."""

import os
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"  # real wandb takes its base classes from there
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import wandb
from wandb.integration.keras import WandbMetricsLogger, WandbModelCheckpoint

LIBRARIES = ["keras", "tensorflow|tensorflow-cpu"]
FILES_VARY = ["*.keras", "*.h5"]  # archives with times in them

draw = np.random.default_rng(0)
features = draw.normal(size=(64, 4)).astype("float32")
targets = features.sum(axis=1, keepdims=True)


def make(rate: Any) -> Any:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(rate), loss="mse", metrics=["mae"])
    return model


def fit(model: Any, *callbacks: Any) -> None:
    model.fit(
        features,
        targets,
        epochs=3,
        batch_size=16,
        validation_data=(features, targets),
        verbose=0,
        callbacks=list(callbacks),
    )


wandb.init(project="keras")
fit(make(0.01), WandbMetricsLogger(), WandbModelCheckpoint("model-{epoch:02d}.keras"))
wandb.finish()

wandb.init(project="keras")
schedule = keras.optimizers.schedules.ExponentialDecay(0.05, decay_steps=4, decay_rate=0.5)
fit(
    make(schedule),
    WandbMetricsLogger(log_freq=2, initial_global_step=4),
    WandbModelCheckpoint("weights-{epoch}-{batch}.weights.h5", save_weights_only=True, save_freq=6),
)
wandb.finish()

wandb.init(project="keras")
model = make(0.05)
best = WandbModelCheckpoint("best.keras", monitor="val_loss", save_best_only=True)
fit(model, wandb.keras.WandbMetricsLogger("batch"), best)
wandb.finish()

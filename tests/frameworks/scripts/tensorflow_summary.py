# mypy: ignore-errors
"""tf.summary under sync_tensorboard=True."""

import numpy as np
import tensorflow as tf
import wandb

LIBRARIES = ["tensorflow|tensorflow-cpu", "tensorboard"]
VARIES = ["filenames", "sha256", "path"]  # wandb names files of events by chance

run = wandb.init(project="tensorflow", sync_tensorboard=True)
writer = tf.summary.create_file_writer("logs")
draw = np.random.default_rng(0)
with writer.as_default():
    for step in range(10):
        tf.summary.scalar("loss", 1 / (step + 1), step=step)
        tf.summary.scalar("whole", step, step=step)
    tf.summary.histogram("values", draw.normal(size=1000), step=11)
    tf.summary.histogram("same", np.ones(5), step=12)
    tf.summary.image("pictures", draw.random((2, 4, 5, 3)), step=13)
writer.close()
run.finish()

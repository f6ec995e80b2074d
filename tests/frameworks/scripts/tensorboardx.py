# mypy: ignore-errors
"""tensorboardX under sync_tensorboard=True."""

import numpy as np
import wandb
from tensorboardX import SummaryWriter

LIBRARIES = ["tensorboardX", "tensorboard"]
VARIES = ["filenames", "sha256", "path"]  # wandb names files of events by chance

draw = np.random.default_rng(0)

run = wandb.init(project="tensorboardx", sync_tensorboard=True)
writer = SummaryWriter("logs")
for step in range(10):
    writer.add_scalar("loss", 1 / (step + 1), step)
    writer.add_scalar("accuracy", step / 7, step)
writer.add_histogram("values", draw.normal(size=1000), 10)
writer.add_histogram("few", np.arange(10.0), 11, bins=3)
writer.add_image("picture", draw.integers(0, 255, (3, 8, 6), dtype=np.uint8), 12)
writer.add_pr_curve("curve", np.array([1, 0, 1, 1]), np.array([0.9, 0.2, 0.6, 0.4]), 13)
writer.add_scalar("last", 2**0.5, 14)
writer.close()
run.finish()

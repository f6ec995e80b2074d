# mypy: ignore-errors
"""d3rlpy's WanDBAdapterFactory: imitation of a small data set, its modules watched."""

import d3rlpy
import numpy as np

LIBRARIES = ["d3rlpy", "torch"]
VARIES = ["time_*"]
DIFFERS = {"runs?0?.name": "d3rlpy puts the time of day into it"}

d3rlpy.seed(1)
draw = np.random.default_rng(0)
data = d3rlpy.dataset.MDPDataset(
    draw.random((60, 3), dtype="float32"),
    draw.random((60, 1), dtype="float32"),
    np.ones((60, 1), "float32"),
    np.array(([0] * 9 + [1]) * 6, "float32").reshape(-1, 1),
)
d3rlpy.algos.BCConfig(batch_size=8).create(device="cpu:0").fit(
    data,
    n_steps=6,
    n_steps_per_epoch=2,
    logger_adapter=d3rlpy.logging.WanDBAdapterFactory(project="d3rlpy"),
    experiment_name="imitation",
    show_progress=False,
)

"""Logs one of every kind: images, tables, points in space, HTML, histograms and plots.

synadb run examples/media_gallery.py
synadb compare examples/media_gallery.py    # with wandb and with SynaDB, side by side
"""

from __future__ import annotations

import os
import tempfile

import numpy as np
import wandb

run = wandb.init(project="gallery", config={"seed": 0})
random = np.random.default_rng(0)

# Images: arrays of whole numbers, gray and in color, with a caption, a mask and boxes.
pixels = random.integers(0, 256, (32, 48, 3), np.uint8)
mask = np.zeros((32, 48), np.uint8)
mask[8:24, 8:24] = 1
run.log(
    {
        "image": wandb.Image(pixels, caption="noise"),
        "gray": wandb.Image(pixels[:, :, 0]),
        "batch": [wandb.Image(pixels, caption=str(i)) for i in range(3)],
        "masked": wandb.Image(
            pixels, masks={"truth": {"mask_data": mask, "class_labels": {0: "sky", 1: "cat"}}}
        ),
        "boxed": wandb.Image(
            pixels,
            boxes={
                "truth": {
                    "box_data": [
                        {
                            "position": {"minX": 0.1, "maxX": 0.5, "minY": 0.2, "maxY": 0.7},
                            "class_id": 1,
                        }
                    ],
                    "class_labels": {1: "cat"},
                }
            },
        ),
    }
)

# Tables: typed columns, and pictures in cells.
table = wandb.Table(columns=["name", "score", "good"])
for index in range(5):
    table.add_data(f"row {index}", index / 4, index % 2 == 0)
run.log({"table": table})

# Points in space, a page, and distributions.
run.log({"points": wandb.Object3D(random.random((50, 3)).round(3))})
run.log({"page": wandb.Html("<h1>Hello</h1>"), "spread": wandb.Histogram(random.normal(size=500))})
with tempfile.TemporaryDirectory() as folder:
    page = os.path.join(folder, "page.html")
    with open(page, "w", encoding="utf-8") as file:
        file.write("<html><head></head><body>from a file</body></html>")
    run.log({"file": wandb.Html(page)})

# Plots.
steps = list(range(10))
rows = [[step, step**2] for step in steps]
run.log({"line": wandb.plot.line(wandb.Table(columns=["x", "y"], data=rows), "x", "y", title="L")})
run.log({"bars": wandb.plot.bar(wandb.Table(columns=["x", "y"], data=rows), "x", "y")})
run.log(
    {
        "confusion": wandb.plot.confusion_matrix(
            y_true=[0, 1, 2, 1, 0], preds=[0, 2, 2, 1, 0], class_names=["a", "b", "c"]
        )
    }
)
run.log({"series": wandb.plot.line_series(steps, [steps, [s * 2 for s in steps]], title="S")})
run.summary["best"] = wandb.Image(pixels[::2, ::2])
run.finish()

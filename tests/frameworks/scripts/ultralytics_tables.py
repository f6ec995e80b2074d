# mypy: ignore-errors
"""Ultralytics: tables of a training, a validation and predictions of small models."""

import os
from pathlib import Path

os.environ["YOLO_OFFLINE"] = "true"

import numpy as np
import torch
import wandb
from PIL import Image
from ultralytics import YOLO, settings
from wandb.integration.ultralytics import add_wandb_callback

LIBRARIES = ["ultralytics", "torchvision"]
# Times, in columns of the tables, and folders in the arguments.
VARIES = ["*-Table", "save_dir", "speed/*", "time*"]
FILES_VARY = ["*.pt"]

settings.update({"wandb": False, "sync": False})
torch.set_num_threads(1)
draw = np.random.default_rng(0)
for part in ("train", "val"):
    Path(f"data/images/{part}").mkdir(parents=True)
    Path(f"data/labels/{part}").mkdir(parents=True)
    for number in range(4):
        pixels = draw.integers(0, 255, (32, 32, 3), dtype="uint8")
        Image.fromarray(pixels).save(f"data/images/{part}/{number}.png")
        Path(f"data/labels/{part}/{number}.txt").write_text(f"{number % 2} 0.5 0.5 0.4 0.2\n")
Path("data.yaml").write_text(
    f"path: {Path('data').resolve()}\ntrain: images/train\nval: images/val\n"
    "names: {0: ant, 1: bee}\n"
)
options = {"imgsz": 32, "plots": False, "verbose": False, "device": "cpu", "workers": 0}

torch.manual_seed(0)
YOLO("yolov8n.yaml").save("small.pt")
with wandb.init(project="ultralytics"):
    model = YOLO("small.pt")
    add_wandb_callback(model, enable_model_checkpointing=True, visualize_skeleton=False)
    model.train(data="data.yaml", epochs=2, batch=2, amp=False, seed=0, project="runs", **options)
    wandb.log({"end": 1})

image = draw.integers(0, 255, (32, 32, 3), dtype="uint8")
for name in ("yolov8n", "yolov8n-cls", "yolov8n-seg", "yolov8n-pose"):
    with wandb.init(project="ultralytics"):
        torch.manual_seed(0)
        model = YOLO(f"{name}.yaml")
        add_wandb_callback(model)
        model.predict(image, imgsz=32, conf=0.0, max_det=3, verbose=False, device="cpu")
        wandb.log({"rows": 1})

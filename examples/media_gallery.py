"""Logs media of many kinds: images, sound, a film, points in space, a molecule, HTML, histograms.

Each is a value in a row like any other; its file goes into the database with the run. Tables and
plots have an example of their own.

synadb run examples/media_gallery.py
synadb show media-gallery --media gallery    # every file, in a folder
synadb compare examples/media_gallery.py     # under real wandb and under SynaDB, side by side
"""

import tempfile
import wave
from pathlib import Path

import numpy as np
import wandb
from PIL import Image

rng = np.random.default_rng(0)
x, y = np.meshgrid(np.linspace(-1, 1, 48), np.linspace(-1, 1, 32))
LABELS = {0: "sky", 1: "sun"}
WATER = """\
HETATM    1  O   HOH A   1       0.000   0.000   0.000  1.00  0.00           O
HETATM    2  H   HOH A   1       0.757   0.586   0.000  1.00  0.00           H
HETATM    3  H   HOH A   1      -0.757   0.586   0.000  1.00  0.00           H
END
"""


def sky(height):
    """A picture of a sun that stands at this height, and the pixels that are sun."""
    sun = (x**2 + (y + height) ** 2 < 0.1).astype(np.uint8)
    return np.where(sun[..., None], (255, 220, 80), (60, 120, 200)).astype(np.uint8), sun


def log_images(run):
    pixels, sun = sky(0.3)
    box = {"minX": 0.34, "maxX": 0.66, "minY": 0.19, "maxY": 0.51}
    boxes = {"box_data": [{"position": box, "class_id": 1}], "class_labels": LABELS}
    run.log(
        {
            "image": wandb.Image(pixels, caption="a sun"),
            "gray": wandb.Image(pixels[:, :, 0]),
            "several": [wandb.Image(sky(i / 4)[0], caption=f"height {i / 4}") for i in range(3)],
            "mask": wandb.Image(
                pixels, masks={"truth": {"mask_data": sun, "class_labels": LABELS}}
            ),
            "boxes": wandb.Image(pixels, boxes={"truth": boxes}),
        }
    )


def log_files(run, folder):
    """A sound, a film and a molecule from files; they are copied as they are."""
    with wave.open(str(folder / "tone.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        tone = 10_000 * np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)
        file.writeframes(tone.astype("<i2").tobytes())
    first, *others = [Image.fromarray(sky(height)[0]) for height in np.linspace(-1, 1, 12)]
    first.save(folder / "sunrise.gif", save_all=True, append_images=others, duration=80, loop=0)
    (folder / "water.pdb").write_text(WATER, encoding="ascii")
    run.log(
        {
            "sound": wandb.Audio(str(folder / "tone.wav"), caption="440 Hz"),
            "film": wandb.Video(str(folder / "sunrise.gif"), caption="sunrise"),
            "molecule": wandb.Molecule(str(folder / "water.pdb"), caption="water"),
        }
    )


def main():
    with wandb.init(project="examples", name="media-gallery") as run:
        log_images(run)
        with tempfile.TemporaryDirectory() as folder:
            log_files(run, Path(folder))
        points = rng.normal(size=(200, 3))
        run.log(
            {
                "points": wandb.Object3D(
                    (points / np.linalg.norm(points, axis=1)[:, None]).round(3)
                ),
                "page": wandb.Html("<h1>Hello</h1><p>from a run</p>"),
                "spread": wandb.Histogram(rng.normal(size=500)),
            }
        )
        run.summary["best"] = wandb.Image(sky(0.8)[0])
    print("media of 11 keys in 3 rows, and a picture in the summary")


if __name__ == "__main__":
    main()

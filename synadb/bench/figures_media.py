"""Figures of media: images, tables, memory, beside real wandb."""

from __future__ import annotations

from pathlib import Path

from synadb.bench.measuring import HEAD, child, emptied, medians, row

__all__ = ["section"]

# Pictures as a training has them: smooth, with some noise. Noise alone measures zlib alone.
IMAGES = """
import json, os, sys, time
import numpy as np
pc = time.perf_counter
import wandb
count, kind = int(sys.argv[1]), sys.argv[2]
random = np.random.default_rng(0)
y, x = np.mgrid[0:512, 0:512]
def picture(i):
    if kind == "noise":
        return random.integers(0, 256, (512, 512, 3), np.uint8)
    waves = [np.sin((x + 3 * i) / (20 + c)) * np.cos((y - i) / (30 + c)) for c in range(3)]
    most = 2 + i % 10  # so that the files are of many sizes
    grain = random.integers(-most, most + 1, (512, 512, 3))
    return (127 + 110 * np.stack(waves, -1) + grain).astype(np.uint8)
pictures = [picture(i) for i in range(50)]
run = wandb.init(project="bench")
run.log({"image": wandb.Image(pictures[0][:8, :8])})
times = []
start = pc()
for i in range(count):
    array = pictures[i % 50]
    array[0, 0] = i // 250, i % 250, 0  # every picture is another
    s = pc(); run.log({"image": wandb.Image(array)}); times.append(pc() - s)
logged = pc() - start
run.finish()
took = pc() - start
size = 0
for folder, _, names in os.walk(os.getcwd()):
    for name in names:
        found = os.lstat(os.path.join(folder, name))
        size += found.st_blocks * 512 if not os.path.islink(os.path.join(folder, name)) else 0
times.sort()
print(json.dumps({"log": times[count // 2], "all": took, "disk": size}))
"""

TABLE = """
import json, time
pc = time.perf_counter
import wandb
rows = [[i, i / 7, f"row {i}", i % 2 == 0, i * 3, i / 3, "abc", None, i + 1, -i / 9]
        for i in range(100_000)]
columns = list("abcdefghij")
run = wandb.init(project="bench")
run.log({"t": wandb.Table(columns=columns, data=rows[:10])})
s = pc(); table = wandb.Table(columns=columns, data=rows); made = pc() - s
s = pc(); run.log({"table": table}); logged = pc() - s
run.finish()
print(json.dumps({"made": made, "logged": logged, "all": pc() - s + made, "both": made + logged}))
"""

WEIGHT = """
import gc, json, tracemalloc
import wandb
rows = [[float(i), i, f"row {i}", i / 3] for i in range(50_000)]
wandb.Table(columns=list("abcd"), data=rows[:2])
gc.collect()
tracemalloc.start()
table = wandb.Table(columns=list("abcd"), data=rows)
gc.collect()
print(json.dumps({"weight": tracemalloc.get_traced_memory()[0]}))
"""

FIGURES = (
    ("`log` of an image of 512x512x3, median", "few", "log", False),
    ("1,000 of them to the end of finish", "many", "all", False),
    ("disk for them", "many", "disk", True),
    ("a table of 100,000 x 10 made and logged", "table", "both", False),
    ("the same to the end of finish", "table", "all", False),
    ("memory of a table of 50,000 x 4", "weight", "weight", True),
)


def section(sides: list[str], repeats: int, folder: Path) -> list[str]:
    """Measure; the part of the document."""
    found: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    # A thousand pictures take minutes of compression on each side.
    for number in range(min(repeats, 2)):
        for side in sides:
            place = folder / f"{side}{number}"
            measured = {
                "few": child(side, place / "few", IMAGES, 40, "picture"),
                "many": child(side, place / "many", IMAGES, 1000, "picture"),
                "table": child(side, place / "table", TABLE),
                "weight": child(side, place / "weight", WEIGHT),
            }
            found[side].append({name: measured[script][key] for name, script, key, _ in FIGURES})
            emptied(place)
    middle = {side: medians(values) for side, values in found.items()}
    return [
        "## Media",
        "",
        *HEAD,
        *(
            row(name, {side: values[name] for side, values in middle.items()}, size=size)
            for name, _, _, size in FIGURES
        ),
    ]

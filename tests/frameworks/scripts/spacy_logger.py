# mypy: ignore-errors
"""spaCy's WandbLogger: scores, the pipeline at intervals and folders as artifacts."""

import os
from pathlib import Path

import spacy
from spacy.cli.init_config import init_config
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train

LIBRARIES = ["spacy"]
VARIES = ["speed", "*.speed"]
FILES_VARY = ["*/meta.json"]  # the speed is in it

os.environ["WANDB_RUN_ID"] = "text"  # the logger names folders of an artifact by it
blank = spacy.blank("en")
texts = DocBin()
for number in range(8):
    doc = blank(f"good text {number}" if number % 2 else f"bad text {number}")
    doc.cats = {"good": float(number % 2), "bad": 1.0 - number % 2}
    texts.add(doc)
texts.to_disk("texts.spacy")
Path("texts").mkdir()
Path("texts/words.txt").write_text("good bad")
Path("out").mkdir()
config = init_config(lang="en", pipeline=["textcat"], optimize="efficiency")
config["paths"]["train"] = config["paths"]["dev"] = "texts.spacy"
config["training"].update(max_steps=6, eval_frequency=2, max_epochs=0)
config["training"]["logger"] = {
    "@loggers": "spacy.WandbLogger.v5",
    "project_name": "spacy",
    "remove_config_values": ["paths.train"],
    "model_log_interval": 2,
    "log_dataset_dir": "texts",
    "log_latest_dir": "texts",
    "run_name": "categories",
}
train(init_nlp(config), Path("out"))

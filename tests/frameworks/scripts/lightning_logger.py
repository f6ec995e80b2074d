# mypy: ignore-errors
"""Lightning's WandbLogger: watch, every checkpoint an artifact, images, tables and text."""

import lightning.pytorch as lightning
import numpy as np
import pandas
import torch
import wandb
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger

LIBRARIES = ["lightning", "torch", "pandas"]
VARIES = ["graph_*"]  # nodes are numbered by their addresses
FILES_VARY = ["model.ckpt"]
DIFFERS = {
    "runs?0?.*.picture.filenames?1?": "floats from 0 to 1 are scaled to colors, as wandb did before"
    " 0.31",
}


class Line(lightning.LightningModule):
    def __init__(self, rate: float = 0.1, layers: tuple = (3, 1)) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch, place):
        features, targets = batch
        loss = torch.nn.functional.mse_loss(self.layer(features), targets)
        self.log("train/loss", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch, place):
        features, targets = batch
        self.log("loss", torch.nn.functional.mse_loss(self.layer(features), targets))

    def test_step(self, batch, place):
        self.log("test", 0.25 * place)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.rate)


def loader():
    draw = torch.Generator().manual_seed(0)
    features = torch.randn(32, 4, generator=draw)
    data = torch.utils.data.TensorDataset(features, features.sum(1, keepdim=True))
    return torch.utils.data.DataLoader(data, batch_size=8)


def trainer(logger, epochs, **options):
    return lightning.Trainer(
        logger=logger,
        max_epochs=epochs,
        log_every_n_steps=2,
        accelerator="cpu",
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )


lightning.seed_everything(0, verbose=False)
logger = WandbLogger(project="lightning", name="all", log_model="all", save_dir="here", tags=["a"])
logger.watch(model := Line(), log="all", log_freq=2)
best = ModelCheckpoint("checkpoints", monitor="loss", save_top_k=2)
fit = trainer(logger, 3, callbacks=[best, LearningRateMonitor("epoch")])
fit.fit(model, loader(), loader())
fit.test(model, loader(), verbose=False)
picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
logger.log_image("picture", [picture, torch.ones(3, 4, 4)], caption=["one", "two"], step=20)
logger.log_table("table", columns=["a", "b"], data=[[1, "x"], [2, "y"]])
logger.log_table("frame", dataframe=pandas.DataFrame({"a": [0.5, 1.5], "b": ["p", "q"]}))
logger.log_text("text", columns=["said"], data=[["yes"], ["no"]], step=21)
logger.experiment.config["late"] = True
logger.finalize("success")
wandb.finish()

# A prefix, the best checkpoint alone, and a run that is begun before the logger.
with wandb.init(project="lightning", config={"mine": 1}):
    logger = WandbLogger(log_model=True, prefix="deep", checkpoint_name="kept")
    fit = trainer(logger, 2, callbacks=[ModelCheckpoint("others", monitor="loss", mode="max")])
    fit.fit(Line(0.01), loader(), loader())

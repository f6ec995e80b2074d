# mypy: ignore-errors
"""Lightning: the logger that wandb ships for Fabric, in Fabric and in a Trainer."""

import numpy as np
import torch
import wandb
from lightning.fabric import Fabric
from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.demos.boring_classes import BoringModel
from wandb.integration.lightning.fabric import WandbLogger

LIBRARIES = ["lightning"]
FILES_VARY = ["model.ckpt"]

torch.set_num_threads(1)
seed_everything(0)
logger = WandbLogger(project="fabric", prefix="own", config={"seed": 0})
fabric = Fabric(loggers=[logger], accelerator="cpu", devices=1)
fabric.log("loss", 1.0, step=3)
fabric.log_dict({"a": 1, "b": torch.tensor(2.0)})
logger.log_hyperparams({"rate": 0.1, "layers": [1, 2]})
logger.log_image("image", [np.zeros((4, 4), "uint8")], step=4, caption=["black"])
logger.log_text("text", columns=["word"], data=[["x"]])
logger.log_html("page", ["<p>x</p>"])
logger.save()
wandb.finish()

checkpoints = ModelCheckpoint(monitor="train_loss", save_top_k=2, every_n_epochs=1)


class Model(BoringModel):
    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        loss = self.step(batch)
        self.log("train_loss", loss)
        return loss


trainer = Trainer(
    logger=WandbLogger(project="fabric", log_model="all"),
    callbacks=[checkpoints],
    accelerator="cpu",
    max_epochs=3,
    limit_train_batches=2,
    limit_val_batches=1,
    log_every_n_steps=1,
    enable_progress_bar=False,
    enable_model_summary=False,
)
trainer.fit(Model())
wandb.finish()

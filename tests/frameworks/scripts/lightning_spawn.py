# mypy: ignore-errors
"""Lightning with two processes, spawned: the logger is pickled, and attaches to its run in them."""

import lightning.pytorch as lightning
import torch
import wandb
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger

LIBRARIES = ["lightning", "torch"]


class Line(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch, place):
        loss = torch.nn.functional.mse_loss(self.layer(batch[0]), batch[0].sum(1, keepdim=True))
        self.log("loss", loss, sync_dist=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


if __name__ == "__main__":
    lightning.seed_everything(0, verbose=False)
    data = torch.utils.data.TensorDataset(torch.randn(32, 4))
    logger = WandbLogger(project="spawned", log_model=False)
    trainer = lightning.Trainer(
        logger=logger,
        max_epochs=2,
        log_every_n_steps=1,
        accelerator="cpu",
        devices=2,
        strategy="ddp_spawn",
        callbacks=[ModelCheckpoint("checkpoints")],
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Line(), torch.utils.data.DataLoader(data, batch_size=4))
    logger.experiment.log({"after": 1})
    wandb.finish()

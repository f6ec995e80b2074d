# mypy: ignore-errors
"""Ignite's WandBLogger: outputs, metrics of an evaluator, the optimizer, checkpoints in run.dir."""

import torch
from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
from ignite.handlers import ModelCheckpoint, global_step_from_engine
from ignite.handlers.wandb_logger import WandBLogger
from ignite.metrics import Accuracy, Loss

LIBRARIES = ["pytorch-ignite", "torch"]

torch.manual_seed(0)
model = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
loss = torch.nn.CrossEntropyLoss()
batches = [(torch.randn(8, 4), torch.arange(8) % 2) for _ in range(6)]
trainer = create_supervised_trainer(model, optimizer, loss)
evaluator = create_supervised_evaluator(model, metrics={"right": Accuracy(), "loss": Loss(loss)})

logger = WandBLogger(project="ignite", name="linear", config={"rate": 0.1}, tags=["small"])
logger.attach_output_handler(
    trainer, Events.ITERATION_COMPLETED(every=2), tag="training", output_transform=lambda loss: loss
)
trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: evaluator.run(batches))
logger.attach_output_handler(
    evaluator,
    Events.EPOCH_COMPLETED,
    tag="validation",
    metric_names="all",
    global_step_transform=global_step_from_engine(trainer, Events.ITERATION_COMPLETED),
)
logger.attach_opt_params_handler(trainer, Events.ITERATION_COMPLETED(every=3), optimizer)
logger.watch(model, log="all", log_freq=2)
checkpoint = ModelCheckpoint(
    logger.run.dir, "best", n_saved=2, score_name="right", require_empty=False,
    score_function=lambda engine: engine.state.metrics["right"],
)  # fmt: skip
evaluator.add_event_handler(Events.COMPLETED, checkpoint, {"model": model})
trainer.run(batches, 3)
logger.close()

# mypy: ignore-errors
"""What torchtune, trl and lm-evaluation-harness do with wandb, by hand."""

import os

import numpy as np
import torch
import wandb

LIBRARIES = ["torch"]


class MetricLogger:
    """As torchtune's: on rank 0 alone, a x-axis of its own, the config as a file."""

    def __init__(self, project: str, group: str) -> None:
        import wandb as found

        self._wandb = found
        if self._wandb.run is None:
            self._wandb.init(
                project=project, entity=None, group=group, reinit=True, resume="allow", config={}
            )
        if self._wandb.run:
            self._wandb.run._label(repo="torchtune")
        if getattr(self._wandb, "define_metric", None):
            self._wandb.define_metric("global_step")
            self._wandb.define_metric("*", step_metric="global_step", step_sync=True)

    def log_config(self, config: dict) -> None:
        self._wandb.config.update(config, allow_val_change=True)
        with open("recipe.yaml", "w") as file:
            file.write(f"rate: {config['rate']}\n")
        self._wandb.save("recipe.yaml", base_path=".")

    def log(self, name, data, step) -> None:
        self._wandb.log({name: data, "global_step": step})

    def log_dict(self, payload, step) -> None:
        self._wandb.log({**payload, "global_step": step})

    def close(self) -> None:
        if self._wandb.run:
            self._wandb.finish()


logger = MetricLogger("tune", "group")
logger.log_config({"rate": 2e-5, "model": {"_component_": "tiny"}})
for step in range(4):
    logger.log("loss", torch.tensor(1.0 / (step + 1)), step)
    logger.log_dict({"tokens": np.int64(step * 10), "memory/peak": torch.tensor([0.5])}, step)
logger.close()

# trl's completions: a table in each step, and a summary that is reached by attributes.
run = wandb.init(project="trl", config={"beta": 0.1})
for step in range(2):
    table = wandb.Table(columns=["prompt", "completion"], data=[["p", f"c{step}"]])
    wandb.log({"completions": table, "reward": 0.5 * step})
assert os.path.exists(os.path.join(run.dir, run.summary.completions["path"]))
assert isinstance(run.entity + "/" + run.project, str)
run.finish()

# lm-evaluation-harness: results as summary, nested, and an artifact made of text.
run = wandb.init(project="lm-eval", job_type="eval", name="results")
run.config.update({"task_configs": {"tiny": {"num_fewshot": 0, "metric": [{"name": "acc"}]}}})
run.summary.update({"tiny/acc": 0.5, "tiny": {"alias": "t", "acc": np.float32(0.25)}})
run.log({"evaluation/eval_results": wandb.Table(columns=["Task", "Value"], data=[["tiny", "0.5"]])})
artifact = wandb.Artifact("results", type="eval_results")
with artifact.new_file("results.json", mode="w", encoding="utf-8") as file:
    file.write("{}")
run.log_artifact(artifact)
run.finish(exit_code=0)

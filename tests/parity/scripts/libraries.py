"""The calls of libraries that log to wandb by themselves, with the arguments they give.

The libraries whose own code runs are in `tests/frameworks`; these here are imitated.
"""

from __future__ import annotations

import argparse
import os
import pickle
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.parity.play import See
from tests.parity.scripts._wandb import wandb


def mmengine(see: See) -> None:
    """The visualization backend."""
    os.makedirs("work_dir")
    wandb.init(project="p", dir="work_dir")
    for metric, summary in {"loss": "min", "acc": "max"}.items():
        wandb.define_metric(metric, summary=summary)
    wandb.define_metric(name="iter")
    wandb.define_metric(name="val/*", step_metric="iter")
    wandb.config.update(
        {"model": {"type": "R", "depth": [1, 2]}, "lr": 0.1}, allow_val_change=False
    )
    wandb.run.log_code(name=None)
    for step in range(3):
        wandb.log({"loss": np.float32(1 / (step + 1)), "acc": step / 4, "iter": step}, commit=True)
        wandb.log({"img": wandb.Image(np.full((4, 5, 3), step, np.uint8))}, commit=True)
        wandb.log({"val/bbox": np.array(step * 0.5)}, commit=True)
    wandb.join()
    see("after", wandb.run is None)


def ignite(see: See) -> None:
    """The logger, which passes every other name on to the module."""
    logger = wandb
    logger.init(
        entity="shared", project="p", name="cnn", config={"max_epochs": 10}, tags=["a", "b"]
    )
    Path(logger.run.dir, "best.pt").write_text("weights")
    for step in (1, 2, 2, 3):
        logger.log({"training/loss": 1.0 / step}, step=step)
        logger.log({"lr/group_0": 0.1}, step=step)
    logger.finish()


def spacy(see: See) -> None:
    """The logger of version 3."""
    from wandb import init, join, log  # type: ignore[import-not-found,attr-defined,unused-ignore]

    see("names", [callable(one) for one in (init, log, join)])
    Path("corpus").mkdir()
    Path("corpus", "train.spacy").write_bytes(b"docs")
    config = {"training": {"seed": 0, "score_weights": {"tag_acc": 1.0, "sents_f": None}}}
    run = wandb.init(project="p", config=config, entity=None, reinit=True)
    wandb.run.name = "pipeline"
    dataset = wandb.Artifact("dataset", type="dataset", metadata={})
    dataset.add_dir("corpus", name="dataset")
    wandb.log_artifact(dataset, aliases=[])
    for step, score in enumerate((0.5, 0.75)):
        info = {"epoch": 0, "step": step, "score": score, "checkpoints": [(score, step)]}
        wandb.log({"score": score})
        wandb.log({f"loss_{name}": 1.5 for name in ("tagger", "ner")})
        wandb.log(
            {"tag_acc": score, "ents_per_type": {"ORG": {"p": 0.5, "r": None}}, "speed": None}
        )
        checkpoint = wandb.Artifact("pipeline_" + run.id, type="checkpoint", metadata=info)
        checkpoint.add_dir("corpus", name="pipeline_" + run.id)
        with see.error(f"aliases {step}"):
            wandb.log_artifact(checkpoint, aliases=[f"epoch 0 step {step}", "latest", ""])
    wandb.join()


def ray(see: See) -> None:
    """The callback: what it imports, and its logging process."""
    from wandb.sdk.data_types.base_types.wb_value import (  # type: ignore[import-not-found,unused-ignore]
        WBValue,
    )
    from wandb.sdk.lib.disabled import (  # type: ignore[import-not-found,unused-ignore]
        RunDisabled,
    )
    from wandb.util import json_dumps_safer  # type: ignore[import-not-found,unused-ignore]
    from wandb.wandb_run import Run  # type: ignore[import-not-found,unused-ignore]

    see("texts", [json_dumps_safer({"a": np.float32(1), "b": [1, None]})])
    with see.error("an object", "is not JSON serializable"):
        json_dumps_safer({"a": object()})
    see("values", [isinstance(wandb.Html("<p>"), WBValue), isinstance(1, WBValue)])
    see("disabled", isinstance(RunDisabled(), RunDisabled))
    pickle.dumps({"lr": 0.1})
    config = {"lr": 0.1, "layers": (1, 2), "call": len}
    run = wandb.init(
        id="trial1",
        name="train_trial1",
        resume=True,
        reinit=True,
        allow_val_change=True,
        group="experiment",
        project="p",
        config=config,
    )
    see("run", isinstance(run, Run))
    run.config.trial_log_path = "logs"
    Path("checkpoint").mkdir()
    Path("checkpoint", "model.bin").write_bytes(b"weights")
    for iteration in range(3):
        wandb.config.update({"lr": 0.1 * iteration}, allow_val_change=True)
        wandb.log(
            {
                "training_iteration": iteration,
                "info/learner/loss": np.array([0.5]),
                "done": iteration == 2,
                "episode_media": [wandb.Html("<p>")],
            }
        )
        artifact = wandb.Artifact(name="checkpoint_train_trial1", type="model")
        artifact.add_dir("checkpoint")
        wandb.log_artifact(artifact)
    wandb.finish()


def allennlp(see: See) -> None:
    """The callback of its trainer."""
    Path("out").mkdir()
    Path("out", "config.json").write_text("{}")
    Path("out", "out.log").write_text("line\n")
    wandb.init(
        dir=os.path.abspath("out"),
        project="p",
        entity=None,
        group=None,
        name="n",
        notes="about it",
        config={"model": {"type": "simple"}, "trainer": {"num_epochs": 2}},
        tags=None,
    )
    for name in ("config.json", "out.log"):
        wandb.save(os.path.join("out", name), base_path="out")
    for batch in (1, 2, 4):
        weights = np.linspace(0, 1, 50) * batch
        row = {"gradient_norm/w": wandb.Histogram(weights.flatten()), "epoch": 0}
        wandb.log({**row, "train/loss": 1 / batch}, step=batch)
        wandb.log({"train/lr": 0.1, "epoch": 0}, step=batch)
    wandb.finish()


def composer(see: See) -> None:
    """The logger, with the state that a checkpoint keeps."""
    arguments = {"project": "p", "group": "g", "entity": "me", "tags": ["one"], "name": "run-rank0"}
    wandb.init(**arguments)
    assert wandb.run is not None
    state = {
        "name": wandb.run.name,
        "project": wandb.run.project,
        "entity": wandb.run.entity,
        "group": wandb.run.group,
    }
    see("state", [state["name"], state["project"], state["group"]])
    see("id", type(wandb.run.id) is str)
    Path("ep0-ba1.pt").write_bytes(b"state")
    for batch in range(3):
        wandb.log({"loss/train/total": 0.5**batch, "time/batch": batch}, step=int(batch))
    artifact = wandb.Artifact(
        name="run.checkpoints.ep0-ba1.pt",
        type="pt",
        metadata={"timestamp/Timestamp": {"epoch": 0, "batch": 1}, "timestamp/iteration": 0.5},
    )
    artifact.add_file(os.path.abspath("ep0-ba1.pt"))
    wandb.log_artifact(artifact, aliases=["latest", "ep0-ba1"])
    wandb.finish(0)


def catalyst(see: See) -> None:
    """The logger, whose steps count samples here and epochs there."""
    run = wandb.init(project="p", name="expeirment1", config=None, entity=None)
    for epoch in (1, 2):
        for sample in (32, 64):
            for key, value in {"loss": 0.5, "lr": 0.1}.items():
                run.log({f"{key}/train/batch": float(value)}, step=sample * epoch)
        run.log({"loss/_epoch_/epoch": 0.25}, step=epoch)
        picture = wandb.Image(np.zeros((2, 3, 3), np.uint8))
        run.log({f"mask_scope_epoch_epoch_{epoch}.png": picture}, step=epoch)
    run.finish()


def verl(see: See) -> None:
    """Tracking, and the table of what a model has said, which grows."""
    config = {"trainer": {"wandb_proxy": None, "epochs": 1}, "data": {"files": ["a", "b"]}}
    wandb.init(project="p", name="exp", config=config, settings=None, id="p--exp")
    logger = {"wandb": wandb}
    columns = ["step", "input_1", "output_1", "score_1"]
    table = wandb.Table(columns=columns)
    for step in range(3):
        logger["wandb"].log(data={"actor/loss": step * 0.5, "critic/kl": np.float64(1)}, step=step)
        newer = wandb.Table(columns=columns, data=table.data)
        newer.add_data(step, "question", "answer", 0.5 * step)
        wandb.log({"val/generations": newer}, step=step)
        table = newer
    see("rows", len(table.data))
    logger["wandb"].finish(exit_code=0)


def yolov5(see: See) -> None:
    """The logger of its training script."""
    assert hasattr(wandb, "__version__")
    options = argparse.Namespace(
        project="runs/train",
        entity=None,
        name="exp",
        weights=Path("yolov5s.pt"),
        hyp={"lr0": 0.01},
        save_period=-1,
        imgsz=640,
        resume=False,
    )
    run = wandb.run or wandb.init(
        config=options,
        resume="allow",
        project="p",
        entity=options.entity,
        name=None if options.name == "exp" else options.name,
        job_type="Training",
        id=None,
        allow_val_change=True,
    )
    see("config", [run.config.save_period, run.config.hyp, run.config.weights])
    Path("last.pt").write_bytes(b"weights")
    for epoch in range(2):
        collected: dict[str, Any] = {"train/box_loss": 0.5, "x/lr0": np.float64(0.1)}
        picture = wandb.Image(np.zeros((4, 4, 3), np.uint8), caption="batch.jpg")
        collected["Mosaics"] = [picture]
        wandb.log(collected)
        artifact = wandb.Artifact(
            f"run_{wandb.run.id}_model",
            type="model",
            metadata={"original_url": ".", "epochs_trained": epoch + 1, "fitness_score": 0.5},
        )
        artifact.add_file(str(Path("last.pt")), name="last.pt")
        with see.error(f"aliases {epoch}"):
            wandb.log_artifact(artifact, aliases=["latest", "last", f"epoch {epoch}", ""])
    wandb.log({"metrics/mAP": 0.5})
    wandb.run.finish()


def fairseq(see: See) -> None:
    """The wrapper of its progress bar, which is made for every epoch anew."""
    names = []
    for epoch in (1, 2):
        wandb.init(project="p", reinit=False, name="named")
        names.append(wandb.run.id)
        wandb.config.update({"task": {"data": "bin"}, "seed": 1})
        for step in (10 * epoch, 10 * epoch + 5):
            for key, value in {"loss": 2.5, "wps": 100, "clip": 0.0}.items():
                wandb.log({"train_inner/" + key: value}, step=step)
        wandb.log({"valid/loss": 2.0}, step=10 * epoch + 5)
    see("one run", len(set(names)))


def timm(see: See) -> None:
    """The training script: options as config, one row an epoch."""
    options = argparse.Namespace(model="resnet50", lr=0.1, aug=("a", "b"), mean=None, amp=True)
    wandb.init(project="p", config=options, name="named", tags=["x"], resume=None, id=None)
    for epoch in range(2):
        row: OrderedDict[str, Any] = OrderedDict(epoch=epoch)
        row.update([("train_loss", 0.5), ("eval_top1", np.float32(50.25))])
        row["lr"] = sum([0.1, 0.2]) / 2
        wandb.log(row)


@dataclass
class _Machine:
    seed: int = 42
    devices: list[str] = field(default_factory=lambda: ["cpu"])


@dataclass
class _Trainer:
    name: str = "nerf"
    data: Path | None = Path("data/scene")
    machine: _Machine = field(default_factory=_Machine)


def nerfstudio(see: See) -> None:
    """The writer: every scalar in a call of its own, and lists of one picture."""
    wandb.init(
        project=os.environ.get("SOME_PROJECT", "p"),
        dir=os.environ.get("SOME_DIR", os.getcwd()),
        name=os.environ.get("SOME_NAME", "scene_nerf"),
        reinit=True,
        group=None,
    )
    for step in (0, 10):
        wandb.log({"Train Loss": 0.5}, step=step)
        wandb.log({"ETA (time)": 12.5}, step=step)
        picture = wandb.Image(np.full((3, 4, 3), step, np.uint8), caption="img")
        wandb.log({"Eval Images/img": [picture]}, step=step)
    machine = {"seed": 42, "devices": ["cpu"]}
    wandb.config.update({"name": "nerf", "machine": machine}, allow_val_change=True)
    wandb.finish()


def configs_of_classes(see: See) -> None:
    """Dataclasses, as nerfstudio and others have them, given to init."""
    run = wandb.init(project="p", config=_Trainer())
    see("config", sorted(run.config.keys()))
    see("inner", [type(run.config["machine"]).__name__, run.config["name"], run.config["data"]])
    run.finish()


def nanogpt(see: See) -> None:
    """The training script of a lecture, which thousands have copied."""
    config = {"out_dir": "out", "n_layer": 12, "learning_rate": 6e-4, "compile": True}
    wandb.init(project="p", name="gpt2-124M", config=config)
    for iteration in (0, 5):
        wandb.log(
            {
                "iter": iteration,
                "train/loss": np.float32(4.25),
                "val/loss": 4.5,
                "lr": 6e-4,
                "mfu": -1.0 * 100,
            }
        )


def tianshou(see: See) -> None:
    """The logger, but for the writer that it wraps."""
    run = wandb.init(
        project="p", name=None, id=None, resume="allow", entity=None, config=argparse.Namespace(a=1)
    )
    again = wandb.run or wandb.init(project="other")
    see("same", again is run)
    run._label(repo="tianshou")
    Path("checkpoint.pth").write_bytes(b"weights")
    artifact = wandb.Artifact(
        "run_" + run.id + "_checkpoint",
        type="model",
        metadata={"save/epoch": 1, "save/env_step": 2, "checkpoint_path": "checkpoint.pth"},
    )
    artifact.add_file("checkpoint.pth")
    run.log_artifact(artifact)
    run.finish()


def megatron(see: See) -> None:
    """The writer, whose steps come by place, and checkpoints as references."""
    os.makedirs("save/wandb")
    options = argparse.Namespace(lr=1e-4, num_layers=2, data_path=None, betas=(0.9, 0.95))
    arguments = {"dir": os.path.abspath("save/wandb"), "name": "exp", "project": "p"}
    wandb.init(**arguments, config=vars(options))
    writer = wandb
    for iteration in (10, 20):
        writer.log({"samples vs steps": iteration * 4}, iteration)
        writer.log({"lm loss": np.float32(2.5), "lm loss vs samples": 2.5}, iteration)
        writer.log({"grad-norm": 1.0}, iteration)
    checkpoint = Path("save/iter_0000020")
    checkpoint.mkdir()
    (checkpoint / "model.pt").write_bytes(b"weights")
    artifact = writer.Artifact("save", type="model", metadata={"iteration": 20})
    artifact.add_reference(f"file://{checkpoint.absolute()}", checksum=False)
    writer.run.log_artifact(artifact, aliases=["20"])
    writer.finish()


def torchtitan(see: See) -> None:
    """The logger, which has a prefix for its metrics or none."""
    os.makedirs("outputs/tb")
    wandb.init(
        entity=os.getenv("SOME_TEAM"),
        project=os.getenv("SOME_PROJECT", "p"),
        name=os.getenv("SOME_NAME"),
        dir=os.path.abspath("outputs/tb"),
        config={"training": {"steps": 10, "dtype": "float32"}, "model": {"flavor": None}},
    )
    for step in range(1, 4):
        metrics = {"loss_metrics/global_avg_loss": 1 / step, "throughput(tps)": 1500}
        wandb.log({f"{key}": value for key, value in metrics.items()}, step=step)
    if wandb.run is not None:
        wandb.finish()


def rsl_rl(see: See) -> None:
    """The writer beside TensorBoard's."""
    run = wandb.init(project="p", entity=None, name="run")
    wandb.config.update({"log_dir": "logs/run"})
    wandb.config.update({"runner_cfg": {"class_name": "Runner", "max": 5}})
    wandb.config.update({"policy_cfg": {"hidden": [64, 64]}, "env_cfg": {"dt": 0.02}})
    os.makedirs("logs/run")
    for iteration in range(2):
        path = os.path.abspath(f"logs/run/model_{iteration}.pt")
        Path(path).write_bytes(b"weights")
        for tag, scalar in {"Loss/value": 0.5, "Perf/total_fps": 1000}.items():
            wandb.log({tag: scalar}, step=iteration)
        saved = wandb.save(path, base_path=os.path.dirname(path))
        see(f"saved {iteration}", [os.path.relpath(one, run.dir) for one in saved])
    wandb.finish()


def lerobot(see: See) -> None:
    """The logger, with steps of its own for what another process counts."""
    wandb.init(
        id=None,
        project="p",
        entity=None,
        name="job",
        notes=None,
        tags=["policy:act", "seed:1", ("dataset:" + "x" * 80)[:64]],
        dir=os.getcwd(),
        config={"steps": 2, "policy": {"type": "act"}},
        save_code=False,
        job_type="train_eval",
        resume=None,
    )
    wandb.define_metric("train/Optimization step", hidden=True)
    wandb.define_metric("train/*", step_metric="train/Optimization step")
    for step in range(2):
        wandb.log({"eval/success": 0.5}, step=step)
        wandb.log({"train/loss": 1.0, "train/Optimization step": step * 3})
    Path("model.safetensors").write_bytes(b"weights")
    artifact = wandb.Artifact("policy-act-000001", type="model")
    artifact.add_file(Path("model.safetensors"))
    wandb.log_artifact(artifact)


def saelens(see: See) -> None:
    """The runner: a summary by hand, a histogram, an artifact with its config."""
    run = wandb.init(project="p", entity=None, config={"d_in": 4}, name="n", id="fixed-id")
    for step in (0, 30):
        row: dict[str, Any] = {"losses/mse_loss": 0.5, "details/n_training_samples": step * 4}
        wandb.log(row, step=step)
        wandb.log({"metrics/l0": wandb.Histogram(np.arange(9.0).tolist())}, step=step)
    wandb.run.summary["final/ce"] = np.float32(2.5)
    wandb.run.summary.update({"nested": {"a": 1}})
    Path("sae.bin").write_bytes(b"weights")
    artifact = wandb.Artifact("sae_name", type="model", metadata={"d_in": 4, "lr": 1e-3})
    artifact.add_file("sae.bin")
    wandb.log_artifact(artifact, aliases=["final_model", str(30)])
    see("id", run.id)
    run.finish()

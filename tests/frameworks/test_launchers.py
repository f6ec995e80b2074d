"""Training that several processes do: torchrun, accelerate launch, ranks with a run in common.

What real wandb needs its service for is played under ours alone. Skipped without the libraries.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from synadb import ExperimentTracker
from synadb.records import RunRecord
from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

RANKS = """
import sys
import torch
import torch.distributed as dist
import wandb

dist.init_process_group("gloo")
rank, how = dist.get_rank(), sys.argv[1]
run = None
if how == "one":
    if rank == 0:
        run = wandb.init(project="p")
elif how == "group":
    run = wandb.init(project="p", group="both", job_type="rank", name=f"rank-{rank}")
elif how == "shared":
    settings = wandb.Settings(
        mode="shared",
        x_label=f"rank_{rank}",
        x_primary=rank == 0,
        x_update_finish_state=rank == int(sys.argv[2]),
        x_stats_gpu_device_ids=[],
    )
    run = wandb.init(project="p", id="one", settings=settings)
else:
    run = wandb.init(project="p", id="one", resume="allow")
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(3, 1))
for step in range(20):
    model(torch.ones(4, 3)).mean().backward()
    total = torch.tensor([1.0])
    dist.all_reduce(total)
    if run is not None:
        run.log({f"step/{rank}": step, "total": total.item()})
dist.barrier()
if len(sys.argv) > 2 and rank != int(sys.argv[2]) and run is not None:
    run.finish()  # whoever says how it ends is the last
dist.barrier()
if run is not None:
    run.finish()
dist.destroy_process_group()
"""


def launch(
    folder: Path, source: str, *command: str, environment: dict[str, str] | None = None
) -> str:
    (folder / "train.py").write_text(textwrap.dedent(source))
    done = subprocess.run(
        [sys.executable, "-m", "synadb", "run", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


def program(name: str) -> str:
    found = Path(sys.executable).with_name(name)
    if not found.exists():
        pytest.skip(f"not installed: {name}")
    return str(found)


def stored(database: Path) -> list[tuple[RunRecord, list[dict[str, Any]]]]:
    with ExperimentTracker(database) as tracker:
        assert not tracker.check().problems
        return [(run, list(tracker.rows(run.run_id))) for run in tracker.list_runs()]


def torchrun(folder: Path, *arguments: str, **environment: str) -> None:
    pytest.importorskip("torch")
    command = ("--", program("torchrun"), "--nproc-per-node", "2", "--master-port", "0")
    port = ("--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0")
    launch(folder, RANKS, *command[:4], *port, "train.py", *arguments, environment=environment)


def test_only_rank_0_logs(tmp_path: Path) -> None:
    torchrun(tmp_path, "one")
    [(run, rows)] = stored(tmp_path / "experiments.db")
    assert run.state == "finished"
    assert [row["total"] for row in rows] == [2.0] * 20


def test_each_rank_has_a_run_in_a_group(tmp_path: Path) -> None:
    torchrun(tmp_path, "group")
    found = stored(tmp_path / "experiments.db")
    assert sorted(run.name for run, _ in found) == ["rank-0", "rank-1"]
    assert {(run.group, run.job_type, run.state) for run, _ in found} == {
        ("both", "rank", "finished")
    }
    assert [len(rows) for _, rows in found] == [20, 20]


@pytest.mark.parametrize(
    "arguments", [("shared", "0"), ("shared", "1"), ("same",)], ids=["first", "second", "by-id"]
)
def test_the_ranks_share_a_run(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    torchrun(tmp_path, *arguments)
    [(run, rows)] = stored(tmp_path / "experiments.db")
    assert run.state == "finished"
    assert len(rows) == 40
    for rank in range(2):
        key = f"step/{rank}"
        assert [row[key] for row in rows if key in row] == list(range(20))
        assert run.summary[key] == 19
    assert run.summary["_step"] == 39


def test_two_nodes_on_a_network_file_system(tmp_path: Path) -> None:
    torchrun(tmp_path, "group", SYNADB_NETWORK_FS="1")
    torchrun(tmp_path, "shared", "0", SYNADB_NETWORK_FS="1")
    found = stored(tmp_path / "experiments.db")
    assert sorted(len(rows) for _, rows in found) == [20, 20, 40]
    assert {run.state for run, _ in found} == {"finished"}


def test_accelerate_launch(tmp_path: Path) -> None:
    pytest.importorskip("accelerate")
    source = """
        from accelerate import Accelerator

        accelerator = Accelerator(cpu=True, log_with="wandb")
        accelerator.init_trackers("p", config={"rate": 0.1})
        for step in range(5):
            accelerator.log({"rank": accelerator.process_index}, step=step)
        accelerator.end_training()
    """
    command = (
        *("--", program("accelerate"), "launch", "--cpu", "--num_processes", "2"),
        *("--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"),
        *("--main_process_port", "0", "train.py"),
    )
    launch(tmp_path, source, *command)
    [(run, rows)] = stored(tmp_path / "experiments.db")
    assert (run.config, [row["rank"] for row in rows]) == ({"rate": 0.1}, [0] * 5)


def test_transformers_search_is_a_sweep(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    source = """
        import torch, wandb
        from torch.utils.data import Dataset
        from transformers import BertConfig, BertForSequenceClassification as Model
        from transformers import Trainer, TrainingArguments

        class Words(Dataset):
            def __len__(self):
                return 16

            def __getitem__(self, place):
                return {"input_ids": torch.tensor([place % 9, 1, 2]), "labels": place % 2}

        def make(trial):
            small = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
            return Model(BertConfig(vocab_size=9, intermediate_size=8, **small))

        def space(trial):
            return {
                "method": "random",
                "metric": {},
                "parameters": {"learning_rate": {"min": 1e-4, "max": 1e-2}},
            }

        settings = TrainingArguments(
            "out", num_train_epochs=1, logging_steps=1, eval_strategy="epoch", save_strategy="no",
            report_to="wandb", use_cpu=True,
        )
        data = dict(train_dataset=Words(), eval_dataset=Words())
        trainer = Trainer(None, settings, model_init=make, **data)
        best = trainer.hyperparameter_search(
            backend="wandb", n_trials=3, direction="minimize", project="p", hp_space=space
        )
        sweep = wandb.Api().sweep(f"p/{best.run_summary}")
        losses = {run.id: run.summary["eval/loss"] for run in sweep.runs}
        assert len(losses) == 3, losses
        assert best.run_id == min(losses, key=losses.get) == sweep.best_run().id
        assert best.hyperparameters["learning_rate"] == sweep.best_run().config["learning_rate"]
    """
    launch(tmp_path, source, "train.py")
    found = stored(tmp_path / "experiments.db")
    assert len(found) == 3
    assert all(run.state == "finished" and run.sweep_id and len(rows) == 4 for run, rows in found)


def test_keras_on_torch(tmp_path: Path) -> None:
    """Real wandb's callbacks need TensorFlow, whatever Keras computes with."""
    if find_spec("keras") is None or find_spec("torch") is None:
        pytest.skip("not installed: keras, torch")
    source = """
        import keras, numpy, wandb
        from wandb.integration.keras import WandbMetricsLogger, WandbModelCheckpoint

        wandb.init(project="p")
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        callbacks = [WandbMetricsLogger(), WandbModelCheckpoint("m.keras")]
        features, targets = numpy.ones((8, 4)), numpy.ones((8, 1))
        model.fit(features, targets, epochs=2, verbose=0, callbacks=callbacks)
        wandb.finish()
    """
    launch(tmp_path, source, "train.py", environment={"KERAS_BACKEND": "torch"})
    [(run, rows)] = stored(tmp_path / "experiments.db")
    assert [row["epoch/epoch"] for row in rows] == [0, 1]
    assert run.summary["epoch/loss"] == rows[-1]["epoch/loss"]


def test_what_libraries_pass_that_wandb_has_given_up(tmp_path: Path) -> None:
    """DeepSpeed's monitor, composer, OLMo, prime-rl: not one of these runs under wandb 0.31."""
    source = """
        import wandb
        from wandb.sdk.mailbox.mailbox_handle import ServerResponseError

        run = wandb.init(project="p", settings=wandb.Settings(start_method="thread"))
        for step in range(3):
            wandb.log({"Train/loss": 1 / (step + 1)}, step=step, commit=True, sync=False)
        assert run.get_url() == run.url and run.project_name() == "p"
        found = wandb.Api().run(wandb.run.path)
        found.tags.append("a")
        found.update()
        wandb.finish(exit_code=0, quiet=True)
        wandb.finish(exit_code=1)
        wandb.teardown()
    """
    launch(tmp_path, source, "train.py")
    [(run, rows)] = stored(tmp_path / "experiments.db")
    assert (run.state, run.tags, len(rows)) == ("finished", ("a",), 3)


def test_children_that_change_folders_write_to_one_file(tmp_path: Path) -> None:
    """As Ray's actors and Hydra's jobs do; some have a database of their own in the new folder."""
    source = """
        import os, subprocess, sys, multiprocessing

        def work(name):
            os.makedirs(name, exist_ok=True)
            os.chdir(name)
            open("experiments.db", "w").close()
            import wandb
            with wandb.init(project="p", name=name, dir=os.getcwd(), reinit=True) as run:
                run.log({"a": 1})

        if __name__ == "__main__":
            if len(sys.argv) > 1:
                work(sys.argv[1])
            else:
                for method in ("fork", "spawn"):
                    child = multiprocessing.get_context(method).Process(target=work, args=(method,))
                    child.start()
                    child.join()
                    assert child.exitcode == 0
                subprocess.run([sys.executable, "-m", "train", "module"], check=True)
                work("here")
    """
    launch(
        tmp_path, source, "train.py", environment={"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    )
    found = stored(tmp_path / "experiments.db")
    assert sorted(run.name for run, _ in found) == ["fork", "here", "module", "spawn"]

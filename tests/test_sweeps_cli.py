"""`synadb sweep`, `synadb agent`, `synadb sweeps`; `wandb sweep` and `wandb agent`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synadb.cli import main
from synadb.cli._sweep_plot import importance, scale
from synadb.tracker import ExperimentTracker
from synadb.wandb_compat._install import overlay_environment
from synadb.wandb_compat._sweeps.command import build, macros
from tests.conftest import ROOT, run_python

TRAIN = """
import argparse, wandb
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--layers", type=int)
args = parser.parse_args()
with wandb.init(config=vars(args)) as run:
    for i in range(3):
        run.log({"loss": args.lr * args.layers + 1 / (i + 1)})
"""

SWEEP = """
program: train.py
method: grid
project: cli
name: first
metric: {name: loss, goal: minimize}
parameters:
  lr: {values: [0.1, 0.2]}
  layers: {values: [1, 2]}
"""

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    return tmp_path


@pytest.fixture
def cli(folder: Path) -> Cli:
    def run(*args: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        return run_python(["-m", "synadb.cli", *args], folder, timeout=100, env=env, check=check)

    return run


@pytest.fixture
def tracker(folder: Path) -> Iterator[ExperimentTracker]:
    with ExperimentTracker(folder / "experiments.db") as found:
        yield found
        assert found.check().ok


def created(result: subprocess.CompletedProcess[str]) -> str:
    found = re.search(r"Creating sweep with ID: (\w{8})\n", result.stderr)
    assert found, result.stderr
    return found[1]


def test_from_the_file_to_the_table(cli: Cli, tracker: ExperimentTracker, folder: Path) -> None:
    made = cli("sweep", "sweep.yaml")
    sweep_id = created(made)
    assert "Creating sweep from: sweep.yaml" in made.stderr
    assert f"#cli/sweeps/{sweep_id}" in made.stderr
    assert f"Run sweep agent with: synadb agent cli/{sweep_id}" in made.stderr
    cli("agent", sweep_id, "--count", "1")
    sweep = tracker.sweep(sweep_id)
    assert [trial.params for trial in sweep.trials] == [{"layers": 1, "lr": 0.1}]
    cli("sweep", "--pause", sweep_id)
    assert sweep.state == "PAUSED"
    cli("sweep", "--resume", f"cli/{sweep_id}")
    cli("agent", f"me/cli/{sweep_id}")
    assert sweep.state == "FINISHED"

    shown = cli("sweep", "show", sweep_id).stdout
    assert f"sweep     first ({sweep_id})" in shown
    assert "state     FINISHED" in shown
    assert "trials    4 of 4" in shown
    best = sweep.best()
    assert best is not None
    assert f"in run {best.run_id}: layers=1, lr=0.1" in shown
    rows = [line.split() for line in shown.splitlines()[-4:]]
    assert [row[4:] for row in rows] == [["1", "0.1"], ["1", "0.2"], ["2", "0.1"], ["2", "0.2"]]

    document = json.loads(cli("sweep", "show", sweep_id, "--json").stdout)
    assert document["expected_run_count"] == 4
    assert [trial["state"] for trial in document["trials"]] == ["finished"] * 4
    assert document["best"]["run_id"] == best.run_id

    listed = cli("sweeps").stdout.splitlines()
    assert listed[0].split()[:4] == ["ID", "NAME", "EXPERIMENT", "METHOD"]
    assert listed[1].split()[:6] == [sweep_id, "first", "cli", "grid", "FINISHED", "4/4"]
    assert json.loads(cli("sweeps", "--json").stdout)[0]["sweep_id"] == sweep_id
    assert cli("sweeps", "--experiment", "other").stdout.count("\n") == 1


def test_a_sweep_without_a_name_goes_by_its_id(cli: Cli, tracker: ExperimentTracker) -> None:
    config = {"method": "random", "parameters": {"lr": {"value": 1}}}
    sweep_id = tracker.create_sweep(config, "cli")
    assert cli("sweep", "show", sweep_id).stdout.splitlines()[0].split() == ["sweep", sweep_id]


def test_what_is_created_and_steered_comes_as_json(cli: Cli, tracker: ExperimentTracker) -> None:
    made = cli("sweep", "sweep.yaml", "--json")
    document = json.loads(made.stdout)
    sweep_id = document["sweep_id"]
    assert sweep_id == created(made)
    assert (document["config"]["name"], document["project"]) == ("first", "cli")
    assert (document["expected_run_count"], document["trials"]) == (4, [])
    for words, state in (
        (["--stop", sweep_id], "FINISHED"),
        (["--resume", sweep_id], "RUNNING"),
        (["--update", sweep_id, "sweep.yaml", "--name", "other"], "RUNNING"),
        (["--cancel", sweep_id], "CANCELED"),
    ):
        document = json.loads(cli("sweep", *words, "--json").stdout)
        assert (document["sweep_id"], document["state"]) == (sweep_id, state)
    assert document["config"]["name"] == "other"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sweep", "missing.yaml"], "missing.yaml cannot be read"),
        (["sweep", "--stop", "nothere"], "Could not find sweep nothere"),
        (["sweep", "show", "nothere"], "no sweep in"),
        (["agent", "nothere"], "nothere"),
        (["sweep", "bad.yaml"], "method"),
        (["sweep", "a", "b"], "one file or sweep at a time"),
        (["sweep", "--stop", "--pause", "x"], "not allowed with"),
        (["sweep", "sweep.yaml", "--plot", "x.png"], "--plot goes with"),
    ],
)
def test_mistakes_are_named(
    cli: Cli, tracker: ExperimentTracker, folder: Path, words: list[str], said: str
) -> None:
    (folder / "bad.yaml").write_text("parameters: {a: {value: 1}}")
    result = cli(*words, check=False)
    assert result.returncode in (1, 2)
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_states_that_are_refused_exit_with_1(cli: Cli, tracker: ExperimentTracker) -> None:
    sweep_id = created(cli("sweep", "sweep.yaml"))
    refused = cli("sweep", "--pause", sweep_id, check=False)
    assert refused.returncode == 1
    cli("sweep", "--cancel", sweep_id)
    assert tracker.sweep(sweep_id).state == "CANCELED"
    refused = cli("sweep", "--stop", sweep_id, check=False)
    assert refused.returncode == 1
    assert "Sweep already finished." in refused.stderr
    assert cli("agent", sweep_id, check=False).returncode == 1


def test_options_of_sweep(cli: Cli, tracker: ExperimentTracker, folder: Path) -> None:
    with tracker.run("cli", config={"lr": 0.1, "layers": 2}) as run:
        run.log({"loss": 7.0})
    made = cli(
        *("sweep", "-p", "mine", "--name", "called", "--program", "other.py"),
        *("-R", run.run_id, "sweep.yaml"),
    )
    sweep = tracker.sweep(created(made))
    assert (sweep.project, sweep.name, sweep.config["program"]) == ("mine", "called", "other.py")
    assert [trial.run_id for trial in sweep.trials] == [run.run_id]
    (folder / "new.yaml").write_text(SWEEP.replace("[1, 2]", "[1, 2, 3]"))
    cli("sweep", "--update", sweep.sweep_id, "new.yaml")
    assert sweep.expected_run_count == 6
    points = []
    while not isinstance(trial := sweep.controller.claim("me"), str):
        points.append((trial.params["layers"], trial.params["lr"]))
        sweep.controller.end("me", trial.number, "finished")
    assert points == [(1, 0.1), (1, 0.2), (2, 0.2), (3, 0.1), (3, 0.2)]


def test_another_database(cli: Cli, folder: Path) -> None:
    sweep_id = created(cli("sweep", "sweep.yaml", "--db", "other.db"))
    assert not (folder / "experiments.db").exists()
    cli("agent", sweep_id, "--db", "other.db")
    with ExperimentTracker(folder / "other.db") as tracker:
        assert len(tracker.sweep(sweep_id).runs) == 4
    assert not (folder / "experiments.db").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_the_program_wandb_does_the_same(folder: Path, tracker: ExperimentTracker) -> None:
    environment = overlay_environment({**os.environ, "PYTHONPATH": str(ROOT)})

    def wandb(*args: str, code: int = 0) -> str:
        result = subprocess.run(
            ["wandb", *args],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert result.returncode == code, result.stderr
        return result.stderr

    made = wandb("sweep", "sweep.yaml")
    found = re.search(r"Run sweep agent with: wandb agent (cli/\w+)\n", made)
    assert found, made
    assert "Sweep Agent: Exiting." in wandb("agent", found[1])
    sweep = tracker.sweep(found[1].removeprefix("cli/"))
    assert [trial.state for trial in sweep.trials] == ["finished"] * 4
    assert "Sweep already finished." in wandb("sweep", "--stop", found[1], code=1)
    wandb("agent", "nothere", code=1)
    wandb("sweep", "no.yaml", code=1)
    local = wandb("sweep", "--resume", found[1])
    assert "Resuming sweep cli/" in local


def test_the_picture(tracker: ExperimentTracker, folder: Path, capsys: Any) -> None:
    pytest.importorskip("matplotlib")
    from PIL import Image

    parameters = {"a": {"min": 0.0, "max": 1.0}, "b": {"values": ["x", "y", None]}}
    config = {"method": "random", "metric": {"name": "loss"}, "parameters": parameters}
    sweep = tracker.sweep(tracker.create_sweep(config, "p"))
    path = folder / "sweep.png"
    assert main(["sweep", "show", sweep.sweep_id, "--plot", str(path), "--db", tracker.path]) == 1
    assert "nothing to draw" in capsys.readouterr().err
    for _ in range(12):
        trial = sweep.controller.claim("me")
        assert not isinstance(trial, str)
        with tracker.run("p", run_id=trial.run_id, config=trial.params) as run:
            run.log({"loss": trial.params["a"]})
        sweep.controller.end("me", trial.number, "finished")
    assert main(["sweep", "show", sweep.sweep_id, "--plot", str(path), "--db", tracker.path]) == 0
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.width > 300
        colors = image.convert("RGB").getcolors(1 << 20)
        assert colors is not None
        assert len(colors) > 50


def test_an_axis_of_orders_of_magnitude_is_logarithmic() -> None:
    assert [scale([1e-4, 1e-3, 1e-2])(x) for x in (1e-4, 1e-3, 1e-2)] == pytest.approx([0, 0.5, 1])
    assert scale([1.0, 2.0, 3.0])(2.0) == 0.5
    assert scale([0.0, 50.0, 100.0])(50.0) == 0.5
    assert scale([1.0, 100.0, 199.0], is_named=True)(100.0) == 0.5
    assert scale([7.0, 7.0])(7.0) == 0.5


def test_importance_tells_what_matters() -> None:
    a = [float(i % 10) for i in range(100)]
    b = [float((i * 7) % 13) for i in range(100)]
    rising = [3 * x + 0.01 * y for x, y in zip(a, b, strict=True)]
    valley = [(x - 4.5) ** 2 + 0.01 * y for x, y in zip(a, b, strict=True)]
    for values in (rising, valley):
        first, second = importance([a, b], values)
        assert first > 0.7
        assert second < 0.4
    assert importance([a, [1.0] * 100], [2.0] * 100) == [0.0, 0.0]


def test_a_command_without_macros_and_one_with_unknown_ones() -> None:
    words = macros({"a": None, "b": [1, 2]}, "train.py", "x.json")
    assert build(None, words, {})[-3:] == ["train.py", "--a=None", "--b=[1, 2]"]
    assert build(["echo", "${nothing}", "${a", 3], words, {}) == ["echo", "${a", "3"]
    assert build(["${envvar:A}-${envvar:B}"], words, {"A": "1"}) == ["1-B"]
    assert json.loads(words["args_json"][0]) == {"a": None, "b": [1, 2]}


@pytest.mark.skipif(sys.platform == "win32", reason="the command names /usr/bin/env")
def test_the_example(tmp_path: Path) -> None:
    made = run_python(
        [
            "-m",
            "synadb.cli",
            "sweep",
            str(ROOT / "examples" / "sweep.yaml"),
            "--program",
            str(ROOT / "examples" / "sweep_train.py"),
        ],
        tmp_path,
    )
    sweep_id = created(made)
    run_python(["-m", "synadb.cli", "agent", sweep_id], tmp_path, timeout=100)
    with ExperimentTracker(tmp_path / "experiments.db") as tracker:
        sweep = tracker.sweep(sweep_id)
        assert len(sweep.trials) == 6
        assert sweep.state == "FINISHED"
        best = sweep.best()
        assert best is not None
        assert best.row_count <= 200

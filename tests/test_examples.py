"""Every example does what its top says: the commands written there are run, in a fresh folder."""

from __future__ import annotations

import ast
import os
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from synadb import ExperimentTracker
from tests.conftest import ROOT, run_command
from tests.test_wandb_log import needs_wandb

EXAMPLES = ROOT / "examples"
PATHS = sorted([*EXAMPLES.glob("*.py"), *EXAMPLES.glob("*.yaml")])
PROGRAMS = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

COMMAND = re.compile(r"^((?:[A-Z_]+=\S+ )*(?:synadb|python) .+?)(?: +# (.+))?$", re.MULTILINE)
IMPORT = re.compile(r"^import wandb$", re.MULTILINE)
COMPARE = "synadb compare "

# What the commands print, standard output of all of them together.
PRINTED = {
    "artifacts_consume.py": [
        r"made of line:v0 by run",
        r"line:v0 \['checked', 'latest'\]: used by \w+-\w+-\d+, \w+-\w+-\d+$",
    ],
    "artifacts_produce.py": [r"(logged 2 files, \S+ bytes, digest \w{32}\n[^$]*){2}"],
    "demo.py": [r"best accuracy 9\d\.\d% on 500 points"],
    "digits_mlp.py": [
        r"epoch  30: 99\.\d% .* 9[78]\.\d% of the others",
        r"test\.accuracy\.max +0\.9",
    ],
    "distributed.py": [
        r"rank 1 of 2: weight 2\.0\d\d from 200 points",
        r"rank-0 +examples +finished +50 ",
        r"rank-1 +examples +finished +50 ",
        r"first .* examples +finished +100 ",
    ],
    "many_processes.py": [
        *(rf"seed-{seed} +examples +finished +500 " for seed in range(4)),
        r"in-common +examples +finished +2000 ",
        r"experiments\.db: ok",
    ],
    "media_gallery.py": [r"15 files, \d+ bytes written to gallery", r"/videos/film_\w+\.gif"],
    "migrate_from_wandb.py": [
        r"2 of 2 runs imported into project examples",
        r"test\.accuracy\.max:\n +digits-64: .*\n +digits-8: ",
        r"examples: 2 runs, 10 steps",
        r"(exported/\w{8}: 5 rows, .*\n){2}",
    ],
    "native_tracker.py": [
        r"lr=0\.1 +Completed .*\nby hand +Completed .*\nlr=0\.01 +Completed",
        r"best: lr=0\.1, 100 points of loss, float64",
    ],
    "quickstart.py": [r"The minimum is at x = 3\.0000", r"verdict +found"],
    "resume_after_kill.py": [
        r"survivor +examples +crashed +151 ",
        r"The run goes on at step 151; the checkpoint is of step 150\.",
        r"400 rows, each step once\.",
    ],
    "sweep.yaml": [r"state +FINISHED", r"trials +6 of 6", r"best .*: batch=8, lr=0\.1"],
    "sweep_bayes.py": [
        r"best of 20: .* loss 0\.\d+, .*'layers': \d",
        r"bowl +sweep-example +bayes",
    ],
    "sweep_train.py": [r"lr 0\.1, batch 8: 0\.0\d+ from the truth"],
    "tables_and_plots.py": [
        r"87 of 797 digits",
        r"^ *mistakes +<table-file>$",
        r"exported/\w{8}: 4 rows, .* 7 artifacts",
    ],
}

# The wandb scripts that are not compared with real wandb, and why.
NOT_COMPARED = {
    "artifacts_consume.py": "offline, wandb has no use_artifact and no Api",
    "many_processes.py": "the order in which rows of several processes arrive is chance",
    "resume_after_kill.py": "offline, wandb resumes nothing",
    "sweep_bayes.py": "wandb has no sweeps without its server",
}


class Command(NamedTuple):
    """A command at the top of an example, and the comment behind it."""

    text: str
    comment: str

    @property
    def exit_code(self) -> int:
        found = re.search(r"exit code (\d+)", self.comment)
        return int(found[1]) if found else 0


def top_of(path: Path) -> str:
    """The docstring of a script, or the comment that a YAML file begins with."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return ast.get_docstring(ast.parse(text)) or ""
    return "\n".join(line[2:] for line in text.splitlines() if line.startswith("# "))


def commands(path: Path) -> list[Command]:
    return [Command(text, comment) for text, comment in COMMAND.findall(top_of(path))]


def plain_commands(path: Path) -> list[Command]:
    return [command for command in commands(path) if not command.text.startswith(COMPARE)]


def uses_wandb(path: Path) -> bool:
    return path.suffix == ".py" and bool(IMPORT.search(path.read_text(encoding="utf-8")))


def run(command: Command, folder: Path) -> str:
    """Run it by the shell, as somebody who has the programs of this environment would."""
    environment = {"PATH": PROGRAMS, "HOME": str(folder)}
    words = ["sh", "-c", command.text]
    done = run_command(words, folder, 100, environment, check=False)
    assert done.returncode == command.exit_code, f"{command.text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def play(path: Path, folder: Path) -> None:
    """Run the commands of an example in their order, and hold what they print against PRINTED."""
    printed = ""
    for command in plain_commands(path):
        if "torchrun" in command.text and shutil.which("torchrun", path=PROGRAMS) is None:
            continue
        if re.search(r"\bID\b", command.text):
            with ExperimentTracker(folder / "experiments.db") as tracker:
                sweep_id = tracker.list_sweeps()[-1].sweep_id
            command = command._replace(text=re.sub(r"\bID\b", sweep_id, command.text))
        printed += run(command, folder)
    missing = [
        pattern for pattern in PRINTED[path.name] if not re.search(pattern, printed, re.MULTILINE)
    ]
    assert missing == [], printed
    audit(folder)


def audit(folder: Path) -> None:
    databases = list(folder.glob("*.db"))
    assert databases, "the example left no database"
    for database in databases:
        with ExperimentTracker(database) as tracker:
            assert tracker.count()
            assert not tracker.check().problems


WANDB_SCRIPTS = [path for path in PATHS if uses_wandb(path)]
COMPARED = [path for path in PATHS if COMPARE in top_of(path)]


def by_name(path: Path) -> str:
    return path.name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the examples in it, and nothing else."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    return tmp_path


@pytest.mark.parametrize("path", PATHS, ids=by_name)
def test_does_what_its_top_says(path: Path, folder: Path) -> None:
    if "WANDB_MODE=offline" in top_of(path) and find_spec("wandb") is None:
        pytest.skip("wandb is not installed")
    play(path, folder)


@pytest.mark.parametrize("path", WANDB_SCRIPTS, ids=by_name)
def test_runs_with_the_import_changed(path: Path, folder: Path) -> None:
    """As with `synadb run`, by `import synadb.wandb_compat as wandb` and Python alone."""
    for script in filter(uses_wandb, (folder / "examples").glob("*.py")):
        text = script.read_text(encoding="utf-8")
        text = IMPORT.sub("import synadb.wandb_compat as wandb", text)
        text = text.replace("synadb run -- ", "").replace("synadb run ", "python ")
        script.write_text(text, encoding="utf-8")
    changed = folder / "examples" / path.name
    assert any(command.text.startswith("python ") for command in plain_commands(changed))
    play(changed, folder)


@needs_wandb
@pytest.mark.slow
@pytest.mark.parametrize("path", COMPARED, ids=by_name)
def test_wandb_records_the_same(path: Path, folder: Path) -> None:
    [command] = [command for command in commands(path) if command.text.startswith(COMPARE)]
    output = run(command._replace(text=f"{command.text} --repeat 1"), folder)
    assert re.search(r"^recorded the same: \d+ runs?, ", output, re.MULTILINE), output


def test_every_wandb_script_is_compared_or_a_reason_says_why_not() -> None:
    compared = {path.name for path in COMPARED}
    assert compared | NOT_COMPARED.keys() == {path.name for path in WANDB_SCRIPTS}
    assert compared & NOT_COMPARED.keys() == set()


def test_the_readme_lists_every_example_with_a_command_of_its_own() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[([\w.]+)\]\(\1\) \| .+ \| `([^`]+)` \|$", text, re.MULTILINE)
    assert sorted(name for name, _ in rows) == [path.name for path in PATHS]
    for name, command in rows:
        assert command in [known.text for known in commands(EXAMPLES / name)]

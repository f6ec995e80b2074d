"""The comparison notebook runs, says what it measured, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shutil
import socket
from pathlib import Path
from typing import Any

import nbformat
import pytest

from examples.utils import benchmark, notebook_utils
from synadb import ExperimentTracker
from tests.conftest import ROOT, run_python
from tests.execute_notebook import execute, fingerprint

EXAMPLES = ROOT / "examples"
NOTEBOOK = EXAMPLES / "notebooks" / "wandb_comparison.ipynb"
HAS_WANDB = notebook_utils.check_dependency("wandb", required=False)
ABSOLUTE = re.compile(r"(?<![\w.\-/])(?:[A-Z]:\\|/)(?:tmp|var|private|root|home|Users|work)[/\\]\w")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("notebook")]


@pytest.fixture(scope="module")
def committed() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


class Place:
    """A copy of the notebook and its helpers, beside runs that belong to somebody else."""

    def __init__(self, folder: Path) -> None:
        self.notebooks = folder / "examples" / "notebooks"
        shutil.copytree(EXAMPLES / "utils", folder / "examples" / "utils")
        self.notebooks.mkdir()
        self.notebook = Path(shutil.copy(NOTEBOOK, self.notebooks))
        foreign = self.notebooks / "wandb" / "offline-run-20200101_000000-mine"
        foreign.mkdir(parents=True)
        (foreign / "run-mine.wandb").write_bytes(b"not the notebook's")
        with ExperimentTracker(self.notebooks / "experiments.db") as tracker:
            tracker.finish(tracker.run("mine"))
        self.scratch = folder / "scratch"
        self.scratch.mkdir()

    def contents(self) -> dict[str, str]:
        return {
            path.relative_to(self.notebooks).as_posix(): hashlib.sha256(
                path.read_bytes()
            ).hexdigest()
            for path in sorted(self.notebooks.rglob("*"))
            if path.is_file()
        }


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Place]:
    """The notebook, executed anew in a kernel, and where that was."""
    place = Place(tmp_path_factory.mktemp("notebook"))
    before = place.contents()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(place.scratch))
        for name in list(os.environ):
            if name.startswith(("WANDB_", "SYNADB_")):
                patch.delenv(name)
        notebook = execute(place.notebook)
    assert place.contents() == before
    return notebook, place


def texts(cell: Any) -> list[str]:
    """What a cell shows, as text; its pictures left out."""
    shown = []
    for output in cell.outputs:
        data = output.get("data", {"text/plain": output.get("text", "")})
        shown += [text for kind, text in data.items() if kind.startswith("text/")]
    return shown


def kinds(cell: Any) -> list[str]:
    """The kinds of a cell's outputs; a warning of some library's is none of its own."""
    found = []
    for output in cell.outputs:
        if output.get("name") != "stderr":
            found += sorted(output.get("data", {output.get("name"): ""}))
    return found


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(notebook: Any, tag: str) -> Any:
    [cell] = [cell for cell in notebook.cells if tag in cell.metadata.get("tags", ())]
    return cell


def table(notebook: Any) -> dict[str, dict[str, str]]:
    """The table of results: by measure, by side."""
    [text] = [text for text in texts(tagged(notebook, "results")) if text.startswith("|")]
    head, _, *rows = [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines()]
    return {what: dict(zip(head[1:], values, strict=True)) for what, *values in rows}


def conclusions(notebook: Any) -> str:
    return next(text for text in texts(tagged(notebook, "conclusions")) if text.startswith("<div"))


def test_leaves_nothing_behind(executed: tuple[Any, Place]) -> None:
    notebook, place = executed
    assert list(place.scratch.iterdir()) == []
    assert "as it was: True" in texts(tagged(notebook, "cleanup"))[0]


@pytest.mark.parametrize("which", ["executed", "committed"])
def test_conclusions_are_those_of_the_table(which: str, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue(which)
    notebook = found[0] if which == "executed" else found
    measured, text = table(notebook), conclusions(notebook)
    assert len(measured) >= 8
    for what, values in measured.items():
        best = [(side, value.strip("*")) for side, value in values.items() if "**" in value]
        sentences = [f"<b>{what}</b>: {side} {value};" for side, value in best]
        assert any(sentence in text for sentence in sentences), what


def test_both_sides_are_measured(executed: tuple[Any, Place]) -> None:
    sides = {side for values in table(executed[0]).values() for side in values}
    expected = {"SynaDB (drop-in)", "SynaDB (native)"}
    assert sides == expected | ({"wandb"} if HAS_WANDB else set())


def concluded(notebook: Any, results: dict[str, Any], sides: list[str]) -> str:
    """What the cell of the conclusions would say about other results."""
    names = {**vars(benchmark), **vars(notebook_utils), "results": results, "SIDES": sides}
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(tagged(notebook, "conclusions").source, names)
    return out.getvalue()


def test_whoever_wins_is_named(committed: Any) -> None:
    sides = ["wandb", "SynaDB (drop-in)", "SynaDB (native)"]
    results = {
        "End to end": ("s", dict(zip(sides, [1.0, 3.0, 1.05], strict=True))),
        "Bytes left": ("B", dict(zip(sides, [9e6, 3e6, 1.5e6], strict=True))),
    }
    said = concluded(committed, results, sides)
    assert "end to end: wandb 1 s; SynaDB (drop-in) 3 times that." in said
    assert "End to end: wandb 1 s; SynaDB (native) about the same, SynaDB (drop-in) 3 times" in said
    assert (
        "Bytes left: SynaDB (native) 1.5 MB; SynaDB (drop-in) 2 times that, wandb 6 times" in said
    )
    assert "wandb in 1, SynaDB (drop-in) in 0, SynaDB (native) in 1" in said


def test_committed_with_the_outputs_of_its_code(committed: Any) -> None:
    # `make notebook` executes it again, after a change of the code.
    assert committed.metadata["executed"] == fingerprint(committed)
    cells = code_cells(committed)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    assert "wandb" in table(committed)["End to end"]


@pytest.mark.skipif(not HAS_WANDB, reason="the committed outputs are with wandb")
def test_committed_outputs_are_of_the_kinds_it_gives(
    committed: Any, executed: tuple[Any, Place]
) -> None:
    assert [kinds(c) for c in code_cells(committed)] == [kinds(c) for c in code_cells(executed[0])]


def test_outputs_name_no_machine(committed: Any) -> None:
    shown = "\n".join(text for cell in code_cells(committed) for text in texts(cell))
    assert ABSOLUTE.findall(shown) == []
    home = Path.home()
    # "root" is a word that says nothing, and a user's name on many machines.
    for name in {socket.gethostname(), home.name, str(home), str(ROOT)} - {"root", "", "/"}:
        assert not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", shown), name


def test_without_wandb_and_without_a_notebook(committed: Any, tmp_path: Path) -> None:
    place = Place(tmp_path)
    before = place.contents()
    script = tmp_path / "script.py"
    cells = [cell.source for cell in code_cells(committed)]
    script.write_text("\n\n".join(cells), encoding="utf-8")
    # What Python says where wandb is not installed, ahead of one that is.
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "wandb.py").write_text("raise ModuleNotFoundError(\"No module named 'wandb'\")\n")
    environment = {
        "PYTHONPATH": os.pathsep.join([str(hidden), str(ROOT)]),
        "MPLBACKEND": "Agg",
        "TMPDIR": str(place.scratch),
    }
    said = run_python([str(script)], place.notebooks, timeout=200, env=environment).stdout
    assert "wandb is not installed here: SynaDB is measured alone" in said
    assert "| less is better | SynaDB (drop-in) | SynaDB (native) |" in said
    assert "end to end: SynaDB (drop-in) " in said
    assert ", with nothing to compare." in said
    assert "nothing here says how it compares" in said
    assert "<div" not in said
    assert "as it was: True" in said
    assert place.contents() == before
    assert list(place.scratch.iterdir()) == []

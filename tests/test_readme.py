"""The documents tell the truth: code blocks run, commands exist, links lead somewhere."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT, RunScript, run_python

if TYPE_CHECKING:
    from pathlib import Path

README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"^(?:\$ )?(?:\S*/bin/)?synadb ([a-z]\w*)")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def blocks(path: Path, language: str) -> list[str]:
    found = FENCE.findall(path.read_text(encoding="utf-8"))
    return [text for named, text in found if named == language]


def named_commands(path: Path) -> set[str]:
    """X of every `synadb X` in a shell block or a code span."""
    text = path.read_text(encoding="utf-8")
    shell = [line for block in blocks(path, "sh") for line in block.splitlines()]
    spans = CODE_SPAN.findall(FENCE.sub("", text))
    return {
        match[1] for line in [*shell, *spans] for match in [COMMAND.match(line.strip())] if match
    }


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The table of commands, each of which the program's own help lists too."""
    names = {command.name for command in importlib.import_module("synadb.cli").COMMANDS}
    text = run_python(["-m", "synadb.cli", "--help"], tmp_path_factory.mktemp("help")).stdout
    assert [name for name in names if not re.search(rf"^ +{name}\b", text, re.MULTILINE)] == []
    return names


@pytest.mark.parametrize("source", blocks(README, "python"))
def test_python_blocks_run(run_script: RunScript, source: str) -> None:
    run_script(source)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_named_commands_exist(path: Path, commands: set[str]) -> None:
    assert named_commands(path) - commands == set()


def test_every_command_is_in_the_readme(commands: set[str]) -> None:
    assert commands - named_commands(README) == set()


# For the layers above the tracker, and not for people.
INNER: dict[str, set[str]] = {
    "Run": {"append", "continue_at", "lock", "write"},
    "ExperimentTracker": set(),
}


@pytest.mark.parametrize("name", INNER)
def test_every_method_is_in_the_readme(name: str) -> None:
    spans = set(re.findall(r"\w+", " ".join(CODE_SPAN.findall(README.read_text("utf-8")))))
    kind = getattr(importlib.import_module("synadb"), name)
    public = {method for method in vars(kind) if not method.startswith("_")}
    assert public - INNER[name] - spans == set()


def test_methods_in_the_readme_exist() -> None:
    text = README.read_text("utf-8")
    tables = re.findall(r"^\| methods of .*?\n\n", text, re.MULTILINE | re.DOTALL)
    synadb = importlib.import_module("synadb")
    for table, name in zip(tables, ("ExperimentTracker", "Run"), strict=True):
        rows = table.splitlines()[2:]
        first = [CODE_SPAN.findall(row.split(" | ")[0]) for row in rows]
        named = [span.partition("(")[0] for spans in first for span in spans]
        assert named
        assert [method for method in named if not hasattr(getattr(synadb, name), method)] == []


def test_every_option_of_compare_is_in_the_readme(tmp_path: Path) -> None:
    text = run_python(["-m", "synadb.cli", "compare", "--help"], tmp_path).stdout
    options = set(re.findall(r"^  (?:-h, )?(--\w+)", text, re.MULTILINE)) - {"--help"}
    assert options == {"--repeat", "--json", "--plot", "--keep"}
    spans = " ".join(CODE_SPAN.findall(README.read_text("utf-8")))
    assert [option for option in options if option not in spans] == []


def test_every_command_explains_itself(commands: set[str], tmp_path: Path) -> None:
    for command in sorted(commands):
        assert run_python(["-m", "synadb.cli", command, "--help"], tmp_path).stdout.strip()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    links = [link for link in LINK.findall(path.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []

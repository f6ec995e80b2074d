"""The documents tell the truth: their code blocks run, what they name exists, links lead somewhere.

    python -m pytest tests/test_docs.py -k getting-started     one document

A document is one test. It gets a fresh folder, which holds a copy of `examples/` and nothing else,
and its blocks run in it from top to bottom; what one block leaves there the next one finds.

    ```python     a script, run in a process of its own; it must end with exit code 0
    ```sh         run by `sh -eu`, with the programs of this environment (synadb, python, wandb)
    ```bash       the same by bash
    ```json, ```yaml, ```toml, ```ini        must be well-formed
    ```sql        one query, which `synadb sql` answers about the folder's database
    ```text       for people only

A comment of its own line just before a block says what else is to be done with it; several may
stand there, one a line:

    <!-- file: train.py -->          it is not run but saved, for the blocks that follow
    <!-- output -->                  (before ```text) what the block before has printed, standard
                                     error included; any space equals any other, `...` is anything
    <!-- exit: 1 -->                 its exit code is this
    <!-- needs: torch, hydra -->     where these modules are missing, only its syntax is checked
    <!-- not run: needs SLURM -->    it is checked for its syntax only; NOT_RUN counts these

Blocks stand at the beginning of the line, each has a language, and none is made by indenting.
Besides, wherever a document writes `synadb COMMAND --option`, `make TARGET` or `python -m MODULE`,
in a block or in the text, the command, the option, the target and the module must exist.
"""

from __future__ import annotations

import ast
import configparser
import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.conftest import ROOT, run_command, run_python

DOCS = ROOT / "docs"
README = ROOT / "README.md"
DOCUMENTS = [
    README,
    ROOT / "CONTRIBUTING.md",
    *sorted(DOCS.glob("*.md")),
    *(ROOT / "examples").glob("README.md"),
]
BLOCK_TIMEOUT = 100

# How many blocks of a document are only checked for their syntax. One more is a decision.
NOT_RUN = {
    "README.md": 3,
    "CONTRIBUTING.md": 2,
    "docs/integrations.md": 1,
    "docs/clusters.md": 4,
    "docs/getting-started.md": 1,
    "docs/reliability.md": 2,
}

FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARKS = re.compile(r"(?:^<!-- [^\n]*-->\n+)+\Z", re.MULTILINE)
MARK = re.compile(r"^<!-- (file|output|exit|needs|not run)(?:: ([^\n]+?))? -->$")
CODE_SPAN = re.compile(r"`([^`\n]+)`")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:^|[\s;|&(])(?:\S*/bin/)?synadb ([a-z][\w-]*)([^|;&#>]*)")
MAKE = re.compile(r"(?:^|&& )make ([a-z]+)")
MODULE = re.compile(r"python -m ([\w.]+)")
FOREIGN_OPTIONS = {"run", "compare"}  # what follows the script's name is the script's


class Block(NamedTuple):
    """A fenced block of a document."""

    line: int
    language: str
    text: str
    marks: dict[str, str]


def blocks(path: Path) -> list[Block]:
    """The blocks of a document in order; a mark that is not known fails the test."""
    text = path.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        before = MARKS.search(text[: match.start()])
        marks = {}
        for comment in before[0].split("\n") if before else ():
            if comment:
                mark = MARK.match(comment)
                assert mark, f"{path.name}:{line}: {comment} says nothing about a block"
                marks[mark[1]] = mark[2] or ""
        found.append(Block(line, match[1], match[2], marks))
    return found


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)


# --- blocks ----------------------------------------------------------------------------------


class Reader:
    """Somebody who follows a document from top to bottom, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed: str | None = ""  # None: the block before was not run here
        shutil.copytree(ROOT / "examples", folder / "examples")
        programs = str(Path(sys.executable).parent)
        self.environment = {
            "PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)]),
            "HOME": str(folder),  # settings are looked for there, and a database no higher up
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
            "COLUMNS": "100",
            "PYTHONUNBUFFERED": "1",  # as on a terminal: in the order in which it is printed
        }

    def follow(self, block: Block) -> None:
        """Do what a block says; an AssertionError if it does not go as it says."""
        needs = [word for word in re.split(r"[,\s]+", block.marks.get("needs", "")) if word]
        if "output" in block.marks:
            if self.printed is not None and not matches(block.text, self.printed):
                raise AssertionError(f"what was printed is\n{self.printed}")
        elif "file" in block.marks:
            check_syntax(block)
            path = self.folder / block.marks["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif "not run" in block.marks or not all(map(importlib.util.find_spec, needs)):
            check_syntax(block)
            self.printed = None
        else:
            self.run(block)

    def run(self, block: Block) -> None:
        if block.language == "python":
            script = self.folder / f".block_{block.line}.py"
            script.write_text(block.text, encoding="utf-8")
            command = [sys.executable, str(script)]
        elif block.language in ("sh", "bash"):
            command = [block.language, "-euc", block.text]
        elif block.language == "sql":
            command = ["synadb", "sql", block.text]
        else:
            check_syntax(block)
            return
        done = run_command(
            command, self.folder, BLOCK_TIMEOUT, self.environment, check=False, one_stream=True
        )
        self.printed = done.stdout
        # A shell may have become the program that a signal has ended.
        code = done.returncode if done.returncode >= 0 else 128 - done.returncode
        if code != int(block.marks.get("exit", 0)):
            raise AssertionError(f"exit code {code}\n{done.stdout}")


def check_syntax(block: Block) -> None:
    """What can be said about a block without running it."""
    match block.language:
        case "python":
            ast.parse(block.text)
        case "sh" | "bash":
            command = [block.language, "-nc", block.text]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
            assert done.returncode == 0, done.stderr
        case "json":
            json.loads(block.text)
        case "yaml":
            yaml.safe_load(block.text)
        case "ini":
            configparser.ConfigParser().read_string(block.text)
        case "toml" if sys.version_info >= (3, 11):
            importlib.import_module("tomllib").loads(block.text)
        case "toml" | "sql" | "text":
            pass
        case other:
            pytest.fail(f"a block of the language {other!r}")


def matches(wanted: str, printed: str) -> bool:
    """Whether the output is as wanted: spaces are equal, `...` stands for anything."""
    parts = [re.escape(" ".join(part.split())) for part in wanted.split("...")]
    pattern = " ?.*? ?".join(parts)
    return re.fullmatch(pattern, " ".join(printed.split()), re.DOTALL) is not None


@pytest.mark.slow
@each_document
def test_blocks_run(path: Path, tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    for block in blocks(path):
        try:
            reader.follow(block)
        except Exception as error:
            # Whatever it is: the reader of the report wants to know which block.
            raise AssertionError(f"{name_of(path)}:{block.line}: {error}") from error


@each_document
def test_blocks_that_are_not_run_are_counted(path: Path) -> None:
    count = sum("not run" in block.marks for block in blocks(path))
    assert count == NOT_RUN.get(name_of(path), 0)


@each_document
def test_every_code_block_is_a_fence_of_its_own(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(re.findall(r"^\s*```", text, re.MULTILINE)) == 2 * len(blocks(path))
    assert [line for line in FENCE.sub("", text).splitlines() if line.startswith("    ")] == []


@pytest.mark.parametrize(
    ("wanted", "printed", "same"),
    [
        ("a  b\nc\n", "a b\n\nc", True),
        ("run ... ended\n", "run 7,\nwhich has ended\n", True),
        ("loss ...", "loss 0.5", True),
        ("a.b", "axb", False),
        ("a", "a b", False),
        ("run ... ended", "run 7", False),
    ],
)
def test_outputs_are_compared(wanted: str, printed: str, same: bool) -> None:
    assert matches(wanted, printed) is same


# --- what is named ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The help of every command in the table of commands, each of which `--help` lists too."""
    folder = tmp_path_factory.mktemp("help")
    names = [command.name for command in importlib.import_module("synadb.cli").COMMANDS]
    text = run_python(["-m", "synadb.cli", "--help"], folder).stdout
    assert [name for name in names if not re.search(rf"^ +{name}\b", text, re.MULTILINE)] == []
    helps = {
        name: run_python(["-m", "synadb.cli", name, "--help"], folder).stdout for name in names
    }
    assert all(helps.values())
    return helps


def code_lines(path: Path) -> list[str]:
    """Every line that is typed: those of the shell blocks, and the code spans of the text."""
    text = path.read_text(encoding="utf-8")
    shell = [block.text for block in blocks(path) if block.language in ("sh", "bash")]
    lines = [line for block in shell for line in block.replace("\\\n", " ").splitlines()]
    return lines + CODE_SPAN.findall(FENCE.sub("", text))


def named_commands(path: Path) -> set[str]:
    """X of every `synadb X` of a document."""
    return {match[1] for line in code_lines(path) for match in COMMAND.finditer(line)}


@each_document
def test_named_commands_and_options_exist(path: Path, commands: dict[str, str]) -> None:
    wrong = []
    for line in code_lines(path):
        for match in COMMAND.finditer(line):
            name, rest = match[1], match[2]
            known = commands.get(name, "")
            options = [] if name in FOREIGN_OPTIONS else re.findall(r"(?<!\S)--[a-z][\w-]*", rest)
            if not known or [option for option in options if option not in known]:
                wrong.append(line)
    assert wrong == []


@each_document
def test_named_targets_and_modules_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    files = {block.marks["file"] for block in blocks(path) if "file" in block.marks}
    wrong = []
    for line in code_lines(path):
        wrong += [target for target in MAKE.findall(line) if target not in targets]
        wrong += [
            module
            for module in MODULE.findall(line)
            if f"{module}.py" not in files and not importlib.util.find_spec(module)
        ]
    assert wrong == []


# --- links -----------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """The anchors that a page of this document has for its headings."""
    found: dict[str, int] = {}
    names = set()
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    for heading in HEADING.findall(text):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
        names.add(f"{slug}-{found[slug]}" if found[slug] else slug)
    return names | set(re.findall(r'<a (?:id|name)="([^"]+)"', text))


@each_document
def test_links_lead_somewhere(path: Path) -> None:
    wrong = []
    for link in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        file, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = path.parent / file if file else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert wrong == []


# --- completeness ----------------------------------------------------------------------------


def test_every_document_is_in_the_index() -> None:
    index = DOCS / "README.md"
    links = {(DOCS / link).resolve() for link in LINK.findall(index.read_text(encoding="utf-8"))}
    assert set(DOCS.glob("*.md")) - links == {index}
    assert "docs/README.md" in LINK.findall(README.read_text(encoding="utf-8"))

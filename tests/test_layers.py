"""The layer table of docs/architecture.md holds: imports point down, and never in a circle.

Read from the syntax tree, so that an import inside a function counts like one at the top, and a
module that cannot be imported on this machine counts like any other.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = "synadb"
SOURCE = ROOT / PACKAGE
TABLE = ROOT / "docs" / "architecture.md"


@dataclass(frozen=True)
class Import:
    """One import statement, resolved: `module` says it wants `target`."""

    module: str
    target: str
    line: int
    typing_only: bool = False

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


@dataclass(frozen=True)
class Table:
    """The layers bottom to top, and the names that are announced but not written yet."""

    layers: list[list[str]]
    later: set[str]

    def level(self, part: str) -> int | None:
        return next((i for i, layer in enumerate(self.layers) if part in layer), None)


# --- reading ---------------------------------------------------------------------------------


def read_table(text: str) -> Table:
    """The markdown table headed `| layer | modules | what it is for |`."""
    head = re.search(r"^\| *layer *\| *modules *\|.*\n\|[-| :]+\|\n", text, re.MULTILINE)
    assert head, "no table headed `| layer | modules | what it is for |`"
    layers: list[list[str]] = []
    later: set[str] = set()
    for line in text[head.end() :].splitlines():
        if not line.startswith("|"):
            break
        cell = line.split("|")[2]
        layers.append(re.findall(r"`(\w+)`", cell))
        later.update(re.findall(r"`(\w+)` \(later\)", cell))
    return Table(layers, later)


def read_modules(source: Path) -> dict[str, Path]:
    """Every module below the package folder, by dotted name."""
    modules: dict[str, Path] = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source.parent).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return modules


def read_imports(source: Path) -> list[Import]:
    modules = read_modules(source)
    return [found for name in modules for found in _imports_of(name, modules)]


def _imports_of(name: str, modules: dict[str, Path]) -> Iterator[Import]:
    path = modules[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for statement in block.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        for target in _targets(node, package, modules):
            yield Import(name, target, getattr(node, "lineno", 0), id(node) in typing_only)
        # `import synadb` alone is no import of anything: what counts is the name read from it.
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == PACKAGE:
            target = f"{PACKAGE}.{node.attr}"
            if target not in modules and not _is_dunder(node.attr):
                yield Import(name, PACKAGE, node.lineno)


def _targets(node: ast.AST, package: str, modules: dict[str, Path]) -> Iterator[str]:
    """The modules one statement names; `from a import b` is `a.b` where that is a module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name != PACKAGE)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            anchor = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*anchor, base] if base else anchor)
        for alias in node.names:
            full = f"{base}.{alias.name}"
            if base != PACKAGE or not _is_dunder(alias.name):
                yield full if full in modules else base
    elif (
        isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"importlib.import_module", "import_module", "__import__"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
        and not node.args[0].value.startswith(".")
    ):
        yield node.args[0].value


def _is_dunder(name: str) -> bool:
    """`synadb.__version__` is the package's own; its other names are borrowed."""
    return name.startswith("__") and name.endswith("__")


# --- judging ---------------------------------------------------------------------------------


def violations(source: Path, table: Table) -> list[str]:
    """Every import that breaks a rule, each with the rule it breaks."""
    return [
        f"{found}: {reason}"
        for found in read_imports(source)
        for reason in [_judge(found, source.name, table)]
        if reason
    ]


def _judge(found: Import, package: str, table: Table) -> str | None:
    names_engine = (
        found.target.startswith(f"{package}.storage.sqlite") or _top(found.target) == "sqlite3"
    )
    if names_engine and not _may_name_engine(found, package):
        return "only storage/__init__.py names an engine"
    if _top(found.target) == "wandb" and not _may_import_wandb(found.module, package):
        return "only a child script of the bench imports the real wandb"
    if _top(found.target) != package or found.module in {package, f"{package}.__main__"}:
        # The package's own __init__ is a lazy table and may name anything; __main__ is the top.
        return None
    if found.target == package:
        return "import the module that defines it, not the package"
    return _judge_direction(_part(found.module), _part(found.target), table)


def _judge_direction(importer: str, imported: str, table: Table) -> str | None:
    if importer == imported:
        return None
    above, below = table.level(importer), table.level(imported)
    if above is None or below is None:
        return "not in the layer table"
    if above == below:
        return f"{importer} and {imported} are siblings in one layer"
    if above < below:
        return f"{importer} stands below {imported}"
    return None


def _may_name_engine(found: Import, package: str) -> bool:
    inside = f"{package}.storage"
    if _top(found.target) == "sqlite3":
        return found.module == inside or found.module.startswith(f"{inside}.")
    return found.module == inside or found.module.startswith(f"{inside}.sqlite")


def _may_import_wandb(module: str, package: str) -> bool:
    return module.startswith((f"{package}.bench.child", f"{package}.wandb_compat._overlay.wandb"))


def _top(name: str) -> str:
    return name.partition(".")[0]


def _part(name: str) -> str:
    """`synadb.storage.base` stands in the table as `storage`."""
    return name.split(".")[1]


def cycle(source: Path) -> list[str]:
    """One circle of imports, or nothing.

    Imports for the type checker alone are left out: they never run, and a pair of modules that
    name each other's types is no circle at run time.
    """
    graph: dict[str, set[str]] = {name: set() for name in read_modules(source)}
    for found in read_imports(source):
        if found.target in graph and found.target != found.module and not found.typing_only:
            graph[found.module].add(found.target)
    graph[source.name] = set()  # the lazy table
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


# --- the package -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table() -> Table:
    return read_table(TABLE.read_text(encoding="utf-8"))


def test_imports_point_down(table: Table) -> None:
    assert not violations(SOURCE, table)


def test_no_import_cycle() -> None:
    assert not cycle(SOURCE)


def test_every_module_stands_in_the_table(table: Table) -> None:
    there = {
        path.stem
        for path in SOURCE.iterdir()
        if path.stem not in {"__init__", "__main__", "__pycache__"}
        and (path.suffix == ".py" or (path / "__init__.py").is_file())
    }
    listed = {name for layer in table.layers for name in layer}
    assert there - listed == set(), "in synadb/ and not in the layer table"
    assert listed - there == table.later, "in the layer table and not in synadb/, or not (later)"


def test_no_name_stands_twice(table: Table) -> None:
    names = [name for layer in table.layers for name in layer]
    assert len(names) == len(set(names))


# --- the test itself, on a small package that breaks each rule --------------------------------

DOCUMENT = """\
# Before

| layer | modules | what it is for |
|---|---|---|
| 1 | `errors` | raised everywhere |
| 2 | `ops`, `ids` | values |
| 3 | `storage` | keeps them |
| 4 | `run`, `sweeps` (later) | logs |
| 5 | `bench` | measures |

| another | table |
|---|---|
| 9 | `nothing` |
"""

CLEAN = {
    "__init__.py": "from synadb import run",
    "errors.py": "import os",
    "ids.py": "",
    "ops.py": "from synadb.errors import Error",
    "storage/__init__.py": "def open():\n    from synadb.storage.sqlite import Engine",
    "storage/base.py": "from synadb.ops import Op",
    "storage/sqlite.py": "import sqlite3\nfrom .base import Store\nfrom synadb.storage import base",
    "run.py": "from synadb import __version__, ids, ops",
    "__main__.py": "from synadb.run import main",
    "bench/__init__.py": "import synadb\nprint(synadb.__version__)",
    "bench/child_log.py": "import wandb",
}


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    for name, text in CLEAN.items():
        path = tmp_path / PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / PACKAGE


def test_reads_the_table() -> None:
    assert read_table(DOCUMENT) == Table(
        [["errors"], ["ops", "ids"], ["storage"], ["run", "sweeps"], ["bench"]], {"sweeps"}
    )


def test_a_clean_package_passes(fake: Path) -> None:
    assert violations(fake, read_table(DOCUMENT)) == []
    assert cycle(fake) == []


@pytest.mark.parametrize(
    ("module", "text", "reason"),
    [
        ("ops.py", "from synadb.run import Run", "ops stands below run"),
        ("ops.py", "def f():\n    import synadb.run", "ops stands below run"),
        ("ops.py", "import importlib\nimportlib.import_module('synadb.run')", "below run"),
        ("ops.py", "from . import run", "ops stands below run"),
        ("ops.py", "from synadb import ids", "ops and ids are siblings in one layer"),
        ("ops.py", "if TYPE_CHECKING:\n    from synadb.ids import Id", "siblings"),
        ("ops.py", "from synadb import Run", "import the module that defines it"),
        ("ops.py", "import synadb\nsynadb.Run", "import the module that defines it"),
        ("run.py", "from synadb.elsewhere import x", "not in the layer table"),
        ("run.py", "from synadb.storage import sqlite", "names an engine"),
        ("run.py", "from synadb.storage.sqlite import Engine", "names an engine"),
        ("run.py", "import sqlite3", "names an engine"),
        ("storage/base.py", "from .sqlite import Engine", "names an engine"),
        ("run.py", "def f():\n    import wandb", "imports the real wandb"),
        ("bench/__init__.py", "from wandb.sdk import x", "imports the real wandb"),
    ],
)
def test_a_violation_is_found(fake: Path, module: str, text: str, reason: str) -> None:
    if module == "run.py" and "elsewhere" in text:
        (fake / "elsewhere.py").write_text("", encoding="utf-8")
    (fake / module).write_text(text, encoding="utf-8")
    [found] = violations(fake, read_table(DOCUMENT))
    assert reason in found


def test_a_cycle_is_found(fake: Path) -> None:
    (fake / "storage" / "base.py").write_text(
        "def f():\n    from synadb.storage.sqlite import Engine", encoding="utf-8"
    )
    assert set(cycle(fake)) == {"synadb.storage.base", "synadb.storage.sqlite"}


def test_a_cycle_of_types_is_none(fake: Path) -> None:
    (fake / "errors.py").write_text(
        "if TYPE_CHECKING:\n    from synadb.ops import Op", encoding="utf-8"
    )
    assert cycle(fake) == []

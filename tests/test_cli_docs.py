"""docs/commands.md knows every command, argument and option; its tables are made from the parsers.

python -m tests.test_cli_docs      write the tables anew
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

import pytest

from synadb.cli import COMMANDS, full_parser
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "commands.md"
TABLE = re.compile(r"(<!-- arguments of ([a-z -]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
SUPPRESSED = ("-h", "--help", "--version")


def parsers(
    parser: argparse.ArgumentParser, path: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command, and every format of `import`, with its parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, found in action.choices.items():
                yield f"{path} {name}".strip(), found
                yield from parsers(found, f"{path} {name}".strip())


def table(parser: argparse.ArgumentParser) -> str:
    """The arguments of a command as a table."""
    rows = [
        (spelled(action), (action.help or "").replace("|", "\\|"))
        for action in parser._actions
        if not isinstance(action, argparse._SubParsersAction)
        and not set(action.option_strings) & set(SUPPRESSED)
    ]
    if not rows:
        return ""
    lines = [f"| {name} | {text} |" for name, text in rows]
    return "\n".join(["", "| argument | meaning |", "|---|---|", *lines, "", ""])


def spelled(action: argparse.Action) -> str:
    value = str(action.metavar or (action.choices and "|".join(action.choices)) or "")
    if not action.option_strings:
        many = "..." if action.nargs in ("*", "+") else ""
        return f"`{value or action.dest.upper()}{many}`".replace("|", "\\|")
    value = f" {value or action.dest.upper()}" if action.nargs != 0 else ""
    return ", ".join(f"`{name}{value}`" for name in action.option_strings).replace("|", "\\|")


def rewritten(text: str) -> str:
    """The page with its tables as they should be."""
    known = dict(parsers(full_parser()))
    return TABLE.sub(lambda found: found[1] + table(known[found[2]]) + found[3], text)


def test_the_tables_are_those_of_the_parsers() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert rewritten(text) == text, "run python -m tests.test_cli_docs"


def test_every_command_has_a_section_and_a_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    headings = re.findall(r"^## `synadb ([a-z-]+)`$", text, re.MULTILINE)
    assert headings == [command.name for command in COMMANDS]
    tables = [name for _, name, _ in TABLE.findall(text)]
    assert tables == [name for name, _ in parsers(full_parser())]


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_every_section_has_an_example(name: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    section = text.partition(f"## `synadb {name}`\n")[2].partition("\n## ")[0]
    shell = "".join(re.findall(r"^```(?:sh|bash)\n(.*?)^```", section, re.MULTILINE | re.DOTALL))
    assert re.search(rf"\bsynadb {name}\b", shell)


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

"""Writes `docs/integrations.md`: what `tests.frameworks.play` has found, and what differs."""

from __future__ import annotations

import ast
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

PAGE = Path(__file__).parents[2] / "docs" / "integrations.md"
HEAD = """\
| script | library | rows | values | artifacts | differences |
|---|---|---|---|---|---|"""


class Script(Protocol):
    """What is told of a script."""

    @property
    def path(self) -> Path: ...

    @property
    def differs(self) -> dict[str, str]: ...

    @property
    def name(self) -> str: ...


def write(scripts: Sequence[Script], rows: Mapping[str, str]) -> None:
    """Bring the tables of the page up to date; what is around them is written by hand."""
    text = PAGE.read_text(encoding="utf-8")
    lines = re.findall(r"^\| \w+ \| .* \d.*$", _part(text, "compared"), re.MULTILINE)
    known = {line.split()[1]: line for line in lines}
    known.update(rows)
    lines = [known[one.name] for one in scripts if one.name in known]
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    text = _with(text, "compared", f"{HEAD}\n" + "\n".join(lines) + f"\n\nOn {system}.")
    text = _with(text, "scripts", "\n".join(f"- `{one.name}`: {_about(one)}" for one in scripts))
    PAGE.write_text(_with(text, "differences", differences(scripts)), encoding="utf-8")


def differences(scripts: Sequence[Script]) -> str:
    """The table of what is another on purpose."""
    lines = ["| script | where | why |", "|---|---|---|"]
    for script in scripts:
        why = ""
        for place, reason in script.differs.items():
            why = why if reason == "the same" else reason
            lines.append(f"| {script.name} | `{place}` | {why} |")
    return "\n".join(lines)


def _about(script: Script) -> str:
    told = ast.get_docstring(ast.parse(script.path.read_text(encoding="utf-8"))) or ""
    return " ".join(told.split())


def _part(text: str, name: str) -> str:
    return text.partition(f"<!-- {name} -->\n")[2].partition(f"<!-- /{name} -->")[0]


def _with(text: str, name: str, content: str) -> str:
    first, last = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    start, end = text.index(first) + len(first), text.index(last)
    return f"{text[:start]}{content}\n{text[end:]}"

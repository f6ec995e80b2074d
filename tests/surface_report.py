"""How much of wandb's surface the drop-in has: `python -m tests.surface_report [--missing]`.

`data/wandb_surface.json` lists the names of wandb 0.31.0 that scripts and libraries use, by group,
each with what is known of it:

    "(a, b=, *, c=)"    something that is called with these parameters; `=` where one has a default;
                        only such after `*`: keywords of an older release
    "="                 a field of Settings: readable, and a keyword of its constructor
    "\"text\""          a constant of this value
    ""                  a name that is there
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

PACKAGE = "synadb.wandb_compat"
DATA = Path(__file__).parent / "data" / "wandb_surface.json"


@dataclass
class Group:
    """What became of the names of one group."""

    title: str
    there: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(self.there) + len(self.missing)


def compare() -> list[Group]:
    """Look up every name of the list."""
    groups = []
    for title, names in json.loads(DATA.read_text(encoding="utf-8")).items():
        group = Group(title)
        for name, known in names.items():
            problem = check(name, known)
            if problem is None:
                group.there.append(name)
            else:
                group.missing[name] = problem
        groups.append(group)
    return groups


def check(name: str, known: str) -> str | None:
    """What is wrong with a name of the drop-in; None if it is as wandb's."""
    try:
        found = look_up(name)
    except ModuleNotFoundError as error:
        if error.name and not error.name.startswith(("synadb", "wandb")):
            return None  # it is for a library that is not installed, and says so
        return "not there"
    except (AttributeError, ImportError):
        return "not there"
    if known == "=":
        settings = look_up("Settings")
        key = name.partition(".")[2]
        try:
            settings(**{key: getattr(settings(), key)})
        except (TypeError, ValueError) as error:
            return str(error)
    elif known.startswith('"'):
        return None if found == json.loads(known) else f"is {found!r}"
    elif known.startswith("("):
        return differs(known, found, method=_is_method(name))
    return None


def look_up(name: str) -> Any:
    """The object of a dotted name below `wandb`; modules on the way are imported."""
    found: Any = import_module(PACKAGE)
    # What init rebinds to methods of the run takes any argument before it.
    if name in found._functions:
        return getattr(found.Run, name)
    path = PACKAGE
    for part in name.split("."):
        path += f".{part}"
        if found is import_module(PACKAGE).Settings:
            found = found()
        try:
            found = getattr(found, part)
        except AttributeError:
            if part not in getattr(found, "__annotations__", {}):
                found = import_module(path)
    return found


def _is_method(name: str) -> bool:
    """Whether the first parameter of a function found under this name is the object."""
    package = import_module(PACKAGE)
    if name in package._functions:
        return True
    owner = name.rpartition(".")[0]
    if not owner or owner == "Settings":
        return False
    place = look_up(owner)
    last = name.rpartition(".")[2]
    return inspect.isclass(place) and not isinstance(
        inspect.getattr_static(place, last), staticmethod | classmethod
    )


def differs(known: str, found: Any, *, method: bool) -> str | None:
    """Why a call that wandb accepts would fail; None if every one works."""
    try:
        ours = list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError):
        return "cannot be called"
    if method and not inspect.isclass(found) and ours[0].kind is not ours[0].VAR_POSITIONAL:
        ours = ours[1:]
    places = [one for one in ours if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    keywords = {
        one.name for one in ours if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    }
    any_place = any(one.kind is one.VAR_POSITIONAL for one in ours)
    any_keyword = any(one.kind is one.VAR_KEYWORD for one in ours)
    optional = {one.name for one in ours if one.default is not one.empty}
    theirs = list(parameters(known))
    for place, (name, kind, has_default) in enumerate(theirs):
        if kind == "**":
            if not any_keyword:
                return f"takes no **{name}"
            continue
        by_keyword = name in keywords or any_keyword
        by_place = any_place or (place < len(places) and places[place].name == name)
        if not by_keyword or (kind == "" and not by_place):
            return f"does not take {name} as wandb does"
        if has_default and name in keywords and name not in optional:
            return f"{name} has no default"
    if theirs and all(kind == "*" for _, kind, _ in theirs):
        return None  # a keyword of an older release, beside the parameters of today
    names = {name for name, _, _ in theirs}
    needed = [one.name for one in places if one.name not in names | optional]
    return f"needs {', '.join(needed)} too" if needed else None


def parameters(known: str) -> Iterator[tuple[str, str, bool]]:
    """Name, kind ("" by place and keyword, "*" by keyword alone, "**" any keyword), has default."""
    kind = ""
    for part in known.strip("()").split(", "):
        if part.startswith("**"):
            yield part[2:], "**", False
        elif part.startswith("*"):
            kind = "*"
        elif part:
            yield part.rstrip("="), kind, part.endswith("=")


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.surface_report", description=__doc__)
    parser.add_argument("--missing", action="store_true", help="list what is not there, and why")
    options = parser.parse_args(arguments)
    with contextlib.redirect_stderr(io.StringIO()):  # what calls that are tried out say
        groups = compare()
    print(f"{'group':28}{'there':>7}{'of':>7}")
    for group in groups:
        print(f"{group.title:28}{len(group.there):7}{group.count:7}")
        if options.missing:
            for name, problem in group.missing.items():
                print(f"    {name}: {problem}")
    there, count = sum(len(group.there) for group in groups), sum(group.count for group in groups)
    print(f"{'total':28}{there:7}{count:7}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

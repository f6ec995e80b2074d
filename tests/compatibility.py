"""Writes `docs/compatibility.md`, how far wandb's names work: `python -m tests.compatibility`.

What is known of wandb comes from `data/wandb_surface.json` and from `_surface`; whether a name is
there is looked up, as `tests.surface_report` does; why one is not whole is told by `_support`, by
the function's own "Not supported: ...", or by the error that asking for it raises.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import io
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any, NamedTuple

import synadb.wandb_compat as wandb
from synadb.wandb_compat import _support, _surface
from synadb.wandb_compat._settings_fields import FIELDS, variables
from tests.conftest import ROOT
from tests.surface_report import DATA, PACKAGE, check, look_up

PAGE = ROOT / "docs" / "compatibility.md"
START, END = "<!-- generated: python -m tests.compatibility -->\n", "<!-- end -->"

FULL, PARTLY, NO_OP, REFUSED = "full", "partly", "no-op", "refused"
DEGREES = (FULL, PARTLY, NO_OP, REFUSED)
ORDER = (PARTLY, NO_OP, REFUSED, FULL)  # what a reader looks for first

# The sections, in order, each with the groups of the data and the places of further names in it.
SECTIONS: dict[str, tuple[set[str], tuple[str, ...]]] = {
    "The module": ({"module functions", "module values"}, ()),
    "Run": ({"Run"}, ("Run",)),
    "Config, summary, metrics": (
        {"Config", "Summary", "Metric"},
        ("Config", "sdk.wandb_summary.Summary"),
    ),
    "Media and tables": ({"media"}, ("Table", "data_types", "sdk.data_types")),
    "Plots": ({"plot"}, ("plot", "plots", "viz")),
    "Artifacts": ({"artifacts"}, ("Artifact", "sdk.artifacts")),
    "Api": ({"Api"}, ("Api", "apis")),
    "Sweeps": ({"sweeps"}, ("agents", "wandb_agent", "wandb_controller", "sweeps", "sdk.sweeps")),
    "Integrations": (
        {"integrations"},
        (
            *("catboost", "fastai", "gym", "integration", "jupyter", "keras", "lightgbm"),
            *("sacred", "sklearn", "tensorboard", "tensorflow", "wandb_torch", "xgboost"),
        ),
    ),
    "Settings": ({"Settings"}, ("Settings",)),
    "Errors": ({"errors"}, ("errors",)),
    "Environment": ({"env"}, ("env",)),
    "Utilities": ({"util"}, ("util",)),
    "Other modules": ({"import paths"}, ("",)),
}


class Name(NamedTuple):
    """A name of wandb, how far it works here, and why no further or how otherwise."""

    name: str
    degree: str
    why: str = ""
    in_use: bool = True  # by scripts and libraries, as far as known


class Told(NamedTuple):
    """What is said of a name."""

    degree: str
    why: str


TOLD = {
    name: Told(degree, why)
    for degree, table in (
        (NO_OP, _support.NO_EFFECT),
        (PARTLY, _support.PARTLY),
        (FULL, _support.DIFFERENT),
    )
    for name, why in table.items()
}
TOLD.update(
    {  # the functions of the module are methods of the active run
        name.removeprefix("Run."): told
        for name, told in TOLD.items()
        if name.removeprefix("Run.") in {*wandb._functions, "finish"}
    }
)


def surface() -> dict[str, list[Name]]:
    """Every name, by section."""
    data: dict[str, dict[str, str]] = json.loads(DATA.read_text(encoding="utf-8"))
    shapes: dict[str, list[str]] = {}
    place: dict[str, str] = {}
    section_of_group = {group: title for title, (groups, _) in SECTIONS.items() for group in groups}
    for group, names in data.items():
        for name, shape in names.items():
            shapes.setdefault(name, []).append(shape)
            place.setdefault(name, section_of_group.get(group) or section_of(name))
    for name in TOLD:
        if "(" in name:
            shapes[name] = [""]
            place[name] = place[whole(name)]
    in_use = set(shapes)
    for name in listed():
        shapes.setdefault(name, [""])
        place.setdefault(name, section_of(name))
    found: dict[str, list[Name]] = {section: [] for section in SECTIONS}
    with contextlib.redirect_stderr(io.StringIO()):  # what calls that are tried out say
        others = other_names()
        for name in sorted(shapes, key=lambda name: (name.lower(), name)):
            told = examine(name, shapes[name], others)
            found[place[name]].append(Name(name, *told, name in in_use))
    found["The program wandb"] = list(commands())
    return found


def listed() -> Iterator[str]:
    """The names of `_surface`: of modules and classes, modules, and packages as a whole."""
    for owner, names in _surface._members().items():
        place = "sdk.wandb_summary.Summary" if owner == "Summary" else owner
        for name in names:
            yield f"{place}.{name}" if place else name
    yield from _surface._modules()
    yield from _surface._WHOLE.split()


def section_of(name: str) -> str:
    """Where a name stands of which no group is known: by the longest place it begins with."""
    if "." not in name and not any(name in places for _, places in SECTIONS.values()):
        return "The module"
    parts = name.split(".")
    for end in range(len(parts), -1, -1):
        for section, (_, places) in SECTIONS.items():
            if ".".join(parts[:end]) in places:
                return section
    raise AssertionError(name)


def examine(name: str, shapes: Iterable[str], others: dict[int, Told]) -> Told:
    """How far one name works; `others` has what is told of it by another name."""
    problems = [problem for shape in shapes for problem in [check(whole(name), shape)] if problem]
    if "not there" in problems and not in_module(name):
        return Told(REFUSED, refusal(name))
    if name in TOLD:
        return TOLD[name]
    if problems and "not there" not in problems:
        return Told(PARTLY, "; ".join(dict.fromkeys(problems)))
    try:
        found = look_up(name)
    except ImportError:
        return Told(FULL, "")  # it is for a library that is not installed, and says so
    if id(found) in others:
        return others[id(found)]
    reason = not_supported(found)
    if reason:
        return Told(REFUSED, reason)
    if name.startswith("Settings.") and is_idle(name.partition(".")[2]):
        return Told(NO_OP, "checked and kept")
    return Told(FULL, "")


def in_module(name: str) -> bool:
    """Whether a module has the name that an attribute hides: `plot.bar.bar` beside `plot.bar`."""
    module, _, last = name.rpartition(".")
    try:
        return hasattr(import_module(f"{PACKAGE}.{module}"), last)
    except ImportError:
        return False


def whole(name: str) -> str:
    """The name without the argument that is told of."""
    return name.partition("(")[0]


def other_names() -> dict[int, Told]:
    """What is told of functions and classes, by their identity: they have several names."""
    found = {}
    for name, told in TOLD.items():
        if "(" not in name:
            with contextlib.suppress(ImportError):
                one = look_up(name)
                if inspect.isclass(one) or inspect.isroutine(one):
                    found[id(one)] = told
    return found


def refusal(name: str) -> str:
    """Why a name is not there, in the words of the error that asking for it raises; "" for none."""
    return str(_surface.missing(name)).partition("not supported by SynaDB: ")[2]


def not_supported(found: Any) -> str:
    """Why something that is there raises an error when it is called, by its docstring."""
    said = inspect.getdoc(found) or ""
    return said.partition("\n")[0].partition("Not supported: ")[2].rstrip(".")


def is_idle(field: str) -> bool:
    """Whether a field of Settings is only kept."""
    return field in FIELDS and variables().get(f"WANDB_{field.upper()}") == ""


def commands() -> Iterator[Name]:
    """The commands of the program, as its stand-in answers them."""
    path = ROOT / "synadb" / "wandb_compat" / "_overlay" / "wandb" / "__main__.py"
    spec = importlib.util.spec_from_file_location("_stand_in", path)
    assert spec is not None
    assert spec.loader is not None
    stand_in: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stand_in)
    found = {command: Name(f"wandb {command}", FULL) for command in stand_in.SWEEPS}
    for command, answer in stand_in.ANSWERS.items():
        found[command] = Name(f"wandb {command}", NO_OP, f"says: {answer}")
    for command, reason in _support.REFUSED_COMMANDS.items():
        found.setdefault(command, Name(f"wandb {command}", REFUSED, reason))
    yield from (found[command] for command in sorted(found))


def tables(found: dict[str, list[Name]]) -> str:
    """The generated part of the page."""
    names = [name for section in found.values() for name in section]
    rest = Counter(name.degree for name in names if not name.in_use)
    return "\n".join(
        [
            "| names that scripts and libraries use | | full | partly | no-op | refused |",
            "|---|--:|--:|--:|--:|--:|",
            *(
                _counted(f"[{title}](#{_anchor(title)})", section)
                for title, section in found.items()
            ),
            _counted("all", names),
            "",
            "The modules of wandb have further names, most of them for wandb's own use. Of these "
            + ", ".join(f"{rest[degree]} are {degree}" for degree in DEGREES if rest[degree])
            + ".",
            *(line for item in found.items() for line in _section(*item)),
            "",
        ]
    )


def _counted(title: str, names: list[Name]) -> str:
    counts = Counter(name.degree for name in names if name.in_use)
    cells = (title, counts.total(), *(counts[degree] for degree in DEGREES))
    return "| " + " | ".join(map(str, cells)) + " |"


def _anchor(title: str) -> str:
    return title.lower().replace(",", "").replace(" ", "-")


def _section(title: str, names: list[Name]) -> Iterator[str]:
    yield from ("", f"## {title}")
    told: dict[Told, list[str]] = {}
    for name in names:
        told.setdefault(Told(name.degree, name.why), []).append(f"`{name.name}`")
    rows = [one for one in told if one.why]
    if rows:
        yield from ("", "| name | how far | why, or how otherwise |", "|---|---|---|")
    for one in sorted(rows, key=lambda one: ORDER.index(one.degree)):
        why = one.why.replace("|", "\\|")
        yield f"| {', '.join(told[one])} | {one.degree} | {why} |"
    for degree, words in ((FULL, "Full"), (REFUSED, "Refused, as nothing is made for them")):
        plain = told.get(Told(degree, ""))
        if plain:
            yield from ("", f"{words}: {', '.join(plain)}.")


def page(before: str) -> str:
    """The page with its generated part as the code is now."""
    head, _, rest = before.partition(START)
    return f"{head}{START}{tables(surface())}{END}{rest.partition(END)[2]}"


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

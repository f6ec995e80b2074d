"""Writes `docs/api.md`, the native interface, from signatures and docstrings.

python -m tests.reference
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from synadb import ExperimentTracker, Run, errors, media, query
from synadb.artifact_records import CollectionRecord, EntryRecord, VersionRecord
from synadb.artifacts.draft import Draft
from synadb.artifacts.library import Artifacts
from synadb.records import (
    Adopted,
    ArtifactRecord,
    CheckReport,
    ConsoleLine,
    History,
    RunRecord,
    Series,
    SweepRecord,
    TrialRecord,
)
from synadb.settings import VARIABLES
from synadb.sweeps.view import Sweep
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "api.md"
START, END = "<!-- generated: python -m tests.reference -->\n", "<!-- end -->"

# The methods of a tracker by what they are for; every public one stands in one of these.
TRACKER = {
    "Runs": "start_run end_run run finish fork_run rewind_run rename_run delete_run set_tags"
    " set_notes",
    "Logging": "log_param log_params log_metric log_metrics",
    "Media": "log_image log_table log_figure log_media media get_table",
    "Finding runs": "list_experiments create_experiment get_run get_runs list_runs query find_runs"
    " count best_run compare_runs",
    "Reading": "get_metric history rows scan sample sketch console system_metrics sql",
    "Artifacts and files of a run": "log_artifact get_artifact open_artifact download_artifact"
    " list_artifacts log_file log_files open_file download_file list_files delete_file",
    "Versioned artifacts and sweeps": "artifacts create_sweep sweep list_sweeps delete_sweep",
    "The database": "path flush close export recover check gc patience",
}
# For the layers above, and not for people.
INNER = {Run: {"append", "continue_at", "lock", "write"}, Artifacts: {"close"}}

RECORDS = [
    *(RunRecord, Series, History, ArtifactRecord, ConsoleLine, VersionRecord, EntryRecord),
    *(CollectionRecord, SweepRecord, TrialRecord, CheckReport, Adopted),
]


def reference() -> Iterator[str]:
    """The generated part of the page, in blocks."""
    yield from of_class(ExperimentTracker, "## ExperimentTracker")
    for title, names in TRACKER.items():
        yield f"### {title}"
        yield from members(ExperimentTracker, names.split())
    yield from of_class(Run, "## Run", call=False)
    yield from members(Run, public(Run))
    yield "## Filters and orders"
    yield from of_filters()
    yield "## Media"
    yield text(media).partition("\n\n")[0] + " More: [media.md](media.md)."
    yield "What is none of these values is an InvalidValueError, an unreadable file an OSError."
    for name in media.__all__:
        kind = getattr(media, name)
        yield from of_class(kind, f"### media.{name}")
        yield from members(kind, public(kind))
    for kind, heading in (
        (Artifacts, "## Artifacts: tracker.artifacts"),
        (Draft, "## Draft: tracker.artifacts.draft()"),
        (Sweep, "## Sweep: tracker.sweep(sweep_id)"),
    ):
        yield from of_class(kind, heading, call=False)
        yield from members(kind, public(kind))
    yield "## What is returned"
    for kind in RECORDS:
        yield from of_record(kind)
    yield "## Errors"
    yield text(errors)
    yield "\n".join(listed_errors())
    yield "## Settings"
    yield table("variable", "what it does", VARIABLES)


def of_filters() -> Iterator[str]:
    """What `query` and the others that take a filter understand."""
    yield (
        "`query`, `find_runs`, `count` and `list_runs` take a filter `where`, such as "
        '`{"config.lr": {"$gt": 1e-3}, "tags": "best"}`, and the first two and the last an order, '
        'such as `-summary.acc` or `["group", "-summary.acc"]`.'
    )
    rules = (query.__doc__ or "").partition("The rules, ")[2]
    yield "The rules, " + inspect.cleandoc(rules)
    operators = {name: operator.help for name, operator in query.OPERATORS.items()}
    yield table("operator", "what fits", {**operators, **query.LOGICAL})
    yield table("field of `FIELDS`", "holds", query.FIELDS)


def table(head: str, tail: str, rows: Mapping[str, str]) -> str:
    """A table of two columns."""
    lines = (f"| `{name}` | {said} |" for name, said in rows.items())
    return "\n".join([f"| {head} | {tail} |", "|---|---|", *lines])


def listed_errors() -> Iterator[str]:
    """A line for each error: its bases, and when it is raised."""
    for name, kind in vars(errors).items():
        if inspect.isclass(kind) and issubclass(kind, Exception) and kind is not Exception:
            bases = ", ".join(base.__name__ for base in kind.__bases__)
            said = " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())
            yield f"- `{name}({bases})`: {said}"


def public(kind: type) -> list[str]:
    """The public members of a class, those of its own first, in the order of the source."""
    hidden = INNER.get(kind, set())
    own = [one for one in kind.__mro__ if one.__module__.startswith("synadb.")]
    names = [name for one in own for name in vars(one) if not name.startswith("_")]
    kept = (name for name in dict.fromkeys(names) if name not in hidden)
    return [name for name in kept if function_of(inspect.getattr_static(kind, name)) is not None]


def function_of(member: Any) -> Any:
    """The function behind a method or a property; None for anything else."""
    if isinstance(member, property):
        return member.fget
    if isinstance(member, classmethod | staticmethod):
        return member.__func__
    return member if inspect.isfunction(member) else None


def of_class(kind: type, heading: str, *, call: bool = True) -> Iterator[str]:
    """A class: its heading, its signature, what it is."""
    yield heading
    if call:
        yield bold(kind.__name__ + signature(kind, skip=0))
    yield text(kind)


def of_record(kind: type) -> Iterator[str]:
    """A class of values: its fields, and what it offers besides."""
    yield f"### {kind.__name__}"
    fields = [f"{name}: {shown(of)}" for name, of in inspect.get_annotations(kind).items()]
    if issubclass(kind, tuple):
        yield bold(f"{kind.__name__}({', '.join(fields)})")
    yield text(kind)
    given = set(getattr(kind, "_fields", ()))
    yield from members(kind, [name for name in public(kind) if name not in given])


def members(kind: type, names: Iterable[str]) -> Iterator[str]:
    """Methods and properties: signature, and what the docstring says."""
    for name in names:
        member = inspect.getattr_static(kind, name)
        function = function_of(member)
        if isinstance(member, property):
            result = inspect.signature(function).return_annotation
            yield bold(f"{name}: {shown(result)}")
        else:
            skip = 0 if isinstance(member, staticmethod) else 1
            yield bold(name + signature(function, skip))
        yield text(function)


def signature(called: Any, skip: int) -> str:
    """The parameters, without the first `skip`, and what is returned."""
    found = inspect.signature(called)
    parts, star = [], False
    for parameter in list(found.parameters.values())[skip:]:
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            parts.append("*")
        star |= parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        parts.append(shown_parameter(parameter))
    result = found.return_annotation
    after = "" if result in (found.empty, "None", None) else f" -> {shown(result)}"
    return f"({', '.join(parts)}){after}"


def shown_parameter(parameter: inspect.Parameter) -> str:
    stars: dict[Any, str] = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}
    shape = stars.get(parameter.kind, "") + parameter.name
    typed = parameter.annotation is not parameter.empty
    if typed:
        shape += f": {shown(parameter.annotation)}"
    if parameter.default is parameter.empty:
        return shape
    default = "..." if parameter.default is ... else repr(parameter.default)
    return f"{shape} = {default}" if typed else f"{shape}={default}"


def shown(annotation: Any) -> str:
    """An annotation as it is written in the source."""
    written = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(?:typing|collections\.abc)\.", "", str(written))


def bold(shape: str) -> str:
    return f"**`{shape}`**"


def code(shape: str) -> str:
    return f"```text\n{shape}\n```"


def text(documented: Any) -> str:
    """A docstring as Markdown: paragraphs, lists, and what is indented as a block."""
    said = inspect.getdoc(documented)
    assert said, f"{documented} has no docstring"
    return "\n\n".join(
        paragraph(part) for part in re.split(r"\n\s*\n", said) if part.strip() != "::"
    )


def paragraph(part: str) -> str:
    lines = part.splitlines()
    if all(line.startswith("    ") for line in lines):
        return code(textwrap.dedent(part))
    if lines[0] == "Args:":
        return "\n".join(item(line) for line in textwrap.dedent("\n".join(lines[1:])).splitlines())
    return part


def item(line: str) -> str:
    """A line of `Args:` as one of a list."""
    name, colon, said = line.partition(": ")
    return line if line.startswith(" ") or not colon else f"- `{name}`: {said}"


def page(before: str) -> str:
    """The page with its generated part as the code is now."""
    head, _, rest = before.partition(START)
    return f"{head}{START}\n" + "\n\n".join(reference()) + f"\n\n{END}{rest.partition(END)[2]}"


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the commands that read a database share: finding it, finding a run, showing values."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synadb.errors import RunNotFoundError, StorageError, SynaDBError

if TYPE_CHECKING:
    from synadb.records import RunRecord
    from synadb.tracker import ExperimentTracker

__all__ = [
    "align",
    "as_text",
    "counted",
    "existing_database",
    "file_size",
    "find_run",
    "find_runs",
    "flatten",
    "in_words",
    "is_number",
    "journal_size",
    "local_time",
    "media_kind",
    "one_line",
    "open_database",
    "to_json",
]

_LISTED = 10  # ids that an error message names
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def existing_database(args: argparse.Namespace) -> str:
    """The path of the database that the command line names, or of the default one.

    Raises:
        StorageError: there is none at that path; opening it would create one.
    """
    from synadb.settings import database_path

    file: str | None = getattr(args, "file", None)
    if file and args.db and file != args.db:
        args.parser.error(f"two databases are named: {file} and --db {args.db}")
    chosen = file or args.db
    path = os.path.abspath(os.path.expanduser(chosen)) if chosen else database_path()
    if not os.path.exists(path):
        raise StorageError(f"there is no database at {path}; name one, or set SYNADB_PATH")
    if os.path.isfile(path) and not os.path.getsize(path):
        raise StorageError(f"{path} is empty, 0 bytes: no database has been written to it")
    return path


@contextlib.contextmanager
def open_database(args: argparse.Namespace) -> Iterator[ExperimentTracker]:
    """Open the database that the command line names; StorageError where there is none."""
    path = existing_database(args)
    from synadb.tracker import ExperimentTracker

    with ExperimentTracker(path) as tracker:
        yield tracker


def find_run(tracker: ExperimentTracker, wanted: str) -> RunRecord:
    """The run with this id, else the only one with this name, else with an id that starts so.

    Raises:
        RunNotFoundError: there is no such run.
        SynaDBError: several runs fit.
    """
    try:
        return tracker.get_run(wanted)
    except RunNotFoundError:
        every = tracker.list_runs()
    for found, fit in (
        ([run for run in every if run.name == wanted], "are called"),
        ([run for run in every if wanted and run.run_id.startswith(wanted)], "have ids that start"),
    ):
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(run.run_id for run in found[:_LISTED])
            more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
            raise SynaDBError(
                f"{len(found)} runs {fit} {wanted!r}; choose one by its id: {ids}{more}"
            )
    raise RunNotFoundError(
        f"no run in {tracker.path} has the id or name {wanted!r}; `synadb runs` lists them"
    )


def find_runs(tracker: ExperimentTracker, wanted: Iterable[str]) -> list[str]:
    """The ids of several runs as `find_run` finds them, each once."""
    return list(dict.fromkeys(find_run(tracker, word).run_id for word in wanted))


def file_size(path: str) -> int:
    """The bytes of a file; 0 for one that is not there, or not any more."""
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def journal_size(folder: str, journal_id: str) -> int:
    """The bytes of a journal in a folder of live files."""
    from synadb.journal import segment_paths

    try:
        return sum(map(file_size, segment_paths(folder, journal_id)))
    except FileNotFoundError:  # the folder has gone with the last journal
        return 0


def flatten(
    values: Mapping[str, Any], prefix: str = "", *, fold_media: bool = False
) -> dict[str, Any]:
    """Nested dicts as one, keys joined by dots; an empty dict stays a value.

    With `fold_media` pictures, tables, ... are what `media_kind` says.
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        kind = media_kind(value) if fold_media else None
        if kind is None and isinstance(value, Mapping) and value:
            flat.update(flatten(value, f"{prefix}{key}.", fold_media=fold_media))
        else:
            flat[f"{prefix}{key}"] = value if kind is None else kind
    return flat


def media_kind(value: Any) -> str | None:
    """What media there are, as `<image-file>`, of lists `<4 images>`; None for what is no media."""
    if isinstance(value, Mapping):
        kind, count = value.get("_type"), value.get("count")
        if not isinstance(kind, str):
            return None
        return f"<{counted(count, _noun(kind))}>" if type(count) is int else f"<{kind}>"
    if not isinstance(value, list) or not value:
        return None
    kinds = [item.get("_type") if isinstance(item, Mapping) else None for item in value]
    nouns = Counter(_noun(kind) for kind in kinds if isinstance(kind, str))
    if nouns.total() < len(value):
        return None
    return f"<{', '.join(counted(number, noun) for noun, number in nouns.items())}>"


def _noun(kind: str) -> str:
    """What one is called of a type that rows name: an image of image-file and images/separated."""
    return kind.partition("/")[0].removesuffix("-file").removesuffix("s")


def to_json(value: Any, indent: int | None = 2) -> str:
    """Strict JSON; NaN and the infinities, which it lacks, become strings."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def is_number(value: Any) -> bool:
    """Whether it can be drawn and counted with: no bool, and no integer beyond a float."""
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < 1 << 1023
    return isinstance(value, float)


def as_text(value: Any) -> str:
    """A value in a cell of a table: a str as it is, anything else as JSON."""
    return value if isinstance(value, str) else to_json(value, indent=None).strip('"')


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def local_time(seconds: float) -> str:
    """A moment as the clock on the wall shows it."""
    from datetime import datetime, timezone

    return datetime.fromtimestamp(seconds, timezone.utc).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def in_words(seconds: float) -> str:
    """A length of time in its two largest units, as `2 hours 5 minutes`."""
    rest = round(seconds)
    if rest < 60:
        return f"{max(0.0, seconds):.1f} seconds"
    parts = []
    for length, unit in _UNITS:
        amount, rest = divmod(rest, length)
        if amount:
            parts.append(counted(amount, unit))
    return " ".join(parts[:2])


def one_line(text: str) -> str:
    """The text with blanks for what would break the line or colour the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def counted(number: int, noun: str) -> str:
    """A number with what it counts: 1 run, 2 runs."""
    return f"{number} {noun}{'s' * (number != 1)}"


def align(table: Iterable[Sequence[str]], right: Iterable[int] = ()) -> list[str]:
    """Lines of columns two blanks apart, left-aligned except for those in `right`."""
    rows = [[one_line(cell) for cell in row] for row in table]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = set(right)
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines

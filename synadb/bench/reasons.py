"""Differences with a known reason: SynaDB keeps what wandb loses or turns into something else.

A rule looks at what has been recorded and at nothing else, so that it excuses a difference for what
it is and never for where it stands.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from synadb.bench.contents import Content, pixels
from synadb.bench.difference import MISSING, Difference

if TYPE_CHECKING:
    from synadb.bench.recorded import Recorded, RecordedRun

__all__ = [
    "AGAIN",
    "AT_ONCE",
    "CAST",
    "LOST",
    "REASONS",
    "VARIES",
    "follows_rows",
    "is_logged_again",
    "lacks_what_is_logged_again",
    "reason_for",
    "turns",
]

# wandb's run and SynaDB's; none for what belongs to no single run.
Rule: TypeAlias = "Callable[[Difference, RecordedRun | None, RecordedRun | None], bool]"

AT_ONCE = "rows with other keys, each kind in its order, take turns by chance: logged at once"
LOST = "wandb has lost the last rows of some of the processes that logged to the run at once"
CAST = (
    "a picture of floats is scaled to colors, as wandb did before 0.31, which casts them: almost"
    " all black"
)
AGAIN = (
    "a table, a chart, or one picture or other file of an earlier run is logged again: wandb raises"
    " an AssertionError, and has not got the row"
)
VARIES = "it is another in each run under wandb, too"
_IN_SUMMARY = re.compile(r"runs\[\d+\]\.summary\b(.*)")
# A clock, or a number with a unit of time or a rate; a bar that has no rate yet has a "?".
_TIMES = re.compile(
    r"\d+(?::\d+)+|(?:\d+\.?\d*(?:e[-+]?\d+)?|\?)(?=\s*(?:[nm\u00b5]?s\b|\w*/s\b))",
    re.IGNORECASE,
)
_MADE_UP = re.compile(r"\b[a-z]+-[a-z]+-\d+\b|\bfile://\S+")
_IN_FILES = re.compile(r"runs\[\d+\]\.files\['(.*)'\]")
_STATISTICS = frozenset(("min", "max", "mean"))
_OF_A_PICTURE = ("caption", "captions", "masks", "boxes", "classes", "all_masks", "all_boxes")


def reason_for(difference: Difference, left: RecordedRun | None, right: RecordedRun | None) -> str:
    """Why wandb's side differs from SynaDB's, where that is no fault; empty where it may be one."""
    return next((text for text, rule in REASONS.items() if rule(difference, left, right)), "")


def turns(a: Sequence[dict[str, Any]], b: Sequence[dict[str, Any]]) -> str:
    """Why wandb's rows and ours may differ where several processes log to one run; else empty.

    A process logs keys of its own. Its rows come in their order, and those of others between them
    as it happens.
    """
    both = [*zip(a, b, strict=False)]
    # Steps are given as rows arrive: they are the same, and what was lost would have come last.
    if any(x.get("_step") != y.get("_step") for x, y in both):
        return ""
    left, right = _by_keys(a), _by_keys(b)
    if left == right:
        return AT_ONCE
    last = len(a) < len(b)
    lost = all(rows == right.get(keys, [])[: len(rows)] for keys, rows in left.items())
    # Of one process, the rows would be the beginning of ours as a whole.
    begins = all(_without_step(x) == _without_step(y) for x, y in both)
    return LOST if last and lost and not begins else ""


def lacks_what_is_logged_again(
    a: Sequence[dict[str, Any]],
    b: Sequence[dict[str, Any]],
    earlier: Sequence[tuple[RecordedRun, RecordedRun]],
) -> bool:
    """Whether wandb's rows are ours but for some with media that an `earlier` run has on either
    side.
    """
    if not earlier or len(a) >= len(b):
        return False
    known = [value for left, right in earlier for value in _logged_by_both(left, right)]
    place = 0
    for number, row in enumerate(b):
        if place < len(a) and _without_step(a[place]) == _without_step(row):
            # Each row that wandb has not got may have left it a step behind.
            if not 0 <= _step(row) - _step(a[place]) <= number - place:
                return False
            place += 1
        elif not any(value in known for value in _media(row)):
            return False
    return place == len(a)


def _logged_by_both(left: RecordedRun, right: RecordedRun) -> list[Any]:
    theirs = [value for row in left.history for value in _media(row)]
    return [value for row in right.history for value in _media(row) if value in theirs]


def is_logged_again(difference: Difference, left: Recorded, right: Recorded) -> bool:
    """Whether wandb lacks a whole version of an artifact, that of a table that another has too."""
    if _is_there(difference.left):
        return False
    whole = any(difference.right is version for version in right.artifacts.values())
    table = _table(difference.right) if whole else None
    return table is not None and table in map(_table, left.artifacts.values())


def _table(version: Mapping[str, Any]) -> list[Any] | None:
    """What the files of a logged table's artifact hold; None for other artifacts."""
    if version["type"] != "run_table":
        return None
    return [_comparable(content) for content in version["files"].values()]


def _media(value: Any) -> Iterator[Any]:
    """What media in a row hold, at any depth, in a form that compares by value."""
    if isinstance(value, list):
        for inner in value:
            yield from _media(inner)
    elif isinstance(value, dict):
        if "_type" in value and value.get("content") is not None:
            yield value["_type"], _comparable(value["content"])
        else:
            yield from _media([*value.values()])


def _step(row: dict[str, Any]) -> int:
    return int(row.get("_step", 0))


def _by_keys(rows: Sequence[dict[str, Any]]) -> dict[frozenset[str], list[Any]]:
    """The rows of each set of keys in their order, without their steps."""
    found: dict[frozenset[str], list[Any]] = {}
    for row in rows:
        found.setdefault(frozenset(row), []).append(_without_step(row))
    return found


def _without_step(row: dict[str, Any]) -> Any:
    return _comparable({key: value for key, value in row.items() if key != "_step"})


def _comparable(value: Any) -> Any:
    """A value that equals another just where the two are the same."""
    if isinstance(value, Content):
        return value.kind, value.digest, _comparable(value.tree)
    if isinstance(value, dict):
        return {key: _comparable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_comparable(inner) for inner in value]
    # True equals 1, and NaN does not equal NaN.
    return (repr(value),) if isinstance(value, bool) or value != value else value  # noqa: PLR0124


def follows_rows(difference: Difference, left: RecordedRun, right: RecordedRun) -> bool:
    """Whether a value of the summary is, on each side, just that of the last row with its key."""
    key = difference.path.rpartition(".summary.")[2]
    return bool(difference.left == _last(left, key) and difference.right == _last(right, key))


def _last(run: RecordedRun, key: str) -> Any:
    """The last value that was logged as `key`."""
    return next((row[key] for row in reversed(run.history) if key in row), MISSING)


def _float_picture(
    difference: Difference, left: RecordedRun | None, right: RecordedRun | None
) -> bool:
    """Whether wandb's picture is what a cast leaves of the floats that ours is made of."""
    a, b = difference.left, difference.right
    if not (isinstance(a, Content) and isinstance(b, Content) and a.kind == b.kind == "pixels"):
        return False
    cast, scaled = pixels(a.load() or b""), pixels(b.load() or b"")
    if cast is None or scaled is None or cast.shape != scaled.shape or cast.shape[-1] != 4:
        return False
    cast, scaled = cast[..., :3], scaled[..., :3]
    # 1.0 is all that does not become 0, and -1.0 becomes 255.
    return bool(
        (scaled > 1).any()
        and ((cast == 0) | (cast == 1) | (cast == 255)).all()
        and (scaled[cast == 1] == 255).all()
        and (scaled[cast == 255] == 0).all()
    )


def _left_over(difference: Difference, left: RecordedRun | None, right: RecordedRun | None) -> bool:
    """Whether wandb's summary still has what belonged to an earlier picture of the same key."""
    found = _IN_SUMMARY.fullmatch(difference.path)
    if found is None or left is None or right is None or _is_there(difference.right):
        return False
    key, _, field = found[1].lstrip(".").rpartition(".")
    field = field.partition("[")[0]
    values = (right.summary.get(key), *(_last(run, key) for run in (left, right)))
    return field in _OF_A_PICTURE and all(
        isinstance(value, dict) and field not in value for value in values
    )


def _of_no_number(
    difference: Difference, left: RecordedRun | None, right: RecordedRun | None
) -> bool:
    """Whether wandb's summary has statistics of what is no number, and ours has none of them."""
    found = _IN_SUMMARY.fullmatch(difference.path)
    if found is None or left is None or right is None:
        return False
    path = found[1].lstrip(".")
    key, _, field = path.partition(".")
    ours, theirs = right.summary.get(key), left.summary.get(key)
    if field and isinstance(theirs, dict) and isinstance(ours, dict) and "_type" in ours:
        # Of a picture, a table, ... wandb takes the statistics of each field of its JSON.
        return ours == _last(right, key) and all(map(_are_statistics, theirs.values()))
    if _is_there(difference.right) or not _are_statistics(difference.left):
        return False
    empty = all(math.isnan(value) or value == 0 for value in difference.left.values())
    logged = (_below(row, path) for row in right.history)
    return empty and not any(type(value) in (int, float) for value in logged)


def _are_statistics(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and value.keys() <= _STATISTICS


def _below(tree: Any, path: str) -> Any:
    """What stands at a dotted path; None where nothing does."""
    for key in path.split("."):
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def _array_of_one(
    difference: Difference, left: RecordedRun | None, right: RecordedRun | None
) -> bool:
    """Whether wandb's config has the text of an array, or tensor, and ours the number in it."""
    text, number = difference.left, difference.right
    if difference.part != "config" or not isinstance(text, str):
        return False
    inside = re.fullmatch(r"(?:tensor\()?\[+\s*(.*?)\s*\]+(?:,.*)?\)?", text)
    if inside is None or isinstance(number, bool) or not isinstance(number, (int, float)):
        return False
    try:
        return float(inside[1]) == number
    except ValueError:
        return False


def _text_of_tensorboard(
    difference: Difference, left: RecordedRun | None, right: RecordedRun | None
) -> bool:
    return difference.path.endswith("/text_summary") and not _is_there(difference.left)


def _printed_time(
    difference: Difference, left: RecordedRun | None, right: RecordedRun | None
) -> bool:
    return _printed_alike(difference, _TIMES, "", _TIMES)


def _printed_name(
    difference: Difference, left: RecordedRun | None, right: RecordedRun | None
) -> bool:
    return _printed_alike(difference, re.compile(r"\bNone\b"), "None", _MADE_UP)


def _printed_alike(
    difference: Difference, theirs: re.Pattern[str], same: str, ours: re.Pattern[str]
) -> bool:
    """Whether two printed lines are equal once `same` stands in place of what the patterns find."""
    a, b = difference.left, difference.right
    if difference.part != "console" or not (isinstance(a, str) and isinstance(b, str)):
        return False
    return theirs.sub(same, a) == ours.sub(same, b)


def _saved_again(
    difference: Difference, left: RecordedRun | None, right: RecordedRun | None
) -> bool:
    """Whether wandb has a file of the run's folder that was saved once more, below `files/`.

    A printed line may have the path that `save` returned.
    """
    if left is None or right is None:
        return False
    again = {
        name
        for name, content in left.files.items()
        if name.startswith("files/")
        and _comparable(content) == _comparable(right.files.get(name.removeprefix("files/")))
    }
    found = _IN_FILES.fullmatch(difference.path)
    if found is not None:
        return found[1] in again and not _is_there(difference.right)
    a, b = difference.left, difference.right
    if difference.part != "console" or not (isinstance(a, str) and isinstance(b, str)):
        return False
    for name in again:
        a = a.replace(f"/files/{name}", f"/{name}")
    return a == b


def _is_there(value: Any) -> bool:
    return value is not MISSING


REASONS: dict[str, Rule] = {
    CAST: _float_picture,
    "wandb leaves in the summary what an earlier picture of this key had": _left_over,
    "wandb's summary has the least, greatest or mean value of what is no number: 0 and NaN, also of"
    " each field of a picture or a table": _of_no_number,
    "wandb makes a text of an array of one element": _array_of_one,
    "wandb drops texts of TensorBoard": _text_of_tensorboard,
    "a printed time or rate: what is logged is compared exactly": _printed_time,
    "wandb.save of a file that is in the run's folder: wandb has it there twice": _saved_again,
    "offline, wandb has neither name nor address for a run": _printed_name,
}

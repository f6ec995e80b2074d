"""A run of wandb as a list of events, from which everything is worked out anew each time.

Written to be obviously right, not fast: nothing is kept ready between two questions.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

__all__ = [
    "Media",
    "RunModel",
    "conflicts",
    "merged",
    "nodes",
    "told",
]

Path = tuple[str, ...]
WORDS = ("min", "max", "mean", "best", "last", "first")


class Media(dict[str, Any]):
    """A dict that is one value, such as a histogram."""


class Ops(dict[str, Any]):
    """What define_metric has the summary show of one metric."""


class Log(NamedTuple):
    """A row that was committed."""

    step: int
    row: dict[str, Any]


class Late(NamedTuple):
    """Values for a step gone by."""

    step: int
    values: dict[str, Any]


class Define(NamedTuple):
    """A call of define_metric."""

    arguments: dict[str, Any]


class Write(NamedTuple):
    """A value of the summary set by hand; without value it was removed by setting None or NaN."""

    path: Path
    values: tuple[Any, ...]


class Delete(NamedTuple):
    """`del` on the summary."""

    path: Path


class Resume(NamedTuple):
    """Another init goes on with the run."""


Event = Log | Late | Define | Write | Delete | Resume


class RunModel:
    """What a run shows and what is stored of it."""

    def __init__(self, config: Mapping[str, Any], *, keeps_late: bool) -> None:
        self.config = copy.deepcopy(dict(config))
        self.keeps_late = keeps_late
        self.events: list[Event] = []
        self.step = 0
        self.open: dict[str, Any] | None = None
        self.one_call_a_row = True

    def log(self, values: Mapping[str, Any], step: int | None, commit: bool | None) -> None:
        values = copy.deepcopy(dict(values))
        if step is not None and step < self.step:
            if self.keeps_late:
                self.events.append(Late(step, dict(values)))
            return
        if step is not None and step > self.step:
            self.commit()
            self.step = step
        if self.open is not None:
            self.one_call_a_row = False
        self.open = merged(self.open or {}, values)
        if commit or (commit is None and step is None):
            self.commit()
            self.step += 1

    def commit(self) -> None:
        if self.open is not None:
            self.events.append(Log(self.step, self.open))
            self.open = None

    def define(self, arguments: Mapping[str, Any]) -> None:
        self.events.append(Define(dict(arguments)))

    def write(self, path: Path, *value: Any) -> None:
        self.events.append(Write(path, copy.deepcopy(value)))

    def delete(self, path: Path) -> None:
        self.events.append(Delete(path))

    def update_config(self, values: Mapping[str, Any]) -> None:
        self.config.update(copy.deepcopy(dict(values)))

    def resume(self) -> None:
        """The run was finished and another init goes on with it."""
        self.commit()
        self.events.append(Resume())
        self.step = max([-1, *self.rows()]) + 1

    def rows(self) -> dict[int, dict[str, Any]]:
        """Every row by its step, in order, as far as it has been logged."""
        rows = Replay(self.events).rows
        if self.open is not None:
            rows[self.step] = self.open
        return dict(sorted(rows.items()))

    def summary(self) -> dict[str, Any]:
        """As the script sees it, without times."""
        replay = Replay(self.events)
        steps = [event.step for event in self.events if isinstance(event, Log)]
        return {**replay.summary, **({"_step": steps[-1]} if steps else {})}

    def has(self, kind: type) -> bool:
        """Whether there was such an event."""
        return any(isinstance(event, kind) for event in self.events)

    @property
    def has_late(self) -> bool:
        return self.has(Late)

    @property
    def has_definitions(self) -> bool:
        return self.has(Define)


class Rule:
    """What define_metric was told of one name."""

    def __init__(self) -> None:
        self.step: Path | None = None
        self.sync = False
        self.words: set[str] = set()
        self.none = False
        self.goal = ""
        self.cancelled = False

    @property
    def mode(self) -> str:
        if self.none:
            return "none"
        return "ops" if self.words and not self.cancelled else "last"


class Replay:
    """All events once more, from the first."""

    def __init__(self, events: list[Event]) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        self.summary: dict[str, Any] = {}
        self.rules: dict[Path, Rule] = {}
        self.globs: dict[str, Rule] = {}
        self.values: dict[Path, list[Any]] = {}  # of every leaf
        self.steps: dict[Path, float] = {}  # the last number of every step metric
        for event in events:
            if isinstance(event, Log):
                self.log(event)
            elif isinstance(event, Late):
                before = self.rows.get(event.step, {})
                self.rows[event.step] = merged(before, event.values)
            elif isinstance(event, Define):
                self.define(event.arguments)
            elif isinstance(event, Write):
                self.write(event)
            elif isinstance(event, Delete):
                self.delete(event.path)
            else:
                self.resume()

    # A row: step metrics go in, leaves are counted, plain last values, then ops.

    def log(self, event: Log) -> None:
        row = copy.deepcopy(event.row)
        leaves = [path for path, _ in flat(row)]
        for path in leaves:  # grows
            rule = self.step_rule(path)
            if rule is None or rule.step is None or not rule.sync:
                continue
            if not any(related(rule.step, path) for path, _ in flat(row)):
                put(row, rule.step, self.steps[rule.step])
                leaves.append(rule.step)
        self.rows[event.step] = row
        found = list(flat(row))
        for path, value in found:
            if not isinstance(value, Media):
                self.values.setdefault(path, []).append(value)
            if path in self.steps and is_number(value):
                self.steps[path] = value
        for path, value in found:
            mode = self.mode(path)
            plain = mode == "last" or (mode == "ops" and isinstance(value, Media))
            if plain and value is not None:
                put(self.summary, path, copy.deepcopy(value))
        for path, value in found:
            if self.mode(path) == "ops" and not isinstance(value, Media):
                self.show_ops(path)

    def mode(self, path: Path) -> str:
        rule = self.rule(path)
        return "last" if rule is None else rule.mode

    def rule(self, path: Path) -> Rule | None:
        """The rule of a leaf that is being logged; a glob binds to it now."""
        if path in self.rules or flat_twin(path) in self.rules:
            return self.rules.get(path)
        glob = self.matching(path)
        if glob is not None:
            self.rules[path] = bound = copy.deepcopy(glob)
            if any("." in key for key in path):
                bound.words, bound.none = set(), False
        return self.rules.get(path)

    def step_rule(self, path: Path) -> Rule | None:
        own = self.rule(path)
        twin = flat_twin(path)
        return self.rules.get(twin) if own is None and twin is not None else own

    def matching(self, path: Path) -> Rule | None:
        label = ".".join(path)
        if label.startswith("_"):
            return None
        prefixes = [prefix for prefix in self.globs if label.startswith(prefix)]
        return self.globs[max(prefixes, key=len)] if prefixes else None

    def show_ops(self, path: Path) -> None:
        ops = self.ops(path)
        if ops:
            put(self.summary, path, ops)
        else:
            self.hide(path)

    def ops(self, path: Path) -> Ops:
        rule, values = self.rules[path], self.values[path]
        known = {"first": values[0], "last": values[-1]}
        numbers = [value for value in values if is_number(value)]
        if numbers:
            total: float = 0
            for number in numbers:
                total += number
            low, high = min(numbers), max(numbers)
            if any(math.isnan(number) for number in numbers):
                low = high = math.nan
            best = high if rule.goal == "maximize" else low
            known |= {"min": low, "max": high, "mean": total / len(numbers), "best": best}
        return Ops({word: known[word] for word in rule.words if word in known})

    def hide(self, path: Path) -> None:
        """Remove a leaf from the summary, not a dict of other leaves."""
        value = lookup(self.summary, path)
        if not isinstance(value, dict) or isinstance(value, Ops) or set(value) <= set(WORDS):
            remove(self.summary, path)

    def define(self, given: Mapping[str, Any]) -> None:
        name = given["name"]
        path = parsed(name)
        if name.endswith("*"):
            rule = self.globs.setdefault(name[:-1], Rule())
        else:
            rule = self.rules.setdefault(path, Rule())
        before = rule.mode
        rule.cancelled = False
        if given.get("overwrite"):
            rule.__init__()  # type: ignore[misc]
        if given.get("step_metric"):
            rule.step = parsed(given["step_metric"])
            self.steps.setdefault(rule.step, 0)
        if given.get("step_sync") or (given.get("step_metric") and given.get("step_sync") is None):
            rule.sync = True
        rule.goal = given.get("goal") or rule.goal
        if given.get("summary"):
            words = given["summary"].lower().split(",")
            rule.words |= set(words) & set(WORDS)
            rule.none = "none" in words
        if name.endswith("*") or not self.values.get(path):
            return
        if rule.mode == "ops":
            self.show_ops(path)
        elif rule.mode == "none":
            self.hide(path)
        elif before != "last":
            last = [value for value in self.values[path] if value is not None]
            if last:
                put(self.summary, path, copy.deepcopy(last[-1]))
            else:
                self.hide(path)

    def resume(self) -> None:
        # Step metrics are remembered from their definition on, by a run that goes on from its rows.
        for path in self.steps:
            numbers = [value for value in self.values.get(path, ()) if is_number(value)]
            if numbers:
                self.steps[path] = numbers[-1]

    # By hand.

    def write(self, event: Write) -> None:
        for path, rule in self.rules.items():
            if related(path, event.path) and rule.words:
                rule.cancelled = True
        self.open_ops(event.path)
        if event.values:
            put(self.summary, event.path, copy.deepcopy(event.values[0]))
        else:
            remove(self.summary, event.path)

    def delete(self, deleted: Path) -> None:
        for path, rule in self.rules.items():
            if related(path, deleted) and len(path) > len(deleted) and rule.words:
                rule.cancelled = True
        self.open_ops(deleted)
        remove(self.summary, deleted)

    def open_ops(self, path: Path) -> None:
        """What the script reaches into is a dict like any other from now on."""
        for n in range(1, len(path)):
            value = lookup(self.summary, path[:n])
            if isinstance(value, Ops):
                put(self.summary, path[:n], dict(value))


# -- config ----------------------------------------------------------------------------------------


def conflicts(config: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether an update without allow_val_change is refused."""
    return any(key in config and config[key] != value for key, value in values.items())


# -- nested dicts ----------------------------------------------------------------------------------


def is_number(value: Any) -> bool:
    return type(value) in (int, float)


def parsed(name: str) -> Path:
    r"""`d.x` as (d, x), `d\.x` as (d.x,)."""
    return tuple(part.replace("\0", ".") for part in name.replace("\\.", "\0").split("."))


def flat_twin(path: Path) -> Path | None:
    """(d, x) for (d.x,): wandb does not tell them apart for globs and step metrics."""
    return parsed(".".join(path)) if any("." in key for key in path) else None


def related(one: Path, other: Path) -> bool:
    """Whether one leads to the other."""
    n = min(len(one), len(other))
    return one[:n] == other[:n]


def flat(tree: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    for key, value in tree.items():
        if type(value) is dict:
            yield from flat(value, (*above, key))
        else:
            yield (*above, key), value


def merged(row: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Two logged dicts as one: the last value of every leaf."""
    both = dict(row)
    for key, value in values.items():
        below = both.get(key)
        if type(value) is dict and type(below) is dict:
            value = merged(below, value)
        both[key] = value
    return both


def put(tree: dict[str, Any], path: Path, value: Any) -> None:
    for key in path[:-1]:
        if type(tree.get(key)) is not dict:
            tree[key] = {}
        tree = tree[key]
    tree[path[-1]] = value


def lookup(tree: Any, path: Path) -> Any:
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def remove(tree: dict[str, Any], path: Path) -> None:
    below = lookup(tree, path[:-1])
    if isinstance(below, dict):
        below.pop(path[-1], None)


def nodes(tree: Mapping[str, Any], above: Path = ()) -> Iterator[Path]:
    """The paths of all dicts that a script can write into, the tree itself first.

    One that is left empty may be gone.
    """
    yield above
    for key, value in sorted(tree.items()):
        if isinstance(value, dict) and not isinstance(value, Media) and bare(value):
            yield from nodes(value, (*above, key))


def told(value: Any) -> str:
    """For comparing: 1, 1.0 and True differ, NaN equals NaN, and a dict left empty is nothing."""
    return json.dumps(bare(value), sort_keys=True)


def bare(value: Any) -> Any:
    if isinstance(value, Mapping):
        items = {key: bare(value[key]) for key in value}
        return {key: item for key, item in items.items() if item != {}}
    return [bare(item) for item in value] if isinstance(value, list) else value

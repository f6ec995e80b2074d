r"""What `define_metric` does to the rows and the summary of one run. Nothing here reads or writes.

A *leaf* is a value of a row that is no dict; its path is a tuple of keys. Names are told apart as
wandb does: `d.x` is the leaf x of the dict d, `a\.b` the flat key `a.b`, and a `*` may end a name.

- A definition binds to the leaf it names. A leaf that none names is bound to a copy of the glob it
  matches when it is next committed; what is told the glob afterwards no longer reaches that leaf.
- The statistics of a leaf are kept once a definition asks for them. For a leaf with values from
  before, the rows written so far are read again, at most once; from then on every leaf has them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from synadb.wandb_compat._metric import Metric
from synadb.wandb_compat._values import history_value, merge_leaves
from synadb.wandb_compat.errors import Error

__all__ = ["MetricRules", "joined"]

Path = tuple[str, ...]
Shape = tuple[tuple[str, ...], tuple[type, ...]]

_WORDS = ("min", "max", "mean", "best", "last", "first")  # those that show as {word: value}
_ALL_WORDS = frozenset((*_WORDS, "copy", "none"))
_GOALS = frozenset(("minimize", "maximize"))
_AUTO = frozenset(("_step", "_runtime", "_timestamp"))  # every row has them
_NUMBERS = frozenset((float, int))
_FLAT = frozenset((float, int, str, bool))
_PLAIN = frozenset((float, int, str, bool, type(None), list))

_LAST, _OPS, _HIDDEN = range(3)  # how a leaf shows in the summary

_UNSET: Any = object()


def joined(row: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """`row` with `values` merged in, leaf by leaf; neither is changed."""
    result = dict(row)
    for key, value in values.items():
        below = result.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            value = joined(below, value)
        result[key] = value
    return result


class MetricRules:
    """The definitions of one run, what they need to remember, and their effect.

    Not safe for threads: the caller holds its lock around every call.

    Attributes:
        active: Whether anything was defined. Until then no other method needs to be called.
        changed: Whether `definitions()` would differ from what it returned last.
    """

    def __init__(self, past: Callable[[], Iterable[Mapping[str, Any]]] | None = None) -> None:
        """`past` yields the rows committed so far, in order, nested as they were logged.

        It is called at most once with rows to give; without it, only what `commit` sees counts.
        """
        self.active = False
        self.changed = False
        self._past = past
        self._blind = past is not None  # there may be rows that no call has shown
        self._complete = past is None  # every leaf has statistics
        self._resumed = False
        self._rules: dict[Path, _Rule] = {}
        self._globs: dict[str, _Rule] = {}  # by prefix, in the order they came
        self._leaves: dict[Path, _Leaf] = {}
        self._seen: set[Path] = set()
        self._steps: dict[Path, float] = {}  # the last number of each step metric
        # Leaves that a definition shows anew; True: only if they show at all.
        self._stale: dict[Path, bool] = {}
        self._targets: dict[Path, _Target] = {}
        self._plans: dict[Shape, _Plan] = {}  # of rows as they are committed
        self._fused: dict[
            tuple[str | type, ...], tuple[tuple[tuple[str, Path], ...], _Plan]
        ] = {}  # of `apply`

    # -- definitions -----------------------------------------------------------------------------

    def define(
        self,
        name: str,
        step_metric: str | Metric | None = None,
        step_sync: bool | None = None,
        hidden: bool | None = None,
        summary: str | None = None,
        overwrite: bool | None = None,
        goal: str | None = None,
    ) -> Metric:
        """Take a call of `define_metric`. Follow it with `refresh`.

        Raises wandb's Error for an argument it cannot take.
        """
        if isinstance(step_metric, Metric):
            step_metric = step_metric.name
        _check(name, step_metric, step_sync, hidden, summary, overwrite, goal)
        words = _words(summary) if summary else None
        goal = goal.lower() if goal else None
        metric = Metric(name, step_metric, step_sync, hidden, words, overwrite, goal)
        self._take(metric, bool(overwrite))
        return metric

    def definitions(self) -> list[dict[str, Any]]:
        """Every definition as plain JSON data, for `from_definitions`."""
        self.changed = False
        return [rule.told() for rule in (*self._globs.values(), *self._rules.values())]

    @classmethod
    def from_definitions(
        cls,
        definitions: Iterable[Mapping[str, Any]],
        past: Callable[[], Iterable[Mapping[str, Any]]] | None = None,
        *,
        mend: bool = True,
    ) -> MetricRules:
        """The rules of a run that goes on: `past` yields its rows.

        With `mend` the summary is brought into line with them; without, it is as they left it, and
        what was set by hand stays.

        `past` is called by the first of `refresh`, `step_values`, `commit` and `apply`. Takes the
        `metrics` of a `WandbLog` too.
        """
        rules = cls(past)
        rules._resumed = True
        for told in definitions:
            name = told.get("glob_name") or told["name"]
            metric = Metric(
                name,
                told.get("step_metric"),
                bool(told.get("step_sync")),
                bool(told.get("hidden")),
                told.get("summary"),
                goal=told.get("goal"),
            )
            rule = rules._take(metric, bool(told.get("overwrite")))
            rule.bound = bool(told.get("bound"))
            rule.cancelled = bool(told.get("cancelled"))
        # The stored summary may be behind, but what it lacks was deleted or replaced.
        rules._stale = {path: True for path in rules._stale if not rules._rules[path].cancelled}
        if not mend:
            rules._stale.clear()
        rules.changed = False
        return rules

    def _take(self, metric: Metric, overwrite: bool) -> _Rule:
        name = metric.name
        self.active = self.changed = True
        self._forget_plans()
        if name.endswith("*"):
            rule = self._globs.setdefault(name[:-1], _Rule(name))
            rule.take(metric, overwrite)
        else:
            path = _parsed(name)
            rule = self._rules.setdefault(path, _Rule(name))
            before = rule.mode()
            rule.take(metric, overwrite)
            rule.cancelled = rule.bound = False
            if before != _LAST or rule.mode() != _LAST:
                self._stale[path] = False
        if rule.step:
            self._steps.setdefault(rule.step, 0)
        return rule

    def manual(self, path: Path, *, deleted: bool = False) -> None:
        """The script wrote the summary at `path`: the ops of that leaf end, until defined again.

        Those of every leaf below it end too. With `deleted` only these: a leaf that was deleted
        comes back with its next value.
        """
        for own, rule in self._rules.items():
            n = min(len(own), len(path))
            if rule.words and own[:n] == path[:n] and not (deleted and len(own) <= len(path)):
                rule.cancelled = self.changed = True
                self._stale.pop(own, None)
                if own in self._leaves:
                    self._leaves[own].hide()
        self._forget_plans()

    # -- rows ------------------------------------------------------------------------------------

    def step_values(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The step metrics that a row about to be committed lacks, nested as they go into it."""
        self._recall()
        paths = [path for path, _, _ in _leaves(row)]
        inserted: dict[str, Any] = {}
        for path in paths:  # grows: a step metric may have one of its own
            step = self._target(path).step
            if step is not None and not (_has(row, step) or _has(inserted, step)):
                _put(inserted, step, self._steps[step])
                paths.append(step)
        return inserted

    def commit(self, row: Mapping[str, Any], summary: dict[str, Any]) -> None:
        """Bring `summary` up to date with a committed row; `step_values` are part of the row."""
        shape = (tuple(row), tuple(map(type, row.values())))
        plan = self._plans.get(shape)
        if plan is not None:
            plan.commit(row, summary, self._steps)
            return
        self.refresh(summary)
        leaves = list(_leaves(row))
        complete = _UNSET
        while complete != self._complete:  # reading the past gives every leaf statistics
            complete = self._complete
            targets = [self._target(path) for path, _, _ in leaves]
        last: dict[str, Any] = {}
        ops = []
        for target, (path, value, media) in zip(targets, leaves, strict=True):
            if path in self._steps and type(value) in _NUMBERS:
                self._steps[path] = value
            if target.leaf is not None and not media:
                target.leaf.add(value)
            if target.mode == _OPS and not media:
                ops.append(target)
            elif target.mode != _HIDDEN and value is not None:
                self._uncover(summary, path)
                _put(last, path, value)
        merge_leaves(summary, last)
        for target in ops:
            self._show(summary, target.path)
        plan = self._plan(shape)
        if plan is not None:
            self._plans[shape] = plan

    def apply(
        self,
        row: Mapping[str, Any],
        summary: dict[str, Any],
        shape: tuple[str | type, ...] | None = None,
    ) -> dict[str, Any]:
        """`step_values` and `commit` in one, faster; returns the values inserted.

        `shape`, if the caller has it at hand: the keys of the row, then the types of its values.
        """
        if shape is None:
            shape = (*row, *map(type, row.values()))
        fused = self._fused.get(shape)
        if fused is None:
            inserted = self.step_values(row)
            self.commit(joined(row, inserted) if inserted else row, summary)
            self._fuse(row, inserted)
            return inserted
        insert, plan = fused
        if not insert:
            plan.commit(row, summary, self._steps)
            return {}
        steps = self._steps
        inserted = {key: steps[path] for key, path in insert}
        plan.commit({**row, **inserted}, summary, steps)
        return inserted

    def refresh(self, summary: dict[str, Any]) -> None:
        """Show in `summary` what definitions say of values logged before them."""
        self._recall()
        while self._stale:
            path = next(iter(self._stale))
            only_shown = self._stale.pop(path)
            leaf = self._leaf(path)
            if leaf.first is _UNSET or (only_shown and not _shows(summary, path)):
                continue
            mode = self._rules[path].mode()
            if mode == _OPS:
                self._target(path)
                self._show(summary, path)
                continue
            value = leaf.last if leaf.last is not None else leaf.last_but_none
            if mode == _HIDDEN or value is None:
                _drop(summary, path)
            else:
                self._uncover(summary, path)
                _put(summary, path, value)
            leaf.hide()

    def decided(self, summary: Mapping[str, Any]) -> set[str]:
        """The keys, logged here or in `summary`, of which a definition says what is shown."""
        paths = {*self._seen, *(path for path, _, _ in _leaves(summary))}
        # No targets are made for it: making one fills in what the script has deleted.
        rules = ((path, self._rules.get(path) or self._matched(path)[0]) for path in paths)
        return {path[0] for path, rule in rules if rule is not None and rule.mode() != _LAST}

    # -- the inside ------------------------------------------------------------------------------

    def _target(self, path: Path) -> _Target:
        target = self._targets.get(path)
        if target is not None:
            return target
        rule, step = self._rules.get(path), None
        if rule is None:
            rule, step = self._matched(path)
        mode = _LAST
        leaf = None
        if rule is not None:
            mode = rule.mode()
            step = rule.step if rule.step_sync else None
        # Once there, a leaf must get every value.
        if self._complete or path in self._leaves or (rule is not None and rule.words):
            leaf = self._leaf(path)
        if leaf is not None and rule is not None and mode == _OPS:
            leaf.show([word for word in _WORDS if word in rule.words], rule.goal)
        target = self._targets[path] = _Target(path, mode, leaf, step)
        self._seen.add(path)
        return target

    def _matched(self, path: Path) -> tuple[_Rule | None, Path | None]:
        """The rule of a leaf that no definition names, and its step metric."""
        label = ".".join(path)
        dotted = any("." in key for key in path)
        if dotted:
            # For step metrics, and for globs, wandb does not tell `d.x` and the flat key apart.
            named = self._rules.get(tuple(label.split(".")))
            if named is not None:
                return None, named.step if named.step_sync else None
        if label.startswith("_"):
            return None, None
        prefixes = [prefix for prefix in self._globs if label.startswith(prefix)]
        if not prefixes:
            return None, None
        glob = self._globs[max(prefixes, key=len)]  # of equally long ones the first: max does that
        rule = self._rules[path] = glob.bound_to(path, with_summary=not dotted)
        self.changed = True
        return rule, None

    def _leaf(self, path: Path) -> _Leaf:
        leaf = self._leaves.get(path)
        if leaf is None and not self._complete and (self._blind or path in self._seen):
            self._load()
            leaf = self._leaves.get(path)
        if leaf is None:
            leaf = self._leaves[path] = _Leaf()
        return leaf

    def _recall(self) -> None:
        """In a run that goes on, read its rows before the first use."""
        if self._blind and self._resumed and self.active:
            self._load()

    def _load(self) -> None:
        self._blind = False
        if self._past is None:
            return
        found: dict[Path, _Leaf] = {}
        for row in self._past():
            self._complete = True
            for path, value, media in _leaves(row):
                if self._resumed and path in self._steps and type(value) in _NUMBERS:
                    self._steps[path] = value
                if not media:
                    found.setdefault(path, _Leaf()).add(value)
        for path, leaf in found.items():
            self._leaves.setdefault(path, leaf)
        self._forget_plans()

    def _forget_plans(self) -> None:
        self._targets.clear()
        self._plans.clear()
        self._fused.clear()

    def _show(self, summary: dict[str, Any], path: Path) -> None:
        view = self._leaves[path].view
        if view:
            self._uncover(summary, path)
            _put(summary, path, view)
        else:
            _drop(summary, path)

    def _uncover(self, summary: dict[str, Any], path: Path) -> None:
        """Take away the ops of a leaf that has become a dict: they are not to be merged with it."""
        node: Any = summary
        for n in range(1, len(path)):
            below = node.get(path[n - 1])
            if not isinstance(below, dict):
                return
            leaf = self._leaves.get(path[:n])
            if leaf is not None and (leaf.view is below or self._shown_before(path[:n], below)):
                del node[path[n - 1]]
                return
            node = below

    def _shown_before(self, path: Path, ops: dict[str, Any]) -> bool:
        """Whether the summary that a run goes on with holds these as the ops of a leaf."""
        if not self._resumed:
            return False
        target = self._target(path)
        return target.mode == _OPS and target.leaf is not None and target.leaf.view == ops

    def _plan(self, shape: Shape) -> _Plan | None:
        """The plan for a row of this shape that was just committed; None if it is not flat."""
        if not _FLAT.issuperset(shape[1]):
            return None
        remember: list[tuple[str, Path]] = []
        last: list[str] = []
        ops: list[tuple[str, _Leaf]] = []
        counted: list[tuple[str, _Leaf]] = []
        for key, kind in zip(*shape, strict=True):
            target = self._target((key,))
            if kind not in _NUMBERS and (target.leaf is not None or target.mode == _OPS):
                return None
            if kind in _NUMBERS and target.path in self._steps:
                remember.append((key, target.path))
            if target.mode == _LAST:
                last.append(key)
            if target.leaf is not None:
                (ops if target.mode == _OPS else counted).append((key, target.leaf))
        return _Plan(
            remember=tuple(remember),
            last=tuple(last) if len(last) < len(shape[0]) else None,
            ops=tuple(ops),
            counted=tuple(counted),
        )

    def _fuse(self, row: Mapping[str, Any], inserted: dict[str, Any]) -> None:
        kinds = tuple(map(type, row.values()))
        # A nested step metric makes it not flat.
        plan = self._plan(((*row, *inserted), (*kinds, *map(type, inserted.values()))))
        if plan is not None:
            self._fused[(*row, *kinds)] = (tuple((key, (key,)) for key in inserted), plan)


class _Rule:
    """What was told of one name, all calls taken together."""

    __slots__ = (
        "bound",
        "cancelled",
        "goal",
        "hidden",
        "name",
        "none",
        "step",
        "step_metric",
        "step_sync",
        "words",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.bound = False  # came from a glob
        self.cancelled = False  # by a manual write
        self._clear()

    def _clear(self) -> None:
        self.step_metric = ""
        self.step: Path | None = None
        self.step_sync = False
        self.hidden = False
        self.words: frozenset[str] = frozenset()
        self.none = False
        self.goal = ""

    def take(self, metric: Metric, overwrite: bool) -> None:
        # Like wandb, a False cannot be told from an argument that was not given.
        if overwrite:
            self._clear()
        if metric.step_metric:
            self.step_metric = metric.step_metric
            path = _parsed(metric.step_metric)
            self.step = None if path[0] in _AUTO else path
        self.step_sync = self.step_sync or bool(metric.step_sync)
        self.hidden = self.hidden or bool(metric.hidden)
        self.goal = metric.goal or self.goal
        if metric.summary:
            self.words |= frozenset(_WORDS).intersection(metric.summary)
            self.none = "none" in metric.summary

    def mode(self) -> int:
        if self.none:
            return _HIDDEN
        return _OPS if self.words and not self.cancelled else _LAST

    def bound_to(self, path: Path, *, with_summary: bool) -> _Rule:
        rule = _Rule(".".join(key.replace(".", "\\.") for key in path))
        rule.bound = True
        rule.step_metric, rule.step, rule.step_sync = self.step_metric, self.step, self.step_sync
        rule.hidden, rule.goal = self.hidden, self.goal
        if with_summary:
            rule.words, rule.none = self.words, self.none
        return rule

    def told(self) -> dict[str, Any]:
        words = [word for word in _WORDS if word in self.words] + ["none"] * self.none
        told: dict[str, Any] = {"glob_name" if self.name.endswith("*") else "name": self.name}
        for key in ("step_metric", "step_sync", "hidden", "goal", "bound", "cancelled"):
            if getattr(self, key):
                told[key] = getattr(self, key)
        if words:
            told["summary"] = words
        return told


class _Leaf:
    """The statistics of one leaf, and `view`: those that show, as they stand in the summary."""

    __slots__ = (
        "_high_words",
        "_low_words",
        "_shows_last",
        "_shows_mean",
        "_words",
        "count",
        "first",
        "high",
        "last",
        "last_but_none",
        "low",
        "total",
        "view",
    )

    def __init__(self) -> None:
        self.count = 0  # of numbers, like the next three; the others take every value
        self.total: float = 0
        self.low: float = math.inf
        self.high: float = -math.inf
        self.first: Any = _UNSET
        self.last: Any = None
        self.last_but_none: Any = None
        self.view: dict[str, Any] = {}
        self.hide()

    def number(self, value: float) -> None:
        """Take a number; not the first value of the leaf."""
        self.count += 1
        self.total += value
        self.last = value
        # NaN is neither below nor above: it must enter by force, and then stays.
        if value < self.low or value != value:  # noqa: PLR0124
            self.low = value
            for word in self._low_words:
                self.view[word] = value
        if value > self.high or value != value:  # noqa: PLR0124
            self.high = value
            for word in self._high_words:
                self.view[word] = value
        if self._shows_mean:
            self.view["mean"] = self.total / self.count
        if self._shows_last:
            self.view["last"] = value

    def add(self, value: Any) -> None:
        """Take any value. min, max, mean and best are of numbers, first and last of all."""
        if type(value) in _NUMBERS:
            self.number(value)
            if self.count > 1:
                return
        elif value is None and self.last is not None:
            self.last_but_none = self.last
        self.last = value
        if self.first is _UNSET:
            self.first = value
        self._fill()

    def show(self, words: list[str], goal: str) -> None:
        """Have `view` hold these words."""
        best = (("best",) if "best" in words else ()), ()
        of_high, of_low = best if goal == "maximize" else best[::-1]
        self._words = words
        self._low_words = tuple(word for word in words if word == "min") + of_low
        self._high_words = tuple(word for word in words if word == "max") + of_high
        self._shows_mean = "mean" in words
        self._shows_last = "last" in words
        self._fill()

    def hide(self) -> None:
        """Have a new `view` that holds nothing; the old one may be the script's by now."""
        self.view = {}
        self.show([], "")

    def _fill(self) -> None:
        values: dict[str, Any] = {}
        if self.count:
            values = {"mean": self.total / self.count}
            values.update(dict.fromkeys(self._low_words, self.low))
            values.update(dict.fromkeys(self._high_words, self.high))
        if self.first is not _UNSET:
            values["first"], values["last"] = self.first, self.last
        self.view.clear()
        self.view.update((word, values[word]) for word in self._words if word in values)


class _Target:
    """What becomes of a leaf."""

    __slots__ = ("leaf", "mode", "path", "step")

    def __init__(self, path: Path, mode: int, leaf: _Leaf | None, step: Path | None) -> None:
        self.path = path
        self.mode = mode
        self.leaf = leaf
        self.step = step


class _Plan:
    """All there is to do to commit a flat row of certain keys and types."""

    __slots__ = ("counted", "last", "ops", "remember")

    def __init__(
        self,
        *,
        remember: tuple[tuple[str, Path], ...],
        last: tuple[str, ...] | None,
        ops: tuple[tuple[str, _Leaf], ...],
        counted: tuple[tuple[str, _Leaf], ...],
    ) -> None:
        self.remember = remember
        self.last = last  # None: all keys
        self.ops = ops
        self.counted = counted

    def commit(
        self, row: Mapping[str, Any], summary: dict[str, Any], steps: dict[Path, float]
    ) -> None:
        for key, path in self.remember:
            steps[path] = row[key]
        if self.last is None:
            summary.update(row)
        else:
            for key in self.last:
                summary[key] = row[key]
            for key, leaf in self.ops:
                leaf.number(row[key])
                summary[key] = leaf.view
        for key, leaf in self.counted:
            leaf.number(row[key])


# -- arguments -------------------------------------------------------------------------------------


def _check(
    name: Any,
    step_metric: Any,
    step_sync: Any,
    hidden: Any,
    summary: Any,
    overwrite: Any,
    goal: Any,
) -> None:
    if not name:
        raise Error("define_metric() needs a name that is not empty")
    for argument, value, kind in (
        ("name", name, str),
        ("step_metric", step_metric, str),
        ("step_sync", step_sync, bool),
        ("hidden", hidden, bool),
        ("summary", summary, str),
        ("overwrite", overwrite, bool),
        ("goal", goal, str),
    ):
        if value is not None and not isinstance(value, kind):
            mend = ": join the words with commas" if isinstance(value, list | tuple) else ""
            raise Error(
                f"define_metric({argument}=) takes a {kind.__name__}, "
                f"not a {type(value).__name__}{mend}"
            )
    if "*" in name[:-1]:
        raise Error(
            f"define_metric({name!r}): a * can only end a name (glob suffixes only); "
            "call it once for every name or prefix"
        )
    if goal and goal.lower() not in _GOALS:
        raise Error(f"define_metric(goal=) takes minimize or maximize, not {goal!r}")


def _words(summary: str) -> list[str]:
    words = [word.lower() for word in summary.split(",")]
    for word in words:
        if word not in _ALL_WORDS:
            raise Error(
                f"define_metric(summary=) does not know {word!r}; it takes {', '.join(_WORDS)}, "
                "copy and none, with commas between them and no blanks"
            )
    return words


def _parsed(name: str) -> Path:
    r"""`d.x` as (d, x), `a\.b` as (a.b,)."""
    path: list[str] = []
    for part in name.split("."):
        if path and path[-1].endswith("\\"):
            path[-1] = path[-1][:-1] + "." + part
        else:
            path.append(part)
    return tuple(path)


# -- nested dicts ----------------------------------------------------------------------------------


def _leaves(
    row: Mapping[str, Any], above: Path = (), media: bool = False
) -> Iterator[tuple[Path, Any, bool]]:
    """Path, value, and whether it is a part of a media value, whose parts are no metrics."""
    for key, value in row.items():
        if type(value) not in _PLAIN and not isinstance(value, dict):
            value = history_value(value)
        if isinstance(value, dict):
            inside = media or isinstance(value.get("_type"), str)
            yield from _leaves(value, (*above, key), inside)
        else:
            yield (*above, key), value, media


def _has(tree: Mapping[str, Any], path: Path) -> bool:
    """Whether there is a value at `path`, or one in the way."""
    node: Any = tree
    for key in path:
        if not isinstance(node, Mapping):
            return True
        if key not in node:
            return False
        node = node[key]
    return True


def _put(tree: dict[str, Any], path: Path, value: Any) -> None:
    for key in path[:-1]:
        below = tree.get(key)
        if not isinstance(below, dict):
            below = tree[key] = {}
        tree = below
    tree[path[-1]] = value


def _shows(tree: Mapping[str, Any], path: Path) -> bool:
    """Whether there is a leaf or its ops at `path`, and not a dict of other leaves."""
    node: Any = tree
    for key in path:
        if not isinstance(node, dict) or key not in node:
            return False
        node = node[key]
    return not isinstance(node, dict) or set(node) <= set(_WORDS)


def _drop(tree: dict[str, Any], path: Path) -> None:
    """Remove a leaf with its ops, and dicts this leaves empty."""
    if not _shows(tree, path):
        return
    if len(path) > 1:
        below = tree[path[0]]
        _drop(below, path[1:])
        if below:
            return
    del tree[path[0]]

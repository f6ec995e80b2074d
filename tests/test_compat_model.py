"""Random scripts against a plain model: log, define_metric, summary, config, resume and crashes.

SYNADB_MODEL_EXAMPLES sets how many scripts are tried.
"""

from __future__ import annotations

import contextlib
import copy
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import synadb.wandb_compat as wandb
from synadb.tracker import ExperimentTracker
from synadb.wandb_compat import _session
from tests.model.run_model import RunModel, conflicts, lookup, nodes, told
from tests.model.values import (
    CONFIGS,
    DEFINITIONS,
    FEW_DEFINITIONS,
    FEW_ROWS,
    LOOPS,
    ROWS,
    SUMMARY_VALUES,
    Pair,
)

EXAMPLES = int(os.environ.get("SYNADB_MODEL_EXAMPLES", "100"))
SETTINGS = {"console": "off", "x_disable_stats": True}
TIMES = ("_runtime", "_timestamp")
# The summary itself, or one of the dicts in it.
NODES = st.sampled_from([0, 0, 0, 0, 1, 2, 3, 4])
SUMMARY_KEYS = st.sampled_from(["a", "a", "a", "d", "x", "x", "ab", "e", "y", "min", "own"])

# What hypothesis says of its own strategies is no fault of the code under test.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")


class Scripts(RuleBasedStateMachine):
    """One script: a run, what it does, and the model that does the same."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setenv("WANDB_SILENT", "true")
        self.patch.setenv("SYNADB_RUN_DIR", "0")
        self.folder = tempfile.mkdtemp(prefix="synadb-model-")
        self.crashes = 0

    # -- what a script does ----------------------------------------------------------------------

    @initialize(late=st.sampled_from(["keep", "keep", "drop"]), config=CONFIGS)
    def start(self, late: str, config: Pair) -> None:
        if late == "drop":
            self.patch.setenv("SYNADB_LATE_STEPS", "drop")
        self.model = RunModel(config.kept, keeps_late=late == "keep")
        self.run = begin(self.folder, config)

    @rule(row=ROWS, commit=st.sampled_from([None, None, False, False, True]))
    def log(self, row: Pair, commit: bool | None) -> None:
        self.log_both(row, None, commit)

    @rule(
        row=ROWS,
        ahead=st.sampled_from([0, 0, 0, 1, 2, 10]),
        commit=st.sampled_from([None, None, None, False, True]),
        numpy=st.booleans(),
    )
    def log_at_step(self, row: Pair, ahead: int, commit: bool | None, numpy: bool) -> None:
        step = self.model.step + ahead
        self.log_both(row, np.int64(step) if numpy else step, commit)

    # Which values a definition counts that is made after late rows is not part of the contract.
    @precondition(lambda self: not (self.model.keeps_late and self.model.has_definitions))
    @rule(row=ROWS, back=st.integers(1, 4), commit=st.sampled_from([None, False, True]))
    def log_late(self, row: Pair, back: int, commit: bool | None) -> None:
        self.log_both(row, self.model.step - back, commit)

    @rule(rows=LOOPS)
    def log_loop(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            self.log_both(Pair(row, row), None, None)

    @precondition(lambda self: not self.model.has_late)
    @rule(arguments=DEFINITIONS)
    def define_metric(self, arguments: dict[str, Any]) -> None:
        self.run.define_metric(**arguments)
        self.model.define(arguments)

    @rule(
        node=NODES,
        key=SUMMARY_KEYS,
        value=SUMMARY_VALUES,
        how=st.sampled_from(["item", "attribute", "update"]),
    )
    def set_summary(self, node: int, key: str, value: Pair, how: str) -> None:
        above, shown = self.summary_node(node)
        given = copy.deepcopy(value.given)
        if how == "item":
            shown[key] = given
        elif how == "attribute":
            setattr(shown, key, given)
        else:
            shown.update({key: given})
        spoil(given)
        self.model.write((*above, key), *(() if value.kept is None else (value.kept,)))

    @rule(node=NODES, key=SUMMARY_KEYS)
    def delete_summary(self, node: int, key: str) -> None:
        above, shown = self.summary_node(node)
        del shown[key]
        if key in lookup(self.model.summary(), above):
            self.model.delete((*above, key))

    @rule(
        values=CONFIGS,
        how=st.sampled_from(["update", "update", "update", "item", "attribute", "defaults"]),
        allow=st.sampled_from([None, None, False, True]),
    )
    def change_config(self, values: Pair, how: str, allow: bool | None) -> None:
        given = copy.deepcopy(values.given)
        config = self.run.config
        if how == "update":
            with self.refused(values.kept, allow):
                config.update(given, allow_val_change=allow)
        elif how == "defaults":
            config.setdefaults(given)
            known = self.model.config
            self.model.update_config({k: v for k, v in values.kept.items() if k not in known})
        else:
            for key, value in given.items():
                with self.refused({key: values.kept[key]}, None):
                    if how == "item":
                        config[f"--{key}"] = value
                    else:
                        setattr(config, key, value)
        spoil(given)

    @rule(
        bad=st.sampled_from(
            [
                ({"a": 1, "b": object()}, {}),
                ({"a": 1, "d": {"x": [object()]}}, {"step": 10**6}),
                ({"a": 1, 2: 3}, {}),
                ([("a", 1)], {"commit": False}),
                ({"a": 1}, {"step": 1.0}),
                ({"a": 1}, {"step": True}),
            ]
        )
    )
    def log_what_cannot_be_and_flush(self, bad: tuple[Any, dict[str, Any]]) -> None:
        with pytest.raises(TypeError):
            self.run.log(bad[0], **bad[1])
        self.run._native.flush()
        self.check_stored(self.run._tracker)

    @rule(config=st.just(Pair(None, {})) | CONFIGS)
    def finish_and_resume(self, config: Pair) -> None:
        self.finish()
        self.run = begin(self.folder, config)
        self.model.resume()
        self.model.update_config(config.kept)
        assert self.run.resumed
        assert self.run.starting_step == self.model.step

    @precondition(lambda self: self.crashes < 2)  # the dearest of the rules
    @rule(flushed=st.booleans())
    def crash_elsewhere(self, flushed: bool) -> None:
        """The files as a crash at this moment would leave them, opened by another program."""
        self.crashes += 1
        if flushed:
            self.run._native.flush()
        with crashed_copy(self.folder) as folder:
            with ExperimentTracker(os.path.join(folder, "experiments.db")) as tracker:
                assert tracker.get_run("r").state == "crashed"
                self.check_stored(tracker)
            again = begin(folder, Pair(None, {}))  # a definition of * leaves _after alone
            try:
                assert again.step == max([-1, *self.model.rows()]) + 1
                again.log({"_after": 1})
                again.finish()
                *before, last = again._tracker.rows("r")
                assert without_times(last) == {"_step": again.step - 1, "_after": 1}
                assert told(list(map(without_times, before))) == told(self.model_rows())
                assert again._tracker.check().ok
            finally:
                close(again)

    # -- the same, in the model ------------------------------------------------------------------

    def log_both(self, row: Pair, step: Any, commit: bool | None) -> None:
        given = copy.deepcopy(row.given)
        self.run.log(given, step=step, commit=commit)
        spoil(given)
        self.model.log(row.kept, None if step is None else int(step), commit)

    def summary_node(self, number: int) -> tuple[tuple[str, ...], Any]:
        """The path of some dict in the summary, and what the script gets for it."""
        found = list(nodes(without_step(self.model.summary())))
        above = found[number % len(found)]
        shown: Any = self.run.summary
        for key in above:
            shown = shown[key]
        return above, shown

    @contextlib.contextmanager
    def refused(self, values: dict[str, Any], allow: bool | None) -> Iterator[None]:
        """Change the config of the model, if the run has to accept it, or expect its refusal."""
        if not allow and conflicts(self.model.config, values):
            with pytest.raises(wandb.errors.Error, match="Attempted to change value of key"):
                yield
        else:
            yield
            self.model.update_config(values)

    @property
    def summary_is_stored_at_once(self) -> bool:
        """Before finish the store knows plain last values only, and no open rows."""
        model = self.model
        return model.one_call_a_row and not (
            model.open is not None or model.has_late or model.has_definitions
        )

    # -- what must hold --------------------------------------------------------------------------

    @invariant()
    def shows_what_the_model_shows(self) -> None:
        assert self.run.step == self.model.step
        assert told(without_times(self.run.summary)) == told(self.model.summary())
        assert told(dict(self.run.config)) == told(self.model.config)

    def model_rows(self) -> list[dict[str, Any]]:
        return [{**row, "_step": step} for step, row in self.model.rows().items()]

    def check_stored(self, tracker: ExperimentTracker) -> None:
        rows = list(tracker.rows("r"))
        assert all(type(row[key]) is float for row in rows for key in TIMES)
        assert told([without_times(row) for row in rows]) == told(self.model_rows())
        record = tracker.get_run("r")
        assert told(without_times(record.config)) == told(self.model.config)
        assert record.last_step == max([-1, *self.model.rows()])
        if self.summary_is_stored_at_once:
            summary = without_step(without_times(record.summary))
            assert told(summary) == told(without_step(self.model.summary()))
        report = tracker.check()
        assert report.ok, report

    def finish(self) -> None:
        self.run.finish()
        self.model.commit()
        self.check_stored(self.run._tracker)
        record = self.run._tracker.get_run("r")
        assert (record.state, record.exit_code) == ("finished", 0)
        assert told(without_times(record.summary)) == told(self.model.summary())
        assert told(without_times(self.run.summary)) == told(self.model.summary())
        assert told(dict(self.run.config)) == told(self.model.config)
        calls: tuple[Callable[[], object], ...] = (
            lambda: self.run.log({"a": 1}),
            lambda: self.run.summary.update({"a": 1}),
            lambda: self.run.define_metric("a"),
        )
        for call in calls:
            with pytest.raises(wandb.errors.UsageError):
                call()

    def teardown(self) -> None:
        try:
            if hasattr(self, "run"):
                try:
                    if sys.exc_info()[0] is None:  # what has failed is not to fail again
                        self.finish()
                finally:
                    close(self.run)
        finally:
            self.patch.undo()
            shutil.rmtree(self.folder, ignore_errors=True)


def begin(folder: str, config: Pair) -> wandb.Run:
    return wandb.init(
        project="p",
        id="r",
        dir=folder,
        config=copy.deepcopy(config.given),
        resume="allow",
        reinit="create_new",
        settings=wandb.Settings(**SETTINGS),
    )


def close(run: wandb.Run) -> None:
    """End all that an example has open, whatever became of it."""
    run.finish()
    run._tracker.close()
    _session._trackers.pop(run._tracker.path, None)


@contextlib.contextmanager
def crashed_copy(folder: str) -> Iterator[str]:
    """A copy of a database in use, journals included, as it was at one moment."""
    target = tempfile.mkdtemp(prefix="synadb-crash-")
    path = os.path.join(folder, "experiments.db")
    try:
        # Nobody commits meanwhile. Journals first: what is let go while they are copied has been
        # committed before.
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("begin immediate")
            live = os.path.join(target, "experiments.db-live")
            os.mkdir(live)
            for name in os.listdir(f"{path}-live"):
                if name.endswith(".lock"):
                    Path(live, name).touch()
                else:
                    with contextlib.suppress(FileNotFoundError):
                        shutil.copy(os.path.join(f"{path}-live", name), live)
            for ending in ("", "-wal"):
                if os.path.exists(path + ending):
                    shutil.copy(path + ending, target)
            db.execute("rollback")
        yield target
    finally:
        shutil.rmtree(target)


def spoil(value: Any) -> None:
    """Change what the script has handed over: nothing may see it."""
    if isinstance(value, np.ndarray) and value.shape:
        value.fill(99)
    elif isinstance(value, dict):
        for below in value.values():
            spoil(below)
        value["spoilt"] = True
    elif isinstance(value, list):
        for below in value:
            spoil(below)
        value.append("spoilt")


def without_times(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in values if key not in (*TIMES, "_wandb")}


def without_step(summary: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in summary.items() if key != "_step"}


@pytest.mark.timeout(600)  # a failure takes minutes to be made short
def test_random_scripts_do_as_the_model() -> None:
    run_state_machine_as_test(
        Scripts,
        settings=hypothesis.settings(
            max_examples=EXAMPLES, stateful_step_count=20, deadline=None, print_blob=True
        ),
    )


def call(method: str, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.just(method), st.fixed_dictionaries(arguments))


# The same few metrics again and again.
CALLS = st.one_of(
    call("define_metric", arguments=FEW_DEFINITIONS),
    call("log", row=FEW_ROWS, commit=st.sampled_from([None, None, False])),
    call("log_loop", rows=LOOPS),
    call("finish_and_resume", config=st.just(Pair(None, {}))),
    call(
        "set_summary",
        node=st.sampled_from([0, 0, 1]),
        key=st.sampled_from(["a", "a", "x"]),
        value=st.sampled_from([Pair(7, 7), Pair({"x": 7}, {"x": 7}), Pair(None, None)]),
        how=st.just("item"),
    ),
    call("delete_summary", node=st.sampled_from([0, 1]), key=st.sampled_from(["a", "d", "x"])),
)


@pytest.mark.timeout(600)
@hypothesis.settings(max_examples=EXAMPLES)
@hypothesis.given(calls=st.lists(CALLS, min_size=8, max_size=16))
@hypothesis.example(
    calls=[
        ("log", {"row": Pair({"a": 1}, {"a": 1}), "commit": False}),
        ("set_summary", {"node": 0, "key": "a", "value": Pair(7, 7), "how": "item"}),
        (
            "log_at_step",
            {"row": Pair({"b": 1}, {"b": 1}), "ahead": 1, "commit": True, "numpy": False},
        ),
        ("log_what_cannot_be_and_flush", {"bad": ({"b": object()}, {})}),
    ]
)
@hypothesis.example(
    calls=[
        ("log", {"row": Pair({"a": 1 << 64, "b": 0}, {"a": 2.0**64, "b": 0}), "commit": None}),
        ("log_loop", {"rows": [{"a": 1, "b": 0}, {"a": 2, "b": 0}]}),
    ]
)
@hypothesis.example(
    calls=[
        ("define_metric", {"arguments": {"name": "a", "summary": "min"}}),
        ("log_loop", {"rows": [{"a": 0.0}, {"a": 0.5}]}),
        ("define_metric", {"arguments": {"name": "a", "summary": "max"}}),
        ("delete_summary", {"node": 1, "key": "min"}),
    ]
)
@hypothesis.example(
    calls=[
        ("log_loop", {"rows": [{"a": 1.0}, {"a": 2.0}]}),
        ("define_metric", {"arguments": {"name": "*", "summary": "mean"}}),
        ("log_loop", {"rows": [{"a": 4.0}, {"a": 8.0}]}),
    ]
)
@hypothesis.example(
    calls=[
        ("log", {"row": Pair({"d": {"x": -1}}, {"d": {"x": -1}}), "commit": None}),
        ("define_metric", {"arguments": {"name": "d.x", "summary": "none"}}),
        ("set_summary", {"node": 1, "key": "x", "value": Pair(7, 7), "how": "item"}),
    ]
)
def test_few_metrics_with_all_rules_do_as_the_model(
    calls: list[tuple[str, dict[str, Any]]],
) -> None:
    script = Scripts()
    try:
        script.start("keep", Pair({}, {}))
        for method, arguments in calls:
            getattr(script, method)(**arguments)
            script.shows_what_the_model_shows()
    finally:
        script.teardown()

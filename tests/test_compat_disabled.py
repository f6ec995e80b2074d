"""`wandb.init(mode="disabled")`: every call is taken, and nothing is left behind."""

from __future__ import annotations

import copy
import inspect
import json
import os
import pickle
from typing import TYPE_CHECKING, Any

import pytest

import synadb.wandb_compat as wandb
from synadb.wandb_compat._config import ConfigError
from synadb.wandb_compat._disabled import (
    DisabledRun,
    RunDisabled,
    SummaryDisabled,
    make_disabled_run,
)
from synadb.wandb_compat._metric import Metric
from synadb.wandb_compat._run import Run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import RunScript

NOTHING = """
    alert finish_artifact link_artifact link_model log_code log_model mark_preempting
    pin_config_keys restore status unwatch upsert_artifact use_artifact use_model watch
    write_logs get_url get_project_url get_sweep_url
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A disabled run that is the active one, in an empty folder that must stay empty."""
    monkeypatch.chdir(tmp_path)
    disabled = wandb.init(mode="disabled", config={"lr": 0.1})
    yield disabled
    disabled.finish()
    assert os.listdir(tmp_path) == []
    assert not os.path.exists(disabled.sync_dir)


def test_its_facts_are_wandbs(run: Any) -> None:
    assert isinstance(run, Run)
    assert (run.project, run.entity, run.name) == ("dummy", "dummy", f"dummy-{run.id}")
    assert run.path == f"dummy/dummy/{run.id}"
    assert len(run.id) == 8
    assert (run.group, run.job_type, run.notes, run.tags) == ("", "", None, ())
    assert (run.step, run.starting_step) == (0, 0)
    assert (run.disabled, run.offline, run.resumed) == (True, False, False)
    assert (run.url, run.project_url, run.sweep_url, run.sweep_id) == (None,) * 4
    assert (run.mode, run.settings.mode) == ("disabled", "disabled")
    assert run.dir == os.path.join(run.sync_dir, "files")
    assert os.path.basename(run.sync_dir).startswith("run-")
    assert run.sync_dir.endswith(run.id)
    assert run.start_time == run._start_time > 1.7e9
    assert run.project_name() == "dummy"
    assert "disabled" in repr(run)


def test_what_init_was_given_is_kept() -> None:
    run = make_disabled_run(
        project="p",
        id="i",
        name="n",
        group="g",
        job_type="j",
        notes="text",
        tags=["a", "b"],
        config={"x": 1},
        entity="e",
    )
    assert (run.id, run.name, run.path) == ("i", "n", "e/p/i")
    assert (run.group, run.job_type, run.notes, run.tags) == ("g", "j", "text", ("a", "b"))
    assert run.config.x == 1
    assert run.config_static["x"] == 1


def test_log_only_sets_the_summary(run: Any) -> None:
    strange = object()
    run.log({"loss": 1, "any": strange}, step="no number", commit="no bool")
    wandb.log({"loss": 2})
    assert (run.step, run.summary["loss"], run.summary.any) == (0, 2, strange)
    assert wandb.summary is run.summary
    assert dict(run.summary) == {"loss": 2, "any": strange}


def test_after_finish_it_takes_calls_all_the_same(run: Any) -> None:
    run.finish()
    run.finish(1)
    run.log({"late": 1})
    run.config.update({"late": 1})
    run.name = "late"
    assert (run.summary.late, run.config.late, run.name) == (1, 1, "late")


def test_the_module_follows_it(run: Any) -> None:
    assert wandb.run is run
    assert wandb.config is run.config
    wandb.finish()
    assert wandb.run is None
    with pytest.raises(wandb.Error, match=r"wandb\.init"):
        wandb.log({})


def test_leaving_the_with_block_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with wandb.init(mode="disabled") as run:
        assert wandb.run is run
    assert wandb.run is None
    with pytest.raises(ZeroDivisionError), wandb.init(mode="disabled"):
        1 / 0  # noqa: B018
    assert wandb.run is None
    assert os.listdir(tmp_path) == []


def test_every_init_makes_a_new_run(run: Any) -> None:
    with wandb.init(mode="disabled", project="other") as second:
        assert second is not run
        assert second.id != run.id
        assert (second.project, second.config.as_dict()) == ("other", {})


def test_the_config_has_its_rules(run: Any) -> None:
    with pytest.raises(ConfigError):
        run.config.lr = 0.2
    run.config.update({"lr": 0.2, "new": (1, 2)}, allow_val_change=True)
    assert run.config.as_dict() == {"lr": 0.2, "new": [1, 2]}


@pytest.mark.parametrize("name", NOTHING.split())
def test_calls_that_record_return_none(run: Any, name: str) -> None:
    assert getattr(run, name)("whatever", 1, key="word") is None


def test_other_calls_have_wandbs_answers(run: Any) -> None:
    metric = run.define_metric("loss", summary="no such word")
    assert isinstance(metric, Metric)
    assert (metric.name, metric.step_metric, metric.summary) == ("dummy", None, None)
    assert run.save("*.txt") is False
    assert run.save() is False
    assert run.display() is False
    assert run.name in run.to_html()
    assert run.name in run._repr_mimebundle_()["text/html"]


def test_nothing_of_the_base_class_is_left_to_need_a_tracker() -> None:
    harmless = {"config", "config_static", "settings", "plot_table"}
    own = vars(DisabledRun).keys()
    public = {name for name, _ in inspect.getmembers(Run) if not name.startswith("_")}
    assert public - own - harmless == set()


def test_attributes_are_not_frozen_but_facts_are(run: Any) -> None:
    run.anything = 3
    assert run.anything == 3
    run.name, run.notes, run.tags = "n", "text", ["a"]
    assert (run.name, run.notes, run.tags) == ("n", "text", ("a",))
    for fact in ("id", "project", "config", "step"):
        with pytest.raises(AttributeError):
            setattr(run, fact, "other")
    with pytest.raises(AttributeError):
        _ = run.no_such_name


def test_the_summary_can_be_set(run: Any) -> None:
    run.summary = {"best": 1}
    assert wandb.summary is run.summary
    assert run.summary == {"best": 1}
    run.summary = run.summary
    assert run.summary == {"best": 1}


def test_copies(run: Any) -> None:
    run.log({"loss": 1})
    assert copy.deepcopy(run) is run
    other = pickle.loads(pickle.dumps(run))
    assert (type(other), other.id, other.summary, other.config.lr) == (
        DisabledRun,
        run.id,
        {"loss": 1},
        0.1,
    )


def test_an_artifact_that_is_logged_takes_every_use(run: Any) -> None:
    artifact = run.log_artifact("model.pt", name="m", type="model")
    assert artifact.wait().version.anything(1, key=2)["item"] is artifact
    assert artifact
    with artifact as inner:
        assert inner is artifact
    with pytest.raises(ZeroDivisionError), artifact:
        1 / 0  # noqa: B018
    artifact.mine = 1
    assert artifact.mine == 1
    artifact["key"] = 1
    del artifact["key"]
    assert (list(artifact), len(artifact), "key" in artifact) == ([], 0, False)
    assert isinstance(copy.deepcopy(artifact), RunDisabled)
    with pytest.raises(AttributeError):
        _ = artifact.__array__


def test_classes_that_libraries_ask_for() -> None:
    assert RunDisabled(1, key=2).run.log({}) is not None
    summary = SummaryDisabled({"a": {"b": {"c": 1}}}, d=2)
    assert summary.a.b.c == summary["a"]["b"]["c"] == 1
    summary.a.b.c = 5
    assert summary._as_dict() == {"a": {"b": {"c": 5}}, "d": 2}
    assert type(summary._as_dict()["a"]) is dict
    assert json.loads(json.dumps(summary)) == summary._as_dict()
    assert summary.get("zzz", 4) == 4
    assert not hasattr(summary, "zzz")
    with pytest.raises(KeyError):
        _ = summary.zzz
    with pytest.raises(AttributeError):
        _ = summary["zzz"]
    del summary.d
    with pytest.raises(AttributeError):
        del summary.d
    assert copy.deepcopy(summary) == summary


def test_the_data_that_is_logged_stays_the_scripts(run: Any) -> None:
    data = {"nested": {"x": 1}}
    run.log(data)
    run.summary.nested.x = 2
    assert data == {"nested": {"x": 1}}


def test_no_file_is_written_by_a_whole_script(run_script: RunScript, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    done = run_script(
        """
import synadb.wandb_compat as wandb
run = wandb.init(project="p", dir="somewhere", name="n", config={"lr": 1})
print("hello")
for step in range(10):
    wandb.log({"loss": step, "object": object()})
run.watch(3)
run.save("*")
run.log_artifact("nothing").wait()
run.finish()
""",
        env={"WANDB_MODE": "disabled", "TMPDIR": str(home), "HOME": str(home)},
    )
    assert done.stdout == "hello\n"
    assert done.stderr == ""
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["home", "script_1.py"]

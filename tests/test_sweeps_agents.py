"""Agents of sweeps: real processes that claim, run, fail, are stopped and killed."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from synadb.errors import SweepStateError
from synadb.records import TrialRecord
from synadb.sweeps.controller import OVER, WAIT, Controller
from synadb.sweeps.liveness import MOST_SKEW, Watch, agent_name
from synadb.sweeps.view import Sweep
from synadb.tracker import ExperimentTracker
from tests.conftest import ROOT, RunScript

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups")

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def tracker(db_path: Path) -> Iterator[ExperimentTracker]:
    with ExperimentTracker(db_path) as found:
        yield found
        report = found.check()
        assert report.ok, report


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start Python on source text in tmp_path, in a session of its own; ended with the test."""
    running: list[subprocess.Popen[str]] = []

    def begin(
        source: str, *args: str, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        path = tmp_path / f"agent_{len(running)}.py"
        path.write_text(source, encoding="utf-8")
        return launch([str(path), *args], env)

    def launch(args: list[str], env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        process = subprocess.Popen(
            [sys.executable, *args],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": python_path, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        running.append(process)
        return process

    begin.launch = launch  # type: ignore[attr-defined]
    yield begin
    for process in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    return pytest.fail(f"{what} did not happen in {seconds} s")


def ended(process: subprocess.Popen[str], code: int | None = 0) -> str:
    out, _ = process.communicate(timeout=100)
    assert code is None or process.returncode == code, out
    return out


def states(sweep: Sweep) -> list[str]:
    return [trial.state for trial in sweep.trials]


GRID = {
    "method": "grid",
    "metric": {"name": "loss"},
    "parameters": {"a": {"values": [0, 1, 2, 3]}},
}

LOG_A = """
import sys, synadb.wandb_compat as wandb
def train():
    with wandb.init() as run:
        run.log({"loss": float(run.config.a)})
wandb.agent(sys.argv[1], train)
"""


# -- many processes ------------------------------------------------------------------------------


def test_eight_agents_share_a_grid(tracker: ExperimentTracker, start: Start) -> None:
    parameters = {
        "a": {"values": list(range(10))},
        "b": {"values": list(range(10))},
        "c": {"parameters": {"d": {"values": ["x", "y"]}}},
    }
    sweep_id = tracker.create_sweep({"method": "grid", "parameters": parameters}, "p")
    source = LOG_A.replace("run.config.a", 'run.config["a"]')
    agents = [start(source, sweep_id) for _ in range(8)]
    for agent in agents:
        ended(agent)
    sweep = tracker.sweep(sweep_id)
    assert sweep.state == "FINISHED"
    points = [(t.params["a"], t.params["b"], t.params["c"]["d"]) for t in sweep.trials]
    assert sorted(points) == sorted(itertools.product(range(10), range(10), "xy"))
    assert set(states(sweep)) == {"finished"}
    assert len(sweep.runs) == 200
    assert {run.state for run in sweep.runs} == {"finished"}
    assert all(run.sweep_id == sweep_id for run in sweep.runs)
    assert len({trial.agent for trial in sweep.trials}) > 1


@posix
def test_a_killed_agents_trial_goes_to_another(tracker: ExperimentTracker, start: Start) -> None:
    sweep_id = tracker.create_sweep(GRID, "p")
    source = LOG_A.replace(
        "        run.log",
        "        if sys.argv[2:]: run.log({'x': 1}); open('up', 'w'); wait()\n        run.log",
    ).replace("def train", "import threading\nwait = threading.Event().wait\ndef train")
    doomed = start(source, sweep_id, "wait")
    wait_for((Path(tracker.path).parent / "up").exists, "the first trial")
    os.killpg(doomed.pid, signal.SIGKILL)
    doomed.wait()
    ended(start(source, sweep_id, env={"SYNADB_SWEEP_TIMEOUT": "0.5"}))
    sweep = tracker.sweep(sweep_id)
    assert sorted(trial.params["a"] for trial in sweep.trials) == [0, 1, 2, 3]
    assert states(sweep) == ["finished"] * 4
    [attempt] = sweep.trials[0].properties["attempts"]
    assert tracker.get_run(attempt["run"]).state == "crashed"
    assert tracker.get_run(sweep.trials[0].run_id).summary["loss"] == 0.0
    assert sweep.state == "FINISHED"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a dead process can be told")
def test_a_dead_process_is_not_waited_for(tracker: ExperimentTracker, start: Start) -> None:
    sweep_id = tracker.create_sweep(GRID, "p")
    source = LOG_A.replace("        run.log", "        open('up', 'w'); wait()\n        run.log")
    source = source.replace(
        "def train", "import threading\nwait = threading.Event().wait\ndef train"
    )
    doomed = start(source, sweep_id)
    wait_for((Path(tracker.path).parent / "up").exists, "the first trial")
    os.killpg(doomed.pid, signal.SIGKILL)
    # It stays a zombie, since nobody asks how it has ended.
    wait_for(lambda: not alive(doomed.pid), "its end")
    ended(start(LOG_A, sweep_id, env={"SYNADB_SWEEP_TIMEOUT": "100000"}))
    assert states(tracker.sweep(sweep_id)) == ["finished"] * 4


def test_count_and_run_cap_are_kept_by_all_together(
    tracker: ExperimentTracker, start: Start
) -> None:
    config = {
        "method": "random",
        "run_cap": 7,
        "parameters": {"a": {"min": 0.0, "max": 1.0}},
    }
    sweep_id = tracker.create_sweep(config, "p")
    sweep = tracker.sweep(sweep_id)
    assert sweep.expected_run_count == 7
    ended(start(LOG_A.replace("train)", "train, count=2)"), sweep_id))
    assert len(sweep.trials) == 2
    assert sweep.state == "RUNNING"
    for agent in [start(LOG_A, sweep_id) for _ in range(3)]:
        ended(agent)
    assert len(sweep.trials) == 7
    assert sweep.state == "FINISHED"
    assert len({trial.params["a"] for trial in sweep.trials}) == 7


def test_the_last_trial_of_count_ends_a_grid(tracker: ExperimentTracker, start: Start) -> None:
    sweep_id = tracker.create_sweep(GRID, "p")
    ended(start(LOG_A.replace("train)", "train, count=4)"), sweep_id))
    assert tracker.sweep(sweep_id).state == "FINISHED"


def test_a_sweep_stopped_half_way_goes_on_later(tracker: ExperimentTracker, start: Start) -> None:
    sweep_id = tracker.create_sweep(GRID, "p")
    sweep = tracker.sweep(sweep_id)
    ended(start(LOG_A.replace("train)", "train, count=2)"), sweep_id))
    sweep.finish()
    refused = ended(start(LOG_A, sweep_id), code=1)
    assert "CommError" in refused
    assert "is not running" in refused
    sweep.resume()
    ended(start(LOG_A, f"somebody/p/{sweep_id}"))
    assert [trial.params["a"] for trial in sweep.trials] == [0, 1, 2, 3]
    assert sweep.state == "FINISHED"


def test_the_memory_of_an_agent_does_not_grow_with_trials(
    tracker: ExperimentTracker, run_script: RunScript
) -> None:
    config = {"method": "random", "parameters": {"a": {"min": 0.0, "max": 1.0}}}
    sweep_id = tracker.create_sweep(config, "p")
    found = run_script(
        """
import os, sys, psutil, synadb.wandb_compat as wandb
seen = []
def train():
    with wandb.init() as run:
        run.log({"loss": 1.0})
    seen.append(psutil.Process().memory_info().rss)
wandb.agent(sys.argv[1], train, count=160)
print(max(seen[30:60]), max(seen[130:]))
""",
        sweep_id,
        timeout=100,
        env={"WANDB_SILENT": "true"},
    )
    early, late = map(int, found.stdout.split())
    assert late - early < 6 << 20


# -- states --------------------------------------------------------------------------------------

SLOW = """
import sys, time, synadb.wandb_compat as wandb
def train():
    with wandb.init() as run:
        for i in range(4000):
            run.log({"loss": float(i)})
            time.sleep(0.01)
            if i == 10: open(f"at-{run.config.a}", "w").close()
wandb.agent(sys.argv[1], train)
print("the agent has returned")
"""


def test_a_paused_sweep_hands_out_nothing_until_it_is_resumed(
    tracker: ExperimentTracker, start: Start
) -> None:
    sweep_id = tracker.create_sweep(GRID, "p")
    sweep = tracker.sweep(sweep_id)
    controller = sweep.controller
    first = controller.claim("agent")
    assert not isinstance(first, str)
    assert sweep.state == "RUNNING"
    sweep.pause()
    agent = start(LOG_A, sweep_id)
    assert agent.stdout is not None
    assert "Waiting for job" in wait_for(agent.stdout.readline, "a word of the agent")
    assert controller.claim("agent") == WAIT
    assert len(sweep.trials) == 1
    controller.end("agent", first.number, "finished")
    sweep.resume()
    ended(agent)
    assert states(sweep) == ["finished"] * 4


def test_cancel_stops_what_runs(tracker: ExperimentTracker, start: Start) -> None:
    sweep_id = tracker.create_sweep(GRID, "p")
    sweep = tracker.sweep(sweep_id)
    agent = start(SLOW, sweep_id)
    wait_for((Path(tracker.path).parent / "at-0").exists, "the first trial")
    sweep.cancel()
    out = ended(agent)
    assert "the agent has returned" in out
    assert "the sweep was canceled" in out
    [trial] = sweep.trials
    assert trial.state == "stopped"
    assert trial.properties["reason"] == "the sweep was canceled"
    run = tracker.get_run(trial.run_id)
    assert (run.state, run.exit_code) == ("failed", 1)
    assert run.metadata["sweep_stop"] == "the sweep was canceled"
    assert sweep.controller.claim("another") == OVER


def test_finish_lets_what_runs_end(tracker: ExperimentTracker) -> None:
    sweep = tracker.sweep(tracker.create_sweep(GRID, "p"))
    trial = sweep.controller.claim("agent")
    assert not isinstance(trial, str)
    sweep.finish()
    assert sweep.controller.beat("agent", trial.number) is None
    assert sweep.controller.claim("agent") == OVER
    assert sweep.controller.end("agent", trial.number, "finished") == "finished"


@pytest.mark.parametrize(
    ("before", "move", "possible"),
    [
        ("PENDING", "pause", False),
        ("RUNNING", "pause", True),
        ("PAUSED", "pause", True),
        ("FINISHED", "pause", False),
        ("PENDING", "finish", True),
        ("PAUSED", "finish", True),
        ("FINISHED", "finish", False),
        ("CANCELED", "finish", False),
        ("RUNNING", "cancel", True),
        ("FINISHED", "cancel", False),
        ("FINISHED", "resume", True),
        ("CANCELED", "resume", True),
    ],
)
def test_which_states_follow_which(
    tracker: ExperimentTracker, before: str, move: str, possible: bool
) -> None:
    sweep = tracker.sweep(tracker.create_sweep(GRID, "p"))
    with tracker._store.sweeps(write=True) as tables:
        tables.update_sweep(sweep.sweep_id, state=before)
    if possible:
        getattr(sweep, move)()
        assert sweep.state != before or before == "PAUSED"
    else:
        with pytest.raises(SweepStateError, match=sweep.sweep_id):
            getattr(sweep, move)()
        assert sweep.state == before


@posix
def test_ctrl_c_stops_the_trial_and_returns(tracker: ExperimentTracker, start: Start) -> None:
    sweep_id = tracker.create_sweep(GRID, "p")
    sweep = tracker.sweep(sweep_id)
    agent = start(SLOW, sweep_id)
    wait_for((Path(tracker.path).parent / "at-0").exists, "the first trial")
    agent.send_signal(signal.SIGINT)
    out = ended(agent)
    assert "Ctrl + C detected. Stopping sweep." in out
    assert "the agent has returned" in out
    [trial] = sweep.trials
    assert trial.state == "pending"
    cut = tracker.get_run(trial.run_id)
    assert (cut.state, cut.exit_code) == ("failed", 1)
    assert sweep.state == "RUNNING"
    # What was cut short is done again, by whoever comes next.
    ended(start(LOG_A, sweep_id))
    assert [t.params["a"] for t in sweep.trials] == [0, 1, 2, 3]
    assert states(sweep) == ["finished"] * 4
    assert sweep.trials[0].run_id != cut.run_id


@posix
def test_sigterm_ends_the_run_and_hands_the_trial_back(
    tracker: ExperimentTracker, start: Start
) -> None:
    sweep_id = tracker.create_sweep(GRID, "p")
    sweep = tracker.sweep(sweep_id)
    agent = start(SLOW, sweep_id)
    wait_for((Path(tracker.path).parent / "at-0").exists, "the first trial")
    agent.send_signal(signal.SIGTERM)
    ended(agent, code=-signal.SIGTERM)
    [trial] = sweep.trials
    assert trial.state == "pending"
    assert tracker.get_run(trial.run_id).state == "killed"


def test_interruptions_are_no_deaths(tracker: ExperimentTracker) -> None:
    sweep = tracker.sweep(tracker.create_sweep({**GRID, "parameters": {"a": {"value": 1}}}, "p"))
    controller = sweep.controller
    for number in range(5):
        trial = controller.claim(f"agent {number}")
        assert not isinstance(trial, str)
        assert sweep.best() is None
        run_id = tracker.start_run("p", run_id=trial.run_id)
        tracker.log_metric(run_id, "loss", 1.0)
        tracker.end_run(run_id, "Killed")
        controller.end(f"agent {number}", trial.number, "interrupted", "Ctrl-C")
        assert states(sweep) == ["pending"]
        # What was cut short says nothing of the parameters.
        assert sweep.best() is None
    trial = controller.claim("last")
    assert not isinstance(trial, str)
    run_id = tracker.start_run("p", run_id=trial.run_id)
    tracker.log_metric(run_id, "loss", 3.0)
    tracker.end_run(run_id, "Completed")
    controller.end("last", trial.number, "finished")
    [trial] = sweep.trials
    assert sweep.value(trial) == 3.0
    assert "reason" not in trial.properties
    assert len(trial.properties["attempts"]) == 5


def test_an_agent_that_dies_after_its_run_costs_no_value(tracker: ExperimentTracker) -> None:
    sweep = tracker.sweep(tracker.create_sweep(GRID, "p"))
    trial = sweep.controller.claim("one")
    assert not isinstance(trial, str)
    run_id = tracker.start_run("p", run_id=trial.run_id)
    tracker.log_metric(run_id, "loss", 2.5)
    tracker.end_run(run_id, "Completed")
    sweep.controller.timeout = -1.0
    sweep.controller.claim("two")
    assert states(sweep) == ["finished", "running"]
    assert sweep.value(sweep.trials[0]) == 2.5
    best = sweep.best()
    assert best is not None
    assert best.run_id == run_id


def test_a_run_that_was_being_preempted_goes_on_elsewhere(tracker: ExperimentTracker) -> None:
    sweep = tracker.sweep(tracker.create_sweep(GRID, "p"))
    trial = sweep.controller.claim("one")
    assert not isinstance(trial, str)
    with tracker.run("p", run_id=trial.run_id) as run:
        run.update(state="preempting")
        run.flush()
        sweep.controller.timeout = -1.0
        again = sweep.controller.claim("two")
    assert not isinstance(again, str)
    assert (again.run_id, again.number) == (trial.run_id, trial.number)
    assert again.properties == {"resume": True}


def test_the_clock_of_another_machine_may_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    here = agent_name()
    there = "elsewhere/" + here.split("/", 1)[1]
    now, passed = time.time(), time.monotonic()

    def trial(agent: str, age: float) -> TrialRecord:
        return TrialRecord("s", 1, "r", {}, None, "running", agent, now, now - age, {})

    watch = Watch()
    assert not watch.is_lost(trial(here, 1e6), 60.0)  # the process is there
    container = here.replace("/", "/999", 1).replace("@", "@7")
    assert watch.is_lost(trial(container, 61.0), 60.0)
    assert not watch.is_lost(trial(container, 59.0), 60.0)
    assert watch.is_lost(trial(there, 61.0 + MOST_SKEW), 60.0)
    assert not watch.is_lost(trial(there, 300.0), 60.0)
    assert not watch.is_lost(trial(there, -300.0), 60.0)
    monkeypatch.setattr(time, "monotonic", lambda: passed + 120.0)
    assert watch.is_lost(trial(there, -300.0), 60.0)
    assert not watch.is_lost(trial(there, -299.0), 60.0)  # it has beaten meanwhile


# -- failures ------------------------------------------------------------------------------------

FAILING = """
import json, sys, synadb.wandb_compat as wandb
calls = []
def train():
    run = wandb.init()
    calls.append(run.config.a)
    if run.config.a in json.loads(sys.argv[2]):
        raise ValueError(f"bad {run.config.a}")
wandb.agent(sys.argv[1], train, **json.loads(sys.argv[3]))
print("calls", len(calls))
"""


@pytest.mark.parametrize(
    ("bad", "options", "env", "calls", "said"),
    [
        (range(20), {}, {}, 3, "Detected 3 failed runs in the first 60 seconds"),
        ([0, 2, 4], {}, {}, 5, "Detected 3 failed runs in the first 60 seconds"),
        (range(20), {}, {"WANDB_AGENT_DISABLE_FLAPPING": "true"}, 6, "Detected 5 failed runs in a"),
        (
            range(20),
            {},
            {
                "WANDB_AGENT_DISABLE_FLAPPING": "true",
                "WANDB_AGENT_MAX_INITIAL_FAILURES": "8",
            },
            9,
            "Detected 8 failed runs in a",
        ),
        (
            range(1, 20),
            {},
            {"WANDB_AGENT_DISABLE_FLAPPING": "true"},
            20,
            "Sweep Agent: Exiting.",
        ),
        ([0, 2, 3], {"max_consecutive_failed_runs": 2}, {}, 4, "Detected 2 consecutive failed"),
        (range(20), {"count": 2}, {}, 2, "errored: bad 1"),
        (range(20), {}, {"WANDB_AGENT_MAX_INITIAL_FAILURES": "0"}, 1, "Detected 0 failed runs"),
    ],
)
def test_when_an_agent_gives_up(
    tracker: ExperimentTracker,
    run_script: RunScript,
    bad: Any,
    options: dict[str, Any],
    env: dict[str, str],
    calls: int,
    said: str,
) -> None:
    config = {"method": "grid", "parameters": {"a": {"values": list(range(20))}}}
    sweep_id = tracker.create_sweep(config, "p")
    found = run_script(FAILING, sweep_id, json.dumps(list(bad)), json.dumps(options), env=env)
    assert f"calls {calls}\n" in found.stdout
    assert said in found.stderr
    sweep = tracker.sweep(sweep_id)
    assert len(sweep.trials) == calls
    for trial in sweep.trials:
        failed = trial.params["a"] in bad
        assert trial.state == ("failed" if failed else "finished")
        run = tracker.get_run(trial.run_id)
        assert (run.state, run.exit_code) == (("failed", 1) if failed else ("finished", 0))
        if failed:
            assert trial.properties["reason"] == f"ValueError: bad {trial.params['a']}"
            assert any("ValueError" in line.line for line in tracker.console(run.run_id))


def test_sys_exit_ends_a_trial_with_its_code(
    tracker: ExperimentTracker, run_script: RunScript
) -> None:
    sweep_id = tracker.create_sweep(GRID, "p")
    run_script(
        """
import sys, synadb.wandb_compat as wandb
def train():
    wandb.init()
    sys.exit(wandb.config.a)
wandb.agent(sys.argv[1], train, count=2)
""",
        sweep_id,
    )
    sweep = tracker.sweep(sweep_id)
    assert states(sweep) == ["finished", "failed"]
    assert [run.exit_code for run in sweep.runs] == [0, 1]


def test_a_trial_that_kills_its_agents_is_given_up(tracker: ExperimentTracker) -> None:
    sweep_id = tracker.create_sweep({**GRID, "parameters": {"a": {"value": 1}}}, "p")
    controller = Controller(tracker._store, sweep_id)
    controller.timeout = -1.0
    for agent in ("one", "two", "three"):
        trial = controller.claim(agent)
        assert not isinstance(trial, str)
    assert controller.claim("four") == OVER
    [trial] = tracker.sweep(sweep_id).trials
    assert trial.state == "crashed"
    assert "3 agents" in trial.properties["reason"]
    assert tracker.sweep(sweep_id).state == "FINISHED"


def test_wrong_arguments_are_refused(
    tracker: ExperimentTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    import synadb.wandb_compat as wandb

    monkeypatch.setenv("SYNADB_PATH", tracker.path)
    sweep_id = tracker.create_sweep(GRID, "p")
    agent: Any = wandb.agent
    with pytest.raises(TypeError, match="callable"):
        agent(sweep_id, "train")
    with pytest.raises(TypeError, match="integer"):
        agent(sweep_id, print, max_consecutive_failed_runs=True)
    with pytest.raises(ValueError, match="at least 1"):
        agent(sweep_id, print, max_consecutive_failed_runs=0)
    with pytest.raises(wandb.UsageError, match="entity/project/sweep"):
        agent(f"a/b/c/{sweep_id}", print)
    with pytest.raises(wandb.CommError, match="nothere"):
        agent("nothere", print)
    with pytest.raises(wandb.CommError, match="belongs to 'p'"):
        agent(sweep_id, print, project="q")
    with pytest.raises(wandb.CommError, match="names no program"):
        agent(sweep_id)


# -- inside a trial ------------------------------------------------------------------------------


def test_what_a_trial_sees(tracker: ExperimentTracker, run_script: RunScript) -> None:
    config = {
        "method": "grid",
        "parameters": {
            "lr": {"value": 1e-05},
            "net": {"parameters": {"depth": {"values": [3]}, "act": {"value": None}}},
        },
    }
    sweep_id = tracker.create_sweep(config, "searched")
    found = run_script(
        """
import json, os, sys, threading, yaml, synadb.wandb_compat as wandb
def train():
    assert threading.current_thread() is not threading.main_thread()
    assert wandb.agents.pyagent.is_running()
    run = wandb.init(project="other", id="mine", entity="me", name="called", tags=["t"],
        group="g", config={"lr": 5, "net": {"depth": 1, "width": 2}, "free": 1})
    run.config.update({"lr": 7, "net": {}, "free": 2}, allow_val_change=True)
    run.config.lr = 8
    with open(os.environ["WANDB_SWEEP_PARAM_PATH"]) as file:
        params = yaml.safe_load(file)
    print(json.dumps({
        "config": dict(run.config), "sweep": run.sweep_id, "project": run.project,
        "id": run.id, "env": os.environ["WANDB_RUN_ID"], "entity": run.entity,
        "sweep_env": os.environ["WANDB_SWEEP_ID"], "params": params, "name": run.name,
        "path": os.environ["WANDB_SWEEP_PARAM_PATH"], "url": run.sweep_url}))
wandb.agent(sys.argv[1], train)
assert not wandb.agents.pyagent.is_running()
assert wandb.run is None
print(sorted(name for name in os.environ if name.startswith(("WANDB_", "SYNADB_"))))
with wandb.init(project="after", id="ordinary") as run:
    print(run.sweep_id, run.project, run.id)
""",
        sweep_id,
    )
    seen = json.loads(found.stdout.splitlines()[0])
    assert seen["config"] == {
        "lr": 1e-05,
        "net": {"depth": 3, "act": None, "width": 2},
        "free": 2,
    }
    assert (seen["sweep"], seen["sweep_env"]) == (sweep_id, sweep_id)
    assert (seen["project"], seen["entity"], seen["name"]) == ("searched", "", "called")
    assert seen["id"] == seen["env"]
    assert seen["params"] == {
        "wandb_version": 1,
        "lr": {"value": 1e-05},
        "net": {"value": {"depth": 3, "act": None}},
    }
    assert seen["path"].endswith(f"wandb/sweep-{sweep_id}/config-{seen['id']}.yaml")
    assert seen["url"].endswith(f"searched/sweeps/{sweep_id}")
    assert found.stdout.splitlines()[1:] == ["[]", "None after ordinary"]
    for text in (
        "Ignoring project 'other' when running a sweep.",
        "Ignoring run_id 'mine' when running a sweep.",
        "Ignoring entity 'me' when running a sweep.",
        "Config item 'lr' was locked by 'sweep' (ignored update).",
        f"Agent Starting Run: {seen['id']} with config:",
    ):
        assert text in found.stderr
    [run] = tracker.sweep(sweep_id).runs
    assert (run.tags, run.group) == (("t",), "g")


def test_a_second_init_in_a_trial_is_a_run_of_its_own(
    tracker: ExperimentTracker, run_script: RunScript
) -> None:
    sweep_id = tracker.create_sweep({**GRID, "run_cap": 2}, "p")
    run_script(
        """
import sys, synadb.wandb_compat as wandb
def train():
    for fold in range(3):
        with wandb.init(group="folds") as run:
            run.log({"loss": fold})
wandb.agent(sys.argv[1], train)
""",
        sweep_id,
    )
    sweep = tracker.sweep(sweep_id)
    assert len(sweep.runs) == 6
    assert [run.summary["loss"] for run in sweep.runs] == [0, 1, 2] * 2
    assert sum("by_hand" not in trial.properties for trial in sweep.trials) == 2
    assert sweep.state == "FINISHED"


def test_a_run_joins_a_sweep_by_hand(tracker: ExperimentTracker, run_script: RunScript) -> None:
    sweep_id = tracker.create_sweep(GRID, "p")
    run_script(
        """
import sys, synadb.wandb_compat as wandb
with wandb.init(settings={"sweep_id": sys.argv[1]}, config={"a": 2, "z": 1}) as run:
    run.log({"loss": -5.0})
""",
        sweep_id,
    )
    run_script(LOG_A, sweep_id)
    sweep = tracker.sweep(sweep_id)
    assert [trial.params["a"] for trial in sweep.trials] == [2, 0, 1, 3]
    assert states(sweep) == ["finished"] * 4
    assert sweep.best_config == {"a": 2}
    best = sweep.best()
    assert best is not None
    assert best.experiment == "p"


def test_a_program_whose_trial_was_handed_on_is_no_second_trial(
    tracker: ExperimentTracker, run_script: RunScript, tmp_path: Path
) -> None:
    sweep = tracker.sweep(tracker.create_sweep(GRID, "p"))
    trial = sweep.controller.claim("one")
    assert not isinstance(trial, str)
    path = tmp_path / f"config-{trial.run_id}.yaml"
    path.write_text("wandb_version: 1\na: {value: 0}\n")
    sweep.controller.timeout = -1.0
    again = sweep.controller.claim("two")
    assert not isinstance(again, str)
    assert again.number == 1
    found = run_script(
        "import synadb.wandb_compat as wandb\nwandb.init().log({'loss': 1.0})",
        env={
            "WANDB_RUN_ID": trial.run_id,
            "WANDB_SWEEP_ID": sweep.sweep_id,
            "WANDB_SWEEP_PARAM_PATH": str(path),
        },
    )
    assert "was handed to another one" in found.stderr
    assert tracker.get_run(trial.run_id).row_count == 1
    assert len(sweep.trials) == 1


def test_a_run_by_hand_counts_as_soon_as_it_ends(tracker: ExperimentTracker) -> None:
    sweep = tracker.sweep(tracker.create_sweep(GRID, "p"))
    with tracker.run("p", config={"a": 2}) as run:
        sweep.controller.add_run(tracker.get_run(run.run_id))
        assert states(sweep) == ["running"]
        run.log({"loss": -5.0})
    assert states(sweep) == ["finished"]
    best = sweep.best()
    assert best is not None
    assert best.run_id == run.run_id


def test_a_preempted_run_goes_on(tracker: ExperimentTracker, run_script: RunScript) -> None:
    sweep_id = tracker.create_sweep({**GRID, "parameters": {"a": {"value": 1}}}, "p")
    run_script(
        """
import sys, synadb.wandb_compat as wandb
seen = []
def train():
    run = wandb.init()
    seen.append((run.id, run.starting_step, run.resumed))
    run.log({"loss": 1.0})
    run.log({"loss": 2.0})
    if len(seen) == 1:
        run.mark_preempting()
        raise RuntimeError("the machine goes away")
wandb.agent(sys.argv[1], train)
assert seen[0][0] == seen[1][0], seen
assert seen[0][1:] == (0, False) and seen[1][1:] == (2, True), seen
""",
        sweep_id,
    )
    sweep = tracker.sweep(sweep_id)
    assert states(sweep) == ["finished"]
    [run] = sweep.runs
    assert (run.state, run.row_count) == ("finished", 4)


# -- the grid's points ---------------------------------------------------------------------------


def test_a_deleted_run_frees_its_point(tracker: ExperimentTracker, run_script: RunScript) -> None:
    sweep_id = tracker.create_sweep(GRID, "p")
    run_script(LOG_A, sweep_id)
    sweep = tracker.sweep(sweep_id)
    tracker.delete_run(sweep.trials[1].run_id)
    assert len(sweep.trials) == 3
    sweep.resume()
    run_script(LOG_A, sweep_id)
    assert [trial.params["a"] for trial in sweep.trials] == [0, 2, 3, 1]


def test_prior_runs_are_trials(tracker: ExperimentTracker) -> None:
    with tracker.run("p", config={"a": 1, "other": 5}) as run:
        run.log({"loss": 0.25})
        run.log({"loss": 0.5})
    sweep = tracker.sweep(tracker.create_sweep(GRID, "p", prior_runs=[run.run_id]))
    [trial] = sweep.trials
    assert (trial.params, trial.state) == ({"a": 1}, "finished")
    assert sweep.value(trial) == 0.25
    assert tracker.get_run(run.run_id).sweep_id == sweep.sweep_id
    found = []
    while not isinstance(trial := sweep.controller.claim("me"), str):  # type: ignore[assignment]
        found.append(trial.params["a"])
        sweep.controller.end("me", trial.number, "finished")
    assert found == [0, 2, 3]
    assert sweep.best_config == {"a": 1}


def test_an_enqueued_run_comes_first(tracker: ExperimentTracker) -> None:
    sweep = tracker.sweep(tracker.create_sweep(GRID, "p"))
    run_id = sweep.enqueue({"a": 3})
    trial = sweep.controller.claim("me")
    assert not isinstance(trial, str)
    assert (trial.run_id, trial.params) == (run_id, {"a": 3})
    rest = [sweep.controller.claim("me") for _ in range(4)]
    assert [t if isinstance(t, str) else t.params["a"] for t in rest] == [0, 1, 2, WAIT]


def test_the_target_ends_a_sweep(tracker: ExperimentTracker, run_script: RunScript) -> None:
    config = {**GRID, "metric": {"name": "loss", "goal": "maximize", "target": 2}}
    sweep_id = tracker.create_sweep(config, "p")
    run_script(LOG_A, sweep_id)
    sweep = tracker.sweep(sweep_id)
    assert [trial.params["a"] for trial in sweep.trials] == [0, 1, 2]
    assert sweep.state == "FINISHED"
    assert sweep.record.properties["reason"] == "the target was reached"
    sweep.resume()
    assert "reason" not in sweep.record.properties


def test_the_same_seed_gives_the_same_random_trials(tracker: ExperimentTracker) -> None:
    config = {"method": "random", "parameters": {"a": {"min": 0.0, "max": 1.0}}}
    found = []
    for seed in (7, 7, 8):
        controller = tracker.sweep(tracker.create_sweep(config, "p", seed=seed)).controller
        trials = [controller.claim("me") for _ in range(5)]
        found.append([trial.params["a"] for trial in trials if not isinstance(trial, str)])
    assert found[0] == found[1] != found[2]
    assert len(set(found[0])) == 5


def test_a_plain_loop_groups_without_a_sweep(tracker: ExperimentTracker) -> None:
    for lr, depth in itertools.product([0.1, 0.2], [1, 2]):
        run_id = tracker.start_run("loop", ["search"], group="search-1")
        tracker.log_param(run_id, "lr", lr)
        tracker.log_param(run_id, "depth", depth)
        tracker.log_metric(run_id, "loss", lr * depth)
        tracker.end_run(run_id)
    tracker.end_run(tracker.start_run("loop"))
    found = tracker.list_runs("loop", where={"group": "search-1"}, order="summary.loss")
    assert [run.summary["loss"] for run in found] == [0.1, 0.2, 0.2, 0.4]
    assert len(tracker.list_runs(where={"tags": ("search",)})) == 4


# -- command agents ------------------------------------------------------------------------------

MACROS = """
import json, os, sys
with open(f"seen-{os.environ['WANDB_RUN_ID']}.json", "w") as file:
    json.dump({"argv": sys.argv[1:], "sweep": os.environ["WANDB_SWEEP_ID"]}, file)
import wandb
with wandb.init() as run:
    run.log({"loss": 1})
"""


def test_macros_reach_the_program(
    tracker: ExperimentTracker, run_script: RunScript, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text(MACROS)
    everything = [
        "${args}",
        "--",
        "${args_no_hyphens}",
        "${args_no_boolean_flags}",
        "${args_no_equals}",
        "${args_json}",
        "${args_json_file}",
        "${args_append_hydra}",
        "${args_override_hydra}",
        "x=${envvar:SHOWN}/${envvar:NOT_SET}",
        "${unknown}",
        7,
    ]
    config = {
        "method": "grid",
        "program": "train.py",
        "command": ["${env}", "${interpreter}", "${program}", *everything],
        "parameters": {
            "flag": {"value": True},
            "off": {"value": False},
            "lr": {"value": 0.5},
            "names": {"value": ["a", "b c"]},
        },
    }
    sweep_id = tracker.create_sweep(config, "p")
    source = "import sys, synadb.wandb_compat as wandb\nwandb.agent(sys.argv[1])"
    found = run_script(source, sweep_id, env={"SHOWN": "value"})
    [run] = tracker.sweep(sweep_id).runs
    assert run.state == "finished"
    assert run.summary["loss"] == 1
    seen = json.loads((tmp_path / f"seen-{run.run_id}.json").read_text())
    params = {"flag": True, "lr": 0.5, "names": ["a", "b c"], "off": False}
    plain = ["flag=True", "lr=0.5", "names=['a', 'b c']", "off=False"]
    json_file = str(tmp_path / "wandb" / f"sweep-{sweep_id}" / f"config-{run.run_id}.json")
    assert seen["argv"] == [
        *(f"--{text}" for text in plain),
        "--",
        *plain,
        *("--flag", "--lr=0.5", "--names=['a', 'b c']"),
        *("--flag", "True", "--lr", "0.5", "--names", "['a', 'b c']", "--off", "False"),
        json.dumps(params),
        json_file,
        *(f"+{text}" for text in plain),
        *(f"++{text}" for text in plain),
        "x=value/NOT_SET",
        "7",
    ]
    assert json.loads(Path(json_file).read_text()) == params
    assert seen["sweep"] == sweep_id
    assert "About to run command: " in found.stderr


def command_sweep(tracker: ExperimentTracker, tmp_path: Path, program: str, **more: Any) -> Sweep:
    (tmp_path / "train.py").write_text(program)
    config = {**GRID, "program": "train.py", **more}
    return tracker.sweep(tracker.create_sweep(config, "p"))


COMMAND_AGENT = """
import json, sys, synadb.wandb_compat as wandb
wandb.agent(sys.argv[1], **json.loads(sys.argv[2]) if sys.argv[2:] else {})
print("the agent has returned")
"""

HANGING = """
import os, subprocess, sys, time
import wandb
run = wandb.init()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
run.log({"loss": 0.0})
with open("pids.part", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
os.replace("pids.part", "pids")
time.sleep(600)
"""


def pids(tmp_path: Path) -> list[int]:
    path = wait_for(lambda: (tmp_path / "pids").exists() and tmp_path / "pids", "the program")
    return [int(pid) for pid in path.read_text().split()]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        if Path("/proc/self/stat").exists():
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True
    return state != "Z"


@posix
def test_programs_that_fail_are_counted(
    tracker: ExperimentTracker, run_script: RunScript, tmp_path: Path
) -> None:
    sweep = command_sweep(tracker, tmp_path, "import sys; sys.exit(3)")
    found = run_script(COMMAND_AGENT, sweep.sweep_id)
    assert "Detected 3 failed runs in the first 60 seconds" in found.stderr
    assert states(sweep) == ["failed"] * 3
    assert sweep.trials[0].properties["reason"] == "exit code 3"
    killed = command_sweep(tracker, tmp_path, "import os; os.kill(os.getpid(), 9)")
    run_script(COMMAND_AGENT, killed.sweep_id)
    assert states(killed) == ["killed"] * 4
    assert killed.trials[0].properties["reason"] == "ended by SIGKILL"


@posix
def test_programs_that_all_fail_are_given_up(
    tracker: ExperimentTracker, run_script: RunScript, tmp_path: Path
) -> None:
    parameters = {"a": {"values": list(range(9))}}
    sweep = command_sweep(tracker, tmp_path, "raise SystemExit(3)", parameters=parameters)
    found = run_script(COMMAND_AGENT, sweep.sweep_id, env={"WANDB_AGENT_DISABLE_FLAPPING": "true"})
    assert "Detected 5 failed runs in a row at start, shutting down." in found.stderr
    assert states(sweep) == ["failed"] * 5


@posix
def test_a_sweep_that_is_deleted_ends_its_command_agents(
    tracker: ExperimentTracker, start: Start, tmp_path: Path
) -> None:
    sweep = command_sweep(tracker, tmp_path, "import time; open('up', 'w'); time.sleep(1)")
    agent = start(COMMAND_AGENT, sweep.sweep_id)
    wait_for((tmp_path / "up").exists, "the program")
    tracker.delete_sweep(sweep.sweep_id)
    out = ended(agent, code=1)
    assert "Sweep was deleted or agent was not found." in out
    assert "CommError" in out


@posix
def test_cancel_kills_the_programs_group(
    tracker: ExperimentTracker, start: Start, tmp_path: Path
) -> None:
    sweep = command_sweep(tracker, tmp_path, HANGING)
    agent = start(COMMAND_AGENT, sweep.sweep_id)
    group = pids(tmp_path)
    sweep.cancel()
    out = ended(agent)
    assert "the agent has returned" in out
    assert not any(map(alive, group))
    assert states(sweep) == ["stopped"]


@posix
def test_a_stopped_program_gets_sigterm_then_sigkill(
    tracker: ExperimentTracker, start: Start, tmp_path: Path
) -> None:
    stubborn = HANGING.replace(
        "run.log", "import signal; signal.signal(signal.SIGTERM, print)\nrun.log"
    )
    sweep = command_sweep(tracker, tmp_path, stubborn, run_cap=1)
    agent = start(COMMAND_AGENT, sweep.sweep_id, env={"WANDB_AGENT_KILL_DELAY": "1"})
    group = pids(tmp_path)
    sweep.controller.stop(1, "it lags behind")
    out = ended(agent)
    assert "Stopping run" in out
    assert "it lags behind" in out
    assert not any(map(alive, group))
    [trial] = sweep.trials
    assert (trial.state, trial.properties["reason"]) == ("stopped", "it lags behind")


@posix
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_agent_leaves_no_orphan(
    tracker: ExperimentTracker, start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    sweep = command_sweep(tracker, tmp_path, HANGING)
    agent = start(COMMAND_AGENT, sweep.sweep_id, env={"WANDB_AGENT_KILL_DELAY": "5"})
    group = pids(tmp_path)
    agent.send_signal(number)
    assert agent.wait(60) == -number
    wait_for(lambda: not any(map(alive, group)), "the end of the program")
    wait_for(lambda: sweep.runs[0].state == "killed", "the run's end")


@posix
def test_what_a_program_leaves_behind_ends_with_it(
    tracker: ExperimentTracker, start: Start, tmp_path: Path
) -> None:
    sweep = command_sweep(tracker, tmp_path, HANGING.replace("time.sleep(600)\n", "run.finish()\n"))
    agent = start(COMMAND_AGENT, sweep.sweep_id, '{"count": 1}')
    group = pids(tmp_path)
    ended(agent)
    assert not any(map(alive, group))
    assert states(sweep) == ["finished"]


@posix
def test_ctrl_c_waits_then_asks_then_kills(
    tracker: ExperimentTracker, start: Start, tmp_path: Path
) -> None:
    stubborn = HANGING.replace(
        "run.log",
        "import signal; signal.signal(signal.SIGTERM, lambda *_: open('asked', 'w'))\nrun.log",
    )
    sweep = command_sweep(tracker, tmp_path, stubborn)
    agent = start(COMMAND_AGENT, sweep.sweep_id)
    group = pids(tmp_path)
    seen = ""
    for text in ("Waiting for runs to end", "Terminating and syncing", "Killing runs"):
        agent.send_signal(signal.SIGINT)
        while text not in seen:
            line = agent.stdout.readline()  # type: ignore[union-attr]
            assert line, seen
            seen += line
        if "Terminating" in text:
            wait_for((tmp_path / "asked").exists, "SIGTERM")
            assert alive(group[0])
    out = ended(agent)
    assert "the agent has returned" in out
    assert not any(map(alive, group))
    assert states(sweep) == ["pending"]


@posix
def test_signals_are_forwarded(tracker: ExperimentTracker, start: Start, tmp_path: Path) -> None:
    heeding = """
import os, signal, sys, time, wandb
run = wandb.init()
signal.signal(signal.SIGUSR1, lambda *_: open("usr1", "w"))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with open("pids.part", "w") as file: file.write(str(os.getpid()))
os.replace("pids.part", "pids")
while True: time.sleep(0.05)  # a signal right before a long one is seen at its end only
"""
    sweep = command_sweep(tracker, tmp_path, heeding)
    agent = start(COMMAND_AGENT, sweep.sweep_id, '{"forward_signals": true}')
    [program] = pids(tmp_path)
    agent.send_signal(signal.SIGUSR1)
    wait_for((tmp_path / "usr1").exists, "SIGUSR1")
    assert alive(program)
    agent.send_signal(signal.SIGTERM)
    out = ended(agent)
    assert "the agent has returned" in out
    assert not alive(program)
    assert states(sweep) == ["finished"]


@posix
def test_a_program_that_takes_too_long_after_a_signal_is_killed(
    tracker: ExperimentTracker, start: Start, tmp_path: Path
) -> None:
    stubborn = HANGING.replace(
        "run.log", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nrun.log"
    )
    sweep = command_sweep(tracker, tmp_path, stubborn)
    options = '{"forward_signals": true, "term_timeout": 1}'
    agent = start(COMMAND_AGENT, sweep.sweep_id, options)
    group = pids(tmp_path)
    agent.send_signal(signal.SIGTERM)
    ended(agent)
    assert not any(map(alive, group))


# -- wandb.controller ----------------------------------------------------------------------------


def test_a_local_controller_chooses_the_trials(
    tracker: ExperimentTracker, start: Start, run_script: RunScript
) -> None:
    found = run_script(
        """
import synadb.wandb_compat as wandb
from synadb.wandb_compat.wandb_controller import ControllerError
def search(config, runs):
    if len(runs) == 3:
        return None
    return {"a": {"value": 10 * len(runs)}}
tuner = wandb.controller(project="p")
try:
    tuner.run()
except ControllerError as error:
    print(error)
tuner.configure_search(search)
tuner.configure_parameter("a", values=[1, 2])
tuner.configure_metric("loss", goal="maximize")
tuner.configure_controller(type="local")
sweep_id = tuner.create()
import threading
def train():
    with wandb.init() as run:
        run.log({"loss": run.config.a})
thread = threading.Thread(target=wandb.agent, args=(sweep_id, train))
thread.start()
tuner.run(verbose=True)
thread.join()
print(tuner.sweep_config["metric"], tuner.sweep_id)
""",
        timeout=100,
    )
    [record] = tracker.list_sweeps()
    sweep = tracker.sweep(record.sweep_id)
    assert [trial.params for trial in sweep.trials] == [{"a": 0}, {"a": 10}, {"a": 20}]
    assert states(sweep) == ["finished"] * 3
    assert sweep.state == "FINISHED"
    assert "Must specify or create a sweep before running controller." in found.stdout
    assert f"Sweep: {record.sweep_id} (custom) | Runs: 0" in found.stdout
    assert "INFO: Schedule (a=0)" in found.stdout
    assert f"{{'name': 'loss', 'goal': 'maximize'}} {record.sweep_id}" in found.stdout


# -- searches that learn, and early stopping -----------------------------------------------------


def test_bayes_in_several_processes(tracker: ExperimentTracker, start: Start) -> None:
    config = {
        "method": "bayes",
        "metric": {"name": "loss"},
        "run_cap": 24,
        "parameters": {
            "x": {"min": 0.0, "max": 1.0},
            "kind": {"values": ["a", "b"]},
            "n": {"min": 1, "max": 3},
        },
    }
    sweep_id = tracker.create_sweep(config, "p")
    source = LOG_A.replace(
        "float(run.config.a)", "(run.config.x - 0.3) ** 2 + (run.config.kind == 'b')"
    )
    for agent in [start(source, sweep_id) for _ in range(3)]:
        ended(agent)
    sweep = tracker.sweep(sweep_id)
    assert len(sweep.trials) == 24
    assert states(sweep) == ["finished"] * 24
    best = sweep.best_trial()
    assert best is not None
    assert best.params["kind"] == "a"
    assert sweep.value(best) is not None
    assert sweep.value(best) < 0.02  # type: ignore[operator]


def test_a_discrete_space_is_searched_without_repeats(tracker: ExperimentTracker) -> None:
    config = {
        "method": "bayes",
        "metric": {"name": "loss"},
        "parameters": {"a": {"values": [1, 2, 3]}, "b": {"values": ["x", "y"]}},
    }
    sweep = tracker.sweep(tracker.create_sweep(config, "p"))
    points = []
    for number in range(6):
        trial = sweep.controller.claim(f"agent {number}")  # six in flight
        assert not isinstance(trial, str)
        points.append((trial.params["a"], trial.params["b"]))
    assert sorted(points) == sorted(itertools.product([1, 2, 3], "xy"))


LAGGING = """
import sys, time, synadb.wandb_compat as wandb
def train():
    with wandb.init() as run:
        for i in range(3000):
            run.log({"loss": float(run.config.a)})
            if run.config.a: time.sleep(0.01)
wandb.agent(sys.argv[1], train)
"""


def test_what_lags_behind_is_stopped(tracker: ExperimentTracker, run_script: RunScript) -> None:
    config = {
        **GRID,
        "parameters": {"a": {"values": [0, 1, 2]}},
        "early_terminate": {"type": "hyperband", "min_iter": 3},
    }
    sweep_id = tracker.create_sweep(config, "p")
    found = run_script(LAGGING, sweep_id)
    sweep = tracker.sweep(sweep_id)
    assert states(sweep) == ["finished", "stopped", "stopped"]
    for trial in sweep.trials[1:]:
        reason = trial.properties["reason"]
        assert "loss" in reason
        assert f"Stopping run {trial.run_id}: {reason}" in found.stderr
        run = tracker.get_run(trial.run_id)
        assert run.metadata["sweep_stop"] == reason
        assert 0 < run.row_count < 3000
        assert (run.state, run.exit_code) == ("failed", 1)
    assert "Detected" not in found.stderr
    assert "Traceback" not in found.stderr


@posix
def test_a_program_that_lags_behind_is_stopped(
    tracker: ExperimentTracker, run_script: RunScript, tmp_path: Path
) -> None:
    program = LAGGING.replace("synadb.wandb_compat as wandb", "wandb").replace(
        "wandb.agent(sys.argv[1], train)", "train()"
    )
    sweep = command_sweep(
        tracker,
        tmp_path,
        program,
        parameters={"a": {"values": [0, 1]}},
        early_terminate={"type": "hyperband", "min_iter": 3},
    )
    run_script(COMMAND_AGENT, sweep.sweep_id)
    assert states(sweep) == ["finished", "stopped"]
    assert sweep.runs[1].state == "killed"


# -- claims, as a model --------------------------------------------------------------------------


class Claims(RuleBasedStateMachine):
    """Agents that come, end and die in any order hand out each point of a grid once."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.tracker = ExperimentTracker(Path(self.folder.name) / "e.db")
        config = {
            "method": "grid",
            "metric": {"name": "loss"},
            "parameters": {"a": {"values": [1, 2, 3]}, "b": {"values": ["x", "y"]}},
        }
        self.sweep = self.tracker.sweep(self.tracker.create_sweep(config, "p"))
        self.controller = self.sweep.controller
        self.held: dict[str, int] = {}
        self.number = 0

    @rule()
    def claim(self) -> None:
        self.number += 1
        agent = f"agent {self.number}"
        found = self.controller.claim(agent)
        if isinstance(found, str):
            assert self.sweep.state == "PAUSED" or self._all_given()
            return
        assert self.sweep.state == "RUNNING"
        self.held[agent] = found.number

    @precondition(lambda self: self.held)
    @rule(data=st.data(), state=st.sampled_from(["finished", "failed", "stopped", "interrupted"]))
    def end(self, data: st.DataObject, state: str) -> None:
        agent = data.draw(st.sampled_from(sorted(self.held)))
        recorded = self.controller.end(agent, self.held.pop(agent), state)
        assert recorded == ("pending" if state == "interrupted" else state)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        agent = data.draw(st.sampled_from(sorted(self.held)))
        number = self.held.pop(agent)
        with self.tracker._store.sweeps(write=True) as tables:
            tables.update_trial(self.sweep.sweep_id, number, heartbeat=0.0)

    @rule()
    def pause_or_resume(self) -> None:
        with contextlib.suppress(SweepStateError):
            if self.sweep.state == "PAUSED":
                self.sweep.resume()
            else:
                self.sweep.pause()

    @invariant()
    def no_point_twice(self) -> None:
        points = [trial.point for trial in self.sweep.trials]
        assert len(points) == len(set(points)) <= 6
        running = [trial for trial in self.sweep.trials if trial.state == "running"]
        owners = {trial.agent: trial.number for trial in running}
        assert self.held.items() <= owners.items()

    def _all_given(self) -> bool:
        open_states = {"running", "pending", "preempted"}
        states = {trial.state for trial in self.sweep.trials}
        finished = self.sweep.state == "FINISHED"
        return len(self.sweep.trials) == 6 and (not (states & open_states) or not finished)

    def teardown(self) -> None:
        if self.sweep.state == "PAUSED":
            self.sweep.resume()
        for agent, number in self.held.items():
            self.controller.end(agent, number, "finished")
        for _ in range(30):
            found = self.controller.claim("last")
            if isinstance(found, str):
                break
            self.controller.end("last", found.number, "finished")
        assert sorted((t.params["a"], t.params["b"]) for t in self.sweep.trials) == sorted(
            itertools.product([1, 2, 3], "xy")
        )
        assert self.sweep.state == "FINISHED"
        assert self.tracker.check().ok
        self.tracker.close()
        self.folder.cleanup()


TestClaims = Claims.TestCase
TestClaims.settings = hypothesis.settings(max_examples=20, stateful_step_count=25)

"""`synadb compare`: the comparison of recordings, the child and its measuring, and the whole."""

from __future__ import annotations

import ast
import copy
import dataclasses
import importlib.util
import json
import math
import os
import re
import subprocess
import sys
import time
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synadb.bench import compare as compare_module
from synadb.bench.compare import compare
from synadb.bench.diff import diff, path_to, same_value
from synadb.bench.difference import MISSING, Difference
from synadb.bench.plot import MatplotlibMissingError, draw
from synadb.bench.recorded import Recorded, RecordedRun, read_wandb
from synadb.bench.report import Comparison, document, medians, percentile
from synadb.bench.terminal import table
from synadb.bench.trial import SYNADB, WANDB, CompareError, Trial, run_trial
from synadb.cli import main
from synadb.cli.compare import split
from tests.conftest import ROOT, run_python

if TYPE_CHECKING:
    from tests.conftest import RunScript

CHILD = ROOT / "synadb" / "bench" / "child.py"
SUPERVISE = ROOT / "synadb" / "bench" / "supervise.py"

needs_wandb = pytest.mark.skipif(
    importlib.util.find_spec("wandb") is None, reason="wandb is not installed"
)
needs_matplotlib = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="matplotlib is not installed"
)

# --- the difference of two recordings -------------------------------------------------------------

keys = st.text(min_size=1, max_size=5).filter(lambda key: not key.startswith("_"))
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
trees = st.dictionaries(keys, values, max_size=4)


@st.composite
def runs(draw: st.DrawFn) -> RecordedRun:
    steps = sorted(draw(st.sets(st.integers(0, 50), max_size=5)))
    return RecordedRun(
        project=draw(st.text(max_size=5)),
        entity=draw(st.text(max_size=3)),
        run_id=draw(st.sampled_from(["abcd1234", "ijkl5678", "mine", "mine2"])),
        name=draw(st.sampled_from(["", "brisk-otter-1", "calm-owl-2", "mine"])),
        tags=draw(st.lists(st.text(max_size=5), max_size=3)),
        exit_code=draw(st.sampled_from([None, 0, 1, 3])),
        config=draw(trees),
        summary=draw(trees),
        history=[{"_step": step, **draw(trees)} for step in steps],
    )


recordings = st.builds(Recorded, st.lists(runs(), max_size=3))


@given(recordings)
def test_a_recording_is_the_same_as_its_copy(recorded: Recorded) -> None:
    assert diff(recorded, copy.deepcopy(recorded)) == []


@given(recordings, recordings)
def test_the_difference_reads_the_same_from_both_sides(a: Recorded, b: Recorded) -> None:
    there, back = diff(a, b), diff(b, a)
    assert bool(there) == bool(back)

    def place(found: Difference) -> str:
        return re.sub(r"^runs\[\d+\]", "run", found.path)  # the number is that of the left side

    assert {(place(d), repr(d.left), repr(d.right)) for d in there if "history" not in d.path} == {
        (place(d), repr(d.right), repr(d.left)) for d in back if "history" not in d.path
    }


def every_leaf(value: Any, path: str) -> list[tuple[str, Any, Any]]:
    """(path, container, key) of each leaf below a dict or list."""
    found: list[tuple[str, Any, Any]] = []
    for key in value if isinstance(value, dict) else range(len(value)):
        place, inner = path_to(path, key), value[key]
        if isinstance(inner, (dict, list)) and inner:
            found += every_leaf(inner, place)
        else:
            found.append((place, value, key))
    return found


@given(recordings, st.data())
def test_one_change_is_found_where_it_is(recorded: Recorded, data: st.DataObject) -> None:
    changed = copy.deepcopy(recorded)
    places = [
        leaf
        for number, run in enumerate(changed.runs)
        for field in ("config", "summary", "history", "tags")
        for leaf in every_leaf(getattr(run, field), f"runs[{number}].{field}")
        if leaf[2] != "_step"
    ]
    if not places:
        return
    place, container, key = data.draw(st.sampled_from(places))
    before = container[key]
    container[key] = after = data.draw(values)
    found = diff(recorded, changed)
    assert bool(found) != same_value(before, after, exact=".config" in place)
    for difference in found:  # several, where a list or a dict took the leaf's place
        assert difference.path.startswith(place)


@given(runs(), st.data())
def test_a_missing_row_is_one_difference(run: RecordedRun, data: st.DataObject) -> None:
    if not run.history:
        return
    whole, short = Recorded([run]), Recorded([copy.deepcopy(run)])
    number = data.draw(st.integers(0, len(run.history) - 1))
    row = short.runs[0].history.pop(number)
    [difference] = diff(whole, short)
    assert difference.path == f"runs[0].history[{number}]"
    assert difference.right is MISSING
    assert same_value(difference.left, row)
    [back] = diff(short, whole)
    assert back.left is MISSING


def test_paths() -> None:
    rows = [{"_step": step, "loss": step / 2, "d": {"x": [1, {"y": 2}]}} for step in range(20)]
    a = Recorded([RecordedRun("p", config={"a b": 1, "a.b": 1, "val/x": 1}, history=rows)])
    b = copy.deepcopy(a)
    b.runs[0].history[17]["loss"] = 0
    b.runs[0].history[18]["d"]["x"][1]["y"] = "2"
    b.runs[0].config |= {"a.b": True, "val/x": None}
    b.runs[0].project = "q"
    b.runs.append(RecordedRun("second"))
    assert [str(difference) for difference in diff(a, b)] == [
        "runs[0].project: 'p' / 'q'",
        "runs[0].config['a.b']: 1 / True",
        "runs[0].config.val/x: 1 / None",
        "runs[0].history[17].loss: 8.5 / 0",
        "runs[0].history[18].d.x[1].y: 2 / '2'",
        "runs[1]: (missing) / \"a run of 'second' with 0 rows\"",
    ]


def test_rows_in_another_order_are_different() -> None:
    a = Recorded([RecordedRun(history=[{"_step": 0, "x": 1}, {"_step": 1, "x": 2}])])
    b = Recorded([RecordedRun(history=[{"_step": 1, "x": 2}, {"_step": 0, "x": 1}])])
    assert len(diff(a, b)) == 4


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (1, 1.0, True),
        (0.0, -0.0, True),
        (math.nan, math.nan, True),
        (math.nan, 0.0, False),
        (math.inf, -math.inf, False),
        (True, 1, False),
        (False, 0.0, False),
        (True, True, True),
        ("1", 1, False),
        (None, 0, False),
        (None, None, True),
        (None, math.nan, False),
        (2**63 - 1, float(2**63), False),
        (2**64 + 1, float(2**64), True),
        (10**400, math.inf, True),
        ([1, 2], [1.0, 2.0], True),
        ([1, 2], [1], False),
        ([], {}, False),
        ({}, {"a": 1}, False),
        ({"a": {"b": math.nan}}, {"a": {"b": math.nan}}, True),
    ],
)
def test_the_rule_for_values(a: Any, b: Any, same: bool) -> None:
    assert same_value(a, b) is same
    assert same_value(b, a) is same


@pytest.mark.parametrize(
    ("a", "b", "in_rows", "in_config"),
    [
        (2**64, 2**64 + 1, False, False),
        (2**64 + 1, float(2**64), True, False),
        (2**64, float(2**64), True, True),
        (10**400, math.inf, True, False),
        (1, 1.0, True, True),
        ({"x": [2**64]}, {"x": [2**64 + 1]}, False, False),
        ({"x": [2**64 + 1]}, {"x": [float(2**64)]}, True, False),
    ],
)
def test_integers_beyond_64_bits_are_exact_in_a_config(
    a: Any, b: Any, in_rows: bool, in_config: bool
) -> None:
    for x, y in ((a, b), (b, a)):
        assert same_value(x, y) is in_rows
        assert same_value(x, y, exact=True) is in_config
        left = Recorded([RecordedRun(config={"k": x}, history=[{"_step": 0, "k": x}])])
        right = Recorded([RecordedRun(config={"k": y}, history=[{"_step": 0, "k": y}])])
        assert [difference.path.removeprefix("runs[0].") for difference in diff(left, right)] == [
            *["config.k" + ".x[0]" * isinstance(a, dict)] * (not in_config),
            *["history[0].k" + ".x[0]" * isinstance(a, dict)] * (not in_rows),
        ]


@pytest.mark.parametrize(
    ("field", "a", "b", "same"),
    [
        ("name", "", "brisk-otter-1", True),  # offline wandb makes no name up
        ("name", "", "mine", False),
        ("name", "mine", "mine", True),
        ("name", "mine", "brisk-otter-1", False),
        ("name", "lr-sweep-1", "lr-sweep-2", False),
        ("run_id", "abcd1234", "efgh5678", True),  # both drawn
        ("run_id", "mine", "efgh5678", False),
        ("run_id", "mine", "mine", True),
        ("entity", "team", "", False),
        ("exit_code", 3, 4, False),
        ("exit_code", 1, 255, False),
        ("exit_code", None, 0, False),
    ],
)
def test_what_a_run_is_called_and_how_it_ended(field: str, a: Any, b: Any, same: bool) -> None:
    for x, y in ((a, b), (b, a)):
        found = diff(Recorded([RecordedRun(**{field: x})]), Recorded([RecordedRun(**{field: y})]))
        assert [difference.path for difference in found] == [f"runs[0].{field}"] * (not same)


# --- the child ------------------------------------------------------------------------------------

FAKE_WANDB = {
    "__init__.py": """
import time
time.sleep(0.05)
from .sdk.wandb_run import Run
__version__ = "9.9"
def init(**kwargs):
    "Starts a run."
    time.sleep(0.02)
    global log
    run = Run()
    log = run.log
    return run
""",
    "sdk/__init__.py": "",
    "sdk/wandb_run.py": """
import atexit, time
class Run:
    dir = "/nowhere/run-1/files"
    def log(self, row, step=None):
        "Logs."
        time.sleep(0.001)
        return row
    def finish(self, exit_code=None):
        time.sleep(0.01)
    def __enter__(self):
        return self
    def __exit__(self, *error):
        self.finish()
""",
}


@pytest.fixture
def fake_wandb(tmp_path: Path) -> Path:
    folder = tmp_path / "fake"
    for name, text in FAKE_WANDB.items():
        path = folder / "wandb" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def run_child(
    tmp_path: Path, text: str, *args: str, path: Path | None = None, check: bool = True
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any], list[int]]:
    script = tmp_path / "scripts" / "script.py"
    script.parent.mkdir(exist_ok=True)
    script.write_text(text, encoding="utf-8")
    out = tmp_path / "out"
    environment = {} if path is None else {"PYTHONPATH": str(path)}
    done = run_python(
        [str(CHILD), str(out), str(script), *args], tmp_path, env=environment, check=check
    )
    if not out.exists():
        return done, {}, []
    logs = array("q")
    logs.frombytes(Path(f"{out}.log").read_bytes())
    return done, ast.literal_eval(out.read_text(encoding="utf-8")), list(logs)


def test_calls_are_timed(tmp_path: Path, fake_wandb: Path) -> None:
    script = """
import wandb
run = wandb.init()
for i in range(3):
    assert wandb.log({"a": i}) == {"a": i}
    run.log({"a": i}, step=4)
run.finish()
with wandb.init() as run:
    pass
assert wandb.init.__doc__ == "Starts a run." and wandb.Run.log.__doc__ == "Logs."
assert type(wandb.__spec__.loader).__name__ == "SourceFileLoader"
"""
    _, timings, logs = run_child(tmp_path, script, path=fake_wandb)
    assert timings["version"] == "9.9"
    assert timings["import"] >= 50e6
    assert [ns >= 20e6 for ns in timings["inits"]] == [True, True]
    assert [ns >= 10e6 for ns in timings["finishes"]] == [True, True], "a with-block finishes once"
    assert [ns >= 1e6 for ns in logs] == [True] * 6
    assert timings["ended"] - timings["started"] >= 110e6


def test_a_script_without_wandb(tmp_path: Path) -> None:
    _, timings, logs = run_child(tmp_path, "print('hi')")
    assert (timings["import"], timings["inits"], logs) == (None, [], [])


def test_a_failed_import_is_the_scripts_own_affair(tmp_path: Path) -> None:
    script = "try:\n    import wandb.nothing\nexcept ImportError:\n    print('none')"
    empty = tmp_path / "empty"
    (empty / "wandb").mkdir(parents=True)  # run files: an empty package
    done, timings, _ = run_child(tmp_path, script, path=empty)
    assert done.stdout == "none\n"
    assert timings["inits"] == []


LOOK = """
import json, os, sys
import beside
print(json.dumps([sys.argv, sys.path, __name__, __file__, __spec__ is None, __doc__, os.getcwd(),
                  sys.modules["__main__"].__dict__ is globals(), sorted(globals()), beside.X]))
"""


def test_the_script_sees_what_it_would_see_alone(tmp_path: Path) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "beside.py").write_text("X = 1", encoding="utf-8")
    done, _, _ = run_child(tmp_path, LOOK, "--flag", "a b")
    script = str(folder / "script.py")
    alone = run_python([script, "--flag", "a b"], tmp_path)
    assert json.loads(done.stdout) == json.loads(alone.stdout)


def test_nothing_is_imported_for_the_script(tmp_path: Path) -> None:
    script = "import sys; print(*sorted(sys.modules))"
    done, _, _ = run_child(tmp_path, script)
    alone = run_python([str(tmp_path / "scripts" / "script.py")], tmp_path)
    assert set(done.stdout.split()) - set(alone.stdout.split()) <= {
        "__future__",
        "atexit",
        "itertools",
        "mmap",
    }


@pytest.mark.parametrize(
    ("text", "code"),
    [("import sys; sys.exit(3)", 3), ("1/0", 1), ("raise SystemExit", 0), ("x = ", 1)],
)
def test_exit_codes(tmp_path: Path, text: str, code: int) -> None:
    done, timings, _ = run_child(tmp_path, text, check=False)
    assert done.returncode == code
    assert timings["ended"] >= timings["started"]


def test_an_uncaught_error_reaches_the_excepthook(tmp_path: Path) -> None:
    script = "import sys\nsys.excepthook = lambda *e: print('hook', e[0].__name__)\n1/0"
    done, _, _ = run_child(tmp_path, script, check=False)
    assert done.stdout == "hook ZeroDivisionError\n"


def test_a_script_that_leaves_without_exit_handlers(tmp_path: Path) -> None:
    done, timings, _ = run_child(tmp_path, "import os; os._exit(0)")
    assert done.returncode == 0
    assert timings == {}


def test_processes_of_the_script(tmp_path: Path, fake_wandb: Path) -> None:
    script = """
import multiprocessing, os, wandb
def work(x):
    return x + 1
if __name__ == "__main__":
    wandb.init().log({})
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(work, [1]))
    if hasattr(os, "fork"):
        child = os.fork()
        if child == 0:
            wandb.log({})
            raise SystemExit  # through the exit handlers, like a forgotten os._exit
        os.waitpid(child, 0)
"""
    done, timings, logs = run_child(tmp_path, script, path=fake_wandb)
    assert done.stdout == "[2]\n"
    assert (len(timings["inits"]), len(logs)) == (1, 1)


def test_unseeded_random_numbers_are_the_same_each_time(tmp_path: Path) -> None:
    script = "import random, numpy.random as r\nprint(random.random(), r.rand())"
    assert run_child(tmp_path, script)[0].stdout == run_child(tmp_path, script)[0].stdout


# --- measuring ------------------------------------------------------------------------------------


def supervise(tmp_path: Path, text: str, grace: float = 30) -> dict[str, Any]:
    spec = {
        "command": [sys.executable, "-c", text],
        "env": dict(os.environ),
        "stdout": str(tmp_path / "stdout"),
        "stderr": str(tmp_path / "stderr"),
        "grace": grace,
    }
    done = subprocess.run(
        [sys.executable, str(SUPERVISE)],
        input=json.dumps(spec),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


BUSY = "import time\nend = time.process_time() + {seconds}\nwhile time.process_time() < end: pass\n"
ORPHAN = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {code!r}], start_new_session=True)
time.sleep(0.2)
"""


def test_cpu_and_wall(tmp_path: Path) -> None:
    measured = supervise(tmp_path, BUSY.format(seconds=0.3) + "time.sleep(0.2)")
    assert measured["exit_code"] == 0
    assert 0.3 <= measured["cpu"] < 0.8
    assert (measured["ended"] - measured["started"]) / 1e9 >= 0.5


def test_a_helper_that_outlives_the_script_counts(tmp_path: Path) -> None:
    measured = supervise(tmp_path, ORPHAN.format(code=BUSY.format(seconds=0.6)))
    assert measured["cpu"] >= (0.6 if sys.platform == "linux" else 0.3)
    assert measured["all_ended"] - measured["ended"] >= 0.1e9
    assert measured["most_processes"] == 2
    assert measured["ended_by_force"] == []


def test_a_helper_that_never_ends_is_ended(tmp_path: Path) -> None:
    start = time.monotonic()
    measured = supervise(tmp_path, ORPHAN.format(code="import time; time.sleep(1000)"), grace=0.3)
    assert len(measured["ended_by_force"]) == 1
    assert time.monotonic() - start < 20


def test_memory_of_all_processes(tmp_path: Path) -> None:
    hold = "x = bytearray(b'x') * 50_000_000\nimport time; time.sleep(0.5)"
    one = supervise(tmp_path, hold)["peak_memory"]
    both = supervise(tmp_path, ORPHAN.format(code=hold) + hold)["peak_memory"]
    assert 50e6 < one < 100e6
    assert both > one + 45e6


def test_a_signal_is_a_negative_exit_code(tmp_path: Path) -> None:
    text = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    assert supervise(tmp_path, text)["exit_code"] == -15


# --- the report -----------------------------------------------------------------------------------


def trial(side: str, factor: float = 1) -> Trial:
    return Trial(
        side,
        importing=0.5 * factor,
        inits=[0.4 * factor, 0.06 * factor],
        logs=[n * 2e-6 * factor for n in range(1, 202)],
        finishes=[0.01 * factor],
        leaving=0.1 * factor,
        wall=2.0 * factor,
        wall_of_all=2.5 * factor,
        cpu=3.0 * factor,
        peak_memory=int(100e6 * factor),
        processes=3,
        files=10,
        bytes=int(1e6 * factor),
    )


def comparison(**changes: Any) -> Comparison:
    recorded = Recorded([RecordedRun("p", history=[{"_step": 0, "x": 1, "d": {"a": 1, "b": [1]}}])])
    both = Comparison(
        ["examples/demo.py", "--fast"],
        {"wandb": "0.31.0", "SynaDB": "0.1.0"},
        {"wandb": [trial("wandb", n) for n in (4, 6, 5)], "SynaDB": [trial("SynaDB")] * 3},
        {"wandb": recorded, "SynaDB": recorded},
        [[], [], []],
    )
    return dataclasses.replace(both, **changes)


def test_percentile() -> None:
    hundred = [float(n) for n in range(100, 0, -1)]
    assert [percentile(hundred, p) for p in (1, 50, 99, 100)] == [1, 50, 99, 100]
    assert percentile([3.0], 99) == 3.0


def test_medians_over_repeats() -> None:
    found = medians(comparison().trials["wandb"])
    assert found["wall"] == 10.0
    assert found["log_p99"] == pytest.approx(398e-6 * 5)
    assert found["log_sum"] == pytest.approx(sum(range(202)) * 2e-6 * 5)
    assert found["later_init"] == pytest.approx(0.3)
    assert medians([Trial("wandb", wall=1.0)])["log_median"] is None


def test_table() -> None:
    text = table(comparison())
    lines = text.splitlines()
    assert lines[0] == "examples/demo.py --fast under wandb (0.31.0), SynaDB (0.1.0)"
    assert lines[2].split() == ["wandb", "SynaDB", "wandb", "/", "SynaDB"]
    shown = {line[:28].strip(): line[28:].split() for line in lines[4:20]}
    assert shown["log call, median"] == ["1.01", "ms", "202", "\u00b5s", "5.00x"]
    assert shown["first init"] == ["2.00", "s", "400", "ms", "5.00x"]
    assert shown["peak memory, all processes"] == ["500", "MB", "100", "MB", "5.00x"]
    assert shown["files left on disk"] == ["10", "10", "1.00x"]
    assert len({len(line) for line in lines[3:18]}) == 1, "aligned"
    assert lines[-1] == "recorded the same: 1 run, 1 row, 3 values"
    assert max(map(len, lines)) <= 100


def test_table_of_one_side() -> None:
    whole = comparison()
    alone = comparison(
        versions={"SynaDB": "0.1.0"},
        trials={"SynaDB": whole.trials["SynaDB"]},
        recorded={"SynaDB": whole.recorded["SynaDB"]},
        differences=None,
    )
    lines = table(alone).splitlines()
    assert lines[2].split() == ["SynaDB"]
    assert lines[-1] == "recorded by SynaDB: 1 run, 1 row, 3 values"
    assert document(alone)["ratio"] is None


def test_table_of_differences() -> None:
    found = [Difference(f"runs[0].history[{n}].x", n, "y" * 500) for n in range(50)]
    text = table(comparison(differences=[[], found, []], unsteady=found[:1]))
    assert "recorded differently (wandb / SynaDB):\n  runs[0].history[0].x: 0 / 'yyy" in text
    assert "and 30 more differences" in text
    assert "does not record the same twice under wandb either: runs[0].history[0].x\n" in text
    assert "recorded the same" not in text


def test_table_says_what_is_missing() -> None:
    whole = comparison()
    quiet = [Trial("wandb", wall=1.0, ended_by_force=["helper"])]
    trials = {"wandb": quiet, "SynaDB": whole.trials["SynaDB"]}
    text = table(comparison(trials=trials))
    assert "wandb: the script left without its exit handlers; calls are not timed" in text
    assert "wandb: ended by force, long after the script: helper" in text
    assert [line.split()[2:] for line in text.splitlines() if line.startswith("first init")] == [
        ["-", "400", "ms", "-"]
    ]


def test_what_cannot_be_read_is_not_called_the_same() -> None:
    unread = comparison(problems=["wandb: run-x.wandb: cut"])
    lines = table(unread).splitlines()
    assert "cannot be read in full: wandb: run-x.wandb: cut" in lines
    assert lines[-1] == (
        "recorded the same as far as it can be read (see above): 1 run, 1 row, 3 values"
    )
    assert not unread.good
    found = document(unread)
    assert (found["same"], found["problems"]) == (False, ["wandb: run-x.wandb: cut"])


def test_nothing_is_not_the_same() -> None:
    nothing = comparison(recorded={"wandb": Recorded(), "SynaDB": Recorded()})
    assert table(nothing).splitlines()[-1] == (
        "nothing was recorded by wandb or SynaDB: no run was started, or none but disabled ones"
    )
    assert not nothing.good
    assert document(nothing)["same"] is False
    assert comparison().good
    assert document(comparison())["same"] is True
    assert not comparison(differences=[[], [Difference("x", 1, 2)]]).good


def test_the_report_says_how_late_steps_are_treated() -> None:
    assert "SYNADB_LATE_STEPS=drop is set here" in table(comparison())


def test_document_is_json() -> None:
    nan = Difference("runs[0].summary.x", math.nan, MISSING)
    found = json.loads(json.dumps(document(comparison(differences=[[nan]])), allow_nan=False))
    assert found["same"] is False
    [[difference]] = found["differences"]
    assert difference == {
        "part": "",
        "path": nan.path,
        "left": "nan",
        "right": "(missing)",
        "detail": "",
        "reason": "",
    }
    assert found["ratio"]["wall"] == 5.0
    assert found["machine"]["cpus"] >= 1
    assert found["machine"]["sqlite"][0].isdigit()
    assert len(found["trials"]["wandb"]) == 3
    assert found["trials"]["SynaDB"][0]["logs"]["count"] == 201


@needs_matplotlib
@pytest.mark.slow
def test_plot(tmp_path: Path) -> None:
    path = tmp_path / "times.png"
    draw(comparison(), path)
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(CompareError, match=r"times\.xyz"):
        draw(comparison(), tmp_path / "times.xyz")


def test_plot_without_matplotlib(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MatplotlibMissingError, match=r"pip install '\.\[compare\]'"):
        draw(comparison(), tmp_path / "times.png")


# --- the command line -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "own", "rest"),
    [
        ("s.py", "", "s.py"),
        ("s.py --epochs 3", "", "s.py --epochs 3"),
        ("--repeat 2 s.py --epochs 3", "--repeat 2", "s.py --epochs 3"),
        ("s.py --epochs 3 --repeat 2 --json f", "--repeat 2 --json f", "s.py --epochs 3"),
        ("s.py a --json=f", "--json=f", "s.py a"),
        ("s.py --json f a", "", "s.py --json f a"),
        ("s.py -- --json f", "", "s.py --json f"),
        ("s.py a -- b -- c", "", "s.py a b -- c"),
        ("--plot=p -- s.py --repeat 3", "--plot=p", "s.py --repeat 3"),
        ("--repeat 2 s.py --plot p", "--repeat 2 --plot p", "s.py"),
        ("-h", "-h", ""),
        ("s.py -h", "", "s.py -h"),
        ("", "", ""),
    ],
)
def test_whose_option_is_it(line: str, own: str, rest: str) -> None:
    assert split(line.split()) == (own.split(), rest.split())


def test_no_such_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "nowhere.py"]) == 2
    assert "there is no script nowhere.py" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("compare", "which script?"),
        ("compare --repeat 0 x.py", "takes a whole number from 1 on, not '0'"),
        ("compare --repeat x x.py", "takes a whole number from 1 on, not 'x'"),
        ("compare --repeat -1 x.py", "--repeat"),
        ("compare --nope x.py", "unrecognized arguments: --nope"),
    ],
)
def test_bad_usage(line: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("usage: synadb compare")
    assert text in err
    assert "_positive" not in err


# --- the whole ------------------------------------------------------------------------------------

SMALL = """
import sys, wandb
wandb.init(project="small", config={"lr": 0.1, "n": {"x": [1, 2]}}, tags=["b", "a"], group="g")
for i in range(int(sys.argv[1])):
    wandb.log({"loss": 1 / (i + 1), "even": i % 2 == 0, "n": {"i": i}, "nan": float("nan")})
wandb.summary["best"] = 1.0
wandb.finish()
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    (work / "small.py").write_text(SMALL, encoding="utf-8")
    return "small.py"


def without_wandb(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_version(side: Any, folder: Path, timeout: float | None) -> str | None:
        return "0.1" if side is SYNADB else None

    monkeypatch.setattr(compare_module, "find_version", find_version)


@pytest.mark.slow
def test_synadb_alone(
    small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without_wandb(monkeypatch)
    assert main(["compare", small, "20", "--repeat", "1"]) == 0
    out, err = capsys.readouterr()
    assert "wandb is not installed here" in err
    assert out.splitlines()[-1].startswith("recorded by SynaDB: 1 run, 20 rows, ")
    assert os.listdir(".") == [small], "nothing is left in the current folder"


@pytest.mark.slow
def test_a_script_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without_wandb(monkeypatch)
    script = tmp_path / "broken.py"
    script.write_text("import wandb\nwandb.init()\nraise ValueError('broken here')")
    assert main(["compare", "--repeat", "1", str(script)]) == 2
    err = capsys.readouterr().err
    assert "broken here" in err
    assert "the script failed under SynaDB (exit code 1)" in err


@needs_wandb
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_both_sides(small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report, kept = tmp_path / "report.json", tmp_path / "kept"
    line = ["compare", small, "30", "--repeat", "2", "--json", str(report), "--keep", str(kept)]
    assert main(line) == 0, capsys.readouterr()
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == (
        "recorded the same: 1 run, 30 rows, 120 values, 2 config values, 6 summary values"
    )
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["same"] is True
    for side in ("wandb", "SynaDB"):
        for each in found["trials"][side]:
            assert each["logs"]["count"] == 30
            assert (len(each["inits"]), len(each["finishes"])) == (1, 1)
            assert 0 < each["import"] < each["wall"] <= each["wall_of_all"]
            assert each["files"] >= 1
            assert each["bytes"] > 0
    assert (kept / "synadb" / "experiments.db").is_file()
    assert list((kept / "wandb").rglob("run-*.wandb"))
    assert os.listdir(".") == [small], "nothing is left in the current folder"
    assert main(line) == 2, "the recordings of two comparisons do not mix"
    assert f"{kept / 'wandb'} is not empty: name another folder" in capsys.readouterr().err


@needs_wandb
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_difference_is_found(small: str, tmp_path: Path) -> None:
    script = tmp_path / "different.py"
    script.write_text(
        "import os, wandb\n"
        "with wandb.init(project='p') as run:\n"
        "    run.log({'x': 'synadb' in wandb.init.__module__})\n"
        "    run.log({'y': os.urandom(4).hex()})\n"
    )
    found = compare([str(script)], repeat=2)
    assert found.differences is not None
    for each in found.differences:
        assert {d.path for d in each if "summary" not in d.path} == {
            "runs[0].history[0].x",
            "runs[0].history[1].y",
        }
    assert {d.path for d in found.unsteady} == {"runs[0].history[1].y", "runs[0].summary.y"}


@needs_wandb
@pytest.mark.slow
def test_a_script_that_records_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "nothing.py"
    script.write_text("import wandb")
    assert main(["compare", str(script), "--repeat", "1"]) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("nothing was recorded by wandb or")


@needs_wandb
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_differences_beside_the_rows_are_found(tmp_path: Path) -> None:
    script = tmp_path / "beside.py"
    script.write_text(
        "import wandb\n"
        "ours = 'synadb' in wandb.init.__module__\n"
        "run = wandb.init(project='p', id='right' if ours else 'left', name='n')\n"
        "run.name = 'right' if ours else 'left'\n"
        "run.config['big'] = 2**64 + ours\n"
        "run.finish(3 + ours)\n"
    )
    found = compare([str(script)], repeat=1)
    assert found.differences is not None
    assert [str(difference) for difference in found.differences[0]] == [
        "runs[0].run_id: 'left' / 'right'",
        "runs[0].name: 'left' / 'right'",
        "runs[0].exit_code: 3 / 4",
        f"runs[0].config.big: {2**64} / {2**64 + 1}",
    ]
    assert not found.good


@needs_wandb
@pytest.mark.slow
def test_a_damaged_recording_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "one_row.py"
    script.write_text("import wandb\nwith wandb.init(project='p') as run:\n    run.log({'x': 1})")

    def damage(folders: list[Path]) -> Recorded:
        for path in folders[0].rglob("run-*.wandb"):
            if not path.is_symlink() and not path.parent.is_symlink():
                path.write_bytes(path.read_bytes() + b"torn, and more than a header of 7 bytes")
        return read_wandb(folders)

    monkeypatch.setattr(compare_module, "read_wandb", damage)
    assert main(["compare", str(script), "--repeat", "1"]) == 1
    out = capsys.readouterr().out
    assert "cannot be read in full: wandb: run-" in out
    assert "recorded the same as far as it can be read" in out.splitlines()[-1]


@needs_wandb
@pytest.mark.slow
def test_a_failure_on_one_side_only(tmp_path: Path) -> None:
    script = tmp_path / "picky.py"
    script.write_text(
        "import wandb\nrun = wandb.init()\nassert 'synadb' in type(run).__module__, 'not here'"
    )
    found = compare([str(script)], repeat=2)
    assert found.failure is not None
    assert "AssertionError: not here" in found.failure.stderr
    assert not found.good
    assert "wandb: the script failed (exit code 1): AssertionError: not here" in table(found)
    assert [len(trials) for trials in found.trials.values()] == [2]
    assert document(found)["failure"]["exit_code"] == 1


@needs_wandb
@pytest.mark.slow
def test_wandb_finds_its_own_folder(tmp_path: Path, small: str) -> None:
    """A script that says where its runs go is read from there."""
    script = tmp_path / "own_dir.py"
    script.write_text(
        f"import wandb\nwandb.init(dir={str(tmp_path)!r})\nwandb.log({{'a': 1}})\nwandb.finish()"
    )
    folder = tmp_path / "trial"
    folder.mkdir()
    made = run_trial(WANDB, [str(script)], folder)
    assert [run.history for run in compare_module.read_back(WANDB, made).runs] == [
        [{"_step": 0, "a": 1}]
    ]
    assert made.files >= 1


@pytest.mark.slow
def test_the_overlay_is_taken_out_for_the_real_one(run_script: RunScript) -> None:
    done = run_script(
        """
import os, sys
from pathlib import Path
from synadb.bench.trial import SYNADB, WANDB
from synadb.wandb_compat._install import overlay_environment
inside = overlay_environment(os.environ)
real = WANDB.environment(inside, Path("."))
ours = SYNADB.environment(os.environ, Path("."))
print("_overlay" in real.get("PYTHONPATH", "") + real["PATH"], "_overlay" in ours["PYTHONPATH"])
"""
    )
    assert done.stdout.split() == ["False", "True"]

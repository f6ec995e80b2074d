"""`wandb.watch`, with a small stand-in for torch, and with torch itself where it is installed."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import synadb.wandb_compat as wandb
from synadb import ExperimentTracker

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import RunScript

np = pytest.importorskip("numpy")

# What wandb.watch uses of torch, on numpy; enough of a backward pass for a sum of outputs.
STAND_IN = """
import collections
import itertools
import types

import numpy as np

float32, float64, float16, int64 = map(np.dtype, ("float32", "float64", "float16", "int64"))
_count = itertools.count()


class _Handle:
    def __init__(self, hooks, hook):
        self.hooks, self.key = hooks, next(_count)
        hooks[self.key] = hook

    def remove(self):
        self.hooks.pop(self.key, None)


class Tensor:
    is_sparse = False
    device = types.SimpleNamespace(type="cpu")

    def __init__(self, data, dtype=float32):
        self.data = np.asarray(data, dtype)

    dtype = property(lambda self: self.data.dtype)
    real = property(lambda self: Tensor(self.data.real, self.data.real.dtype))
    size = property(lambda self: self.data.shape)

    def __array__(self, dtype=None, copy=None):
        return self.data

    def detach(self):
        return self

    def numel(self):
        return self.data.size

    def is_complex(self):
        return self.data.dtype.kind == "c"

    def to(self, dtype):
        return Tensor(self.data, dtype)

    def reshape(self, *shape):
        return Tensor(self.data.reshape(*shape), self.dtype)

    def split(self, size):
        at = range(size, self.data.size, size)
        return [Tensor(part, self.dtype) for part in np.split(self.data, at)]

    def min(self):
        return self.data.min()

    def max(self):
        return self.data.max()

    def histc(self, bins, min, max):
        return np.histogram(self.data, bins, (min, max))[0].astype(float32)

    def tolist(self):
        return self.data.tolist()

    def __getitem__(self, chosen):
        return Tensor(self.data[chosen], self.dtype)


class _Sparse(Tensor):
    is_sparse = True

    def __init__(self, size, rows, values):
        self.rows, self.stored, self.count = rows, values, size

    def numel(self):
        return self.count

    def coalesce(self):
        rows = sorted(set(self.rows))
        summed = [sum(v for r, v in zip(self.rows, self.stored) if r == row) for row in rows]
        return types.SimpleNamespace(values=lambda: Tensor(summed))


class Parameter(Tensor):
    def __init__(self, data, requires_grad=True):
        super().__init__(data)
        self.requires_grad = requires_grad
        self.hooks = {}

    def requires_grad_(self, wanted):
        self.requires_grad = wanted

    def register_hook(self, hook):
        return _Handle(self.hooks, hook)

    def accumulate(self, gradient):
        if self.requires_grad:
            for hook in list(self.hooks.values()):
                assert hook(gradient) is None

    def __deepcopy__(self, memo):
        return Parameter(self.data.copy(), self.requires_grad)

    def __reduce__(self):
        return Parameter, (self.data, self.requires_grad)


class _Sum:
    def __init__(self, backward):
        self.backward = backward

    def sum(self):
        return self


class Module:
    def __init__(self):
        self.forward_hooks = collections.OrderedDict()

    def register_forward_hook(self, hook):
        return _Handle(self.forward_hooks, hook)

    def named_parameters(self):
        for name, value in vars(self).items():
            if isinstance(value, Parameter):
                yield name, value

    def __call__(self, *inputs):
        output = self.forward(*inputs)
        for hook in list(self.forward_hooks.values()):
            assert hook(self, inputs, output) is None
        return output


class Linear(Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = Parameter(np.zeros((outputs, inputs)))
        self.bias = Parameter(np.zeros(outputs))

    def forward(self, x):
        def backward():
            self.weight.accumulate(Tensor(np.tile(x.data.sum(0), (len(self.bias.data), 1))))
            self.bias.accumulate(Tensor(np.full(self.bias.size, float(len(x.data)))))

        return _Sum(backward)


class Embedding(Module):
    def __init__(self, count, width, sparse):
        super().__init__()
        self.weight = Parameter(np.zeros((count, width)))

    def forward(self, rows):
        rows, width = rows.data.astype(int).tolist(), self.weight.size[1]

        def backward():
            ones = [np.ones(width) for _ in rows]
            self.weight.accumulate(_Sparse(self.weight.data.size, rows, ones))

        return _Sum(backward)


nn = types.SimpleNamespace(Module=Module, Linear=Linear, Embedding=Embedding)


def tensor(data, dtype=float32):
    return Tensor(data, dtype)


finfo = np.finfo


def isfinite(tensor):
    return np.isfinite(tensor.data)


def linspace(low, high, steps, dtype, device):
    return Tensor(np.linspace(low, high, steps), dtype)
"""

START = """
import copy, json, pickle, sys
import torch
from torch import nn
import synadb.wandb_compat as wandb

def fill(parameter, values):
    parameter.data[...] = torch.tensor(values)

def backward(model, x):
    model(x).sum().backward()

x = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
model = nn.Linear(2, 1)
fill(model.weight, [[-1.0, 1.0]])
fill(model.bias, [5.0])
run = wandb.init(project="p")
"""


@pytest.fixture(
    params=[
        "stand-in",
        pytest.param(
            "torch",
            marks=pytest.mark.skipif(
                importlib.util.find_spec("torch") is None, reason="torch is not installed"
            ),
        ),
    ]
)
def run_torch(request: pytest.FixtureRequest, run_script: RunScript, tmp_path: Path) -> Any:
    """Run source text after START; returns the rows of the run, and what it printed."""
    if request.param == "stand-in":
        (tmp_path / "torch.py").write_text(STAND_IN, encoding="utf-8")

    def run(source: str) -> tuple[list[dict[str, Any]], subprocess.CompletedProcess[str]]:
        done = run_script(START + source, timeout=100)
        tracker = ExperimentTracker(tmp_path / "experiments.db")
        (record,) = tracker.list_runs("p")
        rows = [
            {key: value for key, value in row.items() if not key.startswith("_")}
            for row in tracker.rows(record.run_id)
        ]
        tracker.close()
        return rows, done

    return run


def histogram(row: dict[str, Any], key: str) -> tuple[list[float], list[float]]:
    value = row[key]
    assert value["_type"] == "histogram"
    assert len(value["bins"]) == len(value["values"]) + 1
    return value["values"], value["bins"]


def test_histograms_join_the_open_row(run_torch: Any) -> None:
    rows, _ = run_torch(
        """
wandb.watch(model, log="all", log_freq=1)
for step in range(2):
    backward(model, x)
    run.log({"loss": step})
"""
    )
    assert [row["loss"] for row in rows] == [0, 1]
    for row in rows:
        assert row.keys() == {
            "loss",
            "parameters/weight",
            "parameters/bias",
            "gradients/weight",
            "gradients/bias",
        }
        counts, bins = histogram(row, "parameters/weight")
        assert counts == [1, *[0] * 62, 1]
        assert bins == [-1 + i / 32 for i in range(65)]
        assert histogram(row, "parameters/bias") == ([1], [5, 5])
        counts, bins = histogram(row, "gradients/weight")
        assert (sum(counts), bins[0], bins[-1]) == (2, 4, 8)
        assert histogram(row, "gradients/bias") == ([1], [2, 2])


def test_only_every_log_freq_th_batch_counts(run_torch: Any) -> None:
    rows, _ = run_torch(
        """
run.watch(model, log="all", log_freq=3)
for step in range(7):
    backward(model, x)
    run.log({"step": step})
"""
    )
    for key in ("parameters/weight", "gradients/bias"):
        assert [row["step"] for row in rows if key in row] == [2, 5]


@pytest.mark.parametrize(
    ("log", "kinds"), [("gradients", {"gradients"}), ("parameters", {"parameters"}), (None, set())]
)
def test_log_chooses_what_is_watched(run_torch: Any, log: str | None, kinds: set[str]) -> None:
    rows, _ = run_torch(
        f"""
wandb.watch(model, log={log!r}, log_freq=1)
backward(model, x)
run.log({{"loss": 1}})
"""
    )
    (row,) = rows
    assert {key.partition("/")[0] for key in row} == {"loss", *kinds}


def test_later_models_have_a_number_before_the_name(run_torch: Any) -> None:
    rows, _ = run_torch(
        """
others = [nn.Linear(2, 1) for _ in range(3)]
wandb.watch([model, others[0]], log="parameters", log_freq=1)
wandb.watch((others[1],), log="parameters", log_freq=1)
wandb.watch(others[2], log="gradients", log_freq=1, idx=9)
for one in (model, *others):
    backward(one, x)
run.log({})
"""
    )
    (row,) = rows
    assert row.keys() == {
        *("parameters/weight", "parameters/bias"),
        *("parameters/graph_1weight", "parameters/graph_1bias"),
        *("parameters/graph_2weight", "parameters/graph_2bias"),
        *("gradients/graph_9weight", "gradients/graph_9bias"),
    }


def test_what_is_not_finite_does_not_count(run_torch: Any) -> None:
    rows, _ = run_torch(
        """
nan, inf = float("nan"), float("inf")
wide = nn.Linear(4, 1)
fill(wide.weight, [[nan, 1.0, -inf, 3.0]])
fill(wide.bias, [nan])
wandb.watch(wide, log="parameters", log_freq=1)
wide(torch.tensor([[0.0] * 4]))
run.log({"loss": 1})
"""
    )
    (row,) = rows
    assert row.keys() == {"loss", "parameters/weight"}
    counts, bins = histogram(row, "parameters/weight")
    assert (sum(counts), bins[0], bins[-1]) == (2, 1, 3)


def test_numbers_at_the_ends_of_the_range(run_torch: Any) -> None:
    rows, _ = run_torch(
        """
fill(model.weight, [[-3.4e38, 3.4e38]])
wandb.watch(model, log="parameters", log_freq=1)
model(x)
run.log({})
"""
    )
    counts, bins = histogram(rows[0], "parameters/weight")
    assert (counts[0], counts[-1], sum(counts)) == (1, 1, 2)
    assert bins == sorted(bins)
    assert [bins[0], bins[-1]] == pytest.approx([-3.4e38, 3.4e38])


def test_the_zeros_of_a_sparse_gradient_count(run_torch: Any) -> None:
    rows, _ = run_torch(
        """
table = nn.Embedding(10, 4, sparse=True)
wandb.watch(table, log_freq=1)
backward(table, torch.tensor([1, 2, 2], dtype=torch.int64))
run.log({})
"""
    )
    counts, bins = histogram(rows[0], "gradients/weight")
    assert (bins[0], bins[-1]) == (0, 2)
    assert counts[0] == 40 - 8
    assert (counts[-1], sum(counts)) == (4, 40)


def test_frozen_parameters_have_no_gradient(run_torch: Any) -> None:
    rows, _ = run_torch(
        """
model.bias.requires_grad_(False)
wandb.watch(model, log_freq=1)
backward(model, x)
run.log({})
"""
    )
    assert rows[0].keys() == {"gradients/weight"}


def test_unwatch_takes_the_hooks_of_a_model_away(run_torch: Any) -> None:
    rows, done = run_torch(
        """
other = nn.Linear(2, 1)
wandb.watch([model, other], log="all", log_freq=1)
def step(number):
    backward(model, x)
    backward(other, x)
    run.log({"step": number})
step(0)
wandb.unwatch(model)
step(1)
wandb.unwatch(model)
wandb.watch(model, log="all", log_freq=1, idx=0)
step(2)
wandb.unwatch()
step(3)
"""
    )
    one = {f"{kind}/{name}" for kind in ("gradients", "parameters") for name in ("weight", "bias")}
    two = {key.replace("/", "/graph_1") for key in one}
    assert [row.keys() - {"step"} for row in rows] == [one | two, two, one | two, set()]
    assert done.stderr.count("Linear model has not been watched") == 1


def test_the_hooks_go_with_the_run(run_torch: Any) -> None:
    rows, done = run_torch(
        """
wandb.watch(model, log="all", log_freq=1)
backward(model, x)
run.log({})
run.finish()
backward(model, x)
hooks = model._forward_hooks if hasattr(model, "_forward_hooks") else model.forward_hooks
tensor_hooks = [p._backward_hooks if hasattr(p, "_backward_hooks") else p.hooks
                for _, p in model.named_parameters()]
print(len(hooks), [len(found or ()) for found in tensor_hooks])
"""
    )
    assert len(rows) == 1
    assert done.stdout.split("\n")[0] == "0 [0, 0]"


def test_a_copy_of_a_watched_model_logs_nothing(run_torch: Any) -> None:
    rows, _ = run_torch(
        """
wandb.watch(model, log="all", log_freq=1)
backward(copy.deepcopy(model), x)
backward(pickle.loads(pickle.dumps(model)), x)
run.log({"loss": 1})
"""
    )
    assert rows[0].keys() == {"loss"}


def test_a_saved_model_loads_where_this_package_is_not(run_torch: Any, run_script: Any) -> None:
    run_torch(
        """
wandb.watch(model, log="all", log_freq=1)
with open("model.bin", "wb") as file:
    pickle.dump(model, file)
"""
    )
    done = run_script(
        """
import pickle, sys
sys.modules["synadb"] = sys.modules["wandb"] = None  # not to be had
import torch
with open("model.bin", "rb") as file:
    model = pickle.load(file)
model(torch.tensor([[1.0, 2.0]])).sum().backward()
print("loaded")
"""
    )
    assert done.stdout == "loaded\n"


def test_bad_arguments_are_refused_before_anything_is_hooked(run_torch: Any) -> None:
    rows, done = run_torch(
        """
def refused(kind, *args, **kwargs):
    try:
        wandb.watch(*args, **kwargs)
    except kind as error:
        print(f"{kind.__name__}: {error}")
    else:
        raise AssertionError((args, kwargs))
refused(ValueError, model, log="weights")
refused(TypeError, [model, 3], log_freq=1)
refused(TypeError, model, log_freq="10")
wandb.watch(model, idx=0, log_freq=1)
refused(ValueError, model, idx=0, log_freq=1)
wandb.unwatch()
backward(model, x)
run.log({"loss": 1})
"""
    )
    assert [row.keys() for row in rows] == [{"loss"}]
    out = done.stdout.split("\n")
    assert "log must be one of 'gradients', 'parameters', 'all', or None" in out[0]
    assert "Expected a pytorch model (torch.nn.Module). Received <class 'int'>" in out[1]
    assert "log_freq" in out[2]
    assert 'A hook has already been set under name "gradients/weight"' in out[3]


def test_parameters_watched_again_under_one_key_are_logged_once(run_torch: Any) -> None:
    rows, _ = run_torch(
        """
wandb.watch(model, log="parameters", log_freq=2, idx=0)
wandb.watch(model, log="parameters", log_freq=1, idx=0)
backward(model, x)
run.log({})
wandb.unwatch(model)
backward(model, x)
run.log({})
"""
    )
    assert [len(row) for row in rows] == [2, 0]


def test_a_tensor_without_a_histogram_ends_no_training(run_torch: Any) -> None:
    rows, done = run_torch(
        """
wandb.watch(model, log="all", log_freq=1)
def fails(*args, **kwargs):
    raise RuntimeError("no such operation on this device")
torch.linspace = fails
for step in range(3):
    backward(model, x)
    run.log({"step": step})
"""
    )
    # One element needs no bins.
    assert [row.keys() for row in rows] == [{"step", "gradients/bias", "parameters/bias"}] * 3
    assert done.stderr.count("no histogram of gradients/weight: no such operation") == 1


def test_models_are_held_by_the_script_alone(run_torch: Any) -> None:
    _, done = run_torch(
        """
import gc, weakref
for number in range(3):
    one = nn.Linear(2, 1)
    wandb.watch(one, log="all", log_freq=1)
    gone = weakref.ref(one)
    del one
    gc.collect()
    print(gone())
"""
    )
    assert done.stdout.split("\n")[:3] == ["None"] * 3


def test_without_torch_nothing_is_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)
    with (
        wandb.init(project="p") as run,
        pytest.raises(TypeError, match=r"Expected a pytorch model"),
    ):
        run.watch(object())
    assert json.dumps(run.summary._as_dict(), default=str)


def test_watch_does_not_import_torch(run_script: RunScript, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    run_script(
        """
import synadb.wandb_compat as wandb
run = wandb.init(project="p")
try:
    run.watch(3)
except TypeError:
    run.unwatch()
else:
    raise AssertionError
"""
    )

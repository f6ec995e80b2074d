"""Values on their way into a row, the summary and the config: what real wandb cannot be asked."""

from __future__ import annotations

import copy
import datetime
import enum
import json
import re
import sys
import types
from collections import UserDict
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from synadb.storage.codec import decode_json, encode_json
from synadb.wandb_compat._values import (
    REMOVE,
    config_stored,
    config_value,
    history_value,
    merge_leaves,
    sanitized,
    summary_value,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import RunScript

np = pytest.importorskip("numpy")


class Color(enum.Enum):
    RED = 1


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.sampled_from(Color)
    | st.dates()
    | st.timedeltas()
    | st.complex_numbers()
    | st.decimals()
)
KEYS = st.text(st.characters(codec=None), max_size=5) | st.integers() | st.booleans() | st.none()
VALUES = st.recursive(
    SCALARS,
    lambda below: (
        st.lists(below, max_size=4)
        | st.dictionaries(KEYS, below, max_size=4)
        | st.tuples(below, below)
    ),
    max_leaves=12,
)


# -- what comes out ------------------------------------------------------------------------------


@given(VALUES)
def test_what_comes_out_can_be_stored_and_stays_what_it_is(value: Any) -> None:
    converters: tuple[Callable[[Any], Any], ...] = (
        history_value,
        summary_value,
        lambda it: config_stored(config_value(it)),
    )
    for convert in converters:
        plain = convert(value)
        if plain is REMOVE:
            continue
        text = encode_json(plain)
        text.encode()
        assert encode_json(decode_json(text)) == text
        again = convert(plain)
        assert again is REMOVE or encode_json(again) == text


@given(st.recursive(st.floats() | st.text("ab"), lambda below: st.lists(below, max_size=3)))
def test_lists_of_numbers_and_text_come_out_unchanged(value: Any) -> None:
    assert repr(history_value(value)) == repr(value)


@given(VALUES)
def test_the_callers_data_is_left_alone(value: Any) -> None:
    before = copy.deepcopy(value)
    history_value(value)
    summary_value(value)
    config_value(value)
    assert repr(value) == repr(before)


@pytest.mark.parametrize("convert", [history_value, summary_value, config_value])
def test_nothing_is_shared_with_the_caller(convert: Callable[[Any], Any]) -> None:
    array = np.array([1.5, 2.5])
    value = {"list": [1.5], "deep": [{"x": [1.5]}], "array": array, "ints": [1], "texts": ["a"]}
    plain = convert(value)
    before = json.dumps(plain)
    value["list"].append(9.0)
    value["deep"][0]["x"].append(9.0)
    value["deep"].append(9.0)
    value["ints"].append(9)
    value["texts"].append("z")
    array[0] = 9.0
    assert json.dumps(plain) == before


@given(st.integers())
def test_ints_beyond_64_bits_become_floats(number: int) -> None:
    fits = -(2**63) <= number < 2**63
    for plain in (history_value(number), history_value([number])[0], summary_value(number)):
        assert type(plain) is (int if fits else float)
        assert plain == (number if fits else float(number))
    assert config_value(number) == number


def test_an_int_beyond_floats_becomes_infinite() -> None:
    assert history_value(10**400) == float("inf")
    assert history_value([-(10**5000)]) == [float("-inf")]


def test_lone_surrogates_are_replaced_and_the_rest_of_the_text_stays() -> None:
    assert history_value("a\udcffb") == "a\ufffdb"
    assert history_value(["ü", "\ud800x"]) == ["ü", "\ufffdx"]
    assert history_value({"k\udc80": 1}) == {"k\ufffd": 1}
    assert config_value("\udcff.txt") == "\ufffd.txt"


@given(st.timedeltas())
def test_a_duration_reads_back(value: datetime.timedelta) -> None:
    text = history_value(value)
    pattern = r"(-?)P(?:(\d+)Y)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,6}))?S)?)?"
    found = re.fullmatch(pattern, text)
    assert found is not None, text
    sign, years, days, hours, minutes, seconds, fraction = found.groups(default="")
    back = datetime.timedelta(
        days=int(years or 0) * 365 + int(days or 0),
        hours=int(hours or 0),
        minutes=int(minutes or 0),
        seconds=int(seconds or 0),
        microseconds=int(f"{fraction or 0:0<6}"),
    )
    assert (-back if sign else back) == value


def test_empty_dicts_disappear_from_dicts_only() -> None:
    assert history_value({"a": {}, "b": {"c": {}}, "d": [{}]}) == {"d": [{}]}
    assert history_value({"a": {"b": {}}}) == {}
    assert summary_value({"a": {}}) == {"a": {}}
    assert config_value({"a": {}}) == {"a": {}}


def test_config_keeps_its_keys_for_the_script_and_has_text_for_the_store() -> None:
    live = config_value({"layers": {0: 64, True: {None: (1, {2.5: 3})}}, "t": {(1, 2): 3}})
    assert live == {"layers": {0: 64, True: {None: [1, {2.5: 3}]}}, "t": {(1, 2): 3}}
    assert config_stored(live) == {
        "layers": {"0": 64, "true": {"None": [1, {"2.5": 3}]}},
        "t": {"1,2": 3},
    }
    assert sanitized is config_value


def test_a_mapping_that_is_no_dict() -> None:
    with pytest.raises(TypeError, match="Object of type UserDict is not JSON serializable"):
        history_value(UserDict(a=1))
    assert config_value(UserDict(a=1)) == "{'a': 1}"


@pytest.mark.parametrize(
    "value", [None, float("nan"), np.float32("nan"), np.array([np.nan]), np.datetime64("NaT")]
)
def test_none_and_nan_remove_a_key_of_the_summary(value: Any) -> None:
    assert summary_value(value) is REMOVE
    assert repr(REMOVE) == "REMOVE"


# -- depth and circles ---------------------------------------------------------------------------


def nested(levels: int, wrap: Callable[[Any], Any]) -> Any:
    value: Any = 1.0
    for _ in range(levels):
        value = wrap(value)
    return value


WRAPS: dict[str, Callable[[Any], Any]] = {
    "list": lambda inner: [inner],
    "dict": lambda inner: {"k": inner},
    "tuple": lambda inner: (inner,),
}


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("convert", [history_value, summary_value, config_value])
def test_depth(convert: Callable[[Any], Any], wrap: str) -> None:
    plain = convert(nested(400, WRAPS[wrap]))
    for _ in range(400):
        (plain,) = plain.values() if isinstance(plain, dict) else plain
    assert plain == 1.0
    for levels in (402, 5000, 100_000):
        with pytest.raises(RecursionError, match="400 levels"):
            convert(nested(levels, WRAPS[wrap]))


def circles() -> dict[str, tuple[Any, type[Exception]]]:
    alone: list[Any] = [1]
    alone.append(alone)
    branching: list[Any] = []
    branching += [branching, branching]
    only: dict[str, Any] = {"a": 1}
    only["only"] = {"b": only}
    mixed: dict[str, Any] = {}
    mixed["list"] = [mixed]
    beside: dict[str, Any] = {"shared": [[1], [1]]}
    beside["self"] = beside
    return {
        "list": (alone, ValueError),
        "branching": (branching, ValueError),
        "dict": (only, RecursionError),
        "mixed": (mixed, ValueError),
        "beside a list": (beside, RecursionError),
    }


@pytest.mark.parametrize("name", circles())
def test_what_holds_itself_is_refused(name: str) -> None:
    value, kind = circles()[name]
    for convert in (history_value, summary_value):
        with pytest.raises(kind):
            convert(value)
    with pytest.raises(RecursionError):
        config_value(value)


def test_what_is_shared_but_holds_no_circle_is_kept() -> None:
    shared = [1.0, {"a": 2}]
    assert history_value([shared, {"x": shared}, shared]) == [shared, {"x": shared}, shared]


def test_a_raised_recursion_limit_changes_nothing() -> None:
    value: list[Any] = []
    value.append(value)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        with pytest.raises(ValueError, match="Circular reference"):
            history_value(value)
    finally:
        sys.setrecursionlimit(limit)


# -- arrays --------------------------------------------------------------------------------------


@given(st.lists(st.floats(-1e6, 1e6), min_size=33, max_size=80))
def test_a_long_array_is_numpys_histogram(values: list[float]) -> None:
    counts, edges = np.histogram(np.array(values), bins=32)
    expected = {"_type": "histogram", "values": counts.tolist(), "bins": edges.tolist()}
    assert history_value(np.array(values)) == expected
    assert history_value({"a": np.array(values)}) == {"a": expected}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_long_array_with_nan_or_infinity_is_refused_by_the_history_alone(bad: float) -> None:
    array = np.append(np.arange(40.0), bad)
    with pytest.raises(ValueError, match="not finite"):
        history_value(array)
    assert summary_value(array)["size"] == 41
    assert config_value(array) == str(array)


def test_an_array_in_a_config_that_reads_back() -> None:
    assert config_value({"a": np.arange(6).reshape(2, 3), "b": np.array([[7]])}) == {
        "a": [[0, 1, 2], [3, 4, 5]],
        "b": 7,
    }


# Stand-ins with the names and methods of libraries that are too large to be installed for a test.
# What they raise is what those raise.


def library_class(module: str, name: str, bases: tuple[type, ...] = (), **body: Any) -> type:
    return types.new_class(
        name, bases, exec_body=lambda space: space.update(body, __module__=module)
    )


class Torch:
    """The part of a tensor's interface that is used: data stay behind `detach().cpu()`."""

    def __init__(self, data: Any, kind: str = "float32", *, grad: bool = False) -> None:
        self.data, self.kind, self.grad, self.where = np.array(data), kind, grad, "cuda"

    def detach(self) -> Torch:
        copied = copy.copy(self)
        copied.grad = False
        return copied

    def cpu(self) -> Torch:
        copied = copy.copy(self)
        copied.where = "cpu"
        return copied

    def numel(self) -> int:
        return int(self.data.size)

    def item(self) -> Any:
        return self.data.item()

    def numpy(self) -> Any:
        if self.grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        if self.where != "cpu":
            raise TypeError("can't convert cuda:0 device type tensor to numpy.")
        if self.kind == "bfloat16":
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.data

    def __str__(self) -> str:
        return f"tensor({self.data})"


Tensor: Any = library_class("torch", "Tensor", (Torch,))
Parameter: Any = library_class("torch.nn.parameter", "Parameter", (Tensor,))


def test_torch_tensors() -> None:
    assert history_value(Tensor(2.5, grad=True)) == 2.5
    assert history_value(Tensor([[7]])) == 7
    assert history_value(Tensor([1.5, 2.5], grad=True)) == [1.5, 2.5]
    assert history_value([Tensor(1), Tensor(2)]) == [1, 2]
    assert history_value({"a": Tensor(np.arange(40.0))}) == {"a": history_value(np.arange(40.0))}
    expected = {**summary_value(np.arange(40.0)), "_type": "torch.Tensor"}
    assert summary_value(Tensor(np.arange(40.0))) == expected
    assert config_value([Tensor(2.5), Tensor([3]), Tensor([1, 2])]) == [2.5, 3, [1, 2]]
    assert config_value(Tensor(np.zeros(40))) == f"tensor({np.zeros(40)})"


def test_torch_tensors_that_numpy_cannot_take() -> None:
    assert history_value(Tensor(2.5, "bfloat16")) == 2.5
    with pytest.raises(TypeError, match="BFloat16"):
        history_value(Tensor([1.5, 2.5], "bfloat16"))
    assert config_value(Tensor([1.5, 2.5], "bfloat16")) == "tensor([1.5 2.5])"
    with pytest.raises(TypeError, match="Object of type Parameter is not JSON serializable"):
        history_value(Parameter([1.0]))
    assert config_value(Parameter([1.0])) == "tensor([1.])"


def test_a_torch_module_is_its_text() -> None:
    module = library_class(
        "torch.nn.modules.linear",
        "Linear",
        __call__=lambda self: None,
        __str__=lambda self: "Linear(in_features=1)",
    )()
    for convert in (history_value, summary_value, config_value):
        assert convert({"m": module}) == {"m": "Linear(in_features=1)"}


def test_torch_sizes_are_lists() -> None:
    size = library_class("torch", "Size", (tuple,))((2, 3))
    assert history_value(size) == [2, 3]
    assert config_value(size) == [2, 3]


def test_tensorflow_and_jax_arrays() -> None:
    module = "tensorflow.python.framework.ops"
    eager = library_class(module, "EagerTensor", numpy=lambda self: np.array([1, 2]))
    scalar = library_class(module, "EagerTensor", numpy=lambda self: np.float32(0.5))
    text = library_class(module, "EagerTensor", numpy=lambda self: b"abc")
    assert history_value([eager(), scalar(), text()]) == [[1, 2], 0.5, "abc"]
    assert config_value([eager(), scalar(), text()]) == [[1, 2], 0.5, "abc"]
    symbolic = library_class(module, "SymbolicTensor")
    with pytest.raises(TypeError, match="SymbolicTensor is not JSON serializable"):
        history_value(symbolic())

    def as_array(self: Any, dtype: Any = None, copy: Any = None) -> Any:
        return np.arange(3, dtype=dtype)

    jax = library_class("jaxlib._jax", "ArrayImpl", __array__=as_array)
    assert history_value({"j": jax()}) == {"j": [0, 1, 2]}


# -- media ---------------------------------------------------------------------------------------


class Picture:
    def _to_run_value(self) -> None:
        """Mark the class; what it is turned into is up to `media`."""


def test_media_is_made_by_the_caller_who_learns_the_path() -> None:
    seen: list[tuple[Any, tuple[str, ...]]] = []

    def media(value: Any, path: tuple[str, ...]) -> Any:
        seen.append((value, path))
        return {"_type": "picture", "path": "/".join(path)}

    one, many = Picture(), [Picture(), Picture()]
    assert history_value(one, media) == {"_type": "picture", "path": ""}
    plain = history_value({"a": {1: one}, "b": many, "c": [1, 2]}, media)
    assert plain == {
        "a": {"1": {"_type": "picture", "path": "a/1"}},
        "b": {"_type": "picture", "path": "b"},
        "c": [1, 2],
    }
    assert seen == [(one, ()), (one, ("a", "1")), (many, ("b",))]
    assert summary_value({"a": one}, media) == {"a": {"_type": "picture", "path": "a"}}


def test_media_elsewhere_is_refused() -> None:
    def media(value: Any, path: tuple[str, ...]) -> Any:
        raise AssertionError("not asked for media inside of lists")

    for value in ([1, Picture()], [[Picture()]], [{"k": Picture()}], {"k": [None, Picture()]}):
        with pytest.raises(TypeError, match="Object of type Picture is not JSON serializable"):
            history_value(value, media)
    with pytest.raises(TypeError, match=r"test_compat_values\.Picture is not supported here yet"):
        history_value({"a": Picture()})
    with pytest.raises(TypeError, match="WBValue"):
        config_value(Picture())
    assert config_value([Picture()])[0].startswith("<tests.test_compat_values.Picture object")


def test_frames_and_figures_are_left_to_media_too() -> None:
    frame = pytest.importorskip("pandas").DataFrame({"a": [1]})
    figure: Any = pytest.importorskip("matplotlib.figure").Figure()
    for value, name in ((frame, "DataFrame"), (figure, "Figure")):
        with pytest.raises(TypeError, match=f"{name} is not supported here yet"):
            history_value({"x": value})
        with pytest.raises(TypeError, match=f"Object of type {name} is not JSON serializable"):
            history_value([value])
        assert history_value({"x": value}, lambda found, path: type(found).__name__) == {"x": name}
        assert config_value(value) == str(value)


# -- merging -------------------------------------------------------------------------------------

TREES = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        st.none() | st.integers(0, 3) | st.lists(st.integers(0, 1), max_size=1),
        lambda below: st.dictionaries(st.sampled_from("abc"), below, max_size=3),
        max_leaves=5,
    ),
)


def leaves(tree: dict[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            found |= leaves(value, (*path, key))
        elif value is not None:
            found[(*path, key)] = value
    return found


@given(st.lists(TREES, max_size=4))
def test_merging_leaves_as_a_plain_model(rows: list[dict[str, Any]]) -> None:
    merged: dict[str, Any] = {}
    model: dict[tuple[str, ...], Any] = {}
    for row in rows:
        merge_leaves(merged, row)
        for path, value in leaves(row).items():
            model = {
                old: kept
                for old, kept in model.items()
                if old[: len(path)] != path and path[: len(old)] != old
            }
            model[path] = value
    assert leaves(merged) == model


def test_a_summary_is_read_while_other_threads_log(run_script: RunScript) -> None:
    script = """
import sys, threading
sys.setswitchinterval(1e-6)
import synadb.wandb_compat as wandb
run = wandb.init(project="p")
run.log({"n": {"a": 1}})
def log():
    for i in range(3000):
        run.log({"n": {f"k{i}": i}})
thread = threading.Thread(target=log)
thread.start()
while thread.is_alive():
    repr(run.summary), dict(run.summary), repr(run.summary["n"])
thread.join()
run.finish()
"""
    run_script(script, env={"WANDB_SILENT": "true"})

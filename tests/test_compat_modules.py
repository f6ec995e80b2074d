"""The public modules of wandb beside the package itself: what they hold, and what they cost."""

from __future__ import annotations

import datetime
import decimal
import enum
import importlib
import json
import math
import os
import pkgutil
import string
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import synadb.wandb_compat as wandb
from synadb.errors import NotYetSupportedError, SynaDBError
from synadb.wandb_compat import _surface
from synadb.wandb_compat import env as wandb_env
from synadb.wandb_compat import util as wandb_util
from synadb.wandb_compat.sdk.lib import config_util, filesystem, paths, printer, telemetry
from synadb.wandb_compat.sdk.lib.filenames import exclude_wandb_fn, filtered_dir, is_wandb_file
from synadb.wandb_compat.sdk.lib.lazyloader import LazyLoader
from synadb.wandb_compat.sdk.lib.preinit import PreInitCallable
from tests import surface_report

if TYPE_CHECKING:
    from tests.conftest import RunScript

PACKAGE = "synadb.wandb_compat"
INSTALL = "import synadb.wandb_compat as _; _.install(); import wandb\n"


# --- one object under all of its names ----------------------------------------------------------

SAME = [
    ("Run", "_run.Run", "wandb_run.Run", "sdk.wandb_run.Run", "wandb_sdk.wandb_run.Run"),
    ("Config", "_config.Config", "sdk.Config", "sdk.wandb_config.Config"),
    ("Settings", "_settings.Settings", "sdk.Settings", "sdk.wandb_settings.Settings"),
    ("Api", "PublicApi", "apis.Api", "apis.PublicApi", "apis.public.Api", "apis.public.api.Api"),
    ("apis.public.Run", "apis.public.runs.Run"),
    ("apis.reports", "apis.reports.v1", "apis.reports.v2"),
    ("apis.public.File", "apis.public.files.File"),
    ("Artifact", "sdk.Artifact", "sdk.artifacts.artifact.Artifact"),
    ("AlertLevel", "_alerts.AlertLevel", "sdk.AlertLevel", "sdk.wandb_alerts.AlertLevel"),
    ("sdk.wandb_summary.Summary", "_summary.Summary", "sdk.Summary"),
    ("sdk.wandb_metric.Metric", "_metric.Metric"),
    ("sdk.wandb_config.ConfigStatic", "_config.ConfigStatic"),
    ("sdk.wandb_run.RunStatus", "_run.RunStatus"),
    ("init", "sdk.init", "sdk.wandb_init.init"),
    ("finish", "join", "sdk.finish", "sdk.wandb_run.finish"),
    ("restore", "sdk.wandb_run.restore"),
    ("login", "sdk.login", "sdk.wandb_login.login"),
    ("require", "sdk.require", "sdk.wandb_require.require"),
    ("setup", "sdk.setup", "sdk.wandb_setup.setup"),
    ("teardown", "_teardown", "sdk.teardown", "sdk.wandb_setup.teardown"),
    ("attach", "_attach", "sdk._attach", "sdk.wandb_init._attach"),
    ("helper.parse_config", "sdk.helper.parse_config", "sdk.wandb_helper.parse_config"),
    ("helper", "sdk.helper", "sdk.wandb_helper"),
    ("sdk", "wandb_sdk"),
    ("sdk.lib", "wandb_lib"),
    ("sdk.lib.RunDisabled", "_disabled.RunDisabled", "sdk.lib.disabled.RunDisabled"),
    ("sdk.lib.SummaryDisabled", "_disabled.SummaryDisabled", "wandb_lib.disabled.SummaryDisabled"),
    ("sdk.lib.RunMoment", "_settings.RunMoment", "sdk.lib.run_moment.RunMoment"),
    ("sdk.lib.config_util.ConfigError", "_config.ConfigError", "_config_sources.ConfigError"),
    ("util.generate_id", "sdk.lib.runid.generate_id", "sdk.lib.runid.generate_fast_id"),
    ("termlog", "errors.term.termlog", "_term.termlog"),
    ("errors.Error", "Error", "errors.errors.Error"),
    ("errors.CommError", "CommError", "errors.errors.CommError"),
    ("errors.UsageError", "UsageError", "errors.errors.UsageError"),
    ("ensure_configured", "sdk.lib.deprecated_api.ensure_configured"),
    ("api", "sdk.lib.deprecated_api.api"),
]


@pytest.mark.parametrize("names", SAME, ids=[names[0] for names in SAME])
def test_one_object_under_all_of_its_names(names: tuple[str, ...]) -> None:
    first, *others = [surface_report.look_up(name) for name in names]
    assert all(other is first for other in others), names


def test_names_that_editors_import_from_an_odd_place() -> None:
    assert wandb_util.np is np
    assert wandb.jupyter.logger.name == "wandb.jupyter"
    assert wandb.data_types._ForeignIndexType is wandb.sdk.data_types.table._ForeignIndexType
    assert wandb.data_types._dtypes is wandb.sdk.data_types._dtypes
    assert wandb_util.md5_file is wandb.sdk.lib.hashutil.md5_file_b64


def test_bare_attributes_reach_every_module(run_script: RunScript) -> None:
    run_script(
        INSTALL + "import sys\n"
        "assert 'wandb.sdk' not in sys.modules\n"
        "assert len(wandb.sdk.lib.runid.generate_id()) == 8\n"
        "assert len(wandb.util.generate_id(5)) == 5\n"
        "assert wandb.env.PROJECT == 'WANDB_PROJECT'\n"
        "assert wandb.errors.term.termlog is wandb.termlog\n"
        "assert wandb.wandb_sdk.wandb_run.Run is wandb.wandb_run.Run is wandb.Run\n"
        "assert wandb.wandb_lib.config_util.ConfigError\n"
        "import wandb.sdk.lib.runid, wandb.sdk.wandb_run as wandb_run\n"
        "from wandb.sdk.lib import RunDisabled\n"
        "from wandb.sdk.lib.disabled import RunDisabled as same\n"
        "assert wandb_run.Run is wandb.Run and RunDisabled is same\n"
        "assert sys.modules['wandb.sdk.lib.runid'] is wandb.sdk.lib.runid\n"
    )


def test_every_module_is_listed_by_dir() -> None:
    for module in (wandb, wandb.sdk, wandb.sdk.lib, wandb.errors):
        assert set(module._LAZY) <= set(dir(module))
        for name in module._LAZY:
            getattr(module, name)


def test_modules_are_loaded_when_they_are_asked_for(run_script: RunScript) -> None:
    source = (
        "import sys, synadb.wandb_compat as wandb\n"
        "def loaded():\n"
        "    return {name for name in sys.modules if name.startswith('synadb.')}\n"
        "before = loaded()\n"
        "print(sorted(before))\n"
        "wandb.sdk.lib\n"
        "assert not {name for name in loaded() - before if not name.endswith(('.sdk', '.lib'))}\n"
        "wandb.util.generate_id()\n"
        "assert 'synadb.wandb_compat.util' in sys.modules\n"
        "assert not {'numpy', 'yaml', 'psutil', 'pandas'} & set(sys.modules)\n"
    )
    names = {name.removeprefix(PACKAGE + ".") for name in eval(run_script(source).stdout)}
    assert not names & {"util", "env", "sdk", "sdk.lib", "wandb_run", "errors.term"}
    assert not names & {"_run", "_init", "_settings", "_surface", "_values"}


# --- names that are not here --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "name", "spelled"),
    [
        ("wandb.Run", "log_artifact", "wandb.Run.log_artifact"),
        ("wandb.sdk.wandb_run.Run", "log_artifact", "wandb.Run.log_artifact"),
        (f"{PACKAGE}._run.Run", "log_artifact", "wandb.Run.log_artifact"),
        (f"{PACKAGE}.sdk.wandb_config.Config", "nonesuch", None),
        ("wandb.util", "vendor_setup", "wandb.util.vendor_setup"),
        (f"{PACKAGE}.sdk.wandb_run", "TeardownHook", "wandb.sdk.wandb_run.TeardownHook"),
        (f"{PACKAGE}.util", "nonesuch", None),
    ],
)
def test_the_error_names_a_class_or_a_module(module: str, name: str, spelled: str | None) -> None:
    error = _surface.missing_attribute(module, name)
    if spelled is None:
        assert type(error) is AttributeError
        kind = "class 'wandb.Config'" if "Config" in module else "module 'wandb.util'"
        assert str(error) == f"{kind} has no attribute 'nonesuch'"
    else:
        assert isinstance(error, NotYetSupportedError)
        assert str(error).startswith(f"{spelled} exists in wandb and is not supported by SynaDB")


def test_the_error_is_in_the_tree() -> None:
    assert issubclass(NotYetSupportedError, SynaDBError)
    assert issubclass(NotYetSupportedError, AttributeError)
    with pytest.raises(NotYetSupportedError, match=r"wandb\.util\.vendor_setup exists in wandb"):
        _ = wandb_util.vendor_setup
    with pytest.raises(AttributeError, match="has no attribute 'nonesuch'"):
        _ = wandb_env.nonesuch
    assert not hasattr(wandb_util, "vendor_setup")


def test_an_attribute_is_no_module(run_script: RunScript) -> None:
    # As in wandb: `wandb.wandb_sdk` is there, and `import wandb.wandb_sdk` finds no module.
    run_script(
        INSTALL + "for name in ('wandb_sdk', 'wandb_lib', 'helper', 'init'):\n"
        "    assert hasattr(wandb, name)\n"
        "    try:\n"
        "        __import__('wandb.' + name)\n"
        "    except ModuleNotFoundError as error:\n"
        "        assert 'exists in wandb' not in str(error), error\n"
        "    else:\n"
        "        raise AssertionError(name)\n"
    )


def test_the_tables_agree_with_the_modules() -> None:
    """A name of the tables is here or says so; every public module is one of wandb's."""
    classes = _surface._parsed(_surface._CLASSES)
    for inside, names in _surface._members().items():
        full = f"{PACKAGE}.{inside}".rstrip(".")
        if inside in classes:
            continue
        try:
            module = importlib.import_module(full)
        except ModuleNotFoundError:
            continue
        for name in names:
            spelled = f"{inside}.{name}" if inside else name
            try:
                getattr(module, name)
            except NotYetSupportedError as error:
                said = str(error)
            except ModuleNotFoundError as error:  # of the library that it is for
                if str(error.name).startswith(("synadb", "wandb")):
                    raise
                continue
            else:
                said = f"wandb.{spelled} exists"
            # wandb.keras is wandb.integration.keras itself.
            places = f"wandb.{spelled} ", f"wandb.integration.{spelled} "
            assert said.startswith(places)
            assert " exists" in said or " was in older versions of wandb" in said
    for found in pkgutil.walk_packages(wandb.__path__, f"{PACKAGE}."):
        inside = found.name.removeprefix(f"{PACKAGE}.")
        if not any(part.startswith("_") for part in inside.split(".")):
            assert _surface._is_module(inside), f"wandb has no module {inside}"


# --- what is accepted and has no effect ---------------------------------------------------------


def test_what_has_no_effect_says_so_once(run_script: RunScript) -> None:
    done = run_script(
        INSTALL + "for _ in range(2):\n"
        "    assert wandb.login() is True\n"
        "    assert wandb.login('k' * 40, relogin=True, host='h', anonymous='must') is True\n"
        "    wandb.require('core'); wandb.require('report-editing:v0'); wandb.require(None)\n"
        "    wandb.ensure_configured()\n"
        "    assert len(wandb.api.api_key) >= 40\n"
    )
    lines = done.stderr.splitlines()
    assert len(lines) == len(set(lines)) == 4
    assert all(line.startswith("wandb: ") for line in lines)
    for word in ("login", "require", "ensure_configured", "api_key"):
        assert sum(word in line for line in lines) == 1
    assert done.stdout == ""


def test_the_object_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_ENTITY", "me")
    viewer = wandb.api.viewer()
    assert viewer["entity"] == viewer["username"] == wandb.api.default_entity == "me"
    monkeypatch.delenv("WANDB_ENTITY")
    monkeypatch.delenv("LOGNAME", raising=False)
    assert wandb.api.viewer()["entity"]
    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    assert wandb.api.api_key == "x" * 40


def test_setup_and_teardown() -> None:
    try:
        state = wandb.setup(wandb.Settings(entity="someone"))
        assert state.settings.entity == "someone"
        assert state.config == {}
        assert wandb.sdk.wandb_setup.singleton().settings.entity == "someone"
        assert isinstance(state, wandb.sdk.wandb_setup._WandbSetup)
    finally:
        wandb.teardown()
    assert wandb.setup().settings.entity is None


def test_telemetry_takes_anything() -> None:
    with telemetry.context(run=None) as record:
        record.feature.watch = True
        record.imports_init.torch = 1
    assert record.feature.watch is True
    with telemetry.context(obj=record) as again:
        assert again is record
    assert telemetry.list_telemetry_imports() == set()


# --- wandb.util ---------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = 1


DATE = datetime.datetime(2020, 1, 2, 3, 4, 5)  # noqa: DTZ001 - as scripts have them
LONG = np.arange(100)

# Observed on wandb 0.31.0: value, json_friendly(value), json_dumps_safer({"k": value}).
VALUES: list[tuple[Any, tuple[Any, bool], str]] = [
    (1, (1, False), "1"),
    (np.float64(1.5), (1.5, True), "1.5"),
    (math.nan, (None, True), "NaN"),
    (math.inf, (math.inf, False), "Infinity"),
    (np.int64(4), (4, True), "4"),
    (np.bool_(True), (True, True), "true"),
    (np.array(3.5), (3.5, True), "3.5"),
    (np.array([1, 2]), ([1, 2], True), "[1,2]"),
    (np.arange(4.0).reshape(2, 2), ([[0, 1], [2, 3]], True), "[[0.0,1.0],[2.0,3.0]]"),
    (b"ab", ("ab", True), '"ab"'),
    ({1}, ((1,), True), "[1]"),
    (DATE, ("2020-01-02T03:04:05", True), '"2020-01-02T03:04:05"'),
    (datetime.timedelta(seconds=3), (datetime.timedelta(seconds=3), False), '"PT3S"'),
    (Colour.RED, ("RED", True), "1"),
    (decimal.Decimal("1.5"), (decimal.Decimal("1.5"), False), '"1.5"'),
    (len, ("builtins.len", True), '"builtins.len"'),
    (int, ("builtins.int", True), '"builtins.int"'),
    (np.str_("q"), ("q", True), '"q"'),
    ((1, 2), ((1, 2), False), "[1,2]"),
    ({}, ({}, False), "{}"),
    (None, (None, False), "null"),
    (Path("/a"), (Path("/a"), False), json.dumps(str(Path("/a")))),
]


@pytest.mark.parametrize(("value", "friendly", "text"), VALUES, ids=repr)
def test_values_as_json(value: Any, friendly: tuple[Any, bool], text: str) -> None:
    assert wandb_util.json_friendly(value) == friendly
    assert wandb_util.json_dumps_safer({"k": value}) == f'{{"k":{text}}}'
    assert wandb_util.json_dumps_safer_history({"k": value}) == f'{{"k":{text}}}'


def test_long_arrays_as_json() -> None:
    [array, changed] = wandb_util.json_friendly(LONG)
    assert array is LONG
    assert changed
    assert json.loads(wandb_util.json_dumps_safer({"a": LONG})) == {"a": list(range(100))}
    history = json.loads(wandb_util.json_dumps_safer_history([LONG]))[0]
    assert history["_type"] == "histogram"
    assert sum(history["values"]) == 100
    assert wandb_util.maybe_compress_history(LONG) == (history, True)
    assert wandb_util.maybe_compress_history([1] * 40) == ([1] * 40, False)


def test_keys_and_options_of_json(tmp_path: Path) -> None:
    odd = {np.int64(3): {(1, 2): 1, "x": [{np.int64(1): 2}]}, "a": 2, None: 0}
    assert wandb_util.json_dumps_safer(odd) == ('{"3":{"1,2":1,"x":[{"1":2}]},"a":2,"null":0}')
    assert wandb_util.json_dumps_safer({"b": 1, "a": [1]}, indent=1, sort_keys=True) == (
        '{\n "a": [\n  1\n ],\n "b": 1\n}'
    )
    with open(tmp_path / "x.json", "w") as file:
        wandb_util.json_dump_safer({"a": np.float32(0.5)}, file)
    assert (tmp_path / "x.json").read_text() == '{"a":0.5}'
    assert json.dumps({"a": LONG}, cls=wandb_util.WandBHistoryJSONEncoder).count("histogram") == 1
    for refused in (object(), slice(1), {"a": [object()]}):
        with pytest.raises(TypeError, match="is not JSON serializable"):
            wandb_util.json_dumps_safer(refused)
    with pytest.raises(UnicodeDecodeError):
        wandb_util.json_dumps_safer({"a": b"\xff"})


plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(plain_json)
def test_plain_data_stays_as_it_is(data: Any) -> None:
    assert json.loads(wandb_util.json_dumps_safer(data)) == data
    safe = wandb_util.make_safe_for_json(data)
    json.dumps(safe, allow_nan=False)
    if not isinstance(data, float) or math.isfinite(data):
        assert wandb_util.make_json_if_not_number(data) in (
            data,
            json.dumps(data, separators=(",", ":")),
        )


def test_names_for_what_is_not_finite() -> None:
    assert wandb_util.make_safe_for_json({"a": (math.nan, math.inf, -math.inf, "x", b"a")}) == {
        "a": ["NaN", "Infinity", "-Infinity", "x", [97]]
    }


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0.0B"),
        (999, "999.0B"),
        (1000, "1000.0B"),
        (1500, "1.5KB"),
        (123456789, "123.5MB"),
        (10**18, "1000.0PB"),
        (10**25, "10000000.0EB"),
        (-5, "-5.0B"),
    ],
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert wandb_util.to_human_size(size) == text


@pytest.mark.parametrize(
    ("text", "size"),
    [("10", 10), ("10B", 10), ("10 kB", 10_000), ("1.5GB", 1_500_000_000), ("1.2.3", 1)],
)
def test_sizes_from_people(text: str, size: int) -> None:
    assert wandb_util.from_human_size(text) == size


def test_sizes_in_powers_of_two() -> None:
    assert wandb_util.to_human_size(2049, units=wandb_util.POW_2_BYTES) == "2.0KiB"
    assert wandb_util.from_human_size("2 kib", wandb_util.POW_2_BYTES) == 2048
    assert wandb_util.from_human_size("2KiB") == 2  # no unit of the table
    for text in ("", "abc"):
        with pytest.raises(ValueError, match="size must be of the form"):
            wandb_util.from_human_size(text)


@given(st.text(max_size=300))
def test_artifact_names(name: str) -> None:
    safe = wandb_util.make_artifact_name_safe(name)
    assert set(safe) <= set(string.ascii_letters + string.digits + "-_.")
    assert len(safe) == min(len(name), 128)
    assert wandb_util.make_artifact_name_safe(safe) == safe
    if len(name) > 128:
        assert safe[63:65] == ".."


def test_artifact_names_as_wandb_makes_them() -> None:
    assert wandb_util.make_artifact_name_safe("a b/c:d.é-_") == "a_b_c_d._-_"
    assert wandb_util.make_artifact_name_safe("a" * 100 + "b" * 100) == "a" * 63 + ".." + "b" * 63


@given(st.lists(st.integers()), st.integers(2, 40))
def test_downsampling(values: list[int], length: int) -> None:
    found = wandb_util.downsample(values, length)
    assert len(found) == min(len(values), length)
    if values:
        assert (found[0], found[-1]) == (values[0], values[-1])


def test_downsampling_as_wandb_does() -> None:
    assert wandb_util.downsample(list(range(100)), 7) == [0, 16, 33, 49, 66, 82, 99]
    with pytest.raises(wandb.UsageError, match="target_length"):
        wandb_util.downsample([1, 2, 3], 1)


@pytest.mark.parametrize(
    ("function", "yes", "no"),
    [
        ("is_pytorch_tensor_typename", "torch.cuda.FloatTensor", "torch.nn.parameter.Parameter"),
        ("is_tf_tensor_typename", "tensorflow.python.framework.ops.EagerTensor", "torch.Tensor"),
        ("is_tf_eager_tensor_typename", "tensorflow.x.EagerTensor", "tensorflow.x.Tensor"),
        ("is_jax_tensor_typename", "jaxlib.xla_extension.ArrayImpl", "jax.Array"),
        ("is_fastai_tensor_typename", "fastai.torch_core.TensorBase", "fastai.x.Foo"),
        ("is_pandas_data_frame_typename", "pandas.core.frame.DataFrame", "a.DataFrame"),
        ("is_matplotlib_typename", "matplotlib.figure.Figure", "matplotlibx"),
        ("is_plotly_typename", "plotly.graph_objs.Figure", "chart.plotly"),
        ("is_plotly_figure_typename", "plotly.graph_objs._figure.Figure", "plotly.x"),
        ("is_uri", "s3:a", "/a"),
        ("alias_is_version_index", "v1", "v1x"),
        ("check_windows_valid_filename", "a", "a:b"),
    ],
)
def test_recognition(function: str, yes: str, no: str) -> None:
    recognise = getattr(wandb_util, function)
    assert recognise(yes) is True
    assert recognise(no) is False


def test_recognition_of_values() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1]})
    assert wandb_util.is_pandas_data_frame(frame)
    assert not wandb_util.is_pandas_data_frame(frame["a"])
    assert wandb_util.is_numpy_array(LONG)
    assert not wandb_util.is_numpy_array(LONG[0])
    assert wandb_util.get_full_typename(LONG) == "numpy.ndarray"
    assert not wandb_util.is_pytorch_tensor(LONG)
    assert not wandb_util.is_tf_tensor(LONG)
    assert wandb_util.has_num({"a": np.float32(1)}, "a")
    assert not wandb_util.has_num({"a": "1"}, "a")
    assert wandb_util.class_colors(3) == [[0, 0, 0], (1.0, 0.0, 0.0), (0.0, 1.0, 1.0)]


def test_modules_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_library.py").write_text("raise OSError('no such driver')")
    (tmp_path / "slow_library.py").write_text("value = 3")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert wandb_util.get_module("json") is json
    assert wandb_util.get_module("no_such_library") is None
    assert wandb_util.get_optional_module("") is None
    with pytest.raises(wandb.Error, match="please install it"):
        wandb_util.get_module("no_such_library", required="please install it")
    with mock.patch.object(wandb_util, "termerror") as said:
        assert wandb_util.get_module("broken_library") is None
    assert "no such driver" in said.call_args.args[0]
    try:
        lazy = wandb_util.import_module_lazy("slow_library")
        assert lazy is sys.modules["slow_library"]
        assert lazy.value == 3
    finally:
        sys.modules.pop("slow_library", None)
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        wandb_util.import_module_lazy("no_such_library")
    assert ("numpy", np.__version__) in {(one.key, one.version) for one in wandb_util.working_set()}


def test_files_and_addresses(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 1}')
    (tmp_path / "a.yaml").write_text("a: [1, 2]")
    assert wandb_util.load_json_yaml_dict(str(tmp_path / "a.json")) == {"a": 1}
    assert wandb_util.load_json_yaml_dict(str(tmp_path / "a.yaml")) == {"a": [1, 2]}
    assert wandb_util.load_json_yaml_dict('{"a": 1}') == {"a": 1}
    assert wandb_util.load_json_yaml_dict("nope") is None
    with wandb_util.fsync_open(tmp_path / "f") as file:
        file.write("x")
    assert (tmp_path / "f").read_text() == "x"
    assert wandb_util.host_from_path("http://a.b:80/c/d") == "a.b:80"
    assert wandb_util.uri_from_path("http://a.b/c/d?q") == "c/d"
    assert wandb_util.get_local_path_or_none("http://x/a") is None
    address = (tmp_path / "a b").as_uri()
    assert wandb_util.get_local_path_or_none(address) == str(tmp_path / "a b")
    assert wandb_util.get_local_path_or_none("file://host/a") is None
    assert wandb_util.time_string_to_seconds("6M") == 15_552_000
    assert wandb_util.time_string_to_seconds("") == 0
    for text in ("5", "5 m", "m"):
        with pytest.raises(ValueError, match="Invalid time period format"):
            wandb_util.time_string_to_seconds(text)


def test_random_texts() -> None:
    assert len({wandb_util.generate_id() for _ in range(100)}) == 100
    assert set(wandb_util.random_string(50)) <= set(string.ascii_lowercase + string.digits)
    assert set(wandb_util.rand_alphanumeric(50)) <= set("0123456789ABCDEF")


# --- wandb.env ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "environ", "found"),
    [
        ("get_project", {}, None),
        ("get_project", {"WANDB_PROJECT": "p"}, "p"),
        ("get_entity", {"WANDB_ENTITY": "e"}, "e"),
        ("get_run", {"WANDB_RUN_ID": "r"}, "r"),
        ("get_dir", {"WANDB_DIR": "d"}, "d"),
        ("get_tags", {"WANDB_TAGS": "a,,b"}, ["a", "b"]),
        ("get_ignore", {"WANDB_IGNORE_GLOBS": "a,b"}, ["a", "b"]),
        ("get_ignore", {}, None),
        ("get_args", {"WANDB_ARGS": "[1"}, None),
        ("get_args", {"WANDB_ARGS": '["--x"]'}, ["--x"]),
        ("is_offline", {"WANDB_MODE": "offline"}, True),
        ("is_offline", {}, False),
        ("is_debug", {"WANDB_DEBUG": "on"}, True),
        ("is_debug", {"WANDB_DEBUG": "zz"}, False),
        ("disable_git", {}, False),
        ("disable_git", {"WANDB_DISABLE_GIT": "0"}, True),
        ("disable_git", {"WANDB_DISABLE_GIT": "False"}, False),
        ("get_http_timeout", {}, 20),
        ("get_http_timeout", {"WANDB_HTTP_TIMEOUT": "7"}, 7),
        ("get_agent_report_interval", {"WANDB_AGENT_REPORT_INTERVAL": "x"}, None),
        ("get_agent_report_interval", {"WANDB_AGENT_REPORT_INTERVAL": "3"}, 3),
        ("get_agent_max_initial_failures", {}, None),
        ("get_file_pusher_timeout", {}, None),
        ("get_artifact_fetch_file_url_batch_size", {}, 5000),
        ("get_data_dir", {"WANDB_DATA_DIR": "d"}, "d"),
        ("get_cache_dir", {"WANDB_CACHE_DIR": "c"}, Path("c")),
        ("get_artifact_dir", {"WANDB_ARTIFACT_DIR": "/a"}, os.path.abspath("/a")),
        ("get_artifact_dir", {}, os.path.abspath("artifacts")),
        ("get_error_reporting", {}, True),
        ("get_show_run", {}, False),
    ],
)
def test_the_environment(
    call: str, environ: dict[str, str], found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = getattr(wandb_env, call)
    assert function(env=environ) == found
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert function() == found


def test_setting_the_environment() -> None:
    environ: dict[str, str] = {}
    wandb_env.set_entity("me", environ)
    wandb_env.set_project("", environ)
    assert environ == {"WANDB_ENTITY": "me", "WANDB_PROJECT": "uncategorized"}
    wandb_env.set_project("p", environ)
    assert environ["WANDB_PROJECT"] == "p"
    assert wandb_env.strtobool("Y") is True
    assert wandb_env.strtobool("off") is False
    with pytest.raises(ValueError, match="invalid truth value"):
        wandb_env.strtobool("q")


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
def test_folders_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert wandb_env.get_cache_dir() == Path("/cache/wandb")
    assert wandb_env.get_cache_dir({}) == Path("/cache/wandb")
    assert wandb_env.get_data_dir() == "/data/wandb"


# --- wandb.sdk.lib ------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_characters="\0\\", exclude_categories=["Cs"])))
def test_a_logical_path_is_one_already(text: str) -> None:
    path = paths.LogicalPath(text)
    assert paths.LogicalPath(path) == path == paths.LogicalPath(Path(str(path)).as_posix())


def test_logical_paths() -> None:
    path = paths.LogicalPath("a//b/./c.txt")
    assert path == "a/b/c.txt"
    assert path.parts == ("a", "b", "c.txt")
    assert path.suffix == ".txt"
    for found in (path.parent, path / "d", path.relative_to("a"), path.joinpath("x")):
        assert type(found) is paths.LogicalPath
    assert paths.LogicalPath(b"a/b") == "a/b"
    assert paths.validate_relpath("a/b") == "a/b"
    assert paths.validate_fspath("r", "a/b") == os.path.join("r", "a/b")
    for wrong in ("../b", "/b", ".", "C:/a", "a/../b"):
        with pytest.raises(ValueError, match="Invalid path"):
            paths.validate_relpath(wrong)
    with pytest.raises(AttributeError, match="'LogicalPath' has no attribute 'nope'"):
        _ = path.nope


def test_files_of_the_filesystem(tmp_path: Path) -> None:
    filesystem.mkdir_exists_ok(tmp_path / "a" / "b")
    filesystem.mkdir_exists_ok(tmp_path / "a" / "b")
    (tmp_path / "a" / "b" / "f").write_text("1")
    with pytest.raises(FileExistsError, match="exists and is not a directory"):
        filesystem.mkdir_exists_ok(tmp_path / "a" / "b" / "f")
    assert [entry.name for entry in filesystem.files_in(tmp_path)] == ["f"]
    assert list(filesystem.files_in(tmp_path / "none")) == []
    copy = filesystem.copy_or_overwrite_changed(tmp_path / "a/b/f", tmp_path / "c" / "f")
    assert Path(copy).read_text() == "1"
    before = os.stat(copy)
    filesystem.copy_or_overwrite_changed(tmp_path / "a/b/f", copy)
    assert os.stat(copy).st_ino == before.st_ino, "copied without need"
    (tmp_path / "a/b/f").write_text("22")
    filesystem.copy_or_overwrite_changed(tmp_path / "a/b/f", copy)
    assert Path(copy).read_text() == "22"
    assert filesystem.check_exists(tmp_path / "nope") is None
    assert list(filesystem.path_fallbacks("/a/b?c<d")) == ["/a/b?c<d", "/a/b?c-d", "/a/b-c-d"]
    filesystem.unlink_path(Path(copy))
    filesystem.unlink_path(Path(copy))
    assert not os.path.exists(copy)


def test_a_file_appears_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "f"
    with filesystem.safe_open(target, "w") as file:
        file.write("old")
        file.flush()
        assert not target.exists()
    with (
        pytest.raises(UnicodeEncodeError),
        filesystem.safe_open(target, "w", encoding="ascii") as f,
    ):
        print("new", "\xe9", file=f)
    assert target.read_text() == "old"
    with filesystem.safe_open(target, "a") as file:
        file.write("er")
    with filesystem.safe_open(target) as file:
        assert file.read() == "older"
    with pytest.raises(FileExistsError), filesystem.safe_open(target, "x"):
        pass
    assert os.listdir(tmp_path) == ["f"]


def test_config_files(tmp_path: Path) -> None:
    path = str(tmp_path / "sub" / "c.yaml")
    config_util.save_config_file_from_dict(path, {"a": {"value": 1}})
    assert Path(path).read_text() == "wandb_version: 1\n\na:\n  value: 1\n"
    assert config_util.dict_from_config_file(path) == {"a": 1}
    assert config_util.dict_from_config_file("nope.yaml") is None
    with pytest.raises(config_util.ConfigError, match="doesn't exist"):
        config_util.dict_from_config_file("nope.yaml", must_exist=True)
    assert config_util.dict_strip_value_dict({"a": {"value": 1, "desc": None}}) == {"a": 1}
    assert config_util.merge_dicts({"a": {"b": 1}}, {"a": {"c": 2}, "d": 1}) == {
        "a": {"b": 1, "c": 2},
        "d": 1,
    }
    assert issubclass(config_util.ConfigError, wandb.Error)


def test_the_printer(capsys: pytest.CaptureFixture[str]) -> None:
    out = printer.new_printer()
    out.display("text")
    out.display(["one", "two"], level="warn")
    out.display("bad", level=printer.ERROR)
    with out.dynamic_text() as dynamic:
        assert dynamic is None
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "wandb: text",
        "wandb: WARNING one",
        "wandb: WARNING two",
        "wandb: ERROR bad",
    ]
    assert out.link("http://a", "text") == "http://a"
    assert out.grid([["a", "b"], ["cc", "dd"]], "title") == "title\n a b\ncc dd\n"
    with pytest.raises(ValueError, match="Unknown level name"):
        out.display("x", level="nope")


def test_names_of_files(tmp_path: Path) -> None:
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb" / "x.py").touch()
    (tmp_path / "y.py").touch()
    found = filtered_dir(str(tmp_path), lambda path: path.endswith(".py"), exclude_wandb_fn)
    assert list(found) == [str(tmp_path / "y.py")]
    assert is_wandb_file("config.yaml")
    assert not is_wandb_file("model.pt")


def test_lazy_modules_and_functions() -> None:
    space: dict[str, Any] = {}
    lazy = LazyLoader("j", space, "json")
    assert lazy.dumps is json.dumps
    assert space["j"] is json
    with pytest.raises(wandb.Error, match=r"must call wandb.init\(\) before wandb.foo\(\)"):
        PreInitCallable("wandb.foo")(1, a=2)


def test_where_the_code_runs() -> None:
    ipython = wandb.sdk.lib.ipython
    for name in ("in_notebook", "in_jupyter", "in_ipython", "in_vscode_notebook"):
        assert getattr(ipython, name)() is False


# --- what trips programs that use wandb ---------------------------------------------------------


def test_the_version_is_plain_numbers() -> None:
    version: str = wandb.__version__
    assert [int(part) for part in version.split(".")] == [0, 31, 0]


def test_rebinding_is_seen_through_a_kept_module(run_script: RunScript) -> None:
    run_script(
        INSTALL + "from wandb import log, config\n"
        "kept = wandb\n"
        "try:\n"
        "    log({'a': 1})\n"
        "except wandb.Error as error:\n"
        "    assert 'wandb.init()' in str(error)\n"
        "else:\n"
        "    raise AssertionError\n"
        "run = wandb.init(project='p', config={'lr': 1})\n"
        "assert kept.run is run and kept.config is run.config\n"
        "log({'a': 1}); wandb.log({'a': 2}); kept.log({'a': 3})\n"
        "assert run.step == 3 and run.summary['a'] == 3\n"
        "wandb.finish()\n"
        "assert kept.run is None\n"
        "wandb.finish(exit_code=1)\n"
    )


def test_names_are_looked_up_late(run_script: RunScript) -> None:
    run_script(
        INSTALL + "from unittest import mock\n"
        "import wandb.sdk.wandb_run\n"
        "calls = []\n"
        "wandb.sdk.wandb_run.Run.log_artifact = lambda self, *args: calls.append(args)\n"
        "with wandb.init(project='p') as run:\n"
        "    run.log_artifact('x')\n"
        "    with mock.patch('wandb.sdk.wandb_run.Run.finish') as fake:\n"
        "        run.finish()\n"
        "    fake.assert_called_once_with()\n"
        "    with mock.patch('wandb.log') as fake:\n"
        "        wandb.log({'a': 1})\n"
        "    fake.assert_called_once_with({'a': 1})\n"
        "assert calls == [('x',)]\n"
    )


def test_a_run_has_no_other_attributes(run_script: RunScript) -> None:
    source = INSTALL + "run = wandb.init(project='p')\nrun.nonesuch\n"
    done = run_script(source, check=False)
    assert "AttributeError: 'Run' object has no attribute 'nonesuch'" in done.stderr


def test_the_keywords_that_lightning_always_gives(run_script: RunScript) -> None:
    run_script(
        INSTALL + "import os\n"
        "run = wandb.init(name=None, project='p', dir='here', id=None, resume='allow',\n"
        "                 anonymous=None, entity=None)\n"
        "assert run.id and run.dir.startswith(os.path.join('here', 'wandb')), run.dir\n"
        "assert os.path.isdir(run.dir)\n"
        "run.finish()\n"
        "again = wandb.init(project='p', dir='here', id=run.id, resume='allow', anonymous=None)\n"
        "assert again.resumed and again.id == run.id\n"
    )


@pytest.mark.parametrize("silent", [False, True])
def test_all_output_goes_to_stderr(run_script: RunScript, silent: bool) -> None:
    done = run_script(
        INSTALL + "wandb.login(); wandb.termwarn('mind')\n"
        "run = wandb.init(project='p')\n"
        "run.log({'a': 1})\n"
        "run.finish()\n",
        env={"WANDB_SILENT": "true"} if silent else {},
    )
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    if silent:
        assert lines == []
    else:
        assert all(line.startswith("wandb:") for line in lines), lines
        [view] = [line for line in lines if "View run" in line]
        assert "file://" in view


def test_what_ray_imports_in_one_statement(run_script: RunScript) -> None:
    run_script(
        INSTALL + "from wandb.util import json_dumps_safer\n"
        "from wandb.wandb_run import Run\n"
        "from wandb.sdk.lib.disabled import RunDisabled\n"
        "assert isinstance(RunDisabled(), RunDisabled) and RunDisabled().anything is not None\n"
        "wandb.ensure_configured()\n"
        "assert wandb.api.api_key\n"
    )


# --- the report ---------------------------------------------------------------------------------


def test_every_name_of_the_list_is_here() -> None:
    groups = surface_report.compare()
    assert {"util", "Api", "artifacts", "media"} <= {group.title for group in groups}
    assert not {group.title: group.missing for group in groups if group.missing}


def test_the_report(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = {"util.generate_id": "(length=)", "util.vendor_setup": "", "util.to_human_size": "(x)"}
    (tmp_path / "names.json").write_text(json.dumps({"some": names}))
    monkeypatch.setattr(surface_report, "DATA", tmp_path / "names.json")
    assert surface_report.main(["--missing"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["group", "there", "of"],
        ["some", "1", "3"],
        ["util.vendor_setup:", "not", "there"],
        ["util.to_human_size:", "does", "not", "take", "x", "as", "wandb", "does"],
        ["total", "1", "3"],
    ]


def accepts(name: str, step: int | None = None, *, flag: bool = False) -> None: ...


def takes_all(*args: Any, **kwargs: Any) -> None: ...


@pytest.mark.parametrize(
    ("known", "problem"),
    [
        ("(name, step=)", None),
        ("(name, step=, *, flag=)", None),
        ("(step=, name=)", "does not take step"),
        ("(name, step=, more=)", "does not take more"),
        ("(name=)", "name has no default"),
        ("()", "needs name too"),
        ("(name, **kwargs)", "takes no **kwargs"),
        ("(*, flag=)", None),
        ("(*, gone=)", "does not take gone"),
    ],
)
def test_signatures_are_compared(known: str, problem: str | None) -> None:
    found = surface_report.differs(known, accepts, method=False)
    assert (found is None) if problem is None else (found is not None and problem in found)
    assert surface_report.differs(known, takes_all, method=False) is None


def test_a_name_is_judged_by_kind() -> None:
    assert surface_report.check("env.PROJECT", '"WANDB_PROJECT"') is None
    assert surface_report.check("env.PROJECT", '"other"') == "is 'WANDB_PROJECT'"
    assert surface_report.check("Settings.mode", "=") is None
    assert surface_report.check("Settings.nonesuch", "=") == "not there"
    assert surface_report.check("sdk.nonesuch.Run", "") == "not there"
    assert surface_report.check("log", "(data, step=, commit=)") is None
    assert surface_report.check("log", "(data, step=, commit=, more=)") is not None

"""`run.config` of the drop-in: access, changes, locks, sources, and what reaches the store."""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import pickle
import signal
import sys
import threading
import time
import types
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synadb.wandb_compat._config import (
    Config,
    ConfigError,
    ConfigStatic,
    config_dict,
    initial_config,
    parse_config,
)
from synadb.wandb_compat._config_sources import default_config, filter_keys, sweep_parameters
from synadb.wandb_compat._preinit import PreInit
from synadb.wandb_compat.errors import Error, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


def stored(values: dict[str, Any] | None = None, **options: Any) -> tuple[Config, dict[str, Any]]:
    """A config, and the dict that stands for its store."""
    store: dict[str, Any] = dict(values or {})

    def changed(clean: dict[str, Any]) -> None:
        store.update(json.loads(json.dumps(clean)))

    return Config(values or {}, changed, **options), store


# --- access ------------------------------------------------------------------------------------


def test_reads_as_items_and_attributes() -> None:
    config = Config({"lr": 0.1, "n": {"x": 1}, "_hidden": 2, "a b/c.d": 3})
    assert config["lr"] == config.lr == config.get("lr") == 0.1
    assert config.get("absent") is None
    assert config.get("absent", 7) == 7
    assert "lr" in config
    assert "absent" not in config
    assert config.keys() == list(config) == ["lr", "n", "a b/c.d"]
    assert config.items() == [("lr", 0.1), ("n", {"x": 1}), ("a b/c.d", 3)]
    assert config.values() == [0.1, {"x": 1}, 3]
    assert len(config) == 3
    expected = {"lr": 0.1, "n": {"x": 1}, "a b/c.d": 3}
    assert config.as_dict() == dict(config) == {**config} == expected
    assert str(config) == repr(config) == str(expected)
    assert config["_hidden"] == config._hidden == 2
    with pytest.raises(KeyError, match="absent"):
        config["absent"]
    with pytest.raises(AttributeError, match="absent"):
        config.absent  # noqa: B018
    assert not hasattr(config, "absent")


def test_nested_values_are_plain_dicts() -> None:
    config = Config({"n": {"x": 1}})
    assert type(config["n"]) is dict
    with pytest.raises(AttributeError):
        config.n.x  # noqa: B018


def test_an_empty_config_is_true() -> None:
    assert Config({})
    assert len(Config({})) == 0


def test_items_holds_everything() -> None:
    config = Config({"a": 1})
    assert vars(config)["_items"] == {"_wandb": {}, "a": 1}
    assert vars(config)["_items"] is config._items
    assert config.as_dict() == {"a": 1}


def test_new_keys_by_item_attribute_and_update() -> None:
    config, store = stored()
    config["a"] = 1
    config.b = 2
    config.update({"c": 3, "d": (1, float("nan"))})
    assert dict(config) == store == {"a": 1, "b": 2, "c": 3, "d": [1, None]}


def test_keys_lose_their_outer_dashes() -> None:
    config, store = stored()
    config["--batch-size"] = 8
    config.update({"-lr-": 0.1})
    config.setdefaults({"--lr": 5, "--new": 1})
    assert dict(config) == store == {"batch-size": 8, "lr": 0.1, "new": 1}


@pytest.mark.parametrize("key", [1, None, b"a", ("a",)])
def test_a_key_that_is_no_str(key: Any) -> None:
    config, store = stored()
    with pytest.raises(AttributeError, match="str"):
        config.update({"fine": 1, key: 2})
    with pytest.raises(AttributeError, match="str"):
        config[key] = 2
    assert dict(config) == store == {}


def test_update_takes_no_keywords() -> None:
    with pytest.raises(TypeError):
        Config({}).update(x=1)  # type: ignore[call-arg]


# --- changes -----------------------------------------------------------------------------------


def test_a_changed_value_is_an_error_that_says_what_to_do() -> None:
    config, store = stored({"a": 1})
    sentence = r'Attempted to change value of key "a" from 1 to 2\n.*allow_val_change=True'
    with pytest.raises(ConfigError, match=sentence):
        config["a"] = 2
    with pytest.raises(ConfigError, match=sentence):
        config.a = 2
    with pytest.raises(ConfigError, match=sentence):
        config.update({"new": 1, "a": 2})
    with pytest.raises(ConfigError, match=sentence):
        config.update_locked({"new": 1, "a": 2}, user="me")
    assert issubclass(ConfigError, Error)
    assert dict(config) == store == {"a": 1}
    config["a"] = 1
    config.update({"a": 2}, allow_val_change=True)
    assert dict(config) == store == {"a": 2}


def test_equal_values_of_another_type_take_their_place() -> None:
    config, store = stored({"a": 1})
    config["a"] = True
    assert config.a is True
    assert store["a"] is True


def test_where_changes_are_allowed_by_default_a_call_can_still_refuse() -> None:
    config, store = stored({"a": 1}, allow_val_change=True)
    config.a = 2
    config.update({"a": 3})
    with pytest.raises(ConfigError):
        config.update({"a": 4}, allow_val_change=False)
    assert dict(config) == store == {"a": 3}


def test_a_nested_update_replaces_the_dict_live_and_stored() -> None:
    config, store = stored({"n": {"x": 1, "y": 2}})
    config.update({"n": {"x": 5}}, allow_val_change=True)
    assert dict(config) == store == {"n": {"x": 5}}


def test_the_store_gets_text_for_nested_keys() -> None:
    seen: list[Any] = []
    config = Config({}, seen.append)
    config.update({"n": {1: {2.5: 3}}})
    assert config.n == {1: {2.5: 3}}
    assert seen == [{"n": {"1": {"2.5": 3}}}]


def test_the_callers_data_is_neither_kept_nor_touched() -> None:
    given = {"n": {"l": [1, (2,)]}}
    config = Config({})
    config.update(given)
    given["n"]["l"].append(3)
    assert config.n == {"l": [1, [2]]}
    config.n["l"].append(4)
    assert given == {"n": {"l": [1, (2,), 3]}}


def test_persist_stores_what_was_changed_in_place() -> None:
    config, store = stored({"n": {"x": 1}})
    nested = config.n
    nested["x"] = 2
    config._items["direct"] = (1, 2)
    assert store == {"n": {"x": 1}}
    config.persist()
    assert store == {"n": {"x": 2}, "direct": [1, 2]}
    nested["x"] = 3
    config.persist()
    assert store["n"] == config.n == {"x": 3}


def test_a_store_that_refuses_leaves_the_config_as_it_was() -> None:
    def refuse(clean: dict[str, Any]) -> None:
        raise UsageError("finished")

    config = Config({"a": 1}, refuse)
    writes: list[Callable[[], None]] = [
        lambda: config.update({"b": 2}),
        lambda: config.__setitem__("b", 2),
        lambda: config.setdefaults({"b": 2}),
        lambda: config.update_locked({"b": 2}, user="u"),
        lambda: config.merge_locked({"b": 2}, user="u"),
    ]
    for write in writes:
        with pytest.raises(UsageError):
            write()
    assert dict(config) == {"a": 1}
    assert config._locked == {}


def test_the_store_hears_of_values_before_they_take_effect() -> None:
    seen: list[Any] = []
    config = Config({}, lambda clean: seen.append((dict(clean), config.as_dict())))
    config.update({"--a": (1,)})
    assert seen == [({"a": [1]}, {})]


def test_nothing_to_change_is_not_stored() -> None:
    calls: list[Any] = []
    config = Config({"a": 1}, calls.append, locked={"a": "sweep"})
    config.setdefaults({"a": 2})
    config.update({})
    config.update({"a": 2})
    assert calls == []


# --- values the config does not take --------------------------------------------------------------


class WBValue:
    __module__ = "wandb.sdk.data_types.base_types.wb_value"

    def _to_run_value(self) -> None: ...


class Picture(WBValue):
    pass


class Artifact:
    __module__ = "wandb.sdk.artifacts.artifact"


def test_media_are_refused_at_the_top_level() -> None:
    config, store = stored()
    with pytest.raises(TypeError, match=r"WBValue.*log"):
        config["picture"] = Picture()
    with pytest.raises(TypeError, match="Picture"):
        config.update({"a": 1, "picture": Picture()})
    assert dict(config) == store == {}


def test_artifacts_below_the_top_level_are_refused() -> None:
    config = Config({})
    with pytest.raises(ValueError, match="top level"):
        config.update({"n": {"m": {"a": Artifact()}}})
    with pytest.raises(ValueError, match="top level"):
        config["n"] = {"a": Artifact()}
    assert dict(config) == {}


def test_a_class_of_the_script_may_have_any_name() -> None:
    mine = type("Artifact", (), {"__module__": "my.project", "__str__": lambda self: "mine"})
    config = Config({"n": {"a": mine()}})
    assert config.n == {"a": "mine"}


# --- locks -------------------------------------------------------------------------------------


def test_a_locked_key_ignores_changes_with_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    config, store = stored({"lr": 1}, locked={"lr": "sweep"})
    config.update({"--lr": 2, "other": 3}, allow_val_change=True)
    assert "Config item 'lr' was locked by 'sweep' (ignored update)" in capsys.readouterr().err
    config.lr = 4
    config["lr"] = 5
    config.setdefaults({"lr": 6})
    assert capsys.readouterr().err.count("was locked by 'sweep'") == 2
    assert dict(config) == store == {"lr": 1, "other": 3}


def test_update_locked_and_merge_locked(capsys: pytest.CaptureFixture[str]) -> None:
    config, store = stored({"n": {"x": 1}, "a": 1})
    config.update_locked({"--b": 2}, user="me")
    config.update_locked({"b": 3}, user="you", _allow_val_change=True)
    with pytest.raises(ConfigError):
        config.merge_locked({"n": {"y": 2}}, user="z")
    config.merge_locked({"n": {"y": {"z": 2}}, "c": 1}, user="z", _allow_val_change=True)
    assert dict(config) == store == {"n": {"x": 1, "y": {"z": 2}}, "a": 1, "b": 3, "c": 1}
    config.update({"b": 0, "n": 0, "c": 0, "d": 0})
    warnings = capsys.readouterr().err
    assert "'b' was locked by 'you'" in warnings
    assert "'n' was locked by 'z'" in warnings
    assert dict(config) == store == {"n": {"x": 1, "y": {"z": 2}}, "a": 1, "b": 3, "c": 1, "d": 0}


# --- copies ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda config: pickle.loads(pickle.dumps(config))]
)
def test_a_copy_stands_for_itself(copied: Any, capsys: pytest.CaptureFixture[str]) -> None:
    config, store = stored({"a": {"x": 1}, "_h": 2, "lr": 1}, locked={"lr": "sweep"})
    twin = copied(config)
    assert type(twin) is Config
    assert twin._items == config._items
    twin.b = 1
    twin.a["x"] = 9
    twin.lr = 5
    assert "'lr' was locked by 'sweep'" in capsys.readouterr().err
    assert twin.as_dict() == {"a": {"x": 9}, "lr": 1, "b": 1}
    assert config.as_dict() == {"a": {"x": 1}, "lr": 1}
    assert "b" not in store


def test_an_object_that_was_never_initialised_fails_softly() -> None:
    with pytest.raises(AttributeError):
        Config.__new__(Config).anything  # noqa: B018


# --- threads and forks -------------------------------------------------------------------------


def test_threads_lose_nothing() -> None:
    store: dict[str, Any] = {}
    writing: list[int] = []
    overlaps: list[int] = []

    def changed(clean: dict[str, Any]) -> None:
        overlaps.extend(writing)
        writing.append(1)
        time.sleep(1e-5)  # lets another thread run
        store.update(clean)
        writing.pop()

    config = Config({}, changed)
    seen: list[int] = []
    done = threading.Event()
    failed: list[BaseException] = []

    def read() -> None:
        try:
            while not done.is_set():
                seen.append(len(config.items()))
        except RuntimeError as error:
            failed.append(error)

    def write(thread: int) -> None:
        for i in range(100):
            config.update({f"{thread}/{i}/a": i, f"{thread}/{i}/b": i})
            config.setdefaults({f"shared/{i}": thread})

    threads = [threading.Thread(target=write, args=(i,)) for i in range(6)]
    reader = threading.Thread(target=read)
    for thread in (reader, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()
    assert not failed
    assert seen == sorted(seen)
    assert len(config) == 6 * 100 * 2 + 100
    assert not overlaps
    assert dict(config) == store


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_does_not_inherit_the_lock() -> None:
    inside, leave = threading.Event(), threading.Event()

    def changed(clean: dict[str, Any]) -> None:
        if "slow" in clean:
            inside.set()
            leave.wait(30)

    config = Config({}, changed)
    thread = threading.Thread(target=config.update, args=({"slow": 1},))
    thread.start()
    assert inside.wait(30)
    child = os.fork()
    if child == 0:
        # Ends a child that waits for ever; the handler that is set belongs to the test runner.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        config.update({"mine": 1})
        os._exit(7 if config.mine == 1 else 1)
    try:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    finally:
        leave.set()
        thread.join()
    assert dict(config) == {"slow": 1}


# --- the model ---------------------------------------------------------------------------------

KEYS = st.sampled_from(["a", "b", "c", "-a", "--b", "c-", "_h", "x y", "n/m"])
LEAVES = st.sampled_from([0, 1, 2, True, False, None, 0.5, "s", (1, 2), [1, 2], float("nan")])
VALUES = st.recursive(
    LEAVES, lambda below: st.dictionaries(st.sampled_from("pqr"), below), max_leaves=4
)
DICTS = st.dictionaries(KEYS, VALUES, max_size=3)
ALLOW = st.sampled_from([None, False, True])
USERS = st.sampled_from(["sweep", "launch"])
CALLS = st.one_of(
    st.tuples(st.just("update"), DICTS, ALLOW),
    st.tuples(st.just("item"), KEYS, VALUES),
    st.tuples(st.just("attribute"), KEYS, VALUES),
    st.tuples(st.just("setdefaults"), DICTS),
    st.tuples(st.just("update_locked"), DICTS, USERS, ALLOW),
    st.tuples(st.just("merge_locked"), DICTS, USERS, ALLOW),
    st.tuples(st.just("persist")),
)


class Model:
    """The rules, on two plain dicts."""

    def __init__(self, default: bool) -> None:
        self.values: dict[str, Any] = {}
        self.locked: dict[str, str] = {}
        self.default = default

    def call(self, name: str, *args: Any) -> bool:
        """Apply a call; False when it is to be refused."""
        if name == "persist":
            return True
        if name in ("item", "attribute"):
            given, rest = {args[0]: args[1]}, [None]
        else:
            given, rest = args[0], list(args[1:])
        given = {key.strip("-"): plain(value) for key, value in given.items()}
        if name == "setdefaults":
            given = {key: value for key, value in given.items() if key not in self.values}
        elif name in ("update", "item", "attribute"):
            given = {key: value for key, value in given.items() if key not in self.locked}
        elif name == "merge_locked":
            given = {key: deep(self.values.get(key), value) for key, value in given.items()}
        allow = True if name == "setdefaults" else rest[-1]
        if not (self.default if allow is None else allow) and any(
            key in self.values and self.values[key] != value for key, value in given.items()
        ):
            return False
        self.values.update(given)
        if name in ("update_locked", "merge_locked"):
            self.locked.update(dict.fromkeys(given, rest[0]))
        return True


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def deep(old: Any, new: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    both = dict(old)
    for key in new:
        both[key] = deep(old[key], new[key]) if key in old else new[key]
    return both


@given(default=st.booleans(), calls=st.lists(CALLS, max_size=12))
def test_any_calls_in_any_order(default: bool, calls: list[tuple[Any, ...]]) -> None:
    config, store = stored(allow_val_change=default)
    model = Model(default)
    for name, *args in calls:
        accepted = model.call(name, *args)
        try:
            if name == "item":
                config[args[0]] = args[1]
            elif name == "attribute":
                setattr(config, *args)
            else:
                getattr(config, name)(*args)
        except ConfigError:
            assert not accepted, (name, args)
        else:
            assert accepted, (name, args)
        # As text: 1 and True are equal, and not the same.
        expected = json.dumps(model.values)
        items = {key: value for key, value in config._items.items() if key != "_wandb"}
        assert json.dumps(items) == expected
        assert json.dumps(store, sort_keys=True) == json.dumps(model.values, sort_keys=True)
        assert config._locked == model.locked
        assert config.keys() == [key for key in model.values if key[0] != "_"]


# --- sources -----------------------------------------------------------------------------------


@dataclass
class Options:
    lr: float = 0.1
    sizes: list[int] = field(default_factory=lambda: [1, 2])


@dataclass
class Slotted:
    __slots__ = ("depth", "unset")
    depth: int
    unset: int


class Plain:
    shared = 1

    def __init__(self) -> None:
        self.own = 2


class Base:
    lr = 1
    depth = 2


class Settings(Base):
    depth = 3
    _private = 4
    json = json

    def method(self) -> None: ...

    @property
    def derived(self) -> int:
        return 5


class Unfit:
    __slots__ = ()


def slotted() -> Slotted:
    made = Slotted.__new__(Slotted)
    made.depth = 3
    return made


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"a": 1}, {"a": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(int, a=1), {"a": 1}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (argparse.Namespace(a=1, b=None), {"a": 1, "b": None}),
        (types.SimpleNamespace(a=1), {"a": 1}),
        (Options(), {"lr": 0.1, "sizes": [1, 2]}),
        (slotted(), {"depth": 3}),
        (Plain(), {"own": 2}),
        (Settings, {"lr": 1, "depth": 3, "_private": 4}),
        (Config({"a": 1, "_h": 2}), {"a": 1}),
        (PreInit("wandb.config"), {}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_sources(source: Any, expected: dict[str, Any]) -> None:
    assert parse_config(source) == expected
    assert parse_config(source) is not source
    config = Config({})
    config.update(source)
    assert config._items == {"_wandb": {}, **expected}
    assert initial_config(source) == (expected, {})


def test_a_module_as_source() -> None:
    module = types.ModuleType("settings")
    exec("import json\nlr = 1\ndef build(): ...\nclass Model: ...", module.__dict__)
    assert parse_config(module) == {"lr": 1, "Model": module.Model}


@pytest.mark.parametrize("source", [3, 1.5, [1], (1,), {1}, b"x", Unfit(), None, object()])
def test_what_is_no_source(source: Any) -> None:
    config = Config({"a": 1})
    for call in (config.update, config.setdefaults, config.update_locked, parse_config):
        with pytest.raises(TypeError, match="must be a dict or have a __dict__"):
            call(source)
    assert dict(config) == {"a": 1}


@pytest.mark.parametrize("nothing", [None, {}, [], "", 0])
def test_init_without_config(nothing: Any) -> None:
    assert initial_config(nothing) == ({}, {})
    assert config_dict(None) == {}


def test_filter_keys() -> None:
    values = {"a": 1, "b": 2, "c": 3}
    assert filter_keys(values) == values
    assert filter_keys(values, include=("a", "z")) == {"a": 1}
    assert filter_keys(values, exclude=["a"]) == {"b": 2, "c": 3}
    assert filter_keys(values, [], []) == values
    with pytest.raises(UsageError):
        filter_keys(values, include=["a"], exclude=["b"])


def test_parse_config_has_wandbs_order_of_arguments() -> None:
    source = argparse.Namespace(a=1, b=2)
    assert parse_config(source, ("a",)) == {"b": 2}
    assert parse_config(source, None, ("a",)) == {"a": 1}
    with pytest.raises(UsageError):
        parse_config(source, exclude=("a",), include=("b",))


# --- other libraries' sources --------------------------------------------------------------------


def module_with(name: str, monkeypatch: pytest.MonkeyPatch, **content: Any) -> types.ModuleType:
    module = types.ModuleType(name)
    vars(module).update(content)
    monkeypatch.setitem(sys.modules, name, module)
    return module


def test_a_dict_config_by_its_type(monkeypatch: pytest.MonkeyPatch) -> None:
    class OmegaConfBaseException(Exception):
        pass

    class DictConfig:
        __module__ = "omegaconf.dictconfig"
        __qualname__ = "DictConfig"

        def __init__(self, broken: bool = False) -> None:
            self.broken = broken

    class Derived(DictConfig):
        pass

    class OmegaConf:
        @staticmethod
        def to_container(source: DictConfig, *, resolve: bool) -> dict[str, Any]:
            if resolve and source.broken:
                raise OmegaConfBaseException("no such key")
            return {"n": {"x": 3 if resolve else "${lr}"}}

    errors = types.SimpleNamespace(OmegaConfBaseException=OmegaConfBaseException)
    module_with("omegaconf", monkeypatch, OmegaConf=OmegaConf, errors=errors)
    assert parse_config(DictConfig()) == parse_config(Derived()) == {"n": {"x": 3}}
    assert parse_config(DictConfig(broken=True)) == {"n": {"x": "${lr}"}}


def test_real_omegaconf(capsys: pytest.CaptureFixture[str]) -> None:
    omegaconf = pytest.importorskip("omegaconf")
    source = omegaconf.OmegaConf.create({"lr": 3, "n": {"x": "${lr}", "l": [1]}, "m": "???"})
    assert initial_config(source) == ({"lr": 3, "n": {"x": 3, "l": [1]}, "m": "???"}, {})
    assert capsys.readouterr().err == ""
    source = omegaconf.OmegaConf.create({"lr": 3, "x": "${absent}"})
    assert initial_config(source) == ({"lr": 3, "x": "${absent}"}, {})
    assert "absent" in capsys.readouterr().err


def test_flags_by_their_type(monkeypatch: pytest.MonkeyPatch) -> None:
    class FlagValues:
        __module__ = "absl.flags._flagvalues"
        __qualname__ = "FlagValues"

        def flag_values_dict(self) -> dict[str, Any]:
            return {"lr": 0.1, "model": None}

    class Wrapper:
        """As TensorFlow's: the class it shows is that of what it holds."""

        __class__ = FlagValues  # type: ignore[assignment]

        def flag_values_dict(self) -> dict[str, Any]:
            return FlagValues().flag_values_dict()

    expected = {"lr": 0.1, "model": None}
    assert parse_config(FlagValues()) == parse_config(Wrapper()) == expected
    module = module_with("absl.flags", monkeypatch, FLAGS=FlagValues())
    assert parse_config(module) == expected


def test_real_absl_flags() -> None:
    flags = pytest.importorskip("absl.flags")
    values = flags.FlagValues()
    flags.DEFINE_integer("size", 3, "not parsed", flag_values=values)
    flags.DEFINE_multi_float("rates", [0.1], "a list", flag_values=values)
    assert parse_config(values) == {"size": 3, "rates": [0.1]}
    assert parse_config(flags) == parse_config(flags.FLAGS)


# --- files -------------------------------------------------------------------------------------


def written(folder: Path, text: str | bytes, name: str = "config.yaml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("kind", [str, Path])
def test_a_yaml_file(tmp_path: Path, kind: Any) -> None:
    text = "wandb_version: 1\nlr: {value: 0.1, desc: rate}\nn:\n  value: {x: [1, ü]}\n"
    path = kind(written(tmp_path, text))
    assert initial_config(path) == ({"lr": 0.1, "n": {"x": [1, "ü"]}}, {})
    config = Config({})
    config.update(path)
    assert config.lr == 0.1


def test_a_json_file(tmp_path: Path) -> None:
    path = written(tmp_path, '{"lr": {"value": 0.1}}', "config.json")
    assert parse_config(str(path)) == {"lr": 0.1}


def test_an_empty_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_config(written(tmp_path, "")) == {}
    assert "config.yaml is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("wandb_version: 2\nq: {value: 1}", ConfigError, "wandb_version"),
        ("a: [1\nb: }", ConfigError, "not valid YAML"),
        ("a: @x", ConfigError, "not valid YAML"),
        (b"\xff\xfe\x00a", ConfigError, "not valid YAML"),
        ("q: 3", TypeError, "'q'.*'key: {value: v}'"),
        ("q: {desc: d}", TypeError, "'q'.*'key: {value: v}'"),
        ("- 1", TypeError, "list"),
        ("text", TypeError, "str"),
    ],
)
def test_files_that_cannot_be_used(
    tmp_path: Path, text: str | bytes, kind: type[Exception], says: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(kind, match=f"config.yaml.*{says}"):
        initial_config(str(path))


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="doesn't exist"):
        parse_config(str(tmp_path / "absent.yaml"))
    with pytest.raises(ConfigError, match="doesn't exist"):
        parse_config('{"a": 1}')
    with pytest.raises(ConfigError, match="cannot be read"):
        parse_config(tmp_path)


def test_a_file_with_a_key_that_is_no_str(tmp_path: Path) -> None:
    with pytest.raises(AttributeError, match="str"):
        initial_config(written(tmp_path, "1: {value: 2}"))


# --- what a run starts with --------------------------------------------------------------------


def test_defaults_of_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_config(tmp_path) == {}
    written(tmp_path, "q: {value: 3}\nn: {value: {x: 1, y: 2}}", "config-defaults.yaml")
    assert default_config(tmp_path) == {"q": 3, "n": {"x": 1, "y": 2}}
    monkeypatch.chdir(tmp_path)
    assert default_config() == {"q": 3, "n": {"x": 1, "y": 2}}
    assert dict(Config()) == {"q": 3, "n": {"x": 1, "y": 2}}
    assert dict(Config({})) == {}


def test_each_source_over_the_one_before(tmp_path: Path) -> None:
    written(
        tmp_path,
        "by_default: {value: 0}\ngiven: {value: 0}\nlisted: {value: 0}\nswept: {value: 0}\n"
        "n: {value: {lost: 0}}",
        "config-defaults.yaml",
    )
    first = written(tmp_path, "listed: {value: 1}", "first.yaml")
    second = written(tmp_path, "listed: {value: 2}\nswept: {value: 2}", "second.yaml")
    sweep = written(
        tmp_path, "wandb_version: 1\nswept: {value: 3}\nn: {value: {d: {y: 3}}}", "sweep.yaml"
    )
    environ = {
        "WANDB_CONFIG_PATHS": f"{first}, {second},",
        "WANDB_SWEEP_ID": "s",
        "WANDB_SWEEP_PARAM_PATH": str(sweep),
    }
    given = {"--given": 1, "listed": 1, "--swept": 1, "n": {"d": {"x": 1, "y": 1}}, "left_out": 1}
    values, locked = initial_config(
        given, exclude=("left_out", "by_default"), folder=tmp_path, environ=environ
    )
    assert values == {
        "by_default": 0,
        "given": 1,
        "listed": 2,
        "swept": 3,
        "n": {"d": {"x": 1, "y": 3}},
    }
    assert locked == {"swept": "sweep", "n": "sweep"}
    assert given["n"] == {"d": {"x": 1, "y": 1}}


def test_include_and_exclude_at_once(tmp_path: Path) -> None:
    assert initial_config({"a": 1, "b": 2}, include=["a"], folder=tmp_path)[0] == {"a": 1}
    with pytest.raises(UsageError):
        initial_config({"a": 1}, include=["a"], exclude=["b"], folder=tmp_path)


def test_sweep_parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sweep_parameters() is None
    monkeypatch.setenv("WANDB_SWEEP_PARAM_PATH", str(written(tmp_path, "lr: {value: 3}")))
    assert sweep_parameters() == {"lr": 3}
    assert initial_config({"lr": 1}) == ({"lr": 3}, {"lr": "sweep"})
    monkeypatch.setenv("WANDB_SWEEP_PARAM_PATH", str(tmp_path / "absent.yaml"))
    with pytest.raises(ConfigError, match="doesn't exist"):
        initial_config({})


def test_a_listed_file_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"WANDB_CONFIG_PATHS": str(tmp_path / "absent.yaml")}
    assert initial_config({"a": 1}, environ=environ) == ({"a": 1}, {})
    assert "absent.yaml doesn't exist" in capsys.readouterr().err


def test_bad_values_stop_the_start() -> None:
    with pytest.raises(AttributeError, match="str"):
        initial_config({1: 2})
    with pytest.raises(TypeError, match="WBValue"):
        initial_config({"p": Picture()})


# --- config_static -----------------------------------------------------------------------------


def test_config_static_only_reads() -> None:
    config = Config({"lr": 1, "n": {"x": 1}, "_h": 1})
    static = ConfigStatic(config)
    assert static.lr == static["lr"] == 1
    assert list(static.keys()) == list(static) == ["lr", "n"]
    assert dict(static) == {**static} == {"lr": 1, "n": {"x": 1}}
    assert str(static) == str({"lr": 1, "n": {"x": 1}})
    assert "lr" in static
    assert "_h" not in static
    assert len(static) == 2
    writes: list[Callable[[], None]] = [
        lambda: setattr(static, "lr", 2),
        lambda: static.__setitem__("new", 2),
        lambda: delattr(static, "lr"),
    ]
    for write in writes:
        with pytest.raises(AttributeError, match="read-only"):
            write()
    with pytest.raises(AttributeError, match="absent"):
        static.absent  # noqa: B018
    with pytest.raises(KeyError):
        static["absent"]
    config.update({"later": 1})
    assert "later" not in static
    assert pickle.loads(pickle.dumps(static)).lr == copy.deepcopy(static).lr == 1

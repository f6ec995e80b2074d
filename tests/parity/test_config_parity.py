"""`run.config` under real wandb and ours: what is raised, what it shows, what is stored."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any

import pytest

from synadb.formats.wandb_log import read_wandb_log
from synadb.wandb_compat._config import Config, ConfigStatic, initial_config, parse_config
from synadb.wandb_compat.errors import Error

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import RunScript

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("wandb") is None, reason="real wandb is not installed"
)

# What init(config=) gets unless a scenario says another.
GIVEN = "{'a': 1, 'n': {'x': 1}}"

# Each statement runs by itself, so that one that fails leaves the rest to happen.
SCENARIOS = {
    "item": "config['b'] = 2",
    "attribute": "config.b = 2",
    "update": "config.update({'b': 2, 'c': 3})",
    "same value": "config['a'] = 1; config.a = 1; config.update({'a': 1})",
    "changed item": "config['a'] = 2",
    "changed attribute": "config.a = 2",
    "changed in update": "config.update({'b': 1, 'a': 2, 'c': 1})",
    "change allowed": "config.update({'a': 2, 'b': 3}, allow_val_change=True)",
    "change refused": "config.update({'a': 2}, allow_val_change=False)",
    "positional": "config.update({'a': 2}, True)",
    "keywords": "config.update(x=1)",
    "equal and another type": "config.a = True; config.a = 1.0",
    "dashes": "config['--b'] = 1; config.update({'-c-d-': 2}); config.update({'--a': 9})",
    "dashes read": "config['--a']; config.get('--a'); '--a' in config",
    "odd keys": "config.update({'a.b': 1, 'c/d': 2, 'e f': 3, 'ü': 4})",
    "int key": "config.update({1: 2})",
    "int item": "config[1] = 2",
    "nested": "config.update({'n': {'y': 2}}, allow_val_change=True)",
    "nested changed": "config.update({'n': {'y': 2}})",
    "nested attribute": "config.n.x",
    "nested item": "config['n']['x']",
    "missing": "config['zz']; config.zz; config.get('zz'); config.get('zz', 1)",
    "get alone": "config.get()",
    "hasattr": "hasattr(config, 'zz'); hasattr(config, 'a')",
    "in": "'a' in config; 'zz' in config; '_wandb' in config",
    "views": "config.keys(); config.items(); dict(config); config.as_dict(); {**config}",
    "text": "str(config); repr(config); bool(config)",
    "hidden": "config['_h'] = 1; config._h; config.keys(); dict(config)",
    "_items": "config._items['a']; list(config._items); vars(config)['_items']['n']",
    "persist": "config.n['x'] = 5; config.persist()",
    "persist of a new key": "config._items['direct'] = 5; config.persist()",
    "setdefaults": "config.setdefaults({'a': 5, 'b': 6, '--c': 7})",
    "update_locked": (
        "config.update_locked({'b': 1}, user='me'); config.b = 2; config.update({'b': 3, 'c': 4})"
    ),
    "update_locked, changed": "config.update_locked({'a': 2}, user='me')",
    "update_locked, allowed": "config.update_locked({'a': 2}, 'me', True); config.a = 3",
    "merge_locked": "config.merge_locked({'n': {'y': 2}}, 'me', True); config.n = 3",
    "merge_locked, changed": "config.merge_locked({'n': {'y': 2}}, 'me')",
    "locked twice": (
        "config.update_locked({'b': 1}, 'me'); config.update_locked({'b': 2}, 'you', True)"
    ),
    "values": (
        "config.update({'t': (1, (2,)), 's': {1}, 'r': range(3), 'nan': float('nan'), "
        "'none': None, 'inf': float('inf'), 'big': 2**70, 'f': len, 'e': {}, 'l': [], "
        "'d': {'t': (1,)}})"
    ),
    "update from None": "config.update(None)",
    "update from a list": "config.update([1])",
    "update from an int": "config.update(3)",
    "update from bytes": "config.update(b'x')",
    "setdefaults from None": "config.setdefaults(None)",
    "Namespace": "config.update(argparse.Namespace(b=1, c=None))",
    "dataclass": "config.update(Options())",
    "object": "config.update(Plain())",
    "itself": "config.update(config)",
    "ordered": "config.update(collections.OrderedDict(b=1))",
    "file": "config.update('good.yaml')",
    "JSON file": "config.update('good.json')",
    "missing file": "config.update('absent.yaml')",
    "folder as file": "config.update('.')",
    "other version": "config.update('version2.yaml')",
    "broken file": "config.update('broken.yaml')",
    "flat file": "config.update('flat.yaml')",
    "list file": "config.update('list.yaml')",
    "parse_config": (
        "parse(argparse.Namespace(a=1, b=2), ('a',)); parse({'a': 1, 'b': 2}, None, ['a'])"
    ),
    "parse_config, both": "parse({'a': 1}, exclude=['a'], include=['b'])",
    "parse_config, None": "parse(None)",
    "static": "static.a; static['n']; list(static.keys()); dict(static); str(static)",
    "static, missing": "static.zz; static['zz']",
    "static, attribute": "static.a = 2",
    "static, item": "static['a'] = 2",
}

SOURCES = {
    "none": "None",
    "empty": "{}",
    "empty list": "[]",
    "empty text": "''",
    "list": "[1]",
    "int": "3",
    "int key": "{1: 2}",
    "dashes": "{'--lr': 0.1, 'n': {'--x': 1}}",
    "namespace": "argparse.Namespace(q=7, b=(1, 2))",
    "dataclass": "Options()",
    "object": "Plain()",
    "file": "'good.yaml'",
    "missing file": "'absent.yaml'",
    "over the defaults": "{'q': 7, 'n': {'y': 1}}",
    "swept": "{'lr': 1, 'deep': {'x': 1, 'y': {'z': 1, 'k': 2}}}",
    "include": "{'q': 1, 'b': 2, 'c': 3}, {'include': ['b', 'lr']}",
    "exclude": "{'q': 1, 'b': 2, 'lr': 3}, {'exclude': ['q', 'lr']}",
    "include and exclude": "{'q': 1}, {'include': ['a'], 'exclude': ['q']}",
}

FILES = {
    "good.yaml": "wandb_version: 1\nb: {value: 1, desc: d}\nn:\n  value: {x: 1}\n",
    "good.json": '{"b": {"value": [1, null]}}',
    "version2.yaml": "wandb_version: 2\nb: {value: 1}\n",
    "broken.yaml": "a: [1\nb: }",
    "flat.yaml": "q: 3\n",
    "list.yaml": "- 1\n",
}
DEFAULTS = "q: {value: 3}\nn: {value: {x: 1, y: 2}}\n"
SWEEP = "wandb_version: 1\nlr: {value: 9}\ndeep: {value: {y: {z: 9}}}\n"

# Run by the child and, for the other side, here.
COMMON = """
import argparse, collections, dataclasses, json

@dataclasses.dataclass
class Options:
    b: int = 1
    t: tuple = (1, 2)

class Plain:
    shared = 1
    def __init__(self):
        self.q = 2

def plain(value):
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items() if k != "_wandb"}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value if v != "_wandb"]
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)

def play(statements, names):
    seen = []
    for statement in statements.split("; "):
        try:
            try:
                seen.append(plain(eval(statement, names)))
            except SyntaxError:
                exec(statement, names)
                seen.append("done")
        except Exception as error:
            seen.append("raises " + type(error).__name__)
    config = names["config"]
    return [json.loads(json.dumps(seen)), plain(dict(config)), plain(config.keys())]
"""

CHILD = (
    COMMON
    + """
import os, sys, wandb
given, scenarios, sources = json.loads(sys.argv[1])
found = {}
def start(name, config, include=None, exclude=None):
    return wandb.init(
        project="p", id=name.replace(" ", "_").replace(",", ""), config=config, reinit=True,
        config_include_keys=include, config_exclude_keys=exclude,
    )
for name, statements in scenarios.items():
    run = start(name, eval(given))
    names = {**globals(), "config": run.config, "static": run.config_static,
             "parse": wandb.helper.parse_config}
    found[name] = play(statements, names)
    run.finish()
for name, source in sources.items():
    config = eval(source)
    config, options = config if isinstance(config, tuple) else (config, {})
    try:
        run = start(name, config, **options)
    except Exception as error:
        found[name] = "raises " + type(error).__name__
    else:
        found[name] = play("config.lr = 5; config.b = 77; config.deep", {"config": run.config})
        run.finish()
with open("found.json", "w") as file:
    json.dump(found, file)
"""
)


def real(
    run_script: RunScript,
    folder: Path,
    env: dict[str, str],
    scenarios: dict[str, str],
    sources: dict[str, str],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What real wandb showed, and the config it stored, by the name of a scenario."""
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    done = run_script(
        CHILD,
        json.dumps([GIVEN, scenarios, sources]),
        timeout=110,
        env={"WANDB_MODE": "offline", "WANDB_SILENT": "true", **env},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    logs = {}
    for path in folder.glob("wandb/offline-run-*/run-*.wandb"):
        log = read_wandb_log(path)
        logs[log.run_id] = log.config
    return found, {
        name: logs.get(name.replace(" ", "_").replace(",", "")) for name in (*scenarios, *sources)
    }


class Ours:
    """The same for our config, on a plain dict as its store."""

    def __init__(self, given: Any, include: Any = None, exclude: Any = None) -> None:
        values, locked = initial_config(given, include=include, exclude=exclude)
        self.store: dict[str, Any] = json.loads(json.dumps(values))
        self.config = Config(values, self._changed, locked=locked)

    def _changed(self, clean: dict[str, Any]) -> None:
        self.store.update(json.loads(json.dumps(clean)))

    def names(self) -> dict[str, Any]:
        static = ConfigStatic(self.config)
        return {"config": self.config, "static": static, "parse": parse_config}


def test_calls(run_script: RunScript, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, stored = real(run_script, tmp_path, {}, SCENARIOS, {})
    monkeypatch.chdir(tmp_path)
    common: dict[str, Any] = {}
    exec(COMMON, common)
    different = {}
    for name, statements in SCENARIOS.items():
        ours = Ours(eval(GIVEN))
        seen = common["play"](statements, {**common, **ours.names()})
        if [seen, ours.store] != [found[name], stored[name]]:
            different[name] = {"ours": [seen, ours.store], "wandb": [found[name], stored[name]]}
    assert not different, json.dumps(different, indent=1)


@pytest.mark.parametrize("surroundings", ["bare", "defaults and sweep"])
def test_sources(
    run_script: RunScript, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, surroundings: str
) -> None:
    env = {}
    if surroundings != "bare":
        (tmp_path / "config-defaults.yaml").write_text(DEFAULTS, encoding="utf-8")
        (tmp_path / "sweep.yaml").write_text(SWEEP, encoding="utf-8")
        env = {"WANDB_SWEEP_PARAM_PATH": str(tmp_path / "sweep.yaml")}
    found, stored = real(run_script, tmp_path, env, {}, SOURCES)
    monkeypatch.chdir(tmp_path)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    common: dict[str, Any] = {}
    exec(COMMON, common)
    different = {}
    for name, source in SOURCES.items():
        config = eval(source, common)
        config, options = config if isinstance(config, tuple) else (config, {})
        ours, seen = None, None
        try:
            ours = Ours(config, **options)
        except (Error, TypeError, AttributeError) as error:
            seen = f"raises {type(error).__name__}"
        else:
            seen = common["play"]("config.lr = 5; config.b = 77; config.deep", ours.names())
        store = ours.store if ours else None
        if [seen, store] != [found[name], stored[name]]:
            different[name] = {"ours": [seen, store], "wandb": [found[name], stored[name]]}
    assert not different, json.dumps(different, indent=1)

"""Tables under real wandb: types, rows, both files and errors are the same from both."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synadb.formats.wandb_log import read_wandb_log
from synadb.wandb_compat._media import dtypes, table
from synadb.wandb_compat._media.html import Html
from synadb.wandb_compat._media.image import Classes, Image
from synadb.wandb_compat.errors.errors import Error
from tests.media_sink import MemorySink

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("wandb", "pandas")),
    reason="real wandb or pandas is not installed",
)

PRELUDE = """
import datetime, decimal, enum
import numpy as np, pandas as pd
class Color(enum.Enum):
    RED = 1
class Level(enum.IntEnum):
    LOW = 1
UTC = datetime.timezone.utc
T = wandb.Table
RECORDS = np.array([(1, 2.5, "x"), (2, 3.5, "y")], dtype=[("i", "i4"), ("f", "f8"), ("s", "U4")])
def image(): return wandb.Image(np.zeros((3, 4), np.uint8))
def boxed(label, number):
    return wandb.Image(np.zeros((3, 4), np.uint8), boxes={"p": {"class_labels": {number: label},
        "box_data": [{"position": {"minX": 0, "maxX": 1, "minY": 0, "maxY": 1},
                      "class_id": number, "scores": {"acc": 0.5}}]}})
class Sub(wandb.Table):
    pass
def classes(*names):
    return wandb.Classes([{"id": place, "name": name} for place, name in enumerate(names)])
Part = wandb.data_types.PartitionedTable
"""

# Each value becomes the one cell of a table, in a column of its own type.
CELLS = [
    *("1", "-0.0", "1.5", "1e-5", "2.5e-07", "1e16", "True", "None", "'x'", "'é\\u2028\"\\\\'"),
    *("float('nan')", "float('inf')", "10**30", "'wandb-artifact://a/b:v0'", "Color.RED"),
    *("Level.LOW", "decimal.Decimal('1.5')", "b'ab'", "print", "{3}", "[]", "{}", "(1, 2)"),
    *(
        "[1, 2.5, 3]",
        "[1, 'a']",
        "[1.0, float('nan')]",
        "[None, 1]",
        "[[1, 2], [3]]",
        "(1, (2, 3))",
    ),
    *("{'x': 1, 'y': {'z': [1, 2]}}", "{1: 2}", "{'n': float('nan')}", "['a', 'b']"),
    "datetime.datetime(2020, 1, 2, 3, 4, 5, 6)",
    "datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)",
    *("datetime.date(1969, 7, 20)", "[datetime.date(2020, 1, 1)]", "pd.Timestamp('2020-01-01')"),
    *(
        "np.float32(1.5)",
        "np.float64('nan')",
        "np.float32('nan')",
        "np.int8(-3)",
        "np.uint64(2**63)",
    ),
    *("np.bool_(True)", "np.str_('x')", "np.datetime64('2020-01-01T00:00:00')", "np.float16(0.1)"),
    *("np.datetime64('2020-01-01T00:00:00.123456789')", "np.datetime64('2020-01-01')"),
    *("np.arange(3)", "np.array(3)", "np.array(['a', 'b'])", "np.array([1.0, np.nan])"),
    *("np.zeros((2, 2, 2))", "np.zeros(200)", "np.zeros((2, 2), bool)", "{'a': np.arange(3)}"),
    *("RECORDS", "RECORDS[0]", "[RECORDS[1]]", "np.zeros((2, 2), complex)"),
    *("[np.float32(1.5), np.int64(2)]", "image()", "[image(), image()]", "boxed('cat', 1)"),
    *("wandb.Html('<p>x</p>', inject=False)", "T(['q'], [[1], [None]])", "T(['q'], [[image()]])"),
    # errors
    *("np.zeros(2, complex)", "np.zeros(2, 'm8[s]')", "np.array([object()], dtype=object)"),
    *("1j", "object()", "datetime.timedelta(1)", "datetime.time(1)", "b'\\xff'", "np.complex64(1)"),
]

# What `value` is at the end is compared: its type and columns, or the class of the error.
VALUES = [
    *("T()", "T(['a'])", "T([0, 1], [[1, 2]])", "T(['a'], rows=[[1]])", "T([])", "T([], [[]])"),
    *("T(['a', 'b'], [(1, 'x'), [2.5, None]])", "T(['a', 'b'], np.eye(2))", "T(['a'], ['x', 'y'])"),
    *("T(None, None, None, None)", "T(columns=['a', 'a'], data=[[1, 1]])", "T(['a'], [iter([1])])"),
    "T(['z'], dataframe=pd.DataFrame({'a': [1, 2], 'b': ['x', 'y'], 'c': [1.5, None]}))",
    "T(data=pd.DataFrame({'t': pd.to_datetime(['2020-01-01', None]), 'o': [None, 'x']}))",
    *("T(data=pd.DataFrame(np.eye(2)))", "T(dataframe=pd.DataFrame({'a': []}))"),
    "T(dataframe=pd.DataFrame({'c': pd.Categorical(['u', 'v']), 'b': [True, False]}))",
    "T(dataframe=pd.DataFrame({1.5: [1]}))",
    # arguments of a wrong kind
    *("T(('a',))", "T('ab')", "T([1.5])", "T([True])", "T(['a'], ((1,),))", "T(['a'], {'a': [1]})"),
    *("T(['a'], log_mode='x')", "T(['a'], log_mode=None)", "T(['a'], [1])", "T(['a'], [[1, 2]])"),
    *("T(pd.DataFrame({'a': [1]}))", "T(dataframe=[[1]])", "T(['a'], 5)", "T(rows=5)", "T([None])"),
    # types
    *("T(['a'], [[1], ['x']])", "T(['a'], [[1], [True]])", "T(['a'], [['x'], [b'x']])"),
    *("T(['a'], [[None], [1]])", "T(['a'], [[float('nan')], ['x']])", "T(['a'], [[1], [1.5]])"),
    *("T(['a'], [[1], [None]], optional=False)", "T(['a'], [[1.5], [np.nan]], optional=False)"),
    *("T(['a'], [[1]], dtype=str)", "T(['a'], [[1]], dtype=int)", "T(['a'], [[1]], dtype=float)"),
    *("T(['a', 'b'], [[1, 'x']], dtype=[int, str])", "T(['a', 'b'], [[1, 2]], dtype=[int])"),
    *("T(['a'], [[[1]]], dtype=[[int]])", "T(['a'], [[{'k': 1}]], dtype=[{'k': int}])"),
    *(
        "T(['a'], [[5], [5]], dtype=5)",
        "T(['a'], [[5], [6]], dtype=5)",
        "T(['a'], [[1]], dtype=dict)",
    ),
    *("T(['a', 'b'], [[1, None]], optional=[True, False])", "T(['a'], [[image()]], dtype=str)"),
    *("T(['a'], [[image()], [None]], dtype=wandb.Image)", "T(['a'], [[1]], dtype=wandb.Image)"),
    *(
        "T(['a'], [[1], ['x'], [None]], allow_mixed_types=True)",
        "T(['a'], [[Color.RED], [Level.LOW]])",
    ),
    "T(['a'], [[1], [None]], allow_mixed_types=True, optional=False)",
    *(
        "T(['a'], [[[1]], [[2, 3]], [None]])",
        "T(['a'], [[[1]], [['x']]])",
        "T(['a'], [[[]], [[1]]])",
    ),
    *(
        "T(['a'], [[{'k': 1}], [{}]])",
        "T(['a'], [[{'k': 1}], [{'j': 1}]])",
        "T(['a'], [[{}], [1]])",
    ),
    *("T(['a'], [[np.eye(2)], [np.ones((2, 2))]])", "T(['a'], [[np.eye(2)], [np.eye(3)]])"),
    *(
        "T(['a'], [[np.eye(2)], [[1, 2]]])",
        "T(['a'], [[boxed('c', 1)], [boxed('d', 2)], [image()]])",
    ),
    *("T(['a'], [[T(['q'], [[1]])], [T(['q'], [['x']])]])", "T(['a'], [[Sub(['q'], [[1]])]])"),
    *("T(['a'], [['wandb-artifact://x'], ['y']])", "T(['a'], [[(1, 2)], [{3}]])"),
    *("T(['a'], [[datetime.date(2020, 1, 1)], [datetime.datetime(2020, 1, 1)]])",),
    # methods
    "t = T(['a']); t.add_data(1); t.add_row(2.5); value = t",
    "t = T(['a'], [[1]]); t.add_data(1, 2)",
    "t = T(['a'], [[1]])\ntry: t.add_data('x')\nexcept TypeError: pass\nvalue = t",
    "t = T(['a'], [[1], [2]]); t.add_column('b', ['x', 'y']); t.add_data(3, 'z'); value = t",
    "t = T(['a'], [[1], [2]]); t.add_column('b', np.array([1.5, 2.5])); value = t",
    "t = T([], []); t.add_column('b', [1, 2, 3]); value = t",
    "t = T(['a'], [[1]]); t.add_column('b', [None])",
    "t = T(['a'], [[1]]); t.add_column('b', [None], optional=True); value = t",
    "t = T(['a'], [[1], [2]])\ntry: t.add_column('b', [1, 'x'])\nexcept TypeError: pass\nvalue = t",
    *("T(['a'], [[1]]).add_column('a', [1])", "T(['a'], [[1]]).add_column('b', [1, 2])"),
    *("T(['a'], [[1]]).add_column(5, [1])", "T(['a'], [[1]]).add_column('b', (1,))"),
    "t = T(['a'], [[1]]); t.add_computed_columns(lambda n, r: {'s': r['a'] + n}); value = t",
    "T(['a'], [[1]]).add_computed_columns(lambda n, r: 5)",
    *("value = T(['a'], [[1], [2]]).get_column('a')", "T(['a']).get_column('b')"),
    "value = T(['a'], [[1], [2]]).get_column('a', convert_to='numpy').tolist()",
    "T(['a']).get_column('a', convert_to='list')",
    "value = T(['a', 'b'], [[1, 'x']]).get_dataframe().to_dict()",
    "value = [(int(i), r) for i, r in T(['a'], [[1], [2]]).iterrows()]",
    "value = [int(i) for i in T(['a'], [[1], [2]]).get_index()]",
    *("T(['a'], [[1]]).index_ref(1)", "value = T(['a'], [[1]]).index_ref(0).get_row()"),
    "t = T(['a'], [[1]]); t.cast('a', str)",
    "t = T(['a'], [[1], [2]]); t.cast('a', int); value = t",
    "t = T(['a'], [[1], [None]]); t.cast('a', int)",
    "t = T(['a'], [[1], [None]]); t.cast('a', float, optional=True); value = t",
    *("T(['a']).cast('b', int)", "t = T(['a'], [['x']]); t.set_pk('a'); value = t"),
    "t = T(['a'], [['x']], optional=False); t.set_pk('a'); t.set_pk('a')",
    "t = T(['a'], [[1]]); t.set_pk('a')",
    "u = T(['k'], [['x']]); t = T(['a'], [['x']]); t.set_fk('a', u, 'k'); value = str(t.data)",
    *("t = T(['a'], [['x']]); t.set_fk('a', t, 'a')", "T(['a']).set_fk('a', T(['k']), 'z')"),
    "u = T(['k'], [['x']]); t = T(['a'])\n"
    "for i in u.get_index(): t.add_data(i)\nvalue = str(t.data)",
    *("value = T(['a'], [[1]]) == T(['a'], [[1]])", "value = T(['a'], [[1]]) == T(['a'], [[2]])"),
    *("value = T(['a'], [[1]]) != T(['b'], [[1]])", "value = T(['a'], [[1]]) == 5"),
    "value = T(['a'], [[np.eye(2)]]) == T(['a'], [[np.eye(2)]])",
    *("hash(T())", "t = T(['a'], [[1]], log_mode='INCREMENTAL'); t.add_column('b', [1])"),
    "T(['a'], [[1]], log_mode='INCREMENTAL').add_computed_columns(lambda n, r: {})",
    *("wandb.JoinedTable('a', 'b', 'k')", "wandb.JoinedTable('a.table.json', T(), ['k'])"),
    *("wandb.JoinedTable('a.table.json', T(), 5)", "wandb.JoinedTable(5, T(), 'k')"),
    "value = wandb.JoinedTable(T(), T(), 'k') == wandb.JoinedTable(T(), T(), 'k')",
    "value = wandb.JoinedTable('a.table.json', T(), ['k', 'l'])._log_type",
    "value = wandb.data_types.PartitionedTable('p').parts_path",
    "value = list(wandb.data_types.PartitionedTable('p').iterrows())",
    "value = T(['c'], [[classes('x')], [0], [None]])",
    *("T(['c'], [[classes('x')], [classes('x')]])", "T(['c'], [[classes('x')], [1]])"),
    *("T(['c'], [[classes('x')], ['x']])", "T(['c'], [[0], [classes('x')]])"),
    "value = T(['c'], [[0]], dtype=classes('x', 'y').get_type())",
    *("T(['c'], [[2]], dtype=classes('x', 'y').get_type())", "wandb.Classes([{'id': 0}])"),
    "value = T(['c'], [[wandb.JoinedTable(Part('p'), T(), 'k')]])",
    *("wandb.JoinedTable(Part('p'), 'a.csv', 'k')", "value = Part('p') == Part('p')"),
]

# Several calls of `log`, each row is compared.
STORIES = [
    "t = T(['a'], [[1]]); log('im', t); t.add_data(2); log('im', t); log('im2', t)",
    "t = T(['a'], [[1]], log_mode='MUTABLE'); log('m', t); log('m', t); t.add_data(2); log('m', t)",
    "t = T(['a'], [[1]], log_mode='MUTABLE'); log('mc', t); t.add_column('b', ['x']); log('mc', t)",
    "t = T(['a'], [[1]], log_mode='INCREMENTAL'); log('i', t); t.add_data(2); t.add_data(3)\n"
    "log('i', t); log('i', t); t.add_data(4); log('i', t)",
    "log('i0', T(['a'], [], log_mode='INCREMENTAL'))",
    "T.MAX_ROWS = 2; T.MAX_ARTIFACT_ROWS = 3\nlog('cut', T(['a'], [[1], [2], [3], [4], [5]]))\n"
    "T.MAX_ROWS = 10000; T.MAX_ARTIFACT_ROWS = 200000",
    "log('sp/a b', T(['a'], [[1]])); log('ü', T(['a'], [[1]]))",
    "log('x.table.json', T(['a'], [[1]]))",
    "log('sub', Sub(['a'], [[1]])); log('int', T([0, 1], [[1, 2]])); log('none', T(['a']))",
    "log('many', T(['a', 'b'], [[i / 7, f's{i}' if i % 3 else None] for i in range(2000)]))",
    "u = T(['k'], [['x']]); t = T(['a'], [['x']]); t.set_fk('a', u, 'k'); log('fk', t)",
    "u = T(['k'], [['x']]); log('fi', T(['a'], [[i] for i in u.get_index()]))",
    "log('arr', T(['a'], [[np.eye(2)], [np.ones((2, 2))]]))",
    "log('df', T(dataframe=pd.DataFrame({'a': [1, 2], 'b': ['x', None], 'c': [1.5, np.nan],"
    " 't': pd.to_datetime(['2020-01-01', '2021-02-03T04:05:06.789'])})))",
    "log('joined', wandb.JoinedTable(T(), T(), 'k'))",
    "log('part', wandb.data_types.PartitionedTable('p'))",
    "log('cls', T(['c'], [[classes('x', 'y')], [0], [None]]))",
    "log('clstwo', T(['c', 'd'], [[classes('x'), classes('x')]]))",
    "log('clsany', T(['c'], [[classes('x')], [classes('y')]], allow_mixed_types=True))",
    "log('clslist', T(['c'], [[[classes('x')]]]))",
    "c = classes('x'); t = T(['c'], [[0]]); t.cast('c', c.get_type()); log('clsid', t)",
    "log('clsimage', T(['c', 'i'], [[classes('x'), wandb.Image(np.zeros((3, 4), np.uint8),"
    " classes=classes('x'))]]))",
    "log('clsalone', classes('x'))",
    "log('jcell', T(['c'], [[wandb.JoinedTable(T(['k'], [['x']]), T(['k'], [['y']]), 'k')]]))",
    "log('pcell', T(['c'], [[Part('p')], [Part('q')]]))",
    "log('jpcell', T(['c'], [[wandb.JoinedTable(Part('p'), T(['k'], [['y']]), 'k')]]))",
    "log('jppcell', T(['c'], [[wandb.JoinedTable(Part('p'), Part('q'), ['k', 'l'])]]))",
    "log('jpart', wandb.JoinedTable(T(), Part('p'), 'k'))",
    "log('jpath', wandb.JoinedTable('a.table.json', T(), 'k'))",
    "log('jpathcell', T(['c'], [[wandb.JoinedTable('a.table.json', T(), 'k')]]))",
]

RUNNER = '''
import json, re
def describe(value, Table):
    if isinstance(value, Table):
        data = re.sub(r"<[a-z_.]*(\\w+) object at \\w+>", r"<\\1>", repr(value.data))
        return {"types": value._column_types.to_json(), "columns": value.columns,
                "data": data, "class": type(value).__name__}
    return repr(bool(value) if type(value).__name__.startswith("bool") else value)

def play(prelude, cells, values, stories, scope, log, Table):
    """Everything that can be seen without a run, by source; `log` keeps what needs one."""
    found = {}
    exec(prelude, scope)
    scope["log"] = log
    for source in values:
        scope.pop("value", None)
        try:
            if "value = " in source or ";" in source or "\\n" in source:
                exec(source, scope)
            else:
                scope["value"] = eval(source, scope)
            found[source] = json.dumps(describe(scope.get("value"), Table), sort_keys=True)
        except Exception as error:
            found[source] = type(error).__name__
    for number, source in enumerate(cells):
        stories = [*stories, f"log('cell{number}', T(['a'], [[{source}]]))"]
    for source in stories:
        try:
            exec(source, scope)
        except Exception as error:
            found[source] = type(error).__name__
            log("error", None)
    return found
'''

CHILD = (
    RUNNER
    + """
import json, sys, logging
import wandb
logging.disable(logging.CRITICAL)
sources = json.load(open(sys.argv[1]))
run = wandb.init(project="p", settings=wandb.Settings(console="off"))
artifacts = []
original = type(run).log_artifact
def spy(self, artifact, *args, **kwargs):
    files = {path: open(entry.local_path, "rb").read().decode("latin-1")
             for path, entry in artifact.manifest.entries.items()}
    artifacts.append([artifact.name, artifact.type, files])
    return original(self, artifact, *args, **kwargs)
type(run).log_artifact = spy
def log(key, value):
    if value is None:
        run.log({"failed": 1})
    else:
        run.log({key: value})
scope = {"wandb": wandb}
found = play(*sources, scope, log, wandb.Table)
folder, run_id = run.dir, run.id
run.finish()
json.dump({"found": found, "artifacts": artifacts, "dir": folder, "id": run_id},
          open(sys.argv[2], "w"))
"""
)


class Side:
    """What one of the two left behind."""

    def __init__(self, found: dict[str, Any], run_id: str) -> None:
        self.found = found
        self.run_id = run_id
        self.rows: list[tuple[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.artifacts: list[tuple[str, str, dict[str, Any]]] = []


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Side:
    folder = tmp_path_factory.mktemp("wandb")
    sources, result, script = folder / "in.json", folder / "out.json", folder / "script.py"
    sources.write_text(json.dumps([PRELUDE, CELLS, VALUES, STORIES]))
    script.write_text(CHILD)
    environment = {**os.environ, "WANDB_MODE": "offline", "WANDB_SILENT": "true"}
    subprocess.run(
        [sys.executable, "-W", "ignore", script, sources, result],
        cwd=folder,
        env=environment,
        check=True,
        timeout=110,
    )
    said = json.loads(result.read_text())
    side = Side(said["found"], said["id"])
    base = Path(said["dir"])
    for file in base.glob("media/**/*.json"):
        side.files[file.relative_to(base).as_posix()] = file.read_bytes()
    (log,) = base.parent.glob("*.wandb")
    for row in read_wandb_log(log).history:
        side.rows += [(key, value) for key, value in row.items() if not key.startswith("_")]
    side.artifacts = [
        _plain(name, kind, files, said["id"]) for name, kind, files in said["artifacts"]
    ]
    return side


@pytest.fixture(scope="module")
def ours() -> Side:
    sink = MemorySink()
    order: list[tuple[str, str, dict[str, bytes]]] = []
    keep = sink.put_artifact

    def put_artifact(name: str, type: str, files: dict[str, bytes]) -> str:
        order.append((name, type, files))
        return keep(name, type, files)

    sink.put_artifact = put_artifact  # type: ignore[method-assign]
    side = Side({}, sink.run_id)
    step = 0

    def log(key: str, value: Any) -> None:
        nonlocal step
        if value is not None:
            side.rows.append((key, value._to_run_value(sink, key, step)))
        else:
            side.rows.append(("failed", 1))
        step += 1

    joined = table.JoinedTable
    wandb = SimpleNamespace(
        Table=table.Table,
        JoinedTable=joined,
        Image=Image,
        Html=Html,
        Classes=Classes,
        data_types=SimpleNamespace(PartitionedTable=table.PartitionedTable),
    )
    scope: dict[str, Any] = {}
    exec(RUNNER, scope)
    side.found = scope["play"](PRELUDE, CELLS, VALUES, STORIES, {"wandb": wandb}, log, table.Table)
    side.files = sink.files
    side.artifacts = [
        _plain(name, kind, {path: data.decode("latin-1") for path, data in files.items()}, "run1")
        for name, kind, files in order
    ]
    return side


_RANDOM = re.compile(r"[0-9a-f]{20}|(?<=/)t_\w+|\bt[12]_\w+(?=\.(?:partitioned-)?table)")
_ADDRESS = re.compile(r"wandb-client-artifact://[^/\"]+/")


def _plain(
    name: str, kind: str, files: dict[str, str], run_id: str
) -> tuple[str, str, dict[str, Any]]:
    """An artifact without random names: its tables as JSON, of other files their length."""
    plain: dict[str, Any] = {}
    for path, text in files.items():
        path = re.sub(r"^\d+-\d+|^None-\d+", "N-T", path)
        if path.endswith(".npz"):
            continue  # compared through its reference; zip dates differ
        text = re.sub(r"(None|0)-\d{13}", "0-T", _ADDRESS.sub("A/", text))
        text = re.sub(r"(\d+)-\d{13}", r"\1-T", text)
        text = re.sub(r'"digest": "[^"]*"', '"digest": ""', text)
        plain[_RANDOM.sub("R", path)] = _RANDOM.sub("R", text)
    # The checksum in a name is one of the run's id, too.
    name = name.replace(run_id, "ID")
    if not re.fullmatch(r"run-ID-(incr-)?[a-z]+\d*", name):
        name = re.sub(r"-[\w-]{6}$", "-HASH", name)
    return name, kind, plain


def test_each_source_gives_the_same(real: Side, ours: Side) -> None:
    different = {
        source: (there, ours.found.get(source))
        for source, there in real.found.items()
        if ours.found.get(source) != there
    }
    assert different == {}
    assert ours.found.keys() == real.found.keys()
    assert len(real.found) > 100


def _row(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    text = _ADDRESS.sub("A/", json.dumps(value))
    return json.loads(re.sub(r"(None|\d+)-\d{13}", "T", text))


def test_rows_say_the_same(real: Side, ours: Side) -> None:
    assert [(key, _row(value)) for key, value in ours.rows] == [
        (key, _row(value)) for key, value in real.rows
    ]


def test_files_of_the_run_are_the_same_bytes(real: Side, ours: Side) -> None:
    tables = {path: data for path, data in real.files.items() if path.endswith(".table.json")}
    assert {p: d for p, d in ours.files.items() if p.endswith(".table.json")} == tables
    assert len(tables) > 50


def test_artifacts_are_the_same(real: Side, ours: Side) -> None:
    for there, here in zip(real.artifacts, ours.artifacts, strict=True):
        assert here == there


def test_names_of_types_are_registered() -> None:
    real = pytest.importorskip("wandb.sdk.data_types._dtypes")
    assert set(real.TypeRegistry.types_by_name()) <= set(dtypes.TypeRegistry.types_by_name())
    for kind in dtypes.__all__:
        assert kind[0].islower() or hasattr(real, kind)


def test_error_classes_are_ours() -> None:
    with pytest.raises(Error, match="INCREMENTAL"):
        table.Table(["a"], log_mode="INCREMENTAL").add_column("b", [])

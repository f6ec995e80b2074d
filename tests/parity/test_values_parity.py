"""One value at a time under real wandb: history, config and summary get the same from both.

Where ours is other than real wandb's on purpose, a table says what it is and why.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from synadb.formats.wandb_log import read_wandb_log
from synadb.storage.codec import decode_json, encode_json
from synadb.wandb_compat._values import (
    REMOVE,
    config_stored,
    config_value,
    history_value,
    summary_value,
)

pytestmark = [
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("wandb", "pandas")),
        reason="real wandb or pandas is not installed",
    ),
    # numpy's about matrices and complex histograms
    pytest.mark.filterwarnings("ignore"),
]

# Executed in the script of the real one and here, both times as `__main__`.
PRELUDE = """
import argparse, array, collections, ctypes, dataclasses, datetime, decimal, enum, fractions
import functools, io, ipaddress, itertools, math, operator, pathlib, re, threading, types, typing
import uuid, weakref
import numpy as np
import pandas as pd
import pydantic
class Color(enum.Enum):
    RED = 1
    BLUE = "b"
    T = (1, 2)
    D = {"k": 1}
class Level(enum.IntEnum):
    LOW = 1
class Text(str, enum.Enum):
    A = "a"
class Flag(enum.Flag):
    A = 1
    B = 2
@dataclasses.dataclass
class Point:
    x: int = 1
    y: float = 2.5
    z: object = None
@dataclasses.dataclass(slots=True)
class Slotted:
    x: int = 1
@dataclasses.dataclass
class Callable_:
    x: int = 1
    def __call__(self): return 1
class Model(pydantic.BaseModel):
    x: int = 1
    when: datetime.datetime = datetime.datetime(2020, 1, 2, 3, 4, 5)
    p: pathlib.Path = pathlib.Path("a/b")
@pydantic.dataclasses.dataclass
class PydData:
    x: int = 1
NT = collections.namedtuple("NT", "a b")
class Plain: pass
class WithStr:
    def __str__(self): return "I am"
class WithItem:
    def item(self): return 3
class WithTolist:
    def tolist(self): return [1, 2]
class WithJson:
    def __json__(self): return 1
    def to_json(self): return "x"
class WithFloat:
    def __float__(self): return 1.5
    def __int__(self): return 1
class CallObj:
    def __call__(self): return 1
    def __str__(self): return "callobj"
class WithIter:
    def __iter__(self): return iter([1, 2])
class WithLen:
    def __len__(self): return 2
    def __getitem__(self, i): return [1, 2][i]
class MyInt(int): pass
class MyFloat(float): pass
class MyStr(str): pass
class MyList(list): pass
class MyDict(dict): pass
class MyTuple(tuple): pass
class MyMapping(collections.abc.Mapping):
    def __getitem__(self, k): return {"a": 1}[k]
    def __iter__(self): return iter(["a"])
    def __len__(self): return 1
class Meth:
    def m(self): pass
    @property
    def p(self): return 1
    @staticmethod
    def s(): pass
    @classmethod
    def c(cls): pass
class BadStr:
    def __str__(self): raise RuntimeError("no text")
    __repr__ = __str__
def func(): pass
def gen():
    yield 1
    yield {"a": 2}
def selflist():
    l = [1]; l.append(l); return l
def selfdict():
    d = {"a": 1}; d["d"] = d; return d
def mutual():
    a = {}; b = [a]; a["b"] = b; return a
def deep(n):
    l = []
    for _ in range(n): l = [l]
    return l
def deepdict(n):
    d = {"x": 1}
    for _ in range(n): d = {"d": d}
    return d
def rng(*shape):
    return np.random.default_rng(0).normal(size=shape)
STRUCT = np.dtype([("a", "i4"), ("b", "f8")])
class Alias(pydantic.BaseModel):
    x: int = pydantic.Field(1, alias="X")
    arr: typing.Any = None
    e: typing.Any = None
@dataclasses.dataclass
class Private:
    _p: int = 1
    q: int = dataclasses.field(default=2, init=False)
    c: typing.ClassVar[int] = 5
@dataclasses.dataclass(frozen=True)
class Frozen:
    x: int = 1
"""

CASES = r"""
1
-1
0
1.0
1.5
-0.0
1e308
5e-324
float("nan")
float("inf")
-float("inf")
True
False
None
"text"
""
"ü\n\t\"\\\x00\x01"
"\ud800"
"a\udcffb"
"😀"
"x" * 200000
2**63 - 1
2**63
2**64
-2**63
-2**63 - 1
[2**64]
{"a": 2**64}
[]
{}
()
[[]]
[{}]
{"a": {}}
{"a": []}
{"a": {"b": {}}}
[1, 2.5, "x", None, True, float("nan")]
(1, (2, 3))
{"a": 1, "b": {"c": [1, {"d": 2}]}}
{"a": None}
{"a": float("nan"), "b": [float("inf")]}
list(range(100))
tuple(range(40))
[0.5] * 1000
{1: 2}
{1.5: 2}
{True: 1}
{None: 1}
{(1, 2): 3}
{"a.b": 1, "c/d": 2}
{"": 1}
{"a": {"": 1}}
{np.int64(3): 1}
{np.float64(1.5): 1}
{np.str_("k"): 1}
{Color.RED: 1}
{Text.A: 1}
{Level.LOW: 1}
{b"k": 1}
{pathlib.Path("p"): 1}
{datetime.date(2020, 1, 2): 1}
{1: 1, "1": 2}
{"a": {1: {2: 3}}}
[{1: 2}]
[{np.int64(3): 1}]
[{(1, 2): 3}]
[{None: 1, True: 2}]
[{1.0: 2, float("nan"): 1}]
[{Text.A: 1}]
[{Color.RED: 1}]
{"_type": "custom", "v": 1}
{"_step": 1}
{"$float": "nan"}
set()
{1}
frozenset([2])
{"one"}
[{1}]
{"s": {1}}
range(3)
[range(3)]
gen()
(i for i in [1, 2])
map(str, [1, 2])
zip([1], [2])
filter(None, [1])
iter([1, 2])
iter({"a": 1})
enumerate([5])
reversed([1, 2])
itertools.islice([1, 2, 3], 2)
{"a": 1}.keys()
{"a": 1}.values()
{"a": 1}.items()
collections.deque([1, 2])
collections.OrderedDict(a=1)
collections.defaultdict(int, a=1)
collections.Counter("aab")
collections.ChainMap({"a": 1})
collections.UserDict(a=1)
collections.UserList([1])
collections.UserString("x")
types.MappingProxyType({"a": 1})
MyMapping()
MyInt(3)
MyFloat(2.5)
MyFloat("nan")
MyStr("s")
MyList([1])
MyDict(a=1)
MyTuple((1, 2))
NT(1, 2)
[NT(1, 2)]
b"bytes"
b"\xff"
bytearray(b"ab")
memoryview(b"ab")
[b"ab"]
array.array("d", [1.0, 2.0])
1 + 2j
complex(1, float("nan"))
[1j]
datetime.datetime(2020, 1, 2, 3, 4, 5)
datetime.datetime(2020, 1, 2, 3, 4, 5, 678)
datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=30)))
datetime.date(2020, 1, 2)
datetime.time(1, 2, 3)
datetime.time(1, 2, 3, 4, tzinfo=datetime.timezone.utc)
datetime.timedelta(seconds=90)
datetime.timedelta(days=1)
datetime.timedelta(0)
datetime.timedelta(days=-1, seconds=5)
datetime.timedelta(days=400, hours=3, microseconds=7)
datetime.timedelta(seconds=3661, microseconds=500000)
datetime.timedelta(microseconds=-1)
datetime.timedelta(weeks=60, seconds=59)
datetime.timezone.utc
datetime.timezone(datetime.timedelta(hours=2))
[datetime.date(2020, 1, 2)]
[datetime.timedelta(1)]
{"d": datetime.timedelta(1)}
decimal.Decimal("1.5")
decimal.Decimal("NaN")
decimal.Decimal("1E+3")
decimal.Decimal("1.50")
[decimal.Decimal("2")]
fractions.Fraction(1, 3)
Color.RED
Color.BLUE
Color.T
Color.D
Level.LOW
Text.A
Flag.A | Flag.B
[Color.RED]
[Level.LOW]
[Text.A]
{"e": Color.RED}
Color
uuid.UUID(int=5)
[uuid.UUID(int=5)]
pathlib.Path("a/b")
pathlib.PurePosixPath("a")
[pathlib.Path("a")]
Point()
Point(z=[1, Point()])
Point(z=np.arange(3))
Point(z=object())
[Point()]
{"p": Point()}
Slotted()
Callable_()
Point
Model()
[Model()]
{"m": Model()}
PydData()
Model
Plain()
Plain
WithStr()
WithItem()
WithTolist()
WithJson()
WithFloat()
CallObj()
WithIter()
WithLen()
BadStr()
func
len
print
math.sin
np.mean
np.add
np.float32
int
float
dict
type
type(None)
object
list[int]
typing.Optional[int]
typing.Any
typing.List[int]
int | None
lambda: 1
functools.partial(func, 1)
functools.partial(int)
functools.lru_cache(func)
Meth().m
Meth.m
Meth.c
Meth.s
operator.itemgetter(1)
"".join
[].append
np.arange(3).sum
classmethod(func)
property(func)
[func]
{"f": func}
[int, Plain]
{"c": {"d": int}}
object()
...
NotImplemented
slice(1, 2)
slice(None)
slice("a", None, 3)
[slice(1, 2)]
ValueError("x")
[ValueError("x")]
types.SimpleNamespace(a=1)
argparse.Namespace(a=1)
re.compile("x")
re.match("x", "x")
io.StringIO("x")
io.BytesIO(b"x")
threading.Lock()
weakref.ref(Plain)
ctypes.c_int(3)
ipaddress.ip_address("1.2.3.4")
ipaddress.ip_network("1.2.3.0/24")
collections.abc.Mapping
typing.TypeVar("T")
compile("1", "x", "eval")
selflist()
selfdict()
mutual()
{"deep": deep(50)}
deep(100)
deep(3000)
deepdict(20)
deepdict(200)
deepdict(3000)
{"l": [{"x": [{"y": (1, {"z": 2})}]}]}
np.float64(1.5)
np.float64("nan")
np.float64("inf")
np.float32(0.1)
np.float32("nan")
np.float32("inf")
np.float16(0.1)
np.longdouble(1.5)
np.longdouble("1e4000")
np.longdouble("nan")
np.longdouble("0.1")
np.int8(-3)
np.int16(3)
np.int32(3)
np.int64(3)
np.uint8(3)
np.uint64(2**64 - 1)
np.uint64(2**63)
np.int64(2**63 - 1)
np.bool_(True)
np.bool_(False)
np.complex64(1 + 2j)
np.complex128(1 + 2j)
np.clongdouble(1 + 2j)
np.str_("s")
np.bytes_(b"s")
np.bytes_(b"\xff")
np.void(b"ab")
np.datetime64("2020-01-02")
np.datetime64("2020-01-02T03:04:05")
np.datetime64("2020-01-02T03:04:05.123456789")
np.datetime64("NaT")
np.datetime64("2020")
np.datetime64("2020-01")
np.datetime64("2020-01-02T03:04:05.123")
np.timedelta64(5, "s")
np.timedelta64(5, "D")
np.timedelta64(5, "ns")
np.timedelta64(5, "ms")
np.timedelta64(5)
np.timedelta64("NaT")
np.dtype("f4")
np.nan
np.ma.masked
np.inf
np.newaxis
[np.float32(0.1)]
[np.float16(0.1)]
[np.longdouble("0.1")]
[np.int64(1), np.float64(2)]
[np.bool_(True)]
[np.float64("nan")]
[np.str_("s")]
[np.datetime64("2020-01-02")]
[np.timedelta64(5, "s")]
[np.complex128(1)]
[np.uint64(2**64 - 1)]
{"a": np.float32(0.1)}
{"a": np.int64(1)}
{"a": {"b": np.float64(2)}}
np.array(5)
np.array(5.5)
np.array(True)
np.array("s")
np.array(None)
np.array([5])
np.array([[5.5]])
np.array([[[True]]])
np.array(["s"])
np.array([None])
np.array([float("nan")])
np.array([float("inf")])
np.array([1j])
np.array([b"s"])
np.array([np.datetime64("2020-01-02")])
np.array(np.datetime64("2020-01-02"))
np.array([np.timedelta64(5, "s")])
np.array([(1, 2.5)], STRUCT)
np.array([(1, 2.5)], STRUCT)[0]
np.array((1, 2.5), STRUCT)
np.array([])
np.zeros((0, 3))
np.zeros((3, 0))
np.zeros(0, int)
np.arange(3)
np.arange(3, dtype="u1")
np.array([1.5, float("nan")])
np.array([0.1, 0.2], "f4")
np.array([0.1, 0.2], "f2")
np.array([0.1, 0.2], np.longdouble)
np.array([[1, 2], [3, 4]])
np.array([True, False])
np.array(["a", "bc"])
np.array([b"a", b"bc"])
np.array([1, "a", None], object)
np.array([1, [2], {"a": 3}], object)
np.array([Plain(), 1], object)
np.array([Plain()], object)
np.array([datetime.date(2020, 1, 2), 1], object)
np.array([1j, 2])
np.array([1j], "c8")
np.array(["2020-01-02", "2020-01-03"], "M8[D]")
np.array(["2020-01-02T03:04:05", "NaT"], "M8[s]")
np.array(["2020-01-02T03:04:05", "NaT"], "M8[ns]")
np.array(["2020-01-02T03:04:05"], "M8[ns]")
np.array([1, 2], "m8[s]")
np.array([1, 2], "m8[ns]")
np.array([(1, 2.5), (3, 4.5)], STRUCT)
np.array([2**64 - 1, 1], "u8")
np.array([2**63])
np.arange(32)
np.arange(33)
np.arange(64).reshape(8, 8)
np.arange(32.0).reshape(2, 16)
rng(33)
rng(100)
rng(1000)
rng(3, 40, 5)
rng(100).astype("f4")
rng(1000).astype("f2")
rng(100).astype(np.longdouble)
rng(100000)
rng(1000) * 1e-300
rng(1000) * 1e300
np.zeros(100)
np.ones(33)
np.full(40, 5, "u1")
np.arange(100, dtype="i1")
np.arange(100, dtype="u1")
np.arange(300, dtype="u2")
np.arange(100, dtype="u8") + np.uint64(2**63)
np.array([2**63 - 1, -2**63] * 20)
np.ones(50, bool)
np.array(["a"] * 40)
np.array([b"a"] * 40)
np.array([1] * 20 + [2.5] * 20, object)
np.array([None] * 40)
np.array([1, "a"] * 20, object)
np.array([1j] * 40)
np.array([1j, 2] * 40, "c8")
np.array(["2020-01-02"] * 40, "M8[D]")
np.arange(40).astype("M8[s]")
np.arange(40).astype("m8[s]")
np.array([(1, 2.5)] * 40, STRUCT)
np.array([float("nan")] * 40)
np.array([float("inf")] * 40)
np.array([1.0] * 39 + [float("nan")])
np.array([1.0] * 39 + [float("inf")])
rng(40)[::-1]
rng(10, 10).T
np.asfortranarray(rng(3, 4))
rng(40).astype(">f8")
np.arange(3).astype(">i4")
np.ma.array([1, 2, 3], mask=[0, 1, 0])
np.ma.array([1], mask=[1])
np.ma.array([1], mask=[0])
np.ma.array(np.arange(40), mask=[0, 1] * 20)
np.ma.array(rng(40), mask=[0] * 40)
np.matrix([[1, 2]])
np.matrix(np.arange(40))
np.rec.array([(1, 2.5)], STRUCT)
np.arange(3).view(np.recarray)
np.nditer(np.arange(3))
np.random.default_rng(0)
np.arange(3).flat
{"a": np.arange(3)}
{"a": rng(40)}
{"a": {"b": rng(40)}}
{"a": np.array([5])}
[np.arange(3)]
[rng(40)]
[np.array([5])]
[np.array(5)]
[[rng(40)], {"x": rng(40)}]
(np.arange(2), np.arange(2))
{"a": [np.arange(3), {"b": np.float32(1)}]}
[np.array([float("nan")] * 40)]
{"a": np.array([float("nan")] * 40)}
{"s": {1, 2.5}}
pd.Timestamp("2020-01-02T03:04:05")
pd.Timestamp("2020-01-02T03:04:05", tz="Europe/Berlin")
pd.Timestamp("2020-01-02T03:04:05.123456789")
pd.Timedelta(seconds=90)
pd.Period("2020-01")
pd.NaT
pd.NA
[pd.NA]
[pd.NaT]
[pd.Timestamp("2020-01-02")]
pd.Series([1, 2])
pd.Series([1])
pd.Series([1.5] * 40)
[pd.Series([1, 2])]
{"s": pd.Series([1, 2])}
pd.Index([1, 2])
pd.Index([1])
pd.Index(range(40))
pd.Categorical(["a"])
pd.array([1, None])
pd.Interval(0, 1)
pd.MultiIndex.from_tuples([(1, 2)])
pd.date_range("2020-01-01", periods=2)
10**400
1.5-2.5j
complex(-0.0, 1)
complex(0, -1)
complex(1e20, 1e-7)
complex(float("inf"), float("-inf"))
datetime.timedelta(days=999999999)
datetime.timedelta(days=365)
datetime.timedelta(days=-400, microseconds=250000)
datetime.datetime(2020,1,1,tzinfo=datetime.timezone(datetime.timedelta(hours=1, seconds=30)))
datetime.datetime(2020,1,1,tzinfo=datetime.timezone(-datetime.timedelta(hours=1, minutes=30)))
datetime.datetime(1,1,1)
re.compile(b"x")
ipaddress.ip_address("::1")
ipaddress.ip_interface("1.2.3.4/24")
ipaddress.ip_network("::/64")
Private()
Alias(X=3)
Alias(X=3, arr=np.arange(40), e=Color.RED)
Alias(X=3, arr=[Point()], e={1: func})
Alias(X=3, arr=float("nan"), e=[2.5])
Alias(X=3, arr=object())
Point(z=float("nan"))
Point(z=Color.RED)
Point(z=(1, {2}))
Point(z=func)
Point(z={1: 2})
[Callable_()]
{"a": Callable_()}
pydantic.AnyUrl("http://a.b/c")
pydantic.SecretStr("x")
np.array(["2020-01-02T03:04:05.5"], "M8[ms]")
deep(250)
deepdict(300)
{"a": [{"b": {}}], "c": {}}
{"a": {"b": {}, "c": 1}}
[Color.RED, {"e": Color.RED}]
{"x": [Color.RED]}
{"x": [datetime.datetime(2020,1,1,tzinfo=datetime.timezone.utc)]}
{"x": datetime.datetime(2020,1,1,tzinfo=datetime.timezone.utc)}
{"a": {"b": float("nan"), "c": None}}
{"a": np.float32("nan"), "b": np.array([float("nan")])}
{1: {2: 3}, (1, 2): [{3: 4}]}
{True: 1, None: 2, 1.5: 3}
{Color.RED: {Color.BLUE: 1}}
[{1e20: 1, 1e16: 1, 1e-7: 1, float("inf"): 1, -0.0: 1, 100000.0: 1}]
[{1j: 1, datetime.timedelta(1): 1, uuid.UUID(int=1): 1, decimal.Decimal("1.5"): 1}]
[{Frozen(): 1, func: 1, NT(1, "a"): 1, Color.T: 1, ((1, 2), 3): 1, (None, True): 1}]
[{np.bool_(True): 1, np.float32(0.1): 1, np.datetime64("2020-01-01"): 1}]
[{MyStr("q"): 1, MyInt(3): 1, int: 1, fractions.Fraction(1, 2): 1, (): 1}]
[{b"\xff": 1}]
[{...: 1}]
[{Plain(): 1}]
list(rng(100) > 0)
""".strip().split("\n")

SCRIPT = """
import json
import wandb

run = wandb.init(project="p")
answers = {}


def attempt(number, face, take):
    try:
        take(eval(CASES[number]))
    except Exception as error:
        bases = type(error).__mro__
        answers[f"{face}{number}"] = next(c.__name__ for c in bases if c.__module__ == "builtins")


for number in range(len(CASES)):
    attempt(number, "history", lambda value: run.log({"value": value, "number": number}))
    attempt(number, "config", lambda value: run.config.update({f"c{number}": value}))
    if f"config{number}" in answers:
        # It stays in the live config, and no later change could be stored.
        run.config._items.pop(f"c{number}", None)
    attempt(number, "summary", lambda value: run.summary.update({f"s{number}": value}))
path = run.settings.sync_file
run.finish()
print(json.dumps([path, answers]))
"""

ABSENT = "<absent>"

# Real wandb cannot join keys that are no text when it writes the summary.
SUMMARY_KEYS = set(
    r"""
{1: 2}
{1.5: 2}
{True: 1}
{None: 1}
{(1, 2): 3}
{np.int64(3): 1}
{np.float64(1.5): 1}
{Color.RED: 1}
{Level.LOW: 1}
{b"k": 1}
{pathlib.Path("p"): 1}
{datetime.date(2020, 1, 2): 1}
{1: 1, "1": 2}
{"a": {1: {2: 3}}}
{1: {2: 3}, (1, 2): [{3: 4}]}
{True: 1, None: 2, 1.5: 3}
{Color.RED: {Color.BLUE: 1}}
""".strip().split("\n")
)

# Real wandb raises, with the value in the live config and the change unsent.
CONFIG_TEXT = set(
    r"""
{"a": 1}.keys()
{"a": 1}.values()
{"a": 1}.items()
classmethod(func)
property(func)
object()
...
NotImplemented
ValueError("x")
compile("1", "x", "eval")
""".strip().split("\n")
)


def _statistics(
    name: str,
    var: float,
    mean: float,
    ends: tuple[float, float],
    percentiles: tuple[float, ...],
    size: int,
) -> dict[str, Any]:
    shares = dict(zip(("10%", "25%", "75%", "90%"), percentiles, strict=True))
    return {
        "_type": f"numpy.{name}",
        "var": var,
        "mean": mean,
        "min": ends[0],
        "max": ends[1],
        **shares,
        "size": size,
    }


BETTER: dict[str, dict[str, Any]] = {
    "history": {
        # Real wandb runs into an endless recursion.
        "np.clongdouble(1 + 2j)": "1+2j",
        # A masked element is null, as it is in longer arrays.
        "np.ma.masked": None,
        "np.ma.array([1], mask=[1])": None,
    },
    "config": {
        # Lone surrogates are replaced, as in the history.
        r'"\ud800"': "\ufffd",
        r'"a\udcffb"': "a\ufffdb",
        # Kept, where real wandb raises.
        'collections.UserString("x")': "x",
        'types.MappingProxyType({"a": 1})': {"a": 1},
        "Point(z=object())": {"x": 1, "y": 2.5, "z": "<object object at 0x>"},
        '[ValueError("x")]': ["x"],
        r'[{b"\xff": 1}]': [{r"b'\xff'": 1}],
        "[{...: 1}]": [{"Ellipsis": 1}],
        "[{Plain(): 1}]": [{"<__main__.Plain object at 0x>": 1}],
        # One element is a scalar, not its text.
        "np.clongdouble(1 + 2j)": "1+2j",
        "np.ma.masked": None,
        'np.void(b"ab")': "ab",
        'np.array([b"s"])': "s",
        "np.array(5)": 5,
        "np.array(5.5)": 5.5,
        "np.array(True)": True,
        "np.array([5])": 5,
        "np.array([[5.5]])": 5.5,
        "np.array([[[True]]])": True,
        'np.array([float("nan")])': None,
        'np.array([float("inf")])': math.inf,
        'np.array([np.timedelta64(5, "s")])': "0:00:05",
        "np.array([(1, 2.5)], STRUCT)": [1, 2.5],
        "np.array((1, 2.5), STRUCT)": [1, 2.5],
        "np.rec.array([(1, 2.5)], STRUCT)": [1, 2.5],
        'np.array(["2020-01-02T03:04:05"], "M8[ns]")': 1577934245000000000,
        'np.array(["2020-01-02T03:04:05.5"], "M8[ms]")': "2020-01-02T03:04:05.500000",
        "np.array([2**63])": 2**63,
        "np.ma.array([1], mask=[1])": None,
        "np.ma.array([1], mask=[0])": 1,
        '{"a": np.array([5])}': {"a": 5},
        "[np.array([5])]": [5],
        "[np.array(5)]": [5],
        '{"a": np.float32("nan"), "b": np.array([float("nan")])}': {"a": None, "b": None},
    },
    "summary": {
        r'"\ud800"': "\ufffd",
        r'"a\udcffb"': "a\ufffdb",
        "np.clongdouble(1 + 2j)": "1+2j",
        "np.ma.masked": ABSENT,
        "np.ma.array([1], mask=[1])": ABSENT,
        # Arrays whose statistics real wandb fails to compute.
        "np.ones(50, bool)": _statistics("ndarray", 0.0, 1.0, (1, 1), (1.0,) * 4, 50),
        "np.array([1] * 20 + [2.5] * 20, object)": _statistics(
            "ndarray", 0.5625, 1.75, (1.0, 2.5), (1.0, 1.0, 2.5, 2.5), 40
        ),
        "np.ma.array(np.arange(40), mask=[0, 1] * 20)": _statistics(
            "MaskedArray", 133.0, 19.0, (0, 38), (3.8000000000000003, 9.5, 28.5, 34.2), 20
        ),
        "np.matrix(np.arange(40))": _statistics(
            "matrix", 133.25, 19.5, (0, 39), (3.9000000000000004, 9.75, 29.25, 35.1), 40
        ),
    },
}


def _refused(kind: type) -> str:
    """The class of an error, numpy's own by the built-in one that it is."""
    return f"<{next(base.__name__ for base in kind.__mro__ if base.__module__ == 'builtins')}>"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What real wandb made of each case, by face and number."""
    folder = tmp_path_factory.mktemp("real")
    script = folder / "script.py"
    script.write_text(f"{PRELUDE}\nCASES = {CASES!r}\n{SCRIPT}", encoding="utf-8")
    environment = {**os.environ, "WANDB_MODE": "offline", "WANDB_SILENT": "true"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    path, answers = json.loads(done.stdout.splitlines()[-1])
    log = read_wandb_log(Path(path))
    assert not log.problems
    found = {key: f"<{name}>" for key, name in answers.items()}
    rows = {row["number"]: row for row in log.history}
    for number in range(len(CASES)):
        if number in rows:
            found[f"history{number}"] = rows[number].get("value", ABSENT)
        found.setdefault(f"config{number}", log.config.get(f"c{number}", ABSENT))
        found.setdefault(f"summary{number}", log.summary.get(f"s{number}", ABSENT))
    return found


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "__main__"}
    # Not with this file's `annotations` import, which would hide a ClassVar.
    exec(compile(PRELUDE, "prelude", "exec", dont_inherit=True), space)
    return space


FACES = {
    "history": history_value,
    "config": lambda value: config_stored(config_value(value)),
    "summary": summary_value,
}


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("number", range(len(CASES)), ids=CASES)
def test_same(number: int, face: str, real: dict[str, Any], names: dict[str, Any]) -> None:
    case = CASES[number]
    value = eval(case, names)
    try:
        ours = FACES[face](value)
    except Exception as error:  # noqa: BLE001 (its class is what is compared)
        ours = _refused(type(error))
    else:
        if ours is REMOVE or (face == "history" and ours == {}):
            ours = ABSENT
        assert same(decode_json(encode_json(ours)), ours)
    expected = real[f"{face}{number}"]
    if case in BETTER[face]:
        assert not same(ours, expected), "no longer different: take it from BETTER"
        expected = BETTER[face][case]
    elif face == "config" and case in CONFIG_TEXT:
        assert expected == "<TypeError>"
        expected = str(value)
    elif face == "summary" and case in SUMMARY_KEYS:
        assert expected == "<TypeError>"
        expected = history_value(eval(case, names))
    assert same(ours, expected), (ours, expected)


def same(ours: Any, theirs: Any) -> bool:
    """Equal, NaN to NaN, a bool only to a bool, objects' addresses in texts left out."""
    if isinstance(theirs, int) and abs(theirs) >= 1 << 63 and isinstance(ours, float):
        # Real wandb stores such a number of the summary whole, and gives the script a float.
        theirs = float(theirs) if abs(theirs) < 1 << 1023 else math.inf if theirs > 0 else -math.inf
    if isinstance(ours, bool) != isinstance(theirs, bool):
        return False
    if isinstance(ours, float) and isinstance(theirs, float) and math.isnan(ours):
        return math.isnan(theirs)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        mine, other = (
            {_no_address(key): value for key, value in tree.items()} for tree in (ours, theirs)
        )
        return mine.keys() == other.keys() and all(same(mine[key], other[key]) for key in mine)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, str) and isinstance(theirs, str):
        return _no_address(ours) == _no_address(theirs)
    return bool(ours == theirs)


def _no_address(text: str) -> str:
    return re.sub(r"\b0x[0-9a-f]+", "0x", text)

"""Filters and orders: the reference by example, and the database equal to the reference."""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from synadb import ExperimentTracker
from synadb.errors import InvalidValueError
from synadb.ops import EndRun, SetSummary, StartRun, UpdateRun
from synadb.query import (
    EVERYTHING,
    LOGICAL,
    MISSING,
    OPERATORS,
    WANDB,
    Field,
    Names,
    arrange,
    document,
    evaluate,
    matches,
    parse,
    parse_order,
    resolve,
    value_of,
)
from synadb.storage import open_store, querying

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from synadb.query import Filter, Order
    from synadb.records import RunRecord
    from synadb.storage import Store

NAN, INF = math.nan, math.inf

# -- the rules, by example -----------------------------------------------------------------------

DOCUMENT: dict[str, Any] = {
    "run_id": "abc",
    "name": "eager-fox-1",
    "state": "finished",
    "tags": ["best", "old"],
    "notes": None,
    "group": "",
    "created_at": 1714564800.0,  # 2024-05-01T12:00:00Z
    "exit_code": 0,
    "config": {
        "lr": 0.01,
        "n": 3,
        "flag": True,
        "text": "Adam",
        "none": None,
        "list": [1, "two", 3.5, None],
        "empty": [],
        "nan": NAN,
        "inf": INF,
        "big": 2**63 + 1,
        "opt": {"name": "sgd", "deep": {"x": 1}},
        "a.b": "dotted",
        "a": {"b": "nested", "c": 2},
        "value": {"value": 7},
    },
    "summary": {"val/acc": 0.9, "loss": {"min": 0.1}, "best.of/all": {"x.y": 5}},
    "metadata": {"sweep": "s1"},
}

FITS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"state": "finished"}, True),
    ({"state": "running"}, False),
    ({"state": {"$eq": "finished"}}, True),
    ({"state": {"$ne": "running"}}, True),
    ({"state": {"$in": ["running", "finished"]}}, True),
    ({"state": {"$nin": ["running", "finished"]}}, False),
    ({"state": {"$in": []}}, False),
    ({"state": {"$nin": []}}, True),
    ({"state": "finished", "config.n": 3}, True),
    ({"state": "finished", "config.n": 4}, False),
    # numbers
    ({"config.lr": {"$gt": 1e-3}}, True),
    ({"config.lr": {"$gt": 0.01}}, False),
    ({"config.lr": {"$gte": 0.01}}, True),
    ({"config.lr": {"$lt": 0.01}}, False),
    ({"config.lr": {"$lte": 0.01}}, True),
    ({"config.lr": {"$gt": 0.001, "$lt": 0.1}}, True),
    ({"config.lr": {"$gt": 0.001, "$lt": 0.005}}, False),
    ({"config.n": 3.0}, True),
    ({"config.n": {"$gt": 2.5}}, True),
    ({"config.big": 2**63 + 1}, True),
    ({"config.big": float(2**63)}, False),
    ({"config.big": {"$gt": 2**63}}, True),
    # values compare with their kind only
    ({"config.lr": {"$gt": "0"}}, False),
    ({"config.text": {"$gt": 0}}, False),
    ({"config.text": {"$gt": "Ad"}}, True),
    ({"config.text": {"$lt": "B"}}, True),
    ({"config.flag": True}, True),
    ({"config.flag": 1}, False),
    ({"config.n": {"$gt": False}}, False),
    ({"config.flag": {"$gt": False}}, True),
    ({"config.flag": {"$gt": 0}}, False),
    # NaN and infinity
    ({"config.nan": NAN}, True),
    ({"config.nan": {"$in": [1, NAN]}}, True),
    ({"config.lr": NAN}, False),
    ({"config.nan": {"$gt": 0}}, False),
    ({"config.nan": {"$lte": 0}}, False),
    ({"config.nan": {"$ne": NAN}}, False),
    ({"config.inf": {"$gt": 1e308}}, True),
    ({"config.inf": INF}, True),
    # missing and None
    ({"config.no": None}, True),
    ({"config.none": None}, True),
    ({"config.n": None}, False),
    ({"config.no": {"$ne": 1}}, True),
    ({"config.no": {"$ne": None}}, False),
    ({"config.no": {"$nin": [1]}}, True),
    ({"config.no": {"$nin": [1, None]}}, False),
    ({"config.no": {"$in": [1, None]}}, True),
    ({"config.no": {"$gt": 0}}, False),
    ({"config.no": {"$lte": 0}}, False),
    ({"config.no": {"$not": {"$gt": 0}}}, True),
    ({"config.no": {"$regex": ""}}, False),
    ({"config.no": {"$exists": False}}, True),
    ({"config.no": {"$exists": True}}, False),
    ({"config.none": {"$exists": True}}, True),
    ({"config.none": {"$gte": 0}}, False),
    ({"notes": None}, True),
    ({"notes": {"$exists": False}}, True),
    ({"group": ""}, True),
    # lists
    ({"tags": "best"}, True),
    ({"tags": "bes"}, False),
    ({"tags": ["best", "old"]}, True),
    ({"tags": ["old", "best"]}, False),
    ({"tags": {"$in": ["old", "none"]}}, True),
    ({"tags": {"$nin": ["old"]}}, False),
    ({"tags": {"$ne": "old"}}, False),
    ({"tags": {"$all": ["old", "best"]}}, True),
    ({"tags": {"$all": ["old", "new"]}}, False),
    ({"tags": {"$all": []}}, False),
    ({"tags": {"$size": 2}}, True),
    ({"tags": {"$size": 1}}, False),
    ({"tags": {"$regex": "^be"}}, True),
    ({"config.list": 3.5}, True),
    ({"config.list": True}, False),
    ({"config.list": None}, True),
    ({"config.list": {"$gt": 3}}, True),
    ({"config.list": {"$gt": 4}}, False),
    ({"config.list": {"$gt": "tw"}}, True),
    ({"config.empty": None}, False),
    ({"config.empty": []}, True),
    ({"config.empty": {"$size": 0}}, True),
    ({"config.n": {"$size": 0}}, False),
    ({"config.n": {"$all": [3]}}, True),
    # paths
    ({"config.opt.name": "sgd"}, True),
    ({"config.opt.deep.x": 1}, True),
    ({"config.opt": {"name": "sgd", "deep": {"x": 1}}}, True),
    ({"config.opt": {"name": "sgd"}}, False),
    ({"config.opt.name.x": {"$exists": True}}, False),
    ({"config.a.b": "dotted"}, True),
    ({"config.a.b": "nested"}, False),
    ({"config.a.c": 2}, True),
    ({"summary.val/acc": {"$gt": 0.8}}, True),
    ({"summary.loss.min": {"$lt": 1}}, True),
    ({"summary.best.of/all.x.y": 5}, True),
    ({"metadata.sweep": "s1"}, True),
    ({"sweep": "s1"}, True),
    # text
    ({"name": {"$regex": "fox"}}, True),
    ({"name": {"$regex": "^fox"}}, False),
    ({"name": {"$regex": "FOX"}}, False),
    ({"name": {"$regex": "FOX", "$options": "i"}}, True),
    ({"name": {"$options": "xi", "$regex": "eager - FOX"}}, True),
    ({"name": {"$not": {"$regex": "fox"}}}, False),
    ({"name": re.compile("FOX", re.IGNORECASE)}, True),
    ({"config.n": {"$regex": "3"}}, False),
    # combined
    ({"$and": [{"state": "finished"}, {"tags": "old"}]}, True),
    ({"$or": [{"state": "running"}, {"tags": "old"}]}, True),
    ({"$or": [{"state": "running"}, {"tags": "new"}]}, False),
    ({"$nor": [{"state": "running"}, {"tags": "new"}]}, True),
    ({"$nor": [{"state": "running"}, {"tags": "old"}]}, False),
    ({"$not": {"state": "running"}}, True),
    ({"$or": [{"config.n": 1}, {"$and": [{"config.n": 3}, {"tags": "old"}]}]}, True),
    ({"config.n": {"$not": {"$gt": 1, "$lt": 5}}}, False),
    ({"config.n": {"$not": {"$gt": 1, "$lt": 3}}}, True),
    # times
    ({"created_at": {"$gte": "2024-05-01T12:00:00Z"}}, True),
    ({"created_at": {"$gt": "2024-05-01T12:00:00Z"}}, False),
    ({"created_at": {"$lt": "2024-05-02"}}, True),
    ({"created_at": {"$lt": "2024-05-01T14:00:00.5+02:00"}}, True),
    ({"created_at": "2024-05-01T12:00:00"}, True),
    ({"created_at": {"$gt": 1714564799}}, True),
    ({"created_at": {"$in": ["2024-05-01T12:00:00Z"]}}, True),
]


@pytest.mark.parametrize(("filters", "fits"), FITS, ids=lambda value: repr(value)[:60])
def test_the_reference(filters: dict[str, Any], fits: bool) -> None:
    assert matches(parse(filters), DOCUMENT) is fits


def test_every_operator_stands_in_the_examples() -> None:
    text = repr(FITS)
    for operator in (*OPERATORS, *LOGICAL, "$options"):
        assert f"'{operator}'" in text, operator


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"config.lr": {"$greater": 1}}, ["'$greater'", "$gt", "$regex"]),
        ({"$xor": []}, ["'$xor'", "$nor"]),
        ({"$gt": 1}, ["$gt", "behind a field"]),
        ({"$and": {}}, ["$and", "list"]),
        ({"$or": []}, ["$or", "list"]),
        ({"$and": [3]}, ["filter is a dict", "3"]),
        ({"config.lr": {"$in": 3}}, ["$in", "[3]"]),
        ({"config.lr": {"$gt": None}}, ["$gt", "$exists"]),
        ({"config.lr": {"$gt": [1]}}, ["$gt"]),
        ({"config.lr": {"$gt": object()}}, ["$gt", "object"]),
        ({"config.lr": {"$exists": "yes"}}, ["$exists", "True or False"]),
        ({"config.lr": {"$size": -1}}, ["$size"]),
        ({"config.lr": {"$regex": "("}}, ["$regex", "'('", "backslash"]),
        ({"config.lr": {"$regex": 3}}, ["$regex"]),
        ({"config.lr": {"$regex": "a", "$options": "q"}}, ["$options", "imsx"]),
        ({"config.lr": {"$options": "i"}}, ["$options", "$regex"]),
        ({"config.lr": {"$gt": 1, "x": 2}}, ["config.lr.x"]),
        ({"config.lr": {"$not": 3}}, ["$not"]),
        ({"created_at": {"$gt": "yesterday"}}, ["created_at", "2024-05-01T12:00:00Z"]),
        ({"created_at": {"$regex": "2024"}}, ["created_at", "$gte"]),
        ({"lr": 1}, ["'lr'", "config.KEY"]),
        ({"config.": 1}, ["'config.'"]),
        ({"state.x": 1}, ["'state.x'"]),
        ({3: 1}, ["3"]),
        ([], ["filter is a dict"]),
    ],
)
def test_what_is_wrong_is_named_with_its_mend(filters: Any, words: list[str]) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse(filters)
    for word in words:
        assert word in str(caught.value)


def test_a_tree_stays_as_it_is() -> None:
    tree = parse({"state": "finished"})
    assert parse(tree) is tree
    assert parse(None) == parse({}) == EVERYTHING


def test_numpy_operands() -> None:
    np = pytest.importorskip("numpy")
    assert matches(parse({"config.n": np.int64(3)}), DOCUMENT)
    assert matches(parse({"config.lr": {"$gt": np.float32(0.001)}}), DOCUMENT)
    assert matches(parse({"config.list": {"$in": [np.float64(3.5)]}}), DOCUMENT)


WANDB_FITS: list[tuple[dict[str, Any], bool]] = [
    ({"config.n": 3}, True),
    ({"config.n.value": 3}, True),
    ({"config.opt.value.name": "sgd"}, True),
    ({"config.opt.name": "sgd"}, True),
    ({"config.value.value": 7}, True),
    ({"config.no.value": {"$exists": False}}, True),
    ({"summary_metrics.val/acc": {"$gt": 0.8}}, True),
    ({"summaryMetrics.loss.min": 0.1}, True),
    ({"display_name": "eager-fox-1"}, True),
    ({"displayName": {"$regex": "^eager"}}, True),
    ({"name": "abc"}, True),
    ({"name": "eager-fox-1"}, False),
    ({"createdAt": {"$gte": "2024-05-01"}}, True),
    ({"sweep": "s1"}, True),
    ({"username": "me"}, True),
    ({"username": {"$ne": "me"}}, False),
    ({"username": {"$in": ["you"]}}, False),
    ({"Name": "abc"}, False),
    ({"Name": {"$ne": "abc"}}, True),
    ({"config.nan": "NaN"}, True),
    ({"config.nan": {"$ne": "NaN"}}, False),
    ({"config.inf": {"$nin": ["Infinity"]}}, False),
    ({"config.inf": {"$in": ["-Infinity"]}}, False),
]


@pytest.mark.parametrize(("filters", "fits"), WANDB_FITS, ids=repr)
def test_the_names_of_wandb(filters: dict[str, Any], fits: bool) -> None:
    names = WANDB._replace(constants={"username": "me"})
    assert matches(parse(filters, names), DOCUMENT) is fits


def test_a_pair_of_names() -> None:
    swapped = Names({"name": "run_id", "run_id": "name"})
    assert matches(parse({"name": "abc", "run_id": "eager-fox-1"}, swapped), DOCUMENT)


@pytest.mark.parametrize(
    ("order", "keys"),
    [
        (None, []),
        ("", []),
        ("-summary.acc", [("summary.acc", True)]),
        ("+created_at", [("created_at", False)]),
        ("created_at, -config.lr", [("created_at", False), ("config.lr", True)]),
        (["-config.a,b", "name"], [("config.a,b", True), ("name", False)]),
        ("-config.-x", [("config.-x", True)]),
    ],
)
def test_orders(order: Any, keys: list[tuple[str, bool]]) -> None:
    parsed = parse_order(order)
    assert [(str(key.field), key.descending) for key in parsed] == keys
    assert parse_order(parsed) == parsed


@pytest.mark.parametrize("order", ["lr", "-", ["+"], [3], "+-name"])
def test_orders_that_are_none(order: Any) -> None:
    with pytest.raises(InvalidValueError):
        parse_order(order)


def test_order_of_values() -> None:
    values = ["b", None, 3, NAN, True, 1.5, "a", MISSING, [1], 2, False]

    def arranged(order: str) -> list[Any]:
        return arrange(values, parse_order(order), lambda value, _: value)

    rest = [None, NAN, MISSING, [1]]
    assert arranged("config.x") == [1.5, 2, 3, "a", "b", False, True, *rest]
    assert arranged("-config.x") == [True, False, "b", "a", 3, 2, 1.5, *rest]


def test_several_keys_and_ties() -> None:
    pairs = [(2, "x"), (1, "y"), (2, "a"), (1, "y"), (2, "x")]
    numbered = list(enumerate(pairs))
    places = {Field("config", ("a",)): 0, Field("config", ("b",)): 1}
    found = arrange(
        numbered, parse_order("-config.a,config.b"), lambda item, field: item[1][places[field]]
    )
    assert [number for number, _ in found] == [2, 0, 4, 1, 3]


# -- the database finds what the reference says ----------------------------------------------------

KEYS = ["a", "b", "a.b", "a.b.a", "val/acc", "x y", 'q"t', "back\\slash", "é", "$a", "", "a."]
numbers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**400]),
    st.floats(),
    st.sampled_from([0.1, 0.3, 0.1 + 0.2, 5e-324, -0.0, 1e308, 2.0**53]),
)
texts = st.one_of(
    st.sampled_from(["", "a", "A", "1", "é", "a\0b", "a\0", "\ud800", 'say "x"', "\\u0041", "NaN"]),
    st.text(max_size=3),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*KEYS, "$float", "$dict", "$x"]), inner, max_size=3),
    ),
    max_leaves=6,
)
documents = st.dictionaries(st.sampled_from([*KEYS, "$float", "$dict"]), values, max_size=5)
clean = st.text("ab é", max_size=3)
runs = st.fixed_dictionaries(
    {
        "config": documents,
        "summary": documents,
        "metadata": st.dictionaries(st.sampled_from(["sweep", "a"]), values, max_size=2),
        "name": clean,
        "tags": st.lists(st.one_of(clean, st.sampled_from(['"', "\\u", "$a"])), max_size=3),
        "notes": st.one_of(st.none(), clean),
        "group": clean,
        "created": st.integers(0, 5),
        "ended": st.one_of(st.none(), st.integers(5, 8)),
    }
)

paths = st.lists(
    st.sampled_from(["a", "b", "val/acc", "x y", 'q"t', "é", "$a", "$float", ""]),
    min_size=1,
    max_size=4,
).map(".".join)
names = st.one_of(
    paths.filter(bool).map("config.".__add__),
    paths.filter(bool).map("summary.".__add__),
    st.sampled_from(
        ["config", "config.a.value", "metadata", "metadata.sweep", "sweep", "name", "state", "tags"]
    ),
    st.sampled_from(
        ["status", "notes", "group", "duration", "exit_code", "last_step", "run_id"],
    ),
)
times = st.sampled_from(["created_at", "ended_at", "updated_at"])
moments = st.one_of(numbers, st.sampled_from(["1970-01-01T00:00:03Z", "1970-01-01"]))
ordered = st.sampled_from(["$gt", "$gte", "$lt", "$lte"])
conditions = st.one_of(
    values.filter(
        lambda value: not isinstance(value, dict) or not any(k[:1] == "$" for k in value)
    ),
    st.builds(lambda o, v: {o: v}, ordered, scalars.filter(lambda value: value is not None)),
    st.builds(lambda o, v: {o: v}, st.sampled_from(["$eq", "$ne"]), values),
    st.builds(
        lambda o, v: {o: v}, st.sampled_from(["$in", "$nin", "$all"]), st.lists(values, max_size=4)
    ),
    st.booleans().map(lambda value: {"$exists": value}),
    st.integers(0, 3).map(lambda value: {"$size": value}),
    st.sampled_from(["a", "^$", "é", "."]).map(lambda value: {"$regex": value, "$options": "i"}),
)
tests = st.one_of(
    st.builds(lambda n, c: {n: c}, names, conditions),
    st.builds(
        lambda n, c: {n: {"$not": c}},
        names,
        conditions.filter(lambda c: isinstance(c, dict) and any(k[:1] == "$" for k in c)),
    ),
    st.builds(lambda n, o, v: {n: {o: v}}, times, ordered, moments),
)
filters = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.builds(
            lambda o, parts: {o: parts},
            st.sampled_from(["$and", "$or", "$nor"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        st.builds(lambda a, b: {**a, **b}, inner, inner),
        inner.map(lambda each: {"$not": each}),
    ),
    max_leaves=4,
)
orders = st.lists(
    st.builds(str.__add__, st.sampled_from(["", "+", "-"]), st.one_of(names, times)), max_size=2
)

_numbers = itertools.count()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_store(tmp_path_factory.mktemp("query") / "experiments.db")
    yield store
    assert store.check().ok
    store.close()


def stored(store: Store, described: list[dict[str, Any]]) -> tuple[str, list[RunRecord]]:
    """A new experiment with these runs, as read back."""
    experiment = f"e{next(_numbers)}"
    ops: list[Any] = []
    for number, each in enumerate(described):
        run_id = f"{experiment}-{number}"
        ops.append(
            StartRun(
                run_id,
                experiment,
                float(each["created"]),
                name=each["name"],
                config=each["config"],
                tags=tuple(each["tags"]),
                notes=each["notes"],
                group=each["group"],
            )
        )
        ops.append(UpdateRun(run_id, {"metadata": each["metadata"]}))
        ops.append(SetSummary(run_id, each["summary"]))
        if each["ended"] is not None:
            ops.append(EndRun(run_id, "finished", float(each["ended"]), 0))
    store.apply(ops)
    return experiment, store.list_runs(experiment)


def expected(records: list[RunRecord], where: Filter, order: Order) -> list[str]:
    found = [(r, document(r)) for r in records if matches(where, document(r))]
    arranged = arrange(found, order, lambda item, field: value_of(item[1], field))
    return [record.run_id for record, _ in arranged]


def _run(**changed: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "config": {},
        "summary": {},
        "metadata": {},
        "name": "n",
        "tags": [],
        "notes": None,
    }
    return {**base, "group": "", "created": 0, "ended": None, **changed}


@settings(max_examples=250)
@given(described=st.lists(runs, max_size=5), filter=filters, order=orders)
@example([_run(config={"a": NAN}), _run(config={"a": INF})], {"config.a": {"$lt": 1}}, ["config.a"])
@example([_run(config={"$a": 1, "a": 2})], {"config.a": 2}, [])
@example([_run(config={"a": {"$a": 1, "b": 2}})], {"config.a.b": 2}, [])
@example([_run(config={"a": "x\0y"})], {"config.a": "x"}, [])
@example([_run(config={"a": 0.1 + 0.2})], {"config.a": {"$gt": 0.3}}, [])
@example([_run(config={"a": 2**63 + 1})], {"config.a": {"$gt": 2**63}}, [])
@example([_run(config={"a": 5e-324})], {"config.a": {"$gt": 0}}, [])
@example([_run(config={"a": [5]})], {"config.a": {"$lt": 6}}, [])
@example([_run(config={"a": ["x"]})], {"config.a": "x"}, [])
@example([_run(config={"a": {"$float": "nan"}})], {"config.a": NAN}, [])
@example([_run(config={"a": {"$float": "nan"}})], {"config.a.$float": "nan"}, [])
@example([_run(config={"a": NAN})], {"config.a.$float": {"$exists": True}}, [])
@example([_run(tags=['"'])], {"tags": '"'}, [])
@example([_run(tags=["é", "\ud800"])], {"tags": "é"}, [])
def test_the_database_agrees(
    store: Store, described: list[dict[str, Any]], filter: dict[str, Any], order: list[str]
) -> None:
    experiment, records = stored(store, described)
    where, keys = parse(filter), parse_order(order)
    wanted = expected(records, where, keys)
    assert store.find_runs(where, keys, experiment=experiment) == wanted
    assert store.count_runs(where, experiment=experiment) == len(wanted)
    for offset, limit in ((0, 1), (1, 2), (0, 0), (2, None)):
        page = store.query(where, keys, experiment=experiment, limit=limit, offset=offset)
        end = None if limit is None else offset + limit
        assert [run.run_id for run in page] == wanted[offset:end]
    known = {record.run_id: record for record in records}
    assert repr(page) == repr([known[run_id] for run_id in wanted[2:]])

    def without_json(db: Any) -> list[str]:
        found = querying._sifted(db, where, keys, experiment, "created, id", None, json=False)
        names = dict(db.execute("select id, run_id from runs"))
        return [names[run] for run in found]

    assert store._read(without_json) == wanted  # type: ignore[attr-defined]


@settings(max_examples=200)
@given(document=documents, path=paths)
def test_paths_are_tried_as_the_reference_does(document: dict[str, Any], path: str) -> None:
    tried = []
    for keys in querying._splits(path.split(".")):
        value: Any = document
        for key in keys:
            value = value.get(key, MISSING) if isinstance(value, dict) else MISSING
        tried.append(value)
    first = next((value for value in tried if value is not MISSING), MISSING)
    assert resolve(document, path) is first


@given(filters)
def test_a_filter_is_the_opposite_of_its_opposite(filter: dict[str, Any]) -> None:
    where, opposite = parse(filter), parse({"$nor": [filter]})
    assert matches(where, DOCUMENT) is not matches(opposite, DOCUMENT)
    assert matches(parse({"$not": {"$not": filter}}), DOCUMENT) is matches(where, DOCUMENT)


def test_values_are_asked_for_by_field() -> None:
    asked = []

    def get(field: Field) -> Any:
        asked.append(field)
        return 1

    assert evaluate(parse({"config.a": 1, "summary.b": 1}), get)
    assert asked == [Field("config", ("a",)), Field("summary", ("b",))]


# -- the tracker -----------------------------------------------------------------------------------


@pytest.fixture
def tracker(db_path: Path) -> Iterator[ExperimentTracker]:
    with ExperimentTracker(db_path) as tracker:
        for number in range(6):
            with tracker.run(
                "even" if number % 2 == 0 else "odd",
                config={"lr": 10.0**-number, "opt": {"name": "adam" if number < 3 else "sgd"}},
                tags=["first"] if number < 2 else [],
                run_id=f"r{number}",
            ) as run:
                run.log({"acc": number % 3})
        yield tracker


def ids(found: list[RunRecord]) -> list[str]:
    return [run.run_id for run in found]


def test_tracker_query(tracker: ExperimentTracker) -> None:
    assert ids(tracker.query({"config.lr": {"$lt": 1e-2}}, "-summary.acc")) == ["r5", "r4", "r3"]
    assert ids(tracker.query(order="-summary.acc,-created_at", limit=3)) == ["r5", "r2", "r4"]
    assert ids(tracker.query({"tags": "first"})) == ["r0", "r1"]
    assert ids(tracker.query({"config.opt.name": "sgd"}, experiment="odd")) == ["r3", "r5"]
    assert ids(tracker.query(limit=2, offset=1)) == ["r1", "r2"]
    assert ids(tracker.query(order="-created_at", limit=2, offset=1)) == ["r4", "r3"]
    assert ids(tracker.query(limit=0)) == []
    assert tracker.query({"status": "Completed"}) == tracker.list_runs()
    assert tracker.count() == 6
    assert tracker.count({"status": "Completed"}, "even") == 3
    assert tracker.find_runs({"summary.acc": 2}) == ["r2", "r5"]


def test_tracker_list_runs(tracker: ExperimentTracker) -> None:
    assert ids(tracker.list_runs(where={"experiment": "even", "summary.acc": 0})) == ["r0"]
    assert ids(tracker.list_runs("odd", order="config.lr", limit=2)) == ["r5", "r3"]
    with pytest.raises(InvalidValueError, match=r"config\.KEY"):
        tracker.list_runs(where={"acc": 1})


def test_light_records(tracker: ExperimentTracker) -> None:
    (light,) = tracker.query({"config.lr": 1.0}, light=True)
    (whole,) = tracker.query({"config.lr": 1.0})
    assert light == whole._replace(config={}, summary={}, metadata={})
    assert whole.config["opt"] == {"name": "adam"}
    found = tracker.get_runs(["r4", "gone", "r1", "r4"])
    assert ids(found) == ["r4", "r1", "r4"]
    assert found[0] == tracker.get_run("r4")


def test_a_query_sees_what_has_been_logged(tracker: ExperimentTracker) -> None:
    run = tracker.run("live", config={"lr": 5})
    run.log({"acc": 7.5})
    assert ids(tracker.query({"summary.acc": {"$gt": 7}, "state": "running"})) == [run.run_id]
    tracker.finish(run)


def test_many_runs_in_pages(db_path: Path) -> None:
    store = open_store(db_path)
    store.apply([StartRun(f"r{n:04}", "p", float(n), config={"n": n}) for n in range(1500)])
    where = parse({"config.n": {"$gte": 200}})
    found = store.query(where, parse_order("-config.n"))
    assert [run.config["n"] for run in found] == list(range(1499, 199, -1))
    pages = [
        run.config["n"]
        for offset in range(0, 1300, 130)
        for run in store.query(where, parse_order("-config.n"), limit=130, offset=offset)
    ]
    assert pages == [run.config["n"] for run in found]
    assert store.check().ok
    store.close()


@pytest.mark.parametrize("size", [62, 63, 64, 100, 128, 3000])
def test_filters_and_orders_of_very_many_keys(tracker: ExperimentTracker, size: int) -> None:
    """More than SQLite takes in one expression, one function call or one integer's bits."""
    keys = [f"k{n}" for n in range(size)]
    for shift in range(3):
        tracker.end_run(
            tracker.start_run("many", config={key: n + shift for n, key in enumerate(keys)})
        )
    tests = [{f"config.{key}": n + 1} for n, key in enumerate(keys)]
    for where in ({"$and": tests}, {"$or": tests}):
        (found,) = tracker.query(where)
        assert found.config["k0"] == 1
    order = ",".join(f"-config.{key}" for key in keys)
    assert [run.config["k0"] for run in tracker.query(order=order, experiment="many")] == [2, 1, 0]
    name = tracker.get_run("r0").name
    assert ids(tracker.query({"$or": [{"name": name}] * size}))[0] == "r0"

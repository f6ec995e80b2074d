"""Tables: what they take, what a log call captures, what the files hold."""

from __future__ import annotations

import copy
import datetime
import json
import pickle
import threading
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synadb.media.table import compact_json, sorted_json
from synadb.wandb_compat._media import dtypes
from synadb.wandb_compat._media.html import Html
from synadb.wandb_compat._media.image import Image
from synadb.wandb_compat._media.table import EvalTable, JoinedTable, Table
from synadb.wandb_compat._media.table_content import artifact_name
from synadb.wandb_compat.errors.errors import Error, UsageError
from tests.media_sink import MemorySink

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=())),
)
nested = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)


def log(table: Any, key: str = "t", sink: MemorySink | None = None) -> tuple[Any, MemorySink]:
    sink = sink or MemorySink()
    return table._to_run_value(sink, key, 0), sink


def run_file(row: dict[str, Any], sink: MemorySink) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sink.files[row["path"]])
    return found


def artifact(sink: MemorySink, key: str = "t") -> dict[str, Any]:
    files = sink.artifacts[f"run-run1-{key}", "run_table"][-1]
    found: dict[str, Any] = json.loads(files[f"{key}.table.json"])
    return found


# -- the text ------------------------------------------------------------------------------------


def same(one: Any, two: Any) -> bool:
    """Equal, with NaN equal to itself."""
    return bool(json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True))


@given(st.lists(st.lists(scalars, min_size=2, max_size=2), max_size=30))
def test_compact_text_is_read_back_as_it_was(rows: list[list[Any]]) -> None:
    found = json.loads(compact_json(["a", 1], rows))
    readable = json.loads(json.dumps(rows).encode().decode())
    assert found["columns"] == ["a", 1]
    for one, two in zip(found["data"], readable, strict=True):
        for here, there in zip(one, two, strict=True):
            if isinstance(there, str) and any("\ud800" <= c <= "\udfff" for c in there):
                continue  # UTF-8 has no lone surrogates
            assert same(here, there)


@given(st.lists(st.lists(nested, min_size=1, max_size=3), max_size=600 // 20))
def test_sorted_text_is_what_json_writes_with_null_for_nan(rows: list[list[Any]]) -> None:
    def without_nan(value: Any) -> Any:
        if isinstance(value, list):
            return [without_nan(item) for item in value]
        if isinstance(value, dict):
            return {key: without_nan(item) for key, item in value.items()}
        return None if isinstance(value, float) and value != value else value  # noqa: PLR0124

    expected = json.dumps({"z": 1, "a": "NaN", "data": without_nan(rows)}, sort_keys=True)
    assert sorted_json({"z": 1, "a": "NaN"}, rows, lambda value: value) == expected.encode()


def test_rows_beyond_one_piece_of_text_are_all_there() -> None:
    rows = [[number, number / 3] for number in range(1701)]
    assert json.loads(compact_json(["a", "b"], rows))["data"] == rows
    assert json.loads(sorted_json({}, rows, str))["data"] == rows


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-5, b"0.00001"),
        (-2.5e-5, b"-0.000025"),
        (1e-6, b"1e-6"),
        (1e-10, b"1e-10"),
        (1e16, b"1e+16"),
    ],
)
def test_small_numbers_are_spelled_as_wandb_does(value: float, text: bytes) -> None:
    row = [value, "1e-05"]
    assert compact_json(["a", "b"], [row]) == b'{"columns":["a","b"],"data":[[%b,"1e-05"]]}' % text


# -- types ---------------------------------------------------------------------------------------

values = st.one_of(
    scalars,
    st.sampled_from([np.float32(1), np.float64("nan"), np.bool_(True), "wandb-artifact://a", b"x"]),
    st.sampled_from([datetime.date(2020, 1, 1), Decimal(1), (1, 2), {3}, 5]),
    st.lists(scalars, max_size=3),
)
column_types = st.sampled_from(
    [None, int, str, bool, [int], [str], {"a": int}, 5, "x", dtypes.AnyType, [int, str], list]
)


@given(
    st.lists(st.tuples(values, values), max_size=12),
    st.tuples(column_types, column_types),
    st.tuples(st.booleans(), st.booleans()),
)
def test_rows_by_the_short_way_and_one_by_one_get_the_same_answers(
    rows: list[tuple[Any, Any]], kinds: tuple[Any, Any], optional: tuple[bool, bool]
) -> None:
    dtype = [dtypes.UnknownType() if kind is None else kind for kind in kinds]
    table = Table(["a", "b"], dtype=dtype, optional=list(optional))
    reference: dtypes.Type = table._column_types
    kept = []
    for row in rows * 2:
        answer = reference.assign(dict(zip("ab", row, strict=True)))
        if isinstance(answer, dtypes.InvalidType):
            with pytest.raises(TypeError, match="incompatible types"):
                table.add_data(*row)
        else:
            table.add_data(*row)
            reference = answer
            kept.append(list(row))
        assert table._column_types == reference
    assert len(table.data) == len(kept)


@given(st.lists(values, max_size=8), column_types)
def test_a_list_of_values_and_value_after_value_get_the_same_type(
    items: list[Any], kind: Any
) -> None:
    start = dtypes.UnknownType() if kind is None else dtypes.TypeRegistry.type_from_dtype(kind)
    wanted: dtypes.Type = start
    taken = 0
    for item in items:
        answer = wanted.assign(item)
        if isinstance(answer, dtypes.InvalidType):
            break
        wanted, taken = answer, taken + 1
    assert dtypes.assign_all(start, items) == (wanted, taken)


@given(nested)
def test_types_are_read_back_from_their_json(value: Any) -> None:
    kind = dtypes.TypeRegistry.type_of(value)
    assert dtypes.TypeRegistry.type_from_dict(json.loads(json.dumps(kind.to_json()))) == kind


def test_unknown_types_are_refused() -> None:
    with pytest.raises(TypeError, match="wb_type"):
        dtypes.TypeRegistry.type_from_dict({})
    with pytest.raises(TypeError, match="missing type handler for nothing"):
        dtypes.TypeRegistry.type_from_dict({"wb_type": "nothing"})


def test_the_error_of_a_row_says_which_column_and_why() -> None:
    table = Table(["a", "b"], [[1, [1, 2]]])
    with pytest.raises(TypeError) as raised:
        table.add_data("x", [1, "y"])
    said = str(raised.value)
    assert "Data row contained incompatible types" in said
    assert "Key 'a'" in said
    assert "Index 1" in said
    assert table.data == [[1, [1, 2]]]


def test_a_type_changed_by_hand_counts_for_the_next_row() -> None:
    table = Table(["a"], [[1], [2]])
    table._column_types = dtypes.TypedDictType({"a": str})
    with pytest.raises(TypeError):
        table.add_data(3)


# -- capture -------------------------------------------------------------------------------------


def test_what_happens_after_the_log_call_is_not_in_the_files() -> None:
    array, items, inner = np.zeros(3), [1, 2], Table(["q"], [[1]])
    table = Table(["n", "arr", "list", "dict", "table"], [[1, array, items, {"k": [1]}, inner]])
    logged = table._snapshot()
    array[:] = 7
    items.append(3)
    inner.add_data(2)
    table.data[0][3]["k"].append(2)
    table.data[0][0] = 99
    table.columns[0] = "changed"
    row, sink = log(logged)
    assert run_file(row, sink) == {
        "columns": ["n", "arr", "list", "dict", "table"],
        "data": [[1, [0.0, 0.0, 0.0], [1, 2], {"k": [1]}, "Table"]],
    }
    assert artifact(sink)["data"][0][4]["data"] == [[1]]
    assert artifact(sink)["nrows"] == 1


def test_the_callers_lists_are_not_the_tables() -> None:
    columns, rows = ["a"], [[1], [2]]
    table = Table(columns, rows)
    columns.append("b")
    rows[0][0] = 9
    rows.append([3])
    assert table.columns == ["a"]
    assert table.data == [[1], [2]]


def test_a_table_that_keys_refer_to_is_stored_as_it_was_then() -> None:
    words = Table(["word"], [["x"]])
    words.set_pk("word")
    uses = Table(["uses"], [["x"]])
    uses.set_fk("uses", words, "word")
    logged = uses._snapshot()
    words.add_data("y")
    _, sink = log(logged)
    (files,) = sink.artifacts["run-run1-t", "run_table"]
    path = artifact(sink)["column_types"]["params"]["type_map"]["uses"]["params"]["table"]
    assert json.loads(files[path])["data"] == [["x"]]


def test_lists_in_an_array_of_objects_are_captured() -> None:
    items = [1]
    array = np.array([items, "a"], dtype=object)
    logged = Table(["a"], [[array]])._snapshot()
    items.append(2)
    array[1] = "b"
    row, sink = log(logged)
    assert run_file(row, sink)["data"] == [[[[1], "a"]]]
    assert artifact(sink)["data"] == [[[[1], "a"]]]


def test_records_of_numpy_are_lists() -> None:
    records = np.array(
        [(1, 2.5, "x"), (2, 3.5, "y")], dtype=[("i", "i4"), ("f", "f8"), ("s", "U4")]
    )
    row, sink = log(Table(["one", "all"], [[records[0], records], [records[1], records[::-1]]]))
    lists = [[1, 2.5, "x"], [2, 3.5, "y"]]
    expected = [[lists[0], lists], [lists[1], lists[::-1]]]
    assert run_file(row, sink)["data"] == expected
    assert artifact(sink)["data"] == expected


def test_dicts_may_have_keys_of_several_kinds() -> None:
    cell = {1: "a", "b": 2, None: [3], False: 4, (5, 6): 7}
    row, sink = log(Table(["d"], [[cell], [cell]]))
    as_text = {"1": "a", "b": 2, "None": [3], "false": 4, "(5, 6)": 7}
    assert run_file(row, sink)["data"] == [[as_text], [as_text]]
    (kind,) = artifact(sink)["column_types"]["params"]["type_map"].values()
    (kind,) = (part for part in kind["params"]["allowed_types"] if "params" in part)
    assert kind["params"]["type_map"].keys() == {"1", "b", "null", "false", "(5, 6)"}


@pytest.mark.parametrize(
    "cell",
    [
        *(object(), 1j, datetime.timedelta(1), [object()], {"k": 1j}),
        *(np.zeros(2, complex), np.zeros(2, "m8[s]"), np.array([object()], dtype=object)),
    ],
)
def test_a_cell_without_a_form_is_told_by_the_log_call(cell: Any) -> None:
    table = Table(["a"], [[cell]])
    with pytest.raises(TypeError, match="is not JSON serializable"):
        table._snapshot()
    assert not table.has_been_logged()


def test_tensors_are_lists_of_any_length() -> None:
    class Tensor:
        def __init__(self, array: Any) -> None:
            self.array = array

        def detach(self) -> Tensor:
            return self

        cpu = detach

        def numel(self) -> int:
            return int(self.array.size)

        def item(self) -> Any:
            return self.array.item()

        def numpy(self) -> Any:
            return self.array

    Tensor.__module__ = "torch"
    row, sink = log(Table(["a", "b"], [[Tensor(np.arange(40)), Tensor(np.array(2.5))]]))
    assert run_file(row, sink)["data"] == [[list(range(40)), 2.5]]
    assert artifact(sink)["data"] == [[list(range(40)), 2.5]]


def test_media_are_files_of_the_artifact_and_keep_their_place_in_the_run() -> None:
    image = Image(np.zeros((2, 2, 3), np.uint8))
    sink = MemorySink()
    before = image._to_run_value(sink, "image", 3)
    row, _ = log(Table(["a"], [[image], [None]]), sink=sink)
    assert run_file(row, sink)["data"] == [["Image"], [None]]
    cell = artifact(sink)["data"][0][0]
    files = sink.artifacts["run-run1-t", "run_table"][0]
    assert files[cell["path"]] == sink.files[before["path"]]
    assert image._to_run_value(sink, "again", 4) == before


def test_arrays_of_one_shape_are_one_file() -> None:
    arrays = [np.full((2, 3), number, "f4") for number in range(4)]
    _, sink = log(Table(["a", "n"], [[array, 1] for array in arrays]))
    table = artifact(sink)
    kind = table["column_types"]["params"]["type_map"]["a"]["params"]["allowed_types"][0]
    where = kind["params"]["serialization_path"]
    assert [row[0] for row in table["data"]] == [None] * 4
    import io

    files = sink.artifacts["run-run1-t", "run_table"][0]
    assert np.array_equal(np.load(io.BytesIO(files[where["path"]]))[where["key"]], arrays)


def test_arrays_that_make_no_whole_are_written_in_place() -> None:
    _, sink = log(Table(["a"], [[np.eye(2)], [None]]))
    assert artifact(sink)["data"] == [[[[1.0, 0.0], [0.0, 1.0]]], [None]]


@given(st.lists(st.lists(nested, min_size=1, max_size=1), max_size=5))
def test_any_json_can_be_a_cell(rows: list[list[Any]]) -> None:
    table = Table(["a"], rows, allow_mixed_types=True)
    row, sink = log(table)
    assert len(run_file(row, sink)["data"]) == len(rows)
    assert artifact(sink)["nrows"] == row["nrows"] == len(rows)


# -- logging -------------------------------------------------------------------------------------


def test_an_immutable_table_shows_its_first_content_and_its_present_length() -> None:
    table = Table(["a"], [[1]])
    first, sink = log(table)
    table.add_data(2)
    second, _ = log(table, "other", sink)
    assert (second["path"], second["nrows"]) == (first["path"], 2)
    assert sum(map(len, sink.artifacts.values())) == 1


def test_a_mutable_table_is_stored_again_only_when_it_was_changed() -> None:
    table = Table(["a"], [[1]], log_mode="MUTABLE")
    first, sink = log(table)
    same, _ = log(table, sink=sink)
    table.add_column("b", ["x"])
    changed, _ = log(table, sink=sink)
    assert same == first
    assert run_file(changed, sink) == {"columns": ["a", "b"], "data": [[1, "x"]]}
    assert first["_latest_artifact_path"] == changed["_latest_artifact_path"]
    assert first["artifact_path"] != changed["artifact_path"]


def test_parts_of_an_incremental_table_name_those_before() -> None:
    table = Table(["a"], log_mode="INCREMENTAL")
    sink = MemorySink()
    rows = []
    for number in range(4):
        table.add_data(number)
        table.add_data(-number)
        rows.append(table._snapshot())
    logged = [row._to_run_value(sink, "i", step) for step, row in enumerate(rows)]
    for number, row in enumerate(logged):
        assert row["_type"] == "incremental-table-file"
        assert (row["increment_num"], row["nrows"]) == (number, 2 * number + 2)
        assert row["previous_increments_paths"] == [one["artifact_path"] for one in logged[:number]]
        assert run_file(row, sink)["data"] == [[number], [-number]]
    assert [kind for _, kind in sink.artifacts] == ["wandb-run-incremental-table"]
    again = table._snapshot()._to_run_value(sink, "i", 9)
    assert again == logged[-1]


def test_a_part_waits_for_the_one_before_it() -> None:
    table = Table(["a"], [[1]], log_mode="INCREMENTAL")
    first = table._snapshot()
    table.add_data(2)
    second = table._snapshot()
    sink = MemorySink()
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(second._to_run_value(sink, "i", 1)))
    thread.start()
    expected = first._to_run_value(sink, "i", 0)["artifact_path"]
    thread.join(30)
    assert found[0]["previous_increments_paths"] == [expected]


def test_an_incremental_table_goes_on_behind_the_parts_of_a_resumed_run() -> None:
    class Run:
        def __init__(self, summary: dict[str, Any]) -> None:
            self.summary = summary

    earlier, sink = log(Table(["a"], [[1]], log_mode="INCREMENTAL"), "i")
    table = Table(["a"], [[2]], log_mode="INCREMENTAL")
    table._load_incremental_table_state_from_resumed_run(Run({"i": earlier}), "i")
    row, _ = log(table, "i", sink)
    assert row["increment_num"] == 1
    assert row["previous_increments_paths"] == [earlier["artifact_path"]]


def test_a_part_that_fails_does_not_hold_up_the_next() -> None:
    class Broken(MemorySink):
        def put_artifact(self, name: str, type: str, files: dict[str, bytes]) -> str:
            raise OSError("no room")

    table = Table(["a"], [[1]], log_mode="INCREMENTAL")
    with pytest.raises(OSError, match="no room"):
        log(table, sink=Broken())
    table.add_data(2)
    row, _ = log(table)
    assert row["previous_increments_paths"] == []


def test_an_incremental_table_takes_no_columns() -> None:
    table = Table(["a"], log_mode="INCREMENTAL")
    with pytest.raises(Error, match=r"'add_column'.*INCREMENTAL"):
        table.add_column("b", [])
    with pytest.raises(Error, match=r"'add_computed_columns'.*INCREMENTAL"):
        table.add_computed_columns(lambda number, row: {})


def test_a_table_belongs_to_the_run_where_it_was_logged_first() -> None:
    table = Table(["a"], [[1]])
    log(table)
    with pytest.raises(AssertionError, match="make a new one for run other"):
        log(table, sink=MemorySink("other"))


def test_tables_are_cut_and_say_how_long_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Table, "MAX_ROWS", 2)
    monkeypatch.setattr(Table, "MAX_ARTIFACT_ROWS", 3)
    table = Table(["a"], [[number] for number in range(5)])
    with pytest.raises(ValueError, match="Table row limit exceeded"):
        table._snapshot(strict=True)
    row, sink = log(table)
    assert row["nrows"] == 5
    assert run_file(row, sink)["data"] == [[0], [1]]
    assert artifact(sink)["data"] == [[0], [1], [2]]
    assert "MAX_ARTIFACT_ROWS" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["../../x", "/etc/passwd", "a/../../b", "ü\ud800", "", ".."])
def test_no_key_leads_out_of_the_artifact(key: str) -> None:
    _, sink = log(Table(["a"], [[1]]), key)
    ((name, _), (files,)) = next(iter(sink.artifacts.items()))
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
    for path in files:
        assert ".." not in path.split("/")
        assert not path.startswith("/")


def test_names_that_need_no_cleaning_stay() -> None:
    assert artifact_name("run-a1-loss.x_y") == "run-a1-loss.x_y"
    assert artifact_name("run-a/b") != artifact_name("run-ab")


# -- the rest ------------------------------------------------------------------------------------


def test_a_subclass_hears_of_every_row() -> None:
    seen = []

    class Watching(Table):
        def add_data(self, *data: Any) -> None:
            seen.append(data)
            super().add_data(*data)

    Watching(["a"], [[1], [2]])
    assert seen == [(1,), (2,)]


def test_a_column_that_does_not_fit_leaves_the_table_as_it_was() -> None:
    table = Table(["a"], [[1], [2]])
    rows = table.data
    with pytest.raises(TypeError):
        table.add_column("b", [1, "x"])
    assert (table.columns, table.data) == (["a"], [[1], [2]])
    assert table.data is rows
    table.add_column("b", [3, 4])
    assert table.data == [[1, 3], [2, 4]]


def test_rows_refer_to_other_tables() -> None:
    one = Table(["key", "n"], [["x", 1], ["y", 2]])
    one.set_pk("key")
    two = Table(["ref", "row"])
    for number, row in one.iterrows():
        two.add_data(row[0], number)
    assert two.data[1][1].get_row() == {"key": "y", "n": 2}
    assert two._fk_cols == {"ref", "row"}
    _, sink = log(two)
    files = sink.artifacts["run-run1-t", "run_table"][0]
    path = artifact(sink)["column_types"]["params"]["type_map"]["ref"]["params"]["table"]
    assert json.loads(files[path])["data"] == [["x", 1], ["y", 2]]


def test_two_tables_that_refer_to_each_other_can_be_stored() -> None:
    one, two = Table(["k"], [["x"]]), Table(["k"], [["x"]])
    one.set_fk("k", two, "k")
    two.set_fk("k", one, "k")
    _, sink = log(one)
    assert artifact(sink)["data"] == [["x"]]


def test_copies_can_be_logged_by_themselves() -> None:
    table = Table(["a"], [[1]])
    log(table)
    for other in (copy.deepcopy(table), pickle.loads(pickle.dumps(table))):
        assert other == table
        assert not other.has_been_logged()
        log(other, sink=MemorySink("other"))


def test_what_cells_hold_is_shown_and_never_run() -> None:
    table = Table(["<b>"], [["<script>alert(1)</script>"], ["x" * 500]])
    page = table._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<b>" not in page
    assert "x" * 200 not in page
    assert "<td><img src=" in Table(["a"], [[Image(np.eye(2))]])._repr_html_()
    assert "<td>Html</td>" in Table(["a"], [[Html("<b>")]])._repr_html_()
    assert "and 30 more rows" in Table(["a"], [[1]] * 50)._repr_html_()


def test_to_json_needs_a_run() -> None:
    with pytest.raises(TypeError, match=r"wandb_run\.Run"):
        Table().to_json(object())

    class Run:
        _sink = MemorySink()

    assert Table(["a"], [[1]]).to_json(Run())["_type"] == "table-file"


def test_joined_tables_are_captured_when_they_are_logged() -> None:
    one, two = Table(["k"], [["x"]]), Table(["k"], [["y"]])
    logged = JoinedTable(one, two, "k")._snapshot()
    one.add_data("later")
    row, sink = log(logged)
    files = sink.artifacts["run-run1-t", "run_table"][0]
    joined = json.loads(files["t.joined-table.json"])
    assert row["artifact_path"].endswith("/t.joined-table.json")
    assert json.loads(files[joined["table1"]])["data"] == [["x"]]
    with pytest.raises(ValueError, match="not found in artifact"):
        JoinedTable("a.table.json", two, "k")._snapshot()


def test_a_joined_table_in_a_cell_brings_its_tables() -> None:
    joined = JoinedTable(Table(["k"], [["x"]]), Table(["k"], [["y"]]), "k")
    row, sink = log(Table(["c"], [[joined]]))
    assert run_file(row, sink)["data"] == [["JoinedTable"]]
    files = sink.artifacts["run-run1-t", "run_table"][0]
    [[cell]] = artifact(sink)["data"]
    assert (cell["_type"], cell["join_key"]) == ("joined-table", "k")
    assert [json.loads(files[cell[name]])["data"] for name in ("table1", "table2")] == [
        [["x"]],
        [["y"]],
    ]


def test_the_weight_of_a_table_is_about_that_of_its_cells() -> None:
    texts = [[f"{number:0100}"] for number in range(10_000)]
    logged = Table(["a"], texts)._snapshot()
    assert 1_500_000 < logged.held_bytes < 4_000_000
    arrays = Table(["a"], [[np.zeros(1000)] for _ in range(100)])
    assert arrays._snapshot().held_bytes >= 800_000
    nested = Table(["t"], [[arrays]])
    assert nested._snapshot().held_bytes >= 800_000
    joined = JoinedTable(arrays, Table(["a"], []), "a")
    assert joined._snapshot().held_bytes >= 800_000
    assert Table(["a"], [])._snapshot().held_bytes == 0


def test_eval_tables_are_stored_as_tables() -> None:
    table = EvalTable(input_columns=["q"], score_columns=["s"], data=[["x", 0.5]])
    assert table.columns == ["q", "s"]
    row, _ = log(table)
    assert (row["_type"], row["nrows"]) == ("table-file", 1)
    with pytest.raises(ValueError, match="do not exist"):
        EvalTable(["a"], [[1]], input_columns=["b"])._snapshot()
    with pytest.raises(UsageError, match="IMMUTABLE"):
        EvalTable(log_mode="MUTABLE")
    with pytest.raises(UsageError, match="backend"):
        EvalTable(backend="none")
    with pytest.raises(ValueError, match="unsupported_media_mode"):
        EvalTable(unsupported_media_mode="none")


def test_rows_of_arrays_keep_numpys_values() -> None:
    table = Table(["a", "b"], np.arange(4).reshape(2, 2))
    assert isinstance(table.data[0][0], np.integer)
    assert np.array_equal(table.get_column("a", convert_to="numpy"), [0, 2])
    row, sink = log(table)
    assert run_file(row, sink)["data"] == [[0, 1], [2, 3]]


def test_half_a_pair_in_a_cell_is_kept() -> None:
    cells = ["\ud83d costs \u00e9 \U0001f600", "\\\ud800"]
    row, sink = log(Table(["a"], [[cell] for cell in cells]))
    assert run_file(row, sink)["data"] == [[cell] for cell in cells]

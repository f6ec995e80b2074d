"""`run-<id>.wandb` files: ones that are built here byte by byte, damaged ones, and wandb's own."""

from __future__ import annotations

import importlib.util
import io
import json
import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synadb.errors import NotALogError
from synadb.formats._leveldb import BLOCK, FILE_HEADER, read_records
from synadb.formats._protobuf import DecodeError, Field, decode, message
from synadb.formats.wandb_log import WandbLog, read_wandb_log

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.conftest import RunScript

# --- a writer, written from the formats' descriptions and not from the reader ------------------


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def proto(*fields: tuple[int, Any]) -> bytes:
    """A message: ints as varints, floats as doubles, str and bytes by length."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        elif isinstance(value, float):
            out += varint(number << 3 | 1) + struct.pack("<d", value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def frames(records: Iterable[bytes], start: int = 0) -> bytes:
    """LevelDB frames for `records`; `start` is the place in the first block."""
    out = bytearray(start)
    for record in records:
        rest, first = record, True
        while True:
            left = BLOCK - len(out) % BLOCK
            if left < 7:
                out += bytes(left)
                left = BLOCK
            part, rest = rest[: left - 7], rest[left - 7 :]
            kind = {(True, True): 1, (True, False): 2, (False, False): 3, (False, True): 4}[
                first, not rest
            ]
            crc = zlib.crc32(bytes([kind]) + part)
            out += struct.pack("<IHB", crc, len(part), kind) + part
            first = False
            if not rest:
                break
    return bytes(out[start:])


def item(key: str | list[str], value: Any) -> bytes:
    names = [(1, key)] if isinstance(key, str) else [(2, name) for name in key]
    return proto(*names, (16, json.dumps(value)))


def row(step: int, **values: Any) -> bytes:
    items = [(1, item([key], value)) for key, value in values.items()]
    items.append((1, item(["_step"], step)))
    return proto((1, step), (2, proto(*items, (2, proto((1, step))))))


RUN = proto(
    (
        17,
        proto(
            (1, "abc123"),
            (2, "team"),
            (3, "demo"),
            (
                4,
                proto(
                    (1, item("lr", 0.1)), (1, item("_wandb", {"t": 1})), (1, item("n", {"x": 1}))
                ),
            ),
            (6, "group"),
            (7, "train"),
            (8, "first"),
            (9, "notes\nof two lines"),
            (10, "a"),
            (10, "b"),
            (12, "sweep"),
            (13, "host"),
            (17, proto((1, 1_700_000_000), (2, 500_000_000))),
        ),
    )
)
HEADER = proto((1, 1), (21, proto((1, proto((1, "0.31.0+abcdef"), (2, "0.70.0"))))))


def summary(*updates: bytes, remove: tuple[bytes, ...] = ()) -> bytes:
    return proto((3, proto(*((1, u) for u in updates), *((2, r) for r in remove))))


def log_file(path: Path, *records: bytes) -> Path:
    path.write_bytes(FILE_HEADER + frames(records, len(FILE_HEADER)))
    return path


def read(tmp_path: Path, *records: bytes) -> WandbLog:
    return read_wandb_log(log_file(tmp_path / "run-x.wandb", *records))


# --- what the records mean ---------------------------------------------------------------------


def test_run_record(tmp_path: Path) -> None:
    log = read(tmp_path, HEADER, RUN)
    assert (log.run_id, log.project, log.entity) == ("abc123", "demo", "team")
    assert (log.display_name, log.notes) == ("first", "notes\nof two lines")
    assert (log.tags, log.group, log.job_type) == (["a", "b"], "group", "train")
    assert (log.sweep_id, log.host) == ("sweep", "host")
    assert log.config == {"lr": 0.1, "n": {"x": 1}}
    assert log.config_wandb == {"t": 1}
    assert log.start_time == 1_700_000_000.5
    assert log.wandb_version == "0.31.0"
    assert log.exit_code is None
    assert log.problems == []


def test_a_later_run_record_replaces_the_first(tmp_path: Path) -> None:
    later = proto((17, proto((1, "abc123"), (8, "renamed"), (4, proto((1, item("lr", 0.2)))))))
    log = read(tmp_path, RUN, later)
    assert (log.display_name, log.tags) == ("renamed", [])
    assert log.config == {"lr": 0.2, "n": {"x": 1}}


def test_config_records_replace_whole_values_and_remove(tmp_path: Path) -> None:
    changes = proto(
        (5, proto((1, item("n", {"y": 2})), (1, item(["m", "k"], 3)), (2, proto((1, "lr")))))
    )
    assert read(tmp_path, RUN, changes).config == {"n": {"y": 2}, "m": {"k": 3}}


def test_summary(tmp_path: Path) -> None:
    log = read(
        tmp_path,
        RUN,
        summary(item("best", 1), item("d", {"x": {"y": 1}}), item(["gone", "a"], 1)),
        summary(item(["d", "x", "w"], 2), item(["best"], 0.5), item("k.k", 7), item("off", 1)),
        summary(item("off", None), remove=(proto((2, "gone"), (2, "a")), proto((1, "k.k")))),
        summary(remove=(proto((1, "never")), proto((2, "best"), (2, "below"), (2, "number")))),
        summary(item(["s"], 1)),
        summary(item(["s", "t"], 2)),
    )
    assert log.summary == {"best": 0.5, "d": {"x": {"y": 1, "w": 2}}, "gone": {}, "s": {"t": 2}}


def test_history(tmp_path: Path) -> None:
    items = [
        item(["n", "b", "c"], 1),
        item(["n", "a"], 2),
        item("flat.key", [1, "x", None]),
        item(["none"], None),
        item(["b"], True),
        item(["f"], 0.1),
        item(["nan"], math.nan),
        item(["inf"], [-math.inf]),
    ]
    log = read(
        tmp_path,
        RUN,
        row(0, loss=1),
        proto((2, proto(*((1, i) for i in items), (2, proto((1, 7)))))),
        proto((2, b"")),
    )
    first, second, empty = log.history
    assert first == {"loss": 1, "_step": 0}
    assert math.isnan(second.pop("nan"))
    assert second == {
        "n": {"b": {"c": 1}, "a": 2},
        "flat.key": [1, "x", None],
        "none": None,
        "b": True,
        "f": 0.1,
        "inf": [-math.inf],
        "_step": 7,
    }
    assert type(second["b"]) is bool
    assert empty == {}


def test_history_items_that_are_not_json(tmp_path: Path) -> None:
    items = [
        proto((1, "none"), (3, 0)),
        proto((1, "yes"), (4, 1)),
        proto((1, "no"), (4, 0)),
        proto((1, "int"), (5, 5)),  # zigzag
        proto((1, "float"), (6, 0.5)),
        proto((1, "text"), (7, "")),
        proto((1, "json"), (8, "[1]")),
    ]
    log = read(tmp_path, RUN, proto((2, proto(*((1, i) for i in items), (2, b"")))))
    assert log.history == [
        {
            "none": None,
            "yes": True,
            "no": False,
            "int": -3,
            "float": 0.5,
            "text": "",
            "json": [1],
            "_step": 0,
        }
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", 0), (proto((1, 3)), 3), (proto((1, -1)), -1), (proto((1, 255)), 255)],
)
def test_exit(tmp_path: Path, content: bytes, code: int) -> None:
    assert read(tmp_path, RUN, proto((18, content))).exit_code == code


def test_metrics(tmp_path: Path) -> None:
    log = read(
        tmp_path,
        proto((12, proto((1, "epoch"), (6, proto((2, 1), (3, 1)))))),
        proto(
            (12, proto((2, "val/*"), (4, "epoch"), (6, proto((1, 1))), (7, proto((1, 1), (2, 1)))))
        ),
        proto((12, proto((1, "loss"), (5, 1), (7, proto((4, 1))), (8, 1), (9, proto((1, 1)))))),
    )
    assert log.metrics == [
        {"name": "epoch", "hidden": True},
        {
            "glob_name": "val/*",
            "step_metric": "epoch",
            "step_sync": True,
            "summary": ["min", "max"],
        },
        {
            "name": "loss",
            "step_metric": "epoch",
            "summary": ["best"],
            "goal": "minimize",
            "overwrite": True,
        },
    ]
    assert log.problems == ["there is no run record"]


def test_console_and_files(tmp_path: Path) -> None:
    def out(kind: int, second: int, text: str) -> bytes:
        return proto((13, proto((1, kind), (2, proto((1, second))), (3, text))))

    log = read(
        tmp_path,
        RUN,
        out(1, 1, "hel"),
        out(0, 2, "warn\n"),
        out(1, 3, "lo\nnext"),
        out(1, 4, "\n\n"),
        out(1, 5, "unfinished"),
        proto((6, proto((1, proto((1, "requirements.txt"))), (1, proto((1, "a/b")))))),
        proto((6, proto((1, proto((1, "a/b")))))),
    )
    assert [tuple(line) for line in log.console] == [
        ("stderr", 2.0, "warn"),
        ("stdout", 3.0, "hello"),
        ("stdout", 4.0, "next"),
        ("stdout", 4.0, ""),
        ("stdout", 5.0, "unfinished"),
    ]
    assert log.files == ["requirements.txt", "a/b"]


def test_values_that_cannot_be_read_are_reported_and_left_out(tmp_path: Path) -> None:
    items = [
        proto((1, "bad"), (16, "{")),
        proto((1, "deep"), (16, "[" * 200_000)),
        proto((1, "long"), (16, "9" * 5000)),
        proto((16, "1")),
        proto((1, "empty"), (16, "")),
        item("good", 1),
    ]
    log = read(tmp_path, RUN, proto((2, proto(*((1, i) for i in items)))), b"\x0f")
    assert log.history == [{"good": 1}]
    assert [problem.partition(":")[0] for problem in log.problems[:4]] == ["record 2"] * 4
    assert log.problems[4].startswith("record 3: no protobuf message")


def test_problems_do_not_pile_up(tmp_path: Path) -> None:
    log = read(tmp_path, *[b"\x0f"] * 500)
    assert len(log.problems) == 101
    assert log.problems[-1] == "and 401 more problems"


# --- files that are none ------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"no log", b":W&B\x00\x00\x00", b"SQLite format 3\x00"])
def test_another_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run-x.wandb"
    path.write_bytes(content)
    with pytest.raises(NotALogError, match=r"run-x\.wandb"):
        read_wandb_log(path)
    assert issubclass(NotALogError, ValueError)


def test_another_version(tmp_path: Path) -> None:
    path = tmp_path / "run-x.wandb"
    path.write_bytes(FILE_HEADER[:6] + b"\x01")
    with pytest.raises(NotALogError, match="unknown version"):
        read_wandb_log(str(path))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_wandb_log(tmp_path / "run-x.wandb")


# --- framing ------------------------------------------------------------------------------------

sizes = st.one_of(
    st.integers(0, 40),
    st.integers(BLOCK - 30, BLOCK + 10),
    st.integers(0, 3 * BLOCK),
)


def read_frames(data: bytes) -> tuple[list[bytes], list[str]]:
    problems: list[str] = []
    return list(read_records(io.BytesIO(data), problems)), problems


@given(st.lists(st.tuples(sizes, st.integers(0, 255)), max_size=12))
def test_records_of_any_size(shapes: list[tuple[int, int]]) -> None:
    records = [bytes([fill]) * size for size, fill in shapes]
    assert read_frames(frames(records, len(FILE_HEADER))) == (records, [])


@given(
    st.lists(sizes, min_size=1, max_size=6),
    st.integers(0, 10**9),
    st.integers(1, 255),
)
def test_a_flipped_byte_costs_only_the_records_it_is_in(
    lengths: list[int], place: int, flip: int
) -> None:
    records = [bytes([number + 1]) * size for number, size in enumerate(lengths)]
    data = bytearray(frames(records, len(FILE_HEADER)))
    data[place % len(data)] ^= flip
    kept, problems = read_frames(bytes(data))
    rest = iter(records)
    assert all(record in rest for record in kept), (
        "a record that was never written, or out of order"
    )
    # A padding byte at the end of a block belongs to no record.
    assert problems or kept == records


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    read_frames(data)


def test_a_record_is_not_put_together_around_a_hole() -> None:
    big, small = b"a" * (3 * BLOCK), b"b"
    data = bytearray(frames([big, small], len(FILE_HEADER)))
    data[BLOCK + 100] ^= 1  # inside the MIDDLE frame
    kept, problems = read_frames(bytes(data))
    assert kept == [small]
    assert problems == [f"byte {BLOCK}: a damaged record"]


def test_zeros_are_one_problem() -> None:
    data = frames([b"a", b"b"], len(FILE_HEADER))
    kept, problems = read_frames(data + bytes(5 * BLOCK))
    assert kept == [b"a", b"b"]
    assert problems == [f"byte {len(FILE_HEADER) + len(data)}: zeros, where records should be"]


def test_fragments_without_their_other_half() -> None:
    def frame(kind: int, payload: bytes) -> bytes:
        return (
            struct.pack("<IHB", zlib.crc32(bytes([kind]) + payload), len(payload), kind) + payload
        )

    data = frame(4, b"x") + frame(3, b"x") + frame(2, b"y") + frame(1, b"whole") + frame(2, b"z")
    kept, problems = read_frames(data)
    assert kept == [b"whole"]
    assert [problem.partition(": ")[2] or problem for problem in problems] == [
        "the end of a record that has no beginning",
        "the record before it has no end",
        "the file ends in the middle of a record",
    ]


# --- protobuf -------------------------------------------------------------------------------------

MESSAGE = message(
    {
        1: Field("int", "int"),
        2: Field("sint", "sint"),
        3: Field("double", "double"),
        4: Field("text", "string"),
        5: Field("flag", "bool"),
        600: Field("texts", "string", repeated=True),
        7: Field("inner", message({1: Field("int", "int")})),
    }
)


@given(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(),
    st.booleans(),
    st.lists(st.text(), min_size=1),
)
def test_fields_come_back(
    integer: int, zigzag: int, double: float, text: str, flag: bool, texts: list[str]
) -> None:
    data = (
        proto(
            (1, integer),
            (2, zigzag << 1 if zigzag >= 0 else ~(zigzag << 1)),
            (99, "unknown"),
            (98, 1.0),
            (3, double),
            (97, 2**63),
            (4, text),
            (5, int(flag)),
            *((600, part) for part in texts),
            (7, proto((1, integer))),
            (1, "another wire type"),
        )
        + varint(96 << 3 | 5)
        + b"four"
    )
    assert decode(MESSAGE, data) == {
        "int": integer,
        "sint": zigzag,
        "double": double,
        "text": text,
        "flag": flag,
        "texts": texts,
        "inner": {"int": integer},
    }


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",
        b"\x08\x80",
        b"\x08" + b"\x80" * 11,
        b"\x22",
        b"\x22\x05abc",
        b"\x19abc",
        b"\x0b",
        b"\x3a\x02\x08\x80\x00",  # the inner message ends within its number
    ],
)
def test_no_message(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(MESSAGE, data)


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_bytes_as_records(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes]
) -> None:
    read(tmp_path_factory.mktemp("any"), *records)


@settings(max_examples=200)
@given(st.data())
def test_any_bytes_inside_known_records(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    numbers = st.sampled_from([2, 3, 4, 5, 6, 11, 12, 13, 17, 18, 21])
    content = st.binary(max_size=40)
    nested = st.builds(lambda number, inner: proto((number, inner)), st.integers(1, 20), content)
    records = data.draw(st.lists(st.tuples(numbers, content | nested), max_size=4))
    read(tmp_path_factory.mktemp("any"), *(proto(record) for record in records))


# --- damage to a whole file -----------------------------------------------------------------------


def small_file(path: Path) -> Path:
    rows = [row(step, loss=step / 3, text="x" * 20) for step in range(8)]
    return log_file(
        path, HEADER, RUN, *rows, summary(item(["loss"], 1)), proto((18, proto((1, 2))))
    )


def test_cut_at_every_byte(tmp_path: Path) -> None:
    path = small_file(tmp_path / "run-x.wandb")
    whole, log = path.read_bytes(), read_wandb_log(path)
    assert (len(log.history), log.exit_code, log.problems) == (8, 2, [])
    before = 0
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        part = read_wandb_log(path)
        assert part.history == log.history[: len(part.history)]
        assert len(part.history) in {before, before + 1}, "a row that is whole is given"
        before = len(part.history)
        assert part.exit_code is None
        if size < len(FILE_HEADER):
            assert "the file ends within its header" in part.problems
    assert before == 8


def test_every_byte_damaged(tmp_path: Path) -> None:
    path = small_file(tmp_path / "run-x.wandb")
    whole, log = path.read_bytes(), read_wandb_log(path)
    for place in range(len(FILE_HEADER), len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        part = read_wandb_log(path)
        assert part.problems
        assert all(row in log.history for row in part.history)


# --- wandb itself ---------------------------------------------------------------------------------

needs_wandb = pytest.mark.skipif(
    importlib.util.find_spec("wandb") is None, reason="wandb is not installed"
)

SCRIPT = """
import wandb
run = wandb.init(project="p one", name="nm", notes="two\\nlines", tags=["a", "b"], group="g",
                 job_type="j", config={"lr": 0.1, "n": {"x": 1, "y": [1, 2]}, "none": None})
run.define_metric("val/*", step_metric="epoch", summary="min,max")
for i in range(3):
    run.log({"loss": 1.0 / (i + 1), "n": {"a": i, "b": {"c": i / 2}}, "s": "x", "none": None,
             "nan": float("nan"), "inf": float("-inf"), "l": [1, 2.5, "x", None], "b": True})
run.log({"p": 1}, commit=False)
run.log({"q": 2})
run.log({"val/a": 3.0, "epoch": 3}, step=10)
run.log({"val/b": 2.5}, step=10)
run.log({})
run.log({"big": 2**63 - 1, "long": "y" * 100_000, "u": "\\u00e9\\u2028\\U0001f600"})
run.config.update({"n": {"z": 1}}, allow_val_change=True)
run.config["later"] = {"w": 1}
run.tags += ("late",)
run.summary["best"] = 0.5
run.summary["d"] = {"x": {"y": 1}}
run.summary.d.x.w = 3
del run.summary["s"]
print("hello console")
run.finish(3)
"""


def without_clock(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in {"_runtime", "_timestamp"}}


@needs_wandb
@pytest.mark.slow
def test_what_wandb_writes(run_script: RunScript, tmp_path: Path) -> None:
    environment = {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_DIR": str(tmp_path)}
    run_script(SCRIPT, env=environment)
    [path] = (tmp_path / "wandb").glob("offline-run-*/run-*.wandb")
    log = read_wandb_log(path)

    assert log.problems == []
    assert path.name == f"run-{log.run_id}.wandb"
    assert (log.project, log.display_name, log.notes) == ("p one", "nm", "two\nlines")
    assert (log.tags, log.group, log.job_type) == (["a", "b", "late"], "g", "j")
    assert log.config == {"lr": 0.1, "n": {"z": 1}, "none": None, "later": {"w": 1}}
    assert log.exit_code == 3
    assert log.metrics == [
        {
            "glob_name": "val/*",
            "step_metric": "epoch",
            "step_sync": True,
            "summary": ["min", "max"],
        }
    ]
    assert [(line.stream, line.text) for line in log.console] == [("stdout", "hello console")]
    assert log.start_time is not None

    rows = [without_clock(row) for row in log.history]
    for number in range(3):
        assert math.isnan(rows[number].pop("nan"))
    assert rows[1] == {
        "_step": 1,
        "loss": 0.5,
        "n": {"a": 1, "b": {"c": 0.5}},
        "s": "x",
        "none": None,
        "inf": -math.inf,
        "l": [1, 2.5, "x", None],
        "b": True,
    }
    assert rows[3:] == [
        {"_step": 3, "p": 1, "q": 2},
        {"_step": 10, "val/a": 3, "val/b": 2.5, "epoch": 3},
        {"_step": 11, "big": 2**63 - 1, "long": "y" * 100_000, "u": "\u00e9\u2028\U0001f600"},
    ]
    found = without_clock(log.summary)
    assert math.isnan(found.pop("nan"))
    assert found.pop("_wandb").keys() == {"runtime"}
    assert "s" not in found
    assert (found["best"], found["d"]) == (0.5, {"x": {"y": 1, "w": 3}})
    assert (found["loss"], found["n"], found["_step"]) == (1 / 3, {"a": 2, "b": {"c": 1}}, 11)
    assert found["val/a"] == {"min": 3, "max": 3}

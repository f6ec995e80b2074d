"""TensorBoard's event files: read, imported, and logged while they grow.

The files are put together here from bytes, so that neither TensorBoard nor protobuf is needed.
"""

from __future__ import annotations

import importlib.util
import io
import itertools
import json
import math
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

import synadb.wandb_compat as wandb
from synadb import ExperimentTracker
from synadb.cli import main
from synadb.errors import NotALogError
from synadb.formats._events import MOST_BINS, decode_event, histogram_json, shortest
from synadb.formats._tfrecord import DamagedError, Tail, masked_crc, record
from synadb.formats.tensorboard import event_files, host_of, read, sources
from synadb.ops import EndRun, LogRow, LogRows, SetConfig, StartRun, UpdateRun

BEGUN = 1_700_000_000.0
NAME = "events.out.tfevents.1700000000.host.1.0"


# -- event files from bytes ------------------------------------------------------------------------


def varint(number: int) -> bytes:
    number %= 1 << 64
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number: int, value: Any) -> bytes:
    """A field: float as double, int as varint, str and bytes with their length."""
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def float32(number: int, value: float) -> bytes:
    return varint(number << 3 | 5) + struct.pack("<f", value)


def packed(number: int, values: list[float]) -> bytes:
    return field(number, struct.pack(f"<{len(values)}d", *values))


def plugin(name: str, content: bytes = b"") -> bytes:
    return field(9, field(1, field(1, name) + (field(2, content) if content else b"")))


def tensor(dtype: int, shape: list[int], rest: bytes) -> bytes:
    dims = b"".join(field(2, field(1, size)) for size in shape)
    return field(8, field(1, dtype) + field(2, dims) + rest)


def value(tag: str, rest: bytes) -> bytes:
    return field(1, field(1, tag) + rest)


def event(step: int, *values: bytes, at: float | None = None) -> bytes:
    moment = BEGUN + 1 + step if at is None else at
    return record(field(1, moment) + field(2, step) + field(5, b"".join(values)))


def scalar(step: int, tag: str, number: float) -> bytes:
    return event(step, value(tag, float32(2, number)))


def start(at: float = BEGUN) -> bytes:
    return record(field(1, at) + field(3, "brain.Event:2"))


def restart(step: int) -> bytes:
    return record(field(1, BEGUN) + field(2, step) + field(7, field(1, 1)))


def picture(format: str = "PNG", size: tuple[int, int] = (5, 4)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size).save(out, format)
    return out.getvalue()


def strings(items: list[bytes]) -> bytes:
    return b"".join(field(8, item) for item in items)


def hparams_events(values: dict[str, Any], status: int = 1) -> bytes:
    entries = b""
    for key, one in values.items():
        if isinstance(one, bool):
            inner = field(4, int(one))
        elif isinstance(one, str):
            inner = field(3, one)
        else:
            inner = field(2, float(one))
        entries += field(1, field(1, key) + field(2, inner))
    begun = value("_hparams_/session_start_info", plugin("hparams", field(3, entries)))
    ended = value("_hparams_/session_end_info", plugin("hparams", field(4, field(1, status))))
    return event(0, begun) + event(0, ended)


def write(folder: Path, *parts: bytes, name: str = NAME) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(b"".join(parts))
    return path


def rows_of(logdir: Path, **options: Any) -> dict[str, dict[int, Any]]:
    """tag -> step -> value of the one run of a log folder."""
    found: dict[str, dict[int, Any]] = {}
    for op in read(str(logdir), "p", **options):
        if isinstance(op, LogRows):
            column = np.frombuffer(op.columns[0], "<f8").tolist()
            found.setdefault(op.keys[0], {}).update(zip(op.steps, column, strict=True))
        elif isinstance(op, LogRow):
            for key, one in op.values.items():
                found.setdefault(key, {})[op.step] = one
    return found


# -- records ---------------------------------------------------------------------------------------


def test_the_checksum_is_castagnolis_masked() -> None:
    # The vectors of RFC 3720, masked.
    for data, crc in (
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ):
        assert masked_crc(data) == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@given(st.binary(max_size=3), st.integers(4000, 9000) | st.integers(65530, 70000))
@settings(max_examples=30)
def test_long_data_have_the_checksum_of_the_bytes_one_by_one(seed: bytes, size: int) -> None:
    data = (seed + bytes(range(256))) * (size // 256 + 1)
    crc = 0xFFFFFFFF
    for byte in data[:size]:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    assert masked_crc(data[:size]) == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_a_growing_file_gives_each_record_once_it_is_whole(tmp_path: Path) -> None:
    payloads = [b"", b"a", b"b" * 5000, os.urandom(3 << 20), b"end"]
    data = b"".join(map(record, payloads))
    path = tmp_path / "f"
    path.touch()
    found: list[bytes] = []
    with path.open("ab") as writer, path.open("rb") as reader:
        tail = Tail(reader)
        cuts = [*range(0, 5100, 97), *range(5100, len(data), 700_001), len(data)]
        for begin, end in itertools.pairwise(cuts):
            writer.write(data[begin:end])
            writer.flush()
            found += [payload for _, payload in tail.records()]
            whole = sum(end >= at for at in _ends(payloads))
            assert len(found) == whole
    assert found == payloads


def _ends(payloads: list[bytes]) -> list[int]:
    ends, at = [], 0
    for payload in payloads:
        at += len(record(payload))
        ends.append(at)
    return ends


def test_a_bad_record_is_named_and_can_be_skipped(tmp_path: Path) -> None:
    data = bytearray(record(b"one") + record(b"two") + record(b"three"))
    data[len(record(b"one")) + 13] ^= 1  # in the payload
    path = tmp_path / "f"
    path.write_bytes(data)
    with path.open("rb") as file:
        tail = Tail(file)
        found = []
        with pytest.raises(DamagedError) as raised:
            found += [payload for _, payload in tail.records()]
        assert raised.value.offset == len(record(b"one"))
        assert raised.value.following is not None
        tail.skip(raised.value.following)
        assert [payload for _, payload in tail.records()] == [b"three"]
        assert tail.rest() == 0


def test_a_length_that_is_nonsense_is_damage_and_nothing_is_allocated(tmp_path: Path) -> None:
    length = struct.pack("<Q", 1 << 62)
    path = tmp_path / "f"
    path.write_bytes(length + struct.pack("<I", masked_crc(length)) + b"x" * 100)
    with path.open("rb") as file:
        tail = Tail(file)
        assert list(tail.records()) == []  # as if the rest were still to come
        assert tail.rest() == 112
    path.write_bytes(length + b"nope" + b"x" * 100)
    with path.open("rb") as file, pytest.raises(DamagedError, match=r"byte 0: .*length"):
        list(Tail(file).records())


# -- values ----------------------------------------------------------------------------------------


def significant(number: float) -> int:
    """How many digits it takes to write a number, whatever zeros the place of the point adds."""
    return len(Decimal(repr(number)).normalize().as_tuple().digits)


@given(st.floats(width=32, allow_nan=False))
@example(99999997952.0)  # 1e+11, which as 100000000000.0 has more characters
def test_a_float32_is_the_shortest_number_that_means_it(number: float) -> None:
    short = shortest(number)
    assert struct.pack("<f", short) == struct.pack("<f", number)
    assert significant(short) <= significant(number)
    if math.isfinite(number):
        assert short == float(str(np.float32(number)))


def test_scalars_of_all_forms_and_types(tmp_path: Path) -> None:
    types: list[tuple[int, str, Any]] = [
        (1, "<f", 1.5),
        (2, "<d", 0.1),
        (3, "<i", -7),
        (4, "<B", 200),
        (5, "<h", -300),
        (6, "<b", -3),
        (9, "<q", 1 << 40),
        (10, "<?", True),
        (17, "<H", 60000),
        (19, "<e", 0.5),
        (22, "<I", 1 << 31),
        (23, "<Q", 1 << 53),
    ]
    parts = [start(), scalar(1, "plain", 0.1), scalar(2, "plain", math.nan)]
    for dtype, letter, number in types:
        content = tensor(dtype, [], field(4, struct.pack(letter, number)))
        parts.append(event(1, value(f"bytes{dtype}", content + plugin("scalars"))))
    # The other way: numbers in fields of their own, packed and not.
    parts += [
        event(1, value("half", tensor(19, [], field(13, varint(0x3800))) + plugin("scalars"))),
        event(1, value("bf", tensor(14, [], field(13, varint(0x3FC0))) + plugin("scalars"))),
        event(1, value("float", tensor(1, [1], float32(5, 0.25)) + plugin("scalars"))),
        event(1, value("double", tensor(2, [], packed(6, [0.7])) + plugin("scalars"))),
        event(1, value("int", tensor(3, [], field(7, -5)) + plugin("scalars"))),
        event(1, value("int64", tensor(9, [], field(10, varint(-6))) + plugin("scalars"))),
        event(1, value("uint64", tensor(23, [], field(17, (1 << 64) - 1)) + plugin("scalars"))),
        event(1, value("bool", tensor(10, [], field(11, 1)) + plugin("scalars"))),
        event(1, value("zero", tensor(1, [], b"") + plugin("scalars"))),
        # Only the first value of a tag says which plugin it is of.
        event(2, value("double", tensor(2, [], packed(6, [0.8])))),
        event(2, value("nobodys", tensor(2, [], packed(6, [0.8])))),
    ]
    write(tmp_path / "logs", *parts)
    found = rows_of(tmp_path / "logs")
    for dtype, _, number in types:
        assert found.pop(f"bytes{dtype}") == {1: float(number)}
    plain = found.pop("plain")
    assert plain[1] == 0.1
    assert math.isnan(plain[2])
    assert found == {
        "half": {1: 0.5},
        "bf": {1: 1.5},
        "float": {1: 0.25},
        "double": {1: 0.7, 2: 0.8},
        "int": {1: -5.0},
        "int64": {1: -6.0},
        "uint64": {1: float((1 << 64) - 1)},
        "bool": {1: 1.0},
        "zero": {1: 0.0},
    }


def test_histograms_of_both_forms(tmp_path: Path) -> None:
    def histo(least: float, limits: list[float], counts: list[float]) -> bytes:
        return field(5, field(1, least) + packed(6, limits) + packed(7, counts))

    rows = struct.pack("<6d", 0.0, 1.0, 5.0, 1.0, 2.0, 6.0)
    write(
        tmp_path / "logs",
        start(),
        event(1, value("empty first", histo(0.0, [1.0, 2.0, 4.0], [0.0, 3.0, 4.0]))),
        event(2, value("full first", histo(-1.0, [1.0, 2.0], [2.0, 3.0]))),
        event(3, value("tensor", tensor(2, [2, 3], field(4, rows)) + plugin("histograms"))),
        event(4, value("none", tensor(2, [0, 3], b"") + plugin("histograms"))),
        event(5, value("odd", histo(5.0, [1.0, 2.0], [2.0, 3.0]))),
        event(6, value("odder", histo(0.0, [1.0], [2.0, 3.0]))),
    )
    found = rows_of(tmp_path / "logs")
    assert found == {
        "empty first": {1: {"_type": "histogram", "values": [3.0, 4.0], "bins": [1.0, 2.0, 4.0]}},
        "full first": {2: {"_type": "histogram", "values": [2.0, 3.0], "bins": [-1.0, 1.0, 2.0]}},
        "tensor": {3: {"_type": "histogram", "values": [5.0, 6.0], "bins": [0.0, 1.0, 2.0]}},
    }


@given(
    st.integers(0, 1000),
    st.integers(MOST_BINS + 1, 3 * MOST_BINS),
    st.floats(-1e3, 1e3),
    st.floats(0.01, 10),
)
@settings(max_examples=25)
def test_a_histogram_with_fewer_bins_has_the_same_counts(
    seed: int, bins: int, begin: float, width: float
) -> None:
    counts = np.random.default_rng(seed).integers(0, 100, bins).astype(float).tolist()
    edges = [begin + width * number for number in range(len(counts) + 1)]
    made = histogram_json(edges, counts)
    assert made is not None
    assert len(made["values"]) == MOST_BINS
    assert (made["bins"][0], made["bins"][-1]) == (edges[0], edges[-1])
    assert made["bins"] == sorted(made["bins"])
    assert sum(made["values"]) == pytest.approx(sum(counts))
    middle = MOST_BINS // 2
    here = np.interp(made["bins"][middle], edges, [0, *np.cumsum(counts)])
    # What a new edge cuts goes to the bin on its left and the next one: never further.
    assert sum(made["values"][:middle]) == pytest.approx(here, abs=max(counts))


def test_media_texts_and_curves_are_in_the_run(tmp_path: Path) -> None:
    png, jpeg = picture(), picture("JPEG")
    image = field(4, field(1, 4) + field(2, 5) + field(4, png))
    many = tensor(7, [4], strings([b"5", b"4", jpeg, jpeg])) + plugin("images")
    wav = b"RIFF\x24\0\0\0WAVEfmt "
    curve = tensor(1, [2, 3], b"".join(float32(5, x) for x in (1.0, 0.5, 0.0, 0.0, 0.5, 1.0)))
    write(
        tmp_path / "logs",
        start(),
        event(1, value("images/one", image)),
        event(2, value("many", many)),
        event(3, value("sound", field(6, field(4, wav)))),
        event(4, value("note", tensor(7, [], strings([b"some *words*"])) + plugin("text"))),
        event(5, value("notes", tensor(7, [2], strings([b"a", b"b"])) + plugin("text"))),
        event(6, value("curve", curve + plugin("pr_curves"))),
        event(7, value("junk", field(4, field(4, b"junk")))),
        event(8, value("graph", plugin("graph_run_metadata", b"x"))),
    )
    assert main(["import", "tensorboard", str(tmp_path / "logs"), "--db", str(tmp_path / "d")]) == 0
    with ExperimentTracker(tmp_path / "d") as tracker:
        (run,) = tracker.list_runs()
        rows = {row["_step"]: row for row in tracker.rows(run.run_id)}
        one = rows[1]["images/one"]
        assert {key: one[key] for key in ("_type", "width", "height", "format", "count")} == {
            "_type": "images/separated",
            "width": 5,
            "height": 4,
            "format": "png",
            "count": 1,
        }
        assert tracker.open_file(run.run_id, one["filenames"][0]).read() == png
        assert rows[2]["many"]["count"] == 2
        assert rows[2]["many"]["format"] == "jpeg"
        assert tracker.open_file(run.run_id, rows[3]["sound"]["path"]).read() == wav
        assert rows[4]["note"] == "some *words*"
        assert rows[5]["notes"] == ["a", "b"]
        table = tracker.open_file(run.run_id, rows[6]["curve"]["path"]).read()
        assert json.loads(table) == {
            "columns": ["recall", "precision"],
            "data": [[0, 1], [0.5, 0.5], [1, 0]],
        }
        assert sorted(rows) == [1, 2, 3, 4, 5, 6]
        (problem,) = run.metadata["imported"]["problems"]
        assert "'junk' of step 7" in problem
        assert not tracker.check().problems


# -- the importer ----------------------------------------------------------------------------------


def bring(logdir: Path, db: Path, *more: str) -> int:
    return main(["import", "tensorboard", str(logdir), "--db", str(db), *more])


def test_a_folder_with_events_is_a_run(tmp_path: Path) -> None:
    write(tmp_path / "runs", start(), scalar(0, "loss", 3.0), scalar(10, "loss", 2.0))
    write(
        tmp_path / "runs" / "deep" / "b", start(), hparams_events({"lr": 0.1, "n": 3, "on": True})
    )
    write(tmp_path / "runs" / "c", start(), scalar(1, "x", 1.0), hparams_events({"s": "t"}, 2))
    (tmp_path / "runs" / "empty").mkdir()
    write(tmp_path / "runs" / "other", b"notes", name="notes.txt")
    assert bring(tmp_path / "runs", tmp_path / "d") == 0
    with ExperimentTracker(tmp_path / "d") as tracker:
        runs = {run.name: run for run in tracker.list_runs()}
        assert sorted(runs) == ["c", "deep/b", "runs"]
        assert {run.experiment for run in runs.values()} == {"runs"}
        assert runs["deep/b"].config == {"lr": 0.1, "n": 3, "on": True}
        assert type(runs["deep/b"].config["n"]) is int
        assert (runs["c"].state, runs["c"].exit_code) == ("failed", 1)
        top = runs["runs"]
        assert (top.state, top.created_at, top.ended_at) == ("finished", BEGUN, BEGUN + 11)
        series = tracker.get_metric(top.run_id, "loss")
        assert (series.steps.tolist(), series.values.tolist()) == ([0, 10], [3.0, 2.0])
        rows = list(tracker.rows(top.run_id))
        assert [row["_timestamp"] for row in rows] == [BEGUN + 1, BEGUN + 11]
        assert top.summary["loss"] == 2.0
        assert top.host == "host"
        assert not tracker.check().problems


def test_twice_is_the_same_as_once_and_a_run_that_has_grown_is_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "runs" / "a", start(), scalar(0, "loss", 3.0))
    write(tmp_path / "runs" / "b", start(), scalar(0, "loss", 4.0))
    assert bring(tmp_path / "runs", tmp_path / "d", "--json") == 0
    first = json.loads(capsys.readouterr().out)["runs"]
    assert [run["outcome"] for run in first] == ["new", "new"]
    with ExperimentTracker(tmp_path / "d") as tracker:
        before = tracker.list_runs()
        tracker._store.apply([UpdateRun(first[0]["run_id"], {"tags": ("mine",)})])
    assert bring(tmp_path / "runs", tmp_path / "d", "--json") == 0
    again = json.loads(capsys.readouterr().out)["runs"]
    assert [run["outcome"] for run in again] == ["known", "known"]
    with path.open("ab") as file:
        file.write(scalar(1, "loss", 2.0))
    os.rename(tmp_path / "runs", tmp_path / "moved")
    assert bring(tmp_path / "moved", tmp_path / "d", "--project", "runs") == 0
    with ExperimentTracker(tmp_path / "d") as tracker:
        after = tracker.list_runs()
        assert {run.run_id for run in after} == {run.run_id for run in before}
        grown = tracker.get_run(first[0]["run_id"])
        assert grown.summary["loss"] == 2.0
        assert list(grown.tags) == ["mine"]
        assert not tracker.check().problems


def test_a_training_that_went_back_replaces_what_it_had_written(tmp_path: Path) -> None:
    write(
        tmp_path / "logs",
        start(),
        *(scalar(step, "loss", float(step)) for step in range(6)),
        scalar(5, "gone", 1.0),
    )
    write(
        tmp_path / "logs",
        start(),
        restart(3),
        scalar(3, "loss", 30.0),
        scalar(4, "loss", 40.0),
        name="events.out.tfevents.1700000009.host.2.0",
    )
    assert rows_of(tmp_path / "logs") == {"loss": {0: 0.0, 1: 1.0, 2: 2.0, 3: 30.0, 4: 40.0}}


def test_the_last_value_of_a_step_counts(tmp_path: Path) -> None:
    write(tmp_path / "logs", start(), scalar(1, "x", 1.0), scalar(1, "x", 2.0), scalar(0, "x", 9.0))
    assert bring(tmp_path / "logs", tmp_path / "d") == 0
    with ExperimentTracker(tmp_path / "d") as tracker:
        series = tracker.get_metric(tracker.list_runs()[0].run_id, "x")
        assert (series.steps.tolist(), series.values.tolist()) == ([0, 1], [9.0, 2.0])


def test_one_file_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "logs", start(), scalar(1, "x", 1.0))
    write(tmp_path / "logs" / "below", start(), scalar(1, "x", 1.0))
    assert [source.origin for source in sources(str(path), "p")] == [str(tmp_path / "logs")]


def test_links_in_a_circle_are_followed_once(tmp_path: Path) -> None:
    write(tmp_path / "logs" / "a", start(), scalar(1, "x", 1.0))
    (tmp_path / "logs" / "a" / "up").symlink_to(tmp_path / "logs")
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path / "elsewhere", start(), scalar(1, "y", 1.0))
    (tmp_path / "logs" / "link").symlink_to(tmp_path / "elsewhere")
    origins = [Path(source.origin).name for source in sources(str(tmp_path / "logs"), "p")]
    assert origins == ["a", "link"]


def test_a_torn_end_is_imported_up_to_it_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "logs", start(), scalar(0, "x", 1.0), scalar(1, "x", 2.0))
    path.write_bytes(path.read_bytes()[:-3])
    assert bring(tmp_path / "logs", tmp_path / "d") == 0
    told = capsys.readouterr().err
    assert "the last record is not whole" in told
    assert NAME in told
    with ExperimentTracker(tmp_path / "d") as tracker:
        assert tracker.list_runs()[0].summary["x"] == 1.0


def test_a_damaged_file_is_refused_and_nothing_is_imported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "logs" / "a", start(), scalar(0, "x", 1.0))
    path = write(
        tmp_path / "logs" / "b",
        start(),
        scalar(0, "x", 1.0),
        scalar(1, "x", 2.0),
        scalar(2, "x", 3),
    )
    data = bytearray(path.read_bytes())
    at = len(start()) + len(scalar(0, "x", 1.0))
    data[at + 20] ^= 0x10
    path.write_bytes(data)
    assert bring(tmp_path / "logs", tmp_path / "d") == 1
    told = capsys.readouterr().err
    assert str(path) in told
    assert f"byte {at}" in told
    assert "--damaged" in told
    with ExperimentTracker(tmp_path / "d") as tracker:
        assert tracker.list_runs() == []
        assert not tracker.check().problems
    assert bring(tmp_path / "logs", tmp_path / "d", "--damaged") == 0
    assert "checksum" in capsys.readouterr().err
    with ExperimentTracker(tmp_path / "d") as tracker:
        runs = {run.name: run for run in tracker.list_runs()}
        steps = tracker.get_metric(runs["b"].run_id, "x").steps
        assert steps.tolist() == [0, 2]


def test_what_a_killed_import_has_left_is_replaced(tmp_path: Path) -> None:
    write(tmp_path / "logs", start(), scalar(0, "x", 1.0))
    (source,) = sources(str(tmp_path / "logs"), "logs")
    with ExperimentTracker(tmp_path / "d") as tracker:
        left = source.read(source.run_id + "~importing")
        tracker._store.apply(list(left.ops)[:-1])
    assert bring(tmp_path / "logs", tmp_path / "d") == 0
    with ExperimentTracker(tmp_path / "d") as tracker:
        (run,) = tracker.list_runs()
        assert (run.run_id, run.state) == (source.run_id, "finished")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"no event file at all, but a text", "is no event file"),
        (start()[:7], "ends within its first record"),
        (record(b"\xff\xff\xff"), "its first record is no event"),
        (record(b""), "its first record is no event"),
        (b"\0" * 4096, "is no event file"),
    ],
)
def test_foreign_and_empty_files_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, says: str
) -> None:
    write(tmp_path / "logs", content)
    assert bring(tmp_path / "logs", tmp_path / "d") == 1
    told = capsys.readouterr().err
    assert says in told
    assert not (tmp_path / "d").exists()


def test_folders_without_events_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").mkdir()
    write(tmp_path / "logs", b"", name="events.out.tfevents.1.h.profile-empty")
    (tmp_path / "file.txt").write_text("x")
    for name, says in (
        ("logs", "has no event files"),
        ("missing", "there is no folder"),
        ("file.txt", "is no event file"),
    ):
        assert bring(tmp_path / name, tmp_path / "d") == 1
        assert says in capsys.readouterr().err
    assert main(["import"]) == 2
    assert "tensorboard" in capsys.readouterr().out


def test_a_file_without_values_beside_others_is_no_error(tmp_path: Path) -> None:
    write(tmp_path / "logs" / "new", b"")
    write(tmp_path / "logs" / "a", start(), scalar(0, "x", 1.0))
    assert [Path(source.origin).name for source in sources(str(tmp_path / "logs"), "p")] == ["a"]


def test_tags_that_cannot_be_keys_are_said(tmp_path: Path) -> None:
    write(
        tmp_path / "logs", start(), scalar(0, "", 1.0), scalar(1, "_step", 1.0), scalar(2, "x", 1)
    )
    (source,) = sources(str(tmp_path / "logs"), "p")
    imported = source.read("id")
    assert len(imported.problems) == 2
    assert rows_of(tmp_path / "logs") == {"x": {2: 1.0}}


def whole_file() -> bytes:
    image = field(4, field(1, 4) + field(2, 5) + field(4, picture()))
    limits = field(5, field(1, -1.0) + packed(6, [1.0, 2.0]) + packed(7, [2.0, 3.0]))
    return b"".join(
        [
            start(),
            scalar(0, "loss", 0.5),
            event(1, value("h", limits), value("image", image)),
            event(2, value("t", tensor(2, [], packed(6, [0.7])) + plugin("scalars"))),
            event(2, value("note", tensor(7, [], strings([b"hi"])) + plugin("text"))),
            hparams_events({"lr": 0.1, "s": "x"}),
            restart(2),
            scalar(3, "loss", 0.25),
        ]
    )


WHOLE = whole_file()


@given(st.data())
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_files_cut_and_changed_anywhere_give_errors_of_ours_or_less(
    tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(WHOLE)
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[at] ^= data.draw(st.integers(1, 255))
    end = data.draw(st.integers(0, len(content)))
    write(tmp_path / "logs", bytes(content[:end]))
    allowed = {"loss", "h", "image", "t", "note"}
    for damaged in (False, True):
        try:
            found = rows_of(tmp_path / "logs", damaged=damaged)
        except NotALogError:
            continue
        assert set(found) <= allowed


@given(st.binary(max_size=200))
def test_any_payload_is_an_event_or_a_decode_error(payload: bytes) -> None:
    from synadb.formats._events import Plugins, ValueProblem, hparams, read_value
    from synadb.formats._protobuf import DecodeError

    try:
        found = decode_event(payload)
    except DecodeError:
        return
    for one in found.values:
        try:
            read_value(one, Plugins().of(one))
            hparams(one)
        except (ValueProblem, DecodeError):
            pass


@given(st.data())
@settings(max_examples=200)
def test_any_change_of_a_payload_is_read_or_refused(data: st.DataObject) -> None:
    """Checksums that fit do not make the content right: as writers with faults make it."""
    from synadb.formats._events import Plugins, ValueProblem, hparams, read_value
    from synadb.formats._protobuf import DecodeError

    payloads = [payload for _, payload in Tail(io.BytesIO(WHOLE)).records()]
    payload = bytearray(data.draw(st.sampled_from(payloads)))
    for at in data.draw(st.lists(st.integers(0, len(payload) - 1), max_size=3)):
        payload[at] = data.draw(st.integers(0, 255))
    try:
        for one in decode_event(bytes(payload)).values:
            try:
                for kind in ("", "scalars", "histograms", "images", "audio", "text", "pr_curves"):
                    read_value(one, kind)
            except ValueProblem:
                pass
            hparams(one)
            assert isinstance(Plugins().of(one), str)
    except DecodeError:
        pass


def test_ops_are_a_run_from_its_start_to_its_end(tmp_path: Path) -> None:
    write(tmp_path / "logs", WHOLE)
    ops = list(read(str(tmp_path / "logs"), "p"))
    assert isinstance(ops[0], StartRun)
    assert isinstance(ops[1], SetConfig)
    assert isinstance(ops[-1], EndRun)
    assert list(read(str(tmp_path / "logs"), "p")) == ops


def test_names_of_files() -> None:
    assert host_of("events.out.tfevents.1700000000.my.host.12.0") == "my.host"
    assert host_of("events.out.tfevents.1700000000.my.host.12.0.v2") == "my.host"
    assert host_of("events.out.tfevents.1700000000.vm") == "vm"
    assert host_of("events") == ""


def test_event_files_are_read_in_the_order_of_their_times(tmp_path: Path) -> None:
    for name in ("events.out.tfevents.2.h", "events.out.tfevents.1.h", "x", "a.tfevents.3.h"):
        write(tmp_path, b"", name=name)
    assert event_files(str(tmp_path)) == [
        "a.tfevents.3.h",
        "events.out.tfevents.1.h",
        "events.out.tfevents.2.h",
    ]
    assert event_files(str(tmp_path / "missing")) == []


# -- the live run ----------------------------------------------------------------------------------


class Writer:
    """A writer such as TensorBoard's, that tells the run where it writes."""

    count = 0

    def __init__(self, run: Any, logdir: Path, root: str = "", save: bool = True) -> None:
        run._tensorboard_callback(str(logdir), save=save, root_logdir=root)
        Writer.count += 1
        name = (
            f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}."
            f"{os.getpid()}.{Writer.count}"
        )
        self.path = write(logdir, start(), name=name)

    def add(self, *parts: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(b"".join(parts))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYNADB_PATH", str(tmp_path / "experiments.db"))
    monkeypatch.setenv("WANDB_SILENT", "true")
    yield tmp_path
    wandb.finish()
    wandb.tensorboard.unpatch()


def history(run: Any) -> list[dict[str, Any]]:
    with ExperimentTracker(run._tracker.path) as tracker:
        rows = list(tracker.rows(run._native.run_id))
    return [{k: v for k, v in row.items() if k not in ("_runtime", "_timestamp")} for row in rows]


def until(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.05)


def test_events_of_a_step_are_a_row_with_the_runs_own_step(place: Path) -> None:
    run = wandb.init(project="p")
    writer = Writer(run, place / "logs")
    run.log({"mine": 1})
    writer.add(scalar(0, "loss", 0.5), scalar(0, "lr", 0.1), scalar(7, "loss", 0.25))
    writer.add(event(7, value("late", float32(2, 3.0)), at=BEGUN + 99), scalar(2, "loss", 0.125))
    run.finish()
    assert history(run) == [
        {"_step": 0, "mine": 1},
        {"_step": 1, "loss": 0.5, "lr": 0.1, "global_step": 0},
        {"_step": 2, "loss": 0.25, "late": 3.0, "global_step": 7},
        {"_step": 3, "loss": 0.125, "global_step": 2},
    ]
    with ExperimentTracker(run._tracker.path) as tracker:
        times = [row["_timestamp"] for row in tracker.rows(run._native.run_id)]
        assert times[1:] == [BEGUN + 1, BEGUN + 99, BEGUN + 3]
        names = [file.name for file in tracker.list_files(run._native.run_id)]
        assert f"logs/{writer.path.name}" in names
        saved = tracker.open_file(run._native.run_id, f"logs/{writer.path.name}").read()
        assert saved == writer.path.read_bytes()


def test_rows_are_there_while_the_run_lives(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synadb.wandb_compat._tensorboard.POLL_SECONDS", 0.02)
    monkeypatch.setattr("synadb.wandb_compat._tensorboard.ROOT_SECONDS", 0.0)
    run = wandb.init(project="p")
    writer = Writer(run, place / "logs")
    writer.add(scalar(0, "loss", 0.5), scalar(1, "loss", 0.25)[:-5])
    time.sleep(0.2)
    assert run.step == 0  # a row ends with the first event of another step
    writer.add(scalar(1, "loss", 0.25)[-5:])
    until(lambda: run.step == 1)
    assert run.summary["loss"] == 0.5
    run.log({"between": 1})
    writer.add(scalar(2, "loss", 0.125))
    until(lambda: run.step == 3)
    run.log({"open": 1}, commit=False)
    writer.add(scalar(3, "loss", 0.0))
    until(lambda: run.step == 4)
    run.finish()
    assert history(run) == [
        {"_step": 0, "loss": 0.5, "global_step": 0},
        {"_step": 1, "between": 1},
        {"_step": 2, "loss": 0.25, "global_step": 1},
        {"_step": 3, "open": 1, "loss": 0.125, "global_step": 2},
        {"_step": 4, "loss": 0.0, "global_step": 3},
    ]


def test_several_folders_give_prefixes(place: Path) -> None:
    run = wandb.init(project="p")
    train, val = Writer(run, place / "logs/train"), Writer(run, place / "logs/val")
    train.add(scalar(0, "loss", 1.0))
    val.add(scalar(0, "loss", 2.0))
    run.finish()
    assert history(run) == [
        {"_step": 0, "train/loss": 1.0, "global_step": 0},
        {"_step": 1, "val/loss": 2.0, "global_step": 0},
    ]
    with ExperimentTracker(run._tracker.path) as tracker:
        names = {file.name for file in tracker.list_files(run._native.run_id)}
    assert {f"train/{train.path.name}", f"val/{val.path.name}"} <= names


def test_a_third_folder_does_not_change_the_prefixes_of_the_first_two(place: Path) -> None:
    """As `add_scalars` makes them, in folders below the writer's own."""
    run = wandb.init(project="p")
    folders = ("logs/a", "logs/a/grp_x", "logs/a/grp_y", "logs/b", "elsewhere")
    for number, folder in enumerate(folders):
        Writer(run, place / folder).add(scalar(0, f"key{number}", 1.0))
    run.finish()
    assert [key for row in history(run) for key in row if "key" in key] == [
        *("key0", "grp_x/key1", "grp_y/key2", "key3", "key4")
    ]


def test_a_folder_and_one_below_it(place: Path) -> None:
    # wandb's reader of the upper one reads the files of the lower one a second time.
    run = wandb.init(project="p")
    upper, lower = Writer(run, place / "logs"), Writer(run, place / "logs/val")
    upper.add(scalar(0, "loss", 1.0))
    lower.add(scalar(0, "loss", 2.0))
    run.finish()
    assert history(run) == [
        {"_step": 0, "loss": 1.0, "global_step": 0},
        {"_step": 1, "val/loss": 2.0, "global_step": 0},
    ]


def test_a_root_folder_can_be_given(place: Path) -> None:
    run = wandb.init(project="p")
    writer = Writer(run, place / "logs/a/train", root=str(place / "logs"), save=False)
    writer.add(scalar(0, "loss", 1.0))
    run.finish()
    assert history(run) == [{"_step": 0, "a/train/loss": 1.0, "global_step": 0}]
    with ExperimentTracker(run._tracker.path) as tracker:
        names = [file.name for file in tracker.list_files(run._native.run_id)]
    assert not [name for name in names if "tfevents" in name]


def test_two_writers_in_one_folder_and_files_of_others(place: Path) -> None:
    write(place / "logs", start(), scalar(0, "old", 1.0))  # of an earlier run
    run = wandb.init(project="p")
    first = Writer(run, place / "logs")
    second = Writer(run, place / "logs")
    first.add(scalar(0, "a", 1.0))
    second.add(scalar(0, "b", 2.0))
    first.add(scalar(1, "a", 3.0))
    run.finish()
    rows = history(run)
    assert [row.get("a") for row in rows if "a" in row] == [1.0, 3.0]
    assert [row.get("b") for row in rows if "b" in row] == [2.0]
    assert not [row for row in rows if "old" in row]
    # The next run of this process, within the same second.
    run = wandb.init(project="p")
    third = Writer(run, place / "logs")
    third.add(scalar(0, "c", 1.0))
    run.finish()
    assert history(run) == [{"_step": 0, "c": 1.0, "global_step": 0}]


def test_texts_audio_and_hyperparameters_are_in_the_run(place: Path) -> None:
    run = wandb.init(project="p", config={"lr": "mine"})
    writer = Writer(run, place / "logs")
    note = value("note", tensor(7, [], strings([b"words"])) + plugin("text"))
    sound = value("sound", field(6, field(4, b"RIFF")))
    image = value("image", field(4, field(1, 4) + field(2, 5) + field(4, picture())))
    writer.add(hparams_events({"lr": 0.1, "depth": 3}), event(0, note), event(0, image))
    writer.add(scalar(1, "loss", 0.5), event(2, sound))
    run.finish()
    rows = history(run)
    assert len(rows) == 3
    assert rows[0].pop("image")["count"] == 1
    assert rows[0] == {"_step": 0, "note": "words", "global_step": 0}
    assert rows[1] == {"_step": 1, "loss": 0.5, "global_step": 1}
    assert rows[2]["sound"]["_type"] == "audio-file"
    assert rows[2]["global_step"] == 2
    with ExperimentTracker(run._tracker.path) as tracker:
        config = tracker.get_run(run._native.run_id).config
        assert (config["lr"], config["depth"]) == ("mine", 3)
        path = rows[2]["sound"]["path"]
        assert tracker.open_file(run._native.run_id, path).read() == b"RIFF"
        assert not tracker.check().problems


def test_a_damaged_file_ends_with_a_warning(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_SILENT", "false")
    run = wandb.init(project="p")
    writer, other = Writer(run, place / "logs/a"), Writer(run, place / "logs/b")
    writer.add(scalar(0, "x", 1.0), b"\0" * 100, scalar(1, "x", 2.0))
    other.add(scalar(0, "x", 3.0))
    run.finish()
    assert f"{writer.path} is damaged" in capsys.readouterr().err
    assert history(run) == [
        {"_step": 0, "a/x": 1.0, "global_step": 0},
        {"_step": 1, "b/x": 3.0, "global_step": 0},
    ]


def test_a_deleted_folder_and_a_remote_one_do_no_harm(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_SILENT", "false")
    run = wandb.init(project="p")
    run._tensorboard_callback("s3://bucket/logs")
    assert "only those in local folders" in capsys.readouterr().err
    run._tensorboard_callback(str(place / "never made"))
    run.log({"a": 1})
    run.finish()
    assert history(run) == [{"_step": 0, "a": 1}]


def test_steps_are_not_the_scripts_while_writers_are_followed(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(wandb.patched, "tensorboard", [["a.module", "a writer"]])
    monkeypatch.setenv("WANDB_SILENT", "false")
    run = wandb.init(project="p")
    run.log({"a": 1})
    run.log({"b": 1}, step=7)
    run.log({"c": 1}, step=7)
    run.log({"d": 1}, step=3, commit=False)
    run.log({"e": 1}, commit=True)
    assert run.step == 4
    run.finish()
    assert "Step cannot be set when using tensorboard syncing" in capsys.readouterr().err
    assert history(run) == [
        {"_step": 0, "a": 1},
        {"_step": 1, "b": 1},
        {"_step": 2, "c": 1},
        {"_step": 3, "d": 1, "e": 1},
    ]


def test_patch_and_unpatch(place: Path) -> None:
    assert wandb.tensorboard is sys.modules["synadb.wandb_compat.integration.tensorboard"]
    assert wandb.patched["tensorboard"] == []
    hooked = [finder for finder in sys.meta_path if "_AfterImport" in type(finder).__name__]
    assert not hooked
    if not _has_writer():
        pytest.skip("no library with writers is installed")
    wandb.tensorboard.patch()
    assert wandb.patched["tensorboard"]
    with pytest.raises(ValueError, match="Tensorboard already patched"):
        wandb.tensorboard.patch()
    wandb.init(project="p", sync_tensorboard=True).finish()  # once is enough
    wandb.tensorboard.unpatch()
    assert wandb.patched["tensorboard"] == []
    assert not [finder for finder in sys.meta_path if "_AfterImport" in type(finder).__name__]


def _has_writer() -> bool:
    names = ("tensorboard", "torch", "tensorboardX", "tensorflow")
    return any(importlib.util.find_spec(name) for name in names)


FAKE = """
class EventFileWriter:
    def __init__(self, logdir, max_queue_size=10):
        import os, socket, time
        os.makedirs(logdir, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}"
        self.path = os.path.join(logdir, name)
        self.held = b""

    def flush(self):
        with open(self.path, "ab") as file:
            file.write(self.held)
        self.held = b""
"""


def run_script(place: Path, text: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(place), *filter(None, sys.path)])},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("when", ["before init", "after init", "before patch"])
def test_writers_are_found_whenever_their_module_is_imported(place: Path, when: str) -> None:
    """A library with the names of tensorboardX, which holds its events back."""
    (place / "tensorboardX").mkdir()
    (place / "tensorboardX/__init__.py").write_text("")
    (place / "tensorboardX/writer.py").write_text(FAKE)
    held = (start() + scalar(3, "loss", 0.5)).hex()
    imports = "from tensorboardX.writer import EventFileWriter\n"
    script = (
        "import sys\nimport synadb.wandb_compat as wandb\n"
        + (imports if when == "before init" else "")
        + (
            imports + "wandb.tensorboard.patch()\nrun = wandb.init(project='p')\n"
            if when == "before patch"
            else "run = wandb.init(project='p', sync_tensorboard=True)\n"
        )
        + ("assert 'tensorboardX' not in sys.modules\n" + imports if when == "after init" else "")
        + "writer = EventFileWriter('logs')\n"
        f"writer.held = bytes.fromhex({held!r})\n"
        "assert type(writer).__name__ == 'EventFileWriter'\n"
        "wandb.finish()\n"
        "wandb.tensorboard.unpatch()\n"
        "EventFileWriter('other')\n"
        "print({'torch', 'tensorboard', 'tensorflow', 'numpy', 'PIL'} & set(sys.modules))\n"
    )
    assert run_script(place, script).strip() == "set()"
    with ExperimentTracker(place / "experiments.db") as tracker:
        (run,) = tracker.list_runs()
        (row,) = tracker.rows(run.run_id)
        assert (row["loss"], row["global_step"]) == (0.5, 3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_childs_writer_is_followed_to_its_end(place: Path) -> None:
    (place / "tensorboardX").mkdir()
    (place / "tensorboardX/__init__.py").write_text("")
    (place / "tensorboardX/writer.py").write_text(FAKE)
    script = f"""
import multiprocessing
import synadb.wandb_compat as wandb
from tensorboardX.writer import EventFileWriter

def train(name):
    writer = EventFileWriter("logs/" + name)
    writer.held = bytes.fromhex({(start() + scalar(3, "loss", 0.5)).hex()!r})
    writer.flush()

wandb.tensorboard.patch(root_logdir="logs")
run = wandb.init(project="p")
child = multiprocessing.get_context("fork").Process(target=train, args=("child",))
child.start()
child.join()
train("parent")
run.finish()
"""
    run_script(place, script)
    with ExperimentTracker(place / "experiments.db") as tracker:
        (run,) = tracker.list_runs()
        rows = list(tracker.rows(run.run_id))
        assert [row.get("child/loss") for row in rows] == [0.5, None]
        assert [row.get("parent/loss") for row in rows] == [None, 0.5]
        assert not tracker.check().problems


def test_the_modules_have_wandbs_names() -> None:
    from synadb.wandb_compat.integration import tensorboard
    from synadb.wandb_compat.integration.tensorboard import log, monkeypatch, patch, unpatch

    assert tensorboard.log is log
    assert tensorboard.reset_state is log.reset_state
    assert tensorboard.tf_summary_to_dict is log.tf_summary_to_dict
    assert (monkeypatch.patch, monkeypatch.unpatch) == (patch, unpatch)
    assert monkeypatch.TENSORBOARD_X_MODULE == "tensorboardX.writer"


def test_a_summary_in_hand_becomes_a_dict() -> None:
    from synadb.wandb_compat.integration.tensorboard import tf_summary_to_dict

    limits = packed(6, [1.0, 2.0, 4.0]) + packed(7, [1.0, 3.0, 4.0])
    image = field(4, field(1, 4) + field(2, 5) + field(4, picture()))
    data = (
        value("loss", float32(2, 0.1))
        + value("vector", tensor(2, [2], packed(6, [1.0, 2.0])))
        + value("h", field(5, limits))
        + value("images/0", image)
        + value("images/1", image)
        + value("two", field(5, packed(6, [1.0]) + packed(7, [1.0])))
    )
    found = tf_summary_to_dict(data, namespace="n")
    assert found is not None
    assert found["n/loss"] == pytest.approx(0.1)
    assert found["n/vector"].tolist() == [1.0, 2.0]
    assert (found["n/h"].histogram, found["n/h"].bins) == ([1.0, 3.0, 4.0], [0.0, 1.0, 2.0, 3.0])
    assert [type(one) for one in found["n/images"]] == [wandb.Image, wandb.Image]
    assert "n/two" not in found
    assert tf_summary_to_dict(b"") is None
    assert tf_summary_to_dict([value("a", float32(2, 1.0)), value("b", float32(2, 2.0))]) == {
        "a": 1.0,
        "b": 2.0,
    }


# -- the libraries themselves, where they are ------------------------------------------------------


def test_torchs_writer(place: Path) -> None:
    pytest.importorskip("tensorboard")
    pytest.importorskip("torch")
    script = """
import synadb.wandb_compat as wandb
run = wandb.init(project="p", sync_tensorboard=True)
from torch.utils.tensorboard import SummaryWriter
writer = SummaryWriter("logs")
for step in range(3):
    writer.add_scalar("loss", step / 3, step)
run.finish()  # what the writer holds back is not lost
"""
    run_script(place, script)
    with ExperimentTracker(place / "experiments.db") as tracker:
        (run,) = tracker.list_runs()
        rows = list(tracker.rows(run.run_id))
    assert [row["loss"] for row in rows] == [0.0, 0.33333334, 0.6666667]
    assert [row["global_step"] for row in rows] == [0, 1, 2]


def test_tensorboardxs_writer(place: Path) -> None:
    pytest.importorskip("tensorboardX")
    script = """
import synadb.wandb_compat as wandb
from tensorboardX import SummaryWriter
run = wandb.init(project="p", sync_tensorboard=True)
writer = SummaryWriter("logs")
for step in range(3):
    writer.add_scalar("loss", step / 3, step)
run.finish()
"""
    run_script(place, script)
    with ExperimentTracker(place / "experiments.db") as tracker:
        (run,) = tracker.list_runs()
        rows = list(tracker.rows(run.run_id))
    assert [row["loss"] for row in rows] == [0.0, 0.33333334, 0.6666667]

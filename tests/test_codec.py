"""Property tests of the pure encoders."""

from __future__ import annotations

import contextlib
import json
import math
import struct
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synadb.errors import CorruptStoreError
from synadb.storage.codec import (
    decode_bytes,
    decode_column,
    decode_json,
    encode_column,
    encode_json,
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.sampled_from(["$float", "$dict", "\ud800"])
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.sampled_from(["$float", "$dict", "$x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b) or (math.isnan(a) and math.isnan(b))
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return bool(a == b)


@given(DOCUMENTS)
def test_documents_come_back_equal_and_of_the_same_type(document: Any) -> None:
    text = encode_json(document)
    assert same(decode_json(text), document)
    text.encode()


@given(DOCUMENTS)
def test_documents_are_standard_json(document: Any) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    json.loads(encode_json(document), parse_constant=refuse)


@given(st.lists(st.floats(), min_size=1))
def test_floats(values: list[float]) -> None:
    data = array("d", values).tobytes()
    encoded = encode_column(data, 8)
    assert decode_column(encoded, "d", len(values)).tobytes() == data
    assert decode_bytes(encoded, "d", len(values)) == data


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1), st.booleans())
def test_integers(values: list[int], delta: bool) -> None:
    data = array("q", values).tobytes()
    encoded = encode_column(data, 8, delta=delta)
    assert decode_column(encoded, "q", len(values)).tobytes() == data
    assert decode_bytes(encoded, "q", len(values)) == data


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**62), 2**62), st.integers(1, 50))
def test_regular_steps(first: int, step: int, n: int) -> None:
    values = [first + step * i for i in range(n)]
    values = [value for value in values if -(2**63) <= value < 2**63]
    data = array("q", values).tobytes()
    decoded = decode_column(encode_column(data, 8, delta=True), "q", len(values))
    assert decoded.tolist() == values


@given(st.lists(st.booleans(), min_size=1))
def test_bools(values: list[bool]) -> None:
    encoded = encode_column(bytes(values), 1)
    assert decode_column(encoded, "?", len(values)).tolist() == values
    assert list(decode_bytes(encoded, "?", len(values))) == values


def test_regular_steps_take_almost_nothing() -> None:
    data = array("q", range(100, 65636)).tobytes()
    assert len(encode_column(data, 8, delta=True)) < 600


def test_float32_values_take_half() -> None:
    import random

    source = random.Random(1)
    values = [struct.unpack("f", struct.pack("f", source.random()))[0] for _ in range(10_000)]
    assert len(encode_column(array("d", values).tobytes(), 8)) < 4 * 10_000


@given(st.binary(max_size=64), st.integers(1, 5), st.sampled_from("dq?"))
def test_damaged_columns_are_an_error_or_numbers(blob: bytes, n: int, kind: str) -> None:
    with contextlib.suppress(CorruptStoreError):
        assert len(decode_column(blob, kind, n)) == n


def test_a_column_of_the_wrong_length_is_refused() -> None:
    blob = encode_column(array("d", [1.0, 2.0, 3.0]).tobytes(), 8)
    with pytest.raises(CorruptStoreError):
        decode_column(blob, "d", 2)

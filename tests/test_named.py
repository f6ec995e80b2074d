"""`synadb.named.NamedTuple` does as the one of `typing`."""

from __future__ import annotations

import copy
import pickle
import typing
from typing import Any

import pytest

from synadb.named import NamedTuple


class Ours(NamedTuple):
    """A point."""

    x: int
    y: float = 2.0
    tags: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """x and y together."""
        return self.x + self.y


class Theirs(typing.NamedTuple):
    """A point."""

    x: int
    y: float = 2.0
    tags: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """x and y together."""
        return self.x + self.y


CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1,), {}),
    ((1, 3.0, ("a",)), {}),
    ((), {"x": 1, "tags": ("b",)}),
    ((1,), {"y": 4.0}),
    ((), {}),
    ((1, 2, (), 4), {}),
    ((1,), {"x": 2}),
    ((1,), {"z": 2}),
    ((1, 2.0, ()), {"y": 3.0}),
]


@pytest.mark.parametrize(("args", "named"), CALLS)
def test_it_is_made_alike(args: tuple[Any, ...], named: dict[str, Any]) -> None:
    try:
        theirs = Theirs(*args, **named)
    except TypeError:
        with pytest.raises(TypeError, match="Ours"):
            Ours(*args, **named)
        return
    ours = Ours(*args, **named)
    assert ours == tuple(theirs)
    assert hash(ours) == hash(theirs)
    assert (ours.x, ours.y, ours.tags, ours.total) == (
        theirs.x,
        theirs.y,
        theirs.tags,
        theirs.total,
    )
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert ours._asdict() == theirs._asdict()
    assert tuple(ours._replace(y=9.0)) == tuple(theirs._replace(y=9.0))
    assert Ours._make(ours) == ours
    assert Ours._fields == Theirs._fields
    for copied in (pickle.loads(pickle.dumps(ours)), copy.deepcopy(ours)):
        assert type(copied) is Ours
        assert copied == ours


def test_it_is_frozen() -> None:
    ours = Ours(1)
    for name in ("x", "other"):
        with pytest.raises(AttributeError):
            setattr(ours, name, 2)
    match ours:
        case Ours(x, y, _):
            assert (x, y) == (1, 2.0)

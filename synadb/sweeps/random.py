"""Random search: independent draws, for ever."""

from __future__ import annotations

import random
from typing import Any

from synadb.sweeps.space import Space

__all__ = ["suggest"]


def suggest(space: Space, rng: random.Random) -> dict[str, Any]:
    """The config of the next trial. Draws are independent: discrete values repeat, as W&B's do."""
    return space.build(space.draw(rng))

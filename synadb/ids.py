"""Run ids and readable names."""

from __future__ import annotations

import os

__all__ = ["generate_id", "generate_name"]

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_ADJECTIVE_TEXT = """\
amber bold brisk calm clear crisp deep eager early fair fresh gentle golden grand happy keen
kind light lively lucky mellow misty noble proud quiet rapid silent silver smooth solar stellar
sunny swift vivid warm wild wise young
"""
_NOUN_TEXT = """\
aspen bay breeze brook canyon cedar cloud comet dawn dune falcon fern field fjord forest galaxy
grove harbor hill island lake leaf meadow moon mountain oak ocean pine planet prairie rain reef
river sea sky sparrow star stone stream sun tide valley wave wind
"""
_ADJECTIVES = tuple(_ADJECTIVE_TEXT.split())
_NOUNS = tuple(_NOUN_TEXT.split())


def generate_id(length: int = 8) -> str:
    """A random id of `length` characters from a-z and 0-9."""
    number = int.from_bytes(os.urandom(length + 8), "little")
    letters = []
    for _ in range(length):
        number, index = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[index])
    return "".join(letters)


def generate_name(number: int) -> str:
    """A readable name, `adjective-noun-N`; `number` counts the runs of the experiment."""
    first, second = os.urandom(2)
    adjective, noun = _ADJECTIVES[first % len(_ADJECTIVES)], _NOUNS[second % len(_NOUNS)]
    return f"{adjective}-{noun}-{number}"

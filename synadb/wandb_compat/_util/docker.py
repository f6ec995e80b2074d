"""Names of images, and the command lines of `docker run`."""

from __future__ import annotations

import re

__all__ = [
    "DOCKER_IMAGE_NAME_SEPARATOR",
    "RE_DOCKER_IMAGE_NAME_CHARS",
    "RE_DOCKER_IMAGE_NAME_SEPARATOR_END",
    "RE_DOCKER_IMAGE_NAME_SEPARATOR_REPEAT",
    "RE_DOCKER_IMAGE_NAME_SEPARATOR_START",
    "docker_image_regex",
    "image_from_docker_args",
    "image_id_from_k8s",
    "make_docker_image_name_safe",
]

DOCKER_IMAGE_NAME_SEPARATOR = "(?:__|[._]|[-]+)"
RE_DOCKER_IMAGE_NAME_SEPARATOR_START = re.compile(f"^{DOCKER_IMAGE_NAME_SEPARATOR}")
RE_DOCKER_IMAGE_NAME_SEPARATOR_END = re.compile(f"{DOCKER_IMAGE_NAME_SEPARATOR}$")
RE_DOCKER_IMAGE_NAME_SEPARATOR_REPEAT = re.compile(f"{DOCKER_IMAGE_NAME_SEPARATOR}{{2,}}")
RE_DOCKER_IMAGE_NAME_CHARS = re.compile(r"[^a-z0-9._\-]")

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_PART = "(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)?"
# What looks like a host is a registry or a user; then the name, then the tag.
_IMAGE = re.compile(
    rf"(?:{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?/)?"
    rf"({_PART}(?:/{_PART})*)"
    "(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?"
)
# Options of `docker run` that take no value.
_SWITCHES = frozenset(
    (
        *("--detach", "--disable-content-trust", "--help", "--init", "--interactive"),
        *("--no-healthcheck", "--oom-kill-disable", "--privileged", "--publish-all"),
        *("--read-only", "--rm", "--sig-proxy", "--tty"),
    )
)
_SHORT_SWITCHES = re.compile("-[dPit]+")


def docker_image_regex(image: str) -> re.Match[str] | None:
    """The match of a name of an image, whose group is the name without registry and tag."""
    return _IMAGE.fullmatch(image) if image else None


def image_from_docker_args(args: list[str]) -> str | None:
    """The image among the arguments of `docker run`: the first word that can be one."""
    takes_value = False
    for number, word in enumerate(args):
        if number == 0 and word == "run":
            continue
        if word.startswith("-"):
            is_switch = word in _SWITCHES or _SHORT_SWITCHES.fullmatch(word) is not None
            takes_value = "=" not in word and not is_switch
        elif takes_value:
            takes_value = False
        else:
            return word if docker_image_regex(word) else None
    return None


def make_docker_image_name_safe(name: str) -> str:
    """`name` as an image may be called: small letters, digits and single separators."""
    safe = RE_DOCKER_IMAGE_NAME_CHARS.sub("__", name.lower())
    safe = RE_DOCKER_IMAGE_NAME_SEPARATOR_REPEAT.sub("__", safe)
    safe = RE_DOCKER_IMAGE_NAME_SEPARATOR_START.sub("", safe)
    safe = RE_DOCKER_IMAGE_NAME_SEPARATOR_END.sub("", safe)
    return safe or "image"


def image_id_from_k8s() -> str | None:
    """None: the cluster is not asked over the network which image this is."""
    return None

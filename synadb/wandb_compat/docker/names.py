"""`wandb.docker.names`: which registry a name of an image is of."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute

__all__ = [
    "InvalidRepositoryError",
    "convert_to_hostname",
    "resolve_index_name",
    "resolve_repository_name",
    "split_repo_name",
]

INDEX_NAME = "docker.io"


class InvalidRepositoryError(Exception):
    """A name of an image that makes no sense."""


def resolve_repository_name(repo_name: str) -> tuple[str, str]:
    """The registry, and the name in it; InvalidRepositoryError for an address."""
    if "://" in repo_name:
        raise InvalidRepositoryError(f"{repo_name!r}: a name of an image has no scheme")
    index_name, remote_name = split_repo_name(repo_name)
    if index_name.startswith("-") or index_name.endswith("-"):
        raise InvalidRepositoryError(f"{index_name!r}: a registry begins and ends with no hyphen")
    return resolve_index_name(index_name), remote_name


def resolve_index_name(index_name: str) -> str:
    """The host of a registry; Docker's own under one name."""
    host = convert_to_hostname(index_name)
    return INDEX_NAME if host == f"index.{INDEX_NAME}" else host


def split_repo_name(repo_name: str) -> tuple[str, str]:
    """The registry, Docker's own if there is none, and the rest."""
    first, slash, rest = repo_name.partition("/")
    if slash and (first == "localhost" or "." in first or ":" in first):
        return first, rest
    return INDEX_NAME, repo_name


def convert_to_hostname(url: str) -> str:
    """The host of an address, with its port."""
    return url.replace("http://", "").replace("https://", "").partition("/")[0]


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)

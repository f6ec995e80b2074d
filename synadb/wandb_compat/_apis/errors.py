"""What the Api raises, and how other errors become wandb's."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

from synadb.errors import SynaDBError
from synadb.wandb_compat.errors import CommError, Error, UnsupportedError

__all__ = [
    "NotFoundError",
    "RunNotFoundError",
    "no_attribute",
    "normalize_exceptions",
    "not_here",
    "unsupported",
]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class NotFoundError(CommError, ValueError):
    """What a path names is not there; some scripts catch the one class, some the other."""


class RunNotFoundError(NotFoundError):
    """There is no such run."""


def normalize_exceptions(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a function of the Api raise wandb's errors: a CommError for whatever went wrong."""

    @wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return function(*args, **kwargs)
        except Error:
            raise
        except (SynaDBError, ValueError, TypeError, LookupError, OSError) as error:
            raise CommError(str(error), error) from error

    return call


def unsupported(call: str, reason: str) -> NoReturn:
    """Raise the error of a call that wandb's service answers and a local file cannot."""
    raise UnsupportedError(f"{call} is not supported by SynaDB: {reason}")


def no_attribute(owner: str, name: str) -> AttributeError:
    """The error for an attribute that is not there."""
    return AttributeError(f"{owner} has no attribute {name!r}", name=name)


def not_here(call: str, reason: str) -> Callable[..., Any]:
    """A method that raises `unsupported`."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        unsupported(call, reason)

    method.__name__ = call.rpartition(".")[2].removesuffix("()")
    method.__doc__ = f"Not supported: {reason}."
    return method

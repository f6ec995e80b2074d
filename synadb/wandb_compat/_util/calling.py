"""Calls in threads of their own, and queues."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from queue import Queue
    from threading import Thread

__all__ = ["async_call", "read_many_from_queue"]

T = TypeVar("T")


def async_call(
    target: Callable[..., T], timeout: float | None = None
) -> Callable[..., tuple[T | None, Thread]]:
    """`target`, to be called in a thread of its own, for which at most `timeout` s are waited.

    The function returns what `target` returned, or None when it has not yet, and the thread. What
    `target` raises in that time is raised.
    """
    import threading

    @functools.wraps(target)
    def call(*args: Any, **kwargs: Any) -> tuple[T | None, Thread]:
        returned: list[T] = []
        raised: list[BaseException] = []

        def run() -> None:
            try:
                returned.append(target(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - raised again by the caller's thread
                raised.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(timeout)
        if raised:
            raise raised[0]
        return (returned[0] if returned else None), thread

    return call


def read_many_from_queue(q: Queue[T], max_items: int, queue_timeout: float) -> list[T]:
    """What is in a queue, waiting for the first item only; at most `max_items` after it."""
    from queue import Empty

    found: list[T] = []
    try:
        found.append(q.get(timeout=queue_timeout))
        while len(found) <= max_items:
            found.append(q.get_nowait())
    except Empty:
        pass
    return found

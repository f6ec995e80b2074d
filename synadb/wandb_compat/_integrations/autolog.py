"""`autolog` of several libraries: each call of them is logged, or it is said that it is not."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.library import library, not_local
from synadb.wandb_compat._term import termwarn

__all__ = ["AutologAPI", "Silent"]

# Arguments, keyword arguments, result, start and duration of a call -> what to log, or None.
Resolver = Callable[[Sequence[Any], dict[str, Any], Any, float, float], dict[str, Any] | None]


class AutologAPI:
    """Logs what some functions of a library are called with and give back.

    Call it to begin: with no active run it starts one, and with `init`, arguments of `wandb.init`,
    it always does. `disable` ends it, and finishes a run that it has started.
    """

    def __init__(
        self,
        name: str,
        symbols: Sequence[str],
        resolver: Resolver,
        telemetry_feature: str | None = None,
    ) -> None:
        self._name = name
        self._symbols = symbols
        self._resolver = resolver
        self._originals: dict[str, Any] = {}
        self._run: Any = None
        self._own_run = False

    def __call__(self, init: Mapping[str, Any] | None = None) -> None:
        """The same as `enable`."""
        self.enable(init=init)

    def enable(self, init: Mapping[str, Any] | None = None) -> None:
        """Log from now on."""
        module = library(self._name.lower(), f"wandb.integration's autolog for {self._name}")
        self.disable()
        before = wandb.run
        self._run = wandb.init(**init) if init else before or wandb.init()
        self._own_run = self._run is not before
        for symbol in self._symbols:
            owner, name = self._place(module, symbol)
            if owner is not None and hasattr(owner, name):
                original = getattr(owner, name)
                self._originals[symbol] = original
                setattr(owner, name, self._logging(original))

    def disable(self) -> None:
        """Log no longer."""
        if self._run is None:
            return
        run, self._run = self._run, None
        module = library(self._name.lower(), f"wandb.integration's autolog for {self._name}")
        for symbol, original in self._originals.items():
            owner, name = self._place(module, symbol)
            setattr(owner, name, original)
        self._originals.clear()
        if self._own_run:
            run.finish()

    @staticmethod
    def _place(module: Any, symbol: str) -> tuple[Any, str]:
        """The object that has the function, or None, and its name there."""
        *path, name = symbol.split(".")
        return reduce(lambda owner, part: getattr(owner, part, None), path, module), name

    def _logging(self, original: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(original):

            @functools.wraps(original)
            async def call_async(*args: Any, **kwargs: Any) -> Any:
                start = time.time()
                waiting: Awaitable[Any] = original(*args, **kwargs)
                result = await waiting
                self._log(args, kwargs, result, start)
                return result

            return call_async

        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            start = time.time()
            result = original(*args, **kwargs)
            self._log(args, kwargs, result, start)
            return result

        return call

    def _log(self, args: Sequence[Any], kwargs: dict[str, Any], result: Any, start: float) -> None:
        try:
            row = self._resolver(args, kwargs, result, start, time.time() - start)
            if row is not None:
                self._run.log(row)
        except Exception as error:  # noqa: BLE001 - a call of the user's must not fail for the log
            termwarn(f"autolog: a call of {self._name} was not logged: {error}", repeat=False)


class Silent:
    """An `autolog` for which there is nothing to do: it says so once."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, init: Mapping[str, Any] | None = None) -> None:
        """The same as `enable`."""
        self.enable(init=init)

    def enable(self, init: Mapping[str, Any] | None = None) -> None:
        """Log nothing."""
        not_local(
            f"wandb.integration.{self._name}.autolog",
            "which does not look into calls of this library; log what matters with wandb.log",
        )

    def disable(self) -> None:
        """Go on logging nothing."""

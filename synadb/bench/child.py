"""Runs a script as `python SCRIPT ARGS` would, and writes down what its calls to wandb take.

    python child.py OUT SCRIPT [ARGS ...]

This file is started by path, once under real wandb and once under SynaDB, and does the same on
both sides: whatever `wandb` turns out to be, the first import of it is timed, and `wandb.init` and
the run class's `log`, `finish` and `__exit__` are wrapped. A wrapper reads the clock twice and
stores a number. That is a fraction of a microsecond a call, the same on both sides, and about half
of it is inside the time that is noted. Calls in other processes than the first are not timed.

Nothing but what the interpreter has loaded anyway is imported here. A module that wandb or SynaDB
would have to load by itself would make its import look cheaper than it is. That is why the result
is written as a Python literal and not as JSON:

    OUT       {"import": ns or None, "inits": [ns, ...], "finishes": [ns, ...],
               "started": ns, "ended": ns, "folders": [...], "version": wandb.__version__,
               "called": {name: count, ...}, "said": [...], "refused": [...],
               "threads": count, "others": bool, "scaled": bool}
    OUT.log   the time of each log call: native 64-bit integers, nanoseconds

`started` and `ended` are `time.monotonic_ns()` around the script itself, comparable with the
clock of the process that started this one. `folders` is where real wandb put each run.

Under SynaDB it is noted, too, what the script used that has no effect there, or only a part of
wandb's: calls of the functions that OUT.watch names (`called`), what SynaDB said of its own accord
to have no effect (`said`), names and calls that it refused, and whether it has scaled numbers to
the colors of a picture. `threads` is how many have called `log`, on either side, and `others`
whether the script has started processes. OUT.watch has a line for each
function, made by `watched`: module, function, argument and its place or nothing, and the name.

Python's and numpy's global generators start from a fixed seed, so that a script that draws random
numbers without a seed of its own draws the same ones on both sides.
"""

from __future__ import annotations

import atexit
import mmap
import os
import sys
from _thread import get_ident
from itertools import count
from time import monotonic_ns, perf_counter_ns

TYPE_CHECKING = False  # `typing` itself is one of the modules that are slow to load
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any


class Durations:
    """A growing column of numbers that costs next to nothing to add to.

    A list would make an object a call, 40 bytes on each side, and the array module loads
    `collections`, which then would be missing in the import that is timed.
    """

    _ROOM = 1 << 20

    def __init__(self) -> None:
        size = 8 * self._ROOM
        # Pages that are not touched take no memory. Private: a fork must not write into it.
        private = {} if sys.platform == "win32" else {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANON}
        self.slots = memoryview(mmap.mmap(-1, size, **private)).cast("q")
        self.next_slot = count().__next__  # one step, whatever threads there are
        self.more: list[int] = []  # where the slots were not enough

    def to_bytes(self) -> bytes:
        """Return all as native 64-bit integers."""
        used = min(self.next_slot(), self._ROOM)
        more = b"".join(number.to_bytes(8, sys.byteorder) for number in self.more)
        return bytes(self.slots[:used]) + more


class Timings:
    """What is noted, in nanoseconds."""

    def __init__(self) -> None:
        self.importing: int | None = None
        self.inits: list[int] = []
        self.finishes: list[int] = []
        self.logs = Durations()
        self.started = 0
        self.ended = 0
        self.folders: list[str] = []
        self.version = ""
        self.called: dict[str, int] = {}
        self.said: list[str] = []
        self.refused: list[str] = []
        self.threads: set[int] = set()
        self.others = False
        self.scaled = False

    def write(self, path: str) -> None:
        """Write both files."""
        with open(path + ".log", "wb") as file:
            file.write(self.logs.to_bytes())
        result = {
            "import": self.importing,
            "inits": self.inits,
            "finishes": self.finishes,
            "started": self.started,
            "ended": self.ended,
            "folders": self.folders,
            "version": self.version,
            "called": self.called,
            "said": self.said,
            "refused": self.refused,
            "threads": len(self.threads),
            "others": self.others,
            "scaled": self.scaled,
        }
        # Under another name first: whoever reads it finds all of it or nothing.
        with open(path + ".part", "w", encoding="utf-8") as text:
            text.write(repr(result))
        os.replace(path + ".part", path)


class AfterImport:
    """A finder that lets others find a module, and calls functions when it has been imported."""

    def __init__(self, hooks: dict[str, list[Callable[[ModuleType, int], None]]]) -> None:
        self._hooks = hooks

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module that has a hook, the first time; anything else is left to the others."""
        hooks = self._hooks.pop(name, None)
        if hooks is None:
            return None
        start = perf_counter_ns()
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                _call_after(spec, hooks, start)
                return spec
        return None


def _call_after(
    spec: ModuleSpec, hooks: list[Callable[[ModuleType, int], None]], start: int
) -> None:
    # The loader stays the object it is, since others look at it, and gets its own method back.
    loader: Any = spec.loader
    execute = getattr(loader, "exec_module", None)
    if execute is None:
        return

    def exec_module(module: ModuleType) -> None:
        del loader.exec_module
        execute(module)
        took = perf_counter_ns() - start
        for hook in hooks:
            # SynaDB's stand-in puts another module in its own place.
            hook(sys.modules.get(spec.name, module), took)

    loader.exec_module = exec_module


def _wrap_module(timings: Timings, module: Any, took: int) -> None:
    timings.importing = took
    timings.version = str(getattr(module, "__version__", ""))
    init = getattr(module, "init", None)
    if init is None:  # a folder ./wandb of run files, which imports as an empty package
        return

    def timed_init(*args: Any, **kwargs: Any) -> Any:
        start = perf_counter_ns()
        run = init(*args, **kwargs)
        timings.inits.append(perf_counter_ns() - start)
        # `dir=` of init wins over WANDB_DIR: only wandb knows where its file is.
        if type(run).__module__.startswith("wandb."):
            timings.folders.append(os.path.dirname(str(run.dir)))
        return run

    module.init = _named(timed_init, init)


def _wrap_run_class(timings: Timings, module: Any, _took: int) -> None:
    run_class = module.Run
    log = run_class.log
    slots, next_slot, more = timings.logs.slots, timings.logs.next_slot, timings.logs.more
    clock, saw = perf_counter_ns, timings.threads.add

    def timed_log(self: Any, *args: Any, **kwargs: Any) -> Any:
        start = clock()
        result = log(self, *args, **kwargs)
        took = clock() - start
        try:
            slots[next_slot()] = took
        except IndexError:
            more.append(took)
        saw(get_ident())
        return result

    run_class.log = _named(timed_log, log)
    inside: list[bool] = []  # whichever of the two calls the other, it is one finish
    for name in ("finish", "__exit__"):
        if hasattr(run_class, name):
            wrapped = _timed_finish(timings, getattr(run_class, name), inside)
            setattr(run_class, name, wrapped)


def _timed_finish(timings: Timings, finish: Any, inside: list[bool]) -> Any:
    def timed_finish(self: Any, *args: Any, **kwargs: Any) -> Any:
        if inside:
            return finish(self, *args, **kwargs)
        inside.append(True)
        start = perf_counter_ns()
        try:
            return finish(self, *args, **kwargs)
        finally:
            timings.finishes.append(perf_counter_ns() - start)
            inside.clear()

    return _named(timed_finish, finish)


def _named(wrapper: Any, wrapped: Any) -> Any:
    """Do what functools.wraps does; that module is not loaded yet."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(wrapper, name, getattr(wrapped, name, None))
    wrapper.__wrapped__ = wrapped
    return wrapper


def _watch(
    timings: Timings, path: str, hooks: dict[str, list[Callable[[ModuleType, int], None]]]
) -> None:
    """Let calls of the functions that the file names be noted, and what SynaDB says of others."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        module, function, argument, place, name = line.split("\t")
        given = (argument, int(place)) if argument else None
        hooks.setdefault(module, []).append(_noting(timings, function, given, name))
    for module, wrap in (
        ("synadb.wandb_compat._term", _wrap_terminal),
        ("synadb.wandb_compat._surface", _wrap_surface),
        ("synadb.wandb_compat._apis.errors", _wrap_refusal),
        ("synadb.media.image", _wrap_scaling),
    ):
        hooks.setdefault(module, []).append(wrap(timings))


def _noting(
    timings: Timings, function: str, argument: tuple[str, int] | None, name: str
) -> Callable[[ModuleType, int], None]:
    def note(owner: Any, _took: int) -> None:
        if not function:  # the module itself is what has no effect
            timings.called[name] = 1
            return
        *path, last = function.split(".")
        for part in path:
            owner = getattr(owner, part)
        setattr(owner, last, _noted(timings, name, argument, getattr(owner, last)))

    return note


def _noted(timings: Timings, name: str, argument: tuple[str, int] | None, wrapped: Any) -> Any:
    def noted(*args: Any, **kwargs: Any) -> Any:
        if argument is None or _given(argument, args, kwargs):
            timings.called[name] = timings.called.get(name, 0) + 1
        return wrapped(*args, **kwargs)

    return _named(noted, wrapped)


def _given(argument: tuple[str, int], args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    name, place = argument
    value = args[place] if 0 <= place < len(args) else kwargs.get(name)
    return value is not None


def _wrap_terminal(timings: Timings) -> Callable[[ModuleType, int], None]:
    def wrap(module: Any, _took: int) -> None:
        termlog = module.termlog

        def noted(string: str = "", *args: Any, **kwargs: Any) -> None:
            if "has no effect" in string and string not in timings.said:
                timings.said.append(string)
            termlog(string, *args, **kwargs)

        module.termlog = _named(noted, termlog)

    return wrap


def _wrap_surface(timings: Timings) -> Callable[[ModuleType, int], None]:
    def wrap(module: Any, _took: int) -> None:
        message = module._message

        def noted(name: str) -> Any:
            text = message(name)
            if text not in timings.refused:
                timings.refused.append(text)
            return text

        module._message = _named(noted, message)

    return wrap


def _wrap_refusal(timings: Timings) -> Callable[[ModuleType, int], None]:
    def wrap(module: Any, _took: int) -> None:
        unsupported = module.unsupported

        def noted(call: str, reason: str) -> Any:
            text = f"wandb.{call.removeprefix('wandb.')}: {reason}"
            if text not in timings.refused:
                timings.refused.append(text)
            unsupported(call, reason)

        module.unsupported = _named(noted, unsupported)

    return wrap


def _wrap_scaling(timings: Timings) -> Callable[[ModuleType, int], None]:
    def wrap(module: Any, _took: int) -> None:
        to_uint8 = module.to_uint8

        def noted(array: Any, *args: Any, **kwargs: Any) -> Any:
            timings.scaled = timings.scaled or array.dtype != "uint8"
            return to_uint8(array, *args, **kwargs)

        module.to_uint8 = _named(noted, to_uint8)

    return wrap


def _wrap_processes(timings: Timings) -> Callable[[ModuleType, int], None]:
    def wrap(module: Any, _took: int) -> None:
        start = module.BaseProcess.start

        def noted(self: Any) -> None:
            timings.others = True
            start(self)

        module.BaseProcess.start = _named(noted, start)

    return wrap


def _wrap_popen(timings: Timings) -> Callable[[ModuleType, int], None]:
    def wrap(module: Any, _took: int) -> None:
        popen = module.Popen.__init__

        def noted(self: Any, args: Any, *more: Any, **kwargs: Any) -> None:
            # What SynaDB starts, or Python for it, logs nothing.
            if isinstance(args, (str, bytes)) or [*args][:1] not in (["git"], ["uname"]):
                timings.others = True
            popen(self, args, *more, **kwargs)

        module.Popen.__init__ = _named(noted, popen)

    return wrap


def _seed(module: Any, _took: int) -> None:
    module.seed(0)


def _install(timings: Timings, watch: str) -> None:
    hooks: dict[str, list[Callable[[ModuleType, int], None]]] = {
        "wandb": [lambda module, took: _wrap_module(timings, module, took)],
        "wandb.sdk.wandb_run": [lambda module, took: _wrap_run_class(timings, module, took)],
        "synadb.wandb_compat._run": [lambda module, took: _wrap_run_class(timings, module, took)],
        "multiprocessing.process": [_wrap_processes(timings)],
        "subprocess": [_wrap_popen(timings)],
        "random": [_seed],
        "numpy.random": [_seed],
    }
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lambda: setattr(timings, "others", True))
    _watch(timings, watch, hooks)
    for name in list(hooks):
        if name in sys.modules:  # brought by a .pth file
            for hook in hooks.pop(name):
                hook(sys.modules[name], 0)
    finder: Any = AfterImport(hooks)
    sys.meta_path.insert(0, finder)


def _run_script(script: str, timings: Timings) -> None:
    """Run it as `__main__`, for good: its threads and exit handlers find it there afterwards."""
    path = os.path.abspath(script)
    if not getattr(sys.flags, "safe_path", False):
        # Python put this file's folder there. What it puts there for a script is the folder the
        # script is in, links resolved.
        sys.path[0] = os.path.dirname(os.path.realpath(path))
    main = type(sys)("__main__")
    main.__dict__.update(
        __file__=path,
        __builtins__=__builtins__,
        __cached__=None,
        **{name: {} for name in ("__annotations__",) if name in globals()},
        __loader__=type(__loader__)("__main__", path),  # type: ignore[name-defined]
    )
    timings.started = monotonic_ns()
    try:
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
        sys.modules["__main__"] = main
        exec(code, main.__dict__)
    finally:
        # An exception goes on from here, up to sys.excepthook, where wandb waits for it.
        timings.ended = monotonic_ns()


def main() -> None:
    """Run the script named on the command line."""
    out, script = os.path.abspath(sys.argv[1]), sys.argv[2]
    sys.argv[:] = sys.argv[2:]
    timings = Timings()
    owner = os.getpid()

    def write() -> None:
        if os.getpid() == owner:  # not a fork of it
            timings.write(out)

    # The first one in is the last one called: after wandb's own, which may finish a run.
    atexit.register(write)
    _install(timings, out + ".watch")
    _run_script(script, timings)


if __name__ == "__main__":
    main()

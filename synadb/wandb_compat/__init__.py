"""A drop-in for wandb: `import synadb.wandb_compat as wandb`.

Scripts keep their calls; what they log goes to one local file. No account, no network, no helper
process. A name that wandb has and this package does not have yet raises an error that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synadb.wandb_compat import errors
from synadb.wandb_compat._preinit import PreInit
from synadb.wandb_compat._settings import Settings
from synadb.wandb_compat._term import termerror, termlog, termwarn
from synadb.wandb_compat.errors import CommError, Error, UsageError

__version__ = "0.31.0"  # the release of wandb that this follows; libraries compare it

__all__ = [
    "CommError",
    "Error",
    "Settings",
    "UsageError",
    "config",
    "errors",
    "finish",
    "init",
    "install",
    "join",
    "log",
    "login",
    "run",
    "summary",
    "termerror",
    "termlog",
    "termwarn",
]

_pre_init = {"config": PreInit("wandb.config"), "summary": PreInit("wandb.summary")}

# A reload runs this again and must not lose the active run.
run: Any = globals().get("run")
config: Any = run.config if run is not None else _pre_init["config"]
summary: Any = run.summary if run is not None else _pre_init["summary"]


def _log_without_run(
    data: Mapping[str, Any], step: int | None = None, commit: bool | None = None
) -> None:
    """Log to the active run; before init an Error."""
    # `from wandb import log` before init keeps this function: it follows the active run.
    if run is None:
        raise Error("You must call wandb.init() before wandb.log()")
    run.log(data, step=step, commit=commit)


log: Any = run.log if run is not None else _log_without_run


def _unbind() -> None:
    global run, config, summary, log
    run = None
    config, summary, log = _pre_init["config"], _pre_init["summary"], _log_without_run


def init(*args: Any, **kwargs: Any) -> Any:
    """Start a run; see `synadb.wandb_compat._init.init` for the arguments, which are wandb's."""
    from synadb.wandb_compat._init import init as start

    return start(*args, **kwargs)


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """Finish the active run; without one nothing happens."""
    if run is not None:
        run.finish(exit_code, quiet)


join = finish


def login(*args: Any, **kwargs: Any) -> bool:
    """True: there is no account, and nothing to ask for."""
    return True


def install() -> None:
    """Make `import wandb` mean this package, here and in child processes."""
    from synadb.wandb_compat._install import install as take_its_place

    take_its_place()


def __getattr__(name: str) -> Any:
    if name == "Run":
        from synadb.wandb_compat._run import Run

        return Run
    if name.startswith("__"):
        raise AttributeError(name)
    from synadb.wandb_compat._surface import missing_attribute

    raise missing_attribute("wandb", name)


def __dir__() -> list[str]:
    return sorted({*globals(), "Run"})

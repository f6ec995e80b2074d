"""Settings and environment variables, in one table, and the rule that finds the database."""

from __future__ import annotations

import os

from synadb.named import NamedTuple

__all__ = ["DATABASE_NAME", "VARIABLES", "Settings", "database_path"]

DATABASE_NAME = "experiments.db"

VARIABLES = {
    "SYNADB_PATH": "the database file; wins over every other rule",
    "SYNADB_NETWORK_FS": "1 or 0: treat the folder as a network file system, or not, untested",
    "SYNADB_LATE_STEPS": "drop: a step older than the current one is dropped, as wandb does",
    "SYNADB_PYTHON": "the interpreter that the `wandb` program of `synadb run` uses",
    "SYNADB_RUN_DIR": "0: no folder wandb/run-... is made; run.dir is a temporary folder",
    "SYNADB_FINISH_TIMEOUT": "seconds that finish waits for a database out of reach (default 5)",
    "SYNADB_SWEEP_TIMEOUT": "seconds after which a dead agent's trial is handed on (default 60)",
}


class Settings(NamedTuple):
    """What the environment says, read once where it is needed and passed on."""

    network_fs: bool | None = None
    late_steps: str = "keep"
    finish_timeout: float = 5.0
    run_dir: bool = True
    sweep_timeout: float = 60.0

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the SYNADB_* variables; a malformed number falls back to the default."""
        network = os.environ.get("SYNADB_NETWORK_FS")
        return cls(
            network_fs=None if network in (None, "") else network not in ("0", "false", "no"),
            late_steps=os.environ.get("SYNADB_LATE_STEPS", "keep"),
            finish_timeout=_seconds("SYNADB_FINISH_TIMEOUT", 5.0),
            run_dir=os.environ.get("SYNADB_RUN_DIR", "") not in ("0", "false", "no", "off"),
            sweep_timeout=_seconds("SYNADB_SWEEP_TIMEOUT", 60.0),
        )


def _seconds(name: str, default: float) -> float:
    try:
        return float(os.environ.get(name, default))
    except ValueError:
        return default


def database_path(dir: str | os.PathLike[str] | None = None) -> str:
    """The absolute path of the database that a script started here writes to.

    `SYNADB_PATH` wins; else `dir` or `WANDB_DIR` gives `<dir>/experiments.db`; else the nearest
    existing `experiments.db` in the current folder or its parents, up to the root of the git
    checkout or the home folder; else `./experiments.db`.
    """
    named = os.environ.get("SYNADB_PATH")
    if named:
        return os.path.abspath(os.path.expanduser(named))
    folder = os.fspath(dir) if dir else os.environ.get("WANDB_DIR")
    if folder:
        return os.path.join(os.path.abspath(os.path.expanduser(folder)), DATABASE_NAME)
    here = place = os.getcwd()
    home = os.path.expanduser("~")
    while True:
        candidate = os.path.join(place, DATABASE_NAME)
        if os.path.isfile(candidate):
            return candidate
        above = os.path.dirname(place)
        if place in (above, home) or os.path.exists(os.path.join(place, ".git")):
            return os.path.join(here, DATABASE_NAME)
        place = above

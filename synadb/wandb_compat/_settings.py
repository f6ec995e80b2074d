"""`wandb.Settings`, and what files and environment variables say about it."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from synadb.wandb_compat._settings_fields import (
    ALIASES,
    FIELDS,
    FORGE_HOSTS,
    LEGACY,
    SPECIAL,
    Fields,
    RunMoment,
    checked,
)
from synadb.wandb_compat._term import termerror, termlog, termwarn
from synadb.wandb_compat.errors import UsageError

__all__ = ["RunMoment", "Settings", "environment_settings", "gather"]


class Settings(Fields):
    """What can be chosen about a run beside the arguments of `wandb.init`.

    Takes wandb's fields as keywords and as attributes, converts and checks them as wandb does, and
    remembers which were set. A private field answers to `x_name` and to `_name`. Raises ValueError
    for a name or value that is not one, UsageError where wandb does.
    """

    # Values that were set stand in __dict__, defaults in the class.
    __slots__ = ("_cwd",)

    _cwd: str

    def __init__(self, **fields: Any) -> None:
        object.__setattr__(self, "_cwd", os.getcwd())
        if fields:
            self._take(fields)

    def _take(self, fields: Mapping[str, Any]) -> None:
        """Check the values, all of them before the first is set."""
        values: dict[str, Any] = {}
        wrong: list[str] = []
        for given, value in fields.items():
            name = _field(given)
            if name in FIELDS:
                try:
                    values[name] = checked(name, value)
                except ValueError as error:
                    wrong.append(f"{given} {error}")
            elif name in LEGACY:
                _warn_legacy(given, LEGACY[name])
            else:
                wrong.append(f"there is no setting {given!r}")
        if wrong:
            raise ValueError(f"wandb.Settings: {'; '.join(wrong)}")
        self._agree(values)
        self.__dict__.update(values)

    def _agree(self, new: Mapping[str, Any]) -> None:
        """Raise ValueError for values that exclude each other."""
        if not new.keys() & _PAIRED:
            return
        now = {name: new[name] if name in new else getattr(self, name) for name in _PAIRED}
        branch = [name for name in ("fork_from", "resume", "resume_from") if now[name] is not None]
        if len(branch) > 1:
            raise ValueError(
                f"wandb.Settings: {' and '.join(branch)} are mutually exclusive; give one of them"
            )
        run_id, fork, rewind = now["run_id"], now["fork_from"], now["resume_from"]
        if fork is not None and run_id == fork.run:
            raise ValueError(
                f"wandb.Settings: run_id {run_id!r} is the run that fork_from names; give the new "
                "run another id, or use resume_from to rewind that run"
            )
        if rewind is not None and run_id not in (None, rewind.run):
            raise ValueError(
                f"wandb.Settings: resume_from names the run {rewind.run!r} and run_id {run_id!r}; "
                "leave run_id out"
            )
        if now["x_skip_transaction_log"] and now["mode"] in ("offline", "dryrun"):
            raise ValueError("wandb.Settings: Cannot skip transaction log in offline mode")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _COMPUTED:
            raise AttributeError(f"wandb.Settings: {name} is computed from other settings")
        self._take({name: value})

    def __getattr__(self, name: str) -> Any:
        # Only what is neither set nor has a default in the class comes here.
        if name == "root_dir":
            return self._cwd
        if name == "x_stats_pid":
            return os.getpid()
        if name == "credentials_file":
            return os.path.expanduser(os.path.join("~", ".config", "wandb", "credentials.json"))
        if name.startswith("_") and f"x{name}" in FIELDS:
            return getattr(self, f"x{name}")
        raise AttributeError(f"wandb.Settings has no attribute {name!r}", name=name, obj=self)

    # --- as a value -------------------------------------------------------------------------

    @property
    def _given(self) -> set[str]:
        return set(self.__dict__)

    @property
    def model_fields_set(self) -> set[str]:
        """The names of the fields that were set."""
        return self._given

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        for name in FIELDS:
            yield name, getattr(self, name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Settings):
            return NotImplemented
        names = {"root_dir", *self.__dict__, *other.__dict__}
        return all(getattr(self, name) == getattr(other, name) for name in names)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = {**self.__dict__, **({"api_key": "***"} if self.api_key else {})}
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def __getstate__(self) -> tuple[str, dict[str, Any]]:
        return self._cwd, self.__dict__

    def __setstate__(self, state: tuple[str, dict[str, Any]]) -> None:
        object.__setattr__(self, "_cwd", state[0])
        self.__dict__.update(state[1])

    def copy(self) -> Settings:
        """Another one with the same values, which shares no list or dict with this one."""
        new = type(self).__new__(type(self))
        new.__setstate__((self._cwd, {name: _fresh(v) for name, v in self.__dict__.items()}))
        return new

    def model_copy(
        self, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> Settings:
        """A copy, changed by `update`; `deep` makes no difference."""
        new = self.copy()
        new._take(update or {})
        return new

    @classmethod
    def model_validate(cls, obj: Any) -> Settings:
        """Settings from a dict, or a copy of settings."""
        return obj.copy() if isinstance(obj, Settings) else cls(**obj)

    def model_dump(
        self,
        *,
        mode: str = "python",
        include: Collection[str] | None = None,
        exclude: Collection[str] | None = None,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        round_trip: bool = False,
    ) -> dict[str, Any]:
        """Fields and computed settings as a dict; `round_trip` leaves the computed ones out."""
        fields: Collection[str] = self.__dict__ if exclude_unset else FIELDS
        fresh = Settings()
        found: dict[str, Any] = {}
        for name in (*fields, *(() if round_trip else _COMPUTED)):
            if name == "anonymous" or name in (exclude or ()) or name not in (include or (name,)):
                continue
            value = getattr(self, name)
            if exclude_none and value is None:
                continue
            if exclude_defaults and name in FIELDS and value == getattr(fresh, name):
                continue
            found[name] = _plain(value, listed=mode == "json")
        return found

    def model_dump_json(self, *, indent: int | None = None, **choice: Any) -> str:
        """`model_dump` as JSON text, with the same choices."""
        import json

        separators = (",", ":") if indent is None else None
        return json.dumps(
            self.model_dump(mode="json", **choice), indent=indent, separators=separators
        )

    # --- other sources ----------------------------------------------------------------------

    def update_from_dict(self, settings: Mapping[str, Any]) -> None:
        """Set the fields of a dict whose value is not None: all of them, or none on an error."""
        self._take({name: value for name, value in settings.items() if value is not None})

    def update_from_settings(self, settings: Settings) -> None:
        """Set the fields that were set in the other settings to something else than None."""
        given = settings.copy().__dict__
        values = {name: value for name, value in given.items() if value is not None}
        self._agree(values)
        self.__dict__.update(values)

    def update_from_env_vars(self, environ: Mapping[str, Any]) -> None:
        """Set the fields that variables name; raises as `environment_settings` does."""
        values = environment_settings(environ)
        self._agree(values)
        self.__dict__.update(values)

    def update_from_system_settings(self) -> None:
        """Set the fields that settings files name; a broken file is reported and passed over."""
        paths = [self.settings_system or _user_file(), self.settings_workspace]
        read = {path: _read_file(path) for path in paths if os.path.isfile(path)}
        read = {path: values for path, values in read.items() if values}
        if not read:
            return
        if os.environ.get("WANDB_QUIET", "").lower() not in ("1", "true"):
            termlog(f"Loading settings from {' and '.join(read)}", repeat=False)
        values = {name: value for found in read.values() for name, value in found.items()}
        for name in ("root_dir", "settings_system"):
            if values.pop(name, None) is not None:
                termwarn(f"{name} has no effect in a settings file: delete it there", repeat=False)
        try:
            self._take({name: _split(_field(name), text) for name, text in values.items()})
        except (ValueError, UsageError) as error:
            termerror(f"Failed to load settings from {' and '.join(read)}: {error}", repeat=False)

    def update_from_system_environment(self) -> None:
        """Fill in the host, the interpreter and the script where nothing else named them."""
        found: dict[str, Any] = {}
        if self.host is None:
            named = os.environ.get("COMPUTERNAME", "localhost")
            found["host"] = os.uname().nodename if hasattr(os, "uname") else named
        if self.x_executable is None:
            found["x_executable"] = sys.executable or "python3"
        program = self.program or self._program()
        if program is None:
            found["program"] = "<python with no main file>"
        else:
            here = os.getcwd()
            root = None if self.disable_git else _git_root(here)
            found["program"] = program
            path = os.path.join(here, program)
            if os.path.exists(path):
                found["program_abspath"] = os.path.abspath(path)
            found["program_relpath"] = self.program_relpath or _below(root or here, path)
        self.update_from_dict(found)

    def infer_git_root(self) -> None:
        """Set `git_root` to the checkout that holds `root_dir`, unless it is set already."""
        if self.git_root is None and not self.disable_git:
            self.update_from_dict({"git_root": _git_root(os.path.expanduser(self.root_dir))})

    def _program(self) -> str | None:
        if self._jupyter:
            path = self.notebook_name or self.x_jupyter_path
            return self.x_jupyter_name if path and path.startswith("fileId=") else path
        main = sys.modules.get("__main__")
        spec = getattr(main, "__spec__", None)
        return getattr(main, "__file__", None) if spec is None else f"-m {spec.name}"

    # --- computed ---------------------------------------------------------------------------

    @property
    def _args(self) -> list[str]:
        return [] if self._jupyter else sys.argv[1:]

    @property
    def _aws_lambda(self) -> bool:
        return "AWS_LAMBDA_FUNCTION_NAME" in os.environ

    @property
    def _code_path_local(self) -> str | None:
        if not self.program:
            return None
        here = os.getcwd()
        return _below(here, os.path.join(here, self.program))

    @property
    def _colab(self) -> bool:
        return "google.colab" in sys.modules

    @property
    def _ipython(self) -> bool:
        return _shell() == "ipython"

    @property
    def _jupyter(self) -> bool:
        return _shell() == "jupyter"

    @property
    def _kaggle(self) -> bool:
        return (
            "KAGGLE_KERNEL_RUN_TYPE" in os.environ
            or "kaggle_environments" in sys.modules
            or "kaggle" in sys.modules
            or os.path.exists(os.path.expanduser("~/.kaggle/kaggle.json"))
        )

    @property
    def _noop(self) -> bool:
        return self.mode == "disabled"

    @property
    def _notebook(self) -> bool:
        return self._ipython or self._jupyter or self._colab or self._kaggle

    @property
    def _offline(self) -> bool:
        return self.mode in ("offline", "dryrun")

    @property
    def _os(self) -> str:
        import platform

        return platform.platform(aliased=True)

    @property
    def _platform(self) -> str:
        import platform

        return f"{platform.system()}-{platform.machine()}".lower()

    @property
    def _python(self) -> str:
        import platform

        return f"{platform.python_implementation()} {platform.python_version()}"

    @property
    def _shared(self) -> bool:
        return self.mode == "shared"

    @property
    def _start_datetime(self) -> str:
        if self.x_start_time is None:
            return ""
        import time

        return time.strftime("%Y%m%d_%H%M%S", time.localtime(self.x_start_time))

    @property
    def _tmp_code_dir(self) -> str:
        return os.path.join(self.sync_dir, "tmp", "code")

    @property
    def _windows(self) -> bool:
        return sys.platform == "win32"

    @property
    def app_url(self) -> str:
        """The address of wandb's web pages that belongs to `base_url`."""
        if self.app_url_override:
            return self.app_url_override
        forge = _forge(self.base_url)
        if forge:
            return f"https://{forge}/wandb"
        own = "://" if "://api.wandb." in self.base_url else "://app."
        if "://api.wandb.test" in self.base_url:
            own = "://app."
        return self.base_url.replace("://api.", own)

    @property
    def colab_url(self) -> str | None:
        """The address of the notebook in Colab."""
        if not self._colab or not (self.x_jupyter_path or "").startswith("fileId="):
            return None
        from urllib.parse import unquote

        return f"https://colab.research.google.com/notebook#{unquote(self.x_jupyter_path or '')}"

    @property
    def deployment(self) -> str:
        """`cloud` for wandb's own service, else `local`."""
        return "local" if self.is_local else "cloud"

    @property
    def files_dir(self) -> str:
        """The folder of the run's files."""
        return self.x_files_dir or os.path.join(self.sync_dir, "files")

    @property
    def is_local(self) -> bool:
        """Whether `base_url` is another service than wandb's own."""
        return _forge(self.base_url) is None

    @property
    def log_dir(self) -> str:
        """The folder of the run's log files."""
        return os.path.join(self.sync_dir, "logs")

    @property
    def log_internal(self) -> str:
        """The log file of wandb's service."""
        return os.path.join(self.log_dir, "debug-internal.log")

    @property
    def log_symlink_internal(self) -> str:
        """The link to `log_internal` of the latest run."""
        return os.path.join(self.wandb_dir, "debug-internal.log")

    @property
    def log_symlink_user(self) -> str:
        """The link to `log_user` of the latest run."""
        return os.path.join(self.wandb_dir, "debug.log")

    @property
    def log_user(self) -> str:
        """The log file of this process."""
        return os.path.join(self.log_dir, "debug.log")

    @property
    def project_url(self) -> str:
        """The page of the project, "" without entity and project."""
        if not self.entity or not self.project:
            return ""
        from urllib.parse import quote

        return f"{self.app_url}/{quote(self.entity)}/{quote(self.project)}"

    @property
    def resume_fname(self) -> str:
        """The file that remembers which run `resume="auto"` goes on with."""
        return os.path.join(self.wandb_dir, "wandb-resume.json")

    @property
    def run_mode(self) -> str:
        """`run` or `offline-run`, how the folder of the run begins."""
        return "offline-run" if self._offline else "run"

    @property
    def run_url(self) -> str:
        """The page of the run, "" without entity, project and run_id."""
        project_url = self.project_url
        if not project_url or not self.run_id:
            return ""
        from urllib.parse import quote

        return f"{project_url}/runs/{quote(self.run_id, safe='=+&$@')}"

    @property
    def settings_workspace(self) -> str:
        """The settings file of the working folder."""
        return os.path.join(self.wandb_dir, "settings")

    @property
    def sweep_url(self) -> str:
        """The page of the sweep, "" without entity, project and sweep_id."""
        project_url = self.project_url
        if not project_url or not self.sweep_id:
            return ""
        from urllib.parse import quote

        return f"{project_url}/sweeps/{quote(self.sweep_id)}"

    @property
    def sync_dir(self) -> str:
        """The folder of the run."""
        suffix = f"-{self.x_sync_dir_suffix}" if self.x_sync_dir_suffix else ""
        name = f"{self.run_mode}-{self.timespec}-{self.run_id}{suffix}"
        return os.path.join(self.wandb_dir, name)

    @property
    def sync_file(self) -> str:
        """The run's log in wandb's own format."""
        return os.path.join(self.sync_dir, f"run-{self.run_id}.wandb")

    @property
    def sync_symlink_latest(self) -> str:
        """The link to the folder of the latest run."""
        return os.path.join(self.wandb_dir, "latest-run")

    @property
    def timespec(self) -> str:
        """When the run began, as the name of its folder has it."""
        return self._start_datetime

    @property
    def wandb_dir(self) -> str:
        """The folder `wandb`, or `.wandb`, below `root_dir`."""
        root = os.path.expanduser(self.root_dir)
        dotted = self.use_dot_wandb
        if dotted is None:
            dotted = os.path.exists(os.path.join(root, ".wandb"))
        return os.path.join(root, ".wandb" if dotted else "wandb")


_PAIRED = frozenset(
    ("fork_from", "mode", "resume", "resume_from", "run_id", "x_skip_transaction_log")
)
_COMPUTED = tuple(
    name
    for name, value in vars(Settings).items()
    if isinstance(value, property) and name not in ("_given", "model_fields_set")
)


def _field(name: str) -> str:
    """The name of the field that a keyword means."""
    name = f"x{name}" if name.startswith("_") else name
    return ALIASES.get(name, name)


def _warn_legacy(name: str, instead: str) -> None:
    advice = f"use {instead}" if instead else "leave it out"
    termwarn(
        f"wandb.Settings: {name} is of an older wandb and has no effect; {advice}", repeat=False
    )


def _fresh(value: Any) -> Any:
    if isinstance(value, list):
        return list(value)
    if isinstance(value, dict):
        return {key: _fresh(item) for key, item in value.items()}
    return value


def _plain(value: Any, *, listed: bool) -> Any:
    if isinstance(value, RunMoment):
        return {"run": value.run, "value": value.value, "metric": value.metric}
    return list(value) if listed and isinstance(value, tuple) else _fresh(value)


def _forge(url: str) -> str | None:
    host = url.partition("://")[2].partition("/")[0].partition(":")[0].lower()
    for forge, api in FORGE_HOSTS.items():
        if host in (forge, f"api.{forge}", api):
            return forge
    return None


def _shell() -> str:
    """`jupyter`, `ipython` or `python`."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return "python"
    parts = [shell.config.get(app) or {} for app in ("IPKernelApp", "ColabKernelApp")]
    kernel = any(part.get("connection_file") for part in parts)
    return "jupyter" if kernel else "ipython"


def _git_root(folder: str) -> str | None:
    folder = os.path.abspath(folder)
    while not os.path.exists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def _below(root: str, path: str) -> str | None:
    """The path seen from the root, None for one that is not there or lies elsewhere."""
    try:
        relative = os.path.relpath(path, root)
    except ValueError:  # another drive
        return None
    outside = relative.split(os.sep)[0] == os.pardir
    return relative if os.path.exists(path) and not outside else None


# --- files and environment ------------------------------------------------------------------


def _user_file() -> str:
    folder = os.environ.get("WANDB_CONFIG_DIR") or os.path.join("~", ".config", "wandb")
    return os.path.join(os.path.expanduser(folder), "settings")


def _read_file(path: str) -> dict[str, str]:
    """The section `default` of an INI file."""
    import configparser

    parser = configparser.ConfigParser()
    try:
        parser.read(path)
        return dict(parser.items("default")) if parser.has_section("default") else {}
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        termwarn(f"Error reading settings at {path}: {error}", repeat=False)
        return {}


def _split(name: str, text: Any) -> Any:
    """A list, where the field is a list of texts and the text came from outside of Python."""
    if isinstance(text, str) and FIELDS.get(name, "").removesuffix(" | None") in _LISTS:
        return text.split(",")
    return text


_LISTS = ("Sequence[str]", "Tags")


def environment_settings(environ: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The fields that environment variables set, as they are now; an empty variable sets none.

    Raises ValueError or UsageError, as `Settings` would, with the name of the variable.
    """
    environ = os.environ if environ is None else environ
    found: dict[str, Any] = {}
    for variable in environ:
        if not variable.startswith("WANDB_"):
            continue
        name = SPECIAL.get(variable) or _field(variable.removeprefix("WANDB_").lower())
        value = environ[variable]
        if name not in FIELDS or name == "stop_fn" or value in ("", None):
            continue
        try:
            found[name] = checked(name, _split(name, value))
        except ValueError as error:
            raise ValueError(f"{variable}: {name} {error}") from None
        except UsageError as error:
            raise UsageError(f"{variable}: {error}") from None
    if "save_code" in found or "disable_code" in found:
        found["save_code"] = found.get("save_code", False) and not found.get("disable_code", False)
    return found


def gather(*layers: Settings | None) -> Settings:
    """The settings of a new run: files, then the environment, then each layer wins over the former.

    The layers are what `wandb.setup` and `wandb.init` were given.
    """
    settings = Settings()
    settings.update_from_system_settings()
    settings.update_from_env_vars(os.environ)
    settings.update_from_system_environment()
    for layer in layers:
        if layer is not None:
            settings.update_from_settings(layer)
    return settings

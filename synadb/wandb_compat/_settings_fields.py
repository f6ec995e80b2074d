"""The fields of `wandb.Settings`: types, defaults, what they accept, which variables set them.

The annotations of `Fields` are read: each names the check in `_CHECKS` that a value has to pass.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from synadb.wandb_compat._term import termwarn
from synadb.wandb_compat.errors import UsageError

__all__ = ["ALIASES", "FIELDS", "LEGACY", "SPECIAL", "Fields", "RunMoment", "checked", "variables"]

# Texts, told apart because each has a check of its own.
FilePath: TypeAlias = str
Url: TypeAlias = str
Mode: TypeAlias = str
Console: TypeAlias = str
Resume: TypeAlias = str
JobSource: TypeAlias = str
Reinit: TypeAlias = str
Tags: TypeAlias = tuple[str, ...]

BASE_URL = "https://api.forge.coreweave.com"
# wandb's hosted service: the host people see, and the one that answered for it in older releases.
FORGE_HOSTS = {"forge.coreweave.com": "api.wandb.ai", "qa.forge.coreweave.com": "api.qa.wandb.ai"}


class RunMoment:
    """A step of a run, written `<run id>?_step=<number>`."""

    __slots__ = ("metric", "run", "value")

    def __init__(self, run: Any, value: Any, metric: str = "_step") -> None:
        if metric != "_step":
            raise ValueError(f"Only the metric '_step' is supported, not {metric!r}")
        if not isinstance(run, str) or not isinstance(value, (int, float)):
            raise TypeError(f"a RunMoment is a run id and a number, not {run!r} and {value!r}")
        self.run: str = run
        self.value: float = value
        self.metric = metric

    @classmethod
    def from_uri(cls, uri: str) -> RunMoment:
        """Read `<run id>?_step=<number>`."""
        run, _, moment = uri.partition("?")
        metric, _, number = moment.partition("=")
        try:
            if not run or metric != "_step" or set(run) & set("/#"):
                raise ValueError(uri)
            value = int(number) if number.isdigit() else float(number)
        except ValueError:
            raise ValueError(f"is written '<run id>?_step=<number>', not {uri!r}") from None
        return cls(run, value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RunMoment):
            return NotImplemented
        return (self.run, self.value) == (other.run, other.value)

    # Mutable and compared by value, as wandb's.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"RunMoment(run={self.run!r}, value={self.value!r}, metric={self.metric!r})"


class Fields:
    """Every field with its default; one without a default depends on the process."""

    allow_media_symlink: bool = False
    allow_offline_artifacts: bool = True
    allow_val_change: bool = False
    anonymous: object = None
    api_key: str | None = None
    azure_account_url_to_access_key: dict[str, str] | None = None
    app_url_override: str | None = None
    base_url: Url = BASE_URL
    code_dir: FilePath | None = None
    config_paths: Sequence[str] | None = None
    console: Console = "wrap"  # what "auto" becomes
    console_multipart: bool = False
    console_chunk_max_bytes: int = 0
    console_chunk_max_seconds: int = 0
    capture_loggers: dict[str, str] | None = None
    credentials_file: FilePath
    disable_code: bool = False
    disable_git: bool = False
    disable_git_fork_point: bool = True
    disable_job_creation: bool = True
    docker: str | None = None
    email: str | None = None
    entity: str | None = None
    organization: str | None = None
    force: bool = False
    fork_from: RunMoment | None = None
    git_commit: str | None = None
    git_remote: str = "origin"
    git_remote_url: str | None = None
    git_root: FilePath | None = None
    heartbeat_seconds: int = 30
    host: str | None = None
    http_proxy: Url | None = None
    https_proxy: Url | None = None
    identity_token_file: FilePath | None = None
    ignore_globs: Sequence[str] = ()
    init_timeout: float = 90.0
    finish_timeout: float = 0.0
    finish_timeout_raises: bool = False
    insecure_disable_ssl: bool = False
    job_name: str | None = None
    job_source: JobSource | None = None
    label_disable: bool = False
    launch: bool = False
    launch_config_path: FilePath | None = None
    login_timeout: float | None = None
    mode: Mode = "online"
    notebook_name: FilePath | None = None
    program: FilePath | None = None
    program_abspath: FilePath | None = None
    program_relpath: FilePath | None = None
    project: str | None = None
    quiet: bool = False
    reinit: Reinit | bool = "default"
    relogin: bool = False
    resume: Resume | None = None
    resume_from: RunMoment | None = None
    resumed: bool = False
    root_dir: FilePath
    run_group: str | None = None
    run_id: str | None = None
    run_job_type: str | None = None
    run_name: str | None = None
    run_notes: str | None = None
    run_tags: Tags | None = None
    sagemaker_disable: bool = False
    save_code: bool | None = None
    settings_system: FilePath | None = None
    stop_fn: Callable[[], None] | None = None
    max_end_of_run_history_metrics: int = 10
    max_end_of_run_summary_metrics: int = 10
    show_colors: bool | None = None
    show_emoji: bool | None = None
    show_errors: bool = True
    show_info: bool = True
    show_warnings: bool = True
    silent: bool = False
    stop_on_fatal_error: bool = False
    strict: bool | None = None
    summary_timeout: int = 60
    summary_warnings: int = 5
    sweep_id: str | None = None
    sweep_param_path: FilePath | None = None
    symlink: bool = os.name != "nt"
    sync_tensorboard: bool | None = None
    table_raise_on_max_row_limit_exceeded: bool = False
    use_dot_wandb: bool | None = None
    username: str | None = None
    x_cli_only_mode: bool = False
    x_disable_meta: bool = False
    x_disable_stats: bool = False
    x_disable_viewer: bool = False
    x_disable_machine_info: bool = False
    x_executable: FilePath | None = None
    x_extra_http_headers: dict[str, str] | None = None
    x_file_stream_max_bytes: int | None = None
    x_file_stream_max_line_bytes: int | None = None
    x_file_stream_transmit_interval: float | None = None
    x_file_stream_no_gzip: bool = True
    x_file_stream_retry_max: int | None = None
    x_file_stream_retry_wait_min_seconds: float | None = None
    x_file_stream_retry_wait_max_seconds: float | None = None
    x_file_stream_timeout_seconds: float | None = None
    x_file_transfer_retry_max: int | None = None
    x_file_transfer_retry_wait_min_seconds: float | None = None
    x_file_transfer_retry_wait_max_seconds: float | None = None
    x_file_transfer_timeout_seconds: float | None = None
    x_files_dir: FilePath | None = None
    x_flow_control_custom: bool | None = None
    x_flow_control_disabled: bool | None = None
    x_graphql_retry_max: int | None = None
    x_graphql_retry_wait_min_seconds: float | None = None
    x_graphql_retry_wait_max_seconds: float | None = None
    x_graphql_timeout_seconds: float | None = None
    x_history_value_encoding: str = "json"
    x_internal_check_process: float = 8.0
    x_jupyter_name: str | None = None
    x_jupyter_path: str | None = None
    x_jupyter_root: str | None = None
    x_label: str | None = None
    x_live_policy_rate_limit: int | None = None
    x_live_policy_wait_time: int | None = None
    x_log_level: int = 20
    x_network_buffer: int | None = None
    x_primary: bool = True
    x_proxies: dict[str, str] | None = None
    x_runqueue_item_id: str | None = None
    x_save_requirements: bool = True
    x_server_side_derived_summary: bool = False
    x_service_transport: str | None = None
    x_service_wait: float = 30.0
    x_skip_transaction_log: bool = False
    x_start_time: float | None = None
    x_stats_pid: int
    x_stats_sampling_interval: float = 15.0
    x_stats_neuron_monitor_config_path: FilePath | None = None
    x_stats_dcgm_exporter: str | None = None
    x_stats_open_metrics_endpoints: dict[str, str] | None = None
    x_stats_open_metrics_filters: dict[str, dict[str, str]] | Sequence[str] | None = None
    x_stats_open_metrics_http_headers: dict[str, str] | None = None
    x_stats_disk_paths: Sequence[str] | None = ("/",)
    x_stats_cpu_count: int | None = None
    x_stats_cpu_logical_count: int | None = None
    x_stats_gpu_count: int | None = None
    x_stats_gpu_type: str | None = None
    x_stats_gpu_device_ids: Sequence[int] | None = None
    x_stats_buffer_size: int = 0
    x_stats_coreweave_metadata_base_url: Url = "http://169.254.169.254"
    x_stats_coreweave_metadata_endpoint: str = "/api/v2/cloud-init/meta-data"
    x_stats_track_process_tree: bool = False
    x_stats_no_cgroup: bool = False
    x_stats_self_usage: bool = False
    x_sync: bool = False
    x_sync_dir_suffix: str = ""
    x_transaction_log_flush_interval: float = 15.0
    x_update_finish_state: bool = True


FIELDS: dict[str, str] = Fields.__annotations__

ALIASES = {"x_primary_node": "x_primary"}

# Fields of older releases, by what to use today; "" where nothing takes their place. A private
# field stands under its x_ spelling.
LEGACY = {
    "start_method": "",
    "disabled": 'mode="disabled"',
    "disable_hints": "",
    "enable_job_creation": "",
    "magic": "",
    "problem": "",
    "summary_errors": "",
    "system_sample": "",
    "system_sample_seconds": "x_stats_sampling_interval",
    "tmp_dir": "",
    "files_dir_spec": "x_files_dir",
    "log_dir_spec": "",
    "log_internal_spec": "",
    "log_symlink_internal_spec": "",
    "log_symlink_user_spec": "",
    "log_user_spec": "",
    "resume_fname_spec": "",
    "settings_system_spec": "settings_system",
    "settings_workspace_spec": "",
    "sync_dir_spec": "",
    "sync_file_spec": "",
    "sync_symlink_latest_spec": "",
    "tmp_dir_spec": "",
    "x_async_upload_concurrency_limit": "",
    "x_cuda": "",
    "x_disable_service": "",
    "x_disable_setproctitle": "",
    "x_disable_update_check": "",
    "x_except_exit": "",
    "x_internal_queue_timeout": "",
    "x_require_core": "",
    "x_require_legacy_service": "",
    "x_require_service": "",
    "x_server_side_expand_glob_metrics": "",
    "x_stats_join_assets": "",
    "x_stats_sample_rate_seconds": "x_stats_sampling_interval",
    "x_stats_samples_to_average": "x_stats_sampling_interval",
    "x_tracelog": "",
    "x_unsaved_keys": "",
}


# --- what a value may be --------------------------------------------------------------------
#
# A check returns the value as it is kept, or raises ValueError with a text that goes on after the
# name of the field. What converts to what is pydantic's, which wandb uses.

_TRUE = ("1", "true", "t", "yes", "y", "on")
_FALSE = ("0", "false", "f", "no", "n", "off")


def _decoded(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace")
    return value


def _bool(value: Any) -> bool:
    given = _decoded(value)
    if isinstance(given, str):
        word = given.lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
    elif given is not None:
        try:
            number = float(given)
        except (TypeError, ValueError):
            number = -1.0
        if number in (0.0, 1.0):
            return number == 1.0
    raise ValueError(f"is true or false, not {value!r}")


def _int(value: Any) -> int:
    given = _decoded(value)
    try:
        if isinstance(given, str):
            whole, dot, rest = given.strip().partition(".")
            if not given.isascii() or (dot and (not rest or rest.strip("0"))):
                raise ValueError(given)
            return int(whole)
        number = int(given)
        if number == given:
            return number
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError(f"is a whole number, not {value!r}")


def _float(value: Any) -> float:
    given = _decoded(value)
    try:
        if not isinstance(given, str) or given.isascii():
            return float(given)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError(f"is a number, not {value!r}")


def _str(value: Any) -> str:
    given = _decoded(value)
    if not isinstance(given, str):
        raise ValueError(f"is a str, not {value!r}")
    return str.__str__(given)  # also of a subclass, an enum for one


def _path(value: Any) -> str:
    return _str(os.fspath(value) if isinstance(value, os.PathLike) else value)


def _one_of(*words: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if isinstance(value, str) and value in words:
            return str.__str__(value)
        raise ValueError(f"is one of {', '.join(map(repr, words))}, not {value!r}")

    return check


_console = _one_of("auto", "off", "wrap", "redirect", "wrap_raw", "wrap_emu")
_resume = _one_of("allow", "must", "never", "auto")
_reinit = _one_of("default", "return_previous", "finish_previous", "create_new")


def _reinit_or_bool(value: Any) -> str | bool:
    try:
        return _bool(value)
    except ValueError:
        return _reinit(value)


def _items(value: Any, check: Callable[[Any], Any]) -> Any:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise ValueError(f"is a list, not {value!r}")
    items = [check(item) for item in value]
    return tuple(items) if isinstance(value, tuple) else items


def _strs(value: Any) -> Sequence[str]:
    found: Sequence[str] = _items(value, _str)
    return found


def _ints(value: Any) -> Sequence[int]:
    if isinstance(value, str):
        value = _json(value if value.lstrip().startswith("[") else f"[{value}]")
    found: Sequence[int] = _items(value, _int)
    return found


def _json(text: str) -> Any:
    import json

    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"is not valid JSON ({error}): {text!r}") from None


def _mapping(value: Any, check: Callable[[Any], Any] = _str) -> dict[str, Any]:
    if isinstance(value, str):
        value = _json(value)
    if not isinstance(value, Mapping):
        raise ValueError(f"is a dict, not {value!r}")
    return {_str(key): check(item) for key, item in value.items()}


def _filters(value: Any) -> Any:
    if isinstance(value, str):
        value = _json(value)
    return _mapping(value, _mapping) if isinstance(value, Mapping) else _strs(value)


def _tags(value: Any) -> tuple[str, ...]:
    tags = tuple(_str(tag) for tag in ((value,) if isinstance(value, str) else value))
    for tag in tags:
        if not 1 <= len(tag) <= 64:
            raise ValueError(f"holds tags of 1 to 64 characters, not {tag!r} ({len(tag)})")
    return tags


def _moment(value: Any) -> RunMoment:
    if isinstance(value, RunMoment):
        return value
    if isinstance(value, Mapping):
        return RunMoment(**value)
    return RunMoment.from_uri(_str(value))


def _callable(value: Any) -> Any:
    if not callable(value):
        raise ValueError(f"is a function, not {value!r}")
    return value


def _url(value: Any) -> str:
    url = _str(value)
    scheme, sep, rest = url.partition("://")
    place = rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
    port = "" if place.endswith("]") else place.rpartition(":")[2] if ":" in place else ""
    if (
        not sep
        or scheme.lower() not in ("http", "https")
        or not place.removesuffix(f":{port}")
        or any(sign.isspace() for sign in url)
        or (port and not (port.isdigit() and int(port) < 65536))
    ):
        raise ValueError(f"is an address that starts with http:// or https://, not {url!r}")
    return url.rstrip("/")


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "bool": _bool,
    "int": _int,
    "float": _float,
    "str": _str,
    "object": lambda value: value,
    "FilePath": _path,
    "Url": _url,
    "Mode": _one_of("online", "offline", "shared", "disabled", "dryrun", "run"),
    "Console": lambda value: "wrap" if _console(value) == "auto" else value,
    "Resume": lambda value: "auto" if value is True else _resume(value),
    "Reinit | bool": _reinit_or_bool,
    "JobSource": _one_of("repo", "artifact", "image"),
    "Tags": _tags,
    "Sequence[str]": _strs,
    "Sequence[int]": _ints,
    "dict[str, str]": _mapping,
    "dict[str, dict[str, str]] | Sequence[str]": _filters,
    "RunMoment": _moment,
    "Callable[[], None]": _callable,
}


# --- rules of single fields -----------------------------------------------------------------


def _project(value: str) -> str:
    bad = "".join(sign for sign in "/\\#?%:" if sign in value)
    if len(value) > 128:
        raise UsageError(f"Invalid project name {value!r}: exceeded 128 characters")
    if bad:
        raise UsageError(f"Invalid project name {value!r}: cannot contain characters {bad!r}")
    return value


def _edges(what: str) -> Callable[[str], str]:
    def rule(value: str) -> str:
        if not value:
            raise UsageError(f"{what} cannot be empty")
        if value != value.strip():
            raise UsageError(f"{what} cannot start or end with whitespace")
        return value

    return rule


def _run_id(value: str) -> str:
    reserved = ":;,#?/'"
    if set(value) & set(reserved):
        raise UsageError(f"Run ID cannot contain the characters: {reserved} (it is {value!r})")
    return _edges("Run ID")(value)


def _api_key(value: str) -> str:
    return _edges("API key")(value) if value else value


def _at_least(least: float) -> Callable[[float], float]:
    def rule(value: float) -> float:
        if value < least:
            raise ValueError(f"is at least {least}, not {value!r}")
        return value

    return rule


def _sampling_interval(value: float) -> float:
    if value < 0.1:
        raise UsageError(f"Stats sampling interval cannot be less than 0.1 seconds, not {value}")
    return value


def _service_wait(value: float) -> float:
    if value < 0:
        raise UsageError(f"Service wait time cannot be negative, not {value}")
    return value


def _base_url(value: str) -> str:
    scheme, _, rest = value.partition("://")
    host, _, path = rest.partition("/")
    if host in FORGE_HOSTS:
        if scheme != "https" or path != "api/wandb":
            raise ValueError(f"is https://api.{host} for this service, not {value!r}")
        return f"https://api.{host}"
    before, found, after = value.rpartition("wandb.ai")
    if found and "." not in after and ("api." not in value or not before.startswith("https")):
        raise ValueError(f"is {BASE_URL} for wandb's own service, not {value!r}")
    return value


def _history_encoding(value: str) -> str:
    forms = [form.strip().lower() for form in value.split(",")]
    if not {"json", "typed"}.issuperset(forms):
        termwarn(f"wandb.Settings: x_history_value_encoding {value!r} is ignored", repeat=False)
        return "json"
    if "json" not in forms:
        raise ValueError(f"is 'json' or 'json,typed', not {value!r}")
    return ",".join(forms)


def _anonymous(value: object) -> object:
    termwarn("wandb.Settings: the anonymous setting has no effect; leave it out", repeat=False)
    return value


_RULES: dict[str, Callable[[Any], Any]] = {
    "anonymous": _anonymous,
    "api_key": _api_key,
    "base_url": _base_url,
    "console_chunk_max_bytes": _at_least(0),
    "console_chunk_max_seconds": _at_least(0),
    "ignore_globs": tuple,
    "project": _project,
    "run_id": _run_id,
    "settings_system": os.path.expanduser,
    "sweep_id": _edges("Sweep ID"),
    "x_file_stream_max_line_bytes": _at_least(1),
    "x_history_value_encoding": _history_encoding,
    "x_service_wait": _service_wait,
    "x_stats_sampling_interval": _sampling_interval,
}


def checked(name: str, value: Any) -> Any:
    """The value as the field keeps it.

    Raises ValueError for a value of the wrong kind and UsageError where a rule of wandb forbids
    it; the text goes on after the name of the field for the first, and stands alone for the second.
    """
    kind = FIELDS[name]
    if name == "resume" and value is False:
        value = None
    if kind.endswith(" | None"):
        if value is None:
            return None
        kind = kind.removesuffix(" | None")
    value = _CHECKS[kind](value)
    rule = _RULES.get(name)
    return value if rule is None else rule(value)


# --- environment variables ------------------------------------------------------------------

# WANDB_<FIELD> sets a field; these variables have names of their own.
SPECIAL = {
    "WANDB_APP_URL": "app_url_override",
    "WANDB_DIR": "root_dir",
    "WANDB_FILE_PUSHER_TIMEOUT": "x_file_transfer_timeout_seconds",
    "WANDB_HTTP_TIMEOUT": "x_graphql_timeout_seconds",
    "WANDB_JOB_TYPE": "run_job_type",
    "WANDB_NAME": "run_name",
    "WANDB_NOTES": "run_notes",
    "WANDB_SERVICE_TRANSPORT": "x_service_transport",
    "WANDB_TAGS": "run_tags",
    "WANDB_USER_EMAIL": "email",
}

_EFFECTS = {
    "allow_val_change": "config values may change after they were set",
    "api_key": "what `wandb.api.api_key` gives; no key is needed",
    "app_url_override": "the address that `settings.run_url` and its like start with",
    "base_url": "the address that `settings.app_url` is made from",
    "capture_loggers": "a JSON object, name of a Python logger to least level: into the output",
    "code_dir": "the folder that `save_code` looks in",
    "config_paths": "YAML files read into the config, separated by commas",
    "console": "off, wrap, redirect, wrap_raw or wrap_emu: how the output is captured",
    "disable_code": "true: the script is not stored",
    "disable_git": "true: git is not looked at",
    "docker": "the image, for the run's metadata",
    "email": "for the run's metadata",
    "entity": "recorded with the run",
    "fork_from": "start from a step of another run: `<run id>?_step=<number>`",
    "git_commit": "the commit, instead of the one found",
    "git_remote": "which remote is recorded (default origin)",
    "git_remote_url": "the address of the remote, instead of the one found",
    "git_root": "the root of the checkout, instead of the one found",
    "host": "the host name, instead of the one found",
    "ignore_globs": "patterns of files in the run's folder that are not stored, by commas",
    "max_end_of_run_history_metrics": "how many metrics finish prints (default 10)",
    "max_end_of_run_summary_metrics": "how many summary values finish prints (default 10)",
    "mode": "disabled: nothing is recorded; online, offline, shared, dryrun, run: recorded here",
    "notebook_name": "the notebook file, for the run's metadata",
    "program": "the script, instead of the one found",
    "project": "the project of runs that name none",
    "quiet": "true: finish prints no tables",
    "reinit": "what a second init does: default, return_previous, finish_previous, create_new",
    "resume": "allow, must, never or auto",
    "resume_from": "rewind a run to a step: `<run id>?_step=<number>`",
    "root_dir": "the folder of the database and of `wandb/`",
    "run_group": "the group of the run",
    "run_id": "the id of the run",
    "run_job_type": "the job type of the run",
    "run_name": "the name of the run",
    "run_notes": "the notes of the run",
    "run_tags": "the tags of the run, separated by commas",
    "save_code": "true: the script is stored",
    "silent": "true: nothing is printed",
    "sweep_id": "the sweep the run belongs to",
    "sweep_param_path": "the YAML file with the parameters of a sweep's trial",
    "sync_tensorboard": "true: what TensorBoard writers write is logged too",
    "table_raise_on_max_row_limit_exceeded": "true: a table that is too long is an error",
    "use_dot_wandb": "true: the folder is `.wandb/` instead of `wandb/`",
    "username": "for the run's metadata",
    "x_disable_machine_info": "true: nothing about hardware and git, no system metrics",
    "x_disable_meta": "true: no metadata",
    "x_disable_stats": "true: no system metrics",
    "x_files_dir": "the folder for the run's files",
    "x_label": "the name of this process in a run that several share",
    "x_primary": "false: this process is not the first of a run that several share",
    "x_save_requirements": "false: no requirements.txt",
    "x_start_time": "when the run began, in seconds since 1970",
    "x_stats_disk_paths": "the file systems that system metrics look at, separated by commas",
    "x_stats_gpu_device_ids": "the GPUs that system metrics look at: `[0,1]` or `0,1`",
    "x_stats_pid": "the process that system metrics look at",
    "x_stats_sampling_interval": "seconds between system metrics (default 15, at least 0.1)",
    "x_stats_track_process_tree": "true: system metrics count child processes too",
    "x_sync_dir_suffix": "the end of the name of the run's folder",
    "x_update_finish_state": "false: the end of this process does not end a run that several share",
}

_OTHERS = {
    "WANDB_AGENT_DISABLE_FLAPPING": "true: an agent goes on however many of its first trials fail",
    "WANDB_AGENT_KILL_DELAY": "seconds that a program has to end when its trial is stopped",
    "WANDB_AGENT_MAX_INITIAL_FAILURES": "failed trials at the start after which an agent gives up",
    "WANDB_ARGS": "the arguments of the script as a JSON list, for the run's metadata",
    "WANDB_ARTIFACT_DIR": "where artifacts are downloaded to (default `./artifacts`)",
    "WANDB_CACHE_DIR": "what `wandb.env.get_cache_dir()` gives; the cache is the database",
    "WANDB_CONFIG_DIR": "the folder of the file `settings` (default `~/.config/wandb`)",
    "WANDB_DATA_DIR": "what `wandb.env.get_data_dir()` gives; nothing is staged there",
}

_WITHOUT_EFFECT = """
    WANDB_AGENT_REPORT_INTERVAL WANDB_AGENT_VERSION WANDB_ARTIFACTS
    WANDB_ARTIFACT_FETCH_FILE_URL_BATCH_SIZE WANDB_AUTOLOG_TABLE_NAME WANDB_CONFIG WANDB_CORE_DEBUG
    WANDB_CRASH_NOSYNC_TIME WANDB_DEBUG WANDB_DESCRIPTION WANDB_DISABLED WANDB_DISABLE_CACHE
    WANDB_DISABLE_WEAVE WANDB_ENABLE_DCGM_PROFILING WANDB_ERROR_REPORTING WANDB_INITED WANDB_JUPYTER
    WANDB_KUBEFLOW_URL WANDB_LAUNCH_CODE_PVC_MOUNT_PATH WANDB_LAUNCH_CODE_PVC_NAME
    WANDB_LAUNCH_FILE_OVERRIDES WANDB_LAUNCH_KANIKO_AUTH_SECRET WANDB_LAUNCH_KANIKO_PVC_MOUNT_PATH
    WANDB_LAUNCH_KANIKO_PVC_NAME WANDB_LAUNCH_MAX_JOBS WANDB_LAUNCH_QUEUE_ENTITY
    WANDB_LAUNCH_QUEUE_NAME WANDB_LAUNCH_SERVICE_ACCOUNT_NAME WANDB_LAUNCH_START_TIMEOUT
    WANDB_LAUNCH_TRACE_ID WANDB_LIBTPU_PATH WANDB_MAGIC WANDB_ONLY_INCLUDE WANDB_RELEASE_NAME
    WANDB_RUN_DIR WANDB_RUN_STORAGE_ID WANDB_SERVICE WANDB_SHOW_RUN WANDB_START_METHOD
    WANDB_STORAGE_POLICY WANDB_TEST WANDB_TEST_LIBTPU_CACHE _WANDB_USE_V1_ARTIFACTS
"""


def variables() -> dict[str, str]:
    """Every variable of wandb by what it does here; "" for those accepted without effect."""
    # A function cannot come from a variable.
    own = {f"WANDB_{name.upper()}": name for name in FIELDS if name != "stop_fn"}
    fields = {name: _EFFECTS.get(field, "") for name, field in {**own, **SPECIAL}.items()}
    silent = dict.fromkeys(_WITHOUT_EFFECT.split(), "")
    return dict(sorted({**fields, **_OTHERS, **silent}.items()))

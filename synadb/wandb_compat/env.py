"""`wandb.env`: the names of wandb's environment variables, and what they say.

Every function reads `env`, by default the environment of the process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute

__all__ = [
    "AGENT_DISABLE_FLAPPING",
    "AGENT_KILL_DELAY",
    "AGENT_MAX_INITIAL_FAILURES",
    "AGENT_REPORT_INTERVAL",
    "ANONYMOUS",
    "API_KEY",
    "APP_URL",
    "ARGS",
    "ARTIFACT_DIR",
    "ARTIFACT_FETCH_FILE_URL_BATCH_SIZE",
    "BASE_URL",
    "CACHE_DIR",
    "CONFIG_DIR",
    "CONFIG_PATHS",
    "CORE_DEBUG",
    "CRASH_NOSYNC_TIME",
    "CREDENTIALS_FILE",
    "DATA_DIR",
    "DEBUG",
    "DESCRIPTION",
    "DIR",
    "DISABLE_CODE",
    "DISABLE_GIT",
    "DISABLE_SSL",
    "DOCKER",
    "ENABLE_DCGM_PROFILING",
    "ENTITY",
    "ERROR_REPORTING",
    "FILE_PUSHER_TIMEOUT",
    "GIT_COMMIT",
    "GIT_REMOTE_URL",
    "GIT_ROOT",
    "HOST",
    "HTTP_TIMEOUT",
    "IDENTITY_TOKEN_FILE",
    "IGNORE",
    "INITED",
    "INIT_TIMEOUT",
    "JOB_TYPE",
    "JUPYTER",
    "LAUNCH_QUEUE_ENTITY",
    "LAUNCH_QUEUE_NAME",
    "LAUNCH_TRACE_ID",
    "MAGIC",
    "MODE",
    "NAME",
    "NOTEBOOK_NAME",
    "NOTES",
    "ORGANIZATION",
    "PROGRAM",
    "PROJECT",
    "QUIET",
    "RESUME",
    "RUN_DIR",
    "RUN_GROUP",
    "RUN_ID",
    "RUN_STORAGE_ID",
    "SAVE_CODE",
    "SENTRY_DSN",
    "SERVICE",
    "SHOW_RUN",
    "SILENT",
    "START_METHOD",
    "SWEEP_ID",
    "SWEEP_PARAM_PATH",
    "TAGS",
    "USERNAME",
    "USER_EMAIL",
    "USE_V1_ARTIFACTS",
    "core_debug",
    "dcgm_profiling_enabled",
    "disable_git",
    "error_reporting_enabled",
    "get_agent_kill_delay",
    "get_agent_max_initial_failures",
    "get_agent_report_interval",
    "get_app_url",
    "get_args",
    "get_artifact_dir",
    "get_artifact_fetch_file_url_batch_size",
    "get_base_url",
    "get_cache_dir",
    "get_config_paths",
    "get_crash_nosync_time",
    "get_credentials_file",
    "get_data_dir",
    "get_description",
    "get_dir",
    "get_docker",
    "get_entity",
    "get_error_reporting",
    "get_file_pusher_timeout",
    "get_http_timeout",
    "get_ignore",
    "get_launch_queue_entity",
    "get_launch_queue_name",
    "get_launch_trace_id",
    "get_magic",
    "get_organization",
    "get_project",
    "get_run",
    "get_show_run",
    "get_tags",
    "get_use_v1_artifacts",
    "get_user_email",
    "get_username",
    "immutable_keys",
    "is_debug",
    "is_offline",
    "is_quiet",
    "is_silent",
    "set_entity",
    "set_project",
    "should_save_code",
    "ssl_disabled",
    "strtobool",
]

AGENT_DISABLE_FLAPPING = "WANDB_AGENT_DISABLE_FLAPPING"
AGENT_KILL_DELAY = "WANDB_AGENT_KILL_DELAY"
AGENT_MAX_INITIAL_FAILURES = "WANDB_AGENT_MAX_INITIAL_FAILURES"
AGENT_REPORT_INTERVAL = "WANDB_AGENT_REPORT_INTERVAL"
ANONYMOUS = "WANDB_ANONYMOUS"
API_KEY = "WANDB_API_KEY"
APP_URL = "WANDB_APP_URL"
ARGS = "WANDB_ARGS"
ARTIFACT_DIR = "WANDB_ARTIFACT_DIR"
ARTIFACT_FETCH_FILE_URL_BATCH_SIZE = "WANDB_ARTIFACT_FETCH_FILE_URL_BATCH_SIZE"
BASE_URL = "WANDB_BASE_URL"
CACHE_DIR = "WANDB_CACHE_DIR"
CONFIG_DIR = "WANDB_CONFIG_DIR"
CONFIG_PATHS = "WANDB_CONFIG_PATHS"
CORE_DEBUG = "WANDB_CORE_DEBUG"
CRASH_NOSYNC_TIME = "WANDB_CRASH_NOSYNC_TIME"
CREDENTIALS_FILE = "WANDB_CREDENTIALS_FILE"
DATA_DIR = "WANDB_DATA_DIR"
DEBUG = "WANDB_DEBUG"
DESCRIPTION = "WANDB_DESCRIPTION"
DIR = "WANDB_DIR"
DISABLE_CODE = "WANDB_DISABLE_CODE"
DISABLE_GIT = "WANDB_DISABLE_GIT"
DISABLE_SSL = "WANDB_INSECURE_DISABLE_SSL"
DOCKER = "WANDB_DOCKER"
ENABLE_DCGM_PROFILING = "WANDB_ENABLE_DCGM_PROFILING"
ENTITY = "WANDB_ENTITY"
ERROR_REPORTING = "WANDB_ERROR_REPORTING"
_EXECUTABLE = "WANDB_X_EXECUTABLE"
FILE_PUSHER_TIMEOUT = "WANDB_FILE_PUSHER_TIMEOUT"
GIT_COMMIT = "WANDB_GIT_COMMIT"
GIT_REMOTE_URL = "WANDB_GIT_REMOTE_URL"
GIT_ROOT = "WANDB_GIT_ROOT"
HOST = "WANDB_HOST"
HTTP_TIMEOUT = "WANDB_HTTP_TIMEOUT"
IDENTITY_TOKEN_FILE = "WANDB_IDENTITY_TOKEN_FILE"
IGNORE = "WANDB_IGNORE_GLOBS"
INITED = "WANDB_INITED"
INIT_TIMEOUT = "WANDB_INIT_TIMEOUT"
JOB_TYPE = "WANDB_JOB_TYPE"
JUPYTER = "WANDB_JUPYTER"
LAUNCH_QUEUE_ENTITY = "WANDB_LAUNCH_QUEUE_ENTITY"
LAUNCH_QUEUE_NAME = "WANDB_LAUNCH_QUEUE_NAME"
LAUNCH_TRACE_ID = "WANDB_LAUNCH_TRACE_ID"
MAGIC = "WANDB_MAGIC"
MODE = "WANDB_MODE"
NAME = "WANDB_NAME"
NOTEBOOK_NAME = "WANDB_NOTEBOOK_NAME"
NOTES = "WANDB_NOTES"
ORGANIZATION = "WANDB_ORGANIZATION"
PROGRAM = "WANDB_PROGRAM"
PROJECT = "WANDB_PROJECT"
QUIET = "WANDB_QUIET"
RESUME = "WANDB_RESUME"
RUN_DIR = "WANDB_RUN_DIR"
RUN_GROUP = "WANDB_RUN_GROUP"
RUN_ID = "WANDB_RUN_ID"
RUN_STORAGE_ID = "WANDB_RUN_STORAGE_ID"
SAVE_CODE = "WANDB_SAVE_CODE"
SENTRY_DSN = "WANDB_SENTRY_DSN"
SERVICE = "WANDB_SERVICE"
SHOW_RUN = "WANDB_SHOW_RUN"
SILENT = "WANDB_SILENT"
START_METHOD = "WANDB_START_METHOD"
SWEEP_ID = "WANDB_SWEEP_ID"
SWEEP_PARAM_PATH = "WANDB_SWEEP_PARAM_PATH"
TAGS = "WANDB_TAGS"
USERNAME = "WANDB_USERNAME"
USER_EMAIL = "WANDB_USER_EMAIL"
USE_V1_ARTIFACTS = "_WANDB_USE_V1_ARTIFACTS"

Env = Mapping[str, Any]


def _get(name: str, default: Any, env: Env | None) -> Any:
    return (os.environ if env is None else env).get(name, default)


def strtobool(val: str) -> bool:
    """Yes or no, as words or numbers say it; ValueError for any other text."""
    word = val.lower()
    if word in ("y", "yes", "t", "true", "on", "1"):
        return True
    if word in ("n", "no", "f", "false", "off", "0"):
        return False
    raise ValueError(f"invalid truth value {word!r}")


def _bool(name: str, default: Any = None, env: Env | None = None) -> bool:
    value = _get(name, default, env)
    try:
        return isinstance(value, str) and strtobool(value)
    except ValueError:
        return False


def _int(name: str, default: Any, env: Env | None, otherwise: int | None = None) -> int | None:
    value = _get(name, default, env)
    try:
        return otherwise if value is None else int(value)
    except ValueError:
        return otherwise


def immutable_keys() -> list[str]:
    """The variables that mean something for the process as a whole."""
    return [
        DIR,
        ENTITY,
        PROJECT,
        API_KEY,
        IGNORE,
        DISABLE_CODE,
        DISABLE_GIT,
        DOCKER,
        MODE,
        BASE_URL,
        ERROR_REPORTING,
        CRASH_NOSYNC_TIME,
        MAGIC,
        USERNAME,
        USER_EMAIL,
        SILENT,
        CONFIG_PATHS,
        ANONYMOUS,
        RUN_GROUP,
        JOB_TYPE,
        TAGS,
        RESUME,
        AGENT_REPORT_INTERVAL,
        HTTP_TIMEOUT,
        HOST,
        DATA_DIR,
        ARTIFACT_DIR,
        ARTIFACT_FETCH_FILE_URL_BATCH_SIZE,
        CACHE_DIR,
        USE_V1_ARTIFACTS,
        DISABLE_SSL,
        IDENTITY_TOKEN_FILE,
        CREDENTIALS_FILE,
    ]


# -- yes or no -----------------------------------------------------------------------------------


def is_debug(default: str | None = None, env: Env | None = None) -> bool:
    """WANDB_DEBUG."""
    return _bool(DEBUG, default, env)


def is_offline(env: Env | None = None) -> bool:
    """Whether WANDB_MODE is offline."""
    return bool(_get(MODE, None, env) == "offline")


def is_quiet() -> bool:
    """WANDB_QUIET."""
    return _bool(QUIET)


def is_silent() -> bool:
    """WANDB_SILENT."""
    return _bool(SILENT)


def error_reporting_enabled() -> bool:
    """WANDB_ERROR_REPORTING; nothing is reported either way."""
    return _bool(ERROR_REPORTING, "true")


def get_error_reporting(default: bool | str = True, env: Env | None = None) -> bool | str:
    """WANDB_ERROR_REPORTING as it is written."""
    value: bool | str = _get(ERROR_REPORTING, default, env)
    return value


def core_debug(default: str | None = None) -> bool:
    """WANDB_CORE_DEBUG or WANDB_DEBUG."""
    return _bool(CORE_DEBUG, default) or is_debug()


def ssl_disabled() -> bool:
    """WANDB_INSECURE_DISABLE_SSL."""
    return _bool(DISABLE_SSL)


def dcgm_profiling_enabled() -> bool:
    """WANDB_ENABLE_DCGM_PROFILING."""
    return _bool(ENABLE_DCGM_PROFILING)


def should_save_code() -> bool:
    """WANDB_SAVE_CODE, unless WANDB_DISABLE_CODE."""
    return _bool(SAVE_CODE) and not _bool(DISABLE_CODE)


def disable_git(env: Env | None = None) -> bool:
    """Whether WANDB_DISABLE_GIT is set, and not to false."""
    return str(_get(DISABLE_GIT, "false", env)).lower() != "false"


def get_show_run(default: str | None = None, env: Env | None = None) -> bool:
    """Whether WANDB_SHOW_RUN is set."""
    return bool(_get(SHOW_RUN, default, env))


def get_use_v1_artifacts(env: Env | None = None) -> bool:
    """Whether _WANDB_USE_V1_ARTIFACTS is set."""
    return bool(_get(USE_V1_ARTIFACTS, None, env))


# -- text ----------------------------------------------------------------------------------------


def get_run(default: str | None = None, env: Env | None = None) -> str | None:
    """WANDB_RUN_ID."""
    value: str | None = _get(RUN_ID, default, env)
    return value


def get_docker(default: str | None = None, env: Env | None = None) -> str | None:
    """WANDB_DOCKER."""
    value: str | None = _get(DOCKER, default, env)
    return value


def get_project(default: str | None = None, env: Env | None = None) -> str | None:
    """WANDB_PROJECT."""
    value: str | None = _get(PROJECT, default, env)
    return value


def get_username(default: str | None = None, env: Env | None = None) -> str | None:
    """WANDB_USERNAME."""
    value: str | None = _get(USERNAME, default, env)
    return value


def get_user_email(default: str | None = None, env: Env | None = None) -> str | None:
    """WANDB_USER_EMAIL."""
    value: str | None = _get(USER_EMAIL, default, env)
    return value


def get_entity(default: str | None = None, env: Env | None = None) -> str | None:
    """WANDB_ENTITY."""
    value: str | None = _get(ENTITY, default, env)
    return value


def get_organization(default: str | None = None, env: Env | None = None) -> str | None:
    """WANDB_ORGANIZATION."""
    value: str | None = _get(ORGANIZATION, default, env)
    return value


def get_base_url(default: str | None = None, env: Env | None = None) -> str | None:
    """WANDB_BASE_URL."""
    value: str | None = _get(BASE_URL, default, env)
    return value


def get_app_url(default: str | None = None, env: Env | None = None) -> str | None:
    """WANDB_APP_URL."""
    value: str | None = _get(APP_URL, default, env)
    return value


def get_description(default: str | None = None, env: Env | None = None) -> str | None:
    """WANDB_DESCRIPTION."""
    value: str | None = _get(DESCRIPTION, default, env)
    return value


def get_dir(default: str | None = None, env: Env | None = None) -> str | None:
    """WANDB_DIR."""
    value: str | None = _get(DIR, default, env)
    return value


def get_config_paths(default: str | None = None, env: Env | None = None) -> str | None:
    """WANDB_CONFIG_PATHS."""
    value: str | None = _get(CONFIG_PATHS, default, env)
    return value


def get_magic(default: str | None = None, env: Env | None = None) -> str | None:
    """WANDB_MAGIC."""
    value: str | None = _get(MAGIC, default, env)
    return value


def get_launch_queue_name(env: Env | None = None) -> str | None:
    """WANDB_LAUNCH_QUEUE_NAME."""
    value: str | None = _get(LAUNCH_QUEUE_NAME, None, env)
    return value


def get_launch_queue_entity(env: Env | None = None) -> str | None:
    """WANDB_LAUNCH_QUEUE_ENTITY."""
    value: str | None = _get(LAUNCH_QUEUE_ENTITY, None, env)
    return value


def get_launch_trace_id(env: Env | None = None) -> str | None:
    """WANDB_LAUNCH_TRACE_ID."""
    value: str | None = _get(LAUNCH_TRACE_ID, None, env)
    return value


def get_tags(default: str = "", env: Env | None = None) -> list[str]:
    """The tags that WANDB_TAGS lists with commas."""
    return [tag for tag in str(_get(TAGS, default, env)).split(",") if tag]


def get_ignore(default: list[str] | None = None, env: Env | None = None) -> list[str] | None:
    """The patterns that WANDB_IGNORE_GLOBS lists with commas."""
    listed = _get(IGNORE, None, env)
    return default if listed is None else str(listed).split(",")


def get_args(default: list[str] | None = None, env: Env | None = None) -> list[str] | None:
    """The arguments of the script, which WANDB_ARGS has as JSON; None if that is no JSON."""
    given = _get(ARGS, None, env)
    if not given:
        return default or sys.argv[1:]
    import json

    try:
        found: list[str] = json.loads(given)
    except ValueError:
        return None
    return found


def set_entity(value: str, env: MutableMapping[str, Any] | None = None) -> None:
    """Set WANDB_ENTITY."""
    (os.environ if env is None else env)[ENTITY] = value


def set_project(value: str, env: MutableMapping[str, Any] | None = None) -> None:
    """Set WANDB_PROJECT; without a value to "uncategorized"."""
    (os.environ if env is None else env)[PROJECT] = value or "uncategorized"


# -- numbers -------------------------------------------------------------------------------------


def get_http_timeout(default: int = 20, env: Env | None = None) -> int:
    """WANDB_HTTP_TIMEOUT, in seconds."""
    return int(_get(HTTP_TIMEOUT, default, env))


def get_file_pusher_timeout(default: int | None = None, env: Env | None = None) -> int | None:
    """WANDB_FILE_PUSHER_TIMEOUT, in seconds."""
    timeout = _get(FILE_PUSHER_TIMEOUT, default, env)
    return int(timeout) if timeout else None


def get_artifact_fetch_file_url_batch_size(env: Env | None = None) -> int:
    """WANDB_ARTIFACT_FETCH_FILE_URL_BATCH_SIZE."""
    return int(_get(ARTIFACT_FETCH_FILE_URL_BATCH_SIZE, 5000, env))


def get_agent_report_interval(default: Any = None, env: Env | None = None) -> int | None:
    """WANDB_AGENT_REPORT_INTERVAL; None if that is no number."""
    return _int(AGENT_REPORT_INTERVAL, default, env)


def get_agent_kill_delay(default: Any = None, env: Env | None = None) -> int | None:
    """WANDB_AGENT_KILL_DELAY; None if that is no number."""
    return _int(AGENT_KILL_DELAY, default, env)


def get_crash_nosync_time(default: Any = None, env: Env | None = None) -> int | None:
    """WANDB_CRASH_NOSYNC_TIME; None if that is no number."""
    return _int(CRASH_NOSYNC_TIME, default, env)


def get_agent_max_initial_failures(
    default: int | None = None, env: Env | None = None
) -> int | None:
    """WANDB_AGENT_MAX_INITIAL_FAILURES; `default` if that is no number."""
    return _int(AGENT_MAX_INITIAL_FAILURES, default, env, otherwise=default)


# -- folders -------------------------------------------------------------------------------------


def _user_folder(variable: str, unix: str, mac: str, *windows: str) -> str:
    """Where programs keep files of this kind for the user of this machine."""
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
        return os.path.join(local, "wandb", "wandb", *windows)
    if sys.platform == "darwin":
        return os.path.join(home, "Library", mac, "wandb")
    return os.path.join(os.environ.get(variable) or os.path.join(home, unix), "wandb")


def get_data_dir(env: Env | None = None) -> str:
    """WANDB_DATA_DIR, by default a folder of the user."""
    default = _user_folder("XDG_DATA_HOME", ".local/share", "Application Support")
    return str(_get(DATA_DIR, default, env))


def get_cache_dir(env: Env | None = None) -> Path:
    """WANDB_CACHE_DIR, by default a folder of the user."""
    default = _user_folder("XDG_CACHE_HOME", ".cache", "Caches", "Cache")
    return Path(_get(CACHE_DIR, default, env or None))


def get_artifact_dir(env: Env | None = None) -> str:
    """WANDB_ARTIFACT_DIR, by default `artifacts` in the working folder; absolute."""
    return os.path.abspath(str(_get(ARTIFACT_DIR, "artifacts", env)))


def get_credentials_file(default: str, env: Env | None = None) -> Path:
    """WANDB_CREDENTIALS_FILE."""
    return Path(_get(CREDENTIALS_FILE, default, env))


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)

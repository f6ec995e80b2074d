"""Where a config comes from: objects, wandb's YAML files, the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Container, Mapping
from types import ModuleType
from typing import Any

from synadb.wandb_compat._preinit import PreInit
from synadb.wandb_compat._term import termwarn
from synadb.wandb_compat.errors import Error, UsageError

__all__ = [
    "ConfigError",
    "as_mapping",
    "default_config",
    "filter_keys",
    "listed_config",
    "read_config_file",
    "sweep_parameters",
]

DEFAULTS_FILE = "config-defaults.yaml"


class ConfigError(Error):
    """A set key was to get another value, or a config file cannot be used."""


def as_mapping(source: Any) -> dict[str, Any]:
    """A new dict from a mapping, a namespace, a dataclass, flags or a YAML file; else TypeError.

    Keys and values are as the source has them.
    """
    if isinstance(source, dict):
        return dict(source)
    if isinstance(source, str | os.PathLike):
        return read_config_file(os.fspath(source))
    if isinstance(source, PreInit):
        return {}
    # TensorFlow's flags are a wrapper that shows absl's class as its own: __class__, not type().
    kinds = _kinds(source.__class__)
    if "absl.flags._flagvalues.FlagValues" in kinds:
        flags: dict[str, Any] = source.flag_values_dict()
        return flags
    if "omegaconf.dictconfig.DictConfig" in kinds:
        return _omegaconf(source)
    if isinstance(source, Mapping):
        return dict(source)
    if isinstance(source, type | ModuleType):
        return _namespace(source)
    if hasattr(source, "__dict__"):
        return dict(vars(source))
    fields = getattr(source, "__dataclass_fields__", None)
    if fields is not None:  # of a dataclass with slots, which has no __dict__
        return {name: getattr(source, name) for name in fields if hasattr(source, name)}
    raise TypeError(
        "a config must be a dict or have a __dict__ attribute, or be the path of a YAML file, "
        f"not {source!r}"
    )


def _kinds(cls: type) -> set[str]:
    return {f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__}


def _namespace(source: type | ModuleType) -> dict[str, Any]:
    if source.__name__ in ("absl.flags", "tensorflow.python.platform.flags"):
        return as_mapping(vars(source)["FLAGS"])
    # `class Options: lr = 1`. What Python keeps there itself, what the code does and what it
    # imports are no settings.
    bases = source.__mro__[-2::-1] if isinstance(source, type) else (source,)
    return {
        name: value
        for base in bases
        for name, value in vars(base).items()
        if not name.startswith("__")
        and not hasattr(type(value), "__get__")
        and not isinstance(value, ModuleType)
    }


def _omegaconf(source: Any) -> dict[str, Any]:
    # Whoever holds a DictConfig has loaded the module.
    omegaconf = sys.modules["omegaconf"]
    to_container = omegaconf.OmegaConf.to_container
    try:
        found: dict[str, Any] = to_container(source, resolve=True)
    except omegaconf.errors.OmegaConfBaseException as error:
        # One reference that leads nowhere must not cost the run.
        termwarn(f"config: the references are stored unresolved, as OmegaConf says: {error}")
        found = to_container(source, resolve=False)
    return found


def read_config_file(path: str) -> dict[str, Any]:
    """The values of a YAML (or JSON) file of the form `key: {value: v}`.

    Raises ConfigError for a file that is missing, unreadable or no YAML, TypeError for one of
    another form.
    """
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            loaded = yaml.safe_load(file)
    except FileNotFoundError as error:
        raise ConfigError(f"config file {path} doesn't exist") from error
    except OSError as error:
        raise ConfigError(f"config file {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"config file {path} is not valid YAML: {error}") from error
    if loaded is None:
        termwarn(f"config file {path} is empty")
        return {}
    if not isinstance(loaded, dict):
        raise TypeError(f"config file {path} holds a {type(loaded).__name__}: {_FORM}")
    version = loaded.pop("wandb_version", 1)
    if version != 1:
        raise ConfigError(f"config file {path}: wandb_version is 1, not {version!r}")
    for key, item in loaded.items():
        if not isinstance(item, dict) or "value" not in item:
            raise TypeError(f"config file {path}, key {key!r}: {_FORM}")
    return {key: item["value"] for key, item in loaded.items()}


_FORM = (
    "each key takes the form 'key: {value: v}'; for a file of another form "
    "pass its content as a dict, config=yaml.safe_load(open(path))"
)


def default_config(folder: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """The values of `config-defaults.yaml` in a folder, by default the working folder."""
    path = os.path.join(folder or "", DEFAULTS_FILE)
    return read_config_file(path) if os.path.exists(path) else {}


def listed_config(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The values of the files that WANDB_CONFIG_PATHS lists with commas; the last one wins."""
    values: dict[str, Any] = {}
    listed = (os.environ if environ is None else environ).get("WANDB_CONFIG_PATHS", "")
    for path in filter(None, map(str.strip, listed.split(","))):
        if os.path.exists(path):
            values.update(read_config_file(path))
        else:
            termwarn(f"WANDB_CONFIG_PATHS: the file {path} doesn't exist")
    return values


def sweep_parameters(environ: Mapping[str, str] | None = None) -> dict[str, Any] | None:
    """The parameters an agent chose for this process; None outside of a sweep.

    The agent puts the path of their file into WANDB_SWEEP_PARAM_PATH.
    """
    path = (os.environ if environ is None else environ).get("WANDB_SWEEP_PARAM_PATH")
    return read_config_file(path) if path else None


def filter_keys(
    values: Mapping[str, Any],
    include: Container[str] | None = None,
    exclude: Container[str] | None = None,
) -> dict[str, Any]:
    """The items whose key is included, or not excluded; UsageError for both at once."""
    if include and exclude:
        raise UsageError("Expected at most one of config_include_keys and config_exclude_keys")
    if include:
        return {key: value for key, value in values.items() if key in include}
    return {key: value for key, value in values.items() if not exclude or key not in exclude}

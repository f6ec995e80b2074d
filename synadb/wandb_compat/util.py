"""`wandb.util`: the helpers that scripts and libraries call."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import IO, Any, NamedTuple

from synadb.ids import generate_id
from synadb.wandb_compat import _arrays
from synadb.wandb_compat._encoders import (
    JSONEncoderUncompressed,
    WandBHistoryJSONEncoder,
    WandBJSONEncoder,
    json_dump_safer,
    json_dump_uncompressed,
    json_dumps_safer,
    json_dumps_safer_history,
    json_friendly,
    json_friendly_val,
    make_json_if_not_number,
    make_safe_for_json,
    maybe_compress_history,
)
from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir
from synadb.wandb_compat._term import termerror
from synadb.wandb_compat.errors import Error, UsageError
from synadb.wandb_compat.sdk.lib.json_util import dump, dumps, load, loads

__all__ = [
    "LAUNCH_JOB_ARTIFACT_SLOT_NAME",
    "MAX_LINE_BYTES",
    "VALUE_BYTES_LIMIT",
    "InstalledDistribution",
    "JSONEncoderUncompressed",
    "WandBHistoryJSONEncoder",
    "WandBJSONEncoder",
    "WandBJSONEncoderOld",
    "alias_is_version_index",
    "auto_project_name",
    "check_windows_valid_filename",
    "class_colors",
    "downsample",
    "dump",
    "dumps",
    "from_human_size",
    "fsync_open",
    "generate_id",
    "get_full_typename",
    "get_jax_tensor",
    "get_local_path_or_none",
    "get_module",
    "get_optional_module",
    "has_num",
    "host_from_path",
    "import_module_lazy",
    "is_fastai_tensor_typename",
    "is_jax_tensor_typename",
    "is_matplotlib_typename",
    "is_numpy_array",
    "is_pandas_data_frame",
    "is_pandas_data_frame_typename",
    "is_plotly_figure_typename",
    "is_plotly_typename",
    "is_pytorch_tensor",
    "is_pytorch_tensor_typename",
    "is_tf_eager_tensor_typename",
    "is_tf_tensor",
    "is_tf_tensor_typename",
    "is_unicode_safe",
    "is_uri",
    "isatty",
    "json_dump_safer",
    "json_dump_uncompressed",
    "json_dumps_safer",
    "json_dumps_safer_history",
    "json_friendly",
    "json_friendly_val",
    "load",
    "load_json_yaml_dict",
    "load_yaml",
    "loads",
    "local_file_uri_to_path",
    "make_artifact_name_safe",
    "make_json_if_not_number",
    "make_safe_for_json",
    "maybe_compress_history",
    "rand_alphanumeric",
    "random_string",
    "time_string_to_seconds",
    "to_forward_slash_path",
    "to_human_size",
    "to_native_slash_path",
    "uri_from_path",
    "working_set",
]

WandBJSONEncoderOld = WandBJSONEncoder

VALUE_BYTES_LIMIT = 100_000
MAX_LINE_BYTES = 10_383_360
LAUNCH_JOB_ARTIFACT_SLOT_NAME = "_wandb_job"

Units = Sequence[tuple[str, Any]]
POW_10_BYTES = [(f"{letter}B", 1000**power) for power, letter in enumerate(("", *"KMGTPE"))]
POW_2_BYTES = [
    ("B", 1),
    *((f"{letter}iB", 1024**power) for power, letter in enumerate("KMGTPE", start=1)),
]

# -- names and sizes -----------------------------------------------------------------------------

_LONGEST_NAME = 128


def random_string(length: int = 12) -> str:
    """Random characters from a-z and 0-9."""
    return generate_id(length)


def rand_alphanumeric(length: int = 8, rand: Any = None) -> str:
    """Random characters from 0-9 and A-F, of `rand` or of the module random."""
    if rand is None:
        import random as rand
    return "".join(rand.choice("0123456789ABCDEF") for _ in range(length))


def make_artifact_name_safe(name: str) -> str:
    """`name` as an artifact may be called: other characters become `_`, 128 at the most."""
    safe = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    if len(safe) <= _LONGEST_NAME:
        return safe
    half = _LONGEST_NAME // 2 - 1
    return f"{safe[:half]}..{safe[-half:]}"


def to_human_size(size: float, units: Units | None = None) -> str:
    """`1500` -> "1.5KB"."""
    fitting = [unit for unit in units or POW_10_BYTES if size > unit[1]]
    name, value = fitting[-1] if fitting else ("B", 1)
    return f"{round(size / value, 1)}{name}"


def from_human_size(size: str, units: Units | None = None) -> int:
    """The bytes of "1.5 KB"; ValueError for a text that does not start with a number."""
    found = re.match(r"(\d+\.?\d*)\s*([A-Za-z]*)", size)
    if found is None:
        raise ValueError(f"size must be of the form `10`, `10B` or `10 B`, not {size!r}")
    number, word = found.groups()
    factors = [
        factor for name, factor in units or POW_10_BYTES if word.upper().startswith(name.upper())
    ]
    return int(float(number) * (factors[-1] if factors else 1))


def alias_is_version_index(alias: str) -> bool:
    """Whether an alias of an artifact is a version, such as `v3`."""
    return re.fullmatch(r"v\d+", alias) is not None


_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "M": 30 * 86400, "y": 365 * 86400}


def time_string_to_seconds(time_str: str) -> int:
    """The seconds of "5m"; the units are s, m, h, d, M (30 days) and y (365 days)."""
    if not time_str:
        return 0
    number, unit = time_str[:-1], time_str[-1]
    if unit not in _SECONDS or not re.fullmatch(r"\d+", number):
        raise ValueError(
            f"Invalid time period format: {time_str}; it is a number and one of "
            + ", ".join(_SECONDS)
        )
    return int(number) * _SECONDS[unit]


def auto_project_name(program: str | None = None) -> str:
    """The project that is taken where none is given."""
    from synadb.monitor.facts import project_from_git

    return project_from_git() or "uncategorized"


# -- kinds of values -----------------------------------------------------------------------------


def get_full_typename(o: Any) -> str:
    """Module and name of the type of `o`."""
    kind = type(o)
    return f"{kind.__module__}.{kind.__name__}"


def is_numpy_array(obj: Any) -> bool:
    """Whether this is an array of numpy."""
    return isinstance(obj, getattr(sys.modules.get("numpy"), "ndarray", ()))


def is_pandas_data_frame(obj: Any) -> bool:
    """Whether this is a DataFrame of pandas."""
    return isinstance(obj, getattr(sys.modules.get("pandas"), "DataFrame", ()))


def is_pytorch_tensor(obj: Any) -> bool:
    """Whether this is a tensor of torch."""
    return isinstance(obj, getattr(sys.modules.get("torch"), "Tensor", ()))


def is_tf_tensor(obj: Any) -> bool:
    """Whether this is a tensor of tensorflow."""
    return isinstance(obj, getattr(sys.modules.get("tensorflow"), "Tensor", ()))


def get_jax_tensor(obj: Any) -> Any:
    """An array of jax as one of numpy."""
    return _arrays.as_numpy(obj)


def is_pandas_data_frame_typename(typename: str) -> bool:
    """Whether a full type name is that of a DataFrame of pandas."""
    return typename.startswith("pandas.") and "DataFrame" in typename


def is_pytorch_tensor_typename(typename: str) -> bool:
    """Whether a full type name is that of a tensor of torch."""
    return typename.startswith("torch.") and ("Tensor" in typename or "Variable" in typename)


def is_tf_tensor_typename(typename: str) -> bool:
    """Whether a full type name is that of a tensor of tensorflow."""
    return typename.startswith("tensorflow.") and ("Tensor" in typename or "Variable" in typename)


def is_tf_eager_tensor_typename(typename: str) -> bool:
    """Whether a full type name is that of a tensor of tensorflow with a value."""
    return typename.startswith("tensorflow.") and "EagerTensor" in typename


def is_jax_tensor_typename(typename: str) -> bool:
    """Whether a full type name is that of an array of jax."""
    return typename.startswith("jaxlib.") and "Array" in typename


def is_fastai_tensor_typename(typename: str) -> bool:
    """Whether a full type name is that of a tensor of fastai."""
    return typename.startswith("fastai.") and "Tensor" in typename


def is_matplotlib_typename(typename: str) -> bool:
    """Whether a full type name is one of matplotlib."""
    return typename.startswith("matplotlib.")


def is_plotly_typename(typename: str) -> bool:
    """Whether a full type name is one of plotly."""
    return typename.startswith("plotly.")


def is_plotly_figure_typename(typename: str) -> bool:
    """Whether a full type name is that of a figure of plotly."""
    return typename.startswith("plotly.") and typename.endswith(".Figure")


def has_num(dictionary: Mapping[Any, Any], key: Any) -> bool:
    """Whether there is a number under `key`."""
    import numbers

    return isinstance(dictionary.get(key), numbers.Number)


def downsample(values: Sequence[Any], target_length: int) -> list[Any]:
    """At most `target_length` of the values, evenly spread, the first and the last among them."""
    if target_length < 2:
        raise UsageError("target_length must be > 1")
    last = len(values) - 1
    if last < target_length:
        return list(values)
    return [values[number * last // (target_length - 1)] for number in range(target_length)]


def class_colors(class_count: int) -> list[list[int] | tuple[float, float, float]]:
    """Black, and one colour for every class after the first."""
    import colorsys

    others = max(class_count - 1, 0)
    return [
        [0, 0, 0],
        *(colorsys.hsv_to_rgb(number / others, 1.0, 1.0) for number in range(others)),
    ]


# -- modules -------------------------------------------------------------------------------------


def get_module(name: str, required: str | bool | None = None, lazy: bool = True) -> Any:
    """The module `name`, imported; None if it is not installed.

    With `required`, a text for people, an Error with that text instead of None. `lazy` is
    accepted; the import happens at once.
    """
    found = get_optional_module(name)
    if found is None and required:
        raise Error(required if isinstance(required, str) else f"{name} is not installed")
    return found


def get_optional_module(name: str) -> ModuleType | None:
    """The module `name`, imported; None if it is not installed or cannot be imported."""
    if not name:
        return None
    try:
        return import_module(name)
    except ImportError:
        return None
    except Exception as error:  # noqa: BLE001 - a broken library must not end the training
        termerror(f"{name} is installed and cannot be imported: {error!r}")
        return None


def import_module_lazy(name: str) -> ModuleType:
    """The module `name`, which runs at the first use; ModuleNotFoundError if it is not there."""
    from importlib import util

    from synadb.wandb_compat._util.importing import LazyModuleState

    loaded = sys.modules.get(name)
    if loaded is not None:
        return loaded
    spec = util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    module = util.module_from_spec(spec)
    LazyModuleState(module)
    sys.modules[name] = module
    return module


class InstalledDistribution(NamedTuple):
    """A distribution that is installed."""

    key: str
    version: str


def working_set() -> Iterator[InstalledDistribution]:
    """The distributions that are installed."""
    from importlib.metadata import distributions

    for distribution in distributions():
        # A broken dist-info folder has no metadata, or no name in it.
        with contextlib.suppress(KeyError, UnicodeDecodeError, TypeError):
            name = distribution.metadata["Name"]
            if name:
                yield InstalledDistribution(name, distribution.version)


# -- files and addresses -------------------------------------------------------------------------


def load_yaml(file: Any) -> Any:
    """The content of a YAML file or text."""
    import yaml

    return yaml.safe_load(file)


def load_json_yaml_dict(config: str) -> Any:
    """The content of a .json or .yaml file, or of a JSON text; None for any other text."""
    end = os.path.splitext(config)[1]
    if end in (".json", ".yaml"):
        with open(config, encoding="utf-8") as file:
            return load(file) if end == ".json" else load_yaml(file)
    try:
        return loads(config)
    except ValueError:
        return None


@contextlib.contextmanager
def fsync_open(path: Any, mode: str = "w", encoding: str | None = None) -> Iterator[IO[Any]]:
    """Open a file; what was written is on the disk when the block has ended."""
    with open(path, mode, encoding=encoding) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def isatty(ob: Any) -> bool:
    """Whether this is a stream that ends in a terminal."""
    return hasattr(ob, "isatty") and bool(ob.isatty())


def is_unicode_safe(stream: Any) -> bool:
    """Whether any text can be written to this stream."""
    return (getattr(stream, "encoding", None) or "").lower() in ("utf-8", "utf_8", "utf8")


def check_windows_valid_filename(path: int | str) -> bool:
    """Whether Windows accepts this as the name of a file."""
    return not set(str(path)) & set('\\/:*?"<>|')


def to_forward_slash_path(path: str) -> str:
    """`path` with slashes, on Windows too."""
    return path.replace(os.sep, "/")


def to_native_slash_path(path: str) -> str:
    """`path` with the separators of this system."""
    return path.replace("/", os.sep)


def is_uri(string: str) -> bool:
    """Whether this starts with a scheme, such as `s3:`."""
    from urllib.parse import urlparse

    return bool(urlparse(string).scheme)


def local_file_uri_to_path(uri: str) -> str:
    """`file:///a%20b` -> "/a b"; a plain path as it is."""
    from urllib.parse import urlparse
    from urllib.request import url2pathname

    parts = urlparse(uri)
    return url2pathname(parts.path if parts.scheme == "file" else uri)


def get_local_path_or_none(path_or_uri: str) -> str | None:
    """The path of a local file, given as such or as a `file:` address; None for any other."""
    from urllib.parse import urlparse

    parts = urlparse(path_or_uri)
    if parts.scheme == "" or (parts.scheme == "file" and parts.netloc in ("", "localhost")):
        return local_file_uri_to_path(path_or_uri)
    return None


def host_from_path(path: str | None) -> str:
    """The host, with its port, of an address."""
    from urllib.parse import urlparse

    return urlparse(path or "").netloc


def uri_from_path(path: str | None) -> str:
    """What follows the host in an address, without the first slash."""
    from urllib.parse import urlparse

    return urlparse(path or "").path.removeprefix("/")


# Imported when they are asked for.
_LAZY = {
    "AuthenticationError": "errors.errors:AuthenticationError",
    "CommError": "errors.errors:CommError",
    "DOCKER_IMAGE_NAME_SEPARATOR": "_util.docker:DOCKER_IMAGE_NAME_SEPARATOR",
    "ImportMetaHook": "_util.importing:ImportMetaHook",
    "LazyLoader": "sdk.lib.lazyloader:LazyLoader",
    "LazyModule": "_util.importing:LazyModule",
    "LazyModuleState": "_util.importing:LazyModuleState",
    "RE_DOCKER_IMAGE_NAME_CHARS": "_util.docker:RE_DOCKER_IMAGE_NAME_CHARS",
    "RE_DOCKER_IMAGE_NAME_SEPARATOR_END": "_util.docker:RE_DOCKER_IMAGE_NAME_SEPARATOR_END",
    "RE_DOCKER_IMAGE_NAME_SEPARATOR_REPEAT": "_util.docker:RE_DOCKER_IMAGE_NAME_SEPARATOR_REPEAT",
    "RE_DOCKER_IMAGE_NAME_SEPARATOR_START": "_util.docker:RE_DOCKER_IMAGE_NAME_SEPARATOR_START",
    "WandbCoreNotAvailableError": "errors.errors:WandbCoreNotAvailableError",
    "add_import_hook": "_util.importing:add_import_hook",
    "api_to_app_url": "_util.service:api_to_app_url",
    "app_url": "_util.service:app_url",
    "are_paths_on_same_drive": "sdk.lib.filesystem:are_paths_on_same_drive",
    "artifact_to_json": "_util.artifacts:artifact_to_json",
    "async_call": "_util.calling:async_call",
    "b64_to_hex_id": "sdk.lib.hashutil:b64_to_hex_id",
    "check_and_warn_old": "_util.files:check_and_warn_old",
    "check_dict_contains_nested_artifact": "_util.artifacts:check_dict_contains_nested_artifact",
    "convert_plots": "_util.figures:convert_plots",
    "docker_image_regex": "_util.docker:docker_image_regex",
    "ensure_matplotlib_figure": "_util.figures:ensure_matplotlib_figure",
    "env": "env",
    "find_runner": "_util.files:find_runner",
    "get_core_path": "_util.files:get_core_path",
    "get_h5_typename": "_util.arrays:get_h5_typename",
    "guess_data_type": "_util.arrays:guess_data_type",
    "hex_to_b64_id": "sdk.lib.hashutil:hex_to_b64_id",
    "image_from_docker_args": "_util.docker:image_from_docker_args",
    "image_id_from_k8s": "_util.docker:image_id_from_k8s",
    "make_docker_image_name_safe": "_util.docker:make_docker_image_name_safe",
    "make_file_path_upload_safe": "_util.files:make_file_path_upload_safe",
    "make_tarfile": "_util.files:make_tarfile",
    "matplotlib_contains_images": "_util.figures:matplotlib_contains_images",
    "matplotlib_to_plotly": "_util.figures:matplotlib_to_plotly",
    "maybe_compress_summary": "_util.arrays:maybe_compress_summary",
    "md5_file": "sdk.lib.hashutil:md5_file_b64",
    "merge_dicts": "sdk.lib.config_util:merge_dicts",
    "mkdir_exists_ok": "sdk.lib.filesystem:mkdir_exists_ok",
    "parse_artifact_string": "_util.artifacts:parse_artifact_string",
    "parse_backend_error_messages": "_util.service:parse_backend_error_messages",
    "parse_tfjob_config": "_util.files:parse_tfjob_config",
    "prompt_choices": "_util.prompts:prompt_choices",
    "read_many_from_queue": "_util.calling:read_many_from_queue",
    "sample_with_exponential_decay_weights": "_util.arrays:sample_with_exponential_decay_weights",
    "term": "errors.term",
    "terminput": "errors.term:terminput",
}


def __getattr__(name: str) -> Any:
    if name == "np":  # editors write `from wandb.util import np`
        return import_module("numpy")
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)

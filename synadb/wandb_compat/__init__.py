"""A drop-in for wandb: `import synadb.wandb_compat as wandb`.

Scripts keep their calls; what they log goes to one local file. No account, no network, no helper
process. A name that wandb has and this package does not have yet raises an error that says so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from synadb.wandb_compat import errors
from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir
from synadb.wandb_compat._preinit import PreInit
from synadb.wandb_compat._term import termerror, termlog, termsetup, termwarn
from synadb.wandb_compat.errors import CommError, Error, UsageError

__version__ = "0.31.0"  # the release of wandb that this follows; libraries compare it

__all__ = [
    "AlertLevel",
    "Api",
    "Artifact",
    "ArtifactTTL",
    "Audio",
    "Classes",
    "CommError",
    "Config",
    "Error",
    "EvalTable",
    "Graph",
    "Histogram",
    "Html",
    "Image",
    "JoinedTable",
    "Molecule",
    "Object3D",
    "Plotly",
    "PublicApi",
    "Run",
    "Settings",
    "Table",
    "UsageError",
    "Video",
    "agent",
    "alert",
    "api",
    "apis",
    "attach",
    "box3d",
    "config",
    "controller",
    "define_metric",
    "ensure_configured",
    "env",
    "errors",
    "finish",
    "helper",
    "init",
    "install",
    "join",
    "link_model",
    "log",
    "log_artifact",
    "log_model",
    "login",
    "mark_preempting",
    "patched",
    "pin_config_keys",
    "plot_table",
    "require",
    "restore",
    "run",
    "save",
    "sdk",
    "set_trace",
    "setup",
    "summary",
    "sweep",
    "teardown",
    "termerror",
    "termlog",
    "termsetup",
    "termwarn",
    "unwatch",
    "use_artifact",
    "use_model",
    "util",
    "visualize",
    "wandb_lib",
    "wandb_run",
    "wandb_sdk",
    "watch",
]

_pre_init = {"config": PreInit("wandb.config"), "summary": PreInit("wandb.summary")}

# What wandb keeps of the libraries that it has changed.
patched: dict[str, list[Any]] = {"tensorboard": [], "keras": [], "gym": []}

# A reload runs this again and must not lose the active run.
run: Any = globals().get("run")
config: Any = run.config if run is not None else _pre_init["config"]
summary: Any = run.summary if run is not None else _pre_init["summary"]


def _unbound(name: str) -> Callable[..., Any]:
    """A method of the active run, as a function of the module before there is one."""

    # `from wandb import log` before init keeps this function: it follows the active run.
    def call(*args: Any, **kwargs: Any) -> Any:
        if run is None:
            raise Error(f"You must call wandb.init() before wandb.{name}()")
        return getattr(run, name)(*args, **kwargs)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"`run.{name}` of the active run; before init an Error."
    return call


def _log_without_run(
    data: Mapping[str, Any],
    step: int | None = None,
    commit: bool | None = None,
    sync: bool | None = None,
) -> None:
    """Log to the active run; before init an Error."""
    if run is None:
        raise Error("You must call wandb.init() before wandb.log()")
    run.log(data, step=step, commit=commit)


_functions: dict[str, Callable[..., Any]] = {
    "log": _log_without_run,
    **{
        name: _unbound(name)
        for name in (
            "alert",
            "define_metric",
            "link_model",
            "log_artifact",
            "log_model",
            "mark_preempting",
            "pin_config_keys",
            "save",
            "unwatch",
            "use_artifact",
            "use_model",
            "watch",
        )
    },
}


def _method(name: str) -> Any:
    return getattr(run, name) if run is not None else _functions[name]


alert: Any = _method("alert")
define_metric: Any = _method("define_metric")
link_model: Any = _method("link_model")
log: Any = _method("log")
log_artifact: Any = _method("log_artifact")
log_model: Any = _method("log_model")
mark_preempting: Any = _method("mark_preempting")
pin_config_keys: Any = _method("pin_config_keys")
save: Any = _method("save")
unwatch: Any = _method("unwatch")
use_artifact: Any = _method("use_artifact")
use_model: Any = _method("use_model")
watch: Any = _method("watch")


def _unbind() -> None:
    global run, config, summary
    run = None
    config, summary = _pre_init["config"], _pre_init["summary"]
    globals().update(_functions)


def init(
    entity: str | None = None,
    project: str | None = None,
    dir: Any = None,
    id: str | None = None,
    name: str | None = None,
    notes: str | None = None,
    tags: Any = None,
    config: Any = None,
    config_exclude_keys: list[str] | None = None,
    config_include_keys: list[str] | None = None,
    allow_val_change: bool | None = None,
    group: str | None = None,
    job_type: str | None = None,
    mode: str | None = None,
    force: bool | None = None,
    reinit: bool | str | None = None,
    resume: bool | str | None = None,
    resume_from: str | None = None,
    fork_from: str | None = None,
    save_code: bool | None = None,
    tensorboard: bool | None = None,
    sync_tensorboard: bool | None = None,
    monitor_gym: bool | None = None,
    settings: Any = None,
    anonymous: Any = None,
    magic: Any = None,
) -> Any:
    """Start a run and make it the active one; see `synadb.wandb_compat._init.init`."""
    # Spelled out, since programs look which arguments there are.
    arguments = dict(locals())
    if "_init" in globals():
        return globals()["_init"].init(**arguments)
    import gc

    # The first call imports a few dozen modules: new objects that stay, which set off collections
    # that find nothing.
    collecting = gc.isenabled()
    gc.disable()
    try:
        from synadb.wandb_compat._init import init as start

        return start(**arguments)
    finally:
        if collecting:
            gc.enable()


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """Finish the active run; without one nothing happens."""
    if run is not None:
        run.finish(exit_code, quiet)


join = finish


def attach(attach_id: str | None = None, run_id: str | None = None, *, run: Any = None) -> Any:
    """Log to a run that another process has started; it becomes the active one here."""
    from synadb.wandb_compat._init import attach as attach_to

    return attach_to(attach_id, run_id, run=run)


_attach = attach


def _unpickled(run_id: str, path: str, pid: int) -> Any:
    """A pickled run in the process that unpickles it."""
    from synadb.wandb_compat._init import attach_copy

    return attach_copy(run_id, path, pid)


def restore(
    name: str, run_path: str | None = None, replace: bool = False, root: str | None = None
) -> Any:
    """A file of the active run, or of `run_path`, written below `root` and opened."""
    if run is not None:
        return run.restore(name, run_path, replace, root)
    from synadb.settings import database_path
    from synadb.wandb_compat import _session
    from synadb.wandb_compat._files import restore as get

    return get(
        name,
        run_path,
        replace,
        root,
        run=None,
        open_tracker=lambda: _session.tracker_for(database_path()),
    )


def login(
    key: str | None = None,
    relogin: bool | None = None,
    host: str | None = None,
    force: bool | None = None,
    timeout: int | None = None,
    verify: bool = True,
    referrer: str | None = None,
    prompt: bool = True,
    anonymous: Any = None,
) -> bool:
    """True: there is no account, and nothing to ask for."""
    termlog("login: SynaDB records into a local file and needs no account or key", repeat=False)
    return True


def setup(settings: Any = None) -> Any:
    """Settings for every run of this process; init's own win over them."""
    from synadb.wandb_compat._init import setup as set_up

    return set_up(settings)


def teardown(exit_code: int | None = None) -> None:
    """Finish all runs of this process and forget what `setup` was given."""
    from synadb.wandb_compat import _session

    _session.finish_all(exit_code or 0)
    _session.setup_settings.clear()


_teardown = teardown


def require(requirement: Any = None, experiment: Any = None) -> None:
    """Accepted: what could be required is here already, or has no local meaning."""
    termlog("require: has no effect, nothing needs to be switched on", repeat=False)


def ensure_configured() -> None:
    """Nothing needs to be configured."""
    termlog("ensure_configured: has no effect, SynaDB needs no account or key", repeat=False)


def set_trace() -> None:
    """Stop in the debugger."""
    import pdb

    pdb.set_trace()


def install() -> None:
    """Make `import wandb` mean this package, here and in child processes."""
    from synadb.wandb_compat._install import install as take_its_place

    take_its_place()


def load_ipython_extension(ipython: Any) -> None:
    """Give a notebook `%wandb` and `%%wandb`; `%load_ext wandb` calls it, and the import there."""
    from synadb.wandb_compat.jupyter import load_ipython_extension as load

    load(ipython)


# Imported when they are asked for.
_LAZY = {
    "AlertLevel": "_alerts:AlertLevel",
    "Api": "_apis.api:Api",
    "Artifact": "_artifacts.artifact:Artifact",
    "ArtifactTTL": "_artifacts.state:ArtifactTTL",
    "Audio": "_media.audio:Audio",
    "Classes": "_media.image:Classes",
    "Config": "_config:Config",
    "EvalTable": "_media.table:EvalTable",
    "Graph": "_media.graph:Graph",
    "Histogram": "_media.histogram:Histogram",
    "Html": "_media.html:Html",
    "Image": "_media.image:Image",
    "JoinedTable": "_media.table:JoinedTable",
    "Molecule": "_media.molecule:Molecule",
    "Object3D": "_media.object_3d:Object3D",
    "Plotly": "_media.plotly:Plotly",
    "PublicApi": "_apis.api:Api",
    "Run": "_run:Run",
    "Settings": "_settings:Settings",
    "Table": "_media.table:Table",
    "Video": "_media.video:Video",
    "agent": "_sweeps.agent:agent",
    "agents": "agents",
    "api": "sdk.lib.deprecated_api:api",
    "apis": "apis",
    "box3d": "_media.box3d:box3d",
    "catboost": "integration.catboost",
    "controller": "_sweeps.local:controller",
    "data_types": "data_types",
    "docker": "docker",
    "env": "env",
    "gym": "integration.gym",
    "helper": "sdk.wandb_helper",
    "integration": "integration",
    "jupyter": "jupyter",
    "keras": "integration.keras",
    "lightgbm": "integration.lightgbm",
    "old": "old",
    "plot": "plot",
    "plot_table": "plot.custom_chart:plot_table",
    "sacred": "integration.sacred",
    "sagemaker_auth": "_integrations.sagemaker:sagemaker_auth",
    "sdk": "sdk",
    "sklearn": "integration.sklearn",
    "sweep": "_sweeps.create:sweep",
    "tensorboard": "integration.tensorboard",
    "tensorflow": "integration.tensorflow",
    "trigger": "trigger",
    "util": "util",
    "visualize": "plot.viz:visualize",
    "viz": "plot",
    "wandb_agent": "wandb_agent",
    "wandb_lib": "sdk.lib",
    "wandb_run": "wandb_run",
    "wandb_sdk": "sdk",
    "wandb_torch": "integration.torch.wandb_torch",
    "xgboost": "integration.xgboost",
}


_shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
if _shell is not None:
    load_ipython_extension(_shell)


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)

"""Names of integrations that have no work to do here; they are accepted, and say so once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from synadb.wandb_compat._integrations.autolog import Silent
from synadb.wandb_compat._integrations.library import active_run, not_local

__all__ = [
    "FineTuning",
    "RunPath",
    "WandbDSPyCallback",
    "WandbTracer",
    "active_run_path",
    "add_wandb_visualization",
    "build_project_path",
    "cohere_autolog",
    "diffusers_autolog",
    "ensure_version",
    "init_weave",
    "init_weave_if_imported",
    "kfp_wandb_log",
    "metaflow_wandb_log",
    "openai_autolog",
    "patch_kfp",
    "unpatch_kfp",
    "upload_dataset",
    "wandb_track",
    "wandb_use",
]

cohere_autolog = Silent("cohere")
diffusers_autolog = Silent("diffusers")
openai_autolog = Silent("openai")


class WandbTracer:
    """For `wandb.integration.langchain.WandbTracer`: a callback handler that traces nothing."""

    def __init__(self, run_args: dict[str, Any] | None = None, **kwargs: Any) -> None:
        self.run_args = run_args
        not_local(
            "wandb.integration.langchain.WandbTracer",
            "which traces no chains; langchain_community has one that logs through wandb",
        )

    @classmethod
    def init(cls, run_args: dict[str, Any] | None = None, **kwargs: Any) -> WandbTracer:
        """Make one; it traces nothing."""
        return cls(run_args)

    def finish(self) -> None:
        """Nothing is open."""

    def __getattr__(self, name: str) -> Any:
        # langchain asks a handler what it ignores: ignore_llm, ignore_chain, ...
        if name.startswith("ignore_"):
            return True
        if name in ("raise_error", "run_inline"):
            return False
        if name.startswith("on_"):
            return _nothing
        raise AttributeError(f"'WandbTracer' object has no attribute {name!r}")


def _nothing(*args: Any, **kwargs: Any) -> None:
    pass


class WandbDSPyCallback:
    """For `wandb.integration.dspy.WandbDSPyCallback`: a callback that logs nothing."""

    def __init__(self, log_results: bool = True, run: Any = None) -> None:
        self._run = run if run is not None else active_run("WandbDSPyCallback()")
        self.log_results = log_results
        not_local("wandb.integration.dspy.WandbDSPyCallback", "which follows no DSPy program")

    def log_best_model(self, *args: Any, **kwargs: Any) -> None:
        """Store nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("on_"):
            return _nothing
        raise AttributeError(f"'WandbDSPyCallback' object has no attribute {name!r}")


class FineTuning:
    """For `wandb.integration.openai.fine_tuning.WandbLogger`: jobs at OpenAI are not fetched."""

    @classmethod
    def sync(cls, *args: Any, **kwargs: Any) -> str:
        """Fetch nothing."""
        not_local(
            "wandb.integration.openai.fine_tuning.WandbLogger.sync",
            "which fetches no fine-tuning jobs over the network",
        )
        return "🎉 wandb sync completed successfully"


def _decorator(name: str) -> Callable[..., Any]:
    """A decorator, to be used with arguments or without, that leaves what it decorates alone."""

    def decorate(func: Any = None, **kwargs: Any) -> Any:
        not_local(name, "whose steps are logged with wandb.log inside of them")
        return func if func is not None else lambda one: one

    decorate.__name__ = decorate.__qualname__ = "wandb_log"
    decorate.__doc__ = f"For `{name}`: returns what it is given."
    return decorate


kfp_wandb_log = _decorator("wandb.integration.kfp.wandb_log")
metaflow_wandb_log = _decorator("wandb.integration.metaflow.wandb_log")


def patch_kfp() -> None:
    """Nothing is patched."""


def unpatch_kfp() -> None:
    """Nothing was patched."""


def add_wandb_visualization(run: Any, mlpipeline_ui_metadata_path: str) -> None:
    """Write a file that makes Kubeflow's page show a run: what is known of it now."""
    import json

    page = {"type": "web-app", "storage": "inline", "source": run.to_html()}
    with open(mlpipeline_ui_metadata_path, "w", encoding="utf-8") as file:
        json.dump({"outputs": [page]}, file)


def wandb_track(*args: Any, **kwargs: Any) -> None:
    """Track nothing of a flow of Metaflow."""
    not_local("wandb.integration.metaflow.wandb_track", "which looks at no data of a flow")


def wandb_use(*args: Any, **kwargs: Any) -> None:
    """Note nothing that a flow of Metaflow uses."""
    not_local("wandb.integration.metaflow.wandb_use", "which looks at no data of a flow")


def upload_dataset(dataset_name: str) -> None:
    """Upload nothing from a database of Prodigy; ValueError before `wandb.init`."""
    import synadb.wandb_compat as wandb

    if wandb.run is None:
        raise ValueError("You must call wandb.init() before upload_dataset()")
    not_local(
        "wandb.integration.prodigy.upload_dataset",
        "which does not read Prodigy's database; log a wandb.Table of the examples",
    )


# -- weave ---------------------------------------------------------------------------------------


class RunPath:
    """Where a run is: entity, project and id."""

    def __init__(self, entity: str, project: str, run_id: str) -> None:
        self.entity = entity
        self.project = project
        self.run_id = run_id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunPath) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.entity, self.project, self.run_id))

    def __repr__(self) -> str:
        return f"RunPath({self.entity!r}, {self.project!r}, {self.run_id!r})"


def active_run_path() -> RunPath | None:
    """Where the active run is; None without one."""
    import synadb.wandb_compat as wandb

    run = wandb.run
    return None if run is None else RunPath(run.entity, run.project, run.id)


def build_project_path(entity: str | None, project: str | None) -> str | None:
    """`entity/project`; None where one is missing."""
    return f"{entity}/{project}" if entity and project else None


def ensure_version(*args: Any, **kwargs: Any) -> None:
    """Any version will do: nothing is sent to Weave."""


def init_weave(*args: Any, **kwargs: Any) -> None:
    """Start nothing: Weave has its own server."""
    not_local("wandb.integration.weave.init_weave", "which starts no Weave")


def init_weave_if_imported(*args: Any, **kwargs: Any) -> None:
    """Start nothing: Weave has its own server."""

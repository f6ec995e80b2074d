"""Lightning Fabric: a logger."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.library import library

__all__ = ["WandbLogger"]

_USER = "wandb.integration.lightning.fabric"
_logger: Any = library("lightning.fabric.loggers.logger", _USER, "lightning")
_tools: Any = library("lightning.fabric.utilities.logger", _USER, "lightning")
_ranks: Any = library("lightning.fabric.utilities.rank_zero", _USER, "lightning")
_only_first: Any = _ranks.rank_zero_only

_CHECKPOINT = (
    "monitor",
    "mode",
    "save_last",
    "save_top_k",
    "save_weights_only",
    "_every_n_train_steps",
)


class WandbLogger(_logger.Logger):  # type: ignore[misc]
    """A logger for Fabric and for the Trainer of Lightning.

    The run starts when `experiment` is first asked for; an active one is taken. Rank 0 logs.

    Args:
        name: Name of the run.
        save_dir: Folder of the run.
        version: Id of the run, to go on with one.
        offline: Changes nothing but the mode of the run.
        dir: The same as `save_dir`.
        id: The same as `version`.
        anonymous: Changes nothing.
        project: By default WANDB_PROJECT, or `lightning_fabric_logs`.
        log_model: Store checkpoints as artifacts: "all" while they are saved, True at the end.
        experiment: A run to use.
        prefix: Stands before all keys, with a dash.
        checkpoint_name: Name of the artifacts; by default `model-<run id>`.
        log_checkpoint_on: "success", or "all" for trainings that failed as well.
        **kwargs: Further arguments of `wandb.init`.

    Raises MisconfigurationException for `log_model` offline.
    """

    LOGGER_JOIN_CHAR = "-"

    def __init__(
        self,
        name: str | None = None,
        save_dir: str | os.PathLike[str] | None = ".",
        version: str | None = None,
        offline: bool = False,
        dir: str | os.PathLike[str] | None = None,
        id: str | None = None,
        anonymous: bool | None = None,
        project: str | None = None,
        log_model: Any = False,
        experiment: Any = None,
        prefix: str = "",
        checkpoint_name: str | None = None,
        log_checkpoint_on: str = "success",
        **kwargs: Any,
    ) -> None:
        if offline and log_model:
            errors = library("lightning.fabric.utilities.exceptions", _USER, "lightning")
            raise errors.MisconfigurationException(
                f"Providing log_model={log_model} and offline={offline} is an invalid "
                "configuration; set offline=False to log your model"
            )
        super().__init__()
        self._offline = offline
        self._log_model = log_model
        self._prefix = prefix
        self._experiment = experiment
        self._logged_model_time: dict[str, float] = {}
        self._checkpoint_callback: Any = None
        folder = save_dir if save_dir is not None else dir
        self._wandb_init: dict[str, Any] = {
            "name": name,
            "project": project or os.environ.get("WANDB_PROJECT", "lightning_fabric_logs"),
            "dir": None if folder is None else os.fspath(folder),
            "id": version or id,
            "resume": "allow",
            "anonymous": "allow" if anonymous else None,
            **kwargs,
        }
        self._project = self._wandb_init.get("project")
        self._save_dir = self._wandb_init.get("dir")
        self._name = self._wandb_init.get("name")
        self._id = self._wandb_init.get("id")
        self._checkpoint_name = checkpoint_name
        self._log_checkpoint_on = log_checkpoint_on

    def __getstate__(self) -> dict[str, Any]:
        # The run starts here, so that processes that are spawned can attach to it.
        run = self.experiment
        state = dict(vars(self))
        if run is not None:
            state["_id"] = getattr(run, "id", None)
            state["_attach_id"] = getattr(run, "_attach_id", None)
            state["_name"] = run.name
        state["_experiment"] = None
        return state

    @property
    @_logger.rank_zero_experiment  # type: ignore[untyped-decorator]
    def experiment(self) -> Any:
        """The run; started by the first one who asks."""
        if self._experiment is None:
            self._experiment = self._start()
        return self._experiment

    def _start(self) -> Any:
        if self._offline:
            os.environ["WANDB_MODE"] = "dryrun"
        if wandb.run is not None:
            _ranks.rank_zero_warn(
                "There is a wandb run already in progress and newly created instances of "
                "`WandbLogger` will reuse this run. If this is not desired, call "
                "`wandb.finish()` before instantiating `WandbLogger`."
            )
            return wandb.run
        attach_id = getattr(self, "_attach_id", None)
        if attach_id is not None:
            return wandb.attach(attach_id)
        run = wandb.init(**self._wandb_init)
        run.define_metric("trainer/global_step")
        run.define_metric("*", step_metric="trainer/global_step", step_sync=True)
        return run

    # -- what is logged --------------------------------------------------------------------------

    def watch(
        self, model: Any, log: str = "gradients", log_freq: int = 100, log_graph: bool = True
    ) -> None:
        """Watch a model: see `wandb.watch`."""
        self.experiment.watch(model, log=log, log_freq=log_freq, log_graph=log_graph)

    @_only_first  # type: ignore[untyped-decorator]
    def log_hyperparams(self, params: dict[str, Any] | Namespace) -> None:
        """Put hyperparameters into the config."""
        plain = _tools._sanitize_callable_params(_tools._convert_params(params))
        self.experiment.config.update(plain, allow_val_change=True)

    @_only_first  # type: ignore[untyped-decorator]
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log a row; `step` goes to `trainer/global_step`."""
        row = dict(_tools._add_prefix(metrics, self._prefix, self.LOGGER_JOIN_CHAR))
        if step is not None:
            row["trainer/global_step"] = step
        self.experiment.log(row)

    @_only_first  # type: ignore[untyped-decorator]
    def log_table(
        self,
        key: str,
        columns: list[str] | None = None,
        data: list[list[Any]] | None = None,
        dataframe: Any = None,
        step: int | None = None,
    ) -> None:
        """Log a table: of `columns` and `data`, or of a data frame."""
        table = wandb.Table(columns=columns, data=data, dataframe=dataframe)
        self.log_metrics({key: table}, step)

    @_only_first  # type: ignore[untyped-decorator]
    def log_text(
        self,
        key: str,
        columns: list[str] | None = None,
        data: list[list[str]] | None = None,
        dataframe: Any = None,
        step: int | None = None,
    ) -> None:
        """Log texts as a table."""
        self.log_table(key, columns, data, dataframe, step)

    def _log_media(
        self, kind: str, key: str, values: Any, name: str, step: int | None, options: dict[str, Any]
    ) -> None:
        if not isinstance(values, list):
            raise TypeError(f'Expected a list as "{name}", found {type(values)}')
        for option, given in options.items():
            if len(given) != len(values):
                raise ValueError(
                    f"Expected {len(values)} items but only found {len(given)} for {option}"
                )
        make = getattr(wandb, kind)
        made = [
            make(value, **{option: given[number] for option, given in options.items()})
            for number, value in enumerate(values)
        ]
        self.log_metrics({key: made}, step)

    @_only_first  # type: ignore[untyped-decorator]
    def log_html(self, key: str, htmls: list[Any], step: int | None = None, **kwargs: Any) -> None:
        """Log pages; other arguments are lists, with an entry for each."""
        self._log_media("Html", key, htmls, "htmls", step, kwargs)

    @_only_first  # type: ignore[untyped-decorator]
    def log_image(
        self, key: str, images: list[Any], step: int | None = None, **kwargs: Any
    ) -> None:
        """Log images; other arguments are lists, with an entry for each."""
        self._log_media("Image", key, images, "images", step, kwargs)

    @_only_first  # type: ignore[untyped-decorator]
    def log_audio(
        self, key: str, audios: list[Any], step: int | None = None, **kwargs: Any
    ) -> None:
        """Log sounds; other arguments are lists, with an entry for each."""
        self._log_media("Audio", key, audios, "audios", step, kwargs)

    @_only_first  # type: ignore[untyped-decorator]
    def log_video(
        self, key: str, videos: list[Any], step: int | None = None, **kwargs: Any
    ) -> None:
        """Log videos; other arguments are lists, with an entry for each."""
        self._log_media("Video", key, videos, "videos", step, kwargs)

    @_only_first  # type: ignore[untyped-decorator]
    def save(self) -> None:
        """Close the open row."""
        self.experiment.log({}, commit=True)

    # -- where it is -----------------------------------------------------------------------------

    @property
    def save_dir(self) -> str | None:
        """Folder of the run, as it was given."""
        return self._save_dir

    @property
    def log_dir(self) -> str | None:
        """The same as `save_dir`."""
        return self._save_dir

    @property
    def root_dir(self) -> str | None:
        """The same as `save_dir`."""
        return self._save_dir

    @property
    def name(self) -> str | None:
        """The project; the name of the run is `experiment.name`."""
        return self._project

    @property
    def version(self) -> str | None:
        """Id of the run; before it has started, the one that was given."""
        return self._experiment.id if self._experiment else self._id

    @property
    def group_separator(self) -> str:
        """What stands between the parts of a key."""
        return "/"

    # -- artifacts -------------------------------------------------------------------------------

    @staticmethod
    @_only_first  # type: ignore[untyped-decorator]
    def download_artifact(
        artifact: str,
        save_dir: str | os.PathLike[str] | None = None,
        artifact_type: str | None = None,
        use_artifact: bool | None = True,
    ) -> str:
        """Write the files of an artifact into a folder; the active run then uses it."""
        found = (
            wandb.run.use_artifact(artifact)
            if wandb.run is not None and use_artifact
            else wandb.Api().artifact(artifact, type=artifact_type)
        )
        folder: str = found.download(root=None if save_dir is None else os.fspath(save_dir))
        return folder

    def use_artifact(self, artifact: str, artifact_type: str | None = None) -> Any:
        """Make an artifact an input of the run."""
        return self.experiment.use_artifact(artifact, type=artifact_type)

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Store the checkpoint, or remember that there are some to store at the end."""
        every = self._log_model is True and checkpoint_callback.save_top_k == -1
        if self._log_model == "all" or every:
            self._log_checkpoints(checkpoint_callback)
        elif self._log_model is True:
            self._checkpoint_callback = checkpoint_callback

    @_only_first  # type: ignore[untyped-decorator]
    def finalize(self, status: str) -> None:
        """Store the checkpoints of a training that has ended."""
        if status != "success" and self._log_checkpoint_on != "all":
            return
        if self._checkpoint_callback is not None and self._experiment is not None:
            self._log_checkpoints(self._checkpoint_callback)

    def _log_checkpoints(self, callback: Any) -> None:
        scan = library("lightning.pytorch.loggers.utilities", _USER, "lightning")._scan_checkpoints
        for time, path, score, _ in scan(callback, self._logged_model_time):
            metadata = {
                "score": score.item() if hasattr(score, "item") else score,
                "original_filename": os.path.basename(path),
                # It may be a weak proxy, whose type is another.
                callback.__class__.__name__: {
                    name: getattr(callback, name) for name in _CHECKPOINT if hasattr(callback, name)
                },
            }
            if not self._checkpoint_name:
                self._checkpoint_name = f"model-{self.experiment.id}"
            artifact = wandb.Artifact(name=self._checkpoint_name, type="model", metadata=metadata)
            artifact.add_file(path, name="model.ckpt")
            best = ["best"] if path == callback.best_model_path else []
            self.experiment.log_artifact(artifact, aliases=["latest", *best])
            # The time tells a file of the same name that was written again.
            self._logged_model_time[path] = time

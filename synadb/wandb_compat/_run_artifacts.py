"""The methods of a run that have to do with artifacts; what they do is loaded by the first call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat._lazy import lazy_attribute

if TYPE_CHECKING:
    from synadb.wandb_compat._artifacts.artifact import Artifact

__all__ = ["RunArtifacts"]


class RunArtifacts:
    """A part of `Run`."""

    if TYPE_CHECKING:

        @property
        def group(self) -> str: ...

        def _check_active(self, call: str) -> None: ...

    def log_artifact(
        self,
        artifact_or_path: Any,
        name: str | None = None,
        type: str | None = None,
        aliases: Any = None,
        tags: Any = None,
    ) -> Artifact:
        """Store an artifact as an output of this run, and return it.

        A file, a folder or a URI becomes one: `name` is then by default `run-<id>-<its name>`.
        It is the version `latest` from now on, and has `aliases` (str or list) and `tags`; content
        that the latest version has makes no new one. It is in the database when this returns.
        Raises TypeError for what is no artifact and no path, ValueError for a path that is not
        there, other wrong arguments, and a name that stands for another type.
        """
        self._check_active("log_artifact")
        found: Artifact = _calls().log_artifact(self, artifact_or_path, name, type, aliases, tags)
        return found

    def use_artifact(
        self,
        artifact_or_name: Any,
        type: str | None = None,
        aliases: Any = None,
        use_as: str | None = None,
    ) -> Artifact:
        """Make an artifact an input of this run, and return it.

        `name`, `name:alias` or `name:v3` of this project, or with `project/` or `entity/project/`
        in front; or an Artifact, a draft of which is logged. Raises CommError when there is none,
        or it is not of `type`.
        """
        self._check_active("use_artifact")
        found: Artifact = _calls().use_artifact(self, artifact_or_name, type, aliases, use_as)
        return found

    def log_model(self, path: Any, name: str | None = None, aliases: Any = None) -> None:
        """Store the file or folder as an artifact of type `model`."""
        self._check_active("log_model")
        _calls().log_artifact(self, path, name, "model", aliases)

    def use_model(self, name: str) -> str:
        """Download a model: the path of its file, or of the folder with its files."""
        self._check_active("use_model")
        found: str = _calls().use_model(self, name)
        return found

    def link_model(
        self,
        path: Any,
        registered_model_name: str,
        name: str | None = None,
        aliases: Any = None,
    ) -> Artifact | None:
        """Store a model, and let it stand in the local model registry; returns the link."""
        self._check_active("link_model")
        found: Artifact | None = _calls().link_model(
            self, path, registered_model_name, name, aliases
        )
        return found

    def link_artifact(self, artifact: Any, target_path: str, aliases: Any = None) -> Artifact:
        """Let an artifact stand in another collection too; returns the link.

        A registry is the project `wandb-registry-<name>`; nothing has to be set up for it.
        """
        self._check_active("link_artifact")
        found: Artifact = _calls().link_artifact(self, artifact, target_path, aliases)
        return found

    def upsert_artifact(
        self,
        artifact_or_path: Any,
        name: str | None = None,
        type: str | None = None,
        aliases: Any = None,
        distributed_id: str | None = None,
    ) -> Artifact:
        """Add to a version that several runs write, until one calls `finish_artifact`.

        They have `distributed_id` in common, by default their group.
        """
        return self._log_shared(
            "upsert", artifact_or_path, name, type, aliases, distributed_id, finish=False
        )

    def finish_artifact(
        self,
        artifact_or_path: Any,
        name: str | None = None,
        type: str | None = None,
        aliases: Any = None,
        distributed_id: str | None = None,
    ) -> Artifact:
        """Add to a version that several runs have written, and make it visible."""
        return self._log_shared(
            "finish", artifact_or_path, name, type, aliases, distributed_id, finish=True
        )

    def _log_shared(
        self,
        verb: str,
        artifact_or_path: Any,
        name: str | None,
        type: str | None,
        aliases: Any,
        distributed_id: str | None,
        *,
        finish: bool,
    ) -> Artifact:
        self._check_active(f"{verb}_artifact")
        if distributed_id is None and not self.group:
            raise TypeError(
                f"Cannot {verb} artifact unless run is in a group or distributed_id is provided"
            )
        found: Artifact = _calls().log_artifact(
            self,
            artifact_or_path,
            name,
            type,
            aliases,
            distributed_id=self.group if distributed_id is None else distributed_id,
            finish=finish,
        )
        return found

    def log_code(
        self,
        root: str | None = ".",
        name: str | None = None,
        include_fn: Callable[..., bool] | None = None,
        exclude_fn: Callable[..., bool] | None = None,
    ) -> Artifact | None:
        """Store the code below `root` as an artifact; None where there is none.

        By default *.py, requirements.txt and Dockerfiles; the functions get the path, and the root
        if they take two arguments.
        """
        self._check_active("log_code")
        found: Artifact | None = _calls().log_code(self, root, name, include_fn, exclude_fn)
        return found

    def logged_artifacts(self) -> list[Artifact]:
        """The artifacts that this run has logged."""
        found: list[Artifact] = _calls().logged_artifacts(self)
        return found

    def used_artifacts(self) -> list[Artifact]:
        """The artifacts that this run uses."""
        found: list[Artifact] = _calls().used_artifacts(self)
        return found

    def _use_in_config(self, value: Any) -> Artifact:
        """What a value of the config that names an artifact is read back as: an input."""
        self._check_active("config.update")
        found: Artifact = _calls().config_artifact(self, value)
        return found


def _calls() -> Any:
    """The module that does it. It leads back to runs, and is imported by the first call."""
    return lazy_attribute(__name__, {"of_run": "_artifacts.of_run"}, "of_run")

"""What a run does with artifacts: logging, using and linking them.

An artifact is in the database, whole, when the call that logs it returns: nothing that comes after
it, a SIGKILL included, can lose it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from synadb.errors import (
    ArtifactNotFoundError,
    InvalidValueError,
    RunNotFoundError,
    StorageError,
)
from synadb.wandb_compat._artifacts.artifact import Artifact
from synadb.wandb_compat._artifacts.logged import artifact_of, find_version
from synadb.wandb_compat._artifacts.names import (
    is_version,
    parse_path,
    safe_name,
    valid_aliases,
    valid_metadata,
    valid_tags,
)
from synadb.wandb_compat._term import termwarn
from synadb.wandb_compat.errors import CommError

if TYPE_CHECKING:
    from synadb.artifact_records import VersionRecord
    from synadb.wandb_compat._run import Run

__all__ = [
    "config_artifact",
    "link_artifact",
    "link_model",
    "log_artifact",
    "log_code",
    "logged_artifacts",
    "use_artifact",
    "use_model",
    "used_artifacts",
]

_PREFIX = "wandb-artifact://"


# -- logging -------------------------------------------------------------------------------------


def log_artifact(
    run: Run,
    artifact_or_path: Any,
    name: str | None = None,
    type: str | None = None,
    aliases: Any = None,
    tags: Any = None,
    *,
    distributed_id: str | None = None,
    finish: bool = True,
) -> Artifact:
    """Log an artifact, or one of a file, a folder or a URI; see `Run.log_artifact`.

    With `distributed_id` its content is added to the version that has this in common; `finish`
    makes that one visible.
    """
    given = _user_aliases(aliases)
    labels = valid_tags(tags) if tags is not None else []
    artifact = _prepared(run, artifact_or_path, name, type)
    artifact.finalize()
    artifact._metadata = valid_metadata(artifact._metadata)
    artifact.distributed_id = distributed_id
    if artifact._base_project not in (None, run.project):
        raise ValueError(
            f"Artifact {artifact.name} exists in project {artifact._base_project!r}; "
            f"it can't be moved to {run.project!r}"
        )
    with artifact._lock, _wandb_errors(run, artifact):
        _store(run, artifact, given, labels, finish=finish)
    return artifact


def _user_aliases(aliases: Any) -> list[str]:
    found = valid_aliases(aliases) if aliases is not None else []
    for alias in filter(is_version, found):
        termwarn(f"the alias {alias!r} is left out: such names are those of versions")
    return [alias for alias in found if not is_version(alias)]


def _prepared(run: Run, value: Any, name: str | None, type: str | None) -> Artifact:
    if isinstance(value, Artifact):
        return value
    if not isinstance(value, str | os.PathLike):
        raise TypeError(
            "You must pass an instance of wandb.Artifact or a valid file path to log_artifact, "
            f"not {value!r}"
        )
    path = os.fspath(value)
    artifact = Artifact(name or f"run-{run.id}-{os.path.basename(path)}", type or "unspecified")
    if os.path.isfile(path):
        artifact.add_file(path)
    elif os.path.isdir(path):
        artifact.add_dir(path)
    elif "://" in path:
        artifact.add_reference(path)
    else:
        raise ValueError(
            f"path must be a file, directory or external reference like s3://bucket/path: {path!r}"
        )
    return artifact


def _store(
    run: Run, artifact: Artifact, aliases: list[str], tags: list[str], *, finish: bool
) -> None:
    library = run._tracker.artifacts
    logged = artifact._version
    if logged is not None:
        # Content that is there already; other artifacts may have come after it.
        draft = library.draft()
        draft.add_version(logged)
        name = logged.collection
    else:
        draft = artifact._complete_draft()
        name = artifact.name
    fields: dict[str, Any] = {
        "type": artifact.type,
        "project": run.project,
        "run_id": run._native.run_id,
        "step": run.step,
        "aliases": aliases,
        "tags": tags,
        "description": artifact.description,
        "metadata": artifact.metadata,
        "ttl": artifact._ttl_seconds,
        "incremental": bool(artifact.incremental),
    }
    shared = artifact.distributed_id
    artifact._entity = run.entity
    if shared is None:
        version = library.commit(draft, name, **fields)
    else:
        version = library.upsert(draft, name, shared, **fields)
        if not finish:
            artifact._await(run._tracker, version)
            return
        version = library.finish(name, shared, project=run.project)
    artifact._take(run._tracker, version)


@contextlib.contextmanager
def _wandb_errors(run: Run, artifact: Artifact) -> Iterator[None]:
    try:
        yield
    except InvalidValueError as error:
        collection = artifact.name.partition(":")[0]
        with contextlib.suppress(ArtifactNotFoundError):
            known = run._tracker.artifacts.collection(collection, project=run.project)
            if known.type != artifact.type:
                raise ValueError(
                    f"Artifact {collection} already exists with type '{known.type}'; cannot "
                    f"create another with type '{artifact.type}'"
                ) from None
        raise ValueError(str(error)) from error
    except (ArtifactNotFoundError, StorageError, RunNotFoundError) as error:
        raise CommError(f"artifact {artifact.name} cannot be stored: {error}", error) from error


def log_code(
    run: Run,
    root: str | None,
    name: str | None,
    include_fn: Callable[..., bool] | None,
    exclude_fn: Callable[..., bool] | None,
) -> Artifact | None:
    """Log the code below a folder; None, and a warning, where there is none."""
    from synadb.wandb_compat._files import code_files
    from synadb.wandb_compat.util import make_artifact_name_safe

    if name is None:
        program = run._settings.program_relpath
        name = make_artifact_name_safe(f"source-{run.project}-{program}")
    artifact = Artifact.__new__(Artifact)
    artifact._begin(safe_name(name), "code")
    files = {} if root is None else code_files(root, include_fn, exclude_fn)
    for inside, path in files.items():
        artifact.add_file(path, inside)
    if not files:
        termwarn(
            "No relevant files were detected in the specified directory. "
            "No code will be logged to your run."
        )
        return None
    return log_artifact(run, artifact)


# -- using ---------------------------------------------------------------------------------------


def use_artifact(
    run: Run, value: Any, type: str | None = None, aliases: Any = None, use_as: Any = None
) -> Artifact:
    """Make an artifact an input of a run; see `Run.use_artifact`."""
    if use_as is not None:
        termwarn(
            "`use_as` argument is deprecated and does not affect the behaviour of "
            "`run.use_artifact`",
            repeat=False,
        )
    if isinstance(value, str):
        artifact = _named(run, value, type)
    elif isinstance(value, Artifact):
        artifact = value
        if artifact.is_draft():
            log_artifact(run, artifact, aliases=aliases)
    else:
        raise ValueError(
            'You must pass an artifact name (e.g. "pedestrian-dataset:v1"), an instance of '
            f"`wandb.Artifact`, or `wandb.Api().artifact()` to `use_artifact`, not {value!r}"
        )
    version = artifact._version
    if version is None or artifact._database != run._tracker.path:
        # An input from another database is not in this one's lineage.
        return artifact
    try:
        run._tracker.artifacts.use(version, run._native.run_id)
    except ArtifactNotFoundError as error:
        raise CommError(str(error), error) from error
    return artifact


def _named(run: Run, name: str, type: str | None) -> Artifact:
    library = run._tracker.artifacts
    version: VersionRecord | None = None
    if name.startswith(_PREFIX):
        # What a config says of an artifact: its id, or its name.
        version = library.find(name.removeprefix(_PREFIX).strip("/"))
    if version is None:
        if name.rpartition("/")[2].startswith(f"run-{run.id}-"):
            run._settle_media()  # a table that this run has logged, perhaps just now
        version = find_version(library, name, project=run.project, type=type)
        entity = parse_path(name).entity
    else:
        entity = None
    return artifact_of(run._tracker, version, entity or run.entity)


def use_model(run: Run, name: str) -> str:
    """Download a model; the path of its file, or of the folder with its files."""
    artifact = use_artifact(run, name)
    if "model" not in artifact.type.lower():
        raise AssertionError(
            "You can only use this method for 'model' artifacts. For an artifact to be a 'model' "
            f"artifact, its type property must contain the substring 'model'; {artifact.name} is "
            f"of type {artifact.type!r}."
        )
    folder = artifact.download()
    inside = os.listdir(folder)
    return os.path.join(folder, inside[0]) if len(inside) == 1 else folder


def logged_artifacts(run: Run) -> list[Artifact]:
    """What a run has logged so far."""
    run._settle_media()
    found = run._tracker.artifacts.outputs(run._native.run_id)
    return [artifact_of(run._tracker, version, run.entity) for version in found]


def used_artifacts(run: Run) -> list[Artifact]:
    """What a run uses."""
    found = run._tracker.artifacts.inputs(run._native.run_id)
    return [artifact_of(run._tracker, version, run.entity) for version in found]


def config_artifact(run: Run, value: Any) -> Artifact:
    """The artifact that a value of a config stands for, which becomes an input of the run.

    The value is an Artifact, what `json_encode` says of one, or `wandb-artifact://` and a path.
    """
    if isinstance(value, dict):
        version = run._tracker.artifacts.find(str(value.get("id")))
        if version is None:
            raise CommError(f"there is no artifact with the id {value.get('id')!r}")
        value = artifact_of(run._tracker, version, run.entity)
    return use_artifact(run, value)


# -- linking -------------------------------------------------------------------------------------


def link_artifact(run: Run, artifact: Any, target_path: str, aliases: Any = None) -> Artifact:
    """Let an artifact stand in another collection too; returns the link."""
    if not isinstance(artifact, Artifact):
        raise TypeError(f"link_artifact takes a wandb.Artifact, not {artifact!r}")
    given: Artifact = artifact
    if given.is_draft():
        given = log_artifact(run, given)
    place = parse_path(target_path)
    target = target_path if place.project else f"{run.project}/{target_path.strip('/')}"
    return given.link(target, aliases)


def link_model(
    run: Run, path: Any, registered_model_name: str, name: str | None = None, aliases: Any = None
) -> Artifact:
    """Log a model and link it to `model-registry`; returns the link."""
    if "/" in registered_model_name:
        raise AssertionError(
            "Please provide only the name of the registered model. Do not append the entity or "
            "project name."
        )
    kind = "model"
    if name is not None:
        with contextlib.suppress(ArtifactNotFoundError):
            kind = run._tracker.artifacts.collection(name, project=run.project).type
        if "model" not in kind.lower():
            raise AssertionError(
                f"You can only use this method for 'model' artifacts; {name} is of type {kind!r}."
            )
    artifact = log_artifact(run, path, name, kind)
    return link_artifact(run, artifact, f"model-registry/{registered_model_name}", aliases)

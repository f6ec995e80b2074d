"""Paths of runs, projects and artifacts as texts, in every form that wandb takes."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["RunPath", "artifact_path", "project_path", "run_path"]


class RunPath(NamedTuple):
    """What a path names; None for a part that it leaves out."""

    entity: str | None
    project: str | None
    id: str


def run_path(path: Any) -> RunPath:
    """Parse the path of a run or a sweep; ValueError.

    `entity/project/id`, `entity/project/runs/id`, `entity/project:id`, `project/id`, `project:id`
    and `id`, slashes and blanks around them ignored; and the URL that a run says it has.
    """
    if not isinstance(path, str):
        raise ValueError(f"Invalid path: {path!r} (a str such as 'project/id' is wanted)")
    text = path
    if text.startswith("file://") and "#" in text:
        text = text.rpartition("#")[2]
    for word in ("/runs/", "/sweeps/"):
        text = text.replace(word, "/")
    parts = [part.strip() for part in text.strip("/ ").split("/")]
    if len(parts) < 3 and ":" in parts[-1]:
        parts[-1:] = [part.strip() for part in parts[-1].split(":", 1)]
    if len(parts) > 3 or not all(parts):
        raise ValueError(f"Invalid path: {path!r} (use 'entity/project/id', 'project/id' or 'id')")
    entity, project, name = [None] * (3 - len(parts)) + parts
    assert name is not None
    return RunPath(entity, project, name)


def project_path(path: Any) -> tuple[str | None, str | None]:
    """Entity and project of `entity/project` or `project`; ValueError."""
    if path is None:
        return None, None
    if not isinstance(path, str):
        raise ValueError(f"Invalid path: {path!r} (a str such as 'entity/project' is wanted)")
    parts = [part.strip() for part in path.strip("/ ").split("/")]
    if parts == [""]:
        return None, None
    if len(parts) > 2 or not all(parts):
        raise ValueError(f"Invalid path: {path!r} (use 'entity/project' or 'project')")
    return (None, parts[0]) if len(parts) == 1 else (parts[0], parts[1])


def artifact_path(name: Any) -> tuple[str | None, str | None, str]:
    """Entity, project and `name[:alias]` of an artifact; ValueError."""
    if not isinstance(name, str) or not name.strip("/ "):
        raise ValueError("You must specify name= to fetch an artifact.")
    text = name.strip("/ ").removeprefix("wandb-artifact://")
    parts = [part.strip() for part in text.split("/")]
    if len(parts) > 3 or not all(parts):
        raise ValueError(
            f"Invalid artifact path: {name!r} (use 'entity/project/name:alias', or less of it)"
        )
    entity, project, rest = [None] * (3 - len(parts)) + parts
    assert rest is not None
    return entity, project, rest

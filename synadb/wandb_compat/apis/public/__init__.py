"""`wandb.apis.public`: what `wandb.Api` returns."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir

__all__ = [
    "Api",
    "ArtifactCollection",
    "ArtifactCollections",
    "ArtifactFiles",
    "ArtifactType",
    "ArtifactTypes",
    "Artifacts",
    "ConsoleLogLine",
    "ConsoleLogs",
    "File",
    "Files",
    "HistoryScan",
    "Member",
    "Project",
    "ProjectArtifactCollections",
    "Projects",
    "QueryGenerator",
    "Run",
    "RunArtifacts",
    "RunNotFoundError",
    "Runs",
    "Sweep",
    "Sweeps",
    "Team",
    "User",
    "api",
    "artifacts",
    "console_logs",
    "files",
    "history",
    "projects",
    "query_generator",
    "runs",
    "summary",
    "sweeps",
    "teams",
    "users",
]

_LAZY = {
    "Api": "_apis.api:Api",
    "ArtifactCollection": "_apis.artifacts:ArtifactCollection",
    "ArtifactCollections": "_apis.artifacts:ArtifactCollections",
    "ArtifactFiles": "_apis.artifacts:ArtifactFiles",
    "ArtifactType": "_apis.artifacts:ArtifactType",
    "ArtifactTypes": "_apis.artifacts:ArtifactTypes",
    "Artifacts": "_apis.artifacts:Artifacts",
    "ConsoleLogLine": "_apis.console:ConsoleLogLine",
    "ConsoleLogs": "_apis.console:ConsoleLogs",
    "File": "_apis.files:File",
    "Files": "_apis.files:Files",
    "HistoryScan": "_apis.history:HistoryScan",
    "Member": "_apis.users:Member",
    "Project": "_apis.projects:Project",
    "ProjectArtifactCollections": "_apis.artifacts:ProjectArtifactCollections",
    "Projects": "_apis.projects:Projects",
    "QueryGenerator": "_apis.query_generator:QueryGenerator",
    "Run": "_apis.runs:Run",
    "RunArtifacts": "_apis.artifacts:RunArtifacts",
    "RunNotFoundError": "_apis.runs:RunNotFoundError",
    "Runs": "_apis.runs:Runs",
    "Sweep": "_apis.sweeps:Sweep",
    "Sweeps": "_apis.sweeps:Sweeps",
    "Team": "_apis.users:Team",
    "User": "_apis.users:User",
    "api": "apis.public.api",
    "artifacts": "apis.public.artifacts",
    "console_logs": "apis.public.console_logs",
    "files": "apis.public.files",
    "history": "apis.public.history",
    "projects": "apis.public.projects",
    "query_generator": "apis.public.query_generator",
    "runs": "apis.public.runs",
    "summary": "apis.public.summary",
    "sweeps": "apis.public.sweeps",
    "teams": "apis.public.teams",
    "users": "apis.public.users",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)

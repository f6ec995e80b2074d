"""`wandb.docker`: names of images, and questions to the docker of this machine.

Nothing is built, pushed or pulled: wandb does that for jobs, which its service runs.
"""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat._lazy import lazy_attribute, lazy_dir
from synadb.wandb_compat._term import termerror
from synadb.wandb_compat.docker.names import resolve_repository_name
from synadb.wandb_compat.errors import Error

__all__ = [
    "DockerError",
    "default_image",
    "image_id",
    "is_buildx_installed",
    "is_docker_installed",
    "names",
    "parse",
    "parse_repository_tag",
    "shell",
]

_LAZY = {"names": "docker.names"}


class DockerError(Error):
    """A command of docker that has failed."""

    def __init__(
        self,
        command_launched: list[str],
        return_code: int,
        stdout: bytes | None = None,
        stderr: bytes | None = None,
    ) -> None:
        self.command_launched = command_launched
        self.return_code = return_code
        self.stdout = stdout
        self.stderr = stderr
        super().__init__(f"`{' '.join(command_launched)}` has failed with code {return_code}")


def shell(cmd: list[str]) -> str | None:
    """What `docker CMD` writes to stdout; None if it fails, and then why is on stderr."""
    import subprocess

    try:
        done = subprocess.run(["docker", *cmd], capture_output=True, text=True, check=True)
    except (subprocess.CalledProcessError, OSError) as error:
        termerror(f"docker {' '.join(cmd)}: {getattr(error, 'stderr', None) or error}")
        return None
    return done.stdout.strip()


def is_docker_installed() -> bool:
    """Whether there is a docker command that works."""
    return _works(["docker", "--version"])


def is_buildx_installed() -> bool:
    """Whether it can build by buildx."""
    return _works(["docker", "buildx", "version"])


def _works(command: list[str]) -> bool:
    import subprocess

    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def default_image(gpu: bool = False) -> str:
    """The image that wandb suggests for a job."""
    return "wandb/deepo:all" if gpu else "wandb/deepo:all-cpu"


def parse_repository_tag(repo_name: str) -> tuple[str, str | None]:
    """The name of an image, and its tag or digest."""
    name, at, digest = repo_name.partition("@")
    if at:
        return name, digest
    name, colon, tag = repo_name.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (repo_name, None)


def parse(image_name: str) -> tuple[str, str, str]:
    """Registry, name and tag of an image."""
    name, tag = parse_repository_tag(image_name)
    registry, repository = resolve_repository_name(name)
    if registry == "docker.io":
        registry = "index.docker.io"
    return registry, repository, tag or "latest"


def image_id(image_name: str) -> str | None:
    """The name of an image with its digest, as the docker of this machine has it; None if not."""
    import json

    if "@sha256:" in image_name:
        return image_name
    digests = shell(["inspect", image_name, "--format", "{{json .RepoDigests}}"])
    found: list[str] = json.loads(digests) if digests else []
    return found[0] if found else None


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return lazy_dir(__name__, _LAZY)

"""What artifacts raise."""

from __future__ import annotations

from typing import Any

from synadb.wandb_compat.errors import CommError, Error

__all__ = [
    "ArtifactFinalizedError",
    "ArtifactMissingError",
    "ArtifactNotLoggedError",
    "ArtifactStatusError",
    "TooFewItemsError",
    "TooManyItemsError",
    "WaitTimeoutError",
]


class ArtifactStatusError(AttributeError):
    """The artifact is in a state in which this cannot be done."""

    def __init__(
        self,
        msg: str = "Artifact is in an invalid state for the requested operation.",
        name: str | None = None,
        obj: Any = None,
    ) -> None:
        super().__init__(msg, name=name, obj=obj)


class ArtifactNotLoggedError(ArtifactStatusError):
    """What a version has, and this artifact has not been logged."""

    def __init__(self, fullname: str, obj: Any) -> None:
        super().__init__(
            f"{fullname!r} used prior to logging artifact: pass it to run.log_artifact() first",
            fullname.rpartition(".")[2],
            obj,
        )


class ArtifactFinalizedError(ArtifactStatusError):
    """A change of content that has been logged."""

    def __init__(self, fullname: str, obj: Any) -> None:
        super().__init__(
            f"{fullname!r} used on logged artifact. Can't modify finalized artifact: "
            "artifact.new_draft() begins the next version",
            fullname.rpartition(".")[2],
            obj,
        )


class WaitTimeoutError(Error):
    """`wait(timeout)` came to its end; never raised here, as nothing is left to wait for."""


class ArtifactMissingError(CommError, ValueError):
    """There is no such artifact, or it is of another type."""


class TooFewItemsError(ValueError):
    """Fewer items than expected."""


class TooManyItemsError(ValueError):
    """More items than expected."""

"""`wandb.api`: what little of it scripts still ask for."""

from __future__ import annotations

import os
from typing import Any

from synadb.wandb_compat import ensure_configured
from synadb.wandb_compat._lazy import lazy_attribute
from synadb.wandb_compat._term import termlog

__all__ = ["DeprecatedApi", "ensure_configured"]

# As long as a real one. Libraries look whether there is a key, and refuse to log without.
_LOCAL_KEY = "local".ljust(40, "0")


class DeprecatedApi:
    """The object `wandb.api`; whoever works on this machine is its user."""

    @property
    def api_key(self) -> str:
        """WANDB_API_KEY if that is set, else a placeholder: there is no account."""
        given = os.environ.get("WANDB_API_KEY")
        if given:
            return given
        termlog("wandb.api.api_key is a placeholder: SynaDB needs no account", repeat=False)
        return _LOCAL_KEY

    @property
    def default_entity(self) -> str:
        """The entity from the settings, else the name of the user."""
        from synadb.wandb_compat import setup

        settings = setup().settings
        return settings.entity or settings.username or _user()

    def viewer(self) -> dict[str, Any]:
        """Who is logged in: the user of this machine."""
        entity = self.default_entity
        return {"entity": entity, "username": entity, "teams": {"edges": []}, "flags": "{}"}


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user id without a name, as in some containers
        return "user"


api = DeprecatedApi()


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, {}, name)

"""`wandb.apis.public.users` and `.teams`: who there is, which is the user of this machine."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from synadb.wandb_compat._apis.attrs import Attrs
from synadb.wandb_compat._apis.errors import not_here, unsupported

__all__ = ["Member", "Team", "User", "local_user"]

_NO_ACCOUNTS = "there are no accounts, only the user of this machine"


class User(Attrs):
    """A user: `username`, `name`, `email`, `entity`, `teams`."""

    def __init__(self, attrs: Mapping[str, Any], api_key: str | None = None) -> None:
        super().__init__(attrs)
        self._api_key = api_key

    @classmethod
    def create(cls, api: Any, email: str, admin: bool | None = False) -> User:
        """Not supported: there are no accounts."""
        unsupported("User.create()", _NO_ACCOUNTS)

    @property
    def user_api(self) -> Any:
        """An Api of this user, where it is known by a key."""
        if self._api_key is None:
            return None
        return sys.modules["synadb.wandb_compat"].Api(api_key=self._api_key)

    @property
    def api_keys(self) -> list[str]:
        """The names of the user's keys: there are none."""
        return [edge["node"]["name"] for edge in self._attrs.get("apiKeys", {}).get("edges", ())]

    @property
    def teams(self) -> list[str]:
        """The names of the user's teams."""
        return [edge["node"]["name"] for edge in self._attrs.get("teams", {}).get("edges", ())]

    delete_api_key = not_here("User.delete_api_key()", _NO_ACCOUNTS)
    generate_api_key = not_here("User.generate_api_key()", _NO_ACCOUNTS)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, User) and self._attrs.get("id") == other._attrs.get("id")

    def __hash__(self) -> int:
        return hash(self._attrs.get("id"))

    def __repr__(self) -> str:
        known = (self._attrs.get(key) for key in ("email", "username", "id", "name"))
        return f"<User {next((text for text in known if text), '???')}>"


def local_user(entity: str, username: str, api_key: str | None = None) -> User:
    """The user of this machine."""
    return User(
        {
            "id": username,
            "name": username,
            "username": username,
            "email": None,
            "admin": True,
            "flags": "{}",
            "entity": entity,
            "deletedAt": None,
            "apiKeys": {"edges": []},
            "teams": {"edges": [{"node": {"name": entity}}]},
        },
        api_key,
    )


class Member(Attrs):
    """A member of a team."""

    def __init__(self, team: str, attrs: Mapping[str, Any]) -> None:
        super().__init__(attrs)
        self.team = team

    delete = not_here("Member.delete()", _NO_ACCOUNTS)

    def __repr__(self) -> str:
        return f"<Member {self.name} ({self.account_type})>"


class Team(Attrs):
    """A team: any entity is one, of the user of this machine alone."""

    def __init__(self, name: str, user: User) -> None:
        member = {**user._attrs, "accountType": "ADMIN"}
        super().__init__({"name": name, "available": False, "members": [Member(name, member)]})
        self.name = name

    @classmethod
    def create(cls, api: Any, team: str, admin_username: str | None = None) -> Team:
        """Not supported: there are no accounts."""
        unsupported("Team.create()", _NO_ACCOUNTS)

    def load(self, force: bool = False) -> dict[str, Any]:
        """The fields of the team."""
        return self._attrs

    invite = not_here("Team.invite()", _NO_ACCOUNTS)
    create_service_account = not_here("Team.create_service_account()", _NO_ACCOUNTS)

    def __repr__(self) -> str:
        return f"<Team {self.name}>"

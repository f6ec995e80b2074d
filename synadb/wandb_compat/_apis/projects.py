"""`wandb.apis.public.projects`: the projects of the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synadb.wandb_compat._apis import artifacts
from synadb.wandb_compat._apis.attrs import Attrs, iso_time
from synadb.wandb_compat._apis.errors import NotFoundError, normalize_exceptions
from synadb.wandb_compat._apis.pages import Paginator
from synadb.wandb_compat._apis.source import Source, projects_of, url
from synadb.wandb_compat._apis.sweeps import Sweeps
from synadb.wandb_compat._apis.users import User

if TYPE_CHECKING:
    from synadb.tracker import ExperimentTracker

__all__ = ["Project", "Projects"]


class Project(Attrs):
    """A project: its runs, and its artifacts. It is looked up when something of it is asked."""

    def __init__(self, source: Source, entity: str, name: str, user: User) -> None:
        super().__init__({})
        self.entity = entity
        self.name = name
        self._source = source
        self._user = user

    def _found(self) -> tuple[ExperimentTracker, str]:
        found = self._source.project(self.name)
        if found is None:
            raise NotFoundError(f"Could not find project {self.name}")
        return found

    def _load(self) -> dict[str, Any]:
        if not self._attrs:
            tracker, name = self._found()
            oldest = tracker.query(None, "created_at", 1, experiment=name, light=True)
            self._attrs = {
                "id": f"Project:v1:{name}:{self.entity}",
                "name": name,
                "entityName": self.entity,
                "createdAt": iso_time(oldest[0].created_at) if oldest else None,
                "isBenchmark": False,
            }
        return self._attrs

    @property
    def id(self) -> str:
        """The project's id; NotFoundError (a ValueError) when there is no such project."""
        return str(self._load()["id"])

    @property
    def owner(self) -> User:
        """The user of this machine."""
        self._load()
        return self._user

    @property
    def path(self) -> list[str]:
        """`[entity, name]`."""
        return [self.entity, self.name]

    @property
    def url(self) -> str:
        """Where the project lies: the database file's URL, with the project as fragment."""
        found = self._source.project(self.name)
        path = found[0].path if found else self._source.paths()[0]
        return url(path, self.name, "workspace")

    @normalize_exceptions
    def artifacts_types(self, per_page: int = 50) -> artifacts.ArtifactTypes:
        """The types of artifacts that the project has."""
        return artifacts.ArtifactTypes(self._source, self.entity, self.name, per_page)

    @normalize_exceptions
    def collections(
        self,
        filters: Mapping[str, Any] | None = None,
        order: str | None = None,
        per_page: int = 50,
    ) -> artifacts.ProjectArtifactCollections:
        """The project's artifact collections, of every type."""
        return artifacts.ProjectArtifactCollections(
            self._source, self.entity, self.name, filters, order, per_page
        )

    def sweeps(
        self,
        per_page: int = 50,
        filters: Mapping[str, Any] | None = None,
        order: str | None = None,
    ) -> Sweeps:
        """The project's sweeps."""
        return Sweeps(self._source, self.entity, self.name, self._user, per_page, filters, order)

    def to_html(self, height: int = 420, hidden: bool = False) -> str:
        """The project as a piece of HTML."""
        from html import escape

        place = escape(self.url, quote=True)
        text = f'<p>Project <a href="{place}">{escape("/".join(self.path))}</a></p>'
        return f'<div style="display:none">{text}</div>' if hidden else text

    def _repr_html_(self) -> str:
        return self.to_html()

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            self._load()
        return super().__getattr__(name)

    def __repr__(self) -> str:
        return f"<Project {'/'.join(self.path)}>"


class Projects(Paginator[Project]):
    """All projects, in the order of their first use."""

    def __init__(self, source: Source, entity: str, user: User, per_page: int = 50) -> None:
        super().__init__(per_page)
        self.entity = entity
        self._source = source
        self._user = user
        self._names: list[str] = []

    def _total(self) -> int:
        known = (name for tracker in self._source.trackers() for name in projects_of(tracker))
        self._names = list(dict.fromkeys(known))
        return len(self._names)

    def _page(self, offset: int, limit: int) -> Sequence[Project]:
        names = self._names[offset : offset + limit]
        return [Project(self._source, self.entity, name, self._user) for name in names]

    def __repr__(self) -> str:
        return f"<Projects {self.entity}>"

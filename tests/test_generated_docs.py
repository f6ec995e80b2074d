"""The pages that are made from the code are what the code gives now."""

from __future__ import annotations

import re
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import synadb.wandb_compat as wandb
from synadb import ExperimentTracker
from synadb.wandb_compat import _support
from tests import compatibility, reference
from tests.conftest import ROOT
from tests.surface_report import check, look_up

if TYPE_CHECKING:
    from tests.conftest import RunScript

DROP_IN = ROOT / "synadb" / "wandb_compat"
TABLES = ("NO_EFFECT", "PARTLY", "DIFFERENT")


@pytest.mark.parametrize("made", [compatibility, reference])
def test_the_page_is_current(made: ModuleType) -> None:
    before = made.PAGE.read_text(encoding="utf-8")
    assert made.START in before
    assert before == made.page(before), f"run: python -m {made.__name__}"


# --- compatibility ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def surface() -> dict[str, compatibility.Name]:
    return {name.name: name for names in compatibility.surface().values() for name in names}


@pytest.mark.parametrize("table", TABLES)
def test_what_is_told_of_is_there(table: str) -> None:
    names = map(compatibility.whole, getattr(_support, table))
    assert [name for name in names if check(name, "")] == []


def test_nothing_is_told_of_twice() -> None:
    names = [name for table in TABLES for name in getattr(_support, table)]
    assert len(names) == len(set(names))


def test_what_says_that_it_has_no_effect_is_told_of() -> None:
    call = re.compile(r"\b(?:not_local|_decorator)\(\s*\"wandb\.([\w.]+)\"")
    sources = [path.read_text(encoding="utf-8") for path in DROP_IN.rglob("*.py")]
    said = {name for source in sources for name in call.findall(source)}
    assert "sagemaker_auth" in said
    assert {name for name in said if not is_told(name)} == set()


def is_told(name: str) -> bool:
    """Whether it, or what it belongs to, is among the names without effect."""
    parts = name.split(".")
    return any(".".join(parts[:end]) in _support.NO_EFFECT for end in range(1, len(parts) + 1))


def test_degrees(surface: dict[str, compatibility.Name]) -> None:
    found = {
        name: surface[name].degree
        for name in ("init", "log", "alert", "login", "Api.job", "sdk.launch", "wandb sync")
    }
    assert found == {
        "init": "full",
        "log": "full",
        "alert": "partly",
        "login": "no-op",
        "Api.job": "refused",
        "sdk.launch": "refused",
        "wandb sync": "refused",
    }
    assert surface["Settings.project"].degree == "full"
    assert surface["Settings.x_service_wait"].degree == "no-op"
    assert surface["sdk.login"].why == surface["login"].why  # another name of the same


def test_what_is_refused_raises(surface: dict[str, compatibility.Name]) -> None:
    tried = 0
    for name in surface.values():
        if name.degree != "refused" or name.name.startswith("wandb "):
            continue
        try:
            found: Any = look_up(name.name)
        except (AttributeError, ImportError):
            continue
        with pytest.raises((wandb.Error, NotImplementedError), match="not supported"):
            found(None, "x") if "history_exports" in name.name else found(None)
        tried += 1
    assert tried


NO_EFFECT = """
import synadb.wandb_compat as wandb

def recorded(run):
    found = wandb.Api().run(run.path)
    return found.config, found.tags, list(found.scan_history()), found.metadata, run.step

with wandb.init(project="p", config={"a": 1}, anonymous="must", force=True) as run:
    run.log({"x": 1})
    before = recorded(run)
    assert wandb.login() is True
    wandb.require("report-editing:v0")
    wandb.ensure_configured()
    wandb.sagemaker_auth()
    run._label(code="trainer")
    assert run.status().sync_items_pending == 0
    assert recorded(run) == before
"""


def test_what_has_no_effect_has_none(run_script: RunScript) -> None:
    run_script(NO_EFFECT)


def test_commands_are_answered_or_refused_but_not_both() -> None:
    found = {name.name.removeprefix("wandb "): name for name in compatibility.commands()}
    for command, reason in _support.REFUSED_COMMANDS.items():
        assert found[command] == compatibility.Name(f"wandb {command}", "refused", reason)


# --- the native interface --------------------------------------------------------------------


def test_every_method_of_a_tracker_has_a_place() -> None:
    placed = [name for names in reference.TRACKER.values() for name in names.split()]
    assert sorted(placed) == sorted(reference.public(ExperimentTracker))


def test_a_signature_is_as_in_the_source() -> None:
    def call(
        run_id: str, *names: str, step: int | None = None, mode: str = "max", **rest: object
    ) -> list[str]:
        raise NotImplementedError(run_id, names, step, mode, rest)

    assert reference.signature(call, 0) == (
        "(run_id: str, *names: str, step: int | None = None, mode: str = 'max', **rest: object)"
        " -> list[str]"
    )

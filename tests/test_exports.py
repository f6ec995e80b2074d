"""What a public module says it exports is there, once, and in order."""

from __future__ import annotations

import importlib

import pytest

from tests.conftest import ROOT

# Scripts that run on import, or for a child process only.
NOT_IMPORTED = ("synadb.bench.child",)


def public_modules() -> list[str]:
    names = []
    for path in sorted((ROOT / "synadb").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        name = ".".join(parts)
        if not any(part.startswith("_") for part in parts) and not name.startswith(NOT_IMPORTED):
            names.append(name)
    return names


def in_order(name: str) -> tuple[int, str]:
    """CONSTANTS, then Classes, then functions: the order ruff's RUF022 sorts `__all__` to."""
    if name.isupper() and len(name) > 1:
        return 0, name
    return (1, name) if name[0].isupper() else (2, name)


@pytest.mark.parametrize("name", public_modules())
def test_exports(name: str) -> None:
    try:
        module = importlib.import_module(name)
        exported: list[str] = list(getattr(module, "__all__", []))
        assert exported == sorted(set(exported), key=in_order)
        for export in exported:
            getattr(module, export)
    except ModuleNotFoundError as error:
        if (error.name or "synadb").partition(".")[0] == "synadb":
            raise
        pytest.skip(f"not installed: {error.name}")


@pytest.mark.parametrize("name", ["synadb", "synadb.wandb_compat"])
def test_what_users_import_says_what_it_exports(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__all__
    assert set(module.__all__) <= set(dir(module)), "lazy names must show up in dir()"


@pytest.mark.parametrize("name", ["synadb", "synadb.wandb_compat"])
def test_an_unknown_name_is_an_error_that_names_it(name: str) -> None:
    module = importlib.import_module(name)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = module.no_such_name

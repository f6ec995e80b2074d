"""Importing SynaDB loads nothing heavy: a script pays only for what it uses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import RunScript

HEAVY = {"numpy", "PIL", "yaml", "psutil", "matplotlib", "pandas", "torch", "optuna", "wandb"}

LOADED = """
import json, sys
# What the start of the interpreter brought, the finder of an editable install for one.
before = set(sys.modules)
import {module}
print(json.dumps(sorted({{name.partition(".")[0] for name in set(sys.modules) - before}})))
"""


@pytest.mark.parametrize("module", ["synadb", "synadb.wandb_compat", "synadb.cli"])
def test_nothing_heavy_is_loaded(run_script: RunScript, module: str) -> None:
    loaded = set(json.loads(run_script(LOADED.format(module=module)).stdout))
    assert "synadb" in loaded
    assert loaded & HEAVY == set()


def test_the_package_alone_loads_only_itself(run_script: RunScript) -> None:
    source = (
        "import sys, synadb\nprint(*[name for name in sys.modules if name.startswith('synadb.')])"
    )
    assert run_script(source).stdout.split() == []

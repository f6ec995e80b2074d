"""Every example runs as it stands, in a folder of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT, run_python

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_runs(path: Path, tmp_path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    through = (
        ["-m", "synadb.cli", "run"] if re.search(r"^import wandb\b", source, re.MULTILINE) else []
    )
    run_python([*through, str(path)], tmp_path, timeout=100)
    assert list(tmp_path.glob("*.db")), "the example left no database"


def test_there_are_examples() -> None:
    assert EXAMPLES

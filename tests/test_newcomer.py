"""What is read first runs with what `pip install .` brings: optional packages are not needed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from synadb.cli.info import PACKAGES
from tests.conftest import ROOT
from tests.test_docs import Reader, blocks

FIRST = [ROOT / "README.md", ROOT / "docs" / "getting-started.md"]
ABSENT = """\
raise ModuleNotFoundError(f"No module named {__name__!r}", name=__name__)
"""


@pytest.mark.slow
@pytest.mark.parametrize("path", FIRST, ids=lambda path: path.stem)
def test_blocks_run_without_optional_packages(path: Path, tmp_path: Path) -> None:
    # The real wandb may stay: under SynaDB nothing imports it, and `compare` is there for it.
    absent = tmp_path / "absent"
    absent.mkdir()
    for name in set(PACKAGES) - {"wandb"}:
        (absent / f"{name}.py").write_text(ABSENT, encoding="utf-8")
    folder = tmp_path / "reader"
    folder.mkdir()
    reader = Reader(folder)
    reader.environment["PYTHONPATH"] = os.fspath(absent)
    for block in blocks(path):
        if "needs" in block.marks:
            continue
        try:
            reader.follow(block)
        except AssertionError as error:
            raise AssertionError(f"{path.name}:{block.line}: {error}") from error

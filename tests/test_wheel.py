"""The wheel holds the package whole: the files that are not modules are the ones a build loses."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

OVERLAY = "synadb/wandb_compat/_overlay"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder: Path = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    [path] = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    there = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "synadb").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in wheel.namelist() if name.startswith("synadb/")}
    assert packed == there
    assert "synadb/py.typed" in packed


def test_programs_of_the_overlay_stay_executable(wheel: zipfile.ZipFile) -> None:
    # The upper half of external_attr is the Unix mode; pip looks at it when it unpacks.
    assert wheel.getinfo(f"{OVERLAY}/bin/wandb").external_attr >> 16 & 0o100


def test_the_overlay_is_not_taken_for_the_wheel_s_own_metadata(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    [metadata] = tops - {"synadb"}
    assert metadata.startswith("synadb-")
    assert metadata.endswith(".dist-info")


def test_holds_nothing_but_the_package(wheel: zipfile.ZipFile) -> None:
    names = {
        name.split("/")[1] for name in wheel.namelist() if "dist-info/" in name.split("_overlay")[0]
    }
    assert names == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses"}

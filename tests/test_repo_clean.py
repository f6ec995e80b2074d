"""No file carries what belongs to one machine, or sends the reader to somebody else's package."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Split, so that this file does not contain what it looks for.
INSTALL = re.compile(r"pip3? +install +[^\n`]*?" + r"\bsyna" + r"db\b(?!/)")
HOMES = re.compile(r"(?<![\w.\-/])/(?:" + "root|home|Users|work|workspace)/" + r"\w")
INDEX = re.compile("--(?:extra-)?" + "index-url|--find" + "-links")


def project_files() -> list[Path]:
    """What git tracks or would track; without git, whatever lies in the folders of the project."""
    paths = git_files()
    if not paths:
        folders = ["synadb", "tests", "docs", "examples"]
        paths = [path for folder in folders for path in (ROOT / folder).rglob("*")]
        paths += list(ROOT.glob("*.*"))
    return [path for path in paths if path.is_file() and "__pycache__" not in path.parts]


def git_files() -> list[Path]:
    if not (shutil.which("git") and (ROOT / ".git").exists()):
        return []
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    # It also fails where the checkout belongs to another user.
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""  # a picture, a golden binary file


def lines_with(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if pattern.search(line)
    ]


@pytest.fixture(scope="module")
def files() -> list[Path]:
    return project_files()


def test_nobody_is_sent_to_the_public_index_for_this_name(files: list[Path]) -> None:
    assert lines_with(INSTALL, files) == []


def test_no_path_of_this_machine(files: list[Path]) -> None:
    here = {str(ROOT), str(Path.home())} - {"/"}
    pattern = re.compile(
        "|".join(rf"(?<![\w.\-/]){re.escape(path)}(?=/\w)" for path in sorted(here))
    )
    assert lines_with(pattern, files) == []


def test_no_home_folder_in_what_users_read(files: list[Path]) -> None:
    # Tests may: a mount table or a home folder is a fair input for a function under test.
    read = [path for path in files if "tests" not in path.relative_to(ROOT).parts]
    assert lines_with(HOMES, read) == []


def test_no_scratch_path_in_documents_and_examples(files: list[Path]) -> None:
    shown = [path for path in files if path.suffix == ".md" or path.parent.name == "examples"]
    assert lines_with(re.compile(r"(?<![\w.\-/])/tmp/"), shown) == []


def test_no_package_index_address(files: list[Path]) -> None:
    assert lines_with(INDEX, files) == []


def test_no_database_of_a_run(files: list[Path]) -> None:
    assert [path for path in files if path.suffix == ".db" or ".db-" in path.name] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pip install syna" + "db", True),
        ("pip install -U 'syna" + "db[compare]'", True),
        ("pip install .", False),
        ("pip install -e '.[dev]' in the syna" + "db/ folder", False),
    ],
)
def test_the_install_pattern(text: str, found: bool) -> None:
    assert bool(INSTALL.search(text)) == found

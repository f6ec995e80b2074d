"""Writing into folders: what stays below one, and what is left when writing fails."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from synadb.folders import is_below, leads_out, safe_path, whole_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("path", ["a", "a/b", "./a", "a//b", "..a/b..", "a b", ".hidden", "ab:c"])
def test_paths_below(path: str) -> None:
    assert is_below(path)


@pytest.mark.parametrize(
    "path", ["", ".", "./", "/a", "\\a", "..", "a/../b", "a\\..\\b", "C:a", "c:/a", "a\0b"]
)
def test_paths_that_are_not_below(path: str) -> None:
    assert not is_below(path)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a/b.txt", "a/b.txt"),
        ("../a", "__/a"),
        ("a\\b", "a/b"),
        ("/con.txt", "_con.txt"),
        ("what?", "what_"),
        ("a.", "a_"),
        ("//", "_"),
    ],
)
def test_names_for_any_system(name: str, safe: str) -> None:
    assert safe_path(name) == safe
    assert is_below(safe)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 255)  # as long as names can be
    target.write_text("old")
    with whole_file(str(target)) as part, open(part, "w", encoding="utf-8") as file:
        file.write("new")
        file.flush()
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == [target.name]


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")

    def write() -> None:
        with whole_file(str(target)) as part, open(part, "w", encoding="utf-8") as file:
            file.write("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_links_that_lead_out(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "root-2"
    (root / "in").mkdir(parents=True)
    elsewhere.mkdir()
    (root / "out").symlink_to(elsewhere)
    (root / "back").symlink_to(root / "in")
    assert not leads_out(str(root), str(root))
    assert not leads_out(str(root), str(root / "in" / "not there yet"))
    assert not leads_out(str(root), str(root / "back"))
    assert leads_out(str(root), str(root / "out"))
    assert leads_out(str(root), str(root / "out" / "not there yet"))

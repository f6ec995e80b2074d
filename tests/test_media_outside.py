"""Media as they leave the database: what a notebook shows of them, and `synadb show --media`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synadb.wandb_compat as wandb
from synadb import ExperimentTracker, media
from synadb.cli import main
from synadb.cli.show import TOLD

PIXELS = np.zeros((4, 4, 3), np.uint8)
HALF = "cut \ud83d"  # the first half of an emoji, as a text cut short may end


@pytest.fixture
def tracker(db_path: Path) -> Iterator[ExperimentTracker]:
    with ExperimentTracker(db_path) as tracker:
        yield tracker
        assert tracker.check().ok


# -- in notebooks --------------------------------------------------------------------------------


class FirstTag(HTMLParser):
    """The first tag of a piece of HTML, and its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tag = ""
        self.attributes: dict[str, str | None] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self.tag:
            self.tag, self.attributes = tag, dict(attrs)


@pytest.mark.parametrize(
    "page",
    [
        "<img src='https://example.org/pixel.png'>",
        "<!DOCTYPE html><html><head><link rel=stylesheet href=//example.org/a.css></head></html>",
    ],
)
@pytest.mark.parametrize("kind", [media.Html, wandb.Html])
def test_a_page_in_a_notebook_fetches_nothing(kind: Any, page: str) -> None:
    frame = FirstTag(kind(page)._repr_html_())
    assert frame.tag == "iframe"
    # In front of all that the page brings, where it holds for the whole of it.
    policy = FirstTag(str(frame.attributes["srcdoc"]))
    assert policy.tag == "meta"
    assert policy.attributes["http-equiv"] == "Content-Security-Policy"
    directives = [part.split() for part in str(policy.attributes["content"]).split(";")]
    assert ["default-src", "'none'"] in directives
    for _, *sources in directives:
        assert set(sources) <= {"'none'", "'unsafe-inline'", "data:"}
    assert not any(name.startswith("script") for name, *_ in directives)


@pytest.mark.parametrize(
    "value",
    [
        media.Image(PIXELS, caption=HALF),
        media.Audio([0.5], 8, caption=HALF),
        media.Table([[HALF]], columns=[HALF]),
        media.Html(HALF, caption=HALF),
        wandb.Object3D(np.zeros((2, 3)), caption=HALF),
    ],
    ids=lambda value: type(value).__name__,
)
def test_half_a_character_does_not_keep_a_value_from_being_shown(value: Any) -> None:
    assert b"cut ?" in value._repr_html_().encode("utf-8")


class Formulas(HTMLParser):
    """The text that a notebook would look for formulas in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[bool] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = str(dict(attrs).get("class")).split()
        if tag not in ("img", "source"):
            self.open.append({"tex2jax_ignore", "mathjax_ignore"} <= set(classes))

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if not any(self.open):
            self.text += data


@pytest.mark.parametrize(
    "value",
    [
        media.Image(PIXELS, caption="$5 and $6"),
        media.Audio([0.5], 8, caption="$5 and $6"),
        media.Table([["$5 and $6"]], columns=["$1 or $2"]),
        wandb.Object3D(np.zeros((2, 3)), caption="$5 and $6"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_notebook_makes_no_formula_of_a_text(value: Any) -> None:
    html = value._repr_html_()
    assert "$5 and $6" in html
    assert "$" not in Formulas(html).text


# -- synadb show --media -------------------------------------------------------------------------


def show(tracker: ExperimentTracker, folder: str | Path, *more: str) -> int:
    return main(["show", "r", "--db", tracker.path, "--media", str(folder), *more])


def test_many_files_that_are_left_out_for_one_reason_are_told_in_short(
    tracker: ExperimentTracker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = tracker.start_run("p", run_id="r")
    for number in range(TOLD + 5):
        tracker.log_image(run_id, f"image{number}", PIXELS)
    tracker.log_table(run_id, "table", [[1]], columns=["a"])
    tracker.end_run(run_id)
    (tmp_path / "out" / "media").mkdir(parents=True)
    (tmp_path / "out" / "media" / "images").write_bytes(b"a file where a folder should be")
    assert show(tracker, tmp_path / "out") == 1
    printed, told = capsys.readouterr()
    assert printed.splitlines()[-1].endswith(f", {TOLD + 5} left out")
    *named, more = told.splitlines()
    assert len(named) == TOLD
    reason = named[0].rpartition(": ")[2]
    assert more == f"synadb: and 5 files more: {reason}"
    assert show(tracker, tmp_path / "out", "--json") == 1
    failed = [file for file in json.loads(capsys.readouterr().out)["media"] if file["reason"]]
    assert len(failed) == TOLD + 5


def test_names_that_a_file_system_may_take_for_one_become_two(
    tracker: ExperimentTracker, tmp_path: Path
) -> None:
    run_id = tracker.start_run("p", run_id="r")
    names = ["media/caf\u00e9.png", "media/cafe\u0301.png", "media/CAF\u00c9.png"]
    for name in names:
        tracker.log_file(run_id, name, name.encode())
    tracker.end_run(run_id)
    for _ in range(2):
        assert show(tracker, tmp_path / "out") == 0
        written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
        assert sorted(path.read_bytes() for path in written) == sorted(n.encode() for n in names)
        told_apart = {unicodedata.normalize("NFC", path.name).casefold() for path in written}
        assert len(told_apart) == len(names)


@pytest.mark.parametrize("folder", ["", os.path.join("file", "below")])
def test_what_cannot_be_a_folder_is_named(
    tracker: ExperimentTracker,
    folder: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_bytes(b"")
    tracker.end_run(tracker.start_run("p", run_id="r"))
    assert show(tracker, folder) == 1
    assert f"{folder!r} cannot be made a folder" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere file names are always UTF-8")
def test_a_name_that_the_locale_cannot_write_is_told_and_the_others_are_written(
    tracker: ExperimentTracker, tmp_path: Path
) -> None:
    run_id = tracker.start_run("p", run_id="r")
    for name in ("media/\u2603.png", "media/z.png"):
        tracker.log_file(run_id, name, b"content")
    tracker.end_run(run_id)
    tracker.flush()
    line = ["show", "r", "--db", tracker.path, "--media", str(tmp_path / "out")]
    ascii_names = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    shown = subprocess.run(
        [sys.executable, "-m", "synadb", *line],
        env={**os.environ, **ascii_names},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert shown.returncode == 1
    assert "file names are ascii here" in shown.stderr
    assert "Traceback" not in shown.stderr
    assert os.listdir(tmp_path / "out" / "media") == ["z.png"]


# -- finding -------------------------------------------------------------------------------------


def test_what_only_looks_like_media_is_a_record_of_the_right_types(
    tracker: ExperimentTracker,
) -> None:
    with tracker.run("p") as run:
        run.log({"mine": {"_type": "image-file", "path": "/etc/x", "size": "big", "sha256": 1}})
    (record,) = tracker.media(run.run_id)
    assert (record.path, record.size, record.sha256) == ("/etc/x", 0, "1")


def test_what_wandb_shows_is_no_formula_and_survives_half_a_pair() -> None:
    hostile = "costs $5 and $6 \ud83d <b>"
    for shown in (
        wandb.Image(np.zeros((4, 4), np.uint8), caption=hostile)._repr_html_(),
        wandb.Table([hostile, "page"], [[hostile, wandb.Html("<p>")]])._repr_html_(),
    ):
        assert shown.encode()
        assert "mathjax_ignore" in shown
        assert "costs $5 and $6 ? &lt;b&gt;" in shown
        assert "<b>" not in shown

"""`synadb compare`: the report in its forms, calls without effect, and scripts that do not end."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from synadb.bench import compare as compare_module
from synadb.bench import watched
from synadb.bench.difference import Difference
from synadb.bench.page import page
from synadb.bench.recorded import Recorded, RecordedRun
from synadb.bench.report import Comparison, document
from synadb.bench.terminal import table
from synadb.bench.trial import SYNADB, Trial
from synadb.cli import main
from synadb.wandb_compat._support import NO_EFFECT, PARTLY

HOSTILE = "<script>alert('&\"')</script>"


def comparison(found: Sequence[Difference] = (), **changes: Any) -> Comparison:
    def trial(side: str, factor: float) -> Trial:
        return Trial(
            side,
            importing=0.1 * factor,
            inits=[0.2 * factor],
            logs=[0.001 * factor] * 10,
            finishes=[0.1],
            leaving=0.1,
            wall=1.0 * factor,
            cpu=1.0,
            peak_memory=1000,
            processes=1,
            files=1,
            bytes=10,
        )

    recorded = Recorded([RecordedRun("p", history=[{"_step": 0, "x": 1}])])
    made: dict[str, Any] = {
        "script": ["train.py"],
        "versions": {"wandb": "0.31.0", "SynaDB": "0.1.0"},
        "trials": {"wandb": [trial("wandb", 4)], "SynaDB": [trial("SynaDB", 1)]},
        "recorded": {"wandb": recorded, "SynaDB": recorded},
        "differences": [list(found)],
    }
    return Comparison(**(made | changes))


# --- the page -------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Checks that tags close in order; keeps what there is."""

    EMPTY = ("meta",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_needs_nothing_else() -> None:
    text = page(comparison([Difference("x", 1, 2, "history")]))
    read = Reader(text)
    assert not {"script", "link", "img", "iframe", "object", "base"} & {tag for tag, _ in read.tags}
    for tag, attributes in read.tags:
        assert not {"src", "href", "style", "onload"} & attributes.keys(), tag
    assert "url(" not in text
    assert "@import" not in text
    assert "http" not in text.replace("http-equiv", "")
    policies = [a["content"] for tag, a in read.tags if tag == "meta" and "http-equiv" in a]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_what_a_script_chose_is_text_on_the_page() -> None:
    found = [
        Difference(f"runs[0].history[0][{HOSTILE!r}]", HOSTILE, [HOSTILE], "history", HOSTILE),
        Difference("runs[0].summary.x", HOSTILE, HOSTILE, "summary", reason=HOSTILE),
    ]
    failed = Trial("wandb", exit_code=1, stderr=HOSTILE)
    trials = {
        name: [
            Trial(
                name, logs=[0.1], wall=1.0, said=[HOSTILE], refused=[HOSTILE], called={"login": 1}
            )
        ]
        for name in ("wandb", "SynaDB")
    }
    text = page(
        comparison(
            found,
            script=["train.py", HOSTILE],
            trials=trials,
            problems=[HOSTILE],
            unsteady=found,
            failure=failed,
        )
    )
    assert "<script" not in text
    read = Reader(text)
    assert sum(HOSTILE in part for part in read.texts) >= 8


def test_the_bars_are_as_long_as_the_figures() -> None:
    read = Reader(page(comparison()))
    labels = [a["aria-label"] or "" for tag, a in read.tags if tag == "svg"]
    widths = [float(str(a["width"])) for tag, a in read.tags if tag == "rect"]
    assert len(widths) == 2 * len(labels)
    [place] = [n for n, label in enumerate(labels) if label.startswith("whole process:")]
    assert labels[place] == "whole process: wandb 4.00 s, SynaDB 1.00 s"
    wandb, synadb = widths[2 * place : 2 * place + 2]
    assert wandb == pytest.approx(4 * synadb, rel=0.01)


def test_the_page_of_one_side() -> None:
    whole = comparison()
    alone = comparison(
        versions={"SynaDB": "0.1.0"},
        trials={"SynaDB": whole.trials["SynaDB"]},
        recorded={"SynaDB": whole.recorded["SynaDB"]},
        differences=None,
    )
    texts = Reader(page(alone)).texts
    assert "recorded by SynaDB: 1 run, 1 row, 1 value" in texts
    assert "What was compared" not in texts


# --- differences, compared and explained ----------------------------------------------------------

EXPLAINED = [
    Difference(f"runs[0].history[{n}].x", 0, 1, "media", reason="it is better") for n in (0, 1)
]
BAD = Difference("runs[0].console.stdout[0]", "a", "b", "console", detail="one letter")


def test_what_is_explained_is_told_and_no_fault() -> None:
    found = comparison(EXPLAINED)
    assert found.good
    text = table(found)
    assert "different, and explained: it is better\n  runs[0].history[0].x: 0 / 1\n" in text
    assert text.splitlines()[-1].startswith(
        "recorded the same but for what is explained above: 1 run"
    )
    told = document(found)
    assert told["same"] is True
    assert [one["reason"] for one in told["differences"][0]] == ["it is better"] * 2
    assert "it is better" in Reader(page(found)).texts


def test_what_was_compared_stands_field_by_field() -> None:
    found = comparison([*EXPLAINED, BAD])
    assert not found.good
    lines = [line.split() for line in table(found).splitlines()]
    assert ["rows", "1", "1", "0", "0"] in lines
    assert ["media", "files", "0", "0", "0", "2"] in lines
    assert ["lines", "of", "output", "0", "0", "1", "0"] in lines
    compared = {one["what"]: one for one in document(found)["compared"]}
    assert compared["lines of output"] == {
        "what": "lines of output",
        "wandb": 0,
        "SynaDB": 0,
        "different": 1,
        "explained": 0,
    }
    last = table(found).splitlines()[-1]
    assert last == "  runs[0].console.stdout[0]: 'a' / 'b' (one letter)"
    json.dumps(document(found), allow_nan=False)


def test_a_repeat_with_a_difference_is_the_one_that_is_shown() -> None:
    found = comparison(differences=[EXPLAINED, [BAD], []])
    assert found.different == [BAD]
    assert comparison(differences=[EXPLAINED, []]).different == []


# --- calls without effect -------------------------------------------------------------------------

CALLS = """
import wandb
wandb.login()
wandb.require("core")
run = wandb.init(project="p", anonymous="allow", force=None)
run.log({"a": 1})
for number in range(3):
    run.alert("title", "text")
run.save("script.py", None, "now")
run.save("script.py")
wandb.Artifact("a", "t", use_as="x")
try:
    wandb.superagent
except AttributeError:
    pass
try:
    wandb.Api().create_team("t")
except wandb.Error:
    pass
run.finish()
"""


@pytest.fixture
def without_wandb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def find_version(side: Any, folder: Path, timeout: float | None) -> str | None:
        return "0.1" if side is SYNADB else None

    monkeypatch.setattr(compare_module, "find_version", find_version)
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("without_wandb")
def test_calls_that_have_no_effect_are_listed() -> None:
    Path("script.py").write_text(CALLS, encoding="utf-8")
    found = compare_module.compare(["script.py"], repeat=1)
    assert {used.name: (used.calls, used.effect) for used in found.used} == {
        "login": (1, "nothing"),
        "require": (1, "nothing"),
        "init(anonymous=)": (1, "nothing"),
        "Artifact(use_as=)": (1, "nothing"),
        "Run.alert": (3, "a part"),
        "Run.save(policy=)": (1, "a part"),
    }
    assert (len(found.refused), found.said) == (2, [])
    assert any(text.startswith("wandb.superagent ") for text in found.refused)
    assert any("create_team" in text for text in found.refused)
    text = table(found)
    assert f"  wandb.login, 1 call: {NO_EFFECT['login']}" in text
    assert f"  wandb.Run.alert, 3 calls: {PARTLY['Run.alert']}" in text
    assert "what SynaDB refused:\n  wandb." in text
    assert {used["name"] for used in document(found)["used"]} == {u.name for u in found.used}


@pytest.mark.slow
@pytest.mark.usefixtures("without_wandb")
def test_a_script_without_such_calls_has_no_such_list() -> None:
    Path("script.py").write_text(
        "import wandb\nwith wandb.init(project='p') as run:\n    run.log({'a': 1})\n"
        "    run.log_artifact(wandb.Artifact('a', 't'))\nwandb.Api()\n"
    )
    found = compare_module.compare(["script.py"], repeat=1)
    assert (found.used, found.said, found.refused) == ([], [], [])


def test_every_function_that_is_looked_out_for_can_be_found() -> None:
    names = [line.split("\t")[-1] for line in watched.lines().splitlines()]
    assert {"login", "require", "Run.alert", "Run.status"} <= set(names)
    assert set(names) <= {*NO_EFFECT, *PARTLY}
    assert {watched.explained(name)[0] for name in names} == {"nothing", "a part"}


# --- scripts that do not end ----------------------------------------------------------------------

HANGS = """
import subprocess, sys, time, wandb
run = wandb.init(project="p")
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
open("helper.pid", "w").write(str(helper.pid))
print("got so far", flush=True)
print("and an error", file=sys.stderr, flush=True)
def waits_for_ever():
    time.sleep(1000)
waits_for_ever()
"""


@pytest.mark.slow
@pytest.mark.usefixtures("without_wandb")
def test_a_script_that_hangs_is_named_and_ended(capsys: pytest.CaptureFixture[str]) -> None:
    Path("hangs.py").write_text(HANGS, encoding="utf-8")
    assert main(["compare", "hangs.py", "--repeat", "1", "--timeout", "10"]) == 2
    err = capsys.readouterr().err
    assert "synadb compare: SynaDB: the script has not ended within 10 s; ended by force: " in err
    assert "--- last lines of stdout under SynaDB:\ngot so far\n" in err
    assert "and an error" in err
    if sys.platform != "win32":
        assert "in waits_for_ever" in err, "where it hung"
    pid = int(Path("helper.pid").read_text())
    for _ in range(100):
        if not _runs(pid):
            break
        time.sleep(0.1)
    assert not _runs(pid), "what it had started is ended as well"


def _runs(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.slow
@pytest.mark.usefixtures("without_wandb")
def test_time_that_is_enough_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Path("quick.py").write_text("import wandb\nwith wandb.init() as run:\n    run.log({'a': 1})")
    line = ["compare", "quick.py", "--repeat", "1", "--timeout", "60", "--html", "r.html"]
    assert main(line) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("recorded by SynaDB: 1 run, 1 row")
    texts = Reader(Path("r.html").read_text(encoding="utf-8")).texts
    assert any(re.fullmatch(r"recorded by SynaDB: 1 run, .*", text) for text in texts)
    assert sorted(os.listdir()) == ["quick.py", "r.html"]


@pytest.mark.parametrize("text", ["0", "-1", "x", "nan", "inf", "1e300"])
def test_a_bad_timeout(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["compare", f"--timeout={text}", "x.py"])
    assert ended.value.code == 2
    assert f"takes a number of seconds above 0, not {text!r}" in capsys.readouterr().err

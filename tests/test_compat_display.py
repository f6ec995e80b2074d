"""The tables at the end of a run, and the run in a notebook."""

from __future__ import annotations

import math
import re
import sys
import types
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

import synadb.wandb_compat as wandb
from synadb.wandb_compat._display import in_notebook, run_html, run_lines, sparkline

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import RunScript

BARS = "▁▂▃▄▅▆▇█"
NAN, INF = math.nan, math.inf

# What wandb 0.31.0 wrote for these values.
SHOWN = {
    "99 dalmatians": (99, "99"),
    "acc": (0.99, "0.99"),
    "bool": (True, "True"),
    "empty": ("", ""),
    "five decimals": (123456.123456789, "123456.12346"),
    "half": (0.000005, "1e-05"),
    "huge": (9.9e13, "99000000000000.0"),
    "huger": (1e16, "1e+16"),
    "infinite": (INF, "inf"),
    "int": (4611686018427387904, "4611686018427387904"),
    "million": (1e6, "1000000.0"),
    "minus zero": (-0.0, "0"),
    "nan": (NAN, "nan"),
    "negative": (-1.5e-7, "-0.0"),
    "nineteen": ("1234567890123456789", "1234567890123456789"),
    "thousands": (100000.0, "100000"),
    "tiny": (1.23456789e-9, "0.0"),
    "twenty": ("12345678901234567890", "12345678901234567890..."),
    "twenty-one": ("123456789012345678901", "12345678901234567890..."),
    "whole": (3.0, "3"),
}


def test_the_layout_is_wandbs() -> None:
    history = {"loss": [4.0, 2.0, 1.0, 0.0], "a/b": [0.0, 1.0], "Zed": [2.0, 2.0]}
    summary = {"loss": 0.0, "a/b": 1, "Zed": 2, "done": False}
    assert run_lines(history, summary, encoding="utf-8") == [
        "",
        "Run history:",
        " Zed ▁▁",
        " a/b ▁█",
        "loss █▅▃▁",
        "",
        "Run summary:",
        " Zed 2",
        " a/b 1",
        "done False",
        "loss 0",
        "",
    ]


@pytest.mark.parametrize("name", SHOWN)
def test_values_of_the_summary_are_shown_as_wandb_does(name: str) -> None:
    value, text = SHOWN[name]
    lines = run_lines({}, {name: value}, encoding="utf-8")
    assert lines == ["", "Run summary:", f"{name} {text}", ""]


@pytest.mark.parametrize("value", [[1], {"x": 1}, {"_type": "histogram"}, None, (1, 2)])
def test_what_is_no_plain_value_is_left_out(value: Any) -> None:
    assert run_lines({}, {"k": value}) == []
    assert run_lines({}, {"k": value, "l": 1})[2:] == ["l 1", ""]


def test_names_with_an_underscore_are_left_out() -> None:
    assert run_lines({"_runtime": [1.0]}, {"_step": 3, "_timestamp": 1.5}) == []


def test_without_values_there_is_nothing_to_say() -> None:
    assert run_lines({}, {}) == []
    assert run_lines({"loss": [], "nan": [NAN, NAN]}, {}) == []


def test_ten_rows_and_how_many_more() -> None:
    names = [f"m{number:04}" for number in range(1234)]
    history = {name: [0.0, 1.0] for name in names}
    lines = run_lines(history, dict.fromkeys(names, 1), encoding="utf-8")
    rows = [*names[:10], "+1,224"]
    assert lines == [
        "",
        "Run history:",
        *(f"{name:>6} {'...' if name[0] == '+' else '▁█'}" for name in rows),
        "",
        "Run summary:",
        *(f"{name:>6} {'...' if name[0] == '+' else '1'}" for name in rows),
        "",
    ]


def test_the_number_of_rows_can_be_chosen() -> None:
    history, summary = {"a": [1.0], "b": [1.0]}, {"a": 1, "b": 2, "c": [3]}
    lines = run_lines(history, summary, history_rows=1, summary_rows=2, encoding="utf-8")
    assert lines == ["", "Run history:", " a ▁", "+1 ...", "", "Run summary:", "a 1", "b 2", ""]
    assert run_lines(history, summary, history_rows=0, summary_rows=0) == []


def test_a_metric_without_finite_values_counts_among_the_missing() -> None:
    # As wandb does: it has no line to show, and is still a metric of the run.
    lines = run_lines({"loss": [1.0], "nan": [NAN, INF]}, {}, encoding="utf-8")
    assert lines == ["", "Run history:", "loss ▁", "  +1 ...", ""]


def test_control_characters_keep_to_their_line() -> None:
    lines = run_lines({"a\nb": [1.0]}, {"k": "x\ny\x1b[31m"}, encoding="utf-8")
    assert lines[2] == r"a\nb ▁"
    assert lines[-2] == r"k x\ny\x1b[31m"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "no such encoding"])
def test_a_terminal_without_the_bars_gets_plain_characters(encoding: str) -> None:
    values = [float(number) for number in range(8)]
    lines = run_lines({"loss": [*values, NAN]}, {"テ": "é"}, encoding=encoding)
    assert lines[2] == "loss _.:-=+*# "
    shown = "é" if encoding in ("latin-1", "cp437") else r"\xe9"
    assert lines[-2] == rf"\u30c6 {shown}"
    told = encoding if encoding != "no such encoding" else "ascii"
    assert all(line.encode(told) is not None for line in lines)


def test_the_encoding_is_that_of_stderr(run_script: RunScript) -> None:
    script = """
from synadb.wandb_compat._display import run_lines
import sys
print(run_lines({"loss": [0.0, 1.0]}, {})[2].encode("unicode-escape").decode())
sys.stderr = None
print(run_lines({"loss": [0.0, 1.0]}, {})[2].encode("unicode-escape").decode())
"""
    done = run_script(script, env={"PYTHONIOENCODING": "utf-8"})
    assert done.stdout.split("\n")[:2] == [r"loss \u2581\u2588", "loss _#"]
    done = run_script(script, env={"PYTHONIOENCODING": "ascii"})
    assert done.stdout.split("\n")[:2] == ["loss _#", "loss _#"]


def test_a_lone_surrogate_can_be_printed() -> None:
    for line in run_lines({}, {"\udc80": "\udc80"}, encoding="utf-8"):
        line.encode("utf-8")


# -- sparklines ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([NAN, INF, -INF], ""),
        ([5.0], "▁"),
        ([2.0] * 40, "▁" * 40),
        ([NAN, 0.0, NAN, 7.0, INF], " ▁ █ "),
        ([float(number) for number in range(8)], BARS),
        ([0.0, 0.5, 1.5, 2.5, 7.0], "▁▁▃▃█"),  # halves go to the even level
        ([-1.7e308, 0.0, 1.7e308], "▁▅█"),
        ([0.0, 5e-324], "▁█"),
    ],
)
def test_sparklines(values: list[float], line: str) -> None:
    assert sparkline(values) == line


@given(st.lists(st.floats(), max_size=40))
def test_any_floats_can_be_drawn(values: list[float]) -> None:
    line = sparkline(values)
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        assert line == ""
        return
    assert len(line) == len(values)
    for value, bar in zip(values, line, strict=True):
        assert (bar in BARS) == math.isfinite(value)
        assert (bar == " ") == (not math.isfinite(value))
    drawn = sorted((value, bar) for value, bar in zip(values, line, strict=True) if bar != " ")
    assert [bar for _, bar in drawn] == sorted(bar for _, bar in drawn)
    assert drawn[0][1] == BARS[0]
    assert drawn[-1][1] == (BARS[-1] if min(finite) < max(finite) else BARS[0])


NAMES = st.text(st.characters(codec=None), max_size=8)


@given(
    st.dictionaries(NAMES, st.lists(st.floats(), max_size=5), max_size=14),
    st.dictionaries(
        NAMES,
        st.none() | st.booleans() | st.integers() | st.floats() | NAMES | st.lists(st.integers()),
        max_size=14,
    ),
    st.sampled_from(["utf-8", "ascii", "cp1252"]),
)
def test_any_run_can_be_printed(
    history: dict[str, list[float]], summary: dict[str, Any], encoding: str
) -> None:
    lines = run_lines(history, summary, encoding=encoding)
    assert all(len(line.encode(encoding).splitlines()) <= 1 for line in lines)
    titles = [line for line in lines if line in ("Run history:", "Run summary:")]
    assert len(lines) <= 2 * (1 + 1 + 11) + 1
    assert bool(titles) == bool(lines)
    run_html(
        name="n", run_id="i", project="p", state="s", path=None, history=history, summary=summary
    )


# -- real runs -----------------------------------------------------------------------------------


def test_a_run_shows_its_tables_at_finish(run_script: RunScript) -> None:
    done = run_script(
        """
import synadb.wandb_compat as wandb
with wandb.init(project="p") as run:
    for step in range(100):
        run.log({"step": step, "flag": True, "text": "a" * 30, "d": {"x": step}, "_h": 1,
                 "nan": float("nan") if step % 2 else step})
"""
    )
    lines = [line.removeprefix("wandb: ") for line in done.stderr.split("\n")]
    head = lines.index("Run history:")
    assert lines[head - 1] == ""
    nan, step = lines[head + 1], lines[head + 2]
    assert re.fullmatch(rf" nan [{BARS} ]+", nan)
    assert re.fullmatch(rf"step ▁[{BARS}]{{38}}█", step)
    assert lines[head + 3 : head + 9] == [
        "",
        "Run summary:",
        "flag True",
        " nan nan",
        "step 99",
        f"text {'a' * 20}...",
    ]


# -- notebooks -----------------------------------------------------------------------------------


class _Read(HTMLParser):
    """The text of a page, its rows and its links; fails for a tag left open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.rows: list[list[str]] = []
        self.words = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag != "br":
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag == "td":
            self.rows[-1].append("")
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data
        if self.open[-1:] == ["td"]:
            self.rows[-1][-1] += data


def test_html_has_all_there_is_to_know(tmp_path: Path) -> None:
    path = tmp_path / "a b#c.db"
    page = _Read(
        run_html(
            name="calm-bay-1",
            run_id="abc",
            project="proj",
            state="running",
            path=str(path),
            history={"loss": [1.0, 0.0]},
            summary={"loss": 0.0, "_step": 1, "img": {"_type": "image-file"}},
        )
    )
    for word in ("calm-bay-1", "abc", "proj", "running", str(path)):
        assert word in page.words
    assert page.links == [path.as_uri()]
    assert page.rows == [["loss", "█▁"], ["loss", "0"]]


def test_html_is_escaped() -> None:
    evil = "<script>alert('x')</script>&\""
    page = _Read(
        run_html(
            name=evil,
            run_id=evil,
            project=evil,
            state=evil,
            path=evil,
            history={evil: [1.0]},
            summary={evil: evil},
        )
    )
    assert "script" not in page.tags
    assert page.words.count(evil) >= 5
    assert page.rows[0][0] == evil
    assert len(page.links) == 1


def test_a_run_is_shown_in_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with wandb.init(project="p") as run:
        run.log({"loss": 0.5})
        bundle = run._repr_mimebundle_()
        assert ["loss", "0.5"] in _Read(bundle["text/html"]).rows
        assert run.name in bundle["text/html"]


def test_a_notebook_is_told_by_its_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert in_notebook() is False
    shell: Any = types.SimpleNamespace(config={})
    ipython = types.ModuleType("IPython")
    monkeypatch.setattr(ipython, "get_ipython", lambda: shell, raising=False)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert in_notebook() is False
    shell.config["IPKernelApp"] = {"connection_file": "/run/jupyter/kernel-1.json"}
    assert in_notebook() is True
    shell = None
    assert in_notebook() is False


def test_asking_imports_nothing(run_script: RunScript) -> None:
    done = run_script(
        """
import sys
from synadb.wandb_compat._display import in_notebook
assert not in_notebook()
print(sorted({"IPython", "numpy", "pathlib", "html"} & sys.modules.keys()))
"""
    )
    assert done.stdout == "[]\n"

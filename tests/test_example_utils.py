"""The helpers of the example notebooks, outside of a notebook and inside one."""

from __future__ import annotations

import inspect
import itertools
import os
import platform
import random
import socket
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.utils import benchmark, charts, notebook_utils, processes, system_info
from examples.utils.benchmark import Benchmark, BenchmarkResult, ComparisonTable, verdict
from tests.conftest import ROOT, run_python

finite = st.floats(-1e12, 1e12)


@pytest.fixture
def figures() -> Iterator[None]:
    """Charts without a display; what was set and drawn is gone afterwards."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with matplotlib.rc_context():
        yield
    plt.close("all")


# -- benchmark ----------------------------------------------------------------------------------


@given(st.lists(finite, min_size=1), st.floats(0, 100))
def test_percentile_is_a_value_in_between(data: list[float], p: float) -> None:
    ordered = sorted(data)
    found = Benchmark._percentile(ordered, p)
    slack = 1e-9 * max(abs(ordered[0]), abs(ordered[-1]))
    assert ordered[0] - slack <= found <= ordered[-1] + slack
    below = sum(value < found - slack for value in ordered)
    above = sum(value > found + slack for value in ordered)
    assert below <= p / 100 * (len(data) - 1) + 1
    assert above <= (1 - p / 100) * (len(data) - 1) + 1


@given(st.lists(finite, min_size=1))
def test_percentile_at_its_ends_and_in_the_middle(data: list[float]) -> None:
    ordered = sorted(data)
    assert Benchmark._percentile(ordered, 0) == ordered[0]
    assert Benchmark._percentile(ordered, 100) == ordered[-1]
    middle = statistics.median(ordered)
    assert Benchmark._percentile(ordered, 50) == pytest.approx(middle, abs=1e-3)


@given(st.lists(finite, min_size=1), st.floats(0, 100), st.floats(0, 100))
def test_percentile_grows(data: list[float], p: float, q: float) -> None:
    low, high = sorted([p, q])
    ordered = sorted(data)
    slack = 1e-9 * max(map(abs, data))
    assert Benchmark._percentile(ordered, low) <= Benchmark._percentile(ordered, high) + slack


def test_run_counts_and_orders_the_calls() -> None:
    calls: list[str] = []
    result = Benchmark(warmup=2, iterations=3).run(
        "it",
        lambda word, times: calls.append(word * times),
        "a",
        times=2,
        setup=lambda: calls.append("setup"),
        teardown=lambda: calls.append("teardown"),
    )
    assert calls == ["setup", "aa", "teardown"] * 5
    assert (result.name, result.iterations, len(result.raw_times)) == ("it", 3, 3)


class Clock:
    """Time that passes only when a test says so."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(benchmark, "time", made)
    return made


def test_run_times_the_call_alone(clock: Clock) -> None:
    def around() -> None:
        clock.wait(9)

    result = Benchmark(0, 3).run("it", clock.wait, 0.25, setup=around, teardown=around)
    assert result.raw_times == [250, 250, 250]
    assert (result.p50_ms, result.std_ms, result.throughput) == (250, 0, 4)


def test_each_run_draws_the_same_numbers() -> None:
    drawn: list[list[float]] = []
    for seed in (1, 1, 2):
        numbers: list[float] = []
        Benchmark(1, 3, seed).run("it", lambda to=numbers: to.append(random.random()))
        drawn.append(numbers)
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_batch_gives_the_figures_of_one(clock: Clock) -> None:
    result = Benchmark(1, 3).run_batch("it", clock.wait, 10, 0.5)
    assert (result.iterations, result.mean_ms, result.throughput) == (3, 50, 20)


@pytest.mark.parametrize("make", [lambda: Benchmark(-1), lambda: Benchmark(iterations=0)])
def test_a_benchmark_that_cannot_be(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="at least"):
        make()
    with pytest.raises(ValueError, match="at least"):
        Benchmark(0, 1).run_batch("it", int, 0)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1))
def test_figures_of_times(times: list[float]) -> None:
    result = BenchmarkResult.from_times("it", times)
    figures = [result.min_ms, result.p50_ms, result.p95_ms, result.p99_ms, result.max_ms]
    assert all(a <= b * (1 + 1e-9) for a, b in itertools.pairwise(figures))
    assert result.throughput == pytest.approx(1000 * len(times) / sum(times))
    assert result.raw_times == times
    assert "raw_times" not in result.to_dict()


def test_no_times_have_no_figures() -> None:
    with pytest.raises(ValueError, match="it: no times"):
        BenchmarkResult.from_times("it", [])


@pytest.fixture
def compared() -> ComparisonTable:
    slow = BenchmarkResult.from_times("SynaDB", [4.0, 4.0, 4.0])
    return Benchmark().compare([slow, BenchmarkResult.from_times("other", [1.0, 1.0, 10.0])])


def test_the_best_of_each_column_is_bold_whoever_it_is(compared: ComparisonTable) -> None:
    head, _, ours, other = compared.to_markdown().splitlines()
    assert head.startswith("| | median ms | mean ms |")
    assert other.startswith("| other | **1** | **4** |")
    assert ours.startswith("| SynaDB | 4 | **4** | **4** |")
    assert "**" not in compared.to_markdown(highlight_best=False)
    assert "**" not in ComparisonTable(compared.results[:1]).to_markdown()
    assert compared._repr_markdown_() == compared.to_markdown()


def test_speedup_and_summary(compared: ComparisonTable) -> None:
    assert compared.get_speedup("SynaDB", "other") == 4
    assert compared.get_speedup("other", "SynaDB") == 0.25
    assert compared.summary() == "median: other 1 ms; SynaDB 4 times that."
    with pytest.raises(KeyError, match="no result 'third'"):
        compared.get_speedup("third", "other")


def test_as_a_data_frame(compared: ComparisonTable) -> None:
    pytest.importorskip("pandas")
    frame = compared.to_dataframe()
    assert list(frame.index) == ["SynaDB", "other"]
    assert frame.loc["other", "p50_ms"] == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "it: nothing was measured."),
        ({"a": 0.5}, "it: a 500 ms, with nothing to compare."),
        ({"a": 0.5, "b": 0.001}, "it: b 1 ms; a 500 times that."),
        ({"a": 1.0, "b": 1.09}, "it: a 1 s; b about the same."),
        ({"a": 0.0, "b": 1.0}, "it: a 0 ns; b more."),
        ({"a": 0.0, "b": 0.0}, "it: a 0 ns; b about the same."),
    ],
)
def test_verdict(values: dict[str, float], said: str) -> None:
    assert verdict("it", values, "s") == said


@given(st.dictionaries(st.sampled_from(["SynaDB", "wandb", "c", "d"]), st.floats(1e-9, 1e9)))
def test_the_verdict_names_the_least_first(values: dict[str, float]) -> None:
    said = verdict("it", values, "")
    if values:
        assert said.startswith(f"it: {min(values, key=lambda name: values[name])} ")
    assert all(name in said for name in values)


def test_quantities() -> None:
    assert benchmark.quantity(0.0123, "s") == "12.3 ms"
    assert benchmark.quantity(2_500_000, "B") == "2.5 MB"
    assert benchmark.quantity(2_500, "B") == "2.5 kB"
    assert benchmark.quantity(12, "") == "12"
    assert benchmark.quantity(12, "files") == "12 files"


def test_the_least_of_each_measure_is_bold() -> None:
    results: dict[str, tuple[str, dict[str, float]]] = {
        "time": ("s", {"SynaDB": 0.5, "wandb": 0.25}),
        "size": ("B", {"SynaDB": 1e6, "wandb": 2e6}),
        "files": ("", {"SynaDB": 1, "wandb": 1}),
    }
    assert benchmark.results_table(results).splitlines() == [
        "| less is better | SynaDB | wandb |",
        "| --- | --- | --- |",
        "| time | 500 ms | **250 ms** |",
        "| size | **1 MB** | 2 MB |",
        "| files | **1** | **1** |",
    ]
    assert "**" not in benchmark.results_table({"time": ("s", {"SynaDB": 1})})


# -- notebook_utils -----------------------------------------------------------------------------


def test_printed_where_there_is_no_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    notebook_utils.display_header("Ours &amp; theirs", "<i>measured</i>")
    notebook_utils.display_toc([("First part", "first"), ("Second", "second")])
    notebook_utils.display_section("First part", "first", "*")
    notebook_utils.conclusion_box("Found", ["a &lt; b", "<b>c</b> > d"], "So much.")
    notebook_utils.conclusion_box()
    notebook_utils.info_box("1 <code>x</code>")
    notebook_utils.warning_box("no", title="Careful")
    out = capsys.readouterr().out
    assert "Ours & theirs\nmeasured\n====" in out
    assert "Contents\n1. First part\n2. Second\n" in out
    assert "* First part\n------------" in out
    assert "Found\n  - a < b\n  - c > d\nSo much.\nKey Takeaways\n" in out
    assert "Info: 1 x\nCareful: no\n" in out


def test_links_of_the_contents_lead_to_headings() -> None:
    assert "1. [First part](#first)" in notebook_utils.generate_toc([("First part", "first")])
    assert 'id="first"' in notebook_utils.section_header("First part", "first")


def test_shown_in_a_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ipykernel")
    shell: Any = pytest.importorskip("IPython.core.interactiveshell")
    capture = pytest.importorskip("IPython.utils.capture")
    terminal = shell.InteractiveShell.instance()
    try:
        assert not notebook_utils.in_notebook()  # IPython in a terminal prints, too
        terminal.kernel = object()
        with capture.capture_output() as captured:
            notebook_utils.info_box("a <b>b</b>")
            notebook_utils.display_toc([("First", "first")])
    finally:
        shell.InteractiveShell.clear_instance()
    box, contents = (output.data for output in captured.outputs)
    assert "a <b>b</b></div>" in box["text/html"]
    assert "[First](#first)" in contents["text/markdown"]


def test_dependencies(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_a_folder").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert notebook_utils.check_dependency("json")
    assert not notebook_utils.check_dependency("only_a_folder", required=False)
    assert capsys.readouterr().out == ""
    assert not notebook_utils.check_dependency("no_such", package_name="no-such")
    assert not notebook_utils.check_dependency("no_such", "conda install it")
    out = capsys.readouterr().out
    assert "no_such is not installed: pip install no-such\n" in out
    assert "conda install it" in out
    found = notebook_utils.check_dependencies({"json": None, "no_such": None})
    assert found == {"json": True, "no_such": False}


def test_nobody_is_told_to_install_somebody_else_s_package(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert not notebook_utils.check_dependency("no_such", package_name="syna" + "db")
    assert capsys.readouterr().out.endswith(": pip install .\n")


def test_marks() -> None:
    for mark in ("advantage", "disadvantage", "neutral"):
        made = getattr(notebook_utils, f"highlight_{mark}")("so", "#123456")
        assert "#123456" in made
        assert made.endswith(" so</span>")


ROWS = [
    {"what": "time", "SynaDB": 2.0, "other": 1.0},
    {"what": "files", "SynaDB": 1, "other": 29},
    {"what": "single | file", "SynaDB": True, "other": False},
]


def test_a_table_is_bold_where_something_is_best() -> None:
    lines = notebook_utils.comparison_table(ROWS).splitlines()
    assert lines[0] == "| what | SynaDB | other |"
    assert lines[2:] == [
        "| time | 2 | **1** |",
        "| files | **1** | 29 |",
        "| single \\| file | True | False |",
    ]
    assert notebook_utils.comparison_table([]) == ""


def test_a_column_is_never_bold_whatever_it_says() -> None:
    table = notebook_utils.comparison_table(ROWS, "SynaDB", highlight_best=False)
    assert "| time | 2 | 1 |" in table
    assert "| files | **1** | 29 |" in table
    more = notebook_utils.comparison_table(ROWS, "SynaDB", lower_is_better=False)
    assert "| time | **2** | 1 |" in more


# -- charts -------------------------------------------------------------------------------------

EDGE = pytest.approx([0x2E / 255, 0xCC / 255, 0x71 / 255, 1])


def bars(figure: Any) -> list[Any]:
    return list(figure.axes[0].containers[-1].patches)


@pytest.mark.usefixtures("figures")
@pytest.mark.parametrize(
    ("draw", "best"),
    [
        (lambda data: charts.bar_comparison(data, "T", "s"), "wandb"),
        (lambda data: charts.bar_comparison(data, "T", "s", lower_is_better=False), "SynaDB"),
        (charts.throughput_comparison, "SynaDB"),
        (charts.memory_comparison, "wandb"),
    ],
)
def test_the_green_edge_is_the_best_one_s(draw: Callable[..., Any], best: str) -> None:
    data = {"wandb": 1.0, "SynaDB": 3.0}
    drawn = dict(zip(data, bars(draw(data)), strict=True))
    assert [name for name, bar in drawn.items() if bar.get_edgecolor() == EDGE] == [best]
    assert drawn["wandb"].get_facecolor() != drawn["SynaDB"].get_facecolor()


@pytest.mark.usefixtures("figures")
def test_bars_begin_at_zero_and_carry_their_values(tmp_path: Path) -> None:
    figure: Any = charts.bar_comparison(
        {"a": 100.0, "b": 101.0}, "T", "s", spread={"a": (99, 103), "b": (100, 102)}
    )
    axes = figure.axes[0]
    assert axes.get_ylim()[0] == 0
    assert [text.get_text() for text in axes.texts] == ["100.00", "101.00"]
    figure.savefig(tmp_path / "bars.png")
    assert (tmp_path / "bars.png").stat().st_size > 1000


@pytest.mark.usefixtures("figures")
def test_a_single_bar_is_not_the_best_of_anything() -> None:
    [bar] = bars(charts.bar_comparison({"SynaDB": 1.0}, "T", "s", highlight_synadb=False))
    assert bar.get_edgecolor() != EDGE
    assert charts.get_color("x", is_synadb=True) == charts.get_color("SynaDB (native)")
    assert charts.get_color("wandb") == charts.COLORS["competitor"]


@pytest.mark.usefixtures("figures")
def test_latencies_are_drawn_as_boxes() -> None:
    results = [
        BenchmarkResult.from_times("SynaDB", [0.001, 0.002, 0.1]),
        BenchmarkResult("wandb", 1, 2, 0, 2, 2, 2, 2, 2),  # no single times
    ]
    axes = charts.latency_distribution(results).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["SynaDB", "wandb"]
    assert axes.get_yscale() == "log"


@pytest.mark.usefixtures("figures")
def test_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        charts.bar_comparison({}, "T", "s")
    assert charts.create_legend_patch("it", "#ff0000").get_label() == "it"


# -- system_info --------------------------------------------------------------------------------


def test_the_system_without_names_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    info = system_info.get_system_info()
    assert info["cores"] == os.cpu_count()
    assert info["python"] == platform.python_version()
    assert info["packages"]["numpy"]
    assert (info["gpu"] is not None) == system_info.check_gpu_available()
    system_info.display_system_info()
    shown = capsys.readouterr().out + system_info.get_system_summary()
    assert f"Python      {platform.python_version()}" in shown
    assert socket.gethostname() not in shown.split()
    assert str(Path.home()) not in shown


# -- processes ----------------------------------------------------------------------------------


def test_a_script_in_a_process_of_its_own(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, wandb\n"
        "with wandb.init(project='p') as run:\n    run.log({'n': int(sys.argv[1])})\n"
    )
    folder = tmp_path / "room"
    folder.mkdir()
    cost = processes.run_script(script, "7", folder=folder, real_wandb=False)
    assert (cost.data / "experiments.db").exists()
    assert cost.seconds > 0
    assert cost.memory > 1_000_000
    left = [path for path in cost.data.rglob("*") if path.is_file() and not path.is_symlink()]
    assert (cost.files, cost.size) == (len(left), sum(path.stat().st_size for path in left))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise SystemExit('so bad')", "script.py failed\nso bad"),
        ("import time; time.sleep(60)", "script.py did not end within 1 s"),
    ],
)
def test_a_script_that_fails(tmp_path: Path, code: str, said: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(code)
    folder = tmp_path / "room"
    folder.mkdir()
    with pytest.raises(processes.ScriptFailedError) as error:
        processes.run_script(script, folder=folder, real_wandb=False, timeout=1)
    assert said in str(error.value)


# -- all of them --------------------------------------------------------------------------------


def test_signatures_are_those_that_notebooks_rely_on() -> None:
    expected: dict[Callable[..., Any], str] = {
        notebook_utils.display_header: (
            "title='SynaDB v1.0.0 Showcase', subtitle='The SQLite of AI'"
        ),
        notebook_utils.check_dependency: "name, install_cmd=None, package_name=None, required=True",
        notebook_utils.conclusion_box: "title='Key Takeaways', points=None, summary=None",
        notebook_utils.info_box: "message, title='Info'",
        notebook_utils.warning_box: "message, title='Warning'",
        notebook_utils.comparison_table: (
            "data, highlight_col='SynaDB', highlight_best=True, lower_is_better=True"
        ),
        charts.bar_comparison: (
            "data, title, ylabel, highlight_synadb=True, lower_is_better=True, figsize=(10, 6), "
            "show_values=True, value_format='{:.2f}', spread=None"
        ),
        charts.throughput_comparison: (
            "data, title='Throughput Comparison', ylabel='Operations/sec', figsize=(10, 6)"
        ),
        charts.latency_distribution: (
            "results, title='Latency Distribution', figsize=(12, 6), show_outliers=True"
        ),
        charts.memory_comparison: (
            "data, title='Memory Usage Comparison', ylabel='Memory (MB)', figsize=(10, 6)"
        ),
        Benchmark: "warmup=5, iterations=100, seed=42",
    }
    for function, arguments in expected.items():
        plain = [
            parameter.replace(annotation=parameter.empty)
            for parameter in inspect.signature(function).parameters.values()
        ]
        assert str(inspect.Signature(plain)) == f"({arguments})"


def test_as_the_notebook_imports_them_and_nothing_heavy(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'examples')!r})\n"
        "from utils import benchmark, charts, notebook_utils, processes, system_info\n"
        "print({'IPython', 'matplotlib', 'numpy', 'pandas', 'wandb'} & set(sys.modules))\n"
    )
    assert run_python(["-c", code], tmp_path).stdout == "set()\n"
    assert "IPython" not in sys.modules or not notebook_utils.in_notebook()

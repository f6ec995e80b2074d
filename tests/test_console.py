from __future__ import annotations

import io
import itertools
import logging
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synadb.monitor import console
from synadb.monitor._console_lines import MAX_LINE, WINDOW, Line, Page
from synadb.monitor.console import ConsoleCapture, ConsoleFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import RunScript

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Record:
    """A sink that keeps lines as a table would, and checks what it is promised."""

    def __init__(self, first: int = 0) -> None:
        self.first = first
        self.lines: dict[int, tuple[str, str]] = {}
        self.final = first
        self.calls = 0

    def __call__(self, lines: list[Line], final: int) -> None:
        self.calls += 1
        numbers = [number for number, _, _ in lines]
        assert numbers == sorted(set(numbers))
        assert numbers[0] >= self.final
        for number, stream, text in lines:
            assert number in self.lines or number == self.first + len(self.lines)
            assert "\n" not in text
            self.lines[number] = (stream, text)
        self.final = max(self.final, final)

    def text(self, stream: str | None = None) -> list[str]:
        return [text for name, text in self.lines.values() if stream in {None, name}]


def page_lines(*writes: str | tuple[str, str]) -> list[str]:
    page = Page()
    for write in writes:
        page.write(*(("stdout", write) if isinstance(write, str) else write))
    return [text for _, _, text in page.take()]


# --- the page ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        # What wandb 0.31.0 leaves in output.log.
        ("hello\nworld\n\nx", ["hello", "world", "", "x"]),
        ("\r 0%|   | 0/9\r 50%|#  | 4/9\r100%|###| 9/9\nafter\n", ["100%|###| 9/9", "after"]),
        ("\rlonger text here\rab\n", ["abnger text here"]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("abc\r", ["abc"]),
        (
            "\n\rinner 1\x1b[A\router 1\n\rinner 2\x1b[A\router 2\n\ndone",
            ["outer 2", "inner 2", "done"],
        ),
        (
            "\x1b[31mred\x1b[0m \x1b[1;32mgreen\x1b[0m\n",
            ["\x1b[31mred\x1b[0m \x1b[1;32mgreen\x1b[0m"],
        ),
        ("\n\n\na\n\n\n", ["", "", "", "a"]),
        ("text   \n  \nx\n", ["text", "", "x"]),
        ("a\n" + "\x1b[A" * 5 + "X\nY\n", ["X", "Y"]),
        ("abc\ndef\x1b[AX\n", ["abcX", "def"]),
        ("\ta\rb\n", ["ba"]),
        ("日本 😀 \x85\n", ["日本 😀 \x85"]),
        # Where it keeps escape sequences as text, or loses the output, the terminal's view.
        ("a\nb\nc\n\x1b[2AX\n", ["a", "X", "c"]),
        ("a\nb\n\x1b[1Fup\n", ["a", "up"]),
        ("abcdef\r\x1b[Kxy\n", ["xy"]),
        ("abcdef\x1b[2K\rxy\n", ["xy"]),
        ("abcdef\x1b[3D\x1b[1Kx\n", ["   xef"]),
        ("abc\bZ\n", ["abZ"]),
        ("a\x1b[3Cb\x1b[2Gc\n", ["ac  b"]),
        ("l1\nl2\nl3\n\x1b[3A\x1b[Jnew\n", ["new", "", ""]),
        ("\x1b[?25lgo 1\r\x1b[2Kgo 2\x1b[?25h\n", ["go 2"]),
        ("\x1b]0;title\x07text \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n", ["text link"]),
        ("\r\x1b[31m10%\x1b[0m\r\x1b[33m3%\x1b[0m\n", ["\x1b[33m3%\x1b[0m\x1b[31m%\x1b[0m"]),
        ("\x1b[31mred\nstill\x1b[m no\n", ["\x1b[31mred\x1b[0m", "\x1b[31mstill\x1b[0m no"]),
        ("\x1b[1mb\x1b[31mr\x1b[0;4mu\x1b[0m\n", ["\x1b[1mb\x1b[31mr\x1b[0m\x1b[0;4mu\x1b[0m"]),
        ("bad \udcff \ud83d\ude00\n", ["bad \ufffd 😀"]),
        ("\x1b(Bplain\x1b7\n", ["plain"]),
    ],
)
def test_lines(written: str, lines: list[str]) -> None:
    assert page_lines(written) == lines
    assert page_lines(*written) == lines


def test_lines_of_two_streams_stand_in_the_order_they_began() -> None:
    assert page_lines("out-", ("stderr", "err\n"), "put\n") == ["out-put", "err"]
    assert page_lines("a\n\n", ("stderr", "e\n"), "b\n") == ["a", "e", "", "b"]


def test_a_bar_left_far_behind_begins_a_new_line() -> None:
    page = Page()
    page.write("stderr", "\rbar 1")
    page.write("stdout", "".join(f"{i}\n" for i in range(WINDOW)))
    page.write("stderr", "\rbar 2")
    lines = page.take()
    assert lines[0] == (0, "stderr", "bar 1")
    assert lines[-1] == (WINDOW + 1, "stderr", "bar 2")


def test_the_cursor_does_not_leave_the_window() -> None:
    page = Page()
    page.write("stdout", "".join(f"{i}\n" for i in range(100)))
    page.take()
    page.write("stdout", "\x1b[99Atop\n")
    assert page.take() == [(100 - WINDOW, "stdout", "top")]


def test_a_very_long_line_goes_on_in_the_next() -> None:
    text = "".join(map(str, range(30_000)))
    lines = page_lines(text + "\nend\n")
    assert "".join(lines[:-1]) == text
    assert max(map(len, lines)) == MAX_LINE
    assert lines[-1] == "end"


def test_a_page_keeps_little() -> None:
    page = Page()
    for i in range(20_000):
        page.write("stdout", f"line {i}\n\r{i}\x1b[3{i % 8}m")
        page.write("stderr", "." if i % 50 else "\n" * 1000)
        page.take()
    page.write("stdout", "\x1b]0;" + "never closed " * 300)
    kept = [row for stream in page._streams.values() for row in stream.rows]
    assert len(kept) <= 2 * WINDOW
    assert sum(row.length for row in kept) < 2 * WINDOW * 1000
    assert all(len(stream.style) < 300 for stream in page._streams.values())
    assert all(len(stream.partial) <= 4096 for stream in page._streams.values())


MOVES: dict[str, Callable[[int, int], tuple[int, int]]] = {
    "\n": lambda x, y: (0, y + 1),
    "\r": lambda x, y: (0, y),
    "\b": lambda x, y: (max(0, x - 1), y),
    "\x1b[A": lambda x, y: (x, max(0, y - 1)),
    "\x1b[2A": lambda x, y: (x, max(0, y - 2)),
    "\x1b[B": lambda x, y: (x, y + 1),
    "\x1b[C": lambda x, y: (x + 1, y),
    "\x1b[2D": lambda x, y: (max(0, x - 2), y),
    "\x1b[4G": lambda x, y: (3, y),
}
TEXTS = ["a", "bc", "déf", "   "]
MARKS = ["\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[J", "\x1b[31m", "\x1b[0m", "\x1b[1;4m", "\x1b[?25h"]
TOKENS = st.sampled_from([*TEXTS, *MARKS, "\x1b]0;t\x07", *MOVES])
SCRIPTS = st.lists(TOKENS, max_size=40)


def terminal(tokens: list[str]) -> list[str]:
    """A grid of cells, the plain way."""
    grid: dict[int, dict[int, str]] = {}
    x = y = 0
    for token in tokens:
        if token in MOVES:
            x, y = MOVES[token](x, y)
        elif token.endswith("K"):
            mode = token[2:-1]
            row = grid.get(y, {})
            for column in list(row):
                if mode == "2" or (column <= x if mode == "1" else column >= x):
                    del row[column]
        elif token == "\x1b[J":
            if y in grid:
                grid[y] = {column: cell for column, cell in grid[y].items() if column < x}
                for below in grid:
                    if below > y:
                        grid[below] = {}
        elif not token.startswith("\x1b"):
            for row_number in range(y):
                grid.setdefault(row_number, {})
            row = grid.setdefault(y, {})
            for cell in token:
                row[x] = cell
                x += 1
    return [
        "".join(row.get(column, " ") for column in range(max(row, default=-1) + 1)).rstrip(" ")
        for _, row in sorted(grid.items())
    ]


@given(SCRIPTS)
def test_a_page_shows_what_a_terminal_shows(tokens: list[str]) -> None:
    assert [COLOUR.sub("", line) for line in page_lines("".join(tokens))] == terminal(tokens)


@given(SCRIPTS, st.data())
def test_where_text_is_cut_makes_no_difference(tokens: list[str], data: st.DataObject) -> None:
    text = "".join(tokens)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)))))
    pieces = [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)])]
    assert page_lines(*pieces) == page_lines(text)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["stdout", "stderr"]),
            st.one_of(st.lists(TOKENS, max_size=6).map("".join), st.just("x\n" * 50)),
            st.booleans(),
        ),
        max_size=30,
    ),
    st.integers(0, 5),
)
def test_a_file_and_a_table_that_follow_end_alike(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[str, str, bool]], first: int
) -> None:
    path = tmp_path_factory.mktemp("console") / "output.log"
    whole, page, record, file = Page(first), Page(first), Record(first), ConsoleFile(path, first)
    for stream, text, take in writes:
        whole.write(stream, text)
        page.write(stream, text)
        if take and (lines := page.take()):
            record(lines, page.final)
            file.update(lines, page.final)
            assert len(file._open) <= WINDOW
    if lines := page.take():
        record(lines, page.final)
        file.update(lines, page.final)
    file.close()
    assert [text for _, _, text in whole.take()] == record.text()
    expected = "".join(text + "\n" for text in record.text())
    assert (path.read_text("utf-8") if path.exists() else "") == expected


def test_a_file_goes_on_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "output.log"
    path.write_bytes(b"before\n")
    file = ConsoleFile(path, first=7)
    file.update([(7, "stdout", "long unfinished")], 0)
    file.update([(7, "stdout", "short"), (8, "stdout", "é")], 0)
    file.update([(7, "stdout", "s")], 0)
    file.close()
    assert path.read_text("utf-8") == "before\ns\né\n"


# --- wrap ---------------------------------------------------------------------------------------


@pytest.fixture
def record() -> Record:
    return Record()


Streams = tuple[io.TextIOWrapper, io.TextIOWrapper]


@pytest.fixture
def use_streams(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Streams]]:
    """Called, puts real text streams into sys.stdout and sys.stderr.

    Not done by the fixture itself: pytest puts its own there between set-up and test.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))

    def use() -> Streams:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        return out, err

    yield use
    assert "write" not in vars(out)
    assert "write" not in vars(err)


def written(stream: io.TextIOWrapper) -> str:
    buffer: Any = stream.buffer
    return str(buffer.getvalue().decode())


def test_what_is_printed_between_start_and_stop(
    use_streams: Callable[[], Streams], record: Record
) -> None:
    streams = use_streams()
    handler = logging.StreamHandler()
    capture = ConsoleCapture("wrap", record)
    print("before")
    capture.start()
    capture.start()
    print("out", 1)
    print("err", file=sys.stderr)
    sys.stdout.writelines(["x\n", "y\n"])
    handler.emit(logging.LogRecord("n", logging.INFO, "", 0, "kept stream", None, None))
    print("no end", end="")
    assert sys.stdout is streams[0]
    assert sys.stdout.encoding == "utf-8"
    capture.stop()
    capture.stop()
    print("after")
    assert record.text("stdout") == ["out 1", "x", "y", "no end"]
    assert record.text("stderr") == ["err", "kept stream"]
    assert written(streams[0]) == "before\nout 1\nx\ny\nno endafter\n"
    assert written(streams[1]) == "err\nkept stream\n"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_several_captures_stop_in_any_order(
    use_streams: Callable[[], Streams], order: tuple[int, ...]
) -> None:
    use_streams()
    records = [Record() for _ in range(3)]
    captures = [ConsoleCapture("wrap", record) for record in records]
    expected: list[list[str]] = [[], [], []]
    for index, capture in enumerate(captures):
        capture.start()
        print(f"started {index}")
        for each in range(index + 1):
            expected[each].append(f"started {index}")
    running = {0, 1, 2}
    for index in order:
        captures[index].stop()
        running.remove(index)
        print(f"stopped {index}")
        for each in running:
            expected[each].append(f"stopped {index}")
    assert [record.text() for record in records] == expected


def test_a_replaced_stream_stays_as_it_is(
    use_streams: Callable[[], Streams], record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_streams()
    capture = ConsoleCapture("wrap", record)
    capture.start()
    print("captured")
    theirs = io.StringIO()
    monkeypatch.setattr(sys, "stdout", theirs)
    print("theirs")
    capture.stop()
    print("still theirs")
    assert sys.stdout is theirs
    assert theirs.getvalue() == "theirs\nstill theirs\n"
    assert record.text() == ["captured"]


def test_a_replaced_write_goes_on_working(
    use_streams: Callable[[], Streams], record: Record
) -> None:
    streams = use_streams()
    out: Any = streams[0]
    capture = ConsoleCapture("wrap", record)
    capture.start()
    ours = out.write
    out.write = lambda text: ours(text.upper())
    inner = Record()
    second = ConsoleCapture("wrap", inner)
    second.start()
    print("both")
    capture.stop()
    print("second")
    second.stop()
    print("none")
    assert written(out) == "BOTH\nSECOND\nNONE\n"
    assert record.text() == ["BOTH"]
    assert inner.text() == ["both", "second"]
    del out.write


def test_streams_that_cannot_be_captured(
    monkeypatch: pytest.MonkeyPatch, record: Record, use_streams: Callable[[], Streams]
) -> None:
    use_streams()
    closed = io.StringIO()
    closed.close()
    for name, stream in (("stdout", None), ("stderr", closed)):
        monkeypatch.setattr(sys, name, stream)
    for mode in ("wrap", "redirect"):
        capture = ConsoleCapture(mode, record)
        capture.start()
        print("nowhere")
        capture.stop()
    assert record.lines == {}
    assert sys.stdout is None


class Slotted:
    """A stream that takes no attributes, and anything to write."""

    __slots__ = ("got",)
    encoding = "koi8-r"

    def __init__(self) -> None:
        self.got: list[object] = []

    def write(self, text: object) -> None:
        self.got.append(text)


def test_a_stream_without_attributes(
    monkeypatch: pytest.MonkeyPatch, record: Record, use_streams: Callable[[], Streams]
) -> None:
    use_streams()
    stream = Slotted()
    monkeypatch.setattr(sys, "stdout", stream)
    captures = [ConsoleCapture("wrap", record), ConsoleCapture("wrap", Record())]
    for capture in captures:
        capture.start()
    assert sys.stdout.encoding == "koi8-r"
    print("text")
    sys.stdout.writelines(["a\n"])
    sys.stdout.write(bytearray(b"bytes\n"))  # type: ignore[arg-type]
    sys.stdout.write(12)  # type: ignore[arg-type]
    for capture in captures:
        capture.stop()
    assert sys.stdout is stream
    assert stream.got == ["text", "\n", "a\n", bytearray(b"bytes\n"), 12]
    assert sorted(record.text()) == ["12", "a", "bytes", "text"]


def test_one_stream_under_both_names_counts_once(
    monkeypatch: pytest.MonkeyPatch, record: Record, use_streams: Callable[[], Streams]
) -> None:
    use_streams()
    monkeypatch.setattr(sys, "stderr", sys.stdout)
    capture = ConsoleCapture("wrap", record)
    capture.start()
    print("once", file=sys.stderr)
    capture.stop()
    assert record.text() == ["once"]


def test_an_error_of_the_stream_is_the_scripts(
    use_streams: Callable[[], Streams], record: Record
) -> None:
    use_streams()
    capture = ConsoleCapture("wrap", record)
    capture.start()
    with pytest.raises(TypeError):
        sys.stdout.write(1)  # type: ignore[arg-type]
    capture.stop()
    assert record.lines == {}


def test_a_sink_that_prints_is_heard_once(use_streams: Callable[[], Streams]) -> None:
    streams = use_streams()
    records = [Record(), Record()]

    def sink_of(index: int) -> console.Sink:
        def sink(lines: list[Line], final: int) -> None:
            print(f"sink {index}")
            captures[index].flush()
            records[index](lines, final)

        return sink

    captures = [ConsoleCapture("wrap", sink_of(index)) for index in range(2)]
    for capture in captures:
        capture.start()
    print("script")
    for _ in range(3):
        for capture in captures:
            capture.flush()
    for capture in captures:
        capture.stop()
    assert [record.text() for record in records] == [["script"], ["script"]]
    assert written(streams[0]).count("sink") == 2


def test_a_sink_that_fails_does_not_reach_the_script(use_streams: Callable[[], Streams]) -> None:
    streams = use_streams()

    def sink(lines: list[Line], final: int) -> None:
        raise OSError("disk is full")

    capture = ConsoleCapture("wrap", sink)
    capture.start()
    for _ in range(2):
        print("text")
        capture.flush()
    capture.stop()
    assert isinstance(capture.error, OSError)
    assert written(streams[1]).count("disk is full") == 1


def test_threads(use_streams: Callable[[], Streams], record: Record) -> None:
    use_streams()
    capture = ConsoleCapture("wrap", record, interval=0.001)
    capture.start()

    def work(name: int) -> None:
        for i in range(500):
            sys.stdout.write(f"{name} {i}\n")

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    capture.stop()
    for name in range(8):
        mine = [text for text in record.text() if text.startswith(f"{name} ")]
        assert mine == [f"{name} {i}" for i in range(500)]


def test_a_thread_only_once_something_is_printed(use_streams: Callable[[], Streams]) -> None:
    use_streams()
    done = threading.Event()
    capture = ConsoleCapture("wrap", lambda _lines, _final: done.set(), interval=0.001)
    capture.start()
    assert "synadb-console" not in {thread.name for thread in threading.enumerate()}
    print("x")
    assert done.wait(30)
    capture.stop()
    assert "synadb-console" not in {thread.name for thread in threading.enumerate()}


def test_a_hanging_sink_costs_a_bounded_amount_of_memory(
    use_streams: Callable[[], Streams], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_streams()
    monkeypatch.setattr(console, "LIMIT", 1000)
    monkeypatch.setattr(console, "LOCK_TIMEOUT", 0.05)
    release, entered, record = threading.Event(), threading.Event(), Record()

    def sink(lines: list[Line], final: int) -> None:
        entered.set()
        release.wait(60)
        record(lines, final)

    capture = ConsoleCapture("wrap", sink, interval=0.001)
    capture.start()
    print("first")
    assert entered.wait(30)
    for i in range(5000):
        print("line", i)
    assert len(capture._pending) < 1000
    release.set()
    capture.flush()
    monkeypatch.setattr(console, "LOCK_TIMEOUT", 30.0)
    capture.stop()
    assert record.text()[0] == "first"
    assert any("were not kept" in text for text in record.text("log"))


def test_more_than_fits_is_stored_by_who_prints(
    use_streams: Callable[[], Streams], record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_streams()
    monkeypatch.setattr(console, "LIMIT", 1000)
    capture = ConsoleCapture("wrap", record, interval=3600)
    capture.start()
    for i in range(500):
        print("line", i)
    assert record.calls > 1
    capture.stop()
    assert record.text() == [f"line {i}" for i in range(500)]


@pytest.mark.parametrize("mode", ["off", "wrap"])
def test_lines_that_were_not_printed(
    use_streams: Callable[[], Streams], record: Record, mode: Any
) -> None:
    use_streams()
    capture = ConsoleCapture(mode, record, first=0)
    capture.start()
    print("part", end="")
    capture.add("INFO:name:message")
    capture.add("two\nlines\n", stream="log")
    print("ial")
    capture.stop()
    capture.add("late")
    assert record.text("log") == ["INFO:name:message", "two", "lines"]
    assert record.text("stdout") == ([] if mode == "off" else ["partial"])


def test_a_forked_child_sends_nothing(run_script: RunScript) -> None:
    result = run_script("""
import os, sys
from synadb.monitor import console
from synadb.monitor.console import ConsoleCapture
console.LIMIT = 1  # who prints calls the sink
got = []
capture = ConsoleCapture("wrap", lambda lines, final: got.extend(lines))
capture.start()
print("parent", flush=True)
capture.flush()
before = list(got)
if os.fork() == 0:
    print("child", flush=True)
    capture.stop()
    own = []
    mine = ConsoleCapture("wrap", lambda lines, final: own.extend(lines))
    mine.start()
    print("grandly", flush=True)
    mine.stop()
    os._exit(0 if [text for _, _, text in own] == ["grandly"] and got == before else 1)
assert os.wait()[1] == 0
print("parent again")
capture.stop()
assert [text for _, _, text in got] == ["parent", "parent again"], got
""")
    assert result.stdout == "parent\nchild\ngrandly\nparent again\n"


@pytest.mark.parametrize("mode", ["wrap", "redirect"])
def test_what_a_killed_process_leaves(run_script: RunScript, tmp_path: Path, mode: str) -> None:
    result = run_script(
        """
import os, signal, sys, time
from synadb.monitor.console import ConsoleCapture, ConsoleFile
seen = 0
file = ConsoleFile("output.log")
capture = ConsoleCapture(sys.argv[1], file.update)
capture.start()
for i in range(300):
    print("line", i)
sys.stderr.write("\\rbar 1")
sys.stderr.write("\\rbar 2")
deadline = time.monotonic() + 30
while "bar 2" not in (open("output.log").read() if os.path.exists("output.log") else ""):
    assert time.monotonic() < deadline
    time.sleep(0.05)
os.kill(os.getpid(), signal.SIGKILL)
""",
        mode,
        check=False,
    )
    assert result.returncode == -9
    lines = (tmp_path / "output.log").read_text().splitlines()
    assert sorted(lines) == sorted([*(f"line {i}" for i in range(300)), "bar 2"])


# --- redirect -----------------------------------------------------------------------------------

HEAD = """
import ctypes, os, subprocess, sys, threading, time
from synadb.monitor.console import ConsoleCapture

def record():
    lines = {}
    def sink(batch, final):
        for number, stream, text in batch:
            lines[number] = (stream, text)
    sink.text = lambda stream: [text for name, text in lines.values() if name == stream]
    return sink

def same(a, b):
    return (a.st_dev, a.st_ino, a.st_rdev) == (b.st_dev, b.st_ino, b.st_rdev)
"""

needs_descriptors = pytest.mark.skipif(sys.platform == "win32", reason="redirect wraps there")


@needs_descriptors
def test_redirect_captures_c_code_and_children(run_script: RunScript) -> None:
    result = run_script(
        HEAD
        + """
before = os.fstat(1)
sink = record()
capture = ConsoleCapture("redirect", sink)
print("before")
capture.start()
print("python")
os.write(1, b"bad \\xff, \\xc3")
os.write(1, b"\\xa9\\n")
subprocess.run(["sh", "-c", "echo child; echo child error >&2"], check=True)
ctypes.CDLL(None).puts(b"from C")
capture.stop()
assert same(os.fstat(1), before)
print("after")
out = sink.text("stdout")
assert out == ["python", "bad \\ufffd, \\xe9", "child", "from C"], out
assert sink.text("stderr") == ["child error"], sink.text("stderr")
while threading.active_count() > 1:
    time.sleep(0.01)
"""
    )
    assert result.stdout.splitlines()[:2] == ["before", "python"]
    assert result.stdout.endswith("child\nfrom C\nafter\n")
    assert result.stderr == "child error\n"


@needs_descriptors
def test_redirect_lets_go_of_children_that_live_on(run_script: RunScript) -> None:
    result = run_script(
        HEAD
        + """
sink = record()
capture = ConsoleCapture("redirect", sink)
capture.start()
child = subprocess.Popen(["sh", "-c", "echo early; read x; echo late"], stdin=subprocess.PIPE)
noisy = subprocess.Popen([sys.executable, "-c", '''
import sys
while True:
    sys.stderr.write("x" * 100 + chr(10))
'''])
time.sleep(0.5)
capture.stop()
noisy.kill()
noisy.wait()
print("after", flush=True)
child.communicate(b"go")
while threading.active_count() > 1:
    time.sleep(0.01)
assert sink.text("stdout") == ["early"], sink.text("stdout")
assert sink.text("stderr")
"""
    )
    assert result.stdout == "early\nafter\nlate\n"


@needs_descriptors
def test_redirect_of_several_and_of_what_is_not_ours(run_script: RunScript) -> None:
    run_script(
        HEAD
        + """
before = os.fstat(1)
first, second = record(), record()
captures = [ConsoleCapture("redirect", first), ConsoleCapture("redirect", second)]
captures[0].start()
os.write(1, b"one\\n")
captures[1].start()
os.write(1, b"both\\n")
captures[0].stop()
os.write(1, b"two\\n")
captures[1].stop()
assert same(os.fstat(1), before)
assert first.text("stdout") == ["one", "both"], first.text("stdout")
assert second.text("stdout") == ["both", "two"], second.text("stdout")

third = record()
capture = ConsoleCapture("redirect", third)
capture.start()
elsewhere = os.open("elsewhere", os.O_WRONLY | os.O_CREAT)
os.dup2(elsewhere, 1)
capture.stop()
assert same(os.fstat(1), os.fstat(elsewhere))
os.write(1, b"theirs")
assert open("elsewhere").read() == "theirs"
"""
    )


@needs_descriptors
def test_redirect_of_a_forked_process(run_script: RunScript) -> None:
    result = run_script(
        HEAD
        + """
sink = record()
capture = ConsoleCapture("redirect", sink)
capture.start()
if os.fork() == 0:
    print("child", flush=True)
    capture.stop()
    print("child still", flush=True)
    os._exit(0)
assert os.wait()[1] == 0
capture.stop()
assert sink.text("stdout") == ["child", "child still"], sink.text("stdout")
"""
    )
    assert result.stdout == "child\nchild still\n"


@needs_descriptors
def test_redirect_of_a_terminal_is_a_terminal(tmp_path: Path) -> None:
    import fcntl
    import pty
    import struct
    import termios

    script = tmp_path / "script.py"
    script.write_text(
        HEAD
        + """
before = os.fstat(1)
sink = record()
capture = ConsoleCapture("redirect", sink)
capture.start()
print(sys.stdout.isatty(), os.get_terminal_size(1).columns, flush=True)
subprocess.run([sys.executable, "-c", "import sys; print(sys.stdout.isatty())"], check=True)
capture.stop()
assert same(os.fstat(1), before)
assert sink.text("stdout") == ["True 91", "True"], sink.text("stdout")
"""
    )
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 91, 0, 0))
    root = str(Path(__file__).resolve().parent.parent)
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
    ) as process:
        os.close(follower)
        _, errors = process.communicate(timeout=60)
    shown = os.read(leader, 4096)
    os.close(leader)
    assert process.returncode == 0, errors
    assert shown == b"True 91\r\nTrue\r\n"


def test_redirect_of_a_stream_without_a_descriptor_wraps(
    use_streams: Callable[[], Streams], record: Record
) -> None:
    use_streams()
    capture = ConsoleCapture("redirect", record)
    capture.start()
    print("text")
    capture.stop()
    assert record.text() == ["text"]

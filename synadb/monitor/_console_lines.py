"""Console text as lines: what a terminal would show, on a page without end.

Several streams write on one page. Each has a cursor of its own; a line gets its number when its
first character is written, so lines of two streams stand in the order in which they began. Only
the last WINDOW lines can still change.
"""

from __future__ import annotations

from collections import deque
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re

__all__ = ["MAX_LINE", "WINDOW", "Line", "Page"]

Line = tuple[int, str, str]
"""Number, stream and text of a line."""

WINDOW = 64  # lines that can still change: reaches above the tallest stack of progress bars
MAX_LINE = 65536  # characters; a longer line goes on in the next one
_MAX_BLANK = WINDOW  # of a longer run of blank lines only so many are kept
_MAX_STYLE = 256  # characters of colour codes in force; enough for every attribute at once
_MAX_PARTIAL = 4096  # characters of an escape sequence whose end has not come yet

_Span = tuple[str, str]  # colour codes in force, text


class _Row:
    """A line that can still change."""

    __slots__ = ("length", "number", "sent", "spans", "stream")

    def __init__(self, number: int, stream: str) -> None:
        self.number = number
        self.stream = stream
        self.spans: list[_Span] = []
        self.length = 0
        self.sent: str | None = None

    def put(self, x: int, style: str, text: str) -> None:
        """Write `text` at column `x`, over what is there."""
        spans = self.spans
        if x > self.length:
            spans.append(("", " " * (x - self.length)))
            self.length = x
        if x == self.length:
            if spans and spans[-1][0] == style:
                spans[-1] = (style, spans[-1][1] + text)
            else:
                spans.append((style, text))
            self.length += len(text)
            return
        end = x + len(text)
        self.spans = [*_cut(spans, 0, x), (style, text), *_cut(spans, end, self.length)]
        self.length = max(self.length, end)

    def keep(self, start: int, end: int) -> None:
        """Erase what stands before column `start` and from column `end` on."""
        kept = _cut(self.spans, start, end)
        start = min(start, self.length)
        self.spans = [("", " " * start), *kept] if start else kept
        self.length = start + sum(len(text) for _, text in kept)

    def text(self) -> str:
        """The line without blanks at its end; each colour that begins in it ends in it."""
        spans = self.spans
        if not spans:
            return ""
        plain = len(spans) == 1 and not spans[0][0]
        text = spans[0][1].rstrip(" ") if plain else _join(spans)
        return text if text.isascii() else _storable(text)


def _cut(spans: list[_Span], start: int, end: int) -> list[_Span]:
    """The part of a line from column `start` up to `end`."""
    found = []
    position = 0
    for style, text in spans:
        piece = text[max(0, start - position) : max(0, end - position)]
        if piece:
            found.append((style, piece))
        position += len(text)
    return found


def _join(spans: list[_Span]) -> str:
    last = len(spans)
    while last and not spans[last - 1][1].rstrip(" "):
        last -= 1
    parts = []
    before = ""
    for index in range(last):
        style, text = spans[index]
        if style != before:
            # A longer style that begins with the one in force was reached without a reset.
            if before and not style.startswith(before):
                parts.append("\x1b[0m")
                before = ""
            parts.append(style[len(before) :])
            before = style
        parts.append(text.rstrip(" ") if index == last - 1 else text)
    if before:
        parts.append("\x1b[0m")
    return "".join(parts)


def _storable(text: str) -> str:
    """Without lone surrogates, which no UTF-8 file or column takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """An escape sequence or a backspace; an escape sequence that the end of the text cuts off.

    Compiled with the first one seen: most scripts print none. Groups of the first are parameters
    and command of a control sequence (CSI). The other branches are window titles and links (OSC),
    device strings, character sets, two-character sequences.
    """
    import re

    return re.compile(
        r"\x1b\[([0-?]*)[ -/]*([@-~])"
        r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
        r"|\x1b[PX^_][^\x1b]*\x1b\\"
        r"|\x1b[ -/]+[0-~]"
        r"|\x1b[0-OQ-WYZ\\`-~]"
        r"|\x08"
    ), re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[PX^_][^\x1b]*\x1b?|[ -/]*)\Z")


class _Stream:
    """Where a stream writes: its changeable rows, and its cursor among them."""

    __slots__ = ("name", "partial", "rows", "style", "x", "y")

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: deque[_Row] = deque()
        self.x = 0
        self.y = 0  # an index into rows; at or beyond their end lie lines not begun yet
        self.style = ""
        self.partial = ""


class Page:
    """The lines of all streams of a run; not thread-safe.

    `write` takes text as it comes, cut anywhere. `take` hands out what changed since the last
    `take`. A new line is numbered one above the line before it, whichever stream it is of.
    """

    def __init__(self, first: int = 0) -> None:
        self.next = first  # the number of the next new line
        self._streams: dict[str, _Stream] = {}
        self._changed: dict[int, _Row] = {}

    def __len__(self) -> int:
        """The number of lines that `take` would look at."""
        return len(self._changed)

    @property
    def final(self) -> int:
        """Lines below this number never change again."""
        return max(0, self.next - WINDOW)

    def take(self) -> list[Line]:
        """New and changed lines since the last call, lowest number first."""
        lines = []
        for number in sorted(self._changed):
            row = self._changed[number]
            text = row.text()
            if text != row.sent:
                row.sent = text
                lines.append((number, row.stream, text))
        self._changed.clear()
        return lines

    def write(self, name: str, text: str) -> None:
        """Let the stream `name` write `text`."""
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = _Stream(name)
        if stream.partial:
            text = stream.partial + text
            stream.partial = ""
        if "\x1b" not in text and "\b" not in text:
            self._plain(stream, text)
            return
        escape, cut_off = _patterns()
        partial = cut_off.search(text, max(0, len(text) - _MAX_PARTIAL))
        if partial is not None:
            stream.partial = partial.group()
            text = text[: partial.start()]
        position = 0
        for match in escape.finditer(text):
            self._plain(stream, text[position : match.start()])
            position = match.end()
            if match.group() == "\b":
                stream.x = max(0, stream.x - 1)
            elif match.group(2):
                self._control(stream, match.group(2), match.group(1))
        self._plain(stream, text[position:])

    def _plain(self, stream: _Stream, text: str) -> None:
        """Text without escape sequences."""
        pieces = text.split("\n")
        last = len(pieces) - 1
        for index, piece in enumerate(pieces):
            if piece:
                if "\r" in piece:
                    self._overstrike(stream, piece)
                else:
                    self._put(stream, piece)
            if index != last:
                stream.y += 1
                stream.x = 0

    def _overstrike(self, stream: _Stream, piece: str) -> None:
        for index, part in enumerate(piece.split("\r")):
            if index:
                stream.x = 0
            if part:
                self._put(stream, part)

    def _put(self, stream: _Stream, text: str) -> None:
        while stream.x + len(text) > MAX_LINE:
            fits = max(0, MAX_LINE - stream.x)
            if fits:
                self._row(stream).put(stream.x, stream.style, text[:fits])
            text = text[fits:]
            stream.y += 1
            stream.x = 0
        if text:
            self._row(stream).put(stream.x, stream.style, text)
            stream.x += len(text)

    def _row(self, stream: _Stream) -> _Row:
        """The row under the cursor, begun now if need be, and noted as changed."""
        self._forget(stream)
        rows = stream.rows
        if stream.y < len(rows):
            row = rows[stream.y]
            self._changed[row.number] = row
            return row
        for _ in range(min(stream.y - len(rows), _MAX_BLANK)):
            self._begin(stream)
        row = self._begin(stream)
        self._forget(stream)
        stream.y = len(rows) - 1
        return row

    def _begin(self, stream: _Stream) -> _Row:
        row = _Row(self.next, stream.name)
        stream.rows.append(row)
        self._changed[self.next] = row
        self.next += 1
        return row

    def _forget(self, stream: _Stream) -> None:
        """Let go of rows that have left the window."""
        rows = stream.rows
        oldest = self.next - WINDOW
        while rows and rows[0].number < oldest:
            rows.popleft()
            if stream.y:
                stream.y -= 1
            elif not rows or rows[0].number >= oldest:
                # The cursor's own line is gone: what is written next begins a new one.
                stream.x = 0
                stream.y = len(rows)

    def _control(self, stream: _Stream, command: str, parameters: str) -> None:
        if command == "m":
            _restyle(stream, parameters)
            return
        first = parameters.split(";", 1)[0]
        # What has a private parameter, as `?25l` has, is no cursor movement.
        if not (first.isdecimal() or not first):
            return
        count = min(int(first or 0), MAX_LINE)
        if command in "ABEF":
            self._forget(stream)
            rows = max(1, count)
            if command in "AF":
                stream.y = max(0, stream.y - rows)
            else:
                stream.y = min(stream.y + rows, len(stream.rows) + _MAX_BLANK)
            if command in "EF":
                stream.x = 0
        elif command == "C":
            stream.x = min(stream.x + max(1, count), MAX_LINE)
        elif command == "D":
            stream.x = max(0, stream.x - max(1, count))
        elif command == "G":
            stream.x = max(1, count) - 1
        elif command in "JK":
            self._erase(stream, command, count)

    def _erase(self, stream: _Stream, command: str, mode: int) -> None:
        # `2J` and `3J` clear a screen; on a page without end there is none.
        if command == "J" and mode:
            return
        self._forget(stream)
        if stream.y >= len(stream.rows):
            return
        row = self._row(stream)
        if mode == 0:
            row.keep(0, stream.x)
        elif mode == 1:
            row.keep(stream.x + 1, row.length)
        else:
            row.keep(0, 0)
        if command == "J":
            for below in list(stream.rows)[stream.y + 1 :]:
                below.keep(0, 0)
                self._changed[below.number] = below


def _restyle(stream: _Stream, parameters: str) -> None:
    if parameters.strip("0;") == "":
        stream.style = ""
        return
    code = f"\x1b[{parameters}m"
    if parameters.startswith(("0;", ";")):
        stream.style = code
    elif not stream.style.endswith(code):
        style = stream.style + code
        stream.style = style if len(style) <= _MAX_STYLE else code

"""Charts made of characters: points of braille in axes, and sparklines."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from synadb.named import NamedTuple

__all__ = ["COLORS", "MARKS", "Line", "chart", "sparkline"]

MARKS = "*+ox#@%&"  # where neither braille nor colours tell lines apart
COLORS = (36, 33, 35, 32, 34, 31)  # of ANSI terminals: cyan, yellow, magenta, green, blue, red

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII_BLOCKS = "_.-~=+*#"
# The bit of each of the 2 x 4 points of a braille character, column by column from the top.
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BRAILLE = 0x2800
_LEAST = (20, 4)  # columns and rows that a chart has however small the terminal is


class Line(NamedTuple):
    """The points of one run; those that are not finite are left out."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]


class _Canvas:
    """Cells with a character each, or with up to eight points."""

    def __init__(self, columns: int, rows: int, *, dots: bool) -> None:
        self._size = columns, rows
        self._dots = dots
        self.width = columns * 2 if dots else columns
        self.height = rows * 4 if dots else rows
        self._points: dict[tuple[int, int], int] = {}
        self._owners: dict[tuple[int, int], int] = {}

    def put(self, x: int, y: int, line: int) -> None:
        """A point of a line, counted from the lower left."""
        y = self.height - 1 - y
        cell = (x // 2, y // 4) if self._dots else (x, y)
        if self._owners.setdefault(cell, line) != line:
            self._points.pop(cell, None)  # what is drawn later lies on top
            self._owners[cell] = line
        bit = _DOTS[x % 2][y % 4] if self._dots else 1
        self._points[cell] = self._points.get(cell, 0) | bit

    def rows(self, color: bool) -> list[str]:
        """The canvas as text, from the top."""
        columns, rows = self._size
        return ["".join(self._cell(x, y, color) for x in range(columns)) for y in range(rows)]

    def _cell(self, x: int, y: int, color: bool) -> str:
        points = self._points.get((x, y))
        if points is None:
            return " "
        line = self._owners[x, y]
        text = chr(_BRAILLE + points) if self._dots else MARKS[line % len(MARKS)]
        return f"\x1b[{COLORS[line % len(COLORS)]}m{text}\x1b[0m" if color else text


def chart(
    lines: Sequence[Line],
    columns: int,
    rows: int,
    *,
    braille: bool = True,
    color: bool = False,
    log: bool = False,
) -> list[str]:
    """The lines in one pair of axes, labelled with the ends of their scales.

    Without `color`, several lines are drawn in MARKS and not in braille. With `log` the scale of
    the values is logarithmic, and what is not above 0 is left out.
    """
    known = [_points(line, log) for line in lines]
    xs = [x for points in known for x, _ in points]
    ys = [y for points in known for _, y in points]
    if not xs:
        return ["(no finite values)"]
    x_range, y_range = (min(xs), max(xs)), (min(ys), max(ys))
    labels = [f"{end:.4g}" for end in reversed(y_range)]
    margin = max(map(len, labels))
    columns, rows = max(_LEAST[0], columns - margin - 2), max(_LEAST[1], rows - 2)
    canvas = _Canvas(columns, rows, dots=braille and (color or len(lines) == 1))
    height = math.log10 if log else float
    low, high = map(height, y_range)
    place_x, place_y = _scale(*x_range, canvas.width), _scale(low, high, canvas.height)
    for number, points in enumerate(known):
        _draw(canvas, [(place_x(x), place_y(height(y))) for x, y in points], number)
    upright, corner, flat = ("│", "└", "─") if braille else ("|", "+", "-")
    drawn = canvas.rows(color)
    named = {0: labels[0], len(drawn) - 1: labels[1]}
    left, right = (f"{end:.6g}" for end in x_range)
    return [
        *(f"{named.get(row, ''):>{margin}} {upright}{text}" for row, text in enumerate(drawn)),
        " " * margin + f" {corner}{flat * columns}",
        " " * margin + f"  {left}{right:>{max(1, columns - len(left))}}",
    ]


def sparkline(values: Sequence[float], width: int, *, blocks: bool = True) -> str:
    """At most `width` characters, each as high as the mean of its part of the finite values."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return ""
    width = min(width, len(finite))
    edges = [i * len(finite) // width for i in range(width + 1)]
    means = [
        sum(value / (end - start) for value in finite[start:end]) for start, end in pairwise(edges)
    ]
    letters = _BLOCKS if blocks else _ASCII_BLOCKS
    place = _scale(min(means), max(means), len(letters))
    return "".join(letters[place(mean)] for mean in means)


def _points(line: Line, log: bool) -> list[tuple[float, float]]:
    return [
        (float(x), float(y))
        for x, y in zip(line.xs, line.ys, strict=True)
        if math.isfinite(x) and math.isfinite(y) and (y > 0 or not log)
    ]


def _scale(low: float, high: float, cells: int) -> Callable[[float], int]:
    """From a value to a cell; in halves, since the whole range may be beyond a float."""
    span = high / 2 - low / 2
    if not span:
        return lambda value: cells // 2
    return lambda value: min(cells - 1, max(0, int((value / 2 - low / 2) / span * cells)))


def _draw(canvas: _Canvas, places: Sequence[tuple[int, int]], number: int) -> None:
    """The points, and straight lines between them."""
    before = places[0] if places else (0, 0)
    for x, y in places:
        length = max(abs(x - before[0]), abs(y - before[1]), 1)
        for i in range(1, length + 1):
            canvas.put(
                before[0] + round((x - before[0]) * i / length),
                before[1] + round((y - before[1]) * i / length),
                number,
            )
        before = x, y

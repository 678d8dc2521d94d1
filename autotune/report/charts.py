"""Charts as SVG: what the report draws, with axes that people read and a title for every point."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

WIDTH, HEIGHT = 520, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 12, 46


@dataclass(frozen=True)
class Scale:
    """Where values are drawn: between two places, evenly or by their logarithms."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    @staticmethod
    def around(values: Iterable[float], start: float, end: float, *, logarithmic: bool = False) -> Scale:
        """A scale that shows all finite values, with some room; from 0 on where it is even and they are positive."""
        finite = [value for value in values if math.isfinite(value) and (value > 0 or not logarithmic)]
        if not finite:
            finite = [1.0]
        low, high = min(finite), max(finite)
        if logarithmic:
            room = (high / low) ** 0.06 if high > low else 1.5
            return Scale(low / room, high * room, start, end, True)
        if low > 0 and low < 0.7 * high:
            low = 0.0
        room = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
        return Scale(low if low == 0 else low - room, high + room, start, end)

    def __call__(self, value: float) -> float:
        if self.logarithmic:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round numbers on the scale, a few."""
        return self._powers() if self.logarithmic else self._even()

    def _even(self) -> list[float]:
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / 4))
        step *= next(factor for factor in (1, 2, 5, 10) if (self.high - self.low) / (step * factor) <= 6)
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]

    def _powers(self) -> list[float]:
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for factors in ((1,), (1, 3), (1, 2, 5), range(1, 10)):
            found = [f * 10.0**power for power in powers for f in factors if self.low <= f * 10.0**power <= self.high]
            if len(found) >= 3:
                return found
        return [self.low, self.high]


@dataclass
class Chart:
    """Two axes, and what is drawn between them."""

    x: Scale
    y: Scale
    x_title: str
    y_title: str
    marks: list[str] = field(default_factory=list[str])
    text: Callable[[float], str] = "{:.4g}".format

    @staticmethod
    def of(
        xs: Iterable[float],
        ys: Iterable[float],
        x_title: str,
        y_title: str,
        *,
        logarithmic: bool = False,
        height: int = HEIGHT,
    ) -> Chart:
        """A chart that shows these values."""
        return Chart(
            Scale.around(xs, LEFT, WIDTH - RIGHT, logarithmic=logarithmic),
            Scale.around(ys, height - BOTTOM, TOP, logarithmic=logarithmic),
            x_title,
            y_title,
        )

    def points(self, points: Iterable[tuple[float, float, str]], kind: str = "a") -> None:
        """Dots, each with a text that shows when it is pointed at."""
        for x, y, title in points:
            place = f'cx="{self.x(x):.1f}" cy="{self.y(y):.1f}"'
            self.marks.append(f'<circle class="dot {kind}" {place} r="3"><title>{escape(title)}</title></circle>')

    def line(self, points: Sequence[tuple[float, float]], kind: str = "a") -> None:
        """A line from point to point."""
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        self.marks.append(f'<polyline class="line {kind}" points="{path}"/>')

    def steps(self, points: Sequence[tuple[float, float]], kind: str = "a") -> None:
        """A line that keeps its height until the next point."""
        corners = [points[0], *(corner for a, b in pairwise(points) for corner in ((b[0], a[1]), b))]
        self.line(corners, kind)

    def level(self, y: float, label: str, kind: str = "b") -> None:
        """A horizontal line with a label."""
        self.line([(self.x.low, y), (self.x.high, y)], f"{kind} dashed")
        place = f'x="{self.x.end - 4}" y="{self.y(y) - 4:.1f}"'
        self.marks.append(f'<text class="label end" {place}>{escape(label)}</text>')

    def label(self, x: float, y: float, text: str) -> None:
        """A text beside a point."""
        self.marks.append(f'<text class="label" x="{self.x(x) + 6:.1f}" y="{self.y(y) + 4:.1f}">{escape(text)}</text>')

    def svg(self, name: str) -> str:
        """The chart; `name` says what it shows to those who can't see it."""
        height = self.y.start + BOTTOM
        parts = [f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(name)}">']
        for tick in self.x.ticks():
            x = self.x(tick)
            parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{self.y.start:g}" y2="{self.y.end:g}"/>')
            parts.append(f'<text class="tick mid" x="{x:.1f}" y="{self.y.start + 16:g}">{self.text(tick)}</text>')
        for tick in self.y.ticks():
            y = self.y(tick)
            parts.append(f'<line class="grid" x1="{self.x.start:g}" x2="{self.x.end:g}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text class="tick end" x="{self.x.start - 6:g}" y="{y + 4:.1f}">{self.text(tick)}</text>')
        parts += self.marks
        middle = (self.x.start + self.x.end) / 2
        parts.append(f'<text class="axis mid" x="{middle:g}" y="{height - 8:g}">{escape(self.x_title)}</text>')
        side = f'transform="translate(14 {(self.y.start + self.y.end) / 2:g}) rotate(-90)"'
        parts.append(f'<text class="axis mid" {side}>{escape(self.y_title)}</text></svg>')
        return "\n".join(parts)


def bars(rows: Sequence[tuple[str, float, str]], name: str) -> str:
    """Horizontal bars: a label, a length and a text each; a negative length is drawn as none."""
    longest = max((value for _, value, _ in rows), default=0.0) or 1.0
    height = 22 * len(rows) + 8
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(name)}">']
    for position, (label, value, text) in enumerate(rows):
        y = 4 + 22 * position
        width = 200 * max(0.0, value) / longest
        parts.append(f'<text class="tick end" x="250" y="{y + 14}">{escape(label)}</text>')
        parts.append(f'<rect class="bar" x="256" y="{y + 3}" width="{width:.1f}" height="14" rx="2"/>')
        parts.append(f'<text class="tick" x="{260 + width:.1f}" y="{y + 14}">{escape(text)}</text>')
    parts.append("</svg>")
    return "\n".join(parts)

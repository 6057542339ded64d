"""A plot of lines over logarithmic axes, as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 760, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 40, 50
COLORS = ("#1f6fb4", "#d9730d", "#2b8a3e", "#b3261e", "#7b4fb5", "#8a6d1d", "#0b8a8a", "#555555")


def plot(title: str, x_name: str, y_name: str, lines: Mapping[str, Points], bound: str = "") -> str:
    """lines: name -> points over 0. bound: the name of the line that is drawn dashed."""
    xs = [x for points in lines.values() for x, _ in points]
    ys = [y for points in lines.values() for _, y in points]
    to_x = _axis(min(xs), max(xs), LEFT, WIDTH - RIGHT)
    to_y = _axis(min(ys), max(ys), HEIGHT - BOTTOM, TOP)
    body = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 22, title, size=15),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_name, "middle"),
        f'<g transform="rotate(-90)">{_text(-(TOP + HEIGHT - BOTTOM) / 2, 18, y_name, "middle")}</g>',
    ]
    for value in _ticks(min(xs), max(xs)):
        x = to_x(value)
        body += [_grid(x, TOP, x, HEIGHT - BOTTOM), _text(x, HEIGHT - BOTTOM + 18, f"{value:,g}", "middle")]
    for value in _ticks(min(ys), max(ys)):
        y = to_y(value)
        body += [_grid(LEFT, y, WIDTH - RIGHT, y), _text(LEFT - 8, y + 4, f"{value:,g}", "end")]
    for index, (name, points) in enumerate(lines.items()):
        color = "#222222" if name == bound else COLORS[index % len(COLORS)]
        dash = ' stroke-dasharray="6 4"' if name == bound else ""
        path = " ".join(f"{to_x(x):.1f},{to_y(y):.1f}" for x, y in points)
        body.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"{dash}/>')
        y = TOP + 12 + 22 * index
        body.append(
            f'<line x1="{WIDTH - RIGHT + 14}" y1="{y}" x2="{WIDTH - RIGHT + 38}" y2="{y}" stroke="{color}" '
            f'stroke-width="2"{dash}/>'
        )
        body.append(_text(WIDTH - RIGHT + 46, y + 4, name))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
    return "\n".join((head, *body, "</svg>\n"))


def _axis(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """From a value to its place, by its logarithm."""
    span = math.log(high / low) or 1.0
    return lambda value: start + math.log(value / low) / span * (end - start)


def _ticks(low: float, high: float) -> list[float]:
    """1, 3, 10, 30 ... between two values."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [value for power in powers for value in (10.0**power, 3 * 10.0**power) if low <= value <= high]


def _grid(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-family="sans-serif" font-size="{size}" '
        f'fill="#222222">{escape(text)}</text>'
    )

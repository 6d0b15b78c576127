"""Lines over time as SVG 1.1 with the standard library alone: a panel per unit, a colour per line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from simulation.kernel.series import Series

WIDTH, HEIGHT = 900, 150  # of a panel, in px
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 24, 28  # room around a panel for scales and names
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f")
MOST_POINTS = 1200  # per line: more than a pixel each says nothing


def draw(title: str, series: Series, panels: Sequence[tuple[str, Sequence[str]]]) -> str:
    """An SVG document. `panels`: (label with unit, names of lines), from top to bottom on one time axis."""
    shown = [(label, [name for name in names if series.line(name)[0]]) for label, names in panels]
    shown = [(label, names) for label, names in shown if names]
    times = [time for _, names in shown for name in names for time in series.line(name)[0]]
    first, last = (min(times), max(times)) if times else (0.0, 1.0)
    height = TOP + len(shown) * (HEIGHT + BOTTOM) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="16" font-size="14">{escape(title)}</text>',
    ]
    for row, (label, names) in enumerate(shown):
        parts += _panel(
            TOP + 6 + row * (HEIGHT + BOTTOM), label, names, series, first, max(last, first + 1e-9)
        )
    return "\n".join([*parts, "</svg>", ""])


def _panel(
    top: float, label: str, names: Sequence[str], series: Series, first: float, last: float
) -> list[str]:
    highest = max(max(series.line(name)[1]) for name in names)
    scale = _round_up(highest)
    parts = [f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#bbb"/>']
    for tick in range(5):
        y = top + HEIGHT * (1 - tick / 4)
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{scale * tick / 4:g}</text>')
        parts.append(f'<path d="M{LEFT} {y:.1f}H{LEFT + WIDTH}" stroke="#eee"/>')
        x = LEFT + WIDTH * tick / 4
        seconds = first + (last - first) * tick / 4
        parts.append(
            f'<text x="{x:.1f}" y="{top + HEIGHT + 14}" text-anchor="middle">{seconds:,.0f} s</text>'
        )
    parts.append(f'<text x="{LEFT + WIDTH + 8}" y="{top + 10}" fill="#555">{escape(label)}</text>')
    for number, name in enumerate(names):
        colour = COLOURS[number % len(COLOURS)]
        parts.append(_line(series, name, colour, top, scale, first, last))
        parts.append(
            f'<text x="{LEFT + WIDTH + 8}" y="{top + 26 + 14 * number}" fill="{colour}">'
            f"{escape(name.replace('_', ' '))}</text>"
        )
    return parts


def _line(series: Series, name: str, colour: str, top: float, scale: float, first: float, last: float) -> str:
    times, values = series.line(name)
    every = max(1, len(times) // MOST_POINTS)
    wide, high = WIDTH / (last - first), HEIGHT / scale
    points = " ".join(
        f"{LEFT + wide * (time - first):.1f},{top + HEIGHT - high * max(value, 0):.1f}"
        for time, value in zip(times[::every], values[::every], strict=True)
    )
    return f'<polyline fill="none" stroke="{colour}" stroke-width="1.2" points="{points}"/>'


def _round_up(value: float) -> float:
    """The next 1, 2, 4 or 8 times a power of ten: a scale that divides by four."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 8, 10, 20) if step * power >= value)

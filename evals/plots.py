"""Plots as inline SVG: drawn from figures alone, in the colours of the page, readable without any script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from evals.figures import Figure

WIDTH = 540
LABEL = 150
"""Pixels kept for the names on the left."""
ROW = 26
SCALE = (0.0, 0.25, 0.5, 0.75, 1.0)


def interval_bars(rows: Sequence[tuple[str, Figure]], title: str) -> str:
    """Return bars of rates between 0 and 1, each with its interval and its count."""
    rows = [(name, figure) for name, figure in rows if figure.value is not None]
    room = WIDTH - LABEL - 70
    height = ROW * len(rows) + 24
    parts = [_scale(LABEL, room, height - 20)]
    for index, (name, figure) in enumerate(rows):
        y = index * ROW + 4
        rate, (low, high) = max(0.0, figure.value or 0.0), figure.interval or (0.0, 0.0)
        parts.append(
            f'<text x="{LABEL - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="bar" x="{LABEL}" y="{y + 3}" width="{rate * room:.1f}" height="14" rx="2"/>'
            f'<path class="whisker" d="M{LABEL + low * room:.1f} {y + 10}H{LABEL + high * room:.1f}'
            f'M{LABEL + low * room:.1f} {y + 6}v8M{LABEL + high * room:.1f} {y + 6}v8"/>'
            f'<text class="count" x="{LABEL + room + 8}" y="{y + 14}">{figure.num}/{figure.den}</text>'
        )
    return _svg(title, height, parts)


def model_bars(models: Sequence[tuple[str, Sequence[tuple[str, Figure]]]], title: str) -> str:
    """Return, for each row, a dot with its interval for each model."""
    names = [name for name, figure in models[0][1] if figure.value is not None] if models else []
    room, step = WIDTH - LABEL - 70, 11
    tall = step * len(models) + 10
    height = tall * len(names) + 24 + 18 * len(models)
    parts = [_scale(LABEL, room, tall * len(names) + 4)]
    for index, name in enumerate(names):
        top = index * tall
        parts.append(
            f'<text x="{LABEL - 8}" y="{top + tall / 2 + 4:.0f}" text-anchor="end">{escape(name)}</text>'
        )
        for place, (_, figures) in enumerate(models):
            figure = dict(figures).get(name)
            if figure and figure.value is not None and figure.interval:
                y, (low, high) = top + 9 + place * step, figure.interval
                parts.append(
                    f'<path class="whisker m{place % 4}" d="M{LABEL + low * room:.1f} {y}'
                    f'H{LABEL + high * room:.1f}"/>'
                    f'<circle class="m{place % 4}" cx="{LABEL + figure.value * room:.1f}" cy="{y}" r="4"/>'
                )
    for place, (model, _) in enumerate(models):
        y = tall * len(names) + 42 + 18 * place
        parts.append(
            f'<circle class="m{place % 4}" cx="{LABEL + 4}" cy="{y - 4}" r="4"/>'
            f'<text x="{LABEL + 14}" y="{y}">{escape(model)}</text>'
        )
    return _svg(title, height + 14, parts)


def risk_coverage(outcomes: Sequence[tuple[float, bool]], asked: int, title: str) -> str:
    """Return the share of wrong answers (up) against the share of questions answered (right).

    `outcomes` are the confidence of each answer and whether it passed; `asked` counts refusals as well.
    """
    left, top, wide, high = 48, 10, WIDTH - 70, 170
    ordered = sorted(outcomes, key=lambda each: -each[0])
    points, wrong = [], 0
    for number, (confidence, passed) in enumerate(ordered, start=1):
        wrong += not passed
        if number == len(ordered) or ordered[number][0] != confidence:
            points.append((number / max(1, asked), wrong / number))
    line = " ".join(f"{left + x * wide:.1f},{top + (1 - y) * high:.1f}" for x, y in points)
    parts = [_axes(left, top, wide, high, "share of questions answered", "wrong")]
    if points:
        x, y = points[-1]
        parts.append(f'<polyline class="line" points="{line}"/>')
        parts.append(f'<circle class="m0" cx="{left + x * wide:.1f}" cy="{top + (1 - y) * high:.1f}" r="4"/>')
        title = f"{title} (as shipped: {x:.0%} answered, {y:.0%} of them wrong)"
    return _svg(title, top + high + 44, parts)


def histogram(values: Sequence[float], unit: str, title: str, *, bins: int = 16) -> str:
    """Return how many of the values fall into each of some equal ranges."""
    left, top, wide, high = 48, 10, WIDTH - 70, 110
    most = max(values, default=0.0) or 1.0
    counts = [0] * bins
    for each in values:
        counts[min(bins - 1, int(each / most * bins))] += 1
    tallest = max(counts) or 1
    step = wide / bins
    parts = [
        f'<rect class="bar" x="{left + index * step + 1:.1f}" y="{top + high - count / tallest * high:.1f}" '
        f'width="{step - 2:.1f}" height="{count / tallest * high:.1f}"/>'
        for index, count in enumerate(counts)
    ]
    parts.append(f'<path class="axis" d="M{left} {top}V{top + high}H{left + wide}"/>')
    parts += [_tick(left + share * wide, top + high + 16, f"{share * most:.2g}") for share in SCALE]
    parts.append(_tick(left + wide / 2, top + high + 32, unit))
    parts.append(_tick(left - 6, top + 10, str(tallest), "end") + _tick(left - 6, top + high, "0", "end"))
    return _svg(title, top + high + 44, parts)


def _tick(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text class="tick" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _scale(left: int, room: int, bottom: int) -> str:
    marks = "".join(f"M{left + share * room:.1f} 0V{bottom}" for share in SCALE)
    ticks = "".join(_tick(left + share * room, bottom + 16, f"{share:g}") for share in SCALE)
    return f'<path class="grid" d="{marks}"/>{ticks}'


def _axes(left: int, top: int, wide: int, high: int, across: str, up: str) -> str:
    ticks = "".join(
        _tick(left + share * wide, top + high + 16, f"{share:.0%}")
        + _tick(left - 6, top + (1 - share) * high + 4, f"{share:.0%}", "end")
        for share in (0.0, 0.5, 1.0)
    )
    names = _tick(left + wide / 2, top + high + 34, across) + _tick(left + 8, top + 12, up, "start")
    return f'<path class="axis" d="M{left} {top}V{top + high}H{left + wide}"/>{ticks}{names}'


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    size = f'viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}"'
    drawn = f'<svg role="img" aria-label="{escape(title)}" {size}>{"".join(parts)}</svg>'
    return f"<figure><figcaption>{escape(title)}</figcaption>{drawn}</figure>"

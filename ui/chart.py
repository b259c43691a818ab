"""A chart of the articles per day and outlet, drawn with columns of plain HTML, the figures beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from rag.listing import Tally
from rag.render import day_in_words
from ui.sources import clip, escape

COLOURS = 5
"""Outlets that have a colour of their own; the others share one."""
DAYS, MONTHS, YEARS = 62, 48, 60
"""Most columns by day and by month, beyond which the next larger unit is drawn; and the last years."""

OTHERS = "Other outlets"
UNNAMED = "No outlet stated"


def chart(tallies: Sequence[Tally]) -> str:
    """Return the articles per day (or month, or year) and outlet as columns, with the figures as a table."""
    dated = [tally for tally in tallies if _day(tally.day)]
    undated = sum(tally.articles for tally in tallies if not _day(tally.day))
    note = f"{_count(undated)} without a date not drawn." if undated else ""
    told = f'<p class="ts-note">{note}</p>' if note else ""
    if not dated:
        return told
    unit, keys = _columns(dated)
    names = _coloured(dated)
    counted: Counter[tuple[str, str]] = Counter()
    for tally in dated:
        name = tally.source or UNNAMED
        counted[_key(tally.day, unit), name if name in names else OTHERS] += tally.articles
    shown = [*names, *([OTHERS] if any(name == OTHERS for _, name in counted) else [])]
    highest = max(sum(counted[key, name] for name in shown) for key in keys)
    columns = "".join(_column(key, unit, shown, counted, highest) for key in keys)
    legend = "".join(
        f'<li><span class="ts-key ts-c{place}"></span><bdi>{escape(clip(name, 40))}</bdi></li>'
        for place, name in enumerate(shown)
    )
    title = f"Articles per {unit} and outlet"
    ends = f"<span>{escape(_named(keys[0], unit))}</span><span>{escape(_named(keys[-1], unit))}</span>"
    return (
        f'<figure class="ts-chart"><figcaption>{title}</figcaption><div class="ts-plot" aria-hidden="true">'
        f'<span class="ts-most">{highest:,}</span><div class="ts-days">{columns}</div></div>'
        f'<p class="ts-ends" aria-hidden="true">{ends}</p><ul class="ts-legend">{legend}</ul>'
        f"{_figures(title, keys, unit, shown, counted)}"
        f"{told}</figure>"
    )


def _column(
    key: str, unit: str, names: Sequence[str], counted: Counter[tuple[str, str]], highest: int
) -> str:
    parts = [(place, counted[key, name]) for place, name in enumerate(names) if counted[key, name]]
    total = sum(number for _, number in parts)
    drawn = "".join(
        f'<span class="ts-c{place}" style="height:{100 * number / highest:.2f}%"></span>'
        for place, number in reversed(parts)
    )
    told = "; ".join(f"{names[place]} {number:,}" for place, number in parts)
    said = f"{_named(key, unit)}: {_count(total)}" + (f" ({told})" if told else "")
    return f'<div class="ts-day" title="{escape(said)}">{drawn}</div>'


def _figures(
    title: str, keys: Sequence[str], unit: str, names: Sequence[str], counted: Counter[tuple[str, str]]
) -> str:
    head = "".join(f'<th scope="col"><bdi>{escape(clip(name, 40))}</bdi></th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{escape(_named(key, unit))}</th>'
        + "".join(f"<td>{counted[key, name] or ''}</td>" for name in names)
        + "</tr>"
        for key in keys
        if any(counted[key, name] for name in names)
    )
    table = (
        f'<table class="ts-table"><caption>{title}</caption><thead><tr><th scope="col">{unit.title()}</th>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table>"
    )
    return f'<details><summary>The figures</summary><div class="ts-wide">{table}</div></details>'


def _coloured(dated: Iterable[Tally]) -> list[str]:
    """Return the outlets with most articles, most first; those of one spelling in all cases are one."""
    counted: Counter[str] = Counter()
    for tally in dated:
        counted[tally.source or UNNAMED] += tally.articles
    return [name for name, _ in counted.most_common(COLOURS)]


def _columns(dated: Sequence[Tally]) -> tuple[str, list[str]]:
    """Return the unit of the chart and its columns: all days or months of the time, or the years."""
    days = sorted(day for tally in dated if (day := _day(tally.day)))
    first, last = days[0], days[-1]
    if all(len(tally.day) == 10 for tally in dated) and (last - first).days < DAYS:
        return "day", [(first + timedelta(days=step)).isoformat() for step in range((last - first).days + 1)]
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if all(len(tally.day) >= 7 for tally in dated) and months <= MONTHS:
        steps = range(first.month - 1, first.month - 1 + months)
        return "month", [f"{first.year + step // 12:04}-{step % 12 + 1:02}" for step in steps]
    return "year", sorted({f"{day.year:04}" for day in days})[-YEARS:]


def _key(day: str, unit: str) -> str:
    return day[: {"day": 10, "month": 7, "year": 4}[unit]]


def _named(key: str, unit: str) -> str:
    return day_in_words(key) if unit != "year" else key


def _day(text: str) -> date | None:
    """Return the day, or the first day of the month or year; None for what is no date."""
    try:
        return date.fromisoformat(text + "-01-01"[len(text) - 4 :] if len(text) in (4, 7) else text)
    except ValueError:
        return None


def _count(articles: int) -> str:
    return f"{articles:,} article{'' if articles == 1 else 's'}"

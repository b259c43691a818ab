"""The dates a text speaks of, as days, months or years, reckoned from the day its article was published."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from rag.text import Span

How = Literal["stated", "reckoned", "unresolved"]

_MONTHS = [name.casefold() for name in calendar.month_name]
_MONTH = (
    r"(?-i:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|July?|Aug(?:ust|\.)?|"
    r"Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
_DAYS = [name.casefold() for name in calendar.day_name]
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_COUNT = r"(?:\d{1,3}|a|an|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_COUNTS = {
    word: n
    for n, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
} | {"a": 1, "an": 1}

_DATE = re.compile(
    rf"\b(?P<iso>(?:19|20)\d\d-(?:0[1-9]|1[0-2])-[0-3]\d)\b"
    rf"|\b(?P<day1>[0-3]?\d)(?:st|nd|rd|th)?(?:\s+of)?\s+(?P<month1>{_MONTH})(?:,?\s+(?P<year1>(?:19|20)\d\d))?\b"
    rf"|\b(?P<month2>{_MONTH})\s+(?P<day2>[0-3]?\d)(?:st|nd|rd|th)?\b(?![:.]\d)(?:,?\s+(?P<year2>(?:19|20)\d\d))?\b"
    rf"|\b(?:(?P<part>early|mid|late|the (?:end|middle|beginning|start) of)[\s-]+)?"
    rf"(?P<month3>{_MONTH})(?:,?\s+(?P<year3>(?:19|20)\d\d))?(?!\w)"
    rf"|\b(?:(?P<which>last|next|this|the previous|the following)\s+)?(?P<weekday>{_DAY})\b"
    rf"|\b(?P<near>(?-i:[Tt]oday|[Tt]onight|[Yy]esterday|[Tt]omorrow)|the day before yesterday)\b"
    rf"|\b(?P<count>{_COUNT})\s+(?P<unit>day|week|month|year)s?\s+(?P<side>ago|earlier|later)\b"
    rf"|\b(?P<rel>last|next|this|earlier this|later this)\s+(?P<span>weekend|week|month|year|spring|summer|"
    rf"autumn|fall|winter)\b"
    rf"|\b(?P<over>over the weekend|at the weekend)\b"
    rf"|\b(?P<word>in|since|of|until|by|early|late|before|after|from|during|mid-)\s*(?P<year4>(?:19|20)\d\d)\b(?!\s*%)",
    re.I,
)
_AHEAD = re.compile(
    r"\b(?:will|would|expect(?:s|ed)?|due|scheduled|set to|plans? to|planned|hopes? to|wants? to|intends?|"
    r"upcoming|forecasts?|to be|is to|are to)\b|\b(?:until|by|next|not before)\s*$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class When:
    """A date that a text speaks of: `text[at[0]:at[1]]`."""

    first: str
    """ISO 8601 day, month or year; empty when it cannot be told."""
    last: str
    """The last day of a span; otherwise the same as `first`."""
    said: str
    """The words of the text."""
    at: Span
    how: How

    @property
    def precise(self) -> bool:
        """Whether it is one day."""
        return len(self.first) == 10 and self.first == self.last


def dates(text: str, *, published: str = "", as_of: str = "") -> tuple[When, ...]:
    """Return the dates in `text`, in order.

    A date without its year, or a weekday, is reckoned from `published` (ISO 8601): the nearest such day
    before it, or after it where the words before the date look ahead ("will meet on Friday"). An article
    without a date was published before `as_of`, when that is given: weekdays and months are then the last
    ones before it, and "yesterday" stays unresolved, as all does without either.
    """
    anchor = day_of(published)
    named = None if anchor else day_of(as_of)
    found = []
    for match in _DATE.finditer(text):
        start, end = match.span()
        said = text[start:end]
        clause = re.split(r"[.;:]|, (?:and|but|when|after|before)\b", text[max(0, start - 90) : start])[-1]
        ahead = bool(_AHEAD.search(clause)) and named is None
        loose = named is not None and (match["near"] or match["count"])
        first, last, how = _resolve(match, None if loose else anchor or named, ahead=ahead)
        found.append(When(first, last or first, " ".join(said.split()), (start, end), how))
    return tuple(found)


def day_of(iso: str) -> date | None:
    """Return the day that an ISO 8601 date or time begins with; None when it does not."""
    try:
        return date.fromisoformat(iso[:10])
    except ValueError:
        return None


def _resolve(match: re.Match[str], anchor: date | None, *, ahead: bool) -> tuple[str, str, How]:
    if match["iso"]:
        return (match["iso"], "", "stated") if day_of(match["iso"]) else ("", "", "unresolved")
    month = _month(match["month1"] or match["month2"] or match["month3"])
    if month:
        day = int(match["day1"] or match["day2"] or 0)
        year = match["year1"] or match["year2"] or match["year3"]
        return _calendar(day, month, int(year) if year else None, anchor, ahead=ahead)
    if match["year4"]:
        return match["year4"], "", "stated"
    if anchor is None:
        return "", "", "unresolved"
    if match["weekday"]:
        return _weekday(match, anchor, ahead=ahead).isoformat(), "", "reckoned"
    return _relative(match, anchor)


def _month(name: str | None) -> int:
    key = (name or "").casefold().rstrip(".")[:3]
    return next((n for n, month in enumerate(_MONTHS) if key and month.startswith(key)), 0)


def _calendar(
    day: int, month: int, year: int | None, anchor: date | None, *, ahead: bool
) -> tuple[str, str, How]:
    how: How = "stated" if year else "reckoned"
    if year is None:
        if anchor is None:
            return "", "", "unresolved"
        year = _nearest_year(day or 15, month, anchor, ahead=ahead)
    if not day:
        return f"{year:04}-{month:02}", "", how
    try:
        return date(year, month, day).isoformat(), "", how
    except ValueError:
        return "", "", "unresolved"


def _nearest_year(day: int, month: int, anchor: date, *, ahead: bool) -> int:
    """The year that brings the date nearest to the anchor; within a month tense does not matter."""
    near = []
    for year in (anchor.year - 1, anchor.year, anchor.year + 1):
        away = (date(year, month, min(day, 28)) - anchor).days
        wrong_side = (away > 31 and not ahead) or (away < -31 and ahead)
        near.append((abs(away) + (200 if wrong_side else 0), year))
    return min(near)[1]


def _weekday(match: re.Match[str], anchor: date, *, ahead: bool) -> date:
    wanted = _DAYS.index(match["weekday"].casefold())
    back = (anchor.weekday() - wanted) % 7
    which = (match["which"] or "").casefold()
    if which in {"last", "the previous"}:
        return anchor - timedelta(days=back or 7)
    if which in {"next", "the following"}:
        return anchor + timedelta(days=(-back) % 7 or 7)
    if ahead or which == "this":
        return anchor + timedelta(days=(-back) % 7)
    return anchor - timedelta(days=back)


def _relative(match: re.Match[str], anchor: date) -> tuple[str, str, How]:
    if match["near"]:
        away = {"yesterday": -1, "tomorrow": 1, "the day before yesterday": -2}
        day = anchor + timedelta(days=away.get(match["near"].casefold(), 0))
        return day.isoformat(), "", "reckoned"
    if match["count"]:
        if match["side"].casefold() != "ago":
            return "", "", "unresolved"  # earlier or later than what, only the story knows
        count = match["count"].casefold()
        many = int(count) if count.isdigit() else _COUNTS[count]
        return _ago(many, match["unit"].casefold(), anchor)
    if match["over"]:
        return (*_weekend(anchor, 0), "reckoned")
    shift = {"last": -1, "next": 1}.get(match["rel"].casefold(), 0)
    return _span(match["span"].casefold(), shift, anchor)


def _ago(many: int, unit: str, anchor: date) -> tuple[str, str, How]:
    if unit == "day":
        return (anchor - timedelta(days=many)).isoformat(), "", "reckoned"
    if unit == "week":
        return (*_week(anchor - timedelta(weeks=many)), "reckoned")
    if unit == "month":
        months = anchor.year * 12 + anchor.month - 1 - many
        return f"{months // 12:04}-{months % 12 + 1:02}", "", "reckoned"
    return f"{anchor.year - many:04}", "", "reckoned"


def _span(unit: str, shift: int, anchor: date) -> tuple[str, str, How]:
    if unit == "week":
        return (*_week(anchor + timedelta(weeks=shift)), "reckoned")
    if unit == "weekend":
        return (*_weekend(anchor, shift), "reckoned")
    if unit == "month":
        return _ago(-shift, "month", anchor)
    if unit == "year":
        return f"{anchor.year + shift:04}", "", "reckoned"
    return "", "", "unresolved"


def _week(day: date) -> tuple[str, str]:
    monday = day - timedelta(days=day.weekday())
    return monday.isoformat(), (monday + timedelta(days=6)).isoformat()


def _weekend(anchor: date, shift: int) -> tuple[str, str]:
    """The weekend that lies around or before the anchor; the one after it for "next"."""
    back = (anchor.weekday() - 5) % 7
    saturday = anchor - timedelta(days=back) + timedelta(weeks=max(shift, 0))
    return saturday.isoformat(), (saturday + timedelta(days=1)).isoformat()


__all__ = ["How", "When", "dates", "day_of"]


_TIME = re.compile(
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December|"
    r"Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|[12]\d{3})\b"
)


def times_named(text: str) -> set[str]:
    """Return the days of the week, months and years that a text names."""
    return set(_TIME.findall(text))

"""What a question says of when and by whom an article was printed: "last week", "according to the Times".

Each such phrase becomes a filter that is tried first and dropped again when it leaves no answer, so reading
one never costs an answer. Days are reckoned from the day the question is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from rag.dates import When, dates, day_of
from rag.filters import Filter
from rag.records import ReadFilter
from rag.text import normalise

LATER = 2
"""Days after the one that a question names in which articles still tell of it first hand."""

LATEST = 2
"""Days before the newest article found that "latest" still covers."""

_RELATIVE = re.compile(
    r"\b(?:yesterday|today|tonight|last night|(?:last|this|the past|the last) (?:week|weekend|month)|"
    r"(?:in|over|during|within) the (?:last|past) (?P<count>\d{1,3}|two|three|four|five|six|seven|ten) "
    r"(?P<unit>day|week|month)s)\b",
    re.I,
)
_LATEST = re.compile(
    r"\b(?:the )?(?:latest|most recent|newest)\b|\b(?:as of now|right now|at the moment|up to now)\b", re.I
)
_BEFORE_A_DATE = re.compile(r"\b(?P<word>on|in|since|during|of|for|from|dated)\s+(?:the\s+)?$", re.I)
_WEEKDAY = re.compile(r"(?:(?:last|this) )?(?:mon|tues|wednes|thurs|fri|satur|sun)day", re.I)
_NO_FILTER = re.compile(r"\b(?:by|until|till|before|after|between|than|and|or|to)\s+(?:the\s+)?$", re.I)
_NAME = r"(?P<the>the\s+)?(?P<name>[A-Z0-9][\w.&’'-]*(?:\s+(?:[A-Z0-9][\w.&’'-]*|of|and|de|la|le))*)"
_SAYS = r"(?:report|say|write|publish|print|claim)(?:s|ed)?|said|wrote"
_OUTLETS = (
    re.compile(rf",?\s*\b[Aa]ccording to {_NAME}"),
    re.compile(rf"\b(?:did|does|do|has|have)\s+{_NAME}\s+(?P<verb>{_SAYS})(?:\s+that)?\b"),
    re.compile(rf",?\s*\bas {_NAME}\s+(?:{_SAYS}|has it|puts it)\b"),
    re.compile(rf"\b(?:in|by) {_NAME}(?=\s*[?,]|$)"),
)
_COUNTS = {word: n for n, word in enumerate("zero one two three four five six seven eight nine ten".split())}


def read_filters(question: str, outlets: Callable[[], Sequence[str]], today: date) -> tuple[ReadFilter, ...]:
    """Return the filters that the words of a question ask for, each with those words.

    `outlets` gives those of the library, which are asked for only when the question may name one; no other
    name is taken for one. A date ahead of `today` is none:
    no article of that day can be there yet.
    """
    found = [*_outlets(question, outlets)]
    times = _relative(question, today) or _dated(question, today)
    latest = _LATEST.search(question)
    if times:
        found.append(times)
    elif latest:
        found.append(ReadFilter("latest", "", "", latest[0]))
    return tuple(found)


def without_words(question: str, read: Sequence[ReadFilter]) -> str:
    """Return the question without the words that only said which articles to look at.

    A date it names stays, for articles name it too; "last week" and an outlet do not stand in them.
    """
    for each in read:
        if each.kind == "published" and not _RELATIVE.fullmatch(each.said):
            continue
        question = question.replace(
            each.said, "the" if each.said[:4].casefold() == "the " and each.kind == "latest" else ""
        )
        if each.kind == "outlet":
            question = re.sub(r"^(\s*What)\s+(?:about|on|of)\b", r"\1 is known about", question)
    bare = re.sub(r"[\s,]+([?.])", r"\1", " ".join(question.split())).strip(" ,")
    return bare[:1].upper() + bare[1:]


def narrowed(where: Filter, read: Sequence[ReadFilter], newest: str = "") -> Filter:
    """Return `where` narrowed by what was read; what `where` says of outlets or days already stays.

    `newest` is the day of the newest article found, for "latest".
    """
    for each in read:
        if each.kind == "outlet" and not where.sources:
            where = replace(where, sources=tuple(each.first.split("\n")))
        if each.kind == "published" and not (where.after or where.before):
            where = replace(where, after=each.first, before=each.last)
        day = day_of(newest)
        if each.kind == "latest" and day and not (where.after or where.before):
            where = replace(where, after=(day - timedelta(days=LATEST)).isoformat())
    return where


def _outlets(question: str, outlets: Callable[[], Sequence[str]]) -> Iterator[ReadFilter]:
    for pattern in _OUTLETS:
        for match in pattern.finditer(question):
            named = _named(match["name"], outlets())
            if named:
                said = match[0].strip(" ,")
                yield ReadFilter("outlet", "\n".join(named), "", said)
                return


def _named(name: str, outlets: Sequence[str]) -> list[str]:
    """The outlets that go by a name: all of it, how it ends ("the Times") or how it begins ("the BBC")."""
    wanted = _bare(name)
    exact = [outlet for outlet in outlets if _bare(outlet) == wanted]
    parts = (f" {wanted}", f"{wanted} ")
    return exact or [
        name for name in outlets if _bare(name).endswith(parts[0]) or _bare(name).startswith(parts[1])
    ]


def _bare(name: str) -> str:
    return normalise(name).replace(".", "").removesuffix("'s").removeprefix("the ").strip()


def _relative(question: str, today: date) -> ReadFilter | None:
    """A span reckoned from the day of asking."""
    match = _RELATIVE.search(question)
    if match is None:
        return None
    if match["unit"]:
        count = match["count"].casefold()
        many = int(count) if count.isdigit() else _COUNTS[count]
        days = many * {"day": 1, "week": 7, "month": 31}[match["unit"].casefold()]
        return ReadFilter("published", (today - timedelta(days=days)).isoformat(), "", match[0])
    said = match[0].casefold().replace("the past", "last").replace("the last", "last")
    if said == "last night":
        said = "yesterday"
    when = next(iter(dates(said, published=today.isoformat())), None)
    return _window(when, match[0], today) if when and when.first else None


def _dated(question: str, today: date) -> ReadFilter | None:
    """The one date that a question names, when it is named as the day of something and has passed."""
    found = [when for when in dates(question, published=today.isoformat()) if when.first]
    if len(found) != 1:
        return None
    when = found[0]
    before = question[: when.at[0]]
    since = re.search(r"\bsince\s+$", before, re.I)
    if _WEEKDAY.match(when.said) and not re.search(r"\b(?:on|since)\s+$", before, re.I):
        return None
    if len(when.first) < 7 or _NO_FILTER.search(before) or not (_BEFORE_A_DATE.search(before) or since):
        return None
    said = question[(_BEFORE_A_DATE.search(before) or since).start() : when.at[1]]  # type: ignore[union-attr]
    return _window(when, said, today, since=bool(since))


def _window(when: When, said: str, today: date, *, since: bool = False) -> ReadFilter | None:
    """The days on which articles that tell of a date first hand were printed; None for what is to come."""
    first = day_of(when.first if len(when.first) == 10 else f"{when.first:<7}-01"[:10])
    if first is None:
        first = day_of(f"{when.first}-01-01")
    if first is None or first > today:
        return None
    last = day_of(when.last) or _end(when.last)
    if since or last is None:
        return ReadFilter("published", first.isoformat(), "", said)
    return ReadFilter("published", first.isoformat(), (last + timedelta(days=LATER)).isoformat(), said)


def _end(month_or_year: str) -> date | None:
    """The last day of an ISO month or year."""
    year, _, month = month_or_year.partition("-")
    if not year.isdigit() or (month and not month.isdigit()):
        return None
    after = date(int(year) + 1, 1, 1) if month in {"", "12"} else date(int(year), int(month) + 1, 1)
    return after - timedelta(days=1)


__all__ = ["LATER", "LATEST", "narrowed", "read_filters", "without_words"]

"""Statements -> a timeline: dated events, each day told once, what was to come kept apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.dates import When, dates
from rag.points import Pool
from rag.statements import Statement

FARTHEST = 16
"""Tokens between a date and the verb it is taken to belong to."""
_AHEAD = frozenset("will would expect plan schedule due set intend hope".split())
NO_DAY = "the article gives no day of its own"
NAMED_DAY = "reckoned from the day named for the briefing, as the article has no date"


@dataclass(frozen=True, slots=True)
class Dated:
    """A statement and the date of what it tells; `at` is where the date stands in the parsed sentence."""

    statement: Statement
    when: When
    ahead: bool
    note: str = ""
    main: bool = True
    """Whether the date is that of the main verb, so that the whole sentence happened then."""
    near: bool = True
    """Whether it stands near that verb; a far one may belong to something else in the sentence."""

    @property
    def order(self) -> tuple[str, str]:
        """Sorts by time; what cannot be told comes last."""
        return (self.when.first or "9999", self.when.last)


def dated(statements: Sequence[Statement], *, as_of: str = "") -> tuple[Dated, ...]:
    """Return every statement with a date in it that belongs to a verb, once for each date.

    Dates are reckoned from the day of the article, or from `as_of` when it has none, which is then noted.
    """
    return tuple(found for statement in statements for found in _of(statement, as_of))


def _of(statement: Statement, as_of: str) -> Iterator[Dated]:
    own = statement.article.published
    for when in dates(statement.parse.text, published=own, as_of=as_of):
        verb = _verb(statement, when)
        weekday = when.said.casefold().split()[-1].endswith("day")
        if verb is None or when.said.isdigit() or not (when.first or weekday):
            continue
        note = "" if own or when.how == "stated" else NAMED_DAY if when.first else NO_DAY
        ahead, main = _looks_ahead(statement, verb), _is_main(statement, verb)
        yield Dated(statement, when, ahead, note, main, _near(statement, when, verb))


def _verb(statement: Statement, when: When) -> int | None:
    """The verb, or the noun of an event, that the date belongs to."""
    tokens = statement.parse.tokens
    inside = [i for i, token in enumerate(tokens) if token.start < when.at[1] and when.at[0] < token.end]
    if not inside:
        return None
    at = next((i for i in inside if tokens[i].head not in inside), inside[-1])
    for _ in range(6):
        if tokens[at].pos in {"VERB", "AUX"}:
            return at
        if tokens[at].head == at:
            return None
        at = tokens[at].head
    return None


def _near(statement: Statement, when: When, verb: int) -> bool:
    """Whether a date stands near its verb; parsers hang a far one on the main verb whatever it belongs to."""
    tokens = statement.parse.tokens
    places = (i for i, token in enumerate(tokens) if token.start < when.at[1] and when.at[0] < token.end)
    return min((abs(i - verb) for i in places), default=0) <= FARTHEST


def _is_main(statement: Statement, verb: int) -> bool:
    """Whether a verb is the main one, joined to it, or what the main one reports."""
    tokens = statement.parse.tokens
    at = verb
    for _ in range(4):
        if tokens[at].head == at:
            return True
        if tokens[at].dep not in {"conj", "ccomp", "xcomp", "parataxis"}:
            return False
        at = tokens[at].head
    return False


def _looks_ahead(statement: Statement, verb: int) -> bool:
    """Whether the verb, or what it depends on, speaks of what is to come."""
    tokens = statement.parse.tokens
    at = verb
    for _ in range(3):
        helpers = {token.lemma.casefold() for token in tokens if token.head == at and token.dep == "aux"}
        if tokens[at].pos in {"VERB", "AUX"} and (helpers | {tokens[at].lemma.casefold()}) & _AHEAD:
            return True
        if tokens[at].head == at or tokens[at].dep not in {"xcomp", "ccomp", "advcl", "acl"}:
            return False
        at = tokens[at].head
    return False


def by_day(pool: Pool, found: Sequence[Dated]) -> dict[tuple[str, str], list[Dated]]:
    """Return the dated statements grouped by their date, the days most written of first (DATEWISE, 2020).

    What cannot be told is grouped by the words that were used.
    """
    groups: dict[tuple[str, str], list[Dated]] = {}
    for each in found:
        key = (each.when.first, each.when.last) if each.when.first else ("", each.when.said.casefold())
        groups.setdefault(key, []).append(each)

    def weight(key: tuple[str, str]) -> float:
        origins = {each.statement.origin for each in groups[key]}
        central = max(float(pool.centrality[pool.at[each.statement.key]]) for each in groups[key])
        return len(origins) + central + 0.1 * len(groups[key]) - 0.8 * (len(key[0]) < 10 and bool(key[0]))

    return {key: groups[key] for key in sorted(groups, key=lambda key: (-weight(key), key))}


__all__ = ["Dated", "by_day", "dated"]

"""The parts of a briefing, each made of lines within its share of the words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rag.amounts import Figure
from rag.gaps import questions, unknowns
from rag.lines import Writer, bare, plain
from rag.people import Person
from rag.records import Article, Citation, Claim, Difference, Point
from rag.statements import Statement, origin_of

MOST_PEOPLE, MOST_FIGURES = 8, 7
ANSWER_SENTENCES = 3


def answer(writer: Writer, room: int) -> tuple[Point, ...]:
    """The sentences that most origins tell, most of the story first."""
    made: list[Point] = []
    left = room
    several = len(writer.pool.origins) > 1

    def worth(statement: Statement) -> float:
        tellers = len(writer.pool.tellers(statement)) + (0.4 if several else 1.0)
        news = 0.4 + 1.2 * writer.pool.recency[statement.article.id]
        return writer.chooser.worth(statement, len(statement.text.split())) * tellers * news

    for statement in writer.chooser.best([s for s in writer.pool.statements if not s.leans], worth):
        form = writer.line(statement, left)
        if form is None:
            continue
        made.append(writer.point(form, statement))
        left -= len(form[0].split())
        if len(made) == ANSWER_SENTENCES or left < 8:
            break
    return tuple(made)


def alone(read: Sequence[Statement], writer: Writer, room: int) -> tuple[Point, ...]:
    """What one origin alone tells: names, numbers and words of its own, from each origin in turn."""
    pool = writer.pool
    rare = [s for s in read if not s.leans and not s.supposes and pool.alone(s) and pool.own_names(s)]
    made: list[Point] = []
    left = room
    given: Counter[str] = Counter()

    def worth(statement: Statement) -> float:
        own = len(pool.own_names(statement))
        single = [c for c in pool.speaks_of(statement) if " " not in c and pool.spread[c] == 1]
        news = (own + 0.1 * len(single)) / (6 + len(statement.text.split()))
        return news * (0.2 + max(0.0, statement.topic)) * 0.7 ** given[statement.origin]

    for statement in writer.chooser.best(rare, worth):
        names = pool.own_names(statement)
        form = writer.line(statement, left, holding=names[0] if names else "")
        if form is None:
            if left < 8:
                break
            continue
        given[statement.origin] += 1
        point = writer.point(form, statement)
        made.append(replace(point, origins=1, alone=True))
        left -= len(form[0].split())
    return tuple(made)


def who(
    persons: Sequence[Person], shown: Sequence[Difference], writer: Writer, room: int
) -> tuple[Point, ...]:
    """Who is who: each person with the role that most sources state, and another that goes further.

    Roles that differ stand among the differences, with who gives which, and are not told twice.
    """
    made: list[Point] = []
    left = room
    told = {side.value for difference in shown for side in difference.sides}
    for person in persons[:MOST_PEOPLE]:
        disputed = any(person.name in difference.about for difference in shown)
        for role in person.roles[: 1 if disputed else 2]:
            text = f"{person.name}: {role.role}"
            further = role is not person.roles[0]
            if further and (len(role.role.split()) < 3 or len(made) > MOST_PEOPLE // 2 or role.role in told):
                continue
            if len(text.split()) > left:
                continue
            cited: dict[str, Citation] = {}
            for other in person.said:
                if other.role.casefold() == role.role.casefold():
                    cited.setdefault(other.statement.article.id, other.statement.citation())
            origins = len({origin_of(citation.article) for citation in cited.values()})
            made.append(Point(Claim(text, tuple(cited.values())), label=person.name, origins=origins))
            left -= len(text.split())
            writer.spend(text)
    return tuple(made)


def numbers(
    counted: Sequence[Figure],
    writer: Writer,
    room: int,
    *,
    told: Sequence[str] = (),
    shown: Sequence[Difference] = (),
) -> tuple[Point, ...]:
    """The figures of the story, those most told and newest first; none that `told` or `shown` hold."""
    groups: list[list[Figure]] = []
    for figure in counted:
        home = next((group for group in groups if group[0].same(figure)), None)
        if home is None:
            groups.append([figure])
        else:
            home.append(figure)

    def weight(group: Sequence[Figure]) -> float:
        size = 2.0 if group[0].quantity.unit else 1.0 if group[0].quantity.value >= 100 else 0.5
        small = group[0].quantity.text.isalpha() and group[0].quantity.value < 5
        near = max(figure.statement.topic for figure in group)
        news = max(writer.pool.recency[figure.statement.article.id] for figure in group)
        tellers = len({figure.statement.origin for figure in group}) + size - small
        early = max(1 / (1 + 0.12 * figure.statement.place) for figure in group)
        return tellers * (0.3 + near) * (0.5 + news) * (0.5 + early)

    made: list[Point] = []
    left = room
    seen: set[str] = set()
    sides = [side.value for difference in shown for side in difference.sides]
    known = [f" {_words(line)} ".casefold() for line in (*told, *sides)]
    for group in sorted(groups, key=weight, reverse=True):
        line = _figure_line(group, writer, left)
        if line is None or len(made) == MOST_FIGURES:
            continue
        text, figure = line
        kind = figure.quantity.unit + text.replace(figure.quantity.text, "").casefold()
        if kind in seen or any(f" {each.text} ".casefold() in line for each in group for line in known):
            continue
        seen.add(kind)
        cited = {figure.statement.article.id: figure.statement.citation()}
        for other in group:
            if text.casefold() in plain(other.statement).casefold():
                cited.setdefault(other.statement.article.id, other.statement.citation())
        also = {
            other.statement.article.id: other.statement.citation()
            for other in group
            if other.statement.article.id not in cited
        }
        origins = {other.statement.origin for other in group}
        made.append(
            Point(
                Claim(text, tuple(cited.values())),
                label=figure.text,
                origins=len(origins),
                alone=len(origins) == 1 < len(writer.pool.origins),
                also=tuple(also.values()),
            )
        )
        left -= len(text.split())
        writer.spend(text)
        writer.chooser.used.add(figure.statement.key)
    return tuple(made)


def _words(text: str) -> str:
    return re.sub(r"[,.;:!?“”\"()]+(?=\s|$)|(?<=\s)[“\"(]", "", text)


def _figure_line(group: Sequence[Figure], writer: Writer, room: int) -> tuple[str, Figure] | None:
    """The shortest of: the phrase with the number when it says what is counted, or a form of the sentence."""
    options: list[tuple[int, str, Figure]] = []
    for figure in group:
        phrase = figure.phrase
        if 3 <= len(phrase.split()) <= 16 and len(phrase) > len(figure.text) + 4:
            options.append((len(phrase.split()), bare(phrase), figure))
        if figure.statement.leans:
            continue
        for text, _ in writer.forms(figure.statement):
            if figure.quantity.text in text and figure.statement.key not in writer.chooser.used:
                options.append((len(text.split()) + 2, text, figure))
    fitting = [option for option in options if len(option[1].split()) <= room]
    if not fitting:
        return None
    _, text, figure = min(fitting, key=lambda option: option[0])
    return text, figure


def left_open(
    read: Sequence[Statement], articles: Sequence[Article], writer: Writer, room: int
) -> tuple[Point, ...]:
    """What the articles say is not known, then the questions that they ask themselves."""
    made: list[Point] = []
    left = room
    for statement in sorted(unknowns(read), key=lambda s: -s.topic):
        form = writer.line(statement, left) if statement.key not in writer.chooser.used else None
        if form is not None:
            made.append(writer.point(form, statement))
            left -= len(form[0].split())
    for citation in questions(articles):
        text = re.sub(r"^\s*[-•*–]\s+", "", " ".join(citation.quote.split()))
        if len(text.split()) <= left:
            made.append(Point(Claim(text, (citation,))))
            left -= len(text.split())
            writer.spend(text)
    return tuple(made)


def fitting(found: Sequence[Difference], room: int, writer: Writer) -> tuple[Difference, ...]:
    """The differences that fit, in the order found; a sentence that is a side is not told again elsewhere."""
    kept: list[Difference] = []
    left = room
    for difference in sorted(found, key=lambda d: sum(len(side.value.split()) for side in d.sides)):
        size = sum(len(side.value.split()) for side in difference.sides)
        if size <= left:
            kept.append(difference)
            left -= size
            writer.spent += size
            for side in difference.sides:
                for citation in side.citations:
                    if " ".join(citation.quote.split()) == side.value:
                        writer.chooser.used.add((citation.article.id, citation.start))
    return tuple(difference for difference in found if difference in kept)


__all__ = ["alone", "answer", "fitting", "left_open", "numbers", "who"]

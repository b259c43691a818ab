"""A topic and the articles on it -> a briefing: one page of claims, each with its passage."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from models.protocols import Embedder, Parse, Parser
from rag.amounts import Figure, figures
from rag.differ import differences
from rag.gaps import questions, unknowns
from rag.people import Person, people
from rag.points import Chooser, Pool
from rag.records import (
    Article,
    Brief,
    Citation,
    Claim,
    Difference,
    Event,
    Hit,
    Point,
    Section,
    SourceUse,
    WordedBy,
)
from rag.statements import Statement, Step, concepts, gather_statements, origin_of
from rag.timeline import NAMED_DAY, Dated, by_day, dated
from rag.trim import shorten, tidy
from rag.verify import check, well_formed

WORDS = 600
"""Words of a briefing: its lines and the sides of its differences, not the passages under them."""
SHARES = {
    "answer": 0.13, "differences": 0.16, "people": 0.10, "figures": 0.09, "timeline": 0.17, "alone": 0.15,
    "open": 0.05,
}  # fmt: skip
"""Part of the words that each section may take; the key points get what is left."""
MOST_PEOPLE, MOST_FIGURES, MOST_EVENTS = 8, 7, 8
ANSWER_SENTENCES = 3
FEWEST_SHORT = 200
"""Words below which a briefing is a paragraph: the key points and where sources differ."""
SHARE_OF_ONE = 0.45
"""Part of the key points that one origin may give."""

ABOUT = "Days marked “about” are reckoned from the day named for the briefing: the article has no date."
HEADINGS = {
    "answer": "In short",
    "points": "Key points",
    "figures": "Figures",
    "people": "Who is who",
    "alone": "What only one source says",
    "open": "What the articles do not say",
}


class Tools(Protocol):
    """The models a briefing is made with."""

    @property
    def embedder(self) -> Embedder: ...
    @property
    def parser(self) -> Parser: ...


@dataclass
class _Writer:
    """Makes lines of statements within the words that are left. Lives for one briefing."""

    pool: Pool
    chooser: Chooser
    parser: Parser
    words: int
    spent: int = 0
    made: dict[tuple[str, int], tuple[tuple[str, Parse], ...]] = field(default_factory=dict)

    def forms(self, statement: Statement) -> tuple[tuple[str, Parse], ...]:
        """The sentence word for word, then its shorter forms that passed the checks."""
        if statement.key not in self.made:
            shorter = list(dict.fromkeys(shorten(statement.parse)))
            spelled = [
                re.sub(r"\b(Mr|Mrs|Ms|Dr|Nov|Dec|Jan|Feb|Sept|Oct|Aug|Rep|Sen)\.", r"\1", t) for t in shorter
            ]
            parses = self.parser.parse(spelled) if spelled else []
            sound = [
                (text, parse)
                for text, parse in zip(shorter, parses, strict=True)
                if not well_formed(parse) and check(parse, [statement.parse]).support == "supported"
            ]
            self.made[statement.key] = ((plain(statement), statement.parse), *sound)
        return self.made[statement.key]

    def line(self, statement: Statement, room: int, *, holding: str = "") -> tuple[str, Parse] | None:
        """The form that says most for its words and fits into `room`; it holds the words `holding`."""
        fitting = [
            (text, parse)
            for text, parse in self.forms(statement)
            if len(text.split()) <= room and holding.casefold() in text.casefold()
        ]
        if not fitting:
            return None
        return max(
            fitting,
            key=lambda form: self.chooser.worth(statement, len(form[0].split()), concepts=concepts(form[1])),
        )

    def claim(self, text: str, parse: Parse, statement: Statement) -> tuple[Claim, tuple[Citation, ...], int]:
        """A claim, cited wherever others say the same; then where they tell it in other words."""
        backing = [statement.citation()]
        also: list[Citation] = []
        tellers = self.pool.tellers(statement)
        for other in tellers:
            said = check(parse, [other.parse]).support == "supported"
            (backing if said else also).append(other.citation())
        return Claim(text, tuple(backing)), tuple(also), 1 + len(tellers)

    def spend(self, text: str) -> None:
        self.spent += len(text.split())


def brief(
    topic: str,
    articles: Sequence[Article],
    tools: Tools,
    *,
    hits: Sequence[Hit] = (),
    words: int = WORDS,
    as_of: str = "",
    on_step: Step | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Brief:
    """Return the briefing on `topic` from `articles`, all in words of theirs. Raises CancelledError.

    `words` is kept to within a tenth where the articles hold that much. `as_of` (ISO 8601) stands in for
    the day of articles that give none.
    """
    read = gather_statements(
        topic, articles, tools.embedder, tools.parser, on_step=on_step, cancelled=cancelled
    )
    if not read:
        return Brief(topic, as_of=as_of, hits=tuple(hits))
    if on_step is not None:
        on_step("weighing", 0, 1)
    pool = Pool(read)
    writer = _Writer(pool, Chooser(pool), tools.parser, words)
    persons, counted, days = people(read), figures(read), dated(read, as_of=as_of)
    short = words < FEWEST_SHORT
    room = {name: int(share * words) for name, share in SHARES.items()}
    differ = _cut_differences(differences(pool, persons, days, counted), room["differences"], writer)
    answer = _answer(writer, room["answer"] if not short else words // 2)
    parts: dict[str, tuple[Point, ...]] = {"answer": answer}
    timeline: tuple[Event, ...] = ()
    if not short:
        parts["people"] = _people(persons, writer, room["people"])
        timeline = _timeline(days, writer, room["timeline"])
        parts["figures"] = _figures(counted, writer, room["figures"])
        parts["open"] = _open(read, articles, writer, room["open"])
        parts["alone"] = _alone(read, writer, room["alone"])
    parts["points"] = _points(read, writer, words - writer.spent)
    if on_step is not None:
        on_step("weighing", 1, 1)
    order = ("answer", "points", "figures", "people", "alone", "open")
    sections = tuple(Section(kind, HEADINGS[kind], parts[kind]) for kind in order if parts.get(kind))
    headline = _headline(topic, articles, pool, tools.embedder)
    made = Brief(
        topic,
        "answered",
        headline=headline.title if headline else "",
        headline_from=headline,
        sections=sections,
        timeline=timeline,
        disagreements=differ,
        hits=tuple(hits),
        as_of=as_of,
        notes=(ABOUT,) if any(event.note == NAMED_DAY for event in timeline) else (),
    )
    return replace(made, sources=sources(made, articles))


def plain(statement: Statement) -> str:
    """Return a sentence on one line, without the mark of the list it stood in."""
    return tidy(re.sub(r"^\s*[-•*–]\s+", "", " ".join(statement.text.split())))


def _answer(writer: _Writer, room: int) -> tuple[Point, ...]:
    """The sentences that most origins tell, most of the story first."""
    made: list[Point] = []
    left = room
    several = len(writer.pool.origins) > 1

    def worth(statement: Statement) -> float:
        told = len(writer.pool.tellers(statement))
        return writer.chooser.worth(statement, len(statement.text.split())) * (
            0.4 * several + told + (not several)
        )

    for statement in writer.chooser.best([s for s in writer.pool.statements if not s.leans], worth):
        form = writer.line(statement, left)
        if form is None:
            continue
        made.append(_point(form, statement, writer))
        left -= len(form[0].split())
        if len(made) == ANSWER_SENTENCES or left < 8:
            break
    return tuple(made)


def _point(form: tuple[str, Parse], statement: Statement, writer: _Writer, *, label: str = "") -> Point:
    text, parse = form
    claim, also, origins = writer.claim(text, parse, statement)
    writer.chooser.take(statement, concepts=concepts(parse))
    writer.spend(text)
    alone = origins == 1 and writer.pool.alone(statement)
    return Point(claim, label=label, origins=origins, alone=alone, also=also)


def _points(read: Sequence[Statement], writer: _Writer, room: int) -> tuple[Point, ...]:
    made: list[Point] = []
    left = room
    cap = max(3, int(SHARE_OF_ONE * max(4, room / 18)))
    per_origin: Counter[str] = Counter()

    def worth(statement: Statement) -> float:
        return writer.chooser.worth(statement, len(statement.text.split()))

    for statement in writer.chooser.best([s for s in read if not s.leans], worth):
        if len(writer.pool.origins) > 1 and per_origin[statement.origin] >= cap:
            continue
        form = writer.line(statement, left)
        if form is None:
            if left < 8:
                break
            continue
        per_origin[statement.origin] += 1
        made.append(_point(form, statement, writer))
        left -= len(form[0].split())
    return tuple(sorted(made, key=lambda point: -point.origins))


def _alone(read: Sequence[Statement], writer: _Writer, room: int) -> tuple[Point, ...]:
    """What one origin alone tells: names, numbers and words of its own, from each origin in turn."""
    pool = writer.pool
    rare = [s for s in read if not s.leans and pool.alone(s)]
    made: list[Point] = []
    left = room
    given: Counter[str] = Counter()

    def worth(statement: Statement) -> float:
        own = len(pool.own_names(statement))
        single = [c for c in statement.concepts if " " not in c and pool.spread[c] == 1]
        news = (0.5 + own + 0.15 * len(single)) / (4 + len(statement.text.split()))
        return news * (0.2 + max(0.0, statement.topic)) * 0.6 ** given[statement.origin]

    for statement in writer.chooser.best(rare, worth):
        names = pool.own_names(statement)
        form = writer.line(statement, left, holding=names[0] if names else "")
        if form is None:
            if left < 8:
                break
            continue
        given[statement.origin] += 1
        point = _point(form, statement, writer)
        made.append(replace(point, origins=1, alone=True))
        left -= len(form[0].split())
    return tuple(made)


def _people(persons: Sequence[Person], writer: _Writer, room: int) -> tuple[Point, ...]:
    """Who is who: each person with the role as the sources state it, differing ones side by side."""
    made: list[Point] = []
    left = room
    for person in persons[:MOST_PEOPLE]:
        tellers: dict[str, list[Citation]] = {}
        for role in person.said:
            wording = next(
                (r.role for r in person.roles if role.role.casefold() in r.role.casefold()), role.role
            )
            if role.role.casefold() == wording.casefold():
                tellers.setdefault(wording.casefold(), []).append(role.statement.citation())
        for role in person.roles[:2]:
            text = f"{person.name}: {role.role}"
            if len(text.split()) > left or (len(role.role.split()) == 1 and role is not person.roles[0]):
                continue
            cited = {c.article.id: c for c in tellers.get(role.role.casefold(), [role.statement.citation()])}
            claim = Claim(text, tuple(cited.values()))
            made.append(
                Point(claim, label=person.name, origins=len({origin_of(c.article) for c in cited.values()}))
            )
            left -= len(text.split())
            writer.spend(text)
    return tuple(made)


def _figures(counted: Sequence[Figure], writer: _Writer, room: int) -> tuple[Point, ...]:
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
        return (len({figure.statement.origin for figure in group}) + size - small) * (0.3 + near)

    made: list[Point] = []
    left = room
    for group in sorted(groups, key=weight, reverse=True):
        line = _figure_line(group, writer, left)
        if line is None or len(made) == MOST_FIGURES:
            continue
        text, figure = line
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
    return tuple(made)


def _figure_line(group: Sequence[Figure], writer: _Writer, room: int) -> tuple[str, Figure] | None:
    """The shortest of: the phrase with the number when it says what is counted, or a form of the sentence."""
    options: list[tuple[int, str, Figure]] = []
    for figure in group:
        phrase = figure.phrase
        if 3 <= len(phrase.split()) <= 16 and len(phrase) > len(figure.text) + 4:
            options.append((len(phrase.split()), phrase[:1].upper() + phrase[1:], figure))
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


def _timeline(days: Sequence[Dated], writer: _Writer, room: int) -> tuple[Event, ...]:
    """One line for each day, of the days most written of; a day told by several origins may have two."""
    made: list[tuple[tuple[str, str], Event]] = []
    left = room
    groups = by_day(
        writer.pool, [d for d in days if not d.statement.leans and d.statement.key not in writer.chooser.used]
    )
    for key, group in groups.items():
        ranked = sorted(
            group, key=lambda d: -writer.chooser.worth(d.statement, len(d.statement.text.split()))
        )
        for each in ranked:
            if each.statement.key in writer.chooser.used:
                continue
            form = writer.line(each.statement, left, holding=each.when.said)
            if form is None:
                continue
            point = _point(form, each.statement, writer)
            left -= len(form[0].split())
            when = each.when
            certain = bool(when.first) and not each.note
            event = Event(when.first, when.last, when.said, certain, each.ahead, point.claim, each.note)
            made.append((each.order if key[0] else ("9999", when.said), event))
            break
        if len(made) == MOST_EVENTS or left < 8:
            break
    return tuple(event for _, event in sorted(made, key=lambda row: (row[1].ahead, row[0])))


def _open(
    read: Sequence[Statement], articles: Sequence[Article], writer: _Writer, room: int
) -> tuple[Point, ...]:
    """What the articles say is not known, then the questions that they ask themselves."""
    made: list[Point] = []
    left = room
    for statement in sorted(unknowns(read), key=lambda s: -s.topic):
        form = writer.line(statement, left) if statement.key not in writer.chooser.used else None
        if form is not None:
            made.append(_point(form, statement, writer))
            left -= len(form[0].split())
    for citation in questions(articles):
        text = re.sub(r"^\s*[-•*–]\s+", "", " ".join(citation.quote.split()))
        if len(text.split()) <= left:
            made.append(Point(Claim(text, (citation,))))
            left -= len(text.split())
            writer.spend(text)
    return tuple(made)


def _cut_differences(found: Sequence[Difference], room: int, writer: _Writer) -> tuple[Difference, ...]:
    kept: list[Difference] = []
    left = room
    for difference in sorted(found, key=lambda d: sum(len(side.value.split()) for side in d.sides)):
        size = sum(len(side.value.split()) for side in difference.sides)
        if size <= left:
            kept.append(difference)
            left -= size
            writer.spent += size
    return tuple(difference for difference in found if difference in kept)


def _headline(topic: str, articles: Sequence[Article], pool: Pool, embedder: Embedder) -> Article | None:
    """The article whose title stands nearest to the topic and to what all origins tell."""
    titled = [article for article in articles if article.title and not article.title.endswith("…")]
    if not titled:
        return None
    rows = embedder.embed([topic, *(article.title for article in titled)], "document")
    centre = pool.vectors.mean(axis=0)
    scores = rows[1:] @ rows[0] + rows[1:] @ centre
    return titled[int(scores.argmax())]


def sources(made: Brief, articles: Sequence[Article]) -> tuple[SourceUse, ...]:
    """Return every article with the share of the lines that cite it, the most used first."""
    lines = [tuple(p.claim.citations) for section in made.sections for p in section.points]
    lines += [tuple(event.claim.citations) for event in made.timeline]
    lines += [side.citations for difference in made.disagreements for side in difference.sides]
    uses = Counter(article for line in lines for article in {citation.article.id for citation in line})
    listed = [SourceUse(a, origin_of(a), uses[a.id] / max(1, len(lines))) for a in articles]
    return tuple(sorted(listed, key=lambda use: (-use.share, use.article.published, use.article.id)))


__all__ = ["HEADINGS", "WORDS", "WordedBy", "brief", "plain", "sources"]

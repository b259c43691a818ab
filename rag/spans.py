"""The spans of a parsed sentence that could be the short answer, by the kind of thing asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from models.protocols import Entity, Parse, Token
from rag.dates import dates, times_named
from rag.names import TITLES
from rag.numbers import quantities
from rag.places import is_no
from rag.posts import roles
from rag.question import AMOUNTS, LABELS, NUMERIC, Kind, Question
from rag.span import Candidate, of_characters, of_tokens
from rag.syntax import children_of, edge, left_edge, right_edge
from rag.text import Span

UNITS = re.compile(
    r"\b(?:second|minute|hour|day|week|month|year|decade|centur(?:y|ie))s?\b|-(?:hour|day|week|month|year)\b",
    re.I,
)
_LENGTH = re.compile(
    r"\b(?:metre|meter|kilometre|kilometer|km|mile|yard|foot|feet|inch|page|word)(?:e?s)?\b", re.I
)
_OF_ALL = re.compile(r"^(?:and |but )?how many of\b", re.I)
_HOW_OFTEN = re.compile(r"^(?:and |but )?how (?:often|frequently)\b", re.I)
_HOW_LONG_IS = re.compile(r"^how long (?:is|are|was|were)\b", re.I)
_AGE = re.compile(
    r"(?<=, )\d{1,3}(?=,|\)| |$)|\b\d{1,3}(?=[ -]years?[ -]old)|(?<=\()\d{1,3}(?=\))"
    r"|(?:(?<=\bage )|(?<=\baged )|(?<=\bage of )|(?<=\bturned )|(?<=\bturns )|(?<=\bages ))\d{1,3}\b"
    r"|(?:(?<=\bwas )|(?<=\bas ))\d{1,2}(?=[.,;]|$| when\b| at the time\b)"
)
_QUOTED = re.compile(r"[“\"]([^“”\"]{3,300})[”\"]")
_PART = re.compile(r" of (?:them|these|those|whom|which|the)\b", re.I)
"""What follows a number that counts a part of what was counted before."""
_CAUSE = re.compile(
    r"\b(because|since|due to|owing to|as a result of|in order to|so that|after|amid|thanks to|"
    r"in response to|in protest|aimed at|on the grounds that|arguing that|saying that|saying|to)\b",
    re.I,
)
_DIGIT = re.compile(r"\d")
_NUMBER_WORDS = frozenset(
    (
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand "
        "million billion trillion dozen hundreds thousands millions billions dozens half third quarter"
    ).split()
)
_COUNTED = "(?:" + "|".join(sorted(_NUMBER_WORDS, key=len, reverse=True)) + ")"
_SCALE = r"(?:hundred|thousand|million|billion|trillion|bn|tn|k|m)"
CURRENCY = (
    r"(?:(?:US|Australian|Canadian|Hong Kong) )?(?:dollars?|euros?|pounds?|cents?|pence|yen|yuan|rupees?"
    r"|roubles?|rubles?|hryvnias?|francs?|kron(?:er|or|a|e)|pesos?|reais|shekels?|zlot(?:y|ys)|lira|rand"
    r"|dirhams?|riyals?|bitcoins?)"
)
_MONEY = re.compile(
    rf"(?:US|A|C|HK|NZ|S)?[$€£¥₹₴₽₩]\s?\d[\d.,]*(?<=\d)(?:[ -]?{_SCALE}\b)?"
    rf"|\b(?:\d[\d.,]*(?<=\d)|{_COUNTED}(?:[ -]{_COUNTED})*)(?:[ -]{_SCALE})?\s{CURRENCY}\b",
    re.I,
)
_SCALED = re.compile(rf"\s*{_SCALE}\b", re.I)
LEAST_BARE_SUM = 1000
"""A number with no currency anywhere near is a sum only from here on."""
_MONTH_NAME = re.compile(
    r"\b(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)(?:\b|[a-z]*)|\bmonth", re.I
)
_YEAR = re.compile(r"\b\d{4}\b|\byear", re.I)
_WILL = re.compile(r"^(?:and |but )?(?:when|on (?:what|which) \w+|what day) (?:will|is|are)\b", re.I)
_PAST = re.compile(r"\b(?:yesterday|last|ago|previous|earlier|past)\b", re.I)
_OFTEN = re.compile(
    r"\b(?:hourly|daily|weekly|fortnightly|monthly|quarterly|yearly|annually|once|twice"
    r"|(?:each|every) (?:other )?\w+|\w+ times(?: (?:a|an|per) \w+)?)\b",
    re.I,
)
_EUROPEAN = re.compile(r"\bEuropean country\b", re.I)
_SEAT = re.compile(r"\([RDI]-([A-Z][A-Za-z. ]*)\)")
"""What a member of Congress represents: "Rep. Anna Berg (R-Neb.)"."""
_PART_OF = re.compile(r"\d of (?:its|the|their|his|her|all|our)? ?$")
_SOMEBODY = re.compile(
    r"(?:er|or|ist|ian|ee|ant|ent|ive|man|men|woman|women|people|police|folk|child|children|son|member|side|group|"
    r"team|crew|crowd|family|staff|army|force|union|party|court|company|bank|board|council|committee|office|"
    r"authority|ministry|administration|delegation|commission|majority|minority|wife|husband|daughter|head|"
    r"chief|aide|guard|guest|king|queen|public|press|medium|media|neighbour|individual|official|general|"
    r"in-law|friend|envoy|analyst|expert|russian|american|ally|body|spouse|twin|teen|adult|youth|boss)$"
)
"""How a noun ends that may be somebody: nobody is a ceasefire or a way."""
HARDLY = 0.3
"""How well a noun fits "who" that is hardly somebody."""
_TITLE_IN_NAME = frozenset({"Pope", "King", "Queen", "Prince", "Princess"})
_DEED = re.compile(
    r"^(?!govern|parlia|administra|opposi|delega|prosecu|popula|organi|commission|coali|federa|associa|corpora"
    r"|institu|foundation|division|manage|station|depart|ambul|audi).*(?:tion|sion|ment|ness|ance|ence)$"
)
"""A noun for what is done or for how something is, so not for somebody who does it."""
_DATELINE = re.compile(r"[A-Z][A-Z .’'-]+, [^()–—]{3,20} \([^)]{2,30}\) [–—-]")
"""Says where and when an agency reported: "HOLM, Jan 2 (LNA) –" is when nothing happened."""
_CLOCK = re.compile(
    r"\b\d{1,2}[:.]\d{2}\b(?!\s?(?:%|per ?cent|million|billion))(?:\s?[ap]\.?m\b\.?)?"
    r"|\b\d{1,2}\s?[ap]\.?m\b\.?",
    re.I,
)


def candidates(question: Question, parse: Parse, people: frozenset[str]) -> tuple[Candidate, ...]:
    """Return the candidates of one sentence; always at least the whole sentence, last."""
    found = {(span.start, span.end): span for span in _proposed(question, parse, people)}
    money = [match.span() for match in _MONEY.finditer(parse.text)]
    kept = [
        span
        for span in found.values()
        if not _repeats(question, parse, span)
        and not any(
            a <= span.start and span.end <= b and (a, b) in found.keys() - {(span.start, span.end)}
            for a, b in money
        )
    ]
    return (*kept, _whole(parse))


def _whole(parse: Parse) -> Candidate:
    tokens = parse.tokens
    root = next((i for i, token in enumerate(tokens) if token.head == i), 0)
    return Candidate(0, len(parse.text), 0, max(0, len(tokens) - 1), root, 0.0, whole=True)


def _proposed(question: Question, parse: Parse, people: frozenset[str]) -> Iterator[Candidate]:
    kind = question.kind
    if kind == "age":
        yield from (of_characters(parse, *match.span(), typed=1.0) for match in _AGE.finditer(parse.text))
    elif kind in LABELS:
        yield from _entities(question, parse, people)
    elif kind == "quote":
        yield from (of_characters(parse, *match.span(1), typed=1.0) for match in _QUOTED.finditer(parse.text))
        yield from _complements(parse)
    elif kind == "reason":
        yield from _causes(parse)
    elif kind == "role":
        yield from roles(question, parse)
    elif kind in {"thing", "manner"}:
        yield from _phrases(question, parse)


def _entities(question: Question, parse: Parse, people: frozenset[str]) -> Iterator[Candidate]:
    kind = question.kind
    dateline = _DATELINE.match(parse.text) if kind == "date" else None
    for entity in parse.entities:
        if dateline and entity.start < dateline.end():
            continue
        typed = _typed(question, kind, entity, people)
        if kind == "count" and (
            _is_total(parse, entity.first) or _lasts(question, parse, entity.first, entity.last)
        ):
            continue
        if typed and kind == "count" and entity.label != "PERCENT" and _PART.match(parse.text, entity.end):
            typed = 0.4
        if typed:
            yield _entity(question, parse, entity, typed)
    if kind == "person":
        people_in = [entity for entity in parse.entities if entity.label == "PERSON"]
        for first, last in name_runs(parse):
            # "GOP Leader Kevin Berg" names nobody that "Kevin Berg" does not.
            if not any(entity.first <= first <= entity.last or entity.last == last for entity in people_in):
                surname = parse.tokens[last].text
                yield of_tokens(question, parse, first, last, last, typed=0.9 if surname in people else 0.3)
    if kind == "place" and question.focus == "state":
        seats = _SEAT.finditer(parse.text)
        yield from (of_characters(parse, *match.span(1), typed=1.0) for match in seats)
    if kind in {"group", "person"}:
        yield from _somebody(question, parse)
    if kind in NUMERIC:
        yield from _written(question, parse)


def _somebody(question: Question, parse: Parse) -> Iterator[Candidate]:
    """Noun phrases for somebody without a name; what is hardly anybody fits less well."""
    for span in _phrases(question, parse):
        head = parse.tokens[span.head]
        if head.pos == "NOUN" and head.entity not in AMOUNTS and not _DEED.search(head.lemma):
            yield span if _SOMEBODY.search(head.lemma.casefold()) else replace(span, typed=HARDLY)


def _written(question: Question, parse: Parse) -> Iterator[Candidate]:
    """Numbers by how they are written, whatever the parser labels them: "41 euros" is a cardinal to it."""
    kind = question.kind
    if kind in {"money", "amount"}:
        yield from (of_characters(parse, *match.span(), typed=1.0) for match in _MONEY.finditer(parse.text))
    if kind == "amount":
        lasting = (
            entity for entity in parse.entities if _typed(question, "duration", entity, frozenset()) == 1.0
        )
        yield from (_entity(question, parse, entity, 0.5) for entity in lasting)
    if kind == "date":
        yield from (of_characters(parse, *match.span(), typed=0.9) for match in _CLOCK.finditer(parse.text))
        yield from _unlabelled_dates(question, parse)
    if kind == "count" and _HOW_OFTEN.match(question.text):
        yield from (of_characters(parse, *match.span(), typed=1.0) for match in _OFTEN.finditer(parse.text))
    if kind in {"count", "money", "percent", "amount"}:
        yield from _bare_numbers(question, parse)
    if kind == "duration":
        for i, token in enumerate(parse.tokens):
            if UNITS.search(token.text) and (_DIGIT.search(token.text) or "-" in token.text):
                yield of_tokens(question, parse, i, i, i, typed=0.8)


def _unlabelled_dates(question: Question, parse: Parse) -> Iterator[Candidate]:
    """Days and months that the tagger overlooked."""
    held = [(e.start, e.end) for e in parse.entities if e.label in LABELS["date"]]
    dateline = _DATELINE.match(parse.text)
    for when in dates(parse.text):
        start, end = when.at
        known = any(a < end and start < b for a, b in held) or (dateline and start < dateline.end())
        if not known and times_named(when.said) and not _asks_other_date(question, when.said):
            yield of_characters(parse, start, end, typed=0.9)


def _bare_numbers(question: Question, parse: Parse) -> Iterator[Candidate]:
    """Numbers that no entity of the kind holds; one of money is no count, a year no number at all."""
    shut = {"DATE", "TIME", "ORDINAL", "PERCENT", "MONEY"} | LABELS[question.kind]
    held = {i for e in parse.entities if e.label in shut for i in range(e.first, e.last + 1)}
    if question.kind in {"money", "amount"}:
        marked = [match.span() for match in _MONEY.finditer(parse.text)]
        held |= {i for i, t in enumerate(parse.tokens) if any(a <= t.start < b for a, b in marked)}
    for i, token in enumerate(parse.tokens):
        if token.pos != "NUM" or i in held or _is_total(parse, i):
            continue
        if question.kind == "count" and _lasts(question, parse, i, i):
            continue
        if question.kind == "money" and not _may_be_money(parse, token):
            continue
        yield of_tokens(question, parse, i, i, i, typed=0.6)


def _lasts(question: Question, parse: Parse, first: int, last: int) -> bool:
    """Whether the number in these tokens is one of hours or years, and none are asked for."""
    behind = parse.tokens[min(last + 1, len(parse.tokens) - 1)]
    return bool(UNITS.search(parse.text[parse.tokens[first].start : behind.end])) and not UNITS.search(
        question.text
    )


def _may_be_money(parse: Parse, token: Token) -> bool:
    """Whether a bare number is large enough for a sum, or stands beside one."""
    large = [number for number in quantities(token.text) if number.value >= LEAST_BARE_SUM]
    return bool(large or _MONEY.search(parse.text) or _SCALED.match(parse.text, token.end))


def _is_total(parse: Parse, at: int) -> bool:
    """Whether a number is the whole of which another is said: 380 in "40 of its 380 buses"."""
    return bool(_PART_OF.search(parse.text[: parse.tokens[at].start]))


def _typed(question: Question, kind: Kind, entity: Entity, people: frozenset[str]) -> float:
    surname = entity.text.split()[-1].removesuffix("’s").removesuffix("'s")
    label = (
        "PERSON" if surname in people and entity.label in {"ORG", "GPE", "NORP", "PRODUCT"} else entity.label
    )
    if kind == "count" and label == "PERCENT":
        return 0.7 if _OF_ALL.match(question.text) else 0.0
    if label not in LABELS[kind]:
        return 0.0
    if kind == "count" and _HOW_OFTEN.match(question.text):
        return 0.4
    if kind == "duration":
        if _LENGTH.search(entity.text) and _HOW_LONG_IS.match(question.text):
            return 0.9
        lasting = bool(UNITS.search(entity.text)) and (
            bool(_DIGIT.search(entity.text))
            or any(w in _NUMBER_WORDS for w in re.split(r"[\s-]+", entity.text.casefold()))
        )
        return 1.0 if lasting else 0.2
    if kind == "date":
        if _asks_other_date(question, entity.text):
            return 0.2
        counted = _NUMBER_WORDS & set(entity.text.casefold().split()[:2])
        return 0.3 if UNITS.search(entity.text) and counted else 1.0
    if kind == "group":
        return 1.0 if label == "ORG" else 0.6
    if kind == "place":
        asked = _EUROPEAN.search(question.text)
        return 0.2 if is_no(asked[0].casefold() if asked else question.focus, entity.text) else 1.0
    return 1.0


def _asks_other_date(question: Question, when: str) -> bool:
    """Whether a time is too coarse, too fine or past: a month is asked for, a year, or what will be."""
    if question.focus == "month" and not _MONTH_NAME.search(when):
        return True
    if question.focus == "year" and not _YEAR.search(when):
        return True
    return bool(_WILL.search(question.text) and _PAST.search(when))


def _entity(question: Question, parse: Parse, entity: Entity, typed: float) -> Candidate:
    first, last = entity.first, entity.last
    if first and question.kind == "person" and parse.tokens[first - 1].text in _TITLE_IN_NAME:
        first -= 1
    head = next(
        (
            i
            for i in range(first, last + 1)
            if not first <= parse.tokens[i].head <= last or parse.tokens[i].head == i
        ),
        last,
    )
    return of_tokens(question, parse, first, last, head, typed=typed)


def name_runs(parse: Parse) -> Iterator[Span]:
    """Yield the first and the last token of each run of proper names."""
    first = None
    starts = {entity.first for entity in parse.entities if entity.label == "PERSON"}
    for i, token in enumerate(parse.tokens):
        if token.pos == "PROPN" and token.text[:1].isupper():
            # "Secretary of State Anna Berg" names nobody called State.
            of_title = first and parse.tokens[first - 1].lemma == "of" and i in starts
            first = i if first is None or of_title else first
        elif first is not None:
            yield first, i - 1
            first = None
    if first is not None:
        yield first, len(parse.tokens) - 1


def _phrases(question: Question, parse: Parse) -> Iterator[Candidate]:
    """Noun phrases, bare and with what hangs on their right, and the objects of verbs and prepositions."""
    tokens = parse.tokens
    children = children_of(tokens)
    for i, token in enumerate(tokens):
        if token.pos not in {"NOUN", "PROPN", "NUM"} or token.dep in {"compound", "nummod", "quantmod"}:
            continue
        left = left_edge(i, tokens, children)
        yield of_tokens(question, parse, left, i, i, typed=0.5)
        right = right_edge(i, tokens, children)
        if i < right <= left + 14:
            yield of_tokens(question, parse, left, right, i, typed=0.5)
    if question.kind == "manner":
        for i, token in enumerate(tokens):
            if token.dep == "pcomp" or (token.dep in {"xcomp", "advcl"} and token.pos == "VERB"):
                left, right = edge(i, children, leftmost=True), edge(i, children, leftmost=False)
                yield of_tokens(question, parse, left, right, i, typed=0.6)


def _complements(parse: Parse) -> Iterator[Candidate]:
    """Clauses that are what somebody said: "said that the plan was dead"."""
    tokens = parse.tokens
    children = children_of(tokens)
    for i, token in enumerate(tokens):
        if token.dep in {"ccomp", "xcomp"}:
            first, last = edge(i, children, leftmost=True), edge(i, children, leftmost=False)
            while first < i and (tokens[first].pos == "PUNCT" or tokens[first].lemma.casefold() == "that"):
                first += 1
            while last > i and tokens[last].pos == "PUNCT":
                last -= 1
            yield of_characters(parse, tokens[first].start, tokens[last].end, typed=0.6)


def _causes(parse: Parse) -> Iterator[Candidate]:
    for match in _CAUSE.finditer(parse.text):
        if match.group(1).casefold() == "to" and not _of_purpose(parse, match.start()):
            continue
        stop = re.compile(r"[,;.]|$").search(parse.text, match.end() + 12)
        end = stop.start() if stop else len(parse.text)
        strong = match.group(1).casefold() not in {"to", "after", "amid", "since"}
        if end - match.start() > 8:
            yield of_characters(parse, match.start(), end, typed=0.9 if strong else 0.5)


def _of_purpose(parse: Parse, at: int) -> bool:
    """Whether the "to" at a character may begin a purpose: not "to Moscow", nor "agreed to meet"."""
    i = next((i for i, token in enumerate(parse.tokens) if token.start == at), 0)
    token = parse.tokens[i]
    return token.tag == "TO" and (not i or parse.tokens[token.head].head != i - 1)


def _repeats(question: Question, parse: Parse, span: Candidate) -> bool:
    """Whether the span only says again what the question says."""
    asked = {token.lemma.casefold() for token in question.parse.tokens}
    asked |= {part for name in question.names for part in name.casefold().split()}
    inside = [
        t for t in parse.tokens[span.first : span.last + 1] if t.pos not in {"DET", "ADP", "PUNCT", "PART"}
    ]
    # "President Anna Berg" says nothing new either, asked for a relative of Anna Berg.
    bare = (
        [t for t in inside if t.text.casefold().rstrip(".") not in TITLES]
        if question.kind == "person"
        else []
    )
    if all(token.lemma.casefold() in asked or token.text.casefold() in asked for token in bare or inside):
        return True
    # Asked who succeeds Rubio, "Marco Rubio" says nothing new; asked which Murdoch, "Lachlan Murdoch" does.
    return (
        question.kind == "person"
        and bool(inside)
        and inside[-1].text in question.names
        and not re.match(rf"(?:which|what) {re.escape(inside[-1].text)}\b", question.text, re.I)
        and all(token.pos == "PROPN" for token in inside)
    )

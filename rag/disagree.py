"""Evidence on one question -> the sides the articles take, when they differ. Nothing is voted away."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from models.protocols import Embedder, Token
from rag.evidence import Evidence
from rag.names import same_name
from rag.numbers import quantities
from rag.question import Question
from rag.records import Side
from rag.text import STOPWORDS, normalise, words

SINGLE_VALUED = frozenset({"count", "money", "percent", "age", "date", "duration", "person", "place"})
"""Kinds of which one thing usually has one: two values for it are a difference worth showing."""
CLOSE_SCORE = 0.25
"""A side must be evidenced at least this well, as a share of the best evidence."""
SAME_THING = 0.35
"""Cosine of two sentences that speak of the same event."""
MAX_SIDES = 4
_HEDGED = re.compile(
    r"\b(?:about|around|nearly|almost|some|roughly|approximately|more than|over|at least|up to|several)\b",
    re.I,
)
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def sides(question: Question, evidence: Sequence[Evidence], embedder: Embedder) -> tuple[Side, ...]:
    """Return the differing values, best evidenced first; empty when the articles agree or say nothing."""
    if not evidence:
        return ()
    if question.kind == "yesno":
        return _alternatives(question, evidence)
    if question.kind not in SINGLE_VALUED or _asks_for_several(question):
        return ()
    best = evidence[0]
    if best.span.whole or best.span.typed < 0.6:
        return ()
    rivals = _one_each([e for e in evidence if _rivals(best, e)])
    vectors = embedder.embed([e.sentence.text for e in rivals], "document")
    rivals = [
        e
        for e, vector in zip(rivals, vectors, strict=True)
        if float(np.dot(vector, vectors[0])) >= SAME_THING
    ]
    groups: list[list[Evidence]] = []
    for found in rivals:
        home = next(
            (group for group in groups if any(compatible(question, found, held) for held in group)), None
        )
        if home is None:
            groups.append([found])
        else:
            home.append(found)
    articles = [{e.sentence.article.id for e in group} for group in groups]
    apart = [
        group
        for group, ids in zip(groups, articles, strict=True)
        if group is groups[0] or not ids <= articles[0]
    ]
    if len(apart) < 2:
        return ()
    return tuple(
        Side(group[0].short, tuple(e.citation() for e in _one_each(group))) for group in apart[:MAX_SIDES]
    )


def _asks_for_several(question: Question) -> bool:
    """Whether several answers need not differ: "which two officials", or one picked out by a deed."""
    return question.kind in {"person", "place"} and bool(question.focus)


def _rivals(best: Evidence, other: Evidence) -> bool:
    near = other.score >= CLOSE_SCORE * best.score
    about = other.feature("term_recall_context") >= best.feature("term_recall_context") - 0.25
    named = other.feature("name_recall_context") >= best.feature("name_recall_context") - 0.01
    return near and about and named and not other.span.whole and other.span.typed >= 0.6


def _one_each(group: Sequence[Evidence]) -> list[Evidence]:
    seen: dict[str, Evidence] = {}
    for found in group:
        seen.setdefault(found.sentence.article.id, found)
    return list(seen.values())


def compatible(question: Question, left: Evidence, right: Evidence) -> bool:
    """Whether two short answers can both be true: same value, a rounding, or one inside the other."""
    a, b = normalise(left.short), normalise(right.short)
    if a in b or b in a:
        return True
    if question.kind in {"count", "money", "percent", "age", "duration"}:
        ours, theirs = quantities(left.short), quantities(right.short)
        if not ours or not theirs:
            return True
        hedged = bool(_HEDGED.search(left.short) or _HEDGED.search(right.short))
        return any(
            x.same(y) or (hedged and abs(x.value - y.value) <= 0.1 * max(abs(x.value), abs(y.value)))
            for x in ours
            for y in theirs
        )
    if question.kind == "date":
        ours_days, theirs_days = _named_days(a), _named_days(b)
        if ours_days and theirs_days:
            return bool(ours_days & theirs_days)
        return bool(set(words(a)) & set(words(b)) - STOPWORDS) or bool(ours_days) != bool(theirs_days)
    return any(same_name(x, y) for x in words(a) for y in words(b) if x not in STOPWORDS)


def _alternatives(question: Question, evidence: Sequence[Evidence]) -> tuple[Side, ...]:
    """The sides of "is it A or B?", when one article's sentence says A and another's B."""
    tokens = question.parse.tokens
    joined = next(
        (
            (token.head, i)
            for i, token in enumerate(tokens)
            if token.dep == "conj"
            and any(t.lemma.casefold() == "or" and t.head == token.head for t in tokens)
        ),
        None,
    )
    if joined is None:
        return ()
    heads = [_noun(tokens, place) for place in joined]
    phrases = [_phrase(tokens, place) for place in heads]
    alike = tokens[heads[0]].lemma == tokens[heads[1]].lemma
    asked = [
        _lemmas(tokens, phrase if alike else [head]) for phrase, head in zip(phrases, heads, strict=True)
    ]
    sides: list[Side] = []
    taken: set[str] = set()
    # The narrower one first: "former president" holds "president" too.
    for place in sorted((0, 1), key=lambda i: -len(asked[i])):
        phrase, wanted, other = phrases[place], asked[place], asked[1 - place]
        saying = _one_each(
            [
                e
                for e in evidence
                if wanted <= (said := {token.lemma.casefold() for token in e.sentence.parse.tokens})
                and not (other - wanted) & said
                and e.feature("name_recall_context") >= 1
                and e.sentence.article.id not in taken
            ]
        )
        if saying:
            taken |= {e.sentence.article.id for e in saying}
            value = question.text[tokens[phrase[0]].start : tokens[phrase[-1]].end]
            sides.append(Side(value, tuple(e.citation() for e in saying)))
    return tuple(sides) if len(sides) > 1 else ()


def _noun(tokens: Sequence[Token], place: int) -> int:
    """The noun of "in September", or the word itself."""
    return next((i for i, t in enumerate(tokens) if t.head == place and t.dep == "pobj"), place)


def _phrase(tokens: Sequence[Token], head: int) -> list[int]:
    """A noun or verb with what stands right before it and belongs to it."""
    own = {"amod", "compound", "nummod", "neg", "advmod"}
    return sorted([head, *(i for i, t in enumerate(tokens) if t.head == head and t.dep in own and i < head)])


def _lemmas(tokens: Sequence[Token], phrase: Sequence[int]) -> set[str]:
    return {tokens[i].lemma.casefold() for i in phrase}


def _named_days(text: str) -> set[str]:
    return {day for day in _DAYS if day in text}

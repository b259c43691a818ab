"""Sides of a yes-or-no question: one article says A and another B of "is it A or B?", or one denies it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.protocols import Token
from rag.evidence import Evidence
from rag.question import Question
from rag.records import Side

_DENIES = re.compile(
    r"\b(?:den(?:y|ies|ied|ying)|reject(?:s|ed)?|disput(?:es?|ed)|refut(?:es?|ed)|contradict(?:s|ed)?|untrue|false"
    r"|invention|invented)\b",
    re.I,
)
DENIED_SCORE = 0.7
"""How well a sentence must be evidenced to affirm or deny, as a share of the best evidence."""


def one_each(group: Sequence[Evidence]) -> list[Evidence]:
    """Return the best of a group from each of its articles, in their order."""
    seen: dict[str, Evidence] = {}
    for found in group:
        seen.setdefault(found.sentence.article.id, found)
    return list(seen.values())


def either_or(question: Question, evidence: Sequence[Evidence]) -> tuple[Side, ...]:
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
        saying = one_each(
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


def denials(question: Question, evidence: Sequence[Evidence]) -> tuple[Side, ...]:
    """The sides of a yes-or-no question, when one article affirms and another denies."""
    best = evidence[0]
    close = [
        e
        for e in evidence
        if e.score >= DENIED_SCORE * best.score
        and e.feature("name_recall_context") >= 1
        and e.feature("term_recall") >= 0.5
        and not e.sentence.heading
        and not e.feature("is_question")
    ]
    denying = one_each([e for e in close if _DENIES.search(e.sentence.text)])
    ids = {e.sentence.article.id for e in denying}
    affirming = one_each([e for e in close if e.sentence.article.id not in ids and not _negated(e)])
    if not denying or not affirming:
        return ()
    sides = (
        Side("yes", tuple(e.citation() for e in affirming)),
        Side("no", tuple(e.citation() for e in denying)),
    )
    return sides if affirming[0].score >= denying[0].score else sides[::-1]


def _negated(found: Evidence) -> bool:
    return any(token.dep == "neg" for token in found.sentence.parse.tokens)


def _noun(tokens: Sequence[Token], place: int) -> int:
    """The noun of "in September", or the word itself."""
    return next((i for i, t in enumerate(tokens) if t.head == place and t.dep == "pobj"), place)


def _phrase(tokens: Sequence[Token], head: int) -> list[int]:
    """A noun or verb with what stands right before it and belongs to it."""
    own = {"amod", "compound", "nummod", "neg", "advmod"}
    return sorted([head, *(i for i, t in enumerate(tokens) if t.head == head and t.dep in own and i < head)])


def _lemmas(tokens: Sequence[Token], phrase: Sequence[int]) -> set[str]:
    return {tokens[i].lemma.casefold() for i in phrase}

"""Sides of a yes-or-no question: one article says A and another B of "is it A or B?", or one denies it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from rag.evidence import Evidence
from rag.names import akin, named_in, same_name
from rag.options import lemmas, offered, options
from rag.question import Question
from rag.records import Side
from rag.text import content_words

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
    both = options(question)
    if both is None:
        return ()
    first, second = both
    only_offered = offered(question)
    others = [name for name in question.names if name not in only_offered]
    inside = {lemma for option in both for lemma in lemmas(question.parse.tokens, option.tokens)}
    terms = set(question.terms) - inside
    sides: list[Side] = []
    taken: set[str] = set()
    # The narrower one first: "former president" holds "president" too.
    for option, other in sorted(((first, second), (second, first)), key=lambda pair: -len(pair[0].wanted)):
        saying = one_each(
            [
                e
                for e in evidence
                if e.sentence.article.id not in taken
                and _says(e, option.wanted)
                and not any(_says(e, frozenset({word})) for word in other.wanted - option.wanted)
                and _is_about(e, others, terms)
            ]
        )
        if saying:
            taken |= {e.sentence.article.id for e in saying}
            sides.append(Side(option.value, tuple(e.citation() for e in saying)))
    return tuple(sides) if len(sides) > 1 else ()


def _says(found: Evidence, wanted: frozenset[str]) -> bool:
    """Whether a sentence holds all of these lemmas, a name in any spelling."""
    said = {token.lemma.casefold() for token in found.sentence.parse.tokens}
    return all(word in said or any(same_name(word, other) for other in said) for word in wanted)


def _is_about(found: Evidence, names: Sequence[str], terms: Collection[str]) -> bool:
    """Whether a sentence, with those before it, names all of these, and has one of these words if any."""
    around = f"{found.sentence.before}\n{found.sentence.text}"
    if not all(named_in(name, around) for name in names):
        return False
    said = content_words(around)
    return not terms or bool(names) or any(akin(term, word) for term in terms for word in said)


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

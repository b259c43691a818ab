"""What a sentence says that somebody is: beside the name, before it or after "is"; a post, or whose kin."""

from __future__ import annotations

import re
from collections.abc import Iterator

from models.protocols import Parse
from rag.names import of_another
from rag.question import RELATED, Question
from rag.span import Candidate, of_characters, of_tokens
from rag.syntax import LEFT, children_of, edge, left_edge, right_edge

_KIN = re.compile(
    r"(?:-in-law|\b(?:husband|wife|spouse|(?:grand|step)?(?:son|daughter|father|mother)|brother|sister|twin|cousin"
    r"|nephew|niece|uncle|aunt|widow|fiancée?))\b"
)
_OFFICE = re.compile(
    r"\b((?:(?:U\.S\.|[A-Z]\w+) )?(?:[Ff]ormer |[Aa]cting |[Vv]ice |[Dd]eputy )?(?:"
    r"(?:Secretary|Minister|Commissioner) (?:of|for) (?:the )?[A-Z]\w+(?:,? (?:and )?[A-Z]\w+)*"
    r"|(?:Prime|Foreign|Defen[cs]e|Finance|Interior|Justice|Health) Minister|President|Chancellor|Mayor"
    r"|Governor|Senator|Ambassador)) $"
)
"""An office right before a name: "Secretary of State Anna Berg"."""


def _all(question: Question, parse: Parse) -> Iterator[Candidate]:
    tokens = parse.tokens
    children = children_of(tokens)
    lasts = {name.split()[-1].casefold() for name in question.names}
    for i, token in enumerate(tokens):
        if token.text.casefold() not in lasts or token.dep in {"poss", "compound"}:
            continue
        described = {j for j in children.get(i, []) if tokens[j].dep == "appos" and tokens[j].pos == "NOUN"}
        head = token.head
        if token.dep == "appos" and tokens[head].pos in {"NOUN", "PROPN"}:
            described.add(head)
        if tokens[head].lemma.casefold() == "be" and token.dep == "nsubj":
            described |= {j for j in children.get(head, []) if tokens[j].dep == "attr"}
        for j in described:
            first = edge(j, children, leftmost=True) if j > i else left_edge(j, tokens, children)
            last = max(j, right_edge(j, tokens, children)) if j > i else j
            if not first <= i <= last:
                yield of_tokens(question, parse, first, last, j, typed=1.0)
        before = [
            j for j in children.get(i, []) if j < i and tokens[j].dep in LEFT and tokens[j].pos != "PROPN"
        ]
        nouns = [j for j in before if tokens[j].pos == "NOUN"]
        named = next((e.start for e in parse.entities if e.first <= i <= e.last), token.start)
        if office := _OFFICE.search(parse.text[:named]):
            yield of_characters(parse, *office.span(1), typed=0.9)
        elif nouns:
            first = min(edge(j, children, leftmost=True) for j in before)
            yield of_tokens(question, parse, first, max(nouns), max(nouns), typed=0.9)
        colon = next((j for j in range(i, min(i + 3, len(tokens))) if tokens[j].text == ":"), None)
        if colon is not None and colon + 1 < len(tokens):
            yield of_tokens(question, parse, colon + 1, len(tokens) - 2, token.head, typed=0.9)


def roles(question: Question, parse: Parse) -> Iterator[Candidate]:
    """Yield what the named person is said to be; asked how they are related, only words for kin."""
    related = bool(RELATED.match(question.text))
    for span in _all(question, parse):
        if not related or _is_kin(question, parse.text[span.start : span.end]):
            yield span


def _is_kin(question: Question, said: str) -> bool:
    """Whether it says what somebody is to a relative, and to none that only has the asked one's surname."""
    return bool(_KIN.search(said)) and not any(of_another(name, said) for name in question.names)

"""A question on somebody it only describes -> the same question with the name that the articles give them.

"How old is Trump's son-in-law?" has no word of "Kushner, 44, said"; another sentence says who that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from models.protocols import Parser
from rag.names import akin
from rag.people import HUMAN, Role, roles
from rag.question import Question, read_question
from rag.records import Hit
from rag.relations import asks_name
from rag.statements import Statement
from rag.text import Span, content_words, sentences

READ = 12
"""Sentences that are looked through at most for a name, those of the best hits first."""
_INSIDE = frozenset("poss det compound amod nmod case punct prep pobj".split())
_ASKING = frozenset({"WDT", "WP", "WP$", "WRB"})
_WHO_IS = re.compile(r"^(?:and |but )?who(?:['’]s|['’]re| is| are| was| were) ", re.I)


NAMED = "“{words}” is read as {name}, after `tearsheet show {article}`."


def named_instead(question: str, hits: Sequence[Hit], parser: Parser) -> tuple[str, str]:
    """Return the question with a name for the one it describes, and a note on that.

    Both are empty when nobody, or more than one, fits.

    What `hits` say somebody is must hold all words of the description. A question that asks who the one
    described is stays as it is.
    """
    asked = read_question(question, parser)
    for start, end in _descriptions(asked):
        found = _bearers(content_words(asked.text[start:end]), hits, parser)
        if len({role.key for role in found}) == 1:
            fullest = max(found, key=lambda role: len(role.name))
            words = re.sub(r"^the ", "", asked.text[start:end])
            note = NAMED.format(words=words, name=fullest.name, article=fullest.statement.article.id[:8])
            return f"{asked.text[:start]}{fullest.name}{asked.text[end:]}", note
    return "", ""


def _descriptions(asked: Question) -> Iterator[Span]:
    """The phrases that call somebody something, like "the mayor's press secretary"."""
    if asks_name(asked):
        return
    tokens = asked.parse.tokens
    for at, token in enumerate(tokens):
        if (
            token.pos != "NOUN"
            or token.dep in {"compound", "poss", "attr"}
            or not HUMAN.fullmatch(token.text)
        ):
            continue
        inside = {at}
        while (
            more := {
                i for i, t in enumerate(tokens) if t.head in inside and t.dep in _INSIDE and t.text != "?"
            }
            - inside
        ):
            inside |= more
        first, last = min(inside), max(inside)
        start, end = tokens[first].start, tokens[last].end
        whole = last - first + 1 == len(inside) and not any(tokens[i].tag in _ASKING for i in inside)
        who_is = _WHO_IS.match(asked.text) and not asked.text[end:].strip("?. ")
        if whole and not who_is and len(content_words(asked.text[start:end])) > 1:
            yield start, end


def _bearers(words: Sequence[str], hits: Sequence[Hit], parser: Parser) -> list[Role]:
    """What a sentence calls somebody with all of the words."""
    read: dict[tuple[str, int], Statement] = {}
    for hit in hits:
        article = hit.passage.article
        for start, end in sentences(article.text):
            if not hit.passage.start <= start < hit.passage.end or len(read) >= READ:
                continue
            if _holds(article.text[start:end], words):
                parse = parser.parse([article.text[start:end].replace("\n", " ")])[0]
                read[article.id, start] = Statement(
                    article, start, end, parse, np.zeros(0, np.float32), 0, 0.0
                )
    return [role for each in read.values() for role in roles(each) if _holds(role.role, words)]


def _holds(text: str, words: Sequence[str]) -> bool:
    said = content_words(text)
    return all(any(akin(word, other) for other in said) for word in words)

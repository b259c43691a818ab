"""Statements -> what the articles leave open: what they say is not known, and the questions they ask."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag.records import Article, Citation
from rag.statements import Statement
from rag.text import content_words, sentences, words

_UNKNOWN = re.compile(
    r"\b(?:not (?:yet )?(?:been )?(?:made public|known|clear|resolved|released|disclosed|confirmed|announced|"
    r"decided|determined|identified|established|said)|unclear|unknown|remains? to be seen|remain unresolved|"
    r"(?:have|has) not\b[^.;]{0,40}\b(?:resolved|said|decided|responded|commented)|scant details|no details|"
    r"declined to (?:comment|say)|did not (?:say|respond|comment|disclose)|without saying|"
    r"yet to (?:be|say|decide|comment)|unanswered|under investigation|still being)\b",
    re.I,
)


def unknowns(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """Return the sentences that say of something that it is not known, decided or told."""
    return tuple(s for s in statements if _UNKNOWN.search(s.parse.text) and not s.leans)


def questions(articles: Sequence[Article]) -> Iterator[Citation]:
    """Yield the questions that articles ask in so many words and that are not headings."""
    for article in articles:
        for start, end in sentences(article.text):
            text = article.text[start:end]
            listed = re.match(r"\s*[-•*–]\s", text)
            if (
                text.rstrip().endswith("?")
                and listed
                and 6 <= len(words(text)) <= 30
                and len(content_words(text)) > 3
            ):
                yield Citation(article, start, end, text)


__all__ = ["questions", "unknowns"]

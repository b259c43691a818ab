"""What a briefing is about: the topic in what was typed, and the articles among the hits that are on it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.names import akin, article_words, same_name
from rag.records import Article, Hit
from rag.text import content_words

MOST_ARTICLES = 50
NEAR_BEST = 0.55
"""Part of the best article's relevance that another needs to be on the same topic."""
LEAST = 0.33
"""Relevance below which no article is on the topic."""
WORDS_COUNT = 0.35
"""How much it is worth that an article holds all the words of the topic, beside a cosine of up to 1."""

_ASKED = re.compile(
    r"^\W*(?:(?:please|can you|could you|i need|i want|prepare|write|give|make|draw up)\b[\s,]*"
    r"(?:me\b|us\b)?\s*)*"
    r"(?:(?:an?|the)\s+)?(?:short |brief |one-paragraph |one-page |quick |full )*"
    r"(?:brief(?:ing)?|summary|summarise|summarize|sum up|overview)?\s*(?:me|us|,? please)?\s*[:,]?\s*"
    r"(?:(?:please)[,:]?\s*)?(?:on|of|about|for|regarding|over)?\s+(?=\S)",
    re.I,
)
_BEGINS = re.compile(
    r"\W*(?:brief|i need|please|prepare|write|give|make|an? \S*\s?(?:briefing|summary)|summar|overview|can|"
    r"could)",
    re.I,
)
_TRAILING = re.compile(
    r"(?:[.;,]?\s*(?:write it as|make it|as|in) (?:an? )?(?:short |one-paragraph |one-page )?"
    r"(?:briefing|summary))?\W*$",
    re.I,
)
_GENERIC = frozenset(
    "brief briefing please summary short happened stands know known said says changed mean dispute".split()
)


def topic_of(asked: str) -> str:
    """Return what a briefing is asked on: "Brief me on the fire aboard the ferry." gives the fire."""
    asked = " ".join(asked.split())
    bare = _ASKED.sub("", asked, count=1) if _BEGINS.match(asked) else asked
    bare = _TRAILING.sub("", bare)
    return bare.strip(" ,.;:") or asked


def articles_on(topic: str, hits: Sequence[Hit], *, most: int = MOST_ARTICLES) -> tuple[Article, ...]:
    """Return the articles on the topic, the nearest first; none when nothing comes near."""
    wanted = [word for word in dict.fromkeys(content_words(topic)) if word not in _GENERIC]
    best: dict[str, tuple[float, Article]] = {}
    for hit in hits:
        article = hit.passage.article
        cosine = dict(hit.why).get("dense", 0.0)
        score = cosine + WORDS_COUNT * _held(wanted, article)
        if article.id not in best or score > best[article.id][0]:
            best[article.id] = (score, article)
    ranked = sorted(best.values(), key=lambda row: (-row[0], row[1].id))
    if not ranked or ranked[0][0] < LEAST:
        return ()
    least = max(LEAST, NEAR_BEST * ranked[0][0])
    return tuple(article for score, article in ranked[:most] if score >= least)


def _held(wanted: Sequence[str], article: Article) -> float:
    """Part of the topic's words that the article holds, in any form."""
    if not wanted:
        return 0.0
    said = article_words(article.text) | article_words(article.title)
    return sum(
        word in said
        or any(akin(word, other) or same_name(other, word) for other in said if other[:2] == word[:2])
        for word in wanted
    ) / len(wanted)


__all__ = ["articles_on", "topic_of"]

"""What an article is to a reader of facts: a report, an opinion, satire, or one that was withdrawn since."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from rag.dates import dates
from rag.records import Article
from rag.text import normalise, sentences

Kind = Literal["report", "opinion", "satire", "withdrawn"]

HEAD = 700
"""Characters at the beginning of an article in which it says what it is."""
_SATIRE = re.compile(r"\bsatir(?:e|ical)\b|\bparody\b", re.I)
_OPINION = re.compile(
    r"^\W*(?:OPINION|COLUMN|COMMENT|EDITORIAL|COMMENTARY)\b|^\W*(?:opinion|column|editorial|commentary)\s*[:|–—]",
)
_OPINION_PATH = re.compile(r"/(?:opinions?|columns?|comment|commentisfree|editorials?|op-?ed)(?:/|$)", re.I)
_OWN_CORRECTION = re.compile(
    r"\bcorrection\b|\bclarification\b|\bdid not say (?:this|that|so)\b|"
    r"\bapologi[sz]\w+\b|\bwe (?:were|got it) wrong\b|"
    r"\b(?:was|were|is) (?:wrong|false|not true)\b|"
    r"\bwithdr\w+\b|\bretract\w*\b|\bwe (?:wrote|reported)\b",
    re.I,
)
_OTHERS_CORRECTION = re.compile(
    r"\b(?:delet|retract|withdr|debunk|apologi[sz]|correct)\w*\b|\b(?:false|wrong|invent)\w*\b", re.I
)
_OF_A_REPORT = re.compile(r"\b(?:report|article|story|headline|claim|call|projection|video|quot)\w*\b", re.I)


@dataclass(frozen=True, slots=True)
class Standing:
    """The kind of an article, and the article that withdrew it where one did."""

    kind: Kind
    by: Article | None = None


def standings(articles: Sequence[Article]) -> Mapping[str, Standing]:
    """Return the standing of each article, by id, as it and the other articles tell it themselves."""
    known = {article.id: article for article in articles}
    return {id_: _standing(article, tuple(known.values())) for id_, article in known.items()}


def _standing(article: Article, others: Sequence[Article]) -> Standing:
    edges = " ".join((article.title, article.byline, article.text[:HEAD], article.text[-200:]))
    if _SATIRE.search(edges):
        return Standing("satire")
    for other in others:
        if (
            other.id != article.id
            and other.published >= article.published
            and _withdraws(other, article, others)
        ):
            return Standing("withdrawn", other)
    if _OPINION.search(article.text[:HEAD]) or _OPINION.search(article.title):
        return Standing("opinion")
    if _OPINION_PATH.search(urlsplit(article.url).path):
        return Standing("opinion")
    return Standing("report")


def _withdraws(other: Article, article: Article, articles: Sequence[Article]) -> bool:
    if not article.source:
        return False
    own = normalise(other.source) == normalise(article.source)
    if own:
        head = f"{other.title}. {other.text[:HEAD]}"
        earlier = [
            each
            for each in articles
            if normalise(each.source) == normalise(article.source) and each.published < other.published
        ]
        return (
            bool(_OWN_CORRECTION.search(head)) and article in earlier and _is_meant(other, article, earlier)
        )
    name = normalise(article.source)
    for start, end in sentences(other.text):
        said = other.text[start:end]
        if name in normalise(said) and _OTHERS_CORRECTION.search(said) and _OF_A_REPORT.search(said):
            return True
    return False


def _is_meant(other: Article, article: Article, earlier: Sequence[Article]) -> bool:
    """Whether a correction speaks of this earlier article: the outlet's only one, or the one of its day."""
    if len(earlier) == 1:
        return True
    days = {when.first for when in dates(other.text[:HEAD], published=other.published)}
    return article.published[:10] in days


__all__ = ["Kind", "Standing", "standings"]

"""Hits -> the sentences most worth a closer look, parsed."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.protocols import Embedder, Parse, Parser, Tokens, Vectors
from rag.names import named_in, of_another
from rag.places import holds_named
from rag.question import Question
from rag.records import Article, Hit
from rag.text import adjoin, content_words, sentences

MOST_HITS = 10
"""Hits whose sentences are weighed."""
MAX_SENTENCES = 16
"""Sentences of the hits that are parsed and weighed: those nearest to the question."""
MET = 0.25
"""What holding all words of the question adds to a sentence's nearness; a third when they stand before it."""
WHOLE = 0.5
"""What the cosine of the whole sentence counts beside that of the question's content words."""
FITTING = 0.15
"""What a sentence gains that holds something like what is asked for."""
CONTEXT_SENTENCES = 2
"""Sentences before one in which a name or a topic may stand that it only refers to."""
OPENS_QUOTATION = '"“«„'
_NUMBER = (
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?|thousands?|millions?"
    r"|billions?|once|twice)\b"
)
_LOOKS_LIKE: Mapping[str, re.Pattern[str]] = {
    kind: re.compile(pattern, re.I)
    for kind, pattern in {
        "percent": r"%|\bper ?cent\b|\b(?:half|third|quarter|fifth)s?\b",
        "money": r"[$€£¥]|\b(?:dollar|euro|pound|yen|yuan|ro?uble|franc|cent)s?\b",
        "age": _NUMBER,
        "count": _NUMBER,
        "amount": _NUMBER,
        "duration": r"\b(?:second|minute|hour|day|night|week|month|year|decade|centur)(?:s|y|ies)?\b",
        "date": r"\d|day\b|\b(?:week|month|year|morning|night|January|February|March|April|May|June|July"
        r"|August|September|October|November|December)\b",
        "quote": r"[\"“”]|\b(?:sa(?:y|ys|id|ying)|told|call(?:s|ed)|warn\w*|describ\w+|accord\w+)\b",
    }.items()
}
"""A rough look, since it is taken of every sentence of the hits, at whether a kind of answer may be there."""


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near a sentence is to the question in the embedder's hidden states, each value a cosine.

    Each token of the question meets the token of the sentence that is nearest to it, as in ColBERT
    (Khattab and Zaharia 2020). The hidden states are those of the whole passage, so that a pronoun is
    near to what it stands for.
    """

    aligned: float
    """Mean over all tokens of the question."""
    content: float
    """Mean over those of its names and content words."""
    least: float
    """The least of these."""
    context: float
    """Like `content`, where the earlier sentences of the passage count too."""
    cosine: float
    """Of the mean token of the question with that of the sentence."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a hit that might be evidence: `article.text[start:end]`."""

    article: Article
    start: int
    end: int
    before: str
    """The sentences just before it and the title: where its pronouns point."""
    rank: int
    """Rank of the best hit that holds it, from 0."""
    heading: bool
    parse: Parse
    nearness: Nearness

    @property
    def text(self) -> str:
        return self.article.text[self.start : self.end]

    def adjoins(self, other: Sentence) -> bool:
        """Whether the other sentence stands right before it or behind it, in one paragraph."""
        here, there = (self.start, self.end), (other.start, other.end)
        return self.article.id == other.article.id and adjoin(self.article.text, here, there)

    def names_anything(self, name: str) -> bool:
        """Whether the whole article names it somewhere, or a city that lies in it."""
        whole = f"{self.article.title}\n{self.article.text}"
        return (named_in(name, whole) and not of_another(name, whole)) or holds_named(name, whole)


_Rough = tuple[float, int, Article, int, int, str, Nearness]
"""Score, rank of the hit, article, start, end, what stands before, nearness."""


def gather(
    question: Question, hits: Sequence[Hit], embedder: Embedder, parser: Parser
) -> tuple[Sentence, ...]:
    """Return the sentences of the first hits most worth a closer look, parsed, best hits first."""
    hits = hits[:MOST_HITS]
    *read, asked = embedder.embed_tokens([*(hit.passage.text for hit in hits), question.text])
    wanted = set(question.terms) | {word for name in question.names for word in content_words(name)}
    content = _content_tokens(question, asked)
    rough: dict[tuple[str, int], _Rough] = {}
    weight, kind = _weights(wanted, hits), _LOOKS_LIKE.get(question.kind)
    for rank, (hit, tokens) in enumerate(zip(hits, read, strict=True)):
        article, spans = hit.passage.article, sentences(hit.passage.article.text)
        alike = asked.vectors @ tokens.vectors.T
        for position, (start, end) in enumerate(spans):
            if start < hit.passage.start or end > hit.passage.end or (article.id, start) in rough:
                continue
            inside = (tokens.ends > start - hit.passage.start) & (tokens.starts < end - hit.passage.start)
            if not inside.any():
                continue
            near = _nearness_of(alike, asked, tokens, inside, content)
            before = " ".join(
                article.text[a:b] for a, b in spans[max(0, position - CONTEXT_SENTENCES) : position]
            )
            said, earlier = loose(article.text[start:end]), loose(before)
            met = sum(weight[word] * (1 if word in said else 1 / 3) for word in wanted & (said | earlier))
            fits = kind is not None and kind.search(article.text, start, end) is not None
            score = near.content + WHOLE * near.cosine + MET * met + FITTING * fits + 0.1 / (2 + rank)
            rough[article.id, start] = (
                score, rank, article, start, end, f"{article.title} . {before}", near,
            )  # fmt: skip
    best = sorted(rough.values(), key=lambda row: (-row[0], row[1], row[2].id, row[3]))[:MAX_SENTENCES]
    best += [row for row in rough.values() if row not in best and _leads_up(row, best)]
    parses = parser.parse(
        [article.text[start:end].replace("\n", " ") for _, _, article, start, end, *_ in best]
    )
    return tuple(
        Sentence(
            article, start, end, before, rank, _is_heading(article.text, start, end), parse, near
        )
        for (_, rank, article, start, end, before, near), parse in zip(best, parses, strict=True)
    )  # fmt: skip


def _leads_up(row: _Rough, best: Sequence[_Rough]) -> bool:
    """Whether a sentence says whose words one of the best is: "Berg writes:" before a quotation."""
    _, _, article, start, end, *_ = row
    if article.text[end - 1] != ":":
        return False
    behind = (each for each in best if each[2].id == article.id and each[3] >= end)
    return any(
        article.text[first] in OPENS_QUOTATION and adjoin(article.text, (start, end), (first, last))
        for _, _, _, first, last, *_ in behind
    )


def _weights(wanted: Collection[str], hits: Sequence[Hit]) -> dict[str, float]:
    """What meeting each word of the question is worth; the rarer among the hits the more, 1 together."""
    held = [loose(hit.passage.text) for hit in hits]
    rarity = {word: math.log(1 + len(held) / (1 + sum(word in each for each in held))) for word in wanted}
    total = sum(rarity.values()) or 1.0
    return {word: value / total for word, value in rarity.items()}


def _content_tokens(question: Question, asked: Tokens) -> NDArray[np.bool_]:
    """Which tokens of the question belong to its names and content words; all of them when none does."""
    parts = [
        (token.start, token.end)
        for token in question.parse.tokens
        if token.lemma.casefold() in question.terms or token.pos in {"PROPN", "NUM"}
    ]
    held = np.array(
        [
            any(a < end and b > start for start, end in parts)
            for a, b in zip(asked.starts, asked.ends, strict=True)
        ],
        bool,
    )
    return held if held.any() else np.ones(len(held), bool)


def _nearness_of(
    alike: Vectors, asked: Tokens, tokens: Tokens, inside: NDArray[np.bool_], content: NDArray[np.bool_]
) -> Nearness:
    """`alike` holds the cosines of the question's tokens (rows) and those of the passage (columns)."""
    met = alike[:, inside].max(axis=1)
    reach = int(np.flatnonzero(inside)[-1]) + 1
    whole = alike[:, :reach].max(axis=1)
    middle, said = asked.vectors.mean(axis=0), tokens.vectors[inside].mean(axis=0)
    cosine = float(middle @ said / (np.linalg.norm(middle) * np.linalg.norm(said) or 1.0))
    return Nearness(
        float(met.mean()), float(met[content].mean()), float(met[content].min()),
        float(whole[content].mean()), cosine,
    )  # fmt: skip


def loose(text: str) -> set[str]:
    found = set(content_words(text))
    return found | {word[:-1] for word in found if word.endswith("s")}


def _is_heading(text: str, start: int, end: int) -> bool:
    return (
        text[end - 1 : end] not in {".", "!", "?", '"', "”", "'", "’", ")", ";", ","}
        and "\n" in text[end : end + 2]
    )

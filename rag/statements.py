"""Articles -> the sentences that a briefing may lean on, parsed, embedded and weighed."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from models.protocols import Embedder, Parse, Parser, Token, Vectors
from rag.errors import CancelledError
from rag.names import akin
from rag.records import Article, Citation
from rag.text import STOPWORDS, Span, content_words, normalise, sentences, words

MOST_STATEMENTS = 480
"""Sentences parsed and embedded in all; what an article may give of them shrinks as articles grow more."""
MOST_EACH = 60
FEWEST_EACH = 8
FEWEST_WORDS = 5
MOST_WORDS = 60
NARROW = 0.25
"""Part of the sentences that may hold a word of the topic for it to ask for one side of the story."""
LONGEST_QUESTION = 25
"""Words of a topic that may be a question; a longer one is a text."""
MOST_OF_A_DENIAL = 12
"""Tokens of a sentence that may take back the one before it."""
BATCH = 64
"""Sentences between two looks at whether the work was cancelled."""

Step = Callable[[str, int, int], None]
"""Called with the stage, the sentences done and the sentences in all."""

_BOILERPLATE = re.compile(
    r"click here|subscribe|sign up|newsletter|all rights reserved|photo(?:graph)? (?:by|courtesy)|"
    r"read more|follow us|version of this (?:story|report|article)|advertisement|copyright|getty images|"
    r"this (?:story|article|report) (?:was|has been|is) (?:updated|corrected|first)|"
    r"contributed (?:to )?(?:this )?report|here.s what (?:we|you) (?:know|need)|https?://|"
    r"image caption|cookie|follow \S+(?: \S+)? on |(?:^|\s)@\w|\bcovers? [^.]{0,60}\bfor\b|editor[’']s note|"
    r"live updates|/(?:AP|AFP|Reuters|Getty)\b|\b(?:audience|breaking news) (?:editor|reporter)|"
    r"\bbriefing author|^contributing:|^(?:AP|AFP|Getty|Reuters) [A-Z]|"
    r"how to watch|stream (?:it )?(?:live|here)|email (?:him|her|us) at",
    re.I,
)
_OWN_REPORT = re.compile(
    r"\bwe (?:\w+ ){0,2}?(?:wrote|quoted|reported|stated|published|said|named|spelled|gave|described)\b",
    re.I,
)
_OPENS_BACK = re.compile(
    r"\s*(?:According to|Under|In|With|After|Before|Despite|By|Of|From|For|At) "
    r"(?:it|them|him|her|this|that|these|those)\b(?! \w+ing\b)",
    re.I,
)
"""How a sentence begins that only the one before makes plain: "According to it, …"."""
_TAKES_BACK = re.compile(
    r"\bnot (?:say|write|do|true|so|correct|right|happen)\b|\b(?:wrong|false|untrue|incorrect|mistaken)\b",
    re.I,
)
_ASKS = re.compile(r"\b(?:what|how|who|whom|whose|why|where|when|which|whether)\b", re.I)
_LEANING = frozenset("he she it they this that these those such his her their its both".split())
_SUPPOSING = frozenset("could may might".split())
_SPEECH = re.compile(
    r"\b(?:sa(?:id|ys|ying)|told|tells|wr(?:ote|ites)|add(?:ed|s)|argu(?:ed|es)|warn(?:ed|s)|claim(?:ed|s)|"
    r"announced?|declar(?:ed|es)|insist(?:ed|s)|call(?:ed|s)|describ(?:ed|es)|stat(?:ed|es|ing)|according)\b",
    re.I,
)


@dataclass(frozen=True)
class Statement:
    """One sentence of an article: `article.text[start:end]`."""

    article: Article
    start: int
    end: int
    parse: Parse
    vector: Vectors
    place: int
    """Its number in the article, from 0."""
    topic: float
    """Cosine with the topic."""
    asked: float = 0.0
    """Part of the topic's words that it holds, the rarer the more, 0 to 1."""
    undone: bool = False
    """Whether the outlet repeats an own report in it, to correct it, or denies it in the next sentence."""

    @cached_property
    def text(self) -> str:
        return self.article.text[self.start : self.end]

    @property
    def origin(self) -> str:
        return origin_of(self.article)

    @property
    def key(self) -> tuple[str, int]:
        return self.article.id, self.start

    @property
    def own(self) -> tuple[str, int, int]:
        """What tells it from every other, one that begins where it does too."""
        return self.article.id, self.start, self.end

    @cached_property
    def follows(self) -> bool:
        """Whether it leans only on the sentence before it, which says what it speaks of."""
        return not _unfit(self.parse) and _points_back(self.parse)

    @cached_property
    def leans(self) -> bool:
        """Whether it cannot stand alone: a pronoun is its subject, it lacks a speaker, or is taken back."""
        return self.undone or leans(self.parse)

    @cached_property
    def counts(self) -> bool:
        """Whether it gives a number of something: people, money, a share."""
        return any(
            entity.label in {"MONEY", "PERCENT", "QUANTITY"}
            or (entity.label == "CARDINAL" and entity.text.casefold() not in {"one", "two", "half"})
            for entity in self.parse.entities
        )

    @cached_property
    def supposes(self) -> bool:
        """Whether its main verb only says what would, could, may or might be."""
        tokens = self.parse.tokens
        root = next((i for i, token in enumerate(tokens) if token.head == i and token.dep == "ROOT"), None)
        return any(
            t.head == root
            and t.dep == "aux"
            and (
                t.lemma.casefold() in _SUPPOSING
                or (t.lemma.casefold() == "would" and tokens[t.head].lemma == "be")
            )
            for t in tokens
        )

    @cached_property
    def concepts(self) -> frozenset[str]:
        return concepts(self.parse)

    def citation(self) -> Citation:
        return Citation(self.article, self.start, self.end, self.text)


def origin_of(article: Article) -> str:
    """Return the group of near-copies an article belongs to; its own id when it was never grouped."""
    return article.origin or article.id


def gather_statements(
    topic: str,
    articles: Sequence[Article],
    embedder: Embedder,
    parser: Parser,
    *,
    on_step: Step | None = None,
    cancelled: Callable[[], bool] | None = None,
    most: int = MOST_STATEMENTS,
) -> tuple[Statement, ...]:
    """Return the sentences of `articles` worth reading, by article and place. Raises CancelledError."""
    each = max(FEWEST_EACH, min(MOST_EACH, most // max(1, len(articles))))
    common = _document_frequency(articles)
    chosen = [
        (article, place, span)
        for article in articles
        for place, span in _worth_reading(topic, article, common, each)
    ]
    texts = [article.text[start:end].replace("\n", " ") for article, _, (start, end) in chosen]
    parses: list[Parse] = []
    rows = [embedder.embed([topic], "query")]
    for first in range(0, len(texts), BATCH):
        if cancelled is not None and cancelled():
            raise CancelledError("The briefing was cancelled.")
        if on_step is not None:
            on_step("reading", first, len(texts))
        parses += parser.parse(texts[first : first + BATCH])
        rows.append(embedder.embed(texts[first : first + BATCH], "document"))
    if on_step is not None:
        on_step("reading", len(texts), len(texts))
    vectors = np.concatenate(rows)
    near = vectors[1:] @ vectors[0]
    asked, undone = _asked(topic, parses), _undone(chosen, parses)
    return tuple(
        Statement(article, start, end, parse, vector, place, float(cosine), part, back)
        for (article, place, (start, end)), parse, vector, cosine, part, back in zip(
            chosen, parses, vectors[1:], near, asked, undone, strict=True
        )
    )


def _undone(chosen: Sequence[tuple[Article, int, Span]], parses: Sequence[Parse]) -> list[bool]:
    """Which sentences their own article takes back: "We wrote that …", "… He did not say this."."""
    found = [_OWN_REPORT.search(_outside_quotes(parse.text)) is not None for parse in parses]
    for number, ((article, place, _), (other, after, _)) in enumerate(pairwise(chosen)):
        denial = parses[number + 1]
        next_one = article is other and after == place + 1 and len(denial.tokens) <= MOST_OF_A_DENIAL
        if next_one and _points_back(denial) and _TAKES_BACK.search(denial.text):
            found[number] = True
    return found


def _asked(topic: str, parses: Sequence[Parse]) -> list[float]:
    """How much of what the topic asks each sentence speaks of: nothing when the topic only names the story,
    and a word that many sentences hold asks nothing.
    """
    if len(topic.split()) > LONGEST_QUESTION or not _ASKS.search(topic):
        return [0.0] * len(parses)
    said = [{normalise(token.lemma) for token in parse.tokens} for parse in parses]
    held = {
        word: [
            any(lemma == word.removesuffix("s") or akin(word, lemma) for lemma in lemmas) for lemmas in said
        ]
        for word in dict.fromkeys(content_words(topic))
    }
    rarity = {
        word: math.log(len(parses) / sum(places))
        for word, places in held.items()
        if 0 < sum(places) <= NARROW * len(parses)
    }
    total = sum(rarity.values())
    return [
        sum(weight for word, weight in rarity.items() if held[word][place]) / total if total else 0.0
        for place in range(len(parses))
    ]


def together(first: Statement, second: Statement) -> Statement:
    """Return a sentence and the one right after it as one statement, which has the key of the first."""
    gap, before = second.start - first.start, len(first.parse.tokens)
    tokens = [
        replace(t, start=t.start + gap, end=t.end + gap, head=t.head + before) for t in second.parse.tokens
    ]
    entities = [
        replace(e, start=e.start + gap, end=e.end + gap, first=e.first + before, last=e.last + before)
        for e in second.parse.entities
    ]
    parse = Parse(
        first.article.text[first.start : second.end].replace("\n", " "),
        (*first.parse.tokens, *tokens),
        (*first.parse.entities, *entities),
    )
    middle = first.vector + second.vector
    return replace(
        first,
        end=second.end,
        parse=parse,
        vector=middle / np.linalg.norm(middle),
        topic=max(first.topic, second.topic),
        asked=max(first.asked, second.asked),
    )


def _document_frequency(articles: Sequence[Article]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for words_ in {origin_of(a): set(content_words(a.text)) for a in articles}.values():
        counts.update(words_)
    return counts


def _worth_reading(topic: str, article: Article, common: Counter[str], most: int) -> list[tuple[int, Span]]:
    """The sentences that look best by words alone: shared by other articles, about the topic, early."""
    wanted = set(content_words(topic))
    rated = []
    for place, (start, end) in enumerate(sentences(article.text)):
        text = article.text[start:end]
        if not readable(text, article.text[end : end + 2]):
            continue
        said = set(content_words(text))
        shared = sum(common[word] - 1 for word in said) / (len(said) or 1)
        rated.append((shared + 2 * len(said & wanted) + 3 / (1 + place), place, (start, end)))
    best = sorted(rated, key=lambda row: (-row[0], row[1]))[:most]
    return sorted((place, span) for _, place, span in best)


def readable(text: str, after: str) -> bool:
    """Whether a stretch of an article is a sentence of it, not a heading, a button or a caption."""
    count = len(words(text))
    if not FEWEST_WORDS <= count <= MOST_WORDS or text.startswith("#") or _BOILERPLATE.search(text):
        return False
    ends = re.search(r"[.!?…:][\"”'’)\]]*$", text.rstrip()) is not None
    return ends or (count >= 12 and "\n" not in after)


def leans(parse: Parse) -> bool:
    """Whether a sentence cannot stand alone: a pronoun is its subject, or it quotes nobody it names."""
    return _unfit(parse) or _points_back(parse)


def _unfit(parse: Parse) -> bool:
    tokens = parse.tokens
    text = parse.text.strip()
    if text.endswith("?") or (text[:1] in "\"“‘'" and not _SPEECH.search(_outside_quotes(text))):
        return True
    if text.count("“") != text.count("”") or text.count('"') % 2:
        return True
    if text.endswith(":") or re.search(r"\b(?:so|this|that|them|it)\W*$", text, re.I):
        return True
    return not any(token.pos in {"VERB", "AUX"} and token.dep not in {"amod", "acl"} for token in tokens)


def _points_back(parse: Parse) -> bool:
    if _OPENS_BACK.match(parse.text):
        return True
    tokens = parse.tokens
    quoted = _quoted(tokens)
    for i, token in enumerate(tokens):
        pointing = token.dep == "det" and tokens[token.head].dep in {"nsubj", "nsubjpass"}
        if (
            pointing
            and i not in quoted
            and token.text.casefold() in {"this", "that", "these", "those", "such"}
        ):
            return True
        if token.dep in {"nsubj", "nsubjpass", "poss"} and i not in quoted:
            if token.text.casefold() == "it" and _introduces(tokens, token.head):
                return False
            if token.text.casefold() in _LEANING and not _named_before(tokens, i):
                return True
            if token.dep != "poss":
                return False
    return False


_REPORTING = frozenset("report say believe think expect know claim allege announce emerge understand".split())


def _introduces(tokens: Sequence[Token], verb: int) -> bool:
    """Whether "it" only opens the sentence: "It was reported that …"."""
    told = tokens[verb].lemma.casefold() in _REPORTING
    return told and any(token.head == verb and token.dep in {"ccomp", "csubj"} for token in tokens)


def _named_before(tokens: Sequence[Token], pronoun: int) -> bool:
    return any(token.pos == "PROPN" for token in tokens[:pronoun])


def _outside_quotes(text: str) -> str:
    return re.sub(r"[“\"][^”\"]*[”\"]", " ", text)


def _quoted(tokens: Sequence[Token]) -> set[int]:
    inside: set[int] = set()
    opened = False
    for i, token in enumerate(tokens):
        if token.text in {"“", '"', "``", "”", "''"}:
            opened = token.text == "“" or (token.text in {'"', "``"} and not opened)
        elif opened:
            inside.add(i)
    return inside


def concepts(parse: Parse) -> frozenset[str]:
    """Return what a sentence speaks of: the lemmas of its content words, and its pairs of them."""
    lemmas = [
        lemma
        for token in parse.tokens
        if token.pos in {"NOUN", "PROPN", "VERB", "NUM", "ADJ"}
        and (lemma := normalise(token.lemma).removesuffix("'s")) not in STOPWORDS
        and len(lemma) > 1
    ]
    pairs = {f"{a} {b}" for a, b in pairwise(lemmas)}
    return frozenset(pairs | set(lemmas))


__all__ = ["Statement", "Step", "concepts", "gather_statements", "leans", "origin_of", "readable", "together"]

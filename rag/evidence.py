"""Sentences -> the spans inside them that could answer a question, each with the reasons."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from models.protocols import Token, Vectors
from models.words import WordVectors, load_words
from rag.gather import Sentence, loose
from rag.names import akin, name_keys, same_name
from rag.options import offered
from rag.places import cities_in
from rag.question import NUMERIC, Question
from rag.records import Citation
from rag.several import with_lists
from rag.span import Candidate
from rag.spans import HARDLY, candidates
from rag.syntax import tree_distance
from rag.text import STOPWORDS, normalise

FAINT = 0.02
"""Below this the trees no longer tell one span of a sentence from another."""
BESIDE = 0.4
"""What a sentence beside the best must be worth of it to give the number that the best lacks."""
UNMENTIONED = 0.05
"""What a sentence is worth whose article never mentions what the question names."""
RELATED = 0.4
"""Cosine of word vectors from which a word of the sentence stands for one of the question."""
_NOT_NAMED = frozenset(
    (
        "republican republicans democrat democrats democratic asia asian africa african europe european west "
        "western"
    ).split()
) | {"middle east", "middle eastern", "latin america", "latin american"}
"""Parties and parts of the world: what belongs to them is seldom said to."""
_OPEN = frozenset({"NOUN", "PROPN", "VERB", "ADJ", "NUM", "ADV"})

FEATURES = (
    "term_recall", "term_recall_context", "name_recall", "name_recall_context", "worst_term",
    "cosine", "cosine_gap", "hit_rank", "lead", "is_question",
    "typed", "focus", "tree_near", "tree_mean", "role", "linear_near",
    "span_length", "span_proper", "apposed", "subject", "verb_match", "whole", "kind_number",
    "negation", "bare_pronoun", "soft_recall", "soft_context", "kind_role",
    "name_near", "terms_missing", "names_in_article", "term_near",
    "aligned", "aligned_content", "aligned_least", "aligned_context", "aligned_gap",
)  # fmt: skip
"""Names of the features of one (sentence, span) pair, in order."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence and the span in it that may answer; `features` follows `FEATURES`."""

    sentence: Sentence
    span: Candidate
    features: tuple[float, ...]
    score: float = 0.0
    read: float | None = None
    """Log-odds that the sentence answers, from the reader; None when it was not read."""

    @property
    def short(self) -> str:
        """The span's text, exactly as the article has it."""
        return self.sentence.text[self.span.start : self.span.end]

    def feature(self, name: str) -> float:
        return self.features[FEATURES.index(name)]

    def citation(self) -> Citation:
        """Return the whole sentence as a citation."""
        sentence = self.sentence
        return Citation(sentence.article, sentence.start, sentence.end, sentence.text)


def weigh(question: Question, found: Sequence[Sentence]) -> tuple[Evidence, ...]:
    """Return every (sentence, span) pair with its features, unscored."""
    if not found:
        return ()
    rarity = _rarity(question, found)
    vectors = load_words()
    top = max(sentence.nearness.cosine for sentence in found)
    most = max(sentence.nearness.aligned for sentence in found)
    people = known_people(found)
    pairs: list[Evidence] = []
    for sentence in found:
        match = _Match(question, sentence, rarity, vectors)
        shared = _sentence_features(question, sentence, match, top)
        near = sentence.nearness
        aligned = (near.aligned, near.content, near.least, near.context, near.aligned - most)
        for span in with_lists(question, sentence.parse, candidates(question, sentence.parse, people)):
            own = _span_features(question, sentence, span, match)
            pairs.append(Evidence(sentence, span, (*shared, *own, *aligned)))
    return tuple(pairs)


def known_people(found: Sequence[Sentence]) -> frozenset[str]:
    """Surnames that some sentence shows to be a person's; the tagger takes many a bare one for a company."""
    return frozenset(
        entity.text.split()[-1].removesuffix("'s").removesuffix("’s")
        for sentence in found
        for entity in sentence.parse.entities
        if entity.label == "PERSON" and " " in entity.text
    )


class _Match:
    """Which words of the question a sentence meets, and where. Lives for one pair of them."""

    def __init__(
        self, question: Question, sentence: Sentence, rarity: Mapping[str, float], vectors: WordVectors
    ) -> None:
        tokens = sentence.parse.tokens
        lemmas = [token.lemma.casefold() for token in tokens]
        texts = [normalise(token.text) for token in tokens]
        content = [i for i, token in enumerate(tokens) if token.pos in _OPEN and lemmas[i] not in STOPWORDS]
        nearby = sorted(loose(sentence.before))
        alike = vectors.similarity(question.terms, [lemmas[i] for i in content])
        near = vectors.similarity(question.terms, nearby)
        self.at: dict[str, list[int]] = {}
        self.strength: dict[str, float] = {}
        self.near: dict[str, float] = {}
        self.soft: dict[str, float] = {}
        self.soft_near: dict[str, float] = {}
        for row, term in enumerate(question.terms):
            exact = [i for i, lemma in enumerate(lemmas) if lemma == term or texts[i] == term]
            family = exact or [i for i, lemma in enumerate(lemmas) if akin(term, lemma)]
            related = [i for column, i in enumerate(content) if alike[row, column] >= RELATED]
            self.at[term] = family or related
            self.strength[term] = 1.0 if exact else 0.8 if family else 0.0
            beside = any(akin(term, word) for word in nearby)
            self.near[term] = max(self.strength[term], 0.6 if beside else 0.0)
            self.soft[term] = max(self.strength[term], _degree(alike[row].max() if content else 0.0))
            self.soft_near[term] = max(
                self.soft[term], 0.6 * _degree(near[row].max() if nearby else 0.0), self.near[term]
            )
        before = normalise(sentence.before)
        self.names: dict[str, list[int]] = {}
        self.names_near: dict[str, bool] = {}
        for name in question.names:
            keys, cities = name_keys(name), cities_in(name)
            self.names[name] = [
                i
                for i, text in enumerate(texts)
                if text in cities or any(same_name(text, key) for key in keys)
            ]
            self.names_near[name] = bool(self.names[name]) or any(
                word.strip(".,") in cities or same_name(word, key) for word in before.split() for key in keys
            )
        self.in_article = (
            sum(map(sentence.names_anything, question.names)) / len(question.names) if question.names else 1.0
        )
        self.weight = {term: rarity.get(term, 1.0) for term in question.terms}

    def recall(self, strength: Mapping[str, float]) -> float:
        total = sum(self.weight.values())
        return sum(self.weight[term] * strength[term] for term in strength) / total if total else 1.0

    @property
    def anchors(self) -> list[int]:
        """Token positions of everything the question mentions."""
        return [i for places in (*self.at.values(), *self.names.values()) for i in places]


def _degree(cosine: float) -> float:
    """How far two words mean the same, 0 to 0.8, from the cosine of their vectors."""
    return float(min(0.8, max(0.0, 1.6 * (cosine - 0.2))))


def _rarity(question: Question, found: Sequence[Sentence]) -> dict[str, float]:
    """Idf of each term among the sentences found: a word that all of them hold tells nothing."""
    counts: Counter[str] = Counter()
    for sentence in found:
        lemmas = {token.lemma.casefold() for token in sentence.parse.tokens}
        counts.update(term for term in question.terms if any(akin(term, lemma) for lemma in lemmas))
    return {term: math.log(1 + (len(found) + 1) / (counts[term] + 1)) for term in question.terms}


def _sentence_features(
    question: Question, sentence: Sentence, match: _Match, top: float
) -> tuple[float, ...]:
    named = len(question.names) or 1
    return (
        match.recall(match.strength),
        match.recall(match.near),
        sum(bool(places) for places in match.names.values()) / named if question.names else 1.0,
        sum(match.names_near.values()) / named if question.names else 1.0,
        max((match.weight[term] * (1 - met) for term, met in match.near.items()), default=0.0),
        sentence.nearness.cosine,
        sentence.nearness.cosine - top,
        1 / (1 + sentence.rank),
        1.0 if sentence.start < 400 else 0.0,
        float(normalise(sentence.text).endswith("?")),
    )


def _span_features(
    question: Question, sentence: Sentence, span: Candidate, match: _Match
) -> tuple[float, ...]:
    tokens = sentence.parse.tokens
    anchors = [i for i in match.anchors if not span.first <= i <= span.last]
    steps = [tree_distance(tokens, span.head, i) for i in anchors]
    linear = [min(abs(span.first - i), abs(span.last - i)) for i in anchors]
    head = tokens[span.head]
    parent = tokens[head.head]
    verbs = {
        i
        for term in question.terms
        for i in match.at.get(term, [])
        if tokens[i].pos in {"VERB", "AUX", "NOUN"}
    }
    inside = tokens[span.first : span.last + 1]
    first = next((token for token in tokens if token.pos != "PUNCT"), tokens[0])
    return (
        span.typed,
        span.focus,
        1 / (1 + min(steps)) if steps else 0.0,
        1 / (1 + sum(steps) / len(steps)) if steps else 0.0,
        _role(question, tokens, span, verbs),
        1 / (1 + min(linear)) if linear else 0.0,
        min(len(inside), 20) / 20,
        float(any(token.pos == "PROPN" for token in inside)),
        float(
            head.dep == "appos" or any(token.dep == "appos" and token.head == span.head for token in tokens)
        ),
        float(head.dep in {"nsubj", "nsubjpass"}),
        float(bool(verbs & {head.head, span.head}) or parent.head in verbs),
        float(span.whole),
        float(question.kind in NUMERIC),
        float(any(token.dep == "neg" for token in tokens) != question.negated),
        float(first.pos == "PRON"),
        match.recall(match.soft),
        match.recall(match.soft_near),
        float(question.kind == "role"),
        _nearness(tokens, span, match.names),
        sum(met < 0.3 for met in match.soft_near.values()) / (len(match.soft_near) or 1),
        match.in_article,
        _nearness(tokens, span, match.at),
    )


def _nearness(tokens: Sequence[Token], span: Candidate, places: Mapping[str, Sequence[int]]) -> float:
    """Mean over what the question mentions of 1 / (1 + dependency edges to the span); 1 for nothing."""
    if not places:
        return 1.0
    steps = [min((tree_distance(tokens, span.head, i) for i in at), default=99) for at in places.values()]
    return sum(1 / (1 + step) for step in steps) / len(steps)


def _role(question: Question, tokens: Sequence[Token], span: Candidate, verbs: set[int]) -> float:
    """1 when the span stands to a verb of the question as the question word does, -1 when opposite."""
    asked = next(
        (
            t
            for t in question.parse.tokens
            if t.lemma.casefold() in {"who", "whom", "what", "which", "where", "when"}
        ),
        None,
    )
    head = tokens[span.head]
    if asked is None or not verbs or head.head not in verbs:
        return 0.0
    if asked.dep in {"det", "compound"}:
        asked = question.parse.tokens[asked.head]
    subject, thing = {"nsubj", "agent"}, {"dobj", "nsubjpass", "attr", "pobj"}
    if asked.dep in subject:
        return 1.0 if head.dep in subject else -1.0 if head.dep in thing else 0.0
    if asked.dep in thing:
        return 1.0 if head.dep in thing else -1.0 if head.dep in subject else 0.0
    return 0.0


def unmentioned(question: Question, sentence: Sentence) -> str:
    """Return the name of the question that the article of the sentence never mentions; empty when none."""
    only_offered = offered(question)
    asked = (
        each for each in question.names if each not in only_offered and each.casefold() not in _NOT_NAMED
    )
    return next((name for name in asked if not sentence.names_anything(name)), "")


def rank_by(
    question: Question, pairs: Sequence[Evidence], fitted: Sequence[float] | Vectors
) -> tuple[Evidence, ...]:
    """Return the best pair of each sentence, given what the trees say of each pair, best first.

    Ties go to the better hit, then by place.
    """
    best: dict[tuple[str, int], Evidence] = {}
    homes = {pair.sentence.article.id: pair.sentence for pair in pairs}
    trusted = {id_: UNMENTIONED if unmentioned(question, one) else 1.0 for id_, one in homes.items()}
    for pair, said in zip(pairs, fitted, strict=True):
        score = (_polar(pair) if question.kind == "yesno" else said) * _fitness(question, pair)
        score *= trusted[pair.sentence.article.id]
        key = (pair.sentence.article.id, pair.sentence.start)
        held = best.get(key)
        if held is None or _better(question, pair, float(score), held):
            best[key] = replace(pair, score=float(score))
    ranked = sorted(
        best.values(), key=lambda e: (-e.score, e.sentence.rank, e.sentence.article.id, e.sentence.start)
    )
    return tuple(_number_first(question, ranked))


def _better(question: Question, pair: Evidence, score: float, held: Evidence) -> bool:
    """Whether a pair is worth more; of two that are worth nothing, one with the number that is asked for."""
    if question.kind in NUMERIC and max(score, held.score) < FAINT and pair.span.whole != held.span.whole:
        return held.span.whole
    return score > held.score


def _number_first(question: Question, ranked: list[Evidence]) -> list[Evidence]:
    """When a number is asked for and the best sentence has none, the one beside it may: "They were 6,000"."""
    if question.kind not in NUMERIC or not ranked or not ranked[0].span.whole:
        return ranked
    best = ranked[0]
    for other in ranked[1:]:
        near = other.sentence.adjoins(best.sentence)
        if near and other.span.typed >= 0.6 and other.score >= BESIDE * best.score:
            first = replace(other, score=best.score)
            return [first, replace(best, score=other.score), *(e for e in ranked[1:] if e is not other)]
    return ranked


def _polar(pair: Evidence) -> float:
    """The score for a yes-or-no question, of which the fitting data hold too few for the trees to learn."""
    about, named = pair.feature("soft_context"), pair.feature("name_recall")
    return 0.35 * about + 0.35 * named + 0.3 * max(0.0, pair.feature("cosine"))


def _fitness(question: Question, pair: Evidence) -> float:
    """How far a pair may be trusted whatever the trees say: right type first, sentences before headings."""
    fitness = 0.7 if pair.sentence.heading else 1.0
    if pair.feature("is_question"):
        fitness *= 0.5
    if pair.feature("kind_number"):
        fitness *= 0.5 if pair.span.whole else 0.35 + 0.65 * pair.span.typed
    if question.kind == "person" and not pair.span.whole and pair.span.typed <= HARDLY:
        fitness *= 0.5
    return fitness

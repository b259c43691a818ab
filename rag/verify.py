"""A sentence of ours against the passage it cites: does the passage really say so, and if not, why not?

Deterministic checks, cheapest first: numbers, names, other words, polarity, roles, who said it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from models.protocols import Parse, Token
from models.words import load_words
from rag.evidence import tree_distance
from rag.names import akin, same_name
from rag.numbers import Quantity, quantities
from rag.records import Citation, Support
from rag.text import STOPWORDS, normalise, words

MOST_WORDS = 45
MANY = 10
"""Up to which a number spelled out in the question ("the two Americans") only counts what it names."""
RELATED = 0.3
"""Cosine of word vectors from which a word of the question may stand for one of the passage."""
FARTHEST = 4
"""Dependency edges: two words joined in a claim stand no farther apart than this in what it cites."""

_LIGHT = frozenset(
    (
        "be have do get make take go come say tell also including include involve year old day time there "
        "this that it not no text question answer accord according"
    ).split()
)
_SPEECH = frozenset(
    (
        "say tell state claim argue warn announce declare insist add write report allege believe suggest "
        "expect confirm deny describe call accuse predict estimate maintain contend assert fear hope think "
        "imply brand express"
    ).split()
)
_HEDGES = frozenset(
    ("allegedly reportedly apparently supposedly purportedly rumoured rumored alleged reported").split()
)
_MODALS = frozenset(
    ("may might could would should can must will likely possibly potentially expected set").split()
)
_NEGATIVE = frozenset(
    ("not n't never no neither nor without nobody nothing none cannot deny refuse fail reject").split()
)
_SUBJECTS = frozenset({"nsubj", "csubj"})
_OBJECTS = frozenset({"dobj", "nsubjpass", "obj"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a passage says of a claim; `reason` is empty when it is supported."""

    support: Support
    reason: str = ""
    chance: float = 1.0
    """How likely the claim is borne out, 0 to 1, where that was estimated."""
    citations: tuple[Citation, ...] = ()
    """The sentences it rests on, where several were looked at."""


SUPPORTED = Verdict("supported")


def check(
    claim: Parse, cited: Sequence[Parse], question: Parse | None = None, *, context: str = ""
) -> Verdict:
    """Return whether the `cited` sentences say what `claim` says.

    `context` is what stands before them, where their pronouns point: it may lend a name. Words of the
    `question` may be reused for what the cited sentences say in other words, never for names or numbers.
    """
    for verdict in _verdicts(claim, cited, question, context):
        return verdict
    return SUPPORTED


def _verdicts(
    claim: Parse, cited: Sequence[Parse], question: Parse | None, context: str
) -> Iterator[Verdict]:
    evidence = " ".join(parse.text for parse in cited)
    yield from _numbers(claim.text, evidence, context, question.text if question else "")
    yield from _names(claim, f"{evidence} {context} {_introduced(question, evidence + context)}")
    yield from _words(claim, cited, question)
    yield from _polarity(claim, cited)
    yield from _roles(claim, cited)
    yield from _titles(claim, cited)
    yield from _bonds(claim, cited)
    yield from _attribution(claim, cited, question.text if question else "")


def _numbers(claim: str, evidence: str, context: str, asked: str) -> Iterator[Verdict]:
    counted = (number for number in quantities(asked) if number.text.isalpha() and number.value <= MANY)
    known = (*quantities(evidence), *quantities(context), *counted)
    for quantity in quantities(claim):
        if any(quantity.same(other) for other in known):
            continue
        rivals = [other for other in known if other.value == quantity.value or other.unit == quantity.unit]
        rival = min(rivals, key=lambda other: other.value != quantity.value, default=None)
        if rival is not None:
            yield Verdict("contradicted", f"the passage says {rival.text}, not {quantity.text}")
        yield Verdict("unsupported", f"{quantity.text} is not in the passage")


def _names(claim: Parse, known: str) -> Iterator[Verdict]:
    held = [normalise(word) for word in re.split(r"[\s\-–—/]+", known)]
    for token in claim.tokens:
        if token.pos != "PROPN" or not token.text[:1].isalnum():
            continue
        word = normalise(token.text)
        if word in STOPWORDS or any(same_name(other, word) for other in held):
            continue
        yield Verdict("unsupported", f"{token.text} is not named in the passage")


def _introduced(question: Parse | None, known: str) -> str:
    """The full names of the question whose surname the passage gives: "Jared" of a Kushner."""
    if question is None:
        return ""
    held = [normalise(word) for word in re.split(r"[\s\-–—/]+", known)]
    runs = " ".join(token.text if token.pos == "PROPN" else "|" for token in question.tokens).split("|")
    names = [run.split() for run in runs if run.strip()]
    return " ".join(
        " ".join(name) for name in names if any(same_name(word, normalise(name[-1])) for word in held)
    )


def _words(claim: Parse, cited: Sequence[Parse], question: Parse | None) -> Iterator[Verdict]:
    """Other words must stand in the passage, or in the question and mean something that stands there."""
    held = _lemmas(cited)
    asked = _lemmas([question]) if question else set()
    for token in claim.tokens:
        lemma = token.lemma.casefold()
        if token.pos not in {"NOUN", "VERB", "ADJ", "ADV"} or lemma in _LIGHT or lemma in STOPWORDS:
            continue
        if lemma in held or any(akin(lemma, other) for other in held):
            continue
        if lemma in asked and load_words().similarity([lemma], sorted(held)).max() >= RELATED:
            continue
        yield Verdict("unsupported", f"the passage does not speak of “{token.text}”")


def _lemmas(parses: Sequence[Parse]) -> set[str]:
    lemmas = {token.lemma.casefold() for parse in parses for token in parse.tokens}
    lemmas |= {normalise(token.text) for parse in parses for token in parse.tokens}
    return lemmas | {
        part for parse in parses for word in words(parse.text) for part in (word, *word.split("-"))
    }


def _polarity(claim: Parse, cited: Sequence[Parse]) -> Iterator[Verdict]:
    """A verb may be denied in the claim only when, and must be when, it is denied in the passage."""
    for token in claim.tokens:
        if token.pos not in {"VERB", "AUX"} or token.dep in {"aux", "auxpass"}:
            continue
        for parse in cited:
            alike = [
                i
                for i, other in enumerate(parse.tokens)
                if other.pos in {"VERB", "AUX"} and akin(token.lemma, other.lemma)
            ]
            said = {denied(parse.tokens, i) for i in alike if parse.tokens[i].dep not in {"aux", "auxpass"}}
            own = denied(claim.tokens, claim.tokens.index(token))
            if said and own not in said:
                yield Verdict("contradicted", f"the passage {'denies' if not own else 'does not deny'} this")
    if any(denied(claim.tokens, i) for i in range(len(claim.tokens))) and not any(
        token.lemma.casefold() in _NEGATIVE or token.text.casefold() in _NEGATIVE
        for parse in cited
        for token in parse.tokens
    ):
        yield Verdict("contradicted", "the passage does not deny this")


def denied(tokens: Sequence[Token], verb: int) -> bool:
    """Whether a token is negated: `not`, `never`, or `no` on its subject or object."""
    for token in tokens:
        if token.head == verb and token.dep == "neg":
            return True
        if token.text.casefold() in {"no", "neither", "nobody", "none"} and token.dep in {
            "det",
            "nsubj",
            "dobj",
        }:
            head = token.head if token.dep == "det" else tokens.index(token)
            if tokens[head].head == verb and tokens[head].dep in _SUBJECTS | _OBJECTS | {"attr"}:
                return True
    return False


def _roles(claim: Parse, cited: Sequence[Parse]) -> Iterator[Verdict]:
    """Who does it and to whom must not be exchanged."""
    for verb, doers, done_to in relations(claim):
        for parse in cited:
            for other, agents, patients in relations(parse):
                if not akin(verb, other):
                    continue
                if _only_in(doers, patients, agents) or _only_in(done_to, agents, patients):
                    yield Verdict("contradicted", f"the passage has another doing the “{verb}”")


def _titles(claim: Parse, cited: Sequence[Parse]) -> Iterator[Verdict]:
    """What somebody is called must stand nearest to that name in the passage: "son-in-law Steve Witkoff"."""
    for name, noun in _called(claim):
        if normalise(name.text) == normalise(noun.text):
            yield Verdict("unsupported", "it says nothing")
        for parse in cited:
            places = [i for i in _places(parse, noun) if parse.tokens[i].pos in {"NOUN", "PROPN"}]
            owners = [i for i in _places(parse, name) if _named(parse.tokens[i])]
            people = [i for i, token in enumerate(parse.tokens) if _named(token) and token.dep != "compound"]
            if not places or not owners:
                continue
            own = min(nearness(parse.tokens, i, j) for i in owners for j in places)
            rivals = [
                i for i in people if i not in owners and i not in places and parse.tokens[i].dep != "poss"
            ]
            if any(nearness(parse.tokens, i, j) < own for i in rivals for j in places):
                yield Verdict(
                    "contradicted", f"in the passage “{noun.text}” is said of another than {name.text}"
                )


def _called(claim: Parse) -> Iterator[tuple[Token, Token]]:
    """Yield (name, noun) wherever a sentence says what somebody or something is."""
    tokens = claim.tokens
    for token in tokens:
        head = tokens[token.head]
        if (
            token.dep in {"appos", "compound"}
            and head.pos in {"PROPN", "NOUN"}
            and _named(token) != _named(head)
        ):
            yield (token, head) if _named(token) else (head, token)
        if token.dep == "attr" and head.lemma.casefold() == "be" and token.pos in {"NOUN", "PROPN"}:
            for other in tokens:
                if other.dep == "nsubj" and other.head == token.head and _named(other):
                    yield other, token


def _named(token: Token) -> bool:
    """Whether a token is a name; the tagger takes a surname it does not know for a common noun."""
    return token.pos == "PROPN" or (token.pos in {"NOUN", "ADJ"} and token.text[:1].isupper())


def nearness(tokens: Sequence[Token], left: int, right: int) -> int:
    """Return how far two tokens are: words between them and, counted twice, dependency edges.

    Parsers hang "A and B, the mayor," on A as often as on B; the words between tell which is meant.
    """
    return 2 * tree_distance(tokens, left, right) + abs(left - right)


def _only_in(names: set[str], wrong: set[str], right: set[str]) -> bool:
    return any(
        any(same_name(name, other) for other in wrong) and not any(same_name(name, other) for other in right)
        for name in names
    )


def relations(parse: Parse) -> Iterator[tuple[str, set[str], set[str]]]:
    """Yield (verb lemma, who does it, to whom), all casefolded head words, conjuncts included."""
    tokens = parse.tokens
    for i, token in enumerate(tokens):
        if token.pos != "VERB":
            continue
        doers: set[int] = set()
        done_to: set[int] = set()
        for j, other in enumerate(tokens):
            if other.head == i and other.dep in _SUBJECTS:
                doers.add(j)
            elif other.head == i and other.dep in _OBJECTS:
                done_to.add(j)
            elif other.dep == "pobj" and tokens[other.head].dep == "agent" and tokens[other.head].head == i:
                doers.add(j)
        if doers or done_to:
            yield token.lemma.casefold(), _with_conjuncts(tokens, doers), _with_conjuncts(tokens, done_to)


def _with_conjuncts(tokens: Sequence[Token], heads: set[int]) -> set[str]:
    grown = set(heads)
    for j, token in enumerate(tokens):
        if token.dep in {"conj", "appos"} and token.head in grown:
            grown.add(j)
    return {normalise(tokens[j].text) for j in grown}


def _bonds(claim: Parse, cited: Sequence[Parse]) -> Iterator[Verdict]:
    """Words that a claim joins must stand near each other in one sentence of the passage."""
    for token in claim.tokens:
        head = claim.tokens[token.head]
        if token is head or not _weighty(token) or not _weighty(head) or token.dep in {"compound", "conj"}:
            continue
        distances = [
            tree_distance(parse.tokens, i, j)
            for parse in cited
            for i in _places(parse, token)
            for j in _places(parse, head)
            if i != j
        ]
        if distances and min(distances) > FARTHEST + (token.dep == "pobj"):
            yield Verdict("unsupported", f"the passage does not join “{token.text}” and “{head.text}”")


def _weighty(token: Token) -> bool:
    return token.pos in {"NOUN", "PROPN", "VERB", "NUM"} and token.lemma.casefold() not in _LIGHT


def _places(parse: Parse, token: Token) -> list[int]:
    return [
        i
        for i, other in enumerate(parse.tokens)
        if akin(token.lemma.casefold(), other.lemma.casefold())
        or same_name(normalise(token.text), normalise(other.text))
    ]


def _attribution(claim: Parse, cited: Sequence[Parse], asked: str) -> Iterator[Verdict]:
    """What somebody is reported to have said must not become a fact, nor a hedge a certainty."""
    own = {token.lemma.casefold() for token in claim.tokens} | set(words(asked))
    if own & _HEDGES or "according" in own or _reports(claim) or set(words(asked)) & _SPEECH:
        return
    for parse in cited:
        hedge = next(
            (t.text for t in parse.tokens if t.text.casefold() in _HEDGES and _touches(parse, t, claim)), ""
        )
        if hedge:
            yield Verdict("partly", f"the passage only says “{hedge}”")
        speaker = reported_by(parse, claim)
        if speaker:
            yield Verdict("partly", f"it is what {speaker} says, not the article")


def _reports(claim: Parse) -> bool:
    """Whether the claim itself says that somebody says it."""
    verbs = {
        i for i, token in enumerate(claim.tokens) if token.lemma.casefold() in _SPEECH and token.dep != "amod"
    }
    subjects = {token.head for token in claim.tokens if token.dep == "nsubj"}
    return bool(verbs & subjects)


def _touches(parse: Parse, hedge: Token, claim: Parse) -> bool:
    head = parse.tokens[hedge.head]
    return any(akin(head.lemma.casefold(), token.lemma.casefold()) for token in claim.tokens)


def reported_by(parse: Parse, claim: Parse) -> str:
    """Return the speaker in whose reported words all that the claim says stands; empty when none."""
    tokens = parse.tokens
    wanted = [t for t in claim.tokens if (t.pos in {"VERB", "NUM"} or t.pos == "NOUN") and _weighty(t)]
    for i, token in enumerate(tokens):
        if token.pos != "VERB" or token.lemma.casefold() not in _SPEECH:
            continue
        inside = {
            j for j, other in enumerate(tokens) if other.head == i and other.dep in {"ccomp", "parataxis"}
        }
        if not inside:
            continue
        reach = _subtree(tokens, inside)
        places = [set(_places(parse, t)) for t in wanted]
        held = [p for p in places if p]
        if held and all(p <= reach for p in held):
            subject = next(
                (other for other in tokens if other.head == i and other.dep in {"nsubj", "nsubjpass"}), None
            )
            return _phrase(parse, subject) if subject else "someone"
    return ""


def _subtree(tokens: Sequence[Token], roots: set[int]) -> set[int]:
    reach = set(roots)
    changed = True
    while changed:
        changed = False
        for j, token in enumerate(tokens):
            if j not in reach and token.head in reach and token.head != j:
                reach.add(j)
                changed = True
    return reach


def _phrase(parse: Parse, head: Token) -> str:
    at = parse.tokens.index(head)
    inside = [
        i
        for i, token in enumerate(parse.tokens)
        if i == at or (token.head == at and token.dep in {"compound", "det", "amod", "poss"})
    ]
    return parse.text[parse.tokens[min(inside)].start : parse.tokens[max(inside)].end]


def well_formed(claim: Parse) -> str:
    """Return what is wrong with the form of a written sentence; empty when nothing is."""
    text = claim.text.strip()
    said = words(text)
    if not text or (not text[0].isalnum() and text[0] not in "“\"'‘$€£"):
        return "it does not begin like a sentence"
    if not re.search(r"[.!][\"”'’)]*$", text) or "?" in text:
        return "it does not end like a statement"
    if not 3 <= len(said) <= MOST_WORDS:
        return f"it has {len(said)} words"
    if any(
        said[i : i + 3] == said[j : j + 3] for i in range(len(said) - 3) for j in range(i + 1, len(said) - 2)
    ):
        return "it repeats itself"
    if any(a == b for a, b in pairwise(said)):
        return "it repeats a word"
    content = [word for word in said if word not in STOPWORDS]
    if content and max(content.count(word) for word in content) > 2:
        return "it repeats a word"
    roots = [i for i, token in enumerate(claim.tokens) if token.head == i and token.pos in {"VERB", "AUX"}]
    if not any(
        token.head in roots and token.dep in {"nsubj", "nsubjpass", "expl", "csubj"} for token in claim.tokens
    ):
        return "it is no whole sentence"
    if any(text.count(mark) % 2 for mark in '"') or text.count("“") != text.count("”"):
        return "its quotation marks do not match"
    return ""


__all__ = ["SUPPORTED", "Quantity", "Verdict", "check", "denied", "relations", "reported_by", "well_formed"]

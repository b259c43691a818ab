"""A sentence of ours against the passage it cites: does the passage really say so, and if not, why not?

Deterministic checks, cheapest first: numbers, names, other words, polarity, who does what to whom, who said it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.protocols import Parse, Token
from rag.evidence import akin, same_name, tree_distance
from rag.numbers import Quantity, quantities
from rag.records import Support
from rag.text import STOPWORDS, normalise, words

MOST_WORDS = 45
FARTHEST = 5
"""Dependency edges: two words joined in a claim stand no farther apart than this in what it cites."""

_LIGHT = frozenset(
    ["be", "have", "do", "get", "make", "take", "go", "come", "say", "tell", "also", "including", "include", "involve", "year", "old", "day", "time", "there", "this", "that", "it", "not", "no", "text", "question", "answer", "accord", "according"]
)
_SPEECH = frozenset(
    ["say", "tell", "state", "claim", "argue", "warn", "announce", "declare", "insist", "add", "write", "report", "allege", "believe", "suggest", "expect", "confirm", "deny", "describe", "call", "accuse", "predict", "estimate", "maintain", "contend", "assert", "fear", "hope", "think", "imply", "brand", "express"]
)
_HEDGES = frozenset(
    ["allegedly", "reportedly", "apparently", "supposedly", "purportedly", "rumoured", "rumored", "alleged", "reported"]
)
_MODALS = frozenset(
    ["may", "might", "could", "would", "should", "can", "must", "will", "likely", "possibly", "potentially", "expected", "set"]
)
_NEGATIVE = frozenset(
    ["not", "n't", "never", "no", "neither", "nor", "without", "nobody", "nothing", "none", "cannot", "deny", "refuse", "fail", "reject"]
)
_SUBJECTS = frozenset({"nsubj", "csubj"})
_OBJECTS = frozenset({"dobj", "nsubjpass", "obj"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a passage says of a claim; `reason` is empty when it is supported."""

    support: Support
    reason: str = ""


SUPPORTED = Verdict("supported")


def check(claim: Parse, cited: Sequence[Parse], question: Parse | None = None) -> Verdict:
    """Return whether the `cited` sentences say what `claim` says; words of the `question` may be reused."""
    for verdict in _verdicts(claim, cited, question):
        return verdict
    return SUPPORTED


def _verdicts(claim: Parse, cited: Sequence[Parse], question: Parse | None) -> Iterator[Verdict]:
    evidence = " ".join(parse.text for parse in cited)
    asked = question.text if question else ""
    yield from _numbers(claim.text, evidence, asked)
    yield from _names(claim, f"{evidence} {asked}")
    yield from _words(claim, [*cited, question] if question else [*cited])
    yield from _polarity(claim, cited)
    yield from _roles(claim, cited)
    yield from _bonds(claim, cited)
    yield from _attribution(claim, cited, asked)


def _numbers(claim: str, evidence: str, asked: str) -> Iterator[Verdict]:
    known = quantities(evidence)
    for quantity in quantities(claim):
        if any(quantity.same(other) for other in known):
            continue
        if any(quantity.same(other) for other in quantities(asked)):
            continue
        rival = next((other for other in known if other.unit == quantity.unit), None)
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


def _words(claim: Parse, known: Sequence[Parse]) -> Iterator[Verdict]:
    lemmas = {token.lemma.casefold() for parse in known for token in parse.tokens}
    lemmas |= {normalise(token.text) for parse in known for token in parse.tokens}
    lemmas |= {part for parse in known for word in words(parse.text) for part in (word, *word.split("-"))}
    for token in claim.tokens:
        lemma = token.lemma.casefold()
        if token.pos not in {"NOUN", "VERB", "ADJ", "ADV"} or lemma in _LIGHT or lemma in STOPWORDS:
            continue
        if lemma in lemmas or any(akin(lemma, other) for other in lemmas):
            continue
        yield Verdict("unsupported", f"the passage does not speak of “{token.text}”")


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
        if distances and min(distances) > FARTHEST:
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
    own = {token.lemma.casefold() for token in claim.tokens} | {word for word in words(asked)}
    if own & (_SPEECH | _HEDGES) or "according" in own:
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


def _touches(parse: Parse, hedge: Token, claim: Parse) -> bool:
    head = parse.tokens[hedge.head]
    return any(akin(head.lemma.casefold(), token.lemma.casefold()) for token in claim.tokens)


def reported_by(parse: Parse, claim: Parse) -> str:
    """Return the speaker in whose reported words all of the claim's verbs and numbers stand; empty when none."""
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
    if any(a == b for a, b in zip(said, said[1:], strict=False)):
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

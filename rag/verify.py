"""A sentence of ours against the passage it cites: does the passage really say so, and if not, why not?

Deterministic checks, cheapest first: numbers and dates (`measures`), names, other words, who does what
(`roles`), who says it, denies it or thinks it possible (`reported`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

from models.protocols import Parse
from models.words import load_words
from rag.measures import dated, differences
from rag.names import akin, same_name
from rag.records import Citation, Support
from rag.reported import too_certain, unattributed, wrong_polarity
from rag.roles import LIGHT, another_named, loose, wrong_roles, wrong_titles
from rag.text import STOPWORDS, Span, normalise, words

MOST_WORDS = 45
RELATED = 0.3
"""Cosine of word vectors from which a word of the question may stand for one of the passage."""
_OPPOSITES = [
    tuple(pair.split("/"))
    for pair in (
        "more/fewer more/less most/least before/after above/below over/under up/down with/without first/last "
        "inside/outside strong/weak north/south east/west northern/southern eastern/western high/low "
        "higher/lower rise/fall increase/decrease increase/decline win/lose accept/reject accept/refuse "
        "approve/reject open/close large/small largest/smallest long/short good/bad best/worst better/worse "
        "arrive/leave buy/sell begin/end start/end start/stop allow/ban legal/illegal guilty/innocent "
        "man/woman men/women male/female son/daughter husband/wife brother/sister mother/father old/new "
        "old/young early/late former/current positive/negative success/failure support/oppose "
        "public/private gain/lose raise/cut major/minor for/against victory/defeat majority/minority"
    ).split()
]
_SAME = [
    frozenset(group.split("/"))
    for group in (
        "buy/purchase/acquire begin/start/commence end/finish/conclude injure/hurt/wound receive/get "
        "firm/company film/movie car/vehicle/automobile talk/negotiation help/assist/aid try/attempt "
        "leave/depart big/large happen/occur show/demonstrate doctor/physician lawyer/attorney "
        "plane/aircraft/airplane chief/head/boss law/legislation fire/blaze shut/close kid/child "
        "resident/inhabitant worker/employee award/prize require/need choose/select/pick name/appoint "
        "quit/resign delay/postpone build/construct hire/recruit around/about nearly/almost currently/now "
        "later/afterwards also/too quickly/rapidly huge/enormous/massive crucial/critical/vital launch/start "
        "meeting/summit purchase/acquisition assault/attack"
    ).split()
]
"""Words that may stand for one another; a longer list would let through what differs."""
_UNITS = frozenset("dollar euro pound yuan rouble ruble krona kronor percent per cent percentage".split())
_SHORT_FORMS = {
    "jan": "january", "feb": "february", "gov": "governor", "sen": "senator", "rep": "representative",
    "dr": "doctor", "gen": "general", "prof": "professor", "mr": "mister", "co": "company",
    "corp": "corporation",
    "dept": "department", "st": "saint", "lt": "lieutenant", "sgt": "sergeant", "govt": "government",
    "int'l": "international", "vs": "versus",
}  # fmt: skip
_LONG_NAMES = re.compile(r"\bunited states(?: of america)?\b|\bunited kingdom\b|\beuropean union\b", re.I)
_LONG = {
    "united states": "usa",
    "united states of america": "usa",
    "united kingdom": "britain",
    "european union": "europe",
}
_AMERICA = re.compile(r"\b(?:US|U\.S|USA|America|Americans?|United States)\b")
"""The country, which lower case would make a pronoun of."""
_SMALL_WORDS = frozenset("of the and for de la on in".split())
_SPLIT = re.compile(r"[\s\-–—/,()“”\"]+")


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
    claim: Parse,
    cited: Sequence[Parse],
    question: Parse | None = None,
    *,
    context: str = "",
    published: str = "",
) -> Verdict:
    """Return whether the `cited` sentences say what `claim` says.

    `context` is what stands before them, where their pronouns point: it may lend a name. Words of the
    `question` may be reused for what the cited sentences say in other words, never for names or numbers.
    `published` is the day their article is from (ISO 8601), which "Tuesday" is reckoned from, in the claim
    too.
    """
    for verdict in _verdicts(claim, cited, question, context, published):
        return verdict
    return SUPPORTED


def _verdicts(
    claim: Parse, cited: Sequence[Parse], question: Parse | None, context: str, published: str
) -> Iterator[Verdict]:
    evidence = " ".join(parse.text for parse in cited)
    asked = question.text if question else ""
    judged = dated(claim, published)
    for found in differences(claim, cited, asked, published):
        yield Verdict(cast(Support, found.support), found.reason)
    yield from _names(claim, f"{evidence} {context} {_introduced(question, evidence + context)}", judged)
    yield from _opposites(claim, cited)
    yield from _words(claim, cited, question, judged)
    yield from (Verdict("contradicted", reason) for reason in wrong_polarity(claim, cited))
    yield from (Verdict("contradicted", reason) for reason in wrong_roles(claim, cited))
    yield from (Verdict("contradicted", reason) for reason in another_named(claim, cited))
    yield from (Verdict(cast(Support, support), reason) for support, reason in wrong_titles(claim, cited))
    yield from (Verdict("unsupported", reason) for reason in loose(claim, cited, judged))
    yield from (Verdict("partly", reason) for reason in too_certain(claim, cited))
    for support, reason in unattributed(claim, cited, asked):
        yield Verdict(cast(Support, support), reason)


def _names(claim: Parse, known: str, judged: Sequence[Span]) -> Iterator[Verdict]:
    held = _name_words(known)
    initials, runs = _initials(known), _initials(claim.text)
    for token in claim.tokens:
        if token.pos != "PROPN" or not token.text[:1].isalnum():
            continue
        if any(a < token.end and token.start < b for a, b in judged):
            continue
        if token.text == "US" and not _AMERICA.search(known):
            yield Verdict("unsupported", "US is not named in the passage")
        for part in _SPLIT.split(token.text):
            word = normalise(part).strip(".,;:!?'")
            if (
                not word
                or word in STOPWORDS
                or word in initials
                or any(same_name(other, word) for other in held)
            ):
                continue
            spelled = next((short for short, run in runs.items() if word in run), "")
            if spelled and spelled in held:
                continue
            long = _LONG_NAMES.search(claim.text)
            if long and word in normalise(long.group()) and _LONG[normalise(long.group())] in held:
                continue
            if any(short in held for short, full in _SHORT_FORMS.items() if full == word) or (
                _SHORT_FORMS.get(word) in held
            ):
                continue
            yield Verdict("unsupported", f"{token.text} is not named in the passage")


def _name_words(text: str) -> set[str]:
    """The words of a text, bare, and the short name of each country that it writes out."""
    low = normalise(text)
    held = {part.strip(".,;:!?'").removesuffix("'s") for part in _SPLIT.split(low)}
    held |= {part.strip(".,;:!?'") for part in low.split()}
    held |= {_LONG[match.group()] for match in _LONG_NAMES.finditer(low)}
    if held & {"us", "u.s", "u.s.a", "america", "american"}:
        held.add("usa")
    if held & {"uk", "u.k"}:
        held.add("britain")
    if held & {"eu", "e.u"}:
        held.add("europe")
    return held - {""}


def _initials(text: str) -> dict[str, tuple[str, ...]]:
    """What each run of capitalised words is short for: `who` of "World Health Organization"."""
    found: dict[str, tuple[str, ...]] = {}
    run: list[str] = []
    for word in [*re.findall(r"[\w’'-]+|[^\w\s]", text), "."]:
        if word[:1].isupper():
            run.append(word)
        elif not (run and word.casefold() in _SMALL_WORDS):
            for first in range(len(run)):
                for last in range(first + 2, len(run) + 1):
                    part = run[first:last]
                    found["".join(each[0] for each in part).casefold()] = tuple(
                        normalise(each) for each in part
                    )
            run = []
    return found


def _introduced(question: Parse | None, known: str) -> str:
    """The full names of the question whose surname the passage gives: "Jared" of a Kushner."""
    if question is None:
        return ""
    held = _name_words(known)
    runs = " ".join(token.text if token.pos == "PROPN" else "|" for token in question.tokens).split("|")
    names = [run.split() for run in runs if run.strip()]
    return " ".join(
        " ".join(name) for name in names if any(same_name(word, normalise(name[-1])) for word in held)
    )


def _opposites(claim: Parse, cited: Sequence[Parse]) -> Iterator[Verdict]:
    """A word whose opposite stands in the passage, and it does not."""
    own, held = _forms([claim]), _forms(cited)
    for left, right in _OPPOSITES:
        for word, other in ((left, right), (right, left)):
            if own[word] > held[word] and held[other] > own[other]:
                yield Verdict("contradicted", f"the passage says “{other}”, not “{word}”")


def _forms(parses: Sequence[Parse]) -> Counter[str]:
    return Counter(
        form
        for parse in parses
        for token in parse.tokens
        for form in {token.lemma.casefold(), token.text.casefold()}
    )


def _words(
    claim: Parse, cited: Sequence[Parse], question: Parse | None, judged: Sequence[Span]
) -> Iterator[Verdict]:
    """Other words must stand in the passage, or in the question and mean something that stands there."""
    held = _lemmas(cited)
    asked = _lemmas([question]) if question else set()
    for token in claim.tokens:
        lemma = token.lemma.casefold()
        if token.pos not in {"NOUN", "VERB", "ADJ", "ADV"} or lemma in LIGHT or lemma in STOPWORDS:
            continue
        if lemma in held or any(akin(lemma, other) for other in held):
            continue
        if any(lemma in group and not group.isdisjoint(held) for group in _SAME):
            continue
        if lemma in _UNITS or any(a < token.end and token.start < b for a, b in judged):
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
    if any(_disagrees(claim, i) for i in range(len(claim.tokens))):
        return "its verb does not go with its subject"
    if any(text.count(mark) % 2 for mark in '"') or text.count("“") != text.count("”"):
        return "its quotation marks do not match"
    return ""


def _disagrees(claim: Parse, at: int) -> bool:
    """Whether a token is the first of two subjects, with a verb for one: "Berg and Holm has"."""
    tokens = claim.tokens
    if tokens[at].dep not in {"nsubj", "nsubjpass"}:
        return False
    verb = tokens[at].head
    hanging = [token for token in tokens[at:verb] if tokens[token.head] is tokens[at]]
    joined = {"conj", "cc"} <= {token.dep for token in hanging} and any(t.text == "and" for t in hanging)
    first = next(
        (t for i, t in enumerate(tokens) if i == verb or (t.head == verb and t.dep in {"aux", "auxpass"})),
        None,
    )
    return joined and first is not None and (first.tag == "VBZ" or first.text == "was")


__all__ = ["SUPPORTED", "Verdict", "check", "well_formed"]

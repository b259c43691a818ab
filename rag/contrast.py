"""Statements that speak against each other: denials, hopes and doubts, how far something goes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.names import akin
from rag.points import Pool
from rag.records import Difference
from rag.sides import Value, difference, whole
from rag.statements import Statement
from rag.text import normalise

FEWEST_WORDS = 4
"""Words of a stretch of a sentence that may stand for it."""
SAME_CLAIM = 0.5
"""Part of the rarer words that a denial shares with what it denies."""
_DENIES = re.compile(
    r"\b(?:den(?:y|ies|ied)|refut\w+|disput(?:e|es|ed)|contradict\w*|false\w*|untrue|invention|invented|baseless|"
    r"no truth|not true|wrong(?:ly)?|fabricat\w+|dismiss(?:es|ed))\b",
    re.I,
)
_HOPEFUL = re.compile(
    r"\b(?:optimis\w+|good chance|major progress|hopeful|confident|breakthrough|very good talks|productive|"
    r"promising|encourag\w+|on track|close to (?:a|an) (?:deal|agreement))\b",
    re.I,
)
_DOUBTFUL = re.compile(
    r"\b(?:obstacles?|hurdles?|pessimis\w+|doubt\w*|stall\w+|deadlock\w*|no breakthrough|unlikely|sceptic\w+|"
    r"skeptic\w+|not (?:be )?interested|far from|setbacks?|bleak|have not[^.]{0,40} been resolved|"
    r"nothing[^.]{0,30}(?:force|change))\b",
    re.I,
)
_MUCH = re.compile(
    r"\b(?:steadily|sharply|rapidly|quickly|swiftly|strongly|significantly|substantially|considerably|"
    r"dramatically|heavily|widely|relentlessly|fast)\b",
    re.I,
)
_LITTLE = re.compile(
    r"\b(?:slightly|barely|hardly|scarcely|slowly|modestly|marginally|narrowly|a little|only just)\b"
    r"|\b(?:but|though|although|however)\b[^.;]{0,25}\b(?:not|no|never|nowhere|far from)\b",
    re.I,
)
SAME_MATTER = 0.3
"""Cosine of two sentences that say of one doer by name how far one deed goes."""
_JOINS = re.compile(r"^(?:as|while|and|but|so|yet)\s+", re.I)
"""What joins a stretch to the one before it, and says nothing where it stands alone."""
_NOT = re.compile(r"\b(?:not|no|never|nobody|without|n't|hardly)\b", re.I)


def by_denial(pool: Pool) -> Iterator[Difference]:
    """A sentence that denies or corrects, beside the nearest one of another origin that does not."""
    for statement in pool.statements:
        if not _DENIES.search(statement.parse.text) or statement.leans:
            continue
        for other in pool.tellers(statement):
            if pool.overlap(statement, other) < SAME_CLAIM:
                continue
            if not _DENIES.search(other.parse.text) and not _NOT.search(other.parse.text):
                groups = [[whole(statement)], [whole(other)]]
                yield from difference(f"Whether it is true: {_topic_of(statement, other)}", groups)
                break


def by_prospect(pool: Pool) -> Iterator[Difference]:
    """Hopeful and doubtful words about how it will go, from different origins."""
    hopeful = [s for s in pool.statements if _speaks(s, _HOPEFUL) and not _speaks(s, _DOUBTFUL)]
    doubtful = [s for s in pool.statements if _speaks(s, _DOUBTFUL) and not _speaks(s, _HOPEFUL)]
    pairs = [
        (
            float(a.topic + b.topic)
            - 0.02 * (len(part(a, _HOPEFUL).value.split()) + len(part(b, _DOUBTFUL).value.split())),
            a,
            b,
        )
        for a in hopeful
        for b in doubtful
        if a.origin != b.origin and not a.leans and not b.leans
    ]
    if pairs:
        _, best, worst = max(pairs, key=lambda pair: pair[0])
        yield from difference("How good the chances are", [[part(best, _HOPEFUL)], [part(worst, _DOUBTFUL)]])


def by_extent(pool: Pool) -> Iterator[Difference]:
    """One deed of one doer that goes far by one origin, and not far by another."""
    much = [(s, deeds) for s in pool.statements if _MUCH.search(s.parse.text) and (deeds := _deeds(s))]
    little = [(s, deeds) for s in pool.statements if _LITTLE.search(s.parse.text) and (deeds := _deeds(s))]
    for left, mine in much:
        for right, theirs in little:
            if left.origin == right.origin or float(left.vector @ right.vector) < SAME_MATTER:
                continue
            same = [(doer, deed) for doer, deed in mine for a, b in theirs if doer == a and akin(deed, b)]
            if same:
                about = f"How far it goes: {' '.join(same[0])}"
                yield from difference(about, [[part(left, _MUCH)], [whole(right)]])


def _deeds(statement: Statement) -> list[tuple[str, str]]:
    """Doer by name and deed, as lemmas, of every verb: its own subject or that of the verb that rules it."""
    tokens = statement.parse.tokens
    found = []
    for i, token in enumerate(tokens):
        if token.pos != "VERB":
            continue
        ruling = token.head if token.dep == "xcomp" else i
        for at, doer in enumerate(tokens):
            if doer.head in {i, ruling} and doer.dep == "nsubj" and doer.pos in {"NOUN", "PROPN"}:
                name = next((t.text for t in tokens if t.head == at and t.text[:1].isupper()), "")
                if name or doer.pos == "PROPN":
                    found.append((f"{name} {doer.lemma}".strip().casefold(), token.lemma.casefold()))
    return found


def part(statement: Statement, cue: re.Pattern[str]) -> Value:
    """Return the stretch between commas or dashes that holds the cue, when it has a verb; or the sentence."""
    text, tokens = statement.parse.text, statement.parse.tokens
    match = cue.search(text)
    if match is None or "“" in text or '"' in text:
        return whole(statement)
    breaks = [0, *(t.end for t in tokens if t.text in {",", "–", "—", ";", ":"}), len(text)]
    start = max(edge for edge in breaks if edge <= match.start())
    end = min(edge for edge in breaks if edge >= match.end())
    inside = [t for t in tokens if t.start >= start and t.end <= end]
    said = _JOINS.sub("", " ".join(text[start:end].split()).strip(" ,;:–—."))
    has_verb = any(t.pos in {"VERB", "AUX"} for t in inside)
    return Value(said, statement) if has_verb and len(said.split()) >= FEWEST_WORDS else whole(statement)


def _speaks(statement: Statement, pattern: re.Pattern[str]) -> bool:
    match = pattern.search(statement.parse.text)
    if match is None:
        return False
    before = statement.parse.text[max(0, match.start() - 25) : match.start()]
    return pattern is _DOUBTFUL or not _NOT.search(before)


def _topic_of(left: Statement, right: Statement) -> str:
    both = [
        token.text
        for token in left.parse.tokens
        if token.pos in {"PROPN", "NOUN"} and normalise(token.lemma) in right.concepts
    ]
    return " ".join(dict.fromkeys(both[:4])) or left.text[:40]


__all__ = ["by_denial", "by_extent", "by_prospect"]

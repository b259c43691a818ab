"""Statements that speak against each other: denials, hopes and doubts."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
    said = " ".join(text[start:end].split()).strip(" ,;:–—.")
    has_verb = any(t.pos in {"VERB", "AUX"} for t in inside)
    return Value(said, statement) if has_verb and len(said.split()) >= FEWEST_WORDS else whole(statement)


def _length(statement: Statement, cue: re.Pattern[str]) -> int:
    return len(part(statement, cue).value.split())


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


__all__ = ["by_denial", "by_prospect"]

"""Evidence on one question -> the sides the articles take, when they differ. Nothing is voted away."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from models.protocols import Embedder, Token
from rag.alike import comparable, compatible, count_the_same, counted, unit_of
from rag.dates import times_named
from rag.either import DENIED_SCORE, denials, one_each
from rag.evidence import Evidence
from rag.gather import Sentence
from rag.names import akin, named_in, same_name
from rag.numbers import quantities
from rag.question import NUMERIC, Question
from rag.records import Citation, Side
from rag.spans import CURRENCY, candidates
from rag.syntax import below
from rag.text import STOPWORDS, Span, adjoin, normalise, sentences

SINGLE_VALUED = NUMERIC | {"person", "place"}
"""Kinds of which one thing usually has one: two values for it are a difference worth showing."""
COUNTED = frozenset({"count", "money", "percent", "amount"})
"""Kinds of which the sentence beside another gives the other side: a day beside a day is of another event."""
CLOSE_SCORE = 0.25
"""A side must be evidenced at least this well, as a share of the best evidence."""
SAME_THING = 0.3
"""Cosine of two sentences that speak of the same event."""
SAME_DAY = 0.5
"""The same for a day that is not told by one verb: a week's articles give many."""
CLOSE_NAME, SAME_NAME = 0.5, 0.35
"""The same for a person or a place: an article names many, and not all for what is asked."""
CLOSE_IN_TIME = 0.3
"""The same when both sentences name the day or the month that the question names."""
FAINT_SCORE = 0.12
FAINTEST_SCORE = 0.05
"""A side in the same unit, in a sentence as near to the question and like the best, must have so much."""
LIKE, SAME_SENTENCE = 0.45, 0.6
"""A side evidenced less well, down to FAINT_SCORE of the best, must be so much like it as a sentence: less
when both count the very noun that is asked about."""
TOLD_BESIDE = 0.5
"""A second value in one article must be evidenced at least this well, as a share of the best."""
AS_WELL = 0.7
"""What an article's evidence for the value of the best must be worth, beside that for its own."""
OF_THE_DEED = 0.35
"""Part of the words of the question that a sentence holds which tells who did it."""
READ_AS_NO, READ_WORSE = -1.2, 1.0
"""Log-odds of the reader below which a sentence that is not much like the best is no side, when those of the
best lie so much higher."""
TYPED, NUMBER_TYPED = 0.6, 0.4
"""How well a value must fit the kind asked for; a number without its noun fits less well: "2,500 of them"."""
MAX_SIDES = 4
_LATEST = re.compile(
    r"\b(?:now|latest|so far|up to now|to date|in the end|finally|eventually|altogether|currently|final"
    r"|today)\b",
    re.I,
)
_ATTRIBUTED = re.compile(
    r"\b(?:sa(?:y|ys|id)|according to|puts?|count(?:s|ed)?|estimat\w+|g[ai]ves?|sp(?:ea|o)ks?e? of|claim\w*|"
    r"report\w*|figures?|denie[sd]|insist\w*|wrote|writes)\b",
    re.I,
)
_GIVES = re.compile(
    r"\b(?:count(?:s|ed)?|sp(?:eaks?|oken?) of|puts?|g[ai]ves?|estimat(?:es?|ed)|reckon(?:s|ed)"
    r"|expect(?:s|ed)?|claim(?:s|ed)?|(?:says?|said)(?: that)? (?:it|there))\b",
    re.I,
)
"""Says whose value a number is; the number stands within GIVEN_WITHIN characters behind."""
GIVEN_WITHIN = 30
_AND_NOT = re.compile(r"\b(?:not|rather than|instead of)\b([^.;]{0,40})", re.I)
_MONTH_NAME = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY = re.compile(
    rf"\b(?P<before>{_MONTH_NAME}) (?P<last>\d{{1,2}})\b|\b(?P<first>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? "
    rf"(?P<behind>{_MONTH_NAME})",
    re.I,
)
_BEHIND = re.compile(rf"\s{CURRENCY}\b", re.I)


def sides(question: Question, evidence: Sequence[Evidence], embedder: Embedder) -> tuple[Side, ...]:
    """Return the differing values, best evidenced first; empty when the articles agree or say nothing."""
    if not evidence:
        return ()
    if question.kind == "yesno":
        return denials(question, evidence) or _other_day(question, evidence, embedder)
    if question.kind not in SINGLE_VALUED or _asks_for_several(question):
        return ()
    best = evidence[0]
    fit = NUMBER_TYPED if question.kind in COUNTED else TYPED
    if best.span.whole or best.span.typed < fit or asks_latest(question):
        return ()
    if question.kind in {"person", "place"} and best.feature("name_recall_context") < 1:
        return ()
    close = [e for e in evidence if not e.span.whole and e.span.typed >= fit and _named(best, e)]
    own = [e for e in close[1:] if e.sentence.article.id == best.sentence.article.id]
    typed = [*(_agreeing(question, best, e, close) for e in one_each(close)), *own]
    vectors = embedder.embed([e.sentence.text for e in typed], "document")
    alike = [float(np.dot(vector, vectors[0])) for vector in vectors]
    rivals = [e for e, cosine in zip(typed, alike, strict=True) if _rivals(question, best, e, cosine)]
    rivals += _denied(question, best, evidence)
    groups: list[list[Evidence]] = []
    for found in rivals:
        # "Monday" and "Sunday" both go with "evening".
        fits = all if question.kind == "date" else any
        home = next((g for g in groups if fits(compatible(question, found, held) for held in g)), None)
        if home is None:
            groups.append([found])
        else:
            home.append(found)
    articles = [{e.sentence.article.id for e in group} for group in groups]
    apart = [
        group
        for group, ids in zip(groups, articles, strict=True)
        if group is groups[0] or not ids <= articles[0] or any(map(_attributed, group))
    ]
    told = [Side(group[0].short, tuple(e.citation() for e in one_each(group))) for group in apart]
    if question.kind in COUNTED:
        for side in _beside(question, [e for group in apart for e in group]):
            if not any(_one_value(side.value, other.value) for other in told):
                told.append(side)
    return tuple(told[:MAX_SIDES]) if len(told) > 1 else ()


def _agreeing(question: Question, best: Evidence, found: Evidence, close: Sequence[Evidence]) -> Evidence:
    """What an article gives for the question: the value of the best, where it gives that as well."""
    if question.kind in COUNTED or found is best:
        return found
    own = (e for e in close if e.sentence.article.id == found.sentence.article.id)
    least = max(AS_WELL * found.score, CLOSE_SCORE * best.score)
    well = (e for e in own if e.score >= least and compatible(question, best, e))
    return next(well, found)


def _other_day(question: Question, evidence: Sequence[Evidence], embedder: Embedder) -> tuple[Side, ...]:
    """The sides of "was it on Sunday?", when an article gives another day than one that says so."""
    asked = times_named(question.text)
    if not asked:
        return ()
    # A span that repeats the question is no candidate; here it may be.
    tokens = tuple(
        replace(token, text="then", lemma="then") if token.text in asked else token
        for token in question.parse.tokens
    )
    when = replace(question, kind="date", focus="", parse=replace(question.parse, tokens=tokens))
    dated: list[Evidence] = []
    for found in evidence:
        days = [c for c in candidates(when, found.sentence.parse, frozenset()) if c.typed >= TYPED]
        told = [replace(found, span=day) for day in days if not day.whole]
        told.sort(key=lambda each: not asked & times_named(each.short))
        dated += told[:1] if found.score >= DENIED_SCORE * evidence[0].score else []
    told_of = sides(when, dated, embedder)
    return told_of if any(asked & times_named(side.value) for side in told_of) else ()


def _one_value(left: str, right: str) -> bool:
    return any(not comparable(a, b) for a in quantities(left) for b in quantities(right))


def asks_latest(question: Question) -> bool:
    """Whether the newest of several values is asked for, so that older ones are no other side."""
    return bool(_LATEST.search(question.text))


def _asks_for_several(question: Question) -> bool:
    """Whether several answers need not differ: "which two officials", or one picked out by a deed."""
    return question.kind in {"person", "place"} and bool(question.focus)


def _named(best: Evidence, other: Evidence) -> bool:
    """Whether the other is about those whom the question names as the best is; near it, or in its article."""
    near = other.feature("name_recall_context") >= best.feature("name_recall_context") - 0.01
    return near or (other.score >= CLOSE_SCORE * best.score and other.feature("names_in_article") >= 1)


def _rivals(question: Question, best: Evidence, other: Evidence, cosine: float) -> bool:
    """Whether another article's sentence gives a value for the same thing, close enough to be compared."""
    if best is other:
        return True
    if not count_the_same(question, best, other):
        return False
    if other.sentence.article.id == best.sentence.article.id:
        # One article may give the values of two: what the company says, and what its memo puts it at.
        told = _attributed(best) and _attributed(other) and unit_of(best) == unit_of(other) != ""
        return question.kind in COUNTED and told and other.score >= TOLD_BESIDE * best.score
    if _on_another_day(question, best, other) or _with_another(question, other):
        return False
    if question.kind in {"person", "place"} and _holds(question, best, other):
        return False
    if _tells_the_same(question, best, other) and cosine >= SAME_NAME:
        return other.score >= FAINT_SCORE * best.score
    too_low = min(READ_AS_NO, (best.read or 0.0) - READ_WORSE)
    if other.read is not None and other.read < too_low and cosine < SAME_SENTENCE:
        return False
    if question.kind == "date" and cosine >= SAME_THING and _one_deed(best, other):
        return True
    about = other.feature("term_recall_context") >= best.feature("term_recall_context") - 0.25
    of_name = CLOSE_IN_TIME if _of_one_time(question, best, other) else CLOSE_NAME
    near, same = (CLOSE_SCORE, SAME_THING) if question.kind in NUMERIC else (of_name, SAME_NAME)
    same = SAME_DAY if question.kind == "date" else same
    if other.score >= near * best.score and about and cosine >= same:
        return True
    if (
        question.kind in COUNTED
        and about
        and cosine >= SAME_SENTENCE
        and unit_of(best) == unit_of(other) != ""
    ):
        return other.score >= FAINTEST_SCORE * best.score
    asked = bool(question.focus) and counted(best) == counted(other) == question.focus
    enough = LIKE if asked else SAME_SENTENCE
    return other.score >= FAINT_SCORE * best.score and cosine >= enough


def _holds(question: Question, best: Evidence, other: Evidence) -> bool:
    """Whether one of the sentences has the value of the other too."""
    if named_in(best.short, other.sentence.text) or named_in(other.short, best.sentence.text):
        return True
    may_be = candidates(question, other.sentence.parse, frozenset())
    return question.kind == "place" and any(
        compatible(question, best, replace(other, span=span))
        for span in may_be
        if not span.whole and span.typed >= TYPED
    )


def _tells_the_same(question: Question, best: Evidence, other: Evidence) -> bool:
    """Whether both sentences, asked who did it, name all that the question names and speak of the deed."""
    return question.kind == "person" and all(
        found.feature("name_recall") >= 1 and found.feature("term_recall") >= OF_THE_DEED
        for found in (best, other)
    )


def _one_deed(best: Evidence, other: Evidence) -> bool:
    """Whether both tell the day of one deed, by its verb, and name all whom the question names."""
    named = min(found.feature("name_recall_context") for found in (best, other)) >= 1
    ours, theirs = _deed(best), _deed(other)
    return named and bool(ours) and bool(theirs) and akin(ours, theirs)


def _deed(found: Evidence) -> str:
    """The verb that a span hangs on, in its lemma: `inform` in "informed him on Sunday"."""
    tokens, at = found.sentence.parse.tokens, found.span.head
    for _ in tokens:
        if tokens[at].pos == "VERB" or tokens[at].head == at:
            break
        at = tokens[at].head
    return tokens[at].lemma.casefold() if tokens[at].pos == "VERB" else ""


def _on_another_day(question: Question, best: Evidence, other: Evidence) -> bool:
    """Whether the question and the best evidence state one day, and the other evidence another."""
    asked = _stated_days(question.text)
    theirs = _stated_days(other.sentence.text)
    return bool(asked & _stated_days(best.sentence.text)) and bool(theirs) and not asked & theirs


def _with_another(question: Question, found: Evidence) -> bool:
    """Whether the question asks of a meeting with one, and what the span belongs to was with another."""
    asked = set(_with_whom(question.parse.tokens, None))
    tokens, at = found.sentence.parse.tokens, found.span.head
    above = [at]
    while tokens[above[-1]].head not in above:
        above.append(tokens[above[-1]].head)
    theirs = next((named for place in above if (named := _with_whom(tokens, place))), [])
    return bool(asked) and bool(theirs) and not any(same_name(a, b) for a in asked for b in theirs)


def _with_whom(tokens: Sequence[Token], place: int | None) -> list[str]:
    """Names behind a "with", of the one that hangs on the token at a place, or of any."""
    joined = [i for i, t in enumerate(tokens) if t.lemma == "with" and place in {None, t.head}]
    return [
        normalise(tokens[j].text)
        for i in joined
        for j in sorted(below(tokens, i))
        if tokens[j].pos == "PROPN"
    ]


def _of_one_time(question: Question, best: Evidence, other: Evidence) -> bool:
    """Whether both sentences name the day of the week, the month or the year that the question names."""
    asked = times_named(question.text)
    return bool(asked) and all(asked <= times_named(found.sentence.text) for found in (best, other))


def _stated_days(text: str) -> set[tuple[str, str]]:
    """The days with a month that a text states, as month and day."""
    return {
        ((match["before"] or match["behind"])[:3].casefold(), (match["first"] or match["last"]))
        for match in _DAY.finditer(text)
    }


def _beside(question: Question, rivals: Sequence[Evidence]) -> tuple[Side, ...]:
    """Other values that the sentence right before or after a rival says somebody gives: the union counted 12.

    Such a sentence has often no word of the question, so that it is no evidence by itself.
    """
    found: list[Side] = []
    for rival in rivals:
        own = quantities(rival.short)
        if not own:
            continue
        for start, end in _neighbours(rival.sentence):
            text = rival.sentence.article.text[start:end]
            for match in _GIVES.finditer(text):
                amount = next((q for q in quantities(text) if q.start >= match.end()), None)
                if amount is None or not _counts_on(question, rival, text[amount.end :]):
                    continue
                if amount.start - match.end() <= GIVEN_WITHIN and comparable(own[0], amount):
                    unit = _BEHIND.match(text, amount.end)
                    value = text[amount.start : unit.end() if unit else amount.end].strip()
                    found.append(Side(value, (Citation(rival.sentence.article, start, end, text),)))
                    break
    return tuple(found)


def _counts_on(question: Question, rival: Evidence, after: str) -> bool:
    """Whether a number, with what follows it, counts what the rival does: no other noun stands behind it."""
    noun = re.match(r"\s+([a-z]+)", after)
    if noun is None or noun[1] in STOPWORDS:
        return True
    known = {question.focus, counted(rival)} - {""}
    return any(akin(noun[1].removesuffix("s"), word) for word in known)


def _neighbours(sentence: Sentence) -> Iterator[Span]:
    """The sentences right before and right after one, in its paragraph."""
    text, own = sentence.article.text, (sentence.start, sentence.end)
    spans = sentences(text)
    place = next((i for i, (start, _) in enumerate(spans) if start == sentence.start), None)
    for near in () if place is None else (place - 1, place + 1):
        if 0 <= near < len(spans) and adjoin(text, spans[near], own):
            yield spans[near]


def _attributed(found: Evidence) -> bool:
    return bool(_ATTRIBUTED.search(found.sentence.text))


def _denied(question: Question, best: Evidence, evidence: Sequence[Evidence]) -> list[Evidence]:
    """Evidence in other articles for B, when the best sentence says "A, and not B"."""
    if question.kind not in NUMERIC or question.kind == "date":
        return []
    return [
        other
        for other in evidence
        if other.sentence.article.id != best.sentence.article.id
        and not other.span.whole
        and (_refuses(best, other) or _refuses(other, best))
    ]


def _refuses(left: Evidence, right: Evidence) -> bool:
    """Whether the left sentence says its value "and not" the right one's."""
    said = quantities(right.short)
    return any(
        amount.same(other)
        for match in _AND_NOT.finditer(left.sentence.text, left.span.end)
        for amount in quantities(match.group(1))
        for other in said
    )

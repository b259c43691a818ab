"""Decides whether a reply passes its case, labels what went wrong, and tries the suite on known answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from evals.cases import Case, Corpus, Fact, Suite
from evals.match import found
from evals.metrics import Count, measure, stated_with_support, vital
from evals.reply import Quoted, Reply, Said, reply_from_text

Label = Literal["retrieval", "evidence", "wording", "refusal", "verdict", "said", "shape", "error"]
"""Where a failed case went wrong.

retrieval: no passage found states the missing fact. evidence: one does, and none was quoted. wording: one was
quoted, and the sentence does not say it. refusal: refused what has an answer, or answered what has none.
verdict: both sides are told and not called a disagreement. said: something that must not be said or cited.
shape: too long to be an answer. error: no answer came.
"""

MOST_WORDS = 200
"""Words of a whole answer to one question; a dump of the articles holds every fact and answers nothing."""

NEEDS_GROUPING = 10_000
"""Below this a number is written without commas: it may be a year."""


@dataclass(frozen=True, slots=True)
class Score:
    """How one case went."""

    case: Case
    reply: Reply
    passed: bool
    label: Label | None
    missing: tuple[str, ...]
    """The vital facts or sides that are not stated with support, and whatever else is wrong, for a reader."""
    counts: Mapping[str, Count]


def score(case: Case, reply: Reply, corpus: Corpus) -> Score:
    """Score one reply."""
    missing = _missing(case, reply)
    label = _label(case, reply, missing)
    wrong = tuple(_describe(fact) for fact in missing) + tuple(_forbidden(case, reply))
    return Score(case, reply, label is None, label, wrong, measure(case, reply, corpus))


def _missing(case: Case, reply: Reply) -> tuple[Fact, ...]:
    return tuple(fact for fact in vital(case) if not stated_with_support(fact, reply.all_said))


def _label(case: Case, reply: Reply, missing: tuple[Fact, ...]) -> Label | None:
    """Return where the case went wrong, or None when it passes."""
    refused = reply.status == "refused"
    label: Label | None = None
    if case.class_ == "unanswerable":
        label = None if refused else "refusal"
    elif missing:
        label = _where_lost(reply, missing)
    elif refused:
        label = "refusal"
    elif case.class_ == "conflict" and reply.status != "conflict":
        label = "verdict"
    if label is None and any(_forbidden(case, reply)):
        return "said"
    if label is None and sum(len(said.text.split()) for said in reply.all_said) > MOST_WORDS:
        return "shape"
    return label


def _where_lost(reply: Reply, missing: tuple[Fact, ...]) -> Label:
    """Return the earliest stage that lost one of the missing facts."""
    if any(not _in_passages(fact, reply) for fact in missing):
        return "retrieval"
    if reply.status == "refused":
        return "refusal"
    quoted = [each for said in reply.all_said for each in said.quoted]
    if any(not _in_quotes(fact, quoted) for fact in missing):
        return "evidence"
    return "wording"


def _in_passages(fact: Fact, reply: Reply) -> bool:
    return any(key in fact.support and found(fact.pattern, text) for key, text in reply.found)


def _in_quotes(fact: Fact, quoted: list[Quoted]) -> bool:
    return any(each.key in fact.support and found(fact.pattern, each.quote) for each in quoted)


def _forbidden(case: Case, reply: Reply) -> Iterator[str]:
    for ban in case.bans:
        if any(found(ban.pattern, said.text) for said in reply.all_said):
            yield f"said {ban.id} ({ban.why})"
    for key in case.forbid:
        if any(key in said.keys for said in reply.all_said):
            yield f"cited {key}, which this case forbids"


def _describe(fact: Fact) -> str:
    pattern = fact.pattern
    amount = pattern.number
    grouping = "," if amount and amount.value >= NEEDS_GROUPING else ""
    wanted = (
        f"{amount.value:{grouping}.15g} {amount.unit}".strip() if amount else pattern.regex or pattern.date
    )
    wanted = wanted or " | ".join(pattern.any) or " + ".join(pattern.all)
    return f"{fact.id}: {wanted} ({', '.join(fact.support)})"


# ---------------------------------------------------------------- answers known in advance


def probe_problems(suite: Suite, corpus: Corpus) -> tuple[str, ...]:
    """Return each probe that the scorer gets wrong; no model is asked."""
    wrong = []
    for case in suite.cases:
        if case.class_ != "unanswerable" and not case.passing:
            wrong.append(f"{suite.path}:{case.line}: case {case.id!r} lacks a probe that passes. Write one.")
        for text, hoped in [(text, True) for text in case.passing] + [(text, False) for text in case.failing]:
            if _passes(case, reply_from_text(text, case, corpus)) is not hoped:
                verb = "passes and must fail" if not hoped else "fails and must pass"
                wrong.append(f"{suite.path}:{case.line}: case {case.id!r}: the probe {text!r} {verb}.")
    return tuple(wrong)


def nulls(suite: Suite, corpus: Corpus) -> dict[str, Count]:
    """Return how many of the cases that have an answer each worthless answer passes, and the gold answer."""
    cases = [case for case in suite.cases if case.class_ != "unanswerable" and case.passing]
    whole = tuple(Said(text, (Quoted(key, key, 0, 0, ""),)) for key, text in corpus.texts.items())
    rows: dict[str, Count] = {}
    for index, case in enumerate(cases):
        other = cases[(index + 1) % len(cases)].passing[0]
        status = "conflict" if case.class_ == "conflict" else "answered"
        replies = {
            "empty": Reply(status, "", ()),
            "fixed refusal": reply_from_text("The articles do not say.", case, corpus),
            "all articles": Reply(status, "", whole),
            "another answer": reply_from_text(other, case, corpus),
            "gold": reply_from_text(case.passing[0], case, corpus),
        }
        for name, reply in replies.items():
            rows[name] = rows.get(name, Count()) + Count(int(_passes(case, reply)), 1)
    return rows


def null_problems(rows: Mapping[str, Count]) -> tuple[str, ...]:
    """Return what is wrong with the suite, judged by the answers known in advance."""
    wrong = [
        f"The worthless answer {name!r} passes {row.num} of {row.den} cases."
        for name, row in rows.items()
        if name != "gold" and row.num
    ]
    gold = rows.get("gold", Count())
    if gold.num != gold.den:
        wrong.append(f"The gold answers pass only {gold.num} of {gold.den} cases.")
    return tuple(wrong)


def _passes(case: Case, reply: Reply) -> bool:
    return _label(case, reply, _missing(case, reply)) is None

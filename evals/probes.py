"""Tries a suite, without a model, on answers known in advance: its probes, worthless answers, gold ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from evals.cases import Case, Corpus, Suite
from evals.corpus import problems, where
from evals.load import SuiteError
from evals.metrics import Count
from evals.reply import HOPED, Reply, Said, reply_from_text, whole_article
from evals.score import Score, passes, score

GOLD = "gold"
REFUSAL = "The articles do not say."


def check(suite: Suite, corpus: Corpus) -> None:
    """Raise SuiteError listing all that would make the suite dishonest."""
    wrong = (*problems(suite, corpus), *probe_problems(suite, corpus))
    if wrong := wrong or null_problems(nulls(suite, corpus)):
        raise SuiteError("\n".join(wrong))


def probe_problems(suite: Suite, corpus: Corpus) -> tuple[str, ...]:
    """Return each probe that the scorer gets wrong."""
    wrong = []
    for case in suite.cases:
        if _has_answer(case) and case.kind == "qa" and not case.passing:
            wrong.append(f"{where(suite, case)} lacks a probe that passes. Write one.")
        for text, hoped in [(text, True) for text in case.passing] + [(text, False) for text in case.failing]:
            if passes(case, reply_from_text(text, case, corpus)) is not hoped:
                verb = "passes and must fail" if not hoped else "fails and must pass"
                wrong.append(f"{where(suite, case)}: the probe {text!r} {verb}.")
    return tuple(wrong)


def _has_answer(case: Case) -> bool:
    return case.like != "unanswerable"


def null_replies(cases: Sequence[Case], case: Case, corpus: Corpus) -> dict[str, Reply]:
    """Return worthless answers to `case`, and the gold one when a probe gives it."""
    status = HOPED[case.like] if _has_answer(case) else "answered"
    whole = tuple(Said(text, (whole_article(key, corpus),)) for key, text in corpus.texts.items())
    replies = {
        "empty": Reply(status, "", ()),
        "fixed refusal": Reply("refused", REFUSAL, ()),
        "all articles": Reply(status, "", whole),
    }
    if other := _other(cases, case):
        replies["another answer"] = replace(reply_from_text(other.passing[0], case, corpus), status=status)
    if case.passing or not _has_answer(case):
        gold = reply_from_text(case.passing[0], case, corpus) if case.passing else Reply("refused", "", ())
        replies[GOLD] = gold
    return replies


def _other(cases: Sequence[Case], case: Case) -> Case | None:
    """Return the next case with a gold answer that is asked about something else."""
    place = cases.index(case)
    for other in (*cases[place + 1 :], *cases[:place]):
        if other.passing and other.like != "unanswerable" and not _same(case, other):
            return other
    return None


def _same(case: Case, other: Case) -> bool:
    """Whether the cases ask for the same, so that an answer to one may answer the other."""
    if case.id in (other.id, other.twin) or case.twin in (other.id, other.twin or "-"):
        return True
    return any(fact.pattern == theirs.pattern for fact in case.facts for theirs in other.facts)


def nulls(suite: Suite, corpus: Corpus) -> dict[str, Count]:
    """Return how many of the cases that have an answer each worthless answer passes, and the gold answer."""
    rows: dict[str, Count] = {}
    for case in suite.cases:
        if _has_answer(case) and case.passing:
            for name, reply in null_replies(suite.cases, case, corpus).items():
                rows[name] = rows.get(name, Count()) + Count(int(passes(case, reply)), 1)
    return rows


def null_scores(suite: Suite, corpus: Corpus, wanted: Sequence[Case]) -> dict[str, list[Score]]:
    """Return every wanted case scored on each worthless answer and on the gold one, to print beside ours."""
    rows: dict[str, list[Score]] = {}
    for case in wanted:
        for name, reply in null_replies(suite.cases, case, corpus).items():
            rows.setdefault(name, []).append(score(case, reply, corpus))
    return rows


def null_problems(rows: Mapping[str, Count]) -> tuple[str, ...]:
    """Return what is wrong with the suite, judged by the answers known in advance."""
    wrong = [
        f"The worthless answer {name!r} passes {row.num} of {row.den} cases."
        for name, row in rows.items()
        if name != GOLD and row.num
    ]
    gold = rows.get(GOLD, Count())
    if gold.num != gold.den:
        wrong.append(f"The gold answers pass only {gold.num} of {gold.den} cases.")
    return tuple(wrong)

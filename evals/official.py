"""The scorers of public question sets, as their authors define them, over what the product answered."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from evals.figures import Figure
from evals.metrics import wilson

RANKS = 10
FEW_RANKS = 4


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was answered to one question. `short` and `text` are empty when it was refused."""

    gold: dict[str, Any]
    short: str
    text: str
    status: str
    cited: tuple[str, ...] = ()
    """The ids of the articles cited."""
    found: tuple[str, ...] = ()
    """The passages found, best first."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One figure of a public set; `ours` when its authors do not define it."""

    name: str
    figure: Figure
    ours: bool = False

    def __str__(self) -> str:
        mark = " (ours)" if self.ours else ""
        if self.figure.value is None or self.figure.interval is None:
            return f"  {self.name + mark:38} n/a"
        low, high = self.figure.interval
        return (
            f"  {self.name + mark:38} {self.figure.value:.3f}  n={self.figure.den}  [{low:.3f}, {high:.3f}]"
        )


def mean(values: Iterable[float]) -> Figure:
    """Return the mean of values between 0 and 1 with a conservative interval."""
    each = list(values)
    if not each:
        return Figure()
    average = sum(each) / len(each)
    return Figure(average, round(sum(each)), len(each), wilson(average * len(each), len(each)))


def normal(text: str) -> str:
    """Return `text` as SQuAD compares it: lower case, without punctuation and articles.

    >>> normal("The  U.S. Senate!")
    'us senate'
    """
    bare = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())


def exact(gold: str, given: str) -> float:
    return float(normal(gold) == normal(given))


def f1(gold: str, given: str) -> float:
    """Return the F1 of shared words; two empty answers agree.

    >>> f1("Denmark and Norway", "Norway")
    0.5
    """
    wanted, words = normal(gold).split(), normal(given).split()
    if not wanted or not words:
        return float(wanted == words)
    shared = sum((Counter(wanted) & Counter(words)).values())
    return 2 * shared / (len(wanted) + len(words))


def contains(text: str, answer: str) -> bool:
    """Whether the normal form of `answer` stands in that of `text`, as ALCE and RAMDocs look for it."""
    return normal(answer) in normal(text)


def squad(outcomes: Sequence[Outcome]) -> list[Scored]:
    """Exact match and F1 of the short answer; where there is none, an empty answer is the right one."""

    def best(outcome: Outcome, measure: Any) -> float:  # noqa: ANN401 - exact or f1
        golds = [text for text in outcome.gold["answers"] if normal(text)] or [""]
        return float(max(measure(gold, outcome.short) for gold in ([""] if outcome.gold["none"] else golds)))

    has = [each for each in outcomes if not each.gold["none"]]
    none = [each for each in outcomes if each.gold["none"]]
    return [
        Scored("exact", mean(best(each, exact) for each in outcomes)),
        Scored("F1", mean(best(each, f1) for each in outcomes)),
        Scored("HasAns exact", mean(best(each, exact) for each in has)),
        Scored("HasAns F1", mean(best(each, f1) for each in has)),
        Scored("NoAns exact", mean(best(each, exact) for each in none)),
        Scored("answerable and refused", mean(each.status == "refused" for each in has), ours=True),
    ]


def realtimeqa(outcomes: Sequence[Outcome]) -> list[Scored]:
    """Exact match and F1 of generation; the choice taken is the (longest) one that the answer names."""

    def chosen(outcome: Outcome) -> str:
        named = [choice for choice in outcome.gold["choices"] if contains(outcome.text, choice)]
        return str(max(named, key=len)) if named else ""

    return [
        Scored("exact", mean(exact(each.gold["answer"], each.short) for each in outcomes)),
        Scored("F1", mean(f1(each.gold["answer"], each.short) for each in outcomes)),
        Scored("multiple choice", mean(chosen(each) == each.gold["answer"] for each in outcomes)),
        Scored(
            "answer stated", mean(contains(each.text, each.gold["answer"]) for each in outcomes), ours=True
        ),
        Scored(
            "own article cited",
            mean(bool(set(each.cited) & set(each.gold["articles"])) for each in outcomes if each.cited),
            ours=True,
        ),
        Scored("refused", mean(each.status == "refused" for each in outcomes), ours=True),
    ]


def ramdocs(outcomes: Sequence[Outcome]) -> list[Scored]:
    """Strict exact match: every right answer is stated and no wrong one."""
    every = [all(contains(each.text, gold) for gold in each.gold["gold"]) for each in outcomes]
    wrong = [any(contains(each.text, bad) for bad in each.gold["wrong"]) for each in outcomes]
    several = [each for each in outcomes if len(each.gold["gold"]) > 1]
    return [
        Scored("exact match", mean(a and not w for a, w in zip(every, wrong, strict=True))),
        Scored("every right answer", mean(every), ours=True),
        Scored("a wrong answer", mean(wrong), ours=True),
        Scored(
            "a right answer",
            mean(any(contains(e.text, g) for g in e.gold["gold"]) for e in outcomes),
            ours=True,
        ),
        Scored("conflict told, if several right", mean(e.status == "conflict" for e in several), ours=True),
        Scored("refused", mean(each.status == "refused" for each in outcomes), ours=True),
    ]


def wice(outcomes: Sequence[Outcome]) -> list[Scored]:
    """Supported or not: accuracy and F1 of `supported`; then the three labels."""
    names = {"supported": "supported", "partly": "partially_supported"}
    pairs = [(each.gold["label"], names.get(each.status, "not_supported")) for each in outcomes]
    both = [(label == "supported", given == "supported") for label, given in pairs]
    right = sum(label and given for label, given in both)
    shown, wanted = sum(given for _, given in both), sum(label for label, _ in both)
    score = 2 * right / (shown + wanted) if shown + wanted else 0.0
    known = [given for label, given in both if label]
    others = [not given for label, given in both if not label]
    balanced = (sum(known) / len(known) + sum(others) / len(others)) / 2 if known and others else 0.0
    return [
        Scored("accuracy", mean(label == given for label, given in both)),
        Scored("F1 of supported", Figure(score, right, len(both), wilson(score * len(both), len(both)))),
        Scored("precision of supported", mean(label for label, given in both if given), ours=True),
        Scored(
            "balanced accuracy",
            Figure(balanced, 0, len(both), wilson(balanced * len(both), len(both))),
            ours=True,
        ),
        Scored("three labels", mean(label == given for label, given in pairs), ours=True),
    ]


def multihop(outcomes: Sequence[Outcome]) -> list[Scored]:
    """Hits, MAP and MRR of passages that hold a gold fact; an answer is right when it shares a word."""
    asked = [each for each in outcomes if each.gold["type"] != "null_query"]
    none = [each for each in outcomes if each.gold["type"] == "null_query"]
    ranks = [_fact_ranks(each) for each in asked]
    reached = [[rank for rank, _ in found] for found in ranks]
    shared = [bool(set(e.text.lower().split()) & set(e.gold["answer"].lower().split())) for e in outcomes]
    precision = (
        sum(new / rank for rank, new in found) / min(len(each.gold["facts"]), RANKS)
        for each, found in zip(asked, ranks, strict=True)
        if each.gold["facts"]
    )
    return [
        Scored("Hits@10", mean(bool(found) for found in reached)),
        Scored("Hits@4", mean(any(rank <= FEW_RANKS for rank in found) for found in reached)),
        Scored("MAP@10", mean(precision)),
        Scored("MRR@10", mean(1 / found[0] if found else 0.0 for found in reached)),
        Scored("accuracy (a shared word)", mean(shared)),
        Scored("answer stated", mean(contains(e.text, e.gold["answer"]) for e in asked), ours=True),
        Scored("null query refused", mean(e.status == "refused" for e in none), ours=True),
    ]


def _fact_ranks(outcome: Outcome) -> list[tuple[int, int]]:
    """Return each rank up to 10 whose passage holds a gold fact, and how many of them are new there."""
    left = [_joined(fact) for fact in outcome.gold["facts"]]
    known: set[str] = set()
    ranks = []
    for rank, passage in enumerate(outcome.found[:RANKS], start=1):
        held = {fact for fact in left if fact in _joined(passage)}
        if held:
            ranks.append((rank, len(held - known)))
            known |= held
    return ranks


def _joined(text: str) -> str:
    return "".join(text.split())


def alce(outcomes: Sequence[Outcome]) -> list[Scored]:
    """STR-EM and its hit rate: the short answers of each sub-question that the answer holds."""
    shares = [
        [any(contains(each.text, answer) for answer in pair) for pair in each.gold["pairs"]]
        for each in outcomes
        if each.gold["pairs"]
    ]
    return [
        Scored("STR-EM", mean(sum(each) / len(each) for each in shares)),
        Scored("STR-EM hit", mean(all(each) for each in shares)),
        Scored(
            "words an answer (x 100)", mean(min(1.0, len(e.text.split()) / 100) for e in outcomes), ours=True
        ),
        Scored("refused", mean(e.status == "refused" for e in outcomes), ours=True),
    ]


def diversesumm(outcomes: Sequence[Outcome]) -> list[Scored]:
    """Its coverage is judged by people or a large model; ours counts the groups of articles cited."""
    shares = [
        sum(bool(set(group) & set(each.cited)) for group in each.gold["groups"]) / len(each.gold["groups"])
        for each in outcomes
        if each.gold["groups"]
    ]
    return [
        Scored("groups of sources cited", mean(shares), ours=True),
        Scored("every group cited", mean(share == 1 for share in shares), ours=True),
        Scored("disagreement told", mean(each.status == "conflict" for each in outcomes), ours=True),
        Scored("refused", mean(each.status == "refused" for each in outcomes), ours=True),
    ]

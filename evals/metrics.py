"""The figures of a run: each metric a pure function of one reply, counted, with Wilson's interval."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from evals.cases import Case, Corpus, Fact
from evals.match import found, grounded, markers, numbers
from evals.reply import Reply, Said
from rag.text import content_words, normalise

Z = 1.959963984540054
"""Two-sided 95 % of the normal distribution."""
LEAST_QUOTATION = 4
"""Words a quotation in an answer needs before its wording is checked."""


@dataclass(frozen=True, slots=True)
class Count:
    """`num` of `den`; an empty `den` has no value, neither 0 nor 1."""

    num: int = 0
    den: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.num + other.num, self.den + other.den)

    @property
    def value(self) -> float | None:
        return self.num / self.den if self.den else None

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.num, self.den)

    def __str__(self) -> str:
        if self.value is None or self.interval is None:
            return "n/a"
        low, high = self.interval
        return f"{self.value:.3f}  {self.num}/{self.den}  [{low:.3f}, {high:.3f}]"


def wilson(num: int, den: int, z: float = Z) -> tuple[float, float] | None:
    """Return Wilson's score interval of the rate `num / den`, or None when `den` is 0."""
    if not den:
        return None
    rate, square = num / den, z * z
    centre = (rate + square / (2 * den)) / (1 + square / den)
    half = z * math.sqrt(rate * (1 - rate) / den + square / (4 * den * den)) / (1 + square / den)
    return max(0.0, centre - half), min(1.0, centre + half)


# ---------------------------------------------------------------- facts


def stated(fact: Fact, said: Iterable[Said]) -> bool:
    """Whether any sentence states the fact, cited or not."""
    return any(found(fact.pattern, each.text) for each in said)


def stated_with_support(fact: Fact, said: Iterable[Said]) -> bool:
    """Whether a sentence that cites an article in the support of `fact` states it."""
    return any(found(fact.pattern, each.text) and each.keys & set(fact.support) for each in said)


def vital(case: Case) -> tuple[Fact, ...]:
    """Return the facts that the answer must state."""
    return tuple(fact for fact in case.facts if fact.vital)


def fact_recall(case: Case, reply: Reply) -> Count:
    """Vital facts stated, of all vital facts."""
    return Count(sum(stated(fact, reply.all_said) for fact in vital(case)), len(vital(case)))


def cited_fact_recall(case: Case, reply: Reply) -> Count:
    """Vital facts stated in a sentence that cites an article in their support, of all vital facts."""
    return Count(sum(stated_with_support(fact, reply.all_said) for fact in vital(case)), len(vital(case)))


def citation_precision(case: Case, reply: Reply) -> Count:
    """In sentences that state a fact: citations of its supporting articles, of all citations there."""
    total = Count()
    for said in reply.all_said:
        hit = [fact for fact in case.facts if found(fact.pattern, said.text)]
        support = {key for fact in hit for key in fact.support}
        if hit:
            total += Count(sum(quoted.key in support for quoted in said.quoted), len(said.quoted))
    return total


# ---------------------------------------------------------------- faithfulness


def citation_validity(reply: Reply) -> Count:
    """Markers in the answer that resolve to one of its citations, of all its markers."""
    known = {quoted.n for said in reply.all_said for quoted in said.quoted}
    names = [name for _, cited in markers(reply.text) for name in cited]
    return Count(sum(int(name) in known for name in names), len(names))


def quote_law(reply: Reply, corpus: Corpus) -> Count:
    """Citations for which `text[start:end] == quote` in the stored article, of all citations."""
    quoted = [each for said in reply.all_said for each in said.quoted] + list(reply.nearest)
    held = (corpus.span(each.article, each.start, each.end) == each.quote != "" for each in quoted)
    return Count(sum(held), len(quoted))


def number_grounding(reply: Reply, corpus: Corpus) -> Count:
    """Numbers whose value and unit stand in an article that the same sentence cites, of all numbers said.

    A bare 1 is left out: it is a pronoun as often as a number.
    """
    total = Count()
    for said in reply.all_said:
        given = [number for number in numbers(said.text) if (number.value, number.unit) != (1, "")]
        held = [
            number
            for number in given
            if any(grounded(number, corpus.articles[key].text) for key in said.keys)
        ]
        total += Count(len(held), len(given))
    return total


def quote_fidelity(reply: Reply, corpus: Corpus) -> Count:
    """Quotations of four words or more that stand in an article that the sentence cites, of all such."""
    total = Count()
    for said in reply.all_said:
        for match in re.finditer(r'"([^"]+)"', normalise(said.text)):
            if len(match[1].split()) >= LEAST_QUOTATION:
                spoken = match[1].strip(" .,;:!?")
                total += Count(
                    int(any(spoken in normalise(corpus.articles[key].text) for key in said.keys)), 1
                )
    return total


def word_grounding(case: Case, reply: Reply) -> Count:
    """Content words that stand in the quotes of their claim or in the question, of all in the claims."""
    total = Count()
    for said in reply.said:
        known = set(content_words(" ".join([case.ask, *(each.quote for each in said.quoted)])))
        given = content_words(said.text)
        total += Count(sum(word in known for word in given), len(given))
    return total


# ---------------------------------------------------------------- what the answer is


def refusal_recall(case: Case, reply: Reply) -> Count:
    """Unanswerable questions refused, of all unanswerable ones."""
    return Count(int(reply.status == "refused"), 1) if case.class_ == "unanswerable" else Count()


def false_refusals(case: Case, reply: Reply) -> Count:
    """Answerable questions refused, of all answerable ones."""
    return Count(int(reply.status == "refused"), 1) if case.class_ == "answerable" else Count()


def false_conflicts(case: Case, reply: Reply) -> Count:
    """Answerable questions on which the answer sees a disagreement, of all answerable ones."""
    return Count(int(reply.status == "conflict"), 1) if case.class_ == "answerable" else Count()


def conflict_handling(case: Case, reply: Reply) -> Count:
    """Disagreements reported as such with every side cited to its own article, of all disagreements."""
    if case.class_ != "conflict":
        return Count()
    whole = all(stated_with_support(fact, reply.all_said) for fact in vital(case))
    return Count(int(reply.status == "conflict" and whole), 1)


def silent_picks(case: Case, reply: Reply) -> Count:
    """Disagreements of which exactly one side is told, of all disagreements."""
    if case.class_ != "conflict":
        return Count()
    return Count(int(sum(stated_with_support(fact, reply.all_said) for fact in vital(case)) == 1), 1)


def worded_by_model(reply: Reply) -> Count:
    """Claims in the model's words, of all claims."""
    return Count(sum(said.by == "model" for said in reply.said), len(reply.said))


def rejected_sentences(reply: Reply) -> Count:
    """Sentences of the model that verification rejected, of all that it wrote."""
    return Count(reply.rejected, reply.rejected + worded_by_model(reply).num)


def measure(case: Case, reply: Reply, corpus: Corpus) -> dict[str, Count]:
    """Return every metric of one reply, by the name it is reported under."""
    of_both: tuple[Callable[[Case, Reply], Count], ...] = (
        fact_recall, cited_fact_recall, citation_precision, word_grounding,
        refusal_recall, false_refusals, false_conflicts, conflict_handling, silent_picks,
    )  # fmt: skip
    counts = {metric.__name__: metric(case, reply) for metric in of_both}
    for metric in (citation_validity, worded_by_model, rejected_sentences):
        counts[metric.__name__] = metric(reply)
    counts["quote_law"] = quote_law(reply, corpus)
    counts["number_grounding"] = number_grounding(reply, corpus)
    counts["quote_fidelity"] = quote_fidelity(reply, corpus)
    return {name.replace("_", " "): count for name, count in counts.items()}


def total(measured: Iterable[Mapping[str, Count]]) -> dict[str, Count]:
    """Add up the metrics of many replies."""
    sums: dict[str, Count] = {}
    for counts in measured:
        for name, count in counts.items():
            sums[name] = sums.get(name, Count()) + count
    return sums

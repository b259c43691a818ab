"""What is counted in an answer: each metric a pure function of one case and its reply."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from evals.cases import Ban, Case, Corpus, Fact
from evals.match import found, grounded, markers, numbers, plain
from evals.reply import Quoted, Reply, Said
from rag.text import content_words

Z = 1.959963984540054
"""Two-sided 95 % of the normal distribution."""
LEAST_QUOTATION = 4
"""Words a quotation in an answer needs before its wording is checked."""
SAME_ITEM = 0.8
"""Jaccard overlap of content words above which two items of a briefing say the same."""


@dataclass(frozen=True, slots=True)
class Count:
    """`num` of `den` in one case, or over many; an empty `den` has no value, neither 0 nor 1."""

    num: int = 0
    den: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.num + other.num, self.den + other.den)

    @property
    def value(self) -> float | None:
        return self.num / self.den if self.den else None


def wilson(num: float, den: int, z: float = Z) -> tuple[float, float] | None:
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


def fact_recall(case: Case, reply: Reply) -> Count:
    """Vital facts stated, of all vital facts."""
    return Count(sum(stated(fact, reply.all_said) for fact in case.vital), len(case.vital))


def strict_fact_recall(case: Case, reply: Reply) -> Count:
    """Cases that state every vital fact, of all that have some."""
    recall = fact_recall(case, reply)
    return Count(int(recall.num == recall.den), 1) if recall.den else Count()


def cited_fact_recall(case: Case, reply: Reply) -> Count:
    """Vital facts stated in a sentence that cites an article in their support, of all vital facts."""
    return Count(sum(stated_with_support(fact, reply.all_said) for fact in case.vital), len(case.vital))


def okay_facts(case: Case, reply: Reply) -> Count:
    """Facts stated that an answer may leave out, of all such facts."""
    spare = [fact for fact in case.facts if not fact.vital]
    return Count(sum(stated(fact, reply.all_said) for fact in spare), len(spare))


def _judged(case: Case, reply: Reply) -> Iterator[tuple[Said, set[str]]]:
    """Yield each sentence that states a fact, with the articles that support what it states."""
    for said in reply.all_said:
        hit = [fact for fact in case.facts if found(fact.pattern, said.text)]
        if hit:
            yield said, {key for fact in hit for key in fact.support}


def citation_precision(case: Case, reply: Reply) -> Count:
    """In sentences that state a fact: citations of its supporting articles, of all citations there."""
    total = Count()
    for said, support in _judged(case, reply):
        total += Count(sum(quoted.key in support for quoted in said.quoted), len(said.quoted))
    return total


def judged_share(case: Case, reply: Reply) -> Count:
    """Citations that citation precision can judge, of all: how much that figure speaks for."""
    judged = sum(len(said.quoted) for said, _ in _judged(case, reply))
    return Count(judged, sum(len(said.quoted) for said in reply.all_said))


def must_not(case: Case, reply: Reply) -> Count:
    """Cases in which something is said that must not be, of those that forbid something."""
    return Count(int(any(said_bans(case, reply))), 1) if case.bans else Count()


def said_bans(case: Case, reply: Reply) -> Iterator[Ban]:
    """Yield each ban that the reply breaks."""
    for ban in case.bans:
        if any(found(ban.pattern, said.text) for said in reply.all_said):
            yield ban


# ---------------------------------------------------------------- faithfulness


def citation_validity(reply: Reply) -> Count:
    """Markers that resolve to a citation of a passage that was found for the question, of all markers.

    Where no passages are on record it is enough that the marker resolves.
    """
    passed = {quoted.n for said in reply.all_said for quoted in said.quoted if _was_passed(quoted, reply)}
    names = [name for _, cited in markers(reply.text) for name in cited]
    return Count(sum(int(name) in passed for name in names), len(names))


def _was_passed(quoted: Quoted, reply: Reply) -> bool:
    if not reply.found:
        return True
    return any(
        each.article == quoted.article and each.start < quoted.end and quoted.start < each.end
        for each in reply.found
    )


def quote_law(reply: Reply, corpus: Corpus) -> Count:
    """Citations for which `text[start:end] == quote` in the stored article, of all citations."""
    quoted = reply.all_quoted
    held = (corpus.span(each.article, each.start, each.end) == each.quote != "" for each in quoted)
    return Count(sum(held), len(quoted))


def citation_coverage(reply: Reply) -> Count:
    """Factual sentences with a citation, of all that have a number, a quotation or a capitalised name."""
    factual = [said for said in reply.all_said if _is_factual(said.text)]
    return Count(sum(bool(said.keys) for said in factual), len(factual))


def _is_factual(text: str) -> bool:
    later_name = re.search(r"(?<=[^.!?\s] )[\"“(]?[A-Z][\w'’-]*", text)
    return bool(numbers(text) or re.search(r"[\"“”]", text) or later_name)


def number_grounding(reply: Reply, corpus: Corpus) -> Count:
    """Numbers whose value and unit stand in an article that the same sentence cites, of all numbers said.

    A bare 1 is left out: it is a pronoun as often as a number.
    """
    total = Count()
    for said in reply.all_said:
        given = [number for number in numbers(said.text) if (number.value, number.unit) != (1, "")]
        held = [number for number in given if any(grounded(number, corpus.text(key)) for key in said.keys)]
        total += Count(len(held), len(given))
    return total


def quote_fidelity(reply: Reply, corpus: Corpus) -> Count:
    """Quotations of four words or more that stand in an article that the sentence cites, of all such."""
    total = Count()
    for said in reply.all_said:
        for match in re.finditer(r'"([^"]+)"', plain(said.text)):
            if len(match[1].split()) >= LEAST_QUOTATION:
                spoken = match[1].strip(" .,;:!?")
                total += Count(int(any(spoken in plain(corpus.text(key)) for key in said.keys)), 1)
    return total


@lru_cache(maxsize=4096)
def _bag(text: str) -> tuple[str, ...]:
    return tuple(content_words(text))


def word_grounding(case: Case, reply: Reply) -> Count:
    """Content words that stand in the quotes of their claim or in the question, of all in the claims."""
    total = Count()
    for said in reply.said:
        known = {word for text in (case.ask, *(each.quote for each in said.quoted)) for word in _bag(text)}
        given = _bag(said.text)
        total += Count(sum(word in known for word in given), len(given))
    return total


# ---------------------------------------------------------------- what the answer is


def _if(applies: bool, num: bool) -> Count:  # noqa: FBT001 - the two are what a rate is made of
    return Count(int(num), 1) if applies else Count()


def refusal_recall(case: Case, reply: Reply) -> Count:
    """Unanswerable questions refused, of all unanswerable ones."""
    return _if(case.class_ == "unanswerable", reply.status == "refused")


def false_refusals(case: Case, reply: Reply) -> Count:
    """Answerable questions refused, of all answerable ones."""
    return _if(case.class_ == "answerable" and case.kind == "qa", reply.status == "refused")


def false_conflicts(case: Case, reply: Reply) -> Count:
    """Answerable questions on which the answer sees a disagreement, of all answerable ones."""
    return _if(case.class_ == "answerable" and case.kind == "qa", reply.status == "conflict")


def conflict_handling(case: Case, reply: Reply) -> Count:
    """Disagreements reported as such with every side cited to its own article, of all disagreements."""
    whole = all(stated_with_support(fact, reply.all_said) for fact in case.vital)
    return _if(case.class_ == "conflict", reply.status == "conflict" and whole)


def silent_picks(case: Case, reply: Reply) -> Count:
    """Disagreements of which exactly one side is told, of all disagreements."""
    told = sum(stated_with_support(fact, reply.all_said) for fact in case.vital)
    return _if(case.class_ == "conflict", told == 1)


def worded_by_model(reply: Reply) -> Count:
    """Claims in the model's words, of all claims."""
    return Count(sum(said.by == "model" for said in reply.said), len(reply.said))


def rejected_sentences(reply: Reply) -> Count:
    """Sentences of the model that verification rejected, of all that it wrote."""
    rejected = len(reply.rejected)
    return Count(rejected, rejected + worded_by_model(reply).num)


# ---------------------------------------------------------------- retrieval


def retrieval_recall(case: Case, reply: Reply) -> Count:
    """Vital facts of which a supporting article is among the passages found, of all vital facts."""
    keys = {each.key for each in reply.found}
    return Count(sum(bool(keys & set(fact.support)) for fact in case.vital), len(case.vital))


def context_fact_recall(case: Case, reply: Reply) -> Count:
    """Vital facts whose quote (or, without one, the fact itself) stands in a passage found, of all."""
    return Count(sum(in_passages(fact, reply) for fact in case.vital), len(case.vital))


def in_passages(fact: Fact, reply: Reply) -> bool:
    """Whether a passage of a supporting article has the quote of the fact or states it."""
    return any(
        each.key in fact.support
        and (found(fact.pattern, each.text) or (bool(fact.quote) and plain(fact.quote) in plain(each.text)))
        for each in reply.found
    )


# ---------------------------------------------------------------- briefings


def distinct_articles(reply: Reply) -> int:
    """Return how many articles the answer cites."""
    return len({quoted.key or quoted.article for said in reply.all_said for quoted in said.quoted})


def duplicate_items(reply: Reply) -> Count:
    """Sentences that repeat an earlier one (Jaccard of content words above 0.8), of all but the first."""
    bags = [set(_bag(said.text)) for said in reply.said]
    repeated = sum(
        any(_jaccard(bag, other) > SAME_ITEM for other in bags[:index]) for index, bag in enumerate(bags)
    )
    return Count(repeated, max(0, len(bags) - 1))


def _jaccard(left: set[str], right: set[str]) -> float:
    return len(left & right) / len(left | right) if left | right else 0.0


# ---------------------------------------------------------------- together


def measure(case: Case, reply: Reply, corpus: Corpus) -> dict[str, Count]:
    """Return every metric of one reply, by the name it is reported under."""
    of_both: tuple[Callable[[Case, Reply], Count], ...] = (
        fact_recall, strict_fact_recall, cited_fact_recall, okay_facts,
        citation_precision, judged_share, must_not, word_grounding,
        refusal_recall, false_refusals, false_conflicts, conflict_handling, silent_picks,
        retrieval_recall, context_fact_recall,
    )  # fmt: skip
    counts = {metric.__name__: metric(case, reply) for metric in of_both}
    for metric in (citation_validity, citation_coverage, worded_by_model, rejected_sentences):
        counts[metric.__name__] = metric(reply)
    if case.kind == "briefing":
        counts["duplicate_items"] = duplicate_items(reply)
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

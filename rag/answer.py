"""Question and evidence -> an answer: which sentences, in whose words, or that the articles do not say."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from collections.abc import Generator as Events
from dataclasses import dataclass, replace
from typing import Protocol, TypeGuard

from models.protocols import Embedder, Generator, Parse, Parser
from rag.compare import asked_difference, asks_by_name
from rag.confidence import PLAIN, Calibration, confidence, veto
from rag.disagree import sides
from rag.either import either_or
from rag.errors import CancelledError, ModelError
from rag.evidence import Evidence, known_people
from rag.names import name_keys, same_name
from rag.numbers import quantities
from rag.prompts import compose_prompt, write_prompt
from rag.question import Question
from rag.records import Answer, Citation, Claim, Hit, Rejected, Side, Status, Tier
from rag.spans import candidates
from rag.syntax import below
from rag.text import STOPWORDS, normalise, sentences, words
from rag.trim import finish
from rag.verify import check, well_formed
from rag.wordings import Opening, wordings

MOST_CLAIMS = 3
WORTH_ADDING = 0.25
"""A further sentence is added when it is evidenced at least this well, as a share of the best."""
OPEN = frozenset({"thing", "manner", "reason", "quote"})
"""Kinds of question whose answer may go on in the next sentence."""
_PRONOUN = re.compile(r"(?:They|He|She) ")
TRIES = 2
"""Drafts the model may write of the best sentence. Further sentences stand verbatim."""
NEAREST = 3
SHORT_OF_IT = "What comes nearest falls short: {lacking}."
REPLY_TOKENS = 160
COMPOSE_TOKENS = 200
TYPED = 0.6
"""How surely a span is of the kind asked for, from which no other of its sentence need stay beside it."""
LONGEST_OPENING = 90
"""Characters."""


@dataclass(frozen=True, slots=True)
class Found:
    """The passages were found; sent before anything is written."""

    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """The whole visible text so far, not yet verified."""

    text: str


Event = Found | Draft | Answer


class Tools(Protocol):
    """What answering needs besides the evidence."""

    @property
    def embedder(self) -> Embedder: ...
    @property
    def parser(self) -> Parser: ...
    @property
    def generator(self) -> Generator | None: ...
    @property
    def calibration(self) -> Calibration: ...


def answer(
    question: Question,
    evidence: Sequence[Evidence],
    tools: Tools,
    *,
    tier: Tier = "write",
    hits: Sequence[Hit] = (),
    cancelled: Callable[[], bool] | None = None,
) -> Events[Draft | Answer, None, None]:
    """Yield drafts while a model writes, then the verified answer.

    A difference may lie in an article of the `hits` that gave no evidence.
    """
    chance = confidence(question, evidence, tools.calibration)
    nearest = tuple(found.citation() for found in evidence[:NEAREST])
    sure = chance >= tools.calibration.threshold
    differing = _differing(question, evidence, tools, hits, sure=sure)
    if not evidence or not (sure or differing):
        lacking = veto(question, evidence[0]) if evidence else ""
        notes = (SHORT_OF_IT.format(lacking=lacking),) if lacking else ()
        yield Answer(question.text, "refused", nearest=nearest, confidence=chance, notes=notes)
        return
    chance = chance if sure else PLAIN
    chosen = _choose(question, evidence, differing)
    claims: list[Claim] = []
    rejected: list[Rejected] = []
    writer = tools.generator if tier in {"write", "compose"} else None
    if tier == "compose" and writer is not None:
        known = [found for found in chosen if isinstance(found, Evidence)]
        for event in _compose(question, known, writer, tools.parser, cancelled):
            if isinstance(event, Draft):
                yield event
            elif isinstance(event, Claim):
                claims.append(event)
            else:
                rejected.append(event)
    if not claims:
        for place, found in enumerate(chosen):
            written = None
            if writer is not None and place == 0 and _is_on_it(found, differing):
                for step in _write(question, found, writer, tools.parser, cancelled):
                    if isinstance(step, Draft):
                        yield step
                    elif isinstance(step, Claim):
                        written = step
                    else:
                        rejected.append(step)
            claims.append(written or _verbatim(found))
    merged = _merge([_corroborate(claim, evidence, question, tools.parser) for claim in claims])
    status: Status = "conflict" if differing else "answered"
    yield Answer(
        question.text,
        status,
        claims=merged,
        short=_short(chosen[0], differing),
        sides=differing,
        confidence=chance,
        rejected=tuple(rejected),
    )


def _differing(
    question: Question,
    evidence: Sequence[Evidence],
    tools: Tools,
    hits: Sequence[Hit],
    *,
    sure: bool,
) -> tuple[Side, ...]:
    """The sides of what is asked. Where evidence is too weak, only a difference that is asked for by name."""
    told = either_or(question, evidence) if sure else ()
    if not told and (sure or asks_by_name(question)):
        told = asked_difference(question, evidence, tools.embedder, tools.parser, hits=hits)
    return told or (sides(question, evidence, tools.embedder) if sure else ())


def _choose(
    question: Question, evidence: Sequence[Evidence], differing: Sequence[Side]
) -> list[Evidence | Citation]:
    """The sentences the answer stands on: one per side, or the best and what comes near it."""
    if differing:
        known = {(e.sentence.article.id, e.sentence.start): e for e in evidence}
        leads = [side.citations[0] for side in differing]
        return list(dict.fromkeys(known.get((lead.article.id, lead.start), lead) for lead in leads))
    best = evidence[0]
    chosen = [best]
    for other in evidence[1:]:
        if len(chosen) == MOST_CLAIMS or other.score < WORTH_ADDING * best.score:
            break
        if not any(_says_the_same(other, held) for held in chosen):
            chosen.append(other)
    if question.kind in OPEN and len(chosen) < MOST_CLAIMS:
        chosen += [found for found in evidence if found not in chosen and _goes_on(found, chosen)][:1]
    return [*chosen]


def _goes_on(found: Evidence, chosen: Sequence[Evidence]) -> bool:
    """Whether a sentence goes on behind one of the chosen: "Critics are worried. They fear that …"."""
    sentence = found.sentence
    if not _PRONOUN.match(sentence.text):
        return False
    earlier = (held.sentence for held in chosen if held.sentence.end <= sentence.start)
    return any(sentence.adjoins(held) for held in earlier)


def _short(best: Evidence | Citation, differing: Sequence[Side]) -> str | None:
    if isinstance(best, Citation) or differing:
        # What a side says in words of our own is no span of the article.
        value, quote = differing[0].value, differing[0].citations[0].quote
        return value if value in quote else None
    return None if best.span.whole else best.short


def _says_the_same(left: Evidence, right: Evidence) -> bool:
    if not left.span.whole and not right.span.whole:
        a, b = normalise(left.short), normalise(right.short)
        if a in b or b in a:
            return True
    ours, theirs = set(words(left.sentence.text)) - STOPWORDS, set(words(right.sentence.text)) - STOPWORDS
    return len(ours & theirs) >= 0.6 * min(len(ours), len(theirs) or 1)


def _verbatim(found: Evidence | Citation) -> Claim:
    citation = found if isinstance(found, Citation) else found.citation()
    return Claim(" ".join(citation.quote.split()), (citation,), by="source")


def _write(
    question: Question,
    found: Evidence,
    writer: Generator,
    parser: Parser,
    cancelled: Callable[[], bool] | None,
) -> Iterator[Draft | Claim | Rejected]:
    """Have the model word one sentence; a draft that fails verification is yielded as Rejected."""
    if _anywhere(question, found):
        return
    source = " ".join(found.sentence.text.split())
    prompt = write_prompt(question.text, source)
    keep = may_answer(question, found)
    tries = 0
    for opening in _openings(question, _persons(found, parser)):
        lattice = wordings(found.sentence.parse, keep, opening)
        if lattice is None or tries == TRIES:
            continue
        tries += 1
        text = opening.text
        for piece in writer.write(
            prompt,
            max_tokens=REPLY_TOKENS,
            stop=("\n",),
            opening=opening.text,
            lattice=lattice,
            cancelled=cancelled,
        ):
            text += piece
            yield Draft(text.strip())
        text = finish(text)
        if normalise(text) == normalise(source):
            return
        reason = objection(parser.parse([text])[0], found, question)
        if not reason:
            yield Claim(text, (found.citation(),), by="model")
            return
        yield Rejected(text, reason)


def _is_on_it(found: Evidence | Citation, differing: Sequence[Side]) -> TypeGuard[Evidence]:
    """Whether the span of the sentence is what the first side says, so that the rest may be shortened."""
    if not isinstance(found, Evidence):
        return False
    return not differing or normalise(found.short) == normalise(differing[0].value)


def _anywhere(question: Question, found: Evidence) -> bool:
    """Whether any part of the sentence may be the answer, an apposition as well: nothing of it may go."""
    unsure = found.span.whole or (question.kind == "reason" and found.span.typed < TYPED)
    return unsure and question.kind not in {"yesno", "quote"}


def may_answer(question: Question, found: Evidence) -> list[tuple[int, int]]:
    """Return the spans that may be the answer, the chosen one first; none when the whole sentence may."""
    if found.span.whole:
        return []
    others = candidates(question, found.sentence.parse, known_people([found.sentence]))
    least = min(found.span.typed, TYPED)
    may = [span for span in others if not span.whole and span.typed >= least]
    return [(span.start, span.end) for span in (found.span, *may)]


def objection(claim: Parse, found: Evidence, question: Question) -> str:
    """Return why a written sentence may not stand for the sentence it was made from; empty when it may."""
    wrong = well_formed(claim)
    if wrong:
        return wrong
    if not _answers(claim.text, found, question):
        return "it does not answer what was asked"
    verdict = check(claim, [found.sentence.parse], question.parse, context=found.sentence.before)
    return "" if verdict.support == "supported" else verdict.reason


def _answers(text: str, found: Evidence, question: Question) -> bool:
    """Whether the sentence holds the answer: the short span, its numbers, or the last word of its name."""
    if found.span.whole:
        said, source = set(words(text)) - STOPWORDS, set(words(found.sentence.text)) - STOPWORDS
        return len(said - set(words(question.text))) >= 2 and len(said & source) >= 3
    low = normalise(text)
    short = normalise(found.short)
    if short in low:
        return True
    amounts = quantities(found.short)
    if amounts:
        return all(any(amount.same(other) for other in quantities(text)) for amount in amounts)
    content = [word for word in words(short) if word not in STOPWORDS]
    held = sum(word in words(low) for word in content)
    if question.kind in {"person", "place", "group"}:
        return bool(content) and content[-1] in words(low)
    return bool(content) and held >= 0.6 * len(content)


def _persons(found: Evidence, parser: Parser) -> frozenset[str]:
    """The surnames of the persons named last before a sentence that has "he" or "she", in one sentence."""
    if not any(token.text.casefold() in {"he", "she"} for token in found.sentence.parse.tokens):
        return frozenset()
    before = found.sentence.before.rpartition(" . ")[2]
    for parse in reversed(parser.parse([before[start:end] for start, end in sentences(before)])):
        people = (entity.text for entity in parse.entities if entity.label == "PERSON")
        if keys := frozenset(key for name in people for key in name_keys(name)):
            return keys
    return frozenset()


def _openings(question: Question, persons: Collection[str] = ()) -> list[Opening]:
    """What the reply may begin with: the subject of the question with its helping verb, that alone, nothing.

    `persons` are those whom "he" or "she" in the sentence may stand for; of two nobody knows whom.

    A small model that is given the first words goes on rightly far more often than one that chooses them.
    """
    tokens = question.parse.tokens
    root = next((i for i, token in enumerate(tokens) if token.head == i), 0)
    subject = next(
        (i for i, t in enumerate(tokens) if t.dep in {"nsubj", "nsubjpass"} and t.head == root), None
    )
    inside = sorted(below(tokens, subject)) if subject is not None else []
    if not inside or any(tokens[j].tag in {"WP", "WDT", "WRB", "WP$"} for j in inside):
        return [Opening()]
    named = _capital(question.text[tokens[inside[0]].start : tokens[inside[-1]].end])
    meant = bool(persons) and all(same_name(person, key) for person in persons for key in name_keys(named))
    helping = [t for t in tokens if t.dep in {"aux", "auxpass"} and t.head == root and t.lemma != "do"]
    if tokens[root].lemma.casefold() == "be":
        helping.append(tokens[root])
    helped = [
        Opening(f"{named} {helper.text}", named, helper, person=meant)
        for helper in helping[:1]
        if helper.start < tokens[inside[0]].start
    ]
    openings = [*helped, Opening(named, named, person=meant)]
    return [*(opening for opening in openings if len(opening.text) < LONGEST_OPENING), Opening()]


def _capital(text: str) -> str:
    text = " ".join(text.split())
    return text[:1].upper() + text[1:]


def _corroborate(claim: Claim, evidence: Sequence[Evidence], question: Question, parser: Parser) -> Claim:
    """Add the sentences of other articles that say the same thing, each judged by the same check."""
    parse = parser.parse([claim.text])[0]
    citations = list(claim.citations)
    home = next(
        (
            e
            for e in evidence
            if (e.sentence.article.id, e.sentence.start) == (citations[0].article.id, citations[0].start)
        ),
        None,
    )
    held = {citation.article.id for citation in citations}
    for other in evidence[:8]:
        article = other.sentence.article.id
        if home is None or article in held or not _says_the_same(other, home):
            continue
        if (
            check(parse, [other.sentence.parse], question.parse, context=other.sentence.before).support
            == "supported"
        ):
            citations.append(other.citation())
            held.add(article)
    return replace(claim, citations=tuple(citations))


def _merge(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """Drop a claim that says word for word what an earlier one says, keeping its citations."""
    kept: dict[str, Claim] = {}
    for claim in claims:
        key = normalise(claim.text)
        if key in kept:
            known = {(c.article.id, c.start) for c in kept[key].citations}
            more = tuple(c for c in claim.citations if (c.article.id, c.start) not in known)
            kept[key] = replace(kept[key], citations=(*kept[key].citations, *more))
        else:
            kept[key] = claim
    return tuple(kept.values())


def _compose(
    question: Question,
    chosen: Sequence[Evidence],
    writer: Generator,
    parser: Parser,
    cancelled: Callable[[], bool] | None,
) -> Iterator[Draft | Claim | Rejected]:
    """Have a larger model fuse the sentences; each sentence it writes is cited by the program or rejected."""
    text = ""
    prompt = compose_prompt(question.text, [found.sentence.text for found in chosen])
    for piece in writer.write(prompt, max_tokens=COMPOSE_TOKENS, cancelled=cancelled):
        text += piece
        yield Draft(text.strip())
    text = re.sub(r"\s*\((\d)\)|\s*\[(\d)\]", "", text).strip()
    for start, end in sentences(text):
        parse = parser.parse([text[start:end]])[0]
        wrong = well_formed(parse)
        verdicts = [check(parse, [found.sentence.parse], question.parse) for found in chosen]
        backing: list[Citation] = [
            found.citation()
            for found, verdict in zip(chosen, verdicts, strict=True)
            if verdict.support == "supported"
        ]
        if not backing and not wrong:
            together = check(parse, [found.sentence.parse for found in chosen], question.parse)
            if together.support == "supported":
                backing = [found.citation() for found in chosen]
        if backing and not wrong:
            yield Claim(parse.text, tuple(backing), by="model")
        else:
            yield Rejected(parse.text, wrong or verdicts[0].reason)


__all__ = ["CancelledError", "Draft", "Event", "Found", "ModelError", "Tools", "answer", "objection"]

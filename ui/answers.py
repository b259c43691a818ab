"""Turns of a conversation as HTML: the answers on the left, the sources they lean on beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.records import Answer, Citation, Claim, Hit, ReadFilter, Rejected, Side
from rag.render import (
    OPENINGS,
    Numbers,
    answer_to_markdown,
    citation_numbers,
    cited,
    day_in_words,
    is_verbatim,
    safe,
    unmarked,
)
from rag.text import content_words, normalise
from ui.sources import byline, citation_mark, clip, count, escape, found_card, source_card, verdict

WELCOME = "Ask a question. Every sentence of the answer names the passage that says so."
FIRST_RUN = (
    '<div class="ts-first"><h2>Your library is empty.</h2><p>Tearsheet answers from articles that you give '
    "it, and hands over, with every sentence, the passage that says so. Add files, folders, pages or feeds "
    "in the Library tab, or begin with five short news articles that come along:</p></div>"
)
NO_SOURCES = "The passages an answer leans on stand here, with the quoted words marked."
STOPPED = "Stopped before the answer was checked."
STEM = 5
"""Letters of a word that must stand in a passage for it to speak of the same thing."""
MOST_MISSING = 4
"""Words of a question that are named as standing in no passage."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One question on the page and what has become of it so far."""

    number: int
    question: str
    hits: tuple[Hit, ...] = ()
    draft: str = ""
    answer: Answer | None = None
    problem: str = ""
    """Why there is no answer, as a sentence for the reader."""
    where: str = ""
    """The articles it was asked of, in words; empty for all."""
    unread: tuple[str, ...] = ()
    """Words of the question that were not to narrow the articles."""


# The conversation, newest first


def conversation(turns: Sequence[Turn], *, waiting: bool = False) -> str:
    """Return the answers, newest first; `waiting` says that the newest is not there yet."""
    if not turns:
        return f'<p class="ts-empty">{WELCOME}</p>'
    earlier = "".join(_turn(turn, waiting=False) for turn in reversed(turns[:-1]))
    return _turn(turns[-1], waiting=waiting) + earlier


def _turn(turn: Turn, *, waiting: bool) -> str:
    if turn.answer is not None:
        body = answer_body(turn.answer, turn.number)
    elif waiting:
        body = _draft(turn, "Draft, not checked yet") or '<p class="ts-waiting"></p>'
    else:
        body = f'<p class="ts-problem">{escape(turn.problem or STOPPED)}</p>{_draft(turn, "Not checked")}'
    question = f'<h2 dir="auto">{escape(clip(turn.question, 600)) or "(no question)"}</h2>'
    asked = turn.answer.asked_as if turn.answer else ""
    read = f'<p class="ts-where" dir="auto">Read as: {escape(clip(asked, 600))}</p>' if asked else ""
    narrowed = f'<p class="ts-where" dir="auto">{escape(turn.where)}</p>' if turn.where else ""
    inside = f"{question}{read}{narrowed}{body}"
    return f'<article class="ts-turn" id="turn-{turn.number}" tabindex="-1">{inside}</article>'


def _draft(turn: Turn, label: str) -> str:
    if not turn.draft:
        return ""
    return f'<p class="ts-label">{label}</p><p class="ts-draft" dir="auto">{escape(turn.draft)}</p>'


def answer_body(answer: Answer, turn: int) -> str:
    """Return a verified answer: its claims, each over the quoted source sentence and the verdict in words."""
    numbers = citation_numbers(answer)
    opening = OPENINGS[answer.status]
    parts = [f'<p class="ts-opening ts-{answer.status}">{opening}</p>'] if opening else []
    if answer.status == "refused" and answer.hits:
        parts.append(f'<p class="ts-missing">{escape(missing(answer))}</p>')
    if answer.short and answer.claims and is_verbatim(answer.claims[0]):
        parts.append(f'<p class="ts-short" dir="auto">{escape(answer.short)}</p>')
    parts.append(_sides(answer.sides, numbers, turn))
    parts.extend(_claim(claim, numbers, turn) for claim in answer.claims)
    parts.append(_nearest(answer.nearest, numbers, turn))
    parts.extend(f'<p class="ts-note">{escape(note)}</p>' for note in answer.notes)
    return "".join(parts) + _set_aside(answer.rejected)


def missing(answer: Answer) -> str:
    """Return a sentence on what the passages that were found lack of what was asked."""
    found = normalise(" ".join(hit.passage.text for hit in answer.hits))
    written = re.findall(r"\w[\w’'-]*", answer.asked_as or answer.question)
    asked = {word: content_words(word) for word in dict.fromkeys(written)}
    absent = [word for word, parts in asked.items() if any(part[:STEM] not in found for part in parts)]
    read = f"{count(len(answer.hits), 'passage')} found"
    if absent:
        named = " or ".join(f"“{word}”" for word in absent[:MOST_MISSING])
        return f"Of the {read}, none mentions {named}."
    return f"The {read} speak of all that was asked, but no sentence among them answers it."


def _claim(claim: Claim, numbers: Numbers, turn: int) -> str:
    if is_verbatim(claim):
        return _told(claim) + _quotes(claim.citations, numbers, turn, lead=True)
    marks = " ".join(citation_mark(citation, numbers, turn) for citation in claim.citations)
    text = f'<p class="ts-claim" dir="auto">{escape(unmarked(claim.text))} {marks}</p>'
    return text + _told(claim) + _quotes(claim.citations, numbers, turn)


def _told(claim: Claim) -> str:
    said = independent(claim.citations)
    return f'<p class="ts-independent">{said}</p>' if said else ""


def independent(citations: Iterable[Citation]) -> str:
    """Return how many of the cited articles are no copies of one another; empty for one article.

    An article that was never grouped counts as its own origin.
    """
    articles = {citation.article.id: citation.article.origin for citation in citations}
    origins = {origin or id_ for id_, origin in articles.items()}
    return f"{len(origins)} of {len(articles)} independent" if len(articles) > 1 else ""


def _quotes(citations: Sequence[Citation], numbers: Numbers, turn: int, *, lead: bool = False) -> str:
    large = " ts-lead" if lead else ""
    return "".join(
        f'<blockquote class="ts-quote{large}"><p dir="auto">{escape(citation.quote)}</p>'
        f'<p class="ts-from">{byline(citation.article)} {citation_mark(citation, numbers, turn)} '
        f"{verdict(citation)}</p></blockquote>"
        for citation in citations
    )


def _sides(sides: Sequence[Side], numbers: Numbers, turn: int) -> str:
    columns = "".join(
        f'<section class="ts-side"><h3 dir="auto">{escape(side.value)}</h3>'
        f'<p class="ts-from">{_givers(side)}</p>{_quotes(side.citations, numbers, turn)}</section>'
        for side in sides
    )
    return f'<div class="ts-sides">{columns}</div>' if sides else ""


def _givers(side: Side) -> str:
    number = len({citation.article.id for citation in side.citations})
    return ", ".join(filter(None, (count(number, "article"), independent(side.citations))))


def _nearest(nearest: Sequence[Citation], numbers: Numbers, turn: int) -> str:
    items = "".join(
        f'<li><span dir="auto">{escape(clip(citation.quote, 220))}</span> <span class="ts-from">'
        f"{byline(citation.article)} {citation_mark(citation, numbers, turn, judged=False)}</span></li>"
        for citation in nearest
    )
    return f'<p class="ts-label">The nearest passages</p><ul class="ts-nearest">{items}</ul>' if items else ""


def _set_aside(rejected: Sequence[Rejected]) -> str:
    items = "".join(
        f'<li><span dir="auto">{escape(sentence.text)}</span> <em>{escape(sentence.reason)}</em></li>'
        for sentence in rejected
    )
    said = f"{count(len(rejected), 'sentence')} of the model set aside"
    return f'<details class="ts-aside"><summary>{said}</summary><ul>{items}</ul></details>' if items else ""


def chips(turns: Sequence[Turn]) -> list[str]:
    """Return what the words of the newest question narrowed the articles to, each as a plain label."""
    answer = turns[-1].answer if turns else None
    return [_chip(read) for read in answer.filters] if answer else []


def _chip(read: ReadFilter) -> str:
    first, last = day_in_words(read.first), day_in_words(read.last)
    span = first if first == last or not last else f"{first} to {last}"
    told = {
        "outlet": clip(" or ".join(read.first.split("\n")), 60),
        "published": span,
        "latest": "the newest",
    }
    return f"✕ {safe(read.said)}: {safe(told[read.kind])}"


# The sources beside it


def source_pane(turns: Sequence[Turn], *, waiting: bool = False) -> str:
    """Return the source cards: those of the newest question open, the earlier ones folded."""
    if not turns:
        return f'<h2 class="ts-pane">Sources</h2><p class="ts-empty">{NO_SOURCES}</p>'
    newest = turns[-1]
    name = "Passages found" if waiting else "Sources"
    told = independent(cited(newest.answer)) if newest.answer else ""
    said = f' <span class="ts-independent">{told}</span>' if told else ""
    parts = [f'<h2 class="ts-pane">{name}{said}</h2>', _cards(newest, newest=True)]
    for turn in reversed(turns[:-1]):
        cards = _cards(turn, newest=False)
        summary = f"Sources for “{escape(clip(turn.question, 80))}”"
        folded = f'<details class="ts-earlier"><summary>{summary}</summary>{cards}</details>'
        parts.append(folded if cards else "")
    return "".join(parts)


def _cards(turn: Turn, *, newest: bool) -> str:
    """Return the cited cards of a question; of the newest also what else was found."""
    if turn.answer is None:
        return "".join(found_card(hit) for hit in turn.hits)
    citations = cited(turn.answer)
    cards = "".join(
        source_card(
            citation,
            turn.number,
            n,
            whole=newest,
            copy_of=_first_copy(citations, n),
            judged=citation not in turn.answer.nearest,
        )
        for n, citation in enumerate(citations, start=1)
    )
    others = [hit for hit in turn.hits if not any(_covers(hit, citation) for citation in citations)]
    if newest and others:
        found = "".join(found_card(hit) for hit in others)
        summary = f"{count(len(others), 'other passage')} read"
        cards += f'<details class="ts-more"><summary>{summary}</summary>{found}</details>'
    return cards


def _first_copy(citations: Sequence[Citation], number: int) -> int:
    """Return the number of the first card of another article with the same origin; 0 when there is none."""
    article = citations[number - 1].article
    for n, other in enumerate(citations[: number - 1], start=1):
        if article.origin and other.article.origin == article.origin and other.article.id != article.id:
            return n
    return 0


def _covers(hit: Hit, citation: Citation) -> bool:
    passage = hit.passage
    return passage.article.id == citation.article.id and passage.start <= citation.start < passage.end


# To take away


def turn_to_markdown(turn: Turn) -> str:
    """Return a question and its answer as Markdown with a footnote for each passage."""
    if turn.answer is not None:
        return answer_to_markdown(turn.answer)
    return answer_to_markdown(Answer(turn.question, "refused", notes=(turn.problem or STOPPED,)))


def conversation_to_markdown(turns: Sequence[Turn]) -> str:
    """Return a whole conversation as Markdown; footnotes are told apart by the number of the turn."""
    told = (re.sub(r"\[\^(\d+)\]", rf"[^{turn.number}-\1]", turn_to_markdown(turn)) for turn in turns)
    return "\n".join(("# A conversation with Tearsheet\n", *told))

"""A draft against the library: what the articles say of each of its sentences, and the best words for it.

The verdict on a claim is `rag.verdict`'s; what is added here is what only a draft has: sentences that claim
nothing, quotations with their speakers, and days reckoned from the day it was written.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date

from models.protocols import Embedder, Pairs, Parse, Parser
from rag.dates import dates, day_of
from rag.names import name_keys, same_name
from rag.records import Article, Checked, Citation, Passage, Support
from rag.text import content_words, normalise, sentence_at, sentences, words
from rag.verdict import lowered, verdict

QUOTED_WORDS = 4
"""Words from which words in quotation marks are a quotation; fewer are often only a term."""
MISQUOTED = 0.75
"""Likeness from which other words of an article are taken for the ones that were meant."""
FEWEST_WORDS = 4
"""Words from which a sentence claims something."""

Find = Callable[[str], Sequence[Passage]]

_QUOTE = re.compile(r"“([^”]{8,})”|\"([^\"]{8,})\"|«([^»]{8,})»")
_SAYING = frozenset(
    "say tell state claim argue warn announce declare insist add write report explain call describe".split()
)
_RELATIVE = re.compile(
    r"^(?:(?:last|this)\s+)?(?:mon|tues|wednes|thurs|fri|satur|sun)day$|^(?:today|yesterday|tonight)$", re.I
)


def check_text(
    text: str,
    find: Find,
    parser: Parser,
    embedder: Embedder,
    *,
    written: date,
    checker: Pairs | None = None,
) -> Iterator[Checked]:
    """Yield each sentence of a draft with its verdict. `find` gives the passages nearest to some words.

    A `checker` may lower the verdict on what is no quotation.
    """
    before = ""
    for start, end in sentences(text):
        told = " ".join(text[start:end].split())
        parse = parser.parse([told])[0]
        if not claims_something(parse):
            yield Checked(told, start, end, "none")
            continue
        about = f"{told} {before}" if parse.tokens[0].pos == "PRON" else told
        passages = find(about)
        quotes = [quote for quote in quotations(told) if len(words(quote)) >= QUOTED_WORDS]
        checked = Checked(told, start, end, "quotation" if quotes else "claim")
        if quotes:
            yield _quoted(checked, parse, quotes, passages, find, parser, embedder, written)
        else:
            claim = dated(told, written)
            said = lowered(verdict(claim, passages, parser, embedder), claim, passages, checker)
            yield replace(checked, support=said.support, reason=said.reason, citations=said.citations)
        before = told


def claims_something(parse: Parse) -> bool:
    """Whether a sentence says something of the world; a question, a heading or a greeting does not."""
    told = parse.text.strip()
    if told.endswith("?") or len(words(told)) < FEWEST_WORDS or not content_words(told):
        return False
    ends = bool(re.search(r"[.!…][\"”»’')\]]*$", told))
    finite = any(
        token.pos in {"VERB", "AUX"} and token.tag in {"VBD", "VBZ", "VBP", "MD"} for token in parse.tokens
    )
    return ends and finite


def quotations(text: str) -> list[str]:
    """Return what stands in quotation marks."""
    return [next(filter(None, match.groups())).strip() for match in _QUOTE.finditer(text)]


def dated(text: str, written: date) -> str:
    """Return the text with weekdays and "yesterday" as the days they are, reckoned from the day written."""
    for when in reversed(dates(text, published=written.isoformat())):
        day = day_of(when.first)
        if day is None or not when.precise or not _RELATIVE.match(when.said):
            continue
        start, end = when.at
        on = (
            ""
            if re.search(r"\b(?:on|since|until|by|before|after|from|of|last)\s+$", text[:start], re.I)
            else "on "
        )
        text = f"{text[:start]}{on}{day.day} {day:%B %Y}{text[end:]}"
    return text


def _quoted(
    checked: Checked,
    parse: Parse,
    quotes: Sequence[str],
    passages: Sequence[Passage],
    find: Find,
    parser: Parser,
    embedder: Embedder,
    written: date,
) -> Checked:
    """Every quotation must stand in an article word for word, in the mouth of its speaker; then the rest."""
    cited: list[Citation] = []
    for quote in quotes:
        places = [*passages, *find(quote)]
        found = next(filter(None, (_stands(quote, article) for article in _articles(places))), None)
        if found is None:
            return _misquoted(checked, quote, places)
        cited.append(found)
        other = _other_speaker(parse, found, parser)
        if other:
            reason = f"the passage gives these words to {other}"
            return replace(
                checked,
                support="contradicted",
                reason=reason,
                citations=(_judged(found, "contradicted", reason),),
            )
    home = [Passage(each.article, *_around(each)) for each in cited]
    said = verdict(dated(checked.text, written), home, parser, embedder)
    if said.support == "contradicted":
        return replace(checked, support=said.support, reason=said.reason, citations=said.citations)
    return replace(checked, support="supported", citations=tuple(cited))


def _articles(passages: Sequence[Passage]) -> list[Article]:
    return list({passage.article.id: passage.article for passage in passages}.values())


def _stands(quote: str, article: Article) -> Citation | None:
    """The sentences of an article in which the words stand; line breaks and marks do not count."""
    pattern = r"\W+".join(map(re.escape, re.findall(r"\w+", quote)))
    match = re.search(rf"\b{pattern}\b", article.text, re.I)
    if match is None:
        return None
    start = sentence_at(article.text, match.start())[0]
    end = max(match.end(), sentence_at(article.text, match.end() - 1)[1])
    return Citation(article, start, end, article.text[start:end])


def _misquoted(checked: Checked, quote: str, passages: Sequence[Passage]) -> Checked:
    """What to say of words that stand in no article: the nearest ones, when they are near."""
    wanted = words(quote)
    best: tuple[float, Citation] | None = None
    for article in _articles(passages):
        for start, end in sentences(article.text):
            held = words(article.text[start:end])
            match = difflib.SequenceMatcher(None, wanted, held, autojunk=False)
            likeness = sum(block.size for block in match.get_matching_blocks()) / max(len(wanted), 1)
            if best is None or likeness > best[0]:
                best = likeness, Citation(article, start, end, article.text[start:end])
    if best is None or best[0] < MISQUOTED:
        reason = f"the words “{_short(quote)}” stand in no article found"
        nearest = (_judged(best[1], "unsupported", reason),) if best and best[0] >= MISQUOTED / 2 else ()
        return replace(checked, support="unsupported", reason=reason, citations=nearest)
    reason = f"these are not the words: the passage says “{_short(best[1].quote, 200)}”"
    return replace(
        checked, support="contradicted", reason=reason, citations=(_judged(best[1], "contradicted", reason),)
    )


def _short(text: str, most: int = 60) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1].rsplit(' ', 1)[0]} …"


def _judged(citation: Citation, support: Support, reason: str) -> Citation:
    return replace(citation, support=support, reason=reason)


def _around(citation: Citation) -> tuple[int, int]:
    """The cited sentences with the ones before and after, where the speaker may be named."""
    spans = sentences(citation.article.text)
    inside = [i for i, (start, end) in enumerate(spans) if start < citation.end and end > citation.start]
    return spans[max(0, inside[0] - 1)][0], spans[min(len(spans) - 1, inside[-1] + 1)][1]


def _other_speaker(parse: Parse, found: Citation, parser: Parser) -> str:
    """Who says it in the article, when the draft names another; empty when it names none or the same."""
    named = speaker(parse)
    if not named:
        return ""
    start, end = _around(found)
    around = found.article.text[start:end]
    keys = name_keys(named)
    if any(same_name(word.strip(".,"), key) for word in normalise(around).split() for key in keys):
        others = speaker(parser.parse([" ".join(found.quote.split())])[0])
        return others if others and not _same(others, named) else ""
    return next(
        (
            told
            for told in (speaker(each) for each in parser.parse([" ".join(found.quote.split()), around]))
            if told and not _same(told, named)
        ),
        "another",
    )


def _same(left: str, right: str) -> bool:
    return any(same_name(a, b) for a in name_keys(left) for b in name_keys(right))


def speaker(parse: Parse) -> str:
    """Return the name that is the subject of a verb of saying, or that follows "according to"."""
    tokens = parse.tokens
    for i, token in enumerate(tokens):
        head = tokens[token.head]
        says = token.dep in {"nsubj", "nsubjpass"} and head.lemma.casefold() in _SAYING
        according = (
            token.dep == "pobj" and head.text.casefold() == "to" and tokens[head.head].lemma == "accord"
        )
        if (says or according) and token.pos == "PROPN":
            first = i
            while first and tokens[first - 1].pos == "PROPN":
                first -= 1
            return parse.text[tokens[first].start : token.end]
    return ""


__all__ = ["check_text", "claims_something", "dated", "quotations", "speaker"]

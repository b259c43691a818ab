"""Evidence -> the difference between articles that a question asks about, by the rules of briefings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from models.protocols import Embedder, Parser
from rag.amounts import figures
from rag.dates import times_named
from rag.differ import Kind, differing, one_thing
from rag.evidence import Evidence
from rag.names import akin, name_keys, named_in, same_name
from rag.opposites import opposites_asked
from rag.people import people
from rag.points import Pool
from rag.question import NUMERIC, Question
from rag.records import Article, Citation, Difference, Hit, Side
from rag.sides import Value, difference
from rag.statements import Statement
from rag.text import Span, content_words, normalise, sentences
from rag.timeline import dated

SENTENCES = 24
"""Sentences of the evidence that are compared at most, the best evidenced first."""
FURTHER = 16
"""Sentences read besides, from the same articles, that speak of the post or the deed that is asked about."""
_WHAT_POST = re.compile(
    r"\b(?:what|which)\b(?:\W+\w+){0,4}?\W+"
    r"(?:role|position|posts?|job|title|profession|occupation|capacity|office|function)\b",
    re.I,
)
_TRADE = re.compile(
    r"\b(?:developer|business\w+|magnate|tycoon|financier|banker|investor|lawyer|friend|executive|entrepreneur)\b",
    re.I,
)
_GOVERNS = re.compile(
    r"\b(?:[Ww]hich|[Ww]hose) (?:administration|government|presidency)\b|\b(?:[Ww]ho|[Ww]hich|[Ww]hose)\b.*"
    r"\b(?:president(?!['’]s| [A-Z])|presidency|administration|government|governs?)\b.*"
    r"\b(?:is|work\w*|serv\w+|office|power|charge)\b|\b[Ww]ho(?:'s| is) (?:the )?(?:current |sitting )?"
    r"(?:US |U\.S\. |American )?[Pp]resident\b(?!['’]s| [A-Z])|\badministration or\b.*\badministration\b"
    r"|\b(?:in office|in power|in the presidency|still president|former president)\b"
    r"|^(?:[Ww]ho|[Ww]hich [\w ]+) (?:\w+ )?governs?\b"
)
"""Asks who governs; a "President Berg" beside other words does not."""
_OFFICES = re.compile(
    r"\b(?:[A-Z]\w+ administration|[Ff]ormer (?:[A-Z]\w+ ){0,2}(?:President|Prime Minister))\b"
)
_DREW_UP = re.compile(
    r"\b(?:wr[oi]te\w*|written|writing|draft\w*|author\w*|negotiat\w+|dr[ae]w\w* up|devis\w+|conceiv\w+|"
    r"prepared?|c[ao]me up with|behind|(?:work|hammer|thrash)\w* out|craft\w*|put together|the work of"
    r"|(?:a hand|part) in (?:making|drawing|working))\b",
    re.I,
)
_PASSED_ON = re.compile(r"\b(?:leak\w*|pass(?:ed|es)|handed|slipped)\b", re.I)
_PLAN = r"(?:plan|proposal|draft|framework|(?:counter-?)?offer|counter-?proposal|initiative|blueprint)\b"
_WHOSE = re.compile(rf"\b[Ww]hose (?:\w+ ){{0,2}}{_PLAN}")
_OF_SOMEBODY = re.compile(
    r"(?:(?!(?:With|In|On|The|After|But|As|Under|For|At|By)\b)(?P<owner>[A-Z]\w+(?:\s[A-Z]\w+)*)[’']s"
    rf"|(?P<people>[A-Z]\w+(?:an|ish|ese|ch)))(?:\s[\w-]+){{0,3}}\s{_PLAN}"
)
"""Somebody's plan: "the White House’s latest plan", "a Russian draft"."""
_WHO = re.compile(
    r"\b(?:[Ww]ho|[Ww]hom|[Ww]hose|[Bb]y which"
    r"|[Ww]hich (?:two|three|officials?|envoys?|men|people|side|[A-Z]\w+s))\b"
)

COMPARED = NUMERIC | {"place", "yesno", "manner"}
"""Kinds of question that ask for a difference without naming it; for others nothing need be compared."""
LEADING = 2
"""One of so many best sentences must be on a side, unless it is told from the question what is asked."""
_UNREAD = np.zeros(0, np.float32)
_Key = tuple[str, int]


def asked_difference(
    question: Question,
    evidence: Sequence[Evidence],
    embedder: Embedder,
    parser: Parser,
    *,
    hits: Sequence[Hit] = (),
) -> tuple[Side, ...]:
    """Return the sides of the difference that the question asks about, best evidenced first, or none.

    What somebody is, who governs and who drew something up is looked for in all of the articles that the
    evidence is from, and of the `hits`; of other things only the evidence is compared.
    """
    if question.kind not in COMPARED and not asks_by_name(question):
        return ()
    best = evidence[:SENTENCES]
    articles = {found.sentence.article.id: found.sentence.article for found in best}
    articles |= {hit.passage.article.id: hit.passage.article for hit in hits}
    if len({article.origin or article.id for article in articles.values()}) < 2:
        return ()
    rank = {_key(found): place for place, found in enumerate(best)}
    if opposed := _opposed(question, list(articles.values()), rank):
        return opposed
    read = [*_given(best), *_further(question, list(articles.values()), rank, parser)]
    if owned := _owned(question, read):
        return _ordered(owned, rank)
    vectors = embedder.embed([statement.text for statement in read], "document")
    pool = Pool(tuple(replace(s, vector=v) for s, v in zip(read, vectors, strict=True)))
    asked = [
        found
        for kind, found in differing(pool, people(read), dated(read), figures(read))
        if len(found.sides) > 1 and _asks(question, kind, found, rank)
    ]
    # Asked of somebody's office, what that one holds says more than which government there is.
    asked.sort(key=lambda found: not _names(question, content_words(found.about)))
    return _ordered(asked[0].sides, rank) if asked else ()


def asks_by_name(question: Question) -> bool:
    """Whether the words of the question tell which difference is meant: a post, a government, an author."""
    return _speaking_of(question) is not None or bool(opposites_asked(question))


def _given(evidence: Sequence[Evidence]) -> Iterator[Statement]:
    for found in sorted(evidence, key=_key):
        at = found.sentence
        yield Statement(at.article, at.start, at.end, at.parse, _UNREAD, 0, found.score)


def _further(
    question: Question, articles: Sequence[Article], rank: Mapping[_Key, int], parser: Parser
) -> Iterator[Statement]:
    """Sentences beyond the evidence that may tell who somebody is, who governs, or who drew something up."""
    speaks = _speaking_of(question)
    if speaks is None:
        return
    each = max(2, FURTHER // len(articles))
    chosen: list[tuple[Article, Span]] = []
    for article in articles:
        told = [
            (start, end)
            for start, end in sentences(article.text)
            if (article.id, start) not in rank and speaks(article.text[start:end])
        ]
        told.sort(key=lambda span: -_met(question, article.text[span[0] : span[1]]))
        chosen += [(article, span) for span in told[:each]]
    parses = parser.parse([article.text[start:end].replace("\n", " ") for article, (start, end) in chosen])
    for (article, (start, end)), parse in zip(chosen, parses, strict=True):
        yield Statement(article, start, end, parse, _UNREAD, 0, 0.0)


def _met(question: Question, text: str) -> int:
    """How many words of the question a sentence holds; a draft is a plan."""
    said = content_words(text)
    return sum(any(one_thing(term, word) for word in said) for term in question.terms)


def _speaking_of(question: Question) -> Callable[[str], bool] | None:
    """What tells the sentences that are read besides; None when the evidence is enough."""
    if _GOVERNS.search(question.text):
        return lambda text: bool(_OFFICES.search(text))
    if _asks_author(question):
        return lambda text: bool(_DREW_UP.search(text)) and _met(question, text) > 0
    if _WHOSE.search(question.text):
        return lambda text: bool(_OF_SOMEBODY.search(text)) and _names(question, normalise(text).split())
    if _asks_post(question):
        return lambda text: _names(question, normalise(text).split())
    return None


def _owned(question: Question, statements: Sequence[Statement]) -> tuple[Side, ...]:
    """The sides of "whose plan was it?": to whom each article that names the same people ascribes it."""
    if not _WHOSE.search(question.text):
        return ()
    values: dict[str, list[Value]] = {}
    for statement in statements:
        said = normalise(statement.parse.text).split()
        named = [name for name in question.names if _named(name, said)]
        if 2 * len(named) <= len(question.names):
            continue
        for match in _OF_SOMEBODY.finditer(statement.parse.text):
            name = match["owner"] or match["people"]
            owner = next(iter(name_keys(name)), normalise(name))
            home = next((known for known in values if same_name(known, owner)), owner)
            values.setdefault(home, []).append(Value(match.group(), statement))
    told = next(difference(f"Whose {question.focus or 'it is'}", list(values.values())), None)
    return told.sides if told else ()


def _opposed(question: Question, articles: Sequence[Article], rank: Mapping[_Key, int]) -> tuple[Side, ...]:
    """The sides of "was it official?", where one article words it so and another the opposite."""
    for pair in opposites_asked(question):
        taken: set[str] = set()
        sides: list[Side] = []
        for value, worded in ((pair.no, pair.denies), (pair.yes, pair.says)):
            cited: list[Citation] = []
            for article in articles:
                said = [
                    Citation(article, start, end, article.text[start:end])
                    for start, end in sentences(article.text)
                    if _about(question, article, article.text[start:end], worded, of_named=pair.of_named)
                ]
                if said and (article.origin or article.id) not in taken:
                    cited.append(min(said, key=lambda each: _order(question, each, rank)))
            taken |= {each.article.origin or each.article.id for each in cited}
            cited.sort(key=lambda each: _order(question, each, rank))
            sides.append(Side(value, tuple(cited)))
        if all(side.citations for side in sides):
            return _ordered(sides, rank)
    return ()


def _order(question: Question, each: Citation, rank: Mapping[_Key, int]) -> tuple[int, int, str, int]:
    return _place(each, rank), -_met(question, each.quote), each.article.id, each.start


def _about(
    question: Question, article: Article, text: str, worded: re.Pattern[str], *, of_named: bool
) -> bool:
    """Whether a sentence, no headline, is so worded and speaks of what the question is about."""
    if not worded.search(text) or text.strip() in article.title:
        return False
    if _names(question, normalise(text).split()):
        return True
    headed = [name for name in question.names if named_in(name, article.title)]
    return not of_named and (_met(question, text) > 0 or 2 * len(headed) > len(question.names))


def _asks_post(question: Question) -> bool:
    """Whether the question asks what somebody is: "Who is Berg?", "What is Berg's role?"."""
    return bool(question.names) and (question.kind == "role" or bool(_WHAT_POST.search(question.text)))


def _asks_author(question: Question) -> bool:
    """Whether it asks who drew something up, or whether somebody did, not what a draft says."""
    asks = bool(_WHO.search(question.text)) or (question.kind == "yesno" and bool(question.names))
    return asks and bool(_DREW_UP.search(question.text)) and not _PASSED_ON.search(question.text)


def _apart(sides: Sequence[Side]) -> bool:
    """Whether one article gives somebody an office and another only a trade; of offices one may have two."""
    private = [bool(_TRADE.search(side.value)) for side in sides]
    return any(private) and not all(private)


def _key(found: Evidence) -> _Key:
    return found.sentence.article.id, found.sentence.start


def _place(each: Citation, rank: Mapping[_Key, int]) -> int:
    """How well a citation is evidenced, 0 the best; what is no evidence comes last."""
    return rank.get((each.article.id, each.start), len(rank))


def _best(side: Side, rank: Mapping[_Key, int]) -> int:
    return min(_place(each, rank) for each in side.citations)


def _ordered(sides: Sequence[Side], rank: Mapping[_Key, int]) -> tuple[Side, ...]:
    """The sides, best evidenced first."""
    return tuple(sorted(sides, key=lambda side: _best(side, rank)))


def _asks(question: Question, kind: Kind, found: Difference, rank: Mapping[_Key, int]) -> bool:
    """Whether the question asks for what the sides tell differently."""
    about = content_words(found.about)
    if kind == "role":
        either = question.kind == "yesno" and " or " in question.text
        said = {word for side in found.sides for word in content_words(side.value)}
        met = either and any(akin(term, word) for term in question.terms for word in said)
        return (met or _asks_post(question)) and _names(question, about) and _apart(found.sides)
    if kind == "office":
        return bool(_GOVERNS.search(question.text)) or (_asks_post(question) and _names(question, about))
    if kind == "doer":
        told = [word for side in found.sides for word in normalise(side.value).split()]
        named = question.kind != "yesno" or _names(question, told)
        return named and _asks_author(question) and any(one_thing(t, about[-1]) for t in question.terms)
    if min(_best(side, rank) for side in found.sides) >= LEADING or _of_another_time(question, found.sides):
        return False
    if kind == "number":
        return question.kind in NUMERIC and any(akin(question.focus, word) for word in about)
    if kind in {"day", "place"}:
        return question.kind == ("date" if kind == "day" else "place")
    return question.kind in {"yesno", "manner"}


def _of_another_time(question: Question, sides: Sequence[Side]) -> bool:
    """Whether the question names a month, a day of the week or a year, and only one of the sides does."""
    asked = times_named(question.text)
    told = [any(asked & times_named(cited.quote) for cited in side.citations) for side in sides]
    return bool(asked) and any(told) and not all(told)


def _names(question: Question, said: Sequence[str]) -> bool:
    """Whether one of these words names somebody whom the question names."""
    return any(_named(name, said) for name in question.names)


def _named(name: str, said: Sequence[str]) -> bool:
    return any(same_name(key, word) for key in name_keys(name) for word in said)

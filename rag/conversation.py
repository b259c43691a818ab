"""A follow-up question made self-contained from the turns before it: "and who led it?" names what "it" is.

What a pronoun stands for is sought in the latest turn that offers something of its kind; what a fragment
leaves out is taken from the question before. A question that stands alone comes back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from models.protocols import Parse, Parser, Token
from rag.dates import dates
from rag.question import read_question
from rag.records import Answer, Turn
from rag.text import normalise, sentences, words

MOST_WORDS = 16
"""Words of what is put in the place of a pronoun; a longer phrase would bury the question."""

MOST_SHORT = 6
"""Words of a short answer that is put into the next question."""

HE = frozenset({"he", "him", "his", "himself"})
SHE = frozenset({"she", "her", "hers", "herself"})
THEY = frozenset({"they", "them", "their", "theirs", "those", "these"})
IT = frozenset({"it", "its", "that", "this"})

_CONNECTIVE = re.compile(r"^(?:(?:and|but|so|also|then|ok|okay|well)\b[\s,]*)+(?=\w)", re.I)
_WHAT_ABOUT = re.compile(r"^(?:and\s+)?(?:what|how) about\b\s*", re.I)
_ASKS_OBJECT = re.compile(r"(?:who|whom|what|which|how many|how much)\b", re.I)
_HAPPENED = re.compile(
    r"^(?P<wh>(?:since |until |by )?(?:when|where|why|how))\s+"
    r"(?:(?:is|was|were)\s+(?:that|this|it)|(?:did|does|has|have|had)\s+(?:that|this|it|all that)\s+"
    r"(?:happen|occur|take place|come about|been|start|begin))"
    r"(?P<rest>\s+exactly)?\s*\?*$",
    re.I,
)
_HELPERS = frozenset(
    "is are was were be do does did has have had will would can could should may might must shall".split()
)
_DOERS = {
    "leads": "leader", "led": "leader", "runs": "head", "ran": "head", "heads": "head", "headed": "head",
    "chairs": "chair", "owns": "owner", "owned": "owner", "wrote": "author", "won": "winner",
    "founded": "founder",
}  # fmt: skip
"""Who does it, in one word that articles use too."""
_DETERMINED = re.compile(r"(?:the|an?|any|some|this|that|his|her|its|their|no)\b|.*['’]s?\b", re.I)
_DATES = frozenset({"DATE", "TIME"})
_PLACES = frozenset({"GPE", "LOC", "FAC"})
_NOT_PEOPLE = frozenset(
    {"GPE", "LOC", "FAC", "ORG", "NORP", "DATE", "TIME", "CARDINAL", "ORDINAL", "QUANTITY"}
)
_PERSONS = frozenset(
    (
        "man woman person president minister chief chairman chairwoman chair captain mayor director partner "
        "head leader boss founder owner author spokesman spokeswoman spokesperson official judge officer "
        "governor king queen pope envoy adviser advisor ambassador secretary manager editor teacher doctor "
        "engineer executive politician analyst journalist driver victim suspect witness candidate winner "
        "loser successor predecessor coach player"
    ).split()
)
_MOVING = frozenset("go come travel fly move return head drive send take bring get".split())
_EMPTY = frozenset({"anyone", "anybody", "someone", "somebody", "anything", "something", "nobody", "nothing"})
_PLEONASTIC = frozenset({"take", "be", "seem", "appear", "matter", "rain", "snow"})


def turn_of(answer: Answer) -> Turn:
    """Return what a follow-up question needs to know of an answer."""
    cited = [citation for claim in answer.claims for citation in claim.citations] or answer.nearest
    articles = {citation.article.id: citation.article for citation in cited}
    return Turn(
        question=answer.asked_as or answer.question,
        short=answer.short or "",
        said=" ".join(claim.text for claim in answer.claims),
        context="\n".join(article.text for article in articles.values()),
    )


def asked_as(question: str, earlier: Sequence[Turn], parser: Parser) -> str:
    """Return the question with what it leaves to the `earlier` turns, the latest last, put into words."""
    question = " ".join(question.split())
    if not earlier or not words(question):
        return question
    bare = _CONNECTIVE.sub("", question)
    bare = bare[:1].upper() + bare[1:]
    last = parser.parse([earlier[-1].question])[0]
    whole = _completed(question, bare, earlier[-1], last, parser)
    if whole:
        return whole
    parse = parser.parse([bare])[0]
    return _resolved(parse, earlier, parser)


# ---------------------------------------------------------------- what a fragment leaves out


def _completed(question: str, bare: str, turn: Turn, last: Parse, parser: Parser) -> str:
    """The fragment put into the last question; empty when it is no fragment."""
    about = _WHAT_ABOUT.sub("", question)
    if about != question:
        return _exchanged(about.rstrip("? "), last, parser)
    happened = _HAPPENED.match(bare)
    if happened:
        return _asked_again(happened["wh"], turn, last)
    parse = parser.parse([bare])[0]
    if len(parse.tokens) > 8 or any(_finite(token) for token in parse.tokens):
        return ""
    fragment = bare.rstrip("? ")
    if any(token.tag in {"WP", "WRB", "WDT", "WP$"} for token in parse.tokens):
        return _asked_again(fragment, turn, last)
    if bare != question or question.endswith("?"):
        return _exchanged(_as_written(fragment, question), last, parser)
    return ""


def _as_written(fragment: str, question: str) -> str:
    """The fragment with its first letter as the user wrote it."""
    at = question.casefold().find(fragment.casefold())
    return question[at : at + len(fragment)] if at >= 0 else fragment


def _finite(token: Token) -> bool:
    return token.pos in {"VERB", "AUX"} and token.tag in {"VBD", "VBZ", "VBP", "MD", "VB"}


def _asked_again(asking: str, turn: Turn, last: Parse) -> str:
    """The last question with other question words: "By what share" of "Did the drivers accept the deal?"."""
    asking = asking[:1].upper() + asking[1:]
    opening, rest = _opening(last)
    rest = rest.rstrip("? ")
    if not rest:
        return ""
    who = _ASKS_OBJECT.match(asking)
    if rest.split()[0].casefold() in _HELPERS:
        if not who:
            return f"{asking} {_lower(_with_object(opening, rest, turn, last))}?"
        filled = re.sub(rf"\b(?:{'|'.join(_EMPTY)})\b ", "", rest, count=1)
        return f"{asking} {_lower(filled)}?" if filled != rest or _ASKS_OBJECT.match(opening) else ""
    if not opening:
        return f"{asking}: {rest}?"
    if who:
        return f"{asking} {rest}?"
    return f"{asking} was it that {turn.short if _is_short_name(turn) else 'someone'} {rest}?"


def _with_object(opening: str, rest: str, turn: Turn, last: Parse) -> str:
    """The rest of a question that asked for an object, with what was found in its place."""
    verb = next((token for i, token in enumerate(last.tokens) if token.head == i), None)
    at = rest.find(f" {verb.text}") if verb and verb.pos == "VERB" and _ASKS_OBJECT.match(opening) else -1
    if at < 0 or verb is None:
        return rest
    end = at + 1 + len(verb.text)
    of = re.search(r"\bof (.+)$", opening)
    known = turn.short if len(turn.short.split()) <= MOST_SHORT else ""
    known = " of ".join(filter(None, [known, of[1] if of else ""]))
    return f"{rest[:end]} {known}{rest[end:]}" if known else rest


def _opening(last: Parse) -> tuple[str, str]:
    """The question words a question begins with, and the rest of it."""
    tokens = last.tokens
    asked = next((i for i, t in enumerate(tokens[:6]) if t.tag in {"WP", "WRB", "WDT", "WP$"}), None)
    if asked is None:
        return "", last.text
    until = asked
    for i in range(asked + 1, len(tokens)):
        if tokens[i].pos in {"AUX", "VERB"} and tokens[i].tag not in {"VBG", "VBN"}:
            break
        until = i
    return last.text[: tokens[until].end], last.text[tokens[until].end :].strip()


def _lower(text: str) -> str:
    first = text.split(maxsplit=1)[0] if text else ""
    return text[:1].lower() + text[1:] if first.casefold() in _HELPERS else text


def _exchanged(fragment: str, last: Parse, parser: Parser) -> str:
    """The last question with the fragment in the place of what is of its kind."""
    if not fragment:
        return ""
    parse = parser.parse([fragment])[0]
    begins = parse.tokens[0].pos == "ADP"
    place = _place_for(parse, last)
    if place is None:
        asked = last.text.rstrip("? ")
        return f"{asked} {fragment}?" if begins else f"{asked}, and {fragment}?"
    start, end = place
    before = last.text[:start].rstrip()
    preposition = re.search(r"\b(?:on|in|at|by|from|for|of|since|until|during|about|with|to)$", before, re.I)
    if begins and preposition:
        before = before[: preposition.start()].rstrip()
    return f"{before} {fragment}{last.text[end:]}".strip()


def _place_for(fragment: Parse, last: Parse) -> tuple[int, int] | None:
    """Where in the last question stands what the fragment is to replace."""
    labels = {entity.label for entity in fragment.entities}
    for group in (_DATES, _PLACES, frozenset({"PERSON"})):
        if labels & group:
            for entity in last.entities:
                if entity.label in group:
                    return entity.start, entity.end
            if group is _DATES:
                return None
    named = any(token.pos == "PROPN" for token in fragment.tokens)
    phrases = [span for span in _phrases(last) if bool(_names(last, span)) == named]
    if named:
        phrases = [(names[0].start, names[-1].end) for names in (_names(last, at) for at in phrases)]
    plural = any(token.tag in {"NNS", "NNPS"} for token in fragment.tokens)
    alike = [span for span in phrases if any(t.tag == "NNS" for t in _inside(last, span)) == plural]
    return next(reversed(alike or phrases), None)


def _phrases(parse: Parse) -> list[tuple[int, int]]:
    """The noun phrases of a question without what hangs on them behind, question words left out."""
    spans = []
    for i, token in enumerate(parse.tokens):
        if token.pos not in {"NOUN", "PROPN"} or token.dep == "compound" or token.entity in _DATES:
            continue
        parts = [i] + [
            j
            for j, other in enumerate(parse.tokens)
            if other.head == i and j < i and other.dep in {"det", "amod", "compound", "nummod", "poss"}
        ]
        if any(parse.tokens[j].tag.startswith("W") for j in parts):
            continue
        spans.append((parse.tokens[min(parts)].start, token.end))
    return spans


def _inside(parse: Parse, span: tuple[int, int]) -> list[Token]:
    return [token for token in parse.tokens if span[0] <= token.start < span[1]]


def _names(parse: Parse, span: tuple[int, int]) -> list[Token]:
    return [token for token in _inside(parse, span) if token.pos == "PROPN"]


# ---------------------------------------------------------------- what a pronoun stands for


def _resolved(parse: Parse, earlier: Sequence[Turn], parser: Parser) -> str:
    """The question with the first pronoun of each kind replaced by what it stands for."""
    pieces: list[tuple[int, int, str]] = []
    done: set[frozenset[str]] = set()
    for i, token in enumerate(parse.tokens):
        kind = _kind(parse, i)
        if kind is None or kind in done:
            continue
        done.add(kind)
        if _within(parse, i, kind):
            continue
        known = _antecedent(kind, earlier, parser)
        if known:
            end = token.end
            if token.tag == "PRP$" and len(known.split()) > MOST_SHORT:
                owned = parse.tokens[token.head]
                known, end = f"the {parse.text[end : owned.end].strip()} of {known}", owned.end
            elif token.tag == "PRP$" or token.text.casefold() in {"hers", "theirs"}:
                known = _possessive(known)
            if kind is _PLACES and (not i or parse.tokens[i - 1].pos != "ADP"):
                known = f"{'to' if parse.tokens[token.head].lemma in _MOVING else 'in'} {known}"
            pieces.append((token.start, end, known))
    text = parse.text
    for start, end, known in reversed(pieces):
        known = known[:1].upper() + known[1:] if start == 0 else known
        text = text[:start] + known + text[end:]
    return text


def _kind(parse: Parse, i: int) -> frozenset[str] | None:
    """The kind of pronoun that a token is; None when it points to nothing before the question."""
    token = parse.tokens[i]
    low = token.text.casefold()
    if low in HE:
        return HE
    if low in SHE:
        return SHE
    if low in {"that", "this", "those", "these"} and (token.pos != "PRON" or token.tag != "DT"):
        return None
    if low in {"that", "this"} and parse.tokens[token.head].lemma in {
        "before",
        "after",
        "since",
        "until",
        "like",
    }:
        return None
    if low in THEY:
        return THEY
    if low in IT:
        return None if low == "it" and _stands_for_nothing(parse, i) else IT
    if low == "there" and not any(t.pos in {"NOUN", "PROPN", "NUM"} for t in parse.tokens[i : i + 5]):
        return _PLACES
    return None


def _stands_for_nothing(parse: Parse, i: int) -> bool:
    """Whether it is the `it` of "how long did it take to …" or "is it true that …"."""
    head = parse.tokens[i].head
    if parse.tokens[i].dep == "expl":
        return True
    if parse.tokens[i].dep not in {"nsubj", "nsubjpass"} or parse.tokens[head].lemma not in _PLEONASTIC:
        return False
    below = {head} | {j for j, t in enumerate(parse.tokens) if t.head == head and t.dep in {"acomp", "attr"}}
    return any(
        t.head in below and t.head != j and t.dep in {"xcomp", "ccomp", "advcl", "csubj", "relcl"} and j > i
        for j, t in enumerate(parse.tokens)
    )


def _within(parse: Parse, i: int, kind: frozenset[str]) -> bool:
    """Whether the question itself says, before the pronoun, what it stands for."""
    for j, token in enumerate(parse.tokens[:i]):
        asked = any(t.tag.startswith("W") and t.head == j for t in parse.tokens)
        opening = token.dep == "pobj" and parse.tokens[token.head].start == 0
        if (
            token.pos not in {"NOUN", "PROPN"}
            or token.entity in _DATES
            or token.dep in {"npadvmod", "compound"}
        ):
            continue
        if opening or (asked and token.head == parse.tokens[i].head):
            continue
        if kind in (HE, SHE):
            person = token.entity not in _NOT_PEOPLE or (token.entity == "ORG" and token.dep == "nsubj")
            if token.lemma.casefold() in _PERSONS or (token.pos == "PROPN" and person):
                return True
        elif kind is THEY:
            if token.tag in {"NNS", "NNPS"} or token.pos == "PROPN":
                return True
        elif kind is IT and token.tag in {"NN", "NNP"} and token.entity != "PERSON":
            return True
    return False


def _antecedent(kind: frozenset[str], earlier: Sequence[Turn], parser: Parser) -> str:
    """What a pronoun stands for, from the latest turn that offers something of its kind; empty when none."""
    for turn in reversed(earlier):
        asked = parser.parse([turn.question])[0]
        for known in _offered(kind, turn, asked, parser):
            if known and len(known.split()) <= MOST_WORDS:
                return known
    return ""


def _offered(kind: frozenset[str], turn: Turn, asked: Parse, parser: Parser) -> Iterator[str]:
    asks = read_question(turn.question, parser).kind
    named = _is_short_name(turn)
    if kind in (HE, SHE):
        if asks == "person":
            yield _fitting(_full(turn, parser), kind, turn) if named else ""
        for name in _people(asked, turn, parser):
            yield _fitting(name, kind, turn)
        yield _described(asked) if asks == "person" else ""
        for entity in parser.parse([turn.said])[0].entities:
            if entity.label == "PERSON":
                yield _fitting(re.sub(r"['’]s?$", "", entity.text), kind, turn)
        yield from _nouns(asked, lambda head: head.lemma.casefold() in _PERSONS)
        return
    if kind is _PLACES:
        yield turn.short if asks == "place" and named else ""
        for parse in (asked, parser.parse([turn.said])[0]):
            yield from (entity.text for entity in parse.entities if entity.label in _PLACES)
        return
    if kind is THEY:
        yield from _counted(asked)
        yield from _nouns(asked, lambda head: head.tag in {"NNS", "NNPS"})
        yield turn.short if asks in {"group", "person", "thing"} and named else ""
        people = list(dict.fromkeys(_people(asked, turn, parser)))[:2]
        yield " and ".join(people) if len(people) > 1 else ""
        yield from _nouns(asked, lambda head: head.pos == "PROPN" and head.entity not in _DATES)
        return
    if asks in {"group", "place"} and named:
        yield turn.short
    yield _which(asked) if asks in {"group", "place"} else ""
    yield from _nouns(
        asked,
        lambda head: (
            head.tag in {"NN", "NNP"}
            and head.lemma.casefold() not in _PERSONS
            and head.entity not in _DATES
            and head.entity != "PERSON"
        ),
    )


def _is_short_name(turn: Turn) -> bool:
    return any(part[:1].isupper() for part in turn.short.split()) and not dates(turn.short)


def _full(turn: Turn, parser: Parser) -> str:
    """The short answer as the answer names it in full: "Marit Kallevik" of Kallevik."""
    parse = parser.parse([turn.said])[0]
    names = [entity.text for entity in parse.entities if entity.label == "PERSON"]
    # The tagger misses one before a colon: "Jared Kushner: Kushner, who is …".
    names += re.findall(rf"(?:^|[-–•] )([A-Z]\w+ {re.escape(turn.short)}):", turn.said)
    return next((name for name in names if name.endswith(f" {turn.short}")), turn.short)


def _people(asked: Parse, turn: Turn, parser: Parser) -> Iterator[str]:
    """The names of people in the question, some of which only the answer shows to be people's."""
    said = parser.parse([turn.said])[0] if turn.said else None
    people = {e.text.split()[-1] for e in (said.entities if said else ()) if e.label == "PERSON"}
    for start, end in _phrases(asked):
        tokens = [t for t in _inside(asked, (start, end)) if t.pos == "PROPN"]
        if not tokens:
            continue
        name = asked.text[tokens[0].start : tokens[-1].end]
        labels = {t.entity for t in tokens}
        if "PERSON" in labels or name.split()[-1] in people or (not labels & _NOT_PEOPLE and " " in name):
            yield name


def _fitting(name: str, kind: frozenset[str], turn: Turn) -> str:
    """The name, unless the articles speak of a man and a woman is asked about, or the other way round."""
    last = normalise(name).split()[-1] if name else ""
    counts = {HE: 0, SHE: 0}
    texts = [turn.context[a:b] for a, b in sentences(turn.context)]
    for i, text in enumerate(texts):
        if last and last in normalise(text):
            near = words(f"{text} {texts[i + 1] if i + 1 < len(texts) else ''}")
            counts[HE] += sum(word in HE or word == "mr" for word in near)
            counts[SHE] += sum(word in SHE or word in {"ms", "mrs"} for word in near)
    other = counts[HE if kind is SHE else SHE]
    return "" if other >= 2 and other > 2 * counts[kind] else name


def _described(asked: Parse) -> str:
    """Who is asked for, in the words of the question: "the one who runs it"; empty when it cannot."""
    rest = _opening(asked)[1].rstrip("? ")
    first, _, more = rest.partition(" ")
    if first.casefold() in _DOERS and more:
        return f"the {_DOERS[first.casefold()]} of {more}"
    if first.casefold() in {"is", "was", "are", "were"}:
        return f"the one who {rest}" if re.match(r"\w+(?:ed|ing)\b", more) else more
    return f"the one who {rest}" if first and first.casefold() not in _HELPERS - {"has", "had"} else ""


def _which(asked: Parse) -> str:
    """For "Which website reported it?" return "the website that reported it"; empty for other questions."""
    opening, rest = _opening(asked)
    noun = re.match(r"(?:which|what)\s+([^?]+)$", opening, re.I)
    if not noun or not rest or rest.split()[0].casefold() in _HELPERS:
        return ""
    return f"the {noun[1]} that {rest.rstrip('? ')}"


def _counted(asked: Parse) -> Iterator[str]:
    """For "How many people were sick?" yield "the people who were sick"."""
    opening, rest = _opening(asked)
    noun = re.match(r"(?:how many|which|what)\s+([^?]+)$", opening, re.I)
    if noun and rest and rest.split()[0].casefold() not in {"did", "do", "does"}:
        yield f"the {noun[1]} who {rest.rstrip('? ')}"


def _nouns(asked: Parse, fits: Callable[[Token], bool]) -> Iterator[str]:
    """The noun phrases whose head fits, objects before subjects before what else there is."""
    ranks = {"dobj": 0, "attr": 0, "nsubj": 1, "nsubjpass": 1, "pobj": 2, "poss": 3}
    found = []
    for i, token in enumerate(asked.tokens):
        if token.pos not in {"NOUN", "PROPN"} or token.dep not in ranks or not fits(token):
            continue
        inside = sorted(_below(asked, i))
        if any(asked.tokens[j].tag.startswith("W") and asked.tokens[j].head == i for j in inside):
            continue
        found.append(
            (ranks[token.dep], i, asked.text[asked.tokens[inside[0]].start : asked.tokens[inside[-1]].end])
        )
    for _, at, text in sorted(found):
        if asked.tokens[at].tag == "NN" and not _DETERMINED.match(text):
            text = f"the {text}"
        yield re.sub(r"^(?:an?|any|some)\s", "the ", re.sub(r"['’]s?$", "", text), flags=re.I).rstrip("?, ")


def _below(parse: Parse, root: int) -> set[int]:
    """The tokens of a phrase; a date or an adverb that hangs on it is not part of what it names."""
    reach, grew = {root}, True
    while grew:
        more = {
            j
            for j, t in enumerate(parse.tokens)
            if t.head in reach
            and j not in reach
            and t.dep not in {"punct", "advmod", "npadvmod", "advcl", "case"}
        }
        grew = bool(more)
        reach |= more
    return set(range(min(reach), max(reach) + 1))


def _possessive(name: str) -> str:
    return f"{name}’" if name.endswith("s") and name.split()[0].islower() else f"{name}’s"


__all__ = ["asked_as", "turn_of"]

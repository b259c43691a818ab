"""A question taken apart: what kind of thing it asks for, about whom, and which words must be met."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from models.protocols import Parse, Parser, Token
from rag.errors import QuestionError
from rag.text import STOPWORDS, normalise

Kind = Literal[
    "person", "place", "group", "count", "money", "percent", "amount", "age", "date", "duration",
    "quote", "reason", "manner", "yesno", "role", "thing",
]  # fmt: skip

MAX_QUESTION = 2000
"""Characters; a longer question is refused with a message, never cut silently."""

LABELS: dict[Kind, frozenset[str]] = {
    "person": frozenset({"PERSON"}),
    "place": frozenset({"GPE", "LOC", "FAC"}),
    "group": frozenset({"ORG", "NORP", "GPE"}),
    "count": frozenset({"CARDINAL", "QUANTITY"}),
    "money": frozenset({"MONEY"}),
    "percent": frozenset({"PERCENT"}),
    "amount": frozenset({"PERCENT", "MONEY", "QUANTITY", "CARDINAL"}),
    "date": frozenset({"DATE", "TIME"}),
    "duration": frozenset({"DATE", "TIME", "QUANTITY"}),
}
"""The named-entity labels (OntoNotes) that can answer a kind."""

AMOUNTS = frozenset({"DATE", "TIME", "CARDINAL", "ORDINAL", "PERCENT", "MONEY", "QUANTITY"})
"""The labels of numbers, amounts and times: what is named there is no name."""

NUMERIC = frozenset({"count", "money", "percent", "amount", "age", "date", "duration"})
"""Kinds that only a number or a date can answer."""

_PLACES = (
    "city town country capital state region place village nation location venue province area site "
    "destination"
)
_GROUPS = (
    "company agency organisation organization party group team newspaper outlet think-tank bank firm "
    "newsletter fund journal magazine platform network website alliance publication airline chain retailer "
    "carmaker automaker university club"
)
_PEOPLE = (
    "person man woman president minister envoy analyst official adviser advisor aide politician leader "
    "secretary journalist author player actor singer senator congressman representative democrat "
    "republican lawmaker spokesperson spokesman spokeswoman negotiator critic expert researcher officer "
    "general commander colonel judge lawyer doctor coach captain king queen prince princess mayor "
    "governor diplomat ambassador professor scientist historian economist activist reporter editor "
    "columnist founder successor predecessor wife husband spouse son daughter brother sister mother "
    "father chairman chairwoman chancellor pope principal teacher student pupil driver pilot owner "
    "translator interpreter scholar nurse surgeon suspect witness defendant plaintiff rapper musician "
    "artist writer novelist poet director producer photographer soldier sergeant candidate executive "
    "manager boss uncle aunt cousin nephew niece fiancé fiancée boyfriend girlfriend neighbour neighbor "
    "colleague striker goalkeeper golfer runner swimmer designer architect engineer inventor astronaut "
    "attorney prosecutor detective sheriff deputy bishop archbishop imam rabbi priest pastor hacker "
    "gunman shooter attacker killer treasurer heir host guest star celebrity comedian actress athlete "
    "businessman businesswoman billionaire entrepreneur"
)
_NOUNS: tuple[tuple[Kind, str], ...] = (
    ("place", _PLACES),
    ("group", _GROUPS),
    ("person", _PEOPLE),
    ("date", "year month day date weekday time deadline"),
    ("percent", "percentage share proportion percent"),
    ("count", "number total count toll figure size limit cap"),
    ("age", "age"),
    (
        "money",
        "cost price sum fee fine bail salary wage pay fare profit revenue loss budget debt ransom bounty "
        "severance compensation turnover sale earnings proceeds damages payout",
    ),
    ("amount", "amount rise increase drop fall decline lead margin height weight depth speed temperature"),
    ("percent", "rate"),
    ("duration", "length duration"),
    ("reason", "reason cause"),
)
_FOCUS: dict[str, Kind] = {noun: kind for kind, nouns in _NOUNS for noun in nouns.split()}
"""What a question asks for by the noun after "which" or "what"."""
_ASKING = frozenset("who whom whose when where why how what which".split())
_ROLES = frozenset("job role post position title occupation profession office rank function".split())
SAYING = frozenset(
    (
        "say tell state call describe argue warn claim respond react announce declare comment write add "
        "insist characterize characterise label brand term think believe promise explain"
    ).split()
)
REACTING = frozenset("defend justify dismiss rate assess judge view evaluate portray brush shrug".split())
"""Verbs of which "how" asks for words: "How did she defend it?"."""
_CHANGES = frozenset("rise increase drop fall decline".split())
"""Of money they may be told as a share."""
_PAYING = frozenset({"cost", "pay", "bid", "earn"})
_DURATION = re.compile(
    r"^how (?:long|many (?:hours?|days?|weeks?|months?|years?|minutes?)|much time)\b", re.I
)
_LONG_IN = re.compile(r"^how long .*\bin (\w+s)\b")
_OF_TIME = ("second", "minute", "hour", "day", "week", "month", "year", "decade", "centur")
_MONEY = re.compile(
    r"\b(?:money|dollars?|euros?|pounds?|cost|worth|invest\w*|pay|paid|spen[dt]|funds?|raise[ds]?|price)\b",
    re.I,
)
_THINK_TANK = re.compile(r"\b(?:which|what) (?:\w+ )?think[ -]tank\b")
RELATED = re.compile(r"how (?:is|are|was|were)\b.*\brelated to\b", re.I)
"""Asks what of somebody's family somebody is."""
_PUBLIC = re.compile(r"\b(?:public|political|opposition|religious|historical|literary) figure\b")
_MORE = re.compile(r"how much (?:more|less|higher|lower)\b")
_PERCENT = re.compile(
    r"\b(?:percent(?:age)?|per cent|(?:what|which|market) share|proportion|fraction|how much of)\b", re.I
)
_REST_OF_NAME = re.compile(r"(?:-(?!\w*(?:ed|ing|led|based|style|born|era|run|owned)\b)[\w’']+)+")
"""What stands behind a hyphen in "Kim Jong-un", but not in "Anna Berg-backed"."""
_CLEAN_NAME = re.compile(r"^(?:the|a|an)\s+|['’]s$|['’]$", re.I)
_PROPER = frozenset({"PROPN"})
_CONTENT = frozenset({"NOUN", "PROPN", "VERB", "ADJ", "NUM", "ADV"})
_EMPTY_LEMMAS = frozenset(
    (
        "do be have say tell happen get go make take give name many much long old kind type sort thing way "
        "accord article report exactly currently ever also just there here describe call relate"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question and what its parse says about it."""

    text: str
    kind: Kind
    parse: Parse
    names: tuple[str, ...]
    """Proper names it mentions, without articles and possessives."""
    terms: tuple[str, ...]
    """Lemmas of the content words that evidence should meet, names left out."""
    focus: str
    """Lemma of the noun asked about (`city` in "which city"), or empty."""
    speaker: str
    """Whose words are asked for, or empty."""
    negated: bool


def read_question(text: str, parser: Parser) -> Question:
    """Return the question taken apart. Raises QuestionError when it is empty or too long."""
    text = " ".join(text.split())
    if not any(letter.isalnum() for letter in text):
        raise QuestionError("The question is empty. Type a question about your articles.")
    if len(text) > MAX_QUESTION:
        raise QuestionError(
            f"The question has {len(text):,} characters; at most {MAX_QUESTION:,} are read. "
            "Ask it in fewer words."
        )
    parse = parser.parse([text])[0]
    names = _names(parse)
    kind, focus = _kind(parse)
    return Question(
        text=text,
        kind=kind,
        parse=parse,
        names=names,
        terms=_terms(parse, names, focus),
        focus=focus,
        speaker=_speaker(parse, names),
        negated=any(token.dep == "neg" for token in parse.tokens),
    )


def _names(parse: Parse) -> tuple[str, ...]:
    """Runs of proper nouns and the named entities that are not times or numbers."""
    found: list[str] = []
    run: list[Token] = []
    for token in (*parse.tokens, None):
        if token is not None and _is_name(token, parse):
            run.append(token)
            continue
        if run:
            while run and run[-1].tag == "POS":
                run.pop()
            end = run[-1].end
            if len(run) > 1 and (rest := _REST_OF_NAME.match(parse.text, end)):
                end = rest.end()
            found.append(parse.text[run[0].start : end])
            run = []
    cleaned = [_CLEAN_NAME.sub("", name).strip() for name in found]
    return tuple(dict.fromkeys(name for name in cleaned if len(name) > 1))


def _is_name(token: Token, parse: Parse) -> bool:
    if token.entity in AMOUNTS:
        return False
    first = token.start == parse.tokens[0].start
    if first and (normalise(token.text) in STOPWORDS or (token.tag == "NNPS" and not token.entity)):
        return False
    capital = token.text[:1].isupper()
    return (
        capital
        and (token.pos in _PROPER or bool(token.entity) or not first)
        and token.pos not in {"PUNCT", "AUX"}
        and (token.text.casefold() not in STOPWORDS)
    )


def _kind(parse: Parse) -> tuple[Kind, str]:
    low = normalise(parse.text)
    tokens = parse.tokens
    lemmas = [token.lemma.casefold() for token in tokens]
    asking = [i for i, word in enumerate(lemmas) if word in _ASKING]
    # "The city where the talks were held" asks for nothing, unless nothing else does.
    for position in [i for i in asking if tokens[tokens[i].head].dep not in {"relcl", "advcl"}] or asking:
        word = lemmas[position]
        if word in {"who", "whom", "whose"}:
            return ("role" if _asks_role(tokens, position) else "person"), ""
        if word == "when":
            return "date", ""
        if word == "where":
            return "place", ""
        if word == "why":
            return "reason", ""
        if word == "how":
            return _how(low[low.find("how") :], tokens, position)
        return _what(low, tokens, position)
    if tokens and (tokens[0].pos in {"AUX", "VERB"}) and low.endswith("?"):
        return "yesno", ""
    return "thing", ""


def _how(low: str, tokens: tuple[Token, ...], position: int) -> tuple[Kind, str]:
    measured = _LONG_IN.match(low)
    if measured and not measured[1].startswith(_OF_TIME):
        return "count", measured[1].removesuffix("s")
    if _DURATION.match(low):
        return "duration", ""
    if RELATED.match(low):
        return "role", ""
    if low.startswith("how old"):
        return "age", ""
    focus = tokens[tokens[position + 1].head].lemma.casefold() if position + 1 < len(tokens) else ""
    if _PERCENT.search(low):
        return "percent", ""
    if low.startswith("how many"):
        return "count", focus
    if low.startswith("how much"):
        named = tokens[min(position + 2, len(tokens) - 1)]
        noun = named.lemma.casefold() if named.pos == "NOUN" else ""
        of_money = _FOCUS.get(noun) == "money" or _MONEY.match(noun) if noun else _MONEY.search(low)
        return ("money", "") if of_money and not _MORE.match(low) else ("amount", noun)
    if low.startswith(("how large", "how big", "how far", "how high", "how tall", "how heavy", "how fast")):
        return "amount", ""
    if low.startswith(("how often", "how frequently")):
        return "count", ""
    reacting = tokens[position].head in _verbs(tokens, REACTING)
    return ("quote" if reacting or _speech_verb(tokens) else "manner"), ""


def _what(low: str, tokens: tuple[Token, ...], position: int) -> tuple[Kind, str]:
    if _THINK_TANK.search(low):
        return "group", "think-tank"
    focus = _focus(tokens, position)
    if focus == "name":
        focus = _named_thing(tokens) or focus
    if focus in _ROLES and any(token.pos == "PROPN" for token in tokens):
        return "role", focus
    focus = "person" if focus == "people" else focus
    if focus in _FOCUS:
        kind = "person" if _PUBLIC.search(low) else _FOCUS[focus]
        if kind in {"count", "amount"} and focus not in _CHANGES and _MONEY.search(low):
            kind = "money"
        return kind, focus
    if _PERCENT.search(low):
        return "percent", focus
    asked = tokens[position + 1].lemma.casefold() if position + 1 < len(tokens) else ""
    if not focus and asked in {"do", "will", "would"} and any(t.lemma.casefold() in _PAYING for t in tokens):
        return "money", ""
    if not focus and _speech_verb(tokens):
        return "quote", ""
    return "thing", focus


def _of_them(tokens: tuple[Token, ...], position: int) -> str:
    """The noun of "which two of his people"."""
    if [token.lemma.casefold() for token in tokens[position + 2 : position + 3]] != ["of"]:
        return ""
    if tokens[position + 1].pos != "NUM":
        return ""
    return next((t.lemma.casefold() for t in tokens if t.head == position + 2 and t.dep == "pobj"), "")


def _focus(tokens: tuple[Token, ...], position: int) -> str:
    """The noun a `what` or `which` belongs to: its head, or the subject of "what is the …"."""
    asked = tokens[position]
    head = tokens[asked.head]
    if asked.dep != "pobj" and (of := _of_them(tokens, position)):
        return of
    if asked.dep in {"det", "amod", "nmod", "compound", "poss"} and head.pos in {"NOUN", "PROPN"}:
        return head.lemma.casefold()
    for i in range(position + 1, min(position + 6, len(tokens))):
        token, hyphened = tokens[i], "-" in {other.text for other in tokens[i - 1 : i + 2]}
        owner = token.dep == "poss" or token.tag == "POS"
        if token.pos == "NOUN" and not hyphened and not owner:
            return token.lemma.casefold()
        if token.pos not in {"NUM", "ADJ", "PROPN", "DET"} and not hyphened and not owner:
            break
    if head.lemma.casefold() == "be":
        for token in tokens[position + 1 :]:
            beside = tokens[token.head].dep in {"advcl", "relcl"}
            if token.pos == "NOUN" and token.dep in {"nsubj", "attr"} and not beside:
                return token.lemma.casefold()
    return ""


def _named_thing(tokens: tuple[Token, ...]) -> str:
    """What "the name of the ship" is the name of, in its lemma."""
    name = next((i for i, token in enumerate(tokens) if token.lemma.casefold() == "name"), -1)
    of = [i for i, token in enumerate(tokens) if token.head == name and token.lemma == "of"]
    return next((t.lemma.casefold() for t in tokens if t.head in of and t.pos == "NOUN"), "")


def _asks_role(tokens: tuple[Token, ...], position: int) -> bool:
    """Whether it is "Who is NAME?", which asks what somebody is."""
    rest = [token for token in tokens[position + 1 :] if token.pos not in {"PUNCT", "DET"}]
    return (
        len(rest) > 1 and rest[0].lemma.casefold() == "be" and all(token.pos == "PROPN" for token in rest[1:])
    )


def _speech_verb(tokens: tuple[Token, ...]) -> bool:
    return bool(_verbs(tokens, SAYING))


def _verbs(tokens: tuple[Token, ...], lemmas: frozenset[str]) -> list[int]:
    return [i for i, token in enumerate(tokens) if token.pos == "VERB" and token.lemma.casefold() in lemmas]


def _speaker(parse: Parse, names: tuple[str, ...]) -> str:
    """The name that is the subject of a verb of saying, or that follows "according to"."""
    for token in parse.tokens:
        subject_of = parse.tokens[token.head].lemma.casefold()
        if token.dep in {"nsubj", "nsubjpass"} and subject_of in SAYING | REACTING:
            return next((name for name in names if token.text in name), "")
    match = re.search(r"according to (.+?)[?,.]*$", parse.text, re.I)
    return next((name for name in names if match and name in match.group(1)), "")


def _terms(parse: Parse, names: tuple[str, ...], focus: str) -> tuple[str, ...]:
    terms = [
        token.lemma.casefold()
        for token in parse.tokens
        if token.pos in _CONTENT
        and not _inside(token, parse, names)
        and token.lemma.casefold() not in _EMPTY_LEMMAS
        and token.lemma.casefold() not in STOPWORDS
        and not (token.lemma.casefold() == focus and focus in _FOCUS)
    ]
    return tuple(dict.fromkeys(terms))


def _inside(token: Token, parse: Parse, names: tuple[str, ...]) -> bool:
    return any(
        start <= token.start < start + len(name)
        for name in names
        for start in (match.start() for match in re.finditer(re.escape(name), parse.text))
    )

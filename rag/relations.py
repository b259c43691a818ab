"""Words of a question that evidence cannot do without: nobody's birth is told without a word for it.

Most words can be paraphrased in too many ways to insist on one. A few relations cannot: whoever says to whom
somebody is married uses a word of marriage. When a question asks for such a relation and no word for it
stands in the evidence or around it, the evidence answers another question, however many names they share.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from models.protocols import Parse, Token
from rag.names import akin, named_in
from rag.numbers import quantities
from rag.question import AMOUNTS, NUMERIC, SAYING, Question
from rag.records import Article
from rag.syntax import below

_BEFORE_NOUN = frozenset({"poss", "amod", "compound", "nmod"})
AROUND = 250
"""Characters before and behind a sentence in which the word may stand as well."""

_KIN = "son sons daughter* child children kid kids father* mother* parent* dad mom mum baby babies twin* born"
_RELATIONS = (
    # What asks for it; what tells it. A star stands for any ending, a line for a space.
    (
        "marry marries married marriage wife husband spouse wed wedding",
        "marr* remarr* wife wives husband* spouse* wed wedding* weds bride* groom* widow* divorc* "
        "engaged_to first_lady couple",
    ),
    ("born birthplace birthday", "born birth* native* hail* grew_up raised"),
    ("how_many_children how_many_kids how_many_sons how_many_daughters", _KIN),
    ("father mother parent parents", _KIN),
    ("brother* sister* sibling*", "brother* sister* sibling* twin*"),
    (
        "founded founder founding established set_up",
        "found* cofound* co-found* establish* set_up sets_up setting_up creat* launch* start* began "
        "begin* begun form formed forming formation open opened built incorporat* since origin* "
        "invent* dates_back old",
    ),
    (
        "become becomes became",
        "becom* became appoint* named elect* promot* took taking_over takes_over taking_office sworn "
        "inaugurat* join* rose since made make makes making turn* nominat* chosen selected hired "
        "picked install* replac* succe* crown* designat* recogni* declar* win wins won winning newly "
        "first youngest oldest legal* passed passes grew got achiev* earn* ascend* serv*",
    ),
    (
        "succeed succeeds succeeded successor*",
        "succe* replac* took_over takes_over taking_over take_over takeover next follow* new newly "
        "fill* step_in steps_in stepped_in interim acting elect* place_of instead substitut* nominat* "
        "heir* appoint* named",
    ),
    (
        "graduate graduated studied_at degree alma_mater",
        "graduat* stud* degree* universit* college* school* educat* alma major majored ph.d phd "
        "doctorate bachelor* master* diploma",
    ),
    ("tax taxes", "tax* levy levies duty duties irs tariff* vat treasury"),
    (
        "injured injuries injury wounded hurt",
        "injur* wound* hurt* hospital* casualt* harm* maim* burn* treat* broke broken stab* shot "
        "victim* attack* concussion tore torn sprain* fractur* bit bitten trampl* crush*",
    ),
    (
        "arrest arrested",
        "arrest* detain* detention custody charg* jail* caught apprehend* captur* seiz* handcuff* "
        "book* suspect* raid* held taken convict* indict* prison* surrender*",
    ),
    (
        "charged_with indicted prosecuted",
        "charg* indict* prosecut* accus* arrest* arraign* plead* pled guilty trial court count counts "
        "convict* sentenc* jury custody suspect*",
    ),
    (
        "spokesman spokeswoman spokesperson",
        "spokes* press_secretary press_officer press_office press_service",
    ),
    (
        "who_recorded who_secretly_recorded who_taped who_bugged who_intercepted",
        "record* tape* bugged wiretap* intercept* eavesdrop*",
    ),
    ("sign signs signed signing", "sign signs signed signing signator* signature* inked initialled"),
    ("civilian*", "civilian* non-combatant* noncombatant* bystander* resident* inhabitant* villager*"),
    ("nickname* nicknamed", "nicknam* known dubbed called alias moniker calls so-called"),
    (
        "lawyer lawyers attorney attorneys",
        "lawyer* attorney* counsel* solicitor* barrister* represent* legal",
    ),
    (
        "donate* donated donation*",
        "donat* give gives gave given contribut* gift* pledg* charit* fund* philanthrop*",
    ),
    ("weigh weighs weighed", "weigh* pound* lb lbs kilo* kg kgs ton tons tonne* ounce* gram*"),
)  # fmt: skip


def _any(words: str) -> re.Pattern[str]:
    stems = [re.escape(word.removesuffix("*")).replace("_", r"\s+") for word in words.split()]
    endings = [r"\w*" if word.endswith("*") else "" for word in words.split()]
    either = "|".join(stem + ending for stem, ending in zip(stems, endings, strict=True))
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)


RELATIONS = tuple((_any(asked), _any(told)) for asked, told in _RELATIONS)
"""What asks for a relation, and what tells one."""
_WHO = re.compile(r"^who (?:secretly )?", re.IGNORECASE)
_MANAGES = re.compile(r"\bsucceed\w* in\b", re.IGNORECASE)


def untold(question: Question, article: Article, start: int, end: int) -> str:
    """Return the word for a relation that the question asks for and nothing in or around the sentence tells.

    The sentence is `article.text[start:end]`. Empty when nothing is lacking.
    """
    around = f"{article.title}\n{article.text[max(0, start - AROUND) : end + AROUND]}"
    wanted = _MANAGES.sub("", question.text)
    for token in question.parse.tokens:
        # "How old is Anna Berg, the founder of Holm?" asks nothing about a founding.
        if token.dep == "appos" and question.parse.tokens[token.head].pos == "PROPN":
            wanted = wanted.replace(token.text, "")
    for asked, told in RELATIONS:
        match = asked.search(wanted)
        if match and not told.search(around):
            return _WHO.sub("", match.group())
    return ""


_SPOKEN = re.compile(r"[“”\"]|[‘’]\w|\baccording to\b", re.IGNORECASE)


def speaks(sentence: Parse) -> bool:
    """Whether a sentence holds somebody's words: a verb of saying, or marks of quotation."""
    said = any(token.lemma.casefold() in SAYING for token in sentence.tokens)
    return said or bool(_SPOKEN.search(sentence.text))


_ABOUT = re.compile(r"\b(?:about|on|of|regarding|concerning)\b(.*)", re.IGNORECASE)
_STANDS_FOR = re.compile(
    r"\b(?:he|him|his|she|hers?|it|its|they|them|theirs?|this|these|those)\b", re.IGNORECASE
)
"""Words that may stand for whom or what somebody speaks about."""


def untouched(question: Question, sentence: str) -> str:
    """Return the name that somebody's words are asked about and that nothing in the sentence may stand for.

    Empty when nobody's words are asked for.
    """
    about = _ABOUT.search(question.text) if question.kind == "quote" else None
    if about is None or _STANDS_FOR.search(sentence):
        return ""
    asked = [name for name in question.names if name in about[1]]
    return next((name for name in asked if not any(named_in(word, sentence) for word in name.split())), "")


def undone(question: Question, sentence: Parse) -> str:
    """Return the verb that "who" is asked for as its doer, where the sentence only tells that it was done.

    "A leaked call" does not say who leaked it. Empty when some doer may be told.
    """
    asked = question.parse.tokens
    who = next((t for t in asked if t.text.casefold() == "who" and t.dep == "nsubj"), None)
    if who is None or re.search(r"\bby\b", sentence.text):
        return ""
    verb = asked[who.head]
    tokens = sentence.tokens
    leaks = verb.lemma.casefold() in _HANDS_ON and bool(_RECORDED.search(question.text))
    lemma, done = ("leak", "leaked") if leaks else (verb.lemma.casefold(), verb.text)
    met = [i for i, token in enumerate(tokens) if token.lemma.casefold() == lemma]
    met += [i for i, token in enumerate(tokens) if token.pos == "ADJ" and token.text == done]
    met += [i for i, token in enumerate(tokens) if token.pos == "NOUN" and akin(token.lemma, verb.lemma)]
    return verb.text if verb.pos == "VERB" and met and all(_doerless(tokens, i) for i in met) else ""


def _doerless(tokens: tuple[Token, ...], verb: int) -> bool:
    """Whether it is a participle or a noun that tells of something that it was done to it."""
    if tokens[verb].pos == "NOUN":
        owned = any(token.head == verb and token.dep == "poss" for token in tokens)
        led = tokens[verb].dep == "dobj" and tokens[tokens[verb].head].lemma.casefold() in _CARRIES_OUT
        return not owned and not led and any(token.head == verb and token.lemma == "of" for token in tokens)
    if tokens[verb].dep in {"amod", "acl"}:
        return tokens[verb].tag in {"VBN", "JJ", "VBD"}
    beside = {token.dep for token in tokens if token.head == verb}
    return "nsubjpass" in beside or (tokens[verb].lemma.casefold() == "leak" and "dobj" not in beside)


_HANDS_ON = frozenset("pass hand slip give supply feed".split())
_RECORDED = re.compile(
    r"\b(?:recording|transcript|tape|audio|details|contents?|draft|plan|memo|letter|documents?)\b",
    re.IGNORECASE,
)
"""What is leaked, where somebody passes it on."""
_CARRIES_OUT = frozenset(
    "lead head run conduct make do give launch undertake oversee organise organize".split()
)
_YEARS = range(1000, 2101)
_PART_OF_WORD = re.compile(r"[-/:]$")
_MONTH = re.compile(
    r"\b(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?,?$|^(?:st|nd|rd|th)?,?(?: of)? "
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)",
    re.IGNORECASE,
)
_OF_CLOCK = re.compile(r"[/:]\d|\s?[ap]\.?m\b", re.IGNORECASE)


def ungiven(question: Question, article: Article) -> str:
    """Return the number in the question that the article nowhere gives; empty when it gives all.

    Years, days and times are left out: an article tells them by its own day.
    """
    held = {number.value for number in quantities(f"{article.title}\n{article.text}")}
    for number in quantities(question.text):
        before, behind = question.text[: number.start].rstrip(), question.text[number.end :]
        told = _MONTH.search(before) or _MONTH.match(behind) or number.value in _YEARS
        inside = _PART_OF_WORD.search(question.text[: number.start]) or _OF_CLOCK.match(behind)
        if not told and not inside and number.value not in held and any(c.isdigit() for c in number.text):
            return number.text.strip()
    return ""


_ASKS_NAME = re.compile(r"\b(?:called|named)\W*$|\bnames? of\b|\bname\W*$", re.IGNORECASE)
_QUOTED = re.compile(r"[\s,]*(?:\w+ )?[“\"]\w")
"""A name may stand in marks of quotation behind what bears it: a machine called “Research cluster”."""
_NOBODY = frozenset(
    {"GPE", "LOC", "FAC", "ORG", "NORP", "EVENT", "LAW", "LANGUAGE", "PRODUCT", "WORK_OF_ART"}
)
_TIES = frozenset(
    (
        "appos compound nmod flat amod attr oprd acl relcl nsubj nsubjpass poss npadvmod dep ccomp parataxis"
    ).split()
)
"""What holds a thing and its name together; one beside another in a list is not its name."""
_NAMING = frozenset({"be", "call", "name", "dub", "know", "title", "entitle", "christen", "rename"})


def of_whom_else(question: Question, sentence: Parse, before: str, span: tuple[int, int]) -> str:
    """Return of whom it is asked for when what the sentence gives, at `span`, is somebody else's; or "".

    "Russia's army" is not the army that the sentence calls Ukraine's, its size has to stand where Russia is
    named, and an age behind a name is that one's: "Anna Berg, 44, the sister of Ida Lund".
    """
    owners = [name for name in question.names if re.search(rf"{re.escape(name)}[’']s\b", question.text)]
    if question.kind == "age":
        aged = re.search(r"([A-Z][\w’'-]+)(?:,| \(|,? aged) ?\(?$", sentence.text[: span[0]])
        if aged is not None and owners:
            # Of "Berg, 44, the husband of Ida" for the age of Berg's wife.
            return next((name for name in owners if named_in(name, aged[1])), "")
        meant = aged is None or any(named_in(name, aged[1]) for name in question.names)
        return "" if meant or not question.names else question.names[-1]
    numeric = question.kind in NUMERIC - {"date"}
    theirs = _owned(sentence.tokens)
    for noun, names in _owned(question.parse.tokens).items():
        asked = [token for token in names if token.dep == "poss" or (numeric and token.entity == "NORP")]
        others = [other for other in theirs.get(noun, ()) if any(_comparable(each, other) for each in asked)]
        if others and not any(_same(a, b) for a in names for b in others):
            return asked[0].text
    if numeric and (other := _of_another_land(question, sentence.tokens, span)):
        return other
    around = f"{before}\n{sentence.text}"
    return next((name for name in owners if numeric and not named_in(name, around)), "")


_LIMITS = frozenset("cap limit restrict reduce cut".split())
_MAY_BE = re.compile(
    r"\b(?:would|could|should|may|might|must|will|allow\w*|cap\w*|limit\w*|restrict\w*|reduc\w+|cut|most|maximum"
    r"|plans?|proposals?|drafts?|deal|under)\b",
    re.IGNORECASE,
)


def only_limited(question: Question, sentence: Parse, span: tuple[int, int]) -> bool:
    """Whether the number at `span` is what something is to be held to, and what there is was asked for."""
    if question.kind not in {"count", "amount"} or _MAY_BE.search(question.text):
        return False
    verb = _verb_above(sentence.tokens, span[0])
    return verb is not None and sentence.tokens[verb].lemma.casefold() in _LIMITS


def _verb_above(tokens: tuple[Token, ...], start: int) -> int | None:
    """The nearest verb that the token at the character `start` hangs on."""
    at = next((i for i, token in enumerate(tokens) if token.start <= start < token.end), 0)
    return next((i for i in _up(tokens, at) if tokens[i].pos == "VERB"), None)


def _of_another_land(question: Question, tokens: tuple[Token, ...], span: tuple[int, int]) -> str:
    """The country that the question names, where the number at `span` is of the forces of another."""
    asked = [token for token in question.parse.tokens if token.entity in _LANDS]
    verb = _verb_above(tokens, span[0])
    if not asked or verb is None:
        return ""
    forces = _owned(tokens, below(tokens, verb)).get("army", ())
    owners = [owner for owner in forces if owner.entity in _LANDS]
    return "" if not owners or any(_same(a, b) for a in asked for b in owners) else asked[0].text


def _owned(tokens: tuple[Token, ...], among: Collection[int] | None = None) -> dict[str, list[Token]]:
    """The names that own each noun, by its lemma: `army` in "Ukraine's army", "the Russian army".

    Whoever "its" stands for owns too: Ukraine in "requiring Ukraine to restrict its forces". With `among`
    only what hangs together with these tokens counts.
    """
    found: dict[str, list[Token]] = {}
    for i, token in enumerate(tokens):
        noun = tokens[token.head]
        if noun.pos != "NOUN" or token.dep not in _BEFORE_NOUN or (among is not None and i not in among):
            continue
        lemma = noun.lemma.casefold()
        owner = _stands_for(tokens, i) if token.tag == "PRP$" and lemma in _FORCES else token
        if owner is None or owner.entity in AMOUNTS or not owner.text[:1].isupper():
            continue
        if owner.pos == "PROPN" or owner.entity == "NORP":
            found.setdefault("army" if lemma in _FORCES else lemma, []).append(owner)
    return found


_FORCES = frozenset({"army", "force", "military", "troop"})
"""One thing in several words, owned by a country."""
_LANDS = frozenset({"GPE", "NORP", "LOC"})


def _stands_for(tokens: tuple[Token, ...], at: int) -> Token | None:
    """The country that "its" at a place stands for: its clause's subject, or the last one named before."""
    for above in _up(tokens, tokens[at].head):
        subject = next((t for t in tokens if t.head == above and t.dep in _SUBJECTS and t.start < at), None)
        if subject is not None and subject.entity in _LANDS:
            return subject
        if tokens[above].dep not in _GOES_ON:
            break
    return next((t for t in reversed(tokens[:at]) if t.entity in _LANDS), None)


_SUBJECTS = frozenset({"nsubj", "nsubjpass"})
_GOES_ON = frozenset({"dobj", "pobj", "prep", "conj", "xcomp"})
"""What a clause goes on with about the same subject."""


def _comparable(left: Token, right: Token) -> bool:
    """Whether what is one's cannot be the other's: an American envoy may be Trump's, but not Russia's."""
    return right.entity != "NORP" or left.entity in _LANDS


def _same(left: Token, right: Token) -> bool:
    return named_in(left.text, right.text) or named_in(right.text, left.text)


def asks_name(question: Question) -> bool:
    """Whether a question asks what somebody or something is called."""
    return bool(_ASKS_NAME.search(question.text))


def unnamed(question: Question, sentence: Parse, span: range) -> bool:
    """Whether a sentence whose best span has the tokens `span` lacks the name that is asked for.

    When it speaks of the thing, the name must be the thing's: not that of another, as in "his envoy Anna Berg
    and a translator". Else the span must hold a name, and somebody's when somebody's is asked for.
    """
    tokens = sentence.tokens
    names = [i for i, token in enumerate(tokens) if _may_name(token, somebody=question.kind == "person")]
    things = [i for i, t in enumerate(tokens) if t.pos == "NOUN" and t.lemma.casefold() == question.focus]
    if things:
        quoted = any(_QUOTED.match(sentence.text, tokens[i].end) for i in things)
        return not quoted and not any(
            _tied(tokens, i, name) for i in things for name in names if name > i or not _added(tokens, i)
        )
    return not any(name in span for name in names)


def _may_name(token: Token, *, somebody: bool) -> bool:
    if token.entity in AMOUNTS or not token.text[:1].isupper():
        return False
    return token.pos == "PROPN" and not (somebody and token.entity in _NOBODY)


def _added(tokens: tuple[Token, ...], thing: int) -> bool:
    """Whether it ends a list as one more: "and a translator" is none of those named before."""
    first = thing
    while first and tokens[first - 1].head == thing:
        first -= 1
    return bool(first) and tokens[first].text in {"a", "an"} and tokens[first - 1].text == "and"


def _tied(tokens: tuple[Token, ...], thing: int, name: int) -> bool:
    """Whether one stands with the other, or a verb of naming or being joins them."""
    ours, theirs = _up(tokens, thing), _up(tokens, name)
    meet = next((at for at in ours if at in theirs), None)
    if meet is None:  # Two sentences in one.
        return False
    path = (*ours[: ours.index(meet)], *theirs[: theirs.index(meet)])
    if any(tokens[at].dep not in _TIES for at in path):
        return False
    return meet in {thing, name} or tokens[meet].pos != "VERB" or tokens[meet].lemma.casefold() in _NAMING


def _up(tokens: tuple[Token, ...], at: int) -> list[int]:
    """The token and those it hangs on, up to the root."""
    way = [at]
    while tokens[at].head != at and len(way) <= len(tokens):
        at = tokens[at].head
        way.append(at)
    return way

"""Makes of a true sentence false ones (one fact changed) and harmless ones (the same said in another way)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from models.protocols import Entity, Parse
from rag.dates import dates
from rag.names import same_name
from rag.numbers import Quantity, quantities
from rag.syntax import below
from rag.text import normalise

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SMALL = (
    *("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
SPEAKS = frozenset("say tell warn announce declare insist add claim argue write state confirm deny".split())
NAMES = frozenset({"PERSON", "GPE", "ORG", "NORP"})
OPPOSITES = dict(
    pair.split("/")
    for pair in (
        "rose/fell fell/rose increased/decreased increase/decrease won/lost lost/won accepted/rejected "
        "rejected/accepted approved/rejected before/after after/before more/fewer higher/lower lower/higher "
        "up/down opened/closed first/last largest/smallest best/worst arrived/left bought/sold sold/bought "
        "began/ended started/ended allowed/banned banned/allowed legal/illegal guilty/innocent north/south "
        "south/north east/west west/east northern/southern southern/northern men/women women/men man/woman "
        "woman/man son/daughter daughter/son husband/wife wife/husband former/current current/former "
        "positive/negative success/failure support/oppose supported/opposed opposed/supported public/private "
        "gained/lost raised/cut cut/raised inside/outside above/below old/new young/old early/late "
        "least/most most/least strong/weak good/bad better/worse major/minor male/female female/male "
        "brother/sister sister/brother mother/father father/mother victory/defeat attack/defend"
    ).split()
)
SPELLINGS = (
    ("Zelensky", "Zelenskyy"), ("Zelenskyy", "Zelensky"), ("Kyiv", "Kiev"), ("Yury", "Yuri"),
    ("Dmitriev", "Dmitriyev"), ("United States", "U.S."), ("U.S.", "United States"), ("US", "U.S."),
    ("European Union", "EU"), ("United Nations", "UN"), ("United Kingdom", "UK"), ("percent", "per cent"),
    ("Gaddafi", "Qaddafi"), ("Odesa", "Odessa"), ("World Health Organization", "WHO"), ("%", " percent"),
    ("World Cup", "world cup"), ("vs.", "versus"), ("Kharkiv", "Kharkov"), ("Dr.", "Dr"), ("Mr.", "Mr"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Altered:
    """A sentence made of a true one; `harmless` when it says nothing else."""

    kind: str
    text: str
    harmless: bool = False


Maker = Callable[[Parse, Sequence[Entity], str], Iterator[str]]
"""Of a sentence, the entities of its article, and the day that was published, to other sentences."""


def alter(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[Altered]:
    """Yield what can be made of a sentence: at most one of each kind."""
    for kind, (maker, harmless) in KINDS.items():
        for text in maker(parse, around, published):
            text = " ".join(text.split())
            text = text[:1].upper() + text[1:]
            if text != parse.text:
                yield Altered(kind, text, harmless)
                break


def _put(text: str, start: int, end: int, new: str) -> str:
    return text[:start] + new + text[end:]


# ---------------------------------------------------------------- false


def _plain(parse: Parse) -> list[Quantity]:
    days = [when.at for when in dates(parse.text)]
    return [
        found
        for found in quantities(parse.text)
        if not any(a < found.end and found.start < b for a, b in days)
        and not re.search(r"(?:st|nd|rd|th)$", found.text)
        and not re.match(r"[\w:.-]*\w", parse.text[found.end : found.end + 3])
        and not re.search(r"[\w:.$-]$", parse.text[: found.end - len(found.text)])
    ]


def _number(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    for found in _plain(parse):
        word = found.text.casefold()
        if word in SMALL:
            other = SMALL[(SMALL.index(word) + 3) % len(SMALL)]
            yield _put(parse.text, found.start, found.end, f" {other}")
            continue
        digits = re.search(r"\d", parse.text[found.start : found.end])
        if digits:
            at = found.start + digits.start()
            yield _put(parse.text, at, at + 1, str(int(parse.text[at]) % 9 + 1))


def _magnitude(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    pairs = {"million": "billion", "billion": "million", "thousand": "million", "€": "$", "$": "£"}
    pairs |= {"minutes": "hours", "hours": "days", "days": "weeks", "weeks": "months", "months": "years"}
    pairs |= {"miles": "kilometres", "percent": "percentage points", "kilometers": "miles"}
    for match in re.finditer(r"(?<=\d )[a-z]+\b|[$€](?=\d)", parse.text):
        if match.group() in pairs:
            yield _put(parse.text, *match.span(), pairs[match.group()])


def _date(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    for match in re.finditer(rf"\b(?:{'|'.join((*DAYS, *MONTHS))})\b|\b20[012]\d\b", parse.text):
        said = match.group()
        listed = DAYS if said in DAYS else MONTHS
        other = str(int(said) - 2) if said.isdigit() else listed[(listed.index(said) + 3) % len(listed)]
        yield _put(parse.text, *match.span(), other)


def _name(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    for entity in parse.entities:
        if entity.label in NAMES and _plain_name(entity):
            yield from _renamed(parse, entity, around)


def _renamed(parse: Parse, entity: Entity, around: Sequence[Entity]) -> Iterator[str]:
    said = normalise(parse.text)
    for other in around:
        last = normalise(other.text).split()[-1]
        if other.label == entity.label and _plain_name(other) and last not in said:
            yield _put(parse.text, entity.start, entity.end, other.text)
            return


def _plain_name(entity: Entity) -> bool:
    return bool(re.fullmatch(r"(?:[A-Z][\w.-]+ ?){1,3}", entity.text))


def _negated(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    for i, token in enumerate(parse.tokens):
        if token.dep == "neg" and token.text in {"not", "n’t", "n't"}:
            text = _put(parse.text, token.start, token.end, "")
            yield re.sub(r"\b([Cc])a\b", r"\1an", re.sub(r"\b([Ww])o\b", r"\1ill", text))
        if token.head != i or any(other.head == i and other.dep == "neg" for other in parse.tokens):
            continue
        helper = next((o for o in parse.tokens if o.head == i and o.dep in {"aux", "auxpass"}), None)
        helper = token if token.lemma == "be" and token.pos == "AUX" else helper
        if helper is not None and helper.text.isalpha():
            yield _put(parse.text, helper.end, helper.end, " not")
        elif token.tag in {"VBD", "VBZ"} and token.lemma.isalpha():
            does = "did not" if token.tag == "VBD" else "does not"
            yield _put(parse.text, token.start, token.end, f"{does} {token.lemma}")


def _antonym(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    for token in parse.tokens:
        if token.text in OPPOSITES and token.pos in {"VERB", "NOUN", "ADJ"} and token.entity == "":
            yield _put(parse.text, token.start, token.end, OPPOSITES[token.text])


def _speaker(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    for entity in parse.entities:
        head = parse.tokens[entity.last]
        speaks = parse.tokens[head.head].lemma in SPEAKS and head.dep == "nsubj"
        if speaks and entity.label in {"PERSON", "ORG", "GPE"} and _plain_name(entity):
            yield from _renamed(parse, entity, around)


def _made_fact(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    for i, token in enumerate(parse.tokens):
        if token.head != i or token.lemma not in SPEAKS - {"deny"} or "“" in parse.text or '"' in parse.text:
            continue
        told = [j for j, other in enumerate(parse.tokens) if other.head == i and other.dep == "ccomp"]
        if told:
            inside = sorted(below(parse.tokens, told[0]))
            if inside == list(range(inside[0], inside[-1] + 1)):
                text = parse.text[parse.tokens[inside[0]].start : parse.tokens[inside[-1]].end]
                yield re.sub(r"^that ", "", text).rstrip(" .,") + "."


def _certain(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    for match in re.finditer(r"\b(?:may|might|could)\b", parse.text):
        yield _put(parse.text, *match.span(), "will")
    for match in re.finditer(r"\b(?:allegedly|reportedly|possibly|probably|apparently) ", parse.text):
        yield _put(parse.text, *match.span(), "")


def _roles(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    for doer in parse.entities:
        for other in parse.entities:
            left, right = parse.tokens[doer.last], parse.tokens[other.last]
            same_verb = left.head == right.head and parse.tokens[left.head].tag in {"VBD", "VBZ", "VBN"}
            symmetric = parse.tokens[left.head].lemma in {"meet", "join", "marry", "be"}
            named = {doer.label, other.label} <= NAMES and not same_name(doer.text, other.text)
            if same_verb and not symmetric and named and (left.dep, right.dep) == ("nsubj", "dobj"):
                text = _put(parse.text, other.start, other.end, doer.text)
                yield _put(text, doer.start, doer.end, other.text)


# ---------------------------------------------------------------- harmless


def _spelled(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    for found in _plain(parse):
        start = found.end - len(found.text)
        if found.text.casefold() in SMALL:
            yield _put(parse.text, start, found.end, str(int(found.value)))
        elif found.text.isdigit() and 2 <= found.value <= 20:
            yield _put(parse.text, start, found.end, SMALL[int(found.value) - 2])
        elif re.fullmatch(r"\d{1,3},\d{3}", found.text):
            yield _put(parse.text, start, found.end, found.text.replace(",", ""))
        elif re.fullmatch(r"\$\S+ (?:m|b|tr)illion", found.text):
            yield _put(parse.text, start, found.end, f"{found.text[1:]} dollars")


def _rounded(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    for found in _plain(parse):
        start = found.end - len(found.text)
        hedged = re.search(r"(?:than|about|least|nearly|over|to|around|almost)\s*$", parse.text[:start])
        is_year = "," not in found.text and 1800 < found.value < 2100
        if re.fullmatch(r"[1-9][\d,]{2,}", found.text) and not hedged and not is_year:
            step = 10 ** (len(str(int(found.value))) - 2)
            near = round(found.value / step) * step
            if near != found.value:
                yield _put(parse.text, start, found.end, f"about {int(near):,}")


def _date_form(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    for match in re.finditer(rf"\b({'|'.join(MONTHS)}) (\d{{1,2}})\b(, 20\d\d)?,?(?! \d)", parse.text):
        year = (match[3] or "").replace(",", "")
        yield _put(parse.text, *match.span(), f"{match[2]} {match[1]}{year}")
    for match in re.finditer(rf"\b(\d{{1,2}}) ({'|'.join(MONTHS)})\b", parse.text):
        yield _put(parse.text, *match.span(), f"{match[2]} {match[1]}")


def _reckoned(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    for when in dates(parse.text, published=published):
        if when.how == "reckoned" and when.precise and re.search(r"day", when.said):
            year, month, day = when.first.split("-")
            start, end = when.at
            on = re.search(r"\bon $", parse.text[:start])
            if re.match(r" (?:morning|afternoon|evening|night)|[’'-]", parse.text[end:]):
                continue
            if re.search(r"\b(?:by|every|each|this|the|a|until|beginning|from) $", parse.text[:start]):
                continue
            said = f"{'' if on else 'on '}{int(day)} {MONTHS[int(month) - 1]} {year}"
            yield _put(parse.text, start, end, said)


def _spelling(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    for left, right in SPELLINGS:
        match = re.search(rf"(?<![\w.]){re.escape(left)}(?!\w)(?!\.)", parse.text)
        if match:
            yield _put(parse.text, *match.span(), right)


def _surname(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    for entity in parse.entities:
        if entity.label == "PERSON" and re.fullmatch(r"[A-Z][\w-]+ [A-Z][\w-]+", entity.text):
            yield _put(parse.text, entity.start, entity.end, entity.text.split()[-1])


def _fronted(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    match = re.fullmatch(r"((?:On|In|At|After|Since|During|Last) [^,“”]{3,40}), ([^“”]+[a-z])\.", parse.text)
    if match and parse.tokens[0].dep in {"prep", "advmod"}:
        yield f"{match[2]} {match[1][:1].lower()}{match[1][1:]}."
    match = re.fullmatch(r"(.+[a-z]) (on (?:" + "|".join(DAYS) + r"))\.", parse.text)
    if match and "," not in match[1]:
        yield f"O{match[2][1:]}, {match[1]}."


def _told_first(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    match = re.fullmatch(
        r"([^“”\"]+), ((?:[A-Z][\w.-]+ ?){1,3}|the \w+|he|she|police|officials) said\.", parse.text
    )
    if match:
        first = match[1].split()[0]
        said = (
            match[1]
            if first.istitle() and first not in {"The", "It", "A", "This", "We", "They", "In"}
            else (match[1][:1].lower() + match[1][1:])
        )
        yield f"{match[2].strip()} said {said}."
    match = re.fullmatch(r"((?:[A-Z][\w.-]+ ?){1,3}) said (?:that )?([^“”\"]+)\.", parse.text)
    if match:
        yield f"According to {match[1].strip()}, {match[2]}."


def _voice(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    tokens = parse.tokens
    for i, verb in enumerate(tokens):
        if verb.head != i or verb.tag != "VBD" or not verb.text.endswith("ed"):
            continue
        doer = next((j for j, t in enumerate(tokens) if t.head == i and t.dep == "nsubj"), None)
        done = next((j for j, t in enumerate(tokens) if t.head == i and t.dep == "dobj"), None)
        if doer is None or done is None or tokens[doer].pos == "PRON" or tokens[done].pos == "PRON":
            continue
        left, right = sorted(below(tokens, doer)), sorted(below(tokens, done))
        whole = left == list(range(i)) and right == list(range(i + 1, i + 1 + len(right)))
        if whole and not any(
            t.dep in {"conj", "relcl", "acl", "poss"} for t in (tokens[k] for k in (*left, *right))
        ):
            who = parse.text[: tokens[i - 1].end]
            what = parse.text[tokens[i + 1].start : tokens[right[-1]].end]
            rest = parse.text[tokens[right[-1]].end :]
            was = "were" if tokens[done].tag in {"NNS", "NNPS"} else "was"
            who = who if tokens[0].pos == "PROPN" else who[:1].lower() + who[1:]
            yield f"{what} {was} {verb.text} by {who}{rest}"


def _shorter(parse: Parse, around: Sequence[Entity], published: str) -> Iterator[str]:
    tokens = parse.tokens
    for i, token in enumerate(tokens):
        if token.dep in {"appos", "relcl"} and 0 < i < len(tokens) - 1:
            inside = sorted(below(tokens, i))
            first, last = inside[0], inside[-1]
            if inside != list(range(first, last + 1)) or first == 0 or last + 1 >= len(tokens):
                continue
            if tokens[first - 1].text == "," and tokens[last + 1].text == ",":
                yield parse.text[: tokens[first - 1].start] + parse.text[tokens[last + 1].end :]
    for i, token in enumerate(tokens):
        up = tokens[token.head]
        if (
            token.dep == "prep"
            and up.head == token.head
            and token.text in {"in", "on", "at", "during", "after"}
        ):
            inside = sorted(below(tokens, i))
            if (
                inside[-1] == len(tokens) - 2
                and inside == list(range(inside[0], inside[-1] + 1))
                and up.lemma != "be"
            ):
                yield parse.text[: tokens[inside[0] - 1].end] + "."


KINDS: dict[str, tuple[Maker, bool]] = {
    "number": (_number, False),
    "magnitude or unit": (_magnitude, False),
    "date": (_date, False),
    "name": (_name, False),
    "negation": (_negated, False),
    "antonym": (_antonym, False),
    "speaker": (_speaker, False),
    "said becomes fact": (_made_fact, False),
    "may becomes will": (_certain, False),
    "roles": (_roles, False),
    "number spelled": (_spelled, True),
    "rounded": (_rounded, True),
    "date form": (_date_form, True),
    "date reckoned": (_reckoned, True),
    "spelling": (_spelling, True),
    "surname alone": (_surname, True),
    "clause order": (_fronted, True),
    "reported otherwise": (_told_first, True),
    "voice": (_voice, True),
    "adjunct dropped": (_shorter, True),
}

__all__ = ["KINDS", "Altered", "alter"]

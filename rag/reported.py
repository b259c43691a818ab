"""What is only said, denied or possible: who says it, "not", "may", in a claim and in the passage."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.protocols import Parse, Token
from rag.names import akin, same_name
from rag.roles import named, places, weighty
from rag.text import normalise, words

SPEECH = frozenset(
    (
        "say tell state claim argue warn announce declare insist add write report allege believe suggest "
        "expect confirm deny describe call accuse predict estimate maintain contend assert fear hope think "
        "imply brand express note project testify promise vow acknowledge recall explain"
    ).split()
)
_HEDGES = frozenset(
    (
        "allegedly reportedly apparently supposedly purportedly rumoured rumored alleged reported possibly "
        "probably perhaps presumably"
    ).split()
)
_NEGATIVE = frozenset(
    ("not n't never no neither nor without nobody nothing none cannot deny refuse fail reject hardly").split()
)
_FUTURE = frozenset(("will would shall 'll wo 'd").split())
_POSSIBLE = frozenset(("may might could can ca").split())
_DUTY = frozenset(("should must ought").split())
_INTENDS = frozenset(
    (
        "expect plan want hope intend schedule set due aim seek try promise threaten vow be prepare propose "
        "ask offer need require urge order call likely ready able"
    ).split()
)
_SUBJECTS = frozenset({"nsubj", "csubj"})
_OBJECTS = frozenset({"dobj", "nsubjpass", "obj"})
_PRONOUNS = frozenset("he she they it i we you who".split())


@dataclass(frozen=True, slots=True)
class Frame:
    """Words of a sentence that somebody says: `inside` are their places, `by` those of the speaker."""

    inside: frozenset[int]
    by: frozenset[int]
    name: str


# ---------------------------------------------------------------- who says it


def unattributed(claim: Parse, cited: Sequence[Parse], asked: str) -> Iterator[tuple[str, str]]:
    """Yield (support, reason) where reported words became a fact, a hedge was lost, the speaker changed."""
    own = frames(claim)
    if set(words(asked)) & SPEECH:
        return
    for parse in cited:
        for token in parse.tokens:
            low = token.text.casefold()
            if low in _HEDGES and not _hedged(claim) and not own and _touches(parse, token, claim):
                yield "partly", f"the passage only says “{token.text}”"
        for frame in frames(parse):
            aligned = _aligned(claim, parse)
            content = [i for i in aligned if not any(i in mine.by for mine in own)]
            if not content or not all(aligned[i] & frame.inside for i in content):
                continue
            outer = [mine for mine in own if not _told_inside(claim, mine, parse, frame)]
            if not outer:
                many = re.search(r"[a-z]s$", frame.name) and not frame.name[:1].isupper()
                yield "partly", f"it is what {frame.name} {'say' if many else 'says'}, not the article"
            elif not any(_same_speaker(claim, mine, parse, frame, own, cited) for mine in outer):
                yield "contradicted", f"the passage has {frame.name} say it, not {outer[0].name}"


def frames(parse: Parse) -> list[Frame]:
    """Return what is reported in a sentence, by whom: "X said that …", "…, according to X"."""
    tokens = parse.tokens
    found = []
    for i, token in enumerate(tokens):
        if token.pos == "VERB" and token.lemma.casefold() in SPEECH:
            told = {j for j, t in enumerate(tokens) if t.head == i and t.dep in {"ccomp", "parataxis"}}
            if token.dep == "parataxis" or (not told and token.dep == "ccomp"):
                told |= {token.head}
            subjects = [j for j, t in enumerate(tokens) if t.head == i and t.dep in {"nsubj", "nsubjpass"}]
            subject = min(subjects, key=lambda j, i=i: abs(j - i), default=None)  # type: ignore[misc]
            agent = next(
                (j for j, t in enumerate(tokens) if t.dep == "pobj" and tokens[t.head].dep == "agent"
                 and tokens[t.head].head == i), None,
            )  # fmt: skip
            speaker = agent if agent is not None else subject
            if speaker is None:
                continue
            by = subtree(tokens, {speaker})
            inside = subtree(tokens, told) - by - {i}
            if token.head in told:
                inside -= subtree(tokens, {i})
            first = min(by)
            if not told and token.head == i and first and tokens[first - 1].text in {",", "”", '"'}:
                inside = set(range(first - 1))  # the parser took "…, the board said" apart wrongly
            if not inside:
                continue
            found.append(Frame(frozenset(inside), frozenset(by | {i}), _phrase(parse, speaker)))
        if token.text.casefold() == "according" and i + 2 < len(tokens):
            speaker = next(
                (j for j, t in enumerate(tokens) if t.dep == "pobj" and j > i
                 and tokens[t.head].head in {i, t.head} and tokens[t.head].text.casefold() == "to"), None,
            )  # fmt: skip
            if speaker is not None:
                by = subtree(tokens, {speaker}) | {i, i + 1}
                head = tokens[i].head if tokens[i].head != i else i
                while tokens[head].head != head:
                    head = tokens[head].head
                inside = subtree(tokens, {head}) - by
                found.append(Frame(frozenset(inside), frozenset(by), _phrase(parse, speaker)))
    return found


def _aligned(claim: Parse, parse: Parse) -> dict[int, set[int]]:
    """Where each telling word of the claim stands in the passage; words that stand nowhere left out."""
    telling = {
        i: set(places(parse, token))
        for i, token in enumerate(claim.tokens)
        if (token.pos in {"VERB", "NUM", "NOUN", "ADJ"} and weighty(token)) or token.pos == "ADJ"
    }
    return {i: found for i, found in telling.items() if found}


def _told_inside(claim: Parse, mine: Frame, parse: Parse, frame: Frame) -> bool:
    """Whether the claim's own "says" is itself among the words reported: "She said he believed …"."""
    verbs = [
        i for i in mine.by if claim.tokens[i].lemma.casefold() in SPEECH and claim.tokens[i].pos == "VERB"
    ]
    return bool(verbs) and all(
        (found := set(places(parse, claim.tokens[i]))) and found <= frame.inside for i in verbs
    )


def _same_speaker(
    claim: Parse, mine: Frame, parse: Parse, frame: Frame, own: Sequence[Frame], cited: Sequence[Parse]
) -> bool:
    theirs = {normalise(parse.tokens[i].text) for i in frame.by}
    said = [
        claim.tokens[i]
        for i in mine.by
        if claim.tokens[i].pos in {"PROPN", "NOUN", "PRON"} or named(claim.tokens[i])
    ]
    if not said or any(token.text.casefold() in _PRONOUNS for token in said):
        return True
    if theirs & _PRONOUNS and any(token.pos == "PROPN" for token in said):
        return True
    if theirs & _PRONOUNS or not any(parse.tokens[i].pos == "PROPN" for i in frame.by):
        generic = not any(token.pos == "PROPN" for token in said)
        met = any(_alike(token, parse, i) for token in said for i in frame.by)
        return met or not generic or bool(theirs & _PRONOUNS)
    return any(_alike(token, parse, i) for token in said for i in frame.by)


def _alike(token: Token, parse: Parse, i: int) -> bool:
    other = parse.tokens[i]
    return same_name(normalise(token.text), normalise(other.text)) or (
        other.pos == "NOUN" and akin(token.lemma.casefold(), other.lemma.casefold())
    )


def _hedged(claim: Parse) -> bool:
    return any(token.text.casefold() in _HEDGES for token in claim.tokens)


def _touches(parse: Parse, hedge: Token, claim: Parse) -> bool:
    head = parse.tokens[hedge.head]
    near = (
        {head.lemma.casefold(), parse.tokens[head.head].lemma.casefold()}
        if head.pos != "VERB"
        else {head.lemma.casefold()}
    )
    return any(akin(word, token.lemma.casefold()) for word in near for token in claim.tokens)


def subtree(tokens: Sequence[Token], roots: set[int]) -> set[int]:
    """Return the places of some tokens and of all that hangs on them."""
    reach = set(roots)
    changed = True
    while changed:
        changed = False
        for j, token in enumerate(tokens):
            if j not in reach and token.head in reach and token.head != j:
                reach.add(j)
                changed = True
    return reach


def _phrase(parse: Parse, at: int) -> str:
    inside = [
        i
        for i, token in enumerate(parse.tokens)
        if i == at or (token.head == at and token.dep in {"compound", "det", "amod", "poss"})
    ]
    return parse.text[parse.tokens[min(inside)].start : parse.tokens[max(inside)].end]


# ---------------------------------------------------------------- "not"


def wrong_polarity(claim: Parse, cited: Sequence[Parse]) -> Iterator[str]:
    """Yield where a verb is denied in the claim and not in the passage, or the other way round."""
    for at, token in enumerate(claim.tokens):
        if token.pos not in {"VERB", "AUX"} or token.dep in {"aux", "auxpass"}:
            continue
        own = denied(claim.tokens, at)
        for parse in cited:
            said = {
                denied(parse.tokens, i)
                for i, other in enumerate(parse.tokens)
                if other.pos in {"VERB", "AUX"}
                and other.dep not in {"aux", "auxpass"}
                and akin(token.lemma, other.lemma)
            }
            if said and own not in said and _negatives(claim) != _negatives(parse):
                yield f"the passage {'denies' if not own else 'does not deny'} this"
    if any(denied(claim.tokens, i) for i in range(len(claim.tokens))) and not any(map(_negatives, cited)):
        yield "the passage does not deny this"


def _plain(token: Token) -> set[str]:
    return {token.lemma.casefold().replace("’", "'"), token.text.casefold().replace("’", "'")}


def _negatives(parse: Parse) -> int:
    return sum(bool(_plain(token) & _NEGATIVE) for token in parse.tokens)


def denied(tokens: Sequence[Token], verb: int) -> bool:
    """Whether a token is negated: `not`, `never`, or `no` on its subject or object."""
    for at, token in enumerate(tokens):
        if token.head == verb and token.dep == "neg":
            return True
        if token.text.casefold() in {"no", "neither", "nobody", "none"} and token.dep in {
            "det",
            "nsubj",
            "dobj",
        }:
            head = token.head if token.dep == "det" else at
            if tokens[head].head == verb and tokens[head].dep in _SUBJECTS | _OBJECTS | {"attr"}:
                return True
    return False


# ---------------------------------------------------------------- "may", "will"


def too_certain(claim: Parse, cited: Sequence[Parse]) -> Iterator[str]:
    """Yield where the claim has happen what in the passage only may or will."""
    for at, token in enumerate(claim.tokens):
        if token.pos not in {"VERB", "AUX"} or token.dep in {"aux", "auxpass"}:
            continue
        own, _ = modality(claim.tokens, at)
        said = [
            modality(parse.tokens, i)
            for parse in cited
            for i, other in enumerate(parse.tokens)
            if other.pos in {"VERB", "AUX"}
            and other.dep not in {"aux", "auxpass"}
            and token.lemma.casefold() == other.lemma.casefold()
        ]
        if said and own < min(strength for strength, _ in said):
            yield f"the passage only says “{said[0][1]} {token.lemma}”"


def modality(tokens: Sequence[Token], verb: int) -> tuple[int, str]:
    """Return how unsure a verb is, 0 (it happens), 1 (it will) or 2 (it may, or should), and by what word."""
    for token in tokens:
        if token.head == verb and token.dep in {"aux", "advmod"}:
            low = token.text.casefold().replace("’", "'")
            if low in _POSSIBLE | _DUTY:
                return 2, token.text
            if low in _FUTURE:
                return 1, token.text
    own = tokens[verb]
    head = tokens[own.head]
    to = any(token.head == verb and token.tag == "TO" for token in tokens)
    if to and own.dep in {"xcomp", "ccomp"} and head.lemma.casefold() in _INTENDS:
        return 1, f"{head.text} to"
    shares = (
        own.dep == "conj"
        and own.head != verb
        and not any(token.head == verb and token.dep in {*_SUBJECTS, "nsubjpass"} for token in tokens)
    )
    return modality(tokens, own.head) if shares and own.tag in {"VB", "VBN"} else (0, "")


__all__ = [
    "Frame",
    "denied",
    "frames",
    "modality",
    "subtree",
    "too_certain",
    "unattributed",
    "wrong_polarity",
]

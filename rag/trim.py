"""A sentence -> shorter forms of it made of its own words, in order, none of which says more than it does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.protocols import Parse, Token
from rag.syntax import below

_KEEPS = frozenset(
    (
        "not n't no never nor neither without only if unless until except despite although though but while "
        "whether reportedly allegedly apparently far according say claim tell warn report argue write"
    ).split()
)
"""Words that a cut must not take away: they deny, limit, doubt or attribute what is left."""
_OPENERS = re.compile(
    r"^(?:However|Meanwhile|Moreover|Furthermore|Additionally|Also|Indeed|In addition|At the same time|"
    r"Still|And|But|Yet|So|Then|Now|For now|On the other hand|Conversely|Nevertheless|In fact|"
    r"Earlier|Separately|Overall),?\s+"
)
_SHOWN = frozenset("show underscore underline illustrate demonstrate highlight reflect".split())
"""What is done to a thing by the fact that stands behind the colon, without anybody saying so."""
_CUTTABLE = frozenset({"relcl", "advcl", "appos", "acl", "prep", "npadvmod", "advmod", "conj", "nmod"})
FEWEST_WORDS = 5


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch of a sentence that may go: `text[start:end]`, commas included."""

    start: int
    end: int
    kind: str


def cuts(parse: Parse) -> tuple[Cut, ...]:
    """Return the stretches that may go, each by itself, without changing what the rest says."""
    found = [*_opening(parse), *_lead_in(parse)]
    for i, token in enumerate(parse.tokens):
        if token.dep in _CUTTABLE and token.head != i:
            cut = _subtree_cut(parse, i)
            if cut is not None:
                found.append(cut)
    return tuple(sorted(set(found), key=lambda cut: (cut.start, -cut.end)))


def shorten(parse: Parse, *, keep: Sequence[tuple[int, int]] = ()) -> Iterator[str]:
    """Yield the sentence with ever more of its cuts made, longest first; `keep` are spans that must stay."""
    allowed = [
        cut for cut in cuts(parse) if not any(cut.start < end and start < cut.end for start, end in keep)
    ]
    order = sorted(allowed, key=lambda cut: (_RANK.get(cut.kind, 9), cut.start - cut.end))
    made: list[Cut] = []
    text = tidy(parse.text)
    for cut in order:
        made.append(cut)
        shorter = tidy(_without(parse.text, made))
        if shorter != text and len(shorter.split()) >= FEWEST_WORDS and balanced(shorter):
            text = shorter
            yield text
        else:
            made.pop()


_ENDS = frozenset('.!?"”’')
_RANK = {"opener": 0, "relcl": 1, "appos": 2, "advcl": 3, "acl": 4, "prep": 5, "npadvmod": 6, "conj": 7}


def tidy(text: str) -> str:
    """Return the text on one line, a capital first, no doubled commas, a full stop last when it had one."""
    text = " ".join(text.split())
    text = re.sub(r"\s+([,.;:!?])", r"\1", text)
    text = re.sub(r",(?:\s*,)+", ",", text)
    text = re.sub(r",\s*([.;:!?])", r"\1", text)
    text = re.sub(r"^[,;:\s]+", "", text)
    return text[:1].upper() + text[1:]


def finish(text: str) -> str:
    """Return the text tidied, with a full stop where it ends on nothing that ends a sentence."""
    text = re.sub(r",(?=[\"”’]$)", ".", text)
    return tidy(text if text[-1:] in _ENDS else f"{text}.")


def _opening(parse: Parse) -> Iterator[Cut]:
    match = _OPENERS.match(parse.text)
    if match and parse.text[match.end() : match.end() + 1].isalnum():
        yield Cut(0, match.end(), "opener")


def _lead_in(parse: Parse) -> Iterator[Cut]:
    """What stands before a colon and only announces the sentence behind it."""
    tokens = parse.tokens
    colons = [i for i, token in enumerate(tokens) if token.text == ":"]
    if len(colons) != 1 or any(map(must_stay, tokens[: colons[0]])):
        return
    shown = [t for t in tokens[: colons[0]] if t.dep == "auxpass" and tokens[t.head].lemma in _SHOWN]
    behind = tokens[colons[0] + 1 :]
    subject = next((token for token in behind if token.dep in {"nsubj", "nsubjpass"}), None)
    if subject is None or subject.pos == "PRON" or not behind[0].text[:1].isupper():
        return
    if shown:
        yield Cut(0, behind[0].start, "opener")


def _subtree_cut(parse: Parse, root: int) -> Cut | None:
    tokens = parse.tokens
    inside = below(tokens, root)
    first, last = min(inside), max(inside)
    kind = tokens[root].dep
    if len(inside) != last - first + 1 or not _may_go(tokens, first, last, root):
        return None
    before = tokens[first - 1].text if first else ""
    after = tokens[last + 1].text if last + 1 < len(tokens) else ""
    if first == 0:
        return Cut(0, tokens[last + 1].end, kind) if after == "," and _goes_on(tokens, last + 2) else None
    if before not in {",", "–", "—"}:
        return None
    if after in {".", ""}:
        return Cut(tokens[first - 1].start, tokens[last].end, kind)
    if after == before and last + 2 < len(tokens) and tokens[last + 2].pos in _RESUMES:
        told = any(t.head == last + 2 and t.dep == "nsubj" for t in tokens[last + 3 :])
        comma = told or (first > 1 and tokens[first - 2].pos == "NUM")
        return Cut(tokens[first - 1].start, tokens[last + (0 if comma else 1)].end, kind)
    return None


_RESUMES = frozenset({"VERB", "AUX", "ADP", "CCONJ", "SCONJ", "PART", "ADV"})
"""What a sentence goes on with after an insertion; a noun there would be the next item of a list."""


def _may_go(tokens: Sequence[Token], first: int, last: int, root: int) -> bool:
    """Whether a stretch holds nothing that denies, limits, doubts, attributes or quotes; no name explains."""
    inside = tokens[first : last + 1]
    if tokens[root].dep == "conj" and not _second_sentence(tokens, root):
        return False
    if tokens[root].dep == "appos" and tokens[root].pos == "PROPN":
        return False
    if any(token.dep in {"nsubj", "nsubjpass"} and token.head < first for token in inside[:1]):
        return False
    quotes = sum(token.text in {'"', "“", "”", "``", "''"} for token in tokens[:first])
    return quotes % 2 == 0 and not any(must_stay(token) for token in inside)


def _goes_on(tokens: Sequence[Token], start: int) -> bool:
    """Whether a clause begins here: its verb comes before the next comma."""
    for place, token in enumerate(tokens[start:]):
        if token.text == ",":
            return False
        if token.pos in {"VERB", "AUX"}:
            return place > 0
    return False


def _second_sentence(tokens: Sequence[Token], root: int) -> bool:
    return tokens[root].pos in {"VERB", "AUX"} and any(
        token.head == root and token.dep in {"nsubj", "nsubjpass"} for token in tokens
    )


def must_stay(token: Token) -> bool:
    if token.text in {'"', "“", "”"} or token.dep == "neg":
        return True
    return token.text.casefold() in _KEEPS or token.lemma.casefold() in _KEEPS


def _without(text: str, made: Sequence[Cut]) -> str:
    kept = list(text)
    for cut in made:
        kept[cut.start : cut.end] = [" ", *[""] * (cut.end - cut.start - 1)]
    return "".join(kept)


def balanced(text: str) -> bool:
    return (
        text.count("“") == text.count("”") and text.count('"') % 2 == 0 and text.count("(") == text.count(")")
    )


__all__ = ["Cut", "balanced", "cuts", "finish", "must_stay", "shorten", "tidy"]

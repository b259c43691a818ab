"""A sentence -> the ways in which its own words, in order, make a shorter sentence that still answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from models.protocols import Lattice, Parse, Token
from rag.syntax import below
from rag.text import words
from rag.trim import balanced, cuts, must_stay

Span = tuple[int, int]

FEWEST_WORDS = 4
_TAILS = frozenset({"relcl", "advcl", "appos", "acl", "prep", "npadvmod", "advmod", "conj", "cc", "punct"})
"""What may be left away at the end of a sentence."""
_SET_OFF = frozenset({"relcl", "appos", "acl"})
"""What tells which one is meant, unless a comma sets it off."""
_SAFE_FOR_ALL = frozenset({"opener", "relcl", "appos"})
"""What may be cut when any part of the sentence may be the answer."""
_FINITE = frozenset({"VBD", "VBZ", "VBP", "MD"})
_SUBJECTS = frozenset({"nsubj", "nsubjpass"})
_RELATIVE = frozenset({"who", "which"})
_TIMES = frozenset({"DATE", "TIME"})
"""Labels of what stays: news is true of a day."""
_PIECE = re.compile(r"\S+?(?=[,;:]*(?:\s|$))|[,;:]+(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Opening:
    """What a reply begins with: the subject of the question, and the verb that helps the one it asks for."""

    text: str = ""
    subject: str = ""
    helper: Token | None = None
    """The helping verb at its end; None when it ends with the subject."""
    person: bool = False
    """Whether "he" or "she" in the sentence stands for the subject."""


def wordings(parse: Parse, keep: Sequence[Span], opening: Opening) -> Lattice | None:
    """Return the wordings of a sentence that hold the spans `keep`; None when it has fewer than two.

    The first span is the answer, and the others may be. Left out may be what
    `rag.trim` finds safe to cut, and adjuncts at the end. Behind an opening the sentence is taken up
    where it goes on about the same subject. Without spans nothing is left out but insertions that
    only explain.
    """
    text = parse.text.rstrip().rstrip(".!?")
    pieces = [match.span() for match in _PIECE.finditer(text)]
    span, far = (keep[0], max(end for _, end in keep)) if keep else (None, 0)
    jumps = _jumps(parse, keep, pieces)
    size = len(pieces)

    def reach(place: int) -> set[int]:
        found = {place}
        for further in jumps.get(place, ()):
            found |= reach(further)
        return found

    last = [size in reach(i + 1) for i in range(size)]
    if span is not None:
        last = [
            whole or (pieces[i][1] >= far and _may_end(parse, pieces[i][1])) for i, whole in enumerate(last)
        ]
    follows = [tuple(sorted(reach(i + 1) - {size})) for i in range(size)]
    if opening.text:
        earliest = min((start for start, _ in keep), default=0)
        most = next((i for i in range(size) if pieces[i][1] > earliest), 0) if span else 0
        first = [i for i in range(1, most + 1) if _fits(parse, pieces[i][0], opening)]
    else:
        first = sorted(reach(0) - {size})
    if opening.helper is not None and not first and (apart := _apposition(parse, span, opening)):
        return apart
    told = None if opening.text else _told_beside(parse, keep, pieces, follows)
    if told is not None:
        return told
    if not first or (
        not opening.text and all(len(f) < 2 for f in follows) and len(first) < 2 and sum(last) < 2
    ):
        return None
    spelled = [_spelled(text, place, i) for i, place in enumerate(pieces)]
    if not opening.text:
        # A sentence that begins further on begins with a capital.
        capitals = [spelled[i].lstrip()[:1].upper() + spelled[i].lstrip()[1:] for i in first]
        spelled += capitals
        follows += [follows[i] for i in first]
        last += [last[i] for i in first]
        first = list(range(size, size + len(first)))
    return Lattice(tuple(spelled), tuple(first), tuple(follows), tuple(last))


def _apposition(parse: Parse, span: Span | None, opening: Opening) -> Lattice | None:
    """What stands beside the name that the opening names: "Berg, 51, said" for "Anna Berg is"."""
    tokens = parse.tokens
    if opening.helper is None or opening.helper.lemma != "be" or opening.helper.tag == "VBD":
        return None
    for i, token in enumerate(tokens):
        beside = token.dep in {"appos", "nummod", "npadvmod"} and i and tokens[i - 1].text == ","
        inside = below(tokens, i) if beside or (token.dep == "appos" and _leads(tokens, i)) else set()
        if not inside or not _same(tokens[token.head], opening) or min(inside) < token.head:
            continue
        start, end = tokens[min(inside)].start, tokens[max(inside)].end
        if len(inside) == max(inside) - min(inside) + 1 and (
            span is None or start <= span[0] < span[1] <= end
        ):
            return Lattice((f" {parse.text[start:end]}",), (0,), ((),), (True,))
    return None


def _told_beside(
    parse: Parse, keep: Sequence[Span], pieces: Sequence[Span], follows: Sequence[Sequence[int]]
) -> Lattice | None:
    """What a clause behind a name tells of it: "Berg led the union" of "founded by Berg, who led the union".

    The clause has to be set off by a comma and hold the answer, and may not be what somebody else says.
    """
    tokens = parse.tokens
    for verb, token in enumerate(tokens):
        if token.dep != "relcl" or (token.tag not in _FINITE and not _helped(tokens, verb)):
            continue
        who = next((i for i, t in enumerate(tokens) if t.head == verb and t.dep in _SUBJECTS), None)
        if who is None or tokens[who].lemma.casefold() not in _RELATIVE or who < 2:
            continue
        clause, named = below(tokens, verb), _name_before(tokens, token.head, who)
        if not named or _in_reported_speech(tokens, token.head) or min(clause) != who:
            continue
        (start, stop), begin, closing = named, tokens[who].end, max(clause) + 1
        while closing < len(tokens) and not balanced(parse.text[begin : tokens[closing - 1].end]):
            closing += 1
        # What is joined on behind a comma may go with the words before the name.
        if any(t.pos == "CCONJ" and tokens[i - 1].text == "," for i, t in enumerate(tokens) if i in clause):
            continue
        end = tokens[closing - 1].end
        own = [i for i, (a, b) in enumerate(pieces) if begin <= a and b <= end]
        held_by = ((start, stop), (begin, end))
        if len(own) < 2 or not keep or not all(any(a <= c and d <= b for a, b in held_by) for c, d in keep):
            continue
        held = set(own)
        # One piece more: the name, which the clause follows.
        spelled = [parse.text[start:stop], *(_spelled(parse.text, pieces[i], i) for i in own)]
        number = {piece: place for place, piece in enumerate(own, 1)}
        further = [(1,), *(tuple(number[f] for f in follows[i] if f in held) for i in own)]
        last = [False, *(i == own[-1] for i in own)]
        return Lattice(tuple(spelled), (0,), tuple(further), tuple(last))
    return None


def _helped(tokens: Sequence[Token], verb: int) -> bool:
    return any(t.head == verb and t.dep in {"aux", "auxpass"} and t.tag in _FINITE for t in tokens)


def _name_before(tokens: Sequence[Token], head: int, who: int) -> Span | None:
    """Where the name stands that ends with the token `head` right before ", who"; None when there is none."""
    if tokens[head].pos != "PROPN" or tokens[who - 1].text != "," or head != who - 2:
        return None
    inside = [i for i in sorted(below(tokens, head)) if i <= head]
    first = inside[0]
    if inside != list(range(first, head + 1)) or any(tokens[i].pos == "PRON" for i in inside):
        return None
    return tokens[first].start, tokens[head].end


def _in_reported_speech(tokens: Sequence[Token], place: int) -> bool:
    """Whether a token is part of what somebody says, or hangs on a word that must not go."""
    while tokens[place].head != place:
        if tokens[place].dep in {"ccomp", "parataxis"}:
            return True
        place = tokens[place].head
        if tokens[place].pos in {"VERB", "AUX"} and must_stay(tokens[place]):
            return True
    return False


def _spelled(text: str, place: Span, number: int) -> str:
    start, end = place
    return (" " if number and text[start - 1].isspace() else "") + text[start:end]


def _jumps(parse: Parse, keep: Sequence[Span], pieces: Sequence[Span]) -> Mapping[int, set[int]]:
    """From which piece to which the safe cuts lead; a cut that is not of whole pieces leads nowhere."""
    starts = [start for start, _ in pieces]
    found: dict[int, set[int]] = {}
    for cut in cuts(parse):
        if any(t.entity in _TIMES for t in parse.tokens if cut.start <= t.start < cut.end):
            continue
        if not keep and cut.kind not in _SAFE_FOR_ALL:
            continue
        if any(cut.start < end and start < cut.end for start, end in keep):
            continue
        left = sum(start < cut.start for start in starts)
        right = sum(start < cut.end for start in starts)
        clean = (left == 0 or pieces[left - 1][1] <= cut.start) and pieces[right - 1][1] <= cut.end
        if left < right and clean and not (left == 0 and right == len(pieces)):
            found.setdefault(left, set()).add(right)
    return found


def _may_end(parse: Parse, end: int) -> bool:
    """Whether what stands behind `end` is nothing but adjuncts that deny, limit and attribute nothing."""
    tokens = parse.tokens
    tail = [i for i, token in enumerate(tokens) if token.start >= end]
    if not tail or any(must_stay(tokens[i]) or tokens[i].entity in _TIMES for i in tail):
        return False
    first = tail[0]
    if (
        first < FEWEST_WORDS
        or not balanced(parse.text[:end])
        or tokens[first - 1].pos in {"CCONJ", "ADP", "DET"}
    ):
        return False
    if any(token.head >= first for token in tokens[:first]):
        return False
    # Nothing goes of "end the war, cap the army and lift the ban": without its end it lacks "and".
    listed = any(t.dep == "conj" and tokens[i - 1].text == "," for i, t in enumerate(tokens[:first]))
    if listed and any(tokens[i].dep == "conj" for i in tail):
        return False
    return all(_adjunct(tokens, i) for i in tail if tokens[i].head < first)


def _adjunct(tokens: Sequence[Token], place: int) -> bool:
    token = tokens[place]
    if token.dep not in _TAILS or (token.dep == "appos" and token.pos == "PROPN"):
        return False
    if token.dep in _SET_OFF:
        return (place > 0 and tokens[place - 1].text in {",", "–", "—"}) or _leads(tokens, place)
    if token.dep == "conj":
        return token.pos in {"VERB", "AUX"}
    if token.dep == "prep":
        # What stands right behind its verb often belongs to it: "depends on", "worked as".
        return tokens[token.head].pos in {"VERB", "AUX"} and place > token.head + 1
    return True


def _leads(tokens: Sequence[Token], place: int) -> bool:
    """Whether a comma stands before the first word of the clause that hangs on this token."""
    inside = [i for i, token in enumerate(tokens) if i == place or token.head == place]
    return min(inside) > 0 and tokens[min(inside) - 1].text in {",", "–", "—"}


def _fits(parse: Parse, start: int, opening: Opening) -> bool:
    """Whether the sentence, from here on, goes on with the opening: the same subject, a verb in its form."""
    tokens = parse.tokens
    rest = [i for i, token in enumerate(tokens) if token.start >= start]
    before = tokens[: rest[0]] if rest else ()
    if not before or any(must_stay(token) for token in before):
        return False
    roots = [
        i for i in rest if (tokens[i].head < rest[0] or tokens[i].head == i) and tokens[i].dep != "punct"
    ]
    subject = _subject(tokens, roots[0]) if roots else None
    if subject is None or subject >= rest[0] or not _same(tokens[subject], opening):
        return False
    root, helper = roots[0], opening.helper
    if len(roots) == 1 and tokens[root].pos in {"VERB", "AUX"}:
        if tokens[_joined(tokens, root)].dep != "ROOT":
            return False  # What somebody believes, fears or hopes.
        helping = [token for token in before if token.head == root and token.dep in {"aux", "auxpass"}]
        if helper is None:
            return not helping and tokens[rest[0]].tag in _FINITE
        return len(helping) == 1 and _alike(helping[0], helper)
    stated = tokens[tokens[root].head]
    return (
        helper is not None
        and stated.lemma == helper.lemma == "be"
        and stated.dep == "ROOT"
        and _alike(stated, helper)
        and all(tokens[i].head == tokens[root].head for i in roots)
    )


def _joined(tokens: Sequence[Token], place: int) -> int:
    """The first of the verbs that a verb is joined to by "and"."""
    while tokens[place].dep == "conj" and tokens[place].head != place:
        place = tokens[place].head
    return place


def _alike(left: Token, right: Token) -> bool:
    """Whether two helping verbs say the same: "is" and "are", but not "is" and "was", "will" and "could"."""
    same = left.lemma.casefold() == right.lemma.casefold()
    return same and (left.tag == "VBD") is (right.tag == "VBD")


def _subject(tokens: Sequence[Token], place: int) -> int | None:
    """The subject of the clause that a token is in, up to the verb it is joined to."""
    for at in _up(tokens, place):
        for i, token in enumerate(tokens):
            if token.head == at and token.dep in _SUBJECTS:
                return i
    return None


def _up(tokens: Sequence[Token], place: int) -> Iterator[int]:
    yield place
    while tokens[place].head != place and tokens[place].dep in {
        "conj",
        "attr",
        "acomp",
        "prep",
        "xcomp",
        "advmod",
    }:
        place = tokens[place].head
        yield place


def _same(token: Token, opening: Opening) -> bool:
    """Whether the subject is the one of the opening, or a pronoun that stands for it."""
    if token.text.casefold() in {"he", "she"}:
        return opening.person
    return set(words(token.text)) <= set(words(opening.subject))

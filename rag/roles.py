"""Who does what to whom, who is called what, and what is joined to what: in a claim and in the passage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models.protocols import Parse, Token
from rag.names import akin, same_name
from rag.syntax import tree_distance
from rag.text import Span, normalise

FARTHEST = 4
"""Dependency edges: two words joined in a claim stand no farther apart than this in what it cites."""

LIGHT = frozenset(
    (
        "be have do get make take go come say tell also including include involve year old day time there "
        "this that it not no text question answer accord according"
    ).split()
)
_SUBJECTS = frozenset({"nsubj", "csubj"})
_OBJECTS = frozenset({"dobj", "nsubjpass", "obj"})
_CALLS = frozenset(
    {"appos", "compound", "attr", "nsubj", "nsubjpass", "relcl", "conj", "nmod", "poss", "oprd", "acl"}
)
"""What may stand between a name and what it is called: "Witkoff, who is the envoy"."""
_TOWARDS = frozenset({"to", "from", "against", "for"})
_CALLING = frozenset("be become remain name elect appoint call serve know describe make".split())
_PLACES = frozenset({"GPE", "LOC", "NORP", "DATE", "TIME", "FAC"})


def wrong_roles(claim: Parse, cited: Sequence[Parse]) -> Iterator[str]:
    """Yield where the claim has another do it, or have it done to them, than the passage."""
    for verb, doers, done_to in relations(claim):
        said = [found for parse in cited for found in relations(parse) if akin(verb, found[0])]
        for _, agents, patients in said:
            if _only_in(doers, patients, agents) or _only_in(done_to, agents, patients):
                yield f"the passage has another doing the “{verb}”"
        given = {name for parse in cited for name in _reached(parse, verb)}
        every = {name for _, agents, patients in said for name in agents | patients}
        if said and any(_only_in(group, given, every) for group in (doers, done_to)):
            yield f"in the passage another is the one of this “{verb}”"


def relations(parse: Parse) -> Iterator[tuple[str, set[str], set[str]]]:
    """Yield (verb lemma, who does it, to whom), all casefolded head words, conjuncts included."""
    for verb, doers, done_to in _relations(parse.tokens):
        named = (_with_conjuncts(parse.tokens, group) for group in (doers, done_to))
        yield (
            parse.tokens[verb].lemma.casefold(),
            *({normalise(parse.tokens[i].text) for i in group} for group in named),
        )  # type: ignore[misc]


def _reached(parse: Parse, verb: str) -> Iterator[str]:
    """The names that something is done to, for or against: "sold to Aquara"."""
    tokens = parse.tokens
    for token in tokens:
        prep = tokens[token.head]
        towards = token.dep == "pobj" and prep.text.casefold() in _TOWARDS
        if towards and akin(verb, tokens[prep.head].lemma.casefold()):
            heads = _with_conjuncts(tokens, {tokens.index(token)})
            yield from (normalise(tokens[i].text) for i in heads if tokens[i].pos == "PROPN")


def _relations(tokens: Sequence[Token]) -> Iterator[tuple[int, set[int], set[int]]]:
    for i, token in enumerate(tokens):
        if token.pos not in {"VERB", "AUX"}:
            continue
        doers: set[int] = set()
        done_to: set[int] = set()
        for j, other in enumerate(tokens):
            if other.head == i and other.dep in _SUBJECTS:
                doers.add(j)
            elif other.head == i and other.dep in _OBJECTS:
                done_to.add(j)
            elif other.dep == "pobj" and tokens[other.head].dep == "agent" and tokens[other.head].head == i:
                doers.add(j)
        if doers or done_to:
            yield i, doers, done_to


def _with_conjuncts(tokens: Sequence[Token], heads: set[int]) -> set[int]:
    grown = set(heads)
    for j, token in enumerate(tokens):
        if token.dep in {"conj", "appos"} and token.head in grown:
            grown.add(j)
    return grown


def _only_in(names: set[str], wrong: set[str], right: set[str]) -> bool:
    return any(
        any(same_name(name, other) for other in wrong) and not any(same_name(name, other) for other in right)
        for name in names
    )


def another_named(claim: Parse, cited: Sequence[Parse]) -> Iterator[str]:
    """Yield where the passage names another as the one who does it, or as whose something is."""
    for verb, doers, _ in _relations(claim.tokens):
        lemma = claim.tokens[verb].lemma.casefold()
        if lemma in {"be", "have"} and not any(claim.tokens[i].entity == "PERSON" for i in doers):
            continue
        said = [
            (parse, agents)
            for parse in cited
            for other, agents, _ in _relations(parse.tokens)
            if akin(lemma, parse.tokens[other].lemma.casefold()) and agents
        ]
        for doer in doers:
            own = claim.tokens[doer]
            if own.pos != "PROPN" or not said or not own.text[:1].isalnum():
                continue
            phrases = [_phrase_names(parse, agents) for parse, agents in said]
            if all(names and not _meets(own, claim, names) for names in phrases):
                name = next(iter(sorted(phrases[0])))
                yield f"the passage says it of {name}, not of {own.text}"
    for token in claim.tokens:
        head = claim.tokens[token.head]
        if (
            token.pos != "PROPN"
            or head.pos != "NOUN"
            or token.dep not in {"compound", "poss", "nmod", "amod"}
        ):
            continue
        if any(_places(parse, token) for parse in cited):
            continue
        owners = [
            {
                normalise(t.text)
                for t in parse.tokens
                if t.head == i and t.pos == "PROPN" and t.dep == token.dep
            }
            for parse in cited
            for i in _places(parse, head)
        ]
        if owners and all(owners):
            yield f"the passage says it of {sorted(owners[0])[0]}, not of {token.text}"


def _phrase_names(parse: Parse, heads: set[int]) -> set[str]:
    """The names in the phrase of a doer; empty when it is none, such as a pronoun or "the president"."""
    grown = _with_conjuncts(parse.tokens, heads)
    if not any(parse.tokens[i].pos == "PROPN" for i in grown):
        return set()
    inside = set(grown)
    for _ in range(4):
        inside |= {
            j
            for j, token in enumerate(parse.tokens)
            if token.head in inside
            and token.dep in {"compound", "appos", "conj", "poss", "nmod", "flat", "prep", "pobj"}
        }
    return {normalise(parse.tokens[i].text) for i in inside if parse.tokens[i].pos == "PROPN"}


def _meets(own: Token, claim: Parse, names: set[str]) -> bool:
    at = claim.tokens.index(own)
    mine = [
        normalise(own.text),
        *(normalise(t.text) for t in claim.tokens if t.head == at and t.pos == "PROPN"),
    ]
    initials = {"".join(word[:1] for word in mine[1:] + mine[:1]), "".join(sorted(mine[0]))}
    return any(same_name(name, word) for name in names for word in mine) or any(
        name in initials or "".join(sorted(word[:1] for word in names)) in initials for name in names
    )


# ---------------------------------------------------------------- what somebody is called


def wrong_titles(claim: Parse, cited: Sequence[Parse]) -> Iterator[tuple[str, str]]:
    """Yield (support, reason) where somebody is called what the passage calls another, or nobody."""
    for name, noun, flatly in _called(claim):
        if same_name(normalise(name.text), normalise(noun.text)):
            yield "unsupported", "it says nothing"
        linked = []
        for parse in cited:
            places = [i for i in _places(parse, noun) if parse.tokens[i].pos in {"NOUN", "PROPN"}]
            owners = [i for i in _places(parse, name) if named(parse.tokens[i])]
            if not places or not owners:
                continue
            together = any(_one_phrase(parse.tokens, i, j) for i in owners for j in places)
            linked.append(together or any(_calls(parse.tokens, i, j) for i in owners for j in places))
            if together or name.entity in _PLACES:
                continue
            own = min(nearness(parse.tokens, i, j) for i in owners for j in places)
            rivals = [
                i
                for i, token in enumerate(parse.tokens)
                if named(token)
                and token.dep not in {"compound", "poss", "amod", "nmod"}
                and token.entity not in _PLACES
                and i not in owners
                and i not in places
            ]
            if any(nearness(parse.tokens, i, j) < own for i in rivals for j in places):
                yield "contradicted", f"in the passage “{noun.text}” is said of another than {name.text}"
        if flatly and linked and not any(linked):
            yield "unsupported", f"the passage does not call {name.text} “{noun.text}”"


def _called(claim: Parse) -> Iterator[tuple[Token, Token, bool]]:
    """Yield (name, noun, whether by "is") wherever a sentence says what somebody or something is."""
    tokens = claim.tokens
    for token in tokens:
        head = tokens[token.head]
        if (
            token.dep in {"appos", "compound"}
            and head.pos in {"PROPN", "NOUN"}
            and named(token) != named(head)
        ):
            yield (token, head, False) if named(token) else (head, token, False)
        if token.dep == "attr" and head.lemma.casefold() == "be" and token.pos in {"NOUN", "PROPN"}:
            for other in tokens:
                if other.dep == "nsubj" and other.head == token.head and named(other):
                    yield other, token, other.entity in {"PERSON", "ORG"} and not named(token)


def _one_phrase(tokens: Sequence[Token], left: int, right: int) -> bool:
    """Whether only words of one name phrase stand between: "nominee John Gibbs", "Gibbs, the nominee"."""
    first, last = min(left, right), max(left, right)
    return last - first <= FARTHEST and all(
        token.pos in {"PROPN", "ADJ", "NOUN"} and token.dep in {"compound", "amod", "nmod"}
        for token in tokens[first + 1 : last]
    )


def _calls(tokens: Sequence[Token], left: int, right: int) -> bool:
    """Whether the path between two words is one by which something is called something."""
    path = _path(tokens, left, right)
    for i in path:
        token = tokens[i]
        if token.pos in {"VERB", "AUX"} and token.lemma.casefold() not in _CALLING:
            return False
    top = min(path, key=lambda i: _depth(tokens, i))
    return all(
        tokens[i].dep in _CALLS or (tokens[i].dep in {"pobj", "prep"} and _as(tokens, i))
        for i in path
        if i != top
    )


def _as(tokens: Sequence[Token], i: int) -> bool:
    return "as" in {tokens[i].text.casefold(), tokens[tokens[i].head].text.casefold()}


def _path(tokens: Sequence[Token], left: int, right: int) -> list[int]:
    def up(i: int) -> list[int]:
        found = [i]
        while tokens[found[-1]].head != found[-1]:
            found.append(tokens[found[-1]].head)
        return found

    mine, theirs = up(left), up(right)
    common = next((i for i in mine if i in theirs), mine[-1])
    return mine[: mine.index(common) + 1] + (theirs[: theirs.index(common)] if common in theirs else theirs)


def _depth(tokens: Sequence[Token], i: int) -> int:
    depth = 0
    while tokens[i].head != i:
        i, depth = tokens[i].head, depth + 1
    return depth


def named(token: Token) -> bool:
    """Whether a token is a name; the tagger takes a surname it does not know for a common noun."""
    return token.pos == "PROPN" or (token.pos in {"NOUN", "ADJ"} and token.text[:1].isupper())


def nearness(tokens: Sequence[Token], left: int, right: int) -> int:
    """Return how far two tokens are: words between them and, counted twice, dependency edges.

    Parsers hang "A and B, the mayor," on A as often as on B; the words between tell which is meant.
    """
    return 2 * tree_distance(tokens, left, right) + abs(left - right)


# ---------------------------------------------------------------- what is joined


def loose(claim: Parse, cited: Sequence[Parse], judged: Sequence[Span]) -> Iterator[str]:
    """Yield two words that the claim joins and that stand far apart in the passage.

    `judged` are the claim's dates and numbers, which are not looked at here.
    """
    for token in claim.tokens:
        head = claim.tokens[token.head]
        if token is head or not weighty(token) or not weighty(head) or token.dep in {"compound", "conj"}:
            continue
        if any(a < each.end and each.start < b for a, b in judged for each in (token, head)):
            continue
        distances = [
            tree_distance(parse.tokens, i, j)
            for parse in cited
            for i in _places(parse, token)
            for j in _places(parse, head)
            if i != j
        ]
        if distances and min(distances) > FARTHEST + (token.dep == "pobj"):
            yield f"the passage does not join “{token.text}” and “{head.text}”"


def weighty(token: Token) -> bool:
    """Whether a token carries a part of what is said."""
    return token.pos in {"NOUN", "PROPN", "VERB", "NUM"} and token.lemma.casefold() not in LIGHT


def _places(parse: Parse, token: Token) -> list[int]:
    return places(parse, token)


def places(parse: Parse, token: Token) -> list[int]:
    """Return where a token of another sentence, or one of its family, stands in this one."""
    return [
        i
        for i, other in enumerate(parse.tokens)
        if akin(token.lemma.casefold(), other.lemma.casefold())
        or same_name(normalise(token.text), normalise(other.text))
    ]


__all__ = [
    *("FARTHEST", "LIGHT", "STOPWORDS", "another_named", "loose", "named", "nearness"),
    *("places", "relations", "weighty", "wrong_roles", "wrong_titles"),
]

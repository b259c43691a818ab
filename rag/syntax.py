"""The tree of a parsed sentence: what hangs on a word, how far a phrase reaches, how far words are apart."""

from __future__ import annotations

from collections.abc import Sequence

from models.protocols import Token

LEFT = frozenset(
    {"det", "amod", "compound", "nummod", "poss", "nmod", "quantmod", "advmod", "case", "npadvmod", "predet"}
)
"""How what stands before a noun and belongs to it hangs on it."""
_CLAUSAL = frozenset({"relcl", "acl", "advcl", "appos", "punct", "cc", "conj", "parataxis"})


def children_of(tokens: tuple[Token, ...]) -> dict[int, list[int]]:
    """Return the places of the tokens that hang on each token that has any."""
    children: dict[int, list[int]] = {}
    for i, token in enumerate(tokens):
        if token.head != i:
            children.setdefault(token.head, []).append(i)
    return children


def left_edge(i: int, tokens: tuple[Token, ...], children: dict[int, list[int]]) -> int:
    """Return where the noun phrase headed by a token begins."""
    left = i
    for child in sorted(children.get(i, []), reverse=True):
        if child < left and tokens[child].dep in LEFT:
            left = min(left, edge(child, children, leftmost=True))
    return left


def edge(i: int, children: dict[int, list[int]], *, leftmost: bool) -> int:
    """Return the first or the last token of all that hangs on one, at any depth, or is it."""
    reach = [i]
    stack = [i]
    while stack:
        for child in children.get(stack.pop(), []):
            reach.append(child)
            stack.append(child)
    return min(reach) if leftmost else max(reach)


def right_edge(i: int, tokens: tuple[Token, ...], children: dict[int, list[int]]) -> int:
    """Return where a noun phrase ends, without clauses, appositions and conjuncts."""
    right = i
    for child in sorted(children.get(i, [])):
        if child > i and tokens[child].dep not in _CLAUSAL:
            right = max(right, edge(child, children, leftmost=False))
    while right > i and tokens[right].pos == "PUNCT":
        right -= 1
    return right


def below(tokens: Sequence[Token], root: int) -> set[int]:
    """Return a token and all that hangs on it, at any depth."""
    reach = {root}
    grew = True
    while grew:
        more = {j for j, token in enumerate(tokens) if token.head in reach} - reach
        grew = bool(more)
        reach |= more
    return reach


def tree_distance(tokens: Sequence[Token], left: int, right: int) -> int:
    """Return the number of dependency edges between two tokens."""
    up = {left: 0}
    at, steps = left, 0
    while tokens[at].head != at:
        at, steps = tokens[at].head, steps + 1
        up[at] = steps
    at, steps = right, 0
    while at not in up:
        if tokens[at].head == at:
            return len(tokens)
        at, steps = tokens[at].head, steps + 1
    return up[at] + steps

"""Replies kept to the paths of a lattice, whatever the model would rather write."""

from __future__ import annotations

import numpy as np

from models.protocols import Lattice
from models.steer import BREVITY, Walk

LETTERS = "abcdefghijklmnopqrstuvwxyz .\0"
END = LETTERS.index("\0")


def tokenise(text: str) -> list[int]:
    return [LETTERS.index(letter) for letter in text]


def written(walk: Walk, liked: str = "") -> str:
    """What a model writes that likes some letters, the first the most, and rather goes on than ends."""
    logits = np.full(len(LETTERS), -5.0, np.float32)
    for place, letter in enumerate(liked):
        logits[LETTERS.index(letter)] = 50.0 - place
    text = ""
    while len(text) < 40 and (token := walk.choose(logits)) is not None and token != END:
        walk.took(token)
        text += LETTERS[token]
    return text


LATTICE = Lattice(
    ("the", " cat", " car", " ran"), (0,), ((1, 2, 3), (3,), (3,), ()), (False, False, False, True)
)


def test_only_paths_of_the_lattice_are_written() -> None:
    assert written(Walk(LATTICE, tokenise, [END]), "cr") == "the car ran."
    assert written(Walk(LATTICE, tokenise, [END]), "ct") == "the cat ran."


def test_pieces_that_begin_alike_are_told_apart_by_what_follows() -> None:
    lattice = Lattice(("a", "ab"), (0, 1), ((1,), ()), (True, True))
    assert written(Walk(lattice, tokenise, [END]), "b") == "ab."


def test_leaving_out_is_favoured_by_a_little() -> None:
    lattice = Lattice(("a", "b", "c"), (0,), ((1, 2), (2,), ()), (False, False, True))
    for lead, reply in ((BREVITY - 0.5, "ac."), (BREVITY + 0.5, "abc.")):
        walk = Walk(lattice, tokenise, [END])
        logits = np.zeros(len(LETTERS), np.float32)
        logits[LETTERS.index("b")] = lead
        text = ""
        while (token := walk.choose(logits)) is not None and token != END and len(text) < 9:
            walk.took(token)
            text += LETTERS[token]
        assert text == reply

"""Which tokens a reply may go on with: those on a path of a lattice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.protocols import Lattice

Tokenise = Callable[[str], list[int]]

BREVITY = 3.0
"""Nats by which leaving words out is favoured: a small model goes on copying where it might stop."""


class Walk:
    """Only tokens on some path of a lattice; a full stop or an end of text ends it.

    Two pieces may begin with the same tokens, so all places are kept where the reply so far may be.
    """

    def __init__(self, lattice: Lattice, tokenise: Tokenise, ends: Sequence[int]) -> None:
        self._lattice = lattice
        self._spelled = [tokenise(piece) for piece in lattice.pieces]
        self._ends = set(ends) | {tokenise(".")[0]}
        self._at = {(piece, 0) for piece in lattice.first}
        self._shorter = set(lattice.first) - {min(lattice.first)}

    def choose(self, logits: NDArray[np.float32]) -> int | None:
        """Return the token to go on with; None at the end."""
        worth = self._worth()
        return max(worth, key=lambda token: (float(logits[token]) + worth[token], -token)) if worth else None

    def _worth(self) -> dict[int, float]:
        """Return the tokens that may come next, each with what it is worth beside its logit."""
        found: dict[int, float] = {}
        for piece, done in self._at:
            if not self._whole(piece, done):
                token = self._spelled[piece][done]
                found[token] = max(
                    found.get(token, 0.0), BREVITY if not done and piece in self._shorter else 0.0
                )
                continue
            nearest = min(self._lattice.follows[piece], default=0)
            for after in self._lattice.follows[piece]:
                token = self._spelled[after][0]
                found[token] = max(found.get(token, 0.0), BREVITY if after > nearest else 0.0)
            if self._lattice.last[piece]:
                found |= dict.fromkeys(self._ends, BREVITY)
        return found

    def took(self, token: int) -> None:
        """Go on behind `token`, the one that was chosen."""
        before, self._at = self._at, set()
        for piece, done in before:
            if not self._whole(piece, done):
                if self._spelled[piece][done] == token:
                    self._at.add((piece, done + 1))
                continue
            for after in self._lattice.follows[piece]:
                if self._spelled[after][0] == token:
                    self._at.add((after, 1))

    def _whole(self, piece: int, done: int) -> bool:
        return done == len(self._spelled[piece])

"""What the pipeline may ask of a model: one small Protocol each, so that any engine fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Role = Literal["query", "document", "passage"]
"""What a text is embedded for: to ask with, to be compared at once, or to be stored with thousands of others,
where an embedder may be faster and a little less exact."""


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message. `content` always reaches the model as plain tokens, never as control tokens."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a text as the embedder sees them, special ones left out.

    Token `i` stands for `text[starts[i]:ends[i]]`; `vectors[i]` is its unit row, which depends on the
    whole text.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    vectors: Vectors


class Embedder(Protocol):
    """Texts in, unit vectors out."""

    name: str
    fingerprint: str
    """Changes whenever the same text would get another vector."""
    dimensions: int
    window: int
    """Tokens of one text that the model really sees."""

    def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        """Return float32 unit rows, shape `(len(texts), dimensions)`, in the order given."""
        ...

    def embed_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the tokens of each text, as far as the window reaches."""
        ...

    def count_tokens(self, text: str) -> int:
        """Return how many tokens of the window `text` takes."""
        ...


@dataclass(frozen=True, slots=True)
class Lattice:
    """What a reply may be: each path through the pieces is one reply, written without anything between."""

    pieces: tuple[str, ...]
    first: tuple[int, ...]
    """Numbers of the pieces that may come first."""
    follows: tuple[tuple[int, ...], ...]
    """For each piece, the numbers of those that may come next, each higher than its own."""
    last: tuple[bool, ...]
    """For each piece, whether the reply may end behind it; a full stop is then added."""


class Generator(Protocol):
    """A language model, one call at a time."""

    name: str
    fingerprint: str

    def write(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        opening: str = "",
        lattice: Lattice | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Iterator[str]:
        """Yield the reply in pieces, greedily decoded. Closing the iterator frees the model.

        The reply goes on from `opening`, which is not yielded. When a `lattice` is given, only
        one of its paths may be written. Raises ModelError when the prompt does not fit, CancelledError
        when `cancelled()` turns true.
        """
        ...

    def score(self, messages: Sequence[Message], replies: Sequence[str]) -> list[float]:
        """Return, for each reply, the sum of the log-probabilities (nats) of its tokens."""
        ...

    def close(self) -> None:
        """Free the weights; further calls raise ModelError."""
        ...


class Pairs(Protocol):
    """Says how well two texts go together: a question and a passage, or a passage and a claim."""

    name: str

    def score(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Return one chance, 0 to 1, per pair, in the order given."""
        ...


class Reader(Protocol):
    """Says how likely a text that ends in a question holds its answer."""

    def read(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one log-odds per text, in the order given."""
        ...

    def close(self) -> None:
        """Free the weights."""
        ...


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a parse; offsets are characters of the parsed text."""

    text: str
    start: int
    end: int
    lemma: str
    pos: str
    """Universal part of speech, e.g. `PROPN`."""
    tag: str
    """Penn Treebank tag, e.g. `NNP`."""
    dep: str
    """Dependency label, e.g. `nsubj`."""
    head: int
    """Index of the head token; a root is its own head."""
    entity: str
    """Label of the named entity it is part of, e.g. `PERSON`; empty when none."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A named entity: `text` is `parsed[start:end]`."""

    text: str
    start: int
    end: int
    label: str
    """OntoNotes label: PERSON, NORP, ORG, GPE, LOC, DATE, TIME, MONEY, PERCENT, CARDINAL, ..."""
    first: int
    """Index of its first token."""
    last: int
    """Index of its last token."""


@dataclass(frozen=True, slots=True)
class Parse:
    """A parsed sentence or question."""

    text: str
    tokens: tuple[Token, ...]
    entities: tuple[Entity, ...]


class Parser(Protocol):
    """Parts of speech, dependencies and named entities."""

    name: str

    def parse(self, texts: Sequence[str]) -> list[Parse]:
        """Return one parse per text, in the order given."""
        ...

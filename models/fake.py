"""Deterministic stand-ins for the models: no weights, same Protocols, for tests and demonstrations."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from models.protocols import Entity, Lattice, Message, Parse, Role, Token, Tokens, Vectors
from rag.errors import CancelledError, ModelError

_WORD = re.compile(r"\w+|[^\w\s]")
_ENTITY = re.compile(
    r"(?P<DATE>\d{1,2} (?:January|February|March|April|May|June|July|August|September|October|November|"
    r"December)(?: \d{4})?|\b(?:1[89]|20)\d\d\b)|(?P<CARDINAL>\b\d[\d,.]*\b)"
    r"|(?P<PERSON>[A-Z][a-z]+(?: [A-Z][a-z]+)+)"
)


class FakeEmbedder:
    """Texts that share words get near vectors: each word adds a direction drawn from its hash."""

    def __init__(self, *, dimensions: int = 64, window: int = 254, name: str = "fake") -> None:
        self.name = name
        self.dimensions = dimensions
        self.window = window
        self.fingerprint = f"{name}-{dimensions}-{window}"

    def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        rows = [self._row(text) for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), self.dimensions)

    def embed_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the words of each text; unlike a real embedder's, they do not depend on the rest of it."""
        found = []
        for text in texts:
            matches = list(_WORD.finditer(text))[: self.window]
            found.append(
                Tokens(
                    np.array([match.start() for match in matches], np.int64),
                    np.array([match.end() for match in matches], np.int64),
                    self.embed([match.group() for match in matches], "document"),
                )
            )
        return found

    def count_tokens(self, text: str) -> int:
        return len(_WORD.findall(text))

    def _row(self, text: str) -> Vectors:
        words = [word.casefold() for word in _WORD.findall(text)][: self.window]
        row = np.zeros(self.dimensions)
        for word in words or [""]:
            seed = int.from_bytes(hashlib.sha256(word.encode("utf-8", "replace")).digest()[:8], "big")
            row += np.random.default_rng(seed).standard_normal(self.dimensions)
        return (row / np.linalg.norm(row)).astype(np.float32)


class FakeGenerator:
    """Writes the queued replies in order, then echoes the last message; remembers every prompt."""

    def __init__(self, replies: Sequence[str] = (), *, name: str = "fake", context: int = 2048) -> None:
        self.name = name
        self.fingerprint = name
        self.context = context
        self.replies = deque(replies)
        self.prompts: list[tuple[Message, ...]] = []
        self.closed = False

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
        self._check(messages)
        self.prompts.append(tuple(messages))
        text = self.replies.popleft() if self.replies else messages[-1].content
        text = text.removeprefix(opening)
        for mark in stop:
            text = text.partition(mark)[0]
        for piece in re.findall(r"\s*\S+", text)[:max_tokens]:
            if cancelled is not None and cancelled():
                raise CancelledError("Stopped.")
            yield piece

    def score(self, messages: Sequence[Message], replies: Sequence[str]) -> list[float]:
        """Return minus one per word of a reply that the messages do not contain."""
        self._check(messages)
        known = {word.casefold() for message in messages for word in _WORD.findall(message.content)}
        spoken = ([word.casefold() for word in _WORD.findall(reply)] for reply in replies)
        return [-float(sum(word not in known for word in words)) for words in spoken]

    def close(self) -> None:
        self.closed = True

    def _check(self, messages: Sequence[Message]) -> None:
        if self.closed:
            raise ModelError(f"The model {self.name!r} is closed.")
        tokens = sum(len(_WORD.findall(message.content)) for message in messages)
        if tokens >= self.context:
            raise ModelError(f"The prompt takes {tokens} tokens; the model reads {self.context}. Shorten it.")


class FakeParser:
    """Splits words; capitalised runs are people, years and `2 May` are dates, other figures are cardinals."""

    name = "fake"

    def parse(self, texts: Sequence[str]) -> list[Parse]:
        return [_parse(text) for text in texts]


def _parse(text: str) -> Parse:
    spans = [match.span() for match in _WORD.finditer(text)]
    entities = []
    for match in _ENTITY.finditer(text):
        inside = [i for i, (start, end) in enumerate(spans) if match.start() <= start and end <= match.end()]
        if inside:
            label = match.lastgroup or ""
            entities.append(Entity(match.group(), match.start(), match.end(), label, inside[0], inside[-1]))
    labels = {i: entity.label for entity in entities for i in range(entity.first, entity.last + 1)}
    tokens = []
    for i, (start, end) in enumerate(spans):
        word = text[start:end]
        tag, pos = _kind(word, labels.get(i, ""))
        dep = "dep" if i else "ROOT"
        tokens.append(Token(word, start, end, word.casefold(), pos, tag, dep, 0, labels.get(i, "")))
    return Parse(text, tuple(tokens), tuple(entities))


def _kind(word: str, label: str) -> tuple[str, str]:
    if not word[0].isalnum():
        return ".", "PUNCT"
    if word[0].isdigit():
        return "CD", "NUM"
    return ("NNP", "PROPN") if label == "PERSON" else ("NN", "NOUN")

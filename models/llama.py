"""llama.cpp through its C interface, with typed settings; the only file that knows its bindings.

The package's own high-level class swallows misspelt settings, keeps score arrays that nobody reads and
swaps the process's file descriptors to be quiet.
"""

from __future__ import annotations

import ctypes
import logging
import re
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import CancelledError, ModelError

BATCH = 512
NO, YES = False, True
"""The C interface takes its flags by position."""

Native = Any
"""The bindings, which carry no types, and what they hand out."""

_log = logging.getLogger(__name__)
_lately: deque[tuple[int, str]] = deque(maxlen=8)
"""The last complaints of llama.cpp with their level, for the message of the error that follows them."""
WARNING, ERROR = 3, 4
_ORIGIN = re.compile(r"^(?:\w+: )+(?:error loading model: )?")
_SAYS_NOTHING = "failed to load model"


class Llama:
    """A loaded model with one context. Nothing here locks: one caller at a time."""

    def __init__(self, file: Path, *, threads: int, context: int) -> None:
        """Load `file`. Raises ModelError."""
        import llama_cpp.llama_cpp as api

        self._api = api
        _prepare(api)
        _lately.clear()
        model_settings = api.llama_model_default_params()
        model_settings.n_gpu_layers = 0
        model = api.llama_model_load_from_file(str(file).encode(), model_settings)
        if not model:
            raise ModelError(f"llama.cpp cannot load {str(file)!r}: {_complaint()}. Use another GGUF file.")
        self._vocab = api.llama_model_get_vocab(model)
        self.vocabulary: int = api.llama_vocab_n_tokens(self._vocab)
        self.width: int = api.llama_model_n_embd(model)
        self.context = min(context, api.llama_model_n_ctx_train(model))
        settings = api.llama_context_default_params()
        settings.n_ctx = self.context
        settings.n_batch = settings.n_ubatch = BATCH
        settings.n_threads = settings.n_threads_batch = threads
        # On the CPU flash attention adds up in 16 bits: scores moved by 0.5 nats with the size of the batch.
        settings.flash_attn_type = api.LLAMA_FLASH_ATTN_TYPE_DISABLED
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
        self.endings = [
            t for t in (api.llama_vocab_eos(self._vocab), api.llama_vocab_eot(self._vocab)) if t >= 0
        ]
        self.wants_bos: bool = api.llama_vocab_get_add_bos(self._vocab)
        self.free = weakref.finalize(self, _free, api, model, pointer, self._batch)
        # At exit another thread may still be decoding, and the system takes the memory back anyway.
        self.free.atexit = False

    def build(self) -> str:
        """Return the version of the engine and the features of the processor that it uses."""
        import llama_cpp

        return f"{llama_cpp.__version__} {self._api.llama_print_system_info().decode()}"

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
        return _tokens(self._api, self._vocab, text, special=special)

    def piece(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(256)
        count = self._api.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, NO)
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
                total += float(log_softmax(self._logits(row))[tokens[start + row + 1]])
        return total

    def state(self, segments: list[list[int]], cancelled: Callable[[], bool] | None) -> bytes:
        """Evaluate `segments`, which then stand at the beginning, and return what was computed for them."""
        self.read(segments, cancelled)
        size = self._api.llama_state_seq_get_size(self._context, 0)
        buffer = (ctypes.c_uint8 * size)()
        written = self._api.llama_state_seq_get_data(self._context, buffer, size, 0)
        return bytes(buffer[:written])

    def recall(self, segments: list[list[int]], state: bytes) -> bool:
        """Take up the `state` that was returned for `segments`; False when this context cannot."""
        self._cut(0)
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        if self._api.llama_state_seq_set_data(self._context, buffer, len(state), 0) != len(state):
            self._cut(0)
            return False
        self._kept = list(segments)
        return True

    def begins_with(self, segments: list[list[int]]) -> bool:
        """Whether `segments` stand evaluated at the beginning already."""
        return self._kept[: len(segments)] == segments

    def _cut(self, length: int) -> bool:
        """Forget what was evaluated after `length` tokens; False when the model had to forget everything."""
        if length and self._api.llama_memory_seq_rm(self._memory, 0, length, -1):
            return True
        self._kept = []
        self._api.llama_memory_clear(self._memory, YES)
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


class Vocabulary:
    """The tokens of a model, without its weights."""

    def __init__(self, file: Path) -> None:
        """Open `file`. Raises ModelError."""
        import llama_cpp.llama_cpp as api

        self._api = api
        _prepare(api)
        _lately.clear()
        settings = api.llama_model_default_params()
        settings.vocab_only = True
        model = api.llama_model_load_from_file(str(file).encode(), settings)
        if not model:
            raise ModelError(f"llama.cpp cannot read the tokens of {str(file)!r}: {_complaint()}.")
        self._vocab = api.llama_model_get_vocab(model)
        self.free = weakref.finalize(self, api.llama_model_free, model)

    def tokens(self, text: str) -> list[int]:
        """Return the tokens of `text`; what looks like a control token is read as letters."""
        return _tokens(self._api, self._vocab, text, special=False)


def _tokens(api: Native, vocab: Native, text: str, *, special: bool) -> list[int]:
    data = text.encode("utf-8", "replace")
    room = len(data) + 8
    found = (api.llama_token * room)()
    count = api.llama_tokenize(vocab, data, len(data), found, room, NO, special)
    if count < 0:
        raise ModelError(f"The text of {len(data)} bytes cannot be tokenised. Shorten it.")
    return list(found[:count])


def quantise(source: Path, target: Path, form: str, *, threads: int = 1) -> None:
    """Write the weights of `source` to `target` in another number format, e.g. `Q8_0`. Raises ModelError."""
    import llama_cpp.llama_cpp as api

    _prepare(api)
    _lately.clear()
    settings = api.llama_model_quantize_default_params()
    settings.ftype = getattr(api, f"LLAMA_FTYPE_MOSTLY_{form}")
    settings.allow_requantize = True
    settings.nthread = threads
    if api.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(settings)):
        raise ModelError(f"llama.cpp cannot write {source.name!r} as {form}: {_complaint()}.")


def _free(api: Native, model: Native, context: Native, batch: Native) -> None:
    api.llama_batch_free(batch)
    api.llama_free(context)
    api.llama_model_free(model)


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    shifted = logits.astype(np.float64) - float(logits.max())
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))


def _complaint() -> str:
    worst = max((level for level, _ in _lately), default=0)
    lines = [line for level, line in _lately if level == worst and not line.endswith(_SAYS_NOTHING)]
    return "; ".join(_ORIGIN.sub("", line).rstrip(".") for line in lines) or "it gives no reason"


@cache
def _prepare(api: Native) -> Native:
    """Start llama.cpp, its messages sent to `logging`; cached, for it keeps a pointer to the result."""
    levels = {WARNING: logging.INFO, ERROR: logging.INFO}

    def record(level: int, text: bytes, _: object) -> None:
        line = text.decode("utf-8", "replace").strip()
        if not line or line == ".":
            return
        if level in levels:
            _lately.append((level, line))
        _log.log(levels.get(level, logging.DEBUG), "%s", line)

    callback = api.llama_log_callback(record)
    api.llama_log_set(callback, None)
    api.llama_backend_init()
    return callback

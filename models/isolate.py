"""A language model in a process of its own, which may die of a bad file without taking the product along.

llama.cpp aborts, or worse, on files that no check foresees. The child reads requests from its standard
input and writes replies to a pipe, one JSON object a line; when it dies or falls silent it is ended,
what was asked raises ModelError, and the next request starts another.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from models.generator import CONTEXT, LlamaGenerator, bundled_gguf, check_memory, load_generator
from models.gguf import check_chat_model, read_gguf
from models.protocols import Lattice, Message
from rag.errors import CancelledError, ModelError

LOADING = 30.0
"""Seconds a child may take to say that the model is loaded, and for each gigabyte as many again."""
SILENCE = 30.0
"""Seconds without a sign of life while a request is under way; at work, the child gives one each second."""
SCORING = 600.0
"""The same while replies are scored, when it gives none."""
PULSE = 1.0
ROOM = 8_000_000_000
"""Bytes of addresses a child may use besides three times the size of its file."""
MOST_DEATHS = 3
"""Children of one model that may die before it is given up."""
POLL = 0.05

Line = dict[str, Any]
_HOME = str(Path(__file__).resolve().parent.parent)
_START = "import sys; sys.path.insert(0, sys.argv[1]); from models.isolate import serve; serve(sys.argv[2])"


class IsolatedGenerator:
    """A Generator whose model lives in a child process; a path of None means the bundled model."""

    def __init__(
        self,
        path: Path | None,
        *,
        threads: int = 0,
        context: int = CONTEXT,
        beginning: Sequence[Message] = (),
        silence: float = SILENCE,
    ) -> None:
        found = read_gguf(path or bundled_gguf())
        check_chat_model(found)
        check_memory(found, context)
        self._silence = silence
        self._order = {
            "path": str(path or ""),
            "threads": threads,
            "context": context,
            "beginning": [_plain(message) for message in beginning],
        }
        self._lock = threading.Lock()
        self._deaths = 0
        self._closed = False
        self._child = _Child(self._order)
        self.name = str(self._child.hello["name"])
        self.fingerprint = str(self._child.hello["fingerprint"])

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
        """Yield the reply in pieces; ModelError when the child dies, and the next call has another."""
        request: Line = {"do": "write", "messages": [_plain(message) for message in messages]}
        request |= {"max_tokens": max_tokens, "stop": list(stop), "opening": opening}
        request["lattice"] = asdict(lattice) if lattice else None
        for reply in self._ask(request, cancelled, patience=self._silence):
            yield str(reply["piece"])

    def score(self, messages: Sequence[Message], replies: Sequence[str]) -> list[float]:
        """Return, for each reply, the sum of the log-probabilities (nats) of its tokens."""
        request: Line = {"do": "score", "messages": [_plain(message) for message in messages]}
        (reply,) = self._ask(request | {"replies": list(replies)}, None, patience=SCORING)
        return [float(each) for each in reply["scores"]]

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return how many tokens `messages` become."""
        request: Line = {"do": "count", "messages": [_plain(message) for message in messages]}
        (reply,) = self._ask(request, None, patience=SILENCE)
        return int(reply["tokens"])

    def memory(self) -> int:
        """Return the most bytes of memory the child has held; 0 where the system does not tell."""
        return self._child.memory()

    def close(self) -> None:
        """End the child; further calls raise ModelError."""
        self._closed = True
        self._child.end()

    def _ask(self, request: Line, cancelled: Callable[[], bool] | None, *, patience: float) -> Iterator[Line]:
        child = self._living()
        try:
            yield from child.ask(request, cancelled, patience)
        except _DiedError as death:
            self._deaths += 1
            raise ModelError(
                f"The model {self.name!r} {death} while it was writing. It runs in a process of its own, so"
                " nothing else is lost; ask again, or use another model."
            ) from death
        self._deaths = 0

    def _living(self) -> _Child:
        with self._lock:
            if self._closed:
                raise ModelError(f"The model {self.name!r} is closed. Load it again.")
            if not self._child.alive:
                if self._deaths >= MOST_DEATHS:
                    raise ModelError(
                        f"The model {self.name!r} died {self._deaths} times in a row and is given up."
                        " Use another model."
                    )
                self._child = _Child(self._order)
            return self._child


class _DiedError(Exception):
    """The child ended, or was ended for its silence; says how."""


class _Child:
    """One child process: starting it raises ModelError when it cannot load the model."""

    def __init__(self, order: Line) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, _HOME, json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._waiting: dict[int, queue.Queue[Line | None]] = {}
        self._lock = threading.Lock()
        self._count = 0
        self._heard = time.monotonic()
        self._first: queue.Queue[Line | None] = queue.Queue()
        self._waiting[0] = self._first
        threading.Thread(target=self._listen, name="model child", daemon=True).start()
        path = _file(order)
        patience = LOADING * (1 + path.stat().st_size / 1e9)
        try:
            hello = self._first.get(timeout=patience)
        except queue.Empty:
            self.end()
            raise ModelError(
                f"The model {path.name!r} was not loaded within {patience:.0f} seconds. Use another."
            ) from None
        if hello is None or "error" in hello:
            said = (
                str(hello["error"]) if hello else f"The model file {path.name!r} {self._how()} while it was"
            )
            if hello is None:
                said += " being loaded: it is damaged or of a kind that llama.cpp cannot run. Use another."
            self.end()
            raise ModelError(said)
        self.hello = hello

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: Line, cancelled: Callable[[], bool] | None, patience: float) -> Iterator[Line]:
        """Yield the replies to `request` until the child says that it is done."""
        replies: queue.Queue[Line | None] = queue.Queue()
        with self._lock:
            self._count += 1
            number = self._count
            self._waiting[number] = replies
        done = False
        try:
            self._send(request | {"id": number})
            while not done:
                reply = self._next(replies, cancelled, patience)
                if reply is None:
                    raise _DiedError(self._how())
                if "error" in reply:
                    done = True
                    raise (CancelledError if reply.get("cancelled") else ModelError)(str(reply["error"]))
                done = bool(reply.get("done"))
                if not done:
                    yield reply
        finally:
            with self._lock:
                self._waiting.pop(number, None)
            if not done:
                self._send({"do": "cancel", "id": number})

    def memory(self) -> int:
        with suppress(OSError):
            told = Path(f"/proc/{self._process.pid}/status").read_text("utf-8").splitlines()
            return next((int(line.split()[1]) * 1024 for line in told if line.startswith("VmHWM")), 0)
        return 0

    def end(self) -> None:
        with suppress(OSError):
            self._process.kill()
        self._process.wait()

    def _next(
        self,
        replies: queue.Queue[Line | None],
        cancelled: Callable[[], bool] | None,
        patience: float,
    ) -> Line | None:
        self._heard = time.monotonic()
        while True:
            try:
                return replies.get(timeout=POLL)
            except queue.Empty:
                if cancelled is not None and cancelled():
                    raise CancelledError("Stopped.") from None
                if time.monotonic() - self._heard > patience:
                    self.end()
                    raise _DiedError(f"gave no sign of life for {patience:.0f} seconds") from None

    def _send(self, line: Line) -> None:
        assert self._process.stdin is not None
        with suppress(OSError), self._lock:
            self._process.stdin.write(json.dumps(line).encode() + b"\n")
            self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with suppress(ValueError, OSError):
            for text in self._process.stdout:
                line: Line = json.loads(text)
                self._heard = time.monotonic()
                with self._lock:
                    to = self._waiting.get(int(line.get("id", -1)))
                if to is not None:
                    to.put(line)
        self._process.wait()
        with self._lock:
            for left in self._waiting.values():
                left.put(None)

    def _how(self) -> str:
        code = self._process.wait()
        if code < 0:
            with suppress(ValueError):
                return f"died of {signal.Signals(-code).name}"
        return f"ended with the code {code}"


def serve(order_text: str) -> None:
    """Be the child: load the model that the order names, then answer requests until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order = json.loads(order_text)
    _limited(_file(order))
    # What native code prints must not end up between the replies.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    speak = _Speaker(replies)
    try:
        beginning = [Message(**message) for message in order["beginning"]]
        generator = load_generator(
            _file(order) if order["path"] else None,
            threads=order["threads"],
            context=order["context"],
            beginning=beginning,
        )
        assert isinstance(generator, LlamaGenerator)
    except ModelError as error:
        speak({"id": 0, "error": str(error)})
        return
    speak({"id": 0, "name": generator.name, "fingerprint": generator.fingerprint})
    todo: queue.Queue[Line] = queue.Queue()
    cancelled: set[int] = set()
    threading.Thread(target=_read_requests, args=(todo, cancelled), daemon=True).start()
    while True:
        _answer(generator, todo.get(), cancelled, speak)


class _Speaker:
    """Writes lines to the parent; a child without a parent ends."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._last = 0.0

    def __call__(self, line: Line) -> None:
        try:
            self._stream.write(json.dumps(line).encode() + b"\n")
            self._stream.flush()
        except OSError:
            os._exit(0)
        self._last = time.monotonic()

    def pulse(self) -> None:
        if time.monotonic() - self._last > PULSE:
            self({"pulse": True})


def _read_requests(todo: queue.Queue[Line], cancelled: set[int]) -> None:
    for text in sys.stdin.buffer:
        line = json.loads(text)
        if line["do"] == "cancel":
            cancelled.add(int(line["id"]))
        else:
            todo.put(line)
    os._exit(0)


def _answer(generator: LlamaGenerator, request: Line, cancelled: set[int], speak: _Speaker) -> None:
    number = int(request["id"])
    messages = [Message(**message) for message in request["messages"]]

    def stopped() -> bool:
        speak.pulse()
        return number in cancelled

    try:
        if request["do"] == "score":
            speak({"id": number, "scores": generator.score(messages, request["replies"])})
        elif request["do"] == "count":
            speak({"id": number, "tokens": generator.count_tokens(messages)})
        else:
            given = {name: request[name] for name in ("max_tokens", "stop", "opening")}
            lattice = Lattice(**request["lattice"]) if request["lattice"] else None
            for piece in generator.write(messages, lattice=lattice, cancelled=stopped, **given):
                speak({"id": number, "piece": piece})
        speak({"id": number, "done": True})
    except ModelError as error:
        speak({"id": number, "error": str(error), "cancelled": isinstance(error, CancelledError)})
    cancelled.discard(number)


def _file(order: Line) -> Path:
    return Path(order["path"]) if order["path"] else bundled_gguf()


def _limited(path: Path) -> None:
    """Keep a bad file from filling the memory with its template, or the disk with its remains."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        most = ROOM + 3 * path.stat().st_size
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _plain(message: Message) -> dict[str, str]:
    return {"role": message.role, "content": message.content}

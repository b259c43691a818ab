"""A language model behind an address that speaks OpenAI's protocol: llama.cpp's server, vLLM, Ollama.

The address is `http://host:port/v1`, with `#name` behind it to choose one of several models. The key comes
from the environment. What is sent is the prompt, with the sentences in it: choose a server you trust.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from ipaddress import ip_address
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urldefrag, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from models.protocols import Lattice, Message
from rag.errors import CancelledError, InputError, ModelError

KEY = "TEARSHEET_API_KEY"
"""The variable that holds the key of the server, when it wants one."""
FIRST = 120.0
"""Seconds the server may take to begin a reply: a processor reads a long prompt slowly."""
NEXT = 60.0
"""Seconds between pieces of a reply."""
TRIES = 4
PAUSE = 0.5
"""Seconds before the second try, doubled each time."""
LONGEST_PAUSE = 10.0
BUSY = (408, 425, 429, 500, 502, 503, 504)
MOST_BYTES = 4_000_000
POLL = 0.05
EXTRAS: dict[str, Any] = {
    "chat_template_kwargs": {"enable_thinking": False},
    "add_generation_prompt": False,
    "continue_final_message": True,
}
"""Asked of servers that understand it: not to think aloud, and to go on from the opening."""
_OPEN, _CLOSE = "<think>", "</think>"

Json = dict[str, Any]
_log = logging.getLogger(__name__)


class ServedGenerator:
    """A Generator that asks a server. It holds no connection, so any number may share one address."""

    def __init__(
        self, address: str, *, first: float = FIRST, following: float = NEXT, pause: float = PAUSE
    ) -> None:
        url, self._model = urldefrag(address)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise InputError(f"A served model is http://host:port/v1 or https://…; found {address!r}.")
        self._url = url.rstrip("/") if parts.path.strip("/") else f"{url.rstrip('/')}/v1"
        self._first, self._following, self._pause = first, following, pause
        self._opener = _opener(parts.hostname)
        self._plain = False
        self._closed = False
        if parts.scheme == "http" and not _is_here(parts.hostname):
            _log.warning("%s is reached without encryption: others may read the prompts.", parts.hostname)
        self._model = self._model or self._first_model()
        self.name = self._model
        self.fingerprint = f"{self._url}#{self._model}"

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
        """Yield the reply in pieces. A server knows no `lattice`; its reply is checked later.

        Raises ModelError when the server cannot be reached, refuses or falls silent, CancelledError
        when `cancelled()` turns true. Closing the iterator ends the connection, and with it the work.
        """
        del lattice
        if self._closed:
            raise ModelError(f"The model {self.name!r} is closed. Load it again.")
        asked = [{"role": message.role, "content": message.content} for message in messages]
        body: Json = {
            "model": self._model,
            "max_tokens": max_tokens,
            "temperature": 0,
            "stream": True,
            "seed": 0,
        }
        if stop:
            body["stop"] = list(stop)[:4]
        body["messages"] = [*asked, {"role": "assistant", "content": opening}] if opening else asked
        pieces = _without_thoughts(self._stream(body, cancelled))
        yield from _going_on(pieces, opening)

    def score(self, messages: Sequence[Message], replies: Sequence[str]) -> list[float]:
        """Raise ModelError: the protocol does not tell the probability of a text that was not written."""
        raise ModelError(
            f"The served model {self.name!r} cannot score texts. Use a model in a file for that."
        )

    def close(self) -> None:
        """End it; further calls raise ModelError."""
        self._closed = True

    def _first_model(self) -> str:
        with self._try_open(Request(f"{self._url}/models", headers=self._headers()), None) as response:
            try:
                rows = json.loads(response.read(MOST_BYTES))["data"]
                return str(rows[0]["id"])
            except (ValueError, KeyError, IndexError, TypeError) as error:
                raise ModelError(
                    f"{self._url} lists no models, so it speaks another protocol. Name one: {self._url}#NAME."
                ) from error

    def _stream(self, body: Json, cancelled: Callable[[], bool] | None) -> Iterator[str]:
        response = self._ask(body, cancelled)
        lines: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=_read_lines, args=(response, lines), daemon=True).start()
        try:
            patience, seen, finished = self._first, 0, False
            while (line := _next(lines, patience, cancelled)) is not None:
                # Lines that came at once are never waited for, which is when else one would be stopped.
                if cancelled is not None and cancelled():
                    raise CancelledError("Stopped.")
                patience, seen = self._following, seen + len(line)
                if seen > MOST_BYTES:
                    raise ModelError(f"The model {self.name!r} sends without end. Use another.")
                if not line.startswith(b"data:"):
                    continue
                data = line[5:].strip()
                if data == b"[DONE]":
                    break
                piece, ends = self._piece(data)
                finished = finished or ends
                if piece:
                    yield piece
            # A server that was interrupted may say that it is done, but not why.
            if finished:
                return
            raise ModelError(f"{self._url} broke off in the middle of a reply. Ask again.")
        finally:
            _hang_up(response)

    def _piece(self, data: bytes) -> tuple[str, bool]:
        """Return the text of an event, and whether it names a reason to end."""
        try:
            found = json.loads(data)
            if "error" in found:
                raise ModelError(f"{self._url} says: {_said(found)}.")
            choice = (found.get("choices") or [{}])[0]
            text = (choice.get("delta") or {}).get("content") or ""
            return str(text), bool(choice.get("finish_reason"))
        except (ValueError, AttributeError, IndexError, TypeError) as error:
            raise ModelError(
                f"{self._url} sent what is no reply: {data[:80]!r}. Check the address."
            ) from error

    def _ask(self, body: Json, cancelled: Callable[[], bool] | None) -> HTTPResponse:
        """Send `body`, with the extras unless this server is known to refuse what it does not know."""
        goes_on = body["messages"][-1]["role"] == "assistant"
        extras = EXTRAS if goes_on else {"chat_template_kwargs": EXTRAS["chat_template_kwargs"]}
        for given in ({},) if self._plain else (extras, {}):
            request = Request(
                f"{self._url}/chat/completions",
                json.dumps(body | given).encode(),
                self._headers(),
                method="POST",
            )
            try:
                return self._try_open(request, cancelled)
            except _RefusedError:
                if not given:
                    raise
                self._plain = True
        raise AssertionError("a request was neither sent nor refused")

    def _try_open(self, request: Request, cancelled: Callable[[], bool] | None) -> HTTPResponse:
        for turn in range(TRIES):
            if cancelled is not None and cancelled():
                raise CancelledError("Stopped.")
            pause = self._pause * 2**turn
            try:
                return self._open(request, cancelled)
            except HTTPError as error:
                said = _said_by(error)
                if error.code in (400, 404, 422):
                    raise _RefusedError(f"{self._url} refuses ({error.code}): {said}.") from error
                if error.code in (401, 403):
                    raise ModelError(f"{self._url} wants another key ({error.code}). Set {KEY}.") from error
                if error.code not in BUSY or turn == TRIES - 1:
                    raise ModelError(f"{self._url} answers {error.code}: {said}.") from error
                pause = max(pause, _retry_after(error))
            except (URLError, HTTPException, OSError) as error:
                if turn == TRIES - 1:
                    reason = getattr(error, "reason", None) or error
                    raise ModelError(
                        f"The model server {self._url} cannot be reached: {reason}."
                        " Start it, or check the address."
                    ) from error
            _wait(min(pause, LONGEST_PAUSE), cancelled)
        raise AssertionError("the last try neither returned nor raised")

    def _open(self, request: Request, cancelled: Callable[[], bool] | None) -> HTTPResponse:
        """Open `request` in another thread, as the server may take minutes and we may be stopped."""
        done: queue.Queue[HTTPResponse | Exception] = queue.Queue()
        left = threading.Event()
        # Longer than our own patience, which has the better message.
        timeout = max(self._first, self._following) + 1

        def opened() -> None:
            try:
                response = self._opener.open(request, timeout=timeout)
            except Exception as error:
                done.put(error)
                return
            done.put(response)
            if left.is_set():
                _hang_up(response)

        threading.Thread(target=opened, daemon=True).start()
        while True:
            try:
                found = done.get(timeout=POLL)
            except queue.Empty:
                if cancelled is not None and cancelled():
                    left.set()
                    raise CancelledError("Stopped.") from None
                continue
            if isinstance(found, Exception):
                raise found
            return found

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
        if key := os.environ.get(KEY, ""):
            headers["Authorization"] = f"Bearer {key}"
        return headers


class _RefusedError(ModelError):
    """The server does not accept the request as it is."""


class _NoRedirect(HTTPRedirectHandler):
    """A key and a prompt go where they were addressed to and nowhere else."""

    def redirect_request(self, *_: object) -> None:
        return None


def _opener(host: str) -> OpenerDirector:
    return build_opener(_NoRedirect(), *([ProxyHandler({})] if _is_here(host) else []))


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_lines(response: HTTPResponse, lines: queue.Queue[bytes | None]) -> None:
    with suppress(OSError, HTTPException, ValueError, AttributeError):
        while line := response.readline(MOST_BYTES):
            lines.put(line)
    lines.put(None)


def _next(
    lines: queue.Queue[bytes | None], patience: float, cancelled: Callable[[], bool] | None
) -> bytes | None:
    until = time.monotonic() + patience
    while True:
        try:
            return lines.get(timeout=POLL)
        except queue.Empty:
            if cancelled is not None and cancelled():
                raise CancelledError("Stopped.") from None
            if time.monotonic() > until:
                raise ModelError(
                    f"The model server said nothing for {patience:g} seconds. Ask again."
                ) from None


def _hang_up(response: HTTPResponse) -> None:
    # Closing would wait for the thread that reads; ending the connection wakes it, and stops the server.
    with suppress(OSError, AttributeError):
        raw: Any = response.fp
        raw.raw._sock.shutdown(socket.SHUT_RDWR)


def _wait(seconds: float, cancelled: Callable[[], bool] | None) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if cancelled is not None and cancelled():
            raise CancelledError("Stopped.")
        time.sleep(POLL)


def _retry_after(error: HTTPError) -> float:
    try:
        return float(error.headers.get("Retry-After", "0"))
    except ValueError:
        return 0.0


def _said_by(error: HTTPError) -> str:
    with suppress(OSError, ValueError, HTTPException):
        return _said(json.loads(error.read(10_000)))
    return str(error.reason)


def _said(found: Json) -> str:
    said = found.get("error", found)
    text = said.get("message", said) if isinstance(said, dict) else said
    return " ".join(str(text).split())[:200].rstrip(".")


def _without_thoughts(pieces: Iterator[str]) -> Iterator[str]:
    """Yield `pieces` without what stands between <think> and </think>."""
    held, thinking = "", False
    for piece in pieces:
        held += piece
        while True:
            mark = _CLOSE if thinking else _OPEN
            at = held.find(mark)
            if at < 0:
                break
            if not thinking and at:
                yield held[:at]
            held, thinking = held[at + len(mark) :], not thinking
        keep = max((n for n in range(1, len(mark)) if held.endswith(mark[:n])), default=0)
        ready, held = held[: len(held) - keep], held[len(held) - keep :]
        if ready and not thinking:
            yield ready
    if held and not thinking:
        yield held


def _going_on(pieces: Iterator[str], opening: str) -> Iterator[str]:
    """Yield `pieces` without the opening when the server begins with it again."""
    if not opening:
        yield from pieces
        return
    held, wanted = "", " ".join(opening.split()).casefold()
    for piece in pieces:
        held += piece
        begun = held.lstrip()
        said = " ".join(begun.split()).casefold()
        if len(said) < len(wanted) and wanted.startswith(said):
            continue
        if said.startswith(wanted):
            yield begun[len(opening) :] if begun[: len(opening)].casefold() == opening.casefold() else begun
        else:
            yield held
        yield from pieces
        return
    yield held

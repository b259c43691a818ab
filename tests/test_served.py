"""Models behind an address: a real llama.cpp server over loopback, and servers that misbehave."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from models.choose import open_generator
from models.generator import bundled_gguf
from models.protocols import Message
from models.served import KEY, ServedGenerator
from rag.errors import CancelledError, InputError, ModelError

KUSHNER = (
    Message("system", "Answer the question in one sentence, from the text and nothing else."),
    Message("user", "Text: Jared Kushner, 44, met Putin.\nQuestion: How old is Jared Kushner?"),
)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def llama_server() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(bundled_gguf()), "--n_ctx", "2048"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--n_threads", "1", "--n_threads_batch", "1"]
    # Else a second question would cut the first one short.
    command += ["--interrupt_requests", "False"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait()


Handler = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


@contextmanager
def scripted(*replies: Handler) -> Iterator[tuple[str, list[Any]]]:
    """Serve one scripted reply after the other, the last again and again; yield the address and what came."""
    seen: list[Any] = []

    class Script(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append((body, dict(self.headers)))
            replies[min(len(seen), len(replies)) - 1](self, body)

        def do_GET(self) -> None:
            if not self.path.endswith("/models"):
                seen.append((self.path, dict(self.headers)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"data": [{"id": "scripted"}]}')

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Script)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


ENDS = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


def saying(*pieces: str, ends: bytes = ENDS) -> Handler:
    def reply(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.end_headers()
        for piece in pieces:
            line = json.dumps({"choices": [{"delta": {"content": piece}}]})
            handler.wfile.write(f": keep alive\n\ndata: {line}\n\n".encode())
        handler.wfile.write(ends)

    return reply


def failing(code: int, said: str = "no", **headers: str) -> Handler:
    def reply(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(json.dumps({"error": {"message": said}}).encode())

    return reply


def silent(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.flush()
    time.sleep(3)


def text(generator: ServedGenerator, **given: Any) -> str:
    return "".join(generator.write(KUSHNER, max_tokens=16, **given))


def test_a_real_llama_cpp_server_answers_in_pieces(llama_server: str) -> None:
    generator = open_generator(llama_server)
    pieces = list(generator.write(KUSHNER, max_tokens=16))
    assert len(pieces) > 5
    assert "44" in "".join(pieces)
    assert generator.name.endswith(".gguf")


def test_a_real_server_is_cancelled_in_the_middle_and_answers_the_next(llama_server: str) -> None:
    generator = ServedGenerator(llama_server)
    stop = threading.Event()
    long = (Message("user", "Write a long story about a ship, a storm and a harbour."),)
    pieces = generator.write(long, max_tokens=400, cancelled=stop.is_set)
    next(pieces)
    stop.set()
    with pytest.raises(CancelledError):
        list(pieces)
    assert "44" in text(generator)


def test_many_may_ask_one_address(llama_server: str) -> None:
    generators = [ServedGenerator(llama_server) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        assert all("44" in found for found in pool.map(text, generators))


def test_a_real_server_that_fails_is_an_error(llama_server: str) -> None:
    with pytest.raises(ModelError, match="broke off in the middle of a reply"):
        list(ServedGenerator(llama_server).write((Message("user", "Moscow " * 2500),), max_tokens=4))


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_busy_server_is_asked_again(code: int) -> None:
    with scripted(failing(code, Retry_After="0.1"), saying("He is", " 44.")) as (address, seen):
        assert text(ServedGenerator(address)) == "He is 44."
    assert len(seen) == 2


def test_a_server_that_stays_busy_is_given_up() -> None:
    with (
        scripted(failing(503, "overloaded")) as (address, seen),
        pytest.raises(ModelError, match="503: overload"),
    ):
        text(ServedGenerator(address, pause=0.02))
    assert len(seen) == 4


def test_what_a_server_does_not_know_is_left_out() -> None:
    with scripted(failing(400, "unknown field"), saying("44.")) as (address, seen):
        generator = ServedGenerator(address)
        assert [text(generator, opening="He is"), text(generator)] == ["44.", "44."]
    assert ["chat_template_kwargs" in body for body, _ in seen] == [True, False, False]
    assert seen[0][0]["messages"][-1] == {"role": "assistant", "content": "He is"}


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "secret-1")
    with scripted(saying("44."), failing(401)) as (address, seen):
        generator = ServedGenerator(address)
        assert text(generator) == "44."
        with pytest.raises(ModelError, match=rf"wants another key \(401\)\. Set {KEY}") as caught:
            text(generator)
    assert [headers["Authorization"] for _, headers in seen] == ["Bearer secret-1"] * 2
    assert "secret-1" not in str(caught.value) + generator.fingerprint


@pytest.mark.parametrize("code", [302, 307])
def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setenv(KEY, "secret-1")
    with scripted(saying("stolen")) as (elsewhere, taken):
        moved = failing(code, Location=f"{elsewhere}/v1/chat/completions")
        with scripted(moved) as (address, _), pytest.raises(ModelError, match=f"answers {code}"):
            text(ServedGenerator(address))
    assert taken == []


def test_a_silent_server_is_left() -> None:
    with scripted(silent) as (address, _), pytest.raises(ModelError, match=r"said nothing for 0\.4 seconds"):
        text(ServedGenerator(address, first=0.4))


def test_a_server_that_has_not_begun_can_be_left() -> None:
    began = time.monotonic()
    with scripted(lambda *_: time.sleep(3)) as (address, _), pytest.raises(CancelledError):
        text(ServedGenerator(address), cancelled=lambda: time.monotonic() - began > 0.3)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        (b"", "broke off in the middle"),
        (b"data: [DONE]\n\n", "broke off in the middle"),
        (b"data: <html>\n\n", "sent what is no reply: b'<html>'"),
        (b'data: {"error": {"message": "out of memory"}}\n\n', "says: out of memory"),
        (b"data: [1]\n\n", "sent what is no reply"),
    ],
)
def test_a_broken_reply_is_an_error(ends: bytes, says: str) -> None:
    with scripted(saying("He", ends=ends)) as (address, _), pytest.raises(ModelError, match=says):
        text(ServedGenerator(address))


def test_a_server_that_is_not_there_is_named() -> None:
    address = f"http://127.0.0.1:{free_port()}/v1"
    with pytest.raises(ModelError, match=rf"{address} cannot be reached: .*refused.* Start it"):
        ServedGenerator(address, pause=0.02)


def test_thoughts_and_a_repeated_opening_are_left_out() -> None:
    thinking = saying("<th", "ink>He may be 44 ", "or 45.</thi", "nk>", "Jared Kushner", " is 44.")
    with scripted(thinking) as (address, _):
        generator = ServedGenerator(f"{address}/v1#chosen")
        assert text(generator) == "Jared Kushner is 44."
        assert text(generator, opening="Jared Kushner is") == " 44."
        assert text(generator, opening="He is") == "Jared Kushner is 44."
        assert generator.name == "chosen"


def test_what_is_no_address_is_refused() -> None:
    for wrong in ("http://", "ftp://host/v1", "http://me:word@host/v1"):
        with pytest.raises(InputError, match="A served model is http"):
            ServedGenerator(wrong)


def test_a_closed_served_model_says_so() -> None:
    with scripted(saying("44.")) as (address, seen):
        generator = ServedGenerator(address)
        generator.close()
        with pytest.raises(ModelError, match="is closed"):
            text(generator)
    assert seen == []

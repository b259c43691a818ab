"""Fetching models from a hub on loopback that cuts, lies, stalls and redirects: whole, or not at all."""

from __future__ import annotations

import hashlib
import json
import resource
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hostile_gguf import listed, words

from models.catalog import known
from models.choose import RECEIPT
from models.fetch import Source, adopt, fetch, source_of
from rag.errors import CancelledError, InputError, ModelError

KEYS = [
    words("general.architecture", "llama"),
    words("tokenizer.chat_template", "{{ messages }}"),
    listed("tokenizer.ggml.tokens", [b"a", b"b"]),
]
MODEL = b"GGUF" + struct.pack("<IQQ", 3, 0, len(KEYS)) + b"".join(KEYS) + bytes(range(256)) * 2000
SHA256 = hashlib.sha256(MODEL).hexdigest()
FILE = "small.gguf"
Answer = Callable[[BaseHTTPRequestHandler], None]


class Hub:
    """A hub whose next answers are queued; without any it serves the file, ranges too."""

    def __init__(self) -> None:
        self.queue: list[Answer] = []
        self.asked: list[tuple[str, str]] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.asked.append((self.path, self.headers.get("Range", "")))
                (hub.queue.pop(0) if hub.queue else serve())(self)

            def log_message(self, *_: object) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def source(self, **changed: object) -> Source:
        given = {"url": f"{self.url}/{FILE}", "file": FILE, "bytes": len(MODEL), "sha256": SHA256}
        return Source(**(given | changed))


def serve(
    data: bytes = MODEL, *, cut: int = 0, ranges: bool = True, stall: float = 0, **headers: str
) -> Answer:
    """Return an answer with `data`, broken off after `cut` bytes, or silent behind them."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range", "") if ranges else ""
        first = int(asked.removeprefix("bytes=").rstrip("-") or 0)
        if asked and first >= len(data):
            handler.send_response(416)
            handler.end_headers()
            return
        handler.send_response(206 if asked else 200)
        if asked:
            handler.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        handler.send_header("Content-Length", str(len(data) - first))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data[first:][: cut or None])
        handler.wfile.flush()
        time.sleep(stall)

    return answer


def status(code: int, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    return answer


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def pull(hub: Hub, folder: Path, **changed: object) -> Path:
    # A busy machine is silent for half a second now and then.
    return fetch(hub.source(**changed), folder=folder, stall=2.0, pause=0.01)


def nothing_loadable(folder: Path) -> bool:
    return not list(folder.glob("*.gguf"))


@pytest.mark.parametrize("tenth", range(1, 11))
def test_a_cut_connection_is_gone_on_from(tmp_path: Path, hub: Hub, tenth: int) -> None:
    cut = len(MODEL) * tenth // 10 - 1
    hub.queue = [serve(cut=cut)]
    assert pull(hub, tmp_path).read_bytes() == MODEL
    assert [asked for _, asked in hub.asked] == ["", f"bytes={cut}-"]
    assert not list(tmp_path.glob("*.part"))


def test_a_connection_cut_every_time_arrives_all_the_same(tmp_path: Path, hub: Hub) -> None:
    hub.queue = [serve(cut=40_000)] * 20
    assert pull(hub, tmp_path).read_bytes() == MODEL
    assert len(hub.asked) == len(MODEL) // 40_000 + 1


def test_what_another_process_left_is_gone_on_from(tmp_path: Path, hub: Hub) -> None:
    (tmp_path / f"{FILE}.part").write_bytes(MODEL[:100_000])
    seen: list[tuple[int, int]] = []
    place = fetch(hub.source(), folder=tmp_path, on_progress=lambda *at: seen.append(at))
    assert place.read_bytes() == MODEL
    assert hub.asked == [(f"/{FILE}", "bytes=100000-")]
    assert seen[-1] == (len(MODEL), len(MODEL))
    assert seen[0][0] > 100_000


def test_a_hub_that_knows_no_ranges_begins_again(tmp_path: Path, hub: Hub) -> None:
    hub.queue = [serve(cut=300_000), serve(ranges=False)]
    assert pull(hub, tmp_path).read_bytes() == MODEL
    assert len(hub.asked) == 2


def test_a_fetched_file_is_not_fetched_again(tmp_path: Path, hub: Hub) -> None:
    place = pull(hub, tmp_path)
    receipt = json.loads((tmp_path / f"{FILE}{RECEIPT}").read_text())
    assert (receipt["sha256"], receipt["bytes"]) == (SHA256, len(MODEL))
    assert pull(hub, tmp_path) == place
    assert len(hub.asked) == 1


@pytest.mark.parametrize("headers", [{"X_Linked_Etag": f'"{"0" * 64}"'}, {}])
def test_another_hash_is_thrown_away(tmp_path: Path, hub: Hub, headers: dict[str, str]) -> None:
    hub.queue = [serve(**headers)]
    with pytest.raises(ModelError, match=r"its SHA-256 is .* It was thrown away; pull again"):
        pull(hub, tmp_path, sha256="" if headers else "1" * 64)
    assert list(tmp_path.iterdir()) == [tmp_path / f".{FILE}.lock"]


def test_a_part_of_another_file_does_not_survive(tmp_path: Path, hub: Hub) -> None:
    (tmp_path / f"{FILE}.part").write_bytes(b"x" * 100_000)
    with pytest.raises(ModelError, match="thrown away"):
        pull(hub, tmp_path)
    assert pull(hub, tmp_path).read_bytes() == MODEL


@pytest.mark.parametrize("data", [MODEL + b"more", MODEL[:-4]])
def test_another_size_is_refused(tmp_path: Path, hub: Hub, data: bytes) -> None:
    hub.queue = [serve(data)]
    with pytest.raises(ModelError, match=rf"offers {len(data):,} bytes, and {FILE} has {len(MODEL):,}"):
        pull(hub, tmp_path)
    assert nothing_loadable(tmp_path)


def test_a_part_longer_than_the_file_is_begun_again(tmp_path: Path, hub: Hub) -> None:
    (tmp_path / f"{FILE}.part").write_bytes(MODEL + b"more")
    assert pull(hub, tmp_path, bytes=0).read_bytes() == MODEL


def test_what_is_no_model_is_refused_whatever_its_hash(tmp_path: Path, hub: Hub) -> None:
    page = b"<html>Sign in</html>" * 500
    hub.queue = [serve(page)]
    with pytest.raises(ModelError, match="it begins with b'<htm'"):
        pull(hub, tmp_path, bytes=0, sha256="")
    assert nothing_loadable(tmp_path)


@pytest.mark.parametrize(("code", "says"), [(404, "no such file"), (401, "wants an account"), (410, "Gone")])
def test_a_refusal_is_final(tmp_path: Path, hub: Hub, code: int, says: str) -> None:
    hub.queue = [status(code)]
    with pytest.raises(ModelError, match=rf"{says} \({code}\)"):
        pull(hub, tmp_path)
    assert len(hub.asked) == 1


def test_a_busy_hub_is_asked_again(tmp_path: Path, hub: Hub) -> None:
    hub.queue = [status(503), status(429)]
    assert pull(hub, tmp_path).read_bytes() == MODEL


def test_redirects_are_followed_and_their_hash_believed(tmp_path: Path, hub: Hub) -> None:
    said = {"X_Linked_Etag": f'"{SHA256}"', "X_Linked_Size": str(len(MODEL))}
    hub.queue = [status(302, Location="/elsewhere", **said), serve(cut=1000)]
    hub.queue += [status(307, Location=f"{hub.url}/there", **said)]
    assert pull(hub, tmp_path, bytes=0, sha256="").read_bytes() == MODEL
    assert hub.asked[-1] == ("/there", "bytes=1000-")


def test_a_circle_of_redirects_ends(tmp_path: Path, hub: Hub) -> None:
    hub.queue = [status(302, Location=f"/{FILE}")] * 50
    with pytest.raises(ModelError, match=r"cannot be had: .*302"):
        pull(hub, tmp_path)


def test_a_hub_that_falls_silent_is_left_and_gone_on_from(tmp_path: Path, hub: Hub) -> None:
    hub.queue = [serve(cut=200_000, stall=2)]
    assert pull(hub, tmp_path).read_bytes() == MODEL
    assert hub.asked[1] == (f"/{FILE}", "bytes=200000-")


def test_a_hub_that_is_not_there_is_said_in_one_line_with_what_to_bring(tmp_path: Path, hub: Hub) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{found.getsockname()[1]}/{FILE}"
    with pytest.raises(ModelError) as caught:
        pull(hub, tmp_path, url=url)
    said = str(caught.value)
    assert "127.0.0.1 cannot be reached: [Errno 111] Connection refused" in said
    assert f"fetch {url} ({len(MODEL):,} bytes) elsewhere and put it at {tmp_path / FILE}." in said


def test_a_full_disk_keeps_what_is_there(tmp_path: Path, hub: Hub) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, hard))
    try:
        with pytest.raises(
            ModelError, match=r"is full\. Free some space and pull again: what is there is kept"
        ):
            pull(hub, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert nothing_loadable(tmp_path)
    assert pull(hub, tmp_path).read_bytes() == MODEL
    assert int(hub.asked[1][1].removeprefix("bytes=").rstrip("-")) > 200_000


def test_a_file_larger_than_the_disk_is_not_begun(tmp_path: Path, hub: Hub) -> None:
    vast = 10**15
    hub.queue = [status(200, Content_Length=str(vast))]
    with pytest.raises(ModelError, match=r"needs 1000000\.00 GB more .* GB are free"):
        pull(hub, tmp_path, bytes=vast)


def test_two_pulls_at_once(tmp_path: Path, hub: Hub) -> None:
    hub.queue = [serve(cut=1000, stall=0.4)]
    first = threading.Thread(target=pull, args=(hub, tmp_path))
    first.start()
    while not list(tmp_path.glob("*.part")):
        time.sleep(0.01)
    with pytest.raises(ModelError, match=f"Another process is fetching {FILE}. Wait"):
        pull(hub, tmp_path)
    first.join()
    assert (tmp_path / FILE).read_bytes() == MODEL


def test_stopping_keeps_what_is_there(tmp_path: Path, hub: Hub) -> None:
    hub.queue = [serve(cut=100_000, stall=0.2)]
    asked = iter([False] + [True] * 99)
    with pytest.raises(CancelledError, match="kept"):
        fetch(hub.source(), folder=tmp_path, stall=0.1, pause=0.2, cancelled=lambda: next(asked))
    assert nothing_loadable(tmp_path)
    assert pull(hub, tmp_path).read_bytes() == MODEL
    assert int(hub.asked[-1][1].removeprefix("bytes=").rstrip("-")) > 0


def test_a_proxy_is_used(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", hub.url)
    assert pull(hub, tmp_path, url=f"http://hub.example/{FILE}").read_bytes() == MODEL
    assert hub.asked == [(f"http://hub.example/{FILE}", "")]


def test_a_mirror_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    row = known("qwen3-4b")
    assert source_of("Qwen3-4B") == Source(row.url, row.file, row.bytes, row.sha256)
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    assert source_of("qwen3-4b").url == f"https://mirror.example/{row.repo}/resolve/{row.revision}/{row.file}"
    assert source_of("hf:me/mine/a.gguf@v2").url == "https://mirror.example/me/mine/resolve/v2/a.gguf"


@pytest.mark.parametrize(
    "name", ["hf:me/a.gguf", "hf:me/../a.gguf", "https://x.example/a.bin", "smollm2-135m"]
)
def test_what_cannot_be_fetched_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        source_of(name)


def test_a_file_that_was_brought_by_hand_is_checked(tmp_path: Path) -> None:
    brought = tmp_path / FILE
    brought.write_bytes(MODEL)
    with pytest.raises(ModelError, match="is not the file it should be"):
        adopt(brought, "2" * 64)
    adopt(brought, SHA256)
    assert json.loads((tmp_path / f"{FILE}{RECEIPT}").read_text())["sha256"] == SHA256

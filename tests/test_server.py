"""Vectors on a real Chroma server: the same hits, and exact search with a notice when it is not there."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rag.errors import InputError
from rag.library import Library, text_id
from rag.records import Article, Passage
from rag.server import ServerIndex, parts_of
from rag.vectors import nearest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A `chroma run` that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        command = [str(Path(sys.executable).with_name("chroma")), "run", "--host", "127.0.0.1"]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), "--path", str(self.folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"ANONYMIZED_TELEMETRY": "False"},
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise TimeoutError("chroma run did not start")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("chroma"))
    yield running
    running.kill()


def rows(count: int, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((count, 24)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def add(library: Library, name: str, vectors: np.ndarray) -> None:
    text = f"{name} " + "x" * len(vectors)
    article = Article(id=text_id(text), text=text, path=name)
    start = len(name) + 1
    library.add(article, [Passage(article, start + i, start + i + 1) for i in range(len(vectors))], vectors)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library", write=True) as opened:
        for number in range(6):
            add(opened, f"story {number}", rows(25, number))
        yield opened


def same(index: ServerIndex, library: Library) -> bool:
    """Whether the index finds what exact search finds; HNSW may miss one in sixty."""
    missed = 0
    for query in rows(6, seed=99):
        exact = {id_ for id_, _ in nearest(library, query, 10)}
        missed += len(exact - {id_ for id_, _ in index.search(query, 10)})
    return missed <= 1


def test_the_server_finds_what_exact_search_finds_and_follows(server: Server, library: Library) -> None:
    with ServerIndex(library, server.address) as index:
        assert (same(index, library), index.notice) == (True, "")
        add(library, "new", rows(7, seed=50))
        library.remove(library.articles()[0].id)
        add(library, "story 3", rows(2, seed=51))
        assert (same(index, library), index.notice, index.check()) == (True, "", [])
        assert index._collection.count() == library.size == 25 * 4 + 7 + 2


def test_a_change_sends_only_what_changed(server: Server, library: Library) -> None:
    with ServerIndex(library, server.address) as index:
        index.search(rows(1)[0], 5)
        asked: list[int] = []
        add(library, "new", rows(3, seed=50))
        read = library.vectors_of
        library.vectors_of = lambda ids: asked.append(len(ids)) or read(ids)  # type: ignore[method-assign]
        index.update()
    assert asked == [3]


def test_a_reader_searches_what_the_owner_sent(server: Server, library: Library) -> None:
    ServerIndex(library, server.address).close()
    with Library.open(library.folder) as reader, ServerIndex(reader, server.address) as index:
        assert (same(index, reader), index.notice) == (True, "")
        add(library, "new", rows(7, seed=50))
        assert same(index, reader)
        assert index.notice.endswith("is behind the library. Exact search was used instead.")
        ServerIndex(library, server.address).close()
        assert (same(index, reader), index.notice) == (True, "")


def test_two_libraries_share_a_server(server: Server, library: Library, tmp_path: Path) -> None:
    with Library.open(tmp_path / "other", write=True) as other:
        add(other, "other", rows(5, seed=70))
        with ServerIndex(library, server.address) as one, ServerIndex(other, server.address) as two:
            assert (same(one, library), same(two, other)) == (True, True)
            assert (one.check(), two.check()) == ([], [])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda found: found.delete(ids=found.get(limit=1)["ids"]),
        lambda found: found.update(ids=found.get()["ids"], embeddings=rows(150, seed=7)),
    ],
    ids=["a vector is gone", "vectors are others"],
)
def test_a_server_that_holds_something_else_is_sent_everything_anew(
    server: Server, library: Library, spoil: Callable[..., None]
) -> None:
    with ServerIndex(library, server.address) as index:
        index.search(rows(1)[0], 5)
        spoil(index._collection)
    with ServerIndex(library, server.address, retry=0) as index:
        for _ in range(2):
            assert same(index, library)
        assert (index.notice, index.check()) == ("", [])


def test_without_a_server_search_is_exact_and_says_so(library: Library) -> None:
    index = ServerIndex(library, f"http://127.0.0.1:{free_port()}")
    assert same(index, library)
    assert index.notice.startswith("The Chroma server at http://127.0.0.1:")
    assert [problem.law for problem in index.check()] == ["The server holds what the library holds."]


def test_a_server_that_accepts_and_never_answers_is_given_up(library: Library) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        index = ServerIndex(library, f"http://127.0.0.1:{silent.getsockname()[1]}", patience=0.5)
        began = time.monotonic()
        assert same(index, library)
        assert time.monotonic() - began < 3
        assert "timed out" in index.notice


@pytest.mark.slow
def test_a_server_killed_and_restarted_under_load_gives_no_wrong_answer(
    library: Library, tmp_path: Path
) -> None:
    running = Server(tmp_path / "chroma")
    wrong: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        with Library.open(library.folder) as reader:
            index = ServerIndex(reader, running.address, retry=0.1, patience=5)
            while not stop.is_set():
                if not same(index, reader):
                    wrong.append(index.notice)

    with ServerIndex(library, running.address, retry=0.1) as owner:
        owner.update()
        askers = [threading.Thread(target=ask) for _ in range(2)]
        for asker in askers:
            asker.start()
        for _ in range(3):
            time.sleep(0.5)
            running.kill()
            time.sleep(0.3)
            running.start()
        stop.set()
        for asker in askers:
            asker.join()
        assert wrong == []
        deadline = time.monotonic() + 10
        while owner.check() and time.monotonic() < deadline:
            owner.update()
        assert (same(owner, library), owner.notice) == (True, "")
    running.kill()


@pytest.mark.parametrize(
    "address", ["localhost:8000", "ftp://h", "http://", "http://h:port", "http://h/path"]
)
def test_what_is_no_server_address_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="'vectors' takes the address"):
        parts_of(address)

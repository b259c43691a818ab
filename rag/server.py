"""The library's vectors on a Chroma server: the owner keeps it up to date, everyone may search it.

The server is given numbers and vectors, never text. The library stays the truth: while the server is away,
behind or wrong, exact search answers, and `notice` says so.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from rag.errors import InputError
from rag.library import Ids, Library, Problem
from rag.rows import PASSAGES_PER_ARTICLE
from rag.store import note
from rag.vectors import SETTINGS, Scored, nearest

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds a request may take; one batch of vectors takes the longest."""

RETRY = 5.0
"""Seconds until a server that was away is tried again."""

INSTEAD = "Exact search was used instead."

BATCH = 2000
"""Vectors sent at a time."""

SAMPLE = 8
"""Vectors compared with the library's when the owner first reaches the server."""


class ServerIndex:
    """The vectors of one library on the Chroma server at `address`; safe to use from several threads."""

    def __init__(
        self, library: Library, address: str, *, patience: float = PATIENCE, retry: float = RETRY
    ) -> None:
        self._host, self._port, self._secure = parts_of(address)
        self.address = address
        self.notice = ""
        """Why the last search was exact instead; empty when the server answered it."""
        self._library = library
        self._patience = patience
        self._retry = retry
        self._turn = threading.RLock()
        self._client: Any = None
        self._collection: Any = None
        self._not_before = 0.0
        self._compared = False

    def search(self, query: NDArray[np.float32], k: int) -> Scored:
        """Return about the `k` passages nearest to the unit vector `query`: (number, cosine), best first."""
        if k < 1 or not self._library.size:
            return []
        with self._turn:
            found = self._try(lambda: self._search(query, k))
        return nearest(self._library, query, k) if found is None else found

    def update(self) -> None:
        """Send what changed; only the owner of the library does, and a server that is away gets it later."""
        if self._library.writable:
            with self._turn:
                self._try(self._follow)

    def rebuild(self) -> None:
        """Send everything anew."""
        with self._turn:
            self._try(self._drop)
            self._try(self._follow)

    def check(self) -> list[Problem]:
        """Return in what the server differs from the library."""
        with self._turn:
            self._not_before = 0.0
            return (
                []
                if self._try(self._compare)
                else [Problem("The server holds what the library holds.", self.notice)]
            )

    def close(self) -> None:
        """Send what is left to send and hang up."""
        self.update()
        with self._turn, suppress(Exception):
            self._hang_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _try(self, work: Callable[[], T]) -> T | None:
        """Return what `work` returns; None when the server is away, and then `notice` says so."""
        if time.monotonic() < self._not_before:
            return None
        try:
            with _reached():
                self._connect()
                found = work()
        except BehindError as error:
            self.notice = f"{error} {INSTEAD}"
            return None
        except AwayError as error:
            self._hang_up()
            self._not_before = time.monotonic() + self._retry
            self.notice = f"The Chroma server at {self.address} cannot be used ({error}). {INSTEAD}"
            return None
        self.notice = ""
        return found

    def _search(self, query: NDArray[np.float32], k: int) -> Scored:
        if self._library.writable:
            self._follow()
        elif self._held() != self._wanted():
            raise BehindError(f"The Chroma server at {self.address} is behind the library.")
        found = self._collection.query(query_embeddings=[query], n_results=k, include=["distances"])
        pairs = zip(found["ids"][0], found["distances"][0], strict=True)
        return sorted(
            ((int(id_, 36), 1 - float(away)) for id_, away in pairs), key=lambda hit: (-hit[1], hit[0])
        )

    def _wanted(self) -> tuple[int, int, str]:
        return self._library.generation, self._library.vectors_made, self._library.embedder

    def _held(self) -> tuple[int, int, str] | None:
        """Return what the server says that it holds; None when it holds nothing whole."""
        self._collection = None
        for collection in self._client.list_collections():
            if collection.name == self._name():
                self._collection = self._client.get_collection(self._name(), embedding_function=None)
                said = self._collection.metadata or {}
                return (
                    int(said.get("generation", -1)),
                    int(said.get("made", -1)),
                    str(said.get("embedder", "")),
                )
        return None

    def _follow(self) -> bool:
        """Send the server what it lacks, and note with it up to which change it holds everything."""
        held, wanted = self._held(), self._wanted()
        if (
            held == wanted
            and self._collection.count() == self._library.size
            and (self._compared or self._compare())
        ):
            return True
        start, dropped = self._gone_since(held[0]) if held and held[1:] == wanted[1:] else (-1, None)
        if dropped is None or self._collection is None:
            self._drop()
            self._collection = self._client.create_collection(
                self._name(), embedding_function=None, configuration={"hnsw": dict(SETTINGS)}
            )
            start, dropped = -1, np.empty(0, np.int64)
        for first in range(0, len(dropped), BATCH):
            self._collection.delete(ids=list(map(_code, dropped[first : first + BATCH])))
        numbers = self._library.numbers()
        new = numbers[numbers > start]
        for first in range(0, len(new), BATCH):
            ids, matrix = self._library.vectors_of(new[first : first + BATCH])
            self._collection.upsert(ids=list(map(_code, ids)), embeddings=matrix)
        if self._collection.count() != len(numbers):
            self._drop()
            raise AwayError("it did not keep what it was sent")
        last = int(numbers[-1]) if len(numbers) else -1
        noted = {"generation": wanted[0], "made": wanted[1], "embedder": wanted[2], "last": str(last)}
        self._collection.modify(metadata=noted)
        self._compared = True
        return True

    def _gone_since(self, generation: int) -> tuple[int, Ids | None]:
        """Return the last number that the server holds and those to drop; None when that is not known."""
        store = self._library.store
        if generation < int(store.noted("gone_from") or 0):
            return -1, None
        last = int(self._collection.metadata.get("last", -1))
        rows = store.rows("SELECT article, passages FROM gone WHERE at > ?", generation)
        spans = [
            np.arange(article * PASSAGES_PER_ARTICLE, article * PASSAGES_PER_ARTICLE + many)
            for article, many in rows
        ]
        dropped = np.concatenate(spans) if spans else np.empty(0, np.int64)
        return last, dropped[dropped <= last].astype(np.int64)

    def _compare(self) -> bool:
        """Compare some vectors on the server with the library's."""
        if self._held() != self._wanted():
            raise BehindError(f"The Chroma server at {self.address} is behind the library.")
        if self._collection.count() != self._library.size:
            raise AwayError("it holds other passages than the library")
        numbers = self._library.numbers()
        ids, matrix = self._library.vectors_of(numbers[:: max(1, len(numbers) // SAMPLE)][:SAMPLE])
        for id_, row in zip(ids, matrix, strict=True):
            found = self._collection.get(ids=[_code(id_)], include=["embeddings"])["embeddings"]
            if len(found) != 1 or not np.allclose(found[0], row, atol=1e-3):
                self._drop()
                raise AwayError("a vector on it is not the library's")
        self._compared = True
        return True

    def _drop(self) -> bool:
        self._compared = False
        if self._held() is not None:
            self._client.delete_collection(self._name())
            self._collection = None
        return True

    def _name(self) -> str:
        """Return the name of this library's collection: several libraries may share a server."""
        store = self._library.store
        if not store.noted("name") and self._library.writable:
            with store.writing() as db:
                note(db, "name", uuid4().hex)
        return f"tearsheet-{store.noted('name') or 'unnamed'}"

    def _connect(self) -> None:
        if self._client is not None:
            return
        import chromadb
        from chromadb.config import Settings

        # Chroma's client waits for ever, and asks the server before a limit can be set: is it there at all?
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        with closing(kind(self._host, self._port, timeout=self._patience)) as probe:
            probe.request("GET", "/api/v2/heartbeat")
            if probe.getresponse().status != 200:
                raise AwayError("it is no Chroma server")
        settings = Settings(_env_file=None, anonymized_telemetry=False)
        self._client = chromadb.HttpClient(self._host, self._port, ssl=self._secure, settings=settings)
        self._client._server._session.timeout = self._patience

    def _hang_up(self) -> None:
        client, self._client, self._collection = self._client, None, None
        if client is not None:
            with suppress(Exception):
                client.close()


class AwayError(Exception):
    """The server cannot be used as it is; never leaves this module."""


class BehindError(Exception):
    """The server holds an older state of the library; never leaves this module."""


def parts_of(address: str) -> tuple[str, int, bool]:
    """Return the host, the port and whether TLS is used. Raises InputError."""
    try:
        parts = urlsplit(address)
        port = parts.port or 8000
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise InputError(
            f"The setting 'vectors' takes the address of a Chroma server, like http://localhost:8000, "
            f"not {address!r}."
        )
    return parts.hostname, port, parts.scheme == "https"


@contextmanager
def _reached() -> Iterator[None]:
    """Turn whatever the client raises into AwayError."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit, AwayError, BehindError):
        raise
    except BaseException as error:
        words = str(error).split("\n")[0][:200] or type(error).__name__
        raise AwayError(words) from error


def _code(number: int) -> str:
    return np.base_repr(number, 36)

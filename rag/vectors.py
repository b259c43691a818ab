"""Nearest neighbours over the library's vectors: exact, or by a Chroma index derived from them."""

from __future__ import annotations

import json
import shutil
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from rag.library import ALL, Filter, Ids, Library, Problem

Scored = list[tuple[int, float]]

STATE = "chroma.json"
FOLDER = "chroma-"
COLLECTION = "passages"

SETTINGS: dict[str, Any] = {
    "space": "cosine",
    "max_neighbors": 16,
    "ef_construction": 200,
    "ef_search": 200,
    "sync_threshold": 5000,
}
"""Of the HNSW graph; `tests/test_vectors.py` holds it to 99 of 100 exact neighbours."""

SAMPLE = 16
"""Vectors compared with the library's when the index is opened."""

WORN = 0.25
"""Share of entries ever deleted at which the index is made anew: Chroma never gives their room back."""

GATHER = 0.2
"""Share of passages that pass a filter below which only their rows are multiplied."""


def nearest(library: Library, query: NDArray[np.float32], k: int, where: Filter = ALL) -> Scored:
    """Return the `k` passages with the largest cosine to the unit vector `query`: (number, cosine), exact."""
    rows = library.rows()
    if not len(rows.ids) or k < 1:
        return []
    passes = rows.of(library.passing(where)) if where else rows.current
    count = int(np.count_nonzero(passes))
    if count < GATHER * len(passes):
        places = np.flatnonzero(passes)
        return _top(rows.ids[places], rows.scores_of(places, query), k)
    scores = rows.scores(query)
    if count < len(passes):
        scores[~passes] = -np.inf
    return _top(rows.ids, scores, k)


def _top(ids: Ids, scores: NDArray[np.float32], k: int) -> Scored:
    best = np.argpartition(-scores, k)[:k] if k < len(scores) else np.arange(len(scores))
    order = best[np.lexsort((ids[best], -scores[best]))]
    return [(int(ids[i]), float(scores[i])) for i in order if scores[i] > -np.inf]


class ChromaIndex:
    """A Chroma index over the library's vectors, held by the process that owns the library.

    The library is the truth. The index follows it before each search, is made anew on any doubt, and when
    Chroma fails even then, the answer comes from exact search. Chroma can crash on damaged files, so files
    that changed since they were closed are never opened.
    """

    def __init__(self, library: Library) -> None:
        self.rebuilt = 0
        """How many times this object made the index anew."""
        self._library = library
        self._turn = threading.RLock()
        self._client: Any = None
        self._collection: Any = None
        self._ids: Ids = np.empty(0, np.int64)
        self._seen = (-1, -1, "")
        self._deleted = 0
        self._folder = Path()
        self._usable = False

    @classmethod
    def open(cls, library: Library) -> ChromaIndex:
        """Open the index of a library that is open for writing; make it when it is missing or doubtful."""
        if not library.writable:
            raise ValueError("only the process that owns the library may open its index")
        index = cls(library)
        try:
            with _doubted():
                index._adopt()
        except DoubtError:
            index.rebuild()
        return index

    def search(self, query: NDArray[np.float32], k: int) -> Scored:
        """Return about the `k` passages nearest to the unit vector `query`: (number, cosine), best first."""
        # Making the index anew takes minutes for a large library; a question asked meanwhile does not wait.
        if self._turn.acquire(blocking=False):
            try:
                for attempt in (self._search, self._search_anew):
                    with suppress(DoubtError), _doubted():
                        return attempt(query, k)
            finally:
                self._turn.release()
        return nearest(self._library, query, k)

    def check(self) -> list[Problem]:
        """Return in what the index differs from the library; nothing is repaired."""
        with self._turn:
            try:
                with _doubted():
                    self._compare(self._held())
            except DoubtError as error:
                return [Problem("The vector index holds what the library holds.", str(error))]
        return []

    def update(self) -> None:
        """Bring the index up to date with the library; cheap when nothing changed."""
        with self._turn:
            try:
                with _doubted():
                    self._follow()
            except DoubtError:
                if self._usable:
                    self.rebuild()

    def rebuild(self) -> None:
        """Make the index anew in a new folder; if Chroma cannot, exact search serves until the next call."""
        with self._turn:
            self._drop()
            self.rebuilt += 1
            self._usable = False
            with suppress(DoubtError), _doubted():
                self._create()
                self._follow()
                self._usable = True

    def close(self) -> None:
        """Close Chroma and note what its files look like, so that the next `open` can trust them."""
        with self._turn:
            if self._client is None:
                return
            with suppress(DoubtError), _doubted():
                self._disconnect()
                self._write_state()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _search(self, query: NDArray[np.float32], k: int) -> Scored:
        self._follow()
        if not len(self._ids) or k < 1:
            return []
        found = self._collection.query(
            query_embeddings=[query], n_results=min(k, len(self._ids)), include=["distances"]
        )
        pairs = zip(found["ids"][0], found["distances"][0], strict=True)
        hits = [(_number(code), 1 - float(distance)) for code, distance in pairs]
        return sorted(hits, key=lambda hit: (-hit[1], hit[0]))

    def _search_anew(self, query: NDArray[np.float32], k: int) -> Scored:
        if self._usable:
            self.rebuild()
        return self._search(query, k)

    def _follow(self) -> None:
        """Add and delete what the library did since the last time."""
        seen = (self._library.generation, self._library.vectors_made, self._library.embedder)
        if self._collection is None or (self._seen[1:] != seen[1:] and self._seen[0] >= 0):
            raise DoubtError("the vectors are others now")
        if self._seen == seen:
            return
        ids = self._library.numbers()
        gone, new = np.setdiff1d(self._ids, ids), np.setdiff1d(ids, self._ids)
        self._deleted += len(gone)
        if self._deleted > WORN * max(len(ids), 1000):
            raise DoubtError("too much of the index is deleted")
        most = self._client.get_max_batch_size()
        for start in range(0, len(gone), most):
            self._collection.delete(ids=[_code(id_) for id_ in gone[start : start + most]])
        for start in range(0, len(new), most):
            batch, matrix = self._library.vectors_of(new[start : start + most])
            self._collection.upsert(ids=[_code(id_) for id_ in batch], embeddings=matrix)
        if self._collection.count() != len(ids):
            raise DoubtError("the index does not hold as many vectors as the library")
        self._ids, self._seen = ids, seen

    def _adopt(self) -> None:
        """Open the files of the last owner, if they are as it left them and hold what the library holds."""
        path = self._library.folder / STATE
        state = json.loads(path.read_text())
        self._folder = self._library.folder / state["folder"]
        if state["files"] != _sums(self._folder) or state["settings"] != dict(SETTINGS):
            raise DoubtError("the files changed")
        # From here on Chroma may change its files: what is known of them holds no longer.
        path.unlink()
        self._connect()
        self._collection = self._client.get_collection(COLLECTION, embedding_function=None)
        self._ids = self._held()
        self._seen = (state["generation"], state["vectors_made"], state["embedder"])
        self._deleted = state["deleted"]
        self._follow()
        self._compare(self._ids)
        self._usable = True

    def _compare(self, held: Ids) -> None:
        """Compare the numbers `held` with the library's, and some of their vectors."""
        if self._library.generation == self._seen[0] and not np.array_equal(held, self._library.numbers()):
            raise DoubtError("the index does not hold the same passages as the library")
        ids, matrix = self._library.vectors_of(held[:: max(1, len(held) // SAMPLE)][:SAMPLE])
        for id_, row in zip(ids, matrix, strict=True):
            found = self._collection.get(ids=[_code(id_)], include=["embeddings"])["embeddings"]
            if not np.allclose(found[0], row, atol=1e-3):
                raise DoubtError("a vector in the index is not the library's")

    def _held(self) -> Ids:
        codes = self._collection.get(include=[])["ids"]
        return np.array(sorted(map(_number, codes)), np.int64)

    def _create(self) -> None:
        self._folder = self._library.folder / f"{FOLDER}{uuid4().hex[:8]}"
        self._connect()
        self._collection = self._client.create_collection(
            COLLECTION, embedding_function=None, configuration={"hnsw": dict(SETTINGS)}
        )
        self._ids, self._seen, self._deleted = np.empty(0, np.int64), (-1, -1, ""), 0

    def _connect(self) -> None:
        import chromadb
        from chromadb.config import Settings

        settings = Settings(
            _env_file=None,
            anonymized_telemetry=False,
            allow_reset=False,
            is_persistent=True,
            persist_directory=str(self._folder),
        )
        self._client = chromadb.PersistentClient(path=str(self._folder), settings=settings)

    def _disconnect(self) -> None:
        client, self._client, self._collection = self._client, None, None
        if client is not None:
            client.close()

    def _drop(self) -> None:
        with suppress(DoubtError), _doubted():
            self._disconnect()
        (self._library.folder / STATE).unlink(missing_ok=True)
        for folder in self._library.folder.glob(f"{FOLDER}*"):
            shutil.rmtree(folder, ignore_errors=True)

    def _write_state(self) -> None:
        generation, vectors_made, embedder = self._seen
        state = {
            "folder": self._folder.name,
            "files": _sums(self._folder),
            "settings": dict(SETTINGS),
            "generation": generation,
            "vectors_made": vectors_made,
            "embedder": embedder,
            "deleted": self._deleted,
        }
        path = self._library.folder / STATE
        part = path.with_suffix(".part")
        part.write_text(json.dumps(state, indent=1))
        part.replace(path)


class DoubtError(Exception):
    """The index cannot be trusted as it is; never leaves this module."""


@contextmanager
def _doubted() -> Iterator[None]:
    """Turn whatever Chroma raises, its Rust panics too, into DoubtError."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        raise DoubtError(str(error)) from error


def _code(number: int) -> str:
    """Return a passage number as a Chroma id: Chroma keeps every id in memory, so they are short."""
    return np.base_repr(number, 36)


def _number(code: str) -> int:
    return int(code, 36)


def _sums(folder: Path) -> dict[str, int]:
    """Return the checksum of every file in `folder`."""
    sums: dict[str, int] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        total = 0
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                total = zlib.crc32(block, total)
        sums[path.relative_to(folder).as_posix()] = total
    return sums

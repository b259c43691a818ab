"""Every vector of a library in memory, read once and then following what the library adds and drops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import DamagedError
from rag.rows import PASSAGES_PER_ARTICLE, STORED
from rag.store import Store, reported

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Vectors = NDArray[np.float32]

BLOCK = 32_768
"""Rows of a block: new vectors fill the last one, so that adding never copies what is there."""

READ_AT_ONCE = 512
"""Articles whose vectors are read at a time, so that loading takes little more memory than they do."""

WORN = 0.25
"""Share of rows no longer found at which all are read anew, to give their memory back."""

REBUILD = "Run `tearsheet doctor --rebuild`."


@dataclass(frozen=True, slots=True)
class Rows:
    """The vectors as they are at one moment: row `i` of all blocks belongs to passage `ids[i]`."""

    ids: Ids
    """Numbers of the passages, ascending."""
    owners: Ids
    """Numbers of the articles they belong to."""
    current: Mask
    """Whether the article is still the newest revision of itself."""
    blocks: tuple[Vectors, ...]
    """Unit rows; all blocks but the last have BLOCK of them."""

    def of(self, articles: Ids) -> Mask:
        """Return which rows belong to the articles with these numbers."""
        most = int(self.owners[-1]) if len(self.owners) else -1
        wanted = np.zeros(most + 2, bool)
        wanted[articles[articles <= most]] = True
        rows: Mask = wanted[self.owners]
        return rows

    def scores(self, query: Vectors) -> Vectors:
        """Return the product of every row with `query`."""
        found = np.empty(len(self.ids), np.float32)
        for place, block in enumerate(self.blocks):
            np.dot(block, query, out=found[place * BLOCK : place * BLOCK + len(block)])
        return found

    def scores_of(self, places: NDArray[np.intp], query: Vectors) -> Vectors:
        """Return the products of the rows at these places, ascending, with `query`."""
        found = np.empty(len(places), np.float32)
        cuts = np.searchsorted(places, np.arange(len(self.blocks) + 1) * BLOCK)
        for number, block in enumerate(self.blocks):
            first, last = cuts[number], cuts[number + 1]
            if first < last:
                found[first:last] = block[places[first:last] - number * BLOCK] @ query
        return found


class Matrix:
    """The vectors of one open library, kept in memory from the first search on."""

    def __init__(self) -> None:
        self._size = 0
        self._seen = (-1, -1)
        self._forget()

    def follow(self, store: Store) -> Rows:
        """Read what was added and note what was dropped since the last call; return the rows.

        What it costs depends on the changes, not on the size of the library. Raises DamagedError.
        """
        with store.turn, reported(store.folder):
            sql = "SELECT key, value FROM meta WHERE key NOT IN ('embedder', 'next_embedder', 'name')"
            noted = {key: int(value) for key, value in store.db.execute(sql)}
            seen = (noted["generation"], noted["vectors_made"])
            if seen != self._seen:
                if seen[1] != self._seen[1] or self._seen[0] < noted["gone_from"] or self._worn():
                    self._forget()
                self._read(store, noted["width"])
                self._drop(store)
                self._seen = seen
        size = self._size
        full = tuple(block[: size - place * BLOCK] for place, block in enumerate(self._blocks))
        return Rows(self._ids[:size], self._owners[:size], self._current[:size], full)

    def _forget(self) -> None:
        self._seen = (-1, -1)
        self._size = 0
        self._last = -1
        self._dropped = 0
        self._ids: Ids = np.empty(0, np.int64)
        self._owners: Ids = np.empty(0, np.int64)
        self._current: Mask = np.empty(0, bool)
        self._blocks: list[Vectors] = []

    def _worn(self) -> bool:
        return self._dropped > WORN * max(self._size, 1000)

    def _read(self, store: Store, width: int) -> None:
        sql = "SELECT article, vectors FROM vectors WHERE article > ? ORDER BY article"
        rows = store.db.execute(sql, (self._last,))
        while batch := rows.fetchmany(READ_AT_ONCE):
            self._append([row[0] for row in batch], [row[1] for row in batch], width)

    def _append(self, articles: Sequence[int], blobs: Sequence[bytes], width: int) -> None:
        sizes = np.array([len(blob) for blob in blobs], np.int64)
        if width < 1 or (sizes % (width * STORED.itemsize)).any():
            raise DamagedError(f"The vectors of the library differ in length. {REBUILD}")
        counts = sizes // (width * STORED.itemsize)
        owners = np.repeat(np.array(articles, np.int64), counts)
        places = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
        start, stop = self._size, self._size + len(owners)
        if stop > len(self._ids):
            room = max(stop, 2 * len(self._ids), 1024)
            self._ids, self._owners = _grown(self._ids, room), _grown(self._owners, room)
            self._current = _grown(self._current, room)
        self._ids[start:stop] = owners * PASSAGES_PER_ARTICLE + places
        self._owners[start:stop] = owners
        self._current[start:stop] = True
        flat = np.frombuffer(b"".join(blobs), STORED).reshape(-1, width)
        if self._blocks and self._blocks[0].shape[1] != width:
            raise DamagedError(f"The vectors of the library differ in length. {REBUILD}")
        while len(flat):
            place, used = divmod(self._size, BLOCK)
            if place == len(self._blocks):
                self._blocks.append(np.empty((BLOCK, width), np.float32))
            part = flat[: BLOCK - used]
            self._blocks[place][used : used + len(part)] = part
            self._size += len(part)
            flat = flat[len(part) :]
        self._last = articles[-1]

    def _drop(self, store: Store) -> None:
        """Mark the rows of articles that are found no more."""
        sql = "SELECT article FROM gone WHERE at > ?"
        if self._seen[0] < 0:
            # Everything was just read: what is there and not current is a superseded revision.
            sql = "SELECT number FROM articles WHERE replaced_by IS NOT NULL AND number > ?"
        for (article,) in store.db.execute(sql, (self._seen[0],)):
            first, last = np.searchsorted(self._owners[: self._size], [article, article + 1])
            self._current[first:last] = False
            self._dropped += int(last - first) if self._seen[0] >= 0 else 0


def _grown(array: NDArray[Any], room: int) -> NDArray[Any]:
    larger = np.empty(room, array.dtype)
    larger[: len(array)] = array
    return larger

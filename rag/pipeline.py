"""The order of the steps, and nothing else: add articles, ask a question, look after the library."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from collections.abc import Generator as Events
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np

from models.protocols import Embedder, Generator, Parser
from models.trees import Trees
from rag.answer import Draft, Event, Found, answer
from rag.chunk import chunk
from rag.confidence import Calibration
from rag.errors import LibraryError, ModelError
from rag.evidence import select
from rag.laws import Problem
from rag.library import ALL, Filter, Library
from rag.question import read_question
from rag.read import Unread, find_files, read_file
from rag.records import Answer, Article
from rag.retrieve import retrieve
from rag.settings import Settings
from rag.vectors import ChromaIndex

Progress = Callable[[int, int, str], None]
"""Called with files done, files in all, and the name of the one at hand."""

FITTED = Path(__file__).resolve().parent.parent / "models"
"""Where the fitted weights of evidence and confidence are shipped."""

NO_ARTICLES = "The library holds no articles yet. Add some with `tearsheet add PATH`."
NONE_PASS = "No article passes these filters. `tearsheet list` with the same filters shows what does."


class Models:
    """The models, each loaded when first needed; give any of them to use it instead."""

    def __init__(
        self,
        settings: Settings,
        *,
        embedder: Embedder | None = None,
        parser: Parser | None = None,
        generator: Generator | None = None,
    ) -> None:
        self._settings = settings
        self._turn = threading.Lock()
        self._given = (embedder, parser, generator)
        self._loaded = generator
        self._tried = generator is not None
        self.unusable = ""
        """Why there is no generator although one was asked for; empty when there is one."""

    @cached_property
    def embedder(self) -> Embedder:
        from models.embedder import load_embedder

        return self._given[0] or load_embedder()

    @cached_property
    def parser(self) -> Parser:
        from models.parser import load_parser

        return self._given[1] or load_parser()

    @cached_property
    def trees(self) -> Trees:
        return Trees.load(FITTED / "evidence.npz")

    @cached_property
    def calibration(self) -> Calibration:
        return Calibration.load(FITTED / "calibration.json")

    @property
    def generator(self) -> Generator | None:
        """The language model; None in the quote tier and when it cannot be loaded."""
        if self._settings.tier == "quote":
            return None
        with self._turn:
            if not self._tried:
                from models.generator import load_generator

                path = Path(self._settings.model).expanduser() if self._settings.model else None
                try:
                    self._loaded = load_generator(path, threads=self._settings.threads)
                except ModelError as error:
                    self.unusable = str(error)
                self._tried = True
        return self._loaded

    def close(self) -> None:
        if self._loaded is not None:
            self._loaded.close()


@dataclass(frozen=True, slots=True)
class AddReport:
    """What became of the articles that were given."""

    added: int = 0
    revised: int = 0
    unchanged: int = 0
    unread: tuple[Unread, ...] = ()


class Tearsheet:
    """An open library and the models that answer from it. A context manager."""

    def __init__(self, settings: Settings, library: Library, models: Models) -> None:
        self.settings = settings
        self.library = library
        self.models = models
        self._index: ChromaIndex | None = None
        self._turn = threading.Lock()

    @classmethod
    def open(cls, settings: Settings, *, write: bool = False, models: Models | None = None) -> Tearsheet:
        """Open the library of `settings`; with `write` this process becomes its one owner.

        Raises LockedError when another process owns it, LibraryError when there is none to read.
        """
        library = Library.open(settings.library, write=write)
        return cls(settings, library, models or Models(settings))

    def close(self) -> None:
        if self._index is not None:
            self._index.close()
        self.library.close()
        self.models.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def index(self) -> ChromaIndex | None:
        """The vector index, which only the owner holds; a reader searches the vectors exactly.

        Opened when a question first needs it; from then on it follows the library before each search.
        """
        with self._turn:
            if self._index is None and self.library.writable:
                self._index = ChromaIndex.open(self.library)
            return self._index

    def add(self, paths: Iterable[Path], *, on_progress: Progress | None = None) -> AddReport:
        """Read and add every article in `paths`; what cannot be read is reported and the rest goes on."""
        files = find_files(paths)
        self.library.match_embedder(self.models.embedder.fingerprint)
        counts = {"added": 0, "revised": 0, "unchanged": 0}
        unread: list[Unread] = []
        for done, file in enumerate(files):
            if on_progress is not None:
                on_progress(done, len(files), file.name)
            for number, found in enumerate(read_file(file), 1):
                if isinstance(found, Unread):
                    unread.append(found)
                else:
                    counts[self._add_article(found)] += 1
                if on_progress is not None and number > 1:
                    on_progress(done, len(files), f"{file.name} · {number:,} articles")
        if on_progress is not None:
            on_progress(len(files), len(files), "")
        return AddReport(counts["added"], counts["revised"], counts["unchanged"], tuple(unread))

    def _add_article(self, article: Article) -> str:
        if self.library.holds(article):
            return "unchanged"
        embedder = self.models.embedder
        passages = chunk(article, count_tokens=embedder.count_tokens, limit=embedder.window)
        texts = [passage.text for passage in passages]
        known = self.library.known_vectors(texts)
        fresh = [text for text in dict.fromkeys(texts) if text not in known]
        known |= dict(zip(fresh, embedder.embed(fresh, "document"), strict=True))
        vectors = np.array([known[text] for text in texts], np.float32).reshape(-1, embedder.dimensions)
        return self.library.add(article, passages, vectors)

    def remove(self, ids: Iterable[str]) -> None:
        """Remove the articles with these ids, everywhere. Raises NotFoundError."""
        for article_id in ids:
            self.library.remove(article_id)

    def ask(
        self,
        question: str,
        *,
        where: Filter = ALL,
        as_of: str = "",
        cancelled: Callable[[], bool] | None = None,
    ) -> Answer:
        """Return the verified answer from the articles that pass `where`, as they were known on `as_of`.

        Raises QuestionError, LibraryError, ModelError, CancelledError, and InputError for what is no date.
        """
        where = replace(where, as_of=as_of) if as_of else where
        with closing(self.ask_events(question, where=where, cancelled=cancelled)) as events:
            for event in events:
                if isinstance(event, Answer):
                    return event
        raise LibraryError("The question ended without an answer. Ask it again.")

    def ask_events(
        self, question: str, *, where: Filter = ALL, cancelled: Callable[[], bool] | None = None
    ) -> Events[Event, None, None]:
        """Yield Found, then Drafts while a model writes, last the Answer. Closing it stops the model."""
        began = time.perf_counter()
        asked = read_question(question, self.models.parser)
        if not self.library.size:
            yield Answer(asked.text, "refused", notes=(NO_ARTICLES,), tier="quote")
            return
        hits = retrieve(
            asked.text,
            self.library,
            self.models.embedder,
            index=self.index,
            k=self.settings.passages,
            where=where,
        )
        if where and not hits:
            yield Answer(asked.text, "refused", notes=(NONE_PASS,), tier="quote")
            return
        yield Found(hits)
        found = time.perf_counter()
        evidence = select(asked, hits, self.models.embedder, self.models.parser, self.models.trees)
        selected = time.perf_counter()
        generator = self.models.generator
        tier = self.settings.tier if generator is not None else "quote"
        with closing(answer(asked, evidence, self.models, tier=tier, cancelled=cancelled)) as events:
            for event in events:
                if isinstance(event, Draft):
                    yield event
                    continue
                seconds = {
                    "retrieve": round(found - began, 3),
                    "select": round(selected - found, 3),
                    "answer": round(time.perf_counter() - selected, 3),
                }
                notes = (*event.notes, self.models.unusable) if self.models.unusable else event.notes
                name = generator.name if generator is not None else ""
                yield replace(event, hits=hits, seconds=seconds, notes=notes, model=name, tier=tier)

    def doctor(self, *, rebuild: bool = False) -> tuple[Problem, ...]:
        """Return the laws that do not hold, after making every index anew when `rebuild` is set."""
        if rebuild:
            embedder = self.models.embedder
            self.library.rebuild(lambda texts: embedder.embed(texts, "document"), embedder.fingerprint)
            if self._index is not None:
                self._index.rebuild()
        problems = self.library.check()
        return (*problems, *self.index.check()) if self.index is not None else tuple(problems)


__all__ = ["AddReport", "Draft", "Event", "Found", "Models", "Tearsheet"]

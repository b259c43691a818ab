"""The order of the steps, and nothing else: add articles, ask a question, look after the library."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Generator as Events
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Self

from rag.adding import Adding, AddReport, Progress
from rag.answer import Draft, Event, Found, answer
from rag.brief import WORDS, brief
from rag.changes import compact
from rag.check import check_text
from rag.conversation import asked_as, turn_of
from rag.dates import day_of
from rag.described import named_instead
from rag.engines import Models, careful
from rag.errors import CancelledError, InputError, LibraryError, ModelError, QuestionError
from rag.evidence import Evidence
from rag.fetch import Fetcher, is_address, plain_address
from rag.fuse import reword
from rag.laws import Problem
from rag.library import ALL, Filter, Library
from rag.listing import outlets
from rag.planted import left_out_note, planted, without_planted
from rag.portable import import_library
from rag.question import Question, read_question
from rag.read import expected, find_files, read_file
from rag.records import Answer, Article, Brief, Care, Check, Checked, Hit, Passage, ReadFilter, Tier, Turn
from rag.retrieve import retrieve
from rag.scope import articles_on, topic_of
from rag.select import select
from rag.server import ServerIndex
from rag.settings import Settings
from rag.since import compare, remember, remembered
from rag.statements import Step
from rag.subscriptions import Noted, noted, subscriptions
from rag.text import sentences
from rag.timewords import narrowed, without_words
from rag.timewords import read_filters as read_filters_of
from rag.vectors import ChromaIndex
from rag.web import read_address, read_subscription

BRIEF_PASSAGES = 80
"""Passages looked at for a briefing, to find the articles on its topic."""

SPARE = 2
"""Passages found for each one used, so that articles that are left out crowd no other out."""

_log = logging.getLogger(__name__)

NO_ARTICLES = "The library holds no articles yet. Add some with `tearsheet add PATH`."
OTHER_EMBEDDER = (
    "The vectors of the library are another embedder's, so passages were found by their words alone. "
    "The next `tearsheet add` or `tearsheet doctor --rebuild` makes them anew."
)
NOT_READ = "Nothing to answer with was found {words}, so all articles were asked."
NONE_PASS = "No article passes these filters. `tearsheet list` with the same filters shows what does."


class Tearsheet:
    """An open library and the models that answer from it. A context manager."""

    def __init__(self, settings: Settings, library: Library, models: Models) -> None:
        self.settings = settings
        self.library = library
        self.models = models
        self._index: ChromaIndex | ServerIndex | None = None
        self._turn = threading.Lock()

    @classmethod
    def open(cls, settings: Settings, *, write: bool = False, models: Models | None = None) -> Tearsheet:
        """Open the library of `settings`; with `write` this process becomes its one owner.

        Raises LockedError when another process owns it, LibraryError when there is none to read.
        """
        library = Library.open(settings.library, write=write)
        return cls(settings, library, models or Models(settings))

    def close(self) -> None:
        # What was added goes to a server now, so that those who only read find it there.
        index = self.index if self.settings.vectors else self._index
        if index is not None:
            index.close()
        self.library.close()
        self.models.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def index(self) -> ChromaIndex | ServerIndex | None:
        """The vector index: on a server, or one that only the owner holds; others search the vectors exactly.

        Opened when a question first needs it; from then on it follows the library before each search.
        """
        with self._turn:
            if self._index is None and self.settings.vectors:
                self._index = ServerIndex(self.library, self.settings.vectors)
            elif self._index is None and self.library.writable:
                self._index = ChromaIndex.open(self.library)
            return self._index

    def add(
        self,
        sources: Iterable[Path | str],
        *,
        feeds: Iterable[str] = (),
        fetcher: Fetcher | None = None,
        on_progress: Progress | None = None,
    ) -> AddReport:
        """Read and add every article in these files, folders, addresses and feeds.

        What cannot be read is reported and the rest goes on. What was added stays, whatever stops it.
        """
        given = list(sources)
        addresses = [str(source) for source in given if is_address(str(source))]
        files = find_files(Path(source) for source in given if not is_address(str(source)))
        adding = self._adding(on_progress)
        adding.expect(sum(map(expected, files)) + len(addresses))
        for file in files:
            for found in read_file(file):
                adding.take(found, file.name)
        fetcher = fetcher or Fetcher()

        def recall(url: str) -> Noted:
            return noted(self.library.store, url)

        for url in addresses:
            adding.take(read_address(plain_address(url), fetcher, recall), url)
        for url in feeds:
            for listed in read_subscription(url, fetcher, recall):
                adding.take(listed, url)
        return adding.finish()

    def add_given(self, articles: Iterable[Article], *, on_progress: Progress | None = None) -> AddReport:
        """Add articles that were not read from a file or an address but handed over as they are."""
        adding = self._adding(on_progress)
        for article in articles:
            adding.take(article, article.title)
        return adding.finish()

    def search(self, query: str, *, limit: int = 10, where: Filter = ALL) -> tuple[Hit, ...]:
        """Return the passages found by words and by meaning, best first; none of hostile articles."""
        hits = retrieve(
            query,
            self.library,
            self.models.embedder,
            index=self.index,
            k=SPARE * limit,
            where=where,
            reranker=self.models.reranker,
        )
        return without_planted(hits, limit)[0]

    def import_file(self, path: Path, *, on_progress: Progress | None = None) -> AddReport:
        """Add what a file that `tearsheet export` wrote holds. Raises InputError, DamagedError."""
        adding = self._adding(on_progress)
        import_library(self.library, path, adding)
        return adding.finish()

    def compact(self) -> tuple[int, int]:
        """Give the space of what was removed back; return the bytes before and after."""
        found = compact(self.library.store)
        if self.index is not None:
            self.index.rebuild()
        return found

    def _adding(self, on_progress: Progress | None) -> Adding:
        """Begin to add; vectors of another embedder are first made anew, while the old ones serve others."""
        embedder = self.models.embedder
        if not self.library.matches(embedder.fingerprint):
            self.library.rebuild(lambda texts: embedder.embed(texts, "passage"), embedder.fingerprint)
        self.library.match_embedder(embedder.fingerprint)
        return Adding(self.library, embedder, on_progress)

    def sync(self, *, fetcher: Fetcher | None = None, on_progress: Progress | None = None) -> AddReport:
        """Fetch every known feed again and add what is new."""
        urls = [feed.url for feed in subscriptions(self.library.store)]
        return self.add((), feeds=urls, fetcher=fetcher, on_progress=on_progress)

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
        conversation: Sequence[Answer | Turn] = (),
        read_filters: bool = True,
        not_read: Sequence[str] = (),
        care: Care = "usual",
        cancelled: Callable[[], bool] | None = None,
    ) -> Answer:
        """Return the verified answer from the articles that pass `where`, as they were known on `as_of`.

        What the question leaves to the `conversation` before it, the latest last, is put into words first;
        `asked_as` of the answer then says how. With `read_filters` words like "last week" and "according to
        the Times" narrow the articles, but for those in `not_read`, and `filters` of the answer names them.
        A strict `care` refuses sooner, a lenient one later. Raises QuestionError, LibraryError, ModelError,
        CancelledError, and InputError for what is no date.
        """
        where = replace(where, as_of=as_of) if as_of else where
        asking = self.ask_events(
            question,
            where=where,
            conversation=conversation,
            read_filters=read_filters,
            not_read=not_read,
            care=care,
            cancelled=cancelled,
        )
        with closing(asking) as events:
            for event in events:
                if isinstance(event, Answer):
                    return event
        raise LibraryError("The question ended without an answer. Ask it again.")

    def ask_events(
        self,
        question: str,
        *,
        where: Filter = ALL,
        conversation: Sequence[Answer | Turn] = (),
        read_filters: bool = True,
        not_read: Sequence[str] = (),
        care: Care = "usual",
        cancelled: Callable[[], bool] | None = None,
    ) -> Events[Event, None, None]:
        """Yield Found, then Drafts while a model writes, last the Answer. Closing it stops the model."""
        typed = " ".join(question.split())
        turns = [turn_of(each) if isinstance(each, Answer) else each for each in conversation]
        meant = asked_as(typed, turns, self.models.parser) if turns else typed
        read = self._read(meant, where, not_read) if read_filters and self.library.size else ()
        told = meant if meant != typed else ""
        for event in self._narrowed(meant, where, read, care, cancelled) if read else ():
            if not isinstance(event, Answer):
                yield event
            elif event.status != "refused":
                yield replace(event, question=typed, asked_as=told, filters=read)
                return
        # The note says that "yesterday" was not heeded: no sentence has to tell it then.
        meant = without_words(meant, [each for each in read if each.kind == "published"])
        with closing(self._named(meant, where, care, cancelled)) as events:
            for event in events:
                if isinstance(event, Answer):
                    told = event.asked_as or told
                    words = " or ".join(f"“{each.said}”" for each in read)
                    notes = (*event.notes, NOT_READ.format(words=words)) if read else event.notes
                    event = replace(event, question=typed, asked_as=told, notes=notes)
                yield event

    def _named(
        self, question: str, where: Filter, care: Care, cancelled: Callable[[], bool] | None
    ) -> Events[Event, None, None]:
        """The events of a question; refused, it is asked anew with the name of the one it describes."""
        hits: tuple[Hit, ...] = ()
        for event in self._asked(question, where, care, cancelled):
            if isinstance(event, Found):
                hits = event.hits
            elif isinstance(event, Answer) and event.status == "refused":
                named, note = named_instead(question, hits, self.models.parser)
                *first, last = self._asked(named, where, care, cancelled) if named else (event,)
                if isinstance(last, Answer) and last.status != "refused":
                    yield from first
                    event = replace(last, asked_as=named, notes=(*last.notes, note))
            yield event

    def _read(self, question: str, where: Filter, not_read: Sequence[str]) -> tuple[ReadFilter, ...]:
        """The filters in the words of a question."""
        today = day_of(where.as_of) or date.today()
        every = read_filters_of(question, lambda: outlets(self.library.store), today)
        return tuple(each for each in every if each.said not in not_read)

    def _narrowed(
        self,
        question: str,
        where: Filter,
        read: Sequence[ReadFilter],
        care: Care,
        cancelled: Callable[[], bool] | None,
    ) -> Events[Event, None, None]:
        """The events of a question asked of the articles that its own words name."""
        newest = ""
        if any(each.kind == "latest" for each in read):
            newest = max(
                (hit.passage.article.published for hit in self.search(question, where=where)), default=""
            )
        bare, where = without_words(question, read), narrowed(where, read, newest)
        with closing(self._asked(bare, where, care, cancelled)) as events:
            yield from events

    def _asked(
        self, question: str, where: Filter, care: Care, cancelled: Callable[[], bool] | None
    ) -> Events[Event, None, None]:
        """The events of a self-contained question."""
        began = time.perf_counter()
        asked = read_question(question, self.models.parser)
        if not self.library.size:
            yield Answer(asked.text, "refused", notes=(NO_ARTICLES,), tier="quote")
            return
        every = retrieve(
            asked.text,
            self.library,
            self.models.embedder,
            index=self.index,
            k=SPARE * self.settings.passages,
            where=where,
            reranker=self.models.reranker,
        )
        hits, left_out = without_planted(every, self.settings.passages)
        if where and not every:
            yield Answer(asked.text, "refused", notes=(NONE_PASS,), tier="quote")
            return
        yield Found(hits)
        found = time.perf_counter()
        evidence = select(
            asked, hits, self.models.embedder, self.models.parser, self.models.trees, self.models.reader
        )
        selected = time.perf_counter()
        tier = self.settings.tier if self.models.generator is not None else "quote"
        honest = without_planted(every, len(every))[0]
        with closing(self._worded(asked, evidence, honest, tier, care, cancelled)) as events:
            for event in events:
                if isinstance(event, Draft):
                    yield event
                    continue
                seconds = {
                    "retrieve": round(found - began, 3),
                    "select": round(selected - found, 3),
                    "answer": round(time.perf_counter() - selected, 3),
                }
                notes = (*event.notes, *left_out)
                notes = (*notes, self.models.unusable) if self.models.unusable else notes
                if isinstance(self._index, ServerIndex) and self._index.notice:
                    notes = (*notes, self._index.notice)
                if not self.library.matches(self.models.embedder.fingerprint):
                    notes = (*notes, OTHER_EMBEDDER)
                yield replace(event, hits=_with_cited(hits, event), seconds=seconds, notes=notes)

    def _worded(
        self,
        asked: Question,
        evidence: Sequence[Evidence],
        hits: Sequence[Hit],
        tier: Tier,
        care: Care,
        cancelled: Callable[[], bool] | None,
    ) -> Events[Draft | Answer, None, None]:
        """Yield drafts, then the answer; in the articles' own words when the language model fails."""
        generator, tools = self.models.generator, careful(self.models, care)
        name = generator.name if generator is not None else ""
        try:
            for event in answer(asked, evidence, tools, tier=tier, hits=hits, cancelled=cancelled):
                yield replace(event, model=name, tier=tier) if isinstance(event, Answer) else event
        except CancelledError:
            raise
        except ModelError as error:
            if tier == "quote":
                raise
            for event in answer(asked, evidence, tools, tier="quote", hits=hits, cancelled=cancelled):
                if isinstance(event, Answer):
                    event = replace(event, tier="quote", notes=(*event.notes, str(error)))
                yield event

    def brief(
        self,
        topic: str = "",
        *,
        words: int = WORDS,
        where: Filter = ALL,
        as_of: str = "",
        tier: Tier = "quote",
        since_last: bool = False,
        on_step: Step | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Brief:
        """Return the briefing on `topic` from the articles that pass `where`, as they were known on `as_of`.

        Without a topic `where` must name the articles. With `since_last` it begins with what changed since
        the last briefing on the topic, of which the lines are kept beside the library. In another `tier`
        than quote the model tightens lines, in compose it fuses points, all checked. Raises QuestionError,
        LibraryError, ModelError, CancelledError, and InputError for what is no date.
        """
        began = time.perf_counter()
        where = replace(where, as_of=as_of) if as_of else where
        about = topic_of(topic)
        if not self.library.size:
            return Brief(about, notes=(NO_ARTICLES,), as_of=as_of)
        every: tuple[Hit, ...] = ()
        if about:
            every = retrieve(
                about, self.library, self.models.embedder, index=self.index, k=BRIEF_PASSAGES, where=where
            )
        hits, left_out = without_planted(every, BRIEF_PASSAGES)
        named = [self.library.article(id_) for id_ in where.articles]
        honest = tuple(article for article in named if not planted(article.text))
        left_out = left_out_note(article.id for article in named if article not in honest) or left_out
        if named and not honest:
            return Brief(about or named[0].id[:8], as_of=as_of, notes=left_out)
        articles = honest if named else articles_on(about, hits)
        about = about or (articles[0].title if articles else "")
        if not about:
            raise QuestionError("A briefing needs a topic, or articles named with --article.")
        found = time.perf_counter()
        made = brief(
            about,
            articles,
            self.models,
            hits=hits,
            words=words,
            as_of=as_of,
            on_step=on_step,
            cancelled=cancelled,
        )
        made = replace(made, tier="quote")
        if tier != "quote" and (generator := self.models.generator) is not None:
            parser = self.models.parser
            made = reword(made, tier, generator, parser, on_step=on_step, cancelled=cancelled)
        last = remembered(self.settings.library, about) if since_last else None
        if made.status == "answered":
            remember(self.settings.library, made)
        if since_last:
            made = compare(made, last)
        seconds = {"retrieve": round(found - began, 3), "brief": round(time.perf_counter() - found, 3)}
        return replace(made, seconds=seconds, notes=(*made.notes, *left_out))

    def check(
        self,
        text: str,
        *,
        where: Filter = ALL,
        written: str = "",
        on_step: Step | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Check:
        """Return what the articles that pass `where` say of each sentence of a draft.

        `written` is the day, ISO 8601, that its "yesterday" and "Tuesday" are reckoned from, or today.
        Raises LibraryError, ModelError, CancelledError, and InputError for what is no date.
        """
        day = day_of(written) if written else date.today()
        if day is None:
            raise InputError(f"A day is written like 2025-12-31; found {written!r}.")
        if not self.library.size:
            return Check((), day.isoformat(), (NO_ARTICLES,))

        def find(words: str) -> tuple[Passage, ...]:
            return tuple(hit.passage for hit in self.search(words, limit=self.settings.passages, where=where))

        total = len(sentences(text))
        found: list[Checked] = []
        models = self.models
        for each in check_text(
            text, find, models.parser, models.embedder, written=day, checker=models.checker
        ):
            if cancelled is not None and cancelled():
                raise CancelledError("The check was stopped.")
            found.append(each)
            if on_step is not None:
                on_step("check", len(found), total)
        return Check(tuple(found), day.isoformat())

    def doctor(self, *, rebuild: bool = False) -> tuple[Problem, ...]:
        """Return the laws that do not hold, after making every index anew when `rebuild` is set."""
        if rebuild:
            embedder = self.models.embedder
            self.library.rebuild(lambda texts: embedder.embed(texts, "passage"), embedder.fingerprint)
            if self._index is not None:
                self._index.rebuild()
        problems = self.library.check()
        return (*problems, *self.index.check()) if self.index is not None else tuple(problems)


__all__ = ["AddReport", "Draft", "Event", "Found", "Models", "Tearsheet"]


def _with_cited(hits: tuple[Hit, ...], answer: Answer) -> tuple[Hit, ...]:
    """Add what an answer cites from elsewhere: differences are looked for in whole articles."""
    cited = [citation for claim in answer.claims for citation in claim.citations]
    cited += [citation for side in answer.sides for citation in side.citations]
    for each in dict.fromkeys(cited):
        of_it = (hit.passage for hit in hits if hit.passage.article.id == each.article.id)
        if not any(passage.start < each.end and each.start < passage.end for passage in of_it):
            hits += (Hit(Passage(each.article, each.start, each.end), 0.0, (("cited", 1.0),)),)
    return hits

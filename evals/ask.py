"""Asks the product the cases of a suite, one at a time and always the same way; knows nothing of scores."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from evals.cases import Case, Corpus, Suite
from evals.corpus import article_files, plant_path
from evals.load import SuiteError
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.pipeline import Models, Tearsheet
    from rag.records import Answer, Hit

Record = dict[str, Any]
"""One line of `answers.jsonl`: `case`, and `answer` or `brief` (JSON contract) with `hits`, or `error`."""

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False"}
Progress = Callable[[int, int, str], None]
"""Called with cases done, cases in all, and the id of the one at hand."""


class Answerer(Protocol):
    """Anything that can be asked a case."""

    def __call__(self, case: Case) -> Record:
        """Return the record of the answer; an exception makes the case a failed one."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """The record of one case and how long it took."""

    record: Record
    seconds: float


def ask_all(
    answerer: Answerer, cases: Iterable[Case], *, on_progress: Progress | None = None
) -> Iterator[Asked]:
    """Ask each case in the order given; one that raises is a failed case, never a dropped one."""
    todo = list(cases)
    for done, case in enumerate(todo):
        if on_progress is not None:
            on_progress(done, len(todo), case.id)
        started = time.perf_counter()
        try:
            record = {"case": case.id} | answerer(case)
        except Exception as error:
            record = {"case": case.id, "error": f"{type(error).__name__}: {error}"}
        yield Asked(record, time.perf_counter() - started)
    if on_progress is not None:
        on_progress(len(todo), len(todo), "")


def in_order(cases: Iterable[Case]) -> list[Case]:
    """Return the cases by what is planted for them, then by id."""
    return sorted(cases, key=lambda case: (case.plant, case.id))


class Product:
    """The product over a fresh library of a suite's articles."""

    def __init__(self, suite: Suite, corpus: Corpus, folder: Path | None, tearsheet: Tearsheet) -> None:
        self._suite, self._corpus, self._folder = suite, corpus, folder or suite.corpus
        self._tearsheet = tearsheet
        self._planted: tuple[str, ...] = ()

    def __call__(self, case: Case) -> Record:
        self._plant(case.plant)
        if case.kind == "briefing":
            return self._brief(case)
        from rag.render import answer_to_json

        earlier: tuple[Answer, ...] = ()
        for question in case.after:
            earlier += (self._tearsheet.ask(question, as_of=case.as_of, conversation=earlier),)
        answer = self._tearsheet.ask(case.ask, as_of=case.as_of, conversation=earlier)
        return {"answer": timeless(answer_to_json(answer)), "hits": _spans(answer.hits)}

    def _brief(self, case: Case) -> Record:
        from rag.brief import WORDS
        from rag.render import brief_to_json

        words = case.shape.max_words or WORDS
        made = self._tearsheet.brief(case.ask, as_of=case.as_of, words=words)
        return {"brief": timeless(brief_to_json(made)), "hits": _spans(made.hits)}

    def _plant(self, plants: tuple[str, ...]) -> None:
        """Make the library hold the suite's articles and these hostile ones, and nothing else."""
        if plants == self._planted:
            return
        self._tearsheet.remove([self._corpus.plants[Path(name).stem].id for name in self._planted])
        self._planted = ()
        added = self._tearsheet.add([plant_path(self._suite, self._folder, name) for name in plants])
        self._planted = plants
        if added.unread:
            raise SuiteError(f"The plant {added.unread[0].path} cannot be added: {added.unread[0].reason}")

    def identity(self) -> dict[str, Any]:
        """Return what decides the answers: model, embedder, parser and the tier in force."""
        models, settings = self._tearsheet.models, self._tearsheet.settings
        generator = models.generator
        return {
            "model": {
                "name": generator.name if generator else "",
                "fingerprint": generator.fingerprint if generator else "",
                "tier": settings.tier if generator else "quote",
            },
            "embedder": models.embedder.fingerprint,
            **{name: value for name in ("reranker", "checker") if (value := getattr(settings, name))},
            "parser": models.parser.name,
            "passages": settings.passages,
            "threads": settings.threads,
        }


def _spans(hits: Iterable[Hit]) -> list[Record]:
    return [
        {"article": hit.passage.article.id, "start": hit.passage.start, "end": hit.passage.end}
        for hit in hits
    ]


def timeless(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the contract without what changes from run to run or from machine to machine."""

    def bare(value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, dict):
            kept = ((key, each) for key, each in value.items() if key not in {"seconds", "fetched"})
            return {key: Path(each).name if key == "path" else bare(each) for key, each in kept}
        return [bare(each) for each in value] if isinstance(value, list) else value

    found: dict[str, Any] = bare(answer)
    return found


@contextmanager
def open_product(
    suite: Suite,
    corpus: Corpus,
    settings: Settings,
    *,
    folder: Path | None = None,
    models: Models | None = None,
) -> Iterator[Product]:
    """Add the articles of the suite to a fresh library and yield the product over it, offline.

    The embedder and the parser of `models` are used again; its generator is not, as closing frees it.
    """
    from rag.pipeline import Models, Tearsheet

    for name, value in OFFLINE.items():
        os.environ.setdefault(name, value)
    with tempfile.TemporaryDirectory(prefix="tearsheet-evals-") as place, offline():
        settings = replace(settings, library=Path(place) / "library")
        given = Models(settings, embedder=models.embedder, parser=models.parser) if models else None
        with Tearsheet.open(settings, write=True, models=given) as tearsheet:
            added = tearsheet.add(list(article_files(suite, folder or suite.corpus).values()))
            if added.unread:
                raise SuiteError(f"The corpus cannot be added: {added.unread[0].reason}")
            yield Product(suite, corpus, folder, tearsheet)


# ---------------------------------------------------------------- nothing leaves the machine

_LOOPBACK = ("127.", "::1", "localhost")


class _Network:
    """Whether connections off this machine are refused; an audit hook can be added and never removed."""

    closed = False
    hooked = False


@contextmanager
def offline() -> Iterator[None]:
    """Refuse every connection that leaves this machine."""
    if not _Network.hooked:
        sys.addaudithook(refuse)
        _Network.hooked = True
    _Network.closed = True
    try:
        yield
    finally:
        _Network.closed = False


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise OSError when a connection leaves this machine while evals run; an audit hook."""
    if event != "socket.connect" or not _Network.closed:
        return
    address = arguments[1]
    if isinstance(address, tuple) and not str(address[0]).startswith(_LOOPBACK):
        raise OSError(f"An eval tried to reach {address[0]!r}; evals never leave the machine.")

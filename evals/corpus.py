"""The articles of a suite, and whether what its cases say of them is true."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from evals.cases import Case, Corpus, Fact, Suite
from evals.load import SuiteError
from evals.match import found
from rag.clean import decode
from rag.read import read_file
from rag.records import Article
from rag.text import normalise


def open_corpus(suite: Suite, folder: Path | None = None) -> Corpus:
    """Return the articles of `suite`, in `folder` when given.

    Raises SuiteError unless each key, and each planted file, is one article there.
    """
    folder = folder or suite.corpus
    articles: dict[str, Article] = {}
    for key, path in article_files(suite, folder).items():
        read = [article for article in read_file(path) if isinstance(article, Article)]
        if len(read) != 1:
            raise SuiteError(f"{suite.path}: {path} must hold one article; found {len(read)}.")
        articles[key] = read[0]
    plants: dict[str, Article] = {}
    for case in suite.cases:
        for name in case.plant:
            key = Path(name).stem
            if key in articles:
                raise SuiteError(f"{where(suite, case)}: the plant {name!r} has the name of an article.")
            if key not in plants:
                plants[key] = _plant(suite, case, folder, name)
    return Corpus(articles, plants)


def article_files(suite: Suite, folder: Path) -> dict[str, Path]:
    """Return the file of each article in `folder`, by key. Raises SuiteError unless there is exactly one."""
    files: dict[str, Path] = {}
    for key, names in suite.articles.items():
        here = [folder / name for name in names if (folder / name).is_file()]
        if len(here) != 1:
            raise SuiteError(
                f"{suite.path}: the article {key!r} must be one file of {folder}; "
                f"found {len(here)} of {', '.join(names)}. Correct [articles] or name another corpus."
            )
        files[key] = here[0]
    return files


def plant_path(suite: Suite, folder: Path, name: str) -> Path:
    """Return the planted file `name`: in `folder`, in the corpus of the suite, or beside the fact file."""
    places = (folder, suite.corpus, suite.path.parent)
    return next((place / name for place in places if (place / name).is_file()), folder / name)


def _plant(suite: Suite, case: Case, folder: Path, name: str) -> Article:
    path = plant_path(suite, folder, name)
    read = list(read_file(path))
    if len(read) == 1 and isinstance(read[0], Article):
        return read[0]
    raise SuiteError(f"{where(suite, case)}: the plant {name!r} must be one article of {folder}.")


def sha256_of(corpus: Corpus) -> str:
    """Return the hash of all articles and plants: their keys and texts."""
    everything = [*sorted(corpus.articles.items()), *sorted(corpus.plants.items())]
    digest = hashlib.sha256()
    for key, article in everything:
        digest.update(f"{key}\0{article.title}\0{article.published}\0{article.text}\0".encode())
    return digest.hexdigest()


def problems(suite: Suite, corpus: Corpus) -> tuple[str, ...]:
    """Return what in `suite` does not hold in the articles of `corpus`; empty when all is well."""
    return tuple(
        f"{where(suite, case)}: {problem}" for case in suite.cases for problem in _case_problems(case, corpus)
    )


def where(suite: Suite, case: Case) -> str:
    """Return the file, the line and the case for a message."""
    return f"{suite.path}:{case.line}: case {case.id!r}"


def _case_problems(case: Case, corpus: Corpus) -> Iterator[str]:
    for fact in case.facts:
        yield from _fact_problems(fact, corpus)
    for canary in case.canary:
        for key, article in corpus.articles.items():
            if canary.casefold() in f"{article.title}\n{article.text}\n{_raw(article)}".casefold():
                yield f"the canary {canary!r} stands in the clean article {key!r}. Choose a rarer one."
        planted = "".join(_raw(corpus.plants[Path(name).stem]) for name in case.plant)
        if canary.casefold() not in planted.casefold():
            yield f"the canary {canary!r} is in none of its plants ({', '.join(case.plant)})."


def _raw(article: Article) -> str:
    """Return the whole file, as a plant may hide what it says from a reader."""
    path = Path(article.path)
    return decode(path.read_bytes()) if path.is_file() else article.text


def _fact_problems(fact: Fact, corpus: Corpus) -> Iterator[str]:
    for key in fact.support:
        text, name = corpus.articles[key].text, Path(corpus.articles[key].path).name
        if fact.quote and normalise(fact.quote) not in normalise(text):
            yield f"the quote of {fact.id!r} is not in {name}: {fact.quote!r}."
        if not fact.derived and not found(fact.pattern, text):
            yield f"{name} does not state {fact.id!r}. Add an alias, correct `support`, or say derived."

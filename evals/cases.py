"""Loads a case file (TOML, schema 1) into typed records, and refuses what could not be scored honestly."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, cast, get_args

from evals.match import Amount, Pattern, found, has_date
from rag.errors import InputError
from rag.read import read_file
from rag.records import Article
from rag.text import normalise

SCHEMA = 1
LEAST_ALIAS = 3
"""Characters an alias needs: a shorter one hits by accident, so it must be a regex or a number."""

Class = Literal["answerable", "unanswerable", "conflict"]
Reason = Literal["absent", "false-premise", "future", "out-of-scope"]
Severity = Literal["fail", "block"]
T = TypeVar("T")


class SuiteError(InputError):
    """A case file or its corpus cannot be used; the message names the file, the line and the case."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something an answer must say: what to look for, and the articles (by key) that may support it."""

    id: str
    pattern: Pattern
    support: tuple[str, ...]
    quote: str = ""
    """Stands verbatim in every supporting article."""
    vital: bool = True
    derived: bool = False
    """Follows from the supporting articles without standing in them."""


@dataclass(frozen=True, slots=True)
class Ban:
    """Something an answer must not say."""

    id: str
    pattern: Pattern
    why: str
    severity: Severity = "fail"


@dataclass(frozen=True, slots=True)
class Case:
    """One question and what a right answer to it says. `facts` are the sides when the class is conflict."""

    id: str
    class_: Class
    ask: str
    facts: tuple[Fact, ...] = ()
    bans: tuple[Ban, ...] = ()
    forbid: tuple[str, ...] = ()
    """Articles that the answer must not cite."""
    near_miss: tuple[str, ...] = ()
    reason: Reason | None = None
    passing: tuple[str, ...] = ()
    """Answers, with citations as `[key]`, that must pass; the first one is the gold answer."""
    failing: tuple[str, ...] = ()
    cluster: str = ""
    as_of: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Suite:
    """The cases of one file and the articles that they name."""

    path: Path
    sha256: str
    corpus: str
    """The folder of articles used unless another is named, relative to the project."""
    articles: Mapping[str, tuple[str, ...]]
    """For each key, the name of its file in each corpus."""
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Corpus:
    """The articles of a suite in one folder, by key, read as the product reads them."""

    articles: Mapping[str, Article]

    @property
    def texts(self) -> dict[str, str]:
        return {key: article.text for key, article in self.articles.items()}

    def key_of(self, article_id: str) -> str:
        """Return the key of a stored article, or an empty text when the suite does not know it."""
        return next((key for key, article in self.articles.items() if article.id == article_id), "")

    def span(self, article_id: str, start: int, end: int) -> str:
        """Return `text[start:end]` of a stored article; empty when the suite does not know it."""
        key = self.key_of(article_id)
        return self.articles[key].text[start:end] if key else ""


# ---------------------------------------------------------------- reading tables


class _Table:
    """A TOML table from which every key must be taken; the place it stands in is for messages."""

    def __init__(self, values: object, where: str) -> None:
        if not isinstance(values, dict):
            raise SuiteError(f"{where} must be a table; found {values!r}.")
        self.left = dict(values)
        self.where = where

    def take(self, key: str, kind: type[T], default: T | None = None) -> T:
        if key not in self.left:
            if default is None:
                raise SuiteError(f"{self.where} lacks {key!r}. Add it.")
            return default
        value = self.left.pop(key)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise SuiteError(f"{self.where}: {key!r} must be {_KINDS[kind]}; found {value!r}.")
        return value

    def strings(self, key: str) -> tuple[str, ...]:
        values = self.take(key, list, [])
        if not all(isinstance(value, str) and value.strip() for value in values):
            raise SuiteError(f"{self.where}: {key!r} must be a list of texts; found {values!r}.")
        return tuple(values)

    def one_of(self, key: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        value = self.take(key, str, default)
        if value not in allowed:
            raise SuiteError(f"{self.where}: {key!r} must be one of {', '.join(allowed)}; found {value!r}.")
        return value

    def tables(self, key: str) -> Iterator[_Table]:
        for number, values in enumerate(self.take(key, list, []), start=1):
            yield _Table(values, f"{self.where}, {key} {number}")

    def done(self) -> None:
        if self.left:
            raise SuiteError(
                f"{self.where} has {min(self.left)!r}, which is no key here. Correct or remove it."
            )


_KINDS: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


def load_suite(path: Path) -> Suite:
    """Return the suite in `path`. Raises SuiteError naming the file, the line and the case."""
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8")
        top = _Table(tomllib.loads(text), str(path))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SuiteError(f"The case file {path} cannot be read: {error}.") from error
    if (schema := top.take("schema", int)) != SCHEMA:
        raise SuiteError(f"{path}: this version reads schema {SCHEMA}; found {schema}.")
    corpus, cluster, as_of = top.take("corpus", str), top.take("cluster", str, ""), top.take("as_of", str, "")
    manifest = _Table(top.take("articles", dict), f"{path}, articles")
    articles = {key: manifest.strings(key) for key in list(manifest.left)}
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if line.strip() == "[[case]]"]
    tables = top.take("case", list)
    top.done()
    cases: list[Case] = []
    for number, values in enumerate(tables):
        line = lines[number] if len(lines) == len(tables) else 0
        name = values.get("id") if isinstance(values, dict) else None
        table = _Table(values, f"{path}:{line}: case {name or number + 1!r}")
        case = _case(table, articles, cluster=cluster, as_of=as_of, line=line)
        if any(case.id == other.id for other in cases):
            raise SuiteError(f"{table.where}: the id is used twice. Choose another.")
        cases.append(case)
    return Suite(path, hashlib.sha256(raw).hexdigest(), corpus, articles, tuple(cases))


def _case(table: _Table, articles: Mapping[str, object], *, cluster: str, as_of: str, line: int) -> Case:
    class_ = cast("Class", table.one_of("class", get_args(Class)))
    table.one_of("kind", ("qa",), "qa")
    cites = _Table(table.take("cites", dict, {}), f"{table.where}, cites")
    probe = _Table(table.take("probe", dict, {}), f"{table.where}, probe")
    reason = table.one_of("reason", get_args(Reason)) if class_ == "unanswerable" else None
    facts = tuple(_fact(each) for each in table.tables("side" if class_ == "conflict" else "fact"))
    case = Case(
        id=table.take("id", str),
        class_=class_,
        ask=table.take("ask", str),
        facts=facts,
        bans=tuple(_ban(each) for each in table.tables("not")),
        forbid=cites.strings("forbid"),
        near_miss=table.strings("near_miss"),
        reason=cast("Reason | None", reason),
        passing=probe.strings("pass"),
        failing=probe.strings("fail"),
        cluster=table.take("cluster", str, cluster),
        as_of=table.take("as_of", str, as_of),
        line=line,
    )
    for each in (cites, probe, table):
        each.done()
    _check_shape(case, table.where)
    named = [key for fact in facts for key in fact.support] + [*case.forbid, *case.near_miss]
    if unknown := [key for key in named if key not in articles]:
        raise SuiteError(f"{table.where} names the article {unknown[0]!r}, which [articles] does not list.")
    return case


def _check_shape(case: Case, where: str) -> None:
    vital = [fact for fact in case.facts if fact.vital]
    names = [fact.id for fact in case.facts] + [ban.id for ban in case.bans]
    if twice := [name for name in names if names.count(name) > 1]:
        raise SuiteError(f"{where} uses the id {twice[0]!r} twice.")
    if case.class_ == "unanswerable" and case.facts:
        raise SuiteError(f"{where} is unanswerable and yet states a fact. Remove one of the two.")
    if case.class_ == "answerable" and not vital:
        raise SuiteError(f"{where} is answerable and states no vital fact. Add one.")
    if case.class_ == "conflict" and len(vital) < 2:
        raise SuiteError(f"{where} is a conflict and has {len(vital)} side(s). Give at least two.")


def _fact(table: _Table) -> Fact:
    fact = Fact(
        id=table.take("id", str),
        support=table.strings("support"),
        quote=table.take("quote", str, ""),
        vital=table.take("vital", bool, default=True),
        derived=table.take("derived", bool, default=False),
        pattern=_pattern(table),
    )
    table.done()
    if not fact.support:
        raise SuiteError(f"{table.where} names no supporting article. Add `support`.")
    return fact


def _ban(table: _Table) -> Ban:
    ban = Ban(
        id=table.take("id", str),
        why=table.take("why", str),
        severity=cast("Severity", table.one_of("severity", get_args(Severity), "fail")),
        pattern=_pattern(table),
    )
    table.done()
    return ban


def _pattern(table: _Table) -> Pattern:
    given = [key for key in ("any", "all", "regex", "number", "date") if key in table.left]
    if len(given) != 1:
        raise SuiteError(f"{table.where} must have one of any, all, regex, number, date; found {given}.")
    pattern = Pattern(
        any=table.strings("any"),
        all=table.strings("all"),
        regex=table.take("regex", str, ""),
        number=_amount(table) if "number" in table.left else None,
        date=table.take("date", str, ""),
    )
    if short := [alias for alias in pattern.any + pattern.all if len(normalise(alias)) < LEAST_ALIAS]:
        raise SuiteError(
            f"{table.where}: the alias {short[0]!r} is under {LEAST_ALIAS} characters. Use regex or number."
        )
    try:
        re.compile(pattern.regex)
        if pattern.date:
            has_date("", pattern.date)
    except (re.error, ValueError) as error:
        raise SuiteError(f"{table.where}: {given[0]!r} cannot be used: {error}.") from error
    if not any((pattern.any, pattern.all, pattern.regex, pattern.number, pattern.date)):
        raise SuiteError(f"{table.where}: {given[0]!r} is empty.")
    return pattern


def _amount(table: _Table) -> Amount:
    number = _Table(table.take("number", dict), f"{table.where}, number")
    amount = Amount(
        value=number.take("value", float),
        unit=number.take("unit", str, ""),
        abs=number.take("abs", float, 0.0),
        rel=number.take("rel", float, 0.0),
    )
    number.done()
    return amount


# ---------------------------------------------------------------- against the articles


def open_corpus(suite: Suite, folder: Path) -> Corpus:
    """Return the articles of `suite` in `folder`. Raises SuiteError unless each key is one article there."""
    articles: dict[str, Article] = {}
    for key, names in suite.articles.items():
        here = [folder / name for name in names if (folder / name).is_file()]
        read = [article for path in here for article in read_file(path) if isinstance(article, Article)]
        if len(read) != 1:
            raise SuiteError(
                f"{suite.path}: the article {key!r} must be one file of {folder}; "
                f"found {len(read)} of {', '.join(names)}. Correct [articles] or name another corpus."
            )
        articles[key] = read[0]
    return Corpus(articles)


def problems(suite: Suite, corpus: Corpus) -> tuple[str, ...]:
    """Return what in `suite` does not hold in the articles of `corpus`; empty when all is well."""
    return tuple(
        f"{suite.path}:{case.line}: case {case.id!r}: {problem}"
        for case in suite.cases
        for fact in case.facts
        for problem in _fact_problems(fact, corpus)
    )


def _fact_problems(fact: Fact, corpus: Corpus) -> Iterator[str]:
    for key in fact.support:
        text, name = corpus.articles[key].text, Path(corpus.articles[key].path).name
        if fact.quote and normalise(fact.quote) not in normalise(text):
            yield f"the quote of {fact.id!r} is not in {name}: {fact.quote!r}."
        if not fact.derived and not found(fact.pattern, text):
            yield f"{name} does not state {fact.id!r}. Add an alias, correct `support`, or say derived."

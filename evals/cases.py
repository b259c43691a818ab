"""The records of a fact file: what a case asks, what a right answer says, and the articles it is about.

The same fields make the TOML reader (`evals/load.py`) and the JSON Schema (`evals/schema.py`): in the
metadata of a field `key` is its name in the file (a dot goes one table down), `says` explains it to authors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from evals.match import Pattern
from rag.records import Article

SCHEMA = 1

Kind = Literal["qa", "briefing"]
Class = Literal["answerable", "unanswerable", "conflict", "injection"]
Reason = Literal["absent", "false-premise", "future", "out-of-scope"]
Severity = Literal["fail", "block"]


def _in_file(says: str, key: str = "", *, inline: bool = False) -> Mapping[str, object]:
    return {"says": says, "key": key, "inline": inline}


@dataclass(frozen=True, slots=True)
class Fact:
    """Something an answer must say: what to look for, and the articles (by key) that may support it."""

    id: str = field(metadata=_in_file("names the fact within its case"))
    pattern: Pattern = field(metadata=_in_file("how the fact is recognised", inline=True))
    support: tuple[str, ...] = field(
        metadata=_in_file("articles that say so; citing any one of them will do")
    )
    quote: str = field(default="", metadata=_in_file("words that stand in every supporting article"))
    vital: bool = field(
        default=True, metadata=_in_file("false: reported, and not needed for the case to pass")
    )
    derived: bool = field(
        default=False, metadata=_in_file("follows from the supporting articles without standing in them")
    )


@dataclass(frozen=True, slots=True)
class Ban:
    """Something an answer must not say."""

    id: str = field(metadata=_in_file("names the ban within its case"))
    pattern: Pattern = field(metadata=_in_file("how it is recognised", inline=True))
    why: str = field(metadata=_in_file("why it would be wrong, for the reader of a failure"))
    severity: Severity = field(
        default="fail", metadata=_in_file("block: no baseline can ever excuse an answer that says this")
    )


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of an answer or briefing; None means not asked for."""

    max_words: int | None = field(default=None, metadata=_in_file("words at most"))
    min_docs: int | None = field(default=None, metadata=_in_file("different articles cited, at least"))
    every_item_cited: bool = field(default=False, metadata=_in_file("every sentence or item has a citation"))


@dataclass(frozen=True, slots=True)
class Case:
    """One question and what a right answer to it says. `facts` are the sides when the class is conflict."""

    id: str = field(metadata=_in_file("never changed and never used again: the baseline joins on it"))
    class_: Class = field(
        metadata=_in_file("what a right answer does; a briefing needs none", "class"),
    )
    ask: str = field(metadata=_in_file("the question, or the topic of a briefing; a twin has its twin's"))
    facts: tuple[Fact, ...] = field(
        default=(), metadata=_in_file("what the answer says (`side` in a conflict)", "fact")
    )
    bans: tuple[Ban, ...] = field(default=(), metadata=_in_file("what the answer must not say", "not"))
    forbid: tuple[str, ...] = field(
        default=(), metadata=_in_file("articles that must not be cited", "cites.forbid")
    )
    near_miss: tuple[str, ...] = field(
        default=(), metadata=_in_file("articles that come close and do not answer")
    )
    reason: Reason | None = field(
        default=None, metadata=_in_file("why an unanswerable question has no answer")
    )
    passing: tuple[str, ...] = field(
        default=(),
        metadata=_in_file("answers that must pass, citing as [key]; the first is gold", "probe.pass"),
    )
    failing: tuple[str, ...] = field(default=(), metadata=_in_file("answers that must fail", "probe.fail"))
    cluster: str = field(
        default="", metadata=_in_file("cases that share articles, for intervals; the file may give it to all")
    )
    as_of: str = field(default="", metadata=_in_file("the day on which the question is asked, ISO"))
    kind: Kind = field(default="qa", metadata=_in_file("a question, or a briefing on a topic"))
    after: tuple[str, ...] = field(
        default=(), metadata=_in_file("the questions asked before this one in the conversation")
    )
    held: bool = field(default=False, metadata=_in_file("kept for releases; run only with --held"))
    twin: str = field(default="", metadata=_in_file("injection: the case whose question and facts it shares"))
    plant: tuple[str, ...] = field(
        default=(), metadata=_in_file("injection: hostile files added to the corpus for this case")
    )
    canary: tuple[str, ...] = field(
        default=(), metadata=_in_file("injection: texts of the plant that must appear nowhere in the output")
    )
    shape: Shape = field(default=Shape(), metadata=_in_file("the form of the answer"))
    under_attack: Class = "answerable"
    """The class of the twin of an injection case."""
    line: int = 0

    @property
    def like(self) -> Class:
        """What a right answer does: the class, or in an injection case that of its twin."""
        return self.under_attack if self.class_ == "injection" else self.class_

    @property
    def slice(self) -> str:
        """The row of the report that the case counts in."""
        return "briefing" if self.kind == "briefing" and self.class_ != "injection" else self.class_

    @property
    def vital(self) -> tuple[Fact, ...]:
        """The facts that the answer must state."""
        return tuple(fact for fact in self.facts if fact.vital)


@dataclass(frozen=True, slots=True)
class FactFile:
    """A fact file as it stands; one file is one suite."""

    schema: int = field(metadata=_in_file(f"the version of this format: {SCHEMA}"))
    corpus: str = field(
        metadata=_in_file("the folder of articles, looked for beside this file and in each folder above it")
    )
    cases: tuple[Case, ...] = field(default=(), metadata=_in_file("the cases", "case"))
    articles: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict,
        metadata=_in_file(
            "a short key for each article and its file name (or names, one for each corpus it may stand in); "
            "without it every file of the folder is an article and its name without the ending its key"
        ),
    )
    cluster: str = field(default="", metadata=_in_file("the cluster of cases that name none"))
    as_of: str = field(default="", metadata=_in_file("the day for cases that name none"))


@dataclass(frozen=True, slots=True)
class Suite:
    """The cases of one file, whole and checked, and the articles that they name."""

    path: Path
    sha256: str
    corpus: Path
    """The folder of articles used unless another is named."""
    articles: Mapping[str, tuple[str, ...]]
    """For each key, the name of its file in each corpus."""
    cases: tuple[Case, ...]

    @property
    def name(self) -> str:
        return self.path.stem


@dataclass(frozen=True, slots=True)
class Corpus:
    """The articles of a suite in one folder, by key, read as the product reads them."""

    articles: Mapping[str, Article]
    plants: Mapping[str, Article] = field(default_factory=dict)
    """The hostile articles of injection cases, by their path in the fact file."""

    @property
    def texts(self) -> dict[str, str]:
        """The text of each clean article, by key."""
        return {key: article.text for key, article in self.articles.items()}

    def article(self, key: str) -> Article | None:
        """Return the article or plant with this key."""
        return self.articles.get(key) or self.plants.get(key)

    def text(self, key: str) -> str:
        """Return the text of the article or plant with this key; empty when there is none."""
        article = self.article(key)
        return article.text if article else ""

    def key_of(self, article_id: str) -> str:
        """Return the key of a stored article, or an empty text when the suite does not know it."""
        return next((key for key, article in self._all() if article.id == article_id), "")

    def span(self, article_id: str, start: int, end: int) -> str:
        """Return `text[start:end]` of a stored article; empty when the suite does not know it."""
        return self.text(self.key_of(article_id))[start:end]

    def _all(self) -> Iterator[tuple[str, Article]]:
        yield from self.articles.items()
        yield from self.plants.items()

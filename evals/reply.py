"""An answer as the evals see it: read from the JSON contract, or from a line of text with citations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.cases import Case, Corpus
from evals.match import cited_sentences


@dataclass(frozen=True, slots=True)
class Quoted:
    """One citation: a quoted span of an article. `key` is empty when the suite does not know the article."""

    key: str
    article: str
    start: int
    end: int
    quote: str
    n: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of an answer, without markers, and what it cites."""

    text: str
    quoted: tuple[Quoted, ...]
    by: str = "source"

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(quoted.key for quoted in self.quoted if quoted.key)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, ready to be scored."""

    status: str
    text: str
    """The whole visible answer, with its markers."""
    said: tuple[Said, ...]
    """Its sentences."""
    sides: tuple[Said, ...] = ()
    """The values shown as disagreeing."""
    nearest: tuple[Quoted, ...] = ()
    rejected: int = 0
    """Sentences of the model that verification did not let through."""
    seconds: float = 0.0
    found: tuple[tuple[str, str], ...] = ()
    """Key and text of each passage that retrieval handed on."""

    @property
    def all_said(self) -> tuple[Said, ...]:
        return self.said + self.sides


def reply_from_json(record: Mapping[str, Any], corpus: Corpus) -> Reply:
    """Return the reply in a saved record: the JSON contract as `answer`, the spans of `hits`, and `seconds`.

    Raises KeyError when the contract is broken.
    """
    answer = record["answer"]

    def quoted(entries: Sequence[Mapping[str, Any]]) -> tuple[Quoted, ...]:
        return tuple(
            Quoted(
                key=corpus.key_of(each["article"]),
                article=each["article"],
                start=each["start"],
                end=each["end"],
                quote=each["quote"],
                n=each["n"],
            )
            for each in entries
        )

    return Reply(
        status=answer["status"],
        text=answer["answer"],
        said=tuple(Said(each["text"], quoted(each["citations"]), each["by"]) for each in answer["claims"]),
        sides=tuple(Said(each["value"], quoted(each["citations"])) for each in answer["sides"]),
        nearest=quoted(answer["nearest"]),
        rejected=len(answer.get("rejected", ())),
        seconds=float(record["seconds"]),
        found=tuple(
            (corpus.key_of(hit["article"]), corpus.span(hit["article"], hit["start"], hit["end"]))
            for hit in record["hits"]
        ),
    )


def reply_from_text(text: str, case: Case, corpus: Corpus) -> Reply:
    """Return the reply that a probe stands for, with the status its case hopes for; it cites by key."""
    said = tuple(
        Said(sentence.text, tuple(Quoted(name, name, 0, 0, "") for name in sentence.names))
        for sentence in cited_sentences(text, corpus.articles)
    )
    hoped = "conflict" if case.class_ == "conflict" else "answered"
    return Reply(status=hoped if said else "refused", text=text, said=said)

"""An answer as the evals see it: read from the JSON contract, or from a line of text with citations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.cases import Case, Class, Corpus
from evals.match import cited_sentences

HOPED: dict[Class, str] = {"answerable": "answered", "conflict": "conflict", "unanswerable": "refused"}
"""The status that a right answer has."""


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
class Passed:
    """A passage that retrieval handed on."""

    key: str
    text: str
    article: str = ""
    start: int = 0
    end: int = 0


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
    rejected: tuple[str, ...] = ()
    """Sentences of the model that verification did not let through."""
    seconds: float = 0.0
    found: tuple[Passed, ...] = ()
    """The passages that retrieval handed on."""
    shown: tuple[str, ...] = ()
    """Every other text of the output: titles and outlets of what is cited, short answer, notes, headings."""
    confidence: float | None = None

    @property
    def all_said(self) -> tuple[Said, ...]:
        return self.said + self.sides

    @property
    def all_quoted(self) -> tuple[Quoted, ...]:
        return tuple(quoted for said in self.all_said for quoted in said.quoted) + self.nearest

    @property
    def output(self) -> str:
        """Everything a reader or a program is given, except what was rejected."""
        texts = [self.text, *(said.text for said in self.all_said), *(each.quote for each in self.all_quoted)]
        return "\n".join([*texts, *self.shown])

    @property
    def words(self) -> int:
        """Words of the claims and sides together."""
        return sum(len(said.text.split()) for said in self.all_said)


def reply_from_json(record: Mapping[str, Any], corpus: Corpus) -> Reply:
    """Return the reply in a saved record: the JSON contract as `answer` or `brief`, and the spans of `hits`.

    Raises KeyError when the contract is broken.
    """
    answer = record["brief"] if "brief" in record else record["answer"]

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

    def sides(entries: Sequence[Mapping[str, Any]]) -> tuple[Said, ...]:
        return tuple(Said(each["value"], quoted(each["citations"])) for each in entries)

    claims = _brief_claims(answer) if "brief" in record else answer["claims"]
    told = tuple(Said(each["text"], quoted(each["citations"]), each.get("by", "source")) for each in claims)
    differing = answer.get("disagreements", ()) if "brief" in record else [answer]
    text = answer["answer"] if "answer" in answer else " ".join(said.text for said in told)
    return Reply(
        status="answered" if "brief" in record and told else answer.get("status", "refused"),
        text=text,
        said=told,
        sides=tuple(side for each in differing for side in sides(each["sides"])),
        nearest=quoted(answer.get("nearest", ())),
        rejected=tuple(each["text"] for each in answer.get("rejected", ())),
        seconds=float(record.get("seconds", 0.0)),
        found=tuple(
            Passed(
                corpus.key_of(hit["article"]),
                corpus.span(hit["article"], hit["start"], hit["end"]),
                hit["article"],
                hit["start"],
                hit["end"],
            )
            for hit in record["hits"]
        ),
        shown=tuple(_shown(answer)),
        confidence=answer.get("confidence"),
    )


def _brief_claims(brief: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    sections = [claim for section in brief["sections"] for claim in section["claims"]]
    return sections + [entry["claim"] for entry in brief.get("timeline", ())]


def _shown(answer: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield the texts of a contract, except the question, the places of files and what was rejected."""
    if isinstance(answer, Mapping):
        for key, value in answer.items():
            if key not in {"question", "topic", "path", "article", "url", "rejected"}:
                yield from _shown(value)
    elif isinstance(answer, str):
        yield answer
    elif isinstance(answer, Sequence):
        for each in answer:
            yield from _shown(each)


def reply_from_text(text: str, case: Case, corpus: Corpus) -> Reply:
    """Return the reply that a probe stands for, with the status its case hopes for; it cites by key."""
    known = {*corpus.articles, *corpus.plants}
    said = tuple(
        Said(sentence.text, tuple(whole_article(name, corpus) for name in sentence.names))
        for sentence in cited_sentences(text, known)
    )
    hoped = "conflict" if case.like == "conflict" else "answered"
    return Reply(status=hoped if said else "refused", text=text, said=said)


def whole_article(key: str, corpus: Corpus) -> Quoted:
    """Return the citation of a whole article; of nothing when the corpus has no such article."""
    article, text = corpus.article(key), corpus.text(key)
    return Quoted(key, article.id if article else key, 0, len(text), text)

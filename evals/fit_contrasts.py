"""Sentences with questions that they answer and such as they nearly answer, as the reader is given them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.fit_questions import QUESTIONS
from rag.prompts import read_prompt
from rag.text import content_words, sentences

WRONG = 0.5
"""What a question of ours that is not answered counts, of which there are twice as many."""
HELD = 10
"""Every so many-th sentence of ours is left out of what is fitted, and measured."""
ASKED = "\nQuestion:"
FILES = {"contrasts.jsonl": "news", "contrasts_later.jsonl": "later"}


@dataclass(frozen=True, slots=True)
class Contrast:
    """A sentence with what stands before it, as the reader is given it, and questions on it."""

    passage: str
    asked: tuple[tuple[str, bool, float], ...]
    """Question, whether the sentence answers it, and what that counts."""
    kind: str

    def readings(self) -> Iterator[tuple[str, bool]]:
        """Yield each question as the reader is asked it, with whether it is answered."""
        for text, right, _ in self.asked:
            yield f"{self.passage} {text}\nAnswer:", right


def contrasts(news: Path, corpus: Path) -> tuple[list[Contrast], list[Contrast]]:
    """Return ours, those that are fitted on and those that are left out."""
    ours = [one for name, kind in FILES.items() for one in _ours(name, news, corpus, kind)]
    return [one for place, one in enumerate(ours) if place % HELD], ours[::HELD]


def _ours(name: str, news: Path, corpus: Path, kind: str) -> Iterator[Contrast]:
    """The sentences of a file of `evals/fitting`, each with the questions written on it."""
    articles = {row["id"]: row for row in map(json.loads, news.read_text("utf-8").splitlines())}
    for path in sorted(corpus.glob("*.txt")):
        articles[path.name[:3]] = {"text": path.read_text("utf-8").strip(), "title": ""}
    for line in (QUESTIONS / name).read_text("utf-8").splitlines():
        row = json.loads(line)
        article = articles[row["article"]]
        asked = [(text, True, 1.0) for text in row["yes"]] + [(text, False, WRONG) for text in row["no"]]
        passage = _passage(article.get("title", ""), article["text"], row["start"])
        yield Contrast(passage, tuple(asked), "reports" if len(row["article"]) == 3 else kind)


def squad_contrasts(path: Path, which: slice, *, easy: bool) -> Iterator[Contrast]:
    """The sentences that answer, and those that an unanswerable question tempts with.

    With `easy` an answerable question is asked of the other sentence that shares most words with it as well.
    """
    for entry in json.loads(path.read_text("utf-8"))["data"][which]:
        for block in entry["paragraphs"]:
            text = block["context"].replace("\n", " ")
            found: dict[int, list[tuple[str, bool, float]]] = {}
            starts = [start for start, _ in sentences(text)]

            def home(at: int, starts: list[int] = starts) -> int:
                return max(start for start in starts if start <= at)

            for question in block["qas"]:
                words = question["question"].strip()
                spans = question["answers"] or question["plausible_answers"]
                places = {home(span["answer_start"]) for span in spans}
                answers = bool(question["answers"])
                found.setdefault(min(places), []).append((words, answers, 1.0))
                if answers and easy and (rest := [place for place in starts if place not in places]):
                    found.setdefault(_nearest(words, text, rest), []).append((words, False, WRONG))
            for start, asked in found.items():
                title = entry["title"].replace("_", " ")
                yield Contrast(_passage(title, text, start), tuple(asked), "SQuAD")


def _nearest(question: str, text: str, starts: Sequence[int]) -> int:
    asked = set(content_words(question))
    ends = dict(sentences(text))
    return max(starts, key=lambda start: len(asked & set(content_words(text[start : ends[start]]))))


def _passage(title: str, text: str, start: int) -> str:
    """Return what the reader is given before the question, of the sentence that starts there."""
    spans = list(sentences(text))
    place = next(i for i, (first, _) in enumerate(spans) if first == start)
    before = text[slice(*spans[place - 1])] if place else ""
    return read_prompt("", title, before, text[slice(*spans[place])]).partition(ASKED)[0] + ASKED

"""The questions that evidence and confidence are fitted on, asked as the product asks them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.cases import Case, Suite
from evals.corpus import open_corpus
from evals.load import load_suite
from evals.match import found
from models.protocols import Embedder, Parse, Parser, Tokens
from rag.evidence import Evidence, weigh
from rag.gather import Sentence, gather
from rag.question import Question, read_question
from rag.records import Article, Hit, Passage
from rag.retrieve import fuse
from rag.text import content_words, normalise, sentences, words

QUESTIONS = Path(__file__).parent / "fitting"
CASES = Path(__file__).parent / "cases"
PASSAGE_WORDS = 120
FOUND = 10
DEEP = 60
OTHERS = 120
"""Articles without a question that are searched as well."""
LENGTH = 6000
"""Characters from which such an article is too long to be worth its time."""
OURS = 3.0
"""Weight of a question on news, beside one of SQuAD."""
TAUGHT = 4
"""Articles of SQuAD that the reader's adapter is fitted on: what the reader says of them proves nothing."""
LONG = 12
"""Words from which a span that holds the fact of a case is no short answer."""

Array = NDArray[np.float32]
Holds = Callable[[Sentence], bool]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, everything that could answer it, and what does."""

    group: str
    """Questions of one group are never split over two folds."""
    question: Question
    answerable: bool
    pairs: tuple[Evidence, ...]
    right: NDArray[np.bool_]
    """Whether the pair's sentence states the answer."""
    f1: Array
    """Overlap of the pair's span with the answer."""
    weight: float
    elsewhere: bool = False
    """Whether it was asked of other articles than the one it was written on."""


class Remembered:
    """An embedder and a parser that work on no text twice: the same passages are found again and again."""

    def __init__(self, embedder: Embedder, parser: Parser) -> None:
        self.name = parser.name
        self.fingerprint, self.dimensions, self.window = (
            embedder.fingerprint, embedder.dimensions, embedder.window,
        )  # fmt: skip
        self._embedder, self._parser = embedder, parser
        self.embed, self.count_tokens = embedder.embed, embedder.count_tokens
        self._tokens: dict[str, Tokens] = {}
        self._parses: dict[str, Parse] = {}

    def embed_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        new = [text for text in dict.fromkeys(texts) if text not in self._tokens]
        self._tokens.update(zip(new, self._embedder.embed_tokens(new), strict=True))
        return [self._tokens[text] for text in texts]

    def parse(self, texts: Sequence[str]) -> list[Parse]:
        new = [text for text in dict.fromkeys(texts) if text not in self._parses]
        self._parses.update(zip(new, self._parser.parse(new), strict=True))
        return [self._parses[text] for text in texts]


class Pool:
    """Passages of some articles, searched as the product does: words and meaning, fused by rank."""

    def __init__(self, passages: Sequence[Passage], embedder: Embedder) -> None:
        self.passages = passages
        self._embedder = embedder
        self._vectors = embedder.embed([passage.text for passage in passages], "document")
        self._words = [Counter(content_words(passage.text)) for passage in passages]
        counts = Counter(word for held in self._words for word in held)
        self._rarity = {word: np.log(1 + len(passages) / count) for word, count in counts.items()}

    def search(self, question: str, without: Collection[str] = ()) -> list[Hit]:
        """Return the passages found, none of them of the articles `without`."""
        asked = set(content_words(question))
        lexical = np.array(
            [
                sum(self._rarity[w] * held[w] / (held[w] + 1.2) for w in asked if w in held)
                for held in self._words
            ]
        )
        dense = self._vectors @ self._embedder.embed([question], "query")[0]
        kept = np.array([passage.article.id not in without for passage in self.passages])
        order = [np.argsort(-leg, kind="stable") for leg in (dense, lexical)]
        legs = [ranked[kept[ranked]][:DEEP].tolist() for ranked in order]
        return [Hit(self.passages[i], score) for i, score in list(fuse(legs).items())[:FOUND]]


def read_questions(
    squad: Path, news: Path, corpus: Path, embedder: Embedder, parser: Parser, *, most: int
) -> list[Asked]:
    """Return every question with what was found for it; at most `most` of each set."""
    tools = Remembered(embedder, parser)
    return [
        *_squad(squad, tools, tools, most=most),
        *_ours(QUESTIONS / "seeds.jsonl", _folder(corpus), tools, tools, most=most),
        *_ours(QUESTIONS / "news.jsonl", _lines(news), tools, tools, most=most),
        *_natural(QUESTIONS / "natural.jsonl", news, tools, tools, most=most),
        *_open_cases(tools, tools, corpus, most=most),
    ]


def _squad(path: Path, embedder: Embedder, parser: Parser, *, most: int) -> Iterator[Asked]:
    passages: list[Passage] = []
    listed: list[tuple[str, str, list[tuple[str, int]]]] = []
    for number, entry in enumerate(json.loads(path.read_text("utf-8"))["data"]):
        blocks = [block["context"].replace("\n", " ") for block in entry["paragraphs"]]
        article = Article(f"squad{number}", "\n".join(blocks), title=entry["title"].replace("_", " "))
        start = 0
        for block, given in zip(blocks, entry["paragraphs"], strict=True):
            passages.append(Passage(article, start, start + len(block)))
            for question in given["qas"]:
                spans = [(a["text"], start + a["answer_start"]) for a in question["answers"]]
                listed.append((article.id, question["question"].strip(), spans))
            start += len(block) + 1
    pool = Pool(passages, embedder)
    for home, text, spans in listed[:most]:

        def holds(sentence: Sentence, home: str = home, spans: list[tuple[str, int]] = spans) -> bool:
            inside = any(sentence.start <= at < sentence.end for _, at in spans)
            return sentence.article.id == home and inside

        answers = [answer for answer, _ in spans]
        yield _ask(home, text, answers, holds, pool, (embedder, parser), weight=1.0)


def _ours(
    path: Path, articles: Sequence[Article], embedder: Embedder, parser: Parser, *, most: int
) -> Iterator[Asked]:
    pool = Pool([passage for article in articles for passage in _passages(article)], embedder)
    for line in path.read_text("utf-8").splitlines()[:most]:
        row = json.loads(line)
        answers, support = row.get("any") or [], set(row.get("support") or [])

        def holds(sentence: Sentence, answers: list[str] = answers, support: set[str] = support) -> bool:
            low = normalise(sentence.text)
            said = any(re.search(rf"(?<!\w){re.escape(normalise(answer))}(?!\w)", low) for answer in answers)
            return sentence.article.id in support and said

        group = f"{path.stem}-{row['id']}"
        yield _ask(group, row["ask"], answers, holds, pool, (embedder, parser), weight=OURS)
        if path.stem == "news" and answers:
            yield from _elsewhere(group, row["ask"], answers, support, pool, (embedder, parser))


def _natural(path: Path, news: Path, embedder: Embedder, parser: Parser, *, most: int) -> Iterator[Asked]:
    """Questions with the place in the article where the sentence that answers says so."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    wanted = {id_ for row in rows for id_ in (*row["support"], row.get("about"))}
    listed = [json.loads(line) for line in news.read_text("utf-8").splitlines()]
    others = [row for row in listed if row["id"] not in wanted and len(row["text"]) < LENGTH][:OTHERS]
    chosen = [*(row for row in listed if row["id"] in wanted), *others]
    articles = [Article(row["id"], row["text"], title=row.get("title", "")) for row in chosen]
    pool = Pool([passage for article in articles for passage in _passages(article)], embedder)
    for row in rows[:most]:

        def holds(sentence: Sentence, row: dict[str, Any] = row) -> bool:
            return sentence.article.id in row["support"] and sentence.start <= row["at"] < sentence.end

        about = row["support"][0] if row["support"] else row["about"]
        yield _ask(
            f"{path.stem}-{about}",
            row["ask"],
            row.get("any", []),
            holds,
            pool,
            (embedder, parser),
            weight=OURS,
        )
        if row["support"]:
            tools = (embedder, parser)
            yield from _elsewhere(f"{path.stem}-{about}", row["ask"], row["any"], row["support"], pool, tools)


def _elsewhere(
    group: str,
    text: str,
    answers: Sequence[str],
    support: Collection[str],
    pool: Pool,
    tools: tuple[Embedder, Parser],
) -> Iterator[Asked]:
    """A question asked of the other articles, which do not answer it, unless one of them has the answer."""
    question = read_question(text, tools[1])
    hits = pool.search(text, without=support)
    said = normalise(" ".join(hit.passage.text for hit in hits))
    if any(normalise(answer) in said for answer in answers):
        return
    pairs = weigh(question, gather(question, hits, *tools))
    nothing = np.zeros(len(pairs), np.float32)
    yield Asked(
        group, question, answerable=False, pairs=pairs, right=nothing.astype(bool), f1=nothing, weight=OURS,
        elsewhere=True,
    )  # fmt: skip


def _open_cases(embedder: Embedder, parser: Parser, reports: Path, *, most: int) -> Iterator[Asked]:
    """The cases that are not held; those on the seeds are asked of the retold reports as well."""
    for path in sorted(CASES.glob("*.toml")):
        for folder in (None, reports) if path.stem == "seeds" else (None,):
            yield from _cases(load_suite(path), folder, (embedder, parser), most=most)


def _cases(
    suite: Suite, folder: Path | None, tools: tuple[Embedder, Parser], *, most: int
) -> Iterator[Asked]:
    corpus = open_corpus(suite, folder)
    keys = {article.id: key for key, article in corpus.articles.items()}
    pool = Pool([p for article in corpus.articles.values() for p in _passages(article)], tools[0])
    plain = [
        c for c in suite.cases if c.slice in {"answerable", "unanswerable"} and not c.held | bool(c.after)
    ]
    for case in plain[:most]:

        def holds(sentence: Sentence, case: Case = case, keys: dict[str, str] = keys) -> bool:
            return any(
                keys[sentence.article.id] in fact.support and found(fact.pattern, sentence.text)
                for fact in case.vital
            )

        def states(short: str, case: Case = case) -> bool:
            return len(short.split()) <= LONG and any(found(fact.pattern, short) for fact in case.vital)

        answers = [case.id] if case.class_ == "answerable" else []
        yield _ask(
            f"cases-{case.id}", case.ask, answers, holds, pool, tools,
            weight=OURS, states=states,
        )  # fmt: skip


def _ask(
    group: str,
    text: str,
    answers: Sequence[str],
    holds: Holds,
    pool: Pool,
    tools: tuple[Embedder, Parser],
    *,
    weight: float,
    states: Callable[[str], bool] = lambda short: False,
) -> Asked:
    """`states` says of a span what no list of answers can: that it holds the number or date asked for."""
    question = read_question(text, tools[1])
    pairs = weigh(question, gather(question, pool.search(text), *tools))
    right = np.array([bool(answers) and holds(pair.sentence) for pair in pairs], bool)
    overlap = [
        r * max((f1(pair.short, a) for a in answers), default=0.0) if not states(pair.short) else r * 1.0
        for pair, r in zip(pairs, right, strict=True)
    ]
    return Asked(group, question, bool(answers), pairs, right, np.array(overlap, np.float32), weight)


def f1(left: str, right: str) -> float:
    """Return the overlap of two answers in words, as SQuAD counts it: 0 to 1, articles left out."""
    ours = Counter(word for word in words(left) if word not in {"a", "an", "the"})
    theirs = Counter(word for word in words(right) if word not in {"a", "an", "the"})
    shared = sum((ours & theirs).values())
    return 2 * shared / (ours.total() + theirs.total()) if shared else 0.0


def _passages(article: Article) -> Iterator[Passage]:
    first, length, last = -1, 0, 0
    for start, end in sentences(article.text):
        count = len(article.text[start:end].split())
        if first >= 0 and length + count > PASSAGE_WORDS:
            yield Passage(article, first, last)
            first, length = -1, 0
        first, length, last = (start if first < 0 else first), length + count, end
    if first >= 0:
        yield Passage(article, first, last)


def _folder(folder: Path) -> list[Article]:
    return [Article(path.name[:3], path.read_text("utf-8").strip()) for path in sorted(folder.glob("*.txt"))]


def _lines(path: Path) -> list[Article]:
    wanted = {
        article
        for line in (QUESTIONS / "news.jsonl").read_text("utf-8").splitlines()
        for article in json.loads(line).get("support") or []
    }
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    others = [row for row in rows if row["id"] not in wanted and len(row["text"]) < 4000][:90]
    chosen = [row for row in rows if row["id"] in wanted] + others
    return [Article(row["id"], row["text"], title=row.get("title", "")) for row in chosen]

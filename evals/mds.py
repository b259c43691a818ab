"""Extractive briefings and attribution against written summaries of several reports (Multi-News clusters)."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.attribute import count_words, rank_sources
from models.protocols import Embedder, Parser
from rag.lines import Writer
from rag.points import Chooser, Pool
from rag.records import Article
from rag.statements import gather_statements
from rag.telling import Telling
from rag.text import STOPWORDS, sentences, words

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Reports of one event, the summary written of them, and the sentences it was written from."""

    articles: tuple[Article, ...]
    summary: str
    sources: tuple[tuple[str, frozenset[tuple[int, int]]], ...]
    """Each sentence of the summary with the (article, start) of every sentence it comes from."""
    source_sentences: tuple[tuple[int, int, str], ...]
    """Every sentence of the reports: article, start, text."""


def read_clusters(path: Path) -> list[Cluster]:
    """Return the clusters of a file in the form of Attribute First, then Generate."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        names = [each["documentFile"] for each in row["documents"]]
        texts = ["".join(each["documentText"]) for each in row["documents"]]
        listed = [
            (n, start, sentence)
            for n, each in enumerate(row["documents"])
            for start, sentence in _starts(each["documentText"])
        ]
        gold: dict[str, set[tuple[int, int]]] = {}
        for mark in row["set_of_highlights_in_context"]:
            place = (names.index(mark["documentFile"]), int(mark["docSentCharIdx"]))
            gold.setdefault(mark["scuSentence"], set()).add(place)
        articles = tuple(Article(id=f"{n:016x}", text=text, title=text[:60]) for n, text in enumerate(texts))
        marked = tuple((said, frozenset(places)) for said, places in gold.items())
        found.append(Cluster(articles, row["response"], marked, tuple(listed)))
    return found


def _starts(parts: Sequence[str]) -> Iterator[tuple[int, str]]:
    at = 0
    for part in parts:
        yield at, part
        at += len(part)


# ---------------------------------------------------------------- attribution


def attribution(
    clusters: Sequence[Cluster], embedder: Embedder, *, lexical: bool = False
) -> tuple[int, int, int]:
    """Return how many summary sentences have a gold source first, among the first three, and in all."""
    first = third = total = 0
    for cluster in clusters:
        texts = [text for _, _, text in cluster.source_sentences]
        places = [(n, start) for n, start, _ in cluster.source_sentences]
        rows = embedder.embed([*texts, *(said for said, _ in cluster.sources)], "document")
        rarity = count_words(texts)
        for number, (said, gold) in enumerate(cluster.sources):
            vector = rows[len(texts) + number] * (0.0 if lexical else 1.0)
            ranked = [places[i] for i in rank_sources(said, vector, texts, rows[: len(texts)], rarity)[:3]]
            first += ranked[0] in gold
            third += any(place in gold for place in ranked)
            total += 1
    return first, third, total


# ---------------------------------------------------------------- ROUGE


def rouge(n: int, made: str, written: str) -> float:
    """Return ROUGE-n as F1: the n-grams of lower-cased words that both texts hold (Lin, 2004), unstemmed."""
    ours, theirs = (Counter(_grams(text, n)) for text in (made, written))
    both = sum((ours & theirs).values())
    if not both:
        return 0.0
    precision, recall = both / sum(ours.values()), both / sum(theirs.values())
    return 2 * precision * recall / (precision + recall)


def _grams(text: str, n: int) -> list[tuple[str, ...]]:
    said = re.findall(r"[a-z0-9]+", text.casefold())
    return list(zip(*(said[i:] for i in range(n)), strict=False))


# ---------------------------------------------------------------- summarisers at equal length

Pick = Callable[[Sequence[str], Floats, Sequence[int]], list[int]]
"""Sentences, their unit vectors and their places in their reports -> the order in which to take them."""


def lead(texts: Sequence[str], rows: Floats, places: Sequence[int]) -> list[int]:
    """The first three sentences of each report, then the next, as they stand."""
    del rows
    return sorted(range(len(texts)), key=lambda i: (places[i] // 3, i))


def textrank(texts: Sequence[str], rows: Floats, places: Sequence[int]) -> list[int]:
    """PageRank over the words that sentences share (Mihalcea and Tarau, 2004)."""
    del rows, places
    bags = [set(words(text)) - STOPWORDS for text in texts]
    graph = np.zeros((len(texts), len(texts)))
    for i, a in enumerate(bags):
        for j, b in enumerate(bags[:i]):
            if len(a) > 1 and len(b) > 1:
                graph[i, j] = graph[j, i] = len(a & b) / (math.log(len(a)) + math.log(len(b)))
    sums = graph.sum(axis=0)
    steps = graph / np.where(sums, sums, 1)
    rank = np.full(len(texts), 1 / len(texts))
    for _ in range(50):
        rank = 0.15 / len(texts) + 0.85 * steps @ rank
    return list(map(int, np.argsort(-rank)))


def centroid(texts: Sequence[str], rows: Floats, places: Sequence[int]) -> list[int]:
    """Nearest to the mean of all sentences (Radev, 2004), with MiniLM's vectors."""
    del texts, places
    return list(map(int, np.argsort(-(rows @ rows.mean(axis=0)))))


def mmr(texts: Sequence[str], rows: Floats, places: Sequence[int], *, weight: float = 0.7) -> list[int]:
    """Nearest to the mean and far from what was taken (Carbonell and Goldstein, 1998)."""
    del places
    near = rows @ rows.mean(axis=0)
    order: list[int] = []
    while len(order) < min(len(texts), 40):
        taken = (rows @ rows[order].T).max(axis=1) if order else np.zeros(len(texts))
        scores = weight * near - (1 - weight) * taken
        scores[order] = -np.inf
        order.append(int(np.argmax(scores)))
    return order


BASELINES: dict[str, Pick] = {"lead-3": lead, "TextRank": textrank, "centroid": centroid, "MMR": mmr}


def cut_to(texts: Sequence[str], length: int) -> str:
    """Return the texts joined, of exactly `length` words where they hold that many."""
    return " ".join(" ".join(texts).split()[:length])


def summarise(cluster: Cluster, embedder: Embedder, parser: Parser) -> dict[str, str]:
    """Return the extract of each baseline and of a briefing's key points, as long as the written summary."""
    length = len(cluster.summary.split())
    listed = [
        (article.text[start:end].replace("\n", " "), place)
        for article in cluster.articles
        for place, (start, end) in enumerate(sentences(article.text))
        if len(article.text[start:end].split()) > 4
    ]
    texts, places = [text for text, _ in listed], [place for _, place in listed]
    rows = np.asarray(embedder.embed(texts, "document"), np.float64)
    made = {
        name: cut_to([texts[i] for i in pick(texts, rows, places)], length)
        for name, pick in BASELINES.items()
    }
    return made | {"briefing": extract(cluster, embedder, parser, length)}


def extract(cluster: Cluster, embedder: Embedder, parser: Parser, length: int) -> str:
    """Return a briefing's key points on the cluster, in `length` words."""
    topic = " ".join(article.text[slice(*sentences(article.text)[0])] for article in cluster.articles)[:400]
    pool = Pool(gather_statements(topic, cluster.articles, embedder, parser))
    writer = Writer(pool, Chooser(pool), parser, length)
    telling = Telling(pool.statements, (), writer, dates=False)
    telling.tell(length + 25)
    return cut_to([point.claim.text for point in telling.key_points()], length)

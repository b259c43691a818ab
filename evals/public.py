"""Public question sets from files on this machine, asked of the product and scored by their own definitions.

The sets: SQuAD 2.0 (JSON), RealTimeQA (articles and questions, JSON lines), RAMDocs and WiCE (JSON lines),
MultiHop-RAG (corpus.json and MultiHopRAG.json), ALCE (JSON with `qa_pairs` and `docs`), DiverseSumm (JSON of
events). None is shipped. What needs a large judge (ALCE's citations, DiverseSumm's coverage) is left out.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from evals.ask import Progress, offline
from evals.official import Outcome, alce, diversesumm, multihop, ramdocs, realtimeqa, squad, wice
from evals.official import Scored as Scored
from rag.errors import InputError
from rag.records import Article, Care, Passage
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.pipeline import Tearsheet

Each = TypeVar("Each")

ALCE_DOCS = 5
"""Passages of each ALCE question that are used, as in its main setting."""


@dataclass(frozen=True, slots=True)
class Text:
    """An article of a public set."""

    id: str
    text: str
    title: str = ""
    source: str = ""
    published: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A question (or claim) of a public set, with whatever its own scorer needs as `gold`."""

    question: str
    gold: dict[str, Any]
    texts: tuple[Text, ...] = ()
    """Its own articles; empty when all questions share those of the set."""


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A loaded set."""

    items: tuple[Item, ...]
    texts: tuple[Text, ...] = field(default=())


# ---------------------------------------------------------------- the files


def load_squad(paths: Sequence[Path]) -> PublicSet:
    """Read SQuAD 2.0: one article for each title, its paragraphs in order."""
    data = [article for path in paths for article in _json(path)["data"]]
    texts = [
        Text(str(number), "\n\n".join(p["context"] for p in article["paragraphs"]), _spaced(article["title"]))
        for number, article in enumerate(data)
    ]
    items = [
        Item(
            qa["question"],
            {"answers": [answer["text"] for answer in qa["answers"]], "none": qa["is_impossible"]},
        )
        for article in data
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    ]
    return PublicSet(tuple(items), tuple(texts))


def load_realtimeqa(paths: Sequence[Path]) -> PublicSet:
    """Read RealTimeQA: one file of articles, one of questions, in either order."""
    rows = [row for path in paths for row in _lines(path)]
    texts = [
        Text(row["id"], row["text"], row.get("title", ""), row.get("source", ""), row.get("published", ""))
        for row in rows
        if "text" in row
    ]
    items = [
        Item(
            row["question"], {"answer": row["answer"], "choices": row["choices"], "articles": row["articles"]}
        )
        for row in rows
        if "question" in row and row.get("answer_string_in_articles", True)
    ]
    return PublicSet(tuple(items), tuple(texts))


def load_ramdocs(paths: Sequence[Path]) -> PublicSet:
    """Read RAMDocs: each question has its own documents."""
    items = [
        Item(
            row["question"],
            {"gold": row["gold_answers"], "wrong": row["wrong_answers"]},
            tuple(Text(str(n), doc["text"]) for n, doc in enumerate(row["documents"])),
        )
        for path in paths
        for row in _lines(path)
    ]
    return PublicSet(tuple(items))


def load_wice(paths: Sequence[Path]) -> PublicSet:
    """Read WiCE: claims, each with its evidence sentences."""
    return PublicSet(
        tuple(
            Item(row["claim"], {"label": row["label"], "evidence": row["evidence"]})
            for path in paths
            for row in _lines(path)
        )
    )


def load_multihop(paths: Sequence[Path]) -> PublicSet:
    """Read MultiHop-RAG: the corpus and the queries, in either order."""
    rows = [row for path in paths for row in _json(path)]
    texts = [
        Text(str(n), row["body"], row["title"], row.get("source", ""), row.get("published_at", ""))
        for n, row in enumerate(row for row in rows if "body" in row)
    ]
    items = [
        Item(
            row["query"],
            {
                "answer": row["answer"],
                "type": row["question_type"],
                "facts": [each["fact"] for each in row["evidence_list"]],
            },
        )
        for row in rows
        if "query" in row
    ]
    return PublicSet(tuple(items), tuple(texts))


def load_alce(paths: Sequence[Path]) -> PublicSet:
    """Read ALCE's ASQA file: each question has its own passages."""
    items = [
        Item(
            row["question"],
            {"pairs": [pair["short_answers"] for pair in row["qa_pairs"] or ()]},
            tuple(Text(str(n), doc["text"], doc["title"]) for n, doc in enumerate(row["docs"][:ALCE_DOCS])),
        )
        for path in paths
        for row in _json(path)
    ]
    return PublicSet(tuple(items))


def load_diversesumm(paths: Sequence[Path]) -> PublicSet:
    """Read DiverseSumm: events, each with ten articles and questions that these answer differently."""
    items = []
    for event in (event for path in paths for event in _json(path)):
        texts = tuple(
            Text(str(each["aid"]), each["content"], each["title"], each.get("domain", ""))
            for each in event["articles"]
        )
        for asked in event["question_answers"]:
            groups = [[str(answer["aid"]) for answer in group] for group in asked["answer_groups"]]
            items.append(Item(asked["question"], {"groups": groups}, texts))
    return PublicSet(tuple(items))


LAYOUTS: dict[
    str, tuple[Callable[[Sequence[Path]], PublicSet], Callable[[Sequence[Outcome]], list[Scored]]]
] = {
    "squad2": (load_squad, squad),
    "realtimeqa": (load_realtimeqa, realtimeqa),
    "ramdocs": (load_ramdocs, ramdocs),
    "wice": (load_wice, wice),
    "multihop-rag": (load_multihop, multihop),
    "alce": (load_alce, alce),
    "diversesumm": (load_diversesumm, diversesumm),
}


def _spaced(title: str) -> str:
    return title.replace("_", " ")


def _json(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    return json.loads(path.read_text("utf-8"))


def _lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


# ---------------------------------------------------------------- asking


def load(layout: str, paths: Sequence[Path], *, limit: int | None = None) -> PublicSet:
    """Return a set of that layout; with `limit` so many of its questions, evenly spread, as sets are sorted.

    Raises InputError naming the files.
    """
    try:
        loaded = LAYOUTS[layout][0](paths)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        names = ", ".join(str(path) for path in paths)
        raise InputError(f"{names} cannot be read as {layout}: {error!r}.") from error
    if not loaded.items:
        raise InputError(f"{', '.join(map(str, paths))} holds no question of the layout {layout}.")
    return replace(loaded, items=tuple(spread(loaded.items, limit)))


def spread(every: Sequence[Each], limit: int | None) -> Sequence[Each]:
    """Return `limit` of them, evenly spread; all of them for None, or when there are no more."""
    if limit is None or limit >= len(every):
        return every
    return [every[i * len(every) // limit] for i in range(limit)]


def run_public(
    layout: str,
    paths: Sequence[Path],
    settings: Settings,
    *,
    limit: int | None = None,
    care: Care = "usual",
    on_progress: Progress | None = None,
) -> list[str]:
    """Ask the set and return its figures, a line each, with how many questions they are of.

    A lenient `care` fits a set in which every question has an answer, a strict one the opposite.
    """
    loaded = load(layout, paths, limit=limit)
    outcomes = []
    with _library(settings) as (tearsheet, folder):
        if loaded.texts:
            _fill(tearsheet, loaded.texts, folder)
        for done, item in enumerate(loaded.items):
            if on_progress is not None:
                on_progress(done, len(loaded.items), item.question)
            outcomes.append(
                _judge_claim(tearsheet, item) if layout == "wice" else _ask(tearsheet, item, folder, care)
            )
        if on_progress is not None:
            on_progress(len(loaded.items), len(loaded.items), "")
    names = ", ".join(path.name for path in paths)
    head = f"{layout}: {names}, {len(outcomes)} questions, tier {settings.tier}"
    head += "" if care == "usual" else f", {care}"
    return [head, *(str(each) for each in LAYOUTS[layout][1](outcomes))]


@contextmanager
def _library(settings: Settings) -> Iterator[tuple[Tearsheet, Path]]:
    from rag.pipeline import Tearsheet

    with tempfile.TemporaryDirectory(prefix="tearsheet-evals-") as place, offline():
        folder = Path(place)
        with Tearsheet.open(replace(settings, library=folder / "library"), write=True) as tearsheet:
            yield tearsheet, folder


def _fill(tearsheet: Tearsheet, texts: Sequence[Text], folder: Path) -> None:
    path = folder / "texts.jsonl"
    rows = (
        {
            "id": each.id,
            "text": each.text,
            "title": each.title,
            "source": each.source,
            "published": each.published,
        }
        for each in texts
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    tearsheet.add([path])


def _ask(tearsheet: Tearsheet, item: Item, folder: Path, care: Care) -> Outcome:
    from rag.render import answer_text

    if item.texts:
        tearsheet.remove([article.id for article in tearsheet.library.articles()])
        _fill(tearsheet, item.texts, folder)
    answer = tearsheet.ask(item.question, care=care)
    refused = answer.status == "refused"
    cited = [citation for claim in answer.claims for citation in claim.citations]
    cited += [citation for side in answer.sides for citation in side.citations]
    return Outcome(
        gold=item.gold,
        short="" if refused else answer.short or (answer.claims[0].text if answer.claims else ""),
        text="" if refused else answer_text(answer),
        status=answer.status,
        cited=tuple(citation.article.path.rpartition("#")[2] for citation in cited),
        found=tuple(hit.passage.text for hit in answer.hits),
    )


def _judge_claim(tearsheet: Tearsheet, item: Item) -> Outcome:
    """Hold a claim against its evidence, as `tearsheet check` holds claims against articles."""
    from rag.library import text_id
    from rag.verdict import lowered, verdict

    text = "\n".join(item.gold["evidence"])
    passage = Passage(Article(text_id(text), text), 0, len(text))
    models = tearsheet.models
    said = verdict(item.question, [passage], models.parser, models.embedder)
    said = lowered(said, item.question, [passage], models.checker)
    return Outcome(gold=item.gold, short="", text="", status=said.support)

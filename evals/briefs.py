"""Measures briefings: against hand-made lists of facts, against written summaries, and how long they take.

`python -m evals.briefs seeds|mds|speed` prints one figure with its count on each line.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.ask import OFFLINE, offline
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.pipeline import Models, Tearsheet
    from rag.records import Brief, Citation

HERE = Path(__file__).parent
LISTS = HERE / "brief_lists"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something a briefing should tell: any of the patterns does."""

    id: str
    any: tuple[re.Pattern[str], ...]
    keys: frozenset[str]
    """The articles that tell it."""

    def told(self, text: str) -> bool:
        return any(pattern.search(text) for pattern in self.any)


@dataclass(frozen=True, slots=True)
class Expected:
    """The hand-made list of one cluster."""

    topic: str
    words: int
    as_of: str
    articles: Mapping[str, Sequence[str]]
    key: tuple[Fact, ...]
    single: tuple[Fact, ...]
    differences: tuple[tuple[str, tuple[re.Pattern[str], ...]], ...]


def read_list(path: Path) -> Expected:
    """Return the list in a TOML file."""
    row = tomllib.loads(path.read_text("utf-8"))

    def pattern(text: str) -> re.Pattern[str]:
        return re.compile(text, re.I | re.S)

    def fact(each: Mapping[str, Any]) -> Fact:
        keys = [each["in"]] if isinstance(each["in"], str) else each["in"]
        return Fact(each["id"], tuple(map(pattern, each["any"])), frozenset(keys))

    return Expected(
        row["topic"],
        row["words"],
        row.get("as_of", ""),
        row["articles"],
        tuple(map(fact, row["key"])),
        tuple(map(fact, row["single"])),
        tuple((each["id"], tuple(map(pattern, each["sides"]))) for each in row["difference"]),
    )


@dataclass(frozen=True, slots=True)
class Told:
    """One line of a briefing as the measuring sees it."""

    part: str
    text: str
    citations: tuple[Citation, ...]
    alone: bool = False


def lines(brief: Brief) -> Iterator[Told]:
    """Yield every line: points, events and the sides of differences."""
    for section in brief.sections:
        for point in section.points:
            yield Told(section.kind, point.claim.text, point.claim.citations, point.alone)
    for event in brief.timeline:
        text = f"{event.said} {event.claim.text}"
        yield Told("timeline", text, event.claim.citations)
    for difference in brief.disagreements:
        for side in difference.sides:
            yield Told("differences", side.value, side.citations)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of a list a briefing tells."""

    key: dict[str, bool]
    single: dict[str, str]
    """`labelled`, `told` without the label, or `missing`."""
    differences: dict[str, bool]
    strayed: tuple[str, ...]
    """Lines labelled as of one source that tell a fact which several tell."""
    extra: tuple[str, ...]
    """Differences shown that are on no list: to be judged by eye."""


def cover(brief: Brief, expected: Expected) -> Coverage:
    """Return which facts of the list the briefing tells, and how it labels them."""
    told = list(lines(brief))
    key = {fact.id: any(fact.told(line.text) for line in told) for fact in expected.key}
    single: dict[str, str] = {}
    for fact in expected.single:
        held = [line for line in told if fact.told(line.text)]
        single[fact.id] = "missing" if not held else "labelled" if any(x.alone for x in held) else "told"
    found: dict[str, bool] = {}
    matched: set[int] = set()
    for id_, sides in expected.differences:
        found[id_] = False
        for number, difference in enumerate(brief.disagreements):
            if _met(difference.about, [side.value for side in difference.sides], sides):
                found[id_] = True
                matched.add(number)
    several = [fact for fact in expected.key if len(fact.keys) > 1]
    strayed = tuple(
        line.text
        for line in told
        if line.alone
        and line.part != "figures"  # where it says that one source gives this number
        and any(fact.told(line.text) for fact in several)
        and not any(fact.told(line.text) for fact in expected.single)
    )
    extra = tuple(d.about for n, d in enumerate(brief.disagreements) if n not in matched)
    return Coverage(key, single, found, strayed, extra)


def _met(about: str, values: Sequence[str], sides: Sequence[re.Pattern[str]]) -> bool:
    """Whether different sides of a difference hold the values looked for, one each."""
    del about
    places = [{i for i, value in enumerate(values) if side.search(value)} for side in sides]
    return (
        all(places)
        and len(set().union(*places)) >= len(sides)
        and all(
            places[i] - places[j] or places[j] - places[i] or len(places[i]) > 1
            for i in range(len(places))
            for j in range(i)
        )
    )


# ---------------------------------------------------------------- the library measured on


def open_library(
    folder: Path, files: Sequence[Path], settings: Settings, models: Models | None = None
) -> Tearsheet:
    """Return an open library in `folder` that holds the articles of `files`."""
    from dataclasses import replace

    from rag.pipeline import Tearsheet

    tearsheet = Tearsheet.open(replace(settings, library=folder), write=True, models=models)
    tearsheet.add(files)
    return tearsheet


def article_paths(expected: Expected, folder: Path) -> list[Path]:
    """Return the file of each article of the list in `folder`."""
    return [
        folder / name for names in expected.articles.values() for name in names if (folder / name).is_file()
    ]


def measure_list(arguments: argparse.Namespace) -> int:
    """Print how much of the hand-made list a briefing covers, and each line with its passage on request."""
    expected = read_list(LISTS / "seeds.toml")
    files = article_paths(expected, arguments.corpus)
    if len(files) != len(expected.articles):
        sys.stderr.write(f"{arguments.corpus} holds {len(files)} of the {len(expected.articles)} articles.\n")
        return 2
    words = arguments.words or expected.words
    with tempfile.TemporaryDirectory() as place, offline():
        settings = Settings.load(tier=arguments.tier)
        with open_library(Path(place) / "library", files, settings) as tearsheet:
            began = time.perf_counter()
            made = tearsheet.brief(expected.topic, words=words, as_of=expected.as_of)
            seconds = time.perf_counter() - began
    covered = cover(made, expected)
    print_coverage(covered, made, seconds)
    if arguments.lines:
        for number, line in enumerate(lines(made), start=1):
            print(f"\n{number}. [{line.part}] {line.text}")
            for citation in line.citations:
                print(f"     {citation.article.id[:6]}: {' '.join(citation.quote.split())}")
    return 0


def print_coverage(covered: Coverage, made: Brief, seconds: float) -> None:
    """Print the figures of one briefing, each with its count."""
    from rag.render import brief_words

    told = sum(covered.key.values())
    print(f"key facts covered      {told}/{len(covered.key)} = {told / len(covered.key):.0%}")
    print("  missing:", ", ".join(id_ for id_, held in covered.key.items() if not held) or "none")
    found = sum(covered.differences.values())
    print(
        f"differences found      {found}/{len(covered.differences)} = {found / len(covered.differences):.0%}"
    )
    print("  missing:", ", ".join(id_ for id_, held in covered.differences.items() if not held) or "none")
    shown = len(made.disagreements)
    print(f"differences shown      {shown}, on no list: {len(covered.extra)}", *covered.extra, sep="\n    ")
    present = [id_ for id_, how in covered.single.items() if how != "missing"]
    labelled = sum(how == "labelled" for how in covered.single.values())
    print(f"single-source told     {len(present)}/{len(covered.single)}")
    print(f"  of them labelled     {labelled}/{len(present)} = {labelled / max(1, len(present)):.0%}")
    print("  not labelled:", ", ".join(id_ for id_, how in covered.single.items() if how == "told") or "none")
    alone = sum(line.alone for line in lines(made))
    print(f"labelled wrongly       {len(covered.strayed)} of {alone}", *covered.strayed, sep="\n    ")
    print(f"words                  {brief_words(made)}")
    print(f"seconds                {seconds:.1f}")


# ---------------------------------------------------------------- written summaries, time


def measure_summaries(arguments: argparse.Namespace) -> int:
    """Print attribution and ROUGE on clusters with written summaries."""
    from evals.mds import attribution, read_clusters, rouge, summarise
    from rag.pipeline import Models

    if not arguments.clusters.is_file():
        sys.stderr.write(f"There is no {arguments.clusters}; name a file of clusters.\n")
        return 2
    clusters = read_clusters(arguments.clusters)
    models = Models(Settings.load(tier="quote"))
    for name, some, lexical in (
        ("lexical alone", clusters, True),
        ("with meaning", clusters, False),
        ("tuned on (1st, 3rd, … cluster)", clusters[::2], False),
        ("not tuned on (2nd, 4th, …)", clusters[1::2], False),
    ):
        first, third, total = attribution(some, models.embedder, lexical=lexical)
        told = f"{first}/{total} = {first / total:.3f}, of three {third}"
        print(f"source sentence, {name:<30} {told}", flush=True)
    sums: dict[str, list[float]] = {}
    for cluster in clusters:
        for name, text in summarise(cluster, models.embedder, models.parser).items():
            row = sums.setdefault(name, [0.0, 0.0])
            for n in (1, 2):
                row[n - 1] += rouge(n, text, cluster.summary)
    print(f"ROUGE-1 and ROUGE-2 (F1, as long as the written summary), mean of {len(clusters)} clusters")
    for name, (one, two) in sorted(sums.items(), key=lambda item: -item[1][0]):
        print(f"  {name:<10} {one / len(clusters):.4f} {two / len(clusters):.4f}")
    return 0


def measure_time(arguments: argparse.Namespace) -> int:
    """Print how long briefings of ever more articles take, and the memory that the process came to."""
    import resource

    from rag.brief import brief
    from rag.pipeline import Models
    from rag.read import read_file
    from rag.records import Article

    articles = [each for each in read_file(arguments.articles) if isinstance(each, Article)]
    models = Models(Settings.load(tier="quote"))
    brief(articles[0].title, articles[:1], models)
    for many in arguments.counts:
        began = time.perf_counter()
        brief(arguments.topic, articles[:many], models)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{min(many, len(articles)):>4} articles {seconds:6.1f} s {peak:6.0f} MB")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run one measurement."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.briefs", description=(__doc__ or "").split("\n")[0]
    )
    rows = parser.add_subparsers(required=True)
    seeds = rows.add_parser("seeds", help="coverage of the hand-made list")
    seeds.add_argument("--corpus", type=Path, default=HERE.parent / "seeds" / "articles")
    seeds.add_argument("--words", type=int, default=0)
    seeds.add_argument("--tier", default="quote")
    seeds.add_argument("--lines", action="store_true", help="print each line with the passages it cites")
    seeds.set_defaults(run=measure_list)
    mds = rows.add_parser("mds", help="attribution and ROUGE against written summaries")
    mds.add_argument("clusters", type=Path, help="mds_dev.jsonl of Attribute First, then Generate")
    mds.set_defaults(run=measure_summaries)
    speed = rows.add_parser("speed", help="time and memory by the number of articles")
    speed.add_argument("articles", type=Path, help="a file of articles, JSON lines")
    speed.add_argument("--topic", default="what happened this week")
    speed.add_argument("--counts", type=int, nargs="+", default=[5, 10, 20, 50, 100, 200])
    speed.set_defaults(run=measure_time)
    arguments = parser.parse_args(argv)
    for name, value in OFFLINE.items():
        os.environ.setdefault(name, value)
    return int(arguments.run(arguments))


if __name__ == "__main__":
    sys.exit(main())

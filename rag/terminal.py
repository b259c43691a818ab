"""Answers, articles and work in progress on a terminal: wrapped and coloured there, plain text elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rag.records import Answer, Article, Citation, Side, Support
from rag.render import (
    OPENINGS,
    Numbers,
    citation_numbers,
    cited,
    day_in_words,
    filters_in_words,
    is_verbatim,
    marks,
    place_of,
    safe,
    unmarked,
    verdict_in_words,
)

if TYPE_CHECKING:
    from rag.pipeline import Draft, Found

READING_WIDTH = 100
"""Columns used at most; longer lines are hard to read."""

MARK = "bold cyan"
LOOKS: dict[Support, tuple[str, str]] = {
    "supported": ("✓", "green"),
    "partly": ("~", "yellow"),
    "contradicted": ("✗", "red"),
    "unsupported": ("✗", "red"),
}
"""The sign and the colour of each verdict; the words beside them say the same."""


@dataclass(frozen=True, slots=True)
class Line:
    """One paragraph: its text, the column it starts in and the column its next lines start in."""

    text: Text
    indent: int = 0
    hang: int = 0


def print_lines(console: Console, lines: Sequence[Line]) -> None:
    """Print the lines: wrapped on a terminal, one paragraph a line elsewhere."""
    width = min(console.width, READING_WIDTH)
    for line in lines:
        pieces = [line.text]
        if console.is_terminal:
            pieces = list(line.text.wrap(console, max(width - line.hang, 20)))
        for place, piece in enumerate(pieces):
            piece.rstrip()
            margin = Text(" " * (line.hang if place else line.indent))
            console.print(margin + piece, soft_wrap=True, markup=False, highlight=False, emoji=False)


def plain(text: str, style: str = "", *, indent: int = 0, hang: int = 0) -> Line:
    """Return words as a line; nothing in them is markup or a command."""
    return Line(Text(safe(text), style), indent, hang)


def answer_lines(answer: Answer) -> list[Line]:
    """Return the words of the answer with their marks, then each cited passage with its verdict."""
    numbers = citation_numbers(answer)
    lines = [plain(f"Asked as: {answer.asked_as}", "dim"), plain("")] if answer.asked_as else []
    if answer.filters:
        lines += [plain(f"Only {filters_in_words(answer)}", "dim"), plain("")]
    lines += [plain(OPENINGS[answer.status], "bold")] if OPENINGS[answer.status] else []
    if answer.claims:
        lines.append(_claims_line(answer, numbers))
    lines += [_side_line(side, numbers) for side in answer.sides]
    if answer.nearest:
        lines += [plain(""), plain("The nearest passages are these:")]
    # With a mark of its own the passage is not shown word for word above, so it is shown below.
    verbatim = [claim for claim in answer.claims if is_verbatim(claim) and unmarked(claim.text) == claim.text]
    quoted = [claim.citations[0] for claim in verbatim]
    for citation in cited(answer):
        lines.append(plain(""))
        lines += _source_lines(
            citation, numbers, quoted=citation in quoted, judged=citation not in answer.nearest
        )
    notes = [note for note in (*answer.notes, _footer(answer)) if note]
    return [*lines, *([plain("")] if notes else []), *(plain(note, "dim") for note in notes)]


def article_lines(article: Article) -> list[Line]:
    """Return what is known of the article, then its text, line by line."""
    known = {
        "title": article.title,
        "outlet": article.source or "not stated",
        "by": article.byline,
        "published": day_in_words(article.published) or "not stated",
        "updated": day_in_words(article.updated),
        "tags": ", ".join(article.tags),
        "address": article.url,
        "from": article.path if article.path != article.url else "",
        "added": article.fetched,
        "id": article.id,
    }
    head = [
        Line(Text.assemble((f"{label:<11}", "dim"), (safe(value), "bold" if label == "title" else "")), 0, 11)
        for label, value in known.items()
        if value
    ]
    return [*head, plain(""), *map(plain, article.text.split("\n"))]


def _claims_line(answer: Answer, numbers: Numbers) -> Line:
    line = Text()
    for claim in answer.claims:
        words = Text(unmarked(safe(claim.text)))
        if claim is answer.claims[0] and answer.short:
            start = words.plain.find(unmarked(safe(answer.short)))
            words.stylize("bold", start, start + len(unmarked(safe(answer.short)))) if start >= 0 else None
        if is_verbatim(claim):
            words = Text("“") + words + Text("”")
        line = line + Text(" " if line else "") + words + Text(f" {marks(claim.citations, numbers)}", MARK)
    return Line(line)


def _side_line(side: Side, numbers: Numbers) -> Line:
    givers = dict.fromkeys(
        ", ".join(filter(None, [article.source or article.title, day_in_words(article.published)]))
        for article in (citation.article for citation in side.citations)
    )
    value, mark = (f"• {unmarked(safe(side.value))}", "bold"), (f" {marks(side.citations, numbers)}", MARK)
    return Line(Text.assemble(value, mark, (f"  {safe('; '.join(givers))}", "dim")), 2, 4)


def _source_lines(citation: Citation, numbers: Numbers, *, quoted: bool, judged: bool) -> Iterator[Line]:
    """The passage, where it stands and the verdict on it; one that is quoted above is not repeated."""
    article = citation.article
    mark = f"{marks([citation], numbers)} "
    margin = len(mark)
    about = [
        article.source or "outlet not stated",
        article.title,
        day_in_words(article.published) or "undated",
    ]
    source = safe(" · ".join(filter(None, about)))
    if quoted:
        yield Line(Text.assemble((mark, MARK), source), 0, margin)
    else:
        yield Line(Text.assemble((mark, MARK), f"“{safe(citation.quote)}”"), 0, margin)
        yield plain(source, indent=margin, hang=margin)
    place = (f"{place_of(article)} · {article.id[:8]}", "dim")
    sign, colour = LOOKS[citation.support]
    verdict = [(f"{sign} {verdict_in_words(citation)}", colour), (" · ", "dim")] if judged else []
    yield Line(Text.assemble(*verdict, place), margin, margin)


def _footer(answer: Answer) -> str:
    parts = []
    if answer.model and any(claim.by == "model" for claim in answer.claims):
        parts.append(f"Worded by {answer.model}, checked against the passages")
    if answer.confidence and answer.hits:
        parts.append(f"{answer.confidence:.0%} sure")
    if answer.rejected:
        count = f"{len(answer.rejected)} sentences" if len(answer.rejected) > 1 else "1 sentence"
        parts.append(f"{count} of the model did not pass")
    if answer.seconds:
        parts.append(f"{sum(answer.seconds.values()):.1f} s")
    return " · ".join(parts)


def article_table(articles: Sequence[Article]) -> Table:
    """Return the articles as a table that fits the terminal; titles are cut, ids and dates are not."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    table.add_column("id", no_wrap=True, style=MARK, width=8)
    table.add_column("published", no_wrap=True, width=10)
    table.add_column("outlet", no_wrap=True, overflow="ellipsis", max_width=20)
    table.add_column("title", no_wrap=True, overflow="ellipsis", ratio=1)
    for article in articles:
        cells = (article.id[:8], article.published[:10], article.source, article.title)
        table.add_row(*(Text(safe(cell) or "–") for cell in cells))
    return table


def table_rows(articles: Sequence[Article]) -> list[str]:
    """Return the articles as lines of id, day, outlet, title and place, separated by tabs."""
    return ["\t".join(map(safe, (it.id, it.published, it.source, it.title, it.path))) for it in articles]


def watch(events: Iterable[Found | Draft | Answer], console: Console) -> Answer:
    """Show what is found and the words as they are written; clear them and return the answer at the end."""
    from rich.live import Live

    from rag.pipeline import Draft, Found

    with Live(Text("Searching …", "dim"), console=console, transient=True, refresh_per_second=10) as live:
        status = Text()
        for event in events:
            match event:
                case Found(hits=hits):
                    articles = len({hit.passage.article.id for hit in hits})
                    status = Text(f"Found {len(hits)} passages in {articles} articles", "dim")
                    live.update(status)
                case Draft(text=text):
                    live.update(Text("\n").join([status, Text(safe(text))]))
                case Answer():
                    return event
    raise RuntimeError("the events ended without an answer")


@contextmanager
def progress(console: Console, verb: str) -> Iterator[Callable[[int, int, str], None] | None]:
    """Give a function that moves a progress bar: steps done, steps in all, what is being worked on.

    Gives None when nobody is watching.
    """
    if not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, TextColumn("{task.fields[name]}", markup=False), console=console, transient=True
    ) as bar:
        task = bar.add_task(verb, total=None, name="", rate="")
        began = time.monotonic()

        def move(done: int, total: int, name: str) -> None:
            # After the last file the index is still written.
            words = verb if done < total else "Finishing"
            spent = time.monotonic() - began
            rate = f"{done / spent:.1f}/s" if done and spent > 1 else ""
            name = safe(name)[-40:]
            bar.update(task, description=words, completed=done, total=total, name=name, rate=rate)

        yield move

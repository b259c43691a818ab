"""What the Library tab shows, as text: lists, an article with its history, what was added, and the chart.

Values in, text out, without gradio. Every word from outside goes through `escape`; labels of choices are
plain text, which the page never reads as markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from rag.laws import Problem
from rag.library import Counts, Revision
from rag.listing import Entry, Found
from rag.read import MAX_BYTES, SUFFIXES
from rag.records import Article
from rag.render import cited, day_in_words
from rag.revisions import changes
from rag.subscriptions import Subscription
from rag.text import paragraphs
from ui.alias import file_name, without_folders
from ui.answers import Turn
from ui.chart import UNNAMED
from ui.intake import NOT_READ, Taken
from ui.shelved import Quoted
from ui.sources import clip, escape, title_of
from ui.work import State

PAGE = 20
"""Articles of the list shown at a time."""
WHOLE = 200_000
"""Characters of an article that are shown."""
LISTED = 200
"""Lines of the result of adding that are shown; what was not read comes first."""
CITED = 20
"""Answers and briefings named that cite an article."""
CHANGES = 40
"""Changed sentences shown for each older text."""

NOTHING_OPEN = "Choose an article of the list to read it here."
EMPTY = "The library is empty. Drop files above, or paste the address of an article or a feed."
READ_ONLY = (
    "Another process adds to this library, so here it can be read and asked, not changed. Stop the other one "
    "(it is most likely a running `tearsheet add`, `sync` or `ui`) and start this page again to change it."
)
ADDED_WORDS = ("added", "revised", "unchanged")


def count(number: int, noun: str) -> str:
    """Return the number with its noun, as in `1 article` or `1,200 articles`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(number: int) -> str:
    """Return bytes as a person says them."""
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB"


def kinds() -> str:
    """Return which files are read."""
    named = ", ".join(suffix.removeprefix(".") for suffix in SUFFIXES)
    told = f"Files of up to {MAX_BYTES / 1e6:.0f} MB each: {named}."
    return f'<p class="ts-note">{escape(told)} Addresses are fetched by this machine, and by nobody else.</p>'


def problem(told: str) -> str:
    """Return a sentence on what went wrong."""
    return f'<p class="ts-problem" role="alert">{escape(told)}</p>'


def facts(counts: Counts, outlets: int, feeds: int, *, writable: bool) -> str:
    """Return how much there is, and whether it can be added to."""
    told = [
        (f"{counts.articles:,}", "article" if counts.articles == 1 else "articles"),
        (f"{outlets:,}", "outlet" if outlets == 1 else "outlets"),
        (f"{counts.passages:,}", "passage" if counts.passages == 1 else "passages"),
        (size(counts.bytes), "on disk"),
    ]
    told += [(f"{feeds:,}", "feed" if feeds == 1 else "feeds")] if feeds else []
    listed = "".join(f"<li><b>{number}</b> {name}</li>" for number, name in told)
    note = "" if writable else f'<p class="ts-problem">{escape(READ_ONLY)}</p>'
    return f'<div><ul class="ts-facts">{listed}</ul>{note}</div>'


def health(problems: Sequence[Problem]) -> str:
    """Return which laws of the library do not hold."""
    if not problems:
        return '<p class="ts-health"><span class="ts-supported">✓ Every law of the library holds.</span></p>'
    told = "".join(
        f"<li>{escape(problem.law)} <small>Found: {escape(without_folders(str(problem.found)))}"
        f"{f' (article {escape(problem.article)})' if problem.article else ''}</small></li>"
        for problem in problems
    )
    advice = "“tearsheet doctor --rebuild” makes the indexes anew."
    return (
        f'<div class="ts-health"><p class="ts-contradicted">✗ {count(len(problems), "problem")}. {advice}</p>'
        f"<ul>{told}</ul></div>"
    )


# The list


def label(entry: Entry) -> str:
    """Return the two lines of plain text that stand for an article in the list."""
    said = [clip(entry.source, 40) or UNNAMED, day_in_words(entry.published) or "no date"]
    said += [f"{entry.copies + 1} copies"] if entry.copies else []
    said += ["revised"] if entry.revised else []
    title = " ".join(clip(entry.title, 140).split())
    return f"{' · '.join(said)}\n{title or 'Untitled'}"


def found_line(found: Found, first: int, *, narrowed: bool, articles: int) -> str:
    """Return how many articles the list has, and which of them are shown."""
    if not articles:
        return f'<p class="ts-empty">{escape(EMPTY)}</p>'
    if not found.total:
        return '<p class="ts-status" role="status">No article passes. Take something out of the search.</p>'
    passing = f"{found.total:,} of {count(articles, 'article')}" if narrowed else count(articles, "article")
    last = first + len(found.entries)
    shown = f", {first + 1:,} to {last:,} shown" if len(found.entries) < found.total else ""
    return f'<p class="ts-status" role="status">{passing}{shown}</p>'


# One article


def article_pane(article: Article, revisions: Sequence[Revision], copies: int, where: str = "") -> str:
    """Return an article to be read: what is known of it, its text, and what earlier texts said otherwise."""
    lead = " · ".join(filter(None, (article.source or UNNAMED, day_in_words(article.published) or "no date")))
    older = list(revisions)
    return (
        f'<article class="ts-reading" id="reading"><p class="ts-eyebrow"><bdi>{escape(lead)}</bdi></p>'
        f'<h2 dir="auto">{escape(title_of(article))}</h2>{_byline(article)}'
        f'{_superseded(article, older)}<div class="ts-body">{_body(article.text)}</div>'
        f"{where}{_known(article, copies)}{_history(older)}</article>"
    )


def cited_in(id_: str, briefings: Sequence[Quoted], turns: Sequence[Turn]) -> str:
    """Return where the article was cited: answers of this conversation, and briefings; empty when nowhere."""
    rows = [
        _cited_line("Asked", turn.question, tuple(dict.fromkeys(one.quote for one in quoted)))
        for turn in reversed(turns)
        if turn.answer is not None
        and (quoted := [one for one in cited(turn.answer) if one.article.id == id_])
    ]
    rows += [
        _cited_line(f"Briefing of {day_in_words(one.made[:10])}", one.topic, one.quotes) for one in briefings
    ]
    shown = "".join(rows[:CITED])
    return f'<h3>Where it was cited</h3><ul class="ts-cited">{shown}</ul>' if rows else ""


def _cited_line(what: str, named: str, quotes: tuple[str, ...]) -> str:
    first = f'<br><q dir="auto">{escape(clip(quotes[0], 200))}</q>'
    more = f" and {count(len(quotes) - 1, 'passage')} more" if len(quotes) > 1 else ""
    return f'<li>{escape(what)}: <b dir="auto">{escape(clip(named, 160))}</b>{first}{more}</li>'


def _byline(article: Article) -> str:
    return f'<p class="ts-from">By <bdi>{escape(article.byline)}</bdi></p>' if article.byline else ""


def _superseded(article: Article, revisions: Sequence[Revision]) -> str:
    newest = revisions[-1].article if revisions else article
    if newest.id == article.id:
        return ""
    return '<p class="ts-problem">This is an earlier text; answers are taken from the newest one.</p>'


def _body(text: str) -> str:
    shown: list[str] = []
    for start, end in paragraphs(text[:WHOLE]):
        part = text[start:end]
        heading = part.lstrip("#") if part.startswith("#") else ""
        if heading.startswith(" ") and len(part) - len(heading) <= 6:
            shown.append(f'<p dir="auto" class="ts-head">{escape(heading.strip())}</p>')
        else:
            shown.append(f'<p dir="auto">{escape(part)}</p>')
    cut = f'<p class="ts-note">… {len(text) - WHOLE:,} characters more</p>' if len(text) > WHOLE else ""
    return "".join(shown) + cut


def _known(article: Article, copies: int) -> str:
    place = file_name(article.path) if article.path and "://" not in article.path else ""
    told = {
        "Outlet": escape(article.source),
        "Published": escape(day_in_words(article.published)),
        "Updated": escape(day_in_words(article.updated)),
        "Address": _address(article.url),
        "File": escape(place),
        "Read": escape(day_in_words(article.fetched[:10])),
        "Tags": escape(", ".join(article.tags)),
        "Length": count(len(article.text.split()), "word"),
        "Origin": f"tells the same as {count(copies, 'other article')}; they count as one" if copies else "",
        "Id": escape(article.id),
    }
    rows = "".join(f"<dt>{name}</dt><dd>{said}</dd>" for name, said in told.items() if said)
    return f'<h3>About this article</h3><dl class="ts-known">{rows}</dl>'


def _address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        return ""
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{escape(clip(url, 90))}</a>'


def _history(revisions: Sequence[Revision]) -> str:
    """Return what each newer text says otherwise than the one before it, newest first."""
    if len(revisions) < 2:
        return ""
    told = []
    for older, newer in pairwise(revisions):
        its = changes(older.article.text, newer.article.text)
        since = day_in_words(newer.known[:10]) or "an unknown day"
        lines = "".join(
            (f'<p dir="auto"><del>{escape(change.old)}</del></p>' if change.old else "")
            + (f'<p dir="auto"><ins>{escape(change.new)}</ins></p>' if change.new else "")
            for change in its[:CHANGES]
        )
        more = f"<p>{count(len(its) - CHANGES, 'more change')}</p>" if len(its) > CHANGES else ""
        same = "" if its else "<p>The same sentences; other details changed.</p>"
        told.append(
            f"<details{' open' if newer is revisions[-1] else ''}><summary>Changed {escape(since)}: "
            f"{count(len(its), 'sentence')}</summary>{lines}{more}{same}</details>"
        )
    listed = "".join(reversed(told))
    return f'<div class="ts-history"><h3>{count(len(revisions), "text")} of it are kept</h3>{listed}</div>'


# Removing


def removal(title: str, articles: int) -> str:
    """Return the question that is asked before articles are removed; `title` when it is one."""
    what = f"“{escape(clip(title or 'this article', 120))}”" if articles == 1 else count(articles, "article")
    return (
        f'<p class="ts-sure" role="alert"><b>Remove {what} from the library?</b> Earlier texts go too. '
        "The files on your disk stay as they are.</p>"
    )


def removed(articles: int) -> str:
    """Return what is said once articles are removed."""
    return f'<p class="ts-outcome" role="status"><b>Removed {count(articles, "article")}.</b></p>'


# Adding


def added(state: State[Taken], refused: Sequence[Taken] = ()) -> str:
    """Return how far adding has come and what became of each file, what was not read first."""
    rows = [*refused, *state.rows]
    if not rows and not state.running:
        return ""
    bad = [row for row in rows if row.outcome in (NOT_READ, "stopped")]
    good = [row for row in reversed(rows) if row.outcome not in (NOT_READ, "stopped")]
    shown = [*bad, *good][:LISTED]
    lines = "".join(
        f'<tr class="{"ts-bad" if row in bad else ""}"><th scope="row" dir="auto">'
        f"{escape(clip(row.name, 120))}</th><td>{_sign(row)} {escape(row.outcome)}</td>"
        f"<td>{escape(row.reason)}</td></tr>"
        for row in shown
    )
    more = f'<p class="ts-note">{len(rows) - LISTED:,} more lines</p>' if len(rows) > LISTED else ""
    head = '<tr><th scope="col">File or address</th><th scope="col">Outcome</th><th scope="col">Why</th></tr>'
    table = (
        f'<div class="ts-wide"><table class="ts-table ts-results"><caption>What became of each</caption>'
        f"<thead>{head}</thead><tbody>{lines}</tbody></table></div>"
        if rows
        else ""
    )
    return f'<div class="ts-adding">{progress(state, "Adding")}{added_line(state, rows)}{table}{more}</div>'


def progress(state: State[Taken], doing: str) -> str:
    """Return the bar of what is under way; empty when nothing is."""
    if not state.running:
        return ""
    share = state.done / state.total if state.total else 0.0
    now = f": <bdi>{escape(clip(state.now, 80))}</bdi>" if state.now else ""
    return (
        f'<p class="ts-status ts-busy">{doing} {min(state.done + 1, state.total):,} of {state.total:,}{now}'
        "</p>"
        f'<div class="ts-progress" aria-hidden="true"><span style="width:{100 * share:.1f}%"></span></div>'
    )


def added_line(state: State[Taken], rows: Iterable[Taken]) -> str:
    """Return the sum of a run of adding; empty while it runs."""
    if state.running:
        return ""
    told: Counter[str] = Counter()
    for row in rows:
        for part in row.outcome.split(", "):
            number, _, word = part.rpartition(" ") if part[:1].isdigit() else ("1", "", part)
            told[word] += int(number.replace(",", ""))
    said = [f"{told[word]:,} {word}" for word in (*ADDED_WORDS, NOT_READ) if told[word]]
    how = "Stopped" if state.stopped else "Done"
    problem = f" {escape(state.problem)}" if state.problem else ""
    summed = escape(", ".join(said)) or "nothing"
    return (
        f'<p class="ts-outcome" role="status"><b>{how} in {state.seconds:.1f} s: {summed}.</b>{problem}</p>'
    )


def _sign(row: Taken) -> str:
    return "✗" if row.outcome == NOT_READ else "–" if row.outcome == "stopped" else "✓"


def feeds(known: Sequence[Subscription]) -> str:
    """Return the feeds that can be fetched again."""
    if not known:
        return '<p class="ts-note">No feeds yet. A feed is kept and can be fetched again with one press.</p>'
    listed = "".join(
        f"<li><bdi>{escape(clip(feed.title or feed.url, 90))}</bdi> "
        f"<small>{count(feed.articles, 'article')}, {_fetched(feed)}</small></li>"
        for feed in known
    )
    return f'<ul class="ts-feeds">{listed}</ul>'


def _fetched(feed: Subscription) -> str:
    return f"fetched {escape(day_in_words(feed.fetched[:10]))}" if feed.fetched else "never fetched"

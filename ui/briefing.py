"""A briefing as HTML for the page: the same rows as in every other format, its sources beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from rag.page import pieces
from rag.records import Article, Brief, Citation, SourceUse
from rag.render import Numbers, brief_citations, brief_numbers, unmarked
from rag.render_brief import NOTHING, Part, Row, footer, parts, shown_text
from ui.sources import citation_mark, clip, count, escape, imprint, title_of, verdict

BEFORE = "Name a topic, or choose articles, and Tearsheet writes a page on it: every line with its passage."
NO_SOURCES = "The articles a briefing is made from stand here, with the quoted words marked."
GAP = 3000
"""Characters between two quoted passages of an article from which the middle is left out."""
TURN = "b"
"""What stands in the place of the number of a turn in the names of marks."""

STAGES = {"finding": "Finding articles", "reading": "Reading", "weighing": "Weighing", "wording": "Wording"}

_BREAK = re.compile(r"\s*\n\s*\n\s*")
_HEADING = re.compile(r"^#{1,6} +")


def progress(stage: str, done: int, total: int) -> str:
    """Return where the making of a briefing has come to: the stages, and how far the one at hand is."""
    names = list(STAGES)
    at = names.index(stage) if stage in names else 0
    items = "".join(
        f'<li class="{"ts-past" if n < at else "ts-now" if n == at else "ts-next"}">{STAGES[name]}</li>'
        for n, name in enumerate(names)
        if name != "wording" or stage == "wording"
    )
    bar = f'<progress value="{done}" max="{total}"></progress>' if total > 1 else ""
    said = f"{done:,} of {total:,} sentences" if stage == "reading" and total > 1 else ""
    return f'<ol class="ts-steps">{items}</ol><p class="ts-from">{bar} {said}</p>'


def brief_page(brief: Brief) -> str:
    """Return the briefing itself."""
    numbers = brief_numbers(brief)
    origins = len({use.origin for use in brief.sources})
    told = f"{count(len(brief.sources), 'article')}, {origins} independent"
    topic = f"Briefing on {escape(brief.topic)}. {told}." if brief.sources else ""
    head = f'<h2 dir="auto">{escape(brief.headline or brief.topic)}</h2><p class="ts-from">{topic}</p>'
    notes = "".join(f'<p class="ts-note">{escape(note)}</p>' for note in brief.notes)
    if brief.status == "refused":
        return f'<article class="ts-brief">{head}<p class="ts-opening">{NOTHING}</p>{notes}</article>'
    body = "".join(_part(part, numbers) for part in parts(brief))
    made = f'<p class="ts-note">{escape(footer(brief))}</p>'
    return f'<article class="ts-brief">{head}{body}{notes}{made}</article>'


def _part(part: Part, numbers: Numbers) -> str:
    if part.kind == "answer":
        lines = " ".join(f"<span>{escape(_words(row))} {_marks(row, numbers)}</span>" for row in part.rows)
        return f'<p class="ts-says ts-lede" dir="auto">{lines}</p>'
    heading = f'<h3 class="ts-part">{escape(part.heading)}</h3>'
    if part.kind == "differences":
        return heading + _differences(part.rows, numbers)
    kind = "ts-time" if part.kind in {"timeline", "ahead"} else "ts-lines"
    return f'{heading}<ul class="{kind}">{"".join(_line(row, numbers) for row in part.rows)}</ul>'


def _line(row: Row, numbers: Numbers) -> str:
    label = f'<b class="ts-name">{escape(unmarked(row.label))}</b> ' if row.label else ""
    note = f' <span class="ts-aside">{escape(row.note)}</span>' if row.note else ""
    sub = ' class="ts-sub"' if row.level else ""
    words = f"{escape(_words(row))} {_marks(row, numbers)}"
    return f'<li{sub}><p class="ts-says" dir="auto">{label}{words}{note}</p></li>'


def _differences(rows: Sequence[Row], numbers: Numbers) -> str:
    """Draw what differs with its sides beside one another."""
    shown: list[str] = []
    for level, group in groupby(rows, key=lambda row: row.level):
        if not level:
            shown += [f'<h4 dir="auto">{escape(row.label)}</h4>' for row in group]
            continue
        columns = "".join(
            f'<section class="ts-side"><p class="ts-says" dir="auto">{escape(_words(row))} '
            f'{_marks(row, numbers)}</p><p class="ts-from">{escape(row.note)}</p></section>'
            for row in group
        )
        shown.append(f'<div class="ts-sides">{columns}</div>')
    return "".join(shown)


def _words(row: Row) -> str:
    return unmarked(shown_text(row))


def _marks(row: Row, numbers: Numbers) -> str:
    cited = {numbers[c.article.id, c.start, c.end]: c for c in (*row.citations, *row.also)}
    return "".join(citation_mark(citation, numbers, TURN) for citation in cited.values())


# The articles beside it


def brief_sources(brief: Brief) -> str:
    """Return a card for each cited article, its quotes numbered and marked in it; the others in a list."""
    if not brief.sources:
        return f'<h2 class="ts-pane">Sources</h2><p class="ts-empty">{NO_SOURCES}</p>'
    numbered = list(enumerate(brief_citations(brief), start=1))
    groups = {o: n for n, o in enumerate(dict.fromkeys(use.origin for use in brief.sources), start=1)}
    cards, others = [], []
    for use in brief.sources:
        mine = [(n, citation) for n, citation in numbered if citation.article.id == use.article.id]
        if mine:
            cards.append(_card(use, mine, numbered, groups[use.origin]))
        else:
            others.append(
                f'<li dir="auto">{escape(title_of(use.article))} {imprint(use.article)}{_note(use)}</li>'
            )
    origins = f"{len(groups)} of {len(brief.sources)} independent"
    head = f'<h2 class="ts-pane">Sources <span class="ts-independent">{origins}</span></h2>'
    summary = f"{count(len(others), 'other article')} read"
    rest = f'<details class="ts-more"><summary>{summary}</summary><ul>{"".join(others)}</ul></details>'
    return head + "".join(cards) + (rest if others else "")


def _card(
    use: SourceUse,
    mine: Sequence[tuple[int, Citation]],
    numbered: Sequence[tuple[int, Citation]],
    origin: int,
) -> str:
    quotes = "".join(
        f'<li class="ts-cited" id="src-{TURN}-{n}" tabindex="-1" value="{n}"><mark dir="auto">'
        f"{escape(clip(citation.quote, 600))}</mark> {verdict(citation)} "
        f'<a href="#full-{TURN}-{n}">See it in the article</a></li>'
        for n, citation in mine
    )
    body = _article(use.article, [citation for _, citation in numbered])
    return (
        f'<article class="ts-card ts-source"><h3 dir="auto">{escape(title_of(use.article))}</h3>'
        f'{imprint(use.article)}<p class="ts-from">Origin {origin}; {use.share:.0%} of the lines.</p>'
        f"{_note(use)}"
        f'<ol class="ts-quotes">{quotes}</ol><details class="ts-whole"><summary>The whole article</summary>'
        f'<div class="ts-article" tabindex="0">{body}</div></details></article>'
    )


def _note(use: SourceUse) -> str:
    return f'<p class="ts-copy">{escape(use.note)}</p>' if use.note else ""


def _article(article: Article, cites: Sequence[Citation]) -> str:
    """Return the text in paragraphs with every cited span marked; long stretches between are left out."""
    shown: list[str] = []
    for piece in pieces(article, cites):
        text = str(piece["text"])
        if not piece["ids"]:
            if len(text) > GAP:
                text = f"{text[: GAP // 2]} […] {text[-GAP // 2 :]}"
            shown.append('</p><p dir="auto">'.join(map(_paragraph, _BREAK.split(text))))
            continue
        first, *more = piece["ids"]
        anchors = "".join(f'<span id="full-{TURN}-{n}"></span>' for n in more)
        inside = '</mark></p><p dir="auto"><mark>'.join(map(_paragraph, _BREAK.split(text)))
        shown.append(f'{anchors}<mark id="full-{TURN}-{first}" tabindex="-1">{inside}</mark>')
    return f'<p dir="auto">{"".join(shown)}</p>'


def _paragraph(text: str) -> str:
    return escape(_HEADING.sub("", text))

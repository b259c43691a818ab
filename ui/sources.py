"""Source cards, citation marks and the words of an article as HTML that is nothing but text.

Whatever comes from an article, a question or a model goes through `escape`, so it can be neither HTML nor
Markdown nor a template. Everything here is on one line, because a blank line would end Markdown's HTML block.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from rag.records import Article, Citation, Hit, Support
from rag.render import Numbers, day_in_words, verdict_in_words
from rag.text import Span, paragraphs, sentences

AROUND = 260
"""Characters of the article shown on each side of a quote, before whole sentences are taken."""
WHOLE = 30_000
"""Characters of the article that can be opened around a quote."""
PREVIEW = 300
"""Characters of a quote shown when a mark is pointed at, or of a passage that was only found."""

SIGNS: dict[Support, str] = {"supported": "✓", "partly": "◐", "contradicted": "✗", "unsupported": "–"}

_HEADING = re.compile(r"#{1,6} +")
# Letters, digits and spaces mean nothing to HTML or Markdown; all other ASCII is written as a number.
_ACTIVE = re.compile(r"[!-/:-@\[-`{-~]")
# Control characters, lone surrogates, and the overrides that would let a title reorder the words after it.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]+")


def escape(text: str) -> str:
    """Return HTML that shows the characters of `text` and does nothing; control characters become spaces."""
    return _ACTIVE.sub(lambda match: f"&#{ord(match.group())};", _UNPRINTABLE.sub(" ", text))


def clip(text: str, length: int) -> str:
    """Return `text`, cut after a word when it is longer than `length` characters."""
    if len(text) <= length:
        return text
    return text[:length].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def count(number: int, noun: str) -> str:
    """Return e.g. `1 article`, `1,038 articles`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def citation_mark(citation: Citation, numbers: Numbers, turn: int | str, *, judged: bool = True) -> str:
    """Return the link from a claim to its source card; the quote shows while it is pointed at or focused.

    Only what is `judged` has a verdict: a passage that merely came near has none.
    """
    number = numbers[citation.article.id, citation.start, citation.end]
    quote, who = escape(clip(citation.quote, PREVIEW)), byline(citation.article)
    return (
        f'<span class="ts-c"><a class="ts-cite" href="#src-{turn}-{number}">[{number}]</a>'
        f'<span class="ts-pop"><q dir="auto">{quote}</q><span class="ts-from">{who}</span>'
        f"{verdict(citation) if judged else ''}</span></span>"
    )


def verdict(citation: Citation) -> str:
    """Return the verdict as a sign and words."""
    words = escape(verdict_in_words(citation))
    return f'<span class="ts-verdict ts-{citation.support}">{SIGNS[citation.support]} {words}</span>'


def source_card(
    citation: Citation,
    turn: int,
    number: int,
    *,
    whole: bool = True,
    copy_of: int = 0,
    judged: bool = True,
) -> str:
    """Return one numbered card: the article, the verdict, and the quoted words marked where they stand.

    `whole` adds the article around them, folded; following the card's link opens it at the mark. `copy_of`
    is the number of a card whose article this one copies. Without `judged` there is no verdict.
    """
    article, quoted = citation.article, (citation.start, citation.end)
    opened, links = "", f'<a href="#turn-{turn}">Back to the answer</a>'
    if whole:
        anchor = f"full-{turn}-{number}"
        opened = _folded_article(article, quoted, anchor)
        links = f'<a href="#{anchor}">See it in the article</a> {links}'
    said = f"<p>{verdict(citation)}</p>" if judged else ""
    copied = f'<p class="ts-copy">Near-copy of [{copy_of}], one origin</p>' if copy_of else ""
    return (
        f'<article class="ts-card" id="src-{turn}-{number}" tabindex="-1">'
        f'<p class="ts-number">{number}</p><h3 dir="auto">{escape(title_of(article))}</h3>'
        f"{imprint(article)}{copied}{said}"
        f'<div class="ts-passage">{marked(article.text, around(article.text, quoted), quoted)}</div>'
        f'{opened}<p class="ts-links">{links}</p></article>'
    )


def found_card(hit: Hit) -> str:
    """Return a card without a number, for a passage that was found and perhaps not used."""
    article, shown = hit.passage.article, escape(clip(hit.passage.text, PREVIEW))
    return (
        f'<article class="ts-card ts-found"><h3 dir="auto">{escape(title_of(article))}</h3>'
        f'{imprint(article)}<p class="ts-passage" dir="auto">{shown}</p></article>'
    )


def _folded_article(article: Article, quoted: Span, anchor: str) -> str:
    room = (max(0, quoted[0] - WHOLE // 2), min(len(article.text), quoted[1] + WHOLE // 2))
    name = "The whole article" if room == (0, len(article.text)) else "More of the article"
    text = marked(article.text, room, quoted, anchor=anchor)
    return (
        f'<details class="ts-whole"><summary>{name}</summary>'
        f'<div class="ts-article" tabindex="0">{text}</div></details>'
    )


def around(text: str, span: Span) -> Span:
    """Return the whole sentences around `span`, about AROUND characters on each side."""
    low, high = max(0, span[0] - AROUND), min(len(text), span[1] + AROUND)
    cuts = [(low + start, low + end) for start, end in sentences(text[low:high])]
    inner = cuts[0 if low == 0 else 1 : None if high == len(text) else -1]
    starts = [start for start, _ in inner if start <= span[0]]
    ends = [end for _, end in inner if end >= span[1]]
    return min(starts, default=span[0]), max(ends, default=span[1])


def marked(text: str, room: Span, mark: Span, *, anchor: str = "") -> str:
    """Return the paragraphs of `text` within `room`, the characters of `mark` between `<mark>` tags."""
    shown: list[str] = []
    named = f' id="{anchor}" tabindex="-1"' if anchor else ""
    for start, end in paragraphs(text[room[0] : room[1]]):
        first, last = room[0] + start, room[0] + end
        left, right = max(first, mark[0]), min(last, mark[1])
        if left < right:
            before, quoted, after = text[first:left], text[left:right], text[right:last]
            inside = f"{escape(before)}<mark{named}>{escape(quoted)}</mark>{escape(after)}"
            shown.append(f'<p dir="auto">{inside}</p>')
            named = ""
        elif heading := _HEADING.match(text, first, last):
            shown.append(f'<p dir="auto" class="ts-head">{escape(text[heading.end() : last])}</p>')
        else:
            shown.append(f'<p dir="auto">{escape(text[first:last])}</p>')
    return "".join(shown)


def title_of(article: Article) -> str:
    """Return the title, or the first words of an article that has none."""
    return article.title or clip(article.text[:400].strip().partition("\n")[0], 90) or "Untitled"


def byline(article: Article) -> str:
    """Return who says it and when: the outlet, or the title when the article names none."""
    named = escape(article.source or clip(title_of(article), 70))
    said = day_in_words(article.published)
    return f"<bdi>{named}</bdi>" + (f", <time>{escape(said)}</time>" if said else "")


def imprint(article: Article) -> str:
    """Return the outlet and the date as the article states them, and where it was published."""
    outlet = f"<bdi>{escape(article.source)}</bdi>" if article.source else ""
    said = day_in_words(article.published)
    when = f"<time>{escape(said)}</time>" if said else ""
    missing = " or ".join(name for name, value in (("outlet", outlet), ("date", when)) if not value)
    stated = ", ".join(filter(None, (outlet, when)))
    unstated = f"No {missing} stated." if missing else ""
    return f'<p class="ts-from">{". ".join(filter(None, (stated, unstated)))}{_link(article)}</p>'


def _link(article: Article) -> str:
    """Return a link to where the article was published, when that is a web address."""
    try:
        address = urlsplit(article.url)
        host = address.hostname or ""
    except ValueError:
        return ""
    if address.scheme not in {"http", "https"} or not host:
        return ""
    return f' <a href="{escape(article.url)}" target="_blank" rel="noopener noreferrer">{escape(host)}</a>'

"""A checked draft as JSON, Markdown and a web page: each sentence, its verdict and the best words for it."""

from __future__ import annotations

from html import escape

from rag.records import Check, Checked, Citation, Support
from rag.render import VERDICTS, day_in_words, markdown, place_of, safe

SIGNS: dict[Support, str] = {"supported": "✓", "partly": "~", "contradicted": "✗", "unsupported": "?"}
"""One sign for each verdict; the words beside it say the same."""

CLAIMS: dict[Support, str] = {
    "supported": "the articles say so",
    "partly": "the articles say part of this",
    "contradicted": "the articles say otherwise",
    "unsupported": "no article says this",
}

_STYLE = """
:root{color-scheme:light dark;--ok:#1a7f37;--partly:#9a6700;--bad:#c1121f;--none:#6e6e6e;
--paper:#fff;--ink:#1b1b1b}
@media(prefers-color-scheme:dark){
:root{--ok:#4cc26a;--partly:#e0b341;--bad:#ff7b72;--none:#9a9a9a;--paper:#161616;--ink:#e8e8e8}}
body{font:17px/1.55 Georgia,serif;max-width:44rem;margin:2rem auto;padding:0 1rem;
background:var(--paper);color:var(--ink)}
h1{font-size:1.5rem;margin:0 0 .2rem}
.count{font:14px system-ui,sans-serif;color:var(--none);margin:0 0 1.6rem}
section{border-left:4px solid var(--none);padding:.1rem 0 .1rem .9rem;margin:0 0 1.2rem}p{margin:.2rem 0}
.supported{border-color:var(--ok)}.partly{border-color:var(--partly)}.contradicted,
.unsupported{border-color:var(--bad)}
.verdict{font:600 14px system-ui,sans-serif}.supported .verdict{color:var(--ok)}
.partly .verdict{color:var(--partly)}
.contradicted .verdict,.unsupported .verdict{color:var(--bad)}blockquote{margin:.3rem 0 0;font-size:15px}
cite{display:block;font:13px system-ui,sans-serif;color:var(--none)}.none{color:var(--none)}
"""


def counted(check: Check) -> str:
    """Return the sentences of each verdict in words: `9 supported · 1 partly · 2 contradicted`."""
    parts = [f"{check.count(support)} {support}" for support in VERDICTS if check.count(support)]
    silent = sum(each.support is None for each in check.sentences)
    return " · ".join([*parts, *([f"{silent} without a claim"] if silent else [])]) or "no sentence"


def judged(checked: Checked) -> str:
    """Return the verdict on a sentence in words, with its reason; empty when it claims nothing."""
    if checked.support is None:
        return ""
    reason = f": {checked.reason}" if checked.reason else ""
    return safe(f"{CLAIMS[checked.support]}{reason}")


def source(citation: Citation) -> str:
    """Return the outlet, the title and the day of what is cited."""
    article = citation.article
    about = [
        article.source or "outlet not stated",
        article.title,
        day_in_words(article.published) or "undated",
    ]
    return safe(" · ".join(filter(None, about)))


def check_to_json(check: Check) -> dict[str, object]:
    """Return the checked draft in the form that `tearsheet check --json` promises."""
    return {
        "written": check.written,
        "sound": check.sound,
        "counts": {support: check.count(support) for support in VERDICTS},
        "sentences": [
            {
                "text": each.text,
                "start": each.start,
                "end": each.end,
                "kind": each.kind,
                "support": each.support,
                "reason": each.reason,
                "citations": [_citation(citation) for citation in each.citations],
            }
            for each in check.sentences
        ],
        "notes": list(check.notes),
    }


def _citation(citation: Citation) -> dict[str, object]:
    article = citation.article
    return {
        "article": article.id,
        "source": article.source,
        "title": article.title,
        "published": article.published,
        "path": article.path,
        "url": article.url,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
        "support": citation.support,
        "reason": citation.reason,
    }


def check_to_markdown(check: Check) -> str:
    """Return the checked draft as Markdown: each sentence, its verdict, and the best words for it."""
    parts = [f"**{counted(check)}**"]
    for each in check.sentences:
        if each.support is None:
            parts.append(markdown(each.text))
            continue
        lines = [f"{markdown(SIGNS[each.support])} {markdown(each.text)}", f"  *{markdown(judged(each))}*"]
        lines += [
            f"  > “{markdown(citation.quote)}” — {markdown(source(citation))}"
            for citation in each.citations[:1]
        ]
        parts.append("\n\n".join([f"- {lines[0]}", *lines[1:]]))
    parts += [f"*{markdown(note)}*" for note in check.notes]
    return "\n\n".join(parts) + "\n"


def check_to_html(check: Check, title: str = "Checked draft") -> str:
    """Return the checked draft as one page that needs nothing else; all text in it is only text."""
    body = []
    for each in check.sentences:
        told = f"<p>{escape(safe(each.text))}</p>"
        if each.support is None:
            body.append(f'<section class="none">{told}</section>')
            continue
        verdict = f'<p class="verdict">{SIGNS[each.support]} {escape(judged(each))}</p>'
        cited = "".join(
            f"<blockquote>“{escape(safe(citation.quote))}”<cite>{escape(source(citation))} · "
            f"{escape(place_of(citation.article))}</cite></blockquote>"
            for citation in each.citations[:1]
        )
        body.append(f'<section class="{each.support}">{told}{verdict}{cited}</section>')
    notes = "".join(f"<p>{escape(safe(note))}</p>" for note in check.notes)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(safe(title))}</title><style>{_STYLE}</style></head><body>"
        f'<h1>{escape(safe(title))}</h1><p class="count">{escape(counted(check))}</p>'
        f"{''.join(body)}{notes}</body></html>\n"
    )


__all__ = ["SIGNS", "check_to_html", "check_to_json", "check_to_markdown", "counted", "judged", "source"]

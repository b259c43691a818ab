"""Briefings on a terminal: the page wrapped and coloured there, plain text elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from rag.records import Brief
from rag.render import Numbers, brief_citations, brief_numbers, marks, safe, unmarked, verdict_in_words
from rag.render_brief import NOTHING, Row, footer, giver, parts, shown_text, source_line
from rag.terminal import LOOKS, MARK, Line, plain


def brief_lines(brief: Brief) -> list[Line]:
    """Return the page: headline, parts with their marks, sources, then each passage with its verdict."""
    lines = [plain(brief.headline or brief.topic, "bold")]
    if brief.headline:
        lines.append(plain(f"Briefing on {brief.topic}", "dim"))
    if brief.status == "refused":
        return [*lines, plain(""), plain(NOTHING, "bold"), *(plain(note, "dim") for note in brief.notes)]
    numbers = brief_numbers(brief)
    for part in parts(brief):
        lines.append(plain(""))
        if part.kind == "answer":
            lines.append(_paragraph(part.rows, numbers))
            continue
        lines.append(plain(part.heading, "bold underline"))
        lines += [_row_line(row, numbers) for row in part.rows]
    lines += [plain(""), plain("Sources", "bold underline")]
    lines += [plain(f"{use.share:>4.0%}  {source_line(use)}", indent=2, hang=8) for use in brief.sources]
    lines += [plain(""), *_passages(brief, numbers), plain("")]
    return [*lines, *(plain(note, "dim") for note in (*brief.notes, footer(brief)))]


def _paragraph(rows: tuple[Row, ...], numbers: Numbers) -> Line:
    line = Text()
    for row in rows:
        line = line + Text(" " if line else "") + Text(unmarked(safe(row.text)))
        line = line + Text(f" {marks(row.citations, numbers)}", MARK)
    return Line(line)


def _row_line(row: Row, numbers: Numbers) -> Line:
    bullet = "– " if row.level else "• "
    parts_: list[tuple[str, str]] = [(bullet, "")]
    if row.label:
        parts_.append((f"{unmarked(safe(row.label))}  ", "dim" if row.level else "bold"))
    if row.text:
        parts_ += [(unmarked(safe(shown_text(row))), ""), (f" {marks(row.citations, numbers)}", MARK)]
    if row.note:
        parts_.append((f"  ({safe(row.note)})", "dim"))
    indent = 2 + 2 * row.level
    return Line(Text.assemble(*parts_), indent, indent + 2)


def _passages(brief: Brief, numbers: Numbers) -> Iterator[Line]:
    yield plain("Passages", "bold underline")
    for citation in brief_citations(brief):
        mark = f"{marks([citation], numbers)} "
        sign, colour = LOOKS[citation.support]
        about = (f"  {giver(citation)} · {citation.article.id[:8]} ", "dim")
        verdict = (f"{sign} {verdict_in_words(citation)}", colour)
        yield Line(Text.assemble((mark, MARK), f"“{safe(citation.quote)}”", about, verdict), 0, len(mark))


__all__ = ["brief_lines"]

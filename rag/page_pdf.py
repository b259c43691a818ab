"""A briefing -> a PDF: the same page on paper, passages as numbered notes at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rag.errors import InputError
from rag.page import axis
from rag.records import Brief, Citation
from rag.render import Numbers, brief_citations, brief_numbers, marks, safe, unmarked, verdict_in_words
from rag.render_brief import NOTHING, Row, footer, givers, parts, shown_text, source_line

MARGIN = 22.0
"""Millimetres."""
FAMILY = "Source Serif Pro"
_INK, _SOFT, _ACCENT, _LINE = (27, 27, 27), (92, 92, 92), (11, 90, 138), (217, 213, 204)


def brief_to_pdf(brief: Brief) -> bytes:
    """Return the PDF. Raises InputError when the package that draws it is not installed."""
    pdf = _sheet(brief)
    numbers = brief_numbers(brief)
    pdf.add_page()
    _text(pdf, unmarked(safe(brief.headline or brief.topic)), size=21, style="B", gap=1)
    _text(pdf, f"Briefing on {safe(brief.topic)}", size=9, colour=_SOFT, gap=4)
    if brief.status == "refused":
        _text(pdf, NOTHING, size=12, style="B")
    for part in parts(brief):
        if part.kind == "answer":
            pdf.set_font(FAMILY, "", 12.5)
            for row in part.rows:
                _write(pdf, f"{unmarked(safe(row.text))} ", 6.2)
                _marks(pdf, row, numbers, 6.2)
                _write(pdf, " ", 6.2)
            pdf.ln(8)
            continue
        _heading(pdf, part.heading)
        if part.kind == "timeline":
            _drawing(pdf, brief)
        for row in part.rows:
            _row(pdf, row, numbers)
    if brief.sources:
        _sources(pdf, brief)
        _heading(pdf, "Passages")
        for number, citation in enumerate(brief_citations(brief), start=1):
            _passage(pdf, number, citation)
    pdf.ln(3)
    for note in (*brief.notes, footer(brief) if brief.sources else ""):
        if note:
            _text(pdf, safe(note), size=8, colour=_SOFT, gap=1)
    return bytes(pdf.output())


def _sheet(brief: Brief) -> Any:  # noqa: ANN401 - fpdf is imported late
    try:
        import font_source_serif_pro
        from fpdf import FPDF
    except ImportError as error:
        raise InputError(f"A PDF cannot be drawn: {error}. Reinstall Tearsheet, or write .html.") from error
    files = Path(font_source_serif_pro.__file__).parent / "files"

    class Sheet(FPDF):  # type: ignore[misc]
        def footer(self) -> None:
            self.set_y(-15)
            self.set_font(FAMILY, "", 8)
            self.set_text_color(*_SOFT)
            self.cell(0, 6, f"{self.page_no()}", align="C")

    pdf = Sheet(format="A4")
    for style, name in (("", "Regular"), ("B", "Bold"), ("I", "It")):
        pdf.add_font(FAMILY, style, str(files / f"SourceSerifPro-{name}.ttf"))
    pdf.set_title(safe(brief.headline or brief.topic))
    pdf.set_creator("Tearsheet")
    pdf.set_lang("en")
    pdf.set_margins(MARGIN, MARGIN, MARGIN)
    pdf.set_auto_page_break(auto=True, margin=MARGIN)
    return pdf


def _text(
    pdf: Any,  # noqa: ANN401
    text: str,
    *,
    size: float,
    style: str = "",
    colour: tuple[int, int, int] = _INK,
    gap: float = 2,
) -> None:
    pdf.set_font(FAMILY, style, size)
    pdf.set_text_color(*colour)
    pdf.multi_cell(0, size * 0.48, text, new_x="LMARGIN", new_y="NEXT", align="L")
    pdf.ln(gap)


def _write(pdf: Any, text: str, height: float) -> None:  # noqa: ANN401
    pdf.set_text_color(*_INK)
    pdf.write(height, text)


def _marks(pdf: Any, row: Row, numbers: Numbers, height: float) -> None:  # noqa: ANN401
    if not row.citations:
        return
    size = pdf.font_size_pt
    pdf.set_font(FAMILY, "", size * 0.72)
    pdf.set_text_color(*_ACCENT)
    pdf.write(height, marks(row.citations, numbers))
    pdf.set_font(FAMILY, "", size)


def _heading(pdf: Any, heading: str) -> None:  # noqa: ANN401
    if pdf.will_page_break(30):
        pdf.add_page()
    pdf.ln(3)
    pdf.set_draw_color(*_INK)
    pdf.set_line_width(0.5)
    pdf.line(MARGIN, pdf.get_y(), pdf.w - MARGIN, pdf.get_y())
    pdf.ln(2)
    _text(pdf, heading.upper(), size=10, style="B", gap=1)


def _row(pdf: Any, row: Row, numbers: Numbers) -> None:  # noqa: ANN401
    indent = MARGIN + 6 * row.level
    if pdf.will_page_break(11):
        pdf.add_page()
    pdf.set_left_margin(indent)
    pdf.set_x(indent)
    if row.label:
        pdf.set_font(FAMILY, "B", 10.5)
        _write(pdf, f"{unmarked(safe(row.label))} ", 5.2)
    if row.text:
        pdf.set_font(FAMILY, "", 10.5)
        _write(pdf, f"{unmarked(safe(shown_text(row)))} ", 5.2)
        _marks(pdf, row, numbers, 5.2)
    if row.note:
        pdf.set_font(FAMILY, "I", 8.5)
        pdf.set_text_color(*_SOFT)
        pdf.write(5.2, f" ({safe(row.note)})")
    pdf.set_left_margin(MARGIN)
    pdf.ln(6.4)


def _drawing(pdf: Any, brief: Brief) -> None:  # noqa: ANN401
    drawn = axis([event for event in brief.timeline if not event.ahead])
    if drawn is None:
        return
    scale = (pdf.w - 2 * MARGIN) / drawn["width"]
    top = pdf.get_y()
    pdf.set_draw_color(*_LINE)
    pdf.line(MARGIN, top + 34 * scale, pdf.w - MARGIN, top + 34 * scale)
    pdf.set_line_width(0.4)
    for dot in drawn["dots"]:
        pdf.set_draw_color(*_ACCENT)
        pdf.set_fill_color(*((255, 255, 255) if dot["loose"] else _ACCENT))
        x, y, r = MARGIN + dot["x"] * scale, top + 34 * scale, 10 * scale
        pdf.circle(x=x, y=y, radius=r, style="DF")
        pdf.set_font(FAMILY, "B", 8)
        pdf.set_text_color(*(_INK if dot["loose"] else (255, 255, 255)))
        pdf.set_xy(x - 4, y - 2)
        pdf.cell(8, 4, str(dot["n"]), align="C")
    pdf.set_font(FAMILY, "", 8)
    pdf.set_text_color(*_SOFT)
    for tick in drawn["ticks"]:
        x = MARGIN + tick["x"] * scale
        left = {"start": x - 2, "end": x - 38, "middle": x - 20}[tick["anchor"]]
        pdf.set_xy(left, top + tick["y"] * scale - 3.4)
        pdf.cell(40, 4, tick["text"], align={"start": "L", "end": "R", "middle": "C"}[tick["anchor"]])
    pdf.set_xy(MARGIN, top + drawn["height"] * scale + 1)


def _sources(pdf: Any, brief: Brief) -> None:  # noqa: ANN401
    _heading(pdf, "Sources")
    groups = {o: n for n, o in enumerate(dict.fromkeys(use.origin for use in brief.sources), start=1)}
    for use in brief.sources:
        line = f"{use.share:>4.0%}  {source_line(use)} (origin {groups[use.origin]})"
        _text(pdf, f"{line} {safe(use.article.url)}".rstrip(), size=9, gap=0.6)


def _passage(pdf: Any, number: int, citation: Citation) -> None:  # noqa: ANN401
    pdf.set_font(FAMILY, "", 8.5)
    told = f"[{number}] “{safe(citation.quote)}” "
    _write(pdf, told, 4.2)
    pdf.set_font(FAMILY, "I", 8.5)
    pdf.set_text_color(*_SOFT)
    pdf.write(4.2, f"{givers([citation])} ({verdict_in_words(citation)})")
    pdf.ln(5.4)


__all__ = ["brief_to_pdf"]

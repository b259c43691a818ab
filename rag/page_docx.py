"""A briefing -> a Word document with real footnotes, written as the plain Office Open XML that it is."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from rag.records import Brief, Citation
from rag.render import brief_citations, brief_numbers, safe, unmarked, verdict_in_words
from rag.render_brief import NOTHING, Row, footer, giver, givers, parts, shown_text, source_line

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_KIND = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_WHEN = (1980, 1, 1, 0, 0, 0)
"""The date of every part, so that the same briefing gives the same file."""

_TYPES = f"""{_HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">\
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>\
<Default Extension="xml" ContentType="application/xml"/>\
<Override PartName="/word/document.xml" ContentType="{_KIND}.document.main+xml"/>\
<Override PartName="/word/styles.xml" ContentType="{_KIND}.styles+xml"/>\
<Override PartName="/word/settings.xml" ContentType="{_KIND}.settings+xml"/>\
<Override PartName="/word/footnotes.xml" ContentType="{_KIND}.footnotes+xml"/></Types>"""

_ROOT = f"""{_HEAD}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">\
<Relationship Id="rId1" Type="{_TYPE}/officeDocument" Target="word/document.xml"/></Relationships>"""

_PARTS = f"""{_HEAD}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">\
<Relationship Id="rId1" Type="{_TYPE}/styles" Target="styles.xml"/>\
<Relationship Id="rId2" Type="{_TYPE}/settings" Target="settings.xml"/>\
<Relationship Id="rId3" Type="{_TYPE}/footnotes" Target="footnotes.xml"/></Relationships>"""

_SETTINGS = f"""{_HEAD}<w:settings {_W}><w:footnotePr><w:footnote w:id="-1"/><w:footnote w:id="0"/>\
</w:footnotePr></w:settings>"""


def _style(
    name: str, label: str, run: str, paragraph: str, *, kind: str = "paragraph", after: str = "Normal"
) -> str:
    base = f'<w:basedOn w:val="{after}"/>' if name not in {"Normal", after} and kind == "paragraph" else ""
    default = ' w:default="1"' if name == "Normal" else ""
    inner = f"<w:pPr>{paragraph}</w:pPr>" if paragraph else ""
    return (
        f'<w:style w:type="{kind}"{default} w:styleId="{name}"><w:name w:val="{label}"/>{base}{inner}'
        f"<w:rPr>{run}</w:rPr></w:style>"
    )


_SANS = '<w:rFonts w:ascii="Calibri" w:hAnsi="Calibri" w:cs="Calibri"/>'
_STYLES = (
    f"{_HEAD}<w:styles {_W}>"
    + _style(
        "Normal",
        "Normal",
        '<w:rFonts w:ascii="Georgia" w:hAnsi="Georgia" w:cs="Georgia"/><w:sz w:val="21"/>'
        '<w:lang w:val="en-GB"/>',
        '<w:spacing w:after="100" w:line="288" w:lineRule="auto"/>',
    )
    + _style("Title", "Title", '<w:b/><w:sz w:val="36"/>', '<w:spacing w:after="60"/>')
    + _style(
        "Heading1",
        "heading 1",
        f'{_SANS}<w:b/><w:caps/><w:spacing w:val="20"/><w:sz w:val="22"/>',
        '<w:keepNext/><w:pBdr><w:top w:val="single" w:sz="12" w:space="4" w:color="000000"/></w:pBdr>'
        '<w:spacing w:before="320" w:after="100"/><w:outlineLvl w:val="0"/>',
    )
    + _style("Meta", "Meta", f'{_SANS}<w:color w:val="595959"/><w:sz w:val="18"/>', "")
    + _style("Short", "In short", '<w:sz w:val="24"/>', "")
    + _style("Entry", "Entry", "", '<w:ind w:left="240" w:hanging="240"/>')
    + _style("Side", "Side", "", '<w:ind w:left="560" w:hanging="240"/>')
    + _style("FootnoteText", "footnote text", '<w:sz w:val="17"/>', '<w:spacing w:after="20" w:line="240"/>')
    + _style(
        "FootnoteReference", "footnote reference", '<w:vertAlign w:val="superscript"/>', "", kind="character"
    )
    + "</w:styles>"
)


def brief_to_docx(brief: Brief) -> bytes:
    """Return the document; each cited span is one footnote, and later marks refer to its number."""
    numbers = brief_numbers(brief)
    shown: set[int] = set()

    def marks(citations: Sequence[Citation]) -> str:
        listed = dict.fromkeys(numbers[c.article.id, c.start, c.end] for c in citations)
        made = []
        for number in listed:
            if number in shown:
                made.append(_run(f"[{_order(number)}]", '<w:vertAlign w:val="superscript"/>'))
            else:
                shown.add(number)
                order.append(number)
                made.append(
                    f'<w:r><w:rPr><w:rStyle w:val="FootnoteReference"/></w:rPr>'
                    f'<w:footnoteReference w:id="{len(order)}"/></w:r>'
                )
        return _run(" ", '<w:vertAlign w:val="superscript"/>').join(made)

    order: list[int] = []

    def _order(number: int) -> int:
        return order.index(number) + 1

    body = [_paragraph("Title", _run(brief.headline or brief.topic))]
    if brief.headline:
        body.append(_paragraph("Meta", _run(f"Briefing on {brief.topic}")))
    if brief.status == "refused":
        body.append(_paragraph("Short", _run(NOTHING)))
    for part in parts(brief):
        if part.kind == "answer":
            lines = "".join(
                _run(f"{unmarked(row.text)}") + marks(row.citations) + _run(" ") for row in part.rows
            )
            body.append(_paragraph("Short", lines))
            continue
        body.append(_paragraph("Heading1", _run(part.heading)))
        body += [_row(row, marks(row.citations)) for row in part.rows]
    if brief.sources:
        body.append(_paragraph("Heading1", _run("Sources")))
        body.append(_table(brief))
    body += [
        _paragraph("Meta", _run(note))
        for note in (*brief.notes, footer(brief) if brief.sources else "")
        if note
    ]
    cites = brief_citations(brief)
    notes = [_footnote(place, cites[number - 1]) for place, number in enumerate(order, start=1)]
    page = (
        '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1300" w:right="1300" w:bottom="1300" '
        'w:left="1300" w:header="700" w:footer="700" w:gutter="0"/></w:sectPr>'
    )
    files = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _ROOT,
        "word/_rels/document.xml.rels": _PARTS,
        "word/document.xml": f"{_HEAD}<w:document {_W} {_R}><w:body>{''.join(body)}{page}</w:body>"
        "</w:document>",
        "word/styles.xml": _STYLES,
        "word/settings.xml": _SETTINGS,
        "word/footnotes.xml": f"{_HEAD}<w:footnotes {_W}>{_SEPARATORS}{''.join(notes)}</w:footnotes>",
    }
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _WHEN), content.encode("utf-8"), zipfile.ZIP_DEFLATED)
    return held.getvalue()


_SEPARATORS = (
    '<w:footnote w:type="separator" w:id="-1"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>'
    '<w:footnote w:type="continuationSeparator" w:id="0"><w:p><w:r><w:continuationSeparator/></w:r></w:p>'
    "</w:footnote>"
)


def _row(row: Row, marks: str) -> str:
    made = [_run("– " if row.level else "• ")]
    if row.label:
        made.append(_run(f"{unmarked(row.label)} ", "<w:b/>"))
    if row.text:
        made += [_run(unmarked(shown_text(row))), marks]
    if row.note:
        made.append(_run(f"  ({row.note})", f'{_SANS}<w:color w:val="595959"/><w:sz w:val="17"/>'))
    return _paragraph("Side" if row.level else "Entry", "".join(made))


def _table(brief: Brief) -> str:
    groups = {o: n for n, o in enumerate(dict.fromkeys(use.origin for use in brief.sources), start=1)}
    rows = [("Article", "Origin", "Part of the lines")]
    rows += [
        (_with_address(use.article.url, source_line(use)), str(groups[use.origin]), f"{use.share:.0%}")
        for use in brief.sources
    ]
    edge = '<w:bottom w:val="single" w:sz="4" w:space="0" w:color="BFBFBF"/>'
    cells = "".join(
        "<w:tr>"
        + "".join(
            f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/><w:tcBorders>{edge}</w:tcBorders></w:tcPr>'
            + _paragraph("Meta", _run(text, "<w:b/>" if row is rows[0] else ""))
            + "</w:tc>"
            for text, width in zip(row, (6600, 1000, 1700), strict=True)
        )
        + "</w:tr>"
        for row in rows
    )
    return (
        '<w:tbl><w:tblPr><w:tblW w:w="9300" w:type="dxa"/></w:tblPr><w:tblGrid><w:gridCol w:w="6600"/>'
        f'<w:gridCol w:w="1000"/><w:gridCol w:w="1700"/></w:tblGrid>{cells}</w:tbl>'
    )


def _with_address(url: str, line: str) -> str:
    return f"{line}, {url}" if url else line


def _footnote(number: int, citation: Citation) -> str:
    article = citation.article
    about = ", ".join(
        filter(None, [givers([citation]), article.title if article.source else "", article.url])
    )
    mark = '<w:r><w:rPr><w:rStyle w:val="FootnoteReference"/></w:rPr><w:footnoteRef/></w:r>'
    text = f" “{safe(citation.quote)}” {safe(about or giver(citation))} ({verdict_in_words(citation)})"
    return f'<w:footnote w:id="{number}">{_paragraph("FootnoteText", mark + _run(text))}</w:footnote>'


def _paragraph(style: str, runs: str) -> str:
    return f"<w:p><w:pPr><w:pStyle w:val={quoteattr(style)}/></w:pPr>{runs}</w:p>"


def _run(text: str, looks: str = "") -> str:
    shown = "".join(text.split("\x00"))
    shown = safe(shown) if shown.strip() else shown
    lead, tail = (" " if text[:1].isspace() else ""), (" " if len(text) > 1 and text[-1:].isspace() else "")
    kept = f"{lead}{shown.strip()}{tail}" if shown.strip() else " "
    return f'<w:r><w:rPr>{looks}</w:rPr><w:t xml:space="preserve">{escape(kept)}</w:t></w:r>'


__all__ = ["brief_to_docx"]

"""The pages of a briefing: the same lines in every format, article text never markup, no network."""

from __future__ import annotations

import io
import re
import zipfile
from xml.etree import ElementTree

import pytest
from pypdf import PdfReader

from rag.brief_command import as_bytes
from rag.page import axis, pieces
from rag.records import Article, Brief, Citation, Claim, Difference, Event, Point, Section, Side, SourceUse
from rag.render import brief_to_json

TEXT = (
    "The ferry burned on Monday <script>alert(1)</script>. Six people died & one [1] is missing. Rain fell."
)
ONE = Article(id="a" * 16, text=TEXT, title="Fire <b>aboard</b>", source="Tidende", url="javascript:alert(1)")
TWO = Article(id="b" * 16, text="Five people died in the fire.", title="Five dead", published="2026-01-02")


def cite(article: Article, words: str) -> Citation:
    start = article.text.index(words)
    return Citation(article, start, start + len(words), words)


def claim(article: Article, words: str) -> Claim:
    return Claim(words, (cite(article, words),))


def made() -> Brief:
    burned = "The ferry burned on Monday <script>alert(1)</script>."
    died = "Six people died & one [1] is missing."
    return Brief(
        "the <fire>",
        "answered",
        headline=ONE.title,
        headline_from=ONE,
        sections=(
            Section("answer", "In short", (Point(claim(ONE, died), origins=2),)),
            Section("alone", "What only one source says", (Point(claim(ONE, "Rain fell."), alone=True),)),
        ),
        timeline=(
            Event("2026-01-05", "2026-01-05", "Monday", True, False, claim(ONE, burned)),
            Event("2026-01-07", "2026-01-07", "Wednesday", True, False, claim(ONE, "Rain fell.")),
        ),
        disagreements=(
            Difference(
                "How many died",
                (
                    Side("Six people", (cite(ONE, "Six people"),)),
                    Side("Five people", (cite(TWO, "Five people"),)),
                ),
            ),
        ),
        sources=(SourceUse(ONE, ONE.id, 0.8), SourceUse(TWO, TWO.id, 0.2)),
    )


LINES = (
    "Six people died & one (1) is missing.",
    "Rain fell.",
    "How many died",
    "Five people",
    "5 January 2026",
)


def words_of(kind: str) -> str:
    content = as_bytes(made(), kind)
    if kind == "docx":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                ElementTree.fromstring(archive.read(name))
            body = ElementTree.fromstring(archive.read("word/document.xml"))
        return " ".join("".join(p.itertext()) for p in body.iter() if p.tag.endswith("}p"))
    if kind == "pdf":
        return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    return content.decode("utf-8")


@pytest.mark.parametrize("kind", ["text", "md", "html", "docx", "pdf"])
def test_every_format_shows_the_same_lines(kind):
    shown = words_of(kind).replace("&amp;", "&").replace("[1\\]", "(1)")
    shown = " ".join(shown.replace("\\", "").replace("one [1]", "one (1)").split())
    for line in LINES:
        assert line in shown, (kind, line)


def test_nothing_in_an_article_becomes_markup_or_a_link():
    page = as_bytes(made(), "html").decode("utf-8")
    assert "<script" not in page
    assert "<b>aboard" not in page
    assert "javascript:" not in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "<script>" not in as_bytes(made(), "md").decode("utf-8")


def test_the_page_asks_nothing_of_the_network():
    page = as_bytes(made(), "html").decode("utf-8")
    assert "default-src 'none'" in page
    assert not re.search(r"@import|url\(|<link|<iframe|<img", page)


def test_each_mark_leads_to_its_passage_in_the_article():
    page = as_bytes(made(), "html").decode("utf-8")
    linked = set(re.findall(r'href="#(m\d+)"', page))
    assert linked
    assert linked <= set(re.findall(r'id="(m\d+)"', page))
    assert len(re.findall(r'<mark id="m', page)) >= 3


def test_marks_inside_marks_keep_the_text_whole():
    inner, outer = cite(ONE, "Six people"), cite(ONE, "Six people died & one [1] is missing.")
    cut = pieces(ONE, [inner, outer])
    assert "".join(piece["text"] for piece in cut) == TEXT
    assert [piece["ids"] for piece in cut if piece["ids"]] == [[2, 1]]


def test_the_drawing_of_the_timeline_tells_itself_in_words():
    drawn = axis(made().timeline)
    assert drawn["told"] == "1: 5 January 2026; 2: 7 January 2026"
    assert drawn["dots"][1]["x"] - drawn["dots"][0]["x"] >= 24
    assert axis(made().timeline[:1]) is None


def test_word_has_one_footnote_for_each_span_and_is_always_the_same():
    content = as_bytes(made(), "docx")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        notes = archive.read("word/footnotes.xml").decode("utf-8")
        body = archive.read("word/document.xml").decode("utf-8")
    assert sorted(re.findall(r'<w:footnote w:id="(\d+)"', notes)) == ["1", "2", "3", "4", "5"]
    assert re.findall(r'<w:footnoteReference w:id="(\d+)"', body) == ["1", "2", "3", "4", "5"]
    assert content == as_bytes(made(), "docx")


def test_json_keeps_the_promised_fields():
    told = brief_to_json(made())
    assert {"topic", "sections", "timeline", "disagreements", "sources"} <= set(told)
    (first,) = told["sections"][0]["claims"]
    assert first["citations"][0]["quote"] == "Six people died & one [1] is missing."
    assert (told["timeline"][0]["date"], told["timeline"][0]["claim"]["by"]) == ("2026-01-05", "source")
    assert [side["value"] for side in told["disagreements"][0]["sides"]] == ["Six people", "Five people"]

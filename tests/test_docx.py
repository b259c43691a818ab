"""Word documents: the words the writer last saw, and a reason for what is none or a trap."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from rag.docx import read_docx
from rag.errors import ReadError
from rag.read import read_file
from rag.records import Article

SPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def docx(body: str, *, core: str = "", head: str = "") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("word/document.xml", f"{head}<w:document {SPACE}><w:body>{body}</w:body></w:document>")
        if core:
            parts.writestr("docProps/core.xml", core)
    return data.getvalue()


def run(words: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{words}</w:t></w:r>'


def test_tracked_changes_read_as_accepted() -> None:
    body = (
        f"<w:p>{run('Nine ')}<w:del><w:r><w:delText>dogs </w:delText></w:r></w:del>"
        f"<w:ins>{run('people ')}</w:ins><w:hyperlink>{run('were hurt')}</w:hyperlink>{run('.')}</w:p>"
    )
    assert read_docx(docx(body))[0] == "Nine people were hurt."


def test_tables_tabs_and_breaks_keep_words_apart() -> None:
    cell = f"<w:tc><w:p>{run('Oslo')}</w:p></w:tc><w:tc><w:p>{run('9')}</w:p></w:tc>"
    marks = f"<w:p>{run('a')}<w:r><w:tab/></w:r>{run('b')}<w:r><w:br/></w:r>{run('c')}</w:p>"
    assert read_docx(docx(f"<w:tbl><w:tr>{cell}</w:tr></w:tbl>{marks}"))[0] == "Oslo\n9\na b c"


def test_a_saved_document_becomes_an_article(tmp_path: Path) -> None:
    core = '<c xmlns:dc="d"><dc:title>Fire at the mill</dc:title><dc:creator>Ann Berg</dc:creator></c>'
    (tmp_path / "a.docx").write_bytes(docx(f"<w:p>{run('Nine people were hurt in Dalby.')}</w:p>", core=core))
    (article,) = read_file(tmp_path / "a.docx")
    assert isinstance(article, Article)
    assert (article.title, article.byline, article.published) == ("Fire at the mill", "Ann Berg", "")
    assert article.text == "Nine people were hurt in Dalby."


def test_entities_are_not_resolved(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("SECRET")
    head = f'<!DOCTYPE d [<!ENTITY x SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
    assert read_docx(docx(f"<w:p>{run('a &x; b')}</w:p>", head=head))[0] == "a"


def bomb() -> bytes:
    data = io.BytesIO()
    with (
        zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as parts,
        parts.open("word/document.xml", "w") as part,
    ):
        for _ in range(70):
            part.write(bytes(1_000_000))
    return data.getvalue()


def lying_bomb() -> bytes:
    """A document that says it unpacks to 100 bytes."""
    data = bytearray(bomb())
    for place in (data.find(b"PK\x03\x04") + 22, data.find(b"PK\x01\x02") + 24):
        data[place : place + 4] = (100).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "damaged"),
        (b"PK\x03\x04 and no more", "damaged"),
        (docx("<w:p>")[:-30], "damaged"),
        (docx("<w:p>"), "damaged"),
        (bomb(), "unpacks to 70 MB"),
        (lying_bomb(), "damaged"),
    ],
    ids=["empty", "no zip", "cut", "no XML", "bomb", "lying bomb"],
)
def test_what_is_no_document_or_a_trap_is_said(data: bytes, said: str) -> None:
    assert len(data) < 200_000
    with pytest.raises(ReadError, match=said):
        read_docx(data)


def test_a_zip_without_a_document_is_none() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as parts:
        parts.writestr("other.xml", "<a/>")
    with pytest.raises(ReadError, match="no Word document"):
        read_docx(data.getvalue())

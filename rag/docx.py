"""Word documents (.docx) -> their text and what they say of themselves, as the writer last saw it.

Text that tracked changes deleted is left out and text they inserted is kept. python-docx leaves out both.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING

from rag.errors import ReadError

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

MAX_UNPACKED = 60_000_000
"""Bytes of one part of a document once unpacked; a small file that holds more is a trap."""

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SKIPPED = {f"{_WORD}{name}" for name in ("del", "moveFrom", "instrText", "delText")}
_OLDER = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"


def read_docx(data: bytes) -> tuple[str, dict[str, object]]:
    """Return the text, a paragraph to a line, and title, author and dates. Raises ReadError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            body = _part(parts, "word/document.xml")
            about = _part(parts, "docProps/core.xml") if "docProps/core.xml" in parts.namelist() else None
    except ReadError:
        raise
    except KeyError as error:
        raise ReadError("The file is no Word document: it has no document inside.") from error
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise ReadError(f"The Word document is damaged or locked ({error}). Save it again.") from error
    except Exception as error:  # zlib and lzma have errors of their own
        raise ReadError(f"The Word document is damaged ({type(error).__name__}). Save it again.") from error
    paragraphs = [_paragraph(one) for one in body.iter(f"{_WORD}p") if not _inside(one, f"{_WORD}p")]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(paragraphs))
    return text, {} if about is None else _fields(about)


def _part(parts: zipfile.ZipFile, name: str) -> Element:
    from lxml import etree

    size = parts.getinfo(name).file_size
    if size > MAX_UNPACKED:
        raise ReadError(f"The Word document unpacks to {size / 1e6:,.0f} MB; the limit is 60 MB.")
    # zipfile never unpacks more than the size that it was told.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(parts.read(name), parser)
    except etree.XMLSyntaxError as error:
        raise ReadError(f"The Word document is damaged ({error}). Save it again.") from error


def _inside(element: Element, tag: str) -> bool:
    return next(element.iterancestors(tag), None) is not None


def _paragraph(paragraph: Element) -> str:
    words: list[str] = []
    pending = [paragraph]
    while pending:
        element = pending.pop()
        if element.tag in _SKIPPED or element.tag == _OLDER:
            continue
        if element.tag == f"{_WORD}t":
            words.append(element.text or "")
        elif element.tag in (f"{_WORD}tab", f"{_WORD}br", f"{_WORD}cr"):
            words.append(" ")
        elif element.tag == f"{_WORD}noBreakHyphen":
            words.append("-")
        pending.extend(reversed(element))
    return "".join(words).strip()


def _fields(about: Element) -> dict[str, object]:
    """Return what the document says of itself, by our names; dates of a file are not dates of an article."""
    found = {str(one.tag).rpartition("}")[2]: (one.text or "").strip() for one in about}
    title = found.get("title", "")
    return {
        "title": "" if re.search(r"\.\w{2,5}$|^untitled|^document\d*$", title, re.IGNORECASE) else title,
        "byline": found.get("creator", ""),
        "tags": found.get("keywords", ""),
    }

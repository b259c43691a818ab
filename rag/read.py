"""Files, folders and fetched pages -> Articles: text, Markdown, HTML, PDF, Word and JSON lines.

Every failure is a value (`Unread`, with the reason in words), so that one bad file never stops a batch.
The text is kept as the file has it: decoded, NFC, LF line ends, without invisible control characters.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rag.clean import binary, clean, decode, is_known_binary, iso_date, title_of, web_address
from rag.docx import read_docx
from rag.errors import ReadError
from rag.records import Article

MAX_BYTES = 20_000_000
"""Bytes of one file, or of one line of a .jsonl, that are still read."""
MAX_TAGS = 100_000
"""Tags of an HTML page; finding the article among so many takes about 20 seconds, and no page has them."""
MAX_LABELS = 50
"""Tags that an article keeps of those it is labelled with."""
MAX_CHARACTERS = 5_000_000
"""Characters of one article; more than this is a damaged or hostile file, not an article."""
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"([A-Za-z][\w \-]{0,40}?)\s*:(?:\s+(.*))?")
_MODIFIED = re.compile(
    rb"""(?:article:modified_time["'][^>]{0,40}?content=|"dateModified"\s*:\s*)["']([^"']{4,40})["']""",
    re.IGNORECASE,
)
_MODIFIED_TURNED = re.compile(
    rb"""content=["']([^"']{4,40})["'][^>]{0,40}?article:modified_time""", re.IGNORECASE
)
_SYNONYMS = {
    "title": ("title", "headline"),
    "source": ("source", "outlet", "publisher", "publication", "site", "sitename"),
    "url": ("url", "link", "canonicalurl"),
    "published": ("published", "publishedat", "publishdate", "datepublished", "pubdate", "date"),
    "updated": ("updated", "updatedat", "modified", "datemodified"),
    "byline": ("byline", "author", "authors"),
    "tags": ("tags", "keywords"),
    "text": ("text", "body", "content", "articlebody", "article", "fulltext", "maintext"),
    "id": ("id",),
}


@dataclass(frozen=True, slots=True)
class Unread:
    """A file, or one line of a file (`path#line`), that gave no article, and why."""

    path: str
    reason: str


def read(paths: Iterable[Path]) -> Iterator[Article | Unread]:
    """Yield the articles of files and folders in order; what cannot be read comes as Unread."""
    for path in find_files(paths):
        yield from read_file(path)


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files to read: what is named, and what folders hold, sorted, without hidden files.

    A folder that holds none, or cannot be listed, stands for itself, so that `read_file` can say so.
    """
    found: dict[Path, None] = {}
    for path in paths:
        inside = _walk(path) if path.is_dir() else [path]
        found |= dict.fromkeys(inside or [path])
    return list(found)


def expected(path: Path) -> int:
    """Return how many articles a file is likely to give, to tell how far adding has come."""
    if path.suffix.lower() != ".jsonl" or not path.is_file():
        return 1
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def read_file(path: Path) -> Iterator[Article | Unread]:
    """Yield the articles of one file: one, or one for each line of a .jsonl."""
    name = _printable(path)
    try:
        _check_readable(path)
        if path.suffix.lower() == ".jsonl":
            yield from _read_lines(path, name)
        else:
            yield _READERS[path.suffix.lower()](_read_bytes(path), name)
    except ReadError as error:
        yield Unread(name, str(error))
    except OSError as error:
        yield Unread(name, f"The file cannot be read: {error.strerror or error}.")


def read_page(data: bytes, kind: str, url: str) -> Article:
    """Return the article of a page that was fetched from `url` as media type `kind`. Raises ReadError."""
    if data.lstrip()[:5] == b"%PDF-":
        article = _read_pdf(data, url)
    elif data[:4] == b"PK\x03\x04":
        article = _read_word(data, url)
    elif kind in ("text/plain", "text/markdown"):
        article = _read_text(data, url)
    else:
        article = _read_html(data, url)
    return replace(article, url=article.url or web_address(url))


def read_given(fields: Mapping[str, object]) -> Article:
    """Return the article that a program hands over: its `text` and what is known of it. Raises ReadError.

    Only an address makes a place, so that what comes without one is never a revision of something else.
    """
    known = _known_fields(fields)
    text = known.pop("text", None)
    if not isinstance(text, str):
        raise ReadError("There is no text.")
    return _article(text, web_address(known.get("url")), known)


def _walk(folder: Path) -> list[Path]:
    found: list[Path] = []

    def note_closed_folder(error: OSError) -> None:
        found.append(Path(error.filename))

    for where, folders, files in os.walk(folder, onerror=note_closed_folder):
        # Beside a page saved whole lies a folder of its pictures, scripts and frames.
        saved = {
            f"{Path(name).stem}_files" for name in files if Path(name).suffix.lower() in (".html", ".htm")
        }
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in saved)
        found.extend(
            Path(where, name)
            for name in sorted(files)
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES
        )
    return found


def _printable(path: Path) -> str:
    """The absolute path; bytes of a file name that are not UTF-8 become replacement characters."""
    return os.fsencode(os.path.abspath(path)).decode("utf-8", "replace")


def _check_readable(path: Path) -> None:
    known = ", ".join(SUFFIXES)
    if path.is_dir():
        os.listdir(path)
        raise ReadError(f"The folder holds no files that can be read ({known}).")
    if not path.exists():
        raise ReadError("There is no such file or folder.")
    if not path.is_file():
        raise ReadError("It is not a regular file.")
    if path.suffix.lower() not in SUFFIXES:
        raise ReadError(f"Files of the type {path.suffix or '(none)'} are not read; known types: {known}.")


def _read_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        size = max(path.stat().st_size, len(data))
        raise ReadError(
            f"The file has {size / 1e6:,.1f} MB; the limit is {MAX_BYTES / 1e6:.0f} MB. Split it."
        )
    if not data.strip():
        raise ReadError("The file is empty.")
    return data


def _read_text(data: bytes, name: str) -> Article:
    return _article(decode(data), name)


def _read_markdown(data: bytes, name: str) -> Article:
    text = clean(decode(data))
    match = _FRONT_MATTER.match(text)
    fields = _front_matter(match[1]) if match else None
    if match is None or fields is None:
        return _article(text, name)
    return _article(text[match.end() :], name, fields)


def _front_matter(block: str) -> dict[str, object] | None:
    """The fields of a front matter block; None when it is not one (a text may begin with a rule)."""
    fields: dict[str, object] = {}
    key = ""
    for line in block.split("\n"):
        item = re.match(r"\s*-\s+(.*)", line)
        if item and key:
            values = fields.get(key)
            fields[key] = [*(values if isinstance(values, list) else []), _unquote(item[1])]
        elif match := _FIELD.fullmatch(line.rstrip()):
            key = match[1]
            fields[key] = _unquote(match[2] or "")
        elif line.strip() and not line.startswith(("#", " ", "\t")):
            return None
    return fields


def _unquote(value: str) -> str:
    value = value.strip()
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def _read_html(data: bytes, name: str) -> Article:
    from trafilatura import bare_extraction

    if is_known_binary(data):
        raise ReadError(binary(data))
    if (tags := data.count(b"<")) > MAX_TAGS:
        raise ReadError(f"The page has {tags:,} tags; a page of more than {MAX_TAGS:,} is not read.")
    for logger in ("trafilatura", "htmldate", "justext", "courlan"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    for precise in (True, False):
        try:
            page = bare_extraction(
                data,
                with_metadata=True,
                include_comments=False,
                favor_precision=precise,
                # A day found anywhere in the words of a page is not the day it was published.
                date_extraction_params={"extensive_search": False, "original_date": True},
            )
        except Exception as error:  # whatever a parser raises on hostile input is one bad file
            raise ReadError(f"The page cannot be parsed ({type(error).__name__}).") from error
        if page is not None and str(page.text or "").strip():
            fields = {
                "title": page.title,
                "source": page.sitename,
                "url": page.url,
                "published": page.date,
                "updated": _updated(data),
                "byline": page.author,
            }
            return _article(str(page.text), name, fields)
    raise ReadError("The page holds no article text.")


def _read_web_archive(data: bytes, name: str) -> Article:
    """Read a page that a browser saved with all its parts in one file (MHTML)."""
    from email import message_from_bytes

    archive = message_from_bytes(data)
    for part in archive.walk():
        if part.get_content_type() in ("text/html", "application/xhtml+xml"):
            page = part.get_payload(decode=True)
            if isinstance(page, bytes) and page.strip():
                article = _read_html(page, name)
                address = web_address(archive["Snapshot-Content-Location"] or part["Content-Location"])
                return replace(article, url=article.url or address)
    raise ReadError("The web archive holds no page.")


def _updated(data: bytes) -> str:
    """Return the day on which a page says it was last changed; empty when it does not."""
    found = _MODIFIED.search(data) or _MODIFIED_TURNED.search(data)
    return iso_date(found[1].decode("ascii", "replace")) if found else ""


def _read_word(data: bytes, name: str) -> Article:
    text, fields = read_docx(data)
    if not text.strip():
        raise ReadError("The Word document holds no text.")
    return _article(text, name, fields)


def _read_pdf(data: bytes, name: str) -> Article:
    from pypdf import PdfReader

    if not data.lstrip()[:1024].startswith(b"%PDF-"):
        raise ReadError("The file is not a PDF, whatever its name says.")
    if b"%%EOF" not in data[-4096:]:
        raise ReadError("The PDF is cut short (its end is missing). Fetch or export it again.")
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise ReadError("The PDF is locked with a password. Save it without one.")
        text = _pdf_text(page.extract_text() for page in reader.pages)
        title = _pdf_title(reader.metadata)
    except ReadError:
        raise
    except Exception as error:  # whatever a parser raises on hostile input is one bad file
        raise ReadError(f"The PDF is damaged ({type(error).__name__}: {error}). Fetch it again.") from error
    if not text.strip():
        raise ReadError("The PDF holds no text; it is probably scanned. Run text recognition (OCR) on it.")
    return _article(text, name, {"title": title})


def _pdf_text(pages: Iterable[str]) -> str:
    texts: list[str] = []
    for page in pages:
        texts.append(page.strip())
        if sum(map(len, texts)) > MAX_CHARACTERS:
            break
    return "\n\n".join(texts)


def _pdf_title(metadata: Mapping[str, object] | None) -> str:
    """The title of the document information, unless it is a file name left by the program that made it."""
    title = str((metadata or {}).get("/Title") or "").strip()
    made_up = re.search(r"\.\w{2,5}$|^microsoft |^untitled|^document\d*$", title, re.IGNORECASE)
    return "" if made_up or " " not in title else title


def _read_lines(path: Path, name: str) -> Iterator[Article | Unread]:
    count = 0
    with path.open("rb") as file:
        if b"\x00" in file.read(4096):
            raise ReadError("The file is not UTF-8 text with one JSON object on each line.")
        file.seek(0)
        for number, line in enumerate(iter(lambda: file.readline(MAX_BYTES + 1), b""), start=1):
            if not line.strip():
                continue
            count += 1
            try:
                if len(line) > MAX_BYTES:
                    while line and not line.endswith(b"\n"):
                        line = file.readline(MAX_BYTES)
                    raise ReadError(f"The line has more than the {MAX_BYTES / 1e6:,.0f} MB that are read.")
                yield _line_article(line, name, number)
            except ReadError as error:
                yield Unread(f"{name}#{number}", str(error))
    if not count:
        raise ReadError("The file is empty.")


def _line_article(line: bytes, name: str, number: int) -> Article:
    try:
        found = json.loads(decode(line))
    except (ValueError, RecursionError) as error:
        raise ReadError(f"The line is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise ReadError(f"The line holds {type(found).__name__}, not a JSON object with a text.")
    fields = _known_fields(found)
    text = fields.pop("text", None)
    if not isinstance(text, str):
        raise ReadError(f"The line has no text; looked for {', '.join(_SYNONYMS['text'][:3])}, ….")
    place = web_address(fields.get("url")) or f"{name}#{_line(fields.get('id')) or number}"
    return _article(text, place, fields)


_READERS: dict[str, Callable[[bytes, str], Article]] = {
    ".txt": _read_text,
    ".md": _read_markdown,
    ".markdown": _read_markdown,
    ".html": _read_html,
    ".htm": _read_html,
    ".mhtml": _read_web_archive,
    ".mht": _read_web_archive,
    ".pdf": _read_pdf,
    ".docx": _read_word,
}
SUFFIXES = (*_READERS, ".jsonl")
"""The file types that are read, by their last suffix, in any case."""


def _line(value: object) -> str:
    """A metadata value on one line of at most 300 characters; lists are joined, objects give their name."""
    if isinstance(value, Mapping):
        value = value.get("name") or value.get("title") or ""
    if isinstance(value, list | tuple):
        value = ", ".join(filter(None, map(_line, value)))
    return " ".join(clean(str("" if value is None else value)[:2_000]).split())[:300]


def _known_fields(found: Mapping[str, object]) -> dict[str, object]:
    """The fields under our names, whatever their spelling (`datePublished`, `pub_date`, `Outlet`)."""
    bare = {re.sub(r"[\W_]", "", str(key)).lower(): value for key, value in found.items()}
    fields: dict[str, object] = {}
    for ours, theirs in _SYNONYMS.items():
        given = [bare[name] for name in theirs if bare.get(name) not in (None, "", [], {})]
        if given:
            fields[ours] = given[0]
    return fields


def _article(raw: str, path: str, found: Mapping[str, object] | None = None) -> Article:
    text = clean(raw)
    if not any(map(str.isalnum, text)):
        raise ReadError("There are no words in it.")
    if len(text) > MAX_CHARACTERS:
        raise ReadError(f"It has {len(text):,} characters; the limit for one article is {MAX_CHARACTERS:,}.")
    fields = _known_fields(found or {})
    tags = fields.get("tags", ())
    listed = tags if isinstance(tags, list | tuple) else str(tags).strip("[] ").split(",")
    return Article(
        id=hashlib.sha256(text.encode("utf-8")).hexdigest()[:16],
        text=text,
        title=_line(fields.get("title")) or title_of(text) or Path(path).stem,
        source=_line(fields.get("source")),
        url=web_address(fields.get("url")),
        path=path,
        byline=_line(fields.get("byline")),
        published=iso_date(fields.get("published")),
        updated=iso_date(fields.get("updated")),
        fetched=datetime.now(UTC).isoformat(timespec="seconds"),
        tags=tuple(dict.fromkeys(filter(None, (_unquote(_line(tag)) for tag in listed[:MAX_LABELS])))),
    )

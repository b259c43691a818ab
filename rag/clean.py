"""Bytes, titles, dates and addresses as the world writes them -> the forms the library keeps.

Knows nothing of files: it decodes, cleans and names. What cannot be used raises ReadError, with the reason.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime

from rag.errors import ReadError
from rag.text import sentences

TITLE_LINE = 150
"""Characters a first line may have and still be taken for the title."""
TITLE_CUT = 80
"""Characters after which a title made from the first sentence is cut."""
WRAP_LEAST = 60
"""No text is wrapped by hand at fewer characters than this."""

_KIND = {
    b"%PDF-": "a PDF document",
    b"PK\x03\x04": "a ZIP or Office document",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"\x1f\x8b": "a gzip archive",
    b"\x7fELF": "a program",
    b"MZ\x90": "a program",
    b"SQLite format 3": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "an old Office document",
}
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_ONE_BYTE = ["cp1252", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "cp1251", "koi8_r", "iso8859_5"]
_CODE_PAGES = [*_ONE_BYTE, "utf_16_le", "utf_16_be", "gb18030", "shift_jis", "euc_jp", "euc_kr", "big5"]
_BREAK = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x9f\ud800-\udfff"
    "\u00ad\u200b\ufeff\u2060-\u2064\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
"""Control characters, and those that hide words from search and from the reader: soft hyphens, bidi, tags."""
_NOT_TEXT = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f\ue000-\uf8ff\ufffe\uffff]")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_NAMED_DATES = (
    re.compile(r"\b(?P<d>\d{1,2})(?:st|nd|rd|th)?[ .\-]+(?P<m>[A-Za-z]{3,9})\.?[ ,\-]+(?P<y>\d{4})\b"),
    re.compile(r"\b(?P<m>[A-Za-z]{3,9})\.?[ \-]+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?[ \-]+(?P<y>\d{4})\b"),
)
_YEAR_FIRST = re.compile(r"\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_YEAR_LAST = re.compile(r"\b(\d{1,2})([-/.])(\d{1,2})\2(\d{4})\b")


def decode(data: bytes) -> str:
    """Return the bytes as text: by their mark, as UTF-8, or in the code page that fits best."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise ReadError(f"The text is marked as {encoding} but is not: {error.reason}.") from error
    if not is_known_binary(data):
        text = _decode_unmarked(data)
        if text is not None and _reads_as_text(text):
            return text
    raise ReadError(binary(data))


def _decode_unmarked(data: bytes) -> str | None:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if text and "\x00" not in text:
        return text
    from charset_normalizer import from_bytes

    best = from_bytes(data, cp_isolation=_CODE_PAGES).best()
    if best is None:
        return None
    high = sum(byte > 127 for byte in data[:10_000])
    # Too few accents to tell the Latin code pages apart: the commonest one.
    if best.encoding in ("cp1250", "cp1254") and high < 20:
        return data.decode("cp1252", "replace")
    return data.decode(best.encoding, "replace")


def _reads_as_text(text: str) -> bool:
    sample = text[:20_000]
    return len(_NOT_TEXT.findall(sample)) <= len(sample) * 0.01


def is_known_binary(data: bytes) -> bool:
    """Whether the bytes begin with the mark of a well-known binary format."""
    return data.startswith(tuple(_KIND))


def binary(data: bytes) -> str:
    """Return the reason why `data` cannot be read as text."""
    kind = next((kind for mark, kind in _KIND.items() if data.startswith(mark)), "binary data")
    return f"The file is not text: it looks like {kind}."


def clean(text: str) -> str:
    """Return `text` in NFC with LF line ends, without control and hiding characters, trimmed."""
    text = _HIDDEN.sub("", _BREAK.sub("\n", text))
    marks = "".join(char for char in set(text) if unicodedata.combining(char))
    if marks:
        # Canonical ordering takes quadratic time on a long run of marks; no script stacks 30 of them.
        text = re.sub(f"([{marks}]{{30}})[{marks}]+", r"\1", text)
    return unicodedata.normalize("NFC", text).strip()


def iso_date(value: object) -> str:
    """Return the day `value` names as YYYY-MM-DD, in the time zone it states; empty when it is not clear.

    Takes ISO 8601, RFC 2822, dates with the month in words and Unix times in seconds or milliseconds.
    A date such as 03/04/2023 can be two days, so it counts as unclear.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _epoch_date(float(value))
    text = " ".join(str(value or "")[:100].split())
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return _plausible(parse(text).date())
        except (ValueError, TypeError, OverflowError):
            continue
    for pattern in _NAMED_DATES:
        for match in pattern.finditer(text):
            month = match["m"][:3].lower()
            if month in _MONTHS and (day := _day(int(match["y"]), _MONTHS.index(month) + 1, int(match["d"]))):
                return day
    if found := _YEAR_FIRST.search(text):
        return _day(int(found[1]), int(found[2]), int(found[3]))
    if found := _YEAR_LAST.search(text):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        if first > 12 or first == second or found[2] == ".":
            return _day(year, second, first)
        if second > 12:
            return _day(year, first, second)
    return ""


def _day(year: int, month: int, day: int) -> str:
    try:
        return _plausible(date(year, month, day))
    except ValueError:
        return ""


def _plausible(day: date) -> str:
    return day.isoformat() if 1500 <= day.year <= 2200 else ""


def _epoch_date(value: float) -> str:
    seconds = value / 1000 if abs(value) > 1e11 else value
    if not 1e8 < seconds < 5e9:
        return ""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def web_address(value: object) -> str:
    """Return `value` when it is an http(s) address that is safe to print and to link; else empty."""
    address = str(value or "").strip()
    safe = re.fullmatch(r"https?://[^\s<>\"\x00-\x20\x7f-\x9f]{1,2000}", address, re.IGNORECASE)
    return clean(address) if safe else ""


def title_of(text: str) -> str:
    """Return the first line when it reads as a headline, else the first sentence, cut; empty without any."""
    first, _, rest = text.partition("\n")
    headline = undressed(first)
    if headline and _is_headline(first.rstrip(), rest):
        return headline
    opening = text[:1_000]
    start, end = next(iter(sentences(opening)), (0, 0))
    sentence = undressed(" ".join(opening[start:end].split()))
    if not any(map(str.isalpha, sentence)):
        return ""
    if len(sentence) <= TITLE_CUT:
        return sentence
    cut = sentence[: TITLE_CUT + 1].rpartition(" ")[0] or sentence[:TITLE_CUT]
    return cut.rstrip(" ,;:–—-") + "…"


def _is_headline(first: str, rest: str) -> bool:
    if not rest.strip() or len(first) > TITLE_LINE or not any(map(str.isalpha, first)):
        return False
    if first.startswith("#"):
        return True
    if first.endswith((".", ",", ";", ":", "…")) or first[:1].islower():
        return False
    following = rest.split("\n", 1)[0].strip()
    # A line that breaks where the text is wrapped, or runs on in lower case, is the start of a paragraph.
    width = max(WRAP_LEAST, *map(len, rest.split("\n")[:20]))
    wrapped = len(first) + 1 + len(following.split(" ", 1)[0]) > width
    return not following or not (following[:1].islower() or wrapped)


def undressed(line: str) -> str:
    """Return a line of Markdown without its heading marks and emphasis."""
    return re.sub(r"\*\*?|__", "", line.strip().lstrip("#")).strip()

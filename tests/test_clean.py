"""Decoding, cleaning, dates and titles: literal cases and the laws of the stored text."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.clean import clean, decode, iso_date, title_of, web_address
from rag.errors import ReadError

FRENCH = "Le président français a déclaré à Genève que les négociations étaient très difficiles."
RUSSIAN = "Президент России встретился во вторник в Москве со специальным посланником США."
CURLY = "The envoy’s “very good” talks – he said – cost £5m."
POLISH = "Prezydent powiedział, że zgoda jest możliwa, choć trudna: Łódź, Kraków, Gdańsk czekają. " * 3
JAPANESE = "特使は火曜日にモスクワで大統領と会談した。会談は五時間続いた。"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (FRENCH, "utf-8"),
        (FRENCH, "utf-8-sig"),
        (FRENCH, "latin-1"),
        ("café à Genève", "latin-1"),
        (CURLY, "cp1252"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "utf-16"),
        (RUSSIAN, "utf-16-le"),
        (CURLY, "utf-16-be"),
        (FRENCH, "utf-32"),
        (POLISH, "cp1250"),
        (JAPANESE, "shift_jis"),
    ],
)
def test_text_in_any_common_encoding_is_decoded(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "looks like a PDF document"),
        (b"PK\x03\x04" + bytes(range(256)), "looks like a ZIP or Office document"),
        (b"\x7fELF\x02\x01\x01" + bytes(500), "looks like a program"),
        (bytes(range(256)) * 20, "looks like binary data"),
        (bytes(3000), "looks like binary data"),
        (b"\xff\xfea", "marked as utf-16 but is not"),
    ],
)
def test_binary_data_is_refused_with_what_it_looks_like(data: bytes, reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        decode(data)


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("one\r\ntwo\rthree\n", "one\ntwo\nthree"),
        ("page one\fpage two\u2028line", "page one\npage two\nline"),
        ("cafe\u0301", "café"),
        ("\ufeff  \n text \t end \n", "text \t end"),
        ("a\x00b\x07c\x1b[31md\x9be", "abc[31mde"),
        ("Zel\u00aden\u200bsky \u202egnp.exe\u202c", "Zelensky gnp.exe"),
        ("tag\U000e0041\U000e0042ged", "tagged"),
        ("half \ud800 pair", "half  pair"),
        ("می‌خواهم", "می‌خواهم"),
        ("<|im_start|>system [1] ${x} <img onerror=a>", "<|im_start|>system [1] ${x} <img onerror=a>"),
    ],
)
def test_text_is_kept_as_it_is_but_for_line_ends_and_hidden_characters(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


@given(st.text())
def test_cleaning_twice_changes_nothing_more(raw: str) -> None:
    text = clean(raw)
    assert clean(text) == text == unicodedata.normalize("NFC", text)
    assert "\r" not in text
    text.encode("utf-8")


def test_a_long_run_of_accents_does_not_take_quadratic_time() -> None:
    start = time.perf_counter()
    assert len(clean("a" + "\u0301\u0323" * 200_000)) < 40
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("stated", "day"),
    [
        ("2025-12-02", "2025-12-02"),
        ("2025-12-02T23:30:00-05:00", "2025-12-02"),
        ("2025/12/2", "2025-12-02"),
        ("Tue, 02 Dec 2025 20:10:00 GMT", "2025-12-02"),
        ("Tuesday 2 December 2025, 14:05", "2025-12-02"),
        ("Dec. 2nd, 2025 at 4pm", "2025-12-02"),
        ("Published 3 March 2021, updated 4 March 2021", "2021-03-03"),
        ("25/12/2023", "2023-12-25"),
        ("12/25/2023", "2023-12-25"),
        ("2.12.2025", "2025-12-02"),
        (1700000000, "2023-11-14"),
        (1700000000000, "2023-11-14"),
        ("03/04/2023", ""),
        ("31 February 2023", ""),
        ("0001-01-01", ""),
        ("yesterday", ""),
        (True, ""),
        (None, ""),
    ],
)
def test_a_date_becomes_its_day_or_nothing_when_it_is_unclear(stated: object, day: str) -> None:
    assert iso_date(stated) == day


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Envoys meet Putin in Moscow\nThe envoys met on Tuesday.", "Envoys meet Putin in Moscow"),
        ("A new path for peace?\n\nThe talks went on.", "A new path for peace?"),
        ("# **Talks** in Moscow\n\nThe talks went on.", "Talks in Moscow"),
        ("The talks went on. Nothing was agreed.\nMore.", "The talks went on."),
        (
            "The envoys of the president\nhave arrived in Moscow. More.",
            "The envoys of the president have arrived in Moscow.",
        ),
        ("Only one line", "Only one line"),
        (
            "Jared Kushner and the special envoy Steve Witkoff met with the Russian leader in Moscow.",
            "Jared Kushner and the special envoy Steve Witkoff met with the Russian leader in…",
        ),
        ("x" * 100 + "\nmore", "x" * 80 + "…"),
        ("12 34\n56", ""),
    ],
)
def test_a_title_is_the_headline_or_the_opening_words(text: str, title: str) -> None:
    assert title_of(text) == title


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        (" https://example.org/a?b=1 ", "https://example.org/a?b=1"),
        ("javascript:alert(1)", ""),
        ("file:///etc/passwd", ""),
        ("https://example.org/\x1b[2J", ""),
        ('https://example.org/"><script>', ""),
        (None, ""),
    ],
)
def test_only_web_addresses_are_kept(address: object, kept: str) -> None:
    assert web_address(address) == kept

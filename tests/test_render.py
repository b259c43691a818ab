"""Rendering: the machine contract, Markdown and the terminal, and hostile words staying words.

`UPDATE_GOLDEN=1 pytest tests/test_render.py` rewrites the pages in tests/golden; read the difference.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from rag.records import Answer, Article, Citation, Claim, Rejected, Side, Support
from rag.render import (
    answer_text,
    answer_to_json,
    answer_to_markdown,
    article_to_json,
    day_in_words,
    markdown,
    safe,
    unmarked,
)
from rag.terminal import answer_lines, article_lines, article_table, print_lines, table_rows

GOLDEN = Path(__file__).parent / "golden"

MILL = Article(
    id="a1" * 8,
    title="Fire at the Dalby mill",
    source="The Dalby Gazette",
    url="https://gazette.example/fire?id=7",
    path="/home/reader/articles/fire.txt",
    byline="Jo Roe",
    published="2026-03-02",
    fetched="2026-03-04T10:00:00+00:00",
    tags=("fire", "dalby"),
    text="A fire broke out at the old mill in Dalby on Monday.\n\nTwelve people were hurt, the police said. "
    "Nobody was killed. The mill had stood\nempty since 1998.\n\nThe cause is not known.",
)
WARD = Article(
    id="b2" * 8,
    title="Hospital treats fire victims",
    path="/home/reader/articles/ward.jsonl#3",
    text="The hospital in Dalby treated 15 people after the fire. Three of them stayed overnight.",
)


def cite(article: Article, quote: str, support: Support = "supported", reason: str = "") -> Citation:
    start = article.text.index(quote)
    return Citation(article, start, start + len(quote), quote, support, reason)


POLICE = cite(MILL, "Twelve people were hurt, the police said.")
HOSPITAL = cite(
    WARD, "The hospital in Dalby treated 15 people after the fire.", "partly", "it says 15 people"
)
ANSWERED = Answer(
    question="How many people were hurt in the fire at the Dalby mill?",
    status="answered",
    claims=(
        Claim("Twelve people were hurt in the fire, the police said.", (POLICE,), by="model"),
        Claim("Nobody was killed.", (cite(MILL, "Nobody was killed."), POLICE)),
        Claim("Some were treated in hospital.", (HOSPITAL,), by="model"),
        Claim(
            "It had stood empty for years.",
            (cite(MILL, "The mill had stood\nempty since 1998."),),
            by="model",
        ),
    ),
    short="Twelve people",
    confidence=0.87654321,
    rejected=(Rejected("Ruthless and ruthless.", "says nothing of what was asked"),),
    model="SmolLM2-135M",
    tier="write",
    seconds={"retrieve": 0.123456, "answer": 1.2},
)
CONFLICT = Answer(
    question="How many people were hurt?",
    status="conflict",
    sides=(Side("Twelve", (POLICE,)), Side("15", (HOSPITAL, cite(WARD, "Three of them stayed overnight.")))),
)
REFUSED = Answer(
    question="Who set the fire?",
    status="refused",
    nearest=(cite(MILL, "The cause is not known."),),
    notes=("No model could be loaded; the answer is quoted.",),
)
EVIL = Article(
    id="e5" * 8,
    title="\x1b[2J[bold red]Evil[/] *title* <img src=x onerror=alert(1)>",
    source="[link=file:///etc/passwd]Outlet[/link]",
    url="https://e.example/a)b<c>",
    path="/tmp/\x1b]0;owned\x07evil.txt",
    text="As [1] shows, \x1b[31m[red]all[/red] is ![x](http://e.example/x.png) ${7*7} <|im_end|> \u202egnp",
)
EVIL_QUOTE = Citation(EVIL, 0, len(EVIL.text), EVIL.text)
HOSTILE = Answer("[red]Who?\x1b[0m", "answered", claims=(Claim(EVIL.text, (EVIL_QUOTE,)),), short="[red]all")
CASES = {"answered": ANSWERED, "conflict": CONFLICT, "refused": REFUSED, "hostile": HOSTILE}


def printed(answer: Answer, *, width: int = 80, terminal: bool = True, colour: bool = False) -> str:
    out = io.StringIO()
    system = "standard" if colour else None
    console = Console(
        file=out, width=width, force_terminal=terminal, color_system=system, legacy_windows=False
    )
    print_lines(console, answer_lines(answer))
    return out.getvalue()


def check_golden(name: str, page: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(page, "utf-8")
    assert page == path.read_text("utf-8")


@pytest.mark.parametrize("name", CASES)
def test_markdown_pages(name: str) -> None:
    check_golden(f"{name}.md", answer_to_markdown(CASES[name]))


@pytest.mark.parametrize("name", CASES)
def test_json_objects(name: str) -> None:
    check_golden(f"{name}.json", json.dumps(answer_to_json(CASES[name]), indent=1, ensure_ascii=False) + "\n")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", CASES)
def test_terminal_pages(name: str, width: int) -> None:
    page = printed(CASES[name], width=width)
    assert max(map(len, page.splitlines())) <= min(width, 100)
    check_golden(f"{name}_{width}.txt", page)


def test_the_contract_has_exactly_these_names() -> None:
    found = answer_to_json(ANSWERED)
    promised = {"question", "status", "answer", "short", "claims", "sides", "nearest", "model", "seconds"}
    assert promised <= set(found)
    citation = json.loads(json.dumps(found))["claims"][0]["citations"][0]
    names = {"n", "article", "source", "title", "published", "path", "start", "end", "quote", "support"}
    assert names <= set(citation)
    assert MILL.text[citation["start"] : citation["end"]] == citation["quote"]
    assert (found["model"], found["seconds"]) == (
        {"name": "SmolLM2-135M", "tier": "write"},
        {"retrieve": 0.1235, "answer": 1.2},
    )


def test_one_span_has_one_number_in_the_whole_answer() -> None:
    assert answer_text(ANSWERED) == (
        "Twelve people were hurt in the fire, the police said. [1] Nobody was killed. [2][1] "
        "Some were treated in hospital. [3] It had stood empty for years. [4]"
    )


def test_sides_and_refusals_are_text_too() -> None:
    assert answer_text(CONFLICT) == "The articles differ: Twelve [1]; 15 [2][3]."
    assert answer_text(REFUSED) == "The articles do not say."


def test_a_mark_in_an_article_is_no_mark() -> None:
    assert unmarked("see [1] and [23], not [a]") == "see (1) and (23), not [a]"
    assert answer_text(HOSTILE).startswith("As (1) shows")
    assert answer_text(HOSTILE).endswith(" [1]")


@pytest.mark.parametrize("colour", [False, True])
def test_article_words_never_command_the_terminal(colour: bool) -> None:
    page = printed(HOSTILE, colour=colour)
    for command in ("\x1b[2J", "\x1b[31m[red]", "\x1b]0;", "\x07", "\u202e"):
        assert command not in page
    assert "[red]all[/red]" in page.replace("\x1b[0m", "").replace("\x1b[1m", "")


def test_only_the_mark_and_the_verdict_are_coloured() -> None:
    page = printed(ANSWERED, colour=True)
    assert "\x1b[1mTwelve people\x1b[0m were hurt in the fire, the police said.\x1b[1;36m [1]\x1b[0m" in page
    assert "\x1b[1;36m[1] \x1b[0m“Twelve people were hurt, the police said.”\n" in page
    assert "    \x1b[32m✓ the passage says so\x1b[0m\x1b[2m · \x1b[0m\x1b[2mfire.txt · a1a1" in page


def test_elsewhere_than_on_a_terminal_a_passage_is_one_plain_line() -> None:
    page = printed(ANSWERED, terminal=False)
    assert "\x1b" not in page
    assert "[4] “The mill had stood empty since 1998.”\n" in page
    assert page.startswith(
        "Twelve people were hurt in the fire, the police said. [1] “Nobody was killed.” [2][1]"
    )


def test_the_verdict_is_in_words_and_nearest_passages_have_none() -> None:
    page = printed(ANSWERED)
    assert "✓ the passage says so" in page
    assert "~ the passage says part of this: it says 15 people" in page
    assert "the passage says" not in printed(REFUSED) + answer_to_markdown(REFUSED)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("1. first", "1\\. first"),
        ("- item", "\\- item"),
        ("1998 was", "1998 was"),
        (
            "[x](http://e) `c` *b* _i_ <b> &lt; #h",
            "\\[x\\](http://e) \\`c\\` \\*b\\* \\_i\\_ \\<b\\> \\&lt; \\#h",
        ),
        ("two\nlines", "two lines"),
    ],
)
def test_markdown_marks_are_escaped(text: str, escaped: str) -> None:
    assert markdown(text) == escaped


@given(st.text())
def test_safe_text_is_one_line_without_control_characters(text: str) -> None:
    made = safe(text)
    assert made.isprintable() or not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in made)
    assert "\n" not in made
    made.encode("utf-8")


@pytest.mark.parametrize(
    ("iso", "words"),
    [
        ("2025-12-02", "2 December 2025"),
        ("2025-12-02T10:00:00Z", "2 December 2025"),
        ("2025-12", "December 2025"),
        ("2025", "2025"),
        ("", ""),
        ("last week", "last week"),
    ],
)
def test_a_day_in_words(iso: str, words: str) -> None:
    assert day_in_words(iso) == words


def test_an_article_as_json_has_every_field_and_the_exact_text() -> None:
    found = article_to_json(MILL)
    assert found["text"] == MILL.text
    assert set(found) == set(Article.__dataclass_fields__)
    assert "text" not in article_to_json(MILL, text=False)


def test_an_article_on_a_terminal() -> None:
    out = io.StringIO()
    print_lines(Console(file=out, width=80, force_terminal=True, color_system=None), article_lines(MILL))
    check_golden("article_80.txt", out.getvalue())


def test_a_table_fits_the_terminal_and_its_rows_are_whole() -> None:
    out = io.StringIO()
    long = Article(
        id="c3" * 8, text="x", title="A very long title " * 9, source="[red]Outlet of many words indeed"
    )
    Console(file=out, width=80, force_terminal=True, color_system=None).print(
        article_table([MILL, WARD, long])
    )
    check_golden("table_80.txt", out.getvalue())
    assert table_rows([MILL])[0].split("\t")[:3] == ["a1" * 8, "2026-03-02", "The Dalby Gazette"]

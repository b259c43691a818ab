"""What changed since the last briefing: kept beside the library, new and changed lines first."""

from __future__ import annotations

from rag.records import Article, Brief, Citation, Claim, Point, Section, SourceUse
from rag.since import FIRST_TIME, compare, remember, remembered

OLD = Article(id="a" * 16, text="Five people died. The ferry burned.")
NEW = Article(id="b" * 16, text="Six people died. The captain was cleared.")


def made(article: Article, *lines: str, figure: str = "") -> Brief:
    def point(words: str) -> Point:
        start = article.text.index(words)
        return Point(Claim(words, (Citation(article, start, start + len(words), words),)))

    sections = [Section("points", "Key points", tuple(map(point, lines)))]
    if figure:
        sections.append(Section("figures", "Figures", (point(figure),)))
    return Brief(
        "the fire", "answered", sections=tuple(sections), sources=(SourceUse(article, article.id, 1.0),)
    )


def test_the_first_briefing_has_nothing_to_compare_with(tmp_path):
    assert remembered(tmp_path, "the fire") is None
    assert compare(made(OLD, "The ferry burned."), None).notes == (FIRST_TIME,)


def test_new_lines_come_first_and_lost_ones_are_named(tmp_path):
    remember(tmp_path, made(OLD, "Five people died.", "The ferry burned."))
    last = remembered(tmp_path, "The  fire")
    now = compare(made(NEW, "The captain was cleared."), last)
    assert now.sections[0].kind == "change"
    assert [point.claim.text for point in now.sections[0].points] == ["The captain was cleared."]
    assert [note for note in now.notes if "The ferry burned." in note]
    assert now.since == last.made


def test_nothing_new_is_said_in_words(tmp_path):
    remember(tmp_path, made(OLD, "The ferry burned."))
    now = compare(made(OLD, "The ferry burned."), remembered(tmp_path, "the fire"))
    assert now.sections[0].kind == "points"
    assert now.notes[0].startswith("Nothing new since")


def test_a_damaged_memory_counts_as_none(tmp_path):
    remember(tmp_path, made(OLD, "The ferry burned."))
    next((tmp_path / "briefings").iterdir()).write_text("{", "utf-8")
    assert remembered(tmp_path, "the fire") is None

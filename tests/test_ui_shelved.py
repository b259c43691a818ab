"""Briefings that are opened again as they were, and where an article was quoted."""

from __future__ import annotations

from dataclasses import replace

from ui_standin import BRIEF, FIRE, POLICE, WARD, cite

from rag.errors import NotFoundError
from rag.records import Answer, Claim
from ui.answers import Turn
from ui.kept import Kept
from ui.library_view import cited_in
from ui.shelved import FOLDER, quoting, reopen, shelve

HELD = {FIRE.id: FIRE, WARD.id: WARD}


def gone(id_):
    raise NotFoundError(f"There is no article {id_!r}.")


def test_a_briefing_is_opened_again_as_it_was_and_holds_no_text_of_an_article(tmp_path):
    shelve(tmp_path, BRIEF)
    again = reopen(tmp_path, "The  Dalby fire", HELD.__getitem__)
    assert again is not None
    assert again.brief == BRIEF
    written = next((tmp_path / FOLDER).glob("*.json")).read_text("utf-8")
    assert "The cause is not known." not in written
    assert "/home/reader" not in written


def test_a_briefing_on_a_removed_article_is_not_opened_and_not_kept(tmp_path):
    shelve(tmp_path, BRIEF)
    assert reopen(tmp_path, BRIEF.topic, gone) is None
    assert list((tmp_path / FOLDER).glob("*.json")) == []


def test_a_damaged_or_unknown_briefing_is_none(tmp_path):
    assert reopen(tmp_path, "the strike", gone) is None
    shelve(tmp_path, BRIEF)
    next((tmp_path / FOLDER).glob("*.json")).write_text('{"version": 1, "quoted": []}', "utf-8")
    assert reopen(tmp_path, BRIEF.topic, HELD.__getitem__) is None
    assert quoting(tmp_path, FIRE.id) == ()


def test_an_article_says_which_briefings_and_answers_quote_it(tmp_path):
    shelve(tmp_path, BRIEF)
    found = quoting(tmp_path, FIRE.id)
    assert [(one.topic, one.quotes) for one in found] == [("the Dalby fire", (POLICE,))]
    answer = Answer("Who was hurt?", "answered", claims=(Claim(POLICE, (cite(FIRE, POLICE),)),))
    turns = (
        Turn(1, "Who was <b>hurt</b>?", answer=answer),
        Turn(2, "Else?", answer=replace(answer, claims=())),
    )
    told = cited_in(FIRE.id, found, turns)
    assert "Who was &#60;b&#62;hurt" in told
    assert "Else" not in told
    assert told.count("Twelve people were hurt") == 2
    assert cited_in("c" * 16, (), turns) == ""


def test_one_page_has_one_store_of_conversations():
    class Page:
        pass

    page, other = Page(), Page()
    assert Kept.of(page) is Kept.of(page)
    assert Kept.of(page) is not Kept.of(other)

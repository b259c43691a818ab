"""The fakes keep the promises of the Protocols, the same way every time."""

from __future__ import annotations

import numpy as np
import pytest

from models.fake import FakeEmbedder, FakeGenerator, FakeParser
from models.protocols import Embedder, Generator, Message, Parser
from rag.errors import CancelledError, ModelError

ASKED = (Message("system", "Answer."), Message("user", "How old is Jared Kushner?"))


def test_embedder_gives_unit_rows_near_for_shared_words() -> None:
    embedder: Embedder = FakeEmbedder()
    rows = embedder.embed(
        ["Kushner met Putin", "Putin met Kushner", "Kushner met him", "apples ripen", ""], "document"
    )
    assert rows.shape == (5, 64)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    assert rows[0] @ rows[1] == pytest.approx(1, abs=1e-5)
    assert rows[0] @ rows[2] > 0.4 > rows[0] @ rows[3]
    assert np.array_equal(rows[:1], FakeEmbedder().embed(["Kushner met Putin"], "query"))


def test_embedder_sees_its_window_only() -> None:
    embedder = FakeEmbedder(window=3)
    assert embedder.count_tokens("one two, three") == 4
    assert np.array_equal(*embedder.embed(["one two three", "one two three four"], "document"))
    assert embedder.embed([], "query").shape == (0, 64)


def test_generator_writes_queued_replies_then_echoes() -> None:
    generator: Generator = FakeGenerator(["He is 44. Truly."])
    assert list(generator.write(ASKED, max_tokens=9, stop=[" Truly"])) == ["He", " is", " 44."]
    assert "".join(generator.write(ASKED, max_tokens=3)) == "How old is"
    assert "".join(FakeGenerator(["He is 44."]).write(ASKED, max_tokens=9, opening="He")) == " is 44."


def test_generator_scores_by_words_the_messages_hold() -> None:
    assert FakeGenerator().score(ASKED, ["Kushner is old", "Kushner is young", ""]) == [0.0, -1.0, 0.0]


def test_generator_fails_as_a_real_one_does() -> None:
    generator = FakeGenerator(context=9)
    with pytest.raises(CancelledError):
        list(generator.write(ASKED, max_tokens=9, cancelled=lambda: True))
    with pytest.raises(ModelError, match="takes 12 tokens; the model reads 9"):
        list(generator.write((Message("user", "rain " * 12),), max_tokens=9))
    generator.close()
    with pytest.raises(ModelError, match="closed"):
        generator.score(ASKED, ["x"])


def test_parser_marks_people_dates_and_figures() -> None:
    parser: Parser = FakeParser()
    [parse] = parser.parse(["Jared Kushner, 44, came on 2 December 2025."])
    assert [(entity.text, entity.label) for entity in parse.entities] == [
        ("Jared Kushner", "PERSON"),
        ("44", "CARDINAL"),
        ("2 December 2025", "DATE"),
    ]
    assert [token.text for token in parse.tokens[:3]] == ["Jared", "Kushner", ","]
    assert parse.tokens[1].entity == "PERSON"

"""The reader on the bundled model: it tells sentences that answer from those that do not."""

from pathlib import Path

import numpy as np
import pytest

from models.reader import OnnxReader
from rag.engines import FITTED
from rag.errors import ModelError
from rag.prompts import read_prompt


@pytest.fixture(scope="module")
def reader() -> OnnxReader:
    return OnnxReader.load(FITTED / "reader.npz", threads=1)


def test_a_sentence_that_answers_is_told_from_one_that_does_not(reader: OnnxReader) -> None:
    title, asked = "Ferry service resumes", "Why was the ferry to Holm cancelled last week?"
    because, other = reader.read(
        [
            read_prompt(asked, title, "", "The ferry to Holm was cancelled last week because of high waves."),
            read_prompt(asked, title, "", "The ferry to Holm is twelve years old and carries 90 cars."),
        ]
    )
    assert because > other + 1


def test_the_same_text_is_read_the_same_whatever_was_read_before(reader: OnnxReader) -> None:
    text = read_prompt("Who won?", "Match report", "", "Arna Lund won the race.")
    first = reader.read([text])
    reader.read(["Something else. Question: Where? Answer:"])
    assert np.array_equal(reader.read([text]), first)


def test_nothing_to_read_gives_nothing(reader: OnnxReader) -> None:
    assert reader.states([]).shape == (0, 576)
    assert reader.read([]).tolist() == []


def test_control_tokens_in_an_article_are_read_as_letters(reader: OnnxReader) -> None:
    plain, marked = reader.states(["He said so.\nAnswer:", "<|im_start|>He said so.\nAnswer:"])
    assert plain.shape == (576,)
    assert not np.array_equal(plain, marked)


def test_damaged_weights_are_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "reader.npz").write_bytes(b"no weights")
    with pytest.raises(ModelError, match=r"reader\.npz cannot be read.*Reinstall"):
        OnnxReader.load(tmp_path / "reader.npz")


def test_a_closed_reader_says_so() -> None:
    reader = OnnxReader.load(FITTED / "reader.npz", threads=1)
    reader.close()
    with pytest.raises(ModelError, match="closed"):
        reader.read(["Answer:"])

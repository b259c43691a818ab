"""The bundled parser: offsets into the text, entities, lemmas, and no PyTorch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from models.parser import load_parser
from models.protocols import Parser
from rag.errors import ModelError

TEXT = "Jared Kushner, 44, met Vladimir Putin in Moscow on 2 December."


@pytest.fixture(scope="module")
def parser() -> Parser:
    return load_parser()


def test_entities_are_spans_of_the_text(parser: Parser) -> None:
    [parse] = parser.parse([TEXT])
    assert [(entity.text, entity.label) for entity in parse.entities] == [
        ("Jared Kushner", "PERSON"),
        ("44", "DATE"),
        ("Vladimir Putin", "PERSON"),
        ("Moscow", "GPE"),
        ("2 December", "DATE"),
    ]
    for entity in parse.entities:
        assert TEXT[entity.start : entity.end] == entity.text
        assert (parse.tokens[entity.first].start, parse.tokens[entity.last].end) == (entity.start, entity.end)


def test_tokens_carry_offsets_lemma_tags_and_heads(parser: Parser) -> None:
    [parse] = parser.parse([TEXT])
    met = next(token for token in parse.tokens if token.text == "met")
    assert (met.lemma, met.pos, met.tag, met.dep) == ("meet", "VERB", "VBD", "ROOT")
    assert parse.tokens[met.head] == met
    kushner = next(token for token in parse.tokens if token.text == "Kushner")
    assert (kushner.dep, parse.tokens[kushner.head], kushner.entity) == ("nsubj", met, "PERSON")
    assert all(TEXT[token.start : token.end] == token.text for token in parse.tokens)


def test_every_text_gets_its_parse_in_order(parser: Parser) -> None:
    texts = [f"Report {n} came from Moscow." for n in range(130)] + ["", "  \n ", "🙂 Привет"]
    parses = parser.parse(texts)
    assert [parse.text for parse in parses] == texts
    assert parses[129].tokens[1].text == "129"
    assert parses[130].tokens == ()
    assert parser.parse([]) == []


def test_torch_is_not_imported_and_still_can_be() -> None:
    code = (
        "import sys; from models.parser import load_parser\n"
        "load_parser(); assert 'torch' not in sys.modules; import torch; torch.zeros(1)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_folder_without_a_pipeline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_parser(tmp_path)

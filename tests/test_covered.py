"""Figures on questions that the articles cover or do not: the choice that is taken, and what is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.covered import choose, main
from models.embedder import load_embedder
from rag.records import Article, Hit, Passage

FIRE = "Twelve people were hurt in the fire at the Dalby mill. The mill belongs to Anna Berg, a farmer."


@pytest.mark.parametrize(
    ("question", "choices", "expected"),
    [
        ("Who owns the mill?", ["Olav Lund", "Anna Berg", "Nils Holm"], "Anna Berg"),
        ("How many were hurt?", ["Nine people", "Twelve people", "Forty people"], "Twelve people"),
    ],
)
def test_the_choice_a_sentence_bears_out_is_taken(question: str, choices: list[str], expected: str) -> None:
    article = Article("a", FIRE)
    assert choose(question, choices, [Hit(Passage(article, 0, len(FIRE)), 1.0)], load_embedder()) == expected
    assert choose(question, choices, [], load_embedder()) == choices[0]


def test_the_command_asks_with_and_without_the_own_articles(tmp_path: Path, capsys) -> None:
    articles = [
        {"id": "f", "text": FIRE},
        {"id": "b", "text": "The bridge of Holm was opened in 1932 by the king."},
    ]
    asked = {
        "question": "How many people were hurt in the fire at the Dalby mill?",
        "choices": ["Nine", "Twelve"],
        "answer": "Twelve",
        "articles": ["f"],
        "answer_string_in_articles": True,
    }
    (tmp_path / "articles.jsonl").write_text("\n".join(map(json.dumps, articles)))
    (tmp_path / "questions.jsonl").write_text(json.dumps(asked) + "\n" + json.dumps(asked))
    missed = tmp_path / "missed.md"
    paths = [str(tmp_path / f"{name}.jsonl") for name in ("articles", "questions")]
    assert main([*paths, "--failures", str(missed)]) == 0
    rows = dict(line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines())
    assert rows["covered against not, AUROC"].startswith("1.000 [1.000, 1.000] of 2 with")
    assert rows["answer stated: contained"].startswith("1.000")
    assert rows["multiple choice"].startswith("1.000")
    assert missed.read_text() == "# Missed answers\n\n"

"""Public question sets: each layout is read, each official definition matches an example worked by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals import cli
from evals.official import (
    Outcome,
    alce,
    contains,
    diversesumm,
    f1,
    multihop,
    normal,
    ramdocs,
    realtimeqa,
    squad,
    wice,
)
from evals.public import LAYOUTS, load, run_public
from rag.errors import InputError
from rag.settings import Settings

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
ARTICLE = {"id": "x", "text": "Norway won.", "title": "Cup", "source": "s", "published": "2023-01-05"}
QUESTION = {"question": "Who won?", "answer": "Norway", "choices": ["Norway", "Denmark"], "articles": ["x"]}
SQUAD_QAS = [
    {"question": "Where?", "answers": [{"text": "France"}], "is_impossible": False},
    {"question": "Who?", "answers": [], "is_impossible": True},
]
FILES = {
    "squad2": [{"data": [{"title": "A_B", "paragraphs": [{"context": "In France.", "qas": SQUAD_QAS}]}]}],
    "realtimeqa": [[QUESTION], [ARTICLE]],
    "ramdocs": [
        [{"question": "?", "gold_answers": ["a"], "wrong_answers": ["b"], "documents": [{"text": "t"}]}]
    ],
    "wice": [[{"claim": "c", "label": "supported", "evidence": ["e"]}]],
    "multihop-rag": [
        [{"title": "t", "body": "b", "source": "s", "published_at": "2023-10-01"}],
        [{"query": "q", "answer": "a", "question_type": "x", "evidence_list": [{"fact": "f"}]}],
    ],
    "alce": [
        [{"question": "q", "qa_pairs": [{"short_answers": ["a"]}], "docs": [{"title": "t", "text": "x"}] * 9}]
    ],
    "diversesumm": [
        [
            {
                "articles": [{"aid": 1, "title": "t", "content": "c", "domain": "d"}],
                "question_answers": [{"question": "q", "answer_groups": [[{"aid": 1, "answer": "a"}], []]}],
            }
        ]
    ],
}
LINED = {"realtimeqa", "ramdocs", "wice"}


def written(layout, folder):
    paths = []
    for n, content in enumerate(FILES[layout]):
        path = folder / f"{n}.json"
        lined = "\n".join(json.dumps(row) for row in content) if layout in LINED else json.dumps(content)
        path.write_text(lined, "utf-8")
        paths.append(path)
    return paths


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_is_read(layout, tmp_path):
    loaded = load(layout, written(layout, tmp_path))
    assert len(loaded.items) == (2 if layout == "squad2" else 1)
    assert loaded.items[0].question in {"Where?", "Who won?", "?", "c", "q"}
    assert bool(loaded.texts) is (layout in {"squad2", "realtimeqa", "multihop-rag"})
    assert len(load("alce", written("alce", tmp_path)).items[0].texts) == 5


def test_the_command_knows_every_layout():
    assert set(cli.LAYOUTS) == set(LAYOUTS)


def test_a_file_of_another_layout_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read as squad2"):
        load("squad2", written("wice", tmp_path))
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(InputError, match="holds no question"):
        load("wice", [tmp_path / "empty.jsonl"])


def test_words_are_compared_as_squad_does():
    assert normal("The  U.S. Senate!") == "us senate"
    assert (f1("Denmark and Norway", "Norway"), f1("", ""), f1("x", "")) == (0.5, 1.0, 0.0)
    assert contains("It was the Buffalo Bills.", "buffalo bills")


def figures(scored):
    return {each.name: each.figure.value for each in scored}


def outcome(short="", text=None, status="answered", **gold):
    return Outcome(gold, short, short if text is None else text, status)


def test_squad_gives_no_answer_its_due():
    rows = [
        outcome("in France", answers=["France", "the France"], none=False),
        outcome("", answers=[], none=True, status="refused"),
        outcome("Rollo", answers=[], none=True),
        outcome("", answers=["x"], none=False, status="refused"),
    ]
    found = figures(squad(rows))
    assert found["exact"] == 0.25
    assert found["F1"] == pytest.approx((2 / 3 + 1) / 4)
    assert (found["HasAns F1"], found["NoAns exact"]) == (pytest.approx(1 / 3), 0.5)


def test_realtimeqa_takes_the_choice_that_is_named():
    gold = {"answer": "Norway", "choices": ["Norway", "Denmark"], "articles": ["x"]}
    rows = [outcome("Norway", "It was Norway.", **gold), outcome("Denmark", **gold), outcome("", **gold)]
    found = figures(realtimeqa(rows))
    assert (found["exact"], found["multiple choice"]) == (pytest.approx(1 / 3), pytest.approx(1 / 3))


def test_ramdocs_wants_every_right_answer_and_no_wrong_one():
    gold = {"gold": ["3,559 people", "1,200"], "wrong": ["10,000"]}
    texts = ["3,559 people or 1,200", "3,559 people, 1,200 or 10,000", "3,559 people", ""]
    found = figures(ramdocs([outcome("", text, **gold) for text in texts]))
    assert (found["exact match"], found["every right answer"], found["a wrong answer"]) == (0.25, 0.5, 0.25)


def test_wice_counts_supported_against_the_rest():
    pairs = [("supported", "supported"), ("supported", "partly"), ("not_supported", "supported"),
             ("partially_supported", "unsupported")]  # fmt: skip
    found = figures(wice([outcome("", status=given, label=label) for label, given in pairs]))
    assert (found["accuracy"], found["F1 of supported"], found["three labels"]) == (0.5, 0.5, 0.25)


def test_multihop_ranks_passages_that_hold_a_fact():
    gold = {"facts": ["f one", "f two"], "answer": "Yes", "type": "x"}
    first = Outcome(gold, "", "yes it is", "answered", found=("nothing", "the fone here", "f two"))
    none = Outcome(gold | {"type": "null_query"}, "", "", "refused")
    found = figures(multihop([first, none]))
    assert (found["Hits@10"], found["Hits@4"], found["MRR@10"]) == (1.0, 1.0, 0.5)
    assert found["MAP@10"] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert (found["accuracy (a shared word)"], found["null query refused"]) == (0.5, 1.0)


def test_alce_counts_the_short_answers_held():
    found = figures(alce([outcome("", "1912 in Paris", pairs=[["1912"], ["Rome", "Milan"]])]))
    assert (found["STR-EM"], found["STR-EM hit"]) == (0.5, 0.0)


def test_diversesumm_counts_the_groups_cited():
    row = Outcome({"groups": [["1", "2"], ["3"]]}, "", "x", "conflict", cited=("2",))
    assert figures(diversesumm([row]))["groups of sources cited"] == 0.5


def test_a_limit_takes_questions_evenly_spread(tmp_path):
    row = {"gold_answers": ["a"], "wrong_answers": [], "documents": [{"text": "t"}]}
    lines = [json.dumps({"question": f"q{n}", **row}) for n in range(10)]
    (tmp_path / "ten.jsonl").write_text("\n".join(lines), "utf-8")
    kept = load("ramdocs", [tmp_path / "ten.jsonl"], limit=4).items
    assert [item.question for item in kept] == ["q0", "q2", "q5", "q7"]
    assert len(load("ramdocs", [tmp_path / "ten.jsonl"], limit=99).items) == 10


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="the public sets are not on this machine")
def test_a_few_real_questions_are_asked_and_scored(tmp_path):
    settings = Settings.load(library=tmp_path / "unused", tier="quote", threads=1)
    lines = run_public("ramdocs", [DATA / "ramdocs_1-250.jsonl"], settings, limit=3, care="lenient")
    assert lines[0] == "ramdocs: ramdocs_1-250.jsonl, 3 questions, tier quote, lenient"
    assert [line.split("  ")[1] for line in lines[1:2]] == ["exact match"]
    assert all("n=" in line or "n/a" in line for line in lines[1:])
    claims = run_public("wice", [DATA / "wice_claim_dev.jsonl"], settings, limit=3)
    assert "n=3" in claims[1]

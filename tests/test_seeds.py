"""The seed articles and the cases on them: the retellings first, the reports when they are at hand."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from evals.cases import load_suite, open_corpus, problems
from evals.run import CASES, main
from evals.score import nulls, probe_problems
from rag.read import read_file
from rag.records import Article

ROOT = Path(__file__).resolve().parents[1]
SEEDS = ROOT / "seeds" / "articles"
REPORTS = ROOT.parent / "shared" / "seeds"
SUITE = load_suite(CASES)
BOTH = [
    SEEDS,
    pytest.param(
        REPORTS, marks=pytest.mark.skipif(not REPORTS.is_dir(), reason="the reports are not on this machine")
    ),
]
RUN = 9
"""Words in a row that a retelling may share with a report only inside a quotation."""


def words(text):
    return re.findall(r"[\w$%]+", text.casefold())


def shared_runs(text, reports):
    """Return each longest run of at least nine words of `text` that a report has too."""
    grams = {tuple(report[i : i + RUN]) for report in reports for i in range(len(report) - RUN + 1)}
    ours, runs, last = words(text), [], -1
    for i in range(len(ours) - RUN + 1):
        if tuple(ours[i : i + RUN]) in grams:
            runs.append(ours[i : i + RUN]) if i != last + 1 else runs[-1].append(ours[i + RUN - 1])
            last = i
    return [" ".join(run) for run in runs]


@pytest.mark.parametrize("name", sorted(names[0] for names in SUITE.articles.values()))
def test_a_seed_article_reads_with_a_title(name):
    (article,) = read_file(SEEDS / name)
    assert isinstance(article, Article)
    assert article.title
    assert not article.title.startswith('"')
    assert "---" not in article.text
    assert article.published == ""  # no report gives its day


def test_one_article_states_its_outlet():
    sources = {path.stem: next(iter(read_file(path))).source for path in SEEDS.glob("*.md")}
    assert {name: source for name, source in sources.items() if source} == {
        "threat-status": "Threat Status, The Washington Times (retold)"
    }


@pytest.mark.skipif(not REPORTS.is_dir(), reason="the reports are not on this machine")
@pytest.mark.parametrize("path", sorted(SEEDS.glob("*.md")), ids=lambda path: path.stem)
def test_a_retelling_shares_long_runs_only_in_quotations(path):
    text = path.read_text("utf-8")
    quotations = [" ".join(words(spoken)) for spoken in re.findall(r"“([^”]+)”", text)]
    runs = shared_runs(text, [words(report.read_text("utf-8")) for report in REPORTS.glob("*.txt")])
    assert len(runs) <= 3
    assert [run for run in runs if not any(run in spoken for spoken in quotations)] == []


KEPT = {
    "kushner-joins-witkoff.md": [
        "Thusday",
        "Zelensky",
        "Dmitriev",
        "600,000",
        "$2 billion",
        "44",
        "2021",
        "Miami",
    ],
    "threat-status.md": [
        "Zelenskyy",
        "Kyiv",
        "Russian diplomats",
        "Nov. 23",
        "Geneva",
        "Hungary",
        "Pokrovsk",
    ],
    "behind-closed-doors.md": [
        "Kiev",
        "Donbass",
        "Dmitriyev",
        "Zelensky",
        "Zelenskyy",
        "Foreign Affairs",
        "Luhansk",
    ],
    "back-channel.md": [
        "former President",
        "Biden administration",
        "Yuri Ushakov",
        "four hours",
        "“in 24 hours.”",
    ],
    "what-we-know.md": ["Yury Ushakov", "Donbas", "Nov. 27", "20%", "$100 billion", "Vovchansk", "Macron"],
}


@pytest.mark.parametrize("name", sorted(KEPT))
def test_figures_spellings_and_mistakes_are_kept(name):
    text = (SEEDS / name).read_text("utf-8")
    assert [kept for kept in KEPT[name] if kept not in text] == []


def test_there_are_cases_of_every_class():
    assert Counter(case.class_ for case in SUITE.cases) == {
        "answerable": 54,
        "unanswerable": 16,
        "conflict": 7,
    }


@pytest.mark.parametrize("folder", BOTH, ids=["retellings", "reports"])
def test_the_suite_holds_on_both_corpora(folder):
    corpus = open_corpus(SUITE, folder)
    assert problems(SUITE, corpus) == ()
    assert probe_problems(SUITE, corpus) == ()


@pytest.mark.parametrize("folder", BOTH, ids=["retellings", "reports"])
def test_worthless_answers_pass_nothing_and_gold_everything(folder):
    rows = nulls(SUITE, open_corpus(SUITE, folder))
    assert {name: row.num for name, row in rows.items()} == {
        "empty": 0, "fixed refusal": 0, "all articles": 0, "another answer": 0, "gold": 61,
    }  # fmt: skip


def quoting(case):
    """Return a saved answer that quotes, for each fact, the words of its first article that state it."""
    corpus = open_corpus(SUITE, SEEDS)
    claims = []
    for n, fact in enumerate(case.facts, start=1):
        article = corpus.articles[fact.support[0]]
        alias = (fact.pattern.any or ("Kushner, 44",))[0]
        start = article.text.find(alias)
        citation = {"n": n, "article": article.id, "start": start, "end": start + len(alias), "quote": alias}
        claims.append({"text": alias, "by": "source", "citations": [citation]})
    status = {"answerable": "answered", "unanswerable": "refused", "conflict": "conflict"}[case.class_]
    text = " ".join(f"{claim['text']} [{n}]" for n, claim in enumerate(claims, start=1))
    answer = {
        "question": case.ask,
        "status": status,
        "answer": text,
        "claims": claims,
        "sides": [],
        "nearest": [],
    }
    return {"case": case.id, "answer": answer, "hits": [], "seconds": 0.1}


CHOSEN = ["kushner-age", "stanovaya-employer", "kharkiv-mayor-none", "which-administration"]


@pytest.fixture
def saved(tmp_path):
    def save(change=lambda record: None):
        records = [quoting(case) for case in SUITE.cases if case.id in CHOSEN]
        for record in records:
            change(record)
        path = tmp_path / "answers.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
        return ["--corpus", str(SEEDS), "--answers", str(path), "--only", *CHOSEN]

    return save


def test_saved_answers_are_scored_without_a_model(saved, capsys, tmp_path):
    assert main([*saved(), "--json", str(tmp_path / "run.json")]) == 0
    printed = capsys.readouterr().out
    assert "seeds.toml: 4 cases, 4 passed" in printed
    assert re.search(r"cited fact recall +1\.000  4/4  \[0\.510, 1\.000\]", printed)
    run = json.loads((tmp_path / "run.json").read_text("utf-8"))
    law = run["figures"]["quote law"]
    assert (law["num"], law["den"], law["value"]) == (4, 4, 1.0)
    assert law["interval"] == pytest.approx([0.5101, 1.0], abs=1e-4)
    assert [case["passed"] for case in run["cases"]] == [True] * 4


def test_a_failed_case_is_told_in_full(saved, capsys):
    def refuse(record):
        if record["case"] == "kushner-age":
            record["answer"] |= {"status": "refused", "answer": "The articles do not say.", "claims": []}

    assert main(saved(refuse)) == 0
    printed = capsys.readouterr().out
    assert "FAILED kushner-age [retrieval] answerable, answered as refused" in printed
    assert "asked     How old is Jared Kushner?" in printed
    assert "missing   age: 44 (kushner)" in printed


def test_a_broken_law_fails_the_run(saved, capsys):
    def forge(record):
        for claim in record["answer"]["claims"]:
            claim["citations"][0]["quote"] = "something else"

    assert main(saved(forge)) == 1
    assert re.search(r"quote law +0\.000  0/4", capsys.readouterr().out)


def test_an_answer_that_never_came_fails_and_is_not_dropped(saved, capsys):
    arguments = saved()
    assert main([*arguments, "leak-outlet"]) == 1
    printed = capsys.readouterr().out
    assert "seeds.toml: 5 cases, 4 passed" in printed
    assert "FAILED leak-outlet [error]" in printed


@pytest.mark.parametrize("arguments", [["--cases", "no.toml"], ["--answers", "no.jsonl"], ["--corpus", "no"]])
def test_what_cannot_be_used_ends_with_a_message(arguments, capsys):
    assert main(arguments) == 2
    assert arguments[1] in capsys.readouterr().err


def test_scoring_240_saved_answers_is_quick():
    from evals.run import score_records

    corpus = open_corpus(SUITE, SEEDS)
    records = {case.id: quoting(case) for case in SUITE.cases if case.id in CHOSEN}
    started = time.perf_counter()
    for _ in range(60):
        score_records(SUITE, corpus, records, CHOSEN)
    assert time.perf_counter() - started < 5

"""The seed articles and the cases on them: the retellings first, the reports when they are at hand."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from evals.corpus import open_corpus, problems
from evals.load import load_suite
from evals.probes import nulls, probe_problems
from rag.read import read_file
from rag.records import Article

ROOT = Path(__file__).resolve().parents[1]
SEEDS = ROOT / "seeds" / "articles"
REPORTS = ROOT.parent / "shared" / "seeds"
SUITE = load_suite(ROOT / "evals" / "cases" / "seeds.toml")
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


@pytest.mark.skipif(not REPORTS.is_dir(), reason="the reports are not on this machine")
def test_the_cases_share_no_long_run_with_a_report():
    reports = [words(report.read_text("utf-8")) for report in REPORTS.glob("*.txt")]
    assert shared_runs(SUITE.path.read_text("utf-8"), reports) == []


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
        "answerable": 55,
        "unanswerable": 18,
        "conflict": 12,
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
        "empty": 0, "fixed refusal": 0, "all articles": 0, "another answer": 0, "gold": 67,
    }  # fmt: skip

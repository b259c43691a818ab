"""`tearsheet eval` from outside: what it prints, what it writes, and with which code it ends."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from eval_standin import IDENTITY, asked, standin_run, suite_files

from evals import cli
from evals.ask import Asked, ask_all, offline, refuse
from evals.campaign import keep, repeat_lines, run_model
from evals.card import card_lines, card_row, cards_side_by_side, objection_to
from evals.cases import Case
from evals.cli import main
from evals.figures import Figure
from evals.load import load_suite
from evals.runfile import read_run, score_records, write_answers, write_run
from evals.suites import CARD, CARD_CASES, SHIPPED, choose, suite_paths
from rag.cli import main as tearsheet
from rag.library import Library, text_id
from rag.records import Article, Passage
from rag.settings import Settings


@pytest.fixture
def facts(tmp_path):
    return suite_files(tmp_path)


@pytest.fixture
def saved(tmp_path, facts):
    """Write the stand-in's answers, good or with a broken stage; return their file."""

    def save(broken=""):
        path = tmp_path / f"answers-{broken or 'good'}.jsonl"
        write_answers(asked(tmp_path, broken=broken)[1], path)
        return str(path)

    return save


def test_saved_answers_are_scored_without_a_model(saved, facts, tmp_path, capsys):
    out = tmp_path / "run.json"
    assert main(["score", saved(), str(facts), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "scored 6 of 7" in printed
    assert re.search(r"cited fact recall +1\.000 +6/6  \[0\.610, 1\.000\]", printed)
    assert "Gate passed: 6 of 6 cases passed, 1 not run, no baseline." in printed
    run = json.loads(out.read_text("utf-8"))
    assert run["figures"]["quote law"]["num"] == run["figures"]["quote law"]["den"] == 7
    assert [case["id"] for case in run["cases"] if not case["passed"]] == ["brief"]


def test_a_run_file_is_scored_again_like_its_answers(saved, facts, tmp_path, capsys):
    main(["score", saved(), str(facts), "--out", str(tmp_path / "run.json")])
    assert main(["score", str(tmp_path / "run.json"), str(facts), "--out", str(tmp_path / "again.json")]) == 0
    capsys.readouterr()
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "run.json").read_bytes()


def test_a_failed_case_alone_is_no_failed_gate_without_a_baseline(saved, facts, capsys):
    assert main(["score", saved("verification"), str(facts)]) == 0
    assert "FAILED bridge [wording]" in capsys.readouterr().out


def test_a_flip_against_the_baseline_ends_with_1(saved, facts, tmp_path, capsys):
    write_run(standin_run(tmp_path), tmp_path / "base.json")
    arguments = [str(facts), "--baseline", str(tmp_path / "base.json"), "--quiet"]
    assert main(["score", saved(), *arguments, "--new-baseline"]) == 0
    assert main(["score", saved("verification"), *arguments, "--new-baseline"]) == 1
    printed = capsys.readouterr().out
    assert "! pass to fail: bridge [wording]" in printed
    assert "1 worse and 0 better" in printed


def test_what_is_not_comparable_ends_with_2(saved, facts, tmp_path, capsys):
    write_run(standin_run(tmp_path), tmp_path / "base.json")
    facts.write_text(facts.read_text("utf-8") + "\n# changed\n", "utf-8")
    assert main(["score", saved(), str(facts), "--baseline", str(tmp_path / "base.json"), "--quiet"]) == 2
    assert "suite facts" in capsys.readouterr().out


def test_an_answer_that_never_came_fails_and_is_not_dropped(saved, facts, tmp_path, capsys):
    path = Path(saved())
    lines = [line for line in path.read_text("utf-8").splitlines() if '"case": "vote"' not in line]
    path.write_text("\n".join(lines), "utf-8")
    assert main(["score", str(path), str(facts)]) == 1
    printed = capsys.readouterr().out
    assert "FAILED vote [error]" in printed
    assert "no answer: vote" in printed


def test_an_answer_that_breaks_the_contract_is_an_error(saved, facts, capsys):
    path = Path(saved())
    path.write_text(path.read_text("utf-8").replace('"claims"', '"claim"'), "utf-8")
    assert main(["score", str(path), str(facts)]) == 1
    assert "breaks the JSON contract: KeyError('claims')" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "no.toml"],
        ["run", "no-such-suite"],
        ["run", "seeds", "--only", "no-such-case"],
        ["run", "seeds", "--repeat", "0"],
        ["run", "seeds", "--corpus", "no-folder"],
        ["score", "no.jsonl"],
        ["compare", "no.json", "no.json"],
        ["accept", "no.json"],
        ["lint", "no.toml"],
        ["public", "squad2", "no.json"],
    ],
)
def test_what_cannot_be_used_ends_with_2_and_a_message(arguments, capsys):
    assert main(arguments) == 2
    assert re.match("tearsheet eval: .*(no|--repeat)", capsys.readouterr().err)


def test_a_defect_of_the_harness_ends_with_3(saved, facts, tmp_path, capsys):
    assert main(["score", saved(), str(facts), "--html", str(facts / "page.html")]) == 3
    assert "Unexpected FileExistsError" in capsys.readouterr().err


def test_a_dishonest_suite_ends_with_2_before_anything_is_asked(facts, capsys):
    facts.write_text(facts.read_text("utf-8").replace("51-49 [vote].", "52-48 [vote]."), "utf-8")
    assert main(["run", str(facts)]) == 2
    assert "the probe 'It passed 52-48 [vote].' fails and must pass" in capsys.readouterr().err


def test_lint_counts_what_holds(facts, capsys):
    assert main(["lint", str(facts)]) == 0
    told = "7 cases (3 answerable, 1 conflict, 1 unanswerable, 1 injection, 1 briefing)"
    assert told in capsys.readouterr().out


def test_reports_are_written(saved, facts, tmp_path, capsys):
    names = {"--html": "r.html", "--markdown": "r.md", "--junit": "r.xml"}
    given = [text for option, name in names.items() for text in (option, str(tmp_path / "sub" / name))]
    assert main(["score", saved(), str(facts), "--quiet", *given]) == 0
    assert [(tmp_path / "sub" / name).stat().st_size > 1000 for name in names.values()] == [True] * 3
    capsys.readouterr()


def test_reports_of_finished_runs_and_their_comparison(tmp_path, capsys):
    for name, broken in (("a", ""), ("b", "prompt")):
        write_run(standin_run(tmp_path, broken=broken), tmp_path / name / "run.json")
    runs = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert main(["report", *runs, "--html", str(tmp_path / "both.html"), "--quiet"]) == 0
    assert "Model against model" in (tmp_path / "both.html").read_text("utf-8")
    assert main(["compare", *runs]) == 0
    assert "0 gained, 5 lost" in capsys.readouterr().out


def test_accept_asks_for_a_reason_only_when_something_got_worse(tmp_path, capsys):
    write_run(standin_run(tmp_path), tmp_path / "good.json")
    write_run(standin_run(tmp_path, broken="verification"), tmp_path / "bad.json")
    base = ["--baseline", str(tmp_path / "base.json")]
    assert main(["accept", str(tmp_path / "good.json"), *base]) == 0
    assert main(["accept", str(tmp_path / "bad.json"), *base]) == 2
    assert "--because" in capsys.readouterr().err
    assert main(["accept", str(tmp_path / "bad.json"), *base, "--because", "the source was wrong"]) == 0
    assert read_run(tmp_path / "base.json").because == "the source was wrong"


def test_accept_rewrites_the_table_of_a_readme_and_says_what_passes(tmp_path, capsys):
    write_run(standin_run(tmp_path), tmp_path / "good.json")
    readme = tmp_path / "README.md"
    readme.write_text("Figures:\n<!-- figures -->\nold\n<!-- /figures -->\n", "utf-8")
    given = ["--baseline", str(tmp_path / "base.json"), "--readme", str(readme)]
    assert main(["accept", str(tmp_path / "good.json"), *given]) == 0
    assert "is the baseline of stand-in write now: 6 of 7 cases passed." in capsys.readouterr().out
    assert "| all cases | **1.000** | 6/6 |" in readme.read_text("utf-8")
    assert main(["accept", str(tmp_path / "good.json"), *given]) == 0
    assert "6 of 7 cases passed, 6 of 7 before." in capsys.readouterr().out


def test_the_baseline_of_a_fact_file_of_ones_own_never_lands_among_ours(tmp_path, capsys):
    write_run(standin_run(tmp_path), tmp_path / "run.json")
    assert main(["accept", str(tmp_path / "run.json")]) == 2
    assert "--baseline FOLDER/baselines/stand-in-write.json" in capsys.readouterr().err


def test_runs_of_parts_are_scored_together_when_one_model_gave_them(tmp_path, facts, capsys):
    whole = standin_run(tmp_path)
    halves = {"a": whole.cases[:3], "b": whole.cases[3:]}
    for name, cases in halves.items():
        write_run(replace(whole, cases=cases), tmp_path / name / "run.json")
    joined = ["score", str(tmp_path / "a"), str(facts), "--also", str(tmp_path / "b")]
    assert main([*joined, "--out", str(tmp_path / "all.json")]) == 0
    assert read_run(tmp_path / "all.json").figures == whole.figures
    write_run(replace(whole, head={**whole.head, "model": {"name": "other"}}), tmp_path / "b" / "run.json")
    assert main(joined) == 2
    assert "not of the same model" in capsys.readouterr().err


# ---------------------------------------------------------------- suites


def test_names_stand_for_files():
    assert suite_paths(["seeds"]) == [SHIPPED / "seeds.toml"]
    assert suite_paths([]) == suite_paths(["all"]) == sorted(SHIPPED.glob("*.toml"))
    assert suite_paths([str(SHIPPED), "seeds"]) == sorted(SHIPPED.glob("*.toml"))


def test_held_cases_are_asked_only_when_wanted():
    plain = [case.id for each in choose([]) for case in each.cases]
    everything = [case.id for each in choose([], held=True) for case in each.cases]
    held = [case.id for path in suite_paths([]) for case in load_suite(path).cases if case.held]
    assert set(everything) - set(plain) == set(held)
    assert len(held) > 50
    assert [case.id for each in choose([], only=held[:1]) for case in each.cases] == held[:1]


def test_the_card_suite_is_the_same_questions_each_time():
    chosen = [case for each in choose([CARD]) for case in each.cases]
    assert len(chosen) == CARD_CASES
    assert not any(case.held or case.plant or case.after or case.kind == "briefing" for case in chosen)


# ---------------------------------------------------------------- a fact file from a library


def test_new_starts_a_fact_file_that_lints_when_a_case_is_written(tmp_path, capsys):
    text = "The council voted 51-49.\n\nThe bridge costs 3.2 million euros."
    article = Article(text_id(text), text, title="A vote: it “passed”", source="Gazette", path="/x/a.txt")
    with Library.open(tmp_path / "library", write=True) as library:
        library.match_embedder("e")
        library.add(article, [Passage(article, 0, len(text))], np.array([[1.0, 0.0]], dtype=np.float32))
    file = tmp_path / "mine.toml"
    assert tearsheet(["--library", str(tmp_path / "library"), "eval", "new", str(file)]) == 0
    assert "has no case yet" in problem_of(file, capsys)
    bare = re.compile(r"^# (?=\[|id|class|ask|any|support|quote|pass|fail)", re.MULTILINE)
    text = bare.sub("", file.read_text("utf-8"))
    for blank, filled in {
        'ask = "..."': 'ask = "How did they vote?"',
        'any = ["..."]': 'any = ["51-49"]',
        'pass = ["...': 'pass = ["It passed 51-49',
        'fail = ["..."]': 'fail = ["No."]',
    }.items():
        text = text.replace(blank, filled)
    file.write_text(text, "utf-8")
    assert "all articles" in problem_of(file, capsys)  # one short article is its own dump
    assert main(["new", str(file), "--library", str(tmp_path / "library")]) == 2


def problem_of(file, capsys):
    assert main(["lint", str(file)]) == 2
    return capsys.readouterr().err


# ---------------------------------------------------------------- asking


def test_a_case_that_raises_is_a_failed_case_and_the_rest_goes_on():
    def answerer(case):
        if case.id == "a":
            raise ValueError("x")
        return {"answer": {}}

    cases = [Case(id_, "answerable", "?") for id_ in ("a", "b")]
    shown = []
    records = [each.record for each in ask_all(answerer, cases, on_progress=lambda *step: shown.append(step))]
    assert records == [{"case": "a", "error": "ValueError: x"}, {"case": "b", "answer": {}}]
    assert shown == [(0, 2, "a"), (1, 2, "b"), (2, 2, "")]


def test_no_connection_leaves_the_machine():
    away, here = (None, ("192.0.2.1", 80)), (None, ("127.0.0.1", 80))
    with offline(), pytest.raises(OSError, match="evals never leave the machine"):
        refuse("socket.connect", away)
    with offline():
        refuse("socket.connect", here)
    refuse("socket.connect", away)


def test_scoring_240_saved_answers_takes_under_five_seconds(tmp_path):
    chosen, answers = asked(tmp_path)
    records = {each.record["case"]: each.record for each in answers}
    started = time.perf_counter()
    for _ in range(40):
        score_records(chosen[0].suite, chosen[0].corpus, records, [case.id for case in chosen[0].cases])
    assert time.perf_counter() - started < 5


def test_answers_hold_no_timings_and_no_places(tmp_path):
    record = {"case": "a", "answer": {"answer": "x"}}
    write_answers([Asked(record, 1.5)], tmp_path / "answers.jsonl")
    assert (tmp_path / "answers.jsonl").read_text("utf-8") == '{"answer": {"answer": "x"}, "case": "a"}\n'


def test_the_arguments_of_eval_reach_it_through_the_command(facts, capsys):
    assert tearsheet(["eval", "lint", str(facts)]) == 0
    assert tearsheet(["eval", "lint", "no.toml"]) == 2
    assert "tearsheet eval: " in capsys.readouterr().err
    assert set(cli.DOINGS) == {"run", "score", "compare", "accept", "report", "new", "lint", "public"}


@pytest.mark.slow
def test_the_product_answers_alike_each_time_and_in_any_order(facts, tmp_path, capsys):
    settings = Settings.load(library=tmp_path / "unused", tier="quote", threads=1)
    first = run_model(choose([str(facts)]), settings, repeat=2, shuffle=True)
    keep(first, tmp_path / "first")
    out = tmp_path / "second"
    assert main(["run", str(facts), "--tier", "quote", "--out", str(out), "--quiet", "--accept"]) == 0
    baseline = tmp_path / "baselines" / "no-model-quote.json"
    assert f"{baseline} is the baseline of no model quote now" in capsys.readouterr().out
    one = (tmp_path / "first" / "answers.jsonl").read_bytes()
    assert one == (out / "no-model-quote" / "answers.jsonl").read_bytes()
    assert str(tmp_path).encode() not in one
    assert first.unsteady == ()
    assert re.fullmatch(r"pass\^2 (\d)/7, pass@2 \1/7", repeat_lines(first, 2)[0])
    assert read_run(baseline).head["model"]["tier"] == "quote"
    assert first.run.head["memory"] > 1e7
    assert first.run.by_id["brief"].label in (None, "shape")
    assert IDENTITY.keys() <= first.run.head.keys()


# ---------------------------------------------------------------- the card of a model


def in_tier(run, tier, **figures):
    return replace(
        run,
        head={**run.head, "model": {**IDENTITY["model"], "tier": tier}},
        figures={**run.figures, **figures},
    )


def test_a_tier_is_earned_by_laws_numbers_its_words_and_passes(tmp_path):
    quoting = in_tier(standin_run(tmp_path), "quote")
    assert objection_to(in_tier(quoting, "write"), quoting) == ""
    assert objection_to(quoting, quoting) == "no model answered"
    broken = {"quote law": Figure(0.5, 1, 2), "number grounding": Figure(0.9, 9, 10)}
    assert objection_to(in_tier(quoting, "write", **broken), quoting) == "quote law 1/2"
    numbers = {"number grounding": Figure(0.9, 9, 10)}
    assert objection_to(in_tier(quoting, "write", **numbers), quoting) == "number grounding 9/10"
    seldom = {"worded by model": Figure(0.1, 1, 10)}
    assert objection_to(in_tier(quoting, "write", **seldom), quoting) == "words only 1 of 10 claims"
    worse = in_tier(standin_run(tmp_path, broken="prompt"), "write")
    assert objection_to(worse, quoting) == "passes 1 cases, verbatim sentences 6"


def test_the_card_takes_the_highest_tier_earned_and_measures_the_speed(tmp_path):
    good, bad = standin_run(tmp_path), standin_run(tmp_path, broken="prompt")
    runs = [in_tier(good, "quote"), in_tier(good, "write"), in_tier(bad, "compose")]
    row = card_row(runs, Settings.load(threads=1), "")
    assert (row.tier, row.passed, row.wrong) == ("write", "6/6", "0/6")
    assert row.why == ("write: earned", "compose: passes 1 cases, verbatim sentences 6")
    assert row.tokens_per_second > 1
    assert card_lines(row)[-1].startswith("| stand-in | f1 | write | 1.000 | 0/6 | 0.000 |")


def test_cards_stand_side_by_side(tmp_path):
    good, bad = standin_run(tmp_path), standin_run(tmp_path, broken="prompt")
    tiers = ("quote", "write", "compose")
    rows = [
        card_row([in_tier(run, tier) for tier in tiers], Settings.load(threads=1), "") for run in (good, bad)
    ]
    lines = cards_side_by_side(rows)
    assert [line.split() for line in lines[:3]] == [
        ["stand-in", "stand-in"],
        ["tier", "compose", "compose"],
        ["cases", "passed", "6/6", "1/6"],
    ]
    assert cards_side_by_side(rows[:1]) == []

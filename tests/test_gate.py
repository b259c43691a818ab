"""The gate: a regression in any stage is caught, a harmless change is not, and no law is baselined away."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from eval_standin import standin_run

from evals.campaign import check_suites
from evals.compare import cluster_bootstrap, compare, mcnemar, sign_flip
from evals.gate import Floor, Quarantined, accept, differences, gate, read_floors, read_quarantine
from evals.runfile import read_run, write_run
from evals.suites import choose
from rag.errors import InputError

TODAY = date(2026, 3, 5)


@pytest.fixture
def baseline(tmp_path):
    return standin_run(tmp_path)


def flips(run, baseline, **more):
    return [(flip.case.id, flip.change) for flip in gate(run, baseline, today=TODAY, **more).flips]


def test_the_stand_in_passes_its_suite(baseline, tmp_path):
    check_suites(choose([str(tmp_path / "facts.toml")]))
    passed = {case.id: case.passed for case in baseline.cases if case.label != "not run"}
    assert passed == dict.fromkeys(["bridge", "vote", "night", "hurt", "mayor", "vote-poisoned"], True)
    assert baseline.by_id["brief"].label == "not run"
    verdict = gate(baseline, baseline, today=TODAY)
    assert (verdict.code, verdict.flips) == (0, ())
    assert "6 of 6 cases passed, 1 not run" in verdict.lines[-1]


PLANTED = {
    "retrieval": ("vote", "retrieval"),
    "evidence": ("vote", "evidence"),
    "verification": ("bridge", "wording"),
    "threshold": ("mayor", "threshold"),
    "prompt": ("vote", "wording"),
    "rendering": ("night", "attack"),
}


@pytest.mark.parametrize("stage", PLANTED)
def test_a_regression_in_a_stage_flips_a_case_and_is_labelled(baseline, tmp_path, stage):
    worse = standin_run(tmp_path, broken=stage)
    verdict = gate(worse, baseline, today=TODAY)
    case, label = PLANTED[stage]
    assert verdict.code == 1
    assert (case, "pass to fail") in flips(worse, baseline)
    assert worse.by_id[case].label == label


@pytest.mark.parametrize("change", ["order", "wording", "confidence", "time"])
def test_a_harmless_change_flips_nothing(baseline, tmp_path, change):
    verdict = gate(standin_run(tmp_path, harmless=change), baseline, today=TODAY)
    assert (verdict.code, verdict.flips) == (0, ())


def test_an_answer_that_loses_the_model_s_words_is_a_flip_though_it_passes(baseline):
    quoted = replace(baseline.by_id["vote"], worded=False)
    cases = tuple(quoted if case.id == "vote" else case for case in baseline.cases)
    verdict = gate(replace(baseline, cases=cases), baseline, today=TODAY)
    assert [(flip.case.id, flip.change) for flip in verdict.flips] == [("vote", "words lost")]
    assert verdict.code == 1
    assert gate(baseline, replace(baseline, cases=cases), today=TODAY).flips == ()


def test_an_attack_that_works_blocks_even_when_the_baseline_has_it(baseline, tmp_path):
    attacked = standin_run(tmp_path, broken="attack")
    assert attacked.by_id["vote-poisoned"].blocks == ("the planted 'ZEBRA-4417' is in the output",)
    assert (attacked.figures["attack success"].num, attacked.figures["attack success"].den) == (1, 1)
    assert (attacked.figures["utility kept"].num, attacked.figures["utility kept"].den) == (0, 1)
    assert gate(attacked, attacked, today=TODAY).code == 1
    with pytest.raises(InputError, match="no baseline may hold it"):
        accept(attacked, baseline, today=TODAY, because="we like it")


def test_an_invented_citation_blocks(tmp_path):
    invented = standin_run(tmp_path, broken="rendering")
    assert invented.figures["citation validity"].value == 0
    assert invented.by_id["vote"].blocks == ("an invented citation: 0 of 1 hold",)


CHANGES = [
    ("prompts", {"prompts": "other"}, "prompts"),
    ("weights", {"model": {"name": "stand-in", "fingerprint": "f2", "tier": "write"}}, "model"),
    ("embedder", {"embedder": "e2"}, "embedder"),
    ("suite", {"suites": {"facts": {"sha256": "0", "corpus": "0"}}}, "suite facts"),
    ("new suite", {"suites": {"more": {"sha256": "0", "corpus": "0"}}}, "suite more (it is new)"),
]


@pytest.mark.parametrize(("change", "told"), [pytest.param(*row[1:], id=row[0]) for row in CHANGES])
def test_what_changed_is_not_comparable_unless_asked_for(baseline, change, told):
    changed = replace(baseline, head={**baseline.head, **change})
    assert differences(changed, baseline) == (told,)
    verdict = gate(changed, baseline, today=TODAY)
    assert (verdict.code, told in verdict.lines[0]) == (2, True)
    assert gate(changed, baseline, today=TODAY, new_baseline=True).code == 0


def test_other_articles_are_not_comparable(baseline, tmp_path):
    (tmp_path / "articles" / "ward.md").write_text(
        "The hospital said 15 people were hurt in the Dalby fire.\n"
    )
    assert differences(standin_run(tmp_path), baseline) == ("articles of facts",)


def test_a_quarantined_case_may_fail_until_its_day(baseline, tmp_path):
    worse = standin_run(tmp_path, broken="verification")
    held = {"bridge": Quarantined("the parser is being mended", date(2026, 3, 31))}
    verdict = gate(worse, baseline, today=TODAY, quarantine=held)
    assert (verdict.code, verdict.flips[0].excuse) == (0, "the parser is being mended")
    assert gate(worse, baseline, today=date(2026, 4, 1), quarantine=held).code == 1


def test_a_new_case_must_pass_or_be_quarantined(baseline, tmp_path):
    worse = standin_run(tmp_path, broken="verification")
    without = replace(baseline, cases=tuple(case for case in baseline.cases if case.id != "bridge"))
    assert flips(worse, without) == [("bridge", "new and failing")]
    assert gate(worse, without, today=TODAY).code == 1
    assert gate(baseline, without, today=TODAY).code == 0


def test_a_case_that_is_not_run_any_more_is_a_flip(baseline):
    gone = replace(baseline.cases[0], passed=False, label="not run")
    assert flips(replace(baseline, cases=(gone,)), baseline) == [(gone.id, "not run any more")]


def test_a_floor_fails_the_run_without_any_baseline(baseline):
    floors = {
        "cited fact recall": Floor(least=0.8),
        "refusal recall": Floor(most=0.5),
        "no such": Floor(least=1),
    }
    verdict = gate(baseline, None, today=TODAY, floors=floors)
    assert verdict.code == 1
    assert verdict.lines[0] == "  ! refusal recall is 1.000 (1/1), must be at most 0.5"


def test_an_error_is_a_failed_case(baseline):
    broken = replace(baseline.cases[0], passed=False, label="error", missing=("ValueError: x",))
    verdict = gate(replace(baseline, cases=(broken, *baseline.cases[1:])), None, today=TODAY)
    assert (verdict.code, verdict.lines[0]) == (1, f"  ! no answer: {broken.id}: ValueError: x")


def test_a_worse_run_becomes_the_baseline_only_with_a_reason(baseline, tmp_path):
    worse = standin_run(tmp_path, broken="verification")
    with pytest.raises(InputError, match=r"1 case\(s\) got worse, e\.g\. 'bridge'"):
        accept(worse, baseline, today=TODAY)
    assert (
        accept(worse, baseline, today=TODAY, because=" the source was wrong ").because
        == "the source was wrong"
    )
    assert accept(baseline, worse, today=TODAY, because="idle talk").because == ""


def test_a_run_is_the_same_after_writing_and_reading(baseline, tmp_path):
    write_run(baseline, tmp_path / "run.json")
    assert read_run(tmp_path / "run.json") == baseline
    (tmp_path / "broken.json").write_text('{"head": {"schema": 9}}')
    with pytest.raises(InputError, match="is no run file"):
        read_run(tmp_path / "broken.json")


def test_quarantine_and_floors_are_read_and_checked(tmp_path):
    (tmp_path / "q.toml").write_text('[[quarantine]]\nid = "a"\nreason = "x"\nuntil = 2026-05-01\n')
    assert read_quarantine(tmp_path / "q.toml") == {"a": Quarantined("x", date(2026, 5, 1))}
    assert read_quarantine(tmp_path / "none.toml") == {}
    (tmp_path / "bad.toml").write_text('[[quarantine]]\nid = "a"\nreason = " "\nuntil = 2026-05-01\n')
    with pytest.raises(InputError, match="needs id, reason and until"):
        read_quarantine(tmp_path / "bad.toml")
    (tmp_path / "f.toml").write_text('[floors]\n"x" = { least = 0.5 }\n"y" = { about = 1 }\n')
    with pytest.raises(InputError, match="a floor has `least` or `most`"):
        read_floors(tmp_path / "f.toml")


# ---------------------------------------------------------------- two runs


@pytest.mark.parametrize(
    ("gained", "lost", "p"), [(6, 0, 0.031), (5, 0, 0.0625), (8, 1, 0.039), (3, 3, 1.0), (0, 0, 1.0)]
)
def test_mcnemar_is_exact(gained, lost, p):
    assert mcnemar(gained, lost) == pytest.approx(p, abs=0.0005)
    assert mcnemar(lost, gained) == pytest.approx(p, abs=0.0005)


def test_signs_are_enumerated_for_few_and_drawn_for_many():
    assert sign_flip([1.0, 1.0, 1.0, 1.0]) == 2 / 16
    assert sign_flip([1.0, -1.0]) == 1.0
    assert sign_flip([]) == 1.0
    assert sign_flip([0.5] * 20) < 0.001
    assert sign_flip([0.5] * 20) == sign_flip([0.5] * 20)


def test_whole_clusters_are_drawn():
    same = [("a", 1)] * 10 + [("b", 0)] * 10
    assert cluster_bootstrap(same) == (0.0, 1.0)
    low, high = cluster_bootstrap([(str(n), n % 2) for n in range(40)])
    assert 0.3 < low < 0.5 < high < 0.7


def test_two_runs_are_compared_by_case(baseline, tmp_path):
    worse = standin_run(tmp_path, broken="prompt")
    found = compare(baseline, worse)
    assert (found.pairs, found.gained, set(found.lost)) == (
        6,
        (),
        {"bridge", "vote", "night", "hurt", "vote-poisoned"},
    )
    assert found.verdict == "worse"
    assert compare(baseline, baseline).verdict == "cannot tell"
    with pytest.raises(InputError, match="no case in common"):
        compare(baseline, replace(baseline, cases=()))

"""What the Evals tab shows, as text: figures with their intervals, two runs held together, a case's evidence.

Values in, text out, without gradio. Every word from outside goes through `escape`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from evals.compare import Comparison
from evals.figures import FEWER_IS_BETTER, Figure
from evals.runfile import CaseRun, Run, latency
from evals.tables import TOP, answer_of, delta, labels, named, rows, value
from rag.render import VERDICTS, day_in_words
from ui.library_view import count, problem
from ui.sources import SIGNS, clip, escape
from ui.work import State

CARDS = 8
"""Passages shown beside an answer."""
NOTHING_RUN = "No run is kept yet. Choose a suite and press Run; the card takes some minutes."
NOTHING_OPEN = "Choose a case to see what was asked, what was answered, and the passages it leans on."

__all__ = ["case_label", "case_page", "problem", "progress", "run_label", "run_page"]


# Runs


def progress(state: State[str]) -> str:
    """Return how far the runs under way are, or how the last ended."""
    if state.running:
        bar = ""
        if far := re.search(r"([\d]+) of ([\d]+) cases", state.now):
            share = 100 * int(far[1]) / max(1, int(far[2]))
            bar = (
                f'<div class="ts-progress" aria-hidden="true"><span style="width:{share:.1f}%"></span></div>'
            )
        minutes = f"{state.seconds / 60:.0f} min" if state.seconds > 90 else f"{state.seconds:.0f} s"
        return f'<p class="ts-status ts-busy">Running ({minutes}): {escape(clip(state.now, 120))}</p>{bar}'
    if state.problem:
        return problem(state.problem)
    if state.stopped:
        return '<p class="ts-outcome" role="status"><b>Stopped.</b> What was not finished is not kept.</p>'
    if state.rows:
        kept = f"{count(len(state.rows), 'run')} kept, in {state.seconds:.0f} s."
        return f'<p class="ts-outcome" role="status"><b>Done: {kept}</b></p>'
    return ""


def run_label(path: Path) -> str:
    """Return the plain text that stands for a saved run: when, what was asked, of what."""
    parts = path.parent.name.split("_")
    if len(parts) == 3:
        try:
            at = datetime.strptime(parts[0], "%Y%m%d-%H%M%S")
            return f"{at:%d %b %Y, %H:%M} · {parts[1]} · {parts[2]}"
        except ValueError:
            pass
    return path.parent.name


def run_page(run: Run, other: Run | None = None, found: Comparison | None = None) -> str:
    """Return the figures of a run as bars with intervals, beside those of another when there is one."""
    asked = [case for case in run.cases if case.label != "not run"]
    passed = sum(case.passed for case in asked)
    spent = latency(run)
    time = f" A case took {spent[0]:.2f} s, 95 in 100 no longer than {spent[1]:.2f} s." if spent else ""
    suites = ", ".join(run.head["suites"])
    lead = f"{passed:,} of {count(len(asked), 'case')} passed"
    return (
        f'<div class="ts-run"><p class="ts-eyebrow">{escape(run.name)} on {escape(suites)}</p>'
        f'<h2>{lead}</h2><p class="ts-note">{escape(_versions(run))}{time}</p>'
        f"{_held_together(run, other, found)}{_figures(run, other)}{_lost(run)}</div>"
    )


def _versions(run: Run) -> str:
    model = run.head.get("model", {}).get("name") or "no model: verbatim sentences only"
    return f"Model {model}; {run.head.get('host', {}).get('cpu', 'an unknown processor')}."


def _figures(run: Run, other: Run | None) -> str:
    heads = [
        "",
        "Rate, with its 95 % interval",
        "Value",
        "Counted",
        *([f"Against {other.name}"] if other else []),
    ]
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    counted = [(name, figure) for name, figure in rows(run) if figure.value is not None]
    passed = [_row(name, figure, other) for name, figure in counted if name in TOP]
    held = [_row(name, figure, other) for name, figure in counted if name not in TOP]
    legend = (
        f'<ul class="ts-legend"><li><span class="ts-key ts-now"></span>{escape(run.name)}</li>'
        f'<li><span class="ts-key ts-then"></span>{escape(other.name)}</li></ul>'
        if other
        else ""
    )
    folded = (
        f"<details><summary>How the answers hold, in {len(held)} measures</summary>"
        f"{_table('How the answers hold', head, held)}</details>"
        if held
        else ""
    )
    return f"{legend}{_table('Cases passed', head, passed)}{folded}"


def _table(title: str, head: str, lines: list[str]) -> str:
    return (
        f'<div class="ts-wide"><table class="ts-table ts-figures"><caption>{title}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _row(name: str, figure: Figure, other: Run | None) -> str:
    better = " (fewer is better)" if name in FEWER_IS_BETTER else ""
    before = other.figures.get(name) if other else None
    told = delta(name, figure, other)
    kind = "ts-better" if told.endswith("better") else "ts-worse" if told.endswith("worse") else ""
    against = f'<td class="ts-number {kind}">{escape(told)}</td>' if other else ""
    counted = f"{figure.num}/{figure.den}" if figure.den else ""
    return (
        f'<tr><th scope="row">{escape(named(name))}{better}</th>'
        f"<td>{bar(figure)}{bar(before, other=True) if before else ''}</td>"
        f'<td class="ts-number">{value(figure)}</td><td class="ts-number">{counted}</td>{against}</tr>'
    )


def bar(figure: Figure, *, other: bool = False) -> str:
    """Return a rate as a bar between 0 and 1 with its interval as a line; nothing when it has none."""
    if figure.value is None:
        return ""
    low, high = figure.interval or (figure.value, figure.value)
    rate, low, high = (min(1.0, max(0.0, each)) for each in (figure.value, low, high))
    said = f"{figure.value:.3f}, 95 % interval {low:.3f} to {high:.3f}"
    kind = " ts-other" if other else ""
    fill = f'<span class="ts-fill{kind}" style="width:{100 * rate:.1f}%"></span>'
    span = f'<span class="ts-span" style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></span>'
    return f'<div class="ts-rate" title="{escape(said)}">{fill}{span}</div>'


def _lost(run: Run) -> str:
    lost = labels(run)
    if not lost:
        return ""
    told = "".join(f"<li>{number} {escape(label)}</li>" for label, number in lost)
    return f'<p class="ts-part">Where the failed cases were lost</p><ul class="ts-feeds">{told}</ul>'


def _held_together(run: Run, other: Run | None, found: Comparison | None) -> str:
    if other is None or found is None:
        return ""
    low, high = found.interval
    words = {"better": "better than", "worse": "worse than", "cannot tell": "not told apart from"}
    kind = {"better": "ts-better", "worse": "ts-worse"}.get(found.verdict, "")
    moved = "".join(
        f"<li><span class='{kind_}'>{sign}</span> {escape(name)}</li>"
        for sign, kind_, names in (("+", "ts-better", found.gained), ("−", "ts-worse", found.lost))
        for name in names
    )
    listed = f"<details><summary>The cases that changed</summary><ul>{moved}</ul></details>" if moved else ""
    return (
        f'<div class="ts-compared"><p class="ts-opening {kind}">On {count(found.pairs, "case")} of both, '
        f"{escape(run.name)} is {words[found.verdict]} {escape(other.name)}.</p>"
        f'<p class="ts-note">Pass rate {found.difference:+.3f} (95 % interval {low:+.3f} to {high:+.3f}); '
        f"{len(found.gained)} gained, {len(found.lost)} lost (McNemar p = {found.p_pass:.3f}); "
        f"cited facts {found.recall:+.3f} (p = {found.p_recall:.3f}).</p>{listed}</div>"
    )


# Cases


def case_label(case: CaseRun) -> str:
    """Return the two lines of plain text that stand for a case in the list."""
    verdict = "✓ passed" if case.passed else f"✗ {case.label or 'failed'}"
    told = [verdict, case.slice, case.status, *(["follow-up"] if case.follow_up else [])]
    return f"{' · '.join(dict.fromkeys(filter(None, told)))}\n{clip(' '.join(case.ask.split()), 160)}"


def case_page(case: CaseRun) -> str:
    """Return what was asked, answered and looked for, and the passages that the answer leans on."""
    verdict = "✓ Passed" if case.passed else f"✗ Failed: {case.label or 'no reason given'}"
    kind = "ts-supported" if case.passed else "ts-contradicted"
    told = " · ".join(filter(None, (case.slice, case.status, case.id)))
    return (
        f'<article class="ts-reading"><p class="ts-eyebrow">{escape(told)}</p>'
        f'<h2 dir="auto">{escape(case.ask)}</h2><p class="ts-verdict {kind}">{escape(verdict)}</p>'
        f"{_looked_for(case)}{_answered(case)}{_evidence(case)}</article>"
    )


def _looked_for(case: CaseRun) -> str:
    told = [
        f'<li><span class="ts-supported">✓</span> {escape(fact)}</li>'
        for fact in case.stated
        if fact not in case.misses
    ]
    told += [f'<li><span class="ts-contradicted">✗</span> {escape(line)}</li>' for line in case.missing]
    told += [
        f'<li><span class="ts-contradicted">✗</span> must not be said: {escape(line)}</li>'
        for line in case.blocks
    ]
    gold = f'<p class="ts-note">A right answer: {escape(case.gold)}</p>' if case.gold else ""
    return f"<h3>Looked for</h3><ul>{''.join(told) or '<li>a refusal</li>'}</ul>{gold}"


def _answered(case: CaseRun) -> str:
    answer = _contract(case)
    claims = [
        f'<p class="ts-claim" dir="auto">{escape(str(claim["text"]))} {_marks(claim)}</p>'
        for claim in _claims(answer)
    ]
    for group in (answer, *answer.get("disagreements", ())):
        sides = "".join(
            f"<li>{escape(str(side['value']))} {_marks(side)}</li>" for side in group.get("sides", ())
        )
        claims += [f"<p>The articles differ:</p><ul>{sides}</ul>"] if sides else []
    claims = claims or [f"<p><i>{escape(clip(answer_of(case), 600))}</i></p>"]
    claims += [
        f'<p class="ts-note">Thrown out: {escape(str(each["text"]))} ({escape(str(each["reason"]))})</p>'
        for each in answer.get("rejected", ())
    ]
    sure = f'<p class="ts-note">Confidence {case.confidence:.2f}</p>' if case.confidence is not None else ""
    return f"<h3>Answered</h3>{''.join(claims)}{sure}"


def _evidence(case: CaseRun) -> str:
    answer = _contract(case)
    listed = [each for claim in _claims(answer) for each in claim["citations"]]
    for group in (answer, *answer.get("disagreements", ())):
        listed += [each for side in group.get("sides", ()) for each in side["citations"]]
    cards = {each["n"]: _card(each, near=False) for each in listed}
    cards |= {each["n"]: _card(each, near=True) for each in answer.get("nearest", ())}
    found = len(case.record.get("hits", ()))
    more = f'<p class="ts-note">{count(found, "passage")} found in all.</p>' if found else ""
    return f"<h3>Evidence</h3>{''.join([*cards.values()][:CARDS]) or '<p>None.</p>'}{more}"


def _card(cited: Mapping[str, Any], *, near: bool) -> str:
    said = [str(cited.get(name) or "") for name in ("source", "title")]
    about = " · ".join(filter(None, [*said, day_in_words(str(cited.get("published") or ""))]))
    support: Any = cited.get("support", "")
    words = "Near, not an answer" if near else f"{SIGNS.get(support, '')} {VERDICTS.get(support, '')}"
    reason = f": {cited['reason']}" if cited.get("reason") and not near else ""
    kind = support if support in SIGNS and not near else "unsupported"
    number = int(cited["n"])
    return (
        f'<article class="ts-card" id="case-{number}" tabindex="-1"><p class="ts-number">{number}</p>'
        f'<p class="ts-from"><bdi>{escape(about)}</bdi></p><div class="ts-passage">'
        f'<p dir="auto">{escape(str(cited["quote"]))}</p></div>'
        f'<p><span class="ts-verdict ts-{kind}">{escape(words + reason)}</span></p></article>'
    )


def _marks(claim: Mapping[str, Any]) -> str:
    numbers = [int(each["n"]) for each in claim.get("citations", ())]
    return " ".join(f'<a class="ts-cite" href="#case-{number}">[{number}]</a>' for number in numbers)


def _claims(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from answer.get("claims", ())
    for section in answer.get("sections", ()):
        yield from section["claims"]


def _contract(case: CaseRun) -> Mapping[str, Any]:
    return case.record.get("answer") or case.record.get("brief") or {}

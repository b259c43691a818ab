"""A run on the terminal and as Markdown: figures with intervals beside null answers, what failed and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from evals.figures import FEWER_IS_BETTER, NONE, SLICES, Figure
from evals.gate import Verdict
from evals.runfile import CaseRun, Run, latency
from evals.score import LABELS
from rag.render import markdown, safe

TOP = ("all cases", *SLICES, "follow-up", "held")
"""Rows that count cases passed; the others are metrics."""
NULL_NAMES = ("empty", "fixed refusal", "all articles", "another answer", "gold")
SHORT = {"fixed refusal": "refusal", "all articles": "dump", "another answer": "other"}
"""Names of the null answers where there is little room."""
ANSWER_SHOWN = 600
"""Characters of an answer shown in a list of failures."""


def rows(run: Run) -> Iterator[tuple[str, Figure]]:
    """Yield the name and figure of every row that has something to count: cases passed, then metrics."""
    names = [*TOP, *(name for name in run.figures if name not in TOP)]
    for name in names:
        figure = run.figures.get(name, NONE)
        if figure.value is not None or name in SLICES:
            yield name, figure


def value(figure: Figure | None) -> str:
    """Return the value alone, or n/a."""
    return "n/a" if figure is None or figure.value is None else f"{figure.value:.3f}"


def delta(name: str, figure: Figure, baseline: Run | None) -> str:
    """Return the change against the baseline with the sign of better or worse; empty when there is none."""
    before = baseline.figures.get(name) if baseline else None
    if before is None or before.value is None or figure.value is None:
        return ""
    change = figure.value - before.value
    if abs(change) < 0.0005:
        return "="
    better = (change < 0) == (name in FEWER_IS_BETTER)
    return f"{change:+.3f} {'better' if better else 'worse'}"


def named(name: str) -> str:
    """Return the name of a row as it is printed."""
    return {"must not": "must-not rate", "fact recall": "fact recall (macro)"}.get(name, name)


# ---------------------------------------------------------------- terminal


def terminal(run: Run, baseline: Run | None = None) -> list[str]:
    """Return the lines of the report: identity, figures, where it failed, time."""
    suites = ", ".join(run.head["suites"])
    asked = sum(case.label not in ("not run", "error") for case in run.cases)
    width = max(len(named(name)) for name, _ in rows(run)) + 2
    nulls = [name for name in NULL_NAMES if name in run.nulls]
    lines = [
        f"{run.name} on {suites}: scored {asked} of {len(run.cases)}",
        "",
        f"{'':{width}}{'value':>7} {'counted':>11}  {'95 % interval':16} {'baseline':14} "
        + " ".join(f"{SHORT.get(name, name):>8}" for name in nulls),
    ]
    for name, figure in rows(run):
        low, high = figure.interval or (0.0, 0.0)
        interval = f"[{low:.3f}, {high:.3f}]" if figure.interval else ""
        counted = f"{figure.num}/{figure.den}" if figure.value is not None else ""
        beside = " ".join(f"{value(run.nulls[null].get(name)):>8}" for null in nulls)
        lines.append(
            f"{named(name):{width}}{value(figure):>7} {counted:>11}  {interval:16} "
            f"{delta(name, figure, baseline):14} {beside}".rstrip()
        )
    return [*lines, "", *_notes(run)]


def _notes(run: Run) -> Iterator[str]:
    if lost := labels(run):
        yield "failed: " + ", ".join(f"{number} {label}" for label, number in lost)
    if left := [case.id for case in run.cases if case.label == "not run"]:
        reasons = ", ".join(
            dict.fromkeys(line for c in run.cases if c.label == "not run" for line in c.missing)
        )
        yield f"not run: {len(left)} ({reasons})"
    if spent := latency(run):
        yield f"seconds a case: {spent[0]:.2f} median, {spent[1]:.2f} p95"
    yield "words an answer: " + _words(run)
    if "memory" in run.head:
        yield f"memory: {run.head['memory'] / 1e6:,.0f} MB at most"


def _words(run: Run) -> str:
    words = sorted(case.words for case in run.cases if case.words)
    return f"{words[len(words) // 2]} median, {words[-1]} most" if words else "none"


def labels(run: Run) -> list[tuple[str, int]]:
    """Return how many cases failed with each label, earliest stage first."""
    counts = Counter(case.label for case in run.cases if case.label not in (None, "not run"))
    return [(label, counts[label]) for label in LABELS if counts[label]]


def failures(run: Run) -> list[str]:
    """Return the lines that say what was asked, answered and missing in each failed case, and its label."""
    lines: list[str] = []
    for case in run.cases:
        if not case.passed and case.label != "not run":
            lines += [
                "",
                f"FAILED {case.id} [{case.label}] {case.slice}, answered as {case.status or 'nothing'}",
            ]
            lines += [f"  asked     {safe(case.ask)}", f"  answered  {_short(answer_of(case))}"]
            lines += [f"  missing   {safe(missing)}" for missing in case.missing]
    return lines


def answer_of(case: CaseRun) -> str:
    """Return the visible answer of a case."""
    answer = case.record.get("answer") or {}
    if case.record.get("brief"):
        claims = (claim for section in case.record["brief"]["sections"] for claim in section["claims"])
        return " ".join(claim["text"] for claim in claims)
    return "(refused)" if case.status == "refused" else str(answer.get("answer", "(nothing)"))


def _short(text: str) -> str:
    text = safe(text)
    return text if len(text) <= ANSWER_SHOWN else text[:ANSWER_SHOWN] + " …"


# ---------------------------------------------------------------- Markdown


def as_markdown(runs: Sequence[Run], verdict: Verdict | None = None, baseline: Run | None = None) -> str:
    """Return the report for a pull request: the verdict, the figures, what changed and what failed."""
    parts = []
    if verdict:
        flips = [
            f"- {markdown(flip.change)}: `{flip.case.id}`{_excuse(flip.excuse)}" for flip in verdict.flips
        ]
        parts += [f"**{markdown(verdict.lines[-1])}**", "\n".join(flips)]
    for run in runs:
        parts += [f"### {markdown(run.name)}", figures_table(run, baseline), _failures_list(run)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _excuse(excuse: str) -> str:
    return f" (quarantined: {markdown(excuse)})" if excuse else ""


def figures_table(run: Run, baseline: Run | None = None) -> str:
    """Return the figures as a Markdown table, each as value, count and interval, beside the null answers."""
    nulls = [name for name in NULL_NAMES if name in run.nulls]
    heads = ["", "value", "counted", "95 % interval", *(["baseline"] if baseline else []), *nulls]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, figure in rows(run):
        low, high = figure.interval or (0.0, 0.0)
        cells = [named(name), f"**{value(figure)}**", f"{figure.num}/{figure.den}" if figure.den else ""]
        cells += [f"{low:.3f}–{high:.3f}" if figure.interval else ""]
        cells += [delta(name, figure, baseline)] if baseline else []
        lines.append(f"| {' | '.join([*cells, *(value(run.nulls[null].get(name)) for null in nulls)])} |")
    return "\n".join(lines)


def _failures_list(run: Run) -> str:
    failed = [case for case in run.cases if not case.passed and case.label != "not run"]
    if not failed:
        return ""
    items = [
        f"- `{case.id}` **{case.label}**: {markdown(case.ask)} → {markdown(_short(answer_of(case)))}"
        + "".join(f"\n  - {markdown(line)}" for line in case.missing)
        for case in failed
    ]
    return f"<details><summary>{len(failed)} failed</summary>\n\n" + "\n".join(items) + "\n\n</details>"


def in_readme(text: str, table: str) -> str:
    """Return `text` with the table between its two marks; unchanged when it has none."""
    begin, end = "<!-- figures -->", "<!-- /figures -->"
    if begin not in text or end not in text:
        return text
    head, _, rest = text.partition(begin)
    return f"{head}{begin}\n{table}\n{end}{rest.partition(end)[2]}"

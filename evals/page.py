"""A run as one HTML page that needs nothing else: no script, no network, every text escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from evals import plots
from evals.compare import compare, comparison_lines
from evals.figures import SLICES
from evals.gate import Verdict
from evals.runfile import CaseRun, Run, latency
from evals.tables import NULL_NAMES, TOP, answer_of, delta, labels, named, rows, value
from rag.errors import InputError
from rag.render import VERDICTS, day_in_words, safe

STYLE = Path(__file__).with_name("page.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
CARDED = 6
"""Passages shown beside an answer at most."""


def as_page(runs: Sequence[Run], verdict: Verdict | None = None, baseline: Run | None = None) -> str:
    """Return the page: the verdict, figures and plots of each run, then every case of the first."""
    names = " and ".join(_text(run.name) for run in runs)
    body = [f"<h1>Tearsheet evals: {names}</h1>", _gate(verdict)]
    if len(runs) > 1:
        body.append(_models(runs))
    for run in runs:
        body.append(f'<section class="run"><h2>{_text(run.name)}</h2>{_identity(run)}{_plots(run)}')
        body.append(f"{_table(run, baseline)}{_lost(run)}</section>")
    for place, run in enumerate(runs):
        body.append(_cases(run, place, several=len(runs) > 1))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Tearsheet evals: {names}</title><style>\n{STYLE.read_text('utf-8')}</style></head>\n"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def _text(text: object) -> str:
    return escape(safe(str(text)))


# ---------------------------------------------------------------- the top of the page


def _gate(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    kind = "good" if verdict.code == 0 else "bad"
    details = "".join(f"<li>{_text(line.strip().removeprefix('! '))}</li>" for line in verdict.lines[:-1])
    listed = f"<ul>{details}</ul>" if details else ""
    return f'<div class="gate {kind}"><strong>{_text(verdict.lines[-1])}</strong>{listed}</div>'


def _identity(run: Run) -> str:
    head = run.head
    told = {
        "suites": ", ".join(f"{name} {suite['sha256'][:8]}" for name, suite in head["suites"].items()),
        "model": head.get("model", {}).get("fingerprint") or "none: verbatim sentences only",
        "embedder": head.get("embedder", ""),
        "prompts": head.get("prompts", "")[:8],
        "machine": f"{head['host']['cpu']}, Python {head['host']['python']}",
        "versions": ", ".join(f"{name} {found}" for name, found in head["versions"].items()),
    }
    if spent := latency(run):
        told["time"] = f"{spent[0]:.2f} s median, {spent[1]:.2f} s p95"
    listed = "".join(f"<dt>{_text(name)}</dt><dd>{_text(said)}</dd>" for name, said in told.items() if said)
    return f'<details class="identity"><summary>What was run</summary><dl>{listed}</dl></details>'


def _plots(run: Run) -> str:
    passed = [(name, run.figures[name]) for name in TOP if name in run.figures]
    asked = [case for case in run.cases if case.slice != "briefing" and case.status not in ("", "error")]
    answered = [
        (case.confidence, case.passed)
        for case in asked
        if case.confidence is not None and case.status != "refused"
    ]
    seconds = [case.seconds for case in run.cases if case.seconds is not None]
    parts = [plots.interval_bars(passed, "Cases passed, with 95 % intervals")]
    if answered:
        title = "Wrong answers as more questions are answered"
        parts.append(plots.risk_coverage(answered, len(asked), title))
    if seconds:
        parts.append(plots.histogram(seconds, "seconds", "Time for a case"))
    return f'<div class="plots">{"".join(parts)}</div>'


def _models(runs: Sequence[Run]) -> str:
    chosen = ("all cases", *SLICES, "cited fact recall", "citation precision", "number grounding")
    figures = [
        (run.name, [(name, run.figures[name]) for name in chosen if name in run.figures]) for run in runs
    ]
    told = []
    for run in runs[1:]:
        try:
            told += comparison_lines(runs[0], run, compare(runs[0], run))
        except InputError as error:
            told.append(str(error))
    lines = escape("\n".join(told))
    plot = plots.model_bars(figures, "The same cases")
    return f"<section><h2>Model against model</h2>{plot}<pre>{lines}</pre></section>"


def _table(run: Run, baseline: Run | None) -> str:
    nulls = [name for name in NULL_NAMES if name in run.nulls]
    heads = ["", "value", "counted", "95 % interval", *(["baseline"] if baseline else []), *nulls]
    head = "".join(f'<th scope="col">{_text(name)}</th>' for name in heads)
    lines = []
    for name, figure in rows(run):
        low, high = figure.interval or (0.0, 0.0)
        cells = [f"{figure.num}/{figure.den}" if figure.den else ""]
        cells.append(f"{low:.3f} – {high:.3f}" if figure.interval else "")
        cells += [delta(name, figure, baseline)] if baseline else []
        beside = "".join(f'<td class="null">{value(run.nulls[null].get(name))}</td>' for null in nulls)
        lines.append(
            f'<tr><th scope="row">{_text(named(name))}</th><td class="value">{value(figure)}</td>'
            + "".join(f"<td>{_text(cell)}</td>" for cell in cells)
            + f"{beside}</tr>"
        )
    note = (
        "<p>On the right: what worthless answers get on the same cases, and the gold ones.</p>"
        if nulls
        else ""
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    return f'<div class="wide">{table}</div>{note}'


def _lost(run: Run) -> str:
    counted = labels(run)
    if not counted:
        return ""
    listed = "".join(f"<li><b>{number}</b> {_text(label)}</li>" for label, number in counted)
    return f'<h3>Where the failed cases were lost</h3><ul class="lost">{listed}</ul>'


# ---------------------------------------------------------------- cases


def _cases(run: Run, place: int, *, several: bool) -> str:
    ordered = sorted(run.cases, key=lambda case: (case.passed, case.label == "not run"))
    failed = sum(not case.passed for case in run.cases)
    counts = {"all": len(run.cases), "failed": failed, "passed": len(run.cases) - failed}
    radios = "".join(
        f'<input type="radio" name="shown{place}" id="{kind}{place}" class="{kind}"'
        f'{" checked" if kind == "all" else ""}><label for="{kind}{place}">{kind} {number}</label>'
        for kind, number in counts.items()
    )
    title = f"Cases of {_text(run.name)}" if several else "Cases"
    shown = "".join(_case(case, f"{place}-{index}") for index, case in enumerate(ordered))
    return f'<section class="cases"><h2>{title}</h2>{radios}<div class="list">{shown}</div></section>'


def _case(case: CaseRun, anchor: str) -> str:
    kind = "pass" if case.passed else "fail"
    sign = "✓" if case.passed else "✗"
    tags = [
        case.slice,
        case.status,
        *(["follow-up"] if case.follow_up else []),
        *(["held"] if case.held else []),
    ]
    chips = "".join(f'<span class="chip">{_text(tag)}</span>' for tag in dict.fromkeys(filter(None, tags)))
    label = f'<span class="label">{_text(case.label)}</span>' if case.label else ""
    return (
        f'<details class="case {kind}"><summary><span class="sign">{sign}</span> '
        f'<span class="ask">{_text(case.ask)}</span> {label}{chips}<code>{_text(case.id)}</code></summary>'
        f'<div class="both"><div class="answer">{_answer(case, anchor)}{_facts(case)}</div>'
        f'<div class="evidence">{_evidence(case, anchor)}</div></div></details>'
    )


def _answer(case: CaseRun, anchor: str) -> str:
    answer = _contract(case)
    claims = list(_claims(answer))
    parts = [f"<p>{_text(claim['text'])}{_marks(claim, anchor)}{_by(claim)}</p>" for claim in claims]
    for group in (answer, *answer.get("disagreements", ())):
        sides = "".join(
            f"<li>{_text(side['value'])}{_marks(side, anchor)}</li>" for side in group.get("sides", ())
        )
        parts.append(f"<p>The articles differ:</p><ul>{sides}</ul>" if sides else "")
    if not claims and not answer.get("sides"):
        parts.append(f"<p><i>{_text(answer_of(case))}</i></p>")
    parts += [
        f'<p class="rejected">rejected: {_text(each["text"])} <small>({_text(each["reason"])})</small></p>'
        for each in answer.get("rejected", ())
    ]
    if case.confidence is not None:
        parts.append(f"<p><small>confidence {case.confidence:.2f}</small></p>")
    return f"<h4>Answer</h4>{''.join(parts)}"


def _contract(case: CaseRun) -> Mapping[str, Any]:
    return case.record.get("answer") or case.record.get("brief") or {}


def _claims(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from answer.get("claims", ())
    for section in answer.get("sections", ()):
        yield from section["claims"]


def _marks(claim: Mapping[str, Any], anchor: str) -> str:
    return "".join(
        f'<a class="mark" href="#e{anchor}-{int(each["n"])}">[{int(each["n"])}]</a>'
        for each in claim["citations"]
    )


def _by(claim: Mapping[str, Any]) -> str:
    return ' <small class="by">model</small>' if claim.get("by") == "model" else ""


def _facts(case: CaseRun) -> str:
    told = [f'<li class="hit">✓ {_text(fact)}</li>' for fact in case.stated if fact not in case.misses]
    told += [f'<li class="miss">✗ {_text(line)}</li>' for line in case.missing]
    gold = f'<p class="gold">gold: {_text(case.gold)}</p>' if case.gold else ""
    return f'<h4>Looked for</h4><ul class="facts">{"".join(told) or "<li>a refusal</li>"}</ul>{gold}'


def _evidence(case: CaseRun, anchor: str) -> str:
    answer = _contract(case)
    listed = [each for claim in _claims(answer) for each in claim["citations"]]
    for group in (answer, *answer.get("disagreements", ())):
        listed += [each for side in group.get("sides", ()) for each in side["citations"]]
    nearest = answer.get("nearest", ())
    cards = {each["n"]: _card(each, anchor, answer.get("short") or "") for each in listed}
    cards |= {each["n"]: _card(each, anchor, "", near=True) for each in nearest}
    found = len(case.record.get("hits", ()))
    more = f"<p><small>{found} passages were found; those cited are shown.</small></p>" if found else ""
    return f"<h4>Evidence</h4>{''.join(list(cards.values())[:CARDED]) or '<p>none</p>'}{more}"


def _card(cited: Mapping[str, Any], anchor: str, short: str, *, near: bool = False) -> str:
    about = [cited.get("source"), cited.get("title"), day_in_words(cited.get("published") or "")]
    place = " · ".join(_text(each) for each in about if each) or _text(cited.get("path", cited["article"]))
    support: Any = "" if near else cited.get("support", "")
    verdict = "near, not an answer" if near else VERDICTS.get(support, "")
    reason = f": {cited['reason']}" if cited.get("reason") and not near else ""
    return (
        f'<article id="e{anchor}-{int(cited["n"])}"><header>[{int(cited["n"])}] {place}</header>'
        f"<blockquote>{_marked(cited['quote'], short)}</blockquote>"
        f'<footer class="{_text(support)}">{_text(verdict + reason)}</footer></article>'
    )


def _marked(quote: str, short: str) -> str:
    """Return the quote with the shortest answer marked in it."""
    match = re.search(re.escape(short), quote) if short.strip() else None
    if match is None:
        return _text(quote)
    before, words, after = quote[: match.start()], match[0], quote[match.end() :]
    space = " " if before[-1:].isspace() else ""
    later = " " if after[:1].isspace() else ""
    return f"{_text(before)}{space}<mark>{_text(words)}</mark>{later}{_text(after)}"

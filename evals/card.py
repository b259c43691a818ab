"""The card of a model: which tier it earns on this machine, and its row of the catalog."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from evals.figures import LAWS, NONE
from evals.runfile import Run, latency
from models.protocols import Generator
from rag.prompts import compose_prompt
from rag.records import Tier
from rag.settings import Settings

CARD_TIERS: tuple[Tier, ...] = ("quote", "write", "compose")
LEAST_WORDED = 0.2
"""Claims in the model's words that verification lets through; with fewer it only costs time."""
LEAST_GROUNDED = 0.99
"""Numbers that must stand in the cited articles for a tier to be earned."""
SPEED_TOKENS = 64

SPEED_TEXT = (
    "The council of Dalby voted on Tuesday to rebuild the old mill. The work will cost 3.2 million euros and "
    "take two years. The mayor, Anna Berg, said the first offices would open in spring. Two members voted no."
)


@dataclass(frozen=True, slots=True)
class CardRow:
    """What the catalog says of a model, measured."""

    name: str
    fingerprint: str
    tier: str
    """The highest tier it earned."""
    why: tuple[str, ...]
    """For each tier tried: earned or not, and why."""
    passed: str
    citation_precision: str
    wrong: str
    refused: str
    """Answerable questions refused."""
    tokens_per_second: float
    seconds: float
    """Median of a question in the earned tier."""
    megabytes: float
    """Memory of this process at most."""


def card_row(runs: Sequence[Run], settings: Settings, model: str) -> CardRow:
    """Return the row of a model from one run in each tier, in the order of CARD_TIERS."""
    earned, why = runs[0], []
    for run in runs[1:]:
        objection = objection_to(run, runs[0])
        why.append(f"{run.head['model']['tier']}: {objection or 'earned'}")
        earned = earned if objection else run
    figures, of_model = earned.figures, runs[-1].head["model"]
    spent = latency(earned)
    asked = [case for case in earned.cases if case.label != "not run"]
    wrong = sum(not case.passed and case.status != "refused" for case in asked)
    return CardRow(
        name=of_model["name"] or "no model",
        fingerprint=of_model["fingerprint"],
        tier=earned.head["model"]["tier"],
        why=tuple(why),
        passed=f"{sum(case.passed for case in asked)}/{len(asked)}",
        citation_precision=str(figures.get("citation precision", NONE)),
        wrong=f"{wrong}/{len(asked)}",
        refused=str(figures.get("false refusals", NONE)),
        tokens_per_second=_speed(settings, model),
        seconds=spent[0] if spent else 0.0,
        megabytes=max(run.head.get("memory", 0) for run in runs) / 1e6,
    )


def objection_to(run: Run, quoting: Run) -> str:
    """Return why the tier of `run` is not earned, judged beside the quote tier; empty when it is."""
    if run.head["model"]["tier"] == "quote":
        return "no model answered"
    for law in LAWS:
        figure = run.figures.get(law, NONE)
        if figure.num < figure.den:
            return f"{law} {figure.num}/{figure.den}"
    grounded = run.figures.get("number grounding", NONE)
    if grounded.value is not None and grounded.value < LEAST_GROUNDED:
        return f"number grounding {grounded.num}/{grounded.den}"
    worded = run.figures.get("worded by model", NONE)
    if worded.value is not None and worded.value < LEAST_WORDED:
        return f"words only {worded.num} of {worded.den} claims"
    ours, theirs = (sum(case.passed for case in each.cases) for each in (run, quoting))
    if ours < theirs:
        return f"passes {ours} cases, verbatim sentences {theirs}"
    return ""


def _speed(settings: Settings, model: str) -> float:
    """Return the tokens a second that the model writes after the first; 0 when there is no model."""
    from models.choose import open_generator

    generator: Generator = open_generator(model, threads=settings.threads)
    try:
        began, count = 0.0, 0
        for _ in generator.write(compose_prompt("What happened?", [SPEED_TEXT] * 3), max_tokens=SPEED_TOKENS):
            count += 1
            began = began or time.perf_counter()
        return (count - 1) / (time.perf_counter() - began) if count > 1 else 0.0
    finally:
        generator.close()


def cards_side_by_side(rows: Sequence[CardRow]) -> list[str]:
    """Return a table with a column for each model; empty for one model alone."""
    if len(rows) < 2:
        return []
    told: list[tuple[str, list[str]]] = [
        ("", [row.name for row in rows]),
        ("tier", [row.tier for row in rows]),
        ("cases passed", [row.passed for row in rows]),
        ("citation precision", [row.citation_precision.split("  ")[0] for row in rows]),
        ("wrong answers", [row.wrong for row in rows]),
        ("false refusals", [row.refused.split("  ")[0] for row in rows]),
        ("tokens/s", [f"{row.tokens_per_second:.1f}" for row in rows]),
        ("seconds a question", [f"{row.seconds:.2f}" for row in rows]),
        ("memory, MB", [f"{row.megabytes:,.0f}" for row in rows]),
    ]
    widths = [max(len(cells[column]) for _, cells in told) for column in range(len(rows))]
    return [
        "  ".join([f"{name:20}", *(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))])
        for name, cells in told
    ]


def card_lines(row: CardRow) -> list[str]:
    """Return the row for a reader, and as it stands in the catalog."""
    figures = [row.citation_precision.split("  ")[0], row.wrong, row.refused.split("  ")[0]]
    cells = [row.name, row.fingerprint, row.tier, *figures, f"{row.tokens_per_second:.1f}"]
    return [
        f"{row.name}: tier {row.tier}",
        *(f"  {each}" for each in row.why),
        f"  cases passed        {row.passed}",
        f"  citation precision  {row.citation_precision}",
        f"  wrong answers       {row.wrong}",
        f"  false refusals      {row.refused}",
        f"  speed               {row.tokens_per_second:.1f} tokens/s, {row.seconds:.2f} s a question",
        f"  memory              {row.megabytes:,.0f} MB",
        f"| {' | '.join(cells)} | {row.megabytes:,.0f} |",
    ]

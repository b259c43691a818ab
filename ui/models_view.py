"""What the Models tab shows, as text: this machine, each model on it, what can be expected of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from models.bench import Measured
from models.catalog import Known, Speed
from models.machine import Machine
from ui.library_view import count, problem, size
from ui.measuring import Earned
from ui.sources import clip, escape
from ui.work import State

SLOW = 15.0
"""Seconds of an answer beyond which a model is called slow here."""
NOTHING_OPEN = "Choose a model to see what it needs and what it earned."
STATES = {
    "bundled": "came with the installation",
    "fetched": "fetched",
    "yours": "a file of your own",
    "not fetched": "not fetched",
}

__all__ = ["Row", "bytes_far", "done", "label", "machine", "pane", "problem", "progress", "removal"]


@dataclass(frozen=True, slots=True)
class Row:
    """A model as it stands on this machine."""

    name: str
    known: Known | None
    """None for a file of the user's own."""
    size: int
    state: Literal["bundled", "fetched", "yours", "not fetched"]
    why: str
    """Why it does not fit this machine; empty when it does."""
    used: bool
    measured: Measured | None
    expected: Speed | None
    """What to expect of its speed, reckoned from the bundled model's when that was measured."""
    earned: Earned | None


def machine(found: Machine, worded_by: str) -> str:
    """Return what this machine has, and what answers are worded by."""
    told = [(f"{found.cores}", "core" if found.cores == 1 else "cores")]
    told += [(size(found.free), f"of {size(found.memory)} memory free")] if found.memory else []
    told += [(size(found.disk), "disk free")]
    listed = "".join(f"<li><b>{number}</b> {name}</li>" for number, name in told)
    gpu = f" A {found.gpu} is there; the shipped build does not use it." if found.gpu else ""
    worded = (
        f"Answers are worded by <b>{escape(worded_by)}</b>."
        if worded_by
        else "Answers are the articles' own words (the tier is quote)."
    )
    return (
        f'<div><ul class="ts-facts">{listed}</ul><p class="ts-note">{worded} {escape(found.processor)}.'
        f"{escape(gpu)} Every answer works without a larger model: a better one words it better.</p></div>"
    )


def label(row: Row) -> str:
    """Return the two lines of plain text that stand for a model in the list."""
    told = ["in use"] if row.used else []
    told += [row.why] if row.why and row.state == "not fetched" else [STATES[row.state]]
    told += [size(row.size)]
    told += [f"earned {row.earned.tier}"] if row.earned else []
    return f"{' · '.join(told)}\n{row.name}"


def pane(row: Row) -> str:
    """Return what is known of a model."""
    known = row.known
    rows = {
        "File": size(row.size),
        "Memory": f"about {size(known.memory())} while it runs" if known else "",
        "Fits here": "" if known is None else row.why or "yes",
        "Languages": known.languages if known else "",
        "Licence": known.licence if known else "",
        "Parameters": f"{known.parameters / 1e6:,.0f} million" if known else "",
        "Checked by": "the publisher's SHA-256" if known and known.sha256 else "",
    }
    state = STATES[row.state] + (", in use" if row.used else "")
    listed = "".join(f"<dt>{name}</dt><dd>{escape(said)}</dd>" for name, said in rows.items() if said)
    return (
        f'<article class="ts-reading"><p class="ts-eyebrow">{escape(state)}</p>'
        f'<h2>{escape(row.name)}</h2><dl class="ts-known">{listed}</dl>{_speed(row)}{_tier(row)}</article>'
    )


def _speed(row: Row) -> str:
    if row.measured:
        told = (
            f"Measured here: reads {row.measured.prompt:.0f} and writes {row.measured.reply:.0f} tokens a "
            f"second; the first word after {row.measured.first:.1f} s; {size(row.measured.memory)} of memory."
        )
    elif row.expected:
        seconds = row.expected.seconds()
        slow = " That is slow." if seconds > SLOW else ""
        told = (
            f"Reckoned from the bundled model: reads about {row.expected.prompt:.0f} and writes about "
            f"{row.expected.reply:.0f} tokens a second, so an answer takes about {seconds:.0f} s.{slow}"
        )
    else:
        told = "Not measured yet. Measuring the bundled model tells what to expect of all the others."
    return f"<h3>Speed</h3><p>{escape(told)}</p>"


def _tier(row: Row) -> str:
    if row.earned is None:
        told = "Not measured yet. The card asks 60 questions in each tier; that takes some minutes."
        return f"<h3>Tier</h3><p>{told}</p>"
    why = "".join(f"<li>{escape(each)}</li>" for each in row.earned.why)
    return (
        f"<h3>Tier</h3><p>It earned <b>{escape(row.earned.tier)}</b>: {row.earned.passed} of "
        f"{count(row.earned.asked, 'case')} passed, on {escape(row.earned.day)}.</p><ul>{why}</ul>"
    )


def bytes_far(name: str, there: int, total: int) -> str:
    """Return how much of a model is there."""
    of = f" of {total / 1e6:,.0f} MB" if total else ""
    return f"{name}: {there / 1e6:,.0f} MB{of}"


def progress(state: State[str]) -> str:
    """Return how far what is under way has come, or how the last ended."""
    if state.running:
        far = re.search(r"([\d,]+)(?: MB)? of ([\d,]+)", state.now)
        bar = ""
        if far:
            there, total = (int(each.replace(",", "")) for each in far.groups())
            share = 100 * there / max(1, total)
            bar = (
                f'<div class="ts-progress" aria-hidden="true"><span style="width:{share:.1f}%"></span></div>'
            )
        return f'<p class="ts-status ts-busy">{escape(clip(state.now, 120))}</p>{bar}'
    if state.problem:
        return problem(state.problem)
    if state.stopped:
        return done("Stopped. What was fetched is kept, and gone on from next time.")
    return done(" ".join(state.rows)) if state.rows else ""


def done(told: str) -> str:
    """Return a sentence on what was done."""
    return f'<p class="ts-outcome" role="status"><b>{escape(told)}</b></p>'


def removal(name: str) -> str:
    """Return the question that is asked before a model is removed."""
    told = f"<b>Remove {escape(name)} from this disk?</b> It can be fetched again."
    return f'<p class="ts-sure" role="alert">{told}</p>'

"""The Evals tab: run a suite, see its figures, hold two runs together, open a case beside its evidence."""

from __future__ import annotations

from typing import Any

import gradio as gr

from rag.pipeline import Tearsheet
from ui import evals_view as view
from ui.blocks import blocks_named
from ui.evals_desk import Chosen, Evals, suite_choices, tier_choices
from ui.sources import escape
from ui.widgets import PRIVATE, text

EVERY = 1.0
"""Seconds between two looks at how far a run is."""
NONE = "nothing"
NO_OTHER = ("No other run", NONE)


def evals_tab(page: gr.Blocks, tearsheet: Tearsheet) -> None:
    """Lay out the evals, and connect them."""
    with gr.Row(elem_id="ev-what"):
        suite = gr.Dropdown(
            suite_choices(), value="seeds", label="Suite", filterable=False, elem_id="ev-suite", min_width=200
        )
        tier = gr.Dropdown(
            tier_choices(),
            value="quote",
            label="Worded as",
            filterable=False,
            elem_id="ev-tier",
            min_width=200,
        )
    with gr.Row(elem_id="ev-work"):
        run = gr.Button("Run", variant="primary", elem_id="ev-run", size="sm", min_width=84)
        stop = gr.Button("Stop", variant="stop", size="sm", elem_id="ev-stop", visible=False, min_width=64)
        progress = text("", "ev-progress")
    timer = gr.Timer(EVERY, active=False)
    with gr.Row(elem_id="ev-which"):
        saved = gr.Dropdown([], label="Run to look at", elem_id="ev-saved", min_width=200)
        beside = gr.Dropdown([NO_OTHER], value=NONE, label="Held against", elem_id="ev-beside", min_width=200)
    figures = text(f'<p class="ts-empty">{escape(view.NOTHING_RUN)}</p>', "ev-figures")
    with gr.Row(elem_id="ev-browse", equal_height=False):
        with gr.Column(scale=2, min_width=320, elem_id="ev-left"):
            cases = gr.Radio([], label="Cases", elem_id="ev-cases", elem_classes="ts-list", visible=False)
        with gr.Column(scale=3, min_width=320, elem_id="ev-right"):
            pane = text("", "ev-pane")

    desks: list[Evals] = []

    def desk() -> Evals:
        if not desks:
            desks.append(Evals(tearsheet.settings))
        return desks[0]

    def doing() -> list[Any]:
        running = desk().work.state.running
        return [
            desk().progress,
            gr.Button(visible=not running),
            gr.Button(visible=running),
            gr.Timer(active=running),
        ]

    def enter(before: object, other: object) -> list[Any]:
        listed = desk().saved()
        names = [name for _, name in listed]
        now = before if before in names else names[0] if names else None
        against = other if other in names else NONE
        boxes = [
            gr.Dropdown(choices=listed, value=now),
            gr.Dropdown(choices=[NO_OTHER, *listed], value=against),
        ]
        looked = _shown(desk().look(now, against if against != NONE else "") if now else None)
        # Last, for a run may have been started while the figures were read.
        return [*doing(), *boxes, *looked]

    def start(suite_: object, tier_: object) -> list[Any]:
        wrong = desk().start(suite_, tier_)
        return [wrong, *doing()[1:]] if wrong else doing()

    def tick(other: object) -> list[Any]:
        if desk().work.state.running:
            return [*doing(), *[gr.skip()] * 5]
        return enter(None, other)

    def look(name: object, other: object) -> list[Any]:
        return _shown(desk().look(name, other if other != NONE else ""))

    def open_case(name: object, id_: object) -> str:
        return desk().case(name, id_)

    work = [progress, run, stop, timer]
    shown = [figures, cases, pane]
    everything = [*work, saved, beside, *shown]
    blocks_named(page, gr.Tab, "tab-evals")[0].select(
        enter, inputs=[saved, beside], outputs=everything, **PRIVATE
    )
    run.click(start, inputs=[suite, tier], outputs=work, **PRIVATE)
    stop.click(lambda: desk().work.stop(), **PRIVATE)
    timer.tick(tick, inputs=beside, outputs=everything, **PRIVATE)
    for box in (saved, beside):
        box.input(look, inputs=[saved, beside], outputs=shown, **PRIVATE)
    cases.input(open_case, inputs=[saved, cases], outputs=pane, **PRIVATE)


def _shown(found: Chosen | None) -> list[Any]:
    if found is None:
        return [f'<p class="ts-empty">{escape(view.NOTHING_RUN)}</p>', gr.Radio(visible=False), ""]
    empty = f'<p class="ts-empty">{escape(view.NOTHING_OPEN)}</p>' if found.cases else ""
    cases = gr.Radio(choices=list(found.cases), value=None, visible=bool(found.cases))
    return [found.figures, cases, empty]

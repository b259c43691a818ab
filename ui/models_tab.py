"""The Models tab: what is there, what fits this machine, and fetch, measure, use or remove one."""

from __future__ import annotations

from typing import Any

import gradio as gr

from rag.pipeline import Tearsheet
from ui import models_view as view
from ui.blocks import blocks_named
from ui.models_desk import Doing, ModelsDesk
from ui.sources import escape
from ui.widgets import MODEL, PRIVATE, text

EVERY = 0.7
"""Seconds between two looks at how far a download is."""


def models_tab(page: gr.Blocks, tearsheet: Tearsheet) -> None:
    """Lay out the models, and connect them."""
    desk = ModelsDesk(tearsheet)
    machine = text("", "mo-machine")
    with gr.Row(elem_id="mo-work"):
        progress = text("", "mo-progress")
        stop = gr.Button("Stop", variant="stop", size="sm", elem_id="mo-stop", visible=False, min_width=64)
    timer = gr.Timer(EVERY, active=False)
    with gr.Row(elem_id="mo-browse", equal_height=False):
        with gr.Column(scale=2, min_width=320, elem_id="mo-left"):
            listed = gr.Radio([], label="Models", elem_id="mo-list", elem_classes="ts-list")
        pane, buttons, (sure, asked, yes, no) = _lay_model()
    fetch, use, speed, tier, remove = buttons

    def doing() -> list[Any]:
        running = desk.work.state.running
        return [desk.progress, gr.Button(visible=running), gr.Timer(active=running)]

    def look(name: object) -> list[Any]:
        found = desk.look(name)
        idle = not desk.work.state.running
        can = (found.fetch, found.use, found.measure, found.measure, found.remove)
        pane_ = found.pane or f'<p class="ts-empty">{escape(view.NOTHING_OPEN)}</p>'
        return [pane_, *[gr.Button(visible=each and idle) for each in can], gr.Row(visible=False)]

    def enter(name: object) -> list[Any]:
        choices = desk.choices()
        now = name if name in [value for _, value in choices] else None
        return [desk.machine(), gr.Radio(choices=choices, value=now), *look(now), *doing()]

    def begin(do: Doing) -> Any:  # noqa: ANN401 - a handler of gradio
        def begun(name: object) -> list[Any]:
            wrong = desk.start(do, name)
            told = doing()
            return [*look(name), wrong or told[0], *told[1:]]

        return begun

    def tick(name: object) -> list[Any]:
        if desk.work.state.running:
            return [*[gr.skip()] * (2 + len(looked)), *doing()]
        return enter(name)

    def use_it(name: object) -> list[Any]:
        told = desk.use(name)
        return [*enter(name)[:-3], told, gr.skip(), gr.skip()]

    def remove_it(name: object) -> list[Any]:
        told = desk.remove(name)
        return [*enter(name)[:-3], told, gr.skip(), gr.skip()]

    work = [progress, stop, timer]
    looked = [pane, *buttons, sure]
    everything = [machine, listed, *looked, *work]
    blocks_named(page, gr.Tab, "tab-models")[0].select(enter, inputs=listed, outputs=everything, **PRIVATE)
    listed.input(look, inputs=listed, outputs=looked, **PRIVATE)
    timer.tick(tick, inputs=listed, outputs=everything, **PRIVATE)
    for button, do in ((fetch, "fetch"), (speed, "speed"), (tier, "tier")):
        button.click(begin(do), inputs=listed, outputs=[*looked, *work], **PRIVATE)  # type: ignore[arg-type]
    stop.click(desk.work.stop, **PRIVATE)
    use.click(use_it, inputs=listed, outputs=everything, **MODEL)
    remove.click(
        lambda name: [gr.Row(visible=True), view.removal(str(name))],
        inputs=listed, outputs=[sure, asked], **PRIVATE,
    )  # fmt: skip
    no.click(lambda: gr.Row(visible=False), outputs=sure, **PRIVATE)
    yes.click(remove_it, inputs=listed, outputs=everything, **PRIVATE)


def _lay_model() -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """Lay out one model; return where it is described, what can be done with it, and the last question."""
    with gr.Column(scale=3, min_width=320, elem_id="mo-right"):
        pane = text(f'<p class="ts-empty">{escape(view.NOTHING_OPEN)}</p>', "mo-pane")
        with gr.Row(elem_id="mo-do"):
            fetch = gr.Button("Fetch", size="sm", visible=False, elem_id="mo-fetch", min_width=64)
            use = gr.Button("Use for answers", size="sm", visible=False, elem_id="mo-use", min_width=64)
            speed = gr.Button("Measure speed", size="sm", visible=False, elem_id="mo-speed", min_width=64)
            tier = gr.Button("Measure tier", size="sm", visible=False, elem_id="mo-tier", min_width=64)
            remove = gr.Button("Remove…", size="sm", visible=False, elem_id="mo-remove", min_width=64)
        with gr.Row(elem_id="mo-sure", visible=False) as sure:
            asked = text("", "mo-asked")
            yes = gr.Button("Remove", variant="stop", size="sm", elem_id="mo-yes", min_width=64)
            no = gr.Button("Keep", size="sm", elem_id="mo-no", min_width=64)
    return pane, (fetch, use, speed, tier, remove), (sure, asked, yes, no)

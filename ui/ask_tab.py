"""The Ask tab: question, answers and sources, and which handler answers which button."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from rag.pipeline import Tearsheet
from ui import handlers
from ui.widgets import MODEL, PRIVATE, Stops, text

FEW = 20
"""Articles above which a library cannot be the demonstration one, so that its texts need not be read."""
FORGET_AFTER = 12 * 3600
"""Seconds after which an idle session's conversation is forgotten."""


def ask_tab(page: gr.Blocks, tearsheet: Tearsheet) -> None:
    """Lay out question, answers and sources, and connect them."""
    stops = Stops()
    turns = gr.State((), time_to_live=FORGET_AFTER)
    with gr.Row(elem_id="ask", equal_height=False):
        with gr.Column(scale=3, min_width=320, elem_id="left"):
            with gr.Row(elem_id="asking"):
                question = gr.Textbox(
                    label="Your question",
                    placeholder="Ask your articles",
                    lines=1,
                    max_lines=4,
                    scale=5,
                    autofocus=True,
                    elem_id="question",
                    container=False,
                )
                go = gr.Button("Ask", variant="primary", elem_id="go", scale=1, min_width=84)
                stop = gr.Button("Stop", variant="stop", elem_id="stop", scale=1, min_width=84, visible=False)
            with gr.Row(elem_id="examples", visible=bool(offered := _examples(tearsheet))) as examples:
                tries = [gr.Button(one, size="sm", elem_classes="ts-example") for one in offered]
            with gr.Row(elem_id="state"):
                status = text(handlers.status_line(handlers.READY), "status")
                clear = gr.Button("Clear", size="sm", variant="secondary", elem_id="clear", min_width=64)
            answers = text(handlers.conversation(()), "answers")
        with gr.Column(scale=2, min_width=320, elem_id="right"):
            sources = text(handlers.source_pane(()), "sources")

    shown = [question, turns, answers, sources, status, go, stop, examples]

    def ask(asked: str | None, before: tuple[handlers.Turn, ...], request: gr.Request) -> Iterator[list[Any]]:
        if not (asked or "").strip():  # also what the second click of a double click brings
            yield [gr.skip()] * len(shown)
            return
        flag = stops.start(str(request.session_hash))
        articles = held(tearsheet)
        steps = handlers.converse(tearsheet, asked or "", before, articles=articles, cancelled=flag.is_set)
        taken: Any = ""
        try:
            for step in steps:
                pane = gr.skip() if step.sources is None else step.sources
                buttons = [gr.Button(visible=step.done), gr.Button(visible=not step.done)]
                page_now = [step.turns, step.conversation, pane, step.status, *buttons]
                yield [taken, *page_now, gr.Row(visible=False)]
                taken = gr.skip()  # from here on the box belongs to the next question
        finally:
            flag.set()
            steps.close()

    def halt(request: gr.Request) -> None:
        stops.stop(str(request.session_hash))

    def forget(request: gr.Request) -> list[Any]:
        halt(request)
        blank = [handlers.conversation(()), handlers.source_pane(()), handlers.status_line(handlers.READY)]
        buttons = [gr.Button(visible=True), gr.Button(visible=False)]
        return ["", (), *blank, *buttons, gr.Row(visible=bool(offered))]

    running = [
        trigger(
            ask,
            inputs=[given, turns],
            outputs=shown,
            trigger_mode="always_last",
            show_progress="minimal",
            show_progress_on=status,
            **MODEL,
        )
        for trigger, given in [
            (question.submit, question),
            (go.click, question),
            *((button.click, button) for button in tries),
        ]
    ]
    # Not `cancels`: the answer must end by itself, so that what was written so far is kept on the page.
    stop.click(halt, **PRIVATE)
    clear.click(forget, outputs=shown, cancels=running, **PRIVATE)
    page.unload(halt)


def held(tearsheet: Tearsheet) -> int:
    """Return how many articles the library holds."""
    return int(tearsheet.library.counts().articles)


def _examples(tearsheet: Tearsheet) -> tuple[str, ...]:
    few = held(tearsheet) <= FEW
    return handlers.examples(tearsheet.library.articles() if few else ())

"""The Ask tab: question, answers and sources, and which handler answers which button."""

from __future__ import annotations

from typing import Any

import gradio as gr

from rag.pipeline import Tearsheet
from ui import answers, handlers
from ui.ask_desk import CHIPS, PARTS, AskDesk
from ui.blocks import blocks_named
from ui.kept import Kept
from ui.narrow import Narrow
from ui.widgets import MODEL, PRIVATE, text

KEY = "tearsheet-conversation"
"""Under what a browser keeps the secret to its conversation."""


def ask_tab(page: gr.Blocks, tearsheet: Tearsheet) -> None:
    """Lay out question, answers and sources, and connect them."""
    desk = AskDesk(tearsheet, Kept.of(page))
    part: dict[str, Any] = {}
    # A fixed key: it hides nothing, and one made anew with each start would lose the conversation's place.
    part["secret"] = gr.BrowserState("", storage_key=KEY, secret=KEY)
    with gr.Row(elem_id="ask", elem_classes="ts-columns", equal_height=False):
        with gr.Column(scale=3, min_width=320, elem_id="left", elem_classes="ts-left"):
            part |= _asking()
            narrow = Narrow(page, tearsheet, "ask")
            with gr.Column(elem_id="first", visible=False) as part["first"]:
                text(answers.FIRST_RUN, "first-words")
                seeds = gr.Button(
                    "Add the five demonstration articles", variant="primary", elem_id="seeds", min_width=0
                )
            with gr.Row(elem_id="examples", visible=False) as part["examples"]:
                tries = [gr.Button(one, size="sm", min_width=0) for one in handlers.EXAMPLES]
            part |= _state()
            with gr.Column(elem_id="kept", elem_classes="ts-box", visible=False) as part["taken"]:
                copied = gr.Textbox(
                    label="The newest answer as Markdown, with footnotes",
                    lines=6,
                    max_lines=6,
                    buttons=["copy"],
                    interactive=False,
                    elem_id="copied",
                )
                saved = gr.DownloadButton(
                    "Save the whole conversation", size="sm", elem_id="saved", elem_classes="ts-small"
                )
            with gr.Row(elem_id="chips", visible=False) as part["chips"]:
                for n in range(CHIPS):
                    part[f"chip{n}"] = gr.Button("", size="sm", min_width=0, visible=False)
            part["answers"] = text(answers.conversation(()), "answers")
        with gr.Column(scale=2, min_width=320, elem_id="right", elem_classes="ts-right"):
            part["sources"] = text(answers.source_pane(()), "sources")

    shown = [part[name] for name in PARTS]
    secret, question = part["secret"], part["question"]
    model: dict[str, Any] = {
        "outputs": shown,
        "trigger_mode": "always_last",
        "show_progress": "minimal",
        "show_progress_on": part["status"],
        **MODEL,
    }
    running = [
        trigger(desk.ask, inputs=[given, secret, *narrow.inputs], **model)
        for trigger, given in [
            (question.submit, question),
            (part["go"].click, question),
            *((button.click, button) for button in tries),
        ]
    ]
    for n in range(CHIPS):
        again = part[f"chip{n}"].click(desk.without(n), inputs=[secret, *narrow.inputs], **model)
        running.append(again)
    # Not `cancels`: the answer must end by itself, so that what was written so far is kept on the page.
    part["stop"].click(desk.halt, **PRIVATE)
    part["clear"].click(desk.forget, inputs=secret, outputs=shown, cancels=running, **PRIVATE)
    part["keep"].click(desk.take, inputs=secret, outputs=[copied, saved, part["taken"]], **PRIVATE)
    page.load(desk.opened, inputs=secret, outputs=shown[2:], **PRIVATE)
    page.unload(desk.halt)
    for tab in blocks_named(page, gr.Tab, "tab-ask"):
        tab.select(desk.waiting, outputs=part["first"], **PRIVATE)
    seeds.click(
        desk.begin,
        inputs=secret,
        outputs=[*blocks_named(page, gr.Markdown, "masthead"), *shown[2:]],
        show_progress="minimal",
        show_progress_on=part["status"],
        **MODEL,
    )


def _asking() -> dict[str, Any]:
    with gr.Row(elem_id="asking", elem_classes="ts-asking"):
        question = gr.Textbox(
            label="Your question",
            placeholder="Ask your articles",
            lines=1,
            max_lines=4,
            scale=5,
            autofocus=True,
            elem_id="question",
            elem_classes="ts-line",
            container=False,
        )
        go = gr.Button("Ask", variant="primary", elem_id="go", elem_classes="ts-go", scale=1, min_width=84)
        stop = gr.Button(
            "Stop",
            variant="stop",
            elem_id="stop",
            elem_classes="ts-go",
            scale=1,
            min_width=84,
            visible=False,
        )
    return {"question": question, "go": go, "stop": stop}


def _state() -> dict[str, Any]:
    with gr.Row(elem_id="state", elem_classes="ts-state"):
        status = text(handlers.status_line(handlers.READY), "status")
        keep = gr.Button("Copy or save", size="sm", elem_id="keep", elem_classes="ts-small", visible=False)
        clear = gr.Button("Forget", size="sm", elem_id="clear", elem_classes="ts-small", visible=False)
    return {"status": status, "keep": keep, "clear": clear}

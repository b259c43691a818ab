"""The Briefing tab: what it is on, how long, the page with its sources, and the files of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr

from rag.library import Filter
from rag.listing import entries
from rag.pipeline import Tearsheet
from rag.records import Brief
from rag.render import day_in_words
from rag.since import earlier
from ui import brief_desk as desk
from ui import briefing, handlers
from ui.blocks import blocks_named
from ui.narrow import Narrow, chosen
from ui.shelved import reopen, shelve
from ui.sources import clip, count
from ui.widgets import MODEL, PRIVATE, Stops, seen, text

OFFERED = 40
"""Articles offered to choose from at a time; typing looks for others."""
FORGET_AFTER = 12 * 3600
"""Seconds after which the briefing of an idle page is forgotten."""

_EMPTY = briefing.brief_sources(Brief(""))
_BEFORE = f'<p class="ts-empty">{briefing.BEFORE}</p>'


def brief_tab(page: gr.Blocks, tearsheet: Tearsheet) -> None:
    """Lay out wish, page and sources, and connect them."""
    stops = Stops()
    kept = gr.State(None, time_to_live=FORGET_AFTER)
    with gr.Row(elem_id="brief", elem_classes="ts-columns", equal_height=False):
        with gr.Column(scale=3, min_width=320, elem_id="brief-left", elem_classes="ts-left"):
            part = _wish(page, tearsheet)
            status = text(handlers.status_line(handlers.READY), "brief-status")
            with gr.Row(visible=False, elem_id="brief-files", elem_classes="ts-take") as take:
                saves = [
                    gr.DownloadButton(name, size="sm", elem_id=f"brief-{kind}", elem_classes="ts-small")
                    for kind, name in desk.FORMATS.items()
                ]
            shown = text(_BEFORE, "brief-page")
        with gr.Column(scale=2, min_width=320, elem_id="brief-right", elem_classes="ts-right"):
            sources = text(_EMPTY, "brief-sources")

    outputs = [shown, sources, status, kept, part["go"], part["stop"], take]

    def make(
        request: gr.Request, topic: object, articles: object, length: object, since: object, *given: object
    ) -> Iterator[list[Any]]:
        named = tuple(map(str, articles)) if isinstance(articles, list) else ()
        stop = stops.start(str(request.session_hash))
        wish = desk.Wish(topic if isinstance(topic, str) else "", named, str(length), bool(since))

        def narrowed() -> Filter:
            return chosen(given)

        steps = desk.make(tearsheet, wish, narrowed, stop=stop)
        try:
            for step in steps:
                beside = gr.skip() if step.sources is None else step.sources or _EMPTY
                buttons = [seen(step.done), seen(not step.done)]
                if step.brief is not None:
                    shelve(tearsheet.settings.library, step.brief)
                yield [step.page, beside, step.status, step.brief, *buttons, seen(False)]  # noqa: FBT003
        finally:
            stop.set()
            steps.close()

    def halt(request: gr.Request) -> None:
        stops.stop(str(request.session_hash))

    def write(made: Brief | None) -> list[Any]:
        if made is None:
            return [seen(False), *[gr.skip()] * len(saves)]  # noqa: FBT003
        return [seen(True), *desk.files(made)]  # noqa: FBT003

    inputs = [part[name] for name in ("topic", "articles", "length", "since")]
    for trigger in (part["topic"].submit, part["go"].click):
        making = trigger(
            make,
            inputs=[*inputs, *part["narrow"].inputs],
            outputs=outputs,
            show_progress="minimal",
            show_progress_on=status,
            **MODEL,
        )
        making.then(write, inputs=kept, outputs=[take, *saves], **PRIVATE)
        making.then(partial(_earlier, tearsheet), outputs=part["before"], **PRIVATE)
    part["stop"].click(halt, **PRIVATE)
    opened = [part["topic"], part["since"], shown, sources, status, kept]
    reopening = part["before"].input(
        partial(_again, tearsheet), inputs=part["before"], outputs=opened, **PRIVATE
    )
    reopening.then(write, inputs=kept, outputs=[take, *saves], **PRIVATE)
    page.load(partial(_earlier, tearsheet), outputs=part["before"], **PRIVATE)
    page.unload(halt)


def _earlier(tearsheet: Tearsheet) -> Any:  # noqa: ANN401 - an update of gradio's
    """Return the list of earlier briefings."""
    last = earlier(tearsheet.settings.library)
    named = [
        (f"{clip(one.topic, 60)}, {day_in_words(one.made)}: {count(one.lines, 'line')}", one.topic)
        for one in last
    ]
    return gr.Dropdown(choices=named, value=None, visible=bool(named))


def _again(tearsheet: Tearsheet, topic: str | None) -> list[Any]:
    """Return an earlier briefing as it was made; where it is not kept, what is needed to make it again."""
    if not topic:
        return [gr.skip()] * 6
    found = reopen(tearsheet.settings.library, topic, tearsheet.library.article)
    if found is None:
        line = handlers.status_line("Its page is no longer kept. Press Brief to make it again.")
        return [topic, True, gr.skip(), gr.skip(), line, None]
    made = day_in_words(found.made[:10])
    line = handlers.status_line(f"As it was made on {made}. Press Brief for what changed since.")
    page_, beside = briefing.brief_page(found.brief), briefing.brief_sources(found.brief)
    return [topic, True, page_, beside, line, found.brief]


def _wish(page: gr.Blocks, tearsheet: Tearsheet) -> dict[str, Any]:
    """Lay out what a reader says of the briefing wanted."""

    def offered(words: str = "") -> Any:  # noqa: ANN401 - an update of gradio's
        found = entries(tearsheet.library.store, words=words, most=OFFERED).entries
        return gr.Dropdown(choices=[(_entry(one.title, one.source, one.published), one.id) for one in found])

    def search(typed: gr.KeyUpData) -> Any:  # noqa: ANN401 - an update of gradio's
        return offered(str(typed.input_value))

    with gr.Row(elem_classes="ts-asking"):
        topic = gr.Textbox(
            label="Topic",
            placeholder="A topic, e.g. the peace talks",
            max_lines=2,
            scale=5,
            elem_id="topic",
            elem_classes="ts-line",
            container=False,
        )
        go = gr.Button("Brief", variant="primary", elem_id="brief-go", elem_classes="ts-go", min_width=84)
        stop = gr.Button(
            "Stop", variant="stop", elem_id="brief-stop", elem_classes="ts-go", min_width=84, visible=False
        )
    narrow = Narrow(page, tearsheet, "brief")
    with gr.Column(elem_classes="ts-box"):
        articles = gr.Dropdown(
            [],
            label="Only these articles",
            multiselect=True,
            allow_custom_value=True,
            interactive=True,
            elem_id="brief-articles",
        )
        with gr.Row():
            length = gr.Radio(
                list(desk.LENGTHS), value="Standard", label="Length", elem_id="brief-length", min_width=270
            )
            before = gr.Dropdown(
                [],
                label="Earlier briefings",
                interactive=True,
                visible=False,
                elem_id="brief-before",
                min_width=220,
            )
        since = gr.Checkbox(label="Begin with what changed since the last one", elem_id="brief-since")
    page.load(offered, outputs=articles, **PRIVATE)
    for tab in blocks_named(page, gr.Tab, "tab-briefing"):
        tab.select(offered, outputs=articles, **PRIVATE)
    articles.key_up(search, outputs=articles, **PRIVATE)
    return {
        "topic": topic,
        "go": go,
        "stop": stop,
        "narrow": narrow,
        "articles": articles,
        "length": length,
        "since": since,
        "before": before,
    }


def _entry(title: str, source: str, published: str) -> str:
    about = ", ".join(filter(None, (source, day_in_words(published[:10]))))
    return f"{clip(title, 70)} ({about})" if about else clip(title, 70)

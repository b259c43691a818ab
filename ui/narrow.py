"""The controls that narrow a question or a briefing to some articles, and the filter they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from rag.facets import Counted, Facets, facets
from rag.library import Filter
from rag.pipeline import Tearsheet
from rag.render import day_in_words
from rag.subscriptions import subscriptions
from ui.sources import clip
from ui.widgets import PRIVATE

ALL_ARTICLES = "From all articles"
LONGEST_NAME = 48


class Narrow:
    """A folded row of controls; `inputs` are what a handler takes and hands to `chosen`."""

    def __init__(self, page: gr.Blocks, tearsheet: Tearsheet, name: str) -> None:
        with gr.Accordion(
            ALL_ARTICLES, open=False, elem_id=f"{name}-narrow", elem_classes="ts-narrow"
        ) as fold:
            with gr.Row():
                outlets = _several("Outlet", f"{name}-outlets")
                tags = _several("Tag", f"{name}-tags")
                feeds = _several("Feed", f"{name}-feeds")
            with gr.Row():
                after = _day("From", "2025-12-01, 2025-12 or 2025", f"{name}-after")
                before = _day("To", "the last day, month or year", f"{name}-before")
                as_of = _day("As known on", "leaves out what came later", f"{name}-as-of")
            clear = gr.Button("All articles again", size="sm", elem_id=f"{name}-all", elem_classes="ts-small")
        self.inputs: list[Any] = [outlets, tags, feeds, after, before, as_of]
        self._fold = fold
        lists = [outlets, tags, feeds]

        def offer() -> list[Any]:
            return offered(tearsheet)

        def retitle(*given: object) -> Any:  # noqa: ANN401 - an update of gradio's
            return gr.Accordion(label=in_words(given))

        page.load(offer, outputs=lists, **PRIVATE)
        fold.expand(offer, outputs=lists, **PRIVATE)
        gr.on([one.change for one in self.inputs], retitle, inputs=self.inputs, outputs=fold, **PRIVATE)
        clear.click(lambda: [[], [], [], "", "", ""], outputs=self.inputs, **PRIVATE)


def chosen(given: Sequence[object]) -> Filter:
    """Return the filter that the values of the controls stand for. Raises InputError for what is no date."""
    outlets, tags, feeds, after, before, as_of = given
    return Filter(
        sources=_names(outlets),
        tags=_names(tags),
        feeds=_names(feeds),
        after=_text(after),
        before=_text(before),
        as_of=_text(as_of),
    )


def in_words(given: Sequence[object]) -> str:
    """Return what is chosen as a few words, e.g. `Only The Dalby Gazette, from 1 March 2026`."""
    outlets, tags, feeds, after, before, as_of = given
    parts = [
        " or ".join(_names(outlets)),
        " or ".join(f"tagged {tag}" for tag in _names(tags)),
        "from the feed" + ("s " if len(_names(feeds)) > 1 else " ") + " or ".join(_names(feeds))
        if _names(feeds)
        else "",
        f"from {day_in_words(_text(after))}" if _text(after) else "",
        f"to {day_in_words(_text(before))}" if _text(before) else "",
        f"as known on {day_in_words(_text(as_of))}" if _text(as_of) else "",
    ]
    said = ", ".join(clip(part, 120) for part in parts if part)
    return f"Only {said}" if said else ALL_ARTICLES


def offered(tearsheet: Tearsheet) -> list[Any]:
    """Return the three lists as they now are; a list with nothing to choose is not shown."""
    store = tearsheet.library.store
    found: Facets = facets(store)
    titles = {feed.url: feed.title for feed in subscriptions(store)} if found.feeds else {}
    return [
        _filled(found.outlets, {}),
        _filled(found.tags, {}),
        _filled(found.feeds, titles),
    ]


def _filled(counted: Counted, titles: dict[str, str]) -> Any:  # noqa: ANN401 - an update of gradio's
    named = [(f"{clip(titles.get(name) or name, LONGEST_NAME)} ({n:,})", name) for name, n in counted]
    return gr.Dropdown(choices=named, visible=bool(named))


def _several(label: str, name: str) -> Any:  # noqa: ANN401 - gradio is not typed
    return gr.Dropdown(
        [],
        label=label,
        multiselect=True,
        allow_custom_value=True,
        interactive=True,
        visible=False,
        elem_id=name,
        min_width=160,
    )


def _day(label: str, hint: str, name: str) -> Any:  # noqa: ANN401 - gradio is not typed
    return gr.Textbox(label=label, placeholder=hint, max_lines=1, elem_id=name, min_width=140)


def _names(value: object) -> tuple[str, ...]:
    """The names in what a browser sent, whatever it sent."""
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""

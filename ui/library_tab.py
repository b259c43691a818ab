"""The Library tab: add articles, find, read and remove them, and see what there is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from rag.fetch import Fetcher
from rag.listing import Order
from rag.pipeline import Tearsheet
from ui import TEMPORARY, handlers
from ui import library_view as view
from ui.blocks import blocks_named
from ui.kept import Kept
from ui.library_desk import Desk, Reading, Shelf, Standing, Wish, shown_in_place
from ui.widgets import PRIVATE, text

EVERY = 0.7
"""Seconds between two looks at how far adding has come."""
LATEST = PRIVATE | {"trigger_mode": "always_last"}
"""For boxes that are typed in: the last state counts."""
ORDER_NAMES: dict[Order, str] = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "added": "Last added first",
    "title": "By title",
    "outlet": "By outlet",
}


class Adding(NamedTuple):
    """Where articles are added."""

    box: Any
    drop: Any
    folder: Any
    typed: Any
    feeds: Any
    fetch: Any
    again: Any
    known: Any
    result: Any
    stop: Any
    timer: Any


class Browsing(NamedTuple):
    """Where articles are searched for and listed."""

    wish: list[Any]
    line: Any
    listed: Any
    back: Any
    on: Any
    remove: Any
    first: Any

    @property
    def shown(self) -> list[Any]:
        return [self.line, self.listed, self.back, self.on, self.remove, self.first]


class Open(NamedTuple):
    """Where an article is read, and removed."""

    sure: Any
    asked: Any
    yes: Any
    no: Any
    pane: Any
    copies: Any
    remove: Any
    id: Any
    pending: Any

    @property
    def shown(self) -> list[Any]:
        return [self.pane, self.copies, self.remove, self.id]


def library_tab(
    page: gr.Blocks,
    tearsheet: Tearsheet,
    *,
    uploads: Path = TEMPORARY,
    fetcher: Callable[[], Fetcher] = Fetcher,
) -> None:
    """Lay out the library, and connect it. Files are taken only from the folder `uploads`."""
    desk = Desk(tearsheet, uploads, fetcher=fetcher)
    with gr.Row(elem_id="lib-checks"):
        facts = text("", "lib-facts")
        check = gr.Button("Check the library", size="sm", elem_id="lib-check", min_width=64)
    health = text("", "lib-health")
    adding = _lay_adding()
    drawn = text("", "lib-chart")
    with gr.Row(elem_id="lib-browse", equal_height=False):
        browsing = _lay_list()
        opened = _lay_article()
    head = blocks_named(page, gr.Markdown, "masthead")

    standing = [facts, drawn, adding.known, adding.again, browsing.wish[1], *head]

    def stand() -> list[Any]:
        return _standing(desk.stand())[: len(standing)]

    def enter(*wish: Any) -> list[Any]:  # noqa: ANN401 - what the boxes hold
        found, can = desk.stand(), desk.writable
        boxes = [gr.File(interactive=can), gr.UploadButton(interactive=can), gr.Button(interactive=can)]
        shelf = _shelf(desk.browse(Wish(*wish), 0))
        # What is under way comes last, for it may have begun while the rest was read.
        return [
            *_standing(found)[: len(standing)],
            *shelf,
            *boxes,
            gr.Accordion(open=not found.articles),
            *doing(),
        ]

    def doing() -> list[Any]:
        running = desk.work.state.running
        return [desk.result, gr.Button(visible=running), gr.Timer(active=running)]

    def tick(*given: Any) -> list[Any]:  # noqa: ANN401 - what the boxes hold
        if desk.work.state.running:
            return [*doing(), *[gr.skip()] * (len(standing) + len(browsing.shown))]
        return [*doing(), *stand(), *_shelf(desk.browse(Wish(*given[:-1]), given[-1]))]

    shown = [*standing, *browsing.shown]
    work = [adding.result, adding.stop, adding.timer]
    blocks_named(page, gr.Tab, "tab-library")[0].select(
        enter,
        inputs=browsing.wish,
        outputs=[*shown, adding.drop, adding.folder, adding.fetch, adding.box, *work],
        **PRIVATE,
    )
    adding.timer.tick(tick, inputs=[*browsing.wish, browsing.first], outputs=[*work, *shown], **PRIVATE)
    check.click(desk.check, outputs=health, api_visibility="private", show_progress_on=health)
    _connect_adding(desk, adding, doing)
    _connect_list(desk, browsing)
    _connect_article(page, desk, browsing, opened, stand, standing)


# What stands where


def _lay_adding() -> Adding:
    with gr.Accordion("Add articles", open=False, elem_id="lib-add") as box:
        with gr.Row(equal_height=False, elem_id="lib-adding"):
            with gr.Column(min_width=280):
                drop = gr.File(
                    label="Drop articles here, or press to choose files",
                    file_count="multiple",
                    elem_id="lib-drop",
                    height=150,
                )
                folder = gr.UploadButton(
                    "Choose a folder", file_count="directory", size="sm", elem_id="lib-folder"
                )
            with gr.Column(min_width=280):
                typed = gr.Textbox(
                    label="Addresses, one on a line",
                    placeholder="https://…",
                    lines=3,
                    max_lines=8,
                    elem_id="lib-addresses",
                )
                feeds = gr.Checkbox(label="They are feeds (RSS or Atom)", elem_id="lib-feeds")
                with gr.Row():
                    fetch = gr.Button("Fetch", size="sm", elem_id="lib-fetch", min_width=64)
                    again = gr.Button("Fetch all feeds again", size="sm", elem_id="lib-sync", min_width=64)
                known = text("", "lib-known")
        text(view.kinds(), "lib-kinds")
    with gr.Row(elem_id="lib-work"):
        result = text("", "lib-result")
        stop = gr.Button("Stop", variant="stop", size="sm", elem_id="lib-stop", visible=False, min_width=64)
    timer = gr.Timer(EVERY, active=False)
    return Adding(box, drop, folder, typed, feeds, fetch, again, known, result, stop, timer)


def _lay_list() -> Browsing:
    with gr.Column(scale=2, min_width=320, elem_id="lib-left"):
        words = gr.Textbox(
            label="Search",
            placeholder="Words of the text, the title or the outlet",
            max_lines=1,
            elem_id="lib-words",
        )
        with gr.Row(elem_id="lib-filters"):
            outlets = gr.Dropdown([], label="Outlets", multiselect=True, elem_id="lib-outlets", min_width=160)
            order = gr.Dropdown(
                [(name, value) for value, name in ORDER_NAMES.items()],
                value="newest",
                label="Order",
                filterable=False,
                elem_id="lib-order",
                min_width=140,
            )
        with gr.Row(elem_id="lib-days"):
            after = gr.Textbox(
                label="From", placeholder="2025-12-01", max_lines=1, elem_id="lib-after", min_width=120
            )
            before = gr.Textbox(
                label="To", placeholder="2025-12", max_lines=1, elem_id="lib-before", min_width=120
            )
        line = text("", "lib-line")
        listed = gr.Radio([], label="Articles", elem_id="lib-list", elem_classes="ts-list")
        with gr.Row(elem_id="lib-pages"):
            back = gr.Button("Previous", size="sm", elem_id="lib-back", visible=False, min_width=64)
            on = gr.Button("Next", size="sm", elem_id="lib-on", visible=False, min_width=64)
        remove = gr.Button("Remove all of these…", size="sm", elem_id="lib-remove-all", visible=False)
    return Browsing([words, outlets, after, before, order], line, listed, back, on, remove, gr.State(0))


def _lay_article() -> Open:
    with gr.Column(scale=3, min_width=320, elem_id="lib-right"):
        with gr.Row(elem_id="lib-sure", visible=False) as sure:
            asked = text("", "lib-asked")
            yes = gr.Button("Remove", variant="stop", size="sm", elem_id="lib-yes", min_width=64)
            no = gr.Button("Keep", size="sm", elem_id="lib-no", min_width=64)
        pane = text(shown_in_place(""), "lib-pane")
        copies = gr.Radio(
            [], label="Others that tell the same", elem_id="lib-copies", elem_classes="ts-list", visible=False
        )
        remove = gr.Button("Remove this article…", size="sm", elem_id="lib-remove", visible=False)
    return Open(sure, asked, yes, no, pane, copies, remove, gr.State(""), gr.State(()))


# Which press does what


def _connect_adding(desk: Desk, adding: Adding, doing: Callable[[], list[Any]]) -> None:
    def take(files: list[str] | None) -> list[Any]:
        desk.take_files(files or ())
        return [None, *doing()]

    def fetch(lines: object, feeds: object) -> list[Any]:
        desk.take_addresses(lines, feeds=feeds is True)
        return ["", *doing()]

    def again() -> list[Any]:
        desk.take_feeds()
        return doing()

    work = [adding.result, adding.stop, adding.timer]
    for box in (adding.drop, adding.folder):
        box.upload(take, inputs=box, outputs=[box, *work], **PRIVATE)
    adding.fetch.click(fetch, inputs=[adding.typed, adding.feeds], outputs=[adding.typed, *work], **PRIVATE)
    adding.again.click(again, outputs=work, **PRIVATE)
    adding.stop.click(desk.work.stop, **PRIVATE)


def _connect_list(desk: Desk, browsing: Browsing) -> None:
    def afresh(*wish: Any) -> list[Any]:  # noqa: ANN401 - what the boxes hold
        return _shelf(desk.browse(Wish(*wish), 0))

    def turn(pages: int) -> Callable[..., list[Any]]:
        def turned(*given: Any) -> list[Any]:  # noqa: ANN401 - what the boxes hold
            return _shelf(desk.browse(Wish(*given[:-1]), given[-1] + pages * view.PAGE))

        return turned

    for box in browsing.wish:
        box.change(afresh, inputs=browsing.wish, outputs=browsing.shown, **LATEST)
    for button, pages in ((browsing.back, -1), (browsing.on, 1)):
        given = [*browsing.wish, browsing.first]
        button.click(turn(pages), inputs=given, outputs=browsing.shown, **PRIVATE)


def _connect_article(
    page: gr.Blocks,
    desk: Desk,
    browsing: Browsing,
    opened: Open,
    stand: Callable[[], list[Any]],
    standing: list[Any],
) -> None:
    kept = Kept.of(page)
    secrets = [part for part in page.blocks.values() if isinstance(part, gr.BrowserState)]

    def open_one(id_: object, *known: object) -> list[Any]:
        turns = kept.turns(known[0]) if known else ()
        return _reading(desk.open(id_, turns), desk) if id_ else [gr.skip()] * len(opened.shown)

    def doubt(id_: str) -> list[Any]:
        told, chosen = desk.doubt([id_])
        return [gr.Row(visible=True), told, gr.Button(visible=bool(chosen)), chosen]

    def doubt_all(*wish: Any) -> list[Any]:  # noqa: ANN401 - what the boxes hold
        told, chosen = desk.doubt(desk.all_of(Wish(*wish)))
        return [gr.Row(visible=bool(chosen)), told, gr.Button(visible=True), chosen]

    def remove(chosen: tuple[str, ...], *given: Any) -> list[Any]:  # noqa: ANN401 - what the boxes hold
        told = Reading(desk.remove(chosen))
        shelf = _shelf(desk.browse(Wish(*given[:-1]), given[-1]))
        return [gr.Row(visible=False), (), *_reading(told, desk), *stand(), *shelf]

    for listed in (browsing.listed, opened.copies):
        listed.input(open_one, inputs=[listed, *secrets], outputs=opened.shown, **LATEST)
    sure = [opened.sure, opened.asked, opened.yes, opened.pending]
    opened.remove.click(doubt, inputs=opened.id, outputs=sure, **PRIVATE)
    browsing.remove.click(doubt_all, inputs=browsing.wish, outputs=sure, **PRIVATE)
    opened.no.click(lambda: [gr.Row(visible=False), ()], outputs=[opened.sure, opened.pending], **PRIVATE)
    opened.yes.click(
        remove,
        inputs=[opened.pending, *browsing.wish, browsing.first],
        outputs=[opened.sure, opened.pending, *opened.shown, *standing, *browsing.shown],
        **PRIVATE,
    )


# Records as what gradio takes


def _standing(found: Standing) -> list[Any]:
    outlets = gr.Dropdown(choices=list(found.outlets))
    again = gr.Button(visible=found.followed)
    return [found.facts, found.chart, found.feeds, again, outlets, handlers.masthead(found.articles)]


def _shelf(found: Shelf) -> list[Any]:
    many = found.goes_on or found.first > 0
    return [
        found.line,
        gr.Radio(choices=list(found.choices), value=None, visible=bool(found.choices)),
        gr.Button(visible=many, interactive=found.first > 0),
        gr.Button(visible=many, interactive=found.goes_on),
        gr.Button(f"Remove all {found.total:,} of these…", visible=found.removable),
        found.first,
    ]


def _reading(found: Reading, desk: Desk) -> list[Any]:
    return [
        found.pane,
        gr.Radio(choices=list(found.copies), value=None, visible=bool(found.copies)),
        gr.Button(visible=bool(found.id) and desk.writable),
        found.id,
    ]

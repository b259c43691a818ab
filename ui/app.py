"""The browser page: what stands where, and which handler answers which button."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from importlib.resources import files
from typing import Any

import gradio as gr

from rag.errors import InputError, LockedError, TearsheetError
from rag.pipeline import Tearsheet
from rag.settings import Settings
from ui import TEMPORARY, guard, handlers

PORTS = 20
"""How many ports are tried, from the one asked for upwards."""
WAITING = 8
"""Questions that may wait for the model; further ones are turned away."""
SESSIONS = 200
"""Browser sessions whose conversation is kept."""
FEW = 20
"""Articles above which a library cannot be the demonstration one, so that its texts need not be read."""
FORGET_AFTER = 12 * 3600
"""Seconds after which an idle session's conversation is forgotten."""

_SYSTEM_FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Liberation Sans", "sans-serif")
_MONO_FONT = ("ui-monospace", "Menlo", "Consolas", "Liberation Mono", "monospace")


class Stops:
    """Which sessions have a model running, and the flag that stops each."""

    def __init__(self) -> None:
        self._flags: dict[str, threading.Event] = {}

    def start(self, session: str) -> threading.Event:
        """Return a fresh flag for `session`; one still running there is stopped."""
        self.stop(session)
        return self._flags.setdefault(session, threading.Event())

    def stop(self, session: str) -> None:
        """Ask whatever runs for `session` to end."""
        flag = self._flags.pop(session, None)
        if flag is not None:
            flag.set()


def build(tearsheet: Tearsheet) -> gr.Blocks:
    """Return the page over an open Tearsheet, with its queue; launch it with `launch_options()`."""
    kept = (3600, 86400)
    with gr.Blocks(title="Tearsheet", analytics_enabled=False, fill_width=True, delete_cache=kept) as page:
        head = _text(handlers.masthead(_count(tearsheet)), "masthead")
        page.load(lambda: handlers.masthead(_count(tearsheet)), outputs=head, **_PRIVATE)
        _ask_tab(page, tearsheet)
    page.queue(max_size=WAITING, default_concurrency_limit=1, api_open=False)
    return page


# Cheap events skip the queue, so a page stays alive while the model works for someone else.
_PRIVATE: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


def _text(value: str, name: str) -> gr.Markdown:
    return gr.Markdown(value, elem_id=name, sanitize_html=True, latex_delimiters=[], header_links=False)


def _ask_tab(page: gr.Blocks, tearsheet: Tearsheet) -> None:
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
                tries = [gr.Button(text, size="sm", elem_classes="ts-example") for text in offered]
            with gr.Row(elem_id="state"):
                status = _text(handlers.status_line(handlers.READY), "status")
                clear = gr.Button("Clear", size="sm", variant="secondary", elem_id="clear", min_width=64)
            answers = _text(handlers.conversation(()), "answers")
        with gr.Column(scale=2, min_width=320, elem_id="right"):
            sources = _text(handlers.source_pane(()), "sources")

    shown = [question, turns, answers, sources, status, go, stop, examples]

    def ask(text: str | None, before: tuple[handlers.Turn, ...], request: gr.Request) -> Iterator[list[Any]]:
        if not (text or "").strip():  # also what the second click of a double click brings
            yield [gr.skip()] * len(shown)
            return
        flag = stops.start(str(request.session_hash))
        held = _count(tearsheet)
        steps = handlers.converse(tearsheet, text or "", before, articles=held, cancelled=flag.is_set)
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
            concurrency_id="model",
            concurrency_limit=1,
            trigger_mode="always_last",
            show_progress="minimal",
            show_progress_on=status,
            api_visibility="private",
        )
        for trigger, given in [
            (question.submit, question),
            (go.click, question),
            *((button.click, button) for button in tries),
        ]
    ]
    # Not `cancels`: the answer must end by itself, so that what was written so far is kept on the page.
    stop.click(halt, **_PRIVATE)
    clear.click(forget, outputs=shown, cancels=running, **_PRIVATE)
    page.unload(halt)


def _count(tearsheet: Tearsheet) -> int:
    return int(tearsheet.library.counts().articles)


def _examples(tearsheet: Tearsheet) -> tuple[str, ...]:
    few = _count(tearsheet) <= FEW
    return handlers.examples(tearsheet.library.articles() if few else ())


def launch_options(*, host: str = "127.0.0.1", blocked: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the arguments of `launch` that keep the page closed; `blocked` are folders never served."""
    without_pages = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    style = files("ui").joinpath("theme.css").read_text("utf-8")
    return {
        "server_name": host,
        "share": False,
        "inbrowser": False,
        "show_error": False,
        "quiet": True,
        "run_history": False,
        "enable_monitoring": False,
        "mcp_server": False,
        "ssr_mode": False,
        "pwa": False,
        "strict_cors": True,
        "allowed_paths": [],
        "blocked_paths": list(blocked),
        "max_file_size": "5mb",
        "footer_links": [],
        "state_session_capacity": SESSIONS,
        "theme": gr.themes.Base(font=_SYSTEM_FONT, font_mono=_MONO_FONT),
        "head": f'<meta name="color-scheme" content="light dark"><style>{style}</style>',
        "app_kwargs": {"middleware": guard.middleware()} | without_pages,
    }


def serve(
    settings: Settings, *, host: str = "127.0.0.1", port: int = 7860, open_browser: bool = True
) -> None:
    """Serve the page over the library of `settings` until interrupted, and print its address.

    Raises InputError for a host that is not this machine and when PORTS ports from `port` on are taken.
    """
    if host not in guard.LOOPBACK:
        raise InputError(
            f"The page is only served to this machine; found host {host!r}. "
            f"Use one of {', '.join(guard.LOOPBACK)}."
        )
    chosen = free_port(host, port)
    guard.private_folder(TEMPORARY)
    with _own_or_read(settings) as tearsheet:
        page = build(tearsheet)
        options = launch_options(host=host, blocked=(str(settings.library),))
        options |= {"server_port": chosen, "inbrowser": open_browser, "prevent_thread_lock": True}
        page.launch(**options)
        sys.stdout.write(f"Tearsheet is at http://{host}:{chosen}/ (Ctrl-C stops it).\n")
        sys.stdout.flush()
        threading.Thread(target=_warm_up, args=(tearsheet,), daemon=True).start()
        page.block_thread()


def _own_or_read(settings: Settings) -> Tearsheet:
    """Open the library as its owner, who holds the vector index; as a reader when another process owns it."""
    try:
        return Tearsheet.open(settings, write=True)
    except LockedError:
        return Tearsheet.open(settings)


def _warm_up(tearsheet: Tearsheet) -> None:
    """Load the models while the reader still looks at the page; whatever fails is told when asking."""
    with suppress(TearsheetError):
        steps = tearsheet.ask_events(handlers.EXAMPLES[0])
        with closing(steps):
            next(steps)
        tearsheet.models.generator  # noqa: B018  loading is what reading this attribute does


def free_port(host: str, first: int) -> int:
    """Return the first port from `first` on that nobody listens on; 0 lets the system choose.

    Raises InputError when PORTS of them are taken, and for what is no port.
    """
    if not 0 <= first < 65536:
        raise InputError(f"A port is a number from 0 to 65535; found {first}.")
    for port in range(first, min(first + PORTS, 65536)) if first else (0,):
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((host, port))
            except OSError:
                continue
            return int(listener.getsockname()[1])
    raise InputError(f"The ports {first} to {first + PORTS - 1} are all taken. Name a free one with --port.")

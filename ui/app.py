"""The browser page: what stands where, and which handler answers which button."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from importlib.resources import files
from typing import Any

import gradio as gr

from models.compute import give_back_freed_memory
from rag.errors import InputError, LockedError, TearsheetError
from rag.pipeline import Tearsheet
from rag.settings import Settings
from ui import TEMPORARY, guard, handlers
from ui.api import ALONE, Beside, open_beside
from ui.ask_tab import ask_tab
from ui.auth import Hashed
from ui.brief_tab import brief_tab
from ui.evals_tab import evals_tab
from ui.library_tab import library_tab
from ui.models_tab import models_tab
from ui.widgets import PRIVATE, text

PORTS = 20
"""How many ports are tried, from the one asked for upwards."""
WAITING = 8
"""Questions that may wait for the model; further ones are turned away."""
SESSIONS = 200
"""Browser sessions whose conversation is kept."""
TABS: tuple[tuple[str, Callable[[gr.Blocks, Tearsheet], None]], ...] = (
    ("Ask", ask_tab),
    ("Briefing", brief_tab),
    ("Library", library_tab),
    ("Evals", evals_tab),
    ("Models", models_tab),
)
"""What stands behind each tab, from left to right; each lays itself out and connects itself."""
STYLES = ("theme.css", "tabs.css")

_SYSTEM_FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Liberation Sans", "sans-serif")
_MONO_FONT = ("ui-monospace", "Menlo", "Consolas", "Liberation Mono", "monospace")


def build(tearsheet: Tearsheet) -> gr.Blocks:
    """Return the page over an open Tearsheet, with its queue; launch it with `launch_options()`."""
    kept = (3600, 86400)
    with gr.Blocks(title="Tearsheet", analytics_enabled=False, fill_width=True, delete_cache=kept) as page:
        head = text(handlers.masthead(handlers.held(tearsheet)), "masthead")
        page.load(lambda: handlers.masthead(handlers.held(tearsheet)), outputs=head, **PRIVATE)
        with gr.Tabs(elem_id="tabs"):
            for name, tab in TABS:
                with gr.Tab(name, id=name.casefold(), elem_id=f"tab-{name.casefold()}"):
                    tab(page, tearsheet)
    page.queue(max_size=WAITING, default_concurrency_limit=1, api_open=False)
    return page


def launch_options(
    *,
    host: str = "127.0.0.1",
    blocked: tuple[str, ...] = (),
    password: Hashed | None = None,
    beside: Beside = ALONE,
) -> dict[str, Any]:
    """Return the arguments of `launch` that keep the page closed; `blocked` are folders never served.

    `password` is asked for before anything is served; `beside` is what programs may call.
    """
    stack = guard.middleware(guard.own_names(host), password=password, temporary=TEMPORARY)
    without_pages = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    style = "\n".join(files("ui").joinpath(name).read_text("utf-8") for name in STYLES)
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
        "max_file_size": guard.MAX_FILE,
        "footer_links": [],
        "state_session_capacity": SESSIONS,
        "theme": gr.themes.Base(font=_SYSTEM_FONT, font_mono=_MONO_FONT),
        "head": f'<meta name="color-scheme" content="light dark"><style>{style}</style>',
        "app_kwargs": {"middleware": stack, **beside.app_kwargs()} | without_pages,
    }


def serve(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    open_browser: bool = True,
    password: Hashed | None = None,
    mcp: bool = False,
) -> None:
    """Serve the page over the library of `settings` until interrupted, and print its address.

    Raises InputError for a host beyond this machine without a password or with tools (`mcp`), and when PORTS
    ports from `port` on are taken.
    """
    if host not in guard.LOOPBACK:
        guard.require_closed(host, password=password, mcp=mcp)
    chosen = free_port(host, port)
    guard.private_folder(TEMPORARY)
    give_back_freed_memory()
    with _own_or_read(settings) as tearsheet:
        page = build(tearsheet)
        beside = open_beside(page, tearsheet, mcp=mcp)
        blocked = (str(settings.library),)
        options = launch_options(host=host, blocked=blocked, password=password, beside=beside)
        options |= {"server_port": chosen, "inbrowser": open_browser, "prevent_thread_lock": True}
        page.launch(**options)
        sys.stdout.write(guard.greeting(host, chosen, mcp=mcp))
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

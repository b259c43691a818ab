"""What every tab is built with: text that cannot become markup, events that skip the queue, stop flags."""

from __future__ import annotations

import threading
from typing import Any

import gradio as gr

# Cheap events skip the queue, so a page stays alive while the model works for someone else.
PRIVATE: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}

# Whatever runs a model: one at a time over all tabs and readers.
MODEL: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1, "api_visibility": "private"}


def text(value: str, name: str, **given: Any) -> gr.Markdown:  # noqa: ANN401 - whatever gradio takes
    """Return a place for text; `value` is HTML whose every word from outside went through `escape`."""
    return gr.Markdown(
        value, elem_id=name, sanitize_html=True, latex_delimiters=[], header_links=False, **given
    )


def seen(visible: bool) -> Any:  # noqa: ANN401, FBT001 - an update of gradio's
    """Return the update that shows or hides a part of the page."""
    return gr.update(visible=visible)


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

"""What the buttons of the Ask tab do: each handler returns the new state of every part of the tab."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from rag.errors import TearsheetError
from rag.library import Filter
from rag.pipeline import Tearsheet
from ui import answers, handlers
from ui.alias import without_folders
from ui.exports import save
from ui.kept import Kept
from ui.narrow import ALL_ARTICLES, chosen, in_words
from ui.widgets import Stops, seen

FEW = 20
"""Articles above which a library cannot be the demonstration one, so that its texts need not be read."""
CHIPS = 4
"""Filters read from a question that can be shown."""
PARTS = (
    *("question", "secret", "answers", "sources", "status", "go", "stop"),
    *("first", "examples", "keep", "clear", "taken", "chips", *(f"chip{n}" for n in range(CHIPS))),
)
"""The parts of the tab, in the order in which handlers give their new states."""


class AskDesk:
    """The conversations of all readers, and the library that they ask."""

    def __init__(self, tearsheet: Tearsheet, kept: Kept | None = None) -> None:
        self._tearsheet = tearsheet
        self._kept = kept or Kept()
        self._stops = Stops()

    def ask(
        self, request: gr.Request, asked: str | None, known: object, *given: object
    ) -> Iterator[list[Any]]:
        """Answer a question step by step; `given` are the values of the controls that narrow it."""
        yield from self._run(request, asked, known, given)

    def without(self, number: int) -> Callable[..., Iterator[list[Any]]]:
        """Return a handler that asks the newest question again, without the filter of that number."""

        def again(request: gr.Request, known: object, *given: object) -> Iterator[list[Any]]:
            turns = self._kept.turns(known)
            answer = turns[-1].answer if turns else None
            if answer is None or number >= len(answer.filters):
                yield [gr.skip()] * len(PARTS)
                return
            unread = (*turns[-1].unread, answer.filters[number].said)
            asked = answer.asked_as or turns[-1].question
            yield from self._run(request, asked, known, given, unread=unread)

        return again

    def _run(
        self,
        request: gr.Request,
        asked: str | None,
        known: object,
        given: tuple[object, ...],
        *,
        unread: tuple[str, ...] = (),
    ) -> Iterator[list[Any]]:
        if not (asked or "").strip():  # also what the second click of a double click brings
            yield [gr.skip()] * len(PARTS)
            return
        flag = self._stops.start(str(request.session_hash))
        secret = self._kept.secret(known)

        def narrowed() -> Filter:
            return chosen(given)

        said = in_words(given)
        steps = handlers.converse(
            self._tearsheet,
            handlers.Asked(asked or "", narrowed, "" if said == ALL_ARTICLES else said, unread),
            self._kept.turns(secret),
            articles=handlers.held(self._tearsheet),
            cancelled=flag.is_set,
        )
        box: Any = ""
        try:
            for step in steps:
                self._kept.keep(secret, step.turns)
                pane = gr.skip() if step.sources is None else step.sources
                buttons = [seen(step.done), seen(not step.done)]
                rest = [gr.skip(), seen(False), seen(step.done), seen(step.done), gr.skip()]  # noqa: FBT003
                yield [
                    box,
                    secret,
                    step.conversation,
                    pane,
                    step.status,
                    *buttons,
                    *rest,
                    *_chips(step.turns),
                ]
                box = gr.skip()  # from here on the box belongs to the next question
        finally:
            flag.set()
            steps.close()

    def halt(self, request: gr.Request) -> None:
        """Stop what runs for this page."""
        self._stops.stop(str(request.session_hash))

    def forget(self, known: object, request: gr.Request) -> list[Any]:
        """Forget the conversation, on the page and on the server."""
        self.halt(request)
        self._kept.forget(known)
        return ["", "", *self.opened("")]

    def opened(self, known: object) -> list[Any]:
        """Return all but the first two parts: the conversation so far, or a way to begin one."""
        turns = self._kept.turns(known)
        articles = handlers.held(self._tearsheet)
        few = not turns and 0 < articles <= FEW
        offered = handlers.examples(self._tearsheet.library.articles()) if few else ()
        begun, empty = bool(turns), not articles
        told = answers.conversation(turns) if begun or not empty else ""
        line = handlers.status_line(handlers.READY)
        states = (True, False, empty, bool(offered), begun, begun, False)
        return [told, answers.source_pane(turns), line, *map(seen, states), *_chips(turns)]

    def waiting(self) -> Any:  # noqa: ANN401 - an update of gradio's
        """Return whether the way to begin is shown: when another tab emptied or filled the library."""
        return seen(not handlers.held(self._tearsheet))

    def begin(self, known: object) -> list[Any]:
        """Add the demonstration articles; return the masthead and all but the first two parts."""
        try:
            self._tearsheet.add([handlers.SEEDS])
            line = "The five demonstration articles are in the library. Ask one of these, or your own."
        except TearsheetError as error:
            line = without_folders(str(error))
        told, pane, _, *rest = self.opened(known)
        head = handlers.masthead(handlers.held(self._tearsheet))
        return [head, told, pane, handlers.status_line(line), *rest]

    def take(self, known: object) -> list[Any]:
        """Return the newest answer and the file of the whole conversation, to be taken away."""
        turns = self._kept.turns(known)
        if not turns:
            return [gr.skip(), gr.skip(), seen(False)]  # noqa: FBT003
        path = save("conversation.md", answers.conversation_to_markdown(turns).encode("utf-8"))
        return [answers.turn_to_markdown(turns[-1]), str(path), seen(True)]  # noqa: FBT003


def _chips(turns: tuple[answers.Turn, ...]) -> list[Any]:
    """The row of the filters that were read, and each of its buttons."""
    found = answers.chips(turns)[:CHIPS]
    shown = [gr.Button(one, visible=True) for one in found]
    return [seen(bool(found)), *shown, *[seen(False)] * (CHIPS - len(found))]  # noqa: FBT003

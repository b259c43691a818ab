"""Work done in the background for all readers of the page: what has become of it outlives a refresh."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from rag.errors import CancelledError, TearsheetError
from ui.alias import without_folders

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Row = TypeVar("Row")

MOST_ROWS = 2000
"""Results kept of one run; the oldest of more are forgotten."""
STOPPED = "Stopped."
FAILED = "Something went wrong inside Tearsheet; the terminal it runs in shows what."


@dataclass(frozen=True, slots=True)
class State(Generic[Row]):
    """How far a run of work has come; the last one when none runs."""

    rows: tuple[Row, ...] = ()
    done: int = 0
    total: int = 0
    now: str = ""
    """What is at hand."""
    running: bool = False
    stopped: bool = False
    """Whether a reader ended it."""
    problem: str = ""
    """Why it ended early, as a sentence."""
    seconds: float = 0.0


class Work(Generic[Item, Row]):
    """A queue of things to do, done one after the other in a thread of their own.

    `do` yields what became of one thing. It calls `tell` as often as it can, which raises CancelledError
    once a reader wants it to end.
    """

    def __init__(
        self,
        do: Callable[[Item, Work[Item, Row]], Iterable[Row]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._do = do
        self._clock = clock
        self._turn = threading.Lock()
        self._waiting: deque[Item] = deque()
        self._thread: threading.Thread | None = None
        self._began = 0.0
        self._state: State[Row] = State()
        self.stopping = threading.Event()

    @property
    def state(self) -> State[Row]:
        """How far it has come, now."""
        state = self._state
        return replace(state, seconds=self._clock() - self._began) if state.running else state

    def start(self, items: Iterable[Item]) -> None:
        """Do these things too; what was reported of an earlier run is forgotten when none is under way."""
        more = list(items)
        if not more:
            return
        with self._turn:
            self._waiting.extend(more)
            if self._state.running:
                self._state = replace(self._state, total=self._state.total + len(more))
                return
            self.stopping.clear()
            self._began = self._clock()
            self._state = State(total=len(more), running=True)
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after what cannot be interrupted; what waits is not done."""
        with self._turn:
            self._waiting.clear()
            if self._state.running:
                self.stopping.set()

    def tell(self, now: str) -> None:
        """Say what is at hand. Raises CancelledError when a reader wants the work to end."""
        if self.stopping.is_set():
            raise CancelledError(STOPPED)
        self._change(now=now)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until nothing runs; return whether that is so."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return not self._state.running

    def _run(self) -> None:
        for item in self._items():
            try:
                for row in self._do(item, self):
                    self._change(rows=(*self._state.rows, row)[-MOST_ROWS:])
            except CancelledError:
                self._change(stopped=True)
            except TearsheetError as error:
                self._change(problem=without_folders(str(error)))
            except Exception:
                log.exception("work in the background failed")
                self._change(problem=FAILED)
            self._change(done=self._state.done + 1)

    def _items(self) -> Iterator[Item]:
        """Yield what waits; the run is over when nothing does."""
        while True:
            with self._turn:
                if not self._waiting:
                    stopped = self.stopping.is_set()
                    seconds = self._clock() - self._began
                    self._state = replace(
                        self._state, running=False, now="", stopped=stopped, seconds=seconds
                    )
                    return
                item = self._waiting.popleft()
            yield item

    def _change(self, **values: object) -> None:
        with self._turn:
            self._state = replace(self._state, **values)  # type: ignore[arg-type]

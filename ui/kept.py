"""Conversations kept on the server: one for each browser, which holds nothing but the secret to it."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakKeyDictionary

from ui.answers import Turn

MOST = 200
"""Conversations kept; beyond them the one that lay longest is forgotten."""
FORGET_AFTER = 12 * 3600
"""Seconds after which a conversation nobody went on with is forgotten."""

_SECRET = re.compile(r"[\w-]{32}")


class Kept:
    """The conversations of all browsers, in memory only. Safe to use from several threads."""

    def __init__(
        self, *, most: int = MOST, seconds: float = FORGET_AFTER, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[float, tuple[Turn, ...]]] = OrderedDict()

    @classmethod
    def of(cls, page: object) -> Kept:
        """Return the conversations held for a page, the same for every tab of it."""
        return _PAGES.setdefault(page, cls())

    @staticmethod
    def secret(given: object) -> str:
        """Return what a browser showed when it can be a secret of ours, else a fresh one."""
        if isinstance(given, str) and _SECRET.fullmatch(given):
            return given
        return secrets.token_urlsafe(24)

    def turns(self, secret: object) -> tuple[Turn, ...]:
        """Return the conversation behind a secret; empty when there is none, or it was forgotten."""
        with self._lock:
            self._drop()
            return self._held[secret][1] if isinstance(secret, str) and secret in self._held else ()

    def keep(self, secret: str, turns: tuple[Turn, ...]) -> None:
        """Keep a conversation in place of what was behind the secret."""
        with self._lock:
            self._held[secret] = (self._clock(), turns)
            self._held.move_to_end(secret)
            self._drop()

    def forget(self, secret: object) -> None:
        """Forget the conversation behind a secret at once."""
        with self._lock:
            if isinstance(secret, str):
                self._held.pop(secret, None)

    def _drop(self) -> None:
        oldest = self._clock() - self._seconds
        while self._held and (len(self._held) > self._most or next(iter(self._held.values()))[0] < oldest):
            self._held.popitem(last=False)


_PAGES: WeakKeyDictionary[object, Kept] = WeakKeyDictionary()

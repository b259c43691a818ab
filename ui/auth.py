"""The password of a page that others may open: how it is kept, and the door that asks for it.

It is kept as one line, `scrypt$n$r$p$salt$hash`, by Colin Percival's scrypt ("Stronger key derivation via
sequential memory-hard functions", 2009) from Python's own hashlib. The door is HTTP Basic authentication over
every route, so that no page, upload, queue or call of a program can be forgotten.
"""

from __future__ import annotations

import base64
import binascii
import getpass
import hashlib
import hmac
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.errors import InputError
from ui.pace import Pace, network_of

VARIABLE = "TEARSHEET_PASSWORD_HASH"
"""The environment variable that may hold the line in place of a file."""
SHORTEST = 10
"""Characters of the shortest password that is taken."""
LONGEST = 1_000
"""Characters of a password; whatever is longer is refused before it is hashed."""

COST, BLOCK, PARALLEL = 1 << 15, 8, 3
"""What OWASP names for scrypt: 32 MB and about a quarter of a second for each guess."""
MOST_MEMORY = 1 << 28
"""Bytes that a line may ask scrypt to use."""

ATTEMPTS, AGAIN = 5, 12.0
"""Wrong passwords that one address may send at once, and the seconds after which it may send another."""
ALL_ATTEMPTS, ALL_AGAIN = 60, 1.0
"""The same for all addresses together."""

OPEN = "/gradio_api/startup-events"
"""The one path without a password: the server calls it itself when it starts; it says no more than true."""


@dataclass(frozen=True, slots=True)
class Hashed:
    """A password as it is kept."""

    cost: int
    block: int
    parallel: int
    salt: bytes
    digest: bytes

    def matches(self, password: str) -> bool:
        """Whether this is the hash of `password`; takes as long for a wrong one."""
        return hmac.compare_digest(_scrypt(password, self), self.digest)

    def line(self) -> str:
        """Return the line that `read_hashed` reads."""
        salt, digest = (base64.b64encode(part).decode() for part in (self.salt, self.digest))
        return f"scrypt${self.cost}${self.block}${self.parallel}${salt}${digest}"


def hash_password(password: str) -> Hashed:
    """Return the hash of a password, under a fresh salt. Raises InputError when it is too short or long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(
            f"A password has {SHORTEST} to {LONGEST:,} characters; found {len(password)}. "
            "Four words that do not belong together are easy to keep in mind."
        )
    blank = Hashed(COST, BLOCK, PARALLEL, secrets.token_bytes(16), b"")
    return Hashed(COST, BLOCK, PARALLEL, blank.salt, _scrypt(password, blank))


def read_hashed(line: str, where: str) -> Hashed:
    """Return the hash that a line holds. Raises InputError, naming `where` the line was found."""
    try:
        name, cost, block, parallel, salt, digest = line.strip().split("$")
        found = Hashed(int(cost), int(block), int(parallel), _bytes(salt), _bytes(digest))
        if name != "scrypt" or len(found.digest) != 32 or len(found.salt) < 8:
            raise ValueError
        if not 0 < 128 * found.cost * found.block * found.parallel <= MOST_MEMORY:
            raise ValueError
        found.matches("")
    except ValueError as error:
        raise InputError(
            f"{where} holds no hashed password. Make one with `tearsheet ui --set-password FILE`."
        ) from error
    return found


def load_password(file: Path | None, environment: Mapping[str, str]) -> Hashed | None:
    """Return the password from `file`, else from the environment; None when neither names one."""
    if file is None:
        line = environment.get(VARIABLE, "")
        return read_hashed(line, f"The variable {VARIABLE}") if line else None
    try:
        with file.open(encoding="utf-8") as opened:
            line = opened.read(2_000)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The password file {str(file)!r} cannot be read: {error}.") from error
    return read_hashed(line, f"The file {str(file)!r}")


def write_password(file: Path, password: str) -> None:
    """Write the hash of `password` to `file`, for its owner's eyes only. Raises InputError."""
    line = hash_password(password).line()
    part = file.with_name(file.name + ".part")
    try:
        part.unlink(missing_ok=True)
        with open(
            os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as opened:
            opened.write(line + "\n")
        part.replace(file)
    except OSError as error:
        raise InputError(f"The password file {str(file)!r} cannot be written: {error.strerror}.") from error


def ask_for_password() -> str:
    """Return a password typed twice on a terminal, or the first line of what is piped in.

    Raises InputError when the two differ.
    """
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    given = getpass.getpass(f"Password ({SHORTEST} characters or more): ")
    if getpass.getpass("Once more: ") != given:
        raise InputError("The two passwords differ; nothing was written.")
    return given


class Door:
    """ASGI middleware: lets nobody in without the password, and slows down who guesses."""

    def __init__(
        self, app: ASGIApp, *, password: Hashed, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._password = password
        self._secret = secrets.token_bytes(32)
        self._proof = b""
        self._each = Pace(1 / AGAIN, ATTEMPTS, clock=clock)
        self._all = Pace(1 / ALL_AGAIN, ALL_ATTEMPTS, clock=clock)
        self._hashing: anyio.CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == OPEN:
            await self._app(scope, receive, send)
            return
        given = given_password(Headers(scope=scope))
        if given and self._knows(given):
            await self._app(scope, receive, send)
            return
        address = network_of((scope.get("client") or ("", 0))[0])
        # Who is refused here costs the others none of their attempts.
        if given and (seconds := self._each.wait(address) or self._all.wait("")):
            refusal = PlainTextResponse(
                "Too many wrong passwords. Wait a moment.", 429, {"Retry-After": str(int(seconds) + 1)}
            )
        elif given and await self._is_right(given):
            await self._app(scope, receive, send)
            return
        else:
            asks = 'Basic realm="Tearsheet (any user name)", charset="UTF-8"'
            refusal = PlainTextResponse("This page asks for a password.", 401, {"WWW-Authenticate": asks})
        await refusal(scope, receive, send)

    def _knows(self, given: str) -> bool:
        """Whether it was right before; to hash it again for each file of a page would be slow."""
        return bool(self._proof) and hmac.compare_digest(self._mark(given), self._proof)

    async def _is_right(self, given: str) -> bool:
        self._hashing = self._hashing or anyio.CapacityLimiter(1)
        right = await anyio.to_thread.run_sync(self._password.matches, given, limiter=self._hashing)
        if right:
            self._proof = self._mark(given)
        return right

    def _mark(self, given: str) -> bytes:
        return hmac.digest(self._secret, given.encode("utf-8", "surrogatepass"), "sha256")


def given_password(headers: Headers) -> str:
    """Return the password of a Basic `Authorization` header, empty when there is none that can be read."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic" or len(encoded) > 8 * LONGEST:
        return ""
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
    given = pair.partition(":")[2]
    return given if len(given) <= LONGEST else ""


def _scrypt(password: str, how: Hashed) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=how.salt,
        n=how.cost,
        r=how.block,
        p=how.parallel,
        maxmem=2 * MOST_MEMORY,
        dklen=32,
    )


def _bytes(encoded: str) -> bytes:
    return base64.b64decode(encoded, validate=True)

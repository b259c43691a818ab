"""What keeps the page private and closed: environment switches, hosts, origins, sizes, pace, headers."""

from __future__ import annotations

import ipaddress
import os
import socket
import time
from collections.abc import Callable, MutableMapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.errors import InputError
from ui.alias import Alias
from ui.auth import Door, Hashed
from ui.pace import Pace, network_of

LOOPBACK = ("127.0.0.1", "localhost")
MAX_BODY = 1_000_000
"""Bytes of one request that uploads nothing: a question is far smaller, an article given as text fits."""
UPLOAD = "/gradio_api/upload"
MAX_FILE = 20_000_000
"""Bytes of one uploaded file, as many as are read of an article."""
MAX_UPLOAD = 10 * MAX_FILE
"""Bytes of one request that uploads: a folder dropped on the page comes in one."""
UPLOADED, UPLOADED_AGAIN = 10 * MAX_UPLOAD, 500_000.0
"""Bytes that one address may upload at once and, a second, again: no disk is filled at a stroke."""
ASKED, ASKED_AGAIN = 300, 40.0
"""Requests beside plain reading that one address may send at once, and how many a second it may again."""
SERVED = 400
"""Requests served at the same time; every open page holds one or two of them."""

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}

# Not gradio's own names, yet gradio acts on them: hosted mode, log-in, and a token it would send along.
_FOREIGN_SWITCHES = (
    *("SYSTEM", "SPACE_ID", "SPACE_HOST", "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "HF_TOKEN"),
    # Uvicorn's: whom it believes about the address of a client.
    "FORWARDED_ALLOW_IPS",
)


def shut_switches(environment: MutableMapping[str, str], temporary: Path) -> None:
    """Remove every variable that could open the page up; must run before gradio is imported.

    Arguments to `launch` are not enough: an empty `allowed_paths` lets the variable win, and some
    switches have no argument. `temporary` becomes gradio's folder for temporary files.
    """
    for name in [name for name in environment if name.startswith("GRADIO_") or name in _FOREIGN_SWITCHES]:
        del environment[name]
    environment["GRADIO_ANALYTICS_ENABLED"] = "False"
    environment["GRADIO_TEMP_DIR"] = str(temporary)


def private_folder(folder: Path) -> Path:
    """Return `folder`, made if missing and closed to other users."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(folder, 0o700)
    return folder


def middleware(
    hosts: Sequence[str] = LOOPBACK, *, password: Hashed | None = None, temporary: Path | None = None
) -> list[Middleware]:
    """Return the middleware for the page, outermost first; `hosts` are the names it may be asked for by.

    With a `password` nothing is served without it. `temporary` is the folder whose name nobody learns.
    """
    return [
        Middleware(Guard),
        Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
        *([Middleware(Door, password=password)] if password else []),
        *([Middleware(Alias, folder=temporary)] if temporary else []),
    ]


def own_names(host: str) -> tuple[str, ...]:
    """Return the names and addresses under which others reach a page served on `host`, the best first."""
    if host in LOOPBACK:
        return LOOPBACK
    named = socket.gethostname().lower()
    names = (named, f"{named}.local", *LOOPBACK)
    if not is_any(host):
        return (host, *names)
    found: list[str] = []
    with suppress(OSError), closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as asked:
        # Sends nothing: it only chooses the way out, and with it the address.
        asked.connect(("192.0.2.1", 9))
        found.append(str(asked.getsockname()[0]))
    with suppress(OSError):
        found += socket.gethostbyname_ex(named)[2]
    return tuple(dict.fromkeys((*found, *names)))


def require_closed(host: str, *, password: Hashed | None, mcp: bool) -> None:
    """Raise InputError unless a page for other machines asks for a password and has no tools."""
    if password is None:
        raise InputError(
            f"A page for other machines needs a password; found host {host!r} without one. Write one with "
            "`tearsheet ui --set-password FILE`, then name it with `--auth FILE`."
        )
    if mcp:
        raise InputError(
            f"Tools for programs are only served to this machine; found --mcp with host {host!r}."
        )


def greeting(host: str, port: int, *, mcp: bool = False) -> str:
    """Return what is printed when the page is up: where it is, for whom, and what is not safe about it."""
    if host in LOOPBACK:
        tools = f"Tools for programs (MCP) are at http://{host}:{port}/mcp\n" if mcp else ""
        return f"Tearsheet is at http://{host}:{port}/ (Ctrl-C stops it).\n{tools}"
    names = [name for name in own_names(host) if name not in LOOPBACK]
    others = ", ".join(f"http://{name}:{port}/" for name in names)
    return (
        f"Tearsheet is at {others} for whoever has the password (Ctrl-C stops it).\n"
        "The traffic is plain HTTP: who shares the network can read questions, answers and the password.\n"
    )


def is_any(host: str) -> bool:
    """Whether `host` means every address of this machine."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return not host


class Guard:
    """ASGI middleware: refuses foreign origins, large bodies and floods; sends `HEADERS` every time."""

    def __init__(
        self, app: ASGIApp, *, max_body: int = MAX_BODY, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._max_body = max_body
        self._asked = Pace(ASKED_AGAIN, ASKED, clock=clock)
        self._uploaded = Pace(UPLOADED_AGAIN, UPLOADED, clock=clock)
        self._served = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_closed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        limit = MAX_UPLOAD if scope["path"].rstrip("/") == UPLOAD else self._max_body
        if refusal := self._refusal(scope, limit):
            await refusal(scope, receive, send_closed)
            return
        self._served += 1
        try:
            await self._app(scope, _measured(receive, limit), send_closed)
        finally:
            self._served -= 1

    def _refusal(self, scope: Scope, limit: int) -> Response | None:
        """Return what is answered in place of the page, or None when the request may go on."""
        headers = Headers(scope=scope)
        if is_foreign(scope["method"], scope["scheme"], headers):
            return PlainTextResponse("This page answers only to itself: foreign origin refused.", 403)
        if scope["path"] == "/" and scope["query_string"]:
            # The page has a <base> without the query, so with one every #citation link would load it anew.
            return RedirectResponse("/", 303)
        if _declared(headers) > limit:
            return PlainTextResponse(f"The request is larger than {limit:,} bytes.", 413)
        if self._served >= SERVED:
            return PlainTextResponse("Too many requests at the same time.", 503, {"Retry-After": "2"})
        if scope["method"] in {"GET", "HEAD"}:
            return None
        address = network_of((scope.get("client") or ("", 0))[0])
        wait = self._asked.wait(address)
        if limit == MAX_UPLOAD:
            size = _declared(headers) if "content-length" in headers else MAX_UPLOAD
            wait = wait or self._uploaded.wait(address, cost=size)
        if wait:
            return PlainTextResponse(
                "Too many requests. Wait a moment.", 429, {"Retry-After": str(int(wait) + 1)}
            )
        return None


def is_foreign(method: str, scheme: str, headers: Headers) -> bool:
    """Whether another site sent the request. A link that opens the page is welcome, whoever holds it."""
    origin = headers.get("origin")
    if origin is not None and origin != f"{scheme}://{headers.get('host', '')}":
        return True
    opens_page = method in {"GET", "HEAD"} and headers.get("sec-fetch-mode") == "navigate"
    return headers.get("sec-fetch-site") in {"cross-site", "same-site"} and not opens_page


def _declared(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length[:18]) if length.isascii() and length.isdigit() else 0


def _measured(receive: Receive, limit: int) -> Receive:
    """Return `receive` that hangs up when a body of undeclared length passes `limit` bytes."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return {"type": "http.disconnect"} if seen > limit else message

    return counted

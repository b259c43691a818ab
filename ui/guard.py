"""What keeps the page private and closed: environment switches, hosts, origins, body size, headers."""

from __future__ import annotations

import os
from collections.abc import MutableMapping, Sequence
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost")
MAX_BODY = 1_000_000
"""Bytes of one request; a question is far smaller and nothing is uploaded yet."""

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
_FOREIGN_SWITCHES = ("SYSTEM", "SPACE_ID", "SPACE_HOST", "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "HF_TOKEN")


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


def middleware(hosts: Sequence[str] = LOOPBACK) -> list[Middleware]:
    """Return the middleware for the page, outermost first; `hosts` are the names it may be asked for by."""
    trusted = Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    return [Middleware(Guard), trusted]


class Guard:
    """ASGI middleware: refuses foreign origins and large bodies, and sends `HEADERS` with every response."""

    def __init__(self, app: ASGIApp, *, max_body: int = MAX_BODY) -> None:
        self._app = app
        self._max_body = max_body

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

        headers = Headers(scope=scope)
        if is_foreign(scope["method"], scope["scheme"], headers):
            refusal = PlainTextResponse("This page answers only to itself: foreign origin refused.", 403)
            await refusal(scope, receive, send_closed)
        elif scope["path"] == "/" and scope["query_string"]:
            # The page has a <base> without the query, so with one every #citation link would load it anew.
            await RedirectResponse("/", 303)(scope, receive, send_closed)
        elif _declared(headers) > self._max_body:
            refusal = PlainTextResponse(f"The request is larger than {self._max_body:,} bytes.", 413)
            await refusal(scope, receive, send_closed)
        else:
            await self._app(scope, _measured(receive, self._max_body), send_closed)


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

"""The folder of temporary files goes by another name in all that is sent, so that no response tells a path.

Gradio hands a browser the full path of what it uploaded or may download, and takes it back by that path.
"""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePath
from typing import TypeVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NAME = "/tearsheet-files"
"""What the folder is called outside."""
FILE = "/gradio_api/file="
"""How the address of a file begins; what is in the file is sent as it is."""
SPEAKING = ("application/json", "text/event-stream", "text/html", "text/plain")
"""The kinds of responses in which paths are looked for."""

PATHS = ("path",)
TOLD = ("notes", "reason", "error", "unread")
"""Where an answer in JSON speaks in our own words, in which a path may stand."""

_FOLDERS = re.compile(
    # Between quotation marks a path may hold spaces.
    r"""(?<=['"])/(?:[^'"/\n]+/)+(?=[^'"/\n]*['"])"""
    r"""|(?<![\w:/.])/(?:[^\s/'"`<>]+/)+|\b[A-Za-z]:\\(?:[^\s\\'"`<>]+\\)+"""
)

Value = TypeVar("Value")


def nameless(value: Value, *, said: bool = True) -> Value:
    """Return a JSON value or a text of ours without the folders of this machine; names of files stay.

    Article text is left as it is: in an object, only what stands under `PATHS` and `TOLD` is ours.
    """
    if isinstance(value, str):
        return without_folders(value) if said else value  # type: ignore[return-value]
    if isinstance(value, dict):
        return {  # type: ignore[return-value]
            key: file_name(one) if key in PATHS else nameless(one, said=key in TOLD)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [nameless(one, said=said) for one in value]  # type: ignore[return-value]
    return value


def without_folders(text: str) -> str:
    """Return `text` with every path of this machine cut down to its last part; web addresses stay."""
    home = str(Path.home())
    return _FOLDERS.sub("", text.replace(f"{home}/", "").replace(home, "~") if home != "/" else text)


def file_name(path: str) -> str:
    """Return an address as it is, and of a file its name."""
    return path if "://" in path else PurePath(path.replace("\\", "/")).name


class Alias:
    """ASGI middleware: puts `NAME` for `folder` in what is sent, and `folder` for `NAME` in what comes."""

    def __init__(self, app: ASGIApp, *, folder: Path) -> None:
        self._app = app
        self._folder = str(folder)
        # As it stands in JSON, where a backslash is doubled.
        self._sent = json.dumps(self._folder, ensure_ascii=False)[1:-1].encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = str(scope["path"])
        if path.startswith(FILE):
            path = path.replace(NAME, self._folder, 1)
            given = {**scope, "path": path, "raw_path": path.encode()}
            await self._app(given, receive, self._outward(send, refusals=True))
            return
        if Headers(scope=scope).get("content-type", "").startswith("application/json"):
            receive = self._inward(receive)
        await self._app(scope, receive, self._outward(send))

    def _inward(self, receive: Receive) -> Receive:
        """Return `receive` that gives the whole body at once; the guard has bounded its size."""
        done = False

        async def whole() -> Message:
            nonlocal done
            if done:
                return await receive()
            done, parts = True, []
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return message
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    body = b"".join(parts).replace(NAME.encode(), self._sent)
                    return {"type": "http.request", "body": body, "more_body": False}

        return whole

    def _outward(self, send: Send, *, refusals: bool = False) -> Send:
        """Return `send` that renames the folder in text and JSON; each message of a stream is one piece.

        With `refusals` only what says that something went wrong is touched.
        """
        speaks = False
        start: Message | None = None

        async def renamed(message: Message) -> None:
            nonlocal start, speaks
            if message["type"] == "http.response.start":
                kind = Headers(raw=message["headers"]).get("content-type", "")
                speaks = kind.startswith(SPEAKING) and (message["status"] >= 400 or not refusals)
                start = message
                return
            body = message.get("body", b"")
            if speaks:
                body = body.replace(self._sent, NAME.encode())
            if start is not None:
                headers = MutableHeaders(raw=start["headers"])
                if speaks and "content-length" in headers and not message.get("more_body"):
                    headers["content-length"] = str(len(body))
                await send(start)
                start = None
            await send({**message, "body": body})

        return renamed

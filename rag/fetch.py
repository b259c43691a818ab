"""Addresses -> bytes: http and https only, public hosts only, never more or longer than allowed.

The only file that reaches the network. Every host is looked up once and the very address that was checked is
connected to, so that a name cannot point somewhere else a moment later; each redirect is checked anew.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from rag.errors import ReadError

MAX_BYTES = 20_000_000
"""Bytes of one answer that are read, as sent and unpacked."""

SILENCE = 20.0
"""Seconds without a byte after which a server is given up."""

DEADLINE = 60.0
"""Seconds for one address, redirects and all, however steadily a server sends."""

REDIRECTS = 5
"""Redirects that are followed."""

DELAY = 1.0
"""Seconds between two requests to one host."""

AGENT = "Tearsheet/0.1 (reads articles for one person; +https://pypi.org/project/tearsheet)"

_PIECE = 1 << 16
_TRACKING = ("utm_", "fbclid", "gclid", "mc_cid", "mc_eid", "ns_mchannel", "at_medium", "at_campaign")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server sent for an address."""

    url: str
    """Where it was found at last, without what only tracks readers."""
    data: bytes
    kind: str
    """The media type, in lower case, as the server states it."""
    etag: str = ""
    modified: str = ""
    unchanged: bool = False
    """The server says that nothing changed since `etag` or `modified`; `data` is empty."""


class Fetcher:
    """Fetches addresses one after the other, politely. Raises ReadError where it cannot.

    `public` decides which IP addresses may be reached; by default those of the public internet.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        public: Callable[[str], bool] | None = None,
        delay: float = DELAY,
        silence: float = SILENCE,
        deadline: float = DEADLINE,
        most: int = MAX_BYTES,
    ) -> None:
        self._may_reach = public or ((lambda _: True) if allow_private else is_public)
        self._delay = delay
        self._silence = silence
        self._deadline = deadline
        self._most = most
        self._asked: dict[str, float] = {}

    def fetch(self, url: str, *, etag: str = "", modified: str = "") -> Fetched:
        """Return what `url` leads to; with `etag` or `modified`, only if it changed since."""
        headers = {"If-None-Match": etag, "If-Modified-Since": modified}
        ends = time.monotonic() + self._deadline
        for _ in range(REDIRECTS + 1):
            host, port = check_address(url)
            self._wait(host)
            with self._said(url, ends), self._connected(url, host, port, ends) as connection:
                answer = self._ask(connection, url, headers)
                status = answer.status
                if status in (301, 302, 303, 307, 308) and answer.headers["Location"]:
                    url = urljoin(url, answer.headers["Location"])
                    continue
                if status != 304:
                    _require_success(answer)
                return Fetched(
                    url=plain_address(url),
                    data=b"" if status == 304 else self._body(answer, ends),
                    kind=answer.headers.get_content_type(),
                    etag=answer.headers["ETag"] or "",
                    modified=answer.headers["Last-Modified"] or "",
                    unchanged=status == 304,
                )
        raise ReadError(f"The address redirects more than {REDIRECTS} times.")

    def _wait(self, host: str) -> None:
        since = time.monotonic() - self._asked.get(host, -self._delay)
        time.sleep(max(0.0, self._delay - since))
        self._asked[host] = time.monotonic()

    @contextmanager
    def _said(self, url: str, ends: float) -> Iterator[None]:
        """Turn what goes wrong on the way into a reason in words."""
        try:
            yield
        except ReadError:
            raise
        except ssl.SSLCertVerificationError as error:
            raise ReadError(f"The server's certificate is not valid: {error.verify_message}.") from error
        except (OSError, http.client.HTTPException, ValueError, zlib.error) as error:
            if time.monotonic() >= ends:
                raise ReadError(f"It took longer than {self._deadline:.0f} seconds.") from error
            if isinstance(error, TimeoutError):
                raise ReadError(f"The server was silent for {self._silence:.0f} seconds.") from error
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise ReadError(f"It cannot be fetched: {reason}.") from error

    @contextmanager
    def _connected(self, url: str, host: str, port: int, ends: float) -> Iterator[http.client.HTTPConnection]:
        """Connect to an address of `host` that may be reached; cut the connection when the time is up."""
        plug = socket.create_connection(
            (self._allowed(host, port), port), timeout=min(self._silence, max(0.01, ends - time.monotonic()))
        )
        cut = threading.Timer(max(0.01, ends - time.monotonic()), _cut, [plug])
        cut.daemon = True
        cut.start()
        try:
            if url.lower().startswith("https:"):
                plug = ssl.create_default_context().wrap_socket(plug, server_hostname=host)
            connection = http.client.HTTPConnection(host, port)
            connection.sock = plug
            yield connection
        finally:
            cut.cancel()
            plug.close()

    def _allowed(self, host: str, port: int) -> str:
        """Return the first address of `host`, if all of them may be reached."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ReadError(f"The host {host!r} is not known.") from error
        addresses = [str(entry[4][0]) for entry in found]
        private = [address for address in addresses if not self._may_reach(address)]
        if private:
            raise ReadError(
                f"{host!r} is {private[0]}, which is not a public address; --allow-private fetches from it."
            )
        return addresses[0]

    def _ask(
        self, connection: http.client.HTTPConnection, url: str, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        parts = urlsplit(url)
        port = "" if parts.port in (None, _PORTS[parts.scheme.lower()]) else f":{parts.port}"
        name = f"[{connection.host}]" if ":" in connection.host else connection.host
        given = {
            "Host": f"{name}{port}",
            "User-Agent": AGENT,
            "Accept": "text/html, application/rss+xml, application/atom+xml, */*;q=0.5",
            "Accept-Encoding": "gzip",
            "Connection": "close",
        }
        path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        connection.request("GET", quoted(path), headers=given | {k: v for k, v in headers.items() if v})
        return connection.getresponse()

    def _body(self, answer: http.client.HTTPResponse, ends: float) -> bytes:
        length = answer.headers["Content-Length"] or ""
        if length.isdigit() and int(length) > self._most:
            raise ReadError(self._too_long())
        encoding = (answer.headers["Content-Encoding"] or "identity").strip().lower()
        if encoding not in ("identity", "gzip", "x-gzip"):
            raise ReadError(f"The server packed its answer as {encoding!r}, which was not asked for.")
        unpack = zlib.decompressobj(wbits=31) if "gzip" in encoding else None
        parts, size = [], 0
        while piece := answer.read(_PIECE):
            part = unpack.decompress(piece, self._most + 1 - size) if unpack else piece
            parts.append(part)
            size += len(part)
            if size > self._most:
                raise ReadError(self._too_long())
        if time.monotonic() >= ends:
            raise TimeoutError  # cut by the timer, what came looks like a whole page
        if unpack and not unpack.eof:
            raise ReadError("The answer of the server is cut short.")
        if not size:
            raise ReadError("The server sent an empty page.")
        return b"".join(parts)

    def _too_long(self) -> str:
        return f"The server sends more than the {self._most / 1e6:.0f} MB that are read."


def check_address(url: str) -> tuple[str, int]:
    """Return the host and port of an http(s) address; raise ReadError for what is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host = host if ":" in host else host.encode("idna").decode()
    except ValueError as error:
        raise ReadError(f"The address is not valid: {error}.") from error
    if parts.scheme.lower() not in _PORTS:
        raise ReadError(f"Only http and https addresses are fetched, not {parts.scheme or 'this'!r}.")
    if not host or any(ord(letter) <= 32 for letter in url):
        raise ReadError("The address is not valid.")
    if parts.username or parts.password:
        raise ReadError("The address holds a name or password; such addresses are not fetched.")
    return host, port or _PORTS[parts.scheme.lower()]


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, also where it wraps another one."""
    found = ipaddress.ip_address(address.split("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo and found.teredo[1])
        if found in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner:
            return found.ipv4_mapped is None and is_public(str(inner))
    return found.is_global and not found.is_multicast


def is_address(given: str) -> bool:
    """Whether what was given is an address and not a file: it begins with a scheme such as `https://`."""
    return "://" in given[:12]


def plain_address(url: str) -> str:
    """Return an address without its fragment and what only tracks readers, its host in lower case."""
    parts = urlsplit(url)
    fields = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in fields if not name.lower().startswith(_TRACKING)]
    query = parts.query if len(kept) == len(fields) else urlencode(kept)
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path or "/", query, ""))


def quoted(path: str) -> str:
    """Return a path and query with everything escaped that may not be sent as it is."""
    return "".join(
        char if 32 < ord(char) < 127 else "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))
        for char in path
    )


def _require_success(answer: http.client.HTTPResponse) -> None:
    if answer.status in (429, 503):
        wait = answer.headers["Retry-After"] or ""
        seconds = f" {wait} seconds" if wait.isdigit() else ""
        raise ReadError(f"The server asks to wait{seconds} (status {answer.status}). Try again later.")
    if answer.status != 200:
        raise ReadError(f"The server answers {answer.status} {answer.reason}.".replace(" .", "."))


def _cut(plug: socket.socket) -> None:
    with suppress(OSError):
        plug.shutdown(socket.SHUT_RDWR)

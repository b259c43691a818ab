"""Refuses every connection beyond this machine and every name look-up, and counts what was tried."""

from __future__ import annotations

import sys

LOOPBACK = (None, "", "localhost", "::1", "0.0.0.0")
ATTEMPTS: list[str] = []
"""What was tried and refused since `refuse_the_network` was called."""

_CONNECTIONS = ("socket.connect", "socket.sendto")
_LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")


def refuse_the_network() -> None:
    """Refuse it for the rest of this process: an audit hook sees every socket of Python and stays."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event in _CONNECTIONS:
        address = arguments[1]
        if not isinstance(address, tuple) or _is_here(address[0]):  # not a tuple: a socket in the file system
            return
    elif event not in _LOOKUPS or _is_here(arguments[0]):
        return
    ATTEMPTS.append(f"{event} {arguments[-1] if event in _CONNECTIONS else arguments[0]!r}")
    raise OSError(f"Tests do not use the network; {ATTEMPTS[-1]} was refused.")


def _is_here(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    return name in LOOPBACK or (isinstance(name, str) and name.startswith("127."))

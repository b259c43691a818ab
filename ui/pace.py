"""How often one address may do something: a bucket of permits for each, refilled steadily."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable

KEPT = 10_000
"""Addresses remembered; the one heard of longest ago is forgotten first."""


class Pace:
    """Allows `burst` at once and `rate` a second in the long run, for each address by itself."""

    def __init__(self, rate: float, burst: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, address: str, *, cost: int = 1) -> float:
        """Take `cost` permits for `address` and return 0, or the seconds until there are so many."""
        now = self._clock()
        left, since = self._left.pop(address, (float(self._burst), now))
        left = min(float(self._burst), left + (now - since) * self._rate)
        if len(self._left) >= KEPT:
            del self._left[next(iter(self._left))]
        self._left[address] = (left - cost if left >= cost else left, now)
        return 0.0 if left >= cost else (cost - left) / self._rate


def network_of(address: str) -> str:
    """Return what counts as one address: an IPv6 network of a household, or the IPv4 address."""
    try:
        found = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))

"""Who may speak to a worker: checked on every request before a byte of its body is read.

Three questions, in this order. Is it a browser's page? A page can be made to send requests to a
worker on its reader's machine or network, under a name of its author's that resolves to the
worker's address (DNS rebinding); so the ``Host`` must be one of this worker's own names, and there
must be no ``Origin``. Does it carry the token? And if not, has its address guessed too often?
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

from multidict import CIMultiDict, CIMultiDictProxy

from tiling.protocol.token import Token
from worker.errors import Kind, RefusedError

WRONG_PER_S = 10.0
"""Wrong tokens of one address in a second that are told so; more are told to wait.

The right token is let in all the same: 256 bits are not guessed, at no rate, and whoever shares an
address with a guesser shall not be locked out.
"""

AUTHORITY = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\[\]:@/\s]+)(:[0-9]{1,5})?")
"""``Host``: a name, an IPv4 address or an IPv6 address in brackets; a port."""

ADDRESSES = 1024
"""Addresses that are remembered; a stranger must not fill the memory."""


class Throttle:
    """A bucket of tokens for each address.

    Parameters
    ----------
    rate : float
        Events a second, and as many at once.
    """

    def __init__(self, rate: float = WRONG_PER_S) -> None:
        self._rate = rate
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, address: str, now: float) -> bool:
        """Count an event of an address at a time in seconds; tell whether it is within the rate."""
        left, since = self._buckets.get(address, (self._rate, now))
        left = min(self._rate, left + (now - since) * self._rate)
        allowed = left >= 1
        self._buckets[address] = left - allowed, now
        self._buckets.move_to_end(address)
        if len(self._buckets) > ADDRESSES:
            self._buckets.popitem(last=False)
        return allowed


@dataclass(frozen=True, slots=True)
class Guard:
    """The rules of one worker.

    Parameters
    ----------
    token : Token or None
        What a request must carry; None lets everybody in.
    names : frozenset of str
        Names in ``Host`` by which this worker may be called, besides the address that the
        connection came to. The port is not compared: an attacker chooses the name, and tunnels
        and mapped ports change it.
    throttle : Throttle
    """

    token: Token | None = None
    names: frozenset[str] = frozenset()
    throttle: Throttle = field(default_factory=Throttle)

    @classmethod
    def of(cls, token: Token | None, names: Iterable[str]) -> Guard:
        """Return the rules for names in any case."""
        return cls(token, frozenset(map(name_of, names)))

    def check(
        self,
        headers: CIMultiDict[str] | CIMultiDictProxy[str],
        local: str,
        remote: str,
        now: float,
    ) -> None:
        """Let a request pass or refuse it.

        Parameters
        ----------
        headers : multidict
        local : str
            Address that the connection came to.
        remote : str
            Address that it came from.
        now : float
            Time in seconds, of any clock that only goes forward.

        Raises
        ------
        RefusedError
        """
        self._check_browser(headers, local)
        if self.token is None:
            return
        given = headers.getall("Authorization", [])
        if len(given) == 1 and self.token.matches(given[0]):
            return
        if not self.throttle.allows(remote, now):
            detail = "too many requests without the token: wait"
            raise RefusedError(Kind.THROTTLED, detail, {"Retry-After": "1"})
        raise RefusedError(
            Kind.UNAUTHORIZED,
            "send the token of this worker's token file as Authorization: Bearer ...",
            {"WWW-Authenticate": "Bearer"},
        )

    def _check_browser(self, headers: CIMultiDict[str] | CIMultiDictProxy[str], local: str) -> None:
        if "Origin" in headers:
            raise RefusedError(Kind.ORIGIN, "pages in browsers may not use a worker")
        hosts = headers.getall("Host", [])
        if len(hosts) != 1 or not self._is_ours(hosts[0], local):
            shown = hosts[0][:80] if len(hosts) == 1 else f"{len(hosts)} times"
            detail = f"Host: {shown} is no name of this worker: start it with --allow-host NAME"
            raise RefusedError(Kind.HOST, detail)

    def _is_ours(self, host: str, address: str) -> bool:
        names = {*self.names, bracketed(address)} - {""}
        if ip_address(address).is_loopback:
            names.add("localhost")
        return name_of(host) in names


def name_of(host: str) -> str:
    """Return the name in a host that may carry a port, in lower case.

    >>> name_of("Node1:8080"), name_of("[::1]:80"), name_of("evil@node1"), name_of("")
    ('node1', '[::1]', '', '')
    """
    found = AUTHORITY.fullmatch(host.lower())
    return found["name"] if found else ""


def bracketed(host: str) -> str:
    """Return a host as it stands in a URL: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host

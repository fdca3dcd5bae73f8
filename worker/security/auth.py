"""Access control of every request, before its body is read.

Three checks, in this order. Browsers are refused: a page can send requests to a worker on its
reader's machine or network, under a name that its author lets resolve to the worker's address (DNS
rebinding); so ``Host`` must be one of this worker's own names, and there must be no ``Origin``. The
token must be right. Without it, an address is answered 401 up to a rate, and 429 above it. Pairing,
while a code is valid, asks for no token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address

from multidict import CIMultiDict, CIMultiDictProxy

from tiling.protocol.token import Token
from worker.errors import Kind, RefusedError
from worker.rate_limit import RateLimit

WRONG_PER_S = 10.0
"""Wrong tokens of one address in a second that are answered 401; more are answered 429.

The right token is accepted at any rate: 256 bits can't be guessed, and clients that share an
address with an attacker must not be locked out.
"""

AUTHORITY = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\[\]:@/\s]+)(:[0-9]{1,5})?")
"""``Host``: a name, an IPv4 address or an IPv6 address in brackets; a port."""


class Guard:
    """The access rules of one worker.

    Parameters
    ----------
    token : Token or None
        Wanted from every request; None accepts requests without one.
    names : iterable of str
        Names of this worker in ``Host``, in any case, besides the address that the connection came
        to. The port is not compared: an attacker chooses the name, and tunnels and mapped ports
        change it.
    throttle : RateLimit, optional
        Rate limit of wrong tokens.
    """

    def __init__(
        self,
        token: Token | None = None,
        names: Iterable[str] = (),
        throttle: RateLimit | None = None,
    ) -> None:
        self._token = token
        self._names = frozenset(map(name_of, names))
        self._throttle = RateLimit(WRONG_PER_S, WRONG_PER_S) if throttle is None else throttle

    def adopt(self, token: Token) -> None:
        """Want another token from now on; what was let in before goes on."""
        self._token = token

    def check(
        self,
        headers: CIMultiDict[str] | CIMultiDictProxy[str],
        local: str,
        remote: str,
        now: float,
    ) -> None:
        """Refuse a request that may not be served.

        Parameters
        ----------
        headers : multidict
        local : str
            Address that the connection came to.
        remote : str
            Address that it came from.
        now : float
            Time in seconds, of a monotonic clock.

        Raises
        ------
        RefusedError
        """
        self.check_browser(headers, local)
        if self._token is None:
            return
        tokens = headers.getall("Authorization", [])
        if len(tokens) == 1 and self._token.matches(tokens[0]):
            return
        if not self._throttle.allows(remote, now):
            detail = "too many requests without the token: wait"
            raise RefusedError(Kind.THROTTLED, detail, {"Retry-After": "1"})
        raise RefusedError(
            Kind.UNAUTHORIZED,
            "send the token of this worker's token file as Authorization: Bearer ...",
            {"WWW-Authenticate": "Bearer"},
        )

    def check_browser(self, headers: CIMultiDict[str] | CIMultiDictProxy[str], local: str) -> None:
        """Refuse what a page in a browser may have sent.

        Parameters
        ----------
        headers : multidict
        local : str
            Address that the connection came to.

        Raises
        ------
        RefusedError
        """
        if "Origin" in headers:
            raise RefusedError(Kind.ORIGIN, "pages in browsers may not use a worker")
        hosts = headers.getall("Host", [])
        if len(hosts) != 1 or not self._is_own_name(hosts[0], local):
            host = hosts[0][:80] if len(hosts) == 1 else f"{len(hosts)} times"
            detail = f"Host: {host} is no name of this worker: start it with --allow-host NAME"
            raise RefusedError(Kind.HOST, detail)

    def _is_own_name(self, host: str, address: str) -> bool:
        names = {*self._names, bracketed(address)} - {""}
        if ip_address(address).is_loopback:
            names.add("localhost")
        return name_of(host) in names


def name_of(host: str) -> str:
    """Return the name in a host that may carry a port, in lower case.

    >>> name_of("Node1:8080"), name_of("[::1]:80"), name_of("evil@node1"), name_of("")
    ('node1', '[::1]', '', '')
    """
    match = AUTHORITY.fullmatch(host.lower())
    return match["name"] if match else ""


def bracketed(host: str) -> str:
    """Return a host as it stands in a URL: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host

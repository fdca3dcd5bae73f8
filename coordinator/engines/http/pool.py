"""Connections to the fleet, kept for the next requests."""

from __future__ import annotations

import ssl
from collections import defaultdict
from collections.abc import Mapping

from coordinator.engines.http.connection import Connection
from coordinator.engines.http.network import TCP, Network


class ConnectionPool:
    """Connections to any number of workers; any thread may take and return them.

    Parameters
    ----------
    connect_timeout_s : float
        Longest wait for a connection.
    headers : mapping
        Sent with every request.
    network : Network
        Connects; TCP unless given.
    """

    def __init__(
        self, connect_timeout_s: float, headers: Mapping[str, str], network: Network = TCP
    ) -> None:
        self.headers = dict(headers)
        self._connect_timeout_s = connect_timeout_s
        self._network = network
        self._resting: defaultdict[str, list[Connection]] = defaultdict(list)
        self._used: set[Connection] = set()
        self._closed = False

    def take(self, url: str, tls: ssl.SSLContext | None) -> Connection:
        """Return a connection for one exchange: one that rests, or a new one, opened on use."""
        resting = self._resting[url]
        while resting:
            connection = resting.pop()
            if connection.usable:
                break
            connection.close()
        else:
            connection = Connection(url, self._connect_timeout_s, tls, self._network)
        self._used.add(connection)
        return connection

    def give_back(self, connection: Connection) -> None:
        """Keep a connection whose answer was read."""
        self._used.discard(connection)
        connection.rest()
        self._resting[connection.url].append(connection)
        if self._closed:
            self._close_resting()

    def drop(self, connection: Connection) -> None:
        """Close a connection whose exchange failed, or is not wanted any more."""
        self._used.discard(connection)
        connection.close()

    def close(self) -> None:
        """Break off every exchange, and close what rests, now and later."""
        self._closed = True
        for connection in tuple(self._used):
            connection.abort()
        self._close_resting()

    def _close_resting(self) -> None:
        for connections in tuple(self._resting.values()):
            while connections:
                connections.pop().close()

"""Connections to the fleet, and the threads in which they are waited for."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar

from coordinator.engines.http.connection import Connection

T = TypeVar("T")

THREADS = 4096
"""Exchanges at the same time, at most; a thread is started for each that finds none idle."""


class ConnectionPool:
    """Carries requests to any number of workers, and keeps connections for the next ones.

    Parameters
    ----------
    connect_timeout_s : float
        Longest wait for a connection.
    headers : mapping
        Shown with every request.
    """

    def __init__(self, connect_timeout_s: float, headers: Mapping[str, str]) -> None:
        self.headers = dict(headers)
        self._connect_timeout_s = connect_timeout_s
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="tilefan")
        self._resting: defaultdict[str, list[Connection]] = defaultdict(list)

    async def use(self, url: str, tls: ssl.SSLContext | None, work: Callable[[Connection], T]) -> T:
        """Do some work with a connection, in a thread; cancelled, the work is broken off."""
        connection = self._take(url, tls)
        future = self._threads.submit(self._do, url, connection, work)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if future.cancel() or future.cancelled():
                connection.close()
            else:
                connection.abort()
            raise

    def close(self) -> None:
        """Wait for the threads, and close what rests."""
        self._threads.shutdown()
        for connections in self._resting.values():
            while connections:
                connections.pop().close()

    def __enter__(self) -> Self:
        """Return the session."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _take(self, url: str, tls: ssl.SSLContext | None) -> Connection:
        resting = self._resting[url]
        while resting:
            connection = resting.pop()
            if connection.usable:
                return connection
            connection.close()
        return Connection(url, self._connect_timeout_s, tls)

    def _do(self, url: str, connection: Connection, work: Callable[[Connection], T]) -> T:
        try:
            result = work(connection)
        except BaseException:
            connection.close()
            raise
        connection.rest()
        self._resting[url].append(connection)
        return result

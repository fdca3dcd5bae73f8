"""The inbox of a run's loop: reports of threads, answers that begin to arrive, and the time."""

from __future__ import annotations

import queue
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from math import inf
from typing import Any, Generic, Protocol, TypeVar

Report = TypeVar("Report")


class Readable(Protocol):
    """An exchange whose request is sent."""

    def fileno(self) -> int:
        """Return the descriptor of its socket."""


class Inbox(Generic[Report]):
    """A queue and a selector that are waited for together.

    Any thread may `put`; everything else is for the thread of the loop.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._queue: queue.Queue[Report] = queue.Queue()
        self._selector = selectors.DefaultSelector()
        self._bell, self._heard = socket.socketpair()
        self._bell.setblocking(False)
        self._heard.setblocking(False)
        self._selector.register(self._heard, selectors.EVENT_READ)

    def put(self, report: Report) -> bool:
        """Report something to the loop; return whether it still takes reports."""
        with self._lock:
            if self._closed:
                return False
            self._queue.put(report)
            with suppress(BlockingIOError):  # it rings already
                self._bell.send(b"\0")
        return True

    def watch(self, exchange: Readable) -> None:
        """Wait until this can be read too."""
        self._selector.register(exchange, selectors.EVENT_READ)

    def forget(self, exchange: Readable) -> bool:
        """Stop waiting for an exchange; return whether it was waited for."""
        try:
            self._selector.unregister(exchange)
        except (KeyError, ValueError):
            return False
        return True

    def wait(self, until: float = inf) -> list[Any]:
        """Return the exchanges that can be read now; wait for one, a report, or the time.

        Parameters
        ----------
        until : float
            On the monotonic clock, in seconds.
        """
        if not self._queue.empty():
            until = 0.0
        left_s = None if until == inf else max(0.0, until - time.monotonic())
        ready = [key.fileobj for key, _ in self._selector.select(left_s)]
        if self._heard in ready:
            ready.remove(self._heard)
            with suppress(BlockingIOError):
                while self._heard.recv(2**12):
                    pass
        for exchange in ready:
            self._selector.unregister(exchange)
        return ready

    def reports(self) -> Iterator[Report]:
        """Take what was reported so far, one after another."""
        return (self._queue.get_nowait() for _ in range(self._queue.qsize()))

    def close(self) -> Iterator[Report]:
        """Stop waiting for anything; return the reports that nobody took."""
        with self._lock:
            self._closed = True
        self._selector.close()
        self._bell.close()
        self._heard.close()
        return self.reports()
